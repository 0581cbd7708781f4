//! Calls that were in flight when the process died, and what became of each: read off the log alone.
//!
//! Invariants: a call counts once, however often the process dies before it is settled; what is counted is what the log says,
//! so an operator can count the same. A call that the log never settles is [`Fate::Open`], and that is a bug.

use crate::driver::Instance;
use std::collections::BTreeMap;
use xops_kernel::id::{Direction, StepId};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::{Stage, State};

/// What became of a call that was in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Its step was settled by looking, without another call: it is done, undone, or never acted.
    Looked,
    /// It was sent again under its key.
    Resent,
    /// It was proved not to have taken effect, and made anew under a new key.
    Anew,
    /// Its step cannot succeed: refused, or proved undone with no try left.
    Failed,
    /// A person was asked.
    Parked,
    /// Nothing: the log does not say what became of it.
    Open,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Looked, Self::Resent, Self::Anew, Self::Failed, Self::Parked, Self::Open];

    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Looked => "settled_by_looking",
            Self::Resent => "resent_under_its_key",
            Self::Anew => "proved_undone_and_made_anew",
            Self::Failed => "failed",
            Self::Parked => "asked_a_person",
            Self::Open => "open",
        }
    }
}

/// A call under way: its direction and the generation of its key.
type Flight = (Direction, u32);

/// What became of every call of an instance that was in flight at a death.
pub fn fates(instance: &Instance) -> BTreeMap<Fate, u64> {
    let saga = &instance.saga;
    let (mut state, mut out) = (saga.fresh(), Vec::new());
    let mut flights: BTreeMap<StepId, Flight> = BTreeMap::new();
    let mut fates = BTreeMap::new();
    for stamped in instance.log.iter().flatten() {
        if matches!(stamped.event, Event::Resumed { .. }) {
            flights.extend(calling(&state));
        }
        out.clear();
        if saga.step(&mut state, stamped, &mut out).is_err() {
            break;
        }
        flights.retain(|step, flight| match fate(&state, stamped, *step, *flight) {
            Some(fate) => {
                *fates.entry(fate).or_default() += 1;
                false
            }
            None => true,
        });
    }
    if !flights.is_empty() {
        fates.insert(Fate::Open, flights.len() as u64);
    }
    fates
}

/// The calls that were sent and not answered.
fn calling(state: &State) -> impl Iterator<Item = (StepId, Flight)> {
    let steps = state.steps.iter().zip(0..).filter(|(run, _)| run.stage == Stage::Calling);
    steps.map(|(run, step)| (StepId(step), (run.direction, run.generation)))
}

fn fate(state: &State, stamped: &Stamped, step: StepId, flight: Flight) -> Option<Fate> {
    if let Event::Intended { step: called, dir, generation, .. } = stamped.event
        && called == step
    {
        return Some(if (dir, generation) == flight { Fate::Resent } else { Fate::Anew });
    }
    match state.steps.get(usize::from(step.0))?.stage {
        // On a way back a step that was proved not to have acted waits, and nothing follows.
        Stage::Done | Stage::Undone | Stage::Kept | Stage::Waiting => Some(Fate::Looked),
        Stage::Failed => Some(Fate::Failed),
        Stage::Parked | Stage::Stuck => Some(Fate::Parked),
        Stage::Confirming
        | Stage::Looking(_)
        | Stage::Ready
        | Stage::Calling
        | Stage::Unknown
        | Stage::Resting { .. } => None,
    }
}
