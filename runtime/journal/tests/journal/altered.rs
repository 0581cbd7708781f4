//! What an audit names: the frame that was altered, and, of a journal that somebody with the keys wrote anew, where it departs from
//! the checkpoints that were kept elsewhere.

use std::sync::Arc;

use xops_journal::audit::{Examined, examine};
use xops_journal::bundle::{Refused, make};
use xops_journal::checkpoint::{Public, Signed, Signer};
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Entry, Journal};
use xops_journal::random::System;
use xops_journal::read::Reader;
use xops_journal::witness::{Witness, scrub};

use crate::world::{Dice, checkpoint, event, events, is_journal, keys, open, signer, small, soak_ends};

/// Frames in a journal, and events in a frame.
const FRAMES: u64 = 12;
const EVENTS: u64 = 5;
/// Journals that are written anew by default, and in the longer run.
const FORGERIES: u64 = 300;
const FORGERIES_SOAK: u64 = 100_000;

fn public() -> Public {
    signer().public()
}

/// A journal of these frames.
fn journal(frames: &[Vec<Entry>]) -> Arc<MemoryDisk> {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    for frame in frames {
        journal.append(frame).unwrap();
    }
    journal.close().unwrap();
    disk
}

fn frames() -> Vec<Vec<Entry>> {
    (0..FRAMES).map(|frame| events(frame * EVENTS, EVENTS)).collect()
}

/// A journal with a checkpoint after every third frame.
fn witnessed(frames: &[Vec<Entry>]) -> (Arc<MemoryDisk>, Vec<Signed>) {
    let disk = Arc::new(MemoryDisk::default());
    let mut checkpoints = Vec::new();
    let (mut journal, _) = open(&disk, small()).unwrap();
    for three in frames.chunks(3) {
        for frame in three {
            journal.append(frame).unwrap();
        }
        checkpoints.push(checkpoint(&disk));
    }
    journal.close().unwrap();
    (disk, checkpoints)
}

fn audit(disk: &MemoryDisk, checkpoints: &[Signed]) -> Examined {
    examine(disk, &keys(), Some(&public()), checkpoints).unwrap()
}

fn words(examined: &Examined) -> Vec<&str> {
    examined.findings.iter().map(|finding| finding.what.as_str()).collect()
}

/// Where the frames of events of a file lie, each with all its copies: the store leaves stale ones behind.
fn places(bytes: &[u8]) -> Vec<(u64, Vec<std::ops::Range<usize>>)> {
    let mut places: Vec<(u64, Vec<std::ops::Range<usize>>)> = Vec::new();
    let starts: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"XOJF").map(|(at, _)| at).collect();
    for at in starts {
        let number = |from: usize, length: usize| {
            let mut eight = [0; 8];
            eight[..length].copy_from_slice(&bytes[at + from..at + from + length]);
            u64::from_le_bytes(eight)
        };
        let (kind, seq, sealed) = (bytes[at + 6], number(16, 8), usize::try_from(number(28, 4)).unwrap());
        if kind != 1 {
            continue;
        }
        let place = at..at + 64 + sealed + 32;
        match places.iter_mut().find(|(known, _)| *known == seq) {
            Some((_, all)) => all.push(place),
            None => places.push((seq, vec![place])),
        }
    }
    places.sort_by_key(|(seq, _)| *seq);
    places
}

fn journals(disk: &MemoryDisk) -> Vec<String> {
    let mut names = disk.list().unwrap();
    names.retain(|name| is_journal(name));
    names.sort();
    names
}

#[test]
fn a_whole_journal_agrees_with_every_checkpoint() {
    let (disk, checkpoints) = witnessed(&frames());
    let examined = audit(&disk, &checkpoints);
    assert_eq!(words(&examined), Vec::<&str>::new());
    assert_eq!((examined.agreed, examined.report.events), (4, FRAMES * EVENTS));
    assert!(journals(&disk).len() > 2, "it must have sealed files");
}

#[test]
fn the_frame_that_was_altered_is_named_and_no_other() {
    let (disk, checkpoints) = witnessed(&frames());
    let mut tried = 0;
    for name in journals(&disk) {
        let whole = disk.read(&name).unwrap();
        for (nth, (seq, copies)) in (1..).zip(places(&whole)) {
            for at in [0, 9, 40, 70, copies[0].len() - 1] {
                let mut bytes = whole.clone();
                for copy in &copies {
                    bytes[copy.start + at] ^= 4;
                }
                disk.put(&name, bytes);
                let examined = audit(&disk, &checkpoints);
                let first = &examined.findings[0];
                assert_eq!((&first.file, first.frame, first.seq), (&name, Some(nth), Some(seq)), "byte {at}");
                let others = examined.findings[1..]
                    .iter()
                    .filter(|it| it.frame.is_some() && it.what.contains("hash does"));
                assert_eq!(others.count(), 0, "byte {at}: {:?}", examined.findings);
                tried += 1;
            }
        }
        disk.put(&name, whole);
    }
    assert_eq!(tried, FRAMES * 5);
}

#[test]
fn files_that_are_missing_swapped_or_strange_are_named() {
    let (disk, checkpoints) = witnessed(&frames());
    let names = journals(&disk);
    let (first, second) = (disk.read(&names[0]).unwrap(), disk.read(&names[1]).unwrap());
    let told = |file: &str, what: &str| {
        let examined = audit(&disk, &checkpoints);
        let found = examined.findings.iter().any(|it| it.file == file && it.what.contains(what));
        assert!(found, "`{file}` `{what}`: {:?}", examined.findings);
    };
    disk.remove(&names[0]).unwrap();
    told(&names[0], "it is missing");
    disk.put(&names[0], second.clone());
    disk.put(&names[1], first.clone());
    told(&names[0], "it was written to file 2");
    disk.put(&names[0], first.clone());
    disk.put(&names[1], second);
    disk.put("journal-000999.redb", first);
    told("journal-000999.redb", "it was written to file 1");
}

/// What somebody does who has the tenant's key and writes the journal anew.
#[derive(Clone, Copy, Debug)]
enum Forgery {
    Alter,
    Delete,
    Insert,
    Swap,
    DeleteFrame,
    SwapFrames,
    Truncate,
    OtherStream,
}

const FORGED: [Forgery; 8] = [
    Forgery::Alter,
    Forgery::Delete,
    Forgery::Insert,
    Forgery::Swap,
    Forgery::DeleteFrame,
    Forgery::SwapFrames,
    Forgery::Truncate,
    Forgery::OtherStream,
];

/// Forges `frames`; the number of the first event that is another.
fn forge(way: Forgery, frames: &mut Vec<Vec<Entry>>, dice: &mut Dice) -> u64 {
    let (frame, at) = (dice.below(frames.len() - 1), dice.below(frames[0].len() - 1));
    let seq = frames[..frame].iter().map(Vec::len).sum::<usize>() as u64 + 1;
    let first = seq + at as u64;
    match way {
        Forgery::Alter => {
            let body = &mut frames[frame][at].body;
            let byte = dice.below(body.len());
            body[byte] ^= 1 << dice.below(8);
        }
        Forgery::Delete => drop(frames[frame].remove(at)),
        Forgery::Insert => frames[frame].insert(at, event(1_000 + dice.next() % 1_000)),
        Forgery::Swap => frames[frame].swap(at, at + 1),
        Forgery::DeleteFrame => {
            frames.remove(frame);
            return seq;
        }
        Forgery::SwapFrames => {
            frames.swap(frame, frame + 1);
            return seq;
        }
        Forgery::Truncate => {
            frames.truncate(frame + 1);
            return frames.iter().map(Vec::len).sum::<usize>() as u64 + 1;
        }
        Forgery::OtherStream => frames[frame][at].stream += 1,
    }
    first
}

/// Forges journals and holds each to its checkpoints. How many there were.
fn forged(seeds: impl Iterator<Item = u64>) -> u64 {
    let whole = frames();
    let (_, checkpoints) = witnessed(&whole);
    let mut count = 0;
    for seed in seeds {
        let mut dice = Dice(seed);
        let way = FORGED[dice.below(FORGED.len())];
        let mut forged = whole.clone();
        let first = forge(way, &mut forged, &mut dice);
        let disk = journal(&forged);
        let examined = audit(&disk, &checkpoints);
        let finding = examined.findings.first();
        let finding = finding.unwrap_or_else(|| panic!("seed {seed}: {way:?} of event {first} was not told"));
        if let Some((_, range)) = finding.what.split_once("disagrees: events ") {
            let mut numbers = range.split(' ').filter_map(|word| word.parse::<u64>().ok());
            let (from, to) = (numbers.next().unwrap(), numbers.next().unwrap());
            assert!((from..=to).contains(&first), "seed {seed}: {way:?} of event {first}: {}", finding.what);
        } else {
            assert!(finding.what.contains("knows more"), "seed {seed}: {way:?}: {}", finding.what);
        }
        count += 1;
    }
    count
}

#[test]
fn a_journal_that_was_written_anew_with_the_keys_is_told_by_checkpoints_kept_elsewhere() {
    assert_eq!(forged(1..=FORGERIES), FORGERIES);
}

#[test]
#[ignore = "longer than the default tests"]
fn fuzz_of_forged_journals_for_longer_finds_none_that_is_not_told() {
    let ends = soak_ends();
    let in_time = (1..=FORGERIES_SOAK).take_while(|_| ends.is_none_or(|end| std::time::Instant::now() < end));
    println!("{} forged journals: all told", forged(in_time));
}

#[test]
fn without_checkpoints_a_forged_journal_looks_whole() {
    let mut frames = frames();
    forge(Forgery::Alter, &mut frames, &mut Dice(1));
    assert_eq!(words(&audit(&journal(&frames), &[])), Vec::<&str>::new());
}

#[test]
fn a_journal_put_back_to_an_older_copy_as_a_whole_is_told_by_checkpoints_only() {
    let (_, checkpoints) = witnessed(&frames());
    let older = journal(&frames()[..7]);
    assert_eq!(words(&audit(&older, &[])), Vec::<&str>::new());
    let examined = audit(&older, &checkpoints);
    assert!(words(&examined)[0].contains("put back to an older copy"), "{:?}", examined.findings);
}

#[test]
fn checkpoints_that_somebody_else_signed_or_of_another_journal_are_told() {
    let (disk, mut checkpoints) = witnessed(&frames());
    let stranger = Signer::from_seed(&[1; 32], "acme", "a test").unwrap();
    let mut said = checkpoints[0].said.clone();
    checkpoints.push(stranger.sign(&said));
    said.origin.push('0');
    checkpoints.push(signer().sign(&said));
    let examined = audit(&disk, &checkpoints);
    let told = words(&examined);
    assert!(told.len() == 2 && told[0].contains("is not signed by this tenant's key"), "{told:?}");
    assert!(told[1].contains("is of another journal"), "{told:?}");
}

#[test]
fn a_bundle_is_checked_without_the_journal_and_shows_every_change() {
    let (disk, checkpoints) = witnessed(&frames());
    let reader = Reader::open_on(Arc::clone(&disk) as Arc<dyn Disk>, &keys()).unwrap();
    let last = checkpoints.last().unwrap();
    let bundle = make(&reader, 3, &|body| body.starts_with(b"event 5 "), last, &public()).unwrap().unwrap();
    let checked = bundle.check(Some(&public())).unwrap();
    assert_eq!((checked.events, checked.size), (13, FRAMES * EVENTS));
    let refused = |change: &dyn Fn(&mut xops_journal::bundle::Bundle)| {
        let mut other = bundle.clone();
        change(&mut other);
        other.check(Some(&public())).unwrap_err()
    };
    assert_eq!(refused(&|it| it.events[2].seq += 1), Refused::NotIncluded(bundle.events[2].seq + 1));
    assert_eq!(refused(&|it| it.events[2].stream = 0), Refused::NotIncluded(bundle.events[2].seq));
    assert_eq!(refused(&|it| it.events.swap(2, 3)), Refused::Misplaced(bundle.events[2].seq));
    let body = bundle.events[4].body.clone();
    assert_eq!(
        refused(&move |it| it.events[2].body.clone_from(&body)),
        Refused::NotIncluded(bundle.events[2].seq)
    );
    assert_eq!(refused(&|it| it.events.clear()), Refused::Empty);
    assert!(matches!(refused(&|it| it.checkpoint = it.checkpoint.replace("60", "61")), Refused::Unsigned(_)));
    assert!(matches!(refused(&|it| it.format.clear()), Refused::Format(_)));
    let stranger = Signer::from_seed(&[1; 32], "acme", "a test").unwrap().public();
    assert!(matches!(bundle.check(Some(&stranger)), Err(Refused::Unsigned(_))));
    // Of a journal that is not the signed one no bundle is made.
    let mut forged = frames();
    forge(Forgery::Alter, &mut forged, &mut Dice(1));
    let reader = Reader::open_on(journal(&forged), &keys()).unwrap();
    assert!(make(&reader, 3, &|_| false, last, &public()).is_err());
}

#[test]
fn a_witness_follows_a_journal_through_restarts_and_tells_a_rollback() {
    let data = tempfile::tempdir().unwrap();
    let (dir, outside) = (data.path().join("journal"), data.path().join("outside"));
    let witness = || {
        let signer = Signer::load_or_make(&data.path().join("checkpoint.key"), "acme", &System::default());
        Witness::new(&dir, &keys(), signer.unwrap(), Some(outside.clone()))
    };
    let (mut journal, _) = Journal::open(&dir, &keys(), small()).unwrap();
    assert_eq!(
        witness().checkpoint(Some(journal.durable().head()), 1).unwrap(),
        None,
        "nothing is there yet"
    );
    let mut first = witness();
    journal.append(&events(0, 5)).unwrap();
    let older = std::fs::read(dir.join("journal-000001.redb")).unwrap();
    assert_eq!(first.checkpoint(Some(journal.durable().head()), 2).unwrap().unwrap().said.size, 5);
    assert_eq!(first.checkpoint(Some(journal.durable().head()), 3).unwrap(), None, "nothing is new");
    for frame in 1..9 {
        journal.append(&events(frame * 5, 5)).unwrap();
    }
    // Another process goes on where the first one ended.
    assert_eq!(witness().checkpoint(Some(journal.durable().head()), 4).unwrap().unwrap().said.size, 45);
    journal.close().unwrap();
    let kept = xops_journal::checkpoint::read_file(&outside).unwrap();
    let disk = xops_journal::disk::RealDisk::new(&dir).unwrap();
    let examined = examine(&disk, &keys(), Some(&witness().public()), &kept).unwrap();
    assert_eq!((examined.findings.len(), examined.agreed), (0, 2));
    for name in std::fs::read_dir(&dir).unwrap().map(|it| it.unwrap().path()) {
        if name.extension().is_some_and(|it| it == "redb" || it == "head") {
            std::fs::remove_file(name).unwrap();
        }
    }
    std::fs::write(dir.join("journal-000001.redb"), older).unwrap();
    assert!(witness().checkpoint(None, 5).is_err(), "a shorter journal was signed");
}

#[test]
fn a_scrub_names_the_sealed_file_that_rotted_and_makes_none_that_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(data.path(), &keys(), small()).unwrap();
    for frame in 0..FRAMES {
        journal.append(&events(frame * EVENTS, EVENTS)).unwrap();
    }
    let run = || {
        let mut damaged = Vec::new();
        let whole = scrub(data.path(), &keys(), 1 << 30, &|| false, &mut |file| {
            damaged.extend(file.damage.map(|_| file.file));
        });
        assert!(whole.unwrap());
        damaged
    };
    assert_eq!(run(), Vec::<String>::new());
    let path = data.path().join("journal-000002.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    std::fs::remove_file(data.path().join("journal-000001.redb")).unwrap();
    assert!(
        scrub(data.path(), &keys(), 1 << 30, &|| true, &mut |_| {})
            .is_err_and(|error| error.to_string().contains("missing"))
    );
}
