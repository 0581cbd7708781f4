//! The process dies at every point of a run: the end is the undisturbed run's.

use std::collections::BTreeSet;
use xops_kernel::declare::OnReject;
use xops_kernel::id::{Direction, StepId};
use xops_kernel::saga::state::Stage;
use xops_sim::driver::{Checks, Ending, Kills, Point, Setup, play};
use xops_sim::plans::{SURE, Scene, Wish, draw, line, plan};
use xops_sim::run::transcript;
use xops_sim::seed::Dice;

/// How the contractor's onboarding looks to the step protocol: six steps in a line over five systems.
fn onboarding() -> Scene {
    plan(
        "onboard",
        1,
        &line(&[
            "put.update",
            "strict.create",
            "put.create",
            "keyed.create",
            "marked.create",
            "unique.create",
        ]),
    )
}

/// Twenty steps with branches, four at once.
fn branched() -> Scene {
    let mut dice = Dice::of(20, "plans");
    let wishes: Vec<Wish> = draw(&mut dice, 20, &SURE);
    let plain = |wish| Wish { on_reject: OnReject::Backstep, there: None, ..wish };
    let mut wishes: Vec<Wish> = wishes.into_iter().map(plain).collect();
    // The last step comes after all others: else its rejection finds more or fewer of them done, as the time has it.
    wishes[19].after = (0..19).collect();
    plan("branched", 4, &wishes)
}

/// Kills at every point, and at every point with a second death soon after, and holds each end to the undisturbed one.
fn check(scene: &Scene, rejected: Option<u16>, word: &str) {
    let rejects: BTreeSet<_> =
        rejected.into_iter().map(|step| (0, StepId(step), Direction::Forward)).collect();
    let calm = Setup { rejects, checks: Checks::Ends, ..Setup::calm(1, vec![scene.clone()]) };
    let undisturbed = play(calm.clone());
    held(&undisturbed, &undisturbed, word, 0);
    let points = undisturbed.points.len() as u64;
    let calls = undisturbed.points.iter().filter(|point| **point == Point::Sent).count();
    assert!(calls >= scene.plan.steps.len() - rejected.map_or(0, |_| 1), "{calls} calls");
    eprintln!(
        "{} steps, {word}: {points} points ({calls} of them after a call was sent), {} runs",
        scene.plan.steps.len(),
        3 * points
    );
    for nth in 0..points {
        for second in [None, Some(nth + 1), Some(nth + 1 + nth % 7)] {
            let kills: BTreeSet<u64> = std::iter::once(nth).chain(second).collect();
            let ending = play(Setup { kills: Kills::At(kills), ..calm.clone() });
            assert!(ending.tally[&xops_sim::fault::Fault::Killed] > 0, "the kill at {nth} struck");
            assert_eq!(point(&ending, nth), point(&undisturbed, nth));
            held(&ending, &undisturbed, word, nth);
        }
    }
}

fn point(ending: &Ending, nth: u64) -> Option<Point> {
    ending.points.iter().copied().zip(0..).find(|(_, at)| *at == nth).map(|(point, _)| point)
}

fn held(ending: &Ending, undisturbed: &Ending, word: &str, nth: u64) {
    let told = || format!("killed at {nth}\n{}", transcript(ending));
    assert!(ending.violations.is_empty(), "{}", told());
    assert_eq!(ending.instances[0].state.word(), word, "{}", told());
    assert_eq!(ending.world.all_values(), undisturbed.world.all_values(), "{}", told());
    assert_eq!(ending.world.record.len(), undisturbed.world.record.len(), "{}", told());
}

#[test]
fn a_kill_at_any_point_of_the_onboarding_changes_nothing_about_its_end() {
    check(&onboarding(), None, "completed");
}

#[test]
fn a_kill_at_any_point_of_the_way_back_changes_nothing_about_its_end() {
    check(&onboarding(), Some(5), "undone");
}

#[test]
fn a_kill_at_any_point_of_a_branched_plan_changes_nothing_about_its_end() {
    check(&branched(), None, "completed");
}

#[test]
fn a_kill_at_any_point_of_a_branched_way_back_changes_nothing_about_its_end() {
    check(&branched(), Some(19), "undone");
}

/// Overtakes a plan at each moment of its undisturbed run and kills the process at every point of what follows: it always comes to a
/// safe end, whoever waits for it is told until it does, and what it did stands as it says.
fn check_overtaken(scene: &Scene, rejected: Option<u16>, moments: u64) {
    let rejects: BTreeSet<_> =
        rejected.into_iter().map(|step| (0, StepId(step), Direction::Forward)).collect();
    let calm = Setup { rejects, ..Setup::calm(1, vec![scene.clone()]) };
    let whole = play(calm.clone());
    let (mut runs, mut partly, mut words) = (0, 0, BTreeSet::new());
    for moment in 0..=moments {
        let after = whole.took_ms * moment / moments;
        let overtaken = Setup { overtaken: [(0, after)].into(), ..calm.clone() };
        let points = play(overtaken.clone()).points.len() as u64;
        for nth in 0..=points {
            let kills = if nth == points { Kills::Never } else { Kills::At([nth].into()) };
            let ending = play(Setup { kills, ..overtaken.clone() });
            let told = || format!("overtaken after {after} ms, killed at {nth}\n{}", transcript(&ending));
            assert!(ending.violations.is_empty(), "{}", told());
            let state = &ending.instances[0].state;
            let word = state.word();
            assert!(["superseded", "completed", "undone"].contains(&word), "it is {word}: {}", told());
            let done = state.steps.iter().filter(|run| run.stage == Stage::Done).count();
            runs += 1;
            partly += usize::from(word == "superseded" && done > 0 && done < state.steps.len());
            words.insert(word);
        }
    }
    eprintln!("{runs} runs, {partly} of them ended between two steps: {words:?}");
    assert!(partly > runs / 8, "{partly} of {runs} ended between two steps");
}

#[test]
fn a_kill_at_any_point_of_an_overtaken_onboarding_leaves_it_at_a_safe_end() {
    check_overtaken(&onboarding(), None, 6);
    check_overtaken(&onboarding(), Some(5), 3);
}

#[test]
fn a_kill_at_any_point_of_an_overtaken_branched_plan_leaves_it_at_a_safe_end() {
    check_overtaken(&branched(), None, 2);
}

#[test]
fn a_kill_during_a_call_that_nobody_can_look_after_parks_it_or_ends_as_declared() {
    for awf in ["blind.send", "blind.grant", "bare.create", "set.add", "put.remove"] {
        let scene = plan("declared", 1, &line(&["put.create", awf, "put.update"]));
        for rejected in [None, Some(2)] {
            let rejects: BTreeSet<_> =
                rejected.into_iter().map(|step| (0, StepId(step), Direction::Forward)).collect();
            let calm = Setup { rejects, ..Setup::calm(1, vec![scene.clone()]) };
            let points = play(calm.clone()).points.len() as u64;
            for nth in 0..points {
                let ending = play(Setup { kills: Kills::At([nth].into()), ..calm.clone() });
                assert!(ending.violations.is_empty(), "killed at {nth}\n{}", transcript(&ending));
                let word = ending.instances[0].state.word();
                let declared = match awf {
                    "blind.send" | "blind.grant" => {
                        ["completed", "undone", "parked", "stuck"].contains(&word)
                    }
                    _ => ["completed", "undone"].contains(&word),
                };
                assert!(declared, "{awf} killed at {nth} is {word}");
            }
        }
    }
}
