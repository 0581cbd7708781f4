//! Hands: what is the same for all entities that are asked about at once, each looked up when it is first needed.
//!
//! Absent: an answer of its own: what a system shows is what its table holds under the id that a key found.

use super::Ground;
use super::fill::{Affected, Asking};
use super::program::Input;
use crate::coverage::{Age, judged};
use crate::graph::Graph;
use crate::hand::Way;
use crate::table::{Look, Table};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::Link;
use xops_kernel::fact::Doubt;
use xops_kernel::record::{Millis, Record};

/// What a system shows of one entity.
#[derive(Debug)]
pub(super) enum Shown<'g> {
    /// The record, and the read that showed it.
    Record(&'g Arc<Record>, &'g str),
    /// No record.
    Nothing,
    /// That is not known.
    Unknown(Doubt),
}

/// A system whose joined record shows facets, with all that is the same for every entity.
pub(super) struct Hand<'g> {
    pub(super) link: Option<&'g Link>,
    pub(super) table: Option<&'g Table>,
    age: Age,
    absent: Ground,
    /// Until when that is so, if nothing is read.
    absent_until: Millis,
}

/// What is at hand.
pub(super) struct Hands<'a, 'g> {
    asking: &'a Asking,
    pub(super) graph: &'g Graph,
    pub(super) now: Millis,
    /// The ways to the attributes that are asked for, and to those that records are joined by.
    pub(super) ways: BTreeMap<&'g str, Way<'g>>,
    of: Vec<OnceCell<Option<Hand<'g>>>>,
}

impl<'a, 'g> Hands<'a, 'g> {
    /// What is needed to ask for `what` at `now`.
    pub(super) fn new(asking: &'a Asking, graph: &'g Graph, what: &Affected, now: Millis) -> Self {
        let of = asking.systems.iter().map(|_| OnceCell::new()).collect();
        Self { asking, graph, now, ways: asking.ways(graph, what, now), of }
    }

    /// What is the same for every entity about a system, by its place.
    pub(super) fn get(&self, at: usize) -> Option<&Hand<'g>> {
        let system = &self.asking.systems[at].system;
        self.of[at].get_or_init(|| Hand::of(self.graph, &self.asking.kind, system, self.now)).as_ref()
    }

    /// By system: what follows for whoever has no record in it, where that was asked.
    pub(super) fn absent(self) -> Vec<Option<Ground>> {
        let absent = |hand: OnceCell<Option<Hand<'g>>>| hand.into_inner().flatten().map(|hand| hand.absent);
        self.of.into_iter().map(absent).collect()
    }
}

impl Asking {
    /// The ways to the attributes that are asked for, and to those that records are joined by.
    fn ways<'g>(&self, graph: &'g Graph, what: &Affected, now: Millis) -> BTreeMap<&'g str, Way<'g>> {
        let Some(kind) = graph.declarations.entities.get(&self.kind) else { return BTreeMap::new() };
        let facts = what.inputs.iter().filter_map(|at| match &self.inputs[*at] {
            Input::Fact(name) => kind.attributes.get_key_value(name).map(|(name, _)| name.as_str()),
            Input::Link(_) => None,
        });
        let keyed = |at: &usize| Some(self.keys[self.systems[*at].key?].0.as_str());
        let keys: BTreeSet<&str> = what.systems.iter().filter_map(keyed).collect();
        let keys = keys.into_iter().filter_map(|name| Some(kind.attributes.get_key_value(name)?.0.as_str()));
        facts.chain(keys).filter_map(|name| Some((name, Way::to(graph, kind, name, now)?))).collect()
    }
}

impl<'g> Hand<'g> {
    /// What is the same for every entity about a system.
    fn of(graph: &'g Graph, kind: &str, system: &str, now: Millis) -> Option<Self> {
        let kind = graph.declarations.entities.get(kind)?;
        let link = kind.links.get(system).filter(|_| kind.mint.0 != system);
        let record = link.map_or(&kind.mint.1, |link| &link.kind);
        let age = Age { now: Some(now), max_ms: graph.max_age_ms(system) };
        let (absent, absent_until) = match graph.proof(system, record, age) {
            Ok(proof) => (Ground::Absent(proof), graph.proof_until(system, record, age)),
            Err(doubt) => (Ground::Unknown(doubt), 0),
        };
        Some(Self { link, table: graph.table(system, record), age, absent, absent_until })
    }

    /// What the system shows under an id that was found, or why none was.
    pub(super) fn shown(&self, id: Result<Option<&str>, Doubt>) -> Shown<'g> {
        let id = match id {
            Ok(Some(id)) => id,
            Ok(None) => return Shown::Nothing,
            Err(doubt) => return Shown::Unknown(doubt),
        };
        match self.table.map_or(Look::Nothing, |table| table.look(id)) {
            Look::Nothing => Shown::Nothing,
            look => match judged(look, self.age) {
                Ok(record) => {
                    let read = self.table.and_then(|table| table.read_of(id));
                    Shown::Record(record, read.unwrap_or_default())
                }
                Err(doubt) => Shown::Unknown(doubt),
            },
        }
    }

    /// Until when the system shows the same if nothing is read: a moment that is not too late.
    pub(super) fn until(&self, shown: &Shown<'_>) -> Millis {
        match shown {
            Shown::Record(record, _) => record.read_at.saturating_add(self.age.max_ms),
            Shown::Nothing => self.absent_until,
            Shown::Unknown(_) => 0,
        }
    }
}
