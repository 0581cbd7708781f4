//! The part of JSON Schema that operation cards use.
//!
//! - No `$ref`, no `pattern`, no `allOf`: cards have none. What a card adds under `x-...` is read where it forbids
//!   (`x-readOnly`) or completes (`x-derived-members`), and tolerated everywhere else.

use serde_json::Value;

/// How deep a value is followed.
const DEPTH_MAX: usize = 24;

/// Where a value comes from: it decides what may stand for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Json,
    /// Everything is text.
    Form,
    /// JSON in the place of a form: structures may stand where the description says text.
    JsonForForm,
    /// JSON that a system answers: what is read-only may stand there.
    Answer,
    /// The same where the card shows all members that there are: what it does not know may not stand there.
    WholeAnswer,
}

impl Source {
    /// Whether numbers and truths are numbers and truths.
    fn is_typed(self) -> bool {
        matches!(self, Self::Json | Self::Answer | Self::WholeAnswer)
    }
}

/// Checks a value; the error names the path and what is wrong there.
pub(crate) fn check(schema: &Value, value: &Value, source: Source) -> Result<(), String> {
    judge(schema, value, source, "", 0)
}

fn wrong(path: &str, text: &str) -> String {
    if path.is_empty() { text.to_owned() } else { format!("`{path}` {text}") }
}

fn judge(schema: &Value, value: &Value, source: Source, path: &str, depth: usize) -> Result<(), String> {
    if !schema.is_object() || depth > DEPTH_MAX {
        return Ok(());
    }
    if let Some(any) = schema["anyOf"].as_array().filter(|any| !any.is_empty()) {
        let outcomes: Vec<_> = any.iter().map(|one| judge(one, value, source, path, depth + 1)).collect();
        if outcomes.iter().all(Result::is_err) {
            return outcomes.into_iter().next().unwrap_or(Ok(()));
        }
    }
    judge_type(schema, value, source, path)?;
    judge_leaf(schema, value, source, path)?;
    match value {
        Value::Object(map) => judge_object(schema, map, source, path, depth),
        Value::Array(items) => {
            bounded(schema, "minItems", "maxItems", counted(items.len()), path, "items")?;
            for (at, item) in items.iter().enumerate() {
                judge(&schema["items"], item, source, &format!("{path}[{at}]"), depth + 1)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn judge_type(schema: &Value, value: &Value, source: Source, path: &str) -> Result<(), String> {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if types.is_empty() || types.iter().any(|name| is(name, value, source)) {
        return Ok(());
    }
    Err(wrong(path, &format!("is not of type {}", types.join(" or "))))
}

fn is(name: &str, value: &Value, source: Source) -> bool {
    let text = value.as_str().filter(|_| !source.is_typed());
    match name {
        "string" => {
            value.is_string() || (source == Source::JsonForForm && (value.is_array() || value.is_object()))
        }
        "integer" => {
            value.as_i64().is_some()
                || value.as_u64().is_some()
                || text.is_some_and(|text| text.parse::<i64>().is_ok())
        }
        "number" => value.is_number() || text.is_some_and(|text| text.parse::<f64>().is_ok()),
        "boolean" => {
            value.is_boolean() || text.is_some_and(|text| matches!(text, "true" | "false" | "1" | "0"))
        }
        "object" => value.is_object() || text.is_some_and(|text| text.starts_with('{')),
        // A form repeats a field or joins its values.
        "array" => value.is_array() || text.is_some(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn judge_leaf(schema: &Value, value: &Value, source: Source, path: &str) -> Result<(), String> {
    if let Some(allowed) = schema["enum"].as_array() {
        // A form writes `true` and `1` as text.
        let text = value.as_str().filter(|_| !source.is_typed());
        let spelled = |one: &Value| Some(one.to_string().as_str()) == text;
        if !allowed.iter().any(|one| one == value || spelled(one)) {
            return Err(wrong(path, &format!("is {value}, which is not one of the values of the card")));
        }
    }
    if let Some(text) = value.as_str() {
        bounded(schema, "minLength", "maxLength", counted(text.chars().count()), path, "characters")?;
        if let Some(format) = schema["format"].as_str()
            && !fits_format(format, text)
        {
            return Err(wrong(path, &format!("is no {format}")));
        }
    }
    value.as_f64().map_or(Ok(()), |number| bounded(schema, "minimum", "maximum", number, path, "in value"))
}

fn bounded(schema: &Value, low: &str, high: &str, have: f64, path: &str, what: &str) -> Result<(), String> {
    if schema[low].as_f64().is_some_and(|bound| have < bound) {
        return Err(wrong(path, &format!("has less than {} {what}", schema[low])));
    }
    if schema[high].as_f64().is_some_and(|bound| have > bound) {
        return Err(wrong(path, &format!("has more than {} {what}", schema[high])));
    }
    Ok(())
}

/// A count as a bound is written; what is past `u32` is past every bound of a card.
fn counted(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn fits_format(format: &str, text: &str) -> bool {
    match format {
        "email" => text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')),
        "uuid" => text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        "date" => text.len() == 10 && crate::clock::day(text).is_some(),
        "date-time" => crate::clock::parse(text).is_some(),
        "uri" => url::Url::parse(text).is_ok(),
        _ => true,
    }
}

fn judge_object(
    schema: &Value,
    map: &serde_json::Map<String, Value>,
    source: Source,
    path: &str,
    depth: usize,
) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        // What may be nothing is there when it says so.
        let kinds = &schema["properties"][name]["type"];
        let may_be_nothing = kinds.is_null() || has_name(kinds, "null");
        if map.get(name).is_none_or(|value| value.is_null() && !may_be_nothing) {
            return Err(wrong(path, &format!("has no member `{name}`")));
        }
    }
    let kind = map.get("@odata.type").and_then(Value::as_str);
    if !matches!(source, Source::Answer | Source::WholeAnswer) {
        may_be_sent(schema, map, path)?;
    }
    let derived = kind.map_or(&Value::Null, |kind| &schema["x-derived-members"][kind]);
    let is_described = schema["properties"].as_object().is_some_and(|members| !members.is_empty());
    let is_closed = schema["additionalProperties"] == false
        || (source == Source::WholeAnswer && is_described && schema["additionalProperties"].is_null());
    let is_open = !is_closed || schema["x-cut"].is_string();
    for (name, value) in map {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let known = [&schema["properties"][name], &derived[name]].into_iter().find(|one| !one.is_null());
        match known {
            Some(member) => judge(member, value, source, &below, depth + 1)?,
            None if is_open => judge(&schema["additionalProperties"], value, source, &below, depth + 1)?,
            None if has_name(&schema["x-more-optional"], name) || has_name(&schema["x-navigation"], name) => {
            }
            // OData says of what kind things are, and where they go on, beside what they are.
            None if source == Source::WholeAnswer && name.contains("@odata.") => {}
            None => return Err(wrong(path, &format!("has a member `{name}` that the card does not know"))),
        }
    }
    Ok(())
}

/// What only a request may not do: send what is read-only, leave open which type is meant.
fn may_be_sent(schema: &Value, map: &serde_json::Map<String, Value>, path: &str) -> Result<(), String> {
    // A reference names its object by what the object itself only shows; and what has to be sent may be sent.
    let is_reference =
        map.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("reference"));
    let must =
        |name: &str| name == "type" || has_name(&schema["required"], name) || (is_reference && name == "id");
    for name in schema["x-readOnly"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if map.contains_key(name) && !must(name) {
            return Err(wrong(path, &format!("sends `{name}`, which is read-only")));
        }
    }
    if schema["x-abstract"] == true && !map.get("@odata.type").is_some_and(Value::is_string) {
        return Err(wrong(path, "has no member `@odata.type`, and its type is abstract"));
    }
    Ok(())
}

fn has_name(names: &Value, name: &str) -> bool {
    names.as_array().is_some_and(|names| names.iter().any(|one| one == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: &Value, value: &Value, source: Source, expect: Option<&str>) {
        let found = super::check(schema, value, source).err();
        match expect {
            None => assert_eq!(found, None),
            Some(part) => assert!(found.as_deref().is_some_and(|text| text.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn a_body_is_held_against_its_schema() {
        let schema = json!({"type": "object", "required": ["profile"], "additionalProperties": false, "properties": {
            "profile": {"type": "object", "properties": {"email": {"type": "string", "format": "email", "maxLength": 20},
                "city": {"type": ["string", "null"]}}, "x-readOnly": ["id"]},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 1}}});
        check(&schema, &json!({"profile": {"email": "a@b.c", "city": null, "own": 1}}), Source::Json, None);
        check(&schema, &json!({}), Source::Json, Some("no member `profile`"));
        check(&schema, &json!({"profile": "nope"}), Source::Json, Some("`profile` is not of type object"));
        check(
            &schema,
            &json!({"profile": {"email": "a"}}),
            Source::Json,
            Some("`profile.email` is no email"),
        );
        check(&schema, &json!({"profile": {"id": 1}}), Source::Json, Some("read-only"));
        check(&schema, &json!({"profile": {}, "more": 1}), Source::Json, Some("does not know"));
        check(&schema, &json!({"profile": {}, "tags": ["a", "b"]}), Source::Json, Some("more than 1 items"));
        check(
            &schema,
            &json!({"profile": {}, "tags": [1]}),
            Source::Json,
            Some("`tags[0]` is not of type string"),
        );
    }

    #[test]
    fn a_form_is_text_and_json_in_its_place_may_have_structure() {
        let schema = json!({"type": "object", "properties": {"flag": {"type": "boolean"}, "blocks": {"type": "string"}}});
        check(&schema, &json!({"flag": "true"}), Source::Form, None);
        check(&schema, &json!({"flag": "perhaps"}), Source::Form, Some("`flag`"));
        check(&schema, &json!({"blocks": [1]}), Source::JsonForForm, None);
        check(&schema, &json!({"blocks": [1]}), Source::Json, Some("`blocks`"));
    }

    #[test]
    fn a_derived_type_brings_its_own_members() {
        let schema = json!({"type": "object", "x-abstract": true, "additionalProperties": false,
            "properties": {"@odata.type": {"enum": ["#a"]}}, "x-derived-members": {"#a": {"groupId": {"type": "string"}}}});
        check(&schema, &json!({"@odata.type": "#a", "groupId": "1"}), Source::Json, None);
        check(&schema, &json!({"@odata.type": "#a", "groupId": 1}), Source::Json, Some("`groupId`"));
        check(&schema, &json!({"groupId": "1"}), Source::Json, Some("abstract"));
        check(&schema, &json!({"@odata.type": "#b"}), Source::Json, Some("not one of"));
    }
}
