//! The shell, played: append, then believe, then act; and die anywhere between.
//!
//! Invariants: an event and what is decided from it are one frame, and the frame is in the log before any effect of it is
//! performed; a death loses what is in memory and on its way back, and nothing that was appended or sent; after a death the
//! log is folded from nothing. [`Ending::violations`] names every law that was broken, and is empty or a bug was found.

mod begin;
mod death;

use crate::account;
use crate::door::Doors;
use crate::fault::{Fault, Rates, Strike, Tally, Throws};
use crate::laws;
use crate::ledger::{Ledger, Store};
use crate::model::Model;
use crate::plans::Scene;
use crate::queue::Queue;
use crate::seed::Dice;
use crate::systems::Systems;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::id::{Direction, StepId};
use xops_kernel::machine::Machine;
use xops_kernel::port::{Request, Response};
use xops_kernel::record::Millis;
use xops_kernel::saga::decide::Rendered;
use xops_kernel::saga::event::{Effect, Event, Stamped};
use xops_kernel::saga::state::State;
use xops_kernel::saga::unanswered::Unanswered;
use xops_kernel::saga::{Bounds, Saga};
use xops_kernel::value::Values;

/// When the simulation begins: some day, not the epoch.
const BEGIN: Millis = 1_000_000_000;
/// Events that a run may take for each step before it counts as a loop.
const EVENTS_PER_STEP_MAX: u64 = 4_000;
/// Virtual time that a run may take before it counts as a hang, in milliseconds.
const TIME_MAX_MS: u64 = 40 * 24 * 3_600_000;
/// How often, for each instance, somebody looks after what waits for a person.
const ROUNDS_MAX: usize = 8;

/// When the process dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kills {
    /// Never.
    Never,
    /// At these points, counted from 0 in the order in which the run passes them.
    At(BTreeSet<u64>),
    /// At any point, by [`Fault::Killed`]'s rate.
    ByRate,
}

/// What people do with parked and stuck steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// Nobody comes.
    Absent,
    /// They look at the system itself and say what they saw; where nothing is in doubt they may say: try again.
    Truthful,
}

/// How much is checked on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Every law after every event.
    All,
    /// What costs little, and all laws at the end.
    Ends,
    /// The end's account only.
    Account,
}

/// A point at which the process can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Something happened and is not yet appended: a call has been performed, its answer is lost.
    BeforeAppend,
    /// The frame is durable, nothing of it was performed.
    Appended,
    /// A call was sent.
    Sent,
}

/// Everything that a run is made of.
#[derive(Clone)]
pub struct Setup {
    /// The seed of everything random.
    pub seed: u64,
    /// The plans, one instance each.
    pub scenes: Vec<Scene>,
    /// How often what goes wrong.
    pub rates: Rates,
    /// What strikes, whatever the dice say; by the rates where there is no list.
    pub strikes: Option<BTreeSet<Strike>>,
    /// What frames are kept on.
    pub store: Store,
    /// When the process dies.
    pub kills: Kills,
    /// Calls that the system refuses whenever they come.
    pub rejects: BTreeSet<(usize, StepId, Direction)>,
    /// Steps that the gate finds paused whenever it looks.
    pub paused: BTreeSet<(usize, StepId)>,
    /// What happens to a call: by instance, step, direction and which of the step's calls it is, counted from 1.
    pub script: BTreeMap<(usize, StepId, Direction, u32), Fault>,
    /// The instances that work with precedence overtakes, and how long after the beginning, in milliseconds.
    pub overtaken: BTreeMap<usize, Millis>,
    /// What people do.
    pub people: People,
    /// How much is checked.
    pub checks: Checks,
    /// The systems.
    pub model: Arc<dyn Systems>,
    /// The kernel's bounds.
    pub bounds: Bounds,
}

impl Setup {
    /// A run of `scenes` in which nothing goes wrong and every law is checked.
    pub fn calm(seed: u64, scenes: Vec<Scene>) -> Self {
        let bounds = Bounds { gate_wait_ms_max: 3_600_000, ..Bounds::default() };
        Self {
            seed,
            scenes,
            rates: Rates::none(),
            strikes: None,
            store: Store::Memory,
            kills: Kills::Never,
            rejects: BTreeSet::new(),
            paused: BTreeSet::new(),
            script: BTreeMap::new(),
            overtaken: BTreeMap::new(),
            people: People::Absent,
            checks: Checks::All,
            model: Model::shared(),
            bounds,
        }
    }
}

/// One instance of a run.
pub struct Instance {
    /// The machine.
    pub saga: Saga,
    /// What is believed.
    pub state: State,
    /// What is durable: the frames.
    pub log: Vec<Vec<Stamped>>,
}

/// What a run ends in.
pub struct Ending {
    /// The instances.
    pub instances: Vec<Instance>,
    /// The world.
    pub world: World,
    /// Which step of which instance each call belonged to, by its key.
    pub calls: BTreeMap<String, (usize, StepId, Direction)>,
    /// Steps about which people decided.
    pub decided_by_people: BTreeSet<(usize, StepId)>,
    /// Steps that people let go on in any way.
    pub released: BTreeSet<(usize, StepId)>,
    /// How often each fault struck.
    pub tally: Tally,
    /// How often a breaker opened, and how often a probe went through one.
    pub breakers: (u64, u64),
    /// What struck, in order.
    pub strikes: Vec<Strike>,
    /// The points that the run passed, in order.
    pub points: Vec<Point>,
    /// Events applied.
    pub events: u64,
    /// Events refused.
    pub refused: u64,
    /// The virtual time that it took, in milliseconds.
    pub took_ms: u64,
    /// The hash of the journal's last frame, where there is a journal.
    pub tip: Option<[u8; 32]>,
    /// The calls that nobody answered, and what became of them.
    pub unanswered: Vec<Unanswered>,
    /// Laws that were broken.
    pub violations: Vec<String>,
}

/// What is on its way.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// An event reaches an instance.
    Arrive { slot: usize, epoch: u32, event: Event },
    /// The gate looks.
    Judge { slot: usize, epoch: u32, step: StepId, dir: Direction, attempt: u32 },
    /// A request reaches a system.
    Land { request: Request, call: String, reply: Option<Reply> },
    /// An effect that waits at a door may go.
    Due { slot: usize, epoch: u32, effect: Effect, rendered: Option<Box<Rendered>> },
    /// A response reaches the process.
    Back { reply: Reply, response: Response },
    /// The process starts again.
    Restart,
}

/// Who waits for the response to a call, and the inputs that it was rendered from.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) slot: usize,
    pub(crate) epoch: u32,
    pub(crate) step: StepId,
    pub(crate) dir: Direction,
    pub(crate) attempt: u32,
    pub(crate) after_ms: u64,
    pub(crate) inputs: Values,
}

/// A run under way.
pub(crate) struct Play {
    pub(crate) setup: Setup,
    pub(crate) now: Millis,
    queue: Queue<Item>,
    pub(crate) world: World,
    pub(crate) instances: Vec<Instance>,
    pub(crate) calls: BTreeMap<String, (usize, StepId, Direction)>,
    pub(crate) decided: BTreeSet<(usize, StepId)>,
    pub(crate) released: BTreeSet<(usize, StepId)>,
    pub(crate) sent: BTreeMap<(usize, StepId, Direction), u32>,
    pub(crate) doomed: Option<Fault>,
    pub(crate) doors: Doors,
    /// Until when systems are down.
    pub(crate) outages: BTreeMap<String, Millis>,
    pub(crate) epoch: u32,
    running: bool,
    pub(crate) throws: Throws,
    ledger: Ledger,
    pub(crate) faults: Dice,
    pub(crate) waits: Dice,
    deaths: Dice,
    pub(crate) persons: Dice,
    /// The instance after which a person looks next, so that each has its turn.
    pub(crate) next_looked_after: usize,
    overtakes: Dice,
    points: Vec<Point>,
    /// The frames that answers began: instance and place in its log.
    answers: Vec<(usize, usize)>,
    gained: Vec<Effect>,
    events: u64,
    refused: u64,
    pub(crate) violations: Vec<String>,
}

/// Plays a run to its end.
pub fn play(setup: Setup) -> Ending {
    let mut play = Play::new(setup);
    play.start_all();
    play.until_quiet();
    for _ in 0..ROUNDS_MAX * play.instances.len() {
        if play.setup.people == People::Absent || !play.people() {
            break;
        }
        play.until_quiet();
    }
    let mut ending = Ending {
        instances: play.instances,
        world: play.world,
        calls: play.calls,
        decided_by_people: play.decided,
        released: play.released,
        tip: play.ledger.tip(),
        breakers: play.doors.opened(),
        tally: play.throws.tally(),
        strikes: play.throws.into_strikes(),
        points: play.points,
        events: play.events,
        refused: play.refused,
        took_ms: play.now - BEGIN,
        unanswered: Vec::new(),
        violations: play.violations,
    };
    for instance in &ending.instances {
        let broken = laws::hold(instance, play.setup.checks != Checks::Account, &mut ending.unanswered);
        ending.violations.extend(broken.err());
    }
    let broken = account::settle(&ending, &play.setup.scenes);
    ending.violations.extend(broken);
    ending
}

impl Play {
    pub(crate) fn put(&mut self, at: Millis, item: Item) {
        self.queue.put(at.max(self.now), item);
    }

    pub(crate) fn arrive(&mut self, at: Millis, slot: usize, event: Event) {
        let epoch = self.epoch;
        self.put(at, Item::Arrive { slot, epoch, event });
    }

    fn until_quiet(&mut self) {
        let steps: usize = self.instances.iter().map(|instance| instance.state.steps.len() + 1).sum();
        let events_max = EVENTS_PER_STEP_MAX * steps as u64;
        while let Some((at, item)) = self.queue.pop() {
            debug_assert!(at >= self.now, "the clock is set back");
            self.now = at;
            if self.events > events_max || at > BEGIN + TIME_MAX_MS {
                self.violations.push(format!("hang: {} events in {} ms", self.events, at - BEGIN));
                return;
            }
            self.happen(item);
        }
    }

    fn happen(&mut self, item: Item) {
        let alive = |epoch: u32| self.running && epoch == self.epoch;
        match item {
            Item::Arrive { slot, epoch, event } if alive(epoch) => {
                self.leaves(slot, &event);
                self.deliver(slot, event);
            }
            Item::Due { slot, epoch, effect, rendered } if alive(epoch) => {
                self.due(slot, effect, rendered.map(|call| *call));
            }
            Item::Judge { slot, epoch, step, dir, attempt } if alive(epoch) => {
                let event = self.judge(slot, step, dir, attempt);
                self.deliver(slot, event);
            }
            Item::Land { request, call, reply } => {
                let response = self.setup.model.perform(&mut self.world, &request, &call, self.now);
                if let Some(reply) = reply {
                    let at = self.now + reply.after_ms;
                    self.put(at, Item::Back { reply, response });
                }
            }
            Item::Back { reply, response } if alive(reply.epoch) => {
                let event = self.classified(&reply, &response);
                self.doors.heard((reply.slot, reply.step, reply.attempt), &response, self.now);
                self.leaves(reply.slot, &event);
                self.deliver(reply.slot, event);
            }
            Item::Restart => self.restart(),
            Item::Arrive { .. } | Item::Due { .. } | Item::Judge { .. } | Item::Back { .. } => {}
        }
    }

    /// Appends an event with what follows from it, believes it, and acts on it.
    pub(crate) fn deliver(&mut self, slot: usize, event: Event) {
        if self.dies(Point::BeforeAppend) {
            return;
        }
        let resumed = matches!(event, Event::Resumed { .. });
        let answer = matches!(
            event,
            Event::Judged { .. }
                | Event::Sighted { .. }
                | Event::Missed { .. }
                | Event::Answered { .. }
                | Event::Woke { .. }
        );
        let mut rendered = None;
        let Some(frame) = self.believe(slot, event, &mut rendered) else { return };
        if !self.ledger.append(slot, &frame, &mut self.throws) {
            self.die();
            return;
        }
        let log = &mut self.instances[slot].log;
        let place = log.len();
        log.push(frame);
        if self.setup.checks == Checks::All
            && let Err(broken) = laws::folds(&self.instances[slot])
        {
            self.violations.push(broken);
        }
        if self.dies(Point::Appended) {
            return;
        }
        let mut due = std::mem::take(&mut self.gained);
        let Instance { saga, state, .. } = &self.instances[slot];
        if resumed {
            due.clear();
            due.extend(saga.wanted(state));
        } else {
            due.retain(|effect| saga.still_wants(state, effect));
        }
        for effect in &due {
            self.perform(slot, *effect, &mut rendered);
            if matches!(effect, Effect::Call { .. }) && self.dies(Point::Sent) {
                return;
            }
        }
        self.gained = due;
        if answer {
            self.again(slot, place);
        }
    }

    /// An effect that waited at a door is performed, if it is still wanted.
    fn due(&mut self, slot: usize, effect: Effect, mut rendered: Option<Rendered>) {
        let Instance { saga, state, .. } = &self.instances[slot];
        if saga.still_wants(state, &effect) {
            self.perform(slot, effect, &mut rendered);
            if matches!(effect, Effect::Call { .. }) {
                self.dies(Point::Sent);
            }
        }
    }

    /// The frame that an event makes; nothing if the state refuses it. What it asks for is in `gained` from then on, and where it
    /// decides a call, that is rendered.
    fn believe(
        &mut self,
        slot: usize,
        event: Event,
        rendered: &mut Option<Rendered>,
    ) -> Option<Vec<Stamped>> {
        let all = self.setup.checks == Checks::All;
        let Instance { saga, state, .. } = &mut self.instances[slot];
        let gained = &mut self.gained;
        gained.clear();
        let back = self.throws.strikes(Fault::ClockBack, &mut self.deaths);
        let at = if back { self.now - self.deaths.between(1, 10_000) } else { self.now };
        let mut frame = vec![Stamped { at, event }];
        let mut next = 0;
        while let Some(stamped) = frame.get(next) {
            match laws::steps(saga, state, stamped, gained, all) {
                Ok(true) => self.events += 1,
                Ok(false) if next == 0 => {
                    self.refused += 1;
                    return None;
                }
                Ok(false) => {
                    self.violations
                        .push(format!("the machine refuses its own decision: {:?}", stamped.event));
                    return None;
                }
                Err(broken) => {
                    self.violations.push(broken);
                    self.events += 1;
                }
            }
            next += 1;
            frame.extend(saga.decide_call(state, rendered));
            if next > 10_000 {
                self.violations.push("deciding does not come to an end".into());
                return None;
            }
        }
        Some(frame)
    }
}
