//! Damaged, cut, swapped, removed and rolled back files: told, or harmless; never another event, never a panic.

use std::sync::Arc;

use xops_journal::ahead::AHEAD_FILE;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::Error;
use xops_journal::journal::Options;

use crate::world::{Dice, events, is_journal, open, replayed, small};

const EVENTS: u64 = 240;

/// A closed journal of several files.
fn written() -> Vec<(String, Vec<u8>)> {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    for frame in 0..EVENTS / 20 {
        journal.append(&events(frame * 20, 20)).unwrap();
    }
    journal.close().unwrap();
    disk.list().unwrap().into_iter().map(|name| (name.clone(), disk.read(&name).unwrap())).collect()
}

fn disk_of(files: &[(String, Vec<u8>)]) -> Arc<MemoryDisk> {
    let disk = Arc::new(MemoryDisk::default());
    for (name, bytes) in files {
        disk.put(name, bytes.clone());
    }
    disk
}

/// Opens and replays: `Ok(true)` if all is there, `Err` if damage was told. Anything else is a failure of the test.
fn check(files: &[(String, Vec<u8>)], check_sealed: bool) -> Result<(), Error> {
    let (journal, opened) = open(&disk_of(files), Options { check_sealed, ..small() })?;
    let count = replayed(&journal)?;
    assert_eq!((count, opened.last_seq), (EVENTS, EVENTS), "events were lost and nobody said so");
    Ok(())
}

#[test]
fn every_flipped_bit_is_told_or_harmless() {
    let files = written();
    check(&files, true).unwrap();
    let mut dice = Dice(11);
    let (mut told, mut harmless) = (0, 0);
    let weights: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    for round in 0..3000 {
        let mut copy = files.clone();
        // Half of the flips anywhere, half where bytes are not zero: most of a small redb file is empty.
        let mut at = dice.below(weights);
        let index = copy
            .iter()
            .position(|(_, bytes)| {
                let here = at < bytes.len();
                if !here {
                    at -= bytes.len();
                }
                here
            })
            .unwrap();
        let bytes = &mut copy[index].1;
        if round % 2 == 0 {
            while bytes[at] == 0 {
                at = dice.below(bytes.len());
            }
        }
        bytes[at] ^= 1 << dice.below(8);
        match check(&copy, round % 4 < 2) {
            Ok(()) => harmless += 1,
            Err(error) => {
                told += 1;
                let named = matches!(
                    error,
                    Error::Damaged { .. }
                        | Error::Store { .. }
                        | Error::RolledBack { .. }
                        | Error::Version { .. }
                );
                assert!(named, "{}: byte {at}: {error}", copy[index].0);
            }
        }
    }
    println!("{told} told, {harmless} harmless");
    assert!(told > 1500, "only {told} of 3000 were told");
}

#[test]
fn every_flipped_bit_of_a_frame_is_told() {
    let files = written();
    let mut dice = Dice(12);
    for (index, (name, bytes)) in files.iter().enumerate().filter(|(_, (name, _))| is_journal(name)) {
        let mut frames = bytes.windows(4).enumerate().filter(|(_, four)| *four == b"XOJF").map(|(at, _)| at);
        let Some(frame) = frames.next_back() else { continue };
        for _ in 0..60 {
            let mut copy = files.clone();
            let at = frame + dice.below(1500);
            let Some(byte) = copy[index].1.get_mut(at) else { continue };
            if *byte == 0 {
                continue;
            }
            *byte ^= 1 << dice.below(8);
            // The last frame that lies in the file may be a stale copy of it in a sealed file's free page: told by the digest.
            let outcome = check(&copy, true);
            assert!(outcome.is_err() || index == last_journal(&files), "{name}: byte {at} was not told");
        }
    }
}

fn last_journal(files: &[(String, Vec<u8>)]) -> usize {
    files.iter().rposition(|(name, _)| is_journal(name)).unwrap()
}

#[test]
fn a_file_cut_at_any_length_is_told() {
    let files = written();
    let mut dice = Dice(13);
    for (index, (name, bytes)) in files.iter().enumerate() {
        if bytes.is_empty() {
            continue;
        }
        let lengths = [0, 1, 9, 64, 320, 511, 512, 4095, 4096, 8192, bytes.len() - 1];
        let random: Vec<usize> = (0..40).map(|_| dice.below(bytes.len())).collect();
        for length in lengths.into_iter().chain(random).filter(|length| *length < bytes.len()) {
            let mut copy = files.clone();
            copy[index].1.truncate(length);
            let options = Options { check_sealed: false, ..small() };
            assert!(open(&disk_of(&copy), options).is_err(), "`{name}` cut to {length} was not told at open");
        }
    }
}

#[test]
fn a_removed_file_is_named() {
    let files = written();
    let newest = last_journal(&files);
    for (index, (name, _)) in files.iter().enumerate().filter(|(_, (name, _))| is_journal(name)) {
        let mut copy = files.clone();
        copy.remove(index);
        let error = check(&copy, false).unwrap_err();
        if index == newest {
            // What was ahead of the newest file names it, or the head file knows how far the journal reached.
            let named = matches!(&error, Error::Missing { file } if file == name);
            assert!(named || matches!(error, Error::RolledBack { .. }), "{error}");
        } else {
            assert!(matches!(&error, Error::Missing { file } if file == name), "{error}");
        }
    }
}

#[test]
fn swapped_files_are_told() {
    let files = written();
    let newest = last_journal(&files);
    let journals: Vec<usize> = (0..=newest).filter(|&index| is_journal(&files[index].0)).collect();
    for (&left, &right) in journals.iter().zip(&journals[1..]) {
        let mut copy = files.clone();
        let bytes = std::mem::replace(&mut copy[left].1, files[right].1.clone());
        copy[right].1 = bytes;
        let error = check(&copy, true).unwrap_err();
        assert!(
            error.to_string().contains(&files[left].0) || error.to_string().contains(&files[right].0),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_another_journal_of_the_same_tenant_is_told() {
    let files = written();
    let other = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&other, small()).unwrap();
    journal.append(&events(100, 20)).unwrap();
    journal.close().unwrap();
    let mut copy = files.clone();
    copy[0].1 = other.read(&files[0].0).unwrap();
    let error = check(&copy, true).unwrap_err();
    assert!(matches!(&error, Error::Damaged { file, .. } if *file == files[0].0), "{error}");
}

#[test]
fn files_put_back_to_older_copies_are_told_by_what_is_beside_them_or_by_any_known_head() {
    let disk = Arc::new(MemoryDisk::default());
    let name = "journal-000001.redb";
    let mut older = Vec::new();
    let mut head = None;
    for frame in 0..3 {
        let (mut journal, _) = open(&disk, Options::default()).unwrap();
        journal.append(&events(frame * 20, 20)).unwrap();
        head = Some(journal.close().unwrap());
        older.push([name, AHEAD_FILE, "journal.head"].map(|name| (name, disk.read(name).unwrap())));
    }
    let newest = older.pop().unwrap();
    // The copy is so old: how many of its three files are put back.
    let put_back = |copy: &[(&str, Vec<u8>); 3], files: usize, expect_head| {
        let mixed = Arc::new(MemoryDisk::default());
        for (name, bytes) in copy[..files].iter().chain(&newest[files..]) {
            mixed.put(name, bytes.clone());
        }
        let (journal, _) = open(&mixed, Options { expect_head, ..Options::default() })?;
        replayed(&journal)
    };
    // What was taken from ahead of the file last is still there: nothing is lost.
    assert_eq!(put_back(&older[1], 1, head).unwrap(), 60);
    for (age, files, reached) in [(0, 1, 60), (0, 2, 60), (1, 2, 60)] {
        let error = put_back(&older[age], files, None).unwrap_err();
        assert!(matches!(error, Error::RolledBack { expected, .. } if expected == reached), "{error}");
    }
    // Whoever puts back the head file too is told by a head that was kept outside, and by nothing else.
    assert_eq!(put_back(&older[0], 3, None).unwrap(), 20);
    let error = put_back(&older[0], 3, head).unwrap_err();
    assert!(matches!(error, Error::RolledBack { expected: 60, .. }), "{error}");
}

#[test]
fn a_journal_whose_first_file_is_gone_is_not_begun_anew() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    journal.append(&events(0, 20)).unwrap();
    std::mem::forget(journal);
    let left = Arc::new(MemoryDisk::default());
    left.put(AHEAD_FILE, disk.read(AHEAD_FILE).unwrap());
    let error = open(&left, Options::default()).err().unwrap();
    assert!(matches!(&error, Error::Missing { file } if file == "journal-000001.redb"), "{error}");
}

#[test]
fn a_stranger_among_the_files_is_named() {
    let mut files = written();
    let (_, bytes) = files[0].clone();
    files.push(("journal-000000.redb".to_owned(), bytes));
    let error = check(&files, true).unwrap_err();
    assert!(matches!(&error, Error::Stranger { file } if file == "journal-000000.redb"), "{error}");
}

#[test]
fn a_file_that_was_sealed_last_is_vouched_for_by_its_chain_and_the_one_before_it_by_its_digest() {
    let files = written();
    let newest = last_journal(&files);
    let reader = xops_journal::read::Reader::open_on(disk_of(&files), &crate::world::keys()).unwrap();
    let printed: Vec<bool> = reader.sealed().iter().map(xops_journal::segment::Sealed::is_printed).collect();
    let (last, before) = printed.split_last().unwrap();
    assert!(!last && before.iter().all(|printed| *printed) && !before.is_empty(), "{printed:?}");
    // Every frame of the file that was sealed last, each flipped.
    let (name, bytes) = &files[newest - 1];
    let frames: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"XOJF").map(|(at, _)| at).collect();
    assert!(frames.len() > 1);
    let mut told = 0;
    for frame in &frames {
        let mut copy = files.clone();
        copy[newest - 1].1[frame + 70] ^= 1;
        // A stale copy that the store left behind is harmless.
        if let Err(error) = check(&copy, true) {
            assert!(error.to_string().contains(name), "{error}");
            told += 1;
        }
    }
    assert!(told > 1, "{told} of {} were told", frames.len());
}

#[test]
fn tending_makes_the_digest_before_the_next_file_is_sealed() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut tended = 0;
    for frame in 0..12 {
        journal.append(&events(frame * 20, 20)).unwrap();
        while journal.tend(0).unwrap() {
            tended += 1;
        }
        assert!(!journal.tend(usize::MAX).unwrap(), "there is something left to do");
    }
    assert!(tended > 5, "{tended}");
    let unfinished = || disk.list().unwrap().into_iter().filter(|name| name.contains(".redb.")).count();
    assert_eq!(unfinished(), 1, "the next file was not made ahead");
    journal.close().unwrap();
    assert_eq!(unfinished(), 0, "what was made ahead was left behind");
    let (journal, opened) = open(&disk, small()).unwrap();
    assert_eq!((replayed(&journal).unwrap(), opened.last_seq), (240, 240));
}
