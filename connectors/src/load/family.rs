//! Families: what several systems of one vendor or one standard say alike, written once.
//!
//! Absent: a second meaning. A manifest that `extends` a family is read as if the family's head and lookups stood in it: its
//! own attributes and its own blocks of the same kind and label win, its own `error` rules come first. What came from a family
//! is shown at the `extends` that brought it, because only there can the author of the manifest do something about it; the
//! family's own mistakes are told in the family's own file.

use crate::code;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use xops_kernel::id::Digest;
use xops_source::finding::{Finding, suggest};
use xops_source::syntax::{Attribute, Block, Body, Node, Places, Word};

/// A family and the bytes of its file.
pub(super) struct Family<'a> {
    pub(super) block: &'a Block,
    pub(super) bytes: &'a [u8],
}

/// The families by name.
pub(super) type Families<'a> = BTreeMap<String, Family<'a>>;

/// What must stand once, whatever its label: the manifest's own replaces the family's.
const SINGLE: [&str; 2] = ["auth", "soap"];

/// `block` with what its family says; itself where it extends none.
pub(super) fn extended(block: &Block, families: &Families<'_>, findings: &mut Vec<Finding>) -> Option<Block> {
    let mut whole = block.clone();
    let Some(at) = whole.body.attributes.iter().position(|one| one.name.text == "extends") else {
        return Some(whole);
    };
    let extends = whole.body.attributes.remove(at);
    let span = extends.value.span.clone();
    let file = Arc::clone(&block.body.file);
    let Some(family) = extends.value.text().and_then(|name| families.get(name)) else {
        let name = extends.value.text().unwrap_or_default();
        let known = families.keys().map(String::as_str);
        let help = suggest(name, known)
            .unwrap_or_else(|| format!("write it into families/{name}.hcl: family \"{name}\" {{ ... }}"));
        let message = format!("there is no family `{name}`");
        findings.push(Finding::error(code::FAMILY, &*file, span, message, "not declared").help(help));
        return None;
    };
    let place = Place { file, span };
    let own = &block.body;
    let taken = |name: &str| {
        own.attribute(name).is_some()
            || own.blocks.iter().any(|one| one.kind.text == name && one.labels.is_empty())
    };
    for attribute in family.block.body.attributes.iter().filter(|one| !taken(&one.name.text)) {
        whole.body.attributes.push(place.attribute(attribute));
    }
    for theirs in &family.block.body.blocks {
        let same = |mine: &Block| {
            let labels =
                || mine.labels.iter().map(|one| &one.text).eq(theirs.labels.iter().map(|one| &one.text));
            mine.kind.text == theirs.kind.text && (SINGLE.contains(&mine.kind.text.as_str()) || labels())
        };
        let replaced = own.blocks.iter().any(same) && theirs.kind.text != "error"
            || (theirs.labels.is_empty() && own.attribute(&theirs.kind.text).is_some());
        if !replaced {
            whole.body.blocks.push(place.block(theirs));
        }
    }
    Some(whole)
}

/// BLAKE3 of a manifest's file, and of its family's where it extends one.
pub(super) fn digest(bytes: &[u8], block: &Block, families: &Families<'_>) -> Digest {
    let extends = block.body.attribute("extends").and_then(|one| one.value.text());
    let Some(family) = extends.and_then(|name| families.get(name)) else {
        return Digest(*blake3::hash(bytes).as_bytes());
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"xops manifest and family 1");
    for part in [bytes, family.bytes] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Where everything that came from a family is shown.
struct Place {
    file: Arc<str>,
    span: Range<usize>,
}

impl Place {
    fn word(&self, word: &Word) -> Word {
        Word { text: word.text.clone(), span: self.span.clone() }
    }

    fn places(&self, places: &Places) -> Places {
        Places {
            span: self.span.clone(),
            parts: places.parts.iter().map(|part| self.places(part)).collect(),
            names: places.names.iter().map(|_| self.span.clone()).collect(),
            refused: places.refused,
        }
    }

    fn node(&self, node: &Node) -> Node {
        Node {
            expr: node.expr.clone(),
            span: self.span.clone(),
            refs: node.refs.iter().map(|(path, _)| (path.clone(), self.span.clone())).collect(),
            places: self.places(&node.places),
        }
    }

    fn attribute(&self, attribute: &Attribute) -> Attribute {
        Attribute { name: self.word(&attribute.name), value: self.node(&attribute.value) }
    }

    fn block(&self, block: &Block) -> Block {
        Block {
            kind: self.word(&block.kind),
            labels: block.labels.iter().map(|label| self.word(label)).collect(),
            body: Body {
                attributes: block.body.attributes.iter().map(|one| self.attribute(one)).collect(),
                blocks: block.body.blocks.iter().map(|one| self.block(one)).collect(),
                span: self.span.clone(),
                file: Arc::clone(&self.file),
                lines: Arc::clone(&block.body.lines),
            },
            span: self.span.clone(),
        }
    }
}
