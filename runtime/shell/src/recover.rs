//! Recovery: the same fold as running, over the entries of the journal.

use crate::engine::Error;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::log::{Compiled, Entry, Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Event;
use xops_kernel::saga::state::State as SagaState;
use xops_kernel::saga::{Saga, Shared};
use xops_robots::service::State;

/// What recovery makes of the journal.
#[derive(Default)]
pub(crate) struct Fold {
    pub(crate) state: State,
    pub(crate) plans: HashMap<Number, Arc<Compiled>>,
    pub(crate) sagas: HashMap<Number, (Saga, SagaState)>,
    pub(crate) breakers: BTreeMap<String, Millis>,
    pub(crate) at: Millis,
}

impl Fold {
    pub(crate) fn take(&mut self, shared: &Arc<Shared>, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Tenant(happened) => {
                self.at = self.at.max(happened.at);
                if let What::Breaker { system, until, .. } = &happened.what {
                    match until {
                        Some(until) => drop(self.breakers.insert(system.clone(), *until)),
                        None => drop(self.breakers.remove(system)),
                    }
                }
                if let What::Compiled(compiled) = &happened.what {
                    let saga = Saga {
                        instance: compiled.instance,
                        plan: Arc::new(compiled.plan.clone()),
                        shared: Arc::clone(shared),
                    };
                    let state = saga.fresh();
                    self.plans.insert(compiled.number, Arc::new((**compiled).clone()));
                    self.sagas.insert(compiled.number, (saga, state));
                }
            }
            Entry::Instance(number, stamped) => {
                self.at = self.at.max(stamped.at);
                let (saga, state) =
                    self.sagas.get_mut(number).ok_or_else(|| format!("instance {number} never began"))?;
                saga.step(state, stamped, &mut Vec::new()).map_err(|refused| refused.to_string())?;
                if matches!(stamped.event, Event::Ended { .. }) {
                    self.sagas.remove(number);
                    self.plans.remove(number);
                }
            }
        }
        let stepped = xops_robots::service::Service.step(&mut self.state, entry, &mut Vec::new());
        stepped.map_err(|refused| refused.to_string())
    }
}

/// What a journal calls for each event.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(u64, u64, &[u8]) -> ControlFlow<()>;

/// Replays a journal entry by entry. What an erased subject said cannot be folded; it is passed over with a warning.
pub(crate) fn replay(
    walk: impl FnOnce(Visit<'_>) -> Result<(), xops_journal::error::Error>,
    subjects: &SubjectKeys,
    each: &mut dyn FnMut(u64, &Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut outcome = Ok(());
    walk(&mut |seq, stream, body| {
        let decoded = stored::decode(stream, body, subjects).map_err(|source| Error::Stored { seq, source });
        let taken = decoded.and_then(|decoded| match decoded {
            Decoded::Entry(entry) => each(seq, &entry),
            Decoded::Erased(_) => {
                tracing::warn!(seq, "an event of an erased subject is passed over");
                Ok(())
            }
        });
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome
}
