//! Admission: the one door before a system, made of its breaker, its budgets and its concurrency.
//!
//! Absent: the call, the clock, any queue: whoever must wait is told until when and why, and waits where its own bound is.
//! Invariants: every call that went is counted until [`Admission::finished`]; a call that is refused takes nothing, from no
//! budget; a transition of the breaker is handed out exactly once, to be journaled before the call goes.

use crate::platform::breaker::{Admit, Breaker, Event, Limits, Refused, State};
use crate::platform::bucket::{Mark, Urgency};
use crate::platform::budget::{Budget, Call, Left};
use serde::{Deserialize, Serialize};
use xops_kernel::machine::Machine;
use xops_kernel::port::{Outcome, Response};
use xops_kernel::record::Millis;

/// How soon to ask again when all places are taken, in milliseconds, unless a call finishes before.
const PLACE_MS: u64 = 250;

/// What stands before one system.
#[derive(Clone, Debug)]
pub struct Admission {
    breaker: Breaker,
    state: State,
    budgets: Vec<Budget>,
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
    /// A closed breaker, nothing under way. All `budgets` that cover a call hold at once; none means that only concurrency
    /// bounds.
    pub fn new(limits: Limits, budgets: Vec<Budget>, concurrency_max: u32, seed: [u8; 16]) -> Self {
        Self {
            breaker: Breaker::new(limits, seed),
            state: State::default(),
            budgets,
            concurrency_max: concurrency_max.max(1),
            under_way: 0,
        }
    }

    /// Applies a transition that the journal kept; for recovery, before anything goes.
    pub fn restore(&mut self, transition: &Event) -> Result<(), Refused> {
        self.breaker.step(&mut self.state, transition, &mut Vec::new())
    }

    /// Whoever made the calls that were under way is gone, and none of them will be reported finished.
    pub fn forget(&mut self) {
        self.under_way = 0;
        self.budgets.iter_mut().for_each(Budget::forget);
    }

    /// Whether `call` may go at `now`; if it may, it counts as gone.
    pub fn admit(&mut self, call: &Call, urgency: Urgency, now: Millis) -> Answer {
        let probe = match self.breaker.admits(&self.state, now) {
            Admit::No { until } => return Answer::Shut { until },
            Admit::Yes => false,
            Admit::Probe => true,
        };
        if self.under_way >= self.concurrency_max {
            return Answer::Wait { until: now.saturating_add(PLACE_MS), why: Why::Concurrency };
        }
        if let Err((until, why)) = self.ready(call, urgency, now) {
            return Answer::Wait { until, why };
        }
        let transition = probe.then_some(Event::ProbeStarted { at: now });
        if let Some(event) = &transition
            && self.restore(event).is_err()
        {
            return Answer::Shut { until: now.saturating_add(PLACE_MS) };
        }
        self.take(call, urgency, now);
        self.under_way += 1;
        Answer::Go { transition }
    }

    /// Whether one more request of a call that was admitted may go at `now`: a page, a link. It has its place already.
    pub fn again(&mut self, call: &Call, urgency: Urgency, now: Millis) -> Result<(), Millis> {
        let covering = self.budgets.iter_mut().filter(|budget| budget.covers(call));
        let refusals = covering.filter_map(|budget| budget.ready_again(urgency, now).err());
        if let Some(until) = refusals.max() {
            return Err(until);
        }
        for budget in self.budgets.iter_mut().filter(|budget| budget.covers(call)) {
            budget.take_again(urgency, now);
        }
        Ok(())
    }

    /// Whether a request of a read may go at `now`. It takes a place in its budgets and asks no breaker; [`Admission::paced`]
    /// ends it.
    pub fn pace(&mut self, call: &Call, urgency: Urgency, now: Millis) -> Result<(), Millis> {
        self.ready(call, urgency, now).map_err(|(until, _)| until)?;
        self.take(call, urgency, now);
        Ok(())
    }

    /// A paced request is over.
    pub fn paced(&mut self, call: &Call) {
        self.budgets.iter_mut().filter(|budget| budget.covers(call)).for_each(Budget::ended);
    }

    fn ready(&mut self, call: &Call, urgency: Urgency, now: Millis) -> Result<(), (Millis, Why)> {
        let covering = self.budgets.iter_mut().filter(|budget| budget.covers(call));
        let refusals: Vec<Option<Millis>> =
            covering.filter_map(|budget| budget.ready(urgency, now).err()).collect();
        if refusals.contains(&None) {
            return Err((now.saturating_add(PLACE_MS), Why::Concurrency));
        }
        refusals.into_iter().flatten().max().map_or(Ok(()), |until| Err((until, Why::Rate)))
    }

    fn take(&mut self, call: &Call, urgency: Urgency, now: Millis) {
        for budget in self.budgets.iter_mut().filter(|budget| budget.covers(call)) {
            budget.take(urgency, now);
        }
    }

    /// Takes in what a response says of the limits.
    pub fn heard(&mut self, call: &Call, response: &Response, now: Millis) {
        for budget in self.budgets.iter_mut().filter(|budget| budget.covers(call)) {
            budget.heard(response, now);
            if response.status == 429 {
                budget.refused(retry_after_ms(response), now);
            }
        }
    }

    /// Takes in how a call ended; the transition that follows, to be journaled.
    pub fn finished(&mut self, call: &Call, outcome: &Outcome, now: Millis) -> Option<Event> {
        self.under_way = self.under_way.saturating_sub(1);
        for budget in self.budgets.iter_mut().filter(|budget| budget.covers(call)) {
            budget.ended();
            if let Outcome::RateLimited { retry_after_ms } = outcome {
                budget.refused(*retry_after_ms, now);
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

    /// What is to be remembered of the budgets before the next call goes, by the name of the limit; nothing where what was
    /// remembered last still holds.
    pub fn to_remember(&mut self, now: Millis) -> Option<Vec<(String, Mark)>> {
        // Every one is asked: each keeps what it was told.
        let changed =
            self.budgets.iter_mut().filter_map(|budget| budget.to_remember(now).then_some(())).count();
        let marks =
            || self.budgets.iter().filter_map(|budget| Some((budget.name().to_owned(), budget.marked()?)));
        (changed > 0).then(|| marks().collect())
    }

    /// What is left of each budget.
    pub fn left(&mut self, now: Millis) -> Vec<Left> {
        self.budgets.iter_mut().map(|budget| budget.left(now)).collect()
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

/// The seconds of `retry-after`; a date there is left to whoever has a clock.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let header = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    header
        .and_then(|(_, value)| value.trim().parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::port::Limit;
    use xops_kernel::value::Values;

    fn limit(calls: u32, reserve_percent: u8, methods: &[&str]) -> Limit {
        Limit {
            name: "all".to_owned(),
            paths: Vec::new(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            calls,
            per_ms: 1_000,
            reserve_percent,
            concurrency: None,
            remaining: None,
            reset: None,
        }
    }

    fn budget(calls: u32, reserve_percent: u8, methods: &[&str]) -> Budget {
        Budget::new(limit(calls, reserve_percent, methods), 0, false)
    }

    fn admission(concurrency: u32) -> Admission {
        Admission::new(Limits::default(), vec![budget(4, 25, &[])], concurrency, [7; 16])
    }

    fn call() -> Call {
        Call { method: "GET".to_owned(), path: "/users".to_owned() }
    }

    fn go(admission: &mut Admission, now: Millis) {
        let answer = admission.admit(&call(), Urgency::Ordinary, now);
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
        let answer = admission.admit(&call(), Urgency::Urgent, 0);
        assert_eq!(answer, Answer::Wait { until: PLACE_MS, why: Why::Concurrency });
        assert_eq!(admission.finished(&call(), &ok(), 1), None);
        go(&mut admission, 1);
    }

    #[test]
    fn a_call_that_waits_for_one_bucket_takes_nothing_from_another() {
        let budgets = vec![budget(4, 25, &[]), budget(1, 0, &["GET"])];
        let mut admission = Admission::new(Limits::default(), budgets, 9, [7; 16]);
        go(&mut admission, 0);
        for _ in 0..5 {
            assert_eq!(
                admission.admit(&call(), Urgency::Urgent, 0),
                Answer::Wait { until: 1_000, why: Why::Rate }
            );
        }
        assert_eq!(admission.left(0).iter().map(|left| left.left).collect::<Vec<_>>(), [3, 0]);
        let other = Call { method: "POST".to_owned(), path: "/users".to_owned() };
        assert_eq!(admission.admit(&other, Urgency::Ordinary, 0), Answer::Go { transition: None });
    }

    #[test]
    fn every_page_of_a_listing_is_counted_and_a_page_that_is_refused_shuts_the_budget() {
        let mut admission = admission(9);
        for _ in 0..3 {
            assert_eq!(admission.pace(&call(), Urgency::Ordinary, 0), Ok(()));
            admission.paced(&call());
        }
        assert_eq!(admission.pace(&call(), Urgency::Ordinary, 0), Err(250), "the reserve is not for it");
        assert_eq!(admission.pace(&call(), Urgency::Urgent, 0), Ok(()));
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        admission.heard(&call(), &Response { status: 429, headers, body: Vec::new() }, 0);
        assert_eq!(admission.pace(&call(), Urgency::Urgent, 6_999), Err(7_000));
    }

    #[test]
    fn a_lookup_never_waits_for_its_own_place() {
        let one = Budget::new(Limit { concurrency: Some(1), ..limit(4, 0, &[]) }, 0, false);
        let mut admission = Admission::new(Limits::default(), vec![one], 9, [7; 16]);
        go(&mut admission, 0);
        assert_eq!(admission.pace(&call(), Urgency::Urgent, 0), Err(PLACE_MS), "the place is taken");
        assert_eq!(admission.again(&call(), Urgency::Ordinary, 0), Ok(()), "by this very call");
        assert_eq!(admission.finished(&call(), &ok(), 1), None);
        assert_eq!(admission.pace(&call(), Urgency::Urgent, 1), Ok(()));
    }

    #[test]
    fn a_refusal_for_the_rate_makes_all_wait_and_does_not_open_the_breaker() {
        let mut admission = admission(100);
        for second in 0..20 {
            let now = second * 10_000;
            go(&mut admission, now);
            let refused = Outcome::RateLimited { retry_after_ms: Some(9_000) };
            assert_eq!(admission.finished(&call(), &refused, now), None);
            assert_eq!(
                admission.admit(&call(), Urgency::Urgent, now),
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
            journal.extend(admission.finished(&call(), &down, second * 1_000));
        }
        let Answer::Shut { until } = admission.admit(&call(), Urgency::Urgent, 4_001) else {
            panic!("it is down")
        };
        let probe = admission.admit(&call(), Urgency::Ordinary, until);
        assert_eq!(probe, Answer::Go { transition: Some(Event::ProbeStarted { at: until }) });
        journal.push(Event::ProbeStarted { at: until });
        assert!(matches!(admission.admit(&call(), Urgency::Urgent, until), Answer::Shut { .. }));
        journal.extend(admission.finished(&call(), &ok(), until + 1));
        assert_eq!(journal.len(), 3, "{journal:?}");
        go(&mut admission, until + 1);

        let mut recovered = self::admission(9);
        for event in &journal {
            recovered.restore(event).unwrap();
        }
        assert_eq!(recovered.breaker().word(), "closed");
    }
}
