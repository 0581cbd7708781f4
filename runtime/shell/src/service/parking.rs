//! What the Service robot does about instances that are not in memory, and for snapshots.
//!
//! Invariants: an instance is in memory, on the shelf, or on its way between them, never in two places; what comes for one that is
//! on its way waits for it in order; a cut is given up rather than taken without knowing every instance.

use super::{Known, Service, pressed};
use crate::card::{Away, Live};
use crate::instance::parking::Kept;
use crate::instance::{Instance, Launched};
use crate::keeper::{Order, Unfetched, timers_of};
use crate::letter::{Back, PutAway, Resting, Stayed, Summon, TakeCut, Wake};
use crate::scribe;
use crate::snapshot::{Cut, place_of, word_of};
use actix::{Context, Handler};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use xops_kernel::log::{Entry, Number};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::State as SagaState;

impl Service {
    /// Counts those that were away when the process started.
    pub(super) fn meter_away(&mut self) {
        let mut counts = std::collections::BTreeMap::new();
        for shelved in self.state.shelved.values() {
            *counts.entry(word_of(*shelved)).or_default() += 1;
        }
        for (word, count) in counts {
            self.meter(word, count);
        }
    }

    /// The word of an instance that has not ended.
    pub(super) fn word(&self, number: Number) -> Option<&'static str> {
        let away = || self.state.shelved.get(&number).map(|shelved| word_of(*shelved));
        self.word_of.get(&number).copied().or_else(away)
    }

    pub(super) fn away(&self, number: Number, state: SagaState) -> Option<Away> {
        let (known, running) = (self.plans.get(&number)?, self.state.running.get(&number)?);
        Some(Away {
            number,
            epoch: self.state.epoch,
            handle: known.handle.clone(),
            running: Arc::clone(running),
            plan: Arc::clone(&known.plan),
            state,
        })
    }

    /// Brings an instance back for what came for it, unless that is under way already.
    pub(super) fn fetch(&mut self, number: Number) {
        let Some(place) = self.state.shelved.get(&number).map(|shelved| place_of(*shelved)) else { return };
        let Some(coming) = self.coming.get_mut(&number) else { return };
        if !std::mem::replace(&mut coming.fetching, true) {
            self.tenant.hub.count_waking(1);
            self.tenant.hub.keep_surely(Order::Fetch { number, place });
        }
    }

    fn is_known(&self, number: Number) -> bool {
        self.state.shelved.contains_key(&number)
            || self.tenant.hub.is_present(number)
            || self.mending.has(number)
            || self.resuming.contains(&number)
    }

    /// Hands over what came while an instance could not be reached.
    fn deliver(&mut self, number: Number) {
        let Some(coming) = self.coming.remove(&number) else { return };
        for event in coming.events {
            self.tenant.hub.tell(number, event);
        }
        for waiter in coming.waiters {
            let _asker_gone = waiter.send(true);
        }
    }

    /// Takes a cut: see `crate::cut`. None if this is not the moment for it.
    fn cut(&self) -> Option<(Box<Cut>, HashMap<Number, Away>)> {
        let hub = &self.tenant.hub;
        let mut state = self.state.clone();
        for (number, end, at) in hub.cutting.ends() {
            let entry = Entry::Instance(number, Stamped { at, event: Event::Ended { end } });
            xops_robots::service::Service.step(&mut state, &entry, &mut Vec::new()).ok()?;
        }
        for (number, shelved) in hub.cutting.leaving() {
            state.put_away(number, shelved);
        }
        let present: std::collections::HashSet<Number> = hub.present().collect();
        let mut waiting = HashMap::with_capacity(state.running.len());
        let mut live = Vec::new();
        for number in state.running.keys() {
            if present.contains(number) {
                waiting.insert(*number, self.away(*number, SagaState::new(0))?);
            } else {
                // Of one that panicked only the journal knows how far it is, until it is read back.
                live.push(self.aside_card(*number)?);
            }
        }
        let timers = timers_of(hub.timers(), &state.shelved);
        let (breakers, at) = (self.breakers.clone(), hub.last_at());
        Some((Box::new(Cut { state, live, timers, breakers, at }), waiting))
    }
}

impl Handler<Resting> for Service {
    type Result = ();

    fn handle(&mut self, Resting { number, turn, state }: Resting, _ctx: &mut Context<Self>) {
        let hub = &self.tenant.hub;
        let kept =
            self.away(number, state).is_some_and(|away| hub.keep(Order::Keep { away: Box::new(away), turn }));
        if !kept && let Some(instance) = hub.instance(number) {
            let _busy_again = instance.try_send(Kept { turn, place: None });
        }
    }
}

impl Handler<PutAway> for Service {
    type Result = ();

    fn handle(&mut self, PutAway { number, shelved }: PutAway, _ctx: &mut Context<Self>) {
        self.tenant.hub.cutting.leaving_is_known(number);
        if self.state.put_away(number, shelved).is_none() {
            return tracing::error!(number, "an instance left that was not under way");
        }
        self.plans.remove(&number);
        // It counts on under its word, which stands beside its place.
        self.word_of.remove(&number);
        self.fetch(number);
    }
}

impl Handler<Stayed> for Service {
    type Result = ();

    fn handle(&mut self, Stayed(number): Stayed, _ctx: &mut Context<Self>) {
        self.deliver(number);
    }
}

impl Handler<Summon> for Service {
    type Result = ();

    fn handle(&mut self, Summon { number, event }: Summon, _ctx: &mut Context<Self>) {
        if let (Some(_), Some(event)) = (self.tenant.hub.instance(number), &event) {
            return self.tenant.hub.tell(number, event.clone());
        }
        // What is set aside hears of nothing: all that it waits for is asked for again when it is released.
        if self.is_known(number) && !self.is_aside(number) {
            self.coming.entry(number).or_default().events.extend(event);
            self.fetch(number);
        }
    }
}

impl Handler<Wake> for Service {
    type Result = ();

    fn handle(&mut self, Wake(number, reply): Wake, _ctx: &mut Context<Self>) {
        let here = self.tenant.hub.instance(number).is_some();
        if here || !self.is_known(number) || self.is_aside(number) {
            let _asker_gone = reply.send(here);
            return;
        }
        self.coming.entry(number).or_default().waiters.push(reply);
        self.fetch(number);
    }
}

impl Handler<Back> for Service {
    type Result = ();

    fn handle(&mut self, Back { number, place, card }: Back, ctx: &mut Context<Self>) {
        self.tenant.hub.count_waking(-1);
        let coming = self.coming.remove(&number).unwrap_or_default();
        let card = match card {
            Ok(card) => card,
            Err(why) => {
                tracing::error!(number, %why, "an instance cannot be brought back");
                if let Unfetched::Damaged(why) = why {
                    self.tenant.hub.keep_surely(Order::Distrust(why));
                }
                for waiter in coming.waiters {
                    let _asker_gone = waiter.send(false);
                }
                return;
            }
        };
        let (running, Live { saga, state, handle, epoch }) = card.bring_back(&self.tenant.shared);
        let Some(shelved) = self.state.bring_back(number, running) else {
            return tracing::error!(number, "an instance came back that was not away");
        };
        let word = word_of(shelved);
        self.word_of.insert(number, word);
        self.tenant.hub.keep_surely(Order::Release(place));
        let mut known = Known::of(saga.instance, handle, Arc::clone(&saga.plan));
        known.begun = true;
        known.after = self.tenant.hub.reached();
        known.base = Some(pressed(number, &state));
        self.plans.insert(number, known);
        if self.is_aside(number) {
            // It was set aside while it was on its way.
            self.logs.insert(number, state);
            return;
        }
        // The process started again since it was last under way: it hears of that first.
        let resumed = coming.resume || epoch != self.state.epoch;
        let resumed = resumed.then_some(Event::Resumed { epoch: self.state.epoch });
        let first: VecDeque<Event> = resumed.into_iter().chain(coming.events).collect();
        let subject = crate::card::subject(&saga.plan);
        let launched = Launched { saga, number, subject, state, word, first };
        Instance::launch(&self.tenant, launched, &self.supervisor);
        for waiter in coming.waiters {
            let _asker_gone = waiter.send(true);
        }
        // What waits for it can tell now whether it has precedence.
        self.consider(number, ctx);
    }
}

impl Handler<TakeCut> for Service {
    type Result = ();

    fn handle(&mut self, _: TakeCut, _ctx: &mut Context<Self>) {
        let hub = &self.tenant.hub;
        if hub.cutting.is_busy() {
            return;
        }
        hub.flush();
        let Some(scribe) = hub.scribe().filter(|_| hub.is_flushed()) else { return };
        let Some((cut, waiting)) = self.cut() else { return };
        if scribe.try_send(scribe::Order::Mark(hub.cutting.next())).is_ok() {
            hub.cutting.begin(cut, waiting);
            hub.ask_deposits();
        }
    }
}
