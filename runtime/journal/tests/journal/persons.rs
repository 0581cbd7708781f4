//! Keys of the tenant and of persons: where they come from, how they are kept, how they are destroyed.

use std::sync::Arc;

use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::Error;
use xops_journal::journal::{Entry, Journal};
use xops_journal::keys::TenantKey;
use xops_journal::random::System;
use xops_journal::subjects::{Subject, SubjectKeys};

use crate::disk::{Platter, SimDisk};
use crate::world::{Dice, key, keys, seeded, small};

const SARAH: Subject = [1; 16];
const OMAR: Subject = [2; 16];

fn ring(disk: &dyn Disk) -> Result<SubjectKeys, Error> {
    SubjectKeys::open_on(disk, "subjects.keys", &key(), Arc::new(seeded(5)))
}

#[test]
fn a_value_opens_for_its_subject_only_also_after_reopening() {
    let disk = MemoryDisk::default();
    let mut keys = ring(&disk).unwrap();
    keys.prepare(&[SARAH, OMAR, SARAH]).unwrap();
    let sealed = keys.seal(&SARAH, b"sarah.chen").unwrap();
    drop(keys);
    let keys = ring(&disk).unwrap();
    assert_eq!(keys.open_value(&SARAH, &sealed).unwrap().unwrap(), b"sarah.chen");
    assert!(matches!(keys.open_value(&OMAR, &sealed), Err(Error::ValueDamaged)));
    assert!(matches!(keys.open_value(&[3; 16], &sealed), Err(Error::KeyMissing)));
    assert!(matches!(keys.seal(&[3; 16], b"x"), Err(Error::KeyMissing)));
}

#[test]
fn erasing_a_subject_makes_its_values_unreadable_and_the_chain_still_verifies() {
    let data = tempfile::tempdir().unwrap();
    let (journal_dir, ring_file) = (data.path().join("journal"), data.path().join("keys/subjects.keys"));
    let mut ring = SubjectKeys::open(&ring_file, &key()).unwrap();
    let (mut journal, _) = Journal::open(&journal_dir, &keys(), small()).unwrap();
    ring.prepare(&[SARAH, OMAR]).unwrap();
    let sealed = [ring.seal(&SARAH, b"sarah.chen").unwrap(), ring.seal(&OMAR, b"omar.diaz").unwrap()];
    for value in &sealed {
        let body = [&value.nonce[..], &value.ciphertext].concat();
        journal.append(&[Entry { stream: 1, body }]).unwrap();
    }
    let before = std::fs::read(&ring_file).unwrap();
    assert!(ring.erase(SARAH).unwrap() && !ring.erase(SARAH).unwrap() && ring.is_erased(&SARAH));
    drop(ring);
    let after = std::fs::read(&ring_file).unwrap();
    assert!(before[164..212] != after[164..212] && after[152..212].iter().all(|byte| *byte == 0));
    let mut ring = SubjectKeys::open(&ring_file, &key()).unwrap();
    assert_eq!(ring.open_value(&SARAH, &sealed[0]).unwrap(), None);
    assert_eq!(ring.open_value(&OMAR, &sealed[1]).unwrap().unwrap(), b"omar.diaz");
    // A new key for the same person does not bring the old values back.
    ring.get_or_create(SARAH).unwrap();
    let new = ring.seal(&SARAH, b"again").unwrap();
    drop(ring);
    let ring = SubjectKeys::open(&ring_file, &key()).unwrap();
    assert_eq!(ring.open_value(&SARAH, &sealed[0]).unwrap(), None);
    assert_eq!(ring.open_value(&SARAH, &new).unwrap().unwrap(), b"again");
    assert_eq!(Journal::verify(&journal_dir, &keys()).unwrap().events, 2);
}

#[test]
fn a_reader_beside_the_writer_takes_no_lock_and_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("subjects");
    assert!(SubjectKeys::beside(&file, &key()).is_err());
    assert!(!file.exists(), "a reader made a keyring");
    let mut writer = SubjectKeys::open(&file, &key()).unwrap();
    writer.get_or_create(SARAH).unwrap();
    let sealed = writer.seal(&SARAH, b"Sarah").unwrap();
    let mut reader = SubjectKeys::beside(&file, &key()).unwrap();
    assert_eq!(reader.open_value(&SARAH, &sealed).unwrap().unwrap(), b"Sarah");
    assert!(matches!(reader.get_or_create(OMAR), Err(Error::Stopped { .. })), "a reader wrote");
    writer.get_or_create(OMAR).unwrap();
    let later = writer.seal(&OMAR, b"Omar").unwrap();
    assert!(matches!(reader.open_value(&OMAR, &later), Err(Error::KeyMissing)));
    writer.erase(SARAH).unwrap();
    assert_eq!(SubjectKeys::beside(&file, &key()).unwrap().open_value(&SARAH, &sealed).unwrap(), None);
}

#[test]
fn a_key_that_was_acknowledged_survives_every_crash() {
    let disk = SimDisk::default();
    let mut keys = ring(&disk).unwrap();
    let mut acknowledged = Vec::new();
    for subject in 0..20 {
        keys.prepare(&[[subject; 16], [subject + 100; 16]]).unwrap();
        acknowledged.push((disk.now(), keys.seal(&[subject; 16], &[subject]).unwrap()));
    }
    keys.erase([0; 16]).unwrap();
    let erased_at = disk.now();
    let (mut platter, mut dice) = (Platter::default(), Dice(3));
    for (at, op) in disk.take_log().iter().enumerate() {
        platter.play(op, false);
        for _ in 0..20 {
            let keys = ring(&SimDisk::of(platter.crash(&mut dice))).unwrap();
            for (subject, (_, sealed)) in (0..).zip(acknowledged.iter().filter(|(op, _)| *op <= at + 1)) {
                let found = keys.open_value(&[subject; 16], sealed).unwrap();
                if subject > 0 || at + 1 < erased_at - 2 {
                    assert_eq!(found.unwrap(), [subject]);
                } else if at + 1 >= erased_at {
                    assert_eq!(found, None, "the erased key came back");
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_the_keyring_is_told() {
    let disk = MemoryDisk::default();
    let mut keys = ring(&disk).unwrap();
    keys.prepare(&[SARAH, OMAR]).unwrap();
    keys.erase(OMAR).unwrap();
    drop(keys);
    let bytes = disk.read("subjects.keys").unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut copy = bytes.clone();
        copy[bit / 8] ^= 1 << (bit % 8);
        disk.put("subjects.keys", copy);
        assert!(ring(&disk).is_err(), "bit {bit} was not told");
    }
}

#[test]
fn a_keyring_of_another_tenant_key_is_refused() {
    let disk = MemoryDisk::default();
    ring(&disk).unwrap();
    let other = TenantKey::from_bytes([9; 32]);
    let error = SubjectKeys::open_on(&disk, "subjects.keys", &other, Arc::new(seeded(5))).err().unwrap();
    assert!(error.to_string().contains("wrapped under another tenant key"), "{error}");
}

#[test]
fn a_failed_sync_stops_the_keyring() {
    let disk = SimDisk::default();
    let mut keys = ring(&disk).unwrap();
    disk.fail_after(2, std::io::ErrorKind::Other);
    assert!(matches!(keys.get_or_create(SARAH), Err(Error::Stopped { .. })));
    disk.fail_after(u64::MAX, std::io::ErrorKind::Other);
    assert!(matches!(keys.get_or_create(SARAH), Err(Error::Stopped { .. })));
    assert!(matches!(keys.seal(&SARAH, b"x"), Err(Error::KeyMissing)), "a key that is not durable was used");
}

#[test]
fn a_generated_key_file_is_private_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tenant.key");
    let made = TenantKey::generate(&path, &System::default()).unwrap();
    let read = TenantKey::from_file(&path).unwrap();
    assert_eq!(made.digest_key(), read.digest_key());
    assert!(TenantKey::generate(&path, &System::default()).is_err(), "an existing key was overwritten");
    assert_eq!(format!("{read:?} {:?}", keys()), "TenantKey(..) Keys { tenant: \"acme\", .. }");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tenant.key");
    std::fs::write(&path, [3; 32]).unwrap();
    for (mode, accepted) in
        [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o620, false), (0o606, false)]
    {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        match TenantKey::from_file(&path) {
            Ok(_) => assert!(accepted, "{mode:o}"),
            Err(error) => {
                assert!(!accepted && error.to_string().contains("run `chmod 600"), "{mode:o}: {error}");
            }
        }
    }
}

#[test]
fn a_key_that_is_no_key_is_refused_without_showing_it() {
    for text in ["", "zz", &"g".repeat(64), &"a".repeat(63)] {
        let error = TenantKey::from_hex(text, "XOPS_KEY").unwrap_err().to_string();
        assert!(error.contains("XOPS_KEY") && (text.is_empty() || !error.contains(text)), "{error}");
    }
    assert!(TenantKey::from_hex(&format!(" {}\n", "a1".repeat(32)), "XOPS_KEY").is_ok());
    assert!(TenantKey::from_env("XOPS_KEY_THAT_NOBODY_SET").is_err());
}
