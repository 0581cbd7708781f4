//! The laws of runbooks: known AWFs that can be undone, edges to nodes of the same variant, no cycle, every input bound.

use super::bind;
use super::cycle;
use super::draft::{Step, Variant};
use super::scope::{Place, Scope};
use super::world::{World, meant, parts};
use crate::code;
use crate::finding::Finding;
use crate::reader::words;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use xops_kernel::awf::{AwfName, Contract};

/// The facets that routes lead to, by AWF.
type Reached<'a> = BTreeMap<AwfName, Vec<&'a (String, String)>>;

/// Holds runbooks to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    let reached = reached(world);
    for (name, runbook) in &world.drafts.runbooks {
        let wishes = world.drafts.outcomes.iter().filter(|(_, outcome)| {
            let path = outcome.runbook.as_ref().and_then(|(path, _)| words(path));
            path.is_some_and(|words| words.as_slice() == ["runbook", name.as_str()])
        });
        let wishes: Vec<_> = wishes
            .flat_map(|(outcome, _)| {
                world.wishes.values().flatten().filter(move |wish| wish.outcome == outcome)
            })
            .copied()
            .collect();
        let entities = world.entities_of(wishes.into_iter());
        for variant in runbook.variants.values() {
            let mut first: BTreeMap<&AwfName, &Step> = BTreeMap::new();
            for node in &variant.nodes {
                edges(variant, node, findings);
                let Some((contract, awf)) = of_node(world, node, findings) else { continue };
                bind::undo(world, contract, awf, &node.at, findings);
                twice(&mut first, contract, node, awf, findings);
                let reach = reached.get(&contract.name);
                if contract.achieves.is_some() && reach.is_none() && world.whole {
                    unreached(contract, node, awf, findings);
                }
                let facets = reach.cloned().unwrap_or_default();
                let scope = Scope { world, entities: entities.clone(), place: Place::Node(facets, variant) };
                // A route binds every required input; where there should be one and is none, that was told.
                let by_route = contract.achieves.is_some();
                let bound = contract.inputs.keys().map(String::as_str).filter(|_| by_route).collect();
                bind::inputs((contract, awf), &node.with, &bound, (&scope, &node.at), findings);
            }
            cycles(variant, findings);
        }
    }
}

fn of_node<'w, 'n>(
    world: &'w World<'_>,
    node: &'n Step,
    findings: &mut Vec<Finding>,
) -> Option<(&'w Contract, &'n Range<usize>)> {
    let awf = node.awf.as_ref()?;
    Some((world.awf(awf, &node.at, findings)?, &awf.1))
}

fn reached<'a>(world: &World<'a>) -> Reached<'a> {
    let mut reached = Reached::new();
    for (_, domain, name) in world.drafts.routes.keys() {
        let key = (domain.clone(), name.clone());
        let Some((key, _)) = world.drafts.facets.get_key_value(&key) else { continue };
        for change in ["create", "update", "remove"] {
            let route = world.drafts.routes.get(&(change.to_owned(), key.0.clone(), key.1.clone()));
            let awf = route.and_then(|route| words(&route.awf.as_ref()?.0)).filter(|words| words.len() == 2);
            let Some(awf) = awf else { continue };
            let facets = reached.entry(AwfName::new(awf[0], awf[1])).or_default();
            if !facets.contains(&key) {
                facets.push(key);
            }
        }
    }
    reached
}

fn twice<'a>(
    first: &mut BTreeMap<&'a AwfName, &'a Step>,
    contract: &'a Contract,
    node: &'a Step,
    awf: &Range<usize>,
    findings: &mut Vec<Finding>,
) {
    if contract.achieves.is_none() {
        return;
    }
    if let Some(earlier) = first.get(&contract.name) {
        let message = format!("two nodes of this variant run `{}`, and a change has one node", contract.name);
        let finding = node.at.error_at(awf, code::SAME_AWF, message, "this node would never run");
        let finding = finding.why("each change of a plan takes the first node whose AWF achieves it");
        findings.push(earlier.at.relate(finding, "the first"));
    } else {
        first.insert(&contract.name, node);
    }
}

fn unreached(contract: &Contract, node: &Step, awf: &Range<usize>, findings: &mut Vec<Finding>) {
    let change = contract.achieves.map_or("", xops_kernel::awf::Achieves::word);
    let message = format!("`{}` achieves `{change}`, and no route leads to it", contract.name);
    let finding = node.at.error_at(awf, code::NO_PLACE, message, "of which facet?");
    findings.push(
        finding.why("the route says which facet an AWF changes; without it the node would never run").help(
            format!("add: `route \"{change}\" \"<domain>\" \"<facet>\" {{ awf = {} }}`", contract.name),
        ),
    );
}

fn edges(variant: &Variant, node: &Step, findings: &mut Vec<Finding>) {
    for reference in &node.after {
        let Some(words) = parts(reference, Some("node"), "node.<name>", &node.at, findings) else { continue };
        if variant.node(words[1]).is_none() {
            let message = format!("the variant has no node `{}`", words[1]);
            let finding = node.at.error_at(&reference.1, code::UNKNOWN_NODE, message, "unknown node");
            findings.push(finding.help(meant(words[1], variant.nodes.iter().map(|node| node.name.as_str()))));
        }
    }
}

/// What a node waits for: what it declares, and whose outputs it binds.
fn waits(node: &Step) -> BTreeMap<&str, &Range<usize>> {
    let bound = node.with.iter().flat_map(|(_, value)| &value.refs);
    let all = node.after.iter().chain(bound).filter(|(path, _)| path.root == "node");
    let mut waits = BTreeMap::new();
    for (path, span) in all {
        if let Some(name) = path.first() {
            waits.entry(name).or_insert(span);
        }
    }
    waits
}

fn cycles(variant: &Variant, findings: &mut Vec<Finding>) {
    let nodes = &variant.nodes;
    let place: BTreeMap<&str, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let all: Vec<_> = nodes.iter().map(waits).collect();
    let before: Vec<BTreeSet<usize>> =
        all.iter().map(|waits| waits.keys().filter_map(|name| place.get(name).copied()).collect()).collect();
    for cycle in cycle::find(nodes.len(), &before) {
        let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|at| nodes[*at].name.as_str()).collect();
        let message = format!("these nodes wait for each other: {}", names.join(" -> "));
        let first = &nodes[cycle[0]];
        let mut finding = first.at.error(code::RUNBOOK_CYCLE, message, "none of them can be the first");
        for (n, at) in cycle.iter().enumerate() {
            let earlier = nodes[cycle[(n + cycle.len() - 1) % cycle.len()]].name.as_str();
            if let Some(span) = all[*at].get(earlier) {
                let label = format!("`{}` waits for `{earlier}`", nodes[*at].name);
                finding = finding.related(&*nodes[*at].at.file, (*span).clone(), label);
            }
        }
        findings.push(finding.help("take one of these edges away".to_owned()));
    }
}
