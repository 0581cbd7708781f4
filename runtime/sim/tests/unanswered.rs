//! What is told of a call that nobody answered: why nobody did, and what became of it.

use xops_kernel::id::{Direction, StepId};
use xops_kernel::saga::unanswered::{Became, Cause};
use xops_sim::driver::{Setup, play};
use xops_sim::fault::Fault;
use xops_sim::plans::{line, plan};
use xops_sim::run::transcript;

/// Plays one AWF whose calls meet `faults`, and expects what is told of each call that was not answered.
fn check(awf: &str, faults: &[Fault], expect: &[(Cause, Became)]) {
    let mut setup = Setup::calm(7, vec![plan("p", 1, &line(&[awf]))]);
    let nth = |(nth, fault): (u32, &Fault)| ((0, StepId(0), Direction::Forward, nth), *fault);
    setup.script = (1..).zip(faults).map(nth).collect();
    let ending = play(setup);
    assert!(ending.violations.is_empty(), "{}", transcript(&ending));
    let told: Vec<_> = ending.unanswered.iter().map(|call| (call.cause, call.became)).collect();
    assert_eq!(told, expect, "{awf} {faults:?}\n{}", transcript(&ending));
    assert!(ending.unanswered.iter().all(|call| call.settled_at.is_some_and(|at| at >= call.since)));
}

#[test]
fn a_call_that_was_answered_is_not_told() {
    check("put.create", &[], &[]);
    check("put.create", &[Fault::NotExecuted, Fault::RateLimited], &[]);
}

#[test]
fn a_call_without_an_answer_is_told_with_what_its_contract_made_of_it() {
    let silent = |became| [(Cause::NoAnswer, became)];
    check("put.create", &[Fault::TimeoutAfter], &silent(Became::Resent));
    check("marked.create", &[Fault::TimeoutAfter], &silent(Became::Adopted));
    check("marked.create", &[Fault::TimeoutBefore], &silent(Became::MadeAnew));
    check("blind.send", &[Fault::TimeoutAfter], &silent(Became::Parked));
}

#[test]
fn each_sending_that_is_lost_is_a_call_of_its_own() {
    let twice = [(Cause::NoAnswer, Became::Resent), (Cause::NoAnswer, Became::Resent)];
    check("put.create", &[Fault::TimeoutAfter, Fault::TimeoutBefore], &twice);
}

#[test]
fn a_call_that_was_under_way_at_a_death_is_told_as_such() {
    check("put.create", &[Fault::Killed], &[(Cause::Died, Became::Resent)]);
    check("blind.send", &[Fault::Killed], &[(Cause::Died, Became::Parked)]);
    let both = [(Cause::NoAnswer, Became::Resent), (Cause::Died, Became::Resent)];
    check("put.create", &[Fault::TimeoutBefore, Fault::Killed], &both);
}
