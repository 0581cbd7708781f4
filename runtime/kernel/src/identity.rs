//! What may be declared of identity: how records of one kind are told to be of the same thing.
//!
//! Absent: how records are compared and weighed (the graph does that), and files. Invariants: fields are named by their place
//! in [`Rules::fields`]; what is not declared has no say; every list is in the order of writing, and no decision hangs on it
//! but the order of alternatives in [`Field::columns`]. Rules are written down ([`written`]): what is stored is known by its position.

pub mod written;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kinds of entity whose records are joined by rules, by the name of the kind; all others are joined by exact keys.
pub type Identities = BTreeMap<String, Joining>;

/// By what the records of a kind of entity are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// The rules.
    pub rules: Arc<Rules>,
    /// The attribute of the minting records by which the one that holds is chosen where several are of one entity: that of the
    /// greatest value, then that of the greatest id.
    pub current: String,
}

/// About how many things there are where rules do not say.
pub const POPULATION: u32 = 10_000;

/// Hundredths of a bit of evidence: 100 doubles the odds that two records are of one thing.
pub type Centibits = i32;

/// The rules for one kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// The kind: `person`, `device`.
    pub name: String,
    /// Columns that may hold the id of a record, the first one that is there counts.
    pub ids: Vec<String>,
    /// Columns that may name the system of a record, the first one that is there counts.
    pub systems: Vec<String>,
    /// Whether a system knows a thing once.
    pub linkage: Linkage,
    /// The systems that may know a thing more than once although the others know it once.
    pub several: Vec<String>,
    /// About how many things there are: how unlikely it is that two records picked at random are of one, where that is not learnt.
    pub population: Option<u32>,
    /// From this score on two records are the same, in hundredths of a bit: odds of 2^(score/100) to 1.
    pub same: Centibits,
    /// How many of a million pairs that are joined may be expected to be wrong; the score from which they are joined rises
    /// above [`Rules::same`] until that holds. Not looked at where it is not declared.
    pub wrong_max: Option<u32>,
    /// From this score on a person is asked.
    pub review: Centibits,
    /// The most records that one thing may have; what would make more is asked about.
    pub members_max: usize,
    /// What is compared.
    pub fields: Vec<Field>,
    /// In which ways different things come to look alike.
    pub relations: Vec<Relation>,
    /// Which records are compared at all: those that share a key of one of these.
    pub blocks: Vec<Block>,
    /// Fields that, agreeing, decide alone.
    pub keys: Vec<Key>,
    /// What can never be the same.
    pub vetoes: Vec<Veto>,
    /// What people decided.
    pub decisions: Vec<Decision>,
}

/// A name of a column or an attribute without case and punctuation: `givenName` is `given_name`.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The part that is asked of a column, if one is, and the column: `first(full_name)` is the `first` of `full_name`.
pub fn part_of_column(column: &str) -> (Option<&str>, &str) {
    let parted = column.strip_suffix(')').and_then(|inner| inner.split_once('('));
    parted.map_or((None, column), |(part, column)| (Some(part), column))
}

impl Rules {
    /// Whether records of these attributes can say anything of a field.
    pub fn reads<'a>(&self, attributes: impl Iterator<Item = &'a str>) -> bool {
        let known: BTreeSet<String> = attributes.map(plain).collect();
        let there = |column: &String| known.contains(&plain(part_of_column(column).1));
        self.fields.iter().any(|field| field.columns.iter().any(|columns| columns.iter().all(there)))
    }
}

/// Whether a system knows a thing once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Linkage {
    /// A system may have several records of one thing.
    #[default]
    Many,
    /// A system has at most one record of a thing.
    OneToOne,
}

/// Something that records say and that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it stands: alternatives, of which the first one that is there counts; the columns of an alternative are joined.
    pub columns: Vec<Vec<String>>,
    /// What is done to a text before it is compared.
    pub normalise: Vec<Normaliser>,
    /// How two values are compared.
    pub compare: Comparator,
    /// Whether it counts for more to agree on a rare value than on a common one.
    pub frequencies: bool,
    /// The field whose value may stand here by mistake, and this one's there.
    pub crosses: Option<usize>,
    /// Normalised values that say nothing: placeholders.
    pub junk: Vec<String>,
    /// A value that more records than this have says nothing.
    pub shared_max: Option<u32>,
    /// Lists of normalised values that may stand for one another: nicknames.
    pub synonyms: Vec<Vec<String>>,
    /// The declared weight of each level; the data say it where a level is not declared.
    pub weights: BTreeMap<Level, Centibits>,
}

/// What is done to a text before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Normaliser {
    /// Lower case, without accents, white space and punctuation as single spaces.
    Fold,
    /// Letters and digits alone.
    Alphanumeric,
    /// Digits alone.
    Digits,
    /// Letters alone.
    Letters,
    /// Digits, without zeros at the front.
    Number,
    /// A date in any of the usual writings, as `yyyymmdd`; what is no date says nothing.
    Date,
    /// The words of an address in their short forms.
    Street,
    /// A mail address: lower case, without a part after `+`.
    Email,
    /// The last ten digits.
    Phone,
    /// The first word.
    First,
    /// The last word.
    Last,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparator {
    /// The same or not.
    Exact,
    /// Names of people: spelling, initials, synonyms.
    Name,
    /// Other texts: spelling, words in common.
    Text,
    /// Dates as `yyyymmdd`: digits, transpositions, parts in common.
    Date,
    /// Numbers and codes: digits that differ.
    Code,
    /// Mail addresses: the part before the `@` counts.
    Email,
}

/// How well two values agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Level {
    /// One of them is not there: it says nothing.
    Missing,
    /// The same.
    Exact,
    /// One slip of the pen apart.
    Near,
    /// A few slips apart, or synonyms.
    Close,
    /// Something in common: an initial, a word, a part of a date.
    Part,
    /// Another value.
    Different,
    /// The same, but each in the other's place.
    Crossed,
}

impl Level {
    /// Every level with its word.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Missing, "missing"),
        (Self::Exact, "exact"),
        (Self::Near, "near"),
        (Self::Close, "close"),
        (Self::Part, "part"),
        (Self::Different, "different"),
        (Self::Crossed, "crossed"),
    ];

    /// Its word in files and explanations.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl Normaliser {
    /// Every normaliser with its word.
    pub const ALL: [(&'static str, Self); 11] = [
        ("fold", Self::Fold),
        ("alphanumeric", Self::Alphanumeric),
        ("digits", Self::Digits),
        ("letters", Self::Letters),
        ("number", Self::Number),
        ("date", Self::Date),
        ("street", Self::Street),
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("first", Self::First),
        ("last", Self::Last),
    ];
}

impl Comparator {
    /// Every comparator with its word.
    pub const ALL: [(&'static str, Self); 6] = [
        ("exact", Self::Exact),
        ("name", Self::Name),
        ("text", Self::Text),
        ("date", Self::Date),
        ("code", Self::Code),
        ("email", Self::Email),
    ];
}

/// A way in which two different things come to agree: a household shares an address, twins a birth date as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// The fields that such things have in common.
    pub shares: Vec<usize>,
    /// How many such pairs there are for each thousand pairs that are the same, before the data are looked at.
    pub per_thousand: u32,
}

/// Records that have all these keys in common are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The keys.
    pub parts: Vec<Part>,
    /// Where more records than this share the keys, they are not compared for that reason.
    pub at_most: usize,
}

/// A key made of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// The field.
    pub field: usize,
    /// What of it.
    pub cut: Cut,
}

/// What of a field makes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cut {
    /// All of it.
    Whole,
    /// So many characters at the front.
    Front(usize),
    /// So many characters at the end.
    Back(usize),
    /// Its sound in English (Soundex).
    Sound,
    /// Its letters or digits in order, so that transpositions do not matter.
    Bag,
    /// The year of a date.
    Year,
    /// The month and day of a date, the smaller first.
    MonthDay,
}

/// Fields that, agreeing exactly, make two records the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// The fields.
    pub fields: Vec<usize>,
}

/// What can never be the same, whatever else agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Veto {
    /// Its name: why.
    pub name: String,
    /// The fields that agree, exactly or nearly.
    pub agrees: Vec<usize>,
    /// The fields that differ.
    pub differs: Vec<usize>,
}

/// What a person decided of two records, each by its id, or by `system:id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decision {
    /// Whether they are the same.
    pub same: bool,
    /// One record.
    pub left: String,
    /// The other record.
    pub right: String,
    /// Who decided.
    pub author: String,
    /// Why.
    pub why: String,
    /// The last day on which it holds, as `yyyymmdd`; for ever where it is not declared.
    pub until: Option<u32>,
}

impl Decision {
    /// The two records, in order.
    pub fn pair(&self) -> (&str, &str) {
        if self.left <= self.right { (&self.left, &self.right) } else { (&self.right, &self.left) }
    }
}
