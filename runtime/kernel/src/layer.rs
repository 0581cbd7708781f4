//! The eight configuration layers: which value holds for one entity, and why.
//!
//! Invariants: a higher layer never silently widens what a lower one locked; every resolved value knows the layer, file and
//! line that it came from and what it overrode; an attribute that is unknown leaves the settings that its layer could change
//! unknown, and nothing else: what a higher layer overrides, or a lower one locked, it could not change.

use crate::canon::Canon;
use crate::declare::Origin;
use crate::fact::{Facts, Observation};
use crate::value::{Type, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The layers, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the eight words of the glossary")]
pub enum LayerKind {
    Global,
    Tenant,
    Region,
    Country,
    Site,
    Department,
    Team,
    DeviceClass,
}

impl LayerKind {
    /// All layers, lowest first.
    pub const ALL: [Self; 8] = [
        Self::Global,
        Self::Tenant,
        Self::Region,
        Self::Country,
        Self::Site,
        Self::Department,
        Self::Team,
        Self::DeviceClass,
    ];

    /// The layer's word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Tenant => "tenant",
            Self::Region => "region",
            Self::Country => "country",
            Self::Site => "site",
            Self::Department => "department",
            Self::Team => "team",
            Self::DeviceClass => "device_class",
        }
    }

    /// The layer with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A key that layers may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key: words joined by dots.
    pub key: String,
    /// The type of its value.
    pub is: Type,
    /// How the values of several layers become one.
    pub merge: Merge,
    /// Where it stands.
    pub origin: Origin,
}

/// How the values of several layers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Merge {
    /// The highest layer that sets it wins.
    Override,
    /// The lowest layer that sets it wins: what the company fixed, no team changes.
    Lock,
    /// The lists of all layers joined, lowest first, each element once.
    Union,
    /// The least integer.
    Min,
    /// The greatest integer.
    Max,
}

impl Merge {
    /// Every rule with its word in files.
    pub const ALL: [(&'static str, Self); 5] = [
        ("override", Self::Override),
        ("lock", Self::Lock),
        ("union", Self::Union),
        ("min", Self::Min),
        ("max", Self::Max),
    ];

    /// The rule's word in files.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, merge)| *merge == self).map_or("", |(word, _)| word)
    }
}

/// One layer: a kind, a name (`department "Design"`; empty for `global`), and what it sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The kind.
    pub kind: LayerKind,
    /// The name.
    pub name: String,
    /// What it sets, by key, each with its place.
    pub values: BTreeMap<String, (Value, Origin)>,
}

/// A setting's value for one entity, with its provenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The value.
    pub value: Value,
    /// Every layer that had a say, lowest first.
    pub said: Vec<Said>,
    /// The index in `said` of the layer that won; `None` where several became one.
    pub winner: Option<usize>,
}

/// What one layer said of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The layer's kind.
    pub kind: LayerKind,
    /// The layer's name.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// The settings of one entity: a value, or the attribute that must be known first.
pub type Settings = BTreeMap<String, Result<Resolved, String>>;

/// Resolves every setting for an entity with these facts in `tenant`.
pub fn resolve(
    tenant: &str,
    settings: &BTreeMap<String, Setting>,
    layers: &BTreeMap<(LayerKind, String), Layer>,
    layering: &BTreeMap<LayerKind, String>,
    facts: &Facts,
) -> Settings {
    let mut resolved = Settings::new();
    for setting in settings.values() {
        let mut said: Vec<Said> = Vec::new();
        let mut unknown = Vec::new();
        for kind in LayerKind::ALL {
            let touches =
                layers.values().any(|layer| layer.kind == kind && layer.values.contains_key(&setting.key));
            if !touches {
                continue;
            }
            match name_of(kind, tenant, layering, facts) {
                Name::Known(name) => {
                    let layer = layers.get(&(kind, name.clone()));
                    if let Some((value, origin)) = layer.and_then(|layer| layer.values.get(&setting.key)) {
                        said.push(Said { kind, name, value: value.clone(), origin: origin.clone() });
                    }
                }
                Name::None => {}
                Name::Unknown(attribute) => unknown.push((kind, attribute)),
            }
        }
        let matters = |kind: LayerKind| match setting.merge {
            Merge::Override => said.last().is_none_or(|last| kind > last.kind),
            Merge::Lock => said.first().is_none_or(|first| kind < first.kind),
            Merge::Union | Merge::Min | Merge::Max => true,
        };
        match unknown.into_iter().find(|(kind, _)| matters(*kind)).map(|(_, attribute)| attribute) {
            Some(attribute) => drop(resolved.insert(setting.key.clone(), Err(attribute))),
            None if said.is_empty() => {}
            None => drop(resolved.insert(setting.key.clone(), Ok(merge(setting.merge, said)))),
        }
    }
    resolved
}

enum Name {
    Known(String),
    None,
    Unknown(String),
}

fn name_of(kind: LayerKind, tenant: &str, layering: &BTreeMap<LayerKind, String>, facts: &Facts) -> Name {
    match kind {
        LayerKind::Global => Name::Known(String::new()),
        LayerKind::Tenant => Name::Known(tenant.to_owned()),
        _ => match layering.get(&kind) {
            None => Name::None,
            Some(attribute) => match facts.get(attribute) {
                Some(Observation::Present(fact)) => Name::Known(fact.value.to_string()),
                Some(Observation::Absent(_)) => Name::None,
                Some(Observation::Unknown(_)) | None => Name::Unknown(attribute.clone()),
            },
        },
    }
}

fn merge(rule: Merge, said: Vec<Said>) -> Resolved {
    let last = said.len().saturating_sub(1);
    let extreme = |accept: fn(i64, i64) -> bool| {
        let mut best = 0;
        for (at, saying) in said.iter().enumerate() {
            if let (Some(new), Some(old)) = (saying.value.as_int(), said[best].value.as_int())
                && accept(new, old)
            {
                best = at;
            }
        }
        best
    };
    let winner = match rule {
        Merge::Override => Some(last),
        Merge::Lock => Some(0),
        Merge::Min => Some(extreme(|new, old| new < old)),
        Merge::Max => Some(extreme(|new, old| new > old)),
        Merge::Union => None,
    };
    let value = winner.map_or_else(|| union(&said), |at| said[at].value.clone());
    Resolved { value, said, winner }
}

fn union(said: &[Said]) -> Value {
    let mut items = Vec::new();
    for saying in said {
        for item in saying.value.as_list().unwrap_or(std::slice::from_ref(&saying.value)) {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
    }
    Value::List(items)
}

/// Appends the canonical bytes of the layers.
pub(crate) fn canon(
    settings: &BTreeMap<String, Setting>,
    layers: &BTreeMap<(LayerKind, String), Layer>,
    layering: &BTreeMap<LayerKind, String>,
    out: &mut Canon,
) {
    out.all(settings.values(), |out, setting| {
        out.text(&setting.key).text(&setting.is.to_string()).text(setting.merge.word());
    });
    out.all(layers.values(), |out, layer| {
        out.text(layer.kind.word()).text(&layer.name);
        out.all(layer.values.iter(), |out, (key, (value, _))| {
            out.text(key).value(value);
        });
    });
    out.all(layering.iter(), |out, (kind, attribute)| {
        out.text(kind.word()).text(attribute);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[i64]) -> Vec<Said> {
        let saying = |value: &i64| Said {
            kind: LayerKind::Global,
            name: String::new(),
            value: Value::List(vec![Value::Int(*value)]),
            origin: Origin::default(),
        };
        values.iter().map(saying).collect()
    }

    fn numbers(values: &[i64]) -> Vec<Said> {
        let mut all = said(values);
        for (saying, value) in all.iter_mut().zip(values) {
            saying.value = Value::Int(*value);
        }
        all
    }

    #[test]
    fn each_rule_makes_one_value_of_many() {
        assert_eq!(merge(Merge::Override, numbers(&[1, 3, 2])).value, Value::Int(2));
        assert_eq!(merge(Merge::Lock, numbers(&[1, 3, 2])).value, Value::Int(1));
        assert_eq!(merge(Merge::Min, numbers(&[2, 1, 3])).value, Value::Int(1));
        let max = merge(Merge::Max, numbers(&[2, 3, 1]));
        assert_eq!((max.value, max.winner), (Value::Int(3), Some(1)));
        let union = merge(Merge::Union, said(&[2, 1, 2]));
        assert_eq!(union.value, Value::List(vec![Value::Int(2), Value::Int(1)]));
    }
}
