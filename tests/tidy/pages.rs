//! Things that belong in pairs: a code and its page, a golden and its input, a runbook and its name.
//!
//! Absent: the contents of either half, which other tests hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::hold;
use crate::text::{code_only, without_tests};
use crate::tree::{files, is_test, under};

/// Where codes of findings are given out.
const CODES: [&str; 2] = ["runtime/source/src/", "connectors/src/"];
const PAGES: &str = "docs/errors/";
/// What a test writes and a person has reviewed. `.snap` names its source inside.
const GOLDENS: [&str; 7] = ["out", "expect", "expected", "golden", "stderr", "stdout", "json.golden"];

/// Codes of findings in string literals: `X`, a letter of the crate, four digits.
fn codes(source: &str) -> BTreeSet<String> {
    let without = without_tests(&code_only(source));
    let mut found = BTreeSet::new();
    for (at, _) in source.match_indices("\"X") {
        let Some(word) = source.get(at + 1..at + 7) else { continue };
        let closed = source[at + 7..].starts_with('"');
        // Where the line holds nothing but blanks, the literal stands in a comment or in a unit test.
        let line = source[..at].rfind('\n').map_or(0, |end| end + 1)
            ..source[at..].find('\n').map_or(source.len(), |end| at + end);
        if closed && is_code(word) && !without[line].trim().is_empty() {
            found.insert(word.to_owned());
        }
    }
    found
}

fn is_code(word: &str) -> bool {
    word.len() == 6
        && (word.starts_with("XS") || word.starts_with("XM"))
        && word[2..].bytes().all(|byte| byte.is_ascii_digit())
}

/// The input that a golden was made from: a neighbour of the same stem that is no golden itself, or the folder of that name.
fn has_input<'a>(golden: &str, mut all: impl Iterator<Item = &'a str>) -> bool {
    let stem = stem(golden);
    all.any(|path| {
        path.starts_with(&format!("{stem}/"))
            || (path != golden && !is_golden(path) && self::stem(path) == stem)
    })
}

/// The path up to the first dot of its file name.
fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    path[name..].find('.').map_or(path, |dot| &path[..name + dot])
}

fn is_golden(path: &str) -> bool {
    path.rsplit_once('/')
        .and_then(|(_, name)| name.split_once('.'))
        .is_some_and(|(_, ending)| GOLDENS.contains(&ending))
}

/// What is wrong with the name of a file under `runbooks/`, if anything is.
fn misnamed<'a>(path: &str, text: &str, mut all: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let [_, domain, name] = parts[..] else {
        return Some("does not stand in `runbooks/<domain>/`".to_owned());
    };
    if !is_slug(domain) {
        return Some(format!("`{domain}` is no domain"));
    }
    let Some(stem) = name.strip_suffix(".hcl") else {
        return Some("is not HCL: runbooks are data".to_owned());
    };
    if let Some(of) = stem.strip_suffix(".test") {
        let runbook = format!("runbooks/{domain}/{of}.hcl");
        return (!all.any(|path| path == runbook))
            .then(|| format!("tests `{runbook}`, which does not exist"));
    }
    match split_id(stem) {
        None => Some("is not named `<id>-<slug>.hcl`, like `ABC-R-001-what-it-does.hcl`".to_owned()),
        Some((id, _)) if !text.contains(&format!("\"{id}\"")) => {
            Some(format!("declares no runbook \"{id}\""))
        }
        Some(_) => None,
    }
}

/// `ABC-R-001-what-it-does` as (`ABC-R-001`, `what-it-does`).
fn split_id(stem: &str) -> Option<(&str, &str)> {
    let end = stem.match_indices('-').nth(2)?.0;
    let (id, slug) = (&stem[..end], &stem[end + 1..]);
    let mut parts = id.split('-');
    let family = parts.next()?;
    let good = (2..=4).contains(&family.len())
        && family.bytes().all(|byte| byte.is_ascii_uppercase())
        && parts.next() == Some("R")
        && parts
            .next()
            .is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()));
    (good && is_slug(slug)).then_some((id, slug))
}

fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) && text.bytes().all(plain)
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let mut used: BTreeMap<String, &str> = BTreeMap::new();
    for folder in CODES {
        for (path, text) in under(folder, ".rs").filter(|(path, _)| !is_test(path)) {
            used.extend(codes(text).into_iter().map(|code| (code, path)));
        }
    }
    let paged: BTreeSet<&str> = under(PAGES, ".md")
        .filter_map(|(path, _)| path.strip_prefix(PAGES)?.strip_suffix(".md"))
        .filter(|name| is_code(name))
        .collect();
    let without_page = used.iter().filter(|(code, _)| !paged.contains(code.as_str()));
    let mut complaints: Vec<_> =
        without_page.map(|(code, path)| format!("{code} ({path}): no page")).collect();
    let without_code = paged.iter().filter(|code| !used.contains_key(**code));
    complaints.extend(without_code.map(|code| format!("{PAGES}{code}.md: no code")));
    hold("write the page (what, why, an example, how to mend it), or take the dead one out", &complaints);
}

#[test]
fn every_page_of_a_code_is_headed_by_it() {
    let complaints: Vec<_> = under(PAGES, ".md")
        .filter(|(path, text)| {
            let code = path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md")).unwrap_or_default();
            is_code(code) && !text.lines().next().unwrap_or_default().contains(code)
        })
        .map(|(path, _)| path.to_owned())
        .collect();
    hold("let the first line of a code's page name the code", &complaints);
}

#[test]
fn no_golden_outlives_its_input() {
    let all = || files().keys().map(String::as_str);
    let mut complaints: Vec<_> = all()
        .filter(|path| is_test(path) && is_golden(path) && !has_input(path, all()))
        .map(|path| format!("{path}: no input of that name"))
        .collect();
    for (path, text) in under("", ".snap") {
        let source = text.lines().find_map(|line| line.strip_prefix("source: "));
        if !source.is_some_and(|source| files().contains_key(source.trim().trim_matches('"'))) {
            complaints.push(format!("{path}: its `source:` does not exist"));
        }
    }
    hold("remove these goldens, or give them back their inputs", &complaints);
}

#[test]
fn no_story_is_without_its_transcript() {
    let complaints: Vec<_> = under("tests/stories/", ".txt")
        .filter(|(path, _)| !files().contains_key(&format!("{}.out", stem(path))))
        .map(|(path, _)| path.to_owned())
        .collect();
    hold("run the story and review its transcript: without one it holds nothing", &complaints);
}

#[test]
fn every_runbook_is_named_by_its_id() {
    let all = || files().keys().map(String::as_str);
    let complaints: Vec<_> = under("runbooks/", "")
        .filter_map(|(path, text)| misnamed(path, text, all()).map(|why| format!("{path}: {why}")))
        .collect();
    hold(
        "name a runbook `runbooks/<domain>/<id>-<slug>.hcl`, its scenarios `<id>-<slug>.test.hcl`",
        &complaints,
    );
}

#[test]
fn page_rules_can_fail() {
    let source = "const A: &str = \"XS0001\"; // \"XS0002\"\n// \"XS0003\"\nlet b = \"XM0001\";\n\"XX0001\" \"XS00012\" \"XS001a\"\n\
                  #[cfg(test)]\nmod tests {\n  const C: &str = \"XS0004\";\n}\n";
    assert_eq!(codes(source).into_iter().collect::<Vec<_>>(), ["XM0001", "XS0001", "XS0002"]);

    let all = [
        "tests/a.txt",
        "tests/a.out",
        "tests/b.out",
        "tests/b.json.golden",
        "tests/c.expect",
        "tests/c/main.hcl",
    ];
    let input = |golden: &str| has_input(golden, all.into_iter());
    assert!(input("tests/a.out") && input("tests/c.expect") && !input("tests/b.out"));

    let name =
        |path: &str, text: &str| misnamed(path, text, ["runbooks/workforce/ABC-R-001-do-it.hcl"].into_iter());
    let declared = "runbook \"ABC-R-001\" {}";
    assert_eq!(name("runbooks/workforce/ABC-R-001-do-it.hcl", declared), None);
    assert_eq!(name("runbooks/workforce/ABC-R-001-do-it.test.hcl", ""), None);
    for (path, text) in [
        ("runbooks/workforce/ABC-R-001-do-it.hcl", "runbook \"ABC-R-002\" {}"),
        ("runbooks/workforce/ABC-R-002-do-it.test.hcl", declared),
        ("runbooks/workforce/ABC-R-1-do-it.hcl", declared),
        ("runbooks/workforce/do-it.hcl", declared),
        ("runbooks/workforce/ABC-R-001-Do-It.hcl", declared),
        ("runbooks/ABC-R-001-do-it.hcl", declared),
        ("runbooks/workforce/ABC-R-001-do-it.rs", declared),
    ] {
        assert!(name(path, text).is_some(), "{path}");
    }
}
