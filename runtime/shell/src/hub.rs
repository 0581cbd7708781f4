//! What the hot actors of an arbiter share: the batch for the scribe, the way back of acknowledgements, and timers.
//!
//! Invariants: it is used on one thread; a batch goes to the scribe once a turn of the arbiter, or early when it is long; an
//! acknowledgement reaches an actor in the order of that actor's entries; a timer fires once, never early; what happens for an
//! instance that is put away goes to the Service robot, which brings it back, so many at a time.

use crate::clock::Clock;
use crate::crash::Crash;
use crate::cut::Cutting;
use crate::instance::aside::Aside;
use crate::instance::parking::Deposit;
use crate::instance::{Durable, Input, Instance};
use crate::keeper;
use crate::letter;
use crate::rebuild::Source;
use crate::scribe::{Frame, Item, Order};
use crate::service;
use actix::Addr;
use actix::prelude::SendError;
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
use xops_kernel::culprit::Culprit;
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
pub(crate) type Timer = (Millis, Number, StepId, u32);

/// An instance in memory.
struct Present {
    address: Addr<Instance>,
    /// It is about to be put away: what happens now goes the long way.
    leaves: bool,
}

/// How many instances may be on their way back at once; more timers wait.
const WAKING_MAX: usize = 2_048;
/// After how many timers others get their turn.
const TIMERS_A_TURN: u32 = 256;

/// See the module.
pub struct Hub {
    /// The clock.
    pub clock: Clock,
    /// The crash point, if one was asked for.
    pub crash: Option<Arc<Crash>>,
    scribe: Option<Sender<Order>>,
    batch: RefCell<Vec<Item>>,
    flushing: Cell<bool>,
    keeper: RefCell<Option<Sender<keeper::Order>>>,
    source: RefCell<Option<Source>>,
    instances: RefCell<HashMap<Number, Present, BuildHasherDefault<Spread>>>,
    /// Snapshots in the making.
    pub(crate) cutting: Cutting,
    waking: Cell<usize>,
    last_at: Cell<Millis>,
    service: RefCell<Option<Addr<service::Service>>>,
    timers: RefCell<BinaryHeap<Reverse<Timer>>>,
    timer_set: Notify,
    stopped: RefCell<Option<String>>,
    /// How many entries were ever handed over.
    handed: Cell<u64>,
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
            keeper: RefCell::default(),
            source: RefCell::default(),
            instances: RefCell::default(),
            cutting: Cutting::default(),
            waking: Cell::new(0),
            last_at: Cell::new(0),
            service: RefCell::default(),
            timers: RefCell::default(),
            timer_set: Notify::new(),
            stopped: RefCell::default(),
            handed: Cell::new(0),
            tally: Cell::default(),
        })
    }

    /// Hands an entry over. Its acknowledgement comes as [`Durable`] to the actor of its stream.
    pub fn append(self: &Rc<Self>, entry: Entry, subject: Option<Subject>) {
        let at = match &entry {
            Entry::Tenant(happened) => happened.at,
            Entry::Instance(_, stamped) => stamped.at,
        };
        self.last_at.set(self.last_at.get().max(at));
        self.handed.set(self.handed.get() + 1);
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
        metrics::gauge!("xops_journal_stopped").set(1.0);
        self.stopped.borrow_mut().get_or_insert_with(|| why.to_owned());
    }

    /// How many entries were handed over, if all of them are durable.
    pub(crate) fn settled(&self) -> Option<u64> {
        let handed = self.handed.get();
        (handed == self.tally.get().events).then_some(handed)
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
        let service = self.service.borrow();
        if self.cutting.count(streams.len() as u64, frame.bytes as u64)
            && let Some(service) = service.as_ref()
        {
            // A robot that is overloaded is asked again at the next frame.
            let _overloaded = service.try_send(letter::TakeCut);
        }
        let instances = self.instances.borrow();
        let mut at = 0;
        while let Some(stream) = streams.get(at) {
            let run = streams[at..].iter().take_while(|other| *other == stream).count();
            at += run;
            let count = u32::try_from(run).unwrap_or(u32::MAX);
            let sent = if *stream == 0 {
                service.as_ref().is_none_or(|service| service.try_send(letter::Durable(count)).is_ok())
            } else {
                let instance = instances.get(stream);
                // One that panicked hears nothing more: it is read back from the journal.
                let full = |sent| matches!(sent, Err(SendError::Full(_)));
                instance.is_none_or(|instance| !full(instance.address.try_send(Durable(count))))
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
        self.instances.borrow_mut().insert(number, Present { address: instance, leaves: false });
    }

    /// Notes whether an instance is about to be put away.
    pub(crate) fn leaves(&self, number: Number, leaves: bool) {
        if let Some(present) = self.instances.borrow_mut().get_mut(&number) {
            present.leaves = leaves;
        }
    }

    /// Forgets an instance.
    pub fn forget(&self, number: Number) {
        self.instances.borrow_mut().remove(&number);
    }

    /// Tells the Service robot of a panic, and goes on trying while it is overloaded.
    pub(crate) fn strike(self: &Rc<Self>, over: Culprit, robot: &str, doing: &str, died: bool) {
        let struck = letter::Struck { over, robot: robot.to_owned(), doing: doing.to_owned(), died };
        if let Some(Err(SendError::Full(struck))) = self.service().map(|service| service.try_send(struck)) {
            let hub = Rc::clone(self);
            actix::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                hub.strike(struck.over, &struck.robot, &struck.doing, struck.died);
            });
        }
    }

    /// Sets an instance aside that is in memory. One that does not hear it is gone by itself.
    pub(crate) fn set_aside(self: &Rc<Self>, number: Number) {
        let address = self.instances.borrow().get(&number).map(|present| present.address.clone());
        if let Some(Err(SendError::Full(_))) = address.map(|address| address.try_send(Aside)) {
            let hub = Rc::clone(self);
            actix::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                hub.set_aside(number);
            });
        }
    }

    /// The actor of an instance that is in memory and stays there for now.
    pub fn instance(&self, number: Number) -> Option<Addr<Instance>> {
        let instances = self.instances.borrow();
        instances.get(&number).filter(|present| !present.leaves).map(|present| present.address.clone())
    }

    /// How many instances are in memory.
    pub fn alive(&self) -> usize {
        self.instances.borrow().len()
    }

    /// Asks every instance in memory for its state as it is now.
    pub(crate) fn ask_deposits(&self) {
        for (number, present) in self.instances.borrow().iter() {
            if present.address.try_send(Deposit).is_err() {
                tracing::debug!(number, "an instance is busy: it deposits with its next event");
            }
        }
    }

    /// The numbers of all instances in memory.
    pub(crate) fn present(&self) -> std::vec::IntoIter<Number> {
        let numbers: Vec<Number> = self.instances.borrow().keys().copied().collect();
        numbers.into_iter()
    }

    /// Whether an instance is in memory, though it may be about to leave.
    pub(crate) fn is_present(&self, number: Number) -> bool {
        self.instances.borrow().contains_key(&number)
    }

    /// The time of the last entry that was handed over.
    pub(crate) fn last_at(&self) -> Millis {
        self.last_at.get()
    }

    /// Whether nothing waits to be handed to the scribe.
    pub(crate) fn is_flushed(&self) -> bool {
        self.batch.borrow().is_empty()
    }

    /// The sequence number of the last event that is durable; 0 where nothing is written.
    pub(crate) fn reached(&self) -> u64 {
        self.source.borrow().as_ref().map_or(0, Source::reached)
    }

    /// Where the journal is read back from; nowhere, where nothing is written.
    pub(crate) fn source(&self) -> Option<Source> {
        self.source.borrow().clone()
    }

    /// Sets the keeper, and where the journal is read back from.
    pub(crate) fn set_keeper(&self, keeper: Sender<keeper::Order>, source: Option<Source>) {
        *self.keeper.borrow_mut() = Some(keeper);
        *self.source.borrow_mut() = source;
    }

    /// Asks the keeper; false if there is none or it is overloaded.
    pub(crate) fn keep(&self, order: keeper::Order) -> bool {
        self.keeper.borrow().as_ref().is_some_and(|keeper| keeper.try_send(order).is_ok())
    }

    /// Asks the keeper, and goes on trying while it is overloaded.
    pub(crate) fn keep_surely(self: &Rc<Self>, order: keeper::Order) {
        let Some(keeper) = self.keeper.borrow().clone() else { return };
        if let Err(TrySendError::Full(order)) = keeper.try_send(order) {
            let hub = Rc::clone(self);
            actix::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                hub.keep_surely(order);
            });
        }
    }

    /// Counts the instances on their way back.
    pub(crate) fn count_waking(&self, more: isize) {
        self.waking.set(self.waking.get().saturating_add_signed(more));
    }

    /// Tells an instance something. One that is not in memory is brought back; what a full mailbox does not take is told again a
    /// moment later, because a time that has come comes only once.
    pub fn tell(self: &Rc<Self>, number: Number, event: Event) {
        let untold = match self.instance(number) {
            Some(instance) => match instance.try_send(Input(event)) {
                Ok(()) | Err(SendError::Closed(_)) => None,
                Err(SendError::Full(Input(event))) => Some(event),
            },
            // Whoever tells something before there is a Service robot would not be heard.
            None => match self.service() {
                None => Some(event),
                Some(service) => match service.try_send(letter::Summon { number, event: Some(event) }) {
                    Ok(()) | Err(SendError::Closed(_)) => None,
                    Err(SendError::Full(summon)) => summon.event,
                },
            },
        };
        if let Some(event) = untold {
            let hub = Rc::clone(self);
            actix::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                hub.tell(number, event);
            });
        }
    }

    /// The timers that are set.
    pub(crate) fn timers(&self) -> Vec<Timer> {
        self.timers.borrow().iter().map(|Reverse(timer)| *timer).collect()
    }

    /// Sets timers that an earlier process had set.
    pub(crate) fn restore_timers(&self, timers: Vec<Timer>) {
        // A heap is made of all of them at once, in the memory that they have.
        let mut all: BinaryHeap<_> = timers.into_iter().map(Reverse).collect::<Vec<_>>().into();
        let mut held = self.timers.borrow_mut();
        all.append(&mut held);
        *held = all;
        self.timer_set.notify_one();
    }

    /// Says `Woke` to a step of an instance at a time.
    pub fn wake(&self, at: Millis, number: Number, step: StepId, attempt: u32) {
        self.timers.borrow_mut().push(Reverse((at, number, step, attempt)));
        self.timer_set.notify_one();
    }

    /// Runs the timers for ever.
    pub async fn run_timers(self: Rc<Self>) {
        let mut turn = 0_u32;
        loop {
            while self.waking.get() >= WAKING_MAX {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let next = self.timers.borrow().peek().map(|Reverse((at, ..))| *at);
            match next {
                None => self.timer_set.notified().await,
                Some(at) if at > self.clock.now() => {
                    let rest = self.clock.until(at) + Duration::from_millis(1);
                    let _either = tokio::time::timeout(rest, self.timer_set.notified()).await;
                }
                Some(_) => {
                    turn += 1;
                    if turn.is_multiple_of(TIMERS_A_TURN) {
                        turn = 0;
                        tokio::task::yield_now().await;
                    }
                    let due = self.timers.borrow_mut().pop();
                    if let Some(Reverse((_, number, step, attempt))) = due {
                        self.tell(number, Event::Woke { step, attempt });
                    }
                }
            }
        }
    }
}
