//! The command under test, in processes of its own, each with a bound on its time.

use serde_json::Value as Json;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The number of SIGKILL.
const SIGKILL: i32 = 9;
/// How often a process is looked at.
const POLL: Duration = Duration::from_millis(4);

/// The command with the project, the data folder and the estate that it is called with.
pub(crate) struct Xops {
    /// The project.
    pub(crate) project: PathBuf,
    /// The estate's description.
    pub(crate) estate: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
}

/// How a process ended.
pub(crate) struct Ended {
    /// Its status.
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) out: String,
    /// What it said on standard error.
    pub(crate) err: String,
}

impl Ended {
    /// Whether SIGKILL ended it.
    pub(crate) fn is_killed(&self) -> bool {
        self.status.signal() == Some(SIGKILL)
    }

    /// Fails unless it ended with this code.
    pub(crate) fn expect(&self, what: &str, code: i32) -> Result<(), String> {
        if self.status.code() == Some(code) {
            return Ok(());
        }
        Err(format!("{what} ended with {} instead of {code}: {}", self.status, self.err.trim()))
    }
}

/// A process that runs.
pub(crate) struct Running {
    process: Child,
    out: File,
    err: File,
    what: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Running {
    /// Waits for its end, within a bound.
    pub(crate) fn end(mut self, bound: Duration) -> Result<Ended, String> {
        let began = Instant::now();
        loop {
            let ended = self.process.try_wait().map_err(|error| format!("{}: {error}", self.what))?;
            if let Some(status) = ended {
                return Ok(Ended { status, out: text(&mut self.out), err: text(&mut self.err) });
            }
            if began.elapsed() > bound {
                let said = text(&mut self.err);
                return Err(format!("`{}` hangs: no end within {bound:?}: {}", self.what, said.trim()));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Whether it has ended: what is left of a process that nobody has waited for yet is a zombie.
    fn has_ended(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
    }

    /// Ends it as an operator does, by SIGTERM.
    pub(crate) fn terminate(self, bound: Duration) -> Result<Ended, String> {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().map_err(|error| error.to_string())?;
        if !sent.success() {
            return Err(format!("`{}` took no signal: it had ended already", self.what));
        }
        self.end(bound)
    }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _unreadable_is_empty = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Xops {
    /// Starts the command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let (out, err) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
        let handle = |file: &File| Stdio::from(file.try_clone().expect("a second handle"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_xops"));
        command
            .arg("--project")
            .arg(&self.project)
            .arg("--estate")
            .arg(&self.estate)
            .arg("--data")
            .arg(&self.data);
        for name in ["XOPS_KEY", "XOPS_KEY_FILE", "XOPS_LISTEN", "RUST_LOG"] {
            command.env_remove(name);
        }
        let process =
            command.args(arguments).stdin(Stdio::null()).stdout(handle(&out)).stderr(handle(&err)).spawn();
        Running { process: process.expect("the command starts"), out, err, what: arguments.join(" ") }
    }

    /// Runs the command to its end, within a bound.
    pub(crate) fn run(&self, arguments: &[&str], bound: Duration) -> Result<Ended, String> {
        self.start(arguments).end(bound)
    }

    /// Runs the command, which must succeed, and reads the JSON that it prints.
    pub(crate) fn json(&self, arguments: &[&str], bound: Duration) -> Result<Json, String> {
        let ended = self.run(&[&["-o", "json"], arguments].concat(), bound)?;
        ended.expect(&arguments.join(" "), 0)?;
        serde_json::from_str(&ended.out)
            .map_err(|error| format!("`{}` printed no JSON: {error}", arguments.join(" ")))
    }

    /// Where this daemon is, and its token; waits until it says so, or ends.
    pub(crate) fn daemon_of(&self, daemon: &Running, bound: Duration) -> Result<(String, String), String> {
        let began = Instant::now();
        loop {
            if let Some(found) = announced(&self.data, daemon.process.id()) {
                return Ok(found);
            }
            if began.elapsed() > bound || daemon.has_ended() {
                return Err(format!("`{}` opened no doors within {bound:?}, or ended before", daemon.what));
            }
            std::thread::sleep(POLL);
        }
    }
}

/// The address and the token that the daemon of a process wrote down. The file of one that was killed stays behind.
fn announced(data: &Path, pid: u32) -> Option<(String, String)> {
    let tenants = std::fs::read_dir(data).ok()?;
    let file = tenants
        .filter_map(Result::ok)
        .map(|tenant| tenant.path().join("daemon.json"))
        .find(|path| path.exists())?;
    let said: Json = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    let place = said["url"].as_str()?.strip_prefix("http://")?.to_owned();
    (said["pid"] == pid).then_some((place, said["token"].as_str()?.to_owned()))
}
