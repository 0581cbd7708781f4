//! Findings as text for people, as JSON and as SARIF.
//!
//! Invariants: rendering never fails, whatever the spans; a line longer than [`LINE_MAX`] bytes is named, not shown.

use crate::code;
use crate::finding::{Finding, Severity};
use crate::lines::{LineIndex, floor};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The longest line, and the longest excerpt between two marked lines, that is shown, in bytes.
const LINE_MAX: usize = 4_096;

/// The texts with their lines, indexed once.
type Indexed<'a> = BTreeMap<&'a str, (&'a str, LineIndex)>;

fn index<'a>(findings: &'a [Finding], sources: &'a BTreeMap<String, String>) -> Indexed<'a> {
    let related = findings.iter().flat_map(|finding| finding.related.iter().map(|(file, ..)| file.as_str()));
    let files: BTreeSet<&str> = findings.iter().map(|finding| finding.file.as_str()).chain(related).collect();
    let text = |file: &'a str| sources.get(file).map(|text| (file, (text.as_str(), LineIndex::of(text))));
    files.into_iter().filter_map(text).collect()
}

/// For people.
pub(crate) fn human(findings: &[Finding], sources: &BTreeMap<String, String>, color: bool) -> String {
    let indexed = index(findings, sources);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120).hyperlink(false);
    let mut out = String::new();
    for finding in findings {
        out.push_str(&renderer.render(&[group(finding, &indexed)]));
        out.push_str("\n\n");
    }
    if !findings.is_empty() {
        out.push_str(&sum(findings));
        out.push('\n');
    }
    out
}

fn sum(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let said = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let parts = [said(count(Severity::Error), "error"), said(count(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn group<'a>(finding: &'a Finding, indexed: &'a Indexed<'a>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()).id(finding.code));
    // A line with a secret in it is named, not shown: what is printed here is kept in logs.
    let shown = if finding.code == code::SECRET {
        vec![hidden(finding, indexed)]
    } else {
        excerpts(finding, indexed)
    };
    for element in shown {
        group = group.element(element);
    }
    if let Some(why) = &finding.why {
        group = group.element(Level::NOTE.with_name("why").message(why.as_str()));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The marked places of one file.
struct Marks<'a> {
    file: &'a str,
    spans: Vec<(AnnotationKind, Range<usize>, &'a str)>,
}

fn excerpts<'a>(finding: &'a Finding, indexed: &'a Indexed<'a>) -> Vec<Element<'a>> {
    let primary = (AnnotationKind::Primary, finding.span.clone(), finding.label.as_str());
    let mut marks = vec![Marks { file: &finding.file, spans: vec![primary] }];
    for (file, span, label) in &finding.related {
        let mark = (AnnotationKind::Context, span.clone(), label.as_str());
        match marks.iter_mut().find(|marks| marks.file == file) {
            Some(marks) => marks.spans.push(mark),
            None => marks.push(Marks { file, spans: vec![mark] }),
        }
    }
    marks.into_iter().flat_map(|marks| excerpt(&marks, indexed)).collect()
}

fn excerpt<'a>(marks: &Marks<'a>, indexed: &'a Indexed<'a>) -> Vec<Element<'a>> {
    if marks.file.is_empty() {
        return Vec::new();
    }
    let Some((text, lines)) = indexed.get(marks.file) else {
        return vec![Element::Origin(Origin::path(marks.file))];
    };
    let clipped = |span: &Range<usize>| {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        start..end.min(lines.end(start, text)).max(start)
    };
    let spans: Vec<Range<usize>> = marks.spans.iter().map(|(_, span, _)| clipped(span)).collect();
    let from = spans.iter().map(|span| lines.start(span.start)).min().unwrap_or_default();
    let to = spans.iter().map(|span| lines.end(span.start, text)).max().unwrap_or_default().max(from);
    let longest = text[from..to].split('\n').map(str::len).max().unwrap_or_default();
    if text.is_empty() || longest > LINE_MAX {
        return vec![origin(marks.file, (text, lines), marks.spans[0].1.start)];
    }
    let mut snippet = Snippet::<Annotation<'a>>::source(&text[from..to])
        .line_start(lines.line(from) as usize)
        .path(marks.file)
        .fold(true);
    for ((kind, _, label), span) in marks.spans.iter().zip(spans) {
        let annotation = kind.span(span.start - from..span.end - from);
        snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(*label) });
    }
    vec![snippet.into()]
}

fn origin<'a>(file: &'a str, (text, lines): (&str, &LineIndex), offset: usize) -> Element<'a> {
    let (line, column) = lines.position(text, offset);
    Element::Origin(Origin::path(file).line(line as usize).char_column(column as usize))
}

fn hidden<'a>(finding: &'a Finding, indexed: &'a Indexed<'a>) -> Element<'a> {
    match indexed.get(finding.file.as_str()) {
        Some((text, lines)) => origin(&finding.file, (text, lines), finding.span.start),
        None => Element::Origin(Origin::path(finding.file.as_str())),
    }
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn place(file: &str, span: &Range<usize>, indexed: &Indexed<'_>) -> Value {
    let mut place = json!({ "file": file, "start": { "byte": span.start }, "end": { "byte": span.end } });
    if let Some((text, lines)) = indexed.get(file) {
        for (name, offset) in [("start", span.start), ("end", span.end)] {
            let (line, column) = lines.position(text, offset);
            place[name]["line"] = line.into();
            place[name]["column"] = column.into();
        }
    }
    place
}

/// For machines.
pub(crate) fn json(findings: &[Finding], sources: &BTreeMap<String, String>) -> String {
    let indexed = index(findings, sources);
    let one = |finding: &Finding| {
        let related = finding.related.iter().map(|(file, span, label)| {
            let mut related = place(file, span, &indexed);
            related["label"] = label.as_str().into();
            related
        });
        json!({
            "code": finding.code,
            "severity": severity(finding),
            "message": finding.message,
            "at": place(&finding.file, &finding.span, &indexed),
            "label": finding.label,
            "why": finding.why,
            "help": finding.help,
            "related": related.collect::<Vec<_>>(),
            "page": code::page(finding.code),
        })
    };
    format!("{:#}\n", Value::Array(findings.iter().map(one).collect()))
}

fn location(file: &str, span: &Range<usize>, label: Option<&str>, indexed: &Indexed<'_>) -> Value {
    let mut location = json!({ "physicalLocation": { "artifactLocation": { "uri": file } } });
    if let Some((text, lines)) = indexed.get(file) {
        let (start, end) = (lines.position(text, span.start), lines.position(text, span.end));
        location["physicalLocation"]["region"] =
            json!({ "startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1 });
    }
    if let Some(label) = label {
        location["message"] = json!({ "text": label });
    }
    location
}

/// For tools that collect findings: one run, one result a finding.
pub(crate) fn sarif(findings: &[Finding], sources: &BTreeMap<String, String>) -> String {
    let indexed = index(findings, sources);
    let result = |finding: &Finding| {
        let more = [finding.why.as_deref(), finding.help.as_deref()];
        let text = std::iter::once(finding.message.as_str()).chain(more.into_iter().flatten());
        let related = finding
            .related
            .iter()
            .map(|(file, span, label)| location(file, span, Some(label), &indexed))
            .collect::<Vec<_>>();
        json!({
            "ruleId": finding.code,
            "level": severity(finding),
            "message": { "text": text.collect::<Vec<_>>().join("; ") },
            "locations": [location(&finding.file, &finding.span, None, &indexed)],
            "relatedLocations": related,
        })
    };
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    let rule = |code: &&str| {
        let title = Some(code::title(code)).filter(|title| !title.is_empty()).unwrap_or(code);
        json!({ "id": code, "helpUri": code::page(code), "shortDescription": { "text": title } })
    };
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "xops", "rules": codes.iter().map(rule).collect::<Vec<_>>() } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{sarif:#}\n")
}
