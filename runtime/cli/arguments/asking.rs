//! The arguments of what is asked of the graph: `query`, `why`, `drift`, `patterns`, `map`, `validate`.

use clap::{Args, Subcommand};

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
