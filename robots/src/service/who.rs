//! What people decide of records, and what one id inherits from another.
//!
//! Absent: what is joined, which the graph says. Invariants: what a decision ended on is past with the day of the next one; whatever was
//! known under an id is known under one id afterwards, and nothing is lost: where both knew something of a facet, what the entity knew itself holds, and of two holds the newer one.

use super::swing::Swings;
use super::{State, Target};
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::day;
use xops_kernel::diff::Facet;
use xops_kernel::id::EntityId;
use xops_kernel::log::Decided;
use xops_kernel::record::Millis;

/// Takes a decision in, or back.
pub(super) fn decide(state: &mut State, decided: &Decided, at: Millis) {
    let today = day::number_of(at);
    state.decided.retain(|_, held| held.decision.until.is_none_or(|until| until >= today));
    if decided.taken_back {
        state.decided.remove(&decided.id);
    } else {
        state.decided.insert(decided.id, decided.clone());
    }
}

/// What is known under `from` holds for `to`.
pub(super) fn inherit(state: &mut State, from: EntityId, to: EntityId) {
    if from == to {
        return;
    }
    if let Some(granted) = state.granted.remove(&from) {
        let own = state.granted.entry(to).or_default();
        moved(Arc::make_mut(own), Arc::unwrap_or_clone(granted), to);
    }
    if let Some(doubtful) = state.doubtful.remove(&from) {
        moved(state.doubtful.entry(to).or_default(), doubtful, to);
    }
    if let Some(plan) = state.superseded.remove(&from) {
        state.superseded.entry(to).or_insert(plan);
    }
    let held = std::mem::take(&mut state.held);
    for (target, held) in held {
        let entity = if target.entity == from { to } else { target.entity };
        let kept = state.held.entry(Target { entity, ..target }).or_insert_with(|| held.clone());
        if held.since > kept.since {
            *kept = held;
        }
    }
    inherit_swings(&mut state.swings, from, to);
}

fn inherit_swings(Swings(swings): &mut Swings, from: EntityId, to: EntityId) {
    if let Some(histories) = swings.remove(&from) {
        moved(swings.entry(to).or_default(), histories, to);
    }
}

/// Puts what was known of facets of another id beside an entity's own, which hold where both are known.
fn moved<T>(own: &mut BTreeMap<Facet, T>, of_other: BTreeMap<Facet, T>, entity: EntityId) {
    for (facet, known) in of_other {
        own.entry(Facet { entity, ..facet }).or_insert(known);
    }
}

impl State {
    /// Whether something is known under this id that another one could inherit.
    pub fn knows(&self, entity: EntityId) -> bool {
        let held = || self.held.keys().any(|target| target.entity == entity);
        self.granted.contains_key(&entity)
            || self.doubtful.contains_key(&entity)
            || self.superseded.contains_key(&entity)
            || self.swings.0.contains_key(&entity)
            || held()
    }
}
