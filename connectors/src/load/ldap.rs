//! `ldap "search" { ... }`: what is asked of a directory, in the place of a method and a path.

use super::Context;
use super::place::Place;
use super::shape::{exprs, pieces};
use crate::code;
use crate::ldap::{filter, name};
use crate::model::ldap::Operation;
use crate::model::{Answers, Body, Listing, Paging, Piece, Shape, Template};
use xops_source::finding::suggest;
use xops_source::reader::{Reader, listed};
use xops_source::syntax::Block;

const OPERATIONS: [&str; 5] = ["search", "add", "modify", "delete", "rename"];

/// How the holes of a text are filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Filter,
}

/// The block, if there is one.
pub(super) fn block<'b>(reader: &mut Reader<'b, '_>) -> Option<&'b Block> {
    let blocks = reader.blocks("ldap", &["operation"]);
    if let Some(second) = blocks.get(1) {
        let finding = reader.error(code::METHOD, second.head(), "there is more than one request", "another");
        reader.report(finding);
    }
    blocks.first().copied()
}

/// Reads the block; nothing where it has a mistake.
pub(super) fn shape(
    reader: &mut Reader<'_, '_>,
    place: &Place<'_>,
    context: &Context<'_>,
    block: &Block,
) -> Option<Shape> {
    let timeout_ms = reader.duration_ms("timeout").unwrap_or(context.timeout_ms);
    let mut inner = reader.within(block);
    let read = operation(&mut inner, place, block);
    inner.finish();
    read.map(|(path, operation)| Shape {
        method: operation.method(),
        base: None,
        path,
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Directory(Box::new(operation)),
        content_type: None,
        answers: Answers::Json,
        timeout_ms,
    })
}

/// Holds a search in pages to going on: the first page of several would pass for all there is.
pub(super) fn goes_on(reader: &mut Reader<'_, '_>, shape: Option<&Shape>, listing: Option<&Listing>) {
    let paged = matches!(shape.and_then(Shape::operation), Some(Operation::Search { size: Some(_), .. }));
    let on = matches!(listing, Some(Listing { paging: Some(Paging::Cursor(_)), .. }));
    if paged && !on {
        let message = "a search in pages does not go on";
        let finding = reader
            .error(code::LISTING, reader.head(), message, "here")
            .help("say how, or leave out `size`: page \"cursor\" { next = response.body.cookie }".to_owned());
        reader.report(finding);
    }
}

fn operation(reader: &mut Reader<'_, '_>, place: &Place<'_>, block: &Block) -> Option<(Template, Operation)> {
    reader.require("dn");
    let dn = template(reader, place, "dn", Kind::Name);
    let operation = match block.label(0) {
        "search" => {
            let reach = reader.choice("scope", &["base", "one", "sub"]).unwrap_or("sub");
            let all = Template(vec![Piece::Text("(objectClass=*)".to_owned())]);
            let filter = if reader.has("filter") {
                template(reader, place, "filter", Kind::Filter)
            } else {
                Some(all)
            };
            let attributes = attributes(reader);
            let size = reader.int("size", &(1..=10_000)).and_then(|size| u32::try_from(size).ok());
            filter.map(|filter| Operation::Search { reach, filter, attributes, size })
        }
        "add" => {
            reader.require("values");
            Some(Operation::Add(exprs(reader, place, "values")))
        }
        "modify" => {
            let (add, delete) = (exprs(reader, place, "add"), exprs(reader, place, "delete"));
            let replace = exprs(reader, place, "replace");
            if add.is_empty() && delete.is_empty() && replace.is_empty() {
                let finding = reader.error(code::BODY, block.head(), "nothing is modified", "here").help(
                    "say what: add = { member = input.user }, delete = { ... } or replace = { ... }"
                        .to_owned(),
                );
                reader.report(finding);
            }
            Some(Operation::Modify { add, delete, replace })
        }
        "delete" => Some(Operation::Delete),
        "rename" => {
            reader.require("rdn");
            let rdn = template(reader, place, "rdn", Kind::Name);
            let parent =
                if reader.has("parent") { template(reader, place, "parent", Kind::Name) } else { None };
            let keep_old = reader.bool("keep_old").unwrap_or(false);
            rdn.map(|rdn| Operation::Rename { rdn, parent, keep_old })
        }
        other => {
            reader.rest();
            let help =
                suggest(other, OPERATIONS).unwrap_or_else(|| format!("it is one of {}", listed(&OPERATIONS)));
            let message = format!("a directory cannot be asked to `{other}`");
            let span = block.labels[0].span.clone();
            let finding = reader.error(code::METHOD, span, message, "no operation").help(help);
            reader.report(finding);
            None
        }
    };
    operation.and_then(|operation| Some((dn?, operation)))
}

/// Reads `attributes`: which ones, spelled as expressions spell them.
fn attributes(reader: &mut Reader<'_, '_>) -> Vec<String> {
    reader.require("attributes");
    let listed = reader.list_of_texts("attributes");
    let proper = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';');
    for (name, span) in &listed {
        if name.is_empty() || !name.chars().all(proper) {
            let message = format!("`{name}` is no attribute");
            let finding = reader
                .error(code::PATH, span.clone(), message, "badly formed")
                .help("name each attribute that is looked at: attributes = [\"uid\", \"mail\"]".to_owned());
            reader.report(finding);
        }
    }
    listed.into_iter().map(|(name, _)| name).collect()
}

fn template(reader: &mut Reader<'_, '_>, place: &Place<'_>, word: &str, kind: Kind) -> Option<Template> {
    let text = reader.text(word)?;
    let span = reader.span_of(word);
    let read = pieces(&text).and_then(|template| fits(&template, kind).map(|()| template));
    match read {
        Ok(template) => {
            for piece in &template.0 {
                if let Piece::Hole(hole) = piece
                    && let Err(finding) = place.type_of(hole, &span)
                {
                    reader.report(*finding);
                }
            }
            Some(template)
        }
        Err(why) => {
            let what = if kind == Kind::Name { "name" } else { "filter" };
            let help = match kind {
                Kind::Name => "write it so: dn = \"uid={uid},ou=people,{var.base}\"",
                Kind::Filter => "a value stands behind `=`: filter = \"(&(objectClass=person)(uid={uid}))\"",
            };
            let finding = reader.error(code::PATH, span, format!("the {what} {why}"), "in this text");
            reader.report(finding.help(help.to_owned()));
            None
        }
    }
}

/// Whether the text is of its form when its holes are filled; the error completes "the name ..." or "the filter ...".
fn fits(template: &Template, kind: Kind) -> Result<(), String> {
    let mut filled = String::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Hole(_) if kind == Kind::Name && is_name_place(&filled) => filled.push_str("dc=x"),
            Piece::Hole(hole) if kind == Kind::Filter => {
                let clause = filled.rsplit('(').next().unwrap_or_default();
                if !clause.contains('=') {
                    return Err(format!("has `{{{hole}}}` where no value stands"));
                }
                filled.push('x');
            }
            Piece::Hole(_) => filled.push('x'),
        }
    }
    if kind == Kind::Name { name::check(&filled) } else { filter::parse(&filled).map(drop) }
}

/// Whether what follows `before` is a name by itself, and not the value of an attribute of one.
pub(crate) fn is_name_place(before: &str) -> bool {
    before.is_empty() || (before.ends_with(',') && !before.ends_with("\\,"))
}
