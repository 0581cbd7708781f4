//! What was written, before it was held against the rest: names not yet resolved, everything with its place.

use crate::code;
use crate::finding::Finding;
use crate::reader::{Reader, Reference};
use crate::syntax::{Node, Word};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use xops_kernel::declare::{Object, OnReject, Origin};
use xops_kernel::layer::{LayerKind, Setting};
use xops_kernel::value::{Type, Value, Values};

/// A place in a file.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) file: Arc<str>,
    pub(super) span: Range<usize>,
    pub(super) line: u32,
}

impl At {
    /// The head of the block that `reader` reads.
    pub(super) fn head(reader: &Reader<'_, '_>) -> Self {
        Self::of(reader, reader.head())
    }

    /// `span` in the file that `reader` reads.
    pub(super) fn of(reader: &Reader<'_, '_>, span: Range<usize>) -> Self {
        let line = reader.origin(&span).line;
        Self { file: Arc::from(reader.name_of_file()), span, line }
    }

    /// As declarations keep it.
    pub(super) fn origin(&self) -> Origin {
        Origin { file: self.file.to_string(), line: self.line }
    }

    /// An error here.
    pub(super) fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Finding {
        Finding::error(code, &*self.file, self.span.clone(), message, label)
    }

    /// An error at another span of the same file.
    pub(super) fn error_at(
        &self,
        span: &Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Finding {
        Finding::error(code, &*self.file, span.clone(), message, label)
    }

    /// Another place that matters to `finding`.
    pub(super) fn relate(&self, finding: Finding, label: &str) -> Finding {
        finding.related(&*self.file, self.span.clone(), label)
    }
}

/// A text with its place.
pub(super) type Said = (String, Range<usize>);

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) tenants: Vec<Tenant>,
    pub(super) systems: BTreeMap<String, System>,
    pub(super) entities: BTreeMap<String, Entity>,
    pub(super) objects: BTreeMap<(String, String), (At, Object)>,
    pub(super) facets: BTreeMap<(String, String), Facet>,
    pub(super) routes: BTreeMap<(String, String, String), Route>,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    pub(super) runbooks: BTreeMap<String, Runbook>,
    pub(super) settings: BTreeMap<String, (At, Setting)>,
    pub(super) layers: BTreeMap<(LayerKind, String), Layer>,
    pub(super) layering: BTreeMap<LayerKind, (At, String)>,
    pub(super) triggers: BTreeMap<(String, String), Trigger>,
    pub(super) schedules: BTreeMap<String, Schedule>,
    pub(super) identities: super::identity::Drafts,
    pub(super) requirements: BTreeMap<String, super::standard::Requirement>,
    pub(super) peers: BTreeMap<String, super::standard::Peers>,
    pub(super) watched: BTreeMap<(String, String), super::watched::Draft>,
    pub(super) costs: BTreeMap<String, super::watched::Paid>,
}

#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) at: At,
    pub(super) name: String,
    pub(super) principal: String,
}

#[derive(Debug)]
pub(super) struct System {
    pub(super) at: At,
    pub(super) domain: Option<Said>,
    pub(super) manifest: Said,
    pub(super) base_url: Said,
    pub(super) vars: Values,
    pub(super) credential: Vec<(Word, Said)>,
    pub(super) concurrency: u32,
    pub(super) max_age_ms: u64,
}

#[derive(Debug)]
pub(super) struct Entity {
    pub(super) at: At,
    pub(super) mint: Option<Reference>,
    pub(super) handle: Option<Said>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) links: BTreeMap<String, Link>,
    /// The rules that join its records, and the attribute of its minting records by which one holds; exact keys where it has none.
    pub(super) joined: Option<(Said, Said)>,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) at: At,
    pub(super) is: Type,
    pub(super) personal: bool,
    pub(super) from: Vec<Reference>,
    pub(super) max_age_ms: Option<u64>,
    /// The attribute by which it names another entity of the kind, if it does.
    pub(super) refers: Option<Said>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) at: At,
    pub(super) kind: Said,
    /// Empty, as the next, where rules join the records.
    pub(super) record: Said,
    pub(super) entity: Said,
}

#[derive(Debug)]
pub(super) struct Facet {
    pub(super) at: At,
    pub(super) domain: Word,
    pub(super) system: Option<Said>,
    pub(super) set: bool,
    pub(super) exclusive: bool,
    pub(super) after: Vec<Reference>,
}

#[derive(Debug)]
pub(super) struct Route {
    pub(super) at: At,
    pub(super) change: Word,
    pub(super) domain: Word,
    pub(super) facet: Word,
    pub(super) awf: Option<Reference>,
    pub(super) with: Vec<(Word, Node)>,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) at: At,
    pub(super) title: String,
    pub(super) entity: Option<Said>,
    pub(super) applies: Option<Node>,
    pub(super) runbook: Option<Reference>,
    pub(super) on_drift: Option<xops_kernel::standard::OnDrift>,
    pub(super) supersedes: Vec<Reference>,
    pub(super) facets: Vec<Desired>,
}

#[derive(Debug)]
pub(super) struct Desired {
    pub(super) at: At,
    pub(super) key: (String, String),
    pub(super) value: Node,
}

#[derive(Debug)]
pub(super) struct Runbook {
    pub(super) at: At,
    pub(super) title: String,
    pub(super) plan: String,
    pub(super) on_reject: Option<OnReject>,
    pub(super) variants: BTreeMap<String, Variant>,
}

#[derive(Debug)]
pub(super) struct Variant {
    pub(super) at: At,
    pub(super) nodes: Vec<Step>,
}

impl Variant {
    pub(super) fn node(&self, name: &str) -> Option<&Step> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: At,
    pub(super) name: String,
    pub(super) awf: Option<Reference>,
    pub(super) after: Vec<Reference>,
    pub(super) with: Vec<(Word, Node)>,
    pub(super) on_reject: Option<OnReject>,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) at: At,
    pub(super) values: BTreeMap<String, (At, Value)>,
    /// The runbooks whose variant it chooses; `values` holds the variants.
    pub(super) variants: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) at: At,
    pub(super) system: Word,
    pub(super) entity: Option<Said>,
    pub(super) find: Vec<(Word, Node)>,
    pub(super) outcome: Option<Reference>,
}

#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) at: At,
    pub(super) cron: Option<Said>,
    pub(super) outcomes: Vec<Reference>,
}

/// What has a place.
pub(super) trait Placed {
    fn at(&self) -> &At;
}

macro_rules! placed {
    ($($name:ty),*) => {
        $(impl Placed for $name {
            fn at(&self) -> &At {
                &self.at
            }
        })*
    };
}

placed!(
    System, Entity, Attribute, Link, Facet, Route, Outcome, Desired, Runbook, Variant, Layer, Trigger,
    Schedule
);

impl<T> Placed for (At, T) {
    fn at(&self) -> &At {
        &self.0
    }
}

/// Puts `draft` under its name; a second one of that name is reported and dropped.
pub(super) fn insert<K: Ord, T: Placed>(
    into: &mut BTreeMap<K, T>,
    key: K,
    draft: T,
    what: &str,
    reader: &mut Reader<'_, '_>,
) {
    insert_as(into, key, draft, code::DUPLICATE, &format!("{what} is declared twice"), reader);
}

/// The same with another code and message.
pub(super) fn insert_as<K: Ord, T: Placed>(
    into: &mut BTreeMap<K, T>,
    key: K,
    draft: T,
    code: &'static str,
    message: &str,
    reader: &mut Reader<'_, '_>,
) {
    match into.get(&key) {
        Some(first) => {
            let finding = draft.at().error(code, message, "declared again here");
            reader.report(first.at().relate(finding, "first declared here"));
        }
        None => drop(into.insert(key, draft)),
    }
}
