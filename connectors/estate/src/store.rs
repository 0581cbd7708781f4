//! The objects of one system: kind -> id -> JSON object, with a short history and the changes of one transaction.
//!
//! - Nothing here knows a vendor, and nothing is forgotten before [`HISTORY_MS`] have passed: a read as of a moment
//!   ago is what eventual consistency is made of.
//! - A write that says what is already so is no write: no version, no change, no new timestamp.
//! - A secondary index follows the present only; a reader of the past scans.

use crate::{canonical, mint};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

/// How far back a read may look.
pub(crate) const HISTORY_MS: u64 = 600_000;
/// Versions of one object that are kept at most.
const VERSIONS_MAX: usize = 64;

/// One version of an object; no value means that it was deleted.
#[derive(Debug)]
struct Version {
    at_ms: u64,
    value: Option<Value>,
}

#[derive(Debug, Default)]
struct Entry {
    versions: Vec<Version>,
}

impl Entry {
    fn now(&self) -> Option<&Value> {
        self.versions.last().and_then(|version| version.value.as_ref())
    }

    fn as_of(&self, at_ms: u64) -> Option<&Value> {
        self.versions.iter().rev().find(|version| version.at_ms <= at_ms).and_then(|one| one.value.as_ref())
    }

    fn push(&mut self, at_ms: u64, value: Option<Value>) {
        self.versions.push(Version { at_ms, value });
        let horizon = at_ms.saturating_sub(HISTORY_MS);
        while self.versions.len() > 1
            && (self.versions[1].at_ms <= horizon || self.versions.len() > VERSIONS_MAX)
        {
            self.versions.remove(0);
        }
    }
}

type Index = BTreeMap<String, BTreeSet<String>>;

#[derive(Debug, Default)]
struct Table {
    entries: BTreeMap<String, Entry>,
    indexes: BTreeMap<&'static str, Index>,
}

/// What kind of write a change was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Update,
    Delete,
}

impl Op {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One object that became different.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) op: Op,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) diff: Value,
}

/// What a system says of its objects: members that no digest sees, and members that are looked up by value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) volatile: &'static [&'static str],
    /// Pairs of kind and JSON pointer; the value is indexed in lower case.
    pub(crate) indexes: &'static [(&'static str, &'static str)],
}

/// The store of one system.
#[derive(Debug)]
pub(crate) struct Store {
    system: &'static str,
    seed: u64,
    shape: Shape,
    kinds: BTreeMap<String, Table>,
    ordinals: BTreeMap<String, u64>,
    graves: VecDeque<(u64, String, String)>,
}

impl Store {
    pub(crate) fn new(system: &'static str, seed: u64, shape: Shape) -> Self {
        Self {
            system,
            seed,
            shape,
            kinds: BTreeMap::new(),
            ordinals: BTreeMap::new(),
            graves: VecDeque::new(),
        }
    }

    /// BLAKE3 over all objects, without volatile members.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (kind, table) in self.kinds.iter().filter(|(kind, _)| !is_memory(kind)) {
            for (id, value) in table.entries.iter().filter_map(|(id, entry)| Some((id, entry.now()?))) {
                for part in [kind, id, &canonical::text(value, self.shape.volatile)] {
                    hasher.update(part.as_bytes()).update(b"\n");
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// All objects: kind -> id -> object.
    pub(crate) fn dump(&self) -> Value {
        let kinds = self.kinds.iter().filter(|(kind, _)| !is_memory(kind)).map(|(kind, table)| {
            let objects =
                table.entries.iter().filter_map(|(id, entry)| Some((id.clone(), entry.now()?.clone())));
            (kind.clone(), Value::Object(objects.collect()))
        });
        Value::Object(kinds.collect())
    }

    /// Removes the entries of objects whose deletion no read can see any more.
    fn bury(&mut self, now_ms: u64) {
        while let Some((at_ms, kind, id)) = self.graves.front() {
            if at_ms.saturating_add(HISTORY_MS) > now_ms {
                return;
            }
            if let Some(table) = self.kinds.get_mut(kind)
                && table.entries.get(id).is_some_and(|entry| entry.now().is_none())
            {
                table.entries.remove(id);
            }
            self.graves.pop_front();
        }
    }

    fn write(&mut self, now_ms: u64, kind: &str, id: &str, value: Option<Value>) {
        let pointers: Vec<&'static str> =
            self.shape.indexes.iter().filter(|(of, _)| *of == kind).map(|(_, pointer)| *pointer).collect();
        let table = self.kinds.entry(kind.to_owned()).or_default();
        let entry = table.entries.entry(id.to_owned()).or_default();
        for pointer in pointers {
            let index = table.indexes.entry(pointer).or_default();
            if let Some(old) = entry.now().and_then(|old| key(old, pointer))
                && let Some(ids) = index.get_mut(&old)
            {
                ids.remove(id);
                if ids.is_empty() {
                    index.remove(&old);
                }
            }
            if let Some(new) = value.as_ref().and_then(|new| key(new, pointer)) {
                index.entry(new).or_default().insert(id.to_owned());
            }
        }
        if value.is_none() {
            self.graves.push_back((now_ms, kind.to_owned(), id.to_owned()));
        }
        entry.push(now_ms, value);
    }
}

/// What a system remembers of the calls themselves, such as the keys by which it knows one that comes twice, is none of its
/// objects: the names of such kinds begin with `~`.
fn is_memory(kind: &str) -> bool {
    kind.starts_with('~')
}

fn key(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_lowercase)
}

/// A reading of the store: of the present, or as of a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    store: &'a Store,
    as_of: Option<u64>,
}

impl<'a> View<'a> {
    fn seen(self, entry: &'a Entry) -> Option<&'a Value> {
        self.as_of.map_or_else(|| entry.now(), |at_ms| entry.as_of(at_ms))
    }

    pub(crate) fn get(self, kind: &str, id: &str) -> Option<&'a Value> {
        self.store.kinds.get(kind)?.entries.get(id).and_then(|entry| self.seen(entry))
    }

    /// All objects of a kind in the order of their ids.
    pub(crate) fn all(self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.under(kind, "")
    }

    /// The objects of a kind behind the id `after`, in the order of their ids: what a page shows costs no more than the page.
    pub(crate) fn after(
        self,
        kind: &str,
        after: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let behind = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
        let table = self.store.kinds.get(kind);
        let entries = table.into_iter().flat_map(move |table| table.entries.range(behind.clone()));
        entries.filter_map(move |(id, entry)| Some((id.as_str(), self.seen(entry)?)))
    }

    /// The objects of a kind whose id starts with `prefix`, in the order of their ids.
    pub(crate) fn under(
        self,
        kind: &str,
        prefix: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let prefix = prefix.to_owned();
        let table = self.store.kinds.get(kind);
        let start = prefix.clone();
        table
            .into_iter()
            .flat_map(move |table| table.entries.range(start.clone()..))
            .take_while(move |(id, _)| id.starts_with(&prefix))
            .filter_map(move |(id, entry)| Some((id.as_str(), self.seen(entry)?)))
    }

    /// The objects of a kind whose indexed member has this value (in any case).
    pub(crate) fn with(self, kind: &str, pointer: &'static str, value: &str) -> Vec<(&'a str, &'a Value)> {
        let wanted = value.to_lowercase();
        if self.as_of.is_some() {
            let matches = |found: &Value| key(found, pointer).as_deref() == Some(wanted.as_str());
            return self.all(kind).filter(|(_, found)| matches(found)).collect();
        }
        let Some(table) = self.store.kinds.get(kind) else { return Vec::new() };
        let ids = table.indexes.get(pointer).and_then(|index| index.get(&wanted));
        let entry = |id: &'a String| Some((id.as_str(), table.entries.get(id)?.now()?));
        ids.into_iter().flatten().filter_map(entry).collect()
    }
}

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// Read after write, where the vendor says so.
    Strong,
    /// Behind by the lag of the estate.
    Eventual,
}

/// One request's hold on the store.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    store: &'a mut Store,
    pub(crate) now_ms: u64,
    lag_ms: u64,
    stale_ms: u64,
    changes: Vec<Change>,
}

impl<'a> Tx<'a> {
    /// `stale_ms` is how far every read of this request is put back, `lag_ms` only the eventual ones.
    pub(crate) fn new(store: &'a mut Store, now_ms: u64, lag_ms: u64, stale_ms: u64) -> Self {
        store.bury(now_ms);
        Self { store, now_ms, lag_ms, stale_ms, changes: Vec::new() }
    }

    /// What a reader is shown.
    pub(crate) fn view(&self, fresh: Fresh) -> View<'_> {
        let back = match fresh {
            Fresh::Strong => self.stale_ms,
            Fresh::Eventual => self.stale_ms.max(self.lag_ms),
        };
        let as_of = (back > 0).then(|| self.now_ms.saturating_sub(back.min(HISTORY_MS)));
        View { store: self.store, as_of }
    }

    /// The truth: what a write is judged against.
    pub(crate) fn truth(&self) -> View<'_> {
        View { store: self.store, as_of: None }
    }

    pub(crate) fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.truth().get(kind, id)
    }

    /// Creates or replaces an object; false when nothing but volatile members would differ.
    pub(crate) fn put(&mut self, kind: &str, id: &str, value: Value) -> bool {
        let volatile = self.store.shape.volatile;
        let before = self.truth().get(kind, id);
        if before.is_some_and(|before| canonical::same(before, &value, volatile)) {
            return false;
        }
        self.changes.push(Change {
            kind: kind.to_owned(),
            id: id.to_owned(),
            op: if before.is_some() { Op::Update } else { Op::Create },
            before: before.map(|before| canonical::digest(before, volatile)),
            after: Some(canonical::digest(&value, volatile)),
            diff: canonical::diff(before, Some(&value), volatile),
        });
        self.store.write(self.now_ms, kind, id, Some(value));
        true
    }

    /// Writes the state before anybody looked: visible to every reader, and no change.
    pub(crate) fn plant(&mut self, kind: &str, id: &str, value: Value) {
        self.store.write(0, kind, id, Some(value));
    }

    /// Sets one volatile member of an object that exists; never a change.
    pub(crate) fn touch(&mut self, kind: &str, id: &str, member: &str, value: Value) {
        if let Some(mut object) = self.get(kind, id).cloned()
            && let Some(map) = object.as_object_mut()
        {
            map.insert(member.to_owned(), value);
            self.store.write(self.now_ms, kind, id, Some(object));
        }
    }

    /// Deletes an object; false when there is none.
    pub(crate) fn remove(&mut self, kind: &str, id: &str) -> bool {
        let volatile = self.store.shape.volatile;
        let Some(before) = self.get(kind, id) else { return false };
        let change = Change {
            kind: kind.to_owned(),
            id: id.to_owned(),
            op: Op::Delete,
            before: Some(canonical::digest(before, volatile)),
            after: None,
            diff: canonical::diff(Some(before), None, volatile),
        };
        self.changes.push(change);
        self.store.write(self.now_ms, kind, id, None);
        true
    }

    /// The next ordinal of a kind, from 1.
    pub(crate) fn next(&mut self, kind: &str) -> u64 {
        let ordinal = self.store.ordinals.entry(kind.to_owned()).or_default();
        *ordinal += 1;
        *ordinal
    }

    /// 32 bytes for the next object of a kind: the same for the same seed and the same history of creations.
    pub(crate) fn fresh(&mut self, kind: &str) -> [u8; 32] {
        let ordinal = self.next(kind);
        mint::bytes(self.store.seed, self.store.system, kind, ordinal)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.store.seed
    }

    pub(crate) fn finish(self) -> Vec<Change> {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHAPE: Shape = Shape { volatile: &["touched"], indexes: &[("user", "/login")] };

    fn store() -> Store {
        Store::new("okta", 1, SHAPE)
    }

    #[test]
    fn a_write_that_says_what_is_so_is_no_change() {
        let mut store = store();
        let mut tx = Tx::new(&mut store, 10, 0, 0);
        assert!(tx.put("user", "1", json!({"login": "a", "touched": 1})));
        assert!(!tx.put("user", "1", json!({"login": "a", "touched": 2})));
        assert_eq!(tx.finish().len(), 1);
    }

    #[test]
    fn an_eventual_read_sees_a_write_only_after_the_lag() {
        let mut store = store();
        Tx::new(&mut store, 1_000, 0, 0).put("user", "1", json!({"login": "a"}));
        let at = |now_ms, store: &mut Store| {
            let tx = Tx::new(store, now_ms, 500, 0);
            (tx.view(Fresh::Strong).get("user", "1").is_some(), tx.view(Fresh::Eventual).all("user").count())
        };
        assert_eq!(at(1_400, &mut store), (true, 0));
        assert_eq!(at(1_500, &mut store), (true, 1));
        Tx::new(&mut store, 2_000, 0, 0).remove("user", "1");
        assert_eq!(at(2_400, &mut store), (false, 1));
        assert_eq!(at(2_500, &mut store), (false, 0));
    }

    #[test]
    fn the_index_follows_a_value_that_moves() {
        let mut store = store();
        let mut tx = Tx::new(&mut store, 10, 0, 0);
        tx.put("user", "1", json!({"login": "Old@x"}));
        tx.put("user", "1", json!({"login": "new@x"}));
        assert!(tx.truth().with("user", "/login", "old@x").is_empty());
        assert_eq!(tx.truth().with("user", "/login", "NEW@x")[0].0, "1");
        tx.remove("user", "1");
        assert!(tx.truth().with("user", "/login", "new@x").is_empty());
    }

    #[test]
    fn a_deleted_object_is_buried_when_no_read_can_see_it() {
        let mut store = store();
        let mut tx = Tx::new(&mut store, 10, 0, 0);
        tx.put("user", "1", json!({"login": "a"}));
        tx.remove("user", "1");
        drop(tx.finish());
        drop(Tx::new(&mut store, 11 + HISTORY_MS, 0, 0).finish());
        assert!(store.kinds["user"].entries.is_empty());
    }
}
