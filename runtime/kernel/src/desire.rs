//! What the declared outcomes want of one entity.
//!
//! Invariants: outcomes union over facets; two values for one facet are refused, also where the request named only one of the two
//! outcomes; a selector that hangs on something unknown selects nothing and says so; every attribute that was known and
//! looked at is written down, because it becomes the footprint. What was unknown and did not matter is not.

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
    /// What outcomes want that apply as well, but that the request did not name: it stays as it is.
    pub others: BTreeMap<Facet, Want>,
    /// The kinds of facet (domain, name) of outcomes that the request did not name and of which it is unknown what they want.
    pub doubted: BTreeSet<(String, String)>,
    /// What it hung on whether anything wants a facet, by its kind (domain, name).
    pub judged_by: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Desire {
    /// Whether `facet`, which xops granted, may be taken back: outcomes apply, and none of them wants it. Where no outcome applies
    /// nothing changes: leaving is a declared outcome.
    pub fn may_lose(&self, facet: &Facet) -> bool {
        let kind = (facet.domain.clone(), facet.name.clone());
        !self.outcomes.is_empty()
            && !self.wants.contains_key(facet)
            && !self.others.contains_key(facet)
            && !self.doubted.contains(&kind)
    }
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
    #[error("`{facet}` is wanted as `{one}` by {first} and as `{other}` by {second}")]
    Conflict {
        /// The facet.
        facet: String,
        /// The first value.
        one: String,
        /// The first outcome, and where it says so.
        first: String,
        /// The second value.
        other: String,
        /// The second outcome, and where it says so.
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
        let (reference, known) = self.find(path);
        // What is unknown and yet leaves the result known did not matter.
        if let (Some(reference), Known::Value(_)) = (reference, &known) {
            self.seen.borrow_mut().insert(reference);
        }
        known
    }
}

impl Asked<'_> {
    /// The reference of the footprint, if it is one, and what stands there.
    fn find(&self, path: &Path) -> (Option<String>, Known) {
        let Some(first) = path.first() else { return (None, Known::Value(Value::Null)) };
        if path.root == self.subject.kind {
            let fact = self.subject.facts.get(first);
            let known = of_observation(fact, path, |fact| path.follow(1, &fact.value));
            return (Some(format!("{}.{first}", path.root)), known);
        }
        match path.root.as_str() {
            "setting" => self.setting(path),
            "link" => {
                let link = self.subject.links.get(first);
                let known = of_observation(link, path, |record| path.follow(1, &linked(record)));
                (Some(format!("link.{first}")), known)
            }
            "tenant" => (None, Known::Value(self.declarations.tenant.as_str().into())),
            kind => {
                let object = self.declarations.objects.get(&(kind.to_owned(), first.to_owned()));
                let value = object.map_or(Value::Null, |object| {
                    let mut attributes = object.attributes.clone();
                    attributes.insert("name".to_owned(), object.name.as_str().into());
                    path.follow(1, &Value::Map(attributes))
                });
                (None, Known::Value(value))
            }
        }
    }

    fn setting(&self, path: &Path) -> (Option<String>, Known) {
        let words: Vec<&str> = path
            .segments
            .iter()
            .map_while(|segment| match segment {
                expr::Segment::Attr(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let key = words.join(".");
        let known = match self.settings.get(&key) {
            Some(Ok(resolved)) => Known::Value(resolved.value.clone()),
            Some(Err(attribute)) => Known::Unknown([format!("{}.{attribute}", self.subject.kind)].into()),
            None => Known::Value(Value::Null),
        };
        (Some(format!("setting.{key}")), known)
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
    among(declarations, known, only, declarations.outcomes.values())
}

/// Makes out what outcomes want of an entity of which it is known that no other one applies. Of what those are about only
/// `judged_by` is not told, on which nothing hangs but what is taken away.
pub fn applying(
    declarations: &Declarations,
    known: &Subject,
    names: &[&str],
) -> Result<Desire, Vec<Undesired>> {
    let outcomes = names.iter().filter_map(|name| declarations.outcomes.get(*name));
    among(declarations, known, None, outcomes)
}

fn among<'a>(
    declarations: &'a Declarations,
    known: &Subject,
    only: Option<&str>,
    outcomes: impl Iterator<Item = &'a Outcome>,
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
    for outcome in outcomes.filter(|outcome| outcome.entity == known.kind) {
        let scope = || Asked { declarations, subject: known, settings: &settings, seen: RefCell::default() };
        if only.is_none_or(|name| outcome.name == name) {
            refused.extend(select(&mut desire, outcome, &scope));
        } else {
            set_aside(&mut desire, outcome, &scope);
        }
    }
    refused.extend(contradictions(declarations, &desire));
    desire.settings = settings;
    if refused.is_empty() {
        Ok(desire)
    } else {
        refused.sort();
        refused.dedup();
        Err(refused)
    }
}

/// Adds what an outcome wants, if it applies.
fn select<'a>(desire: &mut Desire, outcome: &Outcome, scope: &impl Fn() -> Asked<'a>) -> Vec<Undesired> {
    let selector = scope();
    let holds = expr::holds(&outcome.applies, &selector);
    let chosen_by = selector.seen.take();
    judge(desire, outcome, &chosen_by);
    match holds {
        Ok(false) => Vec::new(),
        Ok(true) => {
            desire.outcomes.insert(outcome.name.clone());
            desire.chosen_by.extend(chosen_by.iter().cloned());
            let Desire { wants, judged_by, .. } = desire;
            let mut wish = |line| wish(wants, judged_by, outcome, line, &scope(), &chosen_by);
            outcome.facets.iter().flat_map(&mut wish).collect()
        }
        Err(what) => unknown(outcome, what),
    }
}

/// Keeps what an outcome wants that the request did not name: it is not brought about, and not taken back.
fn set_aside<'a>(desire: &mut Desire, outcome: &Outcome, scope: &impl Fn() -> Asked<'a>) {
    let selector = scope();
    let holds = expr::holds(&outcome.applies, &selector);
    let chosen_by = selector.seen.take();
    judge(desire, outcome, &chosen_by);
    for line in &outcome.facets {
        let Desire { others, judged_by, .. } = desire;
        let certain = match holds {
            Ok(false) => true,
            Ok(true) => wish(others, judged_by, outcome, line, &scope(), &chosen_by).is_empty(),
            Err(_) => false,
        };
        if !certain {
            desire.doubted.insert((line.domain.clone(), line.facet.clone()));
        }
    }
}

fn judge(desire: &mut Desire, outcome: &Outcome, chosen_by: &BTreeSet<String>) {
    for line in &outcome.facets {
        let kind = (line.domain.clone(), line.facet.clone());
        desire.judged_by.entry(kind).or_default().extend(chosen_by.iter().cloned());
    }
}

/// What the request wants otherwise than the outcomes that it did not name.
fn contradictions(declarations: &Declarations, desire: &Desire) -> Vec<Undesired> {
    let both = desire.wants.iter().filter_map(|(facet, want)| Some((facet, want, desire.others.get(facet)?)));
    both.filter(|(_, want, other)| want.value != other.value || want.object != other.object)
        .map(|(facet, want, other)| {
            let second = other.outcomes.iter().next().cloned().unwrap_or_default();
            conflict(declarations, facet, want, (&other.value, &other.object), &second)
        })
        .collect()
}

fn unknown(outcome: &Outcome, what: BTreeSet<String>) -> Vec<Undesired> {
    what.into_iter().map(|what| Undesired::Unknown { outcome: outcome.name.clone(), what }).collect()
}

/// Adds one line of an outcome to the wishes.
fn wish(
    wants: &mut BTreeMap<Facet, Want>,
    judged_by: &mut BTreeMap<(String, String), BTreeSet<String>>,
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
        Known::Value(value) if is_nothing(&value) => {
            let what = hangs_on.into_iter().collect::<Vec<_>>().join(", ");
            return vec![Undesired::Nothing { outcome: name(), facet, what }];
        }
        Known::Value(value) => value,
    };
    let key = (line.domain.clone(), line.facet.clone());
    let Some(kind) = scope.declarations.facets.get(&key) else {
        return vec![Undesired::Undeclared { outcome: name(), facet }];
    };
    judged_by.entry(key).or_default().extend(hangs_on.iter().cloned());
    hangs_on.extend(chosen_by.iter().cloned());
    let each = elements(kind.set, value).into_iter().filter_map(|(element, value)| {
        let facet = Facet {
            entity: scope.subject.entity,
            domain: kind.domain.clone(),
            system: kind.system.clone(),
            name: kind.name.clone(),
            element,
        };
        add(scope.declarations, wants, &facet, value, (&outcome.name, &hangs_on))
    });
    each.collect()
}

/// Whether a wish has no value, or has an element without one.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_list().is_some_and(|items| items.iter().any(Value::is_null))
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
    declarations: &Declarations,
    wants: &mut BTreeMap<Facet, Want>,
    facet: &Facet,
    wish: Value,
    (outcome, hangs_on): (&str, &BTreeSet<String>),
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
        return Some(conflict(declarations, facet, want, (&value, &object), outcome));
    }
    want.outcomes.insert(outcome.to_owned());
    want.hangs_on.extend(hangs_on.iter().cloned());
    None
}

fn conflict(
    declarations: &Declarations,
    facet: &Facet,
    want: &Want,
    (value, object): (&Value, &Values),
    second: &str,
) -> Undesired {
    // Objects are told apart by their names, or, where they have one name, by what they are.
    let by_object = want.value == *value;
    let told = |value: &Value, object: &Values| {
        if by_object && !object.is_empty() {
            Value::Map(object.clone()).to_string()
        } else {
            value.to_string()
        }
    };
    Undesired::Conflict {
        facet: facet.to_string(),
        one: told(&want.value, &want.object),
        first: source(declarations, want.outcomes.first().map_or("", String::as_str), facet),
        other: told(value, object),
        second: source(declarations, second, facet),
    }
}

/// An outcome, and the line of a file in which it says what it wants of a facet.
fn source(declarations: &Declarations, outcome: &str, facet: &Facet) -> String {
    let lines = declarations.outcomes.get(outcome).into_iter().flat_map(|outcome| &outcome.facets);
    let mut of_facet = lines.filter(|line| line.domain == facet.domain && line.facet == facet.name);
    let place = of_facet.find(|line| !line.origin.file.is_empty()).map(|line| &line.origin);
    place.map_or_else(|| format!("`{outcome}`"), |place| format!("`{outcome}` ({place})"))
}
