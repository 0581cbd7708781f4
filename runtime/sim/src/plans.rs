//! Plans of the model's AWFs, drawn from a seed.
//!
//! Each step has an address of its own, but for the members of shared sets, so that what became of it can be read off the world.

use crate::model::Model;
use crate::seed::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::awf::{Achieves, AwfName};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::OnReject;
use xops_kernel::diff::{Change, Facet};
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::few::Few;
use xops_kernel::id::{Digest, EntityId, PlanId, StepId};
use xops_kernel::plan::{Binding, Footprint, Plan, Step};
use xops_kernel::port::Connector;
use xops_kernel::value::Value;

/// The AWFs that plans are made of.
pub const FORWARD: [&str; 12] = [
    "put.create",
    "put.update",
    "put.remove",
    "keyed.create",
    "unique.create",
    "strict.create",
    "marked.create",
    "bare.create",
    "blind.send",
    "blind.grant",
    "note.post",
    "set.add",
];

/// Those whose every ambiguity resolves by itself and whose effect is always attributed.
pub const SURE: [&str; 7] = [
    "put.create",
    "put.update",
    "keyed.create",
    "unique.create",
    "strict.create",
    "marked.create",
    "note.post",
];

/// What the tenant's digests are keyed with in the simulation.
pub const KEY: DigestKey = DigestKey([7; 32]);

/// A plan and what is there before it runs.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The objects that are there before: address and value.
    pub before: Vec<(String, String)>,
}

/// One step to be made.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The AWF: `put.create`.
    pub awf: String,
    /// The steps before it.
    pub after: BTreeSet<u16>,
    /// What its rejection does.
    pub on_reject: OnReject,
    /// What is there before, where that is not what the AWF needs.
    pub there: Option<String>,
}

/// A wish without predecessors.
pub fn wish(awf: &str) -> Wish {
    Wish { awf: awf.to_owned(), after: BTreeSet::new(), on_reject: OnReject::Backstep, there: None }
}

/// The wishes one after the other.
pub fn line(awfs: &[&str]) -> Vec<Wish> {
    let nth = |(at, awf): (usize, &&str)| {
        let after = u16::try_from(at).ok().and_then(|at| at.checked_sub(1)).into_iter().collect();
        Wish { after, ..wish(awf) }
    };
    awfs.iter().enumerate().map(nth).collect()
}

/// Wishes for `steps` steps of `awfs` with random edges, rejections and things that are there already.
pub fn draw(dice: &mut Dice, steps: u16, awfs: &[&str]) -> Vec<Wish> {
    let one = |at: u16, dice: &mut Dice| {
        let mut made = wish(awfs[dice.place(awfs.len())]);
        for _ in 0..dice.below(3) {
            if at > 0 {
                made.after.insert(u16::try_from(dice.below(u64::from(at))).unwrap_or(0));
            }
        }
        made.on_reject = match dice.below(8) {
            0 => OnReject::Replan,
            1 => OnReject::Pause,
            _ => OnReject::Backstep,
        };
        if dice.chance(120) {
            made.there =
                Some(if dice.chance(600) { format!("wanted-{at}") } else { format!("foreign-{at}") });
        }
        made
    };
    (0..steps).map(|at| one(at, dice)).collect()
}

/// The plan of `wishes`; `name` makes its addresses its own.
pub fn plan(name: &str, width: u16, wishes: &[Wish]) -> Scene {
    let model = Model::shared();
    let mut before = Vec::new();
    let steps = wishes
        .iter()
        .enumerate()
        .map(|(at, wish)| step(&model, name, at, wish, wishes, &mut before))
        .collect();
    let plan = Plan {
        id: PlanId::default(),
        tenant: "sim".into(),
        entity: EntityId([3; 16]),
        kind: "person".into(),
        outcomes: ["sim".to_owned()].into(),
        name: name.to_owned(),
        runbook: None,
        steps,
        satisfied: Vec::new(),
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width,
        parent: None,
        declarations: Digest::default(),
    };
    Scene { plan: Arc::new(plan.sealed(&KEY)), before }
}

fn step(
    model: &Model,
    name: &str,
    at: usize,
    wish: &Wish,
    wishes: &[Wish],
    before: &mut Vec<(String, String)>,
) -> Step {
    let (system, function) = wish.awf.split_once('.').unwrap_or((&wish.awf, ""));
    let awf = AwfName::new(system, function);
    let contract = model.contract(&awf);
    assert!(contract.is_some(), "`{awf}` is an AWF of the model");
    let id = if system == "set" { format!("set-{}", at % 2) } else { format!("{name}-{at}") };
    let (old, new) = (Value::from(format!("old-{at}")), Value::from(format!("wanted-{at}")));
    let member = Value::from(format!("{name}-{at}"));
    let shelf = format!("/{system}/{id}");
    let kind = contract.and_then(|contract| contract.achieves);
    let to = if system == "set" { member.clone() } else { new.clone() };
    let change = kind.and_then(|kind| change(kind, system, &format!("{name}-{at}"), old.clone(), to));
    // What stands in the way of a creation is another's; what marks its own things has nothing of others at its address.
    match kind {
        Some(Achieves::Create) if !matches!(system, "set" | "keyed" | "blind" | "marked") => {
            before.extend(wish.there.clone().map(|value| (shelf, value)));
        }
        Some(Achieves::Update | Achieves::Remove) => {
            before.push((shelf, wish.there.clone().unwrap_or(old.to_string())));
        }
        _ => {}
    }
    let mut inputs: Few<String, Binding> = Few::new();
    inputs.insert("id".into(), Binding::Literal(Value::from(id)));
    inputs.insert("member".into(), Binding::Literal(member));
    inputs.insert("value".into(), Binding::Literal(new));
    let gives = |parent: &u16| {
        let awf = wishes.get(usize::from(*parent)).map_or("", |parent| parent.awf.as_str());
        matches!(
            awf,
            "put.create"
                | "keyed.create"
                | "unique.create"
                | "strict.create"
                | "marked.create"
                | "bare.create"
        )
    };
    if let Some(parent) = wish.after.iter().find(|parent| gives(parent)).filter(|_| system == "note") {
        inputs.insert("value".into(), Binding::Output { step: StepId(*parent), name: "serial".into() });
    }
    Step {
        id: StepId(u16::try_from(at).unwrap_or(u16::MAX)),
        node: format!("{}-{at}", wish.awf),
        awf,
        change: change.map(Box::new),
        object: BTreeMap::new(),
        inputs,
        personal: BTreeSet::new(),
        after: wish.after.iter().copied().map(StepId).collect(),
        undo: contract.map_or(xops_kernel::awf::Undo::Nothing, |contract| contract.undo.clone()),
        on_reject: wish.on_reject,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    }
}

/// The change of a step, from the proof that it needs.
fn change(kind: Achieves, system: &str, name: &str, old: Value, to: Value) -> Option<Change> {
    let facet = Facet {
        entity: EntityId([3; 16]),
        domain: "sim".into(),
        system: system.to_owned(),
        name: name.to_owned(),
        element: None,
    };
    let absent: Observation<Value> = Observation::Absent(Proof::Implied { by: "the start".into() });
    let present = Observation::Present(old);
    match kind {
        Achieves::Create => absent.absence().map(|absence| Change::create(facet, to, absence)),
        Achieves::Update => present.presence().map(|presence| Change::update(facet, &presence, to)),
        Achieves::Remove => present.presence().map(|presence| Change::remove(facet, &presence)),
    }
}
