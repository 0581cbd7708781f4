//! Snapshots of what a journal folds to, and the shelf of what is put away: caches beside the journal, never the truth.
//!
//! Absent: what the pieces mean; any promise. A file that is damaged, cut short, of another version, tenant or journal is refused as
//! a whole ([`Bad`]) and whoever asked folds the journal instead. Invariants: a file is put in place whole and durable, or not at all;
//! it names the frame behind whose last event it was taken; what says something of a subject is sealed under that subject's key
//! first, so that erasing the key erases it here too; all of it is sealed under a key derived from the tenant's.
//!
//! ```text
//!  0  8  magic "XOSNAP", version, zero      48 16  check of the tenant's key
//!  8  8  sequence number of the last event  64 16  nonce of the file (12), zeros
//! 16 32  hash of its frame                  80  .. blocks, then 32 bytes of BLAKE3 over everything before
//! block: length (4), AES-256-GCM of [packed? (1), length (4), pieces], AAD: the header, the block's ordinal, whether it is the last
//! piece: shape (1 clear, 2 sealed), the subject (16) if sealed, length (4), bytes
//! ```

#[cfg(fuzzing)]
pub mod forged;
pub mod held;
pub mod shelf;

use std::sync::Arc;

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::array;
use crate::keys::{Keys, cipher};
use crate::pack::{Packer, unpack};
use crate::random::Random;
use crate::segment::Head;
use crate::subjects::{Sealed, Subject, SubjectKeys};

/// The longest piece.
const PIECE_BYTES_MAX: usize = 16 << 20;
const CONFIG: Configuration<LittleEndian, Varint, Limit<PIECE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<PIECE_BYTES_MAX>();
const MAGIC: [u8; 8] = *b"XOSNAP\x01\0";
const HEADER_BYTES: usize = 80;
const HASH_BYTES: usize = 32;
/// A block is sealed when it holds as much: long enough to be packed well, short enough to be read for one piece.
const BLOCK_BYTES: usize = 128 << 10;
const BLOCK_BYTES_MAX: usize = BLOCK_BYTES + PIECE_BYTES_MAX + 64;
const CLEAR: u8 = 1;
const SEALED: u8 = 2;
const SEAL: &str = "xops snapshot v1 seal";
const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".xops";
const ASIDE: &str = ".bad";

/// Why a snapshot, or something on the shelf, is not used.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    /// It is not what was written, or not for this journal.
    #[error("{0}")]
    Damaged(String),
    /// The disk or a key failed.
    #[error(transparent)]
    Journal(#[from] Error),
    /// It could not be encoded or decoded.
    #[error("{0}")]
    Codec(String),
}

fn damaged(what: impl Into<String>) -> Bad {
    Bad::Damaged(what.into())
}

/// The key under which snapshots and shelves of a tenant are sealed.
fn seal_key(keys: &Keys) -> LessSafeKey {
    cipher(&blake3::derive_key(SEAL, keys.head()))
}

/// Appends one value, sealed for `subject` if it has one. False if the subject's key was destroyed: nothing is written then.
fn put_piece<T: Serialize>(
    value: &T,
    subject: Option<Subject>,
    keys: &SubjectKeys,
    out: &mut Vec<u8>,
) -> Result<bool, Bad> {
    let mut bytes =
        bincode::serde::encode_to_vec(value, CONFIG).map_err(|error| Bad::Codec(error.to_string()))?;
    // Whoever has no key never said anything personal: a key is made before the first event that does.
    let sealed_for = match subject {
        Some(subject) if keys.is_erased(&subject) => return Ok(false),
        Some(subject) => match keys.seal(&subject, &bytes) {
            Ok(sealed) => {
                bytes = bincode::serde::encode_to_vec(&sealed, CONFIG)
                    .map_err(|error| Bad::Codec(error.to_string()))?;
                Some(subject)
            }
            Err(Error::KeyMissing) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    match sealed_for {
        Some(subject) => {
            out.push(SEALED);
            out.extend_from_slice(&subject);
        }
        None => out.push(CLEAR),
    }
    let length = u32::try_from(bytes.len()).map_err(|_| damaged("a piece is too long"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&bytes);
    Ok(true)
}

/// A piece as it stands in a block.
struct Piece<'a> {
    subject: Option<Subject>,
    bytes: &'a [u8],
}

fn take_piece<'a>(rest: &mut &'a [u8]) -> Option<Piece<'a>> {
    let (shape, after) = rest.split_first()?;
    let (subject, after) = match *shape {
        CLEAR => (None, after),
        SEALED => after.split_first_chunk::<16>().map(|(subject, after)| (Some(*subject), after))?,
        _ => return None,
    };
    let (length, after) = after.split_first_chunk::<4>()?;
    let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = after;
    Some(Piece { subject, bytes })
}

/// The value of a piece; `None` if its subject's key was destroyed.
fn read_piece<T: DeserializeOwned>(piece: &Piece<'_>, keys: &SubjectKeys) -> Result<Option<T>, Bad> {
    match piece.subject {
        None => whole(piece.bytes).map(Some),
        Some(subject) => {
            let sealed: Sealed = whole(piece.bytes)?;
            keys.open_value(&subject, &sealed)?.map(|clear| whole(&clear)).transpose()
        }
    }
}

fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Bad> {
    let (value, read) =
        bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|error| Bad::Codec(error.to_string()))?;
    if read == bytes.len() { Ok(value) } else { Err(damaged("bytes are left over behind a piece")) }
}

/// Packs and seals a block.
fn seal_block(
    content: &[u8],
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    bound: &[u8],
    packer: &mut Packer,
) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(content.len() / 2 + 64);
    out.push(1);
    out.extend_from_slice(&length.to_le_bytes());
    if !packer.pack(content, &mut out) {
        out.truncate(5);
        out[0] = 0;
        out.extend_from_slice(content);
    }
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut out)
        .expect("AES-GCM seals anything below 64 GiB");
    out
}

fn open_block(
    sealed: &mut [u8],
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    bound: &[u8],
) -> Result<Vec<u8>, Bad> {
    let seal = || damaged("a block does not open under the tenant's key");
    let open = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(bound), sealed)
        .map_err(|_| seal())?;
    let (head, content) = open.split_first_chunk::<5>().ok_or_else(seal)?;
    let length = u32::from_le_bytes(array(head, 1)) as usize;
    match head[0] {
        0 if content.len() == length => Ok(content.to_vec()),
        1 => unpack(content, length, BLOCK_BYTES_MAX).ok_or_else(|| damaged("a block does not unpack")),
        _ => Err(damaged("a block has an unknown shape")),
    }
}

/// Writes a snapshot: in memory until [`Writer::finish`] puts it in place.
pub struct Writer {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
    place: Head,
    bytes: Vec<u8>,
    block: Vec<u8>,
    ordinal: u32,
    packer: Packer,
}

impl Writer {
    /// A snapshot of what the journal under `keys` folds to at `place`.
    pub fn new(keys: &Keys, place: Head, random: &dyn Random) -> Result<Self, Error> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut bytes = Vec::with_capacity(BLOCK_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&place.seq.to_le_bytes());
        bytes.extend_from_slice(&place.hash);
        bytes.extend_from_slice(&keys.check());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&[0; HEADER_BYTES - 64 - NONCE_LEN]);
        Ok(Self {
            key: seal_key(keys),
            nonce,
            place,
            bytes,
            block: Vec::new(),
            ordinal: 0,
            packer: Packer::default(),
        })
    }

    /// Adds one value. What an erased subject would say is left out.
    pub fn push<T: Serialize>(
        &mut self,
        value: &T,
        subject: Option<Subject>,
        keys: &SubjectKeys,
    ) -> Result<(), Bad> {
        put_piece(value, subject, keys, &mut self.block)?;
        if self.block.len() >= BLOCK_BYTES {
            self.seal(false);
        }
        Ok(())
    }

    fn seal(&mut self, last: bool) {
        let bound = bound(&self.bytes, self.ordinal, last);
        let sealed =
            seal_block(&self.block, &self.key, nth(self.nonce, self.ordinal), &bound, &mut self.packer);
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&sealed);
        self.block.clear();
        self.ordinal += 1;
    }

    /// Puts the snapshot in place, durably; its length in bytes.
    pub fn finish(self, disk: &dyn Disk) -> Result<u64, Error> {
        let name = name(self.place.seq);
        self.finish_as(disk, &name)
    }

    fn finish_as(mut self, disk: &dyn Disk, name: &str) -> Result<u64, Error> {
        self.seal(true);
        let hash = blake3::hash(&self.bytes);
        self.bytes.extend_from_slice(hash.as_bytes());
        disk.replace(name, &self.bytes).map_err(Error::io(format!("write `{name}`")))?;
        Ok(self.bytes.len() as u64)
    }
}

/// The header, the ordinal and whether it is the last: what a block is bound to besides its key.
fn bound(bytes: &[u8], ordinal: u32, last: bool) -> Vec<u8> {
    let mut bound = bytes[..HEADER_BYTES].to_vec();
    bound.extend_from_slice(&ordinal.to_le_bytes());
    bound.push(u8::from(last));
    bound
}

/// The nonce of a block: that of the file, counted up.
fn nth(nonce: [u8; NONCE_LEN], ordinal: u32) -> [u8; NONCE_LEN] {
    let mut nonce = nonce;
    for (byte, add) in nonce[8..].iter_mut().zip(ordinal.to_le_bytes()) {
        *byte ^= add;
    }
    nonce
}

/// The name of the snapshot at a sequence number.
pub fn name(seq: u64) -> String {
    format!("{PREFIX}{seq:020}{SUFFIX}")
}

/// The sequence numbers of the snapshots on `disk`, newest first. What was not finished is removed.
pub fn list(disk: &dyn Disk) -> Result<Vec<u64>, Error> {
    let names = disk.list().map_err(Error::io("list the journal directory"))?;
    let mut seqs: Vec<u64> = names
        .iter()
        .filter_map(|found| found.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok())
        .filter(|seq| names.contains(&name(*seq)))
        .collect();
    seqs.sort_unstable_by(|one, other| other.cmp(one));
    Ok(seqs)
}

/// Takes a snapshot out of the way and keeps it for whoever wants to know why it was bad.
pub fn set_aside(disk: &dyn Disk, seq: u64) -> Result<(), Error> {
    let name = name(seq);
    let aside = format!("{name}{ASIDE}");
    disk.rename(&name, &aside).map_err(Error::io(format!("set `{name}` aside")))
}

/// Removes all but the newest `keep`, and what was set aside.
pub fn thin(disk: &dyn Disk, keep: usize) -> Result<(), Error> {
    for seq in list(disk)?.into_iter().skip(keep) {
        let name = name(seq);
        disk.remove(&name).map_err(Error::io(format!("remove `{name}`")))?;
    }
    let names = disk.list().map_err(Error::io("list the journal directory"))?;
    for name in names.iter().filter(|name| name.starts_with(PREFIX) && !name.ends_with(SUFFIX)) {
        disk.remove(name).map_err(Error::io(format!("remove `{name}`")))?;
    }
    Ok(())
}

/// A snapshot that was read; its pieces are decoded one by one.
pub struct Snapshot {
    place: Head,
    blocks: Vec<Vec<u8>>,
}

impl Snapshot {
    /// Reads the snapshot at `seq`.
    pub fn open(disk: &Arc<dyn Disk>, seq: u64, keys: &Keys) -> Result<Self, Bad> {
        let found = Self::open_as(&**disk, &name(seq), keys)?;
        if found.place.seq == seq { Ok(found) } else { Err(damaged("it bears another number than its name")) }
    }

    fn open_as(disk: &dyn Disk, name: &str, keys: &Keys) -> Result<Self, Bad> {
        let mut bytes = disk.read(name).map_err(Error::io(format!("read `{name}`")))?;
        let place = read_header(&bytes, keys)?;
        let end = bytes.len() - HASH_BYTES;
        if blake3::hash(&bytes[..end]).as_bytes() != &bytes[end..] {
            return Err(damaged("its hash does not match"));
        }
        let (key, nonce) = (seal_key(keys), array(&bytes, 64));
        let mut blocks = Vec::new();
        let mut at = HEADER_BYTES;
        while at < end {
            let length = bytes.get(at..at + 4).map(|length| u32::from_le_bytes(array(length, 0)) as usize);
            let until = length.and_then(|length| (at + 4).checked_add(length)).filter(|until| *until <= end);
            let (Some(until), Ok(ordinal)) = (until, u32::try_from(blocks.len())) else {
                return Err(damaged("it is cut short"));
            };
            let bound = bound(&bytes, ordinal, until == end);
            blocks.push(open_block(&mut bytes[at + 4..until], &key, nth(nonce, ordinal), &bound)?);
            at = until;
        }
        if blocks.is_empty() { Err(damaged("it is cut short")) } else { Ok(Self { place, blocks }) }
    }

    /// Where in the journal it was taken: the last event behind it, and the hash of that event's frame.
    pub fn place(&self) -> Head {
        self.place
    }

    /// Decodes each piece: `None` for one whose subject was erased.
    pub fn each<T: DeserializeOwned>(
        &self,
        keys: &SubjectKeys,
        mut visit: impl FnMut(Option<T>) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        for block in &self.blocks {
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                let piece = take_piece(&mut rest).ok_or_else(|| damaged("a piece is cut short"))?;
                visit(read_piece(&piece, keys)?)?;
            }
        }
        Ok(())
    }
}

/// Where the snapshot `seq` says that it was taken, without reading what it holds.
pub fn place_of(disk: &dyn Disk, seq: u64, keys: &Keys) -> Result<Head, Bad> {
    let name = name(seq);
    let file = disk.open(&name, false).map_err(Error::io(format!("open `{name}`")))?;
    let mut header = [0; HEADER_BYTES + HASH_BYTES];
    let short = |_| damaged("it is cut short");
    file.read(0, &mut header).map_err(short)?;
    read_header(&header, keys)
}

fn read_header(bytes: &[u8], keys: &Keys) -> Result<Head, Bad> {
    if bytes.len() < HEADER_BYTES + HASH_BYTES || bytes[..6] != MAGIC[..6] {
        return Err(damaged("it is no snapshot"));
    }
    if bytes[..8] != MAGIC {
        return Err(damaged(format!("it has format version {}, which this program does not read", bytes[6])));
    }
    if bytes[48..64] != keys.check() {
        return Err(damaged("it is sealed under another key"));
    }
    Ok(Head { seq: u64::from_le_bytes(array(bytes, 8)), hash: array(bytes, 16) })
}

#[cfg(test)]
mod tests;
