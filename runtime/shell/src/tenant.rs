//! What all actors of one tenant share on their arbiter.

use crate::cycles::Cycles;
use crate::dataops::DataOps;
use crate::door::Door;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::platform::Platform;
use crate::transport::Transport;
use actix::Addr;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use xops_graph::graph::Graph;
use xops_journal::disk::Disk;
use xops_journal::keys::Keys;
use xops_journal::subjects::SubjectKeys;
use xops_kernel::culprit::Culprit;
use xops_kernel::declare::Declarations;
use xops_kernel::desire::Subject;
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::id::{EntityId, InstanceId, RequestId, StepId};
use xops_kernel::identity::Identities;
use xops_kernel::log::{Number, Scope};
use xops_kernel::port::ReadContract;
use xops_kernel::record::Millis;
use xops_kernel::saga::Shared;
use xops_kernel::standard::Watched;

/// See the module.
pub struct Tenant {
    /// The hub.
    pub hub: Rc<Hub>,
    /// What was declared.
    pub declarations: Arc<Declarations>,
    /// By which rules records are joined, with what the project's files decide, by the kind of entity.
    pub identities: Identities,
    /// What all sagas share.
    pub shared: Arc<Shared>,
    /// The wire.
    pub transport: Arc<dyn Transport>,
    /// Operational truth. Written by the DataOps robots, read by whoever judges.
    pub graph: Arc<RwLock<Graph>>,
    /// The robots, by system.
    pub robots: RefCell<Robots>,
    /// What holds for all instances at once.
    pub ambient: RefCell<Ambient>,
    /// What came in since somebody last looked.
    pub cycles: Cycles,
    /// Where exclusive facets are listed.
    pub exclusive: RefCell<BTreeMap<(String, String), Watched>>,
    /// Whether a robot reads its system again by itself when it is due.
    pub watch: bool,
    /// Where the journal is, for what is remembered beside it; nowhere for an engine that does not write.
    pub disk: Option<Arc<dyn Disk>>,
    /// The keys under which what was read is held there; none where nothing is. Whoever writes the journal holds the keyring.
    pub keys: Option<(Keys, Weak<Mutex<SubjectKeys>>)>,
    /// What is taken and borne before it says no.
    pub limits: Limits,
}

/// The addresses of the robots that are up.
#[derive(Default)]
pub struct Robots {
    /// The Platform robots.
    pub platform: BTreeMap<String, Addr<Platform>>,
    /// The DataOps robots.
    pub dataops: BTreeMap<String, Addr<DataOps>>,
    /// The doors before the systems, also while no robot is up.
    pub doors: BTreeMap<String, Rc<Door>>,
}

/// What holds for all instances at once.
#[derive(Default)]
pub struct Ambient {
    /// Whether there was a process before this one: nobody knows what it took of the systems' budgets.
    pub restarted: bool,
    /// The systems whose breaker is open, and until when.
    pub breakers: BTreeMap<String, Millis>,
    /// The pauses in force.
    pub paused: BTreeMap<Scope, (String, String)>,
    /// What is set aside after panics.
    pub aside: BTreeSet<Culprit>,
    /// What was decided of records and added to the project's files since the start.
    pub declared: BTreeSet<RequestId>,
    /// Who holds which lock.
    pub locks: BTreeMap<String, (Number, InstanceId)>,
    /// Who rests until which lock is free, in order of coming: the instance, the step, the attempt that rests.
    pub waiters: BTreeMap<String, VecDeque<(Number, StepId, u32)>>,
}

impl Ambient {
    /// Notes what an instance holds now, and gives back who is next for what it let go.
    pub fn keep(
        &mut self,
        number: Number,
        instance: InstanceId,
        holds: BTreeSet<String>,
    ) -> Vec<(Number, StepId, u32)> {
        let mut free = Vec::new();
        self.locks.retain(|lock, (holder, _)| {
            let kept = *holder != number || holds.contains(lock);
            if !kept {
                free.push(lock.clone());
            }
            kept
        });
        for lock in holds {
            self.locks.entry(lock).or_insert((number, instance));
        }
        free.iter().filter_map(|lock| self.waiters.get_mut(lock)?.pop_front()).collect()
    }

    /// Notes who waits for a lock. Whoever is forgotten here still looks again by its timer.
    pub fn wait(&mut self, lock: String, waiter: (Number, StepId, u32)) {
        let queue = self.waiters.entry(lock).or_default();
        queue.retain(|(number, step, _)| (*number, *step) != (waiter.0, waiter.1));
        if queue.len() < WAITERS_MAX {
            queue.push_back(waiter);
        }
    }
}

/// How many may wait for one lock by name; the others look again by their timers.
const WAITERS_MAX: usize = 65_536;

impl Tenant {
    /// Those of a system's reads that are made: what the declarations need, and what is watched beside them.
    pub fn needed(&self, system: &str, offered: Vec<ReadContract>) -> Vec<ReadContract> {
        self.declarations.needed_with(system, offered, |kind| self.cycles.wants(system, kind))
    }

    /// The graph, to be read. Never held over a wait.
    pub fn graph(&self) -> RwLockReadGuard<'_, Graph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The graph, to be written. Never held over a wait.
    pub fn graph_mut(&self) -> RwLockWriteGuard<'_, Graph> {
        self.graph.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is known of an entity at `now`.
    pub fn subject(&self, entity: EntityId, kind: &str, now: Millis) -> Subject {
        let graph = self.graph();
        let facts = graph.facts(entity, now).unwrap_or_default();
        let joined = self.declarations.entities.get(kind).map(|kind| {
            let minted = std::iter::once(&kind.mint.0);
            minted.chain(kind.links.keys()).cloned().collect::<Vec<_>>()
        });
        let links = joined.unwrap_or_default().into_iter().map(|system| {
            let link = graph.link(entity, &system, now);
            (system, link)
        });
        Subject { entity, kind: kind.to_owned(), facts, links: links.collect() }
    }

    /// The doubt about a system that nobody asked yet.
    pub fn no_robot<T>(system: &str) -> Observation<T> {
        let detail = format!("no robot is up for `{system}`");
        Observation::Unknown(Doubt { reason: Reason::NeverRead, detail, since: 0 })
    }
}
