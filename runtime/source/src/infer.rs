//! Types of expressions, before any of them is evaluated.
//!
//! Invariants: a mistake is reported once and at its own place; what was refused or is unknown has the type `any`, so that
//! nothing is reported because of something that was; no expression that passes can be `null` merely for its types.

use crate::code;
use crate::finding::Finding;
use crate::reader::describe;
use crate::syntax::{Node, Places};
use std::ops::Range;
use xops_kernel::expr::{Expr, Op, Path, Segment};
use xops_kernel::function::Function;
use xops_kernel::value::{Type, Value, is_date};

/// What references may stand for.
pub trait Roots {
    /// The type of what stands at `path`, or what is wrong with it.
    fn type_of(&self, path: &Path) -> Result<Type, Unresolved>;
}

/// A reference to nothing: a finding that does not know its place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// Why it is a mistake.
    pub why: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Unresolved {
    /// A reference that is wrong in this way.
    pub fn new(code: &'static str, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { code, message: message.into(), label: label.into(), why: None, help: None }
    }

    /// With what to do.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> Self {
        Self { help: help.into().or(self.help), ..self }
    }

    /// With the reason.
    #[must_use]
    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }
}

/// The type of `node`; what is wrong goes to `findings`.
pub fn infer(node: &Node, roots: &dyn Roots, file: &str, findings: &mut Vec<Finding>) -> Type {
    Inference { roots, file, findings }.of(&node.expr, &node.places)
}

/// Reports a condition that is not `true` or `false`.
pub fn condition(node: &Node, roots: &dyn Roots, file: &str, findings: &mut Vec<Finding>) {
    let is = infer(node, roots, file, findings);
    if !matches!(is, Type::Bool | Type::Any) {
        let message = format!("a condition is `true` or `false`, and this is {}", article(&is));
        let finding = Finding::error(
            code::CONDITION,
            file,
            node.span.clone(),
            message,
            format!("this is {}", article(&is)),
        );
        findings.push(finding.help("compare it with something: `==`, `!=`, `<`, `contains(...)`".to_owned()));
    }
}

/// Whether a value of the type `actual`, written as `expr`, may stand where `expected` is declared.
pub fn fits(actual: &Type, expected: &Type, expr: &Expr) -> bool {
    match (actual, expected, expr) {
        (Type::Any, _, _) | (_, Type::Any, _) | (Type::Date, Type::Text, _) => true,
        (Type::Text, Type::Date, Expr::Literal(Value::Text(text))) => is_date(text),
        (Type::List(_), Type::List(of), Expr::List(items)) => {
            items.iter().all(|item| matches!(item, Expr::Ref(_)) || fits(&quick(item), of, item))
                && element_fits(actual, of)
        }
        (Type::List(actual), Type::List(expected), _) => fits(actual, expected, &Expr::Literal(Value::Null)),
        _ => actual == expected,
    }
}

fn element_fits(actual: &Type, of: &Type) -> bool {
    match actual {
        // A list of texts may be one of dates: each element was held to that by its own literal.
        Type::List(actual) => *of == Type::Date || fits(actual, of, &Expr::Literal(Value::Null)),
        _ => false,
    }
}

/// The type of an element without its references.
fn quick(expr: &Expr) -> Type {
    match expr {
        Expr::Literal(value) => type_of_value(value),
        _ => Type::Any,
    }
}

/// A type as a sentence names it: `an integer`.
pub fn article(is: &Type) -> String {
    match is {
        Type::Any => "anything".to_owned(),
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Int => "an integer".to_owned(),
        Type::Text => "a text".to_owned(),
        Type::Date => "a date".to_owned(),
        Type::List(of) if **of == Type::Any => "a list".to_owned(),
        Type::List(of) => format!("a list of {of}"),
        Type::Map => "a map".to_owned(),
    }
}

/// The type of a value.
pub fn type_of_value(value: &Value) -> Type {
    match value {
        Value::Null | Value::Decimal(_) => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Text(_) => Type::Text,
        Value::List(items) => Type::List(Box::new(common(items.iter().map(type_of_value)))),
        Value::Map(_) => Type::Map,
    }
}

/// The one type of all, or `any`.
pub fn common(types: impl IntoIterator<Item = Type>) -> Type {
    let mut types = types.into_iter();
    let Some(first) = types.next() else { return Type::Any };
    types.fold(first, |all, one| join(&all, &one).unwrap_or(Type::Any))
}

/// The type that holds both, if there is one but `any`.
fn join(one: &Type, other: &Type) -> Option<Type> {
    match (one, other) {
        (Type::Any, _) | (_, Type::Any) => Some(Type::Any),
        (Type::Date, Type::Text) | (Type::Text, Type::Date) => Some(Type::Text),
        (Type::List(one), Type::List(other)) => {
            Some(Type::List(Box::new(join(one, other).unwrap_or(Type::Any))))
        }
        _ => (one == other).then(|| one.clone()),
    }
}

/// The type of what `segments` lead to, from something of the type `is`.
pub fn descend(is: &Type, segments: &[Segment]) -> Result<Type, Unresolved> {
    let Some((segment, rest)) = segments.split_first() else { return Ok(is.clone()) };
    match (is, segment) {
        (Type::Any, Segment::Splat) => Ok(Type::List(Box::new(Type::Any))),
        (Type::Any, _) | (Type::Map, Segment::Attr(_)) => descend(&Type::Any, rest),
        (Type::List(of), Segment::Index(_)) => descend(of, rest),
        (Type::List(of), Segment::Splat) => Ok(Type::List(Box::new(descend(of, rest)?))),
        (Type::List(_), Segment::Attr(name)) => {
            let unresolved = Unresolved::new(
                code::NO_MEMBERS,
                format!("a list has no member `{name}`"),
                "no member of a list",
            );
            Err(unresolved.help(format!("`[*].{name}` takes it of each element, `[0].{name}` of the first")))
        }
        (other, _) => {
            let what = article(other);
            Err(Unresolved::new(
                code::NO_MEMBERS,
                format!("{what} has no members"),
                format!("this asks {what} for one"),
            ))
        }
    }
}

struct Inference<'a> {
    roots: &'a dyn Roots,
    file: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Inference<'_> {
    fn of(&mut self, expr: &Expr, at: &Places) -> Type {
        match expr {
            Expr::Literal(value) => type_of_value(value),
            Expr::Ref(path) => self.reference(path, &at.span),
            Expr::Not(inner) => {
                self.operand(inner, part(at, 0), &Type::Bool, "!");
                Type::Bool
            }
            Expr::Binary(op, left, right) => self.binary(*op, (left, part(at, 0)), (right, part(at, 1)), at),
            Expr::If(condition, yes, no) => {
                self.operand(condition, part(at, 0), &Type::Bool, "? :");
                let (yes, no) = (self.of(yes, part(at, 1)), self.of(no, part(at, 2)));
                join(&yes, &no).unwrap_or_else(|| {
                    self.mixed(&at.span, "the two values of `? :` are", &yes, &no);
                    Type::Any
                })
            }
            Expr::Call(function, args) => self.call(*function, args, at),
            Expr::List(items) => {
                let types: Vec<Type> =
                    items.iter().enumerate().map(|(n, item)| self.of(item, part(at, n))).collect();
                Type::List(Box::new(common(types)))
            }
            Expr::Object(members) => {
                for (n, (_, member)) in members.iter().enumerate() {
                    self.of(member, part(at, n));
                }
                Type::Map
            }
        }
    }

    fn reference(&mut self, path: &Path, span: &Range<usize>) -> Type {
        match self.roots.type_of(path) {
            Ok(is) => is,
            Err(wrong) => {
                let mut finding =
                    Finding::error(wrong.code, self.file, span.clone(), wrong.message, wrong.label);
                if let Some(why) = wrong.why {
                    finding = finding.why(why);
                }
                self.findings.push(finding.help(wrong.help));
                Type::Any
            }
        }
    }

    fn mixed(&mut self, span: &Range<usize>, what: &str, one: &Type, other: &Type) {
        let message = format!("{what} {} and {}", article(one), article(other));
        let finding =
            Finding::error(code::COMPARISON, self.file, span.clone(), message, "of different types");
        self.findings.push(
            finding.why("values of different types are never equal, and neither is less than the other"),
        );
    }

    fn operand(&mut self, expr: &Expr, at: &Places, expected: &Type, op: &str) {
        let is = self.of(expr, at);
        if fits(&is, expected, expr) {
            return;
        }
        let message = format!("`{op}` takes {}, not {}", article(expected), article(&is));
        self.findings.push(Finding::error(
            code::OPERAND,
            self.file,
            at.span.clone(),
            message,
            format!("this is {}", article(&is)),
        ));
    }

    fn binary(&mut self, op: Op, left: (&Expr, &Places), right: (&Expr, &Places), at: &Places) -> Type {
        match op {
            Op::And | Op::Or => {
                let word = if op == Op::And { "&&" } else { "||" };
                self.operand(left.0, left.1, &Type::Bool, word);
                self.operand(right.0, right.1, &Type::Bool, word);
                Type::Bool
            }
            Op::Add | Op::Sub => {
                let word = if op == Op::Add { "+" } else { "-" };
                self.operand(left.0, left.1, &Type::Int, word);
                self.operand(right.0, right.1, &Type::Int, word);
                Type::Int
            }
            _ => {
                let (one, other) = (self.of(left.0, left.1), self.of(right.0, right.1));
                if !fits(&one, &other, left.0) && !fits(&other, &one, right.0) {
                    self.mixed(&at.span, "this compares", &one, &other);
                } else if let Some((text, place)) = not_a_date((&one, left), (&other, right)) {
                    let message = format!("\"{text}\" is no date, and it is compared with one");
                    let finding =
                        Finding::error(code::COMPARISON, self.file, place, message, "not YYYY-MM-DD");
                    self.findings.push(finding);
                } else if !matches!(op, Op::Eq | Op::NotEq) {
                    self.ordered(&one, left.1);
                    self.ordered(&other, right.1);
                }
                Type::Bool
            }
        }
    }

    fn ordered(&mut self, is: &Type, at: &Places) {
        if !matches!(is, Type::Any | Type::Int | Type::Text | Type::Date) {
            let message =
                format!("only integers, texts and dates have an order, and this is {}", article(is));
            let finding = Finding::error(code::OPERAND, self.file, at.span.clone(), message, "has no order");
            self.findings.push(finding);
        }
    }

    fn call(&mut self, function: Function, args: &[Expr], at: &Places) -> Type {
        let types: Vec<Type> = args.iter().enumerate().map(|(n, arg)| self.of(arg, part(at, n))).collect();
        for (n, (is, arg)) in types.iter().zip(args).enumerate() {
            let takes = parameter(function, n);
            if takes.is_empty() || takes.iter().any(|expected| fits(is, expected, arg)) {
                continue;
            }
            let expected: Vec<String> = takes.iter().map(article).collect();
            let message = format!(
                "`{}` takes {} here, not {}",
                function.name(),
                expected.join(" or "),
                describe_typed(arg, is)
            );
            let finding = Finding::error(
                code::ARGUMENT_TYPE,
                self.file,
                part(at, n).span.clone(),
                message,
                "of the wrong type",
            );
            self.findings.push(finding);
        }
        result(function, &types)
    }
}

/// `"text"` that is compared with a date and is none.
fn not_a_date<'e>(
    one: (&Type, (&'e Expr, &Places)),
    other: (&Type, (&'e Expr, &Places)),
) -> Option<(&'e str, Range<usize>)> {
    let wrong = |date: &Type, (expr, at): (&'e Expr, &Places)| match expr {
        Expr::Literal(Value::Text(text)) if *date == Type::Date && !is_date(text) => {
            Some((text.as_str(), at.span.clone()))
        }
        _ => None,
    };
    wrong(one.0, other.1).or_else(|| wrong(other.0, one.1))
}

fn describe_typed(expr: &Expr, is: &Type) -> String {
    match expr {
        Expr::Ref(path) => format!("`{path}`, which is {}", article(is)),
        Expr::Call(..) | Expr::Binary(..) | Expr::If(..) | Expr::Not(_) => article(is),
        other => describe(other),
    }
}

fn part(at: &Places, n: usize) -> &Places {
    at.parts.get(n).unwrap_or(at)
}

/// What the argument at `n` may be; nothing where it may be anything.
fn parameter(function: Function, n: usize) -> Vec<Type> {
    let list = || Type::List(Box::new(Type::Any));
    match (function, n) {
        (Function::Contains, 0) => vec![list(), Type::Text],
        (Function::Lower | Function::Upper | Function::Trim | Function::Slug, 0)
        | (Function::StartsWith | Function::EndsWith, _)
        | (Function::Join | Function::Pick, 1) => vec![Type::Text],
        (Function::Length, 0) => vec![Type::Text, list(), Type::Map],
        (Function::Join | Function::Pick | Function::First | Function::Without | Function::With, 0) => {
            vec![list()]
        }
        _ => Vec::new(),
    }
}

/// The type of a call's result, sharper than the function's own where the arguments tell.
fn result(function: Function, types: &[Type]) -> Type {
    let element = match types.first() {
        Some(Type::List(of)) => (**of).clone(),
        _ => Type::Any,
    };
    match function {
        Function::First => element,
        Function::Coalesce => common(types.iter().cloned()),
        Function::Without => Type::List(Box::new(element)),
        Function::With => Type::List(Box::new(common([element].into_iter().chain(types.get(1).cloned())))),
        Function::List => match types.first() {
            Some(list @ Type::List(_)) => list.clone(),
            Some(one) => Type::List(Box::new(one.clone())),
            None => function.result(),
        },
        other => other.result(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    struct Fixed;

    impl Roots for Fixed {
        fn type_of(&self, path: &Path) -> Result<Type, Unresolved> {
            let is = match path.root.as_str() {
                "number" => Type::Int,
                "truth" => Type::Bool,
                "word" => Type::Text,
                "day" => Type::Date,
                "words" => Type::List(Box::new(Type::Text)),
                "any" => Type::Any,
                other => return Err(Unresolved::new(code::UNKNOWN_ROOT, format!("no `{other}`"), "")),
            };
            descend(&is, &path.segments)
        }
    }

    fn check(text: &str, expect: &str) {
        let mut findings = Vec::new();
        let body = syntax::parse("a.hcl", format!("a = {text}\n").as_bytes(), &mut findings).unwrap();
        let is = infer(&body.attributes[0].value, &Fixed, "a.hcl", &mut findings);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        let got = if codes.is_empty() { is.to_string() } else { codes.join(" ") };
        assert_eq!(got, expect, "{text}: {findings:?}");
    }

    #[test]
    fn an_expression_has_a_type() {
        check("word == \"x\" && !(number < 3)", "bool");
        check("number + 1 - 2", "int");
        check("first(words)", "text");
        check("[1, 2]", "list(int)");
        check("[1, \"a\"]", "list(any)");
        check("truth ? word : day", "text");
        check("words[0]", "text");
        check("words[*]", "list(text)");
        check("any.thing[3].at", "any");
        check("day < \"2026-11-21\"", "bool");
        check("any == null", "bool");
        check("with(words, word)", "list(text)");
        check("{ a = word }", "map");
    }

    #[test]
    fn a_mistake_is_reported_where_it_is_and_once() {
        check("word == 3", code::COMPARISON);
        check("day == \"2026-02-30\"", code::COMPARISON);
        check("word && truth", code::OPERAND);
        check("word + 1", code::OPERAND);
        check("!number", code::OPERAND);
        check("truth < truth", &format!("{0} {0}", code::OPERAND));
        check("lower(number)", code::ARGUMENT_TYPE);
        check("contains(number, 1)", code::ARGUMENT_TYPE);
        check("word.length", code::NO_MEMBERS);
        check("words.name", code::NO_MEMBERS);
        check("nothing == 1 && nothing.else", &format!("{0} {0}", code::UNKNOWN_ROOT));
        check("truth ? word : number", code::COMPARISON);
    }

    #[test]
    fn a_text_stands_for_a_date_only_where_it_is_one() {
        let text = |text: &str| Expr::Literal(Value::from(text));
        assert!(fits(&Type::Text, &Type::Date, &text("2026-11-21")));
        assert!(!fits(&Type::Text, &Type::Date, &text("soon")));
        assert!(!fits(&Type::Text, &Type::Date, &Expr::Ref(Path::of("word", &[]))));
        assert!(fits(&Type::Date, &Type::Text, &Expr::Ref(Path::of("day", &[]))));
    }
}
