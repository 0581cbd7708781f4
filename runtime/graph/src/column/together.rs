//! Together: what outcomes that look at the same inputs want of all that look alike to them.
//!
//! Absent: judgement: what an outcome wants is what `class.rs` was told of it. Invariants: an outcome is asked unless it is for another
//! value than these entities have; wishes ascend, and each is there once, so that those of several groups are joined by merging them.

use super::class::{FIRST, Numbers, OWN, Wanted};
use super::program::Program;
use crate::tuples::Tuples;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use xops_kernel::canon::DigestKey;

/// A wish, and the number of the object that it speaks of.
pub(super) type Wish = (Wanted, u32);

/// Outcomes that look at the same inputs.
#[derive(Clone)]
pub(super) struct Group {
    /// Those inputs, by their places.
    pub(super) inputs: Vec<usize>,
    /// Those outcomes that are not for one value of an input, in order.
    always: Vec<u16>,
    /// The others, by the place of the input, then by its code.
    by_input: BTreeMap<usize, BTreeMap<u32, Vec<u16>>>,
    /// The codes of those inputs that were met.
    pub(super) keys: Tuples,
    /// What is wanted of those who have them.
    pub(super) all: Vec<Together>,
}

/// What the outcomes of a group want.
#[derive(Clone, Default)]
pub(super) struct Together {
    /// The wishes.
    pub(super) wishes: Vec<Wish>,
    /// The outcomes that apply.
    pub(super) outcomes: Vec<u16>,
    /// Whether one of them could not be judged.
    pub(super) doubtful: bool,
}

impl Group {
    /// The outcomes of `program` in groups.
    pub(super) fn all(program: &Program, numbers: &mut Numbers, key: &DigestKey) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (at, part) in program.outcomes.iter().enumerate() {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            let place = groups.iter().position(|group| group.inputs == part.inputs);
            let place = place.unwrap_or_else(|| {
                groups.push(Self::of(&part.inputs, key));
                groups.len() - 1
            });
            match &part.guard {
                None => groups[place].always.push(at),
                Some((input, value)) => {
                    let code = FIRST + numbers.values.number(value, || value.clone());
                    let by_code = groups[place].by_input.entry(*input).or_default();
                    by_code.entry(code).or_default().push(at);
                }
            }
        }
        groups
    }

    fn of(inputs: &[usize], key: &DigestKey) -> Self {
        Self {
            inputs: inputs.to_vec(),
            always: Vec::new(),
            by_input: BTreeMap::new(),
            keys: Tuples::new(inputs.len(), key),
            all: Vec::new(),
        }
    }

    /// The outcomes that have to be judged, in order: not those for entities that have another value at one place than these have.
    pub(super) fn concerned(&self, key: &[u32]) -> Vec<u16> {
        let mut parts = self.always.clone();
        for (input, by_code) in &self.by_input {
            let code = key[*input];
            if (FIRST..OWN).contains(&code) {
                parts.extend(by_code.get(&code).into_iter().flatten());
            } else {
                parts.extend(by_code.values().flatten());
            }
        }
        parts.sort_unstable();
        parts
    }
}

/// Gives both lists to `out` as one.
pub(super) fn merge(one: &[Wish], other: &[Wish], out: &mut Vec<Wish>) {
    out.clear();
    out.reserve(one.len() + other.len());
    let (mut left, mut right) = (one, other);
    while let ([first, ..], [second, ..]) = (left, right) {
        let order = first.cmp(second);
        out.push(if order == Ordering::Greater { *second } else { *first });
        if order != Ordering::Greater {
            left = &left[1..];
        }
        if order != Ordering::Less {
            right = &right[1..];
        }
    }
    out.extend_from_slice(left);
    out.extend_from_slice(right);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &[u32], other: &[u32], expect: &[u32]) {
        let wishes = |facets: &[u32]| -> Vec<Wish> {
            facets.iter().map(|facet| (Wanted { facet: *facet, value: 0 }, 0)).collect()
        };
        let mut out = wishes(&[99]);
        merge(&wishes(one), &wishes(other), &mut out);
        assert_eq!(out, wishes(expect));
    }

    #[test]
    fn merged_wishes_ascend_and_each_is_there_once() {
        check(&[], &[], &[]);
        check(&[1, 3, 5], &[], &[1, 3, 5]);
        check(&[], &[2], &[2]);
        check(&[1, 3, 5], &[1, 2, 5, 7], &[1, 2, 3, 5, 7]);
    }
}
