//! What an actor was handling when it panicked: tried again, and set aside when that happened too often.
//!
//! Absent: what the panic said. Its text may hold a person's values or a secret; the journal keeps the place in words of ours.

use crate::id::RequestId;
use crate::log::Number;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// After how many panics it is set aside until a person releases it.
pub const STRIKES_MAX: usize = 3;
/// How long a panic counts, in milliseconds: three in a day are a pattern, three in a year are not.
pub const STRIKES_WITHIN_MS: u64 = 86_400_000;

/// What was being handled. Variants are stored by their position: append-only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Culprit {
    /// An instance: its own actor panicked over it, or a robot over one of its calls.
    Instance(Number),
    /// A request that is compiled.
    Request(RequestId),
    /// A read of a system: the connector panicked over one of its answers.
    Read {
        /// The system.
        system: String,
        /// The read.
        read: String,
    },
    /// The answers of a system as a whole: its robot panicked more often than its budget allows.
    System(String),
}

impl Culprit {
    /// Its kind, from a closed set.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Instance(_) => "instance",
            Self::Request(_) => "request",
            Self::Read { .. } => "read",
            Self::System(_) => "system",
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(number) => write!(f, "instance:{number}"),
            Self::Request(id) => write!(f, "request:{id}"),
            Self::Read { system, read } => write!(f, "read:{system}.{read}"),
            Self::System(system) => write!(f, "system:{system}"),
        }
    }
}

impl FromStr for Culprit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` names nothing that can be set aside: write `instance:NUMBER`, `request:ID`, `read:SYSTEM.READ` or \
                 `system:NAME`, as `xops status` shows it"
            )
        };
        let (kind, name) = text.split_once(':').ok_or_else(refused)?;
        match kind {
            "instance" => name.parse().map(Self::Instance).map_err(|_| refused()),
            "request" => name.parse().map(Self::Request).map_err(|_| refused()),
            "read" => match name.split_once('.') {
                Some((system, read)) if !system.is_empty() && !read.is_empty() => {
                    Ok(Self::Read { system: system.to_owned(), read: read.to_owned() })
                }
                _ => Err(refused()),
            },
            "system" if !name.is_empty() => Ok(Self::System(name.to_owned())),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        let read = |system: &str, read: &str| Culprit::Read { system: system.into(), read: read.into() };
        for culprit in [
            Culprit::Instance(7),
            Culprit::Request(RequestId([9; 16])),
            read("okta", "users"),
            Culprit::System("okta".into()),
        ] {
            assert_eq!(culprit.to_string().parse(), Ok(culprit));
        }
        for text in ["", "7", "instance:", "instance:x", "read:okta", "read:.users", "request:7", "call"] {
            assert!(text.parse::<Culprit>().is_err(), "{text}");
        }
    }
}
