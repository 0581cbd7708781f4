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
use xops_kernel::expr::{Expr, Path, Segment};
use xops_kernel::value::{Type, Value, Values};

/// The longest duration, in milliseconds: ten years.
pub const DURATION_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

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
        self.to_reference(node)
    }

    /// A reference that must be there.
    pub fn required_reference(&mut self, name: &str) -> Option<Reference> {
        if self.require(name) { self.reference(name) } else { None }
    }

    fn to_reference(&mut self, node: &Node) -> Option<Reference> {
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
        items.iter().filter_map(|node| self.to_reference(node)).collect()
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

    /// Every block of `kind`. `labels` names what its labels are; one that ends with `?` may be missing. Blocks with other
    /// numbers of labels are reported and left out.
    pub fn blocks(&mut self, kind: &str, labels: &[&str]) -> Vec<&'a Block> {
        self.blocks.insert(kind.to_owned());
        let most = labels.len();
        let least = labels.iter().filter(|label| !label.ends_with('?')).count();
        let (mut taken, body) = (Vec::new(), self.body);
        for block in body.blocks.iter().filter(|block| block.kind.text == kind) {
            if (least..=most).contains(&block.labels.len()) {
                taken.push(block);
                continue;
            }
            let form: Vec<String> =
                labels.iter().map(|label| format!("\"{}\"", label.trim_end_matches('?'))).collect();
            let message = match most {
                0 => format!("`{kind}` has no label here, and {} stand there", block.labels.len()),
                _ => format!(
                    "`{kind}` has {most} label{}, not {}",
                    if most == 1 { "" } else { "s" },
                    block.labels.len()
                ),
            };
            let form = std::iter::once(kind.to_owned()).chain(form).collect::<Vec<_>>().join(" ");
            let finding = self
                .error(code::LABELS, block.head(), message, "")
                .help(format!("it is written `{form} {{ ... }}`"));
            self.refused = true;
            self.findings.push(finding);
        }
        taken
    }

    /// The block of `kind` that stands at most once, without labels.
    pub fn block(&mut self, kind: &str) -> Option<&'a Block> {
        let blocks = self.blocks(kind, &[]);
        for again in blocks.iter().skip(1) {
            let message = format!("{} has more than one `{kind}`", self.what);
            let finding = self
                .error(code::ONCE, again.head(), message, "another one")
                .related(&*self.body.file, blocks[0].head(), "the first")
                .help("put them together".to_owned());
            self.findings.push(finding);
        }
        blocks.first().copied()
    }

    /// Reports every attribute and block that was never asked for, and what is missing.
    pub fn finish(mut self) {
        for name in std::mem::take(&mut self.missing) {
            let unknown = self
                .body
                .attributes
                .iter()
                .filter(|attribute| !self.attributes.contains(&attribute.name.text));
            let misspelt = unknown.map(|attribute| meant(&attribute.name.text, &self.attributes));
            let told = format!("did you mean `{name}`?");
            if misspelt.flatten().all(|meant| meant != told) {
                self.missing(&format!("`{name}`"));
            }
        }
        for attribute in &self.body.attributes {
            let name = &attribute.name;
            if self.attributes.contains(&name.text) {
                continue;
            }
            let message = format!("{} has no attribute `{}`", self.what, name.text);
            let mut finding = self.error(code::UNKNOWN_WORD, name.span.clone(), message, "not known here");
            finding = if self.blocks.contains(&name.text) {
                finding.help(format!("`{0}` is a block: write `{0} {{ ... }}` without `=`", name.text))
            } else {
                finding.help(meant(&name.text, &self.attributes))
            };
            self.findings.push(finding);
        }
        for block in &self.body.blocks {
            if self.blocks.contains(&block.kind.text) {
                continue;
            }
            let message = format!("{} has no block `{}`", self.what, block.kind.text);
            let mut finding =
                self.error(code::UNKNOWN_BLOCK, block.kind.span.clone(), message, "not known here");
            finding = if self.attributes.contains(&block.kind.text) {
                finding.help(format!("`{0}` is an attribute: write `{0} = ...`", block.kind.text))
            } else {
                finding.help(meant(&block.kind.text, &self.blocks))
            };
            self.findings.push(finding);
        }
    }
}

fn meant(word: &str, known: &BTreeSet<String>) -> Option<String> {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    suggest(word, names.iter().copied()).or_else(|| there_are(&names))
}

/// What there is, as a sentence; nothing where there is nothing.
pub fn there_are<S: AsRef<str>>(names: &[S]) -> Option<String> {
    match names {
        [] => None,
        [only] => Some(format!("there is only `{}`", only.as_ref())),
        many => Some(format!("there are {}", listed(many))),
    }
}

/// The names in backticks, with commas; after the twelfth only their number.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let mut shown: Vec<String> = names.iter().take(12).map(|name| format!("`{}`", name.as_ref())).collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    shown.join(", ")
}

/// What an expression is, in words.
pub fn describe(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Value::Null) => "`null`".to_owned(),
        Expr::Literal(Value::Bool(truth)) => format!("`{truth}`"),
        Expr::Literal(Value::Int(_) | Value::Decimal(_)) => "a number".to_owned(),
        Expr::Literal(Value::Text(_)) => "a text".to_owned(),
        Expr::Literal(Value::List(_)) | Expr::List(_) => "a list".to_owned(),
        Expr::Literal(Value::Map(_)) | Expr::Object(_) => "an object".to_owned(),
        Expr::Ref(path) => format!("the reference `{path}`"),
        Expr::Call(function, _) => format!("a call of `{}`", function.name()),
        Expr::Not(_) | Expr::Binary(..) | Expr::If(..) => "an expression".to_owned(),
    }
}

/// The words of a path that is made of names only: `["facet", "identity", "groups"]`.
pub fn words(path: &Path) -> Option<Vec<&str>> {
    let names = path.segments.iter().map(|segment| match segment {
        Segment::Attr(name) => Some(name.as_str()),
        Segment::Index(_) | Segment::Splat => None,
    });
    std::iter::once(Some(path.root.as_str())).chain(names).collect()
}

const TYPES: [&str; 6] = ["any", "bool", "date", "int", "map", "text"];

/// Reads a type: `text`, `list(text)`.
pub fn type_from(text: &str) -> Option<Type> {
    let mut lists = 0;
    let mut inner = text.trim();
    while let Some(of) = inner.strip_prefix("list(").and_then(|rest| rest.strip_suffix(')')) {
        lists += 1;
        inner = of.trim();
    }
    let base = match inner {
        "any" => Type::Any,
        "bool" => Type::Bool,
        "date" => Type::Date,
        "int" => Type::Int,
        "map" => Type::Map,
        "text" => Type::Text,
        "list" => Type::List(Box::new(Type::Any)),
        _ => return None,
    };
    (lists <= 4).then(|| (0..lists).fold(base, |of, _| Type::List(Box::new(of))))
}

/// Reads a duration: an integer and one of `ms`, `s`, `m`, `h`, `d`; at most [`DURATION_MS_MAX`].
pub fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|duration| *duration <= DURATION_MS_MAX)
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
    fn durations_and_types_are_read_from_their_words() {
        assert_eq!(duration_ms("24h"), Some(86_400_000));
        assert_eq!(duration_ms("500ms"), Some(500));
        for no_duration in ["", "h", "24", "1.5h", "-1s", "99999999999999999999s", "4000d", "1 h", "２h"] {
            assert_eq!(duration_ms(no_duration), None, "{no_duration}");
        }
        assert_eq!(type_from("list(text)"), Some(Type::List(Box::new(Type::Text))));
        assert_eq!(type_from(&format!("{}text{}", "list(".repeat(9), ")".repeat(9))), None);
        assert_eq!(type_from("string"), None);
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
