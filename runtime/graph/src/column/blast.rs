//! Blast: how much would change before anything does, traced to what causes it, and held against a budget.
//!
//! Absent: a clock, and a decision; what is over a budget needs a person. Invariants: a change counts under the cause after which
//! it was first there, and once; what a cause made unnecessary counts no more; counts are of sketches, so nothing unknown is in
//! them.

use super::sketch::Sketch;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{AwfName, Undo};
use xops_kernel::declare::Declarations;
use xops_kernel::diff::Change;
use xops_kernel::id::EntityId;

/// How much may change at once; what is not named is not bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Changes.
    pub changes_max: Option<u64>,
    /// Entities with a change, of a thousand.
    pub share_per_mille_max: Option<u64>,
    /// Changes whose AWF cannot be undone.
    pub irreversible_max: Option<u64>,
    /// What the changes cost, by the costs of their AWFs.
    pub cost_max: Option<u64>,
}

/// A bound that would be passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// `changes`, `share_per_mille`, `irreversible` or `cost`.
    pub what: &'static str,
    /// How much it would be.
    pub would_be: u64,
    /// How much it may be.
    pub most: u64,
    /// How many changes trace to each cause, the greatest first.
    pub causes: Vec<(String, u64)>,
}

/// What would change, by cause.
#[derive(Clone, Debug)]
pub struct Blast<'a> {
    declarations: &'a Declarations,
    /// What a call of an AWF costs, in any one unit; nothing where it is not named.
    costs: &'a BTreeMap<AwfName, u64>,
    population: u64,
    /// By entity: each change with its cause.
    of: BTreeMap<EntityId, Vec<(Change, String)>>,
}

impl<'a> Blast<'a> {
    /// Nothing yet, among `population` entities.
    pub fn new(declarations: &'a Declarations, costs: &'a BTreeMap<AwfName, u64>, population: u64) -> Self {
        Self { declarations, costs, population, of: BTreeMap::new() }
    }

    /// Notes what an entity looks like after `cause`.
    pub fn note(&mut self, cause: &str, sketch: &Sketch) {
        let before = self.of.remove(&sketch.entity).unwrap_or_default();
        let traced = |change: &Change| {
            let known = before.iter().find(|(held, _)| held == change);
            (change.clone(), known.map_or_else(|| cause.to_owned(), |(_, cause)| cause.clone()))
        };
        let after: Vec<_> = sketch.difference.changes.iter().map(traced).collect();
        if !after.is_empty() {
            self.of.insert(sketch.entity, after);
        }
    }

    /// How many changes trace to each cause, the greatest first.
    pub fn causes(&self) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
        for (_, cause) in self.of.values().flatten() {
            *counts.entry(cause).or_default() += 1;
        }
        let mut causes: Vec<(String, u64)> =
            counts.into_iter().map(|(cause, count)| (cause.clone(), count)).collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        causes
    }

    /// The bounds of `budget` that would be passed.
    pub fn exceeds(&self, budget: &Budget) -> Vec<Exceeded> {
        let changes = || self.of.values().flatten().map(|(change, _)| change);
        let entities = self.of.keys().collect::<BTreeSet<_>>().len() as u64;
        let cost =
            |change: &Change| self.awf(change).and_then(|awf| self.costs.get(awf)).copied().unwrap_or(0);
        let would_be = [
            ("changes", changes().count() as u64, budget.changes_max),
            (
                "share_per_mille",
                (entities * 1_000).div_ceil(self.population.max(1)),
                budget.share_per_mille_max,
            ),
            (
                "irreversible",
                changes().filter(|change| self.is_irreversible(change)).count() as u64,
                budget.irreversible_max,
            ),
            ("cost", changes().map(cost).fold(0, u64::saturating_add), budget.cost_max),
        ];
        let over = would_be.into_iter().filter_map(|(what, would_be, most)| {
            let most = most.filter(|most| would_be > *most)?;
            Some(Exceeded { what, would_be, most, causes: self.causes() })
        });
        over.collect()
    }

    fn awf(&self, change: &Change) -> Option<&'a AwfName> {
        let facet = change.facet();
        let key = (change.kind().word().to_owned(), facet.domain.clone(), facet.name.clone());
        self.declarations.routes.get(&key).map(|route| &route.awf)
    }

    fn is_irreversible(&self, change: &Change) -> bool {
        let contract = self.awf(change).and_then(|awf| self.declarations.contracts.get(awf));
        contract.is_some_and(|contract| matches!(contract.undo, Undo::Irreversible { .. }))
    }
}
