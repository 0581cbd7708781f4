//! `poll`: what is asked until work that goes on after the answer is over.

use super::super::place::Place;
use super::super::{Context, shape};
use crate::code;
use crate::model::{Exprs, Poll};
use std::collections::BTreeMap;
use xops_kernel::value::Type;
use xops_source::reader::Reader;

/// The time between two questions where nothing is declared, in milliseconds.
const EVERY_MS: u64 = 2_000;

/// Reads `poll { get = ..., done = ..., fail = ..., every = "2s", within = "5m" }`.
pub(super) fn poll(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    asking: &Place<'_>,
    outputs: &BTreeMap<String, Type>,
    capture: &Exprs,
) -> Option<Poll> {
    let block = reader.block("poll")?;
    let mut inner = reader.within(block);
    let asking = Place { outputs: Some(outputs), snapshot: None, ..*asking };
    let answered = Place { response: true, ..asking };
    let shape = shape::shape(&mut inner, &asking, context);
    let done = if inner.require("done") { shape::condition(&mut inner, &answered, "done") } else { None };
    let fail = shape::condition(&mut inner, &answered, "fail");
    let every_ms = inner.duration_ms("every").unwrap_or(EVERY_MS).max(1);
    let within_ms = inner.required_duration_ms("within");
    inner.finish();
    let poll = Poll { shape: shape?, done: done?, fail, every_ms, within_ms: within_ms? };
    for name in poll.needs() {
        if !capture.iter().any(|(captured, _)| *captured == name) {
            let message = format!("what is asked for needs `output.{name}`, which the call does not capture");
            let finding = reader
                .error(code::POLL, block.head(), message, "here")
                .help(format!("take it from the answer: capture = {{ {name} = response.body.{name} }}"));
            reader.report(finding);
        }
    }
    Some(poll)
}
