//! Ahead files with good headers over any pages: what fuzzing feeds.
//!
//! Absent from every build but those with `--cfg fuzzing`.

use super::{Base, HEADERS, Header, Look, PAGE_BYTES};
use crate::error::Error;

/// The journal that these files belong to.
pub const JOURNAL: [u8; 16] = [3; 16];

/// An ahead file: headers of the passes that are given, each with the event before it, then `pages` as they are.
pub fn file(passes: &[(u64, u64)], pages: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADERS * PAGE_BYTES];
    bytes.extend_from_slice(pages);
    bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
    let length = bytes.len() as u64;
    for (pass, last_seq) in passes {
        let header = Header { pass: *pass, last_seq: *last_seq, length, journal: JOURNAL }.encode();
        let at = Header::place(*pass);
        bytes[at..at + header.len()].copy_from_slice(&header);
    }
    bytes
}

/// Where the next frame begins that is put behind `pages`.
pub fn page_after(pages: &mut Vec<u8>) {
    pages.resize(pages.len().next_multiple_of(PAGE_BYTES), 0);
}

/// The frames that go on from a journal which ends before `next_seq` with the frame of hash `tip`, in pass `pass`.
pub fn frames(bytes: &[u8], pass: u64, next_seq: u64, tip: [u8; 32]) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let base = Base { pass, journal: JOURNAL, file: 1, next_seq, tip };
    let found = Look::of(bytes).frames(&base)?;
    Ok(found.into_iter().map(|(seq, place)| (seq, bytes[place].to_vec())).collect())
}
