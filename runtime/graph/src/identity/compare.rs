//! How well two values agree, as one of few levels.
//!
//! Absent: weights. Invariants: the level of two values does not hang on which comes first; two equal values are `Exact`,
//! whatever the comparator; no comparison costs more than `CHARS_MAX` characters squared.
//!
//! Spelling is held by the optimal string alignment (one slip is a letter more, less, another, or two neighbours swapped) and by
//! the similarity of Jaro and Winkler (1990), whose usual thresholds are 0.92 for names and 0.88 for a weak likeness.

use super::block::Pair;
use super::model;
use super::slots::mix;
use super::table::{Row, Table, Value};
use xops_kernel::identity::{Comparator, Level, Veto};

/// How many levels there are.
pub const LEVELS: usize = Level::ALL.len();

/// The most characters of a value that are compared.
pub(super) const CHARS_MAX: usize = 64;

/// From this similarity on two names are close.
const NAME_CLOSE: f64 = 0.92;
/// From this similarity on two texts are close.
const TEXT_CLOSE: f64 = 0.9;
/// From this similarity on two names or texts have something in common.
const PART: f64 = 0.84;

/// The levels of all fields of a pair, in the order of fields.
pub type Levels = [Level; super::model::FIELDS_MAX];

/// Compares values, and remembers what it compared.
#[derive(Clone, Debug)]
pub struct Comparisons {
    places: Vec<(u32, u32, u8)>,
    crossing: u32,
}

/// How many comparisons are remembered for each field.
const REMEMBERED: usize = 1 << 15;

impl Comparisons {
    /// For the fields of `table`.
    pub fn new(table: &Table) -> Self {
        let fields = table.rules().fields.iter().enumerate();
        let crossing = fields.filter_map(|(field, declared)| Some(1 << field | 1 << declared.crosses?));
        let crossing = crossing.fold(0, |mask, pair: u32| mask | pair);
        let places = vec![(0, 0, 0); REMEMBERED * table.rules().fields.len().max(1)];
        Self { places, crossing }
    }

    /// The fields whose values may stand in another's place, a bit each.
    pub fn crossing(&self) -> u32 {
        self.crossing
    }

    /// The levels of two fields whose values may stand in each other's place, and in no third one's.
    pub fn crossed_levels(
        &mut self,
        table: &Table,
        (a, b): Pair,
        (field, other): (usize, usize),
    ) -> (Level, Level) {
        let (left, right) = (table.cells(a), table.cells(b));
        let one = self.level(table, field, left[field], right[field]);
        let two = self.level(table, other, left[other], right[other]);
        if one >= Level::Part && two >= Level::Part && crossed(table, a, b, field, other) {
            return (Level::Crossed, Level::Missing);
        }
        (one, two)
    }

    /// How well two values of a field agree.
    pub fn level(&mut self, table: &Table, field: usize, a: u32, b: u32) -> Level {
        if a == 0 || b == 0 {
            return Level::Missing;
        }
        if a == b {
            return Level::Exact;
        }
        let (low, high) = (a.min(b), a.max(b));
        let hash = mix(u64::from(low) << 32 | u64::from(high));
        let place = field * REMEMBERED + usize::try_from(hash).unwrap_or(0) % REMEMBERED;
        let held = self.places[place];
        if (held.0, held.1) == (low, high) {
            return Level::ALL[held.2 as usize].0;
        }
        let comparator = table.rules().fields[field].compare;
        let level = between(comparator, table.value(field, low), table.value(field, high));
        self.places[place] = (low, high, level as u8);
        level
    }

    /// Whether a veto forbids two records: only where one does by what each field says alone are all levels needed, because values
    /// that stand in each other's place can but lift a veto.
    pub fn vetoed(&mut self, table: &Table, (a, b): Pair) -> bool {
        let rules = table.rules().clone();
        let (left, right) = (table.cells(a), table.cells(b));
        let differ = |field: &usize| left[*field] != right[*field] && left[*field] != 0 && right[*field] != 0;
        let possible = |veto: &&Veto| veto.differs.iter().all(differ);
        let alone = rules.vetoes.iter().filter(possible).any(|veto| {
            let mut level = |field: &usize| self.level(table, *field, left[*field], right[*field]);
            veto.agrees.iter().all(|field| matches!(level(field), Level::Exact | Level::Near))
                && veto.differs.iter().all(|field| level(field) == Level::Different)
        });
        alone && model::vetoed(&rules, &self.levels(table, a, b)).is_some()
    }

    /// The levels of all fields of two records.
    pub fn levels(&mut self, table: &Table, a: Row, b: Row) -> Levels {
        let mut levels = [Level::Missing; super::model::FIELDS_MAX];
        let (left, right) = (table.cells(a), table.cells(b));
        for (field, level) in levels.iter_mut().enumerate().take(left.len()) {
            *level = self.level(table, field, left[field], right[field]);
        }
        for (field, declared) in table.rules().fields.iter().enumerate() {
            let Some(other) = declared.crosses else { continue };
            if levels[field] >= Level::Part
                && levels[other] >= Level::Part
                && crossed(table, a, b, field, other)
            {
                levels[field] = Level::Crossed;
                levels[other] = Level::Missing;
            }
        }
        levels
    }
}

/// Whether each of two fields of `a` stands in the other's place in `b`: one of them the same, the other at least close.
fn crossed(table: &Table, a: Row, b: Row, field: usize, other: usize) -> bool {
    let comparator = table.rules().fields[field].compare;
    let value = |row: Row, field: usize| table.value(field, table.cells(row)[field]);
    let across = |x: &Value, y: &Value| {
        if x.text == y.text { Level::Exact } else { between(comparator, x, y) }
    };
    let there = across(value(a, field), value(b, other));
    let back = across(value(a, other), value(b, field));
    there.min(back) == Level::Exact && there.max(back) <= Level::Close
}

/// How well two different values agree.
pub fn between(comparator: Comparator, a: &Value, b: &Value) -> Level {
    // Jaro's matches are found from the first text on: the order must not be that of arrival.
    let (a, b) = if a.text <= b.text { (a, b) } else { (b, a) };
    let (left, right) = (cut(&a.text), cut(&b.text));
    if left == right {
        return Level::Exact;
    }
    if a.synonym != 0 && a.synonym == b.synonym {
        return Level::Close;
    }
    match comparator {
        Comparator::Exact => Level::Different,
        Comparator::Name => name(left, right),
        Comparator::Text => text(left, right),
        Comparator::Date => date(left, right),
        Comparator::Code => code(left, right),
        Comparator::Email => email(left, right),
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Slips between two texts.
fn slips(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

/// Whether one slip is all there is between two texts of ASCII.
fn one_slip(a: &str, b: &str) -> bool {
    let (short, long) =
        if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let front = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[front..], &long[front..]);
    if short.len() < long.len() {
        return *short == long[1..];
    }
    let [a, a2, rest @ ..] = short else { return true };
    let [b, b2, other @ ..] = long else { return true };
    short[1..] == long[1..] || (a == b2 && a2 == b && rest == other)
}

fn near(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { one_slip(a, b) } else { slips(a, b) <= 1 }
}

fn name(a: &str, b: &str) -> Level {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let letters = chars(short);
    if letters >= 3 && near(a, b) {
        return Level::Near;
    }
    let squeezed = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
    if a.contains(' ') || b.contains(' ') {
        if squeezed(a) == squeezed(b) {
            return Level::Near;
        }
        if short.len() >= 3 && long.split(' ').any(|word| word == short) {
            return Level::Close;
        }
    }
    let alike = strsim::jaro_winkler(a, b);
    if letters >= 3 && alike >= NAME_CLOSE {
        return Level::Close;
    }
    if (letters <= 3 && long.starts_with(short)) || (letters >= 3 && alike >= PART) {
        return Level::Part;
    }
    Level::Different
}

fn text(a: &str, b: &str) -> Level {
    if near(a, b) && a.len().min(b.len()) >= 4 {
        return Level::Near;
    }
    let (mine, theirs): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let common = mine.iter().filter(|word| theirs.contains(word)).count();
    let alike = strsim::jaro_winkler(a, b);
    if alike >= TEXT_CLOSE || common >= 2 && common == mine.len().min(theirs.len()) {
        return Level::Close;
    }
    if alike >= PART || (common >= 1 && common * 2 >= mine.len().max(theirs.len())) {
        return Level::Part;
    }
    Level::Different
}

fn date(a: &str, b: &str) -> Level {
    if near(a, b) {
        return Level::Near;
    }
    let whole = a.len() == 8 && b.len() == 8 && a.is_ascii() && b.is_ascii();
    if !whole {
        return if slips(a, b) <= 2 { Level::Part } else { Level::Different };
    }
    let parts = |date: &str| [date[..4].to_owned(), date[4..6].to_owned(), date[6..].to_owned()];
    let (left, right) = (parts(a), parts(b));
    if left[0] == right[0] && left[1] == right[2] && left[2] == right[1] {
        return Level::Near;
    }
    let same = left.iter().zip(&right).filter(|(a, b)| a == b).count();
    match same {
        2 => Level::Close,
        _ if slips(a, b) <= 2 => Level::Part,
        _ => Level::Different,
    }
}

fn code(a: &str, b: &str) -> Level {
    let short = chars(a).min(chars(b));
    if short >= 3 && near(a, b) {
        return Level::Near;
    }
    if short >= 6 && slips(a, b) <= 2 {
        return Level::Close;
    }
    if short >= 6 && (a.ends_with(b) || b.ends_with(a)) {
        return Level::Part;
    }
    Level::Different
}

fn email(a: &str, b: &str) -> Level {
    let split = |text: &'_ str| -> (String, String) {
        let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        (local.to_owned(), domain.to_owned())
    };
    let ((local, domain), (other, at)) = (split(a), split(b));
    if local == other || (domain == at && chars(&local).min(chars(&other)) >= 4 && near(&local, &other)) {
        return Level::Near;
    }
    let slim = |local: &str| local.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    if slim(&local) == slim(&other) || (domain == at && strsim::jaro_winkler(&local, &other) >= TEXT_CLOSE) {
        return Level::Close;
    }
    Level::Different
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comparator: Comparator, a: &str, b: &str, expect: Level) {
        let value = |text: &str| Value { text: text.to_owned(), ..Value::default() };
        assert_eq!(between(comparator, &value(a), &value(b)), expect, "{a} {b}");
        assert_eq!(between(comparator, &value(b), &value(a)), expect, "{b} {a}");
    }

    #[test]
    fn names_agree_in_levels() {
        check(Comparator::Name, "catherine", "catherine", Level::Exact);
        check(Comparator::Name, "catherine", "catherien", Level::Near);
        check(Comparator::Name, "catherine", "cathrin", Level::Close);
        check(Comparator::Name, "mary ann", "maryann", Level::Near);
        check(Comparator::Name, "de la cruz", "cruz", Level::Close);
        check(Comparator::Name, "j", "jacob", Level::Part);
        check(Comparator::Name, "emma", "noah", Level::Different);
    }

    #[test]
    fn dates_agree_in_levels() {
        check(Comparator::Date, "19800304", "19800304", Level::Exact);
        check(Comparator::Date, "19800304", "19800403", Level::Near);
        check(Comparator::Date, "19800304", "19800305", Level::Near);
        check(Comparator::Date, "19800304", "19800317", Level::Close);
        check(Comparator::Date, "19800304", "19710911", Level::Different);
    }

    #[test]
    fn codes_and_addresses_agree_in_levels() {
        check(Comparator::Code, "5304218", "5304281", Level::Near);
        check(Comparator::Code, "5304218", "5394219", Level::Close);
        check(Comparator::Code, "5304218", "1182097", Level::Different);
        check(Comparator::Code, "12", "13", Level::Different);
        check(Comparator::Text, "stanley street", "stanly street", Level::Near);
        check(Comparator::Text, "unit 3 stanley street", "stanley street", Level::Close);
        check(Comparator::Email, "sarah.chen@a.example", "sarah.chen@b.example", Level::Near);
        check(Comparator::Email, "sarah.chen@a.example", "sarahchen@b.example", Level::Close);
        check(Comparator::Email, "info@a.example", "sarah@a.example", Level::Different);
    }

    #[test]
    fn one_slip_is_what_the_library_says_it_is() {
        let words =
            ["", "a", "ab", "ba", "abc", "acb", "abcd", "bacd", "abdc", "xbcd", "abcde", "abced", "axced"];
        for a in words {
            for b in words {
                assert_eq!(one_slip(a, b), slips(a, b) <= 1, "{a} {b}");
            }
        }
    }
}
