//! Every decoder of the journal, fed with anything: it refuses or reads, within bounds, and never panics.
//!
//! `corpus/` keeps cases, one a file of hexadecimal digits: what was found once, and beginnings from which the drawing goes on. Each
//! is fed to every decoder, and so are alterations of each. A case that breaks something is written there and stays.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use xops_journal::bundle::Bundle;
use xops_journal::checkpoint::{Public, Signed, parse_all};
use xops_journal::disk::MemoryDisk;
use xops_journal::error::Error;
use xops_journal::frame::FRAME_BYTES_MAX;
use xops_journal::journal::{Journal, Options};
use xops_journal::pack::unpack;
use xops_journal::read::Reader;
use xops_journal::stored;
use xops_journal::subjects::SubjectKeys;

use crate::world::{Dice, key, keys, open, seeded, signer, small, soak_ends};

/// Alterations of each case by default.
const ALTERATIONS: u64 = 40;

fn ring() -> SubjectKeys {
    let disk = MemoryDisk::default();
    let mut ring = SubjectKeys::open_on(&disk, "subjects", &key(), Arc::new(seeded(5))).unwrap();
    ring.prepare(&[[1; 16]]).unwrap();
    ring
}

/// Feeds `bytes` to every decoder.
fn feed(bytes: &[u8], ring: &SubjectKeys) {
    for stream in [0, 1] {
        let _read_or_refused = stored::decode(stream, bytes, ring);
    }
    let _subject = stored::sealed_under(bytes);
    for length in [0, bytes.len(), bytes.len() * 4, usize::MAX] {
        if let Some(unpacked) = unpack(bytes, length, FRAME_BYTES_MAX) {
            assert!(unpacked.len() == length && length <= FRAME_BYTES_MAX, "more came out than was allowed");
        }
    }
    let text = String::from_utf8_lossy(bytes);
    let _note = Signed::parse(&text);
    let _notes = parse_all(&text);
    let _key = Public::parse(&text);
    bundle(&text);
    for name in ["journal-000001.redb", "journal.head", "journal-000002.redb"] {
        let disk = Arc::new(MemoryDisk::default());
        disk.put(name, bytes.to_vec());
        let _opened = open(&disk, small());
        let disk = Arc::new(MemoryDisk::default());
        disk.put(name, bytes.to_vec());
        if let Ok(reader) = Reader::open_on(disk, &keys()) {
            let _walked = reader.replay(1, |_, _, _| ControlFlow::Continue(()));
        }
    }
    let disk = MemoryDisk::default();
    disk.put("subjects", bytes.to_vec());
    let _keyring = SubjectKeys::open_on(&disk, "subjects", &key(), Arc::new(seeded(5)));
}

/// A bundle whose parts are this text.
fn bundle(text: &str) {
    let event = xops_journal::bundle::Proved { seq: 1, stream: 0, body: text.into(), proof: text.into() };
    let bundle = Bundle {
        format: xops_journal::bundle::FORMAT.to_owned(),
        instance: 1,
        checkpoint: text.to_owned(),
        public_key: text.to_owned(),
        events: vec![event],
    };
    assert!(bundle.check(None).is_err() && bundle.check(Some(&signer().public())).is_err());
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journal/corpus");
    let mut cases: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, digits.chunks_exact(2).map(byte).collect())
        })
        .collect();
    cases.sort();
    assert!(cases.len() >= 5, "the corpus is gone");
    cases
}

fn altered(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut other = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(other.len().max(1));
        match dice.below(5) {
            0 if at < other.len() => other[at] ^= 1 << dice.below(8),
            1 if at < other.len() => other[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 => other.truncate(at),
            3 => other.insert(at, dice.next().to_le_bytes()[0]),
            _ => {
                let piece = other[at.min(other.len())..].to_vec();
                other.extend_from_slice(&piece[..piece.len().min(64)]);
            }
        }
    }
    other
}

#[test]
fn every_case_of_the_corpus_and_what_is_near_it_is_read_or_refused() {
    let ring = ring();
    for (name, bytes) in corpus() {
        println!("{name}");
        feed(&bytes, &ring);
        let mut dice = Dice(bytes.len() as u64);
        for _ in 0..ALTERATIONS {
            feed(&altered(&bytes, &mut dice), &ring);
        }
    }
}

#[test]
#[ignore = "longer than the default tests"]
fn fuzz_of_every_decoder_for_longer_finds_no_panic() {
    let (ring, cases) = (ring(), corpus());
    let ends = soak_ends().unwrap_or_else(|| Instant::now() + std::time::Duration::from_mins(10));
    let (mut dice, mut fed) = (Dice(3), 0_u64);
    while Instant::now() < ends {
        let (name, bytes) = &cases[dice.below(cases.len())];
        let other = altered(bytes, &mut dice);
        let run = std::panic::AssertUnwindSafe(|| feed(&other, &ring));
        assert!(std::panic::catch_unwind(run).is_ok(), "keep this beside {name}: {other:02x?}");
        fed += 1;
    }
    println!("{fed} cases fed to every decoder: 0 panics");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn noise_is_refused_by_every_decoder(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        feed(&bytes, &ring());
    }
}

#[test]
fn a_file_of_a_version_that_is_not_known_is_refused_with_what_to_do() {
    use redb::{Database, TableDefinition};
    const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta_v1");
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), &keys(), Options::default()).unwrap();
    journal.append(&crate::world::events(0, 3)).unwrap();
    journal.close().unwrap();
    let database = Database::open(dir.path().join("journal-000001.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("format", [9].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let told = |error: Error| {
        assert!(matches!(error, Error::Version { found: 9, .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("journal-000001.redb") && text.contains("install a version of xops that reads it")
        );
    };
    told(Journal::open(dir.path(), &keys(), Options::default()).err().unwrap());
    told(Journal::open_read(dir.path(), &keys()).err().unwrap());
}
