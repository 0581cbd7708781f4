//! Typed access to a body: what is asked for is read, what was never asked for is reported.
//!
//! Invariants: a reader reports each mistake once and goes on; asking for a name twice is harmless; nothing is unknown before
//! [`Reader::finish`], because only then everything has been asked for.

use crate::code;
use crate::finding::{Finding, suggest};
use crate::syntax::{Attribute, Block, Body, Node, Word};
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use xops_kernel::declare::Origin;
use xops_kernel::expr::{Expr, Path};
use xops_kernel::value::{Type, Value, Values};

mod blocks;
mod words;

use words::TYPES;
pub use words::{DURATION_MS_MAX, describe, duration_ms, listed, there_are, type_from, words};

/// Reads one body.
#[derive(Debug)]
pub struct Reader<'a, 'f> {
    body: &'a Body,
    what: String,
    head: Range<usize>,
    findings: &'f mut Vec<Finding>,
    attributes: BTreeSet<String>,
    blocks: BTreeSet<String>,
    refused: bool,
    missing: Vec<String>,
}

/// A reference with its place.
pub type Reference = (Path, Range<usize>);

impl<'a, 'f> Reader<'a, 'f> {
    /// Reads a whole file.
    pub fn file(body: &'a Body, findings: &'f mut Vec<Finding>) -> Self {
        Self::new(body, "the file", body.span.start..body.span.start, findings)
    }

    /// Reads what stands in `block`.
    pub fn block_of(block: &'a Block, findings: &'f mut Vec<Finding>) -> Self {
        Self::new(&block.body, block.title(), block.head(), findings)
    }

    /// Reads `body`, which people know as `what`; what is missing is reported at `head`.
    pub fn new(
        body: &'a Body,
        what: impl Into<String>,
        head: Range<usize>,
        findings: &'f mut Vec<Finding>,
    ) -> Self {
        let (attributes, blocks) = (BTreeSet::new(), BTreeSet::new());
        Self {
            body,
            what: what.into(),
            head,
            findings,
            attributes,
            blocks,
            refused: false,
            missing: Vec::new(),
        }
    }

    /// Reads a block inside this one, into the same findings.
    pub fn within<'b>(&mut self, block: &'b Block) -> Reader<'b, '_> {
        Reader::block_of(block, self.findings)
    }

    /// Where `span` stands.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        self.body.origin(span)
    }

    /// The name of the file.
    pub fn name_of_file(&self) -> &'a str {
        &self.body.file
    }

    /// The bytes of the head: what a mistake of the whole is reported at.
    pub fn head(&self) -> Range<usize> {
        self.head.clone()
    }

    /// Records a mistake of the caller's own.
    pub fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// An error of the caller's own at `span`, to be completed and reported.
    pub fn error(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Finding {
        Finding::error(code, &*self.body.file, span, message, label)
    }

    /// Whether something that was asked for was refused.
    pub fn refused(&self) -> bool {
        self.refused
    }

    /// The attribute `name`, unread.
    pub fn attribute(&mut self, name: &str) -> Option<&'a Attribute> {
        self.attributes.insert(name.to_owned());
        self.body.attribute(name)
    }

    /// Whether the attribute `name` stands there.
    pub fn has(&self, name: &str) -> bool {
        self.body.attribute(name).is_some()
    }

    /// Reports the attribute `name`, on finishing, if it is missing and no misspelling of it was found.
    pub fn require(&mut self, name: &str) -> bool {
        if self.attribute(name).is_some() {
            return true;
        }
        self.refused = true;
        self.missing.push(name.to_owned());
        false
    }

    /// Reports that `what` is missing.
    pub fn missing(&mut self, what: &str) {
        let message = format!("{} has no {what}", self.what);
        let finding =
            self.error(code::MISSING, self.head.clone(), message, format!("{what} is missing here"));
        self.refused = true;
        self.findings.push(finding);
    }

    fn wrong(&mut self, node: &Node, expected: &str) {
        self.refused = true;
        if node.refused() {
            return;
        }
        let message = format!("expected {expected}, found {}", describe(&node.expr));
        let mut finding = Finding::error(
            code::WRONG_VALUE,
            &*self.body.file,
            node.span.clone(),
            message,
            format!("not {expected}"),
        );
        if let (Expr::Ref(path), "a text") = (&node.expr, expected) {
            finding = finding.help(format!("a text stands in quotes: \"{path}\""));
        }
        self.findings.push(finding);
    }

    fn read<T>(&mut self, name: &str, expected: &str, take: impl FnOnce(&Node) -> Option<T>) -> Option<T> {
        let node = &self.attribute(name)?.value;
        let taken = if node.refused() { None } else { take(node) };
        if taken.is_none() {
            self.wrong(node, expected);
        }
        taken
    }

    /// The bytes of the value of `name`, or of the head where it is missing.
    pub fn span_of(&self, name: &str) -> Range<usize> {
        self.body.attribute(name).map_or(self.head.clone(), |attribute| attribute.value.span.clone())
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text", |node| node.text().map(str::to_owned))
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str) -> Option<String> {
        if self.require(name) { self.text(name) } else { None }
    }

    /// An integer of `range`.
    pub fn int(&mut self, name: &str, range: &RangeInclusive<i64>) -> Option<i64> {
        let number = self.read(name, "an integer", |node| match node.expr {
            Expr::Literal(Value::Int(number)) => Some(number),
            _ => None,
        })?;
        if range.contains(&number) {
            return Some(number);
        }
        let message = format!("`{name}` is {number}, not in {} to {}", range.start(), range.end());
        let finding = self.error(code::RANGE, self.span_of(name), message, "out of range");
        self.refused = true;
        self.findings.push(finding);
        None
    }

    /// `true` or `false`.
    pub fn bool(&mut self, name: &str) -> Option<bool> {
        self.read(name, "`true` or `false`", |node| match node.expr {
            Expr::Literal(Value::Bool(truth)) => Some(truth),
            _ => None,
        })
    }

    /// A duration such as `"24h"` or `"500ms"`, in milliseconds.
    pub fn duration_ms(&mut self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let duration = duration_ms(&text);
        if duration.is_none() {
            let message = format!("`{text}` is no duration");
            let finding = self
                .error(code::DURATION, self.span_of(name), message, "not understood")
                .help("write an integer and a unit: \"500ms\", \"30s\", \"15m\", \"24h\", \"7d\"; at most ten years".to_owned());
            self.refused = true;
            self.findings.push(finding);
        }
        duration
    }

    /// A duration that must be there.
    pub fn required_duration_ms(&mut self, name: &str) -> Option<u64> {
        if self.require(name) { self.duration_ms(name) } else { None }
    }

    /// An expression, unless it was refused.
    pub fn expr(&mut self, name: &str) -> Option<&'a Node> {
        let node = &self.attribute(name)?.value;
        self.refused |= node.refused();
        (!node.refused()).then_some(node)
    }

    /// An expression that must be there.
    pub fn required_expr(&mut self, name: &str) -> Option<&'a Node> {
        if self.require(name) { self.expr(name) } else { None }
    }

    /// One of the words of `among`.
    pub fn choice(&mut self, name: &str, among: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let found = among.iter().copied().find(|word| *word == text);
        if found.is_none() {
            self.not_among(self.span_of(name), name, &text, among);
        }
        found
    }

    fn not_among(&mut self, span: Range<usize>, name: &str, text: &str, among: &[&str]) {
        let message = format!("`{text}` is no `{name}`");
        let help = format!("it is one of {}", listed(among));
        let help =
            suggest(text, among.iter().copied()).map_or(help.clone(), |meant| format!("{meant} {help}"));
        let finding =
            self.error(code::CHOICE, span, message, "none of the words that may stand here").help(help);
        self.refused = true;
        self.findings.push(finding);
    }

    /// A reference: `okta.user`.
    pub fn reference(&mut self, name: &str) -> Option<Reference> {
        let node = &self.attribute(name)?.value;
        self.take_reference(node)
    }

    /// A reference that must be there.
    pub fn required_reference(&mut self, name: &str) -> Option<Reference> {
        if self.require(name) { self.reference(name) } else { None }
    }

    fn take_reference(&mut self, node: &Node) -> Option<Reference> {
        if let Some(path) = node.path() {
            return Some((path.clone(), node.span.clone()));
        }
        self.refused = true;
        if !node.refused() {
            let message = format!("expected a reference, found {}", describe(&node.expr));
            let mut finding = self.error(code::REFERENCE, node.span.clone(), message, "not a reference");
            if let Some(text) = node.text().filter(|text| !text.is_empty()) {
                finding = finding.help(format!("a reference has no quotes: {text}"));
            }
            self.findings.push(finding);
        }
        None
    }

    /// A list of references; a single reference counts as a list of one.
    pub fn list_of_refs(&mut self, name: &str) -> Vec<Reference> {
        let items = self.items(name);
        items.iter().filter_map(|node| self.take_reference(node)).collect()
    }

    /// A list of texts with their places; a single text counts as a list of one.
    pub fn list_of_texts(&mut self, name: &str) -> Vec<(String, Range<usize>)> {
        let mut texts = Vec::new();
        for node in self.items(name) {
            match node.text() {
                Some(text) => texts.push((text.to_owned(), node.span.clone())),
                None => self.wrong(&node, "a text"),
            }
        }
        texts
    }

    /// The elements of a list; a single value counts as a list of itself.
    pub fn items(&mut self, name: &str) -> Vec<Node> {
        let Some(attribute) = self.attribute(name) else { return Vec::new() };
        attribute.value.items().unwrap_or_else(|| vec![attribute.value.clone()])
    }

    /// A type: `"text"`, `"list(text)"`.
    pub fn type_(&mut self, name: &str) -> Option<Type> {
        let text = self.text(name)?;
        let is = type_from(&text);
        if is.is_none() {
            let message = format!("there is no type `{text}`");
            let help = suggest(&text, TYPES)
                .unwrap_or_else(|| format!("a type is one of {}, or `list(...)` of one", listed(&TYPES)));
            let finding =
                self.error(code::UNKNOWN_TYPE, self.span_of(name), message, "unknown type").help(help);
            self.refused = true;
            self.findings.push(finding);
        }
        is
    }

    /// A type that must be there.
    pub fn required_type(&mut self, name: &str) -> Option<Type> {
        if self.require(name) { self.type_(name) } else { None }
    }

    /// Named expressions, written `name = { a = x }` or `name { a = x }`.
    pub fn map(&mut self, name: &str) -> Vec<(Word, Node)> {
        let block = self.block(name);
        let attribute = self.attribute(name);
        if let (Some(block), Some(attribute)) = (block, attribute) {
            let message = format!("`{name}` is written twice, as an attribute and as a block");
            let finding = self
                .error(code::TWICE, attribute.name.span.clone(), message, "the attribute")
                .related(&*self.body.file, block.head(), "the block")
                .help("keep one of them".to_owned());
            self.findings.push(finding);
        }
        let mut all = Vec::new();
        for block in
            self.body.blocks.iter().filter(|block| block.kind.text == name && block.labels.is_empty())
        {
            let mut inner = self.within(block);
            all.extend(inner.rest());
            inner.finish();
        }
        let Some(attribute) = attribute else { return all };
        match attribute.value.members() {
            Some(members) => all.extend(members.into_iter().filter(|(_, node)| !node.refused())),
            None => self.wrong(&attribute.value, "an object `{ ... }`"),
        }
        all
    }

    /// Named literal values, written as [`Reader::map`] takes them.
    pub fn values(&mut self, name: &str) -> Values {
        let members = self.map(name);
        members.into_iter().filter_map(|(word, node)| Some((word.text, self.literal(&node)?))).collect()
    }

    /// The value of a node that must be made of literals.
    pub fn literal(&mut self, node: &Node) -> Option<Value> {
        let value = if node.refused() { None } else { node.value() };
        if value.is_none() {
            self.refused = true;
            if !node.refused() {
                let message = format!("expected a literal value, found {}", describe(&node.expr));
                let finding = self.error(code::LITERAL, node.span.clone(), message, "not a literal");
                self.findings.push(finding);
            }
        }
        value
    }

    /// Every attribute that was not asked for yet: bodies whose names are free.
    pub fn rest(&mut self) -> Vec<(Word, Node)> {
        let mut rest = Vec::new();
        for attribute in &self.body.attributes {
            if self.attributes.insert(attribute.name.text.clone()) && !attribute.value.refused() {
                rest.push((attribute.name.clone(), attribute.value.clone()));
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    fn check(text: &str, read: impl FnOnce(&mut Reader<'_, '_>), expect: &[&str]) {
        let mut findings = Vec::new();
        let body = syntax::parse("a.hcl", text.as_bytes(), &mut findings).unwrap();
        let mut reader = Reader::file(&body, &mut findings);
        read(&mut reader);
        reader.finish();
        let said: Vec<String> =
            findings.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect();
        assert_eq!(said, expect);
    }

    #[test]
    fn what_was_not_asked_for_is_reported_and_what_was_is_read() {
        check(
            "title = \"a\"\ntitel = \"b\"\nnod \"x\" {\n}\n",
            |reader| {
                assert_eq!(reader.text("title").as_deref(), Some("a"));
                assert!(reader.blocks("node", &["name"]).is_empty());
            },
            &["XS0102 the file has no attribute `titel`", "XS0101 the file has no block `nod`"],
        );
    }

    #[test]
    fn a_refused_expression_is_reported_once() {
        check(
            "a = \"${b}\"\n",
            |reader| drop(reader.text("a")),
            &["XS0006 a text may not have an interpolation `${ }`"],
        );
    }

    #[test]
    fn a_map_is_an_attribute_or_a_block() {
        for text in ["with = { a = 1 }\n", "with { a = 1 }\n", "with {\n  a = 1\n}\n"] {
            check(
                text,
                |reader| {
                    let members = reader.map("with");
                    assert_eq!(members[0].0.text, "a");
                    assert_eq!(members[0].1.value(), Some(Value::Int(1)));
                },
                &[],
            );
        }
    }
}
