//! A card: everything that an instance is while it is not in memory, and what a snapshot keeps of one that is.
//!
//! Invariants: what follows from the plan and the request is not on it, their ids included; a card is a cache: the journal says the same. What an
//! earlier version wrote is read.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;
use xops_journal::subjects::Subject;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::{InstanceId, PlanId};
use xops_kernel::log::{Number, Request};
use xops_kernel::machine::Machine;
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Effect;
use xops_kernel::saga::state::{Course, State};
use xops_kernel::saga::{Saga, Shared};
use xops_robots::service::Running;

/// What an instance is, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// Its number.
    pub(crate) number: Number,
    /// Its id; none where it follows from the request and the plan, as it does unless an earlier version gave it.
    pub(crate) instance: Option<InstanceId>,
    /// The plan's id, likewise. What the plan says of its own is not looked at.
    pub(crate) plan_id: Option<PlanId>,
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
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CardRef<'a> {
    /// What no card of an earlier version begins with: a number.
    brief: Number,
    number: Number,
    instance: Option<InstanceId>,
    plan_id: Option<PlanId>,
    epoch: u32,
    handle: &'a str,
    request: &'a Request,
    plan: Plan,
    state: &'a State,
}

/// What a card begins with if ids that follow from others are not on it. Numbers of instances begin at 1.
const BRIEF: Number = 0;
/// How many fields a card has.
const FIELDS: usize = 9;

impl<'de> Deserialize<'de> for Card {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(FIELDS, Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Card;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a card")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Card, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(fields: &mut A) -> Result<T, A::Error> {
            fields.next_element()?.ok_or_else(|| A::Error::custom("a card is cut short"))
        }
        let first: Number = next(&mut fields)?;
        let (number, instance, plan_id) = if first == BRIEF {
            (next(&mut fields)?, next(&mut fields)?, next(&mut fields)?)
        } else {
            (first, Some(next(&mut fields)?), None)
        };
        let (epoch, handle, request) = (next(&mut fields)?, next(&mut fields)?, next(&mut fields)?);
        let (plan, state): (Plan, State) = (next(&mut fields)?, next(&mut fields)?);
        let plan_id = if first == BRIEF { plan_id } else { Some(plan.id) };
        Ok(Card { number, instance, plan_id, epoch, handle, request, plan, state })
    }
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
    /// What is written of it. Ids under `key` are left out: they are half of what a card takes where plans are alike, and come back
    /// by computing them.
    pub(crate) fn card(&self, key: &DigestKey) -> CardRef<'_> {
        let plan = (*self.plan).clone().sealed(key);
        let (id, request) = (self.plan.id, &self.running.request);
        let instance = self.running.instance;
        CardRef {
            brief: BRIEF,
            number: self.number,
            instance: Some(instance).filter(|instance| *instance != InstanceId::of(request.id, id)),
            plan_id: Some(id).filter(|id| *id != plan.id),
            epoch: self.epoch,
            handle: &self.handle,
            request,
            plan: Plan { id: PlanId::default(), ..plan },
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
    /// The id of the instance; where it has to be computed, under `key`.
    pub(crate) fn id(&self, key: &DigestKey) -> InstanceId {
        let plan = || self.plan_id.unwrap_or_else(|| PlanId(self.plan.canon().keyed_digest(key)));
        self.instance.unwrap_or_else(|| InstanceId::of(self.request.id, plan()))
    }

    /// What the Service robot keeps, and what drives it.
    pub(crate) fn bring_back(self, shared: &Arc<Shared>) -> (Arc<Running>, Live) {
        let plan = match self.plan_id {
            Some(id) => Plan { id, ..self.plan },
            None => self.plan.sealed(&shared.key),
        };
        let instance = self.instance.unwrap_or_else(|| InstanceId::of(self.request.id, plan.id));
        let running = Running::of(instance, self.request, &plan);
        let saga = Saga { instance, plan: Arc::new(plan), shared: Arc::clone(shared) };
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
