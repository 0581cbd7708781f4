//! Record by record: the same things as at once, in any order of events.
//!
//! Absent: learning; an index goes by a model that was learnt before, so that what a record is does not hang on who came when.
//! Invariants: the records that are there, the decisions that hold and the model give the things ([`super::batch::resolve`] gives
//! the same); an event costs what is near it, never what there is in all; an id that was ever issued resolves for ever, also
//! after its record is gone.
//!
//! Every record has an id of its own, minted from its name. A thing is called by the id of its first record by name; the ids of
//! its other records lead to it. Joining and parting therefore mint nothing and lose nothing.

pub mod asked;
mod change;

use super::batch;
use super::block::{self, Pair, pair};
use super::bound::{Bound, Course};
use super::compare::Comparisons;
use super::decide::{Bonds, DECIDED, Decisions};
use super::model::{Model, NEVER};
use super::slots::Slots;
use super::table::{Name, Record, Refused, Row, Table};
use change::Change;
use std::collections::BTreeSet;
use std::sync::Arc;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::EntityId;
use xops_kernel::identity::{Centibits, Decision, Linkage, Rules};

/// The records that share a key: mostly one.
#[derive(Clone, Debug)]
enum Sharers {
    One(Row),
    Many(Vec<Row>),
}

/// Things, kept up to date record by record.
#[derive(Clone, Debug)]
pub struct Index {
    table: Table,
    model: Arc<Model>,
    comparisons: Comparisons,
    course: Course,
    tenant: String,
    key: DigestKey,
    today: u32,
    there: Vec<bool>,
    numbers: Slots,
    sharers: Vec<Sharers>,
    bonds: Bonds,
    /// What [`super::decide::Rivals::strong`] makes of the bonds, kept up to date pair by pair.
    strong: Bonds,
    asked: BTreeSet<Decision>,
    named: BTreeSet<String>,
    decisions: Decisions,
    /// By row: the row that its thing is named after.
    first_of: Vec<Row>,
    /// By row: the records of the thing that is named after it, if it has more than one.
    things: Vec<Box<[Row]>>,
    by_id: Slots,
}

/// A thing as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: EntityId,
    /// Its records in the order of names; none where the only record that it had is gone.
    pub records: Vec<Name>,
}

impl Index {
    /// An empty index for a tenant. `today` (`yyyymmdd`) ends decisions. The rules' own decisions hold from the beginning.
    pub fn new(rules: Arc<Rules>, model: Arc<Model>, tenant: &str, key: DigestKey, today: u32) -> Self {
        let table = Table::new(rules);
        let mut index = Self {
            comparisons: Comparisons::new(&table),
            course: Course::new(&table),
            model,
            tenant: tenant.to_owned(),
            key,
            today,
            there: Vec::new(),
            numbers: Slots::default(),
            sharers: Vec::new(),
            bonds: Bonds::default(),
            strong: Bonds::default(),
            asked: table.rules().decisions.iter().cloned().collect(),
            named: BTreeSet::new(),
            decisions: Decisions::default(),
            first_of: Vec::new(),
            things: Vec::new(),
            by_id: Slots::default(),
            table,
        };
        index.name();
        index
    }

    /// Takes a record in, in the place of the one of its name; the ids of the things that this changed.
    pub fn insert(&mut self, record: &Record) -> Result<BTreeSet<EntityId>, Refused> {
        let mut left = None;
        if let Some(row) = self.table.find(&record.system, &record.id).filter(|row| self.is_there(*row)) {
            self.leave(row, left.insert(Change::of(row)));
        }
        let row = self.table.put(record)?;
        let mut change = left.unwrap_or_else(|| Change::of(row));
        self.table.settle_row(row, &self.model.census);
        if self.there.len() <= row as usize {
            self.there.push(false);
            self.first_of.push(row);
            self.things.push(Box::default());
            self.by_id.put(slot(self.id(row)), row);
        }
        self.there[row as usize] = true;
        self.enter(row, &mut change);
        if self.names(row) {
            self.redecide(&mut change);
            // A record that came in the place of another of its name: the decision stands, its bond has gone.
            let stands = self.decisions.same.iter().filter(|pair| pair.0 == row || pair.1 == row);
            for pair in stands.copied().collect::<Vec<_>>() {
                self.bond(pair, &mut change);
            }
        }
        Ok(self.settle(change))
    }

    /// Takes a record out; the ids of the things that this changed. Nothing where it was not there.
    pub fn remove(&mut self, system: &str, id: &str) -> BTreeSet<EntityId> {
        let Some(row) = self.table.find(system, id).filter(|row| self.is_there(*row)) else {
            return BTreeSet::new();
        };
        let mut change = Change::of(row);
        self.leave(row, &mut change);
        if self.names(row) {
            self.redecide(&mut change);
        }
        self.settle(change)
    }

    /// Takes a decision in; the ids of the things that this changed.
    pub fn decide(&mut self, decision: Decision) -> BTreeSet<EntityId> {
        self.asked.insert(decision);
        self.changed_decisions()
    }

    /// Takes a decision back: what it joined is apart again, what it kept apart may be joined.
    pub fn revoke(&mut self, decision: &Decision) -> BTreeSet<EntityId> {
        self.asked.remove(decision);
        self.changed_decisions()
    }

    /// Takes these decisions in the place of all others; the ids of the things that this changed.
    pub fn regard(&mut self, decisions: BTreeSet<Decision>) -> BTreeSet<EntityId> {
        if self.asked == decisions {
            return BTreeSet::new();
        }
        self.asked = decisions;
        self.changed_decisions()
    }

    /// Goes on to another day (`yyyymmdd`): decisions end.
    pub fn go_on(&mut self, today: u32) -> BTreeSet<EntityId> {
        self.today = today;
        self.changed_decisions()
    }

    /// The thing that an id leads to; nothing where the id was never issued.
    pub fn resolve(&self, id: EntityId) -> Option<Found> {
        let row = self.by_id.get(slot(id)).filter(|row| self.id(*row) == id)?;
        Some(self.found(row))
    }

    /// The thing of the record of this name, also where the record is gone.
    pub fn thing_of(&self, system: &str, id: &str) -> Option<Found> {
        self.table.find(system, id).map(|row| self.found(row))
    }

    /// Every thing with its records by name, in order: what two indexes are compared by.
    pub fn things(&self) -> BTreeSet<Vec<Name>> {
        let rows = (0..u32::try_from(self.there.len()).unwrap_or(u32::MAX)).filter(|row| self.is_there(*row));
        rows.filter(|row| self.first_of[*row as usize] == *row).map(|row| self.found(row).records).collect()
    }

    /// The records, and those that are gone.
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn found(&self, row: Row) -> Found {
        let first = self.first_of[row as usize];
        let mut records: Vec<Name> =
            self.members(first).iter().map(|row| self.table.name(*row).clone()).collect();
        records.sort();
        Found { id: self.id(first), records }
    }

    fn id(&self, row: Row) -> EntityId {
        let name = self.table.name(row);
        EntityId::mint(&self.tenant, &name.system, &self.table.rules().name, &name.id, &self.key)
    }

    fn is_there(&self, row: Row) -> bool {
        self.there.get(row as usize).copied().unwrap_or(false)
    }

    fn across(&self) -> bool {
        self.table.rules().linkage == Linkage::OneToOne
    }

    /// The least score of a bond.
    fn least(&self) -> Centibits {
        self.table.rules().review - self.model.known
    }

    /// Puts a row under its keys and bonds it.
    fn enter(&mut self, row: Row, change: &mut Change) {
        let rules = self.table.rules().clone();
        let mut near = Vec::new();
        for (place, block) in rules.blocks.iter().enumerate() {
            let Some(key) = block::key(&self.table, place, block, row) else { continue };
            let sharing = self.share(key, row);
            if sharing.len() <= block.at_most {
                near.extend_from_slice(sharing.get(..sharing.len() - 1).unwrap_or_default());
            } else if sharing.len() == block.at_most + 1 {
                // The key has just become too common: what hung on it alone comes apart.
                let sharing = sharing.to_vec();
                self.refresh_among(&sharing, change);
            }
        }
        near.sort_unstable();
        near.dedup();
        let bound = Bound::new(&self.model, &self.table, row);
        // Most are passed over by their cells alone, side by side, so that memory is waited for once for several of them. What is
        // passed over has no bond: the row has just come.
        let least = self.least();
        near.retain(|other| {
            self.decisions.same.contains(&pair(row, *other))
                || bound.most(&self.model, self.table.cells(*other)) >= least
        });
        for other in near {
            self.hold(&bound, other, change);
        }
    }

    /// Takes a row from under its keys and unbonds it.
    fn leave(&mut self, row: Row, change: &mut Change) {
        let rules = self.table.rules().clone();
        self.there[row as usize] = false;
        for (place, block) in rules.blocks.iter().enumerate() {
            let Some(number) =
                block::key(&self.table, place, block, row).and_then(|key| self.numbers.get(key))
            else {
                continue;
            };
            let sharers = &mut self.sharers[number as usize];
            let mut left = match std::mem::replace(sharers, Sharers::Many(Vec::new())) {
                Sharers::One(one) => vec![one],
                Sharers::Many(many) => many,
            };
            left.retain(|other| *other != row);
            let again = (left.len() == block.at_most).then(|| left.clone());
            *sharers = Sharers::Many(left);
            // The key is no longer too common: what shares it is compared again.
            for (at, a) in again.iter().flatten().enumerate() {
                for b in again.iter().flatten().skip(at + 1) {
                    self.bond(pair(*a, *b), change);
                }
            }
        }
        for (other, _) in self.bonds.of(row).to_vec() {
            self.set(pair(row, other), None, change);
        }
    }

    /// Puts `row` under a key; all that share it, the row last.
    fn share(&mut self, key: u64, row: Row) -> &[Row] {
        let Some(number) = self.numbers.get(key) else {
            let number = u32::try_from(self.sharers.len()).unwrap_or(u32::MAX - 1);
            self.numbers.put(key, number);
            self.sharers.push(Sharers::One(row));
            return std::slice::from_ref(match self.sharers.last() {
                Some(Sharers::One(row)) => row,
                _ => return &[],
            });
        };
        let sharers = &mut self.sharers[number as usize];
        if let Sharers::One(one) = sharers {
            *sharers = Sharers::Many(vec![*one]);
        }
        match sharers {
            Sharers::Many(many) => {
                many.push(row);
                many
            }
            Sharers::One(_) => &[],
        }
    }

    /// Whether two rows share a key that is not too common.
    fn meet(&self, (a, b): Pair) -> bool {
        let rules = self.table.rules();
        rules.blocks.iter().enumerate().any(|(place, block)| {
            let key = block::key(&self.table, place, block, a);
            key.is_some()
                && key == block::key(&self.table, place, block, b)
                && key.and_then(|key| self.numbers.get(key)).is_some_and(|number| {
                    match &self.sharers[number as usize] {
                        Sharers::One(_) => false,
                        Sharers::Many(many) => many.len() <= block.at_most,
                    }
                })
        })
    }

    /// Looks again at the bonds among some rows.
    fn refresh_among(&mut self, rows: &[Row], change: &mut Change) {
        let among: BTreeSet<Row> = rows.iter().copied().collect();
        for row in rows {
            for (other, _) in self.bonds.of(*row).to_vec() {
                if other > *row && among.contains(&other) {
                    self.refresh((*row, other), change);
                }
            }
        }
    }

    /// Bonds or unbonds a pair as it now deserves.
    fn refresh(&mut self, pair: Pair, change: &mut Change) {
        let there = self.is_there(pair.0) && self.is_there(pair.1);
        if there && (self.decisions.same.contains(&pair) || self.meet(pair)) {
            self.bond(pair, change);
        } else {
            self.set(pair, None, change);
        }
    }

    /// Bonds a pair that is to be compared, if it is alike.
    fn bond(&mut self, (a, b): Pair, change: &mut Change) {
        self.hold(&Bound::new(&self.model, &self.table, a), b, change);
    }

    /// Bonds a row whose bounds are known and another, if they are alike.
    fn hold(&mut self, bound: &Bound, other: Row, change: &mut Change) {
        let pair = pair(bound.row(), other);
        if !self.decisions.same.is_empty() && self.decisions.same.contains(&pair) {
            return self.set(pair, Some(DECIDED), change);
        }
        let barred = self.table.excludes(pair.0, pair.1);
        let least = self.least();
        let by = (&*self.model, &self.table, &self.course);
        let score = if barred { NEVER } else { bound.score(by, &mut self.comparisons, other, least) };
        self.set(pair, Some(score).filter(|score| !barred && *score >= least), change);
    }

    /// Whether a decision may speak of `row`.
    fn names(&self, row: Row) -> bool {
        if self.named.is_empty() {
            return false;
        }
        let name = self.table.name(row);
        self.named.contains(&*name.id) || self.named.contains(&format!("{}:{}", name.system, name.id))
    }

    fn name(&mut self) {
        let names = self.asked.iter().flat_map(|decision| [decision.left.clone(), decision.right.clone()]);
        self.named = names.collect();
    }

    fn changed_decisions(&mut self) -> BTreeSet<EntityId> {
        let mut change = Change::default();
        self.name();
        self.redecide(&mut change);
        self.settle(change)
    }

    /// Brings the decisions by rows up to date.
    fn redecide(&mut self, change: &mut Change) {
        let there = |row: Row| self.is_there(row);
        let now = batch::decided(&self.table, self.asked.iter(), self.today, there);
        let old = std::mem::replace(&mut self.decisions, now);
        let changed: BTreeSet<Pair> = old
            .same
            .symmetric_difference(&self.decisions.same)
            .chain(old.different.symmetric_difference(&self.decisions.different))
            .copied()
            .collect();
        for pair in changed {
            self.spoken_of(pair, change);
            self.refresh(pair, change);
        }
    }
}

fn slot(id: EntityId) -> u64 {
    id.0[..8].iter().fold(0, |slot, byte| slot << 8 | u64::from(*byte))
}
