//! Drift: what is there and what is wanted have come apart, as objects that say why.
//!
//! Absent: rules of difference, and actions. What differs `xops_kernel::diff` says; what is done about it is declared, and done by others.
//! Invariants: what was not wholly and freshly read is not judged and is told; one drift keeps one id, under the tenant's key, for
//! as long as it is the same; its cause is what changed since it was last as wanted, and not what happens to be true now.
//!
//! `index.rs` holds what records show of the facets that are watched, `listing.rs` what they show of one entity, `screen.rs` says who looks otherwise than before, `find.rs`
//! compares an entity, `watch.rs` remembers.

pub mod find;
pub mod index;
pub mod listing;
pub mod screen;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::Achieves;
use xops_kernel::canon::{Canon, DigestKey};
use xops_kernel::diff::{Change, Facet};
use xops_kernel::fact::Proof;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::record::{Millis, Source};
use xops_kernel::value::Value;

/// One facet that is not as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Its name: the digest of the facet, of what is wanted and of what is there.
    pub id: Digest,
    /// The facet.
    pub facet: Facet,
    /// What would have to change.
    pub change: Achieves,
    /// What is wanted, if it is.
    pub wanted: Option<Value>,
    /// What is there, if it is.
    pub seen: Option<Value>,
    /// The outcomes that want it.
    pub outcomes: BTreeSet<String>,
    /// Who is to see to it: the domain of the system.
    pub owner: String,
    /// What changed.
    pub cause: Cause,
    /// When it was first found.
    pub since: Millis,
    /// Until when the readings behind it count; after that it is unknown, and no drift.
    pub expires_at: Millis,
    /// The proof, where something is missing.
    pub proof: Option<Proof>,
    /// The records that it was found from.
    pub lineage: Vec<Source>,
}

/// What changed since it was as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody changed what is there.
    Seen {
        /// What was there.
        was: Option<Value>,
        /// When it was last seen so.
        last: Millis,
        /// Who, as far as the record says.
        by: Who,
    },
    /// What xops had granted is there no more, and nothing says since when.
    Taken {
        /// Who, as far as that can be told.
        by: Who,
    },
    /// A fact changed, and with it what is wanted.
    Fact {
        /// The reference: `person.location`.
        reference: String,
        /// What it was.
        was: Option<Value>,
        /// What it is.
        is: Option<Value>,
        /// The record that says so now.
        record: Option<Source>,
        /// When that was read.
        read_at: Millis,
    },
    /// The declarations changed.
    Declared {
        /// Under which it was compared before.
        was: Digest,
    },
    /// It was never seen otherwise.
    Never,
}

impl Cause {
    /// One word, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Seen { .. } => "seen",
            Self::Taken { .. } => "taken",
            Self::Fact { .. } => "fact",
            Self::Declared { .. } => "declared",
            Self::Never => "never",
        }
    }
}

/// Who changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The record names them.
    Said(String),
    /// Somebody in this system, and not xops.
    Somebody {
        /// The system.
        system: String,
    },
}

/// What could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unjudged {
    /// The entity; all of them where it is none.
    pub entity: Option<EntityId>,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What is remembered of an entity: what held when it was last compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The facts that wishes hung on, by reference; `None` for what was proven absent.
    pub facts: BTreeMap<String, Option<Value>>,
    /// What was there of the facets that are watched, and when that was known last; `None` for what was proven absent.
    pub facets: BTreeMap<Facet, (Option<Value>, Millis)>,
    /// Under which declarations; none where nothing was ever judged.
    pub declared: Option<Digest>,
}

/// The id of the drift that `change` would mend.
pub fn id_of(change: &Change, key: &DigestKey) -> Digest {
    let mut canon = Canon::new("xops drift 1");
    change.canon(&mut canon);
    canon.keyed_digest(key)
}
