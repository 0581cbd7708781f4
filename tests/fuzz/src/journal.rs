//! What lies on a disk: entries, packed blocks, frames, whole files, and the texts that are kept elsewhere.

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};
use xops_journal::bundle::{Bundle, FORMAT, Proved};
use xops_journal::checkpoint::{Public, Signed, parse_all};
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::error::Error;
use xops_journal::frame::{self, FRAME_BYTES_MAX};
use xops_journal::journal::{Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::pack::{Packer, unpack};
use xops_journal::random::Random;
use xops_journal::read::Reader;
use xops_journal::snapshot::{self, Snapshot};
use xops_journal::stored;
use xops_journal::subjects::SubjectKeys;

/// The same bytes every time.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn key() -> TenantKey {
    TenantKey::from_bytes([7; 32])
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new("fuzz", &key()));

static RING: LazyLock<Option<SubjectKeys>> = LazyLock::new(|| {
    let mut ring =
        SubjectKeys::open_on(&MemoryDisk::default(), "subjects", &key(), Arc::new(Fixed)).ok()?;
    ring.prepare(&[[1; 16]]).ok()?;
    Some(ring)
});

/// Bodies of events, and packed blocks.
pub(crate) fn entry(bytes: &[u8]) {
    if let Some(ring) = &*RING {
        for stream in [0, 1] {
            let _read_or_refused = stored::decode(stream, bytes, ring);
        }
    }
    let _subject = stored::sealed_under(bytes);
    for length in [0, bytes.len(), bytes.len() * 4, usize::MAX] {
        if let Some(unpacked) = unpack(bytes, length, FRAME_BYTES_MAX) {
            assert!(unpacked.len() == length && length <= FRAME_BYTES_MAX, "more came out than was allowed");
        }
    }
    let mut packed = Vec::new();
    if Packer::default().pack(bytes, &mut packed) {
        assert_eq!(unpack(&packed, bytes.len(), FRAME_BYTES_MAX).as_deref(), Some(bytes), "it comes back");
    }
}

/// Frames whose hash is right, so that what stands behind it is reached.
pub(crate) fn frame(bytes: &[u8]) {
    let Ok(key) = UnboundKey::new(&AES_256_GCM, &[7; 32]).map(LessSafeKey::new) else { return };
    let mut whole = b"XOJF".to_vec();
    whole.extend_from_slice(bytes);
    let hash = *blake3::hash(&whole).as_bytes();
    whole.extend_from_slice(&hash);
    let mut buffer = Vec::new();
    for bytes in [bytes, &whole] {
        if let Ok(open) = frame::open(bytes, &key, &mut buffer) {
            let _events = open.events().map(Iterator::count);
        }
    }
}


/// Files of a journal, each in every place.
pub(crate) fn files(bytes: &[u8]) {
    for name in ["journal-000001.redb", "journal.head", "journal-000002.redb"] {
        let disk = Arc::new(MemoryDisk::default());
        disk.put(name, bytes.to_vec());
        let options = Options { max_file_bytes: 1500, cache_bytes: 1 << 20, ..Options::default() };
        let _opened = Journal::open_on(Arc::clone(&disk) as Arc<dyn Disk>, &Fixed, &KEYS, options);
        let disk = Arc::new(MemoryDisk::default());
        disk.put(name, bytes.to_vec());
        if let Ok(reader) = Reader::open_on(disk, &KEYS) {
            let _walked = reader.replay(1, |_, _, _| ControlFlow::Continue(()));
        }
    }
    let disk = Arc::new(MemoryDisk::default());
    disk.put(&snapshot::name(1), bytes.to_vec());
    disk.put("subjects", bytes.to_vec());
    let _keyring = SubjectKeys::open_on(&*disk, "subjects", &key(), Arc::new(Fixed));
    let _snapshot = Snapshot::open(&(disk as Arc<dyn Disk>), 1, &KEYS);
}

/// Checkpoints, keys and bundles, which are texts.
pub(crate) fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _note = Signed::parse(&text);
    let _notes = parse_all(&text);
    let _key = Public::parse(&text);
    let event = Proved { seq: 1, stream: 0, body: text.clone().into_owned(), proof: text.clone().into_owned() };
    let (format, checkpoint, public_key) = (FORMAT.to_owned(), text.clone().into_owned(), text.into_owned());
    let bundle = Bundle { format, instance: 1, checkpoint, public_key, events: vec![event] };
    assert!(bundle.check(None).is_err(), "a bundle of noise is none");
}
