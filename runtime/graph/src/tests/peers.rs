//! Validation of outcomes over small populations, and over 100,000 people.

use super::super::graph::Graph;
use crate::peers::census::Census;
use crate::peers::judge::judge;
use crate::reading::Reading;
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{
    Attribute, Claim, Declarations, Desired, EntityKind, FacetKind, Origin, Outcome, System,
};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::record::{Record, Source};
use xops_kernel::standard::{Evidence, PeerSet, Requirement, Standards};
use xops_kernel::value::{Type, Value};

/// One person: title, country, what they have.
type Person<'a> = (&'a str, &'a str, &'a [&'a str]);

fn is(attribute: &str, value: &str) -> Expr {
    let path = Expr::Ref(Path::of("person", &[attribute]));
    Expr::Binary(Op::Eq, Box::new(path), Box::new(Expr::Literal(value.into())))
}

fn grants(apps: &[&str]) -> Vec<Desired> {
    let value = Expr::Literal(Value::List(apps.iter().map(|app| (*app).into()).collect()));
    vec![Desired { domain: "software".into(), facet: "grants".into(), value, origin: Origin::default() }]
}

fn outcome(name: &str, applies: Expr, apps: &[&str]) -> Outcome {
    Outcome {
        name: name.into(),
        title: name.into(),
        entity: "person".into(),
        applies,
        runbook: None,
        facets: grants(apps),
        origin: Origin::default(),
    }
}

fn declarations(outcomes: Vec<Outcome>) -> Declarations {
    let attribute = |name: &str| {
        let claim = Claim { system: "hr".into(), kind: "worker".into(), attribute: name.into() };
        let attribute = Attribute {
            is: Type::Text,
            personal: false,
            from: vec![claim],
            max_age_ms: None,
            origin: Origin::default(),
        };
        (name.to_owned(), attribute)
    };
    let system =
        |name: &str| (name.to_owned(), System { name: name.into(), max_age_ms: 1_000, ..System::default() });
    let facet = FacetKind {
        domain: "software".into(),
        name: "grants".into(),
        system: "idp".into(),
        set: true,
        exclusive: false,
        after: Vec::new(),
        origin: Origin::default(),
    };
    let person = EntityKind {
        name: "person".into(),
        mint: ("hr".into(), "worker".into()),
        handle: "handle".into(),
        attributes: ["handle", "title", "country"].map(attribute).into(),
        links: BTreeMap::new(),
        origin: Origin::default(),
    };
    Declarations {
        tenant: "acme".into(),
        systems: [system("hr"), system("idp")].into(),
        entities: [("person".to_owned(), person)].into(),
        facets: [(("software".to_owned(), "grants".to_owned()), facet)].into(),
        outcomes: outcomes.into_iter().map(|outcome| (outcome.name.clone(), outcome)).collect(),
        ..Declarations::default()
    }
}

fn peers() -> PeerSet {
    let evidence = Evidence {
        domain: "software".into(),
        facet: "grants".into(),
        system: "idp".into(),
        kind: "seat".into(),
        record: "who".into(),
        entity: "handle".into(),
        element: "apps".into(),
        objects: None,
        origin: Origin::default(),
    };
    PeerSet {
        name: "p".into(),
        entity: "person".into(),
        counts: Expr::Literal(true.into()),
        levels: vec![vec!["title".into(), "country".into()], vec!["title".into()]],
        least: 4,
        expected_pct: 75,
        suggested_pct: 50,
        excess_pct: 10,
        lift_pct: 110,
        evidence: vec![evidence],
        origin: Origin::default(),
    }
}

fn record(system: &str, kind: &str, id: &str, attributes: &[(&str, Value)]) -> Record {
    Record {
        source: Source { system: system.into(), kind: kind.into(), id: id.into(), version: None },
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        read_at: 10,
        principal: "svc".into(),
    }
}

fn graph(declarations: Declarations, people: &[Person<'_>], whole: bool) -> Graph {
    let mut graph = Graph::new(Arc::new(declarations), DigestKey([7; 32]));
    let worker = |(at, (title, country, _)): (usize, &Person<'_>)| {
        let handle = format!("h{at}");
        let known =
            [("handle", handle.as_str().into()), ("title", (*title).into()), ("country", (*country).into())];
        record("hr", "worker", &handle, &known)
    };
    let seat = |(at, (_, _, apps)): (usize, &Person<'_>)| {
        let apps = Value::List(apps.iter().map(|app| (*app).into()).collect());
        let handle = format!("h{at}");
        record("idp", "seat", &handle, &[("who", handle.as_str().into()), ("apps", apps)])
    };
    let workers = people.iter().enumerate().map(worker).collect();
    let seats = people.iter().enumerate().map(seat).collect();
    graph.apply(Reading::complete("hr", "workers", "worker", 10, workers));
    let seats = Reading::complete("idp", "seats", "seat", 10, seats);
    graph.apply(if whole { seats } else { seats.broken_off("page 2") });
    graph
}

/// The findings as `kind element have/of`, and what was not judged.
fn told(graph: &Graph, requirements: Vec<Requirement>, name: &str, now: u64) -> String {
    let peers = peers();
    let standards = Standards {
        requirements: requirements.into_iter().map(|it| (it.name.clone(), it)).collect(),
        peers: [("p".to_owned(), peers.clone())].into(),
        ..Standards::default()
    };
    let census = Census::take(graph, &standards, "person", &peers.evidence, now).unwrap();
    let outcome = &graph.declarations.outcomes[name];
    let report = judge(outcome, &standards, &[(&peers, &census)]).unwrap();
    let finding = |finding: &crate::peers::finding::Finding| {
        let share = finding.support.as_ref().map(|it| format!(" {}/{}", it.have, it.of)).unwrap_or_default();
        format!("{} {}{share}", finding.kind.word(), finding.thing.element)
    };
    let unjudged = report.unjudged.iter().map(|unjudged| format!("not judged: {}", unjudged.what));
    report.findings.iter().map(finding).chain(unjudged).collect::<Vec<_>>().join("; ")
}

fn check(people: &[Person<'_>], apps: &[&str], expect: &str) {
    let declared = declarations(vec![outcome("o", is("title", "Rep"), apps)]);
    assert_eq!(told(&graph(declared, people, true), Vec::new(), "o", 20), expect);
}

const REP: Person<'_> = ("Rep", "MX", &["crm", "gong"]);
const ENGINEER: Person<'_> = ("Engineer", "MX", &["git"]);

#[test]
fn what_the_peers_have_is_expected_by_its_share() {
    check(&[REP, REP, REP, REP, ENGINEER, ENGINEER], &["crm"], "expected gong 4/4");
    check(&[REP, REP, REP, ("Rep", "MX", &["crm"]), ENGINEER, ENGINEER], &["crm"], "expected gong 3/4");
    let two = ("Rep", "MX", ["crm"].as_slice());
    check(&[REP, REP, two, two, ENGINEER, ENGINEER], &["crm"], "suggested gong 2/4");
    check(&[REP, two, two, two, ENGINEER, ENGINEER], &["crm"], "");
}

#[test]
fn what_hardly_any_peer_has_is_excess_and_what_all_have_belongs_higher() {
    check(
        &[REP, REP, REP, REP, ENGINEER],
        &["crm", "gong", "visio"],
        "excess visio 0/4; higher_layer crm 4/4; higher_layer gong 4/4",
    );
    check(&[REP, REP, REP, REP, ENGINEER, ENGINEER], &["crm", "gong"], "");
}

#[test]
fn too_few_peers_say_nothing() {
    check(&[REP, REP, REP, ENGINEER, ENGINEER], &["crm"], "not judged: peers `p`");
}

#[test]
fn with_too_few_peers_the_next_level_is_asked() {
    let us = ("Rep", "US", ["crm", "gong"].as_slice());
    let people = [REP, us, us, us, ENGINEER, ENGINEER];
    let applies = Expr::Binary(Op::And, Box::new(is("title", "Rep")), Box::new(is("country", "MX")));
    let declared = declarations(vec![outcome("o", applies, &["crm"])]);
    assert_eq!(told(&graph(declared, &people, true), Vec::new(), "o", 20), "expected gong 4/4");
}

#[test]
fn a_persona_without_people_is_judged_by_what_its_selector_says() {
    let us = ("Rep", "US", ["crm", "gong"].as_slice());
    let people = [us, us, us, us, ENGINEER, ENGINEER];
    let applies = Expr::Binary(Op::And, Box::new(is("title", "Rep")), Box::new(is("country", "BR")));
    let declared = declarations(vec![outcome("o", applies, &["crm"])]);
    assert_eq!(told(&graph(declared, &people, true), Vec::new(), "o", 20), "expected gong 4/4");
}

#[test]
fn evidence_that_is_partial_or_stale_is_not_judged_from() {
    let declared = declarations(vec![outcome("o", is("title", "Rep"), &["crm", "visio"])]);
    let people = [REP, REP, REP, REP, ENGINEER, ENGINEER];
    let partial = graph(declared.clone(), &people, false);
    assert_eq!(told(&partial, Vec::new(), "o", 20), "not judged: what peers `p` have of software.grants");
    let stale = told(&graph(declared, &people, true), Vec::new(), "o", 20_000);
    assert!(stale.contains("not judged") && !stale.contains("excess"), "{stale}");
}

#[test]
fn what_a_rule_demands_is_required_and_never_excess() {
    let rule = |apps: &[&str]| Requirement {
        name: "r".into(),
        title: "a rule".into(),
        because: "policy".into(),
        approved_by: "board".into(),
        entity: "person".into(),
        applies: is("title", "Rep"),
        facets: grants(apps),
        origin: Origin::default(),
    };
    let people = [REP, REP, REP, REP, ENGINEER, ENGINEER];
    let declared = declarations(vec![outcome("o", is("title", "Rep"), &["crm", "gong", "visio"])]);
    let graph = graph(declared, &people, true);
    assert_eq!(told(&graph, vec![rule(&["visio", "line"])], "o", 20), "required line");
    assert_eq!(told(&graph, vec![rule(&["gong"])], "o", 20), "excess visio 0/4");
}

#[test]
fn what_another_outcome_of_the_same_people_declares_is_not_missing() {
    let both = vec![outcome("o", is("title", "Rep"), &["crm"]), outcome("q", is("country", "MX"), &["gong"])];
    let people = [REP, REP, REP, REP, ENGINEER, ENGINEER];
    assert_eq!(told(&graph(declarations(both), &people, true), Vec::new(), "o", 20), "");
}

#[test]
fn the_order_of_people_changes_nothing() {
    let mut people =
        vec![REP, ("Rep", "MX", &["crm", "b", "a"]), REP, REP, ENGINEER, ("Rep", "MX", &["a"]), ENGINEER];
    let tell = |people: &[Person<'_>]| {
        let declared = declarations(vec![outcome("o", is("title", "Rep"), &["crm"])]);
        told(&graph(declared, people, true), Vec::new(), "o", 20)
    };
    let first = tell(&people);
    for _ in 0..people.len() {
        people.rotate_left(1);
        assert_eq!(tell(&people), first);
    }
}
