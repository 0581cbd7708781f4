//! Facts and observations: what is true, as far as it is known.
//!
//! Invariants: `Unknown` never plans anything. A creation is planned from [`Absence`] and a removal from [`Presence`], and
//! only an observation makes either, so the opposite cannot be written.

use crate::record::{Millis, Source};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation<T> {
    /// It is there, and this is it.
    Present(T),
    /// It is proven not to be there.
    Absent(Proof),
    /// Neither is known.
    Unknown(Doubt),
}

impl<T> Observation<T> {
    /// The presence, if it is there.
    pub fn presence(&self) -> Option<Presence<'_, T>> {
        match self {
            Self::Present(value) => Some(Presence { value }),
            _ => None,
        }
    }

    /// The absence, if it is proven.
    pub fn absence(&self) -> Option<Absence<'_>> {
        match self {
            Self::Absent(proof) => Some(Absence { proof }),
            _ => None,
        }
    }
}

/// Evidence that something is there. Only an observation makes one.
#[derive(Clone, Copy, Debug)]
pub struct Presence<'a, T> {
    value: &'a T,
}

impl<'a, T> Presence<'a, T> {
    /// What is there.
    pub fn value(&self) -> &'a T {
        self.value
    }
}

/// Evidence that something is not there. Only an observation makes one.
#[derive(Clone, Copy, Debug)]
pub struct Absence<'a> {
    proof: &'a Proof,
}

impl<'a> Absence<'a> {
    /// How it is proven.
    pub fn proof(&self) -> &'a Proof {
        self.proof
    }
}

/// How an absence is proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Proof {
    /// A complete and fresh snapshot did not hold it.
    Snapshot {
        /// The system that was read.
        system: String,
        /// The read, as the manifest names it.
        read: String,
    },
    /// A point lookup that the manifest declares authoritative did not find it.
    Lookup {
        /// The system that was asked.
        system: String,
        /// The lookup, as the manifest names it.
        lookup: String,
    },
    /// What it would hang on is itself proven absent.
    Implied {
        /// The facet that is absent.
        by: String,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot { system, read } => write!(f, "complete read {system}.{read}"),
            Self::Lookup { system, lookup } => write!(f, "authoritative lookup {system}.{lookup}"),
            Self::Implied { by } => write!(f, "{by} is absent"),
        }
    }
}

/// Why something is unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Doubt {
    /// What kind of doubt.
    pub reason: Reason,
    /// In words, for the person who is to resolve it.
    pub detail: String,
    /// Since when.
    pub since: Millis,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.word(), self.detail)
    }
}

/// The kinds of doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody has read it yet.
    NeverRead,
    /// A read failed or was only partly answered.
    Incomplete,
    /// The last reading is older than the attribute's `max_age`.
    Stale,
    /// Sources of equal authority disagree.
    Conflict,
    /// An action on it is in flight.
    InFlight,
    /// The system answered something that the manifest does not know.
    Unexpected,
    /// The subject's key was destroyed.
    Erased,
}

impl Reason {
    /// The reason in the words of the glossary.
    pub fn word(self) -> &'static str {
        match self {
            Self::NeverRead => "never read",
            Self::Incomplete => "incomplete read",
            Self::Stale => "stale",
            Self::Conflict => "conflict",
            Self::InFlight => "in flight",
            Self::Unexpected => "unexpected answer",
            Self::Erased => "erased",
        }
    }
}

/// A claim that won under the declared authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The value.
    pub value: Value,
    /// The record that it came from.
    pub source: Source,
    /// When that record was read.
    pub read_at: Millis,
}

/// What is known of one entity, by attribute.
pub type Facts = BTreeMap<String, Observation<Fact>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_neither_presence_nor_absence() {
        let doubt = Doubt { reason: Reason::Stale, detail: "read yesterday".into(), since: 0 };
        let unknown: Observation<Value> = Observation::Unknown(doubt);
        assert!(unknown.presence().is_none());
        assert!(unknown.absence().is_none());
    }
}
