//! Progress: one read under one parameter, page by page.
//!
//! Absent: which reads there are and their order. Invariants: pages are asked for one after the other; a page is tried a
//! bounded number of times; what was collected is never dropped, but a reading that was broken off says so. A read of everything is
//! handed on in parts, and no page is asked for before the part is applied: what is in hand is bounded, however large the system is.
//! Parts are worth what a reading that is not complete is worth; that nothing else is there only the last one says.

use crate::retry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xops_graph::reading::{Follows, Reading};
use xops_kernel::port::{Delta, Outcome, ReadContract, ReadPage, Request};
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::{Value, Values};

/// What a cycle of reading may use. Each bound holds for one read under one parameter, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Records.
    pub records_max: usize,
    /// Bytes of the records' ids and attributes, about.
    pub bytes_max: usize,
    /// Pages: a cursor that never ends ends here.
    pub pages_max: u32,
    /// Tries of one page.
    pub attempts_max: u32,
    /// The longest wait that a system may ask for between two tries, in milliseconds; a longer one ends the read.
    pub wait_ms_max: u64,
    /// Parameters of one read that is made for each of a kind.
    pub parameters_max: usize,
    /// Readings of a cycle that may be under way or waiting to be applied at once.
    pub lanes_max: usize,
    /// Records that are in hand, but for those of one page, before they are handed on.
    pub part_records: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            records_max: 1_000_000,
            bytes_max: 512 << 20,
            pages_max: 20_000,
            attempts_max: 5,
            wait_ms_max: 120_000,
            parameters_max: 100_000,
            lanes_max: 4,
            part_records: 4_096,
        }
    }
}

/// One read under one parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The read, as the manifest names it.
    pub read: String,
    /// The id of the record that it is made for.
    pub parameter: Option<String>,
}

/// What a page's answer was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Records, and how it goes on.
    Page {
        /// The records.
        records: Vec<Record>,
        /// The ids of the objects that it says are gone.
        gone: Vec<String>,
        /// The next page, if there is one.
        next: Option<Next>,
        /// On the last page: where a read of what changes from now on begins.
        place: Option<String>,
    },
    /// The place that the read began at is forgotten: everything is to be read again.
    Reset,
    /// No answer to the question.
    Failed(Outcome),
}

/// The next page of a read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The request.
    pub request: Box<Request>,
    /// What it carries over.
    pub carry: Values,
}

impl From<ReadPage> for Answer {
    fn from(page: ReadPage) -> Self {
        match page {
            ReadPage::Records { records, gone, next, place } => {
                let next = next.map(|(request, carry)| Next { request, carry });
                Self::Page { records, gone, next, place }
            }
            ReadPage::Reset => Self::Reset,
            ReadPage::Failed(outcome) => Self::Failed(outcome),
        }
    }
}

/// Where a read of changes begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What the system calls it.
    pub since: String,
    /// When the read that ended there began.
    pub at: Millis,
    /// When the last read of everything began.
    pub whole_at: Millis,
}

/// What a read gave, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The reading.
    pub reading: Reading,
    /// What makes it as good as a whole one, if it is one of changes and says what is gone.
    pub follows: Option<Follows>,
    /// Where the next read of changes begins, once this one is applied; nothing where it is to be one of everything.
    pub place: Option<Place>,
    /// Whether more follows: then nothing else is said of the read yet.
    pub part: bool,
}

/// A read that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When it began.
    began_at: Millis,
    /// The page, from 0.
    pub(crate) page: u32,
    /// The try of that page, from 1.
    pub(crate) attempt: u32,
    /// Until when the next try waits, if it waits.
    pub(crate) waits_until: Option<Millis>,
    /// The request of the page, but for the first.
    pub(crate) next: Option<Next>,
    records: Vec<Record>,
    /// How many records were handed on.
    handed: usize,
    /// What waits to be applied before the next page.
    pub(crate) part: Option<Box<Taken>>,
    bytes: usize,
    /// Where it began, if it is a read of changes.
    since: Option<Place>,
    /// In a read of changes: what became of each object that it speaks of; nothing where it is gone. The last word counts.
    changed: BTreeMap<String, Option<Record>>,
    /// Where the next one begins.
    ends_at: Option<String>,
}

/// How a read goes on.
pub(crate) enum Course {
    /// It asks again, or waits before it does.
    On,
    /// It holds everything.
    Whole,
    /// It was broken off for this reason.
    Broken(String),
    /// The system does not give it to us, for this reason.
    Denied(String),
}

impl Progress {
    pub(crate) fn new(began_at: Millis, since: Option<Place>) -> Self {
        Self {
            began_at,
            page: 0,
            attempt: 1,
            waits_until: None,
            next: None,
            records: Vec::new(),
            handed: 0,
            part: None,
            bytes: 0,
            since,
            changed: BTreeMap::new(),
            ends_at: None,
        }
    }

    /// Where it began, if it is a read of changes.
    pub(crate) fn since(&self) -> Option<&str> {
        self.since.as_ref().map(|place| place.since.as_str())
    }

    /// Begins again, with everything. An answer to what was asked before fits no more, because the try goes on counting.
    fn restart(&mut self) {
        let attempt = self.attempt.saturating_add(1);
        *self = Self { attempt, ..Self::new(self.began_at, None) };
    }

    /// Takes in the answer to the page that is under way.
    pub(crate) fn answered(
        &mut self,
        answer: &Answer,
        at: Millis,
        bounds: &Bounds,
        seed: [u8; 16],
    ) -> Course {
        match answer {
            Answer::Reset if self.since.is_some() => {
                self.restart();
                Course::On
            }
            Answer::Reset => Course::Broken("the system forgets where a read of everything began".to_owned()),
            Answer::Page { records, gone, .. } if self.contradicts(records, gone) => {
                self.restart();
                Course::On
            }
            Answer::Page { records, gone, next, place } => {
                match (self.collect(records, gone, bounds), next) {
                    (Err(reason), _) => Course::Broken(reason),
                    (Ok(()), None) => {
                        self.ends_at.clone_from(place);
                        Course::Whole
                    }
                    (Ok(()), Some(_)) if self.page.saturating_add(1) >= bounds.pages_max => {
                        Course::Broken(format!("it has more than {} pages", bounds.pages_max))
                    }
                    (Ok(()), Some(next)) => {
                        self.page += 1;
                        self.attempt = 1;
                        self.next = Some(next.clone());
                        Course::On
                    }
                }
            }
            // A place that the system does not take any more, in words that its manifest does not know.
            Answer::Failed(
                Outcome::Invalid(_) | Outcome::Absent | Outcome::Conflict(_) | Outcome::PreconditionFailed(_),
            ) if self.since.is_some() && self.page == 0 => {
                self.restart();
                Course::On
            }
            Answer::Failed(outcome @ Outcome::Forbidden(_)) => Course::Denied(reason(outcome)),
            Answer::Failed(outcome) => match self.wait_ms(outcome, bounds, seed) {
                Ok(wait_ms) => {
                    self.waits_until = Some(at.saturating_add(wait_ms));
                    Course::On
                }
                Err(reason) => Course::Broken(reason),
            },
        }
    }

    /// The wait is over.
    pub(crate) fn waited(&mut self) {
        self.waits_until = None;
        self.attempt = self.attempt.saturating_add(1);
    }

    /// What it ends with; `broken` says why it is not whole.
    pub(crate) fn taken(self, contract: &ReadContract, target: &Target, broken: Option<String>) -> Taken {
        let at = self.began_at;
        let place = match (&broken, self.ends_at, &self.since) {
            // What was missed is asked for again, from where this one began.
            (Some(_), _, since) => since.clone(),
            (None, Some(since), before) => {
                let whole_at = before.as_ref().map_or(at, |place| place.whole_at);
                (contract.delta != Delta::Never).then_some(Place { since, at, whole_at })
            }
            (None, None, _) => None,
        };
        let (mut records, mut gone) = (self.records, Vec::new());
        for (id, changed) in self.changed {
            match changed {
                Some(record) => records.push(record),
                None => gone.push(id),
            }
        }
        let follows = match (&self.since, &broken) {
            (Some(place), None) if contract.delta == Delta::ChangesAndGone => {
                Some(Follows { at: place.at, gone })
            }
            _ => None,
        };
        let reading = Reading {
            system: contract.system.clone(),
            read: contract.name.clone(),
            kind: contract.kind.clone(),
            parameter: target.parameter.clone(),
            records,
            complete: broken.is_none() && self.since.is_none(),
            failed: broken,
            at,
        };
        Taken { reading, follows, place, part: false }
    }

    /// Hands on what is in hand of a read of everything, if that is enough; what it hands on.
    pub(crate) fn hand_on(
        &mut self,
        contract: &ReadContract,
        target: &Target,
        bounds: &Bounds,
    ) -> Option<&Taken> {
        if self.since.is_some() || self.records.len() < bounds.part_records.max(1) {
            return None;
        }
        let records = std::mem::take(&mut self.records);
        self.handed += records.len();
        let reading = Reading {
            system: contract.system.clone(),
            read: contract.name.clone(),
            kind: contract.kind.clone(),
            parameter: target.parameter.clone(),
            records,
            complete: false,
            failed: None,
            at: self.began_at,
        };
        let taken = Taken { reading, follows: None, place: self.since.clone(), part: true };
        Some(&**self.part.insert(Box::new(taken)))
    }

    /// Whether one page of changes says of one object both that it is there and that it is gone: nobody knows which came last.
    fn contradicts(&self, records: &[Record], gone: &[String]) -> bool {
        let there = |id: &String| records.iter().any(|record| record.source.id == *id);
        self.since.is_some() && gone.iter().any(there)
    }

    /// Adds the records of a page as far as the bounds allow.
    fn collect(&mut self, records: &[Record], gone: &[String], bounds: &Bounds) -> Result<(), String> {
        if self.since.is_some() {
            self.changed.extend(gone.iter().map(|id| (id.clone(), None)));
        }
        for record in records {
            let attributes = record.attributes.iter().map(|(name, value)| name.len() + weight(value));
            self.bytes = self.bytes.saturating_add(record.source.id.len() + attributes.sum::<usize>());
            if self.handed + self.records.len() + self.changed.len() >= bounds.records_max {
                return Err(format!("it has more than {} records", bounds.records_max));
            }
            if self.bytes > bounds.bytes_max {
                return Err(format!("its records are larger than {} bytes", bounds.bytes_max));
            }
            if self.since.is_some() {
                self.changed.insert(record.source.id.clone(), Some(record.clone()));
            } else {
                self.records.push(record.clone());
            }
        }
        Ok(())
    }

    /// How long to wait before the page is tried again, or why it is not. Reading changes nothing, so an answer that was lost
    /// is asked for again like one that never was.
    fn wait_ms(&self, outcome: &Outcome, bounds: &Bounds, seed: [u8; 16]) -> Result<u64, String> {
        let backoff_ms = retry::backoff_ms(self.attempt, seed);
        let wait_ms = match outcome {
            Outcome::RateLimited { retry_after_ms } => retry_after_ms.unwrap_or(backoff_ms),
            Outcome::Transient(_) | Outcome::Unknown(_) | Outcome::AuthExpired => backoff_ms,
            Outcome::Ok(_)
            | Outcome::AlreadyDone(_)
            | Outcome::Absent
            | Outcome::Conflict(_)
            | Outcome::PreconditionFailed(_)
            | Outcome::Forbidden(_)
            | Outcome::Invalid(_) => return Err(reason(outcome)),
        };
        if self.attempt >= bounds.attempts_max {
            Err(format!("{} after {} tries", reason(outcome), self.attempt))
        } else if wait_ms > bounds.wait_ms_max {
            Err(format!("the system asks to wait {wait_ms} ms, more than {}", bounds.wait_ms_max))
        } else {
            Ok(wait_ms)
        }
    }
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Conflict(detail)
        | Outcome::PreconditionFailed(detail)
        | Outcome::Transient(detail)
        | Outcome::Forbidden(detail)
        | Outcome::Invalid(detail)
        | Outcome::Unknown(detail) => format!("{}: {detail}", outcome.word()),
        Outcome::Ok(_)
        | Outcome::AlreadyDone(_)
        | Outcome::Absent
        | Outcome::RateLimited { .. }
        | Outcome::AuthExpired => outcome.word().to_owned(),
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(_) => 8,
        Value::Decimal(text) | Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum::<usize>() + 8,
        Value::Map(members) => {
            members.iter().map(|(name, member)| name.len() + weight(member)).sum::<usize>() + 8
        }
    }
}
