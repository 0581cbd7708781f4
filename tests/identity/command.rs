//! The command: answers as rows, figures, exit codes, and what it says of bad input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LEFT: &str = "\
rec_id,given_name,surname,date_of_birth,ssn
l1,Sarah,Chen,1980-03-04,101
l2,José,García,1971-11-12,102
l3,Ann,Smith,1990-01-30,103
l4,Robert,Okafor,1965-07-07,104
";

const RIGHT: &str = "\
id,first_name,last_name,dob,national_id
r1,Sara,Chen,03/04/1980,101
r2,Jose,Garcia,1971-11-12,102
r3,Bob,Okafor,1965-07-07,104
r4,Peter,Young,1999-12-31,105
";

/// A folder of its own for each test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/identity/people.hcl")
}

fn xops(arguments: &[&str], files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xops"));
    command.arg("identity").args(arguments);
    for (flag, path) in files {
        command.arg(flag).arg(path);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Left id, right id and decision of each row.
fn rows(output: &Output) -> Vec<[String; 3]> {
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    assert_eq!(reader.headers().unwrap(), vec!["left_id", "right_id", "decision", "score", "explanation"]);
    let row = |row: csv::StringRecord| {
        assert!(row[3].parse::<i32>().is_ok(), "scores are integers");
        assert!(!row[4].is_empty());
        [row[0].to_owned(), row[1].to_owned(), row[2].to_owned()]
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn two_files_with_other_columns_are_linked_and_told_as_rows() {
    let place = Place::new();
    let (left, right) = (place.write("l.csv", LEFT.as_bytes()), place.write("r.csv", RIGHT.as_bytes()));
    let files = [("--rules", rules().as_path().to_owned()), ("--left", left), ("--right", right)];
    let files: Vec<(&str, &Path)> = files.iter().map(|(flag, path)| (*flag, path.as_path())).collect();
    let output = xops(&["match", "-o", "csv"], &files);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pairs: Vec<(String, String)> =
        rows(&output).into_iter().map(|[left, right, _]| (left, right)).collect();
    assert_eq!(pairs, [("l1", "r1"), ("l2", "r2"), ("l4", "r3")].map(|(l, r)| (l.to_owned(), r.to_owned())));
    let again = xops(&["match", "-o", "csv"], &files);
    assert_eq!(output.stdout, again.stdout);
    let json = xops(&["match", "-o", "json"], &files);
    for line in text(&json.stdout).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["score"].is_i64() && line["fields"].is_array());
    }
}

#[test]
fn the_truth_gives_figures() {
    let place = Place::new();
    let (left, right) = (place.write("l.csv", LEFT.as_bytes()), place.write("r.csv", RIGHT.as_bytes()));
    let truth = place.write("t.csv", b"left,right\nl1,r1\nl2,r2\nr3,l4\nl3,nobody\n");
    let rules = rules();
    let files = [("--rules", rules.as_path()), ("--left", &left), ("--right", &right), ("--truth", &truth)];
    let output = xops(&["evaluate", "-o", "json"], &files);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["truth"], 3);
    assert_eq!(figures["exceptions"], 1, "a pair with an unknown id is told");
    assert_eq!(figures["records"], 8);
    assert!(figures["recall_at_precision_0.9999"].is_number());
}

#[test]
fn bad_rows_are_told_and_the_rest_is_answered() {
    let place = Place::new();
    let mut left = LEFT.as_bytes().to_vec();
    left.extend_from_slice(b"l1,Again,Same,1980-01-01,1\n,No,Id,1980-01-01,2\nl9,Jos\xe9,Short\nl8,\x07\x1b[31m,Bell,9999-99-99,3\n");
    left.extend_from_slice(b"l7,");
    left.extend(std::iter::repeat_n(b'x', 10 << 20));
    left.extend_from_slice(b",Huge,1980-01-01,4\n");
    let (left, right) = (place.write("l.csv", &left), place.write("r.csv", RIGHT.as_bytes()));
    let told = place.0.path().join("told.csv");
    let rules = rules();
    let files =
        [("--rules", rules.as_path()), ("--left", &left), ("--right", &right), ("--exceptions", &told)];
    let output = xops(&["match"], &files);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(rows(&output).len(), 3);
    let mut reader = csv::Reader::from_path(told).unwrap();
    let kinds: Vec<(u64, String)> = reader
        .records()
        .map(|record| record.unwrap())
        .map(|record| (record[1].parse().unwrap(), record[2].to_owned()))
        .collect();
    let expect = [(7, "no_id"), (8, "fields"), (8, "encoding"), (10, "cell"), (6, "twice")];
    assert_eq!(kinds, expect.map(|(line, kind)| (line, kind.to_owned())));
}

#[test]
fn mistakes_are_told_with_their_exit_codes() {
    let place = Place::new();
    let left = place.write("l.csv", LEFT.as_bytes());
    let rules = rules();
    let check = |files: &[(&str, &Path)], code: i32, said: &str| {
        let output = xops(&["match"], files);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
        assert!(output.stdout.is_empty());
    };
    let broken = place.write("broken.hcl", b"identity \"person\" {\n  field \"name\" {\n    columns = [\"name\"]\n    compare = \"nmae\"\n  }\n}\n");
    check(&[("--rules", &broken), ("--left", &left)], 3, "did you mean `name`?");
    check(&[("--rules", &rules), ("--left", Path::new("nowhere.csv"))], 1, "nowhere.csv");
    let colours = place.write("c.csv", b"id,colour\n1,red\n");
    check(&[("--rules", &rules), ("--left", &colours)], 2, "no column that the rules know");
    let empty = place.write("e.csv", b"");
    check(&[("--rules", &rules), ("--left", &empty)], 2, "no column that the rules know");
    let head = place.write("h.csv", b"id,surname\n");
    check(&[("--rules", &rules), ("--left", &head)], 2, "there are no records");
}
