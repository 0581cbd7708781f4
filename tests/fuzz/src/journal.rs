//! The files of a journal, altered in any way: told, or harmless, and never another event.

use crate::bytes::Bytes;
use crate::disk::{Same, keys, signer};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use xops_journal::audit::examine;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Entry, Journal, Options};
use xops_journal::keys::Keys;
use xops_journal::read::Reader;

type Files = BTreeMap<String, Vec<u8>>;

/// How many alterations one input makes.
const ALTERATIONS_MAX: usize = 32;

fn options() -> Options {
    Options { max_file_bytes: 2_000, cache_bytes: 1 << 20, ahead_bytes: 6 * 4_096, ..Options::default() }
}

/// The event with this number: anybody can tell what it must be.
fn event(seq: u64) -> Entry {
    let body =
        format!("event {seq} {}", "x".repeat(usize::try_from(seq * 37 % 200).unwrap_or(0))).into_bytes();
    Entry { stream: seq % 5, body }
}

/// A journal as a process leaves it that was killed: several files, and frames that wait ahead of them.
fn written() -> &'static (Keys, Files) {
    static WRITTEN: OnceLock<(Keys, Files)> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let (keys, disk) = (keys(), Arc::new(MemoryDisk::default()));
        let opened = Journal::open_on(Arc::clone(&disk) as Arc<dyn Disk>, &Same, &keys, options());
        let (mut journal, _) = opened.expect("memory works");
        let mut last = 0;
        for count in [3, 9, 1, 12, 7, 2] {
            let events: Vec<Entry> = (last + 1..=last + count).map(event).collect();
            last = journal.append(&events).expect("memory works").last_seq;
        }
        std::mem::forget(journal);
        let names = disk.list().expect("memory works");
        let files = names.into_iter().map(|name| (name.clone(), disk.read(&name).expect("it is listed")));
        (keys, files.collect())
    })
}

/// Writes what all inputs alter.
pub fn ready() {
    let _shared = written();
}

/// Alters the files: one way after the other, each in the file that the input names.
fn altered(bytes: &mut Bytes<'_>) -> Files {
    let mut files = written().1.clone();
    let names: Vec<String> = files.keys().cloned().collect();
    for _ in 0..ALTERATIONS_MAX {
        if bytes.is_over() {
            break;
        }
        let (way, name) = (bytes.byte(), &names[bytes.below(names.len())]);
        let other = names[bytes.below(names.len())].clone();
        let Some(file) = files.get_mut(name) else { continue };
        let at = usize::try_from(bytes.number(3)).unwrap_or(0) % file.len().max(1);
        match way % 7 {
            0 => {
                let with = bytes.sized();
                let end = (at + with.len()).min(file.len());
                file[at..end].copy_from_slice(&with[..end - at]);
            }
            1 => file.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (way >> 5)),
            2 => file.truncate(at),
            3 => file.extend_from_slice(bytes.sized()),
            4 => *file = bytes.sized().to_vec(),
            5 => drop(files.remove(name)),
            _ => {
                let copy = files.get(&other).cloned();
                files.extend(copy.map(|copy| (name.clone(), copy)));
            }
        }
    }
    files
}

/// Holds an event against the one that was written.
fn held(seq: u64, stream: u64, body: &[u8]) -> ControlFlow<()> {
    let wanted = event(seq);
    assert_eq!((stream, body), (wanted.stream, wanted.body.as_slice()), "another event {seq} came back");
    ControlFlow::Continue(())
}

/// Opens, reads and audits a journal whose files were altered.
pub fn files(bytes: &[u8]) {
    let files = altered(&mut Bytes(bytes));
    let keys = &written().0;
    let disk = || {
        let disk = MemoryDisk::default();
        files.iter().for_each(|(name, bytes)| disk.put(name, bytes.clone()));
        Arc::new(disk)
    };
    if let Ok(reader) = Reader::open_on(disk(), keys) {
        let _damaged = reader.replay(1, held);
    }
    let _findings = examine(&*disk(), keys, Some(&signer().public()), &[]);
    if let Ok((mut journal, _)) = Journal::open_on(disk(), &Same, keys, options()) {
        let _damaged = journal.replay(1, held);
        let next = journal.head().seq + 1;
        if journal.append(&[event(next)]).is_ok() {
            journal.replay(1, held).expect("a journal that took an event reads it back");
        }
    }
}
