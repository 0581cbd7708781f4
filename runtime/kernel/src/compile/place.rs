//! The places of the steps: edges, and the plan's canonical order made of them.
//!
//! Invariants: what must hold before another is brought about first and taken back last; an output is bound to exactly one
//! step, and to one of the same runbook where a node names it.

use super::bind::Bound;
use super::draft::{Book, Draft};
use super::{Compile, Refused};
use crate::few::Few;
use crate::id::StepId;
use crate::plan::{Binding, Step};
use std::collections::BTreeSet;

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
            let edge = |before: usize| match (drafts[before].removes(), draft.removes()) {
                (false, false) => Some((before, behind)),
                (true, true) => Some((behind, before)),
                (false, true) | (true, false) => None,
            };
            edges.extend(achieving(drafts, domain, name).filter_map(edge));
        }
        for bound in draft.inputs.values() {
            edges.extend(providers(drafts, bound).map(|before| (before, behind)));
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

/// The steps that give what is bound; none for a literal.
fn providers<'a>(drafts: &'a [Draft], bound: &'a Bound) -> impl Iterator<Item = usize> + 'a {
    let gives = move |draft: &Draft| match bound {
        Bound::Literal(_) => false,
        Bound::OfFacet { domain, facet, .. } => draft.change.as_ref().is_some_and(|change| {
            !draft.removes() && change.facet().domain == *domain && change.facet().name == *facet
        }),
        Bound::OfNode { book, node, .. } => {
            draft.at.is_some_and(|(at, _)| at == *book) && draft.node == *node
        }
    };
    drafts.iter().enumerate().filter(move |(_, draft)| gives(draft)).map(|(at, _)| at)
}

/// Refuses outputs that no step gives, or more than one.
pub(super) fn unprovided(drafts: &[Draft]) -> Vec<Refused> {
    let mut refused = Vec::new();
    for draft in drafts {
        for (input, bound) in &draft.inputs {
            let count = providers(drafts, bound).count();
            if count != 1 && !matches!(bound, Bound::Literal(_)) {
                let why = format!("{count} steps give what it is bound to, and it must be one");
                refused.push(Refused::NoInput { awf: draft.awf.to_string(), input: input.clone(), why });
            }
        }
    }
    refused
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
    let binding = |bound: &Bound| match bound {
        Bound::Literal(value) => Some(Binding::Literal(value.clone())),
        Bound::OfFacet { output, .. } | Bound::OfNode { output, .. } => {
            let step = providers(&drafts, bound).next().map(|at| place_of[at])?;
            Some(Binding::Output { step, name: output.clone() })
        }
    };
    let bind = |(name, bound): (&String, &Bound)| Some((name.clone(), binding(bound)?));
    let inputs: Vec<Few<String, Binding>> =
        drafts.iter().map(|draft| draft.inputs.iter().filter_map(bind).collect()).collect();
    let mut after: Vec<BTreeSet<StepId>> = vec![BTreeSet::new(); drafts.len()];
    for (before, behind) in edges {
        after[*behind].insert(place_of[*before]);
    }
    let mut steps: Vec<Step> = drafts
        .into_iter()
        .zip(inputs.into_iter().zip(after))
        .enumerate()
        .map(|(at, (draft, (inputs, after)))| Step {
            id: place_of[at],
            node: draft.node,
            awf: draft.awf,
            change: draft.change.map(Box::new),
            object: draft.object,
            inputs,
            personal: draft.personal,
            after,
            undo: draft.undo,
            on_reject: draft.on_reject,
            hangs_on: draft.hangs_on,
            manifest: draft.manifest,
        })
        .collect();
    steps.sort_by_key(|step| step.id);
    steps
}
