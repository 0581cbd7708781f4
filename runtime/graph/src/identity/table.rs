//! Records as rows of numbers: each value is kept once, and equal values have one number.
//!
//! Absent: decisions. Invariants: the number 0 is no value; a record is known by its system and its id, once; a place in the
//! table is never given to another record.

use super::normal::normalise;
use super::slots::{Slots, hash, mix};
use super::{fixed, model::Census};
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::identity::{Centibits, Linkage, Rules};

/// The number of a record: its place in the table.
pub type Row = u32;

/// The most records of a table.
pub const ROWS_MAX: usize = 50_000_000;

/// By how much a value can be rarer or commoner than the average counts, in hundredths of a bit.
pub(super) const RARITY: (Centibits, Centibits) = (-600, 800);

/// The bits of a place of a value in its pool; above it stands the field.
const NO_SYNONYM: u32 = 0;

/// A normalised value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Value {
    /// The text.
    pub text: String,
    /// By how many hundredths of a bit it is rarer than the average value of its field.
    pub rarity: Centibits,
    /// The list of synonyms in which it stands, counted from 1; 0 is none.
    pub synonym: u32,
    /// How many records have it.
    pub count: u32,
    /// Whether it says nothing, because too many records have it.
    pub blank: bool,
}

/// The values of one field.
#[derive(Clone, Debug, Default)]
struct Pool {
    values: Vec<Value>,
    slots: Slots,
    synonyms: BTreeMap<String, u32>,
}

/// Who a record is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Its system.
    pub system: Arc<str>,
    /// Its id there.
    pub id: Box<str>,
}

/// A record as it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its system.
    pub system: String,
    /// Its id there.
    pub id: String,
    /// What it says of each field of the rules, before anything is done to it; empty where it says nothing.
    pub values: Vec<String>,
}

/// Why a record is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A record of this name is there.
    #[error("`{0}` is there already: give each record of a system an id of its own")]
    Twice(String),
    /// It has no id.
    #[error("the record has no id")]
    NoId,
    /// The table is full.
    #[error("there are {ROWS_MAX} records already, and that is the most")]
    Full,
}

/// Records, and the values they have.
#[derive(Clone, Debug)]
pub struct Table {
    rules: Arc<Rules>,
    pools: Vec<Pool>,
    cells: Vec<u32>,
    names: Vec<Name>,
    systems: BTreeMap<String, (u32, Arc<str>)>,
    system_of: Vec<u32>,
    by_name: Slots,
}

impl Table {
    /// An empty table.
    pub fn new(rules: Arc<Rules>) -> Self {
        let pool = |field: &xops_kernel::identity::Field| {
            let mut pool = Pool { values: vec![Value::default()], ..Pool::default() };
            for (list, number) in field.synonyms.iter().zip(1_u32..) {
                for word in list {
                    pool.synonyms.entry(word.clone()).or_insert(number);
                }
            }
            pool
        };
        let pools = rules.fields.iter().map(pool).collect();
        Self {
            rules,
            pools,
            cells: Vec::new(),
            names: Vec::new(),
            systems: BTreeMap::new(),
            system_of: Vec::new(),
            by_name: Slots::default(),
        }
    }

    /// The rules that say what a row is made of.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The numbers of its values, a field each.
    pub fn cells(&self, row: Row) -> &[u32] {
        let width = self.pools.len();
        &self.cells[row as usize * width..][..width]
    }

    /// What a record says of a field, if anything.
    pub fn value(&self, field: usize, number: u32) -> &Value {
        &self.pools[field].values[number as usize]
    }

    /// What `row` says of a field; the empty text where nothing.
    pub fn text(&self, row: Row, field: usize) -> &str {
        &self.value(field, self.cells(row)[field]).text
    }

    /// Who a record is.
    pub fn name(&self, row: Row) -> &Name {
        &self.names[row as usize]
    }

    /// The number of a record's system.
    pub fn system(&self, row: Row) -> u32 {
        self.system_of[row as usize]
    }

    /// Whether two rows are of one system that knows a thing once.
    pub fn excludes(&self, a: Row, b: Row) -> bool {
        self.rules.linkage == Linkage::OneToOne && self.is_within(a, b)
    }

    /// Whether two rows are of one system, and not of one that may know a thing more than once.
    pub fn is_within(&self, a: Row, b: Row) -> bool {
        let several = |name: &Name| self.rules.several.iter().any(|system| **system == *name.system);
        self.system(a) == self.system(b) && !several(self.name(a))
    }

    /// The record of this name.
    pub fn find(&self, system: &str, id: &str) -> Option<Row> {
        let mut key = name_key(system, id);
        // Two names with one hash are next to each other in a chain of hashes.
        while let Some(row) = self.by_name.get(key) {
            let name = self.name(row);
            if &*name.system == system && &*name.id == id {
                return Some(row);
            }
            key = mix(key.wrapping_add(1));
        }
        None
    }

    /// The one record that is called `called`, its id or `system:id`, of those that are `there`.
    pub fn called(&self, called: &str, there: impl Fn(Row) -> bool) -> Option<Row> {
        let systems = self.systems.keys();
        let mut found = systems.filter_map(|system| self.find(system, called).filter(|row| there(*row)));
        if let Some(row) = found.next() {
            return found.next().is_none().then_some(row);
        }
        let (system, id) = called.split_once(':')?;
        self.find(system, id).filter(|row| there(*row))
    }

    /// Takes a record in, in the place of the one of its name if there is one.
    pub fn put(&mut self, record: &Record) -> Result<Row, Refused> {
        let Some(row) = self.find(&record.system, &record.id) else { return self.add(record) };
        let width = self.pools.len();
        for field in 0..width {
            let cell = self.intern(field, record.values.get(field).map_or("", String::as_str));
            self.cells[row as usize * width + field] = cell;
        }
        Ok(row)
    }

    /// Takes a record in.
    pub fn add(&mut self, record: &Record) -> Result<Row, Refused> {
        if record.id.trim().is_empty() {
            return Err(Refused::NoId);
        }
        if self.find(&record.system, &record.id).is_some() {
            return Err(Refused::Twice(format!("{}:{}", record.system, record.id)));
        }
        let row = u32::try_from(self.names.len()).ok().filter(|row| (*row as usize) < ROWS_MAX);
        let row = row.ok_or(Refused::Full)?;
        let next = u32::try_from(self.systems.len()).unwrap_or(u32::MAX);
        let system = self.systems.get(&record.system).cloned().unwrap_or_else(|| {
            let entry = (next, Arc::from(record.system.as_str()));
            self.systems.insert(record.system.clone(), entry.clone());
            entry
        });
        for field in 0..self.pools.len() {
            let cell = self.intern(field, record.values.get(field).map_or("", String::as_str));
            self.cells.push(cell);
        }
        self.system_of.push(system.0);
        self.names.push(Name { system: system.1, id: record.id.as_str().into() });
        let mut key = name_key(&record.system, &record.id);
        while self.by_name.get(key).is_some() {
            key = mix(key.wrapping_add(1));
        }
        self.by_name.put(key, row);
        Ok(row)
    }

    /// The number of a text, which is kept if it is new; 0 where it says nothing.
    fn intern(&mut self, field: usize, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let declared = &self.rules.fields[field];
        let text = normalise(text, &declared.normalise);
        if text.is_empty() || declared.junk.contains(&text) {
            return 0;
        }
        let pool = &mut self.pools[field];
        let mut key = hash(0, text.as_bytes());
        while let Some(number) = pool.slots.get(key) {
            let value = &mut pool.values[number as usize];
            if value.text == text {
                value.count = value.count.saturating_add(1);
                return if value.blank { 0 } else { number };
            }
            key = mix(key.wrapping_add(1));
        }
        let number = u32::try_from(pool.values.len()).unwrap_or(u32::MAX - 1);
        let synonym = pool.synonyms.get(&text).copied().unwrap_or(NO_SYNONYM);
        pool.values.push(Value { text, rarity: 0, synonym, count: 1, blank: false });
        pool.slots.put(key, number);
        number
    }

    /// How often each value stands there.
    pub fn census(&self) -> Vec<Census> {
        self.pools.iter().map(|pool| Census::of(pool.values.iter().skip(1))).collect()
    }

    /// Takes on what is known of how common values are: rare ones weigh more, those that too many records share say nothing.
    /// What `census` does not know is as rare as can be.
    pub fn settle(&mut self, census: &[Census]) {
        let width = self.pools.len();
        for (field, (pool, census)) in self.pools.iter_mut().zip(census).enumerate() {
            let declared = &self.rules.fields[field];
            for value in pool.values.iter_mut().skip(1) {
                let count = census.count(&value.text);
                value.blank = declared.shared_max.is_some_and(|most| count > most);
                let rarity = fixed::log2_ratio(census.squares.max(1), census.records.max(1))
                    - fixed::log2(u128::from(count.max(1)));
                value.rarity = if declared.frequencies { rarity.clamp(RARITY.0, RARITY.1) } else { 0 };
            }
            for cell in self.cells.iter_mut().skip(field).step_by(width) {
                if pool.values[*cell as usize].blank {
                    *cell = 0;
                }
            }
        }
    }

    /// Takes on what is known of how common the values of one record are, as [`Table::settle`] does for all.
    pub fn settle_row(&mut self, row: Row, census: &[Census]) {
        let width = self.pools.len();
        for (field, known) in census.iter().enumerate().take(width) {
            let cell = self.cells[row as usize * width + field];
            let value = &mut self.pools[field].values[cell as usize];
            if cell == 0 || value.count > 1 {
                continue;
            }
            let declared = &self.rules.fields[field];
            let count = known.count(&value.text);
            value.blank = declared.shared_max.is_some_and(|most| count > most);
            let rarity = fixed::log2_ratio(known.squares.max(1), known.records.max(1))
                - fixed::log2(u128::from(count.max(1)));
            value.rarity = if declared.frequencies { rarity.clamp(RARITY.0, RARITY.1) } else { 0 };
            if value.blank {
                self.cells[row as usize * width + field] = 0;
            }
        }
    }
}

fn name_key(system: &str, id: &str) -> u64 {
    hash(hash(1, system.as_bytes()), id.as_bytes())
}
