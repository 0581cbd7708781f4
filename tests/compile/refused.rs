//! What is refused and would be too long for a case.

use crate::story::{Said, Story};
use crate::world::World;
use xops_kernel::compile::STEPS_MAX;
use xops_kernel::value::Value;

/// A world that wants so many channels, none of which is there.
fn wanting(channels: usize) -> World {
    let names: Vec<String> = (0..channels).map(|at| format!("\"c{at:05}\"")).collect();
    let labels = format!(
        "facet \"communications\" \"labels\" {{\n  system = \"chat\"\n  set = true\n}}\n\
         route \"create\" \"communications\" \"labels\" {{\n  awf = chat.invite\n  with {{\n    channel = facet.key\n    \
         user = link.chat.id\n  }}\n}}\n\
         outcome \"guest\" {{\n  entity = \"person\"\n  for = person.kind == \"guest\"\n  \
         communications {{ labels = [{}] }}\n}}\n",
        names.join(", ")
    );
    let mut world = World::of(&Story { files: vec![("case.hcl".to_owned(), labels)], ..Story::default() });
    let facet = |at: usize| format!("communications.labels[c{at:05}]");
    world.answers = (0..channels).map(|at| (facet(at), Said::Absent)).collect();
    world
}

#[test]
fn a_plan_has_at_most_so_many_steps() {
    let most = wanting(STEPS_MAX).plan();
    assert_eq!(most.steps.len(), STEPS_MAX);
    assert!(most.steps.iter().enumerate().all(|(at, step)| usize::from(step.id.0) == at));
    let refused = wanting(STEPS_MAX + 1).run().end.expect_err("too long");
    assert_eq!(
        refused,
        [format!("the plan would have {} steps; at most {STEPS_MAX} are allowed", STEPS_MAX + 1)]
    );
}

#[test]
fn every_reason_is_told_at_once() {
    let text = "outcome \"guest\" {\n  entity = \"person\"\n  for = person.kind == \"guest\"\n  \
                workforce { ends = person.ends }\n  communications { card = \"red\" }\n  identity { account = \"present\" }\n}\n";
    let mut world =
        World::of(&Story { files: vec![("case.hcl".to_owned(), text.to_owned())], ..Story::default() });
    let blue = Said::Is(Value::from("blue"));
    world.answers = [
        ("workforce.ends".to_owned(), Said::Unknown),
        ("communications.card".to_owned(), blue),
        ("identity.account".to_owned(), Said::Unknown),
    ]
    .into();
    let refused = world.run().end.expect_err("three reasons");
    assert_eq!(
        refused,
        [
            "`identity.account` is unknown: incomplete read: the system did not answer",
            "`workforce.ends` is unknown: incomplete read: the system did not answer",
            "no route says how to update `communications.card`",
        ]
    );
}
