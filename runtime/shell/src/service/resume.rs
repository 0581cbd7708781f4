//! How the robot sets going what recovery found: a few instances at a time, so that it answers meanwhile.
//!
//! Absent: a moment in which something is not known. What an instance holds is held before the first of them runs; what comes for one
//! whose turn has not come waits for it, behind its having been resumed. Invariant: they take their turns in the order of their numbers.

use super::Service;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::collections::BTreeSet;
use xops_kernel::log::Number;

/// How many are set going before whoever else waits has a turn.
const AT_ONCE: usize = 64;

impl Service {
    /// Begins with all of `numbers`.
    pub(super) fn resume_all(&mut self, numbers: BTreeSet<Number>, ctx: &mut Context<Self>) {
        for number in &numbers {
            let (Some(state), Some(saga)) = (self.logs.get(number), self.saga(*number)) else { continue };
            let holds = saga.holds(state);
            if !holds.is_empty() {
                self.tenant.ambient.borrow_mut().keep(*number, saga.instance, holds);
            }
        }
        self.resuming = numbers;
        self.resume(ctx);
    }

    fn resume(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..AT_ONCE {
            let Some(number) = self.resuming.pop_first() else { return };
            // What was set aside meanwhile waits for a person.
            if !self.is_aside(number) {
                self.drive(number, ctx);
            }
        }
        ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), robot, ctx| robot.resume(ctx)));
    }
}
