//! Plans: immutable, content-addressed, every input bound and every compensation named.
//!
//! Invariants: the id is the keyed BLAKE3 of the canonical bytes of the steps and the footprint, and of nothing else (not of
//! read times, file positions or lineage); steps stand in canonical order, so a step's predecessors have smaller ids.

use crate::awf::{Achieves, AwfName, From, Undo};
use crate::canon::{Canon, DigestKey};
use crate::declare::OnReject;
use crate::diff::{Change, Facet};
use crate::few::Few;
use crate::id::{Digest, EntityId, PlanId, StepId};
use crate::record::Source;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its id, by content.
    pub id: PlanId,
    /// The tenant.
    pub tenant: String,
    /// The entity.
    pub entity: EntityId,
    /// The entity's kind.
    pub kind: String,
    /// The outcomes that it drives, in order.
    pub outcomes: BTreeSet<String>,
    /// Its name in the trace: `onboard.contractor`.
    pub name: String,
    /// The runbook and the variant, where one gave the order.
    pub runbook: Option<(String, String)>,
    /// The steps, in canonical order.
    pub steps: Vec<Step>,
    /// What was already true.
    pub satisfied: Vec<(Facet, Value)>,
    /// What it was compiled from.
    pub footprint: Footprint,
    /// The records behind the footprint, by reference. Not part of the id.
    pub lineage: BTreeMap<String, Source>,
    /// How many steps may be under way at once.
    pub width: u16,
    /// The plan that this one supersedes.
    pub parent: Option<PlanId>,
    /// The digest of the declarations that it was compiled under. Not part of the id.
    pub declarations: Digest,
}

/// The facts that a plan was compiled from, by value, without read times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// References (`person.email`, `link.slack`, `setting.device_group`) and their values; `Null` for what is proven absent.
    pub facts: BTreeMap<String, Value>,
    /// What the lookups saw: the value of each facet, `None` for what is proven absent.
    pub observed: BTreeMap<Facet, Option<Value>>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place.
    pub id: StepId,
    /// The runbook's node, or the name of the AWF's function where only a route asked for it.
    pub node: String,
    /// The AWF.
    pub awf: AwfName,
    /// The change that it achieves; `None` for messages and the like.
    pub change: Option<Box<Change>>,
    /// The attributes of the declared object that the change is about; what a later removal is bound from.
    pub object: BTreeMap<String, Value>,
    /// Its inputs.
    pub inputs: Few<String, Binding>,
    /// The inputs that may say something of a person.
    pub personal: BTreeSet<String>,
    /// The steps before it.
    pub after: BTreeSet<StepId>,
    /// How it is undone.
    pub undo: Undo,
    /// What its rejection does.
    pub on_reject: OnReject,
    /// The references of the footprint that it hangs on.
    pub hangs_on: BTreeSet<String>,
    /// The manifest that the AWF came from.
    pub manifest: Digest,
}

impl Step {
    /// The word of its change for people: `+`, `~`, `-`, or `>` for a step that changes no facet.
    pub fn sign(&self) -> char {
        match self.change.as_deref().map(Change::kind) {
            Some(Achieves::Create) => '+',
            Some(Achieves::Update) => '~',
            Some(Achieves::Remove) => '-',
            None => '>',
        }
    }
}

/// Where an input of a step comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// A value.
    Literal(Value),
    /// An output of an earlier step.
    Output {
        /// The step.
        step: StepId,
        /// The output.
        name: String,
    },
}

impl Plan {
    /// The plan with its id computed.
    #[must_use]
    pub fn sealed(mut self, key: &DigestKey) -> Self {
        self.id = PlanId(self.canon().keyed_digest(key));
        self
    }

    /// The canonical bytes: what the id is made of.
    pub fn canon(&self) -> Canon {
        let mut out = Canon::new("xops plan 1");
        out.text(&self.tenant).raw(&self.entity.0).text(&self.kind).text(&self.name);
        out.all(self.outcomes.iter(), |out, name| {
            out.text(name);
        });
        out.maybe(self.runbook.as_ref(), |out, (name, variant)| {
            out.text(name).text(variant);
        });
        out.number(u64::from(self.width));
        out.all(self.steps.iter(), canon_step);
        out.all(self.satisfied.iter(), |out, (facet, value)| {
            facet.canon(out);
            out.value(value);
        });
        out.all(self.footprint.facts.iter(), |out, (name, value)| {
            out.text(name).value(value);
        });
        out.all(self.footprint.observed.iter(), |out, (facet, value)| {
            facet.canon(out);
            out.maybe(value.as_ref(), |out, value| {
                out.value(value);
            });
        });
        out.maybe(self.parent, |out, parent| {
            out.raw(&parent.0.0);
        });
        out
    }

    /// The step with this id.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(usize::from(id.0))
    }

    /// The first step that cannot be undone, if one cannot.
    pub fn point_of_no_return(&self) -> Option<&Step> {
        self.steps.iter().find(|step| matches!(step.undo, Undo::Irreversible { .. }))
    }
}

fn canon_step(out: &mut Canon, step: &Step) {
    out.number(u64::from(step.id.0)).text(&step.node).text(&step.awf.to_string());
    out.maybe(step.change.as_ref(), |out, change| change.canon(out));
    // What it grants is taken back by these: two plans that differ in them differ.
    out.all(step.object.iter(), |out, (name, value)| {
        out.text(name).value(value);
    });
    out.all(step.inputs.iter(), |out, (name, binding)| {
        out.text(name);
        match binding {
            Binding::Literal(value) => out.tag(0).value(value),
            Binding::Output { step, name } => out.tag(1).number(u64::from(step.0)).text(name),
        };
    });
    out.all(step.after.iter(), |out, id| {
        out.number(u64::from(id.0));
    });
    canon_undo(out, &step.undo);
    out.tag(step.on_reject as u8).raw(&step.manifest.0);
    out.all(step.hangs_on.iter(), |out, name| {
        out.text(name);
    });
}

fn canon_undo(out: &mut Canon, undo: &Undo) {
    match undo {
        Undo::Nothing => {
            out.tag(0);
        }
        Undo::By { awf, with, loss } => {
            out.tag(1).text(&awf.to_string());
            out.all(with.iter(), |out, (name, from)| {
                out.text(name);
                match from {
                    From::Input(name) => out.tag(0).text(name),
                    From::Output(name) => out.tag(1).text(name),
                    From::Snapshot(name) => out.tag(2).text(name),
                    From::Literal(value) => out.tag(3).value(value),
                };
            });
            out.maybe(loss.as_deref(), |out, loss| {
                out.text(loss);
            });
        }
        Undo::Irreversible { forward } => {
            out.tag(2).maybe(forward.as_ref(), |out, awf| {
                out.text(&awf.to_string());
            });
        }
    }
}
