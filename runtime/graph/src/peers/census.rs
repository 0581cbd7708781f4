//! The census: the people of one kind as numbers, and what each of them is seen to have.
//!
//! Absent: judgement. Invariants: only records that an exact key joins to exactly one entity count for it; evidence whose
//! source is not wholly and freshly read is left out with the doubt.

use super::class::{Class, Seen};
use super::finding::Thing;
use crate::fold;
use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{Declarations, EntityKind};
use xops_kernel::expr::{self, Expr};
use xops_kernel::fact::{Doubt, Observation};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::standard::{Evidence, Standards};
use xops_kernel::value::Value;

/// The people of one kind.
pub struct Census<'g> {
    graph: &'g Graph,
    now: Millis,
    entities: Vec<EntityId>,
    pub(crate) declarations: &'g Declarations,
    pub(crate) kind: String,
    /// The attributes that conditions and levels look at.
    pub(crate) attributes: Vec<String>,
    /// The class of each person.
    pub(crate) class_of: Vec<u32>,
    /// What each class has in common: an index into `values` for each attribute.
    pub(crate) classes: Vec<Vec<u32>>,
    pub(crate) values: Vec<Seen>,
    /// Everything that somebody has.
    pub(crate) things: Vec<Thing>,
    /// What one writes for each thing; `None` for an object that is not declared.
    pub(crate) written: Vec<Option<String>>,
    /// Where the things of each person begin in `held`; one more than there are people.
    pub(crate) starts: Vec<u32>,
    /// What each person has: the thing, and the record that shows it.
    pub(crate) held: Vec<(u32, &'g Record)>,
    /// The facets that were seen.
    pub(crate) evidenced: BTreeSet<(String, String)>,
    /// The facets that could not be, and why.
    pub(crate) doubted: BTreeMap<(String, String), Doubt>,
}

/// Numbers for values, in the order of their coming.
struct Numbers<T> {
    by: BTreeMap<T, u32>,
}

impl<T: Ord + Clone> Numbers<T> {
    fn of(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.by.len()).unwrap_or(u32::MAX);
        *self.by.entry(value).or_insert(next)
    }

    fn list(self) -> Vec<T> {
        let mut all: Vec<(u32, T)> = self.by.into_iter().map(|(value, number)| (number, value)).collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, value)| value).collect()
    }
}

impl<'g> Census<'g> {
    /// Takes the census of `kind` at `now`; `evidence` says where it is seen what people have. `None` for a kind that is not
    /// declared.
    pub fn take(
        graph: &'g Graph,
        standards: &Standards,
        kind: &str,
        evidence: &[Evidence],
        now: Millis,
    ) -> Option<Self> {
        let declarations: &Declarations = &graph.declarations;
        let declared = declarations.entities.get(kind)?;
        let attributes: Vec<String> = looked_at(declarations, standards, declared).into_iter().collect();
        let entities: Vec<EntityId> = graph.entities(kind).collect();
        let mut values = Numbers { by: BTreeMap::new() };
        let mut classes = Numbers { by: BTreeMap::new() };
        let class_of = entities.iter().map(|entity| {
            let codes: Vec<u32> =
                attributes.iter().map(|name| values.of(seen(graph, *entity, name, now))).collect();
            classes.of(codes)
        });
        let class_of: Vec<u32> = class_of.collect();
        let mut census = Self {
            graph,
            now,
            entities,
            declarations,
            kind: kind.to_owned(),
            attributes,
            class_of,
            classes: classes.list(),
            values: values.list(),
            things: Vec::new(),
            written: Vec::new(),
            starts: Vec::new(),
            held: Vec::new(),
            evidenced: BTreeSet::new(),
            doubted: BTreeMap::new(),
        };
        census.gather(evidence);
        Some(census)
    }

    /// How many people there are.
    pub fn len(&self) -> usize {
        self.class_of.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.class_of.is_empty()
    }

    /// What the people of one class have in common.
    pub(crate) fn class(&self, at: usize) -> Class<'_> {
        let known = self.attributes.iter().map(String::as_str);
        let known = known.zip(self.classes[at].iter().map(|code| &self.values[*code as usize])).collect();
        Class { declarations: self.declarations, kind: &self.kind, known }
    }

    /// What one person has.
    pub(crate) fn has(&self, person: usize) -> &[(u32, &'g Record)] {
        &self.held[self.starts[person] as usize..self.starts[person + 1] as usize]
    }

    /// The records that say what `names` of the people are, of the first people of these classes.
    pub(crate) fn records_of(
        &self,
        classes: &[bool],
        names: &BTreeSet<String>,
        people_max: usize,
    ) -> Vec<Source> {
        let chosen = self.class_of.iter().zip(&self.entities).filter(|(class, _)| classes[**class as usize]);
        let mut sources = BTreeSet::new();
        for (_, entity) in chosen.take(people_max) {
            let facts = names.iter().filter_map(|name| self.graph.fact(*entity, name, self.now));
            sources.extend(facts.filter_map(|fact| Some(fact.presence()?.value().source.clone())));
        }
        sources.into_iter().collect()
    }

    fn gather(&mut self, evidence: &[Evidence]) {
        let (graph, now) = (self.graph, self.now);
        let mut things = Numbers { by: BTreeMap::new() };
        let mut found: Vec<(u32, u32, &'g Record)> = Vec::new();
        let mut owners: BTreeMap<&str, BTreeMap<String, Option<u32>>> = BTreeMap::new();
        for one in evidence {
            let facet = (one.domain.clone(), one.facet.clone());
            if let Err(doubt) = graph.coverage(&one.system, &one.kind, now) {
                self.doubted.insert(facet, doubt);
                continue;
            }
            self.evidenced.insert(facet);
            let owners = owners
                .entry(one.entity.as_str())
                .or_insert_with(|| keys(graph, &self.entities, &one.entity, now));
            let names = names(self.declarations, one);
            let mut numbered: BTreeMap<String, u32> = BTreeMap::new();
            for record in graph.records(&one.system, &one.kind) {
                let key = record.attributes.get(&one.record).and_then(fold::key);
                let Some(Some(owner)) = key.and_then(|key| owners.get(&key)) else { continue };
                for element in elements(record.attributes.get(&one.element)) {
                    // Names are made once for each element, not for each record that shows it.
                    let known = numbered.get(&element).copied();
                    let number = known.unwrap_or_else(|| things.of(named(one, &names, &element)));
                    if known.is_none() {
                        numbered.insert(element, number);
                    }
                    found.push((*owner, number, record));
                }
            }
        }
        // What one reading shows twice is one thing.
        found.sort_by_key(|(owner, thing, _)| (*owner, *thing));
        found.dedup_by_key(|(owner, thing, _)| (*owner, *thing));
        self.starts = starts(self.entities.len(), &found);
        self.held = found.into_iter().map(|(_, thing, record)| (thing, record)).collect();
        (self.things, self.written) = things.list().into_iter().unzip();
    }
}

fn starts(people: usize, found: &[(u32, u32, &Record)]) -> Vec<u32> {
    let mut starts = vec![0; people + 1];
    for (owner, _, _) in found {
        starts[*owner as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    starts
}

/// An element as a thing, with what one writes for it.
fn named(evidence: &Evidence, names: &BTreeMap<&str, &str>, element: &str) -> (Thing, Option<String>) {
    let name = names.get(element).copied();
    let written = match &evidence.objects {
        None => Some(super::class::quoted(element)),
        Some(kind) => name.map(|name| super::class::reference(kind, name)),
    };
    let element = name.unwrap_or(element).to_owned();
    (Thing { domain: evidence.domain.clone(), facet: evidence.facet.clone(), element }, written)
}

/// The names of the objects of an evidence's kind, by id.
pub(crate) fn names<'a>(declarations: &'a Declarations, evidence: &Evidence) -> BTreeMap<&'a str, &'a str> {
    let of_kind =
        declarations.objects.values().filter(|object| evidence.objects.as_ref() == Some(&object.kind));
    of_kind
        .filter_map(|object| Some((object.attributes.get("id")?.as_text()?, object.name.as_str())))
        .collect()
}

/// The texts of a value: of each element of a list, or its own.
pub(crate) fn elements(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Some(Value::List(items)) => items.iter().filter_map(text).collect(),
        Some(single) => text(single).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The people by what joins records to them; nobody where two have the same.
fn keys(graph: &Graph, entities: &[EntityId], by: &str, now: Millis) -> BTreeMap<String, Option<u32>> {
    let mut keys: BTreeMap<String, Option<u32>> = BTreeMap::new();
    for (at, entity) in entities.iter().enumerate() {
        let key = match by.strip_prefix("link.") {
            Some(system) => graph
                .link(*entity, system, now)
                .presence()
                .and_then(|record| fold::key(&Value::from(record.value().source.id.as_str()))),
            None => match seen(graph, *entity, by, now) {
                Seen::Value(value) => fold::key(&value),
                Seen::Nothing | Seen::Unknown => None,
            },
        };
        if let Some(key) = key {
            let at = u32::try_from(at).ok();
            keys.entry(key).and_modify(|held| *held = None).or_insert(at);
        }
    }
    keys
}

fn seen(graph: &Graph, entity: EntityId, name: &str, now: Millis) -> Seen {
    match graph.fact(entity, name, now) {
        Some(Observation::Present(fact)) => Seen::Value(fact.value),
        Some(Observation::Absent(_)) => Seen::Nothing,
        Some(Observation::Unknown(_)) | None => Seen::Unknown,
    }
}

/// The attributes of `kind` that selectors, requirements, levels and values look at.
fn looked_at(declarations: &Declarations, standards: &Standards, kind: &EntityKind) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut of = |expr: &Expr| {
        let paths = expr::references(expr).into_iter().filter(|path| path.root == kind.name);
        names.extend(paths.filter_map(|path| path.first().map(str::to_owned)));
    };
    declarations.outcomes.values().filter(|it| it.entity == kind.name).for_each(|it| of(&it.applies));
    for requirement in standards.requirements.values().filter(|it| it.entity == kind.name) {
        of(&requirement.applies);
        for line in &requirement.facets {
            of(&line.value);
        }
    }
    let sets = || standards.peers.values().filter(|it| it.entity == kind.name);
    sets().for_each(|set| of(&set.counts));
    names.extend(sets().flat_map(|set| set.levels.iter().flatten().cloned()));
    names.retain(|name| kind.attributes.contains_key(name));
    names
}
