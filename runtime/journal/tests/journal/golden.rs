//! Frames that were written once must stay readable.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Entry, Options};

use crate::world::{open, small};

/// The first frame of events that version 1 writes for `entries`, from the file as it is stored.
fn frame(entries: &[Entry]) -> Vec<u8> {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    let length = journal.append(entries).unwrap().bytes;
    let hash = journal.head().hash;
    journal.close().unwrap();
    let file = disk.read("journal-000001.redb").unwrap();
    let end = file.windows(32).position(|bytes| bytes == hash).unwrap() + 32;
    file[end - length..end].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_of_a_frame_are_those_of_version_1() {
    let frame =
        frame(&[Entry { stream: 3, body: b"gate passed".to_vec() }, Entry { stream: 300, body: Vec::new() }]);
    let lines: Vec<String> = frame.chunks(32).map(hex).collect();
    assert_eq!(lines.join("\n"), include_str!("golden/frame_v1.hex").trim_end());
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
