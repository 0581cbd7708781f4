//! `xops patterns`: what nobody asked about: unused licences and devices, accounts of nobody, sources that lose, troubles that come
//! back, and who causes which cost.
//!
//! Absent: any change. It prints findings and a declaration diff; a person reviews the diff and applies it.

mod edit;

use crate::arguments::asking::Patterns;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, moment, of_source, plain};
use crate::project::{self, Project};
use crate::validate::diff;
use crate::{drifting, follow, journal, records, session};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use xops_graph::pattern::find::{self, Troubles};
use xops_graph::pattern::{Kind, Pattern, Proposal, Report, Share};
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::log::What;
use xops_kernel::record::Millis;

/// What the question was put to, and what came of it.
struct Told {
    project: Project,
    report: Report,
    now: Millis,
    incomplete: Vec<String>,
}

/// Runs the command.
pub(crate) async fn run(common: &Common, patterns: &Patterns) -> Outcome {
    patterns.truth.of_file_only()?;
    let told = match &patterns.truth.records {
        Some(file) => {
            let as_of = patterns.truth.as_of.as_deref().map(records::moment).transpose()?;
            from_file(common, file, as_of)?
        }
        None => live(common).await?,
    };
    let diff = diffs(&told);
    match (patterns.diff, common.output) {
        (true, _) => json::text(&diff)?,
        (false, Format::Csv) => json::text(&csv(&told.report, patterns.costs))?,
        (false, Format::Text) => {
            json::text(&show(&told, patterns.costs))?;
            if !diff.is_empty() {
                json::text(&format!(
                    "PROPOSED DECLARATION (a person reviews it; nothing was changed)\n\n{diff}"
                ))?;
            }
            for why in &told.incomplete {
                anstream::eprintln!("{why}");
            }
        }
        (false, Format::Json | Format::Sarif) => json::print(&object(&told, &diff))?,
    }
    let (found, open) = (!told.report.patterns.is_empty(), !told.report.unjudged.is_empty());
    Ok(match (found, open) {
        _ if patterns.diff && diff.is_empty() => Exit::Done,
        (true, _) => Exit::Changes,
        (false, true) => Exit::Waiting,
        (false, false) => Exit::Done,
    })
}

async fn live(common: &Common) -> Result<Told, Failure> {
    let project = project::sound(common)?;
    let engine = session::start(common, &project, session::Wanted::default()).await?;
    engine.also_read(drifting::kinds(&project.standards));
    let incomplete = follow::read(&engine, common.output != Format::Text).await;
    let now = engine.tenant().hub.clock.now();
    let graph = engine.tenant().graph().clone();
    engine.stop().await.map_err(Failure::plain)?;
    let mut troubles = Troubles::default();
    let places = session::Places::of(common, &project.declarations.tenant);
    if places.journal.is_dir() {
        for (_, happened) in journal::read(common)?.happened {
            if let What::Refused { reasons, .. } = happened.what {
                for reason in &reasons {
                    troubles.refused(reason);
                }
            }
        }
    }
    troubles.note(&graph, now);
    let report = find::find(&graph, &project.standards, &troubles, now);
    Ok(Told { project, report, now, incomplete })
}

/// Follows a file of readings moment by moment, so that what comes back is seen to.
fn from_file(common: &Common, file: &Path, as_of: Option<Millis>) -> Result<Told, Failure> {
    let project = project::sound(common)?;
    let mut graph = project.graph(DigestKey([0; 32]));
    let mut readings: BTreeMap<Millis, Vec<Reading>> = BTreeMap::new();
    let mut incomplete = Vec::new();
    records::each(file, as_of, |reading| {
        if let Some(why) = &reading.failed {
            incomplete.push(format!("{}.{} is incomplete: {why}", reading.system, reading.read));
        }
        readings.entry(reading.at).or_default().push(reading);
    })?;
    let now = as_of.or_else(|| readings.keys().next_back().copied()).unwrap_or(0);
    let mut troubles = Troubles::default();
    for (at, of_moment) in readings {
        // What grew old before the next reading came was a trouble until then.
        troubles.note(&graph, at);
        for reading in of_moment {
            graph.apply(reading);
        }
        troubles.note(&graph, at);
    }
    let report = find::find(&graph, &project.standards, &troubles, now);
    Ok(Told { project, report, now, incomplete })
}

/// What would be written, as a diff of every file that changes.
fn diffs(told: &Told) -> String {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut new: BTreeMap<String, String> = BTreeMap::new();
    for pattern in &told.report.patterns {
        if let Some((file, text)) = edit::declared(&pattern.proposal) {
            // A file of that name is somebody's: nothing is written over.
            if !told.project.texts.contains_key(&file) {
                new.insert(file, text);
            }
        } else if let Some((file, edited)) = edit::edited(&told.project, &texts, &pattern.proposal) {
            texts.insert(file, edited);
        }
    }
    let all = texts.iter().map(|(file, after)| diff::unified(file, &told.project.texts[*file], after));
    all.chain(new.iter().map(|(file, after)| diff::added(file, after))).collect()
}

fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::UnusedLicence => "LICENCES THAT ARE NOT USED",
        Kind::StaleDevice => "DEVICES THAT WERE NOT SEEN",
        Kind::OrphanAccount => "ACCOUNTS OF NOBODY",
        Kind::LosingSource => "SOURCES THAT LOSE",
        Kind::RecurringException => "TROUBLES THAT COME BACK",
    }
}

fn money(hundredths: u64, currency: &str) -> String {
    format!("{}.{:02} {}", hundredths / 100, hundredths % 100, plain(currency))
}

fn show(told: &Told, costs: bool) -> String {
    let mut out = String::new();
    let mut last = None;
    for pattern in &told.report.patterns {
        if last != Some(pattern.kind) {
            let _infallible =
                writeln!(out, "{}{}", if last.is_some() { "\n" } else { "" }, heading(pattern.kind));
        }
        last = Some(pattern.kind);
        out.push_str(&tell(pattern));
    }
    if costs && !told.report.shares.is_empty() {
        let _infallible =
            writeln!(out, "{}WHO CAUSES WHICH COST, A MONTH", if last.is_some() { "\n" } else { "" });
        for share in &told.report.shares {
            out.push_str(&of_share(share));
        }
    }
    if !told.report.unjudged.is_empty() {
        out.push_str("\nNOT JUDGED\n");
        for (what, why) in &told.report.unjudged {
            let _infallible = writeln!(out, "  {}: {}", plain(what), plain(why));
        }
    }
    let patterns = told.report.patterns.len();
    let _infallible = writeln!(
        out,
        "{}{patterns} {}, {} not judged, at {}\n",
        if out.is_empty() { "" } else { "\n" },
        if patterns == 1 { "pattern" } else { "patterns" },
        told.report.unjudged.len(),
        moment(told.now)
    );
    out
}

fn of_share(share: &Share) -> String {
    format!(
        "  {} of {} {}: {} ({}), because of {}\n",
        plain(&share.cost),
        share.layer,
        share.name.as_deref().map_or_else(|| "(not known)".to_owned(), plain),
        money(share.monthly, &share.currency),
        share.count,
        share
            .cause
            .as_deref()
            .map_or_else(|| "nothing declared".to_owned(), |cause| format!("outcome {}", plain(cause)))
    )
}

fn tell(pattern: &Pattern) -> String {
    let costs: Vec<String> = pattern.monthly.iter().map(|(currency, sum)| money(*sum, currency)).collect();
    let costs = if costs.is_empty() { String::new() } else { format!(", {} a month", costs.join(" and ")) };
    let mut out = format!("  {}: {} of {}{costs}\n", plain(&pattern.what), pattern.count, pattern.of);
    let mut line = |text: String| {
        let _infallible = writeln!(out, "      {text}");
    };
    if !pattern.causes.is_empty() {
        let causes: Vec<String> = pattern.causes.iter().map(|cause| plain(cause)).collect();
        line(format!("because of {}", causes.join(", ")));
    }
    for source in &pattern.lineage {
        line(format!("seen in {}", plain(&source.to_string())));
    }
    line(proposed(&pattern.proposal));
    out
}

fn proposed(proposal: &Proposal) -> String {
    match proposal {
        Proposal::Drop { outcome, domain, facet, written } => {
            format!("proposed: take `{written}` out of `{domain}.{facet}` of outcome `{outcome}`")
        }
        Proposal::Unsource { entity, attribute, claim } => {
            format!("proposed: take `{claim}` out of the sources of `{entity}.{attribute}`")
        }
        Proposal::MaxAge { system, max_age_ms } => {
            format!("proposed: let readings of `{system}` be {} minutes old", max_age_ms / 60_000)
        }
        Proposal::Mint { name, system, kind, .. } => {
            format!(
                "proposed: declare the records `{system}.{kind}` as a kind of entity of their own, `{name}`"
            )
        }
        Proposal::Advice(advice) => advice.clone(),
    }
}

fn object(told: &Told, diff: &str) -> Json {
    let pattern = |it: &Pattern| {
        json!({
            "kind": it.kind.word(), "what": it.what, "count": it.count, "of": it.of, "monthly": it.monthly,
            "causes": it.causes, "lineage": it.lineage.iter().map(of_source).collect::<Vec<_>>(),
            "proposal": proposed(&it.proposal), "advice": matches!(it.proposal, Proposal::Advice(_)),
        })
    };
    let share = |it: &Share| {
        json!({
            "cost": it.cost, "layer": it.layer, "name": it.name, "cause": it.cause, "count": it.count,
            "monthly": it.monthly, "currency": it.currency,
        })
    };
    json!({
        "at": told.now, "patterns": told.report.patterns.iter().map(pattern).collect::<Vec<_>>(),
        "costs": told.report.shares.iter().map(share).collect::<Vec<_>>(),
        "not_judged": told.report.unjudged.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect::<Vec<_>>(),
        "diff": diff, "incomplete": told.incomplete,
    })
}

fn csv(report: &Report, costs: bool) -> String {
    let row = |cells: &[String]| {
        cells.iter().map(|cell| crate::query::cell(cell)).collect::<Vec<_>>().join(",") + "\r\n"
    };
    if costs {
        let head = "cost,layer,name,cause,count,monthly,currency\r\n".to_owned();
        return report.shares.iter().fold(head, |all, it| {
            let name = it.name.clone().unwrap_or_default();
            let cause = it.cause.clone().unwrap_or_default();
            let (count, monthly) = (it.count.to_string(), it.monthly.to_string());
            all + &row(&[
                it.cost.clone(),
                it.layer.to_owned(),
                name,
                cause,
                count,
                monthly,
                it.currency.clone(),
            ])
        });
    }
    let head = "kind,what,count,of,monthly,causes,lineage,proposal\r\n".to_owned();
    report.patterns.iter().fold(head, |all, it| {
        let monthly: Vec<String> =
            it.monthly.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
        let causes: Vec<&str> = it.causes.iter().map(String::as_str).collect();
        let lineage: Vec<String> = it.lineage.iter().map(ToString::to_string).collect();
        all + &row(&[
            it.kind.word().to_owned(),
            it.what.clone(),
            it.count.to_string(),
            it.of.to_string(),
            monthly.join(" "),
            causes.join(" "),
            lineage.join(" "),
            proposed(&it.proposal),
        ])
    })
}
