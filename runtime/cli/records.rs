//! Truth for questions: read live from the systems, or from a file of readings, as of a moment.
//!
//! Absent: decisions. A file holds one reading a line, as JSON: `system`, `read`, `kind`, `at`, `records` (each with `id` and
//! `attributes`, and `version`, `read_at`, `principal` where they differ), `complete`, `failed`, `parameter`. Invariants: a line that cannot be taken is
//! an error with its number and nothing is guessed; with `--as-of` no reading that began later is looked at.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure};
use crate::journal::Log;
use crate::project::{self, Project};
use crate::{follow, journal, json, session};
use clap::Args;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::fact::Observation;
use xops_kernel::identity::{Identities, written};
use xops_kernel::log::What;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::Value;
use xops_shell::engine::Engine;

/// The longest line of a file of readings, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 30;

/// Where truth comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct Truth {
    /// Answer from this file of readings (JSON, one a line) instead of asking the systems.
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,
    /// Answer as of this moment (`2026-11-21T10:42:01Z`): from readings that began no later, or, without --records, from what the
    /// journal keeps: what plans were compiled from, under the declarations of then.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
}

/// The truth that a question is put to.
pub struct Known {
    /// The project.
    pub project: Project,
    /// The graph.
    pub graph: Graph,
    /// When the question is put.
    pub now: Millis,
    /// What was not wholly read, in words.
    pub incomplete: Vec<String>,
}

impl Known {
    /// Says on standard error what was not wholly read.
    pub fn tell_incomplete(&self) {
        for why in &self.incomplete {
            anstream::eprintln!("{why}");
        }
    }
}

/// Puts the truth together.
pub async fn known(common: &Common, truth: &Truth) -> Result<Known, Failure> {
    match (&truth.records, &truth.as_of) {
        (Some(file), as_of) => from_file(common, file, as_of.as_deref()),
        (None, Some(as_of)) => from_journal(common, moment(as_of)?),
        (None, None) => live(common).await,
    }
}

impl Truth {
    /// Refuses a moment without a file of readings, where the journal keeps too little to answer.
    pub fn of_file_only(&self) -> Result<(), Failure> {
        if self.as_of.is_none() || self.records.is_some() {
            return Ok(());
        }
        let note =
            "`xops query` and `xops why` can be asked as of a moment from the journal as well".to_owned();
        Err(Failure::new(
            Exit::Usage,
            "--as-of needs --records here: the journal does not keep whole readings",
        )
        .with([note]))
    }
}

/// What was known at a moment, as far as the journal keeps it: for each entity the records that its plans were compiled from, the
/// newest first, under the declarations that were in force. How old a record was then is told with it and hides nothing.
fn from_journal(common: &Common, at: Millis) -> Result<Known, Failure> {
    let mut project = project::sound(common)?;
    let log = journal::read(common)?;
    let mut declared = log.declared.iter().filter(|(from, _)| *from <= at).map(|(_, declared)| declared);
    let Some(declared) = declared.next_back() else {
        let why = "nothing was declared by then: the journal begins later".to_owned();
        return Err(Failure::new(Exit::Refused, why));
    };
    project.declarations = (**declared).clone();
    for system in project.declarations.systems.values_mut() {
        system.max_age_ms = u64::MAX;
    }
    for entity in project.declarations.entities.values_mut() {
        entity.attributes.values_mut().for_each(|attribute| attribute.max_age_ms = None);
    }
    let mut under = "";
    if let Some(identities) = rules_of(&log, at) {
        project.identities = identities;
    } else if !project.identities.is_empty() {
        under = "; who is who by the rules of today: those of then were not written down";
    }
    let mut graph = project.graph(log.key);
    let (mut plans, mut entities) = (0_u64, BTreeSet::new());
    for story in log.stories.values().filter(|story| story.compiled_at.1 <= at) {
        plans += 1;
        entities.insert(story.compiled.plan.entity);
        for link in story.compiled.evidence.subject.links.values() {
            let Observation::Present(record) = link else { continue };
            let (system, kind) = (&record.source.system, &record.source.kind);
            let mut reading =
                Reading::complete(system, "journal", kind, record.read_at, vec![record.clone()]);
            reading.complete = false;
            graph.apply(reading);
        }
    }
    let kept = format!(
        "as of {}: what {plans} plans for {} entities were compiled from; of whom no plan was compiled nothing is kept{under}",
        json::moment(at),
        entities.len()
    );
    Ok(Known { project, graph, now: at, incomplete: vec![kept] })
}

/// The rules by which records were joined at a moment, with what was decided and not taken back by then; none where the journal did not
/// say yet.
fn rules_of(log: &Log, at: Millis) -> Option<Identities> {
    let (_, rules) = log.ruled.iter().rfind(|(from, _)| *from <= at)?;
    let mut decided = BTreeMap::new();
    for (_, happened) in log.happened.iter().filter(|(_, happened)| happened.at <= at) {
        match &happened.what {
            What::Decided(it) if it.taken_back => drop(decided.remove(&it.id)),
            What::Decided(it) => drop(decided.insert(it.id, it)),
            _ => {}
        }
    }
    let mut rules = rules.clone();
    for it in decided.into_values() {
        if let Some(of_kind) = rules.get_mut(&it.kind) {
            of_kind.rules.decisions.push(it.decision.clone());
        }
    }
    Some(written::read(&rules))
}

async fn live(common: &Common) -> Result<Known, Failure> {
    let (project, engine): (Project, Engine) = session::open(common, session::Wanted::default()).await?;
    let incomplete = follow::read(&engine, common.output != Format::Text).await;
    let tenant = engine.tenant();
    let now = tenant.hub.clock.now();
    let graph = tenant.graph().clone();
    engine.stop().await.map_err(Failure::plain)?;
    Ok(Known { project, graph, now, incomplete })
}

fn from_file(common: &Common, file: &Path, as_of: Option<&str>) -> Result<Known, Failure> {
    let project = project::sound(common)?;
    let as_of = as_of.map(moment).transpose()?;
    // Ids here are names within one answer: the tenant's key stays where it is.
    let mut graph = project.graph(DigestKey([0; 32]));
    let (mut latest, mut incomplete) = (0, Vec::new());
    each(file, as_of, |reading| {
        latest = latest.max(reading.at);
        if let Some(why) = &reading.failed {
            incomplete.push(format!("{}.{} is incomplete: {why}", reading.system, reading.read));
        }
        graph.apply(reading);
    })?;
    Ok(Known { project, graph, now: as_of.unwrap_or(latest), incomplete })
}

/// Hands out the readings of a file, in the order of its lines, those left out that began after `as_of`.
pub fn each(file: &Path, as_of: Option<Millis>, mut take: impl FnMut(Reading)) -> Result<(), Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::plain(format!("failed to read `{}`: {error}", file.display()))
    };
    let opened = std::fs::File::open(file).map_err(|error| unreadable(&error))?;
    let mut lines = BufReader::new(opened);
    let mut number = 0_u64;
    loop {
        let mut line = Vec::new();
        let took = std::io::Read::take(&mut lines, LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(&error))?;
        if took == 0 {
            return Ok(());
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |why: String| {
            Failure::new(Exit::Usage, format!("line {number} of `{}` is no reading: {why}", file.display()))
                .with(["docs/validation.md says how a file of readings is written".to_owned()])
        };
        let json: Json = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
        let reading = reading(&json).map_err(wrong)?;
        if as_of.is_none_or(|as_of| reading.at <= as_of) {
            take(reading);
        }
    }
}

/// A moment as milliseconds, or what is wrong with it.
pub fn moment(text: &str) -> Result<Millis, Failure> {
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    parsed.and_then(|at| Millis::try_from(at.as_millisecond()).ok()).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no moment: write it as 2026-11-21T10:42:01Z"))
    })
}

/// One reading. Nothing is guessed: what is not there or of another type is told.
fn reading(json: &Json) -> Result<Reading, String> {
    let text = |name: &str| {
        json[name].as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` is no text or missing"))
    };
    let (system, kind) = (text("system")?, text("kind")?);
    let at = time(&json["at"]).ok_or("`at` is no moment or missing")?;
    let records = json["records"].as_array().ok_or("`records` is no list or missing")?;
    let principal = json["principal"].as_str().unwrap_or_default();
    let record = |(place, json): (usize, &Json)| {
        record(json, &system, &kind, at, principal).map_err(|why| format!("record {}: {why}", place + 1))
    };
    let optional = |name: &str| match &json[name] {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        _ => Err(format!("`{name}` is no text")),
    };
    Ok(Reading {
        read: text("read")?,
        parameter: optional("parameter")?,
        records: records.iter().enumerate().map(record).collect::<Result<_, _>>()?,
        complete: match &json["complete"] {
            Json::Null => true,
            Json::Bool(complete) => *complete,
            _ => return Err("`complete` is not `true` or `false`".to_owned()),
        },
        failed: optional("failed")?,
        system,
        kind,
        at,
    })
}

fn record(json: &Json, system: &str, kind: &str, at: Millis, principal: &str) -> Result<Record, String> {
    let id = json["id"].as_str().ok_or("`id` is no text or missing")?;
    let attributes = json["attributes"].as_object().ok_or("`attributes` is no object or missing")?;
    let read_at = match &json["read_at"] {
        Json::Null => at,
        given => time(given).ok_or("`read_at` is no moment")?,
    };
    Ok(Record {
        source: Source {
            system: system.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            version: json["version"].as_str().map(str::to_owned),
        },
        attributes: attributes.iter().map(|(name, value)| (name.clone(), of(value))).collect(),
        read_at,
        principal: json["principal"].as_str().unwrap_or(principal).to_owned(),
    })
}

fn of(json: &Json) -> Value {
    json::to_value(json)
}

/// Milliseconds, or a moment in words.
fn time(json: &Json) -> Option<Millis> {
    match json {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => moment(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(json: &Json, expect: &str) {
        assert_eq!(reading(json).map_or_else(|why| why, |reading| reading.records.len().to_string()), expect);
    }

    #[test]
    fn a_reading_is_taken_whole_or_not_at_all() {
        let whole = json!({ "system": "s", "read": "r", "kind": "k", "at": 1, "records": [{ "id": "1", "attributes": {} }] });
        check(&whole, "1");
        for (name, value, expect) in [
            ("system", json!(1), "`system` is no text or missing"),
            ("at", json!("soon"), "`at` is no moment or missing"),
            ("at", json!(-1), "`at` is no moment or missing"),
            ("records", json!({}), "`records` is no list or missing"),
            ("records", json!([{ "id": 7, "attributes": {} }]), "record 1: `id` is no text or missing"),
            ("records", json!([{ "id": "7" }]), "record 1: `attributes` is no object or missing"),
            ("complete", json!("yes"), "`complete` is not `true` or `false`"),
            ("failed", json!(true), "`failed` is no text"),
        ] {
            let mut broken = whole.clone();
            broken[name] = value;
            check(&broken, expect);
        }
    }
}
