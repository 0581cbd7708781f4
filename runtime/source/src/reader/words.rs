//! The small words of files: types, durations, references; and how findings speak of what they found.

use xops_kernel::expr::{Expr, Path, Segment};
use xops_kernel::value::{Type, Value};

/// The longest duration, in milliseconds: ten years.
pub const DURATION_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

/// The names in backticks, with commas; after the twelfth only their number.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let mut shown: Vec<String> = names.iter().take(12).map(|name| format!("`{}`", name.as_ref())).collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    shown.join(", ")
}

/// What there is, as a sentence; nothing where there is nothing.
pub fn there_are<S: AsRef<str>>(names: &[S]) -> Option<String> {
    match names {
        [] => None,
        [only] => Some(format!("there is only `{}`", only.as_ref())),
        many => Some(format!("there are {}", listed(many))),
    }
}

/// What an expression is, in words.
pub fn describe(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Value::Null) => "`null`".to_owned(),
        Expr::Literal(Value::Bool(truth)) => format!("`{truth}`"),
        Expr::Literal(Value::Int(_) | Value::Decimal(_)) => "a number".to_owned(),
        Expr::Literal(Value::Text(_)) => "a text".to_owned(),
        Expr::Literal(Value::List(_)) | Expr::List(_) => "a list".to_owned(),
        Expr::Literal(Value::Map(_)) | Expr::Object(_) => "an object".to_owned(),
        Expr::Ref(path) => format!("the reference `{path}`"),
        Expr::Call(function, _) => format!("a call of `{}`", function.name()),
        Expr::Not(_) | Expr::Binary(..) | Expr::If(..) => "an expression".to_owned(),
    }
}

/// The words of a path that is made of names only: `["facet", "identity", "groups"]`.
pub fn words(path: &Path) -> Option<Vec<&str>> {
    let names = path.segments.iter().map(|segment| match segment {
        Segment::Attr(name) => Some(name.as_str()),
        Segment::Index(_) | Segment::Splat => None,
    });
    std::iter::once(Some(path.root.as_str())).chain(names).collect()
}

pub(super) const TYPES: [&str; 6] = ["any", "bool", "date", "int", "map", "text"];

/// Reads a type: `text`, `list(text)`.
pub fn type_from(text: &str) -> Option<Type> {
    let mut lists = 0;
    let mut inner = text.trim();
    while let Some(of) = inner.strip_prefix("list(").and_then(|rest| rest.strip_suffix(')')) {
        lists += 1;
        inner = of.trim();
    }
    let base = match inner {
        "any" => Type::Any,
        "bool" => Type::Bool,
        "date" => Type::Date,
        "int" => Type::Int,
        "map" => Type::Map,
        "text" => Type::Text,
        "list" => Type::List(Box::new(Type::Any)),
        _ => return None,
    };
    (lists <= 4).then(|| (0..lists).fold(base, |of, _| Type::List(Box::new(of))))
}

/// Reads a duration: an integer and one of `ms`, `s`, `m`, `h`, `d`; at most [`DURATION_MS_MAX`].
pub fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|duration| *duration <= DURATION_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_types_are_read_from_their_words() {
        assert_eq!(duration_ms("24h"), Some(86_400_000));
        assert_eq!(duration_ms("500ms"), Some(500));
        for no_duration in ["", "h", "24", "1.5h", "-1s", "99999999999999999999s", "4000d", "1 h", "２h"] {
            assert_eq!(duration_ms(no_duration), None, "{no_duration}");
        }
        assert_eq!(type_from("list(text)"), Some(Type::List(Box::new(Type::Text))));
        assert_eq!(type_from(&format!("{}text{}", "list(".repeat(9), ")".repeat(9))), None);
        assert_eq!(type_from("string"), None);
    }
}
