//! A story: the strikes that lead to a broken law, and no more than it needs.
//!
//! Invariants: a story plays the same run on any machine; shrinking keeps the kind of what is wrong, and takes strikes and whole
//! instances away until none can be spared, or until its budget of runs is spent.

use crate::account::Wrong;
use crate::driver::{Checks, Ending, Setup, play};
use crate::fault::{Fault, Strike};
use crate::ledger::Store;
use crate::run::{self, Work};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Runs that shrinking may take.
pub const RUNS_MAX: u32 = 3_000;
/// The longest text of a story, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;
const HEAD: &str = "xops story 1";

/// A run, told by what strikes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The seed of the plans and of everything that is no strike.
    pub seed: u64,
    /// What the seed stands for.
    pub work: Work,
    /// What frames are kept on.
    pub store: Store,
    /// Which of the seed's instances take part, from 0.
    pub scenes: BTreeSet<usize>,
    /// What strikes.
    pub strikes: BTreeSet<Strike>,
}

/// Why a text is no story.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NoStory {
    /// Where, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl Story {
    /// The story of a run that was played by its seed.
    pub fn of(seed: u64, work: Work, store: Store, ending: &Ending) -> Self {
        let scenes = (0..ending.instances.len()).collect();
        Self { seed, work, store, scenes, strikes: ending.strikes.iter().copied().collect() }
    }

    /// The smallest story found of a seed that breaks a law, and how many runs it took; nothing where it breaks none.
    pub fn smallest(seed: u64, checks: Checks, work: Work, store: Store) -> Option<(Self, u32)> {
        let ending = run::ending(seed, checks, work, store);
        let wrong = Wrong::of(ending.violations.first()?);
        Some(Self::of(seed, work, store, &ending).shrink(wrong, |story| play(story.setup(checks))))
    }

    /// The setup that plays it.
    pub fn setup(&self, checks: Checks) -> Setup {
        let mut setup = run::setup_of(self.seed, checks, self.work, self.store);
        let mut nth = 0;
        setup.scenes.retain(|_| {
            nth += 1;
            self.scenes.contains(&(nth - 1))
        });
        Setup { strikes: Some(self.strikes.clone()), ..setup }
    }

    /// The smallest story found that still goes wrong in the same way, and how many runs it took. `played` plays one.
    pub fn shrink(self, wrong: Wrong, mut played: impl FnMut(&Self) -> Ending) -> (Self, u32) {
        let mut best = self;
        let mut runs = 0;
        let mut fails = |story: &Self, runs: &mut u32| {
            *runs += 1;
            played(story).violations.iter().any(|broken| Wrong::of(broken) == wrong)
        };
        loop {
            let before = best.clone();
            for scene in before.scenes.clone() {
                let mut less = best.clone();
                less.scenes.remove(&scene);
                if !less.scenes.is_empty() && runs < RUNS_MAX && fails(&less, &mut runs) {
                    best = less;
                }
            }
            let strikes = best.strikes.iter().copied().collect();
            best.strikes = fewest(strikes, |fewer| {
                let less = Self { strikes: fewer.iter().copied().collect(), ..best.clone() };
                runs < RUNS_MAX && fails(&less, &mut runs)
            });
            if best == before || runs >= RUNS_MAX {
                return (best, runs);
            }
        }
    }
}

/// Delta debugging (Zeller and Hildebrandt, 2002, without its second half): takes ever smaller pieces away while it still `fails`.
fn fewest(mut all: Vec<Strike>, mut fails: impl FnMut(&[Strike]) -> bool) -> BTreeSet<Strike> {
    let mut piece = all.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < all.len() {
            let end = all.len().min(at + piece);
            let fewer: Vec<Strike> = all[..at].iter().chain(&all[end..]).copied().collect();
            if fails(&fewer) {
                all = fewer;
            } else {
                at = end;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    all.into_iter().collect()
}

fn work(work: Work) -> &'static str {
    match work {
        Work::Days => "days",
        Work::Crashes => "crashes",
        Work::Vendors => "vendors",
    }
}

fn store(store: Store) -> &'static str {
    match store {
        Store::Memory => "memory",
        Store::Journal => "journal",
        Store::LyingDisk => "lying_disk",
    }
}

impl fmt::Display for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{HEAD}\nseed {}\nwork {}\nstore {}", self.seed, work(self.work), store(self.store))?;
        self.scenes.iter().try_for_each(|scene| writeln!(out, "scene {scene}"))?;
        self.strikes
            .iter()
            .try_for_each(|strike| writeln!(out, "strike {} {}", strike.fault.word(), strike.nth))
    }
}

impl FromStr for Story {
    type Err = NoStory;

    fn from_str(text: &str) -> Result<Self, NoStory> {
        let no = |line: usize, why: &str| NoStory { line, why: why.to_owned() };
        if text.len() > TEXT_BYTES_MAX {
            return Err(no(1, "it is longer than a story may be"));
        }
        let mut lines = text.lines().enumerate().map(|(nth, line)| (nth + 1, line.trim()));
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(no(1, "a story begins with the line `xops story 1`"));
        }
        let mut seed = None;
        let mut story = Self {
            seed: 0,
            work: Work::Days,
            store: Store::Memory,
            scenes: BTreeSet::new(),
            strikes: BTreeSet::new(),
        };
        for (nth, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["seed", number] => {
                    seed = Some(number.parse().map_err(|_| no(nth, "the seed is no number"))?);
                }
                ["work", word] => {
                    let known = [Work::Days, Work::Crashes, Work::Vendors]
                        .into_iter()
                        .find(|one| work(*one) == *word);
                    story.work = known.ok_or_else(|| no(nth, "work is `days`, `crashes` or `vendors`"))?;
                }
                ["store", word] => {
                    let all = [Store::Memory, Store::Journal, Store::LyingDisk];
                    let known = all.into_iter().find(|one| store(*one) == *word);
                    story.store =
                        known.ok_or_else(|| no(nth, "store is `memory`, `journal` or `lying_disk`"))?;
                }
                ["scene", number] => {
                    story.scenes.insert(number.parse().map_err(|_| no(nth, "the scene is no number"))?);
                }
                ["strike", word, number] => {
                    let fault = Fault::ALL.into_iter().find(|fault| fault.word() == *word);
                    let fault = fault.ok_or_else(|| no(nth, "there is no such fault"))?;
                    let number = number.parse().map_err(|_| no(nth, "which throw it is is no number"))?;
                    story.strikes.insert(Strike { fault, nth: number });
                }
                _ => {
                    return Err(no(
                        nth,
                        "a line is `seed N`, `work W`, `store S`, `scene N` or `strike FAULT N`",
                    ));
                }
            }
        }
        story.seed = seed.ok_or_else(|| no(1, "it names no seed"))?;
        if story.scenes.is_empty() {
            return Err(no(1, "it names no scene"));
        }
        Ok(story)
    }
}
