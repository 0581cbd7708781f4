//! The robots that feed the graph, run the runbooks and fire the atomic work functions, as pure machines.
//!
//! Absent from this crate: clocks, I/O, random numbers, actors. The robots exchange letters, never names: no room here imports
//! another; `retry` and `fair` are arithmetic that all may use.

pub mod agenda;
pub mod dataops;
pub mod fair;
pub mod platform;
pub mod retry;
pub mod service;
