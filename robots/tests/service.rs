//! The machine of the Service robot, held to its laws over sequences of entries that nobody would think of, and to its promises
//! one by one.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own plans has failed")]

#[path = "service/entries.rs"]
mod entries;
#[path = "service/overtaken.rs"]
mod overtaken;
#[path = "service/strikes.rs"]
mod strikes;
#[path = "service/swings.rs"]
mod swings;
#[path = "service/who.rs"]
mod who;

use entries::{World, ended, refused, request_id, requested, unchanged};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::culprit::{Culprit, STRIKES_MAX};
use xops_kernel::log::{Entry, Happened, Scope, What};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::End;
use xops_robots::service::pieces::Builder;
use xops_robots::service::{Answer, Effect, Refused, Service, State};

/// Something that may happen, small enough that things meet.
#[derive(Clone, Debug)]
enum Happening {
    Requested(u8),
    Refused(u8),
    Unchanged(u8, u8),
    Deferred(u8, u8),
    /// A request, an entity, an outcome, what the plan does, and how far its number is off.
    Compiled(u8, u8, u8, u8, u64),
    Ended(u64, End),
    Paused(bool),
    Opened,
    /// An instance is overtaken by a request.
    Overtaken(u64, u8),
    /// An entity inherits what is known of another.
    Inherited(u8, u8),
    /// Two records are decided of, or that is taken back.
    Decided(u8, bool),
    /// What panicked (see [`culprit`]), and how many milliseconds later.
    Struck(u8, u64),
    Freed(u8),
}

/// An instance, a request or a read, by a number.
fn culprit(of: u8) -> Culprit {
    match of {
        0..=3 => Culprit::Instance(u64::from(of) + 1),
        4..=6 => Culprit::Request(request_id(of - 4)),
        _ => Culprit::Read { system: "okta".to_owned(), read: "users".to_owned() },
    }
}

fn struck(over: Culprit, at: u64) -> Entry {
    let what = What::Struck { over, robot: "platform.okta".to_owned(), doing: "answered".to_owned() };
    Entry::Tenant(Box::new(Happened { at, what }))
}

fn freed(over: Culprit) -> Entry {
    entries::tenant(What::Freed { over, by: "ada".to_owned() })
}

fn happening() -> impl Strategy<Value = Happening> {
    let end = prop_oneof![Just(End::Completed), Just(End::Undone), Just(End::Superseded)];
    let off = prop_oneof![9 => Just(0_u64), 1 => 1..3_u64];
    prop_oneof![
        4 => (0..6_u8).prop_map(Happening::Requested),
        1 => (0..6_u8).prop_map(Happening::Refused),
        1 => (0..6_u8, 0..3_u8).prop_map(|(request, entity)| Happening::Unchanged(request, entity)),
        3 => (0..6_u8, 0..3_u8).prop_map(|(request, entity)| Happening::Deferred(request, entity)),
        4 => (0..6_u8, 0..3_u8, 0..2_u8, 0..16_u8, off)
            .prop_map(|(request, entity, outcome, work, off)| {
                Happening::Compiled(request, entity, outcome, work, off)
            }),
        4 => (1..12_u64, end).prop_map(|(number, end)| Happening::Ended(number, end)),
        1 => any::<bool>().prop_map(Happening::Paused),
        1 => Just(Happening::Opened),
        1 => (0..4_u8, 0..4_u8).prop_map(|(from, to)| Happening::Inherited(from, to)),
        1 => (0..3_u8, any::<bool>()).prop_map(|(pair, back)| Happening::Decided(pair, back)),
        2 => (1..12_u64, 0..6_u8).prop_map(|(number, request)| Happening::Overtaken(number, request)),
        4 => (0..8_u8, 0..100_000_000_u64).prop_map(|(of, at)| Happening::Struck(of, at)),
        1 => (0..8_u8).prop_map(Happening::Freed),
    ]
}

/// The work of a plan, by the bits of a number: what it creates, what it removes, and what its lookups saw gone.
fn work(bits: u8) -> Vec<&'static str> {
    ["+a", "+b", "-a", "?b"]
        .into_iter()
        .enumerate()
        .filter(|(at, _)| bits & (1 << at) != 0)
        .map(|(_, it)| it)
        .collect()
}

fn entry(happening: &Happening, state: &State) -> Entry {
    match happening {
        Happening::Requested(request) => requested(*request),
        Happening::Refused(request) => refused(*request),
        Happening::Unchanged(request, entity) => unchanged(*request, *entity),
        Happening::Deferred(request, entity) => entries::deferred(*request, *entity),
        Happening::Compiled(request, entity, outcome, bits, off) => {
            let outcome = if *outcome == 0 { "one" } else { "two" };
            entries::compiled(*request, *entity, state.numbers + 1 + off, outcome, &work(*bits), "v")
        }
        Happening::Ended(number, end) => ended(*number, *end),
        Happening::Paused(on) => {
            let (scope, by) = (Scope::All, "ada".to_owned());
            entries::tenant(if *on {
                What::Paused { scope, by, why: "because".to_owned() }
            } else {
                What::Unpaused { scope, by }
            })
        }
        Happening::Inherited(from, to) => who::inherited(*from, *to),
        Happening::Decided(pair, back) => who::decided(*pair, true, None, *back, 1),
        Happening::Overtaken(number, request) => entries::overtaken(*number, *request),
        Happening::Struck(of, at) => struck(culprit(*of), *at),
        Happening::Freed(of) => freed(culprit(*of)),
        Happening::Opened => {
            entries::tenant(What::Opened { epoch: state.epoch + 1, version: "0.1.0".to_owned() })
        }
    }
}

/// The invariants of a state that its types do not say.
fn sound(state: &State) {
    let waiting: Vec<_> = state.deferred.values().flatten().collect();
    assert_eq!(waiting.iter().collect::<BTreeSet<_>>().len(), waiting.len(), "a request waits twice");
    assert!(waiting.iter().all(|id| state.open.contains_key(*id)), "what waits is open");
    assert!(
        state.deferred.keys().all(|entity| state.driven.contains_key(entity)),
        "it waits for an instance"
    );
    assert!(state.deferred.values().all(|queue| !queue.is_empty()), "an empty queue is left");
    for (entity, number) in &state.driven {
        assert_eq!(state.running.get(number).map(|running| running.entity), Some(*entity), "who drives runs");
    }
    assert!(
        state.running.keys().all(|number| (1..=state.numbers).contains(number)),
        "numbers are given once"
    );
    assert!(state.open.keys().all(|id| !state.answers.contains_key(id)), "an open request has no answer");
    let under_way = |number| state.running.contains_key(number) || state.shelved.contains_key(number);
    assert!(state.overtaken.keys().all(under_way), "what ended is overtaken by nobody");
    assert!(state.granted.values().all(|granted| !granted.is_empty()), "an empty grant is left");
    for (over, strikes) in &state.strikes {
        let gone = match over {
            Culprit::Instance(number) => !state.running.contains_key(number),
            Culprit::Request(id) => !state.open.contains_key(id),
            Culprit::Read { .. } | Culprit::System(_) => false,
        };
        assert!(!gone, "{over} is over and keeps its strikes");
        assert!(strikes.aside.is_some() || strikes.at.len() < STRIKES_MAX, "{over} has enough");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_a_step_asks_for_is_what_was_not_wanted_before(all in prop::collection::vec(happening(), 0..80)) {
        let mut state = State::default();
        for happening in &all {
            let entry = entry(happening, &state);
            let (before, wanted) = (state.clone(), Service.wanted(&state));
            let mut out = Vec::new();
            let stepped = Service.step(&mut state, &entry, &mut out);
            if stepped.is_err() {
                prop_assert_eq!(&state, &before, "a refused entry changes nothing");
            }
            let gained: Vec<Effect> = Service.wanted(&state).difference(&wanted).copied().collect();
            out.sort();
            prop_assert_eq!(out, gained, "{:?}", happening);
            while let Some(decided) = Service.decide(&state) {
                let mut out = Vec::new();
                prop_assert_eq!(Service.step(&mut state, &decided, &mut out), Ok(()));
                prop_assert!(out.is_empty(), "what is set aside wants nothing");
            }
            sound(&state);
        }
    }

    #[test]
    fn folding_twice_gives_one_state(all in prop::collection::vec(happening(), 0..80)) {
        let mut live = State::default();
        let mut journal = Vec::new();
        for happening in &all {
            let entry = entry(happening, &live);
            if Service.step(&mut live, &entry, &mut Vec::new()).is_ok() {
                journal.push(entry);
            }
            while let Some(decided) = Service.decide(&live) {
                prop_assert_eq!(Service.step(&mut live, &decided, &mut Vec::new()), Ok(()));
                journal.push(decided);
            }
        }
        let mut again = State::default();
        for entry in &journal {
            prop_assert_eq!(Service.step(&mut again, entry, &mut Vec::new()), Ok(()));
        }
        prop_assert_eq!(again, live);
    }

    #[test]
    fn the_pieces_of_a_state_make_it_again(all in prop::collection::vec(happening(), 0..80)) {
        let mut state = State::default();
        for happening in &all {
            let entry = entry(happening, &state);
            let _refused = Service.step(&mut state, &entry, &mut Vec::new());
        }
        let mut pieces = Vec::new();
        let _never = state.pieces(|piece| -> Result<(), ()> {
            pieces.push(piece);
            Ok(())
        });
        // The order of the pieces says nothing.
        pieces.reverse();
        let mut builder = Builder::default();
        for piece in pieces {
            builder.take(piece);
        }
        let mut again = builder.build().expect("pieces of a state");
        for (number, running) in &state.running {
            again.adopt(*number, Arc::clone(running));
        }
        prop_assert_eq!(again, state);
    }

    #[test]
    fn an_instance_that_was_put_away_comes_back_as_it_was(
        before in prop::collection::vec(happening(), 0..40),
        after in prop::collection::vec(happening(), 0..40),
        which in 1..12_u64,
    ) {
        let mut state = State::default();
        for happening in &before {
            let entry = entry(happening, &state);
            let _refused = Service.step(&mut state, &entry, &mut Vec::new());
        }
        let mut away = state.clone();
        let Some(running) = away.put_away(which, 7) else { return Ok(()) };
        prop_assert!(!away.running.contains_key(&which));
        prop_assert_eq!(
            Service.step(&mut away, &ended(which, End::Completed), &mut Vec::new()),
            Err(Refused::PutAway(which))
        );
        // What happens meanwhile to others happens the same whether it is at hand or not.
        for happening in &after {
            let entry = entry(happening, &state);
            if matches!(happening, Happening::Ended(number, _) if *number == which) {
                continue;
            }
            let (mut out, mut out_away) = (Vec::new(), Vec::new());
            let done = Service.step(&mut state, &entry, &mut out);
            prop_assert_eq!(Service.step(&mut away, &entry, &mut out_away), done);
            prop_assert_eq!(out_away, out);
        }
        prop_assert_eq!(away.bring_back(which, running), Some(7));
        prop_assert_eq!(away, state);
    }

    #[test]
    fn only_what_an_instance_created_is_ever_granted(all in prop::collection::vec(happening(), 0..80)) {
        let mut state = State::default();
        let mut created: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for happening in &all {
            let entry = entry(happening, &state);
            let running = state.running.clone();
            if Service.step(&mut state, &entry, &mut Vec::new()).is_ok()
                && let Happening::Ended(number, End::Completed | End::Superseded) = happening
                && let Some(running) = running.get(number)
            {
                created.entry(running.entity).or_default().extend(running.grants.keys().cloned());
            }
            who::pass_on(&entry, &mut created);
            for (entity, granted) in &state.granted {
                let created = created.get(entity).cloned().unwrap_or_default();
                prop_assert!(granted.keys().all(|facet| created.contains(facet)));
            }
        }
    }
}

#[test]
fn a_request_that_is_delivered_twice_is_one_request() {
    let mut world = World::default();
    assert_eq!(world.take(&requested(1)), [Effect::Compile(request_id(1))]);
    assert_eq!(world.take(&requested(1)), []);
    world.take(&unchanged(1, 1));
    assert_eq!(world.take(&requested(1)), [], "it has its answer");
    assert!(matches!(world.state.answers[&request_id(1)], Answer::Unchanged { satisfied: 1, .. }));
}

#[test]
fn what_was_deferred_runs_after_the_end_in_the_order_of_arrival() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    for request in [3, 2] {
        world.take(&requested(request));
        assert_eq!(world.take(&entries::deferred(request, 1)), []);
        assert_eq!(world.take(&entries::deferred(request, 1)), [], "it waits once");
    }
    let compile = |id| Effect::Compile(request_id(id));
    assert_eq!(world.take(&ended(1, End::Completed)), [compile(3), compile(2)]);
    assert!(world.state.deferred.is_empty());
}

#[test]
fn what_is_answered_while_it_waits_waits_no_longer() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    world.take(&requested(2));
    world.take(&entries::deferred(2, 1));
    world.take(&refused(2));
    assert_eq!(world.take(&ended(1, End::Completed)), []);
}

#[test]
fn a_deferral_that_comes_after_the_end_leaves_the_request_open() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    world.take(&requested(2));
    world.take(&ended(1, End::Completed));
    assert_eq!(world.take(&entries::deferred(2, 1)), [], "it was wanted all along");
    assert!(Service.wanted(&world.state).contains(&Effect::Compile(request_id(2))));
}

#[test]
fn an_instance_begins_with_the_next_number_and_ends_once() {
    let mut world = World::default();
    world.take(&requested(1));
    let wrong = entries::compiled(1, 1, 5, "one", &[], "v");
    assert_eq!(world.refuse(&wrong), Refused::OutOfOrder { given: 5, next: 1 });
    let stranger = entries::compiled(9, 1, 1, "one", &[], "v");
    assert_eq!(world.refuse(&stranger), Refused::NotOpen(request_id(9)));
    assert_eq!(world.take(&entries::compiled(1, 1, 1, "one", &[], "v")), [Effect::Drive(1)]);
    world.take(&ended(1, End::Completed));
    assert_eq!(world.refuse(&ended(1, End::Completed)), Refused::NotRunning(1));
    assert_eq!(world.state.ended[&End::Completed], 1);
}

#[test]
fn a_superseded_request_is_compiled_again_and_answered_anew() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a", "+b"]);
    assert_eq!(world.take(&ended(1, End::Superseded)), [Effect::Compile(request_id(1))]);
    assert!(!world.state.answers.contains_key(&request_id(1)), "the old answer is withdrawn");
    assert_eq!(world.take(&requested(1)), [], "it is open");
    assert_eq!(world.take(&entries::compiled(1, 1, 2, "one", &["+b"], "v")), [Effect::Drive(2)]);
    assert!(matches!(world.state.answers[&request_id(1)], Answer::Started(2, _)));
}

/// A facet by its name, as `granted` has it after `then`.
fn grants(then: impl FnOnce(&mut World)) -> Vec<String> {
    let mut world = World::default();
    then(&mut world);
    let granted = world.state.granted.values().flat_map(|of| of.keys());
    granted.map(|facet| facet.name.clone()).collect()
}

#[test]
fn what_an_instance_created_is_granted_when_it_completes_and_revoked_when_one_removes_it() {
    let complete = |world: &mut World| {
        world.start(1, 1, "one", &["+a", "+b"]);
        world.take(&ended(1, End::Completed));
    };
    assert_eq!(grants(complete), ["a", "b"]);
    let remove = |world: &mut World| {
        complete(world);
        world.start(2, 1, "one", &["-a"]);
        world.take(&ended(2, End::Completed));
    };
    assert_eq!(grants(remove), ["b"]);
    let step_back = |world: &mut World| {
        complete(world);
        world.start(2, 1, "one", &["-a"]);
        world.take(&ended(2, End::Undone));
    };
    assert_eq!(grants(step_back), ["a", "b"], "what was put back is ours as before");
    let undone = |world: &mut World| {
        world.start(1, 1, "one", &["+a"]);
        world.take(&ended(1, End::Undone));
    };
    assert_eq!(grants(undone), [""; 0]);
}

#[test]
fn what_is_found_gone_is_no_longer_granted() {
    let gone = |world: &mut World| {
        world.start(1, 1, "one", &["+a", "+b"]);
        world.take(&ended(1, End::Completed));
        // Somebody took `b` away, and whoever puts it there again is not us.
        world.start(2, 1, "two", &["?b", "+c"]);
    };
    assert_eq!(grants(gone), ["a"]);
}

#[test]
fn what_a_superseded_instance_created_is_granted_once_it_is_seen_there() {
    let superseded = |world: &mut World| {
        world.start(1, 1, "one", &["+a", "+b"]);
        world.take(&ended(1, End::Superseded));
    };
    assert_eq!(grants(superseded), [""; 0], "it is not known what was done");
    let again = |world: &mut World| {
        superseded(world);
        world.take(&entries::compiled(1, 1, 2, "one", &["!a", "+b"], "v"));
    };
    assert_eq!(grants(again), ["a"], "`a` is there, and `b` is yet to be created");
    let all_there = |world: &mut World| {
        superseded(world);
        world.take(&unchanged(1, 1));
    };
    assert_eq!(grants(all_there), ["a", "b"]);
    let another = |world: &mut World| {
        superseded(world);
        world.take(&requested(2));
        world.take(&unchanged(2, 1));
    };
    assert_eq!(grants(another), [""; 0], "another request says nothing of it");
}

/// Whether a plan for `outcome` from the fact `value` is held after `one` stepped back from the fact `v`.
fn held(then: impl FnOnce(&mut World), outcome: &str, value: &str) -> bool {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    world.take(&ended(1, End::Undone));
    then(&mut world);
    let Entry::Tenant(happened) = entries::compiled(9, 1, 9, outcome, &["+a"], value) else {
        panic!("an entry")
    };
    let What::Compiled(compiled) = happened.what else { panic!("a plan") };
    world.state.holds(&compiled).is_some()
}

#[test]
fn what_stepped_back_is_held_until_a_fact_changes_or_it_is_begun_again() {
    assert!(held(|_| (), "one", "v"));
    assert!(!held(|_| (), "one", "w"), "the fact changed");
    assert!(!held(|_| (), "two", "v"), "another outcome never stepped back");
    let begun = |world: &mut World| world.start(2, 1, "one", &["+a"]);
    assert!(!held(begun, "one", "v"), "somebody released it");
}

#[test]
fn a_hold_outlives_the_instances_of_other_outcomes() {
    let other = |end: End| {
        move |world: &mut World| {
            world.start(2, 1, "two", &["+b"]);
            world.take(&ended(2, end));
        }
    };
    assert!(held(other(End::Completed), "one", "v"));
    assert!(held(other(End::Undone), "one", "v"), "two outcomes are held side by side");
    assert!(held(other(End::Undone), "two", "v"));
}

#[test]
fn an_instance_that_ends_late_does_not_free_the_entity_of_another() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    world.start(2, 1, "two", &["+b"]);
    world.take(&requested(3));
    world.take(&entries::deferred(3, 1));
    assert_eq!(world.take(&ended(1, End::Completed)), [], "the other one still drives it");
    assert_eq!(world.take(&ended(2, End::Completed)), [Effect::Compile(request_id(3))]);
}

#[test]
fn a_pause_covers_what_its_scope_says() {
    let mut world = World::default();
    let instance = xops_kernel::id::InstanceId([3; 16]);
    let over = |state: &State| state.pause_over(instance, "EMP-R-001", "identity", "okta");
    assert_eq!(over(&world.state), None);
    for scope in
        ["all", "domain:identity", "system:okta", "runbook:EMP-R-001", &format!("instance:{instance}")]
    {
        let scope: Scope = scope.parse().unwrap();
        let (by, why) = ("ada".to_owned(), "because".to_owned());
        world.take(&entries::tenant(What::Paused { scope: scope.clone(), by: by.clone(), why }));
        assert_eq!(over(&world.state), Some(scope.clone()));
        assert_eq!(
            world.state.pause_over(instance, "other", "other", "other").is_some(),
            scope == Scope::All || scope == Scope::Instance(instance)
        );
        world.take(&entries::tenant(What::Unpaused { scope, by }));
        assert_eq!(over(&world.state), None);
    }
}
