//! The graph: records joined to entities, kept up to date reading by reading.
//!
//! Absent: decisions about facts (`resolve`), and any trace of the order of readings. Invariants: an entity's id is minted from
//! the record that first showed it and stays for ever, also while that record is gone; the key index names at least every
//! entity that could have a key, and what it names is verified before it counts.

use crate::finder::Finder;
use crate::met::Met;
use crate::reading::{Follows, Reading, Touched};
use crate::round::Rounds;
use crate::table::{self, Merged, Table};
use crate::who::Who;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{Declarations, EntityKind, Link};
use xops_kernel::id::EntityId;
use xops_kernel::port::ReadContract;
use xops_kernel::record::Record;

/// Something by system, then by kind of record.
pub(crate) type BySource<T> = BTreeMap<String, BTreeMap<String, T>>;
/// Entities, in order, by kind, then by attribute, then by folded value.
type Keys = BTreeMap<String, BTreeMap<String, Finder<Vec<EntityId>>>>;
/// The folded values that an entity could have, by attribute.
type Held = BTreeMap<String, BTreeSet<String>>;

/// From how many entities on a key counts as shared whoever comes or goes beside them: one more changes nothing for the others.
const CROWD: usize = crate::resolve::RIVALS_MAX + 2;

/// The operational knowledge graph of one tenant.
#[derive(Clone)]
pub struct Graph {
    pub(crate) declarations: Arc<Declarations>,
    pub(crate) key: DigestKey,
    pub(crate) tables: BySource<Table>,
    pub(crate) contracts: BySource<Vec<ReadContract>>,
    pub(crate) nodes: BTreeMap<EntityId, Node>,
    /// The entities in the order in which they came: nothing is decided by it, but who came side by side lies side by side.
    pub(crate) born: Vec<EntityId>,
    /// The entities by the source id of the record that mints them.
    pub(crate) minted: BySource<BTreeMap<String, EntityId>>,
    pub(crate) keys: Keys,
    /// The kind of entity that a kind of record mints.
    pub(crate) mints: BySource<String>,
    /// The kinds of entity that each kind of record is joined to.
    links: BySource<Arc<Vec<(String, Link)>>>,
    /// The attributes of each kind of entity that `keys` holds.
    indexed: BTreeMap<String, BTreeSet<String>>,
    /// The kinds of record that claim an attribute which `keys` holds.
    keying: BySource<()>,
    /// The shortest age at which something read from a kind of record is stale, in milliseconds.
    ages: BySource<u64>,
    /// The kinds of entity whose records are joined by rules.
    pub(crate) who: BTreeMap<String, Who>,
    /// The ids that were issued and not taken yet, to be remembered.
    issued: Vec<EntityId>,
    /// Which ids were last of one entity.
    pub(crate) met: Met,
    /// The newest day that a reading began on, as `yyyymmdd`: decisions of people end on a day.
    pub(crate) today: u32,
    /// Who refers to each other in a circle.
    pub(crate) rounds: Rounds,
}

/// An entity.
#[derive(Clone)]
pub(crate) struct Node {
    /// Its kind.
    pub(crate) kind: String,
    /// The source id of the record that mints it; where rules join several, of the one that holds, and nothing where it leads on.
    pub(crate) source: String,
    /// The entity that it turned out to be.
    pub(crate) leads: Option<EntityId>,
    /// Every folded value that some record gives an indexed attribute of it.
    held: Held,
}

/// The entry of a two-level map, if it is there.
pub(crate) fn at<'a, T>(map: &'a BySource<T>, system: &str, kind: &str) -> Option<&'a T> {
    map.get(system)?.get(kind)
}

fn slot<'a, T: Default>(map: &'a mut BySource<T>, system: &str, kind: &str) -> &'a mut T {
    map.entry(system.to_owned()).or_default().entry(kind.to_owned()).or_default()
}

impl Graph {
    /// An empty graph. Where two kinds of entity are declared to be minted by one kind of record, the first by name is, and an
    /// exception says so.
    pub fn new(declarations: Arc<Declarations>, key: DigestKey) -> Self {
        let mut graph = Self {
            declarations,
            key,
            tables: BTreeMap::new(),
            contracts: BTreeMap::new(),
            nodes: BTreeMap::new(),
            born: Vec::new(),
            minted: BTreeMap::new(),
            keys: BTreeMap::new(),
            mints: BTreeMap::new(),
            links: BTreeMap::new(),
            indexed: BTreeMap::new(),
            keying: BTreeMap::new(),
            ages: BTreeMap::new(),
            who: BTreeMap::new(),
            issued: Vec::new(),
            met: Met::default(),
            today: 0,
            rounds: Rounds::default(),
        };
        let declared = graph.declarations.clone();
        for entity in declared.entities.values() {
            graph.declare(entity);
        }
        for trigger in declared.triggers.values() {
            if let Some(indexed) = graph.indexed.get_mut(&trigger.entity) {
                indexed.extend(trigger.find.keys().cloned());
            }
        }
        for entity in declared.entities.values() {
            for name in graph.indexed.get(&entity.name).into_iter().flatten() {
                for claim in entity.attributes.get(name).into_iter().flat_map(|attribute| &attribute.from) {
                    *slot(&mut graph.keying, &claim.system, &claim.kind) = ();
                }
            }
        }
        graph
    }

    /// Keeps the values of an attribute, so that entities are found by them. To be called before the first reading.
    pub(crate) fn index(&mut self, kind: &str, attribute: &str) {
        let declared = self.declarations.clone();
        let Some(known) = declared.entities.get(kind).and_then(|kind| kind.attributes.get(attribute)) else {
            return;
        };
        self.indexed.entry(kind.to_owned()).or_default().insert(attribute.to_owned());
        for claim in &known.from {
            *slot(&mut self.keying, &claim.system, &claim.kind) = ();
        }
    }

    fn declare(&mut self, entity: &EntityKind) {
        let minting = self.mints.entry(entity.mint.0.clone()).or_default();
        minting.entry(entity.mint.1.clone()).or_insert_with(|| entity.name.clone());
        let indexed = self.indexed.entry(entity.name.clone()).or_default();
        indexed.insert(entity.handle.clone());
        for link in entity.links.values() {
            indexed.insert(link.entity.clone());
            let links = slot(&mut self.links, &link.system, &link.kind);
            Arc::make_mut(links).push((entity.name.clone(), link.clone()));
        }
        for attribute in entity.attributes.values() {
            for claim in &attribute.from {
                let age = attribute.max_age_ms.unwrap_or_else(|| self.max_age_ms(&claim.system));
                let kept = self.ages.entry(claim.system.clone()).or_default().entry(claim.kind.clone());
                kept.and_modify(|kept| *kept = age.min(*kept)).or_insert(age);
            }
        }
    }

    /// Makes the reads of the systems known, so that a read that was never made is told from one that does not exist, and a read
    /// made for each of another kind from a whole one. Without it the graph judges by the reads that it has seen.
    pub fn expect(&mut self, reads: impl IntoIterator<Item = ReadContract>) {
        for read in reads {
            let known = slot(&mut self.contracts, &read.system, &read.kind);
            match known.binary_search_by(|held| held.name.cmp(&read.name)) {
                Ok(place) => known[place] = read,
                Err(place) => known.insert(place, read),
            }
        }
    }

    /// Joins a reading in and says which entities it touched.
    pub fn apply(&mut self, reading: Reading) -> Touched {
        self.take(reading, None)
    }

    /// Joins in a reading of changes that says what is gone since the reading before it, so that what it does not speak of is
    /// known to be as it was. Where that reading is not the newest one here, something was missed: then the read counts as
    /// failed, and what it shows is unknown until it is made whole.
    pub fn follow(&mut self, reading: Reading, follows: &Follows) -> Touched {
        self.take(reading, Some(follows))
    }

    fn take(&mut self, reading: Reading, follows: Option<&Follows>) -> Touched {
        let (system, kind) = (reading.system.clone(), reading.kind.clone());
        let minted = self.mint(&reading);
        let age = at(&self.ages, &system, &kind).copied().unwrap_or_else(|| self.max_age_ms(&system));
        let links = at(&self.links, &system, &kind).cloned().unwrap_or_default();
        let tables = self.tables.entry(system.clone()).or_default();
        let table = tables.entry(kind.clone()).or_insert_with(|| {
            Table::indexed_by(links.iter().map(|(_, link)| link.record.as_str()), &self.key)
        });
        let began = reading.at;
        let joined = !links.is_empty() || at(&self.mints, &system, &kind).is_some();
        let merged = table.merge(reading, follows, age, joined);
        // Keys hang on the records that claim an indexed attribute, and on no others.
        let keying = at(&self.keying, &system, &kind).is_some();
        if merged.flipped && !keying && self.who.is_empty() && !self.relates() {
            // Whoever is reached hangs on this table, too.
            return Touched { entities: self.hanging_on(&system, &kind, &links).into_iter().collect() };
        }
        let mut entities = self.reached(&system, &kind, &links, &merged);
        entities.extend(minted);
        let ruled = self.take_who(&system, &kind, &merged.changes, began);
        for entity in &ruled {
            let met = self.rekey(*entity);
            entities.extend(met);
        }
        entities.extend(ruled);
        if keying {
            let mut met = BTreeSet::new();
            for entity in &entities {
                met.extend(self.rekey(*entity));
            }
            entities.extend(met);
        }
        if merged.flipped {
            entities.extend(self.hanging_on(&system, &kind, &links));
        }
        entities.extend(self.follow_rounds(&entities));
        Touched { entities }
    }

    /// Makes ids known that were issued before this graph was: each leads to nobody until its record is read.
    pub fn remember(&mut self, kind: &str, ids: impl IntoIterator<Item = EntityId>) {
        let node = Node { kind: kind.to_owned(), source: String::new(), leads: None, held: Held::new() };
        for id in ids {
            self.nodes.entry(id).or_insert_with(|| node.clone());
        }
    }

    /// The ids that were issued since they were taken last, those left out that were remembered.
    pub fn take_issued(&mut self) -> Vec<EntityId> {
        std::mem::take(&mut self.issued)
    }

    /// Puts ids back that could not be written down.
    pub fn issue_again(&mut self, ids: Vec<EntityId>) {
        self.issued.extend(ids);
    }

    /// Mints the entities of the reading's records; the new ones. Every id ever issued stays, so this is a union whatever the order.
    fn mint(&mut self, reading: &Reading) -> Vec<EntityId> {
        let mut new = Vec::new();
        let Some(kind) = at(&self.mints, &reading.system, &reading.kind) else { return new };
        let (tenant, key) = (&self.declarations.tenant, &self.key);
        let minted = self.minted.entry(reading.system.clone()).or_default();
        let minted = minted.entry(reading.kind.clone()).or_default();
        for record in &reading.records {
            let source = &record.source;
            let fits = source.system == reading.system && source.kind == reading.kind;
            if !fits || source.id.trim().is_empty() || minted.contains_key(&source.id) {
                continue;
            }
            let entity = EntityId::mint(tenant, &source.system, &source.kind, &source.id, key);
            minted.insert(source.id.clone(), entity);
            let node = Node { kind: kind.clone(), source: source.id.clone(), leads: None, held: Held::new() };
            if self.nodes.insert(entity, node).is_none() {
                self.issued.push(entity);
            }
            new.push(entity);
        }
        self.born.extend(&new);
        new
    }

    /// The entities that the changed rows mint, or could be joined to before or after.
    fn reached(
        &self,
        system: &str,
        kind: &str,
        links: &[(String, Link)],
        merged: &Merged,
    ) -> BTreeSet<EntityId> {
        let minted = at(&self.minted, system, kind);
        let table = self.table(system, kind);
        let mut entities = BTreeSet::new();
        for change in &merged.changes {
            entities.extend(minted.and_then(|minted| minted.get(&change.id)));
            let now = table.into_iter().flat_map(|table| table.versions(&change.id));
            let records: Vec<&Arc<Record>> = now.chain(&change.before).collect();
            for (entity, link) in links.iter().filter(|(entity, _)| !self.is_joined_by_rules(entity)) {
                for key in records.iter().filter_map(|record| table::key_of(record, &link.record)) {
                    entities.extend(self.keyed(entity, &link.entity, &key));
                }
            }
        }
        entities
    }

    /// The entities that the record at `source` mints or could be joined to, as it stands now.
    pub(crate) fn touched_by(&self, source: &xops_kernel::record::Source) -> BTreeSet<EntityId> {
        let (system, kind) = (source.system.as_str(), source.kind.as_str());
        let mut entities = self.around(system, kind, &source.id);
        entities.extend(at(&self.minted, system, kind).and_then(|minted| minted.get(&source.id)));
        let records = self.table(system, kind).into_iter().flat_map(|table| table.versions(&source.id));
        for record in records {
            let links = at(&self.links, system, kind).into_iter().flat_map(|links| links.iter());
            for (entity, link) in links.filter(|(entity, _)| !self.is_joined_by_rules(entity)) {
                let key = table::key_of(record, &link.record);
                entities.extend(
                    key.into_iter()
                        .flat_map(|key| self.keyed(entity, &link.entity, &key).collect::<Vec<_>>()),
                );
            }
        }
        entities
    }

    /// Every entity whose facts could be proven absent by this table.
    fn hanging_on(&self, system: &str, kind: &str, links: &[(String, Link)]) -> Vec<EntityId> {
        let minted = at(&self.mints, system, kind);
        let kinds: BTreeSet<&String> = links.iter().map(|(entity, _)| entity).chain(minted).collect();
        self.nodes.iter().filter(|(_, node)| kinds.contains(&node.kind)).map(|(entity, _)| *entity).collect()
    }

    /// Brings the key index of one entity up to date; the entities that share a key that it gained or lost.
    pub(crate) fn rekey(&mut self, entity: EntityId) -> BTreeSet<EntityId> {
        let Some(node) = self.nodes.get(&entity) else { return BTreeSet::new() };
        let new = self.possible(node);
        let kind = node.kind.clone();
        let old = self.nodes.get_mut(&entity).map(|node| std::mem::replace(&mut node.held, new.clone()));
        let old = old.unwrap_or_default();
        let index = self.keys.entry(kind).or_default();
        let mut met = BTreeSet::new();
        for (attribute, key) in pairs(&old).filter(|(attribute, key)| !holds(&new, attribute, key)) {
            if let Some(by_key) = index.get_mut(attribute)
                && let Some(entities) = by_key.get_mut(key)
            {
                entities.retain(|other| *other != entity);
                if entities.len() < CROWD {
                    met.extend(entities.iter().copied());
                }
                if entities.is_empty() {
                    by_key.remove(key);
                }
            }
        }
        for (attribute, key) in pairs(&new).filter(|(attribute, key)| !holds(&old, attribute, key)) {
            let by_key = index.entry(attribute.clone()).or_insert_with(|| Finder::new(&self.key));
            let entities = by_key.or_insert(key, Vec::new);
            if entities.len() < CROWD {
                met.extend(entities.iter().copied());
            }
            if let Err(place) = entities.binary_search(&entity) {
                entities.insert(place, entity);
            }
        }
        met
    }

    /// The folded values that any source gives the indexed attributes of `node`, authority aside. Links hang on these values
    /// and these values on links: the smallest fixed point, reached in at most one round for each link.
    fn possible(&self, node: &Node) -> Held {
        let mut held = Held::new();
        let Some(kind) = self.declarations.entities.get(&node.kind) else { return held };
        let Some(indexed) = self.indexed.get(&node.kind) else { return held };
        for _ in 0..=kind.links.len() {
            let mut next = Held::new();
            for name in indexed {
                let claims =
                    kind.attributes.get(name).map(|attribute| attribute.from.as_slice()).unwrap_or_default();
                for claim in claims {
                    for record in self.candidates(kind, node, &claim.system, &claim.kind, &held) {
                        if let Some(key) = table::key_of(record, &claim.attribute) {
                            next.entry(name.clone()).or_default().insert(key.into_owned());
                        }
                    }
                }
            }
            if next == held {
                break;
            }
            held = next;
        }
        held
    }

    /// The records of (`system`, `record_kind`) that could belong to `node`, given the values that its attributes could have.
    fn candidates(
        &self,
        kind: &EntityKind,
        node: &Node,
        system: &str,
        record_kind: &str,
        held: &Held,
    ) -> Vec<&Arc<Record>> {
        let Some(table) = self.table(system, record_kind) else { return Vec::new() };
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        if (system, record_kind) == (kind.mint.0.as_str(), kind.mint.1.as_str()) {
            ids.insert(&node.source);
        } else if let Some(thing) = self.thing(&node.kind, &node.source) {
            return thing
                .records
                .get(system)
                .into_iter()
                .flatten()
                .flat_map(|id| table.look(id).records())
                .collect();
        } else if let Some(link) = kind.links.get(system).filter(|link| link.kind == record_kind) {
            for key in held.get(&link.entity).into_iter().flatten() {
                ids.extend(table.keyed(&link.record, key));
            }
        }
        ids.into_iter().flat_map(|id| table.look(id).records()).collect()
    }

    /// The records of one kind of one system.
    pub(crate) fn table(&self, system: &str, kind: &str) -> Option<&Table> {
        at(&self.tables, system, kind)
    }

    /// The reads that are known to give `kind`, in the order of names.
    pub(crate) fn contracts_of(&self, system: &str, kind: &str) -> &[ReadContract] {
        at(&self.contracts, system, kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The entities of `kind` that could have the folded value `key` for `attribute`.
    pub(crate) fn keyed(&self, kind: &str, attribute: &str, key: &str) -> impl Iterator<Item = EntityId> {
        let by_key = self.keys.get(kind).and_then(|attributes| attributes.get(attribute));
        by_key.and_then(|by_key| by_key.get(key)).into_iter().flatten().copied()
    }

    /// Whether `keyed` knows `attribute` of `kind`.
    pub(crate) fn is_indexed(&self, kind: &str, attribute: &str) -> bool {
        self.indexed.get(kind).is_some_and(|names| names.contains(attribute))
    }

    /// How old a reading of `system` may be, in milliseconds; nothing of a system that is not declared is ever fresh.
    pub(crate) fn max_age_ms(&self, system: &str) -> u64 {
        self.declarations.systems.get(system).map_or(0, |system| system.max_age_ms)
    }
}

fn pairs(held: &Held) -> impl Iterator<Item = (&String, &String)> {
    held.iter().flat_map(|(attribute, keys)| keys.iter().map(move |key| (attribute, key)))
}

fn holds(held: &Held, attribute: &str, key: &str) -> bool {
    held.get(attribute).is_some_and(|keys| keys.contains(key))
}

#[cfg(test)]
impl Graph {
    /// The key index, without attributes and values that nobody has.
    pub(crate) fn keys_held(&self) -> Vec<(String, String, String, Vec<EntityId>)> {
        let mut held = Vec::new();
        for (kind, attributes) in &self.keys {
            for (attribute, by_key) in attributes {
                for (key, entities) in by_key.sorted() {
                    held.push((kind.clone(), attribute.clone(), key.to_owned(), entities.clone()));
                }
            }
        }
        held
    }

    /// Builds the key index anew from the records.
    pub(crate) fn forget_keys(&mut self) {
        self.keys.clear();
        let entities: Vec<EntityId> = self.nodes.keys().copied().collect();
        for entity in &entities {
            if let Some(node) = self.nodes.get_mut(entity) {
                node.held.clear();
            }
        }
        for entity in entities {
            self.rekey(entity);
        }
    }
}
