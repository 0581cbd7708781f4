//! The steps before their places are known: one for each change, and one for each node that changes nothing.

use super::basis::Basis;
use super::bind::{Binder, Bound};
use super::{Compile, Refused};
use crate::awf::{Achieves, AwfName, Contract, Undo};
use crate::declare::{Node, OnReject, Route, Runbook, Variant};
use crate::diff::{Change, Facet};
use crate::value::{Value, Values};
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
        let fixed = match setting(compile, &format!("variant.{}", runbook.name)) {
            Ok(Some(value)) => value.to_string(),
            // One variant needs no layer to choose it.
            Ok(None) if runbook.variants.len() == 1 => {
                runbook.variants.keys().next().cloned().unwrap_or_default()
            }
            Ok(None) => String::new(),
            Err(unknown) => {
                refused.push(unknown);
                continue;
            }
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
    /// Whether it takes something away.
    pub(super) fn removes(&self) -> bool {
        self.change.as_ref().is_some_and(|change| change.kind() == Achieves::Remove)
    }

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
    basis: &Basis,
    change: Change,
) -> Result<Draft, Vec<Refused>> {
    let facet = change.facet().clone();
    let Some(route) = route(compile, &facet, change.kind()) else {
        return Err(no_route(change.kind(), &facet));
    };
    let contract = contract(compile, &route.awf)?;
    if contract.achieves != Some(change.kind()) {
        let change = change.kind().word().to_owned();
        return Err(vec![Refused::WrongChange { awf: route.awf.to_string(), change }]);
    }
    let at = find_node(books, &route.awf);
    let node = at.map(|(book, node)| (&books[book], &books[book].variant.nodes[node]));
    let mut with = route.with.clone();
    with.extend(node.iter().flat_map(|(_, node)| node.with.clone()));
    let want = compile.desire.wants.get(&facet);
    let empty = Values::new();
    let object = want.map(|want| &want.object).or_else(|| compile.granted.get(&facet)).unwrap_or(&empty);
    // What is taken away is spoken of by the value that it has.
    let value = change.to().or(change.from()).cloned().unwrap_or_default();
    let binder = Binder {
        compile,
        books,
        book: at.map(|(book, _)| book),
        facet: Some((&facet, object, &value)),
        asked: RefCell::default(),
        shown: RefCell::default(),
    };
    let inputs = binder.inputs(contract, &with)?;
    let undo = undo(compile, contract)?;
    let mut hangs_on = binder.asked.take();
    hangs_on.extend(basis.of(&binder.shown.take()));
    if let Some(want) = want {
        hangs_on.extend(want.hangs_on.iter().cloned());
    } else {
        // That nothing wants it hangs on every outcome that could.
        let kind = (facet.domain.clone(), facet.name.clone());
        hangs_on.extend(compile.desire.judged_by.get(&kind).into_iter().flatten().cloned());
        hangs_on.extend(compile.desire.chosen_by.iter().cloned());
    }
    Ok(Draft {
        node: node.map_or_else(|| route.awf.function.clone(), |(_, node)| node.name.clone()),
        at,
        awf: route.awf.clone(),
        change: Some(change),
        object: object.clone(),
        inputs,
        personal: personal(contract),
        undo,
        on_reject: on_reject(compile, node)?,
        hangs_on,
        manifest: contract.manifest,
    })
}

/// The nodes that achieve no change: messages, waits, revocations. Once an instance, and only beside a change that their
/// runbook is for: what was brought about before sends no message again.
pub(super) fn draft_messages(
    compile: &Compile<'_>,
    books: &[Book<'_>],
    basis: &Basis,
    drafts: &mut Vec<Draft>,
    refused: &mut Vec<Refused>,
) {
    for (book_at, book) in books.iter().enumerate() {
        if !drafts.iter().any(|draft| concerns(compile, draft, book_at, book)) {
            continue;
        }
        for node_at in 0..book.variant.nodes.len() {
            match draft_message(compile, books, basis, (book_at, node_at)) {
                Ok(draft) => drafts.extend(draft),
                Err(why) => refused.extend(why),
            }
        }
    }
}

/// Whether a step is one of the runbook's, or achieves what an outcome of the runbook wants.
fn concerns(compile: &Compile<'_>, draft: &Draft, book_at: usize, book: &Book<'_>) -> bool {
    let of_book = |name: &String| {
        let outcome = compile.declarations.outcomes.get(name);
        outcome.is_some_and(|outcome| outcome.runbook.as_ref() == Some(&book.runbook.name))
    };
    let want = draft.change.as_ref().and_then(|change| compile.desire.wants.get(change.facet()));
    draft.at.is_some_and(|(at, _)| at == book_at)
        || want.is_some_and(|want| want.outcomes.iter().any(of_book))
}

fn draft_message(
    compile: &Compile<'_>,
    books: &[Book<'_>],
    basis: &Basis,
    at: (usize, usize),
) -> Result<Option<Draft>, Vec<Refused>> {
    let node = &books[at.0].variant.nodes[at.1];
    let contract = contract(compile, &node.awf)?;
    if contract.achieves.is_some() {
        return Ok(None);
    }
    let binder = Binder {
        compile,
        books,
        book: Some(at.0),
        facet: None,
        asked: RefCell::default(),
        shown: RefCell::default(),
    };
    let inputs = binder.inputs(contract, &node.with)?;
    let mut hangs_on = binder.asked.take();
    hangs_on.extend(basis.of(&binder.shown.take()));
    hangs_on.extend(compile.desire.chosen_by.iter().cloned());
    Ok(Some(Draft {
        node: node.name.clone(),
        at: Some(at),
        awf: node.awf.clone(),
        change: None,
        object: Values::new(),
        inputs,
        personal: personal(contract),
        undo: undo(compile, contract)?,
        on_reject: on_reject(compile, Some((&books[at.0], node)))?,
        hangs_on,
        manifest: contract.manifest,
    }))
}

/// The row of the route table for a change of `facet`.
pub(super) fn route<'a>(compile: &Compile<'a>, facet: &Facet, kind: Achieves) -> Option<&'a Route> {
    compile.declarations.routes.get(&(kind.word().to_owned(), facet.domain.clone(), facet.name.clone()))
}

pub(super) fn no_route(kind: Achieves, facet: &Facet) -> Vec<Refused> {
    vec![Refused::NoRoute { change: kind.word().to_owned(), facet: facet.to_string() }]
}

fn contract<'a>(compile: &Compile<'a>, awf: &AwfName) -> Result<&'a Contract, Vec<Refused>> {
    let found = compile.declarations.contracts.get(awf);
    found.ok_or_else(|| vec![Refused::NoContract { awf: awf.to_string() }])
}

pub(super) fn find_node(books: &[Book<'_>], awf: &AwfName) -> Option<(usize, usize)> {
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

fn on_reject(compile: &Compile<'_>, node: Option<(&Book<'_>, &Node)>) -> Result<OnReject, Vec<Refused>> {
    if let Some(declared) = node.and_then(|(book, node)| node.on_reject.or(book.runbook.on_reject)) {
        return Ok(declared);
    }
    let layered = setting(compile, "on_reject").map_err(|unknown| vec![unknown])?;
    Ok(layered.and_then(Value::as_text).and_then(OnReject::from_word).unwrap_or(OnReject::Backstep))
}

/// How many steps may be under way at once.
pub(super) fn width(compile: &Compile<'_>) -> Result<u16, Refused> {
    let declared = setting(compile, "parallel")?.and_then(Value::as_int).unwrap_or(1);
    Ok(u16::try_from(declared.max(1)).unwrap_or(u16::MAX))
}

/// The value of a setting that decides how the plan is made.
fn setting<'a>(compile: &Compile<'a>, key: &str) -> Result<Option<&'a Value>, Refused> {
    match compile.desire.settings.get(key) {
        Some(Ok(resolved)) => Ok(Some(&resolved.value)),
        Some(Err(attribute)) => Err(Refused::Unknown {
            what: format!("{}.{attribute}", compile.subject.kind),
            why: format!("a layer that could set `{key}` hangs on it"),
        }),
        None => Ok(None),
    }
}
