//! From a rendered request to one that can be sent: every part is checked, because a connector renders what people and
//! systems wrote.

use crate::address::Home;
use crate::exchange::Outgoing;
use crate::target::Limits;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;
use xops_connectors::auth::SUBJECT_HEADER;
use xops_kernel::port::Request;

/// Headers that belong to the wire: whoever sets them speaks for the credential or for the connection.
const RESERVED: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

/// The methods that a request may have.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The request without its credential, or the rule that it breaks.
pub(crate) fn outgoing(request: &Request, homes: &[Home], limits: &Limits) -> Result<Outgoing, String> {
    let method = METHODS
        .into_iter()
        .find(|method| method.as_str() == request.method)
        .ok_or_else(|| "its method is none of GET, HEAD, POST, PUT, PATCH and DELETE".to_owned())?;
    let mut url = Url::parse(&request.url).map_err(|error| format!("its address cannot be read: {error}"))?;
    let mut owned = homes.iter().map(|home| home.owns(&url));
    // The reason of the first home, which is the base address, is the one that helps.
    owned
        .next()
        .unwrap_or_else(|| Err("the system has no address".to_owned()))
        .or_else(|why| if owned.any(|other| other.is_ok()) { Ok(()) } else { Err(why) })?;
    request.query.iter().for_each(|(name, value)| append_query(&mut url, name, value));
    if request.body.len() > limits.request_body_bytes_max {
        return Err(format!("its body is longer than {} bytes", limits.request_body_bytes_max));
    }
    let mut headers = headers(request)?;
    if request.body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        // Without it some servers answer 411 to an empty body.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes + url.as_str().len() > limits.request_header_bytes_max {
        return Err(format!(
            "its address and headers are longer than {} bytes",
            limits.request_header_bytes_max
        ));
    }
    Ok(Outgoing { method, url, headers, body: Bytes::copy_from_slice(&request.body) })
}

/// Adds to the query; a space becomes `%20`, which is read alike in and outside of forms.
pub(crate) fn append_query(url: &mut Url, name: &str, value: &str) {
    let encoded = |text: &str| {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        text.replace('+', "%20")
    };
    let pair = format!("{}={}", encoded(name), encoded(value));
    let query = match url.query() {
        Some(before) if !before.is_empty() => format!("{before}&{pair}"),
        _ => pair,
    };
    url.set_query(Some(&query));
}

fn headers(request: &Request) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let readable = |name: &str, value: &str| {
        HeaderValue::from_str(value).map_err(|_| format!("its header `{name}` holds what a header cannot"))
    };
    for (name, value) in request.headers.iter().filter(|(name, _)| name != SUBJECT_HEADER) {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name is none".to_owned())?;
        if RESERVED.contains(&parsed) {
            return Err(format!("its header `{parsed}` is the wire's: declare it as `auth` or remove it"));
        }
        let value = readable(name, value)?;
        headers.append(parsed, value);
    }
    if let Some(kind) = &request.content_type {
        headers.insert(header::CONTENT_TYPE, readable("content-type", kind)?);
    }
    Ok(headers)
}

/// `text` as the content of an XML element or attribute.
pub(crate) fn xml_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A parser would turn a bare one into a newline.
            '\r' => out.push_str("&#13;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            system: "okta".to_owned(),
            method: "GET".to_owned(),
            url: "https://acme.okta.com/api/v1/users".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
        }
    }

    fn check(change: impl FnOnce(&mut Request), expect: Result<&str, &str>) {
        let home =
            Home::declared("`base_url`", &Url::parse("https://acme.okta.com").unwrap(), false).unwrap();
        let mut request = request();
        change(&mut request);
        let got = outgoing(&request, &[home], &Limits { request_header_bytes_max: 512, ..Limits::default() });
        match (got, expect) {
            (Ok(outgoing), Ok(url)) => assert_eq!(outgoing.url.as_str(), url),
            (Err(why), Err(part)) => assert!(why.contains(part), "`{why}` lacks `{part}`"),
            (Ok(outgoing), Err(part)) => panic!("`{}` should be refused: {part}", outgoing.url),
            (Err(why), Ok(_)) => panic!("{why}"),
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_query_is_encoded_in_order_after_what_the_address_has() {
        let url = "https://acme.okta.com/api/v1/users?x=1&$filter=a%20b&q=%2B%26%3D";
        check(
            |request| {
                request.url.push_str("?x=1");
                request.query = pairs(&[("$filter", "a b"), ("q", "+&=")]);
            },
            Ok(&url.replace('$', "%24")),
        );
    }

    #[test]
    fn a_request_elsewhere_is_refused() {
        check(
            |request| request.url = "https://evil.example/".to_owned(),
            Err("leads to `https://evil.example:443`"),
        );
        check(|request| request.url = "/api/v1".to_owned(), Err("cannot be read"));
    }

    #[test]
    fn headers_of_the_wire_and_broken_ones_are_refused() {
        for name in ["authorization", "Cookie", "host", "content-length", "transfer-encoding"] {
            check(|request| request.headers = pairs(&[(name, "x")]), Err("is the wire's"));
        }
        check(|request| request.headers = pairs(&[("x-a", "1\r\nhost: evil")]), Err("`x-a` holds what"));
        check(|request| request.headers = pairs(&[("x a", "1")]), Err("name is none"));
        check(|request| request.content_type = Some("a\nb".to_owned()), Err("`content-type` holds"));
        check(|request| request.method = "CONNECT".to_owned(), Err("its method"));
    }

    #[test]
    fn what_is_sent_is_bounded() {
        check(|request| request.headers = pairs(&[("x-a", &"a".repeat(600))]), Err("longer than 512"));
        check(|request| request.query = pairs(&[("a", &"a".repeat(600))]), Err("longer than 512"));
        check(|request| request.body = vec![0; (16 << 20) + 1], Err("its body is longer"));
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(xml_escaped("a<b>&\"'\r"), "a&lt;b&gt;&amp;&quot;&apos;&#13;");
    }
}
