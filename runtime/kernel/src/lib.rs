//! The vocabulary and the laws of xops: every decision is made here, and nothing is done here.
//!
//! Absent from this crate: a clock, files, sockets, threads, random numbers, unordered maps, actors. Time, the outcomes of
//! calls and every other fact of the world arrive inside events. Given the same inputs each function here gives the same
//! bytes on any machine and any day.
//!
//! Import from the module that defines a name (`xops_kernel::plan::Plan`); the root re-exports nothing.

pub mod awf;
pub mod canon;
pub mod compile;
pub mod culprit;
pub mod day;
pub mod declare;
pub mod desire;
pub mod diff;
pub mod expr;
pub mod fact;
pub mod few;
pub mod function;
pub mod gate;
pub mod id;
pub mod identity;
pub mod layer;
pub mod level;
pub mod log;
pub mod machine;
pub mod order;
pub mod plan;
pub mod port;
pub mod record;
pub mod saga;
pub mod standard;
pub mod trace;
pub mod value;
