//! The catalogue of AWFs and reads: what is known of systems without a card.

use super::path::ends;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A row of the catalogue.
pub(super) struct Row {
    pub(super) system: String,
    pub(super) awf: String,
    pub(super) core: bool,
    /// Methods with their paths: of the call, and of the look at what it did.
    call: Vec<(String, String)>,
    look: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference")
}

/// The lines of a table, but for its head; `None` where the facts do not stand beside the repository.
fn lines(name: &str) -> Option<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(folder().join(name));
    assert!(
        text.is_ok() || std::env::var("CI").as_deref() != Ok("true"),
        "there is no {name} at {}",
        folder().display()
    );
    let cells = |line: &str| line.split('\t').map(|cell| cell.trim().to_owned()).collect();
    text.ok().map(|text| text.lines().skip(1).map(cells).collect())
}

/// Every method and path in a cell: `GET /a/{id}; POST /b`, with words around them.
fn operations(text: &str, method: Option<&str>) -> Vec<(String, String)> {
    let mut last = method.map(str::to_owned);
    let mut all = Vec::new();
    for word in text.split([' ', ';', ',', '(', ')', '|']) {
        if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&word) {
            last = Some(word.to_owned());
        } else if let Some(at) = word.find('/') {
            // Some rows name the host before the path.
            let path = if word.starts_with("http") {
                word.splitn(4, '/').nth(3).map(|rest| format!("/{rest}"))
            } else {
                Some(word[at..].to_owned())
            };
            if let (Some(method), Some(path)) = (&last, path) {
                all.extend(method.split('/').map(|method| (method.to_owned(), path.clone())));
            }
        }
    }
    all
}

/// Every row.
pub(super) fn rows() -> Option<Vec<Row>> {
    let row = |cells: &Vec<String>| {
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        Row {
            system: cell(1).to_owned(),
            awf: cell(2).to_owned(),
            core: cell(15) == "core",
            call: operations(cell(4), Some(cell(3))),
            look: operations(cell(8), None),
        }
    };
    Some(lines("awf-catalogue.tsv")?.iter().map(row).collect())
}

/// The reads that the tables name, as `(system, method, path)`.
pub(super) fn reads() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for cells in lines("reads.tsv").unwrap_or_default() {
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let found = operations(cell(3), Some(cell(2)));
        all.extend(found.into_iter().map(|(method, path)| (cell(0).to_owned(), method, path)));
    }
    all
}

/// Whether the call of `awf` is the one that its row names.
pub(super) fn is_call(rows: &[Row], system: &str, awf: &str, method: &str, path: &str) -> Option<bool> {
    let row = rows.iter().find(|row| row.system == system && row.awf == awf)?;
    Some(row.call.iter().any(|(one, template)| one == method && ends(template, path)))
}

/// Whether any row of `system` names the request.
pub(super) fn names(
    rows: &[Row],
    reads: &[(String, String, String)],
    system: &str,
    method: &str,
    path: &str,
) -> bool {
    let same = |one: &str, template: &str| one == method && ends(template, path);
    let rows = rows.iter().filter(|row| row.system == system);
    rows.flat_map(|row| row.call.iter().chain(&row.look)).any(|(one, template)| same(one, template))
        || reads.iter().any(|(of, one, template)| of == system && same(one, template))
}

/// The core AWFs of `system`.
pub(super) fn core<'a>(rows: &'a [Row], system: &str) -> BTreeSet<&'a str> {
    rows.iter().filter(|row| row.core && row.system == system).map(|row| row.awf.as_str()).collect()
}
