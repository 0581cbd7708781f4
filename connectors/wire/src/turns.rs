//! Whose turn it is: how many requests of one system are under way, and how many wait.

use crate::lost::Lost;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// The turns of one system.
pub(crate) struct Turns {
    free: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Counts one that waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Turns {
    /// For `concurrency` at once and `waiting_max` that wait; or the rule that this breaks.
    pub(crate) fn new(concurrency: usize, waiting_max: usize) -> Result<Self, String> {
        if !(1..=Semaphore::MAX_PERMITS).contains(&concurrency) {
            return Err("`concurrency` must be at least 1".to_owned());
        }
        Ok(Self { free: Semaphore::new(concurrency), waiting: AtomicUsize::new(0), waiting_max })
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, until: Instant) -> Result<SemaphorePermit<'_>, Lost> {
        if let Ok(turn) = self.free.try_acquire() {
            return Ok(turn);
        }
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if before >= self.waiting_max {
            return Err(Lost::NotSent(format!(
                "{before} requests of the system wait already: send fewer at once"
            )));
        }
        match timeout_at(until, self.free.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => {
                Err(Lost::NotSent("the deadline passed while it waited for its turn".to_owned()))
            }
        }
    }
}
