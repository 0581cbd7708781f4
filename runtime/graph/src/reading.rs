//! Readings: what one read of one system gave, and which entities it touched.
//!
//! Absent: any interpretation. A reading says itself whether it is whole; the graph never infers it from what it holds.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};

/// The result of one read of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The system.
    pub system: String,
    /// The read, as the manifest names it.
    pub read: String,
    /// The kind of record that it gives.
    pub kind: String,
    /// The id of the record that it was made for, where the read is made for each of a kind.
    pub parameter: Option<String>,
    /// The records.
    pub records: Vec<Record>,
    /// Whether these are all records that there are. A reading with a failure is never complete.
    pub complete: bool,
    /// Why it is not complete, if it failed; a delta is neither complete nor failed.
    pub failed: Option<String>,
    /// When it began: everything in it is at least as recent.
    pub at: Millis,
}

impl Reading {
    /// A complete reading of everything that `system` has of `kind`.
    pub fn complete(system: &str, read: &str, kind: &str, at: Millis, records: Vec<Record>) -> Self {
        Self {
            system: system.to_owned(),
            read: read.to_owned(),
            kind: kind.to_owned(),
            parameter: None,
            records,
            complete: true,
            failed: None,
            at,
        }
    }

    /// The same reading, broken off because of `reason`.
    #[must_use]
    pub fn broken_off(mut self, reason: &str) -> Self {
        self.complete = false;
        self.failed = Some(reason.to_owned());
        self
    }

    /// The same reading, made for the record `id`.
    #[must_use]
    pub fn made_for(mut self, id: &str) -> Self {
        self.parameter = Some(id.to_owned());
        self
    }

    /// Whether it proves what it does not hold to be absent.
    pub fn is_whole(&self) -> bool {
        self.complete && self.failed.is_none()
    }
}

/// What makes a reading of changes as good as a whole one: it begins where a whole one ended, and says what is gone since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// When the reading that it follows began.
    pub at: Millis,
    /// The system's ids of the objects that are gone.
    pub gone: Vec<String>,
}

/// The entities whose facts may differ after a reading. It may name too many, never too few; what only grows old by the
/// passing of time is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The entities.
    pub entities: BTreeSet<EntityId>,
}
