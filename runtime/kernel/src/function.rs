//! The functions of expressions. All are total: an argument of the wrong type gives `null`.

use crate::value::{Type, Value};
use serde::{Deserialize, Serialize};

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

/// Applies a function to its arguments.
pub(crate) fn call(function: Function, args: &[Value]) -> Value {
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
