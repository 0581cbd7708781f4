//! The ahead file: frames that are durable and wait for their place in redb.
//!
//! Absent: keys, and any frame that would stay here: redb takes all of them, many in one commit, before their pages are used again.
//!
//! - Its pages are written once, when it is made: a later append changes data only, and costs one write and one sync.
//! - A frame begins a page of its own, so that nothing acknowledged is written over before redb has it.
//! - A pass fills the pages from the first one on. It is announced in the header, durably, before redb says that it has begun, in the
//!   commit that takes the frames of the pass before. So an ahead file that is gone or older than redb is told, and redb older than it.
//! - One append is under way at a time. What lies torn behind the last whole frame was never acknowledged, and is passed over; a
//!   frame that is not whole though a later one is there is damage, and is named.
//!
//! ```text
//! page 0, page 1   header of an even, of an odd pass: magic (8), pass (8), last event before it (8), length of the file (8),
//!                  journal (16), BLAKE3 of these (32)
//! page 2 and on    frames as `frame` writes them, zeros up to the end of the page
//! ```

#[cfg(fuzzing)]
pub mod forged;

use std::collections::VecDeque;
use std::io;
use std::ops::{ControlFlow, Range};

use redb::StorageBackend;

use crate::disk::Disk;
use crate::embedded::file_name;
use crate::error::Error;
use crate::frame::{Outline, SealedFrame, array, outline};
use crate::segment::Preamble;
use crate::store::{Frames, Visit};

/// The name of the ahead file.
pub const AHEAD_FILE: &str = "journal.ahead";
/// What the page cache writes as one: a shorter step would write acknowledged bytes again.
const PAGE_BYTES: usize = 4096;
const HEADERS: usize = 2;
const MAGIC: [u8; 8] = *b"XOJA\x01\0\0\0";
const SAID_BYTES: usize = 8 + 8 + 8 + 8 + 16;
const HEADER_BYTES: usize = SAID_BYTES + 32;

/// Where redb ends, and which pass it knows of: the frames of the ahead file go on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    /// The pass that has begun; 0 if redb knows of no ahead file.
    pub(crate) pass: u64,
    /// What the journal is known by.
    pub(crate) journal: [u8; 16],
    /// The number of the newest file.
    pub(crate) file: u32,
    /// The sequence number of the event after its last.
    pub(crate) next_seq: u64,
    /// The hash of its last frame.
    pub(crate) tip: [u8; 32],
}

impl Base {
    /// Where `frames` of file `file` end; `None` if their last is not whole or of another file, which a walk will tell.
    pub(crate) fn of(frames: &dyn Frames, file: u32, pass: u64) -> Result<Option<Self>, Error> {
        let preamble = frames.preamble()?;
        let mut last = None;
        frames.scan(u64::MAX, &mut |_, bytes| {
            last = outline(bytes).filter(|said| said.length == bytes.len() && said.file == file);
            Ok(ControlFlow::Break(()))
        })?;
        let of = |said: Outline| Self {
            pass,
            journal: preamble.journal,
            file,
            next_seq: said.next_seq(),
            tip: said.hash,
        };
        Ok(last.map(of))
    }
}

/// What a header says.
#[derive(Debug, Clone, Copy)]
struct Header {
    pass: u64,
    last_seq: u64,
    length: u64,
    journal: [u8; 16],
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..16].copy_from_slice(&self.pass.to_le_bytes());
        out[16..24].copy_from_slice(&self.last_seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.length.to_le_bytes());
        out[32..SAID_BYTES].copy_from_slice(&self.journal);
        let hash = blake3::hash(&out[..SAID_BYTES]);
        out[SAID_BYTES..].copy_from_slice(hash.as_bytes());
        out
    }

    fn decode(page: &[u8]) -> Option<Self> {
        let (said, hash) = page.get(..HEADER_BYTES)?.split_at(SAID_BYTES);
        (said[..8] == MAGIC && blake3::hash(said).as_bytes() == hash).then(|| Self {
            pass: u64::from_le_bytes(array(said, 8)),
            last_seq: u64::from_le_bytes(array(said, 16)),
            length: u64::from_le_bytes(array(said, 24)),
            journal: array(said, 32),
        })
    }

    /// Where the header of a pass lies.
    fn place(pass: u64) -> usize {
        if pass.is_multiple_of(2) { 0 } else { PAGE_BYTES }
    }
}

/// A frame that lies whole in the ahead file.
#[derive(Debug, Clone)]
struct Record {
    place: Range<usize>,
    said: Outline,
}

/// What an ahead file holds.
#[derive(Debug)]
pub(crate) struct Look {
    length: u64,
    header: Option<Header>,
    records: Vec<Record>,
}

/// What redb does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// First sequence number and place of each frame, in order.
    pub(crate) frames: Vec<(u64, Range<usize>)>,
    /// Where it breaks off though later frames are there.
    pub(crate) broken: Option<Broken>,
    /// Those later ones.
    pub(crate) beyond: Vec<(u64, Range<usize>)>,
}

/// A place where the chain of what is live ends too early.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The ordinal of the page.
    pub(crate) page: u64,
    /// The sequence number of the frame that is not there.
    pub(crate) seq: u64,
    /// What is wrong.
    pub(crate) error: Error,
}

impl Look {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let header = |pass| bytes.get(Header::place(pass)..).and_then(Header::decode);
        let header = [header(0), header(1)].into_iter().flatten().max_by_key(|header| header.pass);
        let (mut records, mut at) = (Vec::new(), HEADERS * PAGE_BYTES);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(said) = outline(rest).filter(|said| said.events) else {
                at += PAGE_BYTES;
                continue;
            };
            records.push(Record { place: at..at + said.length, said });
            at += padded(said.length);
        }
        Self { length: bytes.len() as u64, header, records }
    }

    /// Whether any frame lies in it, live or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Refuses an ahead file that does not belong beside what `base` says.
    pub(crate) fn admit(&self, base: &Base) -> Result<(), Error> {
        let damaged = |what: &str| Err(Error::damaged(AHEAD_FILE, 0, 0, what));
        let Some(header) = self.header else { return damaged("its header is not what was written") };
        if header.journal != base.journal {
            return damaged("it belongs to another journal");
        }
        if header.length != self.length {
            let what = format!("it has {} bytes and was made with {}", self.length, header.length);
            return damaged(&what);
        }
        if header.pass < base.pass {
            return damaged("it is an older copy than the journal beside it");
        }
        if header.pass > base.pass + 1 {
            let found = format!("its files end at {}", base.next_seq.saturating_sub(1));
            return Err(Error::RolledBack { expected: header.last_seq, found });
        }
        Ok(())
    }

    /// The frames that go on from `base`.
    pub(crate) fn live(&self, base: &Base) -> Live {
        let mut live = Live::default();
        let (mut next_seq, mut tip) = (base.next_seq, base.tip);
        let mut records: VecDeque<&Record> = self.records.iter().collect();
        let (mut page, mut strange) = (HEADERS * PAGE_BYTES, None);
        while let Some(record) = records.pop_front_if(|record| record.place.start == page) {
            let Record { place, said } = record;
            let follows = said.first_seq == next_seq && said.prev == tip;
            if !follows && said.next_seq() > next_seq {
                strange = Some(*said);
                records.push_front(record);
                break;
            }
            if follows {
                live.frames.push((said.first_seq, place.clone()));
                (next_seq, tip) = (said.next_seq(), said.hash);
            }
            page = place.start + padded(said.length);
        }
        let beyond = records.iter().filter(|record| record.said.next_seq() > next_seq);
        live.beyond = beyond.map(|record| (record.said.first_seq, record.place.clone())).collect();
        live.beyond.sort_by_key(|(seq, _)| *seq);
        if !live.beyond.is_empty() {
            let (page, seq) = ((page / PAGE_BYTES) as u64, next_seq);
            let error = match strange {
                Some(said) if said.file > base.file => Error::Missing { file: file_name(said.file) },
                // The pass begins behind the end of redb: it is redb that ends too early.
                Some(said) if live.frames.is_empty() && said.first_seq > seq => Error::RolledBack {
                    expected: said.first_seq - 1,
                    found: format!("its files end at {}", seq.saturating_sub(1)),
                },
                _ => Error::damaged(AHEAD_FILE, page, seq, HOLE),
            };
            live.broken = Some(Broken { page, seq, error });
        }
        live
    }

    /// The frames that go on from `base`, or what is wrong.
    fn frames(&self, base: &Base) -> Result<Vec<(u64, Range<usize>)>, Error> {
        self.admit(base)?;
        let live = self.live(base);
        match live.broken {
            Some(broken) => Err(broken.error),
            None => Ok(live.frames),
        }
    }
}

/// What is said of a frame that is not whole though later ones are.
const HOLE: &str = "it is not the frame that was written there, and later ones are whole";

fn padded(length: usize) -> usize {
    length.next_multiple_of(PAGE_BYTES)
}

/// The ahead file of a journal that is open for appending.
#[derive(Debug)]
pub(crate) struct Ahead {
    file: Box<dyn StorageBackend>,
    length: u64,
    journal: [u8; 16],
    /// The pass that redb knows of.
    pass: u64,
    /// Bytes for frames.
    room: usize,
    /// The pages of this pass as they lie in the file, and the frames in them.
    image: Vec<u8>,
    frames: Vec<(u64, Range<usize>)>,
    last_seq: u64,
    /// Whether `image` is what lies in the file: not before what was found at the opening is in redb.
    settled: bool,
}

impl Ahead {
    /// Makes the ahead file of `bytes` bytes, with the header of pass `pass`; it is there as a whole or not at all.
    pub(crate) fn make(disk: &dyn Disk, bytes: usize, base: &Base, pass: u64) -> Result<(), Error> {
        let mut file = vec![0; bytes.max((HEADERS + 1) * PAGE_BYTES) / PAGE_BYTES * PAGE_BYTES];
        let last_seq = base.next_seq.saturating_sub(1);
        let header = Header { pass, last_seq, length: file.len() as u64, journal: base.journal };
        let at = Header::place(pass);
        file[at..at + HEADER_BYTES].copy_from_slice(&header.encode());
        disk.replace(AHEAD_FILE, &file).map_err(Error::io(format!("make `{AHEAD_FILE}`")))
    }

    /// Opens the ahead file and reads what redb, which ends at `base`, does not have; nothing is written. `None` if there is none and
    /// redb knows of none.
    pub(crate) fn open(disk: &dyn Disk, base: &Base) -> Result<Option<Self>, Error> {
        let Some(bytes) = read(disk)? else {
            return if base.pass == 0 {
                Ok(None)
            } else {
                Err(Error::Missing { file: AHEAD_FILE.to_owned() })
            };
        };
        let found = Look::of(&bytes).frames(base)?;
        let (mut image, mut frames, mut last_seq) = (Vec::new(), Vec::new(), base.next_seq.saturating_sub(1));
        for (seq, place) in found {
            let said = outline(&bytes[place.clone()]);
            last_seq = said.map_or(seq, |said| said.next_seq().saturating_sub(1));
            let start = image.len();
            image.extend_from_slice(&bytes[place]);
            frames.push((seq, start..image.len()));
        }
        let file = disk.open(AHEAD_FILE, false).map_err(Error::io(format!("open `{AHEAD_FILE}`")))?;
        let room = (bytes.len() / PAGE_BYTES).saturating_sub(HEADERS) * PAGE_BYTES;
        let settled = frames.is_empty();
        let (journal, pass) = (base.journal, base.pass);
        let length = bytes.len() as u64;
        Ok(Some(Self { file, length, journal, pass, room, image, frames, last_seq, settled }))
    }

    /// The pass that redb knows of.
    pub(crate) fn pass(&self) -> u64 {
        self.pass
    }

    /// Whether redb has all of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether it is time for redb to take what is here.
    pub(crate) fn is_half_full(&self) -> bool {
        !self.is_empty() && self.image.len() >= self.room / 2
    }

    /// Whether there is room for a frame of `bytes` bytes. One that takes half of all pages is redb's at once.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let pages = padded(bytes);
        self.settled && pages <= self.room.div_ceil(2) && self.image.len() + pages <= self.room
    }

    /// Stores a frame for which there is room; durable on return.
    pub(crate) fn append(&mut self, frame: &SealedFrame<'_>) -> Result<(), Error> {
        let start = self.image.len();
        self.image.extend_from_slice(frame.bytes);
        self.image.resize(start + padded(frame.bytes.len()), 0);
        let at = (HEADERS * PAGE_BYTES + start) as u64;
        self.put(at, &self.image[start..])?;
        self.frames.push((frame.first_seq, start..start + frame.bytes.len()));
        self.last_seq = frame.first_seq + u64::from(frame.count) - 1;
        Ok(())
    }

    /// Announces the next pass: from now on redb may say that it has begun.
    pub(crate) fn announce(&self) -> Result<(), Error> {
        let (last_seq, length, journal) = (self.last_seq, self.length, self.journal);
        let header = Header { pass: self.pass + 1, last_seq, length, journal };
        self.put(Header::place(header.pass) as u64, &header.encode())
    }

    /// Begins the pass that was announced: redb has said so.
    pub(crate) fn turn(&mut self) {
        self.pass += 1;
        self.image.clear();
        self.frames.clear();
        self.settled = true;
    }

    /// The frames that redb does not have, in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.frames.iter().map(|(seq, place)| (*seq, &self.image[place.clone()]))
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let put = self.file.write(at, bytes).and_then(|()| self.file.sync_data());
        put.map_err(Error::io(format!("write `{AHEAD_FILE}`")))
    }
}

/// The bytes of the ahead file, if there is one.
pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Vec<u8>>, Error> {
    match disk.read_back(AHEAD_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("read `{AHEAD_FILE}`"))(error)),
    }
}

/// Visits the frames of `base` from the one that holds `from_seq`, then those ahead of it.
pub(crate) fn scan<'a>(
    base: &dyn Frames,
    ahead: impl Iterator<Item = (u64, &'a [u8])>,
    from_seq: u64,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let ahead: Vec<(u64, &[u8])> = ahead.collect();
    let start = ahead.partition_point(|(seq, _)| *seq <= from_seq);
    if start == 0 {
        let mut stopped = false;
        base.scan(from_seq, &mut |key, bytes| {
            let flow = visit(key, bytes)?;
            stopped = flow.is_break();
            Ok(flow)
        })?;
        if stopped {
            return Ok(());
        }
    }
    for (seq, bytes) in &ahead[start.saturating_sub(1)..] {
        if visit(*seq, bytes)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The frames of a file and of the ahead file beside it, for a reader.
pub(crate) struct Joined {
    base: Box<dyn Frames + Send>,
    bytes: Vec<u8>,
    frames: Vec<(u64, Range<usize>)>,
}

impl Joined {
    /// Joins `base`, the frames of file `file`, and the `bytes` of the ahead file, which were read before it. `pass` is what
    /// the file says of it, where it can be asked.
    pub(crate) fn of(
        base: Box<dyn Frames + Send>,
        file: u32,
        bytes: Option<Vec<u8>>,
        pass: Option<u64>,
    ) -> Result<Self, Error> {
        let end = Base::of(&*base, file, pass.unwrap_or(0))?;
        let (Some(bytes), Some(end)) = (bytes, end) else {
            return if pass.is_some_and(|pass| pass > 0) && end.is_some() {
                Err(Error::Missing { file: AHEAD_FILE.to_owned() })
            } else {
                Ok(Self { base, bytes: Vec::new(), frames: Vec::new() })
            };
        };
        let look = Look::of(&bytes);
        let frames = if pass.is_some() { look.frames(&end)? } else { look.live(&end).frames };
        Ok(Self { base, bytes, frames })
    }
}

impl Frames for Joined {
    fn preamble(&self) -> Result<Preamble, Error> {
        self.base.preamble()
    }

    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
        let ahead = self.frames.iter().map(|(seq, place)| (*seq, &self.bytes[place.clone()]));
        scan(&*self.base, ahead, from_seq, visit)
    }
}

#[cfg(test)]
mod tests;
