//! The rules by which records are told to be of one thing: `identity "person" { ... }`.
//!
//! Absent: how records are compared. Invariants: fields are named before anything refers to them by place; rules with a mistake
//! are not given out; a rule that could never hold is a mistake.

use super::draft::{At, insert};
use super::read::{check_word, each};
use crate::code;
use crate::finding::{self, Finding, suggest};
use crate::reader::{Reader, listed};
use crate::syntax::{self, Block, Word};
use std::collections::BTreeMap;
use std::ops::Range;
use xops_kernel::identity::{
    Block as Keyed, Comparator, Decision, Field, Key, Level, Linkage, Normaliser, Part, Relation, Rules, Veto,
};

mod cuts;

/// The most fields that rules compare.
const FIELDS_MAX: usize = 20;

/// Scores that a threshold or a weight may have, in hundredths of a bit.
const SCORES: std::ops::RangeInclusive<i64> = -9_000..=9_000;

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// The rules, by name, with their places.
    pub(super) rules: BTreeMap<String, (At, Rules)>,
    /// What people decided, with the name of the rules that it is for.
    pub(super) decisions: Vec<(At, Word, Decision)>,
}

/// Reads the rules of one file, and finds what is wrong with them. The rules may be used only if no finding is an error.
pub fn rules(file: &str, text: &[u8]) -> (Vec<Rules>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut drafts = Drafts::default();
    if let Some(body) = syntax::parse(file, text, &mut findings) {
        let mut reader = Reader::file(&body, &mut findings);
        read(&mut reader, &mut drafts);
        if drafts.rules.is_empty() {
            reader.missing("block `identity`");
        }
        reader.finish();
    }
    check(&drafts, &mut findings);
    finding::sort(&mut findings);
    (drafts.rules.keys().filter_map(|name| drafts.whole(name)).collect(), findings)
}

impl Drafts {
    /// The rules of this name with everything that was decided for them.
    pub(super) fn whole(&self, name: &str) -> Option<Rules> {
        let mut rules = self.rules.get(name)?.1.clone();
        let decided = self.decisions.iter().filter(|(_, of, _)| of.text == name);
        rules.decisions.extend(decided.map(|(_, _, decision)| decision.clone()));
        rules.decisions.sort();
        rules.decisions.dedup();
        Some(rules)
    }
}

/// Holds decisions to rules that are there.
pub(super) fn check(drafts: &Drafts, findings: &mut Vec<Finding>) {
    for (at, name, _) in &drafts.decisions {
        if !drafts.rules.contains_key(&name.text) {
            findings.push(unknown(drafts, at, &name.text, &name.span));
        }
    }
}

/// The mistake that there are no rules of this name.
pub(super) fn unknown(drafts: &Drafts, at: &At, name: &str, span: &Range<usize>) -> Finding {
    let message = format!("there are no rules of identity `{name}`");
    let help = suggest(name, drafts.rules.keys().map(String::as_str))
        .unwrap_or_else(|| format!("declare them: `identity \"{name}\" {{ ... }}`"));
    at.error_at(span, code::UNKNOWN_RULES, message, "no such rules").help(help)
}

/// Reads every `identity` block, and every decision beside them.
pub(super) fn read(reader: &mut Reader<'_, '_>, drafts: &mut Drafts) {
    each(reader, "decision", &["identity", "answer"], |reader, block| {
        let decided = decision(reader, &block.labels[1]);
        drafts.decisions.extend(decided.map(|decided| (At::head(reader), block.labels[0].clone(), decided)));
    });
    each(reader, "identity", &["name"], |reader, block| {
        check_word(reader, &block.labels[0], "a kind of thing");
        let rules = one(reader, block);
        let what = format!("identity `{}`", rules.name);
        insert(&mut drafts.rules, rules.name.clone(), (At::head(reader), rules), &what, reader);
    });
}

fn texts(reader: &mut Reader<'_, '_>, name: &str) -> Vec<String> {
    reader.list_of_texts(name).into_iter().map(|(text, _)| text).collect()
}

fn score(reader: &mut Reader<'_, '_>, name: &str, default: i32) -> i32 {
    reader.int(name, &SCORES).and_then(|score| i32::try_from(score).ok()).unwrap_or(default)
}

fn count(reader: &mut Reader<'_, '_>, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<usize> {
    reader.int(name, &range).and_then(|count| usize::try_from(count).ok())
}

fn one(reader: &mut Reader<'_, '_>, block: &Block) -> Rules {
    let mut rules = Rules {
        name: block.label(0).to_owned(),
        ids: texts(reader, "ids"),
        systems: texts(reader, "systems"),
        linkage: match reader.choice("linkage", &["many", "one_to_one"]) {
            Some("one_to_one") => Linkage::OneToOne,
            _ => Linkage::Many,
        },
        several: texts(reader, "several"),
        population: count(reader, "population", 2..=1_000_000_000)
            .and_then(|count| u32::try_from(count).ok()),
        same: score(reader, "same", 1_000),
        wrong_max: count(reader, "wrong_max", 0..=1_000_000).and_then(|count| u32::try_from(count).ok()),
        review: score(reader, "review", 0),
        members_max: count(reader, "members_max", 2..=1_000).unwrap_or(64),
        ..Rules::default()
    };
    if rules.review > rules.same {
        let message = format!("`review` is {}, above `same`, which is {}", rules.review, rules.same);
        let finding = reader.error(code::RANGE, reader.span_of("review"), message, "never reached");
        reader.report(
            finding.help("a person is asked below the score from which two records are the same".to_owned()),
        );
    }
    let mut crossing = Vec::new();
    for named in reader.blocks("field", &["name"]) {
        let mut inner = reader.within(named);
        check_word(&mut inner, &named.labels[0], "a field");
        let (declared, crosses) = field(&mut inner, named);
        crossing.extend(crosses.map(|crosses| (rules.fields.len(), crosses)));
        if rules.fields.iter().any(|known| known.name == declared.name) {
            let message = format!("field `{}` is declared twice", declared.name);
            let finding = inner.error(code::DUPLICATE, named.head(), message, "declared again here");
            inner.report(finding);
        }
        inner.finish();
        rules.fields.push(declared);
    }
    if rules.fields.is_empty() || rules.fields.len() > FIELDS_MAX {
        let message = format!("{} has {} fields, not 1 to {FIELDS_MAX}", block.title(), rules.fields.len());
        let finding = reader.error(code::RANGE, reader.head(), message, "out of range");
        reader.report(finding);
        rules.fields.truncate(FIELDS_MAX);
    }
    for (field, (other, span)) in crossing {
        rules.fields[field].crosses = place(reader, &rules.fields, &other, &span);
    }
    parts(reader, &mut rules);
    rules
}

fn parts(reader: &mut Reader<'_, '_>, rules: &mut Rules) {
    let fields = rules.fields.clone();
    each(reader, "relation", &["name"], |reader, block| {
        let shares = places(reader, &fields, "shares");
        let per_thousand = count(reader, "per_thousand", 0..=100_000).unwrap_or(100);
        let per_thousand = u32::try_from(per_thousand).unwrap_or(0);
        rules.relations.push(Relation { name: block.label(0).to_owned(), shares, per_thousand });
    });
    each(reader, "block", &[], |reader, _| {
        let at_most = count(reader, "at_most", 2..=10_000).unwrap_or(64);
        reader.require("keys");
        let keys = reader.list_of_texts("keys");
        let parts: Vec<Part> =
            keys.iter().filter_map(|(text, span)| cuts::part(reader, &fields, text, span)).collect();
        if !parts.is_empty() {
            rules.blocks.push(Keyed { parts, at_most });
        }
    });
    each(reader, "key", &["name"], |reader, block| {
        let fields = places(reader, &fields, "fields");
        if !fields.is_empty() {
            rules.keys.push(Key { name: block.label(0).to_owned(), fields });
        }
    });
    each(reader, "veto", &["name"], |reader, block| {
        let differs = places(reader, &fields, "differs");
        let agrees = if reader.has("agrees") { places(reader, &fields, "agrees") } else { Vec::new() };
        if !differs.is_empty() {
            rules.vetoes.push(Veto { name: block.label(0).to_owned(), agrees, differs });
        }
    });
    each(reader, "decision", &["answer"], |reader, block| {
        rules.decisions.extend(decision(reader, &block.labels[0]));
    });
    if rules.blocks.is_empty() {
        reader.missing("block `block`");
    }
}

/// What a block decides, its answer told by `label`.
fn decision(reader: &mut Reader<'_, '_>, label: &Word) -> Option<Decision> {
    let answer = label.text.as_str();
    if !["same", "different"].contains(&answer) {
        let message = format!("`{answer}` is no decision");
        let finding = reader.error(code::CHOICE, label.span.clone(), message, "not a decision");
        reader.report(finding.help("it is one of `same`, `different`".to_owned()));
    }
    let until = reader.text("until").and_then(|text| {
        let day: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_day = text.len() == 10 && xops_kernel::value::is_date(&text);
        if !is_day {
            let message = format!("`{text}` is no day");
            let finding = reader.error(code::WRONG_VALUE, reader.span_of("until"), message, "not understood");
            reader.report(finding.help("write it as \"2027-01-31\"".to_owned()));
        }
        day.parse::<u32>().ok().filter(|_| is_day)
    });
    let left = reader.required_text("left");
    let right = reader.required_text("right");
    let author = reader.required_text("author");
    let why = reader.required_text("why");
    let (left, right, author, why) = (left?, right?, author?, why?);
    let same = answer == "same";
    (same || answer == "different").then_some(Decision { same, left, right, author, why, until })
}

/// A field, and the name of the one that it crosses with its place.
fn field(reader: &mut Reader<'_, '_>, block: &Block) -> (Field, Option<(String, Range<usize>)>) {
    let mut columns = Vec::new();
    if reader.require("columns") {
        for node in reader.items("columns") {
            let alternative = match node.items() {
                Some(items) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
                None => node.text().map(|text| vec![text.to_owned()]).unwrap_or_default(),
            };
            if alternative.is_empty() {
                let message = "expected a text or a list of texts".to_owned();
                let finding = reader.error(code::WRONG_VALUE, node.span.clone(), message, "no column");
                reader.report(finding);
            } else {
                columns.push(alternative);
            }
        }
    }
    let normalise = choices(reader, "normalise", &Normaliser::ALL);
    let words = Comparator::ALL.map(|(word, _)| word);
    reader.require("compare");
    let compare = reader.choice("compare", &words);
    let compare = Comparator::ALL.iter().find(|(word, _)| Some(*word) == compare);
    let crosses = reader.text("crosses").map(|other| (other, reader.span_of("crosses")));
    let field = Field {
        name: block.label(0).to_owned(),
        columns,
        normalise,
        compare: compare.map_or(Comparator::Exact, |(_, comparator)| *comparator),
        frequencies: reader.bool("frequencies").unwrap_or(true),
        crosses: None,
        junk: texts(reader, "junk"),
        shared_max: count(reader, "shared_max", 1..=1_000_000).and_then(|count| u32::try_from(count).ok()),
        synonyms: synonyms(reader),
        weights: weights(reader),
    };
    (field, crosses)
}

fn synonyms(reader: &mut Reader<'_, '_>) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    for node in reader.items("synonyms") {
        let words: Option<Vec<String>> = node
            .items()
            .map(|items| items.iter().filter_map(|item| item.text().map(str::to_owned)).collect());
        if let Some(words) = words.filter(|words| words.len() >= 2) {
            lists.push(words);
        } else {
            let message = "expected a list of at least two texts".to_owned();
            let finding = reader.error(code::WRONG_VALUE, node.span.clone(), message, "no synonyms");
            reader.report(finding);
        }
    }
    lists
}

fn weights(reader: &mut Reader<'_, '_>) -> BTreeMap<Level, i32> {
    let mut weights = BTreeMap::new();
    for (word, node) in reader.map("weights") {
        let level = Level::ALL[1..].iter().find(|(_, name)| *name == word.text).map(|(level, _)| *level);
        let number = match node.value() {
            Some(xops_kernel::value::Value::Int(number)) if SCORES.contains(&number) => {
                i32::try_from(number).ok()
            }
            _ => None,
        };
        match (level, number) {
            (Some(level), Some(number)) => drop(weights.insert(level, number)),
            (None, _) => {
                let words: Vec<&str> = Level::ALL[1..].iter().map(|(_, word)| *word).collect();
                let message = format!("there is no level `{}`", word.text);
                let help = suggest(&word.text, words.iter().copied())
                    .unwrap_or_else(|| format!("there are {}", listed(&words)));
                let finding =
                    reader.error(code::CHOICE, word.span.clone(), message, "unknown level").help(help);
                reader.report(finding);
            }
            (_, None) => {
                let message = format!("expected an integer of {} to {}", SCORES.start(), SCORES.end());
                let finding = reader.error(code::WRONG_VALUE, node.span.clone(), message, "no weight");
                reader.report(finding);
            }
        }
    }
    weights
}

fn choices<T: Copy>(reader: &mut Reader<'_, '_>, name: &str, among: &[(&'static str, T)]) -> Vec<T> {
    let mut chosen = Vec::new();
    for (text, span) in reader.list_of_texts(name) {
        if let Some((_, value)) = among.iter().find(|(word, _)| *word == text) {
            chosen.push(*value);
            continue;
        }
        let words: Vec<&str> = among.iter().map(|(word, _)| *word).collect();
        let message = format!("`{text}` is no `{name}`");
        let help = suggest(&text, words.iter().copied())
            .unwrap_or_else(|| format!("it is one of {}", listed(&words)));
        let finding = reader.error(code::CHOICE, span, message, "none of the words that may stand here");
        reader.report(finding.help(help));
    }
    chosen
}

/// The places of the fields that a list names; a mistake where it names none.
fn places(reader: &mut Reader<'_, '_>, fields: &[Field], name: &str) -> Vec<usize> {
    if !reader.require(name) {
        return Vec::new();
    }
    let named = reader.list_of_texts(name);
    named.iter().filter_map(|(text, span)| place(reader, fields, text, span)).collect()
}

/// The place of a field.
fn place(reader: &mut Reader<'_, '_>, fields: &[Field], name: &str, span: &Range<usize>) -> Option<usize> {
    let found = fields.iter().position(|field| field.name == name);
    if found.is_none() {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let message = format!("there is no field `{name}`");
        let help =
            suggest(name, names.iter().copied()).unwrap_or_else(|| format!("there are {}", listed(&names)));
        let finding =
            reader.error(code::UNKNOWN_ATTRIBUTE, span.clone(), message, "unknown field").help(help);
        reader.report(finding);
    }
    found
}
