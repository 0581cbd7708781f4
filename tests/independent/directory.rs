//! People, groups and memberships of a directory, against slapd.
//!
//! It gives at most 100 entries to a search without pages, so that what goes on is seen to go on.

use crate::servers::{System, is_started, manifest, values};
use std::collections::BTreeSet;
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::Phase;
use xops_kernel::value::{Value, Values};

fn directory() -> Option<System> {
    is_started("directory").then(|| System::of("directory", "directory", manifest("directory")))
}

fn person(uid: &str) -> Values {
    values(&[("uid", uid), ("cn", "Sarah Chen"), ("sn", "Chen"), ("mail", "sarah@acme.example")])
}

fn uid(uid: &str) -> Values {
    values(&[("uid", uid)])
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_creates_a_person_once_and_deletes_and_knows_our_mark() {
    let Some(directory) = directory() else { return };
    // What is not there cannot be undone.
    assert_eq!(directory.word("delete_person", &uid("one")), "absent");
    let made = directory.drive("create_person", &person("one"), "conflict");
    assert_eq!(made.after.marker, Some(directory.marker()), "our key is kept in the entry");
    directory.compensate(&made, "absent");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_adds_a_member_once_and_removes_that_one_alone() {
    let Some(directory) = directory() else { return };
    for (number, name) in (100..).zip(["member.one", "member.two", "member.first"]) {
        directory.under_key(number);
        directory.drive("create_person", &person(name), "conflict");
    }
    let first = "uid=member.first,ou=people,dc=acme,dc=example";
    let group = directory.drive("create_group", &values(&[("name", "sales"), ("first", first)]), "conflict");
    let seat = |uid: &str| values(&[("group", "sales"), ("uid", uid)]);
    assert_eq!(
        directory.word("remove_member", &seat("member.one")),
        "already_done",
        "undone without having been done"
    );
    let one = directory.drive("add_member", &seat("member.one"), "already_done");
    directory.drive("add_member", &seat("member.two"), "already_done");
    directory.compensate(&one, "already_done");
    let awf = AwfName::new("directory", "add_member");
    let other = directory.look(&awf, Phase::Snapshot, &seat("member.two"));
    assert_eq!(other.seen, Observation::Present("member".into()), "the other one stays");
    let read = directory.read("groups", None);
    let sales = read.iter().find(|record| record.source.id == "sales").expect("the group");
    assert!(sales.attributes["members"].to_string().contains("member.two"), "{sales:?}");
    directory.compensate(&group, "absent");
    assert_eq!(
        directory.word("add_member", &seat("member.one")),
        "absent",
        "there is no such group any more"
    );
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_writes_an_attribute_and_takes_back_what_was_not_set_before() {
    let Some(directory) = directory() else { return };
    directory.drive("create_person", &person("titled"), "conflict");
    let title = |value: &str| values(&[("uid", "titled"), ("value", value)]);
    let named = directory.drive("set_title", &title("Engineer"), "ok");
    assert_eq!(named.after.seen, Observation::Present("Engineer".into()));
    let other = directory.drive("set_title", &title("Architect"), "ok");
    assert_eq!(directory.compensate(&other, "ok").after.seen, Observation::Present("Engineer".into()));
    assert_eq!(
        directory.compensate(&named, "ok").after.seen,
        Observation::Present("".into()),
        "it is not set"
    );
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_moves_an_entry_out_and_in_again() {
    let Some(directory) = directory() else { return };
    directory.drive("create_person", &person("mover"), "conflict");
    let out = directory.drive("move_out", &uid("mover"), "absent");
    directory.compensate(&out, "absent");
    let awf = AwfName::new("directory", "create_person");
    let seen = directory.look(&awf, Phase::Snapshot, &uid("mover"));
    assert_eq!(seen.marker, Some(directory.marker()), "it is the same entry");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_takes_names_that_would_change_a_name_or_a_filter() {
    let Some(directory) = directory() else { return };
    for (number, name) in
        (180..).zip(["a,ou=left", "b)(uid=*", "c*", "d\\e", " #f ", "g+sn=x", "h=i", "\u{e9}\u{4e16}"])
    {
        directory.under_key(number);
        let made = directory.drive("create_person", &person(name), "conflict");
        assert_eq!(made.after.marker, Some(directory.marker()), "{name}");
        directory.compensate(&made, "absent");
    }
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_directory_lists_everybody_over_all_pages() {
    let Some(directory) = directory() else { return };
    for number in 0..230 {
        assert_eq!(directory.word("create_person", &person(&format!("page.{number}"))), "ok");
    }
    let listed = directory.read("people", None);
    let names: BTreeSet<&str> = listed.iter().map(|record| record.source.id.as_str()).collect();
    assert!((0..230).all(|number| names.contains(format!("page.{number}").as_str())), "{}", names.len());
    assert_eq!(names.len(), listed.len(), "each once");
    let email = listed[0].attributes.get("email").and_then(Value::as_text);
    assert_eq!(email, Some("sarah@acme.example"));
}
