//! Questions: one condition over the attributes of one kind of entity, in the declarations' own expressions.
//!
//! Absent: declarations' text: what may be asked is told by declarations that were read already. Invariant: a question that passes
//! evaluates for every entity of its kind, to `true`, `false` or unknown.

use crate::code;
use crate::finding::{Finding, suggest};
use crate::infer::{Roots, Unresolved, condition, descend};
use crate::reader::listed;
use crate::syntax;
use std::collections::BTreeSet;
use xops_kernel::declare::Declarations;
use xops_kernel::expr::{self, Expr, Path};
use xops_kernel::value::Type;

/// The name under which findings show a question.
pub const FILE: &str = "question";

/// The text that findings of a question point into.
pub fn text_of(question: &str) -> String {
    format!("where = {question}\n")
}

/// The kind of entity that `question` is about, and its condition.
pub fn question(question: &str, declarations: &Declarations) -> Result<(String, Expr), Vec<Finding>> {
    let mut findings = Vec::new();
    let text = text_of(question);
    let body = syntax::parse(FILE, text.as_bytes(), &mut findings);
    let single = |body: &syntax::Body| body.attributes.len() == 1 && body.blocks.is_empty();
    let Some(body) = body.filter(|_| findings.is_empty()) else { return Err(findings) };
    if !single(&body) {
        let error = Finding::error(
            code::SYNTAX,
            FILE,
            0..text.len() - 1,
            "a question is one condition",
            "more than one",
        );
        return Err(vec![error.help("join conditions by `&&` or `||`".to_owned())]);
    }
    let node = &body.attributes[0].value;
    let kinds: BTreeSet<&str> = expr::references(&node.expr)
        .into_iter()
        .map(|path| path.root.as_str())
        .filter(|root| declarations.entities.contains_key(*root))
        .collect();
    let mut kinds = kinds.into_iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        let names: Vec<&String> = declarations.entities.keys().collect();
        let message = "a question is about one kind of entity";
        let error =
            Finding::error(code::REFERENCE, FILE, node.span.clone(), message, "about none or several");
        return Err(vec![
            error.help(format!("name an attribute of one of {}: `person.country == \"MX\"`", listed(&names))),
        ]);
    };
    condition(node, &Asked { declarations, kind }, FILE, &mut findings);
    if findings.is_empty() { Ok((kind.to_owned(), node.expr.clone())) } else { Err(findings) }
}

struct Asked<'a> {
    declarations: &'a Declarations,
    kind: &'a str,
}

impl Roots for Asked<'_> {
    fn type_of(&self, path: &Path) -> Result<Type, Unresolved> {
        let Some(kind) = self.declarations.entities.get(self.kind) else { return Ok(Type::Any) };
        let links = || kind.links.keys().map(String::as_str).chain([kind.mint.0.as_str()]);
        let meant = |name: &str, among: Vec<&str>| {
            suggest(name, among.iter().copied()).or_else(|| Some(format!("there are {}", listed(&among))))
        };
        let first = path.first().unwrap_or_default();
        match path.root.as_str() {
            root if root == self.kind => {
                if let Some(attribute) = kind.attributes.get(first) {
                    return descend(&attribute.is, &path.segments[1..]);
                }
                let message = format!("`{}` has no attribute `{first}`", self.kind);
                let among = kind.attributes.keys().map(String::as_str).collect();
                let wrong = Unresolved::new(code::UNKNOWN_ATTRIBUTE, message, "unknown attribute");
                Err(wrong.help(meant(first, among)))
            }
            "link" if links().any(|system| system == first) => descend(&Type::Any, &path.segments[1..]),
            "link" => {
                let message = format!("`{}` has no link to `{first}`", self.kind);
                Err(Unresolved::new(code::UNKNOWN_LINK, message, "unknown link")
                    .help(meant(first, links().collect())))
            }
            root => {
                let message = format!("`{root}` means nothing in a question");
                let help = format!("it begins with `{}` or `link`", self.kind);
                Err(Unresolved::new(code::UNKNOWN_ROOT, message, "unknown reference").help(help))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use xops_kernel::declare::{Attribute, EntityKind, Origin};

    fn check(asked: &str, expect: &str) {
        let attribute = |is| Attribute {
            is,
            personal: false,
            from: Vec::new(),
            max_age_ms: None,
            origin: Origin::default(),
        };
        let kind = EntityKind {
            name: "person".into(),
            mint: ("hr".into(), "worker".into()),
            handle: "handle".into(),
            attributes: [
                ("country".to_owned(), attribute(Type::Text)),
                ("age".to_owned(), attribute(Type::Int)),
            ]
            .into(),
            links: BTreeMap::new(),
            origin: Origin::default(),
        };
        let declarations =
            Declarations { entities: [("person".to_owned(), kind)].into(), ..Declarations::default() };
        let told = match question(asked, &declarations) {
            Ok((kind, _)) => kind,
            Err(findings) => findings.iter().map(|finding| finding.code).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(told, expect, "{asked}");
    }

    #[test]
    fn a_question_is_typed_before_it_is_asked() {
        check("person.country == \"MX\" && person.age > 30", "person");
        check("link.hr.anything != null && person.age == 3", "person");
        check("person.contry == \"MX\"", code::UNKNOWN_ATTRIBUTE);
        check("person.age == \"old\"", code::COMPARISON);
        check("person.country", code::CONDITION);
        check("link.okta.id == person.country", code::UNKNOWN_LINK);
        check("setting.x == person.country", code::UNKNOWN_ROOT);
        check("1 == 1", code::REFERENCE);
        check("person.country ==", code::SYNTAX);
        check("person.age == 1\nother = 2", code::SYNTAX);
    }
}
