//! What a run comes to: one object for machines, a small table for people.

use super::drive::Run;
use crate::arguments::bench::BenchEngine;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use xops_journal::bench::Ceiling;

/// The figures of a run of `xops bench engine`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The work.
    work: &'static str,
    /// How many instances ran.
    instances: u64,
    /// How many were under way at once.
    in_flight: u64,
    /// Calls of the work a second, forward and backward.
    steps_per_s: f64,
    /// Whole instances a second.
    sagas_per_s: f64,
    /// The median time of a whole instance, in milliseconds.
    p50_ms: f64,
    /// The time of a whole instance that 99 of 100 do not exceed, in milliseconds.
    p99_ms: f64,
    /// Processor time of the whole process a call, in microseconds.
    cpu_us_per_step: f64,
    /// Durable commits a second; each syncs once.
    fsync_per_s: f64,
    /// Journal events in a commit.
    events_per_commit: f64,
    /// Journal events a second.
    events_per_s: f64,
    /// Journal events of a call.
    events_per_step: f64,
    /// Bytes of the journal's files after the run, by calls.
    bytes_per_step: f64,
    /// Bytes of frames, by calls: the same without the store's own.
    frame_bytes_per_step: f64,
    /// Calls before each of which it was asserted that everything handed over was durable.
    asserted: u64,
    /// The ceiling: events a second in bare frames of the same size and batch.
    ceiling_events_per_s: f64,
    /// The ceiling: commits of such frames a second.
    ceiling_commits_per_s: f64,
    /// The ceiling: bare syncs a second.
    ceiling_fsync_per_s: f64,
    /// Commits a second by the ceiling's.
    of_ceiling: f64,
}

impl Report {
    /// Divides what was measured.
    pub(super) fn of(bench: &BenchEngine, run: &Run, stored: u64, ceiling: &Ceiling) -> Self {
        let seconds = run.elapsed.as_secs_f64().max(1e-9);
        let steps = float(bench.instances * bench.work.calls());
        let events = float(run.tally.events);
        let batch = events / float(run.tally.commits.max(1));
        Self {
            work: bench.work.word(),
            instances: bench.instances,
            in_flight: bench.in_flight,
            steps_per_s: round(steps / seconds),
            sagas_per_s: round(float(bench.instances) / seconds),
            p50_ms: at(&run.took_us, 50),
            p99_ms: at(&run.took_us, 99),
            cpu_us_per_step: round(run.processor.as_secs_f64() * 1e6 / steps),
            fsync_per_s: round(float(run.tally.commits) / seconds),
            events_per_commit: round(batch),
            events_per_s: round(events / seconds),
            events_per_step: round(events / steps),
            bytes_per_step: round(float(stored) / steps),
            frame_bytes_per_step: round(float(run.tally.bytes) / steps),
            asserted: run.tally.asserted,
            ceiling_events_per_s: round(ceiling.commits_per_s * batch),
            ceiling_commits_per_s: round(ceiling.commits_per_s),
            ceiling_fsync_per_s: round(ceiling.fdatasync_per_s),
            of_ceiling: round(float(run.tally.commits) / seconds / ceiling.commits_per_s),
        }
    }

    /// The table for people.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["figure", "value", "ceiling of this run"]);
        let head = format!("{} instances of {}, {} in flight", self.instances, self.work, self.in_flight);
        let mut row = |name: &str, value: String, ceiling: String| {
            table.add_row([name.to_owned(), value, ceiling]);
        };
        row("work", head, String::new());
        row("steps/s", number(self.steps_per_s), String::new());
        row("sagas/s", number(self.sagas_per_s), String::new());
        row("p50, p99 ms", format!("{}, {}", self.p50_ms, self.p99_ms), String::new());
        row("CPU us/step", format!("{}", self.cpu_us_per_step), String::new());
        row("events/s", number(self.events_per_s), number(self.ceiling_events_per_s));
        row("commits/s", number(self.fsync_per_s), number(self.ceiling_commits_per_s));
        row("bare syncs/s", String::new(), number(self.ceiling_fsync_per_s));
        row("events/commit", format!("{}", self.events_per_commit), String::new());
        row(
            "bytes/step",
            format!("{} ({} in frames)", self.bytes_per_step, self.frame_bytes_per_step),
            String::new(),
        );
        row("asserted", format!("{} calls after their intent", self.asserted), String::new());
        for column in 1..3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// The figure that `percent` of the ascending ones do not exceed, in milliseconds.
fn at(ascending_us: &[u32], percent: usize) -> f64 {
    let rank = (ascending_us.len() * percent).div_ceil(100).max(1) - 1;
    let us = ascending_us.get(rank).copied().unwrap_or_default();
    round(f64::from(us) / 1_000.0)
}

#[expect(clippy::cast_precision_loss, reason = "figures are printed with a few digits")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Three digits behind the point for what is small, none for what is large.
pub(super) fn round(figure: f64) -> f64 {
    if figure.abs() >= 1_000.0 { figure.round() } else { (figure * 1_000.0).round() / 1_000.0 }
}

/// With a comma between thousands.
pub(super) fn number(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<u32> = (1..=100).map(|ms| ms * 1_000).collect();
        assert!((at(&times, 50) - 50.0).abs() < f64::EPSILON);
        assert!((at(&times, 99) - 99.0).abs() < f64::EPSILON);
        assert!((at(&[7_000], 99) - 7.0).abs() < f64::EPSILON);
        assert!(at(&[], 99).abs() < f64::EPSILON);
    }

    #[test]
    fn thousands_are_set_apart() {
        for (figure, expect) in [(0.0, "0"), (999.0, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(number(figure), expect);
        }
    }
}
