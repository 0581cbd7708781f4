//! Due: which systems are to be read now.
//!
//! Absent: the reading itself and its own retries. Invariants: no more cycles run at once than declared; the longest overdue
//! goes first, so that no system starves; a system whose cycles fail is tried ever less often, but always again.

use crate::retry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xops_kernel::record::Millis;

/// The wait after the first cycle that failed, in milliseconds; it doubles with each. Chosen as the breaker's
/// first opening, which a system that is down meets first anyway.
pub const FAILED_MS: u64 = 5_000;
/// However often it failed, a system is tried again after this, in milliseconds: the breaker's longest opening.
pub const FAILED_MS_MAX: u64 = 300_000;

/// How a system stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How old its readings may be, in milliseconds.
    pub max_age_ms: u64,
    /// When the oldest of its newest complete readings began; `None` while one of its reads was never complete.
    pub complete_at: Option<Millis>,
    /// When the last cycle ended that was not complete, and how many such there were in a row.
    pub failed: Option<(Millis, u32)>,
    /// Whether a cycle is under way.
    pub reading: bool,
}

/// A system and since when it is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Due {
    /// Since when, or from when on.
    pub since: Millis,
    /// The system.
    pub system: String,
}

/// When the cycle of `system` is due: at half of the age that its readings may have, so that one cycle may fail before
/// anything is stale; after a failure not before its backoff is over.
pub fn due_at(system: &str, standing: &Standing) -> Millis {
    let refresh = standing.complete_at.map_or(0, |at| at.saturating_add((standing.max_age_ms / 2).max(1)));
    let after_failure = standing.failed.map_or(0, |(at, times)| {
        let bound = retry::bound_ms(times, FAILED_MS, FAILED_MS_MAX);
        let jitter = retry::below(bound / 2 + 1, times, retry::seed_of(&[system]));
        at.saturating_add(bound / 2 + jitter)
    });
    refresh.max(after_failure)
}

/// The systems whose cycle is to begin at `now`, the longest overdue first, so that at most `at_once_max` run.
pub fn due(systems: &BTreeMap<String, Standing>, now: Millis, at_once_max: usize) -> Vec<Due> {
    let reading = systems.values().filter(|standing| standing.reading).count();
    let mut due: Vec<Due> = waiting(systems).filter(|due| due.since <= now).collect();
    due.sort();
    due.truncate(at_once_max.saturating_sub(reading));
    due
}

/// When to ask again: the first time at which a system that is not being read is due.
pub fn next_at(systems: &BTreeMap<String, Standing>) -> Option<Millis> {
    waiting(systems).map(|due| due.since).min()
}

fn waiting(systems: &BTreeMap<String, Standing>) -> impl Iterator<Item = Due> {
    let idle = systems.iter().filter(|(_, standing)| !standing.reading);
    idle.map(|(system, standing)| Due { since: due_at(system, standing), system: system.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(max_age_ms: u64, complete_at: Option<Millis>) -> Standing {
        Standing { max_age_ms, complete_at, ..Standing::default() }
    }

    fn check(systems: &[(&str, Standing)], now: Millis, at_once_max: usize, expect: &[&str]) {
        let systems = systems.iter().map(|(name, standing)| ((*name).to_owned(), standing.clone())).collect();
        let names: Vec<String> = due(&systems, now, at_once_max).into_iter().map(|due| due.system).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn a_system_is_read_again_at_half_of_its_greatest_age() {
        let okta = [("okta", standing(1_000, Some(100)))];
        check(&okta, 599, 9, &[]);
        check(&okta, 600, 9, &["okta"]);
    }

    #[test]
    fn what_was_never_read_goes_first_and_no_more_go_at_once_than_declared() {
        let under_way = Standing { reading: true, ..standing(10, Some(0)) };
        let systems = [
            ("intune", standing(100, Some(50))),
            ("okta", standing(100, Some(10))),
            ("slack", under_way),
            ("workday", standing(100, None)),
        ];
        check(&systems, 1_000, 3, &["workday", "okta"]);
        check(&systems, 1_000, 1, &[]);
    }

    #[test]
    fn a_system_that_fails_is_tried_ever_less_often_but_always_again() {
        let at = |times| due_at("okta", &Standing { failed: Some((0, times)), ..standing(1_000, None) });
        assert!((2_500..=5_000).contains(&at(1)), "{}", at(1));
        assert!(at(4) > at(1));
        assert!((150_000..=300_000).contains(&at(u32::MAX)), "{}", at(u32::MAX));
    }

    #[test]
    fn a_greatest_age_of_nothing_does_not_make_a_system_due_at_every_moment() {
        check(&[("okta", standing(0, Some(100)))], 100, 9, &[]);
    }
}
