//! Broken files and what is said of them.
//!
//! Each case is `tests/broken/<name>.hcl`, checked together with `tests/base/base.hcl`; `<name>.out` is what a person reads.
//! A line `#--- name.hcl` begins another file of the same case, and a first line `#--- alone` leaves the base out.
//! `UPDATE_GOLDENS=1` writes the expectations anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::{Contracts, contracts, facts};
use xops_source::code;
use xops_source::declare::{ManifestFacts, declare};
use xops_source::finding::{Finding, Format, any_error, render};

/// The files of a case: name and bytes.
type Files = Vec<(String, Vec<u8>)>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn manifests() -> (Contracts, ManifestFacts) {
    let contracts = contracts(
        "
        hr.set_end | create | worker date:date | event | clear_end
        hr.clear_end | remove | worker event | | nothing
        hr.shred | create | worker date:date | | never
        idp.create_user | create | login name?:text | id | disable_user
        idp.disable_user | remove | id | | nothing
        idp.add_member | create | user group | | remove_member
        idp.remove_member | remove | user group | | add_member
        idp.rename | update | id name | | forgotten
        idp.stamp | create | id | | nothing
        chat.greet | - | to text | message | nothing
        chat.invite | create | channel user size?:int tags?:list(text) | | kick
        chat.kick | remove | channel user | | invite
        ",
    );
    let facts = facts(
        "
        hr.worker | handle email kind country department ends:date active:bool level:int
        idp.user | id email login status
        chat.member | id email
        ",
    );
    (contracts, facts)
}

/// The files of a case: name and text.
fn files(case: &str, text: &str) -> Files {
    let base = std::fs::read_to_string(root().join("tests/base/base.hcl")).unwrap();
    let mut files = vec![("base.hcl".to_owned(), base)];
    let mut name = format!("{case}.hcl");
    let mut part = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim().strip_prefix("#--- ") {
            Some("alone") => files.clear(),
            Some(next) => {
                files.push((std::mem::replace(&mut name, next.to_owned()), std::mem::take(&mut part)));
            }
            None => part.push_str(line),
        }
    }
    files.push((name, part));
    files
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name, text.into_bytes()))
        .collect()
}

fn sources(files: &[(String, Vec<u8>)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| (name.clone(), String::from_utf8_lossy(text).into_owned())).collect()
}

fn found(files: &[(String, Vec<u8>)]) -> Vec<Finding> {
    let (contracts, facts) = manifests();
    declare(files, &contracts, &facts).1
}

fn cases() -> Vec<(String, PathBuf)> {
    let mut cases: Vec<(String, PathBuf)> = std::fs::read_dir(root().join("tests/broken"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hcl"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    cases.sort();
    cases
}

/// The files that no one would store: generated, and compared as the others are.
fn generated() -> Vec<(String, Files)> {
    let one = |name: &str, bytes: Vec<u8>| {
        (name.to_owned(), [files(name, ""), vec![(format!("{name}.hcl"), bytes)]].concat())
    };
    vec![
        one("size_of_ten_megabytes", b"# comment\n".repeat(1024 * 1024)),
        one("depth_of_brackets", [b"x = ".to_vec(), b"[".repeat(100_000)].concat()),
        one("depth_of_blocks", b"a {\n".repeat(5_000)),
        one(
            "depth_of_parentheses",
            [b"x = ".to_vec(), b"(".repeat(5_000), b"1".to_vec(), b")".repeat(5_000)].concat(),
        ),
        one("depth_of_negations", [b"x = ".to_vec(), b"!".repeat(5_000), b"true\n".to_vec()].concat()),
        one("depth_of_operators", [b"x = 1".to_vec(), b" + 1".repeat(5_000), b"\n".to_vec()].concat()),
        one("bytes_not_utf8", b"tenant \"acme\" {\n  principal = \"svc-\xff\xfe\"\n}\n".to_vec()),
        one("bytes_with_nul", b"tenant \"acme\" {\n  principal = \"svc\0xops\"\n}\n".to_vec()),
        one("bytes_with_override", "x = \"admin\u{202e}nimda\"\n".as_bytes().to_vec()),
    ]
}

fn compare(name: &str, files: &[(String, Vec<u8>)], wrong: &mut String, codes: &mut BTreeSet<&'static str>) {
    let findings = found(files);
    codes.extend(findings.iter().map(|finding| finding.code));
    let got = render(&findings, &sources(files), Format::Human { color: false });
    let path = root().join(format!("tests/broken/{name}.out"));
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(path, &got).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if got != expected {
        writeln!(wrong, "==== {name}: expected\n{expected}==== got\n{got}").unwrap();
    }
    if findings.is_empty() {
        writeln!(wrong, "==== {name}: nothing was found").unwrap();
    }
}

#[test]
fn every_mistake_is_told_as_its_golden_says() {
    let (mut wrong, mut codes) = (String::new(), BTreeSet::new());
    let mut count = 0;
    for (name, path) in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        compare(&name, &files(&name, &text), &mut wrong, &mut codes);
        count += 1;
    }
    for (name, files) in generated() {
        compare(&name, &files, &mut wrong, &mut codes);
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 60, "{count} cases");
    let unseen: Vec<&str> =
        code::ALL.iter().map(|(code, _)| *code).filter(|code| !codes.contains(code)).collect();
    assert_eq!(unseen, [""; 0], "codes without a golden");
}

#[test]
fn the_base_has_no_mistake() {
    let files = files("nothing", "");
    let findings = found(&files);
    assert_eq!(findings, [], "{}", render(&findings, &sources(&files), Format::Human { color: false }));
}

#[test]
fn every_code_has_a_page_that_says_what_why_and_how_to_fix_it() {
    let folder = root().join("../../docs/errors");
    let mut wrong = Vec::new();
    for (code, title) in code::ALL {
        let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
        let whole = page.starts_with(&format!("# {code}: {title}\n"))
            && ["\n## Why\n", "\n## Example\n", "\n## Fix\n"].iter().all(|part| page.contains(part));
        if !whole {
            wrong.push(*code);
        }
    }
    assert_eq!(wrong, [""; 0], "codes without a whole page");
}

#[test]
fn the_order_of_files_changes_nothing() {
    let (contracts, facts) = manifests();
    for (name, path) in cases() {
        let mut files = files(&name, &std::fs::read_to_string(&path).unwrap());
        let forward = declare(&files, &contracts, &facts);
        files.reverse();
        let backward = declare(&files, &contracts, &facts);
        assert_eq!(forward, backward, "{name}");
        assert_eq!(forward.0.digest(), backward.0.digest(), "{name}");
    }
}

#[test]
fn machines_read_what_people_do() {
    let files = files("two", "system \"idp\" {\n}\noutcome \"x\" {\n  entity = \"persn\"\n}\n");
    let findings = found(&files);
    assert!(any_error(&findings));
    let json: serde_json::Value =
        serde_json::from_str(&render(&findings, &sources(&files), Format::Json)).unwrap();
    assert_eq!(json.as_array().unwrap().len(), findings.len());
    assert_eq!(json[0]["page"], format!("docs/errors/{}.md", findings[0].code));
    assert_eq!((&json[0]["at"]["start"]["line"], &json[0]["at"]["start"]["column"]), (&1.into(), &1.into()));
    let sarif: serde_json::Value =
        serde_json::from_str(&render(&findings, &sources(&files), Format::Sarif)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    let colored = render(&findings, &sources(&files), Format::Human { color: true });
    assert!(colored.contains('\u{1b}'));
}
