//! What can go wrong: while a client is made ([`enum@Error`]), and while a request is on its way ([`Lost`]).
//!
//! No text in either ever holds a part of a credential: texts from outside pass the scrubber first.

use thiserror::Error;

/// Why a request has no response, by what the system may have seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Lost {
    /// It provably had no effect, and may be sent again: no connection, no name, no TLS, no token yet, refused by our own rules,
    /// or turned away with 401 before it was carried out. For the reader.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The system may have received it and acted on it: the deadline passed, the connection broke, or the answer was not whole.
    #[error("the request may have been received: {0}")]
    AfterSend(String),
    /// It had no effect, and trying again will not help: the token endpoint refuses the credential.
    #[error("the credential was refused: {0}")]
    AuthFailed(String),
}

impl Lost {
    /// Whether the system may have acted on the request.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::AfterSend(_) => true,
            Self::NotSent(_) | Self::AuthFailed(_) => false,
        }
    }

    /// One word for metrics and traces, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not_sent",
            Self::AfterSend(_) => "after_send",
            Self::AuthFailed(_) => "auth_failed",
        }
    }
}

/// Why a credential cannot be read or a client cannot be made. Addressed to whoever configures the system.
#[derive(Debug, Error)]
pub enum Error {
    /// A reference to a part of a credential leads nowhere.
    #[error("credential part `{part}`: {why}")]
    Credential {
        /// The part.
        part: String,
        /// The reference and what is wrong with it, never its value.
        why: String,
    },
    /// The authentication scheme needs a part that the credential does not have.
    #[error("system `{system}`: its authentication needs the credential part `{part}`: declare it")]
    PartMissing {
        /// The system.
        system: String,
        /// The part.
        part: String,
    },
    /// A target breaks a rule.
    #[error("system `{system}`: {why}")]
    Target {
        /// The system.
        system: String,
        /// The rule, and what to do.
        why: String,
    },
    /// TLS cannot be set up on this machine.
    #[error("set up TLS: {0}")]
    Tls(String),
}
