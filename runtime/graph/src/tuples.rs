//! Tuples: rows of numbers of one width, interned in one piece.
//!
//! Absent: a piece of memory for each of them: looking one up waits for memory once and not once more for its numbers, and forgetting all
//! of them frees nothing, so that whoever fills it again is given no new pages. Invariants: those of [`crate::intern`].

use crate::intern::{NUMBERS_MAX, hash_of, seed};
use xops_kernel::canon::DigestKey;

/// Tuples with their numbers.
#[derive(Clone)]
pub(crate) struct Tuples {
    seed: u64,
    width: usize,
    /// Their numbers, tuple by tuple.
    items: Vec<u32>,
    hashes: Vec<u64>,
    /// Open addressing: a number and one, or nothing; a power of two of them, at most three quarters taken.
    slots: Vec<u32>,
}

impl Tuples {
    /// None yet, of `width` numbers each, under the tenant's key.
    pub(crate) fn new(width: usize, key: &DigestKey) -> Self {
        Self { seed: seed(key), width, items: Vec::new(), hashes: Vec::new(), slots: vec![0; 16] }
    }

    /// The number of a tuple, which gets the next one if it has none.
    pub(crate) fn number(&mut self, item: &[u32]) -> u32 {
        assert!(item.len() == self.width, "all tuples have one width");
        let hash = hash_of(self.seed, item);
        let slot = match self.find(hash, item) {
            Ok(number) => return number,
            Err(slot) => slot,
        };
        assert!(self.hashes.len() < NUMBERS_MAX, "a tenant has at most 2^30 different tuples of a sort");
        self.items.extend_from_slice(item);
        self.hashes.push(hash);
        let number = u32::try_from(self.hashes.len()).unwrap_or(u32::MAX);
        self.slots[slot] = number;
        if self.hashes.len() * 4 > self.slots.len() * 3 {
            self.grow();
        }
        number - 1
    }

    /// The number of a tuple, if it has one.
    pub(crate) fn known(&self, item: &[u32]) -> Option<u32> {
        self.find(hash_of(self.seed, item), item).ok()
    }

    /// Forgets all of them, and keeps their room.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.hashes.clear();
        self.slots.fill(0);
    }

    fn find(&self, hash: u64, item: &[u32]) -> Result<u32, usize> {
        let mut slot = self.slot_of(hash);
        while let Some(at) = self.slots[slot].checked_sub(1) {
            let from = at as usize * self.width;
            if self.hashes[at as usize] == hash && self.items[from..from + self.width] == *item {
                return Ok(at);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        Err(slot)
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for number in 1..=self.hashes.len() {
            let mut slot = self.slot_of(self.hashes[number - 1]);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = u32::try_from(number).unwrap_or(u32::MAX);
        }
    }

    fn slot_of(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: usize, of: impl Fn(u32) -> Vec<u32>) {
        let mut tuples = Tuples::new(width, &DigestKey([7; 32]));
        for _ in 0..2 {
            let numbers: Vec<u32> = (0..1_000).map(|at| tuples.number(&of(at))).collect();
            assert_eq!(numbers, (0..1_000).collect::<Vec<u32>>());
            assert_eq!(
                (tuples.number(&of(7)), tuples.known(&of(999)), tuples.known(&of(1_000))),
                (7, Some(999), None)
            );
            tuples.clear();
            assert_eq!(tuples.known(&of(7)), None);
        }
    }

    #[test]
    fn equal_tuples_have_one_number_and_others_their_own_also_after_all_are_forgotten() {
        check(1, |at| vec![at]);
        check(3, |at| vec![at / 100, at % 100, 1]);
    }

    #[test]
    fn there_is_one_tuple_without_numbers() {
        let mut tuples = Tuples::new(0, &DigestKey([7; 32]));
        assert_eq!(
            (tuples.known(&[]), tuples.number(&[]), tuples.number(&[]), tuples.known(&[])),
            (None, 0, 0, Some(0))
        );
    }
}
