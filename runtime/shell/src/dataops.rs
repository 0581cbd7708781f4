//! The DataOps robot of a system: reads it and feeds the graph.
//!
//! Absent: decisions. What a cycle is about and how it goes on follows from the pure `xops_robots::dataops`. Invariants: one
//! cycle at a time; whoever asks while one is under way gets the next one's answer; where a read of changes begins is kept only
//! together with what came before it, so a robot or a process that lost either reads everything; what a system
//! says by itself starts a cycle after a moment in which more may come, and takes at most a quarter of the time.

mod fetch;
mod guard;
mod kept;

use crate::door::Door;
use crate::supervisor::{Child, Obituary, Supervisor};
use crate::tenant::Tenant;
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use fetch::fetch;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use kept::Kept;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use xops_kernel::machine::Machine;
use xops_kernel::port::ReadContract;
use xops_kernel::record::Millis;
use xops_robots::dataops::due::{self, Standing};
use xops_robots::dataops::progress::{Bounds, Place, Taken, Target};
use xops_robots::dataops::reading::{Effect, Event, Reader, Scope, State};
use xops_robots::dataops::scope;

/// How long whoever needs fresh facts waits while nothing comes.
const REFRESH_MAX: Duration = Duration::from_mins(2);
/// How long they wait while records come: a large system takes its time.
const REFRESH_WHOLE_MAX: Duration = Duration::from_mins(30);
/// How long a cycle waits after a system said that something changed, in milliseconds: such messages come in bursts.
const NOTICE_MS: u64 = 500;
/// How many times as long as the last such cycle took the next one waits.
const NOTICE_REST: u64 = 3;
/// How many may wait for one cycle.
const WAITERS_MAX: usize = 65_536;

/// The actor.
pub struct DataOps {
    tenant: Rc<Tenant>,
    system: String,
    state: Option<State>,
    cycle: u64,
    standing: Standing,
    now_waiting: Vec<oneshot::Sender<Report>>,
    next_waiting: Vec<oneshot::Sender<Report>>,
    timer: Option<actix::SpawnHandle>,
    /// Where reads of changes begin.
    places: Places,
    /// The kinds of which the system said that something changed.
    noticed: BTreeSet<String>,
    /// From when on a cycle may begin for what was noticed; whether one is to.
    notice_at: Millis,
    notice_set: bool,
    _obituary: Obituary,
}

/// Where reads of changes begin, by read and parameter.
type Places = Rc<RefCell<BTreeMap<Target, Place>>>;

/// The system said by itself that something of a kind of record changed.
pub struct Noticed(pub String);

impl Message for Noticed {
    type Result = ();
}

/// It is time to read what was noticed.
struct Look;

impl Message for Look {
    type Result = ();
}

/// How a cycle ended.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The reads that are not complete, with the first reason.
    pub incomplete: BTreeMap<String, String>,
    /// The optional reads that the system does not give, with its reason.
    pub denied: BTreeMap<String, String>,
    /// How many records came.
    pub records: usize,
}

/// Asks for a whole cycle.
pub struct Refresh(pub oneshot::Sender<Report>);

impl Message for Refresh {
    type Result = ();
}

struct Due;

impl Message for Due {
    type Result = ();
}

impl DataOps {
    /// Starts the robot of `system`.
    pub fn launch(tenant: &Rc<Tenant>, system: &str, supervisor: &Addr<Supervisor>) -> Addr<Self> {
        let max_age_ms = tenant.declarations.systems.get(system).map_or(0, |system| system.max_age_ms);
        let robot = Self {
            tenant: Rc::clone(tenant),
            system: system.to_owned(),
            state: Some(State::default()),
            cycle: 0,
            standing: Standing { max_age_ms, ..Standing::default() },
            now_waiting: Vec::new(),
            next_waiting: Vec::new(),
            timer: None,
            places: Places::default(),
            noticed: BTreeSet::new(),
            notice_at: 0,
            notice_set: false,
            _obituary: Obituary::new(Child::DataOps(system.to_owned()), supervisor.clone()),
        };
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(4_096);
            robot.resume();
            robot
        })
    }

    /// Goes on from where an earlier process, or an earlier robot, was.
    fn resume(&self) {
        let Some(kept) = Kept::of(&self.tenant, &self.system) else { return };
        for held in kept.restore(&self.contracts()) {
            let touched = self.tenant.graph_mut().apply(held.reading);
            crate::issued::remember(&self.tenant);
            self.tenant.cycles.touch(&self.system, touched);
            self.places.borrow_mut().insert(held.target, held.place);
        }
    }

    fn show_depth(&self) {
        let depth = u32::try_from(self.now_waiting.len() + self.next_waiting.len()).unwrap_or(u32::MAX);
        metrics::gauge!("xops_robot_mailbox_depth", "robot" => "dataops", "system" => self.system.clone())
            .set(f64::from(depth));
    }

    /// Begins a cycle over everything.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let contracts = self.contracts();
        let scope = scope::everything(&contracts, &self.places.borrow(), self.tenant.hub.clock.now());
        self.noticed.clear();
        self.start(contracts, scope, ctx);
    }

    /// Begins a cycle over what was noticed, if anything needs it.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let contracts = self.contracts();
        let kinds = std::mem::take(&mut self.noticed);
        let scope = scope::noticed(&contracts, &self.places.borrow(), &kinds);
        if let Some(scope) = scope {
            self.start(contracts, scope, ctx);
        }
    }

    fn contracts(&self) -> Vec<ReadContract> {
        let offered = self.tenant.shared.connector.reads(&self.system);
        self.tenant.needed(&self.system, offered)
    }

    fn start(&mut self, contracts: Vec<ReadContract>, scope: Scope, ctx: &mut Context<Self>) {
        let Some(state) = self.state.take() else { return };
        self.cycle += 1;
        self.standing.reading = true;
        let partial = !scope.only.is_empty();
        let reader = Reader::new(&self.tenant.declarations.tenant, contracts.clone(), Bounds::default());
        let cycle = Cycle {
            tenant: Rc::clone(&self.tenant),
            system: self.system.clone(),
            reader,
            kept: Kept::of(&self.tenant, &self.system),
            contracts,
            places: Rc::clone(&self.places),
        };
        let run = run(cycle, state, self.cycle, scope);
        ctx.spawn(run.into_actor(self).map(move |(state, report, began), robot, ctx| {
            robot.ended(state, &report, began, partial, ctx);
        }));
    }

    fn ended(
        &mut self,
        state: State,
        report: &Report,
        began: Millis,
        partial: bool,
        ctx: &mut Context<Self>,
    ) {
        let now = self.tenant.hub.clock.now();
        self.state = Some(state);
        self.standing.reading = false;
        if partial {
            self.notice_at = now.saturating_add(now.saturating_sub(began).saturating_mul(NOTICE_REST));
        } else if report.incomplete.is_empty() {
            self.standing.complete_at = Some(began);
            self.standing.failed = None;
        } else {
            let times = self.standing.failed.map_or(0, |(_, times)| times);
            self.standing.failed = Some((now, times + 1));
        }
        for (read, why) in &report.incomplete {
            tracing::warn!(system = self.system, read, why, "a read is incomplete");
        }
        for (read, why) in &report.denied {
            tracing::info!(system = self.system, read, why, "an optional read is not given");
        }
        let result = if report.incomplete.is_empty() { "complete" } else { "incomplete" };
        metrics::counter!("xops_reads_total", "system" => self.system.clone(), "result" => result)
            .increment(1);
        if !partial {
            for waiter in self.now_waiting.drain(..) {
                let _asker_gone = waiter.send(report.clone());
            }
        }
        self.tenant.cycles.ended(&self.system);
        self.now_waiting.append(&mut self.next_waiting);
        self.show_depth();
        if !self.now_waiting.is_empty() {
            return self.begin(ctx);
        }
        if !self.noticed.is_empty() {
            self.look_soon(ctx);
        }
        self.rest(ctx);
    }

    /// Reads what was noticed after a moment.
    fn look_soon(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.notice_set, true) {
            let clock = self.tenant.hub.clock;
            let at = self.notice_at.max(clock.now().saturating_add(NOTICE_MS));
            ctx.notify_later(Look, clock.until(at));
        }
    }

    /// Sleeps until the next cycle is due.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        if !self.tenant.watch {
            return;
        }
        let standings = BTreeMap::from([(self.system.clone(), self.standing.clone())]);
        if let Some(at) = due::next_at(&standings) {
            let wait = self.tenant.hub.clock.until(at).max(Duration::from_millis(50));
            if let Some(timer) = self.timer.replace(ctx.notify_later(Due, wait)) {
                ctx.cancel_future(timer);
            }
        }
    }
}

/// What one cycle is made with.
struct Cycle {
    tenant: Rc<Tenant>,
    system: String,
    reader: Reader,
    contracts: Vec<ReadContract>,
    places: Places,
    kept: Option<Kept>,
}

impl Cycle {
    /// Applies what was read to the graph; then, and not before, the next read of changes may begin where this one ended.
    fn apply(&self, taken: &Taken, target: &Target) {
        let reading = taken.reading.clone();
        let touched = match &taken.follows {
            Some(follows) => self.tenant.graph_mut().follow(reading, follows),
            None => self.tenant.graph_mut().apply(reading),
        };
        crate::issued::remember(&self.tenant);
        self.tenant.cycles.touch(&self.system, touched);
        if let Some(kept) = &self.kept {
            kept.take(&self.contracts, target, taken);
        }
        if taken.part {
            return;
        }
        let mut places = self.places.borrow_mut();
        match &taken.place {
            Some(place) => drop(places.insert(target.clone(), place.clone())),
            None => drop(places.remove(target)),
        }
    }
}

/// Drives one cycle to its end.
async fn run(this: Cycle, mut state: State, cycle: u64, scope: Scope) -> (State, Report, Millis) {
    let Cycle { tenant, system, reader, contracts, .. } = &this;
    let clock = tenant.hub.clock;
    let began = clock.now();
    let mut report = Report::default();
    let mut wanted = Vec::new();
    let mut under_way: FuturesUnordered<LocalBoxFuture<'_, Event>> = FuturesUnordered::new();
    let mut event = Some(Event::Begun { cycle, at: began, scope });
    while let Some(happened) = event.take() {
        if let Err(refused) = reader.step(&mut state, &happened, &mut wanted) {
            tracing::debug!(system, %refused, "an answer of a read came late");
        }
        while let Some(decided) = reader.decide(&state) {
            if reader.step(&mut state, &decided, &mut wanted).is_err() {
                break;
            }
        }
        for effect in wanted.drain(..) {
            match effect {
                Effect::Fetch(call) => {
                    under_way.push(Box::pin(fetch(tenant, system, contracts, &state, call)));
                }
                Effect::Wait { call, until } => under_way.push(Box::pin(async move {
                    tokio::time::sleep(clock.until(until)).await;
                    Event::Waited { call, at: clock.now() }
                })),
                Effect::Apply { cycle, target } => {
                    if let Some(taken) = state.taken(&target) {
                        report.records += taken.reading.records.len();
                        this.apply(taken, &target);
                    }
                    under_way.push(Box::pin(std::future::ready(Event::Applied {
                        cycle,
                        target,
                        at: clock.now(),
                    })));
                }
            }
        }
        event = under_way.next().await;
    }
    drop(under_way);
    if let State::Ended { incomplete, denied, .. } = &state {
        report.incomplete.clone_from(incomplete);
        report.denied.clone_from(denied);
    }
    (state, report, began)
}

/// Tells the robot of `system` that something of a kind of record changed; whether it heard.
pub fn notice(tenant: &Tenant, system: &str, kind: &str) -> bool {
    let robot = tenant.robots.borrow().dataops.get(system).cloned();
    robot.is_some_and(|robot| robot.try_send(Noticed(kind.to_owned())).is_ok())
}

/// Reads these systems again and waits for it, within a bound.
pub async fn refresh(tenant: &Rc<Tenant>, systems: BTreeSet<String>) -> BTreeMap<String, Report> {
    let mut reports = BTreeMap::new();
    let mut waits = Vec::new();
    for system in systems {
        let robot = tenant.robots.borrow().dataops.get(&system).cloned();
        let (asker, answered) = oneshot::channel();
        if robot.is_some_and(|robot| robot.try_send(Refresh(asker)).is_ok()) {
            waits.push((system, answered));
        }
    }
    for (system, answered) in waits {
        let why = match patiently(tenant, &system, answered).await {
            Some(Ok(report)) => {
                reports.insert(system, report);
                continue;
            }
            Some(Err(_)) => "the robot ended while it was reading",
            None => "it took too long",
        };
        let incomplete = BTreeMap::from([("*".to_owned(), why.to_owned())]);
        reports.insert(system, Report { incomplete, ..Report::default() });
    }
    reports
}

/// The answer, or nothing where it does not come while nothing else comes either.
async fn patiently<T>(
    tenant: &Rc<Tenant>,
    system: &str,
    mut answered: oneshot::Receiver<T>,
) -> Option<Result<T, oneshot::error::RecvError>> {
    let (door, began) = (Door::of(tenant, system), tokio::time::Instant::now());
    loop {
        let before = door.records.get();
        match tokio::time::timeout(REFRESH_MAX, &mut answered).await {
            Ok(answer) => return Some(answer),
            Err(_) if door.records.get() > before && began.elapsed() < REFRESH_WHOLE_MAX => {}
            Err(_) => return None,
        }
    }
}

impl Actor for DataOps {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        metrics::gauge!("xops_robot_up", "robot" => "dataops", "system" => self.system.clone()).set(1.0);
        self.show_depth();
        self.rest(ctx);
    }
}

impl Handler<Refresh> for DataOps {
    type Result = ();

    fn handle(&mut self, Refresh(asker): Refresh, ctx: &mut Context<Self>) {
        if self.next_waiting.len() + self.now_waiting.len() >= WAITERS_MAX {
            return;
        }
        if self.standing.reading {
            self.next_waiting.push(asker);
        } else {
            self.now_waiting.push(asker);
            self.begin(ctx);
        }
        self.show_depth();
    }
}

impl Handler<Noticed> for DataOps {
    type Result = ();

    fn handle(&mut self, Noticed(kind): Noticed, ctx: &mut Context<Self>) {
        // A closed set: what no read gives is not kept.
        if self.contracts().iter().any(|contract| contract.kind == kind) {
            metrics::counter!("xops_noticed_total", "system" => self.system.clone()).increment(1);
            self.noticed.insert(kind);
            if !self.standing.reading {
                self.look_soon(ctx);
            }
        }
    }
}

impl Handler<Look> for DataOps {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Context<Self>) {
        self.notice_set = false;
        if !self.standing.reading && !self.noticed.is_empty() {
            self.look(ctx);
        }
    }
}

impl Handler<Due> for DataOps {
    type Result = ();

    fn handle(&mut self, _: Due, ctx: &mut Context<Self>) {
        self.timer = None;
        if !self.standing.reading {
            self.begin(ctx);
        }
    }
}
