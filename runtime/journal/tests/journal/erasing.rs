//! Whose keys an erasure destroys: all of one person's, nobody else's, and those of an interrupted one later.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::erase::{Found, Survey, Whom, destroy, perform, remember, remembered, written};
use xops_journal::journal::{Entry as Stored, Journal};
use xops_journal::read::Reader;
use xops_journal::stored::{Decoded, decode, encode, stream, subject};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::{EntityId, RequestId};
use xops_kernel::log::{Entrance, Entry, Happened, Request, What};
use xops_kernel::value::{Value, Values};
use xops_sim::driver::{Instance, Setup, play};
use xops_sim::plans::{line, plan};

use crate::lasting::begun;
use crate::world::{key, keys, open, seeded, small};

const DIGESTS: DigestKey = DigestKey([6; 32]);
const ADA: EntityId = EntityId([21; 16]);
const BEA: EntityId = EntityId([22; 16]);

/// A journal, its keyring, and the disk of both.
struct Kept {
    disk: Arc<MemoryDisk>,
    journal: Journal,
    ring: SubjectKeys,
}

fn ring(disk: &MemoryDisk) -> SubjectKeys {
    SubjectKeys::open_on(disk, "subjects", &key(), Arc::new(seeded(6))).unwrap()
}

fn tenant(what: What) -> Entry {
    Entry::Tenant(Box::new(Happened { at: 1_000_000_000, what }))
}

fn requested(id: u8, find: &[(&str, &str)]) -> What {
    let find: Values = find.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    What::Requested(Box::new(Request {
        id: RequestId([id; 16]),
        entrance: Entrance::Request,
        principal: "someone".into(),
        kind: "person".into(),
        find,
        outcome: None,
        release: false,
    }))
}

/// One instance of `entity`, called `handle`, found by `email`; with its end, or without.
fn story(number: u64, entity: EntityId, handle: &str, email: &str, ends: bool) -> Vec<Entry> {
    let plans = vec![plan("forward", 1, &line(&["put.update"]))];
    let mut instance: Instance = play(Setup::calm(number, plans)).instances.remove(0);
    let [mut request, mut compiled] = begun(number, &instance);
    if let (What::Requested(request), What::Compiled(compiled)) = (&mut request, &mut compiled) {
        request.kind = "person".into();
        request.find = [("email".to_owned(), Value::from(email))].into();
        compiled.plan.entity = entity;
        compiled.plan.kind = "person".into();
        compiled.handle = handle.into();
    }
    let mut all = vec![tenant(request), tenant(compiled)];
    if !ends {
        instance.log.pop();
    }
    let events = instance.log.drain(..).flatten();
    all.extend(events.map(|stamped| Entry::Instance(number, stamped)));
    all
}

/// Appends one frame; the events of an instance are sealed for whom its plan is about.
fn append(journal: &mut Journal, ring: &mut SubjectKeys, entries: &[Entry]) {
    let about = entries.iter().find_map(|entry| match entry {
        Entry::Tenant(happened) => happened.what.subject(),
        Entry::Instance(..) => None,
    });
    let stored = entries.iter().map(|entry| {
        let subject = subject(entry, about.map(|entity| entity.0));
        ring.prepare(subject.as_slice()).unwrap();
        let mut body = Vec::new();
        encode(entry, subject, ring, &mut body).unwrap();
        Stored { stream: stream(entry), body }
    });
    let stored: Vec<Stored> = stored.collect();
    journal.append(&stored).unwrap();
}

fn kept(stories: &[Vec<Entry>]) -> Kept {
    let disk = Arc::new(MemoryDisk::default());
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut ring = ring(&disk);
    for story in stories {
        append(&mut journal, &mut ring, story);
    }
    Kept { disk, journal, ring }
}

/// Ada's instance and Bea's; a request for Ada that found nobody, and one for somebody else.
fn both() -> Kept {
    let refused = |id: u8, email: &str| What::Refused {
        request: RequestId([id; 16]),
        entity: None,
        reasons: vec![format!("no person has email={email}")],
    };
    let lost = [
        requested(71, &[("email", "ada@acme.example")]),
        refused(71, "ada@acme.example"),
        requested(72, &[("email", "cy@acme.example")]),
        refused(72, "cy@acme.example"),
    ];
    let mut stories =
        vec![story(1, ADA, "ada", "ada@acme.example", true), story(2, BEA, "bea", "bea@acme.example", true)];
    stories.push(lost.into_iter().map(tenant).collect());
    kept(&stories)
}

fn survey(kept: &Kept) -> Survey {
    let mut survey = Survey::default();
    let take = |_, stream, body: &[u8]| {
        survey.take(stream, body, &kept.ring).unwrap();
        ControlFlow::Continue(())
    };
    kept.journal.replay(1, take).unwrap();
    survey
}

fn whom(find: &[(&str, &str)]) -> Whom {
    let find = find.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    Whom { kind: "person".into(), handle: "handle".into(), find, entity: None }
}

fn found(kept: &Kept, whom: &Whom) -> Found {
    survey(kept).find(whom, &DIGESTS)
}

/// Everything that can be read, and how many events cannot.
fn readable(kept: &Kept) -> (String, usize) {
    let (mut all, mut erased) = (String::new(), 0);
    let take = |_, stream, body: &[u8]| {
        match decode(stream, body, &kept.ring).unwrap() {
            Decoded::Entry(entry) => writeln!(all, "{entry:?}").unwrap(),
            Decoded::Erased(_) => erased += 1,
        }
        ControlFlow::Continue(())
    };
    kept.journal.replay(1, take).unwrap();
    (all, erased)
}

#[test]
fn a_person_is_found_by_their_handle_by_an_attribute_and_by_their_id() {
    let kept = both();
    let expect = found(&kept, &whom(&[("handle", "ada")]));
    assert_eq!(expect.entities.keys().copied().collect::<Vec<_>>(), [ADA]);
    assert_eq!(expect.instances, [1].into());
    // Their own request, and the one that found nobody by the same address.
    assert_eq!(expect.requests, [RequestId([1; 16]), RequestId([71; 16])].into());
    assert!(expect.running.is_empty() && expect.open.is_empty() && expect.events > 3, "{expect:?}");
    assert_eq!(found(&kept, &whom(&[("email", "ada@acme.example")])), expect);
    let by_id = Whom { entity: Some(ADA), kind: String::new(), ..whom(&[]) };
    assert_eq!(found(&kept, &by_id).entities, expect.entities);
    assert_eq!(found(&kept, &whom(&[("handle", "nobody")])), Found::default());
    assert_eq!(found(&kept, &whom(&[("handle", "ada"), ("email", "bea@acme.example")])), Found::default());
}

#[test]
fn what_is_said_of_one_person_is_gone_and_what_is_said_of_others_stays() {
    let mut kept = both();
    let ada = whom(&[("handle", "ada")]);
    let (before, _) = readable(&kept);
    assert!(before.contains("ada@acme.example") && before.contains("bea@acme.example"));
    let all = found(&kept, &ada);
    let record = all.record(&ada, "olivia", &kept.ring, &DIGESTS).unwrap();
    assert_eq!(perform(&mut kept.journal, &mut kept.ring, record, 5).unwrap(), 3);
    let (after, erased) = readable(&kept);
    assert!(!after.contains("ada"), "{after}");
    assert!(after.contains("bea@acme.example") && after.contains("cy@acme.example"));
    assert_eq!(erased as u64, all.events);
    // A second time there is nothing to destroy, and it is known that there was a first.
    let again = found(&kept, &ada);
    assert_eq!(again.record(&ada, "olivia", &kept.ring, &DIGESTS), None);
    assert_eq!(
        again.before.iter().map(|(at, it)| (*at, it.by.as_str())).collect::<Vec<_>>(),
        [(5, "olivia")]
    );
}

#[test]
fn an_instance_that_is_under_way_and_a_request_without_an_answer_are_told() {
    let mut stories = vec![story(1, ADA, "ada", "ada@acme.example", false)];
    stories.push(vec![tenant(requested(73, &[("email", "ada@acme.example")]))]);
    let kept = kept(&stories);
    let found = found(&kept, &whom(&[("handle", "ada")]));
    assert_eq!((found.running, found.open), ([1].into(), [RequestId([73; 16])].into()));
}

#[test]
fn keys_that_an_erasure_left_are_destroyed_later_and_newer_ones_are_not() {
    let mut kept = both();
    let ada = whom(&[("handle", "ada")]);
    let record = found(&kept, &ada).record(&ada, "olivia", &kept.ring, &DIGESTS).unwrap();
    let older = kept.disk.read("subjects").unwrap();
    perform(&mut kept.journal, &mut kept.ring, record.clone(), 5).unwrap();
    drop(kept.ring);
    // An older keyring: the journal says what is to be destroyed, and the list beside it says the same.
    kept.disk.put("subjects", older);
    kept.ring = ring(&kept.disk);
    assert!(readable(&kept).0.contains("ada@acme.example"));
    let reader = Reader::open_on(Arc::clone(&kept.disk) as Arc<dyn Disk>, &keys()).unwrap();
    assert_eq!(written(&reader, &kept.ring).unwrap(), std::slice::from_ref(&record));
    assert_eq!(remembered(&*kept.disk, &keys()), []);
    remember(&*kept.disk, &keys(), std::slice::from_ref(&record)).unwrap();
    let owed = remembered(&*kept.disk, &keys());
    assert_eq!(owed, record.subjects);
    assert_eq!(destroy(&mut kept.ring, &owed).unwrap(), 3);
    assert!(!readable(&kept).0.contains("ada"));
    // She comes back: her new key is none of those.
    kept.ring.get_or_create(ADA.0).unwrap();
    assert_eq!(destroy(&mut kept.ring, &owed).unwrap(), 0);
    assert_eq!(kept.ring.generation(&ADA.0), Some(2));
}

#[test]
fn a_list_of_destroyed_keys_that_was_altered_is_not_believed() {
    let mut kept = both();
    let ada = whom(&[("handle", "ada")]);
    let record = found(&kept, &ada).record(&ada, "olivia", &kept.ring, &DIGESTS).unwrap();
    perform(&mut kept.journal, &mut kept.ring, record.clone(), 5).unwrap();
    remember(&*kept.disk, &keys(), &[record]).unwrap();
    let bytes = kept.disk.read("journal.erased").unwrap();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        kept.disk.put("journal.erased", other);
        assert_eq!(remembered(&*kept.disk, &keys()), [], "byte {at}");
        kept.disk.put("journal.erased", bytes[..at].to_vec());
        assert_eq!(remembered(&*kept.disk, &keys()), [], "cut at {at}");
    }
}
