//! Hostile clients: what they send is refused, in bounded time and memory, and everybody else is served meanwhile.

use crate::daemon::Daemon;
use crate::doors::onboarding;
use crate::estate::World;
use crate::http;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How much more memory a daemon may use after an attack than before, in KiB.
const GROWTH_MAX_KIB: u64 = 64 * 1024;

/// Opens a connection and says something raw.
fn say(daemon: &Daemon, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(daemon.url.trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let _refused_early = stream.write_all(text);
    stream
}

fn is_served(daemon: &Daemon) {
    let began = Instant::now();
    assert_eq!(daemon.ask("GET", "/v1/status", "").status, 200);
    assert!(began.elapsed() < Duration::from_secs(2), "everybody else waits");
}

#[test]
fn bodies_that_are_too_long_too_deep_or_no_json_are_refused() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let before = daemon.memory_kib();
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(300 * 1024));
    let deep = format!("{{\"find\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("{{\"find\": [{}0]}}", "0,".repeat(100_000));
    for (body, status) in [
        (long.as_str(), 413),
        (&deep, 400),
        (&wide, 400),
        ("", 400),
        ("{", 400),
        ("{\"id\": \u{0}}", 400),
        ("null", 400),
        ("\"text\"", 400),
        ("{\"entity\": \"person\", \"find\": {\"handle\": 1e999}}", 400),
    ] {
        let began = Instant::now();
        let answer = daemon.ask("POST", "/v1/requests", body);
        assert_eq!(answer.status, status, "{}: {}", &body[..body.len().min(60)], answer.body);
        assert!(began.elapsed() < Duration::from_secs(2), "a refusal takes no time");
    }
    for _ in 0..50 {
        assert_eq!(daemon.ask("POST", "/v1/requests", &long).status, 413);
        assert_eq!(daemon.ask("POST", "/v1/requests", &deep).status, 400);
    }
    let grown = daemon.memory_kib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "it grew by {grown} KiB");
    is_served(&daemon);
}

#[test]
fn heads_that_are_too_long_or_no_http_are_refused() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let before = daemon.memory_kib();
    let header = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(10_000));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: 1\r\n".repeat(1_000));
    let endless = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-endless: {}", "x".repeat(2_000_000));
    let address = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(10_000));
    let query = format!("GET /healthz?{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(10_000));
    let sizes = "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n";
    let smuggled = "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let lengths = "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n";
    let huge = "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n";
    for text in [
        &header,
        &many,
        &endless,
        &address,
        &query,
        sizes,
        smuggled,
        lengths,
        huge,
        "\u{16}\u{3}\u{1}",
        "GET\r\n\r\n",
    ] {
        let began = Instant::now();
        let mut text = text.as_bytes().to_vec();
        if !text.ends_with(b"\r\n\r\n") {
            text.extend_from_slice(b"\r\n\r\n");
        }
        let answer = http::answer(say(&daemon, &text));
        let name = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
        let refused = answer.status == 0 || (400..500).contains(&answer.status);
        assert!(refused, "{name}: {} {}", answer.status, answer.body);
        // A connection without a request is closed when its time is up, no sooner.
        assert!(began.elapsed() < Duration::from_secs(15), "{name}: closed after {:?}", began.elapsed());
    }
    let grown = daemon.memory_kib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "it grew by {grown} KiB");
    is_served(&daemon);
}

#[test]
fn what_there_is_not_and_what_may_not_be_done_to_it_is_refused() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    for (method, path) in [
        ("GET", "/v1/requests"),
        ("PUT", "/v1/requests"),
        ("DELETE", "/v1/status"),
        ("POST", "/healthz"),
        ("POST", "/metrics"),
        ("PATCH", "/v1/pauses"),
        ("BREW", "/v1/status"),
        ("GET", "/v1/instances/one"),
        ("GET", "/v1/instances/-1"),
        ("GET", "/v1/instances/99999999999999999999999"),
        ("GET", "/../../etc/passwd"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "/v1/status/"),
        ("GET", "//v1/status"),
    ] {
        let answer = daemon.ask(method, path, "{}");
        assert!((400..500).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
    }
    for scope in ["", "all:", "planet:mars", "instance:", "system:", &"x".repeat(5_000)] {
        let body = serde_json::json!({ "scope": scope, "by": "eve", "why": "why not" }).to_string();
        assert_eq!(daemon.ask("POST", "/v1/pauses", &body).status, 400, "{scope}");
    }
    is_served(&daemon);
}

#[test]
fn clients_that_never_finish_are_sent_away_and_keep_nobody_waiting() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let before = daemon.memory_kib();
    let head = b"POST /v1/requests HTTP/1.1\r\nhost: x\r\nx-slow:";
    let mut heads: Vec<TcpStream> = (0..200).map(|_| say(&daemon, head)).collect();
    let webhook = b"POST /v1/webhooks/workday HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{";
    let stamp = format!("webhook-id: m\r\nwebhook-timestamp: {}\r\n", seconds());
    let body = String::from_utf8_lossy(webhook).replace("content-length", &format!("{stamp}content-length"));
    let bodies: Vec<TcpStream> = (0..50).map(|_| say(&daemon, body.as_bytes())).collect();
    let began = Instant::now();
    // A little now and then must not buy more time.
    for _ in 0..4 {
        is_served(&daemon);
        for stream in &mut heads {
            let _closed_already = stream.write_all(b"x");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let answer = daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"));
    assert_eq!(answer.status, 202, "{}", answer.body);
    for stream in heads.into_iter().chain(bodies) {
        let status = http::answer(stream).status;
        assert!([0, 400, 401, 408].contains(&status), "{status}");
    }
    assert!(began.elapsed() < Duration::from_secs(25), "they were kept for {:?}", began.elapsed());
    let grown = daemon.memory_kib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "it grew by {grown} KiB");
    is_served(&daemon);
}

fn seconds() -> String {
    let output = std::process::Command::new("date").arg("+%s").output().expect("the time");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
