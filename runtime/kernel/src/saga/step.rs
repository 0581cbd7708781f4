//! What an event does to an instance.
//!
//! Each arm answers one event; every stage that does not wait for it refuses it, and a refused event has changed nothing. What an
//! answer means for its step stands in `call.rs` (calls) and `sight.rs` (lookups).

use crate::awf::Contract;
use crate::declare::OnReject;
use crate::gate::{self, Verdict};
use crate::id::{Direction, StepId};
use crate::plan::Step;
use crate::port::Phase;
use crate::record::Millis;
use crate::saga::event::{Event, Release, Stamped, Undoing};
use crate::saga::state::{Course, Goal, Run, Stage, State, Then};
use crate::saga::{Refused, Saga};

/// Applies one event.
pub(super) fn apply(saga: &Saga, state: &mut State, stamped: &Stamped) -> Result<(), Refused> {
    // A clock that went back must not make a window look passed.
    let at = stamped.at.max(state.at);
    let at_step = |state, step: &StepId| AtStep::new(saga, state, *step, at);
    match &stamped.event {
        Event::Started => {}
        Event::Resumed { epoch } => resume(saga, state, *epoch, at)?,
        Event::Turned { why, .. } => {
            leave(saga, state, "turned", Course::Back { why: why.to_owned() }, at)?;
        }
        Event::Overtaken { by } => leave(saga, state, "overtaken", Course::Yielding { to: *by }, at)?,
        Event::Ended { end } => {
            unless_ended(state, "ended")?;
            drop_unsent(state);
            state.course = Course::Ended(*end);
        }
        Event::Judged { step, dir, attempt, sheet, verdict } => {
            let mut at_step = at_step(state, step)?;
            at_step.awaits(stamped, *attempt, |stage| stage == Stage::Confirming)?;
            if gate::judge(*dir, sheet) != *verdict || at_step.run().direction != *dir {
                return Err(Refused::Misjudged(*step));
            }
            at_step.judged(verdict);
        }
        Event::Sighted { step, attempt, phase, sighting } => {
            let mut at_step = at_step(state, step)?;
            at_step.awaits(stamped, *attempt, |stage| stage == Stage::Looking(*phase))?;
            at_step.sighted(*phase, sighting);
        }
        Event::Missed { step, attempt, phase, outcome } => {
            let mut at_step = at_step(state, step)?;
            at_step.awaits(stamped, *attempt, |stage| stage == Stage::Looking(*phase))?;
            at_step.missed(*phase, outcome);
        }
        Event::Found { step } => {
            let mut at_step = at_step(state, step)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready)?;
            at_step.adopted();
        }
        Event::Intended { step, dir, attempt, generation, .. } => {
            let mut at_step = at_step(state, step)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready || stage == Stage::Unknown)?;
            at_step.intended(*dir, *attempt, *generation)?;
        }
        Event::Unrendered { step, why } => {
            let mut at_step = at_step(state, step)?;
            at_step.expect(stamped, |stage| stage == Stage::Ready || stage == Stage::Unknown)?;
            at_step.reject(why);
        }
        Event::Answered { step, attempt, outcome } => {
            let mut at_step = at_step(state, step)?;
            at_step.awaits(stamped, *attempt, |stage| stage == Stage::Calling)?;
            at_step.answered(outcome);
        }
        Event::Woke { step, attempt } => {
            let mut at_step = at_step(state, step)?;
            at_step.awaits(stamped, *attempt, |stage| matches!(stage, Stage::Resting { .. }))?;
            at_step.woke();
        }
        Event::Undone { step, how } => {
            let mut at_step = at_step(state, step)?;
            at_step.expect(stamped, |stage| stage == Stage::Done)?;
            at_step.run().stage = if *how == Undoing::Nothing { Stage::Undone } else { Stage::Kept };
        }
        Event::Released { step, how, .. } => {
            let mut at_step = at_step(state, step)?;
            at_step.expect(stamped, |stage| matches!(stage, Stage::Parked | Stage::Stuck))?;
            at_step.released(*how);
        }
    }
    Ok(())
}

fn unless_ended(state: &State, event: &'static str) -> Result<(), Refused> {
    match state.course {
        Course::Ended(_) => Err(Refused::Unexpected { event, stage: "any", course: state.course.word() }),
        Course::Forward | Course::Back { .. } | Course::Yielding { .. } => Ok(()),
    }
}

/// Starts what may start now, and says which steps that are: forward those whose predecessors are done, as many at once as
/// the plan allows; backward the last one that is still done.
pub(super) fn advance(saga: &Saga, state: &mut State) -> Vec<usize> {
    let mut started = Vec::new();
    match &state.course {
        Course::Ended(_) | Course::Yielding { .. } => {}
        Course::Forward => {
            let mut busy = 0;
            for run in &state.steps {
                match run.stage {
                    Stage::Failed => return started,
                    other => busy += usize::from(other.is_busy()),
                }
            }
            for (slot, step) in saga.plan.steps.iter().enumerate() {
                if busy >= usize::from(saga.plan.width.max(1)) {
                    break;
                }
                let free = || step.after.iter().all(|before| stage_of(state, *before) == Some(Stage::Done));
                if state.steps[slot].stage == Stage::Waiting && free() {
                    start(&mut state.steps[slot], Direction::Forward, state.at);
                    started.push(slot);
                    busy += 1;
                }
            }
        }
        Course::Back { .. } => {
            let at_rest =
                |run: &Run| !run.stage.is_busy() && !matches!(run.stage, Stage::Stuck | Stage::Parked);
            if state.steps.iter().all(at_rest)
                && let Some(slot) = state.steps.iter().rposition(|run| run.stage == Stage::Done)
                && state.steps[slot].ours
                && Saga::function(&saga.plan.steps[slot], Direction::Backward).is_some()
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
    // A call that may still land would do again what is about to be undone.
    let lands = std::mem::take(&mut run.loose);
    run.stage = if direction == Direction::Backward && lands > at {
        Stage::Resting { until: lands, then: Then::Confirm }
    } else {
        Stage::Confirming
    };
    run.calls = 0;
    run.attempt += 1;
    run.generation = 1;
    run.tries = 0;
    run.misses = 0;
    run.agreeing = 0;
    run.passed = false;
    run.ambiguous = false;
    run.acked = false;
    run.refusal = None;
    run.why = None;
    run.marked = false;
    run.goal = Goal::NotLooked;
    run.since = at;
}

/// What was sent and not answered when the process ended is unknown.
fn resume(saga: &Saga, state: &mut State, epoch: u32, at: Millis) -> Result<(), Refused> {
    unless_ended(state, "resumed")?;
    state.epoch = epoch;
    for slot in 0..state.steps.len() {
        if state.steps[slot].stage == Stage::Calling
            && let Some(step) = saga.plan.steps.get(slot)
            && let Ok(mut at_step) = AtStep::new(saga, state, step.id, at)
        {
            at_step.interrupted();
        }
    }
    Ok(())
}

/// Whether a step is under way and nothing that it sent can still take effect.
fn unsent(run: &Run) -> bool {
    let before_the_call = matches!(
        run.stage,
        Stage::Confirming
            | Stage::Looking(Phase::Snapshot)
            | Stage::Ready
            | Stage::Parked
            | Stage::Resting { then: Then::Confirm | Then::Look(Phase::Snapshot), .. }
    );
    before_the_call && !run.ambiguous && !run.acked && run.direction == Direction::Forward
}

fn drop_unsent(state: &mut State) {
    for run in state.steps.iter_mut().filter(|run| unsent(run)) {
        run.stage = Stage::Waiting;
        run.passed = false;
    }
}

/// Leaves the way forward: what has not been sent is not sent any more, and what may still take effect is looked after first.
fn leave(
    saga: &Saga,
    state: &mut State,
    event: &'static str,
    course: Course,
    at: Millis,
) -> Result<(), Refused> {
    if state.course != Course::Forward {
        let course = state.course.word();
        return Err(Refused::Unexpected { event, stage: "any", course });
    }
    state.course = course;
    drop_unsent(state);
    for step in &saga.plan.steps {
        let mut at_step = AtStep::new(saga, state, step.id, at)?;
        let run = at_step.run();
        let between_calls = matches!(
            run.stage,
            Stage::Confirming
                | Stage::Looking(Phase::Snapshot)
                | Stage::Ready
                | Stage::Resting { then: Then::Confirm | Then::Look(Phase::Snapshot), .. }
        );
        if between_calls && run.direction == Direction::Forward {
            at_step.find_out("an earlier call may have taken effect");
        }
    }
    Ok(())
}

/// One step of an instance at the time of an event.
pub(super) struct AtStep<'a> {
    pub(super) saga: &'a Saga,
    pub(super) step: &'a Step,
    pub(super) state: &'a mut State,
    pub(super) contract: Option<&'a Contract>,
    pub(super) at: Millis,
}

impl<'a> AtStep<'a> {
    fn new(saga: &'a Saga, state: &'a mut State, id: StepId, at: Millis) -> Result<Self, Refused> {
        let step = saga.plan.step(id).ok_or(Refused::NoStep(id))?;
        let run = state.steps.get(usize::from(id.0)).ok_or(Refused::NoStep(id))?;
        let contract = saga.contract(step, run.direction);
        Ok(Self { saga, step, state, contract, at })
    }

    pub(super) fn run(&mut self) -> &mut Run {
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

    /// Whether the step is at `stage` and waits for this answer, not for a later one.
    fn awaits(
        &mut self,
        stamped: &Stamped,
        given: u32,
        stage: impl Fn(Stage) -> bool,
    ) -> Result<(), Refused> {
        self.expect(stamped, stage)?;
        let (step, current) = (self.step.id, self.run().attempt);
        if current == given { Ok(()) } else { Err(Refused::Stale { step, current, given }) }
    }

    /// Whether the instance goes forward no more while this step still does: it is only to be found out, not to be achieved.
    pub(super) fn turned(&mut self) -> bool {
        let left = matches!(self.state.course, Course::Back { .. } | Course::Yielding { .. });
        left && self.run().direction == Direction::Forward
    }

    fn judged(&mut self, verdict: &Verdict) {
        let (at, bounds) = (self.at, self.saga.shared.bounds);
        match verdict {
            Verdict::Go => {
                self.run().passed = true;
                match self.contract.map(|contract| contract.snapshot) {
                    None => self.reject("its manifest is not loaded"),
                    Some(true) => self.look(Phase::Snapshot),
                    Some(false) => self.run().stage = Stage::Ready,
                }
            }
            Verdict::Wait { why, .. } if at.saturating_sub(self.run().since) > bounds.gate_wait_ms_max => {
                self.park(&format!("it waited too long at the gate: {why}"));
            }
            Verdict::Wait { until, .. } => {
                let wait_ms = until.map_or(bounds.gate_poll_ms, |until| until.saturating_sub(at));
                self.rest(wait_ms.min(bounds.gate_wait_ms_max), Then::Confirm);
            }
            Verdict::NoGo { why } => self.reject(why),
        }
    }

    fn woke(&mut self) {
        let at = self.at;
        let Stage::Resting { then, .. } = self.run().stage else { return };
        self.run().asked = at;
        match then {
            Then::Confirm => self.run().stage = Stage::Confirming,
            Then::Look(phase) => self.run().stage = Stage::Looking(phase),
            // However long the rest really was: past the key's lifetime the same call would be another call.
            Then::Resend if self.may_resend() => self.run().stage = Stage::Unknown,
            Then::Resend => {
                self.park("it may have taken effect and must not be sent again: its key has expired");
            }
        }
    }

    fn released(&mut self, how: Release) {
        let at = self.at;
        let run = self.run();
        run.since = at;
        run.misses = 0;
        run.agreeing = 0;
        run.tries = 0;
        run.refusal = None;
        match how {
            Release::Retry => self.retried(),
            Release::Done => {
                if run.direction == Direction::Forward {
                    run.ours = false;
                    run.acted = at;
                }
                self.done();
            }
            Release::Failed if run.direction == Direction::Backward => run.stage = Stage::Kept,
            Release::Failed => {
                run.ambiguous = false;
                run.why = Some("a person decided that it failed".into());
                run.stage = Stage::Failed;
            }
        }
    }

    /// What was said yes to is read back, what may have taken effect is looked for; only what did not is done again.
    fn retried(&mut self) {
        let (looks, turned) = (self.looks(), self.turned());
        let run = self.run();
        if run.acked && looks {
            return self.look(Phase::Readback);
        }
        if run.ambiguous && looks {
            return self.look(Phase::Probe);
        }
        if run.ambiguous && self.may_resend() {
            self.run().why = None;
            return self.rest(0, Then::Resend);
        }
        let run = self.run();
        match (turned, run.ambiguous) {
            // Sending it once more on the way back helps nobody: it still waits for somebody who knows.
            (true, true) => {}
            (true, false) => {
                run.stage = Stage::Waiting;
                run.why = None;
            }
            (false, _) => {
                run.why = None;
                self.confirm();
            }
        }
    }

    /// Goes to the gate, now.
    pub(super) fn confirm(&mut self) {
        let at = self.at;
        let run = self.run();
        run.attempt += 1;
        run.since = at;
        run.passed = false;
        run.goal = Goal::NotLooked;
        run.stage = Stage::Confirming;
    }

    pub(super) fn look(&mut self, phase: Phase) {
        let at = self.at;
        let run = self.run();
        run.attempt += 1;
        run.agreeing = 0;
        run.misses = 0;
        run.asked = at;
        run.why = None;
        if phase == Phase::Readback {
            run.since = at;
        }
        run.stage = Stage::Looking(phase);
    }

    /// Rests for at least a millisecond. Who rests before the gate holds nothing that others wait for.
    pub(super) fn rest(&mut self, wait_ms: u64, then: Then) {
        let until = self.at.saturating_add(wait_ms.max(1));
        let run = self.run();
        run.attempt += 1;
        if then == Then::Confirm {
            run.passed = false;
            run.goal = Goal::NotLooked;
        }
        run.stage = Stage::Resting { until, then };
    }

    pub(super) fn done(&mut self) {
        let run = self.run();
        run.ambiguous = false;
        run.refusal = None;
        run.why = None;
        run.stage = if run.direction == Direction::Forward { Stage::Done } else { Stage::Undone };
    }

    /// A rejection of what provably took no effect: what it does is declared. A compensation has nobody to turn back to.
    pub(super) fn fail(&mut self, why: &str) {
        let pause = self.step.on_reject == OnReject::Pause && !self.turned();
        let run = self.run();
        run.why = Some(why.into());
        run.passed = false;
        run.stage = match run.direction {
            Direction::Backward => Stage::Stuck,
            Direction::Forward if pause => Stage::Parked,
            Direction::Forward => Stage::Failed,
        };
    }

    pub(super) fn park(&mut self, why: &str) {
        let run = self.run();
        run.why = Some(why.into());
        run.passed &= run.ambiguous || run.acked;
        run.stage = if run.direction == Direction::Backward { Stage::Stuck } else { Stage::Parked };
    }

    /// Exponential backoff with equal jitter (half fixed, half spread), the spread drawn from the instance's id, so that
    /// replay waits as long as the first run did. See Brooker, "Exponential Backoff And Jitter" (2015).
    pub(super) fn backoff(&mut self) -> u64 {
        let bounds = self.saga.shared.bounds;
        let instance = self.saga.instance;
        let run = self.run();
        let turn = run.tries.max(run.misses).max(run.agreeing).min(20);
        let full =
            bounds.backoff_ms.saturating_mul(1 << turn.saturating_sub(1)).min(bounds.backoff_ms_max).max(2);
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
