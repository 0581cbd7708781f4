//! `xops check`: every mistake of every declaration, at once.
//!
//! Absent: the checks themselves (`xops_source`, `xops_connectors`), and systems: nothing is asked over a network.

use crate::arguments::{Check, Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::project::{self, Project};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use xops_source::finding::{self, Finding, Format as Rendering, Severity};

/// Runs the command.
pub(crate) fn run(common: &Common, _check: &Check) -> Outcome {
    let project = project::whole(common)?;
    let render = |rendering| finding::render(&project.findings, &project.texts, rendering);
    match common.output {
        Format::Text => {
            // The printer drops the colours where none are shown.
            json::text(&render(Rendering::Human { color: true }))?;
            json::text(&format!("{}\n", summary(&project.findings, project.files)))?;
        }
        Format::Json | Format::Csv => json::print(&object(&project, &render(Rendering::Json))?)?,
        Format::Sarif => json::text(&format!("{}\n", render(Rendering::Sarif).trim_end()))?,
    }
    Ok(if finding::any_error(&project.findings) { Exit::Mistakes } else { Exit::Done })
}

fn object(project: &Project, findings: &str) -> Result<Json, Failure> {
    let findings: Json = serde_json::from_str(findings)
        .map_err(|error| Failure::plain(format!("failed to read the findings as JSON: {error}")))?;
    let count = |severity| project.findings.iter().filter(|finding| finding.severity == severity).count();
    Ok(json!({
        "files": project.files,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "findings": findings,
    }))
}

/// The last line: how many mistakes there are, in how many files.
fn summary(findings: &[Finding], files: usize) -> String {
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let places: BTreeSet<&str> = findings.iter().map(|finding| finding.file.as_str()).collect();
    let of =
        |findings: usize, word: &str| format!("{} in {}", count(findings, word), count(places.len(), "file"));
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match (errors, findings.len()) {
        (_, 0) => format!("{}, no mistakes", count(files, "file")),
        (0, warnings) => format!("{}, no mistakes, {}", count(files, "file"), count(warnings, "warning")),
        (_, all) => of(all, "mistake"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(findings: &[Finding], expect: &str) {
        assert_eq!(summary(findings, 7), expect);
    }

    fn at(file: &str) -> Finding {
        Finding::error("XS0001", file, 0..1, "wrong", "")
    }

    #[test]
    fn the_sum_counts_mistakes_and_the_files_that_have_them() {
        check(&[], "7 files, no mistakes");
        check(&[at("a.hcl")], "1 mistake in 1 file");
        check(&[at("a.hcl"), at("b.hcl"), at("b.hcl").warning()], "3 mistakes in 2 files");
        check(&[at("a.hcl").warning()], "7 files, no mistakes, 1 warning");
    }
}
