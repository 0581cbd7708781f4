//! A system that does nothing, in this process: eight functions with a small answer, seven compensations, one plan over them.
//!
//! Invariants: the request is rendered and the answer classified as a manifest's would be; nothing waits, so that what is
//! measured is the engine.

use crate::arguments::bench::Work;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use xops_kernel::awf::{Ambiguity, AwfName, Contract, From, Input, Undo};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{Declarations, OnReject, System};
use xops_kernel::desire::Subject;
use xops_kernel::few::Few;
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId, StepId};
use xops_kernel::log::{Compiled, Entrance, Evidence, Request as Asked};
use xops_kernel::plan::{Binding, Footprint, Plan, Step};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::record::Millis;
use xops_kernel::value::{Type, Value, Values};
use xops_shell::engine::UNPERSONAL;
use xops_shell::transport::{Lost, Transport};

/// The system's name.
pub(super) const SYSTEM: &str = "noop";
/// How many functions it has.
const STEPS: u16 = 8;

/// The connector.
pub(super) struct Noop {
    contracts: BTreeMap<AwfName, Contract>,
}

/// The wire: answers at once.
pub(super) struct Loopback {
    rejects: bool,
    calls: AtomicU64,
}

impl Noop {
    /// The contracts for a work.
    pub(super) fn new(work: Work) -> Self {
        let names = (1..=STEPS).flat_map(|at| [step_name(at), undo_name(at)]);
        let contracts = names.chain([rest_name()]).map(|name| (name.clone(), contract(name, work))).collect();
        Self { contracts }
    }

    /// All contracts.
    pub(super) fn contracts(&self) -> impl Iterator<Item = &Contract> {
        self.contracts.values()
    }

    /// What a tenant with this system alone declares.
    pub(super) fn declarations(&self, in_flight: u64) -> Declarations {
        let system = System {
            name: SYSTEM.to_owned(),
            domain: "service".to_owned(),
            manifest: SYSTEM.to_owned(),
            concurrency: u32::try_from(in_flight).unwrap_or(u32::MAX),
            ..System::default()
        };
        Declarations {
            tenant: super::TENANT.to_owned(),
            principal: "benchmark".to_owned(),
            systems: BTreeMap::from([(SYSTEM.to_owned(), system)]),
            contracts: self.contracts.clone(),
            ..Declarations::default()
        }
    }
}

impl Loopback {
    /// A wire for a work.
    pub(super) fn new(work: Work) -> Self {
        Self { rejects: work == Work::W4, calls: AtomicU64::new(0) }
    }

    /// How many calls it answered.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The function that says `later`, for what is to rest until a time.
pub(super) fn rest_name() -> AwfName {
    AwfName::new(SYSTEM, "rest")
}

fn step_name(at: u16) -> AwfName {
    AwfName::new(SYSTEM, &format!("step_{at}"))
}

fn undo_name(at: u16) -> AwfName {
    AwfName::new(SYSTEM, &format!("undo_{at}"))
}

fn undo(name: &AwfName, work: Work) -> Undo {
    match (work, name.function.strip_prefix("step_")) {
        (Work::W4, Some(at)) => Undo::By {
            awf: AwfName::new(SYSTEM, &format!("undo_{at}")),
            with: BTreeMap::from([("result".to_owned(), From::Output("result".to_owned()))]),
            loss: None,
        },
        _ => Undo::Nothing,
    }
}

fn contract(name: AwfName, work: Work) -> Contract {
    let undo = undo(&name, work);
    let input = if name.function.starts_with("undo_") { "result" } else { "value" };
    let declared = Input { is: Type::Text, required: true, personal: false };
    Contract {
        undo,
        name,
        achieves: None,
        inputs: BTreeMap::from([(input.to_owned(), declared)]),
        outputs: BTreeMap::from([("result".to_owned(), Type::Text)]),
        ambiguity: Ambiguity::Resend { lifetime_ms: None },
        snapshot: false,
        readback: None,
        locks: Vec::new(),
        timeout_ms: 30_000,
        tries_max: 3,
        manifest: Digest::default(),
    }
}

/// The one plan: eight steps, each after the one before.
pub(super) fn plan(work: Work, key: &DigestKey) -> Plan {
    let step = |at: u16| Step {
        id: StepId(at - 1),
        node: format!("step_{at}"),
        awf: step_name(at),
        change: None,
        object: BTreeMap::new(),
        inputs: Few::from([("value".to_owned(), Binding::Literal(Value::from("a small value")))]),
        personal: BTreeSet::new(),
        after: (at > 1).then(|| StepId(at - 2)).into_iter().collect(),
        undo: undo(&step_name(at), work),
        on_reject: OnReject::Backstep,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    };
    let plan = Plan {
        id: PlanId::default(),
        tenant: super::TENANT.to_owned(),
        entity: EntityId::mint(super::TENANT, SYSTEM, UNPERSONAL, "1", key),
        kind: UNPERSONAL.to_owned(),
        outcomes: BTreeSet::new(),
        name: format!("bench.{}", work.word()),
        runbook: None,
        steps: (1..=STEPS).map(step).collect(),
        satisfied: Vec::new(),
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    };
    plan.sealed(key)
}

/// The `n`th request, and the instance that it leads to.
pub(super) fn begin(plan: &Plan, n: u64, at: Millis) -> (Asked, Box<Compiled>) {
    let request = RequestId::of(&plan.tenant, "bench", &n.to_string());
    let asked = Asked {
        id: request,
        entrance: Entrance::Request,
        principal: "benchmark".to_owned(),
        kind: plan.kind.clone(),
        find: Values::new(),
        outcome: None,
        release: false,
    };
    let compiled = Compiled {
        request,
        asked_at: at,
        number: 0,
        instance: InstanceId::of(request, plan.id),
        handle: "probe".to_owned(),
        principal: "benchmark".to_owned(),
        plan: plan.clone(),
        evidence: Evidence {
            subject: Subject {
                entity: plan.entity,
                kind: plan.kind.clone(),
                facts: xops_kernel::fact::Facts::default(),
                links: BTreeMap::new(),
            },
            only: None,
            seen: Vec::new(),
            granted: Vec::new(),
            parent: None,
        },
    };
    (asked, Box::new(compiled))
}

impl Connector for Noop {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let input = ask.inputs.values().next().and_then(Value::as_text).unwrap_or_default();
        Ok(Request {
            system: SYSTEM.to_owned(),
            method: "POST".to_owned(),
            url: format!("http://127.0.0.1/{}", ask.awf.function),
            query: Vec::new(),
            headers: vec![("idempotency-key".to_owned(), ask.key.to_string())],
            content_type: Some("application/json".to_owned()),
            body: format!("{{\"value\":{input:?}}}").into_bytes(),
        })
    }

    fn classify(&self, _ask: &Ask<'_>, response: &Response) -> Outcome {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        match response.status {
            200 => Outcome::Ok(BTreeMap::from([("result".to_owned(), Value::Text(text))])),
            429 => Outcome::RateLimited { retry_after_ms: text.parse().ok() },
            _ => Outcome::Invalid(text),
        }
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Invalid("it has no lookups".to_owned()))
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        Vec::new()
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: read.read.to_owned(), why: "it has no reads".to_owned() })
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Outcome::Invalid("it has no reads".to_owned()))
    }
}

impl Transport for Loopback {
    fn send(&self, request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let answer = self.at_once(&request);
        async move { answer.unwrap_or_else(|| Err(Lost::NotSent("it answers at once".to_owned()))) }.boxed()
    }

    fn at_once(&self, request: &Request) -> Option<Result<Response, Lost>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let rejected = self.rejects && request.url.ends_with("/step_8");
        let (status, body) = if rejected {
            (422, br#"{"error":"rejected"}"#.to_vec())
        } else {
            (200, br#"{"id":"n-4711","ok":true}"#.to_vec())
        };
        Some(Ok(Response { status, headers: Vec::new(), body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_plan_has_a_contract_and_so_has_its_compensation() {
        for work in [Work::W1, Work::W4] {
            let (noop, plan) = (Noop::new(work), plan(work, &DigestKey([1; 32])));
            for step in &plan.steps {
                assert!(noop.contract(&step.awf).is_some(), "{}", step.awf);
                if let Undo::By { awf, .. } = &step.undo {
                    assert!(noop.contract(awf).is_some(), "{awf}");
                }
            }
        }
    }

    #[test]
    fn only_the_last_step_of_w4_is_rejected() {
        let wire = Loopback::new(Work::W4);
        let status = |function: &str| {
            let request = Request {
                system: SYSTEM.to_owned(),
                method: "POST".to_owned(),
                url: format!("http://127.0.0.1/{function}"),
                query: Vec::new(),
                headers: Vec::new(),
                content_type: None,
                body: Vec::new(),
            };
            wire.at_once(&request).unwrap().unwrap().status
        };
        assert_eq!((status("step_7"), status("step_8"), status("undo_7")), (200, 422, 200));
        assert_eq!(wire.calls(), 3);
    }
}
