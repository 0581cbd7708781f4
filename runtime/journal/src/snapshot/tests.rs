//! Snapshots and the shelf: what was written comes back, what was altered is refused, what was erased is gone.

use super::shelf::Shelf;
use super::{Snapshot, Writer, list, name, set_aside, thin};
use crate::disk::{Disk, MemoryDisk};
use crate::keys::{Keys, TenantKey};
use crate::random::System;
use crate::segment::Head;
use crate::subjects::{Subject, SubjectKeys};
use std::sync::Arc;

const SUBJECT: Subject = [9; 16];
const PLACE: Head = Head { seq: 77, hash: [3; 32] };

struct World {
    memory: Arc<MemoryDisk>,
    disk: Arc<dyn Disk>,
    keys: Keys,
    subjects: SubjectKeys,
}

fn world() -> World {
    let key = TenantKey::from_bytes([7; 32]);
    let memory = Arc::new(MemoryDisk::default());
    let mut subjects =
        SubjectKeys::open_on(&MemoryDisk::default(), "subjects", &key, Arc::new(System::default())).unwrap();
    subjects.get_or_create(SUBJECT).unwrap();
    World { disk: Arc::clone(&memory) as Arc<dyn Disk>, memory, keys: Keys::new("test", &key), subjects }
}

impl World {
    fn write(&self, lines: u32) {
        let mut writer = Writer::new(&self.keys, PLACE, &System::default()).unwrap();
        for line in 0..lines {
            let subject = line.is_multiple_of(3).then_some(SUBJECT);
            writer.push(&(line, format!("sarah.chen {line}")), subject, &self.subjects).unwrap();
        }
        writer.finish(&*self.disk).unwrap();
    }

    fn read(&self) -> Result<Vec<Option<(u32, String)>>, super::Bad> {
        let mut found = Vec::new();
        Snapshot::open(&self.disk, PLACE.seq, &self.keys)?.each(&self.subjects, |piece| {
            found.push(piece);
            Ok(())
        })?;
        Ok(found)
    }

    fn shelf(&self) -> Shelf {
        Shelf::empty(Arc::clone(&self.disk), Box::new(System::default()), &self.keys).unwrap()
    }
}

#[test]
fn a_snapshot_gives_back_what_was_written_in_order() {
    let world = world();
    world.write(20_000);
    let found = world.read().unwrap();
    assert_eq!(found.len(), 20_000);
    assert!(found.iter().zip(0_u32..).all(|(piece, line)| piece.as_ref().unwrap().0 == line));
    assert_eq!(Snapshot::open(&world.disk, 77, &world.keys).unwrap().place(), PLACE);
    assert_eq!(super::place_of(&*world.disk, 77, &world.keys).unwrap(), PLACE);
}

#[test]
fn no_byte_of_a_snapshot_can_be_altered_or_cut_off() {
    let world = world();
    world.write(40);
    let good = world.disk.read(&name(77)).unwrap();
    assert!(!good.windows(5).any(|window| window == b"sarah"), "the plaintext shows");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        world.memory.put(&name(77), bad);
        assert!(world.read().is_err(), "byte {at} was altered and nobody saw it");
        world.memory.put(&name(77), good[..at].to_vec());
        assert!(world.read().is_err(), "it was cut at {at} and nobody saw it");
    }
    // Even where the hash was made to fit again, the seal does not.
    let mut forged = good.clone();
    let end = forged.len() - 32;
    forged[end - 1] ^= 1;
    let hash = blake3::hash(&forged[..end]);
    forged[end..].copy_from_slice(hash.as_bytes());
    world.memory.put(&name(77), forged);
    assert!(world.read().is_err());
}

#[test]
fn a_snapshot_of_a_later_version_or_another_key_says_so() {
    let world = world();
    world.write(1);
    let mut later = world.disk.read(&name(77)).unwrap();
    later[6] = 9;
    world.memory.put(&name(77), later);
    assert!(world.read().unwrap_err().to_string().contains("version 9"));
    world.write(1);
    let other = Keys::new("test", &TenantKey::from_bytes([8; 32]));
    let refused = Snapshot::open(&world.disk, 77, &other).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("another key"), "{refused}");
}

#[test]
fn what_an_erased_subject_said_is_gone_from_snapshots_and_from_the_shelf() {
    let mut world = world();
    world.write(3);
    let mut shelf = world.shelf();
    let hers = shelf.put(&"sarah.chen", Some(SUBJECT), &world.subjects).unwrap().unwrap();
    let nobodys = shelf.put(&"a desk", None, &world.subjects).unwrap().unwrap();
    shelf.sync().unwrap();
    world.subjects.erase(SUBJECT).unwrap();
    let found = world.read().unwrap();
    assert!(found[0].is_none());
    assert_eq!(found[1].as_ref().unwrap().0, 1);
    assert_eq!(shelf.get::<String>(hers, &world.subjects).unwrap(), None);
    assert_eq!(shelf.get::<String>(nobodys, &world.subjects).unwrap().as_deref(), Some("a desk"));
    assert_eq!(shelf.put(&"sarah.chen", Some(SUBJECT), &world.subjects).unwrap(), None);
}

#[test]
fn the_newest_snapshot_comes_first_and_older_ones_are_removed() {
    let world = world();
    for seq in [5, 900, 30] {
        Writer::new(&world.keys, Head { seq, hash: [0; 32] }, &System::default())
            .unwrap()
            .finish(&*world.disk)
            .unwrap();
    }
    assert_eq!(list(&*world.disk).unwrap(), [900, 30, 5]);
    set_aside(&*world.disk, 900).unwrap();
    assert_eq!(list(&*world.disk).unwrap(), [30, 5]);
    thin(&*world.disk, 1).unwrap();
    assert_eq!(world.disk.list().unwrap(), [name(30)]);
}

#[test]
fn the_shelf_gives_back_what_lies_there_also_after_a_restart() {
    let world = world();
    let mut shelf = world.shelf();
    let put = |shelf: &mut Shelf, line: u32| {
        let subject = line.is_multiple_of(2).then_some(SUBJECT);
        let value = (line, "a value of some length that repeats itself ".repeat(8));
        shelf.put(&value, subject, &world.subjects).unwrap().unwrap()
    };
    let places: Vec<u64> = (0..2_000).map(|line| put(&mut shelf, line)).collect();
    let first =
        |shelf: &mut Shelf, place| shelf.get::<(u32, String)>(place, &world.subjects).unwrap().unwrap().0;
    for (line, place) in (0..).zip(&places) {
        assert_eq!(first(&mut shelf, *place), line);
    }
    shelf.sync().unwrap();
    let kept: Vec<u64> = places.iter().copied().step_by(5).collect();
    let lines = shelf.lines(kept.iter().copied());
    // What comes after the snapshot is not known to it.
    let late: Vec<u64> = (0..2_000).map(|line| put(&mut shelf, line)).collect();
    shelf.sync().unwrap();
    drop(shelf);
    let resume = |lines: &[_]| {
        let random = Box::new(System::default());
        Shelf::resume(Arc::clone(&world.disk), random, &world.keys, lines, kept.iter().copied())
    };
    let mut again = resume(&lines).unwrap();
    for (line, place) in (0..).step_by(5).zip(&kept) {
        assert_eq!(first(&mut again, *place), line);
    }
    assert!(again.get::<(u32, String)>(late[1_999], &world.subjects).is_err());
    world.disk.remove("shelf-000001.xops").unwrap();
    assert!(resume(&lines).is_err(), "a file is missing");
}

#[test]
fn a_file_of_the_shelf_goes_when_nothing_in_it_is_wanted() {
    let world = world();
    let mut shelf = world.shelf();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    // Bytes that do not pack, so that a second file is begun.
    let mut noise = || {
        let mut draw = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        (0..8_192).map(|_| draw()).collect::<Vec<u64>>()
    };
    let places: Vec<u64> =
        (0..600).map(|_| shelf.put(&noise(), None, &world.subjects).unwrap().unwrap()).collect();
    shelf.sync().unwrap();
    let files = || world.disk.list().unwrap().into_iter().filter(|name| name.starts_with("shelf-")).count();
    assert!(files() > 1, "{}", files());
    let lines = shelf.lines(places.iter().copied());
    for place in &places {
        shelf.release(*place);
    }
    shelf.retire(&lines).unwrap();
    assert!(shelf.get::<Vec<u64>>(places[0], &world.subjects).is_ok(), "the newest snapshot names it");
    shelf.retire(&[]).unwrap();
    assert_eq!(files(), 1, "only the file that is being written is left");
    assert!(shelf.get::<Vec<u64>>(places[0], &world.subjects).is_err());
}
