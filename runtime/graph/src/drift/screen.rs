//! The screen: which of those that a reading touched look otherwise than before, by the columns.
//!
//! Absent: causes, memory, acknowledgements; and any rule of what is wanted. Invariants: whoever is not let through would be compared
//! with what it was compared with before and found the same; whoever was never looked at is let through. A kind whose declarations
//! look at more than columns hold is not screened, and everybody of it is let through.
//!
//! Judging somebody in full costs about a thousand times what a row costs, and most of what readings touch is of no consequence.

use super::watch::Granted;
use crate::column::Columns;
use crate::column::draw::Undrawn;
use crate::graph::Graph;
use crate::reading::Touched;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::standard::Watched;
use xops_kernel::value::Values;

/// How many entities are asked about before others get their turn, where everybody is looked at again.
pub const A_CHUNK: usize = 1_024;

/// See the module.
#[derive(Clone, Default)]
pub struct Screen {
    /// By kind of entity; none where the kind is not screened.
    columns: BTreeMap<String, Option<Columns>>,
    /// How each entity looked when it was last let through or kept back.
    looks: BTreeMap<EntityId, Digest>,
    /// What was granted to whom when that was last told.
    granted: Granted,
    looked: u64,
}

impl Screen {
    /// A screen over what `watched` shows, that has looked at nobody.
    pub fn new(graph: &Graph, watched: &BTreeMap<(String, String), Watched>) -> Self {
        let kinds: BTreeSet<&String> = watched.values().map(|it| &it.entity).collect();
        let of_kind = |kind: &String| {
            let is_set = |it: &&Watched| {
                let key = (it.evidence.domain.clone(), it.evidence.facet.clone());
                it.entity == *kind && graph.declarations.facets.get(&key).is_some_and(|facet| facet.set)
            };
            let evidence: Vec<_> = watched.values().filter(is_set).map(|it| it.evidence.clone()).collect();
            (kind.clone(), Columns::with_evidence(graph, kind, &[], &evidence).ok())
        };
        Self { columns: kinds.into_iter().map(of_kind).collect(), ..Self::default() }
    }

    /// Brings those whom readings of `systems` touched up to date; those who look otherwise than before.
    pub fn follow(
        &mut self,
        graph: &Graph,
        systems: &BTreeSet<String>,
        touched: &BTreeSet<EntityId>,
        now: Millis,
    ) -> BTreeSet<EntityId> {
        let touched = Touched { entities: touched.clone() };
        let mut met: BTreeSet<EntityId> = BTreeSet::new();
        for (kind, columns) in &mut self.columns {
            if let Some(columns) = columns {
                for system in systems {
                    met.extend(columns.follow(graph, system, &touched, now));
                }
            } else {
                let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(kind.as_str());
                met.extend(touched.entities.iter().filter(of_kind));
            }
        }
        self.moved(graph, met)
    }

    /// Looks again at some of a kind, because time alone makes things stale; those who look otherwise.
    pub fn age(&mut self, graph: &Graph, entities: &[EntityId], now: Millis) -> BTreeSet<EntityId> {
        for columns in self.columns.values_mut().flatten() {
            let asking = columns.asking();
            let of_kind = |entity: &&EntityId| graph.kind(**entity) == Some(columns.kind());
            let of_kind: Vec<EntityId> = entities.iter().filter(of_kind).copied().collect();
            columns.take(asking.ask(graph, &of_kind, now));
        }
        self.moved(graph, entities.iter().copied())
    }

    /// Takes over what is granted by now; those for whom that is something else than before.
    pub fn grant(&mut self, graph: &Graph, granted: &Granted) -> BTreeSet<EntityId> {
        let same = |held: Option<&Arc<BTreeMap<Facet, Values>>>, of: &Arc<_>| {
            held.is_some_and(|held| Arc::ptr_eq(held, of) || held.keys().eq(of.keys()))
        };
        let new = granted.iter().filter(|(entity, of)| !same(self.granted.get(entity), of));
        let gone = self.granted.keys().filter(|entity| !granted.contains_key(*entity));
        let changed: BTreeSet<EntityId> = new.map(|(entity, _)| *entity).chain(gone.copied()).collect();
        for entity in &changed {
            let Some(kind) = graph.kind(*entity) else { continue };
            if let Some(Some(columns)) = self.columns.get_mut(kind) {
                let facets = granted.get(entity).into_iter().flat_map(|of| of.keys());
                columns.grant(
                    *entity,
                    facets.map(|it| (it.domain.as_str(), it.name.as_str(), it.element.as_deref())),
                );
            }
        }
        self.granted.clone_from(granted);
        self.moved(graph, changed)
    }

    /// The plan of one entity from what readings show, or why there is none; nothing where its kind is not screened. It is only what
    /// work would come to: the work itself is planned again, from lookups.
    pub fn plan(&self, graph: &Graph, entity: EntityId, now: Millis) -> Option<Result<Plan, Undrawn>> {
        let columns = self.columns.get(graph.kind(entity)?)?.as_ref()?;
        Some(columns.draw(graph, entity, now))
    }

    /// How often an entity was looked at.
    pub fn looked(&self) -> u64 {
        self.looked
    }

    fn moved(&mut self, graph: &Graph, met: impl IntoIterator<Item = EntityId>) -> BTreeSet<EntityId> {
        let mut moved = BTreeSet::new();
        for entity in met {
            let Some(Some(columns)) = graph.kind(entity).and_then(|kind| self.columns.get(kind)) else {
                moved.insert(entity);
                continue;
            };
            self.looked += 1;
            let Some(sketch) = columns.sketch(entity) else { continue };
            if self.looks.insert(entity, sketch.digest) != Some(sketch.digest) {
                moved.insert(entity);
            }
        }
        moved
    }
}
