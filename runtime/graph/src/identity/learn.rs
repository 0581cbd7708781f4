//! The weights, estimated from the records themselves: no labels, and the same result on any machine.
//!
//! Absent: randomness (pairs of strangers are drawn by a hash of their number) and floating numbers. Invariants: equal tables
//! and pairs give equal models; a declared weight is never touched; few pairs cannot move a weight far, because each level
//! begins with `BELIEVED` pairs of what is usual for its comparator.
//!
//! Expectation and maximisation over the levels of the compared pairs (Winkler 1988), with one more class for each declared
//! relation. How strangers agree is not estimated along with it, but counted: on pairs drawn from all, and for exact agreement
//! on the counts of values, less what the pairs of one thing explain.

use super::block::Pair;
use super::compare::{Comparisons, LEVELS};
use super::fixed::{ONE, exp2_neg, log2_ratio};
use super::model::{FIELDS_MAX, Model};
use super::slots::{hash, mix};
use super::table::{Row, Table};
use xops_kernel::identity::{Centibits, Comparator, Level};

/// How many pairs of what is usual each field begins with.
const BELIEVED: u128 = 40;
/// By how much it can count that a record has no rival, in hundredths of a bit.
const KNOWN_MAX: Centibits = 700;
/// How many rounds are made.
const ROUNDS: usize = 25;
/// The most pairs of strangers that are looked at.
const STRANGERS_MAX: u64 = 300_000;
/// The most compared pairs that are looked at.
const COMPARED_MAX: usize = 2_000_000;
/// The least probability that strangers agree exactly, as a power of two: what a field can say at most.
const EXACT_BITS_MAX: u32 = 22;

/// How two records of one thing usually agree, in thousandths, by level from `Exact` to `Crossed`.
pub(super) fn usual(comparator: Comparator) -> [u128; LEVELS] {
    match comparator {
        Comparator::Name => [0, 820, 70, 40, 25, 35, 10],
        Comparator::Text => [0, 780, 70, 50, 40, 60, 0],
        Comparator::Date => [0, 880, 60, 25, 15, 20, 0],
        Comparator::Code => [0, 880, 60, 20, 10, 30, 0],
        Comparator::Email => [0, 820, 60, 40, 0, 80, 0],
        Comparator::Exact => [0, 940, 0, 0, 0, 60, 0],
    }
}

/// How often each level was seen, by field.
type Counts = [[u128; LEVELS]; FIELDS_MAX];

/// Levels that some compared pairs have, and how many have them.
struct Pattern {
    levels: u64,
    count: u64,
}

impl Pattern {
    fn level(&self, field: usize) -> usize {
        usize::try_from(self.levels >> (3 * field) & 7).unwrap_or(0)
    }
}

/// The state of the estimation.
struct Estimate<'a> {
    table: &'a Table,
    fields: usize,
    patterns: Vec<Pattern>,
    /// The logarithms of probabilities, by field and level: between records of one thing, and between strangers.
    same: [[Centibits; LEVELS]; FIELDS_MAX],
    other: [[Centibits; LEVELS]; FIELDS_MAX],
    /// All pairs there are, as shares of [`ONE`] each.
    pairs: u128,
    /// How many of them are of one thing, and so related, in parts of [`ONE`].
    matched: u128,
    related: Vec<u128>,
    /// How many pairs agree exactly, by field, whether compared or not.
    exact: Vec<u128>,
    strangers: Box<Counts>,
}

/// The model of `table`, whose compared pairs are `pairs`; `across` says that pairs of one system are none.
pub fn learn(table: &Table, pairs: &[Pair], across: bool) -> Model {
    let mut comparisons = Comparisons::new(table);
    let census = table.census();
    let mut estimate = Estimate::new(table, pairs, across, &mut comparisons);
    for _ in 0..ROUNDS {
        estimate.round();
    }
    let rules = table.rules();
    let mut weights = Vec::new();
    for (field, declared) in rules.fields.iter().enumerate() {
        let mut weight = [0; LEVELS];
        for (level, _) in Level::ALL {
            let learnt = estimate.same[field][level as usize] - estimate.other[field][level as usize];
            weight[level as usize] = declared.weights.get(&level).copied().unwrap_or(learnt);
        }
        weight[Level::Missing as usize] = 0;
        weights.push(tidy(weight, |level| declared.weights.contains_key(&level)));
    }
    let prior = log2_ratio(estimate.matched, estimate.pairs);
    let masks = rules.relations.iter().map(|relation| mask(&relation.shares));
    let odds = estimate.related.iter().map(|related| log2_ratio(estimate.matched, *related));
    Model {
        weights,
        prior,
        relations: masks.zip(odds).collect(),
        census,
        known: estimate.known(across),
        same: rules.same,
    }
}

/// Worse agreement never weighs more than better, and none never speaks for a pair: what few pairs say must not turn the order
/// around, and a level that was never seen says nothing. The best level is the one that is counted best.
fn tidy(mut weight: [Centibits; LEVELS], declared: impl Fn(Level) -> bool) -> [Centibits; LEVELS] {
    for place in Level::Near as usize..=Level::Different as usize {
        if !declared(Level::ALL[place].0) {
            weight[place] = weight[place].min(weight[place - 1]);
        }
    }
    if !declared(Level::Different) {
        weight[Level::Different as usize] = weight[Level::Different as usize].min(0);
    }
    weight
}

/// The score from which on no more than `wrong_max` of a million pairs with these scores are expected to be wrong; `same` or above.
pub fn threshold(mut scores: Vec<Centibits>, same: Centibits, wrong_max: Option<u32>) -> Centibits {
    let Some(wrong_max) = wrong_max else { return same };
    scores.retain(|score| *score >= same);
    scores.sort_unstable_by(|a, b| b.cmp(a));
    let (mut wrong, mut seen, mut lowest) = (0_u128, 0_u128, None);
    for equal in scores.chunk_by(|a, b| a == b) {
        // The odds are 2^score to 1, so that 1 / (1 + 2^score) are wrong.
        let power = u128::from(exp2_neg(equal[0].unsigned_abs()));
        let one = u128::from(ONE);
        let each = if equal[0] >= 0 { (power << 32) / (one + power) } else { (one << 32) / (one + power) };
        seen += equal.len() as u128;
        wrong += each * equal.len() as u128;
        if wrong * 1_000_000 <= seen * one * u128::from(wrong_max) {
            lowest = Some(equal[0]);
        }
    }
    // Nothing is sure enough: what is surest is still asked about.
    lowest.unwrap_or_else(|| scores.first().map_or(same, |best| (best + 1).max(same)))
}

fn mask(fields: &[usize]) -> u32 {
    fields.iter().fold(0, |mask, field| mask | 1 << field)
}

impl<'a> Estimate<'a> {
    fn new(table: &'a Table, pairs: &[Pair], across: bool, comparisons: &mut Comparisons) -> Self {
        let fields = table.rules().fields.len();
        let sides = sides(table);
        let all: u128 = sides.iter().sum();
        let within: u128 = sides.iter().map(|side| side * side.saturating_sub(1) / 2).sum();
        let mut total = all * all.saturating_sub(1) / 2;
        if across {
            total -= within;
        }
        let total = total.max(1);
        let largest = sides.iter().max().copied().unwrap_or(0);
        let guess = if across { (all - largest).div_ceil(2) } else { all.div_ceil(4) }.clamp(1, total);
        let relations = table.rules().relations.iter();
        let related = relations
            .map(|relation| guess * u128::from(ONE) * u128::from(relation.per_thousand.max(1)) / 1_000);
        let mut estimate = Self {
            table,
            fields,
            patterns: patterns(table, pairs, comparisons),
            same: [[0; LEVELS]; FIELDS_MAX],
            other: [[0; LEVELS]; FIELDS_MAX],
            pairs: total * u128::from(ONE),
            matched: guess * u128::from(ONE),
            related: related.collect(),
            exact: (0..fields).map(|field| agreeing(table, field, across)).collect(),
            strangers: Box::new(strangers(table, across, comparisons)),
        };
        estimate.begin();
        estimate
    }

    /// By how much it counts that a record has no rival: the systems know nearly the same things, so that one of them that
    /// has no other partner is likely to be the partner. A system of which a share c is known to the other leaves 1 - c.
    fn known(&self, across: bool) -> Centibits {
        if !across {
            return 0;
        }
        let sides = sides(self.table);
        let all: u128 = sides.iter().sum();
        let largest = sides.iter().max().copied().unwrap_or(0);
        // Pairs that each record of the largest system has, on average, with one other system; never quite all.
        let others = (sides.len() as u128).saturating_sub(1).max(1);
        let of = largest.max((all - largest) / others).max(1) * others * u128::from(ONE);
        let free = of.saturating_sub(self.matched) + of / 200;
        log2_ratio(of, free).clamp(0, KNOWN_MAX)
    }

    fn begin(&mut self) {
        for field in 0..self.fields {
            let usual = usual(self.table.rules().fields[field].compare);
            self.same[field] = usual.map(|share| log2_ratio(share.max(1), 1_000));
        }
        self.set_strangers(&[0; FIELDS_MAX]);
    }

    /// How strangers agree, where `explained` pairs that agree exactly are of one thing or share the field.
    fn set_strangers(&mut self, explained: &[u128; FIELDS_MAX]) {
        let pairs = self.pairs >> 32;
        for (field, seen) in self.strangers.iter().enumerate().take(self.fields) {
            let there: u128 = seen.iter().sum::<u128>().max(1);
            let rest: u128 = seen[Level::Near as usize..].iter().sum();
            for (level, seen) in seen.iter().enumerate().skip(Level::Near as usize) {
                // A level that was never seen is believed to be rarer than one in all that were looked at.
                let share = seen * 2 + 1;
                self.other[field][level] = log2_ratio(share, (there * 2).max(rest));
            }
            let agreeing = self.exact[field].saturating_sub(explained[field] >> 32).max(1);
            let floor = Centibits::try_from(EXACT_BITS_MAX).unwrap_or(0) * -100;
            self.other[field][Level::Exact as usize] = log2_ratio(agreeing, pairs).max(floor);
        }
    }

    /// One round: what each pattern comes to, and what follows for the weights.
    fn round(&mut self) {
        let rules = self.table.rules().clone();
        let masks: Vec<u32> = rules.relations.iter().map(|relation| mask(&relation.shares)).collect();
        let of_all = |count: u128| log2_ratio(count.max(1), self.pairs);
        let priors: Vec<Centibits> = self.related.iter().map(|related| of_all(*related)).collect();
        let (prior, mut matched) = (of_all(self.matched), 0);
        let mut related = vec![0_u128; masks.len()];
        let mut seen = Box::new([[0_u128; LEVELS]; FIELDS_MAX]);
        let mut explained = [0_u128; FIELDS_MAX];
        for pattern in &self.patterns {
            let mut parts = [0; FIELDS_MAX];
            for (field, part) in parts.iter_mut().enumerate().take(self.fields) {
                *part = self.weight(field, pattern.level(field));
            }
            let all: Centibits = parts.iter().sum();
            let mut logs = vec![all + prior, 0];
            for (mask, prior) in masks.iter().zip(&priors) {
                let shared =
                    (0..self.fields).filter(|field| mask & (1 << field) != 0).map(|field| parts[field]);
                logs.push(shared.sum::<Centibits>() + prior);
            }
            let shares = shares(&logs);
            let count = u128::from(pattern.count);
            let same = count * u128::from(shares[0]);
            matched += same;
            for (related, share) in related.iter_mut().zip(&shares[2..]) {
                *related += count * u128::from(*share);
            }
            for (field, seen) in seen.iter_mut().enumerate().take(self.fields) {
                let level = pattern.level(field);
                seen[level] += same;
                if level == Level::Exact as usize {
                    let sharing =
                        masks.iter().zip(&shares[2..]).filter(|(mask, _)| **mask & (1 << field) != 0);
                    let others: u128 = sharing.map(|(_, share)| count * u128::from(*share)).sum();
                    explained[field] += same + others;
                }
            }
        }
        self.matched = matched.max(u128::from(ONE));
        for (held, related) in self.related.iter_mut().zip(related) {
            *held = related.max(u128::from(ONE) / 2);
        }
        self.set_same(&seen);
        self.set_strangers(&explained);
    }

    fn set_same(&mut self, seen: &Counts) {
        for (field, seen) in seen.iter().enumerate().take(self.fields) {
            let usual = usual(self.table.rules().fields[field].compare);
            let all = seen.iter().skip(1).sum::<u128>() + BELIEVED * u128::from(ONE);
            for (level, (seen, usual)) in seen.iter().zip(usual).enumerate().skip(1) {
                let believed = BELIEVED * u128::from(ONE) * usual / 1_000;
                self.same[field][level] = log2_ratio((seen + believed).max(u128::from(ONE) / 4), all);
            }
        }
    }

    fn weight(&self, field: usize, level: usize) -> Centibits {
        if level == Level::Missing as usize {
            return 0;
        }
        let declared = self.table.rules().fields[field].weights.get(&Level::ALL[level].0);
        declared.copied().unwrap_or(self.same[field][level] - self.other[field][level])
    }
}

/// The logarithms as shares of [`ONE`].
fn shares(logs: &[Centibits]) -> Vec<u64> {
    let highest = logs.iter().max().copied().unwrap_or(0);
    let powers: Vec<u64> = logs.iter().map(|log| exp2_neg((highest - log).unsigned_abs())).collect();
    let all: u128 = powers.iter().map(|power| u128::from(*power)).sum();
    let share = |power: &u64| u64::try_from((u128::from(*power) << 32) / all.max(1)).unwrap_or(ONE);
    powers.iter().map(share).collect()
}

/// How many records each system has.
fn sides(table: &Table) -> Vec<u128> {
    let mut sides = Vec::new();
    for row in 0..u32::try_from(table.len()).unwrap_or(u32::MAX) {
        let system = table.system(row) as usize;
        if sides.len() <= system {
            sides.resize(system + 1, 0);
        }
        sides[system] += 1;
    }
    sides
}

/// The levels of compared pairs, each with how many pairs have them; of very many pairs some are looked at.
fn patterns(table: &Table, pairs: &[Pair], comparisons: &mut Comparisons) -> Vec<Pattern> {
    let every = pairs.len().div_ceil(COMPARED_MAX).max(1);
    // Which ones hangs on the names alone, so that the order of records leaves no trace.
    let of = |row: &Row| name_hash(table, *row);
    let looked_at = |(a, b): &&Pair| every == 1 || fit(mix(of(a) ^ of(b))).is_multiple_of(every);
    let mut packed: Vec<u64> = pairs
        .iter()
        .filter(looked_at)
        .map(|(a, b)| {
            let levels = comparisons.levels(table, *a, *b);
            levels
                .iter()
                .enumerate()
                .fold(0, |packed, (field, level)| packed | (*level as u64) << (3 * field))
        })
        .collect();
    packed.sort_unstable();
    let count = |equal: &[u64]| Pattern { levels: equal[0], count: (equal.len() * every) as u64 };
    packed.chunk_by(|a, b| a == b).map(count).collect()
}

fn name_hash(table: &Table, row: Row) -> u64 {
    let name = table.name(row);
    hash(hash(0, name.system.as_bytes()), name.id.as_bytes())
}

fn fit(hash: u64) -> usize {
    usize::try_from(hash & 0xffff_ffff).unwrap_or(0)
}

/// How many pairs agree exactly on a field.
fn agreeing(table: &Table, field: usize, across: bool) -> u128 {
    let rows = 0..u32::try_from(table.len()).unwrap_or(u32::MAX);
    let mut cells: Vec<(u32, u32)> =
        rows.map(|row| (table.cells(row)[field], table.system(row))).filter(|(cell, _)| *cell != 0).collect();
    cells.sort_unstable();
    let two = |count: usize| (count as u128) * (count as u128).saturating_sub(1) / 2;
    let mut agreeing = 0;
    for equal in cells.chunk_by(|a, b| a.0 == b.0) {
        agreeing += two(equal.len());
        if across {
            agreeing -= equal.chunk_by(|a, b| a.1 == b.1).map(|side| two(side.len())).sum::<u128>();
        }
    }
    agreeing
}

/// How pairs agree that were drawn from all, in the order of names, by the hash of a number.
fn strangers(table: &Table, across: bool, comparisons: &mut Comparisons) -> Counts {
    let mut counts = [[0; LEVELS]; FIELDS_MAX];
    let rows = u64::try_from(table.len()).unwrap_or(0);
    if rows < 2 {
        return counts;
    }
    let mut named: Vec<Row> = (0..Row::try_from(rows).unwrap_or(Row::MAX)).collect();
    named.sort_unstable_by_key(|row| table.name(*row));
    let row = |number: u64| named[usize::try_from(number % rows).unwrap_or(0)];
    for draw in 0..STRANGERS_MAX {
        let (a, b) = (row(mix(2 * draw + 1)), row(mix(2 * draw + 2)));
        if a == b || (across && table.system(a) == table.system(b)) {
            continue;
        }
        let levels = comparisons.levels(table, a, b);
        for (field, level) in levels.iter().enumerate() {
            if *level != Level::Missing {
                counts[field][*level as usize] += 1;
            }
        }
    }
    counts
}
