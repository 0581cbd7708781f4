//! Why two records are the same, are not, or are asked about; and what would settle it.
//!
//! Absent: the values themselves, so that an explanation can be shown where the people behind the records may not be.
//! Invariant: what is told to flip an answer does flip it, under the same model.

use super::batch::Answered;
use super::compare::Levels;
use super::decide::{Answer, Bar, DECIDED};
use super::model::{CERTAIN, Model, Weighed};
use super::table::Table;
use std::fmt::Write as _;
use xops_kernel::identity::{Centibits, Level};

/// The most facts that are looked for together.
const FACTS_MAX: usize = 3;

/// The fields that would have to agree, or to differ, for another answer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Flips {
    /// They would be the same if these agreed; empty where no few facts would do.
    pub same: Vec<usize>,
    /// They would be different if these differed.
    pub different: Vec<usize>,
}

/// What settles a pair that is asked about: the fewest facts, the strongest of those.
pub fn flips(table: &Table, model: &Model, answered: &Answered, weighed: &Weighed) -> Flips {
    // What rivals take away stays taken away.
    let apart = answered.score - weighed.score;
    let fields = 0..table.rules().fields.len();
    let score = |set: &[usize], level: Level| {
        let mut levels: Levels = weighed.levels;
        for field in set {
            levels[*field] = level;
        }
        model.weigh_levels(table, answered.pair, levels).score + apart
    };
    let could = |level: Level| fields.clone().filter(move |field| weighed.levels[*field] != level);
    let same: Vec<usize> = could(Level::Exact).collect();
    let different: Vec<usize> = could(Level::Different).collect();
    let review = table.rules().review;
    Flips {
        same: fewest(&same, |set| Some(score(set, Level::Exact)).filter(|score| *score >= model.same)),
        different: fewest(&different, |set| {
            Some(-score(set, Level::Different)).filter(|score| -*score < review)
        }),
    }
}

/// The smallest set of `from` that is good, and of those the best.
fn fewest(from: &[usize], good: impl Fn(&[usize]) -> Option<Centibits>) -> Vec<usize> {
    for size in 1..=FACTS_MAX.min(from.len()) {
        let mut best: Option<(Centibits, Vec<usize>)> = None;
        each(from, size, &mut Vec::new(), &mut |set| {
            if let Some(score) = good(set)
                && best.as_ref().is_none_or(|(most, _)| score > *most)
            {
                best = Some((score, set.to_vec()));
            }
        });
        if let Some((_, set)) = best {
            return set;
        }
    }
    Vec::new()
}

/// Every subset of `size`, in the order of `from`.
fn each(from: &[usize], size: usize, set: &mut Vec<usize>, seen: &mut impl FnMut(&[usize])) {
    if set.len() == size {
        return seen(set);
    }
    for (at, field) in from.iter().enumerate() {
        set.push(*field);
        each(&from[at + 1..], size, set, seen);
        set.pop();
    }
}

/// The explanation of an answer, as one line.
pub fn tell(table: &Table, model: &Model, answered: &Answered, weighed: &Weighed) -> String {
    let rules = table.rules();
    let mut told = Vec::new();
    if answered.score >= DECIDED {
        told.push("a person joined them".to_owned());
    } else if let Some(place) = weighed.decided {
        told.push(if weighed.score >= CERTAIN {
            format!("the key `{}` agrees", rules.keys[place].name)
        } else {
            format!("`{}` forbids it", rules.vetoes[place].name)
        });
    }
    if answered.answer == Answer::Same && weighed.score < model.same && answered.score < DECIDED {
        told.push("they belong together by way of other records".to_owned());
    }
    told.push(parts(table, weighed));
    if let Some(relation) = weighed.like.and_then(|place| rules.relations.get(place)) {
        told.push(format!("held against `{}`", relation.name));
    }
    if let Some(bar) = answered.bar {
        told.extend(bar_told(table, bar));
    }
    if answered.answer == Answer::Review {
        told.push(settles(table, model, answered, weighed));
    }
    told.join("; ")
}

/// Each field with its level and what it adds, in bits.
fn parts(table: &Table, weighed: &Weighed) -> String {
    let mut told = String::new();
    for (field, declared) in table.rules().fields.iter().enumerate() {
        let level = weighed.levels[field];
        if level == Level::Missing {
            continue;
        }
        let part = weighed.parts[field];
        let sign = if part < 0 { '-' } else { '+' };
        let tenths = (part.unsigned_abs() + 5) / 10;
        let separator = if told.is_empty() { "" } else { ", " };
        let _cannot_fail = write!(
            told,
            "{separator}{} {} {sign}{}.{}",
            declared.name,
            level.word(),
            tenths / 10,
            tenths % 10
        );
    }
    if told.is_empty() { "nothing is known of both".to_owned() } else { told }
}

fn bar_told(table: &Table, bar: Bar) -> Option<String> {
    let name = |row| {
        let name = table.name(row);
        format!("`{}:{}`", name.system, name.id)
    };
    match bar {
        Bar::Decided => Some("a person keeps them apart".to_owned()),
        Bar::Veto => Some("a veto keeps them, or records that came with them, apart".to_owned()),
        Bar::Taken(row) => Some(format!("the place is taken by {}", name(row))),
        Bar::Crowded => Some("together they would have more records than the rules allow".to_owned()),
        Bar::Rival(row) => Some(format!("{} is nearly as good", name(row))),
        Bar::Weak => None,
    }
}

/// What would settle a pair that is asked about.
pub fn settles(table: &Table, model: &Model, answered: &Answered, weighed: &Weighed) -> String {
    if let Some(Bar::Rival(row)) = answered.bar {
        let name = table.name(row);
        return format!(
            "same if `{}:{}` is shown to be another, different if it is shown to be the one",
            name.system, name.id
        );
    }
    if !matches!(answered.bar, Some(Bar::Weak)) {
        return "a decision settles it".to_owned();
    }
    let flips = flips(table, model, answered, weighed);
    let words = |fields: &[usize], singular: &str, plural: &str| {
        let names: Vec<String> =
            fields.iter().map(|field| format!("`{}`", table.rules().fields[*field].name)).collect();
        format!("{} {}", names.join(" and "), if fields.len() == 1 { singular } else { plural })
    };
    let mut told = Vec::new();
    if !flips.same.is_empty() {
        told.push(format!("same if {}", words(&flips.same, "agrees", "agree")));
    }
    if !flips.different.is_empty() {
        told.push(format!("different if {}", words(&flips.different, "differs", "differ")));
    }
    if told.is_empty() { "only a decision settles it".to_owned() } else { told.join(", ") }
}
