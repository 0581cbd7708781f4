//! What stays of files that were exported and removed: the file `journal.kept`.
//!
//! Absent: the events of instances that ended, which are in the exported files and nowhere else here. What stays is what the rest
//! cannot do without: the lines of the removed files, so that a file which is missing without one is still missed; the edge of the
//! tree over their events, so that the rest is held to the same checkpoints as before; the tenant's own events, and those of
//! instances which went on behind the removed files. So everything folds from its first event on to what it folded to before.
//! The whole file bears a keyed check; the events lie in frames of their own, sealed as in any file.

#[cfg(fuzzing)]
pub mod forged;

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::{self, Batch, FRAME_BYTES_MAX, Kind, Place, array};
use crate::keys::Keys;
use crate::merkle::Frontier;
use crate::random::Random;
use crate::segment::{self, Head, Preamble, Sealed};
use crate::walk::Event;

/// The name of the file.
pub const KEPT_FILE: &str = "journal.kept";
const MAGIC: [u8; 8] = *b"XOJK\x01\0\0\0";
/// Bytes of events after which a frame is closed.
const FRAME_BYTES: usize = 1 << 20;
/// The longest run of events in a frame.
const RUN_MAX: u32 = 65_536;

/// See the module.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it belongs to.
    pub preamble: Preamble,
    /// The files that were removed, from the first.
    pub lines: Vec<Sealed>,
    /// The edge of the tree over all their events.
    pub edge: Frontier,
    /// When the last of them were removed, in milliseconds since 1970.
    pub at: u64,
    /// How many of their events stayed.
    pub events: u64,
    frames: Vec<Vec<u8>>,
}

/// The events that stay, on their way into the file.
pub(crate) struct Keeping<'k> {
    keys: &'k Keys,
    place: Place,
    batch: Batch,
    next: u64,
    events: u64,
    frames: Vec<Vec<u8>>,
}

impl<'k> Keeping<'k> {
    pub(crate) fn new(keys: &'k Keys, random: &dyn Random) -> Result<Self, Error> {
        let mut salt = [0; 4];
        random.fill(&mut salt)?;
        let place = Place { file: 0, first_seq: 0, prev: [0; 32], salt };
        Ok(Self { keys, place, batch: Batch::default(), next: 0, events: 0, frames: Vec::new() })
    }

    /// Takes one event; they come in order.
    pub(crate) fn push(&mut self, seq: u64, stream: u64, body: &[u8]) -> Result<(), Error> {
        let full = self.batch.frame_bytes() + body.len() > FRAME_BYTES || self.batch.count() >= RUN_MAX;
        if seq != self.next || full {
            self.close();
            self.place.first_seq = seq;
        }
        self.batch.push(stream, body)?;
        self.next = seq + 1;
        self.events += 1;
        Ok(())
    }

    fn close(&mut self) {
        if !self.batch.is_empty() {
            let sealed = self.batch.seal(Kind::Events, &self.place, self.keys.frames());
            let (bytes, hash) = (sealed.bytes.to_vec(), sealed.hash);
            self.frames.push(bytes);
            self.place.prev = hash;
            self.batch.clear();
        }
    }

    pub(crate) fn finish(mut self, preamble: Preamble, lines: Vec<Sealed>, edge: Frontier, at: u64) -> Kept {
        self.close();
        Kept { preamble, lines, edge, at, events: self.events, frames: self.frames }
    }
}

impl Kept {
    /// Reads the file on `disk`; `None` if nothing was ever removed.
    pub fn read(disk: &dyn Disk, keys: &Keys) -> Result<Option<Self>, Error> {
        match disk.read(KEPT_FILE) {
            Ok(bytes) => Self::parse(&bytes, keys).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("read `{KEPT_FILE}`"))(error)),
        }
    }

    /// Reads its bytes.
    pub(crate) fn parse(bytes: &[u8], keys: &Keys) -> Result<Self, Error> {
        let damaged = || Error::damaged(KEPT_FILE, 0, 0, "it is not what was written");
        let (said, check) = bytes.split_at_checked(bytes.len().saturating_sub(32)).ok_or_else(damaged)?;
        let mut rest = said.strip_prefix(&MAGIC).ok_or_else(damaged)?;
        let head = part(&mut rest).ok_or_else(damaged)?;
        let (preamble, lines) = segment::decode(head).ok_or_else(damaged)?;
        // Under another key everything fails its check: that it is another key is what there is to say.
        preamble.admit(KEPT_FILE, keys)?;
        if blake3::keyed_hash(keys.head(), said) != blake3::Hash::from_bytes(array(check, 0)) {
            return Err(damaged());
        }
        let edge =
            part(&mut rest).and_then(|edge| Frontier::decode(edge, keys.tree())).ok_or_else(damaged)?;
        let (numbers, mut rest) = rest.split_at_checked(16).ok_or_else(damaged)?;
        let (at, events) = (u64::from_le_bytes(array(numbers, 0)), u64::from_le_bytes(array(numbers, 8)));
        let mut frames = Vec::new();
        while !rest.is_empty() {
            frames.push(part(&mut rest).ok_or_else(damaged)?.to_vec());
        }
        let known = lines.last().map(|line| line.last_seq);
        if known != Some(edge.size()) {
            return Err(damaged());
        }
        Ok(Self { preamble, lines, edge, at, events, frames })
    }

    /// Its bytes.
    pub(crate) fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put(&mut out, &segment::encode(&self.preamble, &self.lines));
        put(&mut out, &self.edge.encode(keys.tree()));
        out.extend_from_slice(&self.at.to_le_bytes());
        out.extend_from_slice(&self.events.to_le_bytes());
        for frame in &self.frames {
            put(&mut out, frame);
        }
        let check = blake3::keyed_hash(keys.head(), &out);
        out.extend_from_slice(check.as_bytes());
        out
    }

    /// Whether a file was removed, and this stands for it.
    pub fn covers(&self, file: u32) -> bool {
        self.lines.iter().any(|line| line.file == file)
    }

    /// Where the removed files end.
    pub fn last(&self) -> Head {
        self.lines.last().map_or_else(Head::default, |line| Head { seq: line.last_seq, hash: line.last_hash })
    }

    /// Refuses a list of sealed files that does not begin with the removed ones.
    pub(crate) fn begins(&self, sealed: &[Sealed]) -> Result<(), Error> {
        let same = |(own, listed): (&Sealed, &Sealed)| {
            (own.file, own.last_seq, own.last_hash) == (listed.file, listed.last_seq, listed.last_hash)
        };
        if self.lines.len() <= sealed.len() && self.lines.iter().zip(sealed).all(same) {
            return Ok(());
        }
        Err(Error::damaged(KEPT_FILE, 0, 0, "it stands for other files than the journal lists"))
    }

    /// Visits the events that stayed, from `from_seq` on; whether `visit` asked to stop.
    pub(crate) fn visit(&self, keys: &Keys, from_seq: u64, visit: &mut Event<'_>) -> Result<bool, Error> {
        let mut buffer = Vec::new();
        let mut prev = [0; 32];
        for (ordinal, bytes) in (0..).zip(&self.frames) {
            let damaged = |what: &str| Error::damaged(KEPT_FILE, ordinal, 0, what);
            let frame = frame::open(bytes, keys.frames(), &mut buffer)
                .map_err(|_| damaged("a frame of it does not open"))?;
            if frame.prev != prev {
                return Err(damaged("a frame of it does not follow the one before it"));
            }
            prev = frame.hash;
            let events = frame.events().map_err(|_| damaged("a frame of it holds no events"))?;
            for (seq, (stream, body)) in (frame.first_seq..).zip(events) {
                if seq >= from_seq && visit(seq, stream, body).is_break() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn put(out: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("a part is a frame or shorter");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(part);
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (part, after) = after.split_at_checked(length).filter(|_| length <= FRAME_BYTES_MAX)?;
    *rest = after;
    Some(part)
}
