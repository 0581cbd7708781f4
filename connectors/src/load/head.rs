//! What a manifest says of its system as a whole: variables, authentication, headers, limits, rules.

use super::Context;
use super::place::Place;
use super::shape;
use crate::auth::Auth;
use crate::code;
use crate::model::{Answers, Limit, Manifest, Reset, Soap, Var};
use std::collections::BTreeMap;
use xops_kernel::declare::DOMAINS;
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
        if default.as_ref().is_some_and(|value| !value.is(&is)) {
            let message = format!("the default of `{}` is no {is}", label.text);
            let finding = reader.error(code::TYPES, block.head(), message, "of another type");
            reader.report(finding);
        }
        if vars.insert(label.text.clone(), Var { is, default }).is_some() {
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
pub(super) fn head(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> Option<Manifest> {
    let title = reader.required_text("title");
    let domain = reader.required_text("domain");
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
    let answers = reader.choice("answers", &["json", "xml"]);
    let xml = answers.map_or(context.soap, |answers| answers == "xml");
    let answers = if xml { Answers::Xml } else { Answers::Json };
    let place = Place { file: context.file, vars: Some(context.vars), ..Place::default() };
    let seen = Place { response: true, ..place };
    let headers = shape::headers(reader, &place);
    let message = shape::expr(reader, &seen, "message");
    let rules = shape::rules(reader, &seen);
    let hosts = reader.list_of_texts("hosts").into_iter().map(|(host, _)| host).collect();
    let auth = auth(reader);
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
        answers,
        soap: None,
        limits,
        rules,
        message,
        lookups: BTreeMap::new(),
        reads: Vec::new(),
        awfs: BTreeMap::new(),
    })
}

const SCHEMES: [&str; 7] =
    ["none", "api_key", "api_key_query", "bearer", "basic", "oauth2_client_credentials", "ws_security"];

fn auth(reader: &mut Reader<'_, '_>) -> Option<Auth> {
    let blocks = reader.blocks("auth", &["scheme"]);
    let Some(block) = blocks.first() else {
        reader.missing("`auth` block");
        return None;
    };
    if let Some(second) = blocks.get(1) {
        let finding =
            reader.error(code::DUPLICATE, second.head(), "a manifest has one `auth`", "another one");
        reader.report(finding);
    }
    let label = &block.labels[0];
    let mut inner = reader.within(block);
    let part = |inner: &mut Reader<'_, '_>, name: &str| inner.text("part").unwrap_or_else(|| name.to_owned());
    let auth = match label.text.as_str() {
        "none" => Some(Auth::None),
        "api_key" => {
            let header = inner.required_text("header");
            let prefix = inner.text("prefix").unwrap_or_default();
            let part = part(&mut inner, "api_key");
            header.map(|header| Auth::ApiKey { header, prefix, part })
        }
        "api_key_query" => {
            let name = inner.required_text("name");
            let part = part(&mut inner, "api_key");
            name.map(|name| Auth::ApiKeyQuery { name, part })
        }
        "bearer" => {
            let part = part(&mut inner, "token");
            Some(Auth::ApiKey { header: "authorization".to_owned(), prefix: "Bearer ".to_owned(), part })
        }
        "basic" => Some(Auth::Basic {
            username: inner.text("username").unwrap_or_else(|| "username".to_owned()),
            password: inner.text("password").unwrap_or_else(|| "password".to_owned()),
        }),
        "oauth2_client_credentials" => {
            let scope = inner.text("scope");
            let in_form = inner.bool("in_form").unwrap_or(true);
            inner.required_text("token_url").map(|token_url| Auth::ClientCredentials {
                token_url,
                scope,
                in_form,
            })
        }
        "ws_security" => Some(Auth::WsSecurity),
        other => {
            let help =
                suggest(other, SCHEMES).unwrap_or_else(|| format!("it is one of {}", listed(&SCHEMES)));
            let message = format!("there is no way to authenticate called `{other}`");
            let finding = inner.error(xops_source::code::CHOICE, label.span.clone(), message, "not a scheme");
            inner.report(finding.help(help));
            None
        }
    };
    inner.finish();
    auth
}

fn limits(reader: &mut Reader<'_, '_>) -> Vec<Limit> {
    let blocks = reader.blocks("limit", &["name"]);
    blocks.into_iter().filter_map(|block| limit(reader, block)).collect()
}

fn limit(reader: &mut Reader<'_, '_>, block: &Block) -> Option<Limit> {
    let mut inner = reader.within(block);
    let paths = inner.list_of_texts("paths").into_iter().map(|(path, _)| path).collect();
    let rate = if inner.require("rate") { inner.int("rate", &(1..=10_000_000)) } else { None };
    let per_ms = inner.required_duration_ms("per");
    let reserve = inner.int("reserve", &(0..=99)).and_then(|share| u8::try_from(share).ok()).unwrap_or(0);
    let concurrency = inner.int("concurrency", &(1..=10_000)).and_then(|calls| u32::try_from(calls).ok());
    let remaining = inner.text("remaining").map(|name| name.to_lowercase());
    let how = inner.choice("reset_as", &["epoch_s", "delay_s"]);
    let how = if how == Some("epoch_s") { Reset::Epoch } else { Reset::Delay };
    let reset = inner.text("reset").map(|name| (name.to_lowercase(), how));
    inner.finish();
    let name = block.labels.first()?.text.clone();
    let rate = u32::try_from(rate?).ok()?;
    Some(Limit { name, paths, rate, per_ms: per_ms?, reserve, concurrency, remaining, reset })
}
