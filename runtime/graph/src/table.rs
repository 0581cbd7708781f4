//! Tables: the records of one kind of one system, as the readings of it add up.
//!
//! Absent: entities, authority, time that passes. Invariants: merging is a join (commutative, associative, idempotent), so
//! the order of readings never shows, but for readings of changes, which follow one another or count for nothing; a record
//! leaves only because the system says so in such a reading, because a newer whole reading of the same read does not hold it,
//! or, where only partial readings ever showed it, because a newer whole reading of its scope does not; two different
//! contents under one id in one reading are both kept, and neither is believed.

use crate::finder::Finder;
use crate::fold;
use crate::reading::{Follows, Reading};
use crate::rows::Rows;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::canon::DigestKey;
use xops_kernel::record::{Millis, Record};

/// The ids of rows, in order, by the folded value of one attribute.
pub(crate) type Index = Finder<Vec<Arc<str>>>;

/// The records of one kind of one system.
#[derive(Clone)]
pub(crate) struct Table {
    key: DigestKey,
    /// By the parameter of the reads that are made for each of another kind.
    pub(crate) scopes: BTreeMap<Option<String>, Scope>,
    /// The ids of rows by the folded value of the attributes that links use.
    pub(crate) indexes: BTreeMap<String, Index>,
}

/// What was read under one parameter.
#[derive(Clone)]
pub(crate) struct Scope {
    /// The state of each read, by its name.
    pub(crate) slots: BTreeMap<Arc<str>, Slot>,
    /// The records, by source id.
    pub(crate) rows: Rows,
}

/// The state of one read under one parameter.
#[derive(Clone, Default)]
pub(crate) struct Slot {
    /// When the newest whole reading began.
    pub(crate) complete_at: Option<Millis>,
    /// The newest failure, if it is newer than the newest whole reading.
    pub(crate) failed: Option<(Millis, String)>,
    /// When the newest reading of any sort began.
    pub(crate) tried_at: Millis,
    /// The records that the newest reading held and that can be no row, with the reason.
    pub(crate) rejected: (Millis, Vec<(&'static str, Record)>),
}

/// One record with its sightings.
#[derive(Clone, Default)]
pub(crate) struct Row {
    /// By read, at most one each, in the order of names.
    pub(crate) sightings: Vec<Sighting>,
    /// When the newest sighting that counts was made.
    pub(crate) at: Millis,
    /// What it showed: nothing if it is gone, one record, or several that contradict each other.
    pub(crate) current: Vec<Arc<Record>>,
}

/// What the newest reading of one read that held the record showed.
#[derive(Clone)]
pub(crate) struct Sighting {
    /// The read.
    pub(crate) read: Arc<str>,
    /// When that reading began.
    pub(crate) at: Millis,
    /// The distinct contents, in order; more than one is a contradiction.
    pub(crate) versions: Vec<Arc<Record>>,
}

/// What merging a reading changed.
#[derive(Default)]
pub(crate) struct Merged {
    /// What changed row by row.
    pub(crate) changes: Vec<Change>,
    /// Whether what the absence of a row means changed: from unknown to proven or back.
    pub(crate) flipped: bool,
}

/// A row that may show something else than before.
pub(crate) struct Change {
    /// Its source id.
    pub(crate) id: String,
    /// What was current under the reading's parameter before.
    pub(crate) before: Vec<Arc<Record>>,
    /// Whether only its time changed, which matters where another parameter shows the same id.
    same: bool,
}

/// What a table shows under one source id.
pub(crate) enum Look<'a> {
    /// No record.
    Nothing,
    /// One record.
    One(&'a Arc<Record>),
    /// Records that contradict each other.
    Contested(Vec<&'a Arc<Record>>),
}

/// Two records with the same content; when and by whom it was read aside.
fn same(left: &Record, right: &Record) -> bool {
    left.source == right.source && left.attributes == right.attributes
}

/// Adds `record` to `versions`; of two equal contents the later reading stays.
fn add_version(versions: &mut Vec<Arc<Record>>, record: Arc<Record>) {
    if let Some(held) = versions.iter_mut().find(|held| same(held, &record)) {
        if (record.read_at, &record.principal) > (held.read_at, &held.principal) {
            *held = record;
        }
    } else {
        let place = (&record.source, &record.attributes);
        let at = versions.partition_point(|held| (&held.source, &held.attributes) < place);
        versions.insert(at, record);
    }
}

fn why_rejected(record: &Record, reading: &Reading) -> Option<&'static str> {
    if record.source.id.trim().is_empty() {
        Some("its id is empty")
    } else if record.source.system != reading.system || record.source.kind != reading.kind {
        Some("it is of another system or kind than the read that gave it")
    } else {
        None
    }
}

impl Table {
    /// A table that is indexed by `attributes`, under the tenant's key.
    pub(crate) fn indexed_by<'a>(attributes: impl Iterator<Item = &'a str>, key: &DigestKey) -> Self {
        let indexes = attributes.map(|name| (name.to_owned(), Index::new(key))).collect();
        Self { key: *key, scopes: BTreeMap::new(), indexes }
    }

    /// Joins a reading in. Rows that were not seen for longer than `max_age_ms` count as changed when they are seen again.
    /// `joined` says whether anything hangs on single rows; without it changes are not told.
    pub(crate) fn merge(
        &mut self,
        reading: Reading,
        follows: Option<&Follows>,
        max_age_ms: u64,
        joined: bool,
    ) -> Merged {
        let parameter = reading.parameter.clone();
        let key = self.key;
        let new = || Scope { slots: BTreeMap::new(), rows: Rows::new(&key) };
        let scope = self.scopes.entry(parameter.clone()).or_insert_with(new);
        let mut merged = match follows {
            Some(follows) => scope.follow(reading, follows, max_age_ms),
            None => scope.merge(reading, max_age_ms),
        };
        if !joined {
            merged.changes.clear();
        }
        let others = || self.scopes.iter().filter(|(other, _)| **other != parameter).map(|(_, scope)| scope);
        merged
            .changes
            .retain(|change| !change.same || others().any(|scope| scope.rows.get(&change.id).is_some()));
        for change in &merged.changes {
            self.reindex(change);
        }
        merged
    }

    /// What stands under `id`: over all parameters, the newest.
    pub(crate) fn look(&self, id: &str) -> Look<'_> {
        // Most tables are read under one parameter.
        let mut scopes = self.scopes.values();
        if let (Some(scope), None) = (scopes.next(), scopes.next()) {
            return match scope.rows.get(id).map(|row| row.current.as_slice()) {
                None | Some([]) => Look::Nothing,
                Some([one]) => Look::One(one),
                Some(several) => Look::Contested(several.iter().collect()),
            };
        }
        let rows = self.scopes.values().filter_map(|scope| scope.rows.get(id));
        let mut newest: Vec<&Arc<Record>> = Vec::new();
        let mut newest_at = 0;
        for row in rows.filter(|row| !row.current.is_empty()) {
            if newest.is_empty() || row.at > newest_at {
                newest.clear();
                newest_at = row.at;
            }
            if row.at == newest_at {
                for record in &row.current {
                    if !newest.iter().any(|held| same(held, record)) {
                        newest.push(record);
                    }
                }
            }
        }
        match newest.as_slice() {
            [] => Look::Nothing,
            [one] => Look::One(one),
            _ => Look::Contested(newest),
        }
    }

    /// Every record that is held, contradicting ones included.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.scopes
            .values()
            .flat_map(|scope| scope.rows.iter())
            .flat_map(|(_, row)| row.current.iter().map(Arc::as_ref))
    }

    /// The source ids that are held, in order.
    pub(crate) fn ids(&self) -> BTreeSet<&str> {
        let rows = self.scopes.values().flat_map(|scope| scope.rows.iter());
        rows.filter(|(_, row)| !row.current.is_empty()).map(|(id, _)| id).collect()
    }

    /// The read that last showed the record `id`.
    pub(crate) fn read_of(&self, id: &str) -> Option<&str> {
        let rows = self.scopes.values().filter_map(|scope| scope.rows.get(id));
        let sightings = rows.flat_map(|row| &row.sightings);
        sightings.max_by_key(|sighting| sighting.at).map(|sighting| &*sighting.read)
    }

    /// The state of `read` under `parameter`.
    pub(crate) fn slot(&self, parameter: Option<&str>, read: &str) -> Option<&Slot> {
        self.scopes.get(&parameter.map(str::to_owned))?.slots.get(read)
    }

    /// The source ids whose attribute `name` has the folded value `key`.
    pub(crate) fn keyed(&self, name: &str, key: &str) -> impl Iterator<Item = &str> {
        self.indexes.get(name).and_then(|index| index.get(key)).into_iter().flatten().map(|id| &**id)
    }

    /// What is current under `id`, whatever the parameter.
    pub(crate) fn versions(&self, id: &str) -> impl Iterator<Item = &Arc<Record>> {
        self.scopes.values().filter_map(move |scope| scope.rows.get(id)).flat_map(|row| &row.current)
    }

    /// Brings the indexes up to what [`Table::look`] shows.
    fn reindex(&mut self, change: &Change) {
        let id = change.id.as_str();
        // What nothing showed before is under no key yet.
        let is_new = self.scopes.len() == 1 && change.before.is_empty();
        let before = self.versions(id).chain(&change.before).filter(|_| !is_new);
        let held: Vec<Arc<Record>> = before.cloned().collect();
        let shown: Vec<Arc<Record>> = self.look(id).records().into_iter().cloned().collect();
        let alone = self.scopes.len() == 1;
        for (name, index) in &mut self.indexes {
            // Most changes are of something else.
            if let (true, [old], [new]) = (alone, change.before.as_slice(), shown.as_slice())
                && key_of(old, name) == key_of(new, name)
            {
                continue;
            }
            for key in held.iter().filter_map(|record| key_of(record, name)) {
                if let Some(ids) = index.get_mut(&key) {
                    ids.retain(|held| **held != *id);
                    if ids.is_empty() {
                        index.remove(&key);
                    }
                }
            }
            for key in shown.iter().filter_map(|record| key_of(record, name)) {
                let ids = index.or_insert(&key, Vec::new);
                if let Err(place) = ids.binary_search_by(|held| (**held).cmp(id)) {
                    if ids.is_empty() {
                        ids.reserve_exact(1);
                    }
                    ids.insert(place, id.into());
                }
            }
        }
    }
}

impl<'a> Look<'a> {
    /// The records, believed or not.
    pub(crate) fn records(self) -> Vec<&'a Arc<Record>> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(record) => vec![record],
            Self::Contested(records) => records,
        }
    }
}

/// The folded value of the record's attribute `name`.
pub(crate) fn key_of<'a>(record: &'a Record, name: &str) -> Option<Cow<'a, str>> {
    record.attributes.get(name).and_then(fold::key_of)
}

impl Scope {
    /// Takes in what changed since the newest whole reading of this read: what it does not speak of is as it was.
    fn follow(&mut self, mut reading: Reading, follows: &Follows, max_age_ms: u64) -> Merged {
        let read: Arc<str> = reading.read.as_str().into();
        let at = reading.at;
        let known = self.slots.get(&read).and_then(|slot| slot.complete_at);
        if known != Some(follows.at) || at < follows.at {
            let why = "what changed was read from a place that is not the end of the last whole reading";
            reading.failed.get_or_insert_with(|| why.to_owned());
            return self.merge(reading, max_age_ms);
        }
        let spoken_of = reading.records.iter().map(|record| record.source.id.as_str());
        let spoken_of: BTreeSet<&str> = spoken_of.chain(follows.gone.iter().map(String::as_str)).collect();
        self.rows.each_mut(|id, row| {
            if spoken_of.contains(id) {
                row.sightings.retain(|sighting| sighting.read != read);
            }
            for sighting in row.sightings.iter_mut().filter(|sighting| sighting.read == read) {
                sighting.at = at;
                for record in &mut sighting.versions {
                    Arc::make_mut(record).read_at = at;
                }
            }
        });
        // From here on it is what a whole reading of everything would have been.
        (reading.complete, reading.failed) = (true, None);
        self.merge(reading, max_age_ms)
    }

    fn merge(&mut self, mut reading: Reading, max_age_ms: u64) -> Merged {
        let read: Arc<str> = reading.read.as_str().into();
        let first = !self.slots.contains_key(&read);
        let slot = self.slots.entry(read.clone()).or_default();
        let at = reading.at;
        slot.tried_at = slot.tried_at.max(at);
        if slot.complete_at.is_some_and(|complete_at| complete_at > at) {
            return Merged::default();
        }
        let flipped = slot.advance(&reading, max_age_ms) || first;
        let whole = reading.is_whole();
        let mut seen = BTreeSet::new();
        let mut rejected = Vec::new();
        for record in std::mem::take(&mut reading.records) {
            if let Some(why) = why_rejected(&record, &reading) {
                rejected.push((why, record));
                continue;
            }
            if !whole {
                seen.insert(record.source.id.clone());
            }
            let record = Arc::new(record);
            self.rows.or_insert(&record.source.id).sight(&read, at, record.clone());
        }
        self.rows.settle();
        if let Some(slot) = self.slots.get_mut(&read) {
            slot.reject(at, rejected);
        }
        let mut changes = Vec::new();
        let mut empty = Vec::new();
        let slots = &self.slots;
        let mut refresh = |id: &str, row: &mut Row| {
            changes.extend(row.refresh(id, slots, max_age_ms));
            if row.sightings.is_empty() {
                empty.push(id.to_owned());
            }
        };
        if whole {
            self.rows.each_mut(|id, row| {
                row.sightings.retain(|sighting| sighting.read != read || sighting.at >= at);
                refresh(id, row);
            });
        } else {
            for id in &seen {
                if let Some(row) = self.rows.get_mut(id) {
                    refresh(id, row);
                }
            }
        }
        for id in empty {
            self.rows.remove(&id);
        }
        Merged { changes, flipped }
    }
}

/// What counts of `sightings`: the newest, without those that only partial readings of a never whole read made and that a
/// whole reading of another read has overtaken.
fn view(sightings: &[Sighting], slots: &BTreeMap<Arc<str>, Slot>) -> (Millis, Vec<Arc<Record>>) {
    let overtaken = |sighting: &Sighting| {
        slots.get(&sighting.read).is_none_or(|slot| slot.complete_at.is_none())
            && slots.values().any(|slot| slot.complete_at.is_some_and(|at| at > sighting.at))
    };
    // Most records are shown by one read, in one way.
    if let [sighting] = sightings
        && let [record] = sighting.versions.as_slice()
        && !overtaken(sighting)
    {
        return (sighting.at, vec![record.clone()]);
    }
    let counting: Vec<&Sighting> = sightings.iter().filter(|sighting| !overtaken(sighting)).collect();
    let at = counting.iter().map(|sighting| sighting.at).max().unwrap_or(0);
    let mut current = Vec::new();
    for sighting in counting.into_iter().filter(|sighting| sighting.at == at) {
        for record in &sighting.versions {
            add_version(&mut current, record.clone());
        }
    }
    (at, current)
}

impl Slot {
    /// Takes over what the reading says of its own wholeness; whether that flips what absence means.
    fn advance(&mut self, reading: &Reading, max_age_ms: u64) -> bool {
        let before = (self.complete_at, self.failed.is_some());
        if reading.is_whole() {
            self.complete_at = Some(reading.at);
            self.failed = self.failed.take().filter(|(at, _)| *at > reading.at);
        } else if let Some(reason) = &reading.failed
            && self.complete_at.is_none_or(|at| at < reading.at)
        {
            let failure = (reading.at, reason.clone());
            self.failed = self.failed.take().max(Some(failure));
        }
        let aged = match (before.0, self.complete_at) {
            (Some(old), Some(new)) => new.saturating_sub(old) > max_age_ms,
            (None, None) => false,
            _ => true,
        };
        aged || before.1 != self.failed.is_some()
    }

    fn reject(&mut self, at: Millis, rejected: Vec<(&'static str, Record)>) {
        if at > self.rejected.0 {
            self.rejected = (at, Vec::new());
        }
        if at == self.rejected.0 {
            let held = &mut self.rejected.1;
            held.extend(rejected);
            let place = |one: &(&'static str, Record)| {
                (
                    one.0,
                    one.1.source.clone(),
                    one.1.attributes.clone(),
                    one.1.read_at,
                    one.1.principal.clone(),
                )
            };
            held.sort_by_cached_key(place);
            held.dedup();
        }
    }
}

impl Row {
    /// Computes anew what is current, and says what that changed.
    fn refresh(&mut self, id: &str, slots: &BTreeMap<Arc<str>, Slot>, max_age_ms: u64) -> Option<Change> {
        let (at, current) = view(&self.sightings, slots);
        let was_stale = at.saturating_sub(self.at) > max_age_ms;
        let alike = self.current.len() == current.len()
            && self.current.iter().zip(&current).all(|(old, new)| same(old, new));
        let same = alike && !was_stale;
        let before = std::mem::replace(&mut self.current, current);
        let changed = !same || self.at != at;
        self.at = at;
        changed.then(|| Change { id: id.to_owned(), before, same })
    }

    fn sight(&mut self, read: &Arc<str>, at: Millis, record: Arc<Record>) {
        let place = self.sightings.partition_point(|sighting| sighting.read < *read);
        match self.sightings.get_mut(place).filter(|sighting| sighting.read == *read) {
            Some(sighting) if sighting.at > at => {}
            Some(sighting) => {
                if sighting.at < at {
                    sighting.at = at;
                    sighting.versions.clear();
                }
                add_version(&mut sighting.versions, record);
            }
            None => {
                // Most records are seen by one read: room for four would be most of the row.
                self.sightings.reserve_exact(1);
                self.sightings.insert(place, Sighting { read: read.clone(), at, versions: vec![record] });
            }
        }
    }
}
