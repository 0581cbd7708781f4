//! Systems that speak HTTP and JSON: the real manifest engine renders and classifies, the played world answers.
//!
//! Absent: sockets, a real vendor's name. The manifests beside this crate are of made-up systems, one for each class of the step
//! protocol; their contracts promise what the world keeps. Invariant: what a system does is done by [`World`], which records it;
//! here only shapes are changed.

mod wire;

use crate::model::Model;
use crate::systems::{Sight, Systems};
use crate::world::{CALL, World, answer};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::port::{
    Ask, Connector, Limit, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::record::Millis;
use xops_kernel::value::{Value, Values};

/// Whose objects ours are.
pub(crate) const TENANT: &str = "ours";

/// The manifests, by file.
const MANIFESTS: [(&str, &str); 10] = [
    ("families/vendor.hcl", include_str!("../../manifests/vendor.hcl")),
    ("bare.hcl", include_str!("../../manifests/bare.hcl")),
    ("blind.hcl", include_str!("../../manifests/blind.hcl")),
    ("keyed.hcl", include_str!("../../manifests/keyed.hcl")),
    ("marked.hcl", include_str!("../../manifests/marked.hcl")),
    ("note.hcl", include_str!("../../manifests/note.hcl")),
    ("put.hcl", include_str!("../../manifests/put.hcl")),
    ("set.hcl", include_str!("../../manifests/set.hcl")),
    ("strict.hcl", include_str!("../../manifests/strict.hcl")),
    ("unique.hcl", include_str!("../../manifests/unique.hcl")),
];

/// The systems.
pub struct Vendor {
    manifests: Manifests,
    /// How late and how stale each AWF may be: the same as in the model.
    model: Arc<Model>,
}

impl Vendor {
    /// The systems of these manifests. Panics with what is wrong with them: they are part of the program.
    pub fn of(files: &[(String, Vec<u8>)]) -> Self {
        let (manifests, findings) = Manifests::load(files);
        assert!(findings.is_empty(), "the simulation's manifests are in order: {findings:#?}");
        Self { manifests, model: Model::shared() }
    }

    /// The systems of the manifests beside this crate, with `change` made to the text of each; for tests of what that breaks.
    pub fn changed(change: impl Fn(&str, &str) -> String) -> Self {
        let files = MANIFESTS.map(|(name, text)| (name.to_owned(), change(name, text).into_bytes()));
        Self::of(&files)
    }

    /// The systems of the manifests beside this crate, read once.
    pub fn shared() -> Arc<Self> {
        static VENDOR: LazyLock<Arc<Vendor>> =
            LazyLock::new(|| Arc::new(Vendor::changed(|_, text| text.to_owned())));
        Arc::clone(&VENDOR)
    }
}

impl Systems for Vendor {
    fn lag_and_delay(&self, awf: &AwfName) -> (u64, u64) {
        self.model.lag_and_delay(awf)
    }

    fn perform(&self, world: &mut World, request: &Request, call: &str, now: Millis) -> Response {
        match wire::inward(request) {
            Some(mut inner) => {
                inner.headers.push((CALL.to_owned(), call.to_owned()));
                wire::outward(&world.perform(&inner, now))
            }
            None => wire::outward(&answer(400, "this is no request of this system")),
        }
    }

    fn look(&self, world: &World, request: &Request, sight: Sight) -> Response {
        wire::listed(world, request, sight)
    }

    fn refuses(&self, status: u16, why: &str) -> Response {
        wire::outward(&answer(status, why))
    }

    fn config(&self) -> BTreeMap<String, Values> {
        let config = |system: &str| {
            let base = format!("https://{system}.example");
            let values = [("base_url", Value::from(base)), ("tenant", Value::from(TENANT))];
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        self.manifests.systems().map(|system| (system.to_owned(), config(system))).collect()
    }

    fn has_doors(&self) -> bool {
        true
    }

    fn as_connector(self: Arc<Self>) -> Arc<dyn Connector> {
        self
    }
}

impl Connector for Vendor {
    fn limits(&self, system: &str) -> Vec<Limit> {
        self.manifests.limits(system)
    }

    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.manifests.contract(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        self.manifests.render(ask)
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
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
        self.manifests.page(config, read, response)
    }
}
