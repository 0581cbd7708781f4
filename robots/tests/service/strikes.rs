//! Strikes, one promise at a time.

use crate::entries::{self, World, ended, refused, request_id, requested};
use crate::{freed, struck};
use xops_kernel::culprit::{Culprit, STRIKES_WITHIN_MS};
use xops_kernel::log::What;
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::End;
use xops_robots::service::{Effect, Service};

/// A world with instance 1 under way and request 2 open.
fn under_fire() -> World {
    let mut world = World::default();
    world.start(1, 0, "one", &[]);
    world.take(&requested(2));
    world
}

/// Panics over something at these times, and writes down what follows.
fn strike(world: &mut World, over: &Culprit, times: &[u64]) {
    for at in times {
        world.take(&struck(over.clone(), *at));
        while let Some(decided) = Service.decide(&world.state) {
            world.take(&decided);
        }
    }
}

#[test]
fn what_panics_three_times_is_set_aside_and_wants_nothing_until_a_person_frees_it() {
    for (over, effect) in [
        (Culprit::Instance(1), Effect::Drive(1)),
        (Culprit::Request(request_id(2)), Effect::Compile(request_id(2))),
    ] {
        let mut world = under_fire();
        strike(&mut world, &over, &[10, 20]);
        assert!(Service.wanted(&world.state).contains(&effect), "{over} is tried again");
        assert!(!world.state.is_aside(&over));
        strike(&mut world, &over, &[30]);
        assert!(world.state.is_aside(&over));
        assert!(!Service.wanted(&world.state).contains(&effect), "{over} rests");
        assert_eq!(world.take(&freed(over.clone())), [effect]);
        strike(&mut world, &over, &[40, 50]);
        assert!(!world.state.is_aside(&over), "a release takes the strikes away");
    }
}

#[test]
fn a_panic_counts_for_a_day_and_no_longer() {
    let over = Culprit::Instance(1);
    let mut world = under_fire();
    strike(&mut world, &over, &[10, 20, 10 + STRIKES_WITHIN_MS]);
    assert_eq!((world.state.strikes_of(&over), world.state.is_aside(&over)), (2, false));
    strike(&mut world, &over, &[11 + STRIKES_WITHIN_MS]);
    assert!(world.state.is_aside(&over));
}

#[test]
fn what_is_over_takes_its_strikes_along_and_what_never_was_has_none() {
    let mut world = under_fire();
    strike(&mut world, &Culprit::Instance(1), &[1, 2, 3]);
    strike(&mut world, &Culprit::Instance(9), &[1, 2, 3]);
    strike(&mut world, &Culprit::Request(request_id(2)), &[1, 2]);
    world.take(&ended(1, End::Completed));
    world.take(&refused(2));
    assert!(world.state.strikes.is_empty(), "{:?}", world.state.strikes);
}

#[test]
fn a_journal_of_before_strikes_were_counted_folds() {
    let mut world = under_fire();
    let what = What::Poisoned { robot: "platform:put".to_owned(), message: "call".to_owned() };
    assert!(world.take(&entries::tenant(what)).is_empty());
    assert_eq!(world.state.aside().count(), 0);
}
