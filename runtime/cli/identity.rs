//! `xops identity`: which records of two files, or of one, are of the same thing; and how well that was told.
//!
//! Absent: how records are compared (`xops_graph::identity`). Invariants: no row is lost in silence: what cannot be taken is told
//! with its file, line and reason; equal files and rules give equal bytes, whatever the order of rows.

pub(crate) mod decide;
pub(crate) mod review;
mod rows;
mod tell;

use crate::arguments::Common;
use crate::arguments::identity::{Evaluate, Identity, IdentityCommand, LinkageWord, Match};
use crate::exit::{Exit, Failure, Outcome};
use rows::{Exception, Rows};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xops_graph::identity::batch::{self, Answered, Resolved};
use xops_graph::identity::block::{Pair, pair};
use xops_graph::identity::evaluate;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::{Refused, Row, Table};
use xops_kernel::identity::{Linkage, Rules};
use xops_source::finding::{self, Format as Rendering};

/// The system of records of the left file that do not name one.
const LEFT: &str = "left";
/// The system of records of the right file that do not name one.
const RIGHT: &str = "right";
/// The largest file of rules.
const RULES_BYTES_MAX: u64 = 16 << 20;
/// How long nothing is said of work that is soon done.
const QUIET: Duration = Duration::from_secs(2);

/// Runs the command.
pub async fn run(common: &Common, identity: &Identity) -> Outcome {
    match &identity.what {
        IdentityCommand::Review(asked) => review::run(common, asked).await,
        IdentityCommand::Decide(asked) => decide::run(common, asked).await,
        IdentityCommand::Match(asked) => run_match(common, asked),
        IdentityCommand::Evaluate(asked) => run_evaluate(common, asked),
    }
}

/// Records that were resolved.
struct Work {
    table: Table,
    model: Model,
    resolved: Resolved,
    across: bool,
    exceptions: Vec<Exception>,
    mapped: Vec<(String, Vec<(String, String)>)>,
}

fn run_match(common: &Common, asked: &Match) -> Outcome {
    let work = work(common, asked)?;
    let answers = work.resolved.answers(&work.table, work.across);
    tell::exceptions(asked.exceptions.as_deref(), &work.exceptions)?;
    tell::answers(common.output, &work.table, &work.model, &answers, asked.all)?;
    summary(&work, &answers);
    Ok(Exit::Done)
}

fn run_evaluate(common: &Common, asked: &Evaluate) -> Outcome {
    let work = work(common, &asked.asked)?;
    let answers = work.resolved.answers(&work.table, work.across);
    let mut exceptions = work.exceptions.clone();
    let truth = truth(&asked.truth, &work, &mut exceptions)?;
    tell::exceptions(asked.asked.exceptions.as_deref(), &exceptions)?;
    let told: Vec<_> = answers.iter().map(|answer| (answer.pair, answer.answer, answer.score)).collect();
    let figures = evaluate::figures(&told, &truth);
    tell::figures(common.output, &figures, work.table.len(), work.resolved.compared, exceptions.len())?;
    Ok(Exit::Done)
}

fn work(common: &Common, asked: &Match) -> Result<Work, Failure> {
    let mut rules = rules(&asked.rules, asked.kind.as_deref())?;
    let across = asked.right.is_some();
    rules.linkage = match asked.linkage {
        Some(LinkageWord::Many) => Linkage::Many,
        Some(LinkageWord::OneToOne) => Linkage::OneToOne,
        // One file without systems is searched for records that occur twice.
        None if !across => Linkage::Many,
        None => rules.linkage,
    };
    let rules = Arc::new(rules);
    let mut table = Table::new(rules.clone());
    let mut exceptions = Vec::new();
    let mut mapped = Vec::new();
    for (path, system) in [(Some(&asked.left), LEFT), (asked.right.as_ref(), RIGHT)] {
        let Some(path) = path else { continue };
        let name = path.display().to_string();
        let file = std::fs::File::open(path)
            .map_err(|error| Failure::plain(format!("failed to read `{name}`: {error}")))?;
        let system = if across { Some(system) } else { None };
        let read = rows::read(&name, file, &rules, asked.id.as_deref(), system.unwrap_or(LEFT), across);
        let read = read.map_err(|message| Failure::new(Exit::Usage, message))?;
        take(&name, read, &mut table, &mut exceptions, &mut mapped);
    }
    if table.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "there are no records: each file has a head and rows with an id",
        ));
    }
    let mut word = progress(common.verbose);
    let (model, resolved) = batch::run(&mut table, across, asked.today.unwrap_or_else(today), &mut word);
    Ok(Work { table, model, resolved, across, exceptions, mapped })
}

/// Takes the records of a file.
fn take(
    name: &str,
    read: Rows,
    table: &mut Table,
    exceptions: &mut Vec<Exception>,
    mapped: &mut Vec<(String, Vec<(String, String)>)>,
) {
    exceptions.extend(read.exceptions);
    for (line, record) in read.records {
        if let Err(refused) = table.add(&record) {
            let kind = match refused {
                Refused::Twice(_) => "twice",
                Refused::NoId => "no_id",
                Refused::Full => "full",
            };
            exceptions.push(Exception { file: name.to_owned(), line, kind, detail: refused.to_string() });
        }
    }
    mapped.push((name.to_owned(), read.mapped));
}

/// The rules of a file, for one kind of thing where it has several.
pub(crate) fn rules(path: &Path, kind: Option<&str>) -> Result<Rules, Failure> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Failure::plain(format!("failed to read `{name}`: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > RULES_BYTES_MAX {
        return Err(Failure::new(Exit::Mistakes, format!("`{name}` has {size} bytes: those are no rules")));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let (all, findings) = xops_source::declare::identity::rules(&name, &text);
    if finding::any_error(&findings) {
        let sources = BTreeMap::from([(name, String::from_utf8_lossy(&text).into_owned())]);
        let shown = finding::render(&findings, &sources, Rendering::Human { color: false });
        return Err(
            Failure::new(Exit::Mistakes, "the rules have mistakes").with(shown.lines().map(str::to_owned))
        );
    }
    let names: Vec<String> = all.iter().map(|rules| format!("`{}`", rules.name)).collect();
    let mut fitting = all.into_iter().filter(|rules| kind.is_none_or(|kind| rules.name == kind));
    match (fitting.next(), fitting.next()) {
        (Some(rules), None) => Ok(rules),
        (None, _) => {
            Err(Failure::new(Exit::Usage, format!("`{name}` has no such rules: it has {}", names.join(", "))))
        }
        _ => Err(Failure::new(Exit::Usage, format!("`{name}` has {}: choose with --kind", names.join(", ")))),
    }
}

/// The true pairs: a row each, its first two cells the ids. A first row that names no records is a head.
fn truth(path: &Path, work: &Work, exceptions: &mut Vec<Exception>) -> Result<BTreeSet<Pair>, Failure> {
    let name = path.display().to_string();
    let told = |error: csv::Error| Failure::plain(format!("failed to read `{name}`: {error}"));
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).map_err(told)?;
    let mut pairs = BTreeSet::new();
    let mut row = csv::ByteRecord::new();
    let mut first = true;
    while reader.read_byte_record(&mut row).map_err(told)? {
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |at: usize| String::from_utf8_lossy(row.get(at).unwrap_or_default()).trim().to_owned();
        let (left, right) = (cell(0), cell(1));
        let found = both(work, &left, &right).or_else(|| both(work, &right, &left));
        match found {
            Some(found) => drop(pairs.insert(found)),
            None if first => {}
            None => {
                let detail = format!("`{left}` and `{right}` are not both among the records");
                exceptions.push(Exception { file: name.clone(), line, kind: "unknown", detail });
            }
        }
        first = false;
    }
    Ok(pairs)
}

fn both(work: &Work, left: &str, right: &str) -> Option<Pair> {
    let find = |system: &str, id: &str| -> Option<Row> {
        work.table.find(system, id).or_else(|| work.table.called(id, |_| true))
    };
    let (a, b) = (find(LEFT, left)?, find(if work.across { RIGHT } else { LEFT }, right)?);
    (a != b).then(|| pair(a, b))
}

/// Today as `yyyymmdd`: decisions end on a day.
fn today() -> u32 {
    let day = jiff::Zoned::now().date();
    let number = |part: i8| u32::try_from(part).unwrap_or(0);
    u32::try_from(day.year()).unwrap_or(0) * 10_000 + number(day.month()) * 100 + number(day.day())
}

/// Says on standard error how far work has come, once it takes long.
fn progress(verbose: bool) -> impl FnMut(&'static str, usize, usize) {
    let began = Instant::now();
    let mut last = (began, "");
    let shown = verbose || std::io::stderr().is_terminal();
    move |what, done, all| {
        let due = what != last.1 || last.0.elapsed() > Duration::from_secs(1);
        if due && (verbose || began.elapsed() > QUIET || (shown && all > 200_000)) {
            anstream::eprintln!("xops: {what}: {done} of {all}");
            last = (Instant::now(), what);
        }
    }
}

fn summary(work: &Work, answers: &[Answered]) {
    let count = |answer| answers.iter().filter(|told| told.answer == answer).count();
    for (file, mapped) in &work.mapped {
        let fields: Vec<String> =
            mapped.iter().map(|(field, column)| format!("{field} = {column}")).collect();
        tracing::info!(file, fields = fields.join(", "), "columns");
    }
    anstream::eprintln!(
        "xops: {} records, {} pairs compared: {} same, {} to review",
        work.table.len(),
        work.resolved.compared,
        count(xops_graph::identity::decide::Answer::Same),
        count(xops_graph::identity::decide::Answer::Review)
    );
}
