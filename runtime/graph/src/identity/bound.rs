//! One record held against many others: most are told to be strangers by their cheap fields.
//!
//! Absent: a score of its own. Invariant: a pair is passed over only where [`Model::score`] could not reach what is asked for, so
//! that passing over decides nothing.
//!
//! What differs is taken for the best that it could be, then looked at field by field, the fields first that cost least. The
//! odds against strangers and those against each relation bound the score, each for itself, because together they are lower.

use super::block::{Pair, pair};
use super::compare::{CHARS_MAX, Comparisons};
use super::model::{FIELDS_MAX, Model, NEVER};
use super::table::{RARITY, Row, Table};
use xops_kernel::identity::{Centibits, Comparator, Level};

/// A record, with what its fields can be worth.
#[derive(Clone, Debug)]
pub struct Bound {
    row: Row,
    /// By field: the number of its value.
    cells: [u32; FIELDS_MAX],
    /// By field: what it adds where the other has the same value.
    exact: [Centibits; FIELDS_MAX],
    /// By field: the most that it adds where the other has another value.
    best: [Centibits; FIELDS_MAX],
    /// Whether the rules have keys, which decide whatever the fields add.
    keyed: bool,
}

/// In which order fields are looked at.
#[derive(Clone, Debug)]
pub struct Course {
    /// Fields that stand for themselves, the cheap ones first.
    alone: Vec<usize>,
    /// Fields whose values may stand in each other's place, and in no third one's.
    crossing: Vec<(usize, usize)>,
}

impl Course {
    /// For the fields of `table`.
    pub fn new(table: &Table) -> Self {
        let fields = &table.rules().fields;
        let crosses = || fields.iter().enumerate().filter_map(|(field, it)| Some((field, it.crosses?)));
        let times = |field: usize| crosses().filter(|(a, b)| *a == field || *b == field).count();
        let crossing = crosses().filter(|(a, b)| a != b && times(*a) == 1 && times(*b) == 1).collect();
        let mut alone: Vec<usize> = (0..fields.len()).filter(|field| times(*field) == 0).collect();
        alone.sort_by_key(|field| matches!(fields[*field].compare, Comparator::Name | Comparator::Text));
        Self { alone, crossing }
    }
}

impl Bound {
    /// Of `row`.
    pub fn new(model: &Model, table: &Table, row: Row) -> Self {
        let keyed = !table.rules().keys.is_empty();
        let mut bound =
            Self { row, cells: [0; FIELDS_MAX], exact: [0; FIELDS_MAX], best: [0; FIELDS_MAX], keyed };
        for (field, (cell, weights)) in table.cells(row).iter().zip(&model.weights).enumerate() {
            bound.cells[field] = *cell;
            let exact = weights[Level::Exact as usize];
            bound.exact[field] = exact + table.value(field, *cell).rarity;
            // Texts that differ past what is compared are the same.
            let best = weights[Level::Exact as usize..].iter().max().copied().unwrap_or(0);
            bound.best[field] = best.max(bound.exact[field]).max(0);
            if table.value(field, *cell).text.len() >= CHARS_MAX {
                // Then the other is counted as rare as it is itself.
                bound.best[field] = bound.best[field].max(exact + RARITY.1);
            }
        }
        bound
    }

    /// The row that it is of.
    pub fn row(&self) -> Row {
        self.row
    }

    /// The score of its record and `other`, as [`Model::score`] gives it; [`NEVER`] where it is below `least`.
    pub fn score(
        &self,
        (model, table, course): (&Model, &Table, &Course),
        comparisons: &mut Comparisons,
        other: Row,
        least: Centibits,
    ) -> Centibits {
        let pair = pair(self.row, other);
        if self.is_hopeless((model, table, course), comparisons, (pair, other), least) {
            return NEVER;
        }
        model.score(table, comparisons, pair, least)
    }

    /// The most that its record and one of these cells can score; more than any score where a key decides.
    pub fn most(&self, model: &Model, theirs: &[u32]) -> Centibits {
        let mut all = model.prior;
        for (field, theirs) in theirs.iter().enumerate().take(FIELDS_MAX) {
            let mine = self.cells[field];
            let worth = if mine == *theirs { self.exact[field] } else { self.best[field] };
            all += if mine == 0 || *theirs == 0 { 0 } else { worth };
        }
        if self.keyed { Centibits::MAX } else { all }
    }

    fn is_hopeless(
        &self,
        (model, table, course): (&Model, &Table, &Course),
        comparisons: &mut Comparisons,
        (pair, other): (Pair, Row),
        least: Centibits,
    ) -> bool {
        let theirs = table.cells(other);
        let mut most = [0; FIELDS_MAX];
        let mut all = model.prior;
        let mut differ = 0_u32;
        for (field, theirs) in theirs.iter().enumerate() {
            let mine = self.cells[field];
            if mine == 0 || *theirs == 0 {
                continue;
            }
            most[field] = if mine == *theirs { self.exact[field] } else { self.best[field] };
            differ |= u32::from(mine != *theirs) << field;
            all += most[field];
        }
        if table.rules().keys.iter().any(|key| key.fields.iter().all(|it| self.cells[*it] == theirs[*it])) {
            return false;
        }
        let bounded = |most: &[Centibits; FIELDS_MAX], all: Centibits| {
            all < least
                || model.relations.iter().any(|(shares, prior)| {
                    let shared = most.iter().enumerate().filter(|(field, _)| shares & (1 << field) != 0);
                    all - model.prior - shared.map(|(_, most)| most).sum::<Centibits>() + prior < least
                })
        };
        if bounded(&most, all) {
            return true;
        }
        let mut learn = |most: &mut [Centibits; FIELDS_MAX], field: usize, level: Level| {
            let worth = model.weights[field][level as usize];
            // The same past what is compared, or the same: the bound stands.
            if level != Level::Exact && worth < most[field] {
                all += worth - most[field];
                most[field] = worth;
            }
            all
        };
        for field in course.alone.iter().filter(|field| differ & (1 << **field) != 0) {
            let level = comparisons.level(table, *field, self.cells[*field], theirs[*field]);
            let all = learn(&mut most, *field, level);
            if bounded(&most, all) {
                return true;
            }
        }
        for (field, other) in course.crossing.iter().filter(|(a, b)| differ & (1 << a | 1 << b) != 0) {
            let (one, two) = comparisons.crossed_levels(table, pair, (*field, *other));
            learn(&mut most, *field, one);
            let all = learn(&mut most, *other, two);
            if bounded(&most, all) {
                return true;
            }
        }
        false
    }
}
