//! Random numbers, from a seed and the kind of thing that they are for.
//!
//! Invariants: one sub-seed a kind, so that a new kind of thing does not shift the numbers of the others; integers only.

use rand_core::{RngCore, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A source of numbers for one kind of thing.
#[derive(Clone, Debug)]
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// The numbers that `seed` gives to `kind`: PCG64 MCG seeded with BLAKE3 of both.
    pub fn of(seed: u64, kind: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"xops sim 1").update(&seed.to_le_bytes()).update(kind.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(Pcg64Mcg::from_seed(bytes))
    }

    /// A number below `bound`, by Lemire's multiply-shift without the correction: the bias is below 2^-50 for the small
    /// bounds that are used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A place in a list of `len`.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.below(1000) < u64::from(per_mille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_thing_has_numbers_of_its_own() {
        let first = |seed, kind| Dice::of(seed, kind).below(1 << 40);
        assert_eq!(first(1, "faults"), first(1, "faults"));
        assert_ne!(first(1, "faults"), first(1, "plans"));
        assert_ne!(first(1, "faults"), first(2, "faults"));
    }
}
