//! The arguments of the command.
//!
//! What stands here is common to all, or belongs to the commands that plan, act and look at what was done; the others have files of
//! their own.

pub mod asking;
pub mod bench;
pub mod estate;
pub mod identity;
pub mod keeping;
pub mod simulate;

use crate::arguments::asking::{Drift, Map, Patterns, Query, Validate, Why};
use crate::arguments::bench::Bench;
use crate::arguments::estate::Estate;
use crate::arguments::identity::Identity;
use crate::arguments::keeping::{Audit, Backup, Erase, Restore, Retain};
use crate::arguments::simulate::Simulate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use xops_kernel::culprit::Culprit;
use xops_shell::crash::Crash;

/// Declare the outcome, prove the plan, undo what was done.
#[derive(Debug, Parser)]
#[command(name = "xops", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done or no changes, 1 failed, 2 wrong arguments, 3 mistakes in declarations, 4 refused, \
5 backstepped, 6 waits for a person, 7 damaged journal, replay differs or a law broke, 10 plan has changes."
)]
pub struct Arguments {
    /// What all commands take.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands take.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The project: the folder that holds config/, runbooks/ and connectors/manifests/.
    #[arg(long, global = true, default_value = ".", env = "XOPS_PROJECT", value_name = "DIR")]
    pub project: PathBuf,
    /// Where journals and keys are kept.
    #[arg(long, global = true, default_value = "xops-data", env = "XOPS_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// The file with the tenant's key, 32 bytes in hexadecimal; `XOPS_KEY` holds the key itself.
    #[arg(long, global = true, env = "XOPS_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Talk to the stand-ins that this file describes (`xops estate --describe FILE`) instead of the declared addresses.
    #[arg(long, global = true, env = "XOPS_ESTATE", value_name = "FILE")]
    pub estate: Option<PathBuf>,
    /// How results are printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Say more about what is going on, on standard error.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object, or one a line where results stream.
    #[value(alias = "jsonl")]
    Json,
    /// SARIF 2.1, for `check`.
    Sarif,
    /// Comma-separated values, where results are rows.
    Csv,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole story in half a minute: an estate, a plan, a run, a backstep, a crash, a replay.
    Demo(Demo),
    /// Find every mistake in every declaration.
    Check(Check),
    /// Show what would change, and how it would be undone.
    Plan(Plan),
    /// Make the changes, and wait for their end.
    Apply(Apply),
    /// Ask who fits a condition: `xops query 'person.country == "MX"'`.
    Query(Query),
    /// Say where a fact comes from: every source in the order of authority, and the record that won.
    Why(Why),
    /// Show what depends on a system, directly or through something that does.
    Map(Map),
    /// Show what is no longer as it is wanted, why, and what was decided about it.
    Drift(Drift),
    /// Show what nobody asked about: unused licences, accounts of nobody, sources that lose, and who causes which cost.
    Patterns(Patterns),
    /// Say what an outcome lacks: what approved requirements demand of its people, and what their peers have.
    Validate(Validate),
    /// Run the daemon.
    Run(Run),
    /// Show what is under way, what waits for a person, and how the systems are.
    Status(Status),
    /// Tell what an instance did.
    Trace(Trace),
    /// Fold the journal again and hold every decision to it.
    Replay(Replay),
    /// Say which layer, file and line a value came from, and which record a fact.
    Explain(Explain),
    /// Check every frame of the journal.
    Verify,
    /// Pause everything, a domain, a system, a runbook or an instance.
    Pause(Pause),
    /// Lift a pause.
    Resume(Resume),
    /// Let a parked or stuck step go on, as you decide.
    Release(Release),
    /// Turn an instance back.
    Backstep(Backstep),
    /// The systems that are known: list them, check their manifests, write a new one, test one against a server.
    Connectors(crate::connectors::Connectors),
    /// The atomic work functions: show their requests.
    Awf(crate::awf::Awfs),
    /// Show that the journal is what was written: checkpoints, proofs, and what was altered.
    Audit(Audit),
    /// Copy the journal, also while a daemon writes it.
    Backup(Backup),
    /// Put a backup in the place of a journal that is gone.
    Restore(Restore),
    /// Export old files of the journal, and remove them when the copies are verified.
    Retain(Retain),
    /// Make everything that the journal says of a person unreadable, for good, in every copy of it.
    Erase(Erase),
    /// Start stand-ins for the systems of record on this machine.
    Estate(Estate),
    /// Tell which records of files are of the same person or thing, and how well that was told.
    Identity(Identity),
    /// Measure.
    Bench(Bench),
    /// Play seeds against the kernel: a world that lies, systems that fail, a process that dies anywhere.
    Simulate(Simulate),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Which entity, and which outcome.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Whom: `person:sarah.chen`, or `person` with --where.
    pub entity: String,
    /// How the entity is found, instead of by its handle: `email=a@b.example`. May be repeated.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE")]
    pub find: Vec<String>,
    /// The outcome; all that apply where it is not named.
    #[arg(long, value_name = "NAME")]
    pub outcome: Option<String>,
}

/// `xops plan`.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// Whom: `person:sarah.chen`, or `person` with --where. With --all a kind of entity; every kind that outcomes are for where it
    /// is left out.
    #[arg(required_unless_present = "all")]
    pub entity: Option<String>,
    /// How the entity is found, instead of by its handle: `email=a@b.example`. May be repeated.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE", conflicts_with = "all")]
    pub find: Vec<String>,
    /// The outcome; all that apply where it is not named.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub outcome: Option<String>,
    /// Of everybody at once: who differs, and in what. From what was read alone; facets are seen where the evidence of `peers` says.
    #[arg(long)]
    pub all: bool,
    /// With --all: where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
}

/// `xops apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// Whom and what.
    #[command(flatten)]
    pub target: Target,
    /// Lift the hold that an earlier backstep left.
    #[arg(long)]
    pub release: bool,
    /// Die by SIGKILL at a point, to test recovery: before-append:N, after-append:N, before-call:N or after-call:N.
    #[arg(long, hide = true, value_name = "POINT")]
    pub crash_at: Option<Crash>,
}

/// `xops check`.
#[derive(Debug, Args)]
pub struct Check {}

/// `xops demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the demonstration's files in this folder, instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `xops run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Where the API, the health checks and the metrics are served.
    #[arg(long, default_value = "127.0.0.1:7171", env = "XOPS_LISTEN", value_name = "ADDRESS")]
    pub listen: String,
    /// Append signed checkpoints to this file as well, which is best kept on another machine.
    #[arg(long, env = "XOPS_CHECKPOINTS", value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    /// How often a checkpoint is signed while the journal grows, in seconds.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub checkpoint_every: u64,
    /// How fast sealed journal files are read again to find damage, in MiB a second; 0 reads none.
    #[arg(long, default_value_t = 4, value_name = "MIB", value_parser = clap::value_parser!(u64).range(0..=1_024))]
    pub scrub: u64,
    /// How many requests may be open before more are turned away with 503.
    #[arg(long, default_value_t = xops_shell::limits::OPEN_MAX, value_name = "COUNT", value_parser = bounded)]
    pub open_requests_max: usize,
    /// End when nothing is under way and no request is open; for tests and batch use.
    #[arg(long)]
    pub until_quiet: bool,
    /// Die by SIGKILL at a point, to test recovery.
    #[arg(long, hide = true, value_name = "POINT")]
    pub crash_at: Option<Crash>,
}

/// `xops trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// The instance: its number, or its id or the beginning of it; the last one where it is not named.
    pub instance: Option<String>,
    /// One line an event instead of one a step.
    #[arg(long)]
    pub full: bool,
}

/// `xops replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The instance: its number, or its id or the beginning of it.
    pub instance: String,
    /// Stop at this event of the instance, counted from 1.
    #[arg(long, value_name = "SEQ")]
    pub at: Option<usize>,
}

/// `xops explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Whom.
    pub entity: String,
    /// How the entity is found, instead of by its handle.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE")]
    pub find: Vec<String>,
    /// What: `setting.KEY`, `person.ATTRIBUTE`, `link.SYSTEM`; everything where it is not named.
    pub what: Option<String>,
}

/// `xops pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// `all`, `domain:NAME`, `system:NAME`, `runbook:NAME` or `instance:ID`.
    pub scope: String,
    /// Why; it is written down.
    #[arg(long)]
    pub why: String,
}

/// `xops resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// What was paused.
    pub scope: String,
}

/// `xops release`.
#[derive(Debug, Args)]
pub struct Release {
    /// The number of the instance; or what `status` shows as set aside: `instance:NUMBER`, `request:ID`, `read:SYSTEM.READ`,
    /// `system:NAME`.
    #[arg(value_name = "WHAT", value_parser = released)]
    pub what: Culprit,
    /// What you decide of an instance: look again, it is done, or it failed.
    #[arg(long, value_enum, default_value_t = Decision::Retry)]
    pub decide: Decision,
}

/// A count that the daemon has the memory for.
fn bounded(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (1..=1_000_000).contains(&count) {
        Ok(count)
    } else {
        Err("it must be between 1 and 1000000".to_owned())
    }
}

/// An instance by its number, or what is set aside by its name.
fn released(text: &str) -> Result<Culprit, String> {
    text.parse().map(Culprit::Instance).or_else(|_| text.parse())
}

/// What a person decides about a parked or stuck step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Decision {
    /// Look again and go on.
    Retry,
    /// It is done: somebody saw to it.
    Done,
    /// It failed: take the declared way back; of a compensation: leave it.
    Failed,
}

/// `xops backstep`.
#[derive(Debug, Args)]
pub struct Backstep {
    /// The number of the instance.
    pub number: u64,
    /// Why; it is written down.
    #[arg(long)]
    pub why: String,
}

/// `xops status`.
#[derive(Debug, Args)]
pub struct Status {
    /// List every call whose answer never came (the process died, a timeout, a lost connection) by its key, with what became of it.
    #[arg(long)]
    pub unknown: bool,
}
