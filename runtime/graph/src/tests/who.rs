//! Who is who by rules: joining, parting, what is asked about, and that no order shows.

use super::column::{any_reading, digests, told_plainly};
use super::world::{NOW, empty};
use super::*;
use crate::exception::Kind;
use proptest::prelude::*;
use std::collections::BTreeSet;
use xops_kernel::identity::{
    Block, Comparator, Cut, Decision, Field, Joining, Linkage, Normaliser, Part, Relation, Rules, Veto,
};

fn field(name: &str, compare: Comparator, normalise: Normaliser, junk: &[&str]) -> Field {
    Field {
        name: name.to_owned(),
        columns: vec![vec![name.to_owned()]],
        normalise: vec![normalise],
        compare,
        frequencies: false,
        crosses: None,
        junk: junk.iter().map(|word| (*word).to_owned()).collect(),
        shared_max: None,
        synonyms: Vec::new(),
        weights: BTreeMap::new(),
    }
}

/// Small rules for people, as shipped ones are: a system knows a person once, and workday may more than once.
fn rules(decisions: Vec<Decision>) -> Rules {
    let block = |fields: &[usize]| Block {
        parts: fields.iter().map(|field| Part { field: *field, cut: Cut::Whole }).collect(),
        at_most: 8,
    };
    Rules {
        name: "person".to_owned(),
        linkage: Linkage::OneToOne,
        several: vec!["workday".to_owned()],
        same: 700,
        review: -100,
        members_max: 8,
        fields: vec![
            field("given", Comparator::Name, Normaliser::Fold, &[]),
            field("surname", Comparator::Name, Normaliser::Fold, &[]),
            field("email", Comparator::Email, Normaliser::Email, &[]),
            field("born", Comparator::Date, Normaliser::Date, &[]),
            field("serial", Comparator::Code, Normaliser::Alphanumeric, &["defaultstring"]),
        ],
        relations: vec![Relation { name: "twins".to_owned(), shares: vec![1, 3], per_thousand: 10 }],
        blocks: vec![block(&[2]), block(&[0, 1]), block(&[1, 3]), block(&[4])],
        vetoes: vec![Veto { name: "a mailbox".to_owned(), agrees: vec![2], differs: vec![0, 1] }],
        decisions,
        ..Rules::default()
    }
}

fn identities(decisions: Vec<Decision>) -> BTreeMap<String, Joining> {
    let joining = Joining { rules: Arc::new(rules(decisions)), current: "since".to_owned() };
    BTreeMap::from([("person".to_owned(), joining)])
}

fn decision(same: bool, left: &str, right: &str, until: Option<u32>) -> Decision {
    let (left, right) = (left.to_owned(), right.to_owned());
    Decision { same, left, right, author: "ann".to_owned(), why: "she was asked".to_owned(), until }
}

fn ruled(decisions: Vec<Decision>) -> Graph {
    let mut declared = declarations();
    for system in declared.systems.values_mut() {
        system.max_age_ms = u64::MAX;
    }
    let mut graph = Graph::new(Arc::new(declared), DigestKey([7; 32]));
    graph.identify(&identities(decisions));
    graph
}

/// What each id that was ever minted shows: where it leads, who it is, and what is joined to it.
fn show_all(graph: &Graph) -> Vec<String> {
    graph.nodes.keys().map(|entity| show_one(graph, *entity)).collect()
}

fn show_one(graph: &Graph, entity: EntityId) -> String {
    let canonical = graph.canonical(entity);
    let joined = ["workday", "okta", "slack"].map(|system| match graph.link(entity, system, 1) {
        Observation::Present(record) => record.source.id,
        Observation::Absent(_) => "-".to_owned(),
        Observation::Unknown(doubt) => format!("?{:?}", doubt.reason),
    });
    let name = graph.handle(entity).unwrap_or_default();
    let moved = if canonical == entity { "" } else { "leads on: " };
    format!("{moved}{name} {}", joined.join(" "))
}

fn check_all(readings: &[Reading], decisions: Vec<Decision>, expect: &[&str]) -> Graph {
    let mut graph = ruled(decisions);
    for reading in readings {
        graph.apply(reading.clone());
    }
    let shown: BTreeSet<String> = graph.entities("person").map(|entity| show_one(&graph, entity)).collect();
    assert_eq!(shown.iter().map(String::as_str).collect::<Vec<_>>(), expect);
    graph
}

const ANN: &str =
    "workday.worker/w1 handle=ann given=Ann surname=Chen email=ann@acme.com born=1980-03-04 since=2020-01-01";
const ANN_OKTA: &str = "okta.user/u1 given=Ann surname=Chen email=ann@acme.com login=ann";

#[test]
fn a_person_is_joined_by_what_agrees_and_not_by_one_key() {
    let renamed = "okta.user/u1 given=Ann surname=Chen email=achen@acme.com born=1980-03-04 login=ann";
    check_all(
        &[reading("workday.worker", 1, &[ANN]), reading("okta.user", 1, &[renamed])],
        vec![],
        &["ann w1 u1 ?NeverRead"],
    );
}

#[test]
fn a_rehire_with_a_new_id_is_one_person_and_the_newest_employment_holds() {
    let again = "workday.worker/w2 handle=ann.chen given=Ann surname=Chen email=ann@acme.com born=1980-03-04 since=2025-06-01";
    let readings = [reading("workday.worker", 1, &[ANN, again]), reading("okta.user", 1, &[ANN_OKTA])];
    let graph = check_all(&readings, vec![], &["ann.chen w2 u1 ?NeverRead"]);
    let ids: Vec<EntityId> = graph.nodes.keys().copied().collect();
    assert_eq!(ids.len(), 2, "both ids were minted");
    let one = graph.canonical(ids[0]);
    assert_eq!(graph.canonical(ids[1]), one, "and both lead to one entity");
    assert_eq!(graph.ids_of(one), ids.iter().copied().collect());
    assert_eq!(graph.find_handle("person", "ann.chen"), Found::One(one));
    assert_eq!(graph.facts(ids[0], 1), graph.facts(ids[1], 1));
    let told = graph.joined_by(one);
    assert_eq!(told.len(), 2, "{told:?}");
    // A decision takes it apart, and both are who they were.
    check_all(
        &readings,
        vec![decision(false, "workday:w1", "workday:w2", None)],
        &["ann w1 ?Conflict ?NeverRead", "ann.chen w2 ?Conflict ?NeverRead"],
    );
}

#[test]
fn a_recycled_address_of_mail_never_merges_two_people() {
    let gone = "workday.worker/w1 handle=ann given=Ann surname=Chen email=it@acme.com born=1980-03-04 since=2020-01-01";
    let new = "workday.worker/w9 handle=bob given=Bob surname=Smith email=it@acme.com born=1991-11-12 since=2026-01-01";
    let account = "okta.user/u1 given=Ann surname=Chen email=it@acme.com login=ann";
    let readings = [reading("workday.worker", 1, &[gone, new]), reading("okta.user", 1, &[account])];
    check_all(&readings, vec![], &["ann w1 u1 ?NeverRead", "bob w9 - ?NeverRead"]);
}

#[test]
fn twins_are_never_merged_and_a_nameless_account_of_one_of_them_is_asked_about() {
    let twins = [
        "workday.worker/w1 handle=ann given=Ann surname=Chen born=1980-03-04 since=2020-01-01",
        "workday.worker/w2 handle=eva given=Eva surname=Chen born=1980-03-04 since=2020-01-01",
    ];
    let account = "okta.user/u1 surname=Chen born=1980-03-04";
    let readings = [reading("workday.worker", 1, &twins), reading("okta.user", 1, &[account])];
    let graph = check_all(&readings, vec![], &["ann w1 ?Conflict ?NeverRead", "eva w2 ?Conflict ?NeverRead"]);
    let exceptions = graph.exceptions(1);
    let asked: Vec<_> =
        exceptions.iter().filter(|exception| exception.kind == Kind::AmbiguousIdentity).collect();
    assert!(asked.len() >= 2, "{exceptions:?}");
    for exception in asked {
        assert_eq!(exception.lineage.len(), 2);
        assert!(exception.blocks.contains(&"person's link to okta".to_owned()), "{exception:?}");
        assert!(!exception.blocks.contains(&"person.handle".to_owned()), "only what depends on it waits");
        assert!(exception.resolves.contains("if `"), "{}", exception.resolves);
    }
    let eva = decision(true, "workday:w2", "okta:u1", None);
    let two = decision(false, "workday:w1", "workday:w2", None);
    check_all(&readings, vec![eva, two], &["ann w1 - ?NeverRead", "eva w2 u1 ?NeverRead"]);
}

#[test]
fn a_placeholder_serial_joins_nobody() {
    let workers = [
        "workday.worker/w1 handle=a serial=default-string given=Ann since=1",
        "workday.worker/w2 handle=b serial=default-string given=Bob since=1",
    ];
    let account = "okta.user/u1 serial=Default-String";
    let readings = [reading("workday.worker", 1, &workers), reading("okta.user", 1, &[account])];
    let graph = check_all(&readings, vec![], &["a w1 - ?NeverRead", "b w2 - ?NeverRead"]);
    assert_eq!(graph.questions(), []);
}

#[test]
fn a_decision_ends_with_the_day_on_which_readings_begin() {
    const DAY: Millis = 86_400_000;
    let bob = "okta.user/u2 given=Bob surname=Smith login=bob";
    let readings = |at| [reading("workday.worker", at, &[ANN]), reading("okta.user", at, &[bob])];
    let mut graph = ruled(vec![decision(true, "workday:w1", "okta:u2", Some(19_700_102))]);
    for reading in readings(1) {
        graph.apply(reading);
    }
    let ann = graph.entities("person").next().expect("she is there");
    assert_eq!(show_one(&graph, ann), "ann w1 u2 ?NeverRead");
    let touched = graph.apply(reading("okta.user", 3 * DAY, &[bob]));
    assert_eq!(show_one(&graph, ann), "ann w1 - ?NeverRead");
    assert!(touched.entities.contains(&ann));
}

#[test]
fn an_entity_whose_record_is_gone_has_no_links_and_comes_back_as_itself() {
    let mut graph = ruled(vec![]);
    graph.apply(reading("okta.user", 1, &[ANN_OKTA]));
    graph.apply(reading("workday.worker", 1, &[ANN]));
    let ann = graph.entities("person").next().expect("she is there");
    graph.apply(reading("workday.worker", 2, &[]));
    assert_eq!(graph.kind(ann), Some("person"));
    assert!(matches!(graph.link(ann, "okta", 2), Observation::Unknown(_)));
    graph.apply(reading("workday.worker", 3, &[ANN]));
    assert_eq!(show_one(&graph, ann), "ann w1 u1 ?NeverRead");
}

#[test]
fn a_question_that_goes_because_a_place_was_taken_elsewhere_touches_whoever_it_was_about() {
    let mut graph = ruled(vec![]);
    let rules = Rules { same: 600, ..rules(vec![]) };
    let joining = Joining { rules: Arc::new(rules), current: "since".to_owned() };
    graph.identify(&BTreeMap::from([("person".to_owned(), joining)]));
    let workers = [
        "workday.worker/w1 handle=ann email=z@acme.com born=1980-03-04 serial=abc123456",
        "workday.worker/w2 handle=eva email=b@acme.com",
    ];
    let account = "okta.user/u2 given=Ann surname=Smith email=b@acme.com";
    graph.apply(reading("workday.worker", 1, &workers));
    graph.apply(reading("okta.user", 1, &[account]));
    graph.apply(reading(
        "slack.user",
        1,
        &["slack.user/s1 given=Ann surname=Smith email=z@acme.com born=1980-03-04"],
    ));
    let Found::One(eva) = graph.find_handle("person", "eva") else { panic!("she is there") };
    assert_eq!(show_one(&graph, eva), "eva w2 u2 ?Conflict", "the slack account may be hers");
    // Ann turns out to have an okta account of her own, known by the serial of her laptop: so hers is not Eva's.
    let touched = graph.apply(reading("okta.user", 2, &[account, "okta.user/u9 serial=abc123456"]));
    assert_eq!(show_one(&graph, eva), "eva w2 u2 -");
    assert!(touched.entities.contains(&eva));
}

#[test]
fn columns_hear_of_a_record_of_one_system_that_brings_together_those_of_others() {
    let account = Field {
        columns: vec![vec!["login".to_owned()]],
        ..field("account", Comparator::Code, Normaliser::Fold, &[])
    };
    let whole = |field| Block { parts: vec![Part { field, cut: Cut::Whole }], at_most: 8 };
    let rules = Rules {
        fields: vec![field("email", Comparator::Code, Normaliser::Fold, &[]), account],
        relations: Vec::new(),
        vetoes: Vec::new(),
        blocks: vec![whole(0), whole(1)],
        same: 500,
        ..rules(vec![])
    };
    let joining = Joining { rules: Arc::new(rules), current: "title".to_owned() };
    let (mut graph, mut columns) = empty();
    graph.identify(&BTreeMap::from([("person".to_owned(), joining)]));
    let readings = [
        reading("workday.worker", 1, &["workday.worker/w1 handle=ann email=ann@acme.com title=Engineer"]),
        reading("okta.user", 1, &["okta.user/u1 login=ann9 title=Lead"]),
        reading("slack.user", 1, &["slack.user/s1 login=ann9 email=ann@acme.com"]),
    ];
    for reading in &readings {
        let touched = graph.apply(reading.clone());
        columns.follow(&graph, &reading.system, &touched, NOW);
    }
    let ann = graph.entities("person").next().expect("she is there");
    assert!(graph.link(ann, "okta", NOW).presence().is_some(), "slack brought them together");
    let (_, mut filled) = empty();
    filled.fill(&graph, NOW);
    assert_eq!(digests(&columns), digests(&filled));
}

fn a_record(system: &'static str) -> impl Strategy<Value = String> {
    let kind = if system == "workday" { "worker" } else { "user" };
    let given = prop::sample::select(vec!["Ann", "Anna", "Bob"]);
    let surname = prop::sample::select(vec!["Chen", "Smith"]);
    let email = prop::sample::select(vec!["a@x.com", "b@x.com", "null"]);
    let born = prop::sample::select(vec!["1980-03-04", "1980-04-03", "null"]);
    (0..4_u8, given, surname, email, born, 0..3_u8).prop_map(move |(id, given, surname, email, born, since)| {
        format!(
            "{system}.{kind}/{system}{id} handle=h{id} given={given} surname={surname} email={email} born={born} since={since}"
        )
    })
}

fn a_reading() -> impl Strategy<Value = Reading> {
    let of = |system: &'static str, place: &'static str| {
        (prop::collection::vec(a_record(system), 0..4), 1..4_u64, any::<bool>()).prop_map(
            move |(records, day, whole)| {
                let records: BTreeMap<String, String> = records
                    .into_iter()
                    .map(|text| (text.split(' ').next().unwrap_or_default().to_owned(), text))
                    .collect();
                let texts: Vec<&str> = records.values().map(String::as_str).collect();
                let at = day * 86_400_000;
                if whole { reading(place, at, &texts) } else { partial(place, at, &texts) }
            },
        )
    };
    prop_oneof![of("workday", "workday.worker"), of("okta", "okta.user"), of("slack", "slack.user")]
}

fn some_decisions() -> impl Strategy<Value = Vec<Decision>> {
    let name = || {
        (prop::sample::select(vec!["workday", "okta", "slack"]), 0..4_u8)
            .prop_map(|(system, id)| format!("{system}:{system}{id}"))
    };
    let one = (any::<bool>(), name(), name(), prop::option::of(19_700_101..19_700_105_u32))
        .prop_map(|(same, left, right, until)| decision(same, &left, &right, until));
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn any_order_of_readings_a_rebuild_and_decisions_taken_late_give_one_graph(
        readings in prop::collection::vec(a_reading(), 1..9),
        decisions in some_decisions(),
    ) {
        let mut graph = ruled(decisions.clone());
        for reading in &readings {
            let before: BTreeMap<EntityId, String> =
                graph.nodes.keys().map(|entity| (*entity, show_one(&graph, *entity))).collect();
            let touched = graph.apply(reading.clone());
            for (entity, shown) in before {
                prop_assert!(
                    touched.entities.contains(&entity) || shown == show_one(&graph, entity),
                    "not told of: {shown} is now {}", show_one(&graph, entity)
                );
            }
        }
        let mut backwards = ruled(decisions.clone());
        for reading in readings.iter().rev() {
            backwards.apply(reading.clone());
        }
        prop_assert_eq!(show_all(&graph), show_all(&backwards));
        prop_assert_eq!(graph.digest(), backwards.digest());
        prop_assert_eq!(graph.exceptions(1), backwards.exceptions(1));
        prop_assert_eq!(graph.keys_held(), backwards.keys_held());
        // Decided late, and taken back: the same as if it had been so from the beginning.
        let mut late = ruled(vec![]);
        for reading in &readings {
            late.apply(reading.clone());
        }
        let without = show_all(&late);
        late.identify(&identities(decisions));
        prop_assert_eq!(show_all(&late), show_all(&graph));
        prop_assert_eq!(late.keys_held(), graph.keys_held());
        late.identify(&identities(vec![]));
        prop_assert_eq!(show_all(&late), without);
    }

    #[test]
    fn decisions_that_are_taken_in_while_the_graph_is_in_use_touch_whom_they_concern_and_are_as_if_from_the_beginning(
        readings in prop::collection::vec(a_reading(), 1..9),
        decisions in some_decisions(),
    ) {
        let (mut graph, mut from_the_beginning) = (ruled(vec![]), ruled(decisions.clone()));
        for reading in &readings {
            graph.apply(reading.clone());
            from_the_beginning.apply(reading.clone());
        }
        let without = (show_all(&graph), graph.keys_held());
        for taken in [decisions.into_iter().collect(), BTreeSet::new()] {
            let before: BTreeMap<EntityId, String> =
                graph.nodes.keys().map(|entity| (*entity, show_one(&graph, *entity))).collect();
            let touched = graph.regard("person", taken.clone());
            for (entity, shown) in before {
                prop_assert!(
                    touched.entities.contains(&entity) || shown == show_one(&graph, entity),
                    "not told of: {shown} is now {}", show_one(&graph, entity)
                );
            }
            if !taken.is_empty() {
                prop_assert_eq!(show_all(&graph), show_all(&from_the_beginning));
                prop_assert_eq!(graph.keys_held(), from_the_beginning.keys_held());
                prop_assert_eq!(graph.exceptions(1), from_the_beginning.exceptions(1));
                prop_assert!(graph.regard("person", taken).entities.is_empty(), "and once");
            }
        }
        prop_assert_eq!((show_all(&graph), graph.keys_held()), without);
    }

    #[test]
    fn columns_that_follow_what_rules_join_are_those_that_are_filled_at_once(
        readings in prop::collection::vec(any_reading(), 1..12),
        decisions in some_decisions(),
    ) {
        let decisions = decisions.into_iter().map(|decision| Decision {
            left: decision.left.replace("workday:workday", "workday:w").replace("okta:okta", "okta:u"),
            right: decision.right.replace("slack:slack", "slack:s").replace("okta:okta", "okta:u"),
            ..decision
        });
        let account = Field {
            columns: vec![vec!["login".to_owned()], vec!["email".to_owned()]],
            ..field("account", Comparator::Code, Normaliser::Fold, &[])
        };
        let whole = |field| Block { parts: vec![Part { field, cut: Cut::Whole }], at_most: 8 };
        let rules = Rules {
            fields: vec![field("email", Comparator::Code, Normaliser::Fold, &[]), account],
            relations: Vec::new(),
            vetoes: Vec::new(),
            blocks: vec![whole(0), whole(1)],
            same: 500,
            ..rules(decisions.collect())
        };
        let joining = Joining { rules: Arc::new(rules), current: "title".to_owned() };
        let (mut graph, mut columns) = empty();
        graph.identify(&BTreeMap::from([("person".to_owned(), joining)]));
        for reading in &readings {
            let touched = graph.apply(reading.clone());
            columns.follow(&graph, &reading.system, &touched, NOW);
        }
        let (_, mut filled) = empty();
        filled.fill(&graph, NOW);
        prop_assert_eq!(digests(&columns), digests(&filled));
        for entity in graph.entities("person").collect::<Vec<_>>() {
            columns.grant(entity, [("identity", "groups", Some("chess"))]);
            let sketch = columns.sketch(entity).expect("a row");
            match told_plainly(&graph, entity) {
                Ok(mut plain) => {
                    plain.satisfied.clear();
                    prop_assert_eq!(&sketch.difference, &plain);
                }
                Err(_) => prop_assert!(!sketch.refused.is_empty()),
            }
        }
    }

    #[test]
    fn no_two_entities_have_one_record_and_every_id_leads_to_one_that_stands(
        readings in prop::collection::vec(a_reading(), 1..9),
        decisions in some_decisions(),
    ) {
        let mut graph = ruled(decisions);
        for reading in readings {
            graph.apply(reading);
        }
        let mut had = BTreeSet::new();
        for entity in graph.entities("person") {
            prop_assert_eq!(graph.canonical(entity), entity);
            for system in ["workday", "okta", "slack"] {
                if let Observation::Present(record) = graph.link(entity, system, 1) {
                    prop_assert!(had.insert(record.source), "a record of two entities");
                }
            }
        }
        for entity in graph.nodes.keys() {
            let canonical = graph.canonical(*entity);
            prop_assert_eq!(graph.canonical(canonical), canonical);
            prop_assert!(graph.facts(*entity, 1).is_some());
        }
    }
}
