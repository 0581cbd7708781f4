//! The arguments of what is done with a journal: `audit`, `backup`, `retain`, `restore`, `erase`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

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
