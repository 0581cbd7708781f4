//! Serves a route: its steps in order, until one of them answers.
//!
//! - No vendor. A route judges first and writes last, as its description orders its steps.
//! - Writes are judged against the truth; listings may lag behind it.

use super::describe::{Description, Rule, Step, Told};
use super::fill::{
    Condition, Scope, at, fill, fill_text, filtered, open, overlay, same, shown, without_nothing,
};
use crate::mint;
use crate::soap::{self, Xml};
use crate::store::{Fresh, Tx};
use crate::system::Call;
use crate::wire::Reply;
use serde_json::{Map, Value, json};

/// Items of one listing at most.
const ITEMS_MAX: usize = 1_000;

/// What the request says, by name.
pub(crate) fn scope(call: &Call<'_>) -> Scope {
    let pairs = |all: &[(String, String)]| {
        Value::Object(all.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>())
    };
    let request = call.request;
    let asked = call.document.as_ref().and_then(|document| document.child("Body")?.children.first());
    let body = match asked {
        Some(element) => element.json(),
        None => super::body::read(request),
    };
    Scope::from([
        ("body".to_owned(), body),
        ("path".to_owned(), pairs(&call.params)),
        ("query".to_owned(), pairs(&request.query)),
        ("header".to_owned(), pairs(&request.headers)),
        ("base".to_owned(), json!(request.base)),
    ])
}

/// The answer of `status`: the body that is told, or the system's own.
pub(crate) fn answer(description: &Description, told: &Told, scope: &Scope) -> Reply {
    let template = told.1.as_ref().or_else(|| description.errors.get(&told.0));
    let plain = json!({"error": "<why>"});
    if let Some(Value::String(page)) =
        template.filter(|page| page.as_str().is_some_and(|page| page.starts_with("<html")))
    {
        // Some answer with a page for people.
        let body = page.clone().into_bytes();
        return Reply { status: told.0, content_type: "text/html", headers: Vec::new(), body };
    }
    let reply = Reply::json(told.0, &fill(template.unwrap_or(&plain), scope));
    with_headers(reply, &description.error_headers, scope)
}

fn with_headers(reply: Reply, headers: &[(String, String)], scope: &Scope) -> Reply {
    headers.iter().fold(reply, |reply, (header, value)| reply.with(header, shown(&fill_text(value, scope))))
}

/// Serves one call.
pub(crate) fn serve(description: &Description, rule: &Rule, call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let mut scope = scope(call);
    scope.insert("now".to_owned(), json!(crate::clock::instant(tx.now_ms)));
    scope.insert("now_ms".to_owned(), json!(tx.now_ms));
    scope.insert("today".to_owned(), json!(crate::clock::date(tx.now_ms)));
    scope.extend(description.shapes.clone());
    let replies = rule.steps.iter().find_map(|step| take(description, step, &mut scope, tx));
    let reply = replies.unwrap_or_else(|| Reply::empty(204));
    if call.document.is_some() { enveloped(&reply, call.param("version")) } else { reply }
}

/// The answer in an envelope: `{"code", "text"}` is a fault of validation, anything else has the element's name around it.
fn enveloped(reply: &Reply, version: &str) -> Reply {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = match (body["code"].as_str(), body.as_object().and_then(|all| all.iter().next())) {
        (Some(code), _) => {
            soap::fault(code, body["text"].as_str().unwrap_or_default(), Some("Validation_Fault"))
        }
        (None, Some((name, inside))) => {
            let mut xml = Xml::default();
            xml.members(inside);
            xml.response(name, version)
        }
        (None, None) => soap::nothing(),
    };
    Reply::xml(reply.status, text)
}

fn why(scope: &mut Scope, text: &str) {
    scope.insert("why".to_owned(), json!(text));
}

/// Takes one step; an answer ends the route.
fn take(description: &Description, step: &Step, scope: &mut Scope, tx: &mut Tx<'_>) -> Option<Reply> {
    match step {
        Step::Needs { .. } | Step::Find { .. } | Step::Free { .. } | Step::If { .. } | Step::Require(_) => {
            return judged(description, step, scope, tx);
        }
        Step::Only { when, step } => {
            let seen =
                Value::Object(scope.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
            if all_hold(when, &seen, scope) {
                return take(description, step, scope, tx);
            }
        }
        Step::List { kind, when, filter, shown } => {
            return listed(description, (kind, when, filter.as_deref(), shown.as_ref()), scope, tx);
        }
        Step::Window { from, size, first } => windowed(from, size, *first, scope),
        Step::Let { name, value } => {
            scope.insert(name.clone(), fill(value, scope));
        }
        Step::Each { hole, step } => {
            let items = fill_text(hole, scope);
            for item in items.as_array().cloned().unwrap_or_default() {
                scope.insert("it".to_owned(), item);
                if let Some(reply) = take(description, step, scope, tx) {
                    return Some(reply);
                }
            }
        }
        Step::Reply { status, headers, body } => {
            let reply = body
                .as_ref()
                .map_or_else(|| Reply::empty(*status), |body| Reply::json(*status, &open(fill(body, scope))));
            return Some(with_headers(reply, headers, scope));
        }
        writing => write(description, writing, scope, tx),
    }
    None
}

/// Judges a call before anything is written; an answer refuses it.
fn judged(description: &Description, step: &Step, scope: &mut Scope, tx: &mut Tx<'_>) -> Option<Reply> {
    let name = |id: &str, scope: &Scope| shown(&fill_text(id, scope));
    match step {
        Step::Needs { kind, id, told } => {
            let id = name(id, scope);
            let Some(found) = tx.view(Fresh::Strong).get(kind, &id).cloned() else {
                why(scope, &format!("there is no {kind} {id}"));
                return Some(answer(description, told, scope));
            };
            scope.insert(kind.clone(), found);
        }
        Step::Find { kind, id, fields, told } => {
            let asked = fill_text(id, scope);
            let is_named = |item: &Value| fields.iter().any(|field| is_called(&at(item, field), &asked));
            let view = tx.view(Fresh::Strong);
            let found = view.get(kind, &shown(&asked)).cloned();
            let named = || view.all(kind).find(|(_, item)| is_named(item)).map(|(_, item)| item.clone());
            let Some(found) = found.or_else(named) else {
                why(scope, &format!("there is no {kind} {}", shown(&asked)));
                return Some(answer(description, told, scope));
            };
            scope.insert(kind.clone(), found);
        }
        Step::Free { kind, id, when, told } => {
            let taken = match id {
                Some(id) => tx.get(kind, &name(id, scope)).is_some(),
                None => tx.truth().all(kind).any(|(_, item)| all_hold(when, item, scope)),
            };
            if taken {
                why(scope, &format!("there is such a {kind} already"));
                return Some(answer(description, told, scope));
            }
        }
        Step::If { when, told } => {
            let seen =
                Value::Object(scope.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
            if all_hold(when, &seen, scope) {
                why(scope, "the object is not in a state for this");
                return Some(answer(description, told, scope));
            }
        }
        Step::Require(fields) => {
            let body = scope.get("body").cloned().unwrap_or_default();
            if let Some(missing) = fields.iter().find(|field| at(&body, field).is_null()) {
                why(scope, &format!("{missing} is required"));
                return Some(answer(description, &(400, None), scope));
            }
        }
        _ => {}
    }
    None
}

/// Whether a name, or one of a list of names, is the one that is asked for.
fn is_called(names: &Value, asked: &Value) -> bool {
    names.as_array().map_or_else(|| same(names, asked), |names| names.iter().any(|name| same(name, asked)))
}

/// Keeps one page of the items.
fn windowed(from: &str, size: &str, first: Option<u64>, scope: &mut Scope) {
    let number = |text: &str| shown(&fill_text(text, scope)).parse::<usize>().ok();
    let size = number(size).unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
    let from = match first {
        None => number(from).unwrap_or(0),
        Some(first) => {
            let first = usize::try_from(first).unwrap_or(1);
            number(from).unwrap_or(first).saturating_sub(first).saturating_mul(size)
        }
    };
    let items = scope.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let page: Vec<Value> = items.into_iter().skip(from).take(size).collect();
    scope.insert("items".to_owned(), Value::Array(page));
}

fn write(description: &Description, step: &Step, scope: &mut Scope, tx: &mut Tx<'_>) {
    let name = |id: &str, scope: &Scope| shown(&fill_text(id, scope));
    match step {
        Step::Make { kind, id, value } => {
            let id = id.as_ref().map_or_else(|| fresh(description, kind, tx), |id| name(id, scope));
            scope.insert("id".to_owned(), json!(id));
            store(kind, &id, &fill(value, scope), scope, tx);
        }
        Step::Put { kind, id, value } => store(kind, &name(id, scope), &fill(value, scope), scope, tx),
        Step::Merge { kind, id, value } => {
            let id = name(id, scope);
            let mut object = tx.get(kind, &id).cloned().unwrap_or_else(|| json!({}));
            overlay(&mut object, &fill(value, scope));
            // What it says beside is left as it stands.
            scope.insert(kind.clone(), object.clone());
            tx.put(kind, &id, object);
        }
        Step::Drop { kind, id } => {
            tx.remove(kind, &name(id, scope));
        }
        Step::DropAll { kind, when } => {
            let meant = tx.truth().all(kind).filter(|(_, item)| all_hold(when, item, scope));
            let ids: Vec<String> = meant.map(|(id, _)| id.to_owned()).collect();
            for id in ids {
                tx.remove(kind, &id);
            }
        }
        Step::Add { kind, id, field, value } | Step::Cut { kind, id, field, value } => {
            let (id, value) = (name(id, scope), fill(value, scope));
            let Some(mut object) = tx.get(kind, &id).cloned() else { return };
            let mut items = at(&object, field).as_array().cloned().unwrap_or_default();
            let is_adding = matches!(step, Step::Add { .. });
            // An object is told by the members that are named; what else it has does not matter.
            let is_it = |item: &Value| covers(item, &value);
            if !is_adding {
                items.retain(|item| !is_it(item));
            } else if !items.iter().any(is_it) {
                items.push(value.clone());
                items.sort_by_key(ToString::to_string);
            }
            let mut patch = json!(items);
            for part in field.rsplit('.') {
                patch = json!({part: patch});
            }
            overlay(&mut object, &patch);
            store(kind, &id, &object, scope, tx);
        }
        _ => {}
    }
}

/// Whether `item` says all that `asked` says.
fn covers(item: &Value, asked: &Value) -> bool {
    match asked {
        Value::Object(members) => members.iter().all(|(name, value)| item.get(name) == Some(value)),
        other => item == other,
    }
}

fn store(kind: &str, id: &str, value: &Value, scope: &mut Scope, tx: &mut Tx<'_>) {
    let value = without_nothing(value);
    scope.insert(kind.to_owned(), value.clone());
    tx.put(kind, id, value);
}

fn all_hold(when: &[Condition], item: &Value, scope: &Scope) -> bool {
    when.iter().all(|condition| condition.holds(item, scope))
}

fn fresh(description: &Description, kind: &str, tx: &mut Tx<'_>) -> String {
    let style = description.ids.get(kind).or_else(|| description.ids.get("")).map_or("guid", String::as_str);
    match style {
        "digits" => format!("{}", 700_000 + tx.next(kind)),
        "hex" => blake3::Hash::from(tx.fresh(kind)).to_hex()[..32].to_owned(),
        "base62" => mint::base62("", 20, tx.fresh(kind)),
        _ => mint::guid(tx.fresh(kind)),
    }
}

type Asked<'a> = (&'a str, &'a [Condition], Option<&'a str>, Option<&'a Value>);

fn listed(
    description: &Description,
    (kind, when, filter, template): Asked<'_>,
    scope: &mut Scope,
    tx: &mut Tx<'_>,
) -> Option<Reply> {
    let filter = filter.map(|text| shown(&fill_text(text, scope))).filter(|text| !text.is_empty());
    let mut items = Vec::new();
    for (_, item) in tx.view(Fresh::Eventual).all(kind).take(ITEMS_MAX) {
        if !all_hold(when, item, scope) {
            continue;
        }
        match filter.as_deref().map(|filter| filtered(item, filter)) {
            None | Some(Some(true)) => items.push(item.clone()),
            Some(Some(false)) => {}
            Some(None) => {
                scope.insert("why".to_owned(), json!("the filter is not understood"));
                return Some(answer(description, &(400, None), scope));
            }
        }
    }
    if let Some(template) = template {
        for item in &mut items {
            scope.insert("item".to_owned(), item.clone());
            *item = fill(template, scope);
        }
    }
    scope.insert("count".to_owned(), json!(items.len()));
    scope.insert("items".to_owned(), Value::Array(items));
    None
}
