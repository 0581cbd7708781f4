//! The writer of a journal: one frame a commit, durable on return, chained, sealed, in files that rotate.
//!
//! Absent: retries. The first failure of a commit stops the journal; every later append answers `Error::Stopped` until it is
//! opened again, which is also when it becomes clear what reached the disk. What `open` returns was verified: every frame of
//! the newest file, its chain into the file before, the list of sealed files and their digests, and the head file.

use std::any::Any;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, Lock, RealDisk};
use crate::embedded::{Embedded, Settings, file_name};
use crate::error::Error;
use crate::frame::{Batch, FRAME_BYTES_MAX, Kind, Place};
use crate::kept::Kept;
use crate::keys::Keys;
use crate::random::{Random, System};
use crate::read::{Reader, Report, compare_files, end_of, reaches, replay, with_removed};
use crate::segment::{Head, Preamble, Sealed, decode_head, encode, encode_head};
use crate::store::Store;
use crate::walk::Walk;

/// The lock file of a journal directory.
pub const LOCK_FILE: &str = "journal.lock";
const MAX_FILE_BYTES: u64 = 1 << 30;
const MAX_AHEAD_BYTES: usize = 256 << 20;
/// How much of a sealed file is read at once for its digest: at least, so that it is done before the next is sealed, and at most.
const TEND_BYTES_MIN: usize = 256 << 10;
const PRINT_BYTES_MAX: usize = 4 << 20;

/// One event to append: bytes that mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// An instance or a robot: a small integer that the caller assigned.
    pub stream: u64,
    /// The event, at most 1 MiB.
    pub body: Vec<u8>,
}

/// How a journal is opened. The defaults suit a daemon.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// redb's quick-repair; files are small enough to do without.
    pub quick_repair: bool,
    /// A file is sealed once its frames have this many bytes; at most 1 GiB.
    pub max_file_bytes: u64,
    /// Memory for the store's cache; reading goes around it.
    pub cache_bytes: usize,
    /// Bytes of the file in which frames wait for redb, when it is made: at most 256 MiB. With 0 none is made.
    pub ahead_bytes: usize,
    /// Whether the digests of sealed files are compared at open. Reading them compares in any case.
    pub check_sealed: bool,
    /// A head that was kept outside the journal: the journal must contain it.
    pub expect_head: Option<Head>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick_repair: false,
            // redb doubles a file: this much and what redb needs for it stay below 64 MiB.
            max_file_bytes: 48 << 20,
            cache_bytes: 16 << 20,
            ahead_bytes: 4 << 20,
            check_sealed: true,
            expect_head: None,
        }
    }
}

/// What `open` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Sequence number of the last event; 0 in a new journal.
    pub last_seq: u64,
    /// Frames of events in the newest file.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of files, the newest included.
    pub files: u32,
    /// Whether events were appended after the last clean close: the process that wrote them died.
    pub recovered: bool,
}

/// What a commit made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Sequence number of its first event.
    pub first_seq: u64,
    /// Sequence number of its last event.
    pub last_seq: u64,
    /// Bytes of its frame.
    pub bytes: usize,
}

/// Where the journal durably ends, for whoever follows it on another thread.
#[derive(Debug, Clone, Default)]
pub struct Durable(Arc<Mutex<Head>>);

impl Durable {
    /// The end of what was acknowledged, or recovered.
    pub fn head(&self) -> Head {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, head: Head) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }
}

/// How far the digest of a file is made.
#[derive(Default)]
struct Printing {
    hasher: blake3::Hasher,
    at: u64,
    piece: Vec<u8>,
}

/// The one writer of a journal.
pub struct Journal {
    store: Box<dyn Store>,
    keys: Keys,
    options: Options,
    preamble: Preamble,
    sealed: Vec<Sealed>,
    kept: Option<Kept>,
    file: u32,
    file_bytes: u64,
    salt: [u8; 4],
    next_seq: u64,
    tip: [u8; 32],
    head: Head,
    durable: Durable,
    /// The digest of the file that was sealed last, while it is made.
    printing: Option<Printing>,
    /// Whether the next file was made ahead.
    ahead: bool,
    /// Whether the head file is to say that a file was begun.
    head_due: bool,
    batch: Batch,
    stopped: Option<String>,
    closed: bool,
    // Released last: fields are dropped in order.
    _lock: Box<dyn Any + Send + Sync>,
}

impl Journal {
    /// Opens the journal in `dir`, or creates it.
    pub fn open(dir: &Path, keys: &Keys, options: Options) -> Result<(Self, Opened), Error> {
        let disk =
            RealDisk::new(dir).map_err(Error::io(format!("open journal directory `{}`", dir.display())))?;
        Self::open_on(Arc::new(disk), &System::default(), keys, options)
    }

    /// Opens the journal on `disk`, or creates it.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        random: &dyn Random,
        keys: &Keys,
        options: Options,
    ) -> Result<(Self, Opened), Error> {
        let lock = match disk.lock(LOCK_FILE).map_err(Error::io(format!("lock `{LOCK_FILE}`")))? {
            Lock::Held(lock) => lock,
            Lock::Busy(pid) => return Err(Error::Locked { what: LOCK_FILE.to_owned(), pid }),
        };
        let Options { quick_repair, cache_bytes, ahead_bytes, .. } = options;
        if ahead_bytes > MAX_AHEAD_BYTES {
            let why = format!("it must be at most {MAX_AHEAD_BYTES}");
            return Err(Error::Option { name: "ahead_bytes", why });
        }
        let settings = Settings { quick_repair, cache_bytes, ahead_bytes };
        Self::open_store(Box::new(Embedded::new(disk, settings)), lock, random, keys, options)
    }

    /// Opens the journal in `store`, or creates it; `lock` is held as long as the journal.
    pub fn open_store(
        store: Box<dyn Store>,
        lock: Box<dyn Any + Send + Sync>,
        random: &dyn Random,
        keys: &Keys,
        options: Options,
    ) -> Result<(Self, Opened), Error> {
        if options.max_file_bytes == 0 || options.max_file_bytes > MAX_FILE_BYTES {
            let why = format!("it must be between 1 and {MAX_FILE_BYTES}");
            return Err(Error::Option { name: "max_file_bytes", why });
        }
        let mut salt = [0; 4];
        random.fill(&mut salt)?;
        let mut journal = Self {
            store,
            keys: keys.clone(),
            options,
            preamble: Preamble { tenant: keys.tenant_digest(), check: keys.check(), journal: [0; 16] },
            sealed: Vec::new(),
            kept: None,
            file: 0,
            file_bytes: 0,
            salt,
            next_seq: 1,
            tip: [0; 32],
            head: Head::default(),
            durable: Durable::default(),
            printing: None,
            ahead: false,
            head_due: false,
            batch: Batch::default(),
            stopped: Some("it is not open yet".to_owned()),
            closed: false,
            _lock: lock,
        };
        journal.kept = journal.store.kept()?.map(|bytes| Kept::parse(&bytes, keys)).transpose()?;
        let files = with_removed(journal.store.files()?, journal.kept.as_ref());
        let head = journal.store.head()?;
        let found = match files.last() {
            Some(&newest) => journal.resume(newest, &files)?,
            None => Report::default(),
        };
        let known = head.map(|bytes| decode_head(&bytes, keys)).transpose()?.unwrap_or_default();
        journal.must_reach(known)?;
        journal.must_reach(options.expect_head.unwrap_or_default())?;
        if files.is_empty() {
            random.fill(&mut journal.preamble.journal)?;
            journal.begin()?;
        } else {
            journal.store.settle()?;
        }
        journal.stopped = None;
        journal.durable.set(journal.head);
        let opened = Opened {
            last_seq: journal.head.seq,
            frames: found.frames,
            bytes: found.bytes,
            files: u32::try_from(journal.sealed.len()).unwrap_or(u32::MAX).saturating_add(1),
            recovered: journal.head != known,
        };
        Ok((journal, opened))
    }

    /// A reader of the journal in `dir`, also while a daemon writes to it.
    pub fn open_read(dir: &Path, keys: &Keys) -> Result<Reader, Error> {
        Reader::open(dir, keys)
    }

    /// Walks every frame of every file of the journal in `dir`, also while a daemon writes to it.
    pub fn verify(dir: &Path, keys: &Keys) -> Result<Report, Error> {
        Reader::open(dir, keys)?.verify()
    }

    /// Appends `events` as one frame: durable on return, or the journal has stopped.
    pub fn append(&mut self, events: &[Entry]) -> Result<Appended, Error> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        let outcome = events
            .iter()
            .try_for_each(|event| batch.push(event.stream, &event.body))
            .and_then(|()| self.commit(&mut batch));
        self.batch = batch;
        outcome
    }

    /// Appends what `batch` holds as one frame and empties it: durable on return, or the journal has stopped.
    pub fn commit(&mut self, batch: &mut Batch) -> Result<Appended, Error> {
        if let Some(what) = &self.stopped {
            return Err(Error::Stopped { what: what.clone() });
        }
        if batch.is_empty() {
            return Err(Error::Empty);
        }
        if self.file_bytes >= self.options.max_file_bytes {
            self.rotate().map_err(|error| self.stop(&error))?;
        }
        let frame = batch.seal(Kind::Events, &self.place(), self.keys.frames());
        if let Err(error) = self.store.append(&frame) {
            return Err(self.stop(&error));
        }
        let last_seq = frame.first_seq + u64::from(frame.count) - 1;
        let appended = Appended { first_seq: frame.first_seq, last_seq, bytes: frame.bytes.len() };
        self.next_seq = last_seq + 1;
        self.tip = frame.hash;
        self.head = Head { seq: last_seq, hash: frame.hash };
        self.file_bytes += appended.bytes as u64;
        self.durable.set(self.head);
        batch.clear();
        Ok(appended)
    }

    /// Calls `visit` with sequence number, stream and body of each event from `from_seq` on, until it breaks.
    pub fn replay(
        &self,
        from_seq: u64,
        mut visit: impl FnMut(u64, u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let open = |line: &Sealed| self.store.sealed(line);
        let current = self.store.current()?;
        let files = (self.sealed.as_slice(), self.kept.as_ref());
        replay(&self.keys, from_seq, files, self.file, current, open, &mut visit).map(|_| ())
    }

    /// Where the journal ends. Kept outside, it reveals that the journal was put back to an older copy.
    pub fn head(&self) -> Head {
        self.head
    }

    /// What says on other threads where the journal durably ends.
    pub fn durable(&self) -> Durable {
        self.durable.clone()
    }

    /// Why the journal stopped, if it has.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Closes the journal and writes down where it ends.
    pub fn close(mut self) -> Result<Head, Error> {
        self.finish()?;
        Ok(self.head)
    }

    fn place(&self) -> Place {
        Place { file: self.file, first_seq: self.next_seq, prev: self.tip, salt: self.salt }
    }

    fn stop(&mut self, error: &Error) -> Error {
        let what = error.to_string();
        self.stopped = Some(what.clone());
        Error::Stopped { what }
    }

    /// Verifies the newest file and what it says of the others.
    fn resume(&mut self, newest: u32, files: &[u32]) -> Result<Report, Error> {
        self.store.resume(newest)?;
        let keys = self.keys.clone();
        let mut walk = Walk::new(&keys);
        walk.chained(newest, self.store.current()?)?;
        let damaged = || Error::damaged(&file_name(newest), 0, 0, "its header frame is missing");
        let (preamble, sealed) = walk.header.take().ok_or_else(damaged)?;
        let (next_seq, tip) = walk.next.ok_or_else(damaged)?;
        compare_files(files, newest, &sealed)?;
        self.kept.as_ref().map_or(Ok(()), |kept| kept.begins(&sealed))?;
        let there = |line: &&Sealed| self.kept.as_ref().is_none_or(|kept| !kept.covers(line.file));
        for line in sealed.iter().filter(there) {
            let name = self.store.name(line.file);
            let found = self.store.length(line.file)?;
            if found != line.bytes {
                let what = format!("it has {found} bytes and was sealed with {}", line.bytes);
                return Err(Error::damaged(&name, 0, 0, what));
            }
            if !self.options.check_sealed {
                continue;
            }
            if line.is_printed() {
                line.compare(&name, &self.store.fingerprint(line.file)?)?;
            } else {
                let mut walk = Walk::new(&keys);
                walk.file(
                    line.file,
                    &*self.store.sealed(line)?,
                    0,
                    &mut |_, _, _| ControlFlow::Continue(()),
                )?;
                walk.end(line)?;
            }
        }
        self.printing = sealed.last().filter(|line| !line.is_printed()).map(|_| Printing::default());
        self.head = end_of(&walk, &sealed);
        self.file_bytes = walk.seen.bytes;
        (self.preamble, self.sealed, self.file, self.next_seq, self.tip) =
            (preamble, sealed, newest, next_seq, tip);
        Ok(walk.seen)
    }

    fn must_reach(&self, known: Head) -> Result<(), Error> {
        reaches(known, self.head, &self.sealed, &self.keys, |line| match line {
            Some(line) => self.store.sealed(line),
            None => Ok(Box::new(self.store.current()?)),
        })
    }

    /// Seals the open file and begins the next. The digest of the one is made later, piece by piece ([`Self::tend`]): until then the
    /// chain alone vouches for it.
    fn rotate(&mut self) -> Result<(), Error> {
        while self.print(PRINT_BYTES_MAX)? {}
        let bytes = self.store.seal()?;
        self.sealed.push(Sealed {
            file: self.file,
            last_seq: self.head.seq,
            bytes,
            last_hash: self.tip,
            digest: [0; 32],
        });
        self.printing = Some(Printing::default());
        self.begin()?;
        self.head_due = true;
        Ok(())
    }

    /// Does a piece of what the next rotation would have to wait for: of about `bytes` bytes, at least `TEND_BYTES_MIN`. For a moment
    /// in which nobody waits, such as after every acknowledgement. Says whether there was something to do.
    pub fn tend(&mut self, bytes: usize) -> Result<bool, Error> {
        if self.stopped.is_some() {
            return Ok(false);
        }
        if std::mem::take(&mut self.head_due) {
            let put = self.store.set_head(&encode_head(&self.head, &self.keys));
            return put.map(|()| true).map_err(|error| self.stop(&error));
        }
        let relieved = self.store.relieve().map_err(|error| self.stop(&error))?;
        let tended = match self.printing {
            Some(_) => self.print(bytes.clamp(TEND_BYTES_MIN, PRINT_BYTES_MAX)),
            None if !self.ahead && self.file_bytes >= self.options.max_file_bytes / 2 => {
                self.ahead = true;
                self.store.prepare(self.file.saturating_add(1)).map(|()| true)
            }
            None => Ok(false),
        };
        tended.map(|tended| tended || relieved).map_err(|error| self.stop(&error))
    }

    /// Reads `bytes` more of the file that was sealed last; its digest is known when all of it was read.
    fn print(&mut self, bytes: usize) -> Result<bool, Error> {
        let Some((printing, line)) = self.printing.as_mut().zip(self.sealed.last_mut()) else {
            return Ok(false);
        };
        let left = line.bytes.saturating_sub(printing.at);
        let size = usize::try_from(left).map_or(bytes, |left| left.min(bytes));
        printing.piece.resize(size, 0);
        self.store.read(line.file, printing.at, &mut printing.piece)?;
        printing.hasher.update(&printing.piece);
        printing.at += size as u64;
        if printing.at >= line.bytes {
            line.digest = *printing.hasher.finalize().as_bytes();
            self.printing = None;
        }
        Ok(true)
    }

    /// Begins the file after `self.file` with its header frame.
    fn begin(&mut self) -> Result<(), Error> {
        let next = |why: &str| Error::Option { name: "number of files", why: why.to_owned() };
        self.file = self.file.checked_add(1).ok_or_else(|| next("it must fit into 32 bits"))?;
        let content = encode(&self.preamble, &self.sealed);
        if content.len() > FRAME_BYTES_MAX / 2 {
            return Err(next("export and remove old files"));
        }
        let mut batch = Batch::default();
        batch.set_content(&content);
        let header = batch.seal(Kind::File, &self.place(), self.keys.frames());
        self.store.begin(self.file, &self.preamble, &header)?;
        self.tip = header.hash;
        self.file_bytes = 0;
        self.ahead = false;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        if self.closed {
            return Ok(());
        }
        self.closed = true;
        if let Some(what) = &self.stopped {
            return Err(Error::Stopped { what: what.clone() });
        }
        self.store.close()?;
        self.store.set_head(&encode_head(&self.head, &self.keys))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Nobody hears an error here; opening finds out what reached the disk.
        let _ = self.finish();
    }
}
