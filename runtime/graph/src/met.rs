//! Which ids were last of one entity: to whom belongs what was granted under an id whose record has left its system.
//!
//! Absent: any say in what is joined, found or known of anybody, because it hangs on the order of readings and they must not.
//! Invariants: as long as the record of an id is there, what is remembered here of it is not looked at; an id that stands alone while
//! its record is there is remembered with nobody; a chain of ids that leads nowhere leads to its own beginning.

use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::id::EntityId;

/// How many ids a chain may have: each is a record that left while the next one was there.
const CHAIN_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met {
    with: BTreeMap<EntityId, EntityId>,
    by: BTreeMap<EntityId, BTreeSet<EntityId>>,
    /// What changed since it was taken.
    new: BTreeSet<EntityId>,
}

impl Met {
    /// Notes the other id that is of the same entity, or that there is none.
    pub(crate) fn set(&mut self, id: EntityId, other: Option<EntityId>) {
        if self.put(id, other) {
            self.new.insert(id);
        }
    }

    fn put(&mut self, id: EntityId, other: Option<EntityId>) -> bool {
        let before = match other {
            Some(other) => self.with.insert(id, other),
            None => self.with.remove(&id),
        };
        if before == other {
            return false;
        }
        if let Some(before) = before
            && let Some(of) = self.by.get_mut(&before)
        {
            of.remove(&id);
            if of.is_empty() {
                self.by.remove(&before);
            }
        }
        if let Some(other) = other {
            self.by.entry(other).or_default().insert(id);
        }
        true
    }

    /// Notes for each minting record of one entity, in the order of their names, the next one by name; for the last one, the first.
    pub(crate) fn settle(&mut self, ids: &[EntityId]) {
        for (place, id) in ids.iter().enumerate() {
            let other = ids[(place + 1) % ids.len()];
            self.set(*id, (other != *id).then_some(other));
        }
    }
}

impl Graph {
    /// Makes known what an earlier process saw.
    pub fn remember_met(&mut self, met: impl IntoIterator<Item = (EntityId, Option<EntityId>)>) {
        for (id, other) in met {
            self.met.put(id, other);
        }
    }

    /// What changed since it was taken last: each id with the one that it was last of one entity with, if there is one.
    pub fn take_met(&mut self) -> BTreeMap<EntityId, Option<EntityId>> {
        let new = std::mem::take(&mut self.met.new);
        new.into_iter().map(|id| (id, self.met.with.get(&id).copied())).collect()
    }

    /// Puts back what could not be written down.
    pub fn meet_again(&mut self, ids: impl IntoIterator<Item = EntityId>) {
        self.met.new.extend(ids);
    }

    /// Whether the record that an id was minted from is one that the rules join now.
    fn is_there(&self, entity: EntityId) -> bool {
        let Some(node) = self.nodes.get(&entity) else { return false };
        let joined = self.who.get(&node.kind).is_some_and(|who| who.knows(&node.source));
        node.leads.is_some() || joined
    }

    /// The entity that an id leads to, or, where the record behind it is gone, that it was last of.
    pub fn succeeded(&self, entity: EntityId) -> EntityId {
        if !self.met.with.contains_key(&entity) {
            return self.canonical(entity);
        }
        let mut at = entity;
        for _ in 0..CHAIN_MAX {
            if let Some(leads) = self.nodes.get(&at).and_then(|node| node.leads) {
                return leads;
            }
            if self.is_there(at) {
                return at;
            }
            match self.met.with.get(&at) {
                Some(next) => at = *next,
                None => return entity,
            }
        }
        entity
    }

    /// Every id whose record is gone and that leads to another one, with that one.
    pub fn heirs(&self) -> BTreeMap<EntityId, EntityId> {
        let gone = self.met.with.keys().filter(|id| !self.is_there(**id));
        gone.map(|id| (*id, self.succeeded(*id))).filter(|(id, heir)| id != heir).collect()
    }

    /// The ids that lead to `entity` because they were of one with it when their records were last seen.
    pub fn left(&self, entity: EntityId) -> BTreeSet<EntityId> {
        if self.met.with.is_empty() {
            return BTreeSet::new();
        }
        let canonical = self.canonical(entity);
        let mut open: Vec<EntityId> = self.present_ids(canonical).into_iter().collect();
        let (mut seen, mut left) = (BTreeSet::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            for before in self.met.by.get(&id).into_iter().flatten() {
                if seen.insert(*before) && !self.is_there(*before) {
                    open.push(*before);
                    if self.succeeded(*before) == canonical && *before != canonical {
                        left.insert(*before);
                    }
                }
            }
        }
        left
    }
}
