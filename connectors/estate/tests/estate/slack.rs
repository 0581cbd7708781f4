//! Slack: channels and their members, by form and by JSON.

use crate::client::{Stage, call};
use serde_json::{Value, json};
use xops_estate::fixed::{SLACK_BOT_USER_ID, slack_channel_id};

fn user(stage: &Stage, login: &str) -> String {
    let found = stage.get("slack", &format!("/users.lookupByEmail?email={login}%40acme.example")).json();
    found["user"]["id"].as_str().expect("an id").to_owned()
}

fn check(stage: &Stage, method: &str, body: &Value, expect: &str) {
    let answer = stage.call("slack", "POST", &format!("/{method}"), body);
    assert_eq!(answer.status, 200);
    let word = if answer.json()["ok"] == true {
        "ok".to_owned()
    } else {
        answer.json()["error"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(word, expect, "{method} {body}");
}

#[test]
fn somebody_is_invited_once_and_removed_once() {
    let stage = Stage::new();
    let (channel, sarah) = (slack_channel_id("contractors").expect("a channel"), user(&stage, "sarah.chen"));
    let invite = json!({"channel": channel, "users": sarah});
    let kick = json!({"channel": channel, "user": sarah});
    check(&stage, "conversations.kick", &kick, "not_in_channel");
    check(&stage, "conversations.invite", &invite, "ok");
    check(&stage, "conversations.invite", &invite, "already_in_channel");
    let members = stage.get("slack", &format!("/conversations.members?channel={channel}")).json();
    assert!(members["members"].as_array().expect("a list").contains(&json!(sarah)));
    check(&stage, "conversations.kick", &kick, "ok");
    check(&stage, "conversations.kick", &kick, "not_in_channel");
    check(&stage, "conversations.invite", &json!({"channel": "C0", "users": sarah}), "channel_not_found");
    check(&stage, "conversations.invite", &json!({"channel": channel, "users": "U0"}), "user_not_found");
    check(
        &stage,
        "conversations.invite",
        &json!({"channel": channel, "users": SLACK_BOT_USER_ID}),
        "cant_invite_self",
    );
}

#[test]
fn one_obstacle_stops_an_invitation_of_many_unless_it_is_forced() {
    let stage = Stage::new();
    let channel = slack_channel_id("contractors").expect("a channel");
    let both = format!("{},U0NOBODY000", user(&stage, "priya.nair"));
    let before = stage.digest("slack");
    check(&stage, "conversations.invite", &json!({"channel": channel, "users": both}), "user_not_found");
    assert_eq!(stage.digest("slack"), before);
    check(&stage, "conversations.invite", &json!({"channel": channel, "users": both, "force": true}), "ok");
    assert_ne!(stage.digest("slack"), before);
}

#[test]
fn a_form_is_as_good_as_json_and_a_reading_method_takes_no_json() {
    let stage = Stage::new();
    let channel = slack_channel_id("contractors").expect("a channel");
    let authorization = format!("Bearer {}", stage.secret("slack", "bot_token"));
    let headers =
        [("Authorization", authorization.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let form = format!("channel={channel}&users={}", user(&stage, "marcus.webb"));
    let answer = call("POST", &format!("{}/conversations.invite", stage.base("slack")), &headers, &form);
    assert_eq!(answer.expect("an answer").json()["ok"], true);
    check(&stage, "conversations.members", &json!({"channel": channel}), "channel_not_found");
}

#[test]
fn all_users_come_by_cursor() {
    let stage = Stage::new();
    let (mut cursor, mut seen) = (String::new(), std::collections::BTreeSet::new());
    loop {
        let page =
            stage.get("slack", &format!("/users.list?limit=16&cursor={}", cursor.replace('=', "%3D"))).json();
        assert_eq!(page["ok"], true, "{page}");
        for member in page["members"].as_array().expect("a list") {
            assert!(seen.insert(member["id"].to_string()));
        }
        page["response_metadata"]["next_cursor"].as_str().expect("a cursor").clone_into(&mut cursor);
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 38);
    assert_eq!(stage.get("slack", "/users.list?cursor=nonsense").json()["error"], "invalid_cursor");
}

#[test]
fn a_channel_is_made_once_and_a_message_can_be_taken_back() {
    let stage = Stage::new();
    check(&stage, "conversations.create", &json!({"name": "launch-room"}), "ok");
    check(&stage, "conversations.create", &json!({"name": "launch-room"}), "name_taken");
    check(&stage, "conversations.create", &json!({"name": "Launch Room"}), "invalid_name_specials");
    let general = slack_channel_id("general").expect("a channel");
    let said = stage
        .call("slack", "POST", "/chat.postMessage", &json!({"channel": general, "text": "hello"}))
        .json();
    let at = |bounds: &str| {
        let page = stage.get("slack", &format!("/conversations.history?channel={general}{bounds}")).json();
        page["messages"].as_array().expect("a list").len()
    };
    let ts = said["ts"].as_str().expect("a moment");
    assert_eq!(at(&format!("&oldest={ts}&latest={ts}&inclusive=true")), 1);
    assert_eq!(at(&format!("&oldest={ts}")), 0, "a bound is outside unless it is asked for");
    assert_eq!(at(&format!("&latest={ts}")), 0);
    check(&stage, "chat.delete", &json!({"channel": general, "ts": said["ts"]}), "ok");
    check(&stage, "chat.delete", &json!({"channel": general, "ts": said["ts"]}), "message_not_found");
    check(&stage, "conversations.archive", &json!({"channel": general}), "cant_archive_general");
}

#[test]
fn credentials_are_judged_with_status_200() {
    let stage = Stage::new();
    let test = |headers: &[(&str, &str)]| {
        call("POST", &format!("{}/auth.test", stage.base("slack")), headers, "").expect("an answer").json()["error"].clone()
    };
    assert_eq!(test(&[]), "not_authed");
    assert_eq!(test(&[("Authorization", "Bearer xoxb-wrong")]), "invalid_auth");
}

#[test]
fn the_tier_of_a_method_is_its_limit() {
    let stage = Stage::new();
    let status = |_| stage.get("slack", "/users.list?limit=1");
    let answers: Vec<_> = (0..21).map(status).collect();
    assert!(answers[..20].iter().all(|one| one.status == 200));
    assert_eq!(answers[20].status, 429);
    assert_eq!(answers[20].headers("retry-after").len(), 1);
    assert_eq!(stage.get("slack", "/auth.test").status, 200, "another method has its own bucket");
}
