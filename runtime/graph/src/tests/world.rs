//! A small world for the columns: okta's accounts and groups, slack's channels, which are exclusive, and a zone that layers set.

use super::*;
use crate::column::{Columns, View};
use std::collections::BTreeSet;
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, Contract, Input, Undo};
use xops_kernel::declare::{Desired, FacetKind, Outcome, Route};
use xops_kernel::expr::{Expr, Op, Path};
use xops_kernel::id::Digest;
use xops_kernel::layer::{Layer, LayerKind, Merge, Setting};

/// What every test asks at.
pub(super) const NOW: Millis = 500;

pub(super) fn facet(domain: &str, name: &str, system: &str, set: bool, exclusive: bool) -> FacetKind {
    let (domain, name, system) = (domain.into(), name.into(), system.into());
    FacetKind { domain, name, system, set, exclusive, after: Vec::new(), origin: Origin::default() }
}

pub(super) fn is(attribute: &str, value: &str) -> Expr {
    let held = Expr::Ref(Path::of("person", &[attribute]));
    Expr::Binary(Op::Eq, Box::new(held), Box::new(Expr::Literal(value.into())))
}

pub(super) fn outcome(name: &str, applies: Expr, lines: Vec<(&str, &str, Expr)>) -> (String, Outcome) {
    let line = |(domain, facet, value): (&str, &str, Expr)| Desired {
        domain: domain.into(),
        facet: facet.into(),
        value,
        origin: Origin::default(),
    };
    let outcome = Outcome {
        name: name.into(),
        title: String::new(),
        entity: "person".into(),
        applies,
        runbook: None,
        facets: lines.into_iter().map(line).collect(),
        origin: Origin::default(),
    };
    (name.to_owned(), outcome)
}

pub(super) fn list(items: &[&str]) -> Expr {
    Expr::List(items.iter().map(|item| Expr::Literal((*item).into())).collect())
}

/// An AWF that takes the facet's key and, where it creates, the person's email.
pub(super) fn contract_of(change: Achieves, function: &str, undone_by: &str) -> (AwfName, Contract) {
    let name = AwfName::new("okta", function);
    let input = |personal| Input { is: Type::Any, required: false, personal };
    let contract = Contract {
        name: name.clone(),
        achieves: Some(change),
        inputs: BTreeMap::from([("key".into(), input(false)), ("email".into(), input(true))]),
        outputs: BTreeMap::new(),
        undo: Undo::By { awf: AwfName::new("okta", undone_by), with: BTreeMap::new(), loss: None },
        ambiguity: Ambiguity::Park,
        snapshot: true,
        readback: None,
        locks: Vec::new(),
        timeout_ms: 1,
        tries_max: 1,
        manifest: Digest::default(),
    };
    (name, contract)
}

pub(super) fn world() -> Declarations {
    let mut declared = declarations();
    let kinds = [
        facet("identity", "account", "okta", false, false),
        facet("identity", "groups", "okta", true, false),
        facet("communications", "channels", "slack", true, true),
        facet("communications", "zone", "slack", false, false),
    ];
    declared.facets =
        kinds.into_iter().map(|kind| ((kind.domain.clone(), kind.name.clone()), kind)).collect();
    let email = || Expr::Ref(Path::of("person", &["email"]));
    let zone = Expr::Ref(Path::of("setting", &["zone"]));
    declared.outcomes = BTreeMap::from([
        outcome(
            "everybody",
            Expr::Literal(true.into()),
            vec![("identity", "account", email()), ("identity", "groups", list(&["all"]))],
        ),
        outcome(
            "engineers",
            is("title", "Engineer"),
            vec![
                ("identity", "groups", list(&["engineering", "all"])),
                ("communications", "channels", list(&["builds"])),
                ("communications", "zone", zone),
            ],
        ),
        outcome(
            "odd",
            is("title", "Odd"),
            vec![("identity", "groups", Expr::Ref(Path::of("person", &["ends"])))],
        ),
    ]);
    let setting =
        Setting { key: "zone".into(), is: Type::Text, merge: Merge::Override, origin: Origin::default() };
    declared.settings = BTreeMap::from([("zone".into(), setting)]);
    let layer = |kind, name: &str, value: &str| {
        let values = BTreeMap::from([("zone".into(), (Value::from(value), Origin::default()))]);
        ((kind, name.to_owned()), Layer { kind, name: name.into(), values })
    };
    declared.layers =
        BTreeMap::from([layer(LayerKind::Global, "", "far"), layer(LayerKind::Department, "active", "near")]);
    declared.layering = BTreeMap::from([(LayerKind::Department, "status".into())]);
    for kind in declared.facets.values() {
        for (change, function) in
            [(Achieves::Create, "make"), (Achieves::Update, "set"), (Achieves::Remove, "drop")]
        {
            let with = BTreeMap::from([
                ("key".into(), Expr::Ref(Path::of("facet", &["key"]))),
                ("email".into(), email()),
            ]);
            let route = Route {
                change: change.word().into(),
                domain: kind.domain.clone(),
                facet: kind.name.clone(),
                awf: AwfName::new("okta", function),
                with,
                origin: Origin::default(),
            };
            let key = (route.change.clone(), route.domain.clone(), route.facet.clone());
            declared.routes.insert(key, route);
        }
    }
    declared.contracts = BTreeMap::from([
        contract_of(Achieves::Create, "make", "drop"),
        contract_of(Achieves::Update, "set", "set"),
        contract_of(Achieves::Remove, "drop", "make"),
    ]);
    declared
}

pub(super) fn views() -> Vec<View> {
    let view = |domain: &str, facet: &str, attribute: &str| View {
        domain: domain.into(),
        facet: facet.into(),
        attribute: attribute.into(),
        shows: BTreeSet::new(),
    };
    vec![
        view("identity", "account", "email"),
        view("identity", "groups", "groups"),
        view("communications", "channels", "channels"),
        view("communications", "zone", "zone"),
    ]
}

pub(super) fn empty() -> (Graph, Columns) {
    empty_of(world())
}

pub(super) fn empty_of(declared: Declarations) -> (Graph, Columns) {
    let graph = Graph::new(Arc::new(declared), DigestKey([7; 32]));
    let columns = Columns::new(&graph, "person", &views()).expect("columns");
    (graph, columns)
}

/// A record whose attributes `groups` and `channels` are lists, split at `+`.
pub(super) fn listed(text: &str) -> Record {
    let mut record = record(text);
    for name in ["groups", "channels"] {
        if let Some(Value::Text(words)) = record.attributes.get(name) {
            let items = words.split('+').filter(|word| !word.is_empty()).map(Value::from).collect();
            record.attributes.insert(name.into(), Value::List(items));
        }
    }
    record
}

pub(super) fn read(place: &str, at: Millis, texts: &[&str], complete: bool) -> Reading {
    let mut reading = Reading { complete, ..reading(place, at, &[]) };
    reading.records = texts.iter().map(|text| Record { read_at: at, ..listed(text) }).collect();
    reading
}
