//! The clock: the one place that asks the machine what time it is.
//!
//! Invariants: it never goes back, and a step of the machine's clock moves nothing that is already running: after the start
//! only the monotonic clock is read, so a jump of hours or years expires no timer. A restart within one boot of the machine goes on from
//! the time of the start before it, for the same reason: the time since boot cannot be set.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xops_journal::disk::Disk;
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

    /// The same, held to the clock of an earlier start as `disk` remembers it; from now on it remembers this one.
    pub fn remembered(floor: Millis, disk: &dyn Disk) -> Self {
        let clock = Self::start(floor);
        let Some((boot, since_boot)) = boot() else { return clock };
        let before = disk.read(ANCHOR_FILE).ok().and_then(|bytes| Anchor::parse(&bytes));
        let (at, jumped) = held_to(clock.started_at, floor, &boot, since_boot, before.as_ref());
        if jumped {
            let (machine, kept) = (clock.started_at, at);
            tracing::warn!(
                machine,
                kept,
                "the machine's clock jumped since the last start: it is not followed, so that nothing expires early; remove \
                 `{ANCHOR_FILE}` beside the journal and start again to take it"
            );
        }
        let anchor = Anchor { boot, since_boot, at };
        if let Err(error) = disk.replace(ANCHOR_FILE, anchor.to_string().as_bytes()) {
            tracing::warn!(%error, "failed to remember the clock: the next start takes the machine's");
        }
        Self { started: clock.started, started_at: at }
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

/// Where the clock of a start is remembered.
const ANCHOR_FILE: &str = "clock.xops";
/// What a clock may be set by, and still be followed at the next start, in milliseconds: corrections, not jumps.
const CORRECTION_MS_MAX: u64 = 300_000;

/// What the clock said at some moment of a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Anchor {
    /// The boot, by the name that the machine gave it.
    boot: String,
    /// The moment, in milliseconds since the boot.
    since_boot: u64,
    /// What the clock said.
    at: Millis,
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {} {}", self.boot, self.since_boot, self.at)
    }
}

impl Anchor {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.split_whitespace();
        let boot = words.next()?.to_owned();
        Some(Self { boot, since_boot: words.next()?.parse().ok()?, at: words.next()?.parse().ok()? })
    }
}

/// The time of a start, and whether the machine's clock `wall` was not followed because it jumped within a boot.
fn held_to(
    wall: Millis,
    floor: Millis,
    boot: &str,
    since_boot: u64,
    before: Option<&Anchor>,
) -> (Millis, bool) {
    let before = before.filter(|before| before.boot == boot && before.since_boot <= since_boot);
    let Some(before) = before else { return (wall.max(floor), false) };
    let kept = before.at.saturating_add(since_boot - before.since_boot);
    let jumped = wall.abs_diff(kept) > CORRECTION_MS_MAX;
    (if jumped { kept } else { wall }.max(floor), jumped)
}

/// The boot of this machine, and the milliseconds since then; nothing where the machine does not tell.
fn boot() -> Option<(String, u64)> {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(since.tv_sec).ok()?;
    Some((name.trim().to_owned(), seconds * 1_000 + u64::try_from(since.tv_nsec).ok()? / 1_000_000))
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

    #[test]
    fn a_clock_that_was_set_between_two_starts_of_one_boot_is_not_followed() {
        const HOUR: u64 = 3_600_000;
        let at = 1_800_000_000_000;
        let before = Anchor { boot: "this".to_owned(), since_boot: 50_000, at };
        let start = |wall, boot: &str, since_boot| held_to(wall, at, boot, since_boot, Some(&before));
        // An hour passed by the time since boot. Whatever the clock was set to, it is an hour later.
        let now = 50_000 + HOUR;
        for wall in [0, at - 30 * HOUR, at + 3 * HOUR, at + 24 * 365 * 10 * HOUR, u64::MAX] {
            assert_eq!(start(wall, "this", now), (at + HOUR, true), "set to {wall}");
        }
        assert_eq!(start(at + HOUR + 2_000, "this", now), (at + HOUR + 2_000, false), "a correction");
        assert_eq!(start(at + 9 * HOUR, "another", 10), (at + 9 * HOUR, false), "the machine was off");
        assert_eq!(start(7, "another", 10), (at, false), "not before the journal's end");
        assert_eq!(held_to(at + HOUR, 0, "this", 1, None), (at + HOUR, false), "the first start");
    }

    #[test]
    fn what_is_remembered_of_a_clock_reads_back() {
        let anchor = Anchor { boot: "a-b-c".to_owned(), since_boot: 5, at: 7 };
        assert_eq!(Anchor::parse(anchor.to_string().as_bytes()), Some(anchor));
        assert_eq!(Anchor::parse(b"a-b-c 5"), None);
    }

    #[test]
    fn a_start_goes_on_from_the_clock_that_the_disk_remembers() {
        let disk = xops_journal::disk::MemoryDisk::default();
        let first = Clock::remembered(0, &disk);
        let Some((boot, since_boot)) = boot() else { return };
        // As if the machine's clock had said then that it is 1990: a jump to today is not followed.
        let in_1990 = 631_152_000_000;
        let anchor = Anchor { boot, since_boot, at: in_1990 };
        disk.replace(ANCHOR_FILE, anchor.to_string().as_bytes()).unwrap();
        let second = Clock::remembered(0, &disk);
        assert!(second.now() >= in_1990 && second.now() < in_1990 + 600_000, "{}", second.now());
        assert!(first.now() > second.now());
    }
}
