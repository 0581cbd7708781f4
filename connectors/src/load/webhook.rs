//! `webhook` blocks: what a system sends by itself, and how it proves that it did.
//!
//! Invariants: no webhook without a signature over the body or a secret beside it; where a moment is signed, an old message is
//! refused; where none is, a message must say by what it is known again.

use super::place::Place;
use super::{Context, claim, shape};
use crate::auth::Hash;
use crate::code;
use crate::model::webhook::{Encoding, Handshake, Stamp, Verify, Webhook};
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
    let verify = match reader.choice("verify", &["standard_webhooks", "hmac", "token"]) {
        Some("standard_webhooks") => Some(Verify::Standard { part }),
        Some("token") => token(reader, part),
        Some(_) => hmac(reader, block, part),
        None => None,
    };
    let tolerance_ms = reader.duration_ms("tolerance").unwrap_or(TOLERANCE_MS);
    let dedupe = shape::expr(reader, &place, "dedupe");
    let each = shape::expr(reader, &place, "each");
    let one = Place { item: each.is_some(), ..place };
    let kind = shape::expr(reader, &one, "kind");
    let id = shape::expr(reader, &one, "id");
    let event = shape::expr(reader, &one, "event");
    let handshake = handshake(reader, &place);
    let evidence = reader.text("evidence");
    let timed = match &verify {
        Some(Verify::Hmac { signed, .. }) => signed.contains("{timestamp}"),
        Some(Verify::Token { .. }) => false,
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
        each,
        event,
        kind,
        id,
        handshake,
        evidence,
    })
}

fn token(reader: &mut Reader<'_, '_>, part: String) -> Option<Verify> {
    let header = reader.required_text("header").map(|header| header.to_lowercase());
    let prefix = reader.text("prefix").unwrap_or_default();
    Some(Verify::Token { part, header: header?, prefix })
}

fn handshake(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> Option<Handshake> {
    let blocks = reader.blocks("handshake", &[]);
    if let Some(second) = blocks.get(1) {
        let finding = reader.error(code::DUPLICATE, second.head(), "there is one handshake", "the second");
        reader.report(finding);
    }
    let block = blocks.first()?;
    let mut inner = reader.within(block);
    inner.require("when");
    let when = shape::condition(&mut inner, place, "when");
    let open = inner.bool("open").unwrap_or(false);
    let json = shape::exprs(&mut inner, place, "json");
    let prove = shape::exprs(&mut inner, place, "prove");
    let text = shape::expr(&mut inner, place, "text");
    if text.is_some() != (json.is_empty() && prove.is_empty()) {
        let finding =
            inner.error(code::WEBHOOK, block.head(), "the handshake has no answer, or two", "here").help(
                "write json = { challenge = request.body.challenge }, or text = request.body.challenge"
                    .to_owned(),
            );
        inner.report(finding);
    }
    if open && !prove.is_empty() {
        let finding = inner
            .error(
                code::WEBHOOK,
                inner.span_of("prove"),
                "the secret would sign whatever a stranger sends",
                "here",
            )
            .help("leave out `open`, so that only a signed question is answered with a proof".to_owned());
        inner.report(finding);
    }
    inner.finish();
    Some(Handshake { when: when?, open, json, prove, text })
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
    let timestamp_prefix = reader.text("timestamp_prefix");
    let timestamp_as = match reader.choice("timestamp_as", &["epoch_s", "epoch_ms"]) {
        Some("epoch_ms") => Stamp::EpochMillis,
        _ => Stamp::EpochSeconds,
    };
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
    let timed = timestamp_header.is_some() || timestamp_prefix.is_some();
    for (name, told) in [("id", id_header.is_some()), ("timestamp", timed)] {
        if signed.contains(&format!("{{{name}}}")) && !told {
            wrong(format!("no header holds the `{name}`"), format!("write {name}_header = \"x-{name}\""));
        }
    }
    let header = header?;
    Some(Verify::Hmac {
        part,
        header,
        prefix,
        hash,
        encoding,
        signed,
        id_header,
        timestamp_header,
        timestamp_prefix,
        timestamp_as,
    })
}
