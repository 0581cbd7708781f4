//! A card: everything that an instance is while it is not in memory, and what a snapshot keeps of one that is.
//!
//! Invariants: what follows from the plan and the request is not on it; a card is a cache: the journal says the same.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xops_journal::subjects::Subject;
use xops_kernel::id::InstanceId;
use xops_kernel::log::{Number, Request};
use xops_kernel::machine::Machine;
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Effect;
use xops_kernel::saga::state::{Course, State};
use xops_kernel::saga::{Saga, Shared};
use xops_robots::service::Running;

/// What an instance is, read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Card {
    /// Its number.
    pub(crate) number: Number,
    /// Its id.
    pub(crate) instance: InstanceId,
    /// The start of the process in which it was last under way.
    pub(crate) epoch: u32,
    /// What people call the entity.
    pub(crate) handle: String,
    /// The request.
    pub(crate) request: Request,
    /// The plan.
    pub(crate) plan: Plan,
    /// How far it is.
    pub(crate) state: State,
}

/// The same, on its way to be written.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct CardRef<'a> {
    number: Number,
    instance: InstanceId,
    epoch: u32,
    handle: &'a str,
    request: &'a Request,
    plan: &'a Plan,
    state: &'a State,
}

/// An instance on its way to the shelf, or into a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Away {
    /// Its number.
    pub(crate) number: Number,
    /// The start of the process in which it was last under way.
    pub(crate) epoch: u32,
    /// What people call the entity.
    pub(crate) handle: String,
    /// What the Service robot keeps of it.
    pub(crate) running: Arc<Running>,
    /// Its plan.
    pub(crate) plan: Arc<Plan>,
    /// How far it is.
    pub(crate) state: State,
}

impl Away {
    /// What is written of it.
    pub(crate) fn card(&self) -> CardRef<'_> {
        CardRef {
            number: self.number,
            instance: self.running.instance,
            epoch: self.epoch,
            handle: &self.handle,
            request: &self.running.request,
            plan: &self.plan,
            state: &self.state,
        }
    }

    /// Under whose key it is sealed.
    pub(crate) fn subject(&self) -> Option<Subject> {
        subject(&self.plan)
    }
}

/// An instance that is at hand.
pub(crate) struct Live {
    /// Its plan and what all share.
    pub(crate) saga: Saga,
    /// How far it is.
    pub(crate) state: State,
    /// What people call the entity.
    pub(crate) handle: String,
    /// The start of the process in which it was last under way.
    pub(crate) epoch: u32,
}

impl Card {
    /// What the Service robot keeps, and what drives it.
    pub(crate) fn bring_back(self, shared: &Arc<Shared>) -> (Arc<Running>, Live) {
        let running = Running::of(self.instance, self.request, &self.plan);
        let saga = Saga { instance: self.instance, plan: Arc::new(self.plan), shared: Arc::clone(shared) };
        (Arc::new(running), Live { saga, state: self.state, handle: self.handle, epoch: self.epoch })
    }
}

/// The subject of an instance's events and of its card; none where nothing is personal.
pub(crate) fn subject(plan: &Plan) -> Option<Subject> {
    (plan.kind != crate::engine::UNPERSONAL).then_some(plan.entity.0)
}

/// What an instance waits for, if it waits for nothing but times, events and persons and holds nothing that others wait for.
pub(crate) fn rests(saga: &Saga, state: &State) -> Option<Vec<Effect>> {
    if matches!(state.course, Course::Ended(_)) || state.at == 0 {
        return None;
    }
    let wanted: Vec<Effect> = saga.wanted(state).into_iter().collect();
    let rests = wanted.iter().all(|effect| matches!(effect, Effect::Wake { .. }));
    (rests && saga.decide(state).is_none() && saga.holds(state).is_empty()).then_some(wanted)
}

/// The earliest time among effects of waking.
pub(crate) fn earliest(effects: &[Effect]) -> Option<Millis> {
    let times = effects.iter().filter_map(|effect| match effect {
        Effect::Wake { at, .. } => Some(*at),
        _ => None,
    });
    times.min()
}
