//! The circuit breaker of one system.
//!
//! Absent: a clock, random numbers. Invariants: only transitions are journaled ([`Event::is_transition`]), and the fold of the
//! transitions alone gives the same gate as life did, counts inside a window aside; while it is open nothing passes; while it
//! is half open one probe passes, and another only after the first had its time.
//!
//! The shape is the usual one (Nygard, *Release It!*, 2007): closed, open, half open, with a failure share over a window and a
//! least number of calls, so that one lost call of two opens nothing.

use crate::retry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use xops_kernel::machine::Machine;
use xops_kernel::port::Outcome;
use xops_kernel::record::Millis;

/// The bounds of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Over how long calls are counted, in milliseconds.
    pub window_ms: u64,
    /// How many failures there must be in a window before it can open.
    pub failures_min: u32,
    /// Which share of the calls of a window must have failed, in thousandths.
    pub share_permille: u32,
    /// How long the first opening lasts, in milliseconds; it doubles with each probe that fails.
    pub open_ms: u64,
    /// How long it is open at most, in milliseconds.
    pub open_ms_max: u64,
    /// How long a probe may take before another one may go, in milliseconds.
    pub probe_ms: u64,
}

impl Default for Limits {
    /// Five seconds of sleep and half of the calls are the defaults of Hystrix, the most copied breaker; the window is longer
    /// than its ten seconds because a provisioning system sees few calls.
    fn default() -> Self {
        Self {
            window_ms: 30_000,
            failures_min: 5,
            share_permille: 500,
            open_ms: 5_000,
            open_ms_max: 300_000,
            probe_ms: 60_000,
        }
    }
}

/// What the breaker believes of its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Calls pass and are counted.
    Closed {
        /// When the window began; `None` before the first call.
        since: Option<Millis>,
        /// Calls that ended in the window.
        calls: u32,
        /// Calls that failed in the window.
        failures: u32,
        /// When the last call ended.
        at: Millis,
    },
    /// No call passes.
    Open {
        /// Until when.
        until: Millis,
        /// How often it has opened since it was last closed.
        trips: u32,
    },
    /// A probe is under way.
    HalfOpen {
        /// When it started.
        since: Millis,
        /// How often it has opened since it was last closed.
        trips: u32,
        /// How the probe ended, and when, until the decision that follows is written down.
        ended: Option<(bool, Millis)>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { since: None, calls: 0, failures: 0, at: 0 }
    }
}

impl State {
    /// One word for metrics and traces, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A call failed in a way that speaks against the system.
    Failed {
        /// When.
        at: Millis,
    },
    /// A call was answered.
    Succeeded {
        /// When.
        at: Millis,
    },
    /// The breaker opened.
    Opened {
        /// Until when.
        until: Millis,
        /// How often since it was last closed.
        trips: u32,
    },
    /// The one call that may try the system again started.
    ProbeStarted {
        /// When.
        at: Millis,
    },
    /// The breaker closed.
    Closed {
        /// When.
        at: Millis,
    },
}

impl Event {
    /// Whether it is journaled. Outcomes of calls stand in the journals of their instances already.
    pub fn is_transition(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Succeeded { .. } => false,
            Self::Opened { .. } | Self::ProbeStarted { .. } | Self::Closed { .. } => true,
        }
    }

    /// What the outcome of a call says of its system; `None` if it says nothing (a refusal is an answer, but whoever cannot
    /// authenticate or calls too often learns nothing about the system's health).
    pub fn of(outcome: &Outcome, at: Millis) -> Option<Self> {
        match outcome {
            Outcome::Transient(_) | Outcome::Unknown(_) => Some(Self::Failed { at }),
            Outcome::AuthExpired | Outcome::RateLimited { .. } => None,
            Outcome::Ok(_)
            | Outcome::AlreadyDone(_)
            | Outcome::Absent
            | Outcome::Conflict(_)
            | Outcome::PreconditionFailed(_)
            | Outcome::Forbidden(_)
            | Outcome::Invalid(_) => Some(Self::Succeeded { at }),
        }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Wake whoever waits: a probe may go at `at`.
    Wake {
        /// When.
        at: Millis,
        /// Which opening this is.
        attempt: u32,
    },
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A probe while the breaker is closed, or before its time.
    #[error("no probe is due while the breaker is {0}")]
    NoProbeDue(&'static str),
    /// An opening of an open breaker.
    #[error("the breaker is open already")]
    OpenAlready,
    /// A closing without a probe.
    #[error("the breaker is {0}: only a probe that was answered closes it")]
    NotProbed(&'static str),
}

/// Whether a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// It may.
    Yes,
    /// It may, as the probe: [`Event::ProbeStarted`] comes first.
    Probe,
    /// It may not before `until`.
    No {
        /// When to ask again.
        until: Millis,
    },
}

/// The breaker of one system of one tenant.
#[derive(Clone, Debug)]
pub struct Breaker {
    limits: Limits,
    seed: [u8; 16],
}

impl Breaker {
    /// A breaker with jitter of its own: `seed` comes from the names of tenant and system ([`retry::seed_of`]).
    pub fn new(limits: Limits, seed: [u8; 16]) -> Self {
        Self { limits, seed }
    }

    /// Whether a call may go at `now`.
    pub fn admits(&self, state: &State, now: Millis) -> Admit {
        match state {
            State::Closed { .. } => Admit::Yes,
            State::Open { until, .. } if now >= *until => Admit::Probe,
            State::Open { until, .. } => Admit::No { until: *until },
            State::HalfOpen { since, .. } => {
                let until = since.saturating_add(self.limits.probe_ms);
                if now >= until { Admit::Probe } else { Admit::No { until } }
            }
        }
    }

    /// How long the opening number `trips` lasts, in milliseconds: half of its bound and a share of the other half, so that
    /// it never shrinks to nothing.
    fn open_ms(&self, trips: u32) -> u64 {
        let bound = retry::bound_ms(trips, self.limits.open_ms, self.limits.open_ms_max);
        bound / 2 + retry::below(bound - bound / 2 + 1, trips, self.seed)
    }

    fn opened(&self, at: Millis, trips: u32) -> Event {
        Event::Opened { until: at.saturating_add(self.open_ms(trips)), trips }
    }

    fn count(&self, state: &mut State, event_at: Millis, failed: bool) {
        let State::Closed { since, calls, failures, at } = state else { return };
        *at = event_at.max(*at);
        if since.is_none_or(|since| at.saturating_sub(since) >= self.limits.window_ms) {
            (*since, *calls, *failures) = (Some(*at), 0, 0);
        }
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(failed));
    }

    fn call_ended(&self, state: &mut State, at: Millis, failed: bool) {
        match state {
            State::Closed { .. } => self.count(state, at, failed),
            // A call that was sent before the breaker opened says nothing new.
            State::Open { .. } => {}
            State::HalfOpen { ended, .. } => {
                ended.get_or_insert((!failed, at));
            }
        }
    }
}

impl Machine for Breaker {
    type State = State;
    type Event = Event;
    type Effect = Effect;
    type Refused = Refused;

    fn step(&self, state: &mut State, event: &Event, out: &mut Vec<Effect>) -> Result<(), Refused> {
        match (event, &mut *state) {
            (Event::Failed { at }, _) => self.call_ended(state, *at, true),
            (Event::Succeeded { at }, _) => self.call_ended(state, *at, false),
            (Event::Opened { until, trips }, State::Closed { .. } | State::HalfOpen { .. }) => {
                *state = State::Open { until: *until, trips: *trips };
                out.push(Effect::Wake { at: *until, attempt: *trips });
            }
            (Event::Opened { .. }, State::Open { .. }) => return Err(Refused::OpenAlready),
            (Event::ProbeStarted { at }, State::Open { .. } | State::HalfOpen { .. }) => {
                let trips = match (self.admits(state, *at), &*state) {
                    (Admit::Probe, State::Open { trips, .. } | State::HalfOpen { trips, .. }) => *trips,
                    _ => return Err(Refused::NoProbeDue(state.word())),
                };
                *state = State::HalfOpen { since: *at, trips, ended: None };
            }
            (Event::ProbeStarted { .. }, State::Closed { .. }) => {
                return Err(Refused::NoProbeDue(state.word()));
            }
            (Event::Closed { at }, State::HalfOpen { .. }) => {
                *state = State::Closed { since: None, calls: 0, failures: 0, at: *at };
            }
            (Event::Closed { .. }, State::Closed { .. } | State::Open { .. }) => {
                return Err(Refused::NotProbed(state.word()));
            }
        }
        Ok(())
    }

    /// The transition that the counted calls ask for. Replay, which sees transitions only, need not be asked.
    fn decide(&self, state: &State) -> Option<Event> {
        match state {
            State::Closed { calls, failures, at, .. } => {
                let share =
                    u64::from(*failures) * 1_000 >= u64::from(*calls) * u64::from(self.limits.share_permille);
                let open = *failures > 0 && *failures >= self.limits.failures_min && share;
                open.then(|| self.opened(*at, 1))
            }
            State::Open { .. } | State::HalfOpen { ended: None, .. } => None,
            State::HalfOpen { ended: Some((true, at)), .. } => Some(Event::Closed { at: *at }),
            State::HalfOpen { ended: Some((false, at)), trips, .. } => {
                Some(self.opened(*at, trips.saturating_add(1)))
            }
        }
    }

    fn wanted(&self, state: &State) -> BTreeSet<Effect> {
        match state {
            State::Open { until, trips } => BTreeSet::from([Effect::Wake { at: *until, attempt: *trips }]),
            State::Closed { .. } | State::HalfOpen { .. } => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaker() -> Breaker {
        Breaker::new(Limits::default(), retry::seed_of(&["acme", "okta"]))
    }

    fn feed(breaker: &Breaker, state: &mut State, event: &Event, journal: &mut Vec<Event>) {
        let mut next = Some(event.clone());
        while let Some(event) = next {
            let before = breaker.wanted(state);
            let mut out = Vec::new();
            let kept = state.clone();
            if breaker.step(state, &event, &mut out).is_err() {
                assert_eq!((&kept, out.len()), (&*state, 0), "a refusal changes nothing");
                return;
            }
            let gained: BTreeSet<Effect> = breaker.wanted(state).difference(&before).cloned().collect();
            assert_eq!(gained, out.into_iter().collect(), "{event:?}");
            journal.extend(event.is_transition().then_some(event));
            next = breaker.decide(state);
        }
    }

    /// A script of `f` (failed) and `s` (succeeded), one a second from second 1.
    fn check(script: &str, expect: &str) -> State {
        let (breaker, mut state, mut journal) = (breaker(), State::default(), Vec::new());
        for (second, word) in (1u64..).zip(script.chars()) {
            let at = second * 1_000;
            let event = if word == 'f' { Event::Failed { at } } else { Event::Succeeded { at } };
            feed(&breaker, &mut state, &event, &mut journal);
        }
        assert_eq!(state.word(), expect, "{script}");
        state
    }

    #[test]
    fn it_opens_when_half_of_the_calls_of_a_window_failed_and_these_are_enough() {
        check("ffff", "closed");
        check("fffff", "open");
        check("ssssssfffff", "closed");
        check("sssssfffff", "open");
    }

    #[test]
    fn failures_of_an_earlier_window_are_forgotten() {
        let (breaker, mut state, mut journal) = (breaker(), State::default(), Vec::new());
        for at in [0, 10_000, 20_000, 29_000, 30_000, 31_000] {
            feed(&breaker, &mut state, &Event::Failed { at }, &mut journal);
        }
        assert_eq!(state, State::Closed { since: Some(30_000), calls: 2, failures: 2, at: 31_000 });
    }

    #[test]
    fn while_open_nothing_passes_and_then_one_probe_decides() {
        let breaker = breaker();
        let mut state = check("fffff", "open");
        let State::Open { until, trips: 1 } = state else { panic!("{state:?}") };
        assert!((7_500..=10_000).contains(&until), "{until}");
        assert_eq!(breaker.admits(&state, until - 1), Admit::No { until });
        assert_eq!(breaker.admits(&state, until), Admit::Probe);
        let mut journal = Vec::new();
        feed(&breaker, &mut state, &Event::ProbeStarted { at: until }, &mut journal);
        assert_eq!(breaker.admits(&state, until + 1), Admit::No { until: until + 60_000 });
        let mut closed = state.clone();
        feed(&breaker, &mut closed, &Event::Succeeded { at: until + 5 }, &mut journal);
        assert_eq!(breaker.admits(&closed, until + 6), Admit::Yes);
        feed(&breaker, &mut state, &Event::Failed { at: until + 5 }, &mut journal);
        assert!(matches!(state, State::Open { trips: 2, .. }), "{state:?}");
    }

    #[test]
    fn a_probe_that_was_lost_does_not_shut_the_system_for_ever() {
        let state = State::HalfOpen { since: 100, trips: 1, ended: None };
        assert_eq!(breaker().admits(&state, 60_100), Admit::Probe);
    }

    #[test]
    fn it_is_open_at_most_as_long_as_declared() {
        let breaker = breaker();
        assert!((1..200).all(|trips| breaker.open_ms(trips) <= 300_000));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let at = 0u64..400_000;
        prop_oneof![
            6 => at.clone().prop_map(|at| Event::Failed { at }),
            3 => at.clone().prop_map(|at| Event::Succeeded { at }),
            2 => at.clone().prop_map(|at| Event::ProbeStarted { at }),
            1 => at.prop_map(|at| Event::Closed { at }),
        ]
    }

    proptest! {
        #[test]
        fn the_transitions_alone_give_the_same_gate(events in prop::collection::vec(any_event(), 0..80)) {
            let (breaker, mut state, mut journal) = (breaker(), State::default(), Vec::new());
            for event in &events {
                feed(&breaker, &mut state, event, &mut journal);
            }
            let mut replayed = State::default();
            for event in &journal {
                breaker.step(&mut replayed, event, &mut Vec::new()).unwrap();
            }
            for now in [0, 50_000, 100_000, 400_000, 900_000] {
                prop_assert_eq!(breaker.admits(&state, now), breaker.admits(&replayed, now));
            }
        }
    }
}
