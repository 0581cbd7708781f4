//! The figures of "Truth and planning" that need no estate of their own size: the levelled order, and one entity's way from a
//! record to a sketch and a plan, on a population of 2,000.
//!
//! Absent: a verdict, and the size of an enterprise: that is `xops bench truth --people 100000`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use xops_graph::column::{Columns, View};
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::EntityId;
use xops_kernel::level::Dag;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::Value;
use xops_sim::population::policy::{self, Policy};
use xops_sim::population::systems::{KIND, SYSTEMS};
use xops_sim::population::{Population, Shape};
use xops_sim::seed::Dice;

const AT: Millis = 1_750_000_000_000;
const KEY: DigestKey = DigestKey([1; 32]);

/// A population that is as wanted, but for one person in a hundred who lacks a group.
fn estate() -> (Graph, Columns) {
    let population = Population::new(Shape { seed: 1, people: 2_000, skewed: false, errors: false });
    let policy = Policy::new(60);
    let mut graph = Graph::new(Arc::new(policy.declarations()), KEY);
    let mut views = Vec::new();
    for system in &SYSTEMS {
        let records = population.rows(system).map(|row| {
            let named = system.fields.iter().map(|field| field.name().to_owned());
            let values = row.values.iter().map(|value| Value::from(value.as_str()));
            let mut attributes: xops_kernel::value::Values =
                named.zip(values).filter(|(_, value)| value.as_text() != Some("")).collect();
            if let Some(person) = row.person.map(|at| &population.people[at as usize]) {
                let mut groups = policy.groups(person, system);
                if person.number.is_multiple_of(100) {
                    groups.pop();
                }
                let groups = groups.into_iter().map(Value::from).collect();
                attributes.insert("groups".to_owned(), Value::List(groups));
            }
            let source = Source { system: system.name.into(), kind: KIND.into(), id: row.id, version: None };
            Record { source, attributes, read_at: AT, principal: "svc".into() }
        });
        let reading = Reading::complete(system.name, "accounts", KIND, AT, records.collect());
        graph.apply(reading);
        if !system.is_first() {
            for (facet, attribute) in [(policy::account(system), "email"), (policy::groups(system), "groups")]
            {
                let (domain, attribute) = (system.domain.to_owned(), attribute.to_owned());
                views.push(View { domain, facet, attribute, shows: BTreeSet::new() });
            }
        }
    }
    let mut columns = Columns::new(&graph, "person", &views).expect("columns");
    columns.fill(&graph, AT);
    (graph, columns)
}

fn order(criterion: &mut Criterion) {
    let mut dice = Dice::of(1, "bench order");
    let mut below = |bound: u32| u32::try_from(dice.below(u64::from(bound))).unwrap_or(0);
    let keys: Vec<[u8; 8]> = (0..100_000_u64).map(u64::to_be_bytes).collect();
    let edge = |_| {
        let after = 1 + below(99_999);
        (after - 1 - below(after.min(2_000)), after)
    };
    let edges: Vec<(u32, u32)> = (0..500_000).map(edge).collect();
    criterion.bench_function("levelled order and digest of 100,000 nodes, 500,000 edges", |bencher| {
        bencher.iter(|| {
            let dag = Dag::of(&keys, &edges).expect("edges");
            let levelled = dag.levelled().expect("no cycle");
            black_box(dag.digest(&levelled, &KEY))
        });
    });
}

fn people(criterion: &mut Criterion) {
    let (graph, mut columns) = estate();
    let changed: Vec<EntityId> =
        columns.sketches(0..columns.len()).filter(|sketch| !sketch.is_quiet()).map(|it| it.entity).collect();
    let mut at = 0;
    let mut next = || {
        at = (at + 1) % changed.len();
        changed[at]
    };
    criterion.bench_function("sketch of one person with a change, 60 facets", |bencher| {
        bencher.iter(|| black_box(columns.sketch(next())));
    });
    criterion.bench_function("plan of one person drawn and hashed, 60 facets", |bencher| {
        bencher.iter(|| black_box(columns.draw(&graph, next(), AT).is_ok()));
    });
    let rows = columns.len();
    criterion.bench_function("sketches of 2,000 people", |bencher| {
        bencher.iter(|| columns.sketches(0..rows).filter(|sketch| !sketch.is_quiet()).count());
    });
    criterion.bench_function("classes of 2,000 people judged anew", |bencher| {
        bencher.iter(|| columns.judge_anew());
    });
}

criterion_group!(benches, order, people);
criterion_main!(benches);
