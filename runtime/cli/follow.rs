//! Waiting for work with something to look at.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use xops_kernel::log::Number;
use xops_shell::engine::Engine;

/// Reads every system, with a bar on a terminal; the systems that were not read whole, with the reason.
pub async fn read(engine: &Engine, quiet: bool) -> Vec<String> {
    let systems = engine.tenant().declarations.systems.len() as u64;
    let bar = bar(quiet, systems, "reading");
    let reports = engine
        .read(|system, report| {
            bar.inc(1);
            bar.set_message(format!("{system}: {} records", report.records));
        })
        .await;
    bar.finish_and_clear();
    let incomplete = reports.into_iter().flat_map(|(system, report)| {
        report.incomplete.into_iter().map(move |(read, why)| format!("{system}.{read} is incomplete: {why}"))
    });
    incomplete.collect()
}

/// Waits until an instance is over or waits for a person.
pub async fn rest(engine: &Engine, number: Number, quiet: bool) -> &'static str {
    let spinner = if quiet || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner()
    };
    spinner.set_message(format!("instance {number}"));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let word = engine.rest(number).await.unwrap_or("unknown");
    spinner.finish_and_clear();
    word
}

/// A bar on standard error, if somebody can see it.
pub fn bar(quiet: bool, length: u64, what: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}");
    let bar = ProgressBar::new(length).with_prefix(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
