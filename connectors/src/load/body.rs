//! The body of a request, and how it is called.

use super::place::Place;
use super::shape::{expr, exprs};
use crate::code;
use crate::model::Body;
use crate::parts::FILE;
use xops_kernel::expr::Expr;
use xops_source::reader::Reader;

const KINDS: [&str; 5] = ["json", "form", "parts", "soap", "xml"];

/// Reads one of `json`, `form`, `parts`, `soap`, `xml`.
pub(super) fn body(reader: &mut Reader<'_, '_>, place: &Place<'_>, soap: bool) -> Body {
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| reader.has(kind)).collect();
    let keep_null = reader.bool("keep_null").unwrap_or(false);
    for kind in &kinds {
        reader.attribute(kind);
    }
    if let [_, second, ..] = kinds.as_slice() {
        let finding =
            reader.error(code::BODY, reader.span_of(second), "there is more than one body", "another body");
        reader.report(finding);
    }
    if kinds.contains(&"soap") && !soap {
        let message = "a SOAP body needs the manifest's `soap` block";
        let finding = reader.error(code::BODY, reader.span_of("soap"), message, "no envelope for it");
        reader.report(finding);
    }
    match kinds.first() {
        Some(&"json") => match expr(reader, place, "json") {
            Some(value) => Body::Json { value, keep_null },
            None => Body::None,
        },
        Some(&"form") => Body::Form(exprs(reader, place, "form")),
        Some(&"parts") => {
            let members = exprs(reader, place, "parts");
            for (name, expr) in &members {
                whole_file(reader, name, expr);
            }
            Body::Parts(members)
        }
        Some(kind) => element(reader, place, kind),
        None => Body::None,
    }
}

/// A part that is written as an object is a file: it says its name and its content, and nothing that nobody reads.
fn whole_file(reader: &mut Reader<'_, '_>, name: &str, expr: &Expr) {
    let Expr::Object(members) = expr else { return };
    let has = |name: &&str| members.iter().any(|(member, _)| member == name);
    let known = members.iter().all(|(member, _)| FILE.contains(&member.as_str()));
    if known && FILE[..2].iter().all(has) {
        return;
    }
    let message = format!("the part `{name}` is no file");
    let finding = reader
        .error(code::BODY, reader.span_of("parts"), message, "a file has a name and a content")
        .help(format!("write it so: {name} = {{ name = input.file_name, base64 = input.content }}, with `type` where it matters"));
    reader.report(finding);
}

fn element(reader: &mut Reader<'_, '_>, place: &Place<'_>, kind: &str) -> Body {
    let Some(content) = expr(reader, place, kind) else { return Body::None };
    if !one_element(&content) {
        let what = if kind == "soap" { "SOAP" } else { "XML" };
        let message = if kind == "soap" {
            "the SOAP body is not one request element"
        } else {
            "the XML body is not one element"
        };
        let finding = reader
            .error(code::BODY, reader.span_of(kind), message, "not an object of one member")
            .help(format!("{what} has one root: write {kind} = {{ Name_of_the_Request = {{ ... }} }}"));
        reader.report(finding);
    }
    if kind == "soap" { Body::Soap(content) } else { Body::Xml(content) }
}

fn one_element(content: &Expr) -> bool {
    match content {
        Expr::Object(members) => members.len() == 1,
        Expr::If(_, yes, no) => one_element(yes) && one_element(no),
        _ => false,
    }
}

/// Reads `content_type`, for systems that want the body called otherwise: `application/scim+json`.
pub(super) fn content_type(reader: &mut Reader<'_, '_>, body: &Body) -> Option<String> {
    let kind = reader.text("content_type")?;
    let fits = match body {
        // The boundary of parts is made with them.
        Body::None | Body::Parts(_) | Body::Directory(_) => false,
        Body::Json { .. } => kind.contains("json"),
        Body::Form(_) => kind.contains("form"),
        Body::Soap(_) | Body::Xml(_) => kind.contains("xml"),
    };
    let proper = |c: char| c.is_ascii_alphanumeric() || "/+-._;= ".contains(c);
    if !fits || !kind.chars().all(proper) {
        let finding = reader
            .error(code::BODY, reader.span_of("content_type"), format!("the body is no `{kind}`"), "another")
            .help("write it as the vendor calls it: content_type = \"application/scim+json\"".to_owned());
        reader.report(finding);
    }
    Some(kind)
}
