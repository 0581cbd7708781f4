//! Whether an item of a listing can be judged at all: a listing that was read wrongly must not look like one that is empty.
//!
//! - No absence is decided here: what cannot be judged is told with its reason, and whoever asked makes it unknown.
//! - An item that has none of the members by which a condition tells it is neither the object nor another one. A member that
//!   is there and `null` is there; one that the condition expects to be missing (`item.x == null`) does not count.

use crate::model::Listing;
use crate::scope::Scope;
use std::collections::BTreeSet;
use xops_kernel::expr::{Expr, Op, Path, Segment, references};
use xops_kernel::function::Function;
use xops_kernel::value::Value;

/// The members by which a condition tells an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sought<'a> {
    paths: Vec<&'a Path>,
}

impl<'a> Sought<'a> {
    /// What `condition` looks at; nothing where there is no condition.
    pub(crate) fn of(condition: Option<&'a Expr>) -> Self {
        let mut paths = Vec::new();
        if let Some(condition) = condition {
            collect(condition, &mut paths);
        }
        Self { paths }
    }

    /// Whether `item` has none of them.
    pub(crate) fn is_blank(&self, item: &Value) -> bool {
        !self.paths.is_empty() && !self.paths.iter().any(|path| is_there(&path.segments, item))
    }

    /// Whether the items themselves are compared, and not their members.
    fn is_plain(&self) -> bool {
        self.paths.iter().any(|path| path.segments.is_empty())
    }

    /// What is to be said of an item without them.
    pub(crate) fn why(&self) -> String {
        let names: BTreeSet<String> = self.paths.iter().map(|path| format!("`{path}`")).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("an item that is listed has none of {names}: it cannot be told from the one that is sought")
    }

    /// Vendors leave empty lists out. Where the list is not there, but another one with items stands beside its place, the
    /// answer may have got other names, and what it says is not known.
    pub(crate) fn misplaced(&self, scope: &Scope<'_>, listing: &Listing) -> Option<String> {
        let Expr::Call(Function::List, items) = &listing.items else { return None };
        let [Expr::Ref(path)] = items.as_slice() else { return None };
        let (Segment::Attr(name), before) = path.segments.split_last()? else { return None };
        if !scope.value(&items[0]).is_null() {
            return None;
        }
        let place = Path { root: path.root.clone(), segments: before.to_vec() };
        let Value::Map(members) = scope.value(&Expr::Ref(place)) else { return None };
        let is_alike = |item: &Value| matches!(item, Value::Map(_)) != self.is_plain();
        let other = members.iter().find(|(_, member)| {
            member.as_list().is_some_and(|items| !items.is_empty() && items.iter().all(is_alike))
        });
        other.map(|(other, _)| {
            format!("the answer has no list `{name}`, and a list `{other}` that the manifest does not know")
        })
    }
}

/// Whether the members that `segments` name are there, up to the first element of a list.
fn is_there(segments: &[Segment], value: &Value) -> bool {
    match segments.split_first() {
        Some((Segment::Attr(name), rest)) => value.get(name).is_some_and(|member| is_there(rest, member)),
        // What is inside a list is not looked at, and an item that is compared as a whole has no members to lack.
        Some((Segment::Index(_) | Segment::Splat, _)) | None => true,
    }
}

fn collect<'a>(expr: &'a Expr, paths: &mut Vec<&'a Path>) {
    match expr {
        Expr::Binary(Op::Eq, left, right) if is_null(left) || is_null(right) => {}
        Expr::Not(inner) => collect(inner, paths),
        Expr::Binary(_, left, right) => {
            collect(left, paths);
            collect(right, paths);
        }
        other => paths.extend(references(other).into_iter().filter(|path| path.root == "item")),
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equals(path: &[&str], to: Expr) -> Expr {
        Expr::Binary(Op::Eq, Box::new(Expr::Ref(Path::of("item", path))), Box::new(to))
    }

    #[test]
    fn an_item_is_blank_that_has_none_of_the_members() {
        let value = |json: &str| crate::json::parse(json.as_bytes()).unwrap();
        let sought = Expr::Binary(
            Op::And,
            Box::new(equals(&["user", "id"], Expr::Literal("u".into()))),
            Box::new(equals(&["gone"], Expr::Literal(Value::Null))),
        );
        let check = |json: &str, expect: bool| {
            assert_eq!(Sought::of(Some(&sought)).is_blank(&value(json)), expect, "{json}");
        };
        check(r#"{"user":{"id":"x"}}"#, false);
        check(r#"{"user":{"id":null}}"#, false);
        check(r#"{"user":{"new_id":"u"}}"#, true);
        check(r#"{"gone":"yes"}"#, true);
        check("7", true);
        assert!(!Sought::of(None).is_blank(&value("{}")));
    }
}
