//! Who may call: credentials drawn from the seed, and the tokens that were given out for them.
//!
//! - No credential is fixed: each follows from the seed and the name of its system.
//! - No token outlives its time, and no more than [`TOKENS_MAX`] are alive at once.

use crate::mint;
use crate::wire::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;

/// Tokens of one system that are alive at most; the one that expires first makes room.
const TOKENS_MAX: usize = 10_000;
/// How long a token lives unless the control server says otherwise, as Microsoft's do.
const TOKEN_LIFE_S: u64 = 3_599;

/// The credentials of one system: member name -> secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials(BTreeMap<&'static str, String>);

impl Credentials {
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.0.insert(name, value);
        self
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn shown(&self) -> Value {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect()
    }
}

/// A secret of `length` characters for a system.
pub(crate) fn secret(seed: u64, system: &str, name: &str, length: usize) -> String {
    mint::base62("", length.min(32), mint::bytes(seed, system, name, 0))
}

/// What stands between a call and its system.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) credentials: Credentials,
    pub(crate) life_s: u64,
    tokens: BTreeMap<String, u64>,
    given: u64,
}

impl Access {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, life_s: TOKEN_LIFE_S, tokens: BTreeMap::new(), given: 0 }
    }

    /// Gives a token out and says how long it lives, in seconds.
    pub(crate) fn give(&mut self, seed: u64, system: &str, now_ms: u64) -> (String, u64) {
        self.tokens.retain(|_, until_ms| *until_ms > now_ms);
        if self.tokens.len() >= TOKENS_MAX
            && let Some(first) =
                self.tokens.iter().min_by_key(|(_, until)| **until).map(|(token, _)| token.clone())
        {
            self.tokens.remove(&first);
        }
        self.given += 1;
        let head = mint::base62("eyJ0", 32, mint::bytes(seed, system, "token", self.given));
        let tail = mint::base62("", 32, mint::bytes(seed, system, "token.tail", self.given));
        let token = format!("{head}.{tail}");
        self.tokens.insert(token.clone(), now_ms.saturating_add(self.life_s.saturating_mul(1_000)));
        (token, self.life_s)
    }

    pub(crate) fn holds(&self, token: &str, now_ms: u64) -> bool {
        self.tokens.get(token).is_some_and(|until_ms| *until_ms > now_ms)
    }

    /// Every token that was given out is worthless from now on.
    pub(crate) fn expire(&mut self) {
        self.tokens.clear();
    }
}

/// Whether the request carries a living bearer token.
pub(crate) fn bearer(request: &Request, access: &Access, now_ms: u64) -> bool {
    request.authorization("bearer").is_some_and(|token| access.holds(token, now_ms))
}

/// Whether the request carries this user and password by HTTP Basic.
pub(crate) fn basic(request: &Request, user: &str, password: &str) -> bool {
    let plain = request.authorization("basic").and_then(|token| STANDARD.decode(token).ok());
    plain.is_some_and(|plain| plain == format!("{user}:{password}").into_bytes())
}

/// The field of a form body.
pub(crate) fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_as_long_as_it_says() {
        let mut access = Access::new(Credentials::default());
        access.life_s = 2;
        let (token, life_s) = access.give(1, "intune", 1_000);
        assert_eq!(life_s, 2);
        assert!(access.holds(&token, 2_999));
        assert!(!access.holds(&token, 3_000));
        let (other, _) = access.give(1, "intune", 1_000);
        assert_ne!(token, other);
        access.expire();
        assert!(!access.holds(&other, 1_001));
    }
}
