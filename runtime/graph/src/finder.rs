//! Finding by text: a map that answers in one probe or two, however much there is in it.
//!
//! Absent: iteration, so that the order of hashes can decide nothing; who needs an order keeps one beside it. Invariants: the hash
//! is keyed by the tenant's key, so that texts that meet in it are hard to choose for whoever writes into a system of record; at
//! most three quarters of the slots are taken, so that looking ends.
//!
//! Open addressing with linear probing; what is taken out is filled from behind (Knuth, The Art of Computer Programming 3,
//! algorithm 6.4R), so that nothing is left that slows the next look.

use crate::intern::{hash_of, seed};
use xops_kernel::canon::DigestKey;

/// A map from texts.
#[derive(Clone)]
pub(crate) struct Finder<V> {
    seed: u64,
    /// The place of an entry and one, or nothing; a power of two of them.
    slots: Vec<u32>,
    entries: Vec<Entry<V>>,
}

#[derive(Clone)]
struct Entry<V> {
    hash: u64,
    text: Box<str>,
    value: V,
}

impl<V> Finder<V> {
    /// Empty, under the tenant's key.
    pub(crate) fn new(key: &DigestKey) -> Self {
        Self { seed: seed(key), slots: vec![0; 8], entries: Vec::new() }
    }

    /// What stands under `text`.
    pub(crate) fn get(&self, text: &str) -> Option<&V> {
        let at = self.find(hash_of(self.seed, text), text).ok()?;
        Some(&self.entries[self.slots[at] as usize - 1].value)
    }

    /// What stands under `text`, made by `make` if nothing does.
    pub(crate) fn or_insert(&mut self, text: &str, make: impl FnOnce() -> V) -> &mut V {
        let hash = hash_of(self.seed, text);
        let place = match self.find(hash, text) {
            Ok(slot) => self.slots[slot] as usize - 1,
            Err(slot) => {
                let place = self.entries.len();
                assert!(place < u32::MAX as usize / 2, "a table has fewer than 2^31 different texts");
                self.entries.push(Entry { hash, text: text.into(), value: make() });
                self.slots[slot] = u32::try_from(place + 1).unwrap_or(u32::MAX);
                if self.entries.len() * 4 > self.slots.len() * 3 {
                    self.grow();
                }
                place
            }
        };
        &mut self.entries[place].value
    }

    /// What stands under `text`, to be changed.
    pub(crate) fn get_mut(&mut self, text: &str) -> Option<&mut V> {
        let at = self.find(hash_of(self.seed, text), text).ok()?;
        Some(&mut self.entries[self.slots[at] as usize - 1].value)
    }

    /// Takes out what stands under `text`.
    pub(crate) fn remove(&mut self, text: &str) -> Option<V> {
        let slot = self.find(hash_of(self.seed, text), text).ok()?;
        let place = self.slots[slot] as usize - 1;
        self.close(slot);
        let gone = self.entries.swap_remove(place);
        // The last entry stands in the place of the one that is gone now.
        if let Some(moved) = self.entries.get(place) {
            let was = u32::try_from(self.entries.len() + 1).unwrap_or(u32::MAX);
            let mut at = self.home(moved.hash);
            while self.slots[at] != was {
                at = self.next(at);
            }
            self.slots[at] = u32::try_from(place + 1).unwrap_or(u32::MAX);
        }
        Some(gone.value)
    }

    /// Everything with its text, in the order of texts: for people, and for what must not hang on hashes.
    pub(crate) fn sorted(&self) -> Vec<(&str, &V)> {
        let mut all: Vec<(&str, &V)> =
            self.entries.iter().map(|entry| (&*entry.text, &entry.value)).collect();
        all.sort_unstable_by_key(|(text, _)| *text);
        all
    }

    /// The slot of `text`, or the free one where it belongs.
    fn find(&self, hash: u64, text: &str) -> Result<usize, usize> {
        let mut slot = self.home(hash);
        while let Some(at) = self.slots[slot].checked_sub(1) {
            let entry = &self.entries[at as usize];
            if entry.hash == hash && *entry.text == *text {
                return Ok(slot);
            }
            slot = self.next(slot);
        }
        Err(slot)
    }

    /// Frees a slot and moves back whoever would not be found past it any more.
    fn close(&mut self, mut free: usize) {
        let mut at = free;
        loop {
            at = self.next(at);
            let Some(place) = self.slots[at].checked_sub(1) else { break };
            let home = self.home(self.entries[place as usize].hash);
            let mask = self.slots.len() - 1;
            // Whether `home` lies after `free` on the way to `at`: then it is found without passing `free`.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(free) & mask {
                self.slots[free] = self.slots[at];
                free = at;
            }
        }
        self.slots[free] = 0;
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for (place, entry) in (1_u32..).zip(&self.entries) {
            let mut slot = usize::try_from(entry.hash & (self.slots.len() as u64 - 1)).unwrap_or(0);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = place;
        }
    }

    fn home(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }

    fn next(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_an_ordered_map_holds(steps in proptest::collection::vec((0..40_u8, 0..3_u8, 0..9_u8), 0..200)) {
            let mut finder = Finder::new(&DigestKey([5; 32]));
            let mut plain: BTreeMap<String, u8> = BTreeMap::new();
            for (key, what, value) in steps {
                let text = format!("text {key}");
                match what {
                    0 => prop_assert_eq!(finder.remove(&text), plain.remove(&text)),
                    1 => {
                        let held = *finder.or_insert(&text, || value);
                        prop_assert_eq!(held, *plain.entry(text).or_insert(value));
                    }
                    _ => {
                        if let Some(held) = finder.get_mut(&text) {
                            *held = value;
                        }
                        plain.entry(text).and_modify(|held| *held = value);
                    }
                }
                for key in 0..40 {
                    let text = format!("text {key}");
                    prop_assert_eq!(finder.get(&text), plain.get(&text));
                }
                let sorted: Vec<(String, u8)> =
                    finder.sorted().into_iter().map(|(text, value)| (text.to_owned(), *value)).collect();
                prop_assert_eq!(sorted, plain.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }
}
