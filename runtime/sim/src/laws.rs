//! The laws that hold in every run, whatever goes wrong.
//!
//! The effects that a step asks for are what `wanted` gained; the log folds to what is believed; every decided event follows
//! again from the events before it, and nothing more follows at the end of a frame.

use crate::driver::Instance;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{Ambiguity, Contract};
use xops_kernel::id::Direction;
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::{Effect, Event, Stamped};
use xops_kernel::saga::state::{Course, Stage, State};
use xops_kernel::saga::unanswered::{Unanswered, Watch};
use xops_kernel::saga::{Refused, Saga};

/// Applies one event; `Ok(false)` if the state refuses it. With `all` the laws of one step are held.
pub fn steps(
    saga: &Saga,
    state: &mut State,
    stamped: &Stamped,
    gained: &mut Vec<Effect>,
    all: bool,
) -> Result<bool, String> {
    if !all {
        return Ok(saga.step(state, stamped, gained).is_ok());
    }
    let (before, wanted) = (state.clone(), saga.wanted(state));
    let mut out = Vec::new();
    if let Err(refused) = saga.step(state, stamped, &mut out) {
        let late = matches!(refused, Refused::Stale { .. } | Refused::Unexpected { .. });
        if *state != before || !out.is_empty() || !late {
            return Err(format!(
                "a refused event changed something, or was refused for the wrong reason: {refused} {stamped:?}"
            ));
        }
        return Ok(false);
    }
    let now = saga.wanted(state);
    let grew: BTreeSet<Effect> = now.difference(&wanted).copied().collect();
    let pushed: BTreeSet<Effect> = out.iter().copied().collect();
    gained.extend(&out);
    if grew != pushed || pushed.len() != out.len() {
        return Err(format!("{stamped:?} asked for {out:?}, and `wanted` gained {grew:?}"));
    }
    Ok(true)
}

/// The state that a log ends in.
pub fn fold(saga: &Saga, log: &[Vec<Stamped>]) -> Result<State, String> {
    let mut state = saga.fresh();
    let mut out = Vec::new();
    for stamped in log.iter().flatten() {
        out.clear();
        saga.step(&mut state, stamped, &mut out)
            .map_err(|refused| format!("the log does not fold: {refused} at {stamped:?}"))?;
    }
    Ok(state)
}

/// Whether the log folds to what is believed.
pub fn folds(instance: &Instance) -> Result<(), String> {
    if fold(&instance.saga, &instance.log)? == instance.state {
        Ok(())
    } else {
        Err("the log folds to another state".into())
    }
}

/// Folds the log once more, from nothing, and adds the calls that nobody answered to `unanswered`. The log must fold to what is
/// believed, and say of each such call what became of it. With `all` every decision must follow again (the verdicts of the gate
/// are held by the machine itself), nothing more may follow at the end of a frame, and every call must stand in its order.
pub fn hold(instance: &Instance, all: bool, unanswered: &mut Vec<Unanswered>) -> Result<(), String> {
    let saga = &instance.saga;
    let (mut state, mut watch, mut out) = (saga.fresh(), Watch::default(), Vec::new());
    let mut calls = BTreeMap::new();
    for frame in &instance.log {
        for (nth, stamped) in frame.iter().enumerate() {
            if all {
                follows(saga, &state, nth, stamped)?;
                ordered(saga, &state, stamped, &mut calls)?;
            }
            out.clear();
            watch
                .step(saga, &mut state, stamped, &mut out, unanswered)
                .map_err(|refused| format!("replay refuses {stamped:?}: {refused}"))?;
        }
    }
    if let Some(more) = all.then(|| saga.decide(&state)).flatten() {
        return Err(format!("a frame ended before {more:?} was decided"));
    }
    if state != instance.state {
        return Err("the log folds to another state".into());
    }
    let open = watch.open();
    let told = open.first().map(|call| format!("unexplained: the log does not say what became of {call:?}"));
    unanswered.extend(open);
    told.map_or(Ok(()), Err)
}

/// Whether the `nth` event of a frame is what follows from the state before it: the first is not decided, the others are.
fn follows(saga: &Saga, state: &State, nth: usize, stamped: &Stamped) -> Result<(), String> {
    let decided = saga.decide(state);
    let follows = if nth == 0 {
        decided.is_none() && !stamped.event.is_decided()
    } else {
        decided.as_ref() == Some(stamped)
    };
    if follows { Ok(()) } else { Err(format!("replay decides {decided:?}, and the log says {stamped:?}")) }
}

/// Whether a call stands in the plan's order: forward after what it comes after and within the width, on the way back in
/// reverse; and no step is called more often than its contract allows.
fn ordered(
    saga: &Saga,
    state: &State,
    stamped: &Stamped,
    calls: &mut BTreeMap<(u16, Direction), u32>,
) -> Result<(), String> {
    match &stamped.event {
        Event::Intended { step, dir, .. } => {
            let (slot, planned) = (usize::from(step.0), &saga.plan.steps[usize::from(step.0)]);
            let is_done = |at: usize| state.steps[at].stage == Stage::Done;
            let busy = state.steps.iter().filter(|run| run.stage.is_busy()).count();
            let again = state.steps[slot].ambiguous;
            let right = match dir {
                Direction::Forward if state.course == Course::Forward => {
                    busy <= usize::from(saga.plan.width.max(1)) + usize::from(again)
                        && planned.after.iter().all(|before| is_done(usize::from(before.0)))
                }
                Direction::Forward => again && resends(saga.contract(planned, *dir)),
                Direction::Backward => {
                    let later = slot + 1..state.steps.len();
                    busy == 1 && state.course != Course::Forward && later.into_iter().all(|at| !is_done(at))
                }
            };
            let times = calls.entry((step.0, *dir)).or_default();
            *times += 1;
            let tries_max = saga.contract(planned, *dir).map_or(0, |contract| contract.tries_max);
            if !right || *times > tries_max {
                return Err(format!("a call out of order, or the {times}th of {tries_max}: {stamped:?}"));
            }
        }
        Event::Resumed { .. } => calls.values_mut().for_each(|times| *times = times.saturating_sub(1)),
        Event::Released { step, .. } => calls.retain(|(called, _), _| *called != step.0),
        _ => {}
    }
    Ok(())
}

/// On the way back a forward call is sent only where sending it again is how its contract finds out what became of it.
fn resends(contract: Option<&Contract>) -> bool {
    contract.is_some_and(|contract| matches!(contract.ambiguity, Ambiguity::Resend { .. }))
}
