//! The trace: the journal of one instance, told line by line.
//!
//! Invariants: a rendering and nothing else: it adds no information and drops only what a level of detail leaves out. Times
//! are printed in UTC.

use crate::gate::Verdict;
use crate::id::Direction;
use crate::machine::Machine;
use crate::plan::Plan;
use crate::record::Millis;
use crate::saga::Saga;
use crate::saga::event::{End, Event, Stamped, Undoing};
use crate::saga::state::{Run, Stage, State};
use serde::Serialize;
use std::fmt::Write;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// One line a step, as in the source text.
    Brief,
    /// One line an event.
    Full,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    pub at: Millis,
    /// What, without the time.
    pub text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", clock(self.at), self.text)
    }
}

/// The time of day in UTC, `HH:MM:SS`.
pub fn clock(at: Millis) -> String {
    let second = at / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The two lines that stand before the first step: who and what, and the plan. `entity` is what people call the entity.
pub fn opening(at: Millis, compiled_at: Millis, plan: &Plan, entity: &str) -> [Line; 2] {
    let outcomes: Vec<_> = plan.outcomes.iter().map(String::as_str).collect();
    let variant = plan.runbook.as_ref().map_or("-", |(_, variant)| variant.as_str());
    let parent = plan.parent.map(|parent| format!(" supersedes={parent}")).unwrap_or_default();
    [
        Line { at, text: format!("outcome={} entity={}:{entity}", outcomes.join(","), plan.kind) },
        Line { at: compiled_at, text: format!("compile plan={} variant={variant}{parent}", plan.name) },
    ]
}

/// Tells the events of an instance by folding them, and gives the state that they end in. An event that the state refuses
/// ends the telling with a line that says so.
pub fn tell(saga: &Saga, events: &[Stamped], detail: Detail) -> (Vec<Line>, State) {
    let mut state = saga.fresh();
    let mut lines = Vec::new();
    let mut effects = Vec::new();
    let began = events.first().map_or(0, |stamped| stamped.at);
    let width = saga.plan.steps.iter().map(|step| step.awf.to_string().len()).max().unwrap_or(0);
    for stamped in events {
        let before = state.clone();
        if let Err(refused) = saga.step(&mut state, stamped, &mut effects) {
            lines.push(Line { at: stamped.at, text: format!("damaged: {refused}") });
            break;
        }
        let text = match detail {
            Detail::Full => Some(full(saga, stamped, &state)),
            Detail::Brief => brief(saga, stamped, &before, &state, width),
        };
        lines.extend(text.map(|text| Line { at: stamped.at, text }));
        if let Event::Ended { end } = stamped.event {
            lines.push(Line { at: stamped.at, text: ending(end, stamped.at.saturating_sub(began)) });
        }
    }
    (lines, state)
}

fn ending(end: End, duration_ms: u64) -> String {
    let word = match end {
        End::Completed => "outcome.complete",
        End::Undone => "outcome.undone",
        End::Superseded => "outcome.superseded",
    };
    format!("{word}  duration={}.{}s", duration_ms / 1000, duration_ms % 1000 / 100)
}

/// A line where a step came to rest, or where something happened that a reader must know.
fn brief(saga: &Saga, stamped: &Stamped, before: &State, after: &State, width: usize) -> Option<String> {
    match &stamped.event {
        Event::Turned { why, by } => {
            let by = by.as_ref().map(|by| format!(" by={by}")).unwrap_or_default();
            return Some(format!("backstep{by}  reason={why:?}"));
        }
        Event::Overtaken { by } => return Some(format!("overtaken by={by}")),
        Event::Resumed { epoch } => {
            let lost = after
                .steps
                .iter()
                .zip(&before.steps)
                .filter(|(now, was)| now.ambiguous && !was.ambiguous)
                .count();
            return Some(format!("resume epoch={epoch}  unknown={lost}"));
        }
        _ => {}
    }
    let id = stamped.event.step()?;
    let (was, now) = (before.steps.get(usize::from(id.0))?, after.steps.get(usize::from(id.0))?);
    let step = saga.plan.step(id)?;
    let settled = was.stage != now.stage && !now.stage.is_busy() && now.stage != Stage::Waiting;
    if !settled {
        let waits = matches!(&stamped.event, Event::Judged { verdict: Verdict::Wait { .. }, .. });
        // A wait is told once, however often the gate looks again.
        return (waits && was.attempt == 1).then(|| full(saga, stamped, after));
    }
    let awf = format!("awf={:width$}", saga.awf(step, now.direction)?.to_string());
    let mut line = match now.stage {
        Stage::Done => format!("{awf} {}", done_word(stamped, now)),
        Stage::Undone if now.direction == Direction::Backward => {
            format!("{awf} ok  undoes={}", step.awf.function)
        }
        Stage::Undone => format!("{awf} nothing to undo"),
        Stage::Kept => format!("{awf} kept  reason={:?}", kept_word(stamped)),
        Stage::Failed => format!("{awf} rejected"),
        Stage::Parked => format!("{awf} parked"),
        Stage::Stuck => format!("{awf} stuck"),
        _ => return None,
    };
    if let (Stage::Done, Some(comp)) = (now.stage, saga.awf(step, Direction::Backward)) {
        let _infallible = write!(line, "  comp={}", comp.function);
    }
    if let Some(why) = &now.why {
        let _infallible = write!(line, "  reason={why:?}");
    }
    Some(line)
}

fn done_word(stamped: &Stamped, run: &Run) -> &'static str {
    match &stamped.event {
        Event::Found { .. } if !run.ours => "no-op",
        Event::Released { .. } => "released",
        _ if run.ours => "ok",
        _ => "unattributed",
    }
}

fn kept_word(stamped: &Stamped) -> &'static str {
    match &stamped.event {
        Event::Undone { how: Undoing::Irreversible, .. } => "it cannot be undone",
        Event::Released { .. } => "a person decided that it stays",
        _ => "not this instance's doing",
    }
}

/// One line for one event.
fn full(saga: &Saga, stamped: &Stamped, after: &State) -> String {
    let step = stamped.event.step().and_then(|id| saga.plan.step(id).map(|step| (id, step)));
    let mut line = stamped.event.word().to_owned();
    if let Some((id, step)) = step {
        let run = after.steps.get(usize::from(id.0));
        let direction = run.map_or(Direction::Forward, |run| run.direction);
        let awf = saga.awf(step, direction).unwrap_or_else(|| step.awf.clone());
        let _infallible = write!(line, " step={} awf={awf}", id.0);
    }
    let _infallible = match &stamped.event {
        Event::Judged { verdict, sheet, .. } => match verdict {
            Verdict::Go => write!(line, " verdict=go oldest_read={}", sheet.oldest_read),
            Verdict::Wait { why, .. } => write!(line, " verdict=wait reason={why:?}"),
            Verdict::NoGo { why } => write!(line, " verdict=no-go reason={why:?}"),
        },
        Event::Sighted { phase, attempt, sighting, .. } => {
            let seen = match &sighting.seen {
                crate::fact::Observation::Present(value) => format!("present({value})"),
                crate::fact::Observation::Absent(proof) => format!("absent({proof})"),
                crate::fact::Observation::Unknown(doubt) => format!("unknown({doubt})"),
            };
            write!(line, " phase={} attempt={attempt} seen={seen:?}", phase.word())
        }
        Event::Missed { phase, attempt, outcome, .. } => {
            write!(line, " phase={} attempt={attempt} outcome={}", phase.word(), outcome.word())
        }
        Event::Intended { step, dir, attempt, generation, request } => {
            let key = crate::id::CallKey::of(&saga.shared.tenant, saga.instance, *step, *dir, *generation);
            write!(line, " attempt={attempt} generation={generation} key={key} request={request}")
        }
        Event::Answered { attempt, outcome, .. } => {
            write!(line, " attempt={attempt} outcome={}", outcome.word())
        }
        Event::Resumed { epoch } => write!(line, " epoch={epoch}"),
        Event::Turned { why, .. } | Event::Unrendered { why, .. } => write!(line, " reason={why:?}"),
        Event::Undone { how, .. } => match how {
            Undoing::Nothing => write!(line, " how=nothing"),
            Undoing::NotOurs => write!(line, " how=not_ours"),
            Undoing::Irreversible => write!(line, " how=irreversible"),
        },
        Event::Released { by, how, .. } => write!(line, " by={by} how={how:?}"),
        Event::Ended { end } => write!(line, " end={}", end.word()),
        Event::Overtaken { by } => write!(line, " by={by}"),
        Event::Started | Event::Found { .. } | Event::Woke { .. } => Ok(()),
    };
    line
}
