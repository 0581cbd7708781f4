//! The log of a tenant: what is journaled beside the events of instances.
//!
//! Invariants: the execution log is the recovery log is the audit log: what the Service robot believes is a fold of these
//! entries and of nothing else. Variants are append-only, because they are stored by their position.

use crate::culprit::Culprit;
use crate::declare::Declarations;
use crate::desire::Subject;
use crate::diff::Facet;
use crate::id::{Digest, EntityId, InstanceId, PlanId, RequestId};
use crate::identity::Decision;
use crate::identity::written::Written;
use crate::plan::Plan;
use crate::port::Sighting;
use crate::record::Millis;
use crate::saga::event::Stamped;
use crate::value::Values;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of an instance in its tenant's journal, from 1: short, and in the order of starting.
pub type Number = u64;

/// One entry of a tenant's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// Something happened to the tenant.
    Tenant(Box<Happened>),
    /// Something happened to an instance.
    Instance(Number, Stamped),
}

/// Something that happened to the tenant, with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// When.
    pub at: Millis,
    /// What.
    pub what: What,
}

/// What happened to the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The process opened the journal.
    Opened {
        /// Counts the starts.
        epoch: u32,
        /// The version of xops.
        version: String,
    },
    /// Declarations came into force.
    Declared {
        /// Their digest.
        digest: Digest,
        /// All of them, so that a decision can be derived again under what was in force.
        declarations: Box<Declarations>,
    },
    /// Work was asked for.
    Requested(Box<Request>),
    /// The request leads to no plan.
    Refused {
        /// The request.
        request: RequestId,
        /// The entity, if it was found.
        entity: Option<EntityId>,
        /// Why.
        reasons: Vec<String>,
    },
    /// The entity has an instance under way; the request waits for its end.
    Deferred {
        /// The request.
        request: RequestId,
        /// The entity.
        entity: EntityId,
    },
    /// Everything is already as desired.
    Unchanged {
        /// The request.
        request: RequestId,
        /// The entity.
        entity: EntityId,
        /// What people call it.
        handle: String,
        /// How many facets hold.
        satisfied: u32,
    },
    /// A plan was drawn and its instance begins.
    Compiled(Box<Compiled>),
    /// Something was paused.
    Paused {
        /// What.
        scope: Scope,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A pause was lifted.
    Unpaused {
        /// What.
        scope: Scope,
        /// Who.
        by: String,
    },
    /// The breaker of a system changed.
    Breaker {
        /// The system.
        system: String,
        /// Its state, by its word: `closed`, `open`, `half_open`.
        state: String,
        /// Until when it is open.
        until: Option<Millis>,
    },
    /// A message made a robot panic three times; it is set aside. Decided.
    Poisoned {
        /// The robot.
        robot: String,
        /// What the message was, without its values: a [`Culprit`] as it is printed.
        message: String,
    },
    /// The keys under which a person's values were sealed are to be destroyed: written before they are.
    Erased(Box<Erased>),
    /// An actor panicked over something, which is tried again.
    Struck {
        /// Over what.
        over: Culprit,
        /// The actor.
        robot: String,
        /// What it was doing, in words of ours.
        doing: String,
    },
    /// A person lets what was set aside be tried again.
    Freed {
        /// What.
        over: Culprit,
        /// Who.
        by: String,
    },
    /// Somebody accepted for a while that something is not as it is wanted.
    Acknowledged(Box<Acknowledged>),
    /// A request whose outcome has precedence waits for an instance: that one is to come to a safe end.
    Overtaken {
        /// The instance.
        number: Number,
        /// The request that waits.
        request: RequestId,
    },
    /// Rules came into force by which the records of some kinds of entity are joined; exact keys join those of all others.
    Ruled {
        /// Their digest.
        digest: Digest,
        /// All of them but what people decided, by the kind of entity.
        rules: BTreeMap<String, Written>,
    },
    /// Somebody decided whether two records are of one entity, or took that back.
    Decided(Box<Decided>),
    /// The record behind an id left its system while it was of one entity with another: what is known of the one holds for the other.
    Inherited {
        /// The id whose record is gone.
        from: EntityId,
        /// The entity.
        to: EntityId,
    },
}

/// What somebody decided of two records. It lies under a key of its own, because it may be of two persons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Its id: that of the two records.
    pub id: RequestId,
    /// The kind of entity.
    pub kind: String,
    /// The decision, with its author, its reason and its end.
    pub decision: Decision,
    /// Whether it is taken back.
    pub taken_back: bool,
    /// Whether it stands in the project's files, which take it back too.
    pub declared: bool,
    /// The entities that the records were of, as far as that was known: who is erased is erased here too.
    pub entities: Vec<EntityId>,
}

impl Decided {
    /// The id of a decision about these two records, which are the same two in either order.
    pub fn id_of(tenant: &str, kind: &str, decision: &Decision, declared: bool) -> RequestId {
        let (one, other) = decision.pair();
        let how = match (declared, decision.same) {
            (false, _) => "asked",
            (true, true) => "declared same",
            (true, false) => "declared different",
        };
        RequestId::of(tenant, "decision", &format!("{how}\n{kind}\n{one}\n{other}"))
    }
}

/// A person's decision about one drift: what it covers, who decided, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The drift: the facet, what is wanted and what is there. Another difference of the same facet is another drift.
    pub drift: Digest,
    /// The facet.
    pub facet: Facet,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// Until when; not after the time of the entry takes the decision back.
    pub until: Millis,
}

/// An erasure: what is gone and who asked, and nothing of whom it was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The keyed digest of what people called the entity, so that a second erasure can say that there was a first.
    pub name: Digest,
    /// The entities, opaque.
    pub entities: Vec<EntityId>,
    /// The requests that were about them.
    pub requests: Vec<RequestId>,
    /// The subjects whose keys are destroyed, each with the last generation of its key that is: a later one is not touched.
    pub subjects: Vec<([u8; 16], u32)>,
    /// The instances whose plans lie under those keys. All of them have ended.
    pub instances: Vec<Number>,
    /// Who asked.
    pub by: String,
}

/// A request for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// How it came.
    pub entrance: Entrance,
    /// Who asked.
    pub principal: String,
    /// The kind of entity.
    pub kind: String,
    /// How the entity is found: attributes and values.
    pub find: Values,
    /// The outcome that is asked for; all that apply where it is not named.
    pub outcome: Option<String>,
    /// Whether a hold after a backstep is lifted by it.
    pub release: bool,
}

/// How work enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Entrance {
    /// A person asked.
    Request,
    /// A system said that something happened.
    Event,
    /// It was time to look.
    Schedule,
}

impl Entrance {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Event => "event",
            Self::Schedule => "schedule",
        }
    }
}

/// A plan with everything that it was compiled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// The request.
    pub request: RequestId,
    /// When it was asked for.
    pub asked_at: Millis,
    /// The instance's number.
    pub number: Number,
    /// The instance.
    pub instance: InstanceId,
    /// What people call the entity.
    pub handle: String,
    /// Who acts.
    pub principal: String,
    /// The plan.
    pub plan: Plan,
    /// What it was compiled from, for deriving it again.
    pub evidence: Evidence,
}

/// What a plan was compiled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The entity with what was known of it, with lineage.
    pub subject: Subject,
    /// The outcome that was asked for.
    pub only: Option<String>,
    /// What the lookups saw.
    pub seen: Vec<(Facet, Sighting)>,
    /// What xops had granted.
    pub granted: Vec<(Facet, Values)>,
    /// The plan that this one supersedes.
    pub parent: Option<PlanId>,
}

impl Evidence {
    /// The lookups, by facet.
    pub fn seen(&self) -> BTreeMap<Facet, Sighting> {
        self.seen.iter().cloned().collect()
    }

    /// The grants, by facet.
    pub fn granted(&self) -> BTreeMap<Facet, Values> {
        self.granted.iter().cloned().collect()
    }
}

/// What a pause covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Everything of the tenant.
    All,
    /// A domain.
    Domain(String),
    /// A system.
    System(String),
    /// A runbook.
    Runbook(String),
    /// One instance.
    Instance(InstanceId),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Domain(name) => write!(f, "domain:{name}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Runbook(name) => write!(f, "runbook:{name}"),
            Self::Instance(id) => write!(f, "instance:{id}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "domain" if !name.is_empty() => Ok(Self::Domain(name.to_owned())),
            "system" if !name.is_empty() => Ok(Self::System(name.to_owned())),
            "runbook" if !name.is_empty() => Ok(Self::Runbook(name.to_owned())),
            "instance" => name.parse().map(Self::Instance).map_err(|refused| format!("{refused}")),
            _ => Err(format!(
                "`{text}` is no scope: it is `all`, `domain:NAME`, `system:NAME`, `runbook:NAME` or `instance:ID`"
            )),
        }
    }
}

impl What {
    /// One word, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Declared { .. } => "declared",
            Self::Requested(_) => "requested",
            Self::Refused { .. } => "refused",
            Self::Deferred { .. } => "deferred",
            Self::Unchanged { .. } => "unchanged",
            Self::Compiled(_) => "compiled",
            Self::Paused { .. } => "paused",
            Self::Unpaused { .. } => "unpaused",
            Self::Breaker { .. } => "breaker",
            Self::Poisoned { .. } => "poisoned",
            Self::Erased(_) => "erased",
            Self::Struck { .. } => "struck",
            Self::Freed { .. } => "freed",
            Self::Acknowledged(_) => "acknowledged",
            Self::Overtaken { .. } => "overtaken",
            Self::Ruled { .. } => "ruled",
            Self::Decided(_) => "decided",
            Self::Inherited { .. } => "inherited",
        }
    }

    /// The person whose values the entry carries, if it carries any.
    pub fn subject(&self) -> Option<EntityId> {
        match self {
            Self::Compiled(compiled) => Some(compiled.plan.entity),
            Self::Unchanged { entity, .. } => Some(*entity),
            Self::Refused { entity, .. } => *entity,
            Self::Acknowledged(held) => Some(held.facet.entity),
            _ => None,
        }
    }
}
