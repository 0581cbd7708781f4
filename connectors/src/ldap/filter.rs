//! Search filters (RFC 4515): values put into them, and texts to trees.
//!
//! Invariants: a value stays one value; a filter is nested at most [`DEPTH_MAX`] deep and no longer than [`BYTES_MAX`].

use std::fmt::Write as _;

/// How deep filters may be nested.
pub const DEPTH_MAX: usize = 16;
/// The longest filter, in bytes.
pub const BYTES_MAX: usize = 64 * 1024;

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the choices of RFC 4511, 4.5.1.7")]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    /// The first part, those between, and the last one.
    Like(String, Option<Vec<u8>>, Vec<Vec<u8>>, Option<Vec<u8>>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Present(String),
    About(String, Vec<u8>),
    /// The rule, the attribute, the value, and whether the entry's own name counts too.
    By(Option<String>, Option<String>, Vec<u8>, bool),
}

/// `value` as the value of an assertion.
pub fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '*' | '(' | ')' | '\\') || letter.is_ascii_control() {
            let _infallible = write!(out, "\\{:02x}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    out
}

/// Reads a filter; the error completes "the filter ...".
pub fn parse(text: &str) -> Result<Filter, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("is longer than {BYTES_MAX} bytes"));
    }
    let (filter, rest) = one(text, 0)?;
    if rest.is_empty() { Ok(filter) } else { Err(format!("goes on behind its end: `{}`", shown(rest))) }
}

fn shown(text: &str) -> String {
    text.chars().take(20).collect()
}

fn one(text: &str, depth: usize) -> Result<(Filter, &str), String> {
    if depth >= DEPTH_MAX {
        return Err(format!("is nested deeper than {DEPTH_MAX}"));
    }
    let inner = text.strip_prefix('(').ok_or_else(|| format!("lacks a `(` before `{}`", shown(text)))?;
    let (filter, rest) = match inner.as_bytes().first() {
        Some(b'&') => many(&inner[1..], depth).map(|(all, rest)| (Filter::And(all), rest))?,
        Some(b'|') => many(&inner[1..], depth).map(|(all, rest)| (Filter::Or(all), rest))?,
        Some(b'!') => one(&inner[1..], depth + 1).map(|(not, rest)| (Filter::Not(Box::new(not)), rest))?,
        _ => {
            let end = inner.find(')').ok_or("is never closed")?;
            (assertion(&inner[..end])?, &inner[end..])
        }
    };
    let rest = rest.strip_prefix(')').ok_or_else(|| format!("lacks a `)` before `{}`", shown(rest)))?;
    Ok((filter, rest))
}

fn many(text: &str, depth: usize) -> Result<(Vec<Filter>, &str), String> {
    let (mut all, mut rest) = (Vec::new(), text);
    while rest.starts_with('(') {
        let (filter, after) = one(rest, depth + 1)?;
        all.push(filter);
        rest = after;
    }
    if all.is_empty() { Err("joins nothing".to_owned()) } else { Ok((all, rest)) }
}

fn assertion(text: &str) -> Result<Filter, String> {
    let (left, value) =
        text.split_once('=').ok_or_else(|| format!("compares nothing in `{}`", shown(text)))?;
    if let Some(name) = left.strip_suffix('>') {
        return Ok(Filter::AtLeast(attribute(name)?, bytes(value)?));
    }
    if let Some(name) = left.strip_suffix('<') {
        return Ok(Filter::AtMost(attribute(name)?, bytes(value)?));
    }
    if let Some(name) = left.strip_suffix('~') {
        return Ok(Filter::About(attribute(name)?, bytes(value)?));
    }
    if let Some(left) = left.strip_suffix(':') {
        let mut parts = left.split(':');
        let name = parts.next().filter(|name| !name.is_empty()).map(attribute).transpose()?;
        let (mut dn, mut rule) = (false, None);
        for part in parts {
            if part.eq_ignore_ascii_case("dn") { dn = true } else { rule = Some(attribute(part)?) }
        }
        if name.is_none() && rule.is_none() {
            return Err("matches by no rule".to_owned());
        }
        return Ok(Filter::By(rule, name, bytes(value)?, dn));
    }
    let name = attribute(left)?;
    if value == "*" {
        return Ok(Filter::Present(name));
    }
    let parts: Vec<&str> = value.split('*').collect();
    let [first, between @ .., last] = parts.as_slice() else { return Ok(Filter::Equal(name, bytes(value)?)) };
    let some = |part: &str| if part.is_empty() { Ok(None) } else { bytes(part).map(Some) };
    let between: Result<Vec<_>, String> =
        between.iter().filter(|part| !part.is_empty()).map(|part| bytes(part)).collect();
    Ok(Filter::Like(name, some(first)?, between?, some(last)?))
}

fn attribute(name: &str) -> Result<String, String> {
    let proper = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';');
    if !name.is_empty() && name.chars().all(proper) {
        Ok(name.to_owned())
    } else {
        Err(format!("names no attribute: `{}`", shown(name)))
    }
}

fn bytes(value: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => {
                let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (hex(rest.next()), hex(rest.next()));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err("has half an escape".to_owned());
                };
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            b'(' | 0 => return Err("has a value with an unescaped letter".to_owned()),
            byte => out.push(byte),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn equal(name: &str, value: &str) -> Filter {
        Filter::Equal(name.to_owned(), value.as_bytes().to_vec())
    }

    #[test]
    fn filters_are_read_as_the_standard_writes_them() {
        let check = |text: &str, expect: Filter| assert_eq!(parse(text), Ok(expect), "{text}");
        check("(uid=ada)", equal("uid", "ada"));
        check("(cn=a\\2ab)", equal("cn", "a*b"));
        check("(mail=*)", Filter::Present("mail".to_owned()));
        check("(!(uid=a))", Filter::Not(Box::new(equal("uid", "a"))));
        check(
            "(&(a=1)(|(b=2)(c=3)))",
            Filter::And(vec![equal("a", "1"), Filter::Or(vec![equal("b", "2"), equal("c", "3")])]),
        );
        check("(cn=a*b*)", Filter::Like("cn".to_owned(), Some(b"a".to_vec()), vec![b"b".to_vec()], None));
        check(
            "(whenChanged>=20260101000000Z)",
            Filter::AtLeast("whenChanged".to_owned(), b"20260101000000Z".to_vec()),
        );
        check(
            "(memberOf:1.2.840.113556.1.4.1941:=cn=x)",
            Filter::By(
                Some("1.2.840.113556.1.4.1941".to_owned()),
                Some("memberOf".to_owned()),
                b"cn=x".to_vec(),
                false,
            ),
        );
    }

    #[test]
    fn what_is_no_filter_is_refused_and_depth_is_bounded() {
        for text in [
            "", "uid=a", "(uid=a", "(uid=a))", "()", "(&)", "(uid)", "(u d=a)", "(a=\\2)", "(a=(b))", "(:=x)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = |by: usize| format!("{}(a=1){}", "(!".repeat(by), ")".repeat(by));
        assert!(parse(&deep(DEPTH_MAX - 1)).is_ok());
        assert!(parse(&deep(DEPTH_MAX)).unwrap_err().contains("deeper"));
        assert!(parse(&deep(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_value_stays_one_value(value in "\\PC{0,20}|[*()\\\\\u{0}-\u{1f}a]{1,8}") {
            prop_assert_eq!(parse(&format!("(uid={})", escaped(&value))), Ok(equal("uid", &value)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[(&|!)*=a:\\\\<>~\u{e9}]{0,40}") {
            let _either = parse(&text);
        }
    }
}
