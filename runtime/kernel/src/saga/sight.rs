//! What a lookup, or its failure, means for its step.
//!
//! Invariants: what was not seen is not absent: absence after a call needs the contract's window and its agreeing lookups; the
//! window is counted to the moment at which the lookup was asked for, not to its answer; a lookup on the way back that may be
//! older than the effect it is to undo proves nothing.

use crate::awf::{Achieves, Ambiguity, Contract, Readback, Undo};
use crate::diff::Change;
use crate::fact::{Observation, Reason};
use crate::id::{CallKey, Direction};
use crate::port::{Outcome, Phase, Sighting};
use crate::saga::state::{Goal, Stage, Then};
use crate::saga::step::AtStep;
use crate::value::Value;

/// How a postcondition is looked at where the manifest declares no readback: once, as soon as the system shows it.
const GLANCE: Readback = Readback { within_ms: 60_000, settle: 1, every_ms: 1_000 };
/// How many lookups in a row have to say that there is nothing to undo, of something that was done.
const NOTHING_TO_UNDO: u32 = 2;

impl AtStep<'_> {
    pub(super) fn sighted(&mut self, phase: Phase, sighting: &Sighting) {
        let Some(reached) = self.reached(&sighting.seen) else {
            if phase == Phase::Readback && in_flight(&sighting.seen) {
                // The system itself says that it goes on: that is no failed lookup, and the deadline is the readback's.
                return self.read_back(false);
            }
            let why = match &sighting.seen {
                Observation::Unknown(doubt) => doubt.to_string(),
                _ => "what was seen says nothing of the goal".to_owned(),
            };
            return self.missed(phase, &Outcome::Unknown(why));
        };
        let marked = self.is_ours(sighting.marker.as_deref());
        let forward = self.run().direction == Direction::Forward;
        if reached && !forward && phase != Phase::Readback && self.too_early(phase) {
            return;
        }
        let run = self.run();
        run.misses = 0;
        run.marked = marked;
        run.goal = if reached { Goal::Reached } else { Goal::Missing };
        if forward && reached {
            run.outputs.extend(sighting.outputs.clone());
        }
        match phase {
            Phase::Snapshot | Phase::Do => self.snapshot(reached, sighting),
            Phase::Probe => self.probed(reached),
            Phase::Readback => self.read_back(reached),
        }
    }

    fn snapshot(&mut self, reached: bool, sighting: &Sighting) {
        let run = self.run();
        let forward = run.direction == Direction::Forward;
        // What an unanswered call of ours may have made is not what was there before.
        if !(reached && run.ambiguous) {
            let kept = if forward { &mut run.before } else { &mut run.behind };
            kept.clone_from(&sighting.outputs);
            if forward {
                run.was = sighting.seen.presence().map(|presence| presence.value().clone());
            }
        }
        let in_the_way = match (self.step.change.as_deref().map(Change::kind), &sighting.seen) {
            _ if reached || !forward => None,
            (Some(Achieves::Create), Observation::Present(_)) => Some("another value is there already"),
            (Some(Achieves::Update), Observation::Absent(_)) => {
                Some("what it is to change is not there any more")
            }
            _ => None,
        };
        match in_the_way {
            Some(why) => self.reject(why),
            None => self.run().stage = Stage::Ready,
        }
    }

    /// What was found without an answered call: it is ours only if it carries our marker, and only then undone by itself.
    pub(super) fn adopted(&mut self) {
        let run = self.run();
        if run.direction == Direction::Forward {
            run.ours = run.marked;
        }
        self.acted();
        self.done();
    }

    fn probed(&mut self, reached: bool) {
        if reached {
            // The one call that was sent has landed: nothing else is on its way.
            if self.run().calls <= 1 {
                self.run().loose = 0;
            }
            // An unmarked effect may be adopted where its contract says that a probe decides, and nothing stood against it.
            let probes =
                matches!(self.contract.map(|contract| contract.ambiguity), Some(Ambiguity::Probe { .. }));
            let accepted = self.run().marked || (probes && self.turned());
            return match self.run().refusal.take() {
                Some(why) if !accepted => self.park(&format!("it was rejected, and yet it is so: {why}")),
                _ => self.adopted(),
            };
        }
        let (at, backoff) = (self.at, self.backoff());
        let (window_ms, agreeing) =
            match self.contract.map(|contract| (contract.ambiguity, contract.readback)) {
                Some((Ambiguity::Probe { window_ms, agreeing, .. }, _)) => {
                    (window_ms, u32::from(agreeing.max(1)))
                }
                Some((_, readback)) => {
                    let readback = readback.unwrap_or(GLANCE);
                    (readback.within_ms, u32::from(readback.settle.max(1)))
                }
                None => (GLANCE.within_ms, 1),
            };
        let run = self.run();
        run.agreeing += 1;
        let window_end = run.since.saturating_add(window_ms);
        if run.asked >= window_end && run.agreeing >= agreeing {
            self.not_done();
        } else if !self.second_try() {
            let to_end = window_end.saturating_sub(at);
            let wait_ms = if self.run().agreeing >= agreeing { to_end } else { backoff };
            self.rest(wait_ms, Then::Look(Phase::Probe));
        }
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
        self.rest(readback.every_ms, Then::Look(Phase::Readback));
    }

    pub(super) fn missed(&mut self, phase: Phase, outcome: &Outcome) {
        let bounds = self.saga.shared.bounds;
        let retry_after = match outcome {
            Outcome::RateLimited { retry_after_ms } => {
                retry_after_ms.unwrap_or(0).min(bounds.gate_wait_ms_max)
            }
            _ => 0,
        };
        self.run().misses += 1;
        let why = format!("its {} failed: {}", phase.word(), told(outcome));
        let hopeless = matches!(outcome, Outcome::Forbidden(_) | Outcome::Invalid(_));
        let spent = self.run().misses > bounds.lookups_max;
        match phase {
            _ if matches!(outcome, Outcome::AuthExpired) => self.park(&why),
            // Before the call nothing has happened; after it somebody has to know.
            Phase::Snapshot | Phase::Do if hopeless || spent => self.reject(&why),
            Phase::Probe | Phase::Readback if hopeless || spent => self.park(&why),
            _ => {
                let wait_ms = self.backoff().max(retry_after);
                self.rest(wait_ms, Then::Look(phase));
            }
        }
    }

    /// A lookup that says that there is nothing to undo may be older than what is to be undone: then it is made again when
    /// the system's own window for showing the forward effect has passed. Even then it contradicts what was seen or answered
    /// before, so one alone is not believed: a replica may be behind by more than its system promises. A
    /// probe asks after a call that was sent, which is another question.
    fn too_early(&mut self, phase: Phase) -> bool {
        let visible = |contract: &Contract| {
            let window_ms = match contract.ambiguity {
                Ambiguity::Probe { window_ms, .. } => window_ms,
                Ambiguity::Resend { .. } | Ambiguity::Park => 0,
            };
            window_ms.max(contract.readback.map_or(0, |readback| readback.within_ms))
        };
        let visible_ms = self.saga.contract(self.step, Direction::Forward).map_or(0, visible);
        let at = self.at;
        let run = self.run();
        let shown = run.acted.saturating_add(visible_ms);
        let early = run.asked < shown;
        if early {
            self.rest(shown.saturating_sub(at), Then::Look(phase));
            return true;
        }
        if phase == Phase::Probe {
            return false;
        }
        run.agreeing += 1;
        let alone = run.agreeing < NOTHING_TO_UNDO;
        if alone {
            let wait_ms = self.backoff();
            self.rest(wait_ms, Then::Look(phase));
        }
        alone
    }

    fn is_ours(&mut self, marker: Option<&str>) -> bool {
        let (saga, step, direction) = (self.saga, self.step.id, self.run().direction);
        let key = |generation| {
            CallKey::of(&saga.shared.tenant, saga.instance, step, direction, generation).to_string()
        };
        marker.is_some_and(|marker| {
            (1..=self.run().generation).any(|generation| marker.contains(&key(generation)))
        })
    }

    /// Whether what was seen is what the AWF under way is to achieve.
    fn reached(&mut self, seen: &Observation<Value>) -> Option<bool> {
        let kind = self.contract.and_then(|contract| contract.achieves);
        let run = &self.state.steps[usize::from(self.step.id.0)];
        match (run.direction, &self.step.change) {
            (Direction::Forward, Some(change)) => change.achieved_by(seen),
            (Direction::Forward, None) => of_kind(kind, seen, None, None),
            (Direction::Backward, change) => {
                let exact = matches!(&self.step.undo, Undo::By { loss: None, .. });
                let before = run.was.as_ref().or(change.as_deref().and_then(Change::from)).filter(|_| exact);
                of_kind(kind, seen, before, change.as_deref().and_then(Change::to))
            }
        }
    }
}

fn in_flight(seen: &Observation<Value>) -> bool {
    matches!(seen, Observation::Unknown(doubt) if doubt.reason == Reason::InFlight)
}

/// Whether an AWF of a kind achieved what it is for: `back_to` is what shall be there again, where that is known exactly;
/// `away_from` is what shall not be there any more.
fn of_kind(
    kind: Option<Achieves>,
    seen: &Observation<Value>,
    back_to: Option<&Value>,
    away_from: Option<&Value>,
) -> Option<bool> {
    match (kind, seen) {
        (_, Observation::Unknown(_)) => None,
        (Some(Achieves::Remove), seen) => Some(matches!(seen, Observation::Absent(_))),
        (Some(Achieves::Create), Observation::Present(value)) => {
            Some(back_to.is_none_or(|back_to| back_to == value))
        }
        (Some(Achieves::Update), Observation::Present(value)) => Some(match (back_to, away_from) {
            (Some(back_to), _) => back_to == value,
            (None, away_from) => away_from != Some(value),
        }),
        // What was made and is gone needs no disabling; what was there and is gone is not restored.
        (Some(Achieves::Update), Observation::Absent(_)) => Some(back_to.is_none() && away_from.is_some()),
        (Some(Achieves::Create), Observation::Absent(_)) => Some(false),
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
