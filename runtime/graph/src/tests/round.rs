//! Managers in a circle: named whole, unknown for those in it and for nobody else, whatever the order in which they were read.

use super::*;
use crate::exception::Kind;
use crate::reading::Touched;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn related() -> Graph {
    let mut declared = declarations();
    let person = declared.entities.get_mut("person").expect("people");
    for name in ["number", "manager"] {
        let from = format!("workday.worker.{name}");
        person.attributes.insert(name.to_owned(), attribute(Type::Text, &[&from]));
    }
    let mut graph = Graph::new(Arc::new(declared), DigestKey([7; 32]));
    graph.relate(&BTreeMap::from([(("person".to_owned(), "manager".to_owned()), "number".to_owned())]));
    graph
}

/// A reading of some: `n>m` is number n, whose manager is m; `n` has none.
fn people(at: Millis, words: &str, whole: bool) -> Reading {
    let text = |word: &str| {
        let (number, manager) = word.split_once('>').unwrap_or((word, "null"));
        format!(
            "workday.worker/w{number} handle=h{number} email=p{number}@acme.com number={number} manager={manager}"
        )
    };
    let texts: Vec<String> = words.split_whitespace().map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Reading { complete: whole, ..reading("workday.worker", at, &texts) }
}

fn manager(graph: &Graph, number: &str) -> String {
    let entity = graph.minted["workday"]["worker"][&format!("w{number}")];
    match graph.fact(entity, "manager", 20).expect("an attribute") {
        Observation::Present(fact) => fact.value.to_string(),
        Observation::Absent(_) => "-".to_owned(),
        Observation::Unknown(doubt) => format!("? {}", doubt.detail),
    }
}

/// What the exceptions say of circles.
fn rounds(graph: &Graph) -> Vec<String> {
    let found = graph.exceptions(20).into_iter().filter(|it| it.kind == Kind::Round);
    let mut told: Vec<String> = found.map(|it| it.reason).collect();
    told.sort();
    told
}

#[test]
fn a_circle_of_managers_is_named_whole_and_pauses_what_hangs_on_it_and_nothing_else() {
    let mut graph = related();
    graph.apply(people(10, "1>2 2>3 3>1 4>1 5>5 6", true));
    let found: Vec<_> = graph.exceptions(20).into_iter().filter(|it| it.kind == Kind::Round).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    let whole = found.iter().find(|it| it.lineage.len() == 3).expect("the circle of three");
    let names = ["h1", "h2", "h3"];
    assert!(names.iter().all(|name| whole.reason.contains(name)), "{}", whole.reason);
    assert_eq!(whole.reason.matches(" -> ").count(), 3, "it ends where it began: {}", whole.reason);
    assert_eq!((whole.owner.as_str(), whole.blocks.len()), ("workday owners", 1));
    for number in ["1", "2", "3", "5"] {
        assert!(manager(&graph, number).starts_with("? it goes round: "), "{}", manager(&graph, number));
    }
    assert_eq!([manager(&graph, "4"), manager(&graph, "6")], ["1", "-"], "who is not in it is not paused");
    // What does not hang on the manager goes on.
    let entity = graph.minted["workday"]["worker"]["w1"];
    let facts = graph.facts(entity, 20).expect("an entity");
    assert!(matches!(facts["email"], Observation::Present(_)));
}

#[test]
fn a_circle_that_opens_is_over_for_all_of_it_and_they_are_told_to_be_touched() {
    let mut graph = related();
    let entity = |graph: &Graph, number: &str| graph.minted["workday"]["worker"][&format!("w{number}")];
    let touched = graph.apply(people(10, "1>2 2>3 3 4>3", true));
    assert_eq!(touched.entities.len(), 4);
    assert_eq!(rounds(&graph).len(), 0);
    // One record closes the circle for three, and opens it again.
    let all = |graph: &Graph| -> BTreeSet<EntityId> { ["1", "2", "3"].map(|it| entity(graph, it)).into() };
    let Touched { entities } = graph.apply(people(11, "3>1", false));
    assert_eq!((entities, rounds(&graph).len()), (all(&graph), 1));
    let Touched { entities } = graph.apply(people(12, "3", false));
    assert_eq!((entities, rounds(&graph).len()), (all(&graph), 0));
    assert_eq!([manager(&graph, "1"), manager(&graph, "2")], ["2", "3"]);
}

fn any_people() -> impl Strategy<Value = (String, bool)> {
    let one = (0..7_u8, prop::option::of(0..7_u8)).prop_map(|(number, manager)| match manager {
        Some(manager) => format!("{number}>{manager}"),
        None => number.to_string(),
    });
    (prop::collection::vec(one, 1..6), prop::bool::weighted(0.2)).prop_map(|(words, whole)| {
        let mut met = BTreeSet::new();
        let unlike: Vec<String> =
            words.into_iter().filter(|word| met.insert(word.split('>').next().map(str::to_owned))).collect();
        (unlike.join(" "), whole)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What follows from reading after reading is what a graph says that hears them in another order, and nobody changes untouched.
    #[test]
    fn circles_are_those_of_what_is_held_and_whoever_changes_is_touched(
        readings in prop::collection::vec(any_people(), 1..12),
    ) {
        let mut graph = related();
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        for (at, (words, whole)) in (10..).zip(&readings) {
            let touched = graph.apply(people(at, words, *whole));
            let minted = graph.minted["workday"]["worker"].clone();
            for (id, entity) in minted {
                let now = manager(&graph, &id[1..]);
                let was = before.insert(id.clone(), now.clone());
                prop_assert!(was.as_ref() == Some(&now) || touched.entities.contains(&entity), "{id}: {was:?}, {now}");
            }
        }
        let mut other = related();
        for (at, (words, whole)) in (10..).zip(&readings).collect::<Vec<_>>().into_iter().rev() {
            other.apply(people(at, words, *whole));
        }
        prop_assert_eq!(rounds(&graph), rounds(&other));
        for id in graph.minted["workday"]["worker"].keys() {
            prop_assert_eq!(manager(&graph, &id[1..]), manager(&other, &id[1..]));
        }
    }
}
