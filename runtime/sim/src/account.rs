//! The account: what the instances say of their end, held against the world and its record.
//!
//! A step that says done whose effect is not there is a lie; an effect that no step answers for is unexplained; a call that
//! changed its object twice is a duplicate; what was there before and is gone after a way back is a loss that nobody named.

use crate::driver::{Ending, Instance};
use crate::plans::Scene;
use crate::world::World;
use std::collections::BTreeMap;
use xops_kernel::awf::{Achieves, Undo};
use xops_kernel::id::{Direction, StepId};
use xops_kernel::plan::{Binding, Step};
use xops_kernel::saga::event::{End, Event};
use xops_kernel::saga::state::{Course, Run, Stage};
use xops_kernel::value::Value;

/// The kinds of what does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// An effect took place more than once.
    Duplicate,
    /// An effect that an instance answers for is not there, or one that it brought is kept though it was to be undone.
    Lost,
    /// The world changed, and nothing answers for it.
    Unexplained,
    /// Another law.
    Law,
}

impl Wrong {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Duplicate, Self::Lost, Self::Unexplained, Self::Law];

    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Lost => "lost",
            Self::Unexplained => "unexplained",
            Self::Law => "other_laws",
        }
    }

    /// The kind of a violation, by the words that it begins with.
    pub fn of(violation: &str) -> Self {
        match violation.split_once([':', ',']).map_or(violation, |(word, _)| word) {
            "duplicate" => Self::Duplicate,
            "lie" | "kept" | "misbound" => Self::Lost,
            "unexplained" => Self::Unexplained,
            _ => Self::Law,
        }
    }
}

/// The address of a step's object.
pub fn shelf(step: &Step) -> String {
    format!("/{}/{}", step.awf.system, literal(step, "id"))
}

fn literal(step: &Step, name: &str) -> String {
    match step.inputs.get(name) {
        Some(Binding::Literal(value)) => value.to_string(),
        _ => String::new(),
    }
}

/// The values at a step's address that are its business.
fn values(world: &World, step: &Step) -> Vec<String> {
    let mut values = world.values(&shelf(step));
    if step.awf.system == "set" {
        let member = literal(step, "member");
        values.retain(|value| *value == member);
    }
    values
}

fn before(step: &Step, scene: &Scene) -> Vec<String> {
    let shelf = shelf(step);
    scene.before.iter().filter(|(known, _)| *known == shelf).map(|(_, value)| value.clone()).collect()
}

/// Whether what a step is to achieve is so, exactly once.
pub fn achieved(world: &World, step: &Step) -> bool {
    let values = values(world, step);
    match &step.change {
        Some(change) => values == change.to().map(Value::to_string).into_iter().collect::<Vec<_>>(),
        None => values.len() == 1,
    }
}

/// Whether what was there before a step is there again, but for the loss that its undo names.
pub fn undone(world: &World, step: &Step, scene: &Scene) -> bool {
    let (now, before) = (values(world, step), before(step, scene));
    let lossy = matches!(&step.undo, Undo::By { loss: Some(_), .. });
    let creates = step.change.as_ref().is_some_and(|change| change.kind() == Achieves::Create);
    now == before || (lossy && creates && now == ["disabled"])
}

/// What is kept on the way back though it can be told to be this instance's: a loss that nobody named. Without a person's
/// word only what was so before is kept, or what was adopted where objects carry no marker of ours.
fn misattributed(step: &Step, run: &Run, scene: &Scene, released: bool) -> Option<&'static str> {
    let unmarked = matches!(step.awf.system.as_str(), "bare" | "set") || step.awf.function == "remove";
    let wanted: Vec<_> = step.change.iter().filter_map(|change| change.to()).map(Value::to_string).collect();
    let was_so = before(step, scene) == wanted;
    (run.stage == Stage::Kept && !unmarked && !was_so && !released).then_some("kept, and it is ours")
}

/// A step whose input is another's output, and that said something else.
fn misbound(instance: &Instance, world: &World, step: &Step, run: &Run, by_people: bool) -> Option<String> {
    let Some(Binding::Output { step: parent, .. }) = step.inputs.get("value") else { return None };
    let parent_step = instance.saga.plan.step(*parent)?;
    let parent_run = instance.state.steps.get(usize::from(parent.0))?;
    if run.stage != Stage::Done || parent_run.stage != Stage::Done || by_people {
        return None;
    }
    let serials: Vec<_> =
        world.entries(&shelf(parent_step)).iter().map(|entry| entry.serial.to_string()).collect();
    let said = values(world, step);
    (said != serials)
        .then(|| format!("misbound: step {} said {said:?}, and its parent is {serials:?}", step.id.0))
}

/// Everything that does not add up.
pub fn settle(ending: &Ending, scenes: &[Scene]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (slot, (instance, scene)) in ending.instances.iter().zip(scenes).enumerate() {
        wrong.extend(settled(instance));
        for (step, run) in instance.saga.plan.steps.iter().zip(&instance.state.steps) {
            let by_people = ending.decided_by_people.contains(&(slot, step.id));
            let released = ending.released.contains(&(slot, step.id));
            let told = |what: &str| {
                let why = run.why.as_deref().unwrap_or("");
                format!(
                    "{what}: instance {slot} step {} {} is {} ({why}), before {:?}, now {:?}",
                    step.id.0,
                    step.awf,
                    run.stage.word(),
                    before(step, scene),
                    values(&ending.world, step)
                )
            };
            let what = step_wrong(&ending.world, step, run, scene, by_people);
            wrong.extend(what.or(misattributed(step, run, scene, released)).map(told));
            wrong.extend(misbound(instance, &ending.world, step, run, by_people));
        }
    }
    wrong.extend(doubled(ending));
    wrong
}

/// Whether an instance came to an end, or waits for a person and says why.
fn settled(instance: &Instance) -> Option<String> {
    let state = &instance.state;
    let any = |stage: fn(Stage) -> bool| state.steps.iter().any(|run| stage(run.stage));
    let waits = any(|stage| matches!(stage, Stage::Parked | Stage::Stuck));
    let ok = match &state.course {
        _ if any(Stage::is_busy) => false,
        Course::Ended(End::Completed) => state.steps.iter().all(|run| run.stage == Stage::Done),
        Course::Ended(End::Undone) => !waits && !any(|stage| stage == Stage::Done),
        Course::Ended(End::Superseded) => {
            let mut events = instance.log.iter().flatten();
            let overtaken = events.any(|stamped| matches!(stamped.event, Event::Overtaken { .. }));
            !waits && (overtaken || any(|stage| stage == Stage::Failed))
        }
        Course::Forward | Course::Back { .. } | Course::Yielding { .. } => waits,
    };
    let stages: Vec<_> = state.steps.iter().map(|run| run.stage.word()).collect();
    (!ok).then(|| format!("hang: {:?} is {} with {stages:?}", instance.saga.instance, state.course.word()))
}

fn step_wrong(world: &World, step: &Step, run: &Run, scene: &Scene, by_people: bool) -> Option<&'static str> {
    let there = achieved(world, step);
    let back = undone(world, step, scene);
    match run.stage {
        Stage::Done if !there => Some("lie: done, and its effect is not there"),
        Stage::Kept if !there && !by_people => Some("lie: kept, and its effect is not there"),
        Stage::Undone if step.undo == Undo::Nothing && !there => {
            Some("lie: nothing to undo, and its effect is not there")
        }
        Stage::Undone if step.undo != Undo::Nothing && !back => Some("lie: undone, and it is not as before"),
        Stage::Waiting | Stage::Failed if values(world, step) != before(step, scene) => {
            Some("unexplained: it never acted, and it is not as before")
        }
        Stage::Parked | Stage::Stuck if run.why.is_none() => {
            Some("it waits for a person and does not say why")
        }
        _ => None,
    }
}

/// Steps whose object was changed twice in one direction.
fn doubled(ending: &Ending) -> Vec<String> {
    let mut changes: BTreeMap<(usize, StepId, Direction), u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for change in &ending.world.record {
        match ending.calls.get(&change.call) {
            Some(call) => *changes.entry(*call).or_default() += 1,
            None => wrong.push(format!("unexplained: nobody called {change:?}")),
        }
    }
    let twice = changes.into_iter().filter(|(_, times)| *times > 1);
    wrong.extend(twice.map(|((slot, step, dir), times)| {
        let told: Vec<_> = ending
            .world
            .record
            .iter()
            .filter(|change| ending.calls.get(&change.call) == Some(&(slot, step, dir)))
            .collect();
        format!(
            "duplicate: instance {slot} step {} {dir:?} changed its object {times} times: {told:?}",
            step.0
        )
    }));
    wrong
}
