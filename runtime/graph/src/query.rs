//! Questions to the truth about all entities of a kind: who fits a condition, and of whom that is not known.
//!
//! Absent: a reader's rights beyond what records say of themselves: a fact is shown to a principal only if that very principal
//! read the record that it came from. Invariant: what is hidden is unknown to the condition too, so nothing hidden can be
//! inferred from who is listed.

use crate::graph::Graph;
use std::collections::BTreeSet;
use xops_kernel::expr::{self, Expr, Known, Path};
use xops_kernel::fact::{Doubt, Fact, Observation, Reason};
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::{Value, Values};

/// A question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The kind of entity.
    pub kind: &'a str,
    /// The condition.
    pub condition: &'a Expr,
    /// The attributes that the answer shows.
    pub shows: &'a [String],
    /// Whose rights it is asked with; all that was read where it is not named.
    pub principal: Option<&'a str>,
    /// When it is asked.
    pub now: Millis,
}

/// What is known of one entity that fits, attribute by attribute as the question shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The entity.
    pub entity: EntityId,
    /// The attributes.
    pub facts: Vec<Observation<Fact>>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Who fits, in the order of source ids.
    pub rows: Vec<Row>,
    /// Of whom it is not known, with what it hangs on.
    pub unknown: Vec<(EntityId, BTreeSet<String>)>,
    /// How many were asked about.
    pub asked: u64,
    /// Why there may be others, whom no reading shows.
    pub others: Option<Doubt>,
}

/// Answers `question` from `graph`.
pub fn answer(graph: &Graph, question: &Question<'_>) -> Answer {
    let mint = graph.declarations.entities.get(question.kind).map(|kind| &kind.mint);
    let others = mint.and_then(|(system, kind)| graph.coverage(system, kind, question.now).err());
    let mut answer = Answer { others, ..Answer::default() };
    for entity in graph.entities(question.kind) {
        answer.asked += 1;
        let scope = |path: &Path| lookup(graph, question, entity, path);
        match expr::holds(question.condition, &scope) {
            Ok(true) => {
                let facts = question.shows.iter().map(|name| fact(graph, question, entity, name)).collect();
                answer.rows.push(Row { entity, facts });
            }
            Ok(false) => {}
            Err(what) => answer.unknown.push((entity, what)),
        }
    }
    answer
}

fn lookup(graph: &Graph, question: &Question<'_>, entity: EntityId, path: &Path) -> Known {
    let unknown = || Known::Unknown([path.to_string()].into());
    let Some(first) = path.first() else { return unknown() };
    if path.root == question.kind {
        return match fact(graph, question, entity, first) {
            Observation::Present(fact) => Known::Value(path.follow(1, &fact.value)),
            Observation::Absent(_) => Known::Value(Value::Null),
            Observation::Unknown(_) => unknown(),
        };
    }
    match graph.link(entity, first, question.now) {
        Observation::Present(record) if may_see(question, &record) => {
            let mut attributes: Values = record.attributes;
            attributes.insert("id".to_owned(), record.source.id.into());
            Known::Value(path.follow(1, &Value::Map(attributes)))
        }
        Observation::Absent(_) => Known::Value(Value::Null),
        Observation::Present(_) | Observation::Unknown(_) => unknown(),
    }
}

/// One attribute, as the asking principal may see it.
fn fact(graph: &Graph, question: &Question<'_>, entity: EntityId, name: &str) -> Observation<Fact> {
    let doubt =
        |reason, detail: &str| Observation::Unknown(Doubt { reason, detail: detail.to_owned(), since: 0 });
    let Some(seen) = graph.fact(entity, name, question.now) else {
        return doubt(Reason::Unexpected, "there is no such attribute");
    };
    let Observation::Present(fact) = &seen else { return seen };
    let source = &fact.source;
    let hidden = question.principal.is_some()
        && !matches!(graph.record(&source.system, &source.kind, &source.id, question.now),
            Observation::Present(record) if may_see(question, &record));
    if hidden { doubt(Reason::Unexpected, "hidden: another principal read it") } else { seen }
}

fn may_see(question: &Question<'_>, record: &Record) -> bool {
    question.principal.is_none_or(|principal| record.principal == principal)
}
