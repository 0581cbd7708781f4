//! Identity: the same things at once and record by record, reversible, with ids that last; and how well on seeded hard people.
//!
//! Absent: files. Records are made here, from seeds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod hard;
mod law;
mod people;
mod words;
