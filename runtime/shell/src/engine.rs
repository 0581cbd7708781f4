//! The engine of one tenant: opens, recovers, runs, stops.
//!
//! Invariants: recovery is the same fold as running; the robots start in order (Platform and DataOps, then Service with its
//! instances) and stop in reverse; after `stop` returns everything that was acknowledged is in a closed journal.

use crate::clock::Clock;
use crate::compile::{self, Preview};
use crate::crash::Crash;
use crate::dataops::{self, Report};
use crate::hub::Hub;
use crate::instance;
use crate::letter;
use crate::recover::{Fold, recover, replay};
use crate::scribe::{self, Order, Told};
use crate::service::{Recovered, Service};
use crate::status::{self, GraphStatus, ReadStatus, Status, SystemStatus};
use crate::supervisor::{Child, Restarts, Supervise, Supervisor};
use crate::tenant::{Ambient, Robots, Tenant};
use crate::transport::Transport;
use actix::Addr;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use xops_graph::graph::Graph;
use xops_journal::disk::Disk;
use xops_journal::journal::{Durable, Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::Declarations;
use xops_kernel::log::{Erased, Happened, Number, Request, Scope, What};
use xops_kernel::port::Connector;
use xops_kernel::saga::event::{Event, Release};
use xops_kernel::saga::{Bounds, Shared};
use xops_kernel::value::Values;
use xops_robots::service::Answer;

/// The kind of entity of which nothing is personal: what a benchmark's instances are about.
pub const UNPERSONAL: &str = "probe";

/// How long a stop waits for the journal to close.
const STOP_MAX: Duration = Duration::from_secs(20);

/// What an engine is made of.
pub struct Setup {
    /// What was declared.
    pub declarations: Arc<Declarations>,
    /// The connectors.
    pub connector: Arc<dyn Connector>,
    /// The wire.
    pub transport: Arc<dyn Transport>,
    /// The configuration of each system, as requests are rendered with it.
    pub systems: BTreeMap<String, Values>,
    /// What is done with the tenant's journal.
    pub ledger: Ledger,
    /// The file of the subjects' keys, outside the journal.
    pub subjects: PathBuf,
    /// The tenant's key.
    pub key: TenantKey,
    /// How the journal is opened.
    pub options: Options,
    /// The bounds of the step protocol.
    pub bounds: Bounds,
    /// Whether the robots read their systems again by themselves.
    pub watch: bool,
    /// The crash point, if one was asked for.
    pub crash: Option<Arc<Crash>>,
}

/// What is done with a journal.
#[derive(Clone, Debug)]
pub enum Ledger {
    /// There is none yet, and none is begun: for a look at a tenant that has done nothing.
    None,
    /// The one in this directory is folded and left as it is, also while a daemon writes it.
    Read(PathBuf),
    /// The one in this directory is folded and written.
    Write(PathBuf),
    /// The one on this disk is folded and written: a disk that fails, forgets or lies can be handed in.
    WriteOn(Arc<dyn Disk>),
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal, or its keys.
    #[error(transparent)]
    Journal(#[from] xops_journal::error::Error),
    /// An entry of the journal cannot be read.
    #[error("failed to read event {seq} of the journal: {source}")]
    Stored {
        /// The event's sequence number.
        seq: u64,
        /// The reason.
        source: stored::Error,
    },
    /// The journal does not fold.
    #[error("event {seq} of the journal does not follow from those before it: {why}")]
    Unfolded {
        /// The event's sequence number.
        seq: u64,
        /// The reason.
        why: String,
    },
    /// The scribe's thread did not start.
    #[error("failed to start the journal's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The engine of one tenant. It lives on one arbiter.
pub struct Engine {
    tenant: Rc<Tenant>,
    service: Addr<Service>,
    supervisor: Addr<Supervisor>,
    closed: Rc<Notify>,
    failed: Cell<Option<mpsc::Receiver<String>>>,
    durable: Option<Durable>,
}

impl Engine {
    /// Opens the journal, folds it, and sets everything going.
    pub async fn start(setup: Setup) -> Result<Self, Error> {
        let digest_key = DigestKey(*setup.key.digest_key());
        let shared = Arc::new(Shared {
            tenant: setup.declarations.tenant.clone(),
            connector: Arc::clone(&setup.connector),
            systems: setup.systems,
            key: digest_key,
            bounds: setup.bounds,
        });
        let mut fold = Fold::default();
        let mut scribe_ends = None;
        let mut opened = None;
        let mut durable = None;
        let keys = Keys::new(&setup.declarations.tenant, &setup.key);
        match &setup.ledger {
            Ledger::None => {}
            Ledger::Read(dir) => {
                let reader = Reader::open(dir, &keys)?;
                let subjects = SubjectKeys::beside(&setup.subjects, &setup.key)?;
                let mut each = |seq, decoded: &Decoded| {
                    fold.take(&shared, decoded).map_err(|why| Error::Unfolded { seq, why })
                };
                replay(|visit| reader.replay(1, visit), &subjects, &mut each)?;
            }
            Ledger::Write(dir) => opened = Some(Journal::open(dir, &keys, setup.options)?),
            Ledger::WriteOn(disk) => {
                let random = xops_journal::random::System::default();
                opened = Some(Journal::open_on(Arc::clone(disk), &random, &keys, setup.options)?);
            }
        }
        if let Some((journal, opened)) = opened {
            durable = Some(journal.durable());
            let mut subjects = SubjectKeys::open(&setup.subjects, &setup.key)?;
            fold = recover(&journal, &mut subjects, &shared)?;
            let (events, files, recovered) = (opened.last_seq, opened.files, opened.recovered);
            tracing::info!(events, files, recovered, "journal open");
            scribe_ends = Some(scribe::start(journal, subjects, setup.crash.clone())?);
        }
        let clock = Clock::start(fold.at);
        let (orders, told) = scribe_ends.unzip();
        let hub = Hub::new(clock, orders, setup.crash);
        let mut graph = Graph::new(Arc::clone(&setup.declarations), digest_key);
        for system in setup.declarations.systems.keys() {
            graph.expect(setup.connector.reads(system));
        }
        let tenant = Rc::new(Tenant {
            hub: Rc::clone(&hub),
            declarations: setup.declarations,
            shared,
            transport: setup.transport,
            graph: Arc::new(RwLock::new(graph)),
            robots: RefCell::new(Robots::default()),
            ambient: RefCell::new(Ambient {
                breakers: std::mem::take(&mut fold.breakers),
                ..Ambient::default()
            }),
            watch: setup.watch,
        });
        Ok(Self { durable, ..Self::launch(tenant, fold, told).await })
    }

    async fn launch(tenant: Rc<Tenant>, fold: Fold, told: Option<mpsc::Receiver<Told>>) -> Self {
        let (fail, failed) = mpsc::channel(8);
        let closed = Rc::new(Notify::new());
        if let Some(told) = told {
            actix::spawn(listen(Rc::clone(&tenant.hub), told, Rc::clone(&closed), fail.clone()));
        }
        actix::spawn(Rc::clone(&tenant.hub).run_timers());
        let supervisor = Supervisor::launch(&tenant, fail);
        for system in tenant.declarations.systems.keys() {
            let _up = supervisor.send(Supervise(Child::Platform(system.clone()))).await;
            let _up = supervisor.send(Supervise(Child::DataOps(system.clone()))).await;
        }
        let epoch = fold.state.epoch + 1;
        let declared = fold.state.declared;
        let mut state = fold.state;
        state.epoch = epoch;
        let recovered = Recovered {
            state,
            plans: fold.plans,
            logs: fold.sagas.into_iter().map(|(number, (_, state))| (number, state)).collect(),
        };
        let service = Service::launch(&tenant, recovered, &supervisor);
        if !tenant.hub.writes() {
            // Nothing is driven and nothing is said: an engine that does not write only looks.
            return Self {
                tenant,
                service,
                supervisor,
                closed,
                failed: Cell::new(Some(failed)),
                durable: None,
            };
        }
        let at = tenant.hub.clock.now();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let _up = service.send(letter::Note(Happened { at, what: What::Opened { epoch, version } })).await;
        let digest = tenant.declarations.digest();
        if declared != Some(digest) {
            let declarations = Box::new((*tenant.declarations).clone());
            let what = What::Declared { digest, declarations };
            let _up = service.send(letter::Note(Happened { at, what })).await;
        }
        Self { tenant, service, supervisor, closed, failed: Cell::new(Some(failed)), durable: None }
    }

    /// The tenant, for what only looks.
    pub fn tenant(&self) -> &Rc<Tenant> {
        &self.tenant
    }

    /// Where the journal durably ends, for whoever follows it on another thread; none of an engine that does not write.
    pub fn durable(&self) -> Option<Durable> {
        self.durable.clone()
    }

    /// The Service robot.
    pub fn service(&self) -> &Addr<Service> {
        &self.service
    }

    /// Reads every system and waits for it; `each` hears of each as it ends.
    pub async fn read(&self, mut each: impl FnMut(&str, &Report)) -> BTreeMap<String, Report> {
        use futures_util::StreamExt;
        use futures_util::stream::FuturesUnordered;
        let systems = self.tenant.declarations.systems.keys().cloned();
        let mut reads: FuturesUnordered<_> = systems
            .map(|system| dataops::refresh(&self.tenant, std::collections::BTreeSet::from([system])))
            .collect();
        let mut reports = BTreeMap::new();
        while let Some(done) = reads.next().await {
            for (system, report) in done {
                each(&system, &report);
                reports.insert(system, report);
            }
        }
        reports
    }

    /// Compiles without consequences.
    pub async fn preview(
        &self,
        kind: &str,
        find: &Values,
        only: Option<&str>,
    ) -> Result<Preview, Vec<String>> {
        compile::preview(&self.tenant, kind, find, only).await.map_err(|(_, reasons)| reasons)
    }

    /// Asks for work, and waits for the durable answer.
    pub async fn request(&self, request: Request) -> Result<Answer, String> {
        let (reply, answered) = oneshot::channel();
        let gone = |_| "the Service robot is gone".to_owned();
        self.service.send(letter::Submit { request, reply }).await.map_err(|error| error.to_string())??;
        answered.await.map_err(gone)
    }

    /// The entities of a kind to whom an outcome applies, by what people call them. Whoever cannot be judged is among them:
    /// a request for them says why.
    pub fn concerned(&self, outcome: &str) -> Vec<String> {
        let Some(declared) = self.tenant.declarations.outcomes.get(outcome) else { return Vec::new() };
        let entities: Vec<_> = self.tenant.graph().entities(&declared.entity).collect();
        let now = self.tenant.hub.clock.now();
        let concerned = entities.into_iter().filter(|entity| {
            let subject = self.tenant.subject(*entity, &declared.entity, now);
            let desire = xops_kernel::desire::desire(&self.tenant.declarations, &subject, Some(outcome));
            desire.map_or(true, |desire| !desire.outcomes.is_empty())
        });
        concerned.filter_map(|entity| self.tenant.graph().handle(entity)).collect()
    }

    /// Waits until an instance is over or waits for a person; the word of its course.
    pub async fn rest(&self, number: Number) -> Option<&'static str> {
        let (reply, rested) = oneshot::channel();
        self.service.send(letter::Await(number, reply)).await.ok()?;
        rested.await.ok()
    }

    /// Pauses something, or lifts the pause.
    pub async fn pause(&self, scope: Scope, by: &str, why: Option<&str>) -> Result<(), String> {
        let by = by.to_owned();
        let what = match why {
            Some(why) => What::Paused { scope, by, why: why.to_owned() },
            None => What::Unpaused { scope, by },
        };
        let note = letter::Note(Happened { at: self.tenant.hub.clock.now(), what });
        self.service.send(note).await.map_err(|error| error.to_string())
    }

    /// Erases somebody: how many keys were destroyed.
    pub async fn erase(&self, erased: Erased) -> Result<usize, String> {
        let told = self.service.send(letter::Erase(Box::new(erased))).await;
        let destroyed = told.map_err(|error| error.to_string())??;
        destroyed.await.map_err(|_| "the journal stopped before the keys were destroyed".to_owned())?
    }

    /// Lets the parked or stuck steps of an instance go on, as a person decided; how many there were.
    pub async fn release(&self, number: Number, by: &str, how: Release) -> Result<usize, String> {
        use xops_kernel::saga::state::Stage;
        let Some(actor) = self.tenant.hub.instance(number) else {
            return Err(format!("instance {number} is not under way"));
        };
        let state = actor.send(instance::Show).await.map_err(|error| error.to_string())?;
        let mut released = 0;
        for (slot, run) in state.steps.iter().enumerate() {
            if matches!(run.stage, Stage::Parked | Stage::Stuck) {
                let step = xops_kernel::id::StepId(u16::try_from(slot).unwrap_or(u16::MAX));
                self.tenant.hub.tell(number, Event::Released { step, by: by.to_owned(), how });
                released += 1;
            }
        }
        Ok(released)
    }

    /// Turns an instance back, as a person asked.
    pub fn turn(&self, number: Number, by: &str, why: &str) -> Result<(), String> {
        if self.tenant.hub.instance(number).is_none() {
            return Err(format!("instance {number} is not under way"));
        }
        self.tenant.hub.tell(number, Event::Turned { why: why.to_owned(), by: Some(by.to_owned()) });
        Ok(())
    }

    /// What the engine shows of itself.
    pub async fn status(&self) -> Status {
        let view = self.service.send(letter::Look).await.unwrap_or_default();
        let mut status = status::of_view(&self.tenant.declarations.tenant, view);
        status.stopped = self.tenant.hub.stopped();
        status.restarts = self.supervisor.send(Restarts).await.unwrap_or_default();
        let graph = self.tenant.graph();
        let ambient = self.tenant.ambient.borrow();
        let now = self.tenant.hub.clock.now();
        status.systems = self
            .tenant
            .declarations
            .systems
            .values()
            .map(|system| {
                let open = ambient.breakers.get(&system.name).is_some_and(|until| *until > now);
                let reads = graph.freshness(&system.name).into_iter().map(|(read, freshness)| {
                    (
                        read,
                        ReadStatus {
                            complete_at: freshness.complete_at,
                            failed: freshness.failed.map(|(_, why)| why),
                        },
                    )
                });
                SystemStatus {
                    system: system.name.clone(),
                    domain: system.domain.clone(),
                    breaker: if open { "open" } else { "closed" }.to_owned(),
                    reads: reads.collect(),
                }
            })
            .collect();
        let size = graph.size();
        status.graph = GraphStatus {
            entities: size.entities,
            records: size.records,
            links: size.links,
            exceptions: size.exceptions,
        };
        status
    }

    /// Waits for a failure that ends the engine: the journal stopped, or supervision gave up.
    pub async fn failure(&self) -> String {
        // One waits at a time: whoever comes second waits for ever, and the first hears.
        let Some(mut failed) = self.failed.take() else { return std::future::pending().await };
        let why = failed.recv().await.unwrap_or_else(|| "the engine ended".to_owned());
        self.failed.set(Some(failed));
        why
    }

    /// Stops: what was handed over is written down, the journal is closed.
    pub async fn stop(self) -> Result<(), String> {
        self.close().await
    }

    /// Writes down what was handed over and closes the journal; nothing is acknowledged any more.
    pub async fn close(&self) -> Result<(), String> {
        self.tenant.hub.flush();
        let Some(scribe) = self.tenant.hub.scribe() else { return Ok(()) };
        let mut order = Order::Close;
        let deadline = tokio::time::Instant::now() + STOP_MAX;
        while let Err(error) = scribe.try_send(order) {
            match error {
                crossbeam_channel::TrySendError::Full(back) if tokio::time::Instant::now() < deadline => {
                    order = back;
                }
                // The scribe has ended: it stopped at a failure, and said so.
                _ => return Ok(()),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let closed = tokio::time::timeout_at(deadline, self.closed.notified()).await;
        closed.map_err(|_| format!("the journal did not close within {} s", STOP_MAX.as_secs()))
    }
}

async fn listen(
    hub: Rc<Hub>,
    mut told: mpsc::Receiver<Told>,
    closed: Rc<Notify>,
    fail: mpsc::Sender<String>,
) {
    while let Some(word) = told.recv().await {
        match word {
            Told::Durable(streams) => hub.acknowledge(&streams),
            Told::Stopped(why) => {
                hub.stop(&why);
                let _already_ending = fail.try_send(format!("the journal stopped: {why}"));
            }
            Told::Closed => closed.notify_one(),
        }
    }
}
