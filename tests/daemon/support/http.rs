//! One HTTP/1.1 exchange on a connection of its own, written out by hand.
//!
//! Absent: a client library, which would refuse to send what a hostile client sends. Invariants: every wait is bounded; the
//! answer is whole or the exchange fails.

use serde_json::Value as Json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or(Json::Null)
    }
}

/// Sends one request to `url` (`http://host:port/path?query`) and reads the answer.
pub(crate) fn call(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let rest = url.strip_prefix("http://").expect("an address of this machine");
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for &(name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
    // A server that refuses a long request closes before all of it is written; what it said first still counts.
    let _cut_short = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    answer(stream)
}

/// Whether an answer is whole: its head, and as many bytes as that says.
fn whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.parse().ok());
    length.is_some_and(|length: usize| bytes.len() >= head.len() + 4 + length)
}

/// Reads one answer: until it is whole, or the server closes.
pub(crate) fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    // A reset after the answer takes nothing from it.
    while let Ok(count) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
        if count == 0 || whole(&bytes) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let in_chunks = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Answer { status, body: if in_chunks { joined(body) } else { body.to_owned() } }
}

/// A body that came in chunks, in one piece; what is not well formed ends it.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        body.push_str(chunk);
        chunks = rest[size..].trim_start_matches("\r\n");
    }
    body
}
