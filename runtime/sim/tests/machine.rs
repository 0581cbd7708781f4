//! The machine alone, event by event: what a played shell cannot bring about, or only by rare timing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::awf::{AwfName, Undo};
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::gate::{Sheet, Verdict};
use xops_kernel::id::{Direction, InstanceId, StepId};
use xops_kernel::machine::Machine;
use xops_kernel::port::{Outcome, Phase, Sighting};
use xops_kernel::saga::event::{Effect, Event, Release, Stamped, Undoing};
use xops_kernel::saga::state::{Stage, State};
use xops_kernel::saga::{Bounds, Refused, Saga, Shared};
use xops_kernel::trace::{Detail, tell};
use xops_kernel::value::{Value, Values};
use xops_sim::model::{Model, TIMEOUT_MS};
use xops_sim::plans::{KEY, line, plan};

const STEP: StepId = StepId(0);

/// A saga of one AWF after another, fed by hand.
struct Hand {
    saga: Saga,
    state: State,
    log: Vec<Stamped>,
    now: u64,
}

impl Hand {
    fn of(awfs: &[&str]) -> Self {
        Self::with(awfs, Model::default(), |_| {})
    }

    fn with(awfs: &[&str], model: Model, change: impl FnOnce(&mut xops_kernel::plan::Plan)) -> Self {
        let mut plan = Arc::unwrap_or_clone(plan("p", 1, &line(awfs)).plan);
        change(&mut plan);
        let shared = Shared {
            tenant: "sim".into(),
            connector: Arc::new(model),
            systems: BTreeMap::new(),
            key: KEY,
            bounds: Bounds::default(),
        };
        let saga = Saga { instance: InstanceId([1; 16]), plan: Arc::new(plan), shared: Arc::new(shared) };
        let state = saga.fresh();
        let mut hand = Self { saga, state, log: Vec::new(), now: 1_000_000_000 };
        hand.feed(Event::Started).expect("the state waits for it");
        hand
    }

    fn feed(&mut self, event: Event) -> Result<(), Refused> {
        let mut next = Some(Stamped { at: self.now, event });
        while let Some(stamped) = next {
            self.saga.step(&mut self.state, &stamped, &mut Vec::new())?;
            self.log.push(stamped);
            next = self.saga.decide(&self.state);
        }
        Ok(())
    }

    fn wanted(&self) -> BTreeSet<Effect> {
        self.saga.wanted(&self.state)
    }

    fn attempt(&self, step: StepId) -> u32 {
        self.state.steps[usize::from(step.0)].attempt
    }

    fn stage(&self, step: StepId) -> Stage {
        self.state.steps[usize::from(step.0)].stage
    }

    fn go(&mut self, step: StepId) {
        let dir = self.state.steps[usize::from(step.0)].direction;
        let attempt = self.attempt(step);
        self.feed(Event::Judged { step, dir, attempt, sheet: Sheet::default(), verdict: Verdict::Go })
            .expect("the state waits for it");
    }

    fn see(&mut self, step: StepId, phase: Phase, value: Option<&str>) {
        let seen = match value {
            Some(value) => Observation::Present(Value::from(value)),
            None => Observation::Absent(Proof::Implied { by: "the script".into() }),
        };
        let attempt = self.attempt(step);
        let sighting = Sighting { seen, outputs: Values::new(), marker: None };
        self.feed(Event::Sighted { step, attempt, phase, sighting }).expect("the state waits for it");
    }

    fn answer(&mut self, step: StepId, outcome: Outcome) {
        let attempt = self.attempt(step);
        self.feed(Event::Answered { step, attempt, outcome }).expect("the state waits for it");
    }

    fn wake(&mut self, step: StepId) {
        let Stage::Resting { until, .. } = self.stage(step) else {
            panic!("{:?} does not rest", self.stage(step))
        };
        self.now = self.now.max(until);
        self.feed(Event::Woke { step, attempt: self.attempt(step) }).expect("the state waits for it");
    }

    fn release(&mut self, step: StepId, how: Release) {
        self.feed(Event::Released { step, by: "someone".into(), how }).expect("the state waits for it");
    }

    fn told(&self) -> String {
        let lines: Vec<_> =
            tell(&self.saga, &self.log, Detail::Full).0.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

#[test]
fn a_lookup_that_was_asked_for_before_the_window_ended_does_not_end_it() {
    let mut hand = Hand::of(&["marked.create"]);
    hand.go(STEP);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    hand.see(STEP, Phase::Probe, None);
    hand.wake(STEP);
    let window_ms = 6_000;
    // This answer was long on its way: what it shows is older than the window's end.
    hand.now += TIMEOUT_MS + window_ms + 1;
    hand.see(STEP, Phase::Probe, None);
    assert!(matches!(hand.stage(STEP), Stage::Resting { .. }), "{}", hand.told());
    hand.wake(STEP);
    hand.see(STEP, Phase::Probe, None);
    assert_eq!(hand.stage(STEP), Stage::Confirming, "{}", hand.told());
}

#[test]
fn one_lookup_alone_does_not_say_that_what_was_done_needs_no_undoing() {
    let mut hand = Hand::of(&["put.create", "keyed.create"]);
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::Ok(Values::new()));
    while hand.stage(STEP) != Stage::Done {
        hand.see(STEP, Phase::Readback, Some("wanted-0"));
        if matches!(hand.stage(STEP), Stage::Resting { .. }) {
            hand.wake(STEP);
        }
    }
    hand.now += 3_600_000;
    hand.feed(Event::Turned { why: "a person asked".into(), by: Some("someone".into()) })
        .expect("the state waits for it");
    hand.go(STEP);
    // A replica that is behind by more than any window.
    hand.see(STEP, Phase::Snapshot, None);
    assert!(matches!(hand.stage(STEP), Stage::Resting { .. }), "{}", hand.told());
    hand.wake(STEP);
    hand.see(STEP, Phase::Snapshot, Some("wanted-0"));
    assert_eq!(hand.stage(STEP), Stage::Calling, "{}", hand.told());
}

#[test]
fn the_window_after_a_crash_begins_when_the_call_would_have_been_given_up() {
    let mut hand = Hand::of(&["marked.create"]);
    hand.go(STEP);
    let sent = hand.now;
    hand.feed(Event::Resumed { epoch: 1 }).expect("the state waits for it");
    while matches!(hand.stage(STEP), Stage::Looking(Phase::Probe)) {
        hand.see(STEP, Phase::Probe, None);
        if matches!(hand.stage(STEP), Stage::Resting { .. }) {
            hand.wake(STEP);
        }
    }
    assert!(hand.now >= sent + TIMEOUT_MS + 6_000, "{}", hand.told());
}

#[test]
fn a_clock_that_goes_back_does_not_make_a_reading_look_new() {
    let mut hand = Hand::of(&["marked.create", "blind.send"]);
    hand.go(STEP);
    let sent = hand.now;
    hand.now -= 3_600_000;
    hand.answer(STEP, Outcome::Ok(Values::new()));
    hand.now = sent + 10;
    hand.go(StepId(1));
    hand.answer(StepId(1), Outcome::Invalid("no".into()));
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    assert!(matches!(hand.stage(STEP), Stage::Resting { .. }), "{}", hand.told());
}

#[test]
fn what_an_unanswered_call_made_is_not_what_was_there_before() {
    let mut hand = Hand::of(&["unique.create"]);
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    hand.see(STEP, Phase::Probe, None);
    // The system lets a unique call be sent again at once; meanwhile the first one took effect.
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, Some("wanted-0"));
    assert_eq!((hand.stage(STEP), &hand.state.steps[0].was), (Stage::Done, &None), "{}", hand.told());
}

#[test]
fn a_call_that_is_about_to_be_sent_again_is_looked_for_instead_when_the_instance_turns() {
    let mut hand = Hand::of(&["unique.create"]);
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    hand.see(STEP, Phase::Probe, None);
    assert_eq!(hand.stage(STEP), Stage::Confirming);
    hand.feed(Event::Turned { why: "a person asked".into(), by: Some("someone".into()) })
        .expect("the state waits for it");
    assert_eq!(hand.stage(STEP), Stage::Looking(Phase::Probe), "{}", hand.told());
    while hand.state.word() != "undone" {
        match hand.stage(STEP) {
            Stage::Looking(Phase::Probe) => hand.see(STEP, Phase::Probe, None),
            _ => hand.wake(STEP),
        }
    }
    assert_eq!(hand.stage(STEP), Stage::Waiting, "{}", hand.told());
}

#[test]
fn a_hostile_wait_is_bounded() {
    let mut hand = Hand::of(&["blind.send"]);
    hand.go(STEP);
    hand.answer(STEP, Outcome::RateLimited { retry_after_ms: Some(u64::MAX) });
    let Stage::Resting { until, .. } = hand.stage(STEP) else { panic!("{}", hand.told()) };
    assert!(until <= hand.now + Bounds::default().gate_wait_ms_max);
    let mut hand = Hand::of(&["put.create"]);
    hand.go(STEP);
    let outcome = Outcome::RateLimited { retry_after_ms: Some(u64::MAX) };
    hand.feed(Event::Missed { step: STEP, attempt: hand.attempt(STEP), phase: Phase::Snapshot, outcome })
        .expect("the state waits for it");
    let Stage::Resting { until, .. } = hand.stage(STEP) else { panic!("{}", hand.told()) };
    assert!(until <= hand.now + Bounds::default().gate_wait_ms_max);
}

#[test]
fn what_cannot_be_undone_stays_and_the_way_back_ends() {
    let forever =
        |plan: &mut xops_kernel::plan::Plan| plan.steps[0].undo = Undo::Irreversible { forward: None };
    let mut hand = Hand::with(&["blind.grant", "blind.send"], Model::default(), forever);
    hand.go(STEP);
    hand.answer(STEP, Outcome::Ok(Values::new()));
    hand.go(StepId(1));
    hand.answer(StepId(1), Outcome::Invalid("no".into()));
    assert_eq!((hand.stage(STEP), hand.state.word()), (Stage::Kept, "undone"), "{}", hand.told());
    assert!(
        hand.log
            .iter()
            .any(|stamped| matches!(stamped.event, Event::Undone { how: Undoing::Irreversible, .. }))
    );
}

#[test]
fn who_says_try_again_of_a_call_that_was_answered_yes_does_not_send_it_again() {
    let mut hand = Hand::of(&["bare.create"]);
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::Ok(Values::new()));
    while !matches!(hand.stage(STEP), Stage::Parked) {
        hand.see(STEP, Phase::Readback, None);
        if matches!(hand.stage(STEP), Stage::Resting { .. }) {
            hand.wake(STEP);
        }
    }
    hand.release(STEP, Release::Retry);
    assert_eq!(hand.stage(STEP), Stage::Looking(Phase::Readback), "{}", hand.told());
}

#[test]
fn a_parked_step_that_sent_nothing_does_not_hold_up_the_way_back() {
    let mut hand = Hand::of(&["put.create", "put.create"]);
    hand.go(STEP);
    let outcome = Outcome::AuthExpired;
    hand.feed(Event::Missed { step: STEP, attempt: hand.attempt(STEP), phase: Phase::Snapshot, outcome })
        .expect("the state waits for it");
    assert_eq!(hand.stage(STEP), Stage::Parked);
    hand.feed(Event::Turned { why: "a person asked".into(), by: Some("someone".into()) })
        .expect("the state waits for it");
    assert_eq!(hand.state.word(), "undone", "{}", hand.told());
}

#[test]
fn a_parked_call_is_not_sent_on_the_way_back() {
    let mut hand = Hand::of(&["blind.grant"]);
    hand.go(STEP);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    hand.feed(Event::Turned { why: "a person asked".into(), by: Some("someone".into()) })
        .expect("the state waits for it");
    hand.release(STEP, Release::Retry);
    assert_eq!((hand.stage(STEP), hand.wanted().len()), (Stage::Parked, 0), "{}", hand.told());
    hand.release(STEP, Release::Failed);
    assert_eq!(hand.state.word(), "undone", "{}", hand.told());
}

#[test]
fn an_instance_that_is_over_refuses_every_event() {
    let mut hand = Hand::of(&["blind.send"]);
    hand.go(STEP);
    let attempt = hand.attempt(STEP);
    hand.answer(STEP, Outcome::Ok(Values::new()));
    assert_eq!(hand.state.word(), "completed");
    let late = [
        Event::Answered { step: STEP, attempt, outcome: Outcome::Ok(Values::new()) },
        Event::Resumed { epoch: 9 },
        Event::Turned { why: "late".into(), by: None },
        Event::Released { step: STEP, by: "someone".into(), how: Release::Retry },
        Event::Ended { end: xops_kernel::saga::event::End::Undone },
    ];
    for event in late {
        let before = hand.state.clone();
        assert!(matches!(hand.feed(event), Err(Refused::Unexpected { .. })), "{}", hand.told());
        assert_eq!(hand.state, before);
    }
}

#[test]
fn a_verdict_that_does_not_follow_from_its_sheet_is_refused() {
    let mut hand = Hand::of(&["blind.send"]);
    let sheet = Sheet { paused: Some("system sim".into()), ..Sheet::default() };
    let attempt = hand.attempt(STEP);
    let judged = Event::Judged { step: STEP, dir: Direction::Forward, attempt, sheet, verdict: Verdict::Go };
    assert_eq!(hand.feed(judged), Err(Refused::Misjudged(STEP)));
    let judged = Event::Judged {
        step: STEP,
        dir: Direction::Backward,
        attempt,
        sheet: Sheet::default(),
        verdict: Verdict::Go,
    };
    assert_eq!(hand.feed(judged), Err(Refused::Misjudged(STEP)));
}

#[test]
fn a_rejection_whose_policy_is_to_replan_waits_for_what_was_sent() {
    let model = Model::default().changed(&AwfName::new("note", "post"), |contract| contract.tries_max = 1);
    let apart = |plan: &mut xops_kernel::plan::Plan| {
        plan.width = 2;
        plan.steps[1].after.clear();
        plan.steps[0].on_reject = xops_kernel::declare::OnReject::Replan;
    };
    let mut hand = Hand::with(&["blind.send", "note.post"], model, apart);
    hand.go(STEP);
    hand.go(StepId(1));
    hand.answer(STEP, Outcome::Invalid("no".into()));
    assert_eq!(hand.state.word(), "running", "{}", hand.told());
    hand.answer(StepId(1), Outcome::Ok(Values::new()));
    assert_eq!((hand.state.word(), hand.stage(StepId(1))), ("superseded", Stage::Done), "{}", hand.told());
}

#[test]
fn what_is_overtaken_ends_between_two_steps_and_keeps_what_it_did() {
    let overtaken = || Event::Overtaken { by: xops_kernel::id::RequestId([9; 16]) };
    // A step that waits at the gate, or for a person who was never needed, is not begun.
    let mut hand = Hand::of(&["note.post", "note.post"]);
    hand.go(STEP);
    hand.answer(STEP, Outcome::Ok(Values::new()));
    hand.feed(overtaken()).expect("the state waits for it");
    assert_eq!((hand.state.word(), hand.stage(StepId(1))), ("superseded", Stage::Waiting), "{}", hand.told());
    // A call under way is waited for, and nothing after it begins.
    let mut hand = Hand::of(&["note.post", "note.post"]);
    hand.go(STEP);
    hand.feed(overtaken()).expect("the state waits for it");
    assert_eq!(hand.state.word(), "yielding", "{}", hand.told());
    assert!(hand.feed(overtaken()).is_err(), "once is enough");
    hand.answer(STEP, Outcome::Ok(Values::new()));
    assert_eq!((hand.state.word(), hand.stage(STEP)), ("superseded", Stage::Done), "{}", hand.told());
    // What nobody can tell waits for somebody who can, and is not left behind.
    let mut hand = Hand::of(&["blind.send", "note.post"]);
    hand.go(STEP);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    assert_eq!(hand.stage(STEP), Stage::Parked);
    hand.feed(overtaken()).expect("the state waits for it");
    assert_eq!(hand.state.word(), "parked", "{}", hand.told());
    hand.release(STEP, Release::Done);
    assert_eq!((hand.state.word(), hand.stage(STEP)), ("superseded", Stage::Done), "{}", hand.told());
    // One that is on its way back goes on with it.
    let mut hand = Hand::of(&["note.post", "note.post"]);
    hand.go(STEP);
    hand.feed(Event::Turned { why: "a person asked".into(), by: None }).expect("the state waits for it");
    assert!(hand.feed(overtaken()).is_err(), "{}", hand.told());
}

#[test]
fn a_step_that_rests_before_the_gate_holds_no_lock() {
    let mut hand = Hand::of(&["set.add"]);
    let held = |hand: &Hand| hand.saga.holds(&hand.state).len();
    hand.go(STEP);
    assert_eq!(held(&hand), 1, "from its go");
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::RateLimited { retry_after_ms: None });
    // Another may take the lock now; if this one held it too, each would wait for the other.
    assert_eq!(held(&hand), 0, "{}", hand.told());
    hand.wake(STEP);
    hand.go(STEP);
    hand.see(STEP, Phase::Snapshot, None);
    hand.answer(STEP, Outcome::Unknown("lost".into()));
    assert_eq!(held(&hand), 1, "what may still take effect keeps its lock");
}
