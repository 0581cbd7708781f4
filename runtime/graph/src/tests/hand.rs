//! Short ways: whatever was read, they say what the resolver says.

use super::*;
use crate::hand::{self, Way};
use crate::resolve::Key;
use proptest::prelude::*;

/// A reading of some place at some time, whole or not.
fn some_reading() -> impl Strategy<Value = Reading> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let email = || word(&["email=a", "email=A", "email=b", "email=c", "email=null", "other=1"]);
    let worker = (word(&["w1", "w2", "w3"]), email(), word(&["title=x", "title=y", "title=null"]))
        .prop_map(|(id, email, title)| format!("workday.worker/{id} handle={id} {email} {title}"));
    let user = (word(&["u1", "u2", "u3"]), email(), word(&["title=x", "title=z", "title=null"]))
        .prop_map(|(id, email, title)| format!("okta.user/{id} {email} {title} login=a"));
    let guest =
        (word(&["s1", "s2"]), email()).prop_map(|(id, email)| format!("slack.user/{id} {email} status=on"));
    let workers = prop::collection::vec(worker, 0..4).prop_map(|texts| ("workday.worker", texts));
    let users = prop::collection::vec(user, 0..4).prop_map(|texts| ("okta.user", texts));
    let guests = prop::collection::vec(guest, 0..3).prop_map(|texts| ("slack.user", texts));
    let place = prop_oneof![2 => workers, 2 => users, 1 => guests];
    (place, 1..AGE * 2, prop::bool::weighted(0.8)).prop_map(|((place, texts), at, whole)| {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Reading { complete: whole, ..reading(place, at, &texts) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_short_way_says_what_the_resolver_says(
        readings in prop::collection::vec(some_reading(), 1..8),
        now in 1..AGE * 3,
    ) {
        let mut graph = graph();
        for reading in readings {
            graph.apply(reading);
        }
        let kind = &graph.declarations.entities["person"];
        for (entity, node) in &graph.nodes {
            let minting = hand::minting(&graph, kind, &node.source);
            for name in kind.attributes.keys() {
                let way = Way::to(&graph, kind, name, now).expect("it is declared");
                let short = way.known(*entity, minting).expect("it was minted");
                let long = graph.at(now).held(*entity, node, &kind.attributes[name], &mut Vec::new());
                prop_assert_eq!(&short, &long, "{} of {}", name, node.source);
                if let Some(Key::Is(key)) = way.key(*entity, minting) {
                    // None of these attributes is said best by a system whose own records hang on it.
                    for link in kind.links.values().filter(|link| link.entity == *name) {
                        let asked = graph.at(now).key(*entity, node, kind, link, &mut Vec::new());
                        let is_same = matches!(&asked, Key::Is(asked) if *asked == key);
                        prop_assert!(is_same, "{asked:?} is not {key}");
                    }
                }
            }
        }
    }
}
