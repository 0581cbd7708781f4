//! `xops replay`: folds an instance again from the journal and holds every decision to it.
//!
//! The plan is compiled again from the evidence that the journal keeps; each verdict of the gate is judged again from its
//! sheet; each decision of the saga must follow from the state before it, and none may be missing.

mod conceal;

use crate::arguments::{Common, Format, Replay};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{self, Log, Story};
use crate::{json, project};
use serde_json::json;
use std::fmt::Write;
use xops_kernel::compile::{self, Compile};
use xops_kernel::desire;
use xops_kernel::gate::Sheet;
use xops_kernel::machine::Machine;
use xops_kernel::plan::Plan;
use xops_kernel::saga::Saga;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::State;

/// Replays one instance.
pub fn run(common: &Common, arguments: &Replay) -> Outcome {
    let log = journal::read(common)?;
    let story = log.find(Some(&arguments.instance))?;
    if story.erased > 0 {
        let message =
            format!("{} events of the instance are erased: they cannot be folded again", story.erased);
        return Err(Failure::new(Exit::Refused, message));
    }
    if let Some(removed) = log.removed(story) {
        let note =
            "put the exported files back into a copy of the data folder, without `journal.kept`".to_owned();
        return Err(Failure::new(Exit::Refused, removed).with([note]));
    }
    let plan = derive(&log, story);
    let saga = log.saga(story);
    let folded = fold(&saga, story, arguments.at.unwrap_or(usize::MAX));
    let differences: Vec<&String> = plan.iter().chain(&folded.differences).collect();
    if common.output == Format::Text {
        json::text(&told(story, &folded, plan.is_none()))?;
    } else {
        let project = project::read(common).ok();
        let manifests = project.as_ref().map(|project| &*project.manifests);
        let mut state = serde_json::to_value(&folded.state).map_err(Failure::plain)?;
        conceal::conceal(&mut state, &story.compiled.plan, manifests);
        json::print(&json!({
            "number": story.compiled.number,
            "instance": story.compiled.instance.to_string(),
            "plan": story.compiled.plan.id.to_string(),
            "events": folded.events,
            "decisions": folded.decisions,
            "state": state,
            "differences": differences,
        }))?;
    }
    if differences.is_empty() {
        return Ok(Exit::Done);
    }
    let message = format!("replay differs from the journal in {} places", differences.len());
    Err(Failure::new(Exit::Damaged, message).with(differences.into_iter().cloned()))
}

/// Compiles the plan again; what differs, if anything does.
fn derive(log: &Log, story: &Story) -> Option<String> {
    let compiled = &story.compiled;
    let evidence = &compiled.evidence;
    let at = story.compiled_at.0;
    let desire = match desire::desire(&story.declared, &evidence.subject, evidence.only.as_deref()) {
        Ok(desire) => desire,
        Err(why) => return Some(format!("event {at}: nothing can be wanted of the entity: {why:?}")),
    };
    let (seen, granted) = (evidence.seen(), evidence.granted());
    let drawn = compile::draw(
        &Compile {
            declarations: &story.declared,
            subject: &evidence.subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent: evidence.parent,
        },
        &log.key,
    );
    match drawn {
        Ok(plan) if plan == compiled.plan => None,
        Ok(plan) => Some(format!(
            "event {at}: the plan compiles to {}, the journal has {}",
            plan.id, compiled.plan.id
        )),
        Err(why) => Some(format!("event {at}: no plan compiles: {why:?}")),
    }
}

struct Folded {
    state: State,
    events: usize,
    decisions: usize,
    differences: Vec<String>,
    shown: Vec<Shown>,
}

struct Shown {
    seq: u64,
    event: &'static str,
    decided: bool,
    step: Option<String>,
    sheet: Option<Sheet>,
    state: &'static str,
}

fn fold(saga: &Saga, story: &Story, until: usize) -> Folded {
    let mut folded =
        Folded { state: saga.fresh(), events: 0, decisions: 0, differences: Vec::new(), shown: Vec::new() };
    for (seq, stamped) in story.events.iter().take(until) {
        if let Some(difference) = held(saga, &folded.state, stamped) {
            folded.differences.push(format!("event {seq}: {difference}"));
        }
        if let Err(refused) = saga.step(&mut folded.state, stamped, &mut Vec::new()) {
            folded.differences.push(format!("event {seq}: {refused}"));
            break;
        }
        folded.events += 1;
        let judged = match &stamped.event {
            Event::Judged { sheet, .. } => Some(sheet.clone()),
            _ => None,
        };
        let decided = stamped.event.is_decided() || judged.is_some();
        folded.decisions += usize::from(decided);
        folded.shown.push(Shown {
            seq: *seq,
            event: stamped.event.word(),
            decided,
            step: stamped.event.step().and_then(|id| saga.plan.step(id)).map(|step| step.awf.to_string()),
            sheet: judged,
            state: folded.state.word(),
        });
    }
    folded
}

/// What is wrong with an event as the next one of a state.
fn held(saga: &Saga, state: &State, stamped: &Stamped) -> Option<String> {
    let expected = saga.decide(state).map(|decided| decided.event);
    let word = stamped.event.word();
    match (stamped.event.is_decided(), expected) {
        (true, Some(expected)) if same(saga, &expected, &stamped.event) => None,
        (true, Some(expected)) => {
            Some(format!("the journal has {:?}, the state decides {expected:?}", stamped.event))
        }
        (true, None) => Some(format!("`{word}` does not follow from the state")),
        (false, Some(expected)) => {
            Some(format!("`{}` follows from the state and is missing", expected.word()))
        }
        (false, None) => None,
    }
}

/// Whether two decisions are the same. A request whose manifest has changed since cannot be rendered again; its digest then
/// stands for itself.
fn same(saga: &Saga, expected: &Event, journaled: &Event) -> bool {
    match (expected, journaled) {
        (Event::Unrendered { step: one, .. }, Event::Intended { step: other, dir, .. }) if one == other => {
            let step = saga.plan.step(*other);
            let awf = step.and_then(|step| saga.awf(step, *dir));
            // The archive renders nothing for a manifest that is not the one of then.
            awf.is_some()
        }
        _ => expected == journaled,
    }
}

fn told(story: &Story, folded: &Folded, plan_holds: bool) -> String {
    let mut out = String::new();
    let plan: &Plan = &story.compiled.plan;
    let word = if plan_holds { "compiles to the same bytes" } else { "DIFFERS" };
    let _infallible =
        writeln!(out, "instance {} plan {} ({}): {word}", story.compiled.instance, plan.id, plan.name);
    let _infallible = writeln!(out, "from {} facts:", plan.footprint.facts.len());
    for (name, value) in &plan.footprint.facts {
        let source = plan.lineage.get(name).map_or_else(String::new, |source| format!("  <- {source}"));
        let _infallible = writeln!(out, "  {name} = {value}{source}");
    }
    for shown in &folded.shown {
        let step = shown.step.as_deref().unwrap_or("-");
        let mark = if shown.decided { "derived again" } else { "given" };
        let _infallible =
            writeln!(out, "{:>6}  {:<9} {step:<24} {mark:<13} {}", shown.seq, shown.event, shown.state);
        if let Some(sheet) = shown.sheet.as_ref().filter(|sheet| **sheet != Sheet::default()) {
            let _infallible = writeln!(out, "        the gate saw {}", seen(sheet));
        }
    }
    let _infallible = writeln!(
        out,
        "{} events folded, {} decisions derived again, {} differences; the instance is {}",
        folded.events,
        folded.decisions,
        folded.differences.len(),
        folded.state.word()
    );
    out
}

/// What a gate saw, in words: from when its facts are, and everything that stood in the way.
fn seen(sheet: &Sheet) -> String {
    let mut all = Vec::new();
    if sheet.oldest_read > 0 {
        all.push(format!("facts of {} or later", json::moment(sheet.oldest_read)));
    }
    for changed in &sheet.changed {
        let now = changed.now.as_ref().map_or_else(|| "another (personal)".to_owned(), json::word);
        all.push(format!("{} is {now} by now", changed.what));
    }
    all.extend(sheet.unknown.iter().map(|what| format!("{what} is unknown by now")));
    all.extend(sheet.breaker_until.map(|until| format!("the breaker open until {}", json::moment(until))));
    all.extend(sheet.paused.iter().map(|what| format!("{what} paused")));
    all.extend(sheet.locked_by.iter().map(|instance| format!("a lock that {instance} holds")));
    let clear = sheet.changed.is_empty()
        && sheet.unknown.is_empty()
        && sheet.breaker_until.is_none()
        && sheet.paused.is_none()
        && sheet.locked_by.is_none();
    if clear {
        all.push("nothing in the way".to_owned());
    }
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::gate::Changed;
    use xops_kernel::value::Value;

    #[test]
    fn a_sheet_is_told_in_words() {
        let check = |sheet: &Sheet, expect: &str| assert_eq!(seen(sheet), expect);
        let clear = Sheet { oldest_read: 1_795_349_152_437, ..Sheet::default() };
        check(&clear, "facts of 2026-11-22T12:05:52Z or later; nothing in the way");
        let blocked = Sheet {
            changed: vec![
                Changed { what: "person.country".to_owned(), now: Some(Value::from("MX")) },
                Changed { what: "person.email".to_owned(), now: None },
            ],
            unknown: vec!["link.okta".to_owned()],
            breaker_until: Some(1_795_349_152_437),
            paused: Some("system:okta".to_owned()),
            locked_by: Some("i-1".to_owned()),
            ..Sheet::default()
        };
        check(
            &blocked,
            "person.country is MX by now; person.email is another (personal) by now; link.okta is unknown by now; the breaker open \
             until 2026-11-22T12:05:52Z; system:okta paused; a lock that i-1 holds",
        );
    }
}
