//! `xops trace`: what an instance did.

use crate::arguments::{Common, Format, Trace};
use crate::exit::{Exit, Outcome};
use crate::journal::{self, Log, Remains, Story};
use crate::json;
use xops_kernel::culprit::Culprit;
use xops_kernel::log::{Number, What};
use xops_kernel::saga::event::Stamped;
use xops_kernel::trace::{self, Detail, Line};

/// Prints the trace of one instance.
pub fn run(common: &Common, arguments: &Trace) -> Outcome {
    let log = journal::read(common)?;
    let number: Option<Number> = arguments.instance.as_deref().and_then(|named| named.parse().ok());
    if let Some((number, remains)) = number.and_then(|it| log.erased.get_key_value(&it)) {
        return remain(common, *number, remains);
    }
    let story = log.find(arguments.instance.as_deref())?;
    let detail = if arguments.full { Detail::Full } else { Detail::Brief };
    let (lines, state) = tell(&log, story, detail);
    if common.output == Format::Text {
        for line in &lines {
            json::text(&format!(
                "{line}
"
            ))?;
        }
        if let Some(removed) = log.removed(story) {
            json::text(&format!("removed: {removed}\n"))?;
        }
        if story.erased > 0 {
            json::text(&format!(
                "erased: {} events were said of a subject whose key was destroyed\n",
                story.erased
            ))?;
        }
    } else {
        json::print(&serde_json::json!({
            "number": story.compiled.number,
            "instance": story.compiled.instance.to_string(),
            "plan": story.compiled.plan.id.to_string(),
            "state": state,
            "erased": story.erased,
            "removed": log.removed(story).is_some(),
            "principal": story.compiled.principal,
            "lines": lines,
        }))?;
    }
    Ok(Exit::Done)
}

/// Prints what is left of an instance whose plan is erased.
fn remain(common: &Common, number: Number, remains: &Remains) -> Outcome {
    let lines = remains.events.iter().map(|(_, stamped)| Line {
        at: stamped.at,
        text: match stamped.event.step() {
            Some(step) => format!("step={} {}", step.0, stamped.event.word()),
            None => stamped.event.word().to_owned(),
        },
    });
    let lines: Vec<Line> = lines.collect();
    if common.output == Format::Text {
        let all: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
        let erased = remains.erased;
        json::text(&format!("{all}erased: the plan of instance {number} and {erased} of its events\n"))?;
    } else {
        json::print(&serde_json::json!({
            "number": number, "state": "erased", "erased": remains.erased, "lines": lines,
        }))?;
    }
    Ok(Exit::Done)
}

/// The lines of a story, and the word for where it stands.
pub fn tell(log: &Log, story: &Story, detail: Detail) -> (Vec<Line>, &'static str) {
    let compiled = &story.compiled;
    let saga = log.saga(story);
    let events: Vec<Stamped> = story.events.iter().map(|(_, stamped)| stamped.clone()).collect();
    let mut lines =
        trace::opening(compiled.asked_at, story.compiled_at.1, &compiled.plan, &compiled.handle).to_vec();
    let (told, state) = trace::tell(&saga, &events, detail);
    lines.extend(told);
    // What happened around it stands where it happened; the lines are in order of time already.
    for line in strikes(log, compiled.number, detail) {
        let at = lines.partition_point(|told| told.at <= line.at);
        lines.insert(at, line);
    }
    (lines, state.word())
}

/// The panics over an instance, and what became of them.
fn strikes(log: &Log, number: Number, detail: Detail) -> Vec<Line> {
    let own = Culprit::Instance(number);
    let lines = log.happened.iter().filter_map(|(_, happened)| {
        let text = match &happened.what {
            What::Struck { over, robot, doing } if *over == own && detail == Detail::Full => {
                format!("panic robot={robot} doing={doing:?}")
            }
            What::Poisoned { robot, message } if *message == own.to_string() => {
                format!("poisoned robot={robot}  set aside until a person releases it")
            }
            What::Freed { over, by } if *over == own => format!("released by={by}"),
            _ => return None,
        };
        Some(Line { at: happened.at, text })
    });
    lines.collect()
}
