//! What the declared outcomes want of one entity.
//!
//! Invariants: outcomes union over facets; two values for one facet are refused; a selector that hangs on something unknown
//! selects nothing and says so; every attribute that was looked at is written down, because it becomes the footprint.

use crate::declare::{Declarations, Desired, Outcome};
use crate::diff::{Facet, Want};
use crate::expr::{self, Known, Path};
use crate::fact::{Facts, Observation};
use crate::id::EntityId;
use crate::layer::{self, Settings};
use crate::record::Record;
use crate::value::{Value, Values};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of one entity when its plan is drawn.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subject {
    /// The entity.
    pub entity: EntityId,
    /// Its kind: `person`.
    pub kind: String,
    /// What is known of it.
    pub facts: Facts,
    /// Its records in the systems, by system.
    pub links: BTreeMap<String, Observation<Record>>,
}

/// What is wanted of one entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desire {
    /// The outcomes that apply.
    pub outcomes: BTreeSet<String>,
    /// What they want.
    pub wants: BTreeMap<Facet, Want>,
    /// The attributes that the choice of the outcomes hung on.
    pub chosen_by: BTreeSet<String>,
    /// The settings that hold.
    pub settings: Settings,
}

/// Why no wish could be made out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Undesired {
    /// A selector or a value hangs on something unknown.
    #[error("outcome `{outcome}` hangs on `{what}`, which is unknown")]
    Unknown {
        /// The outcome.
        outcome: String,
        /// The reference.
        what: String,
    },
    /// A line of an outcome has no value for this entity.
    #[error("outcome `{outcome}` wants `{facet}`, but its value is nothing: `{what}` is absent")]
    Nothing {
        /// The outcome.
        outcome: String,
        /// The facet.
        facet: String,
        /// What the value was made of.
        what: String,
    },
    /// Two outcomes want different values.
    #[error("`{facet}` is wanted as `{one}` by `{first}` and as `{other}` by `{second}`")]
    Conflict {
        /// The facet.
        facet: String,
        /// The first value.
        one: String,
        /// The first outcome.
        first: String,
        /// The second value.
        other: String,
        /// The second outcome.
        second: String,
    },
    /// A facet that the outcome names is not declared.
    #[error("outcome `{outcome}` wants `{facet}`, which no facet declares")]
    Undeclared {
        /// The outcome.
        outcome: String,
        /// The facet.
        facet: String,
    },
}

/// The scope of the outcomes, which remembers what it was asked.
pub(crate) struct Asked<'a> {
    pub(crate) declarations: &'a Declarations,
    pub(crate) subject: &'a Subject,
    pub(crate) settings: &'a Settings,
    pub(crate) seen: RefCell<BTreeSet<String>>,
}

impl expr::Scope for Asked<'_> {
    fn lookup(&self, path: &Path) -> Known {
        if path.root == self.subject.kind {
            let Some(attribute) = path.first() else { return Known::Value(Value::Null) };
            self.seen.borrow_mut().insert(format!("{}.{attribute}", path.root));
            return of_observation(self.subject.facts.get(attribute), path, |fact| {
                path.follow(1, &fact.value)
            });
        }
        match path.root.as_str() {
            "setting" => self.setting(path),
            "link" => {
                let Some(system) = path.first() else { return Known::Value(Value::Null) };
                self.seen.borrow_mut().insert(format!("link.{system}"));
                of_observation(self.subject.links.get(system), path, |record| path.follow(1, &linked(record)))
            }
            "tenant" => Known::Value(self.declarations.tenant.as_str().into()),
            kind => {
                let object = path
                    .first()
                    .and_then(|name| self.declarations.objects.get(&(kind.to_owned(), name.to_owned())));
                Known::Value(object.map_or(Value::Null, |object| {
                    let mut attributes = object.attributes.clone();
                    attributes.insert("name".to_owned(), object.name.as_str().into());
                    path.follow(1, &Value::Map(attributes))
                }))
            }
        }
    }
}

impl Asked<'_> {
    fn setting(&self, path: &Path) -> Known {
        let words: Vec<&str> = path
            .segments
            .iter()
            .map_while(|segment| match segment {
                expr::Segment::Attr(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let key = words.join(".");
        self.seen.borrow_mut().insert(format!("setting.{key}"));
        match self.settings.get(&key) {
            Some(Ok(resolved)) => Known::Value(resolved.value.clone()),
            Some(Err(attribute)) => Known::Unknown([format!("{}.{attribute}", self.subject.kind)].into()),
            None => Known::Value(Value::Null),
        }
    }
}

fn of_observation<T>(seen: Option<&Observation<T>>, path: &Path, then: impl FnOnce(&T) -> Value) -> Known {
    match seen {
        Some(Observation::Present(value)) => Known::Value(then(value)),
        Some(Observation::Absent(_)) => Known::Value(Value::Null),
        Some(Observation::Unknown(_)) | None => Known::Unknown([path.to_string()].into()),
    }
}

/// A record as expressions see it: its attributes, and `id`.
pub(crate) fn linked(record: &Record) -> Value {
    let mut attributes: Values = record.attributes.clone();
    attributes.insert("id".to_owned(), record.source.id.as_str().into());
    Value::Map(attributes)
}

/// Makes out what the outcomes want of an entity; `only` narrows them to the one that a request named.
pub fn desire(
    declarations: &Declarations,
    known: &Subject,
    only: Option<&str>,
) -> Result<Desire, Vec<Undesired>> {
    let settings = layer::resolve(
        &declarations.tenant,
        &declarations.settings,
        &declarations.layers,
        &declarations.layering,
        &known.facts,
    );
    let mut desire = Desire::default();
    let mut refused = Vec::new();
    let named =
        |outcome: &&Outcome| only.is_none_or(|name| outcome.name == name) && outcome.entity == known.kind;
    for outcome in declarations.outcomes.values().filter(named) {
        let scope = Asked { declarations, subject: known, settings: &settings, seen: RefCell::default() };
        let holds = expr::holds(&outcome.applies, &scope);
        let chosen_by = scope.seen.take();
        match holds {
            Ok(false) => {}
            Ok(true) => {
                desire.outcomes.insert(outcome.name.clone());
                for line in &outcome.facets {
                    let scope =
                        Asked { declarations, subject: known, settings: &settings, seen: RefCell::default() };
                    refused.extend(wish(&mut desire.wants, outcome, line, &scope, &chosen_by));
                }
                desire.chosen_by.extend(chosen_by);
            }
            Err(what) => refused.extend(unknown(outcome, what)),
        }
    }
    desire.settings = settings;
    if refused.is_empty() {
        Ok(desire)
    } else {
        refused.sort();
        refused.dedup();
        Err(refused)
    }
}

fn unknown(outcome: &Outcome, what: BTreeSet<String>) -> Vec<Undesired> {
    what.into_iter().map(|what| Undesired::Unknown { outcome: outcome.name.clone(), what }).collect()
}

/// Adds one line of an outcome to the wishes.
fn wish(
    wants: &mut BTreeMap<Facet, Want>,
    outcome: &Outcome,
    line: &Desired,
    scope: &Asked<'_>,
    chosen_by: &BTreeSet<String>,
) -> Vec<Undesired> {
    let value = expr::eval(&line.value, scope);
    let mut hangs_on = scope.seen.take();
    let facet = format!("{}.{}", line.domain, line.facet);
    let name = || outcome.name.clone();
    let value = match value {
        Known::Unknown(what) => return unknown(outcome, what),
        Known::Value(Value::Null) => {
            let what = hangs_on.into_iter().collect::<Vec<_>>().join(", ");
            return vec![Undesired::Nothing { outcome: name(), facet, what }];
        }
        Known::Value(value) => value,
    };
    let Some(kind) = scope.declarations.facets.get(&(line.domain.clone(), line.facet.clone())) else {
        return vec![Undesired::Undeclared { outcome: name(), facet }];
    };
    hangs_on.extend(chosen_by.iter().cloned());
    let each = elements(kind.set, value).into_iter().filter_map(|(element, value)| {
        let facet = Facet {
            entity: scope.subject.entity,
            domain: kind.domain.clone(),
            system: kind.system.clone(),
            name: kind.name.clone(),
            element,
        };
        add(wants, &facet, value, &outcome.name, &hangs_on)
    });
    each.collect()
}

/// The elements of a wish: for a set each by its name, else the one value.
fn elements(set: bool, value: Value) -> Vec<(Option<String>, Value)> {
    if !set {
        return vec![(None, value)];
    }
    let items = match value {
        Value::List(items) => items,
        single => vec![single],
    };
    let named = |item: Value| {
        let name = item.get("name").map_or_else(|| item.to_string(), ToString::to_string);
        (Some(name), item)
    };
    items.into_iter().map(named).collect()
}

fn add(
    wants: &mut BTreeMap<Facet, Want>,
    facet: &Facet,
    wish: Value,
    outcome: &str,
    hangs_on: &BTreeSet<String>,
) -> Option<Undesired> {
    // An element of a set is wanted as a member; its attributes are for the routes, not for the comparison.
    let (value, object) = match (wish, &facet.element) {
        (Value::Map(object), Some(_)) => (Value::from("member"), object),
        (_, Some(_)) => (Value::from("member"), BTreeMap::new()),
        (Value::Map(mut object), None) => (object.remove("name").unwrap_or_default(), object),
        (value, None) => (value, BTreeMap::new()),
    };
    let want = wants.entry(facet.clone()).or_insert_with(|| Want {
        value: value.clone(),
        object: object.clone(),
        outcomes: BTreeSet::new(),
        hangs_on: BTreeSet::new(),
    });
    // Two objects of one name are two values as well.
    if want.value != value || want.object != object {
        let told = |value: &Value, object: &BTreeMap<String, Value>| {
            if object.is_empty() { value.to_string() } else { Value::Map(object.clone()).to_string() }
        };
        return Some(Undesired::Conflict {
            facet: facet.to_string(),
            one: told(&want.value, &want.object),
            first: want.outcomes.iter().next().cloned().unwrap_or_default(),
            other: told(&value, &object),
            second: outcome.to_owned(),
        });
    }
    want.outcomes.insert(outcome.to_owned());
    want.hangs_on.extend(hangs_on.iter().cloned());
    None
}
