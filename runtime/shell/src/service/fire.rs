//! What the Service robot does about panics: it counts strikes, reads instances back, sets aside, and lets go again.
//!
//! Invariants: a strike is durable before anything is tried again; an instance whose actor panicked goes on from the journal and from
//! nothing that the actor had in memory; what is set aside holds its locks and its entity, and nothing else waits for it; one
//! reading of the journal at a time serves all that wait for one.

use super::Service;
use crate::card::Away;
use crate::letter::{Finished, Free, Freed, Struck, WentAside};
use actix::{ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use xops_journal::stored;
use xops_kernel::culprit::Culprit;
use xops_kernel::log::{Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::saga::Saga;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::{Course, State as SagaState};
use xops_robots::service::Answer;

/// How long what panicked rests after its first strike; twice as long after each further one.
const BACKOFF: Duration = Duration::from_millis(20);
/// How many instances one reading brings back.
const READ_BACK_MAX: usize = 4_096;

/// The instances whose actors panicked, until they go on.
#[derive(Default)]
pub(super) struct Mending {
    /// Those that are read back, or will be.
    all: BTreeSet<Number>,
    /// Those that wait for a reading.
    due: BTreeSet<Number>,
    reading: bool,
}

impl Mending {
    pub(super) fn has(&self, number: Number) -> bool {
        self.all.contains(&number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Service {
    pub(super) fn is_aside(&self, number: Number) -> bool {
        !self.state.strikes.is_empty() && self.state.is_aside(&Culprit::Instance(number))
    }

    /// Shows what is set aside where the gate and the robots look, and where people do.
    pub(super) fn show_aside(&self) {
        let aside: BTreeSet<Culprit> = self.state.aside().map(|(over, _)| over.clone()).collect();
        for kind in ["instance", "request", "read", "system"] {
            let count = aside.iter().filter(|over| over.kind() == kind).count();
            metrics::gauge!("xops_poisoned", "kind" => kind)
                .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
        self.tenant.ambient.borrow_mut().aside = aside;
    }

    /// What follows from a decision to set something aside.
    pub(super) fn put_aside(&mut self, message: &str) {
        let Ok(over) = message.parse::<Culprit>() else { return };
        self.show_aside();
        let why = format!("`{over}` made an actor panic again and again and is set aside");
        tracing::error!(what = %over, "set aside after panics: look at it, then `xops release {over}`");
        match over {
            Culprit::Instance(number) => {
                if self.tenant.hub.is_present(number) {
                    self.tenant.hub.set_aside(number);
                }
                self.show_parked(number);
            }
            Culprit::Request(id) => {
                let reasons = vec![format!("{why}; `xops release {over}` lets it be compiled again")];
                for waiter in self.for_answer.remove(&id).unwrap_or_default() {
                    let _asker_gone = waiter.send(Answer::Refused(reasons.clone()));
                }
            }
            Culprit::Read { .. } | Culprit::System(_) => {}
        }
    }

    /// An instance that is set aside waits for a person, as a parked one does.
    fn show_parked(&mut self, number: Number) {
        let was = self.word(number).unwrap_or_default();
        if was != "parked" {
            self.meter(was, -1);
            self.meter("parked", 1);
            self.word_of.insert(number, "parked");
        }
        for waiter in self.for_rest.remove(&number).unwrap_or_default() {
            let _asker_gone = waiter.send("parked");
        }
    }

    /// It goes on, whatever it does next.
    fn show_unparked(&mut self, number: Number) {
        let now = self.logs.get(&number).map_or("running", SagaState::word);
        if self.word_of.get(&number) == Some(&"parked") && now != "parked" {
            self.meter("parked", -1);
            self.meter(now, 1);
            self.word_of.insert(number, now);
        }
    }

    /// What recovery found set aside is known by its state, holds what it held, and waits.
    pub(super) fn rest_aside(&mut self) {
        self.show_aside();
        let numbers: Vec<Number> =
            self.state.running.keys().copied().filter(|it| self.is_aside(*it)).collect();
        for number in numbers {
            self.show_parked(number);
            let (Some(state), Some(saga)) = (self.logs.get(&number), self.saga(number)) else { continue };
            let holds = saga.holds(state);
            self.tenant.ambient.borrow_mut().keep(number, saga.instance, holds);
        }
    }

    pub(super) fn saga(&self, number: Number) -> Option<Saga> {
        let known = self.plans.get(&number)?;
        let (plan, shared) = (Arc::clone(&known.plan), Arc::clone(&self.tenant.shared));
        Some(Saga { instance: known.instance, plan, shared })
    }

    /// What a snapshot holds of an instance that is set aside.
    pub(super) fn aside_card(&self, number: Number) -> Option<Away> {
        let state = self.logs.get(&number).filter(|_| self.is_aside(number))?;
        self.away(number, state.clone())
    }

    /// Brings an instance back from the journal; after a while, that is longer with each strike.
    pub(super) fn mend(&mut self, number: Number, ctx: &mut Context<Self>) {
        self.mending.all.insert(number);
        let strikes = self.state.strikes_of(&Culprit::Instance(number));
        ctx.run_later(backoff(strikes), move |robot, ctx| {
            robot.mending.due.insert(number);
            robot.read_back(ctx);
        });
    }

    fn read_back(&mut self, ctx: &mut Context<Self>) {
        if self.mending.reading || self.mending.due.is_empty() {
            return;
        }
        let Some(source) = self.tenant.hub.source() else { return };
        let numbers: Vec<Number> = self.mending.due.iter().copied().take(READ_BACK_MAX).collect();
        let mut of = BTreeMap::new();
        for number in numbers {
            self.mending.due.remove(&number);
            if let Some(known) = self.plans.get(&number) {
                of.insert(number, known.after);
            }
        }
        self.mending.reading = true;
        let reading = async move { (of.keys().copied().collect::<Vec<_>>(), source.read_back(of).await) };
        ctx.spawn(reading.into_actor(self).map(|(numbers, read), robot, ctx| {
            robot.mending.reading = false;
            for number in numbers {
                let events = match &read {
                    Ok(events) => Ok(events.get(&number).map(Vec::as_slice).unwrap_or_default()),
                    Err(why) => Err(why.clone()),
                };
                robot.mended(number, events, ctx);
            }
            robot.read_back(ctx);
        }));
    }

    fn mended(&mut self, number: Number, events: Result<&[Stamped], String>, ctx: &mut Context<Self>) {
        self.mending.all.remove(&number);
        let state = events.and_then(|events| self.folded(number, events));
        match state {
            Ok(state) if matches!(state.course, Course::Ended(_)) => self.ended_before(number, &state, ctx),
            Ok(state) => {
                tracing::warn!(number, "an instance is rebuilt from the journal after a panic");
                self.logs.insert(number, state);
                if self.is_aside(number) {
                    return self.show_parked(number);
                }
                self.drive(number, ctx);
            }
            Err(why) => {
                tracing::error!(
                    number,
                    why,
                    "an instance cannot be rebuilt: the next start folds the journal"
                );
                let message = Culprit::Instance(number).to_string();
                self.write(What::Poisoned { robot: "supervisor".to_owned(), message }, ctx);
            }
        }
    }

    /// The same fold as recovery.
    fn folded(&self, number: Number, events: &[Stamped]) -> Result<SagaState, String> {
        let gone = || "it is not under way".to_owned();
        let (saga, known) = (self.saga(number).ok_or_else(gone)?, self.plans.get(&number).ok_or_else(gone)?);
        let base =
            known.base.as_deref().map(stored::unpress).transpose().map_err(|error| error.to_string())?;
        let mut state = base.unwrap_or_else(|| saga.fresh());
        for stamped in events {
            saga.step(&mut state, stamped, &mut Vec::new()).map_err(|refused| refused.to_string())?;
        }
        Ok(state)
    }

    /// It panicked behind its end, and could not report that.
    fn ended_before(&mut self, number: Number, state: &SagaState, ctx: &mut Context<Self>) {
        let Course::Ended(end) = state.course else { return };
        let was = self.word_of.get(&number).copied().unwrap_or_default();
        if let Some(saga) = self.saga(number) {
            let next = self.tenant.ambient.borrow_mut().keep(number, saga.instance, BTreeSet::new());
            for (number, step, attempt) in next {
                self.tenant.hub.tell(number, Event::Woke { step, attempt });
            }
        }
        let finished = Finished { number, was, word: state.word(), end: Some((end, state.at)) };
        self.handle(finished, ctx);
    }
}

/// How long something rests after so many strikes.
fn backoff(strikes: usize) -> Duration {
    let doublings = u32::try_from(strikes.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    BACKOFF.saturating_mul(1 << doublings)
}

impl Handler<Struck> for Service {
    type Result = ();

    fn handle(&mut self, struck: Struck, ctx: &mut Context<Self>) {
        let Struck { over, robot, doing, died } = struck;
        let word = robot.split('.').next().unwrap_or_default().to_owned();
        metrics::counter!("xops_panics_total", "robot" => word).increment(1);
        tracing::warn!(what = %over, robot, doing, "a panic: it is written down and tried again");
        if !self.tenant.hub.writes() {
            return;
        }
        self.write(What::Struck { over: over.clone(), robot, doing }, ctx);
        match over {
            // It is read back when the strike is durable: then everything that it handed over is, too.
            Culprit::Instance(number) if died && self.state.running.contains_key(&number) => {
                self.mending.all.insert(number);
                if let Some((_, _, mend)) = self.outstanding.back_mut() {
                    *mend = Some(number);
                }
            }
            Culprit::Request(id) if !self.state.is_aside(&Culprit::Request(id)) => {
                let strikes = self.state.strikes_of(&Culprit::Request(id));
                ctx.run_later(backoff(strikes), move |robot, ctx| {
                    robot.perform(xops_robots::service::Effect::Compile(id), ctx);
                });
            }
            _ => {}
        }
    }
}

impl Handler<WentAside> for Service {
    type Result = ();

    fn handle(&mut self, WentAside { number, state }: WentAside, ctx: &mut Context<Self>) {
        self.logs.insert(number, state);
        if self.is_aside(number) {
            self.show_parked(number);
        } else {
            self.drive(number, ctx);
        }
    }
}

impl Handler<Free> for Service {
    type Result = Result<Freed, String>;

    fn handle(&mut self, Free { over, by, turn }: Free, ctx: &mut Context<Self>) -> Self::Result {
        if !self.state.is_aside(&over) {
            return Ok(Freed::WasNotAside);
        }
        if let (Culprit::Instance(number), Some(why)) = (&over, turn) {
            let turned = Event::Turned { why, by: Some(by.clone()) };
            self.coming.entry(*number).or_default().events.push_back(turned);
        }
        if let Culprit::Instance(number) = &over {
            self.show_unparked(*number);
        }
        self.write(What::Freed { over: over.clone(), by }, ctx);
        self.show_aside();
        match over {
            // One that lies on the shelf hears that it was interrupted, which sets its timers again.
            Culprit::Instance(number) if self.state.shelved.contains_key(&number) => {
                self.coming.entry(number).or_default().resume = true;
                self.fetch(number);
            }
            Culprit::System(system) => {
                if let Err(error) = self.supervisor.try_send(crate::supervisor::Again(system)) {
                    return Err(format!("the supervisor is overloaded: {error}; try again"));
                }
            }
            _ => {}
        }
        Ok(Freed::GoesOn)
    }
}
