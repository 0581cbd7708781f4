//! Standing: whether the facts that a step hangs on still are what its plan was drawn from.
//!
//! Absent: a look at anything that the step does not hang on, so that what is unrelated neither costs time nor makes a plan
//! stale. Invariant: the answer is that of `xops_kernel::compile::value_of` on the whole subject.

use crate::graph::Graph;
use std::collections::BTreeMap;
use xops_kernel::compile;
use xops_kernel::desire::{Desire, Subject};
use xops_kernel::fact::Observation;
use xops_kernel::gate::{Changed, Sheet};
use xops_kernel::layer;
use xops_kernel::plan::{Plan, Step};
use xops_kernel::record::Millis;

impl Graph {
    /// The part of a step's sheet that is about facts: what changed since `plan` was drawn, what is not known any more, and how old
    /// the oldest reading is. A personal value is not repeated.
    pub fn sheet(&self, plan: &Plan, step: &Step, now: Millis) -> Sheet {
        let subject = self.narrow(plan, step, now);
        let desire = Desire { settings: self.settings_of(&subject, step), ..Desire::default() };
        let mut sheet = Sheet::default();
        let mut oldest = None;
        for reference in &step.hangs_on {
            match compile::value_of(&subject, &desire, reference) {
                None => sheet.unknown.push(reference.clone()),
                Some(value) if plan.footprint.facts.get(reference) == Some(&value) => {}
                Some(value) => {
                    let personal = self.is_personal(&plan.kind, reference);
                    sheet
                        .changed
                        .push(Changed { what: reference.clone(), now: (!personal).then_some(value) });
                }
            }
            let read_at = read_at(&subject, reference);
            oldest = oldest.into_iter().chain(read_at).min();
        }
        sheet.oldest_read = oldest.unwrap_or(0);
        sheet
    }

    /// The subject, as far as the step hangs on it; all facts where it hangs on a setting, which any could choose.
    fn narrow(&self, plan: &Plan, step: &Step, now: Millis) -> Subject {
        let (entity, kind) = (plan.entity, plan.kind.clone());
        let mut subject = Subject { entity, kind, facts: BTreeMap::new(), links: BTreeMap::new() };
        for (root, name) in step.hangs_on.iter().filter_map(|reference| reference.split_once('.')) {
            match root {
                "setting" => {}
                "link" => {
                    let link = self.link(entity, name, now);
                    subject.links.insert(name.to_owned(), link);
                }
                _ => {
                    if let Some(fact) = self.fact(entity, name, now) {
                        subject.facts.insert(name.to_owned(), fact);
                    }
                }
            }
        }
        if hangs_on_a_setting(step) {
            subject.facts = self.facts(entity, now).unwrap_or_default();
        }
        subject
    }

    fn settings_of(&self, subject: &Subject, step: &Step) -> layer::Settings {
        if !hangs_on_a_setting(step) {
            return layer::Settings::new();
        }
        let declared = &self.declarations;
        let facts = &subject.facts;
        layer::resolve(&declared.tenant, &declared.settings, &declared.layers, &declared.layering, facts)
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

fn hangs_on_a_setting(step: &Step) -> bool {
    step.hangs_on.iter().any(|reference| reference.starts_with("setting."))
}

fn read_at(subject: &Subject, reference: &str) -> Option<Millis> {
    let (root, name) = reference.split_once('.')?;
    match root {
        "setting" => None,
        "link" => match subject.links.get(name)? {
            Observation::Present(record) => Some(record.read_at),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        },
        _ => match subject.facts.get(name)? {
            Observation::Present(fact) => Some(fact.read_at),
            Observation::Absent(_) | Observation::Unknown(_) => None,
        },
    }
}
