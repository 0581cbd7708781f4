//! The SCIM manifest against scim2-server, which holds every request to the schemas of the standard.

use crate::http;
use crate::servers::{System, described, manifest, values};
use serde_json::{Value as Json, json};
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::Phase;
use xops_kernel::value::{Value, Values};

fn scim() -> System {
    System::of("scim2_generic", "scim", manifest("scim2_generic"))
}

fn person(user_name: &str) -> Values {
    values(&[
        ("user_name", user_name),
        ("given_name", "Sarah"),
        ("family_name", "Chen"),
        ("email", "sarah@acme.example"),
    ])
}

fn id(outputs: &Values) -> &str {
    outputs.get("id").and_then(Value::as_text).expect("an id")
}

/// Makes an object that a test needs; its id.
pub(crate) fn make(kind: &str, body: &Json) -> String {
    let scim = &described()["systems"]["scim"];
    let token = format!("Bearer {}", scim["credentials"]["bearer_token"].as_str().expect("a token"));
    let url = format!("{}/{kind}", scim["base_url"].as_str().expect("an address"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/scim+json")];
    let answer = http::call("POST", &url, &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// A group; its id.
pub(crate) fn group(name: &str) -> String {
    make(
        "Groups",
        &json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name }),
    )
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_creates_a_user_once_and_switches_it_off_and_on() {
    let scim = scim();
    let made = scim.drive("create_user", &person("scim.one"), "conflict");
    assert_eq!(made.after.seen, Observation::Present("present".into()));
    assert_eq!(made.after.marker, Some(scim.marker()), "our key is what tells our own user from another's");
    let off = scim.compensate(&made, "ok");
    let awf = AwfName::new("scim2_generic", "create_user");
    let seen = scim.look(&awf, Phase::Snapshot, &person("SCIM.One"));
    assert_eq!(seen.seen, Observation::Present("disabled".into()), "names have no case");
    assert_eq!(id(&seen.outputs), id(&made.outputs));
    scim.compensate(&off, "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_adds_a_member_once_and_removes_that_one_alone() {
    let scim = scim();
    let (one, other) = (
        scim.drive("create_user", &person("scim.two"), "conflict"),
        scim.drive("create_user", &person("scim.three"), "conflict"),
    );
    let group = group("independent");
    let membership = |user: &str| values(&[("group", &group), ("user", user)]);
    let added = scim.drive("add_group_member", &membership(id(&one.outputs)), "ok");
    scim.drive("add_group_member", &membership(id(&other.outputs)), "ok");
    scim.compensate(&added, "ok");
    let members = scim.read("group_members", Some(&group));
    let users: Vec<&str> =
        members.iter().filter_map(|record| record.attributes.get("user")?.as_text()).collect();
    assert_eq!(users, [id(&other.outputs)]);
    // An id that would select everybody selects nobody.
    let all = membership("x\" or value pr or value eq \"");
    assert_eq!(scim.word("remove_group_member", &all), "invalid");
    assert_eq!(scim.read("group_members", Some(&group)).len(), 1);
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_writes_one_attribute_and_takes_back_what_was_not_set_before() {
    let scim = scim();
    let user = scim.drive("create_user", &person("scim.four"), "conflict");
    let title = values(&[("id", id(&user.outputs)), ("attribute", "title"), ("value", "Engineer")]);
    let named = scim.drive("patch_user", &title, "ok");
    assert_eq!(named.after.seen, Observation::Present("Engineer".into()));
    scim.compensate(&named, "ok");
    let seen = scim.look(&AwfName::new("scim2_generic", "patch_user"), Phase::Snapshot, &title);
    assert_eq!(seen.seen, Observation::Present("".into()), "it is not set, and the user is there");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_deletes_a_user_and_makes_one_of_the_same_name_again() {
    let scim = scim();
    let user = scim.drive("create_user", &person("scim.five"), "conflict");
    let gone = scim.drive("delete_user", &values(&[("id", id(&user.outputs))]), "absent");
    assert!(matches!(gone.after.seen, Observation::Absent(_)));
    let again = scim.compensate(&gone, "conflict");
    assert_ne!(id(&again.outputs), id(&user.outputs), "another id is part of the declared loss");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_takes_names_that_would_change_a_filter() {
    let scim = scim();
    for name in ["o\"neil", "back\\slash", "a\" or userName pr or userName eq \"b"] {
        let made = scim.drive("create_user", &person(name), "conflict");
        assert_eq!(made.after.marker, Some(scim.marker()), "{name}");
    }
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_refuses_what_is_not_there_or_not_allowed() {
    let scim = scim();
    for function in ["deactivate_user", "activate_user"] {
        assert_eq!(scim.word(function, &values(&[("id", "nobody")])), "absent", "{function}");
    }
    let nowhere = values(&[("group", "nowhere"), ("user", "nobody")]);
    for function in ["add_group_member", "remove_group_member"] {
        assert_eq!(scim.word(function, &nowhere), "absent", "{function}");
    }
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_scim_lists_everybody_over_all_pages() {
    let scim = scim();
    let before = scim.read("users", None).len();
    let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
    for number in 0..230 {
        make("Users", &json!({ "schemas": [schema], "userName": format!("scim.page.{number}") }));
    }
    let records = scim.read("users", None);
    let names: std::collections::BTreeSet<&str> =
        records.iter().filter_map(|record| record.attributes.get("user_name")?.as_text()).collect();
    // Others make users at the same time: at least ours are there, each once.
    assert!(records.len() >= before + 230, "{} of {}", records.len(), before + 230);
    assert!((0..230).all(|number| names.contains(format!("scim.page.{number}").as_str())));
}
