//! Two outcomes that give one facet two values, where it can be proven that both apply to someone.
//!
//! A selector is brought into a disjunction of conjunctions of `attribute == literal` and `attribute != literal`. Two
//! conjunctions of these alone overlap if no attribute would have two values. What is made of anything else is left to
//! compilation, which knows the facts.

use super::world::{Wish, World};
use crate::code;
use crate::finding::Finding;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::function::Function;
use xops_kernel::value::Value;

/// The most conjunctions of one selector, and the most pairs of outcomes that are compared over one facet.
const CONJUNCTIONS_MAX: usize = 64;
const PAIRS_MAX: usize = 20_000;

/// One way in which a selector holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Conjunction {
    is: BTreeMap<Path, Value>,
    is_not: BTreeSet<(Path, Value)>,
    /// Whether something else must hold, too.
    more: bool,
}

impl Conjunction {
    /// Both at once; `None` where that cannot be.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (path, value) in &other.is {
            if both.is.insert(path.clone(), value.clone()).is_some_and(|earlier| earlier != *value) {
                return None;
            }
        }
        both.is_not.extend(other.is_not.iter().cloned());
        both.more |= other.more;
        let denied = both.is_not.iter().any(|(path, value)| both.is.get(path) == Some(value));
        (!denied).then_some(both)
    }

    fn of(atom: Option<(Path, Value, bool)>) -> Self {
        match atom {
            Some((path, value, true)) => Self { is: [(path, value)].into(), ..Self::default() },
            Some((path, value, false)) => Self { is_not: [(path, value)].into(), ..Self::default() },
            None => Self { more: true, ..Self::default() },
        }
    }
}

/// Reports outcomes of one kind of entity that want different values of one facet and provably overlap.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    let selectors: BTreeMap<&str, Vec<Conjunction>> = world
        .drafts
        .outcomes
        .iter()
        .filter_map(|(name, outcome)| Some((name.as_str(), ways(&outcome.applies.as_ref()?.expr, true))))
        .collect();
    for (key, wishes) in &world.wishes {
        if world.drafts.facets.get(key).is_none_or(|facet| facet.set) {
            continue;
        }
        let constant: Vec<(&Wish<'_>, String)> =
            wishes.iter().filter_map(|wish| constant(world, wish).map(|value| (wish, value))).collect();
        let pairs = constant
            .iter()
            .enumerate()
            .flat_map(|(n, one)| constant[n + 1..].iter().map(move |other| (one, other)));
        for ((one, value), (other, other_value)) in pairs.take(PAIRS_MAX) {
            if value == other_value || one.entity != other.entity {
                continue;
            }
            let (Some(left), Some(right)) = (selectors.get(one.outcome), selectors.get(other.outcome)) else {
                continue;
            };
            let same = same_selector(world, one, other);
            if let Some(both) = overlap(left, right, same) {
                findings.push(conflict(key, (one, value), (other, other_value), &both));
            }
        }
    }
}

/// The value that a line always has, as people write it.
fn constant(world: &World<'_>, wish: &Wish<'_>) -> Option<String> {
    let node = &wish.line.value;
    if node.refused() || node.items().is_some() {
        return None;
    }
    let object = || world.object_of(node).map(|object| format!("{}.{}", object.kind, object.name));
    node.value().map(|value| said(&Expr::Literal(value))).or_else(object)
}

fn said(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Value::Text(text)) => format!("\"{text}\""),
        Expr::Literal(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn same_selector(world: &World<'_>, one: &Wish<'_>, other: &Wish<'_>) -> bool {
    let expr =
        |wish: &Wish<'_>| world.drafts.outcomes.get(wish.outcome)?.applies.as_ref().map(|node| &node.expr);
    expr(one).is_some() && expr(one) == expr(other)
}

fn overlap(left: &[Conjunction], right: &[Conjunction], same: bool) -> Option<Conjunction> {
    if same {
        return left.first().cloned();
    }
    let certain = |ways: &&Conjunction| !ways.more;
    left.iter().filter(certain).find_map(|one| right.iter().filter(certain).find_map(|other| one.and(other)))
}

fn conflict(
    key: &(String, String),
    (one, value): (&Wish<'_>, &str),
    (other, other_value): (&Wish<'_>, &str),
    both: &Conjunction,
) -> Finding {
    let message = format!(
        "`{}.{}` would be {value} by outcome `{}` and {other_value} by outcome `{}`",
        key.0, key.1, one.outcome, other.outcome
    );
    let who: Vec<String> = both
        .is
        .iter()
        .map(|(path, value)| format!("{path} == {}", said(&Expr::Literal(value.clone()))))
        .collect();
    let why = if who.is_empty() {
        "both outcomes apply to the same entities".to_owned()
    } else {
        format!("both outcomes apply where {}", who.join(" && "))
    };
    let finding = other.line.at.error_at(&other.line.value.span, code::TWO_VALUES, message, other_value);
    finding
        .related(&*one.line.at.file, one.line.value.span.clone(), value)
        .why(why)
        .help("narrow one of the two `for`, or want the same".to_owned())
}

/// The ways in which `expr` is `positive`.
fn ways(expr: &Expr, positive: bool) -> Vec<Conjunction> {
    match expr {
        Expr::Literal(Value::Bool(truth)) => {
            if *truth == positive {
                vec![Conjunction::default()]
            } else {
                Vec::new()
            }
        }
        Expr::Not(inner) => ways(inner, !positive),
        Expr::Binary(op @ (Op::And | Op::Or), left, right) => {
            let (left, right) = (ways(left, positive), ways(right, positive));
            // By De Morgan, a denied `&&` is a disjunction.
            let all =
                if (*op == Op::And) == positive { product(&left, &right) } else { [left, right].concat() };
            bounded(all)
        }
        Expr::Binary(op @ (Op::Eq | Op::NotEq), left, right) => {
            let equal = (*op == Op::Eq) == positive;
            let atom = match (&**left, &**right) {
                (Expr::Ref(path), Expr::Literal(value)) | (Expr::Literal(value), Expr::Ref(path)) => {
                    Some((path.clone(), value.clone(), equal))
                }
                _ => None,
            };
            vec![Conjunction::of(atom)]
        }
        // A truth that is asked for by its name. Denied, it may also be absent.
        Expr::Ref(path) => vec![Conjunction::of(Some((path.clone(), Value::Bool(true), positive)))],
        Expr::Call(Function::Contains, args) if positive => match &args[..] {
            [Expr::List(items), Expr::Ref(path)] => {
                let way = |item: &Expr| match item {
                    Expr::Literal(value) => Conjunction::of(Some((path.clone(), value.clone(), true))),
                    _ => Conjunction::of(None),
                };
                bounded(items.iter().map(way).collect())
            }
            _ => vec![Conjunction::of(None)],
        },
        _ => vec![Conjunction::of(None)],
    }
}

fn product(left: &[Conjunction], right: &[Conjunction]) -> Vec<Conjunction> {
    left.iter().flat_map(|one| right.iter().filter_map(|other| one.and(other))).collect()
}

/// What has too many ways is not looked into.
fn bounded(ways: Vec<Conjunction>) -> Vec<Conjunction> {
    if ways.len() > CONJUNCTIONS_MAX { vec![Conjunction::of(None)] } else { ways }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    fn check(left: &str, right: &str, expect: bool) {
        let selector = |text: &str| {
            let mut findings = Vec::new();
            let body = syntax::parse("a.hcl", format!("a = {text}\n").as_bytes(), &mut findings).unwrap();
            body.attributes[0].value.expr.clone()
        };
        let (one, other) = (selector(left), selector(right));
        let found = overlap(&ways(&one, true), &ways(&other, true), one == other);
        assert_eq!(found.is_some(), expect, "{left} / {right}: {found:?}");
    }

    #[test]
    fn conjunctions_of_equalities_overlap_unless_one_attribute_would_have_two_values() {
        check("p.type == \"a\"", "p.country == \"MX\"", true);
        check("p.type == \"a\"", "p.type == \"b\"", false);
        check("p.type == \"a\" && p.country == \"US\"", "p.type == \"a\" && p.country == \"MX\"", false);
        check("p.type == \"a\"", "p.type != \"a\"", false);
        check("p.type == \"a\"", "!(p.type == \"b\" || p.country == \"MX\")", true);
        check("contains([\"a\", \"b\"], p.type)", "p.type == \"b\"", true);
        check("contains([\"a\", \"b\"], p.type)", "p.type == \"c\"", false);
        check("p.active", "!p.active", false);
        check("true", "p.type == \"a\"", true);
        check("false", "p.type == \"a\"", false);
    }

    #[test]
    fn what_is_not_decided_by_equalities_is_left_to_compilation() {
        check("p.age > 3", "p.type == \"a\"", false);
        check("p.age > 3", "p.age > 3", true);
        check("p.age > 3 || p.type == \"a\"", "p.type == \"a\"", true);
        let many = ["(p.a == 1 || p.b == 2)"; 12].join(" && ");
        check(&many, "p.type == \"a\"", false);
    }
}
