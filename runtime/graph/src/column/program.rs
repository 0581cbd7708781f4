//! The program: what the declarations look at, made out once, so that entities that look alike to them are judged once.
//!
//! Absent: an evaluation of its own; wishes come from `xops_kernel::desire` alone. Invariants: an input that any selector, any
//! layer or any value could hang on is named; an attribute is a **slot** only where nothing but lines of outcomes take it, each as it
//! is, for a facet of which every line takes the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::declare::{Declarations, Desired, EntityKind, Outcome};
use xops_kernel::expr::{Expr, Op, Path, references};
use xops_kernel::layer::LayerKind;
use xops_kernel::value::Value;

/// Something of an entity that the declarations look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    /// An attribute, by its name.
    Fact(String),
    /// The record that a system has of it, by the system.
    Link(String),
}

/// What the declarations look at for one kind of entity.
#[derive(Clone)]
pub(crate) struct Program {
    /// All of it: what decides, then the slots, then what only the bindings of steps take.
    pub(crate) inputs: Vec<Input>,
    /// Where the slots begin.
    pub(crate) slots_from: usize,
    /// Where what only bindings take begins: it makes no class.
    pub(crate) taken_from: usize,
    /// The outcomes of the kind.
    pub(crate) outcomes: Vec<Part>,
    /// The systems whose records any expression of a plan names.
    pub(crate) linked: BTreeSet<String>,
}

/// One outcome, with all that its wishes hang on.
#[derive(Clone)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// The declarations with this outcome alone, without what wishes do not hang on.
    pub(crate) alone: Arc<Declarations>,
    /// The places of its inputs in the program's, slots included.
    pub(crate) inputs: Vec<usize>,
    /// Where it is for those whose input at this place is exactly this.
    pub(crate) guard: Option<(usize, Value)>,
    /// The kinds of facet (domain, name) that it speaks of.
    pub(crate) kinds: BTreeSet<(String, String)>,
}

impl Program {
    /// What `declarations` look at for entities of `kind`.
    pub(crate) fn of(declarations: &Declarations, kind: &EntityKind) -> Self {
        let outcomes: Vec<&Outcome> =
            declarations.outcomes.values().filter(|outcome| outcome.entity == kind.name).collect();
        let layered = layered(declarations);
        let mut deciding: BTreeSet<Input> = layered.clone();
        let mut slots: BTreeSet<Input> = BTreeSet::new();
        for outcome in &outcomes {
            deciding.extend(looked_at(&outcome.applies, kind, &layered));
            for line in &outcome.facets {
                match slot(declarations, kind, &outcomes, line) {
                    Some(input) => drop(slots.insert(input)),
                    None => deciding.extend(looked_at(&line.value, kind, &layered)),
                }
            }
        }
        let slots: Vec<Input> = slots.difference(&deciding).cloned().collect();
        let mut inputs: Vec<Input> = deciding.into_iter().collect();
        let slots_from = inputs.len();
        inputs.extend(slots);
        let taken_from = inputs.len();
        let taken = bindings(declarations).flat_map(|expr| looked_at(expr, kind, &layered));
        let taken: BTreeSet<Input> = taken.filter(|input| !inputs.contains(input)).collect();
        inputs.extend(taken);
        let part = |outcome: &&Outcome| Part::of(declarations, kind, outcome, &layered, &inputs);
        let parts = outcomes.iter().map(part).collect();
        Self { slots_from, taken_from, outcomes: parts, linked: linked(declarations), inputs }
    }
}

impl Part {
    fn of(
        declarations: &Declarations,
        kind: &EntityKind,
        outcome: &Outcome,
        layered: &BTreeSet<Input>,
        inputs: &[Input],
    ) -> Self {
        let exprs = outcome.facets.iter().map(|line| &line.value).chain([&outcome.applies]);
        let looked: BTreeSet<Input> = exprs.flat_map(|expr| looked_at(expr, kind, layered)).collect();
        let places = looked.iter().filter_map(|input| inputs.iter().position(|held| held == input));
        let alone = Declarations {
            outcomes: BTreeMap::from([(outcome.name.clone(), outcome.clone())]),
            tenant: declarations.tenant.clone(),
            objects: declarations.objects.clone(),
            facets: declarations.facets.clone(),
            settings: declarations.settings.clone(),
            layers: declarations.layers.clone(),
            layering: declarations.layering.clone(),
            ..Declarations::default()
        };
        let guard = guard(&outcome.applies, kind)
            .and_then(|(input, value)| Some((inputs.iter().position(|held| *held == input)?, value)));
        let kinds = outcome.facets.iter().map(|line| (line.domain.clone(), line.facet.clone())).collect();
        Self { name: outcome.name.clone(), alone: Arc::new(alone), inputs: places.collect(), guard, kinds }
    }
}

/// The attribute and the value of a selector of the form `person.title == "Clerk"`.
fn guard(applies: &Expr, kind: &EntityKind) -> Option<(Input, Value)> {
    let Expr::Binary(Op::Eq, left, right) = applies else { return None };
    let (Expr::Ref(path), Expr::Literal(value)) = (left.as_ref(), right.as_ref()) else { return None };
    let attribute = path.first().filter(|_| path.root == kind.name && path.segments.len() == 1)?;
    Some((Input::Fact(attribute.to_owned()), value.clone()))
}

/// The attributes that choose layers which set anything.
fn layered(declarations: &Declarations) -> BTreeSet<Input> {
    let sets = |kind: LayerKind| {
        declarations.layers.values().any(|layer| layer.kind == kind && !layer.values.is_empty())
    };
    let choosing = declarations.layering.iter().filter(|(kind, _)| sets(**kind));
    choosing.map(|(_, attribute)| Input::Fact(attribute.clone())).collect()
}

/// The inputs that `expr` could look at.
fn looked_at(expr: &Expr, kind: &EntityKind, layered: &BTreeSet<Input>) -> BTreeSet<Input> {
    let mut inputs = BTreeSet::new();
    for path in references(expr) {
        match (path.root.as_str(), path.first()) {
            ("setting", _) => inputs.extend(layered.iter().cloned()),
            ("link", Some(system)) => drop(inputs.insert(Input::Link(system.to_owned()))),
            (root, Some(attribute)) if root == kind.name => {
                inputs.insert(Input::Fact(attribute.to_owned()));
            }
            _ => {}
        }
    }
    inputs
}

/// The attribute that `line` takes as it is, if nothing else can be about its facet.
fn slot(
    declarations: &Declarations,
    kind: &EntityKind,
    outcomes: &[&Outcome],
    line: &Desired,
) -> Option<Input> {
    let Expr::Ref(Path { root, segments }) = &line.value else { return None };
    let path = Path { root: root.clone(), segments: segments.clone() };
    let attribute = path.first().filter(|_| *root == kind.name && segments.len() == 1)?;
    let facet = declarations.facets.get(&(line.domain.clone(), line.facet.clone()))?;
    let about = |other: &&Desired| other.domain == line.domain && other.facet == line.facet;
    let mut lines = outcomes.iter().flat_map(|outcome| &outcome.facets).filter(about);
    (!facet.set && lines.all(|other| other.value == line.value)).then(|| Input::Fact(attribute.to_owned()))
}

/// What the inputs of steps are bound to.
fn bindings(declarations: &Declarations) -> impl Iterator<Item = &Expr> {
    let of_routes = declarations.routes.values().flat_map(|route| route.with.values());
    let variants = declarations.runbooks.values().flat_map(|runbook| runbook.variants.values());
    let of_nodes = variants.flat_map(|variant| &variant.nodes).flat_map(|node| node.with.values());
    of_routes.chain(of_nodes)
}

/// The systems whose records outcomes, routes or runbooks name.
fn linked(declarations: &Declarations) -> BTreeSet<String> {
    let of_outcomes = declarations
        .outcomes
        .values()
        .flat_map(|outcome| outcome.facets.iter().map(|line| &line.value).chain([&outcome.applies]));
    let paths = of_outcomes.chain(bindings(declarations)).flat_map(references);
    let links = paths.filter(|path| path.root == "link");
    links.filter_map(|path| path.first().map(str::to_owned)).collect()
}
