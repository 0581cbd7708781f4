//! Okta's manifest against emulate.
//!
//! Not to be seen here, because emulate differs: the marker (an attribute outside its profile is dropped), `limit` and `search`
//! in listings, what a second deactivation answers (200; Okta refuses it with `E0000016`), and Okta's words for a login that is
//! taken, by which the manifest knows a conflict: emulate's own words are refused as `invalid`.

use crate::servers::{System, manifest, values};
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::Phase;
use xops_kernel::value::{Value, Values};

/// What emulate's answer to a login that is taken comes to; Okta's is a `conflict`.
const TAKEN: &str = "invalid";

fn okta() -> System {
    System::of("okta", "okta", manifest("okta"))
}

fn account(login: &str) -> Values {
    values(&[("login", login), ("email", login), ("first_name", "Sarah"), ("last_name", "Chen")])
}

fn id(outputs: &Values) -> &str {
    outputs.get("id").and_then(Value::as_text).expect("an id")
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_okta_creates_an_account_once_and_deprovisions_it() {
    let okta = okta();
    // Logins are unique: a resent creation cannot make a second account.
    let made = okta.drive("create_identity", &account("one@acme.example"), TAKEN);
    assert_eq!(made.after.seen, Observation::Present("present".into()));
    assert_eq!(made.after.marker, None, "emulate keeps the marker now: compare it with the key");
    let undone = okta.compensate(&made, "ok");
    // What was deprovisioned is there, and is not what a creation wants to see.
    let seen =
        okta.look(&AwfName::new("okta", "create_identity"), Phase::Snapshot, &account("one@acme.example"));
    assert_eq!(seen.seen, Observation::Present("disabled".into()));
    assert_eq!(id(&seen.outputs), id(&made.outputs));
    okta.compensate(&undone, "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_okta_adds_a_member_once_and_removes_it() {
    let okta = okta();
    let made = okta.drive("create_identity", &account("two@acme.example"), TAKEN);
    let membership = values(&[("user", id(&made.outputs)), ("group", "00gcontractors")]);
    let added = okta.drive("assign_groups", &membership, "ok");
    okta.compensate(&added, "ok");
    for (user, group) in [(id(&made.outputs), "00gnone"), ("00unobody", "00gcontractors")] {
        let nowhere = values(&[("user", user), ("group", group)]);
        assert_eq!(okta.word("assign_groups", &nowhere), "absent", "{user} in {group}");
    }
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_okta_refuses_what_is_not_there_or_not_allowed() {
    let okta = okta();
    assert_eq!(okta.word("disable_identity", &values(&[("id", "00unobody")])), "absent");
    assert_eq!(okta.word("activate_identity", &values(&[("id", "00unobody")])), "absent");
    let empty = values(&[("login", ""), ("email", ""), ("first_name", ""), ("last_name", "")]);
    assert_eq!(okta.word("create_identity", &empty), "invalid");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_okta_lists_its_groups_and_their_members() {
    let okta = okta();
    let groups: Vec<String> = okta.read("groups", None).into_iter().map(|record| record.source.id).collect();
    assert!(groups.contains(&"00gcontractors".to_owned()), "{groups:?}");
    let made = okta.drive("create_identity", &account("three@acme.example"), TAKEN);
    let membership = values(&[("user", id(&made.outputs)), ("group", "00gvpn")]);
    let added = okta.drive("assign_groups", &membership, "ok");
    let members = okta.read("group_members", Some("00gvpn"));
    let users: Vec<&str> =
        members.iter().filter_map(|record| record.attributes.get("user")?.as_text()).collect();
    assert!(users.contains(&id(&made.outputs)), "{users:?}");
    okta.compensate(&added, "ok");
}
