//! Swings: what xops set and somebody else undid, again and again.
//!
//! Absent: clocks, and a fight. Invariants: what is remembered of a facet is bounded in number and in time; a plan that would set a
//! facet for the third time within the window is not begun: two controllers disagree, and a person says which of them is right.
//! It follows from the journal alone, so replay comes to the same.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use xops_kernel::awf::Achieves;
use xops_kernel::diff::Facet;
use xops_kernel::fact::Observation;
use xops_kernel::id::{EntityId, InstanceId};
use xops_kernel::log::Compiled;
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::value::Value;

/// For how long what was set is remembered, in milliseconds: a week, so that a nightly job that undoes it is met.
pub const WINDOW_MS: u64 = 7 * 24 * 3_600_000;
/// How often something may be set and undone before it is held.
pub const SWINGS: usize = 2;
/// How many swings of a facet are remembered.
const KEPT: usize = 8;

/// Something that xops set and somebody else undid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swing {
    /// The instance that set it.
    pub instance: InstanceId,
    /// When that instance ended.
    pub set_at: Millis,
    /// When it was found undone.
    pub undone_at: Millis,
}

/// What is remembered of one facet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What was set last: the value, by which instance, when it ended.
    pub set: Option<(Value, InstanceId, Millis)>,
    /// What was undone, the oldest first.
    pub swings: VecDeque<Swing>,
}

impl History {
    fn forget(&mut self, now: Millis) {
        let old = |at: Millis| at.saturating_add(WINDOW_MS) <= now;
        self.swings.retain(|swing| !old(swing.undone_at));
        self.set = self.set.take().filter(|(_, _, at)| !old(*at));
    }

    fn is_empty(&self) -> bool {
        self.set.is_none() && self.swings.is_empty()
    }

    /// Whether what was set is there no more: where the declarations want something else by now, nobody undid anything.
    fn is_undone(&self, seen: Option<&Value>) -> bool {
        self.set.as_ref().is_some_and(|(value, ..)| Some(value) != seen)
    }

    /// What was undone within the window, `undone` now included, if what was set stands no more.
    fn with(&self, undone: bool, now: Millis) -> Vec<Swing> {
        let mut kept = self.clone();
        kept.forget(now);
        let mut swings: Vec<Swing> = kept.swings.into_iter().collect();
        if undone && let Some((_, instance, set_at)) = kept.set {
            swings.push(Swing { instance, set_at, undone_at: now });
        }
        swings
    }
}

/// A facet that is set and undone in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flip {
    /// The facet.
    pub facet: Facet,
    /// What was undone, the oldest first.
    pub swings: Vec<Swing>,
}

impl std::fmt::Display for Flip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let instances: Vec<String> = self.swings.iter().map(|swing| swing.instance.to_string()).collect();
        write!(
            f,
            "`{}` was set {} times by xops ({}) and undone each time by somebody else in `{}`: two controllers disagree, and this \
             would be the next swing; it goes on when a person releases it, or when one of them gives way",
            self.facet,
            self.swings.len(),
            instances.join(", "),
            self.facet.system
        )
    }
}

/// What is remembered, by entity and facet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swings(pub(super) BTreeMap<EntityId, BTreeMap<Facet, History>>);

impl Swings {
    /// Notes what an instance set.
    pub(super) fn set(
        &mut self,
        entity: EntityId,
        instance: InstanceId,
        sets: &BTreeMap<Facet, Value>,
        at: Millis,
    ) {
        if sets.is_empty() {
            return;
        }
        let of_entity = self.0.entry(entity).or_default();
        for (facet, value) in sets {
            of_entity.entry(facet.clone()).or_default().set = Some((value.clone(), instance, at));
        }
        of_entity.retain(|_, history| {
            history.forget(at);
            !history.is_empty()
        });
    }

    /// Forgets what xops itself took away.
    pub(super) fn took(&mut self, entity: EntityId, gone: impl Fn(&Facet) -> bool) {
        if let Some(of_entity) = self.0.get_mut(&entity) {
            of_entity.retain(|facet, _| !gone(facet));
            if of_entity.is_empty() {
                self.0.remove(&entity);
            }
        }
    }

    /// Forgets an entity.
    pub(super) fn forget(&mut self, entity: EntityId) {
        self.0.remove(&entity);
    }

    /// Notes what a plan that begins found undone. One that a person released begins anew.
    pub(super) fn begin(&mut self, compiled: &Compiled, released: bool, at: Millis) {
        let entity = compiled.plan.entity;
        let Some(of_entity) = self.0.get_mut(&entity) else { return };
        for (facet, seen) in to_set(compiled) {
            let Some(history) = of_entity.get_mut(&facet) else { continue };
            let swings = history.with(history.is_undone(seen.as_ref()), at);
            history.set = None;
            history.swings = if released { VecDeque::new() } else { swings.into() };
            while history.swings.len() > KEPT {
                history.swings.pop_front();
            }
        }
    }

    /// The facets that a plan would set for the third time within the window.
    pub fn flips(&self, compiled: &Compiled, now: Millis) -> Vec<Flip> {
        let Some(of_entity) = self.0.get(&compiled.plan.entity) else { return Vec::new() };
        let flips = to_set(compiled).into_iter().filter_map(|(facet, seen)| {
            let history = of_entity.get(&facet)?;
            let swings = history.with(history.is_undone(seen.as_ref()), now);
            (swings.len() >= SWINGS).then_some(Flip { facet, swings })
        });
        flips.collect()
    }

    /// The facets that are held if what was set last is found undone at `now`, each with what was undone before.
    pub fn nearly(&self, now: Millis) -> impl Iterator<Item = (&Facet, Vec<Swing>)> {
        let all = self.0.values().flatten();
        all.map(move |(facet, history)| (facet, history.with(true, now)))
            .filter(|(_, swings)| swings.len() >= SWINGS)
    }
}

/// The facets that a plan sets to what it saw otherwise, with what was seen.
fn to_set(compiled: &Compiled) -> Vec<(Facet, Option<Value>)> {
    let seen = compiled.evidence.seen();
    let changes = compiled.plan.steps.iter().filter_map(|step| step.change.as_ref());
    let sets = changes.filter(|change| matches!(change.kind(), Achieves::Create | Achieves::Update));
    let found = sets.filter_map(|change| match &seen.get(change.facet())?.seen {
        Observation::Present(value) => Some((change.facet().clone(), Some(value.clone()))),
        Observation::Absent(_) => Some((change.facet().clone(), None)),
        Observation::Unknown(_) => None,
    });
    found.collect()
}

/// What a plan sets: its creations and updates, with their values.
pub(super) fn sets(plan: &Plan) -> BTreeMap<Facet, Value> {
    let changes = plan.steps.iter().filter_map(|step| step.change.as_ref());
    changes.filter_map(|change| Some((change.facet().clone(), change.to()?.clone()))).collect()
}
