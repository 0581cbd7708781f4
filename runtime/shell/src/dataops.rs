//! The DataOps robot of a system: reads it and feeds the graph.
//!
//! Invariants: one cycle at a time; whoever asks while one is under way gets the next one's answer; how a cycle goes on is
//! decided by the pure `xops_robots::dataops::reading`.

use crate::door::Door;
use crate::supervisor::{Child, Obituary, Supervisor};
use crate::tenant::Tenant;
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use xops_kernel::machine::Machine;
use xops_kernel::port::{Outcome, ReadAsk, ReadContract};
use xops_kernel::value::Values;
use xops_robots::dataops::due::{self, Standing};
use xops_robots::dataops::progress::{Answer, Bounds};
use xops_robots::dataops::reading::{Call, Effect, Event, Reader, State};
use xops_robots::platform::budget::Call as Paced;

/// How long whoever needs fresh facts waits for them.
const REFRESH_MAX: Duration = Duration::from_mins(2);
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
    _obituary: Obituary,
}

/// How a cycle ended.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The reads that are not complete, with the first reason.
    pub incomplete: BTreeMap<String, String>,
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
            _obituary: Obituary::new(Child::DataOps(system.to_owned()), supervisor.clone()),
        };
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(4_096);
            robot
        })
    }

    fn show_depth(&self) {
        let depth = u32::try_from(self.now_waiting.len() + self.next_waiting.len()).unwrap_or(u32::MAX);
        metrics::gauge!("xops_robot_mailbox_depth", "robot" => "dataops", "system" => self.system.clone())
            .set(f64::from(depth));
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let Some(state) = self.state.take() else { return };
        self.cycle += 1;
        self.standing.reading = true;
        let offered = self.tenant.shared.connector.reads(&self.system);
        let contracts = self.tenant.needed(&self.system, offered);
        let reader = Reader::new(&self.tenant.declarations.tenant, contracts.clone(), Bounds::default());
        let run = run(Rc::clone(&self.tenant), self.system.clone(), reader, contracts, state, self.cycle);
        ctx.spawn(
            run.into_actor(self)
                .map(|(state, report, began), robot, ctx| robot.ended(state, &report, began, ctx)),
        );
    }

    fn ended(&mut self, state: State, report: &Report, began: u64, ctx: &mut Context<Self>) {
        let now = self.tenant.hub.clock.now();
        self.state = Some(state);
        self.standing.reading = false;
        if report.incomplete.is_empty() {
            self.standing.complete_at = Some(began);
            self.standing.failed = None;
        } else {
            let times = self.standing.failed.map_or(0, |(_, times)| times);
            self.standing.failed = Some((now, times + 1));
            for (read, why) in &report.incomplete {
                tracing::warn!(system = self.system, read, why, "a read is incomplete");
            }
        }
        let result = if report.incomplete.is_empty() { "complete" } else { "incomplete" };
        metrics::counter!("xops_reads_total", "system" => self.system.clone(), "result" => result)
            .increment(1);
        for waiter in self.now_waiting.drain(..) {
            let _asker_gone = waiter.send(report.clone());
        }
        self.tenant.cycles.ended(&self.system);
        self.now_waiting = std::mem::take(&mut self.next_waiting);
        self.show_depth();
        if !self.now_waiting.is_empty() {
            return self.begin(ctx);
        }
        self.rest(ctx);
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

/// Drives one cycle to its end.
async fn run(
    tenant: Rc<Tenant>,
    system: String,
    reader: Reader,
    contracts: Vec<ReadContract>,
    mut state: State,
    cycle: u64,
) -> (State, Report, u64) {
    let clock = tenant.hub.clock;
    let began = clock.now();
    let mut report = Report::default();
    let mut wanted = Vec::new();
    let mut under_way: FuturesUnordered<LocalBoxFuture<'_, Event>> = FuturesUnordered::new();
    let mut event = Some(Event::Begun { cycle, at: began });
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
                    under_way.push(Box::pin(fetch(&tenant, &system, &contracts, &state, call)));
                }
                Effect::Wait { call, until } => under_way.push(Box::pin(async move {
                    tokio::time::sleep(clock.until(until)).await;
                    Event::Waited { call, at: clock.now() }
                })),
                Effect::Apply { cycle, target } => {
                    if let Some(reading) = state.reading(&target).cloned() {
                        report.records += reading.records.len();
                        let touched = tenant.graph_mut().apply(reading);
                        tenant.cycles.touch(touched);
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
    if let State::Ended { incomplete, .. } = &state {
        report.incomplete.clone_from(incomplete);
    }
    (state, report, began)
}

/// Asks for one page.
fn fetch<'a>(
    tenant: &'a Rc<Tenant>,
    system: &'a str,
    contracts: &'a [ReadContract],
    state: &State,
    call: Call,
) -> impl Future<Output = Event> + use<'a> {
    let next = state.next(&call.target).cloned();
    async move {
        let carry = next.as_ref().map(|next| next.carry.clone()).unwrap_or_default();
        let empty = Values::new();
        let config = tenant.shared.systems.get(system).unwrap_or(&empty);
        let ask = ReadAsk {
            system,
            read: &call.target.read,
            parameter: call.target.parameter.as_deref(),
            carry: &carry,
            at: tenant.hub.clock.now(),
            principal: &tenant.declarations.principal,
        };
        let connector = &tenant.shared.connector;
        let request = match next {
            Some(next) => Ok(*next.request),
            None => connector.render_read(config, &ask),
        };
        let timeout_ms = contracts
            .iter()
            .find(|contract| contract.name == call.target.read)
            .map_or(30_000, |it| it.timeout_ms);
        let answer = match request {
            Err(unrendered) => Answer::Failed(Outcome::Invalid(unrendered.to_string())),
            Ok(request) => {
                // A read of everything is the first that waits, and leaves the reserve to what is half done.
                let door = Door::of(tenant, system);
                match door.pace(tenant, Paced::of(&request)).await {
                    Err(why) => Answer::Failed(Outcome::Transient(why)),
                    Ok(turn) => {
                        let timeout = Duration::from_millis(timeout_ms);
                        let response = tenant.transport.send(request, timeout).await;
                        match response {
                            Ok(response) => {
                                turn.heard(&response, tenant.hub.clock.now());
                                Answer::from(connector.page(config, &ask, &response))
                            }
                            Err(lost) => Answer::Failed(lost.outcome()),
                        }
                    }
                }
            }
        };
        Event::Answered { call, answer, at: tenant.hub.clock.now() }
    }
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
        let why = match tokio::time::timeout(REFRESH_MAX, answered).await {
            Ok(Ok(report)) => {
                reports.insert(system, report);
                continue;
            }
            Ok(Err(_)) => "the robot ended while it was reading",
            Err(_) => "it took too long",
        };
        let incomplete = BTreeMap::from([("*".to_owned(), why.to_owned())]);
        reports.insert(system, Report { incomplete, records: 0 });
    }
    reports
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

impl Handler<Due> for DataOps {
    type Result = ();

    fn handle(&mut self, _: Due, ctx: &mut Context<Self>) {
        self.timer = None;
        if !self.standing.reading {
            self.begin(ctx);
        }
    }
}
