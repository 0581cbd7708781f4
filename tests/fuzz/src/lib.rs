//! Every decoder of xops, fed with what a fuzzer thinks of: each surface is a function of bytes.
//!
//! Absent: the fuzzer (`targets/` hands each surface to libFuzzer), and what must come out: a surface refuses or reads, and what it
//! reads holds the laws that are asserted where it is fed. Invariants, held for each input by [`hold`]: no panic, at most
//! [`CPU_MAX`] of processor time and [`MEMORY_MAX`] more memory than before.

#![forbid(unsafe_code)]

pub mod answer;
pub mod bytes;
pub mod cases;
pub mod disk;
pub mod journal;
pub mod people;
pub mod project;
pub mod sealed;
pub mod seeds;
pub mod source;
pub mod stored;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Once;
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How long one input may keep the processor busy, in a build that counts its own branches.
pub const CPU_MAX: Duration = Duration::from_millis(100);
/// How much more memory one input may take, in bytes.
pub const MEMORY_MAX: usize = 64 << 20;

/// A surface: its name, what makes ready what all inputs share, and what feeds it.
pub type Surface = (&'static str, fn(), fn(&[u8]));

/// Of what nothing is shared.
fn at_once() {}

/// All surfaces.
pub const SURFACES: [Surface; 14] = [
    ("ahead", at_once, sealed::ahead),
    ("answer", answer::ready, answer::answer),
    ("bundle", at_once, sealed::bundle),
    ("frame", at_once, sealed::frame),
    ("hook", answer::ready, answer::hook),
    ("journal", journal::ready, journal::files),
    ("kept", at_once, sealed::kept),
    ("keyring", at_once, stored::keyring),
    ("note", at_once, sealed::note),
    ("people", project::ready, people::people),
    ("question", project::ready, source::question),
    ("snapshot", at_once, sealed::snapshot),
    ("source", project::ready, source::source),
    ("stored", at_once, stored::stored),
];

fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Feeds a surface and holds it to its bounds. What all inputs share is made ready before, and the first is fed twice.
pub fn hold(name: &str, bytes: &[u8]) {
    static READY: Once = Once::new();
    let surface = SURFACES.iter().find(|(own, ..)| *own == name).expect("a target is named like its surface");
    let (_, ready, feed) = surface;
    READY.call_once(|| {
        ready();
        feed(bytes);
    });
    MEMORY.reset_peak_usage();
    let (before, began) = (MEMORY.current_usage(), processor());
    feed(bytes);
    let (spent, taken) = (processor().saturating_sub(began), MEMORY.peak_usage().saturating_sub(before));
    assert!(spent <= CPU_MAX, "{name}: {} bytes kept the processor busy for {spent:?}", bytes.len());
    assert!(taken <= MEMORY_MAX, "{name}: {} bytes took {taken} bytes of memory", bytes.len());
}
