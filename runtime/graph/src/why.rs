//! Why a fact is what it is: every source under the declared authority, what it says, and which record says it.
//!
//! Absent: another resolution than the graph's own: the winner is what [`Graph::facts`] gives; this only shows the field.

use crate::graph::Graph;
use xops_kernel::declare::Claim;
use xops_kernel::fact::{Fact, Observation};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;

/// What one source says of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// The source.
    pub claim: Claim,
    /// The record that it was asked of, as far as it is known.
    pub record: Observation<Record>,
    /// What that record says; nothing where it has no such attribute.
    pub value: Value,
    /// Whether this is the record that won.
    pub holds: bool,
    /// Whether it says another value than the one that won.
    pub contradicts: bool,
}

/// Why one fact is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What holds.
    pub fact: Observation<Fact>,
    /// The sources, the most authoritative first.
    pub sayings: Vec<Saying>,
    /// What people must resolve before more is known: the exceptions that block this attribute for this entity's records.
    pub exceptions: Vec<String>,
}

/// Why `attribute` of `entity` is what it is at `now`; `None` where there is no such entity or attribute.
pub fn why(graph: &Graph, entity: EntityId, attribute: &str, now: Millis) -> Option<Why> {
    let kind = graph.declarations.entities.get(graph.kind(entity)?)?;
    let declared = kind.attributes.get(attribute)?;
    let fact = graph.fact(entity, attribute, now)?;
    let sayings = of_sources(graph, entity, &declared.from, &fact, now);
    let blocked = format!("{}.{attribute}", kind.name);
    let ours = |source: &xops_kernel::record::Source| {
        sayings
            .iter()
            .any(|saying| saying.record.presence().is_some_and(|it| it.value().source.id == source.id))
    };
    let exceptions = graph.exceptions(now).into_iter().filter(|exception| {
        exception.blocks.contains(&blocked)
            && (exception.lineage.is_empty() || exception.lineage.iter().any(ours))
    });
    let exceptions = exceptions.map(|exception| exception.reason).collect();
    Some(Why { fact, sayings, exceptions })
}

/// What each source says of `attribute` of `entity` at `now`, without what blocks it.
pub(crate) fn sayings(graph: &Graph, entity: EntityId, attribute: &str, now: Millis) -> Option<Vec<Saying>> {
    let declared = graph.declarations.entities.get(graph.kind(entity)?)?.attributes.get(attribute)?;
    let fact = graph.fact(entity, attribute, now)?;
    Some(of_sources(graph, entity, &declared.from, &fact, now))
}

fn of_sources(
    graph: &Graph,
    entity: EntityId,
    from: &[Claim],
    fact: &Observation<Fact>,
    now: Millis,
) -> Vec<Saying> {
    let won = match fact {
        Observation::Present(fact) => Some(fact),
        Observation::Absent(_) | Observation::Unknown(_) => None,
    };
    let saying = |claim: &Claim| {
        let record = graph.link(entity, &claim.system, now);
        let value = match &record {
            Observation::Present(record) => {
                record.attributes.get(&claim.attribute).cloned().unwrap_or_default()
            }
            Observation::Absent(_) | Observation::Unknown(_) => Value::Null,
        };
        let source = record.presence().map(|record| record.value().source.clone());
        let holds = won.is_some_and(|won| Some(&won.source) == source.as_ref() && won.value == value);
        let contradicts = !value.is_null() && won.is_some_and(|won| won.value != value);
        Saying { claim: claim.clone(), record, value, holds, contradicts }
    };
    from.iter().map(saying).collect()
}
