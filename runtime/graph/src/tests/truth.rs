//! What is true: authority, age, proofs of absence, and what never counts as one.

use super::*;
use crate::exception::Kind;

fn workers(at: Millis) -> Reading {
    reading("workday.worker", at, &[SARAH])
}

#[test]
fn the_most_authoritative_source_wins() {
    let okta = reading("okta.user", 1, &["okta.user/u1 email=SARAH@acme.com title=Lead"]);
    check(&[workers(1), okta.clone()], "title", 1, "Lead from okta.user/u1");
    check(&[okta, workers(1)], "email", 1, "sarah@acme.com from workday.worker/w1");
}

#[test]
fn the_next_source_wins_only_where_the_better_one_is_proven_to_say_nothing() {
    check(&[workers(1)], "title", 1, "never read: nothing has read okta.user yet");
    check(&[workers(1), reading("okta.user", 1, &[])], "title", 1, "Engineer from workday.worker/w1");
    let silent = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com title=null"]);
    check(&[workers(1), silent], "title", 1, "Engineer from workday.worker/w1");
}

#[test]
fn a_better_source_that_is_down_is_never_silently_replaced() {
    let down = reading("okta.user", 1, &[]).broken_off("503");
    check(&[workers(1), down.clone()], "title", 1, "incomplete read: okta.users failed: 503");
    let whole = reading("okta.user", 0, &[]);
    check(&[workers(1), whole, down], "title", 1, "incomplete read: okta.users failed: 503");
}

#[test]
fn a_partial_reading_proves_no_absence() {
    check(
        &[workers(1), partial("okta.user", 1, &[])],
        "title",
        1,
        "incomplete read: okta.users was read only in part",
    );
}

#[test]
fn a_record_of_the_better_source_that_is_stale_hides_the_next_source() {
    let okta = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com title=Lead"]);
    let now = 2 + AGE;
    check(&[workers(now), okta], "title", now, "stale: okta.user/u1 was last read too long ago");
}

#[test]
fn a_snapshot_that_is_stale_proves_no_absence() {
    let readings = [workers(5 * AGE), reading("okta.user", 1, &[])];
    check(&readings, "title", 1 + AGE, "Engineer from workday.worker/w1");
    check(&readings, "title", 2 + AGE, "stale: okta.users is stale");
}

#[test]
fn an_attribute_that_no_source_gives_is_proven_absent() {
    check(&[workers(1)], "ends", 1, "absent by workday.workers");
    check(&[workers(1), reading("okta.user", 1, &[])], "login", 1, "absent by okta.users");
}

#[test]
fn a_value_of_another_type_is_unknown_and_an_exception() {
    let wrong = "workday.worker/w1 handle=sarah.chen ends=tomorrow";
    let wrong = reading("workday.worker", 1, &[wrong]);
    check(
        std::slice::from_ref(&wrong),
        "ends",
        1,
        "unexpected answer: `ends` of workday.worker/w1 is text, not date",
    );
    let mut graph = graph();
    graph.apply(wrong);
    let exceptions = graph.exceptions(1);
    let found = exceptions.iter().find(|exception| exception.kind == Kind::WrongType).expect("a wrong type");
    assert_eq!(found.blocks, ["person.ends"]);
    assert_eq!(found.owner, "workday owners");
    assert_eq!(found.lineage[0].id, "w1");
}

#[test]
fn a_record_that_a_newer_whole_reading_does_not_hold_is_gone() {
    let before = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com login=sarah"]);
    let after = reading("okta.user", 2, &[]);
    check(&[workers(1), before.clone()], "login", 2, "sarah from okta.user/u1");
    check(&[workers(1), before.clone(), after.clone()], "login", 2, "absent by okta.users");
    check(&[workers(1), after, before], "login", 2, "absent by okta.users");
}

#[test]
fn a_record_that_an_incomplete_reading_does_not_hold_stays_until_it_is_stale() {
    let before = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com login=sarah"]);
    let failed = reading("okta.user", 2, &[]).broken_off("page 3 of 9: 500");
    let readings = [workers(9), before, failed, partial("okta.user", 3, &[])];
    check(&readings, "login", 3, "sarah from okta.user/u1");
    check(&readings, "login", 2 + AGE, "stale: okta.user/u1 was last read too long ago");
}

#[test]
fn an_older_reading_never_overwrites_a_newer_one() {
    let old = partial("okta.user", 4, &["okta.user/u1 email=sarah@acme.com login=old"]);
    let new = partial("okta.user", 5, &["okta.user/u1 email=sarah@acme.com login=new"]);
    check(&[workers(5), new.clone(), old.clone()], "login", 5, "new from okta.user/u1");
    check(&[workers(5), old, new], "login", 5, "new from okta.user/u1");
}

#[test]
fn what_a_delta_showed_goes_when_a_newer_whole_reading_does_not_show_it() {
    let mut delta = partial("okta.user", 4, &["okta.user/u1 email=sarah@acme.com login=sarah"]);
    delta.read = "changes".into();
    check(&[workers(5), delta.clone(), reading("okta.user", 3, &[])], "login", 5, "sarah from okta.user/u1");
    check(&[workers(5), reading("okta.user", 5, &[]), delta], "login", 5, "absent by okta.users");
}

#[test]
fn two_reads_of_one_kind_do_not_delete_each_others_records() {
    let active = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com login=sarah"]);
    let inactive = Reading { read: "inactive".into(), ..reading("okta.user", 2, &[]) };
    check(&[workers(2), active, inactive], "login", 2, "sarah from okta.user/u1");
}

#[test]
fn a_read_that_is_expected_and_was_never_made_proves_nothing() {
    let mut graph = graph();
    graph.expect([contract("okta", "users", "user", None), contract("okta", "inactive", "user", None)]);
    graph.apply(workers(1));
    graph.apply(reading("okta.user", 1, &[]));
    let facts = graph.facts(sarah(&graph), 1).unwrap();
    assert_eq!(show(&facts["login"]), "never read: okta.inactive was never read");
}

#[test]
fn a_read_made_for_each_of_a_kind_counts_for_those_that_are_there() {
    let mut graph = graph();
    graph.expect([
        contract("okta", "groups", "group", None),
        contract("okta", "members", "member", Some("group")),
    ]);
    let groups = |at, ids: &[&str]| reading("okta.group", at, ids);
    graph.apply(groups(1, &["okta.group/g1", "okta.group/g2"]));
    graph.apply(reading("okta.member", 1, &["okta.member/m1 user=u1"]).made_for("g1"));
    assert!(graph.coverage("okta", "member", 1).unwrap_err().to_string().contains("never read"));
    graph.apply(reading("okta.member", 1, &["okta.member/m1 user=u1"]).made_for("g2").broken_off("404"));
    assert!(graph.coverage("okta", "member", 1).is_err());
    assert_eq!(graph.freshness("okta")["members"].complete_at, None);
    graph.apply(groups(2, &["okta.group/g1"]));
    assert!(graph.coverage("okta", "member", 2).is_ok(), "the group without its members is gone");
    assert_eq!(graph.freshness("okta")["members"].complete_at, Some(1));
    graph.apply(groups(3, &[]).broken_off("page 2: 500"));
    assert!(graph.coverage("okta", "member", 3).is_err(), "there may be groups that nobody has seen");
}

#[test]
fn one_id_with_two_contents_in_a_reading_is_believed_in_neither_and_lost_in_neither() {
    let twice =
        ["okta.user/u1 email=sarah@acme.com login=one", "okta.user/u1 email=sarah@acme.com login=two"];
    let twice = reading("okta.user", 1, &twice);
    check(
        &[workers(1), twice.clone()],
        "login",
        1,
        "conflict: okta.user/u1 was read with different contents",
    );
    let mut graph = graph();
    graph.apply(twice);
    assert_eq!(graph.records("okta", "user").count(), 2);
    assert!(graph.exceptions(1).iter().any(|exception| exception.kind == Kind::Conflict));
    graph.apply(reading("okta.user", 2, &["okta.user/u1 email=sarah@acme.com login=two"]));
    assert!(graph.exceptions(2).is_empty(), "it goes when its cause goes");
}

#[test]
fn the_same_record_twice_in_a_reading_is_one_record() {
    let user = "okta.user/u1 email=sarah@acme.com login=sarah";
    check(&[workers(1), reading("okta.user", 1, &[user, user])], "login", 1, "sarah from okta.user/u1");
}

#[test]
fn a_record_without_an_id_or_of_another_kind_is_set_aside_as_an_exception() {
    let mut graph = graph();
    let touched = graph.apply(reading(
        "workday.worker",
        1,
        &["workday.worker/ handle=nobody", "okta.user/x handle=odd"],
    ));
    assert!(touched.entities.is_empty());
    assert_eq!(graph.entities("person").count(), 0);
    let kinds: Vec<Kind> = graph.exceptions(1).iter().map(|exception| exception.kind).collect();
    assert_eq!(kinds, [Kind::Malformed, Kind::Malformed]);
}

#[test]
fn an_exception_keeps_its_id_while_its_cause_is_read_again() {
    let ids = |at| {
        let mut graph = graph();
        graph.apply(reading("okta.user", at, &[]).broken_off("503"));
        graph.exceptions(at).into_iter().map(|exception| (exception.kind, exception.id)).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(2));
    assert_eq!(ids(1)[0].0, Kind::IncompleteSource);
}

#[test]
fn a_source_that_grew_old_is_an_exception() {
    let mut graph = graph();
    graph.apply(workers(1));
    assert!(graph.exceptions(1 + AGE).is_empty());
    assert_eq!(graph.exceptions(2 + AGE)[0].kind, Kind::StaleSource);
}
