//! What follows from a state alone.
//!
//! Each answer is journaled in the same frame as the event that made it follow; replay asks again and holds the journal to it.

use crate::awf::Undo;
use crate::declare::OnReject;
use crate::id::{CallKey, StepId};
use crate::port::{Ask, Phase, Request};
use crate::saga::Saga;
use crate::saga::event::{End, Event, Undoing};
use crate::saga::state::{Course, Goal, Run, Stage, State};
use crate::value::Values;

/// A call as it was rendered when it was decided: what is sent is what the journaled digest was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The step.
    pub step: StepId,
    /// The attempt that the call will be.
    pub attempt: u32,
    /// The idempotency key.
    pub key: CallKey,
    /// The inputs, complete.
    pub inputs: Values,
    /// The request.
    pub request: Request,
}

/// The event that follows, if one does. Where it is a call, `rendered` keeps it.
pub(super) fn next(saga: &Saga, state: &State, rendered: &mut Option<Rendered>) -> Option<Event> {
    if matches!(state.course, Course::Ended(_)) {
        return None;
    }
    let acting = state.steps.iter().position(|run| matches!(run.stage, Stage::Ready | Stage::Unknown));
    if let Some(slot) = acting {
        return Some(act(saga, state, slot, rendered));
    }
    match &state.course {
        Course::Forward => forward(saga, state),
        Course::Back { .. } => back(saga, state),
        Course::Yielding { .. } => yielding(state),
        Course::Ended(_) => None,
    }
}

/// A step that is ready, or whose call may be sent again.
fn act(saga: &Saga, state: &State, slot: usize, rendered: &mut Option<Rendered>) -> Event {
    let run = &state.steps[slot];
    let step = StepId(u16::try_from(slot).unwrap_or(u16::MAX));
    if run.stage == Stage::Ready && run.goal == Goal::Reached {
        return Event::Found { step };
    }
    match render(saga, state, slot) {
        Ok(call) => {
            let request = call.request.digest(&saga.shared.key);
            let (dir, attempt, generation) = (run.direction, call.attempt, run.generation);
            *rendered = Some(call);
            Event::Intended { step, dir, attempt, generation, request }
        }
        Err(why) => Event::Unrendered { step, why },
    }
}

fn render(saga: &Saga, state: &State, slot: usize) -> Result<Rendered, String> {
    let run = &state.steps[slot];
    let step = &saga.plan.steps[slot];
    let no_manifest = || "its manifest is not loaded".to_owned();
    let awf = Saga::function(step, run.direction).ok_or_else(no_manifest)?;
    let key = saga.key(state, step.id).ok_or_else(no_manifest)?;
    let inputs = saga.inputs(state, step, run.direction);
    let empty = Values::new();
    let ask = Ask {
        system: saga.shared.systems.get(&awf.system).unwrap_or(&empty),
        awf,
        phase: Phase::Do,
        inputs: &inputs,
        key,
        snapshot: saga.snapshot(run),
        outputs: &run.outputs,
        carry: &empty,
    };
    let request = saga.shared.connector.render(&ask).map_err(|unrendered| unrendered.to_string())?;
    Ok(Rendered { step: step.id, attempt: run.attempt + 1, key, inputs, request })
}

fn forward(saga: &Saga, state: &State) -> Option<Event> {
    // The usual case first, in one look over the steps: something is under way, and nothing failed.
    let mut done = true;
    let mut any_failed = false;
    for run in &state.steps {
        done &= run.stage == Stage::Done;
        any_failed |= run.stage == Stage::Failed;
    }
    if !any_failed {
        return done.then_some(Event::Ended { end: End::Completed });
    }
    let failed = |policy: fn(OnReject) -> bool| {
        let steps = saga.plan.steps.iter().zip(&state.steps);
        steps.into_iter().find(|(step, run)| run.stage == Stage::Failed && policy(step.on_reject))
    };
    // Turning back waits for nothing: what is unsent is dropped, and what was sent is found out on the way.
    if let Some((step, run)) = failed(|policy| policy != OnReject::Replan) {
        let why = run.why.as_deref().unwrap_or("it was rejected");
        return Some(Event::Turned { why: format!("{} was rejected: {why}", step.awf), by: None });
    }
    // Nobody looks after an instance that is over: what was sent has to be known first.
    (!state.steps.iter().any(Run::is_open)).then_some(Event::Ended { end: End::Superseded })
}

/// Nobody looks after an instance that is over: what was sent has to be known first, if need be from a person.
fn yielding(state: &State) -> Option<Event> {
    (!state.steps.iter().any(waits)).then_some(Event::Ended { end: End::Superseded })
}

fn waits(run: &Run) -> bool {
    run.stage.is_busy() || matches!(run.stage, Stage::Parked | Stage::Stuck)
}

fn back(saga: &Saga, state: &State) -> Option<Event> {
    if state.steps.iter().any(waits) {
        return None;
    }
    let Some(slot) = state.steps.iter().rposition(|run| run.stage == Stage::Done) else {
        return Some(Event::Ended { end: End::Undone });
    };
    let (run, step) = (&state.steps[slot], &saga.plan.steps[slot]);
    let how = match &step.undo {
        Undo::Nothing => Undoing::Nothing,
        _ if !run.ours => Undoing::NotOurs,
        Undo::Irreversible { .. } => Undoing::Irreversible,
        // Its compensation starts by itself.
        Undo::By { .. } => return None,
    };
    Some(Event::Undone { step: step.id, how })
}
