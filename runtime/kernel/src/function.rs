//! The functions of expressions. All are total: an argument of the wrong type gives `null`.

use crate::day;
use crate::value::{Type, Value};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

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
    /// `member(map, name)`: the member of that name, which an expression may make.
    Member,
    /// `object(name, value)`: a map of one member, which may be `null`.
    Object,
    /// `after_last(text, separator)`: what follows the last separator; the whole text where there is none.
    AfterLast,
    /// `epoch_s(date or time)`: seconds since 1970 of a day's first moment or of an RFC 3339 time.
    EpochSeconds,
    /// `date_of(seconds)`: the day, in UTC, of a moment in seconds since 1970.
    DateOf,
    /// `json_text(x)`: the value as the text of its JSON, for systems that want JSON inside a form.
    JsonText,
    /// `values(map)`: its members without their names, in the order of the names.
    Values,
    /// `last(list)`: its last element that is not `null`.
    Last,
}

impl Function {
    /// Every function with its name, its least and its greatest number of arguments.
    pub const ALL: [(&'static str, Self, usize, usize); 25] = [
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
        ("member", Self::Member, 2, 2),
        ("object", Self::Object, 2, 2),
        ("after_last", Self::AfterLast, 2, 2),
        ("epoch_s", Self::EpochSeconds, 1, 1),
        ("date_of", Self::DateOf, 1, 1),
        ("json_text", Self::JsonText, 1, 1),
        ("values", Self::Values, 1, 1),
        ("last", Self::Last, 1, 1),
    ];

    /// The function's name in files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, function, _, _)| *function == self).map_or("", |(name, ..)| name)
    }

    /// The type of its result.
    pub fn result(self) -> Type {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => Type::Bool,
            Self::Length | Self::EpochSeconds => Type::Int,
            Self::Lower
            | Self::Upper
            | Self::Trim
            | Self::Concat
            | Self::Join
            | Self::Slug
            | Self::Text
            | Self::AfterLast
            | Self::JsonText => Type::Text,
            Self::DateOf => Type::Date,
            Self::Object => Type::Map,
            Self::Without | Self::With | Self::List | Self::Values => Type::List(Box::new(Type::Any)),
            Self::First | Self::Last | Self::Coalesce | Self::Pick | Self::Member => Type::Any,
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
        Function::Last => args.first().and_then(Value::as_list).map_or(Value::Null, last),
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
        Function::Member => match (args.first(), text(1)) {
            (Some(map), Some(name)) => map.get(name).cloned().unwrap_or_default(),
            _ => Value::Null,
        },
        Function::Object => text(0).map_or(Value::Null, |name| {
            Value::Map([(name.to_owned(), args.get(1).cloned().unwrap_or_default())].into())
        }),
        Function::AfterLast => match (text(0), text(1)) {
            (Some(whole), Some(separator)) if !separator.is_empty() => {
                whole.rsplit_once(separator).map_or(whole, |(_, rest)| rest).into()
            }
            _ => Value::Null,
        },
        Function::EpochSeconds => text(0).and_then(day::seconds).map_or(Value::Null, Value::Int),
        Function::DateOf => date_of(args.first()),
        Function::Values => match args.first() {
            Some(Value::Map(members)) => Value::List(members.values().cloned().collect()),
            _ => Value::Null,
        },
        Function::JsonText => json_text(args.first()),
    }
}

fn date_of(seconds: Option<&Value>) -> Value {
    let seconds = match seconds {
        Some(Value::Int(seconds)) => Some(*seconds),
        Some(Value::Text(text)) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.and_then(day::of).map_or(Value::Null, Value::Text)
}

fn json_text(value: Option<&Value>) -> Value {
    let mut text = String::new();
    if let Some(value) = value {
        write_json(value, &mut text);
    }
    text.into()
}

/// Writes `value` as JSON (RFC 8259). Members that are `null` are left out, as in a request's body.
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) => out.push_str(&value.to_string()),
        Value::Text(text) => write_json_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (at, (name, member)) in members.iter().filter(|(_, member)| !member.is_null()).enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_json_text(name, out);
                out.push(':');
                write_json(member, out);
            }
            out.push('}');
        }
    }
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn last(values: &[Value]) -> Value {
    values.iter().rfind(|value| !value.is_null()).cloned().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(function: Function, args: &[Value], expect: impl Into<Value>) {
        assert_eq!(call(function, args), expect.into(), "{}", function.name());
    }

    #[test]
    fn a_member_may_be_named_by_a_value() {
        let profile = call(Function::Object, &["title".into(), "Engineer".into()]);
        check(Function::Member, &[profile.clone(), "title".into()], "Engineer");
        check(Function::Member, &[profile.clone(), "nickname".into()], Value::Null);
        check(Function::Member, &["title".into(), "title".into()], Value::Null);
        assert_eq!(profile, Value::Map([("title".to_owned(), "Engineer".into())].into()));
        let emptied = call(Function::Object, &["title".into(), Value::Null]);
        assert_eq!(emptied, Value::Map([("title".to_owned(), Value::Null)].into()));
        check(Function::Object, &[Value::Null, "Engineer".into()], Value::Null);
        check(Function::Values, &[profile], Value::List(vec!["Engineer".into()]));
        check(Function::Values, &[Value::Null], Value::Null);
    }

    #[test]
    fn an_id_is_taken_from_the_end_of_an_address() {
        let some = Value::List(vec![1.into(), 2.into(), Value::Null]);
        check(Function::Last, &[some], 2);
        check(Function::Last, &[Value::List(Vec::new())], Value::Null);
        check(Function::AfterLast, &["https://a/api/v1/users/00u1".into(), "/".into()], "00u1");
        check(Function::AfterLast, &["00u1".into(), "/".into()], "00u1");
        check(Function::AfterLast, &["00u1".into(), "".into()], Value::Null);
        check(Function::AfterLast, &[Value::Null, "/".into()], Value::Null);
    }

    #[test]
    fn a_value_is_written_as_json_and_a_text_stays_one_text() {
        let text = Value::from("say \"hi\"\\\n\t\u{1}é");
        check(Function::JsonText, std::slice::from_ref(&text), "\"say \\\"hi\\\"\\\\\\n\\u0009\\u0001é\"");
        let map = call(Function::Object, &["a".into(), Value::List(vec![Value::Int(1), Value::Bool(true)])]);
        check(Function::JsonText, &[map], "{\"a\":[1,true]}");
        check(Function::JsonText, &[call(Function::Object, &["a".into(), Value::Null])], "{}");
    }

    #[test]
    fn a_day_and_its_first_second_are_made_of_one_another() {
        check(Function::EpochSeconds, &["2026-12-31".into()], Value::Int(1_798_675_200));
        check(Function::EpochSeconds, &["2026-12-31T01:00:00+01:00".into()], Value::Int(1_798_675_200));
        check(Function::EpochSeconds, &["soon".into()], Value::Null);
        check(Function::DateOf, &[Value::Int(1_798_675_201)], "2026-12-31");
        check(Function::DateOf, &["1798675200".into()], "2026-12-31");
        check(Function::DateOf, &["never".into()], Value::Null);
    }
}
