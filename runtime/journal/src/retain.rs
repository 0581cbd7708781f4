//! Retention: whole old files are exported, and only then removed.
//!
//! Absent: any file that something under way needs, that a snapshot goes on from, or that is younger than was asked for. The order
//! is what makes it safe: the files are copied and the copies held to their digests, a checkpoint of where they end is signed, what
//! stays of them (`kept`) is durable, and then they are removed. A crash in between leaves files that are removed the next time.
//! It works beside a running daemon, which reads none of these files again before its next start.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::audit::{CHECKPOINTS_FILE, origin};
use crate::checkpoint::{Checkpoint, Signed, Signer, append_file};
use crate::disk::{Disk, Lock, RealDisk};
use crate::embedded::file_name;
use crate::error::Error;
use crate::fingerprint::fingerprint;
use crate::kept::{KEPT_FILE, Keeping, Kept};
use crate::keys::Keys;
use crate::merkle::{Frontier, leaf};
use crate::random;
use crate::read::Reader;
use crate::segment::Sealed;
use crate::snapshot;
use crate::stored::{self, Decoded};
use crate::subjects::SubjectKeys;
use xops_kernel::id::RequestId;
use xops_kernel::log::{Entry, Number, What};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Event;

/// The lock of a retention.
const LOCK_FILE: &str = "retain.lock";

/// What is asked for.
pub struct Wanted<'a> {
    /// The journal's directory.
    pub dir: &'a Path,
    /// Files whose last event is at or after this time stay.
    pub before: Millis,
    /// The directory that the files go to.
    pub export: &'a Path,
    /// What signs the checkpoint.
    pub signer: &'a Signer,
    /// The time.
    pub at: Millis,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Retained {
    /// The files that were exported and removed, each with its length.
    pub files: Vec<(String, u64)>,
    /// How many events they held.
    pub events: u64,
    /// How many of these stayed.
    pub kept: u64,
    /// The length of what stands for them, and for all that were removed before.
    pub bytes_kept: u64,
    /// The checkpoint of where they end.
    pub checkpoint: Option<Signed>,
    /// Why the first file that stayed did, if it is not the one that is being written.
    pub stays: Option<String>,
}

/// What a look over the whole journal says of it.
#[derive(Default)]
struct Survey {
    /// The time of the last event of each file.
    last_at: BTreeMap<u32, Millis>,
    /// Where each instance ended.
    ended: BTreeMap<Number, u64>,
    /// Requests with where the last word on each stands, and whether that refused it.
    answered: BTreeMap<RequestId, (u64, bool)>,
}

impl Survey {
    fn take(&mut self, seq: u64, file: u32, entry: &Entry) {
        let at = match entry {
            Entry::Tenant(happened) => happened.at,
            Entry::Instance(_, stamped) => stamped.at,
        };
        let last = self.last_at.entry(file).or_default();
        *last = at.max(*last);
        match entry {
            Entry::Instance(number, stamped) => {
                if matches!(stamped.event, Event::Ended { .. }) {
                    self.ended.insert(*number, seq);
                }
            }
            Entry::Tenant(happened) => match &happened.what {
                What::Refused { request, .. } => drop(self.answered.insert(*request, (seq, true))),
                What::Unchanged { request, .. } => drop(self.answered.insert(*request, (seq, false))),
                What::Compiled(compiled) => drop(self.answered.insert(compiled.request, (seq, false))),
                // Asked again: the answer before is not the last word.
                What::Requested(request) => drop(self.answered.insert(request.id, (u64::MAX, false))),
                _ => {}
            },
        }
    }

    /// Whether an event before `end` stays. What nobody can read stays: nobody can say what hangs on it.
    fn stays(&self, entry: Option<&Entry>, end: u64) -> bool {
        let over = |request: &RequestId| {
            self.answered.get(request).is_some_and(|(seq, refused)| *refused && *seq <= end)
        };
        match entry {
            None => true,
            Some(Entry::Instance(number, stamped)) => {
                matches!(stamped.event, Event::Ended { .. })
                    || self.ended.get(number).is_none_or(|seq| *seq > end)
            }
            Some(Entry::Tenant(happened)) => match &happened.what {
                What::Requested(request) => !over(&request.id),
                What::Refused { request, .. } | What::Deferred { request, .. } => !over(request),
                _ => true,
            },
        }
    }
}

/// Exports and removes what may go. `each` hears of every file before it is copied: how many there are, and which one it is.
pub fn retain(
    wanted: &Wanted<'_>,
    keys: &Keys,
    subjects: &SubjectKeys,
    each: &mut dyn FnMut(usize, &str),
) -> Result<Retained, Error> {
    let disk = RealDisk::new(wanted.dir).map_err(Error::io("open the journal directory"))?;
    let _lock = match disk.lock(LOCK_FILE).map_err(Error::io(format!("lock `{LOCK_FILE}`")))? {
        Lock::Held(lock) => lock,
        Lock::Busy(pid) => return Err(Error::Locked { what: LOCK_FILE.to_owned(), pid }),
    };
    let reader = Reader::open_on(Arc::new(disk), keys)?;
    let disk = RealDisk::new(wanted.dir).map_err(Error::io("open the journal directory"))?;
    let survey = survey(&reader, subjects)?;
    let (go, stays) = chosen(&reader, &disk, &survey, wanted.before)?;
    let mut retained = Retained { stays, ..Retained::default() };
    // What a crash left of files that were removed already.
    if let Some(kept) = reader.kept() {
        remove(&disk, &kept.lines)?;
    }
    let Some(last) = go.last().copied() else { return Ok(retained) };
    export(&disk, &go, wanted.export, each)?;
    let kept = keep(&reader, keys, subjects, &survey, &go, wanted.at)?;
    let signed = wanted.signer.sign(&Checkpoint {
        origin: origin(keys, &reader.preamble()?),
        size: last.last_seq,
        root: kept.edge.root(),
        head: last.last_hash,
        at: wanted.at,
    });
    append_file(&wanted.dir.join(CHECKPOINTS_FILE), &signed)?;
    append_file(&wanted.export.join(CHECKPOINTS_FILE), &signed)?;
    let bytes = kept.encode(keys);
    disk.replace(KEPT_FILE, &bytes).map_err(Error::io(format!("write `{KEPT_FILE}`")))?;
    remove(&disk, &go)?;
    let before = reader.kept().map_or(0, |kept| kept.last().seq);
    retained.files = go.iter().map(|line| (file_name(line.file), line.bytes)).collect();
    retained.events = last.last_seq - before;
    (retained.kept, retained.bytes_kept) = (kept.events, bytes.len() as u64);
    retained.checkpoint = Some(signed);
    Ok(retained)
}

fn survey(reader: &Reader, subjects: &SubjectKeys) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    let sealed = reader.sealed();
    let mut refused = None;
    reader.replay(1, |seq, stream, body| {
        let at = sealed.partition_point(|line| line.last_seq < seq);
        let file = sealed.get(at).map_or(u32::MAX, |line| line.file);
        match stored::decode(stream, body, subjects) {
            Ok(Decoded::Entry(entry)) => survey.take(seq, file, &entry),
            Ok(Decoded::Erased(_)) => {}
            Err(error) => {
                refused = Some(Error::damaged(&file_name(file), 0, seq, error.to_string()));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    refused.map_or(Ok(survey), Err)
}

/// The files that may go, the oldest first, and why the next one stays.
fn chosen(
    reader: &Reader,
    disk: &dyn Disk,
    survey: &Survey,
    before: Millis,
) -> Result<(Vec<Sealed>, Option<String>), Error> {
    let oldest = snapshot::list(disk)?.into_iter().min();
    let there = |line: &&Sealed| reader.kept().is_none_or(|kept| !kept.covers(line.file));
    let mut go = Vec::new();
    for line in reader.sealed().iter().filter(there) {
        let last_at = survey.last_at.get(&line.file).copied().unwrap_or_default();
        let why = if last_at >= before {
            "it holds events that are younger than was asked for"
        } else if oldest.is_some_and(|oldest| oldest <= line.last_seq) {
            "a start-up snapshot goes on from inside it; the daemon takes newer ones as it works"
        } else if !line.is_printed() {
            "its digest is not written down before the next file is begun"
        } else {
            go.push(*line);
            continue;
        };
        return Ok((go, Some(format!("`{}` stays: {why}", file_name(line.file)))));
    }
    Ok((go, None))
}

/// Copies files and holds each copy to the digest of what was sealed.
fn export(disk: &dyn Disk, go: &[Sealed], to: &Path, each: &mut dyn FnMut(usize, &str)) -> Result<(), Error> {
    let target = RealDisk::new(to).map_err(Error::io(format!("make `{}`", to.display())))?;
    let there = target.list().map_err(Error::io(format!("list `{}`", to.display())))?;
    for line in go {
        let name = file_name(line.file);
        each(go.len(), &name);
        let bytes = disk.read(&name).map_err(Error::io(format!("read `{name}`")))?;
        line.compare(&name, &fingerprint(&bytes))?;
        // A copy that an interrupted export left is as good as a new one, or is not touched.
        if !there.contains(&name) {
            target.replace(&name, &bytes).map_err(Error::io(format!("write `{name}`")))?;
        }
        let copy = target.read(&name).map_err(Error::io(format!("read the copy of `{name}`")))?;
        if line.compare(&name, &fingerprint(&copy)).is_err() {
            return Err(Error::Occupied { dir: to.display().to_string(), name });
        }
    }
    Ok(())
}

/// What stays of all files up to the last that goes.
fn keep(
    reader: &Reader,
    keys: &Keys,
    subjects: &SubjectKeys,
    survey: &Survey,
    go: &[Sealed],
    at: Millis,
) -> Result<Kept, Error> {
    let end = go.last().map_or(0, |line| line.last_seq);
    let (mut edge, mut lines) = match reader.kept() {
        Some(kept) => (kept.edge.clone(), kept.lines.clone()),
        None => (Frontier::default(), Vec::new()),
    };
    lines.extend_from_slice(go);
    let mut keeping = Keeping::new(keys, &random::System::default())?;
    let mut refused = None;
    reader.replay(1, |seq, stream, body| {
        if seq > end {
            return ControlFlow::Break(());
        }
        if seq == edge.size() + 1 {
            edge.push(&leaf(seq, stream, body));
        }
        let entry = match stored::decode(stream, body, subjects) {
            Ok(Decoded::Entry(entry)) => Some(entry),
            Ok(Decoded::Erased(_)) | Err(_) => None,
        };
        if survey.stays(entry.as_deref(), end)
            && let Err(error) = keeping.push(seq, stream, body)
        {
            refused = Some(error);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    match refused {
        Some(error) => Err(error),
        None if edge.size() != end => {
            Err(Error::damaged(KEPT_FILE, 0, edge.size(), "an event of the files that go was not read"))
        }
        None => Ok(keeping.finish(reader.preamble()?, lines, edge, at)),
    }
}

fn remove(disk: &dyn Disk, lines: &[Sealed]) -> Result<(), Error> {
    let there = disk.list().map_err(Error::io("list the journal directory"))?;
    let names: BTreeSet<String> = lines.iter().map(|line| file_name(line.file)).collect();
    for name in there.iter().filter(|name| names.contains(*name)) {
        disk.remove(name).map_err(Error::io(format!("remove `{name}`")))?;
    }
    Ok(())
}
