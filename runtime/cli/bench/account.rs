//! The account of `--work kill`, from the journal alone: every call that was sent and not answered when the process died, and what
//! became of it.

use super::child::Elsewhere;
use super::{Place, TENANT, key};
use crate::exit::{Exit, Failure};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use xops_journal::journal::Journal;
use xops_journal::keys::Keys;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::StepId;
use xops_kernel::log::{Entry, Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::{Stage, State};
use xops_kernel::saga::{Bounds, Saga, Shared};

/// What became of a call that was in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Became {
    /// It was sent again under the same key.
    Resent,
    /// A probe found its effect, with its marker.
    Adopted,
    /// A probe proved that it had no effect; it was called again.
    NotDone,
    /// A person is asked.
    Parked,
    /// Nothing was said of it: this must not be.
    Unexplained,
}

/// A call that was in flight.
#[derive(Clone, Debug, Serialize)]
pub(super) struct InFlight {
    /// The instance's number.
    pub instance: Number,
    /// The step's place.
    pub step: u16,
    /// The call's key.
    pub key: String,
    /// What became of it.
    pub became: Became,
}

/// The account.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// All calls that were in flight.
    pub in_flight: Vec<InFlight>,
    /// Instances that began.
    pub began: u64,
    /// Instances that completed.
    pub completed: u64,
}

struct Fold {
    shared: Arc<Shared>,
    live: HashMap<Number, (Saga, State)>,
    open: HashMap<(Number, StepId), Open>,
    account: Account,
}

struct Open {
    key: String,
    generation: u32,
}

/// Reads the account out of a closed journal.
pub(super) fn account(place: &Place) -> Result<Account, Failure> {
    let damaged = |why: String| Failure::new(Exit::Damaged, why);
    let reader = Journal::open_read(&place.journal(), &Keys::new(TENANT, &key()))
        .map_err(|error| damaged(error.to_string()))?;
    reader.verify().map_err(|error| damaged(error.to_string()))?;
    let subjects = SubjectKeys::open(&place.subjects(), &key()).map_err(Failure::plain)?;
    let shared = Shared {
        tenant: TENANT.to_owned(),
        connector: Arc::new(Elsewhere::new()),
        systems: BTreeMap::new(),
        key: DigestKey(*key().digest_key()),
        bounds: Bounds::default(),
    };
    let mut fold = Fold {
        shared: Arc::new(shared),
        live: HashMap::new(),
        open: HashMap::new(),
        account: Account::default(),
    };
    let mut outcome = Ok(());
    let replayed = reader.replay(1, |seq, stream, body| {
        let taken = match stored::decode(stream, body, &subjects) {
            Ok(Decoded::Entry(entry)) => fold.take(*entry),
            Ok(Decoded::Erased(_)) => Err("it was erased".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                outcome = Err(damaged(format!("event {seq} of the journal: {why}")));
                ControlFlow::Break(())
            }
        }
    });
    replayed.map_err(|error| damaged(error.to_string()))?;
    outcome?;
    let left: Vec<_> = std::mem::take(&mut fold.open).into_iter().collect();
    for ((number, step), open) in left {
        fold.close(number, step, open, Became::Unexplained);
    }
    fold.account.in_flight.sort_by_key(|call| (call.instance, call.step));
    Ok(fold.account)
}

impl Fold {
    fn take(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Tenant(happened) => {
                if let What::Compiled(compiled) = happened.what {
                    let (number, instance) = (compiled.number, compiled.instance);
                    let saga =
                        Saga { instance, plan: Arc::new(compiled.plan), shared: Arc::clone(&self.shared) };
                    let state = saga.fresh();
                    self.live.insert(number, (saga, state));
                    self.account.began += 1;
                }
                Ok(())
            }
            Entry::Instance(number, stamped) => self.step(number, &stamped),
        }
    }

    fn step(&mut self, number: Number, stamped: &Stamped) -> Result<(), String> {
        let (saga, state) =
            self.live.get_mut(&number).ok_or_else(|| format!("instance {number} is not under way"))?;
        if matches!(stamped.event, Event::Resumed { .. }) {
            for (run, slot) in state.steps.iter().zip(0_u16..) {
                let step = StepId(slot);
                if run.stage == Stage::Calling
                    && let Some(key) = saga.key(state, step)
                {
                    let open = Open { key: key.to_string(), generation: run.generation };
                    self.open.insert((number, step), open);
                }
            }
        }
        saga.step(state, stamped, &mut Vec::new()).map_err(|refused| refused.to_string())?;
        let mut closed = Vec::new();
        if let Some(step) = stamped.event.step()
            && let Some(open) = self.open.get(&(number, step))
            && let Some(run) = state.steps.get(usize::from(step.0))
        {
            let became = match (&stamped.event, run.stage) {
                (Event::Intended { generation, .. }, _) if *generation == open.generation => {
                    Some(Became::Resent)
                }
                (Event::Intended { .. }, _) => Some(Became::NotDone),
                (Event::Sighted { .. }, Stage::Done) => Some(Became::Adopted),
                (_, Stage::Parked | Stage::Stuck) => Some(Became::Parked),
                _ => None,
            };
            closed.extend(became.map(|became| (step, became)));
        }
        if let Event::Ended { end } = stamped.event {
            self.account.completed += u64::from(end.word() == "completed");
            self.live.remove(&number);
        }
        for (step, became) in closed {
            if let Some(open) = self.open.remove(&(number, step)) {
                self.close(number, step, open, became);
            }
        }
        Ok(())
    }

    fn close(&mut self, instance: Number, step: StepId, open: Open, became: Became) {
        self.account.in_flight.push(InFlight { instance, step: step.0, key: open.key, became });
    }
}
