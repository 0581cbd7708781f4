//! `xops bench truth`: the graph and the planner at the size of an enterprise.
//!
//! Absent: a path of its own. Records go through the graph's readings, wishes and differences through the kernel, plans through its
//! compiler; what is counted is what production would do. Every figure is told with the processor time that it took, because a
//! busy machine lengthens the one and not the other.

mod events;
mod insert;
mod load;
mod order;
mod peers;
mod raw;
mod replan;

use super::report::{number, round};
use crate::arguments::bench::BenchTruth;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::identity::rules;
use comfy_table::{Table, presets};
use load::Estate;
use serde::Serialize;
use std::time::{Duration, Instant};
use xops_kernel::identity::Rules;
use xops_shell::clock::processor_time;
use xops_sim::population::policy::{FACETS_MAX, Policy};

/// How many people a benchmark may have.
const PEOPLE_MAX: u32 = 2_000_000;

/// How many records an identity index may have in a benchmark.
const RECORDS_MAX: u32 = 20_000_000;

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    people: u32,
    facets: u32,
    skewed: bool,
    drift_per_mille: u32,
    threads: usize,
    cold: load::Cold,
    replan: replan::Replan,
    event: events::Events,
    gate: events::Gate,
    order: order::Order,
    peers: peers::Peers,
    identity: Option<insert::Inserts>,
    rss_mib_max: u64,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Took {
    /// On the clock, in milliseconds.
    ms: f64,
    /// Processor time of the whole process, in milliseconds.
    cpu_ms: f64,
}

/// Runs `work` and says how long it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (began, spent) = (Instant::now(), processor_time());
    let done = work();
    let (elapsed, cpu) = (began.elapsed(), processor_time().saturating_sub(spent));
    (done, Took { ms: millis(elapsed), cpu_ms: millis(cpu) })
}

fn millis(time: Duration) -> f64 {
    round(time.as_secs_f64() * 1e3)
}

/// The measurement whose time on the clock is the median of `all`.
fn median(mut all: Vec<Took>) -> Took {
    all.sort_by(|one, other| one.ms.total_cmp(&other.ms));
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Times in nanoseconds, of which 50 and 99 of 100 are not longer.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Spread {
    p50_us: f64,
    p99_us: f64,
}

impl Spread {
    fn of(mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        let at = |percent: usize| {
            let rank = (nanos.len() * percent).div_ceil(100).max(1) - 1;
            round(Duration::from_nanos(nanos.get(rank).copied().unwrap_or_default()).as_secs_f64() * 1e6)
        };
        Self { p50_us: at(50), p99_us: at(99) }
    }
}

/// Nanoseconds since `began`.
fn nanos(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds of processor time since it was `spent`.
fn cpu_nanos(spent: Duration) -> u64 {
    u64::try_from(processor_time().saturating_sub(spent).as_nanos()).unwrap_or(u64::MAX)
}

/// A line of `/proc/self/status` in MiB: `VmRSS` now, `VmHWM` at most; 0 where there is none.
fn memory_mib(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|held| held.strip_prefix(line)?.strip_prefix(':'));
    held.and_then(|held| held.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Runs the command.
pub(super) fn run(common: &Common, bench: &BenchTruth) -> Outcome {
    if bench.people < 100 || bench.people > PEOPLE_MAX || bench.facets > FACETS_MAX || bench.facets < 50 {
        let message = format!("--people is from 100 to {PEOPLE_MAX} and --facets from 50 to {FACETS_MAX}");
        return Err(Failure::new(Exit::Usage, message));
    }
    if bench.identity > RECORDS_MAX {
        return Err(Failure::new(Exit::Usage, format!("--identity is at most {RECORDS_MAX}")));
    }
    if bench.drift > 1_000 || bench.threads == 0 {
        return Err(Failure::new(Exit::Usage, "--drift is at most 1000 and --threads at least 1"));
    }
    // Before anything is measured it is known whether everything can be.
    let file = common.project.join("config").join("identity").join("people.hcl");
    let rules = if bench.identity == 0 { Rules::default() } else { rules(&file, Some("person"))? };
    let say = |what: &str| anstream::eprintln!("xops: {what}");
    say("ordering a million nodes");
    let order = order::measure().map_err(Failure::plain)?;
    say("reading the estate");
    let (mut estate, cold) = Estate::load(bench)?;
    say("planning for everybody");
    let replan = replan::measure(&mut estate, bench)?;
    say("what peers have");
    let peers = peers::measure(&estate, &Policy::new(bench.facets).declarations())?;
    say("one event after the other");
    let gate = events::gate(&estate, &replan.plans)?;
    let event = events::measure(&mut estate, bench)?;
    let most = memory_mib("VmHWM");
    drop(estate);
    let identity = if bench.identity == 0 {
        None
    } else {
        say("one record after the other");
        Some(insert::measure(bench, rules)?)
    };
    let report = Report {
        people: bench.people,
        facets: bench.facets,
        skewed: bench.skewed,
        drift_per_mille: bench.drift,
        threads: bench.threads,
        cold,
        replan: replan.figures,
        event,
        gate,
        order,
        peers,
        identity,
        rss_mib_max: most,
    };
    match common.output {
        Format::Text => anstream::println!("{}", report.table()),
        Format::Json | Format::Sarif | Format::Csv => {
            let line = serde_json::to_string(&report).map_err(Failure::plain)?;
            anstream::println!("{line}");
        }
    }
    Ok(Exit::Done)
}

impl Report {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["figure", "time", "CPU", "of what"]);
        let mut row = |name: &str, took: &Took, what: String| {
            table.add_row([name.to_owned(), format!("{} ms", took.ms), format!("{} ms", took.cpu_ms), what]);
        };
        let (cold, replan) = (&self.cold, &self.replan);
        let raw = format!("{} records, {} MB of JSON", number(cold.records), number(cold.megabytes));
        row("cold: JSON to plans", &cold.all, raw);
        row("  parsed and joined", &cold.joined, format!("{} MiB held", cold.graph_rss_mib));
        row("  made columns", &cold.filled, format!("{} MiB more", cold.columns_rss_mib));
        row("  first plans", &cold.planned, String::new());
        let facets = format!("{} facets, {} classes", number(replan.facets), number(replan.classes));
        row("re-plan of everybody", &replan.all, facets);
        row("  classes", &replan.judged, String::new());
        row("  differences and digests", &replan.sketched, format!("{} changed", number(replan.changed)));
        let refused = format!("{} plans, {} without one", number(replan.plans), number(replan.refused));
        row("  plans drawn and hashed", &replan.drawn, refused);
        row("order of 1 M nodes, 5 M edges", &self.order.all, format!("{} levels", self.order.levels));
        row(
            "census of peers, from the graph",
            &self.peers.census,
            format!("{} people", number(self.peers.people)),
        );
        row(
            "  findings about one outcome",
            &self.peers.judged,
            format!("{} findings", number(self.peers.findings)),
        );
        let mut spread = |name: &str, spread: &Spread, what: String| {
            let text = format!("p50 {} us, p99 {} us", spread.p50_us, spread.p99_us);
            table.add_row([name.to_owned(), text, String::new(), what]);
        };
        let event = &self.event;
        spread("one event", &event.sketched, format!("to digested changes; {} events", number(event.count)));
        spread("  CPU", &event.sketched_cpu, String::new());
        spread("  of it the graph", &event.joined, String::new());
        spread("one event", &event.drawn, "to the plan drawn and hashed".to_owned());
        spread("  CPU", &event.drawn_cpu, String::new());
        if let Some(inserts) = &self.identity {
            let into = format!("into an index of {}", number(inserts.records));
            spread("one record identified", &inserts.insert, into);
            spread("  CPU", &inserts.insert_cpu, format!("{} MiB", inserts.rss_mib));
        }
        spread("gate", &self.gate.judged, format!("{} sheets filled and judged", number(self.gate.sheets)));
        table.add_row([
            "memory at most".into(),
            format!("{} MiB", self.rss_mib_max),
            String::new(),
            String::new(),
        ]);
        table
    }
}
