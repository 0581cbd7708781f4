//! The parts that calls, lookups and reads share: the request, and the rules by which answers are judged.

use super::place::Place;
use super::{Context, body};
use crate::code;
use crate::model::{Answers, Body, ErrorRule, Exprs, Piece, Rules, Shape, Template, Word};
use xops_kernel::expr::{Expr, Path, Segment, references};
use xops_source::finding::{Finding, suggest};
use xops_source::reader::{Reader, listed};
use xops_source::syntax::{Node, Word as Name};

pub(super) const METHODS: [(&str, &str); 5] =
    [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")];

/// What answers may be made of.
pub(super) const ANSWERS: [&str; 3] = ["json", "xml", "nothing"];

/// What a word of [`ANSWERS`] says.
pub(super) fn answers(word: &str) -> Answers {
    match word {
        "xml" => Answers::Xml,
        "json" => Answers::Json,
        _ => Answers::Nothing,
    }
}

/// Reads the request of a block.
pub(super) fn shape(reader: &mut Reader<'_, '_>, place: &Place<'_>, context: &Context<'_>) -> Option<Shape> {
    if let Some(block) = super::ldap::block(reader) {
        return super::ldap::shape(reader, place, context, block);
    }
    let mut methods: Vec<(&'static str, String)> = Vec::new();
    for (word, method) in METHODS {
        if reader.has(word) {
            methods.push((method, reader.text(word)?));
        }
    }
    let body = body::body(reader, place, context.soap);
    let content_type = body::content_type(reader, &body);
    let query = exprs(reader, place, "query");
    let headers = headers(reader, place);
    let timeout_ms = reader.duration_ms("timeout").unwrap_or(context.timeout_ms);
    let [(method, path)] = methods.as_slice() else {
        let message = match methods.len() {
            0 => "there is no request".to_owned(),
            _ => "there is more than one request".to_owned(),
        };
        let finding = reader.error(code::METHOD, reader.head(), message, "here").help(
            "write one of `get`, `post`, `put`, `patch`, `delete` with the path: get = \"/users/{id}\""
                .to_owned(),
        );
        reader.report(finding);
        return None;
    };
    if *method == "GET" && body != Body::None {
        let finding = reader.error(code::BODY, reader.head(), "a `get` has a body", "here");
        reader.report(finding);
    }
    let base = base(reader, context);
    let span = reader.span_of(&method.to_lowercase());
    let path = match template(path) {
        Ok(path) => path,
        Err(why) => {
            let finding = reader.error(code::PATH, span, format!("the path {why}"), "in this path");
            let help =
                "a path starts with `/` and has its query apart: get = \"/users/{id}\", query = { ... }";
            reader.report(finding.help(help.to_owned()));
            return None;
        }
    };
    for piece in &path.0 {
        if let Piece::Hole(hole) = piece
            && let Err(finding) = place.type_of(hole, &span)
        {
            reader.report(*finding);
        }
    }
    let answers = reader.choice("answers", &ANSWERS).map_or(context.answers, answers);
    Some(Shape { method, base, path, query, headers, body, content_type, answers, timeout_ms })
}

/// Reads `base = "var:x"`: the variable that holds the base address, where it is not `base_url`.
fn base(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> Option<String> {
    let text = reader.text("base")?;
    let Some(var) = text.strip_prefix("var:").filter(|var| context.vars.contains_key(*var)) else {
        let finding = reader
            .error(
                code::MEMBER,
                reader.span_of("base"),
                format!("`{text}` names no variable"),
                "not declared",
            )
            .help("declare it and name it: base = \"var:admin_url\"".to_owned());
        reader.report(finding);
        return None;
    };
    Some(var.to_owned())
}

/// Reads a path with holes; the error completes "the path ...".
fn template(text: &str) -> Result<Template, String> {
    if !text.starts_with('/') || text.contains(['?', '#', '\\']) || text.chars().any(char::is_whitespace) {
        return Err("is not one".to_owned());
    }
    pieces(text)
}

/// Reads a text with holes; the error completes "the text ...".
pub(super) fn pieces(text: &str) -> Result<Template, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}').ok_or("has a `{` that is never closed")?;
        let words: Vec<&str> = hole.split('.').collect();
        let proper =
            |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !words.iter().all(proper) {
            return Err(format!("has a placeholder `{{{hole}}}` that is no name"));
        }
        pieces.push(Piece::Text(before.to_owned()));
        let path = match words.as_slice() {
            ["key"] => Path { root: "key".to_owned(), segments: Vec::new() },
            [input] => Path::of("input", &[input]),
            [root, rest @ ..] => Path::of(root, rest),
            [] => return Err("has an empty placeholder".to_owned()),
        };
        pieces.push(Piece::Hole(path));
        rest = after;
    }
    if rest.contains('}') {
        return Err("has a `}` that was never opened".to_owned());
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    Ok(Template(pieces))
}

/// Reads `headers`; what belongs to the wire is refused.
pub(super) fn headers(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> Exprs {
    let named = reader.map("headers");
    for (name, _) in &named {
        let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let ours = ["authorization", "host", "content-length", "content-type", "cookie", "connection"];
        if name.text.is_empty() || !name.text.chars().all(proper) || ours.contains(&name.text.as_str()) {
            let message = format!("`{}` is no header that a manifest may set", name.text);
            let finding = reader
                .error(code::HEADER, name.span.clone(), message, "not this")
                .help("write names in lower case; credentials and framing are the wire's".to_owned());
            reader.report(finding);
        }
    }
    checked(reader, place, named)
}

/// Reports all of `findings`.
pub(super) fn report(reader: &mut Reader<'_, '_>, findings: Vec<Finding>) {
    for finding in findings {
        reader.report(finding);
    }
}

/// An expression, checked in `place`.
pub(super) fn expr(reader: &mut Reader<'_, '_>, place: &Place<'_>, name: &str) -> Option<Expr> {
    let node = reader.expr(name)?;
    let mut findings = Vec::new();
    place.check(node, &mut findings);
    report(reader, findings);
    Some(node.expr.clone())
}

/// A condition, checked in `place`.
pub(super) fn condition(reader: &mut Reader<'_, '_>, place: &Place<'_>, name: &str) -> Option<Expr> {
    let node = reader.expr(name)?;
    let mut findings = Vec::new();
    place.condition(node, &mut findings);
    report(reader, findings);
    Some(node.expr.clone())
}

/// Named expressions, checked in `place`.
pub(super) fn exprs(reader: &mut Reader<'_, '_>, place: &Place<'_>, name: &str) -> Exprs {
    let named = reader.map(name);
    checked(reader, place, named)
}

/// The same for expressions that were read already.
pub(super) fn checked(reader: &mut Reader<'_, '_>, place: &Place<'_>, named: Vec<(Name, Node)>) -> Exprs {
    let mut findings = Vec::new();
    for (_, node) in &named {
        place.check(node, &mut findings);
    }
    report(reader, findings);
    named.into_iter().map(|(name, node)| (name.text, node.expr)).collect()
}

/// Reads `error "word" { when = ... }` blocks and `ok`.
pub(super) fn rules(reader: &mut Reader<'_, '_>, place: &Place<'_>) -> Rules {
    let place = Place { response: true, page: false, ..*place };
    let mut errors = Vec::new();
    for block in reader.blocks("error", &["outcome"]) {
        let Some(label) = block.labels.first() else { continue };
        let mut inner = reader.within(block);
        let when = if inner.require("when") { condition(&mut inner, &place, "when") } else { None };
        inner.finish();
        let Some(word) = Word::of(&label.text) else {
            let words: Vec<&str> = Word::ALL.iter().map(|(word, _)| *word).collect();
            let help = suggest(&label.text, words.iter().copied())
                .unwrap_or_else(|| format!("it is one of {}", listed(&words)));
            let message = format!("there is no outcome `{}`", label.text);
            let finding =
                reader.error(code::OUTCOME, label.span.clone(), message, "not an outcome").help(help);
            reader.report(finding);
            continue;
        };
        if let Some(when) = when {
            let reads_body = references(&when)
                .iter()
                .any(|path| path.root == "response" && matches!(path.first(), Some("body")));
            errors.push(ErrorRule { word, when, reads_body });
        }
    }
    Rules { errors, ok: condition(reader, &place, "ok") }
}

/// The name of the first attribute of a path, where it is `root.name` and nothing else.
pub(super) fn plain<'a>(path: &'a Path, root: &str) -> Option<&'a str> {
    match path.segments.as_slice() {
        [Segment::Attr(name)] if path.root == root => Some(name),
        _ => None,
    }
}
