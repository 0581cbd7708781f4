//! Which records are compared at all: those that share a key.
//!
//! Absent: weights. Invariants: a pair comes out once, the lower row first, in order; a key that more records share than its
//! block allows makes no pairs, however they came in; two keys are never taken for one but by a hash of 64 bits, which costs
//! a comparison and changes no decision for the worse.

use super::normal;
use super::slots::hash;
use super::table::{Row, Table};
use xops_kernel::identity::{Block, Cut, Part};

/// Two rows, the lower one first.
pub type Pair = (Row, Row);

/// Pairs of `a` and `b` with the lower one first.
pub fn pair(a: Row, b: Row) -> Pair {
    (a.min(b), a.max(b))
}

/// The key of `row` under the block that stands at `place`; none where a part of it is missing.
pub fn key(table: &Table, place: usize, block: &Block, row: Row) -> Option<u64> {
    let mut key = 2 + place as u64;
    for part in &block.parts {
        let text = table.text(row, part.field);
        if text.is_empty() {
            return None;
        }
        key = cut(key, text, part)?;
    }
    Some(key)
}

fn cut(seed: u64, text: &str, part: &Part) -> Option<u64> {
    let front = |count: usize| {
        let end = text.char_indices().nth(count).map_or(text.len(), |(end, _)| end);
        &text.as_bytes()[..end]
    };
    Some(match part.cut {
        Cut::Whole => hash(seed, text.as_bytes()),
        Cut::Front(count) => hash(seed, front(count)),
        Cut::Back(count) => {
            let skipped = text.chars().count().saturating_sub(count);
            let start = text.char_indices().nth(skipped).map_or(text.len(), |(start, _)| start);
            hash(seed, &text.as_bytes()[start..])
        }
        Cut::Sound => hash(seed, &normal::sound(text)),
        Cut::Bag => {
            let mut bytes: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
            bytes.sort_unstable();
            hash(seed, &bytes)
        }
        Cut::Year => hash(seed, text.as_bytes().get(..4)?),
        Cut::MonthDay => {
            let rest = text.as_bytes().get(4..8)?;
            let (one, two) = rest.split_at(2);
            hash(hash(seed, one.min(two)), one.max(two))
        }
    })
}

/// Every pair that shares a key, in order. `across` leaves out pairs of one system.
pub fn pairs(table: &Table, across: bool) -> Vec<Pair> {
    let mut all: Vec<Pair> = Vec::new();
    let mut sorted = 0;
    let rows = u32::try_from(table.len()).unwrap_or(u32::MAX);
    for (place, block) in table.rules().blocks.iter().enumerate() {
        let keyed = (0..rows).filter_map(|row| Some((key(table, place, block, row)?, row)));
        let mut keyed: Vec<(u64, Row)> = keyed.collect();
        keyed.sort_unstable();
        for shared in keyed.chunk_by(|a, b| a.0 == b.0) {
            if shared.len() < 2 || shared.len() > block.at_most {
                continue;
            }
            for (at, (_, a)) in shared.iter().enumerate() {
                let others = shared[at + 1..].iter().map(|(_, b)| *b);
                all.extend(others.filter(|b| !across || !table.is_within(*a, *b)).map(|b| pair(*a, b)));
            }
            // Blocks overlap: without this their pairs would pile up.
            if all.len() > 2 * sorted + (1 << 22) {
                all.sort_unstable();
                all.dedup();
                sorted = all.len();
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}
