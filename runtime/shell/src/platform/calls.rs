//! What a job does once it is let go: the call, the lookup with its pages, and what the connector makes of the answers.

use super::{Done, Job, LOOKUP_REQUESTS_MAX};
use crate::crash::{self, Place};
use crate::door::Door;
use crate::tenant::Tenant;
use crate::transport::Lost;
use std::rc::Rc;
use std::time::Duration;
use xops_kernel::port::{Ask, Outcome, Page, Request};
use xops_kernel::value::Values;
use xops_robots::platform::budget::Call;

/// Why there is no request.
pub(super) enum Unsent {
    /// The connector says why.
    Unrendered(String),
    /// It panicked.
    Panicked,
}

pub(super) fn render(tenant: &Tenant, job: &Job, carry: &Values) -> Result<Request, Unsent> {
    with_ask(tenant, job, carry, |ask| tenant.shared.connector.render(ask))
        .map_err(|unrendered| Unsent::Unrendered(unrendered.to_string()))
}

fn with_ask<T>(tenant: &Tenant, job: &Job, carry: &Values, then: impl FnOnce(&Ask<'_>) -> T) -> T {
    let empty = Values::new();
    then(&Ask {
        system: tenant.shared.systems.get(&job.awf.system).unwrap_or(&empty),
        awf: &job.awf,
        phase: job.phase,
        inputs: &job.inputs,
        key: job.key,
        snapshot: &job.snapshot,
        outputs: &job.outputs,
        carry,
    })
}

pub(super) fn answer(
    tenant: &Tenant,
    job: &Job,
    response: Result<xops_kernel::port::Response, Lost>,
) -> Outcome {
    match response {
        Ok(response) => {
            with_ask(tenant, job, &Values::new(), |ask| tenant.shared.connector.classify(ask, &response))
        }
        Err(lost) => lost.outcome(),
    }
}

pub(super) async fn send(tenant: &Rc<Tenant>, door: &Door, job: &Job, request: Request) -> Done {
    crash::pass(tenant.hub.crash.as_deref(), Place::BeforeCall);
    let call = Call::of(&request);
    let response = tenant.transport.send(request, Duration::from_millis(job.timeout_ms)).await;
    crash::pass(tenant.hub.crash.as_deref(), Place::AfterCall);
    if let Ok(response) = &response {
        door.admission.borrow_mut().heard(&call, response, tenant.hub.clock.now());
    }
    Done::Answered(answer(tenant, job, response))
}

pub(super) async fn look(tenant: &Rc<Tenant>, door: &Door, job: &Job, first: Request) -> Done {
    let mut request = first;
    let mut carry = Values::new();
    for page in 0..LOOKUP_REQUESTS_MAX {
        let call = Call::of(&request);
        // The first request was admitted; each page and link after it waits for the same budgets.
        if page > 0
            && let Err(why) = door.again(tenant, &call, job.urgency).await
        {
            return Done::Missed(Outcome::Transient(why));
        }
        let response = tenant.transport.send(request, Duration::from_millis(job.timeout_ms)).await;
        if let Ok(response) = &response {
            door.admission.borrow_mut().heard(&call, response, tenant.hub.clock.now());
        }
        let response = match response {
            Ok(response) => response,
            Err(lost) => return Done::Missed(lost.outcome()),
        };
        match with_ask(tenant, job, &carry, |ask| tenant.shared.connector.sight(ask, &response)) {
            Page::Over(sighting) => return Done::Sighted(sighting),
            Page::More(next, more) => {
                request = *next;
                carry = more;
            }
            Page::Failed(outcome) => return Done::Missed(outcome),
        }
    }
    Done::Missed(Outcome::Unknown(format!("the lookup made {LOOKUP_REQUESTS_MAX} requests and did not end")))
}
