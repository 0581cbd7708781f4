//! The index: what the records of one kind show of one kind of facet, by whose they are.
//!
//! Absent: guesses about owners. Invariants: a record counts for the one entity that has its key and for nobody where two have it;
//! where the records were not wholly and freshly read, what they do not show is unknown.

use crate::fold;
use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::Declarations;
use xops_kernel::diff::Facet;
use xops_kernel::fact::{Doubt, Observation, Proof, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::standard::{Evidence, Watched};
use xops_kernel::value::Value;

/// What one record shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The facet's value.
    pub value: Value,
    /// The record.
    pub source: Source,
    /// When it was read.
    pub read_at: Millis,
    /// Who changed it, if the record says.
    pub by: Option<String>,
}

/// By element; `None` for a facet that is no set.
type Elements = BTreeMap<Option<String>, Shown>;

/// The index of one kind of facet.
#[derive(Clone)]
pub struct Index {
    watched: Watched,
    set: bool,
    names: BTreeMap<String, String>,
    keys: BTreeMap<EntityId, String>,
    owners: BTreeMap<String, BTreeSet<EntityId>>,
    held: BTreeMap<String, Elements>,
    proof: Result<Proof, Doubt>,
    fresh_until: Millis,
}

impl Index {
    /// An empty index of what `watched` shows; `None` where its facet is not declared.
    pub fn new(declarations: &Declarations, watched: &Watched) -> Option<Self> {
        let key = (watched.evidence.domain.clone(), watched.evidence.facet.clone());
        let set = declarations.facets.get(&key)?.set;
        let names = crate::peers::census::names(declarations, &watched.evidence);
        let never =
            Doubt { reason: Reason::NeverRead, detail: "nothing was compared yet".to_owned(), since: 0 };
        Some(Self {
            set,
            names: names.into_iter().map(|(id, name)| (id.to_owned(), name.to_owned())).collect(),
            watched: watched.clone(),
            keys: BTreeMap::new(),
            owners: BTreeMap::new(),
            held: BTreeMap::new(),
            proof: Err(never),
            fresh_until: 0,
        })
    }

    /// Where it looks.
    pub fn evidence(&self) -> &Evidence {
        &self.watched.evidence
    }

    /// The kind of entity.
    pub fn kind(&self) -> &str {
        &self.watched.entity
    }

    /// Whether `facet` is one of those that are seen here.
    pub fn covers(&self, facet: &Facet) -> bool {
        let evidence = self.evidence();
        facet.domain == evidence.domain && facet.name == evidence.facet && facet.element.is_some() == self.set
    }

    /// Brings the keys of `entities` up to date; those whose key is another now, and those who share one that was gained or lost.
    pub fn follow_keys(
        &mut self,
        graph: &Graph,
        entities: &BTreeSet<EntityId>,
        now: Millis,
    ) -> BTreeSet<EntityId> {
        let mut met = BTreeSet::new();
        for entity in
            entities.iter().filter(|entity| graph.kind(**entity) == Some(self.watched.entity.as_str()))
        {
            let new = key_of(graph, *entity, &self.watched.evidence.entity, now);
            let old = self.keys.get(entity).cloned();
            if old == new {
                continue;
            }
            met.insert(*entity);
            if let Some(old) = old
                && let Some(owners) = self.owners.get_mut(&old)
            {
                owners.remove(entity);
                met.extend(owners.iter().copied());
            }
            match new {
                Some(new) => {
                    let owners = self.owners.entry(new.clone()).or_default();
                    met.extend(owners.iter().copied());
                    owners.insert(*entity);
                    self.keys.insert(*entity, new);
                }
                None => drop(self.keys.remove(entity)),
            }
        }
        met
    }

    /// Reads the records anew; the entities for whom they show something else, all where it changed what absence means.
    pub fn follow_records(&mut self, graph: &Graph, now: Millis) -> BTreeSet<EntityId> {
        let evidence = &self.watched.evidence;
        let proof = graph.coverage(&evidence.system, &evidence.kind, now);
        let held = self.gather(graph);
        let flipped = proof.is_ok() != self.proof.is_ok();
        let mut touched = BTreeSet::new();
        if flipped {
            touched.extend(self.keys.keys().copied());
        } else {
            let keys = held.keys().chain(self.held.keys()).collect::<BTreeSet<_>>();
            for key in keys.into_iter().filter(|key| !alike(self.held.get(*key), held.get(*key))) {
                touched.extend(self.owners.get(key).into_iter().flatten());
            }
        }
        self.held = held;
        self.proof = proof;
        self.fresh_until = fresh_until(graph, evidence);
        touched
    }

    fn gather(&self, graph: &Graph) -> BTreeMap<String, Elements> {
        let evidence = &self.watched.evidence;
        let mut held: BTreeMap<String, Elements> = BTreeMap::new();
        for record in graph.records(&evidence.system, &evidence.kind) {
            let Some(key) = record.attributes.get(&evidence.record).and_then(fold::key) else { continue };
            let elements = held.entry(key).or_default();
            for (element, value) in self.shows(record) {
                elements.entry(element).or_insert_with(|| self.shown(record, value));
            }
        }
        held
    }

    fn shown(&self, record: &Record, value: Value) -> Shown {
        let by = self.watched.by.as_ref().and_then(|name| record.attributes.get(name));
        let by = by.and_then(Value::as_text).map(str::to_owned);
        Shown { value, source: record.source.clone(), read_at: record.read_at, by }
    }

    fn shows(&self, record: &Record) -> Vec<(Option<String>, Value)> {
        if let Some(value) = &self.watched.value {
            return vec![(None, Value::from(value.as_str()))];
        }
        let value = record.attributes.get(&self.watched.evidence.element);
        if !self.set {
            return value
                .filter(|value| !value.is_null())
                .map(|value| (None, value.clone()))
                .into_iter()
                .collect();
        }
        let named = |element: String| self.names.get(&element).cloned().unwrap_or(element);
        let mut shown = Vec::new();
        crate::peers::census::each_element(value, |element| {
            shown.push((Some(named(element.to_owned())), Value::from("member")));
        });
        shown
    }

    /// The elements that a record shows, by their names; of what is no set the value.
    pub(crate) fn elements_of(&self, record: &Record) -> BTreeSet<String> {
        let shown = self.shows(record).into_iter();
        shown.map(|(element, value)| element.unwrap_or_else(|| value.to_string())).collect()
    }

    /// What is known of a facet that it covers, and what shows it.
    pub fn sight(&self, facet: &Facet, now: Millis) -> (Observation<Value>, Option<&Shown>) {
        let unknown =
            |reason, detail: String| (Observation::Unknown(Doubt { reason, detail, since: 0 }), None);
        let evidence = self.evidence();
        let Some(key) = self.keys.get(&facet.entity) else {
            return unknown(
                Reason::Incomplete,
                format!("`{}`, which joins its records, is not known", evidence.entity),
            );
        };
        if self.owners.get(key).is_some_and(|owners| owners.len() > 1) {
            return unknown(
                Reason::Conflict,
                format!("`{}`, which joins its records, is shared", evidence.entity),
            );
        }
        if now > self.fresh_until {
            return unknown(
                Reason::Stale,
                format!("{}.{} was last read too long ago", evidence.system, evidence.kind),
            );
        }
        match (self.held.get(key).and_then(|elements| elements.get(&facet.element)), &self.proof) {
            (Some(shown), _) => (Observation::Present(shown.value.clone()), Some(shown)),
            (None, Ok(proof)) => (Observation::Absent(proof.clone()), None),
            (None, Err(doubt)) => (Observation::Unknown(doubt.clone()), None),
        }
    }

    /// Until when what it holds counts.
    pub fn fresh_until(&self) -> Millis {
        self.fresh_until
    }

    /// Why what it does not show is not absent, if so.
    pub fn doubt(&self) -> Option<&Doubt> {
        self.proof.as_ref().err()
    }

    /// What it shows for an entity.
    pub fn shown_to(&self, entity: EntityId) -> impl Iterator<Item = (&Option<String>, &Shown)> {
        let key = self
            .keys
            .get(&entity)
            .filter(|key| self.owners.get(*key).is_some_and(|owners| owners.len() == 1));
        key.and_then(|key| self.held.get(key)).into_iter().flatten()
    }
}

/// Whether two holdings show the same; when it was read aside.
fn alike(one: Option<&Elements>, other: Option<&Elements>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let same = |(place, shown): (&Option<String>, &Shown)| {
        other.get(place).is_some_and(|other| shown.value == other.value && shown.source.id == other.source.id)
    };
    one.len() == other.len() && one.iter().all(same)
}

/// The key that joins records to `entity`.
pub(crate) fn key_of(graph: &Graph, entity: EntityId, by: &str, now: Millis) -> Option<String> {
    match by.strip_prefix("link.") {
        Some(system) => match graph.joined(entity, system, now) {
            Observation::Present(record) => fold::key(&Value::from(record.source.id.as_str())),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        },
        None => match graph.fact(entity, by, now)? {
            Observation::Present(fact) => fold::key(&fact.value),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        },
    }
}

/// Until when the reads of a kind count: the oldest of them and the system's greatest age.
pub(super) fn fresh_until(graph: &Graph, evidence: &Evidence) -> Millis {
    let reads = graph.freshness(&evidence.system);
    let of_kind = reads.values().filter(|read| read.kind == evidence.kind);
    let oldest = of_kind.map(|read| read.complete_at.unwrap_or(0)).min().unwrap_or(0);
    oldest.saturating_add(graph.max_age_ms(&evidence.system))
}

/// The indexes of everything that is watched, by domain and facet.
pub fn indexes(
    declarations: &Arc<Declarations>,
    watched: &BTreeMap<(String, String), Watched>,
) -> Vec<Index> {
    watched.values().filter_map(|watched| Index::new(declarations, watched)).collect()
}
