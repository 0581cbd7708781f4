//! `--work parked`: every instance comes to a rest in its second step, half of them for a person and half for a time. What is
//! left of each in memory and on the disk, how long it takes to bring one back, how long a start with all of them takes.
//!
//! Invariants: each instance has a plan and an entity of its own, as in production; what is in memory is what the operating system says of
//! the process; a wake is timed from the event to the call that follows from it, one durable commit included.

use super::noop::{self, Noop};
use super::{Place, TENANT, key};
use crate::arguments::bench::{BenchEngine, Work};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use comfy_table::{Table, presets};
use futures_util::future::{BoxFuture, FutureExt};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use xops_journal::journal::{Journal, Options};
use xops_journal::keys::Keys;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::OnReject;
use xops_kernel::id::{EntityId, StepId};
use xops_kernel::log::Number;
use xops_kernel::plan::Plan;
use xops_kernel::port::{Request, Response};
use xops_kernel::saga::Bounds;
use xops_kernel::saga::event::{Event, Release};
use xops_shell::clock::processor_time;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup, UNPERSONAL};
use xops_shell::letter::Begin;
use xops_shell::transport::{Lost, Transport};

/// How many instances may be on their way to a rest at once.
const ALIVE_MAX: usize = 4_096;
/// How many are woken, one after the other.
const WAKES: u64 = 2_000;
/// For how long what rests for a time rests, in milliseconds: longer than any run.
const REST_MS: u64 = 48 * 3_600_000;
/// How long the process may take to come to a rest.
const PATIENCE: Duration = Duration::from_hours(1);
/// How long the ceiling is measured, in seconds.
const CEILING_S: f64 = 2.0;

/// Says no to the second step of whoever is to wait for a person, and later to that of whoever is to wait for a time.
#[derive(Default)]
struct Wire {
    refused: Mutex<Option<Instant>>,
    heard: Notify,
    calls: AtomicU64,
}

impl Transport for Wire {
    fn send(&self, request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let answer = self.at_once(&request);
        async move { answer.unwrap_or_else(|| Err(Lost::NotSent("it answers at once".to_owned()))) }.boxed()
    }

    fn at_once(&self, request: &Request) -> Option<Result<Response, Lost>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (status, body) = if request.url.ends_with("/rest") {
            (429, REST_MS.to_string().into_bytes())
        } else if request.url.ends_with("/step_2") {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            self.heard.notify_one();
            (422, b"not yet".to_vec())
        } else {
            (200, br#"{"id":"n-4711","ok":true}"#.to_vec())
        };
        Some(Ok(Response { status, headers: Vec::new(), body }))
    }
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Report {
    work: &'static str,
    instances: u64,
    /// Bytes in memory for each: what the process has more than before, by instances.
    ram_bytes_per_parked: f64,
    /// Bytes on the disk for each, all files.
    disk_bytes_per_parked: f64,
    /// Of these, the journal's.
    journal_bytes_per_parked: f64,
    /// The shelf's.
    shelf_bytes_per_parked: f64,
    /// The newest two snapshots'.
    snapshot_bytes_per_parked: f64,
    /// Instances that came to a rest a second.
    parked_per_s: f64,
    /// Processor time of each until it rested, in microseconds.
    cpu_us_per_parked: f64,
    /// The same by calls: each makes two.
    cpu_us_per_step: f64,
    wakes: u64,
    wake_p50_ms: f64,
    wake_p99_ms: f64,
    /// A start with all of them at rest, from its snapshot.
    start_ms: f64,
    /// The ceiling: one bare durable commit of the same run.
    ceiling_commit_ms: f64,
}

/// Runs the work.
pub(super) fn run(common: &Common, bench: &BenchEngine) -> Outcome {
    let place = Place::make(common, bench.dir.as_deref())?;
    let mut report = actix::System::new().block_on(parked(&place, bench.instances))?;
    Journal::verify(&place.journal(), &Keys::new(TENANT, &key()))
        .map_err(|error| Failure::new(Exit::Damaged, error.to_string()))?;
    let each = |prefix: &str| -> Result<f64, Failure> {
        Ok(round(float(place.bytes_of(prefix)?) / float(bench.instances)))
    };
    report.disk_bytes_per_parked = each("")?;
    report.journal_bytes_per_parked = each("journal-")?;
    report.shelf_bytes_per_parked = each("shelf-")?;
    report.snapshot_bytes_per_parked = each("snapshot-")?;
    actix::System::new().block_on(start_again(&place, &mut report))?;
    let ceiling = xops_journal::bench::ceiling(&place.root, CEILING_S, 600, 1).map_err(Failure::plain)?;
    report.ceiling_commit_ms = round(1_000.0 / ceiling.commits_per_s);
    match common.output {
        Format::Text => anstream::println!("{}", report.table()),
        Format::Json | Format::Sarif | Format::Csv => {
            anstream::println!("{}", serde_json::to_string(&report).map_err(Failure::plain)?);
        }
    }
    Ok(Exit::Done)
}

fn setup(place: &Place, wire: &Arc<Wire>) -> Setup {
    let connector = Arc::new(Noop::new(Work::Parked));
    Setup {
        identities: std::collections::BTreeMap::new(),
        declarations: Arc::new(connector.declarations(ALIVE_MAX as u64)),
        connector,
        transport: Arc::clone(wire) as Arc<dyn Transport>,
        systems: BTreeMap::new(),
        ledger: Ledger::Write(place.journal()),
        subjects: place.subjects(),
        key: key(),
        options: Options::default(),
        bounds: Bounds::default(),
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    }
}

/// The plan of the `n`th instance: every second one waits for a person, the others for a time.
fn plan(n: u64, digest: &DigestKey) -> Plan {
    let mut plan = noop::plan(Work::Parked, digest);
    plan.entity = EntityId::mint(TENANT, noop::SYSTEM, UNPERSONAL, &n.to_string(), digest);
    if let Some(step) = plan.steps.get_mut(1) {
        step.on_reject = OnReject::Pause;
        if waits_for_a_time(n) {
            step.awf = noop::rest_name();
        }
    }
    plan.sealed(digest)
}

fn waits_for_a_time(n: u64) -> bool {
    n % 2 == 1
}

async fn parked(place: &Place, instances: u64) -> Result<Report, Failure> {
    let wire = Arc::new(Wire::default());
    let engine = Engine::start(setup(place, &wire)).await.map_err(Failure::plain)?;
    let digest = DigestKey(*key().digest_key());
    let bar = bar(instances);
    let (before, began, spent) = (resident()?, Instant::now(), processor_time());
    let mut first = None;
    for n in 0..instances {
        let plan = plan(n, &digest);
        let of = vec![noop::begin(&plan, n, engine.tenant().hub.clock.now())];
        let numbers =
            engine.service().send(Begin { plan: Arc::new(plan), of }).await.map_err(Failure::plain)?;
        first = first.or_else(|| numbers.first().copied());
        if n % 64 == 0 {
            bar.set_position(n);
            until_alive(&engine, ALIVE_MAX).await?;
        }
    }
    until_alive(&engine, 0).await?;
    bar.finish_and_clear();
    let (elapsed, processor) = (began.elapsed(), processor_time().saturating_sub(spent));
    engine.snapshot().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ram = resident()?.saturating_sub(before);
    let mut wakes = wake(&engine, &wire, first.unwrap_or(1), instances).await?;
    wakes.sort_unstable();
    engine.stop().await.map_err(Failure::plain)?;
    let all = float(instances);
    let at = |percent: usize| {
        let rank = (wakes.len() * percent).div_ceil(100).max(1) - 1;
        wakes.get(rank).map_or(0.0, |time| round(time.as_secs_f64() * 1_000.0))
    };
    Ok(Report {
        work: Work::Parked.word(),
        instances,
        ram_bytes_per_parked: round(float(ram) / all),
        parked_per_s: round(all / elapsed.as_secs_f64()),
        cpu_us_per_parked: round(processor.as_secs_f64() * 1e6 / all),
        cpu_us_per_step: round(processor.as_secs_f64() * 1e6 / all / 2.0),
        wakes: wakes.len() as u64,
        wake_p50_ms: at(50),
        wake_p99_ms: at(99),
        ..Report::default()
    })
}

async fn until_alive(engine: &Engine, most: usize) -> Result<(), Failure> {
    let begun = Instant::now();
    while engine.tenant().hub.alive() > most {
        if let Some(why) = engine.tenant().hub.stopped() {
            return Err(Failure::plain(why));
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::plain("the instances do not come to a rest"));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Brings instances back one by one, spread over all of them: a person says to try again, and the answer is no again.
async fn wake(engine: &Engine, wire: &Wire, first: Number, instances: u64) -> Result<Vec<Duration>, Failure> {
    let persons = instances.div_ceil(2);
    let count = WAKES.min(persons);
    let mut times = Vec::new();
    for sample in 0..count {
        // A stride that is prime to nearly any count: neighbours on the shelf are not woken in a row.
        let number = first + 2 * (sample.wrapping_mul(7_919) % persons);
        *wire.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let begun = Instant::now();
        let event = Event::Released { step: StepId(1), by: "benchmark".to_owned(), how: Release::Retry };
        engine.tenant().hub.tell(number, event);
        let called = loop {
            let heard = tokio::time::timeout(Duration::from_secs(10), wire.heard.notified()).await;
            heard.map_err(|_| Failure::plain(format!("instance {number} does not wake")))?;
            if let Some(at) = *wire.refused.lock().unwrap_or_else(PoisonError::into_inner) {
                break at;
            }
        };
        times.push(called.duration_since(begun));
        until_alive(engine, 0).await?;
    }
    Ok(times)
}

/// Starts once more, with everything at rest.
async fn start_again(place: &Place, report: &mut Report) -> Result<(), Failure> {
    let wire = Arc::new(Wire::default());
    let begun = Instant::now();
    let engine = Engine::start(setup(place, &wire)).await.map_err(Failure::plain)?;
    report.start_ms = round(begun.elapsed().as_secs_f64() * 1_000.0);
    let away = engine.service().send(xops_shell::letter::Look).await.map_err(Failure::plain)?.away as u64;
    engine.stop().await.map_err(Failure::plain)?;
    if away == report.instances {
        return Ok(());
    }
    let why = format!("{away} of {} instances are at rest after the next start", report.instances);
    Err(Failure::new(Exit::Damaged, why))
}

/// The bytes of this process that are in memory.
pub(super) fn resident() -> Result<u64, Failure> {
    let failed = |why: &str| Failure::plain(format!("failed to measure the memory of this process: {why}"));
    let text = std::fs::read_to_string("/proc/self/status").map_err(|error| failed(&error.to_string()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(|| failed("no VmRSS"))?;
    let kib = line.trim().trim_end_matches(" kB").trim().parse::<u64>();
    kib.map(|kib| kib * 1_024).map_err(|error| failed(&error.to_string()))
}

fn bar(instances: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {per_sec}");
    let bar = ProgressBar::new(instances);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(format!("{TENANT} parked"))
}

impl Report {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["figure", "value", "floor", "moonshot"]);
        let mut row = |name: &str, value: String, floor: &str, moonshot: &str| {
            table.add_row([name.to_owned(), value, floor.to_owned(), moonshot.to_owned()]);
        };
        row("parked instances", self.instances.to_string(), "", "");
        row("bytes in memory, each", self.ram_bytes_per_parked.to_string(), "500", "150");
        let parts = format!(
            "{} (journal {}, shelf {}, snapshots {})",
            self.disk_bytes_per_parked,
            self.journal_bytes_per_parked,
            self.shelf_bytes_per_parked,
            self.snapshot_bytes_per_parked
        );
        row("bytes on disk, each", parts, "400", "150");
        let wake = format!("{}, {} of {}", self.wake_p50_ms, self.wake_p99_ms, self.wakes);
        let ceiling = format!("one bare commit {}", self.ceiling_commit_ms);
        row("wake p50, p99 ms", wake, "about 1", &ceiling);
        row("parked a second", self.parked_per_s.to_string(), "", "");
        row(
            "CPU us, each and a step",
            format!("{}, {}", self.cpu_us_per_parked, self.cpu_us_per_step),
            "",
            "",
        );
        row("start with all of them, ms", self.start_ms.to_string(), "100", "50");
        table
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures are printed with a few digits")]
fn float(count: u64) -> f64 {
    count as f64
}

fn round(figure: f64) -> f64 {
    if figure.abs() >= 1_000.0 { figure.round() } else { (figure * 1_000.0).round() / 1_000.0 }
}
