//! Order never shows: the same readings, in any order and however often, give the same graph.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A few ids and few values, so that records meet, change, vanish and contradict each other.
fn any_record(place: &'static str) -> impl Strategy<Value = String> {
    let email = prop::sample::select(vec!["a@x", "b@x", "B@x ", "c@x", ""]);
    let word = prop::sample::select(vec!["s", "t", "2026-01-01", ""]);
    (0u8..4, email, word.clone(), word).prop_map(move |(id, email, one, two)| {
        let id = if id == 3 { String::new() } else { format!("r{id}") };
        format!("{place}/{id} email={} handle={one} login={one} title={two} ends={two}", email.trim())
    })
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let place = prop::sample::select(vec!["workday.worker", "okta.user", "slack.user"]);
    let parameter = prop::option::weighted(0.2, prop::sample::select(vec!["p", "q"]));
    let rest = (0u64..6, 0u8..4, prop::sample::select(vec!["full", "delta"]), parameter);
    place.prop_flat_map(move |place| {
        (prop::collection::vec(any_record(place), 0..5), rest.clone()).prop_map(
            move |(texts, (at, state, read, parameter))| {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let mut reading = reading(place, at, &texts);
                reading.read = read.into();
                reading.parameter = parameter.map(str::to_owned);
                match state {
                    0 => reading.broken_off("503"),
                    1 => Reading { complete: false, ..reading },
                    _ => reading,
                }
            },
        )
    })
}

fn fed(readings: impl Iterator<Item = Reading>) -> Graph {
    let mut graph = graph();
    for reading in readings {
        graph.apply(reading);
    }
    graph
}

/// Everything that a question can see.
fn view(graph: &Graph, now: Millis) -> String {
    let facts: Vec<_> = graph
        .nodes
        .keys()
        .map(|entity| (graph.facts(*entity, now), graph.link(*entity, "okta", now)))
        .collect();
    let find: Vec<_> = ["a@x", "b@x", "none"]
        .into_iter()
        .map(|email| graph.find("person", &BTreeMap::from([("email".to_owned(), Value::from(email))])))
        .collect();
    format!("{facts:?} {find:?} {:?} {:?} {:?}", graph.exceptions(now), graph.size(), graph.freshness("okta"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_of_the_same_readings_gives_the_same_graph(
        (readings, shuffled) in prop::collection::vec(any_reading(), 0..8)
            .prop_flat_map(|readings| (Just(readings.clone()), Just(readings).prop_shuffle())),
        again in 0usize..8,
    ) {
        let one = fed(readings.iter().cloned());
        let repeated = shuffled.get(again).cloned();
        let other = fed(shuffled.into_iter().chain(repeated));
        prop_assert_eq!(one.digest(), other.digest());
        for now in [3, 6, AGE + 3] {
            prop_assert_eq!(view(&one, now), view(&other, now));
        }
    }

    #[test]
    fn the_index_that_is_kept_is_the_index_that_would_be_built(readings in prop::collection::vec(any_reading(), 0..8)) {
        let kept = fed(readings.into_iter());
        let mut built = graph();
        built.tables = kept.tables.clone();
        built.nodes = kept.nodes.clone();
        built.forget_keys();
        prop_assert_eq!(&kept.keys_held(), &built.keys_held());
    }

    #[test]
    fn every_entity_whose_facts_change_was_touched(readings in prop::collection::vec(any_reading(), 1..8)) {
        let now = 6;
        let mut graph = graph();
        for reading in readings {
            let before: BTreeMap<_, _> = graph.nodes.keys().map(|entity| (*entity, words(&graph, *entity, now))).collect();
            let touched = graph.apply(reading).entities;
            let changed = graph.nodes.keys().filter(|entity| before.get(entity) != Some(&words(&graph, **entity, now)));
            let missed: BTreeSet<_> = changed.filter(|entity| !touched.contains(entity)).collect();
            prop_assert!(missed.is_empty(), "{missed:?}");
        }
    }

    #[test]
    fn what_was_merely_not_read_is_never_proven_absent(readings in prop::collection::vec(any_reading(), 1..8)) {
        let unproven = readings.into_iter().map(|reading| reading.broken_off("cut"));
        let graph = fed(unproven.filter(|reading| reading.system != "workday").chain([super::reading("workday.worker", 9, &[SARAH])]));
        let okta = graph.link(sarah(&graph), "okta", 9);
        prop_assert!(okta.absence().is_none(), "{okta:?}");
    }
}

/// The facts without their times: what the footprint of a plan would be made of.
fn words(graph: &Graph, entity: EntityId, now: Millis) -> Vec<String> {
    let shown = |observation: &Observation<Fact>| match observation {
        Observation::Unknown(doubt) => doubt.reason.word().to_owned(),
        known => show(known),
    };
    graph.facts(entity, now).unwrap_or_default().values().map(shown).collect()
}
