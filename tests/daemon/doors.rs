//! The API: who is let in, and what becomes of a request.

use crate::daemon::{Daemon, ends};
use crate::estate::World;
use crate::http;
use serde_json::json;

/// The body of a request for a person's onboarding.
pub(crate) fn onboarding(id: &str, handle: &str) -> String {
    json!({ "id": id, "entity": "person", "find": { "handle": handle }, "outcome": "EMP-R-001" }).to_string()
}

#[test]
fn health_and_readiness_are_told_to_everybody_and_the_api_to_nobody_without_a_token() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/v1/status", 401),
        ("/v1/instances/1", 401),
        ("/v1/nothing", 404),
        ("/", 404),
    ] {
        assert_eq!(http::call("GET", &format!("{}{path}", daemon.url), &[], b"").status, status, "{path}");
    }
    let body = onboarding("r1", "sarah.chen");
    for (method, path) in [
        ("POST", "/v1/requests"),
        ("POST", "/v1/pauses"),
        ("DELETE", "/v1/pauses?scope=all&by=eve"),
        ("POST", "/v1/instances/1/release"),
        ("POST", "/v1/instances/1/backstep"),
    ] {
        for token in ["", "Bearer ", "Bearer 00", "Basic Zm9v", "Bearer ünïcode"] {
            let url = format!("{}{path}", daemon.url);
            let answer = http::call(method, &url, &[("authorization", token)], body.as_bytes());
            assert_eq!(answer.status, 401, "{method} {path} with `{token}`: {}", answer.body);
        }
    }
    assert_eq!(daemon.ask("GET", "/v1/status", "").json()["open_requests"], 0);
}

#[test]
fn a_request_is_started_and_completes_and_its_repetition_is_the_same_request() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let first = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
    assert_eq!((first.status, &first.json()["state"]), (202, &json!("started")), "{}", first.body);
    let number = first.json()["number"].as_u64().expect("a number");
    daemon.until(number, "completed");
    let again = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
    assert_eq!(
        again.json()["instance"],
        first.json()["instance"],
        "the id of a request makes it one request"
    );
    let other = daemon.ask("POST", "/v1/requests", &onboarding("r2", "sarah.chen"));
    assert_eq!((other.status, &other.json()["state"]), (200, &json!("unchanged")), "{}", other.body);
    let status = daemon.ask("GET", "/v1/status", "").json();
    assert_eq!(status["ended"]["completed"], 1, "{status}");
    assert_eq!(daemon.ask("GET", "/v1/instances/99", "").status, 404);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let body = |change: &str, value: serde_json::Value| {
        let id = format!("{change} {value}");
        let mut body = json!({ "id": id, "entity": "person", "find": { "handle": "sarah.chen" } });
        body[change] = value;
        body.to_string()
    };
    for (body, status, why) in [
        (body("find", json!({ "handle": "nobody.here" })), 409, "no person has handle"),
        (body("find", json!({})), 400, "`find` is empty"),
        (body("find", json!([1])), 400, "`find` is missing"),
        (body("find", json!({ "shoe_size": 44 })), 409, "shoe_size"),
        (body("entity", json!("robot")), 409, "robot"),
        (body("entity", json!(7)), 400, "`entity` is missing"),
        (body("outcome", json!("EMP-R-999")), 409, "EMP-R-999"),
        ("[]".to_owned(), 400, "`entity` is missing"),
    ] {
        let answer = daemon.ask("POST", "/v1/requests", &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.body.contains(why), "{body}: {}", answer.body);
    }
}

#[test]
fn a_paused_system_holds_its_step_until_it_is_resumed() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    ends(&world, &["pause", "system:slack", "--why", "new workspace"], 0);
    let answer = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
    let number = answer.json()["number"].as_u64().expect("a number");
    crate::estate::wait_for("all steps but the last", || {
        let calls = world.control("GET", "/changes", "");
        calls
            .as_array()
            .is_some_and(|all| all.iter().any(|change| change["system"] == "servicenow"))
            .then_some(())
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    let state = daemon.ask("GET", &format!("/v1/instances/{number}"), "").json()["state"].to_string();
    assert!(!state.contains("completed"), "a paused system was called: {state}");
    let (status, _) = ends(&world, &["status"], 0);
    assert!(status.contains("system:slack") && status.contains("new workspace"), "{status}");
    ends(&world, &["resume", "system:slack"], 0);
    daemon.until(number, "completed");
}

#[test]
fn a_parked_step_waits_for_a_person_who_releases_it_or_turns_it_back() {
    for (order, end) in
        [(["release", "1", "--decide", "retry"], "completed"), (["backstep", "1", "--why", "no"], "undone")]
    {
        let world = World::start();
        let daemon = Daemon::start(&world);
        // An expired credential stops the way there, and no try makes it better: a person has to see to it.
        let fault = r#"{"system": "intune", "operation": "*assign", "kind": "status:403"}"#;
        world.control("POST", "/faults", fault);
        ends(&world, &["pause", "system:intune", "--why", "until the fault is on"], 0);
        let answer = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
        let number = answer.json()["number"].as_u64().expect("a number");
        world.control("DELETE", "/faults", "");
        if end == "undone" {
            ends(&world, &order, 0);
            ends(&world, &["resume", "system:intune"], 0);
        } else {
            ends(&world, &["resume", "system:intune"], 0);
        }
        daemon.until(number, end);
    }
}
