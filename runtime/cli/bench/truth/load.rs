//! From raw JSON to the graph, the columns and the first plans, with nothing there before.

use super::raw::{self, Drift, STALE};
use super::{Took, memory_mib, replan, timed};
use crate::arguments::bench::BenchTruth;
use crate::everybody;
use crate::exit::Failure;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc;
use xops_graph::column::{Columns, View};
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_sim::population::policy::{self, Policy};
use xops_sim::population::systems::{KIND, SYSTEMS, System};
use xops_sim::population::{Population, Shape};

/// When everything is read.
pub(super) const READ_AT: Millis = 1_750_000_000_000;
/// When everything is asked.
pub(super) const NOW: Millis = READ_AT + 3_600_000;
/// How much JSON a piece has.
const PIECE: usize = 1 << 20;

/// The key of a benchmark: it protects nothing.
pub(super) const KEY: DigestKey = DigestKey([0x7e; 32]);

/// An estate that was read.
pub(super) struct Estate {
    pub population: Population,
    pub graph: Graph,
    pub columns: Columns,
}

/// What a cold start took.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    pub all: Took,
    /// Parsed by one thread, joined to entities by another.
    pub joined: Took,
    pub filled: Took,
    pub planned: Took,
    pub records: f64,
    pub megabytes: f64,
    pub graph_rss_mib: u64,
    pub columns_rss_mib: u64,
}

/// The raw answer of one system.
struct Raw {
    system: &'static System,
    pieces: Vec<String>,
}

impl Estate {
    /// Makes the raw records, which is not measured, and reads them, which is.
    pub(super) fn load(bench: &BenchTruth) -> Result<(Self, Cold), Failure> {
        let shape = Shape { seed: bench.seed, people: bench.people, skewed: bench.skewed, errors: false };
        let population = Population::new(shape);
        let policy = Policy::new(bench.facets);
        let (mut records, mut bytes) = (0, 0);
        let mut raw = Vec::new();
        for system in &SYSTEMS {
            let (pieces, count) = raw::lines(&population, system, policy, bench.drift, PIECE);
            records += count;
            bytes += pieces.iter().map(String::len).sum::<usize>();
            raw.push(Raw { system, pieces });
        }
        let before = memory_mib("VmRSS");
        let mut graph = Graph::new(Arc::new(policy.declarations()), KEY);
        let mut columns = Columns::new(&graph, "person", &views()).map_err(Failure::plain)?;
        let (joined, joined_took) = timed(|| join(&mut graph, &raw));
        joined?;
        let graph_rss_mib = memory_mib("VmRSS").saturating_sub(before);
        let ((), filled) = timed(|| everybody::fill(&mut columns, &graph, NOW, bench.threads));
        let columns_rss_mib = memory_mib("VmRSS").saturating_sub(before + graph_rss_mib);
        let mut estate = Self { population, graph, columns };
        estate.grant(bench.drift);
        let (planned_by, planned) = timed(|| replan::plan_all(&estate, bench.threads));
        planned_by?;
        let sum = |of: fn(&Took) -> f64| of(&joined_took) + of(&filled) + of(&planned);
        let cold = Cold {
            all: Took { ms: sum(|took| took.ms).round(), cpu_ms: sum(|took| took.cpu_ms).round() },
            joined: joined_took,
            filled,
            planned,
            records: f64::from(u32::try_from(records).unwrap_or(u32::MAX)),
            megabytes: f64::from(u32::try_from(bytes / 1_000_000).unwrap_or(u32::MAX)),
            graph_rss_mib,
            columns_rss_mib,
        };
        Ok((estate, cold))
    }

    /// The entity of a person.
    pub(super) fn entity(&self, person: u32) -> EntityId {
        let id = self.population.first_id(person);
        EntityId::mint("population", SYSTEMS[0].name, KIND, &id, &KEY)
    }

    /// What xops is told that it granted: the groups that are not wanted any more.
    fn grant(&mut self, drift: u32) {
        for person in 0..self.population.shape.people {
            if Drift::of(person, drift) == Drift::Stale {
                let entity = self.entity(person);
                self.columns.grant(entity, [("identity", "directory_groups", Some(STALE))]);
            }
        }
    }
}

/// Where each facet is seen: accounts by their address, groups in their list.
pub(super) fn views() -> Vec<View> {
    let view = |system: &System, facet: String, attribute: &str| View {
        domain: system.domain.to_owned(),
        facet,
        attribute: attribute.to_owned(),
        shows: BTreeSet::new(),
    };
    let both = |system: &System| {
        [view(system, policy::account(system), "email"), view(system, policy::groups(system), "groups")]
    };
    SYSTEMS.iter().filter(|system| !system.is_first()).flat_map(both).collect()
}

/// Parses on a thread of its own and joins what it gives, system by system.
fn join(graph: &mut Graph, raw: &[Raw]) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let (give, take) = mpsc::sync_channel::<Result<(&System, Vec<Record>), Failure>>(2);
        scope.spawn(move || {
            for answer in raw {
                let mut records = Vec::new();
                for piece in &answer.pieces {
                    match raw::parse(piece, answer.system.name, READ_AT) {
                        Ok(more) => records.extend(more),
                        Err(why) => return drop(give.send(Err(why))),
                    }
                }
                if give.send(Ok((answer.system, records))).is_err() {
                    return;
                }
            }
        });
        for read in take {
            let (system, records) = read?;
            graph.apply(Reading::complete(system.name, "accounts", KIND, READ_AT, records));
        }
        Ok(())
    })
}
