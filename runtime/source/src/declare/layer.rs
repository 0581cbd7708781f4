//! The laws of layers: known settings, values of their types, locks that hold, something that chooses each kind.

use super::draft::{At, Layer};
use super::world::{World, meant};
use crate::code;
use crate::finding::{Finding, suggest};
use crate::infer::{article, type_of_value};
use crate::reader::listed;
use crate::syntax::Node;
use std::collections::BTreeSet;
use xops_kernel::declare::OnReject;
use xops_kernel::expr::Path;
use xops_kernel::layer::{LayerKind, Merge, Setting};
use xops_kernel::value::Value;

/// Holds layers to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    layering(world, findings);
    for ((kind, name), layer) in &world.drafts.layers {
        chosen(world, *kind, name, layer, findings);
        for (key, (at, value)) in &layer.values {
            match world.settings.get(key) {
                Some(setting) => self::value(world, setting, at, value, findings),
                None if key.starts_with("variant.") => {}
                None => {
                    let among = world.settings.keys().map(String::as_str);
                    world.unknown(at, &at.span, code::UNKNOWN_SETTING, ("setting", key), among, findings);
                }
            }
        }
        for word in &layer.variants {
            if !world.drafts.runbooks.contains_key(&word.text) {
                let among = world.drafts.runbooks.keys().map(String::as_str);
                world.unknown(
                    &layer.at,
                    &word.span,
                    code::UNKNOWN_RUNBOOK,
                    ("runbook", &word.text),
                    among,
                    findings,
                );
            }
        }
    }
    locks(world, findings);
    never_set(world, findings);
}

fn layering(world: &World<'_>, findings: &mut Vec<Finding>) {
    let attributes: BTreeSet<&str> = world
        .drafts
        .entities
        .values()
        .flat_map(|entity| entity.attributes.keys().map(String::as_str))
        .collect();
    for (at, attribute) in world.drafts.layering.values() {
        if !attributes.contains(attribute.as_str()) && world.whole {
            let finding = at.error(
                code::UNKNOWN_ATTRIBUTE,
                format!("no entity has an attribute `{attribute}`"),
                "unknown attribute",
            );
            findings.push(finding.help(meant(attribute, attributes.iter().copied())));
        }
    }
}

fn chosen(world: &World<'_>, kind: LayerKind, name: &str, layer: &Layer, findings: &mut Vec<Finding>) {
    if kind == LayerKind::Tenant && !name.is_empty() {
        let Some(tenant) = world.drafts.tenants.first() else { return };
        if tenant.name != name {
            let message =
                format!("the layer `tenant {name}` is never chosen: the tenant is `{}`", tenant.name);
            let finding = layer.at.error(code::NOT_LAYERED, message, "another tenant");
            findings.push(finding.help(suggest(name, [tenant.name.as_str()])));
        } else if let Some(unnamed) = world.drafts.layers.get(&(kind, String::new())) {
            let finding =
                layer.at.error(code::DUPLICATE, "layer `tenant` is declared twice", "declared again here");
            findings.push(unnamed.at.relate(finding, "first declared here"));
        }
    }
    let by_attribute = kind > LayerKind::Tenant;
    if by_attribute && !world.drafts.layering.contains_key(&kind) && world.whole {
        let message = format!("nothing chooses the layer `{}` of an entity", kind.word());
        let finding = layer.at.error(code::NOT_LAYERED, message, "this layer never applies");
        findings.push(
            finding.help(format!("say which attribute does: `layering {{ {0} = \"{0}\" }}`", kind.word())),
        );
    }
}

fn value(world: &World<'_>, setting: &Setting, at: &At, value: &Value, findings: &mut Vec<Finding>) {
    if !value.is(&setting.is) {
        let message = format!(
            "setting `{}` is {}, and this is {}",
            setting.key,
            article(&setting.is),
            article(&type_of_value(value))
        );
        let mut finding = at.error(code::LAYER_TYPE, message, format!("not {}", article(&setting.is)));
        if let Some((declared, _)) = world.drafts.settings.get(&setting.key) {
            finding = declared.relate(finding, "declared here");
        }
        findings.push(finding);
        return;
    }
    if let (Some(runbook), Value::Text(variant)) = (setting.key.strip_prefix("variant."), value)
        && let Some(draft) = world.drafts.runbooks.get(runbook)
        && !draft.variants.contains_key(variant)
    {
        let message = format!("runbook `{runbook}` has no variant `{variant}`");
        let finding = at.error(code::UNKNOWN_VARIANT, message, "unknown variant");
        findings.push(finding.help(meant(variant, draft.variants.keys().map(String::as_str))));
    }
    match (setting.key.as_str(), value) {
        ("on_reject", Value::Text(said)) if OnReject::from_word(said).is_none() => {
            let among = ["backstep", "replan", "pause"];
            let finding = at.error(
                code::CHOICE,
                format!("`{said}` is no `on_reject`"),
                "none of the words that may stand here",
            );
            let help = suggest(said, among).unwrap_or_else(|| format!("it is one of {}", listed(&among)));
            findings.push(finding.help(help));
        }
        ("parallel", Value::Int(number)) if !(1..=1_000).contains(number) => {
            let message = format!("`parallel` is {number}, not in 1 to 1000");
            findings.push(at.error(code::RANGE, message, "out of range"));
        }
        _ => {}
    }
}

/// A locked setting is fixed by the lowest layer that sets it: a higher one that sets it, too, says something in vain.
fn locks(world: &World<'_>, findings: &mut Vec<Finding>) {
    for setting in world.settings.values().filter(|setting| setting.merge == Merge::Lock) {
        let setters = world.drafts.layers.iter().filter_map(|((kind, name), layer)| {
            layer.values.get(&setting.key).map(|(at, _)| (*kind, name, at))
        });
        let mut lowest: Option<(LayerKind, &String, &At)> = None;
        for (kind, name, at) in setters {
            match lowest {
                Some((locked, _, by)) if locked < kind => {
                    let message = format!(
                        "setting `{}` is locked by the layer `{}`, and `{} {name}` overrides it",
                        setting.key,
                        locked.word(),
                        kind.word()
                    );
                    let finding = at.error(code::LOCKED, message, "never holds");
                    let finding = finding.why(
                        "with `merge = \"lock\"` the lowest layer that sets a value fixes it for all above",
                    );
                    findings.push(by.relate(finding, "locked here"));
                }
                Some(_) => {}
                None => lowest = Some((kind, name, at)),
            }
        }
    }
}

/// A setting that is used and set in no layer is always nothing.
fn never_set(world: &World<'_>, findings: &mut Vec<Finding>) {
    if !world.whole {
        return;
    }
    let set: BTreeSet<&str> =
        world.drafts.layers.values().flat_map(|layer| layer.values.keys().map(String::as_str)).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (at, node) in expressions(world) {
        for (path, span) in node.refs.iter().filter(|(path, _)| path.root == "setting") {
            let Some(key) =
                key_of(path).and_then(|key| world.settings.get_key_value(&key)).map(|(key, _)| key.as_str())
            else {
                continue;
            };
            if !set.contains(key) && seen.insert(key) {
                let finding = at
                    .error_at(span, code::NEVER_SET, format!("no layer sets `{key}`"), "always nothing")
                    .warning();
                findings.push(
                    finding.help(format!("set it for all: `layer \"global\" {{ set {{ {key} = ... }} }}`")),
                );
            }
        }
    }
}

fn key_of(path: &Path) -> Option<String> {
    crate::reader::words(path).map(|words| words[1..].join("."))
}

/// Every expression in which settings may stand, with the place of its declaration.
fn expressions<'w>(world: &World<'w>) -> impl Iterator<Item = (&'w At, &'w Node)> {
    let drafts = world.drafts;
    let outcomes = drafts.outcomes.values().flat_map(|outcome| {
        let lines = outcome.facets.iter().map(|line| (&line.at, &line.value));
        outcome.applies.iter().map(|applies| (&outcome.at, applies)).chain(lines)
    });
    let routes =
        drafts.routes.values().flat_map(|route| route.with.iter().map(|(_, node)| (&route.at, node)));
    let steps = drafts
        .runbooks
        .values()
        .flat_map(|runbook| runbook.variants.values())
        .flat_map(|variant| &variant.nodes);
    let nodes = steps.flat_map(|step| step.with.iter().map(|(_, node)| (&step.at, node)));
    outcomes.chain(routes).chain(nodes)
}
