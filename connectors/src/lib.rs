//! Manifests in, requests out, answers judged: what is known of a system is data, and everything here is pure.
//!
//! Absent from this crate: I/O, a clock, credentials, and any line that is written for one system. A manifest
//! (`manifests/<system>.hcl`, its vocabulary in `docs/manifests.md`) declares each AWF with its proof and its undo; this crate
//! holds it to the laws when it is read, renders its requests and says what answers mean.
//!
//! The way through: `load` makes a `model::Manifest` of a file; `manifests::Manifests` is the kernel's connector over all of
//! them; `render` fills shapes, `answer` reads responses, `judge` types them, `sight` answers lookups, `reading` gives records.

mod answer;
pub mod auth;
pub mod code;
mod date;
mod directory;
pub mod hook;
pub mod json;
mod judge;
pub mod ldap;
mod listing;
mod load;
pub mod manifests;
pub mod model;
mod parts;
mod polling;
mod reading;
mod render;
pub mod sample;
mod scope;
mod sight;
mod sought;
mod subject;
mod trail;
mod tree;
pub mod xml;
