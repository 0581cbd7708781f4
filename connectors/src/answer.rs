//! A response as expressions see it: `response.status`, `response.header.<name>`, `response.body`, `response.text`.
//!
//! Invariants: a body that cannot be read whole is not there at all (nothing is read from half of one), and
//! [`Answer::unreadable`] says why.

use crate::model::{Answers, Body, Manifest, Shape};
use crate::{json, xml};
use std::collections::BTreeMap;
use xops_kernel::expr::{Path, Segment};
use xops_kernel::port::Response;
use xops_kernel::value::{Value, Values};

/// The greatest body that is looked at, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of a body `response.text` shows, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A response, read.
#[derive(Clone, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    headers: Values,
    body: Value,
    raw: &'a [u8],
    /// Whether a directory answered: then the status is its result code.
    pub(crate) directory: bool,
    /// Why the body could not be read.
    pub(crate) unreadable: Option<String>,
}

impl<'a> Answer<'a> {
    /// Reads `response` as the request `shape` expects it.
    pub(crate) fn read(manifest: &Manifest, shape: &Shape, response: &'a Response) -> Self {
        let mut headers = Values::new();
        for (name, value) in &response.headers {
            let name = name.to_ascii_lowercase();
            let joined = match headers.get(&name).and_then(Value::as_text) {
                Some(earlier) => format!("{earlier}, {value}"),
                None => value.clone(),
            };
            headers.insert(name, Value::Text(joined));
        }
        let kind = headers.get("content-type").and_then(Value::as_text).map(str::to_ascii_lowercase);
        let (body, mut unreadable) = match read_body(manifest, shape, kind.as_deref(), &response.body) {
            Ok(body) => (body, None),
            Err(why) => (Value::Null, Some(why)),
        };
        let directory = shape.operation().is_some();
        // A part of what was asked lies elsewhere: what is here does not show all there is.
        if directory && matches!(body.get("referrals"), Some(Value::List(elsewhere)) if !elsewhere.is_empty())
        {
            unreadable.get_or_insert_with(|| "a part of the answer lies in another directory".to_owned());
        }
        Self { status: response.status, headers, body, raw: &response.body, directory, unreadable }
    }

    /// What stands at `path`, whose root is `response`.
    pub(crate) fn at(&self, path: &Path) -> Value {
        match path.first() {
            Some("status") => Value::Int(i64::from(self.status)),
            Some("body") => path.follow(1, &self.body),
            Some("text") => {
                let shown = &self.raw[..self.raw.len().min(TEXT_BYTES_MAX)];
                String::from_utf8_lossy(shown).into_owned().into()
            }
            Some("header") => match path.segments.get(1) {
                Some(Segment::Attr(name)) => self.headers.get(name).cloned().unwrap_or_default(),
                _ => Value::Null,
            },
            _ => Value::Null,
        }
    }

    /// The header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_text)
    }
}

fn read_body(manifest: &Manifest, shape: &Shape, kind: Option<&str>, bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(format!("the body is larger than {BODY_BYTES_MAX} bytes"));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    let expected = match shape.answers {
        Answers::Json => "json",
        Answers::Xml => "xml",
        Answers::Nothing => return Ok(Value::Null),
    };
    if let Some(kind) = kind.filter(|kind| !kind.contains(expected)) {
        let kind: String = kind.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(format!("the body is `{kind}`, not {expected}"));
    }
    let none = BTreeMap::new();
    let soap = manifest.soap.as_ref().filter(|_| matches!(shape.body, Body::Soap(_)));
    let keyed = soap.map_or(&none, |soap| &soap.keyed);
    let read = if expected == "json" { json::parse(bytes) } else { xml::parse(bytes, keyed) };
    let body = read.map_err(|why| format!("the body is no {expected}: {why}"))?;
    if soap.is_none() {
        return Ok(body);
    }
    let inner = body.get("Envelope").and_then(|envelope| envelope.get("Body")).cloned();
    inner.ok_or_else(|| "the body is no SOAP envelope".to_owned())
}
