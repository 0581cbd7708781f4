//! Who follows a reading leaves out only what would say what it said: neither what went stale meanwhile nor what is joined otherwise now.

use super::column::digests;
use super::world::{NOW, empty, read};
use super::*;

/// Follows readings, each at its time, and holds the columns to those that are filled at the last of these times.
fn check(readings: &[(Millis, Reading)], differs: bool) {
    let (mut graph, mut columns) = empty();
    let mut seen = Vec::new();
    for (now, reading) in readings {
        let touched = graph.apply(reading.clone());
        columns.follow(&graph, &reading.system, &touched, *now);
        seen.push(digests(&columns));
    }
    let (_, mut filled) = empty();
    let last = readings.last().expect("a reading").0;
    filled.fill(&graph, last);
    assert_eq!(seen.last(), Some(&digests(&filled)));
    let before = seen.len() - 2;
    assert_eq!(seen[before] != seen[before + 1], differs, "whether the last reading shows");
}

fn okta(at: Millis, login: &str, groups: &str) -> Reading {
    let user = format!("okta.user/o1 email=sarah@acme.com login={login} groups={groups} title=Clerk");
    read("okta.user", at, &[&user], true)
}

fn slack(at: Millis) -> Reading {
    let users = ["slack.user/s1 email=sarah channels=general", "slack.user/s2 email=sal channels=chess"];
    read("slack.user", at, &users, true)
}

#[test]
fn a_record_that_nothing_moved_is_as_it_was() {
    let (worker, user) = (read("workday.worker", 10, &[SARAH], true), okta(10, "sarah", "eng"));
    check(&[(NOW, worker), (NOW, user), (NOW, slack(10)), (NOW, okta(20, "sarah", "eng"))], false);
}

#[test]
fn a_record_that_is_joined_by_another_name_now_is_asked_for() {
    let (worker, user) = (read("workday.worker", 10, &[SARAH], true), okta(10, "sarah", "eng"));
    check(&[(NOW, worker), (NOW, user), (NOW, slack(10)), (NOW, okta(20, "sal", "eng"))], true);
}

#[test]
fn a_record_that_went_stale_since_is_asked_for() {
    let (worker, user) = (read("workday.worker", 600, &[SARAH], true), okta(600, "sarah", "eng"));
    let (then, stale) = (650, 10 + AGE + 1);
    check(&[(then, worker), (then, user), (then, slack(10)), (stale, okta(700, "sarah", "other"))], true);
}
