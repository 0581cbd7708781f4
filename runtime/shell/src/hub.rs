//! What the hot actors of an arbiter share: the batch for the scribe, the way back of acknowledgements, and timers.
//!
//! Invariants: it is used on one thread; a batch goes to the scribe once a turn of the arbiter, or early when it is long; an
//! acknowledgement reaches an actor in the order of that actor's entries; a timer fires once, never early.

use crate::clock::Clock;
use crate::crash::Crash;
use crate::instance::{Durable, Input, Instance};
use crate::letter;
use crate::scribe::{Frame, Item, Order};
use crate::service;
use actix::Addr;
use crossbeam_channel::{Sender, TrySendError};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use xops_journal::subjects::Subject;
use xops_kernel::id::StepId;
use xops_kernel::log::{Entry, Number};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Event;

/// After how many entries a batch is flushed before the turn is over.
pub const FLUSH_AT: usize = 256;

/// What went through a hub since it was made: what a benchmark divides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that became durable.
    pub commits: u64,
    /// Entries in them.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Calls that were let go, each after it was asserted that everything handed over before it was durable.
    pub asserted: u64,
}

/// Hashes the numbers of instances: they are counted up by us and nobody can choose them, so one multiplication (Fibonacci
/// hashing: Knuth, volume 3, 6.4) spreads them well enough.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// When whom to wake: the time, the instance, the step and the attempt.
type Timer = (Millis, Number, StepId, u32);

/// See the module.
pub struct Hub {
    /// The clock.
    pub clock: Clock,
    /// The crash point, if one was asked for.
    pub crash: Option<Arc<Crash>>,
    scribe: Option<Sender<Order>>,
    batch: RefCell<Vec<Item>>,
    flushing: Cell<bool>,
    instances: RefCell<HashMap<Number, Addr<Instance>, BuildHasherDefault<Spread>>>,
    service: RefCell<Option<Addr<service::Service>>>,
    timers: RefCell<BinaryHeap<Reverse<Timer>>>,
    timer_set: Notify,
    stopped: RefCell<Option<String>>,
    tally: Cell<Tally>,
}

impl Hub {
    /// A hub before anything runs on it.
    pub fn new(clock: Clock, scribe: Option<Sender<Order>>, crash: Option<Arc<Crash>>) -> Rc<Self> {
        Rc::new(Self {
            clock,
            crash,
            scribe,
            batch: RefCell::default(),
            flushing: Cell::new(false),
            instances: RefCell::default(),
            service: RefCell::default(),
            timers: RefCell::default(),
            timer_set: Notify::new(),
            stopped: RefCell::default(),
            tally: Cell::default(),
        })
    }

    /// Hands an entry over. Its acknowledgement comes as [`Durable`] to the actor of its stream.
    pub fn append(self: &Rc<Self>, entry: Entry, subject: Option<Subject>) {
        let length = {
            let mut batch = self.batch.borrow_mut();
            batch.push(Item { entry, subject });
            batch.len()
        };
        if length >= FLUSH_AT {
            self.flush();
        } else if !self.flushing.replace(true) {
            let hub = Rc::clone(self);
            actix::spawn(async move {
                tokio::task::yield_now().await;
                hub.flushing.set(false);
                hub.flush();
            });
        }
    }

    /// Sends the batch to the scribe. While the scribe's queue is full the batch waits; it cannot grow without bound, because
    /// no instance hands over a second set of entries before its first is acknowledged.
    pub fn flush(self: &Rc<Self>) {
        let items = std::mem::take(&mut *self.batch.borrow_mut());
        if items.is_empty() {
            return;
        }
        let Some(scribe) = &self.scribe else { return };
        match scribe.try_send(Order::Append(items)) {
            Ok(()) => {}
            Err(TrySendError::Full(Order::Append(items))) => {
                self.batch.borrow_mut().splice(0..0, items);
                if !self.flushing.replace(true) {
                    let hub = Rc::clone(self);
                    actix::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        hub.flushing.set(false);
                        hub.flush();
                    });
                }
            }
            Err(_) => tracing::error!("the scribe is gone: nothing more is written"),
        }
    }

    /// The scribe, for orders other than appending.
    pub fn scribe(&self) -> Option<&Sender<Order>> {
        self.scribe.as_ref()
    }

    /// Whether anything is written at all; else nothing is ever acknowledged, and so nothing is ever done.
    pub fn writes(&self) -> bool {
        self.scribe.is_some()
    }

    /// Why nothing is written any more, if so.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.borrow().clone()
    }

    /// Takes note that nothing is written any more.
    pub fn stop(&self, why: &str) {
        self.stopped.borrow_mut().get_or_insert_with(|| why.to_owned());
    }

    /// What went through so far.
    pub fn tally(&self) -> Tally {
        self.tally.get()
    }

    /// Counts a call that may go because everything behind it is durable.
    pub fn count_asserted(&self) {
        let tally = self.tally.get();
        self.tally.set(Tally { asserted: tally.asserted + 1, ..tally });
    }

    /// Passes acknowledgements on: one for each entry, in order.
    pub fn acknowledge(&self, frame: &Frame) {
        let streams = frame.streams.as_slice();
        let tally = self.tally.get();
        self.tally.set(Tally {
            commits: tally.commits + 1,
            events: tally.events + streams.len() as u64,
            bytes: tally.bytes + frame.bytes as u64,
            ..tally
        });
        let instances = self.instances.borrow();
        let service = self.service.borrow();
        let mut at = 0;
        while let Some(stream) = streams.get(at) {
            let run = streams[at..].iter().take_while(|other| *other == stream).count();
            at += run;
            let count = u32::try_from(run).unwrap_or(u32::MAX);
            let sent = if *stream == 0 {
                service.as_ref().is_none_or(|service| service.try_send(letter::Durable(count)).is_ok())
            } else {
                instances.get(stream).is_none_or(|instance| instance.try_send(Durable(count)).is_ok())
            };
            // Mailboxes hold more acknowledgements than an actor can have outstanding.
            assert!(sent, "an acknowledgement found the mailbox of stream {stream} full");
        }
    }

    /// Registers the Service robot.
    pub fn set_service(&self, service: Addr<service::Service>) {
        *self.service.borrow_mut() = Some(service);
    }

    /// The Service robot.
    pub fn service(&self) -> Option<Addr<service::Service>> {
        self.service.borrow().clone()
    }

    /// Registers an instance.
    pub fn register(&self, number: Number, instance: Addr<Instance>) {
        self.instances.borrow_mut().insert(number, instance);
    }

    /// Forgets an instance.
    pub fn forget(&self, number: Number) {
        self.instances.borrow_mut().remove(&number);
    }

    /// The actor of an instance.
    pub fn instance(&self, number: Number) -> Option<Addr<Instance>> {
        self.instances.borrow().get(&number).cloned()
    }

    /// How many instances are in memory.
    pub fn alive(&self) -> usize {
        self.instances.borrow().len()
    }

    /// Tells an instance something. An instance that is gone or overloaded is not told; what it wants, its state still says.
    pub fn tell(&self, number: Number, event: Event) {
        if let Some(instance) = self.instance(number)
            && instance.try_send(Input(event)).is_err()
        {
            tracing::warn!(number, "the mailbox of an instance is full: an answer was dropped");
        }
    }

    /// Says `Woke` to a step of an instance at a time.
    pub fn wake(&self, at: Millis, number: Number, step: StepId, attempt: u32) {
        self.timers.borrow_mut().push(Reverse((at, number, step, attempt)));
        self.timer_set.notify_one();
    }

    /// Runs the timers for ever.
    pub async fn run_timers(self: Rc<Self>) {
        loop {
            let next = self.timers.borrow().peek().map(|Reverse((at, ..))| *at);
            match next {
                None => self.timer_set.notified().await,
                Some(at) if at > self.clock.now() => {
                    let rest = self.clock.until(at) + Duration::from_millis(1);
                    let _either = tokio::time::timeout(rest, self.timer_set.notified()).await;
                }
                Some(_) => {
                    let due = self.timers.borrow_mut().pop();
                    if let Some(Reverse((_, number, step, attempt))) = due {
                        self.tell(number, Event::Woke { step, attempt });
                    }
                }
            }
        }
    }
}
