//! The saga: one execution of one plan, as a machine.
//!
//! Invariants. An effect follows from the state alone ([`Saga::wanted`]), and each carries the attempt that it belongs to, so
//! an answer to an older attempt is refused. No call is wanted unless `Intended` was applied: the shell performs effects only
//! after the events behind them are durable. A call without an answer is `Unknown`, never done and never failed. Steps are
//! undone in the reverse of the plan's order, and only what this instance did is undone.
//!
//! The transitions stand in `step.rs` (what an event does to an instance), `call.rs` and `sight.rs` (what the answers to calls
//! and lookups mean for a step) and `decide.rs` (what follows from a state).

mod call;
pub mod decide;
pub mod event;
mod sight;
pub mod state;
mod step;
pub mod unanswered;

use crate::awf::{AwfName, Contract, Undo};
use crate::canon::DigestKey;
use crate::id::{CallKey, Direction, InstanceId, StepId};
use crate::machine::Machine;
use crate::plan::{Binding, Plan, Step};
use crate::port::Connector;
use crate::value::{Value, Values};
use decide::Rendered;
use event::{Effect, Stamped};
use state::{Course, Stage, State};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that stays the same while an instance runs.
#[derive(Clone)]
pub struct Saga {
    /// The instance.
    pub instance: InstanceId,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// What all instances of a tenant share.
    pub shared: Arc<Shared>,
}

/// What all sagas of a tenant share.
pub struct Shared {
    /// The tenant.
    pub tenant: String,
    /// The connectors.
    pub connector: Arc<dyn Connector>,
    /// The configuration of each system, as requests are rendered with it.
    pub systems: std::collections::BTreeMap<String, Values>,
    /// The key of digests over personal values.
    pub key: DigestKey,
    /// The bounds.
    pub bounds: Bounds,
}

/// The bounds of the step protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How often a lookup that fails is tried again.
    pub lookups_max: u32,
    /// The least wait before something is tried again, in milliseconds.
    pub backoff_ms: u64,
    /// The greatest wait.
    pub backoff_ms_max: u64,
    /// How long a step may wait at the gate before a person is asked, in milliseconds.
    pub gate_wait_ms_max: u64,
    /// How long the gate waits before it looks again at something that has no time of its own.
    pub gate_poll_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lookups_max: 8,
            backoff_ms: 200,
            backoff_ms_max: 60_000,
            gate_wait_ms_max: 72 * 3_600_000,
            gate_poll_ms: 5_000,
        }
    }
}

/// Why an event cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It names a step that the plan does not have.
    #[error("step {0:?} is not in the plan")]
    NoStep(StepId),
    /// It answers an attempt that is not the current one: it comes late, and is dropped.
    #[error("step {step:?} is at attempt {current}, not at {given}")]
    Stale {
        /// The step.
        step: StepId,
        /// The attempt that is under way.
        current: u32,
        /// The attempt that the event is about.
        given: u32,
    },
    /// The state does not wait for it.
    #[error("`{event}` cannot happen while the step is {stage} and the instance is {course}")]
    Unexpected {
        /// The event.
        event: &'static str,
        /// The step's stage.
        stage: &'static str,
        /// The instance's course.
        course: &'static str,
    },
    /// A verdict that does not follow from its sheet.
    #[error("the verdict on step {0:?} does not follow from its sheet")]
    Misjudged(StepId),
}

impl Machine for Saga {
    type State = State;
    type Event = Stamped;
    type Effect = Effect;
    type Refused = Refused;

    fn step(&self, state: &mut State, stamped: &Stamped, out: &mut Vec<Effect>) -> Result<(), Refused> {
        // Only the events of a whole instance touch many steps at once; all others touch their own and start others, which
        // wanted nothing before. This is the hot path: nothing is collected there.
        let Some(id) = stamped.event.step() else {
            // Each step wants one thing at most, and nothing that another step could want.
            let before: Vec<Option<Effect>> = (0..state.steps.len()).map(|slot| wants(state, slot)).collect();
            self.apply(state, stamped)?;
            let gained = |(slot, before)| wants(state, slot).filter(|effect| Some(*effect) != before);
            out.extend(before.into_iter().enumerate().filter_map(gained));
            return Ok(());
        };
        let slot = usize::from(id.0);
        let before = wants(state, slot);
        let started = self.apply(state, stamped)?;
        out.extend(wants(state, slot).filter(|effect| Some(*effect) != before));
        out.extend(
            started.into_iter().filter(|other| *other != slot).filter_map(|other| wants(state, other)),
        );
        Ok(())
    }

    fn decide(&self, state: &State) -> Option<Stamped> {
        self.decide_call(state, &mut None)
    }

    fn wanted(&self, state: &State) -> BTreeSet<Effect> {
        (0..state.steps.len()).filter_map(|slot| wants(state, slot)).collect()
    }
}

impl Saga {
    /// The state before the first event.
    pub fn fresh(&self) -> State {
        State::new(self.plan.steps.len())
    }

    /// Applies one event and starts what may start; the steps that started.
    fn apply(&self, state: &mut State, stamped: &Stamped) -> Result<Vec<usize>, Refused> {
        step::apply(self, state, stamped)?;
        state.at = state.at.max(stamped.at);
        Ok(step::advance(self, state))
    }

    /// [`Machine::decide`], which also hands out the call where it decides one, so that nobody has to render it again.
    pub fn decide_call(&self, state: &State, rendered: &mut Option<Rendered>) -> Option<Stamped> {
        decide::next(self, state, rendered).map(|event| Stamped { at: state.at, event })
    }

    /// Whether an effect is still outstanding: whether [`Machine::wanted`] holds it, without collecting all others.
    pub fn still_wants(&self, state: &State, effect: &Effect) -> bool {
        wants(state, usize::from(effect.step().0)).as_ref() == Some(effect)
    }

    /// The AWF that a step runs in a direction: its own, or its compensation.
    pub fn awf(&self, step: &Step, direction: Direction) -> Option<AwfName> {
        Self::function(step, direction).cloned()
    }

    /// The same, borrowed from the plan.
    pub fn function(step: &Step, direction: Direction) -> Option<&AwfName> {
        match (direction, &step.undo) {
            (Direction::Forward, _) => Some(&step.awf),
            (Direction::Backward, Undo::By { awf, .. }) => Some(awf),
            (Direction::Backward, Undo::Nothing | Undo::Irreversible { .. }) => None,
        }
    }

    /// The contract of that AWF.
    pub fn contract(&self, step: &Step, direction: Direction) -> Option<&Contract> {
        self.shared.connector.contract(Self::function(step, direction)?)
    }

    /// The inputs of a step, complete: literals, outputs of earlier steps, and for a compensation what was captured.
    pub fn inputs(&self, state: &State, step: &Step, direction: Direction) -> Values {
        let bound = |binding: &Binding| match binding {
            Binding::Literal(value) => Some(value.clone()),
            Binding::Output { step, name } => {
                state.steps.get(usize::from(step.0))?.outputs.get(name).cloned()
            }
        };
        let forward = || -> Values {
            // One by one: they are few and in order, and collecting them would sort them anew for every lookup and call.
            let mut values = Values::new();
            for (name, binding) in &step.inputs {
                if let Some(value) = bound(binding) {
                    values.insert(name.clone(), value);
                }
            }
            values
        };
        match (direction, &step.undo) {
            (Direction::Backward, Undo::By { with, .. }) => {
                let Some(run) = state.steps.get(usize::from(step.id.0)) else { return Values::new() };
                let inputs = forward();
                let from = |from: &crate::awf::From| match from {
                    crate::awf::From::Input(name) => inputs.get(name).cloned(),
                    crate::awf::From::Output(name) => run.outputs.get(name).cloned(),
                    crate::awf::From::Snapshot(name) => run.before.get(name).cloned(),
                    crate::awf::From::Literal(value) => Some(value.clone()),
                };
                let bound = with.iter().filter_map(|(name, source)| Some((name.clone(), from(source)?)));
                bound.filter(|(_, value)| *value != Value::Null).collect()
            }
            _ => forward(),
        }
    }

    /// What the snapshot of the direction that a step goes kept.
    pub fn snapshot<'a>(&self, run: &'a state::Run) -> &'a Values {
        match run.direction {
            Direction::Forward => &run.before,
            Direction::Backward => &run.behind,
        }
    }

    /// The key of a step's call in its current generation.
    pub fn key(&self, state: &State, step: StepId) -> Option<CallKey> {
        let run = state.steps.get(usize::from(step.0))?;
        Some(CallKey::of(&self.shared.tenant, self.instance, step, run.direction, run.generation))
    }

    /// The names of the locks that the instance holds: from a step's go until it is settled, rejected or back at the gate.
    pub fn holds(&self, state: &State) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        if matches!(state.course, Course::Ended(_)) {
            return held;
        }
        for (step, run) in self.plan.steps.iter().zip(&state.steps) {
            if run.passed && (run.stage.is_busy() || matches!(run.stage, Stage::Parked | Stage::Stuck)) {
                held.extend(self.locks(state, step, run.direction));
            }
        }
        held
    }

    /// The names of the locks that a step needs: the contract's, with `{input}` replaced.
    pub fn locks(&self, state: &State, step: &Step, direction: Direction) -> Vec<String> {
        let Some(contract) = self.contract(step, direction).filter(|contract| !contract.locks.is_empty())
        else {
            return Vec::new();
        };
        let inputs = self.inputs(state, step, direction);
        let name = |template: &String| {
            let filled = inputs.iter().fold(template.clone(), |name, (input, value)| {
                name.replace(&format!("{{{input}}}"), &value.to_string())
            });
            format!("{}/{filled}", contract.name.system)
        };
        contract.locks.iter().map(name).collect()
    }
}

/// The one effect that a step wants, if it wants one.
fn wants(state: &State, slot: usize) -> Option<Effect> {
    let run = state.steps.get(slot)?;
    let step = StepId(u16::try_from(slot).ok()?);
    let (dir, attempt) = (run.direction, run.attempt);
    if matches!(state.course, Course::Ended(_)) {
        return None;
    }
    match run.stage {
        Stage::Confirming => Some(Effect::Confirm { step, dir, attempt }),
        Stage::Looking(phase) => Some(Effect::Look { step, dir, phase, attempt }),
        Stage::Calling => Some(Effect::Call { step, dir, attempt, generation: run.generation }),
        Stage::Resting { until, .. } => Some(Effect::Wake { step, dir, attempt, at: until }),
        Stage::Waiting
        | Stage::Ready
        | Stage::Unknown
        | Stage::Failed
        | Stage::Done
        | Stage::Undone
        | Stage::Kept
        | Stage::Parked
        | Stage::Stuck => None,
    }
}
