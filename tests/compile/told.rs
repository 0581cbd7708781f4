//! What came of a case, for people.

use crate::world::Came;
use std::fmt::Write as _;
use xops_kernel::declare::OnReject;
use xops_kernel::fact::Observation;
use xops_kernel::plan::{Binding, Plan, Step};
use xops_kernel::value::{Value, Values};

/// Tells it.
pub(crate) fn tell(came: &Came) -> String {
    let mut out = String::new();
    if !came.findings.is_empty() {
        let codes: Vec<&str> = came.findings.iter().copied().collect();
        line(&mut out, &format!("check: {}", codes.join(", ")));
    }
    for (at, (lookups, implied)) in came.rounds.iter().enumerate() {
        line(&mut out, &format!("round {}", at + 1));
        for lookup in lookups {
            line(&mut out, &format!("  {} by {}({})", lookup.facet, lookup.awf, arguments(&lookup.inputs)));
        }
        for (facet, sighting) in implied {
            let seen = match &sighting.seen {
                Observation::Present(value) => format!("is {value}"),
                Observation::Absent(proof) => format!("is absent: {proof}"),
                Observation::Unknown(doubt) => format!("is unknown: {doubt}"),
            };
            line(&mut out, &format!("  {facet} {seen}"));
        }
    }
    for facet in &came.unasked {
        line(&mut out, &format!("never asked: {facet}"));
    }
    match &came.end {
        Ok(plan) => tell_plan(&mut out, plan),
        Err(why) => {
            line(&mut out, "refused");
            for why in why {
                line(&mut out, &format!("  {why}"));
            }
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes all");
}

fn arguments(values: &Values) -> String {
    values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}

fn tell_plan(out: &mut String, plan: &Plan) {
    let outcomes = plan.outcomes.iter().cloned().collect::<Vec<_>>().join(", ");
    let runbook =
        plan.runbook.as_ref().map(|(name, variant)| format!(" {name} {variant}")).unwrap_or_default();
    let nothing = if plan.steps.is_empty() { ": nothing to do" } else { "" };
    line(out, &format!("plan {}{runbook} for [{outcomes}], {} at once{nothing}", plan.name, plan.width));
    plan.steps.iter().for_each(|step| tell_step(out, step));
    for (facet, value) in &plan.satisfied {
        line(out, &format!("  = {facet} is {value}"));
    }
    let facts = plan.footprint.facts.iter().map(|(name, value)| format!("{name} = {value}"));
    line(out, &format!("footprint: {}", facts.collect::<Vec<_>>().join(", ")));
    let side = |value: &Option<Value>| value.as_ref().map_or("absent".to_owned(), ToString::to_string);
    let observed = plan.footprint.observed.iter().map(|(facet, value)| format!("{facet} = {}", side(value)));
    line(out, &format!("observed: {}", observed.collect::<Vec<_>>().join(", ")));
}

fn tell_step(out: &mut String, step: &Step) {
    let change = step.change.as_ref().map(|change| {
        let side = |value: Option<&Value>| value.map_or("(absent)".to_owned(), ToString::to_string);
        format!(" {}: {} -> {}", change.facet(), side(change.from()), side(change.to()))
    });
    let after: Vec<String> = step.after.iter().map(|step| (step.0 + 1).to_string()).collect();
    let after = if after.is_empty() { String::new() } else { format!(" after {}", after.join(", ")) };
    let name = format!("{}={}", step.node, step.awf);
    line(out, &format!("  {} {} {name}{}{after}", step.sign(), step.id.0 + 1, change.unwrap_or_default()));
    for (name, binding) in &step.inputs {
        let bound = match binding {
            Binding::Literal(value) => value.to_string(),
            Binding::Output { step, name } => format!("({} of {})", name, step.0 + 1),
        };
        line(out, &format!("      {name} = {bound}"));
    }
    let policy = match step.on_reject {
        OnReject::Backstep => "backstep",
        OnReject::Replan => "replan",
        OnReject::Pause => "pause",
    };
    let hangs_on: Vec<&str> = step.hangs_on.iter().map(String::as_str).collect();
    line(
        out,
        &format!("      undo {}, on reject {policy}, hangs on {}", step.undo.class(), hangs_on.join(", ")),
    );
}
