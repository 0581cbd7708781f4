//! Filling: what the graph says of an entity, as numbers.
//!
//! Absent: any opinion on who is right; every fact and every joined record is asked of the graph. Invariants: a row is what the
//! graph says at one time; a change of one system asks only for what its records can change, which is never too little: an attribute
//! hangs on the systems that claim it and on those through whose attributes their records are joined.

use super::class::{ABSENT, FIRST, UNKNOWN, WHOLE};
use super::program::{Input, Program};
use super::{Cell, Columns, Ground, Row, Viewed};
use crate::graph::Graph;
use crate::reading::Touched;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::EntityKind;
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;

/// What the records of one system can change.
#[derive(Clone, Debug, Default)]
pub(super) struct Affected {
    /// Inputs, by place.
    inputs: Vec<usize>,
    /// The systems whose joined records can be others, each with its views.
    views: Vec<(String, Vec<usize>)>,
}

/// What each system's records can change of an entity of `kind`.
pub(super) fn affected(kind: &EntityKind, program: &Program, views: &[Viewed]) -> BTreeMap<String, Affected> {
    let systems: BTreeSet<&String> = kind.links.keys().chain([&kind.mint.0]).collect();
    let by_system = |of: &str| -> Vec<usize> {
        let own = views.iter().enumerate().filter(|(_, viewed)| viewed.facet.system == of);
        own.map(|(at, _)| at).collect()
    };
    let behind_input = |input: &Input| match input {
        Input::Fact(name) => behind_attribute(kind, name, &mut BTreeSet::new()),
        Input::Link(system) => behind_link(kind, system, &mut BTreeSet::new()),
    };
    let of = |system: &&String| {
        let inputs =
            program.inputs.iter().enumerate().filter(|(_, input)| behind_input(input).contains(*system));
        let joined =
            systems.iter().filter(|other| behind_link(kind, other, &mut BTreeSet::new()).contains(*system));
        let views = joined.map(|other| ((*other).clone(), by_system(other)));
        let views = views.filter(|(_, views)| !views.is_empty()).collect();
        ((*system).clone(), Affected { inputs: inputs.map(|(at, _)| at).collect(), views })
    };
    systems.iter().map(of).collect()
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
    /// Brings every entity of the kind up to what `graph` says at `now`. Time alone makes things stale: call it when it has
    /// passed, too.
    pub fn fill(&mut self, graph: &Graph, now: Millis) {
        let entities = graph.nodes.iter().filter(|(_, node)| node.kind == self.kind);
        let entities: Vec<EntityId> = entities.map(|(entity, _)| *entity).collect();
        for entity in entities {
            self.fill_one(graph, entity, None, now);
        }
    }

    /// Brings the entities that a reading of `system` touched up to what `graph` says at `now`; those of this kind, in order.
    pub fn follow(&mut self, graph: &Graph, system: &str, touched: &Touched, now: Millis) -> Vec<EntityId> {
        let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(self.kind.as_str());
        let entities: Vec<EntityId> = touched.entities.iter().filter(of_kind).copied().collect();
        for entity in &entities {
            self.fill_one(graph, *entity, Some(system), now);
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

    fn row(&mut self, entity: EntityId) -> (usize, bool) {
        if let Some(row) = self.places.get(&entity) {
            return (*row as usize, false);
        }
        let row = self.rows.len();
        self.places.insert(entity, u32::try_from(row).unwrap_or(u32::MAX));
        self.rows.push(Row { entity, ..Row::default() });
        self.codes.resize(self.codes.len() + self.width(), UNKNOWN);
        self.grounds.resize(self.grounds.len() + self.views.len(), 0);
        (row, true)
    }

    fn fill_one(&mut self, graph: &Graph, entity: EntityId, system: Option<&str>, now: Millis) {
        let (row, new) = self.row(entity);
        let affected = std::mem::take(&mut self.affected);
        // A new row knows nothing yet, whatever system showed it first.
        match system.filter(|_| !new) {
            Some(system) => affected.get(system).into_iter().for_each(|affected| {
                self.fill_inputs(graph, row, affected.inputs.iter().copied(), now);
                self.fill_views(graph, row, &affected.views, now);
            }),
            None => {
                self.fill_inputs(graph, row, 0..self.width(), now);
                let mut all: BTreeMap<&String, &Vec<usize>> = BTreeMap::new();
                all.extend(affected.values().flat_map(|of| &of.views).map(|(system, views)| (system, views)));
                let all: Vec<(String, Vec<usize>)> =
                    all.into_iter().map(|(system, views)| (system.clone(), views.clone())).collect();
                self.fill_views(graph, row, &all, now);
            }
        }
        self.affected = affected;
        let width = self.width();
        let codes = &self.codes[row * width..][..width];
        self.rows[row].class = self.classes.of(codes, &mut self.numbers);
    }

    fn fill_inputs(&mut self, graph: &Graph, row: usize, inputs: impl Iterator<Item = usize>, now: Millis) {
        let entity = self.rows[row].entity;
        for at in inputs {
            let seen = match &self.classes.program.inputs[at] {
                Input::Fact(name) => match graph.fact(entity, name, now) {
                    Some(Observation::Present(fact)) => Observation::Present(fact.value),
                    Some(Observation::Absent(proof)) => Observation::Absent(proof),
                    Some(Observation::Unknown(doubt)) => Observation::Unknown(doubt),
                    None => continue,
                },
                Input::Link(system) => match graph.joined(entity, system, now) {
                    Observation::Present(record) => Observation::Present(shown(record)),
                    Observation::Absent(proof) => Observation::Absent(proof),
                    Observation::Unknown(doubt) => Observation::Unknown(doubt),
                },
            };
            let code = match seen {
                Observation::Present(value) => FIRST + self.numbers.values.number(&value, || value.clone()),
                Observation::Absent(_) => ABSENT,
                Observation::Unknown(_) => UNKNOWN,
            };
            let width = self.width();
            self.codes[row * width + at] = code;
        }
    }

    fn fill_views(&mut self, graph: &Graph, row: usize, systems: &[(String, Vec<usize>)], now: Millis) {
        let old = std::mem::take(&mut self.rows[row].cells);
        let stays = |cell: &&Cell| {
            let view = self.view_of[self.numbers.facets.get(cell.facet).0 as usize].map(|view| view as usize);
            !systems.iter().any(|(_, views)| view.is_some_and(|view| views.contains(&view)))
        };
        let mut cells: Vec<Cell> = old.iter().filter(stays).copied().collect();
        let entity = self.rows[row].entity;
        for (system, views) in systems {
            let ground = match graph.joined(entity, system, now) {
                Observation::Present(record) => {
                    for view in views {
                        self.cells_of(*view, record, &mut cells);
                    }
                    let table = graph.table(system, &record.source.kind);
                    let read = table.and_then(|table| table.read_of(&record.source.id)).unwrap_or_default();
                    Ground::Absent(Proof::Snapshot { system: system.clone(), read })
                }
                Observation::Absent(proof) => Ground::Absent(proof),
                Observation::Unknown(doubt) => Ground::Unknown(doubt),
            };
            let ground = self.ground_number(ground);
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

    fn ground_number(&mut self, ground: Ground) -> u32 {
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
