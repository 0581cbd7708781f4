//! Records from a file of comma-separated values, by the columns that the rules name.
//!
//! Absent: what the values mean. Invariants: a row that cannot be taken is told with its line and its reason, and the rows
//! around it are taken; a cell past [`CELL_BYTES_MAX`] says nothing and is told; text that is not UTF-8 is read as
//! Windows-1252, and told.

use std::io::Read;
use xops_graph::identity::table::Record;
use xops_kernel::identity::Rules;

/// The largest cell that is looked at.
pub const CELL_BYTES_MAX: usize = 64 << 10;
/// The largest row that is looked at.
const ROW_BYTES_MAX: usize = 16 << 20;
/// The most columns of a file.
const COLUMNS_MAX: usize = 4_096;

/// What 0x80 to 0x9f stand for in Windows-1252.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Something that could not be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The file.
    pub file: String,
    /// The line where its row begins, from 1.
    pub line: u64,
    /// What kind: `no_id`, `twice`, `full`, `fields`, `cell`, `encoding`, `unknown`.
    pub kind: &'static str,
    /// What there is to say.
    pub detail: String,
}

/// A file that was read.
#[derive(Debug, Default)]
pub struct Rows {
    /// The records, with the lines where they begin.
    pub records: Vec<(u64, Record)>,
    /// What could not be taken as it stands.
    pub exceptions: Vec<Exception>,
    /// The fields of the rules that a column was found for, with its name.
    pub mapped: Vec<(String, String)>,
}

/// Where a field comes from.
enum Source {
    Nowhere,
    Columns(Vec<usize>),
    First(usize),
    Last(usize),
}

/// Where everything comes from.
struct Plan {
    id: usize,
    system: Option<usize>,
    fields: Vec<Source>,
    width: usize,
}

/// Reads a whole file. `id` names the id column, `system` is the system of records that do not name one, or of all where it
/// is `forced`.
pub fn read(
    file: &str,
    input: impl Read,
    rules: &Rules,
    id: Option<&str>,
    system: &str,
    forced: bool,
) -> Result<Rows, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let told = |error: csv::Error| format!("failed to read `{file}`: {error}");
    let headers = reader.byte_headers().map_err(told)?.clone();
    if headers.len() > COLUMNS_MAX {
        return Err(format!("`{file}` has {} columns: the most are {COLUMNS_MAX}", headers.len()));
    }
    let names: Vec<String> = headers.iter().map(|name| plain(&decode(name).0)).collect();
    let shown: Vec<String> = headers.iter().map(|name| decode(name).0).collect();
    let mut rows = Rows::default();
    let mut plan = plan(file, rules, &names, &shown, id, &mut rows)?;
    plan.system = plan.system.filter(|_| !forced);
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(told)? {
        // Empty lines before a row belong to none: the line after it tells where it began.
        let within = row.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
        let began = reader.position().line().saturating_sub(1 + within);
        let line = row.position().map_or(0, csv::Position::line).max(began);
        take(file, line, &row, &plan, system, &mut rows);
    }
    Ok(rows)
}

/// A name of a column without case, spaces, underscores and hyphens.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn plan(
    file: &str,
    rules: &Rules,
    names: &[String],
    shown: &[String],
    id: Option<&str>,
    rows: &mut Rows,
) -> Result<Plan, String> {
    let find = |name: &str| names.iter().position(|known| *known == plain(name));
    let id = match id {
        Some(id) => {
            find(id).ok_or_else(|| format!("`{file}` has no column `{id}`: it has {}", shown.join(", ")))?
        }
        None => rules.ids.iter().find_map(|id| find(id)).unwrap_or(0),
    };
    let mut fields = Vec::new();
    for field in &rules.fields {
        let found = field.columns.iter().find_map(|columns| source(columns, &find));
        let source = found.unwrap_or(Source::Nowhere);
        let columns: &[usize] = match &source {
            Source::Nowhere => &[],
            Source::Columns(columns) => columns,
            Source::First(column) | Source::Last(column) => std::slice::from_ref(column),
        };
        if !columns.is_empty() {
            let told: Vec<&str> = columns.iter().map(|column| shown[*column].as_str()).collect();
            rows.mapped.push((field.name.clone(), told.join(" + ")));
        }
        fields.push(source);
    }
    if rows.mapped.is_empty() {
        let known =
            rules.fields.iter().map(|field| field.columns[0].join(" + ")).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "`{file}` has no column that the rules know: it has {}; they know {known}",
            shown.join(", ")
        ));
    }
    let system = rules.systems.iter().find_map(|system| find(system)).filter(|column| *column != id);
    Ok(Plan { id, system, fields, width: names.len() })
}

fn source(columns: &[String], find: &impl Fn(&str) -> Option<usize>) -> Option<Source> {
    if let [column] = columns
        && let Some((part, inner)) = column.strip_suffix(')').and_then(|column| column.split_once('('))
    {
        let column = find(inner)?;
        return Some(if part == "last" { Source::Last(column) } else { Source::First(column) });
    }
    Some(Source::Columns(columns.iter().map(|column| find(column)).collect::<Option<_>>()?))
}

fn take(file: &str, line: u64, row: &csv::ByteRecord, plan: &Plan, system: &str, rows: &mut Rows) {
    let mut tell = |kind, detail: String| {
        rows.exceptions.push(Exception { file: file.to_owned(), line, kind, detail });
    };
    if row.len() == 1 && row.get(0).is_some_and(|cell| cell.trim_ascii().is_empty()) {
        return;
    }
    if row.as_slice().len() > ROW_BYTES_MAX {
        tell(
            "cell",
            format!(
                "the row has {} bytes: the most are {ROW_BYTES_MAX}; is a quote not closed?",
                row.as_slice().len()
            ),
        );
        return;
    }
    if row.len() != plan.width {
        tell(
            "fields",
            format!(
                "the row has {} cells where the head has {}: what is there was taken",
                row.len(),
                plan.width
            ),
        );
    }
    let mut cell = |column: usize| {
        let bytes = row.get(column).unwrap_or_default();
        if bytes.len() > CELL_BYTES_MAX {
            tell(
                "cell",
                format!(
                    "cell {} has {} bytes: the most are {CELL_BYTES_MAX}, so it was left out",
                    column + 1,
                    bytes.len()
                ),
            );
            return String::new();
        }
        let (text, foreign) = decode(bytes);
        if foreign {
            tell("encoding", format!("cell {} is not UTF-8: it was read as Windows-1252", column + 1));
        }
        text
    };
    let values = plan.fields.iter().map(|source| match source {
        Source::Nowhere => String::new(),
        Source::Columns(columns) => {
            let cells: Vec<String> = columns.iter().map(|column| cell(*column)).collect();
            if cells.iter().all(|cell| cell.trim().is_empty()) { String::new() } else { cells.join(" ") }
        }
        Source::First(column) => of_name(&cell(*column), true),
        Source::Last(column) => of_name(&cell(*column), false),
    });
    let values: Vec<String> = values.collect();
    let id = cell(plan.id).trim().to_owned();
    let named = plan.system.map(&mut cell).filter(|name| !name.trim().is_empty());
    let system = named.map_or_else(|| system.to_owned(), |name| name.trim().to_owned());
    if id.is_empty() {
        tell("no_id", "the row has no id, so it was left out".to_owned());
        return;
    }
    rows.records.push((line, Record { system, id, values }));
}

/// The first or the last name of a whole one, `First Last` or `Last, First`.
fn of_name(name: &str, first: bool) -> String {
    let (front, back) = match name.split_once(',') {
        Some((last, rest)) => (rest.trim(), last.trim()),
        None => (name.trim(), name.trim()),
    };
    let mut words = if first { front.split_whitespace() } else { back.split_whitespace() };
    let word = if first { words.next() } else { words.next_back() };
    word.unwrap_or_default().to_owned()
}

/// Text from bytes, and whether it was no UTF-8.
fn decode(bytes: &[u8]) -> (String, bool) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), false);
    }
    let letter = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    };
    (bytes.iter().map(letter).collect(), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::identity::{Comparator, Field};

    fn rules() -> Rules {
        let field = |name: &str, columns: &[&[&str]]| Field {
            name: name.to_owned(),
            columns: columns.iter().map(|all| all.iter().map(|one| (*one).to_owned()).collect()).collect(),
            normalise: Vec::new(),
            compare: Comparator::Name,
            frequencies: false,
            crosses: None,
            junk: Vec::new(),
            shared_max: None,
            synonyms: Vec::new(),
            weights: std::collections::BTreeMap::new(),
        };
        Rules {
            ids: vec!["rec_id".to_owned()],
            systems: vec!["system".to_owned()],
            fields: vec![
                field("given", &[&["given_name"], &["first(name)"]]),
                field("born", &[&["dob"], &["by", "bm", "bd"]]),
            ],
            ..Rules::default()
        }
    }

    fn check(text: &[u8], expect: &[(&str, &str, &[&str])], exceptions: &[(u64, &str)]) {
        let rows = read("a.csv", text, &rules(), None, "left", false).unwrap();
        let taken: Vec<(&str, &str, Vec<&str>)> = rows
            .records
            .iter()
            .map(|(_, r)| (r.system.as_str(), r.id.as_str(), r.values.iter().map(String::as_str).collect()))
            .collect();
        let expect: Vec<(&str, &str, Vec<&str>)> =
            expect.iter().map(|(system, id, values)| (*system, *id, values.to_vec())).collect();
        assert_eq!(taken, expect);
        let told: Vec<(u64, &str)> = rows.exceptions.iter().map(|told| (told.line, told.kind)).collect();
        assert_eq!(told, exceptions);
    }

    #[test]
    fn columns_are_found_by_any_of_their_names() {
        check(
            b"Rec ID,GivenName,by,bm,bd\n7, Ann ,1980,3,4\n",
            &[("left", "7", &[" Ann ", "1980 3 4"])],
            &[],
        );
        check(
            b"name,rec_id,system,dob\n\"Chen, Sarah\",7,okta,1980-03-04\n",
            &[("okta", "7", &["Sarah", "1980-03-04"])],
            &[],
        );
    }

    #[test]
    fn what_cannot_be_taken_is_told_and_the_rest_is_taken() {
        check(
            b"id,given_name\n1,Jos\xe9\n,Ann\n2\n\n3,Bob,more\n",
            &[("left", "1", &["José", ""]), ("left", "2", &["", ""]), ("left", "3", &["Bob", ""])],
            &[(2, "encoding"), (3, "no_id"), (4, "fields"), (6, "fields")],
        );
        let mut huge = b"id,given_name\n1,".to_vec();
        huge.extend(std::iter::repeat_n(b'x', CELL_BYTES_MAX + 1));
        check(&huge, &[("left", "1", &["", ""])], &[(2, "cell")]);
    }

    #[test]
    fn a_file_without_a_known_column_is_refused() {
        let error = read("a.csv", &b"id,colour\n1,red\n"[..], &rules(), None, "left", false).unwrap_err();
        assert!(error.contains("no column that the rules know"), "{error}");
        let error = read("a.csv", &b"id,given_name\n"[..], &rules(), Some("key"), "left", false).unwrap_err();
        assert!(error.contains("no column `key`"), "{error}");
    }
}
