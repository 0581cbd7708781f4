//! Plans whose steps take from each other, from settings or by choice are drawn from columns as the compiler draws them.

use super::column::{any_reading, drawn_plainly, may_go};
use super::world::{NOW, contract_of, empty_of, read, world};
use super::*;
use crate::column::waves;
use proptest::prelude::*;
use xops_kernel::awf::{Achieves, AwfName, Contract, Undo};
use xops_kernel::compile::ahead::Ahead;
use xops_kernel::declare::{Declarations, Node, Runbook, Variant};
use xops_kernel::expr::{Expr, Path};

fn path(root: &str, names: &[&str]) -> Expr {
    Expr::Ref(Path::of(root, names))
}

fn bind(declared: &mut Declarations, domain: &str, facet: &str, input: &str, to: Expr) {
    let key = ("create".to_owned(), domain.to_owned(), facet.to_owned());
    declared.routes.get_mut(&key).expect("a route").with.insert(input.to_owned(), to);
}

/// The ways in which a plan can look at what it does not change.
const WAYS: usize = 5;

/// The world, in which some facet's step takes its email from elsewhere.
fn bound(way: usize) -> Declarations {
    let mut declared = world();
    match way {
        // Another facet's state.
        0 => bind(
            &mut declared,
            "communications",
            "channels",
            "email",
            path("state", &["identity", "account", "id"]),
        ),
        // A choice by what the facet is called.
        1 => {
            let key = || Box::new(path("facet", &["key"]));
            let chess = Box::new(Expr::Literal("all".into()));
            let is_all = Expr::Binary(xops_kernel::expr::Op::Eq, key(), chess);
            let (email, title) = (path("person", &["email"]), path("person", &["title"]));
            let choice = Expr::If(Box::new(is_all), Box::new(email), Box::new(title));
            bind(&mut declared, "identity", "groups", "email", choice);
        }
        // A setting, and a record.
        2 => {
            bind(&mut declared, "communications", "zone", "email", path("setting", &["zone"]));
            bind(&mut declared, "communications", "channels", "email", path("link", &["slack", "id"]));
        }
        3 => runbook(&mut declared),
        _ => {}
    }
    declared
}

/// A runbook for everybody: a word of welcome, and then the account, which takes from it.
fn runbook(declared: &mut Declarations) {
    let (hello, welcome) = (AwfName::new("okta", "hello"), AwfName::new("okta", "open"));
    let (_, contract) = contract_of(Achieves::Create, "hello", "drop");
    let says = Contract { achieves: None, undo: Undo::Nothing, ..contract };
    declared.contracts.insert(hello.clone(), says);
    declared.contracts.extend([contract_of(Achieves::Create, "open", "drop")]);
    let key = ("create".to_owned(), "identity".to_owned(), "account".to_owned());
    declared.routes.get_mut(&key).expect("a route").awf = welcome.clone();
    let node = |name: &str, awf: AwfName, after: &[&str], with: Vec<(&str, Expr)>| Node {
        name: name.into(),
        awf,
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        with: with.into_iter().map(|(name, expr)| (name.to_owned(), expr)).collect(),
        on_reject: None,
        origin: Origin::default(),
    };
    let nodes = vec![
        node("hello", hello, &[], vec![("email", path("node", &["open", "id"]))]),
        node("open", welcome, &[], vec![("key", path("person", &["title"]))]),
    ];
    let variant = Variant { name: "v1".into(), nodes, origin: Origin::default() };
    let book = Runbook {
        name: "R".into(),
        title: String::new(),
        plan: "welcome".into(),
        on_reject: None,
        variants: [("v1".to_owned(), variant)].into(),
        origin: Origin::default(),
    };
    declared.runbooks.insert("R".into(), book);
    declared.outcomes.get_mut("everybody").expect("an outcome").runbook = Some("R".into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn what_holds_and_stands_apart_leaves_no_trace_of_having_been_left_out(
        way in 0..WAYS,
        readings in proptest::collection::vec(any_reading(), 1..10),
    ) {
        let (mut graph, mut columns) = empty_of(bound(way));
        for reading in &readings {
            let touched = graph.apply(reading.clone());
            columns.follow(&graph, &reading.system, &touched, NOW);
        }
        let entities: Vec<EntityId> = graph.entities("person").collect();
        for entity in entities {
            columns.grant(entity, [("identity", "groups", Some("chess"))]);
            let drawn = columns.draw(&graph, entity, NOW).ok();
            let plainly = drawn_plainly(&graph, entity, &may_go(&graph, entity));
            let bytes = |plan: &xops_kernel::plan::Plan| plan.canon().bytes().to_vec();
            prop_assert_eq!(drawn.as_ref().map(bytes), plainly.as_ref().map(bytes));
            prop_assert_eq!(drawn, plainly);
        }
    }
}

#[test]
fn the_waves_of_many_plans_hang_on_the_plans_alone() {
    let mut declared = bound(0);
    let channels = ("communications".to_owned(), "channels".to_owned());
    declared.facets.get_mut(&channels).expect("a facet").after = vec![("identity".into(), "account".into())];
    let (mut graph, mut columns) = empty_of(declared);
    let place = |at: u32| format!("workday.worker/w{at} handle=h{at} email=p{at}@acme.com title=Engineer");
    let workers: Vec<String> = (0..3).map(place).collect();
    let workers: Vec<&str> = workers.iter().map(String::as_str).collect();
    graph.apply(read("workday.worker", 10, &workers, true));
    let users = ["okta.user/u0 email=p0@acme.com login=l0 groups=all"];
    graph.apply(read("okta.user", 10, &users, true));
    let active = ["slack.user/s0 email=l0 status=active zone=far"];
    graph.apply(read("slack.user", 10, &active, true));
    columns.fill(&graph, NOW);
    let entities: Vec<EntityId> = graph.entities("person").collect();
    let plans: Vec<_> = entities.iter().filter_map(|it| columns.draw(&graph, *it, NOW).ok()).collect();
    let steps: usize = plans.iter().map(|plan| plan.steps.len()).sum();
    assert!(steps > 0, "somebody has to change");
    let all: Vec<&xops_kernel::plan::Plan> = plans.iter().collect();
    let waves = waves::of(&graph, &all).expect("an order");
    assert_eq!(waves.steps.iter().sum::<usize>(), steps);
    let deepest = plans.iter().map(depth).max();
    assert_eq!(Some(waves.steps.len()), deepest);
    let turned: Vec<&xops_kernel::plan::Plan> = plans.iter().rev().collect();
    assert_eq!(waves::of(&graph, &turned).expect("an order"), waves);
    assert_ne!(waves::of(&graph, &all[1..]).map(|it| it.digest).ok(), Some(waves.digest));
}

/// How many steps of a plan wait for each other in a row, at most.
fn depth(plan: &xops_kernel::plan::Plan) -> usize {
    let mut depths: Vec<usize> = Vec::new();
    for step in &plan.steps {
        depths.push(1 + step.after.iter().map(|before| depths[usize::from(before.0)]).max().unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}

#[test]
fn a_kind_of_facet_stands_apart_only_where_nothing_can_look_at_its_state() {
    let apart = |way: usize| {
        let declared = bound(way);
        let ahead = Ahead::of(&declared, "person");
        let word = |(domain, name): &(String, String)| match ahead.apart(domain, name) {
            Some(names) => format!("{name} {}", names.join("+")),
            None => format!("{name} not"),
        };
        declared.facets.keys().map(word).collect::<Vec<_>>().join(", ")
    };
    let check = |way: usize, expect: &str| assert_eq!(apart(way), expect, "{way}");
    check(0, "channels not, zone person.email, account not, groups person.email");
    check(1, "channels person.email, zone person.email, account person.email, groups not");
    check(2, "channels link.slack, zone setting.zone, account person.email, groups person.email");
    check(3, "channels person.email, zone person.email, account not, groups person.email");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_sheet_says_of_a_plan_what_the_whole_subject_says(
        way in 0..WAYS,
        before in proptest::collection::vec(any_reading(), 1..8),
        behind in proptest::collection::vec(any_reading(), 0..4),
    ) {
        let (mut graph, mut columns) = empty_of(bound(way));
        for reading in before {
            graph.apply(reading);
        }
        columns.fill(&graph, NOW);
        let entities: Vec<EntityId> = graph.entities("person").collect();
        let plans: Vec<_> = entities.iter().filter_map(|it| columns.draw(&graph, *it, NOW).ok()).collect();
        for reading in behind {
            graph.apply(reading);
        }
        for plan in &plans {
            let subject = graph.subject(plan.entity, NOW).expect("a subject");
            let declared = &graph.declarations;
            let settings = xops_kernel::layer::resolve(
                &declared.tenant, &declared.settings, &declared.layers, &declared.layering, &subject.facts,
            );
            let desire = xops_kernel::desire::Desire { settings, ..Default::default() };
            for step in &plan.steps {
                let sheet = graph.sheet(plan, step, NOW);
                let now = |name: &&String| xops_kernel::compile::value_of(&subject, &desire, name);
                let unknown: Vec<_> = step.hangs_on.iter().filter(|name| now(name).is_none()).cloned().collect();
                let changed: Vec<_> = step.hangs_on.iter()
                    .filter(|name| now(name).is_some_and(|value| plan.footprint.facts.get(*name) != Some(&value)))
                    .cloned().collect();
                prop_assert_eq!(&sheet.unknown, &unknown);
                let told: Vec<_> = sheet.changed.iter().map(|changed| changed.what.clone()).collect();
                prop_assert_eq!(told, changed);
            }
        }
    }
}
