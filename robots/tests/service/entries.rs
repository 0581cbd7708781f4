//! Entries of a journal, from a few small numbers.

use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{AwfName, Undo};
use xops_kernel::declare::OnReject;
use xops_kernel::desire::Subject;
use xops_kernel::diff::{Change, Facet};
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId, StepId};
use xops_kernel::log::{Compiled, Entrance, Entry, Evidence, Happened, Request, What};
use xops_kernel::machine::Machine;
use xops_kernel::plan::{Footprint, Plan, Step};
use xops_kernel::port::Sighting;
use xops_kernel::saga::event::{End, Event, Stamped};
use xops_kernel::value::{Value, Values};
use xops_robots::service::{Effect, Refused, Service, State};

/// A robot that takes entries.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) state: State,
}

impl World {
    /// Takes an entry that must be taken; what it asks for.
    pub(crate) fn take(&mut self, entry: &Entry) -> Vec<Effect> {
        let mut out = Vec::new();
        Service.step(&mut self.state, entry, &mut out).unwrap();
        out
    }

    /// Takes an entry that must be refused.
    pub(crate) fn refuse(&mut self, entry: &Entry) -> Refused {
        Service.step(&mut self.state, entry, &mut Vec::new()).unwrap_err()
    }

    /// A request and its instance.
    pub(crate) fn start(&mut self, request: u8, entity: u8, outcome: &str, work: &[&str]) {
        self.take(&requested(request));
        let number = self.state.numbers + 1;
        self.take(&compiled(request, entity, number, outcome, work, "v"));
    }
}

pub(crate) fn tenant(what: What) -> Entry {
    Entry::Tenant(Box::new(Happened { at: 1, what }))
}

pub(crate) fn request_id(request: u8) -> RequestId {
    RequestId([request; 16])
}

pub(crate) fn entity_id(entity: u8) -> EntityId {
    EntityId([entity; 16])
}

pub(crate) fn requested(request: u8) -> Entry {
    tenant(What::Requested(Box::new(Request {
        id: request_id(request),
        entrance: Entrance::Request,
        principal: "ada".to_owned(),
        kind: "person".to_owned(),
        find: Values::new(),
        outcome: None,
        release: false,
    })))
}

pub(crate) fn refused(request: u8) -> Entry {
    tenant(What::Refused { request: request_id(request), entity: None, reasons: vec!["no".to_owned()] })
}

pub(crate) fn unchanged(request: u8, entity: u8) -> Entry {
    let handle = "ada".to_owned();
    tenant(What::Unchanged { request: request_id(request), entity: entity_id(entity), handle, satisfied: 1 })
}

pub(crate) fn deferred(request: u8, entity: u8) -> Entry {
    tenant(What::Deferred { request: request_id(request), entity: entity_id(entity) })
}

pub(crate) fn overtaken(number: u64, request: u8) -> Entry {
    tenant(What::Overtaken { number, request: request_id(request) })
}

pub(crate) fn ended(number: u64, end: End) -> Entry {
    Entry::Instance(number, Stamped { at: 2, event: Event::Ended { end } })
}

/// A plan for an outcome from the fact `person.x = value`. The work: `+a` creates `a`, `-a` removes it, `?a` saw it gone, `!a` saw
/// it there.
pub(crate) fn compiled(
    request: u8,
    entity: u8,
    number: u64,
    outcome: &str,
    work: &[&str],
    value: &str,
) -> Entry {
    let facet = |name: &str| Facet {
        entity: entity_id(entity),
        domain: "identity".to_owned(),
        system: "okta".to_owned(),
        name: name.to_owned(),
        element: None,
    };
    let absent = || Observation::Absent(Proof::Implied { by: "the test".to_owned() });
    let there = || Observation::Present(Value::from("present"));
    let (mut changes, mut seen) = (Vec::new(), Vec::new());
    for word in work {
        let facet = facet(&word[1..]);
        let (absent, there): (Observation<Value>, Observation<Value>) = (absent(), there());
        let saw = match &word[..1] {
            "+" => {
                changes.push(Change::create(facet.clone(), "present".into(), absent.absence().unwrap()));
                absent
            }
            "-" => {
                changes.push(Change::remove(facet.clone(), &there.presence().unwrap()));
                there
            }
            "?" => absent,
            _ => there,
        };
        seen.push((facet, Sighting { seen: saw, outputs: Values::new(), marker: None }));
    }
    let facts: Values = [("person.x".to_owned(), value.into())].into();
    let steps = changes.into_iter().enumerate().map(|(at, change)| step(at, change)).collect();
    let plan = Plan {
        id: PlanId(Digest([request; 32])),
        tenant: "acme".to_owned(),
        entity: entity_id(entity),
        kind: "person".to_owned(),
        outcomes: [outcome.to_owned()].into(),
        name: "plan".to_owned(),
        runbook: None,
        steps,
        satisfied: Vec::new(),
        footprint: Footprint { facts, observed: BTreeMap::new() },
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    };
    let subject = Subject {
        entity: entity_id(entity),
        kind: "person".to_owned(),
        facts: BTreeMap::new(),
        links: BTreeMap::new(),
    };
    tenant(What::Compiled(Box::new(Compiled {
        request: request_id(request),
        asked_at: 1,
        number,
        instance: InstanceId::of(request_id(request), plan.id),
        handle: "ada".to_owned(),
        principal: "svc".to_owned(),
        plan,
        evidence: Evidence { subject, only: None, seen, granted: Vec::new(), parent: None },
    })))
}

fn step(at: usize, change: Change) -> Step {
    Step {
        id: StepId(u16::try_from(at).unwrap()),
        node: "node".to_owned(),
        awf: AwfName::new("okta", "do"),
        change: Some(Box::new(change)),
        object: Values::new(),
        inputs: xops_kernel::few::Few::new(),
        personal: BTreeSet::new(),
        after: BTreeSet::new(),
        undo: Undo::Nothing,
        on_reject: OnReject::Backstep,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    }
}
