//! `xops identity decide`: what a person decided of two records, as a declaration with its author, its reason and its end.
//!
//! Invariants: a decision is a declaration like any other: it is printed, or added to a file that is reviewed and kept with the rest, or
//! told to the running daemon, which writes it down and goes by it; nothing is added or told that would not be understood.

use crate::arguments::identity::{AnswerWord, Decide};
use crate::arguments::{Common, Format};
use crate::client::{self, Client};
use crate::exit::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::{apply, json};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use xops_kernel::identity::Decision;
use xops_shell::engine::Engine;
use xops_shell::engine::who::Deciding;
use xops_source::declare::identity;

/// Where a daemon is told.
const PATH: &str = "/v1/identity/decisions";
/// The file that decisions are added to, below the project.
const FILE: &str = "config/identity/decisions.hcl";

/// Runs the command.
pub(super) async fn run(common: &Common, asked: &Decide) -> Outcome {
    let project = project::sound(common)?;
    let rules = rules(&project, asked)?;
    let daemon = client::daemon(common, &project.declarations.tenant).await?;
    let answer = match asked.answer {
        AnswerWord::Same => "same",
        AnswerWord::Different => "different",
        AnswerWord::Open => return take_back(common, asked, daemon).await,
    };
    let author = asked.by.clone().unwrap_or_else(apply::principal);
    let mut lines = vec![
        ("left", quoted(&asked.left)?),
        ("right", quoted(&asked.right)?),
        ("author", quoted(&author)?),
        ("why", quoted(&asked.why)?),
    ];
    if let Some(until) = &asked.until {
        lines.push(("until", quoted(until)?));
    }
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("  {name:<6} = {value}\n")).collect();
    let block = format!("decision \"{rules}\" \"{answer}\" {{\n{}}}\n", lines.concat());
    understood(&rules, &block)?;
    // The daemon first: what it refuses is not added to a file either.
    let told = match &daemon {
        Some(daemon) => Some(daemon.post(PATH, &body(asked, answer, &author)).await?),
        None => None,
    };
    if asked.write {
        add(common, &block)?;
    }
    let file = asked.write.then_some(FILE);
    let one = told.as_ref().map(|told| told["one"] == true);
    match common.output {
        Format::Text | Format::Csv => json::text(&block)?,
        Format::Json | Format::Sarif => {
            json::print(&json!({ "declaration": block, "file": file, "one": one }))?;
        }
    }
    if asked.write {
        anstream::eprintln!("added to {FILE}");
    }
    match one {
        Some(one) => anstream::eprintln!("the daemon goes by it: {}", standing(asked, one)),
        None if !asked.write => {
            anstream::eprintln!("nothing was decided: no daemon runs, and --write was not given");
        }
        None => {}
    }
    Ok(Exit::Done)
}

/// What a daemon is told.
fn body(asked: &Decide, answer: &str, author: &str) -> Json {
    json!({
        "kind": asked.kind, "answer": answer, "left": asked.left, "right": asked.right, "by": author, "why": asked.why,
        "until": asked.until, "declared": asked.write,
    })
}

/// How two records stand to one another now.
fn standing(asked: &Decide, one: bool) -> String {
    let what = if one { "are of one" } else { "are not of one" };
    format!("{} and {} {what} {}", asked.left, asked.right, asked.kind)
}

/// Takes back what a daemon was told.
async fn take_back(common: &Common, asked: &Decide, daemon: Option<Client>) -> Outcome {
    if asked.write {
        let note = format!("remove its block from {FILE}; a daemon goes by that after it was started again");
        return Err(Failure::new(Exit::Usage, "a declaration is not taken back with --write").with([note]));
    }
    let author = asked.by.clone().unwrap_or_else(apply::principal);
    let daemon = daemon.ok_or_else(client::needs_daemon)?;
    let one = daemon.post(PATH, &body(asked, "open", &author)).await?["one"] == true;
    match common.output {
        Format::Text | Format::Csv => json::text(&format!("taken back: {}\n", standing(asked, one)))?,
        Format::Json | Format::Sarif => json::print(&json!({ "taken_back": true, "one": one }))?,
    }
    Ok(Exit::Done)
}

/// Takes in what the API was told.
pub(crate) async fn take(engine: &Engine, body: &Json) -> (u16, Json) {
    let text = |name: &str| body[name].as_str().unwrap_or_default().trim().to_owned();
    let declared = body["declared"].as_bool().unwrap_or(false);
    let answer = text("answer");
    let how = match (answer.as_str(), declared) {
        ("same" | "different", false) => Deciding::Asked,
        ("same" | "different", true) => Deciding::Declared,
        ("open", false) => Deciding::TakenBack,
        _ => {
            let why = format!(
                "`answer` is `{answer}`: it is one of `same`, `different`, `open`, the last one not with `declared`"
            );
            return (400, json!({ "error": why }));
        }
    };
    let until = match day_of(&body["until"]) {
        Ok(until) => until,
        Err(why) => return (400, json!({ "error": why })),
    };
    let decision = Decision {
        same: answer == "same",
        left: text("left"),
        right: text("right"),
        author: text("by"),
        why: text("why"),
        until,
    };
    match engine.decide(&text("kind"), decision, how).await {
        Ok(one) => (
            200,
            json!({ "state": if how == Deciding::TakenBack { "taken back" } else { "decided" }, "one": one }),
        ),
        Err(why) => (409, json!({ "error": why })),
    }
}

/// The last day on which a decision holds, as `yyyymmdd`.
fn day_of(until: &Json) -> Result<Option<u32>, String> {
    if until.is_null() {
        return Ok(None);
    }
    let text = until.as_str().unwrap_or_default();
    let day = text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
    match day.filter(|_| text.len() == 10 && xops_kernel::value::is_date(text)) {
        Some(day) => Ok(Some(day)),
        None => Err(format!("`until` is {until}: write a day as \"2027-01-31\"")),
    }
}

/// The name of the rules that join records of this kind; a failure where a record is of no system that they join.
fn rules(project: &Project, asked: &Decide) -> Result<String, Failure> {
    let usage = |why: String, note: String| Failure::new(Exit::Usage, why).with([note]);
    let (Some(joining), Some(kind)) =
        (project.identities.get(&asked.kind), project.declarations.entities.get(&asked.kind))
    else {
        let kinds: Vec<&str> = project.identities.keys().map(String::as_str).collect();
        let note = format!(
            "those that are: {}",
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        );
        return Err(usage(format!("the records of `{}` are not joined by rules", asked.kind), note));
    };
    let systems: BTreeSet<&str> =
        kind.links.keys().map(String::as_str).chain([kind.mint.0.as_str()]).collect();
    for record in [&asked.left, &asked.right] {
        let system = record.split_once(':').filter(|(_, id)| !id.is_empty()).map(|(system, _)| system);
        if !system.is_some_and(|system| systems.contains(system)) {
            let names: Vec<&str> = systems.iter().copied().collect();
            return Err(usage(
                format!("`{record}` names no record that is joined to `{}`", asked.kind),
                format!("write SYSTEM:ID, where the system is one of {}", names.join(", ")),
            ));
        }
    }
    if asked.left == asked.right {
        return Err(usage("a record is the same as itself".to_owned(), "name two records".to_owned()));
    }
    Ok(joining.rules.name.clone())
}

/// A text as it stands in a declaration.
fn quoted(text: &str) -> Result<String, Failure> {
    if text.contains("${") || text.contains("%{") || text.chars().any(char::is_control) {
        return Err(Failure::new(
            Exit::Usage,
            "a text has characters that cannot stand in a declaration: control characters, `${` or `%{`",
        ));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Refuses what the reader of declarations would refuse.
fn understood(rules: &str, block: &str) -> Result<(), Failure> {
    let whole = format!(
        "identity \"{rules}\" {{\n  field \"x\" {{\n    columns = [\"x\"]\n    compare = \"exact\"\n  }}\n  block {{ keys = [\"x\"] }}\n}}\n{block}"
    );
    let (_, findings) = identity::rules(FILE, whole.as_bytes());
    match findings.first() {
        None => Ok(()),
        Some(finding) => {
            let note = finding.help.clone().into_iter();
            Err(Failure::new(Exit::Usage, finding.message.clone()).with(note))
        }
    }
}

/// Adds a block to the file, whole or not at all.
fn add(common: &Common, block: &str) -> Result<(), Failure> {
    let path = common.project.join(FILE);
    let failed =
        |error: std::io::Error| Failure::plain(format!("failed to write `{}`: {error}", path.display()));
    let mut text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "# What people decided of records: which are of one entity and which are not. Removing a block takes it back.\n".to_owned()
        }
        Err(error) => return Err(failed(error)),
    };
    if text.contains(block) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    text.push('\n');
    text.push_str(block);
    let beside = path.with_extension("hcl.new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, &path).map_err(failed)
}
