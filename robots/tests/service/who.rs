//! What people decided of records, and what an id inherits from one whose record is gone.

use crate::entries::{World, compiled, ended, entity_id, request_id, tenant};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId, RequestId};
use xops_kernel::identity::Decision;
use xops_kernel::log::{Decided, Entry, Erased, Happened, What};
use xops_kernel::saga::event::End;
use xops_robots::service::State;
use xops_robots::service::pieces::Builder;

/// A day in milliseconds, the first of them the second of January 1970.
const DAY: u64 = 86_400_000;

pub(crate) fn inherited(from: u8, to: u8) -> Entry {
    tenant(What::Inherited { from: entity_id(from), to: entity_id(to) })
}

pub(crate) fn decided(pair: u8, same: bool, until: Option<u32>, taken_back: bool, at: u64) -> Entry {
    let (left, right) = (format!("hr:{pair}"), format!("idp:{pair}"));
    let (author, why) = ("ada".to_owned(), "she knows".to_owned());
    let decision = Decision { same, left, right, author, why, until };
    let id = Decided::id_of("acme", "person", &decision, false);
    let (kind, entities) = ("person".to_owned(), vec![entity_id(pair)]);
    let decided = Decided { id, kind, decision, taken_back, declared: false, entities };
    Entry::Tenant(Box::new(Happened { at, what: What::Decided(Box::new(decided)) }))
}

/// Lets the one that inherits have created what the other one created.
pub(crate) fn pass_on(entry: &Entry, created: &mut BTreeMap<EntityId, BTreeSet<Facet>>) {
    if let Entry::Tenant(happened) = entry
        && let What::Inherited { from, to } = happened.what
    {
        let theirs = created.get(&from).cloned().unwrap_or_default();
        let theirs = theirs.into_iter().map(|facet| Facet { entity: to, ..facet });
        created.entry(to).or_default().extend(theirs);
    }
}

fn answers(state: &State) -> Vec<(&str, bool)> {
    state.decided.values().map(|it| (it.decision.left.as_str(), it.decision.same)).collect()
}

fn back(state: &State) -> State {
    let mut builder = Builder::default();
    let taken = state.pieces(|piece| -> Result<(), ()> {
        builder.take(piece);
        Ok(())
    });
    taken.unwrap();
    builder.build().unwrap()
}

#[test]
fn what_was_granted_swung_and_held_under_an_old_id_counts_for_the_one_that_stands_for_it() {
    let mut world = World::default();
    for request in 1..=2 {
        world.start(request, 1, "one", &["+a"]);
        world.take(&ended(u64::from(request), End::Completed));
    }
    world.start(3, 1, "one", &["!a", "+b"]);
    world.take(&ended(3, End::Undone));
    assert!(world.state.knows(entity_id(1)) && !world.state.knows(entity_id(2)));

    world.take(&inherited(1, 2));
    assert!(!world.state.knows(entity_id(1)) && world.state.knows(entity_id(2)));
    let granted = world.state.losable(entity_id(2));
    assert_eq!(
        granted.keys().map(|it| (it.entity, it.name.as_str())).collect::<Vec<_>>(),
        [(entity_id(2), "a")]
    );
    let next = |work: &[&str]| {
        let Entry::Tenant(happened) = compiled(9, 2, world.state.numbers + 1, "one", work, "v") else {
            panic!("it is of the tenant")
        };
        let What::Compiled(compiled) = happened.what else { panic!("it is a plan") };
        compiled
    };
    assert!(world.state.holds(&next(&["+b"])).is_some(), "it is held as it was");
    assert_eq!(world.state.swings.flips(&next(&["+a"]), 3).len(), 1, "and nobody fights over it anew");
    assert_eq!(back(&world.state), world.state);

    // What is taken away is gone, under whichever id it was granted.
    world.start(4, 2, "two", &["-a"]);
    world.take(&ended(4, End::Completed));
    assert!(world.state.losable(entity_id(2)).is_empty() && world.state.losable(entity_id(1)).is_empty());
}

#[test]
fn what_an_entity_knew_itself_holds_over_what_it_inherits() {
    let mut world = World::default();
    world.start(1, 1, "one", &["+a", "+b"]);
    world.take(&ended(1, End::Completed));
    world.start(2, 2, "one", &["+a"]);
    world.take(&ended(2, End::Completed));
    world.take(&inherited(1, 2));
    assert_eq!(world.state.losable(entity_id(2)).len(), 2);
    world.take(&inherited(2, 2));
    assert_eq!(world.state.losable(entity_id(2)).len(), 2, "nobody inherits from themselves");
}

#[test]
fn a_decision_holds_until_it_is_taken_back_or_over_or_its_subject_is_erased() {
    let mut world = World::default();
    world.take(&decided(1, true, None, false, DAY));
    world.take(&decided(1, false, None, false, DAY));
    assert_eq!(answers(&world.state), [("hr:1", false)], "the last word on two records holds");
    assert_eq!(back(&world.state).decided, world.state.decided);
    world.take(&decided(1, true, None, true, DAY));
    assert_eq!(answers(&world.state), []);

    world.take(&decided(2, true, Some(19_700_103), false, DAY));
    world.take(&decided(3, true, None, false, 2 * DAY));
    assert_eq!(world.state.decided.len(), 2, "on its last day it holds");
    world.take(&decided(3, true, None, false, 3 * DAY));
    assert_eq!(answers(&world.state), [("hr:3", true)]);

    let id: RequestId = *world.state.decided.keys().next().unwrap();
    let erased = Erased {
        name: Digest::default(),
        entities: vec![entity_id(3)],
        requests: vec![id, request_id(9)],
        subjects: vec![],
        instances: vec![],
        by: "ada".to_owned(),
    };
    world.take(&tenant(What::Erased(Box::new(erased))));
    assert_eq!(answers(&world.state), []);
}
