//! Who is who: minting, links by exact keys, finding, and what is never guessed.

use super::*;
use crate::exception::Kind;
use xops_kernel::fact::Reason;

const TWIN: &str = "workday.worker/w2 handle=tom.chen email=Sarah@Acme.com";

fn workers(at: Millis, texts: &[&str]) -> Reading {
    reading("workday.worker", at, texts)
}

fn find(graph: &Graph, name: &str, value: &str) -> Found {
    graph.find("person", &BTreeMap::from([(name.to_owned(), Value::from(value))]))
}

#[test]
fn an_entity_keeps_its_id_when_its_record_leaves_and_comes_back() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH]));
    let id = sarah(&graph);
    graph.apply(workers(2, &[]));
    assert_eq!(graph.entities("person").count(), 0);
    assert_eq!(graph.kind(id), Some("person"), "an id that was issued resolves for ever");
    assert_eq!(show(&graph.facts(id, 2).unwrap()["handle"]), "absent by workday.workers");
    graph.apply(workers(3, &[SARAH]));
    assert_eq!(sarah(&graph), id);
    assert_eq!(graph.handle(id).as_deref(), Some("sarah.chen"));
}

#[test]
fn a_link_ignores_case_and_space_and_gives_the_record() {
    let mut graph = graph();
    graph.apply(reading(
        "okta.user",
        1,
        &["okta.user/u1 email=SARAH@ACME.COM login=s", "okta.user/u2 email=x@acme.com"],
    ));
    graph.apply(workers(1, &[SARAH]));
    match graph.link(sarah(&graph), "okta", 1) {
        Observation::Present(record) => assert_eq!(record.source.id, "u1"),
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(graph.link(sarah(&graph), "okta", 2 + AGE), Observation::Unknown(doubt) if doubt.reason == Reason::Stale)
    );
}

#[test]
fn a_subject_has_its_facts_and_its_records_in_every_system() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH]));
    graph.apply(reading("okta.user", 1, &[]));
    let subject = graph.subject(sarah(&graph), 1).unwrap();
    assert_eq!((subject.kind.as_str(), subject.facts.len()), ("person", 6));
    assert!(subject.links["workday"].presence().is_some());
    assert!(subject.links["okta"].absence().is_some());
    assert!(matches!(subject.links["slack"], Observation::Unknown(_)));
    assert!(graph.subject(EntityId([9; 16]), 1).is_none());
}

#[test]
fn a_link_may_hang_on_the_record_of_another_link() {
    let slack = reading("slack.user", 1, &["slack.user/U9 email=sarah.login status=active"]);
    let okta = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com login=sarah.login"]);
    for readings in [[workers(1, &[SARAH]), slack.clone(), okta.clone()], [okta, slack, workers(1, &[SARAH])]]
    {
        check(&readings, "status", 1, "active from slack.user/U9");
    }
}

#[test]
fn two_records_with_one_key_are_a_conflict_and_an_exception() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH]));
    graph.apply(reading(
        "okta.user",
        1,
        &["okta.user/u1 email=sarah@acme.com", "okta.user/u2 email=sarah@acme.com"],
    ));
    let Observation::Unknown(doubt) = graph.link(sarah(&graph), "okta", 1) else { panic!("it is ambiguous") };
    assert_eq!(doubt.reason, Reason::Conflict);
    let exceptions = graph.exceptions(1);
    assert_eq!(exceptions[0].kind, Kind::AmbiguousIdentity);
    assert_eq!(exceptions[0].lineage.len(), 3);
}

#[test]
fn two_entities_with_one_key_are_a_conflict_also_where_no_record_has_it() {
    let mut graph = graph();
    graph.apply(reading("okta.user", 1, &[]));
    graph.apply(workers(1, &[SARAH, TWIN]));
    let Observation::Unknown(doubt) = graph.link(sarah(&graph), "okta", 1) else { panic!("it is ambiguous") };
    assert_eq!(doubt.reason, Reason::Conflict);
    assert!(graph.exceptions(1).iter().any(|exception| exception.kind == Kind::AmbiguousIdentity));
    graph.apply(workers(2, &[SARAH]));
    assert!(graph.link(sarah(&graph), "okta", 2).absence().is_some(), "the twin is gone and its key free");
}

#[test]
fn an_entity_without_the_key_is_joined_to_nothing_and_proven_absent_nowhere() {
    let mut graph = graph();
    graph.apply(workers(1, &["workday.worker/w1 handle=sarah.chen"]));
    graph.apply(reading("okta.user", 1, &["okta.user/u1 login=s", "okta.user/u2 email=null"]));
    assert!(matches!(graph.link(sarah(&graph), "okta", 1), Observation::Unknown(_)));
}

#[test]
fn a_source_cannot_help_to_find_its_own_record() {
    let okta = reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com"]);
    let nameless = workers(1, &["workday.worker/w1 handle=sarah.chen"]);
    check(&[nameless, okta], "email", 1, "incomplete read: `person.email`, the key to `okta`, has no value");
}

#[test]
fn an_emptied_key_frees_whoever_shared_it() {
    let mut graph = graph();
    graph.apply(reading("okta.user", 1, &["okta.user/u1 email=sarah@acme.com"]));
    graph.apply(workers(1, &[SARAH, TWIN]));
    assert!(graph.link(sarah(&graph), "okta", 1).presence().is_none());
    let touched = graph.apply(workers(2, &[SARAH, "workday.worker/w2 handle=tom.chen email=tom@acme.com"]));
    assert!(touched.entities.contains(&sarah(&graph)));
    assert!(graph.link(sarah(&graph), "okta", 2).presence().is_some());
}

#[test]
fn finding_tells_nobody_from_not_known() {
    let mut graph = graph();
    assert!(
        matches!(find(&graph, "handle", "tom"), Found::Unknown(doubt) if doubt.reason == Reason::NeverRead)
    );
    graph.apply(workers(1, &[SARAH, TWIN]).broken_off("timeout"));
    assert!(
        matches!(find(&graph, "handle", "tom"), Found::Unknown(doubt) if doubt.reason == Reason::Incomplete)
    );
    graph.apply(workers(2, &[SARAH, TWIN]));
    graph.apply(reading("okta.user", 2, &[]));
    assert_eq!(find(&graph, "handle", "tom"), Found::None);
    assert_eq!(find(&graph, "handle", " Sarah.Chen "), Found::One(sarah(&graph)));
    assert!(matches!(find(&graph, "email", "sarah@acme.com"), Found::Many(both) if both.len() == 2));
    assert!(
        matches!(find(&graph, "shoe_size", "39"), Found::Unknown(doubt) if doubt.reason == Reason::Unexpected)
    );
}

#[test]
fn an_attribute_without_an_index_is_found_too() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH, "workday.worker/w2 handle=tom title=Cook"]));
    graph.apply(reading("okta.user", 1, &[]));
    assert_eq!(find(&graph, "title", "engineer"), Found::Unknown(doubt_of(&graph)));
    graph.apply(workers(2, &[SARAH, "workday.worker/w2 handle=tom email=t@acme.com title=Cook"]));
    assert_eq!(find(&graph, "title", "engineer"), Found::One(sarah(&graph)));
}

/// Tom has no email, so nobody knows whether okta, the better source, gives him the title that is looked for.
fn doubt_of(graph: &Graph) -> xops_kernel::fact::Doubt {
    let Found::One(tom) = graph.find_handle("person", "tom") else { panic!("tom is there") };
    match graph.facts(tom, 1).unwrap().remove("title") {
        Some(Observation::Unknown(doubt)) => doubt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reading_touches_those_whose_facts_it_may_change() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH, "workday.worker/w2 handle=tom email=t@acme.com"]));
    let okta = |at, title: &str| {
        let user = format!("okta.user/u1 email=sarah@acme.com title={title}");
        reading("okta.user", at, &[&user])
    };
    assert_eq!(
        graph.apply(okta(1, "Lead")).entities.len(),
        2,
        "what okta does not hold is now proven absent"
    );
    assert_eq!(graph.apply(okta(2, "Lead")).entities.len(), 0);
    assert_eq!(graph.apply(okta(3, "Chief")).entities.into_iter().collect::<Vec<_>>(), [sarah(&graph)]);
    assert_eq!(graph.apply(okta(5 + AGE, "Chief")).entities.len(), 2, "it had grown stale between");
    let moved = [
        "workday.worker/w1 handle=sarah.chen email=t@acme.com",
        "workday.worker/w2 handle=tom email=t@acme.com",
    ];
    assert_eq!(graph.apply(workers(2, &moved)).entities.len(), 2, "a key that becomes shared touches both");
}

#[test]
fn two_kinds_minted_by_one_kind_of_record_are_an_exception_and_no_guess() {
    let mut declarations = declarations();
    let mut other = declarations.entities["person"].clone();
    other.name = "robot".into();
    declarations.entities.insert("robot".into(), other);
    let mut graph = Graph::new(Arc::new(declarations), DigestKey([7; 32]));
    graph.apply(workers(1, &[SARAH]));
    assert_eq!((graph.entities("person").count(), graph.entities("robot").count()), (1, 0));
    assert!(graph.exceptions(1).iter().any(|exception| exception.kind == Kind::Declaration));
}

#[test]
fn the_size_counts_entities_records_links_and_exceptions() {
    let mut graph = graph();
    graph.apply(workers(1, &[SARAH, TWIN, "workday.worker/w3 handle=ada email=ada@acme.com"]));
    graph.apply(reading("okta.user", 1, &["okta.user/u1 email=ada@acme.com"]));
    let size = graph.size();
    assert_eq!(size.entities["person"], 3);
    assert_eq!((size.records["workday"], size.records["okta"]), (3, 1));
    assert_eq!((size.links, size.exceptions), (1, 1));
}
