//! A world in which one system does as it is told, on a disk in memory; everything else is real.

use crate::cut::Cadence;
use crate::engine::{Engine, Ledger, Setup};
use crate::letter::Begin;
use crate::transport::{Lost, Transport};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::Options;
use xops_journal::keys::{Keys, TenantKey};
use xops_kernel::awf::{Ambiguity, AwfName, Contract, Undo};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{Declarations, OnReject, System};
use xops_kernel::desire::Subject;
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId, StepId};
use xops_kernel::log::{Compiled, Entrance, Evidence, Number, Request as Asked};
use xops_kernel::plan::{Footprint, Plan, Step};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::saga::{Bounds, Shared};
use xops_kernel::value::{Type, Value, Values};

/// How long anything here may take before it counts as a hang.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
const TENANT: &str = "test";
const SYSTEM: &str = "moody";

/// What the system answers: a status, and for 429 for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Yes.
    Yes,
    /// No, to the second step.
    No,
    /// Later, to the second step.
    Later(u64),
    /// Nothing, for as long as anybody waits.
    Silent,
}

/// The connector, and the system behind it.
pub(super) struct Moody {
    contract: Contract,
}

/// The wire.
pub(super) struct Wire {
    pub(super) mood: Mutex<Mood>,
    pub(super) calls: AtomicU64,
}

impl Transport for Wire {
    fn send(&self, request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let second = request.url.ends_with("/1");
        let (status, wait) = match *self.mood.lock().unwrap() {
            Mood::No if second => (422, 0),
            Mood::Later(ms) if second => (429, ms),
            Mood::Silent => return std::future::pending().boxed(),
            _ => (200, 0),
        };
        let body = wait.to_string().into_bytes();
        std::future::ready(Ok(Response { status, headers: Vec::new(), body })).boxed()
    }
}

impl Connector for Moody {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        (awf.system == SYSTEM).then_some(&self.contract)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        Ok(Request {
            system: SYSTEM.to_owned(),
            method: "POST".to_owned(),
            url: format!("http://127.0.0.1/{}", ask.awf.function),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: ask.key.to_string().into_bytes(),
        })
    }

    fn classify(&self, _ask: &Ask<'_>, response: &Response) -> Outcome {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        match response.status {
            200 => Outcome::Ok(BTreeMap::from([("id".to_owned(), Value::from("sarah.chen"))])),
            429 => Outcome::RateLimited { retry_after_ms: text.parse().ok() },
            _ => Outcome::Invalid("it may not".to_owned()),
        }
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

/// The world.
pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) disk: Arc<MemoryDisk>,
    pub(super) wire: Arc<Wire>,
    pub(super) cadence: Cadence,
}

/// Whether the instances of a work are about persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Person,
    Nobody,
}

impl World {
    pub(super) fn new() -> Self {
        let wire = Wire { mood: Mutex::new(Mood::Yes), calls: AtomicU64::new(0) };
        // No snapshot but the one that is asked for.
        let never =
            Cadence { events: u64::MAX, events_at_stop: u64::MAX, rest_ms_min: 1_000, ..Cadence::default() };
        Self {
            dir: tempfile::tempdir().unwrap(),
            disk: Arc::new(MemoryDisk::default()),
            wire: Arc::new(wire),
            cadence: never,
        }
    }

    pub(super) fn mood(&self, mood: Mood) {
        *self.wire.mood.lock().unwrap() = mood;
    }

    fn connector() -> Moody {
        Moody {
            contract: Contract {
                name: AwfName::new(SYSTEM, "act"),
                achieves: None,
                inputs: BTreeMap::new(),
                outputs: BTreeMap::from([("id".to_owned(), Type::Text)]),
                undo: Undo::Nothing,
                ambiguity: Ambiguity::Resend { lifetime_ms: None },
                snapshot: false,
                readback: None,
                locks: Vec::new(),
                timeout_ms: 1_000,
                tries_max: 10,
                manifest: Digest::default(),
            },
        }
    }

    fn declarations() -> Declarations {
        let system = System { name: SYSTEM.to_owned(), concurrency: 64, ..System::default() };
        Declarations {
            tenant: TENANT.to_owned(),
            principal: "test".to_owned(),
            systems: BTreeMap::from([(SYSTEM.to_owned(), system)]),
            ..Declarations::default()
        }
    }

    fn key() -> TenantKey {
        TenantKey::from_bytes([7; 32])
    }

    pub(super) fn keys() -> Keys {
        Keys::new(TENANT, &Self::key())
    }

    pub(super) fn subjects(&self) -> xops_journal::subjects::SubjectKeys {
        xops_journal::subjects::SubjectKeys::open(&self.dir.path().join("subjects"), &Self::key()).unwrap()
    }

    fn bounds() -> Bounds {
        Bounds { backoff_ms: 2, backoff_ms_max: 4, gate_poll_ms: 5, ..Bounds::default() }
    }

    pub(super) fn shared() -> Arc<Shared> {
        Arc::new(Shared {
            tenant: TENANT.to_owned(),
            connector: Arc::new(Self::connector()),
            systems: BTreeMap::new(),
            key: DigestKey(*Self::key().digest_key()),
            bounds: Self::bounds(),
        })
    }

    pub(super) async fn start(&self) -> Engine {
        let wire = Arc::clone(&self.wire) as Arc<dyn Transport>;
        self.start_with(Self::declarations(), Arc::new(Self::connector()), wire).await
    }

    /// The same with other systems.
    pub(super) async fn start_with(
        &self,
        declarations: Declarations,
        connector: Arc<dyn Connector>,
        transport: Arc<dyn Transport>,
    ) -> Engine {
        let setup = Setup {
            declarations: Arc::new(declarations),
            identities: BTreeMap::new(),
            connector,
            transport,
            systems: BTreeMap::new(),
            ledger: Ledger::WriteOn(Arc::clone(&self.disk) as Arc<dyn Disk>),
            subjects: self.dir.path().join("subjects"),
            key: Self::key(),
            options: Options::default(),
            bounds: Self::bounds(),
            cadence: self.cadence,
            watch: false,
            crash: None,
        };
        Engine::start(setup).await.unwrap()
    }

    /// The files on the disk that begin so.
    pub(super) fn files(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<_> =
            self.disk.list().unwrap().into_iter().filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        names
    }
}

/// An instance of three steps about the entity `number`.
fn work(number: u64, about: About) -> (Asked, Box<Compiled>) {
    let key = DigestKey([1; 32]);
    let kind = if about == About::Person { "person" } else { crate::engine::UNPERSONAL };
    let step = |at: u16| Step {
        id: StepId(at),
        node: format!("act_{at}"),
        awf: AwfName::new(SYSTEM, &at.to_string()),
        change: None,
        object: BTreeMap::new(),
        inputs: xops_kernel::few::Few::new(),
        personal: BTreeSet::new(),
        after: at.checked_sub(1).map(StepId).into_iter().collect(),
        undo: Undo::Nothing,
        on_reject: OnReject::Pause,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    };
    let entity = EntityId::mint(TENANT, SYSTEM, kind, &number.to_string(), &key);
    let plan = Plan {
        id: PlanId::default(),
        tenant: TENANT.to_owned(),
        entity,
        kind: kind.to_owned(),
        outcomes: BTreeSet::from(["works".to_owned()]),
        name: "test".to_owned(),
        runbook: None,
        steps: (0..3).map(step).collect(),
        satisfied: Vec::new(),
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    };
    let plan = plan.sealed(&key);
    let request = Asked {
        id: RequestId::of(TENANT, "request", &number.to_string()),
        entrance: Entrance::Request,
        principal: "test".to_owned(),
        kind: kind.to_owned(),
        find: BTreeMap::from([("name".to_owned(), Value::from("sarah.chen"))]),
        outcome: None,
        release: false,
    };
    let subject = Subject { entity, kind: kind.to_owned(), facts: BTreeMap::new(), links: BTreeMap::new() };
    let compiled = Compiled {
        request: request.id,
        asked_at: 1,
        number: 0,
        instance: InstanceId::of(request.id, plan.id),
        handle: format!("sarah.chen-{number}"),
        principal: "test".to_owned(),
        plan,
        evidence: Evidence { subject, only: None, seen: Vec::new(), granted: Vec::new(), parent: None },
    };
    (request, Box::new(compiled))
}

pub(super) async fn begin(engine: &Engine, entities: std::ops::Range<u64>, about: About) -> Vec<Number> {
    let mut numbers = Vec::new();
    for number in entities {
        let work = work(number, about);
        let begin = Begin { plan: Arc::new(work.1.plan.clone()), of: vec![work] };
        numbers.extend(engine.service().send(begin).await.expect("the Service robot is up"));
    }
    numbers
}

pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// Waits until as many instances are in memory.
pub(super) async fn until_alive(engine: &Engine, alive: usize) {
    let begun = Instant::now();
    while engine.tenant().hub.alive() != alive {
        assert!(begun.elapsed() < PATIENCE, "{} instances stay in memory", engine.tenant().hub.alive());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
