//! What agreement is worth, and the score of a pair.
//!
//! Absent: how the weights are found ([`super::learn`]). Invariants: scores are integers; a score is the logarithm of the odds
//! that two records are of one thing, against every other way in which they could have come to look as they do.
//!
//! Fellegi and Sunter weigh two ways: the same thing, or two things picked at random. Most mistakes are a third: two things
//! that are related. A household shares a surname and an address, twins a birth date too; their agreement is expected and says
//! nothing. Each declared relation is such a way: its shared fields agree as those of one thing do, its other fields as those
//! of strangers. The score is what remains against all of them together, so that an address can never outvote two names.

use super::block::Pair;
use super::compare::{Comparisons, LEVELS, Levels};
use super::fixed;
use super::table::{Row, Table, Value};
use std::collections::BTreeMap;
use xops_kernel::identity::{Centibits, Level, Rules};

/// The most fields that rules compare.
pub const FIELDS_MAX: usize = 20;

/// The score of a pair that a key decides.
pub const CERTAIN: Centibits = 10_000;

/// The score of a pair that a veto decides.
pub const NEVER: Centibits = -10_000;

/// How common the values of a field are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    counts: BTreeMap<String, u32>,
    /// How many records have a value.
    pub records: u128,
    /// The sum of the squares of the counts of values.
    pub squares: u128,
}

impl Census {
    /// Counts values.
    pub fn of<'a>(values: impl Iterator<Item = &'a Value>) -> Self {
        let mut census = Self::default();
        for value in values {
            let count = u128::from(value.count);
            census.records += count;
            census.squares += count * count;
            if value.count > 1 {
                census.counts.insert(value.text.clone(), value.count);
            }
        }
        census
    }

    /// How many records have `text`; 1 where that is not known.
    pub fn count(&self, text: &str) -> u32 {
        self.counts.get(text).copied().unwrap_or(1)
    }
}

/// What agreement is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// By field and level: how much likelier it is between two records of one thing than between strangers.
    pub weights: Vec<[Centibits; LEVELS]>,
    /// The odds that two records picked at random are of one thing.
    pub prior: Centibits,
    /// By relation: its fields, a bit each, and the odds that a pair is of one thing and not so related.
    pub relations: Vec<(u32, Centibits)>,
    /// How common values are, by field.
    pub census: Vec<Census>,
    /// By how much it counts that a pair has no rival, where a system knows a thing once.
    pub known: Centibits,
    /// From this score on records are joined: that of the rules or above.
    pub same: Centibits,
}

/// A score and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The score.
    pub score: Centibits,
    /// The levels of the fields.
    pub levels: Levels,
    /// What each field adds against strangers.
    pub parts: [Centibits; FIELDS_MAX],
    /// The relation that comes nearest to explaining the pair, if one comes nearer than chance.
    pub like: Option<usize>,
    /// The key or the veto that decided, if one did.
    pub decided: Option<usize>,
}

impl Model {
    /// The score of two records.
    pub fn weigh(&self, table: &Table, comparisons: &mut Comparisons, (a, b): Pair) -> Weighed {
        let levels = comparisons.levels(table, a, b);
        self.weigh_levels(table, (a, b), levels)
    }

    /// The score that two records would have if their fields agreed as `levels` says.
    pub fn weigh_levels(&self, table: &Table, (a, b): Pair, levels: Levels) -> Weighed {
        let parts = self.parts(table, a, b, &levels);
        let (score, like) = self.odds(&parts);
        let mut weighed = Weighed { score, levels, parts, like, decided: None };
        let rules = table.rules();
        if let Some(veto) = vetoed(rules, &levels) {
            (weighed.score, weighed.decided) = (NEVER, Some(veto));
        } else if let Some(key) = keyed(rules, &levels) {
            (weighed.score, weighed.decided) = (CERTAIN, Some(key));
        }
        weighed
    }

    /// The score alone; [`NEVER`] where it is below `least`.
    pub fn score(
        &self,
        table: &Table,
        comparisons: &mut Comparisons,
        (a, b): Pair,
        least: Centibits,
    ) -> Centibits {
        let levels = comparisons.levels(table, a, b);
        let rules = table.rules();
        let score = match (vetoed(rules, &levels), keyed(rules, &levels)) {
            (Some(_), _) => NEVER,
            (None, Some(_)) => CERTAIN,
            (None, None) => self.odds(&self.parts(table, a, b, &levels)).0,
        };
        if score < least { NEVER } else { score }
    }

    fn parts(&self, table: &Table, a: Row, b: Row, levels: &Levels) -> [Centibits; FIELDS_MAX] {
        let mut parts = [0; FIELDS_MAX];
        let (left, right) = (table.cells(a), table.cells(b));
        for (field, weights) in self.weights.iter().enumerate() {
            let level = levels[field];
            parts[field] = weights[level as usize];
            if level == Level::Exact {
                // Where an explanation asks what would be if they agreed, the rarity is that of the one that is there.
                let cell = if left[field] != 0 { left[field] } else { right[field] };
                parts[field] += table.value(field, cell).rarity;
            }
        }
        parts
    }

    /// The odds against strangers and every relation together, and the relation that comes nearest, if one does.
    fn odds(&self, parts: &[Centibits; FIELDS_MAX]) -> (Centibits, Option<usize>) {
        let all: Centibits = parts.iter().sum();
        let mut score = all + self.prior;
        let (mut lowest, mut like) = (score, None);
        for (place, (shares, prior)) in self.relations.iter().enumerate() {
            let shared: Centibits = parts
                .iter()
                .enumerate()
                .filter(|(field, _)| shares & (1 << field) != 0)
                .map(|(_, part)| part)
                .sum();
            let odds = all - shared + prior;
            score = fixed::against(score, odds);
            if odds < lowest {
                (lowest, like) = (odds, Some(place));
            }
        }
        (score, like)
    }
}

/// The veto that forbids a pair, if one does.
pub fn vetoed(rules: &Rules, levels: &Levels) -> Option<usize> {
    rules.vetoes.iter().position(|veto| {
        let agrees = |field: &usize| matches!(levels[*field], Level::Exact | Level::Near);
        veto.agrees.iter().all(agrees) && veto.differs.iter().all(|field| levels[*field] == Level::Different)
    })
}

/// The key that decides a pair, if one does.
fn keyed(rules: &Rules, levels: &Levels) -> Option<usize> {
    rules.keys.iter().position(|key| key.fields.iter().all(|field| levels[*field] == Level::Exact))
}
