//! Contracts: what the kernel must know of an atomic work function.
//!
//! A manifest says more (paths, headers, bodies); none of that is needed to decide. The connectors crate derives a contract
//! from a manifest, so that a plan can be drawn, gated and recovered without knowing any system.

use crate::id::Digest;
use crate::value::{Type, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The name of an AWF: `okta.create_identity`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AwfName {
    /// The system.
    pub system: String,
    /// The function.
    pub function: String,
}

impl AwfName {
    /// The name of `function` of `system`.
    pub fn new(system: &str, function: &str) -> Self {
        Self { system: system.to_owned(), function: function.to_owned() }
    }
}

impl fmt::Display for AwfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.system, self.function)
    }
}

/// What the kernel must know of an AWF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Its name.
    pub name: AwfName,
    /// The change that it achieves; `None` for messages, revocations and the like.
    pub achieves: Option<Achieves>,
    /// What it takes.
    pub inputs: BTreeMap<String, Input>,
    /// What it gives: captured from the answer of the call or from a lookup that finds the object.
    pub outputs: BTreeMap<String, Type>,
    /// How it is undone.
    pub undo: Undo,
    /// What follows a call that was sent and not answered.
    pub ambiguity: Ambiguity,
    /// Whether a lookup shows the state before and after: the manifest's `snapshot`.
    pub snapshot: bool,
    /// How the postcondition is confirmed; `None` if the answer of the call is the confirmation.
    pub readback: Option<Readback>,
    /// Names of the locks that it holds from its snapshot to its confirmation; `{input}` is replaced.
    pub locks: Vec<String>,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// How often a call that provably did not take effect is tried again.
    pub tries_max: u32,
    /// BLAKE3 of the manifest that it came from.
    pub manifest: Digest,
}

/// One declared input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its type.
    pub is: Type,
    /// Whether a call without it is refused.
    pub required: bool,
    /// Whether it may say something of a person: then it is sealed under the subject's key.
    pub personal: bool,
}

/// The change that an AWF achieves on its facet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Achieves {
    /// What was absent is present with the desired value.
    Create,
    /// What was present has the desired value.
    Update,
    /// What was present is absent.
    Remove,
}

impl Achieves {
    /// The word for it in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// How an AWF is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// It leaves nothing behind (a read, a synchronisation).
    Nothing,
    /// By another AWF.
    By {
        /// That AWF, of the same system.
        awf: AwfName,
        /// Where each of its inputs comes from.
        with: BTreeMap<String, From>,
        /// What of it does not come back.
        loss: Option<String>,
    },
    /// Not at all.
    Irreversible {
        /// The AWF that goes forward from there, if one is declared.
        forward: Option<AwfName>,
    },
}

impl Undo {
    /// The class of SYSTEM's step protocol: `exact`, `with_loss`, `irreversible`; `none_needed` where nothing is left behind.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Nothing => "none_needed",
            Self::By { loss: None, .. } => "exact",
            Self::By { loss: Some(_), .. } => "with_loss",
            Self::Irreversible { .. } => "irreversible",
        }
    }
}

/// Where an input of a compensation comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum From {
    /// An input of the call that is undone.
    Input(String),
    /// An output of it: what the call captured or the probe adopted.
    Output(String),
    /// An output of its snapshot: what was there before.
    Snapshot(String),
    /// A value.
    Literal(Value),
}

/// What follows a call that was sent and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ambiguity {
    /// Look whether it took effect.
    Probe {
        /// How long after the call the system may still not show its effect, in milliseconds.
        window_ms: u64,
        /// How many lookups in a row must not find it before it counts as not done.
        agreeing: u8,
        /// Whether the system enforces uniqueness, so that a second call cannot double the effect.
        unique: bool,
    },
    /// Send it again: the call has PUT semantics, or carries a key of the vendor that lives `lifetime_ms`.
    Resend {
        /// The key's lifetime, in milliseconds; `None` for PUT semantics.
        lifetime_ms: Option<u64>,
    },
    /// Ask a person.
    Park,
}

/// How a postcondition is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readback {
    /// The deadline after the answer of the call, in milliseconds.
    pub within_ms: u64,
    /// How many lookups in a row must agree.
    pub settle: u8,
    /// The time between two lookups, in milliseconds.
    pub every_ms: u64,
}
