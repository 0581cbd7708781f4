//! The vocabulary and the laws of xops: every decision is made here, and nothing is done here.
//!
//! Absent from this crate: a clock, files, sockets, threads, random numbers, unordered maps, actors. Time, the outcomes of
//! calls and every other fact of the world arrive inside events. Given the same inputs each function here gives the same
//! bytes on any machine and any day.
//!
//! Import from the module that defines a name (`xops_kernel::plan::Plan`); the root re-exports nothing.

pub mod awf;
pub mod canon;
pub mod declare;
pub mod expr;
pub mod fact;
pub mod id;
pub mod layer;
pub mod machine;
pub mod port;
pub mod record;
pub mod value;
