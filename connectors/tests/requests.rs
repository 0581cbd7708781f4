//! The requests of a few manifests, as a golden that people can read. `UPDATE_GOLDENS=1` rewrites it.

use crate::support::{Asking, manifests};
use std::fmt::Write as _;
use xops_connectors::sample;
use xops_kernel::port::{Connector, Phase, Request};

/// One system of each kind of body: JSON with a whole set, forms, SOAP. All others are held to their descriptions, in `cards.rs`.
const SYSTEMS: [&str; 3] = ["intune", "slack", "workday"];

fn write(out: &mut String, title: &str, request: &Request) {
    let _ = writeln!(out, "== {title}\n{} {}", request.method, request.url);
    for (name, value) in &request.query {
        let _ = writeln!(out, "  ? {name} = {value}");
    }
    for (name, value) in &request.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    if let Some(kind) = &request.content_type {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let _ = writeln!(out, "  [{kind}]\n  {}", body.replace("><", ">\n  <"));
    }
}

#[test]
fn every_request_is_as_it_was() {
    let mut out = String::new();
    for system in SYSTEMS {
        let mut before = None;
        for sample in sample::all(manifests(), system) {
            let request = sample.request.unwrap_or_else(|why| panic!("{system}.{}: {why}", sample.name));
            if before.as_ref() != Some(&request) {
                write(&mut out, &format!("{system}.{} {}", sample.name, sample.phase), &request);
            }
            before = Some(request);
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/requests.out");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &out).unwrap();
    }
    let expect = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(out == expect, "the requests changed; `UPDATE_GOLDENS=1` takes them as they are now:\n{out}");
}

#[test]
fn a_value_fills_one_hole_and_no_more() {
    let manifests = manifests();
    let mut asking = Asking::of(manifests, "okta", "assign_groups");
    let mut check = |user: &str, expect: Result<&str, &str>| {
        asking.inputs.insert("user".to_owned(), user.into());
        let told = manifests
            .render(&asking.ask(Phase::Do))
            .map(|request| request.url)
            .map_err(|error| error.to_string());
        let group = "https://okta.example/api/v1/groups/3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001/users/";
        assert_eq!(told, expect.map(|end| format!("{group}{end}")).map_err(str::to_owned));
    };
    check("00u1", Ok("00u1"));
    check("a/../b?c#d e", Ok("a%2F..%2Fb%3Fc%23d%20e"));
    check("é@x", Ok("%C3%A9%40x"));
    check("..", Err("`okta.assign_groups do`: `{input.user}` in the path is text"));
    check("", Err("`okta.assign_groups do`: `{input.user}` in the path is text"));
    asking.inputs.remove("user");
    assert!(manifests.render(&asking.ask(Phase::Do)).is_err());
}

#[test]
fn what_xml_cannot_hold_is_refused_and_what_it_can_is_escaped() {
    let manifests = manifests();
    let mut asking = Asking::of(manifests, "workday", "clear_end_date");
    asking.inputs.insert("event".to_owned(), "</b:ID><!--wsse:Security-->&".into());
    let body = String::from_utf8(manifests.render(&asking.ask(Phase::Do)).unwrap().body).unwrap();
    assert!(body.contains("&lt;/b:ID&gt;&lt;!--wsse:Security--&gt;&amp;"), "{body}");
    assert_eq!(body.matches("<!--wsse:Security-->").count(), 1);
    asking.inputs.insert("event".to_owned(), "a\u{1}b".into());
    let refused = manifests.render(&asking.ask(Phase::Do)).unwrap_err();
    assert_eq!(refused.why, "the character U+0001 cannot stand in XML");
}

#[test]
fn a_system_may_have_another_name_than_its_manifest() {
    let manifests = manifests();
    let bound = manifests.bound([("okta_eu", "okta"), ("nothing", "none")]);
    assert_eq!(bound.systems().collect::<Vec<_>>(), ["okta_eu"]);
    let asking = Asking::of(&bound, "okta_eu", "disable_identity");
    let request = bound.render(&asking.ask(Phase::Do)).unwrap();
    assert_eq!(
        (request.system.as_str(), request.url.starts_with("https://okta_eu.example/")),
        ("okta_eu", true)
    );
}
