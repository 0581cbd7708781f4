//! A journal that was written once stays readable, and tells the same story word for word.
//!
//! `golden/journal_v1/` holds the files of a journal and of its keyring, written under a fixed key and a fixed random source: a
//! few instances played by the simulator (one that completed, one that was turned back after the process died, and others until
//! every kind of event occurs), every kind of entry of the tenant, and one entry whose subject was erased. What must come of it
//! stands in `golden/journal_v1.out`. The files are never written again: what changes the format adds a golden beside this one.
//!
//! A file is stored without its empty sectors: its length in 8 bytes, then each sector of 512 bytes that is not all zero, after
//! its number in 4 bytes; all numbers little-endian.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Entry as Stored, Journal, Options};
use xops_journal::stored::{Decoded, decode, encode, stream, subject};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::declare::Declarations;
use xops_kernel::desire;
use xops_kernel::id::{Digest, Direction, EntityId, InstanceId, RequestId, StepId};
use xops_kernel::log::{Compiled, Entrance, Entry, Evidence, Happened, Request, Scope, What};
use xops_kernel::plan::Plan;
use xops_kernel::saga::event::Stamped;
use xops_kernel::saga::{Bounds, Saga, Shared};
use xops_kernel::trace::{Detail, clock, tell};
use xops_kernel::value::Value;
use xops_sim::driver::{Checks, Instance, Kills, Setup, play};
use xops_sim::laws;
use xops_sim::model::Model;
use xops_sim::plans::{KEY, line, plan};
use xops_sim::run::setup;

use crate::world::{key, keys, seeded};

const SECTOR: usize = 512;
const KEYRING: &str = "subjects";
/// The kinds of event of the saga.
const EVENTS: usize = 14;
/// The number of the instance whose request's subject is erased.
const ERASED: u64 = 2;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journal/golden/journal_v1")
}

/// Two files at least, one of them sealed.
fn options() -> Options {
    Options { max_file_bytes: 7_000, cache_bytes: 1 << 20, ..Options::default() }
}

pub(crate) fn to_sparse(bytes: &[u8]) -> Vec<u8> {
    let mut sparse = (bytes.len() as u64).to_le_bytes().to_vec();
    for (nth, sector) in (0_u32..).zip(bytes.chunks(SECTOR)) {
        if sector.iter().any(|byte| *byte != 0) {
            sparse.extend(nth.to_le_bytes());
            sparse.extend(sector);
        }
    }
    sparse
}

pub(crate) fn of_sparse(sparse: &[u8]) -> Vec<u8> {
    let (length, sectors) = sparse.split_first_chunk::<8>().unwrap();
    let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(*length)).unwrap()];
    for entry in sectors.chunks(4 + SECTOR) {
        let (nth, sector) = entry.split_first_chunk::<4>().unwrap();
        let at = usize::try_from(u32::from_le_bytes(*nth)).unwrap() * SECTOR;
        bytes[at..at + sector.len()].copy_from_slice(sector);
    }
    bytes
}

/// The files of the golden, in memory.
fn golden() -> Arc<MemoryDisk> {
    let disk = Arc::new(MemoryDisk::default());
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        disk.put(name, of_sparse(&std::fs::read(&path).unwrap()));
    }
    disk
}

fn ring(disk: &MemoryDisk) -> SubjectKeys {
    SubjectKeys::open_on(disk, KEYRING, &key(), Arc::new(seeded(6))).unwrap()
}

/// A machine for `plan`, with the simulator's connector.
fn saga(instance: InstanceId, plan: &Plan) -> Saga {
    let shared = Shared {
        tenant: "sim".into(),
        connector: Arc::new(Model::default()),
        systems: [].into(),
        key: KEY,
        bounds: Bounds { gate_wait_ms_max: 3_600_000, ..Bounds::default() },
    };
    Saga { instance, plan: Arc::new(plan.clone()), shared: Arc::new(shared) }
}

/// Reads the journal and tells everything that is in it.
fn told(disk: &Arc<MemoryDisk>) -> String {
    let shared = Arc::clone(disk) as Arc<dyn Disk>;
    let (journal, opened) = Journal::open_on(shared, &seeded(1), &keys(), options()).unwrap();
    assert!(opened.files > 1 && !opened.recovered, "{opened:?}");
    let ring = ring(disk);
    let mut out = String::new();
    let mut stories: Vec<(u64, Saga, Vec<Stamped>)> = Vec::new();
    journal
        .replay(1, |seq, stream, body| {
            match decode(stream, body, &ring).unwrap() {
                Decoded::Erased(_) => writeln!(out, "{seq} erased").unwrap(),
                Decoded::Entry(entry) => match *entry {
                    Entry::Tenant(happened) => {
                        writeln!(out, "{seq} {} {}", happened.at, tell_what(&happened.what)).unwrap();
                        if let What::Compiled(compiled) = happened.what {
                            stories.push((
                                compiled.number,
                                saga(compiled.instance, &compiled.plan),
                                Vec::new(),
                            ));
                        }
                    }
                    Entry::Instance(number, stamped) => {
                        let story = stories.iter_mut().find(|(known, ..)| *known == number);
                        story.expect("it was compiled before").2.push(stamped);
                    }
                },
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    for (number, saga, events) in stories {
        tell_story(number, saga, &events, &mut out);
    }
    out
}

fn tell_what(what: &What) -> String {
    match what {
        What::Compiled(compiled) => format!(
            "compiled instance {} of `{}`: plan {}, {} steps",
            compiled.number,
            compiled.handle,
            compiled.plan.id,
            compiled.plan.steps.len()
        ),
        What::Declared { digest, declarations } => format!("Declared {digest} of `{}`", declarations.tenant),
        other => format!("{other:?}"),
    }
}

/// Tells an instance, and holds every decision of its log to the machine of today.
fn tell_story(number: u64, saga: Saga, events: &[Stamped], out: &mut String) {
    let (lines, state) = tell(&saga, events, Detail::Full);
    writeln!(out, "\ninstance {number}: {}", state.word()).unwrap();
    for line in lines {
        writeln!(out, "  {}.{:03} {}", clock(line.at), line.at % 1000, line.text).unwrap();
    }
    for (step, run) in saga.plan.steps.iter().zip(&state.steps) {
        let why = run.why.as_deref().unwrap_or("-");
        writeln!(out, "  step {} {}: {} why={why} ours={}", step.id.0, step.awf, run.stage.word(), run.ours)
            .unwrap();
        for (name, value) in &run.outputs {
            writeln!(out, "    {name} = {value}").unwrap();
        }
    }
    let mut log: Vec<Vec<Stamped>> = Vec::new();
    for stamped in events {
        match log.last_mut() {
            Some(frame) if stamped.event.is_decided() => frame.push(stamped.clone()),
            _ => log.push(vec![stamped.clone()]),
        }
    }
    let instance = Instance { saga, state, log };
    laws::hold(&instance, true, &mut Vec::new()).unwrap();
}

#[test]
fn a_journal_of_version_1_is_read_and_decided_as_on_the_day_it_was_written() {
    let expect = std::fs::read_to_string(folder().with_extension("out")).unwrap();
    let told = told(&golden());
    for (line, (told, expect)) in told.lines().zip(expect.lines()).enumerate() {
        assert_eq!(told, expect, "line {}", line + 1);
    }
    assert_eq!(told, expect);
}

#[test]
fn the_golden_journal_holds_every_kind_of_event_and_of_entry() {
    let told = told(&golden());
    let entries = told.split("\n\n").next().unwrap();
    for what in [
        "Opened",
        "Declared",
        "Requested",
        "Refused",
        "Deferred",
        "Unchanged",
        "compiled",
        "Paused",
        "Unpaused",
        "Breaker",
        "Poisoned",
        "erased",
    ] {
        assert!(entries.contains(&format!(" {what}")), "no entry is {what}");
    }
    for end in ["completed", "undone"] {
        assert!(told.contains(&format!(": {end}\n")), "no instance is {end}");
    }
    for line in ["resumed", "released", "unknown"] {
        assert!(told.contains(line), "nothing is {line}");
    }
}

/// Runs of the simulator until every kind of event occurs.
fn instances() -> Vec<Instance> {
    let awfs = ["put.update", "keyed.create", "marked.create"];
    let calm = Setup::calm(1, vec![plan("forward", 1, &line(&awfs))]);
    let rejects = [(0, StepId(2), Direction::Forward)].into();
    let back = Setup {
        rejects,
        kills: Kills::At([9, 22].into()),
        ..Setup::calm(2, vec![plan("back", 1, &line(&awfs))])
    };
    let mut kept: Vec<Instance> = [calm, back].into_iter().flat_map(|setup| play(setup).instances).collect();
    let words = |instance: &Instance| -> BTreeSet<_> {
        instance.log.iter().flatten().map(|stamped| stamped.event.word()).collect()
    };
    let mut known: BTreeSet<_> = kept.iter().flat_map(words).collect();
    for seed in 0..20_000 {
        for instance in play(setup(seed, Checks::Ends)).instances {
            let short = instance.log.len() < 24;
            if short && !words(&instance).is_subset(&known) {
                known.extend(words(&instance));
                kept.push(instance);
            }
        }
        if known.len() == EVENTS {
            return kept;
        }
    }
    panic!("no run has every kind of event: {known:?}");
}

/// Everything of the tenant but requests and plans.
fn entries() -> Vec<What> {
    let (request, entity) = (RequestId([9; 16]), EntityId([4; 16]));
    let scope = Scope::System("put".into());
    vec![
        What::Refused { request, entity: None, reasons: vec!["no such person".into()] },
        What::Deferred { request, entity },
        What::Unchanged { request, entity, handle: "person:ada".into(), satisfied: 3 },
        What::Paused { scope: scope.clone(), by: "someone".into(), why: "maintenance".into() },
        What::Unpaused { scope, by: "someone".into() },
        What::Breaker { system: "put".into(), state: "open".into(), until: Some(1_000_060_000) },
        What::Poisoned { robot: "platform:put".into(), message: "call".into() },
    ]
}

pub(crate) fn begun(number: u64, instance: &Instance) -> [What; 2] {
    let id = RequestId([u8::try_from(number).unwrap(); 16]);
    let plan = Plan::clone(&instance.saga.plan);
    let request = Request {
        id,
        entrance: Entrance::Request,
        principal: "someone".into(),
        kind: plan.kind.clone(),
        find: [("email".to_owned(), Value::from("ada@acme.example"))].into(),
        outcome: None,
        release: false,
    };
    let (entity, kind) = (plan.entity, plan.kind.clone());
    let subject = desire::Subject { entity, kind, facts: BTreeMap::default(), links: [].into() };
    let evidence = Evidence { subject, only: None, seen: Vec::new(), granted: Vec::new(), parent: None };
    let compiled = Compiled {
        request: id,
        asked_at: 999_999_000,
        number,
        instance: instance.saga.instance,
        handle: "person:ada".into(),
        principal: "someone".into(),
        plan,
        evidence,
    };
    [What::Requested(Box::new(request)), What::Compiled(Box::new(compiled))]
}

/// Appends one frame.
fn append(journal: &mut Journal, ring: &mut SubjectKeys, entries: &[Entry]) {
    let stored: Vec<Stored> = entries
        .iter()
        .map(|entry| {
            let subject = subject(entry, Some([3; 16]));
            ring.prepare(subject.as_slice()).unwrap();
            let mut body = Vec::new();
            encode(entry, subject, ring, &mut body).unwrap();
            Stored { stream: stream(entry), body }
        })
        .collect();
    journal.append(&stored).unwrap();
}

#[test]
#[ignore = "writes the golden: once a version of the format"]
fn write_the_golden_journal() {
    let disk = Arc::new(MemoryDisk::default());
    let shared = Arc::clone(&disk) as Arc<dyn Disk>;
    let (mut journal, _) = Journal::open_on(shared, &seeded(5), &keys(), options()).unwrap();
    let mut ring = ring(&disk);
    let tenant = |what| Entry::Tenant(Box::new(Happened { at: 1_000_000_000, what }));
    let declarations = Box::new(Declarations { tenant: "acme".into(), ..Declarations::default() });
    let opening = [
        What::Opened { epoch: 1, version: "0.1.0".into() },
        What::Declared { digest: Digest([8; 32]), declarations },
    ];
    append(&mut journal, &mut ring, &opening.map(tenant));
    for (instance, number) in instances().into_iter().zip(1..) {
        // One commit an instance: every commit leaves its pages in the file.
        let mut story: Vec<_> = begun(number, &instance).map(tenant).into();
        let events = instance.log.into_iter().flatten();
        story.extend(events.map(|stamped| Entry::Instance(number, stamped)));
        append(&mut journal, &mut ring, &story);
    }
    let rest: Vec<_> = entries().into_iter().map(tenant).collect();
    append(&mut journal, &mut ring, &rest);
    ring.erase([u8::try_from(ERASED).unwrap(); 16]).unwrap();
    journal.close().unwrap();
    drop(ring);
    std::fs::create_dir_all(folder()).unwrap();
    for name in disk.list().unwrap() {
        let sparse = to_sparse(&disk.read(&name).unwrap());
        std::fs::write(folder().join(format!("{name}.sparse")), sparse).unwrap();
    }
    std::fs::write(folder().with_extension("out"), told(&disk)).unwrap();
}
