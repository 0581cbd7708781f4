//! The independent witness: every call and every change, appended to two files, a line each, flushed per line.
//!
//! - No secret: authorization headers are never kept, and secret members of bodies are replaced before writing.
//! - No line is longer than [`LINE_BYTES_MAX`]: what is too long is cut, and the line says so.
//! - A file that cannot be written is never retried; the failure is remembered and `healthz` tells it.

use crate::canonical;
use crate::soap::{self, Element};
use crate::store::Change;
use crate::wire::Request;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Bytes of one line at most.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a body that a line keeps; the digest covers all of it.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Lines of each kind that `GET /calls` and `GET /changes` can still show.
const RECENT_MAX: usize = 20_000;
/// Members whose values never reach a file, in lower case.
const SECRET: &[&str] =
    &["password", "client_secret", "client_assertion", "token", "secret", "refresh_token", "access_token"];

/// One call, before it gets its number.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) system: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) operation: String,
    pub(crate) query: Value,
    pub(crate) body_digest: String,
    pub(crate) body: Value,
    pub(crate) status: u16,
    pub(crate) at_ms: u64,
    pub(crate) fault: Value,
    pub(crate) card: Value,
}

/// Both files and the recent lines.
#[derive(Debug)]
pub(crate) struct Recorder {
    calls: Lines,
    changes: Lines,
}

#[derive(Debug)]
struct Lines {
    file: File,
    seq: u64,
    recent: VecDeque<Value>,
    failure: Option<String>,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, seq: 0, recent: VecDeque::new(), failure: None })
    }

    fn append(&mut self, mut line: Value, cut: &[&str]) -> u64 {
        self.seq += 1;
        line["seq"] = json!(self.seq);
        let mut text = canonical::text(&line, &[]);
        if text.len() >= LINE_BYTES_MAX {
            for member in cut {
                line[*member] = json!({"cut": true});
            }
            text = canonical::text(&line, &[]);
        }
        text.push('\n');
        if self.failure.is_none()
            && let Err(error) = self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush())
        {
            self.failure = Some(error.to_string());
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line);
        self.seq
    }
}

impl Recorder {
    /// Opens `calls.jsonl` and `changes.jsonl` in `dir`; earlier lines stay, numbers start again at 1.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self {
            calls: Lines::open(&dir.join("calls.jsonl"))?,
            changes: Lines::open(&dir.join("changes.jsonl"))?,
        })
    }

    /// Writes the changes, then the call that made them.
    pub(crate) fn call(&mut self, call: &Call, changes: &[Change]) {
        let number = self.calls.seq + 1;
        let effect: Vec<u64> = changes
            .iter()
            .map(|change| self.change(&call.system, change, Some(number), call.at_ms))
            .collect();
        let line = json!({
            "system": call.system, "method": call.method, "path": call.path, "operation": call.operation,
            "query": call.query, "body_digest": call.body_digest, "body": call.body, "status": call.status,
            "at_ms": call.at_ms, "fault": call.fault, "card": call.card, "effect": effect,
        });
        self.calls.append(line, &["body", "query", "path", "effect"]);
    }

    /// Writes changes that no call made.
    pub(crate) fn outside(&mut self, system: &str, changes: &[Change], at_ms: u64) -> Vec<u64> {
        changes.iter().map(|change| self.change(system, change, None, at_ms)).collect()
    }

    /// Marks the place where every system went back to its seed.
    pub(crate) fn reset(&mut self, at_ms: u64) {
        self.changes.append(json!({"system": "*", "op": "reset", "call": Value::Null, "at_ms": at_ms}), &[]);
    }

    fn change(&mut self, system: &str, change: &Change, call: Option<u64>, at_ms: u64) -> u64 {
        let line = json!({
            "system": system, "kind": change.kind, "id": change.id, "op": change.op.word(),
            "before": change.before, "after": change.after, "diff": change.diff, "call": call, "at_ms": at_ms,
        });
        self.changes.append(line, &["diff"])
    }

    /// Recent calls from a number on, optionally of one system.
    pub(crate) fn recent_calls(&self, from: u64, limit: usize, system: Option<&str>) -> Vec<Value> {
        recent(&self.calls, from, limit, system)
    }

    /// Recent changes from a number on, optionally of one system.
    pub(crate) fn recent_changes(&self, from: u64, limit: usize, system: Option<&str>) -> Vec<Value> {
        recent(&self.changes, from, limit, system)
    }

    /// How many lines each file got, and why it got no more.
    pub(crate) fn health(&self) -> Value {
        let failure = self.calls.failure.as_ref().or(self.changes.failure.as_ref());
        json!({"calls": self.calls.seq, "changes": self.changes.seq, "failure": failure})
    }
}

fn recent(lines: &Lines, from: u64, limit: usize, system: Option<&str>) -> Vec<Value> {
    let fits = |line: &&Value| {
        line["seq"].as_u64().is_some_and(|seq| seq >= from)
            && system.is_none_or(|name| line["system"].as_str() == Some(name))
    };
    lines.recent.iter().filter(fits).take(limit).cloned().collect()
}

/// The body of a request as a line keeps it: structured where it can be, without secrets, cut where it is long.
pub(crate) fn body(request: &Request) -> Value {
    if request.body.is_empty() {
        return Value::Null;
    }
    if request.body.len() > BODY_BYTES_MAX {
        return json!({"cut": true, "bytes": request.body.len()});
    }
    if request.is_form() {
        let fields = request.form().into_iter().map(|(key, value)| (key, Value::String(value)));
        return redacted(Value::Object(fields.collect()));
    }
    if let Some(value) = request.json() {
        return redacted(value);
    }
    match std::str::from_utf8(&request.body).ok().and_then(|text| soap::parse(text).ok()) {
        Some(root) => redacted(outline(&root)),
        None => json!({"unreadable": true, "bytes": request.body.len()}),
    }
}

/// Replaces the values of secret members at any depth.
fn redacted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let clean = map.into_iter().map(|(key, value)| {
                let secret = SECRET.contains(&key.to_lowercase().as_str());
                let value = if secret { json!("(redacted)") } else { redacted(value) };
                (key, value)
            });
            Value::Object(clean.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        leaf => leaf,
    }
}

/// An XML element as nested JSON: repeated children become a list.
fn outline(element: &Element) -> Value {
    if element.children.is_empty() {
        return Value::String(element.text.clone());
    }
    let mut map = Map::new();
    for child in &element.children {
        let value = outline(child);
        match map.get_mut(&child.name) {
            None => {
                map.insert(child.name.clone(), value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_reaches_a_line() {
        let form = Request {
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: b"grant_type=client_credentials&client_secret=s3cret".to_vec(),
            ..Request::default()
        };
        assert_eq!(body(&form)["client_secret"], "(redacted)");
        let soap = Request {
            body: b"<e><wsse:UsernameToken><wsse:Password>s3cret</wsse:Password></wsse:UsernameToken></e>"
                .to_vec(),
            ..Request::default()
        };
        assert!(!body(&soap).to_string().contains("s3cret"));
    }

    #[test]
    fn a_line_is_never_longer_than_its_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut recorder = Recorder::open(dir.path()).expect("files");
        let call = Call { body: json!("x".repeat(2 * LINE_BYTES_MAX)), ..Call::default() };
        recorder.call(&call, &[]);
        let text = std::fs::read_to_string(dir.path().join("calls.jsonl")).expect("a file");
        assert!(text.len() < LINE_BYTES_MAX);
        assert!(text.contains(r#""body":{"cut":true}"#));
    }
}
