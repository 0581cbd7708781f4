//! Values: what attributes, inputs and outputs are made of.
//!
//! Invariants: no floating point (a JSON number that is no 64-bit integer keeps its lexeme), maps are ordered, so two equal
//! values have one encoding.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Named values, ordered by name.
pub type Values = BTreeMap<String, Value>;

/// One value of a system of record or of a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Nothing: also what an attribute that is not there evaluates to.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A number that is no 64-bit integer, by its lexeme.
    Decimal(String),
    /// Text. Dates are text of the form `YYYY-MM-DD`.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Named values, ordered by name.
    Map(Values),
}

impl Value {
    /// The text, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The member `name`, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.get(name),
            _ => None,
        }
    }

    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The name of the value's type, as diagnostics print it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Decimal(_) => "decimal",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Whether the value may stand where `expected` is declared. `Null` stands nowhere but at [`Type::Any`].
    pub fn is(&self, expected: &Type) -> bool {
        match (self, expected) {
            (_, Type::Any)
            | (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Text(_), Type::Text)
            | (Self::Map(_), Type::Map) => true,
            (Self::Text(text), Type::Date) => is_date(text),
            (Self::List(items), Type::List(of)) => items.iter().all(|item| item.is(of)),
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// For people: text without quotes at the top, with quotes inside lists and maps.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            other => write_nested(other, f),
        }
    }
}

fn write_nested(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(truth) => write!(f, "{truth}"),
        Value::Int(number) => write!(f, "{number}"),
        Value::Decimal(lexeme) => f.write_str(lexeme),
        Value::Text(text) => write!(f, "{text:?}"),
        Value::List(items) => {
            f.write_str("[")?;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    f.write_str(", ")?;
                }
                write_nested(item, f)?;
            }
            f.write_str("]")
        }
        Value::Map(members) => {
            f.write_str("{")?;
            for (at, (name, member)) in members.iter().enumerate() {
                write!(f, "{}{name} = ", if at > 0 { ", " } else { " " })?;
                write_nested(member, f)?;
            }
            f.write_str(" }")
        }
    }
}

/// A declared type of an attribute, an input or an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Type {
    /// Anything: what a system's response is until a manifest says more.
    Any,
    /// `true` or `false`.
    Bool,
    /// A 64-bit integer.
    Int,
    /// Text.
    Text,
    /// Text of the form `YYYY-MM-DD` that names a day of the Gregorian calendar.
    Date,
    /// A list of one type.
    List(Box<Type>),
    /// A map of anything.
    Map,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map => f.write_str("map"),
        }
    }
}

/// Whether `text` names a day of the proleptic Gregorian calendar as `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    if !shape {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_that_exists() {
        for day in ["2026-11-21", "2024-02-29", "2000-02-29"] {
            assert!(is_date(day), "{day}");
        }
        for no_day in
            ["2026-02-29", "1900-02-29", "2026-13-01", "2026-1-01", "2026-00-10", "20261121", "２026-11-21"]
        {
            assert!(!is_date(no_day), "{no_day}");
        }
    }

    #[test]
    fn null_stands_only_where_anything_may() {
        assert!(Value::Null.is(&Type::Any));
        for kind in
            [Type::Bool, Type::Int, Type::Text, Type::Date, Type::Map, Type::List(Box::new(Type::Any))]
        {
            assert!(!Value::Null.is(&kind), "{kind}");
        }
    }
}
