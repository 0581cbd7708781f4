//! From scores of pairs to things: which records are of one thing, which are not, and what a person must say.
//!
//! Absent: the order in which records came. Invariants: records are joined in the order of scores and, between equal scores, of
//! names; what a person, a veto or the linkage forbids is never joined, not even by way of a third record; a pair that is as
//! good as another that excludes it is asked about, never guessed.
//!
//! Where a system knows a thing once, a pair is weighed against its best rival: another record of the same system that could
//! stand in the place of either. Joining is that of Kruskal (1956) under these constraints.

use super::block::{Pair, pair};
use super::compare::Comparisons;
use super::fixed;
use super::model::{self, CERTAIN};
use super::table::{Row, Table};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::identity::{Centibits, Linkage};

/// The score of a pair that a person joined.
pub const DECIDED: Centibits = CERTAIN + 1;

/// One of the three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// They are of one thing.
    Same,
    /// A person must say.
    Review,
    /// They are not.
    Different,
}

impl Answer {
    /// Its word in results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Review => "review",
            Self::Different => "different",
        }
    }
}

/// Why two records were not joined although they are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bar {
    /// A person said so, of them or of two that they would bring together.
    Decided,
    /// A veto holds, for them or for two that they would bring together.
    Veto,
    /// A system would have two records of one thing: this one has the place.
    Taken(Row),
    /// The thing would have more records than the rules allow.
    Crowded,
    /// A rival is nearly as good.
    Rival(Row),
    /// The score is not enough.
    Weak,
}

/// Pairs that are alike, each under both of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bonds {
    of: Vec<Vec<(Row, Centibits)>>,
}

impl Bonds {
    /// The bonds of `row`, in the order of rows.
    pub fn of(&self, row: Row) -> &[(Row, Centibits)] {
        self.of.get(row as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// The score of a pair, if it is bonded.
    pub fn get(&self, (a, b): Pair) -> Option<Centibits> {
        // By the row that came last: it is the one at hand.
        let bonds = self.of(a.max(b));
        bonds.binary_search_by_key(&a.min(b), |(row, _)| *row).ok().map(|place| bonds[place].1)
    }

    /// Bonds a pair or takes its bond away; whether that changed anything.
    pub fn set(&mut self, (a, b): Pair, score: Option<Centibits>) -> bool {
        if self.get((a, b)) == score {
            return false;
        }
        let rows = a.max(b) as usize + 1;
        if self.of.len() < rows {
            self.of.resize_with(rows, Vec::new);
        }
        for (row, other) in [(a, b), (b, a)] {
            let bonds = &mut self.of[row as usize];
            match (bonds.binary_search_by_key(&other, |(row, _)| *row), score) {
                (Ok(place), Some(score)) => bonds[place].1 = score,
                (Ok(place), None) => drop(bonds.remove(place)),
                (Err(place), Some(score)) => bonds.insert(place, (other, score)),
                (Err(_), None) => {}
            }
        }
        true
    }

    /// Every pair with its score, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (Pair, Centibits)> {
        let rows = self.of.iter().zip(0_u32..);
        rows.flat_map(|(bonds, row)| {
            bonds
                .iter()
                .filter(move |(other, _)| *other > row)
                .map(move |(other, score)| ((row, *other), *score))
        })
    }
}

/// What people decided, by rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Pairs that are the same.
    pub same: BTreeSet<Pair>,
    /// Pairs that are not.
    pub different: BTreeSet<Pair>,
}

/// What decisions are made from.
pub struct Scene<'a> {
    /// The records.
    pub table: &'a Table,
    /// Which pairs are alike.
    pub bonds: &'a Bonds,
    /// What people decided.
    pub decisions: &'a Decisions,
    /// By how much it counts that a pair has no rival ([`super::model::Model::known`]).
    pub known: Centibits,
    /// From this score on records are joined ([`super::model::Model::same`]).
    pub same: Centibits,
}

/// One thing: its records, and how they came together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thing {
    /// Its records; the one that it is named after comes first, the others in the order of rows.
    pub members: Vec<Row>,
    /// The score by which each pair of them came together.
    pub joined: BTreeMap<Pair, Centibits>,
}

/// What was not joined, and why.
pub type Barred = BTreeMap<Pair, Bar>;

impl Scene<'_> {
    /// The score of a bonded pair against its best rival, and the rival, if one counts.
    pub fn effective(&self, (a, b): Pair, score: Centibits) -> (Centibits, Option<Row>) {
        if self.table.rules().linkage == Linkage::Many || score >= CERTAIN {
            return (score, None);
        }
        let mut best: Option<(Centibits, Row)> = None;
        for (row, other) in [(a, b), (b, a)] {
            for (rival, theirs) in self.bonds.of(row) {
                let counts = *rival != other
                    && self.table.system(*rival) == self.table.system(other)
                    && !self.stand_together(*rival, other);
                // Of equal ones the first by name: rows are in the order of coming.
                let better = |(score, held): (Centibits, Row)| {
                    *theirs > score || *theirs == score && self.table.name(*rival) < self.table.name(held)
                };
                if counts && best.is_none_or(better) {
                    best = Some((*theirs, *rival));
                }
            }
        }
        let alone = score + self.known;
        best.map_or((alone, None), |(theirs, rival)| (fixed::against(alone, score - theirs), Some(rival)))
    }

    /// Whether two rows of one system stand beside one another, and neither in the other's place: where the system may know a thing
    /// more than once and they are alike enough, or where people joined them, be it by way of others.
    fn stand_together(&self, a: Row, b: Row) -> bool {
        let alike = || self.bonds.get(pair(a, b)).is_some_and(|score| score >= self.same);
        if !self.table.is_within(a, b) && alike() && !self.decisions.different.contains(&pair(a, b)) {
            return true;
        }
        let decided = |row: Row| {
            self.bonds.of(row).iter().filter(|(_, score)| *score >= DECIDED).map(|(other, _)| *other)
        };
        let mut found = BTreeSet::from([a]);
        let mut open = vec![a];
        while let Some(row) = open.pop() {
            open.extend(decided(row).filter(|other| found.insert(*other)));
        }
        found.contains(&b)
    }

    /// Whether a bonded pair is joined unless something forbids it.
    fn is_strong(&self, pair: Pair, score: Centibits) -> bool {
        self.effective(pair, score).0 >= self.same
    }

    /// The rows that hang together with `row` by pairs that could be joined.
    pub fn component(&self, row: Row) -> BTreeSet<Row> {
        let mut found = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            for (other, score) in self.bonds.of(row) {
                if !found.contains(other) && self.is_strong(pair(row, *other), *score) {
                    found.insert(*other);
                    open.push(*other);
                }
            }
        }
        found
    }

    /// Makes things of the rows of one component.
    pub fn things(&self, rows: &BTreeSet<Row>, comparisons: &mut Comparisons) -> (Vec<Thing>, Barred) {
        let mut open = Vec::new();
        for row in rows {
            for (other, score) in self.bonds.of(*row).iter().filter(|(other, _)| other > row) {
                if rows.contains(other) && self.is_strong((*row, *other), *score) {
                    let effective = self.effective((*row, *other), *score).0;
                    let (one, two) = (self.table.name(*row), self.table.name(*other));
                    open.push((-effective, one.min(two), one.max(two), (*row, *other)));
                }
            }
        }
        open.sort();
        let mut open: Vec<(Centibits, Pair)> =
            open.into_iter().map(|(score, _, _, pair)| (-score, pair)).collect();
        let (things, barred) = self.joined(rows, &open, comparisons);
        let torn = self.torn(&open, &things, &barred);
        if torn.is_empty() {
            return (things, barred);
        }
        // Whoever is torn belongs to neither until a person says so.
        let whole = |(a, b): &Pair| !torn.contains(a) && !torn.contains(b);
        open.retain(|(score, pair)| *score >= DECIDED || whole(pair));
        self.joined(rows, &open, comparisons)
    }

    /// Joins rows along pairs, which come in the order of scores.
    fn joined(
        &self,
        rows: &BTreeSet<Row>,
        open: &[(Centibits, Pair)],
        comparisons: &mut Comparisons,
    ) -> (Vec<Thing>, Barred) {
        let mut joining = Joining::new(self, rows);
        for (score, pair) in open {
            joining.join(*pair, *score, comparisons);
        }
        joining.finish()
    }

    /// The rows that are nearly as good in another thing, which theirs excludes: where they came to lie is chance.
    fn torn(&self, open: &[(Centibits, Pair)], things: &[Thing], barred: &Barred) -> BTreeSet<Row> {
        let mut torn = BTreeSet::new();
        let members = things.iter().zip(0_usize..);
        let place: BTreeMap<Row, usize> =
            members.flat_map(|(thing, place)| thing.members.iter().map(move |row| (*row, place))).collect();
        // A pair that was strong enough and was kept apart.
        let kept_apart: BTreeSet<Pair> = open
            .iter()
            .map(|(_, pair)| *pair)
            .filter(|pair| barred.contains_key(pair) && !self.decisions.different.contains(pair))
            .collect();
        for thing in things.iter().filter(|thing| thing.members.len() > 1) {
            for row in &thing.members {
                let bonds = self.bonds.of(*row);
                let is_inside = |other: &Row| place.get(other) == place.get(row);
                let inside = bonds.iter().filter(|(other, _)| is_inside(other)).map(|(_, score)| *score);
                let Some(own) = inside.max().filter(|own| *own < CERTAIN) else { continue };
                let as_good = |score: Centibits| fixed::against(own + self.known, own - score) < self.same;
                let elsewhere = bonds.iter().filter(|(other, score)| !is_inside(other) && as_good(*score));
                let mut elsewhere = elsewhere.map(|(other, _)| *other);
                if elsewhere.any(|other| {
                    kept_apart.contains(&pair(*row, other)) || self.is_other(*row, &thing.members, other)
                }) {
                    torn.insert(*row);
                }
            }
        }
        torn
    }

    /// Whether `other`, which may be of `row`, cannot be of another of the thing in which `row` is.
    fn is_other(&self, row: Row, members: &[Row], other: Row) -> bool {
        members.iter().filter(|member| **member != row).any(|member| {
            let pair = pair(*member, other);
            self.table.excludes(*member, other) || self.decisions.different.contains(&pair)
        })
    }
}

/// Records on their way to becoming things.
struct Joining<'a, 'b> {
    scene: &'b Scene<'a>,
    places: BTreeMap<Row, usize>,
    things: Vec<Thing>,
    barred: Barred,
}

impl<'a, 'b> Joining<'a, 'b> {
    fn new(scene: &'b Scene<'a>, rows: &BTreeSet<Row>) -> Self {
        let places = rows.iter().zip(0..).map(|(row, place)| (*row, place)).collect();
        let things = rows.iter().map(|row| Thing { members: vec![*row], joined: BTreeMap::new() }).collect();
        Self { scene, places, things, barred: Barred::new() }
    }

    fn join(&mut self, (a, b): Pair, score: Centibits, comparisons: &mut Comparisons) {
        let (left, right) = (self.places[&a], self.places[&b]);
        if left == right {
            return;
        }
        if let Some(bar) = self.bar(left, right, score, comparisons) {
            self.barred.insert((a, b), bar);
            return;
        }
        let (left, right) = (left.min(right), left.max(right));
        let gone = std::mem::take(&mut self.things[right]);
        let kept = &mut self.things[left];
        for one in &kept.members {
            for other in &gone.members {
                kept.joined.insert(pair(*one, *other), score);
            }
        }
        kept.joined.extend(gone.joined);
        for row in &gone.members {
            self.places.insert(*row, left);
        }
        kept.members.extend(gone.members);
    }

    /// What forbids two things to be one.
    fn bar(&self, left: usize, right: usize, score: Centibits, comparisons: &mut Comparisons) -> Option<Bar> {
        let (left, right) = (&self.things[left].members, &self.things[right].members);
        let across = || left.iter().flat_map(|a| right.iter().map(|b| pair(*a, *b)));
        let scene = self.scene;
        if across().any(|pair| scene.decisions.different.contains(&pair)) {
            return Some(Bar::Decided);
        }
        if score >= DECIDED {
            return None;
        }
        let rules = scene.table.rules();
        if left.len() + right.len() > rules.members_max {
            return Some(Bar::Crowded);
        }
        if rules.linkage == Linkage::OneToOne {
            let taken = |(a, b): &Pair| scene.table.excludes(*a, *b);
            if let Some((a, b)) = across().find(taken) {
                return Some(Bar::Taken(a.min(b)));
            }
        }
        let vetoed = |pair: Pair| {
            !scene.decisions.same.contains(&pair)
                && model::vetoed(rules, &comparisons.levels(scene.table, pair.0, pair.1)).is_some()
        };
        (!rules.vetoes.is_empty() && across().any(vetoed)).then_some(Bar::Veto)
    }

    fn finish(self) -> (Vec<Thing>, Barred) {
        let mut things: Vec<Thing> =
            self.things.into_iter().filter(|thing| !thing.members.is_empty()).collect();
        for thing in &mut things {
            thing.members.sort_unstable();
            let first = thing.members.iter().zip(0..).min_by_key(|(row, _)| self.scene.table.name(**row));
            let place = first.map_or(0, |(_, place)| place);
            thing.members[..=place].rotate_right(1);
        }
        (things, self.barred)
    }
}
