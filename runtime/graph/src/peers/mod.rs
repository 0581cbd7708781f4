//! Outcome validation: is a declaration complete, judged by approved requirements and by what established peers have?
//!
//! Absent: any change of a declaration, any plan, any action: a finding is for people. Invariants: integers only; the same
//! truth and the same declarations give the same findings in the same order; evidence that is not wholly and freshly read
//! is not judged from, and says so.
//!
//! `census` puts a population into numbers once, `class` evaluates conditions once for all that look alike, `judge` compares,
//! `finding` is what comes out.

pub mod census;
mod class;
pub mod finding;
pub mod judge;
mod people;
