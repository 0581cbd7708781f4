//! What the Service robot shows of itself.
//!
//! Invariant: what is shown is of one moment. An instance goes from memory to the shelf and back in a turn of this robot, so
//! whoever asks in two letters may find it in neither place, or in both.

use super::Service;
use crate::keeper::Order;
use crate::letter::{Everybody, Look, Rests, View, Whole};
use crate::snapshot::{place_of, word_of};
use actix::{Context, Handler};
use tokio::sync::oneshot;
use xops_kernel::culprit::Culprit;

/// Whether an instance with this word does nothing until a person comes.
fn waits(word: &str) -> bool {
    word == "parked" || word == "stuck"
}

impl Service {
    fn view(&self) -> View {
        let running = self.state.running.iter().map(|(number, running)| {
            let known = self.plans.get(number);
            let name = known.map_or_else(String::new, |known| known.plan.name.clone());
            let handle = known.map_or_else(String::new, |known| known.handle.clone());
            let word = self.word_of.get(number).copied().unwrap_or("starting");
            (*number, running.instance, name, handle, word)
        });
        View {
            epoch: self.state.epoch,
            running: running.collect(),
            away: self.state.shelved.len(),
            words: self.words.clone(),
            ended: self.state.ended.iter().map(|(end, count)| (end.word(), *count)).collect(),
            open: self.state.open.len(),
            aside: self.state.aside().map(|(over, strikes)| (over.clone(), strikes.clone())).collect(),
            held: self.state.held.iter().map(|(entity, held)| (entity.to_string(), held.instance)).collect(),
            paused: self
                .state
                .paused
                .iter()
                .map(|(scope, (by, why))| (scope.clone(), by.clone(), why.clone()))
                .collect(),
        }
    }

    /// How many entries were written so far, if everything rests.
    fn quiet(&self) -> Option<u64> {
        let state = &self.state;
        let set_aside = state.aside().filter(|(over, _)| matches!(over, Culprit::Request(_))).count();
        let at_hand = || state.running.keys().all(|it| self.word_of.get(it).is_some_and(|word| waits(word)));
        let put_away = || state.shelved.values().all(|shelved| waits(word_of(*shelved)));
        let quiet = state.open.len() <= set_aside
            && self.outstanding.is_empty()
            && self.coming.is_empty()
            && self.mending.is_empty()
            && self.resuming.is_empty()
            && at_hand()
            && put_away();
        self.tenant.hub.settled().filter(|_| quiet)
    }
}

impl Handler<Look> for Service {
    type Result = actix::MessageResult<Look>;

    fn handle(&mut self, _: Look, _ctx: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.view())
    }
}

impl Handler<Everybody> for Service {
    type Result = actix::MessageResult<Everybody>;

    fn handle(&mut self, Everybody(most): Everybody, _ctx: &mut Context<Self>) -> Self::Result {
        let shelved = || self.state.shelved.iter().take(most);
        let away = shelved().map(|(number, shelved)| (*number, word_of(*shelved))).collect();
        let places: Vec<u64> = shelved().map(|(_, shelved)| place_of(*shelved)).collect();
        let cards = (!places.is_empty()).then(|| {
            let (reply, cards) = oneshot::channel();
            self.tenant.hub.keep_surely(Order::Show { places, reply });
            cards
        });
        actix::MessageResult(Whole { view: self.view(), away, cards })
    }
}

impl Handler<Rests> for Service {
    type Result = Option<u64>;

    fn handle(&mut self, _: Rests, _ctx: &mut Context<Self>) -> Option<u64> {
        self.quiet()
    }
}
