//! Interning: equal things get one number, so that comparing them is comparing numbers.
//!
//! Absent: iteration in the order of hashes, and numbers in anything that is hashed or shown: they follow the order of
//! arrival. Invariants: two things have one number exactly if they are equal; the hash is keyed by the tenant's key, so that
//! values that meet in it are hard to choose for whoever writes into a system of record; a number is never given twice.

use std::hash::{Hash, Hasher};
use xops_kernel::canon::DigestKey;

/// How many things of a sort may have numbers: two bits of each number are left for what it stands beside.
pub(crate) const NUMBERS_MAX: usize = 1 << 30;

/// Things of one sort with their numbers.
#[derive(Clone)]
pub(crate) struct Interner<T> {
    seed: u64,
    items: Vec<T>,
    hashes: Vec<u64>,
    /// Open addressing: a number and one, or nothing; a power of two of them, at most three quarters taken.
    slots: Vec<u32>,
}

impl<T: Hash + Eq> Interner<T> {
    /// None yet, under the tenant's key.
    pub(crate) fn new(key: &DigestKey) -> Self {
        Self { seed: seed(key), items: Vec::new(), hashes: Vec::new(), slots: vec![0; 16] }
    }

    /// The number of `item`, which gets one from `own` if it has none.
    pub(crate) fn number<Q>(&mut self, item: &Q, own: impl FnOnce() -> T) -> u32
    where
        Q: Hash + ?Sized,
        T: PartialEq<Q>,
    {
        let hash = self.hash(item);
        let slot = match self.find(hash, item) {
            Ok(number) => return number,
            Err(slot) => slot,
        };
        assert!(self.items.len() < NUMBERS_MAX, "a tenant has at most 2^30 different values of a sort");
        self.items.push(own());
        self.hashes.push(hash);
        let number = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.slots[slot] = number;
        if self.items.len() * 4 > self.slots.len() * 3 {
            self.grow();
        }
        number - 1
    }

    /// The number of `item`, if it has one.
    pub(crate) fn known<Q>(&self, item: &Q) -> Option<u32>
    where
        Q: Hash + ?Sized,
        T: PartialEq<Q>,
    {
        self.find(self.hash(item), item).ok()
    }

    /// The number of `item`, or the free slot where it belongs.
    fn find<Q>(&self, hash: u64, item: &Q) -> Result<u32, usize>
    where
        Q: ?Sized,
        T: PartialEq<Q>,
    {
        let mut slot = self.slot_of(hash);
        while let Some(at) = self.slots[slot].checked_sub(1) {
            if self.hashes[at as usize] == hash && self.items[at as usize] == *item {
                return Ok(at);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        Err(slot)
    }

    /// What has the number `at`.
    pub(crate) fn get(&self, at: u32) -> &T {
        &self.items[at as usize]
    }

    /// All of them, by their numbers.
    pub(crate) fn list(self) -> Vec<T> {
        self.items
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    fn hash<Q: Hash + ?Sized>(&self, item: &Q) -> u64 {
        hash_of(self.seed, item)
    }

    fn slot_of(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        let mask = slots.len() as u64 - 1;
        for (number, hash) in (1_u32..).zip(&self.hashes) {
            let mut slot = usize::try_from(hash & mask).unwrap_or(0);
            while slots[slot] != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = number;
        }
        self.slots = slots;
    }
}

/// Eight bytes of the key: the hash must differ from tenant to tenant, and is never shown.
fn seed_of(key: &DigestKey) -> [u8; 8] {
    let mut seed = [0_u8; 8];
    for (at, byte) in key.0.iter().enumerate() {
        seed[at % 8] = seed[at % 8].rotate_left(3) ^ byte;
    }
    seed
}

/// The keyed hash of `item`.
pub(crate) fn hash_of<Q: Hash + ?Sized>(seed: u64, item: &Q) -> u64 {
    let mut mix = Mix { state: seed, seed };
    item.hash(&mut mix);
    mix.finish()
}

/// The seed that the tenant's key gives.
pub(crate) fn seed(key: &DigestKey) -> u64 {
    u64::from_le_bytes(seed_of(key))
}

/// A hash by folded multiplication (the step of wyhash, Wang Yi 2019), keyed by its seed.
struct Mix {
    state: u64,
    seed: u64,
}

impl Mix {
    fn fold(&mut self, word: u64) {
        let wide =
            u128::from(self.state ^ word ^ 0x9e37_79b9_7f4a_7c15) * u128::from(self.seed | 0x8000_0001);
        let bytes = wide.to_le_bytes();
        let half = |from: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(half)
        };
        self.state = (half(0) ^ half(8)).rotate_left(23);
    }
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        let mut last = Self { state: self.state, seed: self.seed.rotate_left(32) };
        last.fold(0xa076_1d64_78bd_642f);
        last.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        self.fold(u64::from_le_bytes(word) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte) | 0x100);
    }

    fn write_u32(&mut self, word: u32) {
        self.fold(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::value::Value;

    #[test]
    fn equal_things_have_one_number_and_others_their_own() {
        let mut interner: Interner<Value> = Interner::new(&DigestKey([7; 32]));
        let value = |at: i64| if at % 2 == 0 { Value::Int(at) } else { Value::from(format!("text {at}")) };
        let numbers: Vec<u32> = (0..1_000).map(|at| interner.number(&value(at), || value(at))).collect();
        assert_eq!(numbers, (0..1_000).collect::<Vec<u32>>());
        for (at, number) in (0..1_000).zip(&numbers) {
            assert_eq!(interner.number(&value(at), || panic!("it has a number")), *number);
        }
        assert_eq!((interner.len(), interner.get(7)), (1_000, &value(7)));
    }
}
