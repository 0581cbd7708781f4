//! `xops bench platform`: one Platform robot against a system over HTTP, the engine's own part of a call with the network taken
//! out, and one DataOps robot that reads a large system.
//!
//! Absent: the journal, which `bench engine` measures. Invariants: the system is a stand-in in a process of its own, so the
//! processor time is that of the engine's side alone; what limits calls is the robot's concurrency and not what the vendor grants,
//! because that would measure the vendor; every call must have taken effect, and every record must have come.

use super::world::World;
use super::{TENANT, key};
use crate::arguments::bench::BenchPlatform;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome as Ended};
use crate::{follow, json as print, project, wire};
use comfy_table::{Table, presets};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use xops_journal::journal::Options;
use xops_kernel::awf::AwfName;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Outcome, Phase, Response};
use xops_kernel::saga::Bounds;
use xops_kernel::value::Values;
use xops_robots::platform::bucket::Urgency;
use xops_shell::clock::processor_time;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup};
use xops_shell::platform::{Done, Job, Reply};

/// How often the bar of a read moves.
const TICK: Duration = Duration::from_millis(100);
/// How many times a request is rendered and an answer classified, to know what one costs.
const PURE: u32 = 100_000;
/// The most calls under way at once.
const IN_FLIGHT_MAX: u32 = 4_096;

/// Runs the command.
pub fn run(common: &Common, bench: &BenchPlatform) -> Ended {
    if bench.calls == 0 || bench.in_flight == 0 || bench.in_flight > IN_FLIGHT_MAX {
        let message = format!("--calls is at least 1 and --in-flight from 1 to {IN_FLIGHT_MAX}");
        return Err(Failure::new(Exit::Usage, message));
    }
    let (system, function) = bench.awf.split_once('.').ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{}` is no AWF: write system.function", bench.awf))
    })?;
    let awf = AwfName::new(system, function);
    let root = common.data.join(format!("bench-{}", std::process::id()));
    let estate = Estate::start(&root, bench.records)?;
    let common = Common { estate: Some(root.join("estate.json")), ..common.clone() };
    let report = actix::System::new().block_on(measure(&common, bench, &awf))?;
    drop(estate);
    if common.output == Format::Text {
        print::text(&format!("{}\n", table(&report)))?;
    } else {
        print::print(&report)?;
    }
    Ok(Exit::Done)
}

/// The stand-ins, in a process of their own that ends with this one.
struct Estate {
    child: std::process::Child,
    root: std::path::PathBuf,
}

impl Estate {
    fn start(root: &std::path::Path, people: usize) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::plain(format!("failed to start the estate: {error}"));
        std::fs::create_dir_all(root).map_err(failed)?;
        let describe = root.join("estate.json");
        let child = std::process::Command::new(std::env::current_exe().map_err(failed)?)
            .args(["estate", "--until-stdin-ends", "--unlimited", "--people", &people.to_string(), "--dir"])
            .arg(root.join("recorder"))
            .arg("--describe")
            .arg(&describe)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut estate = Self { child, root: root.to_owned() };
        let began = Instant::now();
        while !describe.exists() {
            if estate.child.try_wait().map_err(failed)?.is_some() || began.elapsed() > Duration::from_mins(5)
            {
                return Err(Failure::plain("the estate did not start"));
            }
            std::thread::sleep(TICK);
        }
        Ok(estate)
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _already_ended = self.child.kill();
        let _reaped = self.child.wait();
        let _gone_already = std::fs::remove_dir_all(&self.root);
    }
}

async fn measure(common: &Common, bench: &BenchPlatform, awf: &AwfName) -> Result<Json, Failure> {
    let mut project = project::sound(common)?;
    project.declarations.systems.retain(|name, _| *name == awf.system);
    for system in project.declarations.systems.values_mut() {
        system.concurrency = bench.in_flight;
    }
    let (wire, systems) = wire::connect(common, &project)?;
    let mut declarations = project.declarations.clone();
    TENANT.clone_into(&mut declarations.tenant);
    let world = Arc::new(World::new(Arc::clone(&project.manifests)));
    if world.contract(awf).is_none() || !declarations.systems.contains_key(&awf.system) {
        return Err(Failure::new(Exit::Usage, format!("no declared system has the AWF `{awf}`")));
    }
    let setup = Setup {
        identities: std::collections::BTreeMap::new(),
        declarations: Arc::new(declarations),
        connector: Arc::clone(&world) as Arc<dyn Connector>,
        transport: Arc::new(wire),
        systems: systems.clone(),
        ledger: Ledger::None,
        subjects: common.data.join("unused"),
        key: key(),
        options: Options::default(),
        bounds: Bounds::default(),
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    };
    let engine = Engine::start(setup).await.map_err(Failure::plain)?;
    let read = read(&engine, bench, &awf.system).await?;
    let inputs = inputs(bench, &world)?;
    let calls = calls(&engine, bench, awf, &inputs).await?;
    let config = systems.get(&awf.system).cloned().unwrap_or_default();
    let pure = pure(&world, awf, &inputs[0], &config)?;
    Ok(
        json!({ "awf": awf.to_string(), "in_flight": bench.in_flight, "calls": calls, "pure": pure, "read": read }),
    )
}

/// Reads the system once with one DataOps robot.
async fn read(engine: &Engine, bench: &BenchPlatform, system: &str) -> Result<Json, Failure> {
    let tenant = Rc::clone(engine.tenant());
    let door = xops_shell::door::Door::of(&tenant, system);
    let before = memory_kib("VmRSS:");
    let (began, spent) = (Instant::now(), processor_time());
    let bar = follow::bar(false, bench.records as u64, "reading");
    let refresh = xops_shell::dataops::refresh(&tenant, BTreeSet::from([system.to_owned()]));
    tokio::pin!(refresh);
    let reports = loop {
        tokio::select! {
            reports = &mut refresh => break reports,
            () = tokio::time::sleep(TICK) => bar.set_position(door.records.get()),
        }
    };
    bar.finish_and_clear();
    let (elapsed, processor) = (began.elapsed(), processor_time().saturating_sub(spent));
    let report = reports.get(system).cloned().unwrap_or_default();
    if let Some((read, why)) = report.incomplete.first_key_value() {
        return Err(Failure::plain(format!("`{read}` was not read whole: {why}")));
    }
    if report.records < bench.records {
        let message = format!("{} records came, and there are {} at least", report.records, bench.records);
        return Err(Failure::plain(message));
    }
    let records = float(report.records as u64);
    Ok(json!({
        "records": report.records,
        "seconds": round(elapsed.as_secs_f64()),
        "records_per_s": round(records / elapsed.as_secs_f64()),
        "cpu_us_per_record": round(processor.as_secs_f64() * 1e6 / records),
        "rss_before_mib": before / 1_024,
        "rss_after_mib": memory_kib("VmRSS:") / 1_024,
        "rss_peak_mib": memory_kib("VmHWM:") / 1_024,
    }))
}

/// The inputs of the calls, one after the other: literals, and `@kind` for the ids of the records of a kind.
fn inputs(bench: &BenchPlatform, world: &World) -> Result<Vec<Values>, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let mut all = vec![Values::new(); usize::try_from(bench.calls).unwrap_or(usize::MAX)];
    for pair in &bench.input {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| usage(format!("`{pair}` is no input: write name=value")))?;
        let ids = match value.strip_prefix('@') {
            Some(kind) => world.ids(kind),
            None => vec![value.to_owned()],
        };
        if ids.is_empty() {
            return Err(usage(format!("`{pair}`: no record of this kind was read")));
        }
        for (inputs, id) in all.iter_mut().zip(ids.iter().cycle()) {
            inputs.insert(name.to_owned(), id.as_str().into());
        }
    }
    Ok(all)
}

/// Keeps so many calls under way at one Platform robot until all were answered.
async fn calls(
    engine: &Engine,
    bench: &BenchPlatform,
    awf: &AwfName,
    inputs: &[Values],
) -> Result<Json, Failure> {
    let robot = engine.tenant().robots.borrow().platform.get(&awf.system).cloned();
    let robot = robot.ok_or_else(|| Failure::plain("the robot is not up"))?;
    let contract = engine.tenant().shared.connector.contract(awf);
    let timeout_ms = contract.map_or(30_000, |contract| contract.timeout_ms);
    let bar = follow::bar(false, bench.calls, "calling");
    let fire = |number: usize| {
        let (reply, answered) = oneshot::channel();
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let job = Job {
            awf: awf.clone(),
            phase: Phase::Do,
            inputs: inputs[number].clone(),
            key: CallKey(key),
            request: None,
            snapshot: Values::new(),
            outputs: Values::new(),
            timeout_ms,
            urgency: Urgency::Ordinary,
            reply: Reply::to_asker(Phase::Do, reply),
        };
        let sent = robot.try_send(job).map_err(Failure::plain);
        async move {
            sent?;
            let began = Instant::now();
            answered.await.map(|done| (done, began.elapsed())).map_err(Failure::plain)
        }
    };
    let (began, spent) = (Instant::now(), processor_time());
    let mut under_way = FuturesUnordered::new();
    let (mut next, mut took) = (0, Vec::with_capacity(inputs.len()));
    while took.len() < inputs.len() {
        while next < inputs.len() && under_way.len() < bench.in_flight as usize {
            under_way.push(fire(next));
            next += 1;
        }
        let Some(ended) = under_way.next().await else { break };
        match ended? {
            (Done::Answered(Outcome::Ok(_) | Outcome::AlreadyDone(_)), time) => took.push(time),
            (other, _) => return Err(Failure::plain(format!("a call did not take effect: {other:?}"))),
        }
        bar.inc(1);
    }
    let (elapsed, processor) = (began.elapsed(), processor_time().saturating_sub(spent));
    bar.finish_and_clear();
    took.sort_unstable();
    let at = |percent: usize| {
        took.get((took.len() - 1) * percent / 100).map_or(0.0, |it| round(it.as_secs_f64() * 1e3))
    };
    Ok(json!({
        "calls": took.len(),
        "calls_per_s": round(float(took.len() as u64) / elapsed.as_secs_f64()),
        "p50_ms": at(50),
        "p99_ms": at(99),
        "cpu_us_per_call": round(processor.as_secs_f64() * 1e6 / float(took.len() as u64)),
    }))
}

/// What one request costs to render and one answer to classify, without the network.
fn pure(world: &World, awf: &AwfName, inputs: &Values, config: &Values) -> Result<Json, Failure> {
    let empty = Values::new();
    let ask = Ask {
        system: config,
        awf,
        phase: Phase::Do,
        inputs,
        key: CallKey([7; 16]),
        snapshot: &empty,
        outputs: &empty,
        carry: &empty,
    };
    let response: Response = world.last().ok_or_else(|| Failure::plain("no answer was seen"))?;
    let each = |what: &mut dyn FnMut()| {
        let spent = processor_time();
        (0..PURE).for_each(|_| what());
        round(processor_time().saturating_sub(spent).as_secs_f64() * 1e6 / f64::from(PURE))
    };
    let render = each(&mut || drop(black_box(world.render(black_box(&ask)))));
    let classify = each(&mut || drop(black_box(world.classify(black_box(&ask), black_box(&response)))));
    Ok(json!({ "render_us": render, "classify_us": classify, "repetitions": PURE }))
}

fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn table(report: &Json) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["", "FIGURE", "VALUE"]);
    for part in ["calls", "pure", "read"] {
        for (name, value) in report[part].as_object().into_iter().flatten() {
            table.add_row([part, name.as_str(), &value.to_string()]);
        }
    }
    let head =
        format!("{} with {} under way", report["awf"].as_str().unwrap_or_default(), report["in_flight"]);
    format!("{head}\n{}", table.trim_fmt())
}
