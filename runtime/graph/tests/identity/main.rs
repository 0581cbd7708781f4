//! Identity: the same things at once and record by record, reversible, with ids that last.
//!
//! Absent: files. Records are made here, from seeds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bound;
mod law;
