//! `--work kill`: a process with so many instances under way is killed with SIGKILL and started again.
//!
//! Measured from outside, by the process that survives: from the start of the second process to its word that it is healthy,
//! and to its word that every instance has ended. What was done twice is counted by the effect side, which shares nothing with
//! the engine. A run in which an effect was repeated, lost, or left without an account fails.

use super::account::{Account, account};
use super::effects::Effects;
use super::{Place, child};
use crate::arguments::bench::{BenchEngine, Work};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use comfy_table::{Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use xops_kernel::saga::unanswered::Became;

/// How long a process may take to come to its end.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    instances: u64,
    /// Effects that were done when the process was killed.
    performed_at_kill: u64,
    /// Instances under way when it started again.
    under_way: u64,
    /// From the start of the second process to its word that it is up, process start included.
    healthy_ms: f64,
    /// Processor time of the second process until then, in milliseconds: what `healthy_ms` is on a machine that does nothing else.
    healthy_cpu_ms: u64,
    /// From the same moment to the end of the last instance.
    completed_ms: f64,
    /// Processor time of the second process by the steps that were left to it, in microseconds.
    cpu_us_per_step: f64,
    /// Calls in flight at the kill, by what became of them.
    accounted: BTreeMap<Became, u64>,
    /// Effects that were done more than once.
    repeated: u64,
    /// Effects that were never done.
    lost: u64,
    /// Each call that was in flight.
    in_flight: Vec<super::account::InFlight>,
}

/// Runs the work; in the process that is to be killed, its part of it.
pub(super) fn run(common: &Common, bench: &BenchEngine) -> Outcome {
    if let Some(effects) = bench.effects {
        return child::run(bench, effects);
    }
    let place = Place::make(common, bench.dir.as_deref())?;
    let effects = Effects::serve(&place.root.join("effects.txt"))?;
    let all = bench.instances * Work::Kill.calls();
    let (mut first, mut says) = spawn(&place, bench, &effects)?;
    expect(&mut says, "healthy")?;
    expect(&mut says, "begun")?;
    effects.open();
    // In the middle: every instance has begun, and a third of all is done.
    let begun = Instant::now();
    while effects.count().performed < all / 3 {
        if first.try_wait().map_err(Failure::plain)?.is_some() || begun.elapsed() > PATIENCE {
            return Err(Failure::plain("the process ended before it was killed: give it more --instances"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    first.kill().map_err(Failure::plain)?;
    first.wait().map_err(Failure::plain)?;
    let performed_at_kill = effects.count().performed;
    let started = Instant::now();
    let (mut second, mut says) = spawn(&place, bench, &effects)?;
    let (under_way, healthy_cpu_ms) = expect(&mut says, "healthy")?;
    let healthy = started.elapsed();
    let (_, done_cpu_ms) = expect(&mut says, "done")?;
    let completed = started.elapsed();
    let status = second.wait().map_err(Failure::plain)?;
    if !status.success() {
        return Err(Failure::plain(format!("the second process ended with {status}")));
    }
    let Account { in_flight, began, completed: done } = account(&place)?;
    let count = effects.count();
    let mut accounted = BTreeMap::new();
    for call in &in_flight {
        *accounted.entry(call.became).or_default() += 1;
    }
    let parked = accounted.get(&Became::Parked).copied().unwrap_or(0);
    let report = Report {
        work: Work::Kill.word(),
        instances: bench.instances,
        performed_at_kill,
        under_way,
        healthy_ms: ms(healthy),
        healthy_cpu_ms,
        cpu_us_per_step: ms(Duration::from_millis(done_cpu_ms))
            / f64::from(u32::try_from(all.saturating_sub(performed_at_kill).max(1)).unwrap_or(u32::MAX))
            * 1_000.0,
        completed_ms: ms(completed),
        repeated: count.performed - count.distinct,
        lost: (began * Work::Kill.calls()).saturating_sub(count.distinct),
        accounted,
        in_flight,
    };
    match common.output {
        Format::Text => anstream::println!("{}", report.table(count.requests)),
        Format::Json | Format::Sarif | Format::Csv => {
            anstream::println!("{}", serde_json::to_string(&report).map_err(Failure::plain)?);
        }
    }
    let unexplained = report.accounted.get(&Became::Open).copied().unwrap_or(0);
    if report.repeated > 0 || unexplained > 0 || (parked == 0 && (report.lost > 0 || done != began)) {
        let why = format!(
            "{} effects were repeated, {} lost, {unexplained} are not accounted for; {done} of {began} instances completed",
            report.repeated, report.lost
        );
        return Err(Failure::new(Exit::Damaged, why));
    }
    Ok(Exit::Done)
}

fn spawn(
    place: &Place,
    bench: &BenchEngine,
    effects: &Effects,
) -> Result<(Child, BufReader<ChildStdout>), Failure> {
    let program = std::env::current_exe().map_err(Failure::plain)?;
    let mut child = Command::new(program)
        .args(["bench", "engine", "--work", "kill", "--instances", &bench.instances.to_string()])
        .arg("--dir")
        .arg(&place.root)
        .args(["--effects", &effects.address().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::plain(format!("failed to start the process that is killed: {error}")))?;
    let says = child.stdout.take().ok_or_else(|| Failure::plain("the process has no standard output"))?;
    Ok((child, BufReader::new(says)))
}

/// Waits for a word of the process; the count behind it, and the processor time.
fn expect(says: &mut BufReader<ChildStdout>, word: &str) -> Result<(u64, u64), Failure> {
    let mut line = String::new();
    says.read_line(&mut line).map_err(Failure::plain)?;
    let mut words = line.split_whitespace();
    let found = words.next();
    let mut number = || words.next().and_then(|count| count.parse().ok());
    match (found, number(), number()) {
        (Some(found), Some(count), Some(spent)) if found == word => Ok((count, spent)),
        _ => Err(Failure::plain(format!("the process said `{}` where `{word}` was expected", line.trim()))),
    }
}

impl Report {
    fn table(&self, requests: u64) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["figure", "value", "floor", "moonshot"]);
        let mut row = |name: &str, value: String, floor: &str, moonshot: &str| {
            table.add_row([name.to_owned(), value, floor.to_owned(), moonshot.to_owned()]);
        };
        row("instances in flight", format!("{} of {}", self.under_way, self.instances), "", "");
        row("healthy again, ms", self.healthy_ms.to_string(), "100", "50");
        row("  of processor time", self.healthy_cpu_ms.to_string(), "", "");
        row("all completed, ms", self.completed_ms.to_string(), "2000", "1000");
        row("CPU us, a step", format!("{:.1}", self.cpu_us_per_step), "12", "4");
        row("calls in flight at the kill", self.in_flight.len().to_string(), "", "");
        let names = [
            (Became::Resent, "  sent again under their key"),
            (Became::Adopted, "  found done by a probe"),
            (Became::MadeAnew, "  proved not done, then called"),
            (Became::ProvedUndone, "  proved not done"),
            (Became::Failed, "  failed"),
            (Became::Parked, "  parked for a person"),
            (Became::Open, "  not accounted for"),
        ];
        for (became, name) in names {
            row(name, self.accounted.get(&became).copied().unwrap_or(0).to_string(), "", "");
        }
        row("effects repeated", self.repeated.to_string(), "0", "0");
        row("effects lost", self.lost.to_string(), "0", "0");
        row("requests at the effect side", requests.to_string(), "", "");
        table
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
