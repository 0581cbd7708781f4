//! The subset of JSON Schema that the cards use, with their own marks.

use serde_json::Value as Json;

/// What is wrong with `value` under `schema`; in a form every value is a text (`form`).
pub(super) fn violation(schema: &Json, value: &Json, at: &str, form: bool) -> Option<String> {
    if schema.get("x-cut").is_some() || schema.as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(any) = schema[word].as_array() {
            let fails: Vec<String> = any.iter().filter_map(|one| violation(one, value, at, form)).collect();
            let more = schema.get("x-more-variants").is_some();
            return (fails.len() == any.len() && !more).then(|| fails.join(" or "));
        }
    }
    if let Some(wrong) = of_type(schema, value, at, form) {
        return Some(wrong);
    }
    match value {
        Json::String(text) => {
            let length = text.chars().count() as u64;
            let too_short = schema["minLength"].as_u64().is_some_and(|least| length < least);
            let too_long = schema["maxLength"].as_u64().is_some_and(|most| length > most);
            (too_short || too_long).then(|| format!("{at} has {length} characters"))
        }
        Json::Array(items) => {
            let mut each = items.iter().enumerate();
            each.find_map(|(n, item)| violation(&schema["items"], item, &format!("{at}[{n}]"), form))
        }
        Json::Object(members) => of_members(schema, members, at, form),
        _ => None,
    }
}

fn of_type(schema: &Json, value: &Json, at: &str, form: bool) -> Option<String> {
    let found = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    // A form knows texts only: what reads as the type is of the type.
    let as_text = |name: &str| match (name, value.as_str().filter(|_| form)) {
        ("integer", Some(text)) => text.parse::<i64>().is_ok(),
        ("number", Some(text)) => text.parse::<f64>().is_ok(),
        ("boolean", Some(text)) => matches!(text, "true" | "false" | "0" | "1"),
        ("array" | "object", Some(_)) => true,
        _ => false,
    };
    let names = |name: &Json| {
        name == found || (name == "number" && found == "integer") || name.as_str().is_some_and(as_text)
    };
    let is_type = match &schema["type"] {
        Json::Null => true,
        Json::Array(all) => all.iter().any(names),
        one => names(one),
    };
    // Some descriptions say `nullable` as they did before 3.1, and some systems clear a member by null.
    let nullable = value.is_null() && schema["nullable"] == true;
    if !is_type && !nullable {
        return Some(format!("{at} is {found}, not {}", schema["type"]));
    }
    if nullable || (form && schema["type"] != "string") || schema.get("x-flags").is_some() {
        return None;
    }
    let all = schema["enum"].as_array().filter(|all| !all.contains(value))?;
    Some(format!("{at} is {value}, not one of {all:?}"))
}

fn of_members(
    schema: &Json,
    members: &serde_json::Map<String, Json>,
    at: &str,
    form: bool,
) -> Option<String> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
    if let Some(missing) = required.into_iter().find(|name| !members.contains_key(*name)) {
        return Some(format!("{at} lacks {missing}"));
    }
    members.iter().find_map(|(name, member)| match schema["properties"].get(name) {
        Some(inner) => violation(inner, member, &format!("{at}.{name}"), form),
        None if schema["additionalProperties"] == false => Some(format!("{at} has no {name}")),
        None => None,
    })
}

/// A member that `schema` does not know, of an object that says what it has.
pub(super) fn unknown<'a>(schema: &Json, body: &'a Json) -> Option<&'a str> {
    let (Some(declared), Some(members)) = (schema["properties"].as_object(), body.as_object()) else {
        return None;
    };
    if schema["additionalProperties"] == true || schema["additionalProperties"].is_object() {
        return None;
    }
    let listed =
        |word: &str, name: &str| schema[word].as_array().into_iter().flatten().any(|one| one == name);
    let derived = members.get("@odata.type").and_then(|kind| schema["x-derived-members"].get(kind.as_str()?));
    let known = |name: &str| {
        let bound = name.strip_suffix("@odata.bind");
        // `page[limit]` and `spending_controls[limits][0]` are members of a member.
        let whole = name.split('[').next().unwrap_or(name);
        declared.contains_key(whole)
            || name == "@odata.type"
            || listed("x-more-optional", name)
            || derived.is_some_and(|derived| derived.get(name).is_some())
            || bound.is_some_and(|name| listed("x-navigation", name) || schema.get("x-abstract").is_some())
    };
    members.keys().map(String::as_str).find(|name| !known(name))
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = serde_json::json!({"type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"type": ["string", "null"], "maxLength": 3}, "b": {"type": "array", "items": {"enum": [1]}}}});
    let check = |value: Json, expect: Option<&str>| {
        assert_eq!(violation(&schema, &value, "body", false).as_deref(), expect, "{value}");
    };
    check(serde_json::json!({"a": "x", "b": [1]}), None);
    check(serde_json::json!({"b": [1]}), Some("body lacks a"));
    check(serde_json::json!({"a": "long"}), Some("body.a has 4 characters"));
    check(serde_json::json!({"a": "x", "c": 1}), Some("body has no c"));
    check(serde_json::json!({"a": "x", "b": [2]}), Some("body.b[0] is 2, not one of [Number(1)]"));
    let form = serde_json::json!({"properties": {"n": {"type": "integer"}}});
    assert_eq!(violation(&form, &serde_json::json!({"n": "7"}), "body", true), None);
    assert!(violation(&form, &serde_json::json!({"n": "seven"}), "body", true).is_some());
    assert!(violation(&form, &serde_json::json!({"n": "7"}), "body", false).is_some());
    assert_eq!(unknown(&form, &serde_json::json!({"n": 7, "m": 1})), Some("m"));
}
