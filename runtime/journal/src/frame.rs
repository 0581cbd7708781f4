//! The bytes of a frame: header, sealed events, tag, hash. Version 1, codecs 1 and 2.
//!
//! Nothing here knows files or stores. Absent: any length that is trusted before it is checked. A frame is read whole
//! or refused; `open` checks its hash, then its seal, before one byte of it is believed.
//!
//! ```text
//!  0  4  magic "XOJF"          16  8  first_seq
//!  4  1  version               24  4  salt, random at each open of the journal
//!  5  1  codec of the bodies   28  4  length of what is sealed, tag included
//!  6  1  kind                  32 32  hash of the frame before
//!  7  1  zero                  64  n  AES-256-GCM under the tenant's frame key, the 64 bytes above as its AAD
//!  8  4  file                   .. 16  its tag
//! 12  4  count                  .. 32  BLAKE3 of all bytes before
//! ```
//!
//! Integers are little-endian. The nonce is the salt and `first_seq`, whose top bit is set for a file's header frame: a
//! sequence number that a crash gave back is used again under another salt. What is sealed in a frame of events is,
//! `count` times: stream (LEB128), length (LEB128), body. Under codec 2 that is packed: its length in 4 bytes, then one block of
//! `pack`. A frame is packed where that is shorter by an eighth; values of persons were sealed before and stay as they are, so the
//! length of a frame says nothing of them.

#[cfg(fuzzing)]
pub mod forged;

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::error::Error;
use crate::pack::{PACK_BYTES_MIN, Packer, unpack};

/// Bytes before what is sealed.
pub const HEADER_BYTES: usize = 64;
/// Bytes of the AES-256-GCM tag.
pub const TAG_BYTES: usize = 16;
/// Bytes of the hash behind a frame.
pub const HASH_BYTES: usize = 32;
/// The longest frame, all included.
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// The longest body of one event.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// The version that this module writes.
pub const VERSION: u8 = 1;
/// Bodies are what `bincode` 2 writes with its standard configuration.
pub const CODEC_BINCODE: u8 = 1;

/// The same, packed.
pub const CODEC_PACKED: u8 = 2;

const MAGIC: [u8; 4] = *b"XOJF";
const HEADER_FRAME_BIT: u64 = 1 << 63;
/// Two LEB128 integers of 64 bits.
const PREFIX_BYTES_MAX: usize = 20;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The first frame of a file: what the file belongs to, and the files before it.
    File = 0,
    /// One group commit of events.
    Events = 1,
}

/// Where a frame stands: what its header binds besides its content.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Number of its file, from 1.
    pub file: u32,
    /// Sequence number of its first event, from 1.
    pub first_seq: u64,
    /// Hash of the frame before; zeros before the first.
    pub prev: [u8; 32],
    /// Salt of this opening of the journal.
    pub salt: [u8; 4],
}

/// A frame ready to be stored.
#[derive(Debug, Clone, Copy)]
pub struct SealedFrame<'a> {
    /// Sequence number of its first event.
    pub first_seq: u64,
    /// Number of events; 0 in a file's header frame.
    pub count: u32,
    /// Its hash, which is also the last 32 of `bytes`.
    pub hash: [u8; 32],
    /// All of it.
    pub bytes: &'a [u8],
}

/// Events on their way into one frame. Its memory is used again for the next.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    scratch: Vec<u8>,
    packed: Vec<u8>,
    packer: Packer,
    count: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
            scratch: Vec::new(),
            packed: Vec::new(),
            packer: Packer::default(),
            count: 0,
        }
    }
}

impl Batch {
    /// Adds one event of `stream`, a small integer that the caller assigned to an instance or a robot.
    pub fn push(&mut self, stream: u64, body: &[u8]) -> Result<(), Error> {
        if body.len() > EVENT_BYTES_MAX {
            return Err(Error::EventTooLarge { bytes: body.len() });
        }
        let longest = self.bytes.len() + PREFIX_BYTES_MAX + body.len() + TAG_BYTES + HASH_BYTES;
        if longest > FRAME_BYTES_MAX {
            return Err(Error::FrameFull);
        }
        put_varint(&mut self.bytes, stream);
        put_varint(&mut self.bytes, body.len() as u64);
        self.bytes.extend_from_slice(body);
        self.count += 1;
        Ok(())
    }

    /// Adds one event whose body `write` appends to an empty buffer that is used again: no allocation an event.
    pub fn push_with<E: From<Error>>(
        &mut self,
        stream: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let pushed = write(&mut scratch).and_then(|()| Ok(self.push(stream, &scratch)?));
        self.scratch = scratch;
        pushed
    }

    /// How many events it holds.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes that its frame will have.
    pub fn frame_bytes(&self) -> usize {
        self.bytes.len() + TAG_BYTES + HASH_BYTES
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets the events and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.truncate(HEADER_BYTES);
        self.count = 0;
    }

    /// Adds the content of a file's header frame, which is no event.
    pub(crate) fn set_content(&mut self, content: &[u8]) {
        self.clear();
        self.bytes.extend_from_slice(content);
    }

    /// Encrypts in place and appends tag and hash. The batch must be cleared before it is used again.
    pub(crate) fn seal(&mut self, kind: Kind, place: &Place, key: &LessSafeKey) -> SealedFrame<'_> {
        let codec = if kind == Kind::Events && self.pack() { CODEC_PACKED } else { CODEC_BINCODE };
        let sealed = self.bytes.len() - HEADER_BYTES + TAG_BYTES;
        let sealed = u32::try_from(sealed).expect("a frame is at most 16 MiB long");
        let header = header(kind, codec, self.count, sealed, place);
        let (head, content) = self.bytes.split_at_mut(HEADER_BYTES);
        head.copy_from_slice(&header);
        let tag = key
            .seal_in_place_separate_tag(nonce(kind, place.salt, place.first_seq), Aad::from(header), content)
            .expect("AES-GCM seals anything below 64 GiB");
        self.bytes.extend_from_slice(tag.as_ref());
        let hash = *blake3::hash(&self.bytes).as_bytes();
        self.bytes.extend_from_slice(&hash);
        SealedFrame { first_seq: place.first_seq, count: self.count, hash, bytes: &self.bytes }
    }

    /// Packs the content where that is worth it, and says whether it did.
    fn pack(&mut self) -> bool {
        let content = &self.bytes[HEADER_BYTES..];
        if content.len() < PACK_BYTES_MIN {
            return false;
        }
        let length = u32::try_from(content.len()).expect("a frame is at most 16 MiB long");
        self.packed.clear();
        self.packed.extend_from_slice(&self.bytes[..HEADER_BYTES]);
        self.packed.extend_from_slice(&length.to_le_bytes());
        let worth_it = self.packer.pack(content, &mut self.packed);
        if worth_it {
            std::mem::swap(&mut self.bytes, &mut self.packed);
        }
        worth_it
    }
}

/// A frame that was read, with its events still packed.
#[derive(Debug)]
pub struct Open<'a> {
    /// What it holds.
    pub kind: Kind,
    /// Number of the file that it was written to.
    pub file: u32,
    /// Number of events.
    pub count: u32,
    /// Sequence number of the first.
    pub first_seq: u64,
    /// Hash of the frame before.
    pub prev: [u8; 32],
    /// Its own hash.
    pub hash: [u8; 32],
    /// Its content, decrypted.
    pub content: &'a [u8],
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Written by a later version.
    #[error("it has format version {0}")]
    Version(u8),
    /// Not what was written.
    #[error("{0}")]
    Damaged(&'static str),
}

/// What a frame says in clear, checked as far as that goes without a key.
struct Examined<'a> {
    kind: Kind,
    packed: bool,
    header: [u8; HEADER_BYTES],
    sealed: &'a [u8],
    first_seq: u64,
    hash: [u8; 32],
}

/// Checks all of a frame but its seal.
fn examine(bytes: &[u8]) -> Result<Examined<'_>, Refused> {
    const OVERHEAD: usize = HEADER_BYTES + TAG_BYTES + HASH_BYTES;
    if bytes.len() < OVERHEAD || bytes.len() > FRAME_BYTES_MAX {
        return Err(Refused::Damaged("its length is impossible"));
    }
    let (hashed, hash) = bytes.split_at(bytes.len() - HASH_BYTES);
    if blake3::hash(hashed).as_bytes() != hash {
        return Err(Refused::Damaged("its hash does not match"));
    }
    if hashed[..4] != MAGIC {
        return Err(Refused::Damaged("it does not begin like a frame"));
    }
    if hashed[4] != VERSION {
        return Err(Refused::Version(hashed[4]));
    }
    let kind = match hashed[6] {
        0 => Kind::File,
        1 => Kind::Events,
        _ => return Err(Refused::Damaged("its kind is unknown")),
    };
    let packed = match (hashed[5], kind) {
        (CODEC_BINCODE, _) => false,
        (CODEC_PACKED, Kind::Events) => true,
        _ => return Err(Refused::Damaged("its codec is unknown")),
    };
    if hashed[7] != 0 {
        return Err(Refused::Damaged("its codec is unknown"));
    }
    let header: [u8; HEADER_BYTES] = array(hashed, 0);
    let sealed = &hashed[HEADER_BYTES..];
    if u32::from_le_bytes(array(&header, 28)) as usize != sealed.len() {
        return Err(Refused::Damaged("its length does not match"));
    }
    let first_seq = u64::from_le_bytes(array(&header, 16));
    if first_seq == 0 || first_seq >= HEADER_FRAME_BIT {
        return Err(Refused::Damaged("its sequence number is impossible"));
    }
    Ok(Examined { kind, packed, header, sealed, first_seq, hash: array(hash, 0) })
}

/// Checks all of the frame `bytes` but its seal: for one that a later frame names by its hash, the seal of that one vouches for
/// this one too.
pub(crate) fn linked(bytes: &[u8]) -> Result<Outline, Refused> {
    let Examined { kind, header, first_seq, hash, .. } = examine(bytes)?;
    Ok(Outline {
        length: bytes.len(),
        events: kind == Kind::Events,
        file: u32::from_le_bytes(array(&header, 8)),
        count: u32::from_le_bytes(array(&header, 12)),
        first_seq,
        prev: array(&header, 32),
        hash,
    })
}

/// Checks and decrypts the frame `bytes` into `buffer`, whose former content is lost.
pub fn open<'a>(bytes: &[u8], key: &LessSafeKey, buffer: &'a mut Vec<u8>) -> Result<Open<'a>, Refused> {
    let Examined { kind, packed, header, sealed, first_seq, hash } = examine(bytes)?;
    buffer.clear();
    buffer.extend_from_slice(sealed);
    let nonce = nonce(kind, array(&header, 24), first_seq);
    let content = key
        .open_in_place(nonce, Aad::from(header), buffer)
        .map_err(|_| Refused::Damaged("its seal does not open under the tenant's key"))?
        .len();
    if packed {
        *buffer = unpacked(&buffer[..content]).ok_or(Refused::Damaged("it does not unpack"))?;
    } else {
        buffer.truncate(content);
    }
    Ok(Open {
        kind,
        file: u32::from_le_bytes(array(&header, 8)),
        count: u32::from_le_bytes(array(&header, 12)),
        first_seq,
        prev: array(&header, 32),
        hash,
        content: buffer,
    })
}

/// What a packed content holds: its length stands before it.
fn unpacked(content: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = content.split_first_chunk::<4>()?;
    unpack(block, u32::from_le_bytes(*length) as usize, FRAME_BYTES_MAX)
}

impl<'a> Open<'a> {
    /// The events as (stream, body), after all of them were checked: a frame is never half read.
    pub fn events(&self) -> Result<impl Iterator<Item = (u64, &'a [u8])> + use<'a>, Refused> {
        let mut rest = self.content;
        for _ in 0..self.count {
            take_event(&mut rest).ok_or(Refused::Damaged("its events are cut short"))?;
        }
        if !rest.is_empty() {
            return Err(Refused::Damaged("it holds more than its events"));
        }
        let mut rest = self.content;
        Ok(std::iter::from_fn(move || take_event(&mut rest)))
    }
}

/// The length that the frame beginning `bytes` says it has, if it begins like a frame of this version.
pub(crate) fn stored_length(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < HEADER_BYTES || bytes[..4] != MAGIC || bytes[4] != VERSION {
        return None;
    }
    let sealed = u32::from_le_bytes(array(bytes, 28)) as usize;
    (TAG_BYTES..FRAME_BYTES_MAX).contains(&sealed).then_some(HEADER_BYTES + sealed + HASH_BYTES)
}

/// What a frame says of itself in clear. Its hash was checked; its seal was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Its bytes.
    pub(crate) length: usize,
    /// Whether it holds events; a file's header frame does not.
    pub(crate) events: bool,
    /// Number of its file.
    pub(crate) file: u32,
    /// Number of events.
    pub(crate) count: u32,
    /// Sequence number of the first.
    pub(crate) first_seq: u64,
    /// Hash of the frame before.
    pub(crate) prev: [u8; 32],
    /// Its own hash.
    pub(crate) hash: [u8; 32],
}

impl Outline {
    /// The sequence number after its last event.
    pub(crate) fn next_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.count))
    }
}

/// Reads the frame that `bytes` begins with, if a whole one is there.
pub(crate) fn outline(bytes: &[u8]) -> Option<Outline> {
    let length = stored_length(bytes).filter(|length| *length <= bytes.len())?;
    let (hashed, hash) = bytes[..length].split_at(length - HASH_BYTES);
    (blake3::hash(hashed).as_bytes() == hash).then(|| Outline {
        length,
        events: hashed[6] != Kind::File as u8,
        file: u32::from_le_bytes(array(hashed, 8)),
        count: u32::from_le_bytes(array(hashed, 12)),
        first_seq: u64::from_le_bytes(array(hashed, 16)),
        prev: array(hashed, 32),
        hash: array(hash, 0),
    })
}

fn header(kind: Kind, codec: u8, count: u32, sealed: u32, place: &Place) -> [u8; HEADER_BYTES] {
    let mut out = [0; HEADER_BYTES];
    out[..4].copy_from_slice(&MAGIC);
    out[4] = VERSION;
    out[5] = codec;
    out[6] = kind as u8;
    out[8..12].copy_from_slice(&place.file.to_le_bytes());
    out[12..16].copy_from_slice(&count.to_le_bytes());
    out[16..24].copy_from_slice(&place.first_seq.to_le_bytes());
    out[24..28].copy_from_slice(&place.salt);
    out[28..32].copy_from_slice(&sealed.to_le_bytes());
    out[32..].copy_from_slice(&place.prev);
    out
}

fn nonce(kind: Kind, salt: [u8; 4], first_seq: u64) -> Nonce {
    let counter = match kind {
        Kind::File => first_seq | HEADER_FRAME_BIT,
        Kind::Events => first_seq,
    };
    let mut bytes = [0; NONCE_LEN];
    bytes[..4].copy_from_slice(&salt);
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn take_event<'a>(rest: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let stream = take_varint(rest)?;
    let length = usize::try_from(take_varint(rest)?).ok()?;
    let (body, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((stream, body))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The `N` bytes of `bytes` at `at`; the caller has checked the length.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
