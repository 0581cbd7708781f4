//! Compilation: from what is wanted and what was seen to one plan, or to the reasons why there is none.
//!
//! Invariants: a pure function of its arguments, which come in ordered maps, so the same inputs give the same bytes; exactly
//! one route or node matches a change, or there is no plan; a step without a compensation, or whose undoing is impossible, is
//! refused; so is whatever hangs on something unknown.

use crate::awf::{Achieves, AwfName, Contract, Undo};
use crate::canon::DigestKey;
use crate::declare::{Declarations, Node, OnReject, Runbook, Variant};
use crate::desire::{Asked, Desire, Subject};
use crate::diff::{self, Change, Facet};
use crate::expr::{self, Expr, Known, Path};
use crate::fact::{Doubt, Observation, Proof, Reason};
use crate::id::{PlanId, StepId};
use crate::order;
use crate::plan::{Binding, Footprint, Plan, Step};
use crate::port::Sighting;
use crate::value::{Value, Values};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a plan is compiled from.
#[derive(Clone, Copy, Debug)]
pub struct Compile<'a> {
    /// What was declared.
    pub declarations: &'a Declarations,
    /// The entity, with what is known of it.
    pub subject: &'a Subject,
    /// What is wanted of it.
    pub desire: &'a Desire,
    /// What the lookups saw.
    pub seen: &'a BTreeMap<Facet, Sighting>,
    /// What xops granted before, with the attributes of the objects: the only facets that additive kinds may lose.
    pub granted: &'a BTreeMap<Facet, Values>,
    /// The plan that this one supersedes.
    pub parent: Option<PlanId>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// Something that matters is unknown.
    #[error("`{what}` is unknown: {why}")]
    Unknown {
        /// The facet or the reference.
        what: String,
        /// The doubt.
        why: String,
    },
    /// No route achieves the change.
    #[error("no route says how to {change} `{facet}`")]
    NoRoute {
        /// The change.
        change: String,
        /// The facet.
        facet: String,
    },
    /// The AWF of a route or node is in no manifest.
    #[error("`{awf}` is in no manifest")]
    NoContract {
        /// The AWF.
        awf: String,
    },
    /// The AWF achieves something else.
    #[error("`{awf}` does not {change} anything")]
    WrongChange {
        /// The AWF.
        awf: String,
        /// The change.
        change: String,
    },
    /// An input has no value.
    #[error("input `{input}` of `{awf}` has no value: {why}")]
    NoInput {
        /// The AWF.
        awf: String,
        /// The input.
        input: String,
        /// The reason.
        why: String,
    },
    /// An input has a value of another type.
    #[error("input `{input}` of `{awf}` takes {expected}, not `{value}`")]
    WrongInput {
        /// The AWF.
        awf: String,
        /// The input.
        input: String,
        /// The declared type.
        expected: String,
        /// The value.
        value: String,
    },
    /// Its compensation is in no manifest.
    #[error("`{awf}` is undone by `{compensation}`, which is in no manifest")]
    NoCompensation {
        /// The AWF.
        awf: String,
        /// The compensation.
        compensation: String,
    },
    /// It cannot be undone, and no approval covers it.
    #[error("`{awf}` is irreversible, and irreversible steps need an approval")]
    Irreversible {
        /// The AWF.
        awf: String,
    },
    /// The steps wait for each other.
    #[error("the steps wait for each other: {round}")]
    Cycle {
        /// The round, in words.
        round: String,
    },
    /// The runbook has no variant of the name that the layers fix.
    #[error("runbook `{runbook}` has no variant `{variant}`; the layers must fix one of: {among}")]
    NoVariant {
        /// The runbook.
        runbook: String,
        /// What the layers say.
        variant: String,
        /// Those that there are.
        among: String,
    },
    /// More steps than a plan may have.
    #[error("the plan would have {steps} steps; at most {most} are allowed")]
    TooLong {
        /// How many it would have.
        steps: usize,
        /// How many it may have.
        most: usize,
    },
}

/// How many steps a plan may have: a step's place is 16 bits in every journaled event.
pub const STEPS_MAX: usize = 4096;

/// A lookup that must be made before the plan can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The facet that it shows.
    pub facet: Facet,
    /// The AWF whose snapshot it is.
    pub awf: AwfName,
    /// Its inputs.
    pub inputs: Values,
}

/// The lookups that are still to be made, and what follows without one: a facet that hangs on another one that is proven
/// absent is itself absent, and one that hangs on something unknown is unknown.
pub fn observe(compile: &Compile<'_>) -> (Vec<Lookup>, BTreeMap<Facet, Sighting>) {
    let mut lookups = Vec::new();
    let mut implied = BTreeMap::new();
    let wanted = compile.desire.wants.iter().map(|(facet, want)| (facet, &want.object, &want.value, Achieves::Create));
    let unwanted = compile.granted.iter().filter(|(facet, _)| !compile.desire.wants.contains_key(*facet));
    let unwanted = unwanted.map(|(facet, object)| (facet, object, &Value::Null, Achieves::Remove));
    for (facet, object, value, kind) in wanted.chain(unwanted).filter(|(facet, ..)| !compile.seen.contains_key(*facet)) {
        let binder = Binder { compile, facet: Some((facet, object, value)), asked: RefCell::default() };
        match binder.lookup(facet, kind) {
            Ok(Some(lookup)) => lookups.push(lookup),
            Ok(None) => {}
            Err(seen) => {
                implied.insert(facet.clone(), Sighting { seen, outputs: Values::new(), marker: None });
            }
        }
    }
    (lookups, implied)
}

/// Draws the plan. `Ok` with no steps means that nothing has to change.
pub fn draw(compile: &Compile<'_>, key: &DigestKey) -> Result<Plan, Vec<Refused>> {
    let mut refused = Vec::new();
    let removable = compile.granted.keys().cloned().collect();
    let difference = diff::between(&compile.desire.wants, compile.seen, &removable);
    refused.extend(difference.blocked.iter().map(|blocked| Refused::Unknown {
        what: blocked.facet.to_string(),
        why: blocked.doubt.to_string(),
    }));
    let books = books(compile, &mut refused);
    let mut drafts = Vec::new();
    for change in difference.changes {
        match draft_change(compile, &books, change) {
            Ok(draft) => drafts.push(draft),
            Err(why) => refused.extend(why),
        }
    }
    draft_messages(compile, &books, !drafts.is_empty(), &mut drafts, &mut refused);
    if drafts.len() > STEPS_MAX {
        refused.push(Refused::TooLong { steps: drafts.len(), most: STEPS_MAX });
    }
    if !refused.is_empty() {
        refused.sort();
        refused.dedup();
        return Err(refused);
    }
    let edges = edges(compile, &books, &drafts);
    let keys: Vec<_> = drafts.iter().map(Draft::key).collect();
    let order = order::canonical(&keys, &edges).map_err(|round| {
        let names: Vec<_> = round.iter().chain(round.first()).map(|at| drafts[*at].node.as_str()).collect();
        vec![Refused::Cycle { round: names.join(" -> ") }]
    })?;
    let footprint = footprint(compile, &drafts);
    let lineage = lineage(compile.subject, footprint.facts.keys());
    let plan = Plan {
        id: PlanId::default(),
        tenant: compile.declarations.tenant.clone(),
        entity: compile.subject.entity,
        kind: compile.subject.kind.clone(),
        outcomes: compile.desire.outcomes.clone(),
        name: books.first().map_or_else(|| "reconcile".to_owned(), |book| book.runbook.plan.clone()),
        runbook: books.first().map(|book| (book.runbook.name.clone(), book.variant.name.clone())),
        steps: place(drafts, &order, &edges),
        satisfied: difference.satisfied,
        footprint,
        lineage,
        width: width(compile.desire),
        parent: compile.parent,
        declarations: compile.declarations.digest(),
    };
    Ok(plan.sealed(key))
}

/// A runbook with the variant that the layers fix.
struct Book<'a> {
    runbook: &'a Runbook,
    variant: &'a Variant,
}

fn books<'a>(compile: &Compile<'a>, refused: &mut Vec<Refused>) -> Vec<Book<'a>> {
    let names: BTreeSet<&String> = compile
        .desire
        .outcomes
        .iter()
        .filter_map(|name| compile.declarations.outcomes.get(name))
        .filter_map(|outcome| outcome.runbook.as_ref())
        .collect();
    let mut books = Vec::new();
    for runbook in names.into_iter().filter_map(|name| compile.declarations.runbooks.get(name)) {
        let fixed = match compile.desire.settings.get(&format!("variant.{}", runbook.name)) {
            Some(Ok(resolved)) => resolved.value.to_string(),
            Some(Err(attribute)) => {
                let why = "a layer that could fix the variant hangs on it".to_owned();
                refused.push(Refused::Unknown { what: attribute.clone(), why });
                continue;
            }
            // One variant needs no layer to choose it.
            None if runbook.variants.len() == 1 => runbook.variants.keys().next().cloned().unwrap_or_default(),
            None => String::new(),
        };
        match runbook.variants.get(&fixed) {
            Some(variant) => books.push(Book { runbook, variant }),
            None => refused.push(Refused::NoVariant {
                runbook: runbook.name.clone(),
                variant: fixed,
                among: runbook.variants.keys().cloned().collect::<Vec<_>>().join(", "),
            }),
        }
    }
    books
}

/// A step before its place is known.
struct Draft {
    node: String,
    /// Runbook and node, by position.
    at: Option<(usize, usize)>,
    awf: AwfName,
    change: Option<Change>,
    object: Values,
    inputs: BTreeMap<String, Bound>,
    personal: BTreeSet<String>,
    undo: Undo,
    on_reject: OnReject,
    hangs_on: BTreeSet<String>,
    manifest: crate::id::Digest,
}

impl Draft {
    /// Irreversible steps as late as the edges allow, then the runbook's order of writing, then the facet.
    fn key(&self) -> (bool, (usize, usize), Option<Facet>, String) {
        let irreversible = matches!(self.undo, Undo::Irreversible { .. });
        let facet = self.change.as_ref().map(|change| change.facet().clone());
        (irreversible, self.at.unwrap_or((usize::MAX, 0)), facet, self.node.clone())
    }
}

/// A bound input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bound {
    Literal(Value),
    /// An output of the step that creates this facet.
    OfFacet { domain: String, facet: String, output: String },
    /// An output of the step of this node.
    OfNode { node: String, output: String },
}

fn draft_change(compile: &Compile<'_>, books: &[Book<'_>], change: Change) -> Result<Draft, Vec<Refused>> {
    let facet = change.facet().clone();
    let word = change.kind().word();
    let key = (word.to_owned(), facet.domain.clone(), facet.name.clone());
    let Some(route) = compile.declarations.routes.get(&key) else {
        return Err(vec![Refused::NoRoute { change: word.to_owned(), facet: facet.to_string() }]);
    };
    let contract = contract(compile, &route.awf)?;
    if contract.achieves != Some(change.kind()) {
        return Err(vec![Refused::WrongChange { awf: route.awf.to_string(), change: word.to_owned() }]);
    }
    let at = find_node(books, &route.awf);
    let node = at.map(|(book, node)| (&books[book], &books[book].variant.nodes[node]));
    let mut with = route.with.clone();
    with.extend(node.iter().flat_map(|(_, node)| node.with.clone()));
    let want = compile.desire.wants.get(&facet);
    let empty = Values::new();
    let object = want.map(|want| &want.object).or_else(|| compile.granted.get(&facet)).unwrap_or(&empty);
    let value = change.to().cloned().unwrap_or_default();
    let binder = Binder { compile, facet: Some((&facet, object, &value)), asked: RefCell::default() };
    let inputs = binder.inputs(contract, &with)?;
    let undo = undo(compile, contract)?;
    let mut hangs_on = binder.asked.take();
    hangs_on.extend(want.iter().flat_map(|want| want.hangs_on.iter().cloned()));
    Ok(Draft {
        node: node.map_or_else(|| route.awf.function.clone(), |(_, node)| node.name.clone()),
        at,
        awf: route.awf.clone(),
        change: Some(change),
        object: object.clone(),
        inputs,
        personal: personal(contract),
        undo,
        on_reject: on_reject(compile, node),
        hangs_on,
        manifest: contract.manifest,
    })
}

/// The nodes that achieve no change: messages, waits, revocations. Once an instance, and only beside a change: a plan that
/// has nothing to achieve sends no message either.
fn draft_messages(
    compile: &Compile<'_>,
    books: &[Book<'_>],
    changes: bool,
    drafts: &mut Vec<Draft>,
    refused: &mut Vec<Refused>,
) {
    for (book_at, book) in books.iter().enumerate().filter(|_| changes) {
        for (node_at, node) in book.variant.nodes.iter().enumerate() {
            let drafted = contract(compile, &node.awf).and_then(|contract| {
                if contract.achieves.is_some() {
                    return Ok(None);
                }
                let binder = Binder { compile, facet: None, asked: RefCell::default() };
                let inputs = binder.inputs(contract, &node.with)?;
                let mut hangs_on = binder.asked.take();
                hangs_on.extend(compile.desire.chosen_by.iter().cloned());
                Ok(Some(Draft {
                    node: node.name.clone(),
                    at: Some((book_at, node_at)),
                    awf: node.awf.clone(),
                    change: None,
                    object: Values::new(),
                    inputs,
                    personal: personal(contract),
                    undo: undo(compile, contract)?,
                    on_reject: on_reject(compile, Some((book, node))),
                    hangs_on,
                    manifest: contract.manifest,
                }))
            });
            match drafted {
                Ok(draft) => drafts.extend(draft),
                Err(why) => refused.extend(why),
            }
        }
    }
}

fn contract<'a>(compile: &Compile<'a>, awf: &AwfName) -> Result<&'a Contract, Vec<Refused>> {
    let found = compile.declarations.contracts.get(awf);
    found.ok_or_else(|| vec![Refused::NoContract { awf: awf.to_string() }])
}

fn find_node(books: &[Book<'_>], awf: &AwfName) -> Option<(usize, usize)> {
    books.iter().enumerate().find_map(|(book_at, book)| {
        book.variant.nodes.iter().position(|node| node.awf == *awf).map(|node_at| (book_at, node_at))
    })
}

fn personal(contract: &Contract) -> BTreeSet<String> {
    contract.inputs.iter().filter(|(_, input)| input.personal).map(|(name, _)| name.clone()).collect()
}

fn undo(compile: &Compile<'_>, contract: &Contract) -> Result<Undo, Vec<Refused>> {
    match &contract.undo {
        Undo::Irreversible { .. } => Err(vec![Refused::Irreversible { awf: contract.name.to_string() }]),
        Undo::By { awf, .. } if !compile.declarations.contracts.contains_key(awf) => {
            Err(vec![Refused::NoCompensation { awf: contract.name.to_string(), compensation: awf.to_string() }])
        }
        undo => Ok(undo.clone()),
    }
}

fn on_reject(compile: &Compile<'_>, node: Option<(&Book<'_>, &Node)>) -> OnReject {
    let declared = node.and_then(|(book, node)| node.on_reject.or(book.runbook.on_reject));
    let layered = || match compile.desire.settings.get("on_reject") {
        Some(Ok(resolved)) => resolved.value.as_text().and_then(OnReject::from_word),
        _ => None,
    };
    declared.or_else(layered).unwrap_or(OnReject::Backstep)
}

fn width(desire: &Desire) -> u16 {
    match desire.settings.get("parallel") {
        Some(Ok(resolved)) => resolved.value.as_int().and_then(|n| u16::try_from(n).ok()).unwrap_or(1).max(1),
        _ => 1,
    }
}

/// The edges: the runbook's (through nodes that have no step), the declared `after` of facets, and output references.
fn edges(compile: &Compile<'_>, books: &[Book<'_>], drafts: &[Draft]) -> BTreeSet<(usize, usize)> {
    let mut edges = BTreeSet::new();
    let of_node = |book: usize, node: usize| {
        drafts.iter().enumerate().filter(move |(_, draft)| draft.at == Some((book, node))).map(|(at, _)| at)
    };
    for (book_at, book) in books.iter().enumerate() {
        for node_at in 0..book.variant.nodes.len() {
            for before in standing_before(book, node_at, |node| of_node(book_at, node).next().is_some()) {
                for behind in of_node(book_at, node_at) {
                    edges.extend(of_node(book_at, before).map(|before| (before, behind)));
                }
            }
        }
    }
    for (behind, draft) in drafts.iter().enumerate() {
        let kind = draft.change.as_ref().map(|change| (change.facet().domain.clone(), change.facet().name.clone()));
        let declared = kind.and_then(|kind| compile.declarations.facets.get(&kind)).map(|kind| &kind.after);
        for (domain, name) in declared.into_iter().flatten() {
            edges.extend(achieving(drafts, domain, name).map(|before| (before, behind)));
        }
        for bound in draft.inputs.values() {
            edges.extend(provider(drafts, bound).map(|before| (before, behind)));
        }
    }
    edges
}

fn achieving<'a>(drafts: &'a [Draft], domain: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    drafts.iter().enumerate().filter_map(move |(at, draft)| {
        let facet = draft.change.as_ref()?.facet();
        (facet.domain == domain && facet.name == name).then_some(at)
    })
}

fn provider(drafts: &[Draft], bound: &Bound) -> Option<usize> {
    match bound {
        Bound::Literal(_) => None,
        Bound::OfFacet { domain, facet, .. } => achieving(drafts, domain, facet).next(),
        Bound::OfNode { node, .. } => drafts.iter().position(|draft| draft.node == *node),
    }
}

/// The nodes that stand before `node` and have a step, looking through those that have none.
fn standing_before(book: &Book<'_>, node: usize, has_step: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    let position = |name: &String| book.variant.nodes.iter().position(|node| node.name == *name);
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = book.variant.nodes[node].after.iter().filter_map(position).collect();
    while let Some(before) = open.pop() {
        if !seen.insert(before) {
            continue;
        }
        if has_step(before) {
            found.insert(before);
        } else {
            open.extend(book.variant.nodes[before].after.iter().filter_map(position));
        }
    }
    found
}

fn place(drafts: Vec<Draft>, order: &[usize], edges: &BTreeSet<(usize, usize)>) -> Vec<Step> {
    let mut place_of = vec![StepId::default(); drafts.len()];
    for (place, at) in order.iter().enumerate() {
        place_of[*at] = StepId(u16::try_from(place).unwrap_or(u16::MAX));
    }
    let providers: Vec<BTreeMap<String, Binding>> = drafts
        .iter()
        .map(|draft| {
            let binding = |bound: &Bound| match bound {
                Bound::Literal(value) => Binding::Literal(value.clone()),
                Bound::OfFacet { output, .. } | Bound::OfNode { output, .. } => Binding::Output {
                    step: provider(&drafts, bound).map_or(StepId(u16::MAX), |at| place_of[at]),
                    name: output.clone(),
                },
            };
            draft.inputs.iter().map(|(name, bound)| (name.clone(), binding(bound))).collect()
        })
        .collect();
    let mut steps: Vec<Step> = drafts
        .into_iter()
        .zip(providers)
        .enumerate()
        .map(|(at, (draft, inputs))| Step {
            id: place_of[at],
            node: draft.node,
            awf: draft.awf,
            change: draft.change,
            object: draft.object,
            inputs,
            personal: draft.personal,
            after: edges.iter().filter(|(_, behind)| *behind == at).map(|(before, _)| place_of[*before]).collect(),
            undo: draft.undo,
            on_reject: draft.on_reject,
            hangs_on: draft.hangs_on,
            manifest: draft.manifest,
        })
        .collect();
    steps.sort_by_key(|step| step.id);
    steps
}

fn footprint(compile: &Compile<'_>, drafts: &[Draft]) -> Footprint {
    let wants = compile.desire.wants.values().flat_map(|want| want.hangs_on.iter());
    let names: BTreeSet<&String> =
        wants.chain(drafts.iter().flat_map(|draft| draft.hangs_on.iter())).chain(&compile.desire.chosen_by).collect();
    let value = |name: &String| (name.clone(), value_of(compile.subject, compile.desire, name).unwrap_or_default());
    let observed = compile.seen.iter().filter_map(|(facet, sighting)| match &sighting.seen {
        Observation::Present(value) => Some((facet.clone(), Some(value.clone()))),
        Observation::Absent(_) => Some((facet.clone(), None)),
        Observation::Unknown(_) => None,
    });
    Footprint { facts: names.into_iter().map(value).collect(), observed: observed.collect() }
}

/// The value of a reference of a footprint (`person.email`, `link.slack`, `setting.device_group`) now: `Null` where it is
/// proven absent, `None` where it is unknown.
pub fn value_of(subject: &Subject, desire: &Desire, reference: &str) -> Option<Value> {
    let (root, name) = reference.split_once('.')?;
    match root {
        "setting" => match desire.settings.get(name) {
            Some(Ok(resolved)) => Some(resolved.value.clone()),
            Some(Err(_)) => None,
            None => Some(Value::Null),
        },
        "link" => match subject.links.get(name) {
            Some(Observation::Present(record)) => Some(record.source.id.as_str().into()),
            Some(Observation::Absent(_)) => Some(Value::Null),
            Some(Observation::Unknown(_)) | None => None,
        },
        _ => match subject.facts.get(name) {
            Some(Observation::Present(fact)) => Some(fact.value.clone()),
            Some(Observation::Absent(_)) => Some(Value::Null),
            Some(Observation::Unknown(_)) | None => None,
        },
    }
}

fn lineage<'a>(
    subject: &Subject,
    references: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, crate::record::Source> {
    let source = |reference: &'a String| {
        let (root, name) = reference.split_once('.')?;
        let source = match root {
            "link" => subject.links.get(name)?.presence()?.value().source.clone(),
            "setting" => return None,
            _ => subject.facts.get(name)?.presence()?.value().source.clone(),
        };
        Some((reference.clone(), source))
    };
    references.filter_map(source).collect()
}

/// Binds the inputs of one step.
struct Binder<'a> {
    compile: &'a Compile<'a>,
    facet: Option<(&'a Facet, &'a Values, &'a Value)>,
    asked: RefCell<BTreeSet<String>>,
}

/// What a reference to another step's output comes to.
enum Provided {
    Value(Value),
    Pending(Bound),
    Unknown(Doubt),
    Nothing(String),
}

impl Binder<'_> {
    fn lookup(&self, facet: &Facet, kind: Achieves) -> Result<Option<Lookup>, Observation<Value>> {
        let unexpected = |detail: String| {
            Observation::Unknown(Doubt { reason: Reason::Unexpected, detail, since: 0 })
        };
        let key = (kind.word().to_owned(), facet.domain.clone(), facet.name.clone());
        let declarations = self.compile.declarations;
        let route = declarations.routes.get(&key).ok_or_else(|| {
            unexpected(format!("no route says how to {} it, so nothing can look at it", kind.word()))
        })?;
        let contract = declarations.contracts.get(&route.awf);
        let contract = contract.filter(|contract| contract.snapshot).ok_or_else(|| {
            unexpected(format!("`{}` has no snapshot, so nothing can look at it", route.awf))
        })?;
        // What hangs on a facet that is not there is not there either; what hangs on one not yet seen waits for it.
        for reference in route.with.values().flat_map(expr::references).filter(|path| path.root == "state") {
            match self.state(reference) {
                Provided::Value(_) => {}
                Provided::Pending(_) => return Err(Observation::Absent(Proof::Implied { by: facet_of(reference) })),
                Provided::Unknown(doubt) => return Err(Observation::Unknown(doubt)),
                Provided::Nothing(_) => return Ok(None),
            }
        }
        let bound = self.inputs(contract, &route.with).map_err(|why| {
            let detail = why.first().map_or_else(String::new, ToString::to_string);
            Observation::Unknown(Doubt { reason: Reason::Incomplete, detail, since: 0 })
        })?;
        let inputs = bound.into_iter().filter_map(|(name, bound)| match bound {
            Bound::Literal(value) => Some((name, value)),
            Bound::OfFacet { .. } | Bound::OfNode { .. } => None,
        });
        Ok(Some(Lookup { facet: facet.clone(), awf: route.awf.clone(), inputs: inputs.collect() }))
    }

    fn inputs(
        &self,
        contract: &Contract,
        with: &BTreeMap<String, Expr>,
    ) -> Result<BTreeMap<String, Bound>, Vec<Refused>> {
        let mut inputs = BTreeMap::new();
        let mut refused = Vec::new();
        for (name, input) in &contract.inputs {
            let no_input = |why: &str| Refused::NoInput {
                awf: contract.name.to_string(),
                input: name.clone(),
                why: why.to_owned(),
            };
            let Some(expr) = with.get(name) else {
                if input.required {
                    refused.push(no_input("neither the route nor the node binds it"));
                }
                continue;
            };
            match self.bind(expr) {
                Ok(Bound::Literal(Value::Null)) if input.required => {
                    let what: Vec<_> = expr::references(expr).iter().map(ToString::to_string).collect();
                    refused.push(no_input(&format!("`{}` is absent", what.join("`, `"))));
                }
                Ok(Bound::Literal(Value::Null)) => {}
                Ok(Bound::Literal(value)) if !value.is(&input.is) => refused.push(Refused::WrongInput {
                    awf: contract.name.to_string(),
                    input: name.clone(),
                    expected: input.is.to_string(),
                    value: if input.personal { value.type_name().to_owned() } else { value.to_string() },
                }),
                Ok(bound) => drop(inputs.insert(name.clone(), bound)),
                Err(why) => refused.push(no_input(&why)),
            }
        }
        if refused.is_empty() { Ok(inputs) } else { Err(refused) }
    }

    fn bind(&self, expr: &Expr) -> Result<Bound, String> {
        if let Expr::Ref(path) = expr {
            let provided = match path.root.as_str() {
                "state" => Some(self.state(path)),
                "node" => Some(self.node(path)),
                _ => None,
            };
            match provided {
                Some(Provided::Value(value)) => return Ok(Bound::Literal(value)),
                Some(Provided::Pending(bound)) => return Ok(bound),
                Some(Provided::Unknown(doubt)) => return Err(doubt.to_string()),
                Some(Provided::Nothing(why)) => return Err(why),
                None => {}
            }
        }
        let scope = |path: &Path| self.known(path);
        match expr::eval(expr, &scope) {
            Known::Value(value) => Ok(Bound::Literal(value)),
            Known::Unknown(what) => {
                let what: Vec<_> = what.into_iter().collect();
                Err(format!("`{}` is unknown or not there yet", what.join("`, `")))
            }
        }
    }

    fn known(&self, path: &Path) -> Known {
        match (path.root.as_str(), self.facet) {
            ("facet", Some((facet, object, value))) => match path.first() {
                Some("value") => Known::Value(path.follow(1, value)),
                Some("key") => Known::Value(facet.element.as_deref().map_or(Value::Null, Value::from)),
                Some(name) => Known::Value(object.get(name).map_or(Value::Null, |inner| path.follow(1, inner))),
                None => Known::Value(Value::Null),
            },
            ("facet", None) => Known::Value(Value::Null),
            ("state" | "node", _) => match if path.root == "state" { self.state(path) } else { self.node(path) } {
                Provided::Value(value) => Known::Value(value),
                _ => Known::Unknown([path.to_string()].into()),
            },
            _ => {
                let scope = Asked {
                    declarations: self.compile.declarations,
                    known: self.compile.subject,
                    settings: &self.compile.desire.settings,
                    asked: RefCell::default(),
                };
                let known = expr::Scope::lookup(&scope, path);
                self.asked.borrow_mut().extend(scope.asked.take());
                known
            }
        }
    }

    /// `state.<domain>.<facet>.<output>`: what the object behind a facet shows, or will show once its step has run.
    fn state(&self, path: &Path) -> Provided {
        let mut words = path.segments.iter().filter_map(|segment| match segment {
            expr::Segment::Attr(name) => Some(name.as_str()),
            _ => None,
        });
        let (Some(domain), Some(name), Some(output)) = (words.next(), words.next(), words.next()) else {
            return Provided::Nothing(format!("`{path}` is not `state.<domain>.<facet>.<output>`"));
        };
        let wanted = self.compile.desire.wants.keys().find(|facet| facet.domain == domain && facet.name == name);
        let Some(facet) = wanted else {
            return Provided::Nothing(format!("no outcome that applies wants `{domain}.{name}`"));
        };
        match self.compile.seen.get(facet) {
            None => Provided::Nothing(format!("nothing has looked at `{facet}` yet")),
            Some(sighting) => match &sighting.seen {
                Observation::Present(_) => sighting.outputs.get(output).map_or_else(
                    || Provided::Nothing(format!("`{facet}` is there but does not show `{output}`")),
                    |value| Provided::Value(path.follow(3, value)),
                ),
                Observation::Absent(_) => Provided::Pending(Bound::OfFacet {
                    domain: domain.to_owned(),
                    facet: name.to_owned(),
                    output: output.to_owned(),
                }),
                Observation::Unknown(doubt) => Provided::Unknown(doubt.clone()),
            },
        }
    }

    /// `node.<name>.<output>`.
    fn node(&self, path: &Path) -> Provided {
        match path.segments.as_slice() {
            [expr::Segment::Attr(node), expr::Segment::Attr(output)] => {
                Provided::Pending(Bound::OfNode { node: node.clone(), output: output.clone() })
            }
            _ => Provided::Nothing(format!("`{path}` is not `node.<name>.<output>`")),
        }
    }
}

fn facet_of(path: &Path) -> String {
    let words: Vec<_> = path
        .segments
        .iter()
        .take(2)
        .filter_map(|segment| match segment {
            expr::Segment::Attr(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    words.join(".")
}
