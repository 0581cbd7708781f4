//! The Platform robot's pure parts: whether a call to a system may go now, and how long to wait if not.
//!
//! Absent: the call itself, the clock, random numbers. One [`admission::Admission`] stands before each system of each tenant;
//! the time of each question comes with it, and jitter comes from names, so that replay waits as long as life did.

pub mod admission;
pub mod breaker;
pub mod bucket;
pub mod budget;
