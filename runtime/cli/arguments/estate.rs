//! The arguments of `estate`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `xops estate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Estate {
    /// Something else than stand-ins.
    #[command(subcommand)]
    pub what: Option<EstateWhat>,
    /// Where the recorder's files go.
    #[arg(long, default_value = "estate-data", value_name = "DIR")]
    pub dir: PathBuf,
    /// Write the addresses and credentials to this file, for --estate of other commands.
    #[arg(long, value_name = "FILE")]
    pub describe: Option<PathBuf>,
    /// The seed of its population.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many people there are beside the planted ones.
    #[arg(long, default_value_t = 40)]
    pub people: u32,
    /// The operation cards to check requests against.
    #[arg(long, value_name = "DIR")]
    pub cards: Option<PathBuf>,
    /// How late reads see writes, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub lag: u64,
    /// Let calls through whatever the vendors' rate limits say: to measure something else than those.
    #[arg(long)]
    pub unlimited: bool,
    /// End when standard input ends: for a parent process that may be killed.
    #[arg(long)]
    pub until_stdin_ends: bool,
}

/// What `xops estate` does beside running stand-ins.
#[derive(Debug, Subcommand)]
pub enum EstateWhat {
    /// Write the tables of 30 systems over one population, with planted facts and the truth beside them.
    Generate(EstateGenerate),
}

/// `xops estate generate`.
#[derive(Clone, Debug, Args)]
pub struct EstateGenerate {
    /// How many people there are.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub people: u32,
    /// The seed: the same seed and the same number of people give the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Departments, titles and sites of very different sizes (Zipf's law) instead of like ones.
    #[arg(long)]
    pub skewed: bool,
    /// Where the files go: an empty folder, or one that is made.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
