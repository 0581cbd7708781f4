//! What frames are kept on: memory, or the journal itself on a disk that forgets.
//!
//! Invariants: a frame counts only when the journal said that it is durable; after a death the logs are read from the journal and
//! from nothing else, and they hold every frame that counted, in order, and at most the one that was being written.

use crate::disk::SimDisk;
use crate::fault::{Fault, Throws};
use crate::seed::Dice;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::Error;
use xops_journal::journal::{Entry as Stored, Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::random::Random;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::log::Entry;
use xops_kernel::saga::event::Stamped;

/// Files so small that a run fills some.
const FILE_BYTES_MAX: u64 = 6_000;
const CACHE_BYTES: usize = 1 << 20;
/// Room for four frames ahead of redb, so that it takes them many times in a run.
const AHEAD_BYTES: usize = 6 * 4096;
/// A commit asks this many things of the disk or a few more: where in it the process dies is thrown below this.
const OPERATIONS: u64 = 12;

/// What frames are kept on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Nothing can happen to them.
    #[default]
    Memory,
    /// The journal, on a disk that forgets what was not synced.
    Journal,
    /// The journal, on a disk that says it synced and did not. The laws must catch it.
    LyingDisk,
}

/// Where the frames of a run are.
pub(crate) enum Ledger {
    Memory,
    Journal(Box<Kept>),
}

/// A journal under way.
pub(crate) struct Kept {
    disk: SimDisk,
    keys: Keys,
    subjects: SubjectKeys,
    salts: Arc<dyn Random>,
    dice: Dice,
    journal: Option<Journal>,
    /// The frame that was being written when the process died, and whose it is.
    written: Option<(usize, Vec<Stamped>)>,
}

/// Salts from the seed.
struct Salts(Mutex<Dice>);

impl Random for Salts {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in out {
            *byte = u8::try_from(dice.below(256)).unwrap_or(0);
        }
        Ok(())
    }
}

impl Ledger {
    pub(crate) fn new(store: Store, seed: u64) -> Result<Self, Error> {
        if store == Store::Memory {
            return Ok(Self::Memory);
        }
        let key = TenantKey::from_bytes([7; 32]);
        let disk = SimDisk::new(store == Store::LyingDisk);
        let salts: Arc<dyn Random> = Arc::new(Salts(Mutex::new(Dice::of(seed, "salts"))));
        // The keyring has its own tests: here nothing is personal, and its disk never fails.
        let subjects = SubjectKeys::open_on(&MemoryDisk::default(), "subjects", &key, Arc::clone(&salts))?;
        let mut kept = Kept {
            disk,
            keys: Keys::new("sim", &key),
            subjects,
            salts,
            dice: Dice::of(seed, "disk"),
            journal: None,
            written: None,
        };
        kept.open()?;
        Ok(Self::Journal(Box::new(kept)))
    }

    /// Makes the frame of an instance durable; false if the process is dead now.
    pub(crate) fn append(&mut self, slot: usize, frame: &[Stamped], throws: &mut Throws) -> bool {
        match self {
            Self::Memory => true,
            Self::Journal(kept) => kept.append(slot, frame, throws),
        }
    }

    /// Reads the logs of all instances after a death; answers with the laws that are broken.
    pub(crate) fn recover(&mut self, logs: Vec<&mut Vec<Vec<Stamped>>>) -> Vec<String> {
        match self {
            Self::Memory => Vec::new(),
            Self::Journal(kept) => kept.recover(logs),
        }
    }

    /// The hash of the last frame; nothing where there is no journal.
    pub(crate) fn tip(&self) -> Option<[u8; 32]> {
        match self {
            Self::Memory => None,
            Self::Journal(kept) => kept.journal.as_ref().map(|journal| journal.head().hash),
        }
    }
}

/// Appends the stored form of an event, as a journal holds it where nothing is personal.
pub(crate) fn stored(stamped: &Stamped, out: &mut Vec<u8>) {
    if let Err(error) = stored::encode_clear(stamped, out) {
        panic!("an event of the simulator has no stored form: {error}");
    }
}

impl Kept {
    fn open(&mut self) -> Result<(), Error> {
        let options = Options {
            max_file_bytes: FILE_BYTES_MAX,
            cache_bytes: CACHE_BYTES,
            quick_repair: false,
            ahead_bytes: AHEAD_BYTES,
            ..Options::default()
        };
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        self.journal = Some(Journal::open_on(disk, &*self.salts, &self.keys, options)?.0);
        Ok(())
    }

    fn append(&mut self, slot: usize, frame: &[Stamped], throws: &mut Throws) -> bool {
        let strikes = [
            (Fault::TornWrite, io::ErrorKind::BrokenPipe),
            (Fault::DiskFull, io::ErrorKind::StorageFull),
            (Fault::DiskFailed, io::ErrorKind::Other),
        ];
        for (fault, kind) in strikes {
            if throws.strikes(fault, &mut self.dice) {
                self.disk.fail_after(self.dice.below(OPERATIONS), kind);
                break;
            }
        }
        let Some(journal) = &mut self.journal else { return false };
        let stream = slot as u64 + 1;
        let body = |stamped: &Stamped| {
            let mut body = Vec::with_capacity(64);
            stored(stamped, &mut body);
            Stored { stream, body }
        };
        let entries: Vec<Stored> = frame.iter().map(body).collect();
        // A journal that has stopped writes nothing more: what may be there of a frame is of the one that stopped it.
        let stopped = journal.stopped().is_some();
        let durable = journal.append(&entries).is_ok();
        if !durable && !stopped {
            self.written = Some((slot, frame.to_vec()));
        }
        durable
    }

    fn recover(&mut self, logs: Vec<&mut Vec<Vec<Stamped>>>) -> Vec<String> {
        // A dead process writes nothing more, also not while its files are closed.
        self.disk.fail_after(0, io::ErrorKind::BrokenPipe);
        self.journal = None;
        self.disk.crash(&mut self.dice);
        if let Err(error) = self.open() {
            return vec![format!("the journal does not open after a crash: {error}")];
        }
        let mut found = vec![Vec::new(); logs.len()];
        let mut broken = Vec::new();
        let Some(journal) = &self.journal else { return broken };
        let subjects = &self.subjects;
        let read = journal.replay(1, |seq, stream, body| {
            let slot = usize::try_from(stream).ok().and_then(|stream| stream.checked_sub(1));
            match (slot.and_then(|slot| found.get_mut(slot)), stored::decode(stream, body, subjects)) {
                (Some(events), Ok(Decoded::Entry(entry))) => {
                    if let Entry::Instance(_, stamped) = *entry {
                        events.push(stamped);
                    }
                }
                (_, decoded) => broken.push(format!("event {seq} came back as something else: {decoded:?}")),
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            broken.push(format!("the journal cannot be read after a crash: {error}"));
        }
        let written = self.written.take();
        for (slot, (log, found)) in logs.into_iter().zip(found).enumerate() {
            let unasked = written.as_ref().filter(|(of, _)| *of == slot).map(|(_, frame)| frame);
            broken.extend(settle(slot, log, &found, unasked));
        }
        broken
    }
}

/// Holds what was read against what counted, and takes it for the log.
fn settle(
    slot: usize,
    log: &mut Vec<Vec<Stamped>>,
    found: &[Stamped],
    unasked: Option<&Vec<Stamped>>,
) -> Option<String> {
    let counted: usize = log.iter().map(Vec::len).sum();
    let holds = log.iter().flatten().eq(found.iter().take(counted));
    let more = found.get(counted..).unwrap_or_default();
    if !holds {
        let there = log.iter().flatten().zip(found).take_while(|(one, other)| one == other).count();
        log.clear();
        log.extend(found.iter().map(|stamped| vec![stamped.clone()]));
        return Some(format!(
            "acknowledged events of instance {slot} are lost: {there} of {counted} are there"
        ));
    }
    match unasked {
        _ if more.is_empty() => None,
        Some(frame) if more == frame.as_slice() => {
            log.push(frame.clone());
            None
        }
        _ => Some(format!("the journal holds {} events of instance {slot} that nobody wrote", more.len())),
    }
}
