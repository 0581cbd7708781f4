//! Keeps so many instances under way in a real engine until all have ended, and takes the time of each.
//!
//! Invariants: an instance is begun only when another ended, so never more than asked for are under way; what is measured
//! begins with the first and ends with the last, starting and stopping the engine aside.

use super::noop::{self, Loopback, Noop};
use super::{Place, TENANT, key};
use crate::arguments::bench::BenchEngine;
use crate::exit::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use xops_journal::journal::Options;
use xops_kernel::canon::DigestKey;
use xops_kernel::log::Number;
use xops_kernel::plan::Plan;
use xops_kernel::saga::Bounds;
use xops_shell::clock::processor_time;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Setup};
use xops_shell::hub::Tally;
use xops_shell::letter::{Begin, Watch};

/// The most instances under way at once.
pub(super) const IN_FLIGHT_MAX: u64 = 100_000;
/// The most instances in one run.
pub(super) const INSTANCES_MAX: u64 = 10_000_000;
/// How many are begun in one message.
const BEGIN_MAX: u64 = 256;

/// What was measured.
pub(super) struct Run {
    /// From the first beginning to the last end.
    pub elapsed: Duration,
    /// Processor time of the whole process meanwhile.
    pub processor: Duration,
    /// The time of each whole instance, in microseconds, ascending.
    pub took_us: Vec<u32>,
    /// What went through the hub meanwhile.
    pub tally: Tally,
    /// Calls that the wire answered.
    pub calls: u64,
}

struct Driver<'a> {
    engine: &'a Engine,
    plan: Arc<Plan>,
    bench: &'a BenchEngine,
    first: Option<Number>,
    begun: Vec<Instant>,
    took_us: Vec<u32>,
    bar: ProgressBar,
}

/// Starts an engine, runs the work, stops the engine.
pub(super) async fn run(place: &Place, bench: &BenchEngine) -> Result<Run, Failure> {
    let connector = Arc::new(Noop::new(bench.work));
    let wire = Arc::new(Loopback::new(bench.work));
    let setup = Setup {
        identities: std::collections::BTreeMap::new(),
        declarations: Arc::new(connector.declarations(bench.in_flight)),
        connector,
        transport: Arc::clone(&wire) as Arc<dyn xops_shell::transport::Transport>,
        systems: BTreeMap::new(),
        ledger: xops_shell::engine::Ledger::Write(place.journal()),
        subjects: place.subjects(),
        key: key(),
        options: Options::default(),
        bounds: Bounds::default(),
        cadence: Cadence::default(),
        watch: false,
        crash: None,
    };
    let engine = Engine::start(setup).await.map_err(Failure::plain)?;
    let plan = Arc::new(noop::plan(bench.work, &DigestKey(*key().digest_key())));
    let size = usize::try_from(bench.instances).unwrap_or(usize::MAX);
    let driver = Driver {
        engine: &engine,
        plan,
        bench,
        first: None,
        begun: Vec::with_capacity(size),
        took_us: Vec::with_capacity(size),
        bar: bar(bench),
    };
    let before = engine.tenant().hub.tally();
    let (began, spent) = (Instant::now(), processor_time());
    let took_us = tokio::select! {
        took = driver.all() => took?,
        why = engine.failure() => return Err(Failure::plain(why)),
    };
    let (elapsed, processor) = (began.elapsed(), processor_time().saturating_sub(spent));
    let after = engine.tenant().hub.tally();
    engine.stop().await.map_err(Failure::plain)?;
    let tally = Tally {
        commits: after.commits - before.commits,
        events: after.events - before.events,
        bytes: after.bytes - before.bytes,
        asserted: after.asserted - before.asserted,
    };
    Ok(Run { elapsed, processor, took_us, tally, calls: wire.calls() })
}

fn bar(bench: &BenchEngine) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {per_sec}");
    let bar = ProgressBar::new(bench.instances);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(format!("{TENANT} {}", bench.work.word()))
}

impl Driver<'_> {
    async fn all(mut self) -> Result<Vec<u32>, Failure> {
        let room = usize::try_from(self.bench.in_flight).unwrap_or(usize::MAX).saturating_add(1);
        let (watcher, mut ended) = mpsc::channel(room);
        let gone = |error: actix::MailboxError| Failure::plain(error);
        self.engine.service().send(Watch(watcher)).await.map_err(gone)?;
        self.begin(self.bench.in_flight).await?;
        while (self.took_us.len() as u64) < self.bench.instances {
            let Some(first) = ended.recv().await else {
                return Err(Failure::plain("the Service robot told of no more ends"));
            };
            let mut free = 0;
            let mut next = Some(first);
            while let Some((number, word)) = next {
                self.end(number, word)?;
                free += 1;
                next = if free < BEGIN_MAX { ended.try_recv().ok() } else { None };
            }
            self.bar.set_position(self.took_us.len() as u64);
            self.begin(free).await?;
        }
        self.bar.finish_and_clear();
        self.took_us.sort_unstable();
        Ok(self.took_us)
    }

    /// Begins so many, or what is left.
    async fn begin(&mut self, wanted: u64) -> Result<(), Failure> {
        let mut wanted = wanted.min(self.bench.instances - self.begun.len() as u64);
        while wanted > 0 {
            let batch = wanted.min(BEGIN_MAX);
            let at = self.engine.tenant().hub.clock.now();
            let from = self.begun.len() as u64;
            let of = (from..from + batch).map(|n| noop::begin(&self.plan, n, at)).collect();
            let begin = Begin { plan: Arc::clone(&self.plan), of };
            let now = Instant::now();
            self.begun.extend((0..batch).map(|_| now));
            let numbers = self.engine.service().send(begin).await.map_err(Failure::plain)?;
            if numbers.len() as u64 != batch {
                return Err(Failure::plain(format!("{} of {batch} instances began", numbers.len())));
            }
            self.first = self.first.or_else(|| numbers.first().copied());
            wanted -= batch;
        }
        Ok(())
    }

    fn end(&mut self, number: Number, word: &str) -> Result<(), Failure> {
        let expected = self.bench.work.end();
        if word != expected {
            return Err(Failure::plain(format!("instance {number} ended {word}, not {expected}")));
        }
        let slot = number.checked_sub(self.first.unwrap_or(1)).and_then(|slot| usize::try_from(slot).ok());
        let Some(begun) = slot.and_then(|slot| self.begun.get(slot)) else {
            return Err(Failure::plain(format!("instance {number} ended and never began")));
        };
        self.took_us.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        Ok(())
    }
}
