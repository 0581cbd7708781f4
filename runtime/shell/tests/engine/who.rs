//! Who is who in a running engine: what rules joined is the same after a restart, a decision takes it apart, and no id is forgotten.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own records has failed")]

use crate::{Answers, Fragile, setup};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::declare::{Attribute, Claim, Declarations, EntityKind, Link, Origin, System};
use xops_kernel::id::EntityId;
use xops_kernel::identity::{
    Block, Comparator, Cut, Decision, Field, Identities, Joining, Linkage, Normaliser, Part, Rules,
};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::{Type, Value, Values};
use xops_shell::engine::who::Deciding;
use xops_shell::engine::{Engine, Ledger, Setup};

/// What the systems hold, by system: ids and attributes.
pub(crate) type Held = Arc<Mutex<BTreeMap<&'static str, Vec<(&'static str, Values)>>>>;

/// Two systems that can be read, the first of which does as it is told.
struct Readable(Held, Fragile);

fn readable(held: &Held) -> Readable {
    Readable(Arc::clone(held), Fragile::new(&[("hr", 0)]))
}

impl Connector for Readable {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.1.contract(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        Fragile::new(&[]).render(ask)
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
        self.1.classify(ask, response)
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Absent)
    }

    fn reads(&self, system: &str) -> Vec<ReadContract> {
        let kind = if system == "hr" { "worker" } else { "user" };
        let (system, name) = (system.to_owned(), format!("{kind}s"));
        let kind = kind.to_owned();
        vec![ReadContract { system, name, kind, timeout_ms: 1_000, ..ReadContract::default() }]
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Ok(Request {
            system: read.system.to_owned(),
            method: "GET".to_owned(),
            url: "http://127.0.0.1/all".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
        })
    }

    fn page(&self, _config: &Values, read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        let kind = if read.system == "hr" { "worker" } else { "user" };
        let held = self.0.lock().unwrap();
        let record = |(id, attributes): &(&str, Values)| Record {
            source: Source {
                system: read.system.to_owned(),
                kind: kind.to_owned(),
                id: (*id).to_owned(),
                version: None,
            },
            attributes: attributes.clone(),
            read_at: read.at,
            principal: read.principal.to_owned(),
        };
        let records = held.get(read.system).into_iter().flatten().map(record).collect();
        ReadPage::Records { records, gone: Vec::new(), next: None, place: None }
    }
}

fn declared() -> Declarations {
    let claim = |attribute: &str| Claim {
        system: "hr".to_owned(),
        kind: "worker".to_owned(),
        attribute: attribute.to_owned(),
    };
    let attribute = |name: &str| {
        let from = vec![claim(name)];
        let origin = Origin::default();
        (name.to_owned(), Attribute { is: Type::Text, personal: true, from, max_age_ms: None, origin })
    };
    let link = Link {
        system: "idp".to_owned(),
        kind: "user".to_owned(),
        record: String::new(),
        entity: String::new(),
        origin: Origin::default(),
    };
    let person = EntityKind {
        name: "person".to_owned(),
        mint: ("hr".to_owned(), "worker".to_owned()),
        handle: "handle".to_owned(),
        attributes: ["handle", "status"].map(attribute).into(),
        links: BTreeMap::from([("idp".to_owned(), link)]),
        origin: Origin::default(),
    };
    let system = |name: &str| {
        let max_age_ms = 3_600_000;
        (name.to_owned(), System { name: name.to_owned(), concurrency: 4, max_age_ms, ..System::default() })
    };
    Declarations {
        tenant: "test".to_owned(),
        principal: "test".to_owned(),
        systems: ["hr", "idp"].map(system).into(),
        entities: BTreeMap::from([("person".to_owned(), person)]),
        contracts: Fragile::new(&[("hr", 0)]).contracts,
        ..Declarations::default()
    }
}

fn identities(decisions: Vec<Decision>) -> Identities {
    let field = |name: &str, compare| Field {
        name: name.to_owned(),
        columns: vec![vec![name.to_owned()]],
        normalise: vec![Normaliser::Fold],
        compare,
        frequencies: false,
        crosses: None,
        junk: Vec::new(),
        shared_max: None,
        synonyms: Vec::new(),
        weights: BTreeMap::new(),
    };
    let rules = Rules {
        name: "person".to_owned(),
        linkage: Linkage::OneToOne,
        several: vec!["hr".to_owned()],
        same: 700,
        members_max: 8,
        fields: vec![field("name", Comparator::Name), field("email", Comparator::Email)],
        blocks: vec![Block { parts: vec![Part { field: 1, cut: Cut::Whole }], at_most: 8 }],
        decisions,
        ..Rules::default()
    };
    let joining = Joining { rules: Arc::new(rules), current: "since".to_owned() };
    BTreeMap::from([("person".to_owned(), joining)])
}

pub(crate) fn ann(id: &'static str, handle: &str, since: &str) -> (&'static str, Values) {
    let attributes = [("name", "Ann Chen"), ("email", "ann@acme.com"), ("handle", handle), ("since", since)];
    (id, attributes.map(|(name, value)| (name.to_owned(), Value::from(value))).into())
}

/// Starts an engine on the journal, reads every system, and shows each person: the handle, the account, how many ids lead there.
fn live(
    held: &Held,
    dir: &Path,
    decisions: Vec<Decision>,
    before: impl FnOnce(&Engine),
) -> (Vec<String>, Vec<EntityId>) {
    live_and(held, dir, decisions, before, |_| {})
}

/// The same, with a look at the end.
fn live_and(
    held: &Held,
    dir: &Path,
    decisions: Vec<Decision>,
    before: impl FnOnce(&Engine),
    after: impl FnOnce(&Engine),
) -> (Vec<String>, Vec<EntityId>) {
    let setup = Setup {
        declarations: Arc::new(declared()),
        identities: identities(decisions),
        connector: Arc::new(readable(held)),
        transport: Arc::new(Answers),
        ..setup(Fragile::new(&[]), Ledger::Write(dir.join("journal")), dir)
    };
    actix::System::new().block_on(async {
        let engine = Engine::start(setup).await.unwrap();
        before(&engine);
        engine.read(|_, _| {}).await;
        let tenant = engine.tenant();
        let now = tenant.hub.clock.now();
        let told = {
            let graph = tenant.graph();
            let show = |entity: EntityId| {
                let account =
                    graph.link(entity, "idp", now).presence().map(|it| it.value().source.id.clone());
                let ids = graph.ids_of(entity).len();
                format!("{} {account:?} {ids}", graph.handle(entity).unwrap())
            };
            let ids: Vec<EntityId> = graph.entities("person").collect();
            (ids.iter().copied().map(show).collect(), ids)
        };
        after(&engine);
        engine.stop().await.unwrap();
        told
    })
}

#[test]
fn what_rules_joined_outlives_a_restart_a_decision_takes_it_apart_and_no_id_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    held.lock().unwrap().insert("hr", vec![ann("w1", "ann", "2020")]);
    held.lock().unwrap().insert("idp", vec![ann("u1", "", "")]);
    let (shown, first) = live(&held, dir.path(), vec![], |_| {});
    assert_eq!(shown, ["ann Some(\"u1\") 1"]);

    // She comes back under a new id: the same person, and the newest employment holds.
    held.lock().unwrap().insert("hr", vec![ann("w1", "ann", "2020"), ann("w2", "ann.chen", "2026")]);
    for _start in 0..2 {
        let (shown, ids) = live(&held, dir.path(), vec![], |_| {});
        assert_eq!(shown, ["ann.chen Some(\"u1\") 2"]);
        assert_eq!(ids, first, "her id is what it was");
    }

    let apart = Decision {
        same: false,
        left: "hr:w1".to_owned(),
        right: "hr:w2".to_owned(),
        author: "ann".to_owned(),
        why: "two of one name".to_owned(),
        until: None,
    };
    let (shown, both) = live(&held, dir.path(), vec![apart], |_| {});
    assert_eq!(shown, ["ann None 1", "ann.chen None 1"], "whose the account is, is asked");
    let (shown, _) = live(&held, dir.path(), vec![], |_| {});
    assert_eq!(shown, ["ann.chen Some(\"u1\") 2"], "and taken back it is as it was");

    // The old employment is gone from the system: its id leads somewhere still, in a process that never read it.
    held.lock().unwrap().insert("hr", vec![ann("w2", "ann.chen", "2026")]);
    let known = |engine: &Engine| {
        let graph = engine.tenant().graph();
        for id in &both {
            assert_eq!(graph.kind(*id), Some("person"));
            assert!(graph.facts(*id, 1).is_some());
        }
    };
    let led = |engine: &Engine| {
        let graph = engine.tenant().graph();
        assert_eq!(both.iter().map(|id| graph.succeeded(*id)).collect::<Vec<_>>(), [both[1], both[1]]);
    };
    let (shown, ids) = live_and(&held, dir.path(), vec![], known, led);
    assert_eq!(
        shown,
        ["ann.chen Some(\"u1\") 2"],
        "both ids lead to her: they were of one when the first was last seen"
    );
    assert_eq!(ids, both[1..]);

    // Whose record was never seen beside another one leads to nobody.
    held.lock().unwrap().insert("hr", vec![]);
    live(&held, dir.path(), vec![], |_| {});
    let nobody = |engine: &Engine| assert_eq!(engine.tenant().graph().succeeded(both[0]), both[0]);
    live(&held, dir.path(), vec![], nobody);
}

pub(crate) fn decision(same: bool, until: Option<u32>) -> Decision {
    Decision {
        same,
        left: "hr:w1".to_owned(),
        right: "hr:w2".to_owned(),
        author: "ann.ops".to_owned(),
        why: "she knows them".to_owned(),
        until,
    }
}

/// Each person: the handle, the account, and how many ids lead there.
fn people(engine: &Engine) -> Vec<String> {
    let tenant = engine.tenant();
    let (graph, now) = (tenant.graph(), tenant.hub.clock.now());
    let show = |entity: EntityId| {
        let account = graph.link(entity, "idp", now).presence().map(|it| it.value().source.id.clone());
        format!("{} {account:?} {}", graph.handle(entity).unwrap(), graph.ids_of(entity).len())
    };
    graph.entities("person").map(show).collect()
}

/// Starts an engine, reads, does something, and ends: in good order, or by nothing but the journal being left.
pub(crate) fn started<T>(
    held: &Held,
    dir: &Path,
    declared: Vec<Decision>,
    ledger: Ledger,
    then: impl AsyncFnOnce(&Engine) -> T,
) -> T {
    let setup = Setup {
        declarations: Arc::new(self::declared()),
        identities: identities(declared),
        connector: Arc::new(readable(held)),
        transport: Arc::new(Answers),
        ..setup(Fragile::new(&[]), ledger, dir)
    };
    actix::System::new().block_on(async {
        let engine = Engine::start(setup).await.unwrap();
        engine.read(|_, _| {}).await;
        let told = then(&engine).await;
        engine.stop().await.unwrap();
        told
    })
}

#[test]
fn what_is_decided_beside_the_files_holds_at_once_and_through_restarts_until_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    held.lock().unwrap().insert("hr", vec![ann("w1", "ann", "2020"), ann("w2", "ann.chen", "2026")]);
    held.lock().unwrap().insert("idp", vec![ann("u1", "", "")]);
    let ledger = || Ledger::Write(dir.path().join("journal"));
    let ids = |engine: &Engine| engine.tenant().graph().entities("person").collect::<BTreeSet<EntityId>>();
    let both = started(&held, dir.path(), vec![], ledger(), async |engine| {
        assert_eq!(people(engine), ["ann.chen Some(\"u1\") 2"]);
        let one = engine.decide("person", decision(false, None), Deciding::Asked).await;
        assert_eq!(one, Ok(false));
        assert_eq!(people(engine), ["ann None 1", "ann.chen None 1"], "without a restart");
        let both = ids(engine);
        // The last word on two records holds, and every id is what it was.
        assert_eq!(engine.decide("person", decision(true, None), Deciding::Asked).await, Ok(true));
        assert_eq!(people(engine), ["ann.chen Some(\"u1\") 2"]);
        assert!(ids(engine).is_subset(&both));
        assert_eq!(engine.decide("person", decision(false, None), Deciding::Asked).await, Ok(false));
        both
    });
    let read = Ledger::Read(dir.path().join("journal"));
    for ledger in [ledger(), read, ledger()] {
        started(&held, dir.path(), vec![], ledger, async |engine| {
            assert_eq!(people(engine), ["ann None 1", "ann.chen None 1"]);
            assert_eq!(ids(engine), both);
        });
    }
    // The files overrule it, and what they say cannot be decided otherwise beside them.
    started(&held, dir.path(), vec![decision(true, None)], ledger(), async |engine| {
        assert_eq!(people(engine), ["ann.chen Some(\"u1\") 2"]);
        let refused = engine.decide("person", decision(false, None), Deciding::Asked).await.unwrap_err();
        assert!(refused.contains("files decide") && refused.contains("ann.ops"), "{refused}");
    });
    started(&held, dir.path(), vec![], ledger(), async |engine| {
        assert_eq!(people(engine), ["ann None 1", "ann.chen None 1"]);
        assert_eq!(engine.decide("person", decision(false, None), Deciding::TakenBack).await, Ok(true));
        assert_eq!(people(engine), ["ann.chen Some(\"u1\") 2"]);
        let nothing = engine.decide("person", decision(false, None), Deciding::TakenBack).await.unwrap_err();
        assert!(nothing.contains("nothing to take back"), "{nothing}");
    });
}

#[test]
fn what_could_not_be_declared_cannot_be_decided() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    started(&held, dir.path(), vec![], Ledger::Write(dir.path().join("journal")), async |engine| {
        let same = decision(true, None);
        let cases = [
            ("device", same.clone(), "not joined by rules; those that are: person"),
            ("person", Decision { left: "git:1".to_owned(), ..same.clone() }, "is one of hr, idp"),
            ("person", Decision { left: "hr:".to_owned(), ..same.clone() }, "write SYSTEM:ID"),
            ("person", Decision { left: same.right.clone(), ..same.clone() }, "the same as itself"),
            ("person", Decision { why: " ".to_owned(), ..same.clone() }, "`why` must be there"),
            ("person", Decision { author: "a\nb".to_owned(), ..same.clone() }, "in one line"),
            ("person", Decision { until: Some(20_010_101), ..same.clone() }, "ended before today"),
        ];
        for (kind, decision, expect) in cases {
            let why = engine.decide(kind, decision, Deciding::Asked).await.unwrap_err();
            assert!(why.contains(expect), "{why}");
        }
        assert!(engine.tenant().graph().questions().is_empty());
    });
}
