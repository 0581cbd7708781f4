//! Faulted reads: a system with pages of every style that fails at every position, read by the robots' machine into the graph, and
//! planned from.
//!
//! Absent: judgement of its own. What a page is the connectors say, how a reading goes on the robots, what is known the graph,
//! what changes the kernel's planner; the world here only knows what was really there. Invariants: nothing is planned for whom the system still
//! holds; a reading that says it is whole holds what was there, no more and no less; after a whole reading exactly those who are
//! gone are planned for, so the first law is not held by planning nothing.
//!
//! Outside: a system that leaves objects out and says in every way that it shows all of them. No reader can tell.

mod server;
mod world;

use crate::seed::Dice;
use server::Served;
pub use server::{Fault, Style};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use world::World;
use xops_connectors::manifests::Manifests;
use xops_kernel::machine::Machine;
use xops_kernel::port::{Connector, ReadAsk};
use xops_kernel::value::{Value, Values};
use xops_robots::dataops::progress::{Answer, Bounds};
use xops_robots::dataops::reading::{Call, Effect, Event, Reader, Scope, State};

/// How many reads are made of one world, one after the other.
const READS_A_WORLD: u64 = 50;
/// How many events one cycle may take: it ends long before.
const EVENTS_MAX: usize = 5_000;

/// What many reads came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whole cycles of reading that were made.
    pub reads: u64,
    /// Pages that were asked for.
    pub pages: u64,
    /// Cycles in which a fault was met, by style and fault.
    pub met: BTreeMap<(Style, Fault), u64>,
    /// The pages at which faults were met, by style: every position is to be among them.
    pub positions: BTreeMap<Style, BTreeSet<u32>>,
    /// Cycles whose fault passed with tries to spare, and were whole in the end.
    pub recovered: u64,
    /// Cycles that were not whole.
    pub broken_off: u64,
    /// Removals that were planned, each from a proof of absence.
    pub removals: u64,
    /// Creations that were planned.
    pub creations: u64,
    /// The laws that were broken, in words, with the seed.
    pub broken: Vec<String>,
}

impl Report {
    /// Adds what other reads came to.
    pub fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.pages += other.pages;
        self.recovered += other.recovered;
        self.broken_off += other.broken_off;
        self.removals += other.removals;
        self.creations += other.creations;
        for (key, count) in other.met {
            *self.met.entry(key).or_default() += count;
        }
        for (style, positions) in other.positions {
            self.positions.entry(style).or_default().extend(positions);
        }
        self.broken.extend(other.broken);
    }

    /// The styles and faults that fit each other and were never met.
    pub fn unmet(&self) -> Vec<(Style, Fault)> {
        let all = Style::ALL.into_iter().flat_map(|style| {
            Fault::ALL.into_iter().filter(move |fault| fault.fits(style)).map(move |fault| (style, fault))
        });
        all.filter(|key| !self.met.contains_key(key)).collect()
    }
}

/// How many seeds give about so many reads.
pub fn seeds_of(reads: u64) -> u64 {
    reads.div_ceil(READS_A_WORLD)
}

/// Plays worlds: each seed is one world of one style, and many reads of it.
pub fn play(seeds: Range<u64>) -> Report {
    let manifests = manifests();
    let mut report = Report::default();
    for seed in seeds {
        report.add(play_one(&manifests, seed));
    }
    report
}

/// The manifests of all styles.
fn manifests() -> Manifests {
    let files: Vec<(String, Vec<u8>)> = Style::ALL
        .into_iter()
        .map(|style| (format!("{}.hcl", style.word()), style.manifest().into_bytes()))
        .collect();
    let (manifests, findings) = Manifests::load(&files);
    assert!(findings.is_empty(), "the styles' manifests are sound: {findings:?}");
    manifests
}

fn play_one(manifests: &Manifests, seed: u64) -> Report {
    let style = Style::ALL[usize::try_from(seed % Style::ALL.len() as u64).unwrap_or(0)];
    let mut dice = Dice::of(seed, "reads");
    let mut world = World::new(style, dice.between(0, 11), manifests.reads(style.word()));
    let mut report = Report::default();
    for cycle in 1..=READS_A_WORLD {
        let served = Served::new(style, &mut dice, world.people());
        one(manifests, &mut world, served, (seed, cycle), &mut report);
    }
    report
}

/// One cycle, and what is planned after it.
fn one(
    manifests: &Manifests,
    world: &mut World,
    mut served: Served,
    (seed, cycle): (u64, u64),
    report: &mut Report,
) {
    let contracts = manifests.reads(served.style.word());
    let bounds = Bounds { attempts_max: 3, wait_ms_max: 10_000, ..Bounds::default() };
    let reader = Reader::new("acme", contracts, bounds);
    world.pass(served.people.clone());
    let whole = drive(manifests, world, &reader, &mut served, cycle, report);
    report.reads += 1;
    if let Some(fault) = served.met {
        *report.met.entry((served.style, fault)).or_default() += 1;
        report.positions.entry(served.style).or_default().insert(served.met_at);
        report.recovered += u64::from(whole);
    }
    report.broken_off += u64::from(!whole);
    let planned = world.plan(whole);
    report.removals += planned.removals;
    report.creations += planned.creations;
    let told = |why: String| {
        format!("seed {seed} read {cycle} of {} ({:?}): {why}", served.style.word(), served.met)
    };
    report.broken.extend(planned.broken.into_iter().map(told));
}

/// Drives the machine through one cycle; whether all of it was whole.
fn drive(
    manifests: &Manifests,
    world: &mut World,
    reader: &Reader,
    served: &mut Served,
    cycle: u64,
    report: &mut Report,
) -> bool {
    let mut state = State::Idle;
    let mut wanted = Vec::new();
    let mut next = Some(Event::Begun { cycle, at: world.now, scope: Scope::default() });
    for _ in 0..EVENTS_MAX {
        let Some(event) = next.take().or_else(|| reader.decide(&state)) else { break };
        if reader.step(&mut state, &event, &mut wanted).is_err() {
            world.complain("the machine refused what it asked for");
            return false;
        }
        if let Some(decided) = reader.decide(&state) {
            next = Some(decided);
            continue;
        }
        let Some(effect) = wanted.pop() else { break };
        world.now += 1;
        next = Some(match effect {
            Effect::Fetch(call) => {
                report.pages += 1;
                let answer = fetch(manifests, world, served, &state, &call);
                if served.dies() {
                    // What it still wanted is cancelled with it.
                    wanted.clear();
                    Event::Abandoned { cycle, at: world.now }
                } else {
                    Event::Answered { call, answer, at: world.now }
                }
            }
            Effect::Wait { call, until } => {
                world.now = world.now.max(until);
                Event::Waited { call, at: world.now }
            }
            Effect::Apply { cycle, target } => {
                if let Some(taken) = state.taken(&target) {
                    world.take(taken.reading.clone());
                }
                Event::Applied { cycle, target, at: world.now }
            }
        });
    }
    matches!(&state, State::Ended { incomplete, .. } if incomplete.is_empty())
}

fn fetch(manifests: &Manifests, world: &World, served: &mut Served, state: &State, call: &Call) -> Answer {
    let system = served.style.word();
    let config = Values::from([("base_url".to_owned(), Value::from("https://src.example"))]);
    let next = state.next(&call.target);
    let carry = next.map(|next| next.carry.clone()).unwrap_or_default();
    let ask = ReadAsk {
        system,
        read: &call.target.read,
        parameter: call.target.parameter.as_deref(),
        carry: &carry,
        at: world.now,
        principal: "svc-xops",
    };
    let request = match next {
        Some(next) => *next.request.clone(),
        None => match manifests.render_read(&config, &ask) {
            Ok(request) => request,
            Err(why) => panic!("the styles' reads render: {why}"),
        },
    };
    match served.answer(&request, call.page) {
        Ok(response) => Answer::from(manifests.page(&config, &ask, &response)),
        Err(lost) => Answer::Failed(lost),
    }
}
