//! Drawing: one entity handed to the compiler, with what the columns know of it.
//!
//! Absent: steps, routes, order: those are `xops_kernel::compile`. Invariant: the plan changes exactly what the sketch says, or
//! there is no plan.

use super::Columns;
use super::class::WHOLE;
use crate::graph::Graph;
use std::collections::BTreeMap;
use xops_kernel::compile::{self, Compile, Refused};
use xops_kernel::desire::{self, Desire, Subject, Undesired};
use xops_kernel::diff::Facet;
use xops_kernel::fact::Observation;
use xops_kernel::id::EntityId;
use xops_kernel::plan::Plan;
use xops_kernel::port::Sighting;
use xops_kernel::record::Millis;
use xops_kernel::value::{Value, Values};

/// Why no plan was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undrawn {
    /// There is no such entity here.
    Nobody,
    /// Nothing can be wanted of it.
    Undesired(Vec<Undesired>),
    /// There is no plan for what is wanted.
    Refused(Vec<Refused>),
}

impl Columns {
    /// The plan of one entity at `now`: that of the compiler, from the sightings that the columns hold.
    pub fn draw(&self, graph: &Graph, entity: EntityId, now: Millis) -> Result<Plan, Undrawn> {
        let row = *self.places.get(&entity).ok_or(Undrawn::Nobody)? as usize;
        let facts = graph.facts(entity, now).ok_or(Undrawn::Nobody)?;
        let linked = self.classes.program.linked.iter();
        let links = linked.map(|system| (system.clone(), graph.link(entity, system, now))).collect();
        let subject = Subject { entity, kind: self.kind.clone(), facts, links };
        let desire = self.desire(row, &subject).map_err(Undrawn::Undesired)?;
        let granted = self.granted(row);
        let seen = self.sightings(graph, row, &desire, &granted, now);
        let compile = Compile {
            declarations: &self.declarations,
            subject: &subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent: None,
        };
        compile::draw_under(&compile, self.classes.declared, &self.key).map_err(Undrawn::Refused)
    }

    /// What is wanted. Where nothing may be taken away, those outcomes tell it of which the class knows that they apply.
    fn desire(&self, row: usize, subject: &Subject) -> Result<Desire, Vec<Undesired>> {
        let class = self.classes.get(self.rows[row].class);
        if !class.refused.is_empty() || !self.losable(&self.rows[row], &class.wants).is_empty() {
            return desire::desire(&self.declarations, subject, None);
        }
        let parts = &self.classes.program.outcomes;
        let names = class.outcomes.iter().map(|at| parts[usize::from(*at)].name.as_str());
        let names: Vec<&str> = names.collect();
        desire::applying(&self.declarations, subject, &names)
    }

    /// What may be taken back: what xops granted, and what stands in an exclusive kind.
    fn granted(&self, row: usize) -> BTreeMap<Facet, Values> {
        let held = &self.rows[row];
        let mut facets = self.losable(held, &[]);
        facets.extend(held.granted.iter().copied());
        facets.into_iter().map(|facet| (self.facet(held.entity, facet), Values::new())).collect()
    }

    fn sightings(
        &self,
        graph: &Graph,
        row: usize,
        desire: &Desire,
        granted: &BTreeMap<Facet, Values>,
        now: Millis,
    ) -> BTreeMap<Facet, Sighting> {
        let entity = self.rows[row].entity;
        let mut outputs: BTreeMap<usize, Values> = BTreeMap::new();
        let mut seen = BTreeMap::new();
        for facet in desire.wants.keys().chain(granted.keys()) {
            let kind = self
                .views
                .iter()
                .position(|viewed| viewed.facet.domain == facet.domain && viewed.facet.name == facet.name);
            let observed = kind.and_then(|view| self.observed(row, view, facet));
            let observed = observed.unwrap_or_else(|| Observation::Unknown(Self::unseen(facet)));
            let shown = match (&observed, kind) {
                (Observation::Present(_), Some(view)) => {
                    outputs.entry(view).or_insert_with(|| self.outputs(graph, entity, view, now)).clone()
                }
                _ => Values::new(),
            };
            seen.insert(facet.clone(), Sighting { seen: observed, outputs: shown, marker: None });
        }
        seen
    }

    fn observed(&self, row: usize, view: usize, facet: &Facet) -> Option<Observation<Value>> {
        let element = match &facet.element {
            None => Some(WHOLE),
            Some(element) => self.numbers.values.known(&Value::from(element.as_str())),
        };
        let number = element.and_then(|element| self.numbers.facets.known(&(self.views[view].kind, element)));
        let cells = &self.rows[row].cells;
        let cell = number.and_then(|facet| cells.binary_search_by_key(&facet, |cell| cell.facet).ok());
        match cell {
            Some(at) => Some(Observation::Present(self.numbers.values.get(cells[at].value).clone())),
            None => self.ground(row, view),
        }
    }

    /// What a plan may take from the record behind a view.
    fn outputs(&self, graph: &Graph, entity: EntityId, view: usize, now: Millis) -> Values {
        let viewed = &self.views[view];
        let Observation::Present(record) = graph.joined(entity, &viewed.facet.system, now) else {
            return Values::new();
        };
        let shown = record.attributes.iter().filter(|(name, _)| viewed.view.shows.contains(*name));
        let mut outputs: Values = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
        outputs.insert("id".to_owned(), record.source.id.as_str().into());
        outputs
    }
}
