//! After the run, outside the time taken: the journal is opened again and held to the laws.
//!
//! Held: every frame, its hash, its seal and its place in the chain; that each event follows from the state that the events before
//! it left; that no call is answered before its intent was durable (the fold refuses it); that each instance ended as the
//! work says; that every call that the wire answered has exactly one intent.

use super::drive::Run;
use super::noop::Noop;
use super::{Place, TENANT, key};
use crate::arguments::bench::BenchEngine;
use crate::exit::{Exit, Failure};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use xops_journal::journal::Journal;
use xops_journal::keys::Keys;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::log::{Entry, Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::Event;
use xops_kernel::saga::state::State;
use xops_kernel::saga::{Bounds, Saga, Shared};

struct Fold {
    shared: Arc<Shared>,
    live: HashMap<Number, (Saga, State)>,
    ended: u64,
    intended: u64,
    expected: &'static str,
}

/// Refuses a journal that does not hold what the run said.
pub(super) fn verify(place: &Place, bench: &BenchEngine, run: &Run) -> Result<(), Failure> {
    let damaged = |why: String| Failure::new(Exit::Damaged, why);
    let keys = Keys::new(TENANT, &key());
    let reader = Journal::open_read(&place.journal(), &keys).map_err(|error| damaged(error.to_string()))?;
    reader.verify().map_err(|error| damaged(error.to_string()))?;
    let subjects = SubjectKeys::open(&place.subjects(), &key()).map_err(Failure::plain)?;
    let mut fold = Fold {
        shared: Arc::new(Shared {
            tenant: TENANT.to_owned(),
            connector: Arc::new(Noop::new(bench.work)),
            systems: std::collections::BTreeMap::new(),
            key: DigestKey(*key().digest_key()),
            bounds: Bounds::default(),
        }),
        live: HashMap::new(),
        ended: 0,
        intended: 0,
        expected: bench.work.end(),
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
    let counts = [
        ("instances that ended", fold.ended, bench.instances),
        ("instances still under way", fold.live.len() as u64, 0),
        ("intents", fold.intended, bench.instances * bench.work.calls()),
        ("calls that the wire answered", run.calls, fold.intended),
        ("calls whose intent was asserted durable", run.tally.asserted, fold.intended),
    ];
    match counts.into_iter().find(|(_, found, wanted)| found != wanted) {
        Some((what, found, wanted)) => Err(damaged(format!("{what}: {found} where it must be {wanted}"))),
        None => Ok(()),
    }
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
                }
            }
            Entry::Instance(number, stamped) => {
                let (saga, state) = self
                    .live
                    .get_mut(&number)
                    .ok_or_else(|| format!("instance {number} is not under way"))?;
                if stamped.event.is_decided() {
                    let decided = saga.decide(state).map(|decided| decided.event);
                    if decided.as_ref() != Some(&stamped.event) {
                        return Err(format!("`{}` does not follow", stamped.event.word()));
                    }
                }
                saga.step(state, &stamped, &mut Vec::new()).map_err(|refused| refused.to_string())?;
                match stamped.event {
                    Event::Intended { .. } => self.intended += 1,
                    Event::Ended { end } if end.word() != self.expected => {
                        return Err(format!("instance {number} ended {}", end.word()));
                    }
                    Event::Ended { .. } => {
                        self.live.remove(&number);
                        self.ended += 1;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
