//! Operation cards: every request is held against what the vendor's documents say of its operation.
//!
//! - No card is needed: an operation without one is recorded as `none` and judged by its system alone.
//! - Nothing here is strict or lenient by itself: it finds a violation, the engine decides what that costs.
//! - Headers are not judged: where cards name them they are credentials.

use crate::card_answer;
use crate::card_schema;
use crate::card_soap;
use crate::family;
use crate::system::Call;
use crate::wire::{Reply, Request, fits};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of one card file at most.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The cards of all systems.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    systems: BTreeMap<String, Vec<Value>>,
}

impl Cards {
    /// Reads `<system>.json` of each named system; a system without a file has no cards.
    pub(crate) fn load(dir: Option<&Path>, names: &[&str]) -> Result<Self, String> {
        let mut cards = Self::default();
        let Some(dir) = dir else { return Ok(cards) };
        if !dir.is_dir() {
            return Err(format!("`{}` is no directory", dir.display()));
        }
        for name in names {
            let path = dir.join(format!("{name}.json"));
            let Ok(about) = path.metadata() else { continue };
            if about.len() > FILE_BYTES_MAX {
                return Err(format!("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display()));
            }
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            let mut file: Value =
                serde_json::from_str(&text).map_err(|error| format!("`{}`: {error}", path.display()))?;
            let Value::Array(all) = file["cards"].take() else {
                return Err(format!("`{}` has no list `cards`", path.display()));
            };
            let own = all.into_iter().filter(|card| card["same_operation_as"].is_null()).collect();
            cards.systems.insert((*name).to_owned(), own);
        }
        Ok(cards)
    }

    /// The verdict on a request: `{"card": ...}`, with a `violation` where there is one, or `"none"`.
    pub(crate) fn check(&self, system: &str, base_path: &str, call: &Call<'_>) -> Value {
        let Some(cards) = self.systems.get(system) else { return json!("none") };
        let Some(card) = chosen(cards, base_path, call) else { return json!("none") };
        let name =
            card["awf"].as_str().or_else(|| card["read"].as_str()).or_else(|| card["readback"].as_str());
        let outcome = if card["protocol"].is_string() { soap(card, call) } else { rest(card, call.request) };
        match outcome {
            Ok(()) => json!({"card": name}),
            Err(violation) => json!({"card": name, "violation": violation}),
        }
    }
}

impl Cards {
    /// What is wrong with the answer to a call, where its card says so.
    pub(crate) fn check_answer(
        &self,
        system: &str,
        base_path: &str,
        call: &Call<'_>,
        reply: &Reply,
    ) -> Option<String> {
        let card = chosen(self.systems.get(system)?, base_path, call)?;
        let outcome = if card["protocol"].is_string() {
            card_soap::check_answer(card, reply)
        } else {
            card_answer::check(card, call.request, reply)
        };
        outcome.err()
    }
}

fn text<'a>(card: &'a Value, member: &str) -> &'a str {
    card[member].as_str().unwrap_or_default()
}

/// The card of the operation: by name where the protocol names it, else by method and path, literal paths first.
fn chosen<'a>(cards: &'a [Value], base_path: &str, call: &Call<'_>) -> Option<&'a Value> {
    if call.document.is_some() {
        return cards.iter().find(|card| text(card, "operation") == call.operation);
    }
    let request = call.request;
    let path = request.path.strip_prefix(base_path)?;
    let is_it = |card: &Value| {
        let whole = |base: &Value| fits(&format!("{}{}", base.as_str()?, text(card, "path")), path);
        let under = card["base_paths"].as_array().into_iter().flatten().any(|base| whole(base).is_some());
        card["protocol"].is_null() && (under || fits(text(card, "path"), path).is_some())
    };
    let mut fitting: Vec<&Value> = cards.iter().filter(|card| is_it(card)).collect();
    fitting.sort_by_key(|card| text(card, "path").matches('{').count());
    // `rules` is no id where some card knows it by its name: that one has no card of its own then.
    let least = fitting.first().map(|card| text(card, "path").matches('{').count());
    fitting.retain(|card| Some(text(card, "path").matches('{').count()) == least);
    let same = fitting.iter().find(|card| text(card, "method") == request.method);
    // A method that is named by its path alone may be called by another verb.
    let named = || fitting.iter().find(|card| call.operation == text(card, "path").trim_start_matches('/'));
    same.or_else(named).copied()
}

fn rest(card: &Value, request: &Request) -> Result<(), String> {
    for parameter in card["query_params"].as_array().into_iter().flatten() {
        judge_parameter(parameter, request)?;
    }
    let schema = &card["request_body_schema"];
    if request.body.is_empty() {
        let is_needed = card["request_body_required"] == true
            || schema["required"].as_array().is_some_and(|required| !required.is_empty());
        return if is_needed { Err("the body is missing".to_owned()) } else { Ok(()) };
    }
    let media = request.media_type();
    let known: Vec<&str> =
        card["request_content_type"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !known.is_empty() && !known.contains(&media.as_str()) {
        return Err(format!("content type `{media}` is none of {}", known.join(", ")));
    }
    if schema.is_null() || media.ends_with("/xml") {
        return Ok(());
    }
    if request.is_form() {
        let fields = request.form().into_iter().map(|(key, value)| (key, Value::String(value)));
        return card_schema::check(
            schema,
            &Value::Object(fields.collect::<Map<_, _>>()),
            card_schema::Source::Form,
        );
    }
    if media == "multipart/form-data" {
        return card_schema::check(schema, &family::body::read(request), card_schema::Source::JsonForForm);
    }
    let Some(body) = request.json() else { return Err("the body is not JSON".to_owned()) };
    // A description written for forms calls a structure that travels as JSON text a string.
    let is_form_first = known.first() == Some(&"application/x-www-form-urlencoded");
    let source = if is_form_first { card_schema::Source::JsonForForm } else { card_schema::Source::Json };
    card_schema::check(schema, &body, source)
}

fn judge_parameter(parameter: &Value, request: &Request) -> Result<(), String> {
    let name = text(parameter, "name");
    // Old descriptions let the credential stand in the query: in its header it is as good.
    let is_credential = name == "token" && request.header("authorization").is_some();
    match request.asked(name) {
        None if is_credential => Ok(()),
        None if parameter["required"] == true && request.method == "GET" => {
            Err(format!("query parameter `{name}` is missing"))
        }
        None => Ok(()),
        Some(value) => card_schema::check(parameter, &json!(value), card_schema::Source::Form)
            .map_err(|violation| format!("query parameter `{name}`: {violation}")),
    }
}

fn soap(card: &Value, call: &Call<'_>) -> Result<(), String> {
    let media = call.request.media_type();
    if media != "text/xml" {
        return Err(format!("content type `{media}` is not text/xml"));
    }
    let body = call.document.as_ref().and_then(|document| document.child("Body"));
    let Some(root) = body.and_then(|body| body.children.first()) else {
        return Err("the SOAP body is empty".to_owned());
    };
    card_soap::check(card, root)
}
