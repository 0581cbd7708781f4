//! What a tenant's engine shows of itself.

use crate::letter::View;
use serde::Serialize;
use std::collections::BTreeMap;

/// The status of one tenant.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The tenant.
    pub tenant: String,
    /// How often the process started.
    pub epoch: u32,
    /// Why nothing is written any more, if so.
    pub stopped: Option<String>,
    /// Instances under way.
    pub instances: Vec<InstanceStatus>,
    /// Ended instances, by end.
    pub ended: BTreeMap<String, u64>,
    /// Requests that have no answer yet.
    pub open_requests: usize,
    /// What is held after a backstep.
    pub held: Vec<HeldStatus>,
    /// What is paused.
    pub paused: Vec<PauseStatus>,
    /// What made actors panic three times and is set aside, until a person releases it.
    pub poisoned: Vec<PoisonStatus>,
    /// The systems.
    pub systems: Vec<SystemStatus>,
    /// How often each robot was started again after a panic.
    pub restarts: BTreeMap<String, u64>,
    /// The size of the graph.
    pub graph: GraphStatus,
}

/// An instance under way.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceStatus {
    /// Its number.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// Its plan's name.
    pub plan: String,
    /// What people call the entity.
    pub entity: String,
    /// Its state, in one word.
    pub state: String,
}

/// A hold.
#[derive(Clone, Debug, Serialize)]
pub struct HeldStatus {
    /// The entity.
    pub entity: String,
    /// The instance that stepped back.
    pub instance: String,
}

/// A pause.
#[derive(Clone, Debug, Serialize)]
pub struct PauseStatus {
    /// What it covers.
    pub scope: String,
    /// Who paused.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What is set aside after panics.
#[derive(Clone, Debug, Serialize)]
pub struct PoisonStatus {
    /// What, as `release` takes it.
    pub what: String,
    /// The actor that panicked last.
    pub robot: String,
    /// What it was doing.
    pub doing: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

/// A system.
#[derive(Clone, Debug, Serialize)]
pub struct SystemStatus {
    /// Its name.
    pub system: String,
    /// Its domain.
    pub domain: String,
    /// `closed`, or `open`.
    pub breaker: String,
    /// What is left of each of its published limits: `20/50`.
    pub budgets: BTreeMap<String, String>,
    /// How many jobs wait at its door.
    pub queue: usize,
    /// Since when the oldest of them waits, in milliseconds since 1970.
    pub oldest_waiting: Option<u64>,
    /// When each of its reads was last complete, and why one failed since.
    pub reads: BTreeMap<String, ReadStatus>,
}

/// A read of a system.
#[derive(Clone, Debug, Serialize)]
pub struct ReadStatus {
    /// When the last complete reading began, in milliseconds since 1970.
    pub complete_at: Option<u64>,
    /// Why a later one was not complete.
    pub failed: Option<String>,
}

/// The size of the graph.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GraphStatus {
    /// Entities, by kind.
    pub entities: BTreeMap<String, usize>,
    /// Records, by system.
    pub records: BTreeMap<String, usize>,
    /// Records that are joined to an entity.
    pub links: usize,
    /// Exceptions.
    pub exceptions: usize,
}

/// The part of a status that the Service robot knows.
pub fn of_view(tenant: &str, view: View) -> Status {
    let instances = view.running.into_iter().map(|(number, id, plan, entity, word)| InstanceStatus {
        number,
        id: id.to_string(),
        plan,
        entity,
        state: word.to_owned(),
    });
    let held =
        view.held.into_iter().map(|(entity, instance)| HeldStatus { entity, instance: instance.to_string() });
    let paused =
        view.paused.into_iter().map(|(scope, by, why)| PauseStatus { scope: scope.to_string(), by, why });
    let poisoned = view.aside.into_iter().map(|(over, strikes)| PoisonStatus {
        what: over.to_string(),
        robot: strikes.robot,
        doing: strikes.doing,
        since: strikes.aside.unwrap_or_default(),
    });
    Status {
        tenant: tenant.to_owned(),
        epoch: view.epoch,
        stopped: None,
        instances: instances.collect(),
        ended: view.ended.into_iter().map(|(end, count)| (end.to_owned(), count)).collect(),
        open_requests: view.open,
        held: held.collect(),
        paused: paused.collect(),
        poisoned: poisoned.collect(),
        systems: Vec::new(),
        restarts: BTreeMap::new(),
        graph: GraphStatus::default(),
    }
}
