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
use xops_kernel::log::{Entry, Number, What};
use xops_kernel::saga::event::{Effect, Event, Stamped};
use xops_kernel::saga::state::State;
use xops_kernel::saga::unanswered::{Became, Cause, Unanswered, Watch};
use xops_kernel::saga::{Bounds, Saga, Shared};

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
    live: HashMap<Number, Live>,
    out: Vec<Effect>,
    settled: Vec<Unanswered>,
    account: Account,
}

struct Live {
    saga: Saga,
    state: State,
    watch: Watch,
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
        out: Vec::new(),
        settled: Vec::new(),
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
    for (number, live) in std::mem::take(&mut fold.live) {
        fold.settled = live.watch.open();
        fold.close(number);
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
                    self.live.insert(number, Live { saga, state, watch: Watch::default() });
                    self.account.began += 1;
                }
                Ok(())
            }
            Entry::Instance(number, stamped) => self.step(number, &stamped),
        }
    }

    fn step(&mut self, number: Number, stamped: &Stamped) -> Result<(), String> {
        let live = self.live.get_mut(&number).ok_or_else(|| format!("instance {number} is not under way"))?;
        self.out.clear();
        live.watch
            .step(&live.saga, &mut live.state, stamped, &mut self.out, &mut self.settled)
            .map_err(|refused| refused.to_string())?;
        if let Event::Ended { end } = stamped.event {
            self.account.completed += u64::from(end.word() == "completed");
            self.settled.extend(self.live.remove(&number).into_iter().flat_map(|live| live.watch.open()));
        }
        self.close(number);
        Ok(())
    }

    /// Takes down what became of calls that were under way when the process died; the others were only slow.
    fn close(&mut self, instance: Number) {
        let died = self.settled.drain(..).filter(|call| call.cause == Cause::Died);
        self.account.in_flight.extend(died.map(|call| InFlight {
            instance,
            step: call.step.0,
            key: call.key.to_string(),
            became: call.became,
        }));
    }
}
