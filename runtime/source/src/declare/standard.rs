//! Requirements and sets of peers: reading them, holding them to their laws, making the kernel's of them.
//!
//! Absent: any effect on plans. Invariant: a value that a requirement demands fits its facet as one of an outcome would.

use super::draft::{At, Desired, Drafts, Placed, Said, insert};
use super::read::{check_name, check_word, each, required_said};
use super::scope::{Place, Scope};
use super::world::{World, meant, parts};
use crate::code;
use crate::finding::Finding;
use crate::infer::{condition, infer};
use crate::reader::{Reader, Reference};
use crate::syntax::{Block, Node};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{self, DOMAINS};
use xops_kernel::expr::Expr;
use xops_kernel::standard::{self, DEMANDS, Standards};
use xops_kernel::value::Value;

/// How many peers a level needs where a file does not say, and the shares in per cent.
const LEAST: i64 = 5;
const EXPECTED_PCT: i64 = 80;
const SUGGESTED_PCT: i64 = 50;
const EXCESS_PCT: i64 = 5;
const LIFT_PCT: i64 = 120;
/// The most peers that a level may be asked to have, and the greatest lift.
const LEAST_MAX: i64 = 1_000_000;
const LIFT_PCT_MAX: i64 = 100_000;
/// How many levels of back-off, and attributes of one level, there may be.
const LEVELS_MAX: usize = 8;

#[derive(Debug)]
pub(super) struct Requirement {
    at: At,
    title: String,
    because: String,
    approved_by: String,
    entity: Option<Said>,
    applies: Option<Node>,
    facets: Vec<Desired>,
}

#[derive(Debug)]
pub(super) struct Peers {
    at: At,
    entity: Option<Said>,
    counts: Option<Node>,
    levels: Vec<Vec<Said>>,
    shares: [i64; 5],
    evidence: Vec<Evidence>,
}

#[derive(Debug)]
struct Evidence {
    at: At,
    key: (String, String),
    from: Option<Reference>,
    record: Option<Said>,
    entity: Option<Said>,
    element: Option<Said>,
    objects: Option<Said>,
}

impl Placed for Requirement {
    fn at(&self) -> &At {
        &self.at
    }
}

impl Placed for Peers {
    fn at(&self) -> &At {
        &self.at
    }
}

/// Reads the standards of a file into `drafts`.
pub(super) fn file(reader: &mut Reader<'_, '_>, drafts: &mut Drafts) {
    each(reader, "requirement", &["name"], |reader, block| requirement(reader, block, drafts));
    each(reader, "peers", &["name"], |reader, block| peers(reader, block, drafts));
}

fn requirement(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_name(reader, &block.labels[0], "a requirement");
    let mut facets: BTreeMap<(String, String), Desired> = BTreeMap::new();
    for domain in DOMAINS {
        each(reader, domain, &[], |reader, block| {
            reader.rest();
            for attribute in &block.body.attributes {
                let key = (domain.to_owned(), attribute.name.text.clone());
                let at = At::of(reader, attribute.name.span.clone());
                let draft = Desired { at, key: key.clone(), value: attribute.value.clone() };
                let what = format!("`{}.{}` of requirement `{name}`", key.0, key.1);
                insert(&mut facets, key, draft, &what, reader);
            }
        });
    }
    let draft = Requirement {
        at: At::head(reader),
        title: reader.required_text("title").unwrap_or_else(|| name.clone()),
        because: if reader.require("because") {
            reader.choice("because", &DEMANDS).unwrap_or("policy").to_owned()
        } else {
            String::new()
        },
        approved_by: reader.required_text("approved_by").unwrap_or_default(),
        entity: required_said(reader, "entity"),
        applies: reader.required_expr("for").cloned(),
        facets: facets.into_values().collect(),
    };
    if draft.facets.is_empty() && block.body.blocks.is_empty() {
        let message = format!("requirement `{name}` demands nothing");
        let finding = draft.at.error(code::EMPTY, message, "no facet is declared in it");
        reader.report(
            finding.help("add a block for a domain: `identity { account = \"present\" }`".to_owned()),
        );
    }
    insert(&mut drafts.requirements, name.clone(), draft, &format!("requirement `{name}`"), reader);
}

fn peers(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_word(reader, &block.labels[0], "a set of peers");
    let mut evidence = Vec::new();
    each(reader, "evidence", &["domain", "facet"], |reader, block| {
        evidence.push(Evidence {
            at: At::head(reader),
            key: (block.label(0).to_owned(), block.label(1).to_owned()),
            from: reader.required_reference("from"),
            record: required_said(reader, "record"),
            entity: required_said(reader, "entity"),
            element: required_said(reader, "element"),
            objects: super::read::said(reader, "objects"),
        });
    });
    let mut share = |name: &str, range: std::ops::RangeInclusive<i64>, otherwise: i64| {
        reader.int(name, &range).unwrap_or(otherwise)
    };
    let shares = [
        share("at_least", 1..=LEAST_MAX, LEAST),
        share("expected", 1..=100, EXPECTED_PCT),
        share("suggested", 1..=100, SUGGESTED_PCT),
        share("excess", 0..=100, EXCESS_PCT),
        share("lift", 0..=LIFT_PCT_MAX, LIFT_PCT),
    ];
    let draft = Peers {
        at: At::head(reader),
        entity: required_said(reader, "entity"),
        counts: reader.required_expr("of").cloned(),
        levels: levels(reader),
        shares,
        evidence,
    };
    if draft.evidence.is_empty() && block.body.blocks.is_empty() {
        let finding =
            draft.at.error(code::EMPTY, format!("peers `{name}` have no evidence"), "nothing to compare");
        reader.report(finding.help("add a block: `evidence \"identity\" \"groups\" { ... }`".to_owned()));
    }
    insert(&mut drafts.peers, name.clone(), draft, &format!("peers `{name}`"), reader);
}

/// `by = [["title", "country"], ["title"]]`: the levels of back-off.
fn levels(reader: &mut Reader<'_, '_>) -> Vec<Vec<Said>> {
    let Some(node) = reader.required_expr("by").cloned() else { return Vec::new() };
    let texts = |node: &Node| -> Option<Vec<Said>> {
        let items = node.items().filter(|items| !items.is_empty() && items.len() <= LEVELS_MAX)?;
        items.iter().map(|item| Some((item.text()?.to_owned(), item.span.clone()))).collect()
    };
    let levels = node.items().filter(|levels| !levels.is_empty() && levels.len() <= LEVELS_MAX);
    let levels: Option<Vec<Vec<Said>>> = levels.and_then(|levels| levels.iter().map(texts).collect());
    levels.unwrap_or_else(|| {
        let finding = reader
            .error(
                code::WRONG_VALUE,
                node.span.clone(),
                "expected levels of attributes",
                "not a list of lists of names",
            )
            .help(format!(
                "the finest first, 1 to {LEVELS_MAX}: `by = [[\"title\", \"country\"], [\"title\"]]`"
            ));
        reader.report(finding);
        Vec::new()
    })
}

/// Holds standards to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    for draft in world.drafts.requirements.values() {
        let scope = scope(world, draft.entity.as_ref(), &draft.at, findings);
        if let Some(applies) = &draft.applies {
            condition(applies, &scope, &draft.at.file, findings);
        }
        for line in &draft.facets {
            let facet = world.facet(&line.key, &line.at, &line.at.span, findings);
            infer(&line.value, &scope, &line.at.file, findings);
            let is_list = line.value.items().is_some();
            if let Some(facet) = facet.filter(|facet| facet.set != is_list && line.value.path().is_none()) {
                let shown = format!("{}.{}", line.key.0, line.key.1);
                let (message, help) = if facet.set {
                    (
                        format!("`{shown}` is a set, and this is no list"),
                        "write the elements in brackets: `[...]`",
                    )
                } else {
                    (format!("`{shown}` is no set, and this is a list"), "give one value")
                };
                let finding =
                    line.at.error_at(&line.value.span, code::FACET_VALUE, message, "does not fit the facet");
                findings.push(facet.at.relate(finding, "declared here").help(help.to_owned()));
            }
        }
    }
    for draft in world.drafts.peers.values() {
        let scope = scope(world, draft.entity.as_ref(), &draft.at, findings);
        if let Some(counts) = &draft.counts {
            condition(counts, &scope, &draft.at.file, findings);
        }
        for attribute in draft.levels.iter().flatten() {
            known_attribute(world, draft, attribute, findings);
        }
        for evidence in &draft.evidence {
            check_evidence(world, draft, evidence, findings);
        }
    }
}

fn scope<'a>(
    world: &'a World<'a>,
    entity: Option<&'a Said>,
    at: &At,
    findings: &mut Vec<Finding>,
) -> Scope<'a> {
    let all = || world.drafts.entities.keys().map(String::as_str).collect();
    let entities: BTreeSet<&str> = match entity {
        Some((name, _)) if world.drafts.entities.contains_key(name) => [name.as_str()].into(),
        Some((name, span)) => {
            let among = world.drafts.entities.keys().map(String::as_str);
            world.unknown(at, span, code::UNKNOWN_ENTITY, ("entity", name), among, findings);
            all()
        }
        None => all(),
    };
    Scope { world, entities, place: Place::Outcome }
}

fn known_attribute(world: &World<'_>, draft: &Peers, (name, span): &Said, findings: &mut Vec<Finding>) {
    let entity =
        draft.entity.as_ref().and_then(|(entity, _)| Some((entity, world.drafts.entities.get(entity)?)));
    let Some((kind, entity)) = entity else { return };
    if !entity.attributes.contains_key(name) {
        let message = format!("`{kind}` has no attribute `{name}`");
        let finding = draft.at.error_at(span, code::UNKNOWN_ATTRIBUTE, message, "unknown attribute");
        findings.push(finding.help(meant(name, entity.attributes.keys().map(String::as_str))));
    }
}

fn known_link(
    world: &World<'_>,
    draft: &Peers,
    (system, span): (&str, &std::ops::Range<usize>),
    findings: &mut Vec<Finding>,
) {
    let entity =
        draft.entity.as_ref().and_then(|(entity, _)| Some((entity, world.drafts.entities.get(entity)?)));
    let Some((kind, entity)) = entity else { return };
    let mints = entity.mint.as_ref().is_some_and(|(path, _)| path.root == system);
    if !mints && !entity.links.contains_key(system) {
        let message = format!("`{kind}` has no link to `{system}`");
        let finding = draft.at.error_at(span, code::UNKNOWN_LINK, message, "unknown link");
        findings.push(finding.help(meant(system, entity.links.keys().map(String::as_str))));
    }
}

fn check_evidence(world: &World<'_>, draft: &Peers, evidence: &Evidence, findings: &mut Vec<Finding>) {
    world.facet(&evidence.key, &evidence.at, &evidence.at.span, findings);
    if let Some((name, span)) = &evidence.entity {
        match name.strip_prefix("link.") {
            Some(system) => known_link(world, draft, (system, span), findings),
            None => known_attribute(world, draft, &(name.clone(), span.clone()), findings),
        }
    }
    if let Some((kind, span)) = &evidence.objects
        && !world.drafts.objects.keys().any(|(known, _)| known == kind)
    {
        let among: BTreeSet<&str> = world.drafts.objects.keys().map(|(kind, _)| kind.as_str()).collect();
        world.unknown(&evidence.at, span, code::UNKNOWN_OBJECT, ("kind of object", kind), among, findings);
    }
    let Some(from) = &evidence.from else { return };
    let Some(words) = parts(from, None, "<system>.<kind>", &evidence.at, findings) else { return };
    let Some(record) = world.record((words[0], words[1]), &evidence.at, &from.1, findings) else { return };
    for (name, span) in [&evidence.record, &evidence.element].into_iter().flatten() {
        if !record.contains_key(name) {
            let message = format!("the records `{}.{}` have no attribute `{name}`", words[0], words[1]);
            let finding = evidence.at.error_at(span, code::UNKNOWN_RECORD, message, "unknown attribute");
            findings.push(finding.help(meant(name, record.keys().map(String::as_str))));
        }
    }
}

/// The kernel's standards.
pub(super) fn standards(drafts: &Drafts) -> Standards {
    let requirement = |(name, draft): (&String, &Requirement)| {
        let line = |line: &Desired| declare::Desired {
            domain: line.key.0.clone(),
            facet: line.key.1.clone(),
            value: line.value.expr.clone(),
            origin: line.at.origin(),
        };
        let requirement = standard::Requirement {
            name: name.clone(),
            title: draft.title.clone(),
            because: draft.because.clone(),
            approved_by: draft.approved_by.clone(),
            entity: draft.entity.as_ref()?.0.clone(),
            applies: draft.applies.as_ref()?.expr.clone(),
            facets: draft.facets.iter().map(line).collect(),
            origin: draft.at.origin(),
        };
        Some((name.clone(), requirement))
    };
    let peers = |(name, draft): (&String, &Peers)| {
        let [least, expected_pct, suggested_pct, excess_pct, lift_pct] =
            draft.shares.map(|share| u64::try_from(share).unwrap_or(0));
        let set = standard::PeerSet {
            name: name.clone(),
            entity: draft.entity.as_ref()?.0.clone(),
            counts: draft.counts.as_ref().map_or(Expr::Literal(Value::Bool(true)), |node| node.expr.clone()),
            levels: draft
                .levels
                .iter()
                .map(|level| level.iter().map(|(name, _)| name.clone()).collect())
                .collect(),
            least,
            expected_pct,
            suggested_pct,
            excess_pct,
            lift_pct,
            evidence: draft.evidence.iter().filter_map(evidence).collect(),
            origin: draft.at.origin(),
        };
        Some((name.clone(), set))
    };
    let mut standards = Standards {
        requirements: drafts.requirements.iter().filter_map(requirement).collect(),
        peers: drafts.peers.iter().filter_map(peers).collect(),
        ..Standards::default()
    };
    super::watched::add(drafts, &mut standards);
    standards
}

fn evidence(draft: &Evidence) -> Option<standard::Evidence> {
    let words = crate::reader::words(&draft.from.as_ref()?.0).filter(|words| words.len() == 2)?;
    let said = |said: &Option<Said>| said.as_ref().map(|(text, _)| text.clone());
    Some(standard::Evidence {
        domain: draft.key.0.clone(),
        facet: draft.key.1.clone(),
        system: words[0].to_owned(),
        kind: words[1].to_owned(),
        record: said(&draft.record)?,
        entity: said(&draft.entity)?,
        element: said(&draft.element)?,
        objects: said(&draft.objects),
        origin: draft.at.origin(),
    })
}
