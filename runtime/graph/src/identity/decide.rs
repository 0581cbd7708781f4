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
    /// What people decided.
    pub decisions: &'a Decisions,
    /// By how much it counts that a pair has no rival ([`super::model::Model::known`]).
    pub known: Centibits,
    /// From this score on records are joined ([`super::model::Model::same`]).
    pub same: Centibits,
}

/// What things are made from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The records, their bonds and what people decided.
    pub rivals: Rivals<'a>,
    /// The pairs that are joined unless something forbids it, by their scores against their rivals: what [`Rivals::strong`] gives.
    pub strong: &'a Bonds,
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

/// Two rows by their places among the rows of a component, and the score by which they may come together.
type Open = (Centibits, usize, usize);

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
                // Of equal ones the first by name: rows are in the order of coming.
                let better = |(score, held): (Centibits, Row)| {
                    *theirs > score || *theirs == score && self.table.name(*rival) < self.table.name(held)
                };
                let counts = *rival != other
                    && self.table.system(*rival) == system
                    && best.is_none_or(better)
                    && !self.stand_together(*rival, other);
                if counts {
                    best = Some((*theirs, *rival));
                }
            }
        }
        let alone = score + self.known;
        best.map_or((alone, None), |(theirs, rival)| (fixed::against(alone, score - theirs), Some(rival)))
    }

    /// The bonded pairs that reach `same` against their best rivals, each by that score.
    pub fn strong(self) -> Bonds {
        let mut strong = Bonds::default();
        for (pair, score) in self.bonds.pairs() {
            strong.set(pair, Some(self.effective(pair, score).0).filter(|effective| *effective >= self.same));
        }
        strong
    }

    /// The rows that people joined with `row`, be it by way of others, and itself.
    pub fn decided(&self, row: Row) -> BTreeSet<Row> {
        let mut found = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            let bonds = self.bonds.of(row).iter().filter(|(_, score)| *score >= DECIDED);
            open.extend(bonds.map(|(other, _)| *other).filter(|other| found.insert(*other)));
        }
        found
    }

    /// Whether a row that is bonded to another by `own` within a thing is nearly as good by `score` elsewhere. The lower `own` is, the
    /// more is as good.
    pub fn is_as_good(&self, own: Centibits, score: Centibits) -> bool {
        fixed::against(own + self.known, own - score) < self.same
    }

    /// Whether two rows of one system stand beside one another, and neither in the other's place: where the system may know a thing
    /// more than once and they are alike enough, or where people joined them, be it by way of others.
    fn stand_together(&self, a: Row, b: Row) -> bool {
        let alike = || self.bonds.get(pair(a, b)).is_some_and(|score| score >= self.same);
        if !self.table.is_within(a, b) && alike() && !self.decisions.different.contains(&pair(a, b)) {
            return true;
        }
        !self.decisions.same.is_empty() && self.decided(a).contains(&b)
    }
}

impl Scene<'_> {
    /// The rows that hang together with `row` by pairs that could be joined, in order.
    pub fn component(&self, row: Row) -> Vec<Row> {
        if self.strong.of(row).is_empty() {
            return vec![row];
        }
        let mut found = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            open.extend(self.strong.of(row).iter().map(|(other, _)| *other).filter(|it| found.insert(*it)));
        }
        found.into_iter().collect()
    }

    /// Makes things of the rows of one component, which ascend.
    pub fn things(&self, rows: &[Row], comparisons: &mut Comparisons) -> (Vec<Thing>, Barred) {
        if let [row] = rows {
            return (vec![Thing { members: vec![*row], joined: Vec::new() }], Barred::new());
        }
        let ranks = self.ranks(rows);
        let mut open = self.open(rows, &ranks);
        let (things, barred) = self.joined(rows, &ranks, &open, comparisons);
        let torn = self.torn(rows, &things, &barred);
        if torn.is_empty() {
            return (things, barred);
        }
        // Whoever is torn belongs to neither until a person says so.
        let is_whole = |at: usize| !torn.contains(&rows[at]);
        open.retain(|(score, one, two)| *score >= DECIDED || is_whole(*one) && is_whole(*two));
        self.joined(rows, &ranks, &open, comparisons)
    }

    /// The pairs of some rows that could be joined, the best first and then by names.
    fn open(&self, rows: &[Row], ranks: &[usize]) -> Vec<Open> {
        let mut open = Vec::new();
        for (one, row) in rows.iter().enumerate() {
            for (other, effective) in self.strong.of(*row).iter().filter(|(other, _)| other > row) {
                let Ok(two) = rows.binary_search(other) else { continue };
                let (low, high) = (ranks[one].min(ranks[two]), ranks[one].max(ranks[two]));
                open.push((-effective, low, high, one, two));
            }
        }
        open.sort_unstable();
        open.into_iter().map(|(score, _, _, one, two)| (-score, one, two)).collect()
    }

    /// The place of each of some rows in the order of their names.
    fn ranks(&self, rows: &[Row]) -> Vec<usize> {
        let mut named: Vec<usize> = (0..rows.len()).collect();
        named.sort_unstable_by_key(|at| self.rivals.table.name(rows[*at]));
        let mut ranks = vec![0; rows.len()];
        for (rank, at) in named.into_iter().enumerate() {
            ranks[at] = rank;
        }
        ranks
    }

    /// Joins rows along pairs, which come in the order of scores.
    fn joined(
        &self,
        rows: &[Row],
        ranks: &[usize],
        open: &[Open],
        comparisons: &mut Comparisons,
    ) -> (Vec<Thing>, Barred) {
        let mut joining = Joining::new(self.rivals, rows);
        for (score, one, two) in open {
            joining.join((*one, *two), *score, comparisons);
        }
        joining.finish(ranks)
    }

    /// The rows that are nearly as good in another thing, which theirs excludes: where they came to lie is chance.
    fn torn(&self, rows: &[Row], things: &[Thing], barred: &Barred) -> BTreeSet<Row> {
        let (bonds, decisions) = (self.rivals.bonds, self.rivals.decisions);
        let mut torn = BTreeSet::new();
        let mut places = vec![usize::MAX; rows.len()];
        for (place, thing) in things.iter().enumerate() {
            for row in &thing.members {
                if let Ok(at) = rows.binary_search(row) {
                    places[at] = place;
                }
            }
        }
        // A pair that was strong enough and was kept apart.
        let kept_apart = |pair: Pair| barred.contains_key(&pair) && !decisions.different.contains(&pair);
        for (place, thing) in things.iter().enumerate().filter(|(_, thing)| thing.members.len() > 1) {
            let is_inside = |other: Row| rows.binary_search(&other).is_ok_and(|at| places[at] == place);
            for row in &thing.members {
                let bonds = bonds.of(*row);
                let inside = bonds.iter().filter(|(other, _)| is_inside(*other)).map(|(_, score)| *score);
                let Some(own) = inside.max().filter(|own| *own < CERTAIN) else { continue };
                let mut elsewhere = bonds
                    .iter()
                    .filter(|(other, score)| self.rivals.is_as_good(own, *score) && !is_inside(*other))
                    .map(|(other, _)| *other);
                if elsewhere
                    .any(|other| kept_apart(pair(*row, other)) || self.is_other(*row, &thing.members, other))
                {
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
            self.rivals.table.excludes(*member, other) || self.rivals.decisions.different.contains(&pair)
        })
    }
}

/// Records on their way to becoming things.
struct Joining<'a> {
    rivals: Rivals<'a>,
    rows: &'a [Row],
    /// By the place of a row: the place of its thing.
    places: Vec<usize>,
    /// By the place of a row: the places of the rows that came together under it, and the scores by which they did.
    things: Vec<(Vec<usize>, Joined)>,
    barred: Barred,
}

impl<'a> Joining<'a> {
    fn new(rivals: Rivals<'a>, rows: &'a [Row]) -> Self {
        let things = (0..rows.len()).map(|place| (vec![place], Vec::new())).collect();
        Self { rivals, rows, places: (0..rows.len()).collect(), things, barred: Barred::new() }
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
        let (table, decisions) = (self.rivals.table, self.rivals.decisions);
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
        if rules.linkage == Linkage::OneToOne
            && let Some((a, b)) = across().find(|(a, b)| table.excludes(*a, *b))
        {
            return Some(Bar::Taken(a.min(b)));
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
