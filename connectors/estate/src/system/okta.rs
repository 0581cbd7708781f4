//! Okta: users, groups and memberships of the management API under `/api/v1`.
//!
//! - No factors and rules yet, and no application, device or event in any listing; a provider is never anything but Okta itself.
//! - `GET` of one user or group and a user's groups are strong; lists, searches and the members of a group are eventual.
//! - Everybody is in the built-in group `Everyone`; that membership is computed, and nobody can change it.
//! - A deactivated user keeps its groups, but the members of a group are listed without it.
//!
//! Recalled and not checked against a document: deactivating a `DEPROVISIONED` user answers 403 `E0000016`.

use super::okta_groups as groups;
use super::okta_users as users;
use super::{Call, Refusal, Route, System, route, routed};
use crate::auth::{self, Access, Credentials};
use crate::fixed::{DEPARTMENTS, OKTA_GROUPS};
use crate::seed::World;
use crate::store::{Shape, Tx, View};
use crate::throttle::{Rate, Standing};
use crate::wire::{Reply, Request};
use crate::{canonical, clock, mint};
use serde_json::{Value, json};

const ROUTES: &[Route] = &[
    route("GET", "/api/v1/users", users::list_users),
    route("POST", "/api/v1/users", users::create_user),
    route("GET", "/api/v1/users/{id}", users::get_user),
    route("POST", "/api/v1/users/{id}", users::update_user),
    route("PUT", "/api/v1/users/{id}", users::replace_user),
    route("DELETE", "/api/v1/users/{id}", users::delete_user),
    route("GET", "/api/v1/users/{id}/groups", users::groups_of_user),
    route("DELETE", "/api/v1/users/{id}/sessions", users::clear_sessions),
    route("POST", "/api/v1/users/{id}/lifecycle/{action}", users::change_status),
    route("GET", "/api/v1/groups", groups::list_groups),
    route("POST", "/api/v1/groups", groups::create_group),
    route("GET", "/api/v1/groups/{groupId}", groups::get_group),
    route("DELETE", "/api/v1/groups/{groupId}", groups::delete_group),
    route("GET", "/api/v1/groups/{groupId}/users", groups::members),
    route("PUT", "/api/v1/groups/{groupId}/users/{userId}", groups::add_member),
    route("DELETE", "/api/v1/groups/{groupId}/users/{userId}", groups::remove_member),
    route("GET", "/api/v1/apps", nothing),
    route("GET", "/api/v1/devices", nothing),
    route("GET", "/api/v1/logs", nothing),
];

/// A listing of what this organisation has none of.
fn nothing(_call: &Call<'_>, _tx: &mut Tx<'_>) -> Reply {
    Reply::json(200, &json!([]))
}

/// Calls of one operation in a minute.
const LIMIT: u64 = 600;

/// Departments whose people are in `engineering` too.
const ENGINEERING: &[&str] = &["field-engineering", "design", "data-platform", "security"];

/// The stand-in for Okta.
#[derive(Debug)]
pub(crate) struct Okta;

impl System for Okta {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn shape(&self) -> Shape {
        Shape {
            volatile: &[
                "created",
                "activated",
                "statusChanged",
                "lastUpdated",
                "passwordChanged",
                "lastMembershipUpdated",
            ],
            indexes: &[("user", "/profile/login"), ("membership", "/user")],
        }
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default().with("api_token", format!("00{}", auth::secret(seed, "okta", "api_token", 32)))
    }

    fn describe(&self, base: &str) -> Value {
        json!({"base_url": base})
    }

    fn plant(&self, tx: &mut Tx<'_>, world: &World) {
        let at = clock::instant(tx.now_ms);
        let departments = DEPARTMENTS.iter().map(|one| (one.slug, one.okta_group_id));
        for (name, id) in OKTA_GROUPS.iter().copied().chain(departments) {
            let kind = if name == "Everyone" { "BUILT_IN" } else { "OKTA_GROUP" };
            tx.plant("group", id, group(id, name, "", kind, &at));
        }
        for person in world.settled() {
            let id = mint::base62("00u", 20, tx.fresh("user"));
            let profile = json!({
                "login": person.email(), "email": person.email(), "firstName": person.first, "lastName": person.last,
                "displayName": person.name(), "department": person.department.name, "title": person.title,
                "countryCode": person.country, "employeeNumber": person.worker_id, "userType": "Employee",
            });
            tx.plant("user", &id, user(&id, "ACTIVE", &profile, &at));
            let mut groups = vec![person.department.okta_group_id];
            groups.extend(ENGINEERING.contains(&person.department.slug).then_some("00g1engineering00000"));
            for group in groups {
                tx.plant("membership", &format!("{group}/{id}"), json!({"group": group, "user": id}));
            }
        }
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        routed(ROUTES, request)
    }

    fn admit(&self, call: &Call<'_>, access: &Access, _now_ms: u64) -> Result<(), Reply> {
        if call.request.authorization("SSWS") == Some(access.credentials.get("api_token")) {
            return Ok(());
        }
        Err(error(401, "E0000011", "Invalid token provided", &[]))
    }

    fn unknown(&self, _call: &Call<'_>, status: u16) -> Reply {
        match status {
            405 => error(405, "E0000022", "The endpoint does not support the provided HTTP method", &[]),
            _ => error(404, "E0000007", "Not found: Resource not found", &[]),
        }
    }

    fn rate(&self, call: &Call<'_>) -> (String, Rate) {
        (call.operation.clone(), Rate { limit: LIMIT, window_ms: 60_000 })
    }

    fn mark(&self, reply: Reply, standing: Standing) -> Reply {
        if reply.status == 429 {
            return reply;
        }
        reply
            .with("X-Rate-Limit-Limit", standing.limit.to_string())
            .with("X-Rate-Limit-Remaining", standing.remaining.to_string())
            .with("X-Rate-Limit-Reset", standing.reset_ms.div_ceil(1_000).to_string())
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        match refusal {
            Refusal::Throttled { retry_after_s } => {
                let reset_s = clock::now_ms().div_ceil(1_000) + retry_after_s.unwrap_or(60);
                let reply =
                    error(429, "E0000047", "API call exceeded rate limit due to too many requests.", &[]);
                // Okta says when to come back in this header only.
                reply
                    .with("X-Rate-Limit-Limit", LIMIT.to_string())
                    .with("X-Rate-Limit-Remaining", "0")
                    .with("X-Rate-Limit-Reset", reset_s.to_string())
            }
            Refusal::Status { status, retry_after_s } => {
                let reply = error(*status, "E0000009", "Internal Server Error", &[]);
                reply.later(*retry_after_s)
            }
            Refusal::Rejected => error(
                400,
                "E0000001",
                "Api validation failed: policy",
                &["The operation is not allowed by a policy of the organization"],
            ),
        }
    }
}

/// Okta's error envelope.
pub(super) fn error(status: u16, code: &str, summary: &str, causes: &[&str]) -> Reply {
    let id = mint::base62("oae", 25, mint::bytes(0, "okta", summary, u64::from(status)));
    let causes: Vec<Value> = causes.iter().map(|cause| json!({"errorSummary": cause})).collect();
    let body = json!({
        "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": id, "errorCauses": causes,
    });
    Reply::json(status, &body)
}

pub(super) fn invalid(field: &str, cause: &str) -> Reply {
    error(400, "E0000001", &format!("Api validation failed: {field}"), &[&format!("{field}: {cause}")])
}

pub(super) fn absent(id: &str, kind: &str) -> Reply {
    error(404, "E0000007", &format!("Not found: Resource not found: {id} ({kind})"), &[])
}

pub(super) fn user(id: &str, status: &str, profile: &Value, at: &str) -> Value {
    let activated = if status == "STAGED" { Value::Null } else { json!(at) };
    json!({
        "id": id, "status": status, "created": at, "activated": activated, "statusChanged": at,
        "lastLogin": Value::Null, "lastUpdated": at, "passwordChanged": Value::Null,
        "type": {"id": "oty1default000000000"}, "profile": profile,
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
    })
}

pub(super) fn group(id: &str, name: &str, description: &str, kind: &str, at: &str) -> Value {
    json!({
        "id": id, "created": at, "lastUpdated": at, "lastMembershipUpdated": at,
        "objectClass": ["okta:user_group"], "type": kind,
        "profile": {"name": name, "description": description},
    })
}

/// A user by id or login.
pub(super) fn found<'a>(view: View<'a>, key: &str) -> Option<&'a Value> {
    view.get("user", key).or_else(|| view.with("user", "/profile/login", key).first().map(|(_, user)| *user))
}

pub(super) fn id_of(user: &Value) -> String {
    user["id"].as_str().unwrap_or_default().to_owned()
}

pub(super) fn linked(call: &Call<'_>, user: &Value) -> Value {
    let mut shown = user.clone();
    let id = id_of(user);
    shown["_links"] = json!({"self": {"href": format!("{}/api/v1/users/{id}", call.request.base)}});
    shown
}

pub(super) fn tag(user: &Value) -> String {
    format!("W/\"{}\"", &canonical::digest(user, &[])[..16])
}

pub(super) fn one(call: &Call<'_>, user: &Value) -> Reply {
    Reply::json(200, &linked(call, user)).with("ETag", tag(user))
}

/// One page of a list, each item as `show` has it, with links to itself and the next page.
pub(super) fn page(
    call: &Call<'_>,
    all: &[(&str, &Value)],
    limit_max: usize,
    show: fn(&Call<'_>, &Value) -> Value,
) -> Reply {
    let limit = call.request.number("limit").filter(|limit| *limit > 0).unwrap_or(limit_max).min(limit_max);
    let after = call.request.asked("after");
    let from = after.map_or(0, |after| all.partition_point(|(id, _)| *id <= after));
    let shown = &all[from..(from + limit).min(all.len())];
    let here = format!("{}{}", call.request.base, call.request.path);
    let query = call.request.query_with(&[]);
    let own = if query.is_empty() { here.clone() } else { format!("{here}?{query}") };
    let items: Vec<Value> = shown.iter().map(|(_, item)| show(call, item)).collect();
    let mut reply = Reply::json(200, &json!(items)).with("Link", format!("<{own}>; rel=\"self\""));
    if from + shown.len() < all.len()
        && let Some((last, _)) = shown.last()
    {
        let next = call.request.query_with(&[("after", last), ("limit", &limit.to_string())]);
        reply = reply.with("Link", format!("<{here}?{next}>; rel=\"next\""));
    }
    reply
}
