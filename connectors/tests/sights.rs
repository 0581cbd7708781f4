//! What the lookups of the shipped manifests make of answers that are easily misread: switches, days, empty lists, names in
//! another case, answers that say nothing.

use crate::support::{Asking, KEY, json, manifests};
use xops_connectors::manifests::Manifests;
use xops_kernel::fact::Observation;
use xops_kernel::port::{Connector, Outcome, Page, Phase};
use xops_kernel::value::Value;

/// One lookup's answer: `present <value>` with what it shows, `absent`, `unknown`, or `failed <outcome>`.
fn told(page: &Page) -> String {
    match page {
        Page::Over(sighting) => match &sighting.seen {
            Observation::Present(value) => {
                let outputs = Value::Map(sighting.outputs.clone());
                let marked = if sighting.marker.is_some() { " marked" } else { "" };
                format!("present {value} {outputs}{marked}")
            }
            Observation::Absent(_) => "absent".to_owned(),
            Observation::Unknown(_) => "unknown".to_owned(),
        },
        Page::More(..) => "goes on".to_owned(),
        Page::Failed(outcome) => format!("failed {}", Outcome::word(outcome)),
    }
}

/// Checks each answer to the lookup of `system.function`, asked with `inputs` beside the samples.
fn check(manifests: &Manifests, of: (&str, &str), inputs: &[(&str, &str)], cases: &[(u16, &str, &str)]) {
    let (system, function) = of;
    let mut asking = Asking::of(manifests, system, function);
    for (name, value) in inputs {
        asking.inputs.insert((*name).to_owned(), Value::from(*value));
    }
    asking.config.insert("cancel_status".to_owned(), "Cancelled".into());
    for (status, body, expect) in cases {
        let page = manifests.sight(&asking.ask(Phase::Readback), &json(*status, body));
        assert_eq!(told(&page), *expect, "{system}.{function}: {status} {body}");
    }
}

#[test]
fn a_switch_is_read_as_on_or_off_and_as_nothing_where_it_is_not_shown() {
    let all = manifests();
    check(
        all,
        ("okta", "suspend_identity"),
        &[],
        &[
            (200, r#"{"id":"1","status":"SUSPENDED"}"#, "present suspended { status = \"SUSPENDED\" }"),
            (200, r#"{"id":"1","status":"ACTIVE"}"#, "absent"),
            (200, r#"{"id":"1"}"#, "unknown"),
            (404, r#"{"errorCode":"E0000007"}"#, "absent"),
            (404, "<html>", "failed transient"),
        ],
    );
    check(
        all,
        ("okta", "suspend_device"),
        &[],
        &[
            (200, r#"{"status":"UNSUSPENDED"}"#, "absent"),
            (200, r#"{"status":"SUSPENDED"}"#, "present suspended { }"),
            (200, r#"{"status":"NEW WORD"}"#, "unknown"),
        ],
    );
    check(
        all,
        ("sailpoint_isc", "disable_account"),
        &[],
        &[
            (200, r#"{"id":"account-1","disabled":true}"#, "absent"),
            (200, r#"{"id":"account-1","disabled":false}"#, "present active { }"),
            (200, "{}", "unknown"),
        ],
    );
    check(
        all,
        ("duo", "disable_user"),
        &[],
        &[
            (200, r#"{"stat":"OK","response":{"status":"bypass"}}"#, "present active { }"),
            (200, r#"{"stat":"OK","response":{"status":"disabled"}}"#, "absent"),
            (404, r#"{"stat":"FAIL","code":40401}"#, "absent"),
            (200, r#"{"stat":"FAIL","code":50000}"#, "failed unknown"),
        ],
    );
    check(
        all,
        ("verkada", "enable_mobile_unlock"),
        &[],
        &[
            (200, r#"{"user_id":"user-1","remote_unlock":false}"#, "absent"),
            (200, r#"{"user_id":"user-1","remote_unlock":true}"#, "present enabled { }"),
            (200, r#"{"user_id":"user-1"}"#, "unknown"),
            (200, r#"{"user_id":"user-2","remote_unlock":false}"#, "unknown"),
        ],
    );
    check(
        all,
        ("zoom", "deactivate_user"),
        &[],
        &[
            (200, r#"{"id":"1","status":"inactive"}"#, "absent"),
            (200, r#"{"id":"1","status":"pending"}"#, "present active { }"),
            (404, r#"{"code":1001}"#, "absent"),
            (404, r#"{"code":300}"#, "failed invalid"),
        ],
    );
}

#[test]
fn a_seat_that_only_lasts_to_the_end_of_the_period_was_taken_away() {
    check(
        manifests(),
        ("github", "remove_copilot_seat"),
        &[],
        &[
            (
                200,
                r#"{"assignee":{"login":"Username-1"},"created_at":"2026-01-01T00:00:00Z","pending_cancellation_date":"2026-12-31"}"#,
                "absent",
            ),
            (
                200,
                r#"{"assignee":{"login":"Username-1"},"created_at":"2026-01-01T00:00:00Z","pending_cancellation_date":null}"#,
                "present assigned { }",
            ),
            (404, r#"{"message":"Not Found"}"#, "absent"),
            (404, r#"{"message":"Something else"}"#, "failed invalid"),
            (403, r#"{"message":"You have exceeded a secondary rate limit"}"#, "failed rate_limited"),
        ],
    );
}

#[test]
fn an_attribute_that_is_not_set_is_the_empty_text_and_never_absent() {
    let all = manifests();
    let title = [("attribute", "title")];
    check(
        all,
        ("okta", "update_profile"),
        &title,
        &[
            (
                200,
                r#"{"id":"id-1","profile":{"title":"Engineer"}}"#,
                "present Engineer { value = \"Engineer\" }",
            ),
            (200, r#"{"id":"id-1","profile":{"login":"a"}}"#, "present  { }"),
            (200, r#"{"id":"id-2","profile":{"login":"ID-1"}}"#, "present  { }"),
            (200, r#"{"id":"id-2","profile":{"login":"a"}}"#, "unknown"),
            (200, "{}", "unknown"),
        ],
    );
    check(
        all,
        ("slack", "set_profile_fields"),
        &title,
        &[
            (200, r#"{"ok":true,"profile":{"title":""}}"#, "present  { value = \"\" }"),
            (200, r#"{"ok":false,"error":"user_not_found"}"#, "absent"),
            (200, r#"{"ok":false,"error":"internal_error"}"#, "failed unknown"),
        ],
    );
    check(
        all,
        ("scim2_generic", "patch_user"),
        &[("attribute", "title"), ("id", "7")],
        &[
            (200, r#"{"id":"7","title":"Engineer"}"#, "present Engineer { value = \"Engineer\" }"),
            (200, r#"{"id":"8","title":"Engineer"}"#, "unknown"),
        ],
    );
    check(
        all,
        ("zoom", "update_user"),
        &[("attribute", "type")],
        &[
            (200, r#"{"id":"user-1","type":2}"#, "present 2 { value = 2 }"),
            (200, r#"{"id":"user-2","type":2}"#, "unknown"),
        ],
    );
}

#[test]
fn a_moment_is_shown_as_its_day_and_given_back_to_the_second() {
    let all = manifests();
    check(
        all,
        ("verkada", "set_access_end_date"),
        &[("user", "u1")],
        &[
            (
                200,
                r#"{"user_id":"u1","end_date":"1798704000"}"#,
                "present 2026-12-31 { moment = \"1798704000\" }",
            ),
            (200, r#"{"user_id":"u1"}"#, "present none { moment = \"\" }"),
            (200, "{}", "unknown"),
        ],
    );
    check(
        all,
        ("slack", "set_guest_expiration"),
        &[("user", "U1")],
        &[
            (
                200,
                r#"{"ok":true,"users":[{"id":"U1","expiration_ts":1798675200}]}"#,
                "present 2026-12-31 { moment = 1798675200 }",
            ),
            (200, r#"{"ok":true,"users":[{"id":"U1","expiration_ts":0}]}"#, "present none { moment = 0 }"),
            (200, r#"{"ok":true,"users":[]}"#, "absent"),
            (200, r#"{"ok":true,"users":[],"response_metadata":{"next_cursor":"x"}}"#, "goes on"),
        ],
    );
}

#[test]
fn one_moment_may_be_written_in_two_zones() {
    let inputs = [("user", "P1"), ("start", "2026-12-01T09:00:00Z"), ("end", "2026-12-08T09:00:00Z")];
    let body = |start: &str| {
        format!(
            r#"{{"overrides":[{{"id":"O1","start":"{start}","end":"2026-12-08T10:00:00+01:00","user":{{"id":"P1"}}}}]}}"#
        )
    };
    check(
        manifests(),
        ("pagerduty", "create_schedule_override"),
        &inputs,
        &[
            (200, &body("2026-12-01T10:00:00+01:00"), "present on_call { override = \"O1\" }"),
            (200, &body("2026-12-01T09:00:00+01:00"), "absent"),
            (200, &body("soon"), "absent"),
            (200, "{}", "failed unknown"),
        ],
    );
}

#[test]
fn what_is_to_be_gone_is_done_when_the_list_is_empty_and_not_when_there_is_no_list() {
    let all = manifests();
    check(
        all,
        ("okta", "revoke_oauth_grants"),
        &[],
        &[
            (200, "[]", "present present { }"),
            (200, r#"[{"id":"1"}]"#, "absent"),
            (403, r#"{"errorCode":"E0000006"}"#, "failed forbidden"),
        ],
    );
    check(
        all,
        ("okta", "reset_mfa_factors"),
        &[],
        &[(200, "[]", "present present { }"), (200, "", "unknown")],
    );
    check(
        all,
        ("pagerduty", "revoke_sessions"),
        &[],
        &[
            (200, r#"{"user_sessions":[]}"#, "present present { }"),
            (200, r#"{"user_sessions":[{"id":"1"}]}"#, "absent"),
            (200, "{}", "unknown"),
        ],
    );
}

#[test]
fn names_are_compared_as_the_system_compares_them() {
    let all = manifests();
    check(
        all,
        ("github", "convert_to_outside_collaborator"),
        &[("username", "OctoCat")],
        &[
            (200, r#"[{"login":"octocat"}]"#, "present outside { }"),
            (200, r#"[{"login":"octocat2"}]"#, "absent"),
            (200, "{}", "failed unknown"),
        ],
    );
    check(
        all,
        ("okta", "create_group"),
        &[("name", "Sales")],
        &[
            (200, r#"[{"id":"1","type":"APP_GROUP","profile":{"name":"Sales"}}]"#, "absent"),
            (200, r#"[{"id":"1","type":"OKTA_GROUP","profile":{"name":"Sales EMEA"}}]"#, "absent"),
            (
                200,
                r#"[{"id":"1","type":"OKTA_GROUP","profile":{"name":"Sales"}}]"#,
                "present present { id = \"1\" }",
            ),
        ],
    );
    check(
        all,
        ("okta", "set_manager_link"),
        &[],
        &[
            (
                200,
                r#"[{"_links":{"self":{"href":"https://a/api/v1/users/00u7"}}}]"#,
                "present 00u7 { manager = \"00u7\" }",
            ),
            (200, "[]", "absent"),
        ],
    );
}

#[test]
fn what_is_ours_is_told_by_the_key_in_it() {
    let all = manifests();
    let key = KEY.to_string();
    let message = |block: &str| {
        format!(r#"{{"ok":true,"messages":[{{"ts":"1.2","blocks":[{{"block_id":"{block}"}}]}}]}}"#)
    };
    check(
        all,
        ("slack", "post_message"),
        &[],
        &[
            (200, &message(&key), "present present { ts = \"1.2\" } marked"),
            (200, &message("other"), "absent"),
            (200, r#"{"ok":true,"messages":[{"ts":"1.2"}]}"#, "absent"),
            (200, r#"{"ok":true,"messages":[{"new_ts":"1.2"}]}"#, "unknown"),
        ],
    );
    let issue = |label: &str| {
        format!(r#"{{"total":1,"issues":[{{"key":"IT-1","fields":{{"labels":["a","{label}"]}}}}]}}"#)
    };
    check(
        all,
        ("jira_service", "create_issue"),
        &[],
        &[
            (200, &issue(&key), "present present { issue = \"IT-1\" } marked"),
            (200, &issue("b"), "absent"),
            (200, r#"{"total":2,"issues":[]}"#, "failed unknown"),
        ],
    );
}

#[test]
fn a_call_is_refused_where_its_set_or_its_id_was_not_seen() {
    let all = manifests();
    let refused = |system: &str, function: &str, wanted: &str| {
        let mut asking = Asking::of(all, system, function);
        asking.snapshot.clear();
        let why = all.render(&asking.ask(Phase::Do)).map_err(|error| error.to_string());
        assert!(why.as_ref().is_err_and(|why| why.contains(wanted)), "{system}.{function}: {why:?}");
    };
    refused("slack", "set_user_group_members", "the snapshot lacks `snapshot.users`");
    refused("slack", "remove_user_group_member", "the snapshot lacks `snapshot.users`");
    refused("pagerduty", "update_escalation_policy", "the snapshot lacks `snapshot.name`");
    refused("kisi", "revoke_door_group", "`{snapshot.assignment}` in the path");
}

#[test]
fn a_listing_that_lost_the_names_it_is_read_by_is_unknown_and_never_absent() {
    let all = manifests();
    // One item that cannot be told is enough, wherever it stands; the object itself ends the doubt.
    check(
        all,
        ("bamboohr", "terminate_employee"),
        &[("on", "2026-12-31")],
        &[
            (200, r#"[{"id":1,"date":"2026-12-01","employmentStatus":"Full-Time"}]"#, "absent"),
            (200, r#"[{"id":1,"date":null}]"#, "absent"),
            (200, r#"[{"new_id":1,"new_date":"2026-12-31"}]"#, "unknown"),
            (200, r#"[{"id":1,"date":"2026-12-01"},{"new_date":"2026-12-31"}]"#, "unknown"),
            (
                200,
                r#"[{"new_date":"x"},{"id":7,"date":"2026-12-31","employmentStatus":"Terminated"}]"#,
                "present 2026-12-31 { row = \"7\" }",
            ),
            (200, "[7]", "unknown"),
            (200, "[]", "absent"),
        ],
    );
    // Google leaves empty lists out: only another list in the place of ours is a doubt.
    check(
        all,
        ("gmail", "add_mail_delegate"),
        &[("delegate", "d@acme.example")],
        &[
            (200, "{}", "absent"),
            (200, r#"{"new_delegates":[]}"#, "absent"),
            (200, r#"{"new_delegates":[{"new_delegateEmail":"d@acme.example"}]}"#, "unknown"),
            (200, r#"{"delegates":[{"new_delegateEmail":"d@acme.example"}]}"#, "unknown"),
            (200, r#"{"delegates":[{"delegateEmail":"e@acme.example"}]}"#, "absent"),
        ],
    );
    // SCIM leaves `Resources` out, and names its schemas beside it.
    check(
        all,
        ("scim2_generic", "create_user"),
        &[("user_name", "sam")],
        &[
            (200, r#"{"schemas":["urn:x"],"totalResults":0}"#, "absent"),
            (200, r#"{"schemas":["urn:x"],"totalResults":1,"new_Resources":[{"id":"1"}]}"#, "failed unknown"),
        ],
    );
}
