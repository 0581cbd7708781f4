//! Witnesses: facets that records of their own show, one element a record, as a directory lists who is in which group.
//!
//! Absent: matching; a record belongs to the one entity that has its key, as in the census. Invariants: where the records are not
//! wholly and freshly read nothing is absent, and nothing is there either; of an entity whose key is unknown or shared nothing is
//! known. A reading of any system behind a witness gathers that witness anew for everybody, because one record may move a key.

use super::behind;
use super::class::WHOLE;
use super::{Cell, Columns, Ground, Unbuilt, View, Viewed};
use crate::coverage::doubt;
use crate::finder::Finder;
use crate::fold;
use crate::graph::Graph;
use crate::peers::census::{each_element, names};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::EntityKind;
use xops_kernel::fact::{Observation, Proof, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::record::Millis;
use xops_kernel::standard::Evidence;
use xops_kernel::value::Value;

/// One kind of facet, and the records that show it.
#[derive(Clone)]
pub(super) struct Witness {
    pub(super) evidence: Evidence,
    view: usize,
    /// The systems whose readings can change what it shows.
    behind: BTreeSet<String>,
}

/// By what records would be an entity's.
enum Key {
    Is(String),
    Not(Ground),
}

impl Witness {
    /// The witness that `evidence` declares, as the view with the place `view`.
    pub(super) fn new(kind: &EntityKind, evidence: &Evidence, view: usize) -> Self {
        let mut behind = match evidence.entity.strip_prefix("link.") {
            Some(system) => behind::link(kind, system, &mut BTreeSet::new()),
            None => behind::attribute(kind, &evidence.entity, &mut BTreeSet::new()),
        };
        behind.insert(evidence.system.clone());
        Self { evidence: evidence.clone(), view, behind }
    }

    /// Whether a reading of `system` can change what it shows.
    pub(super) fn hangs_on(&self, system: &str) -> bool {
        self.behind.contains(system)
    }

    fn key(&self, graph: &Graph, entity: EntityId, now: Millis) -> Key {
        let Evidence { entity: by, system, kind, .. } = &self.evidence;
        let nothing = || {
            let detail = format!("`{by}`, the key to {system}.{kind}, has no value");
            Key::Not(Ground::Unknown(doubt(Reason::Incomplete, 0, detail)))
        };
        if let Some(linked) = by.strip_prefix("link.") {
            return match graph.joined(entity, linked, now) {
                Observation::Present(record) => Key::Is(record.source.id.trim().to_lowercase()),
                Observation::Absent(_) => Key::Not(Ground::Absent(Proof::Implied { by: by.clone() })),
                Observation::Unknown(doubt) => Key::Not(Ground::Unknown(doubt)),
            };
        }
        match graph.fact_held(entity, by, now) {
            Some(Observation::Present((value, _))) => fold::key(value).map_or_else(nothing, Key::Is),
            Some(Observation::Unknown(doubt)) => Key::Not(Ground::Unknown(doubt)),
            Some(Observation::Absent(_)) | None => nothing(),
        }
    }
}

/// The view of a witness: no attribute of any joined record.
pub(super) fn view(evidence: &Evidence) -> View {
    View {
        domain: evidence.domain.clone(),
        facet: evidence.facet.clone(),
        attribute: String::new(),
        shows: BTreeSet::new(),
    }
}

/// Refuses a witness that could show nothing.
pub(super) fn check(viewed: &Viewed) -> Result<(), Unbuilt> {
    if viewed.facet.set {
        return Ok(());
    }
    Err(Unbuilt::Single { facet: format!("{}.{}", viewed.view.domain, viewed.view.facet) })
}

impl Columns {
    /// Brings everything that witnesses show up to what `graph` says at `now`; those whom it changed, in order. Filling and following
    /// do it, too: this is for those who take answers themselves.
    pub fn gather(&mut self, graph: &Graph, now: Millis) -> BTreeSet<EntityId> {
        let all = 0..self.witnesses.len();
        all.flat_map(|at| self.gather_one(graph, at, now)).collect()
    }

    /// The same for the witnesses that a reading of `system` can change, or for all where new entities came.
    pub(super) fn gather_behind(
        &mut self,
        graph: &Graph,
        system: &str,
        all: bool,
        now: Millis,
    ) -> BTreeSet<EntityId> {
        let places = 0..self.witnesses.len();
        let concerned: Vec<usize> = places.filter(|at| all || self.witnesses[*at].hangs_on(system)).collect();
        concerned.into_iter().flat_map(|at| self.gather_one(graph, at, now)).collect()
    }

    fn gather_one(&mut self, graph: &Graph, at: usize, now: Millis) -> Vec<EntityId> {
        let witness = self.witnesses[at].clone();
        let evidence = &witness.evidence;
        let (grounds, found) = match graph.coverage(&evidence.system, &evidence.kind, now) {
            Err(doubt) => (vec![Ground::Unknown(doubt); self.rows.len()], BTreeMap::new()),
            Ok(proof) => {
                let (grounds, owners) = self.owners(graph, &witness, &proof, now);
                (grounds, self.found(graph, &witness, &owners))
            }
        };
        let mut changed = Vec::new();
        for (row, ground) in grounds.into_iter().enumerate() {
            let number = self.ground_number_of(ground);
            let ground = &mut self.grounds[row * self.views.len() + witness.view];
            let moved = std::mem::replace(ground, number) != number;
            let facets = found.get(&row).map(BTreeSet::iter).into_iter().flatten();
            let new = facets.map(|facet| Cell { facet: *facet, value: self.member });
            let kind = self.views[witness.view].kind;
            let others =
                self.rows[row].cells.iter().filter(|cell| self.numbers.facets.get(cell.facet).0 != kind);
            let mut cells: Vec<Cell> = others.copied().chain(new).collect();
            cells.sort_unstable();
            if moved || *self.rows[row].cells != *cells {
                changed.push(self.rows[row].entity);
                self.rows[row].cells = cells.into();
            }
        }
        changed
    }

    /// What holds for the elements that are not there, row by row, and whose records have which key.
    fn owners(
        &self,
        graph: &Graph,
        witness: &Witness,
        proof: &Proof,
        now: Millis,
    ) -> (Vec<Ground>, Finder<Option<usize>>) {
        let mut owners: Finder<Option<usize>> = Finder::new(&self.key);
        let mut keys = Vec::with_capacity(self.rows.len());
        for (at, row) in self.rows.iter().enumerate() {
            let key = witness.key(graph, row.entity, now);
            if let Key::Is(key) = &key {
                let mut new = false;
                let owner = owners.or_insert(key, || {
                    new = true;
                    Some(at)
                });
                *owner = owner.filter(|_| new);
            }
            keys.push(key);
        }
        let Evidence { entity, system, kind, .. } = &witness.evidence;
        let ground = |key: Key| match key {
            Key::Not(ground) => ground,
            Key::Is(key) if owners.get(&key).is_some_and(Option::is_some) => Ground::Absent(proof.clone()),
            Key::Is(_) => {
                let detail = format!("`{entity}`, the key to {system}.{kind}, is that of several");
                Ground::Unknown(doubt(Reason::Conflict, 0, detail))
            }
        };
        let grounds = keys.into_iter().map(ground).collect();
        (grounds, owners)
    }

    /// The facets that the records show, by row.
    fn found(
        &mut self,
        graph: &Graph,
        witness: &Witness,
        owners: &Finder<Option<usize>>,
    ) -> BTreeMap<usize, BTreeSet<u32>> {
        let evidence = &witness.evidence;
        let names = names(&graph.declarations, evidence);
        let kind = self.views[witness.view].kind;
        let mut found: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        for record in graph.records(&evidence.system, &evidence.kind) {
            let key = record.attributes.get(&evidence.record).and_then(fold::key_of);
            let Some(Some(row)) = key.and_then(|key| owners.get(&key)) else { continue };
            each_element(record.attributes.get(&evidence.element), |element| {
                let name = Value::from(names.get(element).copied().unwrap_or(element));
                let element = self.numbers.values.number(&name, || name.clone());
                assert!(element != WHOLE, "a value has a number of its own");
                let key = (kind, element);
                found.entry(*row).or_default().insert(self.numbers.facets.number(&key, || key));
            });
        }
        found
    }
}
