//! Crashes at every point, on a disk that loses, tears and reorders what was not synced; and failures of the disk.

use std::io;
use std::sync::Arc;

use xops_journal::ahead::AHEAD_FILE;
use xops_journal::error::Error;
use xops_journal::journal::Options;

use crate::disk::{Files, Op, Platter, SimDisk};
use crate::world::{Dice, events, open, replayed, small};

/// How many lives are led, each with its own seed and its own crashes; every second one with quick-repair.
const LIVES: usize = 64;
/// How many frames a life appends at most.
const FRAMES_MAX: usize = 36;
/// How many images of crashes are looked at by default, and in the longer run.
const IMAGES: usize = 25_600;
const IMAGES_SOAK: usize = 102_400;
/// One image in so many crashes again while it recovers.
const AGAIN: usize = 4;

fn options(quick_repair: bool) -> Options {
    Options { quick_repair, max_file_bytes: 6000, ..small() }
}

/// A life of the journal: the operations that it asked of the disk, and what was acknowledged after how many of them.
struct Life {
    log: Vec<Op>,
    acknowledged: Vec<(usize, u64)>,
}

/// What came of many crashes.
#[derive(Default)]
struct Crashes {
    images: usize,
    /// Crashes during the recovery from a crash.
    again: usize,
    /// Images in which the frame that was being written was there though nobody was told so.
    unasked: usize,
    /// Images in which frames lay ahead of redb and nowhere else.
    ahead: usize,
    failures: Vec<String>,
}

impl Crashes {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.again += other.again;
        self.unasked += other.unasked;
        self.ahead += other.ahead;
        self.failures.extend(other.failures);
    }
}

fn live(seed: u64, quick_repair: bool) -> Life {
    let disk = Arc::new(SimDisk::default());
    let mut dice = Dice(seed);
    let mut acknowledged = vec![(0, 0)];
    let mut last = 0;
    let mut journal = open(&disk, options(quick_repair)).unwrap().0;
    let (frames, reopens) = (FRAMES_MAX / 2 + dice.below(FRAMES_MAX / 2), 5 + dice.below(15));
    for frame in 1..frames {
        if frame % reopens == 0 {
            drop(journal);
            journal = open(&disk, options(quick_repair)).unwrap().0;
        }
        let count = 1 + dice.below(12) as u64;
        last = journal.append(&events(last, count)).unwrap().last_seq;
        journal.tend(0).unwrap();
        acknowledged.push((disk.now(), last));
    }
    drop(journal);
    Life { log: disk.take_log(), acknowledged }
}

/// What a recovery was like.
struct Recovered {
    /// What it asked of the disk.
    log: Vec<Op>,
    /// Whether the frame that was being written is there.
    unasked: bool,
    /// Whether frames were taken from ahead of redb.
    ahead: bool,
}

/// Opens what a crash left: nothing acknowledged may be missing, nothing else may be there than what was being written.
fn recovers(files: Files, life: &Life, at: usize) -> Result<Recovered, String> {
    let done = life.acknowledged.iter().rev().find(|(op, _)| *op <= at).map_or(0, |(_, seq)| *seq);
    let under_way = life.acknowledged.iter().find(|(op, _)| *op > at).map_or(done, |(_, seq)| *seq);
    let ahead_file = files.keys().position(|name| name == AHEAD_FILE);
    let disk = Arc::new(SimDisk::of(files));
    let (journal, _) = open(&disk, options(false)).map_err(|error| error.to_string())?;
    let found = replayed(&journal).map_err(|error| error.to_string())?;
    if found != done && found != under_way {
        return Err(format!("{found} events came back, {done} were acknowledged, {under_way} under way"));
    }
    let log = disk.take_log();
    // The only write there while a journal is opened says that redb takes what was in it.
    let ahead = log.iter().any(|op| matches!(op, Op::Write(file, ..) if Some(*file) == ahead_file));
    Ok(Recovered { log, unasked: found > done, ahead })
}

/// Crashes `images` times, evenly over a life.
fn check(life: &Life, images: usize, seed: u64, lies: bool) -> Crashes {
    let mut dice = Dice(seed);
    let mut platter = Platter::default();
    let mut crashes = Crashes::default();
    for (at, op) in life.log.iter().enumerate() {
        platter.play(op, lies);
        let share = images * (at + 1) / life.log.len() - images * at / life.log.len();
        for _ in 0..share {
            crash(life, at + 1, &platter.crash(&mut dice), &mut dice, &mut crashes);
        }
    }
    crashes
}

/// Recovers from one image, and from a second crash at any point of that recovery.
fn crash(life: &Life, at: usize, files: &Files, dice: &mut Dice, crashes: &mut Crashes) {
    crashes.images += 1;
    let log = match recovers(files.clone(), life, at) {
        Err(what) => return crashes.failures.push(format!("at operation {at}: {what}")),
        Ok(recovered) => {
            crashes.unasked += usize::from(recovered.unasked);
            crashes.ahead += usize::from(recovered.ahead);
            recovered.log
        }
    };
    if dice.below(AGAIN) != 0 {
        return;
    }
    crashes.again += 1;
    let mut platter = Platter::of(files);
    let second = dice.below(log.len() + 1);
    log[..second].iter().for_each(|op| platter.play(op, false));
    if let Err(what) = recovers(platter.crash(dice), life, at) {
        crashes.failures.push(format!("at operation {at}, crashed again at {second}: {what}"));
    }
}

/// Leads [`LIVES`] lives on two threads and crashes them `images` times in all.
fn crash_lives(images: usize) {
    let lead = |odd: usize| {
        let mut crashes = Crashes::default();
        for nth in (0..LIVES).filter(|nth| nth % 2 == odd) {
            let seed = nth as u64;
            crashes.add(check(&live(seed, odd == 1), images / LIVES, seed, false));
        }
        crashes
    };
    let mut all = Crashes::default();
    std::thread::scope(|scope| {
        let threads = [scope.spawn(move || lead(0)), scope.spawn(move || lead(1))];
        for thread in threads {
            all.add(thread.join().unwrap());
        }
    });
    println!(
        "{} crash images of {LIVES} lives, {} crashed again during recovery, {} held a frame that was not acknowledged yet, \
         {} frames that redb did not have: {} lost or damaged",
        all.images,
        all.again,
        all.unasked,
        all.ahead,
        all.failures.len()
    );
    assert!(all.failures.is_empty(), "{} failures, first: {}", all.failures.len(), all.failures[0]);
    assert!(all.images >= images && all.again * (AGAIN + 1) > images, "too few crashes");
    assert!(all.ahead > images / 10, "only {} recoveries took anything from ahead of redb", all.ahead);
}

#[test]
fn no_acknowledged_event_is_lost_in_any_crash() {
    crash_lives(IMAGES);
}

#[test]
#[ignore = "longer than the default tests"]
fn crash_images_for_longer_lose_nothing_acknowledged() {
    crash_lives(IMAGES_SOAK);
}

#[test]
fn a_disk_that_lies_about_syncing_is_caught() {
    let life = live(9, false);
    let failures = check(&life, 300, 9, true).failures;
    println!("a disk that never syncs lost something in {} of 300 crashes", failures.len());
    assert!(failures.len() > 100, "only {} of 300 crashes lost something", failures.len());
}

/// Fails the disk after `left` operations: from the first failure on nothing is acknowledged, what was acknowledged is there.
fn stops(left: u64, kind: io::ErrorKind) {
    let disk = Arc::new(SimDisk::default());
    let (mut journal, _) = open(&disk, options(false)).unwrap();
    let mut last = journal.append(&events(0, 5)).unwrap().last_seq;
    disk.fail_after(left, kind);
    let error = loop {
        match journal.append(&events(last, 5)) {
            Ok(appended) => last = appended.last_seq,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Stopped { .. }), "{error}");
    // The disk works again; the journal does not believe it.
    disk.fail_after(u64::MAX, kind);
    let before = disk.now();
    for _ in 0..3 {
        assert!(matches!(journal.append(&events(last, 1)), Err(Error::Stopped { .. })));
    }
    assert_eq!(disk.now(), before, "a stopped journal still wrote");
    assert!(journal.stopped().is_some() && journal.close().is_err());
    let (journal, _) = open(&disk, options(false)).unwrap();
    let found = replayed(&journal).unwrap();
    assert!(found == last || found == last + 5, "{found} of {last}");
}

#[test]
fn a_failed_write_or_sync_stops_the_journal_for_good() {
    for left in 0..60 {
        stops(left, io::ErrorKind::Other);
    }
}

#[test]
fn a_full_disk_stops_the_journal_for_good() {
    for left in 0..60 {
        stops(left, io::ErrorKind::StorageFull);
    }
}
