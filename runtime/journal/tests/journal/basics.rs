//! Appending, reopening, rotating, keys, bounds, locks.

use std::ops::ControlFlow;
use std::sync::Arc;

use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::{Answer, Error};
use xops_journal::frame::{Batch, EVENT_BYTES_MAX};
use xops_journal::journal::{Entry, Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::segment::Head;

use crate::disk::SimDisk;
use crate::world::{event, events, key, keys, open, replayed, small};

/// Appends in frames of the given sizes, reopening after each; expects every event back each time.
fn check(options: Options, frames: &[u64]) -> Arc<MemoryDisk> {
    let disk = Arc::new(MemoryDisk::default());
    let mut last = 0;
    for &count in frames {
        let (mut journal, opened) = open(&disk, options).unwrap();
        assert_eq!(opened.last_seq, last);
        let appended = journal.append(&events(last, count)).unwrap();
        assert_eq!((appended.first_seq, appended.last_seq), (last + 1, last + count));
        last += count;
        assert_eq!(replayed(&journal).unwrap(), last);
    }
    let (journal, opened) = open(&disk, options).unwrap();
    assert!(!opened.recovered, "it was closed");
    assert_eq!((replayed(&journal).unwrap(), opened.last_seq), (last, last));
    disk
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    check(Options::default(), &[1, 3, 100, 1]);
}

#[test]
fn quick_repair_changes_nothing_that_is_read() {
    check(Options { quick_repair: true, ..small() }, &[1, 3, 100, 1, 20]);
}

#[test]
fn the_chain_goes_on_across_rotated_files() {
    let disk = check(small(), &[20; 12]);
    let files = disk.list().unwrap().iter().filter(|name| crate::world::is_journal(name)).count();
    assert!(files > 4, "{files} files are too few to try rotation");
}

#[test]
fn replay_begins_and_ends_where_it_is_asked_to() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    for frame in 0..20 {
        journal.append(&events(frame * 10, 10)).unwrap();
    }
    for from in [0, 1, 2, 10, 11, 37, 199, 200, 201, 5000] {
        let mut seen = Vec::new();
        journal
            .replay(from, |seq, _, body| {
                assert_eq!(body, event(seq).body);
                seen.push(seq);
                if seen.len() == 15 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        let expected: Vec<u64> = (from.max(1)..=200).take(15).collect();
        assert_eq!(seen, expected, "from {from}");
    }
}

#[test]
fn another_key_is_refused_by_name_and_nothing_is_read() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal.append(&events(0, 5)).unwrap();
    drop(journal);
    let try_with = |keys: &Keys| {
        Journal::open_on(Arc::clone(&disk) as Arc<dyn Disk>, &crate::world::seeded(2), keys, small())
            .err()
            .map(|error| error.to_string())
    };
    let other_key = Keys::new("acme", &TenantKey::from_bytes([8; 32]));
    let error = try_with(&other_key).unwrap();
    assert!(error.contains("journal of tenant `acme` is sealed under another key"), "{error}");
    let error = try_with(&Keys::new("umbrella", &key())).unwrap();
    assert!(error.contains("is not a journal of tenant `umbrella`"), "{error}");
    assert_eq!(try_with(&keys()), None);
}

#[test]
fn an_event_too_large_is_refused_and_the_journal_goes_on() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    let large = Entry { stream: 1, body: vec![0; EVENT_BYTES_MAX + 1] };
    let error = journal.append(&[large]).unwrap_err();
    assert!(matches!(error, Error::EventTooLarge { .. }) && error.answer() == Answer::GoOn);
    let many = vec![Entry { stream: 1, body: vec![0; EVENT_BYTES_MAX] }; 17];
    assert!(matches!(journal.append(&many), Err(Error::FrameFull)));
    assert!(matches!(journal.append(&[]), Err(Error::Empty)));
    journal.append(&events(0, 3)).unwrap();
    assert_eq!(replayed(&journal).unwrap(), 3);
}

#[test]
fn the_largest_frame_comes_back() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    let many = vec![Entry { stream: u64::MAX, body: vec![9; EVENT_BYTES_MAX] }; 15];
    journal.append(&many).unwrap();
    let mut count = 0;
    journal
        .replay(1, |_, stream, body| {
            assert!(stream == u64::MAX && body.len() == EVENT_BYTES_MAX);
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, 15);
}

#[test]
fn a_batch_is_used_again_without_its_former_events() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut batch = Batch::default();
    for seq in 1..=9 {
        let wanted = event(seq);
        batch
            .push_with(wanted.stream, |out| -> Result<(), Error> {
                out.extend_from_slice(&wanted.body);
                Ok(())
            })
            .unwrap();
        if seq % 3 == 0 {
            assert_eq!(journal.commit(&mut batch).unwrap().last_seq, seq);
            assert!(batch.is_empty());
        }
    }
    assert_eq!(replayed(&journal).unwrap(), 9);
}

#[test]
fn a_second_writer_is_refused_and_told_who_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), &keys(), Options::default()).unwrap();
    let error = Journal::open(dir.path(), &keys(), Options::default()).err().unwrap().to_string();
    let pid = std::process::id();
    assert!(error.contains(&format!("in use by process {pid}; stop that process first")), "{error}");
    drop(journal);
    Journal::open(dir.path(), &keys(), Options::default()).unwrap();
}

#[test]
fn real_files_rotate_reopen_and_verify() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), small()).unwrap();
    for frame in 0..12 {
        journal.append(&events(frame * 20, 20)).unwrap();
    }
    let head = journal.close().unwrap();
    assert_eq!(head.seq, 240);
    let report = Journal::verify(dir.path(), &keys()).unwrap();
    assert_eq!((report.events, report.frames, report.head), (240, 12, head));
    assert!(report.files > 4);
    let options = Options { expect_head: Some(head), ..small() };
    let (journal, _) = Journal::open(dir.path(), &keys(), options).unwrap();
    assert_eq!(replayed(&journal).unwrap(), 240);
}

#[test]
fn any_head_that_the_journal_passed_is_recognised() {
    let disk = Arc::new(MemoryDisk::default());
    let mut heads = vec![Head::default()];
    let (mut journal, _) = open(&disk, small()).unwrap();
    for frame in 0..12 {
        journal.append(&events(frame * 20, 20)).unwrap();
        heads.push(journal.head());
    }
    drop(journal);
    for head in heads {
        open(&disk, Options { expect_head: Some(head), ..small() }).unwrap();
        for wrong in [Head { seq: head.seq + 1, ..head }, Head { seq: head.seq.max(1), hash: [1; 32] }] {
            let error = open(&disk, Options { expect_head: Some(wrong), ..small() }).err().unwrap();
            assert!(matches!(error, Error::RolledBack { .. }), "{error}");
        }
    }
}

/// What so many commits of three events, each tended, ask of the disk: the most that one of them asks before it is acknowledged, and
/// all of them together.
fn asked(options: Options, commits: u64) -> (usize, usize) {
    let disk = Arc::new(SimDisk::default());
    let (mut journal, _) = open(&disk, options).unwrap();
    let began = disk.now();
    let mut most = 0;
    for commit in 0..commits {
        let before = disk.now();
        journal.append(&events(commit * 3, 3)).unwrap();
        most = most.max(disk.now() - before);
        journal.tend(0).unwrap();
    }
    (most, disk.now() - began)
}

#[test]
fn a_commit_is_one_write_and_one_sync_and_redb_takes_hundreds_at_once() {
    let (most, all) = asked(Options::default(), 1_100);
    let (bare_most, bare_all) = asked(Options { ahead_bytes: 0, ..Options::default() }, 1_100);
    println!(
        "of the disk: at most {most}, all {all}; without what lies ahead at most {bare_most}, all {bare_all}"
    );
    assert_eq!(most, 2);
    assert!(all < 2 * 1_100 + 500, "{all} for 1,100 commits");
    assert!(bare_all > 2 * all, "the store without it asks {bare_all}");
}

#[test]
fn an_open_without_a_close_says_that_it_recovered() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    journal.append(&events(0, 4)).unwrap();
    // A copy of the files as they are now is what a killed process leaves.
    let left = Arc::new(MemoryDisk::default());
    for name in disk.list().unwrap() {
        left.put(&name, disk.read(&name).unwrap());
    }
    let (journal, opened) = open(&left, Options::default()).unwrap();
    assert!(opened.recovered);
    assert_eq!(replayed(&journal).unwrap(), 4);
}

#[test]
fn the_ceiling_is_measured_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ceiling = xops_journal::bench::ceiling(dir.path(), 0.05, 200, 10).unwrap();
    assert!(ceiling.events_per_s > 0.0 && ceiling.fdatasync_per_s > 0.0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
