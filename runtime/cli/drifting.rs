//! Drift in the daemon: compared after each reading cycle, told, and opened where that is declared.
//!
//! Absent: decisions. What differs the graph's watch says, from its columns; what is kept back the Service robot, what goes first the
//! agenda. Invariants: only whom a reading made look otherwise is compared again, so many at a time, and others get their turn
//! between; work that drift opens is an ordinary request and is journaled like one; it waits for the budgets of all systems that its
//! plan needs, as far as readings show it.

use crate::exit::Failure;
use crate::serve::Answer;
use crate::{drift, journal, session};
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;
use xops_graph::drift::screen::A_CHUNK;
use xops_graph::drift::watch::Watch;
use xops_graph::drift::{Drift, Memory};
use xops_kernel::awf::Achieves;
use xops_kernel::id::{Digest, EntityId, RequestId};
use xops_kernel::log::{Acknowledged, Entrance, Request, Scope};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{End, Event};
use xops_kernel::standard::{Costing, OnDrift, Standards};
use xops_kernel::value::Values;
use xops_robots::agenda::{Agenda, Wanted, Work as Asked};
use xops_robots::fair::{Budget, Piece};
use xops_robots::service::Answer as Work;
use xops_shell::engine::Engine;
use xops_shell::letter::Steadiness;

/// How many entities are compared before others get their turn.
const A_TURN: usize = 64;
/// After how long everybody is looked at again for what only grew old, in milliseconds.
const AGE_MS: u64 = 5 * 60_000;
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
    agenda: RefCell<Agenda>,
    /// When everybody was looked at.
    aged_at: Cell<Millis>,
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
            agenda: RefCell::new(Agenda::new(budgets.collect())),
            aged_at: Cell::new(engine.tenant().hub.clock.now()),
        });
        engine.also_read(kinds(standards));
        if !drifting.watch.borrow().is_blind() {
            actix::spawn(Rc::clone(&drifting).run());
        }
        drifting
    }

    async fn run(self: Rc<Self>) {
        loop {
            let waiting = !self.agenda.borrow().is_empty();
            let cycles = &self.engine.tenant().cycles;
            let came = if waiting {
                tokio::time::timeout(TICK, cycles.next()).await.ok()
            } else {
                Some(cycles.next().await)
            };
            let steady = self.engine.steadiness().await;
            if let Some(came) = came {
                let read: BTreeSet<String> = came.systems.union(&came.heard).cloned().collect();
                self.compare(&read, &came.touched, &steady).await;
                self.queue_up(&steady).await;
                self.meter(&steady);
            }
            self.open();
        }
    }

    async fn compare(&self, systems: &BTreeSet<String>, touched: &BTreeSet<EntityId>, steady: &Steadiness) {
        let tenant = self.engine.tenant();
        let now = tenant.hub.clock.now();
        let mut due: BTreeSet<EntityId> = {
            let graph = tenant.graph();
            let mut watch = self.watch.borrow_mut();
            let granted = watch.grant(&graph, &steady.granted);
            granted.into_iter().chain(watch.follow(&graph, systems, touched, now)).collect()
        };
        due.extend(self.aged(now).await);
        metrics::counter!("xops_drift_touched_total").increment(touched.len() as u64);
        metrics::counter!("xops_drift_compared_total").increment(due.len() as u64);
        let due: Vec<EntityId> = due.into_iter().collect();
        for turn in due.chunks(A_TURN) {
            {
                let graph = tenant.graph();
                self.watch.borrow_mut().compare(&graph, turn, &steady.granted, now);
            }
            tokio::task::yield_now().await;
        }
        self.watch.borrow_mut().expire(now);
    }

    /// Looks at everybody again, once in a while: what grew old nothing that is read would tell.
    async fn aged(&self, now: Millis) -> BTreeSet<EntityId> {
        let mut met = BTreeSet::new();
        if self.aged_at.get().saturating_add(AGE_MS) > now {
            return met;
        }
        self.aged_at.set(now);
        let tenant = self.engine.tenant();
        let everybody: Vec<EntityId> = self.watch.borrow().everybody(&tenant.graph()).into_iter().collect();
        for chunk in everybody.chunks(A_CHUNK) {
            {
                let graph = tenant.graph();
                met.extend(self.watch.borrow_mut().age(&graph, chunk, now));
            }
            tokio::task::yield_now().await;
        }
        met
    }

    /// Puts the work that is to be opened on the agenda, and withdraws what is not to be any more.
    async fn queue_up(&self, steady: &Steadiness) {
        let tenant = self.engine.tenant();
        let now = tenant.hub.clock.now();
        let wanted = self.wanted(steady, now);
        self.agenda.borrow_mut().keep(&wanted.keys().cloned().collect(), now);
        for (count, (work, (within_ms, drifts))) in (1_usize..).zip(wanted) {
            let ids: BTreeSet<Digest> = drifts.iter().map(|found| found.id).collect();
            if !self.agenda.borrow().lacks(&work, &ids, now) {
                continue;
            }
            let systems = self.systems(&drifts, now);
            // What finds no room comes again with the next comparison.
            let _waits =
                self.agenda.borrow_mut().want(&work, Wanted { drifts: ids, systems, within_ms }, now);
            if count.is_multiple_of(A_TURN) {
                tokio::task::yield_now().await;
            }
        }
        let waiting = self.agenda.borrow().len();
        metrics::gauge!("xops_drift_queue").set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
    }

    /// The work that is to be opened, each piece with how soon and for what.
    fn wanted(&self, steady: &Steadiness, now: Millis) -> BTreeMap<Asked, (u64, Vec<Drift>)> {
        let watch = self.watch.borrow();
        let mut wanted: BTreeMap<Asked, (u64, Vec<Drift>)> = BTreeMap::new();
        for found in watch.drifts().filter(|found| drift::state(found, steady, now) == "open") {
            let Some(policy) = self.policy(found).filter(|policy| policy.open) else { continue };
            let opens = |name: &&String| self.on_drift.get(*name).is_some_and(|policy| policy.open);
            let outcome = found.outcomes.iter().find(opens).cloned();
            let piece = wanted.entry(Asked { entity: found.facet.entity, outcome });
            let (within_ms, drifts) = piece.or_insert((policy.within_ms, Vec::new()));
            *within_ms = policy.within_ms.min(*within_ms);
            drifts.push(found.clone());
        }
        wanted
    }

    /// The systems that work on some drifts of one entity needs: those of the steps that mend them and of all before those, by the
    /// plan that readings give; by the routes, where they give none.
    fn systems(&self, drifts: &[Drift], now: Millis) -> BTreeSet<String> {
        let tenant = self.engine.tenant();
        let mut systems: BTreeSet<String> = drifts.iter().map(|found| found.facet.system.clone()).collect();
        let routes = &tenant.declarations.routes;
        let route = |found: &Drift| {
            let facet = &found.facet;
            routes.get(&(found.change.word().to_owned(), facet.domain.clone(), facet.name.clone()))
        };
        systems.extend(drifts.iter().filter_map(route).map(|route| route.awf.system.clone()));
        let Some(entity) = drifts.first().map(|found| found.facet.entity) else { return systems };
        let plan = self.watch.borrow().plan(&tenant.graph(), entity, now);
        let drawn = matches!(plan, Some(Ok(_)));
        if let Some(Ok(plan)) = plan {
            systems.extend(behind(&plan, drifts));
        }
        let result = if drawn { "drawn" } else { "by_routes" };
        metrics::counter!("xops_drift_planned_total", "result" => result).increment(1);
        systems
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
            let Some(piece) = self.agenda.borrow_mut().next(now, &closed) else { return };
            let Some(request) = self.request(&piece.key) else {
                self.agenda.borrow_mut().done(&piece);
                continue;
            };
            actix::spawn(Rc::clone(self).ask(piece, request));
        }
    }

    async fn ask(self: Rc<Self>, piece: Piece<Asked>, request: Request) {
        let result = match self.engine.request(request).await {
            Ok(Work::Started(..)) => "started",
            Ok(Work::Unchanged { .. }) => "unchanged",
            Ok(Work::Refused(reasons)) => {
                let entity = piece.key.entity.to_string();
                tracing::info!(entity, ?reasons, "no work was opened for a drift");
                "refused"
            }
            Err(why) => {
                tracing::warn!(why, "the work for a drift was not taken");
                "not_taken"
            }
        };
        metrics::counter!("xops_drift_opened_total", "result" => result).increment(1);
        self.agenda.borrow_mut().done(&piece);
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

    fn request(&self, work: &Asked) -> Option<Request> {
        let tenant = self.engine.tenant();
        let graph = tenant.graph();
        let kind = tenant.declarations.entities.get(graph.kind(work.entity)?)?;
        let handle = graph.handle(work.entity)?;
        let now = tenant.hub.clock.now();
        let outcome = work.outcome.as_deref().unwrap_or_default();
        Some(Request {
            id: RequestId::of(
                &tenant.declarations.tenant,
                "drift",
                &format!("{} {outcome} {now}", work.entity),
            ),
            entrance: Entrance::Schedule,
            principal: tenant.declarations.principal.clone(),
            kind: kind.name.clone(),
            find: Values::from([(kind.handle.clone(), handle.as_str().into())]),
            outcome: work.outcome.clone(),
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
                let steady = self.engine.steadiness().await;
                let now = self.engine.tenant().hub.clock.now();
                let wanted = self.wanted(&steady, now).into_keys().collect();
                self.agenda.borrow_mut().keep(&wanted, now);
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
        counts["waiting"] = json!(self.agenda.borrow().len());
        answer["drift"] = counts;
    }
}

/// The systems of the steps of `plan` that mend `drifts`, and of all that stand before those.
fn behind(plan: &Plan, drifts: &[Drift]) -> BTreeSet<String> {
    let mends = |at: &usize| {
        let change = plan.steps[*at].change.as_ref();
        change.is_some_and(|change| drifts.iter().any(|found| found.facet == *change.facet()))
    };
    let mut due: Vec<usize> = (0..plan.steps.len()).filter(mends).collect();
    let mut met: BTreeSet<usize> = due.iter().copied().collect();
    while let Some(at) = due.pop() {
        for before in &plan.steps[at].after {
            let before = usize::from(before.0);
            if met.insert(before) {
                due.push(before);
            }
        }
    }
    met.into_iter().filter_map(|at| Some(plan.steps.get(at)?.awf.system.clone())).collect()
}
