//! How a system wants to be told who asks: declared by its manifest, carried out by the wire.
//!
//! Absent: secrets. A scheme names the parts of a credential (`api_token`, `client_secret`); the values come from the
//! tenant's configuration and are seen by the wire alone.

/// A text that a scheme needs: written in the manifest (`"x"`), set by the tenant (`"var:x"`), or a part of the credential
/// (`"part:x"`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// As it stands.
    Literal(String),
    /// The configuration's variable of this name.
    Var(String),
    /// The part of the credential of this name.
    Part(String),
    /// The input of the request: who a service acts for. Only a signed token's subject can be one.
    Input(String),
}

impl Told {
    /// Reads it as files write it.
    pub fn of(text: &str) -> Self {
        match text.split_once(':') {
            Some(("var", name)) => Self::Var(name.to_owned()),
            Some(("part", name)) => Self::Part(name.to_owned()),
            Some(("input", name)) => Self::Input(name.to_owned()),
            _ => Self::Literal(text.to_owned()),
        }
    }
}

/// The signature of a JSON Web Token (RFC 7518).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// HMAC with SHA-256; the key is a text, not PEM.
    Hs256,
}

/// A JSON Web Token that xops signs itself (RFC 7519) with the part `private_key`; the part `key_id`, where there is one, is
/// its `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// How it is signed.
    pub algorithm: Algorithm,
    /// `iss`.
    pub issuer: Told,
    /// `sub`, if the system wants one.
    pub subject: Option<Told>,
    /// `sub` of requests that have no such input, where `subject` is one.
    pub otherwise: Option<Told>,
    /// `aud`; the address of the token endpoint where nothing is declared.
    pub audience: Option<Told>,
    /// `scope`, if the system wants one in the token.
    pub scope: Option<Told>,
    /// How long it is good, in seconds.
    pub lifetime_s: u64,
}

/// How an OAuth 2.0 client asks its token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// By its id and secret (RFC 6749, section 4.4), parts `client_id` and `client_secret`.
    Client {
        /// The `grant_type`: `client_credentials`, or a vendor's own word for it.
        word: String,
        /// Whether the id and the secret go into the form (`true`) or a basic header.
        in_form: bool,
    },
    /// By its id and a token that it signs (RFC 7523, section 2.2), parts `client_id` and `private_key`.
    Assertion {
        /// The `grant_type`.
        word: String,
        /// The token.
        signed: Signed,
    },
    /// By a token that it signs alone (RFC 7523, section 2.1).
    Bearer(Signed),
    /// By a token that somebody else signed: the part of the credential.
    Given {
        /// The part.
        part: String,
    },
    /// By a refresh token (RFC 6749, section 6), parts `client_id`, `client_secret` and `refresh_token`.
    Refresh {
        /// Whether the id and the secret go into the form (`true`) or a basic header.
        in_form: bool,
    },
}

/// How the first of two steps is told who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// HTTP basic authentication, parts `username` and `password`.
    Basic,
    /// A header: what stands before it, and the part of the credential.
    Header {
        /// The header, in lower case.
        header: String,
        /// What stands before the secret, with its space.
        prefix: String,
        /// The part of the credential.
        part: String,
    },
    /// A JSON object of these members.
    Json(Vec<(String, Told)>),
    /// A form of these fields.
    Form(Vec<(String, Told)>),
}

/// What an HMAC is taken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, as vendors ask for it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// An authentication scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Several schemes, told apart by the path after the base address: the first whose prefix fits.
    Several {
        /// The prefixes of a path, and the scheme.
        by_path: Vec<(Vec<String>, Auth)>,
        /// The scheme of every other path.
        otherwise: Box<Auth>,
    },
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
    /// OAuth 2.0: a token from a token endpoint.
    OAuth2 {
        /// The address of the token endpoint; the configuration's variable of this name where it starts with `var:`.
        token_url: String,
        /// How it is asked.
        grant: Grant,
        /// The scope, if the system wants one.
        scope: Option<String>,
        /// More fields of the form.
        form: Vec<(String, Told)>,
    },
    /// A token that the system itself gives for a first request.
    TwoStep {
        /// The path of the first request, a POST.
        path: String,
        /// How it is told who asks.
        first: First,
        /// Where the token stands in the JSON of the answer.
        token: Vec<String>,
        /// Where its life stands there: seconds, or a moment (RFC 3339, or seconds or milliseconds since 1970).
        expires: Option<Vec<String>>,
        /// The header that carries the token from then on, in lower case.
        header: String,
        /// What stands before it.
        prefix: String,
    },
    /// A token that xops signs itself and sends with each request.
    Jwt {
        /// The token.
        signed: Signed,
        /// The header, in lower case.
        header: String,
        /// What stands before it.
        prefix: String,
    },
    /// Duo's signature: HMAC over date, method, host, path and parameters, as the password of basic authentication; parts
    /// `integration_key` and `secret_key`.
    Duo {
        /// What the HMAC is taken with.
        hash: Hash,
    },
    /// AWS Signature Version 4, parts `access_key_id`, `secret_access_key` and, if there is one, `session_token`.
    AwsSigV4 {
        /// The region.
        region: Told,
        /// The service.
        service: String,
    },
    /// WS-Security `UsernameToken` with `PasswordText` in the SOAP envelope's header, parts `username` and `password`. The
    /// rendered body holds an empty `wsse:Security` element's place: [`WS_SECURITY_SLOT`].
    WsSecurity,
}

impl Auth {
    /// The scheme of a request to `path`, which begins after the base address.
    pub fn of_path(&self, path: &str) -> &Self {
        match self {
            Self::Several { by_path, otherwise } => {
                let fits =
                    |prefixes: &[String]| prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()));
                by_path.iter().find(|(prefixes, _)| fits(prefixes)).map_or(otherwise, |(_, auth)| auth)
            }
            one => one,
        }
    }
}

/// The header by which a rendered request tells the wire whom it acts for. It is never sent.
pub const SUBJECT_HEADER: &str = "xops-subject";

/// Where the wire puts the `wsse:Security` header into a rendered SOAP envelope. Request digests are taken before, so no
/// digest covers a password.
pub const WS_SECURITY_SLOT: &str = "<!--wsse:Security-->";
