//! A rendered request to the operation of RFC 4511.
//!
//! Invariant: whatever a request says is checked again here, because a connector renders what people and systems wrote.

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, number, put, within};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use url::Url;
use xops_connectors::ldap::filter::{self, Filter};
use xops_connectors::ldap::name;
use xops_kernel::port::Request;

/// The control of pages (RFC 2696).
pub(crate) const PAGES: &[u8] = b"1.2.840.113556.1.4.319";

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The operation.
    pub(crate) operation: Vec<u8>,
    /// The controls, where there are any.
    pub(crate) controls: Vec<u8>,
    /// The tag of the answer that ends it.
    pub(crate) ends_by: u8,
    /// The attributes of entries, as expressions spell them.
    pub(crate) attributes: Vec<String>,
    /// The connection on which the listing began.
    pub(crate) line: Option<u64>,
}

/// Reads `request`; the error says which rule it breaks. `seconds` is how long the directory may search.
pub(crate) fn asked(request: &Request, url: &Url, seconds: i64) -> Result<Asked, String> {
    let dn = entry(url)?;
    let said =
        |name: &str| request.query.iter().find(|(said, _)| said == name).map(|(_, value)| value.as_str());
    let (mut operation, mut controls, mut attributes, mut line) = (Vec::new(), Vec::new(), Vec::new(), None);
    let ends_by = match request.method.as_str() {
        "SEARCH" => {
            let listed = said("attributes").unwrap_or_default();
            attributes = listed.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let text = said("filter").ok_or("its search has no filter")?;
            let filter = filter::parse(text).map_err(|why| format!("its filter {why}"))?;
            let scope = scope(said("scope"))?;
            search(&mut operation, &dn, scope, seconds, &filter, &attributes);
            if let Some(size) = said("size") {
                let size: i64 = size.parse().map_err(|_| "its pages have no size")?;
                let cookie = said("cookie").map(cookie).transpose()?;
                line = cookie.as_ref().map(|(line, _)| *line);
                pages(&mut controls, size, cookie.as_ref().map_or(&[], |(_, cookie)| cookie));
            }
            0x65
        }
        "ADD" => {
            let body = values(request, &["values"])?;
            within(&mut operation, 0x68, |out| {
                put(out, OCTETS, dn.as_bytes());
                within(out, SEQUENCE, |out| {
                    for (_, name, values) in &body {
                        attribute(out, name, values);
                    }
                });
            });
            0x69
        }
        "MODIFY" => {
            let words = ["add", "delete", "replace"];
            let body = values(request, &words)?;
            within(&mut operation, 0x66, |out| {
                put(out, OCTETS, dn.as_bytes());
                within(out, SEQUENCE, |out| {
                    for (word, name, values) in &body {
                        within(out, SEQUENCE, |out| {
                            number(out, ENUMERATED, i64::try_from(*word).unwrap_or_default());
                            attribute(out, name, values);
                        });
                    }
                });
            });
            0x67
        }
        "DELETE" => {
            put(&mut operation, 0x4a, dn.as_bytes());
            0x6b
        }
        "RENAME" => {
            renamed(&mut operation, &dn, said("rdn"), said("parent"), said("keep_old") == Some("true"))?;
            0x6d
        }
        other => return Err(format!("its method `{other}` is none of a directory")),
    };
    Ok(Asked { operation, controls, ends_by, attributes, line })
}

fn renamed(
    out: &mut Vec<u8>,
    dn: &str,
    rdn: Option<&str>,
    parent: Option<&str>,
    keep_old: bool,
) -> Result<(), String> {
    let rdn = rdn.ok_or("its new name is missing")?;
    name::check(rdn).map_err(|why| format!("its new name {why}"))?;
    if let Some(parent) = parent {
        name::check(parent).map_err(|why| format!("its new parent {why}"))?;
    }
    within(out, 0x6c, |out| {
        put(out, OCTETS, dn.as_bytes());
        put(out, OCTETS, rdn.as_bytes());
        put(out, BOOLEAN, &[if keep_old { 0x00 } else { 0xff }]);
        if let Some(parent) = parent {
            put(out, 0x80, parent.as_bytes());
        }
    });
    Ok(())
}

/// The whole message of number `id`.
pub(crate) fn message(id: i32, operation: &[u8], controls: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, SEQUENCE, |out| {
        number(out, INTEGER, i64::from(id));
        out.extend_from_slice(operation);
        if !controls.is_empty() {
            put(out, 0xa0, controls);
        }
    });
    out
}

/// The simple bind of RFC 4513.
pub(crate) fn bind(dn: &str, password: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, 0x60, |out| {
        number(out, INTEGER, 3);
        put(out, OCTETS, dn.as_bytes());
        put(out, 0x80, password);
    });
    out
}

/// The operation that asks for TLS (RFC 4511, 4.14).
pub(crate) fn start_tls() -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, 0x77, |out| put(out, 0x80, b"1.3.6.1.4.1.1466.20037"));
    out
}

/// The name of the entry, out of the address.
fn entry(url: &Url) -> Result<String, String> {
    let path = url.path().trim_start_matches('/');
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) else {
                return Err("its address has half an escape".to_owned());
            };
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
        } else {
            bytes.push(byte);
        }
    }
    let dn = String::from_utf8(bytes).map_err(|_| "its name is no UTF-8")?;
    name::check(&dn).map_err(|why| format!("its name {why}"))?;
    Ok(dn)
}

fn scope(word: Option<&str>) -> Result<i64, String> {
    match word {
        Some("base") => Ok(0),
        Some("one") => Ok(1),
        Some("sub") => Ok(2),
        _ => Err("its search has no scope".to_owned()),
    }
}

fn search(out: &mut Vec<u8>, dn: &str, scope: i64, seconds: i64, filter: &Filter, attributes: &[String]) {
    within(out, 0x63, |out| {
        put(out, OCTETS, dn.as_bytes());
        number(out, ENUMERATED, scope);
        // Aliases are not followed: what they lead to has a name of its own.
        number(out, ENUMERATED, 0);
        // No limit of ours on the number: where it cut, absence would be seen where there is none.
        number(out, INTEGER, 0);
        number(out, INTEGER, seconds);
        put(out, BOOLEAN, &[0x00]);
        condition(out, filter);
        within(out, SEQUENCE, |out| {
            // RFC 4511, 4.5.1.8: no attribute at all, where none is looked at.
            let none = if attributes.is_empty() { Some("1.1") } else { None };
            let all = attributes.iter().map(String::as_str).chain(none);
            all.for_each(|name| put(out, OCTETS, name.as_bytes()));
        });
    });
}

/// Filters are as deep as their reader lets them be.
fn condition(out: &mut Vec<u8>, filter: &Filter) {
    let compared = |out: &mut Vec<u8>, tag: u8, name: &str, value: &[u8]| {
        within(out, tag, |out| {
            put(out, OCTETS, name.as_bytes());
            put(out, OCTETS, value);
        });
    };
    match filter {
        Filter::And(all) => within(out, 0xa0, |out| all.iter().for_each(|one| condition(out, one))),
        Filter::Or(all) => within(out, 0xa1, |out| all.iter().for_each(|one| condition(out, one))),
        Filter::Not(one) => within(out, 0xa2, |out| condition(out, one)),
        Filter::Equal(name, value) => compared(out, 0xa3, name, value),
        Filter::AtLeast(name, value) => compared(out, 0xa5, name, value),
        Filter::AtMost(name, value) => compared(out, 0xa6, name, value),
        Filter::About(name, value) => compared(out, 0xa8, name, value),
        Filter::Present(name) => put(out, 0x87, name.as_bytes()),
        Filter::Like(name, first, between, last) => within(out, 0xa4, |out| {
            put(out, OCTETS, name.as_bytes());
            within(out, SEQUENCE, |out| {
                let first = first.iter().map(|part| (0x80, part));
                let between = between.iter().map(|part| (0x81, part));
                for (tag, part) in first.chain(between).chain(last.iter().map(|part| (0x82, part))) {
                    put(out, tag, part);
                }
            });
        }),
        Filter::By(rule, name, value, dn) => within(out, 0xa9, |out| {
            for (tag, text) in [(0x81, rule), (0x82, name)] {
                if let Some(text) = text {
                    put(out, tag, text.as_bytes());
                }
            }
            put(out, 0x83, value);
            if *dn {
                put(out, 0x84, &[0xff]);
            }
        }),
    }
}

/// The control, not critical: a directory that knows no pages gives everything or says that it is too much.
fn pages(out: &mut Vec<u8>, size: i64, cookie: &[u8]) {
    within(out, SEQUENCE, |out| {
        put(out, OCTETS, PAGES);
        let mut value = Vec::new();
        within(&mut value, SEQUENCE, |out| {
            number(out, INTEGER, size);
            put(out, OCTETS, cookie);
        });
        put(out, OCTETS, &value);
    });
}

/// What a listing carries on: the connection that it is of, and the directory's own cookie.
pub(crate) fn carried(line: u64, cookie: &[u8]) -> String {
    format!("{line}:{}", STANDARD.encode(cookie))
}

fn cookie(text: &str) -> Result<(u64, Vec<u8>), String> {
    let read = text
        .split_once(':')
        .and_then(|(line, cookie)| Some((line.parse().ok()?, STANDARD.decode(cookie).ok()?)));
    read.ok_or_else(|| "its place in the listing is none".to_owned())
}

fn attribute(out: &mut Vec<u8>, name: &str, values: &[String]) {
    within(out, SEQUENCE, |out| {
        put(out, OCTETS, name.as_bytes());
        within(out, SET, |out| values.iter().for_each(|value| put(out, OCTETS, value.as_bytes())));
    });
}

/// The values of the body: which of `words` they are for, the attribute, the values.
fn values(request: &Request, words: &[&str]) -> Result<Vec<(usize, String, Vec<String>)>, String> {
    let body: Json = serde_json::from_slice(&request.body).map_err(|_| "its values are no JSON")?;
    let mut all = Vec::new();
    for (word, attributes) in body.as_object().ok_or("its values are no object")? {
        let at = words.iter().position(|known| known == word).ok_or("its body says what no operation has")?;
        for (name, values) in attributes.as_object().ok_or("its attributes are no object")? {
            let texts = values.as_array().and_then(|values| {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            all.push((at, name.clone(), texts.ok_or_else(|| format!("`{name}` is no list of texts"))?));
        }
    }
    Ok(all)
}
