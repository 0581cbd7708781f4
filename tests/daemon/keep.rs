//! Keeping a journal: what is erased is gone everywhere, what is altered is named, what is restored is the same.

use crate::daemon::{Daemon, ends, run, said};
use crate::estate::World;
use serde_json::Value as Json;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;

/// What was said of Sarah: her handle, her name, her address. The estate plants her.
const SARAH: [&str; 3] = ["sarah.chen", "Sarah", "Chen"];

fn data(world: &World) -> PathBuf {
    world.data().join("acme")
}

fn tenant_key(world: &World) -> TenantKey {
    let command = world.command();
    let key = command.get_envs().find(|(name, _)| *name == "XOPS_KEY").and_then(|(_, value)| value);
    TenantKey::from_hex(key.and_then(|key| key.to_str()).expect("a key"), "the test").expect("a key")
}

/// Everything that anybody can read in a journal who has the tenant's key and the keyring.
fn readable(world: &World, journal: &Path, keyring: &Path) -> String {
    let key = tenant_key(world);
    let reader = Reader::open(journal, &Keys::new("acme", &key)).expect("a journal");
    let ring = SubjectKeys::beside(keyring, &key).expect("a keyring");
    let mut all = String::new();
    let walked = reader.replay(1, |_, stream, body| {
        match stored::decode(stream, body, &ring).expect("an entry") {
            Decoded::Entry(entry) => writeln!(all, "{entry:?}").expect("a text"),
            Decoded::Erased(_) => all.push_str("erased\n"),
        }
        ControlFlow::Continue(())
    });
    walked.expect("a whole journal");
    all
}

/// The words that lie in clear in any file below `folder`.
fn in_clear(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            found.extend(in_clear(&path, words));
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| format!("{word} in {}", path.display())));
    }
    found
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

fn json(world: &World, arguments: &[&str]) -> Json {
    let output = run(world, &[&["-o", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn what_is_erased_can_be_read_in_no_file_and_no_copy_also_not_after_a_restart() {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    ends(&world, &["apply", "person:wei.zhang", "--outcome", "EMP-R-001"], 0);
    let (journal, keyring) = (data(&world).join("journal"), data(&world).join("keys/subjects"));
    let (copy, old_keyring) = (world.dir().join("copy"), world.dir().join("subjects.old"));
    copied(&journal, &copy);
    std::fs::copy(&keyring, &old_keyring).expect("a copy");
    let before = readable(&world, &journal, &keyring);
    for word in SARAH {
        assert!(before.contains(word), "the test looks for `{word}`, which never was there");
    }
    ends(&world, &["erase", "person:sarah.chen"], 0);
    // Neither in the journal nor in a copy that was taken before.
    for place in [&journal, &copy] {
        let after = readable(&world, place, &keyring);
        for word in SARAH {
            assert!(!after.contains(word), "`{word}` can be read in {}", place.display());
        }
        assert!(after.contains("wei.zhang"), "somebody else was erased as well");
    }
    assert_eq!(in_clear(&world.data(), &SARAH), Vec::<String>::new());
    ends(&world, &["verify"], 0);
    ends(&world, &["run", "--listen", "127.0.0.1:0", "--until-quiet"], 0);
    assert_eq!(json(&world, &["status"])["ended"]["completed"], 2);
    // An older keyring brings her back until the next start, which does what the journal says.
    std::fs::copy(&old_keyring, &keyring).expect("a copy");
    assert!(readable(&world, &journal, &keyring).contains("sarah.chen"));
    ends(&world, &["run", "--listen", "127.0.0.1:0", "--until-quiet"], 0);
    assert!(
        !readable(&world, &journal, &keyring).contains("sarah.chen"),
        "an older keyring brought her back"
    );
    // She comes back as a person of whom nothing is known, and can be erased again; the numbers of instances go on.
    let output = run(&world, &["-o", "json", "apply", "person:sarah.chen", "--outcome", "EMP-R-001"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ends(&world, &["erase", "person:sarah.chen"], 0);
    assert!(!readable(&world, &journal, &keyring).contains("sarah.chen"));
}

#[test]
fn nobody_is_erased_while_an_instance_of_theirs_is_under_way() {
    let world = World::start();
    let fault = r#"{"system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1}"#;
    world.control("POST", "/faults", fault);
    let daemon = Daemon::start(&world);
    ends(&world, &["pause", "system:slack", "--why", "maintenance"], 0);
    let body = r#"{"entity": "person", "find": {"handle": "sarah.chen"}, "outcome": "EMP-R-001"}"#;
    assert_eq!(daemon.ask("POST", "/v1/requests", body).status, 202);
    let output = run(&world, &["erase", "person:sarah.chen"]);
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{why}");
    assert!(why.contains("instance 1 is under way"), "{why}");
    assert!(daemon.terminate().success());
}

#[test]
fn an_audit_names_the_frame_that_was_altered_and_a_journal_put_back_to_an_older_copy() {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    let outside = world.dir().join("outside.checkpoints");
    let outside = outside.to_str().expect("a path");
    ends(&world, &["audit", "checkpoint", "--checkpoints", outside], 0);
    let journal = data(&world).join("journal");
    let older = world.dir().join("older");
    copied(&journal, &older);
    ends(&world, &["apply", "person:wei.zhang", "--outcome", "EMP-R-001"], 0);
    ends(&world, &["run", "--listen", "127.0.0.1:0", "--until-quiet", "--checkpoints", outside], 0);
    let whole = json(&world, &["audit", "verify", "--checkpoints", outside]);
    assert_eq!((&whole["whole"], &whole["outside"]), (&true.into(), &true.into()), "{whole}");
    assert!(whole["agreed"].as_u64() >= Some(2), "{whole}");
    // A byte of a frame.
    let file = journal.join("journal-000001.redb");
    let good = std::fs::read(&file).expect("the journal");
    let mut bytes = good.clone();
    let places: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"XOJF").map(|(at, _)| at).collect();
    let fifth =
        places.iter().copied().filter(|at| bytes[at + 16..at + 24] == bytes[places[4] + 16..places[4] + 24]);
    for at in fifth.collect::<Vec<_>>() {
        bytes[at + 80] ^= 1;
    }
    std::fs::write(&file, bytes).expect("the journal");
    let output = run(&world, &["audit", "verify", "--checkpoints", outside]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("journal-000001.redb frame ") && told.contains("NOT whole"), "{told}");
    std::fs::write(&file, good).expect("the journal");
    // All of it, as it was before.
    std::fs::remove_dir_all(&journal).expect("a folder");
    copied(&older, &journal);
    ends(&world, &["audit", "verify"], 0);
    let output = run(&world, &["audit", "verify", "--checkpoints", outside]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("put back to an older copy"), "{told}");
}

#[test]
fn a_bundle_is_checked_without_journal_project_and_keys() {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    ends(&world, &["audit", "prove", "1", "--to", "bundle.json"], 1);
    ends(&world, &["audit", "checkpoint"], 0);
    ends(&world, &["audit", "prove", "1", "--to", "bundle.json"], 0);
    let key = json(&world, &["audit", "key"])["public_key"].as_str().expect("a key").to_owned();
    // Her values lie in it sealed, and stay so.
    let bundle = world.dir().join("bundle.json");
    assert_eq!(in_clear(&data(&world), &SARAH), Vec::<String>::new());
    let away = |arguments: &[&str]| {
        let mut command = world.command();
        command.env_remove("XOPS_KEY").env("XOPS_PROJECT", "nowhere").env("XOPS_DATA", "nowhere");
        command.args(["audit", "check-bundle"]).arg(&bundle).args(arguments).output().expect("the command")
    };
    let output = away(&["--public-key", &key]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("bundle whole"));
    let text = std::fs::read_to_string(&bundle).expect("a bundle");
    assert!(SARAH.iter().all(|word| !text.contains(word)), "a bundle shows what is sealed");
    let at = text.find("\"body\": \"").expect("an event") + 12;
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    std::fs::write(&bundle, format!("{}{other}{}", &text[..at], &text[at + 1..])).expect("a bundle");
    let output = away(&["--public-key", &key]);
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("proves nothing"));
}

#[test]
fn a_backup_beside_the_daemon_is_restored_to_the_same_state() {
    let world = World::start();
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    let daemon = Daemon::start(&world);
    let (backup, keyring) = (world.dir().join("backup"), world.dir().join("subjects.copy"));
    let (backup, keyring) = (backup.to_str().expect("a path"), keyring.to_str().expect("a path"));
    let inside = format!("{backup}/subjects");
    ends(&world, &["backup", backup, "--keyring", &inside], 2);
    ends(&world, &["backup", backup, "--keyring", keyring], 0);
    ends(&world, &["backup", backup], 1);
    assert!(daemon.terminate().success());
    assert!(!said(&world).exists());
    for entry in std::fs::read_dir(backup).expect("a folder") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        let known =
            ["journal", "issued-", "backup.json", "checkpoints"].iter().any(|it| name.starts_with(it));
        assert!(known, "a backup holds `{name}`");
    }
    let (status, trace) = (json(&world, &["status"]), json(&world, &["trace", "1"]));
    ends(&world, &["restore", backup], 4);
    std::fs::remove_dir_all(data(&world).join("journal")).expect("a folder");
    std::fs::remove_file(data(&world).join("keys/subjects")).expect("a file");
    // A backup that was altered is not restored.
    let file = Path::new(backup).join("journal-000001.redb");
    let good = std::fs::read(&file).expect("a file");
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("a file");
    ends(&world, &["restore", backup, "--keyring", keyring], 7);
    std::fs::write(&file, good).expect("a file");
    ends(&world, &["restore", backup, "--keyring", keyring], 0);
    assert_eq!(json(&world, &["status"]), status);
    assert_eq!(json(&world, &["trace", "1"]), trace);
    ends(&world, &["replay", "1"], 0);
    ends(&world, &["apply", "person:wei.zhang", "--outcome", "EMP-R-001"], 0);
    ends(&world, &["verify"], 0);
}
