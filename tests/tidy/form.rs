//! The form of Rust files: heads, length, attributes, and words that may not be written.
//!
//! Absent: what rustfmt and clippy hold already, but where clippy can be silenced without a reason.

use crate::hold;
use crate::text::{code_only, functions, head, line_of, without_tests, words};
use crate::tree::{is_test, rust};

/// Past this a file owes a sentence why, with the words `long because`, in its head.
const FILE_LINES: usize = 500;
/// Past this no sentence helps.
const FILE_LINES_MAX: usize = 800;
/// Past this a function owes `#[expect(clippy::too_many_lines, reason = "...")]`.
const FUNCTION_LINES: usize = 70;
/// Where the expectation may stand: attributes and documentation are written between it and `fn`.
const LINES_ABOVE: usize = 30;
/// The one clock; the estate is another process with a time of its own.
const CLOCKS: [&str; 2] = ["runtime/shell/src/clock.rs", "connectors/estate/"];

fn headless(source: &str) -> bool {
    head(source).first().is_none_or(|sentence| sentence.is_empty())
}

fn too_long(source: &str) -> Option<String> {
    let lines = source.lines().count();
    let excused = head(source).join(" ").contains("long because");
    (lines > FILE_LINES_MAX || (lines > FILE_LINES && !excused)).then(|| format!("{lines} lines"))
}

fn long_functions(source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let excused = |line: usize| {
        let above = lines[line.saturating_sub(LINES_ABOVE)..line].iter().rev();
        let attributes = above.skip(1).take_while(|text| !text.trim().is_empty() && text.trim() != "}");
        attributes.into_iter().any(|text| text.contains("clippy::too_many_lines"))
    };
    functions(source, &code_only(source))
        .iter()
        .filter(|function| function.lines > FUNCTION_LINES && !excused(function.line))
        .map(|function| format!("{}: `{}` has {} lines", function.line, function.name, function.lines))
        .collect()
}

/// Attributes that silence a lint for good, or without a reason.
fn silencers(source: &str) -> Vec<String> {
    let code = code_only(source);
    let mut found = Vec::new();
    for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
        for (at, _) in code.match_indices(opening) {
            let end = code[at..].find(']').map_or(code.len(), |end| at + end);
            if opening.contains("allow") || !words(&code[at..end]).any(|(_, word)| word == "reason") {
                found.push(format!("{}: {opening}...", line_of(&code, at)));
            }
        }
    }
    found
}

/// Places of a phrase in the code itself, not in comments, literals or unit tests.
fn phrase(source: &str, wanted: &str) -> Vec<usize> {
    let code = without_tests(&code_only(source));
    code.match_indices(wanted).map(|(at, _)| line_of(&code, at)).collect()
}

fn unsafe_words(source: &str) -> Vec<usize> {
    let code = code_only(source);
    words(&code).filter(|(_, word)| *word == "unsafe").map(|(at, _)| line_of(&code, at)).collect()
}

fn at_lines(path: &str, lines: Vec<usize>) -> impl Iterator<Item = String> {
    lines.into_iter().map(move |line| format!("{path}:{line}"))
}

#[test]
fn every_rust_file_opens_with_its_sentence() {
    let complaints: Vec<_> =
        rust().filter(|(_, text)| headless(text)).map(|(path, _)| path.to_owned()).collect();
    hold("open these files with `//!`: one sentence, then the invariants, first what is absent", &complaints);
}

#[test]
fn no_file_is_long_without_saying_why() {
    let complaints: Vec<_> =
        rust().filter_map(|(path, text)| too_long(text).map(|why| format!("{path}: {why}"))).collect();
    hold(
        "split these files: over 500 lines the head owes a sentence with `long because`, over 800 nothing excuses it",
        &complaints,
    );
}

#[test]
fn no_function_is_long_without_saying_why() {
    let complaints: Vec<_> = rust()
        .flat_map(|(path, text)| long_functions(text).into_iter().map(move |why| format!("{path}:{why}")))
        .collect();
    hold(
        "split these functions (70 lines), or say why not with `#[expect(clippy::too_many_lines, reason = \"...\")]`",
        &complaints,
    );
}

#[test]
fn no_lint_is_silenced_for_good_or_without_a_reason() {
    let complaints: Vec<_> = rust()
        .flat_map(|(path, text)| silencers(text).into_iter().map(move |why| format!("{path}:{why}")))
        .collect();
    hold(
        "write `#[expect(lint, reason = \"...\")]`: it says why, and complains when it is no longer needed",
        &complaints,
    );
}

#[test]
fn no_message_is_sent_past_a_mailbox_bound() {
    let complaints: Vec<_> =
        rust().flat_map(|(path, text)| at_lines(path, phrase(text, ".do_send("))).collect();
    hold("`do_send` ignores the mailbox bound: use `try_send` and answer the overload", &complaints);
}

#[test]
fn only_the_clock_reads_the_time_of_day() {
    let complaints: Vec<_> = rust()
        .filter(|(path, _)| !is_test(path) && !CLOCKS.iter().any(|clock| path.starts_with(clock)))
        .flat_map(|(path, text)| at_lines(path, phrase(text, "SystemTime::now")))
        .collect();
    hold(
        "take the time from the shell's clock (`runtime/shell/src/clock.rs`), or as an argument",
        &complaints,
    );
}

#[test]
fn nothing_is_unsafe() {
    let complaints: Vec<_> = rust().flat_map(|(path, text)| at_lines(path, unsafe_words(text))).collect();
    hold("`unsafe` is forbidden: find the safe form, or a well-kept library that has done it", &complaints);
}

#[test]
fn form_rules_can_fail() {
    assert!(headless("use a;") && headless("//!\nuse a;") && !headless("//! One.\nuse a;"));

    let lines = |count: usize, head: &str| format!("//! {head}\n{}", "a\n".repeat(count - 1));
    assert_eq!(too_long(&lines(500, "Short.")), None);
    assert_eq!(too_long(&lines(501, "Long.")).as_deref(), Some("501 lines"));
    assert_eq!(too_long(&lines(501, "It is long because one table belongs together.")), None);
    assert!(too_long(&lines(801, "It is long because one table belongs together.")).is_some());

    let long = format!("fn f() {{\n{}}}\n", "a;\n".repeat(71));
    assert_eq!(long_functions(&long), ["1: `f` has 71 lines"]);
    let excuse = "#[expect(clippy::too_many_lines, reason = \"one match\")]\n";
    assert!(long_functions(&format!("{excuse}/// Doc.\n{long}")).is_empty());
    assert!(
        !long_functions(&format!("{excuse}fn g() {{\n}}\n\n{long}")).is_empty(),
        "the excuse is another's"
    );

    assert_eq!(silencers("#[expect(a)]\nfn f() {}\n#[expect(b, reason = \"c\")]"), ["1: #[expect(..."]);
    let silenced = format!("#[{}(dead_code)]", "allow");
    assert_eq!(silencers(&silenced).len(), 1);
    assert!(silencers(&format!("// {silenced}")).is_empty());

    assert_eq!(
        phrase("a.do_send(b);\n// a.do_send(b)\n#[cfg(test)]\nmod t { a.do_send(b) }", ".do_send("),
        [1]
    );
    assert_eq!(unsafe_words("fn a() {}\nunsafe fn b() {}\n#![forbid(unsafe_code)] // unsafe"), [2]);
}
