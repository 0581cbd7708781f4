//! Expressions: the typed, total, deterministic language of conditions, bindings and manifests.
//!
//! Invariants: evaluation ends (no loops, no recursion but over the expression itself, whose depth the reader bounds), never
//! panics, and reads nothing but its [`Scope`]. What is not there is `Null`; what is unknown makes the result unknown unless
//! it cannot matter (Kleene's strong logic for `&&` and `||`).

use crate::canon::Canon;
use crate::value::{Type, Value};
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

/// A function of the language. All are total: an argument of the wrong type gives `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// `contains(list or text, x)`.
    Contains,
    /// `lower(text)`, over ASCII and Unicode simple case.
    Lower,
    /// `upper(text)`.
    Upper,
    /// `trim(text)`.
    Trim,
    /// `length(text, list or map)`: characters, elements or members.
    Length,
    /// `starts_with(text, prefix)`.
    StartsWith,
    /// `ends_with(text, suffix)`.
    EndsWith,
    /// `concat(x, ...)`: the texts of all in a row; `null` if one is `null`.
    Concat,
    /// `first(list)`: its first element that is not `null`.
    First,
    /// `coalesce(x, ...)`: the first that is not `null`.
    Coalesce,
    /// `join(list, separator)`.
    Join,
    /// `pick(list, name, value)`: the first map of `list` whose member `name` equals `value`.
    Pick,
    /// `without(list, x)`: the list without the elements equal to `x`.
    Without,
    /// `with(list, x)`: the list and `x`, unless it holds it already.
    With,
    /// `slug(text)`: lower case, every run of other characters than letters and digits one `-`.
    Slug,
    /// `list(x)`: a list as it is, `null` as the empty list, anything else as a list of itself.
    List,
    /// `text(x)`: the value as people read it.
    Text,
}

impl Function {
    /// Every function with its name, its least and its greatest number of arguments.
    pub const ALL: [(&'static str, Self, usize, usize); 17] = [
        ("contains", Self::Contains, 2, 2),
        ("lower", Self::Lower, 1, 1),
        ("upper", Self::Upper, 1, 1),
        ("trim", Self::Trim, 1, 1),
        ("length", Self::Length, 1, 1),
        ("starts_with", Self::StartsWith, 2, 2),
        ("ends_with", Self::EndsWith, 2, 2),
        ("concat", Self::Concat, 1, 16),
        ("first", Self::First, 1, 1),
        ("coalesce", Self::Coalesce, 1, 16),
        ("join", Self::Join, 2, 2),
        ("pick", Self::Pick, 3, 3),
        ("without", Self::Without, 2, 2),
        ("with", Self::With, 2, 2),
        ("slug", Self::Slug, 1, 1),
        ("list", Self::List, 1, 1),
        ("text", Self::Text, 1, 1),
    ];

    /// The function's name in files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, function, _, _)| *function == self).map_or("", |(name, ..)| name)
    }

    /// The type of its result.
    pub fn result(self) -> Type {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => Type::Bool,
            Self::Length => Type::Int,
            Self::Lower | Self::Upper | Self::Trim | Self::Concat | Self::Join | Self::Slug | Self::Text => {
                Type::Text
            }
            Self::Without | Self::With | Self::List => Type::List(Box::new(Type::Any)),
            Self::First | Self::Coalesce | Self::Pick => Type::Any,
        }
    }
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

fn call(function: Function, args: &[Value]) -> Value {
    let text = |at: usize| args.get(at).and_then(Value::as_text);
    match function {
        Function::Contains => match (args.first(), args.get(1)) {
            (Some(Value::List(items)), Some(item)) => Value::Bool(items.contains(item)),
            (Some(Value::Text(whole)), Some(Value::Text(part))) => Value::Bool(whole.contains(part.as_str())),
            _ => Value::Bool(false),
        },
        Function::Lower => text(0).map_or(Value::Null, |text| text.to_lowercase().into()),
        Function::Upper => text(0).map_or(Value::Null, |text| text.to_uppercase().into()),
        Function::Trim => text(0).map_or(Value::Null, |text| text.trim().into()),
        Function::Length => length(args.first()),
        Function::StartsWith => {
            Value::Bool(matches!((text(0), text(1)), (Some(a), Some(b)) if a.starts_with(b)))
        }
        Function::EndsWith => Value::Bool(matches!((text(0), text(1)), (Some(a), Some(b)) if a.ends_with(b))),
        Function::Concat if args.iter().any(Value::is_null) => Value::Null,
        Function::Concat => args.iter().map(ToString::to_string).collect::<String>().into(),
        Function::First => args.first().and_then(Value::as_list).map_or(Value::Null, not_null),
        Function::Coalesce => not_null(args),
        Function::Join => match (args.first(), text(1)) {
            (Some(Value::List(items)), Some(separator)) => {
                items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator).into()
            }
            _ => Value::Null,
        },
        Function::Pick => match (args.first(), text(1), args.get(2)) {
            (Some(Value::List(items)), Some(name), Some(wanted)) => {
                items.iter().find(|item| item.get(name) == Some(wanted)).cloned().unwrap_or_default()
            }
            _ => Value::Null,
        },
        Function::Without => as_list(args.first(), |items| {
            items.iter().filter(|item| args.get(1) != Some(*item)).cloned().collect()
        }),
        Function::With => as_list(args.first(), |items| {
            let mut items = items.to_vec();
            items.extend(args.get(1).filter(|item| !items.contains(item)).cloned());
            items
        }),
        Function::Slug => text(0).map_or(Value::Null, |text| slug(text).into()),
        Function::List => as_list(args.first(), <[Value]>::to_vec),
        Function::Text => {
            args.first().filter(|value| !value.is_null()).map_or(Value::Null, |v| v.to_string().into())
        }
    }
}

fn not_null(values: &[Value]) -> Value {
    values.iter().find(|value| !value.is_null()).cloned().unwrap_or_default()
}

fn length(value: Option<&Value>) -> Value {
    let length = match value {
        Some(Value::Text(text)) => text.chars().count(),
        Some(Value::List(items)) => items.len(),
        Some(Value::Map(members)) => members.len(),
        _ => return Value::Null,
    };
    i64::try_from(length).map_or(Value::Null, Value::Int)
}

fn as_list(value: Option<&Value>, then: impl FnOnce(&[Value]) -> Vec<Value>) -> Value {
    match value {
        Some(Value::List(items)) => Value::List(then(items)),
        None | Some(Value::Null) => Value::List(then(&[])),
        Some(single) => Value::List(then(std::slice::from_ref(single))),
    }
}

fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
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
