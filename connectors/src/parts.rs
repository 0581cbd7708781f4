//! The parts of a form (RFC 7578): the body that takes a file.
//!
//! - No file is read here: its bytes are an input, as base64, and stand in memory as every body does, within its bound.
//! - The boundary is made of what it bounds, so that the same parts are the same bytes.
//!
//! A text, a number or a truth is a part with that text; `{ name, type, base64 }` is a file, `type` may be left out; what is
//! `null` is left out.

use crate::model::Exprs;
use crate::scope::{Scope, scalar};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xops_kernel::value::Value;

/// What a file says of itself where nobody says what it is (RFC 2046, 4.5.1).
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The members of a file: those that must be there first.
pub(crate) const FILE: [&str; 3] = ["name", "base64", "type"];

struct Part {
    head: String,
    content: Vec<u8>,
}

/// The media type with its boundary, and the body.
pub(crate) fn write(scope: &Scope<'_>, members: &Exprs) -> Result<(String, Vec<u8>), String> {
    let mut parts = Vec::new();
    for (name, expr) in members {
        match scope.value(expr) {
            Value::Null => {}
            file @ Value::Map(_) => parts.push(of_file(name, &file)?),
            value => {
                let text = scalar(&value);
                let text = text.ok_or_else(|| format!("the part `{name}` is {}", value.type_name()))?;
                let head = format!("content-disposition: form-data; name=\"{}\"", quoted(name));
                parts.push(Part { head, content: text.into_bytes() });
            }
        }
    }
    let mut hash = blake3::Hasher::new();
    for part in &parts {
        hash.update(part.head.as_bytes()).update(&part.content);
    }
    let boundary = format!("xops-{}", &hash.finalize().to_hex()[..32]);
    let mut body = Vec::new();
    for part in &parts {
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

fn of_file(name: &str, file: &Value) -> Result<Part, String> {
    let member = |member: &str| file.get(member).and_then(Value::as_text);
    let called = member("name").ok_or_else(|| format!("the file `{name}` has no name"))?;
    let content = member("base64").ok_or_else(|| format!("the file `{name}` has no content"))?;
    let kind = member("type").unwrap_or(UNKNOWN_TYPE);
    if kind.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err(format!("the type of the file `{name}` holds what no header can hold"));
    }
    let content =
        STANDARD.decode(content).map_err(|error| format!("the file `{name}` is no base64: {error}"))?;
    let (name, called) = (quoted(name), quoted(called));
    let head = format!(
        "content-disposition: form-data; name=\"{name}\"; filename=\"{called}\"\r\ncontent-type: {kind}"
    );
    Ok(Part { head, content })
}

/// A name between quotes, as browsers write it (WHATWG, "multipart/form-data encoding algorithm").
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
