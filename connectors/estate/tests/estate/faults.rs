//! What a system does on a bad day, and what has happened to its state by then.

use crate::client::{Stage, call};
use crate::workday;
use serde_json::{Value, json};
use xops_estate::fixed::{okta_group_id, slack_channel_id};

/// One PUT of a membership under a fault: what the client sees, and whether the effect is there.
fn check(kind: &str, expect: &str, is_done: bool) {
    let stage = Stage::new();
    let id = stage.okta_user("sarah.chen");
    let path = format!("/api/v1/groups/{}/users/{id}", okta_group_id("contractors").expect("a group"));
    stage.fault(&json!({"system": "okta", "operation": "PUT *", "kind": kind, "times": 1, "delay_ms": 200}));
    let seen = match stage.try_call("okta", "PUT", &path, &Value::Null) {
        Ok(answer) => answer.status.to_string(),
        Err(_) => "broken".to_owned(),
    };
    assert_eq!(seen, expect, "{kind}");
    let groups = stage.get("okta", &format!("/api/v1/users/{id}/groups")).json();
    assert_eq!(groups.as_array().map(Vec::len) == Some(2), is_done, "{kind}");
    let calls = stage.control("GET", "/calls?system=okta", &Value::Null);
    let faulty =
        calls.as_array().expect("a list").iter().find(|call| !call["fault"].is_null()).expect("a call");
    assert_eq!(faulty["fault"]["kind"], kind);
    assert_eq!(faulty["effect"].as_array().map(Vec::len), Some(usize::from(is_done)), "{kind}");
    assert_eq!(stage.control("GET", "/faults", &Value::Null)[0]["hits"], 1);
}

#[test]
fn a_fault_before_the_effect_leaves_nothing_behind() {
    check("reject", "400", false);
    check("status:503", "503", false);
    check("timeout_before", "broken", false);
    check("reset_before", "broken", false);
}

#[test]
fn a_fault_after_the_effect_leaves_it_done() {
    check("timeout_after", "broken", true);
    check("reset_after", "broken", true);
    check("slow", "204", true);
}

#[test]
fn each_system_rejects_in_its_own_words() {
    let stage = Stage::new();
    for system in ["okta", "slack", "intune", "servicenow", "workday"] {
        stage.fault(&json!({"system": system, "kind": "reject", "times": 1}));
    }
    let channel = slack_channel_id("general").expect("a channel");
    let slack = stage.get("slack", &format!("/conversations.info?channel={channel}"));
    assert_eq!((slack.status, slack.json()["error"].as_str()), (200, Some("restricted_action")));
    let graph = stage.get("intune", "/deviceManagement/managedDevices");
    assert_eq!((graph.status, graph.json()["error"]["code"].as_str()), (400, Some("BadRequest")));
    assert_eq!(stage.get("servicenow", "/api/now/table/incident").status, 403);
    assert_eq!(stage.get("okta", "/api/v1/groups").json()["errorCode"], "E0000001");
    let ended = workday::end(&stage, "CW-1001", "2027-05-31");
    assert!(ended.status == 500 && ended.body.contains("Validation_Fault"));
    assert_eq!(workday::end(&stage, "CW-1001", "2027-05-31").status, 200);
}

#[test]
fn a_fault_may_name_its_operation_with_or_without_the_base_path() {
    let stage = Stage::new();
    let path = "/deviceManagement/managedDevices";
    for pattern in [format!("GET {path}"), format!("GET /v1.0{path}"), "GET */managedDevices".to_owned()] {
        stage.fault(&json!({"system": "intune", "operation": pattern, "kind": "status:503", "times": 1}));
        assert_eq!(
            (stage.get("intune", path).status, stage.get("intune", path).status),
            (503, 200),
            "{pattern}"
        );
    }
}

#[test]
fn a_limit_is_told_with_the_time_to_come_back() {
    let stage = Stage::new();
    stage.fault(&json!({"system": "slack", "operation": "users.list", "kind": "status:429", "retry_after_s": 7, "times": 1}));
    let slack = stage.get("slack", "/users.list");
    assert_eq!((slack.status, slack.headers("retry-after")), (429, vec!["7"]));
    stage.control("POST", "/rates", &json!({"system": "okta", "limit": 1, "window_ms": 60_000}));
    let first = stage.get("okta", "/api/v1/groups");
    assert_eq!((first.status, first.headers("x-rate-limit-remaining")), (200, vec!["0"]));
    let second = stage.get("okta", "/api/v1/groups");
    assert_eq!((second.status, second.json()["errorCode"].as_str()), (429, Some("E0000047")));
    assert_eq!(second.headers("x-rate-limit-reset").len(), 1);
}

#[test]
fn a_body_breaks_in_the_middle_or_arrives_short() {
    let stage = Stage::new();
    stage.fault(
        &json!({"system": "okta", "operation": "GET /api/v1/users", "kind": "reset_mid_body", "times": 1}),
    );
    let broken = stage.try_call("okta", "GET", "/api/v1/users", &Value::Null).expect_err("half a body");
    assert!(broken.contains(" of ") && !broken.starts_with("0 of"), "{broken}");
    stage.control("DELETE", "/faults", &Value::Null);
    stage.fault(&json!({"system": "okta", "operation": "GET /api/v1/users", "kind": "truncate", "times": 1}));
    let short = stage.get("okta", "/api/v1/users");
    assert_eq!(short.status, 200);
    assert!(serde_json::from_str::<Value>(&short.body).is_err());
}

#[test]
fn a_stale_read_does_not_see_what_was_just_written() {
    let stage = Stage::new();
    let id = stage.okta_user("sarah.chen");
    stage.fault(&json!({"system": "okta", "operation": "GET *", "kind": "stale_read", "times": 1}));
    let path = format!("/api/v1/users/{id}");
    assert_eq!((stage.get("okta", &path).status, stage.get("okta", &path).status), (404, 200));
}

#[test]
fn lists_lag_behind_writes_and_single_reads_do_not() {
    let stage = Stage::with(|options| options.lag_ms = 700);
    let id = stage.okta_user("sarah.chen");
    let listed = || stage.get("okta", "/api/v1/users").body.contains("sarah.chen");
    assert_eq!(stage.get("okta", &format!("/api/v1/users/{id}")).status, 200);
    assert!(!listed());
    std::thread::sleep(std::time::Duration::from_millis(800));
    assert!(listed());
    stage.control("POST", "/lag", &json!({"ms": 0}));
    stage.okta_user("priya.nair");
    assert!(stage.get("okta", "/api/v1/users").body.contains("priya.nair"));
}

#[test]
fn tokens_expire_in_the_middle_of_the_work() {
    let stage = Stage::new();
    let path = "/deviceManagement/managedDevices";
    assert_eq!(stage.get("intune", path).status, 200);
    stage.fault(&json!({"system": "intune", "kind": "expire_tokens", "times": 1}));
    assert_eq!((stage.get("intune", path).status, stage.get("intune", path).status), (401, 401));
    stage.token("intune", true);
    assert_eq!(stage.get("intune", path).status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let stage = Stage::new();
    let large = "x".repeat(2 * 1024 * 1024 + 1);
    // The server may close before all of it was sent: refused either way.
    if let Ok(answer) = call("POST", &format!("{}/api/v1/users", stage.base("okta")), &[], &large) {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(stage.get("okta", "/api/v1/groups").status, 200);
}
