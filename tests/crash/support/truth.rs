//! What is really so: the estate's objects, without what no two runs share.
//!
//! Absent: xops' own opinion. Two runs share everything but times and the idempotency keys that xops leaves as markers: the
//! estate mints its identifiers from a seed and a count, so that a second creation would show as another identifier.

use crate::support::estate::Estate;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Members that a system changes by itself: its times.
const TIMES: [&str; 18] = [
    "activated",
    "closed",
    "created",
    "createdDateTime",
    "enrolledDateTime",
    "lastMembershipUpdated",
    "lastModifiedDateTime",
    "lastSyncDateTime",
    "lastUpdated",
    "moment",
    "opened_at",
    "passwordChanged",
    "statusChanged",
    "sys_created_on",
    "sys_mod_count",
    "sys_updated_on",
    "ts",
    "updated",
];
/// How a marker begins, and how many hexadecimal digits follow.
const MARKER: (&str, usize) = ("k-", 32);

/// An object: its system, kind and identifier.
pub(crate) type Name = (String, String, String);

/// All objects by name, in one text each.
pub(crate) type Objects = BTreeMap<Name, String>;

/// The objects of the estate as they are now.
pub(crate) fn objects(estate: &Estate) -> Objects {
    let mut all = Objects::new();
    let state = estate.state();
    for (system, shown) in members(&state) {
        for (kind, table) in members(&shown["objects"]) {
            for (id, object) in members(table) {
                all.insert((system.clone(), kind.clone(), id.clone()), told(object));
            }
        }
    }
    assert!(!all.is_empty(), "the estate has objects");
    all
}

fn members(json: &Json) -> impl Iterator<Item = (&String, &Json)> {
    json.as_object().into_iter().flatten()
}

fn told(object: &Json) -> String {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.retain(|name, _| !TIMES.contains(&name.as_str()));
    }
    unmarked(&object.to_string())
}

/// The text with every marker replaced by the same one.
fn unmarked(text: &str) -> String {
    let (prefix, digits) = MARKER;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(prefix) {
        let (before, after) = rest.split_at(at + prefix.len());
        out.push_str(before);
        let is_marker =
            after.len() >= digits && after.bytes().take(digits).all(|byte| byte.is_ascii_hexdigit());
        if is_marker {
            out.push('*');
        }
        rest = if is_marker { &after[digits..] } else { after };
    }
    out.push_str(rest);
    out
}

/// What differs between two readings, at most a few lines.
pub(crate) fn difference(expect: &Objects, found: &Objects) -> Option<String> {
    let names = expect.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
    let none = "nothing".to_owned();
    let differ = names.into_iter().filter(|name| expect.get(*name) != found.get(*name)).map(|name| {
        let (system, kind, id) = name;
        let (wanted, is) = (expect.get(name).unwrap_or(&none), found.get(name).unwrap_or(&none));
        format!("{system}.{kind}/{id} is {is}, not {wanted}")
    });
    let lines: Vec<String> = differ.take(4).collect();
    (!lines.is_empty()).then(|| lines.join("\n    "))
}

/// The changes as the estate's recorder saw them: what became of which object, in order.
pub(crate) fn transitions(changes: &[Json]) -> Vec<String> {
    let word = |change: &Json, name: &str| change[name].as_str().unwrap_or("?").to_owned();
    let line = |change: &Json| {
        let [system, kind, id, op] = ["system", "kind", "id", "op"].map(|name| word(change, name));
        format!("{op} {system}.{kind}/{id}")
    };
    changes.iter().map(line).collect()
}

#[test]
fn two_markers_are_the_same_and_two_identifiers_are_not() {
    let one = r#"{"comment":"k-0123456789abcdef0123456789abcdef","id":"k-1"}"#;
    assert_eq!(unmarked(one), r#"{"comment":"k-*","id":"k-1"}"#);
}
