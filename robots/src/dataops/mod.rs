//! The `DataOps` robot's pure parts: when a system is to be read, and one whole cycle of reading it.
//!
//! Absent: requests, responses, the graph itself. What comes out of a cycle are readings, each of which says whether it is
//! whole; nothing here decides what that means for a fact.

pub mod due;
pub mod progress;
pub mod reading;
pub mod scope;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod tests;
