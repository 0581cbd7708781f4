//! The laws of entities: records that exist, attributes whose sources have their types, links over known attributes.

use super::draft::{At, Attribute, Entity, Said};
use super::world::{World, meant, parts};
use crate::code;
use crate::finding::Finding;
use crate::infer::{article, fits};
use crate::reader::Reference;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::expr::{Expr, Path};
use xops_kernel::value::Type;

/// Holds entities to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for (name, entity) in &world.drafts.entities {
        if let Some(mint) = &entity.mint
            && let Some(words) = parts(mint, None, "<system>.<kind>", &entity.at, findings)
        {
            world.record((words[0], words[1]), &entity.at, &mint.1, findings);
        }
        if let Some((handle, span)) = &entity.handle {
            known(name, entity, &entity.at, (handle, span), findings);
        }
        for (attribute, draft) in &entity.attributes {
            for claim in &draft.from {
                source(world, attribute, draft, claim, findings);
            }
            refers((name, entity), attribute, draft, findings);
        }
        if let Some((rules, current)) = &entity.joined {
            joined(world, entity, rules, current, findings);
        }
        for (system, link) in &entity.links {
            let record = world.record((system, &link.kind.0), &link.at, &link.kind.1, findings);
            if entity.joined.is_some() {
                continue;
            }
            if let Some(record) = record {
                of_record((system, &link.kind.0), record, &link.at, &link.record, findings);
            }
            known(name, entity, &link.at, (&link.entity.0, &link.entity.1), findings);
        }
    }
}

/// Holds an entity whose records rules join to them: the rules are there, every record says something that they read, and what tells
/// the minting record that holds is an attribute of it.
fn joined(world: &World<'_>, entity: &Entity, rules: &Said, current: &Said, findings: &mut Vec<Finding>) {
    let drafts = &world.drafts.identities;
    let Some((_, known)) = drafts.rules.get(&rules.0) else {
        findings.push(super::identity::unknown(drafts, &entity.at, &rules.0, &rules.1));
        return;
    };
    let mint = entity.mint.as_ref().and_then(|(path, span)| {
        let words = crate::reader::words(path).filter(|words| words.len() == 2)?;
        Some((words[0].to_owned(), words[1].to_owned(), &entity.at, span.clone()))
    });
    let minting = mint.clone();
    let links = entity.links.iter();
    let links =
        links.map(|(system, link)| (system.clone(), link.kind.0.clone(), &link.at, link.kind.1.clone()));
    for (system, kind, at, span) in mint.into_iter().chain(links) {
        // What does not exist is told where it is read.
        let Some(record) = world.record((&system, &kind), at, &span, &mut Vec::new()) else { continue };
        if !known.reads(record.keys().map(String::as_str)) {
            let message = format!("the rules `{}` read nothing of the records `{system}.{kind}`", rules.0);
            let finding = at.error_at(&span, code::RULES_READ_NOTHING, message, "never joined to anything");
            findings.push(finding.help(format!(
                "name one of {} among the `columns` of a field",
                crate::reader::listed(&record.keys().collect::<Vec<_>>())
            )));
        }
    }
    let Some((system, kind, ..)) = minting else { return };
    if let Some(record) = world.record((&system, &kind), &entity.at, &current.1, &mut Vec::new()) {
        of_record((&system, &kind), record, &entity.at, current, findings);
    }
}

/// What names another entity names it by an attribute that the same systems know, or one of them could close a circle unseen.
fn refers((name, entity): (&str, &Entity), attribute: &str, draft: &Attribute, findings: &mut Vec<Finding>) {
    let Some((target, span)) = &draft.refers else { return };
    known(name, entity, &draft.at, (target, span), findings);
    let Some(named) = entity.attributes.get(target) else { return };
    let systems = |draft: &Attribute| -> BTreeSet<String> {
        draft.from.iter().map(|(path, _)| path.root.clone()).collect()
    };
    if systems(draft) != systems(named) {
        let message = format!("`{attribute}` refers to `{target}`, and they have other sources");
        let finding = draft.at.error_at(span, code::REFERS, message, "known to other systems");
        let of = |systems: BTreeSet<String>| systems.into_iter().collect::<Vec<_>>().join(", ");
        findings.push(finding.help(format!(
            "`{attribute}` is read from {}, and `{target}` from {}: take the same",
            of(systems(draft)),
            of(systems(named))
        )));
    }
}

fn known(
    name: &str,
    entity: &Entity,
    at: &At,
    said: (&str, &std::ops::Range<usize>),
    findings: &mut Vec<Finding>,
) {
    let (attribute, span) = said;
    if !entity.attributes.contains_key(attribute) {
        let message = format!("`{name}` has no attribute `{attribute}`");
        let finding = at.error_at(span, code::UNKNOWN_ATTRIBUTE, message, "unknown attribute");
        findings.push(finding.help(meant(attribute, entity.attributes.keys().map(String::as_str))));
    }
}

fn of_record<'r>(
    (system, kind): (&str, &str),
    record: &'r BTreeMap<String, Type>,
    at: &At,
    (attribute, span): &Said,
    findings: &mut Vec<Finding>,
) -> Option<&'r Type> {
    let found = record.get(attribute);
    if found.is_none() {
        let message = format!("the records `{system}.{kind}` have no attribute `{attribute}`");
        let finding = at.error_at(span, code::UNKNOWN_RECORD, message, "unknown attribute");
        findings.push(finding.help(meant(attribute, record.keys().map(String::as_str))));
    }
    found
}

fn source(world: &World<'_>, name: &str, draft: &Attribute, claim: &Reference, findings: &mut Vec<Finding>) {
    let Some(words) = parts(claim, None, "<system>.<kind>.<attribute>", &draft.at, findings) else { return };
    let (system, kind) = (words[0], words[1]);
    let Some(record) = world.record((system, kind), &draft.at, &claim.1, findings) else { return };
    let said = (words[2].to_owned(), claim.1.clone());
    let Some(is) = of_record((system, kind), record, &draft.at, &said, findings) else { return };
    if !fits(is, &draft.is, &Expr::Ref(Path::of("", &[]))) {
        let message =
            format!("`{name}` is {}, and its source `{}` is {}", article(&draft.is), claim.0, article(is));
        let finding =
            draft.at.error_at(&claim.1, code::CLAIM_TYPE, message, format!("this is {}", article(is)));
        findings.push(finding.help(format!("declare `type = \"{is}\"`, or take another source")));
    }
}
