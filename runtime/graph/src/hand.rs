//! Short ways to attributes: what is the same for all entities of a kind is looked up once, and only the best source is asked.
//!
//! Absent: an answer of its own. Invariant: a short way gives what [`Resolver`](crate::resolve::Resolver) gives or nothing: it ends at
//! the best source, and only where that has a value that counts, since then no other source would be asked.

use crate::coverage::Age;
use crate::finder::Finder;
use crate::fold;
use crate::graph::Graph;
use crate::member::Member;
use crate::resolve::{Held, Key};
use crate::table::{Index, Look, Table};
use std::sync::Arc;
use xops_kernel::declare::{Attribute, Claim, EntityKind};
use xops_kernel::fact::Observation;
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};

/// The way to one attribute of a kind.
pub(crate) struct Way<'g> {
    graph: &'g Graph,
    now: Millis,
    attribute: &'g Attribute,
    /// The entities by what this attribute could be, if anything is joined by it.
    entities: Option<&'g Finder<Vec<EntityId>>>,
    best: Option<Best<'g>>,
}

/// Where the best source is.
enum Best<'g> {
    /// It is the record that mints the entity.
    Minting(Said<'g>),
    /// It is the record that has the value of another attribute, which the minting record says best.
    Joined {
        key: Said<'g>,
        entities: Option<&'g Finder<Vec<EntityId>>>,
        ids: &'g Index,
        table: &'g Table,
        said: Said<'g>,
    },
}

/// How a record says an attribute.
struct Said<'g> {
    attribute: &'g Attribute,
    member: Member<'g>,
    age: Age,
}

impl<'g> Said<'g> {
    fn of(graph: &Graph, attribute: &'g Attribute, claim: &'g Claim, now: Millis) -> Self {
        let max_ms = attribute.max_age_ms.unwrap_or_else(|| graph.max_age_ms(&claim.system));
        Self { attribute, member: Member::new(&claim.attribute), age: Age { now: Some(now), max_ms } }
    }

    fn by(&self, record: &'g Arc<Record>) -> Option<Held<'g>> {
        if self.age.stale_since(record.read_at).is_some() {
            return None;
        }
        let value = self.member.of(&record.attributes)?;
        (!value.is_null() && value.is(&self.attribute.is)).then_some((value, record))
    }
}

impl<'g> Way<'g> {
    /// To the attribute `name` of `kind` at `now`; none to what is not declared.
    pub(crate) fn to(graph: &'g Graph, kind: &'g EntityKind, name: &str, now: Millis) -> Option<Self> {
        let attribute = kind.attributes.get(name)?;
        let best = attribute.from.first().filter(|_| is_short(graph, kind, name)).and_then(|claim| {
            let said = Said::of(graph, attribute, claim, now);
            if is_mint(kind, claim) {
                Some(Best::Minting(said))
            } else {
                joined(graph, kind, claim, said, now)
            }
        });
        Some(Self { graph, now, attribute, entities: entities(graph, kind, name), best })
    }

    /// What is known of the attribute, of an entity that there is. `minting` is what [`minting`] gives for it.
    pub(crate) fn known(
        &self,
        entity: EntityId,
        minting: Option<&'g Arc<Record>>,
    ) -> Option<Observation<Held<'g>>> {
        if let Some(held) = self.short(entity, minting) {
            return Some(Observation::Present(held));
        }
        let node = self.graph.nodes.get(&entity)?;
        Some(self.graph.at(self.now).held(entity, node, self.attribute, &mut Vec::new()))
    }

    /// The key that the attribute gives to the records that hang on it, if it has a value that no other entity could have.
    pub(crate) fn key(&self, entity: EntityId, minting: Option<&'g Arc<Record>>) -> Option<Key> {
        let key = fold::key_of(self.short(entity, minting)?.0)?;
        alone(self.entities, entity, &key).then(|| Key::Is(key.into_owned()))
    }

    fn short(&self, entity: EntityId, minting: Option<&'g Arc<Record>>) -> Option<Held<'g>> {
        match self.best.as_ref()? {
            Best::Minting(said) => said.by(minting?),
            Best::Joined { key, entities, ids, table, said } => {
                let key = fold::key_of(key.by(minting?)?.0)?;
                let [id] = ids.get(&key)?.as_slice() else { return None };
                match table.look(id) {
                    Look::One(record) if alone(*entities, entity, &key) => said.by(record),
                    _ => None,
                }
            }
        }
    }
}

/// The record that mints an entity, where there is one and it is not contested.
pub(crate) fn minting<'g>(graph: &'g Graph, kind: &EntityKind, source: &str) -> Option<&'g Arc<Record>> {
    match graph.table(&kind.mint.0, &kind.mint.1)?.look(source) {
        Look::One(record) => Some(record),
        Look::Nothing | Look::Contested(_) => None,
    }
}

/// Whether nothing but the best source has a say: neither rules that join records, nor circles.
fn is_short(graph: &Graph, kind: &EntityKind, name: &str) -> bool {
    !graph.is_joined_by_rules(&kind.name) && !graph.refers(&kind.name, name)
}

fn is_mint(kind: &EntityKind, claim: &Claim) -> bool {
    kind.mint.0 == claim.system && kind.mint.1 == claim.kind
}

fn joined<'g>(
    graph: &'g Graph,
    kind: &'g EntityKind,
    claim: &'g Claim,
    said: Said<'g>,
    now: Millis,
) -> Option<Best<'g>> {
    let link = kind.links.get(&claim.system).filter(|link| link.kind == claim.kind)?;
    let by = kind.attributes.get(&link.entity).filter(|_| is_short(graph, kind, &link.entity))?;
    // A source cannot help to find its own record.
    let best = by.from.iter().find(|claim| claim.system != link.system).filter(|best| is_mint(kind, best))?;
    let table = graph.table(&link.system, &link.kind)?;
    let ids = table.indexes.get(&link.record)?;
    let key = Said::of(graph, by, best, now);
    Some(Best::Joined { key, entities: entities(graph, kind, &link.entity), ids, table, said })
}

fn entities<'g>(graph: &'g Graph, kind: &EntityKind, name: &str) -> Option<&'g Finder<Vec<EntityId>>> {
    graph.keys.get(&kind.name)?.get(name)
}

/// Whether no other entity could have this key.
fn alone(entities: Option<&Finder<Vec<EntityId>>>, entity: EntityId, key: &str) -> bool {
    let could = entities.and_then(|entities| entities.get(key)).into_iter().flatten();
    could.copied().all(|other| other == entity)
}
