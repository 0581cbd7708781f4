//! `xops query`: who fits a condition, as text, JSON or CSV; `xops why`: where one fact comes from, source by source; `xops map`:
//! what depends on a system.
//!
//! Absent: changes. Invariant: of whom it is not known whether they fit is told, never left out.

use crate::arguments::asking::{Map, Query, Why};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::explain::of_seen;
use crate::json::{self, moment, of_source, of_value, plain, word};
use crate::records::{self, Known};
use crate::{project, session};
use comfy_table::{Table, presets};
use serde_json::{Map as Members, Value as Json, json};
use std::fmt::Write;
use xops_graph::query::{self, Answer, Question};
use xops_graph::resolve::Found;
use xops_graph::who::Told;
use xops_graph::{map, why};
use xops_kernel::fact::{Fact, Observation};
use xops_source::finding;
use xops_source::query as asked;

/// Runs `xops query`.
pub(crate) async fn run(common: &Common, query: &Query) -> Outcome {
    let known = records::known(common, &query.truth).await?;
    let declarations = &known.project.declarations;
    let (kind, condition) = asked::question(&query.condition, declarations).map_err(|findings| {
        let texts = [(asked::FILE.to_owned(), asked::text_of(&query.condition))].into();
        let shown = finding::render(&findings, &texts, finding::Format::Human { color: false });
        Failure::new(Exit::Usage, "the question has mistakes").with(shown.lines().map(str::to_owned))
    })?;
    let shows = shown(&known, &kind, &query.show)?;
    let question = Question {
        kind: &kind,
        condition: &condition,
        shows: &shows,
        principal: query.principal.as_deref(),
        now: known.now,
    };
    let answer = query::answer(&known.graph, &question);
    match common.output {
        Format::Csv => json::text(&csv(&known, &shows, &answer))?,
        Format::Text => json::text(&table(&known, &shows, &answer))?,
        Format::Json | Format::Sarif => json::print(&object(&known, &kind, &shows, &answer))?,
    }
    if matches!(common.output, Format::Csv | Format::Text) {
        if query.truth.as_of.is_some() && query.truth.records.is_none() {
            known.tell_incomplete();
        }
        for (entity, what) in answer.unknown.iter().take(UNKNOWN_SHOWN) {
            let who = known.graph.handle(*entity).unwrap_or_else(|| entity.to_string());
            let what: Vec<&str> = what.iter().map(String::as_str).collect();
            anstream::eprintln!("unknown: {kind}:{} hangs on {}", plain(&who), what.join(", "));
        }
        let more = answer.unknown.len().saturating_sub(UNKNOWN_SHOWN);
        if more > 0 {
            anstream::eprintln!("unknown: {more} more; -o json has them all");
        }
        if let Some(doubt) = &answer.others {
            anstream::eprintln!("unknown: whether there are others: {}", plain(&doubt.to_string()));
        }
    }
    let whole = answer.unknown.is_empty() && answer.others.is_none();
    Ok(if whole { Exit::Done } else { Exit::Waiting })
}

/// How many of whom it is not known are named on standard error.
const UNKNOWN_SHOWN: usize = 10;

/// The attributes that are shown: those that were asked for, or the handle alone.
fn shown(known: &Known, kind: &str, show: &[String]) -> Result<Vec<String>, Failure> {
    let Some(declared) = known.project.declarations.entities.get(kind) else { return Ok(Vec::new()) };
    if show.is_empty() {
        return Ok(vec![declared.handle.clone()]);
    }
    match show.iter().find(|name| !declared.attributes.contains_key(*name)) {
        None => Ok(show.to_vec()),
        Some(name) => {
            let names: Vec<&str> = declared.attributes.keys().map(String::as_str).collect();
            Err(Failure::new(Exit::Usage, format!("`{kind}` has no attribute `{name}` to show"))
                .with([format!("there are: {}", names.join(", "))]))
        }
    }
}

fn table(known: &Known, shows: &[String], answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(shows);
    for row in &answer.rows {
        table.add_row(row.facts.iter().map(|fact| match fact {
            Observation::Present(fact) => word(&fact.value),
            Observation::Absent(_) => "-".to_owned(),
            Observation::Unknown(doubt) => format!("({})", doubt.reason.word()),
        }));
    }
    let lines = table.lines().fold(String::new(), |all, line| all + line.trim_end() + "\n");
    let unknown = match answer.unknown.len() {
        0 => String::new(),
        count => format!(", {count} unknown"),
    };
    format!("{lines}\n{} of {}{unknown}, at {}\n", answer.rows.len(), answer.asked, moment(known.now))
}

/// RFC 4180, with the source of each row's last column left to `xops why`. A cell that is unknown is empty and named in the last
/// column, so that it is told from an absent one.
fn csv(known: &Known, shows: &[String], answer: &Answer) -> String {
    let mut out = String::new();
    let mut line = |cells: Vec<String>| {
        let _infallible = write!(out, "{}\r\n", cells.join(","));
    };
    let head = ["entity"].into_iter().chain(shows.iter().map(String::as_str)).chain(["unknown"]);
    line(head.map(cell).collect());
    for row in &answer.rows {
        let entity = known.graph.handle(row.entity).unwrap_or_else(|| row.entity.to_string());
        let values = row.facts.iter().map(|fact| match fact {
            Observation::Present(fact) => cell(&fact.value.to_string()),
            Observation::Absent(_) | Observation::Unknown(_) => String::new(),
        });
        let unknown = row.facts.iter().zip(shows).filter(|(fact, _)| matches!(fact, Observation::Unknown(_)));
        let unknown: Vec<&str> = unknown.map(|(_, name)| name.as_str()).collect();
        line([cell(&entity)].into_iter().chain(values).chain([cell(&unknown.join(" "))]).collect());
    }
    out
}

/// A cell, quoted where it must be. What a spreadsheet would take for a formula is made text by a quote mark.
pub(crate) fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn of_fact(fact: &Observation<Fact>) -> Json {
    of_seen(
        Some(fact),
        |fact: &Fact| json!({ "value": of_value(&fact.value), "source": of_source(&fact.source), "read_at": fact.read_at }),
    )
}

fn object(known: &Known, kind: &str, shows: &[String], answer: &Answer) -> Json {
    let rows = answer.rows.iter().map(|row| {
        let facts: Members<String, Json> =
            shows.iter().zip(&row.facts).map(|(name, fact)| (name.clone(), of_fact(fact))).collect();
        json!({ "entity": row.entity.to_string(), "handle": known.graph.handle(row.entity), "facts": facts })
    });
    let unknown = answer.unknown.iter().map(|(entity, what)| {
        json!({ "entity": entity.to_string(), "handle": known.graph.handle(*entity), "hangs_on": what })
    });
    json!({
        "kind": kind, "at": known.now, "asked": answer.asked, "rows": rows.collect::<Vec<_>>(),
        "unknown": unknown.collect::<Vec<_>>(), "others": answer.others.as_ref().map(ToString::to_string),
        "incomplete": known.incomplete,
    })
}

/// Runs `xops why`.
pub(crate) async fn why(common: &Common, asked: &Why) -> Outcome {
    let known = records::known(common, &asked.truth).await?;
    let (kind, find) = session::find(&known.project, &asked.entity, &[])?;
    let refused = |why: String| Failure::new(Exit::Refused, why);
    let entity = match known.graph.find(&kind, &find) {
        Found::One(entity) => entity,
        Found::None => return Err(refused(format!("there is no `{}`", asked.entity))),
        Found::Many(many) => return Err(refused(format!("`{}` is {} entities", asked.entity, many.len()))),
        Found::Unknown(doubt) => return Err(refused(format!("who `{}` is: {doubt}", asked.entity))),
    };
    let name = asked.attribute.strip_prefix(&format!("{kind}.")).unwrap_or(&asked.attribute);
    let Some(told) = why::why(&known.graph, entity, name, known.now) else {
        let names: Vec<&str> =
            known.project.declarations.entities[&kind].attributes.keys().map(String::as_str).collect();
        return Err(Failure::new(Exit::Usage, format!("`{kind}` has no attribute `{name}`"))
            .with([format!("there are: {}", names.join(", "))]));
    };
    if common.output == Format::Text {
        json::text(&tell(&asked.entity, name, &told, &known.graph.joined_by(entity)))?;
        known.tell_incomplete();
    } else {
        let mut object = of_why(&asked.entity, name, &told, &known);
        if known.graph.is_joined_by_rules(&kind) {
            let of_told = |told: &Told| crate::identity::review::of_told(&known.graph, told);
            object["joined"] = known.graph.joined_by(entity).iter().map(of_told).collect();
            object["asked"] = known.graph.questions_of(entity).iter().map(of_told).collect();
        }
        json::print(&object)?;
    }
    Ok(if matches!(told.fact, Observation::Unknown(_)) { Exit::Waiting } else { Exit::Done })
}

fn tell(entity: &str, name: &str, told: &why::Why, joined: &[Told]) -> String {
    let value = match &told.fact {
        Observation::Present(fact) => word(&fact.value),
        Observation::Absent(proof) => format!("(absent: {proof})"),
        Observation::Unknown(doubt) => format!("(unknown: {})", plain(&doubt.to_string())),
    };
    let mut out = format!("{}  {name} = {value}\n", plain(entity));
    for (rank, saying) in told.sayings.iter().enumerate() {
        let claim = &saying.claim;
        let verdict = match (saying.holds, saying.contradicts) {
            (true, _) => "  holds",
            (false, true) => "  says otherwise, and has less authority",
            (false, false) => "",
        };
        let said = match &saying.record {
            Observation::Present(_) if saying.value.is_null() => "says nothing".to_owned(),
            Observation::Present(_) => word(&saying.value),
            Observation::Absent(proof) => format!("no record ({proof})"),
            Observation::Unknown(doubt) => format!("unknown ({})", plain(&doubt.to_string())),
        };
        let _infallible = writeln!(
            out,
            "  {}. {}.{}.{}: {said}{verdict}",
            rank + 1,
            claim.system,
            claim.kind,
            claim.attribute
        );
        if let Observation::Present(record) = &saying.record {
            let source = plain(&record.source.to_string());
            let _infallible = writeln!(
                out,
                "     {source}, read {} by {}",
                moment(record.read_at),
                plain(&record.principal)
            );
        }
    }
    for joined in joined {
        let (left, right) = (plain(&joined.left.to_string()), plain(&joined.right.to_string()));
        let _infallible = writeln!(out, "  joined: {left} and {right}: {}", joined.explained.why);
        if let Some(decision) = &joined.explained.decision {
            let _infallible =
                writeln!(out, "     {} decided: {}", plain(&decision.author), plain(&decision.why));
        }
    }
    for exception in &told.exceptions {
        let _infallible = writeln!(out, "  exception: {}", plain(exception));
    }
    out
}

fn of_why(entity: &str, name: &str, told: &why::Why, known: &Known) -> Json {
    let saying = |saying: &why::Saying| {
        let mut object = of_seen(
            Some(&saying.record),
            |record| json!({ "source": of_source(&record.source), "read_at": record.read_at, "read_as": record.principal }),
        );
        let claim = &saying.claim;
        object["claim"] = json!(format!("{}.{}.{}", claim.system, claim.kind, claim.attribute));
        object["says"] = of_value(&saying.value);
        object["holds"] = json!(saying.holds);
        object["contradicts"] = json!(saying.contradicts);
        object
    };
    json!({
        "entity": entity, "attribute": name, "at": known.now, "fact": of_fact(&told.fact),
        "sources": told.sayings.iter().map(saying).collect::<Vec<_>>(),
        "exceptions": told.exceptions, "incomplete": known.incomplete,
    })
}

/// Runs `xops map`.
pub(crate) fn map(common: &Common, asked: &Map) -> Outcome {
    let project = project::sound(common)?;
    let systems = &project.declarations.systems;
    if !systems.contains_key(&asked.system) {
        let names: Vec<&str> = systems.keys().map(String::as_str).collect();
        return Err(Failure::new(Exit::Usage, format!("no system `{}` is declared", asked.system))
            .with([format!("there are: {}", names.join(", "))]));
    }
    let found = map::dependents(&project.declarations, &asked.system);
    if common.output == Format::Text {
        let mut out = format!("system {}\n", asked.system);
        for one in &found {
            let indent = "  ".repeat(one.distance as usize);
            let through = if one.distance > 1 { format!(" ({})", one.through) } else { String::new() };
            let _infallible = writeln!(out, "{indent}{}  {}{through}, {}", one.name, one.how, one.origin);
        }
        let _infallible = writeln!(out, "\n{} depend on it", found.len());
        json::text(&out)?;
    } else {
        let all = found.iter().map(|one| {
            json!({
                "name": one.name, "distance": one.distance, "through": one.through, "how": one.how,
                "file": one.origin.file, "line": one.origin.line,
            })
        });
        json::print(&json!({ "system": asked.system, "dependents": all.collect::<Vec<_>>() }))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_for_every_reader() {
        let check = |text: &str, expect: &str| assert_eq!(cell(text), expect);
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=cmd()", "'=cmd()");
        check("-1,2", "\"'-1,2\"");
    }
}
