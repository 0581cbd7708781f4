//! Drift over the small world of the columns: what differs, why, and what is not judged.

use super::world::{NOW, read, world};
use super::*;
use crate::drift::watch::{Granted, Watch};
use crate::drift::{Cause, Who, listing};
use proptest::prelude::*;
use std::collections::BTreeSet;
use xops_kernel::diff::Facet;
use xops_kernel::standard::{Evidence, Watched};

fn watched() -> BTreeMap<(String, String), Watched> {
    let one = |domain: &str, facet: &str, system: &str, key: &str, element: &str| {
        let evidence = Evidence {
            domain: domain.into(),
            facet: facet.into(),
            system: system.into(),
            kind: "user".into(),
            record: "email".into(),
            entity: key.into(),
            element: element.into(),
            objects: None,
            origin: Origin::default(),
        };
        let watched = Watched { entity: "person".into(), evidence, value: None, by: Some("by".into()) };
        ((domain.to_owned(), facet.to_owned()), watched)
    };
    BTreeMap::from([
        one("identity", "groups", "okta", "email", "groups"),
        one("communications", "zone", "slack", "login", "zone"),
    ])
}

/// A graph and a watch over it, that follows what is read.
struct World {
    graph: Graph,
    watch: Watch,
    granted: Granted,
}

impl World {
    fn new() -> Self {
        let declarations = Arc::new(world());
        let graph = Graph::new(declarations.clone(), DigestKey([7; 32]));
        Self { graph, watch: Watch::new(&declarations, &watched()), granted: Granted::new() }
    }

    fn take(&mut self, readings: &[Reading], now: Millis) {
        let (mut systems, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for reading in readings {
            systems.insert(reading.system.clone());
            touched.extend(self.graph.apply(reading.clone()).entities);
        }
        let mut due = self.watch.grant(&self.graph, &self.granted);
        due.extend(self.watch.follow(&self.graph, &systems, &touched, now));
        self.watch.compare(&self.graph, &due, &self.granted, now);
        self.watch.expire(now);
    }

    fn grant(&mut self, element: &str) {
        let entity = sarah(&self.graph);
        let facet = Facet {
            entity,
            domain: "identity".into(),
            system: "okta".into(),
            name: "groups".into(),
            element: Some(element.into()),
        };
        let granted = self.granted.entry(entity).or_default();
        Arc::make_mut(granted).insert(facet, Values::new());
    }

    fn told(&self) -> Vec<String> {
        let by = |who: &Who| match who {
            Who::Said(by) => by.clone(),
            Who::Somebody { system } => format!("somebody in {system}"),
        };
        let value = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let cause = |cause: &Cause| match cause {
            Cause::Seen { was, last, by: who } => format!("seen: {} at {last}, by {}", value(was), by(who)),
            Cause::Taken { by: who } => format!("taken by {}", by(who)),
            Cause::Fact { reference, was, is, .. } => format!("{reference}: {} -> {}", value(was), value(is)),
            Cause::Declared { .. } => "declared".to_owned(),
            Cause::Never => "never".to_owned(),
        };
        let drifts =
            self.watch.drifts().map(|it| format!("{} {}; {}", it.change.word(), it.facet, cause(&it.cause)));
        let unjudged = self.watch.unjudged().into_iter().map(|it| format!("? {}: {}", it.what, it.why));
        drifts.chain(unjudged).collect()
    }
}

const OKTA: &str = "okta.user/u1 email=sarah@acme.com login=sc title=Engineer groups=";
const SLACK: &str = "slack.user/s1 email=sc status=active zone=near";

fn people(title: &str, at: Millis) -> Reading {
    read("workday.worker", at, &[&SARAH.replace("Engineer", title)], true)
}

fn okta(groups: &str, at: Millis) -> Reading {
    read("okta.user", at, &[&format!("{OKTA}{groups}")], true)
}

fn slack(at: Millis) -> Reading {
    read("slack.user", at, &[SLACK], true)
}

fn check(steps: &[(&[Reading], Millis)], expect: &[&str]) {
    let mut world = World::new();
    for (readings, now) in steps {
        world.take(readings, *now);
    }
    assert_eq!(world.told(), expect);
}

#[test]
fn what_somebody_changed_names_what_it_was_and_when_it_was_last_seen_so() {
    let first = [people("Engineer", 10), okta("all+engineering", 11), slack(12)];
    check(
        &[(&first, 20), (&[okta("all", 30)], 31)],
        &["create identity.groups[engineering]; seen: member at 20, by somebody in okta"],
    );
    let by = read("slack.user", 30, &[&SLACK.replace("near", "far by=joe")], true);
    check(&[(&first, 20), (&[by], 31)], &["update communications.zone; seen: near at 20, by joe"]);
}

#[test]
fn a_fact_that_changed_is_the_cause_and_not_the_facet_that_stayed() {
    let clerk = read("okta.user", 11, &[&format!("{OKTA}all").replace("Engineer", "Clerk")], true);
    let first = [people("Clerk", 10), clerk, slack(12)];
    check(
        &[(&first, 20), (&[okta("all", 30)], 31)],
        &["create identity.groups[engineering]; person.title: Clerk -> Engineer"],
    );
}

#[test]
fn what_was_so_from_the_beginning_has_no_cause_but_that() {
    let first = [people("Engineer", 10), okta("all", 11), slack(12)];
    check(&[(&first, 20)], &["create identity.groups[engineering]; never"]);
}

#[test]
fn what_xops_granted_is_excess_when_nothing_wants_it_and_taken_when_it_is_gone() {
    let mut world = World::new();
    world.take(&[people("Engineer", 10), okta("all+engineering+chess", 11), slack(12)], 20);
    assert_eq!(world.told(), [""; 0]);
    world.grant("chess");
    world.grant("engineering");
    world.take(&[okta("all+chess+other", 30)], 31);
    assert_eq!(
        world.told(),
        [
            "remove identity.groups[chess]; never",
            "create identity.groups[engineering]; seen: member at 20, by somebody in okta",
        ]
    );
    let mut late = World::new();
    late.take(&[people("Engineer", 10)], 11);
    late.grant("engineering");
    late.take(&[okta("all", 11), slack(12)], 20);
    assert_eq!(late.told(), ["create identity.groups[engineering]; taken by somebody in okta"]);
}

#[test]
fn what_was_not_wholly_read_is_not_judged_and_what_was_known_before_is_not_forgotten() {
    let first = [people("Engineer", 10), okta("all+engineering", 11), slack(12)];
    let broken = okta("all", 30).broken_off("503");
    let unjudged = "incomplete read: okta.users failed: 503";
    check(
        &[(&first, 20), (std::slice::from_ref(&broken), 31)],
        &[
            &format!("? identity.groups, seen in okta.user: {unjudged}"),
            &format!("? identity.groups[engineering]: {unjudged}"),
        ],
    );
    check(
        &[(&first, 20), (&[broken], 31), (&[okta("all", 40)], 41)],
        &["create identity.groups[engineering]; seen: member at 20, by somebody in okta"],
    );
}

#[test]
fn a_key_that_two_have_joins_nobody() {
    let twin = "workday.worker/w2 handle=bo email=sarah@acme.com title=Clerk";
    let people = read("workday.worker", 10, &[SARAH, twin], true);
    let mut world = World::new();
    world.take(&[people, okta("all", 11), slack(12)], 20);
    assert!(world.told().iter().all(|line| line.starts_with("? ")), "{:?}", world.told());
}

#[test]
fn what_grew_old_is_no_drift_any_more_and_is_told() {
    let mut world = World::new();
    world.take(&[people("Engineer", 10), okta("all", 11), slack(12)], 20);
    assert_eq!(world.watch.drifts().count(), 1);
    assert_eq!(world.watch.expire(11 + AGE), 0);
    assert_eq!(world.watch.expire(12 + AGE), 1);
    assert_eq!(world.watch.drifts().count(), 0);
    assert!(world.told()[0].starts_with("? identity.groups[engineering]: stale"), "{:?}", world.told());
}

#[test]
fn what_is_read_again_and_shows_the_same_counts_for_longer() {
    let mut world = World::new();
    world.take(&[people("Engineer", 10), okta("all", 11), slack(12)], 20);
    let of_okta = |world: &World| world.watch.drifts().map(|it| it.facet.to_string()).collect::<Vec<_>>();
    assert_eq!(of_okta(&world), ["identity.groups[engineering]"]);
    world.take(&[okta("all", 900)], 901);
    assert_eq!((world.watch.expire(12 + AGE), of_okta(&world).len()), (0, 1), "it was read again");
    // It grows old, and the same reading comes late.
    assert_eq!(world.watch.expire(901 + AGE), 1);
    let late = 950 + AGE;
    world.take(&[people("Engineer", late), okta("all", late), slack(late)], late + 1);
    assert_eq!(of_okta(&world), ["identity.groups[engineering]"], "{:?}", world.told());
}

#[test]
fn one_drift_keeps_its_id_its_cause_and_since_when_it_is() {
    let mut world = World::new();
    world.take(&[people("Engineer", 10), okta("all+engineering", 11), slack(12)], 20);
    world.take(&[okta("all", 30)], 31);
    let before = world.watch.drifts().next().expect("a drift").clone();
    world.take(&[okta("all+chess", 40)], 41);
    let after = world.watch.drifts().next().expect("a drift").clone();
    assert_eq!((before.id, before.since, before.cause), (after.id, after.since, after.cause));
    assert!(after.expires_at > before.expires_at, "it was read again");
}

/// Forty people, of whom everybody is as wanted.
fn crowd(at: Millis, title: impl Fn(usize) -> &'static str) -> [Reading; 3] {
    let person =
        |it: usize| format!("workday.worker/w{it} handle=h{it} email=p{it}@acme.com title={}", title(it));
    let user = |it: usize| {
        format!("okta.user/u{it} email=p{it}@acme.com login=l{it} title={} groups=all", title(it))
    };
    let slack = |it: usize| format!("slack.user/s{it} email=l{it} status=active zone=near");
    let read = |place, make: &dyn Fn(usize) -> String| {
        let texts: Vec<String> = (0..40).map(make).collect();
        read(place, at, &texts.iter().map(String::as_str).collect::<Vec<_>>(), true)
    };
    [read("workday.worker", &person), read("okta.user", &user), read("slack.user", &slack)]
}

#[test]
fn one_event_has_only_those_compared_whom_it_makes_look_otherwise() {
    let mut world = World::new();
    world.take(&crowd(10, |_| "Clerk"), 20);
    assert_eq!((world.told().as_slice(), world.watch.compared()), ([].as_slice(), 40));
    // Everybody is read again, and one of them has another title.
    let before = world.watch.looked();
    world.take(&crowd(30, |it| if it == 7 { "Engineer" } else { "Clerk" }), 40);
    assert_eq!(world.watch.compared(), 41);
    assert!(world.watch.looked() - before <= 3, "{} looks", world.watch.looked() - before);
    assert_eq!(world.told(), ["create identity.groups[engineering]; person.title: Clerk -> Engineer",]);
    // A change that no declaration looks at concerns nobody, and so does a reading that says the same.
    let before = world.watch.compared();
    let other = "workday.worker/w9 handle=h9 email=p9@acme.com title=Clerk hobby=chess";
    world.take(&[read("workday.worker", 50, &[other], false)], 51);
    assert_eq!(world.watch.compared(), before);
    // What is granted to somebody is looked at when it is, whoever was read.
    let chess = "okta.user/u7 email=p7@acme.com login=l7 title=Engineer groups=all+chess";
    world.take(&[read("okta.user", 60, &[chess], false)], 61);
    let entity = world.watch.drifts().next().expect("a drift").facet.entity;
    let facet = Facet {
        entity,
        domain: "identity".into(),
        system: "okta".into(),
        name: "groups".into(),
        element: Some("chess".into()),
    };
    world.granted.insert(entity, Arc::new(BTreeMap::from([(facet, Values::new())])));
    assert_eq!(world.watch.grant(&world.graph, &world.granted), [entity].into());
    assert_eq!(world.watch.grant(&world.graph, &world.granted), BTreeSet::new());
}

#[test]
fn what_grew_old_is_found_by_looking_again_and_by_nothing_that_was_read() {
    let mut world = World::new();
    world.take(&crowd(10, |_| "Clerk"), 20);
    let everybody: Vec<EntityId> = world.graph.entities("person").collect();
    assert_eq!(world.watch.age(&world.graph, &everybody, 21), BTreeSet::new());
    let late = world.watch.age(&world.graph, &everybody, 21 + AGE);
    assert_eq!(late.len(), 40);
    world.watch.compare(&world.graph, &late, &Granted::new(), 21 + AGE);
    assert_eq!(world.watch.drifts().count(), 0);
    assert!(world.told().iter().all(|line| line.starts_with("? ")), "{:?}", world.told());
}

/// What is watched, the channels among it, which are exclusive.
fn with_channels() -> BTreeMap<(String, String), Watched> {
    let mut watched = watched();
    let key = ("communications".to_owned(), "channels".to_owned());
    let mut channels = watched[&("communications".to_owned(), "zone".to_owned())].clone();
    (channels.evidence.facet, channels.evidence.element) = ("channels".to_owned(), "channels".to_owned());
    watched.insert(key, channels);
    watched
}

/// The facets that are listed for Sarah, after a look at what differs.
fn check_listing(readings: &[Reading], now: Millis, drifts: &[&str], listed: &[&str]) {
    let mut world = World::new();
    world.watch = Watch::new(&world.graph.declarations, &with_channels());
    world.take(readings, now);
    let told: Vec<String> = world.told().into_iter().filter(|line| line.contains("channels")).collect();
    assert_eq!(told, drifts);
    let exclusive = listing::exclusive(&world.graph.declarations, &with_channels());
    assert_eq!(exclusive.len(), 1, "groups and zones are additive");
    let found = listing::listing(&world.graph, &exclusive, sarah(&world.graph), now);
    assert_eq!(found.keys().map(ToString::to_string).collect::<Vec<_>>(), listed);
}

#[test]
fn what_nobody_declared_of_an_exclusive_facet_is_excess_and_listed() {
    let slack = |channels: &str| read("slack.user", 12, &[&format!("{SLACK} channels={channels}")], true);
    let first = [people("Engineer", 10), okta("all+engineering", 11)];
    let with = |channels: &str| [first[0].clone(), first[1].clone(), slack(channels)];
    check_listing(&with("builds"), 20, &[], &["communications.channels[builds]"]);
    let excess = "remove communications.channels[memes]; never";
    let both = ["communications.channels[builds]", "communications.channels[memes]"];
    check_listing(&with("builds+memes"), 20, &[excess], &both);
    // What broke off shows what it shows, and what it does not show is not known.
    let broken = [first[0].clone(), first[1].clone(), slack("builds+memes").broken_off("503")];
    let told = "? communications.channels, seen in slack.user: incomplete read: slack.users failed: 503";
    check_listing(&broken, 20, &[excess, told], &both);
    // What is old lists nothing.
    let late = 13 + AGE;
    check_listing(
        &with("builds+memes"),
        late,
        &["? communications.channels, seen in slack.user: stale: slack.users is stale"],
        &[],
    );
}

#[test]
fn a_key_that_two_have_lists_nothing_for_either() {
    let twin = "workday.worker/w2 handle=bo email=sarah@acme.com title=Engineer";
    let slack = read("slack.user", 12, &[&format!("{SLACK} channels=memes")], true);
    let readings = [read("workday.worker", 10, &[SARAH, twin], true), okta("all", 11), slack];
    let mut world = World::new();
    world.watch = Watch::new(&world.graph.declarations, &with_channels());
    world.take(&readings, 20);
    assert!(world.told().iter().all(|line| !line.starts_with("remove")), "{:?}", world.told());
    let exclusive = listing::exclusive(&world.graph.declarations, &with_channels());
    for entity in world.graph.entities("person") {
        assert_eq!(listing::listing(&world.graph, &exclusive, entity, 20).len(), 0);
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let groups = prop::sample::select(vec!["", "all", "all+engineering", "engineering", "chess"]);
    let title = prop::sample::select(vec!["Engineer", "Clerk"]);
    let mail = prop::sample::select(vec!["sarah@acme.com", "other@acme.com"]);
    (0..4_u8, groups, title, mail, any::<bool>()).prop_map(|(which, groups, title, mail, whole)| {
        let twin = format!("workday.worker/w2 handle=bo email={mail} title=Engineer");
        match which {
            0 => read("workday.worker", 0, &[&SARAH.replace("Engineer", title), &twin], whole),
            1 => read("slack.user", 0, &[SLACK], whole),
            2 => read(
                "okta.user",
                0,
                &[&format!("okta.user/u1 email={mail} title={title} groups={groups}")],
                whole,
            ),
            _ => read("okta.user", 0, &[], whole).broken_off("503"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_watch_that_followed_finds_what_one_that_begins_now_finds(readings in prop::collection::vec(any_reading(), 1..14)) {
        let mut world = World::new();
        for (at, reading) in (1..).zip(readings) {
            let at = at * 10;
            let mut reading = reading;
            reading.at = at;
            for record in &mut reading.records {
                record.read_at = at;
            }
            world.take(&[reading], at + 1);
        }
        let mut fresh = Watch::new(&world.graph.declarations, &watched());
        let systems = ["workday", "okta", "slack"].map(str::to_owned).into();
        let everybody = fresh.everybody(&world.graph);
        let due = fresh.follow(&world.graph, &systems, &everybody, NOW);
        fresh.compare(&world.graph, &due, &world.granted, NOW);
        // Who is gone has no drift; a watch may remember them until the next reading touches them.
        let ids = |watch: &Watch| -> BTreeSet<_> {
            watch.drifts().filter(|it| everybody.contains(&it.facet.entity)).map(|it| it.id).collect()
        };
        prop_assert_eq!(ids(&world.watch), ids(&fresh));
        // What the work would come to is the same as well, byte by byte.
        fresh.grant(&world.graph, &world.granted);
        world.watch.age(&world.graph, &everybody.iter().copied().collect::<Vec<_>>(), NOW);
        for entity in &everybody {
            let plans = [&world.watch, &fresh].map(|watch| watch.plan(&world.graph, *entity, NOW));
            prop_assert_eq!(&plans[0], &plans[1]);
            prop_assert!(plans[0].is_some());
        }
    }
}
