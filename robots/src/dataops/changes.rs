//! Reads of what changed, driven page by page against the graph: what they may prove, and what they never may.

use super::progress::{Answer, Bounds, Next, Place, Target};
use super::reading::{Call, Effect, Event, Reader, Scope, State};
use std::collections::{BTreeMap, VecDeque};
use xops_kernel::machine::Machine;
use xops_kernel::port::{Delta, Outcome, ReadContract, Request};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::Values;

fn record(id: &str) -> Record {
    let (id, version) = id.split_once('@').map_or((id, None), |(id, version)| (id, Some(version.to_owned())));
    let source = Source { system: "okta".into(), kind: "user".into(), id: id.into(), version };
    Record { source, attributes: Values::new(), read_at: 7, principal: "svc".into() }
}

/// `u1 u2@2 -u3 >` is a page with two records and a tombstone, which is not the last; `=place` ends it.
fn page(text: &str) -> Answer {
    let request = Request {
        system: "okta".into(),
        method: "GET".into(),
        url: "https://okta.test/next".into(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: None,
        body: Vec::new(),
    };
    let words = || text.split_whitespace();
    Answer::Page {
        records: words().filter(|word| !word.starts_with(['-', '>', '='])).map(record).collect(),
        gone: words().filter_map(|word| word.strip_prefix('-')).map(str::to_owned).collect(),
        next: text.contains('>').then(|| Next { request: Box::new(request), carry: Values::new() }),
        place: words().find_map(|word| word.strip_prefix('=')).map(str::to_owned),
    }
}

fn answer(text: &str) -> Answer {
    match text {
        "reset" => Answer::Reset,
        "forbidden" => Answer::Failed(Outcome::Forbidden("no licence".into())),
        "down" => Answer::Failed(Outcome::Invalid("500".into())),
        other => page(other),
    }
}

/// Runs one cycle that begins at `since` (nothing is everything) and is answered so; what came out of it.
fn run(contract: ReadContract, since: &str, answers: &[&str]) -> Vec<String> {
    run_within(contract, since, answers, Bounds::default())
}

fn run_within(contract: ReadContract, since: &str, answers: &[&str], bounds: Bounds) -> Vec<String> {
    let target = Target { read: contract.name.clone(), parameter: None };
    let reader = Reader::new("acme", vec![contract], bounds);
    let mut answers: VecDeque<&str> = answers.iter().copied().collect();
    let place = (!since.is_empty()).then(|| Place { since: since.into(), at: 50, whole_at: 40 });
    let scope = Scope { places: place.map(|it| (target, it)).into_iter().collect(), ..Scope::default() };
    let mut told = Vec::new();
    let (mut state, mut next) = (State::Idle, Some(Event::Begun { cycle: 1, at: 100, scope }));
    while let Some(event) = next.take() {
        let mut wanted = Vec::new();
        reader.step(&mut state, &event, &mut wanted).expect("what is wanted is taken");
        next = reader.decide(&state);
        for effect in wanted {
            next = Some(match effect {
                Effect::Fetch(call) => {
                    told.push(asked(&state, &call));
                    let text = answers.pop_front().expect("an answer for every request");
                    Event::Answered { call, answer: answer(text), at: 101 }
                }
                Effect::Wait { call, until } => Event::Waited { call, at: until },
                Effect::Apply { cycle, target } => {
                    told.push(shown(&state, &target));
                    Event::Applied { cycle, target, at: 102 }
                }
            });
        }
    }
    if let State::Ended { incomplete, denied, .. } = &state {
        told.extend(incomplete.iter().map(|(read, why)| format!("incomplete {read}: {why}")));
        told.extend(denied.iter().map(|(read, why)| format!("denied {read}: {why}")));
    }
    told
}

fn asked(state: &State, call: &Call) -> String {
    let since = state.since(&call.target).unwrap_or("nothing");
    format!("page {} since {since}", call.page)
}

fn shown(state: &State, target: &Target) -> String {
    let taken = state.taken(target).expect("it is there until it is applied");
    let versioned = |record: &Record| {
        let version = record.source.version.as_ref().map(|version| format!("@{version}"));
        format!("{}{}", record.source.id, version.unwrap_or_default())
    };
    let records: Vec<String> = taken.reading.records.iter().map(versioned).collect();
    let whole = match taken.part {
        true => "part",
        false if taken.reading.is_whole() => "whole",
        false => "changes",
    };
    let gone = taken.follows.as_ref().map(|it| format!(" after {} gone [{}]", it.at, it.gone.join(" ")));
    let place =
        taken.place.as_ref().map(|it| format!(" next {} at {} whole {}", it.since, it.at, it.whole_at));
    format!("{whole} [{}]{}{}", records.join(" "), gone.unwrap_or_default(), place.unwrap_or_default())
}

fn users(delta: Delta) -> ReadContract {
    let (system, name, kind) = ("okta".into(), "users".into(), "user".into());
    ReadContract { system, name, kind, timeout_ms: 1_000, delta, ..ReadContract::default() }
}

#[test]
fn a_read_of_everything_says_where_the_next_one_begins() {
    assert_eq!(
        run(users(Delta::ChangesAndGone), "", &["u1 u2 >", "u3 =p1"]),
        ["page 0 since nothing", "page 1 since nothing", "whole [u1 u2 u3] next p1 at 100 whole 100"]
    );
    let never = run(users(Delta::Never), "", &["u1 =p1"]);
    assert_eq!(never.last().map(String::as_str), Some("whole [u1]"));
}

#[test]
fn a_read_of_everything_is_handed_on_in_parts_and_only_the_last_says_that_it_is_all() {
    let bounds = Bounds { part_records: 2, attempts_max: 1, ..Bounds::default() };
    let run = |answers: &[&str]| run_within(users(Delta::ChangesAndGone), "", answers, bounds);
    assert_eq!(
        run(&["u1 >", "u2 u3 >", "u4 u5 >", "u6 =p1"]),
        [
            "page 0 since nothing",
            "page 1 since nothing",
            "part [u1 u2 u3]",
            "page 2 since nothing",
            "part [u4 u5]",
            "page 3 since nothing",
            "whole [u6] next p1 at 100 whole 100"
        ]
    );
    // Broken off, what was handed on proves nothing and is not handed on again.
    assert_eq!(
        run(&["u1 u2 >", "u3 >", "down"])[1..],
        [
            "part [u1 u2]",
            "page 1 since nothing",
            "page 2 since nothing",
            "changes [u3]",
            "incomplete users: invalid: 500"
        ]
    );
    // The bound is on all of them.
    let few = Bounds { records_max: 3, ..bounds };
    let told = run_within(users(Delta::Never), "", &["u1 u2 >", "u3 u4 >"], few);
    assert_eq!(told.last().map(String::as_str), Some("incomplete users: it has more than 3 records"));
}

#[test]
fn changes_with_what_is_gone_follow_the_read_before_them() {
    assert_eq!(
        run(users(Delta::ChangesAndGone), "p1", &["u1@2 -u3 >", "u1@3 -u2 =p2"]),
        [
            "page 0 since p1",
            "page 1 since p1",
            "changes [u1@3] after 50 gone [u2 u3] next p2 at 100 whole 40"
        ]
    );
    // Without a word on what is gone they are news and prove nothing.
    let news = run(users(Delta::Changes), "p1", &["u1 =p2"]);
    assert_eq!(news.last().map(String::as_str), Some("changes [u1] next p2 at 100 whole 40"));
}

#[test]
fn what_went_and_came_back_is_there_and_what_came_and_went_is_gone() {
    let told = run(users(Delta::ChangesAndGone), "p1", &["-u1 u2 >", "u1@2 -u2 =p2"]);
    assert_eq!(
        told.last().map(String::as_str),
        Some("changes [u1@2] after 50 gone [u2] next p2 at 100 whole 40")
    );
}

#[test]
fn a_place_that_is_forgotten_or_contradicted_leads_to_a_read_of_everything() {
    for first in ["reset", "u1 -u1 =p2"] {
        assert_eq!(
            run(users(Delta::ChangesAndGone), "p1", &[first, "u1 u2 =p3"]),
            ["page 0 since p1", "page 0 since nothing", "whole [u1 u2] next p3 at 100 whole 100"],
            "{first}"
        );
    }
    // Also one that is refused in words that no manifest knows.
    assert_eq!(
        run(users(Delta::ChangesAndGone), "p1", &["down", "u1 u2 =p3"]),
        ["page 0 since p1", "page 0 since nothing", "whole [u1 u2] next p3 at 100 whole 100"]
    );
    // In the midst of it too, and what came before counts for nothing.
    let told = run(users(Delta::ChangesAndGone), "p1", &["u9 >", "reset", "u1 =p3"]);
    assert_eq!(told.last().map(String::as_str), Some("whole [u1] next p3 at 100 whole 100"));
    // A system that forgets where everything begins is broken off, not asked for ever.
    let told = run(users(Delta::ChangesAndGone), "p1", &["reset", "reset"]);
    assert!(told.last().is_some_and(|line| line.starts_with("incomplete users:")), "{told:?}");
}

#[test]
fn changes_that_were_broken_off_prove_nothing_and_are_asked_for_again() {
    let told = run(users(Delta::ChangesAndGone), "p1", &["u1 -u2 >", "down"]);
    assert_eq!(
        told[2..],
        ["changes [u1] next p1 at 50 whole 40".to_owned(), "incomplete users: invalid: 500".to_owned()]
    );
}

#[test]
fn an_optional_read_that_is_denied_leaves_the_system_complete_and_itself_unknown() {
    let optional = ReadContract { optional: true, ..users(Delta::Never) };
    let told = run(optional.clone(), "", &["forbidden"]);
    assert_eq!(told[1..], ["changes []".to_owned(), "denied users: forbidden: no licence".to_owned()]);
    let told = run(users(Delta::Never), "", &["forbidden"]);
    assert_eq!(told.last().map(String::as_str), Some("incomplete users: forbidden: no licence"));
    let told = run(optional, "", &["down"]);
    assert_eq!(told.last().map(String::as_str), Some("incomplete users: invalid: 500"));
}

#[test]
fn reads_that_the_cycle_is_not_about_are_not_made() {
    let reader = Reader::new("acme", vec![users(Delta::Never)], Bounds::default());
    let only = ["groups".to_owned()].into();
    let scope = Scope { only, places: BTreeMap::new() };
    let (mut state, mut wanted) = (State::Idle, Vec::new());
    reader.step(&mut state, &Event::Begun { cycle: 1, at: 0, scope }, &mut wanted).expect("it begins");
    assert!(wanted.is_empty());
    assert!(matches!(reader.decide(&state), Some(Event::Ended { .. })));
}
