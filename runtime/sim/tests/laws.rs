//! The laws of the saga, under seeds. `XOPS_SIM_SEEDS` sets how many.

use xops_sim::driver::Checks;
use xops_sim::fault::Fault;
use xops_sim::run::{Report, run};

fn seeds(of: u64) -> u64 {
    std::env::var("XOPS_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(of)
}

fn held(report: &Report) {
    eprintln!(
        "{} runs, {} events, {} changes of the world, {} refused",
        report.runs, report.events, report.changes, report.refused
    );
    eprintln!("{:?}\n{:?}", report.ends, report.faults);
    for (seed, transcript) in &report.failures {
        eprintln!("seed {seed}\n{transcript}");
    }
    assert_eq!(report.broken, 0, "seeds that broke a law");
}

#[test]
fn every_law_holds_on_every_bad_day() {
    let report = run(0..seeds(800), Checks::All);
    held(&report);
    // What befalls disks and vendors is met in the tests of those.
    for fault in Fault::ALL.into_iter().filter(|fault| !fault.of_disk() && !fault.of_vendors()) {
        assert!(
            report.faults.get(&fault).is_some_and(|times| *times >= 20),
            "{} was hardly met",
            fault.word()
        );
    }
    for end in ["completed", "undone", "superseded", "parked", "stuck"] {
        assert!(report.ends.contains_key(end), "nothing ended {end}");
    }
}

#[test]
fn the_account_of_many_runs_adds_up() {
    held(&run(1_000_000..1_000_000 + seeds(3_000), Checks::Account));
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    let (one, other) = (run(0..40, Checks::Account), run(0..40, Checks::Account));
    assert_eq!(one.digest, other.digest);
    assert_eq!(one, other);
    assert_ne!(one.digest, run(40..80, Checks::Account).digest);
}
