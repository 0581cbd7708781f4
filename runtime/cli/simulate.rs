//! `xops simulate`: the kernel in a world that a seed plays, many seeds at once.
//!
//! Invariants: what is printed of the runs does not depend on how many threads play them or on how fast they are; only the two
//! rates do. A broken law ends with exit code 7, and its seed plays it again. Absent: laws; they stand in `xops-sim`.

mod reads;

use crate::arguments::simulate::{Checked, KeptOn, Played as Plays, Simulate};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use xops_kernel::saga::unanswered::Became;
use xops_shell::clock::processor_time;
use xops_sim::account::Wrong;
use xops_sim::driver::{self, Checks, Ending};
use xops_sim::fault::Fault;
use xops_sim::ledger::Store;
use xops_sim::run::{Played, Report, Work, ending, one, transcript};
use xops_sim::story::{NoStory, Story};

/// The seeds that are played where none are named.
const SEEDS: Range<u64> = 0..10_000;
/// The seeds that an account of effects may use.
const SEEDS_MAX: u64 = 1 << 40;
/// How many seeds a thread plays at a time, and how many such chunks it may be ahead.
const CHUNK: u64 = 64;
const CHUNKS_AHEAD: usize = 4;
/// The most threads.
const THREADS_MAX: usize = 256;

/// What is played.
struct Order {
    seeds: Range<u64>,
    effects: Option<u64>,
    checks: Checks,
    work: Work,
    store: Store,
}

/// Runs the command.
pub fn run(common: &Common, arguments: &Simulate) -> Outcome {
    if let Some(reads) = arguments.reads {
        return reads::run(common, reads, threads(arguments));
    }
    let work = match (arguments.effects, arguments.work) {
        (None, Plays::Days) => Work::Days,
        (None, Plays::Vendors) => Work::Vendors,
        (Some(_), _) | (None, Plays::Crashes) => Work::Crashes,
    };
    let checks = match arguments.checks {
        Some(Checked::All) => Checks::All,
        Some(Checked::Account) => Checks::Account,
        None if arguments.effects.is_some() => Checks::Account,
        Some(Checked::Ends) | None => Checks::Ends,
    };
    let store = match arguments.store {
        KeptOn::Memory => Store::Memory,
        KeptOn::Journal => Store::Journal,
        KeptOn::LyingDisk => Store::LyingDisk,
    };
    if let Some(path) = &arguments.story {
        let told = story(path)?;
        return alone(common, told.seed, &driver::play(told.setup(checks)));
    }
    if let Some(seed) = arguments.seed {
        return alone(common, seed, &ending(seed, checks, work, store));
    }
    let seeds = match (&arguments.seeds, arguments.effects) {
        (Some(seeds), _) => seeds.clone(),
        (None, Some(_)) => 0..SEEDS_MAX,
        (None, None) => SEEDS,
    };
    let threads = threads(arguments);
    let order = Order { seeds, effects: arguments.effects, checks, work, store };
    let (began, processor) = (Instant::now(), processor_time());
    let report = play(&order, threads)?;
    let stories = report.failures.iter().map(|(seed, _)| shrunk(*seed, &order)).collect();
    let told = Told {
        order: &order,
        stories,
        report: &report,
        elapsed: began.elapsed(),
        processor: processor_time().saturating_sub(processor),
        commit: commit(),
    };
    match common.output {
        Format::Text => json::text(&told.text())?,
        Format::Json | Format::Sarif | Format::Csv => json::print(&told.json())?,
    }
    held(&report)
}

/// How many threads play.
fn threads(arguments: &Simulate) -> usize {
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    threads.unwrap_or(1).clamp(1, THREADS_MAX)
}

/// The story in a file.
fn story(path: &Path) -> Result<Story, Failure> {
    let no = |why: String| {
        Failure::new(Exit::Usage, format!("failed to read the story `{}`: {why}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| no(error.to_string()))?;
    text.parse().map_err(|error: NoStory| no(error.to_string()))
}

/// Prints the transcript of one run, one line a transition.
fn alone(common: &Common, seed: u64, ending: &Ending) -> Outcome {
    let told = transcript(ending);
    let mut report = Report::default();
    report.add(Played::of(seed, ending));
    match common.output {
        Format::Text => json::text(&format!("{told}digest {}\n", hex(&report.digest)))?,
        Format::Json | Format::Sarif | Format::Csv => json::print(&json!({
            "seed": seed,
            "broken": report.broken,
            "digest": hex(&report.digest),
            "transcript": told.lines().collect::<Vec<_>>(),
        }))?,
    }
    held(&report)
}

fn held(report: &Report) -> Outcome {
    if report.broken == 0 {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Damaged, format!("{} of {} runs broke a law", report.broken, report.runs)))
}

/// Plays all seeds of an order; the runs are added up in the order of their seeds.
fn play(order: &Order, threads: usize) -> Result<Report, Failure> {
    let bar = bar(order);
    let report = std::thread::scope(|scope| {
        let lane = |first: usize| {
            let (send, receive) = sync_channel(CHUNKS_AHEAD);
            scope.spawn(move || lead(order, first as u64, threads as u64, &send));
            receive
        };
        let lanes: Vec<Receiver<Chunk>> = (0..threads).map(lane).collect();
        let mut report = Report::default();
        // The first chunk that does not come is behind the last seed.
        for lane in lanes.iter().cycle() {
            let Ok(chunk) = lane.recv() else { break };
            for played in chunk.map_err(panicked)? {
                report.add(played);
                if order.effects.is_some_and(|effects| report.changes >= effects) {
                    return Ok(report);
                }
            }
            bar.set_position(order.effects.map_or(report.runs, |_| report.changes));
        }
        Ok(report)
    });
    bar.finish_and_clear();
    report
}

/// The runs of some seeds, or the seed whose run panicked.
type Chunk = Result<Vec<Played>, u64>;

fn panicked(seed: u64) -> Failure {
    Failure::new(Exit::Damaged, format!("the run of seed {seed} panicked: commit {}", commit()))
}

/// Plays every `lanes`th chunk of seeds, beginning with the `first`, until nobody wants more.
fn lead(order: &Order, first: u64, lanes: u64, send: &SyncSender<Chunk>) {
    let Range { start, end } = order.seeds;
    let mut from = start.saturating_add(first * CHUNK);
    while from < end {
        let seeds = from..end.min(from + CHUNK);
        let chunk: Chunk = seeds
            .map(|seed| {
                let played = || one(seed, order.checks, order.work, order.store);
                catch_unwind(AssertUnwindSafe(played)).map_err(|_told_by_the_hook| seed)
            })
            .collect();
        if send.send(chunk).is_err() {
            return;
        }
        from = from.saturating_add(lanes * CHUNK);
    }
}

fn bar(order: &Order) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
    let bar = ProgressBar::new(order.effects.unwrap_or(order.seeds.end - order.seeds.start));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(if order.effects.is_some() { "effects" } else { "seeds" })
}

/// The commit of the sources in the working directory: with a seed it names a failure.
fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let said = asked.ok().filter(|said| said.status.success()).map(|said| said.stdout);
    let said = said.and_then(|said| String::from_utf8(said).ok()).unwrap_or_default();
    if said.trim().is_empty() { "unknown".to_owned() } else { said.trim().to_owned() }
}

/// The smallest story found of a seed that broke a law.
fn shrunk(seed: u64, order: &Order) -> String {
    let smallest = || Story::smallest(seed, order.checks, order.work, order.store);
    match catch_unwind(AssertUnwindSafe(smallest)) {
        Ok(Some((story, runs))) => format!("{story}# found in {runs} runs\n"),
        Ok(None) | Err(_) => String::new(),
    }
}

/// What is printed.
struct Told<'a> {
    order: &'a Order,
    stories: Vec<String>,
    report: &'a Report,
    elapsed: Duration,
    processor: Duration,
    commit: String,
}

impl Told<'_> {
    /// Events a minute of `time`.
    fn rate(&self, time: Duration) -> u64 {
        let us = time.as_micros().max(1);
        u64::try_from(u128::from(self.report.events) * 60_000_000 / us).unwrap_or(u64::MAX)
    }

    fn last_seed(&self) -> u64 {
        self.order.seeds.start + self.report.runs
    }

    /// The faults that can strike in what is played, with how often each did.
    fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        let (disk, http) = (self.order.store != Store::Memory, self.order.work == Work::Vendors);
        let able =
            Fault::ALL.into_iter().filter(move |it| (disk || !it.of_disk()) && (http || !it.of_vendors()));
        able.map(|fault| (fault, count(self.report.faults.get(&fault))))
    }

    /// How many kinds of fault struck, and which of them least.
    fn kinds(&self) -> String {
        let able = self.faults().count();
        let least = self.faults().min_by_key(|(_, times)| *times);
        let struck = self.faults().filter(|(_, times)| *times > 0).count();
        let told = least.map(|(fault, times)| format!(", the rarest, {}, {times} times", fault.word()));
        format!("{struck} of {able} kinds struck{}", told.unwrap_or_default())
    }

    fn json(&self) -> Json {
        let report = self.report;
        let failures = report.failures.iter().zip(&self.stories).map(|((seed, transcript), story)| {
            let transcript: Vec<&str> = transcript.lines().collect();
            json!({ "seed": seed, "commit": self.commit, "transcript": transcript, "story": story })
        });
        json!({
            "seeds": format!("{}..{}", self.order.seeds.start, self.last_seed()),
            "runs": report.runs,
            "events": report.events,
            "events_per_minute": self.rate(self.elapsed),
            "events_per_cpu_minute": self.rate(self.processor),
            "frames": report.frames,
            "effects": report.changes,
            "deaths": report.deaths(),
            "refused": report.refused,
            "breakers_opened": report.trips,
            "breakers_probed": report.probes,
            "virtual_ms": report.virtual_ms,
            "ends": report.ends,
            "faults": words(Fault::ALL.map(|fault| (fault.word(), report.faults.get(&fault)))),
            "in_flight_at_a_death": words(Became::ALL.map(|became| (became.word(), report.flights.get(&became)))),
            "never_answered": words(Became::ALL.map(|became| (became.word(), report.silent.get(&became)))),
            "wrong": words(Wrong::ALL.map(|wrong| (wrong.word(), report.wrong.get(&wrong)))),
            "broken": report.broken,
            "failures": failures.collect::<Vec<_>>(),
            "digest": hex(&report.digest),
            "commit": self.commit,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "cpu_ms": u64::try_from(self.processor.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn text(&self) -> String {
        let report = self.report;
        let mut out = String::new();
        let mut line = |name: &str, said: String| {
            let _infallible = writeln!(out, "{name:<24} {said}");
        };
        line("seeds", format!("{}..{}", self.order.seeds.start, self.last_seed()));
        line("events", format!("{} in {} frames", report.events, report.frames));
        line(
            "events a minute",
            format!("{} ({} a CPU minute)", self.rate(self.elapsed), self.rate(self.processor)),
        );
        line("virtual hours", format!("{}", report.virtual_ms / 3_600_000));
        line("effects", format!("{}", report.changes));
        line("deaths", format!("{}", report.deaths()));
        line("refused late events", format!("{}", report.refused));
        if self.order.work == Work::Vendors {
            line("breakers", format!("opened {}, probed {}", report.trips, report.probes));
        }
        line("ends", listed(report.ends.iter().map(|(word, times)| (*word, *times))));
        line("faults", self.kinds());
        for (fault, times) in self.faults() {
            line(&format!("  {}", fault.word()), format!("{times:>12}"));
        }
        for (name, calls) in [("in flight at a death", &report.flights), ("never answered", &report.silent)] {
            let told = Became::ALL.iter().map(|became| (became.word(), count(calls.get(became))));
            line(name, listed(told));
        }
        line("wrong", listed(Wrong::ALL.iter().map(|wrong| (wrong.word(), count(report.wrong.get(wrong))))));
        line("runs that broke a law", format!("{}", report.broken));
        line("digest", hex(&report.digest));
        line("commit", self.commit.clone());
        let work = match self.order.work {
            Work::Days => "",
            Work::Crashes => " --work crashes",
            Work::Vendors => " --work vendors",
        };
        let store = match self.order.store {
            Store::Memory => "",
            Store::Journal => " --store journal",
            Store::LyingDisk => " --store lying-disk",
        };
        for ((seed, transcript), story) in report.failures.iter().zip(&self.stories) {
            let again = format!("xops simulate --seed {seed}{work}{store}");
            let _infallible = writeln!(out, "\nseed {seed}: {again}\n{transcript}");
            if !story.is_empty() {
                let _infallible = writeln!(out, "its story, for xops simulate --story FILE:\n{story}");
            }
        }
        out
    }
}

fn count(times: Option<&u64>) -> u64 {
    times.copied().unwrap_or(0)
}

fn words<const N: usize>(counts: [(&'static str, Option<&u64>); N]) -> Json {
    counts.into_iter().map(|(word, times)| (word.to_owned(), Json::from(count(times)))).collect()
}

fn listed<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let told: Vec<_> = counts.map(|(word, times)| format!("{word} {times}")).collect();
    told.join(", ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_does_not_show_how_many_threads_played_it() {
        let played = |threads, effects| {
            let order = Order {
                seeds: 0..300,
                effects,
                checks: Checks::Account,
                work: Work::Crashes,
                store: Store::Memory,
            };
            play(&order, threads).expect("no run panics")
        };
        assert_eq!(played(1, None), played(3, None));
        let some = played(1, Some(200));
        assert!(some.runs < 300 && some.changes >= 200);
        assert_eq!(some, played(2, Some(200)), "where an account ends does not either");
    }
}
