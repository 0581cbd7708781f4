//! What lies in the journal under a seal or a check, and what is handed to others signed. The content is the fuzzer's; the seal is good.

use crate::bytes::Bytes;
use crate::disk::{keys, signer, with_ring};
use std::sync::{Arc, OnceLock};
use xops_journal::ahead::forged as ahead_file;
use xops_journal::bundle::{Bundle, FORMAT, Proved};
use xops_journal::checkpoint::{Checkpoint, Public, Signed, parse_all};
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::frame::{self, CODEC_BINCODE, CODEC_PACKED, Kind, Place};
use xops_journal::keys::Keys;
use xops_journal::merkle::{Frontier, leaf};
use xops_journal::segment::Sealed;
use xops_journal::snapshot::{Snapshot, forged as snapshot_file, name};
use xops_robots::service::pieces::{Builder, Piece};

/// How many parts of a kind one input is taken apart into.
const PARTS_MAX: usize = 64;

fn shared() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(keys)
}

fn place(bytes: &mut Bytes<'_>) -> Place {
    Place { file: 1, first_seq: bytes.number(8), prev: [bytes.byte(); 32], salt: [0; 4] }
}

/// A frame: the bytes as they are, with the hash that belongs to them, or a content under a good seal.
pub fn frame(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let frame = match bytes.byte() {
        0 => bytes.0.to_vec(),
        1 => frame::forged::hashed(bytes.0),
        how => {
            let kind = if how & 2 == 0 { Kind::File } else { Kind::Events };
            let codec = if how & 4 == 0 { CODEC_BINCODE } else { CODEC_PACKED };
            let (place, count) = (place(&mut bytes), u32::try_from(bytes.number(4)).unwrap_or(0));
            frame::forged::frame(kind, codec, count, bytes.0, &place, shared())
        }
    };
    if let Ok(events) = frame::forged::events(&frame, shared()) {
        let claimed = events.iter().map(|(_, body)| body.len()).sum::<usize>();
        assert!(claimed <= frame::FRAME_BYTES_MAX, "more came out than a frame holds");
    }
    if let Some(again) = frame::forged::files(bytes.0) {
        assert_eq!(again, bytes.0, "a list of files is read as another");
    }
}

/// The ahead file: pages as they are, or frames with a good seal that follow each other or do not.
pub fn ahead(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let passes: Vec<(u64, u64)> = (0..bytes.byte() & 3).map(|_| (bytes.number(1), bytes.number(1))).collect();
    let (pass, begin) = (bytes.number(1), bytes.number(1));
    let (mut pages, mut seq, mut tip) = (Vec::new(), begin, [0; 32]);
    for _ in 0..PARTS_MAX {
        let step = bytes.byte();
        if bytes.is_over() {
            break;
        }
        if step == 0 {
            pages.extend_from_slice(bytes.sized());
            continue;
        }
        ahead_file::page_after(&mut pages);
        // Most follow: a chain that breaks is only one of the cases.
        let (first_seq, prev) = match step & 6 {
            2 => (seq.wrapping_add(bytes.number(1)), tip),
            4 => (seq, [bytes.byte(); 32]),
            _ => (seq, tip),
        };
        let (count, body) = (u32::from(bytes.byte()), bytes.sized());
        let place = Place { file: 1 + u32::from(step >> 6), first_seq, prev, salt: [0; 4] };
        let frame = frame::forged::frame(Kind::Events, CODEC_BINCODE, count, body, &place, shared());
        tip.copy_from_slice(&frame[frame.len() - 32..]);
        seq = first_seq.wrapping_add(u64::from(count));
        // Some are torn.
        let whole = frame.len() - if step & 8 == 0 { 0 } else { 1 + frame.len() / 2 };
        pages.extend_from_slice(&frame[..whole]);
    }
    let file = ahead_file::file(&passes, &pages);
    if let Ok(found) = ahead_file::frames(&file, pass, begin, [0; 32]) {
        let mut next = begin;
        for (seq, bytes) in found {
            assert_eq!(seq, next, "a frame that does not follow is taken");
            next = seq
                .saturating_add(u64::from(u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])));
        }
    }
    let _unchecked = ahead_file::frames(bytes.0, pass, begin, [0; 32]);
}

/// The file of what stays of removed files.
pub fn kept(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let how = bytes.byte();
    if how == 0 {
        let _refused = xops_journal::kept::forged::read(
            &xops_journal::kept::forged::checked(bytes.0, shared()),
            shared(),
        );
        return;
    }
    let mut lines = Vec::new();
    for _ in 0..bytes.byte() & 7 {
        let (file, last_seq) = (u32::from(bytes.byte()), bytes.number(2));
        lines.push(Sealed { file, last_seq, bytes: bytes.number(2), last_hash: [1; 32], digest: [2; 32] });
    }
    let edge = edge(lines.last().map_or(0, |line| line.last_seq), bytes.sized());
    let (numbers, mut rest, mut prev) = ([bytes.number(1), bytes.number(1)], Vec::new(), [0; 32]);
    for _ in 0..bytes.byte() & 7 {
        let place = Place { file: 0, first_seq: bytes.number(2), prev, salt: [0; 4] };
        let (count, body) = (u32::from(bytes.byte()), bytes.sized());
        let frame = frame::forged::frame(Kind::Events, CODEC_BINCODE, count, body, &place, shared());
        prev.copy_from_slice(&frame[frame.len() - 32..]);
        rest.push(frame);
    }
    let parts: Vec<&[u8]> = rest.iter().map(Vec::as_slice).chain((how & 2 != 0).then_some(bytes.0)).collect();
    let file = xops_journal::kept::forged::file([3; 16], &lines, &edge, numbers, &parts, shared());
    if let Ok((_, same)) = xops_journal::kept::forged::read(&file, shared()) {
        assert!(same, "it writes itself as another file");
    }
}

/// The edge of a tree: as it is given, or that of so many events.
fn edge(size: u64, given: &[u8]) -> Vec<u8> {
    if !given.is_empty() {
        return given.to_vec();
    }
    let mut edge = Frontier::default();
    (1..=size.min(512)).for_each(|seq| edge.push(&leaf(seq, 0, b"event")));
    xops_journal::kept::forged::edge(&edge, shared())
}

/// A snapshot: blocks as they are, or pieces of what the Service robot believes.
pub fn snapshot(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (how, seq) = (bytes.byte(), 7);
    let mut blocks = Vec::new();
    if how & 1 == 0 {
        let pieces = std::iter::from_fn(|| (!bytes.is_over()).then(|| bytes.sized())).take(PARTS_MAX);
        blocks.push(snapshot_file::block(pieces));
    } else {
        while !bytes.is_over() && blocks.len() < PARTS_MAX {
            blocks.push(bytes.sized().to_vec());
        }
    }
    let disk = MemoryDisk::default();
    disk.put(&name(seq), snapshot_file::file(seq, &blocks, shared()));
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let Ok(snapshot) = Snapshot::open(&disk, seq, shared()) else { return };
    let mut builder = Builder::default();
    let built = with_ring(|ring| {
        snapshot.each(ring, |piece: Option<Piece>| {
            piece.into_iter().for_each(|piece| builder.take(piece));
            Ok(())
        })
    });
    if built.is_ok() {
        let Ok(state) = builder.build() else { return };
        let told = state.pieces(|_| Ok::<(), ()>(()));
        assert!(told.is_ok());
    }
}

/// Signed notes, keys and files of checkpoints.
pub fn note(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(note) = Signed::parse(&text) {
        assert_eq!(Signed::parse(&note.to_text()), Some(note.clone()), "it is read as another note");
        let _signed = note.is_signed_by(&signer().public());
    }
    if let Some(key) = Public::parse(&text) {
        assert_eq!(Public::parse(&key.to_text()), Some(key), "it is read as another key");
    }
    let _all = parse_all(&text);
}

/// A bundle for somebody who has nothing else: as it is, or about events under a good checkpoint.
pub fn bundle(bytes: &[u8]) {
    if let Ok(bundle) = serde_json::from_slice::<Bundle>(bytes) {
        let _proved = bundle.check(None);
        let _proved = bundle.check(Some(&signer().public()));
        return;
    }
    let mut bytes = Bytes(bytes);
    let said = Checkpoint {
        origin: "a fuzzer".to_owned(),
        size: bytes.number(1),
        root: [bytes.byte(); 32],
        head: [0; 32],
        at: 1,
    };
    let mut events = Vec::new();
    for _ in 0..bytes.byte() & 7 {
        let (seq, stream) = (bytes.number(1), bytes.number(1));
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let coded = |part: &[u8]| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.encode(part)
        };
        let (body, proof) = (bytes.sized(), bytes.sized());
        let clear = bytes.byte() == 0;
        let (body, proof) = if clear { (coded(body), coded(proof)) } else { (text(body), text(proof)) };
        events.push(Proved { seq, stream, body, proof });
    }
    let bundle = Bundle {
        format: FORMAT.to_owned(),
        instance: 1,
        checkpoint: signer().sign(&said).to_text(),
        public_key: signer().public().to_text(),
        events,
    };
    // A tree of one leaf has no path: that one leaf can be right.
    assert!(bundle.check(None).is_err() || said.size == 1, "what nobody wrote is proved");
}
