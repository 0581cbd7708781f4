//! The graph's behaviour, told over one small estate: workday mints people, okta and slack are joined to them by email.

mod bound;
mod column;
mod drift;
mod follow;
mod hand;
mod identity;
mod order;
mod peers;
mod round;
mod spare;
mod strange;
mod truth;
mod who;
mod witness;
mod world;

use crate::graph::Graph;
use crate::reading::Reading;
use crate::resolve::Found;
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{Attribute, Claim, Declarations, EntityKind, Link, Origin, System};
use xops_kernel::fact::{Fact, Observation, Proof};
use xops_kernel::id::EntityId;
use xops_kernel::port::ReadContract;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::{Type, Value, Values};

/// The greatest age of everything read in these tests, in milliseconds.
const AGE: u64 = 1_000;

fn attribute(is: Type, from: &[&str]) -> Attribute {
    let claim = |text: &&str| {
        let words: Vec<&str> = text.split('.').collect();
        Claim { system: words[0].into(), kind: words[1].into(), attribute: words[2].into() }
    };
    let from = from.iter().map(claim).collect();
    Attribute { is, personal: true, from, max_age_ms: None, origin: Origin::default() }
}

fn link(system: &str, entity: &str) -> (String, Link) {
    let link = Link {
        system: system.into(),
        kind: "user".into(),
        record: "email".into(),
        entity: entity.into(),
        origin: Origin::default(),
    };
    (system.into(), link)
}

fn declarations() -> Declarations {
    let person = EntityKind {
        name: "person".into(),
        mint: ("workday".into(), "worker".into()),
        handle: "handle".into(),
        attributes: BTreeMap::from([
            ("handle".into(), attribute(Type::Text, &["workday.worker.handle"])),
            ("email".into(), attribute(Type::Text, &["workday.worker.email", "okta.user.email"])),
            ("title".into(), attribute(Type::Text, &["okta.user.title", "workday.worker.title"])),
            ("login".into(), attribute(Type::Text, &["okta.user.login"])),
            ("ends".into(), attribute(Type::Date, &["workday.worker.ends"])),
            ("status".into(), attribute(Type::Text, &["slack.user.status"])),
        ]),
        links: BTreeMap::from([link("okta", "email"), link("slack", "login")]),
        origin: Origin::default(),
    };
    let system = |name: &str| {
        let system = System {
            name: name.into(),
            domain: format!("{name} owners"),
            max_age_ms: AGE,
            ..System::default()
        };
        (name.to_owned(), system)
    };
    Declarations {
        tenant: "acme".into(),
        systems: ["workday", "okta", "slack"].into_iter().map(system).collect(),
        entities: BTreeMap::from([("person".into(), person)]),
        ..Declarations::default()
    }
}

fn graph() -> Graph {
    Graph::new(Arc::new(declarations()), DigestKey([7; 32]))
}

/// A record from `system.kind/id name=value ...`; its time is set when it is read.
fn record(text: &str) -> Record {
    let mut words = text.split(' ');
    let (place, id) = words.next().and_then(|place| place.split_once('/')).expect("system.kind/id");
    let (system, kind) = place.split_once('.').expect("system.kind");
    let value = |word: &str| if word == "null" { Value::Null } else { Value::from(word) };
    let pairs = words.map(|word| word.split_once('=').expect("name=value"));
    let attributes: Values = pairs.map(|(name, word)| (name.to_owned(), value(word))).collect();
    let source = Source { system: system.into(), kind: kind.into(), id: id.into(), version: None };
    Record { source, attributes, read_at: 0, principal: "svc".into() }
}

/// A whole reading of `system.kind` at `at` that holds `texts`.
fn reading(place: &str, at: Millis, texts: &[&str]) -> Reading {
    let (system, kind) = place.split_once('.').expect("system.kind");
    let records = texts.iter().map(|text| Record { read_at: at, ..record(text) }).collect();
    Reading::complete(system, &format!("{kind}s"), kind, at, records)
}

fn partial(place: &str, at: Millis, texts: &[&str]) -> Reading {
    Reading { complete: false, ..reading(place, at, texts) }
}

fn sarah(graph: &Graph) -> EntityId {
    match graph.find_handle("person", "sarah.chen") {
        Found::One(entity) => entity,
        other => panic!("{other:?}"),
    }
}

const SARAH: &str = "workday.worker/w1 handle=sarah.chen email=sarah@acme.com title=Engineer";

/// Applies `readings` and shows what is known of Sarah's `attribute` at `now`.
fn check(readings: &[Reading], attribute: &str, now: Millis, expect: &str) {
    let mut graph = graph();
    for reading in readings {
        graph.apply(reading.clone());
    }
    let facts = graph.facts(sarah(&graph), now).expect("she was minted");
    assert_eq!(show(&facts[attribute]), expect);
}

fn show(observation: &Observation<Fact>) -> String {
    match observation {
        Observation::Present(fact) => format!("{} from {}", fact.value, fact.source),
        Observation::Absent(Proof::Snapshot { system, read }) => format!("absent by {system}.{read}"),
        Observation::Absent(proof) => format!("absent by {proof}"),
        Observation::Unknown(doubt) => doubt.to_string(),
    }
}

fn contract(system: &str, name: &str, kind: &str, for_each: Option<&str>) -> ReadContract {
    let (system, name, kind) = (system.to_owned(), name.to_owned(), kind.to_owned());
    ReadContract { system, name, kind, for_each: for_each.map(str::to_owned), ..ReadContract::default() }
}
