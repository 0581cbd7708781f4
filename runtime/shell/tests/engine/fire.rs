//! Panics on demand: strikes, what is set aside, what goes on, and what it costs the others.
//!
//! The connector panics where it is told to, as often as it is told to: when a call is rendered (in the instance's own actor), when an
//! answer is classified (in the Platform robot), when its reads are named (in the DataOps robot). The transport records each call by
//! its key, so that nothing is done twice or lost unseen.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own engine has failed")]

use super::{begin, within, work};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xops_journal::journal::Options;
use xops_journal::keys::TenantKey;
use xops_kernel::awf::{Ambiguity, AwfName, Contract, Undo};
use xops_kernel::culprit::Culprit;
use xops_kernel::declare::{Declarations, System};
use xops_kernel::id::Digest;
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::saga::Bounds;
use xops_kernel::value::Values;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup};
use xops_shell::limits::Limits;
use xops_shell::supervisor::Budget;
use xops_shell::transport::{Lost, Transport};

/// What panics, and how often it still does.
#[derive(Default)]
pub(crate) struct Dials {
    render: AtomicU64,
    classify: AtomicU64,
    reads: AtomicU64,
    /// How often anything panicked.
    panics: AtomicU64,
    /// Whether calls get no answer.
    pub(crate) silent: AtomicBool,
    /// How often each call was sent, by its key.
    sent: Mutex<BTreeMap<String, u64>>,
}

impl Dials {
    /// Panics if there is a panic left on this dial and the system is the volatile one.
    fn turn(&self, dial: &AtomicU64, system: &str) {
        if system == "volatile"
            && dial.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("on demand");
        }
    }

    pub(crate) fn sent(&self) -> Vec<u64> {
        self.sent.lock().unwrap().values().copied().collect()
    }
}

struct Volatile {
    dials: Arc<Dials>,
    contracts: BTreeMap<AwfName, Contract>,
}

impl Volatile {
    fn new(dials: &Arc<Dials>) -> Self {
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
            timeout_ms: 60_000,
            tries_max: 10_000,
            manifest: Digest::default(),
        };
        let contracts = ["volatile", "sound"].map(|system| (AwfName::new(system, "act"), contract(system)));
        Self { dials: Arc::clone(dials), contracts: contracts.into() }
    }
}

impl Connector for Volatile {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        self.dials.turn(&self.dials.render, &ask.awf.system);
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
        self.dials.turn(&self.dials.classify, &ask.awf.system);
        Outcome::Ok(Values::new())
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Absent)
    }

    fn reads(&self, system: &str) -> Vec<ReadContract> {
        self.dials.turn(&self.dials.reads, system);
        Vec::new()
    }

    fn render_read(&self, _config: &Values, _read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: "read".to_owned(), why: "there is none".to_owned() })
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Outcome::Absent)
    }
}

struct Recorder(Arc<Dials>);

impl Transport for Recorder {
    fn send(&self, request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let key = String::from_utf8(request.body).unwrap();
        *self.0.sent.lock().unwrap().entry(key).or_default() += 1;
        if self.0.silent.load(Ordering::SeqCst) && request.system == "volatile" {
            return std::future::pending().boxed();
        }
        std::future::ready(Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })).boxed()
    }
}

/// A panic on demand is not worth a line; any other is told as always.
fn hush() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some("on demand") {
                tell(panic);
            }
        }));
    });
}

pub(crate) fn setup(dials: &Arc<Dials>, dir: &Path) -> Setup {
    hush();
    let connector = Volatile::new(dials);
    let system = |name: &str| System { name: name.to_owned(), concurrency: 64, ..System::default() };
    Setup {
        identities: BTreeMap::new(),
        declarations: Arc::new(Declarations {
            tenant: "test".to_owned(),
            principal: "test".to_owned(),
            systems: ["volatile", "sound"].map(|name| (name.to_owned(), system(name))).into(),
            contracts: connector.contracts.clone(),
            ..Declarations::default()
        }),
        connector: Arc::new(connector),
        transport: Arc::new(Recorder(Arc::clone(dials))),
        systems: BTreeMap::new(),
        ledger: Ledger::Write(dir.join("journal")),
        subjects: dir.join("subjects"),
        key: TenantKey::from_bytes([7; 32]),
        options: Options::default(),
        bounds: Bounds { backoff_ms: 2, backoff_ms_max: 4, gate_poll_ms: 5, ..Bounds::default() },
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    }
}

/// Runs a story on an engine; its journal outlives it.
fn on_engine<T>(dials: &Arc<Dials>, dir: &Path, story: impl AsyncFnOnce(&Engine) -> T) -> T {
    actix::System::new().block_on(async {
        let engine = Engine::start(setup(dials, dir)).await.unwrap();
        let told = story(&engine).await;
        engine.stop().await.unwrap();
        told
    })
}

pub(crate) async fn rests(engine: &Engine, number: u64) -> &'static str {
    within("an instance", engine.rest(number)).await.expect("the Service robot is up")
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let all = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, all).await;
}

/// What is set aside, as the status names it.
async fn aside(engine: &Engine) -> Vec<String> {
    engine.status().await.poisoned.into_iter().map(|poison| poison.what).collect()
}

#[test]
fn an_instance_whose_actor_panics_goes_on_from_the_journal_at_once_and_does_nothing_twice() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    on_engine(&dials, dir.path(), async |engine| {
        // The first two steps are done before the third panics: what is rebuilt knows of them.
        let number = begin(engine, vec![work("volatile", 1, 40)]).await[0];
        until("the first steps", async || dials.sent().len() >= 2).await;
        dials.render.store(2, Ordering::SeqCst);
        assert_eq!(rests(engine, number).await, "completed");
        assert_eq!(dials.panics.load(Ordering::SeqCst), 2, "it was too fast for the panics");
        assert_eq!(aside(engine).await, [""; 0]);
    });
    // A call whose answer an actor did not live to hear is sent again under its key, and no other.
    let sent = dials.sent();
    assert_eq!(sent.len(), 40);
    assert!(sent.iter().all(|times| *times <= 2) && sent.iter().filter(|times| **times == 2).count() <= 2);
}

#[test]
fn what_panics_three_times_is_set_aside_through_restarts_until_a_person_releases_it() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    dials.render.store(u64::MAX, Ordering::SeqCst);
    let poison = on_engine(&dials, dir.path(), async |engine| {
        let poison = begin(engine, vec![work("volatile", 1, 3)]).await[0];
        let sound = begin(engine, (0..50).map(|number| work("sound", number, 3)).collect()).await;
        assert_eq!(rests(engine, poison).await, "parked");
        for number in sound {
            assert_eq!(rests(engine, number).await, "completed");
        }
        let status = engine.status().await;
        let named = &status.poisoned[0];
        assert_eq!((named.what.as_str(), named.robot.as_str()), ("instance:1", "instance"));
        assert_eq!(status.instances[0].state, "parked");
        assert_eq!(dials.panics.load(Ordering::SeqCst), 3);
        // A snapshot holds it, too, as soon as it is read back: what is set aside keeps nobody from taking one.
        until("a snapshot", async || {
            engine.snapshot().await;
            let files = std::fs::read_dir(dir.path().join("journal")).unwrap();
            files
                .into_iter()
                .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("snapshot-"))
        })
        .await;
        poison
    });
    on_engine(&dials, dir.path(), async |engine| {
        assert_eq!(aside(engine).await, ["instance:1"]);
        assert_eq!(rests(engine, poison).await, "parked");
        assert_eq!(dials.panics.load(Ordering::SeqCst), 3, "it was tried again without a person");
        assert!(dials.sent.lock().unwrap().len() == 150, "the poison was sent");
        dials.render.store(0, Ordering::SeqCst);
        assert_eq!(engine.release(poison, "ada", xops_kernel::saga::event::Release::Retry).await, Ok(1));
        assert_eq!(rests(engine, poison).await, "completed");
        assert_eq!(aside(engine).await, [""; 0]);
    });
}

#[test]
fn strikes_are_counted_on_through_a_restart() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    dials.render.store(2, Ordering::SeqCst);
    dials.silent.store(true, Ordering::SeqCst);
    on_engine(&dials, dir.path(), async |engine| {
        begin(engine, vec![work("volatile", 1, 3)]).await;
        until("the call that gets no answer", async || dials.sent().len() == 1).await;
        assert_eq!(aside(engine).await, [""; 0], "two strikes are not three");
    });
    dials.render.store(1, Ordering::SeqCst);
    on_engine(&dials, dir.path(), async |engine| {
        assert_eq!(rests(engine, 1).await, "parked");
        assert_eq!(aside(engine).await, ["instance:1"]);
    });
}

#[test]
fn a_job_that_panics_is_a_strike_against_its_instance_and_not_the_end_of_its_robot() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    on_engine(&dials, dir.path(), async |engine| {
        // Calls that wait for an answer at the same robot are not touched.
        dials.silent.store(true, Ordering::SeqCst);
        let waiting = begin(engine, (0..20).map(|number| work("volatile", number, 1)).collect()).await;
        until("the calls", async || dials.sent().len() == 20).await;
        dials.silent.store(false, Ordering::SeqCst);
        dials.classify.store(3, Ordering::SeqCst);
        let poison = begin(engine, vec![work("volatile", 99, 3)]).await[0];
        assert_eq!(rests(engine, poison).await, "parked");
        let status = engine.status().await;
        assert_eq!(
            (status.poisoned[0].robot.as_str(), status.restarts["platform.volatile"]),
            ("platform.volatile", 0)
        );
        assert_eq!(status.poisoned[0].doing, "volatile.act do");
        let others: Vec<_> = status.instances.iter().filter(|it| waiting.contains(&it.number)).collect();
        assert!(others.len() == 20 && others.iter().all(|it| it.state == "running"), "{others:?}");
        assert_eq!(engine.free(Culprit::Instance(poison), "ada").await, Ok(true));
        assert_eq!(rests(engine, poison).await, "completed");
        assert_eq!(
            engine.free(Culprit::Instance(poison), "ada").await,
            Ok(false),
            "it is not set aside any more"
        );
    });
}

#[test]
fn an_instance_that_is_set_aside_can_be_turned_back() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    dials.classify.store(3, Ordering::SeqCst);
    on_engine(&dials, dir.path(), async |engine| {
        let poison = begin(engine, vec![work("volatile", 1, 3)]).await[0];
        assert_eq!(rests(engine, poison).await, "parked");
        engine.turn(poison, "ada", "it is not wanted any more").await.unwrap();
        let ended = async {
            while engine.status().await.ended.get("undone") != Some(&1) {
                tokio::task::yield_now().await;
            }
        };
        within("the way back", ended).await;
    });
}

#[test]
fn a_robot_that_panics_too_often_sets_its_system_aside_and_the_others_go_on() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    actix::System::new().block_on(async {
        let restarts = Budget { intensity: 5, backoff: Duration::from_millis(1), ..Budget::default() };
        let limits = Limits { restarts, ..Limits::default() };
        let engine = Engine::start_within(setup(&dials, dir.path()), limits).await.unwrap();
        dials.reads.store(u64::MAX, Ordering::SeqCst);
        until("the budget", async || {
            let _read = xops_shell::dataops::refresh(engine.tenant(), ["volatile".to_owned()].into()).await;
            aside(&engine).await == ["system:volatile"]
        })
        .await;
        assert_eq!(dials.panics.load(Ordering::SeqCst), 6, "five restarts, and the panic after the last");
        let held = begin(&engine, vec![work("volatile", 1, 3)]).await[0];
        let sound = begin(&engine, vec![work("sound", 1, 3)]).await[0];
        assert_eq!(rests(&engine, sound).await, "completed");
        assert!(tokio::time::timeout(Duration::from_millis(200), engine.rest(held)).await.is_err());
        assert_eq!(dials.sent().len(), 3, "a step began on a system that is set aside");
        dials.reads.store(0, Ordering::SeqCst);
        assert_eq!(engine.free(Culprit::System("volatile".to_owned()), "ada").await, Ok(true));
        assert_eq!(rests(&engine, held).await, "completed");
        let read = xops_shell::dataops::refresh(engine.tenant(), ["volatile".to_owned()].into()).await;
        assert!(read["volatile"].incomplete.is_empty(), "its robot is up again: {read:?}");
        engine.stop().await.unwrap();
    });
}

/// So many are begun at once: what is measured is work and not waiting for the disk.
const AT_ONCE: usize = 250;

/// Runs `sound` instances of eight steps while `storm` others panic; the processor time of all of it.
async fn under_storm(engine: &Engine, dials: &Dials, base: u64, sound: u64, storm: u64) -> Duration {
    let begun = xops_shell::clock::processor_time();
    dials.classify.store(u64::MAX, Ordering::SeqCst);
    let poison = begin(engine, (0..storm).map(|at| work("volatile", base + at, 1)).collect()).await;
    let mut left: Vec<u64> = Vec::new();
    for from in (0..sound).step_by(AT_ONCE) {
        let until = sound.min(from + AT_ONCE as u64);
        left.extend(begin(engine, (from..until).map(|at| work("sound", base + at, 8)).collect()).await);
        for number in left.drain(..) {
            assert_eq!(rests(engine, number).await, "completed");
        }
    }
    for number in poison {
        assert_eq!(rests(engine, number).await, "parked");
    }
    xops_shell::clock::processor_time().saturating_sub(begun)
}

#[test]
fn a_thousand_panics_leave_every_other_instance_as_it_would_have_been() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    on_engine(&dials, dir.path(), async |engine| {
        under_storm(engine, &dials, 0, 300, 334).await;
        assert!(dials.panics.load(Ordering::SeqCst) >= 1_000, "{}", dials.panics.load(Ordering::SeqCst));
        let status = engine.status().await;
        assert_eq!((status.ended["completed"], status.poisoned.len()), (300, 334));
        assert_eq!(status.restarts.values().sum::<u64>(), 0);
    });
}

#[test]
fn a_robot_that_is_started_again_a_thousand_times_keeps_nobody_from_working() {
    let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
    actix::System::new().block_on(async {
        let restarts = Budget { intensity: 5_000, backoff: Duration::ZERO, ..Budget::default() };
        let limits = Limits { restarts, ..Limits::default() };
        let engine = Engine::start_within(setup(&dials, dir.path()), limits).await.unwrap();
        dials.reads.store(1_000, Ordering::SeqCst);
        let tenant = std::rc::Rc::clone(engine.tenant());
        let storm = actix::spawn(async move {
            loop {
                let read = xops_shell::dataops::refresh(&tenant, ["volatile".to_owned()].into()).await;
                if read.get("volatile").is_some_and(|read| read.incomplete.is_empty()) {
                    return;
                }
                // It is not up again yet.
                tokio::task::yield_now().await;
            }
        });
        let sound = begin(&engine, (0..200).map(|number| work("sound", number, 8)).collect()).await;
        for number in sound {
            assert_eq!(rests(&engine, number).await, "completed");
        }
        within("a thousand restarts", storm).await.unwrap();
        assert_eq!(engine.status().await.restarts["dataops.volatile"], 1_000);
        engine.stop().await.unwrap();
    });
}

#[test]
#[ignore = "it measures: cargo test --release -p xops-shell --test engine measured_ -- --ignored --nocapture"]
fn measured_others_keep_their_throughput_while_a_robot_panics_a_thousand_times() {
    let mut ratios = Vec::new();
    for round in 0..3_u64 {
        let (dir, dials) = (tempfile::tempdir().unwrap(), Arc::new(Dials::default()));
        on_engine(&dials, dir.path(), async |engine| {
            let warm = under_storm(engine, &dials, 0, 2_000, 0).await;
            let calm = under_storm(engine, &dials, 1_000_000, 20_000, 0).await;
            let storm = under_storm(engine, &dials, 2_000_000, 20_000, 334).await;
            let ratio = calm.as_secs_f64() / storm.as_secs_f64();
            println!(
                "round {round}: calm {calm:?}, storm {storm:?} of processor time: {ratio:.3} (warm-up {warm:?})"
            );
            ratios.push(ratio);
        });
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[1] >= 0.95, "{ratios:?}");
}
