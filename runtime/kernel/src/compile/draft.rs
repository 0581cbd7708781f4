//! The steps before their places are known: one for each change, and one for each node that changes nothing.

use super::bind::{Binder, Bound};
use super::{Compile, Refused};
use crate::awf::{AwfName, Contract, Undo};
use crate::declare::{Node, OnReject, Runbook, Variant};
use crate::desire::Desire;
use crate::diff::{Change, Facet};
use crate::value::Values;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A runbook with the variant that the layers fix.
pub(super) struct Book<'a> {
    pub(super) runbook: &'a Runbook,
    pub(super) variant: &'a Variant,
}

pub(super) fn books<'a>(compile: &Compile<'a>, refused: &mut Vec<Refused>) -> Vec<Book<'a>> {
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
            None if runbook.variants.len() == 1 => {
                runbook.variants.keys().next().cloned().unwrap_or_default()
            }
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
pub(super) struct Draft {
    pub(super) node: String,
    /// Runbook and node, by position.
    pub(super) at: Option<(usize, usize)>,
    pub(super) awf: AwfName,
    pub(super) change: Option<Change>,
    pub(super) object: Values,
    pub(super) inputs: BTreeMap<String, Bound>,
    pub(super) personal: BTreeSet<String>,
    pub(super) undo: Undo,
    pub(super) on_reject: OnReject,
    pub(super) hangs_on: BTreeSet<String>,
    pub(super) manifest: crate::id::Digest,
}

impl Draft {
    /// Irreversible steps as late as the edges allow, then the runbook's order of writing, then the facet.
    pub(super) fn key(&self) -> (bool, (usize, usize), Option<Facet>, String) {
        let irreversible = matches!(self.undo, Undo::Irreversible { .. });
        let facet = self.change.as_ref().map(|change| change.facet().clone());
        (irreversible, self.at.unwrap_or((usize::MAX, 0)), facet, self.node.clone())
    }
}

pub(super) fn draft_change(
    compile: &Compile<'_>,
    books: &[Book<'_>],
    change: Change,
) -> Result<Draft, Vec<Refused>> {
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
pub(super) fn draft_messages(
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
            Err(vec![Refused::NoCompensation {
                awf: contract.name.to_string(),
                compensation: awf.to_string(),
            }])
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

pub(super) fn width(desire: &Desire) -> u16 {
    match desire.settings.get("parallel") {
        Some(Ok(resolved)) => resolved.value.as_int().and_then(|n| u16::try_from(n).ok()).unwrap_or(1).max(1),
        _ => 1,
    }
}
