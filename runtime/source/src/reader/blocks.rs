//! The blocks of a body, and the end of reading: what was never asked for.

use super::{Reader, there_are};
use crate::code;
use crate::finding::suggest;
use crate::syntax::Block;
use std::collections::BTreeSet;

impl<'a> Reader<'a, '_> {
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
