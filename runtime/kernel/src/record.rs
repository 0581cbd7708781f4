//! Records: objects as read from systems. Immutable; a newer reading is a newer record.

use crate::value::Values;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z, as some event brought them.
pub type Millis = u64;

/// One object as read from a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where and what it is.
    pub source: Source,
    /// Its attributes, as the manifest's read maps them.
    pub attributes: Values,
    /// When the system answered.
    pub read_at: Millis,
    /// The principal that read it: a later reader can be shown only what their own rights would show.
    pub principal: String,
}

/// The name of an object in its system, with the version that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The system's name.
    pub system: String,
    /// The kind of record, as the manifest names it.
    pub kind: String,
    /// The system's own id of the object.
    pub id: String,
    /// The version or etag, where the system has one.
    pub version: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.system, self.kind, self.id)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))
    }
}
