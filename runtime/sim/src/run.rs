//! Many seeds at once, and what they came to.
//!
//! Invariants: a report is a fold of its runs in their order, so that who plays them (and on how many threads) does not show in
//! it; adding up the same runs gives the same digest on any machine, in debug and in release.

use crate::account::Wrong;
use crate::driver::{Checks, Ending, Kills, People, Setup, play};
use crate::fault::{Fault, Rates, Tally};
use crate::ledger::{self, Store};
use crate::plans::{self, FORWARD};
use crate::seed::Dice;
use crate::vendor::Vendor;
use std::collections::BTreeMap;
use std::fmt::Write;
use xops_kernel::saga::unanswered::{Became, Cause};
use xops_kernel::trace::{Detail, clock, tell};

/// What many runs came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs.
    pub runs: u64,
    /// Events applied.
    pub events: u64,
    /// Events refused because they came late.
    pub refused: u64,
    /// Frames made durable.
    pub frames: u64,
    /// Changes of the world: effects.
    pub changes: u64,
    /// How often each fault struck.
    pub faults: Tally,
    /// Instances by their end.
    pub ends: BTreeMap<&'static str, u64>,
    /// Calls that were in flight when the process died, by what became of them.
    pub flights: BTreeMap<Became, u64>,
    /// Calls to which no answer came while the process lived, by what became of them.
    pub silent: BTreeMap<Became, u64>,
    /// How often a breaker opened.
    pub trips: u64,
    /// How often a probe went through an open breaker.
    pub probes: u64,
    /// Virtual time that passed, in milliseconds.
    pub virtual_ms: u64,
    /// Laws that were broken, by what is wrong.
    pub wrong: BTreeMap<Wrong, u64>,
    /// How many runs broke a law.
    pub broken: u64,
    /// Some of the seeds that broke a law, each with its transcript; at most [`FAILURES_MAX`].
    pub failures: Vec<(u64, String)>,
    /// BLAKE3, run by run, of the digest so far and the run's: the same seeds give the same digest.
    pub digest: [u8; 32],
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Played {
    seed: u64,
    report: Report,
    digest: [u8; 32],
    transcript: Option<String>,
}

/// What the seeds stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Days as bad as each seed says, from calm to hopeless ([`setup`]).
    Days,
    /// Days on which the process dies at one of a hundred points ([`crashing`]).
    Crashes,
    /// Days with systems that speak HTTP and JSON: the real manifest engine, and the robots' doors ([`vendors`]).
    Vendors,
}

/// How many failures a report tells.
pub const FAILURES_MAX: usize = 3;

/// The setup that a seed stands for: one to three instances of drawn plans on a day as bad as the seed says.
pub fn setup(seed: u64, checks: Checks) -> Setup {
    let mut dice = Dice::of(seed, "plans");
    let instances = dice.between(1, 3);
    let scenes = (0..instances).map(|nth| {
        let steps = u16::try_from(dice.between(1, 9)).unwrap_or(1);
        let width = u16::try_from(dice.between(1, 4)).unwrap_or(1);
        plans::plan(&format!("p{nth}"), width, &plans::draw(&mut dice, steps, &FORWARD))
    });
    let scenes = scenes.collect();
    let weight = u32::try_from(dice.between(0, 4)).unwrap_or(0);
    let people = if dice.chance(500) { People::Truthful } else { People::Absent };
    Setup { rates: Rates::all(weight), kills: Kills::ByRate, people, checks, ..Setup::calm(seed, scenes) }
}

/// The setup of an exactly-once account: every fault at a low rate, and at each point at which the process can die (before an
/// append, after it, after a call was sent) it dies once in a hundred times.
pub fn crashing(seed: u64, checks: Checks) -> Setup {
    let rates = Rates::all(1).with(Fault::Killed, 10);
    Setup { rates, ..setup(seed, checks) }
}

/// The setup of a day with systems that speak HTTP and JSON, behind the robots' doors.
pub fn vendors(seed: u64, checks: Checks) -> Setup {
    Setup { model: Vendor::shared(), ..setup(seed, checks) }
}

/// The setup of a seed, for what it stands for and on what its frames are kept.
pub fn setup_of(seed: u64, checks: Checks, work: Work, store: Store) -> Setup {
    let setup = match work {
        Work::Days => setup(seed, checks),
        Work::Crashes => crashing(seed, checks),
        Work::Vendors => vendors(seed, checks),
    };
    Setup { store, ..setup }
}

/// Plays the runs of `seeds`.
pub fn run(seeds: impl IntoIterator<Item = u64>, checks: Checks) -> Report {
    let mut report = Report::default();
    seeds.into_iter().for_each(|seed| report.add(one(seed, checks, Work::Days, Store::Memory)));
    report
}

/// Plays the run of one seed.
pub fn one(seed: u64, checks: Checks, work: Work, store: Store) -> Played {
    Played::of(seed, &ending(seed, checks, work, store))
}

/// The run of one seed, as it ended.
pub fn ending(seed: u64, checks: Checks, work: Work, store: Store) -> Ending {
    play(setup_of(seed, checks, work, store))
}

impl Played {
    /// What the run of `seed` came to.
    pub fn of(seed: u64, ending: &Ending) -> Self {
        let mut report =
            Report { runs: 1, events: ending.events, refused: ending.refused, ..Report::default() };
        for instance in &ending.instances {
            report.frames += instance.log.len() as u64;
            *report.ends.entry(instance.state.word()).or_default() += 1;
        }
        for call in &ending.unanswered {
            let of = match call.cause {
                Cause::Died => &mut report.flights,
                Cause::NoAnswer => &mut report.silent,
            };
            *of.entry(call.became).or_default() += 1;
        }
        for broken in &ending.violations {
            *report.wrong.entry(Wrong::of(broken)).or_default() += 1;
        }
        report.changes = ending.world.record.len() as u64;
        (report.trips, report.probes) = ending.breakers;
        report.virtual_ms = ending.took_ms;
        report.broken = u64::from(!ending.violations.is_empty());
        report.faults.clone_from(&ending.tally);
        let transcript = (report.broken > 0).then(|| transcript(ending));
        Self { seed, digest: digest(ending), transcript, report }
    }
}

impl Report {
    /// Adds a run after those that were added before.
    pub fn add(&mut self, played: Played) {
        let Played { seed, report, digest, transcript } = played;
        self.runs += report.runs;
        self.events += report.events;
        self.refused += report.refused;
        self.frames += report.frames;
        self.changes += report.changes;
        self.trips += report.trips;
        self.probes += report.probes;
        self.virtual_ms += report.virtual_ms;
        self.broken += report.broken;
        sum(&mut self.faults, report.faults);
        sum(&mut self.ends, report.ends);
        sum(&mut self.flights, report.flights);
        sum(&mut self.silent, report.silent);
        sum(&mut self.wrong, report.wrong);
        let told = transcript.filter(|_| self.failures.len() < FAILURES_MAX);
        self.failures.extend(told.map(|transcript| (seed, transcript)));
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.digest).update(&digest);
        self.digest = *hasher.finalize().as_bytes();
    }

    /// How often the process died.
    pub fn deaths(&self) -> u64 {
        self.faults.get(&Fault::Killed).copied().unwrap_or(0)
    }
}

fn sum<K: Ord>(all: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, times) in more {
        *all.entry(key).or_default() += times;
    }
}

/// BLAKE3 over the journals of a run, in their stored form, and the record of its world.
pub fn digest(ending: &Ending) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(1 << 14);
    for (slot, instance) in ending.instances.iter().enumerate() {
        for frame in &instance.log {
            // A frame's end shows in the digest: what is decided together is durable together.
            bytes.extend_from_slice(&(slot as u64).to_le_bytes());
            for stamped in frame {
                ledger::stored(stamped, &mut bytes);
            }
        }
    }
    for change in &ending.world.record {
        bytes.extend_from_slice(&change.at.to_le_bytes());
        let told = [&change.call, &change.shelf].into_iter().chain(&change.before).chain(&change.after);
        told.for_each(|text| {
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        });
    }
    bytes.extend(ending.tip.iter().flatten());
    *blake3::hash(&bytes).as_bytes()
}

/// The laws that a run broke, and its events, one line each.
pub fn transcript(ending: &Ending) -> String {
    let mut out = String::new();
    for broken in &ending.violations {
        let _infallible = writeln!(out, "BROKEN {broken}");
    }
    for (slot, instance) in ending.instances.iter().enumerate() {
        let events: Vec<_> = instance.log.iter().flatten().cloned().collect();
        let (lines, state) = tell(&instance.saga, &events, Detail::Full);
        let _infallible = writeln!(out, "instance {slot}: {}", state.word());
        for (step, run) in instance.saga.plan.steps.iter().zip(&state.steps) {
            let (word, why) = (run.stage.word(), run.why.as_deref().unwrap_or(""));
            let _infallible = writeln!(out, "  step {} {}: {word} {why}", step.id.0, step.awf);
        }
        for line in lines {
            let _infallible = writeln!(out, "  {}.{:03} {}", clock(line.at), line.at % 1000, line.text);
        }
    }
    for change in &ending.world.record {
        let _infallible = writeln!(out, "world {change:?}");
    }
    out
}
