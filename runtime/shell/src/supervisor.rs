//! Supervision, as OTP understands it: child specifications, restart budgets, escalation.
//!
//! Invariants: a robot that ends by a panic is started again from its specification, never revived with its old value; more
//! restarts than the budget allows within its period end the tenant, with a reason; so does a panic of the Service robot,
//! whose state only the journal can rebuild: the process ends, and the next start folds it. An instance that panics broke an
//! invariant: it rests, named in the log, until the next start folds it again; the others go on.
//! `actix::Supervisor` does neither: it does not survive a panic, and it keeps a bad state.

use crate::dataops::DataOps;
use crate::platform::Platform;
use crate::tenant::Tenant;
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use xops_kernel::log::Number;

/// How many restarts a child may have within [`PERIOD`].
pub const INTENSITY: usize = 100;
/// The period over which restarts are counted.
pub const PERIOD: Duration = Duration::from_mins(1);

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
    escalate: mpsc::Sender<String>,
}

#[derive(Default)]
struct Past {
    restarts: VecDeque<Instant>,
    total: u64,
}

/// Adds a child and starts it.
pub struct Supervise(pub Child);

impl Message for Supervise {
    type Result = ();
}

struct Died {
    child: Child,
    panicked: bool,
}

impl Message for Died {
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
}

impl Obituary {
    /// For this child.
    pub fn new(child: Child, supervisor: Addr<Supervisor>) -> Self {
        Self { child, supervisor }
    }
}

impl Drop for Obituary {
    fn drop(&mut self) {
        if std::thread::panicking() || !matches!(self.child, Child::Instance(_)) {
            let died = Died { child: self.child.clone(), panicked: std::thread::panicking() };
            let _supervisor_gone = self.supervisor.try_send(died);
        }
    }
}

impl Supervisor {
    /// Starts a supervisor; when a budget is spent the reason goes to `escalate`.
    pub fn launch(tenant: &Rc<Tenant>, escalate: mpsc::Sender<String>) -> Addr<Self> {
        let tenant = Rc::clone(tenant);
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(4_096);
            Self { tenant, children: BTreeMap::new(), escalate }
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

    fn handle(&mut self, Died { child, panicked }: Died, ctx: &mut Context<Self>) {
        if !panicked {
            return;
        }
        let (robot, system) = child.labels();
        metrics::counter!("xops_robot_restarts_total", "robot" => robot, "system" => system).increment(1);
        match &child {
            Child::Service => {
                return self.give_up("the Service robot panicked: its state has to be folded again");
            }
            Child::Instance(number) => {
                tracing::error!(number, "an instance panicked: it rests until the next start");
                return self.tenant.hub.forget(*number);
            }
            Child::Platform(_) | Child::DataOps(_) => {}
        }
        let Some(past) = self.children.get_mut(&child) else { return };
        let now = Instant::now();
        past.restarts.retain(|at| now.duration_since(*at) < PERIOD);
        if past.restarts.len() >= INTENSITY {
            let why = format!("`{child}` was restarted {INTENSITY} times within {} s", PERIOD.as_secs());
            return self.give_up(&why);
        }
        past.restarts.push_back(now);
        past.total += 1;
        tracing::warn!(robot = %child, restarts = past.total, "a robot panicked and is started again");
        self.launch_child(&child, &ctx.address());
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
