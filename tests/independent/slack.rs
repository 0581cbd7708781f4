//! Slack's manifest against emulate.
//!
//! emulate takes POST alone. Slack takes the arguments of every method by POST as a form as well ("Using the Slack Web API"), so
//! the reading methods are asked that way here: the same manifest, but for the method. Not to be seen here: the pages of
//! `conversations.members` (emulate has one), and Slack's word for removing somebody who is gone, `not_in_channel` (emulate
//! says `user_not_in_channel`, which the manifest rightly does not know).

use crate::http;
use crate::servers::{System, described, manifest, values};
use serde_json::{Value as Json, json};
use xops_kernel::value::Value;

/// Slack's manifest with its reading methods by POST.
pub(crate) fn by_post() -> String {
    let mut text = manifest("slack");
    for method in ["/conversations.members", "/users.list"] {
        let line = text.lines().find(|line| line.trim_start().starts_with("get ") && line.contains(method));
        let line =
            line.unwrap_or_else(|| panic!("{method} is not asked by GET any more: drop it here")).to_owned();
        let (before, after) = text.split_once(&line).expect("the line");
        let after = after.replacen("query = {", "form = {", 1);
        text = format!("{before}{}{after}", line.replacen("get", "post", 1));
    }
    text
}

/// Asks emulate for what a test needs and no manifest does.
pub(crate) fn ask(method: &str, body: &Json) -> Json {
    let slack = &described()["systems"]["slack"];
    let token = format!("Bearer {}", slack["credentials"]["bot_token"].as_str().expect("a token"));
    let url = format!("{}/{method}", slack["base_url"].as_str().expect("an address"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let answer = http::call("POST", &url, &headers, body.to_string().as_bytes()).json();
    assert_eq!(answer["ok"], true, "{method}: {answer}");
    answer
}

/// A new channel; its id.
pub(crate) fn channel(name: &str) -> String {
    ask("conversations.create", &json!({ "name": name }))["channel"]["id"].as_str().expect("an id").to_owned()
}

fn slack() -> System {
    System::of("slack", "slack", by_post())
}

fn user(slack: &System, email: &str) -> String {
    let all = slack.read("users", None);
    let found =
        all.iter().find(|record| record.attributes.get("email").and_then(Value::as_text) == Some(email));
    found.unwrap_or_else(|| panic!("nobody has {email}")).source.id.clone()
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_slack_invites_once_and_removes() {
    let slack = slack();
    let (channel, user) = (channel("one"), user(&slack, "sarah.chen@acme.example"));
    let seat = values(&[("channel", &channel), ("user", &user)]);
    let invited = slack.drive("invite_channels", &seat, "already_done");
    // Slack says `not_in_channel` here, which is done already; emulate's own word is refused, as every unknown word is.
    slack.compensate(&invited, "invalid");
    // What was removed may be invited again.
    slack.drive("invite_channels", &seat, "already_done");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_slack_refuses_what_is_not_there_or_archived() {
    let slack = slack();
    let (channel, user) = (channel("two"), user(&slack, "sarah.chen@acme.example"));
    let seat = |channel: &str, user: &str| values(&[("channel", channel), ("user", user)]);
    assert_eq!(slack.word("invite_channels", &seat("C0NONE", &user)), "absent");
    assert_eq!(slack.word("invite_channels", &seat(&channel, "U0NOBODY")), "absent");
    ask("conversations.archive", &json!({ "channel": channel }));
    assert_eq!(slack.word("invite_channels", &seat(&channel, &user)), "conflict");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_slack_lists_its_people() {
    let emails: Vec<String> = slack()
        .read("users", None)
        .iter()
        .filter_map(|record| Some(record.attributes.get("email")?.as_text()?.to_owned()))
        .collect();
    for email in ["ada.park@acme.example", "sarah.chen@acme.example"] {
        assert!(emails.iter().any(|found| found == email), "{emails:?}");
    }
}
