//! Many seeds at once, and what they came to.

use crate::driver::{Checks, Ending, Kills, People, Setup, play};
use crate::fault::{Rates, Tally};
use crate::plans::{self, FORWARD};
use crate::seed::Dice;
use std::collections::BTreeMap;
use std::fmt::Write;
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
    /// Changes of the world.
    pub changes: u64,
    /// How often each fault struck.
    pub faults: Tally,
    /// Instances by their end.
    pub ends: BTreeMap<&'static str, u64>,
    /// Virtual time that passed, in milliseconds.
    pub virtual_ms: u64,
    /// How many runs broke a law.
    pub broken: u64,
    /// Some of the seeds that broke a law, each with its transcript; at most [`FAILURES_MAX`].
    pub failures: Vec<(u64, String)>,
    /// BLAKE3 over the journals of all runs, in order: the same seeds give the same digest.
    pub digest: [u8; 32],
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

/// Plays the runs of `seeds`.
pub fn run(seeds: impl IntoIterator<Item = u64>, checks: Checks) -> Report {
    let mut report = Report::default();
    let mut hasher = blake3::Hasher::new();
    for seed in seeds {
        let ending = play(setup(seed, checks));
        hasher.update(&digest(&ending));
        report.runs += 1;
        report.events += ending.events;
        report.refused += ending.refused;
        report.frames += ending.instances.iter().map(|instance| instance.log.len() as u64).sum::<u64>();
        report.changes += ending.world.record.len() as u64;
        report.virtual_ms += ending.took_ms;
        for (fault, times) in &ending.tally {
            *report.faults.entry(*fault).or_default() += times;
        }
        for instance in &ending.instances {
            *report.ends.entry(instance.state.word()).or_default() += 1;
        }
        report.broken += u64::from(!ending.violations.is_empty());
        if !ending.violations.is_empty() && report.failures.len() < FAILURES_MAX {
            report.failures.push((seed, transcript(&ending)));
        }
    }
    report.digest = *hasher.finalize().as_bytes();
    report
}

/// BLAKE3 over the journals of a run and the record of its world.
pub fn digest(ending: &Ending) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for instance in &ending.instances {
        for frame in &instance.log {
            hasher.update(format!("{frame:?}\n").as_bytes());
        }
    }
    hasher.update(format!("{:?}", ending.world.record).as_bytes());
    *hasher.finalize().as_bytes()
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
