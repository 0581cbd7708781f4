//! `xops trace`: what an instance did.

use crate::arguments::{Common, Format, Trace};
use crate::exit::{Exit, Outcome};
use crate::journal::{self, Log, Story};
use crate::json;
use xops_kernel::saga::event::Stamped;
use xops_kernel::trace::{self, Detail, Line};

/// Prints the trace of one instance.
pub fn run(common: &Common, arguments: &Trace) -> Outcome {
    let log = journal::read(common)?;
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
            "principal": story.compiled.principal,
            "lines": lines,
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
    (lines, state.word())
}
