//! An estate in a process of its own, and the command in others, each on folders made for the test.
//!
//! Invariants: the estate ends with its standard input, so also when the test is killed; a command knows nothing of the
//! environment of the test but what it needs to run.

use crate::http;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take to come up or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The tenant's key of the tests: with it the names of entities are the same on every machine.
const KEY: &str = "5e1f00d5e1f00d5e1f00d5e1f00d5e1f00d5e1f00d5e1f00d5e1f00d5e1f00d5";

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Looks again and again until there is something to see.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come within {} s", PATIENCE.as_secs());
}

/// The operation cards, where they are beside the repository. On the machine that judges changes they must be.
fn cards() -> Option<PathBuf> {
    let cards = root().join("../shared/reference/cards");
    let there = cards.is_dir();
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "the operation cards are missing");
    there.then_some(cards)
}

/// An estate and a data folder.
pub(crate) struct World {
    dir: TempDir,
    estate: Child,
    control: String,
}

impl World {
    /// Starts the estate.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let describe = dir.path().join("estate.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xops"));
        command
            .args(["estate", "--until-stdin-ends", "--people", "12", "--dir"])
            .arg(dir.path().join("recorder"))
            .arg("--describe")
            .arg(&describe);
        if let Some(cards) = cards() {
            command.arg("--cards").arg(cards);
        }
        let estate = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the estate starts");
        let described: Json =
            wait_for("the estate", || serde_json::from_str(&std::fs::read_to_string(&describe).ok()?).ok());
        let control = described["control"].as_str().expect("a control address").to_owned();
        Self { dir, estate, control }
    }

    /// The folder of this test.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The command, on the sample project.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xops"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("XOPS_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.dir())
            .env("XOPS_PROJECT", root())
            .env("XOPS_DATA", self.data())
            .env("XOPS_ESTATE", self.dir().join("estate.json"))
            .env("XOPS_KEY", KEY)
            .env("XOPS_LOG", "off")
            .env("USER", "olivia.ops")
            .stdin(Stdio::null());
        command
    }

    /// Asks the estate's control server for something.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Json {
        let answer = http::call(method, &format!("{}{path}", self.control), &[], body.as_bytes());
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.json()
    }
}

impl World {
    /// Every request that the estate saw must be one that its operation card allows.
    fn hold_to_cards(&self) {
        if std::thread::panicking() {
            return;
        }
        let calls = std::fs::read_to_string(self.dir.path().join("recorder/calls.jsonl")).unwrap_or_default();
        let wrong: Vec<&str> = calls.lines().filter(|line| line.contains("\"violation\"")).take(3).collect();
        assert!(wrong.is_empty(), "requests that their operation cards do not allow:\n{}", wrong.join("\n"));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.hold_to_cards();
        drop(self.estate.stdin.take());
        let _already_gone = self.estate.kill();
        let _reaped = self.estate.wait();
    }
}
