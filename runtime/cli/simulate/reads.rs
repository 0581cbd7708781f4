//! `xops simulate --reads N`: faulted reads over every style of paging, and what is planned after each.
//!
//! Invariant: what is printed of the reads does not depend on how many threads made them.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::{follow, json};
use serde_json::json;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use xops_sim::reads::{Report, play, seeds_of};

/// How many seeds a thread plays at a time.
const CHUNK: u64 = 20;
/// How many broken laws are named.
const BROKEN_SHOWN: usize = 20;

/// Makes so many reads.
pub(super) fn run(common: &Common, reads: u64, threads: usize) -> Outcome {
    let seeds = seeds_of(reads);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let bar = follow::bar(common.output != Format::Text, seeds, "worlds");
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if from >= seeds {
                        return;
                    }
                    let played = play(from..(from + CHUNK).min(seeds));
                    bar.inc(CHUNK);
                    report.lock().unwrap_or_else(PoisonError::into_inner).add(played);
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.broken.sort();
    let unmet = report.unmet().len();
    let seconds = began.elapsed().as_secs_f64();
    if common.output == Format::Text {
        json::text(&told(&report, unmet, seconds))?;
    } else {
        json::print(&json!({
            "reads": report.reads, "pages": report.pages, "recovered": report.recovered, "broken_off": report.broken_off,
            "removals": report.removals, "creations": report.creations, "kinds_of_fault_met": report.met.len(),
            "kinds_of_fault_unmet": unmet, "faulted": report.met.values().sum::<u64>(),
            "without_proof": report.broken.len(), "broken": report.broken.iter().take(BROKEN_SHOWN).collect::<Vec<_>>(),
            "seconds": seconds,
        }))?;
    }
    if report.broken.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Damaged, format!("{} laws were broken", report.broken.len())))
}

fn told(report: &Report, unmet: usize, seconds: f64) -> String {
    let faulted: u64 = report.met.values().sum();
    let mut out = format!(
        "{} reads of {} pages in {seconds:.1} s; {faulted} of them met a fault: {} kinds by style, {unmet} never\n\
         {} recovered, {} were broken off\n\
         {} removals and {} creations planned, each from proven absence; {} without a proof\n",
        report.reads,
        report.pages,
        report.met.len(),
        report.recovered,
        report.broken_off,
        report.removals,
        report.creations,
        report.broken.len()
    );
    for broken in report.broken.iter().take(BROKEN_SHOWN) {
        let _infallible = writeln!(out, "broken: {broken}");
    }
    out
}
