//! The world of a case, and the way through it that the shell takes: desire, rounds of lookups, the plan.

use crate::story::{Said, Story, map};
use std::collections::{BTreeMap, BTreeSet};
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::AwfName;
use xops_kernel::canon::DigestKey;
use xops_kernel::compile::{self, Compile, Lookup, Refused};
use xops_kernel::declare::Declarations;
use xops_kernel::desire::{self, Desire, Subject, Undesired};
use xops_kernel::diff::Facet;
use xops_kernel::fact::{Doubt, Fact, Observation, Proof, Reason};
use xops_kernel::id::{EntityId, PlanId};
use xops_kernel::plan::Plan;
use xops_kernel::port::{Sighting, lookup_proof};
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::{Value, Values};
use xops_source::finding::{Format, any_error, render};

/// The key of every digest in these tests.
pub(crate) const KEY: DigestKey = DigestKey([7; 32]);
/// As in the shell.
const ROUNDS_MAX: usize = 16;
/// What is known of the person where a case says nothing.
const FACTS: [(&str, &str); 6] = [
    ("handle", "ada"),
    ("email", "ada@acme.example"),
    ("kind", "guest"),
    ("country", "MX"),
    ("team", "design"),
    ("ends", "2027-05-31"),
];

/// Everything that a compilation reads.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) declarations: Declarations,
    /// The codes of what `check` finds.
    pub(crate) findings: BTreeSet<&'static str>,
    pub(crate) subject: Subject,
    pub(crate) only: Option<String>,
    pub(crate) answers: BTreeMap<String, Said>,
    pub(crate) granted: BTreeMap<Facet, Values>,
    pub(crate) parent: Option<PlanId>,
}

/// What came of it.
pub(crate) struct Came {
    pub(crate) findings: BTreeSet<&'static str>,
    /// What was looked at, round by round.
    pub(crate) rounds: Vec<(Vec<Lookup>, BTreeMap<Facet, Sighting>)>,
    /// What the case answered and nobody asked.
    pub(crate) unasked: Vec<String>,
    pub(crate) end: Result<Plan, Vec<String>>,
}

impl World {
    /// The world of a case. Panics where the case is wrong.
    pub(crate) fn of(story: &Story) -> Self {
        let (mut declarations, findings) = declared(story);
        for name in &story.without {
            let (system, function) = name.split_once('.').expect("a name of an AWF");
            let gone = declarations.contracts.remove(&AwfName::new(system, function));
            assert!(gone.is_some(), "there is no AWF `{name}` to be without");
        }
        let entity = EntityId([1; 16]);
        let granted = story
            .granted
            .iter()
            .map(|(name, said)| (facet(&declarations, entity, name), map(said)))
            .collect();
        Self {
            declarations,
            findings,
            subject: subject(story, entity),
            only: story.only.clone(),
            answers: story.seen.clone(),
            granted,
            parent: None,
        }
    }

    /// What is wanted.
    pub(crate) fn desire(&self) -> Result<Desire, Vec<Undesired>> {
        desire::desire(&self.declarations, &self.subject, self.only.as_deref())
    }

    /// Compiles, as the shell does it.
    pub(crate) fn run(&self) -> Came {
        let mut came = Came {
            findings: self.findings.clone(),
            rounds: Vec::new(),
            unasked: Vec::new(),
            end: Err(Vec::new()),
        };
        let desire = match self.desire() {
            Ok(desire) => desire,
            Err(why) => {
                came.end = Err(why.iter().map(ToString::to_string).collect());
                return came;
            }
        };
        let seen = self.look(&desire, &mut came.rounds);
        let asked: BTreeSet<String> = seen.keys().map(ToString::to_string).collect();
        came.unasked = self.answers.keys().filter(|facet| !asked.contains(*facet)).cloned().collect();
        came.end = self.draw(&desire, &seen).map_err(|why| why.iter().map(ToString::to_string).collect());
        came
    }

    /// The rounds of lookups.
    pub(crate) fn look(
        &self,
        desire: &Desire,
        rounds: &mut Vec<(Vec<Lookup>, BTreeMap<Facet, Sighting>)>,
    ) -> BTreeMap<Facet, Sighting> {
        let mut seen = BTreeMap::new();
        for _ in 0..ROUNDS_MAX {
            let (lookups, implied) = compile::observe(&self.compile(desire, &seen));
            if lookups.is_empty() && implied.is_empty() {
                break;
            }
            seen.extend(lookups.iter().map(|lookup| (lookup.facet.clone(), self.answer(lookup))));
            seen.extend(implied.clone());
            rounds.push((lookups, implied));
        }
        seen
    }

    /// The plan.
    pub(crate) fn draw(
        &self,
        desire: &Desire,
        seen: &BTreeMap<Facet, Sighting>,
    ) -> Result<Plan, Vec<Refused>> {
        compile::draw(&self.compile(desire, seen), &KEY)
    }

    fn compile<'a>(&'a self, desire: &'a Desire, seen: &'a BTreeMap<Facet, Sighting>) -> Compile<'a> {
        Compile {
            declarations: &self.declarations,
            subject: &self.subject,
            desire,
            seen,
            granted: &self.granted,
            parent: self.parent,
        }
    }

    /// The plan of a case that has one.
    pub(crate) fn plan(&self) -> Plan {
        self.run().end.unwrap_or_else(|why| panic!("refused: {why:?}"))
    }

    fn answer(&self, lookup: &Lookup) -> Sighting {
        let said = self.answers.get(&lookup.facet.to_string());
        let (seen, outputs) = match said {
            Some(Said::Is(Value::Map(members))) => {
                let mut outputs = members.clone();
                (Observation::Present(outputs.remove("is").unwrap_or_default()), outputs)
            }
            Some(Said::Is(value)) => (Observation::Present(value.clone()), Values::new()),
            Some(Said::Absent) => (Observation::Absent(lookup_proof(&lookup.awf)), Values::new()),
            Some(Said::Unknown) => (unknown("the system did not answer"), Values::new()),
            None => (unknown("the case says nothing of it"), Values::new()),
        };
        Sighting { seen, outputs, marker: None }
    }
}

fn unknown<T>(detail: &str) -> Observation<T> {
    Observation::Unknown(Doubt { reason: Reason::Incomplete, detail: detail.to_owned(), since: 0 })
}

/// The manifests of the base.
fn manifests() -> Manifests {
    let base = crate::folder().join("base/manifests");
    let file = |name: &str| {
        (format!("{name}.hcl"), std::fs::read(base.join(format!("{name}.hcl"))).expect("a manifest"))
    };
    let (manifests, findings) = Manifests::load(&["hr", "dir", "chat"].map(file));
    let told = render(&findings, &BTreeMap::new(), Format::Json);
    assert!(findings.is_empty(), "the manifests of the base have mistakes: {told}");
    manifests
}

/// The declarations of a case and the codes of what is wrong with them.
fn declared(story: &Story) -> (Declarations, BTreeSet<&'static str>) {
    let base = std::fs::read_to_string(crate::folder().join("base/base.hcl")).expect("the base");
    let mut texts = vec![("base.hcl".to_owned(), base)];
    texts.extend(story.files.iter().cloned());
    let files: Vec<(String, Vec<u8>)> =
        texts.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect();
    let manifests = manifests();
    let (declarations, findings) =
        xops_source::declare::declare(&files, manifests.contracts(), &manifests.facts());
    let told = || render(&findings, &texts.iter().cloned().collect(), Format::Human { color: false });
    assert!(story.despite || !any_error(&findings), "the case has mistakes:\n{}", told());
    (declarations, findings.iter().map(|finding| finding.code).collect())
}

/// When everything was read.
pub(crate) const READ_AT: Millis = 1_795_257_721_000;

fn source(system: &str, kind: &str, id: &str) -> Source {
    Source {
        system: system.to_owned(),
        kind: kind.to_owned(),
        id: id.to_owned(),
        version: Some("1".to_owned()),
    }
}

fn subject(story: &Story, entity: EntityId) -> Subject {
    let mut facts: BTreeMap<String, Said> =
        FACTS.iter().map(|(name, value)| ((*name).to_owned(), Said::Is((*value).into()))).collect();
    facts.extend(story.facts.clone());
    let snapshot = || Proof::Snapshot { system: "hr".to_owned(), read: "workers".to_owned() };
    let fact = |said: Said| match said {
        Said::Is(value) => {
            Observation::Present(Fact { value, source: source("hr", "worker", "w-1"), read_at: READ_AT })
        }
        Said::Absent => Observation::Absent(snapshot()),
        Said::Unknown => unknown("the read broke off"),
    };
    let mut links: BTreeMap<String, Said> =
        [("dir", "u-1"), ("chat", "m-1")].map(|(system, id)| (system.to_owned(), Said::Is(id.into()))).into();
    links.extend(story.links.clone());
    let link = |system: &str, said: Said| match said {
        Said::Is(id) => Observation::Present(Record {
            source: source(system, "user", &id.to_string()),
            attributes: Values::new(),
            read_at: READ_AT,
            principal: "svc".to_owned(),
        }),
        Said::Absent => Observation::Absent(snapshot()),
        Said::Unknown => unknown("the read broke off"),
    };
    Subject {
        entity,
        kind: "person".to_owned(),
        facts: facts.into_iter().map(|(name, said)| (name, fact(said))).collect(),
        links: links.into_iter().map(|(system, said)| (system.clone(), link(&system, said))).collect(),
    }
}

/// The facet of `domain.name` or `domain.name[element]`.
fn facet(declarations: &Declarations, entity: EntityId, text: &str) -> Facet {
    let (kind, element) = match text.trim_end_matches(']').split_once('[') {
        Some((kind, element)) => (kind, Some(element.to_owned())),
        None => (text, None),
    };
    let (domain, name) = kind.split_once('.').unwrap_or_else(|| panic!("no facet: {text}"));
    let declared = declarations.facets.get(&(domain.to_owned(), name.to_owned()));
    let declared = declared.unwrap_or_else(|| panic!("no facet is declared for {text}"));
    Facet {
        entity,
        domain: domain.to_owned(),
        system: declared.system.clone(),
        name: name.to_owned(),
        element,
    }
}
