//! The operational knowledge graph: identity, authority, lineage.
//!
//! Absent from this crate: a clock, files, sockets, threads, random numbers, unordered maps. Time arrives inside readings and
//! questions. The state is a join of readings: whatever the order in which they arrive, the same readings give the same graph.
//!
//! Readings go in ([`reading::Reading`], [`graph::Graph::apply`]); facts with lineage, proofs of absence and exceptions come
//! out. Nothing is ever deleted because it was merely not read, and no source wins silently because a better one was down.

pub mod column;
pub mod drift;
pub mod exception;
pub mod graph;
pub mod identity;
pub mod map;
mod met;
pub mod pattern;
pub mod peers;
pub mod query;
pub mod reading;
pub mod resolve;
pub mod standing;
pub mod survey;
pub mod who;
pub mod why;

mod coverage;
mod decided;
mod finder;
mod fold;
mod hand;
mod intern;
mod member;
pub mod round;
mod rows;
mod table;
mod tuples;

#[cfg(test)]
mod tests;
