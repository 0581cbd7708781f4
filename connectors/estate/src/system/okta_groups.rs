//! Okta's groups and who is in them.
//!
//! - No rule fills a group; only `Everyone` is computed.
//! - A `PUT` of a membership that is there and a `DELETE` of one that is not succeed and change nothing.

use super::Call;
use super::okta::{absent, error, group, invalid, linked, page};
use super::okta_search::Search;
use crate::store::{Fresh, Tx};
use crate::wire::Reply;
use crate::{clock, mint};
use serde_json::{Value, json};

/// The largest page of a group's members.
const MEMBERS_MAX: usize = 1_000;

/// The largest page of groups.
const GROUPS_MAX: usize = 10_000;

pub(super) fn join(tx: &mut Tx<'_>, group: &str, user: &str) {
    if tx.put("membership", &format!("{group}/{user}"), json!({"group": group, "user": user})) {
        let at = clock::instant(tx.now_ms);
        tx.touch("group", group, "lastMembershipUpdated", json!(at));
    }
}

pub(super) fn list_groups(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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
    let all: Vec<(&str, &Value)> = view.all("group").filter(|(_, group)| fits(group)).collect();
    page(call, &all, GROUPS_MAX, |_, group| group.clone())
}

pub(super) fn get_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("groupId");
    let group = tx.view(Fresh::Strong).get("group", id);
    group.map_or_else(|| absent(id, "UserGroup"), |group| Reply::json(200, group))
}

pub(super) fn create_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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

pub(super) fn delete_group(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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

pub(super) fn members(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("groupId");
    let view = tx.view(Fresh::Eventual);
    let Some(group) = view.get("group", id) else { return absent(id, "UserGroup") };
    let listed = |user: &&Value| user["status"] != "DEPROVISIONED";
    let all: Vec<(&str, &Value)> = if group["type"] == "BUILT_IN" {
        view.all("user").filter(|(_, user)| listed(user)).collect()
    } else {
        let memberships = view.under("membership", &format!("{id}/"));
        let users = memberships.filter_map(|(_, one)| {
            let id = one["user"].as_str()?;
            Some((id, view.get("user", id).filter(listed)?))
        });
        users.collect()
    };
    page(call, &all, MEMBERS_MAX, linked)
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
    tx.get("user", user)
        .map_or_else(|| Err(absent(user, "User")), |_| Ok((group.to_owned(), user.to_owned())))
}

pub(super) fn add_member(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    match pair(call, tx) {
        Err(reply) => reply,
        Ok((group, user)) => {
            join(tx, &group, &user);
            Reply::empty(204)
        }
    }
}

pub(super) fn remove_member(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
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
