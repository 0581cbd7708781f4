//! The body of a request as a value: JSON, a form, parts of a form, or XML.
//!
//! - A body that is not what its media type says is nothing: the route refuses it for what it lacks.
//! - A file is not kept: its name, its type, its size and its digest stand for it.

use crate::soap::{self, Element};
use crate::wire::Request;
use serde_json::{Map, Value, json};

/// Parts of one form at most.
const PARTS_MAX: usize = 64;

/// What the body says.
pub(crate) fn read(request: &Request) -> Value {
    let media = request.media_type();
    if request.is_form() {
        let fields = request.form().into_iter().map(|(name, value)| (name, json!(value)));
        return Value::Object(fields.collect());
    }
    if media == "multipart/form-data" {
        return parts(request).unwrap_or(Value::Null);
    }
    if media.ends_with("/xml") {
        let element = std::str::from_utf8(&request.body).ok().and_then(|text| soap::parse(text).ok());
        return element.map_or(Value::Null, |root| json!({root.name.clone(): plain(&root)}));
    }
    request.json().unwrap_or(Value::Null)
}

/// An element without elements is its text; what is repeated is a list.
fn plain(element: &Element) -> Value {
    if element.children.is_empty() {
        return json!(element.text.trim());
    }
    let mut members = Map::new();
    for child in &element.children {
        let value = plain(child);
        match members.get_mut(&child.name) {
            None => drop(members.insert(child.name.clone(), value)),
            Some(Value::Array(items)) => items.push(value),
            Some(single) => *single = json!([single.take(), value]),
        }
    }
    Value::Object(members)
}

/// RFC 7578: parts between boundaries, each with a `content-disposition` that names it.
fn parts(request: &Request) -> Option<Value> {
    let (_, boundary) = request.header("content-type")?.split_once("boundary=")?;
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let pieces: Vec<&[u8]> = split(&request.body, boundary.as_bytes());
    let (first, rest) = pieces.split_first()?;
    let (last, whole) = rest.split_last()?;
    if !first.is_empty() || !last.starts_with(b"--") || whole.len() > PARTS_MAX {
        return None;
    }
    let mut members = Map::new();
    for piece in whole {
        let piece = piece.strip_prefix(b"\r\n")?.strip_suffix(b"\r\n")?;
        let cut = split(piece, b"\r\n\r\n");
        let head = std::str::from_utf8(cut.first()?).ok()?;
        let content = piece.get(head.len() + 4..)?;
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.into_iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let disposition = header("content-disposition")?;
        let word = |name: &str| disposition.split(&format!("; {name}=\"")).nth(1)?.split('"').next();
        let value = match word("filename") {
            None => json!(std::str::from_utf8(content).ok()?),
            Some(filename) => json!({
                "filename": filename,
                "type": header("content-type"),
                "size": content.len(),
                "digest": blake3::hash(content).to_hex().to_string(),
            }),
        };
        members.insert(word("name")?.to_owned(), value);
    }
    Some(Value::Object(members))
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(by.len()).position(|window| window == by) {
        pieces.push(&bytes[from..from + at]);
        from += at + by.len();
    }
    pieces.push(&bytes[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(media: &str, body: &str, expect: &Value) {
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        let request = Request { headers, body: body.as_bytes().to_vec(), ..Request::default() };
        assert_eq!(read(&request), *expect, "{body}");
    }

    #[test]
    fn each_media_type_gives_its_value() {
        check("application/json; charset=utf-8", r#"{"a":[1]}"#, &json!({"a": [1]}));
        check("application/json", "{", &Value::Null);
        check("application/x-www-form-urlencoded", "a=1&b=x+y", &json!({"a": "1", "b": "x y"}));
        check(
            "text/xml",
            "<a><b>1</b><c><d>x</d><d>y</d></c><e/></a>",
            &json!({"a": {"b": "1", "c": {"d": ["x", "y"]}, "e": ""}}),
        );
        check("application/xml", "<!DOCTYPE a><a/>", &Value::Null);
    }

    #[test]
    fn parts_are_read_whole_or_not_at_all() {
        let whole = "--B\r\ncontent-disposition: form-data; name=\"share\"\r\n\r\nyes\r\n--B\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\ncontent-type: application/pdf\r\n\r\n\
            x\r\n\r\ny\r\n--B--\r\n";
        let digest = blake3::hash(b"x\r\n\r\ny").to_hex().to_string();
        let file = json!({"filename": "a.pdf", "type": "application/pdf", "size": 6, "digest": digest});
        let media = "multipart/form-data; boundary=B";
        check(media, whole, &json!({"share": "yes", "file": file}));
        check(media, &whole[..whole.len() - 4], &Value::Null);
        check("multipart/form-data; boundary=C", whole, &Value::Null);
        check("multipart/form-data", whole, &Value::Null);
    }
}
