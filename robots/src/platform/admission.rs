//! Admission: the one door before a system, made of its breaker, its buckets and its concurrency.
//!
//! Absent: the call, the clock, any queue: whoever must wait is told until when and why, and waits where its own bound is.
//! Invariants: every call that went is counted until [`Admission::finished`]; a call that is refused takes nothing, from no
//! bucket; a transition of the breaker is handed out exactly once, to be journaled before the call goes.

use crate::platform::breaker::{Admit, Breaker, Event, Limits, Refused, State};
use crate::platform::bucket::{Bucket, Hint, Rate, Urgency};
use serde::{Deserialize, Serialize};
use xops_kernel::machine::Machine;
use xops_kernel::port::Outcome;
use xops_kernel::record::Millis;

/// How soon to ask again when all places are taken, in milliseconds, unless a call finishes before.
const PLACE_MS: u64 = 250;

/// What stands before one system.
#[derive(Clone, Debug)]
pub struct Admission {
    breaker: Breaker,
    state: State,
    buckets: Vec<Bucket>,
    concurrency_max: u32,
    under_way: u32,
}

/// The answer to a call that wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It goes. A transition comes first: it is journaled before the call is sent.
    Go {
        /// [`Event::ProbeStarted`], if this call is the probe.
        transition: Option<Event>,
    },
    /// It waits.
    Wait {
        /// When to ask again; a call that finishes may make it earlier.
        until: Millis,
        /// What for.
        why: Why,
    },
    /// The system is held to be down.
    Shut {
        /// When to ask again.
        until: Millis,
    },
}

/// What a call waits for: a closed set of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Why {
    /// As many calls as declared are under way.
    Concurrency,
    /// The system's rate is used up.
    Rate,
}

impl Why {
    /// One word for metrics and traces, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::Rate => "rate",
        }
    }
}

impl Admission {
    /// A closed breaker, full buckets, nothing under way. All `rates` hold at once; none means that only concurrency bounds.
    pub fn new(limits: Limits, rates: &[Rate], concurrency_max: u32, seed: [u8; 16], now: Millis) -> Self {
        Self {
            breaker: Breaker::new(limits, seed),
            state: State::default(),
            buckets: rates.iter().map(|rate| Bucket::new(*rate, now)).collect(),
            concurrency_max: concurrency_max.max(1),
            under_way: 0,
        }
    }

    /// Applies a transition that the journal kept; for recovery, before anything goes.
    pub fn restore(&mut self, transition: &Event) -> Result<(), Refused> {
        self.breaker.step(&mut self.state, transition, &mut Vec::new())
    }

    /// Whether a call may go at `now`; if it may, it counts as gone.
    pub fn admit(&mut self, urgency: Urgency, now: Millis) -> Answer {
        let probe = match self.breaker.admits(&self.state, now) {
            Admit::No { until } => return Answer::Shut { until },
            Admit::Yes => false,
            Admit::Probe => true,
        };
        if self.under_way >= self.concurrency_max {
            return Answer::Wait { until: now.saturating_add(PLACE_MS), why: Why::Concurrency };
        }
        let refusals = self.buckets.iter_mut().filter_map(|bucket| bucket.ready(urgency, now).err());
        if let Some(until) = refusals.max() {
            return Answer::Wait { until, why: Why::Rate };
        }
        let transition = probe.then_some(Event::ProbeStarted { at: now });
        if let Some(event) = &transition
            && self.restore(event).is_err()
        {
            return Answer::Shut { until: now.saturating_add(PLACE_MS) };
        }
        for bucket in &mut self.buckets {
            let taken = bucket.take(urgency, now);
            assert!(taken.is_ok(), "a bucket that was ready at one time is ready at that time");
        }
        self.under_way += 1;
        Answer::Go { transition }
    }

    /// Takes in how a call ended, with what the response said of the limits; the transition that follows, to be journaled.
    pub fn finished(&mut self, outcome: &Outcome, hint: Hint, now: Millis) -> Option<Event> {
        self.under_way = self.under_way.saturating_sub(1);
        for bucket in &mut self.buckets {
            bucket.learn(hint, now);
            if let Outcome::RateLimited { retry_after_ms } = outcome {
                bucket.refused(*retry_after_ms, now);
            }
        }
        let event = match (Event::of(outcome, now), &self.state) {
            // A probe that was told to slow down was answered.
            (None, State::HalfOpen { .. }) => Some(Event::Succeeded { at: now }),
            (event, _) => event,
        };
        self.restore(&event?).ok()?;
        let transition = self.breaker.decide(&self.state)?;
        self.restore(&transition).ok().map(|()| transition)
    }

    /// What the breaker believes.
    pub fn breaker(&self) -> &State {
        &self.state
    }

    /// How many calls are under way.
    pub fn under_way(&self) -> u32 {
        self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::value::Values;

    const RATE: Rate = Rate { calls: 4, per_ms: 1_000, reserve_permille: 250 };

    fn admission(concurrency: u32) -> Admission {
        Admission::new(Limits::default(), &[RATE], concurrency, [7; 16], 0)
    }

    fn go(admission: &mut Admission, now: Millis) {
        let answer = admission.admit(Urgency::Ordinary, now);
        assert_eq!(answer, Answer::Go { transition: None });
    }

    fn ok() -> Outcome {
        Outcome::Ok(Values::new())
    }

    #[test]
    fn no_more_calls_are_under_way_than_declared() {
        let mut admission = admission(2);
        go(&mut admission, 0);
        go(&mut admission, 0);
        let answer = admission.admit(Urgency::Urgent, 0);
        assert_eq!(answer, Answer::Wait { until: PLACE_MS, why: Why::Concurrency });
        assert_eq!(admission.finished(&ok(), Hint::default(), 1), None);
        go(&mut admission, 1);
    }

    #[test]
    fn a_call_that_waits_for_one_bucket_takes_nothing_from_another() {
        let narrow = Rate { calls: 1, per_ms: 1_000, reserve_permille: 0 };
        let mut admission = Admission::new(Limits::default(), &[RATE, narrow], 9, [7; 16], 0);
        go(&mut admission, 0);
        for _ in 0..5 {
            assert_eq!(admission.admit(Urgency::Urgent, 0), Answer::Wait { until: 1_000, why: Why::Rate });
        }
        assert_eq!(admission.buckets[0].left(), 3);
    }

    #[test]
    fn a_refusal_for_the_rate_makes_all_wait_and_does_not_open_the_breaker() {
        let mut admission = admission(100);
        for second in 0..20 {
            let now = second * 10_000;
            go(&mut admission, now);
            let refused = Outcome::RateLimited { retry_after_ms: Some(9_000) };
            assert_eq!(admission.finished(&refused, Hint::default(), now), None);
            assert_eq!(
                admission.admit(Urgency::Urgent, now),
                Answer::Wait { until: now + 9_000, why: Why::Rate }
            );
        }
        assert_eq!(admission.breaker().word(), "closed");
    }

    #[test]
    fn a_system_that_is_down_is_shut_then_probed_once_then_open_to_all() {
        let mut admission = admission(9);
        let mut journal = Vec::new();
        for second in 0..5 {
            go(&mut admission, second * 1_000);
            let down = Outcome::Transient("503".into());
            journal.extend(admission.finished(&down, Hint::default(), second * 1_000));
        }
        let Answer::Shut { until } = admission.admit(Urgency::Urgent, 4_001) else { panic!("it is down") };
        let probe = admission.admit(Urgency::Ordinary, until);
        assert_eq!(probe, Answer::Go { transition: Some(Event::ProbeStarted { at: until }) });
        journal.push(Event::ProbeStarted { at: until });
        assert!(matches!(admission.admit(Urgency::Urgent, until), Answer::Shut { .. }));
        journal.extend(admission.finished(&ok(), Hint::default(), until + 1));
        assert_eq!(journal.len(), 3, "{journal:?}");
        go(&mut admission, until + 1);

        let mut recovered = Admission::new(Limits::default(), &[RATE], 9, [7; 16], until);
        for event in &journal {
            recovered.restore(event).unwrap();
        }
        assert_eq!(recovered.breaker().word(), "closed");
    }
}
