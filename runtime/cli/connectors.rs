//! `xops connectors`: which systems are known, whether their manifests hold, a first manifest, and the laws against a server.
//!
//! Absent: what a manifest means (`xops_connectors`).

mod laws;
mod new;

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::project;
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use xops_connectors::manifests::Manifests;
use xops_connectors::model::Manifest;
use xops_connectors::sample::{self, is_verified};
use xops_source::finding::{self, Finding, Format as Rendering};

pub(crate) use laws::Laws;

/// `xops connectors`.
#[derive(Debug, Args)]
pub struct Connectors {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// The commands about connectors.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Show the systems, their AWFs with how each is undone, and their reads.
    #[command(after_help = "Exit codes: 0 done, 1 the manifests cannot be read, 3 a manifest has mistakes.")]
    List,
    /// Prove manifests whole: every mistake, and every request rendered with sample values.
    #[command(after_help = "Exit codes: 0 all hold, 2 there is no such system, 3 a manifest has mistakes.")]
    Check {
        /// The systems; all where none is named.
        systems: Vec<String>,
    },
    /// Write a commented manifest that passes `check`.
    #[command(after_help = "Exit codes: 0 written, 2 the name is none, or a manifest of that name exists.")]
    New(new::New),
    /// Run the laws of doing and undoing for one manifest against a server.
    #[command(
        after_help = "Exit codes: 0 all laws hold, 1 a law broke or the server cannot be reached, 2 wrong arguments, 3 the \
manifest has mistakes."
    )]
    Test(Laws),
}

/// Runs the command.
pub(crate) fn run(common: &Common, connectors: &Connectors) -> Outcome {
    match &connectors.what {
        What::List => list(common),
        What::Check { systems } => check(common, systems),
        What::New(new) => new::run(common, new),
        What::Test(laws) => crate::on_arbiter(laws::run(common, laws)),
    }
}

/// The manifests of a project, or all that is wrong with them.
pub(crate) fn sound(common: &Common) -> Result<Manifests, Failure> {
    let read = project::manifests(common)?;
    if finding::any_error(&read.findings) {
        let shown = finding::render(&read.findings, &read.texts, Rendering::Human { color: false });
        let notes = shown.lines().map(str::to_owned).collect::<Vec<_>>();
        return Err(Failure::new(Exit::Mistakes, "the manifests have mistakes").with(notes));
    }
    Ok(read.manifests)
}

fn list(common: &Common) -> Outcome {
    let manifests = sound(common)?;
    let all = || manifests.systems().filter_map(|system| manifests.manifest(system));
    match common.output {
        Format::Json | Format::Sarif | Format::Csv => json::print(&Json::Array(all().map(listed).collect()))?,
        Format::Text => {
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
            table.set_header([
                "system",
                "domain",
                "AWFs",
                "exact",
                "with loss",
                "irreversible",
                "reads",
                "checked",
            ]);
            for manifest in all() {
                table.add_row(row(manifest));
            }
            json::text(&format!("{table}\n"))?;
        }
    }
    Ok(Exit::Done)
}

fn row(manifest: &Manifest) -> [String; 8] {
    let of = |class: &str| manifest.awfs.values().filter(|awf| awf.contract.undo.class() == class).count();
    let checked = manifest.awfs.values().filter(|awf| is_verified(awf.evidence.as_deref())).count();
    [
        manifest.name.clone(),
        manifest.domain.clone(),
        manifest.awfs.len().to_string(),
        of("exact").to_string(),
        of("with_loss").to_string(),
        of("irreversible").to_string(),
        manifest.reads.len().to_string(),
        checked.to_string(),
    ]
}

fn listed(manifest: &Manifest) -> Json {
    let awf = |(name, awf): (&String, &xops_connectors::model::Awf)| {
        json!({
            "name": name,
            "reversibility": awf.contract.undo.class(),
            "verified": is_verified(awf.evidence.as_deref()),
        })
    };
    json!({
        "system": manifest.name,
        "domain": manifest.domain,
        "awfs": manifest.awfs.iter().map(awf).collect::<Vec<_>>(),
        "reads": manifest.reads.iter().map(|read| read.name.as_str()).collect::<Vec<_>>(),
    })
}

fn check(common: &Common, systems: &[String]) -> Outcome {
    let read = project::manifests(common)?;
    let broken: Vec<&Finding> = read.findings.iter().collect();
    let known = |system: &String| {
        let file = format!("/{system}.hcl");
        read.manifests.manifest(system).is_some()
            || broken.iter().any(|finding| finding.file.ends_with(&file))
    };
    if let Some(unknown) = systems.iter().find(|system| !known(system)) {
        return Err(Failure::new(Exit::Usage, format!("there is no manifest `{unknown}`"))
            .with(["xops connectors list shows all of them".to_owned()]));
    }
    let wanted = |system: &str| systems.is_empty() || systems.iter().any(|one| one == system);
    let (mut rendered, mut failed) = (0_usize, Vec::new());
    for system in read.manifests.systems().filter(|system| wanted(system)) {
        for sample in sample::all(&read.manifests, system) {
            match sample.request {
                Ok(_) => rendered += 1,
                Err(why) => failed.push(json!({
                    "system": system, "name": sample.name, "phase": sample.phase, "why": why,
                })),
            }
        }
    }
    let findings: Vec<Finding> = read
        .findings
        .into_iter()
        .filter(|finding| {
            systems.is_empty() || systems.iter().any(|one| finding.file.ends_with(&format!("/{one}.hcl")))
        })
        .collect();
    let bad = finding::any_error(&findings) || !failed.is_empty();
    let count = read.manifests.systems().filter(|system| wanted(system)).count();
    show(common, &findings, &read.texts, &failed, (count, rendered))?;
    Ok(if bad { Exit::Mistakes } else { Exit::Done })
}

fn show(
    common: &Common,
    findings: &[Finding],
    texts: &BTreeMap<String, String>,
    failed: &[Json],
    (systems, rendered): (usize, usize),
) -> Result<(), Failure> {
    match common.output {
        Format::Text => {
            json::text(&finding::render(findings, texts, Rendering::Human { color: true }))?;
            for one in failed {
                let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                let (system, name, phase, why) = (text("system"), text("name"), text("phase"), text("why"));
                json::text(&format!(
                    "{system}.{name} {phase}: cannot be rendered with sample values: {why}\n"
                ))?;
            }
            json::text(&format!("manifests that hold: {systems}; requests rendered: {rendered}\n"))
        }
        Format::Json | Format::Csv => {
            let told: Json = serde_json::from_str(&finding::render(findings, texts, Rendering::Json))
                .map_err(Failure::plain)?;
            json::print(
                &json!({ "systems": systems, "rendered": rendered, "unrendered": failed, "findings": told }),
            )
        }
        Format::Sarif => {
            json::text(&format!("{}\n", finding::render(findings, texts, Rendering::Sarif).trim_end()))
        }
    }
}
