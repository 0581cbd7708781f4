//! Authentication schemes, ready to be applied: every part was found when the client was made.

use crate::address::Home;
use crate::exchange::Outgoing;
use crate::lost::Error;
use crate::outgoing::{append_query, xml_escaped};
use crate::scrub::Scrub;
use crate::target::{Limits, Target};
use crate::tokens::Tokens;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use xops_connectors::auth::{Auth, WS_SECURITY_SLOT};
use xops_kernel::value::Value;

/// The namespace of the WS-Security 1.0 extensions, and the type of a password in clear (`UsernameToken` profile 1.0).
const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";

/// A scheme with its secrets.
pub(crate) enum Scheme {
    /// Nothing is added.
    None,
    /// A header, the same for each request.
    Header(HeaderName, HeaderValue),
    /// A pair of the query.
    Query(String, SecretString),
    /// The element that replaces [`WS_SECURITY_SLOT`].
    Envelope(SecretString),
    /// A token that is fetched and renewed.
    Tokens(Box<Tokens>),
}

/// The scheme of `target` and the scrubber that knows its secrets.
pub(crate) fn scheme(target: &Target, limits: &Limits) -> Result<(Scheme, Scrub), Error> {
    let part = |name: &str| {
        let missing = || Error::PartMissing { system: target.system.clone(), part: name.to_owned() };
        target.credential.part(name).ok_or_else(missing).map(ExposeSecret::expose_secret)
    };
    let refused = |why: String| Error::Target { system: target.system.clone(), why };
    let mut scrub = Scrub::new(target.credential.values());
    let scheme = match &target.auth {
        Auth::None => Scheme::None,
        Auth::ApiKey { header, prefix, part: name } => {
            let header = HeaderName::from_bytes(header.as_bytes())
                .map_err(|_| refused(format!("`{header}` cannot be a header: correct the manifest")))?;
            let value = secret_header(&format!("{prefix}{}", part(name)?)).ok_or_else(|| {
                refused(format!("the part `{name}` holds what a header cannot: check its value"))
            })?;
            scrub.add_secret(part(name)?);
            Scheme::Header(header, value)
        }
        Auth::ApiKeyQuery { name, part: key } => {
            scrub.add_secret(part(key)?);
            Scheme::Query(name.clone(), SecretString::from(part(key)?))
        }
        Auth::Basic { username, password } => {
            let user = part(username)?;
            if user.contains(':') {
                return Err(refused(format!(
                    "the part `{username}` holds a colon, which basic authentication cannot"
                )));
            }
            let pair = STANDARD.encode(format!("{user}:{}", part(password)?));
            scrub.add_secret(&pair);
            scrub.add_secret(part(password)?);
            let value = secret_header(&format!("Basic {pair}"))
                .ok_or_else(|| refused("the credential cannot stand in a header".to_owned()))?;
            Scheme::Header(AUTHORIZATION, value)
        }
        Auth::ClientCredentials { token_url, scope, in_form } => {
            let url = token_address(target, token_url).map_err(refused)?;
            Home::declared("the token endpoint's address", &url, target.allow_private).map_err(refused)?;
            let tokens = Tokens::new(
                url,
                part("client_id")?,
                part("client_secret")?,
                scope.as_deref(),
                *in_form,
                *limits,
            );
            scrub.add_secret(part("client_secret")?);
            scrub.add_secret(tokens.pair());
            Scheme::Tokens(Box::new(tokens))
        }
        Auth::WsSecurity => {
            let (username, password) = (part("username")?, part("password")?);
            scrub.add_secret(password);
            Scheme::Envelope(security(username, password).map_err(refused)?)
        }
    };
    Ok((scheme, scrub))
}

/// A header's value that no log shows.
pub(crate) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The token endpoint's address: in full, as a path of the base address, or a variable; `{name}` stands for a variable.
fn token_address(target: &Target, declared: &str) -> Result<Url, String> {
    let var = |name: &str| {
        let value = target.vars.get(name).and_then(Value::as_text);
        value.ok_or_else(|| {
            format!("the token endpoint's address needs the variable `{name}`: declare it as text")
        })
    };
    let mut text = match declared.strip_prefix("var:") {
        Some(name) => var(name)?.to_owned(),
        None => declared.to_owned(),
    };
    while let Some((before, (name, after))) =
        text.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|parts| (before, parts)))
    {
        let value = var(name)?;
        if value.contains('{') {
            return Err(format!("the variable `{name}` holds a brace: remove it"));
        }
        text = format!("{before}{value}{after}");
    }
    let url = if text.starts_with('/') { target.base_url.join(&text) } else { Url::parse(&text) };
    url.map_err(|error| format!("the token endpoint's address cannot be read: {error}"))
}

/// The `wsse:Security` element.
fn security(username: &str, password: &str) -> Result<SecretString, String> {
    let unfit = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r');
    if username.contains(unfit) || password.contains(unfit) {
        return Err("the credential holds a control character, which XML cannot".to_owned());
    }
    Ok(SecretString::from(format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\"><wsse:UsernameToken><wsse:Username>{}</wsse:Username>\
         <wsse:Password Type=\"{PASSWORD_TEXT}\">{}</wsse:Password></wsse:UsernameToken></wsse:Security>",
        xml_escaped(username),
        xml_escaped(password),
    )))
}

impl Scheme {
    /// Adds the credential to `outgoing`, or says which rule that breaks. Tokens are added by [`crate::place`].
    pub(crate) fn apply(&self, outgoing: &mut Outgoing) -> Result<(), String> {
        match self {
            Self::None | Self::Tokens(_) => Ok(()),
            Self::Header(name, value) => {
                if outgoing.headers.contains_key(name) {
                    return Err(format!(
                        "its header `{name}` is the credential's: remove it from the manifest's headers"
                    ));
                }
                outgoing.headers.insert(name.clone(), value.clone());
                Ok(())
            }
            Self::Query(name, secret) => {
                if outgoing.url.query_pairs().any(|(own, _)| own == *name) {
                    return Err(format!(
                        "its query `{name}` is the credential's: remove it from the manifest's query"
                    ));
                }
                append_query(&mut outgoing.url, name, secret.expose_secret());
                Ok(())
            }
            Self::Envelope(element) => {
                outgoing.body = enveloped(&outgoing.body, element.expose_secret())?;
                Ok(())
            }
        }
    }
}

/// `body` with `element` in its one slot.
fn enveloped(body: &Bytes, element: &str) -> Result<Bytes, String> {
    let slot = WS_SECURITY_SLOT.as_bytes();
    let mut places =
        body.windows(slot.len()).enumerate().filter(|(_, window)| *window == slot).map(|(at, _)| at);
    let (Some(at), None) = (places.next(), places.next()) else {
        return Err(format!("its body must hold `{WS_SECURITY_SLOT}` exactly once for WS-Security"));
    };
    Ok([&body[..at], element.as_bytes(), &body[at + slot.len()..]].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;
    use xops_kernel::value::Values;

    fn check_address(declared: &str, expect: Result<&str, &str>) {
        let text = |value: &str| Value::Text(value.to_owned());
        let vars = [
            ("token_url", text("https://login.example/token")),
            ("tenant", text("t-1")),
            ("brace", text("{tenant}")),
            ("number", Value::Int(1)),
        ];
        let target = Target {
            system: "graph".to_owned(),
            base_url: Url::parse("https://graph.example/v1.0/").unwrap(),
            auth: Auth::None,
            credential: Credential::none(),
            vars: vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Values>(),
            allow_private: false,
            concurrency: 1,
        };
        match (token_address(&target, declared), expect) {
            (Ok(url), Ok(expect)) => assert_eq!(url.as_str(), expect),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (got, expect) => panic!("{got:?} is not {expect:?}"),
        }
    }

    #[test]
    fn a_token_endpoint_is_an_address_a_path_or_a_variable() {
        check_address("https://login.example/token", Ok("https://login.example/token"));
        check_address("/oauth2/token", Ok("https://graph.example/oauth2/token"));
        check_address("var:token_url", Ok("https://login.example/token"));
        check_address("https://login.example/{tenant}/token", Ok("https://login.example/t-1/token"));
        check_address("var:nowhere", Err("the variable `nowhere`"));
        check_address("var:number", Err("declare it as text"));
        check_address("https://login.example/{brace}", Err("holds a brace"));
        check_address("oauth2/token", Err("cannot be read"));
    }

    #[test]
    fn a_password_cannot_leave_its_element() {
        let element = security("a&b", "</wsse:Password><x/>").unwrap();
        let element = element.expose_secret();
        assert!(element.contains("<wsse:Username>a&amp;b</wsse:Username>"), "{element}");
        assert!(element.contains(">&lt;/wsse:Password&gt;&lt;x/&gt;</wsse:Password>"), "{element}");
        assert!(security("a", "b\u{0}").is_err());
    }

    #[test]
    fn an_envelope_has_exactly_one_slot() {
        let body = |text: String| Bytes::from(text);
        assert_eq!(enveloped(&body(format!("<a>{WS_SECURITY_SLOT}</a>")), "X").unwrap(), "<a>X</a>");
        assert!(enveloped(&body("<a/>".to_owned()), "X").is_err());
        assert!(enveloped(&body(format!("{WS_SECURITY_SLOT}{WS_SECURITY_SLOT}")), "X").is_err());
    }
}
