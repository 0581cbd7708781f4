//! The engine of one tenant: opens, recovers, runs, stops.
//!
//! Invariants: recovery is the same fold as running; the robots start in order (Platform and DataOps, then Service with its
//! instances) and stop in reverse; after `stop` returns everything that was acknowledged is in a closed journal.
//!
//! It is long because everything is started here, in an order that must be read as one.

mod drift;
mod keep;
mod listen;
pub mod who;

use crate::card::Card;
use crate::clock::Clock;
use crate::compile::{self, Preview};
use crate::crash::Crash;
use crate::cut::Cadence;
use crate::cycles::Cycles;
use crate::dataops::{self, Report};
use crate::hub::Hub;
use crate::instance;
use crate::issued;
use crate::keeper::{self, Kit};
use crate::letter;
use crate::limits::Limits;
use crate::rebuild::Source;
use crate::recover::{self, Fold, replay};
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
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use xops_graph::graph::Graph;
use xops_journal::disk::{Disk, RealDisk};
use xops_journal::journal::{Durable, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::stored::{self};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::culprit::Culprit;
use xops_kernel::day;
use xops_kernel::declare::Declarations;
use xops_kernel::identity::Identities;
use xops_kernel::log::{Happened, Number, Request, Scope, What};
use xops_kernel::port::Connector;
use xops_kernel::saga::event::{Event, Release};
use xops_kernel::saga::{Bounds, Shared};
use xops_kernel::value::Values;
use xops_robots::service::Answer;

/// The kind of entity of which nothing is personal: what a benchmark's instances are about.
pub const UNPERSONAL: &str = "probe";

/// How many instances that are not in memory a status shows.
const SHOWN_MAX: usize = 10_000;
/// How often an instance is called back before it counts as gone.
const SUMMONS_MAX: usize = 16;
/// How long a stop waits for its snapshot: without it, the next start folds more.
const SNAPSHOT_MAX: Duration = Duration::from_secs(5);

/// How long a stop waits for the journal to close.
const STOP_MAX: Duration = Duration::from_secs(20);

/// What an engine is made of.
pub struct Setup {
    /// What was declared.
    pub declarations: Arc<Declarations>,
    /// By which rules records are joined, by the kind of entity.
    pub identities: Identities,
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
    /// How often a snapshot is taken.
    pub cadence: Cadence,
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

impl Ledger {
    /// What the journal is written on, if it is.
    fn disk(&self) -> Result<Option<Arc<dyn Disk>>, Error> {
        Ok(match self {
            Self::None | Self::Read(_) => None,
            Self::Write(dir) => {
                let failed = |source| Error::Directory { dir: dir.clone(), source };
                Some(Arc::new(RealDisk::new(dir).map_err(failed)?))
            }
            Self::WriteOn(disk) => Some(Arc::clone(disk)),
        })
    }
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
    /// The journal's directory cannot be used.
    #[error("failed to open the journal directory `{}`: {source}", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The journal was folded without a shelf.
    #[error("the journal was opened without a place for what rests: this is a mistake in xops, report it")]
    NoShelf,
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
        Self::start_within(setup, Limits::default()).await
    }

    /// The same within other limits.
    pub async fn start_within(setup: Setup, limits: Limits) -> Result<Self, Error> {
        let digest_key = DigestKey(*setup.key.digest_key());
        let shared = Arc::new(Shared {
            tenant: setup.declarations.tenant.clone(),
            connector: Arc::clone(&setup.connector),
            systems: setup.systems,
            key: digest_key,
            bounds: setup.bounds,
        });
        let keys = Keys::new(&setup.declarations.tenant, &setup.key);
        let mut fold = Fold::default();
        let declared = (&setup.declarations, &setup.identities);
        let mut graph = graph_of(declared, &*setup.connector, digest_key);
        let (mut orders, mut listening, mut durable) = (None, None, None);
        if let Ledger::Read(dir) = &setup.ledger {
            let reader = Reader::open(dir, &keys)?;
            let subjects = SubjectKeys::beside(&setup.subjects, &setup.key)?;
            replay(|visit| reader.replay(1, visit), &subjects, &shared, &mut fold)?;
            let failed = |source| Error::Directory { dir: dir.clone(), source };
            issued::recall(&RealDisk::new(dir).map_err(failed)?, &keys, &subjects, false, &mut graph);
        }
        let disk = setup.ledger.disk()?;
        let (mut keeper_ends, mut source, mut clock, mut tail, mut held_under) = (None, None, None, 0, None);
        let beside = disk.clone();
        if let Some(disk) = disk {
            let keyring = || SubjectKeys::open(&setup.subjects, &setup.key);
            let opened = recover::open(&disk, &keys, keyring, setup.options, &shared)?;
            let opened_durable = opened.journal.durable();
            (fold, tail, durable) = (opened.fold, opened.tail, Some(opened_durable.clone()));
            clock = Some(Clock::remembered(fold.at, &*disk));
            issued::recall(&*disk, &keys, &opened.subjects, true, &mut graph);
            let shelf = fold.shelf.take().ok_or(Error::NoShelf)?;
            let subjects = Arc::new(Mutex::new(opened.subjects));
            let (scribe, told) = scribe::start(opened.journal, Arc::clone(&subjects), setup.crash.clone())?;
            (orders, listening) = (Some(scribe), Some(told));
            source = Some(Source::new(&disk, &keys, &subjects, opened_durable));
            held_under = Some((keys.clone(), Arc::downgrade(&subjects)));
            let (kept, digest) = (setup.cadence.kept, digest_key);
            keeper_ends = Some(keeper::start(Kit { disk, keys, subjects, shelf, digest, kept })?);
        }
        let clock = clock.unwrap_or_else(|| Clock::start(fold.at));
        let hub = Hub::new(clock, orders, setup.crash);
        hub.cutting.set_cadence(setup.cadence);
        hub.cutting.count(tail, 0);
        if let Some((keeper, told)) = keeper_ends {
            hub.set_keeper(keeper, source);
            actix::spawn(listen::to_keeper(Rc::clone(&hub), told));
        }
        let timers = std::mem::take(&mut fold.timers);
        hub.restore_timers(keeper::timers_of(timers, &fold.state.shelved));
        let breakers = fold.breakers.clone();
        let tenant = Rc::new(Tenant {
            hub: Rc::clone(&hub),
            declarations: setup.declarations,
            identities: setup.identities,
            shared,
            transport: setup.transport,
            graph: Arc::new(RwLock::new(graph)),
            robots: RefCell::new(Robots::default()),
            ambient: RefCell::new(Ambient { breakers, restarted: fold.at > 0, ..Ambient::default() }),
            cycles: Cycles::default(),
            exclusive: RefCell::default(),
            watch: setup.watch,
            disk: beside,
            keys: held_under,
            limits,
        });
        Ok(Self { durable, ..Self::launch(tenant, fold, listening).await })
    }

    async fn launch(tenant: Rc<Tenant>, fold: Fold, told: Option<mpsc::Receiver<Told>>) -> Self {
        let (fail, failed) = mpsc::channel(8);
        let closed = Rc::new(Notify::new());
        if let Some(told) = told {
            actix::spawn(listen::to_scribe(Rc::clone(&tenant.hub), told, Rc::clone(&closed), fail.clone()));
        }
        let supervisor = Supervisor::launch(&tenant, fail);
        for system in tenant.declarations.systems.keys() {
            let _up = supervisor.send(Supervise(Child::Platform(system.clone()))).await;
            let _up = supervisor.send(Supervise(Child::DataOps(system.clone()))).await;
        }
        let epoch = fold.state.epoch + 1;
        let declared = fold.state.declared;
        let (ruled, decided) = (fold.state.ruled, fold.state.decided.clone());
        let mut state = fold.state;
        state.epoch = epoch;
        let recovered = Recovered { state, live: fold.live, breakers: fold.breakers };
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
        for what in who::ruled(&tenant, ruled, &decided, day::number_of(at)) {
            let _up = service.send(letter::Note(Happened { at, what })).await;
        }
        // Only now: a time that came while nobody was there would find nobody to tell.
        actix::spawn(Rc::clone(&tenant.hub).run_timers());
        Self { tenant, service, supervisor, closed, failed: Cell::new(Some(failed)), durable: None }
    }

    /// The tenant, for what only looks.
    pub fn tenant(&self) -> &Rc<Tenant> {
        &self.tenant
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

    /// Lets the parked or stuck steps of an instance go on, as a person decided; how many there were.
    pub async fn release(&self, number: Number, by: &str, how: Release) -> Result<usize, String> {
        use xops_kernel::saga::state::Stage;
        if how == Release::Retry && self.free(Culprit::Instance(number), by).await? {
            return Ok(1);
        }
        let Some(actor) = self.summon(number).await else {
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

    /// The actor of an instance that has not ended; brought back, if it had left memory.
    async fn summon(&self, number: Number) -> Option<Addr<instance::Instance>> {
        // It may leave again before anybody gets to it, though it stays a moment: so more than once.
        for _ in 0..SUMMONS_MAX {
            if let Some(instance) = self.tenant.hub.instance(number) {
                return Some(instance);
            }
            let (reply, back) = oneshot::channel();
            self.service.send(letter::Wake(number, reply)).await.ok()?;
            if !back.await.ok()? {
                return None;
            }
        }
        None
    }

    /// Lets what was set aside after panics be tried again; false if it was not set aside.
    pub async fn free(&self, over: Culprit, by: &str) -> Result<bool, String> {
        let free = letter::Free { over, by: by.to_owned(), turn: None };
        let freed = self.service.send(free).await.map_err(|error| error.to_string())??;
        Ok(freed == letter::Freed::GoesOn)
    }

    /// Turns an instance back, as a person asked. One that is set aside goes on with that.
    pub async fn turn(&self, number: Number, by: &str, why: &str) -> Result<(), String> {
        let (over, turn) = (Culprit::Instance(number), Some(why.to_owned()));
        let freed = self.service.send(letter::Free { over, by: by.to_owned(), turn }).await;
        if freed.map_err(|error| error.to_string())?? == letter::Freed::GoesOn {
            return Ok(());
        }
        if self.summon(number).await.is_none() {
            return Err(format!("instance {number} is not under way"));
        }
        self.tenant.hub.tell(number, Event::Turned { why: why.to_owned(), by: Some(by.to_owned()) });
        Ok(())
    }

    /// Waits until nothing goes on but by a person, looking every `pause`.
    pub async fn until_quiet(&self, pause: Duration) {
        let mut before = None;
        loop {
            // What is still in an actor's mailbox shows in what it writes: it has its turn between two looks.
            let now = self.service.send(letter::Rests).await.unwrap_or(None);
            if now.is_some() && now == before {
                return;
            }
            before = now;
            tokio::time::sleep(pause).await;
        }
    }

    /// The instances that are not in memory. Of one whose card cannot be read only its number and its state are known.
    async fn away(key: &DigestKey, whole: &mut letter::Whole) -> Vec<status::InstanceStatus> {
        let cards = match whole.cards.take() {
            Some(cards) => cards.await.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut cards: BTreeMap<Number, Card> = cards.into_iter().map(|card| (card.number, card)).collect();
        let told = whole.away.iter().map(|(number, word)| {
            let card = cards.remove(number);
            let (id, plan, entity) = card.map_or_else(Default::default, |card| {
                (card.id(key).to_string(), card.plan.name, card.handle)
            });
            status::InstanceStatus { number: *number, id, plan, entity, state: (*word).to_owned() }
        });
        told.collect()
    }

    /// What the engine shows of itself.
    pub async fn status(&self) -> Status {
        let mut whole = self.service.send(letter::Everybody(SHOWN_MAX)).await.unwrap_or_default();
        let away = Self::away(&self.tenant.shared.key, &mut whole).await;
        let mut status = status::of_view(&self.tenant.declarations.tenant, whole.view);
        status.instances.extend(away);
        status.instances.sort_unstable_by_key(|instance| instance.number);
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
                let door = crate::door::Door::of(&self.tenant, &system.name);
                let (queue, oldest_waiting) = *door.queue.borrow();
                SystemStatus {
                    budgets: door.budgets(now),
                    queue,
                    oldest_waiting,
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

    /// Takes a snapshot now, and waits until it is written or given up.
    pub async fn snapshot(&self) {
        let cutting = &self.tenant.hub.cutting;
        while cutting.is_busy() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let written = cutting.until_written();
        if self.service.send(letter::TakeCut).await.is_ok() && cutting.is_busy() {
            written.await;
        }
    }

    /// Writes down what was handed over and closes the journal; nothing is acknowledged any more.
    pub async fn close(&self) -> Result<(), String> {
        self.tenant.hub.flush();
        let Some(scribe) = self.tenant.hub.scribe() else { return Ok(()) };
        if self.tenant.hub.cutting.is_due_at_stop() && self.tenant.hub.stopped().is_none() {
            let _not_in_time = tokio::time::timeout(SNAPSHOT_MAX, self.snapshot()).await;
        }
        let (reply, kept) = oneshot::channel();
        if self.tenant.hub.keep(keeper::Order::Close(reply)) {
            let _not_in_time = tokio::time::timeout(SNAPSHOT_MAX, kept).await;
        }
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

/// An empty graph that knows what is to be read into it.
fn graph_of(
    (declarations, identities): (&Arc<Declarations>, &Identities),
    connector: &dyn Connector,
    key: DigestKey,
) -> Graph {
    let mut graph = Graph::new(Arc::clone(declarations), key);
    graph.identify(identities);
    for system in declarations.systems.keys() {
        graph.expect(declarations.needed(system, connector.reads(system)));
    }
    graph
}
