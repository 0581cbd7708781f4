//! One record more into an identity index that holds so many already: the rules of the project, and a population that errs.
//!
//! Absent: truth; how well records are told apart is `xops identity evaluate`'s question. The model is learnt from a part of the
//! population before, as it would be in production, and does not change while records come.

use super::{Spread, Took, memory_mib, nanos, processor_time, timed};
use crate::arguments::bench::BenchTruth;
use crate::exit::Failure;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xops_graph::identity::batch;
use xops_graph::identity::index::Index;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::{Record, Table};
use xops_kernel::canon::DigestKey;
use xops_kernel::identity::Rules;
use xops_sim::population::systems::SYSTEMS;
use xops_sim::population::{Population, Shape};

/// How many people the model is learnt from.
const LEARNT_FROM: u32 = 5_000;
/// How many records are measured one by one.
const MEASURED: usize = 20_000;
/// The day, `yyyymmdd`, on which decisions are looked at.
const TODAY: u32 = 20_261_122;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Inserts {
    /// How many records the index holds at the end.
    pub records: f64,
    /// All that came before those that were measured.
    pub filled: Took,
    /// One record, on the clock.
    pub insert: Spread,
    /// One record, in processor time.
    pub insert_cpu: Spread,
    /// What the index takes.
    pub rss_mib: u64,
}

/// Fills an index with `bench.identity` records and measures the last of them.
pub(super) fn measure(bench: &BenchTruth, rules: Rules) -> Result<Inserts, Failure> {
    let rules = Arc::new(rules);
    let model = Arc::new(learnt(&rules, bench.seed)?);
    let per_person = 11;
    let people = bench.identity.div_ceil(per_person).max(LEARNT_FROM);
    let mut records = records(&rules, people, bench.seed);
    scatter(&mut records);
    records.truncate(bench.identity as usize);
    let last = records.split_off(records.len().saturating_sub(MEASURED));
    let before = memory_mib("VmRSS");
    let mut index = Index::new(rules, model, "population", DigestKey([0x7e; 32]), TODAY);
    let (taken, filled) = timed(|| records.iter().try_for_each(|record| index.insert(record).map(drop)));
    taken.map_err(Failure::plain)?;
    let (mut times, mut spent) = (Vec::with_capacity(last.len()), Vec::with_capacity(last.len()));
    for record in &last {
        let (began, cpu) = (Instant::now(), processor_time());
        index.insert(record).map_err(Failure::plain)?;
        times.push(nanos(began));
        spent.push(whole_nanos(processor_time().saturating_sub(cpu)));
    }
    let rss_mib = memory_mib("VmRSS").saturating_sub(before);
    let count = f64::from(u32::try_from(records.len() + last.len()).unwrap_or(u32::MAX));
    let (insert, insert_cpu) = (Spread::of(times), Spread::of(spent));
    Ok(Inserts { records: count, filled, insert, insert_cpu, rss_mib })
}

fn whole_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn learnt(rules: &Arc<Rules>, seed: u64) -> Result<Model, Failure> {
    let mut table = Table::new(rules.clone());
    for record in records(rules, LEARNT_FROM, seed.wrapping_add(1)) {
        table.put(&record).map_err(Failure::plain)?;
    }
    let across = rules.linkage == xops_kernel::identity::Linkage::OneToOne;
    Ok(batch::run(&mut table, across, TODAY, &mut |_, _, _| {}).0)
}

/// What thirty systems say of so many people, by the fields of the rules; what they say in parts of a column is left out.
fn records(rules: &Rules, people: u32, seed: u64) -> Vec<Record> {
    let population = Population::new(Shape { seed, people, skewed: false, errors: true });
    let mut records = Vec::new();
    for system in &SYSTEMS {
        let place = |column: &String| system.fields.iter().position(|held| held.name() == column);
        let places: Vec<Option<Vec<usize>>> = rules
            .fields
            .iter()
            .map(|field| field.columns.iter().find_map(|columns| columns.iter().map(place).collect()))
            .collect();
        for row in population.rows(system) {
            let joined = |places: &Vec<usize>| {
                places.iter().map(|at| row.values[*at].as_str()).collect::<Vec<_>>().join(" ")
            };
            let values = places.iter().map(|places| places.as_ref().map(joined).unwrap_or_default());
            let values = values.collect();
            records.push(Record { system: system.name.to_owned(), id: row.id, values });
        }
    }
    records
}

/// Puts records into an order in which no system and no person stands together: by a keyed hash of their names.
fn scatter(records: &mut [Record]) {
    let place = |record: &Record| {
        let mut out = xops_kernel::canon::Canon::new("bench scatter");
        out.text(&record.system).text(&record.id);
        out.digest()
    };
    records.sort_by_cached_key(place);
}
