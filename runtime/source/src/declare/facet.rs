//! The laws of facets and routes: exactly one route for a change, one that achieves it, and no facet that waits for itself.

use super::bind;
use super::cycle;
use super::draft::{Facet, Route};
use super::scope::{Place, Scope, change};
use super::system::known_domain;
use super::world::{World, parts};
use crate::code;
use crate::finding::{Finding, suggest};
use crate::reader::words;
use std::collections::{BTreeMap, BTreeSet};

type Key = (String, String);

/// Holds facets and routes to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for (key, facet) in &world.drafts.facets {
        let domain = known_domain(&facet.at, (&facet.domain.text, &facet.domain.span), findings);
        if let Some((system, span)) = &facet.system {
            world.system(system, &facet.at, span, findings);
        }
        for reference in &facet.after {
            if let Some(words) = parts(reference, Some("facet"), "facet.<domain>.<name>", &facet.at, findings)
            {
                world.facet(&(words[1].to_owned(), words[2].to_owned()), &facet.at, &reference.1, findings);
            }
        }
        if facet.exclusive && world.whole {
            exclusive(world, key, facet, findings);
        }
        if domain && world.whole && !world.drafts.routes.contains_key(&route_key("create", key)) {
            let message = format!("no route creates `{}.{}`", key.0, key.1);
            let finding = facet.at.error(code::NO_ROUTE, message, "no outcome can ever be reached for it");
            findings.push(
                finding
                    .why("a change that nothing achieves makes every plan that needs it impossible")
                    .help(format!("add: `route \"create\" \"{}\" \"{}\" {{ awf = ... }}`", key.0, key.1)),
            );
        }
    }
    for (key, draft) in &world.drafts.routes {
        route(world, &(key.1.clone(), key.2.clone()), draft, findings);
    }
    cycles(world, findings);
}

/// What is exclusive must be listed before what nobody declared can be removed, and something must be able to remove it: to take it
/// for additive would leave it there without a word.
fn exclusive(world: &World<'_>, key: &Key, facet: &Facet, findings: &mut Vec<Finding>) {
    let shown = format!("{}.{}", key.0, key.1);
    if !world.drafts.watched.contains_key(key) {
        let message = format!("facet `{shown}` is exclusive, and nothing lists what is there");
        let finding = facet.at.error(code::EXCLUSIVE, message, "would be held as additive");
        let help = format!(
            "add `evidence {:?} {:?} {{ ... }}`, which says in which records it is seen, or write `mode = \"additive\"`",
            key.0, key.1
        );
        findings.push(finding.why("what no outcome declares would stay there without a word").help(help));
    }
    if !world.drafts.routes.contains_key(&route_key("remove", key)) {
        let message = format!("facet `{shown}` is exclusive, and no route removes it");
        let finding =
            facet.at.error(code::NO_ROUTE, message, "what no outcome declares could not be removed");
        findings
            .push(finding.help(format!("add: `route \"remove\" {:?} {:?} {{ awf = ... }}`", key.0, key.1)));
    }
}

fn route_key(change: &str, (domain, name): &Key) -> (String, String, String) {
    (change.to_owned(), domain.clone(), name.clone())
}

fn route(world: &World<'_>, key: &Key, route: &Route, findings: &mut Vec<Finding>) {
    let kind = change(&route.change.text);
    if kind.is_none() {
        let words = ["create", "update", "remove"];
        let message = format!("a route cannot `{}` a facet", route.change.text);
        let help = suggest(&route.change.text, words)
            .unwrap_or_else(|| "it is `create`, `update` or `remove`".to_owned());
        findings.push(route.at.error_at(&route.change.span, code::CHOICE, message, "no change").help(help));
    }
    let span = route.domain.span.start..route.facet.span.end;
    let domain = known_domain(&route.at, (&route.domain.text, &route.domain.span), findings);
    let facet = if domain { world.facet(key, &route.at, &span, findings) } else { None };
    let Some(awf) = &route.awf else { return };
    let Some(contract) = world.awf(awf, &route.at, findings) else { return };
    if let Some(kind) = kind
        && contract.achieves != Some(kind)
    {
        let does = contract.achieves.map_or("no change".to_owned(), |does| format!("`{}`", does.word()));
        let message = format!(
            "`{}` achieves {does}, and this route is to {} `{}.{}`",
            contract.name,
            kind.word(),
            key.0,
            key.1
        );
        findings.push(route.at.error_at(&awf.1, code::OTHER_CHANGE, message, format!("achieves {does}")));
    }
    if let Some((facet, (system, span))) = facet.and_then(|facet| Some((facet, facet.system.as_ref()?)))
        && *system != contract.name.system
        && world.drafts.systems.contains_key(system)
    {
        let message = format!(
            "`{}.{}` is held by `{system}`, and `{}` acts on another system",
            key.0, key.1, contract.name
        );
        let finding = route.at.error_at(&awf.1, code::OTHER_SYSTEM, message, "acts on another system");
        findings.push(finding.related(&*facet.at.file, span.clone(), "held by this one"));
    }
    bind::undo(world, contract, &awf.1, &route.at, findings);
    let wishes = world.wishes.get(key).into_iter().flatten().copied();
    let scope = Scope { world, entities: world.entities_of(wishes), place: Place::Route(key) };
    bind::inputs((contract, &awf.1), &route.with, &BTreeSet::new(), (&scope, &route.at), findings);
}

/// What a facet waits for: what it declares, and whose state its routes bind.
fn waits(
    world: &World<'_>,
    key: &Key,
    facet: &Facet,
) -> BTreeMap<Key, (std::ops::Range<usize>, std::sync::Arc<str>)> {
    let mut waits = BTreeMap::new();
    let mut add = |domain: &str, name: &str, span: &std::ops::Range<usize>, file: &std::sync::Arc<str>| {
        waits.entry((domain.to_owned(), name.to_owned())).or_insert((span.clone(), file.clone()));
    };
    for (path, span) in &facet.after {
        if let Some(["facet", domain, name]) = words(path).as_deref() {
            add(domain, name, span, &facet.at.file);
        }
    }
    if let Some(route) = world.drafts.routes.get(&route_key("create", key)) {
        for (path, span) in
            route.with.iter().flat_map(|(_, node)| &node.refs).filter(|(path, _)| path.root == "state")
        {
            if let Some([_, domain, name, _, ..]) = words(path).as_deref() {
                add(domain, name, span, &route.at.file);
            }
        }
    }
    waits
}

fn cycles(world: &World<'_>, findings: &mut Vec<Finding>) {
    let keys: Vec<&Key> = world.drafts.facets.keys().collect();
    let place: BTreeMap<&Key, usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let all: Vec<_> = world.drafts.facets.iter().map(|(key, facet)| waits(world, key, facet)).collect();
    let before: Vec<BTreeSet<usize>> =
        all.iter().map(|waits| waits.keys().filter_map(|key| place.get(key).copied()).collect()).collect();
    for cycle in cycle::find(keys.len(), &before) {
        let names: Vec<String> =
            cycle.iter().chain(cycle.first()).map(|at| format!("{}.{}", keys[*at].0, keys[*at].1)).collect();
        let first = &world.drafts.facets[keys[cycle[0]]];
        let message = format!("facets wait for each other: {}", names.join(" -> "));
        let mut finding = first.at.error(code::FACET_CYCLE, message, "none of them can be the first");
        for (n, at) in cycle.iter().enumerate() {
            let earlier = keys[cycle[(n + cycle.len() - 1) % cycle.len()]];
            if let Some((span, file)) = all[*at].get(earlier) {
                finding = finding.related(
                    &**file,
                    span.clone(),
                    format!("`{}.{}` waits here", keys[*at].0, keys[*at].1),
                );
            }
        }
        findings.push(finding.help("take one of these dependencies away".to_owned()));
    }
}
