//! What xops sets and somebody else undoes, again and again, and what a person accepted.

use crate::entries::{World, compiled, ended, requested, tenant};
use xops_kernel::canon::DigestKey;
use xops_kernel::diff::Facet;
use xops_kernel::log::{Acknowledged, Compiled, Entry, What};
use xops_kernel::saga::event::End;
use xops_robots::service::pieces::Builder;
use xops_robots::service::swing::WINDOW_MS;

const KEY: DigestKey = DigestKey([7; 32]);

/// What a compilation for entity 1 came to now, that would do `work`.
fn next(world: &World, request: u8, work: &[&str]) -> Compiled {
    let entry = compiled(request, 1, world.state.numbers + 1, "one", work, "v");
    let Entry::Tenant(happened) = entry else { panic!("it is of the tenant") };
    let What::Compiled(compiled) = happened.what else { panic!("it is a plan") };
    *compiled
}

/// Lets so many instances create `a`, each of which finds undone what the one before set; the times for which the next would be held.
fn swung(times: u8) -> World {
    let mut world = World::default();
    for request in 1..=times {
        world.start(request, 1, "one", &["+a"]);
        world.take(&ended(u64::from(request), End::Completed));
    }
    world
}

fn check(world: &World, work: &[&str], now: u64, expect: &[usize]) {
    let compiled = next(world, 99, work);
    let flips = world.state.swings.flips(&compiled, now);
    assert_eq!(flips.iter().map(|flip| flip.swings.len()).collect::<Vec<_>>(), expect);
}

#[test]
fn the_third_swing_is_held_and_the_first_two_are_not() {
    check(&swung(0), &["+a"], 3, &[]);
    check(&swung(1), &["+a"], 3, &[]);
    check(&swung(2), &["+a"], 3, &[2]);
    check(&swung(2), &["+b"], 3, &[]);
}

#[test]
fn what_lies_longer_back_than_the_window_is_forgotten() {
    check(&swung(2), &["+a"], WINDOW_MS, &[2]);
    check(&swung(2), &["+a"], 2 + WINDOW_MS, &[]);
}

#[test]
fn what_stepped_back_or_was_taken_away_by_xops_itself_is_no_swing() {
    let mut world = swung(1);
    world.start(2, 1, "one", &["-a"]);
    world.take(&ended(2, End::Completed));
    check(&world, &["+a"], 3, &[]);
    let mut world = swung(1);
    world.start(2, 1, "one", &["+a"]);
    world.take(&ended(2, End::Undone));
    check(&world, &["+a"], 3, &[]);
}

#[test]
fn what_is_still_as_it_was_set_is_no_swing_though_something_else_is_wanted() {
    // It stands: the plan for it sets nothing of it.
    check(&swung(2), &["!a", "+b"], 3, &[]);
}

#[test]
fn a_person_who_releases_begins_anew() {
    let mut world = swung(2);
    let Entry::Tenant(mut happened) = requested(7) else { panic!("it is of the tenant") };
    let What::Requested(request) = &mut happened.what else { panic!("it is a request") };
    request.release = true;
    world.take(&Entry::Tenant(happened));
    let number = world.state.numbers + 1;
    world.take(&compiled(7, 1, number, "one", &["+a"], "v"));
    world.take(&ended(number, End::Completed));
    check(&world, &["+a"], 3, &[]);
}

#[test]
fn swings_and_acknowledgements_come_back_from_their_pieces() {
    let mut world = swung(2);
    let drift = next(&world, 9, &["+a"]).plan.steps[0].change.clone().expect("a change");
    world.take(&acknowledged(drift.facet(), 10));
    let mut builder = Builder::default();
    world
        .state
        .pieces(|piece| -> Result<(), ()> {
            builder.take(piece);
            Ok(())
        })
        .unwrap();
    let back = builder.build().expect("pieces of a state");
    assert_eq!((&back.swings, &back.acknowledged), (&world.state.swings, &world.state.acknowledged));
}

fn acknowledged(facet: &Facet, until: u64) -> Entry {
    let change = next(&World::default(), 9, &["+a"]).plan.steps[0].change.clone().expect("a change");
    assert_eq!(change.facet(), facet);
    let drift = xops_graph::drift::id_of(&change, &KEY);
    let (facet, by, why) = (facet.clone(), "ada".to_owned(), "it is being split".to_owned());
    tenant(What::Acknowledged(Box::new(Acknowledged { drift, facet, by, why, until })))
}

#[test]
fn what_a_person_accepted_is_known_until_its_end_and_only_for_what_they_saw() {
    let mut world = World::default();
    let plan = next(&world, 9, &["+a"]);
    let facet = plan.plan.steps[0].change.as_ref().expect("a change").facet().clone();
    assert!(world.state.accepted(&plan, &KEY, 1).is_none());
    world.take(&acknowledged(&facet, 10));
    assert_eq!(world.state.accepted(&plan, &KEY, 9).map(|held| held.by.as_str()), Some("ada"));
    assert!(world.state.accepted(&plan, &KEY, 10).is_none(), "it is over");
    assert!(world.state.accepted(&next(&world, 9, &["-a"]), &KEY, 9).is_none(), "that is another drift");
    // An end that is past takes it back.
    world.take(&acknowledged(&facet, 1));
    assert!(world.state.accepted(&plan, &KEY, 0).is_none());
}
