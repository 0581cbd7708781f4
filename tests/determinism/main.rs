//! The same inputs give the same plan: over permuted readings, repeated runs, and one or two threads.
//!
//! Absent: systems and a clock. The sample project's own declarations are compiled for one of its people, from records that are
//! written here; what the lookups would see is answered here as well. Compared are the canonical bytes and the id.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xops_connectors::manifests::Manifests;
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_graph::resolve::Found;
use xops_kernel::canon::DigestKey;
use xops_kernel::compile::{self, Compile};
use xops_kernel::declare::Declarations;
use xops_kernel::desire::{self, Subject};
use xops_kernel::diff::Facet;
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::plan::Plan;
use xops_kernel::port::{Connector, Sighting};
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::{Value, Values};

/// When everything was read, and when it is compiled.
const READ_AT: Millis = 1_795_257_600_000;
const NOW: Millis = READ_AT + 1_000;

/// The files of a folder of the sample project, in an order of one's choice.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join(folder)];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if !name.contains(".test.") && path.extension().is_some_and(|extension| extension == "hcl")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    let name = |path: &PathBuf| path.strip_prefix(root).expect("a path").display().to_string();
    found.iter().map(|path| (name(path), std::fs::read(path).expect("a file"))).collect()
}

/// The sample project; `turn` says how far its lists of files are turned before they are read.
fn project(turn: usize) -> (Arc<Declarations>, Manifests) {
    let turned = |mut files: Vec<(String, Vec<u8>)>| {
        let by = turn % files.len();
        files.rotate_left(by);
        files
    };
    let (manifests, findings) = Manifests::load(&turned(files("connectors/manifests")));
    assert!(findings.is_empty(), "{findings:?}");
    let declared = turned([files("config"), files("runbooks")].concat());
    let (mut declarations, findings) =
        xops_source::declare::declare(&declared, manifests.contracts(), &manifests.facts());
    assert!(findings.is_empty(), "{findings:?}");
    let names = declarations.systems.values().map(|system| (system.name.as_str(), system.manifest.as_str()));
    let bound = manifests.bound(names);
    declarations.contracts = bound.contracts().clone();
    (Arc::new(declarations), bound)
}

fn record(system: &str, kind: &str, id: &str, pairs: &[(&str, &str)]) -> Record {
    let value = |word: &str| match word {
        "true" | "false" => Value::Bool(word == "true"),
        text => Value::from(text),
    };
    let attributes = pairs.iter().map(|(name, word)| ((*name).to_owned(), value(word)));
    let source =
        Source { system: system.into(), kind: kind.into(), id: id.into(), version: Some("1".into()) };
    Record { source, attributes: attributes.collect(), read_at: READ_AT, principal: "svc-xops".into() }
}

/// What the systems were read to hold, in several readings of which some repeat and some are older than others.
fn readings() -> Vec<Reading> {
    let worker = |id: &str, handle: &str, department: &str| {
        let email = format!("{handle}@acme.example");
        let pairs = [
            ("worker_id", id),
            ("handle", handle),
            ("first_name", "Sarah"),
            ("last_name", "Chen"),
            ("email", email.as_str()),
            ("worker_type", "contingent"),
            ("status", "active"),
            ("department", department),
            ("country", "US"),
            ("location", "San Francisco"),
            ("contract_end", "2027-05-31"),
        ];
        record("workday", "worker", id, &pairs)
    };
    let user = |system: &str, id: &str, handle: &str| {
        let email = format!("{handle}@acme.example");
        record(system, "user", id, &[("email", &email), ("name", handle)])
    };
    let (sarah, wei) =
        (worker("CW-1001", "sarah.chen", "Field Engineering"), worker("CW-1008", "wei.zhang", "Security"));
    let older = worker("CW-1001", "sarah.chen", "Design");
    let whole = |system: &str, read: &str, kind: &str, at, records: Vec<Record>| {
        let records = records.into_iter().map(|record| Record { read_at: at, ..record }).collect();
        Reading::complete(system, read, kind, at, records)
    };
    vec![
        whole("workday", "workers", "worker", READ_AT, vec![sarah.clone(), wei]),
        whole("workday", "workers", "worker", READ_AT - 60_000, vec![older]),
        whole("okta", "users", "user", READ_AT, Vec::new()),
        whole(
            "servicenow",
            "users",
            "user",
            READ_AT,
            vec![user("servicenow", "s1", "sarah.chen"), user("servicenow", "s2", "wei.zhang")],
        ),
        whole(
            "slack",
            "users",
            "user",
            READ_AT,
            vec![user("slack", "U1", "sarah.chen"), user("slack", "U2", "wei.zhang")],
        ),
        Reading { complete: false, ..whole("workday", "workers", "worker", READ_AT, vec![sarah]) },
        whole("slack", "users", "user", READ_AT - 60_000, Vec::new()).broken_off("503"),
    ]
}

/// Compiles the onboarding of one person from readings in this order.
fn plan(project: &(Arc<Declarations>, Manifests), readings: impl IntoIterator<Item = Reading>) -> Plan {
    let (declarations, manifests) = project;
    let key = DigestKey([7; 32]);
    let mut graph = Graph::new(Arc::clone(declarations), key);
    for system in declarations.systems.keys() {
        graph.expect(declarations.needed(system, manifests.reads(system)));
    }
    for reading in readings {
        graph.apply(reading);
    }
    let Found::One(entity) = graph.find_handle("person", "sarah.chen") else { panic!("she is not found") };
    let facts = graph.facts(entity, NOW).expect("facts");
    let systems = ["workday", "okta", "servicenow", "slack"];
    let links = systems.map(|system| (system.to_owned(), graph.link(entity, system, NOW)));
    let subject = Subject { entity, kind: "person".to_owned(), facts, links: links.into() };
    let desire = desire::desire(declarations, &subject, Some("EMP-R-001")).expect("a wish");
    let (mut seen, granted) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let compile = Compile {
            declarations,
            subject: &subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent: None,
        };
        let (lookups, implied) = compile::observe(&compile);
        if lookups.is_empty() && implied.is_empty() {
            return compile::draw(&compile, &key).expect("a plan");
        }
        let answered = lookups.into_iter().map(|lookup| (lookup.facet, nothing()));
        let answers: Vec<(Facet, Sighting)> = answered.chain(implied).collect();
        seen.extend(answers);
    }
}

/// A lookup that found nothing.
fn nothing() -> Sighting {
    let proof = Proof::Lookup { system: "any".to_owned(), lookup: "any".to_owned() };
    Sighting { seen: Observation::Absent(proof), outputs: Values::new(), marker: None }
}

fn bytes(plan: &Plan) -> (Vec<u8>, String) {
    (plan.canon().bytes().to_vec(), plan.id.to_string())
}

/// Every order of so many things, by Heap's algorithm.
fn orders(count: usize) -> Vec<Vec<usize>> {
    fn permute(length: usize, order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if length <= 1 {
            return all.push(order.clone());
        }
        for at in 0..length {
            permute(length - 1, order, all);
            order.swap(if length.is_multiple_of(2) { at } else { 0 }, length - 1);
        }
    }
    let mut all = Vec::new();
    permute(count, &mut (0..count).collect(), &mut all);
    all
}

#[test]
fn every_order_of_the_readings_gives_the_same_plan() {
    let project = project(0);
    let readings = readings();
    let expect = bytes(&plan(&project, readings.clone()));
    let all = orders(readings.len());
    assert_eq!(all.len(), 5_040);
    // Every third of them takes seconds in a debug build.
    for order in all.iter().step_by(3) {
        let shuffled = order.iter().map(|at| readings[*at].clone());
        assert_eq!(bytes(&plan(&project, shuffled)), expect, "{order:?}");
    }
    for at in 0..readings.len() {
        let repeated = readings.iter().chain([&readings[at], &readings[at]]).cloned();
        assert_eq!(bytes(&plan(&project, repeated)), expect, "reading {at} again");
    }
}

#[test]
fn every_order_of_the_files_and_every_run_gives_the_same_plan() {
    let expect = bytes(&plan(&project(0), readings()));
    for turn in 1..12 {
        assert_eq!(bytes(&plan(&project(turn), readings())), expect, "files turned by {turn}");
    }
}

#[test]
fn one_thread_and_two_give_the_same_plan() {
    let expect = bytes(&plan(&project(0), readings()));
    let turns = |from: usize| {
        std::thread::spawn(move || {
            let project = project(from);
            (from..from + 20)
                .map(|turn| {
                    let mut readings = readings();
                    let by = turn % readings.len();
                    readings.rotate_left(by);
                    bytes(&plan(&project, readings))
                })
                .collect::<Vec<_>>()
        })
    };
    for thread in [turns(0), turns(3)] {
        for plan in thread.join().expect("a thread") {
            assert_eq!(plan, expect);
        }
    }
}

#[test]
fn another_input_gives_another_plan() {
    let project = project(0);
    let expect = bytes(&plan(&project, readings()));
    let mut changed = readings();
    for record in &mut changed[0].records {
        record.attributes.insert("contract_end".to_owned(), "2027-06-30".into());
        record.read_at += 500;
    }
    changed[0].at += 500;
    assert_ne!(bytes(&plan(&project, changed)), expect);
    // The time of reading is no input.
    let mut later = readings();
    later[0].at += 500;
    for record in &mut later[0].records {
        record.read_at += 500;
    }
    assert_eq!(bytes(&plan(&project, later)), expect);
}
