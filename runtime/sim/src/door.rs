//! The doors of the Platform robots, played: the real breaker, buckets and places before each system.
//!
//! Invariants: a transition of a breaker is durable before anything goes; after a death a door is what the transitions say, with
//! its budgets half spent, and its breaker stands where it stood. Absent: what a door decides; `xops-robots` does.

use std::collections::BTreeMap;
use xops_kernel::id::StepId;
use xops_kernel::port::{Connector, Outcome, Request, Response};
use xops_kernel::record::Millis;
use xops_robots::platform::admission::{Admission, Answer};
use xops_robots::platform::breaker::{Event, Limits, State};
use xops_robots::platform::bucket::Urgency;
use xops_robots::platform::budget::{Budget, Call};
use xops_robots::retry;

/// Requests under way at once to one system.
const CONCURRENCY: u32 = 4;

/// Whose a request is: instance, step, attempt.
pub(crate) type Whose = (usize, StepId, u32);

/// A request that is under way: its system, and what the limits look at of it.
type UnderWay = (String, Call);

/// The doors of a run.
#[derive(Default)]
pub(crate) struct Doors {
    /// The door before each system.
    before: BTreeMap<String, Admission>,
    /// The transitions of each breaker, as the journal keeps them.
    transitions: BTreeMap<String, Vec<Event>>,
    under_way: BTreeMap<Whose, UnderWay>,
}

/// What a door says.
pub(crate) enum Said {
    /// It goes.
    Go,
    /// Ask again then.
    Wait(Millis),
    /// The system is held to be down.
    Shut,
}

impl Doors {
    fn door(
        &mut self,
        systems: &dyn Connector,
        system: &str,
        now: Millis,
        restarted: bool,
    ) -> &mut Admission {
        self.before.entry(system.to_owned()).or_insert_with(|| {
            let limits = systems.limits(system).into_iter();
            let budgets = limits.map(|limit| Budget::new(limit, now, restarted)).collect();
            Admission::new(Limits::default(), budgets, CONCURRENCY, retry::seed_of(&["sim", system]))
        })
    }

    /// Whether a request of a step may go at `now`.
    pub(crate) fn admit(
        &mut self,
        systems: &dyn Connector,
        whose: Whose,
        request: &Request,
        urgency: Urgency,
        now: Millis,
    ) -> Said {
        let call = Call::of(request);
        match self.door(systems, &request.system, now, false).admit(&call, urgency, now) {
            Answer::Go { transition } => {
                self.keep(&request.system, transition);
                self.under_way.insert(whose, (request.system.clone(), call));
                Said::Go
            }
            Answer::Wait { until, .. } => Said::Wait(until.max(now + 1)),
            Answer::Shut { .. } => Said::Shut,
        }
    }

    /// Takes in what a response says of the limits.
    pub(crate) fn heard(&mut self, whose: Whose, response: &Response, now: Millis) {
        let Some((system, call)) = self.under_way.get(&whose) else { return };
        if let Some(door) = self.before.get_mut(system) {
            door.heard(call, response, now);
        }
    }

    /// Takes in how a request ended.
    pub(crate) fn finished(&mut self, whose: Whose, outcome: &Outcome, now: Millis) {
        let Some((system, call)) = self.under_way.remove(&whose) else { return };
        let Some(door) = self.before.get_mut(&system) else { return };
        let transition = door.finished(&call, outcome, now);
        self.keep(&system, transition);
    }

    fn keep(&mut self, system: &str, transition: Option<Event>) {
        if let Some(event) = transition {
            self.transitions.entry(system.to_owned()).or_default().push(event);
        }
    }

    /// Until when the breaker of a system is open.
    pub(crate) fn open_until(&self, system: &str, now: Millis) -> Option<Millis> {
        match self.before.get(system)?.breaker() {
            State::Open { until, .. } => Some(*until).filter(|until| *until > now),
            State::Closed { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// How often breakers opened, and how often a probe went through one.
    pub(crate) fn opened(&self) -> (u64, u64) {
        let all = self.transitions.values().flatten();
        let count = |of: fn(&Event) -> bool| all.clone().filter(|event| of(event)).count() as u64;
        let opened = count(|event| matches!(event, Event::Opened { .. }));
        (opened, count(|event| matches!(event, Event::ProbeStarted { .. })))
    }

    /// After a death: the doors anew, from their transitions; what stands otherwise than before is told.
    pub(crate) fn recover(&mut self, systems: &dyn Connector, now: Millis) -> Vec<String> {
        self.under_way.clear();
        let old_doors = std::mem::take(&mut self.before);
        let mut broken = Vec::new();
        for (system, old) in old_doors {
            let transitions = self.transitions.get(&system).cloned().unwrap_or_default();
            let door = self.door(systems, &system, now, true);
            for event in &transitions {
                if let Err(refused) = door.restore(event) {
                    broken.push(format!("the breaker of {system} does not fold: {refused} at {event:?}"));
                }
            }
            if door.breaker().word() != old.breaker().word() {
                let (was, is) = (old.breaker(), door.breaker());
                broken.push(format!("the breaker of {system} stood {was:?}, and its transitions say {is:?}"));
            }
        }
        broken
    }
}
