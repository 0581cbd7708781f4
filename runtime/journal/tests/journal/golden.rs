//! Frames that were written once must stay readable.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Entry, Journal, Options};

use crate::world::{keys, open, seeded, small};

/// The first frame of events that is written for `entries` with the given seed, from the file as it is stored.
fn frame(entries: &[Entry], seed: u64) -> Vec<u8> {
    let disk = Arc::new(MemoryDisk::default());
    let shared = Arc::clone(&disk) as Arc<dyn Disk>;
    let (mut journal, _) = Journal::open_on(shared, &seeded(seed), &keys(), Options::default()).unwrap();
    let length = journal.append(entries).unwrap().bytes;
    let hash = journal.head().hash;
    journal.close().unwrap();
    let file = disk.read("journal-000001.redb").unwrap();
    let end = file.windows(32).position(|bytes| bytes == hash).unwrap() + 32;
    file[end - length..end].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[test]
fn the_bytes_of_a_frame_are_those_of_version_1() {
    let frame = frame(
        &[Entry { stream: 3, body: b"gate passed".to_vec() }, Entry { stream: 300, body: Vec::new() }],
        1,
    );
    let lines: Vec<String> = frame.chunks(32).map(hex).collect();
    assert_eq!(lines.join("\n"), include_str!("golden/frame_v1.hex").trim_end());
}

/// Events that repeat each other as those of one commit do.
fn alike() -> Vec<Entry> {
    let body = |stream| format!("step {stream} of 40: noop.step answered {{\"ok\":true}}").into_bytes();
    (1..=40).map(|stream| Entry { stream, body: body(stream) }).collect()
}

#[test]
fn the_bytes_of_a_packed_frame_are_those_of_codec_2() {
    let frame = frame(&alike(), 1);
    assert!(frame.len() < 700, "{} bytes: it was not packed", frame.len());
    let lines: Vec<String> = frame.chunks(32).map(hex).collect();
    assert_eq!(lines.join("\n"), include_str!("golden/frame_v1_packed.hex").trim_end());
}

#[test]
fn a_packed_frame_comes_back_as_it_was() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    journal.append(&alike()).unwrap();
    drop(journal);
    let (journal, _) = open(&disk, Options::default()).unwrap();
    let mut found = Vec::new();
    journal
        .replay(1, |_, stream, body| {
            found.push(Entry { stream, body: body.to_vec() });
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(found, alike());
}

#[test]
fn a_sequence_number_that_a_crash_gave_back_is_sealed_under_another_nonce() {
    // The same event at the same place, by two openings: under one nonce the sealed bytes would be equal.
    let sealed = |seed| frame(&[Entry { stream: 1, body: vec![0; 64] }], seed)[64..64 + 66].to_vec();
    assert_ne!(sealed(1), sealed(2));
    assert_eq!(sealed(3), sealed(3), "a seed reproduces every byte");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_events_come_back_as_they_were(
        frames in prop::collection::vec(
            prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 1..20), 1..12)
    ) {
        let disk = Arc::new(MemoryDisk::default());
        let (mut journal, _) = open(&disk, small()).unwrap();
        let mut wanted = Vec::new();
        for frame in frames {
            let entries: Vec<Entry> = frame.into_iter().map(|(stream, body)| Entry { stream, body }).collect();
            journal.append(&entries).unwrap();
            wanted.extend(entries);
        }
        drop(journal);
        let (journal, _) = open(&disk, small()).unwrap();
        let mut found = Vec::new();
        journal
            .replay(0, |_, stream, body| {
                found.push(Entry { stream, body: body.to_vec() });
                ControlFlow::Continue(())
            })
            .unwrap();
        prop_assert_eq!(found, wanted);
    }
}
