//! What an entry of the journal does to the Service robot.

use super::{Answer, Effect, Held, Refused, Running, State};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::Achieves;
use xops_kernel::fact::Observation;
use xops_kernel::id::{EntityId, RequestId};
use xops_kernel::log::{Compiled, Entry, Number, Request, What};
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
            What::Refused { request, reasons, .. } => {
                close(state, *request)?;
                state.answer(*request, Answer::Refused(reasons.clone()));
                Ok(())
            }
            What::Deferred { request, entity } => deferred(state, *request, *entity, out),
            What::Unchanged { request, handle, satisfied, .. } => {
                close(state, *request)?;
                state.answer(*request, Answer::Unchanged { handle: handle.clone(), satisfied: *satisfied });
                Ok(())
            }
            What::Compiled(compiled) => begin(state, compiled, out),
            What::Paused { scope, by, why } => {
                state.paused.insert(scope.clone(), (by.clone(), why.clone()));
                Ok(())
            }
            What::Unpaused { scope, .. } => {
                state.paused.remove(scope);
                Ok(())
            }
            What::Breaker { .. } | What::Poisoned { .. } => Ok(()),
        },
    }
}

fn close(state: &mut State, request: RequestId) -> Result<(Millis, Request), Refused> {
    state.open.remove(&request).ok_or(Refused::NotOpen(request))
}

fn deferred(
    state: &mut State,
    request: RequestId,
    entity: EntityId,
    out: &mut Vec<Effect>,
) -> Result<(), Refused> {
    if !state.open.contains_key(&request) {
        return Err(Refused::NotOpen(request));
    }
    if state.driven.contains_key(&entity) {
        state.deferred.entry(entity).or_default().push_back(request);
    } else {
        // The instance ended while the deferral was being written down.
        out.push(Effect::Compile(request));
    }
    Ok(())
}

fn begin(state: &mut State, compiled: &Compiled, out: &mut Vec<Effect>) -> Result<(), Refused> {
    let next = state.numbers + 1;
    if compiled.number != next {
        return Err(Refused::OutOfOrder { given: compiled.number, next });
    }
    let (_, request) = close(state, compiled.request)?;
    state.numbers = next;
    state.held.remove(&compiled.plan.entity);
    state.driven.insert(compiled.plan.entity, next);
    let running = Running {
        instance: compiled.instance,
        request,
        entity: compiled.plan.entity,
        plan: compiled.plan.id,
        facts: compiled.plan.footprint.facts.clone(),
        grants: grants(&compiled.plan),
        removes: removes(&compiled.plan),
    };
    state.running.insert(next, running);
    out.push(Effect::Drive(next));
    state.answer(compiled.request, Answer::Started(next, compiled.instance));
    Ok(())
}

fn ended(
    state: &mut State,
    number: Number,
    end: End,
    at: Millis,
    out: &mut Vec<Effect>,
) -> Result<(), Refused> {
    let running = state.running.remove(&number).ok_or(Refused::NotRunning(number))?;
    *state.ended.entry(end).or_default() += 1;
    state.driven.remove(&running.entity);
    match end {
        End::Completed => {
            let granted = state.granted.entry(running.entity).or_default();
            granted.extend(running.grants);
            granted.retain(|facet, _| !running.removes.contains(facet));
        }
        End::Undone => {
            let held = Held { instance: running.instance, facts: running.facts, since: at };
            state.held.insert(running.entity, held);
        }
        End::Superseded => {
            // The same request is compiled again, against what is true now.
            let request = running.request;
            let id = request.id;
            state.answers.remove(&id);
            state.open.insert(id, (at, request));
            out.push(Effect::Compile(id));
        }
    }
    let waiting = state.deferred.remove(&running.entity).unwrap_or_default();
    out.extend(waiting.into_iter().map(Effect::Compile));
    Ok(())
}

/// What a plan grants: its creations, each with the object by which it can be taken back.
fn grants(plan: &Plan) -> BTreeMap<xops_kernel::diff::Facet, Values> {
    plan.steps
        .iter()
        .filter_map(|step| {
            let change = step.change.as_ref().filter(|change| change.kind() == Achieves::Create)?;
            Some((change.facet().clone(), step.object.clone()))
        })
        .collect()
}

fn removes(plan: &Plan) -> BTreeSet<xops_kernel::diff::Facet> {
    let removal = |step: &xops_kernel::plan::Step| {
        let change = step.change.as_ref().filter(|change| change.kind() == Achieves::Remove)?;
        Some(change.facet().clone())
    };
    plan.steps.iter().filter_map(removal).collect()
}

impl State {
    /// The hold on what was compiled, if it is held after a backstep: none of the facts behind the plan that stepped back has
    /// changed. The plans themselves may differ, because a backstep leaves traces (an account that exists, disabled). A fact that
    /// is not known now has not changed as far as anybody can tell.
    pub fn holds(&self, compiled: &Compiled) -> Option<&Held> {
        let changed =
            |(reference, then): (&String, &Value)| value_now(compiled, reference).is_some_and(|now| now != *then);
        self.held.get(&compiled.plan.entity).filter(|held| !held.facts.iter().any(changed))
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
