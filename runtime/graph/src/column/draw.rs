//! Drawing: one entity handed to the compiler, with what the columns know of it.
//!
//! Absent: steps, routes, order: those are `xops_kernel::compile`. Invariants: the plan changes exactly what the sketch says, or
//! there is no plan; it is byte by byte the plan that the compiler draws from everything. What holds and stands apart
//! (`xops_kernel::compile::ahead`) is not looked at again, and what is wanted is put together from what the outcomes said when the
//! class was judged: of sixty facets those few cost that differ.

use super::Columns;
use super::class::{Class, WHOLE, Wanted};
use super::program::Input;
use crate::graph::Graph;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::compile::ahead::Holding;
use xops_kernel::compile::{self, Compile, Refused};
use xops_kernel::desire::{self, Desire, Subject, Undesired};
use xops_kernel::diff::{Facet, Want};
use xops_kernel::fact::{Facts, Observation};
use xops_kernel::id::EntityId;
use xops_kernel::layer;
use xops_kernel::plan::Plan;
use xops_kernel::port::Sighting;
use xops_kernel::record::Millis;
use xops_kernel::value::{Value, Values};

/// What is wanted of one entity, as far as its plan has to look at it.
struct Narrowed {
    /// The wishes for `facets`, and what all wishes together hang on.
    desire: Desire,
    /// What is wanted and has to be looked at, by number.
    facets: Vec<u32>,
    /// What may be taken back, by number.
    lost: Vec<u32>,
    /// The rest.
    holding: Holding,
}

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
        let subject = self.subject(graph, entity, now).ok_or(Undrawn::Nobody)?;
        match self.narrowed(row, &subject) {
            Some(narrowed) => self.draw_narrowed(graph, row, &subject, narrowed, now),
            None => self.draw_whole(graph, row, &subject, now),
        }
    }

    /// Everything of an entity that any expression of a plan could name.
    fn subject(&self, graph: &Graph, entity: EntityId, now: Millis) -> Option<Subject> {
        let mut facts = Facts::new();
        graph.kind(entity)?;
        for input in &self.classes.program.inputs {
            if let Input::Fact(name) = input
                && let Some(fact) = graph.fact(entity, name, now)
            {
                facts.insert(name.clone(), fact);
            }
        }
        let linked = self.classes.program.linked.iter();
        let links = linked.map(|system| (system.clone(), graph.link(entity, system, now))).collect();
        Some(Subject { entity, kind: self.kind.clone(), facts, links })
    }

    /// Draws with what changes, what could matter to it, and the rest set aside.
    fn draw_narrowed(
        &self,
        graph: &Graph,
        row: usize,
        subject: &Subject,
        narrowed: Narrowed,
        now: Millis,
    ) -> Result<Plan, Undrawn> {
        let Narrowed { desire, facets, lost, holding } = narrowed;
        let mut seen = BTreeMap::new();
        let mut outputs: BTreeMap<usize, Values> = BTreeMap::new();
        for number in facets.iter().chain(&lost) {
            let held = &self.rows[row];
            let cell = held.cells.binary_search_by_key(number, |cell| cell.facet).ok();
            let facet = self.facet(subject.entity, *number);
            let observed = self.seen(row, *number, cell.map(|at| &held.cells[at]));
            let kind = self.numbers.facets.get(*number).0 as usize;
            let shown = match (&observed, self.view_of[kind]) {
                (Some(Observation::Present(_)), Some(view)) if self.apart[kind].is_none() => {
                    let view = view as usize;
                    let made = || self.outputs(graph, subject.entity, view, now);
                    outputs.entry(view).or_insert_with(made).clone()
                }
                _ => Values::new(),
            };
            let observed = observed.unwrap_or_else(|| Observation::Unknown(Self::unseen(&facet)));
            seen.insert(facet, Sighting { seen: observed, outputs: shown, marker: None });
        }
        let granted = lost.iter().map(|facet| (self.facet(subject.entity, *facet), Values::new())).collect();
        let compile = Compile {
            declarations: &self.declarations,
            subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent: None,
        };
        compile::draw_beside(&compile, holding, self.classes.declared, &self.key).map_err(Undrawn::Refused)
    }

    /// What is wanted of an entity, from what its class was told, split into what the plan has to look at and what holds and stands
    /// apart. Nothing where the class was refused.
    fn narrowed(&self, row: usize, subject: &Subject) -> Option<Narrowed> {
        let held = &self.rows[row];
        let class = self.classes.get(held.class);
        if !class.refused.is_empty() {
            return None;
        }
        let codes = &self.codes[row * self.width()..][..self.width()];
        let told = self.classes.told(class, codes, &self.numbers)?;
        let (facets, aside) = self.split(row, class);
        let declared = &self.declarations;
        let mut desire = Desire {
            settings: layer::resolve(
                &declared.tenant,
                &declared.settings,
                &declared.layers,
                &declared.layering,
                &subject.facts,
            ),
            ..Desire::default()
        };
        let mut holding = self.holding(row, subject, &desire, class, aside);
        for (name, told) in told {
            desire.outcomes.insert(name.to_owned());
            desire.chosen_by.extend(told.desire.chosen_by.iter().cloned());
            holding.facts.extend(told.hangs_on.iter().cloned());
            for ((wanted, _), (facet, want)) in told.wishes.iter().zip(&told.desire.wants) {
                if facets.binary_search(&wanted.facet).is_ok() {
                    let value = self.numbers.values.get(self.wanted(row, *wanted));
                    add(&mut desire, Facet { entity: held.entity, ..facet.clone() }, value, want);
                }
            }
        }
        let lost = self.losable(held, class.wants);
        for number in &lost {
            let kind = &self.kinds[self.numbers.facets.get(*number).0 as usize];
            let kind = (kind.domain.clone(), kind.name.clone());
            let names = self.classes.judged_by(&kind, codes, &self.numbers)?;
            desire.judged_by.insert(kind, names);
        }
        Some(Narrowed { desire, facets, lost, holding })
    }

    /// The wishes of a class by whether the plan of this row has to look at them, or they hold and stand apart.
    fn split(&self, row: usize, class: Class<'_>) -> (Vec<u32>, Vec<Wanted>) {
        let (mut facets, mut aside) = (Vec::new(), Vec::with_capacity(class.wants.len()));
        let mut cells = self.rows[row].cells.iter().peekable();
        for want in class.wants {
            while cells.next_if(|cell| cell.facet < want.facet).is_some() {}
            let cell = cells.peek().filter(|cell| cell.facet == want.facet);
            let holds = cell.is_some_and(|cell| cell.value == self.wanted(row, *want));
            if holds && self.apart[self.numbers.facets.get(want.facet).0 as usize].is_some() {
                aside.push(*want);
            } else {
                facets.push(want.facet);
            }
        }
        (facets, aside)
    }

    /// What was set aside, and what its lookups and those of its like hang on.
    fn holding(
        &self,
        row: usize,
        subject: &Subject,
        desire: &Desire,
        class: Class<'_>,
        mut aside: Vec<Wanted>,
    ) -> Holding {
        let mut of_kind = vec![false; self.kinds.len()];
        for want in class.wants {
            of_kind[self.numbers.facets.get(want.facet).0 as usize] = true;
        }
        let kinds = self.apart.iter().zip(of_kind).filter(|(_, wanted)| *wanted);
        let asked: BTreeSet<&String> = kinds.filter_map(|(apart, _)| apart.as_ref()).flatten().collect();
        let known = asked.into_iter().filter(|name| compile::value_of(subject, desire, name).is_some());
        let place = |want: &Wanted| {
            let (kind, element) = *self.numbers.facets.get(want.facet);
            (self.ranks[kind as usize], (element != WHOLE).then(|| self.numbers.values.get(element)))
        };
        let facts = known.cloned().collect();
        aside.sort_unstable_by(|one, other| place(one).cmp(&place(other)));
        let told = |want: Wanted| {
            let value = self.numbers.values.get(self.wanted(row, want));
            (self.facet(subject.entity, want.facet), value.clone())
        };
        Holding { satisfied: aside.into_iter().map(told).collect(), facts }
    }

    /// Draws from everything that is wanted, as the kernel says it of this entity.
    fn draw_whole(&self, graph: &Graph, row: usize, subject: &Subject, now: Millis) -> Result<Plan, Undrawn> {
        let desire = desire::desire(&self.declarations, subject, None).map_err(Undrawn::Undesired)?;
        let granted = self.granted(row);
        let seen = self.sightings(graph, row, &desire, &granted, now);
        let compile = Compile {
            declarations: &self.declarations,
            subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent: None,
        };
        compile::draw_under(&compile, self.classes.declared, &self.key).map_err(Undrawn::Refused)
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
        if viewed.witnessed {
            return Values::new();
        }
        let Observation::Present(record) = graph.joined(entity, &viewed.facet.system, now) else {
            return Values::new();
        };
        let shown = record.attributes.iter().filter(|(name, _)| viewed.view.shows.contains(*name));
        let mut outputs: Values = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
        outputs.insert("id".to_owned(), record.source.id.as_str().into());
        outputs
    }
}

/// Adds what one more outcome wants, which by the class agrees with the others.
fn add(desire: &mut Desire, facet: Facet, value: &Value, want: &Want) {
    match desire.wants.entry(facet) {
        Entry::Vacant(entry) => {
            entry.insert(Want { value: value.clone(), ..want.clone() });
        }
        Entry::Occupied(mut entry) => {
            entry.get_mut().outcomes.extend(want.outcomes.iter().cloned());
            entry.get_mut().hangs_on.extend(want.hangs_on.iter().cloned());
        }
    }
}
