//! What readings of changes prove: with what was before and what is gone they are as good as whole, and across a gap they prove
//! nothing.

use super::*;
use crate::reading::Follows;

/// A reading of changes of `okta.user` that follows the one that began at `after`.
fn changes(after: Millis, at: Millis, texts: &[&str], gone: &[&str]) -> (Reading, Option<Follows>) {
    let gone = gone.iter().map(|id| (*id).to_owned()).collect();
    (partial("okta.user", at, texts), Some(Follows { at: after, gone }))
}

fn whole(reading: Reading) -> (Reading, Option<Follows>) {
    (reading, None)
}

/// Applies readings and shows Sarah's `login` at `now`.
fn check_follow(readings: &[(Reading, Option<Follows>)], now: Millis, expect: &str) {
    let mut graph = graph();
    graph.apply(reading("workday.worker", now, &[SARAH]));
    for (reading, follows) in readings {
        match follows {
            Some(follows) => graph.follow(reading.clone(), follows),
            None => graph.apply(reading.clone()),
        };
    }
    let facts = graph.facts(sarah(&graph), now).expect("she was minted");
    assert_eq!(show(&facts["login"]), expect);
}

const USER: &str = "okta.user/u1 email=sarah@acme.com login=sarah";

#[test]
fn what_the_changes_do_not_speak_of_is_as_fresh_as_they_are() {
    let first = whole(reading("okta.user", 1, &[USER]));
    let later = AGE + 500;
    let steps = [first.clone(), changes(1, AGE, &[], &[])];
    check_follow(&steps, later, "sarah from okta.user/u1");
    check_follow(&[first], later, "stale: okta.user/u1 was last read too long ago");
}

#[test]
fn what_the_system_says_is_gone_is_proven_absent_and_what_is_new_is_there() {
    let first = whole(reading("okta.user", 1, &[USER]));
    check_follow(&[first.clone(), changes(1, 2, &[], &["u1"])], 2, "absent by okta.users");
    let renamed = "okta.user/u1 email=sarah@acme.com login=s.chen";
    check_follow(&[first.clone(), changes(1, 2, &[renamed], &[])], 2, "s.chen from okta.user/u1");
    let again = [first, changes(1, 2, &[], &["u1"]), changes(2, 3, &[USER], &[])];
    check_follow(&again, 3, "sarah from okta.user/u1");
}

#[test]
fn across_a_gap_nothing_is_proven_until_it_is_read_whole() {
    let first = whole(reading("okta.user", 1, &[USER]));
    let gap = changes(2, 3, &[], &["u1"]);
    let why = "incomplete read: okta.users failed: what changed was read from a place that is not the end of the last \
               whole reading";
    check_follow(&[whole(reading("okta.user", 1, &[])), changes(2, 3, &[], &[])], 3, why);
    check_follow(&[changes(2, 3, &[], &[])], 3, why);
    check_follow(&[first, gap, whole(reading("okta.user", 4, &[]))], 4, "absent by okta.users");
}

#[test]
fn changes_that_fail_take_the_proof_away() {
    let (mut failed, follows) = changes(1, 2, &[], &[]);
    failed.failed = Some("503".to_owned());
    assert!(follows.is_some());
    check_follow(
        &[whole(reading("okta.user", 1, &[])), whole(failed)],
        2,
        "incomplete read: okta.users failed: 503",
    );
}
