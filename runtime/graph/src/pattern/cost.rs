//! Cost: who has what is paid for, whether it is used, and which declaration causes it.
//!
//! Invariants: what belongs to nobody who is known is counted under no layer and no cause, and not left out; what does not say when
//! it was used is not called unused.

use super::{Kind, Pattern, Proposal, Report, Share, mint, some};
use crate::drift::index::Index;
use crate::fold;
use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::day;
use xops_kernel::declare::Declarations;
use xops_kernel::desire;
use xops_kernel::diff::{Facet, Want};
use xops_kernel::fact::Observation;
use xops_kernel::id::EntityId;
use xops_kernel::record::{Millis, Record};
use xops_kernel::standard::{Cost, Costing, Standards};
use xops_kernel::value::Value;

/// From which share on what an outcome gives is proposed to be taken out, in per cent of those who have it through that outcome.
const MOSTLY_PCT: u64 = 80;
/// Below this a number is of seconds since 1970, and from it on of milliseconds: the year 5138 in the one, 1973 in the other.
const SECONDS_MAX: u64 = 100_000_000_000;

/// Somebody, or nobody, who has something that is paid for.
struct Held<'g> {
    owner: Option<EntityId>,
    record: &'g Record,
    causes: BTreeSet<String>,
}

/// Adds to `report` what is unused, and who causes what.
pub(super) fn judge(graph: &Graph, standards: &Standards, now: Millis, report: &mut Report) {
    for cost in standards.costs.values() {
        let held = match held(graph, standards, cost, now) {
            Ok(held) => held,
            Err(why) => {
                report.unjudged.insert((format!("cost `{}`", cost.name), why));
                continue;
            }
        };
        unused(graph, cost, &held, now, report);
        shares(graph, cost, &held, now, report);
    }
}

fn held<'g>(
    graph: &'g Graph,
    standards: &Standards,
    cost: &Cost,
    now: Millis,
) -> Result<Vec<Held<'g>>, String> {
    let covered =
        |system: &str, kind: &str| graph.coverage(system, kind, now).map_err(|doubt| doubt.to_string());
    match &cost.of {
        Costing::Record { system, kind, entity, record, key } => {
            covered(system, kind)?;
            let owners = owners(graph, entity, key, now);
            let owner = |one: &Record| {
                let key = one.attributes.get(record).and_then(fold::key)?;
                owners.get(&key).copied().flatten()
            };
            let records = graph.records(system, kind);
            Ok(records.map(|one| Held { owner: owner(one), record: one, causes: BTreeSet::new() }).collect())
        }
        Costing::Element { domain, facet, element } => {
            let watched = standards.watched.get(&(domain.clone(), facet.clone()));
            let watched = watched.ok_or_else(|| format!("nothing says where `{domain}.{facet}` is seen"))?;
            let evidence = &watched.evidence;
            covered(&evidence.system, &evidence.kind)?;
            let owners = owners(graph, &watched.entity, &evidence.entity, now);
            let index = Index::new(&graph.declarations, watched);
            let named = |one: &Record| {
                let shown = index.as_ref().map(|index| index.elements_of(one)).unwrap_or_default();
                shown.contains(element)
            };
            let records = graph.records(&evidence.system, &evidence.kind).filter(|one| named(one));
            let held = records.map(|record| {
                let key = record.attributes.get(&evidence.record).and_then(fold::key);
                let owner = key.and_then(|key| owners.get(&key).copied().flatten());
                let causes = owner.map(|owner| causes(graph, owner, (domain, facet, element), now));
                Held { owner, record, causes: causes.unwrap_or_default() }
            });
            Ok(held.collect())
        }
    }
}

/// Who has which key; nobody where two have it.
fn owners(graph: &Graph, kind: &str, by: &str, now: Millis) -> BTreeMap<String, Option<EntityId>> {
    let mut owners = BTreeMap::new();
    for entity in graph.entities(kind) {
        if let Some(key) = crate::drift::index::key_of(graph, entity, by, now) {
            owners.entry(key).and_modify(|held| *held = None).or_insert(Some(entity));
        }
    }
    owners
}

/// The outcomes because of which `entity` is to have it.
fn causes(
    graph: &Graph,
    entity: EntityId,
    (domain, facet, element): (&str, &str, &str),
    now: Millis,
) -> BTreeSet<String> {
    let wants = graph.subject(entity, now).and_then(|it| desire::desire(&graph.declarations, &it, None).ok());
    let wants = wants.map(|desire| desire.wants).unwrap_or_default();
    let meant = |of: &Facet, want: &Want| {
        let value = of.element.clone().unwrap_or_else(|| want.value.to_string());
        of.domain == domain && of.name == facet && value == element
    };
    wants.iter().filter(|(of, want)| meant(of, want)).flat_map(|(_, want)| want.outcomes.clone()).collect()
}

/// When a record was last used, as its attribute says.
fn used_at(record: &Record, name: &str) -> Option<Millis> {
    let number = |number: u64| if number < SECONDS_MAX { number.saturating_mul(1_000) } else { number };
    match record.attributes.get(name)? {
        Value::Int(at) => u64::try_from(*at).ok().map(number),
        Value::Text(text) => match text.parse::<u64>() {
            Ok(at) => Some(number(at)),
            Err(_) => day::millis_of(text),
        },
        _ => None,
    }
}

fn unused(graph: &Graph, cost: &Cost, held: &[Held<'_>], now: Millis, report: &mut Report) {
    let Some(used) = &cost.used else { return };
    let mut by_cause: BTreeMap<&BTreeSet<String>, (u64, Vec<&Held<'_>>)> = BTreeMap::new();
    let mut silent = 0_u64;
    for one in held {
        let of_cause = by_cause.entry(&one.causes).or_default();
        of_cause.0 += 1;
        match used_at(one.record, used) {
            Some(at) if at.saturating_add(cost.idle_ms) < now => of_cause.1.push(one),
            Some(_) => {}
            None => silent += 1,
        }
    }
    if silent > 0 {
        let why = format!("{silent} of {} do not say when they were used (`{used}`)", held.len());
        report.unjudged.insert((format!("cost `{}`", cost.name), why));
    }
    for (causes, (of, idle)) in by_cause.into_iter().filter(|(_, (_, idle))| !idle.is_empty()) {
        let count = idle.len() as u64;
        let days = cost.idle_ms / 86_400_000;
        report.patterns.push(Pattern {
            kind: if matches!(cost.of, Costing::Record { .. }) {
                Kind::StaleDevice
            } else {
                Kind::UnusedLicence
            },
            what: format!("{} not used for {days} days", cost.name),
            count,
            of,
            monthly: BTreeMap::from([(cost.currency.clone(), cost.monthly.saturating_mul(count))]),
            causes: causes.clone(),
            lineage: some(idle.iter().map(|one| one.record.source.clone()).collect()),
            proposal: proposal(graph, cost, causes, count, of),
        });
    }
}

fn proposal(graph: &Graph, cost: &Cost, causes: &BTreeSet<String>, count: u64, of: u64) -> Proposal {
    let declarations = &*graph.declarations;
    let mostly = count.saturating_mul(100) >= of.saturating_mul(MOSTLY_PCT);
    let is_set = |domain: &str, facet: &str| {
        declarations.facets.get(&(domain.to_owned(), facet.to_owned())).is_some_and(|facet| facet.set)
    };
    match (&cost.of, causes.first()) {
        (Costing::Record { system, kind, record, .. }, _) => {
            let with: Vec<&str> = std::iter::once(record).chain(&cost.used).map(String::as_str).collect();
            let advice = "ask their owners, and retire what nobody has; no declaration gives them";
            mint(graph, (system, kind), None, &with).unwrap_or_else(|| Proposal::Advice(advice.to_owned()))
        }
        (Costing::Element { domain, facet, element }, Some(outcome))
            if causes.len() == 1 && mostly && is_set(domain, facet) =>
        {
            Proposal::Drop {
                outcome: outcome.clone(),
                domain: domain.clone(),
                facet: facet.clone(),
                written: written(declarations, element),
            }
        }
        (Costing::Element { .. }, Some(_)) if mostly => {
            Proposal::Advice("hardly anybody who has it uses it: ask whether it is wanted at all".to_owned())
        }
        (Costing::Element { .. }, Some(_)) => Proposal::Advice(
            "most of those who have it use it: narrow the outcome's `for` rather than take it out".to_owned(),
        ),
        (Costing::Element { .. }, None) => Proposal::Advice(
            "nothing declared gives it: declare for whom it is, and what nothing wants becomes visible"
                .to_owned(),
        ),
    }
}

/// How an element is written in an outcome: as an object, if it is one.
fn written(declarations: &Declarations, element: &str) -> String {
    let object = declarations.objects.keys().find(|(_, name)| name == element);
    object.map_or_else(|| format!("{element:?}"), |(kind, name)| format!("{kind}.{name}"))
}

fn shares(graph: &Graph, cost: &Cost, held: &[Held<'_>], now: Millis, report: &mut Report) {
    let layering = &graph.declarations.layering;
    let mut counts: BTreeMap<(&'static str, Option<String>, Option<String>), u64> = BTreeMap::new();
    for one in held {
        // What two outcomes cause is told under the first by name, so that shares add up to what there is.
        let cause = one.causes.first().cloned();
        for (kind, attribute) in layering {
            let name = one.owner.and_then(|owner| match graph.fact(owner, attribute, now)? {
                Observation::Present(fact) => Some(fact.value.to_string()),
                Observation::Absent(_) | Observation::Unknown(_) => None,
            });
            *counts.entry((kind.word(), name, cause.clone())).or_default() += 1;
        }
    }
    report.shares.extend(counts.into_iter().map(|((layer, name, cause), count)| Share {
        cost: cost.name.clone(),
        layer,
        name,
        cause,
        count,
        monthly: cost.monthly.saturating_mul(count),
        currency: cost.currency.clone(),
    }));
}
