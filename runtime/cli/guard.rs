//! What guards the daemon's journal while it runs: signed checkpoints, and sealed files read again.
//!
//! Absent: the hot path. Its threads read beside the writer; what it finds is in the status, in metrics and
//! in the log, and never stops the daemon: damage is a person's to judge. Its last checkpoint is signed when the journal is closed.

use crate::arguments::{Common, Run};
use crate::exit::Failure;
use crate::session::{self, Places};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use xops_journal::checkpoint::Signer;
use xops_journal::journal::Durable;
use xops_journal::keys::Keys;
use xops_journal::random::System;
use xops_journal::witness::{self, Scrubbed, Witness};

/// How often the guard looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);
/// How long it rests after it has read all sealed files.
const ROUND_REST: Duration = Duration::from_hours(1);

/// The guard of one journal.
pub struct Guard {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What it has seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    checkpoint: Option<(u64, u64)>,
    checkpoint_failed: Option<String>,
    rounds: u64,
    files: u64,
    bytes: u64,
    damaged: Vec<(String, String)>,
}

/// What signs checkpoints.
struct Signing {
    durable: Durable,
    witness: Witness,
    every: Duration,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

/// What reads sealed files again.
struct Scrubbing {
    journal: PathBuf,
    keys: Keys,
    bytes_per_second: u64,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

/// Starts the guard. The key that signs is made here, if there is none.
pub fn start(common: &Common, run: &Run, tenant: &str, durable: Option<Durable>) -> Result<Guard, Failure> {
    let places = Places::of(common, tenant);
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(tenant, &key);
    let signer = Signer::load_or_make(&places.signer, tenant, &System::default()).map_err(Failure::plain)?;
    writable(run.checkpoints.as_deref())?;
    let guard = Guard { stop: Arc::default(), seen: Arc::default(), threads: Mutex::default() };
    let signing = Signing {
        witness: Witness::new(&places.journal, &keys, signer, run.checkpoints.clone()),
        durable: durable.unwrap_or_default(),
        every: Duration::from_secs(run.checkpoint_every),
        stop: Arc::clone(&guard.stop),
        seen: Arc::clone(&guard.seen),
    };
    guard.spawn("checkpoints", move || signing.run())?;
    let scrubbing = Scrubbing {
        journal: places.journal,
        keys,
        bytes_per_second: run.scrub * (1 << 20),
        stop: Arc::clone(&guard.stop),
        seen: Arc::clone(&guard.seen),
    };
    metrics::gauge!("xops_journal_damaged_files").set(0.0);
    metrics::counter!("xops_journal_checkpoints_total").absolute(0);
    if run.scrub > 0 {
        guard.spawn("scrub", move || scrubbing.run())?;
    }
    Ok(guard)
}

/// A file that cannot be appended to is refused before anything runs.
fn writable(outside: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = outside else { return Ok(()) };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map(drop).map_err(|error| {
        Failure::plain(format!("failed to open the file of checkpoints `{}`: {error}", path.display()))
    })
}

impl Guard {
    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(|error| Failure::plain(format!("failed to start the guard: {error}")))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Adds what was seen to a status; other answers stay as they are.
    pub fn join_status(&self, answer: &mut Json) {
        if !answer.get("systems").is_some_and(Json::is_array) {
            return;
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let damaged: Vec<Json> =
            seen.damaged.iter().map(|(file, what)| json!({ "file": file, "what": what })).collect();
        answer["journal"] = json!({
            "checkpoint": seen.checkpoint.map(|(events, at)| json!({ "events": events, "at": at })),
            "checkpoint_failed": seen.checkpoint_failed,
            "scrub": { "rounds": seen.rounds, "files": seen.files, "bytes": seen.bytes, "damaged": damaged },
        });
    }

    /// Signs a last checkpoint and ends. To be called when the journal is closed.
    pub fn end(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a guard of the journal panicked");
            }
        }
    }
}

impl Signing {
    fn run(mut self) {
        let mut signed: Option<Instant> = None;
        while !self.stop.load(Ordering::Relaxed) {
            // Of a new journal the first one is signed as soon as there is something to sign.
            let due = signed.is_none_or(|at| at.elapsed() >= self.every);
            if due && self.durable.head().seq > 0 {
                self.sign();
                signed = Some(Instant::now());
            }
            std::thread::sleep(TICK);
        }
        self.sign();
    }

    fn sign(&mut self) {
        let at = xops_shell::clock::Clock::start(0).now();
        match self.witness.checkpoint(Some(self.durable.head()), at) {
            Ok(Some(signed)) => {
                metrics::counter!("xops_journal_checkpoints_total").increment(1);
                see(&self.seen, |seen| {
                    seen.checkpoint = Some((signed.said.size, signed.said.at));
                    seen.checkpoint_failed = None;
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "no checkpoint was signed");
                see(&self.seen, |seen| seen.checkpoint_failed = Some(error.to_string()));
            }
        }
    }
}

impl Scrubbing {
    fn run(self) {
        loop {
            let stop = || self.stop.load(Ordering::Relaxed);
            let mut damaged = Vec::new();
            let whole =
                witness::scrub(&self.journal, &self.keys, self.bytes_per_second, &stop, &mut |file| {
                    self.scrubbed(file, &mut damaged);
                });
            match whole {
                Ok(false) => return,
                Ok(true) => see(&self.seen, |seen| (seen.rounds, seen.damaged) = (seen.rounds + 1, damaged)),
                Err(error) => tracing::warn!(%error, "the journal's sealed files were not read again"),
            }
            let began = Instant::now();
            while began.elapsed() < ROUND_REST {
                if stop() {
                    return;
                }
                std::thread::sleep(TICK);
            }
        }
    }

    fn scrubbed(&self, file: Scrubbed, damaged: &mut Vec<(String, String)>) {
        metrics::counter!("xops_journal_scrubbed_bytes_total").increment(file.bytes);
        if let Some(what) = file.damage {
            tracing::error!(what, "a sealed file of the journal is damaged: restore it from a backup");
            damaged.push((file.file, what));
        }
        let files = u32::try_from(damaged.len()).unwrap_or(u32::MAX);
        metrics::gauge!("xops_journal_damaged_files").set(f64::from(files));
        let known = damaged.clone();
        see(&self.seen, |seen| {
            seen.files += 1;
            seen.bytes += file.bytes;
            if seen.damaged.len() < known.len() {
                seen.damaged = known;
            }
        });
    }
}

fn see(seen: &Mutex<Seen>, change: impl FnOnce(&mut Seen)) {
    change(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
}
