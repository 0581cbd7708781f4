//! Listings: the items of an answer, and how they go on.

use super::place::Place;
use super::shape::{condition, expr};
use crate::code;
use crate::model::{Listing, Paging};
use xops_kernel::value::Value;
use xops_source::finding::{Finding, suggest};
use xops_source::reader::{Reader, listed};

/// Reads `items` and `page`.
pub(super) fn listing(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> Option<Listing> {
    let place = Place { response: true, page: true, item: false, ..*place };
    let items = expr(reader, &place, "items");
    let pages = reader.blocks("page", &["style"]);
    if let Some(second) = pages.get(1) {
        let finding =
            reader.error(code::LISTING, second.head(), "a listing goes on in one way only", "another way");
        reader.report(finding);
    }
    let mut paging = None;
    if let Some(block) = pages.first() {
        let mut inner = reader.within(block);
        paging = read_paging(&mut inner, &place, block.label(0), block.labels[0].span.clone());
        inner.finish();
        if items.is_none() {
            let finding = reader
                .error(code::LISTING, block.head(), "there are pages, but no `items`", "pages of what?")
                .help("say where the items stand: items = response.body.value".to_owned());
            reader.report(finding);
        }
    }
    items.map(|items| Listing { items, paging })
}

fn read_paging(
    reader: &mut Reader<'_, '_>,
    place: &Place<'_>,
    style: &str,
    span: std::ops::Range<usize>,
) -> Option<Paging> {
    let mut required = |name: &str| {
        if reader.require(name) { expr(reader, place, name) } else { None }
    };
    match style {
        "link" => {
            let last = condition(reader, place, "last");
            Some(Paging::Link { last })
        }
        "next_url" => required("next").map(Paging::NextUrl),
        "cursor" => required("next").map(Paging::Cursor),
        "number" => {
            let last = expr(reader, place, "last");
            let size = size(reader);
            let first = reader.int("first", &(0..=1)).unwrap_or(1);
            Some(Paging::Number { last, size, first })
        }
        "path" => {
            let first = first(reader);
            let next = expr(reader, place, "next");
            let last = condition(reader, place, "last");
            Some(Paging::Path { first, next, last })
        }
        "offset" => {
            let total = expr(reader, place, "total");
            reader.require("size");
            size(reader).map(|size| Paging::Offset { size, total })
        }
        other => {
            reader.rest();
            let styles = ["link", "next_url", "cursor", "number", "offset", "path"];
            let help = suggest(other, styles).unwrap_or_else(|| format!("it is one of {}", listed(&styles)));
            let message = format!("no listing goes on by `{other}`");
            let finding =
                Finding::error(code::LISTING, place.file, span, message, "unknown style").help(help);
            reader.report(finding);
            None
        }
    }
}

/// The first page, as a text or a number.
fn first(reader: &mut Reader<'_, '_>) -> String {
    let written = reader.attribute("first").and_then(|attribute| attribute.value.value());
    match written {
        Some(Value::Int(number)) => number.to_string(),
        _ => reader.text("first").unwrap_or_else(|| "1".to_owned()),
    }
}

fn size(reader: &mut Reader<'_, '_>) -> Option<u32> {
    reader.int("size", &(1..=100_000)).and_then(|size| u32::try_from(size).ok())
}
