//! Rows of a redb file: whole frames, one behind the other, as many as fill the pages that redb takes for them.
//!
//! redb keeps a value in a power of two of pages: a frame by itself left a third of its pages empty, and frames are the most of what a
//! journal takes on the disk. Absent: any trust in what a row says of its frames. Invariants: a row's key is the first sequence number of its
//! first frame; a frame is never cut in two, so it is found in the bytes of a file without the index; where a row does not divide into
//! frames, what is left of it is handed on as a frame, which whoever checks frames refuses.

use std::ops::{ControlFlow, Range};

use crate::error::Error;
use crate::frame::{array, stored_length};
use crate::store::Visit;

const PAGE_BYTES: usize = 4096;
/// No row is longer than this, if its frame is not: what is read at once for one frame of it stays small.
const ROW_BYTES_MAX: usize = 256 << 10;
/// What redb writes beside the value of a row that has a page, or several, for itself: four integers.
/// Source: `docs/design.md` of redb 4, "Leaf page".
const BESIDE_BYTES: usize = 16;

/// Divides frames of these lengths among rows.
pub(crate) fn grouped(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut left: usize = lengths.iter().sum();
    let (mut rows, mut from) = (Vec::new(), 0);
    while from < lengths.len() {
        let room = room(left);
        let mut bytes = lengths[from];
        let mut until = from + 1;
        while let Some(sum) = lengths.get(until).map(|more| bytes + more).filter(|sum| *sum <= room) {
            bytes = sum;
            until += 1;
        }
        rows.push(from..until);
        left -= bytes;
        from = until;
    }
    rows
}

/// How long the next row may be, where `left` bytes are to be stored: it fills its pages, and what is behind it gets fewer.
fn room(left: usize) -> usize {
    let mut pages = 1;
    while pages * 2 * PAGE_BYTES <= (left + BESIDE_BYTES).min(ROW_BYTES_MAX) {
        pages *= 2;
    }
    pages * PAGE_BYTES - BESIDE_BYTES
}

/// The frames of the row under `key`, each with its key. Nothing of them is checked.
fn split(key: u64, row: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = row;
    let mut first = Some(key);
    std::iter::from_fn(move || {
        if rest.is_empty() && first.is_none() {
            return None;
        }
        let length = stored_length(rest).map_or(rest.len(), |length| length.min(rest.len()));
        let (frame, behind) = rest.split_at(length);
        rest = behind;
        // A frame that is not the first says by itself where it belongs; one that says nothing is damaged wherever it is.
        let said = || if frame.len() < 24 { u64::MAX } else { u64::from_le_bytes(array(frame, 16)) };
        Some((first.take().unwrap_or_else(said), frame))
    })
}

/// Visits the frames of a row; those before the one that holds `from_seq` are passed over.
pub(crate) fn visit(
    key: u64,
    row: &[u8],
    from_seq: u64,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, Error> {
    let before = split(key, row).skip(1).take_while(|(seq, _)| *seq <= from_seq).count();
    for (seq, frame) in split(key, row).skip(before) {
        if visit(seq, frame)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What redb takes for a row.
    fn pages(bytes: usize) -> usize {
        (bytes + BESIDE_BYTES).next_multiple_of(PAGE_BYTES).next_power_of_two()
    }

    fn taken(lengths: &[usize]) -> usize {
        grouped(lengths).into_iter().map(|row| pages(lengths[row].iter().sum())).sum()
    }

    #[test]
    fn frames_of_a_few_kilobytes_leave_little_room_empty() {
        let lengths: Vec<usize> = (0..300).map(|at| 3_000 + at * 7_919 % 7_000).collect();
        let bytes: usize = lengths.iter().sum();
        let alone: usize = lengths.iter().map(|length| pages(*length)).sum();
        assert!(alone > bytes * 125 / 100, "by itself each frame wastes: {alone} of {bytes}");
        assert!(taken(&lengths) < bytes * 104 / 100, "{} of {bytes}", taken(&lengths));
    }

    #[test]
    fn a_frame_that_is_longer_than_a_row_is_one() {
        assert_eq!(grouped(&[5, ROW_BYTES_MAX * 3, 5]), [0..1, 1..2, 2..3]);
        assert!(grouped(&[]).is_empty());
    }

    fn seen(key: u64, row: &[u8], from_seq: u64, stop_at: usize) -> Vec<(u64, usize)> {
        let mut seen = Vec::new();
        let flow = visit(key, row, from_seq, &mut |seq, frame| {
            seen.push((seq, frame.len()));
            Ok(if seen.len() == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert_eq!(flow.unwrap().is_break(), seen.len() == stop_at);
        seen
    }

    /// The bytes of frames in clear, as far as a row looks at them.
    fn row(frames: &[(u64, usize)]) -> Vec<u8> {
        let mut row = Vec::new();
        for (seq, length) in frames {
            let mut frame = vec![0; *length];
            frame[..5].copy_from_slice(b"XOJF\x01");
            frame[16..24].copy_from_slice(&seq.to_le_bytes());
            frame[28..32].copy_from_slice(&u32::try_from(length - 96).unwrap().to_le_bytes());
            row.extend_from_slice(&frame);
        }
        row
    }

    #[test]
    fn a_visit_begins_with_the_frame_that_holds_the_event_and_stops_when_it_is_told_to() {
        let frames = [(10, 120), (14, 200), (15, 130)];
        for (from_seq, first) in [(0, 0), (10, 0), (13, 0), (14, 1), (15, 2), (u64::MAX, 2)] {
            assert_eq!(seen(10, &row(&frames), from_seq, usize::MAX), frames[first..], "from {from_seq}");
        }
        assert_eq!(seen(10, &row(&frames), 0, 2), frames[..2]);
    }

    #[test]
    fn what_does_not_divide_into_frames_is_handed_on_as_one() {
        let mut torn = row(&[(10, 120), (14, 200)]);
        torn.truncate(250);
        assert_eq!(seen(10, &torn, 0, usize::MAX), [(10, 120), (14, 130)]);
        torn.truncate(130);
        assert_eq!(seen(10, &torn, 0, usize::MAX), [(10, 120), (u64::MAX, 10)]);
        assert_eq!(seen(7, b"noise", 0, usize::MAX), [(7, 5)]);
        assert_eq!(seen(7, b"", 0, usize::MAX), [(7, 0)]);
    }

    proptest! {
        #[test]
        fn every_frame_is_in_one_row_and_in_its_place(lengths in prop::collection::vec(97_usize..600_000, 0..60)) {
            let rows = grouped(&lengths);
            let places: Vec<usize> = rows.iter().cloned().flatten().collect();
            prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
            for row in rows.into_iter().filter(|row| row.len() > 1) {
                prop_assert!(lengths[row].iter().sum::<usize>() <= ROW_BYTES_MAX);
            }
        }
    }
}
