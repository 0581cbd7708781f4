//! Crashes at every point, on a disk that loses, tears and reorders what was not synced; and failures of the disk.

use std::io;
use std::sync::Arc;

use xops_journal::error::Error;
use xops_journal::journal::Options;

use crate::disk::{Files, Op, Platter, SimDisk};
use crate::world::{Dice, events, open, replayed};

const FRAMES: u64 = 40;

fn options(quick_repair: bool) -> Options {
    Options { quick_repair, max_file_bytes: 6000, cache_bytes: 1 << 20, ..Options::default() }
}

/// A life of the journal: the operations that it asked of the disk, and what was acknowledged after how many of them.
struct Life {
    log: Vec<Op>,
    acknowledged: Vec<(usize, u64)>,
}

fn live(seed: u64, quick_repair: bool) -> Life {
    let disk = Arc::new(SimDisk::default());
    let mut dice = Dice(seed);
    let mut acknowledged = vec![(0, 0)];
    let mut last = 0;
    let mut journal = open(&disk, options(quick_repair)).unwrap().0;
    for frame in 0..FRAMES {
        if frame % 15 == 14 {
            drop(journal);
            journal = open(&disk, options(quick_repair)).unwrap().0;
        }
        let count = 1 + dice.below(12) as u64;
        last = journal.append(&events(last, count)).unwrap().last_seq;
        acknowledged.push((disk.now(), last));
    }
    drop(journal);
    Life { log: disk.take_log(), acknowledged }
}

/// Opens what a crash left: nothing acknowledged may be missing, nothing else may be there than what was being written.
fn recovers(files: &Files, life: &Life, at: usize) -> Result<Arc<SimDisk>, String> {
    let done = life.acknowledged.iter().rev().find(|(op, _)| *op <= at).map_or(0, |(_, seq)| *seq);
    let under_way = life.acknowledged.iter().find(|(op, _)| *op > at).map_or(done, |(_, seq)| *seq);
    let disk = Arc::new(SimDisk::of(files));
    let (journal, _) = open(&disk, options(false)).map_err(|error| error.to_string())?;
    let found = replayed(&journal).map_err(|error| error.to_string())?;
    if found != done && found != under_way {
        return Err(format!("{found} events came back, {done} were acknowledged, {under_way} under way"));
    }
    std::mem::forget(journal);
    Ok(disk)
}

/// Crashes `images` times, evenly over a life. Returns the failures.
fn check(life: &Life, images: usize, seed: u64, lies: bool) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut platter = Platter::default();
    let mut failures = Vec::new();
    for (at, op) in life.log.iter().enumerate() {
        platter.play(op, lies);
        let share = images * (at + 1) / life.log.len() - images * at / life.log.len();
        for _ in 0..share {
            let files = platter.crash(&mut dice);
            match recovers(&files, life, at + 1) {
                Err(what) => failures.push(format!("at operation {}: {what}", at + 1)),
                Ok(disk) if dice.below(4) == 0 => again(&disk, life, at + 1, &mut dice, &mut failures),
                Ok(_) => {}
            }
        }
    }
    failures
}

/// A second crash, at any point of the recovery from the first.
fn again(disk: &SimDisk, life: &Life, at: usize, dice: &mut Dice, failures: &mut Vec<String>) {
    let log = disk.take_log();
    let mut platter = Platter::default();
    let crash = dice.below(log.len() + 1);
    let files = log.iter().take_while(|op| matches!(op, Op::Create(..))).count();
    log[..crash.max(files)].iter().for_each(|op| platter.play(op, false));
    if let Err(what) = recovers(&platter.crash(dice), life, at) {
        failures.push(format!("at operation {at}, crashed again at {crash}: {what}"));
    }
}

#[test]
fn no_acknowledged_event_is_lost_in_any_crash() {
    let lives = (0..4).map(|seed| {
        std::thread::spawn(move || {
            let life = live(seed, seed % 2 == 1);
            let failures = check(&life, 750, seed, false);
            assert!(failures.is_empty(), "seed {seed}: {} failures, first: {}", failures.len(), failures[0]);
        })
    });
    let lives: Vec<_> = lives.collect();
    for life in lives {
        life.join().unwrap();
    }
}

#[test]
fn a_disk_that_lies_about_syncing_is_caught() {
    let life = live(9, false);
    let failures = check(&life, 300, 9, true);
    assert!(
        failures.len() > 100,
        "a disk that never syncs lost something in {} of 300 crashes",
        failures.len()
    );
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
