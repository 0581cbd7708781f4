//! Nothing in the repository may know the machine it was written on, or where packages are fetched from.
//!
//! Absent: `Cargo.lock`, whose source lines cargo writes, and the licence, whose text is not ours.

use crate::hold;
use crate::tree::files;

/// Written apart, so that this file passes its own rule.
const FOLDERS: [&str; 5] = [
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "work/"),
    concat!("/", "tmp/"),
    concat!("/", "mnt/"),
];
const HOSTS: [&str; 7] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("deb.", "debian.org"),
];
const NOT_OURS: [&str; 3] = ["Cargo.lock", "LICENSE", "tests/fuzz/Cargo.lock"];

/// Absolute paths of a machine; a folder of that name inside a longer path or an address is none.
fn machine_paths(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in FOLDERS {
            let starts = |(at, _): (usize, &str)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_.-~}])>*/".contains(c))
            };
            if line.match_indices(folder).any(starts) {
                found.push((number + 1, folder));
            }
        }
    }
    found
}

fn registry_hosts(text: &str) -> Vec<(usize, &'static str)> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(number, line)| {
            HOSTS.into_iter().filter(|host| line.contains(host)).map(move |host| (number + 1, host))
        })
        .collect()
}

fn complaints(rule: fn(&str) -> Vec<(usize, &'static str)>) -> Vec<String> {
    let ours = files().iter().filter(|(path, _)| !NOT_OURS.contains(&path.as_str()));
    ours.flat_map(|(path, text)| {
        rule(text).into_iter().map(move |(line, what)| format!("{path}:{line}: {what}"))
    })
    .collect()
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    hold(
        "use a path from the repository's root, an argument, or a folder made for the run",
        &complaints(machine_paths),
    );
}

#[test]
fn no_file_names_a_package_registry() {
    hold(
        "name a package and its version, and leave the host to the package client",
        &complaints(registry_hosts),
    );
}

#[test]
fn place_rules_can_fail() {
    for folder in FOLDERS {
        for line in
            [format!("cd {folder}x"), format!("\"{folder}x\""), folder.to_owned(), format!("a={folder}b")]
        {
            assert_eq!(machine_paths(&line), [(1, folder)], "{line}");
        }
        for line in
            [format!("https://a.example{folder}x"), format!("{{tenant}}{folder}x"), format!("..{folder}")]
        {
            assert!(machine_paths(&line).is_empty(), "{line}");
        }
    }
    for host in HOSTS {
        assert_eq!(registry_hosts(&format!("one\nhttps://{host}/x")), [(2, host)]);
    }
    assert!(registry_hosts("a crate of the public registry").is_empty());
}
