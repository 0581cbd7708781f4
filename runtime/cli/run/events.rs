//! What an event of a system leads to: the request of the trigger that is declared for it, and a read of what it speaks of.
//!
//! Absent: the proof that the system sent it. Invariants: the same delivery is the same request, for ever, because the journal
//! keeps requests by their ids; what leads to no request leads to one read and, delivered again, to none. What is remembered
//! for that is bounded: a process that forgot it reads once more and changes nothing.

use super::submit;
use crate::project::Project;
use crate::serve::Answer;
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use xops_connectors::hook::Delivery;
use xops_kernel::expr::{self, Known, Path};
use xops_kernel::id::RequestId;
use xops_kernel::log::{Entrance, Request};
use xops_kernel::value::{Value, Values};
use xops_shell::engine::Engine;

/// How many deliveries are remembered.
const SEEN_MAX: usize = 65_536;

/// The deliveries that were seen lately.
#[derive(Default)]
pub struct Seen {
    order: VecDeque<RequestId>,
    ids: BTreeSet<RequestId>,
}

impl Seen {
    /// Whether this delivery was not seen before.
    fn first(&mut self, id: RequestId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// Takes an event of `system`.
pub async fn take(
    engine: &Rc<Engine>,
    project: &Project,
    seen: &RefCell<Seen>,
    system: &str,
    delivery: &Delivery,
) -> Answer {
    let id = RequestId::of(&project.declarations.tenant, &format!("event {system}"), &delivery.id);
    let request = triggered(project, system, id, delivery);
    let first = seen.borrow_mut().first(id);
    let kind = delivery.kind.as_deref().filter(|_| first);
    let noticed = kind.is_some_and(|kind| xops_shell::dataops::notice(engine.tenant(), system, kind));
    match request {
        Ok(Some(request)) => submit(engine, request).await,
        Ok(None) => {
            let state = match (first, noticed) {
                (false, _) => "repeated",
                (true, true) => "noticed",
                (true, false) => "ignored",
            };
            (202, json!({ "state": state }))
        }
        Err(_) if noticed => (202, json!({ "state": "noticed" })),
        Err(why) => (422, json!({ "error": why })),
    }
}

/// The request that an event opens, if a trigger is declared for it. The delivery's id makes a repeated delivery one request.
fn triggered(
    project: &Project,
    system: &str,
    id: RequestId,
    delivery: &Delivery,
) -> Result<Option<Request>, String> {
    let name = delivery.event.clone().ok_or("the event has neither `type` nor `event`")?;
    let Some(trigger) = project.declarations.triggers.get(&(system.to_owned(), name)) else {
        return Ok(None);
    };
    let body = &delivery.body;
    let scope =
        |path: &Path| Known::Value(if path.root == "event" { path.follow(0, body) } else { Value::Null });
    let mut find = Values::new();
    for (attribute, expr) in &trigger.find {
        match expr::eval(expr, &scope) {
            Known::Value(Value::Null) | Known::Unknown(_) => {
                return Err(format!("the event says nothing of `{attribute}`, by which the entity is found"));
            }
            Known::Value(value) => drop(find.insert(attribute.clone(), value)),
        }
    }
    Ok(Some(Request {
        id,
        entrance: Entrance::Event,
        principal: project.declarations.principal.clone(),
        kind: trigger.entity.clone(),
        find,
        outcome: trigger.outcome.clone(),
        release: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_first_once_and_what_is_remembered_is_bounded() {
        let id = |number: usize| RequestId::of("acme", "event slack", &number.to_string());
        let mut seen = Seen::default();
        for number in 0..=SEEN_MAX {
            assert!(seen.first(id(number)), "{number}");
            assert!(!seen.first(id(number)), "{number}");
        }
        assert_eq!((seen.order.len(), seen.ids.len()), (SEEN_MAX, SEEN_MAX));
        assert!(seen.first(id(0)), "the oldest is forgotten");
        assert!(!seen.first(id(SEEN_MAX)));
    }
}
