//! Precedence: what the Service robot does where work waits for an instance that it supersedes by declaration.
//!
//! Absent: the rules; which outcome supersedes which is declared, and handed in. Invariants: a decision is written down before the
//! instance hears of it, and told again after each start until that one has ended; what has precedence over an instance that was put away
//! has it brought back first, because only its plan says what it is for.

use super::Service;
use crate::letter::{Parent, Precede};
use actix::{Context, Handler, MessageResult};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use xops_kernel::id::RequestId;
use xops_kernel::log::{Number, What};
use xops_kernel::saga::event::Event;
use xops_robots::service::Effect;

/// What is known of precedence.
#[derive(Default)]
pub(super) struct Overtaking {
    /// Which outcomes an outcome supersedes.
    supersedes: BTreeMap<String, BTreeSet<String>>,
    /// Which requests wait for an instance and would supersede these outcomes of it, until that is decided.
    waiting: HashMap<Number, Vec<(RequestId, BTreeSet<String>)>>,
}

impl Overtaking {
    pub(super) fn forget(&mut self, number: Number) {
        self.waiting.remove(&number);
    }
}

impl Service {
    /// Notes that a request waits for an instance, if its outcomes supersede any.
    pub(super) fn precede(&mut self, number: Number, request: RequestId, outcomes: &BTreeSet<String>) {
        let supersedes = outcomes.iter().filter_map(|name| self.overtaking.supersedes.get(name));
        let over: BTreeSet<String> = supersedes.flatten().cloned().collect();
        if !over.is_empty() {
            self.overtaking.waiting.entry(number).or_default().push((request, over));
        }
    }

    /// Decides whether an instance is overtaken by what waits for it.
    pub(super) fn consider(&mut self, number: Number, ctx: &mut Context<Self>) {
        if !self.overtaking.waiting.contains_key(&number) {
            return;
        }
        let Some(running) = self.state.running.get(&number) else {
            if self.state.shelved.contains_key(&number) && !self.is_aside(number) {
                self.coming.entry(number).or_default();
                self.fetch(number);
            }
            return;
        };
        let waiting = self.overtaking.waiting.remove(&number).unwrap_or_default();
        let over = waiting.into_iter().find(|(_, over)| !running.outcomes.is_disjoint(over));
        if let Some((request, _)) = over.filter(|_| !self.state.overtaken.contains_key(&number)) {
            metrics::counter!("xops_instances_overtaken_total").increment(1);
            self.write(What::Overtaken { number, request }, ctx);
        }
    }

    /// Tells an instance that it is overtaken.
    pub(super) fn overtake(&self, number: Number) {
        if let Some(by) = self.state.overtaken.get(&number) {
            self.tenant.hub.tell(number, Event::Overtaken { by: *by });
        }
    }
}

impl Handler<Precede> for Service {
    type Result = ();

    fn handle(&mut self, Precede(supersedes): Precede, ctx: &mut Context<Self>) {
        let any = !supersedes.is_empty();
        self.overtaking.supersedes = supersedes;
        if any && self.tenant.hub.writes() {
            // A decision that an earlier process did not come to is taken now: what waits is compiled again, and still waits.
            let waits: Vec<RequestId> = self.state.deferred.values().flatten().copied().collect();
            for request in waits {
                self.perform(Effect::Compile(request), ctx);
            }
        }
    }
}

impl Handler<Parent> for Service {
    type Result = MessageResult<Parent>;

    fn handle(&mut self, Parent(entity): Parent, _ctx: &mut Context<Self>) -> Self::Result {
        MessageResult(self.state.superseded.get(&entity).copied())
    }
}
