//! The proof of a delivery: whether a message that came by itself was signed with the secret that its system was given.
//!
//! Invariants: comparisons take the same time wherever two texts differ; a claim without a signature is never good.

use crate::jwt::hex;
use crate::sign::hmac_of;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use xops_connectors::hook::Claim;

/// The secrets of one webhook: the one in force, and the one before while it is changed.
#[derive(Clone)]
pub struct Secrets(Vec<SecretSlice<u8>>);

impl Secrets {
    /// Of these texts; the bytes of each as they stand.
    pub fn plain<'a>(texts: impl IntoIterator<Item = &'a SecretString>) -> Self {
        Self(texts.into_iter().map(|text| text.expose_secret().as_bytes().to_vec().into()).collect())
    }

    /// As the Standard Webhooks specification writes secrets: `whsec_` and base64, or else the bytes themselves. The error says
    /// that what follows `whsec_` is no base64.
    pub fn standard<'a>(texts: impl IntoIterator<Item = &'a SecretString>) -> Result<Self, &'static str> {
        let mut secrets = Vec::new();
        for text in texts {
            let text = text.expose_secret();
            let bytes = match text.strip_prefix("whsec_") {
                Some(coded) => STANDARD.decode(coded).ok().filter(|bytes| !bytes.is_empty()),
                None => Some(text.as_bytes().to_vec()),
            };
            secrets.push(bytes.ok_or("it begins with `whsec_`, and what follows is no base64")?.into());
        }
        Ok(Self(secrets))
    }

    /// Whether `claim` holds under one of them.
    pub fn hold(&self, claim: &Claim) -> bool {
        self.0.iter().any(|secret| match claim {
            Claim::Signed { hash, text, tags, .. } => {
                let key = hmac::Key::new(hmac_of(*hash), secret.expose_secret());
                tags.iter().any(|tag| hmac::verify(&key, text, tag).is_ok())
            }
            Claim::Token(given) => {
                // Under a key of its own, so that not even the length of what is equal shows.
                let key = hmac::Key::new(hmac::HMAC_SHA256, b"xops webhook token");
                hmac::verify(&key, given, hmac::sign(&key, secret.expose_secret()).as_ref()).is_ok()
            }
        })
    }

    /// The HMAC-SHA256 of `text` under the secret in force, in hexadecimal: the answer to a handshake that asks for a proof.
    pub fn prove(&self, text: &str) -> Option<String> {
        let secret = self.0.first()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret());
        Some(hex(hmac::sign(&key, text.as_bytes()).as_ref()))
    }
}
