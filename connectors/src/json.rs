//! JSON to values and back, bounded.
//!
//! Absent: floating point (a number that is no 64-bit integer keeps its lexeme), recursion deeper than [`DEPTH_MAX`],
//! leniency (what RFC 8259 does not allow is refused whole, so that a truncated body is never half-read).

use std::fmt::Write as _;
use xops_kernel::value::{Value, Values};

/// How deep arrays and objects may be nested.
pub const DEPTH_MAX: usize = 64;

/// Reads one JSON text. The error says what was expected and at which byte.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| format!("no UTF-8 at byte {}", error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(reader.wrong("the end")) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, expected: &str) -> String {
        format!("expected {expected} at byte {}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX} at byte {}", self.at));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.wrong("a value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.wrong("a value"))
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut members = Values::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Map(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a member's name"));
            }
            let name = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.wrong("`:`"));
            }
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            self.space();
            if self.take(b'}') {
                return Ok(Value::Map(members));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn digits(&mut self) -> Result<(), String> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value, String> {
        let from = self.at;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.at;
        self.digits()?;
        if leading_zero && self.at > whole + 1 {
            return Err(self.wrong("no digit after a leading zero"));
        }
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            integer = false;
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let lexeme = &self.text[from..self.at];
        Ok(match lexeme.parse() {
            Ok(number) if integer => Value::Int(number),
            _ => Value::Decimal(lexeme.to_owned()),
        })
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.wrong("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        self.at += 1;
        let letter = self.peek().ok_or_else(|| self.wrong("an escape"))?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.unit()?;
                let code = if (0xD800..0xDC00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = self.unit()?;
                    let pair = low.checked_sub(0xDC00).filter(|low| *low < 0x400);
                    pair.map_or(0xFFFD, |low| 0x1_0000 + ((high - 0xD800) << 10) + low)
                } else {
                    high
                };
                // A lone surrogate is no character: the replacement character stands for it.
                char::from_u32(code).unwrap_or('\u{FFFD}')
            }
            _ => return Err(self.wrong("an escape")),
        })
    }

    fn unit(&mut self) -> Result<u32, String> {
        let digits =
            self.text.as_bytes().get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| format!("expected four hexadecimal digits at byte {}", self.at - 4))
    }
}

/// Writes `value`; members that are `Null` are left out unless `keep_null`.
pub fn write(value: &Value, keep_null: bool) -> String {
    let mut out = String::new();
    push(value, keep_null, &mut out);
    out
}

fn push(value: &Value, keep_null: bool, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => {
            let _infallible = write!(out, "{number}");
        }
        Value::Decimal(lexeme) => out.push_str(lexeme),
        Value::Text(text) => push_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push(item, keep_null, out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            let kept = members.iter().filter(|(_, member)| keep_null || !member.is_null());
            for (at, (name, member)) in kept.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_text(name, out);
                out.push(':');
                push(member, keep_null, out);
            }
            out.push('}');
        }
    }
}

fn push_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let told = parse(text.as_bytes()).map_or_else(|error| error, |value| value.to_string());
        assert_eq!(told, expect, "{text}");
    }

    #[test]
    fn numbers_keep_what_they_say() {
        check("[0, -7, 9223372036854775807]", "[0, -7, 9223372036854775807]");
        check("9223372036854775808", "9223372036854775808");
        check("1.50", "1.50");
        check("1e400", "1e400");
        check("01", "expected no digit after a leading zero at byte 2");
        check("1.", "expected a digit at byte 2");
        check("NaN", "expected a value at byte 0");
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        check(r#"{"ok":tru"#, "expected a value at byte 6");
        check(r#"{"ok":true"#, "expected `,` or `}` at byte 10");
        check(r#"["a"#, "expected the end of a string at byte 3");
        check("", "expected a value at byte 0");
        check("{} x", "expected the end at byte 3");
        check("[1,]", "expected a value at byte 3");
    }

    #[test]
    fn nesting_has_a_bound_and_the_stack_survives() {
        assert!(parse("[".repeat(60).as_bytes()).unwrap_err().starts_with("expected"));
        assert!(parse("[".repeat(1_000_000).as_bytes()).unwrap_err().starts_with("nested deeper than 64"));
    }

    #[test]
    fn escapes_are_read_as_they_are_meant() {
        check(r#""a\u00e9\ud83d\ude00\n""#, "aé😀\n");
        check(r#""\ud800x""#, "\u{FFFD}x");
        check(r#""\x""#, "expected an escape at byte 3");
        check(r#""\u12""#, "expected four hexadecimal digits at byte 3");
    }

    #[test]
    fn null_members_are_left_out_unless_kept() {
        let value = parse(br#"{"a":null,"b":[null,{"c":null}]}"#).unwrap();
        assert_eq!(write(&value, false), r#"{"b":[null,{}]}"#);
        assert_eq!(write(&value, true), r#"{"a":null,"b":[null,{"c":null}]}"#);
    }

    proptest::proptest! {
        #[test]
        fn any_text_reads_back_from_its_print(text in "\\PC*[\u{0}-\u{20}\"\\\\]*") {
            let value = Value::Text(text);
            proptest::prop_assert_eq!(parse(write(&value, true).as_bytes()), Ok(value));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _either = parse(&bytes);
        }
    }
}
