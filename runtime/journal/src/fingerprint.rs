//! What the bytes of a sealed file are known by, and whether they still are those.
//!
//! Absent: frames. A file is read in pieces and compared by length first.

use std::io;

use crate::disk::Disk;
use crate::error::Error;
use crate::segment::Sealed;
use crate::store::Fingerprint;

const CHUNK_BYTES: usize = 1 << 20;

/// The fingerprint of a file that need not be in memory.
pub(crate) fn stream(disk: &dyn Disk, name: &str) -> io::Result<Fingerprint> {
    let file = disk.open(name, false)?;
    let length = file.len()?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < length {
        let size = usize::try_from(length - at).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        file.read(at, &mut chunk[..size])?;
        hasher.update(&chunk[..size]);
        at += size as u64;
    }
    Ok(Fingerprint { bytes: length, digest: *hasher.finalize().as_bytes() })
}

/// The fingerprint of bytes.
pub(crate) fn fingerprint(bytes: &[u8]) -> Fingerprint {
    Fingerprint { bytes: bytes.len() as u64, digest: *blake3::hash(bytes).as_bytes() }
}

impl Sealed {
    /// Whether the digest of the file is known: it is made while the next file is written, and stands in the header of the one after.
    pub fn is_printed(&self) -> bool {
        self.digest != [0; 32]
    }

    /// The fingerprint of a file of this length with the digest that is expected.
    pub(crate) fn print(&self, bytes: u64) -> Fingerprint {
        Fingerprint { bytes, digest: self.digest }
    }

    /// Refuses a file whose bytes are not those that were sealed.
    pub(crate) fn compare(&self, name: &str, found: &Fingerprint) -> Result<(), Error> {
        if found.bytes != self.bytes {
            let what = format!("it has {} bytes and was sealed with {}", found.bytes, self.bytes);
            return Err(Error::damaged(name, 0, 0, what));
        }
        if self.is_printed() && found.digest != self.digest {
            return Err(Error::damaged(name, 0, 0, "its bytes are not those that were sealed"));
        }
        Ok(())
    }
}
