//! Reading instances back from the journal while its writer goes on: how one whose actor panicked comes to a state again.
//!
//! Absent: any trust in what the actor had in memory. Invariants: what is read was durable before; a reading that ends before what it
//! is to reach is no answer; it is done on a thread, so nobody else waits for it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use xops_journal::disk::Disk;
use xops_journal::journal::Durable;
use xops_journal::keys::Keys;
use xops_journal::read::Reader;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::log::{Entry, Number};
use xops_kernel::saga::event::Stamped;

/// How often a reading is begun again that a fast writer kept from reaching the end.
const READINGS_MAX: u32 = 20;
/// How long it rests before.
const READING_PAUSE: Duration = Duration::from_millis(10);
/// How many events of one instance are read back at the most: more than a plan can have.
const EVENTS_MAX: usize = 4_000_000;

/// Where an engine's journal is read from.
#[derive(Clone)]
pub(crate) struct Source {
    disk: Arc<dyn Disk>,
    keys: Keys,
    subjects: Arc<Mutex<SubjectKeys>>,
    durable: Durable,
}

/// What was read of some instances: the events of each, in order.
pub(crate) type Events = BTreeMap<Number, Vec<Stamped>>;

impl Source {
    /// The journal on this disk, under these keys.
    pub(crate) fn new(
        disk: &Arc<dyn Disk>,
        keys: &Keys,
        subjects: &Arc<Mutex<SubjectKeys>>,
        durable: Durable,
    ) -> Self {
        Self { disk: Arc::clone(disk), keys: keys.clone(), subjects: Arc::clone(subjects), durable }
    }

    /// The sequence number of the last event that is durable.
    pub(crate) fn reached(&self) -> u64 {
        self.durable.head().seq
    }

    /// The events of instances, of each those after a sequence number, up to what is durable now.
    pub(crate) async fn read_back(&self, of: BTreeMap<Number, u64>) -> Result<Events, String> {
        let source = self.clone();
        let upto = self.reached();
        let reading = tokio::task::spawn_blocking(move || source.read(&of, upto));
        reading.await.map_err(|_| "the journal could not be read back: its reader panicked".to_owned())?
    }

    fn read(&self, of: &BTreeMap<Number, u64>, upto: u64) -> Result<Events, String> {
        for _ in 0..READINGS_MAX {
            let reader = Reader::open_on(Arc::clone(&self.disk), &self.keys).map_err(|e| e.to_string())?;
            if reader.head().seq >= upto {
                return self.collect(&reader, of);
            }
            std::thread::sleep(READING_PAUSE);
        }
        Err(format!("the journal was written too fast to be read back up to event {upto}"))
    }

    fn collect(&self, reader: &Reader, of: &BTreeMap<Number, u64>) -> Result<Events, String> {
        let mut events: Events = of.keys().map(|number| (*number, Vec::new())).collect();
        let mut failed = None;
        let from = of.values().min().map_or(1, |after| after + 1);
        let walked = reader.replay(from, |seq, stream, body| {
            let Some(after) = of.get(&stream).filter(|_| stream != stored::TENANT_STREAM) else {
                return ControlFlow::Continue(());
            };
            if seq <= *after {
                return ControlFlow::Continue(());
            }
            let subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
            let why = match stored::decode(stream, body, &subjects) {
                Ok(Decoded::Entry(entry)) => match *entry {
                    Entry::Instance(number, stamped) => {
                        let own = events.entry(number).or_default();
                        own.push(stamped);
                        (own.len() > EVENTS_MAX).then(|| format!("instance {number} has too many events"))
                    }
                    Entry::Tenant(_) => None,
                },
                Ok(Decoded::Erased(_)) => Some(format!("event {seq} was erased with its subject")),
                Err(error) => Some(format!("event {seq} cannot be read: {error}")),
            };
            match why {
                Some(why) => {
                    failed = Some(why);
                    ControlFlow::Break(())
                }
                None => ControlFlow::Continue(()),
            }
        });
        walked.map_err(|error| error.to_string())?;
        failed.map_or(Ok(events), Err)
    }
}
