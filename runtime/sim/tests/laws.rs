//! The laws of the saga, under seeds.

use xops_sim::driver::Checks;
use xops_sim::run::run;

fn seeds(of: u64) -> u64 {
    std::env::var("XOPS_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(of)
}

#[test]
fn every_law_holds_on_every_bad_day() {
    let report = run(0..seeds(600), Checks::All);
    println!("{:?}", report.faults);
    println!("{:?} events={} changes={}", report.ends, report.events, report.changes);
    for (seed, transcript) in &report.failures {
        eprintln!("seed {seed}\n{transcript}");
    }
    assert_eq!(report.broken, 0, "seeds that broke a law");
}
