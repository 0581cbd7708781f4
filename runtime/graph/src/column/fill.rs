//! Filling: what the graph says of an entity, as numbers.
//!
//! Absent: any opinion on who is right; every fact and every joined record is asked of the graph. Invariants: a row is what the
//! graph says at one time; a change of one system asks only for what its records can change, which is never too little: an attribute
//! hangs on the systems that claim it and on those through whose attributes their records are joined.
//!
//! Asking knows no numbers and changes nothing, so several threads may ask at once; taking gives the numbers.

use super::class::{ABSENT, FIRST, UNKNOWN, WHOLE};
use super::program::{Input, Program};
use super::{Cell, Columns, Ground, Row, Viewed};
use crate::coverage::Age;
use crate::graph::{Graph, Node};
use crate::reading::Touched;
use crate::resolve::Key;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::EntityKind;
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;

/// What is to be asked of the graph about the entities of one kind.
#[derive(Clone, Debug)]
pub struct Asking {
    inputs: Vec<Input>,
    systems: Vec<Joined>,
    /// By system: what its records can change.
    affected: BTreeMap<String, Affected>,
    /// Everything.
    all: Affected,
}

/// A system whose joined record shows facets.
#[derive(Clone, Debug)]
struct Joined {
    system: String,
    views: Vec<usize>,
    /// Whether the key to its records hangs on its own records, so that no other system shares it.
    own_key: bool,
}

/// What the records of one system can change, by places.
#[derive(Clone, Debug, Default)]
struct Affected {
    inputs: Vec<usize>,
    systems: Vec<usize>,
}

/// What the graph said of one entity.
#[derive(Debug)]
pub struct Answer<'g> {
    entity: EntityId,
    inputs: Vec<(usize, Observation<Cow<'g, Value>>)>,
    /// The joined records, each with the read that showed it.
    systems: Vec<(usize, Observation<&'g Arc<Record>>, &'g str)>,
}

impl Asking {
    pub(super) fn new(kind: &EntityKind, program: &Program, views: &[Viewed]) -> Self {
        let names: BTreeSet<&String> = kind.links.keys().chain([&kind.mint.0]).collect();
        let own_key = |system: &str| {
            let key = kind.links.get(system).filter(|_| kind.mint.0 != system).map(|link| &link.entity);
            key.is_some_and(|key| behind_attribute(kind, key, &mut BTreeSet::new()).contains(system))
        };
        let joined = |system: &&String| {
            let own = views.iter().enumerate().filter(|(_, viewed)| viewed.facet.system == **system);
            let views: Vec<usize> = own.map(|(at, _)| at).collect();
            let shows = !views.is_empty();
            shows.then(|| Joined { system: (*system).clone(), views, own_key: own_key(system) })
        };
        let systems: Vec<Joined> = names.iter().filter_map(joined).collect();
        let behind = |input: &Input| match input {
            Input::Fact(name) => behind_attribute(kind, name, &mut BTreeSet::new()),
            Input::Link(system) => behind_link(kind, system, &mut BTreeSet::new()),
        };
        let of = |system: &&String| {
            let inputs =
                program.inputs.iter().enumerate().filter(|(_, input)| behind(input).contains(*system));
            let links = systems.iter().enumerate().filter(|(_, joined)| {
                behind_link(kind, &joined.system, &mut BTreeSet::new()).contains(*system)
            });
            let inputs = inputs.map(|(at, _)| at).collect();
            ((*system).clone(), Affected { inputs, systems: links.map(|(at, _)| at).collect() })
        };
        let affected = names.iter().map(of).collect();
        let all =
            Affected { inputs: (0..program.inputs.len()).collect(), systems: (0..systems.len()).collect() };
        Self { inputs: program.inputs.clone(), systems, affected, all }
    }

    /// Whether anything of the kind hangs on the records of `system`.
    pub(super) fn knows(&self, system: &str) -> bool {
        self.affected.contains_key(system)
    }

    /// Everything that columns hold of these entities, as `graph` says at `now`.
    pub fn ask<'g>(&self, graph: &'g Graph, entities: &[EntityId], now: Millis) -> Vec<Answer<'g>> {
        entities.iter().filter_map(|entity| self.ask_one(graph, *entity, &self.all, now)).collect()
    }

    fn ask_one<'g>(
        &self,
        graph: &'g Graph,
        entity: EntityId,
        what: &Affected,
        now: Millis,
    ) -> Option<Answer<'g>> {
        let node = graph.nodes.get(&entity)?;
        let kind = graph.declarations.entities.get(&node.kind)?;
        let input = |at: &usize| Some((*at, ask_input(graph, entity, (node, kind), &self.inputs[*at], now)?));
        let inputs = what.inputs.iter().filter_map(input).collect();
        let mut keys: Vec<(&str, Key)> = Vec::new();
        let mut systems = Vec::with_capacity(what.systems.len());
        for at in &what.systems {
            let Joined { system, own_key, .. } = &self.systems[*at];
            let age = Age { now: Some(now), max_ms: graph.max_age_ms(system) };
            let resolver = graph.at(now);
            let seen = match kind.links.get(system).filter(|_| kind.mint.0 != *system) {
                None => graph.seen(system, &kind.mint.1, &node.source, age),
                Some(link) if *own_key => resolver.linked(entity, node, kind, link, age, &mut Vec::new()),
                Some(link) => {
                    let known = keys.iter().position(|(name, _)| *name == link.entity);
                    let known = known.unwrap_or_else(|| {
                        keys.push((&link.entity, resolver.key(entity, node, kind, link, &mut Vec::new())));
                        keys.len() - 1
                    });
                    resolver.by_key(kind, link, &keys[known].1, age)
                }
            };
            let read = seen.presence().and_then(|record| {
                let source = &record.value().source;
                graph.table(&source.system, &source.kind)?.read_of(&source.id)
            });
            systems.push((*at, seen, read.unwrap_or_default()));
        }
        Some(Answer { entity, inputs, systems })
    }
}

fn ask_input<'g>(
    graph: &'g Graph,
    entity: EntityId,
    (node, kind): (&'g Node, &'g EntityKind),
    input: &Input,
    now: Millis,
) -> Option<Observation<Cow<'g, Value>>> {
    Some(match input {
        Input::Fact(name) => {
            let attribute = kind.attributes.get(name)?;
            match graph.at(now).held(entity, node, attribute, &mut Vec::new()) {
                Observation::Present((value, _)) => Observation::Present(Cow::Borrowed(value)),
                Observation::Absent(proof) => Observation::Absent(proof),
                Observation::Unknown(doubt) => Observation::Unknown(doubt),
            }
        }
        Input::Link(system) => match graph.joined(entity, system, now) {
            Observation::Present(record) => Observation::Present(Cow::Owned(shown(record))),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        },
    })
}

fn behind_attribute(kind: &EntityKind, name: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let mut systems = BTreeSet::new();
    if !seen.insert(name.to_owned()) {
        return systems;
    }
    for claim in kind.attributes.get(name).into_iter().flat_map(|attribute| &attribute.from) {
        systems.extend(behind_link(kind, &claim.system, seen));
    }
    systems
}

fn behind_link(kind: &EntityKind, system: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let mut systems = BTreeSet::from([system.to_owned()]);
    if kind.mint.0 != system
        && let Some(link) = kind.links.get(system)
    {
        systems.extend(behind_attribute(kind, &link.entity, seen));
    }
    systems
}

impl Columns {
    /// What is to be asked of the graph, for those who let several threads ask.
    pub fn asking(&self) -> Arc<Asking> {
        self.asking.clone()
    }

    /// Every entity of the kind that `graph` ever minted, in order.
    pub fn entities_in(&self, graph: &Graph) -> Vec<EntityId> {
        let entities = graph.nodes.iter().filter(|(_, node)| node.kind == self.kind);
        entities.map(|(entity, _)| *entity).collect()
    }

    /// Brings every entity of the kind up to what `graph` says at `now`. Time alone makes things stale: call it when it has
    /// passed, too.
    pub fn fill(&mut self, graph: &Graph, now: Millis) {
        let asking = self.asking();
        for entities in self.entities_in(graph).chunks(1_024) {
            self.take(asking.ask(graph, entities, now));
        }
    }

    /// Takes over what the graph said.
    pub fn take(&mut self, answers: Vec<Answer<'_>>) {
        for answer in answers {
            self.take_one(answer);
        }
    }

    /// Brings the entities that a reading of `system` touched up to what `graph` says at `now`; those of this kind, in order.
    pub fn follow(&mut self, graph: &Graph, system: &str, touched: &Touched, now: Millis) -> Vec<EntityId> {
        let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(self.kind.as_str());
        let entities: Vec<EntityId> = touched.entities.iter().filter(of_kind).copied().collect();
        let asking = self.asking();
        for entity in &entities {
            // A new row knows nothing yet, whatever system showed it first.
            let known = self.places.contains_key(entity);
            let what = if known { asking.affected.get(system) } else { Some(&asking.all) };
            let answer = what.and_then(|what| asking.ask_one(graph, *entity, what, now));
            if let Some(answer) = answer {
                self.take_one(answer);
            }
        }
        entities
    }

    /// Sets what xops granted `entity`, as (domain, facet, element); what is not declared is not kept.
    pub fn grant<'a>(
        &mut self,
        entity: EntityId,
        granted: impl IntoIterator<Item = (&'a str, &'a str, Option<&'a str>)>,
    ) {
        let Some(row) = self.places.get(&entity).copied() else { return };
        let mut facets = Vec::new();
        for (domain, name, element) in granted {
            let mut kinds = self.declarations.facets.keys();
            let Some(kind) = kinds.position(|(of, facet)| of == domain && facet == name) else { continue };
            let element = element.map_or(WHOLE, |element| {
                let element = Value::from(element);
                self.numbers.values.number(&element, || element.clone())
            });
            let key = (u32::try_from(kind).unwrap_or(u32::MAX), element);
            facets.push(self.numbers.facets.number(&key, || key));
        }
        facets.sort_unstable();
        facets.dedup();
        self.rows[row as usize].granted = facets.into();
    }

    fn row(&mut self, entity: EntityId) -> usize {
        if let Some(row) = self.places.get(&entity) {
            return *row as usize;
        }
        let row = self.rows.len();
        self.places.insert(entity, u32::try_from(row).unwrap_or(u32::MAX));
        self.rows.push(Row { entity, ..Row::default() });
        self.codes.resize(self.codes.len() + self.width(), UNKNOWN);
        self.grounds.resize(self.grounds.len() + self.views.len(), 0);
        row
    }

    fn take_one(&mut self, answer: Answer<'_>) {
        let row = self.row(answer.entity);
        let width = self.width();
        for (at, seen) in answer.inputs {
            self.codes[row * width + at] = match seen {
                Observation::Present(value) => {
                    FIRST + self.numbers.values.number(&*value, || value.clone().into_owned())
                }
                Observation::Absent(_) => ABSENT,
                Observation::Unknown(_) => UNKNOWN,
            };
        }
        self.take_systems(row, answer.systems);
        let codes = &self.codes[row * width..][..width];
        self.rows[row].class = self.classes.of(codes, &mut self.numbers);
    }

    fn take_systems(&mut self, row: usize, systems: Vec<(usize, Observation<&Arc<Record>>, &str)>) {
        if systems.is_empty() {
            return;
        }
        let asking = self.asking();
        let old = std::mem::take(&mut self.rows[row].cells);
        let anew = |view: usize| systems.iter().any(|(at, ..)| asking.systems[*at].views.contains(&view));
        let anew: Vec<bool> = (0..self.views.len()).map(anew).collect();
        let stays = |cell: &&Cell| {
            let view = self.view_of[self.numbers.facets.get(cell.facet).0 as usize];
            view.is_none_or(|view| !anew[view as usize])
        };
        let mut cells: Vec<Cell> = Vec::with_capacity(old.len() + 8);
        cells.extend(old.iter().filter(stays));
        for (at, seen, read) in systems {
            let Joined { system, views, .. } = &asking.systems[at];
            let ground = match seen {
                Observation::Present(record) => {
                    for view in views {
                        self.cells_of(*view, record, &mut cells);
                    }
                    let recent = self.recent.get(at).copied().unwrap_or_default();
                    match self.ground_list.get(recent as usize) {
                        Some(Ground::Absent(Proof::Snapshot { system: of, read: by }))
                            if of == system && by == read =>
                        {
                            recent
                        }
                        _ => {
                            let proof = Proof::Snapshot { system: system.clone(), read: read.to_owned() };
                            self.ground_number(at, Ground::Absent(proof))
                        }
                    }
                }
                Observation::Absent(proof) => self.ground_number(at, Ground::Absent(proof)),
                Observation::Unknown(doubt) => self.ground_number(at, Ground::Unknown(doubt)),
            };
            let width = self.views.len();
            for view in views {
                self.grounds[row * width + view] = ground;
            }
        }
        cells.sort_unstable();
        cells.dedup_by_key(|cell| cell.facet);
        self.rows[row].cells = cells.into();
    }

    /// Adds the facets that `record` shows.
    fn cells_of(&mut self, view: usize, record: &Arc<Record>, cells: &mut Vec<Cell>) {
        let Self { views, numbers, member, .. } = self;
        let viewed = &views[view];
        let Some(value) = record.attributes.get(&viewed.view.attribute).filter(|value| !value.is_null())
        else {
            return;
        };
        let mut add = |element: u32, value: u32| {
            let key = (viewed.kind, element);
            cells.push(Cell { facet: numbers.facets.number(&key, || key), value });
        };
        if !viewed.facet.set {
            let named = value.get("name").unwrap_or(value);
            let value = numbers.values.number(named, || named.clone());
            add(WHOLE, value);
            return;
        }
        for item in value.as_list().unwrap_or(std::slice::from_ref(value)) {
            let element = match item.get("name").unwrap_or(item) {
                Value::Null => continue,
                text @ Value::Text(_) => numbers.values.number(text, || text.clone()),
                other => {
                    let text = Value::from(other.to_string());
                    numbers.values.number(&text, || text.clone())
                }
            };
            let key = (viewed.kind, element);
            cells.push(Cell { facet: numbers.facets.number(&key, || key), value: *member });
        }
    }

    /// The number of a ground; most often it is that of the entity before.
    fn ground_number(&mut self, system: usize, ground: Ground) -> u32 {
        let recent = self.recent.get(system).copied().unwrap_or_default();
        if self.ground_list.get(recent as usize) == Some(&ground) {
            return recent;
        }
        let number = self.ground_number_of(ground);
        if self.recent.len() <= system {
            self.recent.resize(system + 1, 0);
        }
        self.recent[system] = number;
        number
    }

    fn ground_number_of(&mut self, ground: Ground) -> u32 {
        if let Some(number) = self.ground_numbers.get(&ground) {
            return *number;
        }
        let number = u32::try_from(self.ground_list.len()).unwrap_or(u32::MAX);
        self.ground_list.push(ground.clone());
        self.ground_numbers.insert(ground, number);
        number
    }
}

/// A record as expressions see it: its attributes, and `id`.
fn shown(record: &Record) -> Value {
    let mut attributes = record.attributes.clone();
    attributes.insert("id".to_owned(), record.source.id.as_str().into());
    Value::Map(attributes)
}
