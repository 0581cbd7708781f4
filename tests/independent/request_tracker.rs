//! Tickets, agents and groups of a service desk, against Request Tracker 5.
//!
//! Differs from what one expects, and the manifest says so: an update that is refused answers 200; a ticket that was rejected stays.

use crate::servers::{System, is_started, manifest, values};
use std::collections::BTreeSet;
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::Phase;
use xops_kernel::value::{Value, Values};

fn tracker() -> Option<System> {
    let system = || System::of("request_tracker", "request_tracker", manifest("request_tracker"));
    is_started("request_tracker").then(system)
}

fn ticket(subject: &str) -> Values {
    values(&[("queue", "General"), ("subject", subject), ("content", "a laptop, please")])
}

fn text<'a>(values: &'a Values, name: &str) -> &'a str {
    values.get(name).and_then(Value::as_text).unwrap_or_else(|| panic!("no {name} in {values:?}"))
}

fn user(name: &str) -> Values {
    let email = format!("{name}@desk.example");
    values(&[("name", name), ("real_name", "Sarah Chen"), ("email", &email)])
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_tracker_opens_a_ticket_that_is_found_by_our_mark_and_rejects_it() {
    let Some(tracker) = tracker() else { return };
    tracker.under_key(201);
    let awf = AwfName::new("request_tracker", "open_ticket");
    let inputs = ticket("New laptop");
    assert!(
        matches!(tracker.look(&awf, Phase::Probe, &inputs).seen, Observation::Absent(_)),
        "nothing is ours"
    );
    let made = tracker.call(&awf, &inputs, &Values::new());
    assert_eq!(made.word(), "ok", "{made:?}");
    let seen = tracker.look(&awf, Phase::Readback, &inputs);
    assert_eq!(seen.marker, Some(tracker.marker()));
    let number = text(&seen.outputs, "ticket").to_owned();
    // No two tickets are the same: what tells ours from others is the mark, so another key sees nothing.
    tracker.under_key(202);
    assert!(matches!(tracker.look(&awf, Phase::Probe, &inputs).seen, Observation::Absent(_)));
    tracker.under_key(201);
    let undo = values(&[("ticket", &number), ("queue", "General")]);
    tracker.drive("reject_ticket", &undo, "ok");
    assert_eq!(
        tracker.word("reject_ticket", &values(&[("ticket", "99999"), ("queue", "General")])),
        "absent"
    );
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_tracker_moves_a_ticket_on_and_back() {
    let Some(tracker) = tracker() else { return };
    tracker.under_key(203);
    let awf = AwfName::new("request_tracker", "open_ticket");
    tracker.call(&awf, &ticket("Broken screen"), &Values::new());
    let seen = tracker.look(&awf, Phase::Readback, &ticket("Broken screen"));
    let number = text(&seen.outputs, "ticket").to_owned();
    let to = |value: &str| values(&[("ticket", &number), ("value", value)]);
    let moved = tracker.drive("set_status", &to("stalled"), "ok");
    assert_eq!(moved.after.seen, Observation::Present("stalled".into()));
    assert_eq!(tracker.compensate(&moved, "ok").after.seen, Observation::Present("new".into()));
    assert_eq!(
        tracker.word("set_status", &to("nonsense")),
        "invalid",
        "a refusal of status 200 is no success"
    );
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_tracker_makes_an_agent_once_and_disables_and_enables() {
    let Some(tracker) = tracker() else { return };
    tracker.under_key(204);
    assert_eq!(
        tracker.word("disable_user", &values(&[("name", "desk.one")])),
        "absent",
        "undone without having been done"
    );
    let made = tracker.drive("create_user", &user("desk.one"), "conflict");
    assert_eq!(made.after.marker, Some(tracker.marker()));
    let off = tracker.compensate(&made, "ok");
    let awf = AwfName::new("request_tracker", "create_user");
    let seen = tracker.look(&awf, Phase::Snapshot, &user("desk.one"));
    assert_eq!(seen.seen, Observation::Present("disabled".into()), "the declared loss");
    tracker.compensate(&off, "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_tracker_adds_a_member_once_and_removes_that_one_alone() {
    let Some(tracker) = tracker() else { return };
    tracker.under_key(205);
    let group = tracker.drive("create_group", &values(&[("name", "MX Support")]), "conflict");
    let group = text(&group.outputs, "group").to_owned();
    let member = |number: u8, name: &str| {
        tracker.under_key(number);
        let made = tracker.drive("create_user", &user(name), "conflict");
        values(&[("group", &group), ("user", text(&made.after.outputs, "id"))])
    };
    let (one, two) = (member(206, "desk.two"), member(207, "desk.three"));
    let awf = AwfName::new("request_tracker", "add_member");
    assert_eq!(
        tracker.word("remove_member", &one),
        "ok",
        "undone without having been done: the answer is the same"
    );
    let added = tracker.drive("add_member", &one, "already_done");
    tracker.drive("add_member", &two, "already_done");
    tracker.compensate(&added, "ok");
    let other = tracker.look(&awf, Phase::Snapshot, &two);
    assert_eq!(other.seen, Observation::Present("member".into()), "the other one stays");
    let nobody = values(&[("group", &group), ("user", "99999")]);
    assert_eq!(tracker.word("add_member", &nobody), "absent");
    assert_eq!(tracker.word("add_member", &values(&[("group", "99999"), ("user", "1")])), "absent");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_tracker_lists_every_ticket_over_all_pages() {
    let Some(tracker) = tracker() else { return };
    tracker.under_key(208);
    for number in 0..8 {
        assert_eq!(tracker.word("open_ticket", &ticket(&format!("page {number}"))), "ok");
    }
    let listed = tracker.read("tickets", None);
    let subjects: BTreeSet<&str> =
        listed.iter().filter_map(|record| record.attributes.get("subject")?.as_text()).collect();
    assert!((0..8).all(|number| subjects.contains(format!("page {number}").as_str())), "{subjects:?}");
}
