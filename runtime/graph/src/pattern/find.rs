//! Finding: accounts of nobody, sources that lose, troubles that come back.
//!
//! Invariants: an account is nobody's only where both its records and the entities that could own it were read wholly; a source
//! loses where the one that holds says another value, and not where it says nothing.

use super::{Kind, Pattern, Proposal, Report, cost, mint, some};
use crate::fold;
use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{EntityKind, Link};
use xops_kernel::fact::Observation;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::standard::Standards;

/// From how often on a trouble comes back.
const RECURS: u64 = 2;

/// A trouble, and how often it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// How often it began.
    pub times: u64,
    /// The records that it came from.
    pub lineage: Vec<Source>,
    /// The system whose readings were too old, if that was it.
    pub stale: Option<String>,
    /// What said something of another type, if that was it: the kind of entity, the attribute, the source.
    pub strange: Option<(String, String, String)>,
}

/// What came again and again: troubles by what they are, without the records that they were of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    of: BTreeMap<String, Trouble>,
    there: BTreeSet<xops_kernel::id::Digest>,
}

impl Troubles {
    /// Notes the exceptions that there are at `now`: one that was not there before began again.
    pub fn note(&mut self, graph: &Graph, now: Millis) {
        let exceptions = graph.exceptions(now);
        let there = exceptions.iter().map(|exception| exception.id).collect();
        for exception in exceptions.into_iter().filter(|exception| !self.there.contains(&exception.id)) {
            let blocks = exception.blocks.join(", ");
            let trouble = self
                .of
                .entry(format!("{} of {}: {blocks}", exception.kind.word(), exception.owner))
                .or_default();
            trouble.times += 1;
            trouble.lineage.extend(exception.lineage);
            if exception.kind == crate::exception::Kind::StaleSource {
                trouble.stale = exception.reason.split('.').next().map(str::to_owned);
            }
            if exception.kind == crate::exception::Kind::WrongType {
                trouble.strange = trouble.lineage.last().and_then(|it| strange(graph, &exception.blocks, it));
            }
        }
        self.there = there;
    }

    /// Notes something that was refused, as the journal has it.
    pub fn refused(&mut self, reason: &str) {
        self.of.entry(format!("refused: {reason}")).or_default().times += 1;
    }
}

/// The source that said something of another type than the attribute that it blocks, if that has others.
fn strange(graph: &Graph, blocks: &[String], from: &Source) -> Option<(String, String, String)> {
    let (kind, name) = blocks.first()?.split_once('.')?;
    let attribute = graph.declarations.entities.get(kind)?.attributes.get(name)?;
    let claim = attribute.from.iter().find(|it| it.system == from.system && it.kind == from.kind)?;
    let claim = format!("{}.{}.{}", claim.system, claim.kind, claim.attribute);
    (attribute.from.len() > 1).then(|| (kind.to_owned(), name.to_owned(), claim))
}

/// Everything that stands out at `now`.
pub fn find(graph: &Graph, standards: &Standards, troubles: &Troubles, now: Millis) -> Report {
    let mut report = Report::default();
    cost::judge(graph, standards, now, &mut report);
    for kind in graph.declarations.entities.values() {
        for link in kind.links.values() {
            orphans(graph, kind, link, now, &mut report);
        }
        losers(graph, kind, now, &mut report);
    }
    recurring(graph, troubles, &mut report);
    report.patterns.sort_by(|one, other| {
        let place = |it: &Pattern| {
            (it.kind, std::cmp::Reverse((it.monthly.values().sum::<u64>(), it.count)), it.what.clone())
        };
        place(one).cmp(&place(other))
    });
    report
}

/// Accounts whose key is nobody's.
fn orphans(graph: &Graph, kind: &EntityKind, link: &Link, now: Millis, report: &mut Report) {
    let place = format!("{}.{}", link.system, link.kind);
    let whole = [(&link.system, &link.kind), (&kind.mint.0, &kind.mint.1)];
    if let Some(doubt) = whole.iter().find_map(|(system, record)| graph.coverage(system, record, now).err()) {
        report.unjudged.insert((format!("accounts of nobody in {place}"), doubt.to_string()));
        return;
    }
    let owned = |record: &&Record| match record.attributes.get(&link.record).and_then(fold::key) {
        Some(key) => graph.keyed(&kind.name, &link.entity, &key).next().is_some(),
        None => false,
    };
    let all: Vec<&Record> = graph.records(&link.system, &link.kind).collect();
    let orphans: Vec<&Record> = all.iter().copied().filter(|record| !owned(record)).collect();
    if orphans.is_empty() {
        return;
    }
    let advice = format!(
        "no `{}` has the `{}` of these: correct it in {} or at the source, declare who they are (a kind of entity of their own for \
         services), or have them closed",
        kind.name, link.entity, link.system
    );
    report.patterns.push(Pattern {
        kind: Kind::OrphanAccount,
        what: format!("{place} without a {}", kind.name),
        count: orphans.len() as u64,
        of: all.len() as u64,
        monthly: BTreeMap::new(),
        causes: BTreeSet::from([format!("link {}.{}", kind.name, link.system)]),
        lineage: some(orphans.iter().map(|record| record.source.clone()).collect()),
        proposal: mint(graph, (&link.system, &link.kind), Some(&link.record), &[])
            .unwrap_or(Proposal::Advice(advice)),
    });
}

/// The source of each attribute that says otherwise most often.
fn losers(graph: &Graph, kind: &EntityKind, now: Millis, report: &mut Report) {
    let several = kind.attributes.iter().filter(|(_, attribute)| attribute.from.len() > 1);
    let mut losses: BTreeMap<(String, String), (u64, u64, Vec<Source>)> = BTreeMap::new();
    let entities: Vec<_> = graph.entities(&kind.name).collect();
    for (name, _) in several {
        for entity in &entities {
            let Some(told) = crate::why::sayings(graph, *entity, name, now) else { continue };
            for saying in told.iter().filter(|saying| !saying.value.is_null()) {
                let claim = &saying.claim;
                let place = format!("{}.{}.{}", claim.system, claim.kind, claim.attribute);
                let of = losses.entry((name.clone(), place)).or_default();
                of.1 += 1;
                if saying.contradicts {
                    of.0 += 1;
                    of.2.extend(match &saying.record {
                        Observation::Present(record) => Some(record.source.clone()),
                        Observation::Absent(_) | Observation::Unknown(_) => None,
                    });
                }
            }
        }
    }
    // The one that loses most often, of all of them: the others are told only where they lose as often.
    let most = losses.values().map(|(lost, ..)| *lost).max().unwrap_or(0);
    for ((attribute, claim), (lost, said, lineage)) in
        losses.into_iter().filter(|(_, of)| of.0 > 0 && of.0 == most)
    {
        report.patterns.push(Pattern {
            kind: Kind::LosingSource,
            what: format!("{claim} for {}.{attribute}", kind.name),
            count: lost,
            of: said,
            monthly: BTreeMap::new(),
            causes: BTreeSet::from([format!("attribute {}.{attribute}", kind.name)]),
            lineage: some(lineage),
            proposal: Proposal::Unsource { entity: kind.name.clone(), attribute, claim },
        });
    }
}

fn recurring(graph: &Graph, troubles: &Troubles, report: &mut Report) {
    for (what, trouble) in troubles.of.iter().filter(|(_, trouble)| trouble.times >= RECURS) {
        let proposal = match (&trouble.stale, &trouble.strange) {
            (Some(system), _) => {
                let age = graph.max_age_ms(system);
                Proposal::MaxAge { system: system.clone(), max_age_ms: age.saturating_mul(2) }
            }
            (None, Some((entity, attribute, claim))) => Proposal::Unsource {
                entity: entity.clone(),
                attribute: attribute.clone(),
                claim: claim.clone(),
            },
            (None, None) => Proposal::Advice(
                "resolve its cause once: it came back each time it was only waited for".to_owned(),
            ),
        };
        report.patterns.push(Pattern {
            kind: Kind::RecurringException,
            what: what.clone(),
            count: trouble.times,
            of: trouble.times,
            monthly: BTreeMap::new(),
            causes: BTreeSet::new(),
            lineage: some(trouble.lineage.clone()),
            proposal,
        });
    }
}
