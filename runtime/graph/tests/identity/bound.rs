//! The bounds by which pairs are passed over: they pass over nothing that the model would take.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use xops_graph::identity::bound::{Bound, Course};
use xops_graph::identity::compare::Comparisons;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::{Record, Table};
use xops_kernel::identity::{Comparator, Field, Linkage, Normaliser, Relation, Rules, Veto};

fn field(name: &str, compare: Comparator, crosses: Option<usize>) -> Field {
    Field {
        name: name.to_owned(),
        columns: vec![vec![name.to_owned()]],
        normalise: vec![Normaliser::Fold],
        compare,
        frequencies: true,
        crosses,
        junk: Vec::new(),
        shared_max: None,
        synonyms: vec![vec!["bob".to_owned(), "robert".to_owned()]],
        weights: BTreeMap::new(),
    }
}

/// Names that may stand in each other's place, relations that share some fields, and a veto.
fn rules() -> Rules {
    let relation = |name: &str, shares: &[usize]| Relation {
        name: name.to_owned(),
        shares: shares.to_vec(),
        per_thousand: 10,
    };
    Rules {
        name: "person".to_owned(),
        linkage: Linkage::OneToOne,
        same: 300,
        review: 0,
        members_max: 4,
        fields: vec![
            field("given", Comparator::Name, Some(1)),
            field("surname", Comparator::Name, None),
            field("born", Comparator::Date, None),
            field("street", Comparator::Text, None),
            field("email", Comparator::Email, None),
        ],
        relations: vec![relation("household", &[1, 3]), relation("twins", &[1, 2, 3])],
        vetoes: vec![Veto { name: "a shared mailbox".to_owned(), agrees: vec![4], differs: vec![0, 1] }],
        ..Rules::default()
    }
}

fn model(rules: &Rules) -> Model {
    let weights = vec![
        [0, 500, 350, 200, 50, -300, 250],
        [0, 450, 300, 200, 20, -300, 0],
        [0, 600, 300, 100, 0, -400, 0],
        [0, 300, 250, 200, 100, -50, 0],
        [0, 700, 400, 300, 0, -100, 0],
    ];
    let census = Table::new(Arc::new(rules.clone())).census();
    let relations = vec![(0b1010, 300), (0b1110, 500)];
    Model { weights, prior: -700, relations, census, known: 150, same: rules.same }
}

/// The same as far as texts are compared.
const LONG: [&str; 2] = [
    "the house behind the old mill on the road from here to the other side of the hill, left door",
    "the house behind the old mill on the road from here to the other side of the hill, right",
];

fn record() -> impl Strategy<Value = Vec<String>> {
    let of = |words: &'static [&'static str]| prop::sample::select(words);
    (
        of(&["ann", "anna", "bob", "robert", "chen", "smith", ""]),
        of(&["chen", "chan", "smith", "bob", "ann", ""]),
        of(&["19800304", "19800403", "19800305", "19711111", ""]),
        of(&["stanley street", "stanly street", "main road", LONG[0], LONG[1], ""]),
        of(&["ann.chen@a.example", "annchen@a.example", "bob@a.example", ""]),
    )
        .prop_map(|(given, surname, born, street, email)| {
            [given, surname, born, street, email].map(str::to_owned).to_vec()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_passed_over_would_not_have_reached_what_is_asked_for(
        all in prop::collection::vec(record(), 2..12),
        least in prop::sample::select(vec![-600, -300, -150, 0, 300, 600]),
    ) {
        let rules = rules();
        let model = model(&rules);
        let mut table = Table::new(Arc::new(rules));
        for (at, values) in all.into_iter().enumerate() {
            table.add(&Record { system: "s".to_owned(), id: format!("r{at}"), values }).unwrap();
        }
        table.settle(&table.census());
        let course = Course::new(&table);
        let (mut one, mut other) = (Comparisons::new(&table), Comparisons::new(&table));
        for a in 0..u32::try_from(table.len()).unwrap() {
            let bound = Bound::new(&model, &table, a);
            for b in (0..u32::try_from(table.len()).unwrap()).filter(|b| *b != a) {
                let whole = model.score(&table, &mut one, (a.min(b), a.max(b)), least);
                prop_assert_eq!(bound.score((&model, &table, &course), &mut other, b, least), whole);
                prop_assert!(bound.most(&model, table.cells(b)) >= whole);
                let vetoed = model.weigh(&table, &mut one, (a.min(b), a.max(b))).decided.is_some();
                prop_assert_eq!(other.vetoed(&table, (a.min(b), a.max(b))), vetoed);
            }
        }
    }
}
