//! What an index asks people about, and why what is together is together.
//!
//! Absent: anything kept. A question follows from the things, the bonds and the decisions as they stand, so it goes when its cause
//! goes. Invariants: a question is between two things, never within one; what a decision keeps apart, or what a place that is taken
//! keeps apart, is no question; whatever changes for a record by an event is within [`Index::around`] the things that it changed.

use super::Index;
use crate::identity::batch::Answered;
use crate::identity::block::pair;
use crate::identity::compare::Comparisons;
use crate::identity::decide::{Answer, Bar, DECIDED};
use crate::identity::explain;
use crate::identity::table::{Name, Row};
use std::collections::BTreeSet;
use xops_kernel::id::EntityId;
use xops_kernel::identity::{Centibits, Decision, Level};

/// Through how many things questions are followed from one; past that nothing is said of it.
pub const THINGS_MAX: usize = 64;

/// A thing with what may belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Its id.
    pub id: EntityId,
    /// Its records, in order.
    pub records: Vec<Name>,
    /// The records that it is asked about whether they belong to it, also by way of others, in order.
    pub asked: Vec<Name>,
    /// Whether there are more than are told.
    pub crowded: bool,
}

/// Two records with the answer of whether they are of one thing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The record that comes first by name.
    pub left: Name,
    /// The other record.
    pub right: Name,
    /// The answer.
    pub answer: Answer,
    /// The score, in hundredths of a bit, rivals weighed in.
    pub score: Centibits,
    /// Why, without a value.
    pub why: String,
    /// What would settle it, where it is asked about, without a value.
    pub settles: String,
    /// The fields that both say something of.
    pub fields: Vec<Compared>,
    /// The decision that joined them, if one did.
    pub decision: Option<Decision>,
}

/// What two records say of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The field.
    pub name: String,
    /// How well they agree.
    pub level: Level,
    /// What that adds, in hundredths of a bit.
    pub weight: Centibits,
    /// What the left record says, normalised.
    pub left: String,
    /// What the right record says, normalised.
    pub right: String,
}

impl Index {
    /// The thing of the record of this name and what may belong to it; nothing where there is no such record.
    pub fn near(&self, system: &str, id: &str) -> Option<Near> {
        let row = self.table.find(system, id).filter(|row| self.is_there(*row))?;
        let first = self.first_of[row as usize];
        let (found, crowded) = self.reachable(BTreeSet::from([first]), THINGS_MAX);
        let mut asked = self.names_of(found.iter().copied().filter(|other| *other != first));
        asked.sort();
        Some(Near { id: self.id(first), records: self.names_of([first]), asked, crowded })
    }

    /// The names of all records for whom something may have changed where these things did: theirs, those of things that are alike,
    /// and those that hang on them by questions.
    pub fn around(&self, things: &BTreeSet<EntityId>) -> BTreeSet<Name> {
        let rows = things.iter().filter_map(|id| self.by_id.get(super::slot(*id)));
        let mut firsts: BTreeSet<Row> = BTreeSet::new();
        let mut names = BTreeSet::new();
        for row in rows {
            firsts.insert(self.first_of[row as usize]);
            // Its record may be gone.
            names.insert(self.table.name(row).clone());
        }
        for first in firsts.clone() {
            for member in self.members(first) {
                let alike = self.bonds.of(*member).iter().map(|(other, _)| self.first_of[*other as usize]);
                firsts.extend(alike);
            }
        }
        let (found, _) = self.reachable(firsts, usize::MAX);
        names.extend(self.names_of(found));
        names
    }

    /// Every pair that is asked about, in order.
    pub fn questions(&self) -> Vec<Answered> {
        self.bonds.pairs().filter_map(|(pair, score)| self.question(pair.0, pair.1, score)).collect()
    }

    /// What is asked about the thing of the record of this name.
    pub fn questions_of(&self, system: &str, id: &str) -> Vec<Answered> {
        let row = self.table.find(system, id).filter(|row| self.is_there(*row));
        row.map(|row| self.asked_of(self.first_of[row as usize])).unwrap_or_default()
    }

    /// How each record of the thing of the record of this name came to the others: by its strongest bond, the strongest first.
    pub fn joined(&self, system: &str, id: &str) -> Vec<Answered> {
        let Some(row) = self.table.find(system, id).filter(|row| self.is_there(*row)) else {
            return Vec::new();
        };
        let members = self.members(self.first_of[row as usize]);
        let mut found = BTreeSet::new();
        for row in members {
            let bonds = self.bonds.of(*row).iter().filter(|(other, _)| members.contains(other));
            let best = bonds.max_by_key(|(other, score)| (*score, std::cmp::Reverse(*other)));
            found.extend(best.map(|(other, score)| (std::cmp::Reverse(*score), pair(*row, *other))));
        }
        let same = |(score, pair): (std::cmp::Reverse<Centibits>, _)| Answered {
            pair,
            answer: Answer::Same,
            score: score.0,
            bar: None,
        };
        found.into_iter().map(same).collect()
    }

    /// Explains answers.
    pub fn explained(&self, answers: &[Answered]) -> Vec<Explained> {
        if answers.is_empty() {
            return Vec::new();
        }
        let mut comparisons = Comparisons::new(&self.table);
        answers.iter().map(|answered| self.explain(answered, &mut comparisons)).collect()
    }

    fn explain(&self, answered: &Answered, comparisons: &mut Comparisons) -> Explained {
        let (table, model) = (&self.table, &*self.model);
        let weighed = model.weigh(table, comparisons, answered.pair);
        let (a, b) = answered.pair;
        let (a, b) = if table.name(a) <= table.name(b) { (a, b) } else { (b, a) };
        let fields = table.rules().fields.iter().enumerate();
        let fields = fields.filter(|(field, _)| weighed.levels[*field] != Level::Missing);
        let compared = |(field, declared): (usize, &xops_kernel::identity::Field)| Compared {
            name: declared.name.clone(),
            level: weighed.levels[field],
            weight: weighed.parts[field],
            left: table.text(a, field).to_owned(),
            right: table.text(b, field).to_owned(),
        };
        let asked = answered.answer == Answer::Review;
        Explained {
            left: table.name(a).clone(),
            right: table.name(b).clone(),
            answer: answered.answer,
            score: answered.score,
            why: explain::tell(table, model, answered, &weighed),
            settles: if asked { explain::settles(table, model, answered, &weighed) } else { String::new() },
            fields: fields.map(compared).collect(),
            decision: self.decision(a, b).filter(|_| answered.score >= DECIDED).cloned(),
        }
    }

    /// The decision that joins two rows.
    fn decision(&self, a: Row, b: Row) -> Option<&Decision> {
        let there = |row: Row| self.is_there(row);
        self.asked.iter().filter(|decision| decision.same).find(|decision| {
            let called = |name: &str| self.table.called(name, there);
            let (left, right) = (called(&decision.left), called(&decision.right));
            (left, right) == (Some(a), Some(b)) || (left, right) == (Some(b), Some(a))
        })
    }

    /// The rows of the thing that is named after `first`.
    pub(super) fn members(&self, first: Row) -> &[Row] {
        match &*self.things[first as usize] {
            [] if self.is_there(first) => std::slice::from_ref(&self.first_of[first as usize]),
            members => members,
        }
    }

    fn names_of(&self, firsts: impl IntoIterator<Item = Row>) -> Vec<Name> {
        let members = firsts.into_iter().flat_map(|first| self.members(first));
        let mut names: Vec<Name> = members.map(|row| self.table.name(*row).clone()).collect();
        names.sort();
        names
    }

    /// The things that questions lead to, these included, and whether there are more than `most`.
    fn reachable(&self, firsts: BTreeSet<Row>, most: usize) -> (BTreeSet<Row>, bool) {
        let mut open: Vec<Row> = firsts.iter().copied().collect();
        let mut found = firsts;
        while let Some(first) = open.pop() {
            for asked in self.asked_of(first) {
                for row in [asked.pair.0, asked.pair.1] {
                    let other = self.first_of[row as usize];
                    if found.insert(other) {
                        open.push(other);
                    }
                }
            }
            if found.len() > most {
                return (found, true);
            }
        }
        (found, false)
    }

    /// What is asked about the thing that is named after `first`.
    fn asked_of(&self, first: Row) -> Vec<Answered> {
        let bonds = self.members(first).iter().flat_map(|row| {
            let bonds = self.bonds.of(*row).iter();
            bonds.filter_map(|(other, score)| {
                let (a, b) = pair(*row, *other);
                self.question(a, b, *score)
            })
        });
        bonds.collect()
    }

    /// The row that is as good as one of two, and with whose thing the other cannot be.
    fn torn(&self, a: Row, b: Row) -> Option<Row> {
        let weighed = self.rivals();
        let excluded = |other: Row, from: Row| {
            let (left, right) =
                (self.members(self.first_of[other as usize]), self.members(self.first_of[from as usize]));
            let mut across = left.iter().flat_map(|a| right.iter().map(|b| pair(*a, *b)));
            across.any(|pair| self.decisions.different.contains(&pair) || self.table.excludes(pair.0, pair.1))
        };
        let of = |row: Row, from: Row| {
            let rivals = self.bonds.of(row).iter().filter(move |(other, _)| *other != from);
            let good = rivals.filter(|(other, score)| {
                weighed.effective(pair(row, *other), *score).0 >= self.model.same && excluded(*other, from)
            });
            good.map(|(other, _)| *other).min_by_key(|row| self.table.name(*row))
        };
        of(a, b).or_else(|| of(b, a))
    }

    /// Whether a bonded pair is asked about.
    fn question(&self, a: Row, b: Row, score: Centibits) -> Option<Answered> {
        if self.first_of[a as usize] == self.first_of[b as usize] {
            return None;
        }
        let (table, rules) = (&self.table, self.table.rules());
        let (effective, rival) = self.rivals().effective((a, b), score);
        if effective < rules.review {
            return None;
        }
        let (left, right) =
            (self.members(self.first_of[a as usize]), self.members(self.first_of[b as usize]));
        let across = || left.iter().flat_map(|a| right.iter().map(|b| pair(*a, *b)));
        let apart = across().any(|pair| self.decisions.different.contains(&pair));
        if apart || across().any(|(a, b)| table.excludes(a, b)) {
            return None;
        }
        let bar = match rival {
            _ if effective >= self.model.same && left.len() + right.len() > rules.members_max => Bar::Crowded,
            _ if effective >= self.model.same => self.torn(a, b).map_or(Bar::Veto, Bar::Rival),
            Some(rival) if score >= self.model.same => Bar::Rival(rival),
            _ => Bar::Weak,
        };
        Some(Answered { pair: (a, b), answer: Answer::Review, score: effective, bar: Some(bar) })
    }
}
