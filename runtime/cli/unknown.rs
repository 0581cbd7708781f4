//! `xops status --unknown`: every call whose answer never came, by its key, and what became of it.
//!
//! Invariants: read off the journal alone, beside a running daemon too; a call is listed once, however often the process died before
//! it was settled; what is not settled yet is `open`, and never left out. Absent: any judgement; the saga settles calls, this tells.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{self, Log, Story};
use crate::json::{self, moment};
use comfy_table::{Table, presets};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use xops_kernel::id::{Direction, StepId};
use xops_kernel::machine::Machine;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::{Stage, State};

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The process died while the call was under way.
    Died,
    /// No answer came, or one that says nothing.
    NoAnswer,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    /// A probe found its effect.
    Adopted,
    /// A probe proved that it had none, and nothing more is called for it.
    ProvedUndone,
    /// A probe proved that it had none; it was called again under a new key.
    MadeAnew,
    /// It was sent again under its key.
    Resent,
    /// Its step cannot succeed.
    Failed,
    /// A person is asked.
    Parked,
    /// It is not settled yet.
    Open,
}

/// A call whose answer never came.
struct Call {
    step: StepId,
    direction: Direction,
    generation: u32,
    key: String,
    since: Millis,
    cause: Cause,
    became: Became,
    settled_at: Option<Millis>,
}

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
fn calls(log: &Log, story: &Story) -> Result<Vec<Call>, Failure> {
    let saga = log.saga(story);
    let mut state = saga.fresh();
    let mut open: BTreeMap<StepId, Call> = BTreeMap::new();
    let mut settled = Vec::new();
    for (seq, stamped) in &story.events {
        let asked: Vec<(StepId, Cause)> = match &stamped.event {
            Event::Resumed { .. } => calling(&state).map(|step| (step, Cause::Died)).collect(),
            Event::Answered { step, .. } => vec![(*step, Cause::NoAnswer)],
            _ => Vec::new(),
        };
        let candidates = asked.into_iter().filter_map(|(step, cause)| {
            let run = state.steps.get(usize::from(step.0))?;
            Some(Call {
                step,
                direction: run.direction,
                generation: run.generation,
                key: saga.key(&state, step)?.to_string(),
                since: stamped.at,
                cause,
                became: Became::Open,
                settled_at: None,
            })
        });
        let candidates: Vec<Call> = candidates.collect();
        if let Err(refused) = saga.step(&mut state, stamped, &mut Vec::new()) {
            if story.erased > 0 {
                break;
            }
            return Err(Failure::new(
                Exit::Damaged,
                format!("event {seq} of the journal does not fold: {refused}"),
            ));
        }
        for call in candidates {
            let now = state.steps.get(usize::from(call.step.0)).map(|run| run.stage);
            if call.cause == Cause::Died || now == Some(Stage::Unknown) {
                open.entry(call.step).or_insert(call);
            }
        }
        for step in open.keys().copied().collect::<Vec<_>>() {
            let Some(became) = open.get(&step).and_then(|call| became(&state, stamped, call)) else {
                continue;
            };
            if let Some(call) = open.remove(&step) {
                settled.push(Call { became, settled_at: Some(stamped.at), ..call });
            }
        }
    }
    settled.extend(open.into_values());
    settled.sort_by_key(|call| (call.since, call.step));
    Ok(settled)
}

/// The steps whose call is under way.
fn calling(state: &State) -> impl Iterator<Item = StepId> {
    let steps = state.steps.iter().zip(0..).filter(|(run, _)| run.stage == Stage::Calling);
    steps.map(|(_, step)| StepId(step))
}

/// What became of a call by the event that was just believed; nothing if it is still open.
fn became(state: &State, stamped: &Stamped, call: &Call) -> Option<Became> {
    if let Event::Intended { step, dir, generation, .. } = stamped.event
        && step == call.step
    {
        let same = (dir, generation) == (call.direction, call.generation);
        return Some(if same { Became::Resent } else { Became::MadeAnew });
    }
    match state.steps.get(usize::from(call.step.0))?.stage {
        Stage::Done | Stage::Undone | Stage::Kept => Some(Became::Adopted),
        Stage::Waiting => Some(Became::ProvedUndone),
        Stage::Failed => Some(Became::Failed),
        Stage::Parked | Stage::Stuck => Some(Became::Parked),
        Stage::Confirming
        | Stage::Looking(_)
        | Stage::Ready
        | Stage::Calling
        | Stage::Unknown
        | Stage::Resting { .. } => None,
    }
}

impl Cause {
    fn word(self) -> &'static str {
        match self {
            Self::Died => "process_died",
            Self::NoAnswer => "no_answer",
        }
    }
}

impl Became {
    fn word(self) -> &'static str {
        match self {
            Self::Adopted => "adopted_by_probe",
            Self::ProvedUndone => "proved_undone",
            Self::MadeAnew => "proved_undone_and_made_anew",
            Self::Resent => "resent_under_its_key",
            Self::Failed => "failed",
            Self::Parked => "asked_a_person",
            Self::Open => "open",
        }
    }
}

fn object(story: &Story, call: &Call) -> Json {
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
        "key": call.key,
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
