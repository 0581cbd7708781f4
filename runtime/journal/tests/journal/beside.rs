//! Readers beside a writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use xops_journal::error::Error;
use xops_journal::journal::{Journal, Options};

use crate::world::{events, keys, read, small};

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
fn a_reader_of_a_busy_journal_reads_right_or_says_busy() {
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
    let (mut read_right, mut busy) = (0, 0);
    while start.elapsed() < Duration::from_secs(2) {
        match Journal::open_read(dir.path(), &keys()) {
            Ok(reader) => {
                assert!(read(&reader).unwrap() > 0);
                read_right += 1;
            }
            Err(Error::Busy { .. }) => busy += 1,
            Err(error) => panic!("a busy journal is not {error}"),
        }
    }
    done.store(true, Ordering::Relaxed);
    let last = writer.join().unwrap();
    assert_eq!(Journal::verify(dir.path(), &keys()).unwrap().events, last);
    println!("{read_right} read, {busy} busy, {last} events");
    assert!(read_right > 0, "no reader got through, {busy} were told that it is busy");
}

#[test]
fn a_reader_of_nothing_says_what_is_missing_and_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent");
    assert!(matches!(Journal::open_read(&absent, &keys()), Err(Error::Io { .. })));
    assert!(!absent.exists());
    assert!(matches!(Journal::open_read(dir.path(), &keys()), Err(Error::Missing { .. })));
}
