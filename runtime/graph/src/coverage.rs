//! Coverage: whether what a table does not hold is proven absent.
//!
//! Invariants: only whole readings of every read that gives the kind prove absence, each of them fresh; a failure since then
//! takes the proof away. Where the reads of a system are declared, a read that was never made counts as never read, and a
//! read that is made for each of another kind counts for exactly those of the other kind that are there.

use crate::graph::Graph;
use crate::table::{Look, Slot, Table};
use std::sync::Arc;
use xops_kernel::fact::{Doubt, Proof, Reason};
use xops_kernel::port::ReadContract;
use xops_kernel::record::{Millis, Record};

/// How long a chain of reads, each made for every record of the one before, may be.
const CHAIN_MAX: u8 = 4;

/// How old a reading may be, and what time it is; without a time nothing is too old.
#[derive(Clone, Copy)]
pub(crate) struct Age {
    /// The time of the question.
    pub(crate) now: Option<Millis>,
    /// The greatest age, in milliseconds.
    pub(crate) max_ms: u64,
}

impl Age {
    /// Since when something that was read at `read_at` is stale, if it is.
    pub(crate) fn stale_since(self, read_at: Millis) -> Option<Millis> {
        let since = read_at.saturating_add(self.max_ms);
        self.now.filter(|now| *now > since).map(|_| since)
    }
}

pub(crate) fn doubt(reason: Reason, since: Millis, detail: String) -> Doubt {
    Doubt { reason, detail, since }
}

/// The record that a table shows, or why it is not believed; a table that shows nothing is asked for its proof instead.
pub(crate) fn judged(look: Look<'_>, age: Age) -> Result<&Arc<Record>, Doubt> {
    let record = match look {
        Look::One(record) => record,
        Look::Contested(records) => return Err(contested(&records)),
        Look::Nothing => return Err(contested(&[])),
    };
    match age.stale_since(record.read_at) {
        None => Ok(record),
        Some(since) => {
            let detail = format!("{} was last read too long ago", record.source);
            Err(doubt(Reason::Stale, since, detail))
        }
    }
}

fn contested(records: &[&Arc<Record>]) -> Doubt {
    let first = records.first();
    let detail = first.map(|record| format!("{} was read with different contents", record.source));
    doubt(Reason::Conflict, first.map_or(0, |record| record.read_at), detail.unwrap_or_default())
}

impl Graph {
    /// The proof that a record of (`system`, `kind`) that is not held is not there, or why there is none.
    pub(crate) fn proof(&self, system: &str, kind: &str, age: Age) -> Result<Proof, Doubt> {
        self.proof_within(system, kind, age, CHAIN_MAX)
    }

    /// Until when the proof that there is for (`system`, `kind`) holds if nothing is read: a moment that is not too late. What hangs on
    /// the records of another kind holds for no time.
    pub(crate) fn proof_until(&self, system: &str, kind: &str, age: Age) -> Millis {
        let chained = self.contracts_of(system, kind).iter().any(|contract| contract.for_each.is_some());
        if chained {
            return 0;
        }
        let scopes = self.table(system, kind).into_iter().flat_map(|table| table.scopes.values());
        let read_at = scopes.flat_map(|scope| scope.slots.values()).filter_map(|slot| slot.complete_at).min();
        read_at.map_or(0, |read_at| read_at.saturating_add(age.max_ms))
    }

    fn proof_within(&self, system: &str, kind: &str, age: Age, depth: u8) -> Result<Proof, Doubt> {
        let contracts = self.contracts_of(system, kind);
        let table = self.table(system, kind);
        let read = if contracts.is_empty() {
            table.map_or(Ok(None), |table| seen_reads(system, table, age))?
        } else {
            for contract in contracts {
                self.check_contract(contract, table, age, depth)?;
            }
            contracts.first().map(|contract| contract.name.clone())
        };
        match read {
            Some(read) => Ok(Proof::Snapshot { system: system.to_owned(), read }),
            None => Err(doubt(Reason::NeverRead, 0, format!("nothing has read {system}.{kind} yet"))),
        }
    }

    fn check_contract(
        &self,
        contract: &ReadContract,
        table: Option<&Table>,
        age: Age,
        depth: u8,
    ) -> Result<(), Doubt> {
        let (system, name) = (contract.system.as_str(), contract.name.as_str());
        let slot = |parameter| table.and_then(|table| table.slot(parameter, name));
        let Some(parent) = &contract.for_each else { return check(system, name, slot(None), age) };
        let Some(depth) = depth.checked_sub(1) else {
            let detail =
                format!("the reads of {system} are made for each other in a circle or a too long chain");
            return Err(doubt(Reason::Unexpected, 0, detail));
        };
        self.proof_within(system, parent, age, depth)?;
        let ids = self.table(system, parent).map(Table::ids).unwrap_or_default();
        ids.into_iter().try_for_each(|id| check(system, name, slot(Some(id)), age))
    }
}

/// The name of a read that was made, if every read that was made proves absence. Partial readings beside a whole one (deltas)
/// neither prove nor disprove.
fn seen_reads(system: &str, table: &Table, age: Age) -> Result<Option<String>, Doubt> {
    let mut name = None;
    for scope in table.scopes.values() {
        let some_whole = scope.slots.values().any(|slot| slot.complete_at.is_some());
        for (read, slot) in &scope.slots {
            let delta = slot.complete_at.is_none() && slot.failed.is_none();
            if delta && some_whole {
                continue;
            }
            check(system, read, Some(slot), age)?;
            name.get_or_insert_with(|| read.to_string());
        }
    }
    Ok(name)
}

fn check(system: &str, read: &str, slot: Option<&Slot>, age: Age) -> Result<(), Doubt> {
    let Some(slot) = slot else {
        return Err(doubt(Reason::NeverRead, 0, format!("{system}.{read} was never read")));
    };
    if let Some((at, reason)) = &slot.failed {
        return Err(doubt(Reason::Incomplete, *at, format!("{system}.{read} failed: {reason}")));
    }
    let Some(complete_at) = slot.complete_at else {
        return Err(doubt(
            Reason::Incomplete,
            slot.tried_at,
            format!("{system}.{read} was read only in part"),
        ));
    };
    match age.stale_since(complete_at) {
        Some(since) => Err(doubt(Reason::Stale, since, format!("{system}.{read} is stale"))),
        None => Ok(()),
    }
}
