//! What is believed of an instance. The state alone says what is outstanding.

use crate::id::{Direction, RequestId};
use crate::port::Phase;
use crate::record::Millis;
use crate::saga::event::End;
use crate::value::{Value, Values};
use serde::{Deserialize, Serialize};

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where it is going.
    pub course: Course,
    /// Its steps, by place.
    pub steps: Vec<Run>,
    /// The time of the last event.
    pub at: Millis,
    /// How often the process started while it was under way.
    pub epoch: u32,
}

/// Where an instance is going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Course {
    /// Toward its outcome.
    Forward,
    /// Back along the compensations.
    Back {
        /// Why.
        why: String,
    },
    /// Nowhere: it is over.
    Ended(End),
    /// To a safe end, because work with precedence waits: what was sent is found out, and nothing else begins.
    Yielding {
        /// The request behind that work.
        to: RequestId,
    },
}

impl Course {
    /// One word, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Forward => "running",
            Self::Back { .. } => "backstepping",
            Self::Ended(end) => end.word(),
            Self::Yielding { .. } => "yielding",
        }
    }
}

/// One step of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own: every combination occurs")]
pub struct Run {
    /// Which way it is going.
    pub direction: Direction,
    /// How far it is.
    pub stage: Stage,
    /// Counts everything that was asked for: an answer to an older attempt is late.
    pub attempt: u32,
    /// Counts the proven failures of the call: the generation of its key.
    pub generation: u32,
    /// How often a call was tried in this direction.
    pub tries: u32,
    /// How many lookups in a row agreed, or failed.
    pub agreeing: u32,
    /// Whether the gate said go and the go still holds: the step holds its locks.
    pub passed: bool,
    /// How many lookups in a row failed.
    pub misses: u32,
    /// What the last lookup said of the goal.
    pub goal: Goal,
    /// How many calls were sent in this direction.
    pub calls: u32,
    /// Until when a call that was sent and not answered may still take effect: what undoes the step waits for that.
    pub loose: Millis,
    /// Whether the last lookup saw a marker of this step.
    pub marked: bool,
    /// Whether a call was sent whose outcome nobody knows.
    pub ambiguous: bool,
    /// Whether the system said yes to the call of this direction.
    pub acked: bool,
    /// Why the step cannot go on, while it is still being found out whether an earlier call of it took effect.
    pub refusal: Option<Box<str>>,
    /// Whether what is there now is this instance's doing.
    pub ours: bool,
    /// When the current wait began: at the gate, for a readback, since a call was given up.
    pub since: Millis,
    /// When the lookup under way was asked for: it may show what was so then.
    pub asked: Millis,
    /// When the forward effect was there for certain: what a lookup shows may still be older for a while.
    pub acted: Millis,
    /// Since when the current generation's key is in use.
    pub keyed: Millis,
    /// The outputs: what the call captured, what a lookup showed.
    pub outputs: Values,
    /// What the snapshot kept.
    pub before: Values,
    /// The facet's value at the snapshot: what an exact compensation brings back.
    pub was: Option<Value>,
    /// What the snapshot of the compensation kept.
    pub behind: Values,
    /// Why it failed, parked or is stuck.
    pub why: Option<Box<str>>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// It waits for the steps before it; backward, for those behind it.
    Waiting,
    /// The facts that it hangs on are being confirmed.
    Confirming,
    /// A lookup is under way.
    Looking(Phase),
    /// It may act: what follows is decided from the snapshot.
    Ready,
    /// Its call was sent.
    Calling,
    /// Its call was sent, and nobody knows what became of it.
    Unknown,
    /// It rests until a time, then goes on.
    Resting {
        /// The time.
        until: Millis,
        /// With what.
        then: Then,
    },
    /// It cannot succeed.
    Failed,
    /// It is done.
    Done,
    /// It is undone, or there was nothing to undo.
    Undone,
    /// It stays done, because it is not this instance's to undo.
    Kept,
    /// It waits for a person.
    Parked,
    /// Its compensation failed for good.
    Stuck,
}

/// What follows a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Then {
    /// The gate.
    Confirm,
    /// A lookup.
    Look(Phase),
    /// The same call again.
    Resend,
}

/// What a lookup said of what the step is to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Goal {
    /// Nothing looked.
    NotLooked,
    /// It is so.
    Reached,
    /// It is not so.
    Missing,
}

impl Stage {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Confirming => "confirming",
            Self::Looking(Phase::Snapshot) => "taking its snapshot",
            Self::Looking(Phase::Probe) => "probing",
            Self::Looking(Phase::Readback | Phase::Do) => "reading back",
            Self::Ready => "ready",
            Self::Calling => "calling",
            Self::Unknown => "unknown",
            Self::Resting { .. } => "resting",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Kept => "kept",
            Self::Parked => "parked",
            Self::Stuck => "stuck",
        }
    }

    /// Whether the step is under way: neither waiting nor settled.
    pub fn is_busy(self) -> bool {
        matches!(
            self,
            Self::Confirming
                | Self::Looking(_)
                | Self::Ready
                | Self::Calling
                | Self::Unknown
                | Self::Resting { .. }
        )
    }
}

impl Run {
    /// Whether something that the step sent may still take effect, or be taken back by a person.
    pub fn is_open(&self) -> bool {
        match self.stage {
            Stage::Calling
            | Stage::Unknown
            | Stage::Looking(Phase::Probe | Phase::Readback)
            | Stage::Stuck
            | Stage::Resting { then: Then::Resend | Then::Look(Phase::Probe | Phase::Readback), .. } => true,
            Stage::Confirming | Stage::Looking(_) | Stage::Ready | Stage::Parked | Stage::Resting { .. } => {
                self.ambiguous || self.acked
            }
            Stage::Waiting | Stage::Failed | Stage::Done | Stage::Undone | Stage::Kept => false,
        }
    }
}

impl State {
    /// The state of an instance with `steps` steps before anything happened.
    pub fn new(steps: usize) -> Self {
        Self { course: Course::Forward, steps: vec![Run::default(); steps], at: 0, epoch: 0 }
    }

    /// One word for the whole instance, from a closed set: its course, or that a step waits for a person.
    pub fn word(&self) -> &'static str {
        if matches!(self.course, Course::Ended(_)) {
            return self.course.word();
        }
        let mut word = self.course.word();
        for run in &self.steps {
            match run.stage {
                Stage::Stuck => return "stuck",
                Stage::Parked => word = "parked",
                _ => {}
            }
        }
        word
    }
}

impl Default for Run {
    fn default() -> Self {
        Self {
            direction: Direction::Forward,
            stage: Stage::Waiting,
            attempt: 0,
            generation: 1,
            tries: 0,
            agreeing: 0,
            passed: false,
            misses: 0,
            calls: 0,
            loose: 0,
            goal: Goal::NotLooked,
            marked: false,
            ambiguous: false,
            acked: false,
            refusal: None,
            ours: false,
            since: 0,
            asked: 0,
            acted: 0,
            keyed: 0,
            outputs: Values::new(),
            before: Values::new(),
            was: None,
            behind: Values::new(),
            why: None,
        }
    }
}
