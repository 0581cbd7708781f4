//! The actor of the Service robot: the machine of `xops_robots::service` in a thin shell.
//!
//! Invariants: a number is given to an instance once, at the moment in which its plan is handed over; an instance begins behind
//! its plan in the same journal, whose order is what makes the plan durable before anything that the instance does;
//! compilations run side by side within a bound and answer in the order in which they end; a compilation that panics is one, and
//! not the robot.
//!
//! It is long because every letter to the robot is answered here, where it can be seen what each does to the journal.

mod drift;
mod fire;
mod look;
mod overtake;
mod parking;
mod resume;
mod who;

use crate::card::Live;
use crate::instance::{Instance, Launched};
use crate::letter::{Await, Begin, Durable, Erase, Finished, Granted, Note, Stand, Struck, Submit, Watch};
use crate::supervisor::{Child, Obituary, Supervisor};
use crate::tenant::Tenant;
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WrapFuture};
use futures_util::FutureExt;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use xops_journal::stored;
use xops_kernel::culprit::Culprit;
use xops_kernel::id::{InstanceId, RequestId};
use xops_kernel::log::{Entry, Happened, Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::State as SagaState;
use xops_robots::service::{Answer, Effect, State};

/// How many compilations run at once.
const COMPILING_MAX: usize = 64;
/// How many messages the robot's mailbox holds.
const MAILBOX: usize = 262_144;

/// The actor.
pub struct Service {
    tenant: Rc<Tenant>,
    state: State,
    /// What is to be done when each entry that was handed over is durable: what it asks for, whose answer it is, and which instance is
    /// read back then.
    outstanding: VecDeque<(Vec<Effect>, Option<RequestId>, Option<Number>)>,
    plans: HashMap<Number, Known>,
    /// The states of those that recovery found or that were read back, until they are driven; and of those that are set aside.
    logs: HashMap<Number, SagaState>,
    mending: fire::Mending,
    /// Those that recovery found and whose turn has not come.
    resuming: BTreeSet<Number>,
    /// What came for instances that are not in memory, until they are.
    coming: HashMap<Number, Coming>,
    overtaking: overtake::Overtaking,
    judging: who::Judging,
    breakers: BTreeMap<String, Millis>,
    words: BTreeMap<&'static str, u64>,
    word_of: HashMap<Number, &'static str>,
    compiling: usize,
    to_compile: VecDeque<RequestId>,
    for_answer: HashMap<RequestId, Vec<oneshot::Sender<Answer>>>,
    for_rest: HashMap<Number, Vec<oneshot::Sender<&'static str>>>,
    ended: VecDeque<(Number, &'static str)>,
    watcher: Option<mpsc::Sender<(Number, &'static str)>>,
    supervisor: Addr<Supervisor>,
    _obituary: Obituary,
}

/// What the robot keeps of an instance that has not ended.
struct Known {
    instance: InstanceId,
    handle: String,
    plan: Arc<Plan>,
    /// Whether it was driven: then it never begins again, whatever became of its actor.
    begun: bool,
    /// The state in which its actor began, pressed, if that was not a fresh one; all later events stand behind `after` in the journal.
    base: Option<Box<[u8]>>,
    after: u64,
}

/// What an instance is rebuilt from if its actor panics. Without it, it is not rebuilt before the next start.
fn pressed(number: Number, state: &SagaState) -> Box<[u8]> {
    let pressed = stored::press(state);
    pressed
        .inspect_err(|error| tracing::error!(number, %error, "the state of an instance is not kept aside"))
        .unwrap_or_default()
}

impl Known {
    fn of(instance: InstanceId, handle: String, plan: Arc<Plan>) -> Self {
        Self { instance, handle, plan, begun: false, base: None, after: 0 }
    }
}

/// What came for an instance that is not in memory.
#[derive(Default)]
struct Coming {
    events: VecDeque<Event>,
    waiters: Vec<oneshot::Sender<bool>>,
    /// Whether it was asked for already.
    fetching: bool,
    /// Whether it hears that it was interrupted, though the process did not start again.
    resume: bool,
}

/// What recovery found.
pub(crate) struct Recovered {
    /// The robot's state.
    pub(crate) state: State,
    /// The instances that are at hand.
    pub(crate) live: HashMap<Number, Live>,
    /// The systems whose breaker is open.
    pub(crate) breakers: BTreeMap<String, Millis>,
}

impl Service {
    /// Starts the robot from what recovery found.
    pub(crate) fn launch(
        tenant: &Rc<Tenant>,
        recovered: Recovered,
        supervisor: &Addr<Supervisor>,
    ) -> Addr<Self> {
        let (mut plans, mut logs) = (HashMap::new(), HashMap::new());
        for (number, live) in recovered.live {
            let Live { saga, state, handle, .. } = live;
            plans.insert(number, Known::of(saga.instance, handle, saga.plan));
            logs.insert(number, state);
        }
        let robot = Self {
            tenant: Rc::clone(tenant),
            state: recovered.state,
            outstanding: VecDeque::new(),
            plans,
            logs,
            mending: fire::Mending::default(),
            resuming: BTreeSet::new(),
            coming: HashMap::new(),
            overtaking: overtake::Overtaking::default(),
            judging: who::Judging::default(),
            breakers: recovered.breakers,
            words: BTreeMap::new(),
            word_of: HashMap::new(),
            compiling: 0,
            to_compile: VecDeque::new(),
            for_answer: HashMap::new(),
            for_rest: HashMap::new(),
            ended: VecDeque::new(),
            watcher: None,
            _obituary: Obituary::new(Child::Service, supervisor.clone()),
            supervisor: supervisor.clone(),
        };
        tenant.ambient.borrow_mut().paused.clone_from(&robot.state.paused);
        who::regard(tenant, &robot.state);
        let address = Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            robot
        });
        tenant.hub.set_service(address.clone());
        address
    }

    /// Believes an entry, hands it over, and keeps what it asks for until it is durable. An instance is set up at once: what it
    /// does stands behind its plan in the journal and waits for its own entries to be durable, so for the plan as well.
    fn write(&mut self, what: What, ctx: &mut Context<Self>) -> bool {
        let at = self.tenant.hub.clock.now();
        let written = self.write_one(Entry::Tenant(Box::new(Happened { at, what })), ctx);
        self.decide(ctx);
        written
    }

    /// What follows from the state alone is written down.
    fn decide(&mut self, ctx: &mut Context<Self>) {
        while let Some(decided) = xops_robots::service::Service.decide(&self.state) {
            if !self.write_one(decided, ctx) {
                break;
            }
        }
    }

    fn write_one(&mut self, entry: Entry, ctx: &mut Context<Self>) -> bool {
        let Entry::Tenant(happened) = &entry else { return false };
        let answered = match &happened.what {
            What::Refused { request, .. } | What::Unchanged { request, .. } => Some(*request),
            What::Compiled(compiled) => Some(compiled.request),
            What::Decided(decided) => Some(decided.id),
            _ => None,
        };
        let mut effects = Vec::new();
        if let Err(refused) = xops_robots::service::Service.step(&mut self.state, &entry, &mut effects) {
            tracing::debug!(%refused, "an answer to a request came late");
            return false;
        }
        let mut poisoned = None;
        match &happened.what {
            What::Breaker { system, until: Some(until), .. } => {
                self.breakers.insert(system.clone(), *until);
            }
            What::Breaker { system, until: None, .. } => drop(self.breakers.remove(system)),
            What::Paused { .. } | What::Unpaused { .. } => {
                self.tenant.ambient.borrow_mut().paused.clone_from(&self.state.paused);
            }
            What::Poisoned { message, .. } => poisoned = Some(message.clone()),
            What::Decided(_) | What::Erased(_) => self.judging.is_due(),
            _ => {}
        }
        self.tenant.hub.append(entry, None);
        effects.retain(|effect| match effect {
            Effect::Drive(number) => {
                self.drive(*number, ctx);
                false
            }
            Effect::Compile(_) | Effect::Overtake(_) => true,
        });
        self.outstanding.push_back((effects, answered, None));
        if let Some(message) = poisoned {
            self.put_aside(&message);
        }
        true
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Compile(request) => {
                self.to_compile.push_back(request);
                self.compile_more(ctx);
                self.show_depth();
            }
            Effect::Drive(number) => self.drive(number, ctx),
            Effect::Overtake(number) => self.overtake(number),
        }
    }

    fn show_depth(&self) {
        let depth = u32::try_from(self.to_compile.len() + self.compiling).unwrap_or(u32::MAX);
        metrics::gauge!("xops_robot_mailbox_depth", "robot" => "service", "system" => "")
            .set(f64::from(depth));
    }

    fn compile_more(&mut self, ctx: &mut Context<Self>) {
        while self.compiling < COMPILING_MAX
            && let Some(id) = self.to_compile.pop_front()
        {
            let aside = self.state.is_aside(&Culprit::Request(id));
            let open = self.state.open.get(&id).filter(|_| !aside).cloned();
            let Some((asked_at, request)) = open else { continue };
            self.compiling += 1;
            let tenant = Rc::clone(&self.tenant);
            let run = async move { crate::compile::answer(&tenant, asked_at, &request).await };
            // It reads and decides, and changes nothing of the robot: what panics is this request and not all others.
            let run = AssertUnwindSafe(run).catch_unwind();
            ctx.spawn(run.into_actor(self).map(move |answer, robot, ctx| {
                robot.compiling -= 1;
                match answer {
                    Ok(answer) => robot.compiled(id, answer, ctx),
                    Err(_panic) => {
                        let (over, doing) = (Culprit::Request(id), "compiling".to_owned());
                        robot.handle(Struck { over, robot: "service".to_owned(), doing, died: false }, ctx);
                    }
                }
                robot.compile_more(ctx);
                robot.show_depth();
            }));
        }
    }

    /// Writes down what a compilation came to.
    fn compiled(&mut self, id: RequestId, answer: crate::compile::Answered, ctx: &mut Context<Self>) {
        use crate::compile::Answered;
        if let Answered::Unchanged { entity, .. } = &answer {
            self.inherit(*entity, ctx);
        } else if let Answered::Plan(compiled) = &answer {
            self.inherit(compiled.plan.entity, ctx);
        }
        let what = match answer {
            Answered::Refused { entity, reasons } => What::Refused { request: id, entity, reasons },
            Answered::Unchanged { entity, handle, satisfied } => {
                What::Unchanged { request: id, entity, handle, satisfied }
            }
            Answered::Plan(compiled) => {
                let entity = compiled.plan.entity;
                let release = self.state.open.get(&id).is_some_and(|(_, request)| request.release);
                // An instance may be under way for one who turned out to be this one.
                let ids = self.tenant.graph().ids_of(entity);
                if let Some(entity) = ids.into_iter().find(|id| self.state.driven.contains_key(id)) {
                    if let Some(number) = self.state.driven.get(&entity).copied() {
                        self.precede(number, id, &compiled.plan.outcomes);
                    }
                    What::Deferred { request: id, entity }
                } else if let Some(held) = self.state.holds(&compiled).filter(|_| !release) {
                    let why = format!(
                        "it is held since instance {} stepped back; it goes on when the facts behind its plan change, or when \
                         a person releases it",
                        held.instance
                    );
                    What::Refused { request: id, entity: Some(entity), reasons: vec![why] }
                } else if let Some(why) = self.kept_back(id, &compiled, release) {
                    What::Refused { request: id, entity: Some(entity), reasons: vec![why] }
                } else {
                    let mut compiled = compiled;
                    compiled.number = self.state.numbers + 1;
                    What::Compiled(compiled)
                }
            }
        };
        if let What::Compiled(compiled) = &what {
            let (handle, plan) = (compiled.handle.clone(), Arc::new(compiled.plan.clone()));
            self.plans.insert(compiled.number, Known::of(compiled.instance, handle, plan));
        }
        let waits_for = match &what {
            What::Deferred { entity, .. } => self.state.driven.get(entity).copied(),
            _ => None,
        };
        self.write(what, ctx);
        if let Some(number) = waits_for {
            self.consider(number, ctx);
        }
    }

    /// Keeps an instance going: a new one from its start, one that recovery found, or that was read back, from where it is.
    fn drive(&mut self, number: Number, ctx: &mut Context<Self>) {
        let Some(saga) = self.saga(number) else { return };
        if self.tenant.hub.is_present(number) {
            return;
        }
        let after = self.tenant.hub.reached();
        let Some(known) = self.plans.get_mut(&number) else { return };
        let begun = std::mem::replace(&mut known.begun, true);
        let (state, first) = match self.logs.remove(&number) {
            Some(state) if state.at > 0 => {
                // What it held it still holds: nobody else may pass before it has run.
                let holds = saga.holds(&state);
                self.tenant.ambient.borrow_mut().keep(number, saga.instance, holds);
                known.base = Some(pressed(number, &state));
                (state, Event::Resumed { epoch: self.state.epoch })
            }
            // It began before, and only the journal knows how far it is.
            _ if begun => return self.mend(number, ctx),
            _ => (saga.fresh(), Event::Started),
        };
        known.after = after;
        let subject = crate::card::subject(&known.plan);
        let coming = self.coming.remove(&number).unwrap_or_default();
        let first: VecDeque<Event> = std::iter::once(first).chain(coming.events).collect();
        let word = self.word_of.get(&number).copied().unwrap_or_default();
        let launched = Launched { saga, number, subject, state, word, first };
        Instance::launch(&self.tenant, launched, &self.supervisor);
        for waiter in coming.waiters {
            let _asker_gone = waiter.send(true);
        }
    }

    fn meter(&mut self, word: &'static str, by: i64) {
        if word.is_empty() {
            return;
        }
        let count = self.words.entry(word).or_default();
        *count = count.saturating_add_signed(by);
        let gauge = u32::try_from(*count).unwrap_or(u32::MAX);
        metrics::gauge!("xops_instances", "state" => word).set(f64::from(gauge));
    }
}

impl Actor for Service {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        metrics::gauge!("xops_robot_up", "robot" => "service", "system" => "").set(1.0);
        metrics::counter!("xops_robot_restarts_total", "robot" => "service", "system" => "").absolute(0);
        self.show_depth();
        self.meter_away();
        self.rest_aside();
        // An engine that only looks drives nothing.
        if self.tenant.hub.writes() {
            // A decision that a crash kept from being written down is taken again.
            self.decide(ctx);
            let mut found = BTreeSet::new();
            let mut others = Vec::new();
            for effect in xops_robots::service::Service.wanted(&self.state) {
                match effect {
                    Effect::Drive(number) => drop(found.insert(number)),
                    Effect::Compile(_) | Effect::Overtake(_) => others.push(effect),
                }
            }
            self.resume_all(found, ctx);
            for effect in others {
                self.perform(effect, ctx);
            }
        }
    }
}

impl Handler<Durable> for Service {
    type Result = ();

    fn handle(&mut self, Durable(count): Durable, ctx: &mut Context<Self>) {
        for _ in 0..count {
            let Some((effects, answered, mend)) = self.outstanding.pop_front() else { break };
            for effect in effects {
                self.perform(effect, ctx);
            }
            if let Some(number) = mend {
                self.mend(number, ctx);
            }
            self.judged(answered);
            let waiters = answered.and_then(|id| self.for_answer.remove(&id));
            let answer = answered.and_then(|id| self.state.answers.get(&id).cloned());
            for (waiter, answer) in waiters.into_iter().flatten().zip(std::iter::repeat(answer)) {
                let _asker_gone = answer.map(|answer| waiter.send(answer));
            }
        }
    }
}

impl Handler<Submit> for Service {
    type Result = Result<(), String>;

    fn handle(&mut self, Submit { request, reply }: Submit, ctx: &mut Context<Self>) -> Self::Result {
        let id = request.id;
        let over = Culprit::Request(id);
        if self.state.is_aside(&over) {
            let why =
                format!("compiling it panicked again and again: it is set aside until `xops release {over}`");
            let _asker_gone = reply.send(Answer::Refused(vec![why]));
            return Ok(());
        }
        if let Some(answer) = self.state.answers.get(&id) {
            let _asker_gone = reply.send(answer.clone());
            return Ok(());
        }
        if !self.state.open.contains_key(&id) {
            let most = self.tenant.limits.open_max;
            if self.state.open.len() >= most {
                metrics::counter!("xops_requests_turned_away_total").increment(1);
                return Err(format!("{most} requests are open: try again later"));
            }
            self.write(What::Requested(Box::new(request)), ctx);
        }
        self.for_answer.entry(id).or_default().push(reply);
        Ok(())
    }
}

impl Handler<Begin> for Service {
    type Result = Vec<Number>;

    fn handle(&mut self, Begin { plan, of }: Begin, ctx: &mut Context<Self>) -> Vec<Number> {
        let mut numbers = Vec::with_capacity(of.len());
        for (request, mut compiled) in of {
            self.write(What::Requested(Box::new(request)), ctx);
            // The answer is here already: nothing is to be compiled.
            if let Some((effects, ..)) = self.outstanding.back_mut() {
                effects.clear();
            }
            compiled.number = self.state.numbers + 1;
            let number = compiled.number;
            let (instance, handle) = (compiled.instance, compiled.handle.clone());
            self.plans.insert(number, Known::of(instance, handle, Arc::clone(&plan)));
            if self.write(What::Compiled(compiled), ctx) {
                numbers.push(number);
            }
        }
        numbers
    }
}

impl Handler<Note> for Service {
    type Result = ();

    fn handle(&mut self, Note(happened): Note, ctx: &mut Context<Self>) {
        self.write(happened.what, ctx);
    }
}

impl Handler<Erase> for Service {
    type Result = <Erase as actix::Message>::Result;

    fn handle(&mut self, Erase(erased): Erase, ctx: &mut Context<Self>) -> Self::Result {
        if let Some(number) = erased.entities.iter().find_map(|entity| self.state.driven.get(entity)) {
            return Err(format!("instance {number} is under way: wait for its end, or turn it back first"));
        }
        if erased.requests.iter().any(|request| self.state.open.contains_key(request)) {
            return Err("a request of theirs has no answer yet: wait for it".to_owned());
        }
        let Some(scribe) = self.tenant.hub.scribe().cloned() else {
            return Err("this process writes no journal".to_owned());
        };
        let subjects = erased.subjects.clone();
        self.write(What::Erased(erased), ctx);
        // In one turn: nothing that is sealed under these keys can come between the record and their end.
        self.tenant.hub.flush();
        let (reply, destroyed) = tokio::sync::oneshot::channel();
        let sent = scribe.try_send(crate::scribe::Order::Erase(subjects, reply));
        sent.map_err(|_| "too much is waiting for the journal: try again".to_owned())?;
        Ok(destroyed)
    }
}

impl Handler<Finished> for Service {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Context<Self>) {
        let Finished { number, was, word, end } = finished;
        self.meter(was, -1);
        self.meter(word, 1);
        self.word_of.insert(number, word);
        let mut effects = Vec::new();
        if let Some((end, at)) = end {
            self.tenant.hub.cutting.end_is_known(number);
            self.coming.remove(&number);
            self.overtaking.forget(number);
            self.plans.remove(&number);
            self.logs.remove(&number);
            self.word_of.remove(&number);
            self.ended.push_back((number, word));
            if self.ended.len() > xops_robots::service::ANSWERS_MAX {
                self.ended.pop_front();
            }
            let entry = Entry::Instance(number, Stamped { at, event: Event::Ended { end } });
            if let Err(refused) = xops_robots::service::Service.step(&mut self.state, &entry, &mut effects) {
                tracing::error!(%refused, "an instance ended twice");
            }
            if !self.tenant.ambient.borrow().aside.is_empty() {
                self.show_aside();
            }
            metrics::counter!("xops_instances_ended_total", "end" => end.word()).increment(1);
            if let Some(watcher) = &self.watcher
                && watcher.try_send((number, word)).is_err()
            {
                self.watcher = None;
            }
        }
        if end.is_some() || word == "parked" || word == "stuck" {
            for waiter in self.for_rest.remove(&number).unwrap_or_default() {
                let _asker_gone = waiter.send(word);
            }
        }
        for effect in effects {
            self.perform(effect, ctx);
        }
    }
}

impl Handler<Await> for Service {
    type Result = ();

    fn handle(&mut self, Await(number, reply): Await, _ctx: &mut Context<Self>) {
        let word = self.word(number);
        let over = self.ended.iter().rev().find(|(ended, _)| *ended == number).map(|(_, word)| *word);
        match over.or(word) {
            Some(word) if over.is_some() || word == "parked" || word == "stuck" => {
                let _asker_gone = reply.send(word);
            }
            _ => self.for_rest.entry(number).or_default().push(reply),
        }
    }
}

impl Handler<Watch> for Service {
    type Result = ();

    fn handle(&mut self, Watch(watcher): Watch, _ctx: &mut Context<Self>) {
        self.watcher = Some(watcher);
    }
}

impl Handler<Granted> for Service {
    type Result = actix::MessageResult<Granted>;

    fn handle(&mut self, Granted(entity): Granted, _ctx: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.state.losable(entity))
    }
}

impl Handler<Stand> for Service {
    type Result = Option<&'static str>;

    fn handle(&mut self, Stand(number): Stand, _ctx: &mut Context<Self>) -> Self::Result {
        let over = self.ended.iter().rev().find(|(ended, _)| *ended == number).map(|(_, word)| *word);
        let running = || self.state.running.contains_key(&number).then_some("starting");
        over.or_else(|| self.word(number)).or_else(running)
    }
}
