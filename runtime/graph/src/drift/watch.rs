//! The watch: drift found reading by reading, with what is remembered between them.
//!
//! Absent: clocks, acknowledgements, work. Invariants: after any readings the drifts are those that a watch begun now would find,
//! but for their causes and since when they are; whoever was not touched, or looks to the columns as before, is not compared again;
//! what grew old is given up, and not kept as if it were known.

use super::find::{Against, Compared, compare};
use super::index::{Index, indexes};
use super::screen::Screen;
use super::{Drift, Memory, Unjudged};
use crate::column::draw::Undrawn;
use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::Declarations;
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::standard::Watched;
use xops_kernel::value::Values;

/// What xops granted, by entity.
pub type Granted = BTreeMap<EntityId, Arc<BTreeMap<Facet, Values>>>;

/// See the module.
#[derive(Clone)]
pub struct Watch {
    indexes: Vec<Index>,
    watched: BTreeMap<(String, String), Watched>,
    /// Set up with the first look, because it needs the graph.
    screen: Option<Screen>,
    declared: Digest,
    kinds: BTreeSet<String>,
    memories: BTreeMap<EntityId, Memory>,
    drifts: BTreeMap<EntityId, Vec<Drift>>,
    unjudged: BTreeMap<EntityId, Vec<Unjudged>>,
    /// Of whom something was given up because it grew old.
    expired: BTreeSet<EntityId>,
    compared: u64,
}

impl Watch {
    /// A watch over what `watched` shows, that has compared nobody.
    pub fn new(declarations: &Arc<Declarations>, watched: &BTreeMap<(String, String), Watched>) -> Self {
        Self {
            indexes: indexes(declarations, watched),
            watched: watched.clone(),
            screen: None,
            declared: declarations.digest(),
            kinds: watched.values().map(|watched| watched.entity.clone()).collect(),
            memories: BTreeMap::new(),
            drifts: BTreeMap::new(),
            unjudged: BTreeMap::new(),
            expired: BTreeSet::new(),
            compared: 0,
        }
    }

    /// Whether anything is watched.
    pub fn is_blind(&self) -> bool {
        self.indexes.is_empty()
    }

    /// Takes over what an earlier watch, or the journal, remembers of an entity.
    pub fn remember(&mut self, entity: EntityId, memory: Memory) {
        self.memories.insert(entity, memory);
    }

    /// Whom a look at `graph` has to compare: those of `touched` who look otherwise than before or of whom something is told, and those
    /// for whom the records of `systems` show something else. `systems` are all of which anything was read.
    pub fn follow(
        &mut self,
        graph: &Graph,
        systems: &BTreeSet<String>,
        touched: &BTreeSet<EntityId>,
        now: Millis,
    ) -> BTreeSet<EntityId> {
        let of_kind = |entity: &&EntityId| graph.kind(**entity).is_some_and(|kind| self.kinds.contains(kind));
        let touched: BTreeSet<EntityId> = touched.iter().filter(of_kind).copied().collect();
        let screen = self.screen.get_or_insert_with(|| Screen::new(graph, &self.watched));
        let mut due = screen.follow(graph, systems, &touched, now);
        let told =
            |entity: &&EntityId| self.drifts.contains_key(entity) || self.unjudged.contains_key(entity);
        due.extend(touched.iter().filter(told));
        let mut keyed = touched;
        for index in &mut self.indexes {
            let met = index.follow_keys(graph, &keyed, now);
            due.extend(&met);
            keyed.extend(met);
        }
        for index in self.indexes.iter_mut().filter(|index| systems.contains(&index.evidence().system)) {
            due.extend(index.follow_records(graph, now));
            // What was read again and shows the same counts for longer, and what had grown old is looked at again.
            let until = index.fresh_until();
            let drifts = self.drifts.values_mut().flatten();
            drifts.filter(|drift| index.covers(&drift.facet)).for_each(|drift| drift.expires_at = until);
            due.append(&mut self.expired);
        }
        due
    }

    /// Whom a look has to compare because something else is granted to them than when that was last told.
    pub fn grant(&mut self, graph: &Graph, granted: &Granted) -> BTreeSet<EntityId> {
        let screen = self.screen.get_or_insert_with(|| Screen::new(graph, &self.watched));
        screen.grant(graph, granted)
    }

    /// Whom a look has to compare because time alone made them look otherwise, of `entities`.
    pub fn age(&mut self, graph: &Graph, entities: &[EntityId], now: Millis) -> BTreeSet<EntityId> {
        let screen = self.screen.get_or_insert_with(|| Screen::new(graph, &self.watched));
        screen.age(graph, entities, now)
    }

    /// What work on `entity` would come to, as far as readings show it ([`Screen::plan`]).
    pub fn plan(&self, graph: &Graph, entity: EntityId, now: Millis) -> Option<Result<Plan, Undrawn>> {
        self.screen.as_ref()?.plan(graph, entity, now)
    }

    /// How often the columns were looked at.
    pub fn looked(&self) -> u64 {
        self.screen.as_ref().map_or(0, Screen::looked)
    }

    /// Everybody whom it can compare.
    pub fn everybody(&self, graph: &Graph) -> BTreeSet<EntityId> {
        self.kinds.iter().flat_map(|kind| graph.entities(kind)).collect()
    }

    /// Compares these entities.
    pub fn compare<'a>(
        &mut self,
        graph: &Graph,
        entities: impl IntoIterator<Item = &'a EntityId>,
        granted: &Granted,
        now: Millis,
    ) {
        let nothing = BTreeMap::new();
        for entity in entities {
            let against = Against { graph, indexes: &self.indexes, declared: self.declared, now };
            let granted = granted.get(entity).map_or(&nothing, |granted| granted.as_ref());
            let compared = compare(&against, *entity, granted, self.memories.get(entity));
            self.keep(*entity, compared);
        }
    }

    fn keep(&mut self, entity: EntityId, compared: Compared) {
        self.compared += 1;
        let Compared { mut drifts, unjudged, memory } = compared;
        let before = self.drifts.remove(&entity).unwrap_or_default();
        for drift in &mut drifts {
            // The same drift has the cause that it had when it was found.
            if let Some(known) = before.iter().find(|known| known.id == drift.id) {
                drift.cause = known.cause.clone();
                drift.since = known.since;
            }
        }
        if !drifts.is_empty() {
            self.drifts.insert(entity, drifts);
        }
        if unjudged.is_empty() {
            self.unjudged.remove(&entity);
            self.memories.insert(entity, memory);
        } else {
            // What is unknown now does not make what was known before forgotten.
            let held = self.memories.entry(entity).or_default();
            held.facts.extend(memory.facts);
            held.facets.extend(memory.facets);
            held.declared = memory.declared.or(held.declared);
            self.unjudged.insert(entity, unjudged);
        }
    }

    /// Gives up what grew old by `now`; how much.
    pub fn expire(&mut self, now: Millis) -> usize {
        let mut gone = 0;
        for (entity, drifts) in &mut self.drifts {
            let before = drifts.len();
            drifts.retain(|drift| {
                let holds = now <= drift.expires_at;
                if !holds {
                    let why = "stale: its readings are too old to say that it still is so".to_owned();
                    let unjudged = Unjudged { entity: Some(*entity), what: drift.facet.to_string(), why };
                    let of_entity = self.unjudged.entry(*entity).or_default();
                    of_entity.retain(|held| held.what != unjudged.what);
                    of_entity.push(unjudged);
                    self.expired.insert(*entity);
                }
                holds
            });
            gone += before - drifts.len();
        }
        self.drifts.retain(|_, drifts| !drifts.is_empty());
        gone
    }

    /// The drifts, by entity and facet.
    pub fn drifts(&self) -> impl Iterator<Item = &Drift> {
        self.drifts.values().flatten()
    }

    /// What could not be judged: whole sources first, each once.
    pub fn unjudged(&self) -> Vec<Unjudged> {
        let source = |index: &Index| {
            let doubt = index.doubt()?;
            let evidence = index.evidence();
            let what = format!(
                "{}.{}, seen in {}.{}",
                evidence.domain, evidence.facet, evidence.system, evidence.kind
            );
            Some(Unjudged { entity: None, what, why: doubt.to_string() })
        };
        let sources = self.indexes.iter().filter_map(source);
        sources.chain(self.unjudged.values().flatten().cloned()).collect()
    }

    /// How often an entity was compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }
}
