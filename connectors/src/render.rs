//! Shapes to requests.
//!
//! Invariants: a value fills one hole of a path and no more (it is percent-encoded whole; nothing, `.` and `..` are refused);
//! a request leads to the base address of its system and nowhere else, also when a page names its successor; a credential
//! never stands in it.

use crate::model::{Body, Piece, Shape, Template};
use crate::scope::{Scope, scalar};
use crate::{directory, json, ldap, parts, subject, tree};
use std::fmt::Write as _;
use url::Url;
use xops_kernel::expr::{self, Expr, Path};
use xops_kernel::port::Request;
use xops_kernel::value::Value;

/// The greatest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Renders the call that acts. What it takes from the snapshot must be there: a set that is written back without what was
/// read would remove what others put into it.
pub(crate) fn action(scope: &Scope<'_>, shape: &Shape) -> Result<Request, String> {
    let taken = shape.exprs().flat_map(expr::references).filter(|path| path.root == "snapshot");
    for path in taken {
        if scope.value(&Expr::Ref(path.clone())).is_null() {
            return Err(format!("the snapshot lacks `{path}`"));
        }
    }
    request(scope, shape)
}

/// Renders `shape`; the error says why not.
pub(crate) fn request(scope: &Scope<'_>, shape: &Shape) -> Result<Request, String> {
    let base = base_url(scope, shape)?;
    if let Some(operation) = shape.operation() {
        return directory::request(scope, &base, shape, operation);
    }
    let url = format!("{}{}", base.as_str().trim_end_matches('/'), path(scope, &shape.path)?);
    let url = Url::parse(&url).map_err(|error| format!("`{url}` is no address: {error}"))?;
    same_host(&base, &url)?;
    let (content_type, body) = body(scope, &shape.body)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("the body is larger than {BODY_BYTES_MAX} bytes"));
    }
    Ok(Request {
        system: scope.manifest.name.clone(),
        method: shape.method.to_owned(),
        url: url.into(),
        query: query(scope, &shape.query)?,
        headers: subject::named(scope, headers(scope, shape)?)?,
        content_type: content_type.map(|usual| shape.content_type.clone().unwrap_or(usual)),
        body,
    })
}

/// The same request at the address that a page named. It must be a page of the same host.
pub(crate) fn continued(scope: &Scope<'_>, shape: &Shape, next: &str) -> Result<Request, String> {
    let base = base_url(scope, shape)?;
    let mut url = base.join(next).map_err(|error| format!("the next page's address is none: {error}"))?;
    same_host(&base, &url)?;
    let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    url.set_query(None);
    url.set_fragment(None);
    let mut request = request(scope, shape)?;
    request.url = url.into();
    request.query = query;
    Ok(request)
}

fn base_url(scope: &Scope<'_>, shape: &Shape) -> Result<Url, String> {
    let name = shape.base.as_deref().unwrap_or("base_url");
    let value = match &shape.base {
        Some(var) => scope.value(&Expr::Ref(Path::of("var", &[var]))),
        None => scope.config.get(name).cloned().unwrap_or_default(),
    };
    let text = value.as_text().unwrap_or_default();
    let url = Url::parse(text).map_err(|error| format!("the system's `{name}` is no address: {error}"))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if plain && shape.operation().is_some() {
        let home = ldap::is_scheme(url.scheme()) && url.has_host() && matches!(url.path(), "" | "/");
        let why = "an ldaps address without a name, as its manifest asks a directory";
        return if home { Ok(url) } else { Err(format!("the system's `{name}` must be {why}")) };
    }
    if plain && matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(format!("the system's `{name}` must be an http(s) address without user and query"))
    }
}

fn same_host(base: &Url, url: &Url) -> Result<(), String> {
    let place =
        |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    let clean = url.username().is_empty() && url.password().is_none();
    if clean && place(base) == place(url) {
        Ok(())
    } else {
        Err(format!("it leads to `{}`, away from the system", url.host_str().unwrap_or_default()))
    }
}

fn path(scope: &Scope<'_>, template: &Template) -> Result<String, String> {
    let mut out = String::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(hole) => {
                let value = scope.value(&Expr::Ref(hole.clone()));
                let text = scalar(&value).filter(|text| !matches!(text.as_str(), "" | "." | ".."));
                let text =
                    text.ok_or_else(|| format!("`{{{hole}}}` in the path is {}", value.type_name()))?;
                percent(&text, &mut out);
            }
        }
    }
    Ok(out)
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(crate) fn percent(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
}

fn query(scope: &Scope<'_>, members: &[(String, Expr)]) -> Result<Vec<(String, String)>, String> {
    let mut query = Vec::with_capacity(members.len());
    for (name, expr) in members {
        match scope.value(expr) {
            Value::Null => {}
            Value::List(items) => {
                for item in &items {
                    query.push((name.clone(), part(name, item)?));
                }
            }
            value => query.push((name.clone(), part(name, &value)?)),
        }
    }
    Ok(query)
}

fn part(name: &str, value: &Value) -> Result<String, String> {
    scalar(value).ok_or_else(|| format!("`{name}` is {}, which cannot stand there", value.type_name()))
}

fn headers(scope: &Scope<'_>, shape: &Shape) -> Result<Vec<(String, String)>, String> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, expr) in scope.manifest.headers.iter().chain(&shape.headers) {
        let value = scope.value(expr);
        if value.is_null() {
            continue;
        }
        let text = part(name, &value)?;
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(format!("the header `{name}` holds a control character"));
        }
        headers.retain(|(earlier, _)| earlier != name);
        headers.push((name.clone(), text));
    }
    Ok(headers)
}

fn body(scope: &Scope<'_>, body: &Body) -> Result<(Option<String>, Vec<u8>), String> {
    let called = |kind: &str| Some(kind.to_owned());
    match body {
        // A directory is asked otherwise: it has been answered above.
        Body::None | Body::Directory(_) => Ok((None, Vec::new())),
        Body::Json { value, keep_null } => {
            let text = json::write(&scope.value(value), *keep_null);
            Ok((called("application/json"), text.into_bytes()))
        }
        Body::Form(members) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in query(scope, members)? {
                form.append_pair(&name, &value);
            }
            Ok((called("application/x-www-form-urlencoded"), form.finish().into_bytes()))
        }
        Body::Parts(members) => {
            let (kind, body) = parts::write(scope, members)?;
            Ok((Some(kind), body))
        }
        Body::Soap(content) => {
            let soap = scope.manifest.soap.as_ref().ok_or("the manifest has no `soap` block")?;
            let envelope = tree::envelope(scope, soap, content)?;
            Ok((called("text/xml; charset=utf-8"), envelope.into_bytes()))
        }
        Body::Xml(content) => {
            let document = tree::document(scope, content)?;
            Ok((called("application/xml"), document.into_bytes()))
        }
    }
}
