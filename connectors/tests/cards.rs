//! Every request against the operation cards: facts about the systems' interfaces that no one here made up.
//!
//! The cards stand beside the repository. With `CI=true` their absence fails.

use crate::support::{Asking, config, manifests, reading};
use serde_json::Value as Json;
use std::path::PathBuf;
use xops_kernel::port::{Connector, Phase, Request};
use xops_kernel::value::{Value, Values};

/// What no card describes: the listing of what `{id}/assign` addresses, the listing of groups by SCIM, and the activation of
/// what waits.
const NO_CARD: [&str; 3] =
    ["GET /deviceManagement/deviceConfigurations", "GET /Groups", "POST /zia/api/v1/status/activate"];

fn cards(system: &str) -> Option<Json> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/cards");
    let text = std::fs::read_to_string(folder.join(format!("{system}.json")));
    if text.is_err() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "there are no cards of {system} at {}",
            folder.display()
        );
        eprintln!("skipped: there are no cards of {system}");
    }
    text.ok().map(|text| serde_json::from_str(&text).unwrap())
}

/// Whether a path fits a template with `{holes}`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(one, other)| (one.starts_with('{') && !other.is_empty()) || one == other)
}

/// The parameter of which `page[limit]` is a member.
fn deep(name: &str) -> &str {
    name.split_once('[').map_or(name, |(whole, _)| whole)
}

/// What is wrong with `value` under the subset of JSON Schema that the cards use.
fn violation(schema: &Json, value: &Json, at: &str) -> Option<String> {
    if schema.get("x-cut").is_some() || schema.as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fails: Vec<String> = any.iter().filter_map(|one| violation(one, value, at)).collect();
        return (fails.len() == any.len()).then(|| fails.join(" or "));
    }
    let found = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let names = |name: &Json| name == found || (name == "number" && found == "integer");
    let is_type = match &schema["type"] {
        Json::Null => true,
        Json::Array(all) => all.iter().any(names),
        one => names(one),
    };
    if !is_type {
        return Some(format!("{at} is {found}, not {}", schema["type"]));
    }
    if let Some(all) = schema["enum"].as_array().filter(|all| !all.contains(value)) {
        return Some(format!("{at} is {value}, not one of {all:?}"));
    }
    if let Json::String(text) = value {
        let length = text.chars().count() as u64;
        let too_short = schema["minLength"].as_u64().is_some_and(|least| length < least);
        let too_long = schema["maxLength"].as_u64().is_some_and(|most| length > most);
        return (too_short || too_long).then(|| format!("{at} has {length} characters"));
    }
    if let Json::Array(items) = value {
        let each = items.iter().enumerate();
        return each
            .into_iter()
            .find_map(|(n, item)| violation(&schema["items"], item, &format!("{at}[{n}]")));
    }
    let Json::Object(members) = value else { return None };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
    if let Some(missing) = required.into_iter().find(|name| !members.contains_key(*name)) {
        return Some(format!("{at} lacks {missing}"));
    }
    members.iter().find_map(|(name, member)| match schema["properties"].get(name) {
        Some(inner) => violation(inner, member, &format!("{at}.{name}")),
        None if schema["additionalProperties"] == false => Some(format!("{at} has no {name}")),
        None => None,
    })
}

fn check(system: &str, cards: &Json, title: &str, request: &Request) {
    if String::from_utf8_lossy(&request.body).contains("<soapenv:Envelope") {
        check_soap(cards, title, request);
        return;
    }
    let base = config(system)["base_url"].to_string();
    let path = request.url.strip_prefix(&base).unwrap();
    // A vendor's description puts part of the path before or after the line that separates the server from the operation.
    let whole = request.url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap();
    let fitting = cards["cards"].as_array().unwrap().iter().filter(|card| {
        let template = card["spec_path"].as_str().or(card["path"].as_str()).unwrap();
        let bases = card["base_paths"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let based = bases.into_iter().any(|base| fits(&format!("{base}{template}"), &whole));
        card["method"] == request.method.as_str() && (fits(template, path) || fits(template, &whole) || based)
    });
    let Some(card) = fitting.into_iter().find(|card| card.get("same_operation_as").is_none()) else {
        let operation = format!("{} {path}", request.method);
        assert!(NO_CARD.contains(&operation.as_str()), "{title}: no card describes {operation}");
        return;
    };
    let known: Vec<&Json> = card["query_params"].as_array().into_iter().flatten().collect();
    for (name, _) in &request.query {
        assert!(
            known.iter().any(|one| one["name"] == name.as_str() || one["name"] == deep(name)),
            "{title}: the card knows no query `{name}`"
        );
    }
    for one in known.iter().filter(|one| one["required"] == true) {
        assert!(
            request.query.iter().any(|(name, _)| one["name"] == name.as_str()),
            "{title}: lacks {}",
            one["name"]
        );
    }
    let Some(kind) = &request.content_type else {
        assert!(card["request_body_required"] != true, "{title}: the card wants a body");
        return;
    };
    let kinds = card["request_content_type"].as_array().unwrap();
    assert!(kinds.iter().any(|one| one == kind.as_str()), "{title}: {kind} is none of {kinds:?}");
    let body = if kind.ends_with("json") {
        serde_json::from_slice(&request.body).unwrap()
    } else if kind.ends_with("xml") {
        return;
    } else {
        let pairs = url::form_urlencoded::parse(&request.body);
        Json::Object(
            pairs.map(|(name, value)| (name.into_owned(), Json::String(value.into_owned()))).collect(),
        )
    };
    assert_eq!(violation(&card["request_body_schema"], &body, "body"), None, "{title}");
    for name in body.as_object().into_iter().flat_map(serde_json::Map::keys) {
        let declared = &card["request_body_schema"];
        let open = declared["additionalProperties"] == true || declared["properties"].is_null();
        assert!(
            open || declared["properties"].get(name).is_some(),
            "{title}: the card knows no member `{name}`"
        );
    }
}

/// A SOAP request: the service and operation, the required paths, nothing unknown, the order of the top level.
fn check_soap(cards: &Json, title: &str, request: &Request) {
    let text = String::from_utf8(request.body.clone()).unwrap();
    let body = xops_connectors::xml::parse(&request.body, &std::collections::BTreeMap::new()).unwrap();
    let Some(Value::Map(inside)) = body.get("Envelope").and_then(|envelope| envelope.get("Body")).cloned()
    else {
        panic!("{title}: no envelope")
    };
    let (element, content) = inside.iter().next().unwrap();
    let path = request.url.split_once(".example").unwrap().1;
    let of_card = |card: &&Json| {
        let template = card["path"].as_str().unwrap().split('#').next().unwrap();
        card["request_element"] == element.as_str() && fits(template, path)
    };
    let card = cards["cards"].as_array().unwrap().iter().find(of_card);
    let card = card.unwrap_or_else(|| panic!("{title}: no card describes {element} at {path}"));
    assert_eq!(request.content_type.as_deref(), Some("text/xml; charset=utf-8"), "{title}");
    for required in card["required_paths"].as_array().unwrap() {
        let required = required.as_str().unwrap().replace("[]", "");
        let found = required.split('/').try_fold(content, |at, name| at.get(name));
        assert!(found.is_some(), "{title}: lacks {required}");
    }
    known(&card["request_elements"], content, title);
    let order = card["element_order"].as_array().unwrap().iter().filter_map(Json::as_str);
    let places: Vec<usize> = order.filter_map(|name| text.find(&format!("<b:{name}>"))).collect();
    assert!(places.is_sorted(), "{title}: the elements are out of order");
}

fn known(declared: &Json, found: &Value, at: &str) {
    if declared.get("cut").is_some() {
        return;
    }
    match found {
        Value::List(items) => items.iter().for_each(|item| known(declared, item, at)),
        Value::Map(members) => {
            for (name, member) in members {
                let place = format!("{at}/{name}");
                if let Some(attribute) = name.strip_prefix('@') {
                    assert!(declared["attributes"].get(attribute).is_some(), "{place}: no such attribute");
                } else if name != "#text" {
                    let optional = declared["more_optional"].as_array().into_iter().flatten();
                    let listed = optional.into_iter().any(|one| one == name.as_str());
                    let inner = declared["elements"].get(name);
                    assert!(listed || inner.is_some(), "{place}: no such element");
                    if let Some(inner) = inner {
                        known(inner, member, &place);
                    }
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_request_is_one_that_the_systems_document() {
    let manifests = manifests();
    for system in manifests.systems() {
        let Some(cards) = cards(system) else { continue };
        let mut checked = 0;
        for (name, contract) in manifests.contracts().iter().filter(|(name, _)| name.system == system) {
            let mut asking = Asking::of(&manifests, system, &name.function);
            for gathered in ["others", "groups"] {
                asking.snapshot.insert(gathered.to_owned(), Value::List(Vec::new()));
            }
            for phase in [Phase::Snapshot, Phase::Do, Phase::Probe, Phase::Readback] {
                if phase == Phase::Do || contract.snapshot {
                    let request = manifests.render(&asking.ask(phase)).unwrap();
                    check(system, &cards, &format!("{name} {}", phase.word()), &request);
                    checked += 1;
                }
            }
        }
        for read in manifests.reads(system) {
            let (carry, parent) = (Values::new(), read.for_each.is_some().then_some("parent-1"));
            let ask = reading(system, &read.name, parent, &carry);
            let request = manifests.render_read(&config(system), &ask).unwrap();
            check(system, &cards, &format!("{system} read {}", read.name), &request);
            checked += 1;
        }
        assert!(checked > 5, "{system}: only {checked} requests");
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = serde_json::json!({"type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"type": ["string", "null"], "maxLength": 3}, "b": {"type": "array", "items": {"enum": [1]}}}});
    let check = |value: Json, expect: Option<&str>| {
        assert_eq!(violation(&schema, &value, "body").as_deref(), expect, "{value}");
    };
    check(serde_json::json!({"a": "x", "b": [1]}), None);
    check(serde_json::json!({"b": [1]}), Some("body lacks a"));
    check(serde_json::json!({"a": "long"}), Some("body.a has 4 characters"));
    check(serde_json::json!({"a": "x", "c": 1}), Some("body has no c"));
    check(serde_json::json!({"a": "x", "b": [2]}), Some("body.b[0] is 2, not one of [Number(1)]"));
    assert!(fits("/a/{id}/c", "/a/1/c") && !fits("/a/{id}/c", "/a/1/d") && !fits("/a/{id}", "/a/"));
}
