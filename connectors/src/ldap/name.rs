//! Distinguished names (RFC 4514): values put into them, and whether a text is one.
//!
//! Invariant: a value stays one value. What would end it, or begin another, is escaped.

use std::fmt::Write as _;

/// The longest name that is sent, in bytes.
pub const NAME_BYTES_MAX: usize = 4096;

/// `value` as the value of an attribute in a name.
pub fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, letter) in value.chars().enumerate() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => {
                out.push('\\');
                out.push(letter);
            }
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    let _infallible = write!(out, "\\{byte:02x}");
                }
            }
            letter => out.push(letter),
        }
    }
    out
}

/// Whether `text` is a name of at least one part; the error completes "the name ...".
pub fn check(text: &str) -> Result<(), String> {
    if text.len() > NAME_BYTES_MAX {
        return Err(format!("is longer than {NAME_BYTES_MAX} bytes"));
    }
    let mut bytes = text.bytes();
    let (mut kind, mut value, mut in_value) = (0_usize, 0_usize, false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_value => {
                let escaped = bytes.next().ok_or("ends within an escape")?;
                if escaped.is_ascii_hexdigit() {
                    bytes.next().filter(u8::is_ascii_hexdigit).ok_or("has half an escape")?;
                }
                value += 1;
            }
            b'=' if !in_value && kind > 0 => in_value = true,
            b',' | b'+' if in_value && value > 0 => (kind, value, in_value) = (0, 0, false),
            b' ' if !in_value && kind == 0 => {}
            b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' if !in_value => kind += 1,
            byte if in_value && byte >= b' ' && byte != 0x7f && !b"\",;<>".contains(&byte) => value += 1,
            _ => return Err("is not of the form `kind=value,kind=value`".to_owned()),
        }
    }
    if in_value && value > 0 { Ok(()) } else { Err("ends before its value".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_read_by_its_form() {
        for text in ["dc=acme,dc=example", "uid=a\\,b,ou=x", "cn=\\c3\\a9+sn=x, dc=y", "CN=a=b,DC=x"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in
            ["", "acme", "=x", "uid=", "uid=a,", "uid=a,,dc=x", "uid=a;dc=x", "uid=\\", "uid=\\c", "uid=a\nb"]
        {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_would_end_a_value_is_escaped() {
        assert_eq!(escaped("Park, Ada"), "Park\\, Ada");
        assert_eq!(escaped("x,dc=evil"), "x\\,dc\\=evil");
        assert_eq!(escaped(" #a "), "\\ #a\\ ");
        assert_eq!(escaped("#a\0"), "\\#a\\00");
    }

    proptest! {
        #[test]
        fn any_value_stays_one_value(value in "\\PC{1,20}|[,+=\"\\\\;<> #\u{0}-\u{1f}]{1,8}") {
            let name = format!("uid={},dc=acme", escaped(&value));
            prop_assert_eq!(check(&name), Ok(()));
            // Two parts: as many commas outside of an escape as there were before.
            let mut bytes = name.bytes();
            let mut commas = 0;
            while let Some(byte) = bytes.next() {
                if byte == b'\\' { bytes.next(); } else if byte == b',' { commas += 1; }
            }
            prop_assert_eq!(commas, 1);
        }
    }
}
