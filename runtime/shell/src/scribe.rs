//! The scribe: the one writer of a tenant's journal, on a thread of its own.
//!
//! Invariants: group commit: what arrives while a frame is being synced becomes the next frame, within a bound; entries keep
//! the order in which they were handed over; nobody is told of an entry before it is durable; after the first failure nothing
//! is written and nobody is told anything but that.

use crate::crash::{self, Crash, Place};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use xops_journal::frame::{Batch, FRAME_BYTES_MAX};
use xops_journal::journal::Journal;
use xops_journal::segment::Head;
use xops_journal::stored;
use xops_journal::subjects::{Subject, SubjectKeys};
use xops_kernel::log::Entry;

/// How many entries a frame holds at the most.
pub const FRAME_ENTRIES_MAX: usize = 8_192;
/// How many batches may wait for the scribe.
pub const ORDERS_MAX: usize = 1_024;

/// What a frame needs for an entry beside its body, at the most.
const EVENT_OVERHEAD: usize = 64;

/// An entry on its way into the journal.
#[derive(Debug)]
pub struct Item {
    /// The entry.
    pub entry: Entry,
    /// The subject of the instance that it belongs to.
    pub subject: Option<Subject>,
}

/// What the scribe is asked.
#[derive(Debug)]
pub enum Order {
    /// Make these durable, in this order.
    Append(Vec<Item>),
    /// Destroy the keys of subjects, each up to a generation, and say how many there were.
    Erase(Vec<(Subject, u32)>, tokio::sync::oneshot::Sender<Result<usize, String>>),
    /// Write down what is there, and say where the journal ends then.
    Mark(u64),
    /// Write down what is there, close the journal, and end.
    Close,
}

/// What the scribe says.
#[derive(Debug)]
pub enum Told {
    /// A frame is durable.
    Durable(Frame),
    /// Everything before the order of this number is durable, and the journal ends there.
    Marked(u64, Head),
    /// Nothing is written any more.
    Stopped(String),
    /// The journal is closed.
    Closed,
}

/// A frame that is durable.
#[derive(Debug)]
pub struct Frame {
    /// The stream of each of its entries, in order.
    pub streams: Vec<u64>,
    /// Its bytes.
    pub bytes: usize,
}

/// Starts the scribe.
pub fn start(
    journal: Journal,
    keys: Arc<Mutex<SubjectKeys>>,
    crash: Option<Arc<Crash>>,
) -> std::io::Result<(Sender<Order>, mpsc::Receiver<Told>)> {
    let (orders, received) = crossbeam_channel::bounded(ORDERS_MAX);
    let (tell, told) = mpsc::channel(ORDERS_MAX);
    let scribe = Scribe {
        journal: Some(journal),
        keys,
        known: BTreeSet::new(),
        crash,
        body: Vec::new(),
        meters: Meters::new(),
        tell,
    };
    std::thread::Builder::new().name("scribe".to_owned()).spawn(move || scribe.run(&received))?;
    Ok((orders, told))
}

struct Scribe {
    journal: Option<Journal>,
    keys: Arc<Mutex<SubjectKeys>>,
    known: BTreeSet<Subject>,
    crash: Option<Arc<Crash>>,
    body: Vec<u8>,
    meters: Meters,
    tell: mpsc::Sender<Told>,
}

/// Looked up once: the scribe writes them at every commit.
struct Meters {
    commits: metrics::Counter,
    bytes: metrics::Counter,
    batch: metrics::Histogram,
}

impl Meters {
    fn new() -> Self {
        Self {
            commits: metrics::counter!("xops_journal_commits_total"),
            bytes: metrics::counter!("xops_journal_bytes_total"),
            batch: metrics::histogram!("xops_journal_batch_events"),
        }
    }
}

impl Scribe {
    fn run(mut self, received: &Receiver<Order>) {
        let mut frame = Batch::default();
        let mut batches: Vec<Vec<Item>> = Vec::new();
        loop {
            let Ok(first) = received.recv() else { return self.close() };
            let mut entries = 0;
            let mut last = take(first, &mut batches, &mut entries);
            while last.is_none() && entries < FRAME_ENTRIES_MAX {
                match received.try_recv() {
                    Ok(order) => last = take(order, &mut batches, &mut entries),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if entries > 0
                && let Err(why) = self.write(&batches, entries, &mut frame)
            {
                tracing::error!(why, "the journal stopped: nothing more is acknowledged");
                self.journal = None;
                let _receiver_gone = self.tell.blocking_send(Told::Stopped(why));
                return;
            }
            // Whoever waits was told: now there is time to give the memory back.
            batches.clear();
            if let Some(Err(error)) = self.journal.as_mut().map(|journal| journal.tend(0)) {
                tracing::error!(%error, "the journal stopped: the next batch is told so");
            }
            match last {
                Some(Order::Close) => return self.close(),
                Some(Order::Erase(subjects, reply)) => {
                    for (subject, _) in &subjects {
                        self.known.remove(subject);
                    }
                    let destroyed = xops_journal::erase::destroy(&mut lock(&self.keys), &subjects);
                    let _asker_gone = reply.send(destroyed.map_err(|error| error.to_string()));
                }
                Some(Order::Mark(cut)) => {
                    if let Some(journal) = &self.journal {
                        let _receiver_gone = self.tell.blocking_send(Told::Marked(cut, journal.head()));
                    }
                }
                Some(Order::Append(_)) | None => {}
            }
        }
    }

    /// Makes batches durable: in one frame, or in as many as their bytes need.
    fn write(&mut self, batches: &[Vec<Item>], entries: usize, frame: &mut Batch) -> Result<(), String> {
        self.make_keys(batches)?;
        let mut streams = Vec::with_capacity(entries);
        let keys = Arc::clone(&self.keys);
        let keys = lock(&keys);
        for item in batches.iter().flatten() {
            let (subject, stream) = (stored::subject(&item.entry, item.subject), stored::stream(&item.entry));
            self.body.clear();
            stored::encode(&item.entry, subject, &keys, &mut self.body).map_err(|error| error.to_string())?;
            if frame.frame_bytes() + self.body.len() + EVENT_OVERHEAD > FRAME_BYTES_MAX {
                self.commit(frame, std::mem::take(&mut streams))?;
            }
            frame.push(stream, &self.body).map_err(|error| error.to_string())?;
            streams.push(stream);
        }
        drop(keys);
        self.commit(frame, streams)
    }

    /// A key is durable before anything sealed under it.
    fn make_keys(&mut self, batches: &[Vec<Item>]) -> Result<(), String> {
        let subjects = batches.iter().flatten().filter_map(|item| stored::subject(&item.entry, item.subject));
        let known = &mut self.known;
        let fresh: Vec<Subject> = subjects.filter(|subject| known.insert(*subject)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        lock(&self.keys).prepare(&fresh).map_err(|error| error.to_string())
    }

    fn commit(&mut self, frame: &mut Batch, streams: Vec<u64>) -> Result<(), String> {
        let Some(journal) = &mut self.journal else { return Err("the journal is closed".to_owned()) };
        crash::pass(self.crash.as_deref(), Place::BeforeAppend);
        let appended = journal.commit(frame).map_err(|error| error.to_string())?;
        crash::pass(self.crash.as_deref(), Place::AfterAppend);
        let events = u32::try_from(streams.len()).unwrap_or(u32::MAX);
        let _receiver_gone = self.tell.blocking_send(Told::Durable(Frame { streams, bytes: appended.bytes }));
        self.meters.commits.increment(1);
        self.meters.bytes.increment(appended.bytes as u64);
        self.meters.batch.record(f64::from(events));
        Ok(())
    }

    fn close(mut self) {
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.close()
        {
            tracing::error!(%error, "failed to close the journal");
        }
        let Self { keys, tell, .. } = self;
        drop(keys);
        let _receiver_gone = tell.blocking_send(Told::Closed);
    }
}

fn lock(keys: &Mutex<SubjectKeys>) -> std::sync::MutexGuard<'_, SubjectKeys> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the batch of an order; gives back an order that has to wait until what came before is written.
fn take(order: Order, batches: &mut Vec<Vec<Item>>, entries: &mut usize) -> Option<Order> {
    match order {
        Order::Append(batch) => {
            *entries += batch.len();
            batches.push(batch);
            None
        }
        other => Some(other),
    }
}
