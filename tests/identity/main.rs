//! Identity as an operator meets it: the shipped rules on seeded people, and the command on files good and bad.
//!
//! Absent: the public labelled sets, which `tests/identity/run` installs and measures. Invariant: people are made from seeds,
//! by rules that the shipped ones were not fitted to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command;
mod people;
mod population;
