//! What a directory is asked, as a request: an LDAP URL (RFC 4516), the parts of the operation as its query, values as JSON.
//!
//! Invariants: a value fills one hole and no more (a name's and a filter's are escaped each in its way); where a hole is a whole
//! name, it must be one; a listing goes on where it stands.

use crate::json;
use crate::ldap::{filter, name};
use crate::load::ldap::is_name_place;
use crate::model::ldap::Operation;
use crate::model::{Exprs, Piece, Shape, Template};
use crate::render::{BODY_BYTES_MAX, percent};
use crate::scope::{Scope, scalar};
use url::Url;
use xops_kernel::expr::{Expr, Path};
use xops_kernel::port::Request;
use xops_kernel::value::{Value, Values};

/// Renders `operation` on the entry that `shape` names, at `base`.
pub(crate) fn request(
    scope: &Scope<'_>,
    base: &Url,
    shape: &Shape,
    operation: &Operation,
) -> Result<Request, String> {
    let mut url = format!("{}/", base.as_str().trim_end_matches('/'));
    percent(&named(scope, &shape.path)?, &mut url);
    let mut query = Vec::new();
    let mut say = |name: &str, value: String| query.push((name.to_owned(), value));
    let mut body = Values::new();
    match operation {
        Operation::Search { reach, filter, attributes, size } => {
            say("attributes", attributes.join(","));
            say("scope", (*reach).to_owned());
            say("filter", sought(scope, filter)?);
            if let Some(size) = size {
                say("size", size.to_string());
            }
            if let Some(cursor) = scalar(&scope.value(&Expr::Ref(Path::of("page", &["cursor"])))) {
                say("cookie", cursor);
            }
        }
        Operation::Add(values) => {
            body.insert("values".to_owned(), attributes(scope, values, false)?);
        }
        Operation::Modify { add, delete, replace } => {
            for (word, values) in [("add", add), ("delete", delete), ("replace", replace)] {
                let values = attributes(scope, values, word == "replace")?;
                if values != Value::Map(Values::new()) {
                    body.insert(word.to_owned(), values);
                }
            }
            if body.is_empty() {
                return Err("nothing is left to modify: every value is nothing".to_owned());
            }
        }
        Operation::Delete => {}
        Operation::Rename { rdn, parent, keep_old } => {
            say("rdn", named(scope, rdn)?);
            if let Some(parent) = parent {
                say("parent", named(scope, parent)?);
            }
            say("keep_old", keep_old.to_string());
        }
    }
    let body = if body.is_empty() { Vec::new() } else { json::write(&Value::Map(body), true).into_bytes() };
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("the values are larger than {BODY_BYTES_MAX} bytes"));
    }
    Ok(Request {
        system: scope.manifest.name.clone(),
        method: operation.method().to_owned(),
        url,
        query,
        headers: Vec::new(),
        content_type: (!body.is_empty()).then(|| "application/json".to_owned()),
        body,
    })
}

/// A name with its holes filled: by a value where one stands, by a whole name where it stands alone between commas.
fn named(scope: &Scope<'_>, template: &Template) -> Result<String, String> {
    let mut out = String::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(hole) => {
                let text = filling(scope, hole)?;
                if is_name_place(&out) {
                    name::check(&text).map_err(|why| format!("`{{{hole}}}` {why}"))?;
                    out.push_str(&text);
                } else {
                    out.push_str(&name::escaped(&text));
                }
            }
        }
    }
    name::check(&out).map_err(|why| format!("the name {why}"))?;
    Ok(out)
}

fn sought(scope: &Scope<'_>, template: &Template) -> Result<String, String> {
    let mut out = String::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(hole) => out.push_str(&filter::escaped(&filling(scope, hole)?)),
        }
    }
    filter::parse(&out).map_err(|why| format!("the filter {why}"))?;
    Ok(out)
}

fn filling(scope: &Scope<'_>, hole: &Path) -> Result<String, String> {
    let value = scope.value(&Expr::Ref(hole.clone()));
    let text = scalar(&value).filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("`{{{hole}}}` is {}", value.type_name()))
}

/// Attributes with their values as lists of texts. Nothing is left out, or an empty list where `emptied`.
fn attributes(scope: &Scope<'_>, exprs: &Exprs, emptied: bool) -> Result<Value, String> {
    let mut all = Values::new();
    for (name, expr) in exprs {
        let values = match scope.value(expr) {
            Value::Null if emptied => Vec::new(),
            Value::Null => continue,
            Value::List(values) => values,
            one => vec![one],
        };
        let texts: Result<Vec<Value>, String> = values.iter().map(|value| text(name, value)).collect();
        all.insert(name.clone(), Value::List(texts?));
    }
    Ok(Value::Map(all))
}

/// A value as directories write it: truths in capitals (RFC 4517, 3.3.3).
fn text(name: &str, value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(truth) => Ok(Value::from(if *truth { "TRUE" } else { "FALSE" })),
        value => {
            let text = scalar(value).filter(|text| !text.is_empty());
            text.map(Value::Text).ok_or_else(|| format!("`{name}` has a value that is {}", value.type_name()))
        }
    }
}
