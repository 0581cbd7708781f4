//! What records of their own show is in the columns as it is in the graph, whatever the order in which it was heard.

use super::world::{NOW, empty_of, facet, list, outcome, read, views, world};
use super::*;
use crate::column::{Columns, Unbuilt};
use proptest::prelude::*;
use std::collections::BTreeSet;
use xops_kernel::declare::Route;
use xops_kernel::diff::Facet;
use xops_kernel::expr::Expr;
use xops_kernel::id::Digest;
use xops_kernel::standard::Evidence;

fn evidence(key: &str) -> Evidence {
    Evidence {
        domain: "software".into(),
        facet: "grants".into(),
        system: "okta".into(),
        kind: "seat".into(),
        record: "who".into(),
        entity: key.into(),
        element: "app".into(),
        objects: None,
        origin: Origin::default(),
    }
}

fn licensed(key: &str) -> (Graph, Columns) {
    let mut declared = world();
    let kind = facet("software", "grants", "okta", true, false);
    declared.facets.insert(("software".into(), "grants".into()), kind);
    let everybody = Expr::Literal(true.into());
    // What nobody is refused for.
    declared.outcomes.retain(|name, _| name == "everybody");
    declared.outcomes.extend([outcome(
        "seats",
        everybody,
        vec![("software", "grants", list(&["crm", "mail"]))],
    )]);
    for change in ["create", "remove"] {
        let like = ("create".to_owned(), "identity".to_owned(), "groups".to_owned());
        let route = Route {
            change: change.into(),
            domain: "software".into(),
            facet: "grants".into(),
            ..declared.routes[&like].clone()
        };
        declared.routes.insert((change.into(), "software".into(), "grants".into()), route);
    }
    let (graph, _) = empty_of(declared);
    let columns = Columns::with_evidence(&graph, "person", &views(), &[evidence(key)]).expect("columns");
    (graph, columns)
}

/// What an entity is told of its grants.
fn told(columns: &Columns, entity: EntityId) -> String {
    let sketch = columns.sketch(entity).expect("a row");
    let of = |facet: &Facet| facet.name == "grants";
    let changes = sketch.difference.changes.iter().filter(|change| of(change.facet()));
    let changes = changes.map(|change| format!("{} {}", change.kind().word(), change.facet()));
    let blocked = sketch.difference.blocked.iter().filter(|blocked| of(&blocked.facet));
    let blocked = blocked.map(|blocked| format!("{}: {}", blocked.facet, blocked.doubt));
    changes.chain(blocked).collect::<Vec<_>>().join(", ")
}

fn check(key: &str, readings: &[Reading], expect: &str) {
    let (mut graph, mut columns) = licensed(key);
    for reading in readings {
        let touched = graph.apply(reading.clone());
        columns.follow(&graph, &reading.system, &touched, NOW);
    }
    assert_eq!(told(&columns, sarah(&graph)), expect);
}

fn workers() -> Reading {
    read("workday.worker", 10, &[SARAH], true)
}

#[test]
fn an_element_is_there_if_a_whole_reading_shows_it_and_absent_if_one_does_not() {
    let seats = |texts: &[&str]| read("okta.seat", 10, texts, true);
    let crm = "okta.seat/1 who=SARAH@acme.com app=crm";
    check("email", &[workers(), seats(&[crm])], "create software.grants[mail]");
    check("email", &[seats(&[crm]), workers()], "create software.grants[mail]");
    let broken = seats(&[crm]).broken_off("503");
    check(
        "email",
        &[workers(), broken],
        "software.grants[crm]: incomplete read: okta.seats failed: 503, software.grants[mail]: incomplete read: okta.seats failed: 503",
    );
    let never = "nothing has read okta.seat yet";
    check(
        "email",
        &[workers()],
        &format!("software.grants[crm]: never read: {never}, software.grants[mail]: never read: {never}"),
    );
    // Of somebody who has no account, what hangs on the account is absent.
    let users = read("okta.user", 10, &[], true);
    check(
        "link.okta",
        &[workers(), users, seats(&[crm])],
        "create software.grants[crm], create software.grants[mail]",
    );
}

#[test]
fn one_value_is_not_shown_by_records_of_their_own() {
    let (graph, _) = licensed("email");
    let single = Evidence { domain: "identity".into(), facet: "account".into(), ..evidence("email") };
    let refused = Columns::with_evidence(&graph, "person", &[], &[single]).err();
    assert_eq!(refused, Some(Unbuilt::Single { facet: "identity.account".into() }));
}

fn digests(columns: &Columns) -> Digest {
    let mut all: Vec<_> =
        columns.sketches(0..columns.len()).map(|sketch| (sketch.entity, sketch.digest)).collect();
    columns.digest_of(&mut all)
}

fn any_seats() -> impl Strategy<Value = Reading> {
    let app = proptest::sample::select(vec!["crm", "mail", "other"]);
    let records = proptest::collection::vec((0..4_u8, 0..3_u8, app), 0..6);
    (1..40_u64, records, 0..4_u8).prop_map(|(at, records, whole)| {
        let text = |(id, who, app): &(u8, u8, &str)| format!("okta.seat/{id} who=p{who}@acme.com app={app}");
        let texts: Vec<String> = records.iter().map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let reading = read("okta.seat", at, &texts, whole > 0);
        if whole == 1 { reading.broken_off("it broke") } else { reading }
    })
}

/// The applications that the records show of an entity, by no number: nothing where that is not known.
fn plainly(graph: &Graph, entity: EntityId) -> Option<BTreeSet<String>> {
    graph.coverage("okta", "seat", NOW).ok()?;
    let email = |entity: EntityId| match graph.fact(entity, "email", NOW) {
        Some(Observation::Present(fact)) => crate::fold::key(&fact.value),
        _ => None,
    };
    let own = email(entity)?;
    if graph.nodes.keys().copied().filter(|other| email(*other).as_ref() == Some(&own)).count() > 1 {
        return None;
    }
    let records = graph.records("okta", "seat");
    let of_them = records
        .filter(|record| record.attributes.get("who").and_then(crate::fold::key).as_ref() == Some(&own));
    Some(of_them.map(|record| record.attributes["app"].to_string()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn witnesses_that_follow_say_what_the_records_say_and_what_a_filling_says(
        readings in proptest::collection::vec(prop_oneof![super::column::any_reading(), any_seats()], 1..12),
    ) {
        let (mut graph, mut columns) = licensed("email");
        for reading in &readings {
            let before: BTreeMap<EntityId, String> =
                graph.nodes.keys().copied().map(|entity| (entity, told(&columns, entity))).collect();
            let touched = graph.apply(reading.clone());
            let followed = columns.follow(&graph, &reading.system, &touched, NOW);
            for entity in graph.nodes.keys().copied() {
                let now = told(&columns, entity);
                // Where nothing can be wanted of somebody, nothing is compared.
                let refused = !columns.sketch(entity).expect("a row").refused.is_empty();
                prop_assert!(before.get(&entity) == Some(&now) || followed.contains(&entity));
                let expect = plainly(&graph, entity).map(|apps| {
                    let lacking = ["crm", "mail"].into_iter().filter(|app| !apps.contains(*app));
                    lacking.map(|app| format!("create software.grants[{app}]")).collect::<Vec<_>>().join(", ")
                });
                match expect {
                    _ if refused => prop_assert_eq!(now, ""),
                    Some(expect) => prop_assert_eq!(now, expect),
                    None => prop_assert!(now.starts_with("software.grants[crm]: "), "{}", now),
                }
            }
        }
        let (_, mut filled) = licensed("email");
        filled.fill(&graph, NOW);
        prop_assert_eq!(digests(&columns), digests(&filled));
    }
}
