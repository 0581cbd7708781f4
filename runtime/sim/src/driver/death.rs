//! How the process dies and comes back, and what comes twice.
//!
//! Invariant: a death loses what is in memory and on its way back, and nothing that was appended or sent; afterwards the log is folded
//! from nothing.

use super::{Item, Kills, Play, Point};
use crate::fault::Fault;
use crate::laws;
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::Course;

impl Play {
    /// Delivers an answer that was applied before once more: it must be refused and change nothing.
    pub(super) fn again(&mut self, slot: usize, place: usize) {
        self.answers.push((slot, place));
        if !self.throws.strikes(Fault::OldAnswer, &mut self.faults) {
            return;
        }
        let (slot, place) = self.answers[self.faults.place(self.answers.len())];
        let answer = self.instances[slot].log.get(place).and_then(|frame| frame.first());
        let Some(event) = answer.map(|stamped| stamped.event.clone()) else { return };
        let instance = &mut self.instances[slot];
        let (before, mut out) = (instance.state.clone(), Vec::new());
        let stamped = Stamped { at: self.now, event };
        let refused = instance.saga.step(&mut instance.state, &stamped, &mut out).is_err();
        if !refused || instance.state != before || !out.is_empty() {
            self.violations.push(format!("an old answer was not refused: {stamped:?}"));
            instance.state = before;
        }
        self.refused += 1;
    }

    pub(super) fn dies(&mut self, point: Point) -> bool {
        let nth = self.points.len() as u64;
        self.points.push(point);
        let dies = match &self.setup.kills {
            _ if point == Point::Sent && self.doomed.is_some() => true,
            Kills::Never => false,
            Kills::At(points) => points.contains(&nth),
            Kills::ByRate => self.throws.thrown(Fault::Killed, &mut self.deaths),
        };
        if dies {
            self.throws.count(Fault::Killed);
            self.die();
        }
        dies
    }

    /// The process is gone, and comes back after a while.
    pub(super) fn die(&mut self) {
        self.running = false;
        self.epoch += 1;
        let doomed = self.doomed.take() == Some(Fault::LongDown);
        let long = doomed || self.throws.strikes(Fault::LongDown, &mut self.deaths);
        let down_ms = if long { self.deaths.between(60_000, 600_000) } else { self.deaths.between(1, 1_500) };
        self.put(self.now + down_ms, Item::Restart);
    }

    pub(super) fn restart(&mut self) {
        self.running = true;
        let logs = self.instances.iter_mut().map(|instance| &mut instance.log).collect();
        self.violations.extend(self.ledger.recover(logs));
        self.violations.extend(self.doors.recover(self.setup.model.as_ref(), self.now));
        for slot in 0..self.instances.len() {
            let instance = &mut self.instances[slot];
            match laws::fold(&instance.saga, &instance.log) {
                Ok(state) => instance.state = state,
                Err(broken) => self.violations.push(broken),
            }
        }
        for slot in 0..self.instances.len() {
            let instance = &self.instances[slot];
            if matches!(instance.state.course, Course::Ended(_)) {
                continue;
            }
            let event =
                if instance.log.is_empty() { Event::Started } else { Event::Resumed { epoch: self.epoch } };
            self.deliver(slot, event);
            if !self.running {
                return;
            }
        }
        self.overtake();
    }
}
