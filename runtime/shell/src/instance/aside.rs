//! How a live instance is set aside after panics of robots over its calls.
//!
//! Invariants: it goes when everything that it handed over is durable, and does nothing more of what that asked for; it keeps its
//! locks; its state goes to the Service robot, which keeps it until a person releases it.

use super::{Instance, Leaving};
use crate::letter::WentAside;
use actix::{ActorContext, AsyncContext, Context, Handler, Message};
use std::time::Duration;
use xops_kernel::saga::state::Course;

/// When to try again to hand the state over.
const AGAIN: Duration = Duration::from_millis(10);

/// Be set aside.
pub(crate) struct Aside;

impl Message for Aside {
    type Result = ();
}

impl Handler<Aside> for Instance {
    type Result = ();

    fn handle(&mut self, _: Aside, ctx: &mut Context<Self>) {
        let stays = self.leaving == Leaving::Stays && !self.deaf;
        if stays && !matches!(self.state.course, Course::Ended(_)) {
            self.leaving = Leaving::Aside;
            self.step_aside(ctx);
        }
    }
}

impl Instance {
    /// Goes, if nothing that it handed over is still to become durable.
    pub(super) fn step_aside(&mut self, ctx: &mut Context<Self>) {
        if self.outstanding > 0 || self.leaving == Leaving::Left {
            return;
        }
        self.deposit();
        let went = WentAside { number: self.number, state: self.state.clone() };
        if self.tenant.hub.service().is_some_and(|service| service.try_send(went).is_ok()) {
            (self.leaving, self.deaf) = (Leaving::Left, true);
            self.tenant.hub.forget(self.number);
            ctx.stop();
        } else {
            ctx.run_later(AGAIN, Self::step_aside);
        }
    }
}
