//! `ServiceNow`'s records: the Table API and an order from the catalog.
//!
//! - No order is refused because there is one like it already.

use super::Call;
use super::servicenow::{absent, error};
use super::servicenow_query::{self as query, Query};
use super::servicenow_tables::{blank, fill, has_field, label, minted, modify, number, table_of, target};
use crate::store::{Fresh, Tx, View};
use crate::wire::Reply;
use crate::{clock, mint};
use serde_json::{Map, Value, json};

/// Records of one answer, as many as the real default.
const RECORDS_MAX: usize = 10_000;

/// The record as the Table API shows it: references as links, the fields that were asked for.
fn shown(call: &Call<'_>, view: View<'_>, table: &str, record: &Value) -> Value {
    let members: Option<Vec<&str>> =
        call.request.asked("sysparm_fields").map(|text| text.split(',').collect());
    let display = call.request.asked("sysparm_display_value").unwrap_or("false");
    let is_bare = call.request.asked("sysparm_exclude_reference_link") == Some("true");
    let mut out = Map::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        if members.as_ref().is_some_and(|members| !members.contains(&name.as_str())) {
            continue;
        }
        let id = value.as_str().unwrap_or_default();
        let target = target(table, name).filter(|_| !id.is_empty());
        let label = || target.map_or_else(|| id.to_owned(), |target| label(view, target, id));
        let link = target.map(|target| format!("{}/api/now/table/{target}/{id}", call.request.base));
        let value = match (display, link) {
            ("true", Some(link)) if !is_bare => json!({"display_value": label(), "link": link}),
            ("true", _) => json!(label()),
            ("all", Some(link)) => json!({"display_value": label(), "value": id, "link": link}),
            ("all", None) => json!({"display_value": label(), "value": id}),
            (_, Some(link)) if !is_bare => json!({"link": link, "value": id}),
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    // A field through a reference, such as `requested_for.email`, is shown only when it is asked for.
    for name in members.into_iter().flatten().filter(|name| name.contains('.')) {
        let value =
            query::read(record, name, &|table, id| view.get(table, id), &|field| target(table, field));
        if let Some(value) = value {
            out.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(out)
}

fn invalid_table(name: &str) -> Reply {
    error(400, &format!("Invalid table {name}"), "")
}

pub(super) fn list_records(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let name = call.param("tableName");
    let Some(table) = table_of(name) else { return invalid_table(name) };
    let mut text = call.request.asked("sysparm_query").unwrap_or_default().to_owned();
    for (key, value) in call.request.query.iter().filter(|(key, _)| has_field(name, key)) {
        text.extend(["^", key, "=", value]);
    }
    let view = tx.view(Fresh::Strong);
    let query = Query::parse(&text, &|field| has_field(name, field.split('.').next().unwrap_or(field)));
    let read = |record: &Value, field: &str| {
        query::read(record, field, &|table, id| view.get(table, id), &|field| target(table.name, field))
    };
    let mut all: Vec<&Value> =
        view.all(name).map(|(_, record)| record).filter(|record| query.fits(record, &read)).collect();
    query.sort(&mut all, &read);
    let limit = call.request.number("sysparm_limit").unwrap_or(RECORDS_MAX).min(RECORDS_MAX);
    let offset = call.request.number("sysparm_offset").unwrap_or(0);
    let from = offset.min(all.len());
    let page = &all[from..(from + limit).min(all.len())];
    let items: Vec<Value> = page.iter().map(|record| shown(call, view, name, record)).collect();
    let links = links(call, limit, offset, all.len());
    Reply::json(200, &json!({"result": items}))
        .with("X-Total-Count", all.len().to_string())
        .with("Link", links)
}

fn links(call: &Call<'_>, limit: usize, offset: usize, total: usize) -> String {
    let at = |name: &str, offset: usize| {
        let query = call
            .request
            .query_with(&[("sysparm_limit", &limit.to_string()), ("sysparm_offset", &offset.to_string())]);
        format!("<{}{}?{query}>;rel=\"{name}\"", call.request.base, call.request.path)
    };
    let mut links = vec![at("first", 0)];
    if offset > 0 {
        links.push(at("prev", offset.saturating_sub(limit)));
    }
    if offset + limit < total {
        links.push(at("next", offset + limit));
    }
    let last = total.saturating_sub(1).checked_div(limit).unwrap_or(0) * limit;
    links.push(at("last", last));
    links.join(",")
}

pub(super) fn get_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    let view = tx.view(Fresh::Strong);
    view.get(name, id)
        .map_or_else(absent, |record| Reply::json(200, &json!({"result": shown(call, view, name, record)})))
}

/// What is said of a user whose name somebody has already: the only thing here that is unique.
fn taken(table: &str, body: &Value, tx: &Tx<'_>) -> Option<String> {
    let name = body["user_name"].as_str().filter(|name| table == "sys_user" && !name.is_empty())?;
    let is_taken = !tx.truth().with("sys_user", "/user_name", name).is_empty();
    is_taken.then(|| format!("Unique Key violation detected by database: user_name `{name}`"))
}

pub(super) fn create_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let name = call.param("tableName");
    let Some(table) = table_of(name) else { return invalid_table(name) };
    let Some(body) = call.request.json().filter(Value::is_object) else {
        return error(400, "Exception while reading request", "The payload is not valid JSON");
    };
    if let Some(text) = taken(name, &body, tx) {
        return error(403, "Operation Failed", &text);
    }
    let id = minted(tx, name);
    let mut record = blank(name, &id, &clock::instant_spaced(tx.now_ms));
    if let Some(prefix) = table.prefix {
        record.insert("number".to_owned(), json!(number(tx, prefix)));
    }
    if record.contains_key("active") {
        record.insert("active".to_owned(), json!("true"));
    }
    fill(&mut record, &body);
    tx.put(name, &id, Value::Object(record));
    let location = format!("{}/api/now/table/{name}/{id}", call.request.base);
    answered(call, tx, 201, name, &id).with("Location", location)
}

fn answered(call: &Call<'_>, tx: &Tx<'_>, status: u16, table: &str, id: &str) -> Reply {
    let view = tx.truth();
    let record = view.get(table, id).map_or(Value::Null, |record| shown(call, view, table, record));
    Reply::json(status, &json!({"result": record}))
}

pub(super) fn update_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    if tx.get(name, id).is_none() {
        return absent();
    }
    let Some(mut body) = call.request.json().filter(Value::is_object) else {
        return error(400, "Exception while reading request", "The payload is not valid JSON");
    };
    let is_cancelled = name == "sc_request" && body["request_state"] == "closed_cancelled";
    if is_cancelled {
        body["active"] = json!("false");
        body["stage"] = json!("closed_incomplete");
    }
    modify(tx, name, id, &body);
    if is_cancelled {
        let items: Vec<String> =
            tx.truth().with("sc_req_item", "/request", id).iter().map(|(id, _)| (*id).to_owned()).collect();
        for item in items {
            modify(
                tx,
                "sc_req_item",
                &item,
                &json!({"active": "false", "stage": "request_cancelled", "state": "4"}),
            );
        }
    }
    answered(call, tx, 200, name, id)
}

pub(super) fn delete_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    if tx.remove(name, id) { Reply::empty(204) } else { absent() }
}

pub(super) fn order_now(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let item = call.param("sys_id").to_owned();
    let Some(name) = tx.get("sc_cat_item", &item).and_then(|item| item["name"].as_str()).map(str::to_owned)
    else {
        return absent();
    };
    let body = call.request.json().unwrap_or_default();
    let quantity = match &body["sysparm_quantity"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let Some(quantity) = quantity.filter(|quantity| *quantity > 0) else {
        return error(400, "Invalid Request", "Quantity value is invalid");
    };
    let own = mint::hex32(0, "servicenow", "integration", 0);
    let recipient = body["sysparm_requested_for"].as_str().unwrap_or(&own).to_owned();
    if tx.get("sys_user", &recipient).is_none() {
        return error(400, "Invalid Request", "Requested for user does not exist");
    }
    let correlation = body["variables"]["correlation_id"].as_str().unwrap_or_default();
    let at = clock::instant_spaced(tx.now_ms);
    let (request, line) = (minted(tx, "sc_request"), minted(tx, "sc_req_item"));
    let (request_number, line_number) = (number(tx, "REQ"), number(tx, "RITM"));
    let mut record = blank("sc_request", &request, &at);
    let fields = json!({
        "number": request_number, "requested_for": recipient, "opened_by": own, "opened_at": at,
        "request_state": "in_process", "state": "1", "stage": "requested", "approval": "approved", "active": "true",
        "short_description": name, "correlation_id": correlation,
    });
    fill(&mut record, &fields);
    tx.put("sc_request", &request, Value::Object(record));
    let mut record = blank("sc_req_item", &line, &at);
    let fields = json!({
        "number": line_number, "request": request, "cat_item": item, "requested_for": recipient, "opened_at": at,
        "quantity": quantity.to_string(), "state": "1", "stage": "request_approved", "active": "true",
        "short_description": name, "correlation_id": correlation, "variables": body["variables"].to_string(),
    });
    fill(&mut record, &fields);
    tx.put("sc_req_item", &line, Value::Object(record));
    let result = json!({
        "sys_id": request, "number": request_number, "request_number": request_number, "request_id": request,
        "parent_id": Value::Null, "parent_table": "task", "table": "sc_request",
    });
    Reply::json(200, &json!({"result": result}))
}
