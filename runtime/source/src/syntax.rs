//! Blocks and attributes with their places: what a file is made of, before it means anything.
//!
//! Invariants: every node knows its bytes; an expression here is one that the kernel can evaluate, so templates, loops,
//! unknown functions and fractions were refused with findings; what was refused stands as `null` and says so, so that one
//! mistake is reported once.

use crate::code;
use crate::finding::Finding;
use crate::lines::LineIndex;
use crate::scan;
use std::ops::Range;
use std::sync::Arc;
use xops_kernel::declare::Origin;
use xops_kernel::expr::{Expr, Path};
use xops_kernel::value::Value;

mod lower;

/// A file, or what stands between the braces of a block.
#[derive(Clone, Debug)]
pub struct Body {
    /// The attributes, in the order of writing.
    pub attributes: Vec<Attribute>,
    /// The blocks, in the order of writing.
    pub blocks: Vec<Block>,
    /// Its bytes.
    pub span: Range<usize>,
    /// The file.
    pub file: Arc<str>,
    /// The lines of the file.
    pub lines: Arc<LineIndex>,
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Word,
    /// The value.
    pub value: Node,
}

/// A word with its place: a name, a kind, a label (with its quotes, if it has any).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, without quotes.
    pub text: String,
    /// Its bytes.
    pub span: Range<usize>,
}

/// `kind "label" ... { ... }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The kind.
    pub kind: Word,
    /// The labels.
    pub labels: Vec<Word>,
    /// What stands in it.
    pub body: Body,
    /// Its bytes, from the kind to the closing brace.
    pub span: Range<usize>,
}

/// An expression with its places.
#[derive(Clone, Debug)]
pub struct Node {
    /// The expression; `null` where it was refused.
    pub expr: Expr,
    /// Its bytes.
    pub span: Range<usize>,
    /// Every reference in it, in the order of writing, with its bytes.
    pub refs: Vec<(Path, Range<usize>)>,
    /// The places of its parts.
    pub places: Places,
}

/// The places of an expression's parts, in the order of the expression's own: operands, arguments, elements, members.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The bytes of the whole.
    pub span: Range<usize>,
    /// The places of the parts.
    pub parts: Vec<Places>,
    /// The bytes of the members' names, for an object.
    pub names: Vec<Range<usize>>,
    /// Whether it, or a part of it, was refused.
    pub refused: bool,
}

impl Body {
    /// Where `span` stands, as declarations keep it.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        Origin { file: self.file.to_string(), line: self.lines.line(span.start) }
    }

    /// The attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.text == name)
    }
}

impl Block {
    /// The bytes of its head: kind and labels.
    pub fn head(&self) -> Range<usize> {
        self.kind.span.start..self.labels.last().unwrap_or(&self.kind).span.end
    }

    /// Its head as people quote it: `` system `okta` ``.
    pub fn title(&self) -> String {
        let labels: Vec<&str> = self.labels.iter().map(|label| label.text.as_str()).collect();
        if labels.is_empty() {
            format!("`{}`", self.kind.text)
        } else {
            format!("{} `{}`", self.kind.text, labels.join(" "))
        }
    }

    /// The label at `at`; empty where there is none.
    pub fn label(&self, at: usize) -> &str {
        self.labels.get(at).map_or("", |label| label.text.as_str())
    }
}

impl Node {
    /// Whether it, or a part of it, was refused already.
    pub fn refused(&self) -> bool {
        self.places.refused
    }

    /// Its value, if it is a literal or made of literals only.
    pub fn value(&self) -> Option<Value> {
        literal(&self.expr)
    }

    /// The text, if it is a literal text.
    pub fn text(&self) -> Option<&str> {
        match &self.expr {
            Expr::Literal(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The path, if it is a reference and nothing else.
    pub fn path(&self) -> Option<&Path> {
        match &self.expr {
            Expr::Ref(path) => Some(path),
            _ => None,
        }
    }

    /// Its elements, if it is a list.
    pub fn items(&self) -> Option<Vec<Node>> {
        match &self.expr {
            Expr::List(items) => {
                Some(items.iter().zip(&self.places.parts).map(|(item, at)| self.part(item, at)).collect())
            }
            _ => None,
        }
    }

    /// Its members, if it is an object.
    pub fn members(&self) -> Option<Vec<(Word, Node)>> {
        let Expr::Object(members) = &self.expr else { return None };
        let places = self.places.names.iter().zip(&self.places.parts);
        let member = |((name, member), (span, at)): (&(String, Expr), (&Range<usize>, &Places))| {
            (Word { text: name.clone(), span: span.clone() }, self.part(member, at))
        };
        Some(members.iter().zip(places).map(member).collect())
    }

    fn part(&self, expr: &Expr, places: &Places) -> Node {
        let within = |span: &Range<usize>| places.span.start <= span.start && span.end <= places.span.end;
        let refs = self.refs.iter().filter(|(_, span)| within(span)).cloned().collect();
        Node { expr: expr.clone(), span: places.span.clone(), refs, places: places.clone() }
    }
}

fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Literal(value) => Some(value.clone()),
        Expr::List(items) => items.iter().map(literal).collect::<Option<_>>().map(Value::List),
        Expr::Object(members) => {
            let member = |(name, member): &(String, Expr)| literal(member).map(|value| (name.clone(), value));
            members.iter().map(member).collect::<Option<_>>().map(Value::Map)
        }
        _ => None,
    }
}

/// Parses the bytes of `file`. What is wrong goes to `findings`: the first mistake of syntax, every unsupported expression.
/// `None` where nothing of the file can be used.
pub fn parse(file: &str, text: &[u8], findings: &mut Vec<Finding>) -> Option<Body> {
    let admitted = match scan::admit(file, text) {
        Ok(admitted) => admitted,
        Err(finding) => {
            findings.push(*finding);
            return None;
        }
    };
    match hcl_edit::parser::parse_body(admitted.text) {
        Ok(body) => Some(lower::body(&body, file, admitted.text, findings)),
        Err(error) => {
            findings.push(syntax_error(file, &admitted, &error));
            None
        }
    }
}

fn syntax_error(file: &str, admitted: &scan::Admitted<'_>, error: &hcl_edit::parser::Error) -> Finding {
    let at = error.location().offset();
    let width = admitted.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let message = error.message();
    if message.contains("nesting depth") {
        return scan::too_deep(file, at..at + width);
    }
    if message.contains("redefined") {
        return Finding::error(
            code::TWICE,
            file,
            at..at + width,
            "this name is written twice in one block",
            "the second",
        )
        .why("two values for one name: whichever were taken, the other would be lost")
        .help("keep one of them".to_owned());
    }
    let finding = Finding::error(code::SYNTAX, file, at..at + width, format!("syntax: {message}"), "here");
    let finding =
        finding.why("only the first mistake of syntax in a file can be told; the rest of it was not read");
    match admitted.unclosed {
        Some(open) => finding.related(file, open..open + 1, "this is never closed"),
        None => finding.help(oneline(admitted.text, at)),
    }
}

/// The rule that people who write one line run into.
fn oneline(text: &str, at: usize) -> Option<String> {
    let start = text[..at.min(text.len())].rfind('\n').map_or(0, |line| line + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    (line.matches('=').count() > 1).then(|| {
        "an attribute ends at the end of its line: only a block with a single attribute fits on one"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::expr::Op;

    fn only(text: &str) -> (Node, Vec<Finding>) {
        let mut findings = Vec::new();
        let body = parse("a.hcl", format!("a = {text}\n").as_bytes(), &mut findings).unwrap();
        (body.attributes[0].value.clone(), findings)
    }

    fn check(text: &str, expect: &[&str]) {
        let mut findings = Vec::new();
        parse("a.hcl", format!("a = {text}\n").as_bytes(), &mut findings);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, expect, "{text}: {findings:?}");
    }

    #[test]
    fn an_expression_keeps_the_places_of_its_parts() {
        let (node, findings) = only("person.type == \"x\" && !(person.done)");
        assert_eq!(findings, []);
        assert_eq!(node.span, 4..40);
        let places: Vec<_> = node.refs.iter().map(|(path, span)| (path.to_string(), span.clone())).collect();
        assert_eq!(places, [("person.type".to_owned(), 4..15), ("person.done".to_owned(), 28..39)]);
        assert!(matches!(node.expr, Expr::Binary(Op::And, ..)));
        assert_eq!(node.places.parts[0].parts[1].span, 19..22);
    }

    #[test]
    fn what_the_kernel_cannot_evaluate_is_refused() {
        check("\"${b}\"", &[code::TEMPLATE]);
        check("\"%{ if b }x%{ endif }\"", &[code::TEMPLATE]);
        check("<<E\nx ${b}\nE", &[code::TEMPLATE]);
        check("[for x in y : x]", &[code::LOOP]);
        check("{for k, v in y : k => v}", &[code::LOOP]);
        check("contians(a, b)", &[code::UNKNOWN_FUNCTION]);
        check("ns::lower(a)", &[code::UNKNOWN_FUNCTION]);
        check("lower()", &[code::ARGUMENTS]);
        check("lower(a...)", &[code::UNSUPPORTED]);
        check("1.5", &[code::NUMBER]);
        check("[99999999999999999999, 1e3]", &[code::NUMBER, code::NUMBER]);
        check("b * 2 + c / d", &[code::UNSUPPORTED, code::UNSUPPORTED]);
        check("-b", &[code::UNSUPPORTED]);
        check("b[c]", &[code::UNSUPPORTED]);
        check("lower(b).c", &[code::UNSUPPORTED]);
        check("{ (b) = 1 }", &[code::UNSUPPORTED]);
        check("{ b = 1, \"b\" = 2 }", &[code::TWICE]);
        check(&format!("{}true", "!".repeat(40)), &[code::TOO_DEEP]);
        check("1\na = 2", &[code::TWICE]);
        check("[", &[code::SYNTAX]);
    }

    #[test]
    fn what_it_can_is_taken() {
        check("first([person.a, item[0].b, item[*].c, item.*.d, e[\"f-g\"]])", &[]);
        check("<<-E\n  a text\n  E", &[]);
        check("{ a = -1, b-c = [true, null], \"@d\" = x ? 1 : 2 }", &[]);
        check("\"$${not} %%{one}\"", &[]);
    }
}
