//! The engine under fire: robots that panic, a budget that is spent, a disk that fails, a stop in the middle.
//!
//! The systems are in this process and do as they are told; everything else is real: actors, supervision, journal, saga.

#[path = "engine/fire.rs"]
mod fire;
#[path = "engine/kept.rs"]
mod kept;
#[path = "engine/retain.rs"]
mod retain;
#[path = "engine/who.rs"]
mod who;

use futures_util::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use xops_journal::disk::{Disk, Lock, MemoryDisk};
use xops_journal::journal::Options;
use xops_journal::keys::TenantKey;
use xops_kernel::awf::{Ambiguity, AwfName, Contract, Undo};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{Declarations, OnReject, System};
use xops_kernel::desire::Subject;
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId, StepId};
use xops_kernel::log::{Compiled, Entrance, Evidence, Request as Asked};
use xops_kernel::plan::{Footprint, Plan, Step};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::saga::Bounds;
use xops_kernel::value::Values;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup, UNPERSONAL};
use xops_shell::letter::Begin;
use xops_shell::transport::{Lost, Transport};

/// How long anything here may take before it counts as a hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// Systems whose answers make the robot panic so many times.
struct Fragile {
    contracts: BTreeMap<AwfName, Contract>,
    panics_left: BTreeMap<String, AtomicU64>,
}

impl Fragile {
    fn new(panics: &[(&str, u64)]) -> Self {
        let contract = |system: &str| Contract {
            name: AwfName::new(system, "act"),
            achieves: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            undo: Undo::Nothing,
            ambiguity: Ambiguity::Resend { lifetime_ms: None },
            snapshot: false,
            readback: None,
            locks: Vec::new(),
            timeout_ms: 1_000,
            tries_max: 10_000,
            manifest: Digest::default(),
        };
        Self {
            contracts: panics
                .iter()
                .map(|(system, _)| (AwfName::new(system, "act"), contract(system)))
                .collect(),
            panics_left: panics
                .iter()
                .map(|(system, times)| ((*system).to_owned(), AtomicU64::new(*times)))
                .collect(),
        }
    }
}

impl Connector for Fragile {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        Ok(Request {
            system: ask.awf.system.clone(),
            method: "POST".to_owned(),
            url: "http://127.0.0.1/act".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: ask.key.to_string().into_bytes(),
        })
    }

    fn classify(&self, ask: &Ask<'_>, _response: &Response) -> Outcome {
        let left = &self.panics_left[&ask.awf.system];
        let panics =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        assert!(!panics, "an answer that this robot cannot bear");
        Outcome::Ok(Values::new())
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Absent)
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        Vec::new()
    }

    fn render_read(&self, _config: &Values, _read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: "read".to_owned(), why: "there is none".to_owned() })
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Outcome::Absent)
    }
}

/// Answers everything.
struct Answers;

impl Transport for Answers {
    fn send(&self, _request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        std::future::ready(Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })).boxed()
    }
}

fn declarations(connector: &Fragile) -> Declarations {
    let system = |name: &String| System { name: name.clone(), concurrency: 64, ..System::default() };
    Declarations {
        tenant: "test".to_owned(),
        principal: "test".to_owned(),
        systems: connector.panics_left.keys().map(|name| (name.clone(), system(name))).collect(),
        contracts: connector.contracts.clone(),
        ..Declarations::default()
    }
}

fn setup(connector: Fragile, ledger: Ledger, dir: &std::path::Path) -> Setup {
    Setup {
        declarations: Arc::new(declarations(&connector)),
        identities: BTreeMap::new(),
        connector: Arc::new(connector),
        transport: Arc::new(Answers),
        systems: BTreeMap::new(),
        ledger,
        subjects: dir.join("subjects"),
        key: TenantKey::from_bytes([7; 32]),
        options: Options::default(),
        bounds: Bounds { backoff_ms: 2, backoff_ms_max: 4, gate_poll_ms: 5, ..Bounds::default() },
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    }
}

/// An instance of `steps` steps on `system`, about the entity `number`.
fn work(system: &str, number: u64, steps: u16) -> (Asked, Box<Compiled>) {
    let key = DigestKey([1; 32]);
    let step = |at: u16| Step {
        id: StepId(at),
        node: format!("act_{at}"),
        awf: AwfName::new(system, "act"),
        change: None,
        object: BTreeMap::new(),
        inputs: xops_kernel::few::Few::new(),
        personal: BTreeSet::new(),
        after: at.checked_sub(1).map(StepId).into_iter().collect(),
        undo: Undo::Nothing,
        on_reject: OnReject::Backstep,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    };
    let entity = EntityId::mint("test", system, UNPERSONAL, &number.to_string(), &key);
    let plan = Plan {
        id: PlanId::default(),
        tenant: "test".to_owned(),
        entity,
        kind: UNPERSONAL.to_owned(),
        outcomes: BTreeSet::new(),
        name: "test".to_owned(),
        runbook: None,
        steps: (0..steps).map(step).collect(),
        satisfied: Vec::new(),
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    };
    let plan = plan.sealed(&key);
    let request = Asked {
        id: RequestId::of("test", system, &number.to_string()),
        entrance: Entrance::Request,
        principal: "test".to_owned(),
        kind: UNPERSONAL.to_owned(),
        find: Values::new(),
        outcome: None,
        release: false,
    };
    let subject =
        Subject { entity, kind: UNPERSONAL.to_owned(), facts: BTreeMap::new(), links: BTreeMap::new() };
    let compiled = Compiled {
        request: request.id,
        asked_at: 1,
        number: 0,
        instance: InstanceId::of(request.id, plan.id),
        handle: format!("{number}"),
        principal: "test".to_owned(),
        plan,
        evidence: Evidence { subject, only: None, seen: Vec::new(), granted: Vec::new(), parent: None },
    };
    (request, Box::new(compiled))
}

async fn begin(engine: &Engine, works: Vec<(Asked, Box<Compiled>)>) -> Vec<u64> {
    let mut numbers = Vec::new();
    for work in works {
        let begin = Begin { plan: Arc::new(work.1.plan.clone()), of: vec![work] };
        numbers.extend(engine.service().send(begin).await.expect("the Service robot is up"));
    }
    numbers
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// A disk in memory whose syncs fail after a number of them.
#[derive(Debug)]
struct Failing {
    inner: MemoryDisk,
    syncs_left: Arc<AtomicU64>,
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn redb::StorageBackend>,
    syncs_left: Arc<AtomicU64>,
}

impl redb::StorageBackend for FailingFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let left =
            self.syncs_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(io::Error::other("no space left on the device"));
        }
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }
}

impl Disk for Failing {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn redb::StorageBackend>> {
        let inner = self.inner.open(name, create)?;
        Ok(Box::new(FailingFile { inner, syncs_left: Arc::clone(&self.syncs_left) }))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.inner.length(name)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.inner.read(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.inner.replace(name, bytes)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        self.inner.lock(name)
    }
}

#[test]
fn a_failed_sync_stops_every_acknowledgement_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let syncs_left = Arc::new(AtomicU64::new(u64::MAX));
    let disk = Arc::new(Failing { inner: MemoryDisk::default(), syncs_left: Arc::clone(&syncs_left) });
    actix::System::new().block_on(async {
        let connector = Fragile::new(&[("sound", 0)]);
        let engine = Engine::start(setup(connector, Ledger::WriteOn(Arc::clone(&disk) as _), dir.path()))
            .await
            .unwrap();
        let before = begin(&engine, vec![work("sound", 1, 3)]).await;
        assert_eq!(within("an instance", engine.rest(before[0])).await, Some("completed"));
        syncs_left.store(0, Ordering::SeqCst);
        let after = begin(&engine, vec![work("sound", 2, 3)]).await;
        let why = within("the failure", engine.failure()).await;
        assert!(why.contains("no space left"), "{why}");
        assert!(engine.status().await.stopped.is_some());
        let rested = tokio::time::timeout(Duration::from_millis(200), engine.rest(after[0])).await;
        assert!(rested.is_err(), "an instance whose events are not durable came to {rested:?}");
    });
}

#[test]
fn what_a_stopped_engine_had_under_way_goes_on_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let connector = Fragile::new(&[("sound", 0)]);
        Engine::start(setup(connector, Ledger::Write(dir.path().join("journal")), dir.path()))
    };
    let numbers = actix::System::new().block_on(async {
        let engine = start().await.unwrap();
        let numbers = begin(&engine, (0..100).map(|number| work("sound", number, 8)).collect()).await;
        engine.stop().await.unwrap();
        numbers
    });
    actix::System::new().block_on(async {
        let engine = start().await.unwrap();
        let status = engine.status().await;
        let open: BTreeSet<u64> = status.instances.iter().map(|instance| instance.number).collect();
        for number in numbers.into_iter().filter(|number| open.contains(number)) {
            assert_eq!(
                within("an instance", engine.rest(number)).await,
                Some("completed"),
                "instance {number}"
            );
        }
        assert_eq!(engine.status().await.ended.get("completed"), Some(&100));
        engine.stop().await.unwrap();
    });
}

/// A wire on which `down` never answers and every other system does after a moment, counted.
#[derive(Default)]
struct Uneven {
    answered: Arc<AtomicU64>,
}

impl Transport for Uneven {
    fn send(&self, request: Request, deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let answered = Arc::clone(&self.answered);
        async move {
            if request.system == "down" {
                tokio::time::sleep(deadline).await;
                return Err(Lost::Sent("no answer came in time".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            answered.fetch_add(1, Ordering::SeqCst);
            Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
        }
        .boxed()
    }
}

/// Two engines side by side on one thread, so that whatever else the machine does slows both: one of them is also asked to work on a
/// system that hangs.
#[test]
fn while_one_system_hangs_the_others_keep_their_throughput() {
    let dir = tempfile::tempdir().unwrap();
    actix::System::new().block_on(async {
        let mut engines = Vec::new();
        for name in ["with", "without"] {
            let wire = Uneven::default();
            let answered = Arc::clone(&wire.answered);
            let root = dir.path().join(name);
            std::fs::create_dir_all(&root).unwrap();
            let connector = Fragile::new(&[("up", 0), ("down", 0)]);
            let setup = Setup {
                transport: Arc::new(wire),
                ..setup(connector, Ledger::Write(root.join("journal")), &root)
            };
            engines.push((Engine::start(setup).await.unwrap(), answered));
        }
        let down = begin(&engines[0].0, (0..200).map(|number| work("down", number, 3)).collect()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        for (engine, _) in &engines {
            begin(engine, (0..16).map(|number| work("up", number, 400)).collect()).await;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        let counts: Vec<u64> = engines.iter().map(|(_, answered)| answered.load(Ordering::SeqCst)).collect();
        assert!(counts[1] > 200, "nothing was measured: {counts:?}");
        assert!(
            counts[0] * 100 >= counts[1] * 95,
            "with a hanging system {} calls, without {}",
            counts[0],
            counts[1]
        );
        let status = engines[0].0.status().await;
        let breaker = |name: &str| {
            status
                .systems
                .iter()
                .find(|it| it.system == name)
                .map(|it| it.breaker.clone())
                .unwrap_or_default()
        };
        assert_eq!((breaker("down").as_str(), breaker("up").as_str()), ("open", "closed"), "{down:?}");
        for (engine, _) in engines {
            engine.stop().await.unwrap();
        }
    });
}
