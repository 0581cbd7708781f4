//! What an entry of the journal does to the Service robot.

use super::{Answer, Effect, Held, Refused, Running, State, Target, strikes, who};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::awf::Achieves;
use xops_kernel::canon::DigestKey;
use xops_kernel::culprit::Culprit;
use xops_kernel::diff::Facet;
use xops_kernel::fact::Observation;
use xops_kernel::id::{EntityId, InstanceId, RequestId};
use xops_kernel::log::{Acknowledged, Compiled, Entry, Erased, Number, Request, What};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{End, Event};
use xops_kernel::value::{Value, Values};

pub(super) fn apply(state: &mut State, entry: &Entry, out: &mut Vec<Effect>) -> Result<(), Refused> {
    match entry {
        Entry::Instance(number, stamped) => match stamped.event {
            Event::Ended { end } => ended(state, *number, end, stamped.at, out),
            _ => Ok(()),
        },
        Entry::Tenant(happened) => match &happened.what {
            What::Opened { epoch, .. } => {
                state.epoch = *epoch;
                Ok(())
            }
            What::Declared { digest, .. } => {
                state.declared = Some(*digest);
                Ok(())
            }
            What::Requested(request) => {
                // A request that was delivered twice is one request.
                if !state.answers.contains_key(&request.id) && !state.open.contains_key(&request.id) {
                    state.open.insert(request.id, (happened.at, (**request).clone()));
                    out.push(Effect::Compile(request.id));
                }
                Ok(())
            }
            What::Refused { request, entity, reasons } => {
                close(state, *request)?;
                state.answer(*request, *entity, Answer::Refused(reasons.clone()));
                Ok(())
            }
            What::Deferred { request, entity } => deferred(state, *request, *entity),
            What::Unchanged { request, entity, handle, satisfied } => {
                close(state, *request)?;
                // All that is wanted is there: what a superseded instance of this request was to create, too.
                settle(state, *entity, |_, asked| (asked == *request).then_some(true));
                state.superseded.remove(entity);
                let answer = Answer::Unchanged { handle: handle.clone(), satisfied: *satisfied };
                state.answer(*request, Some(*entity), answer);
                Ok(())
            }
            What::Compiled(compiled) => begin(state, compiled, happened.at, out),
            What::Paused { scope, by, why } => {
                state.paused.insert(scope.clone(), (by.clone(), why.clone()));
                Ok(())
            }
            What::Unpaused { scope, .. } => {
                state.paused.remove(scope);
                Ok(())
            }
            What::Breaker { .. } => Ok(()),
            What::Struck { over, robot, doing } => {
                strikes::strike(state, over, robot, doing, happened.at);
                Ok(())
            }
            what => {
                decided(state, what, happened.at, out);
                Ok(())
            }
        },
    }
}

/// What nobody can refuse: what was decided about what there is.
fn decided(state: &mut State, what: &What, at: Millis, out: &mut Vec<Effect>) {
    match what {
        What::Poisoned { robot, message } => {
            // Journals of before strikes were counted name messages that are no culprits.
            if let Ok(over) = message.parse() {
                strikes::set_aside(state, &over, robot, at);
            }
        }
        What::Freed { over, .. } => strikes::free(state, over, out),
        What::Erased(erased) => forget(state, erased),
        What::Acknowledged(acknowledged) => acknowledge(state, acknowledged, at),
        What::Overtaken { number, request } => overtake(state, *number, *request, out),
        What::Ruled { digest, .. } => state.ruled = Some(*digest),
        What::Decided(decided) => who::decide(state, decided, at),
        What::Inherited { from, to } => who::inherit(state, *from, *to),
        What::Opened { .. }
        | What::Declared { .. }
        | What::Requested(_)
        | What::Refused { .. }
        | What::Deferred { .. }
        | What::Unchanged { .. }
        | What::Compiled(_)
        | What::Paused { .. }
        | What::Unpaused { .. }
        | What::Breaker { .. }
        | What::Struck { .. } => {}
    }
}

/// Notes that an instance is overtaken; one that ended meanwhile is not, and one that is hears it once.
fn overtake(state: &mut State, number: Number, request: RequestId, out: &mut Vec<Effect>) {
    let under_way = state.running.contains_key(&number) || state.shelved.contains_key(&number);
    if under_way && state.waiting.contains_key(&request) && !state.overtaken.contains_key(&number) {
        state.overtaken.insert(number, request);
        if !state.is_aside(&Culprit::Instance(number)) {
            out.push(Effect::Overtake(number));
        }
    }
}

/// Takes a person's decision about a drift; one whose end is past takes an earlier one back.
fn acknowledge(state: &mut State, acknowledged: &Acknowledged, at: Millis) {
    state.acknowledged.retain(|_, held| held.until > at);
    if acknowledged.until <= at {
        state.acknowledged.remove(&acknowledged.drift);
        return;
    }
    state.acknowledged.insert(acknowledged.drift, acknowledged.clone());
    while state.acknowledged.len() > super::ACKNOWLEDGED_MAX {
        let first = state.acknowledged.iter().min_by_key(|(id, held)| (held.until, **id)).map(|(id, _)| *id);
        first.map(|first| state.acknowledged.remove(&first));
    }
}

/// Forgets what is known of whom nothing may be known any more. An entity that is driven keeps its instance: whoever erases
/// refuses while there is one.
fn forget(state: &mut State, erased: &Erased) {
    for entity in &erased.entities {
        state.granted.remove(entity);
        state.doubtful.remove(entity);
        state.superseded.remove(entity);
        state.swings.forget(*entity);
        state.acknowledged.retain(|_, held| held.facet.entity != *entity);
        state.held.retain(|target, _| target.entity != *entity);
    }
    for request in &erased.requests {
        state.forget_answer(*request);
        state.decided.remove(request);
    }
}

/// Takes a request that has its answer from the open ones, and from those that wait.
fn close(state: &mut State, request: RequestId) -> Result<(Millis, Request), Refused> {
    let closed = state.open.remove(&request).ok_or(Refused::NotOpen(request))?;
    state.strikes.remove(&Culprit::Request(request));
    if let Some(entity) = state.waiting.remove(&request)
        && let Some(queue) = state.deferred.get_mut(&entity)
    {
        queue.retain(|id| *id != request);
        if queue.is_empty() {
            state.deferred.remove(&entity);
        }
    }
    Ok(closed)
}

fn deferred(state: &mut State, request: RequestId, entity: EntityId) -> Result<(), Refused> {
    if !state.open.contains_key(&request) {
        return Err(Refused::NotOpen(request));
    }
    // Where the instance ended while the deferral was being written down, the request is open and waits for nothing; and one
    // that waits already waits once.
    if state.driven.contains_key(&entity) && !state.waiting.contains_key(&request) {
        state.waiting.insert(request, entity);
        state.deferred.entry(entity).or_default().push_back(request);
    }
    Ok(())
}

fn begin(state: &mut State, compiled: &Compiled, at: Millis, out: &mut Vec<Effect>) -> Result<(), Refused> {
    let next = state.numbers + 1;
    if compiled.number != next {
        return Err(Refused::OutOfOrder { given: compiled.number, next });
    }
    let (_, request) = close(state, compiled.request)?;
    state.numbers = next;
    found(state, compiled);
    state.superseded.remove(&compiled.plan.entity);
    state.swings.begin(compiled, request.release, at);
    let outcomes = &compiled.plan.outcomes;
    let entity = compiled.plan.entity;
    state.held.retain(|target, held| target.entity != entity || held.outcomes.is_disjoint(outcomes));
    state.driven.insert(compiled.plan.entity, next);
    let running = Running::of(compiled.instance, request, &compiled.plan);
    state.running.insert(next, Arc::new(running));
    out.push(Effect::Drive(next));
    state.answer(compiled.request, None, Answer::Started(next, compiled.instance));
    Ok(())
}

fn ended(
    state: &mut State,
    number: Number,
    end: End,
    at: Millis,
    out: &mut Vec<Effect>,
) -> Result<(), Refused> {
    if state.shelved.contains_key(&number) {
        return Err(Refused::PutAway(number));
    }
    let running = state.running.remove(&number).ok_or(Refused::NotRunning(number))?;
    let running = Arc::unwrap_or_clone(running);
    *state.ended.entry(end).or_default() += 1;
    state.strikes.remove(&Culprit::Instance(number));
    let overtaken = state.overtaken.remove(&number).is_some();
    if state.driven.get(&running.entity) == Some(&number) {
        state.driven.remove(&running.entity);
    }
    match end {
        End::Completed => {
            grant(state, running.entity, running.grants);
            revoke(state, running.entity, |facet| running.removes.contains(facet));
            state.swings.took(running.entity, |facet| running.removes.contains(facet));
            state.swings.set(running.entity, running.instance, &running.sets, at);
        }
        End::Undone => {
            let Running { instance, outcomes, facts, .. } = running;
            let held = Held { instance, outcomes, facts, since: at };
            state.held.insert(Target { entity: running.entity, outcomes: held.outcomes.clone() }, held);
        }
        End::Superseded => {
            // What was done stays, and what was done the next lookups tell: before this plan all of it was absent.
            let request = running.request;
            let id = request.id;
            if !running.grants.is_empty() {
                let grants = running.grants.into_iter().map(|(facet, object)| (facet, (id, object)));
                state.doubtful.entry(running.entity).or_default().extend(grants);
            }
            state.superseded.insert(running.entity, running.plan);
            // The same request is compiled again, against what is true now; where another one took its place, that one is.
            if !overtaken {
                state.forget_answer(id);
                if state.open.insert(id, (at, request)).is_none() {
                    out.push(Effect::Compile(id));
                }
            }
        }
    }
    // While another instance still drives the entity, what waits goes on waiting.
    if !state.driven.contains_key(&running.entity) {
        for request in state.deferred.remove(&running.entity).unwrap_or_default() {
            state.waiting.remove(&request);
            if !state.is_aside(&Culprit::Request(request)) {
                out.push(Effect::Compile(request));
            }
        }
    }
    Ok(())
}

/// What the lookups of a compilation say of what was granted: what is gone was taken away by somebody else, and whoever puts it
/// there again is not us.
fn found(state: &mut State, compiled: &Compiled) {
    let entity = compiled.plan.entity;
    let seen = compiled.evidence.seen();
    let stands = |facet: &Facet| match seen.get(facet).map(|sighting| &sighting.seen) {
        Some(Observation::Present(_)) => Some(true),
        Some(Observation::Absent(_)) => Some(false),
        Some(Observation::Unknown(_)) | None => None,
    };
    settle(state, entity, |facet, _| stands(facet));
    revoke(state, entity, |facet| stands(facet) == Some(false));
}

/// Decides what superseded instances granted: what `stands` knows to be there, by the facet and the instance's request.
fn settle(state: &mut State, entity: EntityId, stands: impl Fn(&Facet, RequestId) -> Option<bool>) {
    let Some(doubtful) = state.doubtful.remove(&entity) else { return };
    let mut granted = BTreeMap::new();
    let mut open = BTreeMap::new();
    for (facet, (request, object)) in doubtful {
        match stands(&facet, request) {
            Some(true) => drop(granted.insert(facet, object)),
            Some(false) => {}
            None => drop(open.insert(facet, (request, object))),
        }
    }
    if !open.is_empty() {
        state.doubtful.insert(entity, open);
    }
    grant(state, entity, granted);
}

fn grant(state: &mut State, entity: EntityId, grants: BTreeMap<Facet, Values>) {
    if !grants.is_empty() {
        Arc::make_mut(state.granted.entry(entity).or_default()).extend(grants);
    }
}

fn revoke(state: &mut State, entity: EntityId, gone: impl Fn(&Facet) -> bool) {
    if let Some(granted) = state.granted.get_mut(&entity) {
        Arc::make_mut(granted).retain(|facet, _| !gone(facet));
        if granted.is_empty() {
            state.granted.remove(&entity);
        }
    }
}

impl Running {
    /// What is kept of an execution of `plan` that `request` asked for.
    pub fn of(instance: InstanceId, request: Request, plan: &Plan) -> Self {
        Self {
            instance,
            request,
            entity: plan.entity,
            plan: plan.id,
            outcomes: plan.outcomes.clone(),
            facts: plan.footprint.facts.clone(),
            grants: grants(plan),
            removes: removes(plan),
            sets: super::swing::sets(plan),
        }
    }
}

/// What a plan grants: its creations, each with the object by which it can be taken back.
fn grants(plan: &Plan) -> BTreeMap<Facet, Values> {
    plan.steps
        .iter()
        .filter_map(|step| {
            let change = step.change.as_ref().filter(|change| change.kind() == Achieves::Create)?;
            Some((change.facet().clone(), step.object.clone()))
        })
        .collect()
}

fn removes(plan: &Plan) -> BTreeSet<Facet> {
    let removal = |step: &xops_kernel::plan::Step| {
        let change = step.change.as_ref().filter(|change| change.kind() == Achieves::Remove)?;
        Some(change.facet().clone())
    };
    plan.steps.iter().filter_map(removal).collect()
}

impl State {
    /// What may be taken back from an entity: what xops granted, and what a superseded instance may have granted before anybody looked.
    pub fn losable(&self, entity: EntityId) -> BTreeMap<Facet, Values> {
        let granted = self.granted.get(&entity).map(|granted| (**granted).clone());
        let doubtful = self.doubtful.get(&entity).into_iter().flatten();
        let mut losable = granted.unwrap_or_default();
        losable.extend(doubtful.map(|(facet, (_, object))| (facet.clone(), object.clone())));
        losable
    }

    /// Who acknowledged a drift that the plan would mend, if the work opened itself: what a person accepts for a while is not
    /// changed by reconciliation.
    pub fn accepted(&self, compiled: &Compiled, key: &DigestKey, now: Millis) -> Option<&Acknowledged> {
        let changes = compiled.plan.steps.iter().filter_map(|step| step.change.as_ref());
        let mut ids = changes.map(|change| xops_graph::drift::id_of(change, key));
        ids.find_map(|id| self.acknowledged.get(&id).filter(|held| held.until > now))
    }

    /// The hold on what was compiled, if it is held after a backstep: it drives an outcome that stepped back, and none of the
    /// facts behind the plan of then has changed. The plans themselves may differ, because a backstep leaves traces (an account that exists, disabled). A fact that
    /// is not known now has not changed as far as anybody can tell.
    pub fn holds(&self, compiled: &Compiled) -> Option<&Held> {
        let changed = |(reference, then): (&String, &Value)| {
            value_now(compiled, reference).is_some_and(|now| now != *then)
        };
        let plan = &compiled.plan;
        let of_plan = |(target, held): &(&Target, &Held)| {
            target.entity == plan.entity && !held.outcomes.is_disjoint(&plan.outcomes)
        };
        let mut holds = self.held.iter().filter(of_plan).map(|(_, held)| held);
        holds.find(|held| !held.facts.iter().any(changed))
    }
}

/// The value that a reference of a footprint has in what was compiled now.
fn value_now(compiled: &Compiled, reference: &str) -> Option<Value> {
    if let Some(value) = compiled.plan.footprint.facts.get(reference) {
        return Some(value.clone());
    }
    let (root, name) = reference.split_once('.')?;
    let subject = &compiled.evidence.subject;
    match root {
        "setting" => None,
        "link" => seen(subject.links.get(name)?, |record| record.source.id.as_str().into()),
        _ => seen(subject.facts.get(name)?, |fact| fact.value.clone()),
    }
}

fn seen<T>(observation: &Observation<T>, value: impl FnOnce(&T) -> Value) -> Option<Value> {
    match observation {
        Observation::Present(present) => Some(value(present)),
        Observation::Absent(_) => Some(Value::Null),
        Observation::Unknown(_) => None,
    }
}
