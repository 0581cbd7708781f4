//! Answers, figures and exceptions as they are printed.
//!
//! Absent: reading. Invariants: rows stand in the order of the left and then the right id, so equal answers print equal bytes;
//! an explanation names fields and never what stands in them.

use super::rows::Exception;
use crate::arguments::Format;
use crate::exit::Failure;
use crate::json;
use serde_json::json;
use std::path::Path;
use xops_graph::identity::batch::Answered;
use xops_graph::identity::compare::Comparisons;
use xops_graph::identity::decide::Answer;
use xops_graph::identity::evaluate::{Figures, Millionths};
use xops_graph::identity::explain;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::Table;
use xops_kernel::identity::Level;

/// How many exceptions are shown where no file is named for them.
const SHOWN_MAX: usize = 10;

/// The head of the rows.
const HEAD: [&str; 5] = ["left_id", "right_id", "decision", "score", "explanation"];

/// Prints the answers: those that are the same or asked about, and with `all` those that are alike and different.
pub(super) fn answers(
    output: Format,
    table: &Table,
    model: &Model,
    answers: &[Answered],
    all: bool,
) -> Result<(), Failure> {
    let mut comparisons = Comparisons::new(table);
    let mut rows: Vec<(&str, &str, &Answered)> = Vec::new();
    for answered in answers.iter().filter(|answered| all || answered.answer != Answer::Different) {
        let (a, b) = (table.name(answered.pair.0), table.name(answered.pair.1));
        let (left, right) = if (&a.system, &a.id) <= (&b.system, &b.id) { (a, b) } else { (b, a) };
        rows.push((&left.id, &right.id, answered));
    }
    rows.sort_by_key(|(left, right, _)| (*left, *right));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Failure::plain(format!("failed to write the answers: {error}"));
    let mut lines = String::new();
    if output != Format::Json {
        writer.write_record(HEAD).map_err(failed)?;
    }
    for (left, right, answered) in rows {
        let weighed = model.weigh(table, &mut comparisons, answered.pair);
        let told = explain::tell(table, model, answered, &weighed);
        if output == Format::Json {
            let fields = table.rules().fields.iter().enumerate();
            let fields: Vec<_> = fields
                .filter(|(field, _)| weighed.levels[*field] != Level::Missing)
                .map(|(field, declared)| {
                    json!({"field": declared.name, "level": weighed.levels[field].word(), "weight": weighed.parts[field]})
                })
                .collect();
            let line = json!({
                "left_id": left,
                "right_id": right,
                "decision": answered.answer.word(),
                "score": answered.score,
                "explanation": told,
                "fields": fields,
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
        } else {
            let score = answered.score.to_string();
            writer.write_record([left, right, answered.answer.word(), &score, &told]).map_err(failed)?;
        }
    }
    if output == Format::Json {
        return json::bytes(lines.as_bytes());
    }
    let bytes = writer.into_inner().map_err(|error| Failure::plain(error.to_string()))?;
    json::bytes(&bytes)
}

/// Prints the figures.
pub(super) fn figures(
    output: Format,
    figures: &Figures,
    records: usize,
    compared: usize,
    exceptions: usize,
) -> Result<(), Failure> {
    let share = |millionths: Millionths| format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let recall_at = |precision: Millionths| share(figures.recall_at.get(&precision).copied().unwrap_or(0));
    let rows = [
        ("records", records.to_string()),
        ("compared", compared.to_string()),
        ("exceptions", exceptions.to_string()),
        ("truth", figures.truth.to_string()),
        ("same", figures.same.to_string()),
        ("same_true", figures.right.to_string()),
        ("review", figures.review.to_string()),
        ("review_true", figures.review_true.to_string()),
        ("precision", share(figures.precision)),
        ("recall", share(figures.recall)),
        ("f1", share(figures.f1)),
        ("f1_best", share(figures.f1_best)),
        ("recall_at_precision_0.99", recall_at(990_000)),
        ("recall_at_precision_0.999", recall_at(999_000)),
        ("recall_at_precision_0.9999", recall_at(999_900)),
    ];
    match output {
        Format::Json => {
            let number = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
            let members = rows.iter().map(|(name, text)| ((*name).to_owned(), number(text)));
            json::print(&serde_json::Value::Object(members.collect()))
        }
        Format::Csv => {
            let lines: Vec<String> = rows.iter().map(|(name, text)| format!("{name},{text}")).collect();
            json::text(&format!("figure,value\n{}\n", lines.join("\n")))
        }
        Format::Text | Format::Sarif => {
            let lines: Vec<String> =
                rows.iter().map(|(name, text)| format!("{name:<28}{text:>12}")).collect();
            json::text(&format!("{}\n", lines.join("\n")))
        }
    }
}

/// Tells what could not be taken: to a file that was named, else the first few on standard error.
pub(super) fn exceptions(path: Option<&Path>, exceptions: &[Exception]) -> Result<(), Failure> {
    if let Some(path) = path {
        let failed =
            |error: csv::Error| Failure::plain(format!("failed to write `{}`: {error}", path.display()));
        let mut writer = csv::Writer::from_path(path).map_err(failed)?;
        writer.write_record(["file", "line", "kind", "detail"]).map_err(failed)?;
        for told in exceptions {
            writer
                .write_record([&told.file, &told.line.to_string(), told.kind, &told.detail])
                .map_err(failed)?;
        }
        writer
            .flush()
            .map_err(|error| Failure::plain(format!("failed to write `{}`: {error}", path.display())))?;
    }
    let shown = if path.is_some() { 0 } else { SHOWN_MAX };
    for told in exceptions.iter().take(shown) {
        anstream::eprintln!("xops: {}:{}: {}: {}", told.file, told.line, told.kind, told.detail);
    }
    if exceptions.len() > shown {
        let note = if path.is_some() { "" } else { ": write them all with --exceptions FILE" };
        anstream::eprintln!("xops: {} exceptions{note}", exceptions.len());
    }
    Ok(())
}
