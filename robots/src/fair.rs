//! Fair: which piece of reconciliation goes next, under deadlines and a budget for each system.
//!
//! Absent: clocks, the work itself, what a piece means. Invariants: no more of a system goes at once, or within a window, than its
//! budget; of two pieces of the same systems the one with the earlier deadline goes first; a piece whose systems are all open is
//! never passed by a later deadline that takes what it needs; a closed system holds up nothing but its own pieces. What comes is
//! given a deadline within a bound, so every piece has only so many before it: nothing starves.
//!
//! The order is earliest deadline first (Liu and Layland, "Scheduling Algorithms for Multiprogramming in a Hard-Real-Time
//! Environment", 1973), with reservations: the first piece that waits for a budget keeps what it needs from those behind it.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::record::Millis;

/// The longest time from arrival to deadline, in milliseconds: a week. Without a bound, newcomers could pass a piece for ever.
pub const WITHIN_MS_MAX: u64 = 7 * 24 * 3_600_000;

/// How much of a system may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// At once.
    pub at_once: u32,
    /// Within a window.
    pub per_window: u32,
    /// The window, in milliseconds.
    pub window_ms: u64,
}

impl Default for Budget {
    /// Four at once, sixty a minute: what the slowest systems of the catalogue bear beside their other work.
    fn default() -> Self {
        Self { at_once: 4, per_window: 60, window_ms: 60_000 }
    }
}

/// A piece of work that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece<K> {
    /// What it is.
    pub key: K,
    /// The systems that it needs; at least one.
    pub systems: BTreeSet<String>,
    /// When it came.
    pub came_at: Millis,
    /// By when it should go.
    pub deadline: Millis,
}

/// Why a piece was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It waits already, or is under way.
    #[error("it waits already or is under way")]
    Known,
    /// It needs no system.
    #[error("it needs no system: there is no budget that it could wait for")]
    Nowhere,
    /// The queue is full.
    #[error("{0} pieces wait already: the next comparison brings it again")]
    Full(usize),
}

/// What has gone of a system.
#[derive(Clone, Debug, Default)]
struct Spent {
    /// How many are under way.
    under_way: u32,
    /// When those of the last window went, the oldest first.
    went: std::collections::VecDeque<Millis>,
}

/// The order of pieces that need the same systems.
type Place = (Millis, u64);

/// The queue.
#[derive(Clone, Debug)]
pub struct Queue<K> {
    length_max: usize,
    budgets: BTreeMap<String, Budget>,
    lanes: BTreeMap<BTreeSet<String>, BTreeMap<Place, Piece<K>>>,
    /// The lane of what waits; `None` for what is under way.
    known: BTreeMap<K, BTreeSet<String>>,
    waiting: usize,
    under_way: BTreeSet<K>,
    spent: BTreeMap<String, Spent>,
    arrivals: u64,
}

impl<K: Ord + Clone> Queue<K> {
    /// An empty queue for at most `length_max` pieces that wait; a system without a budget of its own has the default one.
    pub fn new(length_max: usize, budgets: BTreeMap<String, Budget>) -> Self {
        Self {
            length_max,
            budgets,
            lanes: BTreeMap::new(),
            known: BTreeMap::new(),
            waiting: 0,
            under_way: BTreeSet::new(),
            spent: BTreeMap::new(),
            arrivals: 0,
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The first deadline of all that wait.
    pub fn first_deadline(&self) -> Option<Millis> {
        self.lanes.values().filter_map(|lane| Some(lane.first_key_value()?.0.0)).min()
    }

    /// Takes a piece that came at `now` and should go within `within_ms`.
    pub fn push(
        &mut self,
        key: K,
        systems: BTreeSet<String>,
        now: Millis,
        within_ms: u64,
    ) -> Result<(), Refused> {
        if systems.is_empty() {
            return Err(Refused::Nowhere);
        }
        if self.known.contains_key(&key) || self.under_way.contains(&key) {
            return Err(Refused::Known);
        }
        if self.waiting >= self.length_max {
            return Err(Refused::Full(self.length_max));
        }
        let deadline = now.saturating_add(within_ms.min(WITHIN_MS_MAX));
        self.arrivals += 1;
        let piece = Piece { key: key.clone(), systems: systems.clone(), came_at: now, deadline };
        self.lanes.entry(systems.clone()).or_default().insert((deadline, self.arrivals), piece);
        self.known.insert(key, systems);
        self.waiting += 1;
        Ok(())
    }

    /// Forgets a piece that waits: what it was for is gone.
    pub fn withdraw(&mut self, key: &K) -> bool {
        let Some(systems) = self.known.remove(key) else { return false };
        if let Some(lane) = self.lanes.get_mut(&systems) {
            lane.retain(|_, piece| piece.key != *key);
            if lane.is_empty() {
                self.lanes.remove(&systems);
            }
        }
        self.waiting -= 1;
        true
    }

    /// The next piece that may go at `now`, if one may; it is under way until [`Queue::done`]. Pieces that need a system of
    /// `closed` are left where they are, and keep nothing from others.
    pub fn next(&mut self, now: Millis, closed: &BTreeSet<String>) -> Option<Piece<K>> {
        self.forget_windows(now);
        // All of a lane need the same, so its first one speaks for it.
        let mut heads: Vec<(Place, BTreeSet<String>)> = Vec::with_capacity(self.lanes.len());
        for (systems, lane) in &self.lanes {
            if systems.is_disjoint(closed)
                && let Some((place, _)) = lane.first_key_value()
            {
                heads.push((*place, systems.clone()));
            }
        }
        heads.sort();
        let mut reserved: BTreeSet<&String> = BTreeSet::new();
        let mut chosen = None;
        for (place, systems) in &heads {
            let free = systems.iter().all(|system| !reserved.contains(system) && self.has_room(system));
            if free {
                chosen = Some((*place, systems.clone()));
                break;
            }
            reserved.extend(systems);
        }
        let (place, systems) = chosen?;
        let lane = self.lanes.get_mut(&systems)?;
        let piece = lane.remove(&place)?;
        if lane.is_empty() {
            self.lanes.remove(&systems);
        }
        self.known.remove(&piece.key);
        self.waiting -= 1;
        self.under_way.insert(piece.key.clone());
        for system in &piece.systems {
            let spent = self.spent.entry(system.clone()).or_default();
            spent.under_way += 1;
            spent.went.push_back(now);
        }
        Some(piece)
    }

    /// Notes that a piece is over.
    pub fn done(&mut self, piece: &Piece<K>) {
        if !self.under_way.remove(&piece.key) {
            return;
        }
        for system in &piece.systems {
            if let Some(spent) = self.spent.get_mut(system) {
                spent.under_way = spent.under_way.saturating_sub(1);
            }
        }
    }

    /// When a window opens again, if that is what the first pieces wait for.
    pub fn opens_at(&self) -> Option<Millis> {
        let opens = self.spent.iter().filter_map(|(system, spent)| {
            let budget = self.budget(system);
            let full = spent.went.len() >= budget.per_window.max(1) as usize;
            Some(spent.went.front()?.saturating_add(budget.window_ms)).filter(|_| full)
        });
        opens.min()
    }

    fn budget(&self, system: &str) -> Budget {
        self.budgets.get(system).copied().unwrap_or_default()
    }

    /// A budget of nothing would hold its pieces for ever, so the least is one.
    fn has_room(&self, system: &str) -> bool {
        let budget = self.budget(system);
        self.spent.get(system).is_none_or(|spent| {
            spent.under_way < budget.at_once.max(1) && spent.went.len() < budget.per_window.max(1) as usize
        })
    }

    fn forget_windows(&mut self, now: Millis) {
        let budgets = &self.budgets;
        self.spent.retain(|system, spent| {
            let window_ms = budgets.get(system).copied().unwrap_or_default().window_ms;
            while spent.went.front().is_some_and(|at| at.saturating_add(window_ms) <= now) {
                spent.went.pop_front();
            }
            spent.under_way > 0 || !spent.went.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
