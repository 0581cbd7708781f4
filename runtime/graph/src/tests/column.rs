//! The columns say what the graph and the kernel say, whatever the order in which it was heard.

use super::world::{NOW, empty, read, views, world};
use super::*;
use crate::column::Columns;
use crate::column::blast::{Blast, Budget};
use crate::column::draw::Undrawn;
use crate::column::reverse::Cause;
use crate::column::sketch::Sketch;
use proptest::prelude::*;
use std::collections::BTreeSet;
use xops_kernel::awf::{AwfName, Undo};
use xops_kernel::compile::{self, Compile};
use xops_kernel::desire;
use xops_kernel::diff::{Difference, Facet};
use xops_kernel::id::Digest;
use xops_kernel::plan::Plan;
use xops_kernel::port::Sighting;

fn tell(sketch: &Sketch) -> String {
    let mut told: Vec<String> = sketch
        .difference
        .changes
        .iter()
        .map(|change| format!("{} {}", change.kind().word(), change.facet()))
        .collect();
    told.extend(
        sketch.difference.blocked.iter().map(|it| format!("{}: {}", it.facet, it.doubt.reason.word())),
    );
    told.extend(sketch.refused.iter().map(ToString::to_string));
    format!("{} hold; {}", sketch.holds, told.join(", "))
}

fn check_sketch(readings: &[Reading], granted: &[(&str, &str, Option<&str>)], expect: &str) {
    let (mut graph, mut columns) = empty();
    for reading in readings {
        let system = reading.system.clone();
        let touched = graph.apply(reading.clone());
        columns.follow(&graph, &system, &touched, NOW);
    }
    let sarah = sarah(&graph);
    columns.grant(sarah, granted.iter().copied());
    let sketch = columns.sketch(sarah).expect("a row");
    assert_eq!(tell(&sketch), expect);
    let drawn = columns.draw(&graph, sarah, NOW);
    match drawn {
        Ok(plan) => {
            let mut changes: Vec<_> =
                plan.steps.iter().filter_map(|step| step.change.as_deref().cloned()).collect();
            changes.sort_by(|one, other| one.facet().cmp(other.facet()));
            assert_eq!(changes, sketch.difference.changes);
            assert_eq!(plan.satisfied.len(), sketch.holds as usize);
        }
        Err(Undrawn::Nobody) => panic!("she has a row"),
        Err(Undrawn::Undesired(why)) => assert_eq!(why, sketch.refused.clone()),
        Err(Undrawn::Refused(why)) => assert!(!sketch.difference.blocked.is_empty(), "{why:?}"),
    }
}

fn workers() -> Reading {
    read("workday.worker", 10, &[SARAH], true)
}

const OKTA: &str = "okta.user/u1 email=sarah@acme.com login=sc title=Engineer groups=";
const SLACK: &str = "slack.user/s1 email=sc status=active";

#[test]
fn what_a_whole_reading_does_not_hold_is_created_and_what_differs_is_updated() {
    let okta = read("okta.user", 11, &[&format!("{OKTA}all")], true);
    let slack = read("slack.user", 12, &[&format!("{SLACK} channels=builds zone=far")], true);
    check_sketch(
        &[workers(), okta, slack],
        &[],
        "3 hold; update communications.zone, create identity.groups[engineering]",
    );
}

#[test]
fn an_exclusive_kind_loses_what_is_not_declared_and_an_additive_one_only_what_was_granted() {
    let okta = read("okta.user", 11, &[&format!("{OKTA}all+engineering+chess+oncall")], true);
    let slack = read("slack.user", 12, &[&format!("{SLACK} channels=builds+memes zone=near")], true);
    check_sketch(
        &[workers(), okta, slack],
        &[("identity", "groups", Some("oncall")), ("identity", "groups", Some("all"))],
        "5 hold; remove communications.channels[memes], remove identity.groups[oncall]",
    );
}

#[test]
fn what_is_unknown_plans_nothing() {
    let okta = read("okta.user", 11, &[&format!("{OKTA}all+chess")], true);
    let broken = read("slack.user", 12, &[], true).broken_off("403 in one region");
    check_sketch(
        &[workers(), okta.clone(), broken.clone()],
        &[("identity", "groups", Some("chess"))],
        "0 hold; outcome `engineers` hangs on `person.status`, which is unknown",
    );
    let plain = read("okta.user", 11, &[&format!("{OKTA}all+chess").replace("Engineer", "Clerk")], true);
    check_sketch(
        &[workers(), plain, broken],
        &[("identity", "groups", Some("chess")), ("communications", "channels", Some("memes"))],
        "2 hold; remove identity.groups[chess], communications.channels[memes]: incomplete read",
    );
}

#[test]
fn an_outcome_without_a_value_is_refused_in_the_words_of_the_kernel() {
    let okta = read("okta.user", 11, &[&OKTA.replace("Engineer", "Odd")], true);
    check_sketch(
        &[workers(), okta],
        &[],
        "0 hold; outcome `odd` wants `identity.groups`, but its value is nothing: `person.ends` is absent",
    );
}

#[test]
fn every_sort_of_input_names_those_that_it_touches() {
    let (mut graph, mut columns) = empty();
    let other = "workday.worker/w2 handle=bo email=bo@acme.com title=Clerk";
    let okta = read("okta.user", 11, &[OKTA, "okta.user/u2 email=bo@acme.com title=Clerk"], true);
    for reading in [read("workday.worker", 10, &[SARAH, other], true), okta] {
        let system = reading.system.clone();
        let touched = graph.apply(reading);
        columns.follow(&graph, &system, &touched, NOW);
    }
    let sarah = BTreeSet::from([sarah(&graph)]);
    let source = record(OKTA).source;
    assert_eq!(columns.touched_by(&graph, &Cause::Record(source)), sarah);
    let count = |cause| columns.touched_by(&graph, &cause).len();
    assert_eq!(count(Cause::Outcome("everybody".into())), 2);
    assert_eq!(count(Cause::System("slack".into())), 2);
    assert_eq!(count(Cause::System("elsewhere".into())), 0);
    assert_eq!(count(Cause::Attribute("title".into())), 2);
    assert_eq!(count(Cause::Layer { attribute: "title".into(), name: "Clerk".into() }), 1);
}

/// One reading of a small world in which people share addresses, records come and go, and reads break off.
pub(super) fn any_reading() -> impl Strategy<Value = Reading> {
    let word = |words: &'static [&'static str]| proptest::sample::select(words);
    let group = word(&["", "all", "engineering", "all+engineering", "all+chess"]);
    let record = (0..3_u8, 0..3_u8, word(&["Engineer", "Clerk", "Odd"]), group);
    let records = proptest::collection::vec(record, 0..4);
    (0..3_u8, 1..40_u64, records, 0..4_u8).prop_map(|(system, at, records, whole)| {
        let text = |(id, who, title, groups): &(u8, u8, &str, &str)| match system {
            0 => format!("workday.worker/w{id} handle=h{id} email=p{who}@acme.com title={title}"),
            1 => format!("okta.user/u{id} email=p{who}@acme.com login=l{who} title={title} groups={groups}"),
            _ => format!("slack.user/s{id} email=l{who} status=active channels={groups} zone=far"),
        };
        let place = ["workday.worker", "okta.user", "slack.user"][usize::from(system)];
        let texts: Vec<String> = records.iter().map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let reading = read(place, at, &texts, whole > 0);
        if whole == 1 { reading.broken_off("it broke") } else { reading }
    })
}

/// What the record that is joined shows of a facet.
fn observed(graph: &Graph, entity: EntityId, facet: &Facet) -> Observation<Value> {
    let view = views().into_iter().find(|view| view.domain == facet.domain && view.facet == facet.name);
    let attribute = view.expect("a view").attribute;
    match graph.link(entity, &facet.system, NOW) {
        Observation::Unknown(doubt) => Observation::Unknown(doubt),
        Observation::Absent(proof) => Observation::Absent(proof),
        Observation::Present(record) => {
            let read = format!("{}s", record.source.kind);
            let absent = Observation::Absent(Proof::Snapshot { system: facet.system.clone(), read });
            match (record.attributes.get(&attribute), &facet.element) {
                (Some(Value::List(items)), Some(element)) => {
                    let there = items.contains(&Value::from(element.as_str()));
                    if there { Observation::Present(Value::from("member")) } else { absent }
                }
                (Some(value), None) if !value.is_null() => Observation::Present(value.clone()),
                _ => absent,
            }
        }
    }
}

/// The plan that the compiler draws of the whole subject and every outcome.
pub(super) fn drawn_plainly(graph: &Graph, entity: EntityId, may_go: &BTreeSet<Facet>) -> Option<Plan> {
    let (subject, declared) = (graph.subject(entity, NOW)?, &*graph.declarations);
    let desire = desire::desire(declared, &subject, None).ok()?;
    let sighting = |facet: &Facet| {
        let seen = observed(graph, entity, facet);
        let id = graph.link(entity, &facet.system, NOW).presence().map(|it| it.value().source.id.clone());
        let id = id.filter(|_| seen.presence().is_some()).map(|id| ("id".to_owned(), Value::from(id)));
        (facet.clone(), Sighting { seen, outputs: id.into_iter().collect(), marker: None })
    };
    let seen = desire.wants.keys().chain(may_go).map(sighting).collect();
    let granted = may_go.iter().map(|facet| (facet.clone(), Values::new())).collect();
    let (declarations, subject, desire) = (declared, &subject, &desire);
    let compile = Compile { declarations, subject, desire, seen: &seen, granted: &granted, parent: None };
    compile::draw(&compile, &DigestKey([7; 32])).ok()
}

/// What may be taken away: what was granted, and every channel, because those are exclusive.
pub(super) fn may_go(graph: &Graph, entity: EntityId) -> BTreeSet<Facet> {
    let mut may_go = BTreeSet::from([group_of(entity, "chess")]);
    if let Observation::Present(record) = graph.link(entity, "slack", NOW) {
        for item in record.attributes.get("channels").and_then(Value::as_list).unwrap_or_default() {
            let (domain, system) = ("communications".into(), "slack".into());
            let (name, element) = ("channels".into(), Some(item.to_string()));
            may_go.insert(Facet { entity, domain, system, name, element });
        }
    }
    may_go
}

/// What the kernel says of an entity, from the graph's own answers and by no number at all.
pub(super) fn told_plainly(graph: &Graph, entity: EntityId) -> Result<Difference, String> {
    let subject = graph.subject(entity, NOW).expect("a subject");
    let declared = world();
    let desire = desire::desire(&declared, &subject, None).map_err(|why| format!("{why:?}"))?;
    let mut difference = Difference::default();
    for (facet, want) in &desire.wants {
        difference.want(facet, &want.value, Some(&observed(graph, entity, facet)));
    }
    let may_go = may_go(graph, entity);
    for facet in may_go.iter().filter(|facet| desire.may_lose(facet)) {
        difference.lose(facet, Some(&observed(graph, entity, facet)));
    }
    difference.changes.sort_by(|one, other| one.facet().cmp(other.facet()));
    difference.blocked.sort_by(|one, other| one.facet.cmp(&other.facet));
    Ok(difference)
}

fn group_of(entity: EntityId, element: &str) -> Facet {
    let (domain, name) = ("identity".into(), "groups".into());
    Facet { entity, domain, system: "okta".into(), name, element: Some(element.into()) }
}

pub(super) fn digests(columns: &Columns) -> Digest {
    let mut all: Vec<_> =
        columns.sketches(0..columns.len()).map(|sketch| (sketch.entity, sketch.digest)).collect();
    columns.digest_of(&mut all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn columns_that_follow_say_what_the_kernel_says_of_each_entity(
        readings in proptest::collection::vec(any_reading(), 1..12),
    ) {
        let (mut graph, mut columns) = empty();
        for reading in &readings {
            let touched = graph.apply(reading.clone());
            columns.follow(&graph, &reading.system, &touched, NOW);
            let entities: Vec<EntityId> = graph.entities("person").collect();
            for entity in &entities {
                columns.grant(*entity, [("identity", "groups", Some("chess"))]);
            }
            for entity in entities {
                let sketch = columns.sketch(entity).expect("a row");
                match told_plainly(&graph, entity) {
                    Ok(mut plain) => {
                        prop_assert_eq!(plain.satisfied.len(), sketch.holds as usize);
                        plain.satisfied.clear();
                        prop_assert_eq!(&sketch.difference, &plain);
                        prop_assert!(sketch.refused.is_empty());
                        let drawn = columns.draw(&graph, entity, NOW).ok();
                        let plainly = drawn_plainly(&graph, entity, &may_go(&graph, entity));
                        prop_assert_eq!(drawn, plainly);
                    }
                    Err(why) => prop_assert_eq!(format!("{:?}", sketch.refused), why),
                }
            }
        }
    }

    #[test]
    fn columns_that_follow_are_those_that_are_filled_at_once_in_any_order(
        readings in proptest::collection::vec(any_reading(), 1..12),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 12),
    ) {
        let (mut graph, mut columns) = empty();
        for reading in &readings {
            let touched = graph.apply(reading.clone());
            columns.follow(&graph, &reading.system, &touched, NOW);
        }
        let (mut other, mut filled) = empty();
        let mut left = readings.clone();
        for at in order.iter().take(readings.len()) {
            other.apply(left.remove(at.index(left.len())));
        }
        filled.fill(&other, NOW);
        prop_assert_eq!(graph.digest(), other.digest());
        prop_assert_eq!(digests(&columns), digests(&filled));
        columns.judge_anew();
        prop_assert_eq!(digests(&columns), digests(&filled));
        for entity in graph.entities("person") {
            prop_assert_eq!(columns.draw(&graph, entity, NOW), filled.draw(&other, entity, NOW));
        }
    }
}

/// What readings lead to: the graph's digest, that of all sketches, the entities, and every plan's bytes.
type Everything = (Digest, Digest, Vec<EntityId>, Vec<Vec<u8>>);

/// What a population of readings leads to, for a process that dies before it takes the reading `dies_at`: nothing of what it held
/// is left, and what it had read is read again, the last first.
fn everything(readings: &[&Reading], threads: usize, dies_at: Option<usize>) -> Everything {
    let hear = |graph: &mut Graph, columns: &mut Columns, reading: &Reading| {
        let touched = graph.apply(reading.clone());
        columns.follow(graph, &reading.system, &touched, NOW);
    };
    let (mut graph, mut columns) = empty();
    for (at, reading) in readings.iter().enumerate() {
        if dies_at == Some(at) {
            (graph, columns) = empty();
            readings[..at].iter().rev().for_each(|again| hear(&mut graph, &mut columns, again));
        }
        hear(&mut graph, &mut columns, reading);
    }
    let entities: Vec<EntityId> = graph.entities("person").collect();
    for entity in &entities {
        columns.grant(*entity, [("identity", "groups", Some("chess"))]);
    }
    let size = columns.len().div_ceil(threads).max(1);
    let mut digested = Vec::new();
    let mut plans = Vec::new();
    std::thread::scope(|scope| {
        let (graph, columns) = (&graph, &columns);
        let part = |part: usize| {
            let rows = (part * size).min(columns.len())..((part + 1) * size).min(columns.len());
            let sketches: Vec<Sketch> = columns.sketches(rows).collect();
            let drawn =
                sketches.iter().map(|sketch| (sketch.entity, columns.draw(graph, sketch.entity, NOW)));
            let plans: Vec<_> = drawn.filter_map(|(entity, plan)| Some((entity, plan.ok()?))).collect();
            (sketches, plans)
        };
        let running: Vec<_> = (0..threads).map(|at| scope.spawn(move || part(at))).collect();
        for part in running {
            let (sketches, drawn) = part.join().expect("a thread");
            digested.extend(sketches.iter().map(|sketch| (sketch.entity, sketch.digest)));
            plans.extend(drawn);
        }
    });
    plans.sort_by_key(|(entity, _)| *entity);
    let bytes = plans.iter().map(|(_, plan)| plan.canon().bytes().to_vec()).collect();
    (graph.digest(), columns.digest_of(&mut digested), entities, bytes)
}

#[test]
fn many_orders_on_one_and_two_threads_killed_anywhere_give_the_same_bytes() {
    check_orders(100, 1);
}

#[test]
#[ignore = "a soak: a minute of processor time and more"]
fn soak_of_a_thousand_orders_on_one_and_two_threads_killed_everywhere() {
    check_orders(1_000, usize::MAX);
}

/// Whether the time of a soak is over: `XOPS_SOAK_SECONDS`, where it is set.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a soak is bounded by the clock and the environment; what it tests knows neither"
)]
fn soaked() -> impl Fn() -> bool {
    let seconds: Option<u64> = std::env::var("XOPS_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let began = std::time::Instant::now();
    move || seconds.is_some_and(|seconds| began.elapsed().as_secs() >= seconds)
}

/// So many orders, each on one thread and on two, without a death and with one at so many places.
fn check_orders(orders: usize, deaths_max: usize) {
    let person = |at: usize, title: &str| {
        format!("workday.worker/w{at} handle=h{at} email=p{at}@acme.com title={title}")
    };
    let titles = ["Engineer", "Clerk", "Engineer", "Odd", "Clerk"];
    let workers: Vec<String> = titles.iter().enumerate().map(|(at, title)| person(at, title)).collect();
    let workers: Vec<&str> = workers.iter().map(String::as_str).collect();
    let user =
        |at: usize, groups: &str| format!("okta.user/u{at} email=p{at}@acme.com login=l{at} groups={groups}");
    let users = [user(0, "all"), user(1, "all+chess"), user(2, "engineering+all"), user(4, "")];
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let slack =
        ["slack.user/s0 email=l0 status=active channels=builds+memes zone=far", "slack.user/s1 email=l1"];
    let readings = [
        read("workday.worker", 20, &workers, true),
        read("workday.worker", 10, &workers[..2], true),
        read("okta.user", 20, &users, true),
        read("slack.user", 21, &slack, true),
        read("slack.user", 15, &[], true).broken_off("503"),
        read("okta.user", 25, &["okta.user/u0 email=p0@acme.com login=l0 groups=all+chess"], false),
        read("workday.worker", 26, &["workday.worker/w4 handle=h4 email=p4@acme.com title=Engineer"], false),
        read("slack.user", 27, &["slack.user/s2 email=l2 status=left channels=builds zone=far"], false),
    ];
    let expect = everything(&readings.iter().collect::<Vec<_>>(), 1, None);
    assert!(expect.3.len() >= 3, "{} plans", expect.3.len());
    let mut order: Vec<usize> = (0..readings.len()).collect();
    let mut state = 7_usize;
    let over = soaked();
    for turn in 0..orders {
        if over() {
            eprintln!("{turn} of {orders} orders in the time that there was");
            break;
        }
        for at in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (state >> 33) % (at + 1));
        }
        let ordered: Vec<&Reading> = order.iter().map(|at| &readings[*at]).collect();
        let places = (0..readings.len()).cycle().skip(turn).take(readings.len().min(deaths_max));
        for dies_at in std::iter::once(None).chain(places.map(Some)) {
            for threads in [1, 2] {
                let got = everything(&ordered, threads, dies_at);
                assert_eq!(got, expect, "{order:?}, {threads} threads, killed before {dies_at:?}");
            }
        }
    }
}

#[test]
fn what_would_change_is_traced_to_its_cause_and_held_against_a_budget() {
    let (mut graph, mut columns) = empty();
    let mut declared = world();
    let make = AwfName::new("okta", "make");
    declared.contracts.get_mut(&make).expect("make").undo = Undo::Irreversible { forward: None };
    let costs = BTreeMap::from([(make, 7)]);
    let mut blast = Blast::new(&declared, &costs, 2);
    let other = "workday.worker/w2 handle=bo email=bo@acme.com title=Clerk";
    let clerk = "okta.user/u2 email=bo@acme.com login=bo title=Clerk groups=all";
    let promoted = clerk.replace("Clerk", "Engineer");
    let okta = |at, texts: &[&str]| read("okta.user", at, texts, true);
    let sarah = format!("{OKTA}all+engineering");
    let active = |id: &str| format!("slack.user/{id} email={id} status=active channels=builds zone=near");
    let (one, two) = (active("sc"), active("bo").replace("channels=builds ", ""));
    let slack = [one.as_str(), two.as_str()];
    let steps = [
        ("the first reading", read("workday.worker", 10, &[SARAH, other], true)),
        ("the first reading", read("slack.user", 10, &slack, true)),
        ("the first reading", okta(11, &[&sarah, clerk])),
        ("an edit of the org table", okta(12, &[&sarah, &promoted])),
    ];
    let mut told = Vec::new();
    for (cause, reading) in steps {
        let system = reading.system.clone();
        let touched = graph.apply(reading);
        for entity in columns.follow(&graph, &system, &touched, NOW) {
            blast.note(cause, &columns.sketch(entity).expect("a row"));
        }
        told.push(blast.causes());
    }
    // Bo gets a group and a channel that clerks do not have.
    assert_eq!(told[2], []);
    assert_eq!(told[3], [("an edit of the org table".to_owned(), 2)]);
    let budget = |most| Budget {
        changes_max: Some(most),
        share_per_mille_max: Some(500),
        irreversible_max: Some(most),
        cost_max: Some(7 * most),
    };
    assert_eq!(blast.exceeds(&budget(2)), []);
    let over = blast.exceeds(&budget(1));
    let what: Vec<(&str, u64)> = over.iter().map(|over| (over.what, over.would_be)).collect();
    assert_eq!(what, [("changes", 2), ("irreversible", 2), ("cost", 14)]);
    assert_eq!(over[0].causes, [("an edit of the org table".to_owned(), 2)]);
}
