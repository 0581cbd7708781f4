//! Amending a declaration: the text of a file with lines of an outcome added or taken out, everything else as it was.
//!
//! Absent: writing. It gives a text that a person reviews. Invariant: what is not edited keeps its bytes, comments included.

use crate::syntax::{self, Attribute, Block};
use std::collections::BTreeMap;
use std::ops::Range;

/// How wide a line may become before its list is spread over lines.
const WIDTH_MAX: usize = 100;

/// What changes in one facet of an outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The elements or the value to add, as one writes them.
    pub add: Vec<String>,
    /// The elements to take out, as one writes them.
    pub drop: Vec<String>,
    /// Whether the facet is a set.
    pub set: bool,
}

/// The edits of an outcome, by domain and facet.
pub type Edits = BTreeMap<(String, String), Edit>;

/// The text of `file` with the outcome `name` edited; `None` where the file does not declare it or cannot be read.
pub fn outcome(file: &str, text: &str, name: &str, edits: &Edits) -> Option<String> {
    let body = syntax::parse(file, text.as_bytes(), &mut Vec::new())?;
    let block = body.blocks.iter().find(|block| block.kind.text == "outcome" && block.label(0) == name)?;
    let mut by_domain: BTreeMap<&str, Vec<(&str, &Edit)>> = BTreeMap::new();
    for ((domain, facet), edit) in edits {
        by_domain.entry(domain).or_default().push((facet, edit));
    }
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for (domain, edits) in by_domain {
        match block.body.blocks.iter().find(|inner| inner.kind.text == domain) {
            Some(inner) => amend(text, inner, &edits, &mut changes),
            None => changes.extend(added(text, block, domain, &edits)),
        }
    }
    changes.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = text.to_owned();
    for (span, replacement) in changes.into_iter().rev() {
        out.replace_range(span, &replacement);
    }
    Some(out)
}

/// The edits of a block that stands there.
fn amend(text: &str, block: &Block, edits: &[(&str, &Edit)], changes: &mut Vec<(Range<usize>, String)>) {
    let indent = indent_at(text, block.span.start);
    let on_one_line = !text[block.span.clone()].contains('\n');
    let mut missing = Vec::new();
    for (facet, edit) in edits {
        match block.body.attribute(facet) {
            Some(attribute) => changes.extend(replaced(text, attribute, edit)),
            None if edit.add.is_empty() => {}
            None => missing
                .push(format!("{indent}  {facet} = {}\n", value(&edit.add, edit.set, indent.len() + 2))),
        }
    }
    if missing.is_empty() {
        return;
    }
    if !on_one_line {
        let brace = line_start(text, block.span.end.saturating_sub(1));
        changes.push((brace..brace, missing.concat()));
        return;
    }
    // A block on one line has one attribute at most: it is spread out, with what changed in it already.
    let held = block.body.attributes.iter().map(|attribute| {
        let span = attribute.name.span.start..attribute.value.span.end;
        let edited = changes.iter().position(|(at, _)| *at == attribute.value.span);
        let held = match edited.map(|at| changes.remove(at).1) {
            Some(value) => format!("{}{value}", &text[span.start..attribute.value.span.start]),
            None => text[span].to_owned(),
        };
        format!("{indent}  {held}\n")
    });
    let held: String = held.collect();
    let spread = format!("{} {{\n{held}{}{indent}}}", block.kind.text, missing.concat());
    changes.push((block.span.clone(), spread));
}

/// A block that does not stand there yet, before the end of the outcome.
fn added(
    text: &str,
    outcome: &Block,
    domain: &str,
    edits: &[(&str, &Edit)],
) -> Option<(Range<usize>, String)> {
    let indent = format!("{}  ", indent_at(text, outcome.span.start));
    let lines: Vec<String> = edits
        .iter()
        .filter(|(_, edit)| !edit.add.is_empty())
        .map(|(facet, edit)| format!("{facet} = {}", value(&edit.add, edit.set, indent.len() + 2)))
        .collect();
    let block = match lines.as_slice() {
        [] => return None,
        [one] if !one.contains('\n') && one.len() + domain.len() + indent.len() + 5 <= WIDTH_MAX => {
            format!("{indent}{domain} {{ {one} }}\n")
        }
        many => {
            let lines = many.iter().fold(String::new(), |all, line| all + &indent + "  " + line + "\n");
            format!("{indent}{domain} {{\n{lines}{indent}}}\n")
        }
    };
    let end = outcome.span.end.saturating_sub(1);
    let start = line_start(text, end);
    if text[start..end].trim().is_empty() {
        return Some((start..start, block));
    }
    Some((end..end, format!("\n{block}")))
}

fn replaced(text: &str, attribute: &Attribute, edit: &Edit) -> Option<(Range<usize>, String)> {
    let span = attribute.value.span.clone();
    if !edit.set {
        return edit.add.first().map(|new| (span, new.clone()));
    }
    let held: Vec<String> = match attribute.value.items() {
        Some(items) => items.iter().map(|item| text[item.span.clone()].to_owned()).collect(),
        None => vec![text[span.clone()].to_owned()],
    };
    let mut new: Vec<String> = held.iter().filter(|item| !edit.drop.contains(item)).cloned().collect();
    for item in &edit.add {
        if !new.contains(item) {
            new.push(item.clone());
        }
    }
    let column = span.start - line_start(text, span.start);
    (new != held).then(|| (span, value(&new, true, column)))
}

/// A value as one writes it, its line beginning with `before` other characters.
fn value(items: &[String], set: bool, before: usize) -> String {
    if !set {
        return items.first().cloned().unwrap_or_default();
    }
    let line = format!("[{}]", items.join(", "));
    if line.len() + before <= WIDTH_MAX {
        return line;
    }
    let items = items.iter().fold(String::new(), |all, item| all + "      " + item + ",\n");
    format!("[\n{items}    ]")
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |line| line + 1)
}

fn indent_at(text: &str, at: usize) -> String {
    let start = line_start(text, at);
    text[start..at].chars().take_while(|letter| *letter == ' ').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# For sales.\noutcome \"a\" {\n  for = true\n\n  software { grants = [app.a] } # kept\n  identity {\n    account = \"present\"\n  }\n}\n";

    /// Domain, facet, whether it is a set, what is added, what is taken out.
    type Case<'a> = (&'a str, &'a str, bool, &'a [&'a str], &'a [&'a str]);

    fn check(edits: &[Case<'_>], expect: &str) {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let edits = edits.iter().map(|(domain, facet, set, add, drop)| {
            let edit = Edit { add: owned(add), drop: owned(drop), set: *set };
            (((*domain).to_owned(), (*facet).to_owned()), edit)
        });
        let after = outcome("a.hcl", BEFORE, "a", &edits.collect()).unwrap();
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(BEFORE), lines(&after));
        let changed: Vec<String> = after.iter().filter(|line| !before.contains(line)).cloned().collect();
        assert_eq!(changed.join("\n"), expect);
        let mut findings = Vec::new();
        assert!(syntax::parse("a.hcl", after.join("\n").as_bytes(), &mut findings).is_some());
        assert_eq!(findings, []);
    }

    #[test]
    fn an_element_joins_the_list_that_stands_there_and_comments_stay() {
        check(
            &[("software", "grants", true, &["app.b"], &[])],
            "  software { grants = [app.a, app.b] } # kept",
        );
    }

    #[test]
    fn an_element_leaves_its_list() {
        check(&[("software", "grants", true, &[], &["app.a"])], "  software { grants = [] } # kept");
    }

    #[test]
    fn a_facet_joins_a_block_of_several_lines() {
        check(&[("identity", "groups", true, &["group.x"], &[])], "    groups = [group.x]");
    }

    #[test]
    fn a_block_on_one_line_is_spread_out() {
        check(
            &[("software", "grants", true, &["app.b"], &[]), ("software", "seat", false, &["\"e3\""], &[])],
            "  software {\n    grants = [app.a, app.b]\n    seat = \"e3\"\n  } # kept",
        );
    }

    #[test]
    fn a_domain_that_is_missing_becomes_a_block() {
        check(
            &[("communications", "mobile_line", false, &["\"active\""], &[])],
            "  communications { mobile_line = \"active\" }",
        );
        check(
            &[
                ("workplace", "badge", false, &["site.x"], &[]),
                ("workplace", "desk", false, &["site.x"], &[]),
            ],
            "  workplace {\n    badge = site.x\n    desk = site.x",
        );
    }

    #[test]
    fn a_value_is_replaced() {
        check(&[("identity", "account", false, &["\"staged\""], &[])], "    account = \"staged\"");
    }

    #[test]
    fn an_outcome_of_another_file_is_not_edited() {
        assert_eq!(outcome("a.hcl", BEFORE, "b", &Edits::new()), None);
        assert_eq!(outcome("a.hcl", "outcome \"a\" {", "a", &Edits::new()), None);
    }
}
