//! What the simulation, or reading for it, found in the kernel: each script broke a law once.

use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::awf::AwfName;
use xops_kernel::id::{Direction, StepId};
use xops_sim::driver::{Ending, Kills, Setup, play};
use xops_sim::fault::{Fault, Rates};
use xops_sim::model::Model;
use xops_sim::plans::{Wish, line, plan, wish};
use xops_sim::run::transcript;

const FORWARD: Direction = Direction::Forward;
const BACKWARD: Direction = Direction::Backward;

/// Plays a line of AWFs; `script` says what happens to which call: step, direction, which call of it, fault. `refused` is a
/// step that the system always rejects. The end is told as the instance's word and the values that are left.
fn check(
    awfs: &[&str],
    script: &[(u16, Direction, u32, Fault)],
    refused: Option<u16>,
    expect: &str,
) -> Ending {
    check_wishes(&line(awfs), 1, script, refused, |setup| setup, expect)
}

fn check_wishes(
    wishes: &[Wish],
    width: u16,
    script: &[(u16, Direction, u32, Fault)],
    refused: Option<u16>,
    change: impl FnOnce(Setup) -> Setup,
    expect: &str,
) -> Ending {
    let mut setup = Setup::calm(7, vec![plan("p", width, wishes)]);
    setup.script =
        script.iter().map(|(step, dir, nth, fault)| ((0, StepId(*step), *dir, *nth), *fault)).collect();
    setup.rejects = refused.into_iter().map(|step| (0, StepId(step), FORWARD)).collect();
    let ending = play(change(setup));
    let told = transcript(&ending);
    assert!(ending.violations.is_empty(), "{told}");
    let values: Vec<_> = ending
        .world
        .all_values()
        .into_iter()
        .map(|(shelf, values)| format!("{shelf}={}", values.join("+")))
        .collect();
    let state = ending.instances[0].state.word();
    assert_eq!(format!("{state}: {}", values.join(" ")), expect, "{told}");
    ending
}

fn calls(ending: &Ending, step: u16, dir: Direction) -> usize {
    ending.calls.values().filter(|call| **call == (0, StepId(step), dir)).count()
}

#[test]
fn a_limit_on_the_second_sending_does_not_change_the_key_of_the_first() {
    let script = [(0, FORWARD, 1, Fault::TimeoutAfter), (0, FORWARD, 2, Fault::RateLimited)];
    let ending = check(&["keyed.create"], &script, None, "completed: /keyed/p-0=wanted-0");
    assert_eq!(calls(&ending, 0, FORWARD), 1, "one key");
}

#[test]
fn a_rejection_of_the_second_sending_says_nothing_of_the_first() {
    let script = [(0, FORWARD, 1, Fault::TimeoutAfter), (0, FORWARD, 2, Fault::Reject)];
    check(&["put.create"], &script, None, "parked: /put/p-0=wanted-0");
    check(&["keyed.create"], &script, None, "parked: /keyed/p-0=wanted-0");
    let script = [(0, FORWARD, 1, Fault::TimeoutBefore), (0, FORWARD, 2, Fault::Reject)];
    check(&["put.create"], &script, None, "undone: ");
}

#[test]
fn a_duplicate_of_our_own_late_call_is_not_a_rejection() {
    let script = [
        (0, FORWARD, 1, Fault::Delayed),
        (0, FORWARD, 2, Fault::RateLimited),
        (0, FORWARD, 3, Fault::RateLimited),
    ];
    let stale = |setup: Setup| Setup { rates: Rates::none().with(Fault::StaleRead, 1000), ..setup };
    for system in ["strict", "unique"] {
        let expect = format!("completed: /{system}/p-0=wanted-0");
        let ending = check_wishes(&line(&[&format!("{system}.create")]), 1, &script, None, stale, &expect);
        assert!(ending.instances[0].state.steps[0].ours, "{}", transcript(&ending));
    }
}

#[test]
fn a_way_back_waits_for_what_a_unique_call_may_still_do() {
    let script = [(0, FORWARD, 1, Fault::Delayed)];
    let apart = [wish("unique.create"), wish("put.create")];
    check_wishes(&apart, 2, &script, Some(1), |setup| setup, "undone: ");
    let apart = [wish("strict.create"), wish("put.create")];
    check_wishes(&apart, 2, &script, Some(1), |setup| setup, "undone: /strict/p-0=disabled");
}

#[test]
fn what_was_there_before_is_neither_overwritten_nor_removed() {
    for awf in ["put.create", "bare.create", "unique.create", "strict.create"] {
        let kept = format!("undone: /{}/p-0=foreign", awf.replace(".create", ""));
        check_wishes(
            &[Wish { there: Some("foreign".into()), ..wish(awf) }],
            1,
            &[],
            None,
            |setup| setup,
            &kept,
        );
        let same = kept.replace("foreign", "wanted-0");
        let there = [
            Wish { there: Some("wanted-0".into()), ..wish(awf) },
            Wish { after: [0].into(), ..wish("put.create") },
        ];
        check_wishes(&there, 1, &[], Some(1), |setup| setup, &same);
    }
}

#[test]
fn an_exact_compensation_brings_back_what_the_snapshot_saw() {
    let there = [
        Wish { there: Some("foreign".into()), ..wish("put.update") },
        Wish { after: [0].into(), ..wish("put.create") },
    ];
    let script = [(0, BACKWARD, 1, Fault::TimeoutAfter)];
    check_wishes(&there, 1, &script, Some(1), |setup| setup, "undone: /put/p-0=foreign");
}

#[test]
fn a_disabling_compensation_is_called_though_the_object_is_still_there() {
    check(&["strict.create", "put.create"], &[], Some(1), "undone: /strict/p-0=disabled");
}

#[test]
fn a_key_is_not_used_past_its_lifetime() {
    let script = [(0, FORWARD, 1, Fault::LongDown)];
    check(&["keyed.create"], &script, None, "parked: /keyed/p-0=wanted-0");
    // The process dies again while the resend rests.
    let ending = check(
        &["keyed.create"],
        &[(0, FORWARD, 1, Fault::TimeoutAfter)],
        None,
        "completed: /keyed/p-0=wanted-0",
    );
    for nth in 0..ending.points.len() as u64 {
        let mut setup = Setup::calm(7, vec![plan("p", 1, &line(&["keyed.create"]))]);
        setup.script = BTreeMap::from([((0, StepId(0), FORWARD, 1), Fault::TimeoutAfter)]);
        setup.kills = Kills::At([nth].into());
        setup.rates = Rates::none().with(Fault::LongDown, 1000);
        let ending = play(setup);
        assert!(ending.violations.is_empty(), "{}", transcript(&ending));
    }
}

#[test]
fn a_reading_older_than_the_effect_does_not_prove_that_there_is_nothing_to_undo() {
    let stale = |setup: Setup| Setup { rates: Rates::none().with(Fault::StaleRead, 1000), ..setup };
    for awf in ["marked.create", "put.create", "unique.create"] {
        check_wishes(&line(&[awf, "keyed.create"]), 1, &[], Some(1), stale, "undone: ");
    }
}

#[test]
fn a_crash_does_not_cost_a_try() {
    for awf in ["put.create", "keyed.create", "marked.create", "unique.create"] {
        let system = awf.replace(".create", "");
        let name = AwfName::new(&system, "create");
        let once = |setup: Setup| {
            let model = Model::default().changed(&name, |contract| contract.tries_max = 1);
            Setup { model: Arc::new(model), kills: Kills::At([4, 11].into()), ..setup }
        };
        let expect = format!("completed: /{system}/p-0=wanted-0");
        let script = [(0, FORWARD, 1, Fault::Killed), (0, FORWARD, 2, Fault::Killed)];
        check_wishes(&line(&[awf]), 1, &script, None, once, &expect);
    }
}

#[test]
fn those_that_try_again_do_not_hold_a_lock_against_each_other() {
    let sets =
        line(&["set.add"; 7]).into_iter().map(|wish| Wish { after: [].into(), ..wish }).collect::<Vec<_>>();
    for seed in 0..60 {
        let rates = Rates::none().with(Fault::RateLimited, 300).with(Fault::NotExecuted, 100);
        let ending = play(Setup { rates, ..Setup::calm(seed, vec![plan("p", 7, &sets)]) });
        assert!(ending.violations.is_empty(), "{}", transcript(&ending));
        assert!(ending.took_ms < 300_000, "it took {} ms\n{}", ending.took_ms, transcript(&ending));
    }
}

#[test]
fn a_rejection_turns_back_at_once_though_another_step_waits_at_the_gate() {
    let apart = [wish("put.create"), wish("put.create")];
    let paused = |setup: Setup| Setup { paused: [(0, StepId(1))].into(), ..setup };
    let ending = check_wishes(&apart, 2, &[], Some(0), paused, "undone: ");
    assert!(ending.took_ms < 60_000, "it took {} ms", ending.took_ms);
}

#[test]
fn a_step_that_waits_too_long_at_the_gate_asks_a_person() {
    let paused = |setup: Setup| Setup { paused: [(0, StepId(0))].into(), ..setup };
    check_wishes(&[wish("put.create")], 1, &[], None, paused, "parked: ");
}
