//! Reading: the machine that makes one whole cycle over the reads of a system.
//!
//! Absent: requests but those that pages carry, the clock, the graph. Invariants: reads are made in the declared order, one
//! that is made for each of a kind after all that give that kind; a page that fails breaks off its own read and marks those
//! that hang on it, and no other; every reading is wanted to be applied until that is acknowledged; what is under way or
//! waiting to be applied is bounded.

use crate::dataops::progress::{Answer, Bounds, Course, Next, Place, Progress, Taken, Target};
use crate::retry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use xops_kernel::machine::Machine;
use xops_kernel::port::ReadContract;
use xops_kernel::record::{Millis, Record};

/// The cycles of one system of one tenant.
#[derive(Clone, Debug)]
pub struct Reader {
    tenant: String,
    contracts: Vec<ReadContract>,
    bounds: Bounds,
}

/// Where the reading of a system stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It was never read.
    #[default]
    Idle,
    /// A cycle is under way.
    Reading(Box<Cycle>),
    /// The last cycle is over.
    Ended {
        /// Its number.
        cycle: u64,
        /// When it ended.
        at: Millis,
        /// The reads that were not complete, with the first reason; none if it was complete.
        incomplete: BTreeMap<String, String>,
        /// The optional reads that the system does not give us, with its reason.
        denied: BTreeMap<String, String>,
    },
}

/// What a cycle is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The reads that are made; all where none is named.
    pub only: BTreeSet<String>,
    /// Those of them that begin where the last one ended.
    pub places: BTreeMap<Target, Place>,
}

/// A cycle that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Its number.
    number: u64,
    /// The latest time that an event brought.
    at: Millis,
    /// What it is about.
    scope: Scope,
    /// How many of the reads were opened.
    opened: usize,
    /// What is still to be read of the last read that was opened.
    queue: VecDeque<Target>,
    /// What is under way.
    active: BTreeMap<Target, Progress>,
    /// What is read and waits to be applied.
    read: BTreeMap<Target, Taken>,
    /// The ids that were read, for the kinds that other reads are made for.
    ids: BTreeMap<String, BTreeSet<String>>,
    /// The kinds of which not all records were read.
    broken: BTreeSet<String>,
    /// The reads that were not complete, with the first reason.
    incomplete: BTreeMap<String, String>,
    /// The optional reads that the system does not give us.
    denied: BTreeMap<String, String>,
    /// The kinds that they give.
    denied_kinds: BTreeSet<String>,
}

/// One try of one page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// The cycle.
    pub cycle: u64,
    /// The read and its parameter.
    pub target: Target,
    /// The page, from 0.
    pub page: u32,
    /// The try, from 1.
    pub attempt: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A cycle began.
    Begun {
        /// Its number, greater than that of the last.
        cycle: u64,
        /// When.
        at: Millis,
        /// What it is about.
        scope: Scope,
    },
    /// A page was answered, or could not be.
    Answered {
        /// Which.
        call: Call,
        /// What the answer was.
        answer: Answer,
        /// When.
        at: Millis,
    },
    /// The wait after a try is over.
    Waited {
        /// Which try.
        call: Call,
        /// When.
        at: Millis,
    },
    /// The graph took a reading in.
    Applied {
        /// The cycle.
        cycle: u64,
        /// Which.
        target: Target,
        /// When.
        at: Millis,
    },
    /// The cycle was given up: the robot stopped, or the system was withdrawn.
    Abandoned {
        /// The cycle.
        cycle: u64,
        /// When.
        at: Millis,
    },
    /// The cycle is over. It follows from the state alone.
    Ended {
        /// The cycle.
        cycle: u64,
        /// When.
        at: Millis,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Ask for a page: the first by rendering the read, others by [`State::next`].
    Fetch(Call),
    /// Say [`Event::Waited`] of the try at `until`.
    Wait {
        /// Which try.
        call: Call,
        /// When.
        until: Millis,
    },
    /// Apply [`State::taken`] to the graph and say [`Event::Applied`].
    Apply {
        /// The cycle.
        cycle: u64,
        /// Which.
        target: Target,
    },
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A cycle while another is under way, or with a number that was used.
    #[error("cycle {0} cannot begin: the last one is under way or has no smaller number")]
    CannotBegin(u64),
    /// An event of a cycle that is not under way.
    #[error("cycle {0} is not under way")]
    NotUnderWay(u64),
    /// An answer, a wait or an acknowledgement of something that is not wanted: late, double or unknown.
    #[error("nothing is wanted of `{read}` that this would answer")]
    Unwanted {
        /// The read.
        read: String,
    },
    /// An end while something is wanted.
    #[error("cycle {0} has work left and cannot end")]
    WorkLeft(u64),
}

impl State {
    /// What an [`Effect::Apply`] names.
    pub fn taken(&self, target: &Target) -> Option<&Taken> {
        match self {
            Self::Reading(cycle) => {
                let part = || cycle.active.get(target)?.part.as_deref();
                cycle.read.get(target).or_else(part)
            }
            Self::Idle | Self::Ended { .. } => None,
        }
    }

    /// The request of the page that is under way for `target`; `None` for a first page.
    pub fn next(&self, target: &Target) -> Option<&Next> {
        match self {
            Self::Reading(cycle) => cycle.active.get(target)?.next.as_ref(),
            Self::Idle | Self::Ended { .. } => None,
        }
    }

    /// Where the read of `target` that is under way began, if it is one of changes.
    pub fn since(&self, target: &Target) -> Option<&str> {
        match self {
            Self::Reading(cycle) => cycle.active.get(target)?.since(),
            Self::Idle | Self::Ended { .. } => None,
        }
    }

    /// One word for metrics and traces, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Reading(_) => "reading",
            Self::Ended { incomplete, .. } if incomplete.is_empty() => "complete",
            Self::Ended { .. } => "incomplete",
        }
    }

    fn cycle(&mut self, number: u64) -> Result<&mut Cycle, Refused> {
        match self {
            Self::Reading(cycle) if cycle.number == number => Ok(cycle),
            Self::Idle | Self::Reading(_) | Self::Ended { .. } => Err(Refused::NotUnderWay(number)),
        }
    }

    fn last(&self) -> Option<u64> {
        match self {
            Self::Idle => None,
            Self::Reading(cycle) => Some(cycle.number),
            Self::Ended { cycle, .. } => Some(*cycle),
        }
    }
}

impl Cycle {
    fn call(&self, target: &Target, progress: &Progress) -> Call {
        let (page, attempt) = (progress.page, progress.attempt);
        Call { cycle: self.number, target: target.clone(), page, attempt }
    }

    /// The progress that `call` belongs to, if it is in the state in which that is wanted.
    fn progress(&mut self, call: &Call, waiting: bool) -> Result<&mut Progress, Refused> {
        let progress = self.active.get_mut(&call.target).filter(|progress| {
            (progress.page, progress.attempt) == (call.page, call.attempt)
                && progress.waits_until.is_some() == waiting
                && progress.part.is_none()
        });
        progress.ok_or_else(|| Refused::Unwanted { read: call.target.read.clone() })
    }

    fn is_over(&self, reads: usize) -> bool {
        self.opened >= reads && self.queue.is_empty() && self.active.is_empty() && self.read.is_empty()
    }

    fn note(&mut self, contract: &ReadContract, reason: String, denied: bool) {
        self.broken.insert(contract.kind.clone());
        // What hangs on a read that is denied was denied with it.
        let parent = contract.for_each.as_ref().is_some_and(|kind| self.denied_kinds.contains(kind));
        let list = if parent || (denied && contract.optional) {
            self.denied_kinds.insert(contract.kind.clone());
            &mut self.denied
        } else {
            &mut self.incomplete
        };
        list.entry(contract.name.clone()).or_insert(reason);
    }
}

impl Reader {
    /// The cycles of a system with these reads, in the order in which they are to be made. `tenant` seeds the backoff.
    pub fn new(tenant: &str, contracts: Vec<ReadContract>, bounds: Bounds) -> Self {
        let bounds = Bounds { lanes_max: bounds.lanes_max.max(1), ..bounds };
        Self { tenant: tenant.to_owned(), contracts, bounds }
    }

    fn seed(&self, contract: &ReadContract, target: &Target) -> [u8; 16] {
        let parameter = target.parameter.as_deref().unwrap_or_default();
        retry::seed_of(&[&self.tenant, &contract.system, &target.read, parameter])
    }

    /// Opens what there is room for.
    fn advance(&self, cycle: &mut Cycle) {
        loop {
            let room = cycle.active.len() + cycle.read.len() < self.bounds.lanes_max;
            if room && let Some(target) = cycle.queue.pop_front() {
                let since = cycle.scope.places.get(&target).cloned();
                cycle.active.insert(target, Progress::new(cycle.at, since));
            } else if cycle.queue.is_empty()
                && cycle.active.is_empty()
                && let Some(contract) = self.contracts.get(cycle.opened)
            {
                self.open(contract, cycle);
            } else {
                return;
            }
        }
    }

    /// Opens one read: itself, or its parameters.
    fn open(&self, contract: &ReadContract, cycle: &mut Cycle) {
        let target = |parameter| Target { read: contract.name.clone(), parameter };
        if !cycle.scope.only.is_empty() && !cycle.scope.only.contains(&contract.name) {
            cycle.opened += 1;
            return;
        }
        let Some(kind) = &contract.for_each else {
            cycle.queue.push_back(target(None));
            cycle.opened += 1;
            return;
        };
        if !self.contracts[..cycle.opened].iter().any(|before| before.kind == *kind) {
            let why = format!("it is made for each `{kind}`, which no read before it gives");
            cycle.note(contract, why, false);
        }
        let ids = cycle.ids.get(kind).cloned().unwrap_or_default();
        if ids.len() > self.bounds.parameters_max {
            let why = format!("there are more than {} `{kind}`", self.bounds.parameters_max);
            cycle.note(contract, why, false);
        }
        cycle.queue.extend(ids.into_iter().take(self.bounds.parameters_max).map(|id| target(Some(id))));
        cycle.opened += 1;
    }

    /// Ends one read: its reading waits to be applied.
    fn close(
        &self,
        contract: &ReadContract,
        cycle: &mut Cycle,
        target: &Target,
        broken: Option<String>,
        denied: bool,
    ) {
        let Some(progress) = cycle.active.remove(target) else { return };
        let parent = contract.for_each.as_ref().filter(|kind| cycle.broken.contains(*kind));
        let hanging = parent.map(|kind| format!("it is made for each `{kind}`, of which not all were read"));
        let broken = broken.or(hanging);
        if let Some(reason) = &broken {
            cycle.note(contract, reason.clone(), denied);
        }
        let taken = progress.taken(contract, target, broken);
        self.note_ids(contract, &mut cycle.ids, &taken.reading.records);
        cycle.read.insert(target.clone(), taken);
    }

    /// Notes the ids of what other reads are made for.
    fn note_ids(
        &self,
        contract: &ReadContract,
        all: &mut BTreeMap<String, BTreeSet<String>>,
        records: &[Record],
    ) {
        if self.contracts.iter().any(|later| later.for_each.as_ref() == Some(&contract.kind)) {
            let ids = records.iter().map(|record| &record.source.id).filter(|id| !id.trim().is_empty());
            all.entry(contract.kind.clone()).or_default().extend(ids.cloned());
        }
    }

    fn begin(&self, state: &mut State, number: u64, at: Millis, scope: &Scope) -> Result<(), Refused> {
        if matches!(state, State::Reading(_)) || state.last().is_some_and(|last| last >= number) {
            return Err(Refused::CannotBegin(number));
        }
        let mut cycle = Cycle { number, at, scope: scope.clone(), ..Cycle::default() };
        self.advance(&mut cycle);
        *state = State::Reading(Box::new(cycle));
        Ok(())
    }

    fn answered(&self, cycle: &mut Cycle, call: &Call, answer: &Answer, at: Millis) -> Result<(), Refused> {
        let unwanted = || Refused::Unwanted { read: call.target.read.clone() };
        let contract =
            self.contracts.iter().find(|contract| contract.name == call.target.read).ok_or_else(unwanted)?;
        let seed = self.seed(contract, &call.target);
        let course = cycle.progress(call, false)?.answered(answer, at, &self.bounds, seed);
        cycle.at = cycle.at.max(at);
        match course {
            Course::On => {
                let Cycle { active, ids, .. } = cycle;
                if let Some(progress) = active.get_mut(&call.target)
                    && let Some(part) = progress.hand_on(contract, &call.target, &self.bounds)
                {
                    self.note_ids(contract, ids, &part.reading.records);
                }
            }
            Course::Whole => self.close(contract, cycle, &call.target, None, false),
            Course::Broken(reason) => self.close(contract, cycle, &call.target, Some(reason), false),
            Course::Denied(reason) => self.close(contract, cycle, &call.target, Some(reason), true),
        }
        self.advance(cycle);
        Ok(())
    }

    fn apply(&self, state: &mut State, event: &Event) -> Result<(), Refused> {
        match event {
            Event::Begun { cycle, at, scope } => self.begin(state, *cycle, *at, scope),
            Event::Answered { call, answer, at } => {
                self.answered(state.cycle(call.cycle)?, call, answer, *at)
            }
            Event::Waited { call, at } => {
                let cycle = state.cycle(call.cycle)?;
                cycle.progress(call, true)?.waited();
                cycle.at = cycle.at.max(*at);
                Ok(())
            }
            Event::Applied { cycle, target, at } => {
                let cycle = state.cycle(*cycle)?;
                let part = cycle.active.get_mut(target).and_then(|progress| progress.part.take());
                let applied = part.is_some() || cycle.read.remove(target).is_some();
                if !applied {
                    return Err(Refused::Unwanted { read: target.read.clone() });
                }
                cycle.at = cycle.at.max(*at);
                self.advance(cycle);
                Ok(())
            }
            Event::Abandoned { cycle: number, at } => {
                let cycle = state.cycle(*number)?;
                let mut incomplete = std::mem::take(&mut cycle.incomplete);
                for contract in &self.contracts {
                    incomplete
                        .entry(contract.name.clone())
                        .or_insert_with(|| "the cycle was given up".to_owned());
                }
                let denied = std::mem::take(&mut cycle.denied);
                *state = State::Ended { cycle: *number, at: *at, incomplete, denied };
                Ok(())
            }
            Event::Ended { cycle: number, at } => {
                let cycle = state.cycle(*number)?;
                if !cycle.is_over(self.contracts.len()) {
                    return Err(Refused::WorkLeft(*number));
                }
                let incomplete = std::mem::take(&mut cycle.incomplete);
                let denied = std::mem::take(&mut cycle.denied);
                *state = State::Ended { cycle: *number, at: *at, incomplete, denied };
                Ok(())
            }
        }
    }
}

impl Machine for Reader {
    type State = State;
    type Event = Event;
    type Effect = Effect;
    type Refused = Refused;

    fn step(&self, state: &mut State, event: &Event, out: &mut Vec<Effect>) -> Result<(), Refused> {
        let before = self.wanted(state);
        self.apply(state, event)?;
        out.extend(self.wanted(state).difference(&before).cloned());
        Ok(())
    }

    fn decide(&self, state: &State) -> Option<Event> {
        match state {
            State::Reading(cycle) if cycle.is_over(self.contracts.len()) => {
                Some(Event::Ended { cycle: cycle.number, at: cycle.at })
            }
            State::Idle | State::Reading(_) | State::Ended { .. } => None,
        }
    }

    fn wanted(&self, state: &State) -> BTreeSet<Effect> {
        let State::Reading(cycle) = state else { return BTreeSet::new() };
        let asked = cycle.active.iter().map(|(target, progress)| {
            let call = cycle.call(target, progress);
            match progress.waits_until {
                _ if progress.part.is_some() => Effect::Apply { cycle: call.cycle, target: call.target },
                Some(until) => Effect::Wait { call, until },
                None => Effect::Fetch(call),
            }
        });
        let applied =
            cycle.read.keys().map(|target| Effect::Apply { cycle: cycle.number, target: target.clone() });
        asked.chain(applied).collect()
    }
}
