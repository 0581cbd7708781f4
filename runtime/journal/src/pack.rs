//! Packing: what a frame holds, without its repetitions. The block format of LZ4, written and read here.
//!
//! Absent: `unsafe`, trust in any length that is read, a search for the best match. Invariants: what `pack` writes `unpack` gives back
//! byte for byte; `unpack` refuses whatever is not a whole block of exactly the length that was promised, and never makes more
//! bytes than that.
//!
//! Events of one commit repeat each other: names of functions, times, whole plans of one runbook. What was sealed for a subject does not
//! repeat and passes through. Source of the format: "LZ4 Block Format Description", <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>;
//! of the search: a table of the last place of each hash of four bytes, as LZ4's own fast mode has it.

/// What is shorter is not worth it.
pub const PACK_BYTES_MIN: usize = 256;

/// No match is shorter: the format's own least.
const MATCH_MIN: usize = 4;
/// The format ends with so many literals at the least.
const LITERALS_LAST: usize = 5;
/// No match begins nearer to the end.
const MATCH_START_LAST: usize = 12;
const DISTANCE_MAX: usize = 65_535;
const TABLE_BITS: u32 = 12;
/// After so many misses in a row, as a power of two, the search takes longer strides.
const STRIDE_BITS: usize = 6;

/// Packs; its table is used again.
#[derive(Debug)]
pub struct Packer {
    /// One more than the last place of each hash; 0 for none.
    places: Box<[u32]>,
}

impl Default for Packer {
    fn default() -> Self {
        Self { places: vec![0; 1 << TABLE_BITS].into_boxed_slice() }
    }
}

impl Packer {
    /// Appends the block of `input` to `out`; says whether that was worth it, which means shorter by an eighth. `input` is at most
    /// 4 GiB long.
    pub fn pack(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let from = out.len();
        self.places.fill(0);
        let mut literals = 0;
        let mut at = 0;
        let end = input.len().saturating_sub(MATCH_START_LAST);
        while at < end {
            match self.find(input, at) {
                Some(before) => {
                    let length = common(&input[before..], &input[at..input.len() - LITERALS_LAST]);
                    put(out, &input[literals..at], Some((at - before, length)));
                    at += length;
                    literals = at;
                }
                None => at += 1 + ((at - literals) >> STRIDE_BITS),
            }
        }
        put(out, &input[literals..], None);
        out.len() - from <= input.len() - input.len() / 8
    }

    /// An earlier place with the same four bytes, near enough.
    fn find(&mut self, input: &[u8], at: usize) -> Option<usize> {
        let word = four(input, at);
        // Fibonacci hashing: Knuth, volume 3, 6.4.
        let slot = (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize;
        let here = u32::try_from(at + 1).ok()?;
        let before = std::mem::replace(&mut self.places[slot], here).checked_sub(1)? as usize;
        (at - before <= DISTANCE_MAX && four(input, before) == word).then_some(before)
    }
}

fn four(input: &[u8], at: usize) -> u32 {
    input.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// How many bytes both begin with.
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut length = 0;
    for (left, right) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        if left != right {
            break;
        }
        length += 8;
    }
    length + one[length..].iter().zip(&other[length..]).take_while(|(left, right)| left == right).count()
}

/// Appends one sequence: literals, then a match by distance and length, which only the last sequence has not.
fn put(out: &mut Vec<u8>, literals: &[u8], matched: Option<(usize, usize)>) {
    let (distance, length) = matched.unwrap_or((0, MATCH_MIN));
    let length = length - MATCH_MIN;
    let nibble = |count: usize| u8::try_from(count.min(15)).unwrap_or(15);
    out.push(nibble(literals.len()) << 4 | nibble(length));
    put_more(out, literals.len());
    out.extend_from_slice(literals);
    if matched.is_some() {
        out.extend_from_slice(&u16::try_from(distance).unwrap_or(u16::MAX).to_le_bytes());
        put_more(out, length);
    }
}

/// Appends what of a count does not fit into its nibble.
fn put_more(out: &mut Vec<u8>, count: usize) {
    let Some(mut rest) = count.checked_sub(15) else { return };
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(u8::try_from(rest).unwrap_or(255));
}

/// The bytes that were packed into `block`, which must be `length` and at most `length_max`; `None` for anything else.
pub fn unpack(block: &[u8], length: usize, length_max: usize) -> Option<Vec<u8>> {
    if length > length_max {
        return None;
    }
    let mut out = Vec::with_capacity(length);
    let mut rest = block;
    loop {
        let (token, after) = rest.split_first()?;
        rest = after;
        let literals = take_count(&mut rest, usize::from(token >> 4), length)?;
        let (bytes, after) = rest.split_at_checked(literals)?;
        rest = after;
        out.extend_from_slice(bytes);
        if out.len() > length {
            return None;
        }
        if rest.is_empty() {
            return (out.len() == length).then_some(out);
        }
        let (distance, after) = rest.split_first_chunk::<2>()?;
        rest = after;
        let count = take_count(&mut rest, usize::from(token & 15), length)? + MATCH_MIN;
        let from = out.len().checked_sub(usize::from(u16::from_le_bytes(*distance)))?;
        if from == out.len() || out.len() + count > length {
            return None;
        }
        copy(&mut out, from, count);
    }
}

/// Appends `count` bytes that begin at `from`; they may run into what is being appended.
fn copy(out: &mut Vec<u8>, from: usize, count: usize) {
    let mut left = count;
    while left > 0 {
        let there = (out.len() - from).min(left);
        out.extend_from_within(from..from + there);
        left -= there;
    }
}

/// A count whose nibble was read; no count may exceed `count_max`.
fn take_count(rest: &mut &[u8], nibble: usize, count_max: usize) -> Option<usize> {
    let mut count = nibble;
    if nibble == 15 {
        loop {
            let (more, after) = rest.split_first()?;
            *rest = after;
            count += usize::from(*more);
            if count > count_max {
                return None;
            }
            if *more != 255 {
                break;
            }
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Packer::default().pack(input, &mut out);
        out
    }

    fn check(input: &[u8]) {
        let block = packed(input);
        assert_eq!(unpack(&block, input.len(), input.len()).as_deref(), Some(input));
    }

    #[test]
    fn what_was_packed_comes_back() {
        check(b"");
        check(b"short");
        check(&vec![7; 100_000]);
        check(&b"step_1 noop step_2 noop step_3 noop ".repeat(40));
        let counted: Vec<u8> = (0..70_000_u32).flat_map(u32::to_le_bytes).collect();
        check(&counted);
    }

    #[test]
    fn a_block_of_the_format_s_other_writers_is_read() {
        // "abcabcabcabcabcXYZ12": three literals, a match of 12 at distance 3, five literals.
        let block = [0x38, b'a', b'b', b'c', 3, 0, 0x50, b'X', b'Y', b'Z', b'1', b'2'];
        assert_eq!(unpack(&block, 20, 20).as_deref(), Some(b"abcabcabcabcabcXYZ12".as_slice()));
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn repetitions_are_worth_it_and_noise_is_not() {
        let mut packer = Packer::default();
        assert!(packer.pack(&b"workday.set_end_date".repeat(50), &mut Vec::new()));
        assert!(!packer.pack(&noise(2_000), &mut Vec::new()));
    }

    #[test]
    fn what_repeats_too_far_away_to_be_named_comes_back() {
        let piece = noise(400);
        for distance in [65_000, 65_534, 65_535, 65_536, 65_537, 69_000] {
            // One byte over and over between the two leaves the places of the first in the table.
            let mut input = piece.clone();
            input.resize(distance, 0);
            input.extend_from_slice(&piece);
            check(&input);
        }
    }

    #[test]
    fn a_match_that_begins_nowhere_is_refused() {
        // Four literals, then a match of four at distance 0 and at distance 5, then five literals.
        for distance in [0, 5] {
            let block = [0x40, 1, 2, 3, 4, distance, 0, 0x50, 1, 2, 3, 4, 5];
            assert_eq!(unpack(&block, 13, 13), None, "{distance}");
        }
    }

    #[test]
    fn a_block_of_another_length_is_refused() {
        let block = packed(&[9; 1_000]);
        for length in [0, 999, 1_001] {
            assert_eq!(unpack(&block, length, 2_000), None, "{length}");
        }
        assert_eq!(unpack(&block, 1_000, 999), None, "it is longer than allowed");
        for cut in 0..block.len() {
            assert_eq!(unpack(&block[..cut], 1_000, 2_000), None, "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn anything_comes_back(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..60),
                               order in prop::collection::vec(any::<prop::sample::Index>(), 0..200)) {
            let mut input = Vec::new();
            for at in order.iter().filter(|_| !words.is_empty()) {
                input.extend_from_slice(&words[at.index(words.len())]);
            }
            let block = packed(&input);
            prop_assert_eq!(unpack(&block, input.len(), input.len()), Some(input));
        }

        #[test]
        fn noise_is_refused_or_bounded(block in prop::collection::vec(any::<u8>(), 0..300), length in 0_usize..4_000) {
            if let Some(out) = unpack(&block, length, 4_000) {
                prop_assert_eq!(out.len(), length);
            }
        }
    }
}
