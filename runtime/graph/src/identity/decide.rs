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
use super::model::CERTAIN;
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

/// What the score of a pair is held against: its rivals.
#[derive(Clone, Copy)]
pub struct Rivals<'a> {
    /// The records.
    pub table: &'a Table,
    /// Which pairs are alike.
    pub bonds: &'a Bonds,
    /// By how much it counts that a pair has no rival ([`super::model::Model::known`]).
    pub known: Centibits,
}

/// What decisions are made from.
pub struct Scene<'a> {
    /// The records.
    pub table: &'a Table,
    /// The pairs that are joined unless something forbids it, by their scores against their rivals: what [`Rivals::strong`] gives.
    pub strong: &'a Bonds,
    /// What people decided.
    pub decisions: &'a Decisions,
}

/// One thing: its records, and how they came together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thing {
    /// Its records; the one that it is named after comes first, the others in the order of rows.
    pub members: Vec<Row>,
    /// The score by which each pair of them came together, a pair once, in the order of joining.
    pub joined: Joined,
}

/// Pairs, and the scores by which they came together.
pub type Joined = Vec<(Pair, Centibits)>;

/// What was not joined, and why.
pub type Barred = BTreeMap<Pair, Bar>;

impl Rivals<'_> {
    /// The score of a bonded pair against its best rival, and the rival, if one counts.
    pub fn effective(&self, (a, b): Pair, score: Centibits) -> (Centibits, Option<Row>) {
        if self.table.rules().linkage == Linkage::Many || score >= CERTAIN {
            return (score, None);
        }
        let mut best: Option<(Centibits, Row)> = None;
        for (row, other) in [(a, b), (b, a)] {
            let system = self.table.system(other);
            for (rival, theirs) in self.bonds.of(row) {
                let counts = *rival != other && self.table.system(*rival) == system;
                if counts && best.is_none_or(|(score, _)| *theirs > score) {
                    best = Some((*theirs, *rival));
                }
            }
        }
        let alone = score + self.known;
        best.map_or((alone, None), |(theirs, rival)| (fixed::against(alone, score - theirs), Some(rival)))
    }

    /// The bonded pairs that reach `same` against their best rivals, each by that score.
    pub fn strong(self, same: Centibits) -> Bonds {
        let mut strong = Bonds::default();
        for (pair, score) in self.bonds.pairs() {
            strong.set(pair, Some(self.effective(pair, score).0).filter(|effective| *effective >= same));
        }
        strong
    }
}

impl Scene<'_> {
    /// The rows that hang together with `row` by pairs that could be joined, in order.
    pub fn component(&self, row: Row) -> Vec<Row> {
        let mut found = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            for (other, _) in self.strong.of(row) {
                if found.insert(*other) {
                    open.push(*other);
                }
            }
        }
        found.into_iter().collect()
    }

    /// Makes things of the rows of one component, which ascend.
    pub fn things(&self, rows: &[Row], comparisons: &mut Comparisons) -> (Vec<Thing>, Barred) {
        let ranks = self.ranks(rows);
        let place = |row: Row| rows.binary_search(&row).ok();
        let mut open = Vec::new();
        for (one, row) in rows.iter().enumerate() {
            for (other, effective) in self.strong.of(*row).iter().filter(|(other, _)| other > row) {
                let Some(two) = place(*other) else { continue };
                let (low, high) = (ranks[one].min(ranks[two]), ranks[one].max(ranks[two]));
                open.push((-effective, low, high, one, two));
            }
        }
        open.sort_unstable();
        let mut joining = Joining::new(self, rows);
        for (score, _, _, one, two) in open {
            joining.join((one, two), -score, comparisons);
        }
        joining.finish(&ranks)
    }

    /// The place of each of some rows in the order of their names.
    fn ranks(&self, rows: &[Row]) -> Vec<usize> {
        let mut named: Vec<usize> = (0..rows.len()).collect();
        named.sort_unstable_by_key(|at| self.table.name(rows[*at]));
        let mut ranks = vec![0; rows.len()];
        for (rank, at) in named.into_iter().enumerate() {
            ranks[at] = rank;
        }
        ranks
    }
}

/// Records on their way to becoming things.
struct Joining<'a, 'b> {
    scene: &'b Scene<'a>,
    rows: &'b [Row],
    /// By the place of a row: the place of its thing.
    places: Vec<usize>,
    /// By the place of a row: the places of the rows that came together under it, and the scores by which they did.
    things: Vec<(Vec<usize>, Joined)>,
    barred: Barred,
}

impl<'a, 'b> Joining<'a, 'b> {
    fn new(scene: &'b Scene<'a>, rows: &'b [Row]) -> Self {
        let things = (0..rows.len()).map(|place| (vec![place], Vec::new())).collect();
        Self { scene, rows, places: (0..rows.len()).collect(), things, barred: Barred::new() }
    }

    fn join(&mut self, (one, two): (usize, usize), score: Centibits, comparisons: &mut Comparisons) {
        let (left, right) = (self.places[one], self.places[two]);
        if left == right {
            return;
        }
        if let Some(bar) = self.bar(left, right, score, comparisons) {
            self.barred.insert(pair(self.rows[one], self.rows[two]), bar);
            return;
        }
        let (left, right) = (left.min(right), left.max(right));
        let (gone, more) = std::mem::take(&mut self.things[right]);
        let (kept, joined) = &mut self.things[left];
        for one in kept.iter() {
            joined.extend(gone.iter().map(|other| (pair(self.rows[*one], self.rows[*other]), score)));
        }
        joined.extend(more);
        for row in &gone {
            self.places[*row] = left;
        }
        kept.extend(gone);
    }

    /// What forbids two things to be one.
    fn bar(&self, left: usize, right: usize, score: Centibits, comparisons: &mut Comparisons) -> Option<Bar> {
        let (left, right) = (&self.things[left].0, &self.things[right].0);
        let across = || left.iter().flat_map(|a| right.iter().map(|b| pair(self.rows[*a], self.rows[*b])));
        let (table, decisions) = (self.scene.table, self.scene.decisions);
        if !decisions.different.is_empty() && across().any(|pair| decisions.different.contains(&pair)) {
            return Some(Bar::Decided);
        }
        if score >= DECIDED {
            return None;
        }
        let rules = table.rules();
        if left.len() + right.len() > rules.members_max {
            return Some(Bar::Crowded);
        }
        if rules.linkage == Linkage::OneToOne {
            let taken = |(a, b): &Pair| table.system(*a) == table.system(*b);
            if let Some((a, b)) = across().find(taken) {
                return Some(Bar::Taken(a.min(b)));
            }
        }
        let mut vetoed = |pair: Pair| !decisions.same.contains(&pair) && comparisons.vetoed(table, pair);
        (!rules.vetoes.is_empty() && across().any(&mut vetoed)).then_some(Bar::Veto)
    }

    fn finish(self, ranks: &[usize]) -> (Vec<Thing>, Barred) {
        let mut things = Vec::new();
        for (mut places, joined) in self.things {
            if places.is_empty() {
                continue;
            }
            places.sort_unstable();
            let first = places.iter().zip(0..).min_by_key(|(place, _)| ranks[**place]);
            let first = first.map_or(0, |(_, at)| at);
            places[..=first].rotate_right(1);
            things.push(Thing { members: places.into_iter().map(|at| self.rows[at]).collect(), joined });
        }
        (things, self.barred)
    }
}
