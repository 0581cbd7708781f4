//! How an instance leaves memory, and how its state gets into a snapshot.
//!
//! Invariants: it leaves only when what it asked to be put away is still what it is; nothing that was sent to it is lost: what
//! comes while it leaves goes to the Service robot, and what came before its last letter to itself keeps it here.

use super::{Instance, Leaving};
use crate::card;
use crate::keeper::Order;
use crate::letter::{PutAway, Resting, Stayed};
use crate::snapshot::with_word;
use actix::{ActorContext, AsyncContext, Context, Handler, Message};

/// When to ask again to be put away.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

impl Instance {
    /// Hands in its state for a snapshot that was begun since it last did: the state at that moment, because it has believed
    /// nothing since.
    pub(super) fn deposit(&mut self) {
        let newest = self.tenant.hub.cutting.id();
        if self.cut != newest {
            self.cut = newest;
            if let Some(order) = self.tenant.hub.cutting.deposit(self.number, &self.state) {
                self.tenant.hub.keep_surely(order);
            }
        }
    }

    /// Asks to be put away, if it does nothing but wait, and for long enough.
    pub(super) fn rest(&self) {
        let Some(effects) = card::rests(&self.saga, &self.state) else { return };
        let soon = self.tenant.hub.clock.now().saturating_add(self.tenant.hub.cutting.rest_ms_min());
        if card::earliest(&effects).is_some_and(|at| at < soon) {
            return;
        }
        if let Some(service) = self.tenant.hub.service() {
            let resting = Resting { number: self.number, turn: self.turn, state: self.state.clone() };
            // A robot that is overloaded has other things to do: it stays in memory until its next event.
            let _overloaded = service.try_send(resting);
        }
    }

    /// Asks after a while, if nothing happens until then.
    pub(super) fn rest_later(&self, ctx: &mut Context<Self>) {
        let turn = self.turn;
        ctx.run_later(AGAIN, move |instance, _| {
            if turn == instance.turn && instance.outstanding == 0 {
                instance.rest();
            }
        });
    }

    /// It lies on the shelf: it leaves, unless something came in between. A last letter to itself finds out, behind all others.
    fn leave(&mut self, turn: u64, place: u64, ctx: &mut Context<Self>) {
        if turn != self.turn || self.deaf || self.leaving == Leaving::Left {
            return self.tenant.hub.keep_surely(Order::Release(place));
        }
        self.tenant.hub.leaves(self.number, true);
        if ctx.address().try_send(Leave { turn, place }).is_err() {
            self.stay(place);
        }
    }

    fn stay(&self, place: u64) {
        self.tenant.hub.leaves(self.number, false);
        self.tenant.hub.keep_surely(Order::Release(place));
        if let Some(service) = self.tenant.hub.service()
            && service.try_send(Stayed(self.number)).is_err()
        {
            tracing::error!(
                number = self.number,
                "the Service robot's mailbox is full: what came for an instance waits"
            );
        }
    }
}

/// Asks for the state as it is now, for a snapshot.
pub(crate) struct Deposit;

impl Message for Deposit {
    type Result = ();
}

impl Handler<Deposit> for Instance {
    type Result = ();

    fn handle(&mut self, _: Deposit, _ctx: &mut Context<Self>) {
        self.deposit();
    }
}

/// What it asked to be put away at `turn` lies there; nowhere, if it could not be put away now.
pub(crate) struct Kept {
    pub(crate) turn: u64,
    pub(crate) place: Option<u64>,
}

impl Message for Kept {
    type Result = ();
}

impl Handler<Kept> for Instance {
    type Result = ();

    fn handle(&mut self, Kept { turn, place }: Kept, ctx: &mut Context<Self>) {
        match place {
            Some(place) => self.leave(turn, place, ctx),
            None if turn == self.turn => self.rest_later(ctx),
            None => {}
        }
    }
}

/// Leaves, if nothing came before this.
struct Leave {
    turn: u64,
    place: u64,
}

impl Message for Leave {
    type Result = ();
}

impl Handler<Leave> for Instance {
    type Result = ();

    fn handle(&mut self, Leave { turn, place }: Leave, ctx: &mut Context<Self>) {
        self.deposit();
        let shelved = with_word(place, self.state.word());
        let put_away = PutAway { number: self.number, shelved };
        let goes =
            turn == self.turn && self.tenant.hub.service().is_some_and(|it| it.try_send(put_away).is_ok());
        if goes {
            self.leaving = Leaving::Left;
            self.tenant.hub.cutting.left(self.number, shelved);
            self.tenant.hub.forget(self.number);
            ctx.stop();
        } else {
            self.stay(place);
        }
    }
}
