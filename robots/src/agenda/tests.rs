//! The agenda as the daemon uses it: everything that drifted gets its turn, however much comes meanwhile.

use super::*;
use proptest::prelude::*;
use xops_kernel::id::{Digest, EntityId};

fn work(number: u8, outcome: &str) -> Work {
    Work { entity: EntityId([number; 16]), outcome: Some(outcome.to_owned()) }
}

fn wanted(names: &str, within_ms: u64) -> Wanted {
    let drifts = BTreeSet::from([Digest([1; 32])]);
    Wanted { drifts, systems: names.split('+').map(str::to_owned).collect(), within_ms }
}

fn agenda(at_once: u32, per_window: u32) -> Agenda {
    let budget = Budget { at_once, per_window, window_ms: 1_000 };
    Agenda::new(["okta", "slack"].map(|name| (name.to_owned(), budget)).into())
}

/// Takes what may go now, and ends it.
fn went(agenda: &mut Agenda, now: Millis) -> Vec<u8> {
    let mut went = Vec::new();
    while let Some(piece) = agenda.next(now, &BTreeSet::new()) {
        went.push(piece.key.entity.0[0]);
        agenda.done(&piece);
    }
    went
}

#[test]
fn one_entity_with_many_drifts_of_one_outcome_is_one_piece() {
    let mut agenda = agenda(9, 9);
    assert!(agenda.want(&work(1, "sales"), wanted("okta", 100), 0));
    assert!(agenda.want(&work(1, "sales"), wanted("okta", 10), 0));
    assert!(agenda.want(&work(1, "other"), wanted("okta", 10), 0));
    assert_eq!((agenda.len(), went(&mut agenda, 0)), (2, vec![1, 1]));
}

#[test]
fn what_went_goes_again_after_a_while_and_not_before() {
    let mut agenda = agenda(9, 9);
    assert!(agenda.want(&work(1, "sales"), wanted("okta", 100), 0));
    assert_eq!(went(&mut agenda, 0), [1]);
    assert!(!agenda.want(&work(1, "sales"), wanted("okta", 100), AGAIN_MS - 1));
    // Another drift of the same entity does not wait for that.
    let other = Wanted { drifts: [Digest([1; 32]), Digest([2; 32])].into(), ..wanted("okta", 100) };
    assert!(agenda.want(&work(1, "sales"), other, 1));
    assert_eq!(went(&mut agenda, 1_000), [1]);
    assert!(!agenda.want(&work(1, "sales"), wanted("okta", 100), AGAIN_MS));
    assert!(agenda.want(&work(1, "sales"), wanted("okta", 100), AGAIN_MS + 1_000));
}

#[test]
fn what_is_not_wanted_any_more_does_not_go() {
    let mut agenda = agenda(9, 9);
    agenda.want(&work(1, "sales"), wanted("okta", 100), 0);
    agenda.want(&work(2, "sales"), wanted("okta", 100), 0);
    agenda.keep(&[work(2, "sales")].into(), 1);
    assert_eq!(went(&mut agenda, 1), [2]);
    let drifts = wanted("okta", 100).drifts;
    assert!(
        agenda.lacks(&work(1, "sales"), &drifts, 1),
        "it never went, and comes as soon as it is wanted again"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every comparison brings pieces with earlier and earlier deadlines; whatever was there goes all the same, by the time by which
    /// everything whose deadline lies before its own has gone within the budgets.
    #[test]
    fn nothing_starves_while_every_comparison_brings_more(
        at_once in 1..4_u32,
        per_window in 1..4_u32,
        newcomers in prop::collection::vec((1..4_u8, prop::bool::ANY), 60),
        patience in 5_000..10_000_u64,
    ) {
        let mut agenda = agenda(at_once, per_window);
        prop_assert!(agenda.want(&work(0, "patient"), wanted("okta+slack", patience), 0));
        let mut gone_at = None;
        let mut before_it = 0_u64;
        let mut under_way = Vec::new();
        for turn in 0..240_u64 {
            let now = turn * 500;
            under_way.drain(..).for_each(|piece| agenda.done(&piece));
            let (count, both) = newcomers[usize::try_from(turn).expect("small") % newcomers.len()];
            for one in 0..count {
                let names = if both { "okta+slack" } else { ["okta", "slack"][usize::from(one % 2)] };
                let name = format!("{turn}.{one}");
                if agenda.want(&work(1 + one, &name), wanted(names, 100), now) && now + 100 <= patience {
                    before_it += 1;
                }
            }
            while let Some(piece) = agenda.next(now, &BTreeSet::new()) {
                if piece.key.entity.0[0] == 0 {
                    gone_at.get_or_insert(now);
                }
                under_way.push(piece);
            }
        }
        // At worst one piece at a time goes, `per_window` of them in each window, and a turn is lost where a piece is under way.
        let bound = patience + (before_it + 2) * 1_000 / u64::from(per_window.min(at_once)) + 2_000;
        prop_assert!(gone_at.is_some_and(|at| at <= bound), "gone at {gone_at:?}, not by {bound}");
    }
}
