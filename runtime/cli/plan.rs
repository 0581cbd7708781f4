//! `xops plan`: the difference between what is declared and what is there, and how each change would be undone.
//!
//! Absent: decisions, and writes of any kind. Invariants: what is printed says no more than the plan does; a sign (`+ ~ - >`)
//! and a word carry every meaning, colour only repeats them; what is not known before a step ran is called so.

mod all;
mod conceal;
mod object;
#[cfg(test)]
mod tests;

use crate::arguments::{Common, Format, Plan as Asked, Target};
use crate::exit::{Exit, Failure, Outcome};
use crate::explain::Known;
use crate::json::{self, plain, word};
use crate::{follow, session};
use anstyle::{AnsiColor, Style};
use serde_json::json;
use std::fmt::{Display, Write};
use xops_kernel::awf::{Achieves, Undo};
use xops_kernel::declare::{Declarations, OnReject};
use xops_kernel::diff::Change;
use xops_kernel::plan::{Binding, Plan, Step};
use xops_kernel::port::Sighting;
use xops_kernel::value::Value;
use xops_shell::compile::Preview;

/// How many hexadecimal digits of a plan's id people are shown.
const DIGITS_SHOWN: usize = 12;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const CREATE: Style = AnsiColor::Green.on_default();
const UPDATE: Style = AnsiColor::Yellow.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
const OTHER: Style = AnsiColor::Cyan.on_default();

/// Runs the command.
pub(crate) async fn run(common: &Common, asked: &Asked) -> Outcome {
    if asked.all {
        return all::run(common, asked).await;
    }
    if asked.truth.records.is_some() {
        let message =
            "--records answers for everybody: add --all, or leave it out and ask the systems about one";
        return Err(Failure::new(Exit::Usage, message));
    }
    let entity = asked.entity.clone().unwrap_or_default();
    one(common, &Target { entity, find: asked.find.clone(), outcome: asked.outcome.clone() }).await
}

/// The plan of one entity, from what the systems answer now.
async fn one(common: &Common, target: &Target) -> Outcome {
    let (project, engine) = session::open(common, session::Wanted::default()).await?;
    let (kind, find) = session::find(&project, &target.entity, &target.find)?;
    let text = common.output == Format::Text;
    let incomplete = follow::read(&engine, !text).await;
    let previewed = engine.preview(&kind, &find, target.outcome.as_deref()).await;
    engine.stop().await.map_err(Failure::plain)?;
    let preview = match previewed {
        Ok(mut preview) => {
            conceal::conceal(&project.manifests, &mut preview);
            preview
        }
        Err(reasons) if text => {
            return Err(
                Failure::new(Exit::Refused, format!("there is no plan for {}", target.entity)).with(reasons)
            );
        }
        Err(reasons) => {
            json::print(&json!({ "entity": target.entity, "refused": reasons, "incomplete": incomplete }))?;
            return Ok(Exit::Refused);
        }
    };
    if text {
        json::text(&show(&preview.plan, &preview.handle))?;
        if common.verbose {
            json::text(&reasons(&project.declarations, &preview))?;
        }
    } else {
        let mut object = object::describe(&project.declarations, &preview);
        object["incomplete"] = json!(incomplete);
        json::print(&object)?;
    }
    Ok(if preview.plan.steps.is_empty() { Exit::Done } else { Exit::Changes })
}

/// A plan for people, as several lines with ANSI styles: print it through a writer that drops them where none are shown.
/// `handle` is what people call the entity.
pub(crate) fn show(plan: &Plan, handle: &str) -> String {
    let entity = format!("{}:{}", plan.kind, plain(handle));
    let mut out = String::new();
    if plan.steps.is_empty() {
        let holds = match (plan.outcomes.is_empty(), plan.satisfied.len()) {
            (true, _) => format!("no outcome applies to {entity}"),
            (false, 1) => format!("{entity} is as declared, 1 facet holds"),
            (false, count) => format!("{entity} is as declared, {count} facets hold"),
        };
        put(&mut out, format_args!("{BOLD}No changes{BOLD:#}: {holds}."));
        satisfied(&mut out, plan);
        return out;
    }
    header(&mut out, plan, &entity);
    let width = plan.steps.iter().map(|step| step.awf.to_string().len()).max().unwrap_or(0);
    for step in &plan.steps {
        out.push('\n');
        show_step(&mut out, plan, step, width);
    }
    if !plan.satisfied.is_empty() {
        out.push('\n');
        satisfied(&mut out, plan);
    }
    if let Some(step) = plan.point_of_no_return() {
        let name = &step.awf;
        put(
            &mut out,
            format_args!(
                "\n{REMOVE}Point of no return{REMOVE:#}: step {} {name} cannot be undone.",
                number(step)
            ),
        );
    }
    put(&mut out, format_args!("\n{BOLD}Plan{BOLD:#}: {}.", summary(plan)));
    out
}

/// Appends a line.
fn put(out: &mut String, line: impl Display) {
    let _infallible = writeln!(out, "{line}");
}

fn header(out: &mut String, plan: &Plan, entity: &str) {
    let outcomes: Vec<_> = plan.outcomes.iter().map(String::as_str).collect();
    put(out, format_args!("{BOLD}outcome={} entity={entity}{BOLD:#}", outcomes.join(",")));
    let variant = plan.runbook.as_ref().map_or("-", |(_, variant)| variant.as_str());
    let id = plan.id.to_string();
    let id = id.get(..2 + DIGITS_SHOWN).unwrap_or(&id);
    let parallel = if plan.width > 1 { format!(" parallel={}", plan.width) } else { String::new() };
    put(out, format_args!("{BOLD}plan={} variant={variant}{BOLD:#} id={id}{parallel}", plan.name));
    if let Some(parent) = plan.parent {
        put(out, format_args!("supersedes={parent}"));
    }
}

/// The number by which people are told of a step: its place, from 1.
fn number(step: &Step) -> usize {
    usize::from(step.id.0) + 1
}

fn style(step: &Step) -> Style {
    match step.change.as_deref().map(Change::kind) {
        Some(Achieves::Create) => CREATE,
        Some(Achieves::Update) => UPDATE,
        Some(Achieves::Remove) => REMOVE,
        None => OTHER,
    }
}

fn show_step(out: &mut String, plan: &Plan, step: &Step, width: usize) {
    let paint = style(step);
    let value = |value: Option<&Value>| value.map_or_else(|| "(absent)".to_owned(), word);
    let what = match &step.change {
        Some(change) => format!(
            "{}: {} -> {}",
            plain(&change.facet().to_string()),
            value(change.from()),
            value(change.to())
        ),
        None => format!("{} (changes no facet)", step.node),
    };
    let awf = step.awf.to_string();
    put(out, format_args!("  {paint}{} {:>2} {awf:width$}{paint:#}  {what}", step.sign(), number(step)));
    let names = step.inputs.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, binding) in &step.inputs {
        let bound = match binding {
            Binding::Literal(value) => word(value),
            Binding::Output { step, name } => format!("(known after {}: {name})", reference(plan, *step)),
        };
        put(out, format_args!("         {DIM}{name:names$} ={DIM:#} {bound}"));
    }
    put(out, format_args!("         {DIM}undo:{DIM:#} {}", undo(&step.undo)));
    if step.on_reject != OnReject::Backstep {
        let word = if step.on_reject == OnReject::Replan { "replan" } else { "pause" };
        put(out, format_args!("         {DIM}if rejected:{DIM:#} {word}"));
    }
    if !step.after.is_empty() {
        let after: Vec<_> = step.after.iter().map(|id| reference(plan, *id)).collect();
        put(out, format_args!("         {DIM}after:{DIM:#} {}", after.join(", ")));
    }
}

fn reference(plan: &Plan, id: xops_kernel::id::StepId) -> String {
    plan.step(id).map_or_else(|| format!("step {}", id.0), |step| format!("{} {}", number(step), step.awf))
}

fn undo(undo: &Undo) -> String {
    match undo {
        Undo::Nothing => "nothing to undo".to_owned(),
        Undo::By { awf, loss: Some(loss), .. } => format!("{awf} (with_loss: {})", plain(loss)),
        Undo::By { awf, loss: None, .. } => format!("{awf} (exact)"),
        Undo::Irreversible { forward: Some(awf) } => format!("irreversible; {awf} goes forward from there"),
        Undo::Irreversible { forward: None } => "irreversible".to_owned(),
    }
}

fn satisfied(out: &mut String, plan: &Plan) {
    if !plan.satisfied.is_empty() {
        let all = plan.satisfied.iter();
        let all: Vec<_> =
            all.map(|(facet, value)| format!("{} = {}", plain(&facet.to_string()), word(value))).collect();
        put(out, format_args!("  {DIM}= already so:{DIM:#} {}", all.join(", ")));
    }
}

/// How many changes of each kind there are.
struct Count {
    create: usize,
    update: usize,
    remove: usize,
    other: usize,
    unchanged: usize,
}

impl Count {
    fn of(plan: &Plan) -> Self {
        let of =
            |kind| plan.steps.iter().filter(|step| step.change.as_deref().map(Change::kind) == kind).count();
        Self {
            create: of(Some(Achieves::Create)),
            update: of(Some(Achieves::Update)),
            remove: of(Some(Achieves::Remove)),
            other: of(None),
            unchanged: plan.satisfied.len(),
        }
    }
}

fn summary(plan: &Plan) -> String {
    let Count { create, update, remove, other, unchanged } = Count::of(plan);
    let beside = match other {
        0 => String::new(),
        1 => ", and 1 step that changes no facet".to_owned(),
        many => format!(", and {many} steps that change no facet"),
    };
    format!("{create} to create, {update} to update, {remove} to remove, {unchanged} unchanged{beside}")
}

/// What the plan hangs on: each fact with the record or the layer that it came from, and what the lookups saw.
fn reasons(declarations: &Declarations, preview: &Preview) -> String {
    let known = Known { declarations, subject: &preview.subject, settings: &preview.desire.settings };
    let mut out = format!("\n{BOLD}It hangs on{BOLD:#}\n");
    for name in preview.plan.footprint.facts.keys() {
        let (value, lines) = known.tell(name);
        let from = lines.first().map_or("", String::as_str);
        put(&mut out, format_args!("  {name} = {value}  {DIM}{from}{DIM:#}"));
    }
    put(&mut out, format_args!("\n{BOLD}It looked at{BOLD:#}"));
    for (facet, Sighting { seen, .. }) in &preview.seen {
        use xops_kernel::fact::Observation;
        let seen = match seen {
            Observation::Present(value) => word(value),
            Observation::Absent(proof) => format!("(absent)  {DIM}{proof}{DIM:#}"),
            Observation::Unknown(doubt) => format!("(unknown)  {DIM}{}{DIM:#}", plain(&doubt.to_string())),
        };
        put(&mut out, format_args!("  {} of {} = {seen}", plain(&facet.to_string()), facet.system));
    }
    out
}
