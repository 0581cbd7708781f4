//! What an event does to an instance.
//!
//! Each function answers one event; every stage that does not wait for it refuses it. The stages are named in the matches:
//! a new one does not compile until each event has an answer.

use crate::awf::{Achieves, Ambiguity, Contract, Readback};
use crate::gate::{self, Verdict};
use crate::declare::OnReject;
use crate::fact::Observation;
use crate::id::{CallKey, Direction, StepId};
use crate::plan::Step;
use crate::port::{Outcome, Phase, Sighting};
use crate::record::Millis;
use crate::saga::event::{Event, Release, Stamped, Undoing};
use crate::saga::state::{Course, Goal, Run, Stage, State, Then};
use crate::saga::{Refused, Saga};
use crate::value::Value;

/// How a postcondition is looked at where the manifest declares no readback: once, as soon as the system shows it.
const GLANCE: Readback = Readback { within_ms: 60_000, settle: 1, every_ms: 1_000 };

/// Applies one event.
pub(super) fn apply(saga: &Saga, state: &mut State, stamped: &Stamped) -> Result<(), Refused> {
    let at = stamped.at;
    match &stamped.event {
        Event::Started => Ok(()),
        Event::Resumed { epoch } => {
            state.epoch = *epoch;
            resume(saga, state, at);
            Ok(())
        }
        Event::Turned { why, .. } => turn(state, why),
        Event::Ended { end } => {
            state.course = Course::Ended(*end);
            Ok(())
        }
        Event::Judged { step, dir, attempt, sheet, verdict } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Confirming)?;
            at_step.current(*attempt)?;
            if gate::judge(*dir, sheet) != *verdict || at_step.run().direction != *dir {
                return Err(Refused::Misjudged(*step));
            }
            at_step.judged(verdict);
            Ok(())
        }
        Event::Sighted { step, attempt, phase, sighting } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Looking(*phase))?;
            at_step.current(*attempt)?;
            at_step.sighted(*phase, sighting);
            Ok(())
        }
        Event::Missed { step, attempt, phase, outcome } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Looking(*phase))?;
            at_step.current(*attempt)?;
            at_step.missed(*phase, outcome);
            Ok(())
        }
        Event::Found { step } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready)?;
            at_step.run().ours = at_step.run().marked;
            at_step.done();
            Ok(())
        }
        Event::Intended { step, attempt, generation, .. } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready || stage == Stage::Unknown)?;
            at_step.intended(*attempt, *generation)
        }
        Event::Unrendered { step, why } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready || stage == Stage::Unknown)?;
            at_step.fail(why);
            Ok(())
        }
        Event::Answered { step, attempt, outcome } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Calling)?;
            at_step.current(*attempt)?;
            at_step.answered(outcome);
            Ok(())
        }
        Event::Woke { step, attempt } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| matches!(stage, Stage::Resting { .. }))?;
            at_step.current(*attempt)?;
            at_step.woke();
            Ok(())
        }
        Event::Undone { step, how } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| stage == Stage::Done)?;
            at_step.run().stage = if *how == Undoing::Nothing { Stage::Undone } else { Stage::Kept };
            Ok(())
        }
        Event::Released { step, how, .. } => {
            let mut at_step = AtStep::new(saga, state, *step, at)?;
            at_step.expect(stamped, |stage| matches!(stage, Stage::Parked | Stage::Stuck))?;
            at_step.released(*how);
            Ok(())
        }
    }
}

/// Starts what may start now, and says which steps that are: forward those whose predecessors are done, as many at once as
/// the plan allows; backward the last one that is still done.
pub(super) fn advance(saga: &Saga, state: &mut State) -> Vec<usize> {
    let mut started = Vec::new();
    match &state.course {
        Course::Ended(_) => {}
        Course::Forward => {
            let mut busy = 0;
            for run in &state.steps {
                match run.stage {
                    Stage::Failed => return started,
                    stage if stage.is_busy() => busy += 1,
                    _ => {}
                }
            }
            for (slot, step) in saga.plan.steps.iter().enumerate() {
                if busy >= usize::from(saga.plan.width) {
                    break;
                }
                let free = step.after.iter().all(|before| stage_of(state, *before) == Some(Stage::Done));
                if state.steps[slot].stage == Stage::Waiting && free {
                    start(&mut state.steps[slot], Direction::Forward, state.at);
                    started.push(slot);
                    busy += 1;
                }
            }
        }
        Course::Back { .. } => {
            let settled = |run: &Run| !run.stage.is_busy() && !matches!(run.stage, Stage::Stuck | Stage::Parked);
            if state.steps.iter().all(settled)
                && let Some(slot) = state.steps.iter().rposition(|run| run.stage == Stage::Done)
                && state.steps[slot].ours
                && saga.awf(&saga.plan.steps[slot], Direction::Backward).is_some()
            {
                start(&mut state.steps[slot], Direction::Backward, state.at);
                started.push(slot);
            }
        }
    }
    started
}

fn stage_of(state: &State, step: StepId) -> Option<Stage> {
    state.steps.get(usize::from(step.0)).map(|run| run.stage)
}

fn start(run: &mut Run, direction: Direction, at: Millis) {
    run.direction = direction;
    run.stage = Stage::Confirming;
    run.attempt += 1;
    run.generation = 1;
    run.tries = 0;
    run.misses = 0;
    run.agreeing = 0;
    run.passed = false;
    run.ambiguous = false;
    run.marked = false;
    run.goal = Goal::NotLooked;
    run.since = at;
}

/// What was sent and not answered when the process ended is unknown.
fn resume(saga: &Saga, state: &mut State, at: Millis) {
    for slot in 0..state.steps.len() {
        if state.steps[slot].stage == Stage::Calling
            && let Some(step) = saga.plan.steps.get(slot)
            && let Ok(mut at_step) = AtStep::new(saga, state, step.id, at)
        {
            at_step.lost("the process ended before the answer was written down");
        }
    }
}

/// Turns back: what has not been sent is not sent any more.
fn turn(state: &mut State, why: &str) -> Result<(), Refused> {
    if state.course != Course::Forward {
        let course = state.course.word();
        return Err(Refused::Unexpected { event: "turned", stage: "any", course });
    }
    state.course = Course::Back { why: why.to_owned() };
    for run in &mut state.steps {
        let unsent = matches!(
            run.stage,
            Stage::Confirming
                | Stage::Looking(Phase::Snapshot)
                | Stage::Ready
                | Stage::Resting { then: Then::Confirm | Then::Look(Phase::Snapshot), .. }
        );
        if unsent && !run.ambiguous {
            run.stage = Stage::Waiting;
        }
    }
    Ok(())
}

/// One step of an instance at the time of an event.
struct AtStep<'a> {
    saga: &'a Saga,
    step: &'a Step,
    state: &'a mut State,
    contract: Option<&'a Contract>,
    at: Millis,
}

impl<'a> AtStep<'a> {
    fn new(saga: &'a Saga, state: &'a mut State, id: StepId, at: Millis) -> Result<Self, Refused> {
        let step = saga.plan.step(id).ok_or(Refused::NoStep(id))?;
        let run = state.steps.get(usize::from(id.0)).ok_or(Refused::NoStep(id))?;
        let contract = saga.contract(step, run.direction);
        Ok(Self { saga, step, state, contract, at })
    }

    fn run(&mut self) -> &mut Run {
        &mut self.state.steps[usize::from(self.step.id.0)]
    }

    fn expect(&mut self, stamped: &Stamped, stage: impl Fn(Stage) -> bool) -> Result<(), Refused> {
        let ended = matches!(self.state.course, Course::Ended(_));
        if !ended && stage(self.run().stage) {
            return Ok(());
        }
        let (event, course) = (stamped.event.word(), self.state.course.word());
        Err(Refused::Unexpected { event, stage: self.run().stage.word(), course })
    }

    fn current(&mut self, given: u32) -> Result<(), Refused> {
        let (step, current) = (self.step.id, self.run().attempt);
        if current == given { Ok(()) } else { Err(Refused::Stale { step, current, given }) }
    }

    fn judged(&mut self, verdict: &Verdict) {
        let (at, bounds) = (self.at, self.saga.shared.bounds);
        match verdict {
            Verdict::Go => {
                self.run().passed = true;
                match self.contract.map(|contract| contract.snapshot) {
                    None => self.fail("its manifest is not loaded"),
                    Some(true) => self.look(Phase::Snapshot),
                    Some(false) => self.run().stage = Stage::Ready,
                }
            }
            Verdict::Wait { why, .. } if at.saturating_sub(self.run().since) > bounds.gate_wait_ms_max => {
                self.park(&format!("it waited too long at the gate: {why}"));
            }
            Verdict::Wait { until, .. } => {
                let until = until.unwrap_or(at + bounds.gate_poll_ms).clamp(at + 1, at + bounds.gate_wait_ms_max);
                self.rest(until, Then::Confirm);
            }
            Verdict::NoGo { why } => self.fail(why),
        }
    }

    /// Whether what was seen is what the AWF under way is to achieve.
    fn reached(&mut self, seen: &Observation<Value>) -> Option<bool> {
        match self.run().direction {
            Direction::Forward => match &self.step.change {
                Some(change) => change.achieved_by(seen),
                None => of_kind(self.contract.and_then(|contract| contract.achieves), seen, None),
            },
            Direction::Backward => {
                let kind = self.contract.and_then(|contract| contract.achieves);
                of_kind(kind, seen, self.step.change.as_ref().and_then(|change| change.from()))
            }
        }
    }

    fn sighted(&mut self, phase: Phase, sighting: &Sighting) {
        let Some(reached) = self.reached(&sighting.seen) else {
            let why = match &sighting.seen {
                Observation::Unknown(doubt) => doubt.to_string(),
                _ => "what was seen says nothing of the goal".to_owned(),
            };
            return self.missed(phase, &Outcome::Unknown(why));
        };
        let marked = self.is_ours(sighting.marker.as_deref());
        let run = self.run();
        run.misses = 0;
        run.marked = marked;
        run.goal = if reached { Goal::Reached } else { Goal::Missing };
        let forward = run.direction == Direction::Forward;
        if forward && (reached || phase != Phase::Snapshot) {
            run.outputs.extend(sighting.outputs.clone());
        }
        match phase {
            Phase::Snapshot | Phase::Do => {
                let kept = if forward { &mut run.before } else { &mut run.behind };
                kept.clone_from(&sighting.outputs);
                run.stage = Stage::Ready;
            }
            Phase::Probe => self.probed(reached),
            Phase::Readback => self.read_back(reached),
        }
    }

    fn is_ours(&mut self, marker: Option<&str>) -> bool {
        let (saga, step, direction) = (self.saga, self.step.id, self.run().direction);
        let key = |generation| CallKey::of(&saga.shared.tenant, saga.instance, step, direction, generation).to_string();
        marker.is_some_and(|marker| (1..=self.run().generation).any(|generation| marker.contains(&key(generation))))
    }

    fn probed(&mut self, reached: bool) {
        let at = self.at;
        if reached {
            // What carries no marker of ours may be another's doing: it is adopted, and never undone by itself.
            self.run().ours = self.run().marked;
            return self.done();
        }
        let (window_ms, agreeing, unique) = match self.contract.map(|contract| contract.ambiguity) {
            Some(Ambiguity::Probe { window_ms, agreeing, unique }) => (window_ms, agreeing, unique),
            _ => (0, 1, false),
        };
        let backoff = self.backoff();
        let run = self.run();
        run.agreeing += 1;
        let settled = at >= run.since.saturating_add(window_ms) && run.agreeing >= u32::from(agreeing.max(1));
        if unique || settled {
            return self.not_done("the call did not take effect");
        }
        let window_end = run.since.saturating_add(window_ms);
        let until = if run.agreeing >= u32::from(agreeing.max(1)) { window_end.max(at + 1) } else { at + backoff };
        self.rest(until, Then::Look(Phase::Probe));
    }

    fn read_back(&mut self, reached: bool) {
        let at = self.at;
        let readback = self.contract.and_then(|contract| contract.readback).unwrap_or(GLANCE);
        let run = self.run();
        if reached {
            run.agreeing += 1;
            run.ours |= run.marked;
            if run.agreeing >= u32::from(readback.settle.max(1)) {
                return self.done();
            }
        } else {
            run.agreeing = 0;
            if at > run.since.saturating_add(readback.within_ms) {
                let why = format!("the system said yes but did not show it within {} ms", readback.within_ms);
                return self.park(&why);
            }
        }
        self.rest(at + readback.every_ms.max(1), Then::Look(Phase::Readback));
    }

    fn missed(&mut self, phase: Phase, outcome: &Outcome) {
        let at = self.at;
        let retry_after = match outcome {
            Outcome::RateLimited { retry_after_ms } => *retry_after_ms,
            _ => None,
        };
        self.run().misses += 1;
        let why = format!("its {} failed: {}", phase.word(), told(outcome));
        let hopeless = matches!(outcome, Outcome::Forbidden(_) | Outcome::Invalid(_));
        let spent = self.run().misses > self.saga.shared.bounds.lookups_max;
        match phase {
            _ if matches!(outcome, Outcome::AuthExpired) => self.park(&why),
            // Before the call nothing has happened; after it somebody has to know.
            Phase::Snapshot | Phase::Do if hopeless || spent => self.fail(&why),
            Phase::Probe | Phase::Readback if hopeless || spent => self.park(&why),
            _ => {
                let until = at + self.backoff().max(retry_after.unwrap_or(0));
                self.rest(until, Then::Look(phase));
            }
        }
    }

    fn intended(&mut self, attempt: u32, generation: u32) -> Result<(), Refused> {
        let (step, at) = (self.step.id, self.at);
        let run = self.run();
        if attempt != run.attempt + 1 || generation != run.generation {
            return Err(Refused::Stale { step, current: run.attempt, given: attempt });
        }
        if run.stage == Stage::Ready {
            run.keyed = at;
        }
        run.attempt = attempt;
        run.tries += 1;
        run.since = at;
        run.stage = Stage::Calling;
        Ok(())
    }

    fn answered(&mut self, outcome: &Outcome) {
        let at = self.at;
        let kind = self.contract.and_then(|contract| contract.achieves);
        match outcome {
            Outcome::Ok(outputs) => {
                let run = self.run();
                run.outputs.extend(outputs.clone());
                run.ours = true;
                run.ambiguous = false;
                match self.contract.and_then(|contract| contract.readback) {
                    Some(_) => self.look(Phase::Readback),
                    None => self.done(),
                }
            }
            Outcome::AlreadyDone(outputs) => {
                let run = self.run();
                run.outputs.extend(outputs.clone());
                run.ours = false;
                // Whose doing it is, only the marker on the object can tell.
                let forward = run.direction == Direction::Forward;
                match self.contract.map(|contract| contract.snapshot) {
                    Some(true) if forward => self.look(Phase::Readback),
                    _ => self.done(),
                }
            }
            Outcome::Absent if kind == Some(Achieves::Remove) => self.done(),
            Outcome::Absent => self.fail("the object that it acts on is not there"),
            Outcome::RateLimited { retry_after_ms } => {
                let wait = retry_after_ms.unwrap_or(0);
                self.again(wait, "the system takes no more calls");
            }
            Outcome::Transient(why) => self.again(0, why),
            Outcome::PreconditionFailed(why) => self.again(0, why),
            Outcome::AuthExpired => {
                self.run().generation += 1;
                self.park("the credential is no longer good");
            }
            Outcome::Conflict(why) | Outcome::Forbidden(why) | Outcome::Invalid(why) => self.fail(why),
            Outcome::Unknown(why) => self.lost(why),
        }
        debug_assert!(self.run().stage != Stage::Calling, "an answer at {at} must end the call");
    }

    /// The call may have taken effect.
    fn lost(&mut self, why: &str) {
        let (at, backoff) = (self.at, self.backoff());
        let ambiguity = self.contract.map(|contract| (contract.ambiguity, contract.tries_max));
        let run = self.run();
        run.ambiguous = true;
        run.agreeing = 0;
        run.misses = 0;
        run.since = at;
        match ambiguity {
            Some((Ambiguity::Probe { .. }, _)) => self.look(Phase::Probe),
            Some((Ambiguity::Resend { lifetime_ms }, tries_max)) => {
                let alive = lifetime_ms.is_none_or(|lifetime| at.saturating_sub(run.keyed) < lifetime);
                if alive && run.tries < tries_max {
                    self.rest(at + backoff, Then::Resend);
                } else {
                    self.park(&format!("it may have taken effect and must not be sent again: {why}"));
                }
            }
            Some((Ambiguity::Park, _)) | None => self.park(&format!("it may have taken effect: {why}")),
        }
    }

    /// The call provably took no effect, and may be tried again.
    fn again(&mut self, wait_ms: u64, why: &str) {
        if self.may_try_again(why) {
            let until = self.at + self.backoff().max(wait_ms);
            self.rest(until, Then::Confirm);
        }
    }

    /// A probe proved that the call took no effect.
    fn not_done(&mut self, why: &str) {
        if self.may_try_again(why) {
            let at = self.at;
            let run = self.run();
            run.attempt += 1;
            run.since = at;
            run.stage = Stage::Confirming;
        }
    }

    /// Opens a new generation, unless the tries are spent or the instance has turned back meanwhile.
    fn may_try_again(&mut self, why: &str) -> bool {
        let tries_max = self.contract.map_or(1, |contract| contract.tries_max);
        let turned = matches!(self.state.course, Course::Back { .. });
        let run = self.run();
        run.generation += 1;
        run.ambiguous = false;
        run.agreeing = 0;
        if turned && run.direction == Direction::Forward {
            run.stage = Stage::Waiting;
            return false;
        }
        if run.tries >= tries_max {
            self.fail(&format!("{why} ({tries_max} tries)"));
            return false;
        }
        true
    }

    fn woke(&mut self) {
        let run = self.run();
        if let Stage::Resting { then, .. } = run.stage {
            run.stage = match then {
                Then::Confirm => Stage::Confirming,
                Then::Look(phase) => Stage::Looking(phase),
                Then::Resend => Stage::Unknown,
            };
        }
    }

    fn released(&mut self, how: Release) {
        let at = self.at;
        let looks = self.contract.is_some_and(|contract| contract.snapshot);
        let run = self.run();
        run.why = None;
        run.since = at;
        run.misses = 0;
        run.agreeing = 0;
        run.tries = 0;
        match how {
            Release::Retry if run.ambiguous && looks => self.look(Phase::Probe),
            Release::Retry => {
                run.attempt += 1;
                run.stage = Stage::Confirming;
            }
            Release::Done => {
                run.ours = false;
                self.done();
            }
            Release::Failed if run.direction == Direction::Backward => run.stage = Stage::Kept,
            Release::Failed => {
                run.why = Some("a person decided that it failed".into());
                run.stage = Stage::Failed;
            }
        }
    }

    fn look(&mut self, phase: Phase) {
        let at = self.at;
        let run = self.run();
        run.attempt += 1;
        run.agreeing = 0;
        run.misses = 0;
        if phase == Phase::Readback {
            run.since = at;
        }
        run.stage = Stage::Looking(phase);
    }

    fn rest(&mut self, until: Millis, then: Then) {
        let run = self.run();
        run.attempt += 1;
        run.stage = Stage::Resting { until, then };
    }

    fn done(&mut self) {
        let run = self.run();
        run.ambiguous = false;
        run.why = None;
        run.stage = if run.direction == Direction::Forward { Stage::Done } else { Stage::Undone };
    }

    /// A rejection: what it does is declared. A compensation has nobody to turn back to.
    fn fail(&mut self, why: &str) {
        let pause = self.step.on_reject == OnReject::Pause;
        let run = self.run();
        run.why = Some(why.into());
        run.stage = match run.direction {
            Direction::Backward => Stage::Stuck,
            Direction::Forward if pause => Stage::Parked,
            Direction::Forward => Stage::Failed,
        };
    }

    fn park(&mut self, why: &str) {
        let run = self.run();
        run.why = Some(why.into());
        run.stage = if run.direction == Direction::Backward { Stage::Stuck } else { Stage::Parked };
    }

    /// Exponential backoff with equal jitter (half fixed, half spread), the spread drawn from the instance's id, so that
    /// replay waits as long as the first run did. See Brooker, "Exponential Backoff And Jitter" (2015).
    fn backoff(&mut self) -> u64 {
        let bounds = self.saga.shared.bounds;
        let instance = self.saga.instance;
        let run = self.run();
        let turn = run.tries.max(run.misses).max(run.agreeing).min(20);
        let full = bounds.backoff_ms.saturating_mul(1 << turn.saturating_sub(1)).min(bounds.backoff_ms_max).max(2);
        let mut seed = [0_u8; 22];
        seed[..16].copy_from_slice(&instance.0);
        seed[16..18].copy_from_slice(&self.step.id.0.to_le_bytes());
        seed[18..].copy_from_slice(&self.run().attempt.to_le_bytes());
        let hash = blake3::hash(&seed);
        let mut spread = [0; 8];
        spread.copy_from_slice(&hash.as_bytes()[..8]);
        full / 2 + u64::from_le_bytes(spread) % (full / 2)
    }
}

fn of_kind(kind: Option<Achieves>, seen: &Observation<Value>, desired: Option<&Value>) -> Option<bool> {
    match (kind, seen) {
        (_, Observation::Unknown(_)) => None,
        (Some(Achieves::Remove), seen) => Some(matches!(seen, Observation::Absent(_))),
        (Some(Achieves::Create), Observation::Present(_)) => Some(true),
        (Some(Achieves::Update), Observation::Present(value)) => Some(desired.is_none_or(|desired| desired == value)),
        (Some(Achieves::Create | Achieves::Update), Observation::Absent(_)) => Some(false),
        // An AWF that achieves nothing shows by its lookup whether it took effect.
        (None, seen) => Some(matches!(seen, Observation::Present(_))),
    }
}

/// An outcome in one line, for reasons.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Conflict(why)
        | Outcome::PreconditionFailed(why)
        | Outcome::Transient(why)
        | Outcome::Forbidden(why)
        | Outcome::Invalid(why)
        | Outcome::Unknown(why) => why.clone(),
        other => other.word().replace('_', " "),
    }
}
