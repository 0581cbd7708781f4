//! How a system wants to be told who asks: declared by its manifest, carried out by the wire.
//!
//! Absent: secrets. A scheme names the parts of a credential (`api_token`, `client_secret`); the values come from the
//! tenant's configuration and are seen by the wire alone.

/// An authentication scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// No credential.
    None,
    /// A secret in a header: `prefix` and the value of `part`.
    ApiKey {
        /// The header, in lower case.
        header: String,
        /// What stands before the secret, with its space: `SSWS `, `Bearer `.
        prefix: String,
        /// The part of the credential.
        part: String,
    },
    /// A secret in the query.
    ApiKeyQuery {
        /// The query's name.
        name: String,
        /// The part of the credential.
        part: String,
    },
    /// HTTP basic authentication.
    Basic {
        /// The part with the user's name.
        username: String,
        /// The part with the password.
        password: String,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4), parts `client_id` and `client_secret`.
    ClientCredentials {
        /// The address of the token endpoint; the configuration's variable of this name where it starts with `var:`.
        token_url: String,
        /// The scope, if the system wants one.
        scope: Option<String>,
        /// Whether the client's id and secret go into the form (`true`) or a basic header.
        in_form: bool,
    },
    /// WS-Security `UsernameToken` with `PasswordText` in the SOAP envelope's header, parts `username` and `password`. The
    /// rendered body holds an empty `wsse:Security` element's place: [`WS_SECURITY_SLOT`].
    WsSecurity,
}

/// Where the wire puts the `wsse:Security` header into a rendered SOAP envelope. Request digests are taken before, so no
/// digest covers a password.
pub const WS_SECURITY_SLOT: &str = "<!--wsse:Security-->";
