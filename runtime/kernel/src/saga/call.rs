//! What the answer to a call, or its absence, means for its step.
//!
//! Invariants: a step fails only when nothing that it sent can still take effect; a generation of its key ends only with the
//! proof that the calls under it took none; a call is sent again only as its contract allows.

use crate::awf::{Achieves, Ambiguity};
use crate::id::Direction;
use crate::port::{Outcome, Phase};
use crate::saga::Refused;
use crate::saga::state::{Stage, Then};
use crate::saga::step::AtStep;

impl AtStep<'_> {
    pub(super) fn intended(&mut self, dir: Direction, attempt: u32, generation: u32) -> Result<(), Refused> {
        let (step, at) = (self.step.id, self.at);
        let run = self.run();
        if attempt != run.attempt + 1 || generation != run.generation || dir != run.direction {
            return Err(Refused::Stale { step, current: run.attempt, given: attempt });
        }
        if !run.ambiguous {
            run.keyed = at;
        }
        run.attempt = attempt;
        run.tries += 1;
        run.calls += 1;
        run.since = at;
        run.stage = Stage::Calling;
        Ok(())
    }

    pub(super) fn answered(&mut self, outcome: &Outcome) {
        let at = self.at;
        let kind = self.contract.and_then(|contract| contract.achieves);
        let forward = self.run().direction == Direction::Forward;
        match outcome {
            Outcome::Ok(outputs) => {
                let run = self.run();
                run.outputs.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
                run.ours = true;
                run.acked = true;
                run.ambiguous = false;
                self.acted();
                match self.contract.and_then(|contract| contract.readback) {
                    Some(_) => self.look(Phase::Readback),
                    None => self.done(),
                }
            }
            Outcome::AlreadyDone(outputs) => {
                let run = self.run();
                run.outputs.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
                run.acked = true;
                // Whose doing it is, only the marker on the object can tell.
                run.ours &= !forward;
                self.acted();
                if forward && self.looks() { self.look(Phase::Readback) } else { self.done() }
            }
            Outcome::Absent if kind == Some(Achieves::Remove) => {
                self.acted();
                self.done();
            }
            Outcome::Absent => self.reject("the object that it acts on is not there"),
            Outcome::RateLimited { retry_after_ms } => {
                self.again(retry_after_ms.unwrap_or(0), "the system takes no more calls");
            }
            Outcome::Transient(why) | Outcome::PreconditionFailed(why) => self.again(0, why),
            Outcome::AuthExpired => {
                let run = self.run();
                run.generation += u32::from(!run.ambiguous);
                self.park("the credential is no longer good");
            }
            Outcome::Conflict(why) | Outcome::Forbidden(why) | Outcome::Invalid(why) => self.reject(why),
            Outcome::Unknown(why) => self.lost(why),
        }
        debug_assert!(self.run().stage != Stage::Calling, "an answer at {at} must end the call");
    }

    /// Notes that the forward effect is there, as far as anybody can know: from here on old readings are old.
    pub(super) fn acted(&mut self) {
        let at = self.at;
        let run = self.run();
        if run.direction == Direction::Forward {
            run.acted = at;
        }
    }

    /// Whether a lookup can tell if the call took effect.
    pub(super) fn looks(&self) -> bool {
        let looks = |contract: &crate::awf::Contract| {
            contract.snapshot || matches!(contract.ambiguity, Ambiguity::Probe { .. })
        };
        self.contract.is_some_and(looks)
    }

    /// Whether the same call may be sent again without knowing what became of the last one. The key must outlive the call.
    pub(super) fn may_resend(&mut self) -> bool {
        let (at, keyed) = (self.at, self.run().keyed);
        self.contract.is_some_and(|contract| match contract.ambiguity {
            Ambiguity::Resend { lifetime_ms: None } => true,
            Ambiguity::Resend { lifetime_ms: Some(lifetime_ms) } => {
                at.saturating_sub(keyed).saturating_add(contract.timeout_ms) < lifetime_ms
            }
            Ambiguity::Probe { .. } | Ambiguity::Park => false,
        })
    }

    fn tries_left(&mut self) -> bool {
        self.contract
            .is_some_and(|contract| self.state.steps[usize::from(self.step.id.0)].tries < contract.tries_max)
    }

    /// The process ended before the answer was written down. That was not the system's failure: the try is given back.
    pub(super) fn interrupted(&mut self) {
        let run = self.run();
        run.tries = run.tries.saturating_sub(1);
        self.lost("the process ended before the answer was written down");
    }

    /// The call may have taken effect. It may be on its way until its timeout, whatever the clock says of the time since it was
    /// sent; only then does the time begin in which its effect must show.
    fn lost(&mut self, why: &str) {
        let (at, timeout_ms) = (self.at, self.contract.map_or(0, |contract| contract.timeout_ms));
        let run = self.run();
        run.ambiguous = true;
        run.agreeing = 0;
        run.misses = 0;
        run.since = at.max(run.since.saturating_add(timeout_ms));
        if let Some(Ambiguity::Probe { window_ms, .. }) = self.contract.map(|contract| contract.ambiguity) {
            let run = self.run();
            run.loose = run.loose.max(run.since.saturating_add(window_ms));
        }
        match self.contract.map(|contract| contract.ambiguity) {
            Some(Ambiguity::Probe { .. }) => self.look(Phase::Probe),
            Some(Ambiguity::Resend { .. }) if self.may_resend() && self.tries_left() => {
                let wait_ms = self.backoff();
                self.rest(wait_ms, Then::Resend);
            }
            Some(Ambiguity::Resend { .. }) => {
                self.park(&format!("it may have taken effect and must not be sent again: {why}"));
            }
            Some(Ambiguity::Park) | None => self.park(&format!("it may have taken effect: {why}")),
        }
    }

    /// This call provably took no effect, and may be tried again; an earlier one may still have taken effect.
    fn again(&mut self, wait_ms: u64, why: &str) {
        let at = self.at;
        let wait_ms = self.backoff().max(wait_ms.min(self.saga.shared.bounds.gate_wait_ms_max));
        if !self.run().ambiguous {
            self.run().generation += 1;
            if self.may_try_again(why) {
                self.run().since = at;
                self.rest(wait_ms, Then::Confirm);
            }
        } else if self.may_resend() && self.tries_left() {
            self.rest(wait_ms, Then::Resend);
        } else if self.is_unique() && self.tries_left() && !self.turned() {
            self.run().since = at;
            self.rest(wait_ms, Then::Confirm);
        } else {
            self.reject(why);
        }
    }

    /// Whether a second call cannot double the effect of the first.
    pub(super) fn is_unique(&self) -> bool {
        let ambiguity = self.contract.map(|contract| contract.ambiguity);
        matches!(ambiguity, Some(Ambiguity::Probe { unique: true, .. }))
    }

    /// The step is rejected. If a call may have taken effect, that is found out first.
    pub(super) fn reject(&mut self, why: &str) {
        if self.run().ambiguous {
            return self.find_out(why);
        }
        // Vendors answer a key that they know with the answer that they gave: whoever tries again needs another.
        self.run().generation += 1;
        self.fail(why);
    }

    /// Looks whether an earlier call took effect, with no intention to send it again; asks a person where nothing can be seen.
    pub(super) fn find_out(&mut self, why: &str) {
        let at = self.at;
        if !self.looks() {
            return self
                .park(&format!("an earlier call may have taken effect, and it cannot be sent again: {why}"));
        }
        self.run().since = at;
        self.look(Phase::Probe);
        self.run().refusal = Some(why.into());
    }

    /// Lookups proved that no call under this key took effect.
    pub(super) fn not_done(&mut self) {
        let run = self.run();
        run.generation += 1;
        run.ambiguous = false;
        run.agreeing = 0;
        let refusal = run.refusal.take();
        match refusal {
            Some(_) if self.turned() => self.run().stage = Stage::Waiting,
            Some(why) => self.fail(&why),
            None if self.may_try_again("the call did not take effect") => self.confirm(),
            None => {}
        }
    }

    /// A unique call may be sent again before it is known what became of the last one.
    pub(super) fn second_try(&mut self) -> bool {
        let wanted = self.run().refusal.is_none() && !self.turned();
        let may = wanted && self.is_unique() && self.tries_left();
        if may {
            self.confirm();
        }
        may
    }

    /// Whether there is another try; if not, the step waits for the way back that is under way, or fails.
    fn may_try_again(&mut self, why: &str) -> bool {
        let tries_max = self.contract.map_or(1, |contract| contract.tries_max);
        if self.turned() {
            self.run().stage = Stage::Waiting;
            return false;
        }
        if self.run().tries >= tries_max {
            self.fail(&format!("{why} ({tries_max} tries)"));
            return false;
        }
        true
    }
}
