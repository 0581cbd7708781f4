//! The shipped rules on people that nobody fitted them to.

use crate::population::{Dice, population};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use xops_graph::identity::batch::{self, Resolved};
use xops_graph::identity::block::pair;
use xops_graph::identity::compare::Comparisons;
use xops_graph::identity::decide::Answer;
use xops_graph::identity::evaluate::{self, Figures};
use xops_graph::identity::explain;
use xops_graph::identity::model::Model;
use xops_graph::identity::table::{Record, Table};
use xops_kernel::identity::{Linkage, Rules};

const TODAY: u32 = 20_260_101;

fn shipped(name: &str) -> Rules {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/identity").join(name);
    let (mut rules, findings) = xops_source::declare::identity::rules(name, &std::fs::read(path).unwrap());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

fn resolve(rules: Rules, records: &[Record]) -> (Table, Model, Resolved) {
    let across = rules.linkage == Linkage::OneToOne;
    let mut table = Table::new(Arc::new(rules));
    for record in records {
        table.add(record).unwrap();
    }
    let (model, resolved) = batch::run(&mut table, across, TODAY, &mut |_, _, _| {});
    (table, model, resolved)
}

fn measured(seed: u64, count: u64, houses: bool) -> Figures {
    let rules = shipped("people.hcl");
    let people = population(&rules, seed, count, houses);
    let records: Vec<Record> = people.left.iter().chain(&people.right).cloned().collect();
    let (table, _, resolved) = resolve(rules, &records);
    let ids: BTreeSet<&str> = people.left.iter().map(|record| record.id.as_str()).collect();
    let both = people.right.iter().filter(|record| ids.contains(record.id.as_str()));
    let row = |system: &str, id: &str| table.find(system, id).unwrap();
    let truth = both.map(|record| pair(row("left", &record.id), row("right", &record.id))).collect();
    let answers = resolved.answers(&table, true);
    let told: Vec<_> = answers.iter().map(|answer| (answer.pair, answer.answer, answer.score)).collect();
    evaluate::figures(&told, &truth)
}

fn check(seed: u64, count: u64, houses: bool, recall: u64) {
    let figures = measured(seed, count, houses);
    let found = figures.recall_at[&999_900];
    assert!(found >= recall, "seed {seed}: recall at precision 0.9999 is {found} millionths: {figures:?}");
    assert!(figures.precision >= 999_000, "seed {seed}: {figures:?}");
}

#[test]
fn people_who_are_known_by_name_and_birth_date_alone_are_told_apart() {
    check(1, 1_500, false, 950_000);
}

#[test]
fn households_and_twins_at_one_address_are_told_apart() {
    check(2, 1_500, true, 950_000);
}

#[test]
#[ignore = "long: new seeds until the time is up, named for the step that runs it"]
fn soak_other_seeds_are_told_apart_as_well() {
    let seconds = std::env::var("XOPS_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let began = std::time::Instant::now();
    for seed in 3.. {
        check(seed, 10_000, seed % 2 == 0, 900_000);
        if began.elapsed().as_secs() > seconds {
            break;
        }
    }
}

#[test]
fn the_order_of_rows_changes_no_answer() {
    let rules = shipped("people.hcl");
    let people = population(&rules, 4, 400, true);
    let mut records: Vec<Record> = people.left.iter().chain(&people.right).cloned().collect();
    let told = |records: &[Record]| {
        let (table, _, resolved) = resolve(shipped("people.hcl"), records);
        let name = |row| table.name(row).clone();
        let answers = resolved.answers(&table, true);
        let named = answers.iter().map(|told| {
            let (a, b) = (name(told.pair.0), name(told.pair.1));
            (a.clone().min(b.clone()), a.max(b), told.answer, told.score)
        });
        named.collect::<BTreeSet<_>>()
    };
    let first = told(&records);
    records.reverse();
    assert!(first.len() > 300);
    assert_eq!(first, told(&records));
}

#[test]
fn what_an_explanation_says_would_settle_a_pair_settles_it() {
    let mut rules = shipped("people.hcl");
    rules.linkage = Linkage::Many;
    // Wide apart, so that there is something to ask about.
    (rules.same, rules.review, rules.wrong_max) = (1_500, 300, None);
    let people = population(&rules, 5, 800, true);
    let records: Vec<Record> = people.left.iter().chain(&people.right).cloned().collect();
    let (table, model, resolved) = resolve(rules, &records);
    let mut comparisons = Comparisons::new(&table);
    let mut settled = 0;
    for answered in resolved.answers(&table, false).iter().filter(|told| told.answer == Answer::Review) {
        let weighed = model.weigh(&table, &mut comparisons, answered.pair);
        let flips = explain::flips(&table, &model, answered, &weighed);
        let with = |fields: &[usize], level| {
            let mut levels = weighed.levels;
            for field in fields {
                levels[*field] = level;
            }
            model.weigh_levels(&table, answered.pair, levels).score
        };
        if !flips.same.is_empty() {
            assert!(with(&flips.same, xops_kernel::identity::Level::Exact) >= model.same);
            settled += 1;
        }
        if !flips.different.is_empty() {
            assert!(with(&flips.different, xops_kernel::identity::Level::Different) < table.rules().review);
        }
    }
    assert!(settled > 0, "nothing was asked about: the test says nothing");
}

#[test]
fn a_laptop_with_a_new_image_is_the_same_and_a_placeholder_serial_joins_nobody() {
    let rules = shipped("devices.hcl");
    let mut dice = Dice::new(9);
    let place = |name: &str| rules.fields.iter().position(|field| field.name == name).unwrap();
    let (serial, host, mac, model) =
        (place("serial"), place("hostname"), place("mac_address"), place("model"));
    let mut records = Vec::new();
    let mut add = |system: &str, id: String, values: [(usize, String); 4]| {
        let mut record =
            Record { system: system.to_owned(), id, values: vec![String::new(); rules.fields.len()] };
        for (field, value) in values {
            record.values[field] = value;
        }
        records.push(record);
    };
    for number in 0..600_u64 {
        let junk = number % 20 == 0;
        let said = if junk { "To be filled by O.E.M.".to_owned() } else { format!("PF{:06}X", 7 * number) };
        let macs = format!("00:1b:{:02x}:{:02x}:{:02x}:01", dice.below(256), dice.below(256), number % 256);
        let kind = format!("model {}", number % 9);
        let image = if number % 7 == 0 {
            format!("new-{}", dice.below(1_000_000))
        } else {
            format!("lt-{number:05}")
        };
        add(
            "inventory",
            format!("i{number}"),
            [
                (serial, said.clone()),
                (host, format!("lt-{number:05}")),
                (mac, macs.clone()),
                (model, kind.clone()),
            ],
        );
        add("management", format!("m{number}"), [(serial, said), (host, image), (mac, macs), (model, kind)]);
    }
    let (table, _, resolved) = resolve(rules.clone(), &records);
    let number = |row| table.name(row).id[1..].to_owned();
    let same: Vec<_> =
        resolved.answers(&table, true).into_iter().filter(|told| told.answer == Answer::Same).collect();
    assert!(same.iter().all(|told| number(told.pair.0) == number(told.pair.1)), "a wrong pair was joined");
    assert!(same.len() >= 590, "{} of 600 were joined", same.len());
}
