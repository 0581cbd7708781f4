//! The people of one kind, each with the record that mints them at hand.
//!
//! Absent: an answer of its own: what is known of an attribute is what the graph says.

use crate::graph::{Graph, at};
use crate::hand::Way;
use crate::table::Look;
use std::sync::Arc;
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;

/// The people of one kind whose minting records are there, in the order of source ids.
pub(super) struct People<'g> {
    graph: &'g Graph,
    kind: String,
    now: Millis,
    /// Who they are.
    pub(super) entities: Vec<EntityId>,
    /// By person: the record that mints them, where there is one alone.
    records: Vec<Option<&'g Arc<Record>>>,
}

impl<'g> People<'g> {
    /// Those of `kind` at `now`.
    pub(super) fn of(graph: &'g Graph, kind: &str, now: Millis) -> Self {
        let mut people =
            Self { graph, kind: kind.to_owned(), now, entities: Vec::new(), records: Vec::new() };
        let mint = graph.declarations.entities.get(kind).map(|declared| &declared.mint);
        let Some((system, record)) = mint else { return people };
        if at(&graph.mints, system, record).is_none_or(|minted| minted != kind) {
            return people;
        }
        let table = graph.table(system, record);
        for (source, entity) in at(&graph.minted, system, record).into_iter().flatten() {
            match table.map_or(Look::Nothing, |table| table.look(source)) {
                Look::Nothing => continue,
                Look::One(record) => people.records.push(Some(record)),
                Look::Contested(_) => people.records.push(None),
            }
            people.entities.push(*entity);
        }
        people
    }

    /// The way to an attribute; none to what is not declared.
    pub(super) fn way(&self, name: &str) -> Option<Way<'g>> {
        Way::to(self.graph, self.graph.declarations.entities.get(&self.kind)?, name, self.now)
    }

    /// What is known of an attribute of one of them, without a copy; of what is not declared nothing is.
    pub(super) fn held(&self, person: usize, way: Option<&Way<'g>>) -> Observation<&'g Value> {
        let entity = self.entities[person];
        let known = way.and_then(|way| way.known(entity, self.records[person]));
        match known.unwrap_or_else(|| Observation::Unknown(nothing())) {
            Observation::Present((value, _)) => Observation::Present(value),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        }
    }
}

fn nothing() -> Doubt {
    Doubt { reason: Reason::Unexpected, detail: String::new(), since: 0 }
}
