//! What a manifest says of its system as a whole: variables, authentication, headers, limits, rules.

use super::place::Place;
use super::{Context, shape};
use crate::code;
use crate::model::{Manifest, Soap, Var};
use std::collections::BTreeMap;
use xops_kernel::declare::DOMAINS;
use xops_kernel::port::{Limit, Reset};
use xops_source::finding::suggest;
use xops_source::reader::{Reader, listed};
use xops_source::syntax::Block;

/// Reads `var "name" { type = ..., default = ... }`.
pub(super) fn vars(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for block in reader.blocks("var", &["name"]) {
        let mut inner = reader.within(block);
        let is = inner.required_type("type");
        let default = inner.attribute("default").and_then(|attribute| inner.literal(&attribute.value));
        let sample = inner.attribute("sample").and_then(|attribute| inner.literal(&attribute.value));
        let _for_people = inner.text("about");
        inner.finish();
        let label = &block.labels[0];
        if !super::is_name(&label.text) || label.text == "base_url" {
            let finding = reader.error(
                code::NAME,
                label.span.clone(),
                format!("`{}` cannot name a variable", label.text),
                "here",
            );
            reader.report(
                finding.help(
                    "`base_url` is the system's address; other names are lower case letters, digits and `_`"
                        .to_owned(),
                ),
            );
        }
        let Some(is) = is else { continue };
        let values = [("default", &default), ("sample", &sample)];
        for (what, _) in values.iter().filter(|(_, value)| value.as_ref().is_some_and(|value| !value.is(&is)))
        {
            let message = format!("the {what} of `{}` is no {is}", label.text);
            let finding = reader.error(code::TYPES, block.head(), message, "of another type");
            reader.report(finding);
        }
        if vars.insert(label.text.clone(), Var { is, default, sample }).is_some() {
            let message = format!("there are two variables `{}`", label.text);
            let finding = reader.error(code::DUPLICATE, block.head(), message, "the second");
            reader.report(finding);
        }
    }
    vars
}

/// Reads the `soap` block.
pub(super) fn soap(reader: &mut Reader<'_, '_>) -> Option<Soap> {
    let block = reader.block("soap")?;
    let mut inner = reader.within(block);
    let namespace = inner.required_text("namespace");
    let qualified_attributes = inner.bool("qualified_attributes").unwrap_or(false);
    let mut keyed = BTreeMap::new();
    for (name, node) in inner.map("keyed") {
        if let Some(attribute) = node.text() {
            keyed.insert(name.text, attribute.to_owned());
        }
    }
    inner.finish();
    Some(Soap { namespace: namespace?, qualified_attributes, keyed })
}

/// Reads everything but variables, envelope, lookups, reads and AWFs.
/// What a manifest must say, a family may leave out (`must` is false): then nothing comes back but findings.
pub(super) fn head(reader: &mut Reader<'_, '_>, context: &Context<'_>, must: bool) -> Option<Manifest> {
    let mut text = |name: &str| if must { reader.required_text(name) } else { reader.text(name) };
    let (title, domain) = (text("title"), text("domain"));
    if let Some(domain) = domain.as_deref().filter(|domain| !DOMAINS.contains(domain)) {
        let help = suggest(domain, DOMAINS).unwrap_or_else(|| format!("it is one of {}", listed(&DOMAINS)));
        let finding = reader
            .error(
                code::DOMAIN,
                reader.span_of("domain"),
                format!("there is no domain `{domain}`"),
                "not a domain",
            )
            .help(help);
        reader.report(finding);
    }
    let place = Place { file: context.file, vars: Some(context.vars), ..Place::default() };
    let seen = Place { response: true, ..place };
    let headers = shape::headers(reader, &place);
    let message = shape::expr(reader, &seen, "message");
    let rules = shape::rules(reader, &seen);
    let hosts = reader.list_of_texts("hosts").into_iter().map(|(host, _)| host).collect();
    let auth = super::auth::auth(reader, context, must);
    let limits = limits(reader);
    Some(Manifest {
        name: String::new(),
        title: title?,
        domain: domain?,
        digest: context.digest,
        vars: BTreeMap::new(),
        auth: auth?,
        hosts,
        headers,
        answers: context.answers,
        soap: None,
        limits,
        rules,
        message,
        lookups: BTreeMap::new(),
        reads: Vec::new(),
        awfs: BTreeMap::new(),
        webhooks: Vec::new(),
    })
}

fn limits(reader: &mut Reader<'_, '_>) -> Vec<Limit> {
    let blocks = reader.blocks("limit", &["name"]);
    blocks.into_iter().filter_map(|block| limit(reader, block)).collect()
}

fn limit(reader: &mut Reader<'_, '_>, block: &Block) -> Option<Limit> {
    let mut inner = reader.within(block);
    let paths = inner.list_of_texts("paths").into_iter().map(|(path, _)| path).collect();
    let methods = methods(&mut inner);
    let rate = if inner.require("rate") { inner.int("rate", &(1..=10_000_000)) } else { None };
    let per_ms = inner.required_duration_ms("per");
    let reserve_percent =
        inner.int("reserve", &(0..=99)).and_then(|share| u8::try_from(share).ok()).unwrap_or(0);
    let concurrency = inner.int("concurrency", &(1..=10_000)).and_then(|calls| u32::try_from(calls).ok());
    let remaining = inner.text("remaining").map(|name| name.to_lowercase());
    let how = inner.choice("reset_as", &["epoch_s", "delay_s"]);
    let how = if how == Some("epoch_s") { Reset::Epoch } else { Reset::Delay };
    let reset = inner.text("reset").map(|name| (name.to_lowercase(), how));
    inner.finish();
    let name = block.labels.first()?.text.clone();
    let (calls, per_ms) = (u32::try_from(rate?).ok()?, per_ms?);
    Some(Limit { name, paths, methods, calls, per_ms, reserve_percent, concurrency, remaining, reset })
}

fn methods(reader: &mut Reader<'_, '_>) -> Vec<String> {
    let mut methods = Vec::new();
    for (method, span) in reader.list_of_texts("methods") {
        let known = shape::METHODS.map(|(_, method)| method);
        if !known.contains(&method.as_str()) {
            let help = suggest(&method, known).unwrap_or_else(|| format!("it is one of {}", listed(&known)));
            let finding =
                reader.error(code::METHOD, span, format!("`{method}` is no method"), "not a method");
            reader.report(finding.help(help));
        }
        methods.push(method);
    }
    methods
}
