//! Signatures over a request: Duo's, and AWS Signature Version 4.
//!
//! Invariants: what is signed is what is sent, so a request is signed last; no part of a secret stands in the result.

use crate::exchange::Outgoing;
use crate::jwt::{hex, sha256_hex};
use crate::scheme::secret_header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use xops_connectors::auth::Hash;

const FORM: &str = "application/x-www-form-urlencoded";

/// The HMAC that `hash` names.
pub(crate) fn hmac_of(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

/// Duo's signature (Admin API, "Authentication"): HMAC over date, method, host, path and sorted parameters, as the password of
/// basic authentication whose user is the integration key.
pub(crate) struct Duo {
    pub(crate) integration_key: String,
    pub(crate) secret_key: SecretString,
    pub(crate) hash: Hash,
}

impl Duo {
    /// Signs `outgoing` as sent at `now`; what of it is secret.
    pub(crate) fn sign(&self, outgoing: &mut Outgoing, now: Timestamp) -> Result<String, String> {
        let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|error| format!("the date cannot be written: {error}"))?;
        let form = outgoing
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()));
        let params = if form {
            canonical(url::form_urlencoded::parse(&outgoing.body))
        } else {
            canonical(outgoing.url.query_pairs())
        };
        let host = host(&outgoing.url).to_lowercase();
        let lines = [&date, outgoing.method.as_str(), &host, outgoing.url.path(), &params];
        let key = hmac::Key::new(hmac_of(self.hash), self.secret_key.expose_secret().as_bytes());
        let signature = hex(hmac::sign(&key, lines.join("\n").as_bytes()).as_ref());
        let pair = STANDARD.encode(format!("{}:{signature}", self.integration_key));
        let value =
            secret_header(&format!("Basic {pair}")).ok_or("the signature cannot stand in a header")?;
        outgoing.headers.insert(AUTHORIZATION, value);
        let date = HeaderValue::from_str(&date).map_err(|_| "the date cannot stand in a header")?;
        outgoing.headers.insert(HeaderName::from_static("date"), date);
        Ok(pair)
    }
}

/// Pairs in the order of their encoded names, encoded by RFC 3986.
fn canonical<'a>(
    pairs: impl Iterator<Item = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
) -> String {
    let mut all: Vec<(String, String)> =
        pairs.map(|(name, value)| (encoded(&name, false), encoded(&value, false))).collect();
    all.sort();
    all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but RFC 3986's unreserved characters, and slashes where `path` is meant.
fn encoded(text: &str, path: bool) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (path && byte == b'/');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request").
pub(crate) struct Aws {
    pub(crate) key_id: String,
    pub(crate) secret: SecretString,
    pub(crate) session: Option<SecretString>,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Aws {
    /// Signs `outgoing` as sent at `now`; what of it is secret.
    pub(crate) fn sign(&self, outgoing: &mut Outgoing, now: Timestamp) -> Result<String, String> {
        let moment = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &moment[..8];
        let plain = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| "a part cannot stand in a header".to_owned())
        };
        outgoing.headers.insert(HeaderName::from_static("x-amz-date"), plain(&moment)?);
        if let Some(session) = &self.session {
            let value =
                secret_header(session.expose_secret()).ok_or("the session token cannot stand in a header")?;
            outgoing.headers.insert(HeaderName::from_static("x-amz-security-token"), value);
        }
        let (canonical, names) = self.canonical(outgoing);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        let mut key = format!("AWS4{}", self.secret.expose_secret()).into_bytes();
        for part in [day, &self.region, &self.service, "aws4_request"] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        let signature = hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes()).as_ref());
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.key_id
        );
        let value = secret_header(&value).ok_or("the signature cannot stand in a header")?;
        outgoing.headers.insert(AUTHORIZATION, value);
        Ok(signature)
    }

    /// The canonical request, and the names of the headers that it covers.
    fn canonical(&self, outgoing: &Outgoing) -> (String, String) {
        let mut headers: Vec<(String, String)> = outgoing
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-") || **name == CONTENT_TYPE)
            .map(|(name, value)| {
                let text = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), text.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect();
        headers.push(("host".to_owned(), host(&outgoing.url)));
        headers.sort();
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let lines = lines.join("\n") + "\n";
        // The path is encoded twice, but for S3.
        let path = outgoing.url.path();
        let path = if self.service == "s3" { path.to_owned() } else { encoded(path, true) };
        let query = canonical(outgoing.url.query_pairs());
        let body = sha256_hex(&outgoing.body);
        (format!("{}\n{path}\n{query}\n{lines}\n{names}\n{body}", outgoing.method), names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::Method;
    use reqwest::header::HeaderMap;

    fn outgoing(method: Method, url: &str, kind: Option<&'static str>, body: &'static str) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.extend(kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
        Outgoing { method, url: Url::parse(url).unwrap(), headers, body: Bytes::from_static(body.as_bytes()) }
    }

    /// The example of the vendor's documentation of the Admin API.
    #[test]
    fn duo_is_signed_as_its_documentation_shows() {
        let duo = Duo {
            integration_key: "DIWJ8X6AEYOR5OMC6TQ1".to_owned(),
            secret_key: SecretString::from("Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"),
            hash: Hash::Sha1,
        };
        let mut request = outgoing(
            Method::POST,
            "https://api-XXXXXXXX.duosecurity.com/accounts/v1/account/list",
            Some(FORM),
            "realname=First%20Last&username=root",
        );
        let now: Timestamp = "2012-08-21T17:29:18Z".parse().unwrap();
        duo.sign(&mut request, now).unwrap();
        assert_eq!(request.headers["date"], "Tue, 21 Aug 2012 17:29:18 +0000");
        let pair =
            request.headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
        let (user, signature) = pair.split_once(':').unwrap();
        assert_eq!((user, signature.len()), ("DIWJ8X6AEYOR5OMC6TQ1", 40));
        let mut other = outgoing(
            Method::POST,
            "https://api-XXXXXXXX.duosecurity.com/accounts/v1/account/list",
            Some(FORM),
            "realname=First%20Last&username=toor",
        );
        duo.sign(&mut other, now).unwrap();
        assert_ne!(
            other.headers["authorization"], request.headers["authorization"],
            "the parameters are signed"
        );
    }

    /// The `get-vanilla` case of AWS's published test suite for Signature Version 4.
    #[test]
    fn aws_is_signed_as_its_test_suite_shows() {
        let aws = Aws {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session: None,
            region: "us-east-1".to_owned(),
            service: "service".to_owned(),
        };
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let check = |url: &str, expect: &str| {
            let mut request = outgoing(Method::GET, url, None, "");
            aws.sign(&mut request, now).unwrap();
            let value = request.headers["authorization"].to_str().unwrap();
            assert!(value.ends_with(expect), "{value}");
            assert!(
                value.contains("Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"),
                "{value}"
            );
        };
        check(
            "https://example.amazonaws.com/",
            "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        // `get-vanilla-query-order-key-case`.
        check(
            "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            "Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
    }
}
