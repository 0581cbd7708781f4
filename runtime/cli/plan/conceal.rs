//! What a manifest keeps from everybody's eyes is taken out of a preview before it is shown.

use xops_connectors::manifests::Manifests;
use xops_kernel::plan::Binding;
use xops_kernel::value::Value;
use xops_shell::compile::Preview;

/// What stands in its place.
const REDACTED: &str = "(redacted)";

/// Masks the inputs and outputs that manifests declare `redact`. The plan's id stays that of the plan.
pub(super) fn conceal(manifests: &Manifests, preview: &mut Preview) {
    for step in &mut preview.plan.steps {
        let redacted = manifests.redacted(&step.awf);
        let shown = |(name, binding): (String, Binding)| {
            let masked = redacted.contains(&name) && matches!(binding, Binding::Literal(_));
            let binding = if masked { Binding::Literal(REDACTED.into()) } else { binding };
            (name, binding)
        };
        step.inputs = std::mem::take(&mut step.inputs).into_iter().map(shown).collect();
    }
    for (facet, sighting) in &mut preview.seen {
        let redacted = manifests.redacted_of(&facet.system);
        for (name, value) in &mut sighting.outputs {
            if redacted.contains(name.as_str()) {
                *value = Value::from(REDACTED);
            }
        }
    }
}
