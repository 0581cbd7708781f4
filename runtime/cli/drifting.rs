//! Drift in the daemon: compared after each reading cycle, told, and opened where that is declared.
//!
//! Absent: decisions. What differs the graph's watch says, what is kept back the Service robot, what goes first the fair queue.
//! Invariants: only whom a reading touched is compared again, so many at a time, and others get their turn between; work that
//! drift opens is an ordinary request and is journaled like one; one drift is asked for at most once a while.

use crate::exit::Failure;
use crate::serve::Answer;
use crate::{drift, journal, session};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;
use xops_graph::drift::watch::Watch;
use xops_graph::drift::{Drift, Memory};
use xops_kernel::awf::Achieves;
use xops_kernel::id::{Digest, EntityId, RequestId};
use xops_kernel::log::{Acknowledged, Entrance, Request, Scope};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{End, Event};
use xops_kernel::standard::{Costing, OnDrift, Standards};
use xops_kernel::value::Values;
use xops_robots::fair::{Budget, Piece, Queue};
use xops_robots::service::Answer as Work;
use xops_shell::engine::Engine;
use xops_shell::letter::Steadiness;

/// How many entities are compared before others get their turn.
const A_TURN: usize = 64;
/// How many drifts may wait to be opened; the next comparison brings the others again.
const WAITING_MAX: usize = 100_000;
/// After how long a drift that is still there is asked for again, in milliseconds.
const AGAIN_MS: u64 = 15 * 60_000;
/// How often a queue that waits for a budget is looked at.
const TICK: Duration = Duration::from_millis(500);

/// The kinds of record that are read for what is watched and paid for.
pub(crate) fn kinds(standards: &Standards) -> BTreeSet<(String, String)> {
    let watched = standards.watched.values().map(|it| (it.evidence.system.clone(), it.evidence.kind.clone()));
    let paid = standards.costs.values().filter_map(|cost| match &cost.of {
        Costing::Record { system, kind, .. } => Some((system.clone(), kind.clone())),
        Costing::Element { .. } => None,
    });
    let of_peers = standards.peers.values().flat_map(|set| &set.evidence);
    let peers = of_peers.map(|evidence| (evidence.system.clone(), evidence.kind.clone()));
    watched.chain(paid).chain(peers).collect()
}

/// What the journal remembers of each entity: what its last plan was compiled from, and what that brought about.
pub(crate) fn remembered(common: &crate::arguments::Common) -> Result<BTreeMap<EntityId, Memory>, Failure> {
    let project = crate::project::read(common)?;
    let places = session::Places::of(common, &project.declarations.tenant);
    if !places.journal.is_dir() {
        return Ok(BTreeMap::new());
    }
    let log = journal::read(common)?;
    let mut memories: BTreeMap<EntityId, Memory> = BTreeMap::new();
    for story in log.stories.values() {
        let plan = &story.compiled.plan;
        let ended = story.events.iter().find_map(|(_, stamped)| match stamped.event {
            Event::Ended { end } => Some((end, stamped.at)),
            _ => None,
        });
        let memory = memories.entry(plan.entity).or_default();
        let facts = plan.footprint.facts.iter();
        memory.facts.extend(
            facts.map(|(name, value)| (name.clone(), Some(value.clone()).filter(|value| !value.is_null()))),
        );
        let at = story.compiled_at.1;
        let observed = plan.footprint.observed.iter();
        memory.facets.extend(observed.map(|(facet, value)| (facet.clone(), (value.clone(), at))));
        memory.declared = Some(plan.declarations);
        if let Some((End::Completed, at)) = ended {
            let changes = plan.steps.iter().filter_map(|step| step.change.as_ref());
            memory.facets.extend(changes.map(|change| (change.facet().clone(), (change.to().cloned(), at))));
        }
    }
    Ok(memories)
}

/// See the module.
pub(crate) struct Drifting {
    engine: Rc<Engine>,
    on_drift: BTreeMap<String, OnDrift>,
    watch: RefCell<Watch>,
    queue: RefCell<Queue<Digest>>,
    tried: RefCell<BTreeMap<Digest, Millis>>,
}

impl Drifting {
    /// Sets the comparison going, if anything is watched.
    pub(crate) fn start(engine: &Rc<Engine>, standards: &Standards) -> Rc<Self> {
        let declarations = &engine.tenant().declarations;
        let budget = |at_once: u32| Budget { at_once, ..Budget::default() };
        let budgets = declarations.systems.values().map(|it| (it.name.clone(), budget(it.concurrency)));
        let drifting = Rc::new(Self {
            engine: Rc::clone(engine),
            on_drift: standards.on_drift.clone(),
            watch: RefCell::new(Watch::new(declarations, &standards.watched)),
            queue: RefCell::new(Queue::new(WAITING_MAX, budgets.collect())),
            tried: RefCell::default(),
        });
        engine.also_read(kinds(standards));
        if !drifting.watch.borrow().is_blind() {
            actix::spawn(Rc::clone(&drifting).run());
        }
        drifting
    }

    async fn run(self: Rc<Self>) {
        loop {
            let waiting = !self.queue.borrow().is_empty();
            let cycles = &self.engine.tenant().cycles;
            let came = if waiting {
                tokio::time::timeout(TICK, cycles.next()).await.ok()
            } else {
                Some(cycles.next().await)
            };
            let steady = self.engine.steadiness().await;
            if let Some(came) = came {
                self.compare(&came.systems, &came.touched, &steady).await;
                self.queue_up(&steady);
                self.meter(&steady);
            }
            self.open();
        }
    }

    async fn compare(&self, systems: &BTreeSet<String>, touched: &BTreeSet<EntityId>, steady: &Steadiness) {
        let tenant = self.engine.tenant();
        let now = tenant.hub.clock.now();
        let due: Vec<EntityId> = {
            let graph = tenant.graph();
            self.watch.borrow_mut().follow(&graph, systems, touched, now).into_iter().collect()
        };
        metrics::counter!("xops_drift_compared_total").increment(due.len() as u64);
        for turn in due.chunks(A_TURN) {
            {
                let graph = tenant.graph();
                self.watch.borrow_mut().compare(&graph, turn, &steady.granted, now);
            }
            tokio::task::yield_now().await;
        }
        self.watch.borrow_mut().expire(now);
    }

    /// Queues the work that is to be opened, and forgets what is not there any more.
    fn queue_up(&self, steady: &Steadiness) {
        let now = self.engine.tenant().hub.clock.now();
        let watch = self.watch.borrow();
        let mut tried = self.tried.borrow_mut();
        tried.retain(|_, at| at.saturating_add(AGAIN_MS) > now);
        let mut queue = self.queue.borrow_mut();
        for found in watch.drifts().filter(|found| drift::state(found, steady, now) == "open") {
            let Some(policy) = self.policy(found).filter(|policy| policy.open) else { continue };
            if tried.contains_key(&found.id) {
                continue;
            }
            let systems = BTreeSet::from([found.facet.system.clone()]);
            // What waits already waits once; what finds no room comes again with the next comparison.
            let _waits_already = queue.push(found.id, systems, now, policy.within_ms);
        }
        metrics::gauge!("xops_drift_queue").set(f64::from(u32::try_from(queue.len()).unwrap_or(u32::MAX)));
    }

    /// What is declared of a drift: of the outcomes that want the facet, or, where none does any more, that could want its kind.
    fn policy(&self, found: &Drift) -> Option<OnDrift> {
        let of = |name: &String| self.on_drift.get(name).copied();
        if found.change != Achieves::Remove {
            return found
                .outcomes
                .iter()
                .filter_map(of)
                .min_by_key(|policy| (!policy.open, policy.within_ms));
        }
        let declared = self.engine.tenant().declarations.outcomes.values();
        let could = declared.filter(|outcome| {
            outcome
                .facets
                .iter()
                .any(|line| line.domain == found.facet.domain && line.facet == found.facet.name)
        });
        could.filter_map(|outcome| of(&outcome.name)).min_by_key(|policy| (!policy.open, policy.within_ms))
    }

    /// Opens as much as the budgets allow.
    fn open(self: &Rc<Self>) {
        let tenant = self.engine.tenant();
        let now = tenant.hub.clock.now();
        let closed = self.closed(now);
        loop {
            let Some(piece) = self.queue.borrow_mut().next(now, &closed) else { return };
            let request = self
                .watch
                .borrow()
                .drifts()
                .find(|found| found.id == piece.key)
                .and_then(|it| self.request(it));
            let Some(request) = request else {
                self.queue.borrow_mut().done(&piece);
                continue;
            };
            self.tried.borrow_mut().insert(piece.key, now);
            actix::spawn(Rc::clone(self).ask(piece, request));
        }
    }

    async fn ask(self: Rc<Self>, piece: Piece<Digest>, request: Request) {
        let result = match self.engine.request(request).await {
            Ok(Work::Started(..)) => "started",
            Ok(Work::Unchanged { .. }) => "unchanged",
            Ok(Work::Refused(reasons)) => {
                tracing::info!(drift = piece.key.to_string(), ?reasons, "no work was opened for a drift");
                "refused"
            }
            Err(why) => {
                tracing::warn!(why, "the work for a drift was not taken");
                "not_taken"
            }
        };
        metrics::counter!("xops_drift_opened_total", "result" => result).increment(1);
        self.queue.borrow_mut().done(&piece);
    }

    /// The systems of which nothing may be opened now: open breakers and pauses.
    fn closed(&self, now: Millis) -> BTreeSet<String> {
        let tenant = self.engine.tenant();
        let ambient = tenant.ambient.borrow();
        let broken = |name: &String| ambient.breakers.get(name).is_some_and(|until| *until > now);
        let systems = tenant.declarations.systems.values();
        let closed = systems.filter(|system| {
            let scopes =
                [Scope::All, Scope::Domain(system.domain.clone()), Scope::System(system.name.clone())];
            broken(&system.name) || scopes.iter().any(|scope| ambient.paused.contains_key(scope))
        });
        closed.map(|system| system.name.clone()).collect()
    }

    fn request(&self, found: &Drift) -> Option<Request> {
        let tenant = self.engine.tenant();
        let graph = tenant.graph();
        let kind = tenant.declarations.entities.get(graph.kind(found.facet.entity)?)?;
        let handle = graph.handle(found.facet.entity)?;
        let now = tenant.hub.clock.now();
        let opens = |name: &&String| self.on_drift.get(*name).is_some_and(|policy| policy.open);
        Some(Request {
            id: RequestId::of(&tenant.declarations.tenant, "drift", &format!("{} {now}", found.id)),
            entrance: Entrance::Schedule,
            principal: tenant.declarations.principal.clone(),
            kind: kind.name.clone(),
            find: Values::from([(kind.handle.clone(), handle.as_str().into())]),
            outcome: found.outcomes.iter().find(opens).cloned(),
            release: false,
        })
    }

    fn meter(&self, steady: &Steadiness) {
        for (state, count) in self.counts(steady) {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            metrics::gauge!("xops_drift", "state" => state).set(f64::from(count));
        }
    }

    fn counts(&self, steady: &Steadiness) -> BTreeMap<&'static str, usize> {
        let now = self.engine.tenant().hub.clock.now();
        let watch = self.watch.borrow();
        let mut counts = BTreeMap::from([("open", 0), ("acknowledged", 0), ("held", 0)]);
        for found in watch.drifts() {
            *counts.entry(drift::state(found, steady, now)).or_default() += 1;
        }
        counts.insert("not_judged", watch.unjudged().len());
        counts
    }

    /// Everything that is found, for the API.
    pub(crate) async fn told(&self) -> Answer {
        let steady = self.engine.steadiness().await;
        let tenant = self.engine.tenant();
        let now = tenant.hub.clock.now();
        self.watch.borrow_mut().expire(now);
        let graph = tenant.graph();
        (200, drift::object(&graph, &self.watch.borrow(), &steady, now, &[]))
    }

    /// Takes a person's decision.
    pub(crate) async fn acknowledge(&self, body: &Json) -> Answer {
        let text = |name: &str| body[name].as_str().map(str::trim).filter(|text| !text.is_empty());
        let (Some(id), Some(by), Some(why)) = (text("id"), text("by"), text("why")) else {
            return (
                400,
                json!({ "error": "`id`, `by` and `why` must all be there: a decision has an author and a reason" }),
            );
        };
        let Some(until) = body["until"].as_u64() else {
            return (
                400,
                json!({ "error": "`until` is missing: a decision has an end, in milliseconds since 1970" }),
            );
        };
        let id = Digest::from_str(id).ok();
        let facet =
            id.and_then(|id| self.watch.borrow().drifts().find(|it| it.id == id).map(|it| it.facet.clone()));
        let (Some(drift), Some(facet)) = (id, facet) else {
            return (404, json!({ "error": "there is no such drift now: `xops drift` lists them" }));
        };
        let acknowledged = Acknowledged { drift, facet, by: by.to_owned(), why: why.to_owned(), until };
        match self.engine.acknowledge(acknowledged).await {
            Ok(()) => {
                self.queue.borrow_mut().withdraw(&drift);
                (200, json!({ "state": "done" }))
            }
            Err(why) => (409, json!({ "error": why })),
        }
    }

    /// Adds what there is of drift to a status.
    pub(crate) async fn join_status(&self, answer: &mut Json) {
        if !answer.get("systems").is_some_and(Json::is_array) || self.watch.borrow().is_blind() {
            return;
        }
        let steady = self.engine.steadiness().await;
        let mut counts = json!(self.counts(&steady));
        counts["waiting"] = json!(self.queue.borrow().len());
        answer["drift"] = counts;
    }
}
