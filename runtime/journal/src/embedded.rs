//! The store in redb: one small file after another, `journal-000001.redb` and on, and the ahead file beside the newest.
//!
//! A frame is durable once it lies in the ahead file (`ahead`); redb takes what lies there in one commit, when half of it is full, when
//! a file is sealed or closed, and when a file was opened and found whole. A frame too long for it is redb's at once.
//!
//! Absent: concurrency modes of redb other than its exclusive writer. Its `SingleWriter` mode, in which other processes read
//! beside the writer, commits in two phases always, which is a second sync for every group commit; readers look at a copy in
//! memory instead (`read`). A file is opened with redb's own integrity check, which turns damage into an error where a plain
//! open may panic; a sealed file's bytes are compared with their digest before redb sees them.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};

use crate::ahead::{self, Ahead, Base};
use crate::disk::{Backend, Disk, MemoryFile};
use crate::error::Error;
use crate::fingerprint::{fingerprint, stream};
use crate::frame::{SealedFrame, VERSION, array};
use crate::kept::KEPT_FILE;
use crate::rows;
use crate::segment::{HEAD_FILE, Preamble, Sealed};
use crate::store::{Fingerprint, Frames, Store, Visit};

/// First sequence number -> frames (`rows`); 0 -> the file's header frame.
const FRAMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("frames_v1");
/// `format` -> one byte; `preamble` -> what the file belongs to; `ahead` -> the pass of the ahead file that has begun.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta_v1");
/// The format of a file beside which there is an ahead file: a program that knows of none must not open it.
const LINKED: u8 = 2;
/// The same, in which a row may hold several frames.
const IN_ROWS: u8 = 3;
const HEADER_KEY: u64 = 0;
const UNFINISHED: &str = ".new";
/// A copy in memory needs no cache of any size.
const COPY_CACHE_BYTES: usize = 1 << 20;

/// How redb is used.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// redb's quick-repair: reopening a large file after a crash is fast, every commit syncs twice.
    pub quick_repair: bool,
    /// Memory for redb's cache.
    pub cache_bytes: usize,
    /// Bytes of the ahead file when it is made; 0 makes none.
    pub ahead_bytes: usize,
}

/// redb files on a disk.
#[derive(Debug)]
pub struct Embedded {
    disk: Arc<dyn Disk>,
    settings: Settings,
    open: Option<Segment>,
    /// What is durable and not yet in the open file.
    ahead: Option<Ahead>,
    /// The next file, made before it is needed: its number, its name until then, and it.
    prepared: Option<(u32, String, Segment)>,
}

impl Embedded {
    /// Uses `disk`; nothing is opened yet.
    pub fn new(disk: Arc<dyn Disk>, settings: Settings) -> Self {
        Self { disk, settings, open: None, ahead: None, prepared: None }
    }

    /// A new file under the name that it has until it is part of the journal.
    fn make(&self, file: u32) -> Result<(u32, String, Segment), Error> {
        let name = file_name(file);
        let new = format!("{name}{UNFINISHED}");
        let backend = self.disk.open(&new, true).map_err(Error::io(format!("create `{new}`")))?;
        let db = Database::builder()
            .set_cache_size(self.settings.cache_bytes)
            .create_with_backend(Backend(backend))
            .map_err(|error| Error::store(&name, error))?;
        Ok((file, new, Segment { name, file, db }))
    }

    /// Gives up the next file.
    fn unprepare(&mut self) -> Result<(), Error> {
        let Some((_, new, segment)) = self.prepared.take() else { return Ok(()) };
        drop(segment);
        self.disk.remove(&new).map_err(Error::io(format!("remove unfinished `{new}`")))
    }

    fn segment(&self) -> Result<&Segment, Error> {
        self.open.as_ref().ok_or_else(|| Error::Stopped { what: "no journal file is open".to_owned() })
    }

    /// Puts into redb, in one durable commit, what lies ahead of it, and `more` behind that.
    fn carry(&mut self, more: Option<&SealedFrame<'_>>) -> Result<(), Error> {
        let quick_repair = self.settings.quick_repair;
        let segment = self
            .open
            .as_ref()
            .ok_or_else(|| Error::Stopped { what: "no journal file is open".to_owned() })?;
        let more = more.map(|frame| (frame.first_seq, frame.bytes));
        let stored = match &mut self.ahead {
            Some(ahead) if !ahead.is_empty() || ahead.pass() == 0 => {
                ahead.announce()?;
                let frames = ahead.frames().chain(more);
                let stored = segment.append(frames, Some(ahead.pass() + 1), quick_repair);
                stored.map(|()| ahead.turn())
            }
            _ => segment.append(more.into_iter(), None, quick_repair),
        };
        stored.map_err(|error| Error::store(&segment.name, error))
    }

    /// Makes the ahead file of a journal that begins.
    fn make_ahead(&self, preamble: &Preamble, file: u32) -> Result<Option<Ahead>, Error> {
        if self.settings.ahead_bytes == 0 {
            return Ok(None);
        }
        // Frames ahead of a journal that is not there: somebody took it away.
        if ahead::read(&*self.disk)?.is_some_and(|bytes| !ahead::Look::of(&bytes).is_empty()) {
            return Err(Error::Missing { file: file_name(file) });
        }
        let base = Base { pass: 1, journal: preamble.journal, file, next_seq: 1, tip: [0; 32] };
        Ahead::make(&*self.disk, self.settings.ahead_bytes, &base, base.pass)?;
        Ahead::open(&*self.disk, &base)
    }
}

/// The name of file `file`.
pub(crate) fn file_name(file: u32) -> String {
    format!("journal-{file:06}.redb")
}

/// The numbers among `names` that are journal files, ascending.
pub(crate) fn numbers(names: &[String]) -> Vec<u32> {
    let mut numbers: Vec<u32> = names
        .iter()
        .filter_map(|name| {
            let number = name.strip_prefix("journal-")?.strip_suffix(".redb")?.parse().ok()?;
            (*name == file_name(number)).then_some(number)
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

/// One redb file.
#[derive(Debug)]
pub(crate) struct Segment {
    name: String,
    file: u32,
    db: Database,
}

impl Segment {
    /// A copy of a file, in memory. `trusted` bytes have matched their digest; others are checked whole by redb.
    pub(crate) fn copy(file: u32, bytes: Vec<u8>, trusted: bool) -> Result<Self, Error> {
        let mut builder = Database::builder();
        builder.set_cache_size(COPY_CACHE_BYTES).set_check_integrity_on_open(!trusted);
        Self::with(file, Box::new(MemoryFile::new(bytes)), &builder)
    }

    fn with(file: u32, backend: Box<dyn StorageBackend>, builder: &Builder) -> Result<Self, Error> {
        let name = file_name(file);
        if backend.len().map_err(Error::io(format!("read `{name}`")))? == 0 {
            return Err(Error::damaged(&name, 0, 0, "it is empty"));
        }
        let db = builder.create_with_backend(Backend(backend)).map_err(|error| Error::store(&name, error))?;
        Ok(Self { name, file, db })
    }

    /// Stores frames, in one durable commit that says, if `pass` is given, that this pass of the ahead file has begun.
    fn append<'f>(
        &self,
        frames: impl Iterator<Item = (u64, &'f [u8])>,
        pass: Option<u64>,
        quick_repair: bool,
    ) -> Result<(), redb::Error> {
        // A write transaction is `Durability::Immediate` unless told otherwise.
        let frames: Vec<(u64, &[u8])> = frames.collect();
        // Where there is no ahead file each frame comes alone, and whoever knows no rows may read them.
        let lengths: Vec<usize> = frames.iter().map(|(_, bytes)| bytes.len()).collect();
        let rows = rows::grouped(&lengths).into_iter().map(|row| &frames[row]);
        let mut transaction = self.db.begin_write()?;
        transaction.set_quick_repair(quick_repair);
        {
            let mut table = transaction.open_table(FRAMES)?;
            for row in rows {
                let length = row.iter().map(|(_, bytes)| bytes.len()).sum();
                let mut value = table.insert_reserve(row[0].0, length)?;
                let mut rest = value.as_mut();
                for (_, bytes) in row {
                    let (place, behind) = rest.split_at_mut(bytes.len());
                    place.copy_from_slice(bytes);
                    rest = behind;
                }
            }
        }
        if pass.is_some() {
            link(&mut transaction.open_table(META)?, pass)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn begin(
        &self,
        preamble: &Preamble,
        header: &SealedFrame<'_>,
        pass: Option<u64>,
    ) -> Result<(), redb::Error> {
        let transaction = self.db.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            link(&mut meta, pass)?;
            meta.insert("preamble", preamble.encode().as_slice())?;
            transaction.open_table(FRAMES)?.insert(HEADER_KEY, header.bytes)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Vec<u8>, Error> {
        let read = || -> Result<Vec<u8>, redb::Error> {
            let transaction = self.db.begin_read()?;
            let meta = transaction.open_table(META)?;
            Ok(ReadableTable::get(&meta, name)?.map(|value| value.value().to_vec()).unwrap_or_default())
        };
        read().map_err(|error| Error::store(&self.name, error))
    }

    /// The pass of the ahead file that has begun; 0 in a file beside which there is none.
    pub(crate) fn pass(&self) -> Result<u64, Error> {
        let pass = self.meta("ahead")?;
        match (self.meta("format")?.as_slice(), pass.len()) {
            ([LINKED | IN_ROWS], 8) => Ok(u64::from_le_bytes(array(&pass, 0))),
            ([LINKED | IN_ROWS], _) => {
                Err(Error::damaged(&self.name, 0, 0, "it does not say what lies ahead of it"))
            }
            _ => Ok(0),
        }
    }

    /// Where it ends; `None` if that cannot be told of it, which whoever walks it says.
    pub(crate) fn base(&self) -> Result<Option<Base>, Error> {
        match Base::of(self, self.file, self.pass()?) {
            Err(Error::Version { .. }) => Ok(None),
            found => found,
        }
    }

    fn walk(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<Result<(), Error>, redb::Error> {
        let transaction = self.db.begin_read()?;
        let frames = transaction.open_table(FRAMES)?;
        let start = match ReadableTable::range::<u64>(&frames, ..=from_seq)?.next_back() {
            Some(found) => found?.0.value(),
            None => from_seq,
        };
        for entry in ReadableTable::range::<u64>(&frames, start..)? {
            let (key, row) = entry?;
            match rows::visit(key.value(), row.value(), from_seq, visit) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }
}

impl Frames for Segment {
    fn preamble(&self) -> Result<Preamble, Error> {
        let preamble = self.meta("preamble")?;
        match self.meta("format")?.as_slice() {
            [VERSION | LINKED | IN_ROWS] => {}
            [found] => return Err(Error::Version { file: self.name.clone(), found: *found }),
            _ => return Err(Error::damaged(&self.name, 0, 0, "its format version is missing")),
        }
        Preamble::decode(&preamble)
            .ok_or_else(|| Error::damaged(&self.name, 0, 0, "it does not say what it belongs to"))
    }

    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.walk(from_seq, visit).map_err(|error| Error::store(&self.name, error))?
    }
}

/// Writes the format of a file: whether there is an ahead file beside it, and which pass of that has begun.
fn link(meta: &mut redb::Table<'_, &str, &[u8]>, pass: Option<u64>) -> Result<(), redb::Error> {
    meta.insert("format", [pass.map_or(VERSION, |_| IN_ROWS)].as_slice())?;
    if let Some(pass) = pass {
        meta.insert("ahead", pass.to_le_bytes().as_slice())?;
    }
    Ok(())
}

/// The open file, and what lies ahead of it.
impl Frames for Embedded {
    fn preamble(&self) -> Result<Preamble, Error> {
        self.segment()?.preamble()
    }

    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
        let ahead = self.ahead.iter().flat_map(Ahead::frames);
        ahead::scan(self.segment()?, ahead, from_seq, visit)
    }
}

impl Store for Embedded {
    fn files(&self) -> Result<Vec<u32>, Error> {
        let names = self.disk.list().map_err(Error::io("list the journal directory"))?;
        for name in names.iter().filter(|name| name.starts_with("journal") && name.ends_with(UNFINISHED)) {
            self.disk.remove(name).map_err(Error::io(format!("remove unfinished `{name}`")))?;
        }
        Ok(numbers(&names))
    }

    fn name(&self, file: u32) -> String {
        file_name(file)
    }

    fn length(&self, file: u32) -> Result<u64, Error> {
        let name = file_name(file);
        self.disk.length(&name).map_err(Error::io(format!("measure `{name}`")))
    }

    fn fingerprint(&self, file: u32) -> Result<Fingerprint, Error> {
        let name = file_name(file);
        stream(&*self.disk, &name).map_err(Error::io(format!("read `{name}`")))
    }

    fn read(&self, file: u32, at: u64, out: &mut [u8]) -> Result<(), Error> {
        let name = file_name(file);
        let read = self.disk.open(&name, false).and_then(|file| file.read(at, out));
        read.map_err(Error::io(format!("read `{name}`")))
    }

    fn prepare(&mut self, file: u32) -> Result<(), Error> {
        if self.prepared.as_ref().is_none_or(|(prepared, ..)| *prepared != file) {
            self.unprepare()?;
            self.prepared = Some(self.make(file)?);
        }
        Ok(())
    }

    fn begin(&mut self, file: u32, preamble: &Preamble, header: &SealedFrame<'_>) -> Result<(), Error> {
        if self.ahead.is_none() {
            self.ahead = self.make_ahead(preamble, file)?;
        }
        self.prepare(file)?;
        let Some((_, new, segment)) = self.prepared.take() else {
            return Err(Error::Stopped { what: "no file was made".to_owned() });
        };
        let pass = self.ahead.as_ref().map(Ahead::pass);
        segment.begin(preamble, header, pass).map_err(|error| Error::store(&segment.name, error))?;
        self.disk.rename(&new, &segment.name).map_err(Error::io(format!("name `{}`", segment.name)))?;
        self.open = Some(segment);
        Ok(())
    }

    fn resume(&mut self, file: u32) -> Result<(), Error> {
        let name = file_name(file);
        let backend = self.disk.open(&name, false).map_err(Error::io(format!("open `{name}`")))?;
        let mut builder = Database::builder();
        builder.set_cache_size(self.settings.cache_bytes).set_check_integrity_on_open(true);
        let segment = Segment::with(file, backend, &builder)?;
        self.ahead = match segment.base()? {
            Some(base) => Ahead::open(&*self.disk, &base)?,
            None => None,
        };
        self.open = Some(segment);
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        let segment = self.segment()?;
        if self.ahead.is_none() && self.settings.ahead_bytes > 0 {
            let damaged = || Error::damaged(&segment.name, 0, 0, "its last frame is not whole");
            let base = segment.base()?.ok_or_else(damaged)?;
            Ahead::make(&*self.disk, self.settings.ahead_bytes, &base, 1)?;
            self.ahead = Ahead::open(&*self.disk, &base)?;
        }
        match &self.ahead {
            Some(ahead) if !ahead.is_empty() || ahead.pass() == 0 => self.carry(None),
            _ => Ok(()),
        }
    }

    fn append(&mut self, frame: &SealedFrame<'_>) -> Result<(), Error> {
        match &mut self.ahead {
            Some(ahead) if ahead.has_room(frame.bytes.len()) => ahead.append(frame),
            _ => self.carry(Some(frame)),
        }
    }

    fn relieve(&mut self) -> Result<bool, Error> {
        let due = self.ahead.as_ref().is_some_and(Ahead::is_half_full);
        if due {
            self.carry(None)?;
        }
        Ok(due)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.unprepare()?;
        if self.open.is_some() {
            self.settle()?;
        }
        self.ahead = None;
        match self.open.take() {
            Some(segment) => segment.db.close().map_err(|error| Error::store(&segment.name, error)),
            None => Ok(()),
        }
    }

    fn seal(&mut self) -> Result<u64, Error> {
        self.settle()?;
        let name = self.segment()?.name.clone();
        if let Some(segment) = self.open.take() {
            segment.db.close().map_err(|error| Error::store(&name, error))?;
        }
        self.disk.length(&name).map_err(Error::io(format!("measure `{name}`")))
    }

    fn current(&self) -> Result<&dyn Frames, Error> {
        self.segment()?;
        Ok(self)
    }

    fn sealed(&self, line: &Sealed) -> Result<Box<dyn Frames>, Error> {
        Ok(Box::new(open_sealed(&*self.disk, line)?))
    }

    fn head(&self) -> Result<Option<Vec<u8>>, Error> {
        read_head(&*self.disk)
    }

    fn kept(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.disk.read(KEPT_FILE) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("read `{KEPT_FILE}`"))(error)),
        }
    }

    fn set_head(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.disk.replace(HEAD_FILE, bytes).map_err(Error::io(format!("replace `{HEAD_FILE}`")))
    }
}

/// The bytes of the head file, if there is one.
pub(crate) fn read_head(disk: &dyn Disk) -> Result<Option<Vec<u8>>, Error> {
    match disk.read(HEAD_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("read `{HEAD_FILE}`"))(error)),
    }
}

/// Writes `frames` as `file` on `disk`, in one commit: for a copy of a file that is being written.
pub(crate) fn write_file(disk: &dyn Disk, file: u32, frames: &dyn Frames) -> Result<(), Error> {
    let name = file_name(file);
    let new = format!("{name}{UNFINISHED}");
    let backend = disk.open(&new, true).map_err(Error::io(format!("create `{new}`")))?;
    let mut builder = Database::builder();
    builder.set_cache_size(COPY_CACHE_BYTES);
    let db = builder.create_with_backend(Backend(backend)).map_err(|error| Error::store(&name, error))?;
    let preamble = frames.preamble()?;
    let filled = |db: &Database| -> Result<Result<(), Error>, redb::Error> {
        let transaction = db.begin_write()?;
        let scanned = {
            let mut meta = transaction.open_table(META)?;
            meta.insert("format", [VERSION].as_slice())?;
            meta.insert("preamble", preamble.encode().as_slice())?;
            let mut table = transaction.open_table(FRAMES)?;
            frames.scan(0, &mut |key, bytes| {
                let inserted = table.insert(key, bytes).map(drop);
                inserted.map_err(|error| Error::store(&name, error))?;
                Ok(ControlFlow::Continue(()))
            })
        };
        transaction.commit()?;
        Ok(scanned)
    };
    filled(&db).map_err(|error| Error::store(&name, error))??;
    db.close().map_err(|error| Error::store(&name, error))?;
    disk.rename(&new, &name).map_err(Error::io(format!("name `{name}`")))
}

/// A copy of a sealed file, whose bytes match its line in the list.
pub(crate) fn open_sealed(disk: &dyn Disk, line: &Sealed) -> Result<Segment, Error> {
    let name = file_name(line.file);
    let bytes = match disk.read(&name) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Missing { file: name }),
        Err(error) => return Err(Error::io(format!("read `{name}`"))(error)),
    };
    // The bytes of a file whose digest is not known yet are trusted no more than those of the newest.
    let print = if line.is_printed() { fingerprint(&bytes) } else { line.print(bytes.len() as u64) };
    line.compare(&name, &print)?;
    Segment::copy(line.file, bytes, line.is_printed())
}
