//! Findings: what is wrong with a file, said to its author.
//!
//! Invariants: a finding has a place in a file and a code that has a page under `docs/errors/`; sorted findings are in the
//! order of files and places, whatever the order in which the checks ran.

use std::collections::BTreeMap;
use std::ops::Range;

/// One mistake and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `XS0001`: the name of its page.
    pub code: &'static str,
    /// Whether the files can be used nonetheless.
    pub severity: Severity,
    /// What is wrong: lower case, literals in backticks, no full stop.
    pub message: String,
    /// The file.
    pub file: String,
    /// The bytes that are wrong.
    pub span: Range<usize>,
    /// What stands under the caret.
    pub label: String,
    /// Why that is a mistake.
    pub why: Option<String>,
    /// What to do, "did you mean" included.
    pub help: Option<String>,
    /// Other places that matter: file, bytes, label.
    pub related: Vec<(String, Range<usize>, String)>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// They can, but hardly as meant.
    Warning,
}

/// For whom findings are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person: the source with carets, and a line with the sum.
    Human {
        /// With ANSI colours.
        color: bool,
    },
    /// A JSON array, one object a finding; lines and columns from 1, columns in characters.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

impl Finding {
    /// An error at `span` of `file`.
    pub fn error(
        code: &'static str,
        file: impl Into<String>,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: plain(message),
            file: file.into(),
            span,
            label: plain(label),
            why: None,
            help: None,
            related: Vec::new(),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// With the reason why it is a mistake.
    #[must_use]
    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(plain(why)), ..self }
    }

    /// With what to do.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> Self {
        match help.into() {
            Some(help) => Self { help: Some(plain(help)), ..self },
            None => self,
        }
    }

    /// With another place that matters.
    #[must_use]
    pub fn related(mut self, file: impl Into<String>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related.push((file.into(), span, plain(label)));
        self
    }
}

/// The longest sentence of a finding, in characters.
const SENTENCE_MAX: usize = 600;

/// One line of bounded length: names come from files, and files may name things by anything.
fn plain(text: impl Into<String>) -> String {
    let text = text.into();
    let is_plain = !text.chars().any(char::is_control) && text.len() <= SENTENCE_MAX;
    if is_plain {
        return text;
    }
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    let mut short: String = text.chars().take(SENTENCE_MAX).map(escaped).collect();
    if text.chars().nth(SENTENCE_MAX).is_some() {
        short.push_str("...");
    }
    short
}

/// Whether one of `findings` is an error.
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Puts findings in the order of files and places, and says each only once.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.file.clone(), f.span.start, f.span.end, f.code, f.message.clone());
        key(a).cmp(&key(b))
    });
    findings.dedup();
}

/// The longest word for which a likeness is sought.
const WORD_MAX: usize = 64;

/// The most names that a word is compared with.
const NAMES_MAX: usize = 1_000;

/// "did you mean", if one of `among` is near to `word`: at most a third of its letters changed (Damerau-Levenshtein), the
/// nearest first, then the first by name.
pub fn suggest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = word.chars().count();
    if length == 0 || length > WORD_MAX {
        return None;
    }
    let lower = word.to_lowercase();
    let near = |name: &&str| name.chars().count() <= WORD_MAX && *name != word;
    let distance = |name: &'a str| {
        let changed = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
        let part = length >= 4 && (name.starts_with(word) || name.ends_with(word));
        (if part { changed.min(2) } else { changed }, name)
    };
    let best = among.into_iter().take(NAMES_MAX).filter(near).map(distance).min()?;
    (best.0 <= (length / 3).max(1)).then(|| format!("did you mean `{}`?", best.1))
}

/// Renders `findings`, in their order; `sources` holds the text of each file, and a finding of a file that is not there is
/// rendered without its source.
pub fn render(findings: &[Finding], sources: &BTreeMap<String, String>, format: Format) -> String {
    match format {
        Format::Human { color } => crate::render::human(findings, sources, color),
        Format::Json => crate::render::json(findings, sources),
        Format::Sarif => crate::render::sarif(findings, sources),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_one_line_of_bounded_length() {
        let finding = Finding::error("XS0001", "a.hcl", 0..0, "no `a\nb`", "x".repeat(10_000));
        assert_eq!(finding.message, "no `a\\nb`");
        assert_eq!(finding.label.len(), SENTENCE_MAX + 3);
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let names = ["worker_type", "status", "email"];
        let check = |word: &str, expect: Option<&str>| {
            assert_eq!(suggest(word, names), expect.map(|name| format!("did you mean `{name}`?")), "{word}");
        };
        check("worker_typ", Some("worker_type"));
        check("Status", Some("status"));
        check("emial", Some("email"));
        check("department", None);
        check("", None);
    }
}
