//! What manifests keep from everybody's eyes is taken out of a state before it is shown.
//!
//! Invariants: where the project cannot be read, nobody knows what is redacted, and then nothing that a call captured or a lookup
//! kept is shown.

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use xops_connectors::manifests::Manifests;
use xops_kernel::plan::Plan;

/// What stands in its place.
const REDACTED: &str = "(redacted)";

/// Masks, in the state of an instance, the values that the manifests of its systems declare `redact`; without manifests all that
/// systems answered.
pub(super) fn conceal(state: &mut Json, plan: &Plan, manifests: Option<&Manifests>) {
    let names = manifests.map(|manifests| {
        let systems: BTreeSet<&str> = plan.steps.iter().map(|step| step.awf.system.as_str()).collect();
        systems.into_iter().flat_map(|system| manifests.redacted_of(system)).collect::<BTreeSet<&str>>()
    });
    mask(state, names.as_ref(), false);
}

fn mask(value: &mut Json, names: Option<&BTreeSet<&str>>, answered: bool) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| mask(item, names, answered)),
        Json::Object(members) => {
            for (name, member) in members {
                let hidden = names.map_or(answered, |names| names.contains(name.as_str()));
                if hidden {
                    *member = json!(REDACTED);
                } else {
                    mask(member, names, matches!(name.as_str(), "outputs" | "before" | "snapshot"));
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redacted_is_masked_at_any_depth_and_without_a_project_everything_that_was_answered_is() {
        let state = || json!({ "steps": [{ "stage": "done", "outputs": { "id": "u1", "secret": { "text": "s" } } }] });
        let mut known = state();
        mask(&mut known, Some(&["secret"].into()), false);
        assert_eq!(known["steps"][0]["outputs"], json!({ "id": "u1", "secret": REDACTED }));
        let mut unknown = state();
        mask(&mut unknown, None, false);
        assert_eq!(
            unknown["steps"][0],
            json!({ "stage": "done", "outputs": { "id": REDACTED, "secret": REDACTED } })
        );
    }
}
