//! Patterns: what the graph shows that nobody asked about: licences and devices that nobody uses, accounts of nobody, sources that
//! lose, troubles that come back, and who causes which cost.
//!
//! Absent: actions, and floating point. A finding never becomes an action: it carries the records behind it and a proposal that a person
//! reviews. Invariants: what was not wholly and freshly read is not judged and is told; money is counted in hundredths.
//!
//! `cost.rs` says who has what is paid for, `find.rs` what stands out.

pub mod cost;
pub mod find;

use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::record::Source;
use xops_kernel::value::Value;

/// How many records a pattern names; the others are counted.
pub const LINEAGE_MAX: usize = 20;

/// The kinds of pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something that is paid for and not used.
    UnusedLicence,
    /// A device that was not seen for long.
    StaleDevice,
    /// An account that belongs to nobody who is known.
    OrphanAccount,
    /// A source that says otherwise than the one that holds, more often than any other.
    LosingSource,
    /// A trouble that comes back.
    RecurringException,
}

impl Kind {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnusedLicence => "unused_licence",
            Self::StaleDevice => "stale_device",
            Self::OrphanAccount => "orphan_account",
            Self::LosingSource => "losing_source",
            Self::RecurringException => "recurring_exception",
        }
    }
}

/// What could be done; a person decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proposal {
    /// Take an element out of a facet of an outcome.
    Drop {
        /// The outcome.
        outcome: String,
        /// The domain.
        domain: String,
        /// The facet.
        facet: String,
        /// What is written there.
        written: String,
    },
    /// Take a source out of an attribute.
    Unsource {
        /// The kind of entity.
        entity: String,
        /// The attribute.
        attribute: String,
        /// The source, as `system.kind.attribute`.
        claim: String,
    },
    /// Let readings of a system be older.
    MaxAge {
        /// The system.
        system: String,
        /// In milliseconds.
        max_age_ms: u64,
    },
    /// Declare what these records are: a kind of entity of their own, so that they have facts, owners and outcomes.
    Mint {
        /// The kind's name.
        name: String,
        /// The system.
        system: String,
        /// The kind of record.
        kind: String,
        /// The attribute by which people call it.
        handle: String,
        /// Its attributes, which are those of the records, with their types.
        attributes: BTreeMap<String, String>,
    },
    /// In words: there is no edit of a declaration alone.
    Advice(String),
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// What kind.
    pub kind: Kind,
    /// What it is about: a cost and what causes it, a kind of record, a source of an attribute, a trouble.
    pub what: String,
    /// How often it is there.
    pub count: u64,
    /// Among how many.
    pub of: u64,
    /// What it costs a month, in hundredths, by currency.
    pub monthly: BTreeMap<String, u64>,
    /// The declarations that cause it; none where nothing declared does.
    pub causes: BTreeSet<String>,
    /// The records behind it: at most [`LINEAGE_MAX`], in order.
    pub lineage: Vec<Source>,
    /// What could be done.
    pub proposal: Proposal,
}

/// What something costs in one part of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// The cost.
    pub cost: String,
    /// The kind of layer, by its word.
    pub layer: &'static str,
    /// The layer: the value that chooses it; `None` where that is not known.
    pub name: Option<String>,
    /// The outcome that causes it; `None` where nothing declared does.
    pub cause: Option<String>,
    /// How many there are.
    pub count: u64,
    /// What they cost a month, in hundredths.
    pub monthly: u64,
    /// The currency.
    pub currency: String,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The patterns: by kind, the greatest first.
    pub patterns: Vec<Pattern>,
    /// Who causes which cost.
    pub shares: Vec<Share>,
    /// What could not be judged, and why.
    pub unjudged: BTreeSet<(String, String)>,
}

/// The declaration that makes records of (`system`, `kind`) entities of their own, with the attributes `with` that some record has, and
/// called by `first`, if that tells all records apart, else by another one that does; nothing where they are entities already, where
/// nothing tells them apart, or nothing of the name can be declared.
fn mint(graph: &Graph, (system, kind): (&str, &str), first: Option<&str>, with: &[&str]) -> Option<Proposal> {
    let name = format!("{system}_{kind}");
    let declared = &graph.declarations.entities;
    let minted = declared.values().any(|it| it.mint.0 == system && it.mint.1 == kind);
    if minted || declared.contains_key(&name) {
        return None;
    }
    let types = |attribute: &str| {
        let mut records = graph.records(system, kind);
        let value = records.find_map(|it| it.attributes.get(attribute).filter(|value| !value.is_null()))?;
        let is = match value {
            Value::Int(_) => "int",
            Value::Bool(_) => "bool",
            Value::Text(_) => "text",
            Value::Null | Value::Decimal(_) | Value::List(_) | Value::Map(_) => return None,
        };
        Some((attribute.to_owned(), is.to_owned()))
    };
    let is_word = |name: &str| {
        let letters = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
        name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(letters)
    };
    let tells_apart = |attribute: &&str| {
        let mut met = BTreeSet::new();
        graph.records(system, kind).all(|record| match record.attributes.get(*attribute) {
            Some(Value::Text(text)) => met.insert(text),
            _ => false,
        })
    };
    let of_records = graph.records(system, kind).next()?.attributes.keys().map(String::as_str);
    let others = of_records.filter(|attribute| !with.contains(attribute));
    let handle = first
        .into_iter()
        .chain(others)
        .chain(with.iter().copied())
        .filter(|it| is_word(it))
        .find(tells_apart)?;
    let attributes = std::iter::once(handle)
        .chain(with.iter().copied())
        .filter(|it| is_word(it))
        .filter_map(types)
        .collect();
    let (system, kind, handle) = (system.to_owned(), kind.to_owned(), handle.to_owned());
    Some(Proposal::Mint { name, system, kind, handle, attributes })
}

/// Sorted, unlike ones only, and not too many.
fn some(mut lineage: Vec<Source>) -> Vec<Source> {
    lineage.sort();
    lineage.dedup();
    lineage.truncate(LINEAGE_MAX);
    lineage
}
