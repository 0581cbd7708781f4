//! Finding: one entity compared with what is wanted of it, and what changed since it was last.
//!
//! Absent: rules of difference and of wanting. Invariant: an entity of which it is unknown what is wanted has no drift, and is told
//! as not judged.

use super::index::{Index, Shown};
use super::{Cause, Drift, Memory, Unjudged, Who, id_of};
use crate::graph::Graph;
use std::collections::BTreeMap;
use xops_kernel::compile::value_of;
use xops_kernel::desire::{self, Desire, Subject};
use xops_kernel::diff::{Change, Difference, Facet};
use xops_kernel::fact::Observation;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::record::{Millis, Source};
use xops_kernel::value::{Value, Values};

/// What an entity is compared with.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// What records show.
    pub indexes: &'a [Index],
    /// The digest of the declarations.
    pub declared: Digest,
    /// When.
    pub now: Millis,
}

/// What the comparison of one entity came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What differs, in the order of facets.
    pub drifts: Vec<Drift>,
    /// What could not be judged.
    pub unjudged: Vec<Unjudged>,
    /// What is to be remembered of it.
    pub memory: Memory,
}

/// Compares `entity`; `granted` is what xops granted it, `before` what held when it was last compared.
pub fn compare(
    against: &Against<'_>,
    entity: EntityId,
    granted: &BTreeMap<Facet, Values>,
    before: Option<&Memory>,
) -> Compared {
    let mut compared = Compared::default();
    let Some(subject) = against.graph.subject(entity, against.now) else { return compared };
    let desire = match desire::desire(&against.graph.declarations, &subject, None) {
        Ok(desire) => desire,
        Err(why) => {
            let unjudged = why.into_iter().map(|why| Unjudged {
                entity: Some(entity),
                what: "what is wanted".to_owned(),
                why: why.to_string(),
            });
            compared.unjudged.extend(unjudged);
            return compared;
        }
    };
    let index = |facet: &Facet| {
        against.indexes.iter().find(|index| index.kind() == subject.kind && index.covers(facet))
    };
    let mut difference = Difference::default();
    let mut seen: BTreeMap<Facet, (Observation<Value>, Option<&Shown>, &Index)> = BTreeMap::new();
    for (facet, want) in &desire.wants {
        let Some(index) = index(facet) else { continue };
        let (sight, shown) = index.sight(facet, against.now);
        difference.want(facet, &want.value, Some(&sight));
        seen.insert(facet.clone(), (sight, shown, index));
    }
    for facet in granted.keys().filter(|facet| desire.may_lose(facet)) {
        let Some(index) = index(facet) else { continue };
        let (sight, shown) = index.sight(facet, against.now);
        difference.lose(facet, Some(&sight));
        seen.insert(facet.clone(), (sight, shown, index));
    }
    for facet in unwanted(against, &subject, &desire, granted) {
        let Some(index) = index(&facet) else { continue };
        let (sight, shown) = index.sight(&facet, against.now);
        difference.lose(&facet, Some(&sight));
        seen.insert(facet, (sight, shown, index));
    }
    compared.memory =
        memory(against, &subject, &desire, seen.iter().map(|(facet, (sight, ..))| (facet, sight)));
    compared.unjudged.extend(difference.blocked.iter().map(|blocked| Unjudged {
        entity: Some(entity),
        what: blocked.facet.to_string(),
        why: blocked.doubt.to_string(),
    }));
    let key = &against.graph.key;
    for change in &difference.changes {
        let Some((sight, shown, index)) = seen.get(change.facet()) else { continue };
        let told = Told { against, subject: &subject, desire: &desire, granted, before, shown: *shown };
        compared.drifts.push(Drift {
            id: id_of(change, key),
            facet: change.facet().clone(),
            change: change.kind(),
            wanted: change.to().cloned(),
            seen: change.from().cloned(),
            outcomes: desire.wants.get(change.facet()).map(|want| want.outcomes.clone()).unwrap_or_default(),
            owner: owner(against.graph, &change.facet().system),
            cause: told.cause(change),
            since: against.now,
            expires_at: index.fresh_until(),
            proof: match sight {
                Observation::Absent(proof) => Some(proof.clone()),
                Observation::Present(_) | Observation::Unknown(_) => None,
            },
            lineage: told.lineage(change),
        });
    }
    compared.drifts.sort_by(|one, other| one.facet.cmp(&other.facet));
    compared
}

/// What records show of exclusive kinds, that nothing wants and that xops did not grant.
fn unwanted(
    against: &Against<'_>,
    subject: &Subject,
    desire: &Desire,
    granted: &BTreeMap<Facet, Values>,
) -> Vec<Facet> {
    let declared = &against.graph.declarations.facets;
    let mut facets = Vec::new();
    for index in against.indexes.iter().filter(|index| index.kind() == subject.kind) {
        let key = (index.evidence().domain.clone(), index.evidence().facet.clone());
        let Some(kind) = declared.get(&key).filter(|kind| kind.exclusive) else { continue };
        let shown = index.shown_to(subject.entity).map(|(element, _)| Facet {
            entity: subject.entity,
            domain: kind.domain.clone(),
            system: kind.system.clone(),
            name: kind.name.clone(),
            element: element.clone(),
        });
        facets.extend(shown.filter(|facet| desire.may_lose(facet) && !granted.contains_key(facet)));
    }
    facets
}

fn owner(graph: &Graph, system: &str) -> String {
    let domain = graph.declarations.systems.get(system).map(|system| system.domain.clone());
    domain.filter(|domain| !domain.is_empty()).unwrap_or_else(|| system.to_owned())
}

fn memory<'a>(
    against: &Against<'_>,
    subject: &Subject,
    desire: &Desire,
    seen: impl Iterator<Item = (&'a Facet, &'a Observation<Value>)>,
) -> Memory {
    let references = desire.wants.values().flat_map(|want| &want.hangs_on).chain(&desire.chosen_by);
    // Why nothing is wanted any more is a change of what it hung on as well.
    let references = references.chain(desire.judged_by.values().flatten());
    let facts = references.filter_map(|reference| {
        let value = value_of(subject, desire, reference)?;
        Some((reference.clone(), Some(value).filter(|value| !value.is_null())))
    });
    let observed = seen.filter_map(|(facet, sight)| match sight {
        Observation::Present(value) => Some((facet.clone(), (Some(value.clone()), against.now))),
        Observation::Absent(_) => Some((facet.clone(), (None, against.now))),
        Observation::Unknown(_) => None,
    });
    Memory { facts: facts.collect(), facets: observed.collect(), declared: Some(against.declared) }
}

/// Everything that a drift is told from.
struct Told<'a> {
    against: &'a Against<'a>,
    subject: &'a Subject,
    desire: &'a Desire,
    granted: &'a BTreeMap<Facet, Values>,
    before: Option<&'a Memory>,
    shown: Option<&'a Shown>,
}

impl Told<'_> {
    fn who(&self, facet: &Facet) -> Who {
        match self.shown.and_then(|shown| shown.by.clone()) {
            Some(by) => Who::Said(by),
            None => Who::Somebody { system: facet.system.clone() },
        }
    }

    /// What changed: what is there, or else what is wanted, or else what is declared.
    fn cause(&self, change: &Change) -> Cause {
        let facet = change.facet();
        if let Some(before) = self.before {
            if let Some((was, last)) =
                before.facets.get(facet).filter(|(was, _)| was.as_ref() != change.from())
            {
                return Cause::Seen { was: was.clone(), last: *last, by: self.who(facet) };
            }
            if let Some(cause) = self.fact(change, before) {
                return cause;
            }
            if let Some(was) = before.declared.filter(|was| *was != self.against.declared) {
                return Cause::Declared { was };
            }
        }
        if change.from().is_none() && self.granted.contains_key(facet) {
            return Cause::Taken { by: self.who(facet) };
        }
        Cause::Never
    }

    /// The references that the wish hangs on, or, of what nothing wants, that it could have hung on.
    fn references(&self, change: &Change) -> Vec<&String> {
        let facet = change.facet();
        if let Some(want) = self.desire.wants.get(facet) {
            return want.hangs_on.iter().collect();
        }
        let kind = (facet.domain.clone(), facet.name.clone());
        self.desire.judged_by.get(&kind).into_iter().flatten().collect()
    }

    /// The first fact that changed, of those that it hangs on.
    fn fact(&self, change: &Change, before: &Memory) -> Option<Cause> {
        self.references(change).into_iter().find_map(|reference| {
            let was = before.facts.get(reference)?;
            let is = value_of(self.subject, self.desire, reference)?;
            let is = Some(is).filter(|value| !value.is_null());
            let (record, read_at) = self.record(reference);
            (*was != is).then(|| Cause::Fact {
                reference: reference.clone(),
                was: was.clone(),
                is,
                record,
                read_at,
            })
        })
    }

    fn record(&self, reference: &str) -> (Option<Source>, Millis) {
        let found = reference.split_once('.').and_then(|(root, name)| match root {
            "setting" => None,
            "link" => match self.subject.links.get(name)? {
                Observation::Present(record) => Some((record.source.clone(), record.read_at)),
                Observation::Absent(_) | Observation::Unknown(_) => None,
            },
            _ => match self.subject.facts.get(name)? {
                Observation::Present(fact) => Some((fact.source.clone(), fact.read_at)),
                Observation::Absent(_) | Observation::Unknown(_) => None,
            },
        });
        found.map_or((None, 0), |(source, at)| (Some(source), at))
    }

    fn lineage(&self, change: &Change) -> Vec<Source> {
        let shown = self.shown.map(|shown| shown.source.clone());
        let facts = self.references(change).into_iter().filter_map(|reference| self.record(reference).0);
        let mut lineage: Vec<Source> = shown.into_iter().chain(facts).collect();
        lineage.sort();
        lineage.dedup();
        lineage
    }
}
