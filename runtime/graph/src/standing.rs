//! Standing: whether the facts that a step hangs on still are what its plan was drawn from.
//!
//! Absent: a look at anything that the step does not hang on, so that what is unrelated neither costs time nor makes a plan
//! stale. Invariant: the answer is that of `xops_kernel::compile::value_of` on the whole subject.

use crate::graph::Graph;
use crate::resolve::Held;
use std::sync::Arc;
use xops_kernel::fact::Observation;
use xops_kernel::gate::{Changed, Sheet};
use xops_kernel::id::EntityId;
use xops_kernel::layer;
use xops_kernel::plan::{Plan, Step};
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;

impl Graph {
    /// The part of a step's sheet that is about facts: what changed since `plan` was drawn, what is not known any more, and how old
    /// the oldest reading is. A personal value is not repeated.
    pub fn sheet(&self, plan: &Plan, step: &Step, now: Millis) -> Sheet {
        let mut sheet = Sheet::default();
        let mut oldest: Option<Millis> = None;
        // Settings hang on facts and are put together once, and only for a step that hangs on one.
        let mut settings: Option<layer::Settings> = None;
        for reference in &step.hangs_on {
            let Some((root, name)) = reference.split_once('.') else {
                sheet.unknown.push(reference.clone());
                continue;
            };
            let drawn = plan.footprint.facts.get(reference);
            let standing = match root {
                "setting" => {
                    let settings = settings.get_or_insert_with(|| self.settings_of(plan.entity, now));
                    of_setting(settings.get(name), drawn)
                }
                "link" => of_link(&self.joined(plan.entity, name, now), drawn),
                _ => self.of_fact(plan.entity, name, now, drawn),
            };
            match standing {
                Standing::Holds(read_at) => oldest = oldest.into_iter().chain(read_at).min(),
                Standing::Unknown => sheet.unknown.push(reference.clone()),
                Standing::Changed(now, read_at) => {
                    let personal = self.is_personal(&plan.kind, reference);
                    let now = (!personal).then_some(now);
                    sheet.changed.push(Changed { what: reference.clone(), now });
                    oldest = oldest.into_iter().chain(read_at).min();
                }
            }
        }
        sheet.oldest_read = oldest.unwrap_or(0);
        sheet
    }

    fn of_fact(&self, entity: EntityId, name: &str, now: Millis, drawn: Option<&Value>) -> Standing {
        match self.fact_held(entity, name, now) {
            None | Some(Observation::Unknown(_)) => Standing::Unknown,
            Some(Observation::Absent(_)) => of_value(drawn, &Value::Null, None),
            Some(Observation::Present((value, record))) => of_value(drawn, value, Some(record.read_at)),
        }
    }

    fn settings_of(&self, entity: EntityId, now: Millis) -> layer::Settings {
        let declared = &self.declarations;
        let facts = self.facts(entity, now).unwrap_or_default();
        layer::resolve(&declared.tenant, &declared.settings, &declared.layers, &declared.layering, &facts)
    }

    /// What [`Graph::fact`] gives, without a copy.
    pub(crate) fn fact_held(
        &self,
        entity: EntityId,
        attribute: &str,
        now: Millis,
    ) -> Option<Observation<Held<'_>>> {
        let node = self.node_of(entity)?;
        let attribute = self.declarations.entities.get(&node.kind)?.attributes.get(attribute)?;
        Some(self.at(now).held(entity, node, attribute, &mut Vec::new()))
    }

    fn is_personal(&self, kind: &str, reference: &str) -> bool {
        let Some((root, name)) = reference.split_once('.') else { return true };
        let attributes = self.declarations.entities.get(kind).map(|kind| &kind.attributes);
        match root {
            "setting" => false,
            "link" => true,
            _ => attributes.and_then(|held| held.get(name)).is_none_or(|attribute| attribute.personal),
        }
    }
}

/// What became of one fact since the plan was drawn.
enum Standing {
    /// It is as it was, read then.
    Holds(Option<Millis>),
    /// It is this now, read then.
    Changed(Value, Option<Millis>),
    /// It is not known any more.
    Unknown,
}

fn of_value(drawn: Option<&Value>, now: &Value, read_at: Option<Millis>) -> Standing {
    if drawn == Some(now) { Standing::Holds(read_at) } else { Standing::Changed(now.clone(), read_at) }
}

fn of_link(link: &Observation<&Arc<Record>>, drawn: Option<&Value>) -> Standing {
    match link {
        Observation::Unknown(_) => Standing::Unknown,
        Observation::Absent(_) => of_value(drawn, &Value::Null, None),
        Observation::Present(record) => {
            let (id, read_at) = (record.source.id.as_str(), Some(record.read_at));
            match drawn {
                Some(Value::Text(drawn)) if drawn == id => Standing::Holds(read_at),
                _ => Standing::Changed(id.into(), read_at),
            }
        }
    }
}

fn of_setting(setting: Option<&Result<layer::Resolved, String>>, drawn: Option<&Value>) -> Standing {
    match setting {
        None => of_value(drawn, &Value::Null, None),
        Some(Err(_)) => Standing::Unknown,
        Some(Ok(resolved)) => of_value(drawn, &resolved.value, None),
    }
}
