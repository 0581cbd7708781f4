//! The arguments of `simulate`.

use clap::{Args, ValueEnum};
use std::ops::Range;
use std::path::PathBuf;

/// `xops simulate`.
#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Play this seed and tell its transcript, one line a transition.
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "effects"])]
    pub seed: Option<u64>,
    /// Play the story in this file, as a broken law printed it, and tell its transcript.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "seeds", "effects", "work", "store"])]
    pub story: Option<PathBuf>,
    /// Play the seeds from A on, up to B and without it.
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<Range<u64>>,
    /// Play crashes until so many effects took place, and hold each against an independent record.
    #[arg(long, value_name = "N")]
    pub effects: Option<u64>,
    /// Make so many faulted reads instead, over every style of paging and every position of a failure, and plan after each.
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "seeds", "story", "effects", "work", "store", "checks"])]
    pub reads: Option<u64>,
    /// What seeds stand for; with --effects it is crashes.
    #[arg(long, value_enum, default_value_t = Played::Days)]
    pub work: Played,
    /// What frames are kept on.
    #[arg(long, value_enum, default_value_t = KeptOn::Memory)]
    pub store: KeptOn,
    /// How much is checked; ends where it is not named, with --effects account.
    #[arg(long, value_enum)]
    pub checks: Option<Checked>,
    /// How many threads play; as many as the machine has where it is not named.
    #[arg(long, value_name = "T")]
    pub threads: Option<usize>,
}

/// What seeds stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Played {
    /// Days from calm to hopeless.
    Days,
    /// Days on which the process dies at one of a hundred points.
    Crashes,
    /// Days with systems that speak HTTP and JSON: real manifests are rendered and classified, behind the robots' doors.
    Vendors,
}

/// What frames are kept on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeptOn {
    /// Memory that nothing can happen to: the fastest.
    Memory,
    /// The journal, on a disk that forgets, tears and reorders what was not synced, fills up and fails.
    Journal,
    /// The journal, on a disk that says it synced and did not: a control that must break laws.
    LyingDisk,
}

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Checked {
    /// Every law after every event.
    All,
    /// What costs little, and every law at the end.
    Ends,
    /// The account of effects at the end.
    Account,
}

/// `A..B`, with at least one seed.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let read = |(from, to): (&str, &str)| Some(from.parse::<u64>().ok()?..to.parse::<u64>().ok()?);
    let seeds = text.split_once("..").and_then(read).filter(|seeds| !seeds.is_empty());
    seeds.ok_or_else(|| "give two numbers as `0..10000`, the second one larger".to_owned())
}
