//! One page: paced, asked for, and made sense of.

use super::guard;
use crate::door::Door;
use crate::tenant::Tenant;
use std::rc::Rc;
use std::time::Duration;
use xops_kernel::port::{Outcome, ReadAsk, ReadContract};
use xops_kernel::value::Values;
use xops_robots::dataops::progress::Answer;
use xops_robots::dataops::reading::{Call, Event, State};
use xops_robots::platform::budget::Call as Paced;

/// Asks for one page.
pub(super) fn fetch<'a>(
    tenant: &'a Rc<Tenant>,
    system: &'a str,
    contracts: &'a [ReadContract],
    state: &State,
    call: Call,
) -> impl Future<Output = Event> + use<'a> {
    let next = state.next(&call.target).cloned();
    let since = state.since(&call.target).map(|since| ("since".to_owned(), since.into()));
    async move {
        let carry = next.as_ref().map_or_else(|| since.into_iter().collect(), |next| next.carry.clone());
        let empty = Values::new();
        let config = tenant.shared.systems.get(system).unwrap_or(&empty);
        let ask = ReadAsk {
            system,
            read: &call.target.read,
            parameter: call.target.parameter.as_deref(),
            carry: &carry,
            at: tenant.hub.clock.now(),
            principal: &tenant.declarations.principal,
        };
        let connector = &tenant.shared.connector;
        let request = match next {
            Some(next) => Ok(*next.request),
            None => connector.render_read(config, &ask),
        };
        let timeout_ms = contracts
            .iter()
            .find(|contract| contract.name == call.target.read)
            .map_or(30_000, |it| it.timeout_ms);
        let answer = match request {
            _ if guard::is_aside(tenant, system, &call.target.read) => {
                let over = guard::read_of(system, &call.target.read);
                Answer::Failed(Outcome::Invalid(format!(
                    "its answers made the connector panic again and again: it is set aside until `xops release {over}`"
                )))
            }
            Err(unrendered) => Answer::Failed(Outcome::Invalid(unrendered.to_string())),
            Ok(request) => {
                // A read of everything is the first that waits, and leaves the reserve to what is half done.
                let door = Door::of(tenant, system);
                match door.pace(tenant, Paced::of(&request)).await {
                    Err(why) => Answer::Failed(Outcome::Transient(why)),
                    Ok(turn) => {
                        let timeout = Duration::from_millis(timeout_ms);
                        let response = tenant.transport.send(request, timeout).await;
                        match response {
                            Ok(response) => {
                                turn.heard(&response, tenant.hub.clock.now());
                                let page = || connector.page(config, &ask, &response);
                                guard::guarded(tenant, system, &call.target.read, page)
                            }
                            Err(lost) => Answer::Failed(lost.outcome()),
                        }
                    }
                }
            }
        };
        Event::Answered { call, answer, at: tenant.hub.clock.now() }
    }
}
