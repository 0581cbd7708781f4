//! Slack's channels as things of their own, and what is said in them.
//!
//! - A message is stored under an ordinal; its `ts` carries the real time and that ordinal, and no digest sees it.

use super::Call;
use super::slack::{Args, TEAM, channel, failed, join, named, page};
use crate::fixed::SLACK_BOT_USER_ID;
use crate::mint;
use crate::store::{Fresh, Tx};
use crate::wire::Reply;
use serde_json::{Value, json};

/// The longest name of a channel.
const NAME_MAX: usize = 80;
/// The longest text of a message.
const TEXT_MAX: usize = 40_000;

pub(super) fn create(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let name = args.text("name").unwrap_or_default();
    let is_letter =
        |letter: char| letter.is_lowercase() || letter.is_numeric() || matches!(letter, '-' | '_');
    if name.is_empty() {
        return failed("invalid_name_required");
    }
    if name.chars().count() > NAME_MAX {
        return failed("invalid_name_maxlength");
    }
    if !name.chars().all(is_letter) {
        return failed("invalid_name_specials");
    }
    if tx.truth().all("channel").any(|(_, one)| one["name"] == name.as_str()) {
        return failed("name_taken");
    }
    let id = mint::base36("C0", 11, tx.fresh("channel"));
    let object = channel(&id, &name, SLACK_BOT_USER_ID, args.is_true("is_private"), tx.now_ms / 1_000);
    tx.put("channel", &id, object.clone());
    join(tx, &id, SLACK_BOT_USER_ID);
    Reply::json(200, &json!({"ok": true, "channel": object}))
}

pub(super) fn archive(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    set_archived(call, tx, true)
}

pub(super) fn unarchive(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    set_archived(call, tx, false)
}

fn set_archived(call: &Call<'_>, tx: &mut Tx<'_>, is_archived: bool) -> Reply {
    let (id, mut object) = match named(&Args::of(call), tx) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    if object["is_general"] == true {
        return failed("cant_archive_general");
    }
    if object["is_archived"] == is_archived {
        return failed(if is_archived { "already_archived" } else { "not_archived" });
    }
    object["is_archived"] = json!(is_archived);
    tx.put("channel", &id, object);
    Reply::json(200, &json!({"ok": true}))
}

pub(super) fn post(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let (id, object) = match named(&args, tx) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    if object["is_archived"] == true {
        return failed("is_archived");
    }
    let text = args.text("text").unwrap_or_default();
    if text.is_empty() && args.text("blocks").is_none() && args.text("attachments").is_none() {
        return failed("no_text");
    }
    if text.chars().count() > TEXT_MAX {
        return failed("msg_too_long");
    }
    let ordinal = tx.next("message");
    let ts = format!("{:010}.{:06}", tx.now_ms / 1_000, ordinal % 1_000_000);
    let mut message = json!({
        "type": "message", "text": text, "user": SLACK_BOT_USER_ID, "bot_id": "B0XOPSBOT01", "team": TEAM, "ts": ts,
    });
    for name in ["metadata", "blocks"] {
        if let Some(value) = args.value(name) {
            message[name] = structured(value);
        }
    }
    tx.put("message", &format!("{id}/{ordinal:010}"), message.clone());
    Reply::json(200, &json!({"ok": true, "channel": id, "ts": ts, "message": message}))
}

/// In a form, what has a structure arrives as its JSON text.
fn structured(value: &Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| value.clone())
}

pub(super) fn delete(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let (id, _) = match named(&args, tx) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let ts = args.text("ts").unwrap_or_default();
    let found = tx.truth().under("message", &format!("{id}/")).find(|(_, one)| one["ts"] == ts.as_str());
    let Some(key) = found.map(|(key, _)| key.to_owned()) else { return failed("message_not_found") };
    tx.remove("message", &key);
    Reply::json(200, &json!({"ok": true, "channel": id, "ts": ts}))
}

pub(super) fn history(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let args = Args::of(call);
    let id = match named(&args, tx) {
        Ok((id, _)) => id,
        Err(reply) => return reply,
    };
    let view = tx.view(Fresh::Eventual);
    let is_inclusive = args.is_true("inclusive");
    let (oldest, latest) = (args.text("oldest"), args.text("latest"));
    // Moments have as many digits each: their texts stand in their order.
    let fits = |message: &Value| {
        let ts = message["ts"].as_str().unwrap_or_default();
        let edge = |bound: &str| is_inclusive && ts == bound;
        oldest.as_deref().is_none_or(|bound| ts > bound || edge(bound))
            && latest.as_deref().is_none_or(|bound| ts < bound || edge(bound))
    };
    let all = view.under("message", &format!("{id}/"));
    let keys: Vec<&str> = all.filter(|(_, message)| fits(message)).map(|(key, _)| key).collect();
    page(&args, &keys, 100).map_or_else(
        |reply| reply,
        |(shown, next)| {
            let messages: Vec<&Value> =
                shown.iter().rev().filter_map(|key| view.get("message", key)).collect();
            let mut body = json!({"ok": true, "messages": messages, "has_more": !next.is_empty(),
                "pin_count": 0, "channel_actions_count": 0, "channel_actions_ts": []});
            if !next.is_empty() {
                body["response_metadata"] = json!({"next_cursor": next});
            }
            Reply::json(200, &body)
        },
    )
}
