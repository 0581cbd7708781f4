//! Canaries: a secret that can be recognised in every part of every credential, by every scheme and from every source, driven through
//! every path of the command and the daemon against a server that repeats what it is sent; then every byte that anybody could read
//! is searched.
//!
//! Absent: the schemes whose secrets are keys in files of their own forms (RSA, SOAP), which the wire's own tests search the same
//! way. Invariants: at least 64 secrets; every one of them was really used, so that the test cannot pass by doing nothing.

#[path = "../daemon/support/http.rs"]
mod http;
mod project;
mod server;

use project::{MARK, secret};
use ring::hmac;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long anything may take to come.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// What of the mark stands in `bytes`: as it is in any case, in hexadecimal, or in base64 at any place.
fn found(bytes: &[u8]) -> Option<String> {
    use base64::Engine;
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let hex: String = MARK.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mut forms = vec![MARK.to_lowercase(), hex];
    for shift in 0..3 {
        let shifted = [vec![b' '; shift], MARK.as_bytes().to_vec()].concat();
        let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(shifted);
        // The first and the last letters hang on what stands beside the mark.
        forms.push(coded[3..coded.len() - 3].to_lowercase());
    }
    let at = forms.iter().find_map(|form| text.find(form.as_str()))?;
    let (from, to) = (at.saturating_sub(60), (at + 60).min(text.len()));
    let clear = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Some(text[clear(from)..clear(to)].to_owned())
}

fn search(place: &str, bytes: &[u8]) {
    if let Some(around) = found(bytes) {
        panic!("a secret stands in {place}: ...{around}...");
    }
}

fn search_folder(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files += search_folder(&path);
        } else {
            files += 1;
            search(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
        }
    }
    files
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come within {} s", PATIENCE.as_secs());
}

#[test]
fn the_search_finds_a_mark_however_it_is_written() {
    use base64::Engine;
    let check = |text: String| assert!(found(text.as_bytes()).is_some(), "{text}");
    let plain = secret(7, "token");
    check(format!("error: {plain} is wrong"));
    check(plain.to_uppercase());
    check(plain.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat());
    for before in ["", "a", "ab", "svc:"] {
        check(base64::engine::general_purpose::STANDARD.encode(format!("{before}{plain}")));
    }
    assert_eq!(found(b"nothing of the kind"), None);
}

#[test]
fn no_secret_is_in_any_byte_that_can_be_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let (address, seen) = server::start(secret);
    let project = project::write(dir.path(), &address);
    assert!(project.secrets >= 64, "{} secrets", project.secrets);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xops"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("XOPS_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(dir.path()).envs(project.env.iter().cloned());
        command.env("XOPS_PROJECT", dir.path().join("project")).env("XOPS_DATA", dir.path().join("data"));
        command.env("XOPS_LOG", "trace").env("USER", "olivia.ops").stdin(Stdio::null());
        command
    };
    let run = |arguments: &[&str]| {
        let output = command(arguments).output().expect("the command");
        search(&format!("the output of {arguments:?}"), &output.stdout);
        search(&format!("the log of {arguments:?}"), &output.stderr);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = run(&["check"]);
    assert_eq!(code, Some(0), "{told}");
    run(&["plan", "person:sarah00"]);
    run(&["plan", "person:sarah00", "-o", "json", "--verbose"]);
    run(&["explain", "person:sarah00", "-o", "json"]);

    let log = std::fs::File::create(dir.path().join("daemon.log")).expect("a log");
    let mut daemon = command(&["run", "--listen", "127.0.0.1:0"]);
    let mut daemon = Process(daemon.stdout(Stdio::null()).stderr(log).spawn().expect("a daemon"));
    let said = dir.path().join("data/acme/daemon.json");
    let said: serde_json::Value = wait_for("the daemon", || {
        let log = || std::fs::read_to_string(dir.path().join("daemon.log")).unwrap_or_default();
        assert!(daemon.0.try_wait().expect("a process").is_none(), "the daemon ended early: {}", log());
        serde_json::from_str(&std::fs::read_to_string(&said).ok()?).ok()
    });
    let (url, token) = (said["url"].as_str().expect("a url"), said["token"].as_str().expect("a token"));
    let bearer = format!("Bearer {token}");
    let ask = |method: &str, path: &str, body: &str| {
        let answer =
            http::call(method, &format!("{url}{path}"), &[("authorization", &bearer)], body.as_bytes());
        search(&format!("the answer to {method} {path}"), answer.body.as_bytes());
        answer
    };
    let mut numbers = Vec::new();
    for (at, outcome) in project.outcomes.iter().enumerate() {
        let body = serde_json::json!({ "id": outcome, "entity": "person", "find": { "handle": format!("sarah{at:02}") }, "outcome": outcome });
        numbers.extend(ask("POST", "/v1/requests", &body.to_string()).json()["number"].as_u64());
    }
    deliver(url, project.systems);
    let until = Instant::now() + Duration::from_secs(8);
    wait_for("the work", || {
        let state =
            |number: &u64| ask("GET", &format!("/v1/instances/{number}"), "").json()["state"].to_string();
        let over = numbers.iter().all(|number| !state(number).contains("running"));
        (over || Instant::now() > until).then_some(())
    });
    ask("GET", "/v1/status", "");
    ask("GET", "/metrics", "");
    run(&["status", "-o", "json"]);
    run(&["status", "--unknown", "-o", "json"]);
    assert!(numbers.len() * 3 >= project.outcomes.len(), "only {} instances began", numbers.len());
    for number in &numbers {
        run(&["trace", &number.to_string(), "--full", "-o", "json"]);
        run(&["trace", &number.to_string(), "--full"]);
        run(&["replay", &number.to_string(), "-o", "json"]);
    }
    assert!(Command::new("kill").arg(daemon.0.id().to_string()).status().expect("a signal").success());
    wait_for("the daemon's end", || daemon.0.try_wait().expect("a process"));
    run(&["plan", "person:sarah00", "-o", "json"]);
    search_files(dir.path());
    hold(&project, &seen);
}

/// What stands in files: the daemon's log, and everything in the data folder.
fn search_files(dir: &Path) {
    let log = std::fs::read(dir.join("daemon.log")).expect("a log");
    search("the daemon's log", &log);
    assert!(log.len() > 10_000, "the log was not taken: {} bytes", log.len());
    assert!(search_folder(&dir.join("data")) > 3);
}

/// No redirect was followed, and every secret was really used.
fn hold(project: &project::Project, seen: &server::Seen) {
    assert_eq!(seen.redirected.load(Ordering::SeqCst), 0, "a redirect was followed");
    let requests = seen.requests.lock().expect("a list").join("\n");
    for (system, part) in &project.sent {
        assert!(
            was_sent(&requests, *system, part),
            "`{part}` of system {system} was never used: nothing was tested"
        );
    }
}

/// Whether a secret reached its system: as it is, or as the password of a basic header.
fn was_sent(requests: &str, system: usize, part: &str) -> bool {
    use base64::Engine;
    let secret = secret(system, part);
    let coded = |user: &str| base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
    requests.contains(&secret) || requests.contains(&coded("user")) || requests.contains(&coded("client"))
}

/// Sends every system's webhook: signed rightly, wrongly, and with the secret itself in the wrong place.
fn deliver(url: &str, systems: usize) {
    for system in 0..systems {
        let body = format!(r#"{{ "type": "changed", "id": "e{system}" }}"#);
        for part in ["webhook_secret", "webhook_secret_before"] {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret(system, part).as_bytes());
            let tag = hmac::sign(&key, body.as_bytes());
            let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
                let _infallible = write!(hex, "{byte:02x}");
                hex
            });
            for (signature, status) in [(hex, 202), (secret(system, part), 401)] {
                let headers = [("x-signature", signature.as_str())];
                let door = format!("{url}/v1/webhooks/s{system:02}");
                let answer = http::call("POST", &door, &headers, body.as_bytes());
                search("the answer to a webhook", answer.body.as_bytes());
                assert_eq!(answer.status, status, "system {system}: {}", answer.body);
            }
        }
    }
}
