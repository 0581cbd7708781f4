//! The laws of outcomes: known entities, facets and runbooks, selectors that are conditions, values that fit their facets.

use super::draft::{Desired, Outcome};
use super::scope::{Place, Scope};
use super::world::{Wish, World, elements, meant, parts};
use crate::code;
use crate::finding::Finding;
use crate::infer::{article, common, condition, infer};
use std::collections::BTreeSet;
use xops_kernel::value::{Type, Value};

/// Holds outcomes to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for (name, outcome) in &world.drafts.outcomes {
        if let Some((entity, span)) = &outcome.entity
            && !world.drafts.entities.contains_key(entity)
        {
            let among = world.drafts.entities.keys().map(String::as_str);
            world.unknown(&outcome.at, span, code::UNKNOWN_ENTITY, ("entity", entity), among, findings);
        }
        runbook(world, outcome, findings);
        let scope = scope(world, outcome);
        if let Some(applies) = &outcome.applies {
            condition(applies, &scope, &outcome.at.file, findings);
        }
        for line in &outcome.facets {
            value(world, name, line, &scope, findings);
        }
    }
    types(world, findings);
    precedence(world, findings);
}

/// Outcomes supersede outcomes for the same kind of entity, and none that supersedes them in turn: else each would end what the
/// other began, for ever.
fn precedence(world: &World<'_>, findings: &mut Vec<Finding>) {
    let outcomes = &world.drafts.outcomes;
    let names: Vec<&String> = outcomes.keys().collect();
    let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); names.len()];
    for (at, outcome) in outcomes.values().enumerate() {
        for reference in &outcome.supersedes {
            let Some(name) = named(world, reference, &outcome.at, findings) else { continue };
            before[at].extend(names.iter().position(|known| *known == name));
            let of = |outcome: &Outcome| outcome.entity.as_ref().map(|(entity, _)| entity.clone());
            let (one, other) = (of(outcome), outcomes.get(name).and_then(of));
            if let (Some(one), Some(other)) = (one, other)
                && one != other
            {
                let message = format!("outcome `{name}` is for `{other}`, and this one is for `{one}`");
                let label = "for another kind of entity";
                findings.push(outcome.at.error_at(&reference.1, code::UNKNOWN_OUTCOME, message, label));
            }
        }
    }
    for cycle in super::cycle::find(names.len(), &before) {
        let round: Vec<&str> = cycle.iter().rev().chain(cycle.last()).map(|at| names[*at].as_str()).collect();
        let outcome = &outcomes[names[cycle[0]]];
        let message = format!("outcomes supersede each other: {}", round.join(" -> "));
        let finding = outcome.at.error(code::PRECEDENCE, message, "each would end what the other began");
        findings.push(finding.help("take one of these out of `supersedes`".to_owned()));
    }
}

fn scope<'a>(world: &'a World<'a>, outcome: &'a Outcome) -> Scope<'a> {
    let named = outcome.entity.as_ref().map(|(entity, _)| entity.as_str());
    let known = named.filter(|entity| world.drafts.entities.contains_key(*entity));
    let entities: BTreeSet<&str> = match known {
        Some(entity) => [entity].into(),
        None => world.drafts.entities.keys().map(String::as_str).collect(),
    };
    Scope { world, entities, place: Place::Outcome }
}

fn runbook(world: &World<'_>, outcome: &Outcome, findings: &mut Vec<Finding>) {
    let Some(reference) = &outcome.runbook else { return };
    let Some(words) = parts(reference, Some("runbook"), "runbook.<name>", &outcome.at, findings) else {
        return;
    };
    let runbooks = &world.drafts.runbooks;
    let Some(found) = runbooks.get(words[1]) else {
        let among = runbooks.keys().map(String::as_str);
        world.unknown(
            &outcome.at,
            &reference.1,
            code::UNKNOWN_RUNBOOK,
            ("runbook", words[1]),
            among,
            findings,
        );
        return;
    };
    let key = format!("variant.{}", words[1]);
    let chosen = world.drafts.layers.values().any(|layer| layer.values.contains_key(&key));
    if found.variants.len() > 1 && !chosen && world.whole {
        let names: Vec<&String> = found.variants.keys().collect();
        let message = format!("no layer chooses a variant of runbook `{}`", words[1]);
        let finding = outcome.at.error_at(&reference.1, code::NO_VARIANT, message, "which variant?");
        let finding =
            finding.related(&*found.at.file, found.at.span.clone(), format!("it has {}", names.len()));
        let example = format!("in a layer: `variant {{ {} = \"{}\" }}`", words[1], names[names.len() - 1]);
        findings.push(finding.help(example));
    }
}

fn value(world: &World<'_>, outcome: &str, line: &Desired, scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    let facet = world.facet(&line.key, &line.at, &line.at.span, findings);
    let is = infer(&line.value, scope, &line.at.file, findings);
    let Some(facet) = facet else { return };
    let shown = format!("{}.{}", line.key.0, line.key.1);
    let wrong = |message: String, label: String| {
        let finding = line.at.error_at(&line.value.span, code::FACET_VALUE, message, label);
        facet.at.relate(finding, "declared here")
    };
    if line.value.refused() {
        return;
    }
    if line.value.value() == Some(Value::Null) {
        let message = format!("outcome `{outcome}` wants `{shown}` to be nothing");
        let finding = wrong(message, "no value".to_owned());
        findings.push(finding.help("leave the line out: what no outcome declares is not wanted".to_owned()));
        return;
    }
    match (&is, facet.set) {
        (Type::List(of), true) if !is_element(of) => {
            let message =
                format!("the elements of `{shown}` are {of}, and an element is an object or a text");
            findings.push(wrong(message, "neither objects nor texts".to_owned()));
        }
        (Type::List(_) | Type::Any, true) => {}
        (other, true) => {
            let message = format!("`{shown}` is a set, and this is {}", article(other));
            findings.push(
                wrong(message, "not a list".to_owned())
                    .help("write the elements in brackets: `[...]`".to_owned()),
            );
        }
        (Type::List(_), false) => {
            let message = format!("`{shown}` is no set, and this is {}", article(&is));
            findings.push(
                wrong(message, "a list".to_owned())
                    .help("declare the facet with `set = true`, or give one value".to_owned()),
            );
        }
        (_, false) => {}
    }
}

fn is_element(of: &Type) -> bool {
    matches!(of, Type::Any | Type::Text | Type::Date | Type::Map)
}

/// The type of a facet's value over all outcomes.
pub(super) fn type_of_wishes(world: &World<'_>, key: &(String, String)) -> Type {
    let wishes = world.wishes.get(key).map(Vec::as_slice).unwrap_or_default();
    common(wishes.iter().map(|wish| type_of_wish(world, wish)))
}

fn type_of_wish(world: &World<'_>, wish: &Wish<'_>) -> Type {
    let Some(outcome) = world.drafts.outcomes.get(wish.outcome) else { return Type::Any };
    let mut ignored = Vec::new();
    let types = elements(&wish.line.value);
    let set = world.drafts.facets.get(&wish.line.key).is_some_and(|facet| facet.set);
    if set {
        let scope = scope(world, outcome);
        return common(types.iter().map(|node| infer(node, &scope, &outcome.at.file, &mut ignored)));
    }
    // A single object is wanted by its name.
    if world.object_of(&wish.line.value).is_some() {
        return Type::Text;
    }
    infer(&wish.line.value, &scope(world, outcome), &outcome.at.file, &mut ignored)
}

/// Outcomes that give one facet values of different types can never agree.
fn types(world: &World<'_>, findings: &mut Vec<Finding>) {
    for (key, wishes) in &world.wishes {
        // What does not fit its facet was told already.
        let set = world.drafts.facets.get(key).is_some_and(|facet| facet.set);
        let fits = |is: &Type| if set { is_element(is) } else { !matches!(is, Type::List(_)) };
        let mut typed =
            wishes.iter().map(|wish| (wish, type_of_wish(world, wish))).filter(|(_, is)| fits(is));
        let Some((first, expected)) = typed.next() else { continue };
        for (wish, is) in typed {
            if common([expected.clone(), is.clone()]) != Type::Any || expected == Type::Any || is == Type::Any
            {
                continue;
            }
            let message = format!(
                "outcomes give `{}.{}` values of different types: {} and {}",
                key.0,
                key.1,
                article(&expected),
                article(&is)
            );
            let line = &wish.line;
            let finding = line.at.error_at(
                &line.value.span,
                code::FACET_TYPES,
                message,
                format!("this is {}", article(&is)),
            );
            let label = format!("this is {}", article(&expected));
            findings.push(finding.related(&*first.line.at.file, first.line.value.span.clone(), label));
        }
    }
}

/// Reports a reference that is no declared outcome; gives its name.
pub(super) fn named<'r>(
    world: &World<'_>,
    reference: &'r crate::reader::Reference,
    at: &super::draft::At,
    findings: &mut Vec<Finding>,
) -> Option<&'r str> {
    let words = parts(reference, Some("outcome"), "outcome.<name>", at, findings)?;
    let outcomes = &world.drafts.outcomes;
    if !outcomes.contains_key(words[1]) {
        if world.whole {
            let finding = at.error_at(
                &reference.1,
                code::UNKNOWN_OUTCOME,
                format!("there is no outcome `{}`", words[1]),
                "unknown outcome",
            );
            findings.push(finding.help(meant(words[1], outcomes.keys().map(String::as_str))));
        }
        return None;
    }
    Some(words[1])
}
