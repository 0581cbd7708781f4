//! The scribe: the one writer of a tenant's journal, on a thread of its own.
//!
//! Invariants: group commit: what arrives while a frame is being synced becomes the next frame, within a bound; entries keep
//! the order in which they were handed over; nobody is told of an entry before it is durable; after the first failure nothing
//! is written and nobody is told anything but that.

use crate::crash::{self, Crash, Place};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use xops_journal::frame::Batch;
use xops_journal::journal::Journal;
use xops_journal::stored;
use xops_journal::subjects::{Subject, SubjectKeys};
use xops_kernel::log::Entry;

/// How many entries a frame holds at the most.
pub const FRAME_ENTRIES_MAX: usize = 8_192;
/// How many batches may wait for the scribe.
pub const ORDERS_MAX: usize = 1_024;

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
    /// Destroy the key of a subject, and say whether there was one.
    Erase(Subject, tokio::sync::oneshot::Sender<Result<bool, String>>),
    /// Write down what is there, close the journal, and end.
    Close,
}

/// What the scribe says.
#[derive(Debug)]
pub enum Told {
    /// A frame is durable.
    Durable(Frame),
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
    keys: SubjectKeys,
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
    keys: SubjectKeys,
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
        let mut batch = Batch::default();
        let mut items: Vec<Item> = Vec::new();
        loop {
            let Ok(first) = received.recv() else { return self.close() };
            let mut last = take(first, &mut items);
            while last.is_none() && items.len() < FRAME_ENTRIES_MAX {
                match received.try_recv() {
                    Ok(order) => last = take(order, &mut items),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if !items.is_empty()
                && let Err(why) = self.write(&mut items, &mut batch)
            {
                tracing::error!(why, "the journal stopped: nothing more is acknowledged");
                self.journal = None;
                let _receiver_gone = self.tell.blocking_send(Told::Stopped(why));
                return;
            }
            match last {
                Some(Order::Close) => return self.close(),
                Some(Order::Erase(subject, reply)) => {
                    self.known.remove(&subject);
                    let _asker_gone = reply.send(self.keys.erase(subject).map_err(|error| error.to_string()));
                }
                Some(Order::Append(_)) | None => {}
            }
        }
    }

    fn write(&mut self, items: &mut Vec<Item>, batch: &mut Batch) -> Result<(), String> {
        let Some(journal) = &mut self.journal else { return Err("the journal is closed".to_owned()) };
        let mut streams = Vec::with_capacity(items.len());
        let mut sealed = Vec::with_capacity(items.len());
        let mut fresh = Vec::new();
        for item in items.iter() {
            let subject = stored::subject(&item.entry, item.subject);
            fresh.extend(subject.filter(|subject| self.known.insert(*subject)));
            sealed.push(subject);
            streams.push(stored::stream(&item.entry));
        }
        // A key is durable before anything sealed under it.
        if !fresh.is_empty() {
            self.keys.prepare(&fresh).map_err(|error| error.to_string())?;
        }
        for ((item, subject), stream) in items.drain(..).zip(sealed).zip(&streams) {
            self.body.clear();
            stored::encode(&item.entry, subject, &self.keys, &mut self.body)
                .map_err(|error| error.to_string())?;
            batch.push(*stream, &self.body).map_err(|error| error.to_string())?;
        }
        crash::pass(self.crash.as_deref(), Place::BeforeAppend);
        let appended = journal.commit(batch).map_err(|error| error.to_string())?;
        crash::pass(self.crash.as_deref(), Place::AfterAppend);
        self.meters.commits.increment(1);
        self.meters.bytes.increment(appended.bytes as u64);
        self.meters.batch.record(f64::from(u32::try_from(streams.len()).unwrap_or(u32::MAX)));
        let _receiver_gone = self.tell.blocking_send(Told::Durable(Frame { streams, bytes: appended.bytes }));
        Ok(())
    }

    fn close(mut self) {
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.close()
        {
            tracing::error!(%error, "failed to close the journal");
        }
        let _receiver_gone = self.tell.blocking_send(Told::Closed);
    }
}

/// Takes the items of an order; gives back an order that has to wait until they are written.
fn take(order: Order, items: &mut Vec<Item>) -> Option<Order> {
    match order {
        Order::Append(more) => {
            items.extend(more);
            None
        }
        other => Some(other),
    }
}
