//! Work with precedence: what is overtaken, what takes its place, and what is known of it then.

use crate::entries::{self, World, ended, request_id, requested};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::End;
use xops_robots::service::{Answer, Effect, Service};

#[test]
fn what_is_overtaken_is_told_once_and_gives_its_place_to_what_waits() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a", "+b"]);
    world.take(&requested(2));
    assert_eq!(world.take(&entries::overtaken(1, 2)), [], "the request does not wait for it");
    world.take(&entries::deferred(2, 1));
    assert_eq!(world.take(&entries::overtaken(1, 2)), [Effect::Overtake(1)]);
    assert_eq!(world.take(&entries::overtaken(1, 2)), []);
    assert!(Service.wanted(&world.state).contains(&Effect::Overtake(1)), "until it ends");
    // Its own request is not compiled again: the one that overtook it is.
    assert_eq!(world.take(&ended(1, End::Superseded)), [Effect::Compile(request_id(2))]);
    assert!(matches!(world.state.answers[&request_id(1)], Answer::Started(1, _)), "what became of it stays");
    let parent = world.state.superseded.values().next().copied();
    assert_eq!(parent.map(|plan| plan.0.0), Some([1; 32]), "the next plan names the one that it supersedes");
    // What it may have created may be taken back by that plan.
    let entity = *world.state.superseded.keys().next().unwrap();
    assert_eq!(world.state.losable(entity).len(), 2);
    world.take(&entries::compiled(2, 1, 2, "two", &["-a", "?b"], "v"));
    assert!(world.state.superseded.is_empty());
    world.take(&ended(2, End::Completed));
    assert!(world.state.losable(entity).is_empty());
}

#[test]
fn what_is_overtaken_and_completes_first_leaves_nothing_of_it() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a"]);
    world.take(&requested(2));
    world.take(&entries::deferred(2, 1));
    world.take(&entries::overtaken(1, 2));
    assert_eq!(world.take(&ended(1, End::Completed)), [Effect::Compile(request_id(2))]);
    assert!(world.state.overtaken.is_empty() && world.state.superseded.is_empty());
    assert_eq!(world.take(&entries::overtaken(1, 2)), [], "and one that is over is not overtaken");
}
