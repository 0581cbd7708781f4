//! Standards: what a complete declaration is held to. Requirements that somebody approved, sets of peers, and where it is seen
//! what is there, what it costs and what is done about drift.
//!
//! Absent: any effect. A standard is never planned from and never enters a plan's footprint or the digest of the
//! declarations: it only says what a declaration may lack, and a person decides. Invariant: integers only; every share is in
//! per cent.

use crate::declare::{Desired, Origin};
use crate::expr::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that declarations are held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standards {
    /// The requirements, by name.
    pub requirements: BTreeMap<String, Requirement>,
    /// The sets of peers, by name.
    pub peers: BTreeMap<String, PeerSet>,
    /// Where facets are watched between plans, by domain and facet.
    pub watched: BTreeMap<(String, String), Watched>,
    /// What is done about drift, by outcome; it is reported where nothing is said.
    pub on_drift: BTreeMap<String, OnDrift>,
    /// Which outcomes an outcome supersedes, by its name: their instances make way for it.
    pub supersedes: BTreeMap<String, BTreeSet<String>>,
    /// The attributes that name another entity of their kind, by kind and attribute, with the attribute by which they name it.
    pub refers: BTreeMap<(String, String), String>,
    /// What is paid for, by name.
    pub costs: BTreeMap<String, Cost>,
}

/// Where the facets of one kind are seen between plans, in records that are read anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The kind of entity.
    pub entity: String,
    /// The records, and whose they are.
    pub evidence: Evidence,
    /// The facet's value wherever such a record is; what the record's `element` says where nothing is written here.
    pub value: Option<String>,
    /// The attribute of the record that says who changed it last, if it has one.
    pub by: Option<String>,
}

/// What is done about the drift of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnDrift {
    /// Whether work is opened for it; else it is reported.
    pub open: bool,
    /// How soon that work should go, in milliseconds.
    pub within_ms: u64,
}

/// How soon the work that drift opens should go, where nothing is said, in milliseconds: an hour.
pub const WITHIN_MS: u64 = 3_600_000;

impl Default for OnDrift {
    fn default() -> Self {
        Self { open: false, within_ms: WITHIN_MS }
    }
}

/// Something that is paid for each month: a licence that people have, or a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Its name.
    pub name: String,
    /// What it is.
    pub of: Costing,
    /// What one costs a month, in hundredths of the currency.
    pub monthly: u64,
    /// The currency.
    pub currency: String,
    /// The attribute of the record that says when it was last used, if it has one.
    pub used: Option<String>,
    /// After how long without use it is idle, in milliseconds.
    pub idle_ms: u64,
    /// Where it stands.
    pub origin: Origin,
}

/// What is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Costing {
    /// An element of a watched facet.
    Element {
        /// The domain.
        domain: String,
        /// The facet.
        facet: String,
        /// The element, by its name.
        element: String,
    },
    /// Each record of a kind: a device.
    Record {
        /// The system.
        system: String,
        /// The kind.
        kind: String,
        /// The kind of entity whose it is.
        entity: String,
        /// The attribute of the record that says whose it is.
        record: String,
        /// The attribute of the entity that equals it, case and surrounding space aside.
        key: String,
    },
}

/// What a policy, a role, a site or a device demands, as somebody approved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name.
    pub name: String,
    /// The rule in a sentence.
    pub title: String,
    /// What demands it: one of [`DEMANDS`].
    pub because: String,
    /// Who approved it.
    pub approved_by: String,
    /// The kind of entity that it is about.
    pub entity: String,
    /// Whom it holds for.
    pub applies: Expr,
    /// What it demands: facets with their values.
    pub facets: Vec<Desired>,
    /// Where it stands.
    pub origin: Origin,
}

/// What may demand something.
pub const DEMANDS: [&str; 4] = ["policy", "role", "site", "device"];

/// Whose established state says what is usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSet {
    /// Its name.
    pub name: String,
    /// The kind of entity.
    pub entity: String,
    /// Who counts.
    pub counts: Expr,
    /// The attributes that peers share, the finest level first; after the last come all who count.
    pub levels: Vec<Vec<String>>,
    /// How many peers a level needs; with fewer the next one is asked.
    pub least: u64,
    /// From which share of the peers on something is expected, in per cent.
    pub expected_pct: u64,
    /// From which share on it is suggested.
    pub suggested_pct: u64,
    /// Under which share a declared thing is excess.
    pub excess_pct: u64,
    /// How much more usual it must be among the peers than among all who count: 100 is as usual.
    pub lift_pct: u64,
    /// Where it is seen what somebody has.
    pub evidence: Vec<Evidence>,
    /// Where it stands.
    pub origin: Origin,
}

/// Where it is seen which elements of a facet somebody has: records of one kind, joined by one exact key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The facet's domain.
    pub domain: String,
    /// The facet's name.
    pub facet: String,
    /// The system whose records show it.
    pub system: String,
    /// The kind of record.
    pub kind: String,
    /// The attribute of the record that says whose it is.
    pub record: String,
    /// The attribute of the entity that equals it, case and surrounding space aside; or `link.<system>`: the id of the record
    /// that this link joins.
    pub entity: String,
    /// The attribute of the record that holds the element, or the list of elements.
    pub element: String,
    /// The kind of object whose `id` the element is, if it is one; else the element is its own name.
    pub objects: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}
