//! What was asked and answered during the laws, against the cards.
//!
//! - Nothing is judged here: the estate recorded its verdicts, and only those that are known are let pass.

use crate::stage::Stage;
use serde_json::Value as Json;

/// Answers that stand beside their cards, because the vendor answers otherwise than its description says: system, operation,
/// what is said of it. Each must be seen.
const BESIDE_THE_CARD: &[(&str, &str, &str)] = &[
    // A list of enrollments, and not one.
    ("okta", "GET /api/v1/users/{id}/authenticator-enrollments", "is not of type object"),
    // A list of items under `result`.
    ("servicenow", "GET /api/now/cmdb/instance/{class}", "`result` is not of type object"),
    // An order that belongs to nothing shows null.
    ("servicenow", "POST /api/sn_sc/servicecatalog/items/{sys_id}/order_now", "`result.parent_id`"),
    // A channel may be empty.
    ("slack", "conversations.history", "`messages` has less than 1 items"),
];

/// The calls of a system that its card does not allow, as the estate recorded them.
pub(crate) async fn violations(stage: &Stage, system: &str, all_were_called: bool) -> Vec<String> {
    let calls = stage.control("GET", &format!("/calls?system={system}&limit=5000"), &Json::Null).await;
    let mut all: Vec<String> = Vec::new();
    let mut awaited: Vec<_> = BESIDE_THE_CARD.iter().filter(|(of, ..)| *of == system).collect();
    let mut calls_with_cards = 0_usize;
    for call in calls.as_array().cloned().unwrap_or_default() {
        calls_with_cards += usize::from(call["card"].is_object());
        for (which, what) in [("violation", "the request"), ("answer", "the answer")] {
            if let Some(violation) = call["card"][which].as_str() {
                let text = format!("{} {}: {what}: {violation}", call["method"], call["operation"]);
                let is_known = |one: &(&str, &str, &str)| {
                    let (of, operation, said) = *one;
                    of == system
                        && which == "answer"
                        && call["operation"] == operation
                        && violation.contains(said)
                };
                if BESIDE_THE_CARD.iter().any(is_known) {
                    awaited.retain(|one| !is_known(one));
                    continue;
                }
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        }
    }
    let is_judged = calls_with_cards > 0 && all_were_called;
    awaited.retain(|_| is_judged);
    all.extend(awaited.into_iter().map(|(_, operation, _)| format!("{operation} answers as its card says")));
    all
}
