//! `xops plan --all`: who differs from what is declared, of everybody at once, from what was read and not by asking about each.
//!
//! Absent: lookups, and work. Invariants: a facet that no evidence shows is named once and judged of nobody; of whom something
//! is not known is told with the doubt; the digest is that of everybody, those who are as declared included.

use crate::arguments::{Common, Format, Plan as Asked};
use crate::everybody;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, moment, of_value, plain, word};
use crate::project::Project;
use crate::records::{self, Known};
use crate::{follow, session};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use xops_graph::column::Columns;
use xops_graph::column::sketch::Sketch;
use xops_graph::column::waves::{self, Waves};
use xops_kernel::awf::Achieves;
use xops_kernel::diff::{Change, Facet};
use xops_kernel::id::EntityId;
use xops_kernel::plan::Plan;
use xops_kernel::standard::Evidence;
use xops_shell::letter::Granted;

/// What is told of one kind of entity.
struct Told {
    kind: String,
    asked: usize,
    /// Those who differ or are in doubt, by what people call them.
    loud: Vec<(String, Sketch, Option<Plan>)>,
    /// The facets that outcomes want and no evidence shows.
    unseen: BTreeSet<String>,
    digest: String,
    /// The steps of all plans, as they could be done at once.
    waves: Waves,
}

/// What xops granted to whom, where that is known.
type Grants = Vec<(EntityId, Vec<Facet>)>;

/// Runs the command.
pub(super) async fn run(common: &Common, asked: &Asked) -> Outcome {
    let (known, grants) = if asked.truth.records.is_some() {
        (records::known(common, &asked.truth).await?, None)
    } else {
        let (known, grants) = live(common).await?;
        (known, Some(grants))
    };
    let kinds = kinds(&known.project, asked.entity.as_deref())?;
    let mut told = Vec::new();
    for kind in kinds {
        told.push(judge(&known, &kind, grants.as_deref().unwrap_or_default())?);
    }
    match common.output {
        Format::Text => {
            json::text(&told.iter().map(|told| show(told, known.now)).collect::<String>())?;
            if grants.is_none() {
                anstream::eprintln!(
                    "what xops granted is not known from a file: nothing is told to be taken back"
                );
            }
            known.tell_incomplete();
        }
        Format::Json | Format::Sarif | Format::Csv => json::print(&json!({
            "at": known.now, "kinds": told.iter().map(object).collect::<Vec<_>>(),
            "grants_known": grants.is_some(), "incomplete": known.incomplete,
        }))?,
    }
    let changes = |told: &Told| told.loud.iter().any(|(_, sketch, _)| !sketch.difference.changes.is_empty());
    let doubts = |told: &Told| !told.unseen.is_empty() || !told.loud.is_empty();
    Ok(if told.iter().any(changes) {
        Exit::Changes
    } else if told.iter().any(doubts) {
        Exit::Waiting
    } else {
        Exit::Done
    })
}

/// Reads every system, and what the journal says was granted.
async fn live(common: &Common) -> Result<(Known, Grants), Failure> {
    let (project, engine) = session::open(common, session::Wanted::default()).await?;
    let incomplete = follow::read(&engine, common.output != Format::Text).await;
    let now = engine.tenant().hub.clock.now();
    let graph = engine.tenant().graph().clone();
    let kinds: BTreeSet<&String> = project.declarations.entities.keys().collect();
    let entities: Vec<EntityId> = kinds.into_iter().flat_map(|kind| graph.entities(kind)).collect();
    let mut grants = Vec::new();
    for entity in entities {
        let granted = engine.service().send(Granted(entity)).await.map_err(Failure::plain)?;
        if !granted.is_empty() {
            grants.push((entity, granted.into_keys().collect()));
        }
    }
    engine.stop().await.map_err(Failure::plain)?;
    Ok((Known { project, graph, now, incomplete }, grants))
}

/// The kinds of entity that are asked about: the one that was named, or all that outcomes are for.
fn kinds(project: &Project, named: Option<&str>) -> Result<BTreeSet<String>, Failure> {
    let declared = &project.declarations.entities;
    match named {
        None => Ok(project.declarations.outcomes.values().map(|outcome| outcome.entity.clone()).collect()),
        Some(kind) if declared.contains_key(kind) => Ok(BTreeSet::from([kind.to_owned()])),
        Some(kind) => {
            let there: Vec<&str> = declared.keys().map(String::as_str).collect();
            Err(Failure::new(Exit::Usage, format!("no kind of entity `{kind}` is declared"))
                .with([format!("with --all the argument is a kind; there are: {}", there.join(", "))]))
        }
    }
}

/// Where it is seen what the entities of a kind have: the evidence of its peers, one for each facet.
fn evidence<'a>(project: &'a Project, kind: &str) -> Vec<&'a Evidence> {
    let mut met = BTreeSet::new();
    let sets = project.standards.peers.values().filter(|set| set.entity == kind);
    let is_set = |one: &&Evidence| {
        let key = (one.domain.clone(), one.facet.clone());
        project.declarations.facets.get(&key).is_some_and(|facet| facet.set) && met.insert(key)
    };
    sets.flat_map(|set| &set.evidence).filter(is_set).collect()
}

fn judge(known: &Known, kind: &str, grants: &[(EntityId, Vec<Facet>)]) -> Result<Told, Failure> {
    let evidence: Vec<Evidence> = evidence(&known.project, kind).into_iter().cloned().collect();
    let mut columns = Columns::with_evidence(&known.graph, kind, &[], &evidence).map_err(Failure::plain)?;
    let threads = everybody::threads();
    everybody::fill(&mut columns, &known.graph, known.now, threads);
    for (entity, facets) in grants {
        let named = facets.iter().map(|it| (it.domain.as_str(), it.name.as_str(), it.element.as_deref()));
        columns.grant(*entity, named);
    }
    let mut sketched = everybody::sketch(&columns, threads)?;
    let plans = everybody::draw(&columns, &known.graph, &sketched.loud, known.now, threads)?;
    let digest = columns.digest_of(&mut sketched.digests).to_string();
    let drawn: Vec<&Plan> = plans.iter().flatten().collect();
    let waves = waves::of(&known.graph, &drawn).map_err(Failure::plain)?;
    let mut unseen = BTreeSet::new();
    let mut loud = Vec::new();
    for (mut sketch, plan) in sketched.loud.into_iter().zip(plans) {
        sketch.difference.blocked.retain(|blocked| {
            let shown = columns.shows(&blocked.facet);
            if !shown {
                unseen.insert(format!("{}.{}", blocked.facet.domain, blocked.facet.name));
            }
            shown
        });
        if !sketch.is_quiet() {
            let handle = known.graph.handle(sketch.entity).unwrap_or_else(|| sketch.entity.to_string());
            loud.push((handle, sketch, plan));
        }
    }
    loud.sort_by(|(one, first, _), (other, second, _)| (one, first.entity).cmp(&(other, second.entity)));
    Ok(Told { kind: kind.to_owned(), asked: columns.len(), loud, unseen, digest, waves })
}

/// How many changes of each sort there are, and of how many something is not known.
fn counts(told: &Told) -> ([usize; 3], usize, usize) {
    let changes = || told.loud.iter().flat_map(|(_, sketch, _)| &sketch.difference.changes);
    let of = |kind: Achieves| changes().filter(|change| change.kind() == kind).count();
    let differ = told.loud.iter().filter(|(_, sketch, _)| !sketch.difference.changes.is_empty()).count();
    let doubted = |sketch: &Sketch| !sketch.difference.blocked.is_empty() || !sketch.refused.is_empty();
    let doubted = told.loud.iter().filter(|(_, sketch, _)| doubted(sketch)).count();
    ([of(Achieves::Create), of(Achieves::Update), of(Achieves::Remove)], differ, doubted)
}

fn sign(change: &Change) -> char {
    match change.kind() {
        Achieves::Create => '+',
        Achieves::Update => '~',
        Achieves::Remove => '-',
    }
}

fn show(told: &Told, now: u64) -> String {
    let mut out = String::new();
    let mut put = |line: String| {
        let _infallible = writeln!(out, "{line}");
    };
    for (handle, sketch, plan) in &told.loud {
        let id = plan.as_ref().map(|plan| plan.id.to_string());
        let id = id.as_ref().and_then(|id| id.get(..2 + super::DIGITS_SHOWN));
        put(format!(
            "{}:{}{}",
            told.kind,
            plain(handle),
            id.map(|id| format!("  plan={id}")).unwrap_or_default()
        ));
        for change in &sketch.difference.changes {
            let to = change.to().filter(|_| change.facet().element.is_none());
            let to = to.map(|value| format!(" = {}", word(value))).unwrap_or_default();
            put(format!("  {} {}{to}", sign(change), plain(&change.facet().to_string())));
        }
        for blocked in &sketch.difference.blocked {
            put(format!("  ? {}: {}", plain(&blocked.facet.to_string()), plain(&blocked.doubt.to_string())));
        }
        for why in &sketch.refused {
            put(format!("  ! {}", plain(&why.to_string())));
        }
    }
    let ([create, update, remove], differ, doubted) = counts(told);
    let changes = format!("{create} to create, {update} to update, {remove} to remove");
    put(format!(
        "{}: {} asked, {differ} differ ({changes}), {doubted} in doubt, at {}",
        told.kind,
        told.asked,
        moment(now)
    ));
    if !told.unseen.is_empty() {
        let unseen: Vec<&str> = told.unseen.iter().map(String::as_str).collect();
        put(format!("not judged, because no evidence shows it: {}", unseen.join(", ")));
    }
    out
}

fn object(told: &Told) -> Json {
    let facet = |facet: &Facet| {
        json!({
            "domain": facet.domain, "system": facet.system, "name": facet.name, "element": facet.element,
            "text": facet.to_string(),
        })
    };
    let one = |(handle, sketch, plan): &(String, Sketch, Option<Plan>)| {
        let changes = sketch.difference.changes.iter().map(|change| {
            json!({
                "kind": change.kind().word(), "facet": facet(change.facet()),
                "from": change.from().map(of_value), "to": change.to().map(of_value),
            })
        });
        let doubts = sketch
            .difference
            .blocked
            .iter()
            .map(|blocked| json!({ "facet": facet(&blocked.facet), "why": blocked.doubt.to_string() }));
        json!({
            "id": sketch.entity.to_string(), "handle": handle, "digest": sketch.digest.to_string(),
            "plan": plan.as_ref().map(|plan| plan.id.to_string()),
            "changes": changes.collect::<Vec<_>>(), "unknown": doubts.collect::<Vec<_>>(),
            "refused": sketch.refused.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let ([create, update, remove], differ, doubted) = counts(told);
    json!({
        "kind": told.kind, "asked": told.asked, "entities": told.loud.iter().map(one).collect::<Vec<_>>(),
        "summary": {
            "differ": differ, "create": create, "update": update, "remove": remove, "in_doubt": doubted,
        },
        "unseen": told.unseen, "digest": told.digest,
        "waves": told.waves.steps, "order": told.waves.digest.to_string(),
    })
}
