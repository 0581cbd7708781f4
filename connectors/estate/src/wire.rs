//! One request and one reply, as bytes with names: what every system's handlers see.
//!
//! - No HTTP library type: the server translates at its edge.

use serde_json::Value;

/// A request as it arrived; header names are in lower case, the query is decoded.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Where this system listens, such as `http://127.0.0.1:4100`: for links in replies.
    pub(crate) base: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The query parameter as a number; `None` when it is absent or no number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.asked(name).and_then(|text| text.parse().ok())
    }

    /// The media type without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let whole = self.header("content-type").unwrap_or("");
        whole.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as form fields.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub(crate) fn is_form(&self) -> bool {
        self.media_type() == "application/x-www-form-urlencoded"
    }

    /// The token of `Authorization: <scheme> <token>`, the scheme in any case.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, token) = self.header("authorization")?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| token.trim())
    }

    /// The query again as text, with some parameters replaced, for a link to another page.
    pub(crate) fn query_with(&self, set: &[(&str, &str)]) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.query.iter().filter(|(key, _)| !set.iter().any(|(name, _)| name == key)) {
            out.append_pair(key, value);
        }
        for (key, value) in set {
            out.append_pair(key, value);
        }
        out.finish()
    }
}

/// A reply before it meets the network.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: value.to_string().into_bytes(),
        }
    }

    pub(crate) fn xml(status: u16, text: String) -> Self {
        Self { status, content_type: "text/xml;charset=UTF-8", headers: Vec::new(), body: text.into_bytes() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, content_type: "", headers: Vec::new(), body: Vec::new() }
    }

    /// The reply with `Retry-After`, where there is a time to come back.
    pub(crate) fn later(self, retry_after_s: Option<u64>) -> Self {
        match retry_after_s {
            Some(wait_s) => self.with("Retry-After", wait_s.to_string()),
            None => self,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Percent-decodes one path segment.
pub(crate) fn decoded(segment: &str) -> String {
    // A plus sign is a plus sign in a path, unlike in a form.
    let guarded = segment.replace('+', "%2B");
    let pair = format!("v={guarded}");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The parameters of `path` under a template such as `/api/v1/users/{id}`, or `None` when it does not fit.
pub(crate) fn fits(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut wanted = template.split('/');
    let mut found = path.split('/');
    let mut params = Vec::new();
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(params),
            (Some(want), Some(have)) => {
                if let Some((name, end)) = want.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                    // Some vendors write what is to be done behind the id: `/matters/{id}:close`.
                    let have = have.strip_suffix(end).filter(|have| !have.is_empty())?;
                    params.push((name.to_owned(), decoded(have)));
                } else if want != have {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gives_its_parameters_decoded() {
        let check = |template: &str, path: &str, expect: Option<&[&str]>| {
            let found =
                fits(template, path).map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
            assert_eq!(
                found.as_deref(),
                expect.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref()
            );
        };
        check("/users/{id}", "/users/sarah.chen%40acme.example", Some(&["sarah.chen@acme.example"]));
        check("/users/{id}", "/users/a+b", Some(&["a+b"]));
        check("/users/{id}", "/users/", None);
        check("/users/{id}/groups", "/users/1", None);
        check("/users/{id}:close", "/users/1:close", Some(&["1"]));
        check("/users/{id}:close", "/users/1:open", None);
        check("/groups/{g}/users/{u}", "/groups/1/users/2", Some(&["1", "2"]));
    }

    #[test]
    fn a_link_keeps_the_rest_of_the_query() {
        let query = vec![("limit".to_owned(), "2".to_owned()), ("after".to_owned(), "x".to_owned())];
        let request = Request { query, ..Request::default() };
        assert_eq!(request.query_with(&[("after", "y z")]), "limit=2&after=y+z");
    }
}
