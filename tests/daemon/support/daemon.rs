//! The daemon as a process: started, asked over its API, ended.
//!
//! Invariants: no process outlives its test.

use crate::estate::{World, wait_for};
use crate::http::{self, Answer};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

/// The secret of Workday's webhooks, as the Standard Webhooks specification writes one.
pub(crate) const SECRET: &str = "whsec_c3RvcmllcyBhcmUgdGVzdHMgYW5kIHRlc3RzIGFyZSBzdG9yaWVz";

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    /// Where it serves.
    pub(crate) url: String,
    token: String,
}

/// Where a daemon says what it is.
pub(crate) fn said(world: &World) -> PathBuf {
    world.data().join("acme").join("daemon.json")
}

/// The command that starts a daemon.
pub(crate) fn command(world: &World) -> Command {
    let mut command = world.command();
    command.args(["run", "--listen", "127.0.0.1:0"]).env("XOPS_WEBHOOK_SECRET_WORKDAY", SECRET);
    command
}

impl Daemon {
    /// Starts a daemon and waits until its doors are open.
    pub(crate) fn start(world: &World) -> Self {
        Self::logged(world, &mut command(world), Stdio::null())
    }

    /// The same, with a command of one's own.
    pub(crate) fn start_in(world: &World, command: &mut Command) -> Self {
        Self::logged(world, command, Stdio::null())
    }

    /// The same, with a command and a place for its log.
    pub(crate) fn logged(world: &World, command: &mut Command, log: impl Into<Stdio>) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().expect("a daemon");
        let pid = u64::from(child.id());
        let path = said(world);
        let said = wait_for("the daemon", || {
            assert!(child.try_wait().expect("a process").is_none(), "the daemon ended before it served");
            let said: Json = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
            (said["pid"].as_u64() == Some(pid)).then_some(said)
        });
        let text = |name: &str| said[name].as_str().expect("a text").to_owned();
        Self { child, url: text("url"), token: text("token") }
    }

    /// The token of its API.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Asks its API, with the token.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        http::call(method, &format!("{}{path}", self.url), &[("authorization", &bearer)], body.as_bytes())
    }

    /// The same of a daemon that may end meanwhile; nothing if it gave no answer.
    pub(crate) fn try_ask(&self, method: &str, path: &str, body: &str) -> Option<Answer> {
        std::net::TcpStream::connect(self.url.trim_start_matches("http://")).ok()?;
        let ask = std::panic::AssertUnwindSafe(|| self.ask(method, path, body));
        std::panic::catch_unwind(ask).ok().filter(|answer| answer.status > 0)
    }

    /// The code with which it ended, if it did.
    #[expect(
        clippy::option_option,
        reason = "whether it ended, and then its code, which a signal leaves out"
    )]
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().expect("a process").map(|status| status.code())
    }

    /// Waits until an instance is in a state.
    pub(crate) fn until(&self, number: u64, state: &str) {
        let mut last = String::new();
        let began = std::time::Instant::now();
        wait_for(&format!("instance {number} in state {state}"), || {
            let answer = self.ask("GET", &format!("/v1/instances/{number}"), "");
            let word = answer.json()["state"].as_str().unwrap_or(&answer.body).to_owned();
            // A release is taken before what follows from it: what waits for a person may be seen a moment longer.
            let moment = began.elapsed() < std::time::Duration::from_secs(10);
            let over = ["completed", "undone"].contains(&word.as_str());
            let waits = ["parked", "stuck"].contains(&word.as_str());
            if over || (waits && !moment) {
                assert_eq!(word, state, "instance {number}");
            }
            last = word;
            (last == state).then_some(())
        });
    }

    /// How much of the machine's memory it uses, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    }

    /// Asks it politely to end, and waits.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().expect("a signal");
        assert!(sent.success());
        wait_for("the daemon's end", || self.child.try_wait().expect("a process"))
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("a process");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Runs a command to its end.
pub(crate) fn run(world: &World, arguments: &[&str]) -> Output {
    world.command().args(arguments).output().expect("the command")
}

/// Runs a command that must end with `code`; what it printed on standard output and on standard error.
pub(crate) fn ends(world: &World, arguments: &[&str], code: i32) -> (String, String) {
    let output = run(world, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "xops {}\n{out}{err}", arguments.join(" "));
    (out, err)
}
