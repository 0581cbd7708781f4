//! Reads.

use super::place::{Place, like};
use super::{Context, claim, shape};
use crate::code;
use crate::model::Read;
use std::collections::BTreeMap;
use xops_kernel::expr::Expr;
use xops_kernel::value::Type;
use xops_source::finding::suggest;
use xops_source::reader::Reader;
use xops_source::syntax::Block;

mod delta;

/// The blocks that hold attributes, a block a type.
const TYPES: [&str; 6] = ["text", "int", "bool", "date", "texts", "any"];

/// Reads all reads, in the order of writing.
pub(super) fn reads(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    let mut taken = BTreeMap::new();
    for block in reader.blocks("read", &["name"]) {
        if !claim(reader, context, block, &mut taken) {
            continue;
        }
        let mut inner = reader.within(block);
        let read = read(&mut inner, context, block, &reads);
        inner.finish();
        let Some(read) = read else { continue };
        for (name, (is, _)) in &read.attributes {
            let same_kind = reads.iter().filter(|other| other.kind == read.kind);
            let other =
                same_kind.filter_map(|other| other.attributes.get(name)).find(|(other, _)| other != is);
            if let Some((other, _)) = other {
                let message = format!("`{name}` of {} is {is} here and {other} in another read", read.kind);
                let finding = reader.error(code::ATTRIBUTE, block.head(), message, "in this read");
                reader.report(finding);
            }
        }
        reads.push(read);
    }
    reads
}

fn read(reader: &mut Reader<'_, '_>, context: &Context<'_>, block: &Block, earlier: &[Read]) -> Option<Read> {
    let kind = reader.required_text("kind");
    let for_each = reader.text("for_each");
    let evidence = reader.text("evidence");
    if let Some(parent) =
        for_each.as_deref().filter(|parent| !earlier.iter().any(|read| read.kind == *parent))
    {
        let message = format!("no read above this one gives `{parent}`");
        let help = suggest(parent, earlier.iter().map(|read| read.kind.as_str()));
        let finding =
            reader.error(code::FOR_EACH, reader.span_of("for_each"), message, "of these").help(help);
        reader.report(finding);
    }
    let inputs: BTreeMap<String, Type> = for_each.iter().map(|_| ("parent".to_owned(), Type::Text)).collect();
    let asking = Place {
        file: context.file,
        inputs: Some(&inputs),
        vars: Some(context.vars),
        page: true,
        ..Place::default()
    };
    let answered = Place { response: true, page: false, ..asking };
    let shown = Place { item: true, ..answered };
    let shape = shape::shape(reader, &asking, context);
    let rules = shape::rules(reader, &answered);
    let listing = if reader.require("items") { super::listing::listing(reader, &answered) } else { None };
    super::ldap::goes_on(reader, shape.as_ref(), listing.as_ref());
    let matches = shape::condition(reader, &shown, "where");
    let id = if reader.require("id") { shape::expr(reader, &shown, "id") } else { None };
    let version = shape::expr(reader, &shown, "version");
    let attributes = attributes(reader, &shown);
    let delta = delta::delta(reader, &asking, &answered, shape.as_ref());
    let (tombstone, deletes) = delta::deletes(reader, &shown);
    Some(Read {
        name: block.label(0).to_owned(),
        kind: kind?,
        for_each,
        shape: shape?,
        rules,
        listing: listing?,
        matches,
        id: id?,
        version,
        attributes,
        delta,
        tombstone,
        deletes,
        optional: reader.bool("optional").unwrap_or(false),
        samples: reader.values("samples"),
        evidence,
    })
}

fn attributes(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> BTreeMap<String, (Type, Expr)> {
    let mut attributes = BTreeMap::new();
    for word in TYPES {
        let is = match word {
            "int" => Type::Int,
            "bool" => Type::Bool,
            "date" => Type::Date,
            "texts" => Type::List(Box::new(Type::Text)),
            "any" => Type::Any,
            _ => Type::Text,
        };
        for (name, node) in reader.map(word) {
            let mut findings = Vec::new();
            let found = place.check(&node, &mut findings);
            shape::report(reader, findings);
            if !like(&found, &is) {
                let message = format!("`{}` is declared as {is}, and this is {found}", name.text);
                let finding =
                    reader.error(code::TYPES, node.span.clone(), message, format!("this is {found}"));
                reader.report(finding);
            }
            if attributes.insert(name.text.clone(), (is.clone(), node.expr)).is_some() {
                let message = format!("there are two attributes `{}`", name.text);
                let finding = reader.error(code::DUPLICATE, name.span.clone(), message, "the second");
                reader.report(finding);
            }
        }
    }
    attributes
}
