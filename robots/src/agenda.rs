//! The agenda of continuous reconciliation: what drift is to be mended, and which piece of it goes now.
//!
//! Absent: clocks, requests, what drift is. Invariants: a piece is the work for one entity and one outcome, however many of its facets
//! drifted, and is on the agenda once; it goes by the fair queue (`crate::fair`), so within its deadline's bound and the budgets of every
//! system that it needs; what went for some drifts is not tried again for them before a while has passed; what is not wanted any more is
//! withdrawn.

use crate::fair::{Budget, Piece, Queue};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::record::Millis;

/// How many pieces may wait; the next comparison brings the others again.
pub const WAITING_MAX: usize = 100_000;
/// After how long a piece that is still wanted goes again, in milliseconds.
pub const AGAIN_MS: u64 = 15 * 60_000;

/// What a piece is: the work for one entity, toward one outcome or all that apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work {
    /// The entity.
    pub entity: EntityId,
    /// The outcome that is opened; all that apply where it is none.
    pub outcome: Option<String>,
}

/// What is wanted of the agenda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The drifts that the work is to mend.
    pub drifts: BTreeSet<Digest>,
    /// The systems that the work needs.
    pub systems: BTreeSet<String>,
    /// How soon it should go, in milliseconds.
    pub within_ms: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Agenda {
    queue: Queue<Work>,
    /// What waits, with what it is for.
    waiting: BTreeMap<Work, BTreeSet<Digest>>,
    /// When what went last went, and for what.
    tried: BTreeMap<Work, (Millis, BTreeSet<Digest>)>,
}

impl Agenda {
    /// An empty agenda under the budgets of the systems; a system without one of its own has the default.
    pub fn new(budgets: BTreeMap<String, Budget>) -> Self {
        Self { queue: Queue::new(WAITING_MAX, budgets), waiting: BTreeMap::new(), tried: BTreeMap::new() }
    }

    /// Whether `work` has to be put on the agenda at `now` for `drifts`: it does not wait, and did not go for all of them a while ago.
    pub fn lacks(&self, work: &Work, drifts: &BTreeSet<Digest>, now: Millis) -> bool {
        let went =
            |(at, of): &(Millis, BTreeSet<Digest>)| at.saturating_add(AGAIN_MS) > now && drifts.is_subset(of);
        !self.waiting.contains_key(work) && !self.tried.get(work).is_some_and(went)
    }

    /// Puts `work` on the agenda, if it is not there and there is room; whether it is there now.
    pub fn want(&mut self, work: &Work, wanted: Wanted, now: Millis) -> bool {
        let Wanted { drifts, systems, within_ms } = wanted;
        if let Some(waiting) = self.waiting.get_mut(work) {
            waiting.extend(drifts);
            return true;
        }
        if !self.lacks(work, &drifts, now) {
            return false;
        }
        let taken = self.queue.push(work.clone(), systems, now, within_ms).is_ok();
        if taken {
            self.waiting.insert(work.clone(), drifts);
        }
        taken
    }

    /// Withdraws what waits and is not in `wanted`, and forgets what went long ago.
    pub fn keep(&mut self, wanted: &BTreeSet<Work>, now: Millis) {
        let gone: Vec<Work> = self.waiting.keys().filter(|work| !wanted.contains(*work)).cloned().collect();
        for work in gone {
            self.queue.withdraw(&work);
            self.waiting.remove(&work);
        }
        self.tried.retain(|_, (at, _)| at.saturating_add(AGAIN_MS) > now);
    }

    /// The next piece that may go at `now`; it is under way until [`Agenda::done`].
    pub fn next(&mut self, now: Millis, closed: &BTreeSet<String>) -> Option<Piece<Work>> {
        let piece = self.queue.next(now, closed)?;
        let drifts = self.waiting.remove(&piece.key).unwrap_or_default();
        self.tried.insert(piece.key.clone(), (now, drifts));
        Some(piece)
    }

    /// Notes that a piece is over.
    pub fn done(&mut self, piece: &Piece<Work>) {
        self.queue.done(piece);
    }

    /// How many pieces wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The first deadline of all that wait.
    pub fn first_deadline(&self) -> Option<Millis> {
        self.queue.first_deadline()
    }
}

#[cfg(test)]
mod tests;
