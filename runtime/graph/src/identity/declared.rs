//! The model that rules alone give, before any record was seen.
//!
//! Absent: learning, and what is common among the records. Invariants: equal rules give equal models, so whatever is resolved by
//! one is the same after a restart, on another machine and in another order; what is declared is taken as it is.
//!
//! A weight that is not declared is what is usual: how records of one thing agree ([`super::learn`]), against how strangers do. The
//! second are round powers of two and cautious ones: a full name is shared by one in half a million strangers at best, a birthday by
//! one in 16,384 (45 years), a number or an address of mail by one in a million.

use super::compare::LEVELS;
use super::fixed::log2_ratio;
use super::learn::usual;
use super::model::{Census, Model};
use xops_kernel::identity::{Centibits, Comparator, Level, POPULATION, Rules};

/// A bit, in hundredths.
const BIT: Centibits = 100;

/// One of how many strangers agrees so, as a power of two, by level from `Exact` to `Crossed`; the rest differ.
fn strangers(comparator: Comparator) -> [Centibits; LEVELS] {
    match comparator {
        Comparator::Name => [0, 9, 8, 7, 4, 0, 14],
        Comparator::Text => [0, 8, 8, 7, 4, 0, 14],
        Comparator::Date => [0, 14, 9, 7, 4, 0, 14],
        Comparator::Code => [0, 20, 12, 8, 3, 0, 20],
        Comparator::Email => [0, 20, 12, 9, 9, 0, 20],
        Comparator::Exact => [0, 2, 2, 2, 2, 0, 2],
    }
}

impl Model {
    /// The model of `rules`. Records are joined from the declared score on, and where [`Rules::wrong_max`] is declared from odds on
    /// that leave no more than so many of a million wrong.
    pub fn declared(rules: &Rules) -> Self {
        let weights = rules.fields.iter().map(|field| {
            let (same, strangers) = (usual(field.compare), strangers(field.compare));
            let mut weights = [0; LEVELS];
            for (level, _) in Level::ALL.into_iter().skip(1) {
                let place = level as usize;
                let usual = log2_ratio(same[place].max(1), 1_000) + strangers[place] * BIT;
                weights[place] = field.weights.get(&level).copied().unwrap_or(usual);
            }
            weights
        });
        let relations = rules.relations.iter().map(|relation| {
            let shares = relation.shares.iter().fold(0, |mask, field| mask | 1 << field);
            (shares, log2_ratio(1_000, u128::from(relation.per_thousand.max(1))))
        });
        let odds = rules.wrong_max.map(|wrong| log2_ratio(1_000_000, u128::from(wrong.max(1))));
        Self {
            weights: weights.collect(),
            prior: -log2_ratio(u128::from(rules.population.unwrap_or(POPULATION).max(1)), 1),
            relations: relations.collect(),
            census: vec![Census::default(); rules.fields.len()],
            known: 0,
            same: odds.map_or(rules.same, |odds| odds.max(rules.same)),
        }
    }
}
