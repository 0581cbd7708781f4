//! The law: whatever the order of records, removals and decisions, the index comes to what all records at once come to.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_graph::identity::batch::{self, Answered};
use xops_graph::identity::block;
use xops_graph::identity::index::Index;
use xops_graph::identity::index::asked::Near;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::{Name, Record, Table};
use xops_kernel::canon::DigestKey;
use xops_kernel::id::EntityId;
use xops_kernel::identity::{
    Block, Comparator, Cut, Decision, Field, Key, Linkage, Normaliser, Part, Relation, Rules, Veto,
};

const KEY: DigestKey = DigestKey([7; 32]);
const TODAY: u32 = 20_260_101;

fn field(name: &str, compare: Comparator) -> Field {
    Field {
        name: name.to_owned(),
        columns: vec![vec![name.to_owned()]],
        normalise: vec![Normaliser::Fold],
        compare,
        frequencies: true,
        crosses: None,
        junk: vec!["none".to_owned()],
        shared_max: None,
        synonyms: Vec::new(),
        weights: BTreeMap::new(),
    }
}

/// Small rules under which chance makes every kind of trouble: keys that become too common, rivals, vetoes, chains.
fn rules(linkage: Linkage) -> Rules {
    let whole = |field| Part { field, cut: Cut::Whole };
    let block =
        |parts: &[usize], at_most| Block { parts: parts.iter().map(|f| whole(*f)).collect(), at_most };
    Rules {
        name: "person".to_owned(),
        linkage,
        same: 300,
        review: 0,
        members_max: 4,
        fields: vec![
            field("given", Comparator::Name),
            field("surname", Comparator::Name),
            field("born", Comparator::Code),
            field("email", Comparator::Exact),
        ],
        relations: vec![Relation { name: "household".to_owned(), shares: vec![1], per_thousand: 10 }],
        blocks: vec![block(&[0, 1], 3), block(&[2], 3), block(&[1], 5), block(&[3], 2)],
        keys: vec![Key { name: "mail and birth".to_owned(), fields: vec![2, 3] }],
        vetoes: vec![Veto { name: "a shared mailbox".to_owned(), agrees: vec![3], differs: vec![0, 1] }],
        ..Rules::default()
    }
}

fn model(rules: &Rules) -> Model {
    let weights = vec![
        [0, 500, 350, 200, 0, -300, 0],
        [0, 450, 300, 200, 0, -300, 0],
        [0, 600, 300, 100, 0, -400, 0],
        [0, 700, 0, 0, 0, -100, 0],
    ];
    let known = if rules.linkage == Linkage::OneToOne { 150 } else { 0 };
    let census = Table::new(Arc::new(rules.clone())).census();
    Model { weights, prior: -700, relations: vec![(0b10, 300)], census, known, same: rules.same }
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Insert(Record),
    Remove(String, String),
    Decide(Decision),
    Revoke(Decision),
}

fn record() -> impl Strategy<Value = Record> {
    let given = prop::sample::select(vec!["ann", "anna", "bob", "rob", ""]);
    let surname = prop::sample::select(vec!["chen", "chan", "smith", "smyth", ""]);
    let born = prop::sample::select(vec!["19800304", "19800403", "19711111", ""]);
    let email = prop::sample::select(vec!["a", "b", "none", ""]);
    (0..3_u8, 0..8_u8, given, surname, born, email).prop_map(|(system, id, given, surname, born, email)| {
        Record {
            system: format!("s{system}"),
            id: format!("r{id}"),
            values: [given, surname, born, email].map(str::to_owned).to_vec(),
        }
    })
}

fn decision() -> impl Strategy<Value = Decision> {
    let name = || (0..3_u8, 0..8_u8).prop_map(|(system, id)| format!("s{system}:r{id}"));
    (any::<bool>(), name(), name(), any::<bool>()).prop_map(|(same, left, right, ended)| Decision {
        same,
        left,
        right,
        author: "ann".to_owned(),
        why: "they met".to_owned(),
        until: Some(if ended { TODAY - 1 } else { TODAY }),
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => record().prop_map(Event::Insert),
        2 => (0..3_u8, 0..8_u8).prop_map(|(system, id)| Event::Remove(format!("s{system}"), format!("r{id}"))),
        1 => decision().prop_map(Event::Decide),
        1 => decision().prop_map(Event::Revoke),
    ]
}

/// What the events leave, resolved at once, the records in the order of names.
fn at_once(rules: &Rules, model: &Model, events: &[Event]) -> BTreeSet<Vec<Name>> {
    let (mut records, mut decisions) = (BTreeMap::new(), BTreeSet::new());
    for event in events {
        match event {
            Event::Insert(record) => {
                records.insert((record.system.clone(), record.id.clone()), record.clone());
            }
            Event::Remove(system, id) => drop(records.remove(&(system.clone(), id.clone()))),
            Event::Decide(decision) => drop(decisions.insert(decision.clone())),
            Event::Revoke(decision) => drop(decisions.remove(decision)),
        }
    }
    let mut rules = rules.clone();
    rules.decisions = decisions.into_iter().collect();
    let across = rules.linkage == Linkage::OneToOne;
    let mut table = Table::new(Arc::new(rules));
    for record in records.values() {
        table.add(record).unwrap();
    }
    table.settle(&model.census);
    let pairs = block::pairs(&table, across);
    let resolved = batch::resolve(&table, model, &pairs, TODAY, &mut |_, _, _| {});
    let names = |members: &Vec<u32>| {
        let mut names: Vec<Name> = members.iter().map(|row| table.name(*row).clone()).collect();
        names.sort();
        names
    };
    resolved.things.iter().map(|thing| names(&thing.members)).collect()
}

/// What an event changed, by the index.
fn happens(index: &mut Index, event: &Event) -> BTreeSet<EntityId> {
    match event {
        Event::Insert(record) => index.insert(record).unwrap(),
        Event::Remove(system, id) => index.remove(system, id),
        Event::Decide(decision) => index.decide(decision.clone()),
        Event::Revoke(decision) => index.revoke(decision),
    }
}

fn one_by_one(rules: &Rules, model: &Model, events: &[Event]) -> Index {
    let mut index = Index::new(Arc::new(rules.clone()), Arc::new(model.clone()), "acme", KEY, TODAY);
    for event in events {
        happens(&mut index, event);
    }
    index
}

/// By record: its thing, what may belong to that, and what is asked about it.
fn seen(index: &Index) -> BTreeMap<Name, (Option<Near>, Vec<Answered>)> {
    let names = index.things().into_iter().flatten();
    let seen = |name: &Name| (index.near(&name.system, &name.id), index.questions_of(&name.system, &name.id));
    names.map(|name| (name.clone(), seen(&name))).collect()
}

fn check(rules: &Rules, events: &[Event]) -> Result<(), TestCaseError> {
    let model = model(rules);
    let index = one_by_one(rules, &model, events);
    prop_assert_eq!(index.things(), at_once(rules, &model, events));
    // Every id that was ever issued leads somewhere, and all records of a thing lead to one id.
    for event in events {
        if let Event::Insert(record) = event {
            let found = index.thing_of(&record.system, &record.id).unwrap();
            prop_assert_eq!(index.resolve(found.id), Some(found.clone()));
            for name in &found.records {
                prop_assert_eq!(index.thing_of(&name.system, &name.id).unwrap().id, found.id);
            }
        }
    }
    Ok(())
}

/// Events on names of their own commute: the same events in another order.
fn shuffled(events: &[Event], by: u64) -> Vec<Event> {
    let records: BTreeMap<(String, String), Event> = events
        .iter()
        .filter_map(|event| match event {
            Event::Insert(record) => Some(((record.system.clone(), record.id.clone()), event.clone())),
            _ => None,
        })
        .collect();
    let mut keyed: Vec<(u64, Event)> = records
        .into_iter()
        .map(|((system, id), event)| {
            (xops_graph::identity::slots::hash(by, format!("{system} {id}").as_bytes()), event)
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, event)| event).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_order_of_events_gives_what_all_at_once_gives(events in prop::collection::vec(event(), 1..40)) {
        check(&rules(Linkage::Many), &events)?;
        check(&rules(Linkage::OneToOne), &events)?;
        check(&Rules { several: vec!["s1".to_owned()], ..rules(Linkage::OneToOne) }, &events)?;
    }

    #[test]
    fn an_event_weighs_anew_all_that_it_changes_and_tells_around_what(
        events in prop::collection::vec(event(), 1..40),
    ) {
        let several = Rules { several: vec!["s1".to_owned()], ..rules(Linkage::OneToOne) };
        for rules in [rules(Linkage::Many), rules(Linkage::OneToOne), several] {
            let mut index = one_by_one(&rules, &model(&rules), &[]);
            for event in &events {
                let before = seen(&index);
                let changed = happens(&mut index, event);
                prop_assert_eq!(index.strays(), []);
                let around = index.around(&changed);
                for (name, now) in seen(&index) {
                    prop_assert!(around.contains(&name) || before.get(&name) == Some(&now), "{:?}", name);
                }
            }
        }
    }

    #[test]
    fn the_order_of_records_leaves_no_trace(events in prop::collection::vec(event(), 1..40), by in any::<u64>()) {
        for linkage in [Linkage::Many, Linkage::OneToOne] {
            let rules = rules(linkage);
            let model = model(&rules);
            let (one, two) = (shuffled(&events, by), shuffled(&events, by ^ 1));
            let (one, two) = (one_by_one(&rules, &model, &one), one_by_one(&rules, &model, &two));
            prop_assert_eq!(one.things(), two.things());
            for things in one.things() {
                let name = &things[0];
                prop_assert_eq!(one.thing_of(&name.system, &name.id), two.thing_of(&name.system, &name.id));
            }
        }
    }
}

fn person(system: &str, id: &str, values: [&str; 4]) -> Record {
    Record { system: system.to_owned(), id: id.to_owned(), values: values.map(str::to_owned).to_vec() }
}

fn decided(same: bool, left: &str, right: &str, until: Option<u32>) -> Decision {
    let (left, right) = (left.to_owned(), right.to_owned());
    Decision { same, left, right, author: "ann".to_owned(), why: "they met".to_owned(), until }
}

#[test]
fn what_a_person_joined_comes_apart_again_and_every_id_still_leads_somewhere() {
    let rules = rules(Linkage::Many);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["ann", "chen", "19800304", ""])).unwrap();
    index.insert(&person("idp", "9", ["bob", "smith", "19711111", ""])).unwrap();
    let (one, two) = (index.thing_of("hr", "1").unwrap().id, index.thing_of("idp", "9").unwrap().id);
    assert_ne!(one, two);
    let join = decided(true, "hr:1", "idp:9", None);
    let changed = index.decide(join.clone());
    assert_eq!(changed, BTreeSet::from([one, two]));
    assert_eq!(index.resolve(two).unwrap().id, one);
    assert_eq!(index.resolve(two).unwrap().records.len(), 2);
    index.revoke(&join);
    assert_eq!(index.resolve(two).unwrap().id, two);
    index.remove("idp", "9");
    assert_eq!(index.resolve(two).unwrap().records, []);
    index.insert(&person("idp", "9", ["bob", "smith", "19711111", ""])).unwrap();
    assert_eq!(index.resolve(two).unwrap().records.len(), 1);
}

#[test]
fn a_decision_ends_on_its_day() {
    let rules = rules(Linkage::Many);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["ann", "chen", "19800304", ""])).unwrap();
    index.insert(&person("idp", "9", ["ann", "chen", "19800304", ""])).unwrap();
    assert_eq!(index.things().len(), 1);
    index.decide(decided(false, "hr:1", "idp:9", Some(TODAY + 1)));
    assert_eq!(index.things().len(), 2);
    index.go_on(TODAY + 1);
    assert_eq!(index.things().len(), 2);
    index.go_on(TODAY + 2);
    assert_eq!(index.things().len(), 1);
}

#[test]
fn a_third_record_does_not_bring_together_what_is_kept_apart() {
    let rules = rules(Linkage::Many);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.decide(decided(false, "hr:1", "hr:2", None));
    for (system, id) in [("hr", "1"), ("hr", "2"), ("idp", "9")] {
        index.insert(&person(system, id, ["ann", "chen", "19800304", ""])).unwrap();
    }
    let sizes: Vec<usize> = index.things().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 1, 1], "which of the two it is, is asked");
    assert_eq!(index.questions().len(), 2);
    index.insert(&person("idp", "9", ["ann", "chen", "19800304", "a"])).unwrap();
    index.insert(&person("hr", "2", ["ann", "chen", "19800304", "a"])).unwrap();
    let sizes: Vec<usize> = index.things().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 2], "a key tells");
}

#[test]
fn a_mailbox_that_was_given_out_again_joins_nobody() {
    let rules = rules(Linkage::Many);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["ann", "chen", "19800304", "a"])).unwrap();
    index.insert(&person("idp", "9", ["bob", "smith", "19800304", "a"])).unwrap();
    assert_eq!(index.things().len(), 2, "the key `mail and birth` holds, and so does the veto");
}

#[test]
fn two_records_that_a_person_joined_are_no_rivals() {
    let rules = rules(Linkage::OneToOne);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    for (system, id) in [("hr", "1"), ("hr", "2"), ("hr", "3"), ("idp", "9")] {
        index.insert(&person(system, id, ["ann", "chen", "19800304", ""])).unwrap();
    }
    assert_eq!(index.things().len(), 4);
    index.decide(decided(true, "hr:1", "hr:2", None));
    assert_eq!(index.things().len(), 3, "the third is still a rival");
    index.decide(decided(true, "hr:2", "hr:3", None));
    assert_eq!(index.things().len(), 1);
    index.revoke(&decided(true, "hr:1", "hr:2", None));
    assert_eq!(index.things().len(), 3);
}

#[test]
fn a_record_that_is_as_good_in_two_things_that_exclude_each_other_is_in_neither() {
    let rules = rules(Linkage::OneToOne);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    let two = [
        ("hr", "1", "19800304"),
        ("idp", "1", "19800304"),
        ("hr", "2", "19711111"),
        ("crm", "2", "19711111"),
    ];
    for (system, id, born) in two {
        index.insert(&person(system, id, ["ann", "chen", born, ""])).unwrap();
    }
    let before = index.things();
    assert_eq!(before.len(), 2);
    index.insert(&person("chat", "7", ["ann", "chen", "", ""])).unwrap();
    assert_eq!(
        index.thing_of("chat", "7").unwrap().records.len(),
        1,
        "it was not given to the first by name"
    );
    assert!(before.is_subset(&index.things()));
    assert!(!index.questions_of("chat", "7").is_empty());
    index.decide(decided(true, "chat:7", "crm:2", None));
    assert_eq!(index.thing_of("chat", "7").unwrap().records.len(), 3);
}

#[test]
fn a_record_that_is_as_good_for_one_of_a_thing_is_noticed_though_it_is_joined_to_nothing() {
    let rules = rules(Linkage::OneToOne);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["bob", "chen", "19800304", "a"])).unwrap();
    index.insert(&person("idp", "1", ["ann", "chen", "19800304", "a"])).unwrap();
    index.insert(&person("crm", "1", ["ann", "chen", "", ""])).unwrap();
    assert_eq!(index.things().len(), 1);
    index.insert(&person("hr", "2", ["anna", "chen", "", ""])).unwrap();
    let alone = index.thing_of("crm", "1").unwrap().records.len();
    assert_eq!((index.things().len(), alone), (3, 1), "it may be of the second of hr as well");
    index.remove("hr", "2");
    assert_eq!(index.things().len(), 1);
}

#[test]
fn two_records_that_no_longer_stand_together_are_rivals_for_whoever_is_like_both() {
    let rules = Rules { several: vec!["hr".to_owned()], ..rules(Linkage::OneToOne) };
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["ann", "chen", "19800304", "a"])).unwrap();
    index.insert(&person("hr", "2", ["ann", "chan", "19800304", ""])).unwrap();
    index.insert(&person("idp", "9", ["ann", "chan", "", "a"])).unwrap();
    index.insert(&person("crm", "1", ["bob", "smith", "19800304", ""])).unwrap();
    let together = |index: &Index| index.thing_of("idp", "9").unwrap().records.len();
    assert_eq!(together(&index), 3);
    // A fourth of this birthday: now it is too common a key, and the two are held against each other no longer.
    index.insert(&person("chat", "1", ["", "", "19800304", ""])).unwrap();
    assert_eq!((together(&index), index.strays()), (2, vec![]));
    index.remove("chat", "1");
    assert_eq!((together(&index), index.strays()), (3, vec![]));
}

#[test]
fn two_records_that_people_joined_by_way_of_a_third_are_no_rivals_for_a_fourth() {
    let rules = rules(Linkage::OneToOne);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    for (system, id) in [("hr", "1"), ("hr", "2"), ("crm", "7")] {
        index.insert(&person(system, id, ["ann", "chen", "19800304", ""])).unwrap();
    }
    index.insert(&person("idp", "9", ["bob", "smith", "19711111", ""])).unwrap();
    index.decide(decided(true, "hr:1", "idp:9", None));
    assert_eq!(index.things().len(), 3, "which of the two it is, is asked");
    let join = decided(true, "hr:2", "idp:9", None);
    index.decide(join.clone());
    assert_eq!((index.things().len(), index.strays()), (1, vec![]));
    index.revoke(&join);
    assert_eq!((index.things().len(), index.strays()), (3, vec![]));
}

#[test]
fn a_system_that_may_know_a_thing_more_than_once_has_no_rivals_within() {
    let rules = Rules { several: vec!["hr".to_owned()], ..rules(Linkage::OneToOne) };
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    for (system, id) in [("hr", "1"), ("hr", "2"), ("idp", "8")] {
        index.insert(&person(system, id, ["ann", "chen", "19800304", ""])).unwrap();
    }
    assert_eq!(index.things().len(), 1);
    index.insert(&person("idp", "9", ["ann", "chen", "19800304", ""])).unwrap();
    assert_eq!(
        index.things().iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1, 1],
        "two of idp are rivals still"
    );
}

#[test]
fn two_records_of_one_system_that_are_as_good_are_both_left_to_a_person() {
    let rules = rules(Linkage::OneToOne);
    let mut index = one_by_one(&rules, &model(&rules), &[]);
    index.insert(&person("hr", "1", ["ann", "chen", "19800304", ""])).unwrap();
    index.insert(&person("idp", "8", ["ann", "chen", "19800304", ""])).unwrap();
    assert_eq!(index.things().len(), 1);
    index.insert(&person("idp", "9", ["ann", "chen", "19800304", ""])).unwrap();
    assert_eq!(index.things().len(), 3);
    index.remove("idp", "8");
    assert_eq!(index.things().len(), 1);
}
