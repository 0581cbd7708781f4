//! The step protocol as the kernel sequences it: snapshot, call, read-back, probe.
//!
//! - Nothing is decided here that the kernel decides otherwise: what is so already is not done again, and a call that was
//!   lost is looked for before anything else.

use crate::stage::{Stage, manifests};
use std::time::Duration;
use xops_kernel::awf::{Achieves, AwfName, Contract, From, Undo};
use xops_kernel::fact::Observation;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Outcome, Page, Phase, Sighting};
use xops_kernel::value::{Value, Values};

/// Requests of one lookup at most.
const PAGES_MAX: usize = 20;
/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A step of one AWF.
pub(crate) struct Step<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) name: AwfName,
    pub(crate) inputs: Values,
    pub(crate) key: CallKey,
    pub(crate) before: Values,
    pub(crate) outputs: Values,
    pub(crate) deadline: Duration,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Done {
    /// What the call said; nothing where there was nothing to do.
    pub(crate) outcome: Option<Outcome>,
    /// What the snapshot saw.
    pub(crate) seen: Option<Sighting>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(stage: &'a Stage, name: AwfName, inputs: Values, key: CallKey) -> Self {
        Self { stage, name, inputs, key, before: Values::new(), outputs: Values::new(), deadline: DEADLINE }
    }

    pub(crate) fn contract(&self) -> &'static Contract {
        &manifests().contracts()[&self.name]
    }

    fn ask<'b>(&'b self, phase: Phase, carry: &'b Values) -> Ask<'b> {
        Ask {
            system: &self.stage.configs[&self.name.system],
            awf: &self.name,
            phase,
            inputs: &self.inputs,
            key: self.key,
            snapshot: &self.before,
            outputs: &self.outputs,
            carry,
        }
    }

    /// Looks, page by page. The error says what the last answer was.
    pub(crate) async fn look(&self, phase: Phase) -> Result<Sighting, String> {
        let mut carry = Values::new();
        let mut request = manifests().render(&self.ask(phase, &carry)).map_err(|why| why.to_string())?;
        for _ in 0..PAGES_MAX {
            let answer = self.stage.client.send(&request, self.deadline).await;
            let answer = answer.map_err(|lost| format!("lost: {lost}"))?;
            match manifests().sight(&self.ask(phase, &carry), &answer) {
                Page::Over(sighting) => return Ok(sighting),
                Page::More(next, more) => {
                    request = *next;
                    carry = more;
                }
                Page::Failed(outcome) => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    let (method, url, query) = (&request.method, &request.url, &request.query);
                    return Err(format!("{outcome:?} of {method} {url} {query:?}: {} {body}", answer.status));
                }
            }
        }
        Err(format!("more than {PAGES_MAX} requests"))
    }

    /// The call, and what it means. The text shows the call where it did not go well.
    pub(crate) async fn call(&mut self) -> (Outcome, String) {
        let nothing = Values::new();
        let request = match manifests().render(&self.ask(Phase::Do, &nothing)) {
            Ok(request) => request,
            Err(why) => return (Outcome::Invalid(why.to_string()), "not rendered".to_owned()),
        };
        let told = format!(
            "{} {} {:?} {}",
            request.method,
            request.url,
            request.query,
            String::from_utf8_lossy(&request.body)
        );
        match self.stage.client.send(&request, self.deadline).await {
            Ok(answer) => {
                let outcome = manifests().classify(&self.ask(Phase::Do, &nothing), &answer);
                if let Outcome::Ok(values) | Outcome::AlreadyDone(values) = &outcome {
                    self.outputs.extend(values.clone());
                }
                (outcome, format!("{told} -> {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
            }
            Err(lost) if lost.may_have_arrived() => (Outcome::Unknown(lost.to_string()), told),
            Err(lost) => (Outcome::Transient(lost.to_string()), told),
        }
    }

    /// Whether a sighting says that what the AWF achieves is so.
    pub(crate) fn reached(&self, seen: &Observation<Value>) -> Option<bool> {
        match (self.contract().achieves, seen) {
            (_, Observation::Unknown(_)) => None,
            (Some(Achieves::Remove), seen) => Some(matches!(seen, Observation::Absent(_))),
            (_, seen) => Some(matches!(seen, Observation::Present(_))),
        }
    }

    /// Snapshot and call; what is so already is left alone, but for an update, whose value decides.
    pub(crate) async fn perform(&mut self) -> Result<Done, String> {
        let mut seen = None;
        if self.contract().snapshot {
            let sighting = self.look(Phase::Snapshot).await.map_err(|why| format!("snapshot: {why}"))?;
            self.before.clone_from(&sighting.outputs);
            let is_update = self.contract().achieves == Some(Achieves::Update);
            if self.reached(&sighting.seen) == Some(true) && !is_update {
                self.outputs.extend(sighting.outputs.clone());
                return Ok(Done { outcome: None, seen: Some(sighting) });
            }
            seen = Some(sighting);
        }
        let (outcome, told) = self.call().await;
        match &outcome {
            Outcome::Ok(_) | Outcome::AlreadyDone(_) | Outcome::Absent => {
                Ok(Done { outcome: Some(outcome), seen })
            }
            other => Err(format!("{other:?} of {told}")),
        }
    }

    /// The compensation, told what the undo says; nothing where it cannot be told.
    pub(crate) fn undo(&self, key: CallKey) -> Option<Result<Step<'a>, String>> {
        let Undo::By { awf, with, .. } = &self.contract().undo else { return None };
        let contract = manifests().contracts().get(awf)?;
        let mut inputs = Values::new();
        for (name, from) in with {
            let value = match from {
                From::Input(of) => self.inputs.get(of).cloned(),
                From::Output(of) => self.outputs.get(of).cloned(),
                From::Snapshot(of) => self.before.get(of).cloned(),
                From::Literal(value) => Some(value.clone()),
            };
            match value {
                Some(value) => drop(inputs.insert(name.clone(), value)),
                None if contract.inputs.get(name).is_some_and(|input| !input.required) => {}
                None => return Some(Err(format!("`{name}` of {awf} is not known ({from:?})"))),
            }
        }
        Some(Ok(Step::new(self.stage, awf.clone(), inputs, key)))
    }
}
