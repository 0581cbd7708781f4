//! What the tests share: seeded randomness, made-up events, and reading a journal back.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use xops_journal::audit::origin;
use xops_journal::checkpoint::{Checkpoint, Signed, Signer};
use xops_journal::disk::Disk;
use xops_journal::error::Error;
use xops_journal::journal::{Entry, Journal, Opened, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::merkle::{Frontier, leaf};
use xops_journal::random::Random;
use xops_journal::read::Reader;

/// A generator with a seed (splitmix64).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

pub(crate) struct Seeded(pub(crate) Mutex<Dice>);

pub(crate) fn seeded(seed: u64) -> Seeded {
    Seeded(Mutex::new(Dice(seed)))
}

impl Random for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        let mut dice = self.0.lock().unwrap();
        for byte in out {
            *byte = dice.next().to_le_bytes()[0];
        }
        Ok(())
    }
}

pub(crate) fn key() -> TenantKey {
    TenantKey::from_bytes([7; 32])
}

pub(crate) fn keys() -> Keys {
    Keys::new("acme", &key())
}

/// Whether `name` is a file of frames.
pub(crate) fn is_journal(name: &str) -> bool {
    name.starts_with("journal-")
}

/// The event with sequence number `seq`; anybody can tell what it must be.
pub(crate) fn event(seq: u64) -> Entry {
    let length = usize::try_from(seq * 37 % 200).unwrap();
    let mut body = format!("event {seq} ").into_bytes();
    // Most are noise, so that packing changes little; some repeat one byte, so that it is tried.
    let mut noise = seq | 1;
    body.extend((0..length).map(|_| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if seq.is_multiple_of(4) { u8::try_from(seq % 251).unwrap() } else { noise.to_be_bytes()[0] }
    }));
    Entry { stream: seq % 5, body }
}

/// The `count` events after `last`.
pub(crate) fn events(last: u64, count: u64) -> Vec<Entry> {
    (last + 1..=last + count).map(event).collect()
}

pub(crate) fn open(disk: &Arc<impl Disk + 'static>, options: Options) -> Result<(Journal, Opened), Error> {
    Journal::open_on(Arc::clone(disk) as Arc<dyn Disk>, &seeded(1), &keys(), options)
}

/// An ahead file so small that four frames fill it.
pub(crate) const AHEAD_BYTES: usize = 6 * 4096;

/// Files so small that a few frames fill one.
pub(crate) fn small() -> Options {
    Options { max_file_bytes: 2000, cache_bytes: 1 << 20, ahead_bytes: AHEAD_BYTES, ..Options::default() }
}

/// Replays all of it; panics at the first event that is not the one that was written. Returns how many there are.
pub(crate) fn replayed(journal: &Journal) -> Result<u64, Error> {
    let mut last = 0;
    journal.replay(1, |seq, stream, body| expect(&mut last, seq, stream, body))?;
    Ok(last)
}

pub(crate) fn read(reader: &Reader) -> Result<u64, Error> {
    let mut last = 0;
    reader.replay(1, |seq, stream, body| expect(&mut last, seq, stream, body))?;
    Ok(last)
}

fn expect(last: &mut u64, seq: u64, stream: u64, body: &[u8]) -> ControlFlow<()> {
    *last += 1;
    let wanted = event(*last);
    assert_eq!(
        (seq, stream, body),
        (*last, wanted.stream, wanted.body.as_slice()),
        "another event came back"
    );
    ControlFlow::Continue(())
}

/// Replays whatever is there.
pub(crate) fn replayed_any(journal: &Journal) {
    journal.replay(1, |_, _, _| ControlFlow::Continue(())).unwrap();
}

/// Whoever signs the checkpoints of these tests.
pub(crate) fn signer() -> Signer {
    Signer::from_seed(&[8; 32], "acme", "a test").unwrap()
}

/// A checkpoint of the journal on `disk` as it is now: what a second machine would have kept.
pub(crate) fn checkpoint(disk: &Arc<impl Disk + 'static>) -> Signed {
    let reader = Reader::open_on(Arc::clone(disk) as Arc<dyn Disk>, &keys()).unwrap();
    let mut edge = Frontier::default();
    reader
        .replay(1, |seq, stream, body| {
            edge.push(&leaf(seq, stream, body));
            ControlFlow::Continue(())
        })
        .unwrap();
    let (head, origin) = (reader.head(), origin(&keys(), &reader.preamble().unwrap()));
    signer().sign(&Checkpoint { origin, size: head.seq, root: edge.root(), head: head.hash, at: head.seq })
}

/// How long a longer run may go on: `XOPS_SOAK_SECONDS`, or without a bound.
pub(crate) fn soak_ends() -> Option<Instant> {
    let seconds = std::env::var("XOPS_SOAK_SECONDS").ok()?.parse().ok()?;
    Instant::now().checked_add(Duration::from_secs(seconds))
}
