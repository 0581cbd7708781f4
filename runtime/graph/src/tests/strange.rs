//! Strange input: whatever a source shows, it is told as what it is, nothing of it is lost, and nothing is guessed.

#![expect(clippy::disallowed_types, reason = "that it takes a bounded time is part of what is tested")]

use super::*;
use crate::exception::Kind;
use std::time::{Duration, Instant};

/// How long anything strange may take. Far more than it needs, far less than something that grows without bound.
const PATIENCE: Duration = Duration::from_secs(20);

/// A record of Workday with an address of its own, unless it is given one.
fn with(id: &str, attributes: &[(&str, Value)]) -> Record {
    let mut held = Values::from([("email".to_owned(), format!("{id}@acme.com").into())]);
    held.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let source = Source { system: "workday".into(), kind: "worker".into(), id: id.into(), version: None };
    Record { source, attributes: held, read_at: 10, principal: "svc".into() }
}

fn sound(id: &str) -> Record {
    with(id, &[("handle", id.into()), ("email", format!("{id}@acme.com").into()), ("title", "Clerk".into())])
}

/// Reads the records wholly and shows: the fact `attribute` of each entity by the id of its record, and the kinds of trouble.
fn shown(records: Vec<Record>, attribute: &str) -> (BTreeMap<String, String>, BTreeMap<Kind, usize>) {
    let began = Instant::now();
    // What is there twice with the same content is there once.
    let count = records.iter().enumerate().filter(|(at, it)| !records[..*at].contains(it)).count();
    let mut graph = graph();
    graph.apply(Reading::complete("okta", "users", "user", 10, Vec::new()));
    graph.apply(Reading::complete("slack", "users", "user", 10, Vec::new()));
    graph.apply(Reading::complete("workday", "workers", "worker", 10, records));
    let exceptions = graph.exceptions(20);
    let set_aside = exceptions.iter().filter(|it| it.kind == Kind::Malformed).count();
    let held = graph.records("workday", "worker").count();
    assert_eq!(held + set_aside, count, "nothing is lost: it is held, or set aside with a reason");
    assert!(exceptions.iter().all(|it| !it.owner.is_empty() && !it.resolves.is_empty()));
    let mut kinds = BTreeMap::new();
    for exception in exceptions {
        *kinds.entry(exception.kind).or_default() += 1;
    }
    let facts = graph.minted["workday"]["worker"].iter().map(|(id, entity)| {
        let facts = graph.facts(*entity, 20).expect("an entity");
        let told = match &facts[attribute] {
            Observation::Present(fact) => fact.value.to_string(),
            Observation::Absent(_) => "-".to_owned(),
            Observation::Unknown(doubt) => format!("? {}", doubt.reason.word()),
        };
        (id.clone(), told)
    });
    let facts = facts.collect();
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
    (facts, kinds)
}

fn check(records: Vec<Record>, attribute: &str, facts: &[(&str, &str)], kinds: &[(Kind, usize)]) {
    let (found, troubles) = shown(records, attribute);
    let facts: BTreeMap<String, String> =
        facts.iter().map(|(id, told)| ((*id).to_owned(), (*told).to_owned())).collect();
    assert_eq!(found, facts);
    assert_eq!(troubles, kinds.iter().copied().collect());
}

#[test]
fn a_value_of_another_type_is_unknown_with_an_exception_and_its_neighbours_stand() {
    let strange =
        [Value::Int(7), Value::Bool(true), Value::List(vec!["Rep".into()]), Value::Map(Values::new())];
    let mut records: Vec<Record> = strange
        .into_iter()
        .enumerate()
        .map(|(at, value)| with(&format!("w{at}"), &[("handle", format!("h{at}").into()), ("title", value)]))
        .collect();
    records.push(sound("w9"));
    let unknown = "? unexpected answer";
    check(
        records,
        "title",
        &[("w0", unknown), ("w1", unknown), ("w2", unknown), ("w3", unknown), ("w9", "Clerk")],
        &[(Kind::WrongType, 4)],
    );
}

#[test]
fn one_id_with_two_contents_is_believed_in_neither() {
    let other = with("w1", &[("handle", "w1".into()), ("title", "Engineer".into())]);
    check(
        vec![sound("w1"), other, sound("w2"), sound("w2")],
        "title",
        &[("w1", "? conflict"), ("w2", "Clerk")],
        &[(Kind::Conflict, 1)],
    );
}

#[test]
fn a_date_that_there_is_not_is_no_date() {
    let dates = [
        "2026-02-30",
        "2026-13-01",
        "0000-00-00",
        "99999-01-01",
        "2026-2-3",
        "tomorrow",
        "2026-12-31T99:00:00Z",
        "2028-02-29",
    ];
    let records = dates
        .into_iter()
        .enumerate()
        .map(|(at, date)| {
            with(&format!("w{at}"), &[("handle", format!("h{at}").into()), ("ends", date.into())])
        })
        .collect();
    let (facts, kinds) = shown(records, "ends");
    let known: Vec<&String> = facts.values().filter(|told| !told.starts_with('?')).collect();
    assert_eq!(known, ["2028-02-29"], "{facts:?}");
    assert_eq!(kinds, BTreeMap::from([(Kind::WrongType, 7)]));
}

#[test]
fn control_characters_and_mixed_encodings_are_kept_as_they_are_and_join_nothing_else() {
    // As text that is right UTF-8, of what was not, and what looks alike and is not the same.
    let titles = [
        "R\u{1b}[31m\0ep\u{202e}",
        "Caf\u{e9}",
        "Cafe\u{301}",
        "Caf\u{c3}\u{a9}",
        "\u{fffd}\u{fffd}",
        "\u{feff}Clerk",
        " ",
    ];
    let records = titles
        .into_iter()
        .enumerate()
        .map(|(at, title)| {
            with(&format!("w{at}"), &[("handle", format!("h{at}").into()), ("title", title.into())])
        })
        .collect();
    let (facts, kinds) = shown(records, "title");
    for (at, title) in titles.into_iter().enumerate() {
        assert_eq!(facts[&format!("w{at}")], title, "nothing is mended silently");
    }
    assert_eq!(kinds, BTreeMap::new());
}

#[test]
fn an_attribute_of_ten_megabytes_is_one_value_and_keys_of_that_size_are_keys() {
    let large = "x".repeat(10 << 20);
    let mut mail = large.clone();
    mail.push_str("@acme.com");
    let record =
        with("w1", &[("handle", "big".into()), ("title", large.as_str().into()), ("email", mail.into())]);
    let (facts, kinds) = shown(vec![record, sound("w2")], "title");
    assert_eq!((facts["w1"].len(), facts["w2"].as_str()), (10 << 20, "Clerk"));
    assert_eq!(kinds, BTreeMap::new());
}

#[test]
fn managers_in_a_circle_and_values_nested_deeply_are_values_like_others() {
    let deep = (0..2_000).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let of = |id: &str, manager: &str| {
        with(
            id,
            &[
                ("handle", id.into()),
                ("title", "Clerk".into()),
                ("manager", manager.into()),
                ("deep", deep.clone()),
            ],
        )
    };
    let circle = vec![of("w1", "w2"), of("w2", "w3"), of("w3", "w1"), of("w4", "w4")];
    check(circle, "title", &[("w1", "Clerk"), ("w2", "Clerk"), ("w3", "Clerk"), ("w4", "Clerk")], &[]);
}

#[test]
fn what_has_no_id_or_another_kind_is_set_aside_and_said() {
    let mut other = sound("w2");
    other.source.kind = "position".into();
    let mut blank = sound("  ");
    blank.attributes.insert("title".into(), "Nobody".into());
    check(vec![sound("w1"), other, blank], "title", &[("w1", "Clerk")], &[(Kind::Malformed, 2)]);
}

#[test]
fn ten_thousand_people_with_one_address_cost_no_more_than_as_many_with_their_own() {
    let record = |at: usize| {
        let id = format!("w{at}");
        with(
            &id,
            &[("handle", id.as_str().into()), ("email", "all@acme.com".into()), ("title", "Clerk".into())],
        )
    };
    let mut graph = graph();
    let began = Instant::now();
    graph.apply(Reading::complete("workday", "workers", "worker", 10, (0..10_000).map(record).collect()));
    graph.apply(reading("okta.user", 10, &["okta.user/u1 email=all@acme.com"]));
    let entity = graph.minted["workday"]["worker"]["w7"];
    let link = graph.link(entity, "okta", 20);
    assert!(matches!(link, Observation::Unknown(_)), "an address of many joins nobody");
    assert!(graph.exceptions(20).iter().any(|it| it.kind == Kind::AmbiguousIdentity));
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
}
