//! Hostile answers to every call, every lookup and every read of every manifest: nothing is proved by them, nothing is done by
//! them, and each is judged at once.

use crate::support::{Asking, answer, config, json, manifests, reading};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use xops_kernel::fact::Observation;
use xops_kernel::port::{Connector, Outcome, Page, Phase, ReadPage, Response};
use xops_kernel::value::Values;

/// How long one answer may keep anybody busy.
const BUSY: Duration = Duration::from_secs(2);

type Bad = Vec<(&'static str, Response)>;

/// What is wrong, and the answer.
fn hostile() -> &'static Bad {
    static MADE: OnceLock<Bad> = OnceLock::new();
    MADE.get_or_init(made)
}

fn made() -> Bad {
    let html = "<html><body>Sign in to the network</body></html>";
    let entities = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    let big =
        |kind: &str| Response { body: vec![b' '; 17 << 20], ..answer(200, &[("content-type", kind)], "") };
    let utf16: Vec<u8> = "{\"id\":\"1\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("deep lists", json(200, &"[".repeat(10_000))),
        ("deep objects", json(200, &"{\"a\":".repeat(10_000))),
        ("deep and whole", json(200, &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        ("cut off", json(200, "{\"value\":[{\"id\":\"1\"}")),
        ("two texts", json(200, "{} {}")),
        ("another type", answer(200, &[("content-type", "text/html")], html)),
        ("another body", json(200, html)),
        ("JSON as text", answer(200, &[("content-type", "text/plain")], "{}")),
        ("a picture", answer(200, &[("content-type", "image/png")], "\u{89}PNG")),
        ("too large", big("application/json")),
        ("too large XML", big("text/xml")),
        ("another encoding", Response { body: utf16, ..json(200, "") }),
        ("entities", answer(200, &[("content-type", "text/xml")], entities)),
        ("deep XML", answer(200, &[("content-type", "text/xml")], &"<a>".repeat(10_000))),
        ("a redirect", answer(302, &[("location", "https://elsewhere.example/")], "")),
        ("a portal", answer(511, &[("content-type", "text/html")], html)),
        ("nothing found, says a proxy", answer(404, &[("content-type", "text/html")], html)),
        ("many headers", {
            let header = ("x-a", "b".repeat(1_000));
            let headers: Vec<(&str, &str)> = (0..60).map(|_| (header.0, header.1.as_str())).collect();
            answer(200, &headers, html)
        }),
    ]
}

/// Runs `judge` for what is hostile and collects what it finds wrong.
fn check(mut judge: impl FnMut(&Response) -> Option<String>, whose: &str, failures: &mut Vec<String>) {
    for (what, response) in hostile() {
        let began = Instant::now();
        if let Some(wrong) = judge(response) {
            failures.push(format!("{whose}: {what}: {wrong}"));
        }
        if began.elapsed() > BUSY {
            failures.push(format!("{whose}: {what}: it took {:?}", began.elapsed()));
        }
    }
}

#[test]
fn no_hostile_answer_proves_that_something_is_there_or_is_not() {
    let all = manifests();
    let (mut failures, mut lookups) = (Vec::new(), 0);
    let looking = all.contracts().iter().filter(|(_, contract)| contract.snapshot);
    for (name, _) in looking {
        let asking = Asking::of(all, &name.system, &name.function);
        lookups += 1;
        let sighted = |response: &Response| match all.sight(&asking.ask(Phase::Snapshot), response) {
            Page::Over(sighting) if matches!(sighting.seen, Observation::Unknown(_)) => None,
            Page::Failed(_) => None,
            Page::Over(sighting) => Some(format!("{:?}", sighting.seen)),
            Page::More(..) => Some("it goes on".to_owned()),
        };
        check(sighted, &name.to_string(), &mut failures);
    }
    assert!(lookups > 300, "{lookups} lookups");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_hostile_answer_to_a_read_is_a_page() {
    let all = manifests();
    let (mut failures, mut reads) = (Vec::new(), 0);
    let nothing = Values::new();
    for system in all.systems() {
        let config = config(system);
        let named = all.manifest(system).into_iter().flat_map(|manifest| &manifest.reads);
        for read in named {
            reads += 1;
            let parameter = read.for_each.is_some().then_some("parent-1");
            let ask = reading(system, &read.name, parameter, &nothing);
            let paged = |response: &Response| match all.page(&config, &ask, response) {
                ReadPage::Failed(_) => None,
                other => Some(format!("{other:?}")),
            };
            check(paged, &format!("{system}.{}", read.name), &mut failures);
        }
    }
    assert!(reads > 60, "{reads} reads");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_hostile_answer_to_a_call_that_tells_something_is_a_success() {
    let all = manifests();
    let mut failures = Vec::new();
    for name in all.contracts().keys() {
        let Some(awf) = all.manifest(&name.system).and_then(|manifest| manifest.awfs.get(&name.function))
        else {
            continue;
        };
        // Where nothing is read from the answer, its status is all that counts.
        if awf.capture.is_empty() {
            continue;
        }
        let asking = Asking::of(all, &name.system, &name.function);
        let classified = |response: &Response| match all.classify(&asking.ask(Phase::Do), response) {
            outcome @ (Outcome::Ok(_) | Outcome::AlreadyDone(_) | Outcome::Absent) => {
                Some(outcome.word().to_owned())
            }
            _ => None,
        };
        check(classified, &name.to_string(), &mut failures);
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
