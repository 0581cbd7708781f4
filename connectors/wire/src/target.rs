//! What a client is made of: the systems that it may talk to, and the bounds within which it does.

use crate::credential::Credential;
use std::fmt;
use std::time::Duration;
use url::Url;
use xops_connectors::auth::Auth;
use xops_kernel::value::Values;

/// A system that may be talked to.
#[derive(Clone)]
pub struct Target {
    /// The system's name, as requests say it.
    pub system: String,
    /// Where it lives; requests go to this scheme, host and port alone.
    pub base_url: Url,
    /// Other base addresses of the same system, which its manifest names (`base = "var:x"`).
    pub more_urls: Vec<Url>,
    /// How it wants to be told who asks.
    pub auth: Auth,
    /// The parts that `auth` names.
    pub credential: Credential,
    /// The manifest's variables, for a token endpoint's address.
    pub vars: Values,
    /// Whether it may live at a private address or on this machine.
    pub allow_private: bool,
    /// How many requests may be under way at once, at least 1.
    pub concurrency: usize,
}

impl fmt::Debug for Target {
    /// Without the address and the variables, which may hold a secret by mistake.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Target")
            .field("system", &self.system)
            .field("credential", &self.credential)
            .field("allow_private", &self.allow_private)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// The bounds of a client. Each has a default that suits every system known so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest deadline that a caller may ask for; a longer one is cut.
    pub deadline_max: Duration,
    /// How long a connection (name, TCP, TLS) may take.
    pub connect_max: Duration,
    /// The longest request body, in bytes.
    pub request_body_bytes_max: usize,
    /// The longest request headers together, in bytes.
    pub request_header_bytes_max: usize,
    /// The longest response body, in bytes.
    pub response_body_bytes_max: usize,
    /// The longest response headers together, in bytes.
    pub response_header_bytes_max: usize,
    /// How many requests of one system may wait for their turn.
    pub waiting_max: usize,
    /// How many idle connections are kept for one host.
    pub idle_connections_max: usize,
    /// How long an idle connection is kept.
    pub idle_max: Duration,
    /// How long before its end a token is renewed; at most half of its life.
    pub token_margin: Duration,
    /// How long a failed token endpoint is left alone if it does not say itself.
    pub token_pause: Duration,
    /// The longest pause that a token endpoint may ask for; a longer one is cut.
    pub token_pause_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline_max: Duration::from_mins(10),
            connect_max: Duration::from_secs(10),
            request_body_bytes_max: 16 << 20,
            request_header_bytes_max: 64 << 10,
            response_body_bytes_max: 16 << 20,
            response_header_bytes_max: 64 << 10,
            waiting_max: 1024,
            idle_connections_max: 16,
            idle_max: Duration::from_mins(1),
            token_margin: Duration::from_mins(1),
            token_pause: Duration::from_secs(1),
            token_pause_max: Duration::from_hours(1),
        }
    }
}
