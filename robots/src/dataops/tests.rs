//! The reading machine, driven by a world that answers, fails and forgets.

use super::progress::{Answer, Bounds, Next, Target};
use super::reading::{Call, Effect, Event, Reader, Refused, Scope, State};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use xops_graph::reading::Reading;
use xops_kernel::machine::Machine;
use xops_kernel::port::{Outcome, ReadContract, Request};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::Values;

fn contract(name: &str, kind: &str, for_each: Option<&str>) -> ReadContract {
    let for_each = for_each.map(str::to_owned);
    let (name, kind) = (name.into(), kind.into());
    ReadContract { system: "okta".into(), name, kind, for_each, timeout_ms: 1_000, ..ReadContract::default() }
}

/// Users, groups, the members of each group, the keys of each member: a chain of reads beside a lone one.
fn contracts() -> Vec<ReadContract> {
    vec![
        contract("users", "user", None),
        contract("groups", "group", None),
        contract("members", "member", Some("group")),
        contract("keys", "key", Some("member")),
    ]
}

fn bounds() -> Bounds {
    Bounds { lanes_max: 2, attempts_max: 3, ..Bounds::default() }
}

fn record(kind: &str, id: &str) -> Record {
    let source = Source { system: "okta".into(), kind: kind.into(), id: id.into(), version: None };
    Record { source, attributes: Values::new(), read_at: 0, principal: "svc".into() }
}

fn request() -> Box<Request> {
    Box::new(Request {
        system: "okta".into(),
        method: "GET".into(),
        url: "https://okta.test/next".into(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: None,
        body: Vec::new(),
    })
}

fn begun(cycle: u64, at: u64) -> Event {
    Event::Begun { cycle, at, scope: Scope::default() }
}

fn page(kind: &str, ids: &[&str], more: bool) -> Answer {
    let next = more.then(|| Next { request: request(), carry: Values::new() });
    let records = ids.iter().map(|id| record(kind, id)).collect();
    Answer::Page { records, gone: Vec::new(), next, place: None }
}

/// What is under way, driven one event at a time.
struct World {
    reader: Reader,
    state: State,
    wanted: BTreeSet<Effect>,
    readings: Vec<Reading>,
    now: u64,
}

impl World {
    fn new(contracts: Vec<ReadContract>, bounds: Bounds) -> Self {
        let reader = Reader::new("acme", contracts, bounds);
        Self { reader, state: State::Idle, wanted: BTreeSet::new(), readings: Vec::new(), now: 0 }
    }

    /// Applies an event and whatever is decided after it, and holds the effects to what `wanted` gained.
    fn feed(&mut self, event: &Event) -> Result<(), Refused> {
        let mut next = Some(event.clone());
        while let Some(event) = next {
            let (kept, mut out) = (self.state.clone(), Vec::new());
            if let Err(refused) = self.reader.step(&mut self.state, &event, &mut out) {
                assert_eq!((&kept, out.len()), (&self.state, 0), "a refusal changes nothing");
                return Err(refused);
            }
            let wanted = self.reader.wanted(&self.state);
            let gained: BTreeSet<Effect> = wanted.difference(&self.wanted).cloned().collect();
            assert_eq!(gained, out.into_iter().collect(), "{event:?}");
            self.wanted = wanted;
            next = self.reader.decide(&self.state);
        }
        Ok(())
    }

    /// Performs one effect; calls are answered by `answer`.
    fn perform(&mut self, effect: &Effect, answer: &impl Fn(&Call) -> Answer) {
        self.now += 1;
        let event = match effect {
            Effect::Fetch(call) => Event::Answered { call: call.clone(), answer: answer(call), at: self.now },
            Effect::Wait { call, until } => {
                self.now = self.now.max(*until);
                Event::Waited { call: call.clone(), at: self.now }
            }
            Effect::Apply { cycle, target } => {
                self.readings
                    .push(self.state.taken(target).expect("it is there until it is applied").reading.clone());
                Event::Applied { cycle: *cycle, target: target.clone(), at: self.now }
            }
        };
        self.feed(&event).expect("what is wanted is taken");
    }

    /// Runs cycle 1 to its end, choosing among what is wanted by `choose`.
    fn run(&mut self, answer: impl Fn(&Call) -> Answer, mut choose: impl FnMut(usize) -> usize) {
        self.feed(&begun(1, 0)).unwrap();
        for _ in 0..10_000 {
            assert!(self.wanted.len() <= 2, "no more than the declared lanes");
            let Some(effect) = self.wanted.iter().nth(choose(self.wanted.len())).cloned() else { return };
            self.perform(&effect, &answer);
        }
        panic!("the cycle does not end");
    }

    /// The readings as `read(parameter) ids whole or why not`.
    fn transcript(&self) -> Vec<String> {
        let line = |reading: &Reading| {
            let ids: Vec<&str> = reading.records.iter().map(|record| record.source.id.as_str()).collect();
            let parameter = reading.parameter.as_deref().unwrap_or_default();
            let end = reading.failed.as_deref().unwrap_or("whole");
            format!("{}({parameter}) [{}] {end}", reading.read, ids.join(" "))
        };
        self.readings.iter().map(line).collect()
    }
}

fn estate(call: &Call) -> Answer {
    match (call.target.read.as_str(), call.target.parameter.as_deref(), call.page) {
        ("users", _, 0) => page("user", &["u1", "u2"], true),
        ("users", _, _) => page("user", &["u3"], false),
        ("groups", _, _) => page("group", &["g1", "g2"], false),
        ("members", Some("g1"), _) => page("member", &["m1"], false),
        ("members", _, _) => page("member", &[], false),
        _ => page("key", &["k1"], false),
    }
}

/// Runs a cycle in which `fail` says how a call fails, if it does.
fn check(fail: impl Fn(&Call) -> Option<Outcome>, state: &str, expect: &[&str]) {
    let mut world = World::new(contracts(), Bounds { lanes_max: 1, ..bounds() });
    world.run(|call| fail(call).map_or_else(|| estate(call), Answer::Failed), |_| 0);
    assert_eq!(world.transcript(), expect);
    assert_eq!(world.state.word(), state);
}

const WHOLE: [&str; 5] = [
    "users() [u1 u2 u3] whole",
    "groups() [g1 g2] whole",
    "members(g1) [m1] whole",
    "members(g2) [] whole",
    "keys(m1) [k1] whole",
];

#[test]
fn a_cycle_reads_everything_in_order_and_what_is_made_for_each_after_it() {
    check(|_| None, "complete", &WHOLE);
}

#[test]
fn a_page_that_fails_for_a_while_is_tried_again() {
    check(|call| (call.attempt < 3).then(|| Outcome::Transient("503".into())), "complete", &WHOLE);
}

#[test]
fn a_page_that_fails_for_good_breaks_off_its_own_read_only() {
    check(
        |call| (call.target.read == "users" && call.page == 1).then(|| Outcome::Unknown("reset".into())),
        "incomplete",
        &[
            "users() [u1 u2] unknown: reset after 3 tries",
            "groups() [g1 g2] whole",
            "members(g1) [m1] whole",
            "members(g2) [] whole",
            "keys(m1) [k1] whole",
        ],
    );
}

#[test]
fn what_hangs_on_a_read_that_was_broken_off_is_marked_along_the_chain() {
    check(
        |call| (call.target.parameter.as_deref() == Some("g2")).then(|| Outcome::Forbidden("region".into())),
        "incomplete",
        &[
            "users() [u1 u2 u3] whole",
            "groups() [g1 g2] whole",
            "members(g1) [m1] whole",
            "members(g2) [] forbidden: region",
            "keys(m1) [k1] it is made for each `member`, of which not all were read",
        ],
    );
    check(
        |call| (call.target.read == "groups").then(|| Outcome::Invalid("no".into())),
        "incomplete",
        &["users() [u1 u2 u3] whole", "groups() [] invalid: no"],
    );
}

#[test]
fn a_wait_that_is_too_long_ends_the_read_and_a_short_one_is_kept() {
    let limited = |ms| Some(Outcome::RateLimited { retry_after_ms: Some(ms) });
    let ask = |ms| {
        move |call: &Call| if call.target.read == "users" && call.attempt == 1 { limited(ms) } else { None }
    };
    check(ask(7_000), "complete", &WHOLE);
    let mut expect = WHOLE;
    expect[0] = "users() [] the system asks to wait 120001 ms, more than 120000";
    check(ask(120_001), "incomplete", &expect);
}

#[test]
fn a_cursor_that_never_ends_and_records_without_bound_end_at_their_bounds() {
    let endless = |_: &Call| page("user", &["u1", "u2"], true);
    let run = |bounds| {
        let mut world = World::new(vec![contract("users", "user", None)], bounds);
        world.run(endless, |_| 0);
        world.transcript()
    };
    assert_eq!(run(Bounds { pages_max: 2, ..bounds() }), ["users() [u1 u2 u1 u2] it has more than 2 pages"]);
    assert_eq!(run(Bounds { records_max: 3, ..bounds() }), ["users() [u1 u2 u1] it has more than 3 records"]);
    assert_eq!(
        run(Bounds { bytes_max: 5, ..bounds() }),
        ["users() [u1 u2] its records are larger than 5 bytes"]
    );
}

#[test]
fn more_parameters_than_declared_are_not_read_and_said() {
    let mut world = World::new(contracts(), Bounds { parameters_max: 1, ..bounds() });
    world.run(estate, |_| 0);
    let State::Ended { incomplete, .. } = &world.state else { panic!("it ended") };
    assert_eq!(incomplete["members"], "there are more than 1 `group`");
    assert_eq!(world.readings.iter().filter(|reading| reading.read == "members").count(), 1);
}

#[test]
fn a_read_for_each_of_a_kind_that_no_read_before_it_gives_is_incomplete() {
    let mut world = World::new(vec![contract("members", "member", Some("group"))], bounds());
    world.run(estate, |_| 0);
    assert_eq!(world.state.word(), "incomplete");
}

#[test]
fn late_answers_double_answers_and_other_cycles_are_refused() {
    let mut world = World::new(contracts(), bounds());
    world.feed(&begun(4, 0)).unwrap();
    assert_eq!(world.feed(&begun(5, 0)), Err(Refused::CannotBegin(5)));
    assert_eq!(world.feed(&Event::Ended { cycle: 4, at: 0 }), Err(Refused::WorkLeft(4)));
    let target = Target { read: "users".into(), parameter: None };
    let call = Call { cycle: 4, target, page: 0, attempt: 1 };
    let answer = |call: &Call| Event::Answered { call: call.clone(), answer: estate(call), at: 1 };
    assert_eq!(world.feed(&answer(&Call { cycle: 3, ..call.clone() })), Err(Refused::NotUnderWay(3)));
    world.feed(&answer(&call)).unwrap();
    assert!(matches!(world.feed(&answer(&call)), Err(Refused::Unwanted { .. })));
    assert!(world.state.next(&call.target).is_some(), "the second page has its request");
    world.feed(&Event::Abandoned { cycle: 4, at: 2 }).unwrap();
    assert!(world.wanted.is_empty(), "what is no longer wanted is cancelled");
    assert_eq!(world.feed(&begun(4, 3)), Err(Refused::CannotBegin(4)));
    world.feed(&begun(5, 3)).unwrap();
}

fn any_failure() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        4 => Just(None),
        2 => Just(Some(Outcome::Transient("503".into()))),
        1 => Just(Some(Outcome::RateLimited { retry_after_ms: None })),
        1 => Just(Some(Outcome::RateLimited { retry_after_ms: Some(500_000) })),
        1 => Just(Some(Outcome::Forbidden("no".into()))),
        1 => Just(Some(Outcome::AuthExpired)),
    ]
}

proptest! {
    #[test]
    fn whatever_fails_and_in_whatever_order_a_cycle_ends_and_never_calls_a_broken_read_whole(
        failures in prop::collection::vec(any_failure(), 1..40),
        order in prop::collection::vec(any::<usize>(), 1..40),
    ) {
        let mut world = World::new(contracts(), bounds());
        let (at, turn) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let answer = |call: &Call| {
            at.set(at.get() + 1);
            failures[at.get() % failures.len()].clone().map_or_else(|| estate(call), Answer::Failed)
        };
        world.run(answer, |wanted| {
            turn.set(turn.get() + 1);
            if wanted == 0 { 0 } else { order[turn.get() % order.len()] % wanted }
        });
        let whole: BTreeMap<(&str, &str), usize> = BTreeMap::from([
            (("users", ""), 3), (("groups", ""), 2), (("members", "g1"), 1), (("members", "g2"), 0), (("keys", "m1"), 1),
        ]);
        for reading in world.readings.iter().filter(|reading| reading.is_whole()) {
            let parameter = reading.parameter.as_deref().unwrap_or_default();
            prop_assert_eq!(whole[&(reading.read.as_str(), parameter)], reading.records.len());
        }
        let State::Ended { incomplete, .. } = &world.state else { panic!("it ended") };
        let broken: BTreeSet<&str> =
            world.readings.iter().filter(|reading| !reading.is_whole()).map(|reading| reading.read.as_str()).collect();
        prop_assert_eq!(broken, incomplete.keys().map(String::as_str).collect::<BTreeSet<_>>());
    }
}
