//! Between the wire's shapes and the world's: addresses and JSON on one side, shelves and lines on the other.
//!
//! Invariants: nothing is decided here, and a request that means nothing gives nothing; lists come in pages of [`PAGE`].

use super::TENANT;
use crate::systems::Sight;
use crate::world::{Entry, IDEMPOTENCY, MARKER, World};
use xops_connectors::json;
use xops_kernel::port::{Request, Response};
use xops_kernel::value::Value;

/// Objects on a page: so few that most lists have several.
const PAGE: usize = 2;

/// The parts of a path: `/v1/objects/{id}/{serial}`, `/v1/objects/{id}/value`, `/v1/sets/{id}`.
fn parts(url: &str) -> Option<Vec<&str>> {
    let (_, path) = url.split_once("://")?.1.split_once('/')?;
    path.strip_prefix("v1/").map(|path| path.split('/').collect())
}

fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name).filter(|value| !value.is_null()).map(Value::to_string)
}

/// What a request to act means to the world; nothing if it means nothing.
pub(super) fn inward(request: &Request) -> Option<Request> {
    let body = if request.body.is_empty() { Value::Null } else { json::parse(&request.body).ok()? };
    let system = &request.system;
    let address = |id: &str| format!("/{system}/{id}");
    let value = || text(&body, "value");
    let (method, url, body) = match (request.method.as_str(), parts(&request.url)?.as_slice()) {
        ("POST", ["objects"]) => ("POST", address(&text(&body, "id")?), value()?),
        ("PUT", ["objects", id]) => ("PUT", address(id), value()?),
        ("PUT", ["objects", id, "value"]) => ("PATCH", address(id), value()?),
        ("DELETE", ["objects", id]) => ("DELETE", address(id), String::new()),
        ("DELETE", ["objects", id, serial]) => ("DELETE", format!("{}#{serial}", address(id)), String::new()),
        ("PUT", ["sets", id]) => {
            let mut members: Vec<String> =
                body.get("members")?.as_list()?.iter().map(Value::to_string).collect();
            members.sort();
            let told = members.iter().fold(String::new(), |told, member| told + member + ",");
            ("PUT", address(id), told)
        }
        _ => return None,
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    let marker = json::parse(&request.body).ok().and_then(|body| text(&body, "marker"));
    headers.extend(marker.map(|marker| (MARKER.to_owned(), marker)));
    let key = request.headers.iter().find(|(name, _)| name == IDEMPOTENCY).map(|(_, key)| key.clone());
    headers.push((IDEMPOTENCY.to_owned(), key.unwrap_or_default()));
    let (method, body) = (method.to_owned(), body.into_bytes());
    Some(Request {
        system: system.clone(),
        method,
        url,
        query: Vec::new(),
        headers,
        content_type: None,
        body,
    })
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Map(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn response(status: u16, body: &Value, headers: Vec<(String, String)>) -> Response {
    Response { status, headers, body: json::write(body, true).into_bytes() }
}

/// What the world answered, as the systems say it.
pub(super) fn outward(inner: &Response) -> Response {
    let why = String::from_utf8_lossy(&inner.body).into_owned();
    let code = match inner.status {
        200..=299 => {
            let Some(serial) = why.strip_prefix("serial ") else {
                // What says nothing is passed on as it is.
                let body = if why.is_empty() { "{}".to_owned() } else { why };
                return Response {
                    status: inner.status.min(201),
                    headers: Vec::new(),
                    body: body.into_bytes(),
                };
            };
            return response(inner.status, &object(&[("serial", Value::from(serial))]), Vec::new());
        }
        401 => "unauthenticated",
        404 => "absent",
        409 => "conflict",
        429 => "too_many",
        503 => "not_executed",
        _ => "refused",
    };
    let seconds = why.parse::<u64>().ok().filter(|_| inner.status == 429).map(|ms| ms.div_ceil(1_000));
    let headers = seconds.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
    let error = object(&[("code", Value::from(code)), ("message", Value::from(why))]);
    response(inner.status, &object(&[("error", error)]), headers.into_iter().collect())
}

/// One page of what is at an address.
pub(super) fn listed(world: &World, request: &Request, sight: Sight) -> Response {
    let parts = parts(&request.url).unwrap_or_default();
    let asked =
        |name: &str| request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let id = match parts.as_slice() {
        ["objects"] => asked("id"),
        ["sets", id] => Some(*id),
        _ => None,
    };
    let Some(id) = id else { return outward(&crate::world::answer(400, "list what?")) };
    let address = format!("/{}/{id}", request.system);
    let mut items: Vec<Value> = Vec::new();
    if sight.others && parts.len() == 1 {
        items.extend(others(id));
    }
    items.extend(world.at(&address, sight.at).iter().map(|entry| item(TENANT, id, entry)));
    let from = asked("cursor").and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0);
    let page: Vec<Value> = items.iter().skip(from).take(PAGE).cloned().collect();
    let next = (from + PAGE < items.len()).then(|| Value::from((from + PAGE).to_string()));
    let body = object(&[("items", Value::List(page)), ("next", next.unwrap_or(Value::Null))]);
    response(200, &body, Vec::new())
}

fn item(tenant: &str, id: &str, entry: &Entry) -> Value {
    let marker = entry.marker.as_deref().map_or(Value::Null, Value::from);
    object(&[
        ("tenant", Value::from(tenant)),
        ("id", Value::from(id)),
        ("serial", Value::from(entry.serial.to_string())),
        ("value", Value::from(entry.value.as_str())),
        ("marker", marker),
    ])
}

/// Another tenant's objects of the same id: one that says just what a step of ours would want, and two that do not.
fn others(id: &str) -> Vec<Value> {
    let place = id.rsplit('-').next().unwrap_or(id);
    let theirs = |value: String, serial| item("theirs", id, &Entry { serial, value, marker: None });
    vec![
        theirs(format!("wanted-{place}"), 1),
        theirs("disabled".to_owned(), 2),
        theirs("theirs".to_owned(), 3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_how_the_list_goes_on_until_it_is_over() {
        let mut world = World::default();
        for value in ["a", "b", "c"] {
            world.place("/bare/p-1", value);
        }
        let ask = |cursor: Option<&str>| {
            let mut query = vec![("id".to_owned(), "p-1".to_owned())];
            query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_owned())));
            let request = Request {
                system: "bare".into(),
                method: "GET".into(),
                url: "https://bare.example/v1/objects".into(),
                query,
                headers: Vec::new(),
                content_type: None,
                body: Vec::new(),
            };
            let body = json::parse(&listed(&world, &request, Sight { at: 1, others: false }).body).unwrap();
            let values: Vec<String> = body
                .get("items")
                .and_then(Value::as_list)
                .unwrap()
                .iter()
                .filter_map(|item| text(item, "value"))
                .collect();
            (values.join(""), text(&body, "next"))
        };
        assert_eq!(ask(None), ("ab".into(), Some("2".into())));
        assert_eq!(ask(Some("2")), ("c".into(), None));
    }
}
