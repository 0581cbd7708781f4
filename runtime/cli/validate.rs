//! `xops validate`: is this declaration complete? What approved requirements and established peers say of an outcome.
//!
//! Absent: any change. It prints findings and a declaration diff; a person reviews the diff and applies it. Invariant: what could
//! not be judged is told, and what was told as judged was judged from whole and fresh readings.

use crate::arguments::asking::Validate;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, of_source, plain};
use crate::records::{self, Known};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use xops_graph::peers::census::Census;
use xops_graph::peers::finding::{Finding, Kind, Proposal, Report, Support};
use xops_graph::peers::judge;
use xops_kernel::declare;
use xops_kernel::standard::PeerSet;
use xops_source::amend::{self, Edits};

pub(crate) mod diff;

/// Runs the command.
pub(crate) async fn run(common: &Common, validate: &Validate) -> Outcome {
    let known = records::known(common, &validate.truth).await?;
    let outcomes = chosen(&known, validate.outcome.as_deref())?;
    let mut reports = Vec::new();
    for outcome in outcomes {
        reports.push((outcome, judged(&known, outcome)));
    }
    let found = reports.iter().any(|(_, report)| !report.findings.is_empty());
    let diff: String = diffs(&known, &reports);
    match (validate.diff, common.output) {
        (true, _) => json::text(&diff)?,
        (false, Format::Text) => {
            let told: String = reports.iter().map(|(outcome, report)| show(outcome, report)).collect();
            json::text(&told)?;
            if !diff.is_empty() {
                json::text(&format!(
                    "REVISED DECLARATION (a person reviews it; nothing was changed)\n\n{diff}"
                ))?;
            }
            known.tell_incomplete();
        }
        (false, Format::Json | Format::Sarif | Format::Csv) => {
            let outcomes: Vec<Json> = reports.iter().map(|(_, report)| object(report)).collect();
            json::print(&json!({
                "at": known.now, "outcomes": outcomes, "diff": diff, "incomplete": known.incomplete,
            }))?;
        }
    }
    let open = reports.iter().any(|(_, report)| !report.unjudged.is_empty());
    Ok(match (found, open) {
        _ if validate.diff && diff.is_empty() => Exit::Done,
        (true, _) => Exit::Changes,
        (false, true) => Exit::Waiting,
        (false, false) => Exit::Done,
    })
}

/// The outcomes that are asked for.
fn chosen<'a>(known: &'a Known, name: Option<&str>) -> Result<Vec<&'a declare::Outcome>, Failure> {
    let declared = &known.project.declarations.outcomes;
    let Some(name) = name else { return Ok(declared.values().collect()) };
    declared.get(name).map(|outcome| vec![outcome]).ok_or_else(|| {
        let names: Vec<&str> = declared.keys().map(String::as_str).collect();
        Failure::new(Exit::Usage, format!("no outcome `{name}` is declared"))
            .with([format!("there are: {}", names.join(", "))])
    })
}

/// One outcome, judged by every set of peers of its kind of entity; by requirements alone where there is none.
pub(crate) fn judged(known: &Known, outcome: &declare::Outcome) -> Report {
    let standards = &known.project.standards;
    let sets: Vec<&PeerSet> = standards.peers.values().filter(|set| set.entity == outcome.entity).collect();
    let census = |set: Option<&PeerSet>| {
        let evidence = set.map(|set| set.evidence.as_slice()).unwrap_or_default();
        Census::take(&known.graph, standards, &outcome.entity, evidence, known.now)
    };
    let nobody = nobody(outcome);
    let taken: Vec<(&PeerSet, Census<'_>)> = if sets.is_empty() {
        census(None).map(|census| (&nobody, census)).into_iter().collect()
    } else {
        sets.iter().filter_map(|set| Some((*set, census(Some(set))?))).collect()
    };
    let peers: Vec<(&PeerSet, &Census<'_>)> = taken.iter().map(|(set, census)| (*set, census)).collect();
    judge::judge(outcome, standards, &peers).unwrap_or_default()
}

/// A set of peers that says nothing, for an outcome without one.
fn nobody(outcome: &declare::Outcome) -> PeerSet {
    PeerSet {
        name: "none".to_owned(),
        entity: outcome.entity.clone(),
        counts: xops_kernel::expr::Expr::Literal(false.into()),
        levels: Vec::new(),
        least: u64::MAX,
        expected_pct: 100,
        suggested_pct: 100,
        excess_pct: 0,
        lift_pct: 0,
        evidence: Vec::new(),
        origin: declare::Origin::default(),
    }
}

/// What would be written, as a diff of every file that changes.
fn diffs(known: &Known, reports: &[(&declare::Outcome, Report)]) -> String {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for (outcome, report) in reports {
        let Some(before) = known.project.texts.get(&outcome.origin.file) else { continue };
        let text = texts.entry(&outcome.origin.file).or_insert_with(|| before.clone());
        if let Some(after) = amend::outcome(&outcome.origin.file, text, &outcome.name, &edits(report)) {
            *text = after;
        }
    }
    let all = texts.iter().map(|(file, after)| diff::unified(file, &known.project.texts[*file], after));
    all.collect()
}

/// The edits that the findings propose: what is required or expected is added, what is excess taken out of its set. What is only
/// suggested is told and left to the reader.
fn edits(report: &Report) -> Edits {
    let mut edits = Edits::new();
    for finding in &report.findings {
        let key = (finding.thing.domain.clone(), finding.thing.facet.clone());
        match (&finding.proposal, finding.kind) {
            (Proposal::Declare(written), Kind::Required | Kind::Expected) => {
                let edit = edits.entry(key).or_default();
                edit.set = finding.set;
                // Two values for one facet cannot both be written: the weightier one comes first.
                if finding.set || edit.add.is_empty() {
                    edit.add.push(written.clone());
                }
            }
            (Proposal::Drop(written), Kind::Excess) if finding.set => {
                let edit = edits.entry(key).or_default();
                edit.set = true;
                edit.drop.push(written.clone());
            }
            _ => {}
        }
    }
    edits
}

fn show(outcome: &declare::Outcome, report: &Report) -> String {
    let mut out = format!("outcome {:?}  {}\n", outcome.name, outcome.origin);
    let _infallible = writeln!(
        out,
        "  for {} today{}, held against {}{}",
        counted(report.people, "person", "people"),
        if report.unknown > 0 { format!(" (unknown for {} more)", report.unknown) } else { String::new() },
        counted(report.requirements, "requirement", "requirements"),
        report.asked.iter().map(|(name, shared, people)| asked(name, shared, *people)).collect::<String>(),
    );
    if report.findings.is_empty() {
        out.push_str(if report.unjudged.is_empty() {
            "  nothing is missing\n"
        } else {
            "  nothing was found missing in what could be judged\n"
        });
    }
    let mut last = None;
    for finding in &report.findings {
        if last != Some(finding.kind) {
            let _infallible = writeln!(out, "\n{}", heading(finding.kind));
        }
        last = Some(finding.kind);
        out.push_str(&tell(finding));
    }
    if !report.unjudged.is_empty() {
        out.push_str("\nNOT JUDGED\n");
        for unjudged in &report.unjudged {
            let _infallible = writeln!(out, "  {}: {}", plain(&unjudged.what), plain(&unjudged.why));
        }
    }
    out.push('\n');
    out
}

fn asked(name: &str, shared: &BTreeMap<String, Vec<String>>, people: u64) -> String {
    format!("\n  and {} of `{name}`{}", counted(people, "peer", "peers"), sharing(shared))
}

fn sharing(shared: &BTreeMap<String, Vec<String>>) -> String {
    if shared.is_empty() {
        return String::new();
    }
    let each = |(name, values): (&String, &Vec<String>)| match values.as_slice() {
        [one] => format!("{name} = {}", plain(one)),
        many => format!("{name} one of {}", many.len()),
    };
    format!(" ({})", shared.iter().map(each).collect::<Vec<_>>().join(", "))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Required => "REQUIRED, NOT DECLARED",
        Kind::Expected => "EXPECTED, NOT DECLARED",
        Kind::Suggested => "SUGGESTED",
        Kind::Excess => "DECLARED, HARDLY USUAL",
        Kind::HigherLayer => "BELONGS IN A HIGHER LAYER",
    }
}

fn tell(finding: &Finding) -> String {
    let thing = &finding.thing;
    let mut out = format!("  {}.{}  {}\n", thing.domain, thing.facet, plain(&thing.element));
    let mut line = |text: String| {
        let _infallible = writeln!(out, "      {text}");
    };
    if let Some(rule) = &finding.rule {
        line(format!("{} ({} requirement `{}`, {})", rule.title, rule.because, rule.name, rule.origin));
        line(format!("approved by {}", rule.approved_by));
    }
    if let Some(other) = &finding.differs {
        line(format!("declared is another value: {}", plain(other)));
    }
    if let Some(support) = &finding.support {
        line(usual(support));
    }
    for source in &finding.lineage {
        line(format!("seen in {}", plain(&source.to_string())));
    }
    let counter = &finding.counterfactual;
    if finding.kind != Kind::Excess {
        let have = counter.have_it.map(|have| format!("; {have} have it already")).unwrap_or_default();
        line(format!(
            "declared, it would hold for {} of {}{have}",
            counter.concerned,
            counted(counter.people, "person", "people")
        ));
    }
    line(format!("not found if {}", counter.unless));
    if let Proposal::Advice(advice) = &finding.proposal {
        line(advice.clone());
    }
    out
}

fn usual(support: &Support) -> String {
    format!(
        "{} of {} peers have it ({} %), {} of {} in all: lift {} %",
        support.have,
        support.of,
        support.support_pct(),
        support.all_have,
        support.all,
        support.lift_pct()
    )
}

fn object(report: &Report) -> Json {
    let finding = |finding: &Finding| {
        json!({
            "kind": finding.kind.word(),
            "domain": finding.thing.domain, "facet": finding.thing.facet, "element": finding.thing.element,
            "declared_instead": finding.differs,
            "rule": finding.rule.as_ref().map(|rule| json!({
                "name": rule.name, "title": rule.title, "because": rule.because, "approved_by": rule.approved_by,
                "file": rule.origin.file, "line": rule.origin.line,
            })),
            "support": finding.support.as_ref().map(|support| json!({
                "peers": support.peers, "shared": support.shared, "have": support.have, "of": support.of,
                "all_have": support.all_have, "all": support.all,
                "support_pct": support.support_pct(), "lift_pct": support.lift_pct(),
            })),
            "counterfactual": {
                "people": finding.counterfactual.people, "concerned": finding.counterfactual.concerned,
                "have_it": finding.counterfactual.have_it, "not_found_if": finding.counterfactual.unless,
            },
            "lineage": finding.lineage.iter().map(of_source).collect::<Vec<_>>(),
            "proposal": match &finding.proposal {
                Proposal::Declare(text) => json!({ "declare": text }),
                Proposal::Drop(text) => json!({ "drop": text }),
                Proposal::Advice(text) => json!({ "advice": text }),
            },
        })
    };
    json!({
        "outcome": report.outcome, "people": report.people, "unknown": report.unknown,
        "requirements": report.requirements,
        "peers": report.asked.iter().map(|(name, shared, people)| json!({
            "name": name, "shared": shared, "people": people,
        })).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "not_judged": report.unjudged.iter().map(|one| json!({ "what": one.what, "why": one.why })).collect::<Vec<_>>(),
    })
}
