//! The manifests against servers that nobody here wrote: emulate for Okta and Slack, scim2-server for SCIM 2.0,
//! moto for `SigV4`, forms and XML, Synapse for accounts and channels, slapd for LDAP.
//!
//! Absent: anything that `tests/servers/run` starts; without it these tests are ignored. `tests/servers/README.md` says what the
//! servers answer and where they differ from the vendors. No manifest is bent for a server: what a server cannot be asked, or
//! answers otherwise, stands in the test that would have asked it.

mod calendar;
#[cfg(feature = "ldap")]
mod directory;
mod engine;
mod iam;
mod matrix;
mod okta;
mod request_tracker;
mod scim;
mod servers;
mod slack;

#[path = "../daemon/support/http.rs"]
mod http;
