//! `xops identity decide`: what a person decided of two records, as a declaration with its author, its reason and its end.
//!
//! Invariants: a decision is a declaration like any other: it is printed, or added to a file that is reviewed and kept with the rest;
//! nothing is added that would not be understood.

use crate::arguments::identity::{AnswerWord, Decide};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::{apply, json};
use serde_json::json;
use std::collections::BTreeSet;
use xops_source::declare::identity;

/// The file that decisions are added to, below the project.
const FILE: &str = "config/identity/decisions.hcl";

/// Runs the command.
pub(super) fn run(common: &Common, asked: &Decide) -> Outcome {
    let project = project::sound(common)?;
    let rules = rules(&project, asked)?;
    let answer = match asked.answer {
        AnswerWord::Same => "same",
        AnswerWord::Different => "different",
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
    if asked.write {
        add(common, &block)?;
    }
    let file = asked.write.then_some(FILE);
    match common.output {
        Format::Text | Format::Csv => json::text(&block)?,
        Format::Json | Format::Sarif => json::print(&json!({ "declaration": block, "file": file }))?,
    }
    if asked.write {
        anstream::eprintln!("added to {FILE}; a running daemon goes by it after it was started again");
    }
    Ok(Exit::Done)
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
