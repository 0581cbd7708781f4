//! `webhook` blocks: what a system sends by itself, and how it proves that it did.
//!
//! Invariants: no webhook without a signature over the body; where a moment is signed, an old message is refused; where none
//! is, a message must say by what it is known again.

use super::place::Place;
use super::{Context, claim, shape};
use crate::auth::Hash;
use crate::code;
use crate::model::webhook::{Encoding, Verify, Webhook};
use std::collections::BTreeMap;
use xops_source::finding::suggest;
use xops_source::reader::{Reader, listed};
use xops_source::syntax::Block;

/// How old a message may be where nothing is declared, in milliseconds (Standard Webhooks suggests five minutes).
const TOLERANCE_MS: u64 = 300_000;

/// Reads all webhooks.
pub(super) fn webhooks(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> Vec<Webhook> {
    let mut webhooks = Vec::new();
    let mut taken = BTreeMap::new();
    for block in reader.blocks("webhook", &["name"]) {
        if !claim(reader, context, block, &mut taken) {
            continue;
        }
        let mut inner = reader.within(block);
        let webhook = webhook(&mut inner, context, block);
        inner.finish();
        webhooks.extend(webhook);
    }
    webhooks
}

fn webhook(reader: &mut Reader<'_, '_>, context: &Context<'_>, block: &Block) -> Option<Webhook> {
    let place = Place { file: context.file, vars: Some(context.vars), request: true, ..Place::default() };
    let part = reader.text("part").unwrap_or_else(|| "webhook_secret".to_owned());
    reader.require("verify");
    let verify = match reader.choice("verify", &["standard_webhooks", "hmac"]) {
        Some("standard_webhooks") => Some(Verify::Standard { part }),
        Some(_) => hmac(reader, block, part),
        None => None,
    };
    let tolerance_ms = reader.duration_ms("tolerance").unwrap_or(TOLERANCE_MS);
    let dedupe = shape::expr(reader, &place, "dedupe");
    let kind = shape::expr(reader, &place, "kind");
    let id = shape::expr(reader, &place, "id");
    let evidence = reader.text("evidence");
    let timed = match &verify {
        Some(Verify::Hmac { signed, .. }) => signed.contains("{timestamp}"),
        Some(Verify::Standard { .. }) | None => true,
    };
    if !timed && dedupe.is_none() {
        let finding = reader
            .error(code::WEBHOOK, block.head(), "a message could be played again", "here")
            .why("its signature covers no moment, and nothing says by what a message is known again")
            .help(
                "write dedupe = request.body.id, or sign the moment: signed = \"{timestamp}.{body}\""
                    .to_owned(),
            );
        reader.report(finding);
    }
    Some(Webhook {
        name: block.label(0).to_owned(),
        verify: verify?,
        tolerance_ms,
        dedupe,
        kind,
        id,
        evidence,
    })
}

fn hmac(reader: &mut Reader<'_, '_>, block: &Block, part: String) -> Option<Verify> {
    let header = reader.required_text("header").map(|header| header.to_lowercase());
    let prefix = reader.text("prefix").unwrap_or_default();
    let hash = match reader.choice("algorithm", &["sha1", "sha256", "sha512"]) {
        Some("sha1") => Hash::Sha1,
        Some("sha512") => Hash::Sha512,
        _ => Hash::Sha256,
    };
    let encoding = match reader.choice("encoding", &["hex", "base64"]) {
        Some("base64") => Encoding::Base64,
        _ => Encoding::Hex,
    };
    let signed = reader.text("signed").unwrap_or_else(|| "{body}".to_owned());
    let id_header = reader.text("id_header").map(|header| header.to_lowercase());
    let timestamp_header = reader.text("timestamp_header").map(|header| header.to_lowercase());
    let mut wrong = |message: String, help: String| {
        let span = if reader.has("signed") { reader.span_of("signed") } else { block.head() };
        let finding = reader.error(code::WEBHOOK, span, message, "here").help(help);
        reader.report(finding);
    };
    let known = ["body", "id", "timestamp"];
    for hole in signed.split('{').skip(1) {
        let name = hole.split('}').next().unwrap_or_default();
        if !known.contains(&name) {
            let help = suggest(name, known).unwrap_or_else(|| format!("there are {}", listed(&known)));
            wrong(format!("`{{{name}}}` is no part of what is signed"), help);
        }
    }
    if !signed.contains("{body}") {
        wrong(
            "the signature does not cover the body".to_owned(),
            "what is not signed can be changed: signed = \"{timestamp}.{body}\"".to_owned(),
        );
    }
    for (name, header) in [("id", &id_header), ("timestamp", &timestamp_header)] {
        if signed.contains(&format!("{{{name}}}")) && header.is_none() {
            wrong(format!("no header holds the `{name}`"), format!("write {name}_header = \"x-{name}\""));
        }
    }
    let header = header?;
    Some(Verify::Hmac { part, header, prefix, hash, encoding, signed, id_header, timestamp_header })
}
