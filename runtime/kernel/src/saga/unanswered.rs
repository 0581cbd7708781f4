//! Calls that nobody answered, and what became of each: read off the events of an instance alone.
//!
//! Absent: any judgement. The saga settles calls; this tells how it did. Invariants: a call is told once, however often the
//! process dies before it is settled; what is not settled yet is [`Became::Open`] and never left out; nothing is read but the
//! instance's own events, so that an operator, an auditor and a simulation count the same.

use crate::id::{CallKey, Direction, StepId};
use crate::machine::Machine;
use crate::port::Outcome;
use crate::record::Millis;
use crate::saga::event::{Effect, Event, Stamped};
use crate::saga::state::{Stage, State};
use crate::saga::{Refused, Saga};
use serde::Serialize;

/// Why nobody knows what became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The process died while the call was under way.
    Died,
    /// No answer came, or one that says nothing.
    NoAnswer,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// A lookup found its effect.
    Adopted,
    /// Lookups proved that it had none, and nothing more is called for it.
    ProvedUndone,
    /// Lookups proved that it had none, and it was called again under a new key.
    MadeAnew,
    /// It was sent again under its key.
    Resent,
    /// Its step cannot succeed: refused, or proved undone with no try left.
    Failed,
    /// A person is asked.
    Parked,
    /// It is not settled yet.
    Open,
}

/// A call that nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Its step.
    pub step: StepId,
    /// Its direction.
    pub direction: Direction,
    /// The generation of its key.
    pub generation: u32,
    /// Its key.
    pub key: CallKey,
    /// Since when nobody knows.
    pub since: Millis,
    /// Why.
    pub cause: Cause,
    /// What became of it.
    pub became: Became,
    /// When that was settled; nothing while it is open.
    pub settled_at: Option<Millis>,
}

/// The calls of one instance that are not settled, while its events are folded.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    open: Vec<Unanswered>,
}

impl Cause {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Died => "process_died",
            Self::NoAnswer => "no_answer",
        }
    }
}

impl Became {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Adopted,
        Self::ProvedUndone,
        Self::MadeAnew,
        Self::Resent,
        Self::Failed,
        Self::Parked,
        Self::Open,
    ];

    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopted => "adopted_by_probe",
            Self::ProvedUndone => "proved_undone",
            Self::MadeAnew => "proved_undone_and_made_anew",
            Self::Resent => "resent_under_its_key",
            Self::Failed => "failed",
            Self::Parked => "asked_a_person",
            Self::Open => "open",
        }
    }
}

impl Watch {
    /// Applies `stamped` as [`Machine::step`] does, and appends to `settled` the calls of which it says what became.
    pub fn step(
        &mut self,
        saga: &Saga,
        state: &mut State,
        stamped: &Stamped,
        out: &mut Vec<Effect>,
        settled: &mut Vec<Unanswered>,
    ) -> Result<(), Refused> {
        let known = self.open.len();
        self.begins(saga, state, stamped);
        if let Err(refused) = saga.step(state, stamped, out) {
            self.open.truncate(known);
            return Err(refused);
        }
        self.open.retain(|call| match became(state, stamped, call) {
            Some(became) => {
                settled.push(Unanswered { became, settled_at: Some(stamped.at), ..call.clone() });
                false
            }
            None => true,
        });
        Ok(())
    }

    /// The calls that are not settled after the last event, in the order in which they were lost.
    pub fn open(self) -> Vec<Unanswered> {
        self.open
    }

    /// Takes up the calls of which `stamped`, not yet applied, says that nobody will answer them.
    fn begins(&mut self, saga: &Saga, state: &State, stamped: &Stamped) {
        match &stamped.event {
            Event::Resumed { .. } => {
                let calling = state.steps.iter().zip(0..).filter(|(run, _)| run.stage == Stage::Calling);
                calling.for_each(|(_, step)| self.lost(saga, state, stamped.at, StepId(step), Cause::Died));
            }
            Event::Answered { step, outcome: Outcome::Unknown(_), .. } => {
                self.lost(saga, state, stamped.at, *step, Cause::NoAnswer);
            }
            _ => {}
        }
    }

    fn lost(&mut self, saga: &Saga, state: &State, since: Millis, step: StepId, cause: Cause) {
        let Some(run) = state.steps.get(usize::from(step.0)) else { return };
        let known = |call: &Unanswered| {
            (call.step, call.direction, call.generation) == (step, run.direction, run.generation)
        };
        let Some(key) = saga.key(state, step).filter(|_| !self.open.iter().any(known)) else { return };
        let (direction, generation) = (run.direction, run.generation);
        let (became, settled_at) = (Became::Open, None);
        self.open.push(Unanswered { step, direction, generation, key, since, cause, became, settled_at });
    }
}

/// What became of a call by the event that was just believed; nothing if it is still open.
fn became(state: &State, stamped: &Stamped, call: &Unanswered) -> Option<Became> {
    if let Event::Intended { step, dir, generation, .. } = stamped.event
        && step == call.step
    {
        let same = (dir, generation) == (call.direction, call.generation);
        return Some(if same { Became::Resent } else { Became::MadeAnew });
    }
    match state.steps.get(usize::from(call.step.0))?.stage {
        Stage::Done | Stage::Undone | Stage::Kept => Some(Became::Adopted),
        // On a way back a step that was proved not to have acted waits, and nothing follows.
        Stage::Waiting => Some(Became::ProvedUndone),
        Stage::Failed => Some(Became::Failed),
        Stage::Parked | Stage::Stuck => Some(Became::Parked),
        Stage::Confirming
        | Stage::Looking(_)
        | Stage::Ready
        | Stage::Calling
        | Stage::Unknown
        | Stage::Resting { .. } => None,
    }
}
