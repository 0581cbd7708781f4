//! What files stand on: a directory, memory, or a simulator's disk that forgets.
//!
//! Everything this crate stores goes through `Disk`; nothing else opens a journal file. `rename`, `replace` and `remove` are
//! durable on return and atomic: afterwards a crash shows either the old or the new, never a part.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// The longest file that is ever read into memory.
pub const READ_BYTES_MAX: u64 = 2 << 30;
const PAGE_BYTES: usize = 4096;

/// The outcome of asking for a lock.
pub enum Lock {
    /// Held until dropped.
    Held(Box<dyn Any + Send + Sync>),
    /// Somebody else has it: the process, if it wrote its id.
    Busy(Option<u32>),
}

/// A flat directory of named files.
pub trait Disk: fmt::Debug + Send + Sync {
    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens `name` for reading and writing, or creates it empty.
    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn StorageBackend>>;
    /// The length of `name` in bytes.
    fn length(&self, name: &str) -> io::Result<u64>;
    /// All bytes of `name`, also while somebody writes to it. Longer than `READ_BYTES_MAX` is an error.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// All bytes of `name`, its last page first: of a file that somebody fills from its beginning on, whatever stood before a page
    /// that was read is there as well.
    fn read_back(&self, name: &str) -> io::Result<Vec<u8>> {
        self.read(name)
    }
    /// Puts `bytes` in the place of `name`, atomically and durably.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Gives `from` the name `to`, atomically and durably.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes `name` durably.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Takes the exclusive lock `name`, without waiting.
    fn lock(&self, name: &str) -> io::Result<Lock>;
}

/// A directory of the operating system. Files are readable by their owner only.
#[derive(Debug)]
pub struct RealDisk {
    dir: PathBuf,
}

impl RealDisk {
    /// Uses `dir`, which is created if it is not there.
    pub fn new(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn StorageBackend>> {
        let file = Self::options().create(create).truncate(false).open(self.dir.join(name))?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(backend))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.dir.join(name))?.len())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = File::open(self.dir.join(name))?;
        let length = file.metadata()?.len();
        if length > READ_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too long to be read"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_back(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.dir.join(name))?;
        let length = file.metadata()?.len();
        if length > READ_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too long to be read"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let mut end = bytes.len();
        while end > 0 {
            let start = (end - 1) / PAGE_BYTES * PAGE_BYTES;
            file.seek(io::SeekFrom::Start(start as u64))?;
            file.read_exact(&mut bytes[start..end])?;
            end = start;
        }
        Ok(bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        let mut file = Self::options().create(true).truncate(true).open(self.dir.join(&new))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&new, name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))?;
        self.sync_dir()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))?;
        self.sync_dir()
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        let mut file = Self::options().create(true).truncate(false).open(self.dir.join(name))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Lock::Held(Box::new(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.take(32).read_to_string(&mut text)?;
                Ok(Lock::Busy(text.trim().parse().ok()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Files in memory: for tests, and for reading a file that somebody else writes.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<String, MemoryFile>>,
    locks: Arc<Mutex<BTreeSet<String>>>,
}

impl MemoryDisk {
    /// Puts a file in place, as nothing in this crate would: tests alter journals with it.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), MemoryFile::new(bytes));
    }

    fn file(&self, name: &str) -> io::Result<MemoryFile> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(files.keys().cloned().collect())
    }

    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn StorageBackend>> {
        if create && self.file(name).is_err() {
            self.put(name, Vec::new());
        }
        Ok(Box::new(self.file(name)?))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.file(name)?.len()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.file(name)?.bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(name, bytes.to_vec());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        struct Guard(Arc<Mutex<BTreeSet<String>>>, String);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
            }
        }
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if !locks.insert(name.to_owned()) {
            return Ok(Lock::Busy(Some(std::process::id())));
        }
        Ok(Lock::Held(Box::new(Guard(Arc::clone(&self.locks), name.to_owned()))))
    }
}

/// The bytes of one file in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryFile(Arc<RwLock<Vec<u8>>>);

impl MemoryFile {
    /// A file that holds `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(RwLock::new(bytes)))
    }

    /// A copy of what it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for MemoryFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MemoryFile(..)")
    }
}

/// Where `length` bytes at `offset` lie in a file of `held` bytes.
fn span(offset: u64, length: usize, held: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let end = start.checked_add(length).ok_or(io::ErrorKind::UnexpectedEof)?;
    if end > held {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(start..end)
}

impl StorageBackend for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        out.copy_from_slice(&held[span(offset, out.len(), held.len())?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > READ_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let span = span(offset, data.len(), held.len())?;
        held[span].copy_from_slice(data);
        Ok(())
    }
}

/// A boxed backend where redb wants one by value.
#[derive(Debug)]
pub(crate) struct Backend(pub(crate) Box<dyn StorageBackend>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}
