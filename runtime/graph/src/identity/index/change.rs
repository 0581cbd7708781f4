//! What an event changes: which pairs are weighed anew, and which things are made anew.
//!
//! Absent: anything kept from one event to the next. Invariants: after an event [`Index`]'s strong pairs are what
//! [`Rivals::strong`] makes of its bonds and decisions; a thing is made anew wherever what it follows from has changed; the things
//! that are told to have changed are at least those that did, and those about which something else is asked.
//!
//! The score of a pair against its rivals follows from its own bond, from those of either row to rows of the other's system, and
//! from which of these stand together: from the bonds between them, from what people joined, and from what they kept apart.

use super::Index;
use crate::identity::block::{self, Pair};
use crate::identity::decide::{Bonds, DECIDED, Rivals, Scene};
use crate::identity::model::CERTAIN;
use crate::identity::table::Row;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::id::EntityId;
use xops_kernel::identity::Centibits;

/// What rounding may take from a score that is held against another.
const ROUNDED: Centibits = 4;

/// What an event has changed so far.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The row that comes or goes: every bond that it has in the end came in this event, so that it is weighed anew already.
    row: Option<Row>,
    /// Rows whose things are made anew.
    touched: BTreeSet<Row>,
    /// Pairs that are weighed anew, some of them more than once.
    stale: Vec<Pair>,
    /// Pairs whose bonds changed, with the scores that they had.
    bonds: Vec<(Pair, Option<Centibits>)>,
}

impl Change {
    /// That `row` comes or goes.
    pub(super) fn of(row: Row) -> Self {
        Self { row: Some(row), touched: BTreeSet::from([row]), ..Self::default() }
    }
}

impl Index {
    /// What pairs are weighed by.
    pub(super) fn rivals(&self) -> Rivals<'_> {
        Rivals {
            table: &self.table,
            bonds: &self.bonds,
            decisions: &self.decisions,
            known: self.model.known,
            same: self.model.same,
        }
    }

    /// Pairs that are kept as strong, or as not strong, where their bonds say something else, in order: there are none after any event.
    /// It costs what there is in all; it is for checks.
    pub fn strays(&self) -> Vec<Pair> {
        let strong = self.rivals().strong();
        let odd = |one: &Bonds, other: &Bonds| {
            let odd = one.pairs().filter(|(pair, score)| other.get(*pair) != Some(*score));
            odd.map(|(pair, _)| pair).collect::<BTreeSet<Pair>>()
        };
        odd(&strong, &self.strong).union(&odd(&self.strong, &strong)).copied().collect()
    }

    /// Bonds or unbonds a pair; whatever is weighed against it is to be weighed anew.
    pub(super) fn set(&mut self, pair: Pair, score: Option<Centibits>, change: &mut Change) {
        let before = self.bonds.get(pair);
        if !self.bonds.set(pair, score) {
            return;
        }
        change.bonds.push((pair, before));
        change.stale.push(pair);
        if !self.across() {
            return;
        }
        for (row, other) in [pair, (pair.1, pair.0)] {
            self.stale_of(row, |rival| self.table.system(rival) == self.table.system(other), change);
        }
        if self.table.system(pair.0) == self.table.system(pair.1) {
            // Whether the two stand together: with whom both are bonded.
            for (row, other) in [pair, (pair.1, pair.0)] {
                self.stale_of(row, |near| self.bonds.get(block::pair(near, other)).is_some(), change);
            }
        }
        if before.max(score) >= Some(DECIDED) {
            self.stale_by_decision(pair, change);
        }
    }

    /// Has made and weighed anew what hangs on a pair of which a decision speaks or no longer speaks; what hangs on its bond follows.
    pub(super) fn spoken_of(&self, pair: Pair, change: &mut Change) {
        change.touched.extend([pair.0, pair.1]);
        if self.across() {
            self.stale_of(pair.0, |_| true, change);
            self.stale_of(pair.1, |_| true, change);
        }
    }

    /// Has all bonds of those weighed anew that people joined with either of two rows, and of these two. Decisions are rare.
    fn stale_by_decision(&self, (a, b): Pair, change: &mut Change) {
        let mut near = self.rivals().decided(a);
        near.extend(self.rivals().decided(b));
        for row in near {
            self.stale_of(row, |_| true, change);
        }
    }

    /// Has those bonds of `row` weighed anew whose other row is one of `which`.
    fn stale_of(&self, row: Row, which: impl Fn(Row) -> bool, change: &mut Change) {
        if change.row == Some(row) {
            return;
        }
        let near = self.bonds.of(row).iter().map(|(other, _)| *other);
        change.stale.extend(near.filter(|other| which(*other)).map(|other| block::pair(row, other)));
    }

    /// Weighs anew what is to be weighed, and finds which things may be others by that; the rows of all pairs that were looked at.
    fn reweigh(&mut self, change: &mut Change) -> BTreeSet<Row> {
        change.stale.sort_unstable();
        change.stale.dedup();
        for pair in &change.stale {
            let weighed = self.bonds.get(*pair).map(|score| self.rivals().effective(*pair, score).0);
            if self.strong.set(*pair, weighed.filter(|score| *score >= self.model.same)) {
                change.touched.extend([pair.0, pair.1]);
            }
        }
        for (pair, before) in &change.bonds {
            let best = (*before).max(self.bonds.get(*pair)).unwrap_or(-CERTAIN);
            let is_strong = self.strong.get(*pair).is_some();
            for row in [pair.0, pair.1] {
                if is_strong || !change.touched.contains(&row) && self.could_tear(row, best) {
                    change.touched.insert(row);
                }
            }
        }
        change.stale.iter().flat_map(|pair| [pair.0, pair.1]).collect()
    }

    /// Whether a bond of `row` that is not strong could count for whether it is torn: it is as good as the weakest of its strong
    /// bonds, one of which is within its thing if that has more records.
    fn could_tear(&self, row: Row, score: Centibits) -> bool {
        let scores =
            self.strong.of(row).iter().filter_map(|(other, _)| self.bonds.get(block::pair(row, *other)));
        scores.min().is_some_and(|own| {
            let own = own - ROUNDED;
            score >= own || self.rivals().is_as_good(own, score)
        })
    }

    /// Makes the things anew that touched rows are or were in; the ids of those that changed or are weighed otherwise.
    pub(super) fn settle(&mut self, mut change: Change) -> BTreeSet<EntityId> {
        let looked_at = self.reweigh(&mut change);
        let mut touched = change.touched;
        for row in touched.clone() {
            touched.extend(&self.things[self.first_of[row as usize] as usize]);
        }
        let mut old = BTreeMap::new();
        for row in &touched {
            old.insert(*row, self.first_of[*row as usize]);
        }
        let mut done: BTreeSet<Row> = BTreeSet::new();
        for row in &touched {
            if done.contains(row) {
                continue;
            }
            let rivals = Rivals {
                table: &self.table,
                bonds: &self.bonds,
                decisions: &self.decisions,
                known: self.model.known,
                same: self.model.same,
            };
            let scene = Scene { rivals, strong: &self.strong };
            let component = scene.component(*row);
            for row in &component {
                old.entry(*row).or_insert(self.first_of[*row as usize]);
            }
            let (things, _) = scene.things(&component, &mut self.comparisons);
            done.extend(&component);
            for thing in things {
                self.keep(&thing.members);
            }
        }
        let mut called: BTreeSet<Row> = looked_at.iter().map(|row| self.first_of[*row as usize]).collect();
        for (row, was) in old {
            let first = self.first_of[row as usize];
            if first != was || !self.is_there(row) || touched.contains(&row) && first == row {
                called.extend([first, was]);
            }
        }
        called.into_iter().map(|row| self.id(row)).collect()
    }

    fn keep(&mut self, members: &[Row]) {
        let Some(first) = members.first().copied() else { return };
        for row in members {
            self.things[*row as usize] = Box::default();
            self.first_of[*row as usize] = first;
        }
        if members.len() > 1 {
            self.things[first as usize] = members.into();
        }
    }
}
