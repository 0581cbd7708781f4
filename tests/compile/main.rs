//! The rules of compilation, told by cases: declarations and a world in, the plan or the reasons out.
//!
//! Absent: systems, a clock, the shell; a case answers the lookups itself, and [`world`] drives the kernel as the shell does. Each
//! `cases/*.case` must give its `.out` ([`story`] says how a case is written), and its name is the sentence that it shows.
//! `UPDATE_GOLDENS=1` writes the expectations anew; whoever does that reads what changed.

mod identity;
mod refused;
mod story;
mod told;
mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use story::Story;

/// The folder of these tests.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile")
}

/// The cases: name and text, in order.
fn cases() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder().join("cases")).expect("the cases");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        (name, std::fs::read_to_string(path).expect("a case"))
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_case_comes_to_what_its_golden_says() {
    let mut wrong = String::new();
    let cases = cases();
    for (name, text) in &cases {
        let got = told::tell(&world::World::of(&Story::read(text)).run());
        let golden = folder().join("cases").join(name).with_extension("out");
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&golden, &got).expect("a golden");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if got != expected {
            writeln!(wrong, "==== {name}: expected\n{expected}==== got\n{got}").expect("a string");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() >= 50, "{} cases", cases.len());
}

#[test]
fn every_case_is_named_by_a_sentence_and_says_it() {
    for (name, text) in cases() {
        let words = name.split('_').count();
        assert!(words >= 4, "{name} is no sentence");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# ") && first.ends_with('.'), "{name} does not begin with its sentence");
    }
}
