//! Taking a snapshot while everything runs: what is believed at one moment, collected without stopping anybody.
//!
//! Entries are handed over in the moment in which they are believed, and are written in the order in which they are handed over: so at
//! any moment between two messages of the arbiter, what all actors believe is what the entries so far fold to. A cut
//! is such a moment. The Service robot's state is copied there; an instance hands in its own before it believes anything
//! else, or when it is asked. Invariants: one cut at a time; a cut that is not complete in time is given up; it is written
//! only after the scribe said where the journal ended at that moment, which makes everything before it durable.

use crate::card::Away;
use crate::keeper::Order;
use crate::snapshot::Cut;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use xops_journal::segment::Head;
use xops_kernel::log::Number;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::End;
use xops_kernel::saga::state::{Course, State};

/// After what time a cut that is not complete is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a snapshot is taken, and what is put away. Each bound of the first has to be passed: what a start folds stays small, and so does what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// After at least so many events.
    pub events: u64,
    /// Not before so much time has passed.
    pub every: Duration,
    /// Not before the journal grew by the bytes of the last snapshot, so many times.
    pub growth: u64,
    /// At a clean stop, if there were so many events since the last one.
    pub events_at_stop: u64,
    /// How many snapshots are kept: the newest, and others for the case that it is bad.
    pub kept: usize,
    /// An instance that waits for less than this, in milliseconds, stays in memory: a gate that is looked at every few seconds is
    /// not worth a card each time.
    pub rest_ms_min: u64,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            events: 100_000,
            every: Duration::from_secs(1),
            growth: 2,
            events_at_stop: 1_000,
            kept: 2,
            rest_ms_min: 10_000,
        }
    }
}

/// A cut that is being collected.
struct Pending {
    id: u64,
    begun: Instant,
    cut: Box<Cut>,
    /// Who has not handed in its state yet, with all else that is known of it.
    waiting: HashMap<Number, Away>,
    place: Option<Head>,
}

/// The snapshots of one hub.
#[derive(Default)]
pub(crate) struct Cutting {
    /// Counts the cuts: an instance that has not seen the newest hands in its state before its next event.
    id: Cell<u64>,
    pending: RefCell<Option<Pending>>,
    writing: Cell<bool>,
    cadence: Cell<Cadence>,
    events: Cell<u64>,
    bytes: Cell<u64>,
    last_bytes: Cell<u64>,
    last: Cell<Option<Instant>>,
    written: Notify,
    /// Instances whose end is believed and handed over, and not yet known to the Service robot.
    ended: RefCell<BTreeMap<Number, (End, Millis)>>,
    /// Instances that left memory, and where to, as long as the Service robot does not know.
    left: RefCell<BTreeMap<Number, u64>>,
}

impl Cutting {
    /// How often.
    pub(crate) fn set_cadence(&self, cadence: Cadence) {
        self.cadence.set(cadence);
        self.last.set(Some(Instant::now()));
    }

    /// The least wait for which an instance is put away, in milliseconds.
    pub(crate) fn rest_ms_min(&self) -> u64 {
        self.cadence.get().rest_ms_min
    }

    /// The newest cut.
    pub(crate) fn id(&self) -> u64 {
        self.id.get()
    }

    /// Counts what became durable; whether it is time for a snapshot.
    pub(crate) fn count(&self, events: u64, bytes: u64) -> bool {
        self.events.set(self.events.get() + events);
        self.bytes.set(self.bytes.get() + bytes);
        let cadence = self.cadence.get();
        self.events.get() >= cadence.events
            && self.bytes.get() >= self.last_bytes.get().saturating_mul(cadence.growth)
            && self.last.get().is_none_or(|last| last.elapsed() >= cadence.every)
            && !self.is_busy()
    }

    /// Whether a clean stop is worth a snapshot.
    pub(crate) fn is_due_at_stop(&self) -> bool {
        self.events.get() >= self.cadence.get().events_at_stop.max(1)
    }

    /// Whether a cut is being collected or written.
    pub(crate) fn is_busy(&self) -> bool {
        let mut pending = self.pending.borrow_mut();
        if pending.as_ref().is_some_and(|pending| pending.begun.elapsed() > PATIENCE) {
            tracing::warn!("a snapshot was not complete in time and is given up");
            *pending = None;
        }
        pending.is_some() || self.writing.get()
    }

    /// Notes an end that the Service robot does not know yet.
    pub(crate) fn ended(&self, number: Number, end: End, at: Millis) {
        self.ended.borrow_mut().insert(number, (end, at));
    }

    /// The Service robot knows it now.
    pub(crate) fn end_is_known(&self, number: Number) {
        self.ended.borrow_mut().remove(&number);
    }

    /// The ends that it does not know.
    pub(crate) fn ends(&self) -> Vec<(Number, End, Millis)> {
        self.ended.borrow().iter().map(|(number, (end, at))| (*number, *end, *at)).collect()
    }

    /// Notes that an instance left memory.
    pub(crate) fn left(&self, number: Number, shelved: u64) {
        self.left.borrow_mut().insert(number, shelved);
    }

    /// The Service robot knows that it did.
    pub(crate) fn leaving_is_known(&self, number: Number) {
        self.left.borrow_mut().remove(&number);
    }

    /// Those of which it does not know.
    pub(crate) fn leaving(&self) -> Vec<(Number, u64)> {
        self.left.borrow().iter().map(|(number, shelved)| (*number, *shelved)).collect()
    }

    /// The number of the next cut: the order to the scribe bears it.
    pub(crate) fn next(&self) -> u64 {
        self.id.get() + 1
    }

    /// Begins a cut: `waiting` are asked for their states.
    pub(crate) fn begin(&self, cut: Box<Cut>, waiting: HashMap<Number, Away>) {
        let id = self.next();
        self.id.set(id);
        self.events.set(0);
        self.bytes.set(0);
        self.last.set(Some(Instant::now()));
        *self.pending.borrow_mut() = Some(Pending { id, begun: Instant::now(), cut, waiting, place: None });
    }

    /// An instance hands in its state; the order to write, if that was the last.
    pub(crate) fn deposit(&self, number: Number, state: &State) -> Option<Order> {
        {
            let mut pending = self.pending.borrow_mut();
            let pending = pending.as_mut()?;
            let mut away = pending.waiting.remove(&number)?;
            if !matches!(state.course, Course::Ended(_)) {
                away.state.clone_from(state);
                pending.cut.live.push(away);
            }
        }
        self.complete()
    }

    /// The scribe said where the journal ended; the order to write, if that was the last.
    pub(crate) fn marked(&self, id: u64, place: Head) -> Option<Order> {
        {
            let mut pending = self.pending.borrow_mut();
            let pending = pending.as_mut().filter(|pending| pending.id == id)?;
            pending.place = Some(place);
        }
        self.complete()
    }

    fn complete(&self) -> Option<Order> {
        let mut slot = self.pending.borrow_mut();
        let place = slot.as_ref().filter(|pending| pending.waiting.is_empty())?.place?;
        let pending = slot.take()?;
        self.writing.set(true);
        Some(Order::Snapshot { cut: pending.cut, place })
    }

    /// A snapshot was written, or was not.
    pub(crate) fn wrote(&self, bytes: Option<u64>) {
        self.writing.set(false);
        self.last_bytes.set(bytes.unwrap_or_else(|| self.last_bytes.get()));
        self.written.notify_waiters();
    }

    /// Waits until the next snapshot is written or given up.
    pub(crate) fn until_written(&self) -> tokio::sync::futures::Notified<'_> {
        self.written.notified()
    }
}
