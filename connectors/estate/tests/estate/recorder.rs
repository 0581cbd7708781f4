//! The witness, and what follows from the seed.

use crate::client::Stage;
use crate::workday;
use serde_json::{Value, json};
use xops_estate::fixed::okta_group_id;

fn lines(stage: &Stage, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(stage.dir.path().join(name)).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn every_call_and_change_is_on_disk_and_they_name_each_other() {
    let stage = Stage::new();
    let id = stage.okta_user("sarah.chen");
    let path = format!("/api/v1/groups/{}/users/{id}", okta_group_id("contractors").expect("a group"));
    stage.call("okta", "PUT", &path, &Value::Null);
    stage.call("okta", "PUT", &path, &Value::Null);
    let (calls, changes) = (lines(&stage, "calls.jsonl"), lines(&stage, "changes.jsonl"));
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0]["operation"], "POST /api/v1/users");
    assert_eq!(calls[0]["body"]["profile"]["login"], "sarah.chen@acme.example");
    let effects: Vec<&Value> = calls.iter().map(|call| &call["effect"]).collect();
    assert_eq!(effects, [&json!([1]), &json!([2]), &json!([])]);
    assert_eq!(
        (changes[0]["kind"].as_str(), changes[0]["op"].as_str(), changes[0]["call"].as_u64()),
        (Some("user"), Some("create"), Some(1))
    );
    assert!(changes[1]["before"].is_null() && changes[1]["after"].is_string());
}

#[test]
fn no_secret_is_written_down() {
    let stage = Stage::new();
    stage.get("intune", "/deviceManagement/managedDevices");
    workday::end(&stage, "CW-1001", "2027-05-31");
    let text = std::fs::read_to_string(stage.dir.path().join("calls.jsonl")).expect("a file");
    for (system, name) in [("intune", "client_secret"), ("workday", "password"), ("okta", "api_token")] {
        assert!(!text.contains(&stage.secret(system, name)), "{system} {name}");
    }
    assert!(!text.contains(&stage.token("intune", false)));
    assert!(text.contains("(redacted)"));
}

#[test]
fn an_outside_hand_is_recorded_without_a_call() {
    let stage = Stage::new();
    let id = stage.okta_user("sarah.chen");
    let order =
        json!({"system": "okta", "kind": "user", "id": id, "set": {"profile": {"department": "Design"}}});
    stage.control("POST", "/mutate", &order);
    let last = lines(&stage, "changes.jsonl").pop().expect("a change");
    assert!(last["call"].is_null());
    assert_eq!(last["diff"], json!([{"path": "profile.department", "before": null, "after": "Design"}]));
    assert_eq!(stage.get("okta", &format!("/api/v1/users/{id}")).json()["profile"]["department"], "Design");
    let shown = stage.control("GET", "/state?system=okta", &Value::Null);
    assert_eq!(shown["okta"]["objects"]["user"][&id]["profile"]["department"], "Design");
}

#[test]
fn the_same_seed_and_calls_give_the_same_ids_credentials_and_digests() {
    let run = |seed| {
        let stage = Stage::with(|options| options.seed = seed);
        let id = stage.okta_user("sarah.chen");
        workday::end(&stage, "CW-1001", "2027-05-31");
        let digests = ["okta", "workday", "slack", "intune", "servicenow"].map(|system| stage.digest(system));
        (id, stage.secret("okta", "api_token"), digests)
    };
    let (first, second, other) = (run(3), run(3), run(4));
    assert_eq!(first, second);
    assert!(first.0 != other.0 && first.1 != other.1 && first.2 != other.2);
}

#[test]
fn undoing_everything_gives_the_first_digest_back() {
    let stage = Stage::new();
    let before = stage.digest("okta");
    let id = stage.okta_user("sarah.chen");
    assert_ne!(stage.digest("okta"), before);
    for _ in 0..2 {
        stage.call("okta", "DELETE", &format!("/api/v1/users/{id}"), &Value::Null);
    }
    assert_eq!(stage.digest("okta"), before);
}

#[test]
fn a_reset_puts_every_system_back_to_its_seed() {
    let stage = Stage::new();
    let before = stage.control("GET", "/digests", &Value::Null);
    let first = stage.okta_user("sarah.chen");
    stage.control("POST", "/reset", &Value::Null);
    assert_eq!(stage.control("GET", "/digests", &Value::Null), before);
    let last = lines(&stage, "changes.jsonl").pop().expect("a line");
    assert_eq!(last["op"], "reset");
    assert_eq!(stage.okta_user("sarah.chen"), first, "ordinals start again too");
    assert_eq!(stage.control("GET", "/healthz", &Value::Null)["recorder"]["failure"], Value::Null);
}

#[test]
fn an_estate_stops_at_once_although_it_keeps_somebody_waiting() {
    let stage = Stage::new();
    stage.fault(&json!({"system": "slack", "kind": "timeout_before"}));
    let url = format!("{}/auth.test", stage.base("slack"));
    let token = format!("Bearer {}", stage.secret("slack", "bot_token"));
    let waiting =
        std::thread::spawn(move || crate::client::call("GET", &url, &[("Authorization", &token)], ""));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let from = std::time::Instant::now();
    stage.running.stop().expect("a clean end");
    assert!(from.elapsed() < std::time::Duration::from_secs(3), "{:?}", from.elapsed());
    assert!(waiting.join().expect("a thread").is_err());
}

#[test]
fn an_estate_stops_and_its_ports_close() {
    let stage = Stage::new();
    let url = stage.base("okta");
    stage.running.stop().expect("a clean end");
    assert!(crate::client::call("GET", &url, &[], "").is_err());
}

#[test]
fn what_cannot_be_started_says_why() {
    let options = |set: fn(&mut xops_estate::Options)| {
        let dir = tempfile::tempdir().expect("a directory");
        let mut options =
            xops_estate::Options { dir: dir.path().to_owned(), ..xops_estate::Options::default() };
        set(&mut options);
        xops_estate::start(options).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(options(|all| all.people = u32::MAX).contains("too many"));
    assert!(options(|all| all.ports = [("octa".to_owned(), 1)].into()).contains("`octa` is no system"));
    assert!(options(|all| all.cards = Some("no/such/place".into())).contains("cards"));
}
