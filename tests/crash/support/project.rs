//! The project under test: the sample project with its waits made short.
//!
//! Absent: any change of what is to be done. Only how long one waits is less, because each case waits for it; and no schedule
//! falls into a case, because the hour at which the tests run must not matter.

use std::fs;
use std::path::Path;

/// The waits that the project declares, and what they are here. An estate without lag shows every write at once.
const WAITS: [(&str, &str); 4] =
    [("timeout", "4s"), ("within", "2s"), ("window", "1s"), ("cron", "0 0 1 1 *")];

/// Copies the sample project to `to`.
pub(crate) fn hastened(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["config", "runbooks", "connectors/manifests"] {
        copy(&from.join(folder), &to.join(folder));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of the project copy");
    for entry in fs::read_dir(from).expect("a folder of the project") {
        let path = entry.expect("an entry of the project").path();
        let to = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            let text = fs::read_to_string(&path).expect("a file of the project");
            fs::write(&to, shortened(&text)).expect("a file of the project copy");
        }
    }
}

/// The text with its waits shortened; a manifest that declares no timeout gets one.
fn shortened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let declares = text.lines().any(|line| name_of(line) == Some("timeout"));
    for line in text.lines() {
        let wait = name_of(line).and_then(|name| WAITS.iter().find(|(wait, _)| *wait == name));
        let line = wait.map_or_else(|| line.to_owned(), |(name, short)| format!("{name} = \"{short}\""));
        out += &line;
        out.push('\n');
        if text_begins(text, "manifest") && !declares && line.trim_start().starts_with("domain ") {
            let (name, short) = WAITS[0];
            out.extend(["  ", name, " = \"", short, "\"\n"]);
        }
    }
    out
}

fn name_of(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    value.trim_start().starts_with('"').then_some(name.trim())
}

/// Whether the first block of a file is of this kind.
fn text_begins(text: &str, kind: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with(kind))
}

#[test]
fn every_wait_of_a_manifest_is_short_and_nothing_else_changes() {
    let text =
        "# A system.\nmanifest \"x\" {\n  domain = \"y\"\n    window   = \"10s\"\n    every = \"1s\"\n}\n";
    let expect = "# A system.\nmanifest \"x\" {\n  domain = \"y\"\n  timeout = \"4s\"\nwindow = \"1s\"\n    every = \"1s\"\n}\n";
    assert_eq!(shortened(text), expect);
}
