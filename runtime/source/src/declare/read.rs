//! The first pass: blocks into drafts. Here stands the vocabulary of `config/`; `read_work` has that of outcomes and runbooks.

use super::draft::{At, Attribute, Drafts, Entity, Facet, Layer, Link, System, Tenant, insert};
use super::{identity, read_work};
use crate::code;
use crate::finding::suggest;
use crate::reader::{Reader, listed, words};
use crate::syntax::{Block, Word};
use std::collections::BTreeMap;
use std::ops::Range;
use xops_kernel::declare::Object;
use xops_kernel::layer::{LayerKind, Merge, Setting};
use xops_kernel::value::Type;

/// How many calls to a system may be under way at once where a file does not say.
const CONCURRENCY: i64 = 4;

/// How old a reading may be where a file does not say: 15 minutes, in milliseconds.
const MAX_AGE_MS: u64 = 15 * 60_000;

/// The longest name, in characters.
const NAME_MAX: usize = 128;

/// Words with a meaning of their own in expressions.
pub(super) const RESERVED: [&str; 12] = [
    "setting", "link", "facet", "state", "node", "tenant", "event", "outcome", "runbook", "true", "false",
    "null",
];

/// Reads a whole file into `drafts`.
pub(super) fn file(mut reader: Reader<'_, '_>, drafts: &mut Drafts) {
    each(&mut reader, "tenant", &["name"], |reader, block| tenant(reader, block, drafts));
    each(&mut reader, "system", &["name"], |reader, block| system(reader, block, drafts));
    each(&mut reader, "entity", &["name"], |reader, block| entity(reader, block, drafts));
    each(&mut reader, "object", &["kind", "name"], |reader, block| object(reader, block, drafts));
    each(&mut reader, "facet", &["domain", "name"], |reader, block| facet(reader, block, drafts));
    each(&mut reader, "setting", &["key"], |reader, block| setting(reader, block, drafts));
    each(&mut reader, "layering", &[], |reader, _| layering(reader, drafts));
    each(&mut reader, "layer", &["kind", "name?"], |reader, block| layer(reader, block, drafts));
    identity::read(&mut reader, &mut drafts.identities);
    read_work::file(&mut reader, drafts);
    super::standard::file(&mut reader, drafts);
    super::watched::file(&mut reader, drafts);
    reader.finish();
}

/// Reads each block of `kind`, and reports what `read` did not ask for.
pub(super) fn each(
    reader: &mut Reader<'_, '_>,
    kind: &str,
    labels: &[&str],
    mut read: impl FnMut(&mut Reader<'_, '_>, &Block),
) {
    for block in reader.blocks(kind, labels) {
        let mut inner = reader.within(block);
        read(&mut inner, block);
        inner.finish();
    }
}

/// Reports a name that expressions could not say: anything but `[a-z][a-z0-9_]*`.
pub(super) fn check_word(reader: &mut Reader<'_, '_>, name: &Word, what: &str) {
    let starts = name.text.starts_with(|c: char| c.is_ascii_lowercase());
    let follows = name.text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if starts && follows && name.text.len() <= NAME_MAX {
        return;
    }
    let message = format!("`{}` is no name for {what}", name.text);
    let finding = reader
        .error(code::NAME, name.span.clone(), message, "badly formed")
        .help("lower case letters, digits and `_`, a letter first".to_owned());
    reader.report(finding);
}

/// Reports a name that is empty, too long, or not of one line.
pub(super) fn check_name(reader: &mut Reader<'_, '_>, name: &Word, what: &str) {
    let plain = !name.text.trim().is_empty() && !name.text.chars().any(char::is_control);
    if plain && name.text.chars().count() <= NAME_MAX {
        return;
    }
    let message = format!("this is no name for {what}");
    let finding = reader
        .error(code::NAME, name.span.clone(), message, "badly formed")
        .help(format!("one line of 1 to {NAME_MAX} characters"));
    reader.report(finding);
}

fn check_root(reader: &mut Reader<'_, '_>, name: &Word, what: &str) {
    check_word(reader, name, what);
    if RESERVED.contains(&name.text.as_str()) {
        let message = format!("`{}` is reserved, so it is no name for {what}", name.text);
        let finding = reader
            .error(code::NAME, name.span.clone(), message, "reserved")
            .why(format!("expressions already begin with {}", listed(&RESERVED)));
        reader.report(finding);
    }
}

/// A text with its place; the place of the head where it is missing.
pub(super) fn said(reader: &mut Reader<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
    let text = reader.text(name)?;
    Some((text, reader.span_of(name)))
}

/// The same where it must be there.
pub(super) fn required_said(reader: &mut Reader<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
    if reader.require(name) { said(reader, name) } else { None }
}

fn tenant(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    check_word(reader, &block.labels[0], "a tenant");
    let principal = reader.required_text("principal").unwrap_or_default();
    drafts.tenants.push(Tenant { at: At::head(reader), name: block.label(0).to_owned(), principal });
}

fn system(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_word(reader, &block.labels[0], "a system");
    let mut credential = Vec::new();
    for (word, node) in reader.map("credential") {
        if let Some(text) = node.text() {
            credential.push((word, (text.to_owned(), node.span.clone())));
        } else if reader.literal(&node).is_some() {
            let finding = reader.error(code::WRONG_VALUE, node.span.clone(), "expected a text", "not a text");
            reader.report(finding);
        }
    }
    let draft = System {
        at: At::head(reader),
        domain: required_said(reader, "domain"),
        manifest: manifest_of(reader, &name),
        base_url: required_said(reader, "base_url").unwrap_or_default(),
        vars: reader.values("vars"),
        credential,
        concurrency: u32::try_from(reader.int("concurrency", &(1..=256)).unwrap_or(CONCURRENCY)).unwrap_or(1),
        max_age_ms: reader.duration_ms("max_age").unwrap_or(MAX_AGE_MS),
    };
    insert(&mut drafts.systems, name.clone(), draft, &format!("system `{name}`"), reader);
}

/// The manifest, which has the system's own name where a file does not say; nothing where it says it wrongly.
fn manifest_of(reader: &mut Reader<'_, '_>, system: &str) -> (String, Range<usize>) {
    if reader.attribute("manifest").is_none() {
        return (system.to_owned(), reader.head());
    }
    said(reader, "manifest").unwrap_or_default()
}

fn entity(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_root(reader, &block.labels[0], "an entity");
    let (mut attributes, mut links) = (BTreeMap::new(), BTreeMap::new());
    let mint = reader.required_reference("mint");
    let handle = required_said(reader, "handle");
    each(reader, "attribute", &["name"], |reader, block| {
        check_word(reader, &block.labels[0], "an attribute");
        let draft = Attribute {
            at: At::head(reader),
            is: reader.required_type("type").unwrap_or(Type::Any),
            personal: reader.bool("personal").unwrap_or(false),
            from: if reader.require("from") { reader.list_of_refs("from") } else { Vec::new() },
            max_age_ms: reader.duration_ms("max_age"),
            refers: said(reader, "refers"),
        };
        let what = format!("attribute `{}` of `{name}`", block.label(0));
        insert(&mut attributes, block.label(0).to_owned(), draft, &what, reader);
    });
    let by_rules = reader.has("joined_by");
    let rules = said(reader, "joined_by");
    let current = if by_rules { required_said(reader, "current") } else { None };
    each(reader, "link", &["system"], |reader, block| {
        let kind = required_said(reader, "kind");
        let key = |reader: &mut Reader<'_, '_>, name: &str| {
            if by_rules { Some((String::new(), reader.head())) } else { required_said(reader, name) }
        };
        let record = key(reader, "record");
        let entity = key(reader, "entity");
        if let (Some(kind), Some(record), Some(entity)) = (kind, record, entity) {
            let draft = Link { at: At::head(reader), kind, record, entity };
            let what = format!("the link of `{name}` to `{}`", block.label(0));
            insert(&mut links, block.label(0).to_owned(), draft, &what, reader);
        }
    });
    let joined = rules.zip(current);
    let draft = Entity { at: At::head(reader), mint, handle, attributes, links, joined };
    insert(&mut drafts.entities, name.clone(), draft, &format!("entity `{name}`"), reader);
}

fn object(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let (kind, name) = (block.label(0).to_owned(), block.label(1).to_owned());
    check_root(reader, &block.labels[0], "a kind of object");
    check_name(reader, &block.labels[1], "an object");
    reader.required_text("id");
    let mut attributes = BTreeMap::new();
    for attribute in &block.body.attributes {
        reader.attribute(&attribute.name.text);
        if let Some(value) = reader.literal(&attribute.value) {
            attributes.insert(attribute.name.text.clone(), value);
        }
    }
    let at = At::head(reader);
    let object = Object { kind: kind.clone(), name: name.clone(), attributes, origin: at.origin() };
    let what = format!("object `{kind}.{name}`");
    insert(&mut drafts.objects, (kind, name), (at, object), &what, reader);
}

fn facet(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let (domain, name) = (block.labels[0].clone(), block.label(1).to_owned());
    check_word(reader, &block.labels[1], "a facet");
    let draft = Facet {
        at: At::head(reader),
        domain: domain.clone(),
        system: required_said(reader, "system"),
        set: reader.bool("set").unwrap_or(false),
        exclusive: reader.choice("mode", &["additive", "exclusive"]) == Some("exclusive"),
        after: reader.list_of_refs("after"),
    };
    let what = format!("facet `{}.{name}`", domain.text);
    insert(&mut drafts.facets, (domain.text, name), draft, &what, reader);
}

fn setting(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let key = block.label(0).to_owned();
    for part in key.split('.') {
        check_word(reader, &Word { text: part.to_owned(), span: block.labels[0].span.clone() }, "a setting");
    }
    let built_in = BUILT_IN.contains(&key.as_str()) || key == "variant" || key.starts_with("variant.");
    if built_in {
        let message = format!("the setting `{key}` is built in");
        let finding = reader.error(code::DUPLICATE, reader.head(), message, "declared again here");
        reader.report(finding.help("layers can set it without this block".to_owned()));
    }
    let at = At::head(reader);
    let is = reader.required_type("type").unwrap_or(Type::Any);
    let rules = Merge::ALL.map(|(word, _)| word);
    let word = reader.choice("merge", &rules).unwrap_or("override");
    let merge =
        Merge::ALL.iter().find(|(rule, _)| *rule == word).map_or(Merge::Override, |(_, merge)| *merge);
    let needs = match merge {
        Merge::Union if !matches!(is, Type::List(_) | Type::Any) => Some("a list"),
        Merge::Min | Merge::Max if !matches!(is, Type::Int | Type::Any) => Some("an integer"),
        _ => None,
    };
    if let Some(needs) = needs {
        let message =
            format!("the rule `{word}` merges values of {needs}, and `{key}` is of the type `{is}`");
        let finding =
            reader.error(code::MERGE_TYPE, reader.span_of("merge"), message, "does not fit the type");
        reader.report(finding);
    }
    let setting = Setting { key: key.clone(), is, merge, origin: at.origin() };
    if !built_in {
        insert(&mut drafts.settings, key.clone(), (at, setting), &format!("setting `{key}`"), reader);
    }
}

/// The settings that need no declaration: what a rejection does, and how many steps of a plan may run at once.
pub(super) const BUILT_IN: [&str; 2] = ["on_reject", "parallel"];

fn layering(reader: &mut Reader<'_, '_>, drafts: &mut Drafts) {
    for (word, node) in reader.rest() {
        let Some(kind) = kind_of_layer(reader, &word, &LayerKind::ALL[2..]) else { continue };
        // `region = "region"` and `region = person.region` say the same.
        let by_path =
            node.path().and_then(words).filter(|words| words.len() == 2).map(|words| words[1].to_owned());
        let Some(attribute) = node.text().map(str::to_owned).or(by_path) else {
            let finding = reader.error(
                code::WRONG_VALUE,
                node.span.clone(),
                "expected the name of an attribute",
                "not a name",
            );
            reader.report(finding);
            continue;
        };
        let draft = (At::of(reader, node.span.clone()), attribute);
        insert(
            &mut drafts.layering,
            kind,
            draft,
            &format!("what chooses the layer `{}`", kind.word()),
            reader,
        );
    }
}

fn kind_of_layer(reader: &mut Reader<'_, '_>, word: &Word, among: &[LayerKind]) -> Option<LayerKind> {
    let kind = LayerKind::from_word(&word.text).filter(|kind| among.contains(kind));
    if kind.is_none() {
        let names: Vec<&str> = among.iter().map(|kind| kind.word()).collect();
        let message = format!("there is no layer `{}` here", word.text);
        let help = suggest(&word.text, names.iter().copied())
            .unwrap_or_else(|| format!("there are {}", listed(&names)));
        let finding =
            reader.error(code::UNKNOWN_LAYER, word.span.clone(), message, "unknown layer").help(help);
        reader.report(finding);
    }
    kind
}

fn layer(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let kind = kind_of_layer(reader, &block.labels[0], &LayerKind::ALL);
    let named = block.labels.len() == 2;
    let has_name = match kind {
        Some(LayerKind::Global) => !named,
        Some(LayerKind::Tenant) | None => true,
        Some(_) => named,
    };
    if let (Some(kind), false) = (kind, has_name) {
        let form =
            if named { "layer \"global\"".to_owned() } else { format!("layer \"{}\" \"name\"", kind.word()) };
        let message = format!("the layer `{}` has {} name", kind.word(), if named { "no" } else { "a" });
        let finding = reader
            .error(code::LABELS, block.head(), message, "")
            .help(format!("it is written `{form} {{ ... }}`"));
        reader.report(finding);
    }
    let mut values = BTreeMap::new();
    for (word, node) in reader.map("set") {
        if let Some(value) = reader.literal(&node) {
            let draft = (At::of(reader, node.span.clone()), value);
            insert(&mut values, word.text.clone(), draft, &format!("`{}` in this layer", word.text), reader);
        }
    }
    let mut variants = Vec::new();
    for (word, node) in reader.map("variant") {
        if let Some(value) = reader.literal(&node) {
            values.insert(format!("variant.{}", word.text), (At::of(reader, node.span.clone()), value));
            variants.push(word);
        }
    }
    let Some(kind) = kind.filter(|_| has_name) else { return };
    let name = if kind == LayerKind::Tenant && !named { String::new() } else { block.label(1).to_owned() };
    let what = if name.is_empty() {
        format!("layer `{}`", kind.word())
    } else {
        format!("layer `{} {name}`", kind.word())
    };
    let draft = Layer { at: At::head(reader), values, variants };
    insert(&mut drafts.layers, (kind, name), draft, &what, reader);
}
