//! The survey: how large the graph is, how fresh, and its digest.
//!
//! Absent: the order in which readings arrived. Invariant: two graphs that hold the same have one digest, and the digest says
//! nothing of a person without the tenant's key.

use crate::coverage::Age;
use crate::graph::Graph;
use crate::table::{Look, Row, Scope, Slot, Table};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::canon::Canon;
use xops_kernel::id::Digest;
use xops_kernel::record::{Millis, Record};

/// How much a graph holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Entities whose minting record is there, by kind.
    pub entities: BTreeMap<String, usize>,
    /// Records, by system.
    pub records: BTreeMap<String, usize>,
    /// Records of other systems that are joined to an entity.
    pub links: usize,
    /// Exceptions that do not hang on the time of day.
    pub exceptions: usize,
}

/// How fresh one read of a system is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The kind of record that it gives.
    pub kind: String,
    /// When its newest complete reading began; over all parameters, the oldest of these. `None` while one is missing.
    pub complete_at: Option<Millis>,
    /// The newest failure since, with its reason.
    pub failed: Option<(Millis, String)>,
    /// When it was last tried.
    pub tried_at: Option<Millis>,
}

impl Graph {
    /// How much the graph holds. Counting links resolves each of them: this is for people, not for a hot path.
    pub fn size(&self) -> Size {
        let mut size = Size::default();
        for kind in self.declarations.entities.values() {
            let entities: Vec<_> = self.entities(&kind.name).collect();
            for entity in &entities {
                let joined = |system: &&String| self.link(*entity, system, 0).presence().is_some();
                size.links += kind.links.keys().filter(joined).count();
            }
            size.entities.insert(kind.name.clone(), entities.len());
        }
        for (system, tables) in &self.tables {
            size.records.insert(system.clone(), tables.values().map(|table| table.records().count()).sum());
        }
        size.exceptions = self.exceptions(0).len();
        size
    }

    /// How fresh each read of `system` is, by name: those that are expected and those that were made.
    pub fn freshness(&self, system: &str) -> BTreeMap<String, Freshness> {
        let mut reads = BTreeMap::new();
        for contract in self.contracts.get(system).into_iter().flat_map(BTreeMap::values).flatten() {
            let table = self.table(system, &contract.kind);
            let parameters = contract.for_each.as_ref().map(|parent| {
                let ids = self.table(system, parent).map(Table::ids).unwrap_or_default();
                ids.into_iter().map(Some).collect::<Vec<_>>()
            });
            let expected = parameters.unwrap_or_else(|| vec![None]).into_iter();
            let slots =
                expected.map(|parameter| table.and_then(|table| table.slot(parameter, &contract.name)));
            let mut fresh = over(&contract.kind, slots);
            if fresh.tried_at.is_none()
                && let Some(parent) = &contract.for_each
            {
                fresh.complete_at = self.whole_at(system, parent);
            }
            reads.insert(contract.name.clone(), fresh);
        }
        for (kind, table) in self.tables.get(system).into_iter().flatten() {
            let made: BTreeSet<_> = table.scopes.values().flat_map(|scope| scope.slots.keys()).collect();
            for read in made {
                let slots = table.scopes.values().filter_map(|scope| scope.slots.get(read)).map(Some);
                reads.entry(read.to_string()).or_insert_with(|| over(kind, slots));
            }
        }
        reads
    }

    /// When every record of (`system`, `kind`) was last known wholly, if nothing of `kind` is there to read for.
    fn whole_at(&self, system: &str, kind: &str) -> Option<Millis> {
        let table = self.table(system, kind)?;
        self.proof(system, kind, Age { now: None, max_ms: 0 }).ok()?;
        let slots = table.scopes.values().flat_map(|scope| scope.slots.values());
        if table.ids().is_empty() { slots.filter_map(|slot| slot.complete_at).min() } else { None }
    }

    /// The digest of everything that the graph holds, under the tenant's key.
    pub fn digest(&self) -> Digest {
        let mut out = Canon::new("xops graph 1");
        out.text(&self.declarations.tenant);
        for (system, tables) in &self.tables {
            for (kind, table) in tables {
                out.tag(1).text(system).text(kind);
                for (parameter, scope) in &table.scopes {
                    out.tag(2).maybe(parameter.as_deref(), |out, parameter| {
                        out.text(parameter);
                    });
                    self.digest_scope(scope, &mut out);
                }
            }
        }
        out.all(self.nodes.iter(), |out, (entity, node)| {
            // Whether a record was ever there that is gone leaves no trace: another process may only remember the id.
            let mint = self.declarations.entities.get(&node.kind).map(|kind| &kind.mint);
            let table = mint.and_then(|(system, record)| self.table(system, record));
            let held = table.is_some_and(|table| !matches!(table.look(&node.source), Look::Nothing));
            out.raw(&entity.0).text(&node.kind).text(if held { &node.source } else { "" });
        });
        out.keyed_digest(&self.key)
    }

    fn digest_scope(&self, scope: &Scope, out: &mut Canon) {
        out.all(scope.slots.iter(), |out, (read, slot)| {
            out.text(read);
            canon_slot(slot, out);
        });
        out.all(scope.rows.iter(), |out, (id, row)| {
            let mut inner = Canon::new("xops graph row 1");
            inner.text(id);
            canon_row(row, &mut inner);
            out.raw(&inner.keyed_digest(&self.key).0);
        });
    }
}

fn over<'a>(kind: &str, slots: impl Iterator<Item = Option<&'a Slot>>) -> Freshness {
    let slots: Vec<Option<&Slot>> = slots.collect();
    let complete: Vec<Option<Millis>> =
        slots.iter().map(|slot| slot.and_then(|slot| slot.complete_at)).collect();
    Freshness {
        kind: kind.to_owned(),
        complete_at: complete.into_iter().min().flatten(),
        failed: slots.iter().flatten().filter_map(|slot| slot.failed.clone()).max(),
        tried_at: slots.iter().flatten().map(|slot| slot.tried_at).max(),
    }
}

fn canon_slot(slot: &Slot, out: &mut Canon) {
    out.maybe(slot.complete_at, |out, at| {
        out.number(at);
    });
    out.maybe(slot.failed.as_ref(), |out, (at, reason)| {
        out.number(*at).text(reason);
    });
    out.number(slot.tried_at).number(slot.rejected.0);
    out.all(slot.rejected.1.iter(), |out, (why, record)| canon_record(record, out.text(why)));
}

fn canon_row(row: &Row, out: &mut Canon) {
    out.all(row.sightings.iter(), |out, sighting| {
        out.text(&sighting.read).number(sighting.at);
        out.all(sighting.versions.iter(), |out, record| canon_record(record, out));
    });
}

fn canon_record(record: &Record, out: &mut Canon) {
    let source = &record.source;
    out.text(&source.system).text(&source.kind).text(&source.id);
    out.maybe(source.version.as_deref(), |out, version| {
        out.text(version);
    });
    out.all(record.attributes.iter(), |out, (name, value)| {
        out.text(name).value(value);
    });
    out.number(record.read_at).text(&record.principal);
}
