//! Who may import whom: the table of crates, held against their manifests and their text.
//!
//! Absent: the front door (`runtime/cli`), the only place that knows every crate, and what a crate uses in its tests. Crate
//! loops cannot compile; what a crate may see besides is a decision, so a new line here comes with the reason for it.

use crate::hold;
use crate::text::{code_only, line_of, without_tests};
use crate::tree::{files, is_test, rust, under};

/// One crate's law.
struct Law {
    folder: &'static str,
    /// The dependencies it may name.
    may: &'static [&'static str],
    /// The modules of std that its text may not name.
    never: &'static [&'static str],
}

/// What a decision may not see.
const PURE: &[&str] = &["fs", "net", "time", "thread", "env", "process"];
/// What a reader of strings may not see.
const NO_FILES: &[&str] = &["fs", "net", "thread", "env", "process"];
const NOTHING: &[&str] = &[];

const LAWS: &[Law] = &[
    Law { folder: "runtime/kernel", may: &["blake3", "petgraph", "serde", "thiserror"], never: PURE },
    Law {
        folder: "runtime/graph",
        // Names are compared by a library of string distances, after accents were taken off by Unicode's own tables.
        may: &["serde", "strsim", "thiserror", "unicode-normalization", "xops-kernel"],
        never: PURE,
    },
    Law {
        folder: "runtime/source",
        // Schedules are checked where they are written, with the library that will run them.
        may: &["annotate-snippets", "croner", "hcl-edit", "serde_json", "strsim", "thiserror", "xops-kernel"],
        never: NO_FILES,
    },
    Law { folder: "robots", may: &["serde", "thiserror", "xops-graph", "xops-kernel"], never: PURE },
    Law {
        folder: "connectors",
        // The source crate: docs/decisions/0003-connectors-read-through-source.md.
        may: &[
            "base64",
            "blake3",
            "quick-xml",
            "serde_json",
            "thiserror",
            "url",
            "xops-kernel",
            "xops-source",
        ],
        never: PURE,
    },
    Law {
        folder: "connectors/wire",
        may: &[
            "base64",
            "bytes",
            "http-body",
            "jiff",
            "reqwest",
            "ring",
            "rustls",
            "rustls-platform-verifier",
            "secrecy",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio-rustls",
            "tracing",
            "url",
            "xops-connectors",
            "xops-kernel",
        ],
        never: NOTHING,
    },
    Law {
        folder: "connectors/estate",
        // No crate of ours: a stand-in that shared our code would share our mistakes.
        may: &[
            "actix-web",
            "base64",
            "blake3",
            "jiff",
            "quick-xml",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "url",
        ],
        never: NOTHING,
    },
    Law {
        folder: "runtime/journal",
        // A checkpoint is a signed note, which is base64; its tree is RFC 6962's, which is SHA-256.
        may: &[
            "base64",
            "bincode",
            "blake3",
            "ct-merkle",
            "redb",
            "ring",
            "serde",
            "sha2",
            "thiserror",
            "xops-kernel",
            "zeroize",
        ],
        never: &["net"],
    },
    Law {
        folder: "runtime/shell",
        may: &[
            "actix",
            "crossbeam-channel",
            "futures-util",
            "metrics",
            "rustix",
            "serde",
            "thiserror",
            "tokio",
            "tracing",
            "xops-graph",
            "xops-journal",
            "xops-kernel",
            "xops-robots",
        ],
        never: NOTHING,
    },
    Law {
        folder: "runtime/sim",
        // The generator is seeded; nothing else here is random.
        may: &[
            "blake3",
            "rand_core",
            "rand_pcg",
            "redb",
            "serde",
            "thiserror",
            "xops-connectors",
            "xops-graph",
            "xops-journal",
            "xops-kernel",
            "xops-robots",
        ],
        never: &["net", "time", "thread", "env", "process"],
    },
    Law { folder: "runtime/policy", may: &["cedar-policy", "thiserror", "xops-kernel"], never: NO_FILES },
];

/// Crates where unordered iteration could reach a decision.
const ORDERED: [&str; 5] =
    ["runtime/kernel/", "runtime/graph/", "runtime/sim/", "robots/", "connectors/src/"];

/// The names under `[dependencies]`, `[build-dependencies]` and their forms for one target.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut counted = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let kind = section.rsplit('.').find(|part| part.ends_with("dependencies"));
            let of_workspace = section.starts_with("workspace");
            let ours = matches!(kind, Some("dependencies" | "build-dependencies")) && !of_workspace;
            let own_table = section.rsplit_once("dependencies.").map(|(_, name)| name);
            names.extend(own_table.filter(|_| ours).map(str::to_owned));
            counted = ours && own_table.is_none();
        } else if counted && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or(line);
            names.push(name.trim_matches('"').to_owned());
        }
    }
    names
}

/// Modules of std in `never` that the code names, also inside `use std::{...}`.
fn forbidden(code: &str, never: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("std::") {
        let rest = &code[at + "std::".len()..];
        let named = match rest.strip_prefix('{') {
            Some(group) => top_names(group),
            None => vec![rest],
        };
        for name in named {
            let word = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if never.contains(&word) {
                found.push((line_of(code, at), format!("std::{word}")));
            }
        }
    }
    found
}

/// The members of a `use` group, without what stands in groups inside it.
fn top_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(group[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

fn code_of(text: &str) -> String {
    without_tests(&code_only(text))
}

#[test]
fn every_crate_imports_only_what_its_law_allows() {
    let mut complaints = Vec::new();
    for (path, manifest) in under("", "Cargo.toml") {
        // The front door may know all; a fuzz crate is a workspace of its own.
        let Some(folder) = path.strip_suffix("/Cargo.toml").filter(|folder| !folder.contains("fuzz")) else {
            continue;
        };
        let Some(law) = LAWS.iter().find(|law| law.folder == folder) else {
            complaints.push(format!("{folder}: has no law"));
            continue;
        };
        let strangers = dependencies(manifest).into_iter().filter(|name| !law.may.contains(&name.as_str()));
        complaints.extend(strangers.map(|name| format!("{path}: `{name}`")));
    }
    hold(
        "take the import out, or give it a place in `LAWS` (tests/tidy/laws.rs) with the reason, and a decision if it cost an argument",
        &complaints,
    );
}

#[test]
fn no_crate_reaches_for_a_part_of_the_world_that_its_law_forbids() {
    let mut complaints = Vec::new();
    for law in LAWS {
        let sources = format!("{}/src/", law.folder);
        for (path, text) in rust().filter(|(path, _)| path.starts_with(&sources) && !is_test(path)) {
            let found = forbidden(&code_of(text), law.never);
            complaints.extend(found.into_iter().map(|(line, what)| format!("{path}:{line}: {what}")));
        }
    }
    hold("let the shell do it, and hand the result in as an argument or an event", &complaints);
}

#[test]
fn no_unordered_map_stands_where_decisions_are_made() {
    let mut complaints = Vec::new();
    for (path, text) in
        rust().filter(|(path, _)| ORDERED.iter().any(|folder| path.starts_with(folder)) && !is_test(path))
    {
        let code = code_of(text);
        for name in ["HashMap", "HashSet"] {
            complaints.extend(
                code.match_indices(name).map(|(at, _)| format!("{path}:{}: {name}", line_of(&code, at))),
            );
        }
    }
    hold("use `BTreeMap` or a sorted vector: the order of a hash map is not a decision", &complaints);
}

#[test]
fn robots_exchange_letters_and_not_calls() {
    let folder_of =
        |path: &str| path.strip_prefix("robots/src/")?.split_once('/').map(|(folder, _)| folder.to_owned());
    let folders: std::collections::BTreeSet<String> =
        rust().filter_map(|(path, _)| folder_of(path)).collect();
    let mut complaints = Vec::new();
    for (path, text) in rust() {
        let Some(own) = folder_of(path) else { continue };
        let code = code_of(text);
        for other in folders.iter().filter(|other| **other != own) {
            if code.contains(&format!("crate::{other}")) {
                complaints.push(format!("{path}: imports `{other}`"));
            }
        }
    }
    hold(
        "an effect `Tell` of one robot becomes an event of the other: move what both need to the kernel",
        &complaints,
    );
}

#[test]
fn names_are_imported_from_the_module_that_defines_them() {
    let roots = rust().filter(|(path, _)| path.ends_with("src/lib.rs"));
    let complaints: Vec<_> = roots
        .filter(|(_, text)| code_of(text).contains("pub use "))
        .map(|(path, _)| format!("{path}: `pub use`"))
        .collect();
    hold("re-export nothing from a crate's root: loops between modules grow through it", &complaints);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let members = under("", "/Cargo.toml").filter(|(path, _)| !path.contains("fuzz"));
    let mut complaints: Vec<_> = members
        .filter(|(_, manifest)| !manifest.contains("[lints]\nworkspace = true"))
        .map(|(path, _)| path.to_owned())
        .collect();
    let whole = files().get("Cargo.toml").map(String::as_str).unwrap_or_default();
    if !whole.contains("unsafe_code = \"forbid\"") {
        complaints.push("Cargo.toml: `unsafe_code` is not forbidden".to_owned());
    }
    hold(
        "write `[lints]` with `workspace = true` in each manifest, and the lints in the root's",
        &complaints,
    );
}

#[test]
fn law_rules_can_fail() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nxops-kernel.workspace = true\n# tokio = 1\nserde = { version = \"1\" }\n\
                    [dependencies.ring]\nversion = \"0.17\"\n[dev-dependencies]\nproptest = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[workspace.dependencies]\nactix = \"1\"\n";
    assert_eq!(dependencies(manifest), ["xops-kernel", "serde", "ring", "nix"]);

    let code = "use std::fs;\nuse std::{collections::{BTreeMap, fs}, time::Duration};\nlet a = std::env::var(b);\nuse std::fmt;";
    let found: Vec<_> =
        forbidden(code, PURE).into_iter().map(|(line, what)| format!("{line} {what}")).collect();
    assert_eq!(found, ["1 std::fs", "2 std::time", "3 std::env"]);
}
