//! Okta: users, groups and memberships of the management API under `/api/v1`.
//!
//! - No factors, applications, rules or logs yet; a provider is never anything but Okta itself.
//! - `GET` of one user or group and a user's groups are strong; lists, searches and the members of a group are eventual.
//! - Everybody is in the built-in group `Everyone`; that membership is computed, and nobody can change it.
//! - A deactivated user keeps its groups, but the members of a group are listed without it.
//!
//! Recalled and not checked against a document: deactivating a `DEPROVISIONED` user answers 403 `E0000016`.

use super::okta_search::Search;
use super::{Call, Refusal, Route, System, route, routed};
use crate::auth::{self, Access, Credentials};
use crate::fixed::{DEPARTMENTS, OKTA_GROUPS};
use crate::seed::World;
use crate::store::{Fresh, Shape, Tx, View};
use crate::throttle::{Rate, Standing};
use crate::wire::{Reply, Request};
use crate::{canonical, clock, mint};
use serde_json::{Map, Value, json};

const ROUTES: &[Route] = &[
    route("GET", "/api/v1/users", list_users),
    route("POST", "/api/v1/users", create_user),
    route("GET", "/api/v1/users/{id}", get_user),
    route("POST", "/api/v1/users/{id}", update_user),
    route("PUT", "/api/v1/users/{id}", replace_user),
    route("DELETE", "/api/v1/users/{id}", delete_user),
    route("GET", "/api/v1/users/{id}/groups", groups_of_user),
    route("DELETE", "/api/v1/users/{id}/sessions", clear_sessions),
    route("POST", "/api/v1/users/{id}/lifecycle/{action}", change_status),
    route("GET", "/api/v1/groups", list_groups),
    route("POST", "/api/v1/groups", create_group),
    route("GET", "/api/v1/groups/{groupId}", get_group),
    route("DELETE", "/api/v1/groups/{groupId}", delete_group),
    route("GET", "/api/v1/groups/{groupId}/users", members),
    route("PUT", "/api/v1/groups/{groupId}/users/{userId}", add_member),
    route("DELETE", "/api/v1/groups/{groupId}/users/{userId}", remove_member),
];

/// Calls of one operation in a minute.
const LIMIT: u64 = 600;
/// The largest page of users.
const USERS_MAX: usize = 200;
/// The largest page of a group's members.
const MEMBERS_MAX: usize = 1_000;
/// The largest page of groups.
const GROUPS_MAX: usize = 10_000;
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
                let reply = error(429, "E0000047", "API call exceeded rate limit due to too many requests.", &[]);
                // Okta says when to come back in this header only.
                reply
                    .with("X-Rate-Limit-Limit", LIMIT.to_string())
                    .with("X-Rate-Limit-Remaining", "0")
                    .with("X-Rate-Limit-Reset", reset_s.to_string())
            }
            Refusal::Status { status, retry_after_s } => {
                let reply = error(*status, "E0000009", "Internal Server Error", &[]);
                retry_after_s.into_iter().fold(reply, |reply, wait_s| reply.with("Retry-After", wait_s.to_string()))
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

fn invalid(field: &str, cause: &str) -> Reply {
    error(400, "E0000001", &format!("Api validation failed: {field}"), &[&format!("{field}: {cause}")])
}

fn absent(id: &str, kind: &str) -> Reply {
    error(404, "E0000007", &format!("Not found: Resource not found: {id} ({kind})"), &[])
}

fn user(id: &str, status: &str, profile: &Value, at: &str) -> Value {
    let activated = if status == "STAGED" { Value::Null } else { json!(at) };
    json!({
        "id": id, "status": status, "created": at, "activated": activated, "statusChanged": at,
        "lastLogin": Value::Null, "lastUpdated": at, "passwordChanged": Value::Null,
        "type": {"id": "oty1default000000000"}, "profile": profile,
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
    })
}

fn group(id: &str, name: &str, description: &str, kind: &str, at: &str) -> Value {
    json!({
        "id": id, "created": at, "lastUpdated": at, "lastMembershipUpdated": at,
        "objectClass": ["okta:user_group"], "type": kind,
        "profile": {"name": name, "description": description},
    })
}

/// A user by id or login.
fn found<'a>(view: View<'a>, key: &str) -> Option<&'a Value> {
    view.get("user", key).or_else(|| view.with("user", "/profile/login", key).first().map(|(_, user)| *user))
}

fn id_of(user: &Value) -> String {
    user["id"].as_str().unwrap_or_default().to_owned()
}

fn linked(call: &Call<'_>, user: &Value) -> Value {
    let mut shown = user.clone();
    let id = id_of(user);
    shown["_links"] = json!({"self": {"href": format!("{}/api/v1/users/{id}", call.request.base)}});
    shown
}

fn tag(user: &Value) -> String {
    format!("W/\"{}\"", &canonical::digest(user, &[])[..16])
}

fn one(call: &Call<'_>, user: &Value) -> Reply {
    Reply::json(200, &linked(call, user)).with("ETag", tag(user))
}

/// One page of a list, with its links.
fn page(call: &Call<'_>, all: &[(&str, Value)], limit_max: usize) -> Reply {
    let limit = call.request.number("limit").filter(|limit| *limit > 0).unwrap_or(limit_max).min(limit_max);
    let after = call.request.asked("after");
    let from = after.map_or(0, |after| all.partition_point(|(id, _)| *id <= after));
    let shown = &all[from..(from + limit).min(all.len())];
    let here = format!("{}{}", call.request.base, call.request.path);
    let query = call.request.query_with(&[]);
    let own = if query.is_empty() { here.clone() } else { format!("{here}?{query}") };
    let items: Vec<&Value> = shown.iter().map(|(_, item)| item).collect();
    let mut reply = Reply::json(200, &json!(items)).with("Link", format!("<{own}>; rel=\"self\""));
    if from + shown.len() < all.len()
        && let Some((last, _)) = shown.last()
    {
        let next = call.request.query_with(&[("after", last), ("limit", &limit.to_string())]);
        reply = reply.with("Link", format!("<{here}?{next}>; rel=\"next\""));
    }
    reply
}

fn list_users(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let terms = [call.request.asked("search"), call.request.asked("filter")];
    let mut searches = Vec::new();
    for text in terms.into_iter().flatten() {
        match Search::parse(text) {
            Ok(search) => searches.push(search),
            Err(cause) => return error(400, "E0000031", &format!("Invalid search criteria: {cause}"), &[]),
        }
    }
    let starts = call.request.asked("q").map(str::to_lowercase);
    let begins = |user: &Value| {
        starts.as_deref().is_none_or(|starts| {
            let members = ["firstName", "lastName", "email"].iter();
            let mut texts = members.filter_map(|member| user["profile"][*member].as_str());
            texts.any(|text| text.to_lowercase().starts_with(starts))
        })
    };
    let is_open = searches.is_empty();
    let fits = |user: &Value| {
        // Without a search, deactivated users are left out.
        (!is_open || user["status"] != "DEPROVISIONED")
            && searches.iter().all(|search| search.fits(user))
            && begins(user)
    };
    let view = tx.view(Fresh::Eventual);
    let all: Vec<(&str, Value)> =
        view.all("user").filter(|(_, user)| fits(user)).map(|(id, user)| (id, linked(call, user))).collect();
    page(call, &all, USERS_MAX)
}

fn get_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    found(tx.view(Fresh::Strong), key).map_or_else(|| absent(key, "User"), |user| one(call, user))
}

/// What is wrong with a profile, if anything; `own` is the id of the user that has it.
fn judged(profile: &Map<String, Value>, tx: &Tx<'_>, own: Option<&str>) -> Option<Reply> {
    for field in ["login", "email", "firstName", "lastName"] {
        let text = profile.get(field).and_then(Value::as_str).unwrap_or_default();
        if text.trim().is_empty() {
            return Some(invalid(field, "The field cannot be left blank"));
        }
        if matches!(field, "login" | "email") && !text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
            return Some(invalid(field, "Must be in the form of an email address"));
        }
    }
    let login = profile.get("login").and_then(Value::as_str).unwrap_or_default();
    let holders = tx.truth().with("user", "/profile/login", login);
    let is_taken = holders.iter().any(|(id, _)| own != Some(*id));
    is_taken.then(|| invalid("login", "An object with this field already exists in the current organization"))
}

fn create_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let Some(body) = call.request.json() else {
        return error(400, "E0000003", "The request body was not well-formed.", &[]);
    };
    let Some(profile) = body["profile"].as_object() else { return invalid("profile", "The field cannot be left blank") };
    if let Some(reply) = judged(profile, tx, None) {
        return reply;
    }
    let groups: Vec<String> =
        body["groupIds"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(unknown) = groups.iter().find(|group| tx.get("group", group).is_none()) {
        return invalid("groupIds", &format!("{unknown} is not a group"));
    }
    let has_password = body["credentials"]["password"].is_object();
    let status = match (call.request.asked("activate"), has_password) {
        (Some("false"), _) => "STAGED",
        (_, true) => "ACTIVE",
        (_, false) => "PROVISIONED",
    };
    let id = mint::base62("00u", 20, tx.fresh("user"));
    let at = clock::instant(tx.now_ms);
    let mut object = user(&id, status, &body["profile"], &at);
    if has_password {
        object["credentials"]["password"] = json!({});
    }
    tx.put("user", &id, object.clone());
    for group in groups {
        join(tx, &group, &id);
    }
    one(call, &object)
}

fn join(tx: &mut Tx<'_>, group: &str, user: &str) {
    if tx.put("membership", &format!("{group}/{user}"), json!({"group": group, "user": user})) {
        let at = clock::instant(tx.now_ms);
        tx.touch("group", group, "lastMembershipUpdated", json!(at));
    }
}

/// Changes a user's profile by `change`, under the caller's `If-Match`.
fn profiled(call: &Call<'_>, tx: &mut Tx<'_>, change: fn(&mut Map<String, Value>, &Map<String, Value>)) -> Reply {
    let key = call.param("id");
    let Some(mut object) = found(tx.truth(), key).cloned() else { return absent(key, "User") };
    if call.request.header("if-match").is_some_and(|wanted| wanted != "*" && wanted != tag(&object)) {
        return error(412, "E0000167", "The resource was modified since it was read", &[]);
    }
    let body = call.request.json().unwrap_or_default();
    let id = id_of(&object);
    if let (Some(profile), Some(set)) = (object["profile"].as_object_mut(), body["profile"].as_object()) {
        change(profile, set);
        if let Some(reply) = judged(profile, tx, Some(&id)) {
            return reply;
        }
    }
    object["lastUpdated"] = json!(clock::instant(tx.now_ms));
    tx.put("user", &id, object);
    tx.get("user", &id).map_or_else(|| absent(key, "User"), |user| one(call, user))
}

fn update_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    profiled(call, tx, |profile, set| {
        for (name, value) in set {
            if value.is_null() {
                profile.remove(name);
            } else {
                profile.insert(name.clone(), value.clone());
            }
        }
    })
}

fn replace_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    profiled(call, tx, |profile, set| profile.clone_from(set))
}

fn set_status(tx: &mut Tx<'_>, id: &str, status: &str) {
    if let Some(mut object) = tx.get("user", id).cloned() {
        let at = json!(clock::instant(tx.now_ms));
        object["status"] = json!(status);
        object["statusChanged"] = at.clone();
        object["lastUpdated"] = at;
        tx.put("user", id, object);
    }
}

fn delete_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    let Some(object) = found(tx.truth(), key) else { return absent(key, "User") };
    let id = id_of(object);
    if object["status"] != "DEPROVISIONED" {
        set_status(tx, &id, "DEPROVISIONED");
        return Reply::empty(204);
    }
    let memberships: Vec<String> =
        tx.truth().with("membership", "/user", &id).iter().map(|(id, _)| (*id).to_owned()).collect();
    for membership in memberships {
        tx.remove("membership", &membership);
    }
    tx.remove("user", &id);
    Reply::empty(204)
}

fn change_status(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    let Some(object) = found(tx.truth(), key) else { return absent(key, "User") };
    let (id, status) = (id_of(object), object["status"].as_str().unwrap_or_default());
    let has_password = object["credentials"]["password"].is_object();
    let started = if has_password { "ACTIVE" } else { "PROVISIONED" };
    let refused = |summary: &str| error(403, "E0000016", summary, &[]);
    let mismatch = |text: &str| error(400, "E0000001", "Api validation failed: status", &[text]);
    let next = match (call.param("action"), status) {
        ("activate", "STAGED" | "DEPROVISIONED") | ("reactivate", "PROVISIONED") => started,
        ("activate", _) => return refused("Activation failed because the user is already active"),
        ("reactivate", _) => return refused("Activation failed because the user is not pending activation"),
        ("deactivate", "DEPROVISIONED") => {
            return refused("Deactivation failed because the user is already deactivated");
        }
        ("deactivate", _) => "DEPROVISIONED",
        ("suspend", "ACTIVE") => "SUSPENDED",
        ("suspend", _) => return mismatch("Cannot suspend a user that is not active"),
        ("unsuspend", "SUSPENDED") => "ACTIVE",
        ("unsuspend", _) => return mismatch("Cannot unsuspend a user that is not suspended"),
        ("unlock", "LOCKED_OUT") => "ACTIVE",
        ("unlock", _) => return mismatch("Cannot unlock a user that is not locked out"),
        _ => return error(404, "E0000007", "Not found: Resource not found", &[]),
    };
    set_status(tx, &id, next);
    let is_silent = call.request.asked("sendEmail") == Some("false");
    if is_silent && call.param("action").ends_with("activate") && next == "PROVISIONED" {
        let token = mint::base62("", 20, mint::bytes(tx.seed(), "okta", &id, 0));
        let link = format!("{}/welcome/{token}", call.request.base);
        return Reply::json(200, &json!({"activationUrl": link, "activationToken": token}));
    }
    Reply::json(200, &json!({}))
}

fn clear_sessions(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    found(tx.truth(), key).map_or_else(|| absent(key, "User"), |_| Reply::empty(204))
}

fn groups_of_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    let view = tx.view(Fresh::Strong);
    let Some(user) = found(view, key) else { return absent(key, "User") };
    let memberships = view.with("membership", "/user", &id_of(user));
    let joined = memberships.iter().filter_map(|(_, one)| view.get("group", one["group"].as_str()?));
    let built_in = view.all("group").filter(|(_, group)| group["type"] == "BUILT_IN").map(|(_, group)| group);
    let all: Vec<&Value> = built_in.chain(joined).collect();
    Reply::json(200, &json!(all))
}

fn list_groups(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let terms = [call.request.asked("search"), call.request.asked("filter")];
    let mut searches = Vec::new();
    for text in terms.into_iter().flatten() {
        match Search::parse(text) {
            Ok(search) => searches.push(search),
            Err(cause) => return error(400, "E0000031", &format!("Invalid search criteria: {cause}"), &[]),
        }
    }
    let starts = call.request.asked("q").map(str::to_lowercase);
    let fits = |group: &Value| {
        let name = group["profile"]["name"].as_str().unwrap_or_default().to_lowercase();
        searches.iter().all(|search| search.fits(group))
            && starts.as_deref().is_none_or(|starts| name.starts_with(starts))
    };
    let view = tx.view(Fresh::Eventual);
    let all: Vec<(&str, Value)> =
        view.all("group").filter(|(_, group)| fits(group)).map(|(id, group)| (id, group.clone())).collect();
    page(call, &all, GROUPS_MAX)
}

fn get_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("groupId");
    let group = tx.view(Fresh::Strong).get("group", id);
    group.map_or_else(|| absent(id, "UserGroup"), |group| Reply::json(200, group))
}

fn create_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let body = call.request.json().unwrap_or_default();
    let name = body["profile"]["name"].as_str().unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return invalid("name", "The field cannot be left blank");
    }
    if tx.truth().all("group").any(|(_, group)| group["profile"]["name"] == name.as_str()) {
        return invalid("name", "An object with this field already exists in the current organization");
    }
    let id = mint::base62("00g", 20, tx.fresh("group"));
    let description = body["profile"]["description"].as_str().unwrap_or_default();
    let object = group(&id, &name, description, "OKTA_GROUP", &clock::instant(tx.now_ms));
    tx.put("group", &id, object.clone());
    Reply::json(200, &object)
}

fn delete_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("groupId");
    match tx.get("group", id) {
        None => return absent(id, "UserGroup"),
        Some(group) if group["type"] == "BUILT_IN" => return built_in(),
        Some(_) => {}
    }
    let members: Vec<String> =
        tx.truth().under("membership", &format!("{id}/")).map(|(id, _)| id.to_owned()).collect();
    for member in members {
        tx.remove("membership", &member);
    }
    tx.remove("group", id);
    Reply::empty(204)
}

fn built_in() -> Reply {
    error(403, "E0000078", "This operation is not allowed on a built-in group.", &[])
}

fn members(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("groupId");
    let view = tx.view(Fresh::Eventual);
    let Some(group) = view.get("group", id) else { return absent(id, "UserGroup") };
    let listed = |user: &&Value| user["status"] != "DEPROVISIONED";
    let all: Vec<(&str, Value)> = if group["type"] == "BUILT_IN" {
        view.all("user").filter(|(_, user)| listed(user)).map(|(id, user)| (id, linked(call, user))).collect()
    } else {
        let memberships = view.under("membership", &format!("{id}/"));
        let users = memberships.filter_map(|(_, one)| {
            let id = one["user"].as_str()?;
            Some((id, view.get("user", id).filter(listed)?))
        });
        users.map(|(id, user)| (id, linked(call, user))).collect()
    };
    page(call, &all, MEMBERS_MAX)
}

/// The ids of an existing group that can change and of an existing user, or what to answer.
fn pair(call: &Call<'_>, tx: &Tx<'_>) -> Result<(String, String), Reply> {
    let (group, user) = (call.param("groupId"), call.param("userId"));
    match tx.get("group", group) {
        None => return Err(absent(group, "UserGroup")),
        Some(one) if one["type"] == "BUILT_IN" => return Err(built_in()),
        Some(_) => {}
    }
    // A membership takes ids only: a login is not found here.
    tx.get("user", user).map_or_else(|| Err(absent(user, "User")), |_| Ok((group.to_owned(), user.to_owned())))
}

fn add_member(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    match pair(call, tx) {
        Err(reply) => reply,
        Ok((group, user)) => {
            join(tx, &group, &user);
            Reply::empty(204)
        }
    }
}

fn remove_member(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    match pair(call, tx) {
        Err(reply) => reply,
        Ok((group, user)) => {
            if tx.remove("membership", &format!("{group}/{user}")) {
                let at = clock::instant(tx.now_ms);
                tx.touch("group", &group, "lastMembershipUpdated", json!(at));
            }
            Reply::empty(204)
        }
    }
}
