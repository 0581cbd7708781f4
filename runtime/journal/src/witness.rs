//! What goes on beside a running writer: the tree follows the journal, checkpoints are signed, sealed files are read again.
//!
//! Absent: any lock, and any write to a file of frames. It reads as any reader does, and covers only what the writer says is durable.
//! The edge of the tree is kept between starts in a file with a keyed check; without it the tree is made anew from the first event.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::{CHECKPOINTS_FILE, origin};
use crate::checkpoint::{Checkpoint, Public, Signed, Signer, append_file};
use crate::disk::{Disk, RealDisk};
use crate::embedded::file_name;
use crate::error::Error;
use crate::keys::Keys;
use crate::merkle::{Frontier, leaf};
use crate::read::Reader;
use crate::segment::{Head, Sealed};
use crate::store::Fingerprint;

/// The file of the tree's edge.
pub const TREE_FILE: &str = "journal.tree";
/// How much a scrub reads before it looks whether it is to stop, and rests.
const SCRUB_BYTES: usize = 1 << 20;

/// Follows a journal and signs checkpoints of it.
pub struct Witness {
    dir: PathBuf,
    keys: Keys,
    signer: Signer,
    outside: Option<PathBuf>,
    edge: Frontier,
    signed: u64,
}

impl Witness {
    /// A witness of the journal in `dir`. Its checkpoints go beside it, and to the file `outside` where one is named.
    pub fn new(dir: &Path, keys: &Keys, signer: Signer, outside: Option<PathBuf>) -> Self {
        let edge = std::fs::read(dir.join(TREE_FILE)).ok();
        let edge = edge.and_then(|bytes| Frontier::decode(&bytes, keys.tree())).unwrap_or_default();
        Self { dir: dir.to_owned(), keys: keys.clone(), signer, outside, edge, signed: 0 }
    }

    /// Whose signatures these are.
    pub fn public(&self) -> Public {
        self.signer.public()
    }

    /// Signs where the journal stands, if it grew since the last time. `durable` is where the writer says that it ends; none where
    /// nobody writes. `None` as well while a reader trails behind a fast writer: the next time covers it.
    pub fn checkpoint(&mut self, durable: Option<Head>, at: u64) -> Result<Option<Signed>, Error> {
        if durable.is_some_and(|head| head.seq == self.signed && self.signed > 0) {
            return Ok(None);
        }
        let reader = Reader::open(&self.dir, &self.keys)?;
        let end = durable.unwrap_or_else(|| reader.head());
        if end.seq == 0 || end.seq == self.signed {
            return Ok(None);
        }
        // Of what was removed only the edge is left.
        if let Some(kept) = reader.kept().filter(|kept| kept.last().seq > self.edge.size()) {
            self.edge = kept.edge.clone();
        }
        if end.seq < self.edge.size() {
            let found = format!("it ends at {}", end.seq);
            return Err(Error::RolledBack { expected: self.edge.size(), found });
        }
        reader.replay(self.edge.size() + 1, |seq, stream, body| {
            if seq > end.seq {
                return ControlFlow::Break(());
            }
            self.edge.push(&leaf(seq, stream, body));
            ControlFlow::Continue(())
        })?;
        if self.edge.size() < end.seq {
            return Ok(None);
        }
        let signed = self.signer.sign(&Checkpoint {
            origin: origin(&self.keys, &reader.preamble()?),
            size: end.seq,
            root: self.edge.root(),
            head: end.hash,
            at,
        });
        append_file(&self.dir.join(CHECKPOINTS_FILE), &signed)?;
        if let Some(outside) = &self.outside {
            append_file(outside, &signed)?;
        }
        let disk = RealDisk::new(&self.dir).map_err(Error::io("open the journal directory"))?;
        let edge = self.edge.encode(self.keys.tree());
        disk.replace(TREE_FILE, &edge).map_err(Error::io(format!("replace `{TREE_FILE}`")))?;
        self.signed = end.seq;
        Ok(Some(signed))
    }
}

/// What a scrub found of one sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrubbed {
    /// The file.
    pub file: String,
    /// How many bytes were read.
    pub bytes: u64,
    /// What is wrong with it, if anything is.
    pub damage: Option<String>,
}

/// Reads every sealed file of the journal in `dir` again and holds it to its digest, at `bytes_per_second`. `each` hears of every
/// file; `stop` ends it early. Returns whether it came to its end.
pub fn scrub(
    dir: &Path,
    keys: &Keys,
    bytes_per_second: u64,
    stop: &dyn Fn() -> bool,
    each: &mut dyn FnMut(Scrubbed),
) -> Result<bool, Error> {
    let reader = Reader::open(dir, keys)?;
    let there = |line: &&Sealed| reader.kept().is_none_or(|kept| !kept.covers(line.file));
    let sealed: Vec<Sealed> = reader.sealed().iter().filter(there).copied().collect();
    let disk = RealDisk::new(dir).map_err(Error::io("open the journal directory"))?;
    let rest = Duration::from_micros(SCRUB_BYTES as u64 * 1_000_000 / bytes_per_second.max(1));
    for line in sealed {
        let name = file_name(line.file);
        let damage = match read(&disk, &name, rest, stop) {
            Ok(None) => return Ok(false),
            Ok(Some(print)) => line.compare(&name, &print).err().map(|error| error.to_string()),
            Err(error) => Some(format!("`{name}` cannot be read: {error}")),
        };
        each(Scrubbed { file: name, bytes: line.bytes, damage });
    }
    Ok(true)
}

/// The fingerprint of a file that is read slowly; `None` if it was to stop.
fn read(
    disk: &dyn Disk,
    name: &str,
    rest: Duration,
    stop: &dyn Fn() -> bool,
) -> std::io::Result<Option<Fingerprint>> {
    // A missing file must not be made by looking for it.
    let length = disk.length(name)?;
    let file = disk.open(name, false)?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; SCRUB_BYTES];
    let mut at = 0;
    while at < length {
        if stop() {
            return Ok(None);
        }
        let size = usize::try_from(length - at).map_or(SCRUB_BYTES, |left| left.min(SCRUB_BYTES));
        file.read(at, &mut chunk[..size])?;
        hasher.update(&chunk[..size]);
        at += size as u64;
        std::thread::sleep(rest);
    }
    Ok(Some(Fingerprint { bytes: length, digest: *hasher.finalize().as_bytes() }))
}
