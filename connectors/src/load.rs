//! Files to manifests, with a finding for every mistake.
//!
//! Invariants: nothing is taken from a manifest that has a mistake; all mistakes of all files are told at once; a name is
//! checked before anything refers to it, so one mistake is told once.

mod awf;
mod head;
mod lookup;
mod place;
mod read;
mod shape;

use crate::code;
use crate::model::{Manifest, Var};
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
    pub(crate) timeout_ms: u64,
    pub(crate) tries_max: u32,
}

/// Reads every file; what is wrong goes to `findings`.
pub(crate) fn manifests(files: &[(String, Vec<u8>)], findings: &mut Vec<Finding>) -> Vec<Manifest> {
    let mut manifests: BTreeMap<String, Manifest> = BTreeMap::new();
    let mut places: BTreeMap<String, (String, std::ops::Range<usize>)> = BTreeMap::new();
    for (file, bytes) in files {
        let mut mine = Vec::new();
        let body = syntax::parse(file, bytes, &mut mine);
        let digest = Digest(*blake3::hash(bytes).as_bytes());
        let read = body.and_then(|body| {
            let block = only(&body, &mut mine)?;
            let label = block.labels.first()?;
            if let Some((first, span)) = places.get(&label.text) {
                let message = format!("there are two manifests `{}`", label.text);
                let finding =
                    Finding::error(code::DUPLICATE, file.as_str(), label.span.clone(), message, "the second");
                mine.push(finding.related(first.as_str(), span.clone(), "the first"));
            }
            places.entry(label.text.clone()).or_insert_with(|| (file.clone(), label.span.clone()));
            manifest(file, block, digest, &mut mine)
        });
        if let Some(manifest) = read.filter(|_| !any_error(&mine)) {
            manifests.insert(manifest.name.clone(), manifest);
        }
        findings.append(&mut mine);
    }
    manifests.into_values().collect()
}

fn only<'a>(body: &'a Body, findings: &mut Vec<Finding>) -> Option<&'a Block> {
    let mut reader = Reader::file(body, findings);
    let blocks = reader.blocks("manifest", &["system"]);
    if blocks.len() != 1 {
        let span = blocks.get(1).map_or(reader.head(), |block| block.head());
        let message = format!("a file holds one manifest, and this one holds {}", blocks.len());
        let finding = reader
            .error(code::ONE_MANIFEST, span, message, "here")
            .help("write manifest \"system\" { ... } once, a system a file".to_owned());
        reader.report(finding);
    }
    reader.finish();
    (blocks.len() == 1).then(|| blocks[0])
}

fn manifest(file: &str, block: &Block, digest: Digest, findings: &mut Vec<Finding>) -> Option<Manifest> {
    let label = block.labels.first()?;
    if !is_name(&label.text) {
        findings.push(bad_name(file, &label.text, label.span.clone()));
    }
    let vars = head::vars(&mut Reader::block_of(block, findings));
    let outlines = lookup::outlines(block, findings);
    let mut reader = Reader::block_of(block, findings);
    reader.blocks("var", &["name"]);
    let soap = head::soap(&mut reader);
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
        timeout_ms,
        tries_max,
    };
    let head = head::head(&mut reader, &context);
    let lookups = lookup::lookups(&mut reader, &context);
    let reads = read::reads(&mut reader, &context);
    let awfs = awf::awfs(&mut reader, &context);
    reader.finish();
    let mut manifest = Manifest { lookups, reads, awfs, soap, digest, name: name.to_owned(), ..head? };
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
