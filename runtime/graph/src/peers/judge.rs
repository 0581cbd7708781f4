//! Judging one outcome: what approved requirements demand of its people, and what their established peers have.
//!
//! Absent: guesses. What hangs on something unknown demands nothing and is told; peers of fewer than the declared number say
//! nothing, so the next wider level is asked. Invariant: a share is compared by multiplying, never by dividing.

use super::census::Census;
use super::class::{Class, Seen, Wanted, pins, wanted};
use super::finding::{Counterfactual, Finding, Kind, Proposal, Report, Rule, Support, Thing, Unjudged};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::Outcome;
use xops_kernel::expr;
use xops_kernel::record::{Record, Source};
use xops_kernel::standard::{PeerSet, Requirement, Standards};

/// How many records a finding names; the whole number stands in its support.
const LINEAGE_MAX: usize = 3;

/// One class of people that the outcome is for, or the persona that its selector describes where there is nobody yet.
struct Part<'c> {
    /// Its place among the classes of the census; none for a persona without people.
    at: Option<usize>,
    class: Class<'c>,
    people: u64,
    own: Wanted,
    /// What the other outcomes that apply want.
    others: Wanted,
}

/// Judges `outcome` by the requirements, and by the census that was taken with each set of peers.
pub fn judge(outcome: &Outcome, standards: &Standards, peers: &[(&PeerSet, &Census<'_>)]) -> Option<Report> {
    let (_, census) = peers.first()?;
    let persona = pins(&outcome.applies, &outcome.entity);
    let mut report = Report { outcome: outcome.name.clone(), ..Report::default() };
    let parts = parts(outcome, census, &persona, &mut report);
    required(outcome, standards, census, &parts, &mut report);
    for (set, census) in peers {
        compare(outcome, set, census, &persona, &parts, &mut report);
    }
    let demanded = demanded(standards, census, &parts);
    report.findings.retain(|finding| finding.kind != Kind::Excess || !demanded.contains(&finding.thing));
    // A rule weighs more than a habit: one thing is told once.
    report.findings.sort();
    let mut told = BTreeSet::new();
    report.findings.retain(|finding| told.insert(finding.thing.clone()));
    report.unjudged.sort();
    report.unjudged.dedup();
    Some(report)
}

/// How many people each class has.
fn counts(census: &Census<'_>) -> Vec<u64> {
    let mut counts = vec![0; census.classes.len()];
    for class in &census.class_of {
        counts[*class as usize] += 1;
    }
    counts
}

fn parts<'c>(
    outcome: &Outcome,
    census: &'c Census<'_>,
    persona: &'c BTreeMap<String, Seen>,
    report: &mut Report,
) -> Vec<Part<'c>> {
    let mut parts = Vec::new();
    for (at, people) in counts(census).into_iter().enumerate() {
        let class = census.class(at);
        match expr::holds(&outcome.applies, &class) {
            Ok(true) => {
                report.people += people;
                parts.push(part(outcome, census, class, people, Some(at)));
            }
            Ok(false) => {}
            Err(_) => report.unknown += people,
        }
    }
    if parts.is_empty() {
        let known = persona.iter().map(|(name, seen)| (name.as_str(), seen)).collect();
        let class = Class { declarations: census.declarations, kind: &census.kind, known };
        if expr::holds(&outcome.applies, &class) == Ok(true) {
            parts.push(part(outcome, census, class, 0, None));
        } else {
            let why =
                "nobody is there whom it is for, and its selector names no values of its own".to_owned();
            report.unjudged.push(Unjudged { what: format!("outcome {}", outcome.name), why });
        }
    }
    parts
}

fn part<'c>(
    outcome: &Outcome,
    census: &Census<'_>,
    class: Class<'c>,
    people: u64,
    at: Option<usize>,
) -> Part<'c> {
    let own = wanted(census.declarations, &outcome.facets, &class);
    let mut others = Wanted::default();
    let of_kind = census.declarations.outcomes.values().filter(|other| other.entity == outcome.entity);
    for other in of_kind.filter(|other| other.name != outcome.name) {
        if expr::holds(&other.applies, &class) == Ok(true) {
            others.join(&wanted(census.declarations, &other.facets, &class));
        }
    }
    Part { at, class, people, own, others }
}

/// What one requirement demands and nothing declares, over all parts.
#[derive(Default)]
struct Lack {
    written: String,
    parts: u64,
    people: u64,
    differs: Option<String>,
    classes: Vec<bool>,
}

fn required(
    outcome: &Outcome,
    standards: &Standards,
    census: &Census<'_>,
    parts: &[Part<'_>],
    report: &mut Report,
) {
    for requirement in standards.requirements.values().filter(|it| it.entity == outcome.entity) {
        let mut lacks: BTreeMap<Thing, Lack> = BTreeMap::new();
        let mut holds_anywhere = false;
        for part in parts {
            match expr::holds(&requirement.applies, &part.class) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(what) => {
                    let what: Vec<String> = what.into_iter().collect();
                    let why = format!("for {} people {} is unknown", part.people, what.join(", "));
                    report.unjudged.push(Unjudged { what: format!("requirement {}", requirement.name), why });
                    continue;
                }
            }
            holds_anywhere = true;
            let demanded = wanted(census.declarations, &requirement.facets, &part.class);
            for (thing, written) in demanded.things {
                if part.own.covers(&thing) || part.others.covers(&thing) {
                    continue;
                }
                let set = is_set(census, &thing);
                let lack = lacks.entry(thing.clone()).or_default();
                lack.written = written;
                lack.parts += 1;
                lack.people += part.people;
                lack.classes.resize(census.classes.len(), false);
                if let Some(at) = part.at {
                    lack.classes[at] = true;
                }
                lack.differs = lack.differs.take().or_else(|| {
                    let other = part.own.other(&thing).filter(|_| !set)?;
                    Some(other.element.clone())
                });
            }
        }
        report.requirements += u64::from(holds_anywhere);
        let all = parts.len() as u64;
        let finding = |(thing, lack)| finding_of_rule(requirement, census, report.people, all, thing, lack);
        let found: Vec<Finding> = lacks.into_iter().map(finding).collect();
        report.findings.extend(found);
    }
}

/// Everything that a requirement demands of somebody here.
fn demanded(standards: &Standards, census: &Census<'_>, parts: &[Part<'_>]) -> BTreeSet<Thing> {
    let of_part = |part: &Part<'_>| -> Vec<Thing> {
        let holds = |it: &&Requirement| expr::holds(&it.applies, &part.class) == Ok(true);
        let of_kind = standards.requirements.values().filter(|it| it.entity == census.kind);
        let wanted = of_kind.filter(holds).map(|it| wanted(census.declarations, &it.facets, &part.class));
        wanted.flat_map(|wanted| wanted.things.into_keys()).collect()
    };
    parts.iter().flat_map(of_part).collect()
}

fn is_set(census: &Census<'_>, thing: &Thing) -> bool {
    let key = (thing.domain.clone(), thing.facet.clone());
    census.declarations.facets.get(&key).is_some_and(|facet| facet.set)
}

/// The attributes that a requirement hangs on.
fn looks_at(requirement: &Requirement) -> BTreeSet<String> {
    let paths = expr::references(&requirement.applies).into_iter();
    let own = paths.filter(|path| path.root == requirement.entity);
    own.filter_map(|path| path.first().map(str::to_owned)).collect()
}

fn finding_of_rule(
    requirement: &Requirement,
    census: &Census<'_>,
    people: u64,
    parts: u64,
    thing: Thing,
    lack: Lack,
) -> Finding {
    let proposal = if lack.parts == parts {
        Proposal::Declare(lack.written)
    } else {
        let advice = format!(
            "declare it in an outcome of its own for the {} people whom requirement `{}` holds for",
            lack.people, requirement.name
        );
        Proposal::Advice(advice)
    };
    Finding {
        kind: Kind::Required,
        set: is_set(census, &thing),
        differs: lack.differs,
        rule: Some(Rule {
            name: requirement.name.clone(),
            title: requirement.title.clone(),
            because: requirement.because.clone(),
            approved_by: requirement.approved_by.clone(),
            origin: requirement.origin.clone(),
        }),
        support: None,
        counterfactual: Counterfactual {
            people,
            concerned: lack.people,
            have_it: None,
            unless: format!("requirement `{}` were withdrawn or held for others", requirement.name),
        },
        lineage: census.records_of(&lack.classes, &looks_at(requirement), LINEAGE_MAX),
        proposal,
        thing,
    }
}

/// The people of one level: which classes they are, and what they share.
struct Level {
    shared: BTreeMap<String, Vec<String>>,
    classes: Vec<bool>,
    people: u64,
    /// How many of them have each thing.
    have: Vec<u64>,
}

fn compare(
    outcome: &Outcome,
    set: &PeerSet,
    census: &Census<'_>,
    persona: &BTreeMap<String, Seen>,
    parts: &[Part<'_>],
    report: &mut Report,
) {
    if set.entity != outcome.entity || parts.is_empty() {
        return;
    }
    for ((domain, facet), doubt) in &census.doubted {
        let what = format!("what peers `{}` have of {domain}.{facet}", set.name);
        report.unjudged.push(Unjudged { what, why: doubt.to_string() });
    }
    let counting: Vec<bool> =
        (0..census.classes.len()).map(|at| expr::holds(&set.counts, &census.class(at)) == Ok(true)).collect();
    let everyone = level(census, &counting, BTreeMap::new(), |_| true);
    let found = set.levels.iter().find_map(|names| {
        let level = peers_at(outcome, census, persona, &counting, names)?;
        (level.people >= set.least).then_some(level)
    });
    let Some(peers) = found else {
        let why = format!("no level has {} peers", set.least);
        report.unjudged.push(Unjudged { what: format!("peers `{}`", set.name), why });
        return;
    };
    report.asked.push((set.name.clone(), peers.shared.clone(), peers.people));
    for (at, thing) in census.things.iter().enumerate() {
        let support = Support {
            peers: set.name.clone(),
            shared: peers.shared.clone(),
            have: peers.have[at],
            of: peers.people,
            all_have: everyone.have[at],
            all: everyone.people,
        };
        let Some(kind) = usual(set, &support, parts, thing) else { continue };
        report.findings.push(finding_of_peers(set, census, (kind, at, thing), support, parts, &peers));
    }
    excess(set, census, parts, &peers, &everyone, report);
}

/// The peers of one level: whoever shares its attributes with somebody whom the outcome is for, or with the persona.
fn peers_at(
    outcome: &Outcome,
    census: &Census<'_>,
    persona: &BTreeMap<String, Seen>,
    counting: &[bool],
    names: &[String],
) -> Option<Level> {
    let places: Vec<usize> = names
        .iter()
        .map(|name| census.attributes.iter().position(|known| known == name))
        .collect::<Option<_>>()?;
    let tuple = |class: usize| -> Option<Vec<&Seen>> {
        let codes = &census.classes[class];
        let seen = places.iter().map(|place| &census.values[codes[*place] as usize]);
        seen.map(|seen| matches!(seen, Seen::Value(_)).then_some(seen)).collect()
    };
    let is_for = |class: &usize| expr::holds(&outcome.applies, &census.class(*class)) == Ok(true);
    let mut wanted: BTreeSet<Vec<&Seen>> =
        (0..census.classes.len()).filter(is_for).filter_map(tuple).collect();
    if wanted.is_empty() {
        wanted.insert(names.iter().map(|name| persona.get(name)).collect::<Option<_>>()?);
    }
    let mut shared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        let values = wanted.iter().filter_map(|tuple| match tuple[at] {
            Seen::Value(value) => Some(value.to_string()),
            Seen::Nothing | Seen::Unknown => None,
        });
        shared.entry(name.clone()).or_default().extend(values);
    }
    let shared = shared.into_iter().map(|(name, values)| (name, values.into_iter().collect())).collect();
    Some(level(census, counting, shared, |class| tuple(class).is_some_and(|tuple| wanted.contains(&tuple))))
}

fn level(
    census: &Census<'_>,
    counting: &[bool],
    shared: BTreeMap<String, Vec<String>>,
    takes: impl Fn(usize) -> bool,
) -> Level {
    let classes: Vec<bool> = counting.iter().enumerate().map(|(at, counts)| *counts && takes(at)).collect();
    let mut have = vec![0; census.things.len()];
    let mut people = 0;
    for (person, class) in census.class_of.iter().enumerate() {
        if classes[*class as usize] {
            people += 1;
            for (thing, _) in census.has(person) {
                have[*thing as usize] += 1;
            }
        }
    }
    Level { shared, classes, people, have }
}

/// What the shares of something that is there among the peers come to, for this declaration.
fn usual(set: &PeerSet, support: &Support, parts: &[Part<'_>], thing: &Thing) -> Option<Kind> {
    let reaches = |have: u64, of: u64, pct: u64| u128::from(have) * 100 >= u128::from(of) * u128::from(pct);
    let declared = parts.iter().all(|part| part.own.things.contains_key(thing));
    let covered = parts.iter().all(|part| part.own.covers(thing) || part.others.covers(thing));
    let all_expect_it = support.all > support.of && reaches(support.all_have, support.all, set.expected_pct);
    if all_expect_it && (declared || !covered) {
        return Some(Kind::HigherLayer);
    }
    if covered || support.lift_pct() < set.lift_pct {
        return None;
    }
    match () {
        () if reaches(support.have, support.of, set.expected_pct) => Some(Kind::Expected),
        () if reaches(support.have, support.of, set.suggested_pct) => Some(Kind::Suggested),
        () => None,
    }
}

fn finding_of_peers(
    set: &PeerSet,
    census: &Census<'_>,
    (kind, at, thing): (Kind, usize, &Thing),
    support: Support,
    parts: &[Part<'_>],
    peers: &Level,
) -> Finding {
    let written = census.written[at].clone();
    let least_pct = if kind == Kind::Suggested { set.suggested_pct } else { set.expected_pct };
    let (have, of) =
        if kind == Kind::HigherLayer { (support.all_have, support.all) } else { (support.have, support.of) };
    let fewer = fewer_to_miss(have, of, least_pct);
    let proposal = match (kind, written) {
        (_, None) => Proposal::Advice(format!(
            "no object with the id `{}` is declared: declare it, then add it",
            thing.element
        )),
        (Kind::HigherLayer, Some(written)) => Proposal::Advice(format!(
            "declare {written} once, in an outcome for all who count among peers `{}`",
            set.name
        )),
        (_, Some(written)) => Proposal::Declare(written),
    };
    Finding {
        kind,
        thing: thing.clone(),
        set: is_set(census, thing),
        differs: None,
        rule: None,
        counterfactual: counterfactual(census, parts, at, format!("{fewer} fewer of these {of} had it")),
        support: Some(support),
        lineage: lineage(census, at, peers),
        proposal,
    }
}

/// How many fewer would have to have it for the share to be missed.
fn fewer_to_miss(have: u64, of: u64, pct: u64) -> u64 {
    let least = (u128::from(of) * u128::from(pct)).div_ceil(100);
    u64::try_from((u128::from(have) + 1).saturating_sub(least)).unwrap_or(u64::MAX)
}

fn counterfactual(census: &Census<'_>, parts: &[Part<'_>], thing: usize, unless: String) -> Counterfactual {
    let people = parts.iter().map(|part| part.people).sum();
    let mut members = vec![false; census.classes.len()];
    parts.iter().filter_map(|part| part.at).for_each(|at| members[at] = true);
    let has = |person: usize| census.has(person).iter().any(|(held, _)| *held as usize == thing);
    let holders = census.class_of.iter().enumerate().filter(|(_, class)| members[**class as usize]);
    let have_it = holders.filter(|(person, _)| has(*person)).count() as u64;
    Counterfactual { people, concerned: people, have_it: Some(have_it), unless }
}

/// The first records that show `thing` among the peers, in the order of their names.
fn lineage(census: &Census<'_>, thing: usize, peers: &Level) -> Vec<Source> {
    let of_peers = census.class_of.iter().enumerate().filter(|(_, class)| peers.classes[**class as usize]);
    let records = of_peers.flat_map(|(person, _)| census.has(person));
    let shown = |(held, record): &(u32, &Record)| (*held as usize == thing).then(|| record.source.clone());
    let mut sources: Vec<Source> = records.filter_map(shown).collect();
    sources.sort();
    sources.dedup();
    sources.truncate(LINEAGE_MAX);
    sources
}

/// What is declared and hardly anybody has. What a requirement demands is never excess.
fn excess(
    set: &PeerSet,
    census: &Census<'_>,
    parts: &[Part<'_>],
    peers: &Level,
    everyone: &Level,
    report: &mut Report,
) {
    let declared: BTreeSet<&Thing> = parts.iter().flat_map(|part| part.own.things.keys()).collect();
    for thing in declared {
        if !census.evidenced.contains(&(thing.domain.clone(), thing.facet.clone())) {
            continue;
        }
        let at = census.things.iter().position(|held| held == thing);
        let count = |level: &Level| at.map_or(0, |at| level.have[at]);
        let (have, of) = (count(peers), peers.people);
        if u128::from(have) * 100 >= u128::from(of) * u128::from(set.excess_pct) {
            continue;
        }
        let needed = (u128::from(of) * u128::from(set.excess_pct)).div_ceil(100);
        let more = needed.saturating_sub(u128::from(have));
        let written = parts.iter().find_map(|part| part.own.things.get(thing)).cloned().unwrap_or_default();
        let people = parts.iter().map(|part| part.people).sum();
        let unless = format!("{more} more of these {of} had it, or a requirement demanded it");
        report.findings.push(Finding {
            kind: Kind::Excess,
            thing: thing.clone(),
            set: is_set(census, thing),
            differs: None,
            rule: None,
            support: Some(Support {
                peers: set.name.clone(),
                shared: peers.shared.clone(),
                have,
                of,
                all_have: count(everyone),
                all: everyone.people,
            }),
            counterfactual: match at {
                Some(at) => counterfactual(census, parts, at, unless),
                None => Counterfactual { people, concerned: people, have_it: Some(0), unless },
            },
            lineage: at.map(|at| lineage(census, at, peers)).unwrap_or_default(),
            proposal: Proposal::Drop(written),
        });
    }
}
