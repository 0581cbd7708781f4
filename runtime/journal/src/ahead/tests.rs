//! What is live in an ahead file, told about files that were torn, altered, exchanged and taken away.

use super::*;
use crate::disk::MemoryDisk;
use crate::frame::{Batch, Kind, Place};
use crate::keys::{Keys, TenantKey};

const JOURNAL: [u8; 16] = [4; 16];
/// Pages for frames.
const PAGES: usize = 6;

fn base(pass: u64, next_seq: u64, tip: [u8; 32]) -> Base {
    Base { pass, journal: JOURNAL, file: 1, next_seq, tip }
}

/// First sequence number, hash, bytes.
type Frame = (u64, [u8; 32], Vec<u8>);

/// An ahead file of pass 1 on a disk, open, and the frames that follow the beginning of a journal: each of two events; every third
/// takes two pages.
fn begun() -> (MemoryDisk, Ahead, Vec<Frame>) {
    let disk = MemoryDisk::default();
    let start = base(1, 1, [0; 32]);
    Ahead::make(&disk, (HEADERS + PAGES) * PAGE_BYTES, &start, 1).unwrap();
    let ahead = Ahead::open(&disk, &start).unwrap().unwrap();
    let keys = Keys::new("acme", &TenantKey::from_bytes([7; 32]));
    let mut place = Place { file: 1, first_seq: 1, prev: [0; 32], salt: [1; 4] };
    let mut noise = 1_u64;
    let mut frames = Vec::new();
    for nth in 0..12 {
        let mut batch = Batch::default();
        let length = if nth % 3 == 2 { PAGE_BYTES + 100 } else { 40 };
        let body: Vec<u8> = (0..length)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                noise.to_be_bytes()[0]
            })
            .collect();
        batch.push(1, &body).unwrap();
        batch.push(2, b"and another").unwrap();
        let frame = batch.seal(Kind::Events, &place, keys.frames());
        frames.push((place.first_seq, frame.hash, frame.bytes.to_vec()));
        (place.first_seq, place.prev) = (place.first_seq + 2, frame.hash);
    }
    (disk, ahead, frames)
}

fn append(ahead: &mut Ahead, frame: &Frame) {
    assert!(ahead.has_room(frame.2.len()));
    ahead.append(&SealedFrame { first_seq: frame.0, count: 2, hash: frame.1, bytes: &frame.2 }).unwrap();
}

/// Four frames, of which the third takes two pages, altered by `alter`: the first sequence numbers that are live behind `base`, or what
/// is said.
fn check(base: &Base, alter: impl FnOnce(&mut Vec<u8>), expect: Result<&[u64], &str>) {
    let (disk, mut ahead, frames) = begun();
    frames[..4].iter().for_each(|frame| append(&mut ahead, frame));
    let mut bytes = disk.read(AHEAD_FILE).unwrap();
    alter(&mut bytes);
    disk.put(AHEAD_FILE, bytes);
    match (Ahead::open(&disk, base), expect) {
        (Ok(Some(found)), Ok(live)) => {
            let seqs: Vec<u64> = found.frames().map(|(seq, _)| seq).collect();
            assert_eq!(seqs, live);
            for (seq, bytes) in found.frames() {
                assert_eq!(frames.iter().find(|(first, ..)| *first == seq).unwrap().2, bytes);
            }
        }
        (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}, not {said}"),
        (found, expect) => panic!("{found:?}, not {expect:?}"),
    }
}

fn page(nth: usize) -> usize {
    (HEADERS + nth) * PAGE_BYTES
}

#[test]
fn what_redb_does_not_have_is_live_and_what_it_has_is_not() {
    let (_, _, frames) = begun();
    let behind = |nth: usize| base(1, frames[nth].0, frames[nth - 1].1);
    check(&base(1, 1, [0; 32]), |_| (), Ok(&[1, 3, 5, 7]));
    check(&behind(1), |_| (), Ok(&[3, 5, 7]));
    check(&behind(3), |_| (), Ok(&[7]));
    check(&behind(4), |_| (), Ok(&[]));
    // The header of the next pass was written, and redb's commit was not.
    check(&base(0, 1, [0; 32]), |_| (), Ok(&[1, 3, 5, 7]));
}

#[test]
fn a_torn_end_is_passed_over_and_a_hole_is_named() {
    let start = base(1, 1, [0; 32]);
    for torn in [page(4), page(4) + 70, page(4) + 150] {
        check(&start, |bytes| bytes[torn] ^= 1, Ok(&[1, 3, 5]));
    }
    check(&start, |bytes| bytes[page(4)..].fill(0), Ok(&[1, 3, 5]));
    check(&start, |bytes| bytes.truncate(page(2) + 9), Err("was made with 32768"));
    check(&start, |bytes| bytes.extend([0; 9]), Err("it has 32777 bytes"));
    for (nth, seq) in [(0, 1), (1, 3), (2, 5), (3, 5)] {
        let said = format!("(sequence {seq}): it is not the frame that was written there");
        check(&start, |bytes| bytes[page(nth) + 80] ^= 1, Err(&said));
        check(&start, |bytes| bytes[page(nth)..page(nth + 1)].fill(0), Err(&said));
    }
    // A frame in another's place does not follow.
    check(&start, |bytes| bytes.copy_within(page(4)..page(5), page(1)), Err("(sequence 3)"));
    check(&base(1, 1, [9; 32]), |_| (), Err("(sequence 1)"));
    check(&Base { file: 0, ..base(1, 1, [9; 32]) }, |_| (), Err("`journal-000001.redb` is missing"));
    // Redb ends before the pass begins: it is redb that is older.
    check(&start, |bytes| bytes.copy_within(page(1)..page(2), page(0)), Err("known to reach sequence 2"));
}

#[test]
fn a_file_that_is_older_newer_of_another_journal_or_gone_is_told() {
    let at = |pass| base(pass, 1, [0; 32]);
    check(&at(2), |_| (), Err("an older copy than the journal"));
    check(&Base { journal: [5; 16], ..at(1) }, |_| (), Err("another journal"));
    check(&at(1), |bytes| bytes[Header::place(1) + 9] ^= 1, Err("its header is not what was written"));
    check(&at(1), |bytes| bytes.truncate(7), Err("its header is not"));
    let (disk, mut ahead, frames) = begun();
    for frame in &frames[1..4] {
        append(&mut ahead, frame);
        ahead.announce().unwrap();
        ahead.turn();
    }
    let error = Ahead::open(&disk, &base(2, 5, frames[1].1)).unwrap_err();
    assert!(matches!(error, Error::RolledBack { expected: 8, .. }), "{error}");
    let none = MemoryDisk::default();
    assert!(matches!(Ahead::open(&none, &at(1)), Err(Error::Missing { .. })));
    assert!(Ahead::open(&none, &at(0)).unwrap().is_none());
}

#[test]
fn a_pass_uses_the_pages_of_the_one_before_and_what_is_left_of_that_is_not_live() {
    let (disk, mut ahead, frames) = begun();
    frames[..4].iter().for_each(|frame| append(&mut ahead, frame));
    assert!(ahead.is_half_full() && !ahead.has_room(2 * PAGE_BYTES), "five of six pages are full");
    ahead.announce().unwrap();
    ahead.turn();
    append(&mut ahead, &frames[4]);
    let found = Ahead::open(&disk, &base(2, frames[4].0, frames[3].1)).unwrap().unwrap();
    let seqs: Vec<u64> = found.frames().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, [9]);
    assert!(!found.has_room(1), "what was found is to be settled first");
}

#[test]
fn joined_frames_are_visited_from_the_one_that_is_asked_for() {
    struct Given(Vec<(u64, Vec<u8>)>);
    impl Frames for Given {
        fn preamble(&self) -> Result<Preamble, Error> {
            Ok(Preamble { tenant: [0; 32], check: [0; 16], journal: JOURNAL })
        }

        fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
            let start = self.0.partition_point(|(seq, _)| *seq <= from_seq).saturating_sub(1);
            for (seq, bytes) in &self.0[start..] {
                if visit(*seq, bytes)?.is_break() {
                    break;
                }
            }
            Ok(())
        }
    }
    let (disk, mut ahead, frames) = begun();
    frames[2..5].iter().for_each(|frame| append(&mut ahead, frame));
    let given = || Given(frames[..3].iter().map(|(seq, _, bytes)| (*seq, bytes.clone())).collect());
    let joined = Joined::of(Box::new(given()), 1, Some(disk.read(AHEAD_FILE).unwrap()), Some(1)).unwrap();
    let visited = |from, most| {
        let mut seen = Vec::new();
        let scanned = joined.scan(from, &mut |seq, _| {
            seen.push(seq);
            Ok(if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        scanned.unwrap();
        seen
    };
    assert_eq!(visited(0, 9), [1, 3, 5, 7, 9]);
    assert_eq!(visited(4, 9), [3, 5, 7, 9]);
    assert_eq!(visited(4, 2), [3, 5]);
    assert_eq!(visited(6, 9), [5, 7, 9]);
    assert_eq!(visited(8, 9), [7, 9]);
    assert_eq!(visited(u64::MAX, 9), [9]);
    assert!(matches!(Joined::of(Box::new(given()), 1, None, Some(1)), Err(Error::Missing { .. })));
}

#[test]
fn a_journal_that_says_it_ends_before_its_first_event_is_told() {
    let (disk, mut ahead, frames) = begun();
    frames[..2].iter().for_each(|frame| append(&mut ahead, frame));
    let error = Ahead::open(&disk, &base(1, 0, [9; 32])).unwrap_err();
    assert!(matches!(error, Error::RolledBack { .. }), "{error}");
}
