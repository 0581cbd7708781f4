//! Where a fault can strike: every call of a story, by what it is for.
//!
//! Absent: a list of calls. It is taken from the undisturbed story, as the estate's recorder saw it.

use crate::support::story::{self, ACTIONS, Reference};
use std::fmt;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It acts.
    Do,
    /// It looks before.
    Snapshot,
    /// It looks after.
    Readback,
}

/// One call of a story.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Which of the story's acting calls it belongs to, from 0; see [`ACTIONS`].
    pub(crate) action: usize,
    /// What it is for.
    pub(crate) role: Role,
    /// Its system.
    pub(crate) system: String,
    /// Its operation.
    pub(crate) operation: String,
    /// How many calls of that operation go before it.
    pub(crate) after: usize,
}

impl Site {
    /// The AWF that it belongs to.
    pub(crate) fn awf(&self) -> &'static str {
        ACTIONS[self.action].0
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Do => "do",
            Role::Snapshot => "snapshot",
            Role::Readback => "readback",
        };
        write!(f, "{} {role}", self.awf())
    }
}

/// All calls of a story from its first step's snapshot on.
pub(crate) fn sites(reference: &Reference) -> Vec<Site> {
    let calls = &reference.calls;
    let acting: Vec<usize> = (0..calls.len()).filter(|at| story::is_acting(&calls[*at].1)).collect();
    let mut sites = Vec::new();
    let mut add = |at: usize, action: usize, role: Role| {
        let (system, operation) = calls[at].clone();
        let after = calls[..at].iter().filter(|call| **call == calls[at]).count();
        sites.push(Site { action, role, system, operation, after });
    };
    for (action, at) in acting.iter().copied().enumerate() {
        let next = acting.get(action + 1).copied().unwrap_or(calls.len());
        if action == 0 {
            add(at - 1, action, Role::Snapshot);
        }
        add(at, action, Role::Do);
        // Between two acting calls the first is read back and the second takes its snapshot.
        let between: Vec<usize> = (at + 1..next).collect();
        let other = calls.get(next).map(|call| &call.0);
        let split = between.iter().position(|at| Some(&calls[*at].0) == other).unwrap_or(between.len());
        let split = if other == Some(&calls[at].0) { between.len() / 2 } else { split };
        for (place, at) in between.into_iter().enumerate() {
            if place < split { add(at, action, Role::Readback) } else { add(at, action + 1, Role::Snapshot) }
        }
    }
    sites
}
