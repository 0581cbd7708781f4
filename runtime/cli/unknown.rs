//! `xops status --unknown`: every call whose answer never came, by its key, and what became of it.
//!
//! Invariants: read off the journal alone, beside a running daemon too; a call is listed once, however often the process died before
//! it was settled; what is not settled yet is `open`, and never left out. Absent: what became of a call; the kernel says that
//! (`saga/unanswered.rs`), to everybody alike.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{self, Log, Story};
use crate::json::{self, moment};
use comfy_table::{Table, presets};
use serde_json::{Value as Json, json};
use xops_kernel::id::Direction;
use xops_kernel::saga::unanswered::{Unanswered, Watch};

/// Runs the command.
pub(crate) fn run(common: &Common) -> Outcome {
    let log = journal::read(common)?;
    let mut told = Vec::new();
    for story in log.stories.values() {
        for call in calls(&log, story)? {
            told.push(object(story, &call));
        }
    }
    if common.output == Format::Text {
        json::text(&show(&told, log.erased.len()))?;
    } else {
        json::print(&Json::Array(told))?;
    }
    Ok(Exit::Done)
}

/// The calls of an instance whose answer never came, in the order in which that happened.
fn calls(log: &Log, story: &Story) -> Result<Vec<Unanswered>, Failure> {
    let saga = log.saga(story);
    let (mut state, mut watch) = (saga.fresh(), Watch::default());
    let (mut out, mut told) = (Vec::new(), Vec::new());
    for (seq, stamped) in &story.events {
        out.clear();
        if let Err(refused) = watch.step(&saga, &mut state, stamped, &mut out, &mut told) {
            if story.erased > 0 {
                break;
            }
            return Err(Failure::new(
                Exit::Damaged,
                format!("event {seq} of the journal does not fold: {refused}"),
            ));
        }
    }
    told.extend(watch.open());
    told.sort_by_key(|call| (call.since, call.step));
    Ok(told)
}

fn object(story: &Story, call: &Unanswered) -> Json {
    let compiled = &story.compiled;
    let awf = compiled.plan.step(call.step).map(|step| step.awf.to_string());
    json!({
        "instance": compiled.instance.to_string(),
        "number": compiled.number,
        "entity": compiled.handle,
        "plan": compiled.plan.name,
        "step": call.step.0,
        "awf": awf,
        "direction": if call.direction == Direction::Forward { "forward" } else { "backward" },
        "generation": call.generation,
        "key": call.key.to_string(),
        "since": moment(call.since),
        "cause": call.cause.word(),
        "became": call.became.word(),
        "settled_at": call.settled_at.map(moment),
    })
}

fn show(told: &[Json], erased: usize) -> String {
    let note = if erased > 0 { format!("{erased} erased instances cannot be read\n") } else { String::new() };
    if told.is_empty() {
        return format!("every call was answered\n{note}");
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let columns = ["number", "entity", "awf", "direction", "key", "since", "cause", "became"];
    table.set_header(columns);
    for one in told {
        table.add_row(columns.map(|column| match &one[column] {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }
    format!("{}\n{note}", table.trim_fmt())
}
