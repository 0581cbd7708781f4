//! Filling in the gate's sheet: looking up what holds now. What it means, `xops_kernel::gate` says.

use crate::tenant::Tenant;
use std::collections::BTreeSet;
use xops_kernel::culprit::Culprit;
use xops_kernel::desire::Subject;
use xops_kernel::gate::Sheet;
use xops_kernel::id::Direction;
use xops_kernel::layer;
use xops_kernel::log::{Number, Scope};
use xops_kernel::plan::Step;
use xops_kernel::record::Millis;
use xops_kernel::saga::Saga;
use xops_kernel::saga::state::State;

/// The sheet of one step, as far as it can be filled in without asking any system.
pub fn fill(tenant: &Tenant, saga: &Saga, number: Number, state: &State, step: &Step, now: Millis) -> Sheet {
    let run = &state.steps[usize::from(step.id.0)];
    let mut sheet = if run.direction == Direction::Forward && !step.hangs_on.is_empty() {
        tenant.graph().sheet(&saga.plan, step, now)
    } else {
        Sheet::default()
    };
    let Some(awf) = Saga::function(step, run.direction) else { return sheet };
    let ambient = tenant.ambient.borrow();
    sheet.breaker_until = ambient.breakers.get(&awf.system).copied().filter(|until| *until > now);
    sheet.paused =
        paused(&ambient.paused, saga, &awf.system, tenant).or_else(|| aside(&ambient.aside, &awf.system));
    let locks = saga.locks(state, step, run.direction);
    let holder =
        locks.iter().find_map(|lock| ambient.locks.get(lock).filter(|(holder, _)| *holder != number));
    sheet.locked_by = holder.map(|(_, instance)| instance.to_string());
    sheet
}

/// A system whose robots panicked too often is held as if a person had paused it.
fn aside(aside: &BTreeSet<Culprit>, system: &str) -> Option<String> {
    let over = (!aside.is_empty()).then(|| Culprit::System(system.to_owned()))?;
    aside.contains(&over).then(|| format!("{over} (set aside after panics)"))
}

fn paused(
    pauses: &std::collections::BTreeMap<Scope, (String, String)>,
    saga: &Saga,
    system: &str,
    tenant: &Tenant,
) -> Option<String> {
    if pauses.is_empty() {
        return None;
    }
    let domain =
        tenant.declarations.systems.get(system).map(|system| system.domain.clone()).unwrap_or_default();
    let runbook = saga.plan.runbook.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
    let scopes = [
        Scope::All,
        Scope::Domain(domain),
        Scope::System(system.to_owned()),
        Scope::Runbook(runbook),
        Scope::Instance(saga.instance),
    ];
    scopes.into_iter().find(|scope| pauses.contains_key(scope)).map(|scope| scope.to_string())
}

/// The settings that hold for an entity.
pub fn settings(tenant: &Tenant, subject: &Subject) -> layer::Settings {
    let declared = &tenant.declarations;
    layer::resolve(&declared.tenant, &declared.settings, &declared.layers, &declared.layering, &subject.facts)
}

/// The systems that would have to be read again for these references to be known.
pub fn systems_behind(tenant: &Tenant, kind: &str, references: &[String]) -> BTreeSet<String> {
    let entity = tenant.declarations.entities.get(kind);
    let mut systems = BTreeSet::new();
    for (root, name) in references.iter().filter_map(|reference| reference.split_once('.')) {
        match root {
            "link" => drop(systems.insert(name.to_owned())),
            "setting" => systems.extend(entity.map(|entity| entity.mint.0.clone())),
            _ => {
                let attribute = entity.and_then(|entity| entity.attributes.get(name));
                systems.extend(
                    attribute.into_iter().flat_map(|it| it.from.iter().map(|claim| claim.system.clone())),
                );
            }
        }
    }
    systems
}
