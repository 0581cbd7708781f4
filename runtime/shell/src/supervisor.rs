//! Supervision, as OTP understands it: child specifications, restart budgets, escalation.
//!
//! Invariants: a robot that ends by a panic is started again from its specification, never revived with its old value, and rests
//! before that, longer each time. More restarts than the budget allows within its period set its system aside: its robots rest and its
//! steps wait as if it were paused, until a person releases it; all other systems go on. A panic of the Service robot ends the tenant,
//! with a reason: its state only the journal can rebuild, and the next start folds it. An instance that panics is read back from the
//! journal by the Service robot, which counts the strikes against it (`service/fire.rs`).
//! `actix::Supervisor` does neither: it does not survive a panic, and it keeps a bad state.

use crate::dataops::DataOps;
use crate::letter;
use crate::platform::Platform;
use crate::tenant::Tenant;
use actix::prelude::SendError;
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use xops_kernel::culprit::Culprit;
use xops_kernel::log::{Happened, Number, What};

/// How often a child is started again before its supervisor gives it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many restarts within `period`.
    pub intensity: usize,
    /// The period over which they are counted.
    pub period: Duration,
    /// How long a child rests before its second restart within the period; the first is at once, each later one rests twice as long.
    pub backoff: Duration,
    /// The longest rest.
    pub backoff_max: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            intensity: 20,
            period: Duration::from_mins(1),
            backoff: Duration::from_millis(10),
            backoff_max: Duration::from_secs(1),
        }
    }
}

impl Budget {
    /// How long a child rests that was started again so many times within the period.
    fn rest(&self, restarts: usize) -> Duration {
        let Some(doublings) = restarts.checked_sub(1) else { return Duration::ZERO };
        let doublings = u32::try_from(doublings).unwrap_or(u32::MAX).min(16);
        self.backoff.saturating_mul(1 << doublings).min(self.backoff_max)
    }
}

/// A child's specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Child {
    /// The Platform robot of a system.
    Platform(String),
    /// The DataOps robot of a system.
    DataOps(String),
    /// The Service robot.
    Service,
    /// An instance.
    Instance(Number),
}

impl Child {
    /// The robot's word, from a closed set, and its system.
    fn labels(&self) -> (&'static str, String) {
        match self {
            Self::Platform(system) => ("platform", system.clone()),
            Self::DataOps(system) => ("dataops", system.clone()),
            Self::Service => ("service", String::new()),
            Self::Instance(_) => ("instance", String::new()),
        }
    }
}

impl std::fmt::Display for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Platform(system) => write!(f, "platform.{system}"),
            Self::DataOps(system) => write!(f, "dataops.{system}"),
            Self::Service => f.write_str("service"),
            Self::Instance(number) => write!(f, "instance.{number}"),
        }
    }
}

/// The actor.
pub struct Supervisor {
    tenant: Rc<Tenant>,
    children: BTreeMap<Child, Past>,
    budget: Budget,
    escalate: mpsc::Sender<String>,
}

#[derive(Default)]
struct Past {
    restarts: VecDeque<Instant>,
    total: u64,
    /// Whether it was given up: it is not started again before its system is released.
    given_up: bool,
}

/// Adds a child and starts it.
pub struct Supervise(pub Child);

impl Message for Supervise {
    type Result = ();
}

struct Died {
    child: Child,
    panicked: bool,
    doing: &'static str,
}

impl Message for Died {
    type Result = ();
}

/// A system that was set aside is released: those of its robots that were given up are started again.
pub(crate) struct Again(pub(crate) String);

impl Message for Again {
    type Result = ();
}

/// Asks how often each child was started again.
pub struct Restarts;

impl Message for Restarts {
    type Result = BTreeMap<String, u64>;
}

/// Reports the end of an actor when it is dropped, also while a panic unwinds.
pub struct Obituary {
    child: Child,
    supervisor: Addr<Supervisor>,
    doing: Cell<&'static str>,
}

impl Obituary {
    /// For this child.
    pub fn new(child: Child, supervisor: Addr<Supervisor>) -> Self {
        Self { child, supervisor, doing: Cell::new("") }
    }

    /// Notes what the actor is about to do, in words of ours.
    pub fn does(&self, what: &'static str) {
        self.doing.set(what);
    }
}

impl Drop for Obituary {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        if panicked || !matches!(self.child, Child::Instance(_)) {
            let died = Died { child: self.child.clone(), panicked, doing: self.doing.get() };
            tell(&self.supervisor, died);
        }
    }
}

/// Tells the supervisor, and goes on trying while it is overloaded: a death that nobody hears of would be a child that is gone.
fn tell(supervisor: &Addr<Supervisor>, died: Died) {
    if let Err(SendError::Full(died)) = supervisor.try_send(died)
        && tokio::runtime::Handle::try_current().is_ok()
    {
        let supervisor = supervisor.clone();
        actix::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tell(&supervisor, died);
        });
    }
}

impl Supervisor {
    /// Starts a supervisor; when a budget is spent the reason goes to `escalate`.
    pub fn launch(tenant: &Rc<Tenant>, escalate: mpsc::Sender<String>) -> Addr<Self> {
        let (tenant, budget) = (Rc::clone(tenant), tenant.limits.restarts);
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(4_096);
            Self { tenant, children: BTreeMap::new(), budget, escalate }
        })
    }

    fn launch_child(&self, child: &Child, me: &Addr<Self>) {
        match child {
            Child::Platform(system) => {
                let robot = Platform::launch(&self.tenant, system, me);
                self.tenant.robots.borrow_mut().platform.insert(system.clone(), robot);
            }
            Child::DataOps(system) => {
                let robot = DataOps::launch(&self.tenant, system, me);
                self.tenant.robots.borrow_mut().dataops.insert(system.clone(), robot);
            }
            Child::Service | Child::Instance(_) => {}
        }
    }

    /// Starts a child again, after a rest that is longer with each restart; gives it up when its budget is spent.
    fn restart(&mut self, child: Child, ctx: &mut Context<Self>) {
        let (budget, now) = (self.budget, Instant::now());
        let Some(past) = self.children.get_mut(&child) else { return };
        past.restarts.retain(|at| now.duration_since(*at) < budget.period);
        if past.restarts.len() >= budget.intensity {
            past.given_up = true;
            return self.set_aside(&child);
        }
        let rest = budget.rest(past.restarts.len());
        past.restarts.push_back(now);
        past.total += 1;
        let rest_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(robot = %child, restarts = past.total, rest_ms, "a robot panicked and is started again");
        if rest.is_zero() {
            return self.launch_child(&child, &ctx.address());
        }
        ctx.run_later(rest, move |supervisor, ctx| supervisor.launch_child(&child, &ctx.address()));
    }

    /// The budget of a robot is spent: its system is set aside, and a person is told.
    fn set_aside(&self, child: &Child) {
        let (word, system) = child.labels();
        metrics::gauge!("xops_robot_up", "robot" => word, "system" => system.clone()).set(0.0);
        let (intensity, seconds) = (self.budget.intensity, self.budget.period.as_secs());
        tracing::error!(robot = %child, intensity, seconds, "a robot was started again too often: its system is set aside");
        let what = What::Poisoned { robot: child.to_string(), message: Culprit::System(system).to_string() };
        let note = letter::Note(Happened { at: self.tenant.hub.clock.now(), what });
        if self.tenant.hub.service().is_none_or(|service| service.try_send(note).is_err()) {
            self.give_up(&format!("`{child}` was started again {intensity} times within {seconds} s"));
        }
    }

    fn give_up(&self, why: &str) {
        tracing::error!(why, "supervision gives up");
        let _already_ending = self.escalate.try_send(why.to_owned());
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Handler<Supervise> for Supervisor {
    type Result = ();

    fn handle(&mut self, Supervise(child): Supervise, ctx: &mut Context<Self>) {
        self.launch_child(&child, &ctx.address());
        let (robot, system) = child.labels();
        metrics::counter!("xops_robot_restarts_total", "robot" => robot, "system" => system).absolute(0);
        self.children.insert(child, Past::default());
    }
}

impl Handler<Died> for Supervisor {
    type Result = ();

    fn handle(&mut self, Died { child, panicked, doing }: Died, ctx: &mut Context<Self>) {
        if !panicked {
            return;
        }
        let (robot, system) = child.labels();
        metrics::counter!("xops_robot_restarts_total", "robot" => robot, "system" => system).increment(1);
        match child {
            Child::Service => self.give_up("the Service robot panicked: its state has to be folded again"),
            Child::Instance(number) => {
                self.tenant.hub.forget(number);
                self.tenant.hub.strike(Culprit::Instance(number), robot, doing, true);
            }
            Child::Platform(_) | Child::DataOps(_) => {
                metrics::counter!("xops_panics_total", "robot" => robot).increment(1);
                self.restart(child, ctx);
            }
        }
    }
}

impl Handler<Again> for Supervisor {
    type Result = ();

    fn handle(&mut self, Again(system): Again, ctx: &mut Context<Self>) {
        for child in [Child::Platform(system.clone()), Child::DataOps(system)] {
            let Some(past) = self.children.get_mut(&child) else { continue };
            if std::mem::take(&mut past.given_up) {
                past.restarts.clear();
                past.total += 1;
                self.launch_child(&child, &ctx.address());
            }
        }
    }
}

impl Handler<Restarts> for Supervisor {
    type Result = actix::MessageResult<Restarts>;

    fn handle(&mut self, _: Restarts, _ctx: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(
            self.children.iter().map(|(child, past)| (child.to_string(), past.total)).collect(),
        )
    }
}
