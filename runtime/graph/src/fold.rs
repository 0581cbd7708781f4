//! Folding: the one equality under which exact keys are compared, case and surrounding space aside.
//!
//! Invariants: no fuzziness, no locale; what is no text and no number is no key, and an empty text is none either, so that
//! two objects without an address never meet.

use std::borrow::Cow;
use xops_kernel::value::Value;

/// The key that `value` is compared by, if it can be one.
pub(crate) fn key(value: &Value) -> Option<String> {
    key_of(value).map(Cow::into_owned)
}

/// The key that `value` is compared by, if it can be one; it is copied only where it is not folded already.
pub(crate) fn key_of(value: &Value) -> Option<Cow<'_, str>> {
    let folded: Cow<'_, str> = match value {
        Value::Text(text) => {
            let text = text.trim();
            let plain = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
            if plain { text.into() } else { text.to_lowercase().into() }
        }
        Value::Int(number) => number.to_string().into(),
        Value::Decimal(lexeme) => lexeme.as_str().into(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => return None,
    };
    if folded.is_empty() { None } else { Some(folded) }
}

/// Whether two values are equal as keys, or equal outright where they are no keys.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (key(left), key(right)) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ignores_case_and_surrounding_space_and_nothing_else() {
        let check =
            |value: Value, expect: Option<&str>| assert_eq!(key(&value).as_deref(), expect, "{value}");
        check(" Sarah.Chen@Acme.COM ".into(), Some("sarah.chen@acme.com"));
        check("sarah chen".into(), Some("sarah chen"));
        check(Value::Int(42), Some("42"));
        check("  ".into(), None);
        check(Value::Null, None);
        check(Value::List(vec!["a".into()]), None);
    }
}
