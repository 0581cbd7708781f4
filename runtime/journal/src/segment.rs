//! What a file says of itself and of the files before it, and the head file beside them.
//!
//! The header frame of the newest file lists every sealed file with its length and digest, so the newest file vouches for
//! all others: a file that is missing, altered, swapped or put back to an older copy does not match its line. The head
//! file repeats where the journal ended when it was last closed; an older newest file does not reach it.

use crate::error::Error;
use crate::frame::array;
use crate::keys::Keys;

/// The name of the head file.
pub const HEAD_FILE: &str = "journal.head";
const HEAD_MAGIC: [u8; 8] = *b"XOJH\x01\0\0\0";
const HEAD_BYTES: usize = 8 + 8 + 32 + 32;

/// Bytes of a stored preamble.
pub const PREAMBLE_BYTES: usize = 64;
const SEALED_BYTES: usize = 4 + 8 + 8 + 32 + 32;

/// Where a journal ends: keep it outside to notice a journal that was put back to an older copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Sequence number of the last event; 0 in an empty journal.
    pub seq: u64,
    /// Hash of the frame that holds it; zeros in an empty journal.
    pub hash: [u8; 32],
}

/// What a file belongs to; readable before anything is decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// Digest of the tenant's name.
    pub tenant: [u8; 32],
    /// Derived from the key, and telling nothing of it.
    pub check: [u8; 16],
    /// Random, chosen when the journal was created.
    pub journal: [u8; 16],
}

impl Preamble {
    pub(crate) fn encode(&self) -> [u8; PREAMBLE_BYTES] {
        let mut out = [0; PREAMBLE_BYTES];
        out[..32].copy_from_slice(&self.tenant);
        out[32..48].copy_from_slice(&self.check);
        out[48..].copy_from_slice(&self.journal);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == PREAMBLE_BYTES).then(|| Self {
            tenant: array(bytes, 0),
            check: array(bytes, 32),
            journal: array(bytes, 48),
        })
    }

    /// Refuses another tenant's file, then another key.
    pub(crate) fn admit(&self, file: &str, keys: &Keys) -> Result<(), Error> {
        if self.tenant != keys.tenant_digest() {
            return Err(Error::OtherTenant { file: file.to_owned(), tenant: keys.tenant().to_owned() });
        }
        if self.check != keys.check() {
            return Err(Error::WrongKey { tenant: keys.tenant().to_owned() });
        }
        Ok(())
    }
}

/// One line of the list of sealed files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Number of the file.
    pub file: u32,
    /// Sequence number of its last event.
    pub last_seq: u64,
    /// Its length.
    pub bytes: u64,
    /// Hash of its last frame.
    pub last_hash: [u8; 32],
    /// BLAKE3 of all its bytes; zeros of a file that was sealed last, until the next is.
    pub digest: [u8; 32],
}

/// The content of a header frame.
pub(crate) fn encode(preamble: &Preamble, sealed: &[Sealed]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PREAMBLE_BYTES + 4 + sealed.len() * SEALED_BYTES);
    out.extend_from_slice(&preamble.encode());
    let count = u32::try_from(sealed.len()).expect("files are numbered by 32 bits");
    out.extend_from_slice(&count.to_le_bytes());
    for line in sealed {
        out.extend_from_slice(&line.file.to_le_bytes());
        out.extend_from_slice(&line.last_seq.to_le_bytes());
        out.extend_from_slice(&line.bytes.to_le_bytes());
        out.extend_from_slice(&line.last_hash);
        out.extend_from_slice(&line.digest);
    }
    out
}

/// Reads what `encode` wrote; `None` for anything else.
pub(crate) fn decode(content: &[u8]) -> Option<(Preamble, Vec<Sealed>)> {
    let (preamble, rest) = content.split_at_checked(PREAMBLE_BYTES)?;
    let (count, lines) = rest.split_at_checked(4)?;
    let count = u32::from_le_bytes(array(count, 0)) as usize;
    if lines.len() != count.checked_mul(SEALED_BYTES)? {
        return None;
    }
    let sealed = lines.chunks_exact(SEALED_BYTES).map(|line| Sealed {
        file: u32::from_le_bytes(array(line, 0)),
        last_seq: u64::from_le_bytes(array(line, 4)),
        bytes: u64::from_le_bytes(array(line, 12)),
        last_hash: array(line, 20),
        digest: array(line, 52),
    });
    Some((Preamble::decode(preamble)?, sealed.collect()))
}

/// The bytes of the head file, with a keyed check.
pub(crate) fn encode_head(head: &Head, keys: &Keys) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD_BYTES);
    out.extend_from_slice(&HEAD_MAGIC);
    out.extend_from_slice(&head.seq.to_le_bytes());
    out.extend_from_slice(&head.hash);
    let check = blake3::keyed_hash(keys.head(), &out);
    out.extend_from_slice(check.as_bytes());
    out
}

/// Reads the head file, or says that it is damaged.
pub(crate) fn decode_head(bytes: &[u8], keys: &Keys) -> Result<Head, Error> {
    let damaged = |what: &str| Error::damaged(HEAD_FILE, 0, 0, what);
    if bytes.len() != HEAD_BYTES || bytes[..8] != HEAD_MAGIC {
        return Err(damaged("it is not a head file"));
    }
    let (said, check) = bytes.split_at(HEAD_BYTES - 32);
    // `blake3::Hash` compares in constant time.
    if blake3::keyed_hash(keys.head(), said) != blake3::Hash::from_bytes(array(check, 0)) {
        return Err(damaged("its check does not match"));
    }
    Ok(Head { seq: u64::from_le_bytes(array(said, 8)), hash: array(said, 16) })
}
