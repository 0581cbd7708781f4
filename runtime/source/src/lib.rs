//! Text in, declarations out, a caret under every mistake.
//!
//! Absent from this crate: files, the clock, the network. It is handed names and bytes, and it answers with declarations and
//! findings: always both, all mistakes of all files at once, in the order of files and places, the same on any machine.
//!
//! Bytes are refused before they are parsed where parsing could be expensive: size, encoding and nesting have bounds
//! (`scan`). Nothing here panics on any input.
//!
//! The way through: `scan` admits bytes, `syntax` gives blocks and attributes with their places, `reader` reads them with
//! types, `declare` makes the kernel's declarations of them and holds them to the laws, `render` prints the findings.

pub mod amend;
pub mod code;
pub mod declare;
pub mod finding;
pub mod infer;
pub mod lines;
pub mod query;
pub mod reader;
mod render;
mod scan;
pub mod syntax;
