//! The arguments of `bench`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `xops bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// What is measured.
    #[command(subcommand)]
    pub what: Benched,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Benched {
    /// The durable engine, on an in-process system that does nothing.
    Engine(BenchEngine),
    /// The graph and the planner, on a generated population of 30 systems.
    Truth(BenchTruth),
    /// One robot against a stand-in over HTTP: calls, a large read, and what rendering and classifying cost alone.
    Platform(BenchPlatform),
}

/// `xops bench platform`.
#[derive(Clone, Debug, Args)]
pub struct BenchPlatform {
    /// The AWF that is called.
    #[arg(long, default_value = "okta.assign_groups", value_name = "SYSTEM.FUNCTION")]
    pub awf: String,
    /// An input of it: a value, or @KIND for the ids of the records of a kind, one after the other. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", default_values = ["user=@user", "group=00g1engineering00000"])]
    pub input: Vec<String>,
    /// How many calls are made.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub calls: u64,
    /// How many are under way at once.
    #[arg(long, default_value_t = 32, value_name = "C")]
    pub in_flight: u32,
    /// How many people the stand-ins know: as many records at least are read.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub records: usize,
}

/// `xops bench truth`.
#[derive(Clone, Debug, Args)]
pub struct BenchTruth {
    /// How many people there are; each has a record in 11 systems.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub people: u32,
    /// How many facets each of them has.
    #[arg(long, default_value_t = 60, value_name = "F")]
    pub facets: u32,
    /// Departments, titles and sites of very different sizes (Zipf's law) instead of like ones.
    #[arg(long)]
    pub skewed: bool,
    /// For how many people in a thousand something is not as wanted.
    #[arg(long, default_value_t = 10, value_name = "D")]
    pub drift: u32,
    /// How many events are measured one after the other.
    #[arg(long, default_value_t = 20_000, value_name = "E")]
    pub events: u32,
    /// How many threads plan side by side.
    #[arg(long, default_value_t = 2, value_name = "T")]
    pub threads: usize,
    /// How many records an identity index holds when one more comes, by the rules of the project; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000, value_name = "R")]
    pub identity: u32,
    /// The seed of the population.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `xops bench engine`.
#[derive(Clone, Debug, Args)]
pub struct BenchEngine {
    /// The work: w1 is 8 durable steps in a row; w4 the same with the last rejected and 7 compensations; parked leaves every
    /// instance waiting, half of them for a person and half for a time; kill runs --instances at once, kills the process with
    /// SIGKILL in the middle, starts it again and counts what was done twice.
    #[arg(long, value_enum, default_value_t = Work::W1)]
    pub work: Work,
    /// How many instances run in all.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub instances: u64,
    /// How many are under way at once.
    #[arg(long, default_value_t = 64, value_name = "C")]
    pub in_flight: u64,
    /// Where the journal is written; a temporary folder below --data where it is not named.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// For the process that is killed: where its effects are done.
    #[arg(long, hide = true, value_name = "ADDRESS")]
    pub effects: Option<std::net::SocketAddr>,
}

/// The works of TARGETS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// 8 sequential durable steps.
    W1,
    /// 8 steps, the last is rejected, 7 compensations run.
    W4,
    /// All instances wait; what each costs, and how long it takes to wake.
    Parked,
    /// The process is killed in the middle and started again.
    Kill,
}
