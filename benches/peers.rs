//! Peer completeness over 100,000 people: from the graph to numbers, and from the numbers to findings.
//!
//! It prints medians of seven runs and fails at nothing. People have 40 titles in 5 countries (the lower the number the more there
//! are), and about 6 of 60 applications each; the outcome is for one title in one country.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use xops_graph::graph::Graph;
use xops_graph::peers::{census::Census, judge::judge};
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{
    Attribute, Claim, Declarations, Desired, EntityKind, FacetKind, Origin, Outcome, System,
};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::record::{Record, Source};
use xops_kernel::standard::{Evidence, PeerSet, Standards};
use xops_kernel::value::{Type, Value};

const PEOPLE: u64 = 100_000;
const RUNS: usize = 7;

fn is(attribute: &str, value: &str) -> Expr {
    let path = Expr::Ref(Path::of("person", &[attribute]));
    Expr::Binary(Op::Eq, Box::new(path), Box::new(Expr::Literal(value.into())))
}

fn declarations() -> Declarations {
    let attribute = |name: &str| {
        let claim = Claim { system: "hr".into(), kind: "worker".into(), attribute: name.into() };
        let origin = Origin::default();
        (
            name.to_owned(),
            Attribute { is: Type::Text, personal: false, from: vec![claim], max_age_ms: None, origin },
        )
    };
    let system = |name: &str| {
        (name.to_owned(), System { name: name.into(), max_age_ms: 1_000_000, ..System::default() })
    };
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
    let wanted = Expr::Literal(Value::List(vec!["app-0".into(), "app-59".into()]));
    let outcome = Outcome {
        name: "o".into(),
        title: "o".into(),
        entity: "person".into(),
        applies: Expr::Binary(
            Op::And,
            Box::new(is("title", "title-0")),
            Box::new(is("country", "country-0")),
        ),
        runbook: None,
        facets: vec![Desired {
            domain: "software".into(),
            facet: "grants".into(),
            value: wanted,
            origin: Origin::default(),
        }],
        origin: Origin::default(),
    };
    Declarations {
        tenant: "acme".into(),
        systems: [system("hr"), system("idp")].into(),
        entities: [("person".to_owned(), person)].into(),
        facets: [(("software".to_owned(), "grants".to_owned()), facet)].into(),
        outcomes: [("o".to_owned(), outcome)].into(),
        ..Declarations::default()
    }
}

fn peers() -> PeerSet {
    PeerSet {
        name: "p".into(),
        entity: "person".into(),
        counts: Expr::Literal(true.into()),
        levels: vec![vec!["title".into(), "country".into()], vec!["title".into()]],
        least: 5,
        expected_pct: 80,
        suggested_pct: 50,
        excess_pct: 5,
        lift_pct: 120,
        evidence: vec![Evidence {
            domain: "software".into(),
            facet: "grants".into(),
            system: "idp".into(),
            kind: "seat".into(),
            record: "who".into(),
            entity: "handle".into(),
            element: "app".into(),
            objects: None,
            origin: Origin::default(),
        }],
        origin: Origin::default(),
    }
}

fn record(system: &str, kind: &str, id: String, attributes: &[(&str, String)]) -> Record {
    Record {
        source: Source { system: system.into(), kind: kind.into(), id, version: None },
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .collect(),
        read_at: 10,
        principal: "svc".into(),
    }
}

/// A number that looks like chance and is the same on every machine (the finaliser of splitmix64).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn graph() -> Graph {
    let mut graph = Graph::new(Arc::new(declarations()), DigestKey([7; 32]));
    let (mut workers, mut seats) = (Vec::new(), Vec::new());
    for at in 0..PEOPLE {
        let (handle, chance) = (format!("h{at}"), mix(at));
        let title = (chance % 40).min((chance >> 8) % 40);
        let known = [
            ("handle", handle.clone()),
            ("title", format!("title-{title}")),
            ("country", format!("country-{}", (chance >> 16) % 5)),
        ];
        workers.push(record("hr", "worker", handle.clone(), &known));
        for app in 0..6 {
            let app = if app < 4 { title + app * 7 } else { mix(chance + app) % 60 };
            let known = [("who", handle.clone()), ("app", format!("app-{app}"))];
            seats.push(record("idp", "seat", format!("{handle}/{app}"), &known));
        }
    }
    graph.apply(Reading::complete("hr", "workers", "worker", 10, workers));
    graph.apply(Reading::complete("idp", "seats", "seat", 10, seats));
    graph
}

fn median(mut run: impl FnMut() -> usize) -> (u128, usize) {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        found = run();
        times.push(start.elapsed().as_micros());
    }
    times.sort_unstable();
    (times[RUNS / 2], found)
}

fn main() {
    let (graph, peers) = (graph(), peers());
    let standards = Standards { peers: [("p".to_owned(), peers.clone())].into(), ..Standards::default() };
    let outcome = declarations().outcomes["o"].clone();
    let take = || Census::take(&graph, &standards, "person", &peers.evidence, 20).expect("a declared kind");
    let (census_us, people) = median(|| take().len());
    let census = take();
    let (judge_us, findings) = median(|| {
        judge(&outcome, &standards, &[(&peers, &census)]).map_or(0, |report| report.findings.len())
    });
    eprintln!("people {people}, seats {}, findings {findings}", PEOPLE * 6);
    eprintln!("census from the graph, median of {RUNS}: {census_us} us");
    eprintln!("findings from the census, median of {RUNS}: {judge_us} us");
}
