//! Answers against cards: what a stand-in says is held to what the vendor's documents say of its operation.
//!
//! - Only good answers are judged: cards say little of errors.
//! - A card without a schema judges the status alone; one whose statuses are not known says `2XX`. A status that is only
//!   recalled is not held against anybody, nor is 200 for a GET, which some descriptions forget.
//! - A schema that comes from the vendor's description shows all members that there are; one from documents in prose, from
//!   clients or from memory shows what they look like and leaves others open.

use crate::card_schema::{self, Source};
use crate::wire::{Reply, Request};
use serde_json::Value;

fn is_recalled(card: &Value, about: &str) -> bool {
    card[about].as_str().is_some_and(|evidence| evidence.contains("recalled"))
}

/// Whether the card shows all members that there are.
fn is_whole(card: &Value, request: &Request) -> bool {
    let is_described = card["evidence"].as_str().is_some_and(|evidence| evidence.starts_with("vendor spec"));
    let is_recalled = is_recalled(card, "evidence") || is_recalled(card, "status_and_response_evidence");
    is_described && !is_recalled && request.asked("$expand").is_none()
}

/// Checks the answer to an operation that is no SOAP.
pub(crate) fn check(card: &Value, request: &Request, reply: &Reply) -> Result<(), String> {
    if !(200..300).contains(&reply.status) {
        return Ok(());
    }
    let statuses = card["success_statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_sure = !is_recalled(card, "status_evidence") && !is_recalled(card, "status_and_response_evidence");
    let is_plain = request.method == "GET" && reply.status == 200;
    if is_sure
        && !is_plain
        && !statuses.is_empty()
        && !statuses.iter().any(|one| *one == "2XX" || *one == reply.status)
    {
        return Err(format!("status {} is none of {}", reply.status, Value::Array(statuses.to_vec())));
    }
    let schema = &card["response_schema"];
    if reply.body.is_empty() {
        let is_needed = schema["required"].as_array().is_some_and(|required| !required.is_empty());
        let is_told = schema["type"] == "array" || is_needed;
        return if reply.status == 200 && is_told { Err("the body is missing".to_owned()) } else { Ok(()) };
    }
    if !schema.is_object() {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(&reply.body).map_err(|_| "the body is not JSON".to_owned())?;
    // OData shows a plain value as `value`, and its descriptions the value alone.
    let is_plain = matches!(schema["type"].as_str(), Some("boolean" | "string" | "integer" | "number"));
    let body = if is_plain { body.get("value").unwrap_or(&body) } else { &body };
    let mut schema = schema.clone();
    if schema["x-navigation"].is_null() && schema.is_object() {
        schema["x-navigation"] = card["request_body_schema"]["x-navigation"].clone();
    }
    let source = if is_whole(card, request) { Source::WholeAnswer } else { Source::Answer };
    card_schema::check(&schema, body, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(evidence: &str, reply: &Reply, expect: Option<&str>) {
        let card = json!({"success_statuses": [200], "evidence": evidence, "response_schema": {"type": "object", "required": ["id"],
            "properties": {"id": {"type": "string"}, "kind": {"type": "string"}}, "x-readOnly": ["id"]}});
        let found = super::check(&card, &Request::default(), reply).err();
        match expect {
            None => assert_eq!(found, None),
            Some(part) => assert!(found.as_deref().is_some_and(|text| text.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn an_answer_is_held_against_its_card() {
        let good = json!({"id": "1"});
        check("vendor spec", &Reply::json(200, &good), None);
        check("vendor spec", &Reply::json(404, &json!({"error": 1})), None);
        check("vendor spec", &Reply::json(201, &good), Some("status 201"));
        check("vendor spec", &Reply::json(200, &json!({"id": 1})), Some("`id` is not of type string"));
        check("vendor docs", &Reply::json(200, &json!({"id": 1})), Some("`id` is not of type string"));
        check("vendor spec", &Reply::json(200, &json!({"id": "1", "own": 1})), Some("`own`"));
        check("vendor docs", &Reply::json(200, &json!({"id": "1", "own": 1})), None);
        check("vendor spec", &Reply::empty(200), Some("missing"));
    }
}
