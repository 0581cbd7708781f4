//! What an engine remembers of who is who: rules and decisions in the journal, ids beside it, and what was granted under an id whose record
//! left.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own records has failed")]

use crate::who::{Held, ann, decision, started};
use crate::{begin, within, work};
use std::path::Path;
use xops_journal::backup;
use xops_journal::disk::{Disk, RealDisk};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::diff::{Change, Facet};
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::id::{EntityId, RequestId};
use xops_kernel::log::{Compiled, Entry, Request as Asked, What};
use xops_kernel::value::{Value, Values};
use xops_robots::service::Answer;
use xops_shell::engine::{Engine, Ledger};
use xops_shell::letter;

#[test]
fn rules_and_decisions_are_written_down_when_they_come_into_force_and_not_again() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    let words = || {
        let keys = Keys::new("test", &TenantKey::from_bytes([7; 32]));
        let ring =
            SubjectKeys::beside(&dir.path().join("subjects"), &TenantKey::from_bytes([7; 32])).unwrap();
        let mut words = Vec::new();
        let reader = Reader::open(&dir.path().join("journal"), &keys).unwrap();
        let read = reader.replay(1, |_, stream, body| {
            if let Ok(Decoded::Entry(entry)) = stored::decode(stream, body, &ring)
                && let Entry::Tenant(happened) = *entry
            {
                match &happened.what {
                    What::Ruled { rules, .. } => words.push(format!("ruled {}", rules["person"].rules.same)),
                    What::Decided(it) => {
                        words.push(format!("decided back={} by {}", it.taken_back, it.decision.author));
                    }
                    _ => {}
                }
            }
            std::ops::ControlFlow::Continue(())
        });
        read.unwrap();
        words
    };
    let ledger = || Ledger::Write(dir.path().join("journal"));
    for _start in 0..2 {
        started(&held, dir.path(), vec![], ledger(), async |_| {});
        assert_eq!(words(), ["ruled 700"]);
    }
    for _start in 0..2 {
        started(&held, dir.path(), vec![decision(true, None)], ledger(), async |_| {});
        assert_eq!(words(), ["ruled 700", "decided back=false by ann.ops"]);
    }
    started(&held, dir.path(), vec![], ledger(), async |_| {});
    assert_eq!(words()[2..], ["decided back=true by ann.ops"]);
}

#[test]
fn a_backup_taken_beside_a_running_engine_knows_every_id_but_those_of_whom_was_erased() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    held.lock().unwrap().insert("hr", vec![ann("w1", "ann", "2020"), ann("w2", "ann.chen", "2026")]);
    let keys = Keys::new("test", &TenantKey::from_bytes([7; 32]));
    let (journal, copy, restored) =
        (dir.path().join("journal"), dir.path().join("copy"), dir.path().join("restored"));
    let ids = started(
        &held,
        dir.path(),
        vec![decision(false, None)],
        Ledger::Write(journal.clone()),
        async |engine| {
            let reader = Reader::open(&journal, &keys).unwrap();
            backup::take(&reader, &keys, &copy, &mut |_, _| {}).unwrap();
            engine.tenant().graph().entities("person").collect::<Vec<EntityId>>()
        },
    );
    assert_eq!(ids.len(), 2);
    let restore = |to: &Path| backup::restore(&copy, &keys, to, &mut |_, _| {});
    restore(&restored).unwrap();
    // Both records have left since.
    held.lock().unwrap().insert("hr", vec![]);
    let known = |ledger: Ledger| {
        started(&held, dir.path(), vec![], ledger, async |engine| {
            let graph = engine.tenant().graph();
            ids.iter().map(|id| graph.kind(*id).is_some()).collect::<Vec<bool>>()
        })
    };
    assert_eq!(known(Ledger::Read(restored.clone())), [true, true], "also for whoever only looks");
    assert_eq!(known(Ledger::Write(restored.clone())), [true, true]);
    {
        let mut ring =
            SubjectKeys::open(&dir.path().join("subjects"), &TenantKey::from_bytes([7; 32])).unwrap();
        ring.get_or_create(ids[0].0).unwrap();
        ring.erase(ids[0].0).unwrap();
    }
    assert_eq!(known(Ledger::Write(restored)), [false, true], "what an old copy brings back stays erased");
    // And it is what was written or it is refused.
    let name = RealDisk::new(&copy)
        .unwrap()
        .list()
        .unwrap()
        .into_iter()
        .find(|name| name.starts_with("issued-"))
        .unwrap();
    let mut bytes = std::fs::read(copy.join(&name)).unwrap();
    bytes[60] ^= 1;
    std::fs::write(copy.join(&name), bytes).unwrap();
    let why = restore(&dir.path().join("again")).unwrap_err().to_string();
    assert!(why.contains(&name), "{why}");
}

/// Work that grants an entity a place in the choir.
fn granting(entity: EntityId) -> (Asked, Box<Compiled>) {
    let (mut request, mut compiled) = work("hr", 1, 1);
    let (domain, system, name) = ("identity".to_owned(), "hr".to_owned(), "groups".to_owned());
    let facet = Facet { entity, domain, system, name, element: Some("choir".to_owned()) };
    let absent: Observation<Value> = Observation::Absent(Proof::Implied { by: "the test".to_owned() });
    let plan = &mut compiled.plan;
    plan.steps[0].change = Some(Box::new(Change::create(facet, "member".into(), absent.absence().unwrap())));
    (plan.entity, plan.kind) = (entity, "person".to_owned());
    (compiled.evidence.subject.entity, compiled.evidence.subject.kind) = (entity, "person".to_owned());
    "person".clone_into(&mut request.kind);
    (request, compiled)
}

#[test]
fn what_was_granted_under_an_id_whose_record_left_counts_for_the_one_that_stands_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let held = Held::default();
    held.lock().unwrap().insert("hr", vec![ann("w1", "ann", "2020"), ann("w2", "ann.chen", "2026")]);
    let ledger = || Ledger::Write(dir.path().join("journal"));
    let granted = async |engine: &Engine, id: EntityId| -> Vec<EntityId> {
        let granted = engine.service().send(letter::Granted(id)).await.unwrap();
        granted.into_keys().map(|facet| facet.entity).collect()
    };
    let find = || Values::from([("handle".to_owned(), Value::from("ann.chen"))]);
    let old = started(&held, dir.path(), vec![], ledger(), async |engine| {
        let ids: Vec<EntityId> = engine.tenant().graph().entities("person").collect();
        let numbers = begin(engine, vec![granting(ids[0])]).await;
        assert_eq!(within("the instance", engine.rest(numbers[0])).await, Some("completed"));
        assert_eq!(granted(engine, ids[0]).await, ids, "it is granted under the first id");
        ids[0]
    });
    // The old employment leaves while nobody looks.
    held.lock().unwrap().insert("hr", vec![ann("w2", "ann.chen", "2026")]);
    let new = started(&held, dir.path(), vec![], ledger(), async |engine| {
        let ids: Vec<EntityId> = engine.tenant().graph().entities("person").collect();
        assert!(ids.len() == 1 && ids[0] != old, "she is called by her next id");
        let steady = engine.steadiness().await;
        assert_eq!(steady.granted.keys().copied().collect::<Vec<_>>(), ids, "drift counts it");
        let preview = engine.preview("person", &find(), None).await.unwrap();
        assert_eq!(preview.granted.keys().map(|it| it.entity).collect::<Vec<_>>(), ids, "and so does a plan");
        let request = Asked { find: find(), ..granting(old).0 };
        let request = Asked { id: RequestId::of("test", "request", "again"), ..request };
        assert!(matches!(engine.request(request).await, Ok(Answer::Unchanged { .. })));
        assert_eq!(granted(engine, old).await, []);
        assert_eq!(granted(engine, ids[0]).await, ids, "and from its next compilation on it is hers");
        ids[0]
    });
    started(&held, dir.path(), vec![], ledger(), async |engine| {
        assert_eq!(granted(engine, old).await, [], "as the journal tells");
        assert_eq!(granted(engine, new).await, [new]);
    });
}
