//! The difference between what is desired and what is observed, facet by facet.
//!
//! Invariants: `Unknown` gives a [`Blocked`] and never a change; a [`Change`] is made from a proof of what is there now, by
//! constructors that take nothing else.

use crate::awf::Achieves;
use crate::canon::Canon;
use crate::fact::{Absence, Doubt, Observation, Presence, Reason};
use crate::id::EntityId;
use crate::port::Sighting;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The unit of difference: one thing that can be true of an entity in a system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Facet {
    /// The entity.
    pub entity: EntityId,
    /// The domain.
    pub domain: String,
    /// The system that holds it.
    pub system: String,
    /// The facet's name in its domain.
    pub name: String,
    /// The element, where the facet is one of a set.
    pub element: Option<String>,
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.domain, self.name)?;
        self.element.iter().try_for_each(|element| write!(f, "[{element}]"))
    }
}

impl Facet {
    /// Appends the facet's canonical bytes.
    pub fn canon(&self, out: &mut Canon) {
        out.raw(&self.entity.0).text(&self.domain).text(&self.system).text(&self.name);
        out.maybe(self.element.as_deref(), |out, element| {
            out.text(element);
        });
    }
}

/// What the outcomes want of one facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The value.
    pub value: Value,
    /// What the expressions of routes see as `facet.*`: the attributes of the declared object, if it is one.
    pub object: BTreeMap<String, Value>,
    /// The outcomes that want it.
    pub outcomes: BTreeSet<String>,
    /// The attributes of the entity that the wish hangs on.
    pub hangs_on: BTreeSet<String>,
}

/// One change that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    facet: Facet,
    kind: Achieves,
    from: Option<Value>,
    to: Option<Value>,
}

impl Change {
    /// What is proven absent shall be there.
    pub fn create(facet: Facet, to: Value, _proof: Absence<'_>) -> Self {
        Self { facet, kind: Achieves::Create, from: None, to: Some(to) }
    }

    /// What is there shall have another value.
    pub fn update(facet: Facet, from: &Presence<'_, Value>, to: Value) -> Self {
        Self { facet, kind: Achieves::Update, from: Some(from.value().clone()), to: Some(to) }
    }

    /// What is there shall not be.
    pub fn remove(facet: Facet, from: &Presence<'_, Value>) -> Self {
        Self { facet, kind: Achieves::Remove, from: Some(from.value().clone()), to: None }
    }

    /// The facet that changes.
    pub fn facet(&self) -> &Facet {
        &self.facet
    }

    /// The kind of change.
    pub fn kind(&self) -> Achieves {
        self.kind
    }

    /// The value before.
    pub fn from(&self) -> Option<&Value> {
        self.from.as_ref()
    }

    /// The value after.
    pub fn to(&self) -> Option<&Value> {
        self.to.as_ref()
    }

    /// Whether what a lookup sees is what the change is to achieve: `None` while that is unknown.
    pub fn achieved_by(&self, seen: &Observation<Value>) -> Option<bool> {
        match (self.kind, seen) {
            (_, Observation::Unknown(_)) => None,
            (Achieves::Create | Achieves::Update, Observation::Present(value)) => {
                Some(Some(value) == self.to.as_ref())
            }
            (Achieves::Create | Achieves::Update, Observation::Absent(_))
            | (Achieves::Remove, Observation::Present(_)) => Some(false),
            (Achieves::Remove, Observation::Absent(_)) => Some(true),
        }
    }

    /// Appends the change's canonical bytes.
    pub fn canon(&self, out: &mut Canon) {
        self.facet.canon(out);
        out.tag(self.kind as u8);
        for side in [&self.from, &self.to] {
            out.maybe(side.as_ref(), |out, value| {
                out.value(value);
            });
        }
    }
}

/// The result of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What has to change.
    pub changes: Vec<Change>,
    /// What is already as desired: written down as no-ops.
    pub satisfied: Vec<(Facet, Value)>,
    /// What cannot be judged.
    pub blocked: Vec<Blocked>,
}

/// A facet that cannot be judged, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The facet.
    pub facet: Facet,
    /// The doubt.
    pub doubt: Doubt,
}

/// Compares the wishes with what was seen.
///
/// `removable` holds the observed facets that may be removed when nothing wants them: those that xops granted, and those of
/// exclusive kinds. A facet that was not looked at is not in `seen` and blocks.
pub fn between(
    wants: &BTreeMap<Facet, Want>,
    seen: &BTreeMap<Facet, Sighting>,
    removable: &BTreeSet<Facet>,
) -> Difference {
    let mut difference = Difference::default();
    for (facet, want) in wants {
        difference.want(facet, &want.value, seen.get(facet).map(|sighting| &sighting.seen));
    }
    for facet in removable.iter().filter(|facet| !wants.contains_key(*facet)) {
        difference.lose(facet, seen.get(facet).map(|sighting| &sighting.seen));
    }
    difference
}

impl Difference {
    /// Judges one facet that is wanted as `value`: what was not looked at blocks.
    pub fn want(&mut self, facet: &Facet, value: &Value, seen: Option<&Observation<Value>>) {
        match seen {
            None => {
                let detail = "nothing has looked at it".to_owned();
                let doubt = Doubt { reason: Reason::NeverRead, detail, since: 0 };
                self.blocked.push(Blocked { facet: facet.clone(), doubt });
            }
            Some(Observation::Unknown(doubt)) => self.block(facet, doubt),
            Some(observation) => {
                if let Some(absence) = observation.absence() {
                    self.changes.push(Change::create(facet.clone(), value.clone(), absence));
                } else if let Some(presence) = observation.presence() {
                    if presence.value() == value {
                        self.satisfied.push((facet.clone(), value.clone()));
                    } else {
                        self.changes.push(Change::update(facet.clone(), &presence, value.clone()));
                    }
                }
            }
        }
    }

    /// Judges one facet that nothing wants and that may be taken back: what was not looked at stays.
    pub fn lose(&mut self, facet: &Facet, seen: Option<&Observation<Value>>) {
        match seen {
            Some(Observation::Unknown(doubt)) => self.block(facet, doubt),
            Some(observation) => {
                let removal = observation.presence().map(|presence| Change::remove(facet.clone(), &presence));
                self.changes.extend(removal);
            }
            None => {}
        }
    }

    fn block(&mut self, facet: &Facet, doubt: &Doubt) {
        self.blocked.push(Blocked { facet: facet.clone(), doubt: doubt.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Proof;

    fn facet(name: &str) -> Facet {
        Facet {
            entity: EntityId([1; 16]),
            domain: "identity".into(),
            system: "okta".into(),
            name: name.into(),
            element: None,
        }
    }

    fn sighting(seen: Observation<Value>) -> Sighting {
        Sighting { seen, outputs: BTreeMap::new(), marker: None }
    }

    fn check(wanted: Option<&str>, seen: Option<Observation<Value>>, granted: bool, expect: &str) {
        let want = |value: &str| Want {
            value: value.into(),
            object: BTreeMap::new(),
            outcomes: BTreeSet::new(),
            hangs_on: BTreeSet::new(),
        };
        let wants = wanted.map(|value| (facet("account"), want(value))).into_iter().collect();
        let seen = seen.map(|seen| (facet("account"), sighting(seen))).into_iter().collect();
        let removable = granted.then(|| facet("account")).into_iter().collect();
        let difference = between(&wants, &seen, &removable);
        let mut told: Vec<String> =
            difference.changes.iter().map(|change| change.kind().word().to_owned()).collect();
        told.extend(difference.satisfied.iter().map(|_| "no-op".to_owned()));
        told.extend(
            difference.blocked.iter().map(|blocked| format!("blocked: {}", blocked.doubt.reason.word())),
        );
        assert_eq!(told.join(", "), expect);
    }

    #[test]
    fn only_proofs_become_changes() {
        let present = |value: &str| Some(Observation::Present(value.into()));
        let absent =
            || Some(Observation::Absent(Proof::Snapshot { system: "okta".into(), read: "users".into() }));
        let unknown =
            || Some(Observation::Unknown(Doubt { reason: Reason::Stale, detail: String::new(), since: 0 }));
        check(Some("a"), absent(), false, "create");
        check(Some("a"), present("b"), false, "update");
        check(Some("a"), present("a"), false, "no-op");
        check(Some("a"), unknown(), false, "blocked: stale");
        check(Some("a"), None, false, "blocked: never read");
        check(None, present("a"), true, "remove");
        check(None, present("a"), false, "");
        check(None, absent(), true, "");
        check(None, unknown(), true, "blocked: stale");
        check(None, None, true, "");
    }
}
