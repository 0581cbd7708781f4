//! `tidy`: the laws of the house, held by reading the repository's own text.
//!
//! Absent: any crate but std, any compilation, any knowledge of what a crate does. A rule is a function from text to complaints, tested
//! here on small strings so that it is seen to fail, and one `#[test]` that applies it to every file and says what to do.
//!
//! Files are those that git tracks or would track; without git, all but hidden folders and `target`.

mod form;
mod laws;
mod pages;
mod places;
mod text;
mod tree;

/// Fails with every complaint at once, under one sentence that says what to do.
fn hold(what_to_do: &str, complaints: &[String]) {
    assert!(
        complaints.is_empty(),
        "{what_to_do}\n\n  {}\n\n{} in all",
        complaints.join("\n  "),
        complaints.len()
    );
}
