//! Broken manifests: every mistake is told at once, with a code, where it stands, why, and what to do.
//! `UPDATE_GOLDENS=1` rewrites the goldens under `broken/`.

use crate::support::told;
use std::collections::BTreeSet;
use std::path::PathBuf;
use xops_connectors::code;
use xops_connectors::manifests::Manifests;

/// How many different mistakes the goldens show at least.
const CASES_MIN: usize = 60;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

/// The cases: name and text. A case whose first line is `# in base` is a change to the sound manifest: what stands before
/// `# becomes` is replaced by what stands behind it.
fn cases() -> Vec<(String, String)> {
    let base = std::fs::read_to_string(folder().join("sound.hcl")).unwrap();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let case = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let whole = match text.strip_prefix("# in base\n").and_then(|change| change.split_once("# becomes\n"))
        {
            None => text,
            Some((from, to)) => {
                let (from, to) = (from.trim_end_matches('\n'), to.trim_end_matches('\n'));
                assert_eq!(
                    base.matches(from).count(),
                    1,
                    "{name}: `{from}` does not stand once in the sound manifest"
                );
                base.replace(from, to)
            }
        };
        (name, whole)
    };
    paths.iter().filter(|path| path.extension().is_some_and(|end| end == "hcl")).map(case).collect()
}

#[test]
fn every_mistake_is_told_as_it_was() {
    let (mut seen, mut distinct) = (BTreeSet::new(), BTreeSet::new());
    for (name, text) in cases() {
        let files = [(format!("{name}.hcl"), text.into_bytes())];
        let (manifests, findings) = Manifests::load(&files);
        if name == "sound" {
            assert_eq!(told(&findings, &files).trim(), "", "the sound manifest is not");
            continue;
        }
        assert!(!findings.is_empty(), "{name}: no finding");
        assert_eq!(manifests.systems().count(), 0, "{name}: a manifest with a mistake was taken");
        seen.extend(findings.iter().map(|finding| finding.code));
        let rendered = told(&findings, &files);
        let golden = folder().join(format!("{name}.out"));
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&golden, &rendered).unwrap();
        }
        let expect = std::fs::read_to_string(&golden).unwrap_or_default();
        // The name of the file stands in it: two that say the same are one.
        distinct.insert(rendered.replace(&format!("{name}.hcl"), "x.hcl"));
        assert!(rendered == expect, "{name} is told otherwise; `UPDATE_GOLDENS=1` takes it:\n{rendered}");
    }
    assert!(distinct.len() >= CASES_MIN, "{} different broken manifests", distinct.len());
    let missing: Vec<&str> =
        code::ALL.iter().map(|(code, _)| *code).filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn every_code_has_a_page() {
    let pages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
    for (code, title) in code::ALL {
        let page = std::fs::read_to_string(pages.join(format!("{code}.md"))).unwrap_or_default();
        assert!(
            page.starts_with(&format!("# {code}: {title}\n")),
            "{code} has no page, or one of another title"
        );
    }
}

#[test]
fn mutated_manifests_never_make_it_panic() {
    let (_, sound) = cases().into_iter().find(|(name, _)| name == "sound").unwrap();
    let bytes = sound.into_bytes();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for _ in 0..400 {
        let mut mutated = bytes.clone();
        for _ in 0..=next(3) {
            let at = next(mutated.len());
            match next(3) {
                0 => drop(mutated.remove(at)),
                1 => mutated[at] = b"\"{}=.[]\n a0"[next(11)],
                _ => {
                    let end = (at + next(40)).min(mutated.len());
                    mutated.drain(at..end);
                }
            }
        }
        let _either = Manifests::load(&[("mutated.hcl".to_owned(), mutated)]);
    }
}

#[test]
fn all_files_are_told_of_at_once() {
    let files = [
        ("a.hcl".to_owned(), b"manifest \"a\" {\n}\n".to_vec()),
        ("b.hcl".to_owned(), vec![0xff]),
        ("c.hcl".to_owned(), b"nothing = 1\n".to_vec()),
    ];
    let (_, findings) = Manifests::load(&files);
    let names: BTreeSet<&str> = findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(names, ["a.hcl", "b.hcl", "c.hcl"].into());
}
