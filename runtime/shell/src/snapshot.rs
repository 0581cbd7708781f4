//! What a start-up snapshot holds, written and read back: what folding the journal up to a place comes to.
//!
//! Absent: bytes and sealing, which `xops_journal::snapshot` owns. Invariants: a snapshot and the events behind it fold to what all
//! events fold to; whatever a snapshot lacks, is damaged in, or is not understood, makes all of it unused. Variants are stored by
//! their position: append-only.

use crate::card::{Away, Card, CardRef};
use crate::hub::Timer;
use crate::keeper::Kit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_journal::disk::Disk;
use xops_journal::keys::Keys;
use xops_journal::random::System;
use xops_journal::segment::Head;
use xops_journal::snapshot::shelf::{Line, PLACE_BITS, Shelf};
use xops_journal::snapshot::{self, Bad, Snapshot, Writer};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::id::StepId;
use xops_kernel::log::Number;
use xops_kernel::record::Millis;
use xops_robots::service::State;
use xops_robots::service::column::Column;
use xops_robots::service::pieces::{self, Builder};

/// How many small lines one piece holds.
const LINES: usize = 4_096;

/// What a shelved number in the robot's state is made of: where it lies, and its word above that.
pub(crate) fn place_of(shelved: u64) -> u64 {
    shelved & ((1 << PLACE_BITS) - 1)
}

/// The words of instances that are put away, by position: append-only.
const WORDS: [&str; 6] = ["waiting", "running", "backstepping", "parked", "stuck", "yielding"];

/// A place with the word of what lies there.
pub(crate) fn with_word(place: u64, word: &str) -> u64 {
    let at = WORDS.iter().position(|known| *known == word).unwrap_or(0);
    place_of(place) | (at as u64) << PLACE_BITS
}

/// The word of what lies there.
pub(crate) fn word_of(shelved: u64) -> &'static str {
    usize::try_from(shelved >> PLACE_BITS).ok().and_then(|at| WORDS.get(at)).copied().unwrap_or(WORDS[0])
}

/// What is believed at one place of the journal.
pub(crate) struct Cut {
    /// The Service robot.
    pub(crate) state: State,
    /// The instances that are at hand.
    pub(crate) live: Vec<Away>,
    /// The timers of those that are put away, by number: beside one another they differ by little.
    pub(crate) timers: Vec<Timer>,
    /// The systems whose breaker is open.
    pub(crate) breakers: BTreeMap<String, Millis>,
    /// The time of the last event.
    pub(crate) at: Millis,
}

#[derive(Serialize)]
enum Written<'a> {
    Robot(&'a pieces::Piece),
    Live(Box<CardRef<'a>>),
    Shelf(&'a [Line]),
    /// As they were written before there were columns.
    #[expect(dead_code, reason = "a variant is stored by its position")]
    Timers(&'a [Timer]),
    Rest {
        at: Millis,
        breakers: &'a BTreeMap<String, Millis>,
    },
    Waking(Waking),
}

#[derive(Deserialize)]
enum Read {
    Robot(pieces::Piece),
    Live(Box<Card>),
    Shelf(Vec<Line>),
    Timers(Vec<Timer>),
    Rest { at: Millis, breakers: BTreeMap<String, Millis> },
    Waking(Waking),
}

/// Timers: when, whose, which step, which attempt.
type Waking = (Column, Column, Column, Column);

fn columns_of(timers: &[Timer]) -> Waking {
    (
        Column::of_near(timers.iter().map(|(at, ..)| *at)),
        Column::of_near(timers.iter().map(|(_, number, ..)| *number)),
        Column::of_numbers(timers.iter().map(|(_, _, step, _)| u64::from(step.0))),
        Column::of_numbers(timers.iter().map(|(.., attempt)| u64::from(*attempt))),
    )
}

fn timers_in((at, numbers, steps, attempts): &Waking) -> Option<Vec<Timer>> {
    let (at, numbers, steps, attempts) = (at.near()?, numbers.near()?, steps.numbers()?, attempts.numbers()?);
    let count = at.len();
    if numbers.len() != count || steps.len() != count || attempts.len() != count {
        return None;
    }
    let lines = at.into_iter().zip(numbers).zip(steps.into_iter().zip(attempts));
    let timer = |((at, number), (step, attempt))| {
        Some((at, number, StepId(u16::try_from(step).ok()?), u32::try_from(attempt).ok()?))
    };
    lines.map(timer).collect()
}

/// Writes a snapshot, and removes what it makes superfluous; its bytes.
pub(crate) fn write(kit: &mut Kit, cut: &Cut, place: Head) -> Result<u64, Bad> {
    // First what it refers to, then itself.
    kit.shelf.sync()?;
    let lines = kit.shelf.lines(cut.state.shelved.values().copied().map(place_of));
    let mut writer = Writer::new(&kit.keys, place, &System::default())?;
    {
        let lock = || kit.subjects.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The keys are taken for one piece at a time: the scribe needs them too.
        let mut push = |written: &Written<'_>, subject| writer.push(written, subject, &lock());
        push(&Written::Rest { at: cut.at, breakers: &cut.breakers }, None)?;
        for lines in lines.chunks(LINES) {
            push(&Written::Shelf(lines), None)?;
        }
        for timers in cut.timers.chunks(LINES) {
            push(&Written::Waking(columns_of(timers)), None)?;
        }
        cut.state.pieces(|piece| push(&Written::Robot(&piece), piece.subject()))?;
        for away in &cut.live {
            push(&Written::Live(Box::new(away.card(&kit.digest))), away.subject())?;
        }
    }
    let bytes = writer.finish(&*kit.disk)?;
    kit.shelf.retire(&lines)?;
    snapshot::thin(&*kit.disk, kit.kept.max(1))?;
    Ok(bytes)
}

/// What was read of a snapshot.
pub(crate) struct Restored {
    pub(crate) place: Head,
    pub(crate) state: State,
    pub(crate) live: Vec<Card>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) breakers: BTreeMap<String, Millis>,
    pub(crate) at: Millis,
    pub(crate) shelf: Shelf,
    /// How many pieces said something of an erased subject.
    pub(crate) erased: u64,
}

/// Reads the snapshot at `seq`.
pub(crate) fn read(
    disk: &Arc<dyn Disk>,
    seq: u64,
    keys: &Keys,
    subjects: &SubjectKeys,
) -> Result<Restored, Bad> {
    let found = Snapshot::open(disk, seq, keys)?;
    let (mut builder, mut live, mut lines, mut timers) =
        (Builder::default(), Vec::new(), Vec::new(), Vec::new());
    let (mut rest, mut erased) = (None, 0);
    let damaged = || Bad::Damaged("its timers are not what was written".to_owned());
    found.each(subjects, |piece| {
        match piece {
            Some(Read::Robot(piece)) => builder.take(piece),
            Some(Read::Live(card)) => live.push(*card),
            Some(Read::Shelf(more)) => lines.extend(more),
            Some(Read::Timers(more)) => timers.extend(more),
            Some(Read::Waking(more)) => timers.extend(timers_in(&more).ok_or_else(damaged)?),
            Some(Read::Rest { at, breakers }) => rest = Some((at, breakers)),
            None => erased += 1,
        }
        Ok(())
    })?;
    let (at, breakers) = rest.ok_or_else(|| Bad::Damaged("it lacks its first piece".to_owned()))?;
    let state = builder.build().map_err(|what| Bad::Damaged(what.to_owned()))?;
    let places = state.shelved.values().copied().map(place_of);
    let shelf = Shelf::resume(Arc::clone(disk), Box::new(System::default()), keys, &lines, places)?;
    Ok(Restored { place: found.place(), state, live, timers, breakers, at, shelf, erased })
}

/// The numbers of instances that a robot's state knows.
pub(crate) fn is_known(state: &State, number: Number) -> bool {
    state.running.contains_key(&number) || state.shelved.contains_key(&number)
}
