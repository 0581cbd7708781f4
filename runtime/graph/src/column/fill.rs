//! Filling: what the graph says of an entity, as numbers.
//!
//! Absent: any opinion on who is right; every fact and every joined record is asked of the graph. Invariants: a row is what the
//! graph says at one time; a change of one system asks only for what its records can change, which is never too little: an attribute
//! hangs on the systems that claim it and on those through whose attributes their records are joined.
//!
//! Asking knows no numbers and changes nothing, so several threads may ask at once; taking gives the numbers.

use super::behind;
use super::class::{ABSENT, FIRST, UNKNOWN, WHOLE};
use super::hands::{Hands, Shown};
use super::program::{Input, Program};
use super::spare::{Held, Joint, Spare};
use super::{Cell, Columns, Ground, Row, Viewed};
use crate::graph::Graph;
use crate::hand;
use crate::member;
use crate::reading::Touched;
use crate::resolve::Resolver;
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
    pub(super) kind: String,
    pub(super) inputs: Vec<Input>,
    pub(super) systems: Vec<Joined>,
    /// The attributes by which records are joined, and how many systems have records that are joined by each.
    pub(super) keys: Vec<(String, usize)>,
    /// By system: what its records can change.
    affected: BTreeMap<String, Affected>,
    /// Everything.
    all: Affected,
}

/// A system whose joined record shows facets.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) system: String,
    views: Vec<usize>,
    /// By what its records are joined, by its place. Nothing where they mint, or where that hangs on its own records, so that no other
    /// system shares it.
    pub(super) key: Option<usize>,
}

/// What the records of one system can change, by places.
#[derive(Clone, Debug, Default)]
pub(super) struct Affected {
    pub(super) inputs: Vec<usize>,
    pub(super) systems: Vec<usize>,
}

/// What the graph said of some entities.
#[derive(Debug)]
pub struct Answers<'g> {
    of: Vec<Answer<'g>>,
    /// By system: what follows for whoever has no record in it. It is the same for all of them.
    absent: Vec<Option<Ground>>,
}

/// What the graph said of one entity.
#[derive(Debug)]
struct Answer<'g> {
    entity: EntityId,
    inputs: Vec<(usize, Observation<Cow<'g, Value>>)>,
    systems: Vec<(usize, Shown<'g>)>,
    joint: Joint,
}

impl Asking {
    pub(super) fn new(kind: &EntityKind, program: &Program, views: &[Viewed]) -> Self {
        let names: BTreeSet<&String> = kind.links.keys().chain([&kind.mint.0]).collect();
        let own_key = |system: &str| {
            let key = kind.links.get(system).filter(|_| kind.mint.0 != system).map(|link| &link.entity);
            key.is_some_and(|key| behind::attribute(kind, key, &mut BTreeSet::new()).contains(system))
        };
        let joined = |system: &&String| {
            let shows = |viewed: &Viewed| !viewed.witnessed && viewed.facet.system == **system;
            let own = views.iter().enumerate().filter(|(_, viewed)| shows(viewed));
            let views: Vec<usize> = own.map(|(at, _)| at).collect();
            let shows = !views.is_empty();
            shows.then(|| Joined { system: (*system).clone(), views, key: None })
        };
        let mut systems: Vec<Joined> = names.iter().filter_map(joined).collect();
        let mut keys: Vec<(String, usize)> = Vec::new();
        for joined in &mut systems {
            let link = kind.links.get(&joined.system).filter(|_| kind.mint.0 != joined.system);
            let Some(link) = link.filter(|_| !own_key(&joined.system)) else { continue };
            let place = keys.iter().position(|(name, _)| *name == link.entity).unwrap_or_else(|| {
                keys.push((link.entity.clone(), 0));
                keys.len() - 1
            });
            keys[place].1 += 1;
            joined.key = Some(place);
        }
        let behind = |input: &Input| match input {
            Input::Fact(name) => behind::attribute(kind, name, &mut BTreeSet::new()),
            Input::Link(system) => behind::link(kind, system, &mut BTreeSet::new()),
        };
        let of = |system: &&String| {
            let inputs =
                program.inputs.iter().enumerate().filter(|(_, input)| behind(input).contains(*system));
            let links = systems.iter().enumerate().filter(|(_, joined)| {
                behind::link(kind, &joined.system, &mut BTreeSet::new()).contains(*system)
            });
            let inputs = inputs.map(|(at, _)| at).collect();
            ((*system).clone(), Affected { inputs, systems: links.map(|(at, _)| at).collect() })
        };
        let affected = names.iter().map(of).collect();
        let all =
            Affected { inputs: (0..program.inputs.len()).collect(), systems: (0..systems.len()).collect() };
        Self { kind: kind.name.clone(), inputs: program.inputs.clone(), systems, keys, affected, all }
    }

    /// Whether anything of the kind hangs on the records of `system`.
    pub(super) fn knows(&self, system: &str) -> bool {
        self.affected.contains_key(system)
    }

    /// Everything that columns hold of these entities, as `graph` says at `now`.
    pub fn ask<'g>(&self, graph: &'g Graph, entities: &[EntityId], now: Millis) -> Answers<'g> {
        self.ask_of(graph, entities, &self.all, None, now)
    }

    fn ask_of<'g>(
        &self,
        graph: &'g Graph,
        entities: &[EntityId],
        what: &Affected,
        spare: Option<&Spare<'_>>,
        now: Millis,
    ) -> Answers<'g> {
        let hands = Hands::new(self, graph, what, now);
        let of = entities.iter().filter_map(|entity| {
            let held = spare.and_then(|spare| spare.held(*entity, now));
            self.ask_one(&hands, *entity, what, held)
        });
        let of = of.collect();
        Answers { of, absent: hands.absent() }
    }

    fn ask_one<'g>(
        &self,
        hands: &Hands<'_, 'g>,
        entity: EntityId,
        what: &Affected,
        held: Option<Held<'_>>,
    ) -> Option<Answer<'g>> {
        let (graph, now) = (hands.graph, hands.now);
        let node = graph.nodes.get(&entity)?;
        let kind = graph.declarations.entities.get(&node.kind)?;
        let minting = hand::minting(graph, kind, &node.source);
        let input = |at: &usize| {
            let seen = match &self.inputs[*at] {
                Input::Fact(name) => {
                    valued(hands.ways.get(name.as_str())?.known(entity, minting)?, |(value, _)| {
                        Cow::Borrowed(value)
                    })
                }
                Input::Link(system) => {
                    valued(graph.joined(entity, system, now), |record| Cow::Owned(shown(record)))
                }
            };
            Some((*at, seen))
        };
        let inputs = what.inputs.iter().filter_map(input).collect();
        let mut joint = Joint::default();
        let mut systems = Vec::with_capacity(what.systems.len());
        let resolver = graph.at(now);
        for at in &what.systems {
            let joined = &self.systems[*at];
            if let Some(place) = joined.key {
                if joint.key(place).is_none() {
                    let link = kind.links.get(&joined.system)?;
                    let way = hands.ways.get(self.keys[place].0.as_str());
                    let short = way.and_then(|way| way.key(entity, minting));
                    joint.keys.push((
                        place,
                        short.unwrap_or_else(|| resolver.key(entity, node, kind, link, &mut Vec::new())),
                    ));
                }
                if held.is_some_and(|held| held.spares(&joined.system, place, &joint)) {
                    continue;
                }
            }
            let hand = hands.get(*at)?;
            let id = match (hand.link, joined.key.and_then(|place| joint.key(place))) {
                (None, _) => Ok(Some(node.source.as_str())),
                (Some(link), Some(key)) => Resolver::id_by_key(kind, link, key, hand.table),
                (Some(link), None) => {
                    let key = resolver.key(entity, node, kind, link, &mut Vec::new());
                    Resolver::id_by_key(kind, link, &key, hand.table)
                }
            };
            let shown = hand.shown(id);
            joint.until = joint.until.min(hand.until(&shown));
            systems.push((*at, shown));
        }
        Some(Answer { entity, inputs, systems, joint })
    }
}

fn valued<'g, T>(
    seen: Observation<T>,
    value: impl FnOnce(T) -> Cow<'g, Value>,
) -> Observation<Cow<'g, Value>> {
    match seen {
        Observation::Present(seen) => Observation::Present(value(seen)),
        Observation::Absent(proof) => Observation::Absent(proof),
        Observation::Unknown(doubt) => Observation::Unknown(doubt),
    }
}

impl Columns {
    /// What is to be asked of the graph, for those who let several threads ask.
    pub fn asking(&self) -> Arc<Asking> {
        self.asking.clone()
    }

    /// Every entity of the kind that `graph` ever minted, in the order in which they came: what came side by side lies side by side, so
    /// asking in this order waits less for memory.
    pub fn entities_in(&self, graph: &Graph) -> Vec<EntityId> {
        let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(self.kind.as_str());
        graph.born.iter().filter(of_kind).copied().collect()
    }

    /// Brings every entity of the kind up to what `graph` says at `now`. Time alone makes things stale: call it when it has
    /// passed, too.
    pub fn fill(&mut self, graph: &Graph, now: Millis) {
        let asking = self.asking();
        for entities in self.entities_in(graph).chunks(1_024) {
            self.take(asking.ask(graph, entities, now));
        }
        self.gather(graph, now);
    }

    /// Takes over what the graph said.
    pub fn take(&mut self, answers: Answers<'_>) {
        let absent: Vec<Option<u32>> =
            answers.absent.into_iter().map(|ground| Some(self.ground_number_of(ground?))).collect();
        for answer in answers.of {
            self.take_one(answer, &absent);
        }
    }

    /// Brings the entities that a reading of `system` touched up to what `graph` says at `now`; those of this kind, in order.
    pub fn follow(&mut self, graph: &Graph, system: &str, touched: &Touched, now: Millis) -> Vec<EntityId> {
        let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(self.kind.as_str());
        let entities: Vec<EntityId> = touched.entities.iter().filter(of_kind).copied().collect();
        let asking = self.asking();
        // A new row knows nothing yet, whatever system showed it first.
        let (old, new): (Vec<EntityId>, Vec<EntityId>) =
            entities.iter().partition(|entity| self.places.contains_key(entity));
        // Where rules join records, a record of one system may bring together those of others.
        let ruled = graph.is_joined_by_rules(&self.kind).then_some(&asking.all);
        if let Some(what) = ruled.or_else(|| asking.affected.get(system)).filter(|_| !old.is_empty()) {
            let spare = Spare::after(self, system);
            let answers = asking.ask_of(graph, &old, what, ruled.is_none().then_some(&spare), now);
            self.take(answers);
        }
        if !new.is_empty() {
            self.take(asking.ask(graph, &new, now));
        }
        let mut touched = self.gather_behind(graph, system, !new.is_empty(), now);
        touched.extend(entities);
        touched.into_iter().collect()
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
        self.joints.resize(self.joints.len() + self.asking.keys.len(), 0);
        self.codes.resize(self.codes.len() + self.width(), UNKNOWN);
        self.grounds.resize(self.grounds.len() + self.views.len(), 0);
        row
    }

    fn take_one(&mut self, answer: Answer<'_>, absent: &[Option<u32>]) {
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
        self.keep(row, answer.joint, &answer.systems);
        self.take_systems(row, answer.systems, absent);
        let codes = &self.codes[row * width..][..width];
        self.rows[row].class = self.classes.of(codes, &mut self.numbers);
    }

    fn take_systems(&mut self, row: usize, systems: Vec<(usize, Shown<'_>)>, absent: &[Option<u32>]) {
        if systems.is_empty() {
            return;
        }
        let asking = self.asking();
        let old = std::mem::take(&mut self.rows[row].cells);
        let mut anew = vec![false; self.views.len()];
        for view in systems.iter().flat_map(|(at, _)| &asking.systems[*at].views) {
            anew[*view] = true;
        }
        let stays = |cell: &&Cell| {
            let view = self.view_of[self.numbers.facets.get(cell.facet).0 as usize];
            view.is_none_or(|view| !anew[view as usize])
        };
        let mut cells: Vec<Cell> = Vec::with_capacity(old.len() + 8);
        cells.extend(old.iter().filter(stays));
        for (at, shown) in systems {
            let Joined { system, views, .. } = &asking.systems[at];
            let ground = match shown {
                Shown::Record(record, read) => {
                    for view in views {
                        self.cells_of(*view, record, &mut cells);
                    }
                    self.shown_by(at, system, read)
                }
                Shown::Nothing => absent[at].unwrap_or_default(),
                Shown::Unknown(doubt) => self.ground_number(at, Ground::Unknown(doubt)),
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

    /// The ground of whoever has a record that `read` showed; most often it is that of the entity before.
    fn shown_by(&mut self, at: usize, system: &str, read: &str) -> u32 {
        let recent = self.recent.get(at).copied().unwrap_or_default();
        match self.ground_list.get(recent as usize) {
            Some(Ground::Absent(Proof::Snapshot { system: of, read: by })) if of == system && by == read => {
                recent
            }
            _ => {
                let proof = Proof::Snapshot { system: system.to_owned(), read: read.to_owned() };
                self.ground_number(at, Ground::Absent(proof))
            }
        }
    }

    /// Adds the facets that `record` shows.
    fn cells_of(&mut self, view: usize, record: &Arc<Record>, cells: &mut Vec<Cell>) {
        let Self { views, numbers, member, stood, .. } = self;
        let viewed = &views[view];
        let value = member::find(&record.attributes, &viewed.view.attribute, &mut stood[view]);
        let Some(value) = value.filter(|value| !value.is_null()) else {
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

    pub(super) fn ground_number_of(&mut self, ground: Ground) -> u32 {
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
