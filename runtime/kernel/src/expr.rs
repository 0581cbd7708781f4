//! Expressions: the typed, total, deterministic language of conditions, bindings and manifests.
//!
//! Invariants: evaluation ends (no loops, no recursion but over the expression itself, whose depth the reader bounds), never
//! panics, and reads nothing but its [`Scope`]. What is not there is `Null`; what is unknown makes the result unknown unless
//! it cannot matter (Kleene's strong logic for `&&` and `||`).

use crate::canon::Canon;
use crate::function::{Function, call};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expr {
    /// A value.
    Literal(Value),
    /// What the scope holds at a path.
    Ref(Path),
    /// `!x`.
    Not(Box<Self>),
    /// `x op y`.
    Binary(Op, Box<Self>, Box<Self>),
    /// `condition ? yes : no`.
    If(Box<Self>, Box<Self>, Box<Self>),
    /// `function(x, ...)`.
    Call(Function, Vec<Self>),
    /// `[x, ...]`.
    List(Vec<Self>),
    /// `{ name = x, ... }`, in the order of writing: what a body's XML needs.
    Object(Vec<(String, Self)>),
}

/// A reference: `root.attr[0].attr[*]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Path {
    /// The first word.
    pub root: String,
    /// What follows it.
    pub segments: Vec<Segment>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Segment {
    /// `.name`.
    Attr(String),
    /// `[n]`.
    Index(u32),
    /// `[*]`: the rest of the path applies to each element; a value that is no list counts as a list of itself.
    Splat,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the operators of HCL, by their usual names")]
pub enum Op {
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
    Add,
    Sub,
}

/// Where references are looked up.
pub trait Scope {
    /// What stands at `path`.
    fn lookup(&self, path: &Path) -> Known;
}

/// The result of a lookup or of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// This value; `Null` where nothing is there.
    Value(Value),
    /// It hangs on things that are not known: these references, in order.
    Unknown(BTreeSet<String>),
}

impl Known {
    /// The value, if it is known.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<F: Fn(&Path) -> Known> Scope for F {
    fn lookup(&self, path: &Path) -> Known {
        self(path)
    }
}

impl Path {
    /// A path of attributes: `Path::of("person", &["email"])`.
    pub fn of(root: &str, attributes: &[&str]) -> Self {
        let segments = attributes.iter().map(|name| Segment::Attr((*name).to_owned())).collect();
        Self { root: root.to_owned(), segments }
    }

    /// The name of the first attribute, if the path starts with one.
    pub fn first(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Attr(name)) => Some(name),
            _ => None,
        }
    }

    /// Follows the segments from `from` on into `value`; what is not there is `Null`.
    pub fn follow(&self, from: usize, value: &Value) -> Value {
        walk(self.segments.get(from..).unwrap_or_default(), value)
    }
}

fn walk(segments: &[Segment], value: &Value) -> Value {
    let Some((segment, rest)) = segments.split_first() else { return value.clone() };
    match segment {
        Segment::Attr(name) => value.get(name).map_or(Value::Null, |member| walk(rest, member)),
        Segment::Index(at) => value
            .as_list()
            .and_then(|items| items.get(*at as usize))
            .or(if *at == 0 && value.as_list().is_none() && !value.is_null() { Some(value) } else { None })
            .map_or(Value::Null, |item| walk(rest, item)),
        Segment::Splat => match value {
            Value::Null => Value::List(Vec::new()),
            Value::List(items) => Value::List(items.iter().map(|item| walk(rest, item)).collect()),
            single => Value::List(vec![walk(rest, single)]),
        },
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Attr(name) => write!(f, ".{name}"),
            Segment::Index(at) => write!(f, "[{at}]"),
            Segment::Splat => f.write_str("[*]"),
        })
    }
}

/// Evaluates `expr` in `scope`.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Known {
    match expr {
        Expr::Literal(value) => Known::Value(value.clone()),
        Expr::Ref(path) => scope.lookup(path),
        Expr::Not(inner) => match eval(inner, scope) {
            Known::Value(value) => Known::Value(Value::Bool(!truth(&value))),
            unknown @ Known::Unknown(_) => unknown,
        },
        Expr::Binary(Op::And, left, right) => eval_logic(left, right, scope, false),
        Expr::Binary(Op::Or, left, right) => eval_logic(left, right, scope, true),
        Expr::Binary(op, left, right) => {
            eval_all(&[left, right], scope, |values| binary(*op, &values[0], &values[1]))
        }
        Expr::If(condition, yes, no) => match eval(condition, scope) {
            Known::Value(value) => eval(if truth(&value) { yes } else { no }, scope),
            unknown @ Known::Unknown(_) => unknown,
        },
        Expr::Call(function, args) => {
            let args: Vec<&Expr> = args.iter().collect();
            eval_all(&args, scope, |values| call(*function, &values))
        }
        Expr::List(items) => {
            let items: Vec<&Expr> = items.iter().collect();
            eval_all(&items, scope, Value::List)
        }
        Expr::Object(members) => {
            let values: Vec<&Expr> = members.iter().map(|(_, member)| member).collect();
            eval_all(&values, scope, |values| {
                Value::Map(members.iter().map(|(name, _)| name.clone()).zip(values).collect())
            })
        }
    }
}

/// Whether a condition holds: `None` where that is unknown.
pub fn holds(expr: &Expr, scope: &dyn Scope) -> Result<bool, BTreeSet<String>> {
    match eval(expr, scope) {
        Known::Value(value) => Ok(truth(&value)),
        Known::Unknown(what) => Err(what),
    }
}

fn truth(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

/// `false && unknown` is false and `true || unknown` is true: `absorbing` is the value that decides alone.
fn eval_logic(left: &Expr, right: &Expr, scope: &dyn Scope, absorbing: bool) -> Known {
    let decided = |known: &Known| matches!(known, Known::Value(value) if truth(value) == absorbing);
    let left = eval(left, scope);
    if decided(&left) {
        return Known::Value(Value::Bool(absorbing));
    }
    let right = eval(right, scope);
    if decided(&right) {
        return Known::Value(Value::Bool(absorbing));
    }
    match (left, right) {
        (Known::Value(_), Known::Value(_)) => Known::Value(Value::Bool(!absorbing)),
        (Known::Unknown(mut one), Known::Unknown(other)) => {
            one.extend(other);
            Known::Unknown(one)
        }
        (unknown @ Known::Unknown(_), _) | (_, unknown) => unknown,
    }
}

fn eval_all(exprs: &[&Expr], scope: &dyn Scope, then: impl FnOnce(Vec<Value>) -> Value) -> Known {
    let mut values = Vec::with_capacity(exprs.len());
    let mut unknown = BTreeSet::new();
    for expr in exprs {
        match eval(expr, scope) {
            Known::Value(value) => values.push(value),
            Known::Unknown(what) => unknown.extend(what),
        }
    }
    if unknown.is_empty() { Known::Value(then(values)) } else { Known::Unknown(unknown) }
}

fn binary(op: Op, left: &Value, right: &Value) -> Value {
    let ordered = |accept: fn(std::cmp::Ordering) -> bool| match (left, right) {
        (Value::Int(_), Value::Int(_)) | (Value::Text(_), Value::Text(_)) => {
            Value::Bool(accept(left.cmp(right)))
        }
        _ => Value::Bool(false),
    };
    match op {
        Op::Eq => Value::Bool(left == right),
        Op::NotEq => Value::Bool(left != right),
        Op::Less => ordered(std::cmp::Ordering::is_lt),
        Op::LessEq => ordered(std::cmp::Ordering::is_le),
        Op::Greater => ordered(std::cmp::Ordering::is_gt),
        Op::GreaterEq => ordered(std::cmp::Ordering::is_ge),
        Op::Add | Op::Sub => match (left, right) {
            (Value::Int(left), Value::Int(right)) => {
                let sum = if op == Op::Add { left.checked_add(*right) } else { left.checked_sub(*right) };
                sum.map_or(Value::Null, Value::Int)
            }
            _ => Value::Null,
        },
        Op::And => Value::Bool(truth(left) && truth(right)),
        Op::Or => Value::Bool(truth(left) || truth(right)),
    }
}

/// Every reference in `expr`, in order of writing.
pub fn references(expr: &Expr) -> Vec<&Path> {
    let mut paths = Vec::new();
    collect(expr, &mut paths);
    paths
}

fn collect<'a>(expr: &'a Expr, paths: &mut Vec<&'a Path>) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Ref(path) => paths.push(path),
        Expr::Not(inner) => collect(inner, paths),
        Expr::Binary(_, left, right) => {
            collect(left, paths);
            collect(right, paths);
        }
        Expr::If(condition, yes, no) => {
            collect(condition, paths);
            collect(yes, paths);
            collect(no, paths);
        }
        Expr::Call(_, items) | Expr::List(items) => items.iter().for_each(|item| collect(item, paths)),
        Expr::Object(members) => members.iter().for_each(|(_, member)| collect(member, paths)),
    }
}

/// Appends the expression's canonical bytes.
pub fn canon(expr: &Expr, out: &mut Canon) {
    match expr {
        Expr::Literal(value) => {
            out.tag(0).value(value);
        }
        Expr::Ref(path) => {
            out.tag(1).text(&path.to_string());
        }
        Expr::Not(inner) => canon(inner, out.tag(2)),
        Expr::Binary(op, left, right) => {
            canon(left, out.tag(3).tag(*op as u8));
            canon(right, out);
        }
        Expr::If(condition, yes, no) => {
            canon(condition, out.tag(4));
            canon(yes, out);
            canon(no, out);
        }
        Expr::Call(function, items) => {
            out.tag(5).text(function.name()).all(items.iter(), |out, item| canon(item, out));
        }
        Expr::List(items) => {
            out.tag(6).all(items.iter(), |out, item| canon(item, out));
        }
        Expr::Object(members) => {
            out.tag(7).all(members.iter(), |out, (name, member)| canon(member, out.text(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(path: &Path) -> Known {
        match path.root.as_str() {
            "t" => Known::Value(Value::Bool(true)),
            "f" => Known::Value(Value::Bool(false)),
            "users" => Known::Value(
                path.follow(0, &Value::List(vec![Value::Map([("id".to_owned(), Value::Int(7))].into())])),
            ),
            other => Known::Unknown([other.to_owned()].into()),
        }
    }

    fn reference(root: &str) -> Expr {
        Expr::Ref(Path::of(root, &[]))
    }

    #[test]
    fn what_is_unknown_matters_only_where_it_decides() {
        let side = |root| Box::new(reference(root));
        let logic = |op, left, right| holds(&Expr::Binary(op, side(left), side(right)), &known);
        assert_eq!(logic(Op::And, "f", "u"), Ok(false));
        assert_eq!(logic(Op::And, "u", "f"), Ok(false));
        assert_eq!(logic(Op::Or, "u", "t"), Ok(true));
        assert_eq!(logic(Op::And, "t", "u"), Err(["u".to_owned()].into()));
        assert_eq!(logic(Op::Eq, "u", "u"), Err(["u".to_owned()].into()));
    }

    #[test]
    fn a_splat_takes_each_element() {
        let path = Path { root: "users".into(), segments: vec![Segment::Splat, Segment::Attr("id".into())] };
        assert_eq!(eval(&Expr::Ref(path), &known), Known::Value(Value::List(vec![Value::Int(7)])));
    }

    #[test]
    fn functions_answer_null_to_what_they_do_not_take() {
        for (_, function, least, _) in Function::ALL {
            let args = vec![Value::Int(3); least];
            let _total = call(function, &args);
        }
        assert_eq!(call(Function::Slug, &["Field  Engineering!".into()]), "field-engineering".into());
        assert_eq!(call(Function::Lower, &[Value::Int(1)]), Value::Null);
    }
}
