//! A plan as one JSON object; `docs/operating.md` documents it.
//!
//! Invariant: steps are named by their number, from 1, as people are told of them.

use super::{Count, number};
use crate::explain::{Known, of_seen};
use crate::json::{of_value, of_values};
use serde_json::{Map, Value as Json, json};
use xops_kernel::awf::Undo;
use xops_kernel::declare::{Declarations, OnReject};
use xops_kernel::diff::{Change, Facet};
use xops_kernel::id::StepId;
use xops_kernel::plan::{Binding, Plan, Step};
use xops_kernel::value::Value;
use xops_shell::compile::Preview;

/// A preview: the plan, and what it hangs on.
pub(super) fn describe(declarations: &Declarations, preview: &Preview) -> Json {
    let known = Known { declarations, subject: &preview.subject, settings: &preview.desire.settings };
    let facts = preview.plan.footprint.facts.keys().map(|name| (name.clone(), known.object(name)));
    let seen = preview.seen.iter().map(|(facet, sighting)| {
        let mut object = of_seen(Some(&sighting.seen), |value: &Value| json!({ "value": of_value(value) }));
        object["facet"] = of_facet(facet);
        object["outputs"] = of_values(&sighting.outputs);
        object
    });
    let mut object = of_plan(&preview.plan, &preview.handle);
    object["footprint"] = Json::Object(facts.collect::<Map<_, _>>());
    object["observed"] = Json::Array(seen.collect());
    object
}

fn of_plan(plan: &Plan, handle: &str) -> Json {
    let Count { create, update, remove, other, unchanged } = Count::of(plan);
    let satisfied = plan.satisfied.iter().map(|(facet, value)| {
        let mut object = of_facet(facet);
        object["value"] = of_value(value);
        object
    });
    json!({
        "entity": { "id": plan.entity.to_string(), "kind": plan.kind, "handle": handle },
        "outcomes": plan.outcomes,
        "plan": {
            "id": plan.id.to_string(),
            "name": plan.name,
            "runbook": plan.runbook.as_ref().map(|(name, _)| name),
            "variant": plan.runbook.as_ref().map(|(_, variant)| variant),
            "parallel": plan.width,
            "parent": plan.parent.map(|parent| parent.to_string()),
            "declarations": plan.declarations.to_string(),
        },
        "steps": plan.steps.iter().map(of_step).collect::<Vec<_>>(),
        "satisfied": satisfied.collect::<Vec<_>>(),
        "point_of_no_return": plan.point_of_no_return().map(number),
        "summary": {
            "create": create, "update": update, "remove": remove, "other": other, "unchanged": unchanged,
        },
    })
}

fn of_facet(facet: &Facet) -> Json {
    json!({
        "domain": facet.domain, "system": facet.system, "name": facet.name, "element": facet.element,
        "text": facet.to_string(),
    })
}

fn of_step(step: &Step) -> Json {
    let change = |change: &Change| {
        json!({
            "kind": change.kind().word(), "facet": of_facet(change.facet()),
            "from": change.from().map(of_value), "to": change.to().map(of_value),
        })
    };
    let input = |(name, binding): (&String, &Binding)| {
        let bound = match binding {
            Binding::Literal(value) => json!({ "value": of_value(value) }),
            Binding::Output { step, name } => json!({ "known_after": place(*step), "output": name }),
        };
        (name.clone(), bound)
    };
    json!({
        "step": number(step),
        "sign": step.sign().to_string(),
        "node": step.node,
        "awf": step.awf.to_string(),
        "change": step.change.as_deref().map(change),
        "inputs": step.inputs.iter().map(input).collect::<Map<_, _>>(),
        "personal": step.personal,
        "after": step.after.iter().map(|id| place(*id)).collect::<Vec<_>>(),
        "undo": of_undo(&step.undo),
        "on_reject": match step.on_reject {
            OnReject::Backstep => "backstep",
            OnReject::Replan => "replan",
            OnReject::Pause => "pause",
        },
        "hangs_on": step.hangs_on,
        "manifest": step.manifest.to_string(),
    })
}

fn place(id: StepId) -> u32 {
    u32::from(id.0) + 1
}

fn of_undo(undo: &Undo) -> Json {
    let (awf, loss) = match undo {
        Undo::Nothing => (None, None),
        Undo::By { awf, loss, .. } => (Some(awf), loss.as_deref()),
        Undo::Irreversible { forward } => (forward.as_ref(), None),
    };
    json!({ "class": undo.class(), "awf": awf.map(ToString::to_string), "loss": loss })
}
