//! The account of effects: exactly once under deaths, and what it says when something does not add up.

use xops_kernel::port::Request;
use xops_kernel::saga::unanswered::Became;
use xops_sim::account::{Wrong, settle};
use xops_sim::driver::{Checks, Ending, Setup, play};
use xops_sim::plans::{Scene, line, plan};
use xops_sim::run::{Report, Work, one};
use xops_sim::world::CALL;

/// Effects of the bounded run; `XOPS_SIM_EFFECTS` sets another number.
fn effects() -> u64 {
    std::env::var("XOPS_SIM_EFFECTS").ok().and_then(|effects| effects.parse().ok()).unwrap_or(10_000)
}

fn accounted(effects: u64) -> Report {
    let mut report = Report::default();
    for seed in 0.. {
        report.add(one(seed, Checks::Account, Work::Crashes, xops_sim::ledger::Store::Memory));
        if report.changes >= effects {
            break;
        }
    }
    eprintln!(
        "{} effects of {} runs, {} deaths, in flight {:?}, never answered {:?}, wrong {:?}",
        report.changes,
        report.runs,
        report.deaths(),
        report.flights,
        report.silent,
        report.wrong
    );
    report
}

#[test]
fn under_deaths_no_effect_is_doubled_lost_or_unexplained() {
    let effects = effects();
    let report = accounted(effects);
    for (seed, transcript) in &report.failures {
        eprintln!("seed {seed}\n{transcript}");
    }
    assert_eq!(report.wrong, [].into(), "wrong");
    assert!(report.deaths() * 100 > effects, "only {} deaths", report.deaths());
    for became in [Became::Adopted, Became::Resent, Became::MadeAnew, Became::Parked] {
        assert!(report.flights.contains_key(&became), "no call in flight at a death was {}", became.word());
        assert!(report.silent.contains_key(&became), "no call without an answer was {}", became.word());
    }
}

fn scene() -> Scene {
    plan("p", 1, &line(&["put.create", "keyed.create", "marked.create"]))
}

/// Plays three creations, changes the world behind the instance's back, and expects what the account says.
fn check(change: impl FnOnce(&mut Ending), expect: &[Wrong]) {
    let mut ending = play(Setup::calm(3, vec![scene()]));
    assert!(ending.violations.is_empty());
    change(&mut ending);
    let wrong = settle(&ending, &[scene()]);
    let kinds: Vec<Wrong> = wrong.iter().map(|violation| Wrong::of(violation)).collect();
    assert_eq!(kinds, expect, "{wrong:?}");
}

fn ask(method: &str, system: &str, url: &str, call: &str) -> Request {
    Request {
        system: system.into(),
        method: method.into(),
        url: url.into(),
        headers: vec![(CALL.into(), call.into())],
        body: b"wanted-2".to_vec(),
        query: Vec::new(),
        content_type: None,
    }
}

#[test]
fn an_account_in_order_has_nothing_to_say() {
    check(|_| {}, &[]);
}

#[test]
fn a_call_that_acted_twice_is_a_duplicate() {
    let again = |ending: &mut Ending| {
        let again = ending.world.record[2].clone();
        ending.world.record.push(again);
    };
    check(again, &[Wrong::Duplicate]);
}

#[test]
fn an_effect_that_is_gone_is_lost() {
    let remove = |ending: &mut Ending| {
        let call = ending.world.record[0].call.clone();
        ending.world.perform(&ask("DELETE", "put", "/put/p-0", &call), 2_000_000_000);
        ending.world.record.pop();
    };
    check(remove, &[Wrong::Lost]);
}

#[test]
fn a_change_that_nobody_asked_for_is_unexplained() {
    let stranger = |ending: &mut Ending| {
        ending.world.perform(&ask("PUT", "put", "/put/elsewhere", "nobody"), 2_000_000_000);
    };
    check(stranger, &[Wrong::Unexplained]);
}
