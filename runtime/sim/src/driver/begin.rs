//! How a run begins: its instances, its dice, and the events that set it going.

use super::{BEGIN, Instance, Play, Setup};
use crate::door::Doors;
use crate::fault::{Fault, Throws};
use crate::ledger::Ledger;
use crate::plans::KEY;
use crate::queue::Queue;
use crate::seed::Dice;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::id::{InstanceId, RequestId};
use xops_kernel::saga::event::Event;
use xops_kernel::saga::{Saga, Shared};

impl Play {
    pub(super) fn new(setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            tenant: "sim".into(),
            connector: Arc::clone(&setup.model).as_connector(),
            systems: setup.model.config(),
            key: KEY,
            bounds: setup.bounds,
        });
        let mut world = World::default();
        let mut instances = Vec::new();
        for (slot, scene) in setup.scenes.iter().enumerate() {
            scene.before.iter().for_each(|(shelf, value)| world.place(shelf, value));
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(slot as u64).to_le_bytes());
            id[8..].copy_from_slice(&setup.seed.to_le_bytes());
            let saga =
                Saga { instance: InstanceId(id), plan: Arc::clone(&scene.plan), shared: Arc::clone(&shared) };
            let state = saga.fresh();
            instances.push(Instance { saga, state, log: Vec::new() });
        }
        let dice = |kind| Dice::of(setup.seed, kind);
        let mut violations = Vec::new();
        let ledger = Ledger::new(setup.store, setup.seed).unwrap_or_else(|error| {
            violations.push(format!("the journal does not open: {error}"));
            Ledger::Memory
        });
        Self {
            faults: dice("faults"),
            waits: dice("waits"),
            throws: Throws::new(setup.rates.clone(), setup.strikes.clone()),
            ledger,
            deaths: dice("deaths"),
            persons: dice("persons"),
            next_looked_after: 0,
            overtakes: dice("overtakes"),
            setup,
            now: BEGIN,
            queue: Queue::new(),
            world,
            instances,
            calls: BTreeMap::new(),
            decided: BTreeSet::new(),
            released: BTreeSet::new(),
            sent: BTreeMap::new(),
            doomed: None,
            doors: Doors::default(),
            outages: BTreeMap::new(),
            epoch: 0,
            running: true,
            points: Vec::new(),
            answers: Vec::new(),
            gained: Vec::new(),
            events: 0,
            refused: 0,
            violations,
        }
    }

    pub(super) fn start_all(&mut self) {
        for slot in 0..self.instances.len() {
            self.arrive(self.now + 10 * slot as u64, slot, Event::Started);
            if self.throws.strikes(Fault::TurnedByPerson, &mut self.persons) {
                let at = self.now + self.persons.between(10, 20_000);
                self.arrive(
                    at,
                    slot,
                    Event::Turned { why: "a person asked".into(), by: Some("someone".into()) },
                );
            }
            if self.throws.strikes(Fault::Overtaken, &mut self.overtakes) {
                let after = self.overtakes.between(10, 20_000);
                self.setup.overtaken.entry(slot).or_insert(after);
            }
        }
        self.overtake();
    }

    /// Whoever waits for an instance tells it again after each start, until it has heard it.
    pub(super) fn overtake(&mut self) {
        for (slot, after) in self.setup.overtaken.clone() {
            let mut heard = self.instances[slot].log.iter().flatten();
            if !heard.any(|stamped| matches!(stamped.event, Event::Overtaken { .. })) {
                let by = RequestId([slot.to_le_bytes()[0]; 16]);
                self.arrive((BEGIN + after).max(self.now), slot, Event::Overtaken { by });
            }
        }
    }
}
