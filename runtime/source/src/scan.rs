//! The gate before the parser: what is too large, not text, or nested too deeply is refused before anything recurses over it.
//!
//! Invariants: one pass, no recursion, memory bounded by [`DEPTH_MAX`]; strings, comments and heredocs are told apart, so that
//! a bracket in a text counts for nothing.

use crate::code;
use crate::finding::Finding;
use std::ops::Range;

/// The largest file, in bytes.
pub(crate) const FILE_MAX: usize = 1024 * 1024;

/// How deeply brackets, braces and parentheses may be nested.
pub(crate) const DEPTH_MAX: usize = 32;

/// A text that may be parsed.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    /// The text.
    pub(crate) text: &'a str,
    /// The last bracket that is never closed, if the brackets do not match.
    pub(crate) unclosed: Option<usize>,
}

/// Admits the bytes of a file to the parser, or says why not.
pub(crate) fn admit<'a>(file: &str, bytes: &'a [u8]) -> Result<Admitted<'a>, Box<Finding>> {
    if bytes.len() > FILE_MAX {
        let message =
            format!("the file has {} bytes, more than the {FILE_MAX} that a file may have", bytes.len());
        return Err(Box::new(
            Finding::error(code::TOO_LARGE, file, 0..0, message, "")
                .why("a file that people edit and review is small; the bound keeps checking fast")
                .help("split it into several files: all files of a folder are read together".to_owned()),
        ));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let message =
                format!("the file is not UTF-8: byte {at} is 0x{:02X}", bytes.get(at).copied().unwrap_or(0));
            let finding =
                Finding::error(code::NOT_UTF8, file, at..at + 1, message, "the first byte that is not UTF-8");
            return Err(Box::new(finding.help("save the file as UTF-8".to_owned())));
        }
    };
    if let Some((at, character)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) {
        let message =
            format!("the file has the control character U+{:04X} at byte {at}", u32::from(character));
        let finding = Finding::error(code::CONTROL, file, at..at + character.len_utf8(), message, "not text");
        return Err(Box::new(
            finding.help("remove it; in a text write it as an escape such as `\\u0007`".to_owned()),
        ));
    }
    let unclosed = depth(file, text)?;
    Ok(Admitted { text, unclosed })
}

fn is_forbidden(character: char) -> bool {
    let allowed = matches!(character, '\t' | '\n' | '\r');
    // Bidirectional overrides make a reviewer read another text than the parser does.
    let override_ = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (character.is_control() && !allowed) || override_ || character == '\u{feff}'
}

/// What the scanner is inside of.
enum Inside<'a> {
    /// A bracket that was opened here.
    Bracket(usize),
    /// An interpolation inside a text.
    Template(usize),
    /// A quoted text.
    Quote,
    /// A heredoc that ends with this word.
    Heredoc(&'a str),
}

/// Refuses deep nesting; gives the innermost bracket that is never closed.
fn depth(file: &str, text: &str) -> Result<Option<usize>, Box<Finding>> {
    let bytes = text.as_bytes();
    let mut stack: Vec<Inside<'_>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let opened = match stack.last() {
            Some(Inside::Quote) => in_text(bytes, at),
            Some(Inside::Heredoc(end)) => in_heredoc(text, at, end),
            _ => in_code(text, at),
        };
        match opened {
            Step::Skip(bytes) => at += bytes,
            Step::Open(inside, bytes) => {
                let deeper = !matches!(inside, Inside::Quote);
                stack.push(inside);
                if deeper && stack.len() > DEPTH_MAX {
                    return Err(Box::new(too_deep(file, at..at + 1)));
                }
                at += bytes;
            }
            Step::Close(bytes) => {
                stack.pop();
                at += bytes;
            }
        }
    }
    Ok(stack.iter().rev().find_map(|inside| match inside {
        Inside::Bracket(at) | Inside::Template(at) => Some(*at),
        _ => None,
    }))
}

/// The finding for what is nested too deeply.
pub(crate) fn too_deep(file: &str, span: Range<usize>) -> Finding {
    let message = format!("nested more than {DEPTH_MAX} levels deep");
    Finding::error(code::TOO_DEEP, file, span, message, "one level too many")
        .why("nobody can read it, and each reader of the file would recurse as deeply")
        .help("say it flatter".to_owned())
}

/// What one step of the scanner does.
enum Step<'a> {
    Skip(usize),
    Open(Inside<'a>, usize),
    Close(usize),
}

fn in_text<'a>(bytes: &[u8], at: usize) -> Step<'a> {
    match bytes[at] {
        b'\\' => Step::Skip(2),
        b'"' => Step::Close(1),
        b'$' | b'%' => interpolation(bytes, at),
        _ => Step::Skip(1),
    }
}

fn interpolation<'a>(bytes: &[u8], at: usize) -> Step<'a> {
    let mark = bytes[at];
    if bytes[at..].starts_with(&[mark, mark, b'{']) {
        Step::Skip(3)
    } else if bytes[at..].starts_with(&[mark, b'{']) {
        Step::Open(Inside::Template(at), 2)
    } else {
        Step::Skip(1)
    }
}

fn in_heredoc<'a>(text: &str, at: usize, end: &str) -> Step<'a> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'$' | b'%' => interpolation(bytes, at),
        b'\n' => {
            let line = text[at + 1..].split('\n').next().unwrap_or_default();
            let word = line.trim_start_matches([' ', '\t']);
            let ends = word.strip_prefix(end).is_some_and(|rest| !rest.starts_with(is_name));
            if ends { Step::Close(1 + line.len() - word.len() + end.len()) } else { Step::Skip(1) }
        }
        _ => Step::Skip(1),
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

fn in_code(text: &str, at: usize) -> Step<'_> {
    let rest = &text.as_bytes()[at..];
    let until = |needle: &str| text[at..].find(needle).map_or(rest.len(), |end| end + needle.len());
    match rest[0] {
        b'"' => Step::Open(Inside::Quote, 1),
        b'{' | b'[' | b'(' => Step::Open(Inside::Bracket(at), 1),
        b'}' | b']' | b')' => Step::Close(1),
        b'#' => Step::Skip(until("\n")),
        b'/' if rest.starts_with(b"//") => Step::Skip(until("\n")),
        b'/' if rest.starts_with(b"/*") => Step::Skip(until("*/")),
        b'<' if rest.starts_with(b"<<") => {
            let line = text[at + 2..].split('\n').next().unwrap_or_default();
            let word = line.strip_prefix('-').unwrap_or(line).trim_end_matches('\r');
            if !word.is_empty() && word.chars().all(is_name) {
                // The line break stays: it may begin the line that ends an empty heredoc.
                Step::Open(Inside::Heredoc(word), 2 + line.len())
            } else {
                Step::Skip(2)
            }
        }
        _ => {
            // Bytes of a longer character are none of the marks above, so stepping over them one by one is safe, but slicing
            // the text there is not: the closures above run only where an ASCII mark stands.
            Step::Skip(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<Option<usize>, &str>) {
        let got = admit("a.hcl", text.as_bytes());
        let got = got.as_ref().map(|admitted| admitted.unclosed).map_err(|finding| finding.code);
        assert_eq!(got, expect, "{}", text.chars().take(60).collect::<String>());
    }

    #[test]
    fn brackets_in_texts_and_comments_count_for_nothing() {
        let many = "{".repeat(60);
        check(
            &format!("a = \"{many}\"\n# {many}\n// {many}\n/* {many}\n */\nb = <<-E\n{many} E\n  E\n"),
            Ok(None),
        );
        check("a = \"\\\"{\"\n", Ok(None));
        check("a = \"$${\"\n", Ok(None));
        check("a = <<E\nE\nb = [\n", Ok(Some(14)));
        check("é = {\n", Ok(Some(5)));
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused_before_it_is_parsed() {
        for (open, expect) in [("[", 32), ("{", 32), ("(", 32), ("a {\n", 32)] {
            check(&open.repeat(expect + 1), Err(code::TOO_DEEP));
            assert!(admit("a.hcl", open.repeat(expect).as_bytes()).is_ok());
        }
        check(&"\"${".repeat(200_000), Err(code::TOO_DEEP));
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let refused = |bytes: &[u8]| admit("a.hcl", bytes).unwrap_err();
        assert_eq!(refused(b"a = \xff").span, 4..5);
        assert_eq!(refused(b"a\0").code, code::CONTROL);
        assert_eq!(refused("a = \"\u{202e}\"".as_bytes()).code, code::CONTROL);
        assert_eq!(refused(&vec![b' '; FILE_MAX + 1]).code, code::TOO_LARGE);
    }
}
