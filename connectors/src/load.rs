//! Files to manifests, with a finding for every mistake.
//!
//! Invariants: nothing is taken from a manifest that has a mistake; all mistakes of all files are told at once; a name is
//! checked before anything refers to it, so one mistake is told once.

mod auth;
mod awf;
mod body;
mod family;
mod head;
pub(crate) mod ldap;
mod listing;
mod lookup;
mod place;
mod read;
mod shape;
mod webhook;

use crate::code;
use crate::model::{Answers, Manifest, Var};
use family::{Families, Family};
use lookup::Outline;
use std::collections::BTreeMap;
use xops_kernel::id::Digest;
use xops_source::finding::{Finding, any_error};
use xops_source::reader::Reader;
use xops_source::syntax::{self, Block, Body};

/// What the parts of a manifest need to know of the whole while they are read.
pub(crate) struct Context<'a> {
    pub(crate) file: &'a str,
    pub(crate) name: &'a str,
    pub(crate) digest: Digest,
    pub(crate) vars: &'a BTreeMap<String, Var>,
    pub(crate) outlines: &'a BTreeMap<String, Outline>,
    pub(crate) soap: bool,
    pub(crate) answers: Answers,
    pub(crate) timeout_ms: u64,
    pub(crate) tries_max: u32,
}

/// Reads every file; what is wrong goes to `findings`.
pub(crate) fn manifests(files: &[(String, Vec<u8>)], findings: &mut Vec<Finding>) -> Vec<Manifest> {
    let bodies: Vec<Option<Body>> =
        files.iter().map(|(file, bytes)| syntax::parse(file, bytes, findings)).collect();
    let mut families = Families::new();
    for ((_, bytes), body) in files.iter().zip(&bodies) {
        for block in body.iter().flat_map(|body| &body.blocks).filter(|block| block.kind.text == "family") {
            family(block, bytes, &mut families, findings);
        }
    }
    let mut manifests: BTreeMap<String, Manifest> = BTreeMap::new();
    let mut places: BTreeMap<String, (String, std::ops::Range<usize>)> = BTreeMap::new();
    for ((file, bytes), body) in files.iter().zip(&bodies) {
        let mut mine = Vec::new();
        let read = body.as_ref().and_then(|body| {
            let block = only(body, &mut mine)?;
            let label = block.labels.first()?;
            if let Some((first, span)) = places.get(&label.text) {
                let message = format!("there are two manifests `{}`", label.text);
                let finding =
                    Finding::error(code::DUPLICATE, file.as_str(), label.span.clone(), message, "the second");
                mine.push(finding.related(first.as_str(), span.clone(), "the first"));
            }
            places.entry(label.text.clone()).or_insert_with(|| (file.clone(), label.span.clone()));
            let digest = family::digest(bytes, block, &families);
            let whole = family::extended(block, &families, &mut mine)?;
            manifest(file, &whole, digest, &mut mine)
        });
        let broken =
            findings.iter().any(|finding| finding.file == *file && any_error(std::slice::from_ref(finding)));
        if let Some(manifest) = read.filter(|_| !broken && !any_error(&mine)) {
            manifests.insert(manifest.name.clone(), manifest);
        }
        findings.append(&mut mine);
    }
    manifests.into_values().collect()
}

/// Reads a family by itself, so that its mistakes are told once and in its own file.
fn family<'a>(block: &'a Block, bytes: &'a [u8], families: &mut Families<'a>, findings: &mut Vec<Finding>) {
    let file = &*block.body.file;
    let [label] = block.labels.as_slice() else {
        let finding = Finding::error(code::NAME, file, block.head(), "a family has one name", "here");
        findings.push(finding.help("write family \"name\" { ... }".to_owned()));
        return;
    };
    if !is_name(&label.text) {
        findings.push(bad_name(file, &label.text, label.span.clone()));
    }
    if let Some(first) = families.get(&label.text) {
        let message = format!("there are two families `{}`", label.text);
        let finding = Finding::error(code::DUPLICATE, file, label.span.clone(), message, "the second");
        findings.push(finding.related(&*first.block.body.file, first.block.head(), "the first"));
        return;
    }
    let mut mine = Vec::new();
    let _only_for_its_findings = read(file, block, Digest([0; 32]), true, &mut mine);
    // What extends a family with a mistake would repeat it, and says so in its own way: the family is not there.
    findings.append(&mut mine);
    families.insert(label.text.clone(), Family { block, bytes });
}

fn only<'a>(body: &'a Body, findings: &mut Vec<Finding>) -> Option<&'a Block> {
    let mut reader = Reader::file(body, findings);
    let families = reader.blocks("family", &["name"]);
    let blocks = reader.blocks("manifest", &["system"]);
    let only_families = !families.is_empty() && blocks.is_empty();
    if !only_families && (blocks.len() != 1 || !families.is_empty()) {
        let span = blocks.get(1).map_or(reader.head(), |block| block.head());
        let message = match families.len() {
            0 => format!("a file holds one manifest, and this one holds {}", blocks.len()),
            _ => "a file holds one manifest or families, and this one holds both".to_owned(),
        };
        let finding = reader
            .error(code::ONE_MANIFEST, span, message, "here")
            .help("write manifest \"system\" { ... } once, a system a file".to_owned());
        reader.report(finding);
    }
    reader.finish();
    (blocks.len() == 1 && families.is_empty()).then(|| blocks[0])
}

fn manifest(file: &str, block: &Block, digest: Digest, findings: &mut Vec<Finding>) -> Option<Manifest> {
    let label = block.labels.first()?;
    if !is_name(&label.text) {
        findings.push(bad_name(file, &label.text, label.span.clone()));
    }
    read(file, block, digest, false, findings)
}

/// Reads what stands in a manifest, or in a family: that has neither AWFs nor reads, and may leave out what a manifest must
/// say.
fn read(
    file: &str,
    block: &Block,
    digest: Digest,
    family: bool,
    findings: &mut Vec<Finding>,
) -> Option<Manifest> {
    let label = block.labels.first()?;
    let vars = head::vars(&mut Reader::block_of(block, findings));
    let outlines = lookup::outlines(block, findings);
    let mut reader = Reader::block_of(block, findings);
    reader.blocks("var", &["name"]);
    let soap = head::soap(&mut reader);
    let usual = if soap.is_some() { Answers::Xml } else { Answers::Json };
    let answers = reader.choice("answers", &shape::ANSWERS).map_or(usual, shape::answers);
    let timeout_ms = reader.duration_ms("timeout").unwrap_or(30_000);
    let tries_max = reader.int("tries", &(1..=20)).and_then(|tries| u32::try_from(tries).ok()).unwrap_or(4);
    let (name, vars_of) = (label.text.as_str(), &vars);
    let context = Context {
        file,
        name,
        digest,
        vars: vars_of,
        outlines: &outlines,
        soap: soap.is_some(),
        answers,
        timeout_ms,
        tries_max,
    };
    let head = head::head(&mut reader, &context, !family);
    let lookups = lookup::lookups(&mut reader, &context);
    let webhooks = webhook::webhooks(&mut reader, &context);
    let (reads, awfs) = if family {
        (Vec::new(), BTreeMap::new())
    } else {
        (read::reads(&mut reader, &context), awf::awfs(&mut reader, &context))
    };
    reader.finish();
    let mut manifest =
        Manifest { lookups, reads, awfs, webhooks, soap, digest, name: name.to_owned(), ..head? };
    manifest.vars = vars;
    Some(manifest)
}

/// Whether `text` may name a system, a lookup, a read or a function: `[a-z][a-z0-9_]*`, at most 64 letters.
pub(crate) fn is_name(text: &str) -> bool {
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(proper)
}

pub(crate) fn bad_name(file: &str, name: &str, span: std::ops::Range<usize>) -> Finding {
    let message = format!("`{name}` is no name");
    Finding::error(code::NAME, file, span, message, "badly formed")
        .help("a name is lower case letters, digits and `_`, and starts with a letter".to_owned())
}

/// Reports a name that is badly formed or was taken already; whether it may be used.
pub(crate) fn claim<'b>(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    block: &'b Block,
    taken: &mut BTreeMap<String, &'b Block>,
) -> bool {
    let Some(label) = block.labels.first() else { return false };
    if !is_name(&label.text) {
        reader.report(bad_name(context.file, &label.text, label.span.clone()));
        return false;
    }
    if let Some(first) = taken.get(&label.text) {
        let message = format!("there are two of {}", block.title());
        let finding = reader.error(code::DUPLICATE, block.head(), message, "the second");
        reader.report(finding.related(context.file, first.head(), "the first"));
        return false;
    }
    taken.insert(label.text.clone(), block);
    true
}
