//! Declarations: what people wrote, checked and typed, without a trace of the file format but for where it stood.
//!
//! Invariants: every collection is ordered by name, so that a bundle has one digest whatever the order of files and blocks;
//! an [`Origin`] never enters a digest, because moving a line changes nothing that is decided.

mod needed;

use crate::awf::{AwfName, Contract};
use crate::canon::Canon;
use crate::expr::{self, Expr};
use crate::id::Digest;
use crate::layer::{Layer, LayerKind, Setting};
use crate::value::{Type, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The seven domains of SYSTEM.
pub const DOMAINS: [&str; 7] =
    ["workforce", "identity", "devices", "software", "workplace", "communications", "service"];

/// Where a declaration stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file, relative to the project's folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Everything that was declared for one tenant, with the contracts of the AWFs that it can use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declarations {
    /// The tenant's name.
    pub tenant: String,
    /// The principal that scheduled and parked work acts as.
    pub principal: String,
    /// The systems, by name.
    pub systems: BTreeMap<String, System>,
    /// The kinds of entity, by name.
    pub entities: BTreeMap<String, EntityKind>,
    /// Named objects of systems, by kind and name: `group.contractors`.
    pub objects: BTreeMap<(String, String), Object>,
    /// The kinds of facet, by domain and name.
    pub facets: BTreeMap<(String, String), FacetKind>,
    /// The route table, by change word, domain and facet name.
    pub routes: BTreeMap<(String, String, String), Route>,
    /// The outcomes, by name.
    pub outcomes: BTreeMap<String, Outcome>,
    /// The runbooks, by name.
    pub runbooks: BTreeMap<String, Runbook>,
    /// The settings that layers may set, by key.
    pub settings: BTreeMap<String, Setting>,
    /// The layers, lowest first, then by name.
    pub layers: BTreeMap<(LayerKind, String), Layer>,
    /// Which attribute of the person chooses the layer of a kind.
    pub layering: BTreeMap<LayerKind, String>,
    /// The events of systems that open work, by system and event.
    pub triggers: BTreeMap<(String, String), Trigger>,
    /// The schedules, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// The contracts of the AWFs, by name.
    pub contracts: BTreeMap<AwfName, Contract>,
}

/// A system of record, as this tenant has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// The manifest that speaks for it.
    pub manifest: String,
    /// Its base address, `https` unless it is on loopback.
    pub base_url: String,
    /// The manifest's variables: tenant, version, token address.
    pub vars: Values,
    /// Where each part of its credential comes from: `env:NAME` or `file:PATH`. Never the secret itself.
    pub credential: BTreeMap<String, String>,
    /// How many calls may be under way at once.
    pub concurrency: u32,
    /// How old a reading may be before it is stale, in milliseconds.
    pub max_age_ms: u64,
    /// Where it stands.
    pub origin: Origin,
}

/// A kind of entity: who mints it, what is known of it, which records belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityKind {
    /// `person`, `device`, ...
    pub name: String,
    /// The kind of record that mints it: system, kind.
    pub mint: (String, String),
    /// The attribute that people call it by.
    pub handle: String,
    /// Its attributes, by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// How the records of other systems are joined to it, by system.
    pub links: BTreeMap<String, Link>,
    /// Where it stands.
    pub origin: Origin,
}

/// An attribute of an entity, with its authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its type.
    pub is: Type,
    /// Whether it says something of a person.
    pub personal: bool,
    /// Its sources, the most authoritative first.
    pub from: Vec<Claim>,
    /// How old a claim may be before it is stale, in milliseconds; the system's `max_age` where it is not declared.
    pub max_age_ms: Option<u64>,
    /// Where it stands.
    pub origin: Origin,
}

/// One source of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The system.
    pub system: String,
    /// The kind of record.
    pub kind: String,
    /// The attribute of the record.
    pub attribute: String,
}

/// An exact key that joins the records of a system to an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The system.
    pub system: String,
    /// The kind of record.
    pub kind: String,
    /// The attribute of the record.
    pub record: String,
    /// The attribute of the entity that equals it, case and surrounding space aside.
    pub entity: String,
    /// Where it stands.
    pub origin: Origin,
}

/// A named object of some system: a group, a channel, a catalogue item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its kind: the root by which expressions name it.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its attributes, `id` among them.
    pub attributes: Values,
    /// Where it stands.
    pub origin: Origin,
}

/// A kind of facet: a word of the outcomes and the system that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetKind {
    /// The domain.
    pub domain: String,
    /// The name inside the domain's block of an outcome.
    pub name: String,
    /// The system that holds it.
    pub system: String,
    /// Whether its value is a set, each element a facet of its own.
    pub set: bool,
    /// Whether what is not declared is removed; else only what xops granted ever is.
    pub exclusive: bool,
    /// The facets (domain, name) that must hold before it.
    pub after: Vec<(String, String)>,
    /// Where it stands.
    pub origin: Origin,
}

/// One row of the route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `create`, `update` or `remove`.
    pub change: String,
    /// The facet's domain.
    pub domain: String,
    /// The facet's name.
    pub facet: String,
    /// The AWF that achieves the change.
    pub awf: AwfName,
    /// Its inputs.
    pub with: BTreeMap<String, Expr>,
    /// Where it stands.
    pub origin: Origin,
}

/// A declared end-state for a persona.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// A sentence for people.
    pub title: String,
    /// The kind of entity that it is for.
    pub entity: String,
    /// The selector.
    pub applies: Expr,
    /// The runbook that knows the order, if one is named.
    pub runbook: Option<String>,
    /// The facets: domain, name, value.
    pub facets: Vec<Desired>,
    /// Where it stands.
    pub origin: Origin,
}

/// One line of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The domain.
    pub domain: String,
    /// The facet's name.
    pub facet: String,
    /// Its value: for a set, a list.
    pub value: Expr,
    /// Where it stands.
    pub origin: Origin,
}

/// A directed graph of AWFs, in variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    /// Its name: `EMP-R-001`.
    pub name: String,
    /// A sentence for people.
    pub title: String,
    /// The plan's name in the trace: `onboard.contractor`.
    pub plan: String,
    /// What a rejection does; the setting `on_reject` of the layers where it is not declared.
    pub on_reject: Option<OnReject>,
    /// The variants, by name.
    pub variants: BTreeMap<String, Variant>,
    /// Where it stands.
    pub origin: Origin,
}

/// One variant of a runbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name: `v3.2`.
    pub name: String,
    /// The nodes, in the order of writing.
    pub nodes: Vec<Node>,
    /// Where it stands.
    pub origin: Origin,
}

/// A node of a runbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, unique in the variant.
    pub name: String,
    /// The AWF.
    pub awf: AwfName,
    /// The nodes before it.
    pub after: Vec<String>,
    /// Its inputs; what is not bound here is bound by the route of the change that it achieves.
    pub with: BTreeMap<String, Expr>,
    /// What its rejection does, where it differs from the runbook's.
    pub on_reject: Option<OnReject>,
    /// Where it stands.
    pub origin: Origin,
}

/// What a rejection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OnReject {
    /// Run the compensations of what was done.
    Backstep,
    /// Compile again against what is true now.
    Replan,
    /// Wait for a person.
    Pause,
}

impl OnReject {
    /// Reads the word of files.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "backstep" => Some(Self::Backstep),
            "replan" => Some(Self::Replan),
            "pause" => Some(Self::Pause),
            _ => None,
        }
    }
}

/// An event of a system that opens work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The system that sends it.
    pub system: String,
    /// The event's name, as the system says it.
    pub event: String,
    /// The kind of entity that it is about.
    pub entity: String,
    /// How the entity is found: attribute of the entity, value from the event (`event.worker.id`).
    pub find: BTreeMap<String, Expr>,
    /// The outcome that is opened; all that apply where it is not named.
    pub outcome: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// A schedule that opens reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// When: a cron line of five fields, in UTC.
    pub cron: String,
    /// The outcomes that it reconciles.
    pub outcomes: Vec<String>,
    /// Where it stands.
    pub origin: Origin,
}

impl Declarations {
    /// BLAKE3 over everything that can change a decision; origins and titles are left out.
    pub fn digest(&self) -> Digest {
        let mut out = Canon::new("xops declarations 1");
        out.text(&self.tenant).text(&self.principal);
        // Where a system lives and how much it bears decide nothing; what its requests are made of does.
        out.all(self.systems.values(), |out, system| {
            out.text(&system.name).text(&system.domain).text(&system.manifest);
            canon_values(out, &system.vars);
        });
        out.all(self.entities.values(), canon_entity);
        out.all(self.objects.values(), |out, object| {
            out.text(&object.kind).text(&object.name);
            canon_values(out, &object.attributes);
        });
        out.all(self.facets.values(), |out, facet| {
            out.text(&facet.domain).text(&facet.name).text(&facet.system);
            out.tag(u8::from(facet.set)).tag(u8::from(facet.exclusive));
            out.all(facet.after.iter(), |out, (domain, name)| {
                out.text(domain).text(name);
            });
        });
        out.all(self.routes.values(), |out, route| {
            out.text(&route.change).text(&route.domain).text(&route.facet).text(&route.awf.to_string());
            canon_with(out, &route.with);
        });
        out.all(self.outcomes.values(), |out, outcome| {
            out.text(&outcome.name).text(&outcome.entity);
            expr::canon(&outcome.applies, out);
            out.maybe(outcome.runbook.as_deref(), |out, name| {
                out.text(name);
            });
            out.all(outcome.facets.iter(), |out, desired| {
                out.text(&desired.domain).text(&desired.facet);
                expr::canon(&desired.value, out);
            });
        });
        out.all(self.runbooks.values(), canon_runbook);
        crate::layer::canon(&self.settings, &self.layers, &self.layering, &mut out);
        out.all(self.contracts.values(), |out, contract| {
            out.text(&contract.name.to_string()).raw(&contract.manifest.0);
        });
        out.digest()
    }
}

fn canon_values(out: &mut Canon, values: &Values) {
    out.all(values.iter(), |out, (name, value)| {
        out.text(name).value(value);
    });
}

fn canon_with(out: &mut Canon, with: &BTreeMap<String, Expr>) {
    out.all(with.iter(), |out, (name, expr)| expr::canon(expr, out.text(name)));
}

fn canon_entity(out: &mut Canon, entity: &EntityKind) {
    out.text(&entity.name).text(&entity.mint.0).text(&entity.mint.1).text(&entity.handle);
    out.all(entity.attributes.iter(), |out, (name, attribute)| {
        out.text(name).text(&attribute.is.to_string()).tag(u8::from(attribute.personal));
        out.maybe(attribute.max_age_ms, |out, age| {
            out.number(age);
        });
        out.all(attribute.from.iter(), |out, claim| {
            out.text(&claim.system).text(&claim.kind).text(&claim.attribute);
        });
    });
    out.all(entity.links.values(), |out, link| {
        out.text(&link.system).text(&link.kind).text(&link.record).text(&link.entity);
    });
}

fn canon_runbook(out: &mut Canon, runbook: &Runbook) {
    out.text(&runbook.name).text(&runbook.plan);
    out.maybe(runbook.on_reject, |out, policy| {
        out.tag(policy as u8);
    });
    out.all(runbook.variants.values(), |out, variant| {
        out.text(&variant.name).all(variant.nodes.iter(), |out, node| {
            out.text(&node.name).text(&node.awf.to_string());
            out.all(node.after.iter(), |out, name| {
                out.text(name);
            });
            canon_with(out, &node.with);
            out.maybe(node.on_reject, |out, policy| {
                out.tag(policy as u8);
            });
        });
    });
}
