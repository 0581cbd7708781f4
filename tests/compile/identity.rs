//! What makes two plans one: the id is made of the steps and the footprint, and of nothing else.

use crate::story::{Said, Story};
use crate::world::World;
use xops_kernel::fact::Observation;
use xops_kernel::id::{Digest, PlanId};
use xops_kernel::plan::Plan;
use xops_kernel::value::Value;

/// A plan of every kind of step: two creations, an update, a removal, a no-op and a message.
const CASE: &str = include_str!("cases/a_plan_of_every_kind_of_step.case");

fn world() -> World {
    World::of(&Story::read(CASE))
}

/// A plan as its canonical bytes and its id.
fn identity(plan: &Plan) -> (Vec<u8>, PlanId) {
    (plan.canon().bytes().to_vec(), plan.id)
}

#[test]
fn the_canonical_bytes_of_a_plan_never_change_by_accident() {
    // Whoever changes what a plan's id is made of changes this, and gives the domain of `Plan::canon` a new number.
    let plan = world().plan();
    assert_eq!(plan.canon().digest().to_string(), include_str!("canonical.hex").trim());
}

#[test]
fn the_same_inputs_give_the_same_bytes_on_any_thread() {
    let here = identity(&world().plan());
    let there: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| identity(&world().plan())))
        .map(|it| it.join().expect("a plan"))
        .collect();
    assert!(there.iter().all(|plan| *plan == here));
}

#[test]
fn the_order_of_files_and_blocks_changes_no_plan() {
    let story = Story::read(CASE);
    let expect = identity(&World::of(&story).plan());
    let text = story.files.iter().map(|(_, text)| text.as_str()).collect::<String>();
    let blocks = blocks(&text);
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for turn in 0..blocks.len() {
        let mut turned = blocks.clone();
        turned.rotate_left(turn);
        turned.reverse();
        let one = vec![("case.hcl".to_owned(), turned.concat())];
        let many = turned.into_iter().enumerate().map(|(at, block)| (format!("{at}.hcl"), block)).collect();
        for files in [one, many] {
            let plan = World::of(&Story { files, ..story.clone() }).plan();
            assert_eq!(identity(&plan), expect, "turned by {turn}");
        }
    }
}

/// The blocks of the outermost level.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let block = blocks.iter_mut().next_back().expect("a block");
        block.push_str(line.trim_end());
        block.push('\n');
        if !line.starts_with(' ') && line.trim_end().ends_with('}') {
            blocks.push(String::new());
        }
    }
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

#[test]
fn the_time_of_reading_and_the_lineage_change_no_plan() {
    let expect = world().plan();
    let mut world = world();
    for fact in world.subject.facts.values_mut() {
        if let Observation::Present(fact) = fact {
            fact.read_at += 3_600_000;
            fact.source.version = Some("2".to_owned());
        }
    }
    for link in world.subject.links.values_mut() {
        if let Observation::Present(record) = link {
            record.read_at += 3_600_000;
            record.principal = "somebody else".to_owned();
            record.source.version = Some("2".to_owned());
        }
    }
    let plan = world.plan();
    assert_ne!(plan.lineage, expect.lineage, "the plan still says what it came from");
    assert_eq!(identity(&plan), identity(&expect));
}

#[test]
fn where_a_declaration_stands_changes_no_plan() {
    let story = Story::read(CASE);
    let expect = World::of(&story).plan();
    let moved = story
        .files
        .iter()
        .map(|(name, text)| (format!("moved-{name}"), format!("\n\n# moved\n\n{text}")))
        .collect();
    let plan = World::of(&Story { files: moved, ..story }).plan();
    assert_eq!(identity(&plan), identity(&expect));
    assert_eq!(plan.declarations, expect.declarations, "nor the digest of the declarations");
}

/// Changes the world, and says whether the plan is another one.
fn check(what: &str, change: impl Fn(&mut World), another: bool) {
    let mut world = world();
    let before = world.plan().id;
    change(&mut world);
    assert_eq!(world.plan().id != before, another, "{what}");
}

fn set(world: &mut World, attribute: &str, value: &str) {
    if let Some(Observation::Present(fact)) = world.subject.facts.get_mut(attribute) {
        fact.value = value.into();
    }
}

#[test]
fn a_fact_of_the_footprint_makes_another_plan_and_others_do_not() {
    check("a fact that an input is bound to", |world| set(world, "email", "ada@example.org"), true);
    check("a fact that a wish is made of", |world| set(world, "ends", "2028-01-01"), true);
    check("a fact that nothing asks for", |world| set(world, "country", "US"), false);
    check(
        "a fact that is unknown and asked for by nothing",
        |world| drop(world.subject.facts.remove("country")),
        false,
    );
    let seen = |world: &mut World| {
        world.answers.insert("identity.groups[guests]".to_owned(), Said::Absent);
    };
    check("what a lookup saw", seen, true);
    let link = |world: &mut World| {
        if let Some(Observation::Present(record)) = world.subject.links.get_mut("chat") {
            record.source.id = "m-2".to_owned();
        }
    };
    check("a link", link, true);
}

#[test]
fn what_a_plan_is_made_of_makes_another_plan() {
    check("the entity", |world| world.subject.entity.0[0] ^= 1, true);
    check("the tenant", |world| world.declarations.tenant = "other".to_owned(), true);
    check("the parent", |world| world.parent = Some(PlanId(Digest([9; 32]))), true);
    let manifest = |world: &mut World| {
        world.declarations.contracts.values_mut().for_each(|contract| contract.manifest = Digest([9; 32]));
    };
    check("the manifests", manifest, true);
    let object = |world: &mut World| {
        let object = world.declarations.objects.get_mut(&("group".to_owned(), "design".to_owned()));
        object.expect("the group").attributes.insert("note".to_owned(), Value::from("new"));
    };
    check("an attribute of an object that a later removal is bound from", object, true);
    check(
        "the principal, who is no part of the plan",
        |world| world.declarations.principal = "x".to_owned(),
        false,
    );
}
