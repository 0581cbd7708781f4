//! Who is who by declared rules: the records of a kind of entity, joined record by record as readings come in.
//!
//! Absent: exact keys (a kind without rules is joined by those alone), learning, and any trace of the order of readings. Invariants:
//! what is joined follows from the records that the tables show, the rules and the newest day that a reading began on, so a graph
//! that was built anew is the same graph; an entity is called by the id of its first minting record by name, and every other id that
//! was ever minted leads there; where something is asked about, what hangs on the answer is unknown, and nothing else is.

use crate::coverage::doubt;
use crate::graph::{Graph, Node, at};
use crate::identity::index::Index;
use crate::identity::index::asked::Explained;
use crate::identity::model::Model;
use crate::identity::table::{Name, Record as Row};
use crate::table::{Change, Look, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::day;
use xops_kernel::declare::{EntityKind, Link};
use xops_kernel::fact::{Doubt, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::identity::{Decision, Field, Identities, Joining, part_of_column, plain};
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::Value;

/// The longest value that is compared, in bytes; a longer one says nothing.
const VALUE_BYTES_MAX: usize = 4_096;

/// The records of one kind of entity, and which are of one.
#[derive(Clone)]
pub(crate) struct Who {
    index: Index,
    /// By system: the kind of its records.
    kinds: BTreeMap<String, String>,
    mint: (String, String),
    current: String,
}

/// What is of an entity, and what may be, by system: ids of records, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) records: BTreeMap<String, Vec<String>>,
    pub(crate) asked: BTreeMap<String, Vec<String>>,
    pub(crate) crowded: bool,
    /// Whether its minting record is believed; else nothing is of it.
    pub(crate) there: bool,
}

/// Something that people are asked about, or that they may ask about: two records of one kind of entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The kind of entity.
    pub kind: String,
    /// The record that comes first by name, as it was read.
    pub left: Source,
    /// The other record.
    pub right: Source,
    /// The entities that they are of now; none for a record that no entity has.
    pub entities: BTreeSet<EntityId>,
    /// The answer, and why.
    pub explained: Explained,
}

impl Who {
    fn new(kind: &EntityKind, joining: &Joining, graph: &Graph) -> Self {
        let rules = Arc::clone(&joining.rules);
        let model = Arc::new(Model::declared(&rules));
        let mut kinds: BTreeMap<String, String> =
            kind.links.values().map(|link| (link.system.clone(), link.kind.clone())).collect();
        kinds.insert(kind.mint.0.clone(), kind.mint.1.clone());
        let index = Index::new(rules, model, &graph.declarations.tenant, graph.key, 0);
        Self { index, kinds, mint: kind.mint.clone(), current: joining.current.clone() }
    }

    fn joins(&self, system: &str, kind: &str) -> bool {
        self.kinds.get(system).is_some_and(|joined| joined == kind)
    }

    /// Takes over what the table shows under `id` now; the things that this changed.
    fn take(&mut self, system: &str, id: &str, shown: Option<&Record>) -> BTreeSet<EntityId> {
        let fields = &self.index.table().rules().fields;
        let row = shown.map(|record| Row {
            system: system.to_owned(),
            id: id.to_owned(),
            values: values(fields, record),
        });
        let mut changed = match row {
            // A table that is full takes no more: the record is of nothing that is known, and its entity has no links.
            Some(row) => self.index.insert(&row).unwrap_or_default(),
            None => self.index.remove(system, id),
        };
        changed.extend(self.index.thing_of(system, id).map(|found| found.id));
        changed
    }

    /// Whether the minting record of this id is there and joined.
    pub(crate) fn knows(&self, source: &str) -> bool {
        !source.is_empty()
            && self.index.thing_of(&self.mint.0, source).is_some_and(|found| !found.records.is_empty())
    }

    /// Takes these decisions in the place of all others; the things that this changed.
    pub(crate) fn regard(&mut self, decisions: BTreeSet<Decision>) -> BTreeSet<EntityId> {
        self.index.regard(decisions)
    }

    /// The thing that a record is of, if it is there.
    pub(crate) fn thing_of(&self, (system, id): (&str, &str)) -> Option<EntityId> {
        self.index.thing_of(system, id).filter(|found| !found.records.is_empty()).map(|found| found.id)
    }

    fn thing(&self, source: &str) -> Thing {
        let Some(near) = self.index.near(&self.mint.0, source) else { return Thing::default() };
        let mut thing = Thing { crowded: near.crowded, there: true, ..Thing::default() };
        for (names, into) in [(near.records, &mut thing.records), (near.asked, &mut thing.asked)] {
            for name in names {
                into.entry(name.system.to_string()).or_insert_with(Vec::new).push(name.id.into_string());
            }
        }
        thing
    }
}

impl Thing {
    /// The id of the one record of `table` that is of it, if there is one. Where it has none and is asked about some, nobody knows.
    pub(crate) fn id<'a>(
        &self,
        kind: &EntityKind,
        link: &Link,
        table: Option<&'a Table>,
    ) -> Result<Option<&'a str>, Doubt> {
        let unknown = |reason, detail| Err(doubt(reason, 0, detail));
        let (name, records) = (&kind.name, format!("{}.{}", link.system, link.kind));
        if !self.there {
            let detail =
                format!("the record that mints the `{name}` is not there, so nothing is joined to it");
            return unknown(Reason::Incomplete, detail);
        }
        let several = || unknown(Reason::Conflict, format!("more than one {records} is of this `{name}`"));
        match self.records.get(&link.system).map(Vec::as_slice) {
            Some([id]) => match table.map_or(Look::Nothing, |table| table.look(id)) {
                Look::One(record) => Ok(Some(&record.source.id)),
                Look::Nothing | Look::Contested(_) => several(),
            },
            Some([_, ..]) => several(),
            Some([]) | None if self.crowded => {
                unknown(Reason::Conflict, format!("too much is asked about who this `{name}` is"))
            }
            Some([]) | None if self.asked.contains_key(&link.system) => unknown(
                Reason::Conflict,
                format!(
                    "whether one of {records} is of this `{name}` is asked about: `xops identity review` tells"
                ),
            ),
            Some([]) | None => Ok(None),
        }
    }
}

/// What a record says of each field: the first alternative of which every column says something.
fn values(fields: &[Field], record: &Record) -> Vec<String> {
    let texts = record.attributes.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Text(text) => text.trim().to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Decimal(lexeme) => lexeme.clone(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => return None,
        };
        (!text.is_empty() && text.len() <= VALUE_BYTES_MAX).then(|| (plain(name), text))
    });
    let texts: BTreeMap<String, String> = texts.collect();
    let column = |column: &String| {
        let (part, name) = part_of_column(column);
        let text = texts.get(&plain(name))?;
        Some(part.map_or_else(|| text.clone(), |part| part_of(text, part == "first")))
    };
    let said =
        |columns: &Vec<String>| Some(columns.iter().map(column).collect::<Option<Vec<_>>>()?.join(" "));
    fields.iter().map(|field| field.columns.iter().find_map(said).unwrap_or_default()).collect()
}

/// The first or the last name of a whole one, `First Last` or `Last, First`.
fn part_of(name: &str, first: bool) -> String {
    let (front, back) = name.split_once(',').map_or((name, name), |(last, rest)| (rest, last));
    let word = if first { front.split_whitespace().next() } else { back.split_whitespace().next_back() };
    word.unwrap_or_default().to_owned()
}

impl Graph {
    /// Joins the records of these kinds of entity by rules from now on; what is there already is joined anew.
    pub fn identify(&mut self, identities: &Identities) {
        let declared = Arc::clone(&self.declarations);
        for (name, joining) in identities {
            let Some(kind) = declared.entities.get(name) else { continue };
            let mut who = Who::new(kind, joining, self);
            who.index.go_on(self.today);
            let mut changed = BTreeSet::new();
            for (system, record) in who.kinds.clone() {
                let Some(table) = self.table(&system, &record) else { continue };
                for id in table.ids() {
                    changed.extend(who.take(&system, id, shown(table, id)));
                }
            }
            self.who.insert(name.clone(), who);
            let touched = self.settle_who(name, &changed);
            for entity in touched {
                self.rekey(entity);
            }
        }
    }

    /// Whether the records of this kind of entity are joined by rules.
    pub fn is_joined_by_rules(&self, kind: &str) -> bool {
        self.who.contains_key(kind)
    }

    /// The entity that an id leads to: its own, or the one that its entity turned out to be.
    pub fn canonical(&self, entity: EntityId) -> EntityId {
        self.nodes.get(&entity).and_then(|node| node.leads).unwrap_or(entity)
    }

    /// The entity that an id leads to, as it is kept.
    pub(crate) fn node_of(&self, entity: EntityId) -> Option<&Node> {
        let node = self.nodes.get(&entity)?;
        // Hardly any leads on: what is at hand is not looked up again.
        node.leads.map_or(Some(node), |other| self.nodes.get(&other))
    }

    /// Every id that leads to the entity of `entity`, in order: more than one where records of the minting system are of one, or were
    /// when they left it.
    pub fn ids_of(&self, entity: EntityId) -> BTreeSet<EntityId> {
        let mut ids = self.present_ids(entity);
        ids.extend(self.left(entity));
        ids
    }

    /// The same without the ids whose records are gone.
    pub(crate) fn present_ids(&self, entity: EntityId) -> BTreeSet<EntityId> {
        let canonical = self.canonical(entity);
        let mut ids = BTreeSet::from([canonical]);
        if let Some((who, source)) = self.who_of(canonical) {
            let thing = who.thing(source);
            let minted = at(&self.minted, &who.mint.0, &who.mint.1);
            let own = thing.records.get(&who.mint.0).into_iter().flatten();
            ids.extend(own.filter_map(|id| minted?.get(id)));
        }
        ids
    }

    fn who_of(&self, entity: EntityId) -> Option<(&Who, &str)> {
        let node = self.nodes.get(&entity)?;
        Some((self.who.get(&node.kind)?, &node.source))
    }

    /// What is of the entity that `source` mints; none where no rules join its kind.
    pub(crate) fn thing(&self, kind: &str, source: &str) -> Option<Thing> {
        Some(self.who.get(kind)?.thing(source))
    }

    /// Takes changed rows of (`system`, `kind`) over, and the day that a reading began on; the entities that this touched.
    pub(crate) fn take_who(
        &mut self,
        system: &str,
        kind: &str,
        rows: &[Change],
        began: Millis,
    ) -> BTreeSet<EntityId> {
        let mut touched = BTreeSet::new();
        let today = day::number_of(began);
        let next = today > self.today;
        self.today = self.today.max(today);
        let names: Vec<String> = self.who.keys().cloned().collect();
        for name in names {
            let Some(mut who) = self.who.remove(&name) else { continue };
            let mut changed = if next { who.index.go_on(today) } else { BTreeSet::new() };
            if who.joins(system, kind) {
                for row in rows {
                    let record = self.table(system, kind).and_then(|table| shown(table, &row.id));
                    changed.extend(who.take(system, &row.id, record));
                }
            }
            self.who.insert(name.clone(), who);
            if !changed.is_empty() {
                touched.extend(self.settle_who(&name, &changed));
            }
        }
        touched
    }

    /// Says of each entity around changed things which record stands for it and where its id leads; those entities.
    pub(crate) fn settle_who(&mut self, kind: &str, changed: &BTreeSet<EntityId>) -> BTreeSet<EntityId> {
        let Some(who) = self.who.get(kind) else { return BTreeSet::new() };
        let (system, record) = who.mint.clone();
        let names = who.index.around(changed);
        let own: BTreeSet<&Name> = names.iter().filter(|name| *name.system == *system).collect();
        let mut settled: BTreeMap<EntityId, (String, Option<EntityId>)> = BTreeMap::new();
        let mut of_one: Vec<Vec<EntityId>> = Vec::new();
        for name in own {
            let Some(entity) = self.minted_by(&system, &record, &name.id) else { continue };
            if settled.contains_key(&entity) {
                continue;
            }
            let found = who.index.thing_of(&system, &name.id).map(|found| found.records).unwrap_or_default();
            let ids: Vec<&str> =
                found.iter().filter(|name| *name.system == *system).map(|name| &*name.id).collect();
            let first = ids.first().and_then(|id| self.minted_by(&system, &record, id));
            let (Some(first), Some(holds)) = (first, self.current_of(who, &ids)) else {
                settled.insert(entity, (name.id.to_string(), None));
                continue;
            };
            of_one.push(ids.iter().filter_map(|id| self.minted_by(&system, &record, id)).collect());
            for id in &ids {
                let Some(entity) = self.minted_by(&system, &record, id) else { continue };
                let stands = (entity == first).then(|| (holds.to_owned(), None));
                settled.insert(entity, stands.unwrap_or((String::new(), Some(first))));
            }
        }
        let touched = settled.keys().copied().collect();
        for ids in of_one {
            self.met.settle(&ids);
        }
        for (entity, (source, leads)) in settled {
            if let Some(node) = self.nodes.get_mut(&entity) {
                (node.source, node.leads) = (source, leads);
            }
        }
        touched
    }

    /// The one of several minting records that holds.
    fn current_of<'a>(&self, who: &Who, ids: &[&'a str]) -> Option<&'a str> {
        let table = self.table(&who.mint.0, &who.mint.1)?;
        let value = |id: &str| shown(table, id).and_then(|record| record.attributes.get(&who.current));
        ids.iter().copied().max_by_key(|id| (value(id), *id))
    }

    fn minted_by(&self, system: &str, kind: &str, id: &str) -> Option<EntityId> {
        at(&self.minted, system, kind)?.get(id).copied()
    }

    /// The entities for whom something may hang on the record of (`system`, `kind`) under `id`, by rules.
    pub(crate) fn around(&self, system: &str, kind: &str, id: &str) -> BTreeSet<EntityId> {
        let mut entities = BTreeSet::new();
        for who in self.who.values().filter(|who| who.joins(system, kind)) {
            let Some(found) = who.index.thing_of(system, id) else { continue };
            let names = who.index.around(&BTreeSet::from([found.id]));
            let own = names.iter().filter(|name| *name.system == *who.mint.0);
            entities.extend(own.filter_map(|name| self.minted_by(&who.mint.0, &who.mint.1, &name.id)));
        }
        entities
    }

    /// The entities that a record is of by rules: more than one where records of the minting system are of one.
    pub(crate) fn joined_to(&self, kind: &str, system: &str, id: &str) -> BTreeSet<EntityId> {
        let Some(who) = self.who.get(kind) else { return BTreeSet::new() };
        let names = who.index.thing_of(system, id).map(|found| found.records).unwrap_or_default();
        let own = names.into_iter().filter(|name| *name.system == *who.mint.0);
        own.filter_map(|name| self.minted_by(&who.mint.0, &who.mint.1, &name.id)).collect()
    }

    /// Everything that people are asked about who is who, by kind and then by score, the likeliest first.
    pub fn questions(&self) -> Vec<Told> {
        let mut told = Vec::new();
        for (kind, who) in &self.who {
            told.extend(self.told(kind, who, &who.index.questions()));
        }
        told.sort_by(|a, b| {
            (&a.kind, -a.explained.score, &a.left, &a.right).cmp(&(
                &b.kind,
                -b.explained.score,
                &b.left,
                &b.right,
            ))
        });
        told
    }

    /// What is asked about one entity.
    pub fn questions_of(&self, entity: EntityId) -> Vec<Told> {
        let entity = self.canonical(entity);
        let Some((who, source)) = self.who_of(entity) else { return Vec::new() };
        self.told(&self.nodes[&entity].kind, who, &who.index.questions_of(&who.mint.0, source))
    }

    /// How the records of one entity came together, the strongest bond first; nothing where no rules join its kind.
    pub fn joined_by(&self, entity: EntityId) -> Vec<Told> {
        let entity = self.canonical(entity);
        let Some((who, source)) = self.who_of(entity) else { return Vec::new() };
        self.told(&self.nodes[&entity].kind, who, &who.index.joined(&who.mint.0, source))
    }

    fn told(&self, kind: &str, who: &Who, answers: &[crate::identity::batch::Answered]) -> Vec<Told> {
        let explained = who.index.explained(answers).into_iter().map(|explained| {
            let entities = [&explained.left, &explained.right]
                .into_iter()
                .flat_map(|name| self.joined_to(kind, &name.system, &name.id));
            Told {
                kind: kind.to_owned(),
                left: self.source_of(who, &explained.left),
                right: self.source_of(who, &explained.right),
                entities: entities.map(|entity| self.canonical(entity)).collect(),
                explained,
            }
        });
        explained.collect()
    }

    /// A record with the version that was read.
    fn source_of(&self, who: &Who, name: &Name) -> Source {
        let kind = who.kinds.get(&*name.system).cloned().unwrap_or_default();
        let table = self.table(&name.system, &kind);
        let record = table.and_then(|table| shown(table, &name.id));
        record.map_or_else(
            || Source { system: name.system.to_string(), kind, id: name.id.to_string(), version: None },
            |record| record.source.clone(),
        )
    }

    /// The systems of which more than one record is of one entity, with these records, the minting one left out.
    pub(crate) fn doubled(&self, kind: &str) -> Vec<Vec<Source>> {
        let Some(who) = self.who.get(kind) else { return Vec::new() };
        let mut doubled = Vec::new();
        for entity in self.entities(kind) {
            let Some(node) = self.nodes.get(&entity) else { continue };
            let thing = who.thing(&node.source);
            for (system, ids) in
                thing.records.iter().filter(|(system, ids)| **system != who.mint.0 && ids.len() > 1)
            {
                let name = |id: &String| Name { system: system.as_str().into(), id: id.as_str().into() };
                doubled.push(ids.iter().map(|id| self.source_of(who, &name(id))).collect());
            }
        }
        doubled
    }
}

/// The record that is believed under an id, if one is.
fn shown<'a>(table: &'a Table, id: &str) -> Option<&'a Record> {
    match table.look(id) {
        Look::One(record) => Some(record.as_ref()),
        Look::Nothing | Look::Contested(_) => None,
    }
}
