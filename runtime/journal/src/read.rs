//! Reading a journal from another process, also beside its writer.
//!
//! `Reader` takes no lock and never writes to the journal: it looks at a copy of what is ahead of the newest file, then at one
//! of that file, which redb repairs in memory as it would after a crash. Beside a writer it may see a commit a moment before it is durable; beside a fast one, whose
//! file changes while it is copied, it follows the chain itself and may trail by a few commits.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ahead::{self, Joined};
use crate::disk::{Disk, RealDisk};
use crate::embedded::{Segment, file_name, numbers, open_sealed, read_head};
use crate::error::Error;
use crate::frame::open;
use crate::kept::Kept;
use crate::keys::Keys;
use crate::salvage::Salvaged;
use crate::segment::{Head, Preamble, Sealed, decode_head};
use crate::store::Frames;
use crate::walk::{Event, Walk};

/// How often a reader takes another copy of a file that changed under its hands.
const COPIES_MAX: u32 = 20;
/// From which copy on it does without the store's index.
const COPIES_INDEXED: u32 = 3;
const COPY_PAUSE: Duration = Duration::from_millis(5);

/// What a whole journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Number of files.
    pub files: u32,
    /// Number of frames of events.
    pub frames: u64,
    /// Number of events.
    pub events: u64,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Where it ends.
    pub head: Head,
    /// How many files were exported and removed before.
    pub removed_files: usize,
    /// How many of their events are not here any more.
    pub removed_events: u64,
}

/// The files that are there, and those that were removed and are stood for.
pub(crate) fn with_removed(mut files: Vec<u32>, kept: Option<&Kept>) -> Vec<u32> {
    let removed = kept.into_iter().flat_map(|kept| kept.lines.iter().map(|line| line.file));
    files.extend(removed);
    files.sort_unstable();
    files.dedup();
    files
}

/// Refuses a list of files that differs from the files that are there; `newest` is not in its own list.
pub(crate) fn compare_files(found: &[u32], newest: u32, sealed: &[Sealed]) -> Result<(), Error> {
    if let Some(line) = sealed.iter().find(|line| !found.contains(&line.file)) {
        return Err(Error::Missing { file: file_name(line.file) });
    }
    let listed = |file: u32| file == newest || sealed.iter().any(|line| line.file == file);
    match found.iter().find(|&&file| !listed(file)) {
        Some(&file) => Err(Error::Stranger { file: file_name(file) }),
        None => Ok(()),
    }
}

/// Refuses a journal that does not contain `known`. `end` is where it ends; `frames` opens the file that must hold it.
pub(crate) fn reaches<'a>(
    known: Head,
    end: Head,
    sealed: &[Sealed],
    keys: &Keys,
    frames: impl FnOnce(Option<&Sealed>) -> Result<Box<dyn Frames + 'a>, Error>,
) -> Result<(), Error> {
    let refuse = |found: String| Err(Error::RolledBack { expected: known.seq, found });
    if known.seq == 0 || known == end {
        return Ok(());
    }
    if known.seq > end.seq {
        return refuse(format!("it ends at {}", end.seq));
    }
    let line = sealed.iter().find(|line| line.last_seq >= known.seq);
    if line.is_some_and(|line| line.last_seq == known.seq && line.last_hash == known.hash) {
        return Ok(());
    }
    let mut found = None;
    let mut buffer = Vec::new();
    frames(line)?.scan(known.seq, &mut |_, bytes| {
        if let Ok(frame) = open(bytes, keys.frames(), &mut buffer) {
            found = Some((frame.first_seq + u64::from(frame.count) - 1, frame.hash));
        }
        Ok(ControlFlow::Break(()))
    })?;
    if found == Some((known.seq, known.hash)) {
        return Ok(());
    }
    refuse("it holds another frame there".to_owned())
}

/// A journal opened beside its writer, or without one, for reading.
pub struct Reader {
    disk: Arc<dyn Disk>,
    keys: Keys,
    view: View,
    settled: bool,
}

/// One verified look at a journal.
struct View {
    newest: u32,
    current: Joined,
    sealed: Vec<Sealed>,
    kept: Option<Kept>,
    head: Head,
}

impl Reader {
    /// Reads the journal in `dir`.
    pub fn open(dir: &Path, keys: &Keys) -> Result<Self, Error> {
        // A reader creates nothing, not even the directory.
        std::fs::read_dir(dir).map_err(Error::io(format!("read journal directory `{}`", dir.display())))?;
        let disk = RealDisk::new(dir).map_err(Error::io("open the journal directory"))?;
        Self::open_on(Arc::new(disk), keys)
    }

    /// Reads the journal on `disk`.
    pub fn open_on(disk: Arc<dyn Disk>, keys: &Keys) -> Result<Self, Error> {
        let mut before: Option<blake3::Hash> = None;
        for copy in 0..COPIES_MAX {
            // The head file first: what is read after it reaches at least as far.
            let known = read_head(&*disk)?.map(|bytes| decode_head(&bytes, keys)).transpose();
            // Then what is ahead of the newest file: what the writer takes out of it meanwhile is found in the file.
            let ahead = ahead::read(&*disk)?;
            let names = disk.list().map_err(Error::io("list the journal directory"))?;
            let kept = Kept::read(&*disk, keys)?;
            let files = with_removed(numbers(&names), kept.as_ref());
            let Some(&newest) = files.last() else { return Err(Error::Missing { file: file_name(1) }) };
            let name = file_name(newest);
            let bytes = disk.read(&name).map_err(Error::io(format!("read `{name}`")))?;
            let digest = digest(ahead.as_deref(), &bytes);
            let indexed = copy < COPIES_INDEXED || before == Some(digest);
            let outcome = joined(newest, bytes, ahead, indexed, keys);
            let known = match (known, &outcome) {
                (Ok(known), _) => known.unwrap_or_default(),
                // Under another key the head fails its check too: that it is another key is what there is to say.
                (Err(error), Ok(current)) => {
                    current.preamble()?.admit(&file_name(newest), keys)?;
                    return Err(error);
                }
                (Err(error), Err(_)) => return Err(error),
            };
            match outcome.and_then(|current| {
                Self::checked(&*disk, keys, (&files, kept.clone()), newest, current, known)
            }) {
                Ok(view) => return Ok(Self { disk, keys: keys.clone(), view, settled: indexed }),
                // The same bytes twice: nobody is writing, and this is damage.
                Err(error) if before == Some(digest) || !may_be_haste(&error) => return Err(error),
                Err(_) => before = Some(digest),
            }
            std::thread::sleep(COPY_PAUSE);
        }
        Err(Error::Busy { file: "the newest journal file".to_owned() })
    }

    fn checked(
        disk: &dyn Disk,
        keys: &Keys,
        (files, kept): (&[u32], Option<Kept>),
        newest: u32,
        current: Joined,
        known: Head,
    ) -> Result<View, Error> {
        let mut walk = Walk::new(keys);
        walk.file(newest, &current, 0, &mut |_, _, _| ControlFlow::Continue(()))?;
        let sealed = walk.header.take().map(|(_, sealed)| sealed).unwrap_or_default();
        compare_files(files, newest, &sealed)?;
        let head = end_of(&walk, &sealed);
        reaches(known, head, &sealed, keys, |line| match line {
            Some(line) => Ok(Box::new(open_sealed(disk, line)?)),
            None => Ok(Box::new(&current)),
        })?;
        kept.as_ref().map_or(Ok(()), |kept| kept.begins(&sealed))?;
        Ok(View { newest, current, sealed, kept, head })
    }

    /// The number of the newest file and its frames, and what the journal lies on.
    pub(crate) fn newest(&self) -> (u32, &dyn Frames, &dyn Disk) {
        (self.view.newest, &self.view.current, &*self.disk)
    }

    /// Where the journal ended when it was opened.
    pub fn head(&self) -> Head {
        self.view.head
    }

    /// What the journal belongs to.
    pub fn preamble(&self) -> Result<Preamble, Error> {
        self.view.current.preamble()
    }

    /// What stands for files that were exported and removed.
    pub fn kept(&self) -> Option<&Kept> {
        self.view.kept.as_ref()
    }

    /// The files before the newest, as it lists them; those that were removed are among them.
    pub fn sealed(&self) -> &[Sealed] {
        &self.view.sealed
    }

    /// Whether it ends where the journal ended; false if a fast writer made it follow the chain by itself, so that the last few
    /// commits may be missing.
    pub fn settled(&self) -> bool {
        self.settled
    }

    /// Calls `visit` for each event from `from_seq` on, until it breaks.
    pub fn replay(
        &self,
        from_seq: u64,
        mut visit: impl FnMut(u64, u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        replay(
            &self.keys,
            from_seq,
            (&self.view.sealed, self.view.kept.as_ref()),
            self.view.newest,
            &self.view.current,
            |line| Ok(Box::new(open_sealed(&*self.disk, line)?)),
            &mut visit,
        )
        .map(|_| ())
    }

    /// Walks everything: the digest of every sealed file, every frame, the chain from the first to the last.
    pub fn verify(&self) -> Result<Report, Error> {
        replay(
            &self.keys,
            0,
            (&self.view.sealed, self.view.kept.as_ref()),
            self.view.newest,
            &self.view.current,
            |line| Ok(Box::new(open_sealed(&*self.disk, line)?)),
            &mut |_, _, _| ControlFlow::Continue(()),
        )
    }
}

/// Copies of a file and of what is ahead of it, as one. Without the store's index its chain is followed instead.
fn joined(
    newest: u32,
    bytes: Vec<u8>,
    ahead: Option<Vec<u8>>,
    indexed: bool,
    keys: &Keys,
) -> Result<Joined, Error> {
    if !indexed {
        let busy = || Error::Busy { file: file_name(newest) };
        let salvaged = Salvaged::of(bytes, newest, keys).ok_or_else(busy)?;
        return Joined::of(Box::new(salvaged), newest, ahead, None);
    }
    let segment = Segment::copy(newest, bytes, false)?;
    let pass = segment.pass()?;
    Joined::of(Box::new(segment), newest, ahead, Some(pass))
}

/// What copies are known by, to see whether they change.
fn digest(ahead: Option<&[u8]>, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blake3::hash(ahead.unwrap_or_default()).as_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Whether a writer that went on while its file was copied can be the cause.
fn may_be_haste(error: &Error) -> bool {
    matches!(
        error,
        Error::Damaged { .. }
            | Error::Store { .. }
            | Error::RolledBack { .. }
            | Error::Busy { .. }
            | Error::Stranger { .. }
            | Error::Missing { .. }
    )
}

/// Walks the sealed files that hold `from_seq` and later, then the newest.
pub(crate) fn replay(
    keys: &Keys,
    from_seq: u64,
    (sealed, kept): (&[Sealed], Option<&Kept>),
    newest: u32,
    current: &dyn Frames,
    open: impl Fn(&Sealed) -> Result<Box<dyn Frames>, Error>,
    visit: &mut Event<'_>,
) -> Result<Report, Error> {
    let mut walk = Walk::new(keys);
    let mut from = from_seq;
    if let Some(kept) = kept {
        kept.begins(sealed)?;
        if kept.last().seq >= from_seq {
            (walk.seen.removed_files, walk.seen.removed_events) =
                (kept.lines.len(), kept.last().seq - kept.events);
            if kept.visit(keys, from_seq, visit)? {
                return Ok(walk.seen);
            }
            // The first file that is there has to follow what was removed.
            walk.next = Some((kept.last().seq + 1, kept.last().hash));
            from = 0;
        }
    }
    let there = |line: &&Sealed| kept.is_none_or(|kept| !kept.covers(line.file));
    for line in sealed.iter().filter(there).filter(|line| line.last_seq >= from_seq) {
        let frames = open(line)?;
        if walk.file(line.file, &*frames, from, visit)? {
            return Ok(walk.seen);
        }
        walk.end(line)?;
        from = 0;
    }
    walk.file(newest, current, from, visit)?;
    walk.seen.head = end_of(&walk, sealed);
    Ok(walk.seen)
}

/// Where a journal ends whose newest file was walked.
pub(crate) fn end_of(walk: &Walk<'_>, sealed: &[Sealed]) -> Head {
    if walk.seen.head.seq > 0 {
        return walk.seen.head;
    }
    sealed.last().map_or_else(Head::default, |line| Head { seq: line.last_seq, hash: line.last_hash })
}

impl<F: Frames + ?Sized> Frames for &F {
    fn preamble(&self) -> Result<Preamble, Error> {
        (**self).preamble()
    }

    fn scan(&self, from_seq: u64, visit: &mut crate::store::Visit<'_>) -> Result<(), Error> {
        (**self).scan(from_seq, visit)
    }
}

#[cfg(test)]
mod tests;
