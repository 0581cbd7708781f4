//! The control server: faults, lag, outside hands, and what the witness saw. Its words are JSON.
//!
//! - No authentication: it listens on loopback and serves whoever started the estate.
//!
//! | request | body or query | does |
//! |---|---|---|
//! | `GET /healthz`, `GET /describe` | | whether the recorder still writes; all addresses and credentials |
//! | `POST /faults` | `{"system": name or "*", "operation"?, "kind", "after"?, "times"?, "retry_after_s"?, "delay_ms"?}` | switches a fault on |
//! | `GET /faults`, `DELETE /faults` | `?id=` | shows faults with their hits; switches all or one off |
//! | `GET /calls`, `GET /changes` | `?from=&limit=&system=` | what the recorder saw lately |
//! | `GET /state`, `GET /digests` | `?system=` | all objects with digests, or digests alone |
//! | `POST /mutate` | `{"system", "kind", "id", "set"?, "create"?, "delete"?}` | an outside hand changes an object |
//! | `POST /lag` | `{"ms"}` | how far eventual reads stay behind |
//! | `POST /tokens` | `{"system", "expires_in_s"?, "expire"?}` | how long new tokens live; ends those alive |
//! | `POST /rates` | `{"system", "limit"?, "window_ms"?}` | one limit instead of the vendor's; without `limit` the vendor's again |
//! | `POST /reset` | `{"system"?, "keep_tokens"?}` | every system, or one, back to its seed, faults off |
//!
//! `operation` is a pattern in which `*` stands for anything, against the operation's name (`conversations.invite`,
//! `Get_Workers`) or `METHOD path` (as a template or as called, with or without the base path). `kind` is one of
//! `reject`, `status:NNN`, `timeout_before`, `timeout_after`, `reset_before`, `reset_after`, `reset_mid_body`, `slow`,
//! `stale_read`, `truncate`, `expire_tokens`, `status_after:NNN`, `schema_change`, `wrong_tenant`.

use crate::server::House;
use crate::wire::{Reply, Request};
use serde_json::{Value, json};

/// Lines that one answer shows at most.
const LINES_MAX: usize = 5_000;

/// Serves one request of the control server.
pub(crate) fn serve(house: &House, request: &Request) -> Reply {
    let estate = &house.estate;
    let order = || {
        let text = if request.body.is_empty() { b"{}".as_slice() } else { &request.body };
        serde_json::from_slice::<Value>(text).map_err(|error| format!("the body is not JSON: {error}"))
    };
    let done = |()| json!({"ok": true});
    let outcome = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/healthz") => Ok(json!({"ok": true, "recorder": estate.recorder().health()})),
        ("GET", "/describe") => Ok(describe(house)),
        ("GET", "/faults") => Ok(estate.faults()),
        ("POST", "/faults") => order().and_then(|order| estate.add_fault(&order)),
        ("DELETE", "/faults") => {
            let id = request.number("id").map(|id| id as u64);
            Ok(json!({"deleted": estate.clear_faults(id)}))
        }
        ("GET", "/calls") => {
            let (from, limit) = page(request);
            Ok(json!(estate.recorder().recent_calls(from, limit, request.asked("system"))))
        }
        ("GET", "/changes") => {
            let (from, limit) = page(request);
            Ok(json!(estate.recorder().recent_changes(from, limit, request.asked("system"))))
        }
        ("GET", "/state") => Ok(estate.state(request.asked("system"), true)),
        ("GET", "/digests") => Ok(estate.state(request.asked("system"), false)),
        ("POST", "/reset") => order().map(|order| {
            estate.reset(order["keep_tokens"] == true, order["system"].as_str());
            json!({"ok": true})
        }),
        ("POST", "/mutate") => order().and_then(|order| estate.mutate(&order)),
        ("POST", "/tokens") => order().and_then(|order| estate.tokens(&order)).map(done),
        ("POST", "/rates") => order().and_then(|order| estate.rates(&order)).map(done),
        ("POST", "/lag") => order().and_then(|order| {
            let lag_ms = order["ms"].as_u64().ok_or("`ms` is missing")?;
            estate.set_lag(lag_ms);
            Ok(json!({"ok": true, "ms": lag_ms}))
        }),
        (method, path) => return Reply::json(404, &json!({"error": format!("there is no {method} {path}")})),
    };
    match outcome {
        Ok(value) => Reply::json(200, &value),
        Err(text) => Reply::json(400, &json!({"error": text})),
    }
}

fn page(request: &Request) -> (u64, usize) {
    let from = request.number("from").unwrap_or(0) as u64;
    (from, request.number("limit").unwrap_or(LINES_MAX).min(LINES_MAX))
}

/// Every address and credential of the house.
pub(crate) fn describe(house: &House) -> Value {
    let mut all = json!({"control": "", "systems": {}});
    for door in house.doors.values() {
        match door.system {
            None => all["control"] = json!(door.base),
            Some(system) => all["systems"][system] = house.estate.describe(system, &door.base),
        }
    }
    all
}
