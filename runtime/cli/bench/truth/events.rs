//! One event after the other: from the record that changed to the plan that follows, and from a step's facts to the gate's word.

use super::load::{Estate, NOW, READ_AT};
use super::{Spread, cpu_nanos, nanos, processor_time, raw};
use crate::arguments::bench::BenchTruth;
use crate::exit::Failure;
use serde::Serialize;
use std::time::Instant;
use xops_graph::reading::Reading;
use xops_kernel::gate;
use xops_kernel::id::Direction;
use xops_kernel::plan::Plan;
use xops_kernel::record::Record;
use xops_kernel::value::Value;
use xops_sim::population::systems::{self, KIND};
use xops_sim::seed::Dice;

/// What one event took.
#[derive(Debug, Serialize)]
pub(super) struct Events {
    pub count: f64,
    /// Joined to the graph.
    pub joined: Spread,
    /// The same, and the difference of those whom it touched, with its digest.
    pub sketched: Spread,
    /// The same, and the plan drawn by the compiler, with its id.
    pub drawn: Spread,
    /// Processor time of the way to the digested changes: what a busy machine does not lengthen.
    pub sketched_cpu: Spread,
    /// Processor time of the way to the plan.
    pub drawn_cpu: Spread,
    changed: f64,
}

/// What the gate took.
#[derive(Debug, Serialize)]
pub(super) struct Gate {
    pub sheets: f64,
    /// A step's facts asked of the graph and judged.
    pub judged: Spread,
}

/// Lets records lose or gain a group, one after the other.
pub(super) fn measure(estate: &mut Estate, bench: &BenchTruth) -> Result<Events, Failure> {
    let mut dice = Dice::of(bench.seed, "bench events");
    let (mut joined, mut judged, mut drawn) = (Vec::new(), Vec::new(), Vec::new());
    let (mut judged_cpu, mut drawn_cpu) = (Vec::new(), Vec::new());
    let mut changed = 0_u32;
    for at in 0..u64::from(bench.events) {
        let Some(record) = event(estate, &mut dice, at) else { continue };
        let system = record.source.system.clone();
        let reading = Reading {
            complete: false,
            ..Reading::complete(&system, "accounts", KIND, record.read_at, vec![record])
        };
        let (began, spent) = (Instant::now(), processor_time());
        let touched = estate.graph.apply(reading);
        joined.push(nanos(began));
        let entities = estate.columns.follow(&estate.graph, &system, &touched, NOW);
        let sketches: Vec<_> = entities.iter().filter_map(|entity| estate.columns.sketch(*entity)).collect();
        judged.push(nanos(began));
        judged_cpu.push(cpu_nanos(spent));
        let loud = sketches.iter().filter(|sketch| !sketch.difference.changes.is_empty());
        let plans: Vec<_> = loud.map(|it| estate.columns.draw(&estate.graph, it.entity, NOW)).collect();
        if !plans.is_empty() {
            drawn.push(nanos(began));
            drawn_cpu.push(cpu_nanos(spent));
            changed += 1;
        }
    }
    if changed == 0 && bench.events > 0 {
        return Err(Failure::plain("no event changed a plan"));
    }
    Ok(Events {
        count: f64::from(bench.events),
        joined: Spread::of(joined),
        sketched: Spread::of(judged),
        drawn: Spread::of(drawn),
        sketched_cpu: Spread::of(judged_cpu),
        drawn_cpu: Spread::of(drawn_cpu),
        changed: f64::from(changed),
    })
}

/// A newer version of some record: with a group less, or with one more.
fn event(estate: &Estate, dice: &mut Dice, at: u64) -> Option<Record> {
    let person = &estate.population.people[dice.place(estate.population.people.len())];
    let held: Vec<_> = systems::of(person).filter(|system| !system.is_first()).collect();
    let system = held[dice.place(held.len())];
    let entity = estate.entity(person.number);
    let known = estate.graph.link(entity, system.name, NOW);
    let known = known.presence()?.value().clone();
    let mut attributes = known.attributes;
    if let Some(Value::List(groups)) = attributes.get_mut("groups") {
        if dice.chance(500) {
            groups.pop();
        } else {
            groups.push(Value::from(format!("{}-new-{}", system.name, dice.below(1_000))));
        }
    }
    Some(raw::record(system.name, known.source.id, attributes, READ_AT + 1 + at))
}

/// Fills in and judges the sheet of every step of `plans`.
pub(super) fn gate(estate: &Estate, plans: &[Plan]) -> Result<Gate, Failure> {
    let mut judged = Vec::new();
    for _ in 0..3 {
        for plan in plans {
            for step in &plan.steps {
                let began = Instant::now();
                let sheet = estate.graph.sheet(plan, step, NOW);
                let verdict = gate::judge(Direction::Forward, &sheet);
                judged.push(nanos(began));
                if verdict != gate::Verdict::Go {
                    return Err(Failure::plain(format!(
                        "the gate holds up a plan that was just drawn: {verdict:?}"
                    )));
                }
            }
        }
    }
    let sheets = f64::from(u32::try_from(judged.len()).unwrap_or(u32::MAX));
    Ok(Gate { sheets, judged: Spread::of(judged) })
}
