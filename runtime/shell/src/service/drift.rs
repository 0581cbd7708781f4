//! What keeps reconciliation from fighting: swings between two controllers, and what a person acknowledged.
//!
//! Absent: decisions; the machine of `xops_robots::service` says what swings and what is accepted.

use super::Service;
use crate::letter::{Steadiness, Steady};
use actix::{Context, Handler, MessageResult};
use xops_kernel::id::RequestId;
use xops_kernel::log::{Compiled, Entrance};

impl Service {
    /// Why a plan is not begun though there is one.
    pub(super) fn kept_back(&self, id: RequestId, compiled: &Compiled, release: bool) -> Option<String> {
        let now = self.tenant.hub.clock.now();
        if !release && let Some(flip) = self.state.swings.flips(compiled, now).first() {
            metrics::counter!("xops_drift_swings_held_total", "system" => flip.facet.system.clone())
                .increment(1);
            return Some(flip.to_string());
        }
        let by_itself =
            self.state.open.get(&id).is_some_and(|(_, request)| request.entrance == Entrance::Schedule);
        let accepted =
            by_itself.then(|| self.state.accepted(compiled, &self.tenant.shared.key, now)).flatten()?;
        Some(format!(
            "`{}` is acknowledged by {} until {} ms: {}; `xops apply` changes it before that",
            accepted.facet, accepted.by, accepted.until, accepted.why
        ))
    }
}

impl Handler<Steady> for Service {
    type Result = MessageResult<Steady>;

    fn handle(&mut self, _: Steady, _ctx: &mut Context<Self>) -> Self::Result {
        let now = self.tenant.hub.clock.now();
        let held = self.state.swings.nearly(now).map(|(facet, swings)| (facet.clone(), swings));
        MessageResult(Steadiness {
            granted: self.state.granted.clone(),
            acknowledged: self.state.acknowledged.clone(),
            swings: held.collect(),
        })
    }
}
