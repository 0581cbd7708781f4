//! `ServiceNow`: the Table API under `/api/now/table` and ordering from the service catalog.
//!
//! - No access rules, no business rules but one: a request that is cancelled takes its items with it.
//! - Two orders make two requests: nothing is unique, as in the real catalog. What tells them apart is
//!   `variables.correlation_id`, which lands in `sc_request.correlation_id` and `sc_req_item.correlation_id`.
//! - Every value is a string; a field that the table does not have is ignored, in bodies as in queries.

use super::servicenow_query::{self as query, Query};
use super::{Call, Refusal, Route, Run, System, route, routed};
use crate::auth::{self, Access, Credentials};
use crate::fixed::CATALOG_ITEMS;
use crate::seed::World;
use crate::store::{Fresh, Shape, Tx, View};
use crate::throttle::{Rate, Standing};
use crate::wire::{Reply, Request};
use crate::{clock, mint};
use serde_json::{Map, Value, json};

const ROUTES: &[Route] = &[
    Route { method: "POST", path: "/oauth_token.do", run: Run::Token },
    route("POST", "/api/sn_sc/servicecatalog/items/{sys_id}/order_now", order_now),
    route("GET", "/api/now/table/{tableName}", list_records),
    route("POST", "/api/now/table/{tableName}", create_record),
    route("GET", "/api/now/table/{tableName}/{sys_id}", get_record),
    route("PATCH", "/api/now/table/{tableName}/{sys_id}", update_record),
    route("PUT", "/api/now/table/{tableName}/{sys_id}", update_record),
    route("DELETE", "/api/now/table/{tableName}/{sys_id}", delete_record),
];

/// One table: name, prefix of its numbers (none: no numbers), fields beside the system's, reference fields and
/// the tables that they point to.
struct Table {
    name: &'static str,
    prefix: Option<&'static str>,
    fields: &'static [&'static str],
    references: &'static [(&'static str, &'static str)],
}

const TABLES: &[Table] = &[
    Table {
        name: "sys_user",
        prefix: None,
        fields: &[
            "user_name", "email", "first_name", "last_name", "name", "title", "department", "active",
            "employee_number", "location", "manager", "phone",
        ],
        references: &[("manager", "sys_user")],
    },
    Table {
        name: "sc_request",
        prefix: Some("REQ"),
        fields: &[
            "number", "requested_for", "opened_by", "opened_at", "request_state", "state", "stage", "approval",
            "active", "short_description", "description", "correlation_id", "correlation_display", "comments",
            "price", "close_notes",
        ],
        references: &[("requested_for", "sys_user"), ("opened_by", "sys_user")],
    },
    Table {
        name: "sc_req_item",
        prefix: Some("RITM"),
        fields: &[
            "number", "request", "cat_item", "requested_for", "quantity", "state", "stage", "active",
            "short_description", "correlation_id", "variables", "opened_at", "comments", "close_notes",
        ],
        references: &[("request", "sc_request"), ("cat_item", "sc_cat_item"), ("requested_for", "sys_user")],
    },
    Table {
        name: "sc_cat_item",
        prefix: None,
        fields: &["name", "short_description", "active", "price", "category"],
        references: &[],
    },
    Table {
        name: "incident",
        prefix: Some("INC"),
        fields: &[
            "number", "short_description", "description", "caller_id", "state", "incident_state", "urgency", "impact",
            "priority", "category", "assignment_group", "assigned_to", "correlation_id", "close_code", "close_notes",
            "active", "opened_at", "comments", "work_notes",
        ],
        references: &[("caller_id", "sys_user"), ("assigned_to", "sys_user")],
    },
    Table {
        name: "alm_hardware",
        prefix: None,
        fields: &[
            "asset_tag", "serial_number", "display_name", "model", "assigned_to", "assigned", "install_status",
            "substatus", "location", "managed_by",
        ],
        references: &[("assigned_to", "sys_user"), ("managed_by", "sys_user")],
    },
];

const SYSTEM_FIELDS: &[&str] = &[
    "sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count",
    "sys_class_name",
];

/// Records of one answer, as many as the real default.
const RECORDS_MAX: usize = 10_000;
const USERNAME: &str = "xops.integration";

/// The stand-in for `ServiceNow`.
#[derive(Debug)]
pub(crate) struct ServiceNow;

impl System for ServiceNow {
    fn name(&self) -> &'static str {
        "servicenow"
    }

    fn shape(&self) -> Shape {
        Shape {
            volatile: &["sys_created_on", "sys_updated_on", "sys_mod_count", "opened_at"],
            indexes: &[("sys_user", "/email"), ("sys_user", "/user_name"), ("sc_req_item", "/request")],
        }
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default()
            .with("client_id", mint::hex32(seed, "servicenow", "client_id", 0))
            .with("client_secret", auth::secret(seed, "servicenow", "client_secret", 24))
            .with("username", USERNAME.to_owned())
            .with("password", auth::secret(seed, "servicenow", "password", 20))
    }

    fn describe(&self, base: &str) -> Value {
        json!({"base_url": base, "token_url": format!("{base}/oauth_token.do")})
    }

    fn plant(&self, tx: &mut Tx<'_>, world: &World) {
        let at = clock::instant_spaced(tx.now_ms);
        let mut put = |tx: &mut Tx<'_>, table: &str, id: &str, fields: Value| {
            let mut record = blank(table, id, &at);
            fill(&mut record, &fields);
            tx.plant(table, id, Value::Object(record));
        };
        for (name, id) in CATALOG_ITEMS {
            put(tx, "sc_cat_item", id, json!({"name": name, "short_description": name, "active": "true"}));
        }
        let own = mint::hex32(0, "servicenow", "integration", 0);
        put(tx, "sys_user", &own, json!({"user_name": USERNAME, "name": "xops integration", "active": "true"}));
        for person in &world.people {
            let id = minted(tx, "sys_user");
            let fields = json!({
                "user_name": person.login, "email": person.email(), "first_name": person.first,
                "last_name": person.last, "name": person.name(), "title": person.title,
                "department": person.department.name, "employee_number": person.worker_id,
                "location": person.location, "active": "true",
            });
            put(tx, "sys_user", &id, fields);
            if person.intended_end.is_some() {
                continue;
            }
            let (asset, number) = (minted(tx, "alm_hardware"), tx.next("asset_tag"));
            let fields = json!({
                "asset_tag": format!("P{:06}", 1_000 + number), "serial_number": asset[..10].to_uppercase(),
                "display_name": "Latitude 7450", "model": "Latitude 7450", "assigned_to": id, "install_status": "1",
            });
            put(tx, "alm_hardware", &asset, fields);
        }
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        routed(ROUTES, request)
    }

    fn admit(&self, call: &Call<'_>, access: &Access, now_ms: u64) -> Result<(), Reply> {
        let known = &access.credentials;
        if auth::bearer(call.request, access, now_ms)
            || auth::basic(call.request, known.get("username"), known.get("password"))
        {
            return Ok(());
        }
        let reply = error(401, "User Not Authenticated", "Required to provide Auth information");
        Err(reply.with("WWW-Authenticate", "BASIC realm=\"Service-now\""))
    }

    fn token(&self, call: &Call<'_>, access: &mut Access, seed: u64, now_ms: u64) -> Reply {
        let form = call.request.form();
        let refused = |code: &str, text: &str| Reply::json(401, &json!({"error": code, "error_description": text}));
        if auth::field(&form, "grant_type") != "client_credentials" {
            return refused("unsupported_grant_type", "grant_type is invalid");
        }
        let known = &access.credentials;
        let (id, secret) = (known.get("client_id"), known.get("client_secret"));
        let in_form = auth::field(&form, "client_id") == id && auth::field(&form, "client_secret") == secret;
        if !in_form && !auth::basic(call.request, id, secret) {
            return refused("server_error", "access_denied");
        }
        let (token, life_s) = access.give(seed, "servicenow", now_ms);
        let body = json!({"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": life_s});
        Reply::json(200, &body)
    }

    fn unknown(&self, _call: &Call<'_>, status: u16) -> Reply {
        match status {
            405 => error(405, "Method not supported", "The HTTP method is not supported by the resource"),
            _ => error(400, "Requested URI does not represent any resource", ""),
        }
    }

    fn rate(&self, _call: &Call<'_>) -> (String, Rate) {
        ("all".to_owned(), Rate { limit: 20_000, window_ms: 3_600_000 })
    }

    fn mark(&self, reply: Reply, standing: Standing) -> Reply {
        reply
            .with("X-RateLimit-Limit", standing.limit.to_string())
            .with("X-RateLimit-Reset", standing.reset_ms.div_ceil(1_000).to_string())
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let later = |reply: Reply, wait: &Option<u64>| {
            wait.iter().fold(reply, |reply, wait_s| reply.with("Retry-After", wait_s.to_string()))
        };
        match refusal {
            Refusal::Throttled { retry_after_s } => {
                later(error(429, "Rate limit exceeded", "Too many requests of this user"), retry_after_s)
            }
            Refusal::Status { status, retry_after_s } => {
                later(error(*status, "Service unavailable", "Transaction cancelled"), retry_after_s)
            }
            Refusal::Rejected => {
                error(403, "Operation Failed", "Operation against file was aborted by a business rule")
            }
        }
    }
}

/// `ServiceNow`'s error envelope.
fn error(status: u16, text: &str, detail: &str) -> Reply {
    let detail = if detail.is_empty() { Value::Null } else { json!(detail) };
    Reply::json(status, &json!({"error": {"message": text, "detail": detail}, "status": "failure"}))
}

fn absent() -> Reply {
    error(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
}

fn table_of(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

fn has_field(table: &str, field: &str) -> bool {
    SYSTEM_FIELDS.contains(&field) || table_of(table).is_some_and(|table| table.fields.contains(&field))
}

fn target(table: &str, field: &str) -> Option<&'static str> {
    table_of(table)?.references.iter().find(|(name, _)| *name == field).map(|(_, target)| *target)
}

fn minted(tx: &mut Tx<'_>, table: &str) -> String {
    let ordinal = tx.next(table);
    mint::hex32(tx.seed(), "servicenow", table, ordinal)
}

/// A new record with every field empty.
fn blank(table: &str, id: &str, at: &str) -> Map<String, Value> {
    let fields = table_of(table).map_or(&[] as &[&str], |table| table.fields);
    let mut record: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), json!(""))).collect();
    for (name, value) in [
        ("sys_id", id), ("sys_class_name", table), ("sys_created_on", at), ("sys_updated_on", at),
        ("sys_created_by", USERNAME), ("sys_updated_by", USERNAME), ("sys_mod_count", "0"),
    ] {
        record.insert(name.to_owned(), json!(value));
    }
    record
}

/// Sets the fields that the record has; the others are ignored, and every value becomes a string.
fn fill(record: &mut Map<String, Value>, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if record.contains_key(name) && !SYSTEM_FIELDS.contains(&name.as_str()) {
            record.insert(name.clone(), Value::String(text));
        }
    }
}

/// The record as the Table API shows it: references as links, the fields that were asked for.
fn shown(call: &Call<'_>, view: View<'_>, table: &str, record: &Value) -> Value {
    let members: Option<Vec<&str>> = call.request.asked("sysparm_fields").map(|text| text.split(',').collect());
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
        let value = query::read(record, name, &|table, id| view.get(table, id), &|field| target(table, field));
        if let Some(value) = value {
            out.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(out)
}

fn label(view: View<'_>, table: &str, id: &str) -> String {
    let record = view.get(table, id);
    let text = |name: &str| record.and_then(|record| record[name].as_str()).filter(|text| !text.is_empty());
    text("name").or_else(|| text("number")).or_else(|| text("display_name")).unwrap_or(id).to_owned()
}

fn invalid_table(name: &str) -> Reply {
    error(400, &format!("Invalid table {name}"), "")
}

fn list_records(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let name = call.param("tableName");
    let Some(table) = table_of(name) else { return invalid_table(name) };
    let mut text = call.request.asked("sysparm_query").unwrap_or_default().to_owned();
    for (key, value) in call.request.query.iter().filter(|(key, _)| has_field(name, key)) {
        text.push_str(&format!("^{key}={value}"));
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
    Reply::json(200, &json!({"result": items})).with("X-Total-Count", all.len().to_string()).with("Link", links)
}

fn links(call: &Call<'_>, limit: usize, offset: usize, total: usize) -> String {
    let at = |name: &str, offset: usize| {
        let query = call.request.query_with(&[("sysparm_limit", &limit.to_string()), ("sysparm_offset", &offset.to_string())]);
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

fn get_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    let view = tx.view(Fresh::Strong);
    view.get(name, id).map_or_else(absent, |record| {
        Reply::json(200, &json!({"result": shown(call, view, name, record)}))
    })
}

fn create_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let name = call.param("tableName");
    let Some(table) = table_of(name) else { return invalid_table(name) };
    let Some(body) = call.request.json().filter(Value::is_object) else {
        return error(400, "Exception while reading request", "The payload is not valid JSON");
    };
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

fn number(tx: &mut Tx<'_>, prefix: &str) -> String {
    format!("{prefix}{:07}", 10_000 + tx.next(prefix))
}

/// Sets fields of a record that exists and counts the modification, if it is one.
fn modify(tx: &mut Tx<'_>, table: &str, id: &str, fields: &Value) {
    let Some(Value::Object(mut record)) = tx.get(table, id).cloned() else { return };
    fill(&mut record, fields);
    let count = record["sys_mod_count"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    record.insert("sys_mod_count".to_owned(), json!((count + 1).to_string()));
    record.insert("sys_updated_on".to_owned(), json!(clock::instant_spaced(tx.now_ms)));
    tx.put(table, id, Value::Object(record));
}

fn update_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    if tx.get(name, id).is_none() {
        return absent();
    }
    let Some(body) = call.request.json().filter(Value::is_object) else {
        return error(400, "Exception while reading request", "The payload is not valid JSON");
    };
    modify(tx, name, id, &body);
    if name == "sc_request" && body["request_state"] == "closed_cancelled" {
        modify(tx, name, id, &json!({"active": "false", "stage": "closed_incomplete"}));
        let items: Vec<String> =
            tx.truth().with("sc_req_item", "/request", id).iter().map(|(id, _)| (*id).to_owned()).collect();
        for item in items {
            modify(tx, "sc_req_item", &item, &json!({"active": "false", "stage": "request_cancelled", "state": "4"}));
        }
    }
    answered(call, tx, 200, name, id)
}

fn delete_record(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let (name, id) = (call.param("tableName"), call.param("sys_id"));
    if table_of(name).is_none() {
        return invalid_table(name);
    }
    if tx.remove(name, id) { Reply::empty(204) } else { absent() }
}

fn order_now(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let item = call.param("sys_id").to_owned();
    let Some(name) = tx.get("sc_cat_item", &item).and_then(|item| item["name"].as_str()).map(str::to_owned) else {
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
