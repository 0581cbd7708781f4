//! What a directory answers, message by message, to one response: the result code for a status, entries as JSON.
//!
//! Invariants: everything together stays within the bound; an attribute that was not asked for is not shown; a value that is no
//! text is shown as `{ "base64": ... }`; a reference to elsewhere is listed and never followed.

use super::ask::{Asked, PAGES, carried};
use super::ber::{ENUMERATED, INTEGER, Input, OCTETS, SEQUENCE, SET};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use xops_kernel::port::Response;

/// The greatest number of references that are listed: one is enough to know that there is more elsewhere.
const REFERRALS_MAX: usize = 16;

/// One message: its number, the tag and the content of its operation, its controls.
pub(crate) struct Message<'a> {
    pub(crate) id: i64,
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    controls: &'a [u8],
}

/// Reads the content of a message.
pub(crate) fn message(content: &[u8]) -> Result<Message<'_>, String> {
    let mut input = Input(content);
    let id = input.number(INTEGER, "a message's number")?;
    let (tag, content) = input.next()?.ok_or("a message has no operation")?;
    let mut controls = &[][..];
    while let Some((tag, content)) = input.next()? {
        if tag == 0xa0 {
            controls = content;
        }
    }
    Ok(Message { id, tag, content, controls })
}

/// A result: its code, the name that was found of the one that was sought, and the directory's words.
pub(crate) struct Ended {
    pub(crate) code: u16,
    matched: String,
    pub(crate) words: String,
    referrals: Vec<String>,
}

/// Reads a result (RFC 4511, 4.1.9).
pub(crate) fn ended(content: &[u8]) -> Result<Ended, String> {
    let mut input = Input(content);
    let code = input.number(ENUMERATED, "a result code")?;
    let code = u16::try_from(code).map_err(|_| "a result code is none".to_owned())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let matched = text(input.expect(OCTETS, "the matched name")?);
    let words = text(input.expect(OCTETS, "the diagnostic message")?);
    let mut referrals = Vec::new();
    while let Some((tag, content)) = input.next()? {
        if tag == 0xa3 {
            references(content, &mut referrals)?;
        }
    }
    Ok(Ended { code, matched, words, referrals })
}

fn references(content: &[u8], out: &mut Vec<String>) -> Result<(), String> {
    let mut input = Input(content);
    while let Some((_, address)) = input.next()? {
        if out.len() < REFERRALS_MAX {
            out.push(String::from_utf8_lossy(address).into_owned());
        }
    }
    Ok(())
}

/// An answer that is being put together.
pub(crate) struct Gathered {
    bytes: usize,
    bytes_max: usize,
    entries: Vec<Json>,
    referrals: Vec<String>,
}

impl Gathered {
    /// Nothing yet, of at most `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, bytes_max, entries: Vec::new(), referrals: Vec::new() }
    }

    /// How many bytes the next message may have.
    pub(crate) fn left(&self) -> usize {
        self.bytes_max.saturating_sub(self.bytes)
    }

    /// Takes one message; the response once the last one is there, made on the connection `line`.
    pub(crate) fn take(
        &mut self,
        message: &Message<'_>,
        asked: &Asked,
        line: u64,
    ) -> Result<Option<Response>, String> {
        self.bytes += message.content.len() + message.controls.len();
        match message.tag {
            0x64 if asked.ends_by == 0x65 => {
                self.entries.push(entry(message.content, &asked.attributes)?);
                Ok(None)
            }
            0x73 if asked.ends_by == 0x65 => references(message.content, &mut self.referrals).map(|()| None),
            // Intermediate responses belong to operations that are never asked here.
            tag if tag == asked.ends_by => self.end(message, line).map(Some),
            other => Err(format!("the directory answers what was not asked (tag {other:#04x})")),
        }
    }

    fn end(&mut self, message: &Message<'_>, line: u64) -> Result<Response, String> {
        let ended = ended(message.content)?;
        self.referrals.extend(ended.referrals);
        let mut body = json!({
            "code": ended.code,
            "matched": ended.matched,
            "message": ended.words,
            "entries": std::mem::take(&mut self.entries),
            "referrals": std::mem::take(&mut self.referrals),
        });
        if let Some(cookie) = cookie(message.controls)?.filter(|cookie| !cookie.is_empty()) {
            body["cookie"] = carried(line, cookie).into();
        }
        let body = body.to_string().into_bytes();
        if body.len() > self.bytes_max {
            return Err(format!("the answer is longer than {} bytes", self.bytes_max));
        }
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(Response { status: ended.code, headers, body })
    }
}

/// The cookie of the control of pages.
fn cookie(controls: &[u8]) -> Result<Option<&[u8]>, String> {
    let mut input = Input(controls);
    while let Some((_, control)) = input.next()? {
        let mut control = Input(control);
        if control.expect(OCTETS, "a control's name")? != PAGES {
            continue;
        }
        while let Some((tag, value)) = control.next()? {
            if tag == OCTETS {
                let mut value = Input(Input(value).expect(SEQUENCE, "a place among pages")?);
                value.number(INTEGER, "a number of entries")?;
                return value.expect(OCTETS, "a cookie").map(Some);
            }
        }
    }
    Ok(None)
}

/// An entry as JSON: `dn`, and each attribute that was asked for as a list.
fn entry(content: &[u8], wanted: &[String]) -> Result<Json, String> {
    let mut input = Input(content);
    let dn = input.expect(OCTETS, "an entry's name")?;
    let dn = std::str::from_utf8(dn).map_err(|_| "an entry's name is no UTF-8")?;
    let mut entry = Map::new();
    entry.insert("dn".to_owned(), dn.into());
    let mut attributes = Input(input.expect(SEQUENCE, "an entry's attributes")?);
    while let Some((_, attribute)) = attributes.next()? {
        let mut attribute = Input(attribute);
        let name = attribute.expect(OCTETS, "an attribute's name")?;
        let mut values = Input(attribute.expect(SET, "an attribute's values")?);
        // Names have no case; expressions have.
        let Some(name) = wanted.iter().find(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name)) else {
            continue;
        };
        let mut list = Vec::new();
        while let Some((_, value)) = values.next()? {
            list.push(match std::str::from_utf8(value) {
                Ok(text) => Json::from(text),
                Err(_) => json!({ "base64": STANDARD.encode(value) }),
            });
        }
        entry.insert(name.clone(), list.into());
    }
    Ok(entry.into())
}
