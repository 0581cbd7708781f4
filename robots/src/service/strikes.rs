//! Strikes: what made an actor panic is tried again, and set aside at the third time until a person releases it.
//!
//! Invariants: it is decided by what the journal says and by nothing else, so a restart forgets no strike; a strike counts for a day;
//! what is set aside wants nothing; whatever ends or is answered takes its strikes along.

use super::{Effect, State};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use xops_kernel::culprit::{Culprit, STRIKES_MAX, STRIKES_WITHIN_MS};
use xops_kernel::log::{Entry, Happened, What};
use xops_kernel::record::Millis;

/// The panics over one culprit that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strikes {
    /// When, the oldest first: the last [`STRIKES_MAX`] within a day.
    pub at: VecDeque<Millis>,
    /// The actor that panicked last.
    pub robot: String,
    /// What it was doing.
    pub doing: String,
    /// Since when it is set aside, if it is.
    pub aside: Option<Millis>,
}

/// Counts a panic. What is over, or was never there, has no strikes.
pub(super) fn strike(state: &mut State, over: &Culprit, robot: &str, doing: &str, at: Millis) {
    if !stands(state, over) {
        return;
    }
    let strikes = state.strikes.entry(over.clone()).or_default();
    strikes.at.retain(|then| at.saturating_sub(*then) < STRIKES_WITHIN_MS);
    strikes.at.push_back(at);
    if strikes.at.len() > STRIKES_MAX {
        strikes.at.pop_front();
    }
    robot.clone_into(&mut strikes.robot);
    doing.clone_into(&mut strikes.doing);
}

/// Sets something aside: from here on it wants nothing.
pub(super) fn set_aside(state: &mut State, over: &Culprit, robot: &str, at: Millis) {
    if stands(state, over) {
        let strikes = state.strikes.entry(over.clone()).or_default();
        robot.clone_into(&mut strikes.robot);
        strikes.aside.get_or_insert(at);
    }
}

/// Lets it be tried again, with no strike against it.
pub(super) fn free(state: &mut State, over: &Culprit, out: &mut Vec<Effect>) {
    let freed = state.strikes.remove(over);
    if freed.is_none_or(|strikes| strikes.aside.is_none()) {
        return;
    }
    if let Culprit::Instance(number) = over
        && state.overtaken.contains_key(number)
    {
        out.push(Effect::Overtake(*number));
    }
    match over {
        Culprit::Instance(number) if state.running.contains_key(number) => out.push(Effect::Drive(*number)),
        Culprit::Request(id) if state.open.contains_key(id) && !state.waiting.contains_key(id) => {
            out.push(Effect::Compile(*id));
        }
        Culprit::Instance(_) | Culprit::Request(_) | Culprit::Read { .. } | Culprit::System(_) => {}
    }
}

/// Whether there is still anything to set aside.
fn stands(state: &State, over: &Culprit) -> bool {
    match over {
        Culprit::Instance(number) => state.running.contains_key(number) || state.shelved.contains_key(number),
        Culprit::Request(id) => state.open.contains_key(id),
        Culprit::Read { .. } | Culprit::System(_) => true,
    }
}

/// What follows from the strikes: the first culprit that has enough and is not set aside yet.
pub(super) fn decide(state: &State) -> Option<Entry> {
    let enough = |strikes: &Strikes| strikes.aside.is_none() && strikes.at.len() >= STRIKES_MAX;
    let (over, strikes) = state.strikes.iter().find(|(_, strikes)| enough(strikes))?;
    let at = strikes.at.back().copied().unwrap_or_default();
    let what = What::Poisoned { robot: strikes.robot.clone(), message: over.to_string() };
    Some(Entry::Tenant(Box::new(Happened { at, what })))
}

impl State {
    /// Whether something is set aside.
    pub fn is_aside(&self, over: &Culprit) -> bool {
        self.strikes.get(over).is_some_and(|strikes| strikes.aside.is_some())
    }

    /// How often something made an actor panic lately.
    pub fn strikes_of(&self, over: &Culprit) -> usize {
        self.strikes.get(over).map_or(0, |strikes| strikes.at.len())
    }

    /// What is set aside.
    pub fn aside(&self) -> impl Iterator<Item = (&Culprit, &Strikes)> {
        self.strikes.iter().filter(|(_, strikes)| strikes.aside.is_some())
    }
}
