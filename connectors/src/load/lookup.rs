//! Lookups, and what the rest of a manifest has to know of them beforehand.

use super::place::Place;
use super::{Context, claim, shape};
use crate::code;
use crate::model::{Lookup, Word};
use crate::sight::HOPS_MAX;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::expr::Expr;
use xops_kernel::value::{Type, Value};
use xops_source::finding::{Finding, suggest};
use xops_source::reader::{Reader, type_from};
use xops_source::syntax::{Block, Body};

/// A lookup from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// What it takes.
    pub(crate) inputs: BTreeMap<String, Type>,
    /// Which of them may be left out.
    pub(crate) optional: BTreeSet<String>,
    /// What it shows: outputs and gathered lists, of itself alone.
    pub(crate) shows: BTreeSet<String>,
    /// The lookup that goes on from it.
    pub(crate) then: Option<String>,
    /// What that one is told.
    told: BTreeSet<String>,
    /// What it is told itself.
    pub(crate) carry: BTreeSet<String>,
}

/// Everything that the chain from the lookup `name` on shows.
pub(crate) fn chain_shows(outlines: &BTreeMap<String, Outline>, name: &str) -> BTreeSet<String> {
    let mut shows = BTreeSet::new();
    let mut at = Some(name);
    for _ in 0..HOPS_MAX {
        let Some(outline) = at.and_then(|name| outlines.get(name)) else { break };
        shows.extend(outline.shows.iter().cloned());
        at = outline.then.as_deref();
    }
    shows
}

fn names(body: &Body, kind: &str) -> BTreeSet<String> {
    let attribute = body.attribute(kind).and_then(|attribute| attribute.value.members());
    let members = attribute.into_iter().flatten().map(|(name, _)| name.text);
    let blocks = body.blocks.iter().filter(|block| block.kind.text == kind);
    let inside = blocks.flat_map(|block| &block.body.attributes).map(|attribute| attribute.name.text.clone());
    members.chain(inside).collect()
}

/// Reads the outlines of all lookups of a manifest; their own mistakes are told later.
pub(super) fn outlines(manifest: &Block, findings: &mut Vec<Finding>) -> BTreeMap<String, Outline> {
    let mut outlines = BTreeMap::new();
    let mut then_blocks = BTreeMap::new();
    for block in manifest.body.blocks.iter().filter(|block| block.kind.text == "lookup") {
        let mut discarded = Vec::new();
        let inputs = types(&mut Reader::block_of(block, &mut discarded), "inputs");
        let optional = Reader::block_of(block, &mut discarded).list_of_texts("optional");
        let optional = optional.into_iter().map(|(name, _)| name).collect();
        let mut shows = names(&block.body, "outputs");
        shows.extend(names(&block.body, "gather"));
        let then = block.body.blocks.iter().find(|inner| inner.kind.text == "then");
        let told = then.map(|then| then.body.attributes.iter().map(|told| told.name.text.clone()).collect());
        let outline = Outline {
            inputs,
            optional,
            shows,
            then: then.map(|then| then.label(0).to_owned()),
            told: told.unwrap_or_default(),
            carry: BTreeSet::new(),
        };
        if let Some(then) = then {
            then_blocks.insert(block.label(0).to_owned(), then);
        }
        outlines.entry(block.label(0).to_owned()).or_insert(outline);
    }
    for _ in 0..HOPS_MAX {
        for name in outlines.keys().cloned().collect::<Vec<_>>() {
            let Some(from) = outlines.get(&name).filter(|from| from.then.is_some()).cloned() else {
                continue;
            };
            if let Some(to) = from.then.and_then(|to| outlines.get_mut(&to)) {
                to.carry.extend(from.told.union(&from.carry).cloned());
            }
        }
    }
    for (name, then) in then_blocks {
        check_chain(manifest, &outlines, &name, then, findings);
    }
    outlines
}

fn check_chain(
    manifest: &Block,
    outlines: &BTreeMap<String, Outline>,
    name: &str,
    then: &Block,
    findings: &mut Vec<Finding>,
) {
    let file = &*manifest.body.file;
    let target = then.label(0);
    let Some(next) = outlines.get(target) else {
        let message = format!("there is no lookup `{target}`");
        let help = suggest(target, outlines.keys().map(String::as_str));
        findings.push(Finding::error(code::LOOKUP, file, then.head(), message, "not declared").help(help));
        return;
    };
    let mut at = Some(name);
    let mut hops = 0;
    while let Some(outline) = at.and_then(|name| outlines.get(name)) {
        hops += 1;
        at = outline.then.as_deref();
        if hops > HOPS_MAX {
            let message = format!("more than {HOPS_MAX} lookups go on from one another");
            findings.push(Finding::error(code::CHAIN, file, then.head(), message, "this goes on too far"));
            return;
        }
    }
    let own = outlines.get(name).map(|outline| outline.inputs.clone()).unwrap_or_default();
    for (input, is) in &next.inputs {
        if own.get(input) != Some(is) {
            let message =
                format!("the lookup `{target}` takes `{input}`, which `{name}` does not have as {is}");
            let finding = Finding::error(code::LOOKUP_INPUT, file, then.head(), message, "goes on here");
            findings.push(finding.help("the lookups of a chain share their inputs; everything else is told: then \"x\" { id = item.id }".to_owned()));
        }
    }
}

/// Reads declared types: `{ user = "text" }`.
pub(super) fn types(reader: &mut Reader<'_, '_>, name: &str) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    for (word, node) in reader.map(name) {
        let Some(is) = node.text().and_then(type_from) else {
            let message = format!("the type of `{}` does not exist", word.text);
            let finding = reader
                .error(xops_source::code::UNKNOWN_TYPE, node.span.clone(), message, "unknown type")
                .help(
                    "it is one of \"text\", \"int\", \"bool\", \"date\", \"map\", \"any\", \"list(...)\""
                        .to_owned(),
                );
            reader.report(finding);
            continue;
        };
        types.insert(word.text, is);
    }
    types
}

/// Reads all lookups.
pub(super) fn lookups(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> BTreeMap<String, Lookup> {
    let mut lookups = BTreeMap::new();
    let mut taken = BTreeMap::new();
    for block in reader.blocks("lookup", &["name"]) {
        if !claim(reader, context, block, &mut taken) {
            continue;
        }
        let mut inner = reader.within(block);
        let lookup = lookup(&mut inner, context, block);
        inner.finish();
        lookups.extend(lookup.map(|lookup| (lookup.name.clone(), lookup)));
    }
    lookups
}

fn lookup(reader: &mut Reader<'_, '_>, context: &Context<'_>, block: &Block) -> Option<Lookup> {
    let name = block.label(0);
    let outline = context.outlines.get(name)?;
    let inputs = types(reader, "inputs");
    super::awf::flagged(reader, &inputs, "optional");
    let listed = reader.has("items");
    let asking = Place {
        file: context.file,
        inputs: Some(&inputs),
        vars: Some(context.vars),
        carry: Some(&outline.carry),
        key: true,
        page: listed,
        ..Place::default()
    };
    let answered = Place { response: true, page: false, ..asking };
    let shown = Place { item: listed, ..answered };
    let shape = shape::shape(reader, &asking, context);
    let rules = shape::rules(reader, &answered);
    let listing = super::listing::listing(reader, &answered);
    super::ldap::goes_on(reader, shape.as_ref(), listing.as_ref());
    let absent = shape::condition(reader, &answered, "absent");
    let present = shape::condition(reader, &shown, "present");
    let matches = shape::condition(reader, &shown, "where");
    let value_type = reader.type_("value_type").unwrap_or(Type::Any);
    let value = shape::expr(reader, &shown, "value").map(|value| (value, value_type));
    let outputs = shape::exprs(reader, &shown, "outputs");
    let gather = shape::exprs(reader, &shown, "gather");
    let marker = shape::expr(reader, &shown, "marker");
    let authoritative = if reader.require("authoritative") { reader.bool("authoritative") } else { None };
    let then = then(reader, &shown);
    let evidence = reader.text("evidence");
    let silent =
        absent.is_none() && listing.is_none() && !rules.errors.iter().any(|rule| rule.word == Word::Absent);
    let continued = context.outlines.values().any(|other| other.then.as_deref() == Some(name));
    if silent && !continued {
        let finding = reader
            .error(code::ABSENCE, block.head(), format!("the lookup `{name}` can never see an absence"), "here")
            .why("what it does not find would be unknown for ever")
            .help("say how absence looks: error \"absent\" { when = response.status == 404 }, or `absent`, or `items`".to_owned());
        reader.report(finding);
    }
    if !listed && (matches.is_some() || !gather.is_empty()) {
        let finding =
            reader.error(code::LISTING, block.head(), "`where` and `gather` need `items`", "items of what?");
        reader.report(finding);
    }
    Some(Lookup {
        name: name.to_owned(),
        inputs,
        shape: shape?,
        rules,
        listing,
        matches,
        present,
        absent,
        value,
        outputs,
        gather,
        marker,
        authoritative: authoritative?,
        then,
        evidence,
    })
}

fn then(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> Option<(String, Vec<(String, Expr)>)> {
    let blocks = reader.blocks("then", &["lookup"]);
    if let Some(second) = blocks.get(1) {
        let finding =
            reader.error(code::CHAIN, second.head(), "a lookup goes on in one way only", "another way");
        reader.report(finding);
    }
    let block = blocks.first()?;
    let mut inner = reader.within(block);
    let told = inner.rest();
    let told = shape::checked(&mut inner, place, told);
    inner.finish();
    Some((block.label(0).to_owned(), told))
}

/// A literal text, number or truth as an expression's value, for bindings.
pub(super) fn literal(expr: &Expr) -> Option<&Value> {
    match expr {
        Expr::Literal(value) => Some(value),
        _ => None,
    }
}
