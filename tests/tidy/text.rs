//! Rust text seen coarsely: what is code and what is comment or literal, which functions there are and how long.
//!
//! Absent: a parser. Every view has the length and the line ends of the text it was made from, so offsets and lines hold in both.
//! Macros that write braces out of balance would mislead it; none should be written.

use std::ops::Range;

/// The text with comments and string and character literals blanked.
pub(crate) fn code_only(source: &str) -> String {
    let mut out = source.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        match literal_end(source, at) {
            Some(end) => {
                blank(&mut out, at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8(out).expect("only whole comments and literals are blanked")
}

/// The code with the items under `#[cfg(test)]` blanked too.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let body =
            code[start + MARK.len()..].find(['{', ';']).map_or(code.len(), |at| start + MARK.len() + at);
        let end = if code[body..].starts_with('{') { closing(code, body) } else { body };
        blank(&mut out, start..end);
        from = end.max(start + MARK.len());
    }
    String::from_utf8(out).expect("only whole items are blanked")
}

/// The lines of `//!` that open a file, without their marks.
pub(crate) fn head(source: &str) -> Vec<&str> {
    source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect()
}

/// The line, from 1, that holds the byte at `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Every identifier or keyword of the code, with its place.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter_map(move |word| {
        let start = code[at..].find(word)? + at;
        at = start + word.len();
        (!word.is_empty()).then_some((start, word))
    })
}

/// A function with a body.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// The line of `fn`, from 1.
    pub(crate) line: usize,
    /// Lines of the body that are neither empty nor only a comment.
    pub(crate) lines: usize,
}

/// Every function of a file, nested ones too.
pub(crate) fn functions<'a>(source: &'a str, code: &str) -> Vec<Function<'a>> {
    let mut found = Vec::new();
    let mut after_fn = None;
    for (at, word) in words(code) {
        if let Some(keyword) = after_fn.take() {
            // `fn(u8) -> u8` is a type: only space stands between the keyword and a name.
            let named = code[keyword..at].trim_start_matches("fn").trim().is_empty();
            if let (true, Some(open)) = (named, body_of(code, at)) {
                let body = open + 1..closing(code, open);
                let lines = count_lines(&source[body.clone()], &code[body]);
                found.push(Function {
                    name: &source[at..at + word.len()],
                    line: line_of(code, keyword),
                    lines,
                });
            }
        }
        if word == "fn" {
            after_fn = Some(at);
        }
    }
    found
}

fn count_lines(source: &str, code: &str) -> usize {
    let holds = |(source, code): &(&str, &str)| {
        // Lines of a long literal are blank in `code` and count all the same; comments do not.
        !code.trim().is_empty() || !(source.trim().is_empty() || source.trim_start().starts_with("//"))
    };
    source.lines().zip(code.lines()).filter(holds).count()
}

/// The brace that opens the body of the function whose name is at `name`; none for a declaration.
fn body_of(code: &str, name: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in code[name..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(name + at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The place just before the brace that closes the one at `open`; the end of the text if none does.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(out: &mut [u8], range: Range<usize>) {
    for byte in &mut out[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Where the comment or literal that starts at `at` ends; none if code starts there.
fn literal_end(source: &str, at: usize) -> Option<usize> {
    let rest = source.as_bytes().get(at..)?;
    let within = |end: Option<usize>| Some(end.map_or(source.len(), |end| at + end));
    match rest[0] {
        b'/' if rest.starts_with(b"//") => within(find(rest, b"\n")),
        b'/' if rest.starts_with(b"/*") => Some(at + block_comment(rest)),
        b'"' => Some(at + quoted(rest)),
        b'r' if !follows_word(source, at) => raw(rest).map(|length| at + length),
        b'\'' => character(&source[at..]).map(|length| at + length),
        _ => None,
    }
}

/// Whether the byte before `at` continues a word, but for the `b` and `c` of a literal's prefix.
fn follows_word(source: &str, at: usize) -> bool {
    let before = source[..at].trim_end_matches(|c: char| c == '_' || c.is_alphanumeric());
    !matches!(&source[before.len()..at], "" | "b" | "c")
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn block_comment(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of `r"..."` or `r#"..."#`; none if this is a word that starts with `r`.
fn raw(text: &[u8]) -> Option<usize> {
    let hashes = text[1..].iter().take_while(|&&byte| byte == b'#').count();
    if text.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end = [&b"\""[..], &vec![b'#'; hashes]].concat();
    let open = hashes + 2;
    Some(find(&text[open..], &end).map_or(text.len(), |at| open + at + end.len()))
}

/// The length of a character literal; none for a lifetime.
fn character(text: &str) -> Option<usize> {
    let inside = &text[1..];
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map(|at| at + 4);
    }
    let one = inside.chars().next()?.len_utf8();
    inside[one..].starts_with('\'').then_some(one + 2)
}

#[cfg(test)]
mod tests {
    use super::{code_only, functions, head, without_tests, words};

    fn check(source: &str, expect: &str) {
        let code = code_only(source);
        assert_eq!(code.len(), source.len(), "offsets must hold");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expect, "{source}");
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        check("a(); // unsafe\nb();", "a(); b();");
        check("a /* x /* y */ z */ b", "a b");
        check(r#"f("un\"safe", 1)"#, "f( , 1)");
        check(r##"f(r#"a "quoted" word"#, br"x\")"##, "f( , b )");
        check("for<'a> &'a str; ' '; '\\''; '\"'; 'é'; b'{'", "for<'a> &'a str; ; ; ; ; b");
        check("//! naïve\nfn f() {}", "fn f() {}");
    }

    #[test]
    fn words_have_their_places() {
        let code = "let unsafe_code = r_x;";
        let found: Vec<_> = words(code).collect();
        assert_eq!(found, [(0, "let"), (4, "unsafe_code"), (18, "r_x")]);
    }

    #[test]
    fn unit_tests_are_cut_out_and_nothing_else() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}";
        let kept = without_tests(code);
        for (name, stays) in [("a", true), ("b", false), ("c", true), ("d", false), ("e", true)] {
            assert_eq!(words(&kept).any(|(_, word)| word == name), stays, "{name}: {kept}");
        }
    }

    #[test]
    fn functions_are_measured_without_comments_and_blanks() {
        let source = "fn one<T>(a: fn(u8) -> u8, b: [u8; 2]) -> T\nwhere T: X {\n  // why\n\n  a;\n  \"{\";\n}\ntrait Y { fn two(&self); fn three() {} }";
        let found: Vec<_> =
            functions(source, &code_only(source)).iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("one", 1, 2), ("three", 8, 0)]);
    }

    #[test]
    fn the_head_ends_where_another_line_begins() {
        assert_eq!(head("//! One.\n//!\n//! Two.\nuse a;\n//! late"), ["One.", "", "Two."]);
        assert!(head("use a;\n//! late").is_empty());
    }
}
