//! The journal on a disk that forgets, and stories that shrink.

use std::collections::BTreeSet;
use std::sync::Arc;
use xops_kernel::awf::{Ambiguity, AwfName};
use xops_sim::account::Wrong;
use xops_sim::driver::{Checks, Ending, Setup, play};
use xops_sim::fault::{Fault, Strike};
use xops_sim::ledger::Store;
use xops_sim::model::Model;
use xops_sim::run::{Report, Work, digest, ending, one, setup_of};
use xops_sim::story::Story;

/// Plays seeds with the journal on a disk.
fn play_seeds(seeds: std::ops::Range<u64>, store: Store) -> Report {
    let mut report = Report::default();
    seeds.for_each(|seed| report.add(one(seed, Checks::Ends, Work::Days, store)));
    report
}

#[test]
fn no_run_on_a_disk_that_forgets_loses_an_acknowledged_event_or_an_effect() {
    let report = play_seeds(0..100, Store::Journal);
    println!(
        "{} runs, {} events in {} frames, {} deaths, {:?}",
        report.runs,
        report.events,
        report.frames,
        report.deaths(),
        report.faults
    );
    assert!(report.failures.is_empty(), "seed {}:\n{}", report.failures[0].0, report.failures[0].1);
    for fault in [Fault::TornWrite, Fault::DiskFull, Fault::DiskFailed, Fault::Killed] {
        assert!(report.faults.get(&fault).is_some_and(|times| *times > 10), "{fault:?} hardly struck");
    }
}

#[test]
#[ignore = "longer than the default tests"]
fn crash_of_the_disk_for_longer_loses_nothing() {
    let seconds = std::env::var("XOPS_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let mut from = 100_000;
    let mut runs = 0;
    while std::time::Instant::now() < until {
        let report = play_seeds(from..from + 200, Store::Journal);
        assert!(report.failures.is_empty(), "seed {}:\n{}", report.failures[0].0, report.failures[0].1);
        (from, runs) = (from + 200, runs + report.runs);
    }
    println!("{runs} runs on a disk that forgets");
}

#[test]
fn a_disk_that_lies_about_syncing_is_caught() {
    let report = play_seeds(0..8, Store::LyingDisk);
    println!("{} of {} runs on a lying disk broke a law", report.broken, report.runs);
    assert!(report.broken > 2, "only {} of {} runs noticed", report.broken, report.runs);
}

#[test]
fn the_same_seed_gives_the_same_chain() {
    for store in [Store::Memory, Store::Journal] {
        let of = |seed| digest(&ending(seed, Checks::Ends, Work::Days, store));
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
    let tip =
        ending(7, Checks::Ends, Work::Days, Store::Journal).tip.map(|tip| format!("{:02x?}", &tip[..4]));
    assert_eq!(tip.as_deref(), Some("[00, 85, 0d, 67]"), "debug and release write the same bytes");
}

#[test]
fn a_story_of_all_strikes_is_the_run_itself() {
    for seed in 0..60 {
        let by_seed = ending(seed, Checks::Ends, Work::Days, Store::Memory);
        let story = Story::of(seed, Work::Days, Store::Memory, &by_seed);
        let told: Story = story.to_string().parse().unwrap();
        assert_eq!(told, story);
        assert_eq!(digest(&play(told.setup(Checks::Ends))), digest(&by_seed), "seed {seed}");
    }
}

/// A world in which a contract promises what its system does not keep: that a second creation is refused.
fn with_a_lie(setup: Setup) -> Setup {
    let lie = Model::default().changed(&AwfName::new("bare", "create"), |contract| {
        contract.ambiguity = Ambiguity::Probe { window_ms: 0, agreeing: 1, unique: true };
    });
    Setup { model: Arc::new(lie), ..setup }
}

#[test]
fn a_planted_bug_is_found_and_told_with_few_strikes() {
    let played = |story: &Story| -> Ending { play(with_a_lie(story.setup(Checks::Ends))) };
    let duplicates =
        |ending: &Ending| ending.violations.iter().any(|broken| Wrong::of(broken) == Wrong::Duplicate);
    let found = (0..3_000).find_map(|seed| {
        let ending = play(with_a_lie(setup_of(seed, Checks::Ends, Work::Days, Store::Memory)));
        duplicates(&ending).then(|| Story::of(seed, Work::Days, Store::Memory, &ending))
    });
    let story = found.expect("no seed found the planted bug");
    let before = story.strikes.len();
    let (small, runs) = story.shrink(Wrong::Duplicate, played);
    println!("{before} strikes became {} in {runs} runs:\n{small}", small.strikes.len());
    assert!(duplicates(&played(&small)), "the story does not show what it was shrunk for");
    assert!(small.scenes.len() == 1 && small.strikes.len() <= 3, "{small}");
    for strike in &small.strikes {
        let fewer: BTreeSet<Strike> = small.strikes.iter().copied().filter(|one| one != strike).collect();
        let spared = Story { strikes: fewer, ..small.clone() };
        assert!(!duplicates(&played(&spared)), "{strike:?} can be spared");
    }
}

#[test]
fn a_text_that_is_no_story_says_why() {
    let check = |text: &str, expect: &str| {
        assert_eq!(text.parse::<Story>().unwrap_err().to_string(), expect, "{text}");
    };
    check("", "line 1: a story begins with the line `xops story 1`");
    check("xops story 1\nseed x", "line 2: the seed is no number");
    check("xops story 1\nseed 1", "line 1: it names no scene");
    check("xops story 1\nseed 1\nstrike flood 1", "line 3: there is no such fault");
    check("xops story 1\nscene 0", "line 1: it names no seed");
    check(
        "xops story 1\nseed 1\nfoo",
        "line 3: a line is `seed N`, `work W`, `store S`, `scene N` or `strike FAULT N`",
    );
}
