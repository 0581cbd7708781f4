//! The `xops` command.
fn main() {}
