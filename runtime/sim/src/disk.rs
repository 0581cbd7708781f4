//! A disk that forgets, tears and reorders what was not synced.
//!
//! Only what a sync covered is sure. Of the rest, each 512-byte sector of each write may be there after a crash or not, in any
//! combination, and each change of length too. Renaming, replacing and removing are durable at once, as `Disk` promises. A disk
//! that lies says that it synced and did not: the control that the laws must catch.

use crate::seed::Dice;
use redb::StorageBackend;
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xops_journal::disk::{Disk, Lock};

/// What a device writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// A change that no sync has covered.
#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// One file: as the process sees it, as it is sure to be, and what lies between.
#[derive(Debug, Default)]
struct File {
    seen: Vec<u8>,
    sure: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    /// Writes, syncs and changes of length that still succeed, and what the next one is answered with.
    left: Option<(u64, io::ErrorKind)>,
    lies: bool,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    pub(crate) fn new(lies: bool) -> Self {
        let disk = Self::default();
        disk.state().lies = lies;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After `left` more writes, syncs and changes of length everything fails with `kind`.
    pub(crate) fn fail_after(&self, left: u64, kind: io::ErrorKind) {
        self.state().left = Some((left, kind));
    }

    /// The machine goes down and comes back: what was not synced is there, or not, as the dice say.
    pub(crate) fn crash(&self, dice: &mut Dice) {
        let mut state = self.state();
        state.left = None;
        let mood = dice.below(4);
        let mut keep = || match mood {
            0 => false,
            1 => true,
            2 => dice.chance(500),
            _ => dice.chance(875),
        };
        // A file of which all is synced is as the process saw it: sealed files are, and there are many.
        for file in state.files.iter_mut().filter(|file| !file.pending.is_empty()) {
            for change in std::mem::take(&mut file.pending) {
                apply(&mut file.sure, &change, &mut keep);
            }
            file.seen.clone_from(&file.sure);
        }
    }
}

/// Applies what `keep` keeps of a change, sector by sector. What lies beyond the length is lost.
fn apply(bytes: &mut Vec<u8>, change: &Pending, keep: &mut impl FnMut() -> bool) {
    match change {
        Pending::Length(length) => {
            if keep() {
                bytes.resize(*length, 0);
            }
        }
        Pending::Write(offset, data) => {
            let (mut at, mut rest) = (*offset, data.as_slice());
            while !rest.is_empty() {
                let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                if keep()
                    && let Some(held) = bytes.get_mut(at..at + sector.len())
                {
                    held.copy_from_slice(sector);
                }
                at += sector.len();
                rest = after;
            }
        }
    }
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

    fn id(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> usize {
        self.names.insert(name.to_owned(), self.files.len());
        self.files.push(File { seen: bytes.to_vec(), sure: bytes.to_vec(), pending: Vec::new() });
        self.files.len() - 1
    }
}

/// An open file.
#[derive(Debug)]
struct Open(SimDisk, usize);

fn place(offset: u64, length: usize, held: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let end = start.checked_add(length).filter(|end| *end <= held).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(start..end)
}

impl StorageBackend for Open {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().files[self.1].seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.state();
        let seen = &state.files[self.1].seen;
        out.copy_from_slice(&seen[place(offset, out.len(), seen.len())?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.state();
        state.spend()?;
        let length = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let file = &mut state.files[self.1];
        file.seen.resize(length, 0);
        file.pending.push(Pending::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.state();
        state.spend()?;
        if !state.lies {
            let file = &mut state.files[self.1];
            for change in std::mem::take(&mut file.pending) {
                match change {
                    Pending::Length(length) => file.sure.resize(length, 0),
                    // A write lay within the length that the file had then.
                    Pending::Write(at, data) => file.sure[at..at + data.len()].copy_from_slice(&data),
                }
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        state.spend()?;
        let file = &mut state.files[self.1];
        let place = place(offset, data.len(), file.seen.len())?;
        file.pending.push(Pending::Write(place.start, data.to_vec()));
        file.seen[place].copy_from_slice(data);
        Ok(())
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn open(&self, name: &str, create: bool) -> io::Result<Box<dyn StorageBackend>> {
        let mut state = self.state();
        let id = match state.id(name) {
            Err(_) if create => state.create(name, &[]),
            found => found?,
        };
        drop(state);
        Ok(Box::new(Open(self.clone(), id)))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let state = self.state();
        Ok(state.files[state.id(name)?].seen.len() as u64)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.files[state.id(name)?].seen.clone())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.create(name, bytes);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let id = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.names.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn lock(&self, _name: &str) -> io::Result<Lock> {
        // One process plays here: a death frees what it held.
        let nobody: Box<dyn Any + Send + Sync> = Box::new(());
        Ok(Lock::Held(nobody))
    }
}
