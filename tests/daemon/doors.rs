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
fn a_running_instance_is_turned_back_by_a_person() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    ends(&world, &["pause", "system:intune", "--why", "no new profiles today"], 0);
    let answer = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
    let number = answer.json()["number"].as_u64().expect("a number");
    ends(&world, &["backstep", &number.to_string(), "--why", "the contract fell through"], 0);
    ends(&world, &["resume", "system:intune"], 0);
    daemon.until(number, "undone");
    let (trace, _) = ends(&world, &["trace", &number.to_string()], 0);
    assert!(trace.contains("the contract fell through"), "{trace}");
}

#[test]
fn a_compensation_that_cannot_be_done_waits_for_a_person_who_decides() {
    for decision in ["retry", "done", "failed"] {
        let world = World::start();
        let daemon = Daemon::start(&world);
        let faults = [
            r#"{"system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1}"#,
            r#"{"system": "servicenow", "operation": "PATCH *", "kind": "status:403"}"#,
        ];
        for fault in faults {
            world.control("POST", "/faults", fault);
        }
        let answer = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
        let number = answer.json()["number"].as_u64().expect("a number").to_string();
        daemon.until(1, "stuck");
        let (_, why) = ends(&world, &["release", &number, "--decide", "perhaps"], 2);
        assert!(why.contains("perhaps"), "{why}");
        world.control("DELETE", "/faults", "");
        ends(&world, &["release", &number, "--decide", decision], 0);
        daemon.until(1, "undone");
        let (_, why) = ends(&world, &["release", &number], 4);
        assert!(why.contains("not under way"), "{why}");
        let cancelled = world.control("GET", "/changes", "");
        let cancelled = cancelled.as_array().expect("changes").iter().filter(|change| {
            change["system"] == "servicenow" && change["diff"].to_string().contains("closed_cancelled")
        });
        assert_eq!(
            cancelled.count() > 0,
            decision == "retry",
            "what a person says is done or left is left alone"
        );
        let (trace, _) = ends(&world, &["trace", &number, "--full"], 0);
        assert!(trace.contains("by=olivia.ops"), "the trace names who decided: {trace}");
        ends(&world, &["replay", &number], 0);
    }
}
