//! What an expression may refer to where it stands, and what types it makes.
//!
//! Invariants: each mistake is told at the bytes where it stands; what was refused by the syntax is not told again; a type
//! that is not known (what a system answers) is held against nothing.

use crate::code;
use crate::model::Var;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::function::Function;
use xops_kernel::value::{Type, Value};
use xops_source::finding::{Finding, suggest};
use xops_source::reader::listed;
use xops_source::syntax::{Node, Places};

/// The references that a place allows.
#[expect(clippy::struct_excessive_bools, reason = "five roots are there or not, independently of each other")]
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) inputs: Option<&'a BTreeMap<String, Type>>,
    pub(crate) vars: Option<&'a BTreeMap<String, Var>>,
    pub(crate) snapshot: Option<&'a BTreeSet<String>>,
    pub(crate) outputs: Option<&'a BTreeMap<String, Type>>,
    pub(crate) carry: Option<&'a BTreeSet<String>>,
    pub(crate) key: bool,
    pub(crate) page: bool,
    pub(crate) response: bool,
    pub(crate) item: bool,
    /// A message that the system sent by itself.
    pub(crate) request: bool,
}

const PAGE: [(&str, Type); 5] = [
    ("cursor", Type::Text),
    ("delta", Type::Any),
    ("number", Type::Int),
    ("offset", Type::Int),
    ("since", Type::Text),
];
const REQUEST: [(&str, Type); 4] =
    [("body", Type::Any), ("header", Type::Any), ("query", Type::Any), ("text", Type::Text)];
const RESPONSE: [(&str, Type); 4] =
    [("body", Type::Any), ("header", Type::Any), ("status", Type::Int), ("text", Type::Text)];

impl Place<'_> {
    /// Checks an expression and gives its type.
    pub(crate) fn check(&self, node: &Node, findings: &mut Vec<Finding>) -> Type {
        if node.refused() {
            return Type::Any;
        }
        for (path, span) in &node.refs {
            if let Err(finding) = self.type_of(path, span) {
                findings.push(*finding);
            }
        }
        let mut typed = Typed { place: self, findings };
        typed.infer(&node.expr, &node.places)
    }

    /// Checks a condition.
    pub(crate) fn condition(&self, node: &Node, findings: &mut Vec<Finding>) {
        let is = self.check(node, findings);
        if !matches!(is, Type::Bool | Type::Any) {
            let message = format!("a condition is true or false, and this is {is}");
            findings.push(Finding::error(
                code::CONDITION,
                self.file,
                node.span.clone(),
                message,
                format!("this is {is}"),
            ));
        }
    }

    fn roots(&self) -> Vec<&'static str> {
        let all = [
            ("input", self.inputs.is_some()),
            ("var", self.vars.is_some()),
            ("snapshot", self.snapshot.is_some()),
            ("output", self.outputs.is_some()),
            ("carry", self.carry.is_some()),
            ("key", self.key),
            ("page", self.page),
            ("response", self.response),
            ("item", self.item),
            ("request", self.request),
        ];
        all.into_iter().filter(|(_, allowed)| *allowed).map(|(root, _)| root).collect()
    }

    /// The type of a reference, or what is wrong with it.
    pub(crate) fn type_of(&self, path: &Path, span: &Range<usize>) -> Result<Type, Box<Finding>> {
        let roots = self.roots();
        if !roots.contains(&path.root.as_str()) {
            let message = format!("`{}` is not there to refer to", path.root);
            let help = suggest(&path.root, roots.iter().copied());
            let help = help.unwrap_or_else(|| format!("here stand {}", listed(&roots)));
            return Err(Box::new(
                Finding::error(code::ROOT, self.file, span.clone(), message, "not there").help(help),
            ));
        }
        let whole = path.segments.len() == 1;
        let of = |types: Vec<(&str, Type)>| self.member(path, span, &types, whole);
        match path.root.as_str() {
            "input" => {
                of(self.inputs.into_iter().flatten().map(|(name, is)| (name.as_str(), is.clone())).collect())
            }
            "output" => {
                of(self.outputs.into_iter().flatten().map(|(name, is)| (name.as_str(), is.clone())).collect())
            }
            "var" => of(self
                .vars
                .into_iter()
                .flatten()
                .map(|(name, var)| (name.as_str(), var.is.clone()))
                .collect()),
            "snapshot" => {
                of(self.snapshot.into_iter().flatten().map(|name| (name.as_str(), Type::Any)).collect())
            }
            "carry" => of(self.carry.into_iter().flatten().map(|name| (name.as_str(), Type::Any)).collect()),
            "page" => of(PAGE.to_vec()),
            "response" => of(RESPONSE.to_vec()),
            "request" => of(REQUEST.to_vec()),
            "key" if path.segments.is_empty() => Ok(Type::Text),
            "key" => of(Vec::new()),
            _ => Ok(Type::Any),
        }
    }

    fn member(
        &self,
        path: &Path,
        span: &Range<usize>,
        types: &[(&str, Type)],
        whole: bool,
    ) -> Result<Type, Box<Finding>> {
        let name = path.first().unwrap_or_default();
        if let Some((_, is)) = types.iter().find(|(known, _)| *known == name) {
            return Ok(if whole { is.clone() } else { Type::Any });
        }
        let known: Vec<&str> = types.iter().map(|(name, _)| *name).collect();
        let message = if name.is_empty() {
            format!("`{}` needs a name behind it", path.root)
        } else {
            format!("`{}` has no `{name}` here", path.root)
        };
        let help = suggest(name, known.iter().copied())
            .or_else(|| (!known.is_empty()).then(|| format!("there are {}", listed(&known))));
        let finding =
            Finding::error(code::MEMBER, self.file, span.clone(), message, "not declared").help(help);
        Err(Box::new(finding))
    }
}

struct Typed<'a, 'f> {
    place: &'a Place<'a>,
    findings: &'f mut Vec<Finding>,
}

impl Typed<'_, '_> {
    fn wrong(&mut self, places: &Places, message: String) {
        if !places.refused {
            let finding = Finding::error(code::TYPES, self.place.file, places.span.clone(), message, "here");
            self.findings.push(finding);
        }
    }

    fn parts(&mut self, exprs: &[&Expr], places: &Places) -> Vec<Type> {
        let nowhere = Places { span: places.span.clone(), ..Places::default() };
        exprs
            .iter()
            .enumerate()
            .map(|(at, expr)| self.infer(expr, places.parts.get(at).unwrap_or(&nowhere)))
            .collect()
    }

    fn infer(&mut self, expr: &Expr, places: &Places) -> Type {
        match expr {
            Expr::Literal(value) => of_literal(value),
            Expr::Ref(path) => self.place.type_of(path, &places.span).unwrap_or(Type::Any),
            Expr::Not(inner) => {
                let is = self.parts(&[inner], places);
                self.expect(&is, &Type::Bool, "`!`", places);
                Type::Bool
            }
            Expr::Binary(op, left, right) => {
                let is = self.parts(&[left, right], places);
                self.operator(*op, &is, places)
            }
            Expr::If(condition, yes, no) => {
                let is = self.parts(&[condition, yes, no], places);
                self.expect(&is[..1], &Type::Bool, "the condition before `?`", places);
                if is[1] == is[2] { is[1].clone() } else { Type::Any }
            }
            Expr::Call(function, args) => {
                let is = self.parts(&args.iter().collect::<Vec<_>>(), places);
                let texts = match function {
                    Function::Lower | Function::Upper | Function::Trim | Function::Slug => 1,
                    Function::StartsWith | Function::EndsWith => 2,
                    _ => 0,
                };
                self.expect(&is[..texts.min(is.len())], &Type::Text, function.name(), places);
                function.result()
            }
            Expr::List(items) => {
                self.parts(&items.iter().collect::<Vec<_>>(), places);
                Type::List(Box::new(Type::Any))
            }
            Expr::Object(members) => {
                self.parts(&members.iter().map(|(_, member)| member).collect::<Vec<_>>(), places);
                Type::Map
            }
        }
    }

    fn expect(&mut self, found: &[Type], wanted: &Type, who: &str, places: &Places) {
        for is in found {
            if !like(is, wanted) {
                self.wrong(places, format!("{who} takes {wanted}, not {is}"));
            }
        }
    }

    fn operator(&mut self, op: Op, is: &[Type], places: &Places) -> Type {
        let (left, right) = (&is[0], &is[1]);
        match op {
            Op::And | Op::Or => self.expect(is, &Type::Bool, "`&&` and `||`", places),
            Op::Add | Op::Sub => {
                self.expect(is, &Type::Int, "`+` and `-`", places);
                return Type::Int;
            }
            _ if !like(left, right) => {
                self.wrong(places, format!("{left} is compared with {right}: they are never equal"));
            }
            _ => {}
        }
        Type::Bool
    }
}

fn of_literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) | Value::Decimal(_) => Type::Int,
        Value::Text(_) => Type::Text,
        Value::List(_) => Type::List(Box::new(Type::Any)),
        Value::Map(_) => Type::Map,
    }
}

/// Whether a value of one type may stand where the other is meant.
pub(crate) fn like(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Any, _) | (_, Type::Any) | (Type::Text, Type::Date) | (Type::Date, Type::Text) => true,
        (Type::List(one), Type::List(other)) => like(one, other),
        (one, other) => one == other,
    }
}
