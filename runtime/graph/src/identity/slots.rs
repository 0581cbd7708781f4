//! Numbers by 64-bit keys: a table for looking up, which cannot be gone through.
//!
//! Absent: any way to list what it holds, so that the order of a table never becomes a decision; and removal. Invariant: at
//! most half of the places are taken.

/// Numbers by keys.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    places: Vec<(u64, u32)>,
    taken: usize,
}

/// The number of an empty place.
const EMPTY: u32 = u32::MAX;

/// A hash of `bytes`, the same on any machine; `seed` tells kinds of keys apart. Words of 64 bits are multiplied and folded, and
/// the end is mixed as in `MurmurHash3`.
pub fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x9fb2_1c65_1e98_df25);
        state ^= state >> 29;
    }
    mix(state ^ bytes.len() as u64)
}

/// Spreads the bits of `word`: the end of `MurmurHash3`.
pub fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

impl Slots {
    /// The number under `key`.
    pub fn get(&self, key: u64) -> Option<u32> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = fit(key) & mask;
        loop {
            let (held, number) = self.places[place];
            if number == EMPTY {
                return None;
            }
            if held == key {
                return Some(number);
            }
            place = (place + 1) & mask;
        }
    }

    /// Puts `number` under `key`, in the place of what was there.
    pub fn put(&mut self, key: u64, number: u32) {
        if self.taken * 2 >= self.places.len() {
            self.grow();
        }
        if place(&mut self.places, key, number) {
            self.taken += 1;
        }
    }

    fn grow(&mut self) {
        let mut places = vec![(0, EMPTY); (self.places.len() * 2).max(16)];
        for (key, number) in self.places.drain(..).filter(|(_, number)| *number != EMPTY) {
            place(&mut places, key, number);
        }
        self.places = places;
    }
}

/// Puts a number into places of which one is free; whether it took a free one.
fn place(places: &mut [(u64, u32)], key: u64, number: u32) -> bool {
    let mask = places.len() - 1;
    let mut place = fit(key) & mask;
    while places[place].1 != EMPTY && places[place].0 != key {
        place = (place + 1) & mask;
    }
    let free = places[place].1 == EMPTY;
    places[place] = (key, number);
    free
}

fn fit(key: u64) -> usize {
    usize::try_from(key & 0xffff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_and_nothing_else_is() {
        let mut slots = Slots::default();
        assert_eq!(slots.get(7), None);
        for number in 0..10_000_u32 {
            slots.put(mix(u64::from(number)), number);
        }
        slots.put(mix(3), 77);
        for number in 0..10_000_u32 {
            let expect = if number == 3 { 77 } else { number };
            assert_eq!(slots.get(mix(u64::from(number))), Some(expect));
        }
        assert_eq!(slots.get(mix(10_001)), None);
    }

    #[test]
    fn keys_that_meet_in_one_place_are_told_apart() {
        let mut slots = Slots::default();
        slots.put(1 << 40, 1);
        slots.put(1 << 41, 2);
        assert_eq!((slots.get(1 << 40), slots.get(1 << 41), slots.get(0)), (Some(1), Some(2), None));
    }
}
