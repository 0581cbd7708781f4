//! Waves: the steps of many plans as one graph, in the order in which they could be done at once, with one digest for all.
//!
//! Absent: execution; every plan runs by itself, and a wave is only what no step of any plan has to wait for once the waves before
//! are done. Invariant: neither the order of the plans nor that of their making shows.

use crate::graph::Graph;
use std::collections::BTreeMap;
use xops_kernel::id::{Digest, EntityId, StepId};
use xops_kernel::level::{Dag, Unordered};
use xops_kernel::plan::Plan;

/// A step among all: whose, and which. Its bytes ascend as entities and steps do.
type Key = [u8; 18];

/// The work of many plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waves {
    /// How many steps each wave has.
    pub steps: Vec<usize>,
    /// The digest of all steps in their order, under the tenant's key. Each plan's own content stands in its id.
    pub digest: Digest,
}

/// The waves of `plans`, of which each entity has at most one.
pub fn of(graph: &Graph, plans: &[&Plan]) -> Result<Waves, Unordered> {
    let plans: BTreeMap<EntityId, &Plan> = plans.iter().map(|plan| (plan.entity, *plan)).collect();
    let mut keys: Vec<Key> = Vec::new();
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for (entity, plan) in &plans {
        let first = keys.len();
        keys.extend(plan.steps.iter().map(|step| key(*entity, step.id)));
        let place = |step: StepId| u32::try_from(first + usize::from(step.0)).unwrap_or(u32::MAX);
        for step in &plan.steps {
            edges.extend(step.after.iter().map(|before| (place(*before), place(step.id))));
        }
    }
    let dag = Dag::of(&keys, &edges)?;
    let levelled = dag.levelled()?;
    let ends = levelled.starts.iter().skip(1).map(|start| *start as usize).chain([keys.len()]);
    let steps = levelled.starts.iter().zip(ends).map(|(start, end)| end - *start as usize);
    Ok(Waves { steps: steps.filter(|steps| *steps > 0).collect(), digest: dag.digest(&levelled, &graph.key) })
}

fn key(entity: EntityId, step: StepId) -> Key {
    let mut key = [0; 18];
    key[..16].copy_from_slice(&entity.0);
    key[16..].copy_from_slice(&step.0.to_be_bytes());
    key
}
