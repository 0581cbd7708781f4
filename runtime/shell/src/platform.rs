//! The Platform robot of a system: fires AWFs.
//!
//! Invariants: every job is answered exactly once, also when the robot panics or stops while it is under way (then with
//! "unknown" for a call that was sent); a job that panics is one, and neither the robot nor its other jobs: it is a strike against
//! its instance; what may not go yet waits in a queue with a bound, and what does not fit is answered
//! at once. It decides nothing: the breaker, the budgets and the classification are pure.
//!
//! It is long because everything that may become of a job stands together, where it can be seen that each is answered once.

use crate::door::Door;
use crate::instance::{Input, Instance};
use crate::supervisor::{Child, Obituary, Supervisor};
use crate::tenant::Tenant;
use actix::{Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::FutureExt;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use xops_kernel::awf::AwfName;
use xops_kernel::culprit::Culprit;
use xops_kernel::fact::Observation;
use xops_kernel::id::{CallKey, StepId};
use xops_kernel::log::{Happened, Number, What};
use xops_kernel::port::{Outcome, Phase, Request, Sighting};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Event;
use xops_kernel::value::Values;
use xops_robots::platform::admission::Answer;
use xops_robots::platform::breaker;
use xops_robots::platform::bucket::Urgency;
use xops_robots::platform::budget::Call;

mod calls;

use calls::{Unsent, answer, look, render, send};

/// How many jobs may wait at one robot.
pub const JOBS_MAX: usize = 65_536;
/// How many requests one lookup may make: pages and links of its chain.
const LOOKUP_REQUESTS_MAX: u32 = 10_000;

/// The actor.
pub struct Platform {
    tenant: Rc<Tenant>,
    system: String,
    door: Rc<Door>,
    waiting: VecDeque<(Millis, Job)>,
    wake_set: bool,
    meters: HashMap<AwfName, Vec<Meter>>,
    depth: metrics::Gauge,
    depth_shown: usize,
    _obituary: Obituary,
}

/// The meters of one kind of end of one AWF.
struct Meter {
    phase: Phase,
    result: &'static str,
    calls: metrics::Counter,
    durations: metrics::Histogram,
}

/// One call or lookup.
pub struct Job {
    /// The AWF.
    pub awf: AwfName,
    /// The phase.
    pub phase: Phase,
    /// Its inputs.
    pub inputs: Values,
    /// Its key.
    pub key: CallKey,
    /// The request, where it was rendered already.
    pub request: Option<Request>,
    /// What the snapshot kept.
    pub snapshot: Values,
    /// What the call captured.
    pub outputs: Values,
    /// How long one request may take, in milliseconds.
    pub timeout_ms: u64,
    /// How much it matters.
    pub urgency: Urgency,
    /// Who is answered.
    pub reply: Reply,
}

/// Who is answered. Dropped without an answer it says that nobody knows what became of the job.
pub struct Reply {
    to: Option<To>,
    phase: Phase,
    sent: bool,
}

enum To {
    Instance { instance: Addr<Instance>, number: Number, step: StepId, attempt: u32 },
    Asker(oneshot::Sender<Done>),
}

/// What became of a job.
#[derive(Debug)]
pub enum Done {
    /// A call was answered.
    Answered(Outcome),
    /// A lookup saw something.
    Sighted(Sighting),
    /// A lookup saw nothing.
    Missed(Outcome),
}

impl Reply {
    /// The answer goes to a step of an instance.
    pub fn to_instance(
        instance: Addr<Instance>,
        number: Number,
        phase: Phase,
        step: StepId,
        attempt: u32,
    ) -> Self {
        Self { to: Some(To::Instance { instance, number, step, attempt }), phase, sent: false }
    }

    /// The instance that is answered, if it is one.
    fn number(&self) -> Option<Number> {
        match self.to {
            Some(To::Instance { number, .. }) => Some(number),
            Some(To::Asker(_)) | None => None,
        }
    }

    /// The answer goes to whoever holds the other end.
    pub fn to_asker(phase: Phase, asker: oneshot::Sender<Done>) -> Self {
        Self { to: Some(To::Asker(asker)), phase, sent: false }
    }

    fn say(mut self, done: Done) {
        self.pass_on(done);
    }

    fn pass_on(&mut self, done: Done) {
        match self.to.take() {
            Some(To::Instance { instance, step, attempt, .. }) => {
                let phase = self.phase;
                let event = match done {
                    Done::Answered(outcome) => Event::Answered { step, attempt, outcome },
                    Done::Sighted(sighting) => Event::Sighted { step, attempt, phase, sighting },
                    Done::Missed(outcome) => Event::Missed { step, attempt, phase, outcome },
                };
                if let Err(actix::prelude::SendError::Full(_)) = instance.try_send(Input(event)) {
                    tracing::warn!("the mailbox of an instance is full: an answer was dropped");
                }
            }
            Some(To::Asker(asker)) => {
                let _asker_gone = asker.send(done);
            }
            None => {}
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.to.is_none() {
            return;
        }
        let why = if std::thread::panicking() { PANICKED } else { "the robot ended while it was under way" };
        let why = why.to_owned();
        let done = match (self.phase, self.sent) {
            (Phase::Do, true) => Done::Answered(Outcome::Unknown(why)),
            (Phase::Do, false) => Done::Answered(Outcome::Transient(why)),
            _ => Done::Missed(Outcome::Transient(why)),
        };
        self.pass_on(done);
    }
}

impl Message for Job {
    type Result = ();
}

/// Looks again at what waits.
struct Again;

impl Message for Again {
    type Result = ();
}

/// What a job is answered that panicked.
const PANICKED: &str = "handling it panicked";

/// Ends the robot.
pub struct Stop;

impl Message for Stop {
    type Result = ();
}

impl Platform {
    /// Starts the robot of `system`.
    pub fn launch(tenant: &Rc<Tenant>, system: &str, supervisor: &Addr<Supervisor>) -> Addr<Self> {
        let door = Door::of(tenant, system);
        // The robot before this one took its calls with it.
        door.admission.borrow_mut().forget();
        let robot = Self {
            tenant: Rc::clone(tenant),
            system: system.to_owned(),
            door,
            waiting: VecDeque::new(),
            wake_set: false,
            meters: HashMap::new(),
            depth: metrics::gauge!("xops_robot_mailbox_depth", "robot" => "platform", "system" => system.to_owned()),
            depth_shown: 0,
            _obituary: Obituary::new(Child::Platform(system.to_owned()), supervisor.clone()),
        };
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(JOBS_MAX);
            robot
        })
    }

    /// Lets go what may go.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        while let Some(call) = self.next_call(ctx) {
            let now = self.tenant.hub.clock.now();
            let Some(urgency) = self.waiting.front().map(|(_, job)| job.urgency) else { break };
            let answer = self.door.admission.borrow_mut().admit(&call, urgency, now);
            match answer {
                Answer::Go { transition } => {
                    self.door.remember(now);
                    self.journal_breaker(transition.as_ref());
                    if let Some((_, job)) = self.waiting.pop_front() {
                        self.fire(job, call, ctx);
                    }
                }
                Answer::Wait { until, .. } => {
                    self.wake_at(until, ctx);
                    break;
                }
                Answer::Shut { until } => {
                    // The gate waits for the breaker; nothing waits here for a system that is held to be down.
                    let jobs = std::mem::take(&mut self.waiting);
                    self.tenant.ambient.borrow_mut().breakers.insert(self.system.clone(), until);
                    for (_, job) in jobs {
                        let outcome = Outcome::Transient(format!("the breaker of `{}` is open", self.system));
                        let done = if job.phase == Phase::Do {
                            Done::Answered(outcome)
                        } else {
                            Done::Missed(outcome)
                        };
                        job.reply.say(done);
                    }
                }
            }
        }
        let oldest = self.waiting.iter().map(|(since, _)| *since).min();
        *self.door.queue.borrow_mut() = (self.waiting.len(), oldest);
        if self.waiting.len() != self.depth_shown {
            self.depth_shown = self.waiting.len();
            self.depth.set(f64::from(u32::try_from(self.depth_shown).unwrap_or(u32::MAX)));
        }
    }

    /// What the limits look at of the request that is next, which is rendered now; one that cannot be is answered at once.
    fn next_call(&mut self, ctx: &mut Context<Self>) -> Option<Call> {
        loop {
            let (_, job) = self.waiting.front_mut()?;
            if let Some(request) = &job.request {
                return Some(Call::of(request));
            }
            let rendered = catch_unwind(AssertUnwindSafe(|| render(&self.tenant, job, &Values::new())));
            let over = job.reply.number();
            match rendered.unwrap_or(Err(Unsent::Panicked)) {
                Ok(request) => job.request = Some(request),
                Err(unsent) => {
                    let (_, mut job) = self.waiting.pop_front()?;
                    job.reply.sent = true;
                    let outcome = match unsent {
                        Unsent::Unrendered(why) => Outcome::Invalid(why),
                        Unsent::Panicked => {
                            self.struck(over, &job.awf, job.phase);
                            Outcome::Transient(PANICKED.to_owned())
                        }
                    };
                    self.note(&job.awf.clone(), job.phase, &outcome, Instant::now(), ctx);
                    let done =
                        if job.phase == Phase::Do { Done::Answered(outcome) } else { Done::Missed(outcome) };
                    job.reply.say(done);
                }
            }
        }
    }

    fn wake_at(&mut self, until: u64, ctx: &mut Context<Self>) {
        // A call that finishes pumps by itself; the timer is for rates and for nothing else.
        if !std::mem::replace(&mut self.wake_set, true) {
            ctx.notify_later(Again, self.tenant.hub.clock.until(until).max(Duration::from_millis(1)));
        }
    }

    fn fire(&mut self, mut job: Job, call: Call, ctx: &mut Context<Self>) {
        let begun = Instant::now();
        let (awf, phase) = (job.awf.clone(), job.phase);
        job.reply.sent = true;
        let Some(request) = job.request.take() else { return drop(job) };
        if phase == Phase::Do
            && let Some(response) = self.tenant.transport.at_once(&request)
        {
            let answered = catch_unwind(AssertUnwindSafe(|| answer(&self.tenant, &job, response)));
            let Ok(outcome) = answered else {
                self.panicked(job.reply.number(), &call, &awf, phase, begun, ctx);
                return job.reply.say(Done::Answered(Outcome::Unknown(PANICKED.to_owned())));
            };
            self.finished(&call, &awf, phase, &outcome, begun, ctx);
            return job.reply.say(Done::Answered(outcome));
        }
        let (tenant, door, over) = (Rc::clone(&self.tenant), Rc::clone(&self.door), job.reply.number());
        // It holds nothing of the robot's: what panics takes its own job along, which answers when it is dropped.
        let run = AssertUnwindSafe(async move {
            let done = if job.phase == Phase::Do {
                send(&tenant, &door, &job, request).await
            } else {
                look(&tenant, &door, &job, request).await
            };
            (job, done)
        });
        ctx.spawn(run.catch_unwind().into_actor(self).map(move |ran, robot, ctx| {
            let Ok((job, done)) = ran else {
                return robot.panicked(over, &call, &awf, phase, begun, ctx);
            };
            let outcome = match &done {
                Done::Answered(outcome) | Done::Missed(outcome) => outcome.clone(),
                Done::Sighted(_) => Outcome::Ok(Values::new()),
            };
            robot.finished(&call, &job.awf, job.phase, &outcome, begun, ctx);
            job.reply.say(done);
        }));
    }

    fn finished(
        &mut self,
        call: &Call,
        awf: &AwfName,
        phase: Phase,
        outcome: &Outcome,
        begun: Instant,
        ctx: &mut Context<Self>,
    ) {
        let now = self.tenant.hub.clock.now();
        let transition = self.door.admission.borrow_mut().finished(call, outcome, now);
        self.door.remember(now);
        self.journal_breaker(transition.as_ref());
        self.note(awf, phase, outcome, begun, ctx);
    }

    /// A job panicked that was let go. That says nothing against the system: its breaker takes it for an answer.
    fn panicked(
        &mut self,
        over: Option<Number>,
        call: &Call,
        awf: &AwfName,
        phase: Phase,
        begun: Instant,
        ctx: &mut Context<Self>,
    ) {
        self.struck(over, awf, phase);
        let (answered, now) = (Outcome::Invalid(PANICKED.to_owned()), self.tenant.hub.clock.now());
        let transition = self.door.admission.borrow_mut().finished(call, &answered, now);
        self.journal_breaker(transition.as_ref());
        self.note(awf, phase, &Outcome::Unknown(PANICKED.to_owned()), begun, ctx);
    }

    /// A job panicked: a strike against its instance.
    fn struck(&self, over: Option<Number>, awf: &AwfName, phase: Phase) {
        let robot = Child::Platform(self.system.clone()).to_string();
        let Some(number) = over else {
            metrics::counter!("xops_panics_total", "robot" => "platform").increment(1);
            return tracing::error!(robot, %awf, "a lookup of a compilation panicked: what it looks for is unknown");
        };
        let doing = format!("{awf} {}", phase.word());
        self.tenant.hub.strike(Culprit::Instance(number), &robot, &doing, false);
    }

    /// Counts an end.
    fn note(
        &mut self,
        awf: &AwfName,
        phase: Phase,
        outcome: &Outcome,
        begun: Instant,
        ctx: &mut Context<Self>,
    ) {
        let result = outcome.word();
        let meter = meter(&mut self.meters, awf, phase, result);
        meter.calls.increment(1);
        meter.durations.record(begun.elapsed().as_secs_f64());
        if !self.waiting.is_empty() {
            ctx.notify(Again);
        }
    }

    fn show_breaker(&self, state: &str) {
        for word in ["closed", "open", "half_open"] {
            let gauge =
                metrics::gauge!("xops_breaker_state", "system" => self.system.clone(), "state" => word);
            gauge.set(if word == state { 1.0 } else { 0.0 });
        }
    }

    fn journal_breaker(&mut self, transition: Option<&breaker::Event>) {
        let Some(event) = transition else { return };
        let (state, until) = match event {
            breaker::Event::Opened { until, .. } => ("open", Some(*until)),
            breaker::Event::ProbeStarted { .. } => ("half_open", None),
            breaker::Event::Closed { .. } => ("closed", None),
            breaker::Event::Failed { .. } | breaker::Event::Succeeded { .. } => return,
        };
        tracing::info!(system = self.system, state, "breaker");
        {
            let mut ambient = self.tenant.ambient.borrow_mut();
            match until {
                Some(until) => drop(ambient.breakers.insert(self.system.clone(), until)),
                None => drop(ambient.breakers.remove(&self.system)),
            }
        }
        self.show_breaker(state);
        let what = What::Breaker { system: self.system.clone(), state: state.to_owned(), until };
        if let Some(service) = self.tenant.hub.service() {
            let _overloaded =
                service.try_send(crate::letter::Note(Happened { at: self.tenant.hub.clock.now(), what }));
        }
    }
}

/// The meter of one kind of end: found without building its labels again, because this is on the hot path.
fn meter<'a>(
    meters: &'a mut HashMap<AwfName, Vec<Meter>>,
    awf: &AwfName,
    phase: Phase,
    result: &'static str,
) -> &'a Meter {
    if !meters.contains_key(awf) {
        meters.insert(awf.clone(), Vec::new());
    }
    let Some(of_awf) = meters.get_mut(awf) else { unreachable!("it was put in just now") };
    let at = of_awf.iter().position(|meter| meter.phase == phase && meter.result == result);
    let at = at.unwrap_or_else(|| {
        let labels =
            [("awf", awf.to_string()), ("phase", phase.word().to_owned()), ("result", result.to_owned())];
        of_awf.push(Meter {
            phase,
            result,
            calls: metrics::counter!("xops_awf_calls_total", &labels),
            durations: metrics::histogram!("xops_awf_duration_seconds", &labels),
        });
        of_awf.len() - 1
    });
    &of_awf[at]
}

/// Makes one lookup outside any instance and waits for what it sees.
pub async fn peek(tenant: &Rc<Tenant>, awf: &AwfName, inputs: Values) -> Sighting {
    let unseen = |why: String| Sighting {
        seen: Observation::Unknown(xops_kernel::fact::Doubt {
            reason: xops_kernel::fact::Reason::Incomplete,
            detail: why,
            since: tenant.hub.clock.now(),
        }),
        outputs: Values::new(),
        marker: None,
    };
    let robot = tenant.robots.borrow().platform.get(&awf.system).cloned();
    let Some(robot) = robot else {
        return Sighting { seen: Tenant::no_robot(&awf.system), outputs: Values::new(), marker: None };
    };
    let (asker, answered) = oneshot::channel();
    let timeout_ms = tenant.shared.connector.contract(awf).map_or(30_000, |contract| contract.timeout_ms);
    let job = Job {
        awf: awf.clone(),
        phase: Phase::Snapshot,
        inputs,
        key: CallKey([0; 16]),
        request: None,
        snapshot: Values::new(),
        outputs: Values::new(),
        timeout_ms,
        urgency: Urgency::Ordinary,
        reply: Reply::to_asker(Phase::Snapshot, asker),
    };
    if robot.try_send(job).is_err() {
        return unseen(format!("the robot of `{}` is overloaded", awf.system));
    }
    match answered.await {
        Ok(Done::Sighted(sighting)) => sighting,
        Ok(Done::Missed(outcome) | Done::Answered(outcome)) => {
            unseen(format!("{} answered: {outcome}", awf.system))
        }
        Err(_) => unseen(format!("the robot of `{}` ended", awf.system)),
    }
}

impl Actor for Platform {
    type Context = Context<Self>;

    fn started(&mut self, _ctx: &mut Self::Context) {
        metrics::gauge!("xops_robot_up", "robot" => "platform", "system" => self.system.clone()).set(1.0);
        let depth = metrics::gauge!("xops_robot_mailbox_depth", "robot" => "platform", "system" => self.system.clone());
        depth.set(0.0);
        self.show_breaker("closed");
    }
}

impl Handler<Job> for Platform {
    type Result = ();

    fn handle(&mut self, job: Job, ctx: &mut Context<Self>) {
        if self.waiting.len() >= JOBS_MAX {
            let outcome = Outcome::Transient(format!("the robot of `{}` is overloaded", self.system));
            let done = if job.phase == Phase::Do { Done::Answered(outcome) } else { Done::Missed(outcome) };
            return job.reply.say(done);
        }
        let now = self.tenant.hub.clock.now();
        // What is urgent goes before what has not begun.
        match job.urgency {
            Urgency::Urgent => self.waiting.push_front((now, job)),
            Urgency::Ordinary => self.waiting.push_back((now, job)),
        }
        self.pump(ctx);
    }
}

impl Handler<Again> for Platform {
    type Result = ();

    fn handle(&mut self, _: Again, ctx: &mut Context<Self>) {
        self.wake_set = false;
        self.pump(ctx);
    }
}

impl Handler<Stop> for Platform {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
