//! Recovery: the same fold as running, over the entries of the journal.

use crate::engine::Error;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use xops_journal::erase;
use xops_journal::journal::Journal;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::{Subject, SubjectKeys};
use xops_kernel::log::{Compiled, Entry, Erased, Number, What};
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
    /// The subjects of whom something was said that nobody can read any more.
    gone: BTreeSet<Subject>,
    /// The erasures that were written down.
    pub(crate) erasures: Vec<Erased>,
}

impl Fold {
    pub(crate) fn take(&mut self, shared: &Arc<Shared>, decoded: &Decoded) -> Result<(), String> {
        match decoded {
            Decoded::Erased(subject) => {
                self.gone.insert(*subject);
                Ok(())
            }
            Decoded::Entry(entry) if self.is_of_the_erased(entry) => Ok(()),
            Decoded::Entry(entry) => self.fold(shared, entry),
        }
    }

    /// Whether an entry hangs on what an erased subject said, and so cannot be folded. What is known of it without that is: that
    /// an instance had this number, and how it ended.
    fn is_of_the_erased(&mut self, entry: &Entry) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        match entry {
            Entry::Tenant(happened) => {
                let (request, entity, number) = match &happened.what {
                    What::Compiled(it) => (it.request, Some(it.plan.entity), it.number),
                    What::Unchanged { request, entity, .. } | What::Deferred { request, entity } => {
                        (*request, Some(*entity), 0)
                    }
                    What::Refused { request, entity, .. } => (*request, *entity, 0),
                    _ => return false,
                };
                let deferred = matches!(happened.what, What::Deferred { .. });
                let gone = self.gone.contains(&request.0)
                    || entity.is_some_and(|entity| deferred && self.gone.contains(&entity.0));
                if number > 0 {
                    // Numbers that no event shows belong to instances of the erased.
                    self.state.numbers = self.state.numbers.max(if gone { number } else { number - 1 });
                }
                gone
            }
            Entry::Instance(number, stamped) => {
                let known = self.sagas.contains_key(number) || self.state.running.contains_key(number);
                if !known {
                    self.at = self.at.max(stamped.at);
                    self.state.numbers = self.state.numbers.max(*number);
                    if let Event::Ended { end } = stamped.event {
                        *self.state.ended.entry(end).or_default() += 1;
                    }
                }
                !known
            }
        }
    }

    fn fold(&mut self, shared: &Arc<Shared>, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Tenant(happened) => {
                self.at = self.at.max(happened.at);
                if let What::Erased(erased) = &happened.what {
                    self.erasures.push((**erased).clone());
                }
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

/// Replays a journal entry by entry.
pub(crate) fn replay(
    walk: impl FnOnce(Visit<'_>) -> Result<(), xops_journal::error::Error>,
    subjects: &SubjectKeys,
    each: &mut dyn FnMut(u64, &Decoded) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut outcome = Ok(());
    walk(&mut |seq, stream, body| {
        let decoded = stored::decode(stream, body, subjects).map_err(|source| Error::Stored { seq, source });
        match decoded.and_then(|decoded| each(seq, &decoded)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome
}

/// Folds the journal that is about to be written. An erasure that a crash interrupted, or that an older keyring undid, is carried
/// out first: then what it names is passed over as a whole.
pub(crate) fn recover(
    journal: &Journal,
    subjects: &mut SubjectKeys,
    shared: &Arc<Shared>,
) -> Result<Fold, Error> {
    let run = |subjects: &SubjectKeys| {
        let mut fold = Fold::default();
        let mut each =
            |seq, decoded: &Decoded| fold.take(shared, decoded).map_err(|why| Error::Unfolded { seq, why });
        replay(|visit| journal.replay(1, visit), subjects, &mut each)?;
        Ok(fold)
    };
    let first: Result<Fold, Error> = run(subjects);
    let erasures = match &first {
        Ok(fold) => fold.erasures.clone(),
        // What did not fold may hang on half of an erasure that stands further on.
        Err(_) => erased(journal, subjects)?,
    };
    let owed: Vec<_> = erasures.iter().flat_map(|erased| erase::owed(erased, subjects)).collect();
    if owed.is_empty() {
        return first;
    }
    let keys = erase::destroy(subjects, &owed)?;
    tracing::warn!(keys, "an erasure was not finished: its keys are destroyed now");
    run(subjects)
}

/// Every erasure that the journal has written down.
fn erased(journal: &Journal, subjects: &SubjectKeys) -> Result<Vec<Erased>, Error> {
    let mut erasures = Vec::new();
    journal.replay(1, |_, stream, body| {
        if stream == stored::TENANT_STREAM
            && let Ok(Decoded::Entry(entry)) = stored::decode(stream, body, subjects)
            && let Entry::Tenant(happened) = *entry
            && let What::Erased(erased) = happened.what
        {
            erasures.push(*erased);
        }
        ControlFlow::Continue(())
    })?;
    Ok(erasures)
}
