//! A damaged journal: every reader refuses it with what is wrong and where, and never reads half of it.

use crate::daemon::{ends, run};
use crate::estate::World;
use std::path::PathBuf;

/// A data folder with one completed instance and one that was undone.
fn told() -> World {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    world.control(
        "POST",
        "/faults",
        r#"{"system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1}"#,
    );
    ends(&world, &["apply", "person:wei.zhang", "--outcome", "EMP-R-001"], 5);
    world
}

fn file(world: &World, name: &str) -> PathBuf {
    world.data().join("acme").join("journal").join(name)
}

/// Every command that reads refuses with exit code 7 and says `words`; none prints anything of what it read.
fn refused(world: &World, case: &str, words: &[&str]) {
    for command in [
        &["verify"][..],
        &["trace", "1"],
        &["trace", "1", "-o", "json"],
        &["replay", "1"],
        &["run", "--listen", "127.0.0.1:0", "--until-quiet"],
        &["apply", "person:sarah.chen"],
    ] {
        let output = run(world, command);
        let (out, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(7), "{case}: {command:?}: {out}{why}");
        assert!(out.is_empty(), "{case}: {command:?} read half: {out}");
        for word in words {
            assert!(why.contains(word), "{case}: {command:?} does not say `{word}`: {why}");
        }
    }
}

#[test]
fn a_truncated_journal_is_refused() {
    let world = told();
    let path = file(&world, "journal-000001.redb");
    let whole = std::fs::read(&path).expect("the journal");
    for length in [0, 1, 511, 4_096, whole.len() / 2, whole.len() - 4_096] {
        std::fs::write(&path, &whole[..length]).expect("the journal");
        refused(&world, &format!("{length} of {} bytes", whole.len()), &["journal-000001.redb"]);
    }
    std::fs::write(&path, &whole).expect("the journal");
    ends(&world, &["verify"], 0);
}

#[test]
fn a_flipped_bit_in_what_was_written_is_refused_where_it_stands() {
    let world = told();
    let path = file(&world, "journal-000001.redb");
    let whole = std::fs::read(&path).expect("the journal");
    let (mut struck, mut harmless) = (0, 0);
    // Every place is tried with `verify`; the places that hold frames are told by the journal itself.
    for at in (0..whole.len()).step_by(whole.len() / 48) {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bent).expect("the journal");
        let output = run(&world, &["verify"]);
        match output.status.code() {
            Some(0) => {
                // A page that holds nothing any more: then everything there was is still read.
                harmless += 1;
                let (trace, _) = ends(&world, &["trace", "2"], 0);
                assert!(trace.contains("outcome.undone"), "byte {at}: {trace}");
            }
            Some(7) => {
                struck += 1;
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(why.contains("journal-000001.redb"), "byte {at}: {why}");
                if struck % 4 == 1 {
                    refused(&world, &format!("a bit of byte {at}"), &["journal-000001.redb"]);
                }
            }
            code => panic!("byte {at}: {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
        std::fs::write(&path, &whole).expect("the journal");
    }
    assert!(struck >= 3, "no flip struck anything: {harmless} were harmless");
    ends(&world, &["verify"], 0);
}

#[test]
fn another_key_opens_nothing() {
    let world = told();
    let other = "00".repeat(32);
    for command in [&["verify"][..], &["trace", "1"], &["run", "--listen", "127.0.0.1:0", "--until-quiet"]] {
        let output = world.command().args(command).env("XOPS_KEY", &other).output().expect("the command");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{command:?}: {why}");
        assert!(why.contains("under another"), "{command:?}: {why}");
        assert!(output.stdout.is_empty(), "{command:?}");
    }
    for key in ["", "short", &"zz".repeat(32), &"00".repeat(33)] {
        let output = world.command().arg("verify").env("XOPS_KEY", key).output().expect("the command");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{why}");
        assert!(why.contains("XOPS_KEY") && (key.is_empty() || !why.contains(key)), "{why}");
    }
}

#[test]
fn a_file_that_is_gone_is_missed() {
    let world = told();
    let path = file(&world, "journal-000001.redb");
    let away = world.dir().join("away");
    std::fs::rename(&path, &away).expect("the journal");
    // A reader misses the file; a writer, which could begin another, knows how far the journal had come.
    for (command, words) in [
        (&["verify"][..], "journal-000001.redb` is missing"),
        (&["trace", "1"], "journal-000001.redb` is missing"),
        (&["run", "--listen", "127.0.0.1:0", "--until-quiet"], "the journal was rolled back"),
    ] {
        let (out, why) = ends(&world, command, 7);
        assert!(out.is_empty() && why.contains(words), "{command:?}: {out}{why}");
    }
    assert!(!path.exists(), "a refused journal was begun anew");
    std::fs::rename(&away, &path).expect("the journal");
    ends(&world, &["verify"], 0);
}

#[test]
fn an_older_copy_of_the_journal_is_known_to_be_older() {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    let paths = ["journal-000001.redb", "journal.ahead"].map(|name| file(&world, name));
    let older = paths.each_ref().map(|path| std::fs::read(path).expect("the journal"));
    ends(&world, &["apply", "person:wei.zhang", "--outcome", "EMP-R-001"], 0);
    for (path, bytes) in paths.iter().zip(older) {
        std::fs::write(path, bytes).expect("the journal");
    }
    refused(&world, "an older copy", &["rolled back"]);
}

#[test]
fn a_keyring_that_is_damaged_or_gone_is_refused_and_not_made_anew() {
    let world = told();
    let path = world.data().join("acme").join("keys").join("subjects");
    let whole = std::fs::read(&path).expect("the keyring");
    let mut bent = whole.clone();
    bent[200] ^= 1;
    std::fs::write(&path, bent).expect("the keyring");
    for command in [&["trace", "1"][..], &["run", "--listen", "127.0.0.1:0", "--until-quiet"]] {
        let (out, why) = ends(&world, command, 7);
        assert!(out.is_empty() && why.contains("subjects"), "{out}{why}");
    }
    std::fs::remove_file(&path).expect("the keyring");
    let output = run(&world, &["trace", "1"]);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(!path.exists(), "a reader made a keyring");
    // Whether a person's key was erased or lost must be told apart: nothing goes on without the keyring.
    let output = run(&world, &["run", "--listen", "127.0.0.1:0", "--until-quiet"]);
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(&path, whole).expect("the keyring");
    ends(&world, &["trace", "1"], 0);
}
