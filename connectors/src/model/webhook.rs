//! What a system sends by itself, and how it proves that it did.
//!
//! Absent: the secret, and the check of a signature.

use crate::model::Exprs;
use xops_kernel::expr::Expr;

/// What a system sends by itself, and how it proves that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// How it is signed.
    pub verify: Verify,
    /// How old a message may be, in milliseconds.
    pub tolerance_ms: u64,
    /// What tells a message from one that was sent again.
    pub dedupe: Option<Expr>,
    /// The events of a message that tells of several, each of which is an `item`.
    pub each: Option<Expr>,
    /// What the event is called, for triggers.
    pub event: Option<Expr>,
    /// The kind of record that it speaks of.
    pub kind: Option<Expr>,
    /// The system's id of the record.
    pub id: Option<Expr>,
    /// How the system makes sure that somebody listens, before it sends anything.
    pub handshake: Option<Handshake>,
    /// Where the facts come from.
    pub evidence: Option<String>,
}

/// A question by which a system makes sure that somebody listens, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Which messages are such questions.
    pub when: Expr,
    /// Whether it comes without a signature. Nothing is done for such a question but to answer it.
    pub open: bool,
    /// The members of the answer, as JSON.
    pub json: Exprs,
    /// More members: each is answered with its HMAC-SHA256 under the secret, in hexadecimal.
    pub prove: Exprs,
    /// The answer as plain text, in place of JSON.
    pub text: Option<Expr>,
}

/// How a message is signed; the secret is the part `webhook_secret` of the credential, or the declared one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard {
        /// The part of the credential.
        part: String,
    },
    /// An HMAC in a header.
    Hmac {
        /// The part of the credential.
        part: String,
        /// The header of the signature, in lower case.
        header: String,
        /// What stands before it.
        prefix: String,
        /// What it is taken with.
        hash: crate::auth::Hash,
        /// How it is written.
        encoding: Encoding,
        /// What is signed: `{id}`, `{timestamp}` and `{body}` are replaced.
        signed: String,
        /// The header of the message's id, in lower case.
        id_header: Option<String>,
        /// The header of the moment of sending, in lower case.
        timestamp_header: Option<String>,
        /// What stands before the moment of sending, where that is an element of the signature's header.
        timestamp_prefix: Option<String>,
        /// How the moment is written.
        timestamp_as: Stamp,
    },
    /// A secret that stands in a header as it is: who reads one message can send others, so this is for systems that know
    /// nothing better.
    Token {
        /// The part of the credential.
        part: String,
        /// The header, in lower case.
        header: String,
        /// What stands before the secret.
        prefix: String,
    },
}

impl Verify {
    /// The part of the credential that is the secret.
    pub fn part(&self) -> &str {
        match self {
            Self::Standard { part } | Self::Hmac { part, .. } | Self::Token { part, .. } => part,
        }
    }
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Two letters a byte.
    Hex,
    /// Base64 with padding.
    Base64,
}
