//! Accounts that are locked and channels with members, against Synapse.
//!
//! Differs from Slack: an invitation is a membership that the person still has to accept.

use crate::servers::{System, is_started, manifest, values};
use std::collections::BTreeSet;
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::Phase;
use xops_kernel::value::{Value, Values};

fn matrix() -> Option<System> {
    is_started("matrix").then(|| System::of("matrix", "matrix", manifest("matrix")))
}

fn account(name: &str) -> Values {
    values(&[("user", &format!("@{name}:acme.test")), ("name", "Sarah Chen")])
}

fn room(matrix: &System, name: &str) -> String {
    let made = matrix.drive("create_room", &values(&[("name", name), ("server", "acme.test")]), "conflict");
    made.outputs.get("room").and_then(Value::as_text).expect("a room").to_owned()
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_matrix_creates_an_account_and_locks_and_opens_it() {
    let Some(matrix) = matrix() else { return };
    let made = matrix.drive("create_account", &account("sarah.chen"), "ok");
    assert_eq!(made.after.seen, Observation::Present("present".into()));
    assert_eq!(made.after.marker, Some(matrix.marker()), "our key is kept as an external id");
    let locked = matrix.compensate(&made, "ok");
    let awf = AwfName::new("matrix", "create_account");
    let seen = matrix.look(&awf, Phase::Snapshot, &account("sarah.chen"));
    assert_eq!(seen.seen, Observation::Present("locked".into()));
    matrix.compensate(&locked, "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_matrix_invites_once_and_takes_that_one_out_again() {
    let Some(matrix) = matrix() else { return };
    let room = room(&matrix, "mx-sales");
    for (number, name) in (100..).zip(["in.one", "in.two"]) {
        matrix.under_key(number);
        assert_eq!(matrix.word("create_account", &account(name)), "ok");
    }
    let member = |name: &str| values(&[("room", &room), ("user", &format!("@{name}:acme.test"))]);
    let one = matrix.drive("invite", &member("in.one"), "ok");
    matrix.drive("invite", &member("in.two"), "ok");
    let out = matrix.compensate(&one, "absent");
    let awf = AwfName::new("matrix", "invite");
    let other = matrix.look(&awf, Phase::Snapshot, &member("in.two"));
    assert_eq!(other.seen, Observation::Present("member".into()), "the other one stays");
    matrix.compensate(&out, "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_matrix_lists_every_account_over_all_pages() {
    let Some(matrix) = matrix() else { return };
    for number in 0..45 {
        matrix.under_key(150 + number);
        assert_eq!(matrix.word("create_account", &account(&format!("page.{number}"))), "ok");
    }
    let listed = matrix.read("users", None);
    let names: BTreeSet<&str> = listed.iter().map(|record| record.source.id.as_str()).collect();
    assert!((0..45).all(|number| names.contains(format!("@page.{number}:acme.test").as_str())), "{names:?}");
}
