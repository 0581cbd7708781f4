//! The arguments of `identity`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    /// Print what the rules of this project cannot tell of the records that its systems hold: both records, what agrees, what would
    /// settle it, and what waits for it.
    #[command(after_help = "Nothing is changed. Exit codes: 0 nothing is asked, 6 something is.")]
    Review(Review),
    /// Decide that two records are of one entity, or of two. A running daemon goes by it at once; without one, the declaration that says
    /// so is printed.
    #[command(
        after_help = "What a daemon was told is in the journal, holds through restarts, and is taken back with `open`. With --write it is \
added to the project's files, a running daemon goes by it as well, and it is taken back by removing its block. Exit codes: 0 decided or \
printed, 2 the arguments are wrong, 4 the daemon refuses it."
    )]
    Decide(Decide),
}

/// `xops identity review`.
#[derive(Debug, Args)]
pub struct Review {
    /// Where truth comes from.
    #[command(flatten)]
    pub truth: crate::records::Truth,
}

/// `xops identity decide`.
#[derive(Debug, Args)]
pub struct Decide {
    /// The kind of entity, as `person`.
    pub kind: String,
    /// What is decided.
    #[arg(value_enum)]
    pub answer: AnswerWord,
    /// One record, as `workday:w-17`.
    pub left: String,
    /// The other record, as `okta:00u1`.
    pub right: String,
    /// Why; it is written down.
    #[arg(long)]
    pub why: String,
    /// Who decides; the user of this machine where nobody is named.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The last day on which it holds, as 2027-01-31; for ever where it is not named.
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Add it to config/identity/decisions.hcl of the project.
    #[arg(long)]
    pub write: bool,
}

/// What is decided of two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum AnswerWord {
    /// They are of one entity.
    Same,
    /// They are not, whatever agrees.
    Different,
    /// What a daemon was told of them holds no more.
    Open,
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
