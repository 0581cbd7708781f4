//! Cases, side by side: each worker has an estate of its own.
//!
//! Invariant: every case runs, and all that failed are told at the end.

use crate::support::command::Xops;
use crate::support::estate::Estate;
use crate::support::project;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tempfile::TempDir;

/// What a worker has.
pub(crate) struct Lab {
    /// Its estate.
    pub(crate) estate: Estate,
    project: PathBuf,
    cases: usize,
}

impl Lab {
    /// An estate and a project copy.
    pub(crate) fn open() -> Self {
        let estate = Estate::start();
        let project = estate.folder().join("project");
        project::hastened(&project);
        Self { estate, project, cases: 0 }
    }

    /// The command with an empty data folder, and the estate as it was in the beginning. The folder goes with the second value.
    pub(crate) fn fresh(&mut self) -> (Xops, TempDir) {
        self.estate.reset();
        self.cases += 1;
        let data =
            tempfile::Builder::new().prefix("case-").tempdir_in(self.estate.folder()).expect("a data folder");
        let estate = self.estate.description().to_owned();
        (Xops { project: self.project.clone(), estate, data: data.path().to_owned() }, data)
    }
}

/// Whether a case is asked for: all are, unless `XOPS_CASES` names a part of those that are.
pub(crate) fn is_asked_for(case: &impl std::fmt::Display) -> bool {
    std::env::var("XOPS_CASES").map_or(true, |part| case.to_string().contains(&part))
}

/// Runs `case` for every item on so many workers; gives what each came to, in the order of the items, and panics with all
/// failures if there are any.
pub(crate) fn all<T, R>(
    title: &str,
    workers: usize,
    items: &[T],
    case: impl Fn(&mut Lab, &T) -> Result<R, String> + Sync,
) -> Vec<R>
where
    T: Sync + std::fmt::Display,
    R: Send,
{
    let began = Instant::now();
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R, String>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut lab = Lab::open();
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(at) else { break };
                    let started = Instant::now();
                    let result = case(&mut lab, item);
                    let word = if result.is_ok() { "ok" } else { "FAILED" };
                    eprintln!("{title}: {item}: {word} ({:.1} s)", started.elapsed().as_secs_f64());
                    done.lock().expect("no worker panics").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panicked");
    done.sort_by_key(|(at, _)| *at);
    eprintln!("{title}: {} cases in {:.1} s", done.len(), began.elapsed().as_secs_f64());
    let mut failures = Vec::new();
    let mut results = Vec::new();
    for (at, result) in done {
        match result {
            Ok(result) => results.push(result),
            Err(why) => failures.push(format!("{}: {why}", items[at])),
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases failed:\n  {}",
        failures.len(),
        items.len(),
        failures.join("\n  ")
    );
    results
}
