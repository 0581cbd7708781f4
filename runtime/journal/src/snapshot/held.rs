//! What was read of systems, held beside the journal so that the next process goes on from there: a cache, never the truth.
//!
//! Absent: what is held, which its writer knows. Invariants: the file's form is that of a snapshot, under the tenant's key, and it is
//! bound to its name and to the meaning that it was written under, so none passes for another; whatever is damaged, or of another
//! meaning, was never held. It names everybody, so all of it is sealed under one key of the keyring, which every erasure destroys: it
//! can be read in no copy then, and what is there is read again.

use super::{Bad, Snapshot, Writer, damaged};
use crate::disk::Disk;
use crate::error::Error;
use crate::keys::Keys;
use crate::random::Random;
use crate::segment::Head;
use crate::subjects::{EVERYBODY, SubjectKeys};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// With which names of what is held begin.
pub const PREFIX: &str = "held-";
const SUFFIX: &str = ".xops";

/// The name of part `part` of what is held of `what`, which is of the letters of names.
pub fn name(what: &str, part: u32) -> String {
    format!("{PREFIX}{what}-{part:04}{SUFFIX}")
}

/// Where it would stand in a journal: nowhere. The hash binds it to its name and its meaning.
fn head(name: &str, meaning: &[u8; 32]) -> Head {
    let hash = *blake3::Hasher::new_keyed(meaning).update(name.as_bytes()).finalize().as_bytes();
    Head { seq: 0, hash }
}

/// What is being written, piece by piece: in memory, packed and sealed, until it is put in place.
pub struct Writing {
    writer: Writer,
    name: String,
}

impl Writing {
    /// Begins what is to stand under `name`.
    pub fn begin(
        (keys, subjects): (&Keys, &mut SubjectKeys),
        random: &dyn Random,
        (name, meaning): (&str, &[u8; 32]),
    ) -> Result<Self, Bad> {
        subjects.get_or_create(EVERYBODY)?;
        Ok(Self { writer: Writer::new(keys, head(name, meaning), random)?, name: name.to_owned() })
    }

    /// Adds a piece.
    pub fn push<T: Serialize>(&mut self, piece: &T, subjects: &SubjectKeys) -> Result<(), Bad> {
        self.writer.push(piece, Some(EVERYBODY), subjects)
    }

    /// Puts it in the place of what was there, durably; the length in bytes.
    pub fn finish(self, disk: &dyn Disk) -> Result<u64, Error> {
        self.writer.finish_as(disk, &self.name)
    }
}

/// Reads what stands under `name`, piece by piece.
pub fn read<T: DeserializeOwned>(
    disk: &dyn Disk,
    (keys, subjects): (&Keys, &SubjectKeys),
    (name, meaning): (&str, &[u8; 32]),
    mut visit: impl FnMut(T),
) -> Result<(), Bad> {
    let found = Snapshot::open_as(disk, name, keys)?;
    if found.place != head(name, meaning) {
        return Err(damaged("it was written under another name or meaning"));
    }
    found.each(subjects, |piece| {
        visit(piece.ok_or_else(|| damaged("its key was destroyed with somebody's"))?);
        Ok(())
    })
}

/// Whether there is something under `name`.
pub fn is_there(disk: &dyn Disk, name: &str) -> bool {
    disk.length(name).is_ok()
}

/// Removes what is held of `what`; of everything where nothing is named. How many files that were.
pub fn forget(disk: &dyn Disk, what: Option<&str>) -> Result<usize, Error> {
    let names = disk.list().map_err(Error::io("list the journal directory"))?;
    let of_it = |name: &str| {
        let rest = name.strip_prefix(PREFIX)?;
        let stem = Path::new(rest).file_stem()?.to_str()?;
        let (of, _) = stem.rsplit_once('-')?;
        what.is_none_or(|what| what == of).then_some(())
    };
    let mut removed = 0;
    for name in names.iter().filter(|name| of_it(name).is_some()) {
        disk.remove(name).map_err(Error::io(format!("remove `{name}`")))?;
        removed += 1;
    }
    Ok(removed)
}
