//! A million faulted reads are a command (`xops simulate --reads 1000000`); here are as many as a test may take.

use std::time::{Duration, Instant};
use xops_sim::reads::{Report, Style, play, seeds_of};

fn held(report: &Report) {
    eprintln!(
        "{} reads, {} pages, {} recovered, {} broken off, {} removals and {} creations planned",
        report.reads, report.pages, report.recovered, report.broken_off, report.removals, report.creations
    );
    assert!(report.broken.is_empty(), "{:#?}", &report.broken[..report.broken.len().min(20)]);
}

#[test]
fn whatever_page_of_whatever_style_fails_nothing_is_planned_but_from_proven_absence() {
    let report = play(0..seeds_of(6_000));
    held(&report);
    assert_eq!(report.unmet(), [], "every fault was met in every style that it fits");
    for style in Style::ALL {
        let positions = &report.positions[&style];
        // Of each group half of the people are members, so its listings are shorter.
        let pages = if style == Style::ForEach { 3 } else { 4 };
        assert!((0..pages).all(|page| positions.contains(&page)), "{style:?} failed only at {positions:?}");
    }
    assert!(report.removals > 500 && report.creations > 500, "absence that is proven is planned from");
    assert!(report.recovered > 500 && report.broken_off > 500);
}

#[test]
fn the_same_seeds_give_the_same_reads() {
    assert_eq!(play(7..27), play(7..27));
    assert_ne!(play(7..27), play(27..47));
}

#[test]
#[ignore = "a longer run: XOPS_SOAK_SECONDS bounds it"]
fn soak_of_faulted_reads() {
    let seconds = std::env::var("XOPS_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let (began, mut report, mut next) = (Instant::now(), Report::default(), 1_000_000);
    while began.elapsed() < Duration::from_secs(seconds) && report.reads < 1_000_000 {
        report.add(play(next..next + 100));
        next += 100;
    }
    held(&report);
}
