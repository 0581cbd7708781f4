//! What a system sends by itself, and how it proves that it did.
//!
//! Absent: the secret, and the check of a signature.

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
    /// The kind of record that it speaks of.
    pub kind: Option<Expr>,
    /// The system's id of the record.
    pub id: Option<Expr>,
    /// Where the facts come from.
    pub evidence: Option<String>,
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
        /// The header of the moment of sending, in seconds since 1970, in lower case.
        timestamp_header: Option<String>,
    },
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Two letters a byte.
    Hex,
    /// Base64 with padding.
    Base64,
}
