//! Columns: many small lines of a snapshot, each kind of what they hold by itself.
//!
//! Lines that differ by little from the one before make a column of nearly the same bytes, which packs to nearly nothing; and a column
//! is read at once, where lines are decoded field by field. Absent: any length that is trusted. A column that does not hold what it should
//! is `None`, and what it stands in is damaged.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The bytes of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column(Vec<u8>);

impl Column {
    /// A column of ids.
    pub fn of_ids(ids: impl Iterator<Item = [u8; 16]>) -> Self {
        Self(ids.flatten().collect())
    }

    /// The ids of a column.
    pub fn ids(&self) -> Option<impl Iterator<Item = [u8; 16]>> {
        let (ids, rest) = self.0.as_chunks::<16>();
        rest.is_empty().then(|| ids.iter().copied())
    }

    /// A column of numbers that have nothing to do with one another.
    pub fn of_numbers(numbers: impl Iterator<Item = u64>) -> Self {
        let mut bytes = Vec::new();
        numbers.for_each(|number| put(&mut bytes, number));
        Self(bytes)
    }

    /// The numbers of a column.
    pub fn numbers(&self) -> Option<Vec<u64>> {
        let (mut numbers, mut rest) = (Vec::with_capacity(self.0.len() / 2), self.0.as_slice());
        while !rest.is_empty() {
            numbers.push(take(&mut rest)?);
        }
        Some(numbers)
    }

    /// A column of numbers of which each is near the one before, in whatever direction.
    pub fn of_near(numbers: impl Iterator<Item = u64>) -> Self {
        let mut before = 0_u64;
        Self::of_numbers(numbers.map(|number| {
            let by = number.wrapping_sub(before).cast_signed();
            before = number;
            // Small in either direction is small: the sign is the lowest bit.
            (by << 1 ^ by >> 63).cast_unsigned()
        }))
    }

    /// The numbers of such a column.
    pub fn near(&self) -> Option<Vec<u64>> {
        let mut numbers = self.numbers()?;
        let mut before = 0_u64;
        for number in &mut numbers {
            let by = (*number >> 1) ^ (*number & 1).wrapping_neg();
            before = before.wrapping_add(by);
            *number = before;
        }
        Some(numbers)
    }
}

/// Appends a number: seven bits a byte, the lowest first (LEB128).
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Column;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a column")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Column, E> {
                Ok(Column(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Column, E> {
                Ok(Column(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_follow_one_another_take_a_byte_each() {
        let places = (0..1_000).map(|at| (7 << 30) + at * 2);
        let column = Column::of_near(places.clone());
        assert!(column.0.len() < 1_010, "{}", column.0.len());
        assert!(column.near().unwrap().into_iter().eq(places));
    }

    #[test]
    fn what_is_cut_short_or_too_large_is_no_column() {
        assert!(Column(vec![0; 17]).ids().is_none());
        assert!(Column(vec![0x80]).numbers().is_none());
        assert!(Column(vec![0xff; 11]).near().is_none());
        let most = Column::of_numbers([u64::MAX].into_iter());
        assert_eq!(most.numbers(), Some(vec![u64::MAX]));
        assert!(Column([&most.0[..9], &[2]].concat()).numbers().is_none(), "more than 64 bits");
    }

    proptest! {
        #[test]
        fn any_numbers_and_ids_come_back(numbers in prop::collection::vec(any::<u64>(), 0..40), ids in prop::collection::vec(any::<[u8; 16]>(), 0..9)) {
            prop_assert_eq!(Column::of_near(numbers.iter().copied()).near(), Some(numbers.clone()));
            prop_assert_eq!(Column::of_numbers(numbers.iter().copied()).numbers(), Some(numbers));
            prop_assert!(Column::of_ids(ids.iter().copied()).ids().unwrap().eq(ids));
        }
    }
}
