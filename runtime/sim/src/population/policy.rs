//! What the organisation wants of its people: outcomes for everybody, for departments, titles and sites.
//!
//! Invariants: a person is wanted to have so many facets as was asked for, spread over the ten systems in which they have an
//! account; what is wanted follows from the person alone, so that records can be made that already hold it.

use super::systems::{EVERYBODYS, KIND, SYSTEMS, System, USED};
use super::{DEPARTMENTS, Person, words};
use std::collections::BTreeMap;
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, Contract, Input, Undo};
use xops_kernel::declare::{
    self, Attribute, Claim, Declarations, Desired, EntityKind, FacetKind, Link, Origin, Outcome, Route,
};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::id::Digest;
use xops_kernel::value::{Type, Value};

/// How many facets each person has, and how they are spread over what each system groups people by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The groups of a person in one system.
    groups: u32,
}

/// The day, in milliseconds: how old a reading of these systems may be.
pub const AGE_MS: u64 = 86_400_000;

/// The greatest number of facets a person.
pub const FACETS_MAX: u32 = 2_000;

impl Policy {
    /// The policy under which each person has `facets`: in each of ten systems an account, and groups.
    pub fn new(facets: u32) -> Self {
        let systems = u32::try_from(EVERYBODYS - 1 + USED).unwrap_or(1);
        Self { groups: (facets.min(FACETS_MAX) / systems).saturating_sub(1).max(4) }
    }

    /// The groups that everybody in `system` has.
    fn of_all(self, system: &System) -> Vec<String> {
        named(system, "all", self.groups / 4)
    }

    fn of_title(self, system: &System, title: usize) -> Vec<String> {
        named(system, &format!("t{title:02}"), self.groups / 4)
    }

    fn of_site(self, system: &System, site: usize) -> Vec<String> {
        named(system, words::SITES[site].0, self.groups / 4)
    }

    fn of_department(self, system: &System, department: u32) -> Vec<String> {
        let others = if everybodys(system) { 3 } else { 1 } * (self.groups / 4);
        named(system, &format!("d{department:02}"), self.groups - others)
    }

    /// The groups that `person` is wanted to have in `system`.
    pub fn groups(self, person: &Person, system: &System) -> Vec<String> {
        let mut groups = self.of_all(system);
        groups.extend(self.of_department(system, u32::from(person.department)));
        if everybodys(system) {
            groups.extend(self.of_title(system, usize::from(person.title)));
            groups.extend(self.of_site(system, usize::from(person.site)));
        }
        groups
    }

    /// The declarations: systems, people, facets, routes and outcomes.
    pub fn declarations(self) -> Declarations {
        let mut declared = Declarations { tenant: "population".into(), ..Declarations::default() };
        for system in &SYSTEMS {
            let of = declare::System {
                name: system.name.into(),
                domain: system.domain.into(),
                max_age_ms: AGE_MS,
                ..declare::System::default()
            };
            declared.systems.insert(of.name.clone(), of);
        }
        declared.entities.insert("person".into(), person());
        for system in SYSTEMS.iter().filter(|system| !system.is_first()) {
            for (name, set) in [(account(system), false), (groups(system), true)] {
                facet(&mut declared, system, &name, set);
            }
        }
        self.outcomes(&mut declared);
        declared
    }

    fn outcomes(self, declared: &mut Declarations) {
        let everybodys = || SYSTEMS[1..EVERYBODYS].iter();
        let email = || Expr::Ref(Path::of("person", &["email"]));
        let both = |system: &System, of: Vec<String>| {
            [line(system, account(system), email()), line(system, groups(system), list(of))]
        };
        let all = everybodys().flat_map(|system| both(system, self.of_all(system))).collect();
        outcome(declared, "everybody", Expr::Literal(true.into()), all);
        for department in 0..DEPARTMENTS {
            let first = department as usize * USED;
            let used = (0..USED).map(|at| &SYSTEMS[EVERYBODYS + (first + at) % (SYSTEMS.len() - EVERYBODYS)]);
            let own = used.flat_map(|system| {
                let mut of = self.of_all(system);
                of.extend(self.of_department(system, department));
                both(system, of)
            });
            let core = everybodys()
                .map(|system| line(system, groups(system), list(self.of_department(system, department))));
            let name = format!("D{department:03}");
            outcome(
                declared,
                &format!("department {name}"),
                is("department", &name),
                own.chain(core).collect(),
            );
        }
        for (at, title) in words::TITLES.iter().enumerate() {
            let lines =
                everybodys().map(|system| line(system, groups(system), list(self.of_title(system, at))));
            outcome(declared, &format!("title {title}"), is("title", title), lines.collect());
        }
        for (at, (site, ..)) in words::SITES.iter().enumerate() {
            let lines =
                everybodys().map(|system| line(system, groups(system), list(self.of_site(system, at))));
            outcome(declared, &format!("site {site}"), is("site", site), lines.collect());
        }
    }
}

fn named(system: &System, of: &str, count: u32) -> Vec<String> {
    (0..count).map(|at| format!("{}-{of}-{at}", &system.name[..2])).collect()
}

/// Whether everybody has a record in the system.
fn everybodys(system: &System) -> bool {
    SYSTEMS[..EVERYBODYS].iter().any(|held| held.name == system.name)
}

/// The name of the facet of the account in a system.
pub fn account(system: &System) -> String {
    format!("{}_account", system.name)
}

/// The name of the facets of the groups in a system.
pub fn groups(system: &System) -> String {
    format!("{}_groups", system.name)
}

fn list(items: Vec<String>) -> Expr {
    Expr::List(items.into_iter().map(|item| Expr::Literal(Value::from(item))).collect())
}

fn is(attribute: &str, value: &str) -> Expr {
    let held = Expr::Ref(Path::of("person", &[attribute]));
    Expr::Binary(Op::Eq, Box::new(held), Box::new(Expr::Literal(value.into())))
}

fn line(system: &System, facet: String, value: Expr) -> Desired {
    Desired { domain: system.domain.into(), facet, value, origin: Origin::default() }
}

fn outcome(declared: &mut Declarations, name: &str, applies: Expr, facets: Vec<Desired>) {
    let (title, entity) = (String::new(), "person".to_owned());
    let (name, origin) = (name.to_owned(), Origin::default());
    let outcome = Outcome { name, title, entity, applies, runbook: None, facets, origin };
    declared.outcomes.insert(outcome.name.clone(), outcome);
}

/// People: minted by the first system; the directory knows their address best and is joined by their number, the others by it.
fn person() -> EntityKind {
    let claim = |system: &str, attribute: &str| Claim {
        system: system.into(),
        kind: KIND.into(),
        attribute: attribute.into(),
    };
    let attribute = |name: &str, of: &[&str]| {
        let from = of.iter().map(|system| claim(system, name)).collect();
        let attribute =
            Attribute { is: Type::Text, personal: true, from, max_age_ms: None, origin: Origin::default() };
        (name.to_owned(), attribute)
    };
    let link = |system: &&System| {
        let key = if system.name == "directory" { "worker" } else { "email" };
        let link = Link {
            system: system.name.into(),
            kind: KIND.into(),
            record: key.into(),
            entity: key.into(),
            origin: Origin::default(),
        };
        (link.system.clone(), link)
    };
    EntityKind {
        name: "person".into(),
        mint: ("hr".into(), KIND.into()),
        handle: "worker".into(),
        attributes: BTreeMap::from([
            attribute("worker", &["hr"]),
            attribute("email", &["directory", "hr"]),
            attribute("given_name", &["hr"]),
            attribute("family_name", &["hr"]),
            attribute("title", &["hr", "directory"]),
            attribute("department", &["hr", "directory"]),
            attribute("site", &["hr"]),
            attribute("manager", &["hr"]),
            attribute("type", &["hr"]),
            attribute("status", &["hr"]),
        ]),
        links: SYSTEMS[1..].iter().map(|system| link(&system)).collect(),
        origin: Origin::default(),
    }
}

/// Declares a facet with the AWFs that bring it about and take it away.
fn facet(declared: &mut Declarations, system: &System, name: &str, set: bool) {
    let kind = FacetKind {
        domain: system.domain.into(),
        name: name.to_owned(),
        system: system.name.into(),
        set,
        exclusive: false,
        after: if set { vec![(system.domain.into(), account(system))] } else { Vec::new() },
        origin: Origin::default(),
    };
    declared.facets.insert((kind.domain.clone(), kind.name.clone()), kind);
    let of = |change: Achieves| format!("{}_{}", change.word(), if set { "group" } else { "account" });
    for change in [Achieves::Create, Achieves::Update, Achieves::Remove] {
        let awf = AwfName::new(system.name, &of(change));
        let route = Route {
            change: change.word().into(),
            domain: system.domain.into(),
            facet: name.to_owned(),
            awf: awf.clone(),
            with: BTreeMap::from([
                ("key".into(), Expr::Ref(Path::of("facet", &["key"]))),
                ("email".into(), Expr::Ref(Path::of("person", &["email"]))),
            ]),
            origin: Origin::default(),
        };
        declared.routes.insert((route.change.clone(), route.domain.clone(), route.facet.clone()), route);
        let undone_by = match change {
            Achieves::Create => Achieves::Remove,
            Achieves::Update => Achieves::Update,
            Achieves::Remove => Achieves::Create,
        };
        let contract = contract(awf.clone(), change, AwfName::new(system.name, &of(undone_by)));
        declared.contracts.insert(awf, contract);
    }
}

fn contract(name: AwfName, change: Achieves, undone_by: AwfName) -> Contract {
    let input = |personal| Input { is: Type::Text, required: false, personal };
    Contract {
        name,
        achieves: Some(change),
        inputs: BTreeMap::from([("email".into(), input(true)), ("key".into(), input(false))]),
        outputs: BTreeMap::new(),
        undo: Undo::By { awf: undone_by, with: BTreeMap::new(), loss: None },
        ambiguity: Ambiguity::Park,
        snapshot: true,
        readback: None,
        locks: Vec::new(),
        timeout_ms: 30_000,
        tries_max: 3,
        manifest: Digest::default(),
    }
}
