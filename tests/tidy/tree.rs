//! The repository's files: their paths from its root, and their text.
//!
//! Absent: binary files and files over 4 MiB (no text to hold to a rule), `target`, ignored files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Larger files are data, and no rule reads them.
const BYTES_MAX: u64 = 4 << 20;
/// Deeper folders than this are a loop of links.
const DEPTH_MAX: usize = 24;

/// The folder of the front-door package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Text by path from the root, with `/` between folders.
pub(crate) fn files() -> &'static BTreeMap<String, String> {
    static FILES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let paths = tracked().unwrap_or_else(walked);
        assert!(paths.len() > 10, "the repository's files were not found under `{}`", root().display());
        paths.into_iter().filter_map(|path| read(&path).map(|text| (path, text))).collect()
    })
}

/// Rust files only.
pub(crate) fn rust() -> impl Iterator<Item = (&'static str, &'static str)> {
    under("", ".rs")
}

/// Files whose path starts with `folder` and ends with `ending`.
pub(crate) fn under(
    folder: &'static str,
    ending: &'static str,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    files()
        .iter()
        .filter(move |(path, _)| path.starts_with(folder) && path.ends_with(ending))
        .map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Whether a file is a test or a bench as a whole; unit tests inside a file are cut out by `text::without_tests`.
pub(crate) fn is_test(path: &str) -> bool {
    let in_folder = |name: &str| path.starts_with(&format!("{name}/")) || path.contains(&format!("/{name}/"));
    in_folder("tests") || in_folder("benches") || path.ends_with("/tests.rs")
}

fn read(path: &str) -> Option<String> {
    let place = root().join(path);
    let size = place.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    if size > BYTES_MAX {
        return None;
    }
    std::fs::read(place).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

fn tracked() -> Option<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()?;
    if !listed.status.success() {
        return None;
    }
    let text = String::from_utf8(listed.stdout).ok()?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

fn walked() -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![(root().to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let place: PathBuf = entry.path();
            if place.is_dir() {
                let skipped = name == "target" || name == ".git" || depth >= DEPTH_MAX || place.is_symlink();
                if !skipped {
                    folders.push((place, depth + 1));
                }
            } else if let Some(path) = place.strip_prefix(root()).ok().and_then(Path::to_str) {
                paths.push(path.replace('\\', "/"));
            }
        }
    }
    paths
}

#[test]
fn both_ways_of_finding_files_find_this_one() {
    let here = "tests/tidy/tree.rs".to_owned();
    assert!(files().contains_key(&here), "git lists no `{here}`");
    assert!(walked().contains(&here), "the walk finds no `{here}`");
}

#[test]
fn tests_are_told_from_what_they_test() {
    for path in [
        "tests/tidy/main.rs",
        "runtime/kernel/tests/laws.rs",
        "benches/engine.rs",
        "robots/src/service/tests.rs",
    ] {
        assert!(is_test(path), "{path}");
    }
    for path in ["runtime/kernel/src/plan.rs", "connectors/src/contests.rs"] {
        assert!(!is_test(path), "{path}");
    }
}
