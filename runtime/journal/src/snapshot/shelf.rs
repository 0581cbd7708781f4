//! The shelf: where what is put away lies, in files of blocks beside the journal.
//!
//! Absent: the truth, which is in the journal; an index, which whoever put something away keeps (a place is one number). Invariants:
//! a block is sealed under the tenant's key and bound to its place in its file, so that it cannot be read from anywhere else; what
//! was not written out yet is answered from memory; nothing is durable before [`Shelf::sync`], and nothing that a snapshot
//! names is removed while that snapshot is the newest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use redb::StorageBackend;
use ring::aead::{LessSafeKey, NONCE_LEN};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    BLOCK_BYTES, BLOCK_BYTES_MAX, Bad, Piece, damaged, open_block, put_piece, read_piece, seal_block,
    seal_key, take_piece,
};
use crate::disk::Disk;
use crate::error::Error;
use crate::frame::array;
use crate::keys::Keys;
use crate::pack::Packer;
use crate::random::Random;
use crate::subjects::{Subject, SubjectKeys};

/// After so many bytes the next file is begun: files are removed as a whole.
const FILE_BYTES: u64 = 32 << 20;
/// How many blocks are kept open, for things that lie side by side and are wanted together.
const OPEN_BLOCKS: usize = 8;
/// How many things one block holds at the most: a place has 16 bits for them.
const SLOTS_MAX: usize = 60_000;
const SLOT_BITS: u32 = 16;
/// A place has so many bits; whoever keeps it may use those above.
pub const PLACE_BITS: u32 = 56;

/// Where a block lies: what a snapshot keeps of the shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The block's number.
    pub block: u64,
    /// Its file.
    pub file: u32,
    /// Where in the file.
    pub at: u64,
    /// Its length.
    pub bytes: u32,
}

struct File {
    backend: Box<dyn StorageBackend>,
    length: u64,
    dirty: bool,
}

struct Block {
    line: Line,
    /// How many of its things were not released.
    live: u32,
}

/// The block that is being filled.
#[derive(Default)]
struct Filling {
    bytes: Vec<u8>,
    /// Where each thing begins in it.
    starts: Vec<usize>,
    live: u32,
}

/// See the module.
pub struct Shelf {
    disk: Arc<dyn Disk>,
    random: Box<dyn Random>,
    key: LessSafeKey,
    packer: Packer,
    files: BTreeMap<u32, File>,
    blocks: BTreeMap<u64, Block>,
    filling: Filling,
    next_block: u64,
    next_file: u32,
    /// Blocks that were read lately.
    open: VecDeque<(u64, Arc<Vec<u8>>)>,
}

impl Shelf {
    /// An empty shelf. Files that an earlier one left are removed.
    pub fn empty(disk: Arc<dyn Disk>, random: Box<dyn Random>, keys: &Keys) -> Result<Self, Error> {
        let shelf = Self {
            disk,
            random,
            key: seal_key(keys),
            packer: Packer::default(),
            files: BTreeMap::new(),
            blocks: BTreeMap::new(),
            filling: Filling::default(),
            next_block: 1,
            next_file: 1,
            open: VecDeque::new(),
        };
        shelf.remove_all_but(&BTreeSet::new())?;
        Ok(shelf)
    }

    /// The shelf as a snapshot knew it, with the places that are still in use. What came later is cut off.
    pub fn resume(
        disk: Arc<dyn Disk>,
        random: Box<dyn Random>,
        keys: &Keys,
        lines: &[Line],
        places: impl Iterator<Item = u64>,
    ) -> Result<Self, Bad> {
        let names: BTreeSet<String> =
            disk.list().map_err(Error::io("list the journal directory"))?.into_iter().collect();
        let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
        for line in lines {
            let end = ends.entry(line.file).or_default();
            *end = (*end).max(line.at.saturating_add(u64::from(line.bytes)));
        }
        let mut files = BTreeMap::new();
        for (file, end) in ends {
            let name = name(file);
            if !names.contains(&name) {
                return Err(damaged(format!("`{name}` is missing")));
            }
            let backend = disk.open(&name, false).map_err(Error::io(format!("open `{name}`")))?;
            if backend.len().map_err(Error::io(format!("measure `{name}`")))? < end {
                return Err(damaged(format!("`{name}` is cut short")));
            }
            files.insert(file, File { backend, length: end, dirty: false });
        }
        let mut blocks: BTreeMap<u64, Block> =
            lines.iter().map(|line| (line.block, Block { line: *line, live: 0 })).collect();
        // Those that were put away one after the other lie side by side: a block is looked up once for all of them.
        let mut places = places.map(|place| place >> SLOT_BITS).peekable();
        while let Some(number) = places.next() {
            let block = blocks.get_mut(&number).ok_or_else(|| damaged("it names no such block"))?;
            block.live += 1;
            while places.next_if_eq(&number).is_some() {
                block.live += 1;
            }
        }
        let next_block = blocks.keys().next_back().map_or(1, |last| last + 1);
        let next_file = files.keys().next_back().map_or(1, |last| last + 1);
        let shelf = Self {
            disk,
            random,
            key: seal_key(keys),
            packer: Packer::default(),
            files,
            blocks,
            filling: Filling::default(),
            next_block,
            next_file,
            open: VecDeque::new(),
        };
        let kept = shelf.files.keys().copied().collect();
        shelf.remove_all_but(&kept)?;
        for (file, of) in &shelf.files {
            of.backend.set_len(of.length).map_err(Error::io(format!("cut `{}`", name(*file))))?;
        }
        Ok(shelf)
    }

    /// Puts a value away; where it lies. `None` if the subject's key was destroyed: it cannot be kept.
    pub fn put<T: Serialize>(
        &mut self,
        value: &T,
        subject: Option<Subject>,
        keys: &SubjectKeys,
    ) -> Result<Option<u64>, Bad> {
        let start = self.filling.bytes.len();
        if !put_piece(value, subject, keys, &mut self.filling.bytes)? {
            return Ok(None);
        }
        let slot = self.filling.starts.len() as u64;
        self.filling.starts.push(start);
        self.filling.live += 1;
        let place = self.next_block << SLOT_BITS | slot;
        if self.filling.bytes.len() >= BLOCK_BYTES || self.filling.starts.len() >= SLOTS_MAX {
            self.write_out()?;
        }
        Ok(Some(place))
    }

    /// What lies at a place; `None` if its subject's key was destroyed.
    pub fn get<T: DeserializeOwned>(&mut self, place: u64, keys: &SubjectKeys) -> Result<Option<T>, Bad> {
        let (number, slot) = split(place);
        let nothing = || damaged("nothing lies at that place of the shelf");
        if number == self.next_block {
            let start = *self.filling.starts.get(slot).ok_or_else(nothing)?;
            let mut rest = &self.filling.bytes[start..];
            return read_piece(&take_piece(&mut rest).ok_or_else(nothing)?, keys);
        }
        let bytes = self.read(number)?;
        let mut rest = bytes.as_slice();
        let mut piece: Option<Piece<'_>> = None;
        for _ in 0..=slot {
            piece = take_piece(&mut rest);
            if piece.is_none() {
                return Err(nothing());
            }
        }
        piece.map_or_else(|| Err(nothing()), |piece| read_piece(&piece, keys))
    }

    /// Takes note that what lies there is not wanted any more.
    pub fn release(&mut self, place: u64) {
        let (number, _) = split(place);
        if number == self.next_block {
            self.filling.live = self.filling.live.saturating_sub(1);
        } else if let Some(block) = self.blocks.get_mut(&number) {
            block.live = block.live.saturating_sub(1);
        }
    }

    /// Writes out what is still in memory and makes everything durable.
    pub fn sync(&mut self) -> Result<(), Bad> {
        self.write_out()?;
        for (file, of) in self.files.iter_mut().filter(|(_, of)| of.dirty) {
            of.backend.sync_data().map_err(Error::io(format!("sync `{}`", name(*file))))?;
            of.dirty = false;
        }
        Ok(())
    }

    /// The blocks that hold any of `places`: what a snapshot keeps.
    pub fn lines(&self, places: impl Iterator<Item = u64>) -> Vec<Line> {
        let wanted: BTreeSet<u64> = places.map(|place| place >> SLOT_BITS).collect();
        wanted.iter().filter_map(|block| self.blocks.get(block)).map(|block| block.line).collect()
    }

    /// Removes the files that hold nothing which is wanted now or by the newest snapshot, which kept `lines`.
    pub fn retire(&mut self, lines: &[Line]) -> Result<(), Error> {
        let named: BTreeSet<u64> = lines.iter().map(|line| line.block).collect();
        self.blocks.retain(|number, block| block.live > 0 || named.contains(number));
        let newest = self.files.keys().next_back().copied();
        let kept: BTreeSet<u32> = self.blocks.values().map(|block| block.line.file).chain(newest).collect();
        self.files.retain(|file, _| kept.contains(file));
        self.open.clear();
        self.remove_all_but(&kept)
    }

    /// How many bytes lie in its files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.length).sum()
    }

    fn write_out(&mut self) -> Result<(), Bad> {
        if self.filling.starts.is_empty() {
            return Ok(());
        }
        let filled = std::mem::take(&mut self.filling);
        let full = self.files.last_key_value().is_none_or(|(_, file)| file.length >= FILE_BYTES);
        if full {
            let name = name(self.next_file);
            let backend = self.disk.open(&name, true).map_err(Error::io(format!("create `{name}`")))?;
            self.files.insert(self.next_file, File { backend, length: 0, dirty: true });
            self.next_file += 1;
        }
        let Some(mut entry) = self.files.last_entry() else { return Err(damaged("it has no file")) };
        let number = *entry.key();
        let file = entry.get_mut();
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce)?;
        let at = file.length;
        let sealed = seal_block(&filled.bytes, &self.key, nonce, &bound(number, at), &mut self.packer);
        let io = |error| Error::io(format!("write `{}`", name(number)))(error);
        file.backend.set_len(at + NONCE_LEN as u64 + sealed.len() as u64).map_err(io)?;
        file.backend.write(at, &nonce).map_err(io)?;
        file.backend.write(at + NONCE_LEN as u64, &sealed).map_err(io)?;
        let bytes = u32::try_from(NONCE_LEN + sealed.len()).map_err(|_| damaged("a block is too long"))?;
        file.length += u64::from(bytes);
        file.dirty = true;
        let line = Line { block: self.next_block, file: number, at, bytes };
        self.blocks.insert(self.next_block, Block { line, live: filled.live });
        self.next_block += 1;
        Ok(())
    }

    /// The content of a block that was written out.
    fn read(&mut self, number: u64) -> Result<Arc<Vec<u8>>, Bad> {
        if let Some((_, bytes)) = self.open.iter().find(|(open, _)| *open == number) {
            return Ok(Arc::clone(bytes));
        }
        let line = self.blocks.get(&number).map(|block| block.line);
        let line = line.ok_or_else(|| damaged("nothing lies at that place of the shelf"))?;
        let file = self.files.get(&line.file).ok_or_else(|| damaged("a file of the shelf is gone"))?;
        if line.bytes as usize > BLOCK_BYTES_MAX || (line.bytes as usize) < NONCE_LEN {
            return Err(damaged("a block has an impossible length"));
        }
        let mut sealed = vec![0; line.bytes as usize];
        file.backend.read(line.at, &mut sealed).map_err(Error::io(format!("read `{}`", name(line.file))))?;
        let nonce = array(&sealed, 0);
        let content = open_block(&mut sealed[NONCE_LEN..], &self.key, nonce, &bound(line.file, line.at))?;
        let content = Arc::new(content);
        if self.open.len() >= OPEN_BLOCKS {
            self.open.pop_front();
        }
        self.open.push_back((number, Arc::clone(&content)));
        Ok(content)
    }

    fn remove_all_but(&self, kept: &BTreeSet<u32>) -> Result<(), Error> {
        let names = self.disk.list().map_err(Error::io("list the journal directory"))?;
        for found in &names {
            let number = found.strip_prefix("shelf-").and_then(|rest| rest.strip_suffix(".xops"));
            if number.and_then(|number| number.parse().ok()).is_some_and(|number| !kept.contains(&number)) {
                self.disk.remove(found).map_err(Error::io(format!("remove `{found}`")))?;
            }
        }
        Ok(())
    }
}

fn split(place: u64) -> (u64, usize) {
    (place >> SLOT_BITS, usize::try_from(place & ((1 << SLOT_BITS) - 1)).unwrap_or(usize::MAX))
}

fn name(file: u32) -> String {
    format!("shelf-{file:06}.xops")
}

/// What a block is bound to besides its key: where it stands.
fn bound(file: u32, at: u64) -> [u8; 12] {
    let mut bound = [0; 12];
    bound[..4].copy_from_slice(&file.to_le_bytes());
    bound[4..].copy_from_slice(&at.to_le_bytes());
    bound
}
