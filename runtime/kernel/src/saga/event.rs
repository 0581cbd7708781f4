//! What happens to an instance, and what it wants done.
//!
//! An event is a fact in the past tense; an effect is an order in the imperative and carries the attempt that it belongs to.

use crate::gate::{Sheet, Verdict};
use crate::id::{Digest, Direction, RequestId, StepId};
use crate::port::{Outcome, Phase, Sighting};
use crate::record::Millis;
use serde::{Deserialize, Serialize};

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// When the shell wrote it down.
    pub at: Millis,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The instance began.
    Started,
    /// The gate judged a step.
    Judged {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The attempt.
        attempt: u32,
        /// What it saw.
        sheet: Sheet,
        /// What it decided.
        verdict: Verdict,
    },
    /// A lookup answered.
    Sighted {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The phase that looked.
        phase: Phase,
        /// What it saw.
        sighting: Sighting,
    },
    /// A lookup did not answer.
    Missed {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The phase that looked.
        phase: Phase,
        /// What came instead.
        outcome: Outcome,
    },
    /// What the step is to achieve is already so. Decided.
    Found {
        /// The step.
        step: StepId,
    },
    /// A call is about to be sent. Decided.
    Intended {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The attempt.
        attempt: u32,
        /// The generation of the idempotency key.
        generation: u32,
        /// The digest of the request.
        request: Digest,
    },
    /// A call was answered, or lost ([`Outcome::Unknown`]).
    Answered {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// What became of it.
        outcome: Outcome,
    },
    /// The process started again: what was sent and not answered is unknown from here on.
    Resumed {
        /// Counts the starts.
        epoch: u32,
    },
    /// A rest is over.
    Woke {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: u32,
    },
    /// The request of a call could not be rendered. Decided.
    Unrendered {
        /// The step.
        step: StepId,
        /// Why, in one line.
        why: String,
    },
    /// The instance turned back. Decided, or asked for by a person.
    Turned {
        /// Why, in one line.
        why: String,
        /// Who asked, where a person did.
        by: Option<String>,
    },
    /// A step needs no compensation. Decided.
    Undone {
        /// The step.
        step: StepId,
        /// How.
        how: Undoing,
    },
    /// A person let a parked or stuck step go on.
    Released {
        /// The step.
        step: StepId,
        /// Who.
        by: String,
        /// What they decided.
        how: Release,
    },
    /// The instance is over. Decided.
    Ended {
        /// How.
        end: End,
    },
    /// Work with precedence over this instance waits for it: it begins nothing more, and ends as soon as nothing is in flight.
    Overtaken {
        /// The request behind that work.
        by: RequestId,
    },
}

/// Why a step needs no compensation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undoing {
    /// It leaves nothing behind.
    Nothing,
    /// It was so before this instance, or cannot be told to be ours: it stays.
    NotOurs,
    /// It cannot be undone: it stays.
    Irreversible,
}

/// What a person decides about a parked or stuck step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Release {
    /// Look again.
    Retry,
    /// It is done: they saw to it.
    Done,
    /// It is not done, and the instance takes its declared way back.
    Failed,
}

/// How an instance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum End {
    /// Every step is done.
    Completed,
    /// Every step that was done is undone.
    Undone,
    /// A step was rejected, and its policy is to compile again against what is true now; or work with precedence overtook it. What was
    /// done stays.
    Superseded,
}

impl End {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Undone => "undone",
            Self::Superseded => "superseded",
        }
    }
}

impl Event {
    /// The step that the event is about; `None` for those of the whole instance.
    pub fn step(&self) -> Option<StepId> {
        match self {
            Self::Judged { step, .. }
            | Self::Sighted { step, .. }
            | Self::Missed { step, .. }
            | Self::Found { step }
            | Self::Intended { step, .. }
            | Self::Answered { step, .. }
            | Self::Woke { step, .. }
            | Self::Unrendered { step, .. }
            | Self::Undone { step, .. }
            | Self::Released { step, .. } => Some(*step),
            Self::Started
            | Self::Resumed { .. }
            | Self::Turned { .. }
            | Self::Ended { .. }
            | Self::Overtaken { .. } => None,
        }
    }

    /// One word, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Judged { .. } => "judged",
            Self::Sighted { .. } => "sighted",
            Self::Missed { .. } => "missed",
            Self::Found { .. } => "found",
            Self::Intended { .. } => "intended",
            Self::Answered { .. } => "answered",
            Self::Resumed { .. } => "resumed",
            Self::Woke { .. } => "woke",
            Self::Unrendered { .. } => "unrendered",
            Self::Turned { .. } => "turned",
            Self::Undone { .. } => "undone",
            Self::Released { .. } => "released",
            Self::Ended { .. } => "ended",
            Self::Overtaken { .. } => "overtaken",
        }
    }

    /// Whether it follows from the state alone ([`crate::machine::Machine::decide`]), so that replay can hold the journal to it.
    pub fn is_decided(&self) -> bool {
        match self {
            Self::Found { .. }
            | Self::Intended { .. }
            | Self::Unrendered { .. }
            | Self::Undone { .. }
            | Self::Ended { .. } => true,
            Self::Turned { by, .. } => by.is_none(),
            Self::Started
            | Self::Judged { .. }
            | Self::Sighted { .. }
            | Self::Missed { .. }
            | Self::Answered { .. }
            | Self::Resumed { .. }
            | Self::Woke { .. }
            | Self::Overtaken { .. }
            | Self::Released { .. } => false,
        }
    }
}

/// What an instance wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Confirm the facts that a step hangs on, and fill in the gate's sheet.
    Confirm {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The attempt.
        attempt: u32,
    },
    /// Make a lookup.
    Look {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The phase.
        phase: Phase,
        /// The attempt.
        attempt: u32,
    },
    /// Send a call whose intent is durable.
    Call {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The attempt.
        attempt: u32,
        /// The generation of the key.
        generation: u32,
    },
    /// Say `Woke` at a time.
    Wake {
        /// The step.
        step: StepId,
        /// The direction.
        dir: Direction,
        /// The attempt.
        attempt: u32,
        /// The time.
        at: Millis,
    },
}

impl Effect {
    /// The step that it is about.
    pub fn step(&self) -> StepId {
        match self {
            Self::Confirm { step, .. }
            | Self::Look { step, .. }
            | Self::Call { step, .. }
            | Self::Wake { step, .. } => *step,
        }
    }
}
