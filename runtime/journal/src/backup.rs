//! Backups: a copy of a journal that is whole in itself, taken beside a running writer.
//!
//! Absent: keys of any kind. Sealed files are copied as they are and held to their digests; of the file that is being written the
//! frames are copied, each of which was verified, into a file of their own. The copy ends where the chain ended when it was begun.

use std::path::Path;

use crate::audit::CHECKPOINTS_FILE;
use crate::disk::{Disk, RealDisk};
use crate::embedded::{file_name, write_file};
use crate::erase::ERASED_FILE;
use crate::error::Error;
use crate::fingerprint::fingerprint;
use crate::issued::{self, Issued};
use crate::kept::KEPT_FILE;
use crate::keys::{Keys, to_hex};
use crate::read::{Reader, Report};
use crate::segment::{HEAD_FILE, Head, Sealed, encode_head};

/// How often the files of ids are listed anew.
const LISTED_MAX: usize = 8;

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of it, in hexadecimal.
    pub digest: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Where it ends.
    pub head: Head,
    /// What was walked when the copy was verified.
    pub report: Report,
    /// The files.
    pub files: Vec<File>,
}

/// Copies the journal that `reader` reads into the directory `to`, which must be empty or not there, and verifies the copy.
/// `each` hears of every file before it is copied: how many there are in all, and which one it is.
pub fn take(
    reader: &Reader,
    keys: &Keys,
    to: &Path,
    each: &mut dyn FnMut(usize, &str),
) -> Result<Taken, Error> {
    let target = empty(to)?;
    let (newest, frames, source) = reader.newest();
    let all = reader.sealed().len() + 1;
    let there = |line: &&Sealed| reader.kept().is_none_or(|kept| !kept.covers(line.file));
    for line in reader.sealed().iter().filter(there) {
        let name = file_name(line.file);
        each(all, &name);
        let bytes = source.read(&name).map_err(Error::io(format!("read `{name}`")))?;
        line.compare(&name, &fingerprint(&bytes))?;
        put(&target, &name, &bytes)?;
    }
    each(all, &file_name(newest));
    write_file(&target, newest, frames)?;
    put(&target, HEAD_FILE, &encode_head(&reader.head(), keys))?;
    for name in [CHECKPOINTS_FILE, ERASED_FILE, KEPT_FILE] {
        if let Ok(bytes) = source.read(name) {
            put(&target, name, &bytes)?;
        }
    }
    // Behind the frames: an id is remembered before anything names it, so whatever is named in the copy is remembered in it.
    copy_issued(source, keys, &target)?;
    verified(to, keys, Some(reader.head()))
}

/// Copies what is remembered of ids. Where a daemon that starts puts files together meanwhile, what is left of them is copied again:
/// what was copied before says nothing else.
fn copy_issued(source: &dyn Disk, keys: &Keys, target: &RealDisk) -> Result<(), Error> {
    for _try in 0..LISTED_MAX {
        let listed = issued::files(source).map_err(Error::io("list the journal directory"))?;
        let mut whole = true;
        for name in listed.into_values() {
            let bytes = match source.read(&name) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    whole = false;
                    continue;
                }
                read => read.map_err(Error::io(format!("read `{name}`")))?,
            };
            Issued::parse(&name, &bytes, keys)?;
            put(target, &name, &bytes)?;
        }
        if whole {
            return Ok(());
        }
    }
    Err(Error::damaged(&issued::name(0), 0, 0, "files of ids come and go: take the backup again"))
}

/// Copies the backup in the directory `from` to `to`, which must be empty or not there: verified before the copy and after it.
pub fn restore(
    from: &Path,
    keys: &Keys,
    to: &Path,
    each: &mut dyn FnMut(usize, &str),
) -> Result<Taken, Error> {
    let before = verified(from, keys, None)?;
    let target = empty(to)?;
    let source = RealDisk::new(from).map_err(Error::io("open the backup"))?;
    for file in &before.files {
        each(before.files.len(), &file.name);
        let bytes = source.read(&file.name).map_err(Error::io(format!("read `{}`", file.name)))?;
        put(&target, &file.name, &bytes)?;
    }
    let after = verified(to, keys, Some(before.head))?;
    match before.files.iter().find(|file| !after.files.contains(file)) {
        Some(file) => Err(Error::damaged(&file.name, 0, 0, "its copy differs from the backup")),
        None => Ok(after),
    }
}

/// Verifies the journal in `dir`, and that it ends at `expect`.
pub fn verified(dir: &Path, keys: &Keys, expect: Option<Head>) -> Result<Taken, Error> {
    let reader = Reader::open(dir, keys)?;
    let report = reader.verify()?;
    if let Some(expect) = expect.filter(|expect| *expect != report.head) {
        let found = format!("it ends at {}", report.head.seq);
        return Err(Error::RolledBack { expected: expect.seq, found });
    }
    let disk = RealDisk::new(dir).map_err(Error::io("open the copy"))?;
    let mut names = disk.list().map_err(Error::io("list the copy"))?;
    let known = |name: &String| is_ours(name);
    names.retain(known);
    names.sort();
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let bytes = disk.read(&name).map_err(Error::io(format!("read `{name}`")))?;
        if issued::is_one(&name) {
            Issued::parse(&name, &bytes, keys)?;
        }
        files.push(File { name, bytes: bytes.len() as u64, digest: digest(&bytes) });
    }
    Ok(Taken { head: report.head, report, files })
}

/// What a file is known by: BLAKE3 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    to_hex(blake3::hash(bytes).as_bytes())
}

/// Whether a file belongs into a backup: files of frames, the head file, the checkpoints, the list of destroyed keys, the ids that
/// were issued.
fn is_ours(name: &str) -> bool {
    let frames = name.starts_with("journal-")
        && Path::new(name).extension().is_some_and(|extension| extension == "redb");
    frames || issued::is_one(name) || [HEAD_FILE, CHECKPOINTS_FILE, ERASED_FILE, KEPT_FILE].contains(&name)
}

/// The directory `to`, in which nothing is written over.
fn empty(to: &Path) -> Result<RealDisk, Error> {
    let disk = RealDisk::new(to).map_err(Error::io(format!("make `{}`", to.display())))?;
    let there = disk.list().map_err(Error::io(format!("list `{}`", to.display())))?;
    match there.first() {
        Some(name) => Err(Error::Occupied { dir: to.display().to_string(), name: name.clone() }),
        None => Ok(disk),
    }
}

fn put(disk: &RealDisk, name: &str, bytes: &[u8]) -> Result<(), Error> {
    disk.replace(name, bytes).map_err(Error::io(format!("write `{name}`")))
}
