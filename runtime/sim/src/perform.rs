//! What the shell does for each effect, and what the systems, the gate and the people do with it.

use crate::account;
use crate::door::Said;
use crate::driver::{Item, Play, Reply};
use crate::fault::Fault;
use crate::model::TIMEOUT_MS;
use crate::systems::Sight;
use xops_kernel::awf::Ambiguity;
use xops_kernel::gate::{self, Changed, Sheet};
use xops_kernel::id::{Direction, StepId};
use xops_kernel::port::{Ask, Outcome, Page, Phase, Request, Response};
use xops_kernel::saga::Saga;
use xops_kernel::saga::decide::Rendered;
use xops_kernel::saga::event::{Effect, Event, Release};
use xops_kernel::saga::state::{Course, Stage};
use xops_kernel::value::Values;
use xops_robots::platform::bucket::Urgency;

/// Pages of one lookup.
const PAGES_MAX: usize = 100;

impl Play {
    /// Does what an effect says, once the doors let it through; a call is sent as it was rendered when it was decided.
    pub(crate) fn perform(&mut self, slot: usize, effect: Effect, rendered: &mut Option<Rendered>) {
        if self.setup.model.has_doors() && !self.passes(slot, effect, rendered) {
            return;
        }
        match effect {
            Effect::Confirm { step, dir, attempt } => {
                let (at, epoch) = (self.now + self.waits.between(1, 50), self.epoch);
                self.put(at, Item::Judge { slot, epoch, step, dir, attempt });
            }
            Effect::Look { step, dir, phase, attempt } => self.look(slot, step, dir, phase, attempt),
            Effect::Call { step, dir, attempt, generation } => {
                let called = rendered.take().filter(|call| (call.step, call.attempt) == (step, attempt));
                self.call(slot, (step, dir, attempt, generation), called);
            }
            Effect::Wake { step, attempt, at, .. } => self.arrive(at, slot, Event::Woke { step, attempt }),
        }
    }

    /// Whether an effect may go now. One that may not is put off; one for a system that is held to be down is answered so, as the
    /// Platform robot does.
    fn passes(&mut self, slot: usize, effect: Effect, rendered: &mut Option<Rendered>) -> bool {
        let (step, dir, phase, attempt) = match effect {
            Effect::Look { step, dir, phase, attempt } => (step, dir, phase, attempt),
            Effect::Call { step, dir, attempt, .. } => (step, dir, Phase::Do, attempt),
            Effect::Confirm { .. } | Effect::Wake { .. } => return true,
        };
        let model = self.setup.model.clone();
        let request = match rendered.as_ref().filter(|_| phase == Phase::Do) {
            Some(call) => Some(call.request.clone()),
            None => self.ask(slot, step, dir, phase, None, |ask| model.render(ask).ok()).flatten(),
        };
        // What cannot be rendered is told by whoever makes it.
        let Some(request) = request else { return true };
        let urgency = if dir == Direction::Backward { Urgency::Urgent } else { Urgency::Ordinary };
        let whose = (slot, step, attempt);
        match self.doors.admit(&*model, whose, &request, urgency, self.now) {
            Said::Go => true,
            Said::Wait(until) => {
                let (epoch, rendered) = (self.epoch, rendered.take().map(Box::new));
                self.put(until, Item::Due { slot, epoch, effect, rendered });
                false
            }
            Said::Shut => {
                let outcome = Outcome::Transient(format!("the breaker of `{}` is open", request.system));
                let event = match phase {
                    Phase::Do => Event::Answered { step, attempt, outcome },
                    _ => Event::Missed { step, attempt, phase, outcome },
                };
                self.arrive(self.now + 1, slot, event);
                false
            }
        }
    }

    /// Tells the door that a request of a step is over.
    pub(crate) fn leaves(&mut self, slot: usize, event: &Event) {
        let fine = Outcome::Ok(Values::new());
        let (step, attempt, outcome) = match event {
            Event::Sighted { step, attempt, .. } => (step, attempt, &fine),
            Event::Missed { step, attempt, outcome, .. } | Event::Answered { step, attempt, outcome } => {
                (step, attempt, outcome)
            }
            _ => return,
        };
        self.doors.finished((slot, *step, *attempt), outcome, self.now);
    }

    /// Whether the system of a step is down now.
    fn is_down(&mut self, slot: usize, step: StepId, dir: Direction) -> bool {
        let plan = &self.instances[slot].saga.plan;
        let Some(awf) = plan.step(step).and_then(|planned| Saga::function(planned, dir)) else {
            return false;
        };
        if !self.setup.model.has_doors() {
            return false;
        }
        let system = awf.system.clone();
        if self.strikes(Fault::Outage) {
            let until = self.now + self.waits.between(5_000, 60_000);
            self.outages.insert(system.clone(), until);
        }
        self.outages.get(&system).is_some_and(|until| *until > self.now)
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.throws.strikes(fault, &mut self.faults)
    }

    /// The gate's sheet, read at the moment of the verdict.
    pub(crate) fn judge(&mut self, slot: usize, step: StepId, dir: Direction, attempt: u32) -> Event {
        let mut sheet = Sheet { oldest_read: self.now, ..Sheet::default() };
        if self.setup.paused.contains(&(slot, step)) || self.strikes(Fault::Paused) {
            sheet.paused = Some("system sim".into());
        }
        if self.strikes(Fault::BreakerOpen) {
            sheet.breaker_until = Some(self.now + self.waits.between(1, 30_000));
        }
        if self.strikes(Fault::FactChanged) {
            sheet.changed.push(Changed { what: "person.title".into(), now: None });
        }
        let instance = &self.instances[slot];
        let awf = instance.saga.plan.step(step).and_then(|planned| Saga::function(planned, dir));
        let shut = awf.and_then(|awf| self.doors.open_until(&awf.system, self.now));
        sheet.breaker_until = sheet.breaker_until.max(shut);
        let needs = match instance.saga.plan.step(step) {
            Some(planned) => instance.saga.locks(&instance.state, planned, dir),
            None => Vec::new(),
        };
        // Most steps need no lock, and then nobody's are looked up.
        let holder = self.instances.iter().filter(|_| !needs.is_empty()).find(|other| {
            let held = other.saga.holds(&other.state);
            needs.iter().any(|lock| held.contains(lock))
        });
        sheet.locked_by = holder.map(|holder| holder.saga.instance.to_string());
        let verdict = gate::judge(dir, &sheet);
        Event::Judged { step, dir, attempt, sheet, verdict }
    }

    /// Runs `with` on the question of a phase, as the shell would put it; `inputs` are bound anew where they are not given.
    fn ask<T>(
        &self,
        slot: usize,
        step: StepId,
        dir: Direction,
        phase: Phase,
        inputs: Option<&Values>,
        with: impl FnOnce(&Ask<'_>) -> T,
    ) -> Option<T> {
        let instance = &self.instances[slot];
        let (saga, state) = (&instance.saga, &instance.state);
        let planned = saga.plan.step(step)?;
        let awf = Saga::function(planned, dir)?;
        let run = state.steps.get(usize::from(step.0))?;
        let empty = Values::new();
        let key = saga.key(state, step)?;
        let bound = if inputs.is_none() { saga.inputs(state, planned, dir) } else { Values::new() };
        Some(with(&Ask {
            system: saga.shared.systems.get(&awf.system).unwrap_or(&empty),
            awf,
            phase,
            inputs: inputs.unwrap_or(&bound),
            key,
            snapshot: saga.snapshot(run),
            outputs: &run.outputs,
            carry: &empty,
        }))
    }

    fn lag_and_delay(&self, slot: usize, step: StepId, dir: Direction) -> (u64, u64) {
        let saga = &self.instances[slot].saga;
        let awf = saga.plan.step(step).and_then(|planned| Saga::function(planned, dir));
        awf.map_or((0, 0), |awf| self.setup.model.lag_and_delay(awf))
    }

    fn look(&mut self, slot: usize, step: StepId, dir: Direction, phase: Phase, attempt: u32) {
        let took = self.waits.between(2, 200);
        let (lag_ms, _) = self.lag_and_delay(slot, step, dir);
        let stale = lag_ms > 0 && self.strikes(Fault::StaleRead);
        let lag = if stale { lag_ms } else { self.waits.below(lag_ms / 4 + 1) };
        // The lookup reaches the system at once: the past that it sees is fixed before anything else happens.
        let seen_at = self.now.saturating_sub(lag);
        let model = self.setup.model.clone();
        let failure = if self.is_down(slot, step, dir) {
            Some(model.refuses(503, "not executed"))
        } else if self.strikes(Fault::LookupAuthExpired) {
            Some(model.refuses(401, ""))
        } else if self.strikes(Fault::LookupUnclear) {
            Some(model.refuses(200, "<html>\n"))
        } else if self.strikes(Fault::LookupFailed) {
            Some(model.refuses([429, 503, 500][self.waits.place(3)], "900"))
        } else {
            None
        };
        if let Some(response) = &failure {
            self.doors.heard((slot, step, attempt), response, self.now);
        }
        let doors = model.has_doors();
        let sight = Sight { at: seen_at, others: doors && self.strikes(Fault::OthersShown) };
        // A list may fail on any of its pages.
        let fails_at = if doors && failure.is_some() { self.waits.place(2) } else { 0 };
        let failure = failure.map(|failure| (fails_at, failure));
        let event = match self.pages(slot, (step, dir, phase), sight, failure.as_ref()) {
            Page::Over(sighting) => Event::Sighted { step, attempt, phase, sighting },
            Page::Failed(outcome) => Event::Missed { step, attempt, phase, outcome },
            Page::More(..) => {
                let outcome = Outcome::Invalid("the lookup does not come to an end".into());
                Event::Missed { step, attempt, phase, outcome }
            }
        };
        self.arrive(self.now + took, slot, event);
    }

    /// What a lookup comes to after all its pages, of which one may fail.
    fn pages(
        &self,
        slot: usize,
        (step, dir, phase): (StepId, Direction, Phase),
        sight: Sight,
        failure: Option<&(usize, Response)>,
    ) -> Page {
        let (model, world) = (&self.setup.model, &self.world);
        let (mut next, mut carry): (Option<Box<Request>>, Values) = (None, Values::new());
        for page in 0..PAGES_MAX {
            let fails = failure.filter(|(at, _)| *at == page).map(|(_, failure)| failure);
            let seen = self.ask(slot, step, dir, phase, None, |ask| {
                let ask = Ask { carry: &carry, ..*ask };
                let request = match next.take() {
                    Some(request) => *request,
                    None => match model.render(&ask) {
                        Ok(request) => request,
                        Err(unrendered) => return Page::Failed(Outcome::Invalid(unrendered.to_string())),
                    },
                };
                match fails {
                    Some(failure) => model.sight(&ask, failure),
                    None => model.sight(&ask, &model.look(world, &request, sight)),
                }
            });
            match seen {
                Some(Page::More(request, carried)) => (next, carry) = (Some(request), carried),
                Some(over) => return over,
                None => return Page::Failed(Outcome::Invalid("there is no such lookup".into())),
            }
        }
        Page::Failed(Outcome::Invalid("the lookup does not come to an end".into()))
    }

    fn call(
        &mut self,
        slot: usize,
        (step, dir, attempt, generation): (StepId, Direction, u32, u32),
        rendered: Option<Rendered>,
    ) {
        let Some(Rendered { key, inputs, request, .. }) = rendered else {
            self.violations.push(format!("a call was wanted that nobody rendered: step {step:?}"));
            return;
        };
        let digest = request.digest(&crate::plans::KEY);
        let intended = Event::Intended { step, dir, attempt, generation, request: digest };
        let log = &self.instances[slot].log;
        if !log.iter().rev().flatten().any(|stamped| stamped.event == intended) {
            self.violations.push(format!("a call was sent before its intent was durable: {intended:?}"));
        }
        let call = key.to_string();
        self.calls.insert(call.clone(), (slot, step, dir));
        let reply = Reply {
            slot,
            epoch: self.epoch,
            step,
            dir,
            attempt,
            after_ms: self.waits.between(1, 150),
            inputs,
        };
        let nth = self.sent.entry((slot, step, dir)).or_default();
        *nth += 1;
        let scripted = self.setup.script.get(&(slot, step, dir, *nth)).copied();
        if let Some(fault) = scripted {
            self.throws.count(fault);
            self.doomed = Some(fault).filter(|fault| matches!(fault, Fault::Killed | Fault::LongDown));
        }
        if let Some(response) = self.refuses(slot, step, dir, scripted) {
            let at = self.now + reply.after_ms;
            self.put(at, Item::Back { reply, response });
            return;
        }
        self.send(request, call, reply, scripted);
    }

    /// An error that is answered before anything is executed.
    fn refuses(
        &mut self,
        slot: usize,
        step: StepId,
        dir: Direction,
        scripted: Option<Fault>,
    ) -> Option<Response> {
        if self.setup.rejects.contains(&(slot, step, dir)) {
            self.throws.count(Fault::Reject);
            return Some(self.setup.model.refuses(422, "it is refused whenever it comes"));
        }
        if self.is_down(slot, step, dir) {
            return Some(self.setup.model.refuses(503, "not executed"));
        }
        let faults = [
            (Fault::Reject, 422, "it says nonsense"),
            (Fault::RateLimited, 429, "1500"),
            (Fault::RateLimitedUntimed, 429, ""),
            (Fault::NotExecuted, 503, "not executed"),
            (Fault::AuthExpired, 401, ""),
        ];
        let hit = faults.into_iter().find(|(fault, _, _)| match scripted {
            Some(scripted) => scripted == *fault,
            None => self.strikes(*fault),
        });
        hit.map(|(_, status, why)| self.setup.model.refuses(status, why))
    }

    /// What the network does with a call that the system would take.
    fn send(&mut self, request: Request, call: String, reply: Reply, scripted: Option<Fault>) {
        let (_, delay_ms) = self.lag_and_delay(reply.slot, reply.step, reply.dir);
        let arrives = self.now + self.waits.between(1, 150);
        let gives_up = self.now + TIMEOUT_MS;
        let outcome = Outcome::Unknown("no answer in time".into());
        let lost = Event::Answered { step: reply.step, attempt: reply.attempt, outcome };
        let faults = [Fault::TimeoutBefore, Fault::TimeoutAfter, Fault::Delayed, Fault::Reset];
        let can = |fault| fault != Fault::Delayed || delay_ms > 0;
        let hit = faults.into_iter().filter(|fault| can(*fault)).find(|fault| match scripted {
            Some(scripted) => scripted == *fault,
            None => self.strikes(*fault),
        });
        match hit {
            Some(Fault::TimeoutBefore) => self.arrive(gives_up, reply.slot, lost),
            Some(Fault::TimeoutAfter) => {
                self.put(arrives, Item::Land { request, call, reply: None });
                self.arrive(gives_up, reply.slot, lost);
            }
            Some(Fault::Delayed) => {
                let late = if scripted.is_some() { delay_ms } else { self.waits.below(delay_ms) };
                self.put(gives_up + late, Item::Land { request, call, reply: None });
                self.arrive(gives_up, reply.slot, lost);
            }
            Some(Fault::Reset) => {
                if self.waits.chance(500) {
                    self.put(arrives, Item::Land { request, call, reply: None });
                }
                self.arrive(arrives + 1, reply.slot, lost);
            }
            _ => {
                let again = self.may_come_twice(&reply) && self.strikes(Fault::SentTwice);
                let second =
                    again.then(|| Item::Land { request: request.clone(), call: call.clone(), reply: None });
                self.put(arrives, Item::Land { request, call, reply: Some(reply) });
                if let Some(second) = second {
                    self.put(arrives, second);
                }
            }
        }
    }

    /// Whether a network may bring a call twice and no harm be done: its contract says that it may be sent again, or that a second
    /// one cannot double. Of the others a network that does so would double the effect, whoever sends it.
    fn may_come_twice(&self, reply: &Reply) -> bool {
        let saga = &self.instances[reply.slot].saga;
        let contract = saga.plan.step(reply.step).and_then(|planned| saga.contract(planned, reply.dir));
        let safe =
            |ambiguity| matches!(ambiguity, Ambiguity::Resend { .. } | Ambiguity::Probe { unique: true, .. });
        self.setup.model.has_doors() && contract.is_some_and(|contract| safe(contract.ambiguity))
    }

    pub(crate) fn classified(&self, reply: &Reply, response: &Response) -> Event {
        let Reply { slot, step, dir, attempt, .. } = *reply;
        let model = &self.setup.model;
        let outcome =
            self.ask(slot, step, dir, Phase::Do, Some(&reply.inputs), |ask| model.classify(ask, response));
        let outcome = outcome.unwrap_or_else(|| Outcome::Unknown("nobody can tell".into()));
        Event::Answered { step, attempt, outcome }
    }

    /// A person looks after the next thing that waits for one, a minute later; false if nothing does. It is one thing at a time, because
    /// what follows from it happens before the next: a clock that several persons moved on would be set back by it, and what
    /// counts by it (the life of a key) would count less than passed.
    pub(crate) fn people(&mut self) -> bool {
        for _ in 0..self.instances.len() {
            let slot = self.next_looked_after;
            self.next_looked_after = (slot + 1) % self.instances.len();
            let instance = &self.instances[slot];
            if matches!(instance.state.course, Course::Ended(_)) {
                continue;
            }
            let waits = |stage| matches!(stage, Stage::Parked | Stage::Stuck);
            let Some(at) = instance.state.steps.iter().position(|run| waits(run.stage)) else { continue };
            let step = StepId(u16::try_from(at).unwrap_or(u16::MAX));
            let how = self.advice(slot, step);
            self.released.insert((slot, step));
            if how != Release::Retry {
                self.decided.insert((slot, step));
            }
            self.now += 60_000;
            self.deliver(slot, Event::Released { step, by: "someone".into(), how });
            return true;
        }
        false
    }

    /// What a person says who looked at the system itself.
    fn advice(&mut self, slot: usize, step: StepId) -> Release {
        let instance = &self.instances[slot];
        let run = &instance.state.steps[usize::from(step.0)];
        let (saga, scene) = (&instance.saga, &self.setup.scenes[slot]);
        let Some(planned) = saga.plan.step(step) else { return Release::Failed };
        let contract = saga.contract(planned, run.direction);
        let blind =
            contract.is_some_and(|contract| contract.ambiguity == Ambiguity::Park || !contract.snapshot);
        if self.persons.chance(400) && !(blind && run.ambiguous) {
            return Release::Retry;
        }
        let forward = account::achieved(&self.world, planned);
        let backward = account::undone(&self.world, planned, scene);
        match run.direction {
            Direction::Forward if forward => Release::Done,
            Direction::Backward if backward => Release::Done,
            Direction::Forward | Direction::Backward => Release::Failed,
        }
    }
}
