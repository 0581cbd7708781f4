//! A journal that was written once stays readable, and tells the same story word for word.
//!
//! `golden/journal_v1/` holds the files of a journal and of its keyring, written under a fixed key and a fixed random source: a
//! few instances played by the simulator (one that completed, one that was turned back after the process died, and others until
//! every kind of event occurs), every kind of entry of the tenant, and one entry whose subject was erased. What must come of it
//! stands in `golden/journal_v1.out`. The files are never written again: what changes the format adds a golden beside this one.
//!
//! A file is stored as text: its length, then each 32 bytes that are not all zero, after their place.

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

const LINE: usize = 32;
const KEYRING: &str = "subjects";
/// The kinds of event of the saga.
const EVENTS: usize = 14;
/// How many events are written at once: every commit leaves its pages in the file.
const TOGETHER: usize = 64;
/// The number of the instance whose request's subject is erased.
const ERASED: u64 = 2;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journal/golden/journal_v1")
}

/// Two files at least, one of them sealed.
fn options() -> Options {
    Options { max_file_bytes: 10_000, cache_bytes: 1 << 20, ..Options::default() }
}

fn to_text(bytes: &[u8]) -> String {
    let mut text = format!("{}\n", bytes.len());
    for (nth, chunk) in
        bytes.chunks(LINE).enumerate().filter(|(_, chunk)| chunk.iter().any(|byte| *byte != 0))
    {
        write!(text, "{:06x} ", nth * LINE).unwrap();
        for byte in chunk {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn of_text(text: &str) -> Vec<u8> {
    let mut lines = text.lines();
    let mut bytes = vec![0; lines.next().unwrap().parse().unwrap()];
    for line in lines {
        let (place, digits) = line.split_once(' ').unwrap();
        let at = usize::from_str_radix(place, 16).unwrap();
        for nth in 0..digits.len() / 2 {
            bytes[at + nth] = u8::from_str_radix(&digits[2 * nth..2 * nth + 2], 16).unwrap();
        }
    }
    bytes
}

/// The files of the golden, in memory.
fn golden() -> Arc<MemoryDisk> {
    let disk = Arc::new(MemoryDisk::default());
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        disk.put(name, of_text(&std::fs::read_to_string(&path).unwrap()));
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
    laws::folds(&instance).unwrap();
    laws::replays(&instance).unwrap();
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
    let awfs =
        ["put.update", "strict.create", "put.create", "keyed.create", "marked.create", "unique.create"];
    let calm = Setup::calm(1, vec![plan("forward", 1, &line(&awfs))]);
    let rejects = [(0, StepId(5), Direction::Forward)].into();
    let back = Setup {
        rejects,
        kills: Kills::At([9, 40].into()),
        ..Setup::calm(2, vec![plan("back", 1, &line(&awfs))])
    };
    let mut kept: Vec<Instance> = [calm, back].into_iter().flat_map(|setup| play(setup).instances).collect();
    let words = |instance: &Instance| -> BTreeSet<_> {
        instance.log.iter().flatten().map(|stamped| stamped.event.word()).collect()
    };
    let mut known: BTreeSet<_> = kept.iter().flat_map(words).collect();
    for seed in 0..20_000 {
        for instance in play(setup(seed, Checks::Ends)).instances {
            let short = instance.log.len() < 60;
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

fn begun(number: u64, instance: &Instance) -> [What; 2] {
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
        append(&mut journal, &mut ring, &begun(number, &instance).map(tenant));
        let events: Vec<_> = instance.log.into_iter().flatten().collect();
        for together in events.chunks(TOGETHER) {
            let entries: Vec<_> =
                together.iter().map(|stamped| Entry::Instance(number, stamped.clone())).collect();
            append(&mut journal, &mut ring, &entries);
        }
    }
    let rest: Vec<_> = entries().into_iter().map(tenant).collect();
    append(&mut journal, &mut ring, &rest);
    ring.erase([u8::try_from(ERASED).unwrap(); 16]).unwrap();
    journal.close().unwrap();
    drop(ring);
    std::fs::create_dir_all(folder()).unwrap();
    for name in disk.list().unwrap() {
        std::fs::write(folder().join(format!("{name}.hex")), to_text(&disk.read(&name).unwrap())).unwrap();
    }
    std::fs::write(folder().with_extension("out"), told(&disk)).unwrap();
}
