//! The clock: the one place that asks the machine what time it is.
//!
//! Invariants: it never goes back, and a step of the machine's clock moves nothing that is already running: after the start
//! only the monotonic clock is read, so a jump of hours or years expires no timer.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xops_kernel::record::Millis;

/// A clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: Millis,
}

impl Clock {
    /// A clock that starts at the machine's time, but not before `floor` (the time of the journal's last event): a machine
    /// that woke up in the past does not write the past.
    pub fn start(floor: Millis) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let now = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { started: Instant::now(), started_at: now.max(floor) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> Millis {
        self.started_at + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// How long until `at`; nothing if it is past.
    pub fn until(&self, at: Millis) -> Duration {
        Duration::from_millis(at.saturating_sub(self.now()))
    }
}

/// The processor time that this process used so far, its own and the system's on its behalf: what a benchmark divides by its
/// steps.
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_does_not_start_before_the_journal_ends() {
        let future = 4_000_000_000_000;
        assert!(Clock::start(future).now() >= future);
    }
}
