//! What the sightings hang on: the facts by which each lookup was made.
//!
//! Invariants: a step that takes what a lookup showed hangs on the facts by which that lookup was made, through any chain of
//! lookups: an id that was found by an address is good as long as the address is.

use super::bind::Binder;
use super::draft::{self, Book};
use super::{Compile, looked_at, output};
use crate::diff::Facet;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A kind of facet: domain and name.
type Kind = (String, String);

/// The facts behind the lookups, by kind of facet, and the kinds on whose state they hang.
#[derive(Default)]
pub(super) struct Basis {
    by: BTreeMap<Kind, (BTreeSet<String>, BTreeSet<Kind>)>,
}

impl Basis {
    /// The facts behind all lookups.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.by.values().flat_map(|(facts, _)| facts)
    }

    /// The facts behind the lookups of some facets, through all that those hang on.
    pub(super) fn of(&self, shown: &BTreeSet<Facet>) -> BTreeSet<String> {
        let mut open: Vec<Kind> =
            shown.iter().map(|facet| (facet.domain.clone(), facet.name.clone())).collect();
        let (mut visited, mut facts) = (BTreeSet::new(), BTreeSet::new());
        while let Some(kind) = open.pop() {
            if let Some((behind, states)) = self.by.get(&kind)
                && visited.insert(kind)
            {
                facts.extend(behind.iter().cloned());
                open.extend(states.iter().cloned());
            }
        }
        facts
    }
}

/// Makes out what the lookups of a compilation hung on.
pub(super) fn basis<'a>(compile: &Compile<'a>, books: &'a [Book<'a>]) -> Basis {
    let mut basis = Basis::default();
    for (facet, object, value, kind) in looked_at(compile, books) {
        let found = output::to_look(compile, books, facet, kind);
        let contract = found.as_ref().and_then(|(awf, _)| compile.declarations.contracts.get(*awf));
        let (Some((awf, with)), Some(contract)) = (found, contract) else { continue };
        let binder = Binder {
            compile,
            books,
            book: draft::find_node(books, awf).map(|(book, _)| book),
            facet: Some((facet, object, &value)),
            asked: RefCell::default(),
            shown: RefCell::default(),
        };
        // What could not be bound was told by the lookup; what was asked for counts all the same.
        drop(binder.inputs(contract, &with));
        let (facts, states) = basis.by.entry((facet.domain.clone(), facet.name.clone())).or_default();
        facts.extend(binder.asked.take());
        states.extend(output::states(&with));
    }
    basis
}
