//! The walk told about altered chains; frames found again without an index.

use super::*;
use crate::frame::{Batch, Kind, Place};
use crate::keys::TenantKey;
use crate::salvage::Salvaged;
use crate::segment::encode;
use crate::store::Visit;

struct Given(Preamble, Vec<(u64, Vec<u8>)>);

impl Frames for Given {
    fn preamble(&self) -> Result<Preamble, Error> {
        Ok(self.0)
    }

    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
        let start = self.1.iter().rposition(|(key, _)| *key <= from_seq).unwrap_or(0);
        for (key, bytes) in self.1.get(if from_seq == 0 { 0 } else { start }..).unwrap_or_default() {
            if visit(*key, bytes)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn keys() -> Keys {
    Keys::new("acme", &TenantKey::from_bytes([7; 32]))
}

/// A header frame and `count` frames of two events each, of file `file`, sealed with `salt`.
fn file(file: u32, count: u64, salt: u8) -> Given {
    let keys = keys();
    let preamble = Preamble { tenant: keys.tenant_digest(), check: keys.check(), journal: [4; 16] };
    let mut place = Place { file, first_seq: 1, prev: [0; 32], salt: [salt; 4] };
    let mut batch = Batch::default();
    batch.set_content(&encode(&preamble, &[]));
    let header = batch.seal(Kind::File, &place, keys.frames());
    let mut frames = vec![(0, header.bytes.to_vec())];
    place.prev = header.hash;
    for _ in 0..count {
        batch.clear();
        batch.push(1, &place.first_seq.to_le_bytes()).unwrap();
        batch.push(2, &[salt]).unwrap();
        let frame = batch.seal(Kind::Events, &place, keys.frames());
        frames.push((place.first_seq, frame.bytes.to_vec()));
        place.prev = frame.hash;
        place.first_seq += 2;
    }
    Given(preamble, frames)
}

/// Walks file 1 after `alter`, with every seal and by the chain; the number of events, or what is said of them.
fn check(alter: impl FnOnce(&mut Vec<(u64, Vec<u8>)>), expect: Result<u64, &str>) {
    let keys = keys();
    let mut given = file(1, 5, 1);
    alter(&mut given.1);
    for by_chain in [false, true] {
        let mut walk = Walk::new(&keys);
        let outcome = if by_chain {
            walk.chained(1, &given)
        } else {
            walk.file(1, &given, 0, &mut |_, _, _| ControlFlow::Continue(())).map(drop)
        };
        match (outcome, expect) {
            (Ok(()), Ok(events)) => assert_eq!(walk.seen.events, events),
            (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}, not {said}"),
            (outcome, expect) => panic!("{outcome:?}, not {expect:?}"),
        }
    }
}

/// Writes the hash that a frame's bytes have now.
fn rehash(bytes: &mut [u8]) -> [u8; 32] {
    let hashed = bytes.len() - 32;
    let hash = *blake3::hash(&bytes[..hashed]).as_bytes();
    bytes[hashed..].copy_from_slice(&hash);
    hash
}

#[test]
fn frames_removed_inserted_reordered_or_from_elsewhere_are_told() {
    let follow = Err("frame 3 (sequence 7): it does not follow");
    check(|_| (), Ok(10));
    check(|frames| drop(frames.pop()), Ok(8));
    check(|frames| drop(frames.remove(3)), follow);
    check(|frames| frames[3].1 = frames[2].1.clone(), Err("frame 3 (sequence 3): it does not follow"));
    check(|frames| frames.swap(3, 4), follow);
    check(|frames| frames.insert(3, frames[4].clone()), follow);
    check(|frames| frames[3] = file(1, 5, 2).1[3].clone(), Err("frame 3 (sequence 5): it does not follow"));
    check(|frames| frames[3] = file(2, 5, 1).1[3].clone(), Err("it was written to another file"));
    check(|frames| frames[3].0 = 6, Err("stored in the wrong place"));
    check(|frames| drop(frames.remove(0)), Err("stored in the wrong place"));
    check(|frames| frames.insert(1, frames[0].clone()), Err("it does not follow"));
    check(Vec::clear, Err("its header frame and its preamble differ"));
}

#[test]
fn a_frame_rehashed_by_somebody_without_the_key_is_told() {
    check(
        |frames| {
            let bytes = &mut frames[5].1;
            bytes[70] ^= 1;
            rehash(bytes);
        },
        Err("its seal does not open under the tenant's key"),
    );
}

#[test]
fn a_chain_that_somebody_without_the_key_hashed_anew_ends_at_a_seal_that_does_not_open() {
    check(
        |frames| {
            frames[3].1[70] ^= 1;
            let mut prev = rehash(&mut frames[3].1);
            for (_, bytes) in &mut frames[4..] {
                bytes[32..64].copy_from_slice(&prev);
                prev = rehash(bytes);
            }
        },
        Err("its seal does not open under the tenant's key"),
    );
}

/// Scatters the frames that `keep` keeps over a torn file; the events that are found again in one piece.
fn salvage(given: &Given, keep: impl Fn(usize) -> bool, expect: u64) {
    let mut bytes = b"XXOJF torn index ".repeat(9);
    for (_, (_, frame)) in given.1.iter().enumerate().rev().filter(|(index, _)| keep(*index)) {
        bytes.extend_from_slice(frame);
        bytes.extend_from_slice(&frame[..60]);
    }
    let keys = keys();
    let mut walk = Walk::new(&keys);
    let found = Salvaged::of(bytes, 1, &keys).unwrap();
    walk.file(1, &found, 0, &mut |_, _, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(walk.seen.events, expect);
}

#[test]
fn salvage_finds_the_longest_unbroken_beginning() {
    let mut given = file(1, 5, 1);
    salvage(&given, |_| true, 10);
    salvage(&given, |index| index != 4, 6);
    salvage(&given, |index| index == 0, 0);
    // A commit that a crash undid, and another that took its place: the one that goes on counts.
    let keys = keys();
    let place = Place {
        file: 1,
        first_seq: 3,
        prev: crate::frame::array(&given.1[1].1, given.1[1].1.len() - 32),
        salt: [9; 4],
    };
    let mut batch = Batch::default();
    batch.push(3, b"undone").unwrap();
    given.1.push((3, batch.seal(Kind::Events, &place, keys.frames()).bytes.to_vec()));
    salvage(&given, |_| true, 10);
    assert!(Salvaged::of(b"XOJF".repeat(99), 1, &keys).is_none());
}

#[test]
fn a_frame_that_version_1_wrote_is_read() {
    let golden = include_str!("../../tests/journal/golden/frame_v1.hex");
    let digits: Vec<u8> = golden
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let (keys, mut buffer) = (keys(), Vec::new());
    let frame = open(&bytes, keys.frames(), &mut buffer).unwrap();
    assert_eq!((frame.kind, frame.file, frame.first_seq), (Kind::Events, 1, 1));
    let events: Vec<(u64, &[u8])> = frame.events().unwrap().collect();
    assert_eq!(events, [(3, b"gate passed".as_slice()), (300, b"")]);
}
