//! Where the references of manifests are looked up, and how values become what a place declares.
//!
//! Absent: anything unknown. What is not there is `Null`, so every expression of a manifest has a value.

use crate::answer::Answer;
use crate::model::{Exprs, Manifest};
use crate::trail::Trail;
use xops_kernel::expr::{self, Expr, Known, Path};
use xops_kernel::value::{Type, Value, Values, is_date};

/// What the expressions of one place see.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) config: &'a Values,
    pub(crate) inputs: &'a Values,
    pub(crate) key: &'a str,
    pub(crate) snapshot: &'a Values,
    pub(crate) outputs: &'a Values,
    pub(crate) trail: &'a Trail,
    pub(crate) answer: Option<&'a Answer<'a>>,
    pub(crate) item: Option<&'a Value>,
    /// What `page.delta` is made of; it cannot refer to itself.
    pub(crate) delta: Option<&'a Expr>,
}

impl<'a> Scope<'a> {
    /// The same scope with an item.
    pub(crate) fn with_item(self, item: Option<&'a Value>) -> Self {
        Self { item, ..self }
    }

    /// The value of `expr` here.
    pub(crate) fn value(&self, expr: &Expr) -> Value {
        expr::eval(expr, self).value().unwrap_or_default()
    }

    /// Whether `condition` is true here.
    pub(crate) fn holds(&self, condition: &Expr) -> bool {
        self.value(condition) == Value::Bool(true)
    }

    /// The values of `exprs` that are not `Null`.
    pub(crate) fn values(&self, exprs: &Exprs) -> Values {
        let all = exprs.iter().map(|(name, expr)| (name.clone(), self.value(expr)));
        all.filter(|(_, value)| !value.is_null()).collect()
    }
}

impl expr::Scope for Scope<'_> {
    fn lookup(&self, path: &Path) -> Known {
        let of = |values: &Values| match path.first() {
            Some(name) => values.get(name).map_or(Value::Null, |value| path.follow(1, value)),
            None => Value::Map(values.clone()),
        };
        Known::Value(match path.root.as_str() {
            "input" => of(self.inputs),
            "snapshot" => of(self.snapshot),
            "output" => of(self.outputs),
            "carry" => of(&self.trail.kept),
            "page" if path.first() == Some("delta") => {
                self.delta.map_or(Value::Null, |delta| self.value(delta))
            }
            "page" => self.trail.page.at(path.first().unwrap_or_default()),
            "key" => Value::from(self.key),
            "response" => self.answer.map_or(Value::Null, |answer| answer.at(path)),
            "item" => self.item.map_or(Value::Null, |item| path.follow(0, item)),
            "var" => {
                let name = path.first().unwrap_or_default();
                let declared = self.manifest.vars.get(name);
                let value = self.config.get(name).or_else(|| declared.and_then(|var| var.default.as_ref()));
                value.map_or(Value::Null, |value| path.follow(1, value))
            }
            _ => Value::Null,
        })
    }
}

/// The value as a declared type has it, where that is a matter of notation (`"3"` for 3, a time for its day); else why not.
pub(crate) fn coerce(value: Value, to: &Type) -> Result<Value, String> {
    if value.is(to) {
        return Ok(value);
    }
    let told = value.type_name();
    let coerced = match (&value, to) {
        (Value::Int(_) | Value::Decimal(_) | Value::Bool(_), Type::Text) => {
            Some(Value::Text(value.to_string()))
        }
        (Value::Text(text), Type::Int) => text.trim().parse().ok().map(Value::Int),
        (Value::Text(text), Type::Bool) => match text.trim() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        // Systems write a day with a time or a zone behind it; the day is what they mean.
        (Value::Text(text), Type::Date) => text.get(..10).filter(|day| is_date(day)).map(Value::from),
        (Value::List(items), Type::List(of)) => {
            let items: Result<Vec<Value>, String> =
                items.iter().filter(|item| !item.is_null()).map(|item| coerce(item.clone(), of)).collect();
            items.ok().map(Value::List)
        }
        _ => None,
    };
    coerced.ok_or_else(|| format!("is {told}, not {to}"))
}

/// The value as an integer, also where a system writes it as text.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The value as it stands in a path, a query or a header; lists and maps do not.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) => Some(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, to: &Type, expect: Result<Value, &str>) {
        assert_eq!(coerce(value, to), expect.map_err(str::to_owned));
    }

    #[test]
    fn only_notation_is_forgiven() {
        check("3".into(), &Type::Int, Ok(Value::Int(3)));
        check("x".into(), &Type::Int, Err("is text, not int"));
        check("1".into(), &Type::Bool, Ok(Value::Bool(true)));
        check(Value::Int(7), &Type::Text, Ok("7".into()));
        check("2026-12-31-08:00".into(), &Type::Date, Ok("2026-12-31".into()));
        check("2026-12-31T10:00:00Z".into(), &Type::Date, Ok("2026-12-31".into()));
        check("soon".into(), &Type::Date, Err("is text, not date"));
        check(Value::Map(Values::new()), &Type::Text, Err("is map, not text"));
    }
}
