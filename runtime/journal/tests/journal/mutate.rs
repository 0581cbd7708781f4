//! Journal files altered in every way that comes to mind, many times: told, or harmless; never another event, never a panic.
//!
//! Harmless means that the journal opens, holds exactly the events that were written, and ends where it is known to end: the
//! head that is kept outside the directory is given to every opening, as an operator does who fears a rollback of everything.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use xops_journal::ahead::AHEAD_FILE;
use xops_journal::audit::examine;
use xops_journal::checkpoint::Signed;
use xops_journal::disk::Disk;
use xops_journal::error::Error;
use xops_journal::journal::Options;
use xops_journal::segment::Head;

use crate::disk::{Bytes, Files, SimDisk};
use crate::world::{Dice, checkpoint, events, is_journal, keys, open, replayed, signer, small, soak_ends};

/// Mutations by default, and in the longer run, which `XOPS_SOAK_SECONDS` may end earlier.
const MUTATIONS: u64 = 2_000;
const MUTATIONS_SOAK: u64 = 100_000;
/// Each journal is altered so often; then another one is written.
const MUTATIONS_OF_ONE: u64 = 200;
const SECTOR: usize = 512;

/// The ways of altering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// One bit is another.
    Flip,
    /// One bit of a byte that is not zero is another: most of a small file is empty.
    FlipWritten,
    /// A few bytes are others.
    Bytes,
    /// A sector is zero.
    Blank,
    /// A sector is a copy of another one, of the same file or of another.
    Sector,
    /// The file ends earlier.
    Cut,
    /// The file goes on with noise.
    Longer,
    /// Two files have each other's bytes.
    Swap,
    /// The file is gone.
    Remove,
    /// The file is as it was at an earlier moment.
    Older,
    /// Every file is as it was at an earlier moment.
    AllOlder,
}

const WAYS: [Way; 11] = [
    Way::Flip,
    Way::FlipWritten,
    Way::Bytes,
    Way::Blank,
    Way::Sector,
    Way::Cut,
    Way::Longer,
    Way::Swap,
    Way::Remove,
    Way::Older,
    Way::AllOlder,
];

/// A journal that was written several times, with its files as they were each time when it was closed, or its process died.
struct Written {
    moments: Vec<Files>,
    events: u64,
    head: Head,
    /// What was signed at each moment, and kept elsewhere.
    checkpoints: Vec<Signed>,
}

fn options(head: Option<Head>) -> Options {
    Options { max_file_bytes: 1500, expect_head: head, ..small() }
}

fn written(seed: u64) -> Written {
    let disk = Arc::new(SimDisk::default());
    let mut dice = Dice(seed);
    let (moments, checkpoints) = (Vec::new(), Vec::new());
    let mut made = Written { moments, events: 0, head: Head::default(), checkpoints };
    for _ in 0..3 + dice.below(2) {
        let (mut journal, _) = open(&disk, options(None)).unwrap();
        for _ in 0..=dice.below(4) {
            let count = 1 + dice.below(20) as u64;
            made.events = journal.append(&events(made.events, count)).unwrap().last_seq;
        }
        if dice.below(2) == 0 {
            made.head = journal.close().unwrap();
        } else {
            made.head = journal.head();
            // It dies with what redb does not have yet: nothing of it is closed.
            std::mem::forget(journal);
        }
        made.checkpoints.push(checkpoint(&disk));
        made.moments.push(disk.list().unwrap().into_iter().map(|name| file(&disk, name)).collect());
    }
    made
}

fn file(disk: &SimDisk, name: String) -> (String, Bytes) {
    let bytes = disk.read(&name).unwrap();
    (name, Arc::new(bytes))
}

/// A place in `bytes`; with `written` one that is not zero, where there is one nearby.
fn place(bytes: &[u8], written: bool, dice: &mut Dice) -> usize {
    let at = dice.below(bytes.len().max(1));
    let next = bytes.iter().skip(at).position(|byte| *byte != 0).filter(|_| written);
    at + next.unwrap_or(0)
}

/// Alters the files of the last moment; nothing if they are the same as before.
fn mutate(way: Way, made: &Written, dice: &mut Dice) -> Option<Files> {
    let last = made.moments.last()?;
    let names: Vec<&String> = last.keys().collect();
    let (name, other) = (names[dice.below(names.len())], names[dice.below(names.len())]);
    let earlier = &made.moments[dice.below(made.moments.len())];
    let mut files = last.clone();
    match way {
        Way::Swap => {
            files.insert(name.clone(), Arc::clone(&last[other]));
            files.insert(other.clone(), Arc::clone(&last[name]));
        }
        Way::Remove => {
            files.remove(name);
        }
        Way::Older => {
            files.insert(name.clone(), Arc::clone(earlier.get(name)?));
        }
        Way::AllOlder => files.clone_from(earlier),
        _ => alter(way, Arc::make_mut(files.get_mut(name)?), &last[other], dice),
    }
    (files != *last).then_some(files)
}

/// An alteration that changes something.
fn altered(made: &Written, dice: &mut Dice) -> (Way, Files) {
    loop {
        let way = WAYS[dice.below(WAYS.len())];
        if let Some(files) = mutate(way, made, dice) {
            return (way, files);
        }
    }
}

/// Alters the bytes of one file.
fn alter(way: Way, bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = place(bytes, way == Way::FlipWritten, dice);
    let sector = at / SECTOR * SECTOR..(at / SECTOR * SECTOR + SECTOR).min(bytes.len());
    match way {
        Way::Flip | Way::FlipWritten => bytes[at] ^= 1 << dice.below(8),
        Way::Bytes => {
            let end = (at + 1 + dice.below(16)).min(bytes.len());
            bytes[at..end].fill_with(|| dice.next().to_le_bytes()[0]);
        }
        Way::Blank => bytes[sector].fill(0),
        Way::Sector => {
            let from = place(other, true, dice) / SECTOR * SECTOR;
            let length = sector.len().min(other.len().saturating_sub(from));
            bytes[sector.start..sector.start + length].copy_from_slice(&other[from..from + length]);
        }
        Way::Cut => bytes.truncate(at),
        Way::Longer => bytes.extend((0..=dice.below(3 * SECTOR)).map(|_| dice.next().to_le_bytes()[0])),
        Way::Swap | Way::Remove | Way::Older | Way::AllOlder => {}
    }
}

/// Opens and reads all of it: what was told, or nothing where it was harmless.
fn told(files: Files, made: &Written) -> Option<Error> {
    let disk = Arc::new(SimDisk::of(files));
    let read = open(&disk, options(Some(made.head)))
        .and_then(|(journal, opened)| Ok((replayed(&journal)?, opened.last_seq)));
    match read {
        Ok(found) => {
            assert_eq!(found, (made.events, made.events), "events were lost and nobody said so");
            None
        }
        Err(error) => Some(error),
    }
}

/// Whether an audit finds something, held to the checkpoints that were kept elsewhere.
fn audited(files: Files, made: &Written) -> bool {
    let public = signer().public();
    match examine(&SimDisk::of(files), &keys(), Some(&public), &made.checkpoints) {
        Ok(examined) => !examined.findings.is_empty(),
        Err(_) => true,
    }
}

/// How often each way was told and harmless.
type Counts = BTreeMap<Way, (u64, u64)>;

fn mutations(journals: impl Iterator<Item = u64>) -> Counts {
    let mut counts = Counts::new();
    for seed in journals {
        let (made, mut dice) = (written(seed), Dice(seed ^ 0xa5a5));
        let last = made.moments.last().unwrap();
        assert!(told(last.clone(), &made).is_none(), "seed {seed}: it is whole");
        assert!(!audited(last.clone(), &made), "seed {seed}: it is whole");
        for nth in 0..MUTATIONS_OF_ONE {
            let (way, files) = altered(&made, &mut dice);
            let outcome =
                catch_unwind(AssertUnwindSafe(|| (told(files.clone(), &made), audited(files, &made))));
            let Ok((outcome, found)) = outcome else { panic!("journal {seed}, mutation {nth}: {way:?}") };
            assert!(
                found || outcome.is_none(),
                "journal {seed}, mutation {nth}: {way:?}: {outcome:?}, and an audit finds nothing"
            );
            let (told, harmless) = counts.entry(way).or_default();
            match outcome {
                None => *harmless += 1,
                Some(error) => {
                    let named = !matches!(error, Error::Stopped { .. } | Error::Locked { .. } | Error::Empty);
                    assert!(named, "journal {seed}, mutation {nth}: {way:?}: {error}");
                    *told += 1;
                }
            }
        }
    }
    counts
}

/// As many of `seeds` as there is time for.
fn in_time(ends: Option<Instant>, seeds: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    seeds.take_while(move |_| ends.is_none_or(|end| Instant::now() < end))
}

/// Alters journals `times` times in all, on two threads.
fn fuzz(times: u64, ends: Option<Instant>) {
    let journals = times / MUTATIONS_OF_ONE;
    let mut counts = Counts::new();
    std::thread::scope(|scope| {
        let share = |odd| move || mutations(in_time(ends, 1..=journals).filter(move |seed| seed % 2 == odd));
        for thread in [scope.spawn(share(0)), scope.spawn(share(1))] {
            for (way, (told, harmless)) in thread.join().unwrap() {
                let sum = counts.entry(way).or_default();
                *sum = (sum.0 + told, sum.1 + harmless);
            }
        }
    });
    let (told, harmless) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!(
        "{} mutations, {MUTATIONS_OF_ONE} of each journal: {told} told, {harmless} harmless, 0 silent, 0 panics",
        told + harmless
    );
    for (way, (told, harmless)) in &counts {
        println!("  {way:?}: {told} told, {harmless} harmless");
    }
    let all = told + harmless == times;
    assert!(all || ends.is_some(), "only {} of {times} mutations", told + harmless);
    for way in WAYS {
        let count = counts.get(&way).copied().unwrap_or_default();
        assert!(count.0 > 0, "{way:?} was never told");
    }
    assert_eq!(counts[&Way::AllOlder].1, 0, "a rollback of everything went unnoticed");
}

#[test]
fn any_alteration_is_told_or_harmless() {
    fuzz(MUTATIONS, None);
}

#[test]
#[ignore = "longer than the default tests"]
fn fuzz_of_journal_files_for_longer_finds_nothing_silent() {
    fuzz(MUTATIONS_SOAK, soak_ends());
}

#[test]
fn the_mutations_reach_every_kind_of_file() {
    let made = written(1);
    let last = made.moments.last().unwrap();
    assert!(last.keys().filter(|name| is_journal(name)).count() > 1, "sealed files and a newest one");
    assert!(last.contains_key("journal.head") && last.contains_key(AHEAD_FILE));
}

#[test]
fn some_of_the_altered_journals_end_in_frames_that_redb_does_not_have() {
    let ahead = |made: &Written| {
        let mut without = made.moments.last().unwrap().clone();
        without.remove(AHEAD_FILE);
        let disk = Arc::new(SimDisk::of(without));
        matches!(open(&disk, options(None)), Err(Error::Missing { file }) if file == AHEAD_FILE)
    };
    assert!((1..20).all(|seed| ahead(&written(seed))), "an ahead file that is gone was not missed");
    let dead = |made: &Written| {
        let last = made.moments.last().unwrap();
        let tip = &made.head.hash;
        !last.iter().any(|(name, bytes)| is_journal(name) && bytes.windows(32).any(|hash| hash == tip))
    };
    assert!((1..20).filter(|seed| dead(&written(*seed))).count() > 3, "no journal ends ahead of redb");
}
