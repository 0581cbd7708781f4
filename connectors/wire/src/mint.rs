//! How a token comes about: asked of a token endpoint (RFC 6749, RFC 7523), given by the system for a first request, or
//! signed by ourselves.
//!
//! Absent: when to do it, and for how long a token is kept; [`crate::tokens`] decides that.

use crate::answer::{self, Minted, Where};
use crate::exchange::Outgoing;
use crate::jwt::Signer;
use crate::lost::Lost;
use crate::scheme::secret_header;
use crate::scrub::Scrub;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use xops_kernel::port::Response;

const FORM: &str = "application/x-www-form-urlencoded";

/// How a token comes about.
pub(crate) enum Mint {
    /// By a request.
    Asked(Box<Asked>),
    /// By ourselves.
    Signed(Box<Signer>),
}

/// What a token is asked with.
pub(crate) struct Asked {
    pub(crate) url: Url,
    pub(crate) content_type: Option<&'static str>,
    /// What every request says.
    pub(crate) body: SecretString,
    /// The credential in a header, if it stands there.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    /// The token that we sign, and the field of the form that carries it.
    pub(crate) signed: Option<(&'static str, Signer)>,
    /// The refresh token: endpoints may give a new one with each token, and then take no old one.
    pub(crate) refresh: Option<Mutex<SecretString>>,
    /// Where the answer holds the token.
    pub(crate) at: Where,
}

impl Asked {
    /// A request of these form fields to `url`.
    pub(crate) fn form(url: Url, fields: &[(String, SecretString)]) -> Self {
        let mut form = Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name, value.expose_secret());
        }
        Self {
            url,
            content_type: Some(FORM),
            body: SecretString::from(form.finish()),
            header: None,
            signed: None,
            refresh: None,
            at: Where::OAuth2,
        }
    }

    /// The same for another subject of the token that we sign.
    pub(crate) fn acting_for(&self, subject: Option<&str>) -> Result<Self, String> {
        let (field, signer) = self.signed.as_ref().ok_or("only a signed token acts for somebody")?;
        Ok(Self {
            url: self.url.clone(),
            content_type: self.content_type,
            body: self.body.clone(),
            header: self.header.clone(),
            signed: Some((*field, signer.acting_for(subject))),
            refresh: None,
            at: Where::OAuth2,
        })
    }

    fn outgoing(&self, now_s: u64) -> Result<Outgoing, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.content_type.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
        headers.extend(self.header.clone());
        let mut body = self.body.expose_secret().to_owned();
        let mut more = |name: &str, value: &str| {
            let mut form = Serializer::new(std::mem::take(&mut body));
            form.append_pair(name, value);
            body = form.finish();
        };
        if let Some((field, signer)) = &self.signed {
            more(field, &signer.token(now_s)?);
        }
        if let Some(refresh) = &self.refresh {
            let token = refresh.lock().unwrap_or_else(PoisonError::into_inner);
            more("refresh_token", token.expose_secret());
        }
        if body.is_empty() {
            headers.insert(reqwest::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(Outgoing { method: Method::POST, url: self.url.clone(), headers, body: Bytes::from(body) })
    }
}

impl Mint {
    /// Whether it asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Asked(asked) if asked.url.scheme() == "https")
    }

    /// The request, or the token where none is needed.
    pub(crate) fn begin(&self, now_s: u64) -> Result<Step, Lost> {
        let refused = |why: String| Lost::AuthFailed(format!("no token: {why}"));
        match self {
            Self::Asked(asked) => Ok(Step::Ask(Box::new(asked.outgoing(now_s).map_err(refused)?))),
            Self::Signed(signer) => {
                let secret = SecretString::from(signer.token(now_s).map_err(refused)?);
                let life = Duration::from_secs(signer.lifetime_s());
                Ok(Step::Made(Minted { secret, life, refresh: None }))
            }
        }
    }

    /// The token of an answer.
    pub(crate) fn read(&self, response: &Response, scrub: &Scrub, now_s: u64) -> Result<Minted, Lost> {
        let Self::Asked(asked) = self else {
            return Err(Lost::NotSent("a token that is signed has no answer".to_owned()));
        };
        let minted = answer::read(response, scrub, &asked.at, now_s)?;
        if let (Some(kept), Some(new)) = (&asked.refresh, &minted.refresh) {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
        }
        Ok(minted)
    }
}

/// The next step to a token.
pub(crate) enum Step {
    /// Send this.
    Ask(Box<Outgoing>),
    /// Here it is.
    Made(Minted),
}

/// An id and its secret as a basic header shows them, each encoded as a form first where OAuth says so (RFC 6749, section
/// 2.3.1).
pub(crate) fn pair(id: &str, secret: &str, oauth: bool) -> String {
    let encoded = |text: &str| {
        if oauth { byte_serialize(text.as_bytes()).collect::<String>() } else { text.to_owned() }
    };
    STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)))
}

/// The basic header of such a pair. Base64 always fits a header.
pub(crate) fn basic(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    secret_header(&format!("Basic {pair}")).map(|value| (AUTHORIZATION, value))
}
