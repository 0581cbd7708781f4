//! The laws of triggers and schedules.

use super::draft::{Schedule, Trigger};
use super::outcome::named;
use super::scope::{Place, Scope};
use super::world::{World, meant};
use crate::code;
use crate::finding::Finding;
use crate::infer::{article, fits, infer};
use croner::parser::{CronParser, Seconds, Year};
use std::collections::BTreeSet;
use xops_kernel::value::Type;

/// The longest cron line, in bytes.
const CRON_MAX: usize = 256;

/// Holds triggers and schedules to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for trigger in world.drafts.triggers.values() {
        world.system(&trigger.system.text, &trigger.at, &trigger.system.span, findings);
        entity(world, trigger, findings);
        let Some(reference) = &trigger.outcome else { continue };
        let Some(name) = named(world, reference, &trigger.at, findings) else { continue };
        let of_outcome = world.drafts.outcomes.get(name).and_then(|outcome| outcome.entity.as_ref());
        if let (Some((of_outcome, _)), Some((of_trigger, _))) = (of_outcome, &trigger.entity)
            && of_outcome != of_trigger
        {
            let message =
                format!("outcome `{name}` is for `{of_outcome}`, and this event is about `{of_trigger}`");
            findings.push(trigger.at.error_at(
                &reference.1,
                code::UNKNOWN_OUTCOME,
                message,
                "for another kind of entity",
            ));
        }
    }
    for schedule in world.drafts.schedules.values() {
        cron(schedule, findings);
        for reference in &schedule.outcomes {
            named(world, reference, &schedule.at, findings);
        }
    }
}

fn entity(world: &World<'_>, trigger: &Trigger, findings: &mut Vec<Finding>) {
    let scope = Scope { world, entities: BTreeSet::new(), place: Place::Event };
    let types: Vec<Type> =
        trigger.find.iter().map(|(_, node)| infer(node, &scope, &trigger.at.file, findings)).collect();
    let Some((name, span)) = &trigger.entity else { return };
    let Some(entity) = world.drafts.entities.get(name) else {
        let among = world.drafts.entities.keys().map(String::as_str);
        world.unknown(&trigger.at, span, code::UNKNOWN_ENTITY, ("entity", name), among, findings);
        return;
    };
    for ((word, node), is) in trigger.find.iter().zip(&types) {
        match entity.attributes.get(&word.text) {
            None => {
                let message = format!("`{name}` has no attribute `{}`", word.text);
                let finding =
                    trigger.at.error_at(&word.span, code::UNKNOWN_ATTRIBUTE, message, "unknown attribute");
                findings.push(finding.help(meant(&word.text, entity.attributes.keys().map(String::as_str))));
            }
            Some(attribute) if !fits(is, &attribute.is, &node.expr) => {
                let message =
                    format!("`{}` is {}, and this is {}", word.text, article(&attribute.is), article(is));
                findings.push(trigger.at.error_at(&node.span, code::COMPARISON, message, "of another type"));
            }
            Some(_) => {}
        }
    }
}

/// The last part of the parser's message, as a label reads.
fn last_part(message: &str) -> String {
    let part = message.rsplit(": ").next().unwrap_or(message).trim_end_matches('.');
    let mut letters = part.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn cron(schedule: &Schedule, findings: &mut Vec<Finding>) {
    let Some((line, span)) = &schedule.cron else { return };
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let wrong = if line.len() > CRON_MAX {
        Some(format!("it is longer than {CRON_MAX} characters"))
    } else if line.starts_with('@') {
        Some("a nickname is no line of five fields".to_owned())
    } else {
        parser.parse(line).err().map(|error| last_part(&error.to_string()))
    };
    if let Some(wrong) = wrong {
        let finding = schedule.at.error_at(span, code::CRON, "this cron line is not understood", wrong);
        findings.push(
            finding.help("five fields in UTC: minute, hour, day of month, month, day of week; `0 * * * *` is each hour".to_owned()),
        );
    }
}
