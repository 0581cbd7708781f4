//! An estate in a process of its own, and its control server.
//!
//! Absent: a client library: one request, one connection, both ends on this machine. Invariant: the process ends with this value,
//! and also when the test is killed, because it ends with its standard input.

use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How many people there are beside the planted ones: few, because every case reads all of them twice.
const PEOPLE: &str = "4";
/// How long the estate may take to open its doors, and to answer one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// One estate.
pub(crate) struct Estate {
    process: Child,
    control: String,
    describe: PathBuf,
    calls_before: u64,
    changes_before: u64,
    dir: TempDir,
}

impl Drop for Estate {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

impl Estate {
    /// Starts an estate.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let describe = dir.path().join("estate.json");
        let process = Command::new(env!("CARGO_BIN_EXE_xops"))
            .args(["estate", "--until-stdin-ends", "--people", PEOPLE, "--dir"])
            .arg(dir.path().join("recorder"))
            .arg("--describe")
            .arg(&describe)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the estate starts");
        let mut estate =
            Self { process, control: String::new(), describe, calls_before: 0, changes_before: 0, dir };
        let began = Instant::now();
        while !estate.describe.exists() {
            assert!(began.elapsed() < PATIENCE, "the estate opened no doors within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let text = std::fs::read_to_string(&estate.describe).expect("the description is readable");
        let all: Json = serde_json::from_str(&text).expect("the description is JSON");
        let control = all["control"].as_str().expect("the description names the control server");
        control
            .strip_prefix("http://")
            .expect("the control server speaks http")
            .clone_into(&mut estate.control);
        estate
    }

    /// Its description, for `--estate`.
    pub(crate) fn description(&self) -> &Path {
        &self.describe
    }

    /// A folder that lives as long as the estate.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Everything back to the seed, no faults, no lag; calls and changes count from here.
    pub(crate) fn reset(&mut self) {
        self.tell("POST", "/reset", None);
        self.lag(0);
        let health = self.ask("/healthz");
        let count = |name: &str| health["recorder"][name].as_u64().expect("the recorder counts");
        (self.calls_before, self.changes_before) = (count("calls"), count("changes"));
    }

    /// Switches a fault on.
    pub(crate) fn fault(&self, fault: &Json) {
        self.tell("POST", "/faults", Some(fault));
    }

    /// Sets how far reads that are not strong stay behind, in milliseconds.
    pub(crate) fn lag(&self, ms: u64) {
        self.tell("POST", "/lag", Some(&json!({ "ms": ms })));
    }

    /// How often the fault that was switched on as the `nth` since the reset has struck.
    pub(crate) fn hits_of(&self, nth: usize) -> u64 {
        let faults = self.ask("/faults");
        faults[nth - 1]["hits"].as_u64().expect("the fault is on")
    }

    /// The calls since the last reset, in their order.
    pub(crate) fn calls(&self) -> Vec<Json> {
        self.lines("/calls", self.calls_before)
    }

    /// The changes since the last reset, in their order.
    pub(crate) fn changes(&self) -> Vec<Json> {
        self.lines("/changes", self.changes_before)
    }

    /// All objects of all systems.
    pub(crate) fn state(&self) -> Json {
        self.ask("/state")
    }

    fn lines(&self, path: &str, before: u64) -> Vec<Json> {
        match self.ask(&format!("{path}?from={}", before + 1)) {
            Json::Array(lines) => lines,
            other => panic!("{path} gave no list: {other}"),
        }
    }

    fn ask(&self, path: &str) -> Json {
        self.tell("GET", path, None)
    }

    fn tell(&self, method: &str, path: &str, body: Option<&Json>) -> Json {
        let body = body.map_or_else(|| json!({}).to_string(), Json::to_string);
        request(&self.control, method, path, &[], &body)
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
            .1
    }
}

/// One request to a server on this machine: the status and the body.
pub(crate) fn request(
    place: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(u16, Json), String> {
    let told = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(place).map_err(told)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
    let more =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{more}\r\n{body}"
    );
    stream.write_all(head.as_bytes()).map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(told)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("the answer has no head")?;
    let status =
        head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or("the answer has no status")?;
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Err("the answer comes in chunks, which is not read here".to_owned());
    }
    Ok((status, serde_json::from_str(body).unwrap_or(Json::Null)))
}
