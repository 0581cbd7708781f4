//! The systems of a run: what the kernel knows of them, and what they do with a request.
//!
//! Invariants: pure but for the world that is handed in; whatever a system shows is of one moment of the past; whatever it does it
//! does when the request lands, and it is recorded under the key of the call, which the system itself may never have seen.

use crate::model::refusal;
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_kernel::awf::AwfName;
use xops_kernel::port::{Connector, Request, Response};
use xops_kernel::record::Millis;
use xops_kernel::value::Values;

/// What a lookup sees: the world as it was at `at`, and of others' objects what a careless system shows of them.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The moment.
    pub at: Millis,
    /// Whether objects of another tenant are shown beside ours.
    pub others: bool,
}

/// Systems as a run plays them.
pub trait Systems: Connector {
    /// How much older than now a lookup may be, and how long after its timeout a call may still take effect, in milliseconds.
    fn lag_and_delay(&self, awf: &AwfName) -> (u64, u64);

    /// Acts on a request that has landed, of the call with this key.
    fn perform(&self, world: &mut World, request: &Request, call: &str, now: Millis) -> Response;

    /// The answer to one request of a lookup.
    fn look(&self, world: &World, request: &Request, sight: Sight) -> Response;

    /// An error before anything is executed, in the system's own words.
    fn refuses(&self, status: u16, why: &str) -> Response {
        refusal(status, why)
    }

    /// The tenant's configuration of each system.
    fn config(&self) -> BTreeMap<String, Values> {
        BTreeMap::new()
    }

    /// Whether requests go through the doors of the Platform robots, and networks and vendors do what they do to HTTP: send a
    /// request twice, be down for a while, show what is others'.
    fn has_doors(&self) -> bool {
        false
    }

    /// The same as what the kernel asks.
    fn as_connector(self: Arc<Self>) -> Arc<dyn Connector>;
}
