//! Actors around pure machines: durable first, then believed by others, then done.
//!
//! Absent from this crate: decisions, file formats, HTTP, connectors (it is handed a `port::Connector` and a
//! [`transport::Transport`]). What is here: the clock, the one writer, mailboxes with bounds, timers, supervision.
//!
//! - `scribe` is the one writer: a thread that turns what arrives during a commit into the next frame.
//! - `hub` is what the hot actors of an arbiter share: the batch for the scribe, acknowledgements, timers.
//! - `keeper` holds what is parked and writes the snapshots that `cut` takes, from `recover`'s point of view what it made itself.
//! - `instance`, `service`, `platform`, `dataops` are the actors; `supervisor` starts them again.
//! - `rebuild` reads an instance back from the journal when its actor panicked.
//! - `engine` puts it all together for one tenant; `status` is what it shows.

mod card;
pub mod clock;
pub mod compile;
pub mod crash;
pub mod cut;
pub mod cycles;
pub mod dataops;
pub mod door;
pub mod engine;
pub mod hub;
pub mod instance;
mod issued;
mod keeper;
pub mod letter;
pub mod limits;
pub mod platform;
mod rebuild;
mod recover;
pub mod scribe;
pub mod service;
pub mod sheet;
mod snapshot;
pub mod status;
pub mod supervisor;
pub mod tenant;
#[cfg(test)]
mod tests;
pub mod transport;
