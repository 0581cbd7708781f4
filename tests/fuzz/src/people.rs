//! Files of people, as `xops identity` reads them.

#[path = "../../../runtime/cli/identity/rows.rs"]
mod rows;

use crate::bytes::Bytes;
use crate::project::project;

/// A file of comma-separated values, under the project's own rules.
pub fn people(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let how = bytes.byte();
    let rules = &project().rules;
    let id = [None, Some("id"), Some("Email"), Some("")][usize::from(how & 3)];
    let read = rows::read(
        "people.csv",
        bytes.0,
        &rules[usize::from(how >> 3) % rules.len()],
        id,
        "hr",
        how & 4 != 0,
    );
    if let Ok(rows) = read {
        let lines = bytes.0.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
        assert!(rows.records.len() <= lines, "more records than lines");
    }
}
