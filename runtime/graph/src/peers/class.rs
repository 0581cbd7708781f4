//! Conditions and values, evaluated once for all people that look alike.
//!
//! Invariant: what a class does not know is unknown to its conditions, too; settings and links are not looked at here and
//! count as unknown.

use super::finding::Thing;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{Declarations, Desired};
use xops_kernel::expr::{self, Expr, Known, Op, Path, Scope};
use xops_kernel::value::Value;

/// What is known of an attribute: a value, nothing, or not even that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    Value(Value),
    Nothing,
    Unknown,
}

/// What people who look alike have in common.
pub(crate) struct Class<'a> {
    pub(crate) declarations: &'a Declarations,
    pub(crate) kind: &'a str,
    pub(crate) known: BTreeMap<&'a str, &'a Seen>,
}

impl Scope for Class<'_> {
    fn lookup(&self, path: &Path) -> Known {
        let unknown = || Known::Unknown([path.to_string()].into());
        let Some(first) = path.first() else { return unknown() };
        if path.root == self.kind {
            return match self.known.get(first) {
                Some(Seen::Value(value)) => Known::Value(path.follow(1, value)),
                Some(Seen::Nothing) => Known::Value(Value::Null),
                Some(Seen::Unknown) | None => unknown(),
            };
        }
        if path.root == "tenant" {
            return Known::Value(self.declarations.tenant.as_str().into());
        }
        match self.declarations.objects.get(&(path.root.clone(), first.to_owned())) {
            Some(object) => {
                let mut attributes = object.attributes.clone();
                attributes.insert("name".to_owned(), object.name.as_str().into());
                Known::Value(path.follow(1, &Value::Map(attributes)))
            }
            None => unknown(),
        }
    }
}

/// What a declaration wants of the people of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The things, each with what one would write for it.
    pub(crate) things: BTreeMap<Thing, String>,
    /// The facets (domain, name) whose value hangs on something that a class does not know.
    pub(crate) open: BTreeSet<(String, String)>,
}

impl Wanted {
    /// Whether `thing` is wanted, or may be.
    pub(crate) fn covers(&self, thing: &Thing) -> bool {
        self.things.contains_key(thing) || self.open.contains(&(thing.domain.clone(), thing.facet.clone()))
    }

    /// Another value of the same single facet.
    pub(crate) fn other(&self, thing: &Thing) -> Option<&Thing> {
        self.things
            .keys()
            .find(|held| held.domain == thing.domain && held.facet == thing.facet && *held != thing)
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.things.extend(other.things.iter().map(|(thing, text)| (thing.clone(), text.clone())));
        self.open.extend(other.open.iter().cloned());
    }
}

/// What `lines` want in `class`.
pub(crate) fn wanted(declarations: &Declarations, lines: &[Desired], class: &Class<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    for line in lines {
        let key = (line.domain.clone(), line.facet.clone());
        let value = match expr::eval(&line.value, class) {
            Known::Value(value) if !value.is_null() => value,
            Known::Value(_) | Known::Unknown(_) => {
                wanted.open.insert(key);
                continue;
            }
        };
        let set = declarations.facets.get(&key).is_some_and(|facet| facet.set);
        let items = match value {
            Value::List(items) if set => items,
            single => vec![single],
        };
        for item in items {
            let element = item.get("name").map_or_else(|| item.to_string(), ToString::to_string);
            let thing = Thing { domain: key.0.clone(), facet: key.1.clone(), element };
            wanted.things.insert(thing, written(declarations, &item));
        }
    }
    wanted
}

/// What one writes for a value: `app.gong` for a declared object, a literal for anything else.
pub(crate) fn written(declarations: &Declarations, value: &Value) -> String {
    let named = value.get("name").and_then(Value::as_text);
    let object = named.and_then(|name| {
        let same = |object: &&xops_kernel::declare::Object| {
            object.name == name && object.attributes.get("id") == value.get("id")
        };
        declarations.objects.values().find(same)
    });
    match (object, value) {
        (Some(object), _) => reference(&object.kind, &object.name),
        (None, Value::Text(text)) => quoted(text),
        (None, other) => other.to_string(),
    }
}

/// `kind.name`, or `kind["name"]` where the name is no word.
pub(crate) fn reference(kind: &str, name: &str) -> String {
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if word { format!("{kind}.{name}") } else { format!("{kind}[{}]", quoted(name)) }
}

/// A text as files write it: nothing in it is a template.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}

/// What a condition itself says of attributes of `kind`: `kind.attribute == literal`, joined by `&&`.
pub(crate) fn pins(condition: &Expr, kind: &str) -> BTreeMap<String, Seen> {
    let mut found = BTreeMap::new();
    pin(condition, kind, &mut found);
    found
}

fn pin(condition: &Expr, kind: &str, found: &mut BTreeMap<String, Seen>) {
    match condition {
        Expr::Binary(Op::And, left, right) => {
            pin(left, kind, found);
            pin(right, kind, found);
        }
        Expr::Binary(Op::Eq, left, right) => {
            if let (Expr::Ref(path), Expr::Literal(value)) | (Expr::Literal(value), Expr::Ref(path)) =
                (left.as_ref(), right.as_ref())
                && path.root == kind
                && path.segments.len() == 1
                && let Some(name) = path.first()
            {
                found.insert(name.to_owned(), Seen::Value(value.clone()));
            }
        }
        _ => {}
    }
}
