//! The actor of an instance: the saga machine in a thin shell.
//!
//! Invariants: durable first, then done: what an event asks for is performed after the acknowledgement of every entry behind
//! it, and no second event is judged before that. The events that follow from one event travel in the same frame. One that only
//! waits (for a time, an event, a person) and holds nothing leaves memory; one that comes back goes on from the same state.

pub(crate) mod aside;
pub(crate) mod parking;

use crate::letter::Finished;
use crate::platform::{Job, Reply};
use crate::sheet;
use crate::supervisor::{Child, Obituary, Supervisor};
use crate::tenant::Tenant;
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use xops_journal::subjects::Subject;
use xops_kernel::gate;
use xops_kernel::id::{Direction, StepId};
use xops_kernel::log::{Entry, Number};
use xops_kernel::machine::Machine;
use xops_kernel::port::Phase;
use xops_kernel::record::Millis;
use xops_kernel::saga::Saga;
use xops_kernel::saga::decide::Rendered;
use xops_kernel::saga::event::{Effect, Event, Stamped};
use xops_kernel::saga::state::{Course, Stage, State};
use xops_robots::platform::bucket::Urgency;

/// How many messages the mailbox of an instance holds.
pub const MAILBOX: usize = 64;
/// How many answers may wait while an acknowledgement is outstanding: more than a plan's width can have under way.
const INPUTS_MAX: usize = 8_192;
/// How many events may follow from one: a plan of that many no-ops is decided in one frame.
const FOLLOWING_MAX: usize = 65_536;

/// The actor.
pub struct Instance {
    tenant: Rc<Tenant>,
    saga: Saga,
    number: Number,
    subject: Option<Subject>,
    state: State,
    /// What is to be done once everything that was handed over is durable.
    held: Vec<Effect>,
    /// The calls among it, as they were rendered.
    rendered: Vec<Rendered>,
    /// Entries that were handed over and not acknowledged.
    outstanding: u32,
    /// The time of the event that is being taken.
    now: Millis,
    inputs: VecDeque<Event>,
    word: &'static str,
    has_locks: bool,
    /// What it takes first.
    first: VecDeque<Event>,
    /// Counts what it took: what was arranged at an earlier turn does not hold any more.
    turn: u64,
    /// The newest snapshot that it handed its state in for.
    cut: u64,
    deaf: bool,
    leaving: Leaving,
    obituary: Obituary,
}

/// Whether an actor leaves memory before its instance is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// It does not.
    Stays,
    /// It is set aside as soon as all that it handed over is durable.
    Aside,
    /// It left: somebody else has its state, and it let go of nothing.
    Left,
}

/// What the actor of an instance begins with.
pub(crate) struct Launched {
    pub(crate) saga: Saga,
    pub(crate) number: Number,
    pub(crate) subject: Option<Subject>,
    pub(crate) state: State,
    /// The word under which it counts already; empty for none.
    pub(crate) word: &'static str,
    /// What it takes first.
    pub(crate) first: VecDeque<Event>,
}

/// Something happened that an instance waits for.
pub struct Input(pub Event);

impl Message for Input {
    type Result = ();
}

/// So many entries are durable.
pub struct Durable(pub u32);

impl Message for Durable {
    type Result = ();
}

/// Asks for the state.
pub struct Show;

impl Message for Show {
    type Result = State;
}

impl Instance {
    /// Starts the actor of an instance in `state`, and lets it take `first`: that it started, that it was resumed, what it was
    /// brought back for.
    pub(crate) fn launch(tenant: &Rc<Tenant>, launched: Launched, supervisor: &Addr<Supervisor>) {
        let Launched { saga, number, subject, state, word, first } = launched;
        let has_locks = saga.plan.steps.iter().any(|step| {
            [Direction::Forward, Direction::Backward]
                .iter()
                .filter_map(|direction| saga.contract(step, *direction))
                .any(|contract| !contract.locks.is_empty())
        });
        let actor = Self {
            tenant: Rc::clone(tenant),
            saga,
            number,
            subject,
            word,
            state,
            held: Vec::new(),
            rendered: Vec::new(),
            outstanding: 0,
            now: 0,
            inputs: VecDeque::new(),
            has_locks,
            first,
            turn: 0,
            cut: tenant.hub.cutting.id(),
            deaf: false,
            leaving: Leaving::Stays,
            obituary: Obituary::new(Child::Instance(number), supervisor.clone()),
        };
        let address = Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            actor
        });
        tenant.hub.register(number, address);
    }

    /// Believes one event and hands it over. An event that does not fit is dropped: it answers something that is over.
    fn believe(&mut self, event: Event) -> bool {
        self.deposit();
        let stamped = Stamped { at: self.now.max(self.state.at), event };
        match self.saga.step(&mut self.state, &stamped, &mut self.held) {
            Ok(()) => {
                self.meter(&stamped);
                if let Event::Ended { end } = stamped.event {
                    self.tenant.hub.cutting.ended(self.number, end, stamped.at);
                }
                self.tenant.hub.append(Entry::Instance(self.number, stamped), self.subject);
                self.outstanding += 1;
                true
            }
            Err(refused) => {
                tracing::debug!(number = self.number, event = stamped.event.word(), %refused, "an event came late");
                false
            }
        }
    }

    /// Counts compensations by how they ended.
    fn meter(&self, stamped: &Stamped) {
        let Some(id) = stamped.event.step() else { return };
        let Some(run) = self.state.steps.get(usize::from(id.0)) else { return };
        if run.direction == Direction::Backward && matches!(run.stage, Stage::Undone | Stage::Stuck) {
            let step = self.saga.plan.step(id);
            let awf =
                step.and_then(|step| self.saga.awf(step, Direction::Backward)).map(|awf| awf.to_string());
            let result = run.stage.word();
            metrics::counter!("xops_compensations_total", "awf" => awf.unwrap_or_default(), "result" => result)
                .increment(1);
        }
    }

    /// Takes one event, and everything that follows from it without asking anybody.
    fn take(&mut self, event: Event) {
        // One time for all that follows from one event: it happens at once, and the clock costs as much as a step of the machine.
        self.now = self.tenant.hub.clock.now();
        self.turn += 1;
        self.obituary.does(event.word());
        if self.believe(event) {
            self.follow();
        }
    }

    /// What follows from the state without asking anybody.
    fn follow(&mut self) {
        for _ in 0..FOLLOWING_MAX {
            let mut rendered = None;
            let decided = self.saga.decide_call(&self.state, &mut rendered).map(|decided| decided.event);
            let Some(event) = decided.or_else(|| self.judge_at_once()) else { break };
            if !self.believe(event) {
                break;
            }
            self.rendered.extend(rendered);
        }
        if self.has_locks {
            self.keep_locks();
        }
    }

    /// The verdict on a step whose facts are all at hand: nobody has to be asked, so it travels in the same frame.
    fn judge_at_once(&mut self) -> Option<Event> {
        let at = self.held.iter().position(|effect| matches!(effect, Effect::Confirm { .. }))?;
        let Effect::Confirm { step, dir, attempt } = self.held[at] else { return None };
        let sheet = self.sheet(step)?;
        if !sheet.unknown.is_empty() {
            return None;
        }
        self.held.swap_remove(at);
        let verdict = gate::judge(dir, &sheet);
        Some(Event::Judged { step, dir, attempt, sheet, verdict })
    }

    fn sheet(&self, step: StepId) -> Option<gate::Sheet> {
        let step = self.saga.plan.step(step)?;
        Some(sheet::fill(&self.tenant, &self.saga, self.number, &self.state, step, self.now))
    }

    fn keep_locks(&mut self) {
        let holds = self.saga.holds(&self.state);
        self.hold(holds);
    }

    /// Notes what is held now, and wakes whoever is next for what is not held any more.
    fn hold(&self, holds: BTreeSet<String>) {
        let next = self.tenant.ambient.borrow_mut().keep(self.number, self.saga.instance, holds);
        for (number, step, attempt) in next {
            self.tenant.hub.tell(number, Event::Woke { step, attempt });
        }
    }

    /// A step that rests because another instance holds its lock is woken when the lock is free.
    fn await_locks(&self, step: StepId, attempt: u32) {
        let Some(planned) = self.saga.plan.step(step) else { return };
        let run = &self.state.steps[usize::from(step.0)];
        let locks = self.saga.locks(&self.state, planned, run.direction);
        let mut ambient = self.tenant.ambient.borrow_mut();
        let taken: Vec<_> = locks
            .into_iter()
            .filter(|lock| ambient.locks.get(lock).is_some_and(|(holder, _)| *holder != self.number))
            .collect();
        for lock in taken {
            ambient.wait(lock, (self.number, step, attempt));
        }
    }

    /// Everything handed over is durable: now it is done.
    fn perform(&mut self, ctx: &mut Context<Self>) {
        self.obituary.does("acting on what is durable");
        let mut held = std::mem::take(&mut self.held);
        for effect in held.drain(..) {
            // What was asked for and then given up within one frame is not done at all.
            if self.saga.still_wants(&self.state, &effect) {
                self.do_one(effect, ctx);
            }
        }
        // Its memory is used again: doing asks for nothing new before this turn is over.
        debug_assert!(self.held.is_empty(), "nothing is believed while what was asked for is done");
        self.held = held;
        // A call that was given up is not kept either.
        self.rendered.clear();
        self.report();
        if matches!(self.state.course, Course::Ended(_)) {
            self.deaf = true;
            ctx.stop();
        } else if self.inputs.is_empty() && self.outstanding == 0 {
            self.rest();
        }
    }

    fn do_one(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Wake { step, attempt, at, .. } => {
                if self.has_locks {
                    self.await_locks(step, attempt);
                }
                self.tenant.hub.wake(at, self.number, step, attempt);
            }
            Effect::Confirm { step, dir, attempt } => self.confirm(step, dir, attempt, ctx),
            Effect::Look { step, dir, phase, attempt } => self.fire(step, dir, phase, attempt, ctx),
            Effect::Call { step, dir, attempt, .. } => {
                assert_eq!(
                    self.outstanding, 0,
                    "a call goes only after everything handed over before it is durable"
                );
                self.tenant.hub.count_asserted();
                self.fire(step, dir, Phase::Do, attempt, ctx);
            }
        }
    }

    /// Facts are missing: the systems behind them are read again, then the gate judges on what there is.
    fn confirm(&mut self, step: StepId, dir: Direction, attempt: u32, ctx: &mut Context<Self>) {
        self.now = self.tenant.hub.clock.now();
        let Some(sheet) = self.sheet(step) else { return };
        let systems = sheet::systems_behind(&self.tenant, &self.saga.plan.kind, &sheet.unknown);
        let tenant = Rc::clone(&self.tenant);
        let me = ctx.address();
        let refresh = async move {
            crate::dataops::refresh(&tenant, systems).await;
            let _mailbox_full = me.try_send(Judge { step, dir, attempt });
        };
        ctx.spawn(refresh.into_actor(self));
    }

    fn fire(&mut self, step: StepId, dir: Direction, phase: Phase, attempt: u32, ctx: &mut Context<Self>) {
        let Some(planned) = self.saga.plan.step(step) else { return };
        let reply = Reply::to_instance(ctx.address(), self.number, phase, step, attempt);
        let (Some(awf), Some(contract)) = (Saga::function(planned, dir), self.saga.contract(planned, dir))
        else {
            return drop(reply);
        };
        // A call was rendered when it was decided, and its digest is durable: that very request is sent.
        let call = self
            .rendered
            .iter()
            .position(|call| phase == Phase::Do && call.step == step && call.attempt == attempt);
        let (key, inputs, request) = match call.map(|at| self.rendered.swap_remove(at)) {
            Some(call) => (call.key, call.inputs, Some(call.request)),
            None => match self.saga.key(&self.state, step) {
                Some(key) => (key, self.saga.inputs(&self.state, planned, dir), None),
                None => return drop(reply),
            },
        };
        let run = &self.state.steps[usize::from(step.0)];
        let job = Job {
            awf: awf.clone(),
            phase,
            inputs,
            key,
            request,
            snapshot: self.saga.snapshot(run).clone(),
            outputs: if phase == Phase::Readback {
                run.outputs.clone()
            } else {
                std::collections::BTreeMap::default()
            },
            timeout_ms: contract.timeout_ms,
            urgency: if dir == Direction::Backward { Urgency::Urgent } else { Urgency::Ordinary },
            reply,
        };
        // A job that is not taken answers by itself when it is dropped.
        if let Some(robot) = self.tenant.robots.borrow().platform.get(&job.awf.system) {
            let _not_taken = robot.try_send(job);
        }
    }

    fn report(&mut self) {
        let word = self.state.word();
        if word == self.word {
            return;
        }
        let end = match self.state.course {
            Course::Ended(end) => Some((end, self.state.at)),
            _ => None,
        };
        let finished = Finished { number: self.number, was: self.word, word, end };
        self.word = word;
        if let Some(service) = self.tenant.hub.service()
            && service.try_send(finished).is_err()
        {
            tracing::error!(
                number = self.number,
                "the Service robot's mailbox is full: a report is lost until the next start"
            );
        }
    }
}

impl Actor for Instance {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Recovery is the same fold as running: what is outstanding is what the state wants, after what was sent became unknown.
        // Timers that are set stay set, so what is brought back does not set them again.
        let resumed = self.first.front().is_some_and(|first| matches!(first, Event::Resumed { .. }));
        let wanted = self.saga.wanted(&self.state);
        self.held = wanted.into_iter().filter(|it| resumed || !matches!(it, Effect::Wake { .. })).collect();
        let mut first = std::mem::take(&mut self.first);
        while self.outstanding == 0
            && let Some(event) = first.pop_front()
        {
            self.take(event);
        }
        self.inputs = first;
        if self.outstanding == 0 {
            // Nothing of it was news, or somebody only wants to look: it stays a moment for what may follow.
            self.rest_later(ctx);
        }
    }

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        if self.leaving == Leaving::Left {
            return;
        }
        self.tenant.hub.forget(self.number);
        if self.has_locks {
            self.hold(BTreeSet::new());
        }
    }
}

impl Handler<Input> for Instance {
    type Result = ();

    fn handle(&mut self, Input(event): Input, _ctx: &mut Context<Self>) {
        if self.deaf {
            return;
        }
        self.turn += 1;
        if self.outstanding > 0 {
            assert!(
                self.inputs.len() < INPUTS_MAX,
                "an instance has fewer answers outstanding than its plan has steps"
            );
            self.inputs.push_back(event);
        } else {
            self.take(event);
        }
    }
}

impl Handler<Durable> for Instance {
    type Result = ();

    fn handle(&mut self, Durable(count): Durable, ctx: &mut Context<Self>) {
        self.outstanding = self.outstanding.saturating_sub(count);
        if self.outstanding > 0 {
            return;
        }
        if self.leaving == Leaving::Aside && !matches!(self.state.course, Course::Ended(_)) {
            return self.step_aside(ctx);
        }
        self.perform(ctx);
        while self.outstanding == 0 && !self.deaf {
            match self.inputs.pop_front() {
                Some(event) => self.take(event),
                None => break,
            }
        }
    }
}

impl Handler<Show> for Instance {
    type Result = actix::MessageResult<Show>;

    fn handle(&mut self, _: Show, _ctx: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.state.clone())
    }
}

/// The facts were read again: judge.
struct Judge {
    step: StepId,
    dir: Direction,
    attempt: u32,
}

impl Message for Judge {
    type Result = ();
}

impl Handler<Judge> for Instance {
    type Result = ();

    fn handle(&mut self, Judge { step, dir, attempt }: Judge, ctx: &mut Context<Self>) {
        self.now = self.tenant.hub.clock.now();
        if let Some(sheet) = self.sheet(step) {
            let verdict = gate::judge(dir, &sheet);
            self.handle(Input(Event::Judged { step, dir, attempt, sheet, verdict }), ctx);
        }
    }
}
