//! Results on standard output: JSON for programs, text for people.
//!
//! Absent: `println!`, which panics when the reader of a pipe has gone. Invariants: a value of the kernel that was written as
//! JSON reads back as itself; the members of an object stand in the order of their names, so equal results print equal bytes.

use crate::exit::Failure;
use serde_json::{Map, Number, Value as Json};
use std::io::{ErrorKind, Write};
use xops_kernel::record::{Millis, Source};
use xops_kernel::value::{Value, Values};

/// The member that stands for a number which JSON's reader here could not keep by its lexeme.
const DECIMAL: &str = "$decimal";

/// The longest text that is shown to people, in characters; JSON has all of it.
const SHOWN_MAX: usize = 200;

/// A value as JSON.
///
/// A decimal is a JSON number where that number prints as its lexeme again, else `{"$decimal": lexeme}`; a map that looks like
/// that gets one more `$`.
pub(crate) fn of_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Decimal(lexeme) => of_decimal(lexeme),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(of_value).collect()),
        Value::Map(members) => {
            let escape = members.len() == 1;
            let name =
                |name: &String| if escape && is_dollared(name) { format!("${name}") } else { name.clone() };
            Json::Object(members.iter().map(|(key, member)| (name(key), of_value(member))).collect())
        }
    }
}

/// Named values as JSON.
pub(crate) fn of_values(values: &Values) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), of_value(value))).collect())
}

/// JSON as a value: the way back of [`of_value`], and the way in for what others wrote. Whatever they wrote, a decimal that comes
/// out of it is a number.
pub(crate) fn to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Decimal(number.to_string()), Value::Int)
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(to_value).collect()),
        Json::Object(members) => of_object(members),
    }
}

fn of_object(members: &Map<String, Json>) -> Value {
    let only = members.iter().next().filter(|(name, _)| members.len() == 1 && is_dollared(name));
    match only {
        Some((name, Json::String(lexeme))) if name == DECIMAL && is_number(lexeme) => {
            Value::Decimal(lexeme.clone())
        }
        Some((name, member)) if name.starts_with("$$") => {
            Value::Map([(name[1..].to_owned(), to_value(member))].into())
        }
        _ => Value::Map(members.iter().map(|(name, member)| (name.clone(), to_value(member))).collect()),
    }
}

/// Whether `name` is `$decimal` with any number of further `$` before it.
fn is_dollared(name: &str) -> bool {
    name.starts_with('$') && name.trim_start_matches('$') == &DECIMAL[1..]
}

/// Whether `text` is one number of JSON's grammar. A lexeme is sent to systems as it stands, so nothing else may become one.
fn is_number(text: &str) -> bool {
    matches!(xops_connectors::json::parse(text.as_bytes()), Ok(Value::Int(_) | Value::Decimal(_)))
        && text.trim() == text
}

fn of_decimal(lexeme: &str) -> Json {
    let number = serde_json::from_str::<Number>(lexeme).ok();
    let same = number.filter(|number| number.as_i64().is_none() && number.to_string() == lexeme);
    same.map_or_else(|| serde_json::json!({ DECIMAL: lexeme }), Json::Number)
}

/// A record's name as JSON.
pub(crate) fn of_source(source: &Source) -> Json {
    serde_json::json!({ "system": source.system, "kind": source.kind, "id": source.id, "version": source.version })
}

/// A time as people read it: RFC 3339 in UTC, to the second.
pub(crate) fn moment(at: Millis) -> String {
    let seconds =
        i64::try_from(at / 1000).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    seconds.map_or_else(|| format!("{at} ms"), |seconds| seconds.to_string())
}

/// A value in one line for people. What a system says cannot steer their terminal: control characters are escaped.
pub(crate) fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => plain(text),
        other => shortened(&other.to_string()),
    }
}

/// Text of a system in one line for people: as it is where it is plain, else quoted.
pub(crate) fn plain(text: &str) -> String {
    let odd = text.is_empty()
        || text.trim() != text
        || text.chars().any(|letter| letter.is_control() || is_unseen(letter));
    shortened(&if odd { format!("{text:?}") } else { text.to_owned() })
}

/// Letters that change how a line is shown without being seen: directions and joiners.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn shortened(text: &str) -> String {
    let all = text.chars().count();
    if all <= SHOWN_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHOWN_MAX).collect();
    format!("{start}... ({all} characters)")
}

/// Prints one JSON value on a line of its own.
pub(crate) fn print(json: &Json) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    heard(writeln!(out, "{json}").and_then(|()| out.flush()))
}

/// Prints text as it is. Colours in it are dropped where no terminal shows them.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    heard(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints bytes as they are, whatever is in them.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    heard(out.write_all(bytes).and_then(|()| out.flush()))
}

/// A reader that went away has seen enough; anything else that keeps a result from being written is a failure.
fn heard(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::plain(format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expect: &str) {
        let json = of_value(value);
        assert_eq!(json.to_string(), expect);
        let read: Json = serde_json::from_str(expect).unwrap();
        assert_eq!(&to_value(&read), value, "{expect}");
    }

    fn map(name: &str, value: Value) -> Value {
        Value::Map([(name.to_owned(), value)].into())
    }

    #[test]
    fn a_value_reads_back_as_itself() {
        check(&Value::Null, "null");
        check(&Value::Int(i64::MIN), "-9223372036854775808");
        check(&Value::List(vec![Value::Bool(true), "x".into()]), "[true,\"x\"]");
        check(&map("b", map("a", Value::Int(1))), r#"{"b":{"a":1}}"#);
    }

    #[test]
    fn a_decimal_keeps_its_lexeme() {
        check(&Value::Decimal("1.5".into()), "1.5");
        check(&Value::Decimal("18446744073709551615".into()), "18446744073709551615");
        check(&Value::Decimal("1.50".into()), r#"{"$decimal":"1.50"}"#);
        check(
            &Value::Decimal("0.1000000000000000055511151231257827".into()),
            r#"{"$decimal":"0.1000000000000000055511151231257827"}"#,
        );
        check(&Value::Decimal("1e400".into()), r#"{"$decimal":"1e400"}"#);
        check(&Value::Decimal("7".into()), r#"{"$decimal":"7"}"#);
    }

    #[test]
    fn a_map_that_looks_like_a_decimal_stays_a_map() {
        check(&map("$decimal", "1.5".into()), r#"{"$$decimal":"1.5"}"#);
        check(&map("$$decimal", Value::Null), r#"{"$$$decimal":null}"#);
        check(&map("$other", Value::Null), r#"{"$other":null}"#);
    }

    #[test]
    fn what_others_call_a_decimal_is_one_only_if_it_is_a_number() {
        let read = |text: &str| to_value(&serde_json::json!({ DECIMAL: text }));
        assert_eq!(read("-1.50e3"), Value::Decimal("-1.50e3".into()));
        for text in ["1, \"admin\": true", "", " 1", "NaN", "1.", "01", "\"1\"", "null"] {
            assert_eq!(read(text), map(DECIMAL, text.into()), "{text}");
        }
    }

    #[test]
    fn what_a_system_says_cannot_steer_the_terminal() {
        assert_eq!(plain("sarah.chen"), "sarah.chen");
        assert_eq!(plain("Zoë O'Neil"), "Zoë O'Neil");
        assert_eq!(plain("\u{1b}[2Jgone"), "\"\\u{1b}[2Jgone\"");
        assert_eq!(plain("abc\u{202e}def"), "\"abc\\u{202e}def\"");
        assert_eq!(plain(" "), "\" \"");
        assert!(plain(&"x".repeat(1_000)).ends_with("... (1000 characters)"));
    }

    #[test]
    fn a_moment_is_told_in_utc() {
        assert_eq!(moment(1_795_256_521_999), "2026-11-21T10:22:01Z");
    }
}
