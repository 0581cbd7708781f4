//! `xops drift`: what is there and what is wanted have come apart, why, and what a person decided about it.
//!
//! Absent: changes, and judgement: the comparison is `xops_graph::drift`. A running daemon is asked, because it remembers; else the
//! systems are read once and held to what the journal remembers, or a file of readings is followed reading by reading. Invariant:
//! what could not be judged is told, and is no drift.

use crate::arguments::asking::{Acknowledge, Drift, DriftWhat};
use crate::arguments::{Common, Format};
use crate::client;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, moment, of_source, of_value, plain};
use crate::project::{self, Project};
use crate::{apply, drifting, follow, records, session};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use xops_graph::drift::watch::{Granted, Watch};
use xops_graph::drift::{Cause, Drift as Found, Unjudged, Who};
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::record::Millis;
use xops_kernel::value::Value;
use xops_shell::letter::Steadiness;

/// The longest time for which something may be acknowledged, in milliseconds: a year.
const UNTIL_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// Runs the command.
pub(crate) async fn run(common: &Common, drift: &Drift) -> Outcome {
    let told = match &drift.what {
        Some(DriftWhat::Ack(ack)) => return acknowledge(common, ack).await,
        None => told(common, drift).await?,
    };
    match common.output {
        Format::Text => json::text(&show(&told, drift.all))?,
        Format::Json | Format::Sarif => json::print(&told)?,
        Format::Csv => json::text(&csv(&told))?,
    }
    let open = all(&told["drift"]).any(|one| one["state"] != "acknowledged");
    let unjudged = all(&told["not_judged"]).next().is_some();
    Ok(match (open, unjudged) {
        (true, _) => Exit::Changes,
        (false, true) => Exit::Waiting,
        (false, false) => Exit::Done,
    })
}

async fn told(common: &Common, drift: &Drift) -> Result<Json, Failure> {
    drift.truth.of_file_only()?;
    if let Some(file) = &drift.truth.records {
        let as_of = drift.truth.as_of.as_deref().map(records::moment).transpose()?;
        return followed(common, file, as_of);
    }
    let project = project::sound(common)?;
    watches(&project)?;
    match client::daemon(common, &project.declarations.tenant).await? {
        Some(daemon) => daemon.get("/v1/drift").await,
        None => looked(common, &project).await,
    }
}

/// Refuses where nothing is watched: an empty answer would look like a clean one.
fn watches(project: &Project) -> Result<(), Failure> {
    if !project.standards.watched.is_empty() {
        return Ok(());
    }
    let note = "add a block to config/: `evidence \"software\" \"grants\" { ... }`; docs/drift.md says how"
        .to_owned();
    Err(Failure::new(Exit::Usage, "nothing says where facets are seen between plans").with([note]))
}

/// Reads every system once.
async fn looked(common: &Common, project: &Project) -> Result<Json, Failure> {
    let engine = session::start(common, project, session::Wanted::default()).await?;
    engine.also_read(drifting::kinds(&project.standards));
    let incomplete = follow::read(&engine, common.output != Format::Text).await;
    let tenant = engine.tenant();
    let (now, steady) = (tenant.hub.clock.now(), engine.steadiness().await);
    let told = {
        let graph = tenant.graph();
        let mut watch = Watch::new(&tenant.declarations, &project.standards.watched);
        for (entity, memory) in drifting::remembered(common)? {
            watch.remember(entity, memory);
        }
        let systems = tenant.declarations.systems.keys().cloned().collect();
        let everybody = watch.everybody(&graph);
        let due = watch.follow(&graph, &systems, &everybody, now);
        watch.compare(&graph, &due, &steady.granted, now);
        object(&graph, &watch, &steady, now, &incomplete)
    };
    engine.stop().await.map_err(Failure::plain)?;
    Ok(told)
}

/// Follows a file of readings, moment by moment, as a daemon would have.
fn followed(common: &Common, file: &Path, as_of: Option<Millis>) -> Result<Json, Failure> {
    let project = project::sound(common)?;
    watches(&project)?;
    let declarations = Arc::new(project.declarations);
    let mut graph = Graph::new(declarations.clone(), DigestKey([0; 32]));
    graph.relate(&project.standards.refers);
    let mut watch = Watch::new(&declarations, &project.standards.watched);
    let mut readings: BTreeMap<Millis, Vec<Reading>> = BTreeMap::new();
    let mut incomplete = Vec::new();
    records::each(file, as_of, |reading| {
        if let Some(why) = &reading.failed {
            incomplete.push(format!("{}.{} is incomplete: {why}", reading.system, reading.read));
        }
        readings.entry(reading.at).or_default().push(reading);
    })?;
    let now = as_of.or_else(|| readings.keys().next_back().copied()).unwrap_or(0);
    for (at, of_moment) in readings {
        let (mut systems, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for reading in of_moment {
            systems.insert(reading.system.clone());
            touched.extend(graph.apply(reading).entities);
        }
        let due = watch.follow(&graph, &systems, &touched, at);
        watch.compare(&graph, &due, &Granted::new(), at);
    }
    watch.expire(now);
    Ok(object(&graph, &watch, &Steadiness::default(), now, &incomplete))
}

/// Everything that a watch found.
pub(crate) fn object(
    graph: &Graph,
    watch: &Watch,
    steady: &Steadiness,
    now: Millis,
    incomplete: &[String],
) -> Json {
    let drifts: Vec<Json> = watch.drifts().map(|drift| of_drift(graph, drift, steady, now)).collect();
    let unjudged: Vec<Json> = watch.unjudged().iter().map(|one| of_unjudged(graph, one)).collect();
    json!({ "at": now, "drift": drifts, "not_judged": unjudged, "incomplete": incomplete })
}

/// How a drift stands: acknowledged, held between two controllers, or open.
pub(crate) fn state(drift: &Found, steady: &Steadiness, now: Millis) -> &'static str {
    if steady.acknowledged.get(&drift.id).is_some_and(|held| held.until > now) {
        "acknowledged"
    } else if steady.swings.contains_key(&drift.facet) {
        "held"
    } else {
        "open"
    }
}

fn of_drift(graph: &Graph, drift: &Found, steady: &Steadiness, now: Millis) -> Json {
    let state = state(drift, steady, now);
    let kind = graph.kind(drift.facet.entity).unwrap_or_default();
    let handle = graph.handle(drift.facet.entity);
    let acknowledged = steady.acknowledged.get(&drift.id).filter(|_| state == "acknowledged");
    let swings = steady.swings.get(&drift.facet).filter(|_| state == "held");
    json!({
        "id": drift.id.to_string(),
        "entity": drift.facet.entity.to_string(), "kind": kind, "handle": handle,
        "facet": drift.facet.to_string(), "system": drift.facet.system, "change": drift.change.word(),
        "wanted": drift.wanted.as_ref().map(of_value), "seen": drift.seen.as_ref().map(of_value),
        "outcomes": drift.outcomes, "owner": drift.owner, "state": state,
        "cause": of_cause(&drift.cause),
        "since": drift.since, "expires_at": drift.expires_at,
        "proof": drift.proof.as_ref().map(ToString::to_string),
        "lineage": drift.lineage.iter().map(of_source).collect::<Vec<_>>(),
        "acknowledged": acknowledged.map(|held| json!({ "by": held.by, "why": held.why, "until": held.until })),
        "controllers": swings.map(|_| vec!["xops".to_owned(), format!("somebody else in {}", drift.facet.system)]),
        "swings": swings.map(|swings| swings.iter().map(|swing| json!({
            "instance": swing.instance.to_string(), "set_at": swing.set_at, "undone_at": swing.undone_at,
        })).collect::<Vec<_>>()),
    })
}

fn of_unjudged(graph: &Graph, one: &Unjudged) -> Json {
    let who = one.entity.map(|entity| graph.handle(entity).unwrap_or_else(|| entity.to_string()));
    json!({ "entity": who, "what": one.what, "why": one.why })
}

fn of_cause(cause: &Cause) -> Json {
    let who = |who: &Who| match who {
        Who::Said(by) => json!({ "said": by }),
        Who::Somebody { system } => json!({ "somebody_in": system }),
    };
    let value = |value: &Option<Value>| value.as_ref().map(of_value);
    let mut told = match cause {
        Cause::Seen { was, last, by } => json!({ "was": value(was), "last_seen_so": last, "by": who(by) }),
        Cause::Taken { by } => json!({ "by": who(by) }),
        Cause::Fact { reference, was, is, record, read_at } => json!({
            "fact": reference, "was": value(was), "is": value(is),
            "record": record.as_ref().map(of_source), "read_at": read_at,
        }),
        Cause::Declared { was } => json!({ "declarations_were": was.to_string() }),
        Cause::Never => json!({}),
    };
    told["kind"] = json!(cause.word());
    told
}

/// Accepts a drift for a while.
async fn acknowledge(common: &Common, ack: &Acknowledge) -> Outcome {
    if ack.why.trim().is_empty() || ack.by.as_ref().is_some_and(|by| by.trim().is_empty()) {
        return Err(Failure::new(
            Exit::Usage,
            "a decision has an author and a reason: --by and --why are empty",
        ));
    }
    let project = project::read(common)?;
    let daemon =
        client::daemon(common, &project.declarations.tenant).await?.ok_or_else(client::needs_daemon)?;
    let told = daemon.get("/v1/drift").await?;
    let mut named = all(&told["drift"]).filter(|one| text(one, "id").starts_with(&ack.id));
    let (Some(drift), None) = (named.next(), named.next()) else {
        let why = format!("`{}` is not the beginning of the id of exactly one drift", ack.id);
        return Err(Failure::new(Exit::Refused, why).with(["`xops drift` lists them".to_owned()]));
    };
    let now = told["at"].as_u64().unwrap_or(0);
    let until = until(&ack.until, now)?;
    let by = ack.by.clone().unwrap_or_else(apply::principal);
    let id = text(drift, "id").to_owned();
    let body = json!({ "id": id, "by": by, "why": ack.why, "until": until });
    daemon.post("/v1/drift/acknowledgements", &body).await?;
    let facet = plain(text(drift, "facet"));
    if common.output == Format::Text {
        json::text(&format!(
            "acknowledged {} of {} until {}\n",
            facet,
            plain(drift["handle"].as_str().unwrap_or_default()),
            moment(until)
        ))?;
    } else {
        json::print(&body)?;
    }
    Ok(Exit::Done)
}

/// The end of an acknowledgement: a moment, or so long from `now`.
fn until(text: &str, now: Millis) -> Result<Millis, Failure> {
    let until = match xops_source::reader::duration_ms(text) {
        Some(ms) => now.saturating_add(ms),
        None => records::moment(text)?,
    };
    if until <= now || until - now > UNTIL_MS_MAX {
        let why = format!("`{text}` is over already or more than a year away: a decision has an end");
        return Err(Failure::new(Exit::Usage, why));
    }
    Ok(until)
}

fn all(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

fn text<'a>(one: &'a Json, name: &str) -> &'a str {
    one[name].as_str().unwrap_or_default()
}

fn show(told: &Json, whole: bool) -> String {
    let mut out = String::new();
    let (mut open, mut set_aside) = (0, 0);
    for one in all(&told["drift"]) {
        let state = text(one, "state");
        if state == "acknowledged" {
            set_aside += 1;
            if !whole {
                continue;
            }
        } else {
            open += 1;
        }
        out.push_str(&tell(one));
    }
    let unjudged: Vec<&Json> = all(&told["not_judged"]).collect();
    if !unjudged.is_empty() {
        out.push_str("\nNOT JUDGED\n");
        for one in &unjudged {
            let who = one["entity"].as_str().map(|who| format!("{}  ", plain(who))).unwrap_or_default();
            let _infallible =
                writeln!(out, "  {who}{}: {}", plain(text(one, "what")), plain(text(one, "why")));
        }
    }
    let _infallible = writeln!(
        out,
        "{}{open} open, {set_aside} acknowledged, {} not judged, at {}",
        if out.is_empty() { "" } else { "\n" },
        unjudged.len(),
        moment(told["at"].as_u64().unwrap_or(0))
    );
    out
}

fn tell(one: &Json) -> String {
    let value = |name: &str| if one[name].is_null() { "nothing".to_owned() } else { plain_json(&one[name]) };
    let id: String = text(one, "id").chars().take(12).collect();
    let mut out = format!(
        "{id}  {}:{}  {}\n",
        plain(text(one, "kind")),
        plain(one["handle"].as_str().unwrap_or(text(one, "entity"))),
        plain(text(one, "facet"))
    );
    let mut line = |text: String| {
        let _infallible = writeln!(out, "      {text}");
    };
    line(format!("wanted {}, there is {}", value("wanted"), value("seen")));
    let outcomes: Vec<String> = all(&one["outcomes"]).filter_map(Json::as_str).map(plain).collect();
    let by = if outcomes.is_empty() {
        "nothing wants it any more".to_owned()
    } else {
        format!("wanted by {}", outcomes.join(", "))
    };
    line(format!("{by}; {} sees to it", plain(text(one, "owner"))));
    line(cause(&one["cause"]));
    if let Some(proof) = one["proof"].as_str() {
        line(format!("absent by {}", plain(proof)));
    }
    for source in all(&one["lineage"]) {
        line(format!("from {}", place(source)));
    }
    match text(one, "state") {
        "acknowledged" => line(format!(
            "acknowledged by {} until {}: {}",
            plain(text(&one["acknowledged"], "by")),
            moment(one["acknowledged"]["until"].as_u64().unwrap_or(0)),
            plain(text(&one["acknowledged"], "why"))
        )),
        "held" => {
            let names: Vec<String> = all(&one["controllers"]).filter_map(Json::as_str).map(plain).collect();
            let times = all(&one["swings"]).count();
            line(format!("held: {} disagree; set and undone {times} times", names.join(" and ")));
        }
        _ => {}
    }
    line(format!(
        "since {}, until {} if not read again",
        moment(one["since"].as_u64().unwrap_or(0)),
        moment(one["expires_at"].as_u64().unwrap_or(0))
    ));
    out
}

fn place(source: &Json) -> String {
    plain(&format!("{}.{}/{}", text(source, "system"), text(source, "kind"), text(source, "id")))
}

fn plain_json(value: &Json) -> String {
    value.as_str().map_or_else(|| plain(&value.to_string()), plain)
}

fn cause(cause: &Json) -> String {
    let value =
        |name: &str| if cause[name].is_null() { "nothing".to_owned() } else { plain_json(&cause[name]) };
    let by = match (cause["by"]["said"].as_str(), cause["by"]["somebody_in"].as_str()) {
        (Some(said), _) => plain(said),
        (None, Some(system)) => format!("somebody in {}", plain(system)),
        (None, None) => "somebody".to_owned(),
    };
    match text(cause, "kind") {
        "seen" => {
            let last = moment(cause["last_seen_so"].as_u64().unwrap_or(0));
            format!("because {by} changed it: it was {}, last seen at {last}", value("was"))
        }
        "taken" => format!("because {by} took away what xops had granted"),
        "fact" => {
            let record = if cause["record"].is_null() {
                String::new()
            } else {
                format!(" in {}", place(&cause["record"]))
            };
            let read = moment(cause["read_at"].as_u64().unwrap_or(0));
            format!(
                "because {} changed from {} to {}{record}, read {read}",
                plain(text(cause, "fact")),
                value("was"),
                value("is")
            )
        }
        "declared" => "because the declarations changed".to_owned(),
        _ => "it was never seen otherwise".to_owned(),
    }
}

fn csv(told: &Json) -> String {
    let mut out = "id,entity,facet,system,change,wanted,seen,state,cause,owner,since\r\n".to_owned();
    for one in all(&told["drift"]) {
        let names = ["id", "handle", "facet", "system", "change", "wanted", "seen", "state"];
        let mut cells: Vec<String> = names.iter().map(|name| cell(&one[*name])).collect();
        cells.push(cell(&one["cause"]["kind"]));
        cells.push(cell(&one["owner"]));
        cells.push(cell(&one["since"]));
        let _infallible = write!(out, "{}\r\n", cells.join(","));
    }
    out
}

fn cell(value: &Json) -> String {
    let text = match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    crate::query::cell(&text)
}
