//! What the lookups of Microsoft's and Google's systems see, and what their answers mean.
//!
//! Absent: the requests themselves, which the goldens and the cards hold.

use crate::support::{Asking, KEY, config, json, manifests, values};
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::{Ask, Connector, Outcome, Page, Phase, Response};
use xops_kernel::value::{Value, Values};

fn texts(all: &[&str]) -> Value {
    Value::List(all.iter().map(|text| Value::from(*text)).collect())
}

/// What the phase sees of one answer: `present V {outputs}`, `absent {outputs}`, `unknown`, `failed`; ` marked` where our key stands there.
fn seen(
    awf: &str,
    phase: Phase,
    inputs: &[(&str, Value)],
    snapshot: &[(&str, Value)],
    body: &Response,
) -> String {
    let manifests = manifests();
    let (system, function) = awf.split_once('.').unwrap();
    let owned =
        |all: &[(&str, Value)]| all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let (inputs, snapshot, none): (Values, Values, Values) = (owned(inputs), owned(snapshot), Values::new());
    let (name, config) = (AwfName::new(system, function), config(system));
    let ask = Ask {
        system: &config,
        awf: &name,
        phase,
        inputs: &inputs,
        key: KEY,
        snapshot: &snapshot,
        outputs: &none,
        carry: &none,
    };
    match manifests.sight(&ask, body) {
        Page::Over(sighting) => {
            let outputs = Value::Map(sighting.outputs);
            let marked = if sighting.marker.is_some_and(|marker| marker.contains(&KEY.to_string())) {
                " marked"
            } else {
                ""
            };
            match sighting.seen {
                Observation::Present(value) => format!("present {value} {outputs}{marked}"),
                Observation::Absent(_) => format!("absent {outputs}"),
                Observation::Unknown(_) => "unknown".to_owned(),
            }
        }
        Page::More(request, _) => format!("more at {}", request.url),
        Page::Failed(outcome) => format!("failed {}", outcome.word()),
    }
}

fn outcome(awf: &str, response: &Response) -> Outcome {
    let manifests = manifests();
    let (system, function) = awf.split_once('.').unwrap();
    let asking = Asking::of(manifests, system, function);
    manifests.classify(&asking.ask(Phase::Do), response)
}

#[test]
fn sessions_are_revoked_when_they_count_from_another_moment() {
    let user = [("user", Value::from("u1"))];
    let check = |phase: Phase, known: Option<&str>, moment: &str, expect: &str| {
        let snapshot: Vec<(&str, Value)> = known.map(|known| ("known", known.into())).into_iter().collect();
        let body = json(200, &format!(r#"{{"id":"u1","signInSessionsValidFromDateTime":{moment}}}"#));
        assert_eq!(
            seen("entra_id.revoke_signin_sessions", phase, &user, &snapshot, &body),
            expect,
            "{moment}"
        );
    };
    check(Phase::Snapshot, None, "\"T1\"", "absent { known = \"T1\" }");
    check(Phase::Snapshot, None, "null", "absent { known = \"never\" }");
    check(Phase::Probe, Some("T1"), "\"T1\"", "absent { known = \"T1\" }");
    check(Phase::Probe, Some("T1"), "\"T2\"", "present revoked { known = \"T2\" }");
    check(Phase::Readback, Some("never"), "\"T2\"", "present revoked { known = \"T2\" }");
    check(Phase::Readback, Some("never"), "null", "absent { known = \"never\" }");
}

#[test]
fn an_action_on_a_device_is_ours_where_it_was_not_there_before() {
    let device = [("device", Value::from("d1"))];
    let results = |all: &str| json(200, &format!(r#"{{"id":"d1","deviceActionResults":[{all}]}}"#));
    let lock = |at: &str| format!(r#"{{"actionName":"remoteLock","startDateTime":"{at}"}}"#);
    let check = |phase: Phase, known: &[&str], body: &Response, expect: &str| {
        let snapshot = [("known", texts(known))];
        assert_eq!(seen("intune.remote_lock", phase, &device, &snapshot, body), expect);
    };
    check(Phase::Snapshot, &[], &results(""), "absent { known = [] }");
    check(Phase::Snapshot, &[], &results(&lock("T1")), "absent { known = [\"T1\"] }");
    check(Phase::Probe, &["T1"], &results(&lock("T1")), "absent { known = [\"T1\"] }");
    let both = format!("{},{}", lock("T1"), lock("T2"));
    check(Phase::Probe, &["T1"], &results(&both), "present queued { known = [\"T1\", \"T2\"] }");
    let other = r#"{"actionName":"syncDevice","startDateTime":"T2"}"#;
    check(Phase::Probe, &[], &results(other), "absent { known = [\"T2\"] }");
    check(Phase::Probe, &[], &json(404, r#"{"error":{"code":"ResourceNotFound"}}"#), "failed absent");
}

#[test]
fn a_device_that_is_not_found_counts_as_retired_and_never_as_wiped() {
    let device = [("device", Value::from("d1"))];
    let check = |awf: &str, body: &Response, expect: &str| {
        assert_eq!(seen(awf, Phase::Snapshot, &device, &[], body), expect);
    };
    let gone = json(404, r#"{"error":{"code":"ResourceNotFound"}}"#);
    let state = |state: &str| json(200, &format!(r#"{{"id":"d1","managementState":"{state}"}}"#));
    check("intune.retire_device", &gone, "absent { }");
    check("intune.retire_device", &state("retirePending"), "absent { state = \"retirePending\" }");
    check("intune.retire_device", &state("managed"), "present managed { state = \"managed\" }");
    check("intune.wipe_device", &gone, "failed absent");
    check("intune.wipe_device", &state("managed"), "absent { }");
    check("intune.wipe_device", &state("wipePending"), "present wiping { }");
    check("intune.wipe_device", &json(404, "{}"), "failed invalid");
}

#[test]
fn an_app_assigned_with_another_intent_stands_in_the_way() {
    let inputs = [("app", Value::from("a")), ("group", "g".into()), ("intent", "required".into())];
    let check = |intent: &str, expect: &str| {
        let body = format!(
            r##"{{"value":[{{"intent":"{intent}","target":{{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"g"}},"settings":null}},
               {{"intent":"available","target":{{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}}}]}}"##
        );
        assert_eq!(
            seen("intune.assign_mobile_app", Phase::Snapshot, &inputs, &[], &json(200, &body)),
            expect
        );
    };
    let others = r##"others = [{ intent = "available", settings = null, target = { @odata.type = "#microsoft.graph.allDevicesAssignmentTarget" } }]"##;
    check("required", &format!("present member {{ intent = \"required\", {others} }}"));
    check("available", &format!("present available {{ intent = \"available\", {others} }}"));
}

#[test]
fn an_attribute_that_is_not_set_is_the_empty_text_and_comes_back_as_null() {
    let manifests = manifests();
    let inputs = [("user", Value::from("u1")), ("attribute", "jobTitle".into()), ("value", "".into())];
    let awf = "entra_id.update_user";
    let sees = |body: &str| seen(awf, Phase::Snapshot, &inputs, &[], &json(200, body));
    assert_eq!(sees(r#"{"id":"u1","jobTitle":null}"#), "present  { value = \"\" }");
    assert_eq!(sees(r#"{"id":"u1","jobTitle":"Clerk"}"#), "present Clerk { value = \"Clerk\" }");
    let mut asking = Asking::of(manifests, "entra_id", "update_user");
    asking.inputs = values(&[("user", "u1"), ("attribute", "jobTitle"), ("value", "")]);
    let request = manifests.render(&asking.ask(Phase::Do)).unwrap();
    assert_eq!(String::from_utf8_lossy(&request.body), r#"{"jobTitle":null}"#);
}

#[test]
fn whoever_has_no_manager_is_told_from_an_account_that_is_not_found() {
    let user = [("user", Value::from("u1"))];
    let check = |body: &Response, expect: &str| {
        assert_eq!(seen("entra_id.remove_manager", Phase::Snapshot, &user, &[], body), expect);
    };
    check(&json(200, r#"{"id":"u1","manager":{"id":"m1"}}"#), "present m1 { manager = \"m1\" }");
    check(&json(200, r#"{"id":"u1"}"#), "absent { }");
    check(&json(404, r#"{"error":{"code":"Request_ResourceNotFound"}}"#), "failed absent");
}

#[test]
fn a_team_is_there_when_it_answers_and_not_when_its_group_does() {
    let inputs = [("display_name", Value::from("Blue")), ("owner", "u1".into())];
    let check = |body: &str, expect: &str| {
        assert_eq!(seen("teams.create_team", Phase::Readback, &inputs, &[], &json(200, body)), expect);
    };
    check(r#"{"value":[]}"#, "absent { }");
    check(r#"{"value":[{"id":"t1","displayName":"Blue"}]}"#, "more at https://teams.example/teams/t1");
    check(r#"{"value":[{"id":"t1","displayName":"Blues"}]}"#, "absent { }");
}

#[test]
fn a_booking_is_known_by_our_key_or_by_room_and_time() {
    let inputs = [
        ("calendar", Value::from("desk@acme.example")),
        ("room", "blue@acme.example".into()),
        ("summary", "Stand-up".into()),
        ("start", "2026-12-01T09:00:00Z".into()),
        ("end", "2026-12-01T10:00:00Z".into()),
    ];
    let check = |id: &str, status: &str, room: &str, expect: &str| {
        let times =
            r#""start":{"dateTime":"2026-12-01T09:00:00Z"},"end":{"dateTime":"2026-12-01T10:00:00Z"}"#;
        let body = format!(
            r#"{{"items":[{{"id":"{id}","status":"{status}",{times},"attendees":[{{"email":"{room}","resource":true}}]}}]}}"#
        );
        let awf = "google_calendar.book_room_event";
        assert_eq!(seen(awf, Phase::Probe, &inputs, &[], &json(200, &body)), expect, "{id} {status} {room}");
    };
    let ours = KEY.to_string().replace("k-", "");
    check(
        &ours,
        "confirmed",
        "other@acme.example",
        &format!("present booked {{ event = \"{ours}\" }} marked"),
    );
    check("e1", "confirmed", "blue@acme.example", "present booked { event = \"e1\" }");
    check("e1", "cancelled", "blue@acme.example", "absent { }");
    check("e1", "confirmed", "red@acme.example", "absent { }");
}

#[test]
fn google_tells_too_many_calls_by_403_and_each_device_by_its_own_result() {
    let reason =
        |reason: &str| format!(r#"{{"error":{{"message":"no","errors":[{{"reason":"{reason}"}}]}}}}"#);
    let limited = outcome("google_workspace.move_org_unit", &json(403, &reason("userRateLimitExceeded")));
    assert_eq!(limited, Outcome::RateLimited { retry_after_ms: None });
    let refused = outcome("google_workspace.move_org_unit", &json(403, &reason("forbidden")));
    assert_eq!(refused, Outcome::Forbidden("status 403: no".into()));
    let results = |error: &str| {
        json(200, &format!(r#"{{"changeChromeOsDeviceStatusResults":[{{"deviceId":"d1"{error}}}]}}"#))
    };
    assert_eq!(outcome("google_endpoint.disable_chromebook", &results("")), Outcome::Ok(Values::new()));
    let failed = outcome("google_endpoint.disable_chromebook", &results(r#","error":{"code":9}"#));
    assert_eq!(failed.word(), "invalid");
    let token = r#"{"name":"enterprises/e/enrollmentTokens/t9","value":"secret","qrCode":"{}"}"#;
    let made = outcome("google_endpoint.create_android_enrollment_token", &json(200, token));
    assert_eq!(made, Outcome::Ok(values(&[("token", "t9"), ("value", "secret"), ("qr_code", "{}")])));
}

#[test]
fn an_address_that_is_an_alias_of_another_account_is_no_account() {
    let inputs = [("email", Value::from("Sarah@acme.example"))];
    let check = |primary: &str, alias: &str, expect: &str| {
        let body = format!(
            r#"{{"id":"1","primaryEmail":"{primary}","aliases":["{alias}"],"externalIds":[{{"value":"{KEY}"}}]}}"#
        );
        assert_eq!(
            seen("google_workspace.create_user", Phase::Snapshot, &inputs, &[], &json(200, &body)),
            expect
        );
    };
    check("sarah@acme.example", "s@acme.example", "present present { id = \"1\" } marked");
    let another = "present an alias of another account { id = \"1\" } marked";
    check("other@acme.example", "sarah@acme.example", another);
    check("other@acme.example", "somebody@acme.example", "unknown");
}
