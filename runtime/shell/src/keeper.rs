//! The keeper: a thread with the shelf of parked instances, which also writes the snapshots.
//!
//! Invariants: what it holds is a cache of the journal; its queue has a bound, and whoever finds it full keeps what it has in memory;
//! a snapshot is in place whole and durable before the one before it goes.

use crate::card::{Away, Card};
use crate::hub::Timer;
use crate::snapshot::{self, Cut};
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use xops_journal::disk::Disk;
use xops_journal::keys::Keys;
use xops_journal::segment::Head;
use xops_journal::snapshot::shelf::Shelf;
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::log::Number;

/// How many orders may wait.
const ORDERS_MAX: usize = 4_096;

/// What the keeper is asked.
pub(crate) enum Order {
    /// Put it on the shelf. `turn` comes back with the answer.
    Keep { away: Box<Away>, turn: u64 },
    /// Take it from there; it stays until it is released.
    Fetch { number: Number, place: u64 },
    /// What lies at a place is not wanted any more.
    Release(u64),
    /// What lies on the shelf is damaged: the next start folds the journal.
    Distrust(String),
    /// Look at these.
    Show { places: Vec<u64>, reply: oneshot::Sender<Vec<Card>> },
    /// Write a snapshot of this, taken at that place of the journal.
    Snapshot { cut: Box<Cut>, place: Head },
    /// End, and answer when everything before was done.
    Close(oneshot::Sender<()>),
}

/// What the keeper says.
pub(crate) enum Told {
    /// It lies there now; nowhere, if it could not be put away.
    Kept { number: Number, turn: u64, place: Option<u64> },
    /// It was fetched; or why not.
    Back { number: Number, place: u64, card: Result<Box<Card>, Unfetched> },
    /// A snapshot was written, with so many bytes; or could not be.
    Written(Option<u64>),
}

/// Why an instance was not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfetched {
    /// The key of its subject was destroyed.
    #[error("what was known of it was erased with its subject")]
    Erased,
    /// The shelf is damaged.
    #[error("{0}")]
    Damaged(String),
}

/// What the keeper works with.
pub(crate) struct Kit {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) keys: Keys,
    pub(crate) subjects: Arc<Mutex<SubjectKeys>>,
    pub(crate) shelf: Shelf,
    /// Under which plans have their ids.
    pub(crate) digest: DigestKey,
    /// How many snapshots are kept.
    pub(crate) kept: usize,
}

/// Starts the keeper.
pub(crate) fn start(kit: Kit) -> std::io::Result<(Sender<Order>, mpsc::Receiver<Told>)> {
    let (orders, received) = crossbeam_channel::bounded(ORDERS_MAX);
    let (tell, told) = mpsc::channel(ORDERS_MAX);
    let keeper = Keeper { kit, tell, distrusted: false };
    std::thread::Builder::new().name("keeper".to_owned()).spawn(move || keeper.run(&received))?;
    Ok((orders, told))
}

struct Keeper {
    kit: Kit,
    tell: mpsc::Sender<Told>,
    /// Nothing is snapshotted any more that refers to a damaged shelf.
    distrusted: bool,
}

impl Keeper {
    fn run(mut self, received: &Receiver<Order>) {
        while let Ok(order) = received.recv() {
            let told = match order {
                Order::Keep { away, turn } => {
                    Some(Told::Kept { number: away.number, turn, place: self.keep(&away) })
                }
                Order::Fetch { number, place } => {
                    Some(Told::Back { number, place, card: self.fetch(number, place) })
                }
                Order::Release(place) => {
                    self.kit.shelf.release(place);
                    None
                }
                Order::Distrust(why) => {
                    self.distrust(&why);
                    None
                }
                Order::Show { places, reply } => {
                    let cards = places.into_iter().filter_map(|place| self.look(place).ok().flatten());
                    let _asker_gone = reply.send(cards.collect());
                    None
                }
                Order::Snapshot { cut, place } => Some(Told::Written(self.write(&cut, place))),
                Order::Close(reply) => {
                    // The keyring is free for the next start before anybody hears of the end.
                    drop(self);
                    let _asker_gone = reply.send(());
                    return;
                }
            };
            if let Some(told) = told
                && self.tell.blocking_send(told).is_err()
            {
                return;
            }
        }
    }

    fn keep(&mut self, away: &Away) -> Option<u64> {
        let subjects = self.kit.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        match self.kit.shelf.put(&away.card(&self.kit.digest), away.subject(), &subjects) {
            Ok(place) => place,
            Err(error) => {
                tracing::warn!(number = away.number, %error, "an instance cannot be put away and stays in memory");
                None
            }
        }
    }

    fn look(&mut self, place: u64) -> Result<Option<Card>, String> {
        let subjects = self.kit.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        self.kit.shelf.get(place, &subjects).map_err(|error| error.to_string())
    }

    fn fetch(&mut self, number: Number, place: u64) -> Result<Box<Card>, Unfetched> {
        let card: Option<Card> = self.look(place).map_err(Unfetched::Damaged)?;
        let card = card.ok_or(Unfetched::Erased)?;
        if card.number == number {
            Ok(Box::new(card))
        } else {
            Err(Unfetched::Damaged("another instance lies there".to_owned()))
        }
    }

    /// The journal is the truth: what refers to a damaged shelf is not used again.
    fn distrust(&mut self, why: &str) {
        self.distrusted = true;
        let disk = &*self.kit.disk;
        let aside = xops_journal::snapshot::list(disk).and_then(|seqs| {
            seqs.into_iter().try_for_each(|seq| xops_journal::snapshot::set_aside(disk, seq))
        });
        match aside {
            Ok(()) => {
                tracing::error!(why, "the shelf is damaged: restart the daemon, which folds the journal");
            }
            Err(error) => tracing::error!(
                why, %error, "the shelf is damaged: stop the daemon, remove `snapshot-*` beside the journal, start it"
            ),
        }
    }

    fn write(&mut self, cut: &Cut, place: Head) -> Option<u64> {
        if self.distrusted {
            return None;
        }
        let begun = Instant::now();
        match snapshot::write(&mut self.kit, cut, place) {
            Ok(bytes) => {
                let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::debug!(seq = place.seq, bytes, ms, "snapshot");
                metrics::counter!("xops_journal_snapshots_total").increment(1);
                Some(bytes)
            }
            Err(error) => {
                tracing::warn!(%error, "failed to write a snapshot: the next start folds more of the journal");
                None
            }
        }
    }
}

/// The timers of instances that are put away, by number: side by side with them, so that nothing is looked up.
pub(crate) fn timers_of(mut timers: Vec<Timer>, shelved: &BTreeMap<Number, u64>) -> Vec<Timer> {
    timers.sort_unstable_by_key(|(at, number, step, attempt)| (*number, *at, *step, *attempt));
    let mut shelved = shelved.keys().copied().peekable();
    timers.retain(|(_, number, ..)| {
        while shelved.next_if(|before| before < number).is_some() {}
        shelved.peek() == Some(number)
    });
    timers
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::id::StepId;

    #[test]
    fn the_timers_of_those_that_are_put_away_are_kept_whatever_the_order() {
        let timer = |at, number| (at, number, StepId(0), 1);
        let timers = vec![timer(9, 5), timer(1, 9), timer(3, 2), timer(4, 5), timer(2, 1), timer(7, 4)];
        let shelved = BTreeMap::from([(2, 0), (3, 0), (5, 0), (9, 0), (11, 0)]);
        assert_eq!(timers_of(timers, &shelved), [timer(3, 2), timer(4, 5), timer(9, 5), timer(1, 9)]);
    }
}
