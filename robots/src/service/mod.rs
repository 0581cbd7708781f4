//! The Service robot: takes work from the three entrances and sees it to an instance.
//!
//! Invariants: one instance at a time drives an entity; what waits for it waits in order of arrival; an outcome that was
//! backstepped is held until the facts behind its plan change or a person releases it, so that reconciliation and backstep
//! never fight; what has declared precedence overtakes the instance that it waits for, which comes to a safe end, and the next plan names
//! the one that it supersedes; a request is compiled until it has an answer, through any number of restarts. An instance that was put away
//! wants nothing and takes nothing until it is brought back, and comes back as it was. What makes actors panic is set aside at the
//! third time (`strikes`).

pub mod column;
mod fold;
pub mod pieces;
pub mod strikes;
pub mod swing;
mod who;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use xops_kernel::culprit::Culprit;
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId};
use xops_kernel::log::{Acknowledged, Decided, Entry, Number, Request, Scope};
use xops_kernel::machine::Machine;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::End;
use xops_kernel::value::{Value, Values};

/// The machine of the Service robot.
#[derive(Clone, Copy, Debug)]
pub struct Service;

/// What the Service robot believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How often the process started.
    pub epoch: u32,
    /// The declarations in force.
    pub declared: Option<Digest>,
    /// Requests that have no answer yet, with the time of asking.
    pub open: BTreeMap<RequestId, (Millis, Request)>,
    /// Requests that wait for an instance of their entity to end, in order of arrival.
    pub deferred: BTreeMap<EntityId, VecDeque<RequestId>>,
    /// Instances that have not ended and are at hand.
    pub running: BTreeMap<Number, Arc<Running>>,
    /// Instances that have not ended and were put away, each with where: a number that means something to whoever put it there.
    pub shelved: BTreeMap<Number, u64>,
    /// The entities that they drive.
    pub driven: BTreeMap<EntityId, Number>,
    /// How many instances ever began.
    pub numbers: Number,
    /// The instances that work with precedence waits for, with the request behind it, until they end.
    pub overtaken: BTreeMap<Number, RequestId>,
    /// The plan of the last instance of an entity, where that was superseded and nothing was compiled since.
    pub superseded: BTreeMap<EntityId, PlanId>,
    /// Ended instances, by end.
    pub ended: BTreeMap<End, u64>,
    /// What xops granted and has not taken back, by entity.
    pub granted: BTreeMap<EntityId, Arc<BTreeMap<Facet, Values>>>,
    /// What a superseded instance may have granted, with its request: the next compilation tells.
    pub doubtful: BTreeMap<EntityId, BTreeMap<Facet, (RequestId, Values)>>,
    /// What was backstepped and is held, with the facts behind its plan.
    pub held: BTreeMap<Target, Held>,
    /// Pauses in force, each with who and why.
    pub paused: BTreeMap<Scope, (String, String)>,
    /// What made actors panic, and what of it is set aside.
    pub strikes: BTreeMap<Culprit, strikes::Strikes>,
    /// The last answers, for whoever asks again.
    pub answers: BTreeMap<RequestId, Answer>,
    /// What xops set and somebody else undid.
    pub swings: swing::Swings,
    /// The drifts that somebody acknowledged, by their ids.
    pub acknowledged: BTreeMap<Digest, Acknowledged>,
    /// The rules in force by which records are joined.
    pub ruled: Option<Digest>,
    /// What people decided of records and did not take back.
    pub decided: BTreeMap<RequestId, Decided>,
    answered: VecDeque<(RequestId, Option<EntityId>)>,
    /// The requests of `deferred`, each with the entity that it waits for.
    waiting: BTreeMap<RequestId, EntityId>,
}

/// An instance under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub instance: InstanceId,
    /// Its request.
    pub request: Request,
    /// The entity.
    pub entity: EntityId,
    /// The plan.
    pub plan: PlanId,
    /// The outcomes that the plan drives.
    pub outcomes: BTreeSet<String>,
    /// The facts behind the plan.
    pub facts: Values,
    /// What it grants when it completes.
    pub grants: BTreeMap<Facet, Values>,
    /// What it takes back when it completes.
    pub removes: BTreeSet<Facet>,
    /// What it sets when it completes.
    pub sets: BTreeMap<Facet, Value>,
}

/// What a hold is on: outcomes of an entity. Printed as the entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The entity.
    pub entity: EntityId,
    /// The outcomes.
    pub outcomes: BTreeSet<String>,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.entity.fmt(f)
    }
}

/// A hold after a backstep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The instance that stepped back.
    pub instance: InstanceId,
    /// The outcomes that its plan drove.
    pub outcomes: BTreeSet<String>,
    /// The facts behind its plan: what has to change before it is tried again by itself.
    pub facts: Values,
    /// Since when.
    pub since: Millis,
}

/// What became of a request. Its variants are stored by their position: append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// An instance was started.
    Started(Number, InstanceId),
    /// Everything was already as desired.
    Unchanged {
        /// What people call the entity.
        handle: String,
        /// How many facets hold.
        satisfied: u32,
    },
    /// There is no plan.
    Refused(Vec<String>),
}

/// How many acknowledgements are remembered; the one that ends first gives way.
pub const ACKNOWLEDGED_MAX: usize = 65_536;

/// How many answers are remembered for whoever asks again.
pub const ANSWERS_MAX: usize = 65_536;

/// What the Service robot wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Resolve, look, compile, and write down the answer.
    Compile(RequestId),
    /// Keep the instance of this number going until it ends.
    Drive(Number),
    /// Tell the instance of this number that work with precedence waits for it.
    Overtake(Number),
}

/// Why an entry cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The request is not open.
    #[error("request {0} is not open")]
    NotOpen(RequestId),
    /// The instance's number is not the next one.
    #[error("instance number {given} cannot begin: the next one is {next}")]
    OutOfOrder {
        /// The number given.
        given: Number,
        /// The next number.
        next: Number,
    },
    /// The instance is not running.
    #[error("instance number {0} is not running")]
    NotRunning(Number),
    /// The instance was put away and has to be brought back first.
    #[error("instance number {0} is put away: bring it back first")]
    PutAway(Number),
}

impl Machine for Service {
    type State = State;
    type Event = Entry;
    type Effect = Effect;
    type Refused = Refused;

    fn step(&self, state: &mut State, entry: &Entry, out: &mut Vec<Effect>) -> Result<(), Refused> {
        fold::apply(state, entry, out)
    }

    fn decide(&self, state: &State) -> Option<Entry> {
        strikes::decide(state)
    }

    fn wanted(&self, state: &State) -> BTreeSet<Effect> {
        let compile =
            |id: &&RequestId| !state.waiting.contains_key(*id) && !state.is_aside(&Culprit::Request(**id));
        let open = state.open.keys().filter(compile).map(|id| Effect::Compile(*id));
        let running = state.running.keys().filter(|number| !state.is_aside(&Culprit::Instance(**number)));
        let overtaken = state.overtaken.keys().filter(|number| !state.is_aside(&Culprit::Instance(**number)));
        let overtake = overtaken.map(|number| Effect::Overtake(*number));
        open.chain(running.map(|number| Effect::Drive(*number))).chain(overtake).collect()
    }
}

impl State {
    /// What is paused and covers work of `runbook` in `domain` on `system` by `instance`, if something is.
    pub fn pause_over(
        &self,
        instance: InstanceId,
        runbook: &str,
        domain: &str,
        system: &str,
    ) -> Option<Scope> {
        if self.paused.is_empty() {
            return None;
        }
        let scopes = [
            Scope::All,
            Scope::Domain(domain.to_owned()),
            Scope::System(system.to_owned()),
            Scope::Runbook(runbook.to_owned()),
            Scope::Instance(instance),
        ];
        scopes.into_iter().find(|scope| self.paused.contains_key(scope))
    }

    /// Forgets an answer, so that it is not forgotten again in the place of the next one.
    fn forget_answer(&mut self, request: RequestId) {
        if self.answers.remove(&request).is_some() {
            self.answered.retain(|(id, _)| *id != request);
        }
    }

    /// Remembers an answer, and the entity that it says something of.
    fn answer(&mut self, request: RequestId, entity: Option<EntityId>, answer: Answer) {
        if self.answers.insert(request, answer).is_none() {
            self.answered.push_back((request, entity));
        }
        while self.answered.len() > ANSWERS_MAX {
            if let Some((oldest, _)) = self.answered.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }

    /// Puts an instance away at `place`: what was known of it is given back, and has to be given again to [`State::bring_back`].
    pub fn put_away(&mut self, number: Number, place: u64) -> Option<Arc<Running>> {
        let running = self.running.remove(&number)?;
        self.shelved.insert(number, place);
        Some(running)
    }

    /// Brings an instance back; where it was, if it had been put away.
    pub fn bring_back(&mut self, number: Number, running: Arc<Running>) -> Option<u64> {
        let place = self.shelved.remove(&number)?;
        self.running.insert(number, running);
        Some(place)
    }
}
