//! What a stand-in has to say of itself: its routes, its envelopes, its errors; everything else is the engine's.
//!
//! - No system sees another one, the recorder, the faults or the network.
//! - A handler judges first and writes last: once it has written, it succeeds.

pub(crate) mod intune;
pub(crate) mod okta;
mod okta_groups;
mod okta_search;
mod okta_users;
pub(crate) mod servicenow;
mod servicenow_query;
mod servicenow_records;
mod servicenow_tables;
pub(crate) mod slack;
mod slack_chat;
pub(crate) mod workday;
mod workday_events;
mod workday_workers;

use crate::auth::{Access, Credentials};
use crate::family;
use crate::family::describe::{Description, Rule};
use crate::seed::World;
use crate::soap::Element;
use crate::store::{Shape, Tx};
use crate::throttle::{Rate, Standing};
use crate::wire::{Reply, Request, fits};
use serde_json::Value;
use std::fmt::Debug;

/// Serves one operation.
pub(crate) type Handler = fn(&Call<'_>, &mut Tx<'_>) -> Reply;

/// What the engine does with a call once its route is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// Gives a token out.
    Token,
    /// Serves an operation.
    Do(Handler),
    /// Serves an operation that is described.
    Described(&'static Description, &'static Rule),
    /// There is no such route; the status says how the system puts it.
    Unknown(u16),
}

/// One line of a routing table; literal templates stand before those with parameters.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) run: Run,
}

/// A route that serves an operation.
pub(crate) const fn route(method: &'static str, path: &'static str, handler: Handler) -> Route {
    Route { method, path, run: Run::Do(handler) }
}

/// A request whose operation is known.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    /// The operation's own name, such as `conversations.invite`, `Get_Workers` or `GET /api/v1/users/{id}`.
    pub(crate) operation: String,
    pub(crate) params: Vec<(String, String)>,
    /// The SOAP envelope, where the protocol is SOAP.
    pub(crate) document: Option<Element>,
    pub(crate) run: Run,
}

impl Call<'_> {
    /// A path parameter; the routing table guarantees that it is there.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn is_token(&self) -> bool {
        matches!(self.run, Run::Token)
    }
}

/// Why the engine and not the system's handler answers.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// Over the rate limit.
    Throttled { retry_after_s: Option<u64> },
    /// A status of the gateway.
    Status { status: u16, retry_after_s: Option<u64> },
    /// A business rule says no.
    Rejected,
}

/// One stand-in.
pub(crate) trait System: Send + Sync + Debug {
    fn name(&self) -> &'static str;
    fn shape(&self) -> Shape;
    /// What stands before every path of the vendor's templates, such as `/v1.0`.
    fn base_path(&self) -> &'static str {
        ""
    }
    fn credentials(&self, seed: u64) -> Credentials;
    /// What a client has to know: addresses, tenant, version; the engine adds the credentials.
    fn describe(&self, base: &str) -> Value;
    fn plant(&self, tx: &mut Tx<'_>, world: &World);
    fn find<'a>(&self, request: &'a Request) -> Call<'a>;
    fn admit(&self, call: &Call<'_>, access: &Access, now_ms: u64) -> Result<(), Reply>;
    fn token(&self, _call: &Call<'_>, _access: &mut Access, _seed: u64, _now_ms: u64) -> Reply {
        Reply::empty(404)
    }
    /// There is no such route.
    fn unknown(&self, call: &Call<'_>, status: u16) -> Reply;
    /// The bucket that a call counts against.
    fn rate(&self, call: &Call<'_>) -> (String, Rate);
    /// Adds the headers in which the system tells where a bucket stands.
    fn mark(&self, reply: Reply, _standing: Standing) -> Reply {
        reply
    }
    fn refuse(&self, refusal: &Refusal) -> Reply;
}

/// Finds a REST operation in a routing table.
pub(crate) fn routed<'a>(routes: &[Route], request: &'a Request) -> Call<'a> {
    let path = request.path.strip_suffix('/').unwrap_or(&request.path);
    let mut is_path_known = false;
    for route in routes {
        let Some(params) = fits(route.path, path) else { continue };
        if route.method == request.method {
            let operation = format!("{} {}", route.method, route.path);
            return Call { request, operation, params, document: None, run: route.run };
        }
        is_path_known = true;
    }
    let operation = format!("{} {path}", request.method);
    let status = if is_path_known { 405 } else { 404 };
    Call { request, operation, params: Vec::new(), document: None, run: Run::Unknown(status) }
}

/// Every stand-in of the estate.
pub(crate) fn every() -> Vec<Box<dyn System>> {
    let mut all: Vec<Box<dyn System>> = vec![
        Box::new(workday::Workday),
        Box::new(okta::Okta),
        Box::new(intune::Intune),
        Box::new(servicenow::ServiceNow),
        Box::new(slack::Slack),
    ];
    all.extend(family::every());
    all
}
