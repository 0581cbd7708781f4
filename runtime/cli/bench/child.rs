//! The process of `--work kill` that is killed: an engine whose effects are done elsewhere, over a socket.
//!
//! Each word comes with a count and the processor time that the process used so far, in milliseconds.
//! Says `healthy` when it has started, `begun` when it has begun every instance, and `done` when every one has ended or waits for a person. On a journal that holds instances already it
//! begins none: it only goes on.

use super::effects::is_keyed;
use super::noop::{self, Noop};
use super::{Place, TENANT, key};
use crate::arguments::bench::{BenchEngine, Work};
use crate::exit::{Exit, Failure, Outcome as Ended};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use xops_journal::journal::Options;
use xops_kernel::awf::{Ambiguity, AwfName, Contract};
use xops_kernel::canon::DigestKey;
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::plan::{Binding, Plan};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, Phase, ReadAsk, ReadContract, ReadPage, Request, Response, Sighting,
    Unrendered,
};
use xops_kernel::saga::Bounds;
use xops_kernel::value::{Value, Values};
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup};
use xops_shell::letter::{Begin, Look};
use xops_shell::transport::{Lost, Transport};

/// How many requests may wait to be written.
const REQUESTS_MAX: usize = 65_536;
/// How long a call that was sent may still land.
const TIMEOUT_MS: u64 = 300;
/// How often it looks whether all have ended.
const LOOK: Duration = Duration::from_millis(10);

/// The system whose effects are done elsewhere.
pub(super) struct Elsewhere {
    noop: Noop,
    contracts: BTreeMap<AwfName, Contract>,
}

impl Elsewhere {
    /// Odd functions honour a key, even ones can be probed.
    pub(super) fn new() -> Self {
        let noop = Noop::new(Work::Kill);
        let contracts = noop.contracts().map(|contract| {
            let probe = Ambiguity::Probe { window_ms: 100, agreeing: 1, unique: false };
            let keyed = is_keyed(&contract.name.function);
            let ambiguity = if keyed { contract.ambiguity } else { probe };
            (contract.name.clone(), Contract { ambiguity, timeout_ms: TIMEOUT_MS, ..contract.clone() })
        });
        let contracts = contracts.collect();
        Self { noop, contracts }
    }
}

impl Connector for Elsewhere {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let mut request = self.noop.render(ask)?;
        let value = ask.inputs.values().next().and_then(Value::as_text).unwrap_or_default();
        let word = if ask.phase == Phase::Do { "do" } else { "see" };
        request.url = format!("{}/{value} {}", ask.awf.function, ask.key);
        word.clone_into(&mut request.method);
        Ok(request)
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
        self.noop.classify(ask, response)
    }

    fn sight(&self, ask: &Ask<'_>, response: &Response) -> Page {
        let marker = String::from_utf8_lossy(&response.body).into_owned();
        let absent = Proof::Lookup { system: noop::SYSTEM.to_owned(), lookup: ask.awf.function.clone() };
        let seen = if marker.is_empty() {
            Observation::Absent(absent)
        } else {
            Observation::Present(Value::from(marker.as_str()))
        };
        let outputs = BTreeMap::from([("result".to_owned(), Value::from("it is there"))]);
        Page::Over(Sighting { seen, outputs, marker: Some(marker).filter(|marker| !marker.is_empty()) })
    }

    fn reads(&self, system: &str) -> Vec<ReadContract> {
        self.noop.reads(system)
    }

    fn render_read(&self, config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        self.noop.render_read(config, read)
    }

    fn page(&self, config: &Values, read: &ReadAsk<'_>, response: &Response) -> ReadPage {
        self.noop.page(config, read, response)
    }
}

/// The plan of the `n`th instance: its effects bear its number.
fn plan(n: u64, digest: &DigestKey) -> Plan {
    let mut plan = noop::plan(Work::Kill, digest);
    for step in &mut plan.steps {
        step.inputs.insert("value".to_owned(), Binding::Literal(Value::from(n.to_string())));
    }
    plan.sealed(digest)
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<String>>>>;

/// The wire: one connection, requests and answers as they come.
struct Wire {
    next: AtomicU64,
    requests: mpsc::Sender<String>,
    waiting: Waiting,
}

impl Wire {
    async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(Failure::plain)?;
        stream.set_nodelay(true).map_err(Failure::plain)?;
        let (read, write) = stream.into_split();
        let (requests, received) = mpsc::channel(REQUESTS_MAX);
        let waiting = Waiting::default();
        actix::spawn(write_all(write, received));
        actix::spawn(read_all(read, Arc::clone(&waiting)));
        Ok(Self { next: AtomicU64::new(1), requests, waiting })
    }
}

async fn write_all(mut write: OwnedWriteHalf, mut requests: mpsc::Receiver<String>) {
    let mut bytes = Vec::new();
    while let Some(first) = requests.recv().await {
        bytes.clear();
        bytes.extend_from_slice(first.as_bytes());
        while let Ok(more) = requests.try_recv() {
            bytes.extend_from_slice(more.as_bytes());
        }
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read_all(read: OwnedReadHalf, waiting: Waiting) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (id, said) = line.split_once(' ').unwrap_or((&line, ""));
        let waiter = id.parse().ok().and_then(|id| locked(&waiting).remove(&id));
        if let Some(waiter) = waiter {
            let _nobody_waits = waiter.send(said.to_owned());
        }
    }
}

fn locked(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<String>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport for Wire {
    fn send(&self, request: Request, deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answered) = oneshot::channel();
        locked(&self.waiting).insert(id, reply);
        let (requests, waiting) = (self.requests.clone(), Arc::clone(&self.waiting));
        async move {
            let line = format!("{} {id} {}\n", request.method, request.url);
            if requests.send(line).await.is_err() {
                return Err(Lost::NotSent("the connection is closed".to_owned()));
            }
            match tokio::time::timeout(deadline.max(Duration::from_secs(30)), answered).await {
                Ok(Ok(said)) => Ok(Response { status: 200, headers: Vec::new(), body: said.into_bytes() }),
                Ok(Err(_)) => Err(Lost::Sent("the connection broke".to_owned())),
                Err(_) => {
                    locked(&waiting).remove(&id);
                    Err(Lost::Sent("no answer came in time".to_owned()))
                }
            }
        }
        .boxed()
    }
}

/// Runs the process that may be killed at any moment.
pub(super) fn run(bench: &BenchEngine, effects: SocketAddr) -> Ended {
    let Some(dir) = bench.dir.as_deref() else {
        return Err(Failure::new(Exit::Usage, "--effects goes with --dir"));
    };
    let place = Place { root: dir.to_path_buf(), temporary: false };
    actix::System::new().block_on(drive(&place, bench.instances, effects))?;
    Ok(Exit::Done)
}

async fn drive(place: &Place, instances: u64, effects: SocketAddr) -> Result<(), Failure> {
    let wire = Wire::connect(effects).await?;
    let connector = Arc::new(Elsewhere::new());
    let setup = Setup {
        identities: std::collections::BTreeMap::new(),
        declarations: Arc::new(connector.noop.declarations(instances)),
        connector,
        transport: Arc::new(wire),
        systems: BTreeMap::new(),
        ledger: Ledger::Write(place.journal()),
        subjects: place.subjects(),
        key: key(),
        options: Options::default(),
        bounds: Bounds::default(),
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    };
    let engine = Engine::start(setup).await.map_err(Failure::plain)?;
    let view = engine.service().send(Look).await.map_err(Failure::plain)?;
    let spent_ms = xops_shell::clock::processor_time().as_millis();
    anstream::println!("healthy {} {spent_ms}", view.running.len() + view.away);
    if view.epoch == 1 {
        let digest = DigestKey(*key().digest_key());
        for n in 0..instances {
            let plan = plan(n, &digest);
            let of = vec![noop::begin(&plan, n, engine.tenant().hub.clock.now())];
            engine.service().send(Begin { plan: Arc::new(plan), of }).await.map_err(Failure::plain)?;
        }
        anstream::println!("begun {instances} 0");
    }
    loop {
        let view = engine.service().send(Look).await.map_err(Failure::plain)?;
        let ended: u64 = view.ended.values().sum();
        let waits: u64 = ["parked", "stuck"].iter().filter_map(|word| view.words.get(word)).sum();
        if view.running.len() as u64 <= waits {
            anstream::println!("done {ended} {}", xops_shell::clock::processor_time().as_millis());
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            why = engine.failure() => return Err(Failure::plain(why)),
        }
    }
    tracing::debug!(tenant = TENANT, "every instance ended");
    engine.stop().await.map_err(Failure::plain)
}
