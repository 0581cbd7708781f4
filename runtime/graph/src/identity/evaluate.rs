//! How well answers agree with the truth.
//!
//! Absent: opinions; figures are integers in parts of a million. Invariants: a pair counts once, whichever comes first; pairs
//! with equal scores are ranked as one, because nothing tells them apart.

use super::block::Pair;
use super::decide::Answer;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::identity::Centibits;

/// Parts of a million.
pub type Millionths = u64;

/// The figures.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Figures {
    /// True pairs.
    pub truth: u64,
    /// Pairs answered `same`.
    pub same: u64,
    /// Of those, the true ones.
    pub right: u64,
    /// Pairs answered `review`.
    pub review: u64,
    /// Of those, the true ones.
    pub review_true: u64,
    /// `right / same`.
    pub precision: Millionths,
    /// `right / truth`.
    pub recall: Millionths,
    /// Their harmonic mean.
    pub f1: Millionths,
    /// The largest harmonic mean that a threshold on the scores would give.
    pub f1_best: Millionths,
    /// The largest share of the true pairs that a threshold finds with this precision: by precision in millionths.
    pub recall_at: BTreeMap<Millionths, Millionths>,
}

/// The precisions at which recall is told.
pub const PRECISIONS: [Millionths; 3] = [990_000, 999_000, 999_900];

fn share(part: u64, of: u64) -> Millionths {
    if of == 0 { 1_000_000 } else { (u128::from(part) * 1_000_000 / u128::from(of)).try_into().unwrap_or(0) }
}

/// Holds answers against the true pairs, lower row first.
pub fn figures(answers: &[(Pair, Answer, Centibits)], truth: &BTreeSet<Pair>) -> Figures {
    let mut figures = Figures { truth: truth.len() as u64, ..Figures::default() };
    let mut ranked: Vec<(Centibits, bool)> = Vec::new();
    for (pair, answer, score) in answers {
        let right = truth.contains(pair);
        match answer {
            Answer::Same => {
                figures.same += 1;
                figures.right += u64::from(right);
            }
            Answer::Review => {
                figures.review += 1;
                figures.review_true += u64::from(right);
            }
            Answer::Different => continue,
        }
        ranked.push((-score, right));
    }
    figures.precision = share(figures.right, figures.same);
    figures.recall = share(figures.right, figures.truth);
    figures.f1 = share(2 * figures.right, figures.same + figures.truth);
    ranked.sort_unstable();
    let (mut seen, mut right) = (0, 0);
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        seen += equal.len() as u64;
        right += equal.iter().filter(|(_, right)| *right).count() as u64;
        figures.f1_best = figures.f1_best.max(share(2 * right, seen + figures.truth));
    }
    for precision in PRECISIONS {
        let (mut seen, mut right, mut best) = (0, 0, 0);
        for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
            seen += equal.len() as u64;
            right += equal.iter().filter(|(_, right)| *right).count() as u64;
            if share(right, seen) >= precision {
                best = right;
            }
        }
        figures.recall_at.insert(precision, share(best, figures.truth));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_definition() {
        let truth = BTreeSet::from([(0, 1), (2, 3), (4, 5), (6, 7)]);
        let answers = [
            ((0, 1), Answer::Same, 900),
            ((2, 3), Answer::Same, 800),
            ((0, 2), Answer::Same, 700),
            ((4, 5), Answer::Review, 100),
            ((6, 7), Answer::Different, -100),
        ];
        let figures = figures(&answers, &truth);
        assert_eq!((figures.precision, figures.recall, figures.f1), (666_666, 500_000, 571_428));
        assert_eq!((figures.review, figures.review_true), (1, 1));
        assert_eq!(figures.recall_at[&999_900], 500_000);
    }

    #[test]
    fn equal_scores_are_ranked_as_one() {
        let truth = BTreeSet::from([(0, 1), (2, 3)]);
        let answers = [((0, 1), Answer::Same, 900), ((4, 5), Answer::Same, 900), ((2, 3), Answer::Same, 100)];
        assert_eq!(figures(&answers, &truth).recall_at[&990_000], 0);
    }
}
