//! A disk that keeps a log of what was asked of it, and shows what a crash at any point may leave.
//!
//! Only what a sync covered is sure. Of the rest, each 512-byte sector of each write may be there or not, in any combination, and
//! each change of length too. Renaming, replacing and removing are durable at once, as `Disk` promises.
//! Files are shared until somebody writes to them: most images of a crash differ in one file.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;
use xops_journal::disk::{Disk, Lock};

use crate::world::Dice;

const SECTOR: usize = 512;

/// The bytes of a file, shared until they are changed.
pub(crate) type Bytes = Arc<Vec<u8>>;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Sync(usize),
    /// A file, with the bytes that are sure from its beginning.
    Create(usize, String, Bytes),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Bytes>,
    names: BTreeMap<String, usize>,
    log: Vec<Op>,
    /// Operations that still succeed; the next fails with the given kind, and so does every later one.
    left: Option<(u64, io::ErrorKind)>,
}

impl State {
    fn spend(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some((0, kind)) => Err((*kind).into()),
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn create(&mut self, name: &str, bytes: Bytes) -> usize {
        let id = self.files.len();
        self.log.push(Op::Create(id, name.to_owned(), Arc::clone(&bytes)));
        self.hold(name, bytes);
        id
    }

    /// A file that was there before the log begins.
    fn hold(&mut self, name: &str, bytes: Bytes) {
        self.names.insert(name.to_owned(), self.files.len());
        self.files.push(bytes);
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// A disk with `files` on it; its log begins after them.
    pub(crate) fn of(files: Files) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.0.lock().unwrap();
            for (name, bytes) in files {
                state.hold(&name, bytes);
            }
        }
        disk
    }

    /// How many operations there were.
    pub(crate) fn now(&self) -> usize {
        self.0.lock().unwrap().log.len()
    }

    pub(crate) fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.0.lock().unwrap().log)
    }

    /// After `left` more writes, syncs and changes of length everything fails.
    pub(crate) fn fail_after(&self, left: u64, kind: io::ErrorKind) {
        self.0.lock().unwrap().left = Some((left, kind));
    }
}

/// Name -> bytes after a crash.
pub(crate) type Files = BTreeMap<String, Bytes>;

/// What is on the disk while a log is played, and what a crash may make of it.
#[derive(Default)]
pub(crate) struct Platter {
    sure: Vec<Bytes>,
    pending: Vec<Vec<Op>>,
    names: BTreeMap<String, usize>,
}

impl Platter {
    /// The disk of [`SimDisk::of`] before its log begins.
    pub(crate) fn of(files: &Files) -> Self {
        let mut platter = Self::default();
        for (name, bytes) in files {
            platter.names.insert(name.clone(), platter.sure.len());
            platter.sure.push(Arc::clone(bytes));
            platter.pending.push(Vec::new());
        }
        platter
    }

    /// Plays one operation. A disk that lies drops every sync.
    pub(crate) fn play(&mut self, op: &Op, lies: bool) {
        match op {
            Op::Create(id, name, bytes) => {
                self.sure.resize(id + 1, Bytes::default());
                self.pending.resize(id + 1, Vec::new());
                self.sure[*id] = Arc::clone(bytes);
                self.names.insert(name.clone(), *id);
            }
            Op::Write(id, ..) | Op::SetLen(id, _) => self.pending[*id].push(op.clone()),
            Op::Sync(id) => {
                if !lies {
                    for op in std::mem::take(&mut self.pending[*id]) {
                        apply(Arc::make_mut(&mut self.sure[*id]), &op, |_| true);
                    }
                }
            }
            Op::Rename(from, to) => {
                let id = self.names.remove(from).unwrap();
                self.names.insert(to.clone(), id);
            }
            Op::Remove(name) => {
                self.names.remove(name);
            }
        }
    }

    /// One of the states that a crash now may leave.
    pub(crate) fn crash(&self, dice: &mut Dice) -> Files {
        let mood = dice.below(4);
        let mut keep = |_| match mood {
            0 => false,
            1 => true,
            2 => dice.below(2) == 0,
            _ => dice.below(8) != 0,
        };
        let file = |(name, id): (&String, &usize)| {
            let mut bytes = Arc::clone(&self.sure[*id]);
            self.pending[*id].iter().for_each(|op| apply(Arc::make_mut(&mut bytes), op, &mut keep));
            (name.clone(), bytes)
        };
        self.names.iter().map(file).collect()
    }
}

/// Applies the sectors of `op` that `keep` keeps. What lies beyond the length is lost.
fn apply(bytes: &mut Vec<u8>, op: &Op, mut keep: impl FnMut(usize) -> bool) {
    match op {
        Op::SetLen(_, length) if keep(0) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        Op::Write(_, offset, data) => {
            let mut at = usize::try_from(*offset).unwrap();
            let mut rest = data.as_slice();
            while !rest.is_empty() {
                let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                if keep(at) && at + sector.len() <= bytes.len() {
                    bytes[at..at + sector.len()].copy_from_slice(sector);
                }
                at += sector.len();
                rest = after;
            }
        }
        _ => {}
    }
}

#[derive(Debug)]
struct SimFile(Arc<Mutex<State>>, usize);

impl StorageBackend for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().files[self.1].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let held = state.files[self.1].get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(held);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        Arc::make_mut(&mut state.files[self.1]).resize(usize::try_from(len).unwrap(), 0);
        state.log.push(Op::SetLen(self.1, len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.log.push(Op::Sync(self.1));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        let at = usize::try_from(offset).unwrap();
        Arc::make_mut(&mut state.files[self.1])
            .get_mut(at..at + data.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?
            .copy_from_slice(data);
        state.log.push(Op::Write(self.1, offset, data.to_vec()));
        Ok(())
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().names.keys().cloned().collect())
    }

    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn StorageBackend>> {
        let mut state = self.0.lock().unwrap();
        let id = match state.names.get(name) {
            Some(id) => *id,
            None if create => state.create(name, Bytes::default()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Box::new(SimFile(Arc::clone(&self.0), id)))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let state = self.0.lock().unwrap();
        let id = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files[*id].len() as u64)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let id = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files[*id].to_vec())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.create(&format!("{name}.new"), Arc::new(bytes.to_vec()));
        drop(state);
        self.rename(&format!("{name}.new"), name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let id = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), id);
        state.log.push(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.log.push(Op::Remove(name.to_owned()));
        Ok(())
    }

    fn lock(&self, _: &str) -> io::Result<Lock> {
        let nobody: Box<dyn Any + Send + Sync> = Box::new(());
        Ok(Lock::Held(nobody))
    }
}
