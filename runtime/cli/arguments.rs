//! The arguments of the command.
//!
//! It is long because the flags of all commands stand together, where one can see that the same thing has the same name.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ops::Range;
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

/// `xops query`.
#[derive(Debug, Args)]
#[command(
    after_help = "A condition is an expression of the declarations over one kind of entity and its links: ==, !=, <, &&, ||, !, \
contains(...), link.okta.status. Exit codes: 0 it is known of everybody, 2 the question has mistakes, 6 of some it is unknown."
)]
pub struct Query {
    /// The condition.
    pub condition: String,
    /// What is shown of whom it fits, separated by commas; the handle where nothing is named.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
    pub show: Vec<String>,
    /// Ask with the rights of this principal: what another one read stays hidden, and counts as unknown.
    #[arg(long, value_name = "PRINCIPAL")]
    pub principal: Option<String>,
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
}

/// `xops why`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it is known, 4 there is no such entity, 6 the fact is unknown.")]
pub struct Why {
    /// Of whom: `person:sarah.chen`.
    pub entity: String,
    /// Which attribute.
    pub attribute: String,
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
}

/// `xops drift`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "A running daemon is asked; else every system is read once. Exit codes: 0 no drift but what is acknowledged, 1 it failed, \
6 none was found but not everything could be judged, 10 there is drift."
)]
pub struct Drift {
    /// A decision about one drift.
    #[command(subcommand)]
    pub what: Option<DriftWhat>,
    /// Show what is acknowledged as well.
    #[arg(long)]
    pub all: bool,
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
}

/// A decision about one drift.
#[derive(Debug, Subcommand)]
pub enum DriftWhat {
    /// Accept it for a while: no work is opened for it, until it ends or something else differs.
    Ack(Acknowledge),
}

/// `xops drift ack`.
#[derive(Debug, Args)]
pub struct Acknowledge {
    /// The drift: its id, or the beginning of it.
    pub id: String,
    /// Who decides; you, where it is not said.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Until when: a moment (2026-12-01T00:00:00Z), or how long from now (7d). At most a year.
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Why; it is written down.
    #[arg(long)]
    pub why: String,
}

/// `xops patterns`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed. Exit codes: 0 nothing stands out, 6 nothing was found but not everything could be judged, 10 there are \
patterns; with --diff: 0 no diff, 10 a diff."
)]
pub struct Patterns {
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
    /// Show who causes which cost as well; with -o csv that alone.
    #[arg(long)]
    pub costs: bool,
    /// Print the proposed declarations as a diff and nothing else.
    #[arg(long)]
    pub diff: bool,
}

/// `xops map`.
#[derive(Debug, Args)]
pub struct Map {
    /// The system.
    pub system: String,
}

/// `xops validate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing is missing, 6 nothing was found but not everything could be judged, 10 there are findings; with --diff: 0 no diff, 10 a diff."
)]
pub struct Validate {
    /// The outcome; all of them where it is not named.
    pub outcome: Option<String>,
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
    /// Print the revised declaration as a diff and nothing else: `xops validate --diff | git apply`.
    #[arg(long)]
    pub diff: bool,
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

/// `xops audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// What is wanted.
    #[command(subcommand)]
    pub what: Audited,
}

/// What an audit does.
#[derive(Debug, Subcommand)]
pub enum Audited {
    /// Read all of the journal, name every frame that is not what was written, and hold the journal to signed checkpoints.
    Verify {
        /// Checkpoints that were kept elsewhere; those beside the journal are always read.
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// The public key that must have signed them, or a file that holds it; the tenant's own where it is not named.
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
    /// Sign where the journal stands; a running daemon does so by itself.
    Checkpoint {
        /// Append it to this file as well, which is best kept on another machine.
        #[arg(long, env = "XOPS_CHECKPOINTS", value_name = "FILE")]
        checkpoints: Option<PathBuf>,
    },
    /// Print the public key that others check checkpoints and bundles with.
    Key,
    /// Write a bundle that proves, without the journal and without any key, what was written of an instance.
    Prove {
        /// The instance: its number, or its id or the beginning of it.
        instance: String,
        /// Where the bundle goes.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Check a bundle; needs no journal and no project.
    CheckBundle {
        /// The bundle.
        file: PathBuf,
        /// The public key that must have signed it, or a file that holds it.
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
    },
}

/// `xops backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Where the copy goes: an empty folder, or one that is made.
    pub dir: PathBuf,
    /// Copy the keys of persons to this file as well. Keep it apart from the copy, and no longer than an erasure may take.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
}

/// `xops retain`.
#[derive(Debug, Args)]
pub struct Retain {
    /// Where the files go: a folder outside of the journal, made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub export: PathBuf,
    /// Only files whose last event is older than this: a number and d, h, m or s.
    #[arg(long, value_name = "AGE", value_parser = crate::retain::duration)]
    pub older_than: u64,
}

/// `xops restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    pub dir: PathBuf,
    /// The keys of persons, as `xops backup --keyring` copied them; not needed where they are still in place.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
}

/// `xops erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// Whom: `person:sarah.chen`, the id of an entity (`e-...`), or `person` with --where.
    pub subject: String,
    /// By what they were known, instead of by their handle: `email=a@b.example`. May be repeated.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE")]
    pub find: Vec<String>,
    /// Say what would be erased, and erase nothing.
    #[arg(long)]
    pub dry_run: bool,
}

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

/// `xops identity`.
#[derive(Debug, Args)]
pub struct Identity {
    /// What is asked.
    #[command(subcommand)]
    pub what: IdentityCommand,
}

/// What is asked of identity.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// Print which records are the same and which a person must look at, as rows: left id, right id, decision, score,
    /// explanation. Scores are hundredths of a bit: 1000 are odds of 1024 to 1.
    Match(Match),
    /// Hold the answers against the truth: precision, recall, F1, what is left to review, recall at a precision.
    Evaluate(Evaluate),
}

/// `xops identity match`.
#[derive(Debug, Args)]
pub struct Match {
    /// The rules, like config/identity/people.hcl.
    #[arg(long, value_name = "FILE")]
    pub rules: PathBuf,
    /// The records, comma-separated with a head.
    #[arg(long, value_name = "FILE")]
    pub left: PathBuf,
    /// Other records to link them with; without it the left ones are searched for those that are the same.
    #[arg(long, value_name = "FILE")]
    pub right: Option<PathBuf>,
    /// Which rules of the file, where it has several.
    #[arg(long, value_name = "NAME")]
    pub kind: Option<String>,
    /// The column of the ids; where it is not named, the first that the rules name, else the first of the file.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Whether a file has a thing once; as the rules say where it is not named.
    #[arg(long, value_enum)]
    pub linkage: Option<LinkageWord>,
    /// Print also the pairs that are alike and different.
    #[arg(long)]
    pub all: bool,
    /// Write what could not be taken as it stands to this file.
    #[arg(long, value_name = "FILE")]
    pub exceptions: Option<PathBuf>,
    /// The day on which decisions are looked at, as 20261231; today where it is not named.
    #[arg(long, value_name = "YYYYMMDD")]
    pub today: Option<u32>,
}

/// Whether a file has a thing once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum LinkageWord {
    /// A file may have several records of one thing.
    Many,
    /// A file has at most one record of a thing.
    OneToOne,
}

/// `xops identity evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// What is matched.
    #[command(flatten)]
    pub asked: Match,
    /// The true pairs: rows of a left and a right id.
    #[arg(long, value_name = "FILE")]
    pub truth: PathBuf,
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
