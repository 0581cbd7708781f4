//! The census: the people of one kind as numbers, and what each of them is seen to have.
//!
//! Absent: judgement. Invariants: only records that an exact key joins to exactly one entity count for it; evidence whose
//! source is not wholly and freshly read is left out with the doubt.

use super::class::{Class, Seen};
use super::finding::Thing;
use super::people::People;
use crate::finder::Finder;
use crate::fold;
use crate::graph::Graph;
use crate::hand::Way;
use crate::intern::Interner;
use crate::member::Member;
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
        let people = People::of(graph, kind, now);
        let mut values: Interner<Value> = Interner::new(&graph.key);
        let mut classes: Interner<Vec<u32>> = Interner::new(&graph.key);
        let mut codes = Vec::with_capacity(attributes.len());
        let looked: Vec<Option<Way<'_>>> = attributes.iter().map(|name| people.way(name)).collect();
        let class_of = (0..people.entities.len()).map(|person| {
            codes.clear();
            codes.extend(looked.iter().map(|way| match people.held(person, way.as_ref()) {
                Observation::Present(value) => FIRST + values.number(value, || value.clone()),
                Observation::Absent(_) => NOTHING,
                Observation::Unknown(_) => UNKNOWN,
            }));
            classes.number(codes.as_slice(), || codes.clone())
        });
        let class_of: Vec<u32> = class_of.collect();
        let seen = values.list().into_iter().map(Seen::Value);
        let values = [Seen::Unknown, Seen::Nothing].into_iter().chain(seen).collect();
        let mut census = Self {
            graph,
            now,
            entities: Vec::new(),
            declarations,
            kind: kind.to_owned(),
            attributes,
            class_of,
            classes: classes.list(),
            values,
            things: Vec::new(),
            written: Vec::new(),
            starts: Vec::new(),
            held: Vec::new(),
            evidenced: BTreeSet::new(),
            doubted: BTreeMap::new(),
        };
        census.gather(evidence, &people);
        census.entities = people.entities;
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

    fn gather(&mut self, evidence: &[Evidence], people: &People<'g>) {
        let (graph, now) = (self.graph, self.now);
        let mut things = Numbers { by: BTreeMap::new() };
        let mut found: Vec<(u32, u32, &'g Record)> = Vec::new();
        let mut owners: BTreeMap<&str, Finder<Option<u32>>> = BTreeMap::new();
        for one in evidence {
            let facet = (one.domain.clone(), one.facet.clone());
            if let Err(doubt) = graph.coverage(&one.system, &one.kind, now) {
                self.doubted.insert(facet, doubt);
                continue;
            }
            self.evidenced.insert(facet);
            let owners =
                owners.entry(one.entity.as_str()).or_insert_with(|| keys(graph, people, &one.entity, now));
            let names = names(self.declarations, one);
            // Names are made once for each element, not for each record that shows it.
            let mut numbered: Finder<u32> = Finder::new(&graph.key);
            let (key, element) = (Member::new(&one.record), Member::new(&one.element));
            for record in graph.records(&one.system, &one.kind) {
                let key = key.of(&record.attributes).and_then(fold::key_of);
                let Some(Some(owner)) = key.and_then(|key| owners.get(&key)) else { continue };
                each_element(element.of(&record.attributes), |element| {
                    let number = *numbered.or_insert(element, || things.of(named(one, &names, element)));
                    found.push((*owner, number, record));
                });
            }
        }
        (self.starts, self.held) = grouped(people.entities.len(), &found);
        (self.things, self.written) = things.list().into_iter().unzip();
    }
}

/// What was found, person by person in the order of things, and where each person's begins. What one reading shows twice is one
/// thing, shown by the first record. A counting sort: whoever owns a thing is a number already.
fn grouped<'g>(people: usize, found: &[(u32, u32, &'g Record)]) -> (Vec<u32>, Vec<(u32, &'g Record)>) {
    let Some((_, _, any)) = found.first() else { return (vec![0; people + 1], Vec::new()) };
    let mut next = vec![0_usize; people + 1];
    for (owner, _, _) in found {
        next[*owner as usize + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let bounds = next.clone();
    let mut placed: Vec<(u32, &Record)> = vec![(0, any); found.len()];
    for (owner, thing, record) in found {
        let place = &mut next[*owner as usize];
        placed[*place] = (*thing, record);
        *place += 1;
    }
    let (mut starts, mut held) = (Vec::with_capacity(people + 1), Vec::with_capacity(found.len()));
    starts.push(0);
    for bound in bounds.windows(2) {
        let own = &mut placed[bound[0]..bound[1]];
        own.sort_by_key(|(thing, _)| *thing);
        held.extend(own.chunk_by(|one, other| one.0 == other.0).map(|same| same[0]));
        starts.push(u32::try_from(held.len()).unwrap_or(u32::MAX));
    }
    (starts, held)
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

/// Gives the texts of a value: of each element of a list, or its own.
pub(crate) fn each_element(value: Option<&Value>, mut give: impl FnMut(&str)) {
    let mut one = |value: &Value| match value {
        Value::Text(text) if !text.is_empty() => give(text),
        Value::Int(number) => give(&number.to_string()),
        _ => {}
    };
    match value {
        Some(Value::List(items)) => items.iter().for_each(one),
        Some(single) => one(single),
        None => {}
    }
}

/// The people by what joins records to them; nobody where two have the same.
fn keys(graph: &Graph, people: &People<'_>, by: &str, now: Millis) -> Finder<Option<u32>> {
    let mut keys: Finder<Option<u32>> = Finder::new(&graph.key);
    let way = people.way(by);
    for (person, entity) in people.entities.iter().enumerate() {
        let at = u32::try_from(person).ok();
        let mut add = |key: &str| {
            let mut new = false;
            let held = keys.or_insert(key, || {
                new = true;
                at
            });
            if !new {
                *held = None;
            }
        };
        match by.strip_prefix("link.") {
            Some(system) => {
                if let Observation::Present(record) = graph.joined(*entity, system, now)
                    && let Some(key) = fold::key(&Value::from(record.source.id.as_str()))
                {
                    add(&key);
                }
            }
            None => {
                if let Observation::Present(value) = people.held(person, way.as_ref())
                    && let Some(key) = fold::key_of(value)
                {
                    add(&key);
                }
            }
        }
    }
    keys
}

/// Nothing is known of an attribute.
const UNKNOWN: u32 = 0;
/// An attribute is proven absent.
const NOTHING: u32 = 1;
/// The code of the first value.
const FIRST: u32 = 2;

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
