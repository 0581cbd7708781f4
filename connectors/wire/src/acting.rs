//! A service that acts for people: a token for each of them, kept apart.
//!
//! Invariants: the token of one person is never sent for another; how many are kept is bounded.

use crate::mint::{Asked, Mint};
use crate::target::Limits;
use crate::tokens::Tokens;
use reqwest::header::AUTHORIZATION;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// For how many people tokens are kept at once. One more costs the first of them, by name, a new token.
const SUBJECTS_MAX: usize = 1_000;

/// The tokens by person.
pub(crate) struct Acting {
    asked: Asked,
    limits: Limits,
    by_subject: Mutex<BTreeMap<Option<String>, Arc<Tokens>>>,
}

impl Acting {
    /// Tokens that are asked as `asked` says, for each person anew.
    pub(crate) fn new(asked: Asked, limits: Limits) -> Self {
        Self { asked, limits, by_subject: Mutex::default() }
    }

    /// Whether it asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.asked.url.scheme() == "https"
    }

    /// The tokens for `subject`; without one, as the manifest says for requests of nobody.
    pub(crate) fn of(&self, subject: Option<&str>) -> Result<Arc<Tokens>, String> {
        let mut by_subject = self.by_subject.lock().unwrap_or_else(PoisonError::into_inner);
        let key = subject.map(str::to_owned);
        if let Some(tokens) = by_subject.get(&key) {
            return Ok(Arc::clone(tokens));
        }
        if by_subject.len() >= SUBJECTS_MAX {
            by_subject.pop_first();
        }
        let mint = Mint::Asked(Box::new(self.asked.acting_for(subject)?));
        let tokens = Arc::new(Tokens::new(mint, AUTHORIZATION, "Bearer ".to_owned(), self.limits));
        by_subject.insert(key, Arc::clone(&tokens));
        Ok(tokens)
    }
}
