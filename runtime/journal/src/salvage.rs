//! Frames found in the bytes of a file without the store's own index.
//!
//! A frame carries its own proof and the hash of the frame before it, so the chain can be followed through a copy whose index
//! is torn: one that was taken while a fast writer went on. Absent: any claim of completeness. What is found is an unbroken
//! beginning of the file; the last few commits may lie in pages that were written over while they were copied.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use crate::error::Error;
use crate::frame::{HASH_BYTES, HEADER_BYTES, Outline, TAG_BYTES, open, outline};
use crate::keys::Keys;
use crate::segment::{Preamble, decode};
use crate::store::{Frames, Visit};

/// The unbroken beginning of one file.
pub(crate) struct Salvaged {
    bytes: Vec<u8>,
    preamble: Preamble,
    /// Stored key and place of each frame, in order, the header frame first.
    frames: Vec<(u64, Range<usize>)>,
}

/// A frame whose hash is right, wherever it lies.
struct Found {
    place: Range<usize>,
    said: Outline,
}

impl Salvaged {
    /// Follows the chain of file `file` through `bytes`; `None` if not even its header frame is there.
    pub(crate) fn of(bytes: Vec<u8>, file: u32, keys: &Keys) -> Option<Self> {
        let mut found = find(&bytes, file);
        // From the end: how long the chain behind each frame is, and which frame is the next of the longest.
        found.sort_by_key(|frame| (frame.said.first_seq, frame.said.events));
        let mut longest: BTreeMap<[u8; 32], (u32, usize)> = BTreeMap::new();
        for (index, frame) in found.iter().enumerate().rev().filter(|(_, frame)| frame.said.events) {
            let length = 1 + longest.get(&frame.said.hash).map_or(0, |(length, _)| *length);
            let best = longest.entry(frame.said.prev).or_default();
            if length > best.0 {
                *best = (length, index);
            }
        }
        let mut buffer = Vec::new();
        let header = found.iter().find(|frame| !frame.said.events)?;
        let said = open(&bytes[header.place.clone()], keys.frames(), &mut buffer).ok()?;
        let (preamble, _) = decode(said.content)?;
        let mut frames = vec![(0, header.place.clone())];
        let mut tip = header.said.hash;
        while let Some((_, index)) = longest.get(&tip) {
            let frame = &found[*index];
            frames.push((frame.said.first_seq, frame.place.clone()));
            tip = frame.said.hash;
        }
        Some(Self { bytes, preamble, frames })
    }
}

/// The frames of events of `file` from `from_seq` on that lie whole anywhere in `bytes`, in order: where several claim one place, the
/// one that follows the frame before it.
pub(crate) fn pieces(bytes: &[u8], file: u32, from_seq: u64) -> Vec<(u64, Vec<u8>)> {
    let mut found = find(bytes, file);
    found.retain(|frame| frame.said.events && frame.said.first_seq >= from_seq);
    found.sort_by_key(|frame| (frame.said.first_seq, frame.said.hash));
    found.dedup_by_key(|frame| frame.said.hash);
    let mut kept: Vec<Found> = Vec::new();
    for frame in found {
        match kept.pop() {
            Some(last) if last.said.first_seq == frame.said.first_seq => {
                let follows = kept.last().is_some_and(|before| before.said.hash == frame.said.prev);
                kept.push(if follows { frame } else { last });
            }
            last => {
                kept.extend(last);
                kept.push(frame);
            }
        }
    }
    kept.into_iter().map(|frame| (frame.said.first_seq, bytes[frame.place].to_vec())).collect()
}

impl Frames for Salvaged {
    fn preamble(&self) -> Result<Preamble, Error> {
        Ok(self.preamble)
    }

    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error> {
        let start = self.frames.partition_point(|(key, _)| *key <= from_seq).saturating_sub(1);
        for (key, place) in &self.frames[start..] {
            if let ControlFlow::Break(()) = visit(*key, &self.bytes[place.clone()])? {
                break;
            }
        }
        Ok(())
    }
}

/// Every stretch of `bytes` that is a frame of `file` with the right hash.
fn find(bytes: &[u8], file: u32) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() > HEADER_BYTES + TAG_BYTES + HASH_BYTES) {
        // Looking for one byte is fast; a frame that is found is stepped over as a whole.
        let Some(ahead) = rest.iter().position(|byte| *byte == b'X') else { break };
        at += ahead;
        let rest = &bytes[at..];
        let Some(said) = outline(rest) else {
            at += 1;
            continue;
        };
        let place = at..at + said.length;
        at = place.end;
        if said.file == file {
            found.push(Found { place, said });
        }
    }
    found
}
