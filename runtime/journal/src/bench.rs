//! The ceiling of a machine: what bare redb frames and bare syncs reach there, to be printed beside what the engine reaches.
//!
//! Nothing here seals, chains or verifies; it is the limit that the journal is measured against, in the same run.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use redb::{Database, StorageBackend, TableDefinition};

use crate::disk::{Backend, Disk, RealDisk};
use crate::error::Error;

const FRAMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("frames");
const FRAMES_FILE: &str = "ceiling.redb";
const SYNC_FILE: &str = "ceiling.sync";
const SYNC_BYTES: usize = 4096;
/// A run stops early rather than fill the disk.
const BYTES_MAX: u64 = 2 << 30;

/// What a machine reaches without an engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// Events in bare redb frames, durable, a second.
    pub events_per_s: f64,
    /// Commits of such frames a second.
    pub commits_per_s: f64,
    /// Writes of 4 KiB over the same place, each with `fdatasync`, a second.
    pub fdatasync_per_s: f64,
}

/// Measures for `seconds` in `dir`, half of the time frames of `batch` events of `event_bytes` bytes, half of it bare syncs.
/// Leaves nothing behind.
pub fn ceiling(dir: &Path, seconds: f64, event_bytes: usize, batch: usize) -> Result<Ceiling, Error> {
    if !(0.01..=600.0).contains(&seconds) {
        return Err(Error::Option { name: "seconds", why: "it must be between 0.01 and 600".to_owned() });
    }
    let bytes = event_bytes.saturating_mul(batch);
    if bytes == 0 || bytes > crate::frame::FRAME_BYTES_MAX {
        let why = format!("events x bytes must be between 1 and {}", crate::frame::FRAME_BYTES_MAX);
        return Err(Error::Option { name: "batch", why });
    }
    let disk = RealDisk::new(dir).map_err(Error::io(format!("open `{}`", dir.display())))?;
    let half = Duration::from_secs_f64(seconds / 2.0);
    let syncs = measure(&disk, SYNC_FILE, |file| Ok(fdatasync_rate(&*file, half)?))?;
    let commits = measure(&disk, FRAMES_FILE, |file| frame_rate(file, half, bytes))?;
    let events = u32::try_from(batch).map_or(0.0, f64::from) * commits;
    Ok(Ceiling { events_per_s: events, commits_per_s: commits, fdatasync_per_s: syncs })
}

fn measure(
    disk: &RealDisk,
    name: &str,
    run: impl FnOnce(Box<dyn StorageBackend>) -> Result<f64, redb::Error>,
) -> Result<f64, Error> {
    // A leftover of a run that was killed.
    let _ = disk.remove(name);
    let file = disk.open(name, true).map_err(Error::io(format!("create `{name}`")))?;
    let rate = run(file).map_err(|error| Error::store(name, error));
    disk.remove(name).map_err(Error::io(format!("remove `{name}`")))?;
    rate
}

fn fdatasync_rate(file: &dyn StorageBackend, time: Duration) -> io::Result<f64> {
    let page = [7; SYNC_BYTES];
    file.set_len(SYNC_BYTES as u64)?;
    let start = Instant::now();
    let mut syncs = 0_u32;
    while start.elapsed() < time {
        file.write(0, &page)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / start.elapsed().as_secs_f64())
}

fn frame_rate(file: Box<dyn StorageBackend>, time: Duration, bytes: usize) -> Result<f64, redb::Error> {
    let db = Database::builder().create_with_backend(Backend(file))?;
    let start = Instant::now();
    let (mut commits, mut stored) = (0_u32, 0_u64);
    while start.elapsed() < time && stored < BYTES_MAX {
        let transaction = db.begin_write()?;
        {
            let mut frames = transaction.open_table(FRAMES)?;
            frames.insert_reserve(u64::from(commits), bytes)?.as_mut().fill(7);
        }
        transaction.commit()?;
        commits += 1;
        stored += bytes as u64;
    }
    Ok(f64::from(commits) / start.elapsed().as_secs_f64())
}
