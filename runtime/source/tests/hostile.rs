//! Whatever bytes a file has, it is read or refused: nothing panics, every place is inside its file, and everything that was
//! found can be rendered.

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{contracts, facts};
use xops_source::declare::declare;
use xops_source::finding::{Format, render};

const BASE: &str = include_str!("base/base.hcl");

/// Pieces of which files are made: what the parser and the checks look for, in any order.
const PIECES: [&str; 44] = [
    "tenant \"acme\" {",
    "system \"idp\" {",
    "entity \"person\" {",
    "facet \"identity\" \"account\" {",
    "route \"create\" ",
    "outcome \"x\" {",
    "runbook \"r\" {",
    "variant \"v1\" {",
    "node \"a\" {",
    "layer \"global\" {",
    "with {",
    "set {",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "\n",
    "\n\n",
    " = ",
    " == ",
    "for",
    "entity",
    "awf",
    "after",
    "person.kind",
    "state.identity.account.id",
    "facet.value",
    "node.a.id",
    "\"text\"",
    "\"${",
    "%{if",
    "<<E\n",
    "\nE\n",
    "true",
    "-1",
    "1.5",
    "lower(",
    ", ",
    "[*]",
    "!",
    "? :",
    "é\u{202e}",
];

fn check(files: &[(String, Vec<u8>)]) {
    let contracts = contracts(
        "idp.create_user | create | login | id | disable_user\nidp.disable_user | remove | id | | nothing",
    );
    let facts = facts("idp.user | id email\nhr.worker | handle email kind");
    let (declarations, findings) = declare(files, &contracts, &facts);
    let _digest = declarations.digest();
    let lengths: BTreeMap<&str, usize> =
        files.iter().map(|(name, text)| (name.as_str(), text.len())).collect();
    for finding in &findings {
        let places = finding
            .related
            .iter()
            .map(|(file, span, _)| (file, span))
            .chain([(&finding.file, &finding.span)]);
        for (file, span) in places {
            let length = lengths.get(file.as_str()).copied().unwrap_or(0);
            assert!(span.start <= span.end && span.end <= length, "{span:?} of {length}: {finding:?}");
        }
        assert!(!finding.message.ends_with('.') && !finding.message.contains('\n'), "{}", finding.message);
    }
    assert!(
        findings
            .windows(2)
            .all(|pair| (&pair[0].file, pair[0].span.start) <= (&pair[1].file, pair[1].span.start))
    );
    assert_eq!(declare(files, &contracts, &facts).1, findings);
    let sources: BTreeMap<String, String> =
        files.iter().map(|(name, text)| (name.clone(), String::from_utf8_lossy(text).into_owned())).collect();
    for format in [Format::Human { color: false }, Format::Human { color: true }, Format::Json, Format::Sarif]
    {
        let rendered = render(&findings, &sources, format);
        assert!(findings.is_empty() || !rendered.is_empty());
    }
}

fn one(text: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    vec![("a.hcl".to_owned(), text)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&one(text));
    }

    #[test]
    fn any_pieces_in_any_order_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..80)) {
        check(&one(pieces.concat().into_bytes()));
    }

    #[test]
    fn a_valid_file_with_a_hole_or_a_patch_is_read_or_refused(
        from in 0..BASE.len(),
        length in 0_usize..40,
        patch in prop::sample::select(PIECES.to_vec()),
    ) {
        let mut text = BASE.as_bytes().to_vec();
        let to = (from + length).min(text.len());
        text.splice(from..to, patch.bytes());
        check(&one(text));
    }

    #[test]
    fn a_valid_file_whose_words_are_swapped_is_read_or_refused(a in 0_usize..400, b in 0_usize..400) {
        let mut words: Vec<&str> = BASE.split_inclusive([' ', '\n']).collect();
        let count = words.len();
        words.swap(a % count, b % count);
        check(&one(words.concat().into_bytes()));
    }
}

#[test]
fn what_is_long_within_the_bounds_is_checked_in_a_moment() {
    let wide = format!(
        "tenant \"a\" {{ principal = \"x\" }}\n{}",
        "object \"group\" \"g\" { id = \"1\" }\n".repeat(2_000)
    );
    let unknown = "outcom \"x\" {\n}\n".repeat(2_000);
    let quotes = format!("x = \"{}\"\n", "\\\"".repeat(100_000));
    let node = |n: u32| {
        format!("node \"n{n}\" {{\nawf = idp.create_user\nafter = [node.n{}]\n}}\n", (n + 1) % 1_500)
    };
    let chain = (0..1_500).map(node).collect::<Vec<_>>().concat();
    let runbook = format!("runbook \"r\" {{\nplan = \"p\"\nvariant \"v\" {{\n{chain}}}\n}}\n");
    let outcome = |n: u32| {
        let applies = format!("person.a{n} == 1 || person.b == {n}");
        format!(
            "outcome \"o{n}\" {{\nentity = \"person\"\nfor = {applies}\nidentity {{ account = \"{n}\" }}\n}}\n"
        )
    };
    let selectors = (0..300).map(outcome).collect::<Vec<_>>().concat();
    for text in
        [wide, unknown, quotes, runbook, selectors, "a = [".to_owned() + &"1,".repeat(200_000) + "]\n"]
    {
        let files = one(text.into_bytes());
        let (_, findings) = declare(&files, &BTreeMap::new(), &BTreeMap::new());
        assert!(!findings.is_empty());
    }
}
