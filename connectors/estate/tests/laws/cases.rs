//! What the laws need to know of a system: inputs, preconditions, and the losses that its undos name.
//!
//! - No request and no answer.
//!
//! | line | says |
//! |---|---|
//! | `var NAME JSON` | a variable of the configuration |
//! | `default JSON` | inputs of every AWF that declares them |
//! | `volatile NAME...` | members in which nothing is restored, as the vendor sets them |
//! | `awf NAME` | the lines below it are of this AWF |
//! | `in JSON` | its inputs |
//! | `after NAME [JSON]` | this AWF was done before, with these inputs beside its own |
//! | `given KIND ID JSON` | this object says so before; above the first `awf`, before every one |
//! | `history KIND...` | an object more of these kinds is what doing it once more leaves: the vendor's record of what was done |
//! | `loss PATTERN...` | what its undo leaves different: `kind/id:path`, `kind/id+`, `kind/id-`, `*` at the end for the rest |

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One AWF's case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) inputs: Map<String, Value>,
    pub(crate) after: Vec<(String, Map<String, Value>)>,
    pub(crate) given: Vec<(String, String, Value)>,
    pub(crate) loss: Vec<String>,
    pub(crate) history: Vec<String>,
}

/// One system's cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cases {
    pub(crate) vars: BTreeMap<String, Value>,
    pub(crate) default: Map<String, Value>,
    pub(crate) volatile: Vec<String>,
    pub(crate) given: Vec<(String, String, Value)>,
    pub(crate) awfs: BTreeMap<String, Case>,
}

impl Cases {
    /// The cases of a system, where it has a file.
    pub(crate) fn of(system: &str) -> Option<Self> {
        let path = format!("{}/tests/laws/cases/{system}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).ok()?;
        let mut cases = Self::default();
        let mut at = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (head, json) = cut(system, line);
            let words: Vec<&str> = head.split_whitespace().collect();
            let case = cases.awfs.entry(at.clone()).or_default();
            match (words[0], words.len()) {
                ("var", 2) => drop(cases.vars.insert(words[1].to_owned(), json)),
                ("default", 1) => cases.default = json.as_object().cloned().unwrap_or_default(),
                ("volatile", _) => cases.volatile = words[1..].iter().map(|&word| word.to_owned()).collect(),
                ("awf", 2) => words[1].clone_into(&mut at),
                ("in", 1) => case.inputs = json.as_object().cloned().unwrap_or_default(),
                ("after", 2) => {
                    let inputs = json.as_object().cloned().unwrap_or_default();
                    case.after.push((words[1].to_owned(), inputs));
                }
                ("given", 3) => case.given.push((words[1].to_owned(), words[2].to_owned(), json)),
                ("history", _) => case.history.extend(words[1..].iter().map(|&word| word.to_owned())),
                ("loss", _) => case.loss.extend(words[1..].iter().map(|&word| word.to_owned())),
                _ => panic!("{system}: this line says nothing: `{line}`"),
            }
            if words[0] == "awf" {
                cases.awfs.entry(at.clone()).or_default();
            }
        }
        cases.given = cases.awfs.remove("").unwrap_or_default().given;
        Some(cases)
    }
}

fn cut<'a>(system: &str, line: &'a str) -> (&'a str, Value) {
    let starts = [" {", " [", " \""].iter().filter_map(|sign| line.find(sign)).min();
    let Some(at) = starts else { return (line, Value::Null) };
    let json = serde_json::from_str(&line[at..]).unwrap_or_else(|why| panic!("{system}: {why}: `{line}`"));
    (&line[..at], json)
}
