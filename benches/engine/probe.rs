//! A system that does nothing, and an instance of eight steps of it with all its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::awf::{Ambiguity, AwfName, Contract, Input, Undo};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::OnReject;
use xops_kernel::gate::{self, Sheet};
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId, RequestId, StepId};
use xops_kernel::machine::Machine;
use xops_kernel::plan::{Binding, Footprint, Plan, Step};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::saga::event::{Effect, Event, Stamped};
use xops_kernel::saga::state::State;
use xops_kernel::saga::{Bounds, Saga, Shared};
use xops_kernel::value::{Type, Value, Values};

const KEY: DigestKey = DigestKey([1; 32]);
const AT: u64 = 1_795_300_000_000;

struct Probe(BTreeMap<AwfName, Contract>);

fn name(at: u16) -> AwfName {
    AwfName::new("probe", &format!("step_{at}"))
}

fn contract(name: AwfName) -> Contract {
    Contract {
        name,
        achieves: None,
        inputs: BTreeMap::from([(
            "value".to_owned(),
            Input { is: Type::Text, required: true, personal: false },
        )]),
        outputs: BTreeMap::from([("result".to_owned(), Type::Text)]),
        undo: Undo::Nothing,
        ambiguity: Ambiguity::Resend { lifetime_ms: None },
        snapshot: false,
        readback: None,
        locks: Vec::new(),
        timeout_ms: 30_000,
        tries_max: 3,
        manifest: Digest::default(),
    }
}

fn step(at: u16) -> Step {
    Step {
        id: StepId(at - 1),
        node: format!("step_{at}"),
        awf: name(at),
        change: None,
        object: BTreeMap::new(),
        inputs: xops_kernel::few::Few::from([(
            "value".to_owned(),
            Binding::Literal(Value::from("a small value")),
        )]),
        personal: BTreeSet::new(),
        after: (at > 1).then(|| StepId(at - 2)).into_iter().collect(),
        undo: Undo::Nothing,
        on_reject: OnReject::Backstep,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    }
}

/// The `n`th instance, before it began.
pub(crate) fn saga(n: u64) -> Saga {
    let plan = Plan {
        id: PlanId::default(),
        tenant: "bench".to_owned(),
        entity: EntityId::mint("bench", "probe", "probe", "1", &KEY),
        kind: "probe".to_owned(),
        outcomes: BTreeSet::new(),
        name: "bench.w1".to_owned(),
        runbook: None,
        steps: (1..=8).map(step).collect(),
        satisfied: Vec::new(),
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    };
    let plan = plan.sealed(&KEY);
    let shared = Shared {
        tenant: "bench".to_owned(),
        connector: Arc::new(Probe((1..=8).map(|at| (name(at), contract(name(at)))).collect())),
        systems: BTreeMap::new(),
        key: KEY,
        bounds: Bounds::default(),
    };
    let instance = InstanceId::of(RequestId::of("bench", "bench", &n.to_string()), plan.id);
    Saga { instance, plan: Arc::new(plan), shared: Arc::new(shared) }
}

/// Its events from start to end, as the engine would write them: what follows from the state is decided, what is asked for is
/// judged or answered at once.
pub(crate) fn events(saga: &Saga) -> Vec<Stamped> {
    run(saga, |_| false).0
}

/// Its state when its first call may be sent.
pub(crate) fn ready(saga: &Saga) -> State {
    run(saga, |event| matches!(event, Event::Judged { .. })).1
}

fn run(saga: &Saga, stop: impl Fn(&Event) -> bool) -> (Vec<Stamped>, State) {
    let (mut state, mut events, mut wanted) = (saga.fresh(), Vec::new(), Vec::new());
    let mut next = Some(Event::Started);
    while let Some(event) = next {
        let stamped = Stamped { at: AT + events.len() as u64, event };
        saga.step(&mut state, &stamped, &mut wanted).expect("the event follows");
        let over = stop(&stamped.event);
        events.push(stamped);
        if over {
            break;
        }
        let decided = saga.decide(&state).map(|stamped| stamped.event);
        next = decided.or_else(|| wanted.pop().map(answer));
    }
    (events, state)
}

fn answer(effect: Effect) -> Event {
    match effect {
        Effect::Confirm { step, dir, attempt } => {
            let sheet = Sheet::default();
            let verdict = gate::judge(dir, &sheet);
            Event::Judged { step, dir, attempt, sheet, verdict }
        }
        Effect::Call { step, attempt, .. } => {
            let outputs = Values::from([("result".to_owned(), Value::from(r#"{"id":"n-4711","ok":true}"#))]);
            Event::Answered { step, attempt, outcome: Outcome::Ok(outputs) }
        }
        Effect::Look { step, attempt, phase, .. } => {
            Event::Missed { step, attempt, phase, outcome: Outcome::Absent }
        }
        Effect::Wake { step, attempt, .. } => Event::Woke { step, attempt },
    }
}

impl Connector for Probe {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.0.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let input = ask.inputs.values().next().and_then(Value::as_text).unwrap_or_default();
        Ok(Request {
            system: "probe".to_owned(),
            method: "POST".to_owned(),
            url: format!("http://127.0.0.1/{}", ask.awf.function),
            query: Vec::new(),
            headers: vec![("idempotency-key".to_owned(), ask.key.to_string())],
            content_type: Some("application/json".to_owned()),
            body: format!("{{\"value\":{input:?}}}").into_bytes(),
        })
    }

    fn classify(&self, _ask: &Ask<'_>, _response: &Response) -> Outcome {
        Outcome::Ok(Values::new())
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Absent)
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        Vec::new()
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: read.read.to_owned(), why: "it has no reads".to_owned() })
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Outcome::Absent)
    }
}
