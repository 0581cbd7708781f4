//! One way to write a JSON value: keys sorted, no space; what is hashed, compared and diffed.
//!
//! - The order in which a map keeps its keys never shows: `serde_json` may or may not sort them.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Values longer than this, once written, are replaced by their digest in a diff.
const DIFF_VALUE_BYTES_MAX: usize = 512;

/// The canonical text of `value` without the top-level members named in `without`.
pub(crate) fn text(value: &Value, without: &[&str]) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) => write_map(map, without, &mut out),
        other => write(other, &mut out),
    }
    out
}

/// BLAKE3 of the canonical text, in hexadecimal.
pub(crate) fn digest(value: &Value, without: &[&str]) -> String {
    blake3::hash(text(value, without).as_bytes()).to_hex().to_string()
}

/// Whether `left` and `right` say the same, the members named in `without` aside.
pub(crate) fn same(left: &Value, right: &Value, without: &[&str]) -> bool {
    text(left, without) == text(right, without)
}

/// The field-level difference: one `{path, before, after}` for each leaf that differs, sorted by path.
pub(crate) fn diff(before: Option<&Value>, after: Option<&Value>, without: &[&str]) -> Value {
    let mut out = Vec::new();
    compare("", before, after, without, &mut out);
    Value::Array(out)
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    without: &[&str],
    out: &mut Vec<Value>,
) {
    if before == after {
        return;
    }
    let empty = Map::new();
    let (left, right) = match (before, after) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => (left, right),
        (Some(Value::Object(left)), None) => (left, &empty),
        (None, Some(Value::Object(right))) => (&empty, right),
        _ => {
            out.push(json!({"path": path, "before": shown(before), "after": shown(after)}));
            return;
        }
    };
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for key in keys.into_iter().filter(|key| !without.contains(&key.as_str())) {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(&below, left.get(key), right.get(key), &[], out);
    }
}

fn shown(value: Option<&Value>) -> Value {
    match value {
        None => Value::Null,
        Some(value) if text(value, &[]).len() > DIFF_VALUE_BYTES_MAX => json!({"digest": digest(value, &[])}),
        Some(value) => value.clone(),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => write_map(map, &[], out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        leaf => out.push_str(&leaf.to_string()),
    }
}

fn write_map(map: &Map<String, Value>, without: &[&str], out: &mut String) {
    let sorted: BTreeMap<&String, &Value> =
        map.iter().filter(|(key, _)| !without.contains(&key.as_str())).collect();
    out.push('{');
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&Value::String(key.clone()).to_string());
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatile_members_change_neither_digest_nor_difference() {
        let before = json!({"name": "a", "touched": 1, "profile": {"city": "x", "zip": "1"}});
        let after = json!({"profile": {"zip": "1", "city": "y"}, "touched": 2, "name": "a"});
        assert!(!same(&before, &after, &["touched"]));
        assert_eq!(
            diff(Some(&before), Some(&after), &["touched"]),
            json!([{"path": "profile.city", "before": "x", "after": "y"}])
        );
        assert_eq!(digest(&json!({"b": 1, "a": 2}), &[]), digest(&json!({"a": 2, "b": 1}), &[]));
    }

    #[test]
    fn a_long_value_is_shown_by_its_digest() {
        let long = json!("x".repeat(DIFF_VALUE_BYTES_MAX));
        let shown = diff(None, Some(&json!({"note": long})), &[]);
        assert!(shown[0]["after"]["digest"].is_string());
    }
}
