//! The edits that proposals come to: a file's text, changed in one place.
//!
//! Invariant: what is not edited keeps its bytes; where the place is not found as expected, there is no edit.

use crate::project::Project;
use std::collections::BTreeMap;
use xops_graph::pattern::Proposal;
use xops_kernel::declare::Origin;
use xops_source::amend::{self, Edit, Edits};

/// The file that a proposal changes, and its text then; `texts` holds what earlier proposals made of files.
pub(super) fn edited<'a>(
    project: &'a Project,
    texts: &BTreeMap<&'a str, String>,
    proposal: &Proposal,
) -> Option<(&'a str, String)> {
    let declared = &project.declarations;
    let text = |origin: &Origin| {
        let (file, text) = project.texts.get_key_value(&origin.file)?;
        Some((file.as_str(), texts.get(file.as_str()).unwrap_or(text).clone()))
    };
    match proposal {
        Proposal::Drop { outcome, domain, facet, written } => {
            let (file, text) = text(&declared.outcomes.get(outcome)?.origin)?;
            let edit = Edit { drop: vec![written.clone()], set: true, ..Edit::default() };
            let edits = Edits::from([((domain.clone(), facet.clone()), edit)]);
            amend::outcome(file, &text, outcome, &edits).map(|after| (file, after))
        }
        Proposal::Unsource { entity, attribute, claim } => {
            let origin = &declared.entities.get(entity)?.attributes.get(attribute)?.origin;
            let (file, text) = text(origin)?;
            let after = in_block(&text, origin.line, "from", |value| {
                let inner = value.strip_prefix('[')?.strip_suffix(']')?;
                let all = inner.split(',').map(str::trim);
                let kept: Vec<&str> = all.filter(|one| one != claim && !one.is_empty()).collect();
                match kept.as_slice() {
                    [] => None,
                    [one] => Some((*one).to_owned()),
                    many => Some(format!("[{}]", many.join(", "))),
                }
            })?;
            Some((file, after))
        }
        Proposal::MaxAge { system, max_age_ms } => {
            let origin = &declared.systems.get(system)?.origin;
            let (file, text) = text(origin)?;
            let minutes = max_age_ms.div_ceil(60_000);
            let after = in_block(&text, origin.line, "max_age", |_| Some(format!("\"{minutes}m\"")))?;
            Some((file, after))
        }
        Proposal::Mint { .. } | Proposal::Advice(_) => None,
    }
}

/// The file that a proposal adds, and its text.
pub(super) fn declared(proposal: &Proposal) -> Option<(String, String)> {
    let Proposal::Mint { name, system, kind, handle, attributes } = proposal else { return None };
    let mut out = format!("entity \"{name}\" {{\n  mint   = {system}.{kind}\n  handle = \"{handle}\"\n");
    for (attribute, is) in attributes {
        let said = [
            format!("\n  attribute \"{attribute}\" {{\n    type     = \"{is}\"\n    personal = true\n"),
            format!("    from     = {system}.{kind}.{attribute}\n  }}\n"),
        ];
        out.extend(said);
    }
    Some((format!("config/{name}.hcl"), out + "}\n"))
}

/// The text with the value of the attribute `name` replaced, in the block whose head stands on `line` (counted from 1). A list on
/// several lines is given as if it stood on one; where a comment stands in it, it is left alone.
fn in_block(
    text: &str,
    line: u32,
    name: &str,
    change: impl FnOnce(&str) -> Option<String>,
) -> Option<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let from = usize::try_from(line).ok()?;
    let mut depth = 1_usize;
    for at in from..lines.len() {
        let bare = lines[at].trim();
        let is_it = depth == 1 && bare.split('=').next().is_some_and(|before| before.trim() == name);
        if is_it {
            let (before, value) = lines[at].split_once('=')?;
            let value = value.trim();
            let mut last = at;
            let mut whole = value.to_owned();
            while whole.starts_with('[') && !whole.ends_with(']') {
                last += 1;
                whole += lines.get(last)?.trim();
            }
            if whole.is_empty() || whole.contains('#') || whole.contains("//") || whole.contains("/*") {
                return None;
            }
            let end = if lines[last].ends_with('\n') { "\n" } else { "" };
            let space = if before.ends_with(' ') { "" } else { " " };
            let changed = format!("{before}{space}= {}{end}", change(&whole)?);
            lines.splice(at..=last, [changed]);
            return Some(lines.concat());
        }
        depth = depth + bare.matches('{').count() - bare.matches('}').count().min(depth);
        if depth == 0 {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, line: u32, name: &str, to: &str, expect: Option<&str>) {
        assert_eq!(in_block(text, line, name, |_| Some(to.to_owned())).as_deref(), expect);
    }

    #[test]
    fn one_attribute_of_one_block_is_changed_and_no_other() {
        let text = "system \"a\" {\n  max_age = \"1m\"\n  vars {\n    max_age = \"9\"\n  }\n}\nsystem \"b\" {\n  vars { max_age = 1 }\n  max_age = \"2m\" \n}\n";
        check(text, 1, "max_age", "\"4m\"", Some(&text.replacen("\"1m\"", "\"4m\"", 1)));
        check(text, 7, "max_age", "\"4m\"", Some(&text.replace("\"2m\" ", "\"4m\"")));
        check(text, 1, "domain", "x", None);
        check("a {\n  from = [\n    x,\n  ]\n}\n", 1, "from", "y", Some("a {\n  from = y\n}\n"));
        check("a {\n  from = [\n    x, # why\n  ]\n}\n", 1, "from", "y", None);
        check("a {\n  from = [\n    x,\n", 1, "from", "y", None);
        check("a {\n  from = x # why\n}\n", 1, "from", "y", None);
    }
}
