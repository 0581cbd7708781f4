//! The reverse index: whom an input touches, from every sort of input.
//!
//! Absent: records held twice: the graph's own key index leads from a record to those that it could be joined to. Invariant: an
//! answer may name too many, never too few.

use super::Columns;
use super::program::Input;
use crate::graph::Graph;
use std::collections::BTreeSet;
use xops_kernel::id::EntityId;
use xops_kernel::record::Source;

/// Something that a plan hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One record of a system.
    Record(Source),
    /// Everything of one system.
    System(String),
    /// An attribute of the kind.
    Attribute(String),
    /// An outcome.
    Outcome(String),
    /// A layer: what it sets holds for those whose attribute names it.
    Layer {
        /// The attribute that chooses it.
        attribute: String,
        /// Its name.
        name: String,
    },
}

impl Columns {
    /// The entities whose sketch could change when `cause` does, in order.
    pub fn touched_by(&self, graph: &Graph, cause: &Cause) -> BTreeSet<EntityId> {
        match cause {
            Cause::Record(source)
                if self
                    .witnesses
                    .iter()
                    .any(|it| it.evidence.system == source.system && it.evidence.kind == source.kind) =>
            {
                self.all(|_| true)
            }
            Cause::Record(source) => {
                let held = graph.touched_by(source);
                held.into_iter().filter(|entity| self.places.contains_key(entity)).collect()
            }
            Cause::System(system)
                if self.asking.knows(system) || self.witnesses.iter().any(|it| it.hangs_on(system)) =>
            {
                self.all(|_| true)
            }
            Cause::System(_) => BTreeSet::new(),
            Cause::Attribute(name) => {
                let looked_at = |input: &Input| matches!(input, Input::Fact(held) if held == name);
                if self.classes.program.inputs.iter().any(looked_at) {
                    self.all(|_| true)
                } else {
                    BTreeSet::new()
                }
            }
            Cause::Outcome(name) => {
                let parts = &self.classes.program.outcomes;
                let Some(part) = parts.iter().position(|part| part.name == *name) else {
                    return BTreeSet::new();
                };
                let applies: Vec<bool> = (0..self.classes.len())
                    .map(|at| {
                        let class = self.classes.get(u32::try_from(at).unwrap_or(u32::MAX));
                        !class.refused.is_empty()
                            || class.outcomes.iter().any(|held| usize::from(*held) == part)
                    })
                    .collect();
                self.all(|row| applies[self.rows[row].class as usize])
            }
            Cause::Layer { attribute, name } => self.in_layer(attribute, name),
        }
    }

    fn in_layer(&self, attribute: &str, name: &str) -> BTreeSet<EntityId> {
        let is = |input: &Input| matches!(input, Input::Fact(held) if held == attribute);
        let Some(at) = self.classes.program.inputs.iter().position(is) else { return BTreeSet::new() };
        let width = self.width();
        self.all(|row| match self.codes[row * width + at] {
            super::class::UNKNOWN => true,
            super::class::ABSENT => false,
            code => self.numbers.values.get(code - super::class::FIRST).to_string() == name,
        })
    }

    fn all(&self, holds: impl Fn(usize) -> bool) -> BTreeSet<EntityId> {
        let rows = (0..self.rows.len()).filter(|row| holds(*row));
        rows.map(|row| self.rows[row].entity).collect()
    }
}
