//! The I/O of connectors: HTTP, TLS and tokens; with the feature `ldap`, directories.
//!
//! Absent: what a request or a response means (a connector knows that, and it is pure), retries (the kernel decides them),
//! redirects, proxies from the environment, cookies, the journal, metrics. What is here: a rendered request goes to the one
//! host that its system declared, with that system's credential, and comes back as a whole response, or as a [`lost::Lost`]
//! that says whether the system may have received it.
//!
//! HTTP/1.1 alone is spoken, on purpose: with one request a connection, "was a byte of this request given to the socket" has
//! an answer (see `parcel.rs`), and on that answer hangs whether a call may be made again.

mod acting;
mod address;
mod answer;
pub mod client;
pub mod credential;
mod exchange;
pub mod hook;
mod jwt;
#[cfg(feature = "ldap")]
mod ldap;
pub mod lost;
mod mint;
mod outgoing;
mod parcel;
mod place;
mod retry_after;
mod scheme;
mod schemes;
mod scrub;
mod sign;
pub mod target;
mod tokens;
pub mod transport;
mod turns;
