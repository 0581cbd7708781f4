//! Events by the schemes that manifests declare: what a system really sent is read after and leads to work once; what is wrong,
//! old, sent again or cut short leads to nothing.

use crate::daemon::{self, Daemon};
use crate::estate::{World, wait_for};
use crate::http::{self, Answer};
use ring::hmac;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

const SLACK: &str = "slack signing secret of the tests";
const OKTA: &str = "okta hook secret of the tests";

fn now() -> u64 {
    let output = Command::new("date").arg("+%s").output().expect("the time");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds")
}

fn start(world: &World) -> Daemon {
    let mut command = daemon::command(world);
    command.env("XOPS_WEBHOOK_SECRET_SLACK", SLACK).env("XOPS_WEBHOOK_SECRET_OKTA", OKTA);
    Daemon::start_in(world, &mut command)
}

/// Slack's signature: `v0=` and the HMAC-SHA256 of `v0:timestamp:body` in hexadecimal.
fn signature(secret: &str, at: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{at}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    format!("v0={hex}")
}

fn slack(daemon: &Daemon, signature: &str, at: u64, body: &str) -> Answer {
    let at = at.to_string();
    let headers = [("x-slack-signature", signature), ("x-slack-request-timestamp", at.as_str())];
    http::call("POST", &format!("{}/v1/webhooks/slack", daemon.url), &headers, body.as_bytes())
}

/// A delivery that is right in everything.
fn right(daemon: &Daemon, body: &Json) -> Answer {
    let (at, body) = (now(), body.to_string());
    slack(daemon, &signature(SLACK, at, &body), at, &body)
}

fn renamed(id: &str) -> Json {
    json!({ "event_id": id, "event": { "type": "user_change", "user": { "id": "U1" } } })
}

/// How often Slack was read.
fn reads(daemon: &Daemon) -> u64 {
    let metrics = http::call("GET", &format!("{}/metrics", daemon.url), &[], b"").body;
    let lines =
        metrics.lines().filter(|line| line.starts_with("xops_reads_total{") && line.contains("\"slack\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn an_event_is_read_after_once_and_its_repetition_is_not() {
    let world = World::start();
    let daemon = start(&world);
    let before = wait_for("the first reading of slack", || Some(reads(&daemon)).filter(|count| *count > 0));
    let answer = right(&daemon, &renamed("Ev1"));
    assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("noticed")), "{}", answer.body);
    wait_for("a reading of what was noticed", || Some(()).filter(|()| reads(&daemon) > before));
    let after = reads(&daemon);
    for _ in 0..3 {
        let answer = right(&daemon, &renamed("Ev1"));
        assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("repeated")), "{}", answer.body);
    }
    // A kind that nothing declared here asks about is not read either.
    let seat = json!({ "event_id": "Ev2", "event": { "type": "member_joined_channel", "channel": "C1", "user": "U1" } });
    assert_eq!(right(&daemon, &seat).status, 202);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(reads(&daemon), after, "a repeated delivery was read after");
    assert_eq!(daemon.ask("GET", "/v1/status", "").json()["open_requests"], 0);
}

#[test]
fn what_is_wrong_old_or_cut_short_is_refused_whatever_it_says() {
    let world = World::start();
    let daemon = start(&world);
    let (at, body) = (now(), renamed("Ev1").to_string());
    let good = signature(SLACK, at, &body);
    let cut = &body[..body.len() - 1];
    for (signature, at, body) in [
        (signature("guessed", at, &body), at, body.as_str()),
        (good.clone(), at + 1, &body),
        (good.clone(), at, cut),
        (signature(SLACK, at - 301, &body), at - 301, &body),
        (signature(SLACK, at + 400, &body), at + 400, &body),
        (good.replace("v0=", "v1="), at, &body),
        (good.replace("v0=", ""), at, &body),
        (String::new(), at, &body),
        ("v0=".to_owned(), at, &body),
    ] {
        let answer = slack(&daemon, &signature, at, body);
        assert_eq!(answer.status, 401, "{signature} at {at}: {}", answer.body);
    }
    // The secret of one system opens no other's door.
    let other = http::call(
        "POST",
        &format!("{}/v1/webhooks/okta", daemon.url),
        &[("x-slack-signature", &good), ("x-slack-request-timestamp", &at.to_string())],
        body.as_bytes(),
    );
    assert_eq!(other.status, 401, "{}", other.body);
    // Signed rightly and no JSON, and a name that is none.
    assert_eq!(slack(&daemon, &signature(SLACK, at, cut), at, cut).status, 400);
    let nameless =
        http::call("POST", &format!("{}/v1/webhooks/slack/other", daemon.url), &[], body.as_bytes());
    assert_eq!(nameless.status, 404, "{}", nameless.body);
    // A body that ends before its length: the connection is closed without a word of success.
    let mut stream = TcpStream::connect(daemon.url.trim_start_matches("http://")).expect("the daemon");
    let head = format!(
        "POST /v1/webhooks/slack HTTP/1.1\r\nhost: x\r\nx-slack-signature: {good}\r\nx-slack-request-timestamp: {at}\r\n\
         content-length: {}\r\n\r\n{cut}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a half");
    stream.shutdown(std::net::Shutdown::Write).expect("the end");
    let answer = http::answer(stream);
    assert!(answer.status == 0 || answer.status >= 400, "{}: {}", answer.status, answer.body);
    // What was refused is not remembered: the real one is new.
    let answer = slack(&daemon, &good, at, &body);
    assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("noticed")), "{}", answer.body);
}

#[test]
fn a_system_that_asks_whether_somebody_listens_is_answered_and_nothing_else_happens() {
    let world = World::start();
    let daemon = start(&world);
    let question = json!({ "type": "url_verification", "challenge": "c-1" });
    let answer = right(&daemon, &question);
    assert_eq!((answer.status, answer.json()), (200, json!({ "challenge": "c-1" })), "{}", answer.body);
    assert_eq!(slack(&daemon, "v0=00", now(), &question.to_string()).status, 401, "a stranger's question");
    let okta = format!("{}/v1/webhooks/okta", daemon.url);
    let answer = http::call("GET", &okta, &[("x-okta-verification-challenge", "c-2")], b"");
    assert_eq!((answer.status, answer.json()), (200, json!({ "verification": "c-2" })), "{}", answer.body);
    assert_eq!(http::call("GET", &okta, &[], b"").status, 401);

    let event = json!({ "eventId": "e1", "data": { "events": [{ "eventType": "user.lifecycle.create" }] } });
    let send =
        |secret: &str| http::call("POST", &okta, &[("authorization", secret)], event.to_string().as_bytes());
    assert_eq!(send("guessed").status, 401);
    assert_eq!(send(&OKTA[1..]).status, 401);
    assert_eq!(send(OKTA).json()["state"], "noticed");
    assert_eq!(send(OKTA).json()["state"], "repeated");
    // Several events in one message: each is judged, and all are known again.
    let several = json!({ "eventId": "e2", "data": { "events": [{ "eventType": "policy.lifecycle.update" },
        { "eventType": "user.lifecycle.create" }] } });
    let send =
        |body: &Json| http::call("POST", &okta, &[("authorization", OKTA)], body.to_string().as_bytes());
    assert_eq!(send(&several).json()["state"], "noticed");
    assert_eq!(send(&several).json()["state"], "repeated");
}
