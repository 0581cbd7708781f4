//! The world that is read: people whom another system mints, and what is wanted of them.
//!
//! Invariants: everything beside the read that is tried is whole and fresh; whoever has a seat is wanted in the group `gold`, and
//! everybody is wanted to have a seat. So whoever is proven to have none loses `gold` and is given a seat, and nobody else.

use super::server::Style;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_graph::graph::Graph;
use xops_graph::reading::Reading;
use xops_kernel::awf::Achieves;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::{
    Attribute, Claim, Declarations, Desired, EntityKind, FacetKind, Link, Origin, Outcome, System,
};
use xops_kernel::desire;
use xops_kernel::diff::{self, Facet};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::fact::Observation;
use xops_kernel::id::EntityId;
use xops_kernel::port::{ReadContract, Sighting};
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::{Type, Value, Values};

/// How old anything may be, in milliseconds: nothing here grows old, because that is another trial.
const AGE_MS: u64 = 1 << 40;

/// A world.
pub(super) struct World {
    style: Style,
    graph: Graph,
    declarations: Arc<Declarations>,
    /// Everybody, by number.
    entities: Vec<EntityId>,
    /// Who really has a seat.
    seated: BTreeSet<u64>,
    /// What was really there when each part was last read wholly, by parameter.
    proven: BTreeMap<Option<String>, BTreeSet<u64>>,
    /// The reads, with their parameters, that failed since.
    failed: BTreeSet<(String, Option<String>)>,
    /// The readings of the cycle that said they were whole, by parameter: whom they showed.
    whole: BTreeMap<Option<String>, BTreeSet<String>>,
    complaints: Vec<String>,
    pub(super) now: Millis,
}

/// What was planned after a cycle.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) removals: u64,
    pub(super) creations: u64,
    pub(super) broken: Vec<String>,
}

impl World {
    /// `people` people, and a system of this style that was never read.
    pub(super) fn new(style: Style, people: u64, reads: Vec<ReadContract>) -> Self {
        let declarations = Arc::new(declarations(style.word()));
        let mut graph = Graph::new(declarations.clone(), DigestKey([7; 32]));
        graph.expect(reads);
        let record = |kind: &str, n: u64, attributes: Values| {
            let source =
                Source { system: "hr".into(), kind: kind.into(), id: format!("w{n:02}"), version: None };
            Record { source, attributes, read_at: 1, principal: "svc-xops".into() }
        };
        let worker = |n: u64| {
            let email = Value::from(format!("p{n}@acme.example"));
            record(
                "worker",
                n,
                [("email".to_owned(), email), ("name".to_owned(), format!("p{n}").into())].into(),
            )
        };
        graph.apply(Reading::complete("hr", "workers", "worker", 1, (0..people).map(worker).collect()));
        let entities = graph.entities("person").collect();
        Self {
            style,
            graph,
            declarations,
            entities,
            seated: BTreeSet::new(),
            proven: BTreeMap::new(),
            failed: BTreeSet::new(),
            whole: BTreeMap::new(),
            complaints: Vec::new(),
            now: 1_000,
        }
    }

    /// How many people there are.
    pub(super) fn people(&self) -> u64 {
        self.entities.len() as u64
    }

    /// Time passes, and others sit.
    pub(super) fn pass(&mut self, seated: BTreeSet<u64>) {
        self.now += 1_000;
        self.seated = seated;
        self.whole.clear();
    }

    /// Notes that something is wrong with the machine.
    pub(super) fn complain(&mut self, why: &str) {
        self.complaints.push(why.to_owned());
    }

    /// Takes a reading in.
    pub(super) fn take(&mut self, reading: Reading) {
        let part = (reading.read.clone(), reading.parameter.clone());
        if reading.is_whole() {
            self.failed.remove(&part);
        } else {
            self.failed.insert(part);
        }
        if reading.kind == "seat" && reading.is_whole() {
            self.proven.insert(reading.parameter.clone(), self.seated.clone());
            let ids = reading.records.iter().map(|record| record.source.id.clone()).collect();
            self.whole.insert(reading.parameter.clone(), ids);
        }
        self.graph.apply(reading);
    }

    /// What would be changed now, held to the laws.
    pub(super) fn plan(&mut self, whole: bool) -> Planned {
        let mut planned = Planned { broken: std::mem::take(&mut self.complaints), ..Planned::default() };
        self.hold_whole(whole, &mut planned);
        for (n, entity) in (0..).zip(&self.entities) {
            let seated = self.seated.contains(&n);
            // A cycle that was given up said nothing: what was read wholly before it still counts, as long as it is fresh.
            let part = self.part_of(n);
            let provable =
                self.failed.is_empty() && self.proven.get(&part).is_some_and(|seated| !seated.contains(&n));
            let difference = self.difference(*entity);
            for change in &difference.changes {
                match change.kind() {
                    Achieves::Remove => planned.removals += 1,
                    Achieves::Create => planned.creations += 1,
                    Achieves::Update => {}
                }
                if !provable {
                    let what =
                        format!("{} {} of p{n}, without a proof", change.kind().word(), change.facet());
                    planned.broken.push(format!("planned is: {what}"));
                }
            }
            if whole && !seated && difference.changes.len() != 2 {
                planned.broken.push(format!("p{n} has no seat, and what follows from it is not planned"));
            }
        }
        planned
    }

    /// The parameter under which somebody would be shown.
    fn part_of(&self, n: u64) -> Option<String> {
        let group = if n % 2 == 1 { "odd" } else { "even" };
        (self.style == Style::ForEach).then(|| group.to_owned())
    }

    /// What was told as whole is what was there.
    fn hold_whole(&self, cycle_whole: bool, planned: &mut Planned) {
        for (parameter, ids) in &self.whole {
            let there: BTreeSet<String> = self
                .seated
                .iter()
                .filter(|n| self.part_of(**n) == *parameter)
                .map(|n| format!("s{n}"))
                .collect();
            if *ids != there {
                planned
                    .broken
                    .push(format!("a reading says it is whole and holds {ids:?} where there is {there:?}"));
            }
        }
        let expected = if self.style == Style::ForEach { 2 } else { 1 };
        if cycle_whole && self.whole.len() != expected {
            planned.broken.push("a whole cycle has readings that are not".to_owned());
        }
    }

    fn difference(&self, entity: EntityId) -> diff::Difference {
        let Some(subject) = self.graph.subject(entity, self.now) else { return diff::Difference::default() };
        let Ok(desire) = desire::desire(&self.declarations, &subject, None) else {
            return diff::Difference::default();
        };
        let facet = |domain: &str, name: &str, system: &str, element: Option<&str>| Facet {
            entity,
            domain: domain.into(),
            system: system.into(),
            name: name.into(),
            element: element.map(str::to_owned),
        };
        let gold = facet("identity", "groups", "directory", Some("gold"));
        let sighting = |seen| Sighting { seen, outputs: Values::new(), marker: None };
        let seat = match self.graph.link(entity, self.style.word(), self.now) {
            Observation::Present(_) => Observation::Present(Value::from("taken")),
            Observation::Absent(proof) => Observation::Absent(proof),
            Observation::Unknown(doubt) => Observation::Unknown(doubt),
        };
        let seen = BTreeMap::from([
            (gold.clone(), sighting(Observation::Present(Value::from("member")))),
            (facet("software", "seat", self.style.word(), None), sighting(seat)),
        ]);
        // What xops granted once it may take back.
        let removable: BTreeSet<Facet> = [gold].into_iter().filter(|facet| desire.may_lose(facet)).collect();
        diff::between(&desire.wants, &seen, &removable)
    }
}

fn declarations(source: &str) -> Declarations {
    let attribute = |system: &str, kind: &str, name: &str| Attribute {
        is: Type::Text,
        personal: true,
        from: vec![Claim { system: system.into(), kind: kind.into(), attribute: name.into() }],
        max_age_ms: None,
        origin: Origin::default(),
    };
    let link = Link {
        system: source.into(),
        kind: "seat".into(),
        record: "email".into(),
        entity: "email".into(),
        origin: Origin::default(),
    };
    let person = EntityKind {
        name: "person".into(),
        mint: ("hr".into(), "worker".into()),
        handle: "name".into(),
        attributes: BTreeMap::from([
            ("email".into(), attribute("hr", "worker", "email")),
            ("name".into(), attribute("hr", "worker", "name")),
            ("role".into(), attribute(source, "seat", "role")),
        ]),
        links: BTreeMap::from([(source.to_owned(), link)]),
        origin: Origin::default(),
    };
    let system =
        |name: &str| (name.to_owned(), System { name: name.into(), max_age_ms: AGE_MS, ..System::default() });
    let facet = |domain: &str, name: &str, system: &str, set| {
        let kind = FacetKind {
            domain: domain.into(),
            name: name.into(),
            system: system.into(),
            set,
            exclusive: false,
            after: Vec::new(),
            origin: Origin::default(),
        };
        ((domain.to_owned(), name.to_owned()), kind)
    };
    let gold = Expr::Binary(
        Op::Eq,
        Box::new(Expr::Ref(Path::of("person", &["role"]))),
        Box::new(Expr::Literal("gold".into())),
    );
    let members = |group: &str| Expr::List(vec![Expr::Literal(group.into())]);
    let outcomes = [
        ("everybody", Expr::Literal(true.into()), ("software", "seat", Expr::Literal("taken".into()))),
        ("gold", gold, ("identity", "groups", members("gold"))),
    ];
    Declarations {
        tenant: "acme".into(),
        systems: ["hr", "directory", source].into_iter().map(system).collect(),
        entities: BTreeMap::from([("person".into(), person)]),
        facets: BTreeMap::from([
            facet("identity", "groups", "directory", true),
            facet("software", "seat", source, false),
        ]),
        outcomes: outcomes.into_iter().map(|(name, applies, line)| outcome(name, applies, line)).collect(),
        ..Declarations::default()
    }
}

fn outcome(name: &str, applies: Expr, (domain, facet, value): (&str, &str, Expr)) -> (String, Outcome) {
    let line = Desired { domain: domain.into(), facet: facet.into(), value, origin: Origin::default() };
    let outcome = Outcome {
        name: name.into(),
        title: String::new(),
        entity: "person".into(),
        applies,
        runbook: None,
        facets: vec![line],
        origin: Origin::default(),
    };
    (name.to_owned(), outcome)
}
