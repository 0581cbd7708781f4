//! Rounds: entities that refer to each other in a circle, like managers who report to each other.
//!
//! Absent: any opinion on who is right. Invariants: what refers in a circle is unknown for those in the circle, and for nobody else, so that
//! only what hangs on that attribute pauses; the rounds are those of what is held now, whatever the order in which it was read; whoever
//! joins or leaves one is touched.
//!
//! Everybody refers to one other at the most, so a circle is found by walking from whom a reading touched, and a walk that meets where
//! another one went ends there.

use crate::coverage::doubt;
use crate::fold;
use crate::graph::{Graph, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::Attribute;
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::id::EntityId;

/// By kind and attribute, the attribute of the same kind by which another entity is named.
pub type Relations = BTreeMap<(String, String), String>;

/// What is known of circles.
#[derive(Clone, Default)]
pub(crate) struct Rounds {
    relations: Relations,
    /// The circle in which an entity is, by attribute, in the order of reference; the least entity first.
    of: BTreeMap<EntityId, BTreeMap<String, Arc<[EntityId]>>>,
}

/// One circle: the kind, the attribute, the entities.
pub(crate) type Round<'a> = (&'a str, &'a str, &'a Arc<[EntityId]>);

impl Graph {
    /// Makes known which attributes name another entity of their kind. To be called before the first reading.
    pub fn relate(&mut self, relations: &Relations) {
        for ((kind, _), target) in relations {
            self.index(kind, target);
        }
        self.rounds.relations.clone_from(relations);
    }

    /// Whether any attribute names another entity of its kind.
    pub(crate) fn relates(&self) -> bool {
        !self.rounds.relations.is_empty()
    }

    /// Whether an attribute names another entity of its kind.
    pub(crate) fn refers(&self, kind: &str, attribute: &str) -> bool {
        self.rounds.relations.keys().any(|(of, name)| of == kind && name == attribute)
    }

    /// Why `attribute` is unknown of `entity`: it goes in a circle. Nothing where it does not.
    pub(crate) fn unless_round(&self, entity: EntityId, node: &Node, attribute: &Attribute) -> Option<Doubt> {
        let rounds = self.rounds.of.get(&entity)?;
        let declared = &self.declarations.entities.get(&node.kind)?.attributes;
        let is = |name: &&String| declared.get(*name).is_some_and(|known| std::ptr::eq(known, attribute));
        let round = rounds.keys().find(is).and_then(|name| rounds.get(name))?;
        Some(doubt(Reason::Conflict, 0, format!("it goes round: {}", self.told_round(round))))
    }

    /// Every circle, once.
    pub(crate) fn rounds(&self) -> impl Iterator<Item = Round<'_>> {
        let all = self.rounds.of.iter().flat_map(|(entity, of)| of.iter().map(move |it| (entity, it)));
        let first = all.filter(|(entity, (_, round))| round.first() == Some(*entity));
        first
            .filter_map(|(entity, (attribute, round))| Some((self.kind(*entity)?, attribute.as_str(), round)))
    }

    /// The entities of a circle as people call them, and the first one again.
    pub(crate) fn told_round(&self, round: &[EntityId]) -> String {
        let name = |entity: &EntityId| self.handle(*entity).unwrap_or_else(|| entity.to_string());
        round.iter().chain(round.first()).map(name).collect::<Vec<_>>().join(" -> ")
    }

    /// Looks again at the circles of whom a reading touched; those who were or are in one.
    pub(crate) fn follow_rounds(&mut self, touched: &BTreeSet<EntityId>) -> BTreeSet<EntityId> {
        let mut met = BTreeSet::new();
        let relations = std::mem::take(&mut self.rounds.relations);
        for ((kind, attribute), target) in &relations {
            let of_kind = |entity: &&EntityId| self.kind(**entity) == Some(kind.as_str());
            let mut work: BTreeSet<EntityId> = touched.iter().filter(of_kind).copied().collect();
            let old: BTreeSet<EntityId> = work
                .iter()
                .filter_map(|entity| self.in_round(*entity, attribute))
                .flatten()
                .copied()
                .collect();
            for entity in &old {
                self.leave_round(*entity, attribute);
            }
            work.extend(&old);
            met.extend(old);
            met.extend(self.walk_all(&work, (kind, attribute, target)));
        }
        self.rounds.relations = relations;
        met
    }

    fn in_round(&self, entity: EntityId, attribute: &str) -> Option<&[EntityId]> {
        self.rounds.of.get(&entity)?.get(attribute).map(AsRef::as_ref)
    }

    fn leave_round(&mut self, entity: EntityId, attribute: &str) {
        if let Some(of) = self.rounds.of.get_mut(&entity) {
            of.remove(attribute);
            if of.is_empty() {
                self.rounds.of.remove(&entity);
            }
        }
    }

    /// Walks from everybody of `work`, and keeps the circles that are met; who is in them.
    fn walk_all(&mut self, work: &BTreeSet<EntityId>, relation: (&str, &str, &str)) -> BTreeSet<EntityId> {
        let (mut walked, mut met): (BTreeSet<EntityId>, BTreeSet<EntityId>) = Default::default();
        for start in work {
            let mut path = Vec::new();
            let mut place: BTreeMap<EntityId, usize> = BTreeMap::new();
            let mut here = Some(*start);
            while let Some(entity) = here {
                if let Some(at) = place.get(&entity) {
                    let round = turned(&path[*at..]);
                    for member in round.iter() {
                        let of = self.rounds.of.entry(*member).or_default();
                        of.insert(relation.1.to_owned(), round.clone());
                    }
                    met.extend(round.iter().copied());
                    break;
                }
                if walked.contains(&entity) || self.in_round(entity, relation.1).is_some() {
                    break;
                }
                place.insert(entity, path.len());
                path.push(entity);
                here = self.referred(entity, relation);
            }
            walked.extend(path);
        }
        met
    }

    /// The one entity that `entity` refers to, if there is one.
    fn referred(&self, entity: EntityId, (kind, attribute, target): (&str, &str, &str)) -> Option<EntityId> {
        let attributes = &self.declarations.entities.get(kind)?.attributes;
        let (attribute, target_of) = (attributes.get(attribute)?, attributes.get(target)?);
        let value = |entity: EntityId, attribute| match self.timeless().told(
            entity,
            self.nodes.get(&entity)?,
            attribute,
            &mut Vec::new(),
        ) {
            Observation::Present((value, _)) => fold::key(value),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        };
        let key = value(entity, attribute)?;
        let mut named =
            self.keyed(kind, target, &key).filter(|other| value(*other, target_of).as_ref() == Some(&key));
        let first = named.next()?;
        named.next().is_none().then_some(first)
    }
}

/// The same circle, the least entity first.
fn turned(round: &[EntityId]) -> Arc<[EntityId]> {
    let least = round.iter().enumerate().min_by_key(|(_, entity)| **entity).map_or(0, |(at, _)| at);
    round[least..].iter().chain(&round[..least]).copied().collect()
}
