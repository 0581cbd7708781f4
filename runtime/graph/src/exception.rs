//! Exceptions: what the graph cannot resolve by itself, as objects with an owner.
//!
//! Absent: log lines, and clock times inside a reason, so that one trouble keeps one id however often it is read again.
//! Invariant: the exceptions are computed from what is held, so they go when their cause goes, and their ids, under the
//! tenant's key, say nothing of a person.

use crate::coverage::Age;
use crate::finder::Finder;
use crate::graph::Graph;
use crate::resolve::{Found, Resolver};
use crate::table::{Look, Table};
use crate::who::Told;
use std::collections::BTreeSet;
use xops_kernel::canon::Canon;
use xops_kernel::declare::{Attribute, EntityKind, Link};
use xops_kernel::fact::Observation;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::Value;

/// Something that a person must see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exception {
    /// Its name: the digest of its content, the versions of records aside.
    pub id: Digest,
    /// What kind of trouble.
    pub kind: Kind,
    /// Who is to resolve it: the domain of the system, or the system where that is not declared.
    pub owner: String,
    /// What is wrong.
    pub reason: String,
    /// What cannot go on: attributes and links.
    pub blocks: Vec<String>,
    /// What would resolve it.
    pub resolves: String,
    /// The records that it comes from.
    pub lineage: Vec<Source>,
}

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One key or handle is that of several entities or several records.
    AmbiguousIdentity,
    /// One id was read with different contents.
    Conflict,
    /// A record without an id, or of another kind than was read.
    Malformed,
    /// A value that is not of the declared type.
    WrongType,
    /// A read that failed.
    IncompleteSource,
    /// A read that is older than it may be.
    StaleSource,
    /// Two declarations that exclude each other.
    Declaration,
    /// Entities that refer to each other in a circle.
    Round,
}

impl Kind {
    /// One word for metrics and traces, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::AmbiguousIdentity => "ambiguous_identity",
            Self::Conflict => "conflict",
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::IncompleteSource => "incomplete_source",
            Self::StaleSource => "stale_source",
            Self::Declaration => "declaration",
            Self::Round => "round",
        }
    }
}

/// An exception before it has its id.
struct Trouble<'a> {
    kind: Kind,
    system: &'a str,
    reason: String,
    blocks: BTreeSet<String>,
    resolves: &'a str,
    lineage: Vec<Source>,
}

impl Graph {
    /// Everything that needs a person at `now`, in the order of ids.
    pub fn exceptions(&self, now: Millis) -> Vec<Exception> {
        let mut out = BTreeSet::new();
        for (system, tables) in &self.tables {
            for (kind, table) in tables {
                self.troubled_rows(system, kind, table, &mut out);
            }
        }
        for system in self.tables.keys().chain(self.contracts.keys()).collect::<BTreeSet<_>>() {
            self.troubled_reads(system, now, &mut out);
        }
        for kind in self.declarations.entities.values() {
            self.doubly_minted(kind, &mut out);
            self.shared_handles(kind, &mut out);
            if self.is_joined_by_rules(&kind.name) {
                self.doubled_records(kind, &mut out);
                continue;
            }
            for link in kind.links.values() {
                self.shared_keys(kind, link, &mut out);
            }
        }
        self.asked_about(&mut out);
        for (kind, attribute, round) in self.rounds() {
            let system = self
                .declarations
                .entities
                .get(kind)
                .and_then(|kind| Some(kind.attributes.get(attribute)?.from.first()?.system.as_str()));
            let trouble = Trouble {
                kind: Kind::Round,
                system: system.unwrap_or_default(),
                reason: format!("`{kind}.{attribute}` goes round: {}", self.told_round(round)),
                blocks: BTreeSet::from([format!("{kind}.{attribute} of those in the round")]),
                resolves: "another value for one of them, in the system that says so",
                lineage: self.minting(&round.iter().copied().collect()),
            };
            self.raise(trouble, &mut out);
        }
        out.into_iter().collect()
    }

    /// What rules cannot tell: a person is asked, and says it by a decision.
    fn asked_about(&self, out: &mut BTreeSet<Exception>) {
        for told in self.questions() {
            let Some(kind) = self.declarations.entities.get(&told.kind) else { continue };
            let (left, right) = (&told.left, &told.right);
            let blocks = self.hangs_on(&told);
            let settles = &told.explained.settles;
            let trouble = Trouble {
                kind: Kind::AmbiguousIdentity,
                system: &right.system,
                reason: format!(
                    "whether {}.{} and {}.{} are of one `{}` is not told: {}",
                    left.system, left.kind, right.system, right.kind, kind.name, told.explained.why
                ),
                blocks,
                resolves: &format!("{settles}; or `xops identity decide`"),
                lineage: vec![left.clone(), right.clone()],
            };
            self.raise(trouble, out);
        }
    }

    /// The links and attributes that are unknown because of a question.
    pub fn hangs_on(&self, told: &Told) -> BTreeSet<String> {
        let mut blocks = BTreeSet::new();
        let Some(kind) = self.declarations.entities.get(&told.kind) else { return blocks };
        for entity in &told.entities {
            for link in kind.links.values() {
                if self.is_joinable(*entity, kind, link) {
                    continue;
                }
                blocks.insert(format!("{}'s link to {}", kind.name, link.system));
                let fed =
                    kind.attributes.iter().filter(|(_, attribute)| self.waits(*entity, attribute, link));
                blocks.extend(fed.map(|(name, _)| format!("{}.{name}", kind.name)));
            }
        }
        blocks
    }

    /// Whether `attribute` is unknown, and one of its sources is behind `link`.
    fn waits(&self, entity: EntityId, attribute: &Attribute, link: &Link) -> bool {
        let Some(node) = self.nodes.get(&entity) else { return false };
        attribute.from.iter().any(|claim| claim.system == link.system)
            && matches!(
                self.timeless().held(entity, node, attribute, &mut Vec::new()),
                Observation::Unknown(_)
            )
    }

    /// Whether it is known which record `link` joins, or that it joins none.
    fn is_joinable(&self, entity: EntityId, kind: &EntityKind, link: &Link) -> bool {
        let Some(node) = self.nodes.get(&entity) else { return false };
        let key = self.timeless().key(entity, node, kind, link, &mut Vec::new());
        Resolver::id_by_key(kind, link, &key, self.table(&link.system, &link.kind)).is_ok()
    }

    fn doubled_records(&self, kind: &EntityKind, out: &mut BTreeSet<Exception>) {
        for sources in self.doubled(&kind.name) {
            let Some(first) = sources.first() else { continue };
            let (system, record) = (first.system.clone(), first.kind.clone());
            let trouble = Trouble {
                kind: Kind::AmbiguousIdentity,
                system: &system,
                reason: format!("{} {system}.{record} are of one `{}`", sources.len(), kind.name),
                blocks: BTreeSet::from([format!("{}'s link to {system}", kind.name)]),
                resolves: "one record of the system, or a decision that keeps them apart",
                lineage: sources,
            };
            self.raise(trouble, out);
        }
    }

    fn raise(&self, trouble: Trouble<'_>, out: &mut BTreeSet<Exception>) {
        let owner = self.declarations.systems.get(trouble.system).map(|system| system.domain.clone());
        let owner = owner.filter(|domain| !domain.is_empty()).unwrap_or_else(|| trouble.system.to_owned());
        let mut lineage = trouble.lineage;
        lineage.sort();
        lineage.dedup();
        let mut canon = Canon::new("xops exception 1");
        canon.text(trouble.kind.word()).text(&owner).text(&trouble.reason).text(trouble.resolves);
        canon.all(trouble.blocks.iter(), |out, blocked| {
            out.text(blocked);
        });
        let objects: BTreeSet<(&str, &str, &str)> =
            lineage.iter().map(|at| (at.system.as_str(), at.kind.as_str(), at.id.as_str())).collect();
        canon.all(objects.into_iter(), |out, (system, kind, id)| {
            out.text(system).text(kind).text(id);
        });
        out.insert(Exception {
            id: canon.keyed_digest(&self.key),
            kind: trouble.kind,
            owner,
            reason: trouble.reason,
            blocks: trouble.blocks.into_iter().collect(),
            resolves: trouble.resolves.to_owned(),
            lineage,
        });
    }

    /// The attributes and links that hang on the records of (`system`, `kind`).
    fn dependents(&self, system: &str, kind: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for entity in self.declarations.entities.values() {
            let mints = entity.mint.0 == system && entity.mint.1 == kind;
            let links = entity.links.get(system).filter(|link| link.kind == kind);
            names.extend(mints.then(|| format!("{}, which it mints", entity.name)));
            names.extend(links.map(|link| format!("{}'s link to {}", entity.name, link.system)));
            let claims = |claim: &xops_kernel::declare::Claim| claim.system == system && claim.kind == kind;
            let fed = entity.attributes.iter().filter(|(_, attribute)| attribute.from.iter().any(claims));
            names.extend(fed.map(|(name, _)| format!("{}.{name}", entity.name)));
        }
        names
    }

    fn troubled_rows(&self, system: &str, kind: &str, table: &Table, out: &mut BTreeSet<Exception>) {
        for (id, row) in table.scopes.values().flat_map(|scope| scope.rows.iter()) {
            if row.current.len() > 1 {
                let trouble = Trouble {
                    kind: Kind::Conflict,
                    system,
                    reason: format!("{system}.{kind}/{id} was read more than once with different contents"),
                    blocks: self.dependents(system, kind),
                    resolves: "a reading that holds it once",
                    lineage: row.current.iter().map(|record| record.source.clone()).collect(),
                };
                self.raise(trouble, out);
            }
            for record in &row.current {
                self.wrong_types(record, out);
            }
        }
        for slot in table.scopes.values().flat_map(|scope| scope.slots.values()) {
            for (why, record) in &slot.rejected.1 {
                let trouble = Trouble {
                    kind: Kind::Malformed,
                    system,
                    reason: format!("a record of {system}.{kind} was set aside: {why}"),
                    blocks: BTreeSet::new(),
                    resolves: "a reading in which it has an id of its own kind",
                    lineage: vec![record.source.clone()],
                };
                self.raise(trouble, out);
            }
        }
    }

    fn wrong_types(&self, record: &Record, out: &mut BTreeSet<Exception>) {
        let source = &record.source;
        for entity in self.declarations.entities.values() {
            for (name, attribute) in &entity.attributes {
                let claims = attribute
                    .from
                    .iter()
                    .filter(|claim| claim.system == source.system && claim.kind == source.kind);
                for claim in claims {
                    let value = record.attributes.get(&claim.attribute).unwrap_or(&Value::Null);
                    if value.is_null() || value.is(&attribute.is) {
                        continue;
                    }
                    let (found, expected) = (value.type_name(), &attribute.is);
                    let place = format!("{}.{}/{}", source.system, source.kind, source.id);
                    let trouble = Trouble {
                        kind: Kind::WrongType,
                        system: &source.system,
                        reason: format!("`{}` of {place} is {found}, not {expected}", claim.attribute),
                        blocks: BTreeSet::from([format!("{}.{name}", entity.name)]),
                        resolves: "a value of the declared type, in the system or through its manifest",
                        lineage: vec![source.clone()],
                    };
                    self.raise(trouble, out);
                }
            }
        }
    }

    fn troubled_reads(&self, system: &str, now: Millis, out: &mut BTreeSet<Exception>) {
        let max_ms = self.max_age_ms(system);
        for (read, fresh) in self.freshness(system) {
            let stale = fresh
                .complete_at
                .is_some_and(|at| (Age { now: Some(now), max_ms }).stale_since(at).is_some());
            let (kind, reason, resolves) = match &fresh.failed {
                Some((_, why)) => {
                    (Kind::IncompleteSource, format!("{system}.{read} failed: {why}"), "a complete reading")
                }
                None if stale => {
                    let reason =
                        format!("{system}.{read} is older than the {max_ms} ms that its system may be");
                    (Kind::StaleSource, reason, "a newer complete reading")
                }
                None => continue,
            };
            let blocks = self.dependents(system, &fresh.kind);
            self.raise(Trouble { kind, system, reason, blocks, resolves, lineage: Vec::new() }, out);
        }
    }

    fn doubly_minted(&self, kind: &EntityKind, out: &mut BTreeSet<Exception>) {
        let (system, record) = (&kind.mint.0, &kind.mint.1);
        let minted = crate::graph::at(&self.mints, system, record);
        if let Some(other) = minted.filter(|minted| **minted != kind.name) {
            let trouble = Trouble {
                kind: Kind::Declaration,
                system,
                reason: format!("{system}.{record} is declared to mint both `{other}` and `{}`", kind.name),
                blocks: BTreeSet::from([kind.name.clone()]),
                resolves: "another `mint` for one of the two kinds",
                lineage: Vec::new(),
            };
            self.raise(trouble, out);
        }
    }

    fn shared_handles(&self, kind: &EntityKind, out: &mut BTreeSet<Exception>) {
        for (key, entities) in self.shared(kind, &kind.handle) {
            if entities.len() < 2 || !matches!(self.find_handle(&kind.name, key), Found::Many(_)) {
                continue;
            }
            let trouble = Trouble {
                kind: Kind::AmbiguousIdentity,
                system: &kind.mint.0,
                reason: format!("more than one `{}` is called `{key}`", kind.name),
                blocks: BTreeSet::from([format!("requests that name `{key}`")]),
                resolves: "handles that differ, or requests that name another attribute",
                lineage: self.minting(&entities),
            };
            self.raise(trouble, out);
        }
    }

    fn shared_keys(&self, kind: &EntityKind, link: &Link, out: &mut BTreeSet<Exception>) {
        let table = self.table(&link.system, &link.kind);
        for (key, entities) in self.shared(kind, &link.entity) {
            let ids = table.into_iter().flat_map(|table| table.keyed(&link.record, key));
            let records: Vec<&str> = ids.collect();
            if entities.len() < 2 && records.len() < 2 {
                continue;
            }
            let entities = self.holders(kind, &link.entity, key, &entities);
            if entities.is_empty() || (entities.len() == 1 && records.len() < 2) {
                continue;
            }
            let (attribute, many) =
                (format!("`{}.{}`", kind.name, link.entity), format!("{}.{}", link.system, link.kind));
            let shown = records.iter().filter_map(|id| match table?.look(id) {
                Look::One(record) => Some(record.source.clone()),
                Look::Contested(records) => records.first().map(|record| record.source.clone()),
                Look::Nothing => None,
            });
            let mut lineage: Vec<Source> = shown.collect();
            lineage.extend(self.minting(&entities));
            let trouble = Trouble {
                kind: Kind::AmbiguousIdentity,
                system: &link.system,
                reason: format!(
                    "{attribute} `{key}` is that of {} `{}` and of {} {many}",
                    entities.len(),
                    kind.name,
                    records.len()
                ),
                blocks: BTreeSet::from([format!("{}'s link to {}", kind.name, link.system)]),
                resolves: "a key that one of each has alone",
                lineage,
            };
            self.raise(trouble, out);
        }
    }

    /// The values of `attribute` with the entities that could have them.
    fn shared(&self, kind: &EntityKind, attribute: &str) -> impl Iterator<Item = (&str, BTreeSet<EntityId>)> {
        let keys = self.keys.get(&kind.name).and_then(|attributes| attributes.get(attribute));
        let keys = keys.map(Finder::sorted).unwrap_or_default().into_iter();
        keys.map(|(key, entities)| (key, entities.iter().copied().collect()))
    }

    /// Those of `entities` that have, or may have, the folded value `key`.
    fn holders(
        &self,
        kind: &EntityKind,
        name: &str,
        key: &str,
        entities: &BTreeSet<EntityId>,
    ) -> BTreeSet<EntityId> {
        let Some(attribute) = kind.attributes.get(name) else { return BTreeSet::new() };
        let has = |entity: &&EntityId| {
            let Some(node) = self.nodes.get(entity) else { return false };
            match self.timeless().attribute(**entity, node, attribute, &mut Vec::new()) {
                Observation::Present(fact) => crate::fold::key(&fact.value).as_deref() == Some(key),
                Observation::Absent(_) => false,
                Observation::Unknown(_) => true,
            }
        };
        entities.iter().filter(has).copied().collect()
    }

    fn minting(&self, entities: &BTreeSet<EntityId>) -> Vec<Source> {
        let records = entities.iter().filter_map(|entity| {
            let node = self.nodes.get(entity)?;
            let (system, kind) = &self.declarations.entities.get(&node.kind)?.mint;
            match self.table(system, kind)?.look(&node.source) {
                Look::One(record) => Some(record.source.clone()),
                Look::Contested(records) => records.first().map(|record| record.source.clone()),
                Look::Nothing => None,
            }
        });
        records.collect()
    }
}
