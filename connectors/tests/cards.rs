//! Every rendered request against what is known of the systems: the operation cards, and the catalogue where there is no card.
//!
//! The facts stand beside the repository, and no one here made them up. With `CI=true` their absence fails.

mod catalogue;
mod path;
mod schema;
mod soap;

use crate::support::manifests;
use path::fits;
use schema::{unknown, violation};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use xops_connectors::sample::{self, REDACTED, Sample, is_verified, path_of};
use xops_kernel::port::Request;

/// Parameters by which vendors describe the credential: the wire adds it, in its own place.
const CREDENTIALS: [&str; 3] = ["token", "api_key", "apikey"];

/// The cards of every system that has some.
fn cards() -> BTreeMap<String, Json> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/cards");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there are no cards at {}", folder.display());
        return BTreeMap::new();
    };
    let files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"));
    let card = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
    };
    files.map(card).collect()
}

/// The card that describes the request: the one of the same AWF where several do.
fn card_of<'a>(cards: &'a Json, name: &str, request: &Request) -> Option<&'a Json> {
    let whole = path_of(&request.url);
    let fitting = |card: &&Json| {
        let template = card["spec_path"].as_str().or(card["path"].as_str()).unwrap_or_default();
        let prefixes = card["base_paths"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let based = prefixes.into_iter().any(|base| fits(&format!("{base}{template}"), whole));
        let named = card["path"].as_str().is_some_and(|path| fits(path, whole));
        card["method"] == request.method.as_str() && (named || based || fits(template, whole))
    };
    let described = |card: &&Json| card.get("same_operation_as").is_none();
    let all: Vec<&Json> = cards["cards"].as_array()?.iter().filter(fitting).filter(described).collect();
    all.iter().find(|card| card["awf"] == name).or(all.first()).copied()
}

/// What is wrong with `request` by its card.
fn against_card(card: &Json, request: &Request) -> Result<(), String> {
    let query: Vec<&str> = request.query.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(known) = card["query_params"].as_array() {
        // `page[limit]` is a member of the parameter `page`.
        let is =
            |one: &Json, name: &str| one["name"] == name || one["name"].as_str() == name.split('[').next();
        let secret = |name: &str| request.query.iter().any(|(one, value)| one == name && value == REDACTED);
        if let Some(name) = query.iter().find(|name| !secret(name) && !known.iter().any(|one| is(one, name)))
        {
            return Err(format!("the card knows no query `{name}`"));
        }
        let required =
            known.iter().filter(|one| one["required"] == true).filter_map(|one| one["name"].as_str());
        let given = |name: &str| query.iter().any(|one| one.split('[').next() == name.split('[').next());
        if let Some(name) = required.into_iter().find(|name| !given(name) && !CREDENTIALS.contains(name)) {
            return Err(format!("it lacks the query `{name}`"));
        }
    }
    let Some(kind) = &request.content_type else {
        return if card["request_body_required"] == true {
            Err("the card wants a body".to_owned())
        } else {
            Ok(())
        };
    };
    let plain = kind.split(';').next().unwrap_or(kind);
    if let Some(kinds) = card["request_content_type"].as_array() {
        let same = |one: &Json| {
            one.as_str().and_then(|one| one.split(';').next()).is_some_and(|one| one == plain || one == "*/*")
        };
        if !kinds.iter().any(same) {
            return Err(format!("`{kind}` is none of {kinds:?}"));
        }
    }
    if plain.ends_with("xml") {
        return Ok(());
    }
    let form = plain.ends_with("form-urlencoded");
    let body: Json = if form {
        let pairs = url::form_urlencoded::parse(&request.body);
        Json::Object(
            pairs.map(|(name, value)| (name.into_owned(), Json::String(value.into_owned()))).collect(),
        )
    } else if plain == "multipart/form-data" {
        parts(&String::from_utf8_lossy(&request.body))
    } else {
        serde_json::from_slice(&request.body).map_err(|error| format!("the body is no JSON: {error}"))?
    };
    let schema = &card["request_body_schema"];
    if let Some(wrong) = violation(schema, &body, "body", form) {
        return Err(wrong);
    }
    unknown(schema, &body).map_or(Ok(()), |name| Err(format!("the card knows no member `{name}`")))
}

/// The parts of a form by their names, each as a text.
fn parts(body: &str) -> Json {
    let pieces = body.split("content-disposition: form-data; name=\"").skip(1);
    let named = pieces.filter_map(|piece| {
        let (name, rest) = piece.split_once('"')?;
        let content = rest.split_once("\r\n\r\n")?.1;
        Some((name.to_owned(), Json::from(content.rsplit_once("\r\n--").map_or(content, |(text, _)| text))))
    });
    Json::Object(named.collect())
}

/// What is wrong with a sample, by everything that is known of its system.
fn wrong(
    system: &str,
    cards: Option<&Json>,
    (rows, reads): (&[catalogue::Row], &[(String, String, String)]),
    sample: &Sample,
) -> Option<String> {
    let request = match &sample.request {
        Ok(request) => request,
        Err(why) => return Some(format!("cannot be rendered: {why}")),
    };
    let (method, path) = (request.method.as_str(), path_of(&request.url));
    if let Some(cards) = cards {
        if String::from_utf8_lossy(&request.body).contains("<soapenv:Envelope") {
            return std::panic::catch_unwind(|| soap::check_soap(cards, &sample.name, request))
                .err()
                .map(|why| why.downcast_ref::<String>().cloned().unwrap_or_default());
        }
        if let Some(card) = card_of(cards, &sample.name, request) {
            // A parameter that the description leaves out must say that it is recalled.
            let admitted = |why: &String| {
                why.starts_with("the card knows no query") && !is_verified(sample.evidence.as_deref())
            };
            return against_card(card, request).err().filter(|why| !admitted(why));
        }
    }
    // What nobody described must say so, or stand in a standard, or be what the catalogue names.
    let standard = sample.evidence.as_deref().is_some_and(|text| text.starts_with("RFC "));
    if standard || !is_verified(sample.evidence.as_deref()) {
        return None;
    }
    if cards.is_none()
        && sample.phase == "do"
        && let Some(named) = catalogue::is_call(rows, system, &sample.name, method, path)
    {
        return (!named).then(|| format!("the catalogue names another request than {method} {path}"));
    }
    let named = catalogue::names(rows, reads, system, method, path);
    (!named).then(|| format!("nothing describes {method} {path}: say so in its `evidence`"))
}

#[test]
fn every_request_is_one_that_the_systems_document() {
    let (manifests, cards) = (manifests(), cards());
    let Some(rows) = catalogue::rows() else {
        eprintln!("skipped: the facts do not stand beside the repository");
        return;
    };
    let reads = catalogue::reads();
    let (mut checked, mut faults) = (0, Vec::new());
    for system in manifests.systems() {
        for sample in sample::all(manifests, system) {
            checked += 1;
            let wrong = wrong(system, cards.get(system), (&rows, &reads), &sample);
            faults.extend(wrong.map(|why| format!("{system}.{} {}: {why}", sample.name, sample.phase)));
        }
    }
    assert!(checked > 100, "only {checked} requests");
    assert!(
        faults.is_empty(),
        "{} of {checked} requests are not as documented:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_system_with_a_manifest_has_all_its_core_functions() {
    let manifests = manifests();
    let Some(rows) = catalogue::rows() else { return };
    let mut missing = Vec::new();
    for system in manifests.systems() {
        let awfs = &manifests.manifest(system).unwrap().awfs;
        let core = catalogue::core(&rows, system);
        missing
            .extend(core.iter().filter(|awf| !awfs.contains_key(**awf)).map(|awf| format!("{system}.{awf}")));
    }
    assert!(missing.is_empty(), "{} core AWFs are missing: {}", missing.len(), missing.join(", "));
}

#[test]
fn a_request_that_strays_from_its_card_is_seen() {
    let cards = serde_json::json!({"cards": [{
        "awf": "grant", "method": "POST", "path": "/seats", "spec_path": "/seats", "base_paths": ["/api"],
        "query_params": [{"name": "page", "required": true}],
        "request_content_type": ["application/json"],
        "request_body_schema": {"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}},
    }]});
    let request = |path: &str, query: &str, body: &str| Request {
        system: "crm".to_owned(),
        method: "POST".to_owned(),
        url: format!("https://crm.example{path}"),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: Vec::new(),
        content_type: Some("application/json".to_owned()),
        body: body.as_bytes().to_vec(),
    };
    let check = |path: &str, query: &str, body: &str, expect: &str| {
        let request = request(path, query, body);
        let said = match card_of(&cards, "grant", &request) {
            None => "no card".to_owned(),
            Some(card) => against_card(card, &request).err().unwrap_or_default(),
        };
        assert_eq!(said, expect, "{path}?{query} {body}");
    };
    check("/api/seats", "page[limit]=1", r#"{"user":"u"}"#, "");
    check("/seats", "page=1", r#"{"user":"u"}"#, "");
    check("/chairs", "page=1", r#"{"user":"u"}"#, "no card");
    check("/seats", "", r#"{"user":"u"}"#, "it lacks the query `page`");
    check("/seats", "page=1&x=2", r#"{"user":"u"}"#, "the card knows no query `x`");
    check("/seats", "page=1", "{}", "body lacks user");
    check("/seats", "page=1", r#"{"user":7}"#, "body.user is integer, not \"string\"");
    check("/seats", "page=1", r#"{"user":"u","seat":"s"}"#, "the card knows no member `seat`");
}
