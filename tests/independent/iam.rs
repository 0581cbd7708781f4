//! `SigV4`, forms and XML against moto, which checks every signature.
//!
//! Differs from the real service: everything is visible at once. A signature that is wrong is told in `Errors`, not in `Error`.

use crate::servers::{System, described, is_started, manifest, values};
use std::collections::BTreeSet;
use xops_kernel::fact::Observation;
use xops_kernel::value::Values;

fn iam() -> Option<System> {
    is_started("aws_iam").then(|| System::of("aws_iam", "aws_iam", manifest("aws_iam")))
}

fn user(name: &str) -> Values {
    values(&[("user", name)])
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_iam_creates_a_user_once_and_deletes_it() {
    let Some(iam) = iam() else { return };
    let made = iam.drive("create_user", &user("sarah.chen"), "conflict");
    assert_eq!(made.after.seen, Observation::Present("present".into()));
    assert_eq!(made.after.marker, Some(iam.marker()), "our key is what tells our own user from another's");
    let gone = iam.compensate(&made, "absent");
    iam.compensate(&gone, "conflict");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_iam_finds_a_member_behind_the_first_page_and_removes_that_one_alone() {
    let Some(iam) = iam() else { return };
    let names: Vec<String> = (0..120).map(|number| format!("member.{number:03}")).collect();
    for name in &names {
        assert_eq!(iam.word("create_user", &user(name)), "ok");
    }
    let group = iam.drive("create_group", &values(&[("group", "mx-sales")]), "conflict");
    let membership = |name: &str| values(&[("group", "mx-sales"), ("user", name)]);
    for name in &names[..119] {
        assert_eq!(iam.word("add_to_group", &membership(name)), "ok");
    }
    let added = iam.drive("add_to_group", &membership(&names[119]), "ok");
    // The server says of a member that is not there what the real one is silent about: both are an end of it.
    iam.compensate(&added, "absent");
    for name in &names[..119] {
        assert_eq!(iam.word("remove_from_group", &membership(name)), "ok");
    }
    iam.compensate(&group, "absent");
    let listed = iam.read("users", None);
    let found: BTreeSet<&str> = listed.iter().filter_map(|it| it.attributes.get("name")?.as_text()).collect();
    assert!(names.iter().all(|name| found.contains(name.as_str())), "{found:?}");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_iam_signs_what_has_to_be_encoded() {
    let Some(iam) = iam() else { return };
    // A signature covers the body: every byte that a form encodes in another way than the service would break it.
    for name in ["a+b@acme.example", "under_score=x,y", "comma,at@dot.dash-"] {
        let made = iam.drive("create_user", &user(name), "conflict");
        assert_eq!(made.after.marker, Some(iam.marker()), "{name}");
    }
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_iam_says_what_is_not_there_and_who_is_not_let_in() {
    let Some(iam) = iam() else { return };
    assert_eq!(iam.word("delete_user", &user("nobody")), "absent");
    let nowhere = values(&[("group", "nowhere"), ("user", "nobody")]);
    assert_eq!(iam.word("add_to_group", &nowhere), "absent");
    let mut forged = described()["systems"]["aws_iam"].clone();
    forged["credentials"]["secret_access_key"] = "not the secret".into();
    let stranger = System::at("aws_iam", &forged, manifest("aws_iam"));
    assert_eq!(stranger.word("delete_user", &user("nobody")), "auth_expired", "the signature is checked");
}
