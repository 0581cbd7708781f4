//! The real manifest engine and the robots' doors, over systems that speak HTTP and JSON and are on a bad day.

use std::sync::Arc;
use xops_kernel::awf::AwfName;
use xops_kernel::port::Connector;
use xops_sim::driver::{Checks, Ending, Setup, play};
use xops_sim::fault::{Fault, Rates};
use xops_sim::ledger::Store;
use xops_sim::model::Model;
use xops_sim::plans::{FORWARD, line, plan};
use xops_sim::run::{Report, Work, one, transcript};
use xops_sim::systems::Systems;
use xops_sim::vendor::Vendor;

/// Seeds of the bounded run; `XOPS_SIM_SEEDS` sets another number.
fn seeds(of: u64) -> u64 {
    std::env::var("XOPS_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(of)
}

/// Plays one line of AWFs over `systems` with `rates`.
fn played(systems: Arc<dyn Systems>, awfs: &[&str], seed: u64, rates: Rates) -> Ending {
    play(Setup { model: systems, rates, ..Setup::calm(seed, vec![plan("p", 1, &line(awfs))]) })
}

#[test]
fn every_law_holds_where_real_manifests_are_rendered_and_classified_behind_real_doors() {
    let mut report = Report::default();
    for seed in 0..seeds(250) {
        report.add(one(seed, Checks::All, Work::Vendors, Store::Memory));
    }
    eprintln!(
        "{} runs, {} events, {} effects, {} deaths, breakers opened {} times and were probed {} times\n{:?}\n{:?}",
        report.runs,
        report.events,
        report.changes,
        report.deaths(),
        report.trips,
        report.probes,
        report.ends,
        report.faults
    );
    for (seed, transcript) in &report.failures {
        eprintln!("seed {seed}\n{transcript}");
    }
    assert_eq!(report.broken, 0, "seeds that broke a law");
    for fault in Fault::ALL.into_iter().filter(|fault| !fault.of_disk()) {
        let times = report.faults.get(&fault).copied().unwrap_or(0);
        assert!(times >= 3, "{} was hardly met", fault.word());
    }
    assert!(report.trips >= 10 && report.probes >= 10, "breakers hardly opened");
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    let digest = || {
        let mut report = Report::default();
        (0..20).for_each(|seed| report.add(one(seed, Checks::Account, Work::Vendors, Store::Memory)));
        report.digest
    };
    assert_eq!(digest(), digest());
}

#[test]
fn a_calm_day_completes_every_kind_of_call() {
    for awf in FORWARD {
        let ending = played(Vendor::shared(), &[awf], 1, Rates::none());
        assert!(ending.violations.is_empty(), "{awf}: {}", transcript(&ending));
        assert_eq!(ending.instances[0].state.word(), "completed", "{awf}: {}", transcript(&ending));
    }
}

#[test]
fn the_manifests_promise_what_the_model_promises() {
    let (vendor, model) = (Vendor::shared(), Model::shared());
    for awf in FORWARD {
        let (system, function) = awf.split_once('.').expect("a name has two parts");
        let name = AwfName::new(system, function);
        let (real, plain) =
            (vendor.contract(&name).expect("a manifest"), model.contract(&name).expect("a spec"));
        assert_eq!(real.timeout_ms, plain.timeout_ms, "{awf}");
        assert_eq!(real.tries_max, plain.tries_max, "{awf}");
        assert_eq!(real.locks, plain.locks, "{awf}");
        assert_eq!(real.undo, plain.undo, "{awf}");
        assert_eq!(real.ambiguity, plain.ambiguity, "{awf}");
    }
}

#[test]
fn a_lookup_that_does_not_ask_whose_an_object_is_takes_another_tenants_for_ours() {
    let careless = Vendor::changed(|_, text| text.replace(" && item.tenant == var.tenant", ""));
    let rates = Rates::none().with(Fault::OthersShown, 1000);
    let awfs = ["put.create", "strict.create"];
    let ending = played(Arc::new(careless), &awfs, 1, rates.clone());
    assert!(!ending.violations.is_empty(), "nobody noticed:\n{}", transcript(&ending));
    let ending = played(Vendor::shared(), &awfs, 1, rates);
    assert!(ending.violations.is_empty(), "{}", transcript(&ending));
    assert_eq!(ending.instances[0].state.word(), "completed", "{}", transcript(&ending));
}

#[test]
fn a_manifest_that_does_not_send_its_key_doubles_the_effect_and_the_account_says_so() {
    let keyless = Vendor::changed(|name, text| match name {
        "keyed.hcl" => text.replace("idempotency-key = key", "x-trace = key"),
        _ => text.to_owned(),
    });
    let rates = Rates::none().with(Fault::TimeoutAfter, 1000);
    let doubled = played(Arc::new(keyless), &["keyed.create"], 1, rates.clone());
    assert!(
        doubled.violations.iter().any(|broken| broken.starts_with("duplicate")),
        "{}",
        transcript(&doubled)
    );
    let fine = played(Vendor::shared(), &["keyed.create"], 1, rates);
    assert!(fine.violations.is_empty(), "{}", transcript(&fine));
}
