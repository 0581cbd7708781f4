//! Entries of the journal as they are stored, and the file of subjects' keys.

use crate::bytes::Bytes;
use crate::disk::{HELD, Same, key, with_ring};
use std::sync::Arc;
use xops_journal::disk::MemoryDisk;
use xops_journal::pack::{Packer, unpack};
use xops_journal::stored::{Decoded, decode, encode, sealed_under};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::machine::Machine;
use xops_robots::service::{Service, State};

/// The most that packed bytes may come to.
const UNPACKED_MAX: usize = 16 << 20;

/// An entry: of the tenant or of an instance, in clear or under a subject's key. What is read is written and read again, and the
/// robot refuses or believes it.
pub fn stored(bytes: &[u8]) {
    with_ring(|ring| entry(Bytes(bytes), ring));
}

fn entry(mut bytes: Bytes<'_>, ring: &SubjectKeys) {
    let (stream, how) = (bytes.number(1) & 3, bytes.byte());
    let body = match how {
        0 => [&[1][..], bytes.0].concat(),
        1 => {
            let sealed = ring.seal(&HELD, bytes.0).expect("it has a key");
            let sealed =
                bincode::serde::encode_to_vec(&sealed, bincode::config::standard()).expect("it encodes");
            [&[2][..], &HELD, &sealed].concat()
        }
        2 => return packed(&mut bytes),
        _ => bytes.0.to_vec(),
    };
    let _subject = sealed_under(&body);
    let Ok(Decoded::Entry(entry)) = decode(stream, &body, ring) else { return };
    let mut again = Vec::new();
    encode(&entry, None, ring, &mut again).expect("what was read can be written");
    match decode(stream, &again, ring) {
        Ok(Decoded::Entry(read)) => assert_eq!(entry, read, "it is read as another entry"),
        other => panic!("it is not read again: {other:?}"),
    }
    let _refused = Service.step(&mut State::default(), &entry, &mut Vec::new());
}

/// Packed bytes of a promised length; and bytes that are packed and come back.
fn packed(bytes: &mut Bytes<'_>) {
    let length = usize::try_from(bytes.number(4)).unwrap_or(0);
    if let Some(unpacked) = unpack(bytes.0, length, UNPACKED_MAX) {
        assert!(unpacked.len() == length && length <= UNPACKED_MAX, "more came out than was allowed");
    }
    let mut block = Vec::new();
    let _worth_it = Packer::default().pack(bytes.0, &mut block);
    assert_eq!(
        unpack(&block, bytes.0.len(), UNPACKED_MAX).as_deref(),
        Some(bytes.0),
        "another content came back"
    );
}

/// The file of subjects' keys: as it is, or with some bytes of a good one altered.
pub fn keyring(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let disk = MemoryDisk::default();
    let file = match bytes.byte() {
        0 => bytes.0.to_vec(),
        _ => altered(&mut bytes),
    };
    disk.put("subjects", file);
    let Ok(mut ring) = SubjectKeys::open_on(&disk, "subjects", &key(), Arc::new(Same)) else { return };
    let sealed = ring.prepare(&[[9; 16]]).and_then(|()| ring.seal(&[9; 16], b"a value"));
    if let Ok(sealed) = sealed {
        let opened = ring.open_value(&[9; 16], &sealed).expect("what was sealed opens");
        assert!(opened.is_none_or(|clear| clear == b"a value"), "another value came back");
    }
}

fn altered(bytes: &mut Bytes<'_>) -> Vec<u8> {
    use xops_journal::disk::Disk;
    let disk = MemoryDisk::default();
    let mut ring = SubjectKeys::open_on(&disk, "subjects", &key(), Arc::new(Same)).expect("memory works");
    ring.prepare(&[[1; 16], [2; 16], [3; 16]]).expect("memory works");
    ring.erase([2; 16]).expect("memory works");
    drop(ring);
    let mut file = disk.read("subjects").expect("it was made");
    while !bytes.is_over() {
        let at = bytes.below(file.len());
        file[at] ^= bytes.byte();
    }
    file
}
