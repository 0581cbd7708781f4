//! A case, as it is written.
//!
//! A sentence as a comment, then parts that begin with `== name`:
//! `declare` is HCL beside the base (`#--- name.hcl` begins another file); `facts`, `links`, `seen` and `granted` are lines
//! `name = value`, where a value is a literal of HCL, `absent` or `unknown`; `ask` is the outcome that the request names; `without`
//! names AWFs that no manifest has; `despite` says that the findings of `check` are passed over.

use std::collections::BTreeMap;
use xops_kernel::value::{Value, Values};

/// What a case says of one thing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// It is there, and this is it.
    Is(Value),
    /// It is proven not to be there.
    Absent,
    /// Neither is known.
    Unknown,
}

/// Lines `name = value`.
pub(crate) type Table = BTreeMap<String, Said>;

/// A case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    /// Declarations beside the base, as files.
    pub(crate) files: Vec<(String, String)>,
    /// The attributes of the person; those of [`crate::world`] where it says nothing.
    pub(crate) facts: Table,
    /// The records of the person, by system.
    pub(crate) links: Table,
    /// What the lookups see, by facet.
    pub(crate) seen: Table,
    /// What xops granted, by facet, with the objects.
    pub(crate) granted: Table,
    /// The outcome that the request names.
    pub(crate) only: Option<String>,
    /// The AWFs that no manifest has.
    pub(crate) without: Vec<String>,
    /// Whether findings are passed over.
    pub(crate) despite: bool,
}

impl Story {
    /// Reads a case.
    pub(crate) fn read(text: &str) -> Self {
        let mut story = Self::default();
        for part in format!("\n{text}").split("\n== ").skip(1) {
            let (name, body) = part.split_once('\n').unwrap_or((part, ""));
            let words = || body.split_whitespace().map(str::to_owned);
            match name.trim() {
                "declare" => story.files = files(body),
                "facts" => story.facts = table(body),
                "links" => story.links = table(body),
                "seen" => story.seen = table(body),
                "granted" => story.granted = table(body),
                "ask" => story.only = words().next(),
                "without" => story.without = words().collect(),
                "despite" => story.despite = true,
                other => panic!("a case has no part `{other}`"),
            }
        }
        story
    }
}

fn files(body: &str) -> Vec<(String, String)> {
    let mut files = vec![("case.hcl".to_owned(), String::new())];
    for line in body.split_inclusive('\n') {
        match line.trim().strip_prefix("#--- ") {
            Some(name) => files.push((name.to_owned(), String::new())),
            None => files.iter_mut().next_back().expect("a file").1.push_str(line),
        }
    }
    files
}

fn table(body: &str) -> Table {
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("no `name = value`: {line}"));
            (name.trim().to_owned(), said(value))
        })
        .collect()
}

fn said(text: &str) -> Said {
    match text.trim() {
        "absent" => Said::Absent,
        "unknown" => Said::Unknown,
        literal => {
            let mut findings = Vec::new();
            let file = format!("value = {literal}\n");
            let body = xops_source::syntax::parse("value", file.as_bytes(), &mut findings);
            let value = body.and_then(|body| body.attributes.first().and_then(|it| it.value.value()));
            Said::Is(value.unwrap_or_else(|| panic!("no literal: {literal}: {findings:?}")))
        }
    }
}

/// A map, where something is said to be one.
pub(crate) fn map(said: &Said) -> Values {
    match said {
        Said::Is(Value::Map(members)) => members.clone(),
        other => panic!("`{{ name = value }}` is expected, not {other:?}"),
    }
}
