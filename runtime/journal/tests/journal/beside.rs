//! Readers beside a writer.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use xops_journal::ahead::AHEAD_FILE;
use xops_journal::backup;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::Error;
use xops_journal::journal::{Journal, Options};
use xops_journal::read::Reader;

use crate::world::{events, keys, open, read, replayed, small};

#[test]
fn a_reader_sees_what_is_durable_while_the_writer_has_it_open() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), small()).unwrap();
    for frame in 0..10 {
        journal.append(&events(frame * 20, 20)).unwrap();
        let reader = Journal::open_read(dir.path(), &keys()).unwrap();
        assert_eq!((read(&reader).unwrap(), reader.head()), ((frame + 1) * 20, journal.head()));
    }
    assert_eq!(Journal::verify(dir.path(), &keys()).unwrap().events, 200);
}

#[test]
fn a_reader_sees_what_redb_does_not_have_yet() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), Options::default()).unwrap();
    let file = || std::fs::read(dir.path().join("journal-000001.redb")).unwrap();
    let before = file();
    for frame in 0..10 {
        journal.append(&events(frame * 20, 20)).unwrap();
        let reader = Journal::open_read(dir.path(), &keys()).unwrap();
        assert_eq!((read(&reader).unwrap(), reader.head()), ((frame + 1) * 20, journal.head()));
        assert!(reader.settled());
        let mut from = Vec::new();
        reader
            .replay(frame * 20 + 3, |seq, _, _| {
                from.push(seq);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(from, (frame * 20 + 3..=frame * 20 + 20).collect::<Vec<u64>>());
    }
    assert_eq!(before, file(), "the test is about frames that redb does not have");
    journal.close().unwrap();
    assert_ne!(before, file());
    assert_eq!(Journal::verify(dir.path(), &keys()).unwrap().events, 200);
}

#[test]
fn a_backup_beside_the_writer_holds_what_redb_does_not_have_yet_and_needs_nothing_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy, restored) =
        (dir.path().join("data"), dir.path().join("copy"), dir.path().join("restored"));
    let (mut journal, _) = Journal::open(&data, &keys(), Options::default()).unwrap();
    journal.append(&events(0, 20)).unwrap();
    let reader = Journal::open_read(&data, &keys()).unwrap();
    let taken = backup::take(&reader, &keys(), &copy, &mut |_, _| ()).unwrap();
    journal.append(&events(20, 20)).unwrap();
    assert_eq!((taken.head.seq, taken.report.events), (20, 20));
    assert!(!copy.join(AHEAD_FILE).exists(), "a backup is whole without it");
    backup::restore(&copy, &keys(), &restored, &mut |_, _| ()).unwrap();
    let (mut journal, opened) = Journal::open(&restored, &keys(), Options::default()).unwrap();
    assert_eq!((opened.last_seq, replayed(&journal).unwrap()), (20, 20));
    journal.append(&events(20, 20)).unwrap();
    assert_eq!(read(&Journal::open_read(&restored, &keys()).unwrap()).unwrap(), 40);
}

#[test]
fn a_reader_of_a_busy_journal_reads_an_unbroken_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_file_bytes: 200_000, ..Options::default() };
    let (mut journal, _) = Journal::open(dir.path(), &keys(), options).unwrap();
    journal.append(&events(0, 1)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let mut last = 1;
            while !done.load(Ordering::Relaxed) {
                last = journal.append(&events(last, 50)).unwrap().last_seq;
            }
            last
        }
    });
    let start = Instant::now();
    let (mut settled, mut trailing) = (0, 0);
    let mut reached = 0;
    while start.elapsed() < Duration::from_secs(2) {
        let reader = Journal::open_read(dir.path(), &keys()).unwrap();
        let count = read(&reader).unwrap();
        assert!(count == reader.head().seq && count + 2000 > reached, "{count} after {reached}");
        reached = reached.max(count);
        *(if reader.settled() { &mut settled } else { &mut trailing }) += 1;
    }
    done.store(true, Ordering::Relaxed);
    let last = writer.join().unwrap();
    assert_eq!(Journal::verify(dir.path(), &keys()).unwrap().events, last);
    println!("{settled} settled, {trailing} trailing, {last} events");
    assert!(settled + trailing > 3);
}

#[test]
fn a_reader_of_a_damaged_journal_that_nobody_writes_is_told_so() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    for frame in 0..30 {
        journal.append(&events(frame * 20, 20)).unwrap();
    }
    drop(journal);
    let mut bytes = disk.read("journal-000001.redb").unwrap();
    let frame = bytes.windows(4).rposition(|four| four == b"XOJF").unwrap();
    bytes[frame + 100] ^= 1;
    disk.put("journal-000001.redb", bytes);
    let error = Reader::open_on(disk, &keys()).err().unwrap();
    assert!(matches!(error, Error::Damaged { .. } | Error::RolledBack { .. }), "{error}");
}

#[test]
fn a_reader_of_nothing_says_what_is_missing_and_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent");
    assert!(matches!(Journal::open_read(&absent, &keys()), Err(Error::Io { .. })));
    assert!(!absent.exists());
    assert!(matches!(Journal::open_read(dir.path(), &keys()), Err(Error::Missing { .. })));
}
