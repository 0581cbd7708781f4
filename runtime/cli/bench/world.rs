//! A project's manifests without the limits that their vendors publish, and what was seen through them.
//!
//! Absent: anything that changes a request or what an answer means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::value::Values;

/// How many ids of a kind are kept.
const IDS_MAX: usize = 1_000_000;

/// See the module.
pub(super) struct World {
    manifests: Arc<Manifests>,
    ids: Mutex<BTreeMap<String, Vec<String>>>,
    last: Mutex<Option<Response>>,
}

impl World {
    pub(super) fn new(manifests: Arc<Manifests>) -> Self {
        Self { manifests, ids: Mutex::default(), last: Mutex::default() }
    }

    /// The ids of the records of `kind` that were read.
    pub(super) fn ids(&self, kind: &str) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned().unwrap_or_default()
    }

    /// The first answer to a call.
    pub(super) fn last(&self) -> Option<Response> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Connector for World {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.manifests.contract(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        self.manifests.render(ask)
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none() {
                *last = Some(response.clone());
            }
        }
        self.manifests.classify(ask, response)
    }

    fn sight(&self, ask: &Ask<'_>, response: &Response) -> Page {
        self.manifests.sight(ask, response)
    }

    fn reads(&self, system: &str) -> Vec<ReadContract> {
        self.manifests.reads(system)
    }

    fn render_read(&self, config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        self.manifests.render_read(config, read)
    }

    fn page(&self, config: &Values, read: &ReadAsk<'_>, response: &Response) -> ReadPage {
        let page = self.manifests.page(config, read, response);
        if let ReadPage::Records { records, .. } = &page {
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            for record in records {
                let kind = ids.entry(record.source.kind.clone()).or_default();
                if kind.len() < IDS_MAX {
                    kind.push(record.source.id.clone());
                }
            }
        }
        page
    }
}
