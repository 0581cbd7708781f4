//! Where facets are watched, what is paid for, and what is done about drift: reading them, holding them to their laws.
//!
//! Absent: any effect on plans. Invariant: what is declared here names records, attributes and objects that exist.

use super::draft::{At, Drafts, Placed, Said, insert};
use super::read::{check_word, each, required_said, said};
use super::world::{World, meant, parts};
use crate::code;
use crate::finding::Finding;
use crate::reader::{Reader, Reference, words};
use crate::syntax::Block;
use std::collections::BTreeSet;
use xops_kernel::standard::{self, Cost, Costing, OnDrift, Standards, WITHIN_MS, Watched};

/// After how long without use something is idle where a file does not say: 90 days, in milliseconds.
const IDLE_MS: u64 = 90 * 24 * 3_600_000;
/// The greatest price of a month, in hundredths.
const MONTHLY_MAX: i64 = 1_000_000_000;

/// An `evidence` block outside of `peers`.
#[derive(Debug)]
pub(super) struct Draft {
    at: At,
    key: (String, String),
    of: Option<Said>,
    from: Option<Reference>,
    record: Option<Said>,
    entity: Option<Said>,
    element: Option<Said>,
    value: Option<Said>,
    objects: Option<Said>,
    by: Option<Said>,
}

/// A `cost` block.
#[derive(Debug)]
pub(super) struct Paid {
    at: At,
    name: String,
    facet: Option<Reference>,
    element: Option<Said>,
    from: Option<Reference>,
    of: Option<Said>,
    record: Option<Said>,
    entity: Option<Said>,
    monthly: u64,
    currency: String,
    used: Option<Said>,
    idle_ms: u64,
}

impl Placed for Draft {
    fn at(&self) -> &At {
        &self.at
    }
}

impl Placed for Paid {
    fn at(&self) -> &At {
        &self.at
    }
}

/// Reads what is watched and paid for into `drafts`.
pub(super) fn file(reader: &mut Reader<'_, '_>, drafts: &mut Drafts) {
    each(reader, "evidence", &["domain", "facet"], |reader, block| evidence(reader, block, drafts));
    each(reader, "cost", &["name"], |reader, block| cost(reader, block, drafts));
}

/// Reads what an outcome says of drift.
pub(super) fn on_drift(reader: &mut Reader<'_, '_>) -> Option<OnDrift> {
    let open = reader.choice("on_drift", &["report", "open"]).map(|word| word == "open");
    let within_ms = reader.duration_ms("drift_within");
    let said = open.is_some() || within_ms.is_some();
    said.then(|| OnDrift { open: open.unwrap_or(false), within_ms: within_ms.unwrap_or(WITHIN_MS) })
}

fn evidence(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let key = (block.label(0).to_owned(), block.label(1).to_owned());
    let draft = Draft {
        at: At::head(reader),
        key: key.clone(),
        of: required_said(reader, "of"),
        from: reader.required_reference("from"),
        record: required_said(reader, "record"),
        entity: required_said(reader, "entity"),
        element: said(reader, "element"),
        value: said(reader, "value"),
        objects: said(reader, "objects"),
        by: said(reader, "by"),
    };
    if draft.element.is_some() == draft.value.is_some() && !reader.refused() {
        let finding = draft.at.error(
            code::MISSING,
            "it is not said what the records show",
            "one of `element` and `value` must stand here",
        );
        reader.report(finding.help(
            "`element = \"app\"`: this attribute of the record holds it; `value = \"present\"`: that there is a record says it"
                .to_owned(),
        ));
    }
    insert(&mut drafts.watched, key.clone(), draft, &format!("evidence of `{}.{}`", key.0, key.1), reader);
}

fn cost(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_word(reader, &block.labels[0], "a cost");
    let monthly = if reader.require("monthly") { reader.int("monthly", &(0..=MONTHLY_MAX)) } else { None };
    let draft = Paid {
        at: At::head(reader),
        name: name.clone(),
        facet: reader.reference("facet"),
        element: said(reader, "element"),
        from: reader.reference("from"),
        of: said(reader, "of"),
        record: said(reader, "record"),
        entity: said(reader, "entity"),
        monthly: monthly.and_then(|monthly| u64::try_from(monthly).ok()).unwrap_or(0),
        currency: reader.required_text("currency").unwrap_or_default(),
        used: said(reader, "used"),
        idle_ms: reader.duration_ms("idle").unwrap_or(IDLE_MS),
    };
    let element = draft.facet.is_some() && draft.element.is_some();
    let record = [draft.from.is_some(), draft.of.is_some(), draft.record.is_some(), draft.entity.is_some()];
    if element == record.iter().all(|given| *given) && !reader.refused() {
        let finding = draft.at.error(
            code::MISSING,
            "it is not said what is paid for",
            "one of two forms must stand here",
        );
        reader.report(finding.help(
            "`facet` and `element` for a licence; `from`, `of`, `record` and `entity` for each record of a kind".to_owned(),
        ));
    }
    insert(&mut drafts.costs, name.clone(), draft, &format!("cost `{name}`"), reader);
}

/// Holds them to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for draft in world.drafts.watched.values() {
        world.facet(&draft.key, &draft.at, &draft.at.span, findings);
        owner(world, &draft.at, (draft.of.as_ref(), draft.entity.as_ref()), findings);
        objects(world, &draft.at, draft.objects.as_ref(), findings);
        let named = [&draft.record, &draft.element, &draft.by];
        attributes(world, &draft.at, draft.from.as_ref(), &named, findings);
    }
    for draft in world.drafts.costs.values() {
        if let Some(reference) = &draft.facet
            && let Some(words) = parts(reference, Some("facet"), "facet.<domain>.<name>", &draft.at, findings)
        {
            let key = (words[1].to_owned(), words[2].to_owned());
            world.facet(&key, &draft.at, &reference.1, findings);
            if let Some(watched) = world.drafts.watched.get(&key) {
                attributes(world, &draft.at, watched.from.as_ref(), &[&draft.used], findings);
            } else if world.drafts.facets.contains_key(&key) {
                let message = format!("nothing says where `{}.{}` is seen", key.0, key.1);
                let finding =
                    draft.at.error_at(&reference.1, code::MISSING, message, "nobody can be counted");
                let help = format!("add a block: `evidence {:?} {:?} {{ ... }}`", key.0, key.1);
                findings.push(finding.help(help));
            }
        }
        if draft.from.is_some() {
            owner(world, &draft.at, (draft.of.as_ref(), draft.entity.as_ref()), findings);
            attributes(world, &draft.at, draft.from.as_ref(), &[&draft.record, &draft.used], findings);
        }
    }
}

/// The kind of entity, and its attribute or link by which it owns a record.
fn owner(world: &World<'_>, at: &At, (of, by): (Option<&Said>, Option<&Said>), findings: &mut Vec<Finding>) {
    let Some((kind, span)) = of else { return };
    let Some(entity) = world.drafts.entities.get(kind) else {
        let among = world.drafts.entities.keys().map(String::as_str);
        world.unknown(at, span, code::UNKNOWN_ENTITY, ("entity", kind), among, findings);
        return;
    };
    let Some((name, span)) = by else { return };
    if let Some(system) = name.strip_prefix("link.") {
        let mints = entity.mint.as_ref().is_some_and(|(path, _)| path.root == system);
        if !mints && !entity.links.contains_key(system) {
            let message = format!("`{kind}` has no link to `{system}`");
            let finding = at.error_at(span, code::UNKNOWN_LINK, message, "unknown link");
            findings.push(finding.help(meant(system, entity.links.keys().map(String::as_str))));
        }
    } else if !entity.attributes.contains_key(name) {
        let message = format!("`{kind}` has no attribute `{name}`");
        let finding = at.error_at(span, code::UNKNOWN_ATTRIBUTE, message, "unknown attribute");
        findings.push(finding.help(meant(name, entity.attributes.keys().map(String::as_str))));
    }
}

fn objects(world: &World<'_>, at: &At, objects: Option<&Said>, findings: &mut Vec<Finding>) {
    let Some((kind, span)) = objects else { return };
    if !world.drafts.objects.keys().any(|(known, _)| known == kind) {
        let among: BTreeSet<&str> = world.drafts.objects.keys().map(|(kind, _)| kind.as_str()).collect();
        world.unknown(at, span, code::UNKNOWN_OBJECT, ("kind of object", kind), among, findings);
    }
}

fn attributes(
    world: &World<'_>,
    at: &At,
    from: Option<&Reference>,
    names: &[&Option<Said>],
    findings: &mut Vec<Finding>,
) {
    let Some(from) = from else { return };
    let Some(words) = parts(from, None, "<system>.<kind>", at, findings) else { return };
    let Some(record) = world.record((words[0], words[1]), at, &from.1, findings) else { return };
    for (name, span) in names.iter().copied().flatten() {
        if !record.contains_key(name) {
            let message = format!("the records `{}.{}` have no attribute `{name}`", words[0], words[1]);
            let finding = at.error_at(span, code::UNKNOWN_RECORD, message, "unknown attribute");
            findings.push(finding.help(meant(name, record.keys().map(String::as_str))));
        }
    }
}

/// Adds them to the kernel's standards.
pub(super) fn add(drafts: &Drafts, standards: &mut Standards) {
    let watched = drafts.watched.iter();
    standards.watched = watched.filter_map(|(key, draft)| Some((key.clone(), kernel(draft)?))).collect();
    let on_drift = drafts.outcomes.iter();
    standards.on_drift = on_drift.filter_map(|(name, draft)| Some((name.clone(), draft.on_drift?))).collect();
    let refers = drafts.entities.iter().flat_map(|(kind, entity)| {
        let of = entity.attributes.iter();
        of.filter_map(|(name, draft)| Some(((kind.clone(), name.clone()), draft.refers.as_ref()?.0.clone())))
    });
    standards.refers = refers.collect();
    let superseded = |draft: &super::draft::Outcome| {
        let words = draft.supersedes.iter().filter_map(|reference| words(&reference.0));
        words.filter(|words| words.len() == 2).map(|words| words[1].to_owned()).collect()
    };
    let preceding = drafts.outcomes.iter().filter(|(_, draft)| !draft.supersedes.is_empty());
    standards.supersedes = preceding.map(|(name, draft)| (name.clone(), superseded(draft))).collect();
    standards.costs =
        drafts.costs.iter().filter_map(|(name, draft)| Some((name.clone(), paid(draft)?))).collect();
}

fn kernel(draft: &Draft) -> Option<Watched> {
    let words = words(&draft.from.as_ref()?.0).filter(|words| words.len() == 2)?;
    let text = |said: &Option<Said>| said.as_ref().map(|(text, _)| text.clone());
    Some(Watched {
        entity: text(&draft.of)?,
        evidence: standard::Evidence {
            domain: draft.key.0.clone(),
            facet: draft.key.1.clone(),
            system: words[0].to_owned(),
            kind: words[1].to_owned(),
            record: text(&draft.record)?,
            entity: text(&draft.entity)?,
            element: text(&draft.element).unwrap_or_default(),
            objects: text(&draft.objects),
            origin: draft.at.origin(),
        },
        value: text(&draft.value),
        by: text(&draft.by),
    })
}

fn paid(draft: &Paid) -> Option<Cost> {
    let text = |said: &Option<Said>| said.as_ref().map(|(text, _)| text.clone());
    let of = if let Some(reference) = &draft.facet {
        let words = words(&reference.0).filter(|words| words.len() == 3)?;
        let (domain, facet) = (words[1].to_owned(), words[2].to_owned());
        Costing::Element { domain, facet, element: text(&draft.element)? }
    } else {
        let words = words(&draft.from.as_ref()?.0).filter(|words| words.len() == 2)?;
        Costing::Record {
            system: words[0].to_owned(),
            kind: words[1].to_owned(),
            entity: text(&draft.of)?,
            record: text(&draft.record)?,
            key: text(&draft.entity)?,
        }
    };
    Some(Cost {
        name: draft.name.clone(),
        of,
        monthly: draft.monthly,
        currency: draft.currency.clone(),
        used: text(&draft.used),
        idle_ms: draft.idle_ms,
        origin: draft.at.origin(),
    })
}
