//! Questions to the graph: facts under the declared authority, links, records, and who is meant.
//!
//! Absent: guesses. Invariants: sources are asked in the declared order and the next one is asked only where the better one is
//! proven to say nothing; a key that is unknown, shared or met by more than one record joins nothing; an absence carries its
//! proof. Questions without a time are about identity, and to those nothing is too old.
//!
//! It is long because attributes hang on links and links on attributes: each is read with the other beside it.

use crate::coverage::{Age, doubt, judged};
use crate::fold;
use crate::graph::{Graph, Node, at};
use crate::table::{Look, Table};
use crate::who::Thing;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::{Attribute, Claim, EntityKind, Link};
use xops_kernel::desire::Subject;
use xops_kernel::fact::{Doubt, Fact, Facts, Observation, Proof, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::{Value, Values};

/// How many systems a chain of links may pass through: the key of one taken from another.
const CHAIN_MAX: usize = 4;
/// Among how many entities that could share a key it is verified which do; with more the key counts as shared.
pub(crate) const RIVALS_MAX: usize = 8;

/// Who is meant by a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This entity.
    One(EntityId),
    /// Nobody, as far as every source was read.
    None,
    /// More than one, in order.
    Many(Vec<EntityId>),
    /// That cannot be told.
    Unknown(Doubt),
}

impl Graph {
    /// What is known of `entity` at `now`, attribute by attribute; `None` for an id that this graph never minted. An entity
    /// whose minting record is gone has facts too: what it said is absent or unknown.
    pub fn facts(&self, entity: EntityId, now: Millis) -> Option<Facts> {
        let node = self.node_of(entity)?;
        let kind = self.declarations.entities.get(&node.kind)?;
        let resolver = Resolver { graph: self, now: Some(now) };
        let fact = |(name, attribute): (&String, &Attribute)| {
            (name.clone(), resolver.attribute(entity, node, attribute, &mut Vec::new()))
        };
        Some(kind.attributes.iter().map(fact).collect())
    }

    /// Everything that a plan for `entity` is drawn from, at `now`: its facts, and its records in the system that mints it and
    /// in those that a link joins.
    pub fn subject(&self, entity: EntityId, now: Millis) -> Option<Subject> {
        let entity = self.canonical(entity);
        let facts = self.facts(entity, now)?;
        let kind = self.declarations.entities.get(self.kind(entity)?)?;
        let systems: BTreeSet<&String> = kind.links.keys().chain([&kind.mint.0]).collect();
        let links =
            systems.into_iter().map(|system| (system.clone(), self.link(entity, system, now))).collect();
        Some(Subject { entity, kind: kind.name.clone(), facts, links })
    }

    /// The record of `system` that is joined to `entity` at `now`: the minting record, or what the declared exact key names.
    pub fn link(&self, entity: EntityId, system: &str, now: Millis) -> Observation<Record> {
        match self.joined(entity, system, now) {
            Observation::Present(record) => Observation::Present(record.as_ref().clone()),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        }
    }

    /// What [`Graph::link`] gives, without a copy.
    pub(crate) fn joined(&self, entity: EntityId, system: &str, now: Millis) -> Observation<&Arc<Record>> {
        let unknown = |detail: String| Observation::Unknown(doubt(Reason::Unexpected, 0, detail));
        let Some(node) = self.node_of(entity) else { return unknown(format!("no entity `{entity}`")) };
        let Some(kind) = self.declarations.entities.get(&node.kind) else {
            return unknown(format!("no kind of entity `{}` is declared", node.kind));
        };
        let age = Age { now: Some(now), max_ms: self.max_age_ms(system) };
        let resolver = Resolver { graph: self, now: Some(now) };
        if kind.mint.0 == system {
            self.seen(system, &kind.mint.1, &node.source, age)
        } else if let Some(link) = kind.links.get(system) {
            resolver.linked(entity, node, kind, link, age, &mut Vec::new())
        } else {
            unknown(format!("no link joins `{system}` to `{}`", kind.name))
        }
    }

    /// What is known of one attribute of `entity` at `now`; `None` where there is no such entity or attribute.
    pub(crate) fn fact(&self, entity: EntityId, attribute: &str, now: Millis) -> Option<Observation<Fact>> {
        let node = self.node_of(entity)?;
        let attribute = self.declarations.entities.get(&node.kind)?.attributes.get(attribute)?;
        Some(self.at(now).attribute(entity, node, attribute, &mut Vec::new()))
    }

    /// The record that `system` has under `id`, at `now`.
    pub fn record(&self, system: &str, kind: &str, id: &str, now: Millis) -> Observation<Record> {
        let age = Age { now: Some(now), max_ms: self.max_age_ms(system) };
        match self.seen(system, kind, id, age) {
            Observation::Present(record) => Observation::Present(record.as_ref().clone()),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        }
    }

    /// The proof that what [`Graph::records`] does not give of (`system`, `kind`) is not there at `now`, or why there is none.
    pub fn coverage(&self, system: &str, kind: &str, now: Millis) -> Result<Proof, Doubt> {
        self.proof(system, kind, Age { now: Some(now), max_ms: self.max_age_ms(system) })
    }

    /// Every record of (`system`, `kind`) that is held, in the order of parameters and ids; records that contradict each other
    /// all appear, and [`Graph::record`] believes none of them.
    pub fn records(&self, system: &str, kind: &str) -> impl Iterator<Item = &Record> {
        self.table(system, kind).into_iter().flat_map(Table::records)
    }

    /// The entity of `kind` whose attributes are all as `by` says, text compared without case and surrounding space.
    pub fn find(&self, kind: &str, by: &Values) -> Found {
        let unknown = |reason, detail| Found::Unknown(doubt(reason, 0, detail));
        let Some(declared) = self.declarations.entities.get(kind) else {
            return unknown(Reason::Unexpected, format!("no kind of entity `{kind}` is declared"));
        };
        let strange =
            by.iter().find(|(name, value)| !declared.attributes.contains_key(*name) || value.is_null());
        if by.is_empty() || strange.is_some() {
            let name = strange.map_or("", |(name, _)| name.as_str());
            return unknown(
                Reason::Unexpected,
                format!("`{name}` is no attribute of `{kind}` or has no value"),
            );
        }
        let mut matching = Vec::new();
        let mut doubtful = None;
        for entity in self.plausible(kind, by) {
            match self.matches(entity, declared, by) {
                Ok(true) => matching.push(entity),
                Ok(false) => {}
                Err(doubt) => doubtful = doubtful.or(Some(doubt)),
            }
        }
        match (matching.as_slice(), doubtful) {
            ([_, _, ..], _) => Found::Many(matching),
            (_, Some(doubt)) => Found::Unknown(doubt),
            ([one], None) => Found::One(*one),
            ([], None) => self.unread(declared, by).map_or(Found::None, Found::Unknown),
        }
    }

    /// The entity of `kind` that people call `handle`.
    pub fn find_handle(&self, kind: &str, handle: &str) -> Found {
        let name = self.declarations.entities.get(kind).map(|kind| kind.handle.clone()).unwrap_or_default();
        self.find(kind, &BTreeMap::from([(name, Value::from(handle))]))
    }

    /// What people call `entity`, as far as any reading says, however old.
    pub fn handle(&self, entity: EntityId) -> Option<String> {
        let node = self.node_of(entity)?;
        let attribute =
            self.declarations.entities.get(&node.kind).and_then(|kind| kind.attributes.get(&kind.handle))?;
        match self.timeless().told(entity, node, attribute, &mut Vec::new()) {
            Observation::Present((value, _)) => Some(value.to_string()),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        }
    }

    /// The kind of `entity`, also while its minting record is gone.
    pub fn kind(&self, entity: EntityId) -> Option<&str> {
        self.nodes.get(&entity).map(|node| node.kind.as_str())
    }

    /// The entities of `kind` whose minting record is there, in the order of source ids; none that turned out to be another.
    pub fn entities(&self, kind: &str) -> impl Iterator<Item = EntityId> {
        let mint = self.declarations.entities.get(kind).map(|kind| &kind.mint);
        let mint = mint
            .filter(|(system, record)| at(&self.mints, system, record).is_some_and(|minted| minted == kind));
        let minted = mint.and_then(|(system, record)| at(&self.minted, system, record)).into_iter().flatten();
        let table = mint.and_then(|(system, record)| self.table(system, record));
        let there =
            move |source: &str| table.is_some_and(|table| !matches!(table.look(source), Look::Nothing));
        let own = |entity: &EntityId| self.nodes.get(entity).is_some_and(|node| node.leads.is_none());
        minted.filter(move |(source, entity)| there(source) && own(entity)).map(|(_, entity)| *entity)
    }

    pub(crate) fn timeless(&self) -> Resolver<'_> {
        Resolver { graph: self, now: None }
    }

    pub(crate) fn at(&self, now: Millis) -> Resolver<'_> {
        Resolver { graph: self, now: Some(now) }
    }

    /// The entities that could match: those of the key index where an attribute of `by` is in it, else all.
    fn plausible(&self, kind: &str, by: &Values) -> Vec<EntityId> {
        let mut indexed = by.iter().filter(|(name, _)| self.is_indexed(kind, name));
        let key = indexed.find_map(|(name, value)| Some((name, fold::key(value)?)));
        match key {
            Some((name, key)) => self.keyed(kind, name, &key).collect(),
            None => self.entities(kind).collect(),
        }
    }

    fn matches(&self, entity: EntityId, kind: &EntityKind, by: &Values) -> Result<bool, Doubt> {
        let Some(node) = self.nodes.get(&entity) else { return Ok(false) };
        let mut doubtful = None;
        for (name, value) in by {
            let Some(attribute) = kind.attributes.get(name) else { return Ok(false) };
            match self.timeless().attribute(entity, node, attribute, &mut Vec::new()) {
                Observation::Present(fact) if fold::equal(&fact.value, value) => {}
                Observation::Present(_) | Observation::Absent(_) => return Ok(false),
                Observation::Unknown(doubt) => doubtful = doubtful.or(Some(doubt)),
            }
        }
        doubtful.map_or(Ok(true), Err)
    }

    /// Why it cannot be said that nobody matches `by`: a source that was not wholly read.
    fn unread(&self, kind: &EntityKind, by: &Values) -> Option<Doubt> {
        let age = Age { now: None, max_ms: 0 };
        let claims =
            by.keys().filter_map(|name| kind.attributes.get(name)).flat_map(|attribute| &attribute.from);
        let sources = claims.map(|claim| (claim.system.as_str(), claim.kind.as_str()));
        let mint = (kind.mint.0.as_str(), kind.mint.1.as_str());
        std::iter::once(mint)
            .chain(sources)
            .find_map(|(system, record)| self.proof(system, record, age).err())
    }

    /// What stands under `id` in the records of (`system`, `kind`).
    pub(crate) fn seen(&self, system: &str, kind: &str, id: &str, age: Age) -> Observation<&Arc<Record>> {
        match self.table(system, kind).map_or(Look::Nothing, |table| table.look(id)) {
            Look::Nothing => match self.proof(system, kind, age) {
                Ok(proof) => Observation::Absent(proof),
                Err(doubt) => Observation::Unknown(doubt),
            },
            look => match judged(look, age) {
                Ok(record) => Observation::Present(record),
                Err(doubt) => Observation::Unknown(doubt),
            },
        }
    }
}

/// Resolves attributes and links of entities at one time.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    graph: &'a Graph,
    now: Option<Millis>,
}

/// A value, and the record that holds it.
pub(crate) type Held<'a> = (&'a Value, &'a Arc<Record>);

/// By what a record would be joined to an entity.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// By this folded value.
    Is(String),
    /// By nothing: another entity has it, too.
    Shared,
    /// By nothing: there is no value.
    Nothing,
    /// By rules: what is of the entity, whatever the link.
    Thing(Thing),
    /// That is not known.
    Unknown(Doubt),
}

/// The systems whose links are being resolved: a claim that hangs on one of them cannot help to find its own record.
type Chain<'a> = Vec<&'a str>;

impl<'a> Resolver<'a> {
    /// The fact of one attribute under its declared authority.
    pub(crate) fn attribute(
        self,
        entity: EntityId,
        node: &'a Node,
        attribute: &'a Attribute,
        chain: &mut Chain<'a>,
    ) -> Observation<Fact> {
        match self.held(entity, node, attribute, chain) {
            Observation::Present((value, record)) => Observation::Present(Fact {
                value: value.clone(),
                source: record.source.clone(),
                read_at: record.read_at,
            }),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        }
    }

    /// The value of one attribute under its declared authority, and the record that holds it; not known where it goes in a circle.
    pub(crate) fn held(
        self,
        entity: EntityId,
        node: &'a Node,
        attribute: &'a Attribute,
        chain: &mut Chain<'a>,
    ) -> Observation<Held<'a>> {
        let told = self.told(entity, node, attribute, chain);
        self.graph.unless_round(entity, node, attribute).map_or(told, Observation::Unknown)
    }

    /// The same wherever it leads.
    pub(crate) fn told(
        self,
        entity: EntityId,
        node: &'a Node,
        attribute: &'a Attribute,
        chain: &mut Chain<'a>,
    ) -> Observation<Held<'a>> {
        let mut absent = None;
        for claim in &attribute.from {
            if chain.contains(&claim.system.as_str()) {
                continue;
            }
            match self.claim(entity, node, attribute, claim, chain) {
                Observation::Absent(proof) => absent = absent.or(Some(proof)),
                known => return known,
            }
        }
        let nothing = || doubt(Reason::NeverRead, 0, "no source says anything of it".to_owned());
        absent.map_or_else(|| Observation::Unknown(nothing()), Observation::Absent)
    }

    /// What one source says: a value, proven nothing, or not known.
    fn claim(
        self,
        entity: EntityId,
        node: &'a Node,
        attribute: &'a Attribute,
        claim: &'a Claim,
        chain: &mut Chain<'a>,
    ) -> Observation<Held<'a>> {
        let graph = self.graph;
        let max_ms = attribute.max_age_ms.unwrap_or_else(|| graph.max_age_ms(&claim.system));
        let age = Age { now: self.now, max_ms };
        let unjoined = || {
            let detail = format!("no link joins {}.{} to `{}`", claim.system, claim.kind, node.kind);
            Observation::Unknown(doubt(Reason::Unexpected, 0, detail))
        };
        let Some(kind) = graph.declarations.entities.get(&node.kind) else { return unjoined() };
        let seen = if kind.mint.0 == claim.system && kind.mint.1 == claim.kind {
            graph.seen(&claim.system, &claim.kind, &node.source, age)
        } else {
            match kind.links.get(&claim.system).filter(|link| link.kind == claim.kind) {
                Some(link) => self.linked(entity, node, kind, link, age, chain),
                None => return unjoined(),
            }
        };
        match seen {
            Observation::Present(record) => said(record, attribute, claim, graph),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        }
    }

    /// The record that `link` joins to the entity.
    pub(crate) fn linked(
        self,
        entity: EntityId,
        node: &'a Node,
        kind: &'a EntityKind,
        link: &'a Link,
        age: Age,
        chain: &mut Chain<'a>,
    ) -> Observation<&'a Arc<Record>> {
        let unknown = |detail| Observation::Unknown(doubt(Reason::Unexpected, 0, detail));
        let name = || format!("`{}.{}`", kind.name, link.entity);
        let by_rules = self.graph.is_joined_by_rules(&kind.name);
        if !by_rules && !kind.attributes.contains_key(&link.entity) {
            return unknown(format!(
                "the link to `{}` hangs on {}, which is not declared",
                link.system,
                name()
            ));
        }
        if chain.len() >= CHAIN_MAX {
            return unknown(format!("{} hangs on more than {CHAIN_MAX} links in a row", name()));
        }
        let key = self.key(entity, node, kind, link, chain);
        self.by_key(kind, link, &key, age)
    }

    /// What the record of `link` must have to be the entity's.
    pub(crate) fn key(
        self,
        entity: EntityId,
        node: &'a Node,
        kind: &'a EntityKind,
        link: &'a Link,
        chain: &mut Chain<'a>,
    ) -> Key {
        if let Some(thing) = self.graph.thing(&kind.name, &node.source) {
            return Key::Thing(thing);
        }
        let Some(attribute) = kind.attributes.get(&link.entity) else { return Key::Nothing };
        chain.push(&link.system);
        let key = match self.held(entity, node, attribute, chain) {
            Observation::Unknown(doubt) => Key::Unknown(doubt),
            Observation::Absent(_) => Key::Nothing,
            Observation::Present((value, _)) => match fold::key(value) {
                None => Key::Nothing,
                Some(key) if self.rivals(entity, kind, link, &key, chain) => Key::Shared,
                Some(key) => Key::Is(key),
            },
        };
        chain.pop();
        key
    }

    /// The record that `link` joins by this key.
    pub(crate) fn by_key(
        self,
        kind: &EntityKind,
        link: &'a Link,
        key: &Key,
        age: Age,
    ) -> Observation<&'a Arc<Record>> {
        let graph = self.graph;
        match Self::id_by_key(kind, link, key, graph.table(&link.system, &link.kind)) {
            Ok(Some(id)) => graph.seen(&link.system, &link.kind, id, age),
            Ok(None) => match graph.proof(&link.system, &link.kind, age) {
                Ok(proof) => Observation::Absent(proof),
                Err(doubt) => Observation::Unknown(doubt),
            },
            Err(doubt) => Observation::Unknown(doubt),
        }
    }

    /// The id of the one record of `table` that has this key, if there is one.
    pub(crate) fn id_by_key(
        kind: &EntityKind,
        link: &Link,
        key: &Key,
        table: Option<&'a Table>,
    ) -> Result<Option<&'a str>, Doubt> {
        let unknown = |reason, detail| Err(doubt(reason, 0, detail));
        let name = || format!("`{}.{}`", kind.name, link.entity);
        match key {
            Key::Is(key) => {
                let mut ids = table.into_iter().flat_map(|table| table.keyed(&link.record, key));
                match (ids.next(), ids.next()) {
                    (found, None) => Ok(found),
                    (_, Some(_)) => unknown(
                        Reason::Conflict,
                        format!("more than one {}.{} has the same `{}`", link.system, link.kind, link.record),
                    ),
                }
            }
            Key::Thing(thing) => thing.id(kind, link, table),
            Key::Unknown(doubt) => Err(doubt.clone()),
            Key::Nothing => {
                unknown(Reason::Incomplete, format!("{}, the key to `{}`, has no value", name(), link.system))
            }
            Key::Shared => unknown(
                Reason::Conflict,
                format!("{}, the key to `{}`, is shared with another `{}`", name(), link.system, kind.name),
            ),
        }
    }

    /// Whether another entity of the kind has, or may have, the same key.
    fn rivals(
        self,
        entity: EntityId,
        kind: &'a EntityKind,
        link: &'a Link,
        key: &str,
        chain: &mut Chain<'a>,
    ) -> bool {
        let graph = self.graph;
        let others: BTreeSet<EntityId> = graph
            .keyed(&kind.name, &link.entity, key)
            .filter(|other| *other != entity)
            .take(RIVALS_MAX + 1)
            .collect();
        let Some(attribute) = kind.attributes.get(&link.entity) else { return false };
        others.len() > RIVALS_MAX
            || others.into_iter().any(|other| {
                let Some(node) = graph.nodes.get(&other) else { return false };
                match graph.timeless().held(other, node, attribute, chain) {
                    Observation::Present((value, _)) => fold::key(value).as_deref() == Some(key),
                    Observation::Absent(_) => false,
                    Observation::Unknown(_) => true,
                }
            })
    }
}

/// What `record` says under `claim`.
fn said<'a>(
    record: &'a Arc<Record>,
    attribute: &Attribute,
    claim: &Claim,
    graph: &Graph,
) -> Observation<Held<'a>> {
    match record.attributes.get(&claim.attribute).filter(|value| !value.is_null()) {
        Some(value) if value.is(&attribute.is) => Observation::Present((value, record)),
        Some(value) => {
            let (found, expected) = (value.type_name(), &attribute.is);
            let detail = format!("`{}` of {} is {found}, not {expected}", claim.attribute, record.source);
            Observation::Unknown(doubt(Reason::Unexpected, record.read_at, detail))
        }
        None => {
            let table = graph.table(&claim.system, &claim.kind);
            let read = table.and_then(|table| table.read_of(&record.source.id)).unwrap_or_default();
            Observation::Absent(Proof::Snapshot { system: claim.system.clone(), read: read.to_owned() })
        }
    }
}
