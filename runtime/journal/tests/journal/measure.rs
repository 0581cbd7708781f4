//! Measurements, not tests: run them by name with `--ignored --nocapture`.

use std::time::{Duration, Instant};

use xops_journal::bench::ceiling;
use xops_journal::error::Error;
use xops_journal::frame::Batch;
use xops_journal::journal::{Journal, Options};

use crate::world::{keys, replayed_any};

#[test]
#[ignore = "a measurement"]
fn appending_beside_the_ceiling() {
    let dir = tempfile::tempdir_in(".").unwrap();
    for batch_events in [1_u32, 64, 1024] {
        let ceiling = ceiling(dir.path(), 2.0, 200, batch_events as usize).unwrap();
        let at = dir.path().join(format!("j{batch_events}"));
        let (mut journal, _) = Journal::open(&at, &keys(), Options::default()).unwrap();
        let (mut batch, body) = (Batch::default(), [5; 200]);
        let (mut events, mut slowest, mut tended) = (0_u32, Duration::ZERO, Duration::ZERO);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            for stream in 0..batch_events {
                batch.push(u64::from(stream), &body).unwrap();
            }
            let commit = Instant::now();
            journal.commit(&mut batch).unwrap();
            slowest = slowest.max(commit.elapsed());
            let tending = Instant::now();
            journal.tend(0).unwrap();
            tended = tended.max(tending.elapsed());
            events += batch_events;
        }
        let rate = f64::from(events) / start.elapsed().as_secs_f64();
        drop(journal);
        let start = Instant::now();
        let (journal, opened) = Journal::open(&at, &keys(), Options::default()).unwrap();
        let opening = start.elapsed();
        let start = Instant::now();
        replayed_any(&journal);
        println!(
            "batch {batch_events}: {rate:.0} events/s, bare {:.0}, syncs {:.0}/s; slowest commit {slowest:?}, tending {tended:?}; {} files; \
             open {opening:?}; replay {:?}",
            ceiling.events_per_s,
            ceiling.fdatasync_per_s,
            opened.files,
            start.elapsed(),
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn sealing_an_event() {
    let disk = std::sync::Arc::new(xops_journal::disk::MemoryDisk::default());
    let (mut journal, _) = crate::world::open(&disk, Options::default()).unwrap();
    let (mut batch, body) = (Batch::default(), [5; 80]);
    let start = Instant::now();
    let mut events = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        for stream in 0..1024 {
            batch.push(stream, &body).unwrap();
        }
        events += 1024;
        journal.commit(&mut batch).unwrap();
    }
    println!("{:?} an event, in memory", start.elapsed() / events);
}

#[test]
#[ignore = "a measurement"]
fn reading_beside_a_writer_at_full_speed() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), Options::default()).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut batch, body) = (Batch::default(), [5; 200]);
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for stream in 0..50 {
                    batch.push(stream, &body).unwrap();
                }
                journal.commit(&mut batch).unwrap();
            }
        });
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(200));
            let start = Instant::now();
            match Journal::open_read(dir.path(), &keys()) {
                Ok(reader) => println!(
                    "read to {} in {:?}, settled {}",
                    reader.head().seq,
                    start.elapsed(),
                    reader.settled()
                ),
                Err(error @ Error::Busy { .. }) => println!("{error} after {:?}", start.elapsed()),
                Err(error) => println!("{error}"),
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// Fills files of 64 MiB with frames of 1 MiB; how long each commit that begins a file took, and how long one in the middle takes.
fn rotations(tended: bool) -> (Vec<Duration>, Duration) {
    let dir = tempfile::tempdir_in(".").unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), Options::default()).unwrap();
    let mut noise = crate::world::Dice(7);
    let body: Vec<u8> = (0..1 << 20).map(|_| noise.next().to_le_bytes()[0]).collect();
    let (mut rotating, mut others) = (Vec::new(), Vec::new());
    let mut batch = Batch::default();
    for frame in 0..64 * 4 + 2 {
        batch.push(1, &body).unwrap();
        let start = Instant::now();
        journal.commit(&mut batch).unwrap();
        let took = start.elapsed();
        if frame > 0 && frame % 64 == 0 {
            rotating.push(took);
        } else {
            others.push(took);
        }
        while tended && journal.tend(2 << 20).unwrap() {}
    }
    others.sort();
    (rotating, others[others.len() / 2])
}

#[test]
#[ignore = "a measurement"]
fn beginning_the_next_file() {
    for round in 1..=2 {
        for tended in [false, true] {
            let (rotating, other) = rotations(tended);
            println!(
                "round {round}, tended {tended}: commits that begin a file {rotating:?}; the median of the others {other:?}"
            );
        }
    }
}
