//! `ServiceNow`: the Table API under `/api/now/table` and ordering from the service catalog.
//!
//! - No access rules, no business rules but one: a request that is cancelled takes its items with it.
//! - Two orders make two requests: nothing is unique, as in the real catalog. What tells them apart is
//!   `variables.correlation_id`, which lands in `sc_request.correlation_id` and `sc_req_item.correlation_id`.
//! - Every value is a string; a field that the table does not have is ignored, in bodies as in queries.

use super::servicenow_records as records;
use super::servicenow_tables::{USERNAME, blank, fill, minted};
use super::{Call, Refusal, Route, Run, System, route, routed};
use crate::auth::{self, Access, Credentials};
use crate::fixed::CATALOG_ITEMS;
use crate::seed::World;
use crate::store::{Shape, Tx};
use crate::throttle::{Rate, Standing};
use crate::wire::{Reply, Request};
use crate::{clock, mint};
use serde_json::{Value, json};

const ROUTES: &[Route] = &[
    Route { method: "POST", path: "/oauth_token.do", run: Run::Token },
    route("POST", "/api/sn_sc/servicecatalog/items/{sys_id}/order_now", records::order_now),
    route("GET", "/api/now/table/{tableName}", records::list_records),
    route("POST", "/api/now/table/{tableName}", records::create_record),
    route("GET", "/api/now/table/{tableName}/{sys_id}", records::get_record),
    route("PATCH", "/api/now/table/{tableName}/{sys_id}", records::update_record),
    route("PUT", "/api/now/table/{tableName}/{sys_id}", records::update_record),
    route("DELETE", "/api/now/table/{tableName}/{sys_id}", records::delete_record),
];

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
        let put = |tx: &mut Tx<'_>, table: &str, id: &str, fields: Value| {
            let mut record = blank(table, id, &at);
            fill(&mut record, &fields);
            tx.plant(table, id, Value::Object(record));
        };
        for (name, id) in CATALOG_ITEMS {
            put(tx, "sc_cat_item", id, json!({"name": name, "short_description": name, "active": "true"}));
        }
        let own = mint::hex32(0, "servicenow", "integration", 0);
        put(
            tx,
            "sys_user",
            &own,
            json!({"user_name": USERNAME, "name": "xops integration", "active": "true"}),
        );
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
        let refused =
            |code: &str, text: &str| Reply::json(401, &json!({"error": code, "error_description": text}));
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
        match refusal {
            Refusal::Throttled { retry_after_s } => {
                error(429, "Rate limit exceeded", "Too many requests of this user").later(*retry_after_s)
            }
            Refusal::Status { status, retry_after_s } => {
                error(*status, "Service unavailable", "Transaction cancelled").later(*retry_after_s)
            }
            Refusal::Rejected => {
                error(403, "Operation Failed", "Operation against file was aborted by a business rule")
            }
        }
    }
}

/// `ServiceNow`'s error envelope.
pub(super) fn error(status: u16, text: &str, detail: &str) -> Reply {
    let detail = if detail.is_empty() { Value::Null } else { json!(detail) };
    Reply::json(status, &json!({"error": {"message": text, "detail": detail}, "status": "failure"}))
}

pub(super) fn absent() -> Reply {
    error(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
}
