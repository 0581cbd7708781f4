//! The engine's part in drift: what is read besides, what reconciliation respects, and what a person acknowledges.

use super::Engine;
use crate::{dataops, letter};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use xops_graph::drift::listing;
use xops_graph::round::Relations;
use xops_kernel::diff::Facet;
use xops_kernel::log::{Acknowledged, Happened, What};
use xops_kernel::standard::Watched;

impl Engine {
    /// Has the kinds of record of `kinds` (system, kind) read as well, though no declaration needs them.
    pub fn also_read(&self, kinds: BTreeSet<(String, String)>) {
        let tenant = &self.tenant;
        let systems: BTreeSet<String> = kinds.iter().map(|(system, _)| system.clone()).collect();
        tenant.cycles.also.borrow_mut().extend(kinds);
        for system in tenant.declarations.systems.keys() {
            let reads = tenant.needed(system, tenant.shared.connector.reads(system));
            tenant.graph_mut().expect(reads);
        }
        if tenant.watch && !systems.is_empty() {
            // A cycle that began before this does not have them.
            let tenant = Rc::clone(tenant);
            actix::spawn(async move {
                dataops::refresh(&tenant, systems).await;
            });
        }
    }

    /// Says where exclusive facets are listed, so that what nobody declared of them is removed; those records are read as well.
    pub fn list(&self, watched: &BTreeMap<(String, String), Watched>) {
        let exclusive = listing::exclusive(&self.tenant.declarations, watched);
        let kinds = exclusive.values().map(|it| (it.evidence.system.clone(), it.evidence.kind.clone()));
        let kinds: BTreeSet<(String, String)> = kinds.collect();
        *self.tenant.exclusive.borrow_mut() = exclusive;
        if !kinds.is_empty() {
            self.also_read(kinds);
        }
    }

    /// Says which attributes name another entity of their kind, so that circles are found. To be called before anything is read.
    pub fn relate(&self, refers: &Relations) {
        self.tenant.graph_mut().relate(refers);
    }

    /// Declares which outcomes supersede which, by the name of the one that does.
    pub async fn precede(&self, supersedes: BTreeMap<String, BTreeSet<String>>) {
        if self.service.send(letter::Precede(supersedes)).await.is_err() {
            tracing::error!("the Service robot is gone: nothing has precedence until the next start");
        }
    }

    /// What reconciliation has to respect.
    pub async fn steadiness(&self) -> letter::Steadiness {
        let mut steady = self.service.send(letter::Steady).await.unwrap_or_default();
        for (id, heir) in self.tenant.graph().heirs() {
            if let Some(granted) = steady.granted.remove(&id) {
                let own = Arc::make_mut(steady.granted.entry(heir).or_default());
                for (facet, object) in Arc::unwrap_or_clone(granted) {
                    own.entry(Facet { entity: heir, ..facet }).or_insert(object);
                }
            }
        }
        steady
    }

    /// Writes down that somebody accepts a drift for a while.
    pub async fn acknowledge(&self, acknowledged: Acknowledged) -> Result<(), String> {
        let what = What::Acknowledged(Box::new(acknowledged));
        let note = letter::Note(Happened { at: self.tenant.hub.clock.now(), what });
        self.service.send(note).await.map_err(|error| error.to_string())
    }
}
