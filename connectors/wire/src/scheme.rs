//! Authentication schemes, ready to be applied: every part was found when the client was made.

use crate::acting::Acting;
use crate::exchange::Outgoing;
use crate::outgoing::{append_query, xml_escaped};
use crate::scrub::Forms;
use crate::sign::{Aws, Duo};
use crate::tokens::Tokens;
use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use xops_connectors::auth::WS_SECURITY_SLOT;

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
    /// Tokens apart for each person that the service acts for.
    Acting(Box<Acting>),
    /// The credential lacks this part: nothing can be asked where it is needed.
    Missing(String),
    /// A signature over the request.
    Duo(Duo),
    /// A signature over the request.
    Aws(Aws),
}

/// A header's value that no log shows.
pub(crate) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The `wsse:Security` element.
pub(crate) fn security(username: &str, password: &str) -> Result<SecretString, String> {
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
            Self::None | Self::Tokens(_) | Self::Acting(_) | Self::Duo(_) | Self::Aws(_) => Ok(()),
            Self::Missing(part) => {
                Err(format!("its authentication needs the credential part `{part}`: declare it"))
            }
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

impl Scheme {
    /// Signs `outgoing`, which is complete, where the scheme asks for that. A signature is good for minutes: it is a secret.
    pub(crate) fn sign(&self, outgoing: &mut Outgoing) -> Result<Option<Forms>, String> {
        let now = jiff::Timestamp::now();
        let signature = match self {
            Self::Duo(duo) => duo.sign(outgoing, now)?,
            Self::Aws(aws) => aws.sign(outgoing, now)?,
            _ => return Ok(None),
        };
        Ok(Some(Forms::of(&signature)))
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
