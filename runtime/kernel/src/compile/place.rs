//! The places of the steps: edges, and the plan's canonical order made of them.

use super::Compile;
use super::bind::Bound;
use super::draft::{Book, Draft};
use crate::id::StepId;
use crate::plan::{Binding, Step};
use std::collections::{BTreeMap, BTreeSet};

/// The edges: the runbook's (through nodes that have no step), the declared `after` of facets, and output references.
pub(super) fn edges(compile: &Compile<'_>, books: &[Book<'_>], drafts: &[Draft]) -> BTreeSet<(usize, usize)> {
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
        let kind =
            draft.change.as_ref().map(|change| (change.facet().domain.clone(), change.facet().name.clone()));
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

pub(super) fn place(drafts: Vec<Draft>, order: &[usize], edges: &BTreeSet<(usize, usize)>) -> Vec<Step> {
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
            after: edges
                .iter()
                .filter(|(_, behind)| *behind == at)
                .map(|(before, _)| place_of[*before])
                .collect(),
            undo: draft.undo,
            on_reject: draft.on_reject,
            hangs_on: draft.hangs_on,
            manifest: draft.manifest,
        })
        .collect();
    steps.sort_by_key(|step| step.id);
    steps
}
