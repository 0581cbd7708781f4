//! From files to the kernel's declarations: read everything, then hold all of it to the laws.
//!
//! Invariants: two passes, so that nothing depends on the order of files and blocks; every mistake of every file is found in
//! one go; what a mistake made unusable is left out of the declarations, which are for looking at where an error was found
//! and for running where none was.

use crate::finding::{self, Finding};
use crate::reader::Reader;
use crate::syntax;
use draft::Drafts;
use std::collections::BTreeMap;
use world::World;
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::declare::Declarations;
use xops_kernel::identity::Identities;
use xops_kernel::standard::Standards;
use xops_kernel::value::Type;

mod bind;
mod build;
mod cycle;
mod draft;
mod entity;
mod facet;
pub mod identity;
mod layer;
mod outcome;
mod overlap;
mod read;
mod read_work;
mod routine;
mod runbook;
mod scope;
mod standard;
mod system;
mod watched;
mod world;

/// What the manifests know: by manifest, kind of record and attribute, its type.
pub type ManifestFacts = BTreeMap<String, BTreeMap<String, BTreeMap<String, Type>>>;

/// Makes the declarations of all `files` (name, bytes), and finds what is wrong with them.
///
/// `contracts` are the AWFs of the manifests, named by manifest; `manifests` is what the manifests know of records. The
/// findings are in the order of files and places. The declarations may run only if no finding is an error.
pub fn declare(
    files: &[(String, Vec<u8>)],
    contracts: &BTreeMap<AwfName, Contract>,
    manifests: &ManifestFacts,
) -> (Declarations, Vec<Finding>) {
    let (declarations, _, findings) = declare_all(files, contracts, manifests);
    (declarations, findings)
}

/// The same with the standards that declarations are held to, which decide nothing.
pub fn declare_all(
    files: &[(String, Vec<u8>)],
    contracts: &BTreeMap<AwfName, Contract>,
    manifests: &ManifestFacts,
) -> (Declarations, Standards, Vec<Finding>) {
    let whole = declare_whole(files, contracts, manifests);
    (whole.declarations, whole.standards, whole.findings)
}

/// Everything that files say.
#[derive(Debug)]
pub struct Whole {
    /// What is declared.
    pub declarations: Declarations,
    /// What declarations are held to.
    pub standards: Standards,
    /// By which rules records are joined, by the kind of entity; those of a kind with a mistake are left out.
    pub identities: Identities,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// The same with the rules of identity that the kinds of entity name.
pub fn declare_whole(
    files: &[(String, Vec<u8>)],
    contracts: &BTreeMap<AwfName, Contract>,
    manifests: &ManifestFacts,
) -> Whole {
    let mut findings = Vec::new();
    let mut sorted: Vec<&(String, Vec<u8>)> = files.iter().collect();
    sorted.sort();
    let mut drafts = Drafts::default();
    let mut whole = true;
    for (file, text) in sorted {
        match syntax::parse(file, text, &mut findings) {
            Some(body) => read::file(Reader::file(&body, &mut findings), &mut drafts),
            None => whole = false,
        }
    }
    let world = World::new(&drafts, contracts, manifests, whole);
    system::check(&world, &mut findings);
    entity::check(&world, &mut findings);
    identity::check(&drafts.identities, &mut findings);
    facet::check(&world, &mut findings);
    outcome::check(&world, &mut findings);
    overlap::check(&world, &mut findings);
    runbook::check(&world, &mut findings);
    layer::check(&world, &mut findings);
    routine::check(&world, &mut findings);
    standard::check(&world, &mut findings);
    watched::check(&world, &mut findings);
    let declarations = build::declarations(&world);
    finding::sort(&mut findings);
    let identities = build::identities(&drafts);
    Whole { declarations, standards: standard::standards(&drafts), identities, findings }
}
