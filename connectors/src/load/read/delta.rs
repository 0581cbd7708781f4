//! Reads of what changed: from where, and how what is gone is noticed.

use super::super::place::Place;
use super::super::shape::{condition, expr};
use crate::code;
use crate::model::{Deletes, Delta, DeltaStyle, Moment, Shape};
use xops_kernel::expr::Expr;
use xops_source::finding::{Finding, suggest};
use xops_source::reader::{Reader, listed};

const STYLES: [&str; 4] = ["filter", "link", "token", "events"];

/// Reads `delta "style" { ... }`.
pub(super) fn delta(
    reader: &mut Reader<'_, '_>,
    asking: &Place<'_>,
    answered: &Place<'_>,
    shape: Option<&Shape>,
) -> Option<Delta> {
    let blocks = reader.blocks("delta", &["style"]);
    if let Some(second) = blocks.get(1) {
        let message = "a read knows what changed in one way only";
        let finding = reader.error(code::DELTA, second.head(), message, "another way");
        reader.report(finding);
    }
    let block = blocks.first()?;
    let label = block.labels.first()?;
    let mut inner = reader.within(block);
    let style = match label.text.as_str() {
        "filter" => DeltaStyle::Filter,
        "link" => DeltaStyle::Link,
        "token" => DeltaStyle::Token,
        "events" => DeltaStyle::Events,
        other => {
            inner.rest();
            let help = suggest(other, STYLES).unwrap_or_else(|| format!("it is one of {}", listed(&STYLES)));
            let message = format!("nobody knows what changed by `{other}`");
            let finding = Finding::error(code::DELTA, answered.file, label.span.clone(), message, "no style");
            inner.report(finding.help(help));
            return None;
        }
    };
    let since = expr(&mut inner, asking, "since");
    let overlap_ms = inner.duration_ms("overlap").unwrap_or(0);
    let moment = match inner.choice("format", &["rfc3339", "date", "epoch_s", "epoch_ms"]) {
        Some("date") => Moment::Date,
        Some("epoch_s") => Moment::EpochSeconds,
        Some("epoch_ms") => Moment::EpochMillis,
        _ => Moment::Rfc3339,
    };
    if matches!(style, DeltaStyle::Link | DeltaStyle::Token) {
        inner.require("next");
    }
    let next = expr(&mut inner, answered, "next");
    let reset = condition(&mut inner, answered, "reset");
    let sparse = inner.bool("sparse").unwrap_or(false);
    inner.finish();
    let asks = style == DeltaStyle::Link || shape.is_none_or(shows_since);
    if !asks {
        let finding = Finding::error(
            code::DELTA,
            answered.file,
            block.head(),
            "the request never says since when",
            "changes since when?",
        );
        reader.report(
            finding
                .why("`page.since` is where the last read ended, and nothing in a read of everything")
                .help("show it in the request: query = { updated_since = page.since }".to_owned()),
        );
    }
    Some(Delta { style, since, overlap_ms, moment, next, reset, sparse })
}

fn shows_since(shape: &Shape) -> bool {
    let shown = |name: Option<&str>| matches!(name, Some("since" | "delta"));
    shape.references().iter().any(|path| path.root == "page" && shown(path.first()))
}

/// Reads `tombstone` and `deletes`.
pub(super) fn deletes(reader: &mut Reader<'_, '_>, shown: &Place<'_>) -> (Option<Expr>, Deletes) {
    let tombstone = condition(reader, shown, "tombstone");
    let deletes = match reader.choice("deletes", &["tombstone", "full_scan", "event"]) {
        Some("tombstone") => Deletes::Tombstone,
        Some("event") => Deletes::Event,
        None if tombstone.is_some() => Deletes::Tombstone,
        _ => Deletes::FullScan,
    };
    if deletes == Deletes::Tombstone && tombstone.is_none() {
        let finding = reader
            .error(
                code::DELTA,
                reader.span_of("deletes"),
                "what is gone is told by an item, and nothing says by which",
                "which item?",
            )
            .help("say how it looks: tombstone = item.deleted == true".to_owned());
        reader.report(finding);
    }
    (tombstone, deletes)
}
