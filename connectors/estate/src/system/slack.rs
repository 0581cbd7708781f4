//! Slack: the Web API under `/api/{method}`, by GET or POST, form or JSON.
//!
//! - No enterprise grid (`admin.*`), no threads, no private messages, no events.
//! - Errors are `{"ok": false, "error": ...}` with status 200; only the rate limit has a status of its own.
//! - A method that only reads takes no JSON body: its arguments are then missing, as with the real one.
//! - Lists of users, channels and members are eventual; a lookup of one user or channel is strong.

use super::slack_chat as chat;
use super::{Call, Handler, Refusal, Run, System};
use crate::auth::{self, Access, Credentials};
use crate::fixed::{DEPARTMENTS, SLACK_BOT_USER_ID, SLACK_CHANNELS};
use crate::mint;
use crate::seed::{Bond, World};
use crate::store::{Fresh, Shape, Tx};
use crate::throttle::Rate;
use crate::wire::{Reply, Request, fits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

pub(super) const TEAM: &str = "T0ACME00001";
const GENERAL: &str = "C0GENERAL01";

/// Method, calls in a minute (the vendor's tier), whether it writes, handler.
const METHODS: &[(&str, u64, bool, Handler)] = &[
    ("auth.test", 600, true, auth_test),
    ("users.list", 20, false, list_users),
    ("users.info", 100, false, user_info),
    ("users.lookupByEmail", 50, false, lookup),
    ("conversations.list", 20, false, list_channels),
    ("conversations.info", 50, false, channel_info),
    ("conversations.members", 100, false, members),
    ("conversations.invite", 50, true, invite),
    ("conversations.kick", 50, true, kick),
    ("conversations.create", 20, true, chat::create),
    ("conversations.archive", 20, true, chat::archive),
    ("conversations.unarchive", 20, true, chat::unarchive),
    ("conversations.history", 50, false, chat::history),
    ("chat.postMessage", 60, true, chat::post),
    ("chat.delete", 50, true, chat::delete),
];

/// The stand-in for Slack.
#[derive(Debug)]
pub(crate) struct Slack;

impl System for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn shape(&self) -> Shape {
        Shape { volatile: &["created", "updated", "ts"], indexes: &[("user", "/profile/email")] }
    }

    fn base_path(&self) -> &'static str {
        "/api"
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default()
            .with("bot_token", format!("xoxb-{}", auth::secret(seed, "slack", "bot_token", 32)))
    }

    fn describe(&self, base: &str) -> Value {
        json!({"base_url": format!("{base}/api"), "team_id": TEAM, "bot_user_id": SLACK_BOT_USER_ID})
    }

    fn plant(&self, tx: &mut Tx<'_>, world: &World) {
        let at = tx.now_ms / 1_000;
        let departments = DEPARTMENTS.iter().map(|one| (one.slug, one.slack_channel_id));
        for (name, id) in SLACK_CHANNELS.iter().copied().chain(departments) {
            tx.plant("channel", id, channel(id, name, SLACK_BOT_USER_ID, false, at));
            seat(tx, id, SLACK_BOT_USER_ID);
        }
        let bot = user(SLACK_BOT_USER_ID, "xops", "xops", "", true, at);
        tx.plant("user", SLACK_BOT_USER_ID, bot);
        for person in &world.people {
            let id = mint::base36("U0", 11, tx.fresh("user"));
            tx.plant("user", &id, user(&id, &person.login, &person.name(), &person.email(), false, at));
            seat(tx, GENERAL, &id);
            if person.bond == Bond::Employee {
                seat(tx, person.department.slack_channel_id, &id);
            }
        }
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        let params = fits("/api/{method}", &request.path).unwrap_or_default();
        let name = params.first().map_or("", |(_, value)| value).to_owned();
        let known = METHODS.iter().find(|(method, ..)| *method == name);
        let run = match known {
            Some((.., handler)) if matches!(request.method.as_str(), "GET" | "POST") => Run::Do(*handler),
            _ => Run::Unknown(404),
        };
        let operation = if name.is_empty() { "unknown".to_owned() } else { name };
        Call { request, operation, params, document: None, run }
    }

    fn admit(&self, call: &Call<'_>, access: &Access, _now_ms: u64) -> Result<(), Reply> {
        let form = if call.request.is_form() { call.request.form() } else { Vec::new() };
        let in_form = Some(auth::field(&form, "token")).filter(|token| !token.is_empty());
        match call.request.authorization("bearer").or(in_form) {
            Some(token) if token == access.credentials.get("bot_token") => Ok(()),
            Some(_) => Err(failed("invalid_auth")),
            None => Err(failed("not_authed")),
        }
    }

    fn unknown(&self, call: &Call<'_>, _status: u16) -> Reply {
        Reply::json(200, &json!({"ok": false, "error": "unknown_method", "req_method": call.operation}))
    }

    fn rate(&self, call: &Call<'_>) -> (String, Rate) {
        let limit =
            METHODS.iter().find(|(name, ..)| *name == call.operation).map_or(20, |(_, limit, ..)| *limit);
        (call.operation.clone(), Rate { limit, window_ms: 60_000 })
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        match refusal {
            Refusal::Throttled { retry_after_s } => {
                Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
                    .with("Retry-After", retry_after_s.unwrap_or(1).to_string())
            }
            Refusal::Status { status, retry_after_s } => {
                let reply = Reply::json(*status, &json!({"ok": false, "error": "service_unavailable"}));
                reply.later(*retry_after_s)
            }
            Refusal::Rejected => failed("restricted_action"),
        }
    }
}

pub(super) fn failed(code: &str) -> Reply {
    Reply::json(200, &json!({"ok": false, "error": code}))
}

/// What a method was called with: query, then form or JSON body.
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn of(call: &Call<'_>) -> Self {
        let request = call.request;
        let text = |pairs: &[(String, String)]| -> Map<String, Value> {
            pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
        };
        let mut all = text(&request.query);
        let is_write = METHODS.iter().any(|(name, _, is_write, _)| *is_write && *name == call.operation);
        if request.is_form() {
            all.extend(text(&request.form()));
        } else if is_write
            && request.media_type() == "application/json"
            && let Some(Value::Object(body)) = request.json()
        {
            all.extend(body);
        }
        Self(all)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.text(name).as_deref(), Some("true" | "1"))
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

pub(super) fn channel(id: &str, name: &str, creator: &str, is_private: bool, created: u64) -> Value {
    json!({
        "id": id, "name": name, "name_normalized": name, "is_channel": !is_private, "is_group": is_private,
        "is_im": false, "is_mpim": false, "is_private": is_private, "is_archived": false, "is_shared": false,
        "is_org_shared": false, "is_general": id == GENERAL, "created": created, "creator": creator,
        "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
    })
}

fn user(id: &str, name: &str, real_name: &str, email: &str, is_bot: bool, updated: u64) -> Value {
    let mut profile = json!({"real_name": real_name, "display_name": name});
    if !email.is_empty() {
        profile["email"] = json!(email);
    }
    json!({
        "id": id, "team_id": TEAM, "name": name, "deleted": false, "real_name": real_name, "is_bot": is_bot,
        "is_admin": false, "is_restricted": false, "is_ultra_restricted": false, "updated": updated,
        "profile": profile,
    })
}

/// Seats somebody in a channel before anybody looked.
fn seat(tx: &mut Tx<'_>, channel: &str, user: &str) {
    tx.plant("membership", &format!("{channel}/{user}"), json!({"channel": channel, "user": user}));
}

/// Seats somebody in a channel.
pub(super) fn join(tx: &mut Tx<'_>, channel: &str, user: &str) {
    tx.put("membership", &format!("{channel}/{user}"), json!({"channel": channel, "user": user}));
}

/// The channel that a method names, or what to answer.
pub(super) fn named(args: &Args, tx: &Tx<'_>) -> Result<(String, Value), Reply> {
    let id = args.text("channel").unwrap_or_default();
    match tx.get("channel", &id) {
        Some(channel) => Ok((id, channel.clone())),
        None => Err(failed("channel_not_found")),
    }
}

/// A page after a cursor, and the cursor of the next one (empty at the end).
pub(super) fn page<'a>(args: &Args, keys: &[&'a str], usual: usize) -> Result<(Vec<&'a str>, String), Reply> {
    let limit = args.text("limit").and_then(|text| text.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let limit = limit.unwrap_or(usual).min(1_000);
    let from = match args.text("cursor").filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => {
            let plain = STANDARD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let Some(after) = plain.as_deref().and_then(|plain| plain.strip_prefix("next:")) else {
                return Err(failed("invalid_cursor"));
            };
            keys.partition_point(|key| *key <= after)
        }
    };
    let shown = keys[from..(from + limit).min(keys.len())].to_vec();
    let next = match shown.last() {
        Some(last) if from + shown.len() < keys.len() => STANDARD.encode(format!("next:{last}")),
        _ => String::new(),
    };
    Ok((shown, next))
}

fn auth_test(call: &Call<'_>, _tx: &mut Tx<'_>) -> Reply {
    Reply::json(
        200,
        &json!({"ok": true, "url": call.request.base, "team": "acme", "user": "xops",
        "team_id": TEAM, "user_id": SLACK_BOT_USER_ID, "bot_id": "B0XOPSBOT01"}),
    )
}

fn list_users(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let view = tx.view(Fresh::Eventual);
    let keys: Vec<&str> = view.all("user").map(|(id, _)| id).collect();
    page(&Args::of(call), &keys, 1_000).map_or_else(
        |reply| reply,
        |(shown, next)| {
            let members: Vec<&Value> = shown.iter().filter_map(|id| view.get("user", id)).collect();
            Reply::json(
                200,
                &json!({"ok": true, "members": members, "cache_ts": tx.now_ms / 1_000,
            "response_metadata": {"next_cursor": next}}),
            )
        },
    )
}

fn user_info(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = Args::of(call).text("user").unwrap_or_default();
    let user = tx.view(Fresh::Strong).get("user", &id);
    user.map_or_else(|| failed("user_not_found"), |user| Reply::json(200, &json!({"ok": true, "user": user})))
}

fn lookup(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let Some(email) = Args::of(call).text("email").filter(|email| !email.is_empty()) else {
        return failed("invalid_arguments");
    };
    let found = tx.view(Fresh::Strong).with("user", "/profile/email", &email);
    let user = found.iter().map(|(_, user)| *user).find(|user| user["deleted"] == false);
    user.map_or_else(
        || failed("users_not_found"),
        |user| Reply::json(200, &json!({"ok": true, "user": user})),
    )
}

fn list_channels(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let view = tx.view(Fresh::Eventual);
    let types = args.text("types").unwrap_or_else(|| "public_channel".to_owned());
    let fits = |channel: &Value| {
        let kind = if channel["is_private"] == true { "private_channel" } else { "public_channel" };
        types.split(',').any(|one| one.trim() == kind)
            && !(args.is_true("exclude_archived") && channel["is_archived"] == true)
    };
    let keys: Vec<&str> = view.all("channel").filter(|(_, one)| fits(one)).map(|(id, _)| id).collect();
    page(&args, &keys, 100).map_or_else(
        |reply| reply,
        |(shown, next)| {
            let channels: Vec<&Value> = shown.iter().filter_map(|id| view.get("channel", id)).collect();
            Reply::json(
                200,
                &json!({"ok": true, "channels": channels, "response_metadata": {"next_cursor": next}}),
            )
        },
    )
}

fn channel_info(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = Args::of(call).text("channel").unwrap_or_default();
    let channel = tx.view(Fresh::Strong).get("channel", &id);
    channel.map_or_else(
        || failed("channel_not_found"),
        |one| Reply::json(200, &json!({"ok": true, "channel": one})),
    )
}

fn members(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let id = args.text("channel").unwrap_or_default();
    let view = tx.view(Fresh::Eventual);
    if id.is_empty() || view.get("channel", &id).is_none() {
        return failed("channel_not_found");
    }
    let seats = view.under("membership", &format!("{id}/"));
    let keys: Vec<&str> = seats.filter_map(|(_, one)| one["user"].as_str()).collect();
    page(&args, &keys, 100).map_or_else(
        |reply| reply,
        |(shown, next)| {
            Reply::json(
                200,
                &json!({"ok": true, "members": shown, "response_metadata": {"next_cursor": next}}),
            )
        },
    )
}

/// Why somebody cannot be invited, if so.
fn obstacle(tx: &Tx<'_>, channel: &str, user: &str) -> Option<&'static str> {
    match tx.get("user", user) {
        None => Some("user_not_found"),
        Some(_) if user == SLACK_BOT_USER_ID => Some("cant_invite_self"),
        Some(one) if one["deleted"] == true => Some("user_is_deactivated"),
        Some(_) => tx.get("membership", &format!("{channel}/{user}")).map(|_| "already_in_channel"),
    }
}

fn invite(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let (id, channel) = match named(&args, tx) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    if channel["is_archived"] == true {
        return failed("is_archived");
    }
    if tx.get("membership", &format!("{id}/{SLACK_BOT_USER_ID}")).is_none() {
        return failed("not_in_channel");
    }
    let text = args.text("users").unwrap_or_default();
    let users: Vec<&str> = text.split(',').map(str::trim).filter(|user| !user.is_empty()).collect();
    if users.is_empty() {
        return failed("no_user");
    }
    if users.len() > 1_000 {
        return failed("too_many_users");
    }
    let errors: Vec<(&str, &str)> =
        users.iter().filter_map(|user| Some((*user, obstacle(tx, &id, user)?))).collect();
    // With `force`, those who can be invited are; without it, one obstacle stops all.
    if let Some((_, first)) = errors.first()
        && (!args.is_true("force") || errors.len() == users.len())
    {
        let each: Vec<Value> =
            errors.iter().map(|(user, code)| json!({"user": user, "ok": false, "error": code})).collect();
        return Reply::json(200, &json!({"ok": false, "error": first, "errors": each}));
    }
    for user in users.iter().filter(|user| !errors.iter().any(|(failed, _)| failed == *user)) {
        join(tx, &id, user);
    }
    Reply::json(200, &json!({"ok": true, "channel": channel}))
}

fn kick(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let (id, channel) = match named(&args, tx) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let user = args.text("user").unwrap_or_default();
    if tx.get("user", &user).is_none() {
        return failed("user_not_found");
    }
    if user == SLACK_BOT_USER_ID {
        return failed("cant_kick_self");
    }
    if channel["is_general"] == true {
        return failed("cant_kick_from_general");
    }
    if tx.remove("membership", &format!("{id}/{user}")) {
        Reply::json(200, &json!({"ok": true}))
    } else {
        failed("not_in_channel")
    }
}
