//! `xops bench`: figures, each beside the ceiling of the machine in the same run.
//!
//! Absent: a verdict. It is no timed test: a slow machine makes no build fail. What is wrong is an effect before its intent, a
//! journal that does not verify, an instance that did not end as its work says: then it fails.

mod account;
mod child;
mod drive;
mod effects;
mod kill;
mod noop;
mod parked;
mod platform;
mod report;
mod truth;
mod verify;
mod world;

use crate::arguments::bench::{Bench, BenchEngine, Benched, Work};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use xops_journal::keys::TenantKey;

/// How long the ceiling is measured, in seconds.
const CEILING_S: f64 = 2.0;

/// The tenant of a benchmark.
const TENANT: &str = "bench";
/// What the operating system counts in.
const BLOCK_BYTES: u64 = 512;

/// The key of a benchmark's journal: it protects nothing.
fn key() -> TenantKey {
    TenantKey::from_bytes([0xbe; 32])
}

/// Runs the command.
pub fn run(common: &Common, bench: &Bench) -> Outcome {
    match &bench.what {
        Benched::Engine(engine) => run_engine(common, engine),
        Benched::Truth(bench) => truth::run(common, bench),
        Benched::Platform(bench) => platform::run(common, bench),
    }
}

fn run_engine(common: &Common, bench: &BenchEngine) -> Outcome {
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    if bench.instances == 0 || bench.in_flight == 0 {
        return Err(usage("--instances and --in-flight are at least 1"));
    }
    if bench.in_flight > drive::IN_FLIGHT_MAX || bench.instances > drive::INSTANCES_MAX {
        let message = format!(
            "--in-flight is at most {} and --instances at most {}",
            drive::IN_FLIGHT_MAX,
            drive::INSTANCES_MAX
        );
        return Err(usage(&message));
    }
    match bench.work {
        Work::Parked => return parked::run(common, bench),
        Work::Kill => return kill::run(common, bench),
        Work::W1 | Work::W4 => {}
    }
    let place = Place::make(common, bench.dir.as_deref())?;
    let run = actix::System::new().block_on(drive::run(&place, bench))?;
    verify::verify(&place, bench, &run)?;
    let stored = place.journal_bytes()?;
    let events = run.tally.events.max(1);
    let event_bytes = usize::try_from(run.tally.bytes / events).unwrap_or(1).max(1);
    let batch = usize::try_from(events / run.tally.commits.max(1)).unwrap_or(1).max(1);
    let ceiling =
        xops_journal::bench::ceiling(&place.root, CEILING_S, event_bytes, batch).map_err(Failure::plain)?;
    let report = report::Report::of(bench, &run, stored, &ceiling);
    match common.output {
        Format::Text => anstream::println!("{}", report.table()),
        Format::Json | Format::Sarif | Format::Csv => {
            let line = serde_json::to_string(&report).map_err(Failure::plain)?;
            anstream::println!("{line}");
        }
    }
    Ok(Exit::Done)
}

impl Work {
    /// Its word on the command line and in results.
    fn word(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W4 => "w4",
            Self::Parked => "parked",
            Self::Kill => "kill",
        }
    }

    /// How many calls an instance makes.
    fn calls(self) -> u64 {
        match self {
            Self::W1 | Self::Parked | Self::Kill => 8,
            Self::W4 => 8 + 7,
        }
    }

    /// How an instance ends.
    fn end(self) -> &'static str {
        match self {
            Self::W1 | Self::Parked | Self::Kill => "completed",
            Self::W4 => "undone",
        }
    }
}

/// Where a benchmark writes: a folder of its own, removed at the end unless it was named.
struct Place {
    root: PathBuf,
    temporary: bool,
}

impl Place {
    fn make(common: &Common, named: Option<&Path>) -> Result<Self, Failure> {
        let root = named
            .map_or_else(|| common.data.join(format!("bench-{}", std::process::id())), Path::to_path_buf);
        let place = Self { root, temporary: named.is_none() };
        if place.journal().exists() {
            let message = format!("`{}` holds a journal already: name an empty folder", place.root.display());
            return Err(Failure::new(Exit::Usage, message));
        }
        std::fs::create_dir_all(place.journal())
            .map_err(|error| Failure::plain(format!("failed to make `{}`: {error}", place.root.display())))?;
        Ok(place)
    }

    fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    fn subjects(&self) -> PathBuf {
        self.root.join("subjects")
    }

    /// What the journal's files take on the disk, and the caches beside it.
    fn journal_bytes(&self) -> Result<u64, Failure> {
        self.bytes_of("")
    }

    /// What the files whose names begin so take on the disk.
    fn bytes_of(&self, prefix: &str) -> Result<u64, Failure> {
        let failed =
            |error: std::io::Error| Failure::plain(format!("failed to measure the journal: {error}"));
        let mut bytes = 0;
        for file in std::fs::read_dir(self.journal()).map_err(failed)? {
            let file = file.map_err(failed)?;
            if file.file_name().to_string_lossy().starts_with(prefix) {
                // What redb keeps for its next pages, and never wrote, takes no room.
                bytes += file.metadata().map_err(failed)?.blocks() * BLOCK_BYTES;
            }
        }
        Ok(bytes)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.root)
        {
            tracing::warn!(dir = %self.root.display(), %error, "failed to remove the benchmark's folder");
        }
    }
}
