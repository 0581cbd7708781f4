//! The entrances beside requests: events of systems, signed, each delivery one request.

use crate::daemon::{Daemon, SECRET};
use crate::estate::World;
use crate::http::{self, Answer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;
use std::process::Command;

/// The seconds since 1970, of the machine.
fn now() -> u64 {
    let output = Command::new("date").arg("+%s").output().expect("the time");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds")
}

/// A delivery.
struct Delivery {
    id: String,
    at: u64,
    body: String,
    secret: Vec<u8>,
}

impl Delivery {
    /// What Workday says when the contract of a worker is approved.
    fn approved(id: &str, worker: &str) -> Self {
        let body = json!({ "type": "contract.approved", "worker": { "id": worker } }).to_string();
        let secret = STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("base64");
        Self { id: id.to_owned(), at: now(), body, secret }
    }

    /// The signature of the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`.
    fn signature(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let tag = hmac::sign(&key, format!("{}.{}.{}", self.id, self.at, self.body).as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }

    fn send(&self, daemon: &Daemon, signature: &str) -> Answer {
        let at = self.at.to_string();
        let headers =
            [("webhook-id", self.id.as_str()), ("webhook-timestamp", &at), ("webhook-signature", signature)];
        http::call("POST", &format!("{}/v1/webhooks/workday", daemon.url), &headers, self.body.as_bytes())
    }
}

#[test]
fn a_signed_event_starts_an_instance_and_its_repetition_changes_nothing() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let delivery = Delivery::approved("msg_1", "CW-1001");
    let first = delivery.send(&daemon, &delivery.signature());
    assert_eq!(first.status, 202, "{}", first.body);
    let number = first.json()["number"].as_u64().expect("a number");
    daemon.until(number, "completed");
    let changes = world.control("GET", "/changes", "").as_array().map(Vec::len);
    // Senders deliver again when an answer was lost, also much later and with a fresh time.
    for again in [
        Delivery::approved("msg_1", "CW-1001"),
        Delivery { at: now() - 200, ..Delivery::approved("msg_1", "CW-1001") },
    ] {
        let answer = again.send(&daemon, &again.signature());
        assert_eq!(answer.json()["instance"], first.json()["instance"], "{}", answer.body);
    }
    let daemon = restarted(&world, daemon);
    let answer = delivery.send(&daemon, &delivery.signature());
    assert_eq!(
        answer.json()["instance"],
        first.json()["instance"],
        "a restart forgets no delivery: {}",
        answer.body
    );
    assert_eq!(world.control("GET", "/changes", "").as_array().map(Vec::len), changes);
    let next = Delivery::approved("msg_2", "CW-1001");
    let answer = next.send(&daemon, &next.signature());
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("unchanged")), "{}", answer.body);
}

fn restarted(world: &World, daemon: Daemon) -> Daemon {
    assert!(daemon.terminate().success());
    Daemon::start(world)
}

#[test]
fn what_is_not_signed_by_the_sender_now_is_refused() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let good = Delivery::approved("msg_1", "CW-1001");
    let signature = good.signature();
    let other = |change: fn(&mut Delivery)| {
        let mut delivery = Delivery::approved("msg_1", "CW-1001");
        delivery.at = good.at;
        change(&mut delivery);
        delivery
    };
    // What was signed, sent with another id, another time or another body.
    for changed in [
        other(|it| it.id = "msg_2".to_owned()),
        other(|it| it.at -= 1),
        other(|it| it.body = it.body.replace("CW-1001", "CW-1002")),
    ] {
        let answer = changed.send(&daemon, &signature);
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    // Signed rightly, but too old, too new, nameless, or under another secret.
    for changed in [
        other(|it| it.at -= 301),
        other(|it| it.at += 400),
        other(|it| it.id = String::new()),
        other(|it| it.id = "m".repeat(300)),
        other(|it| it.secret = b"guessed".to_vec()),
    ] {
        let answer = changed.send(&daemon, &changed.signature());
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    for bad in
        ["", "v1,", "v1", "v2,AAAA", "v1,!!!", &signature.replace("v1,", "v1a,"), &"v1,AAAA ".repeat(100)]
    {
        assert_eq!(good.send(&daemon, bad).status, 401, "{bad}");
    }
    let unsecret = http::call("POST", &format!("{}/v1/webhooks/okta", daemon.url), &[], good.body.as_bytes());
    assert_eq!(unsecret.status, 404, "no secret is set for this system");
    assert_eq!(daemon.ask("GET", "/v1/status", "").json()["open_requests"], 0);
    assert!(
        world.control("GET", "/changes", "").as_array().is_some_and(Vec::is_empty),
        "a refused event had an effect"
    );
    // Of several signatures one is enough: secrets are rotated.
    assert_eq!(good.send(&daemon, &format!("v1,AAAA {signature}")).status, 202);
}

#[test]
fn an_event_that_says_too_little_or_nothing_to_us_starts_nothing() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    for (body, status) in [
        (json!({ "type": "contract.rejected", "worker": { "id": "CW-1001" } }), 202),
        (json!({ "type": "contract.approved" }), 422),
        (json!({ "type": "contract.approved", "worker": {} }), 422),
        (json!({ "worker": { "id": "CW-1001" } }), 422),
        (json!({ "type": "contract.approved", "worker": { "id": "CW-9999" } }), 409),
        (json!([1, 2]), 422),
    ] {
        let delivery = Delivery { body: body.to_string(), ..Delivery::approved(&body.to_string(), "") };
        let answer = delivery.send(&daemon, &delivery.signature());
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.json()["number"].is_null(), "{}", answer.body);
    }
    let delivery = Delivery { body: "{".to_owned(), ..Delivery::approved("msg_x", "") };
    assert_eq!(delivery.send(&daemon, &delivery.signature()).status, 400);
}
