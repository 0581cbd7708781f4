//! All records at once.
//!
//! Absent: decisions of its own; it puts the parts together. Invariant: what it comes to is what an index comes to that took
//! the same records, decisions and model one by one, in any order.

use super::block::{self, Pair, pair};
use super::bound::{Bound, Course};
use super::compare::Comparisons;
use super::decide::{Answer, Bar, Barred, Bonds, DECIDED, Decisions, Rivals, Scene, Thing};
use super::learn;
use super::model::Model;
use super::table::{Row, Table};
use std::collections::BTreeSet;
use xops_kernel::identity::{Centibits, Decision};

/// How far work has come: what is under way, how much of it is done, how much there is.
pub type Progress<'a> = &'a mut dyn FnMut(&'static str, usize, usize);

/// How many pairs are weighed between two words of progress.
const WORD_EVERY: usize = 1 << 17;

/// What became of all records.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Which pairs are alike.
    pub bonds: Bonds,
    /// What people decided, by rows.
    pub decisions: Decisions,
    /// The things, in the order of their first rows.
    pub things: Vec<Thing>,
    /// By row: the place of its thing.
    pub thing_of: Vec<u32>,
    /// Pairs that are alike and were not joined although the score was enough.
    pub barred: Barred,
    /// How many pairs were compared.
    pub compared: usize,
    /// By how much it counts that a pair has no rival.
    pub known: Centibits,
    /// From this score on records were joined.
    pub same: Centibits,
}

/// A pair with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The pair.
    pub pair: Pair,
    /// The answer.
    pub answer: Answer,
    /// The score: for the same, the best way in which they came together; else the pair's own against its rivals.
    pub score: Centibits,
    /// Why they were not joined.
    pub bar: Option<Bar>,
}

/// Learns the model of `table` and resolves it. `across` leaves out pairs of one system; `today` ends decisions (`yyyymmdd`).
pub fn run(table: &mut Table, across: bool, today: u32, progress: Progress<'_>) -> (Model, Resolved) {
    progress("find pairs", 0, table.len());
    let census = table.census();
    table.settle(&census);
    let pairs = block::pairs(table, across);
    progress("learn weights", 0, pairs.len());
    let mut model = Model { census, ..learn::learn(table, &pairs, across) };
    let bonds = weigh(table, &model, &pairs, progress);
    model.same = surest(table, &bonds, &model);
    let resolved = join(table, &model, bonds, today, progress);
    (model, Resolved { compared: pairs.len(), ..resolved })
}

/// From which score on few enough of the joined pairs are expected to be wrong.
fn surest(table: &Table, bonds: &Bonds, model: &Model) -> Centibits {
    let decisions = Decisions::default();
    let rivals = Rivals { table, bonds, decisions: &decisions, known: model.known, same: model.same };
    let scores = bonds.pairs().map(|(pair, score)| rivals.effective(pair, score).0).collect();
    learn::threshold(scores, table.rules().same, table.rules().wrong_max)
}

/// Resolves `table`, whose compared pairs are `pairs`, by a model that is known.
pub fn resolve(table: &Table, model: &Model, pairs: &[Pair], today: u32, progress: Progress<'_>) -> Resolved {
    let bonds = weigh(table, model, pairs, progress);
    Resolved { compared: pairs.len(), ..join(table, model, bonds, today, progress) }
}

/// Which pairs are alike.
fn weigh(table: &Table, model: &Model, pairs: &[Pair], progress: Progress<'_>) -> Bonds {
    let mut comparisons = Comparisons::new(table);
    let mut bonds = Bonds::default();
    if pairs.is_empty() {
        return bonds;
    }
    let least = table.rules().review - model.known;
    let course = Course::new(table);
    // Pairs come by their lower rows.
    let mut bound = Bound::new(model, table, pairs[0].0);
    for (number, pair) in pairs.iter().enumerate() {
        if number % WORD_EVERY == 0 {
            progress("weigh pairs", number, pairs.len());
        }
        if bound.row() != pair.0 {
            bound = Bound::new(model, table, pair.0);
        }
        let score = bound.score((model, table, &course), &mut comparisons, pair.1, least);
        if score >= least {
            bonds.set(*pair, Some(score));
        }
    }
    bonds
}

/// Makes things of the records that are alike.
fn join(table: &Table, model: &Model, mut bonds: Bonds, today: u32, progress: Progress<'_>) -> Resolved {
    let mut comparisons = Comparisons::new(table);
    let decisions = decided(table, table.rules().decisions.iter(), today, |_| true);
    for pair in &decisions.same {
        bonds.set(*pair, Some(DECIDED));
    }
    progress("join records", 0, table.len());
    let rivals = Rivals { table, bonds: &bonds, decisions: &decisions, known: model.known, same: model.same };
    let strong = rivals.strong();
    let scene = Scene { rivals, strong: &strong };
    let (mut things, mut barred) = (Vec::new(), Barred::new());
    let mut seen = vec![false; table.len()];
    for row in 0..u32::try_from(table.len()).unwrap_or(u32::MAX) {
        if seen[row as usize] {
            continue;
        }
        let component = scene.component(row);
        for row in &component {
            seen[*row as usize] = true;
        }
        let (more, bars) = scene.things(&component, &mut comparisons);
        things.extend(more);
        barred.extend(bars);
    }
    let mut thing_of = vec![0; table.len()];
    for (thing, place) in things.iter().zip(0_u32..) {
        for row in &thing.members {
            thing_of[*row as usize] = place;
        }
    }
    Resolved { bonds, decisions, things, thing_of, barred, compared: 0, known: model.known, same: model.same }
}

/// The decisions that hold on `today` and whose records are `there`.
pub fn decided<'a>(
    table: &Table,
    all: impl Iterator<Item = &'a Decision>,
    today: u32,
    there: impl Fn(Row) -> bool,
) -> Decisions {
    let mut decisions = Decisions::default();
    for decision in all.filter(|decision| decision.until.is_none_or(|until| until >= today)) {
        let (left, right) = (table.called(&decision.left, &there), table.called(&decision.right, &there));
        let (Some(a), Some(b)) = (left, right) else { continue };
        if a != b {
            let into = if decision.same { &mut decisions.same } else { &mut decisions.different };
            into.insert(pair(a, b));
        }
    }
    decisions
}

impl Resolved {
    /// Every pair that is the same, asked about, or alike and different, in order. `across` leaves out pairs of one system.
    pub fn answers(&self, table: &Table, across: bool) -> Vec<Answered> {
        let mut answers = Vec::new();
        for thing in &self.things {
            for (pair, joined) in &thing.joined {
                let own = self.bonds.get(*pair).map_or(*joined, |own| own.max(*joined));
                answers.push(Answered { pair: *pair, answer: Answer::Same, score: own, bar: None });
            }
        }
        let rivals = Rivals {
            table,
            bonds: &self.bonds,
            decisions: &self.decisions,
            known: self.known,
            same: self.same,
        };
        for (pair, score) in self.bonds.pairs() {
            if self.thing_of[pair.0 as usize] != self.thing_of[pair.1 as usize] {
                answers.push(self.apart(rivals, pair, score));
            }
        }
        for pair in &self.decisions.different {
            if self.bonds.get(*pair).is_none() {
                let (answer, bar) = (Answer::Different, Some(Bar::Decided));
                answers.push(Answered { pair: *pair, answer, score: -DECIDED, bar });
            }
        }
        answers.retain(|answer| !across || !table.is_within(answer.pair.0, answer.pair.1));
        answers.sort_unstable_by_key(|answer| answer.pair);
        answers
    }

    /// The answer of a bonded pair that was not joined.
    fn apart(&self, rivals: Rivals<'_>, pair: Pair, score: Centibits) -> Answered {
        let (effective, rival) = rivals.effective(pair, score);
        let barred = self.barred.get(&pair).copied();
        let bar = match (barred, rival) {
            (Some(bar), _) => bar,
            (None, Some(rival)) if score >= self.same => Bar::Rival(rival),
            (None, _) => Bar::Weak,
        };
        let taken = self.partner(rivals.table, pair);
        let answer = match bar {
            Bar::Decided => Answer::Different,
            _ if rivals.decisions.different.contains(&pair) => Answer::Different,
            _ if taken.is_some() || effective < rivals.table.rules().review => Answer::Different,
            _ => Answer::Review,
        };
        let bar = taken.filter(|_| answer == Answer::Different).map_or(bar, Bar::Taken);
        Answered { pair, answer, score: effective, bar: Some(bar) }
    }

    /// The record that has the place of one of a pair, where a system knows a thing once.
    fn partner(&self, table: &Table, (a, b): Pair) -> Option<Row> {
        if table.rules().linkage == xops_kernel::identity::Linkage::Many {
            return None;
        }
        let others = |row: Row, not: Row| {
            let thing = &self.things[self.thing_of[row as usize] as usize];
            thing.members.iter().copied().find(|member| table.excludes(*member, not))
        };
        others(a, b).or_else(|| others(b, a))
    }

    /// The rows that are alone.
    pub fn alone(&self) -> BTreeSet<Row> {
        self.things.iter().filter(|thing| thing.members.len() == 1).map(|thing| thing.members[0]).collect()
    }
}
