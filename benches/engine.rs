//! The hot pieces of the durable engine, each alone: what a step costs before anything waits for a disk.
//!
//! Absent: actors, the network. Run with `cargo bench --bench engine`; the whole engine is measured by `xops bench engine`. The
//! figures are for finding what to make faster; none of them is a test.

#[path = "engine/probe.rs"]
mod probe;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::frame::Batch;
use xops_journal::journal::{Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::pack::Packer;
use xops_journal::random::System;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::log::Entry;
use xops_kernel::machine::Machine;
use xops_kernel::saga::Saga;
use xops_kernel::saga::event::Stamped;
use xops_kernel::trace::{self, Detail};

/// How many instances share a frame where many are under way.
const IN_FLIGHT: u64 = 64;

fn key() -> TenantKey {
    TenantKey::from_bytes([7; 32])
}

/// A whole instance through the machine: 8 steps, each judged, intended, answered.
fn saga(c: &mut Criterion) {
    let saga = probe::saga(1);
    let events = probe::events(&saga);
    let mut group = c.benchmark_group("saga");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("step: the events of an instance of 8 steps", |b| {
        b.iter_batched_ref(
            || (saga.fresh(), Vec::new()),
            |(state, out)| fold(&saga, &events, state, out),
            BatchSize::SmallInput,
        );
    });
    group.throughput(Throughput::Elements(1));
    let ready = probe::ready(&saga);
    group.bench_function("decide: render and digest a call", |b| b.iter(|| saga.decide(black_box(&ready))));
    group.finish();
}

fn fold(
    saga: &Saga,
    events: &[Stamped],
    state: &mut xops_kernel::saga::state::State,
    out: &mut Vec<xops_kernel::saga::event::Effect>,
) {
    for event in events {
        saga.step(state, event, out).expect("these events follow one another");
    }
}

/// The entries of a commit: the three events of one step, of so many instances.
fn commit_of(instances: u64) -> Vec<Entry> {
    let of = |number| probe::events(&probe::saga(number)).into_iter().skip(3).take(3);
    (1..=instances).flat_map(|number| of(number).map(move |event| Entry::Instance(number, event))).collect()
}

fn encode(entries: &[Entry], keys: &SubjectKeys, batch: &mut Batch) {
    for entry in entries {
        let pushed = batch.push_with(stored::stream(entry), |out| -> Result<(), Failed> {
            Ok(stored::encode(entry, None, keys, out)?)
        });
        pushed.expect("an entry fits into a frame");
    }
}

/// What can go wrong while an entry is put into a frame.
#[derive(Debug)]
#[expect(dead_code, reason = "they are shown where a bench panics")]
enum Failed {
    Stored(stored::Error),
    Frame(xops_journal::error::Error),
}

impl From<stored::Error> for Failed {
    fn from(error: stored::Error) -> Self {
        Self::Stored(error)
    }
}

impl From<xops_journal::error::Error> for Failed {
    fn from(error: xops_journal::error::Error) -> Self {
        Self::Frame(error)
    }
}

/// Encoding, packing, and with both, sealing, chaining and the store, first in memory and then on the disk.
fn frame(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let keys = Keys::new("bench", &key());
    let subjects = SubjectKeys::open(&dir.path().join("subjects"), &key()).expect("a new keyring opens");
    let mut group = c.benchmark_group("frame");
    // What is appended stays: a short time keeps it small.
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for instances in [1, IN_FLIGHT] {
        let entries = commit_of(instances);
        group.throughput(Throughput::Elements(entries.len() as u64));
        let mut batch = Batch::default();
        group.bench_function(format!("encode: {} events", entries.len()), |b| {
            b.iter(|| {
                batch.clear();
                encode(&entries, &subjects, &mut batch);
            });
        });
        let content = vec_of(&entries, &subjects);
        let (mut packer, mut block) = (Packer::default(), Vec::new());
        group.bench_function(format!("pack: {} events, {} bytes", entries.len(), content.len()), |b| {
            b.iter(|| {
                block.clear();
                packer.pack(black_box(&content), &mut block)
            });
        });
        let memory = Arc::new(MemoryDisk::default()) as Arc<dyn Disk>;
        let opened = Journal::open_on(memory, &System::default(), &keys, small_files());
        let (mut journal, _) = opened.expect("a new journal opens");
        group.bench_function(
            format!("encode, pack, seal, chain, store in memory: {} events", entries.len()),
            |b| {
                b.iter(|| commit(&mut journal, &entries, &subjects, &mut batch));
            },
        );
        let (mut journal, _) =
            Journal::open(&dir.path().join(format!("journal-{instances}")), &keys, small_files())
                .expect("a new journal opens");
        group.bench_function(format!("the same, durable on this disk: {} events", entries.len()), |b| {
            b.iter(|| commit(&mut journal, &entries, &subjects, &mut batch));
        });
    }
    group.finish();
}

fn small_files() -> Options {
    Options { max_file_bytes: 8 << 20, ..Options::default() }
}

fn commit(journal: &mut Journal, entries: &[Entry], subjects: &SubjectKeys, batch: &mut Batch) {
    batch.clear();
    encode(entries, subjects, batch);
    journal.commit(batch).expect("the disk has room");
}

fn vec_of(entries: &[Entry], subjects: &SubjectKeys) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        stored::encode(entry, None, subjects, &mut bytes).expect("an entry is encodable");
    }
    bytes
}

/// Recovery: read frames, decode, fold; and telling what an instance did.
fn recovery(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let keys = Keys::new("bench", &key());
    let subjects = SubjectKeys::open(&dir.path().join("subjects"), &key()).expect("a new keyring opens");
    let saga = probe::saga(1);
    let events = probe::events(&saga);
    let memory = Arc::new(MemoryDisk::default()) as Arc<dyn Disk>;
    let (mut journal, _) =
        Journal::open_on(memory, &System::default(), &keys, Options::default()).expect("a new journal opens");
    let mut batch = Batch::default();
    for event in &events {
        let entries: Vec<Entry> =
            (1..=IN_FLIGHT).map(|number| Entry::Instance(number, event.clone())).collect();
        commit(&mut journal, &entries, &subjects, &mut batch);
    }
    let mut group = c.benchmark_group("recovery");
    group.throughput(Throughput::Elements(events.len() as u64 * IN_FLIGHT));
    group.bench_function(format!("verify, decode and fold {IN_FLIGHT} instances of 8 steps"), |b| {
        b.iter(|| recover(&journal, &subjects, &saga));
    });
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("trace: tell an instance of 8 steps", |b| {
        b.iter(|| trace::tell(&saga, black_box(&events), Detail::Brief));
    });
    group.finish();
}

fn recover(journal: &Journal, subjects: &SubjectKeys, saga: &Saga) -> usize {
    let mut states: Vec<_> = (0..IN_FLIGHT).map(|_| saga.fresh()).collect();
    let mut out = Vec::new();
    let replayed = journal.replay(1, |_, stream, body| {
        if let Ok(Decoded::Entry(entry)) = stored::decode(stream, body, subjects)
            && let Entry::Instance(number, stamped) = *entry
            && let Some(state) = usize::try_from(number - 1).ok().and_then(|slot| states.get_mut(slot))
        {
            out.clear();
            saga.step(state, &stamped, &mut out).expect("these events follow one another");
        }
        ControlFlow::Continue(())
    });
    replayed.expect("the journal reads back");
    states.len()
}

criterion_group!(benches, saga, frame, recovery);
criterion_main!(benches);
