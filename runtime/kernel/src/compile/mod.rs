//! Compilation: from what is wanted and what was seen to one plan, or to the reasons why there is none.
//!
//! Invariants: a pure function of its arguments, which come in ordered maps, so the same inputs give the same bytes; exactly
//! one route or node matches a change, or there is no plan; a step without a compensation, or whose undoing is impossible, is
//! refused; so is whatever hangs on something unknown.
//!
//! Only what xops granted, or what is listed of an exclusive kind, and no outcome that applies wants is removed, also where the request
//! named one outcome.
//!
//! `draft.rs` makes the steps, `bind.rs` their inputs, `output.rs` what they take from each other and what can be looked at,
//! `basis.rs` what the lookups hung on; `place.rs` puts the steps in order. `ahead.rs` says what of it need not be made out for
//! each entity anew.

pub mod ahead;
mod basis;
mod bind;
mod draft;
mod output;
mod place;

use crate::awf::{Achieves, AwfName};
use crate::canon::DigestKey;
use crate::declare::Declarations;
use crate::desire::{Desire, Subject};
use crate::diff::{self, Facet};
use crate::fact::Observation;
use crate::id::{Digest, PlanId};
use crate::order;
use crate::plan::{Footprint, Plan};
use crate::port::Sighting;
use crate::value::{Value, Values};
use ahead::Holding;
use basis::Basis;
use bind::Binder;
use draft::Draft;
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
    /// What may be taken back, with the attributes of the objects: what xops granted before, which is all that additive kinds may lose,
    /// and what is listed of exclusive ones.
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
    let books = draft::books(compile, &mut Vec::new());
    for (facet, object, value, kind) in looked_at(compile, &books) {
        if compile.seen.contains_key(facet) {
            continue;
        }
        let at = draft::route(compile, facet, kind).and_then(|route| draft::find_node(&books, &route.awf));
        let binder = Binder {
            compile,
            books: &books,
            book: at.map(|(book, _)| book),
            facet: Some((facet, object, &value)),
            asked: RefCell::default(),
            shown: RefCell::default(),
        };
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

/// One facet to be looked at: its object, its value, and the change whose AWF shows it.
type Looked<'a> = (&'a Facet, &'a Values, Value, Achieves);

/// The facets to look at: what is wanted, what may be taken back, and what those hang on though it stays.
fn looked_at<'a>(compile: &Compile<'a>, books: &[draft::Book<'a>]) -> Vec<Looked<'a>> {
    let desire = compile.desire;
    let mut looked: Vec<Looked<'a>> = Vec::new();
    let wanted = |want: &'a diff::Want| (&want.object, want.value.clone(), Achieves::Create);
    looked.extend(desire.wants.iter().map(|(facet, want)| {
        let (object, value, kind) = wanted(want);
        (facet, object, value, kind)
    }));
    // What no route takes away is not looked at: that is refused whatever is there.
    let lost = lost(compile).filter(|(facet, _)| draft::route(compile, facet, Achieves::Remove).is_some());
    looked.extend(lost.map(|(facet, object)| {
        let value = if facet.element.is_some() { Value::from("member") } else { Value::Null };
        (facet, object, value, Achieves::Remove)
    }));
    let bindings =
        looked.iter().filter_map(|(facet, .., kind)| output::to_look(compile, books, facet, *kind));
    let needed: BTreeSet<(String, String)> = bindings.flat_map(|(_, with)| output::states(&with)).collect();
    let is_needed =
        |facet: &Facet| needed.iter().any(|(domain, name)| facet.domain == *domain && facet.name == *name);
    let others =
        desire.others.iter().filter(|(facet, _)| is_needed(facet) && !desire.wants.contains_key(*facet));
    looked.extend(others.map(|(facet, want)| {
        let (object, value, kind) = wanted(want);
        (facet, object, value, kind)
    }));
    // What may be wanted by an outcome of which that is unknown stays, and can be hung on as well.
    let kept = compile.granted.iter().filter(|(facet, _)| {
        is_needed(facet) && !desire.wants.contains_key(*facet) && !desire.others.contains_key(*facet)
    });
    let kept = kept.filter(|(facet, _)| !desire.may_lose(facet));
    looked.extend(kept.map(|(facet, object)| (facet, object, Value::Null, Achieves::Create)));
    looked
}

/// What xops granted and may take back.
fn lost<'a>(compile: &Compile<'a>) -> impl Iterator<Item = (&'a Facet, &'a Values)> {
    let desire = compile.desire;
    compile.granted.iter().filter(|(facet, _)| desire.may_lose(facet))
}

/// Draws the plan. `Ok` with no steps means that nothing has to change.
pub fn draw(compile: &Compile<'_>, key: &DigestKey) -> Result<Plan, Vec<Refused>> {
    draw_under(compile, compile.declarations.digest(), key)
}

/// Draws the plan under declarations whose digest is known: for many plans it is made once.
pub fn draw_under(compile: &Compile<'_>, declared: Digest, key: &DigestKey) -> Result<Plan, Vec<Refused>> {
    draw_beside(compile, Holding::default(), declared, key)
}

/// Draws the plan of which `holding` was left out: facets that hold, stand apart ([`ahead::Ahead`]) and are in neither the wishes nor
/// the sightings of `compile`. The plan is the one that would be drawn if they were in both.
pub fn draw_beside(
    compile: &Compile<'_>,
    holding: Holding,
    declared: Digest,
    key: &DigestKey,
) -> Result<Plan, Vec<Refused>> {
    let mut refused = Vec::new();
    let (removable, unremovable): (BTreeSet<Facet>, BTreeSet<Facet>) = lost(compile)
        .map(|(facet, _)| facet.clone())
        .partition(|facet| draft::route(compile, facet, Achieves::Remove).is_some());
    refused.extend(unremovable.iter().flat_map(|facet| draft::no_route(Achieves::Remove, facet)));
    let difference = diff::between(&compile.desire.wants, compile.seen, &removable);
    refused.extend(
        difference.blocked.iter().map(|blocked| Refused::Unknown {
            what: blocked.facet.to_string(),
            why: blocked.doubt.to_string(),
        }),
    );
    let books = draft::books(compile, &mut refused);
    let basis = basis::basis(compile, &books);
    let mut drafts = Vec::new();
    for change in difference.changes {
        match draft::draft_change(compile, &books, &basis, change) {
            Ok(draft) => drafts.push(draft),
            Err(why) => refused.extend(why),
        }
    }
    draft::draft_messages(compile, &books, &basis, &mut drafts, &mut refused);
    let width = draft::width(compile).unwrap_or_else(|unknown| {
        refused.push(unknown);
        1
    });
    if drafts.len() > STEPS_MAX {
        refused.push(Refused::TooLong { steps: drafts.len(), most: STEPS_MAX });
    }
    // Where a step was refused, what was to come from it is not worth a word.
    if refused.is_empty() {
        refused = place::unprovided(&drafts);
    }
    if !refused.is_empty() {
        refused.sort();
        refused.dedup();
        return Err(refused);
    }
    let edges = place::edges(compile, &books, &drafts);
    let keys: Vec<_> = drafts.iter().map(Draft::key).collect();
    let order = order::canonical(&keys, &edges).map_err(|round| {
        let names: Vec<_> = round.iter().chain(round.first()).map(|at| drafts[*at].node.as_str()).collect();
        vec![Refused::Cycle { round: names.join(" -> ") }]
    })?;
    let footprint = footprint(compile, &books, &basis, &drafts, &holding);
    let lineage = lineage(compile.subject, footprint.facts.keys());
    let plan = Plan {
        id: PlanId::default(),
        tenant: compile.declarations.tenant.clone(),
        entity: compile.subject.entity,
        kind: compile.subject.kind.clone(),
        outcomes: compile.desire.outcomes.clone(),
        name: books.first().map_or_else(|| "reconcile".to_owned(), |book| book.runbook.plan.clone()),
        runbook: books.first().map(|book| (book.runbook.name.clone(), book.variant.name.clone())),
        steps: place::place(drafts, &order, &edges),
        satisfied: joined(difference.satisfied, holding.satisfied),
        footprint,
        lineage,
        width,
        parent: compile.parent,
        declarations: declared,
    };
    Ok(plan.sealed(key))
}

/// Both in the order of facets.
fn joined(mut some: Vec<(Facet, Value)>, others: Vec<(Facet, Value)>) -> Vec<(Facet, Value)> {
    if some.is_empty() {
        return others;
    }
    some.extend(others);
    some.sort_by(|(one, _), (other, _)| one.cmp(other));
    some
}

fn footprint(
    compile: &Compile<'_>,
    books: &[draft::Book<'_>],
    basis: &Basis,
    drafts: &[Draft],
    holding: &Holding,
) -> Footprint {
    let wants = compile.desire.wants.values().flat_map(|want| want.hangs_on.iter());
    let variants: Vec<String> = books
        .iter()
        .map(|book| format!("variant.{}", book.runbook.name))
        .filter(|key| compile.desire.settings.contains_key(key))
        .map(|key| format!("setting.{key}"))
        .collect();
    let names: BTreeSet<&String> = wants
        .chain(drafts.iter().flat_map(|draft| draft.hangs_on.iter()))
        .chain(&compile.desire.chosen_by)
        .chain(basis.all())
        .chain(&variants)
        .chain(&holding.facts)
        .collect();
    let value =
        |name: &String| (name.clone(), value_of(compile.subject, compile.desire, name).unwrap_or_default());
    let observed = compile.seen.iter().filter_map(|(facet, sighting)| match &sighting.seen {
        Observation::Present(value) => Some((facet.clone(), Some(value.clone()))),
        Observation::Absent(_) => Some((facet.clone(), None)),
        Observation::Unknown(_) => None,
    });
    let holds = holding.satisfied.iter().map(|(facet, value)| (facet.clone(), Some(value.clone())));
    Footprint { facts: names.into_iter().map(value).collect(), observed: observed.chain(holds).collect() }
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
