//! A map for a few entries: a sorted list, as long as what it holds.
//!
//! Absent: a node with room for eleven. A step takes one or two inputs, and there are as many of them in memory as steps in flight.
//! Invariants: keys ascend and differ; it is written and read as an ordered map is, byte for byte. Putting an entry in takes time
//! that grows with their number: for what may hold thousands there is `BTreeMap`.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

/// See the module.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Few<K, V> {
    /// An empty one, which takes no memory of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> Few<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Puts an entry in; the value that its key had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }
}

impl<K: Ord, V> Extend<(K, V)> for Few<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Few<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut few = Self::new();
        few.extend(entries);
        few.0.shrink_to_fit();
        few
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Few<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a Few<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Few<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Few<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = Few<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // A length that was read is no reason to take memory: each entry is there first.
                let mut entries: Vec<(K, V)> = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    if entries.is_empty() {
                        entries
                            .reserve_exact(map.size_hint().map_or(1, |more| more.saturating_add(1).min(16)));
                    }
                    entries.push(entry);
                }
                // What was written is in order; of what was not, the last entry of a key holds, as in an ordered map.
                if entries.is_sorted_by(|one, next| one.0 < next.0) {
                    return Ok(Few(entries));
                }
                entries.sort_by(|one, next| one.0.cmp(&next.0));
                entries.reverse();
                entries.dedup_by(|earlier, later| earlier.0 == later.0);
                entries.reverse();
                Ok(Few(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, MapDeserializer};
    use std::collections::BTreeMap;

    fn check(few: &Few<u8, u16>, map: &BTreeMap<u8, u16>) {
        assert!(few.iter().eq(map.iter()), "{few:?} is not {map:?}");
        assert!(few.keys().eq(map.keys()) && few.values().eq(map.values()));
        assert_eq!((few.len(), few.is_empty()), (map.len(), map.is_empty()));
        for key in 0..=12 {
            assert_eq!((few.get(&key), few.contains_key(&key)), (map.get(&key), map.contains_key(&key)));
        }
    }

    #[test]
    fn it_does_what_an_ordered_map_does_in_every_order_of_five_acts_on_three_keys() {
        for mut acts in 0..6_u32.pow(5) {
            let (mut few, mut map) = (Few::new(), BTreeMap::new());
            for value in 0..5_u16 {
                let (key, puts) = (u8::try_from(acts % 3).unwrap(), acts / 3 % 2 == 0);
                acts /= 6;
                if puts {
                    assert_eq!(few.insert(key, value), map.insert(key, value));
                } else {
                    assert_eq!(few.remove(&key), map.remove(&key));
                }
            }
            check(&few, &map);
            check(&map.clone().into_iter().rev().collect(), &map);
        }
    }

    #[test]
    fn what_is_read_out_of_order_or_twice_is_what_an_ordered_map_reads() {
        let read: [&[(u8, u16)]; 4] =
            [&[], &[(1, 1), (2, 2), (3, 3)], &[(9, 1), (3, 2), (9, 3), (1, 4), (3, 5)], &[(2, 1), (2, 2)]];
        for entries in read {
            let reader = || MapDeserializer::<_, Error>::new(entries.iter().copied());
            check(&Few::deserialize(reader()).unwrap(), &BTreeMap::deserialize(reader()).unwrap());
        }
    }
}
