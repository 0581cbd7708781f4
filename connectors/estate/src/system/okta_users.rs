//! Okta's users: their profiles and the statuses that they move through.
//!
//! - No password is ever checked or kept: that a user has one decides only between `ACTIVE` and `PROVISIONED`.

use super::Call;
use super::okta::{absent, error, found, id_of, invalid, linked, one, page, tag, user};
use super::okta_groups::join;
use super::okta_search::Search;
use crate::store::{Fresh, Tx};
use crate::wire::Reply;
use crate::{clock, mint};
use serde_json::{Map, Value, json};

/// The largest page of users.
const USERS_MAX: usize = 200;

pub(super) fn list_users(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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
    // One more than a page holds tells that there are more.
    let behind = view.after("user", call.request.asked("after").unwrap_or_default());
    let all: Vec<(&str, &Value)> = behind.filter(|(_, user)| fits(user)).take(USERS_MAX + 1).collect();
    page(call, &all, USERS_MAX, linked)
}

pub(super) fn get_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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
        if matches!(field, "login" | "email")
            && !text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        {
            return Some(invalid(field, "Must be in the form of an email address"));
        }
    }
    let login = profile.get("login").and_then(Value::as_str).unwrap_or_default();
    let holders = tx.truth().with("user", "/profile/login", login);
    let is_taken = holders.iter().any(|(id, _)| own != Some(*id));
    is_taken.then(|| invalid("login", "An object with this field already exists in the current organization"))
}

pub(super) fn create_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let Some(body) = call.request.json() else {
        return error(400, "E0000003", "The request body was not well-formed.", &[]);
    };
    let Some(profile) = body["profile"].as_object() else {
        return invalid("profile", "The field cannot be left blank");
    };
    if let Some(reply) = judged(profile, tx, None) {
        return reply;
    }
    let groups: Vec<String> = body["groupIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
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

/// Changes a user's profile by `change`, under the caller's `If-Match`.
fn profiled(
    call: &Call<'_>,
    tx: &mut Tx<'_>,
    change: fn(&mut Map<String, Value>, &Map<String, Value>),
) -> Reply {
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

pub(super) fn update_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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

pub(super) fn replace_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    profiled(call, tx, Clone::clone_from)
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

pub(super) fn delete_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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

pub(super) fn change_status(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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
        ("unsuspend", "SUSPENDED") | ("unlock", "LOCKED_OUT") => "ACTIVE",
        ("unsuspend", _) => return mismatch("Cannot unsuspend a user that is not suspended"),
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

pub(super) fn clear_sessions(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    found(tx.truth(), key).map_or_else(|| absent(key, "User"), |_| Reply::empty(204))
}

pub(super) fn groups_of_user(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let key = call.param("id");
    let view = tx.view(Fresh::Strong);
    let Some(user) = found(view, key) else { return absent(key, "User") };
    let memberships = view.with("membership", "/user", &id_of(user));
    let joined = memberships.iter().filter_map(|(_, one)| view.get("group", one["group"].as_str()?));
    let built_in = view.all("group").filter(|(_, group)| group["type"] == "BUILT_IN").map(|(_, group)| group);
    let all: Vec<&Value> = built_in.chain(joined).collect();
    Reply::json(200, &json!(all))
}
