//! The listing: what records show of one entity in the kinds of facet that are exclusive, so that what nobody declared can be removed.
//!
//! Absent: any judgement of what is wanted, and proof of absence: what is listed was seen, and is looked up again before anything is done
//! about it; what is not listed is left as it is. Invariants: a key that two share lists nothing for either; what grew old, or was
//! not read, lists nothing.

use super::index::{fresh_until, key_of};
use crate::fold;
use crate::graph::Graph;
use crate::peers::census::{each_element, names};
use crate::resolve::Found;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{Declarations, FacetKind};
use xops_kernel::diff::Facet;
use xops_kernel::fact::Observation;
use xops_kernel::id::EntityId;
use xops_kernel::record::Millis;
use xops_kernel::standard::{Evidence, Watched};
use xops_kernel::value::{Value, Values};

/// The kinds of facet that are exclusive, of all that is watched.
pub fn exclusive(
    declarations: &Declarations,
    watched: &BTreeMap<(String, String), Watched>,
) -> BTreeMap<(String, String), Watched> {
    let is = |key: &(String, String)| declarations.facets.get(key).is_some_and(|facet| facet.exclusive);
    watched.iter().filter(|(key, _)| is(key)).map(|(key, it)| (key.clone(), it.clone())).collect()
}

/// The facets of `entity` that records show at `now`, each with what a route may take of its object. It reads every record of
/// the kinds that are named.
pub fn listing(
    graph: &Graph,
    exclusive: &BTreeMap<(String, String), Watched>,
    entity: EntityId,
    now: Millis,
) -> BTreeMap<Facet, Values> {
    let mut listed = BTreeMap::new();
    for (key, watched) in exclusive.iter().filter(|(_, it)| graph.kind(entity) == Some(it.entity.as_str())) {
        let evidence = &watched.evidence;
        let Some(kind) = graph.declarations.facets.get(key) else { continue };
        let Some(own) = own_key(graph, watched, entity, now) else { continue };
        if now > fresh_until(graph, evidence) {
            continue;
        }
        let of_entity = |held: &Value| fold::key(held).is_some_and(|held| held == own);
        let all = graph.records(&evidence.system, &evidence.kind);
        for record in all.filter(|record| record.attributes.get(&evidence.record).is_some_and(of_entity)) {
            let shown = record.attributes.get(&evidence.element);
            for (element, object) in elements(graph, watched, kind, shown) {
                listed.insert(facet(entity, kind, element), object);
            }
        }
    }
    listed
}

/// What a record shows: the elements of a set, each with its object; or that there is a value.
fn elements(
    graph: &Graph,
    watched: &Watched,
    kind: &FacetKind,
    shown: Option<&Value>,
) -> Vec<(Option<String>, Values)> {
    if !kind.set {
        let there = watched.value.is_some() || shown.is_some_and(|value| !value.is_null());
        return there.then(|| (None, Values::new())).into_iter().collect();
    }
    let by_id = names(&graph.declarations, &watched.evidence);
    let mut all = BTreeSet::new();
    each_element(shown, |element| {
        all.insert(element.to_owned());
    });
    let named = |id: String| {
        let name = by_id.get(id.as_str()).copied().unwrap_or(&id).to_owned();
        let object = object(&graph.declarations, &watched.evidence, &name, &id);
        (Some(name), object)
    };
    all.into_iter().map(named).collect()
}

/// The attributes of a declared object; of one that nobody declared its id, which is all that is known of it.
fn object(declarations: &Declarations, evidence: &Evidence, name: &str, id: &str) -> Values {
    let Some(kind) = &evidence.objects else { return Values::new() };
    let declared = declarations.objects.get(&(kind.clone(), name.to_owned()));
    declared.map_or_else(|| Values::from([("id".to_owned(), id.into())]), |object| object.attributes.clone())
}

/// The key by which records are the entity's, if no other entity has it.
fn own_key(graph: &Graph, watched: &Watched, entity: EntityId, now: Millis) -> Option<String> {
    let by = &watched.evidence.entity;
    let key = key_of(graph, entity, by, now)?;
    let kind = graph.declarations.entities.get(&watched.entity)?;
    // A record that is joined by an attribute is theirs who have that attribute.
    let attribute = match by.strip_prefix("link.") {
        Some(system) if kind.mint.0 == system => return Some(key),
        Some(system) => &kind.links.get(system)?.entity,
        None => by,
    };
    let Observation::Present(fact) = graph.fact(entity, attribute, now)? else { return None };
    let found = graph.find(&watched.entity, &Values::from([(attribute.clone(), fact.value)]));
    (found == Found::One(entity)).then_some(key)
}

fn facet(entity: EntityId, kind: &FacetKind, element: Option<String>) -> Facet {
    Facet {
        entity,
        domain: kind.domain.clone(),
        system: kind.system.clone(),
        name: kind.name.clone(),
        element,
    }
}
