//! The laws themselves, and the table of AWF by law.

use crate::answers::violations;
use crate::cases::{Case, Cases};
use crate::losses::LOST_ELSEWHERE;
use crate::protocol::Step;
use crate::stage::{Stage, manifests, read};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use xops_connectors::sample;
use xops_kernel::awf::{Achieves, Ambiguity, AwfName};
use xops_kernel::id::CallKey;
use xops_kernel::port::{Outcome, Phase};
use xops_kernel::value::Values;

/// Systems whose cases are not written yet. This list only shrinks.
pub(crate) const NOT_COVERED: &[&str] = &[];

const DO: CallKey = CallKey([0xd0; 16]);
const UNDO: CallKey = CallKey([0xbb; 16]);

/// The columns of the table.
const LAWS: [&str; 7] = ["do", "again", "readback", "undo", "undo again", "undo alone", "lost"];

/// One AWF under test.
pub(crate) struct Trial<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) cases: &'a Cases,
    pub(crate) case: &'a Case,
    pub(crate) name: AwfName,
}

pub(crate) type Verdict = Result<&'static str, String>;

impl Trial<'_> {
    fn inputs(&self, function: &str, more: &Map<String, Json>) -> Values {
        let manifest = manifests().manifest(&self.name.system).expect("the system has a manifest");
        let awf = manifest.awfs.get(function).unwrap_or_else(|| panic!("there is no {function}"));
        let mut inputs = sample::inputs(awf);
        let own = self.cases.awfs.get(function).map(|case| &case.inputs);
        for (name, value) in self.cases.default.iter().chain(own.into_iter().flatten()).chain(more) {
            if awf.contract.inputs.contains_key(name) {
                if value.is_null() {
                    inputs.remove(name);
                } else {
                    inputs.insert(name.clone(), read(value));
                }
            }
        }
        inputs
    }

    /// The AWF's step, with its inputs.
    pub(crate) fn step(&self) -> Step<'_> {
        Step::new(self.stage, self.name.clone(), self.inputs(&self.name.function, &Map::new()), DO)
    }

    /// The state in which the AWF is tried, and that state.
    pub(crate) async fn set(&self) -> Result<Json, String> {
        let order = json!({"system": self.name.system, "keep_tokens": true});
        self.stage.control("POST", "/reset", &order).await;
        for (kind, id, set) in self.cases.given.iter().chain(&self.case.given) {
            let order =
                json!({"system": self.name.system, "kind": kind, "id": id, "create": true, "set": set});
            self.stage.control("POST", "/mutate", &order).await;
        }
        for (function, more) in &self.case.after {
            let name = AwfName::new(&self.name.system, function);
            let mut step = Step::new(self.stage, name, self.inputs(function, more), CallKey([0xaf; 16]));
            step.perform().await.map_err(|why| format!("before it, {function}: {why}"))?;
        }
        Ok(self.state().await)
    }

    pub(crate) async fn state(&self) -> Json {
        self.stage.state(&self.name.system).await
    }

    pub(crate) fn differences(&self, before: &Json, after: &Json) -> Vec<String> {
        differences(before, after, &self.cases.volatile)
    }

    /// What a call changed that should change nothing, beside the vendor's record of it.
    pub(crate) fn changed(&self, before: &Json, after: &Json) -> Vec<String> {
        let mut left = self.differences(before, after);
        left.retain(|one| {
            let (kind, rest) = one.split_once('/').unwrap_or((one, ""));
            !(rest.ends_with('+') && self.case.history.iter().any(|known| known == kind))
        });
        left
    }

    /// What the undo left, against what it names.
    fn restored(&self, before: &Json, after: &Json) -> Verdict {
        let left = self.differences(before, after);
        let is = |pattern: &String, one: &String| match pattern.strip_suffix('*') {
            Some(start) => one.starts_with(start),
            None => one == pattern,
        };
        let class = manifests().contracts()[&self.name].undo.class();
        let named: &[String] = if class == "exact" { &[] } else { &self.case.loss };
        let unnamed: Vec<&String> =
            left.iter().filter(|one| !named.iter().any(|pattern| is(pattern, one))).collect();
        let unseen: Vec<&String> =
            named.iter().filter(|pattern| !left.iter().any(|one| is(pattern, one))).collect();
        match (unnamed.is_empty(), unseen.is_empty()) {
            (true, true) => self.lost_here(class, left.is_empty()),
            (false, _) => Err(format!("{class}, and it left {unnamed:?}")),
            (true, false) => Err(format!("{class}, and these losses were not seen: {unseen:?}")),
        }
    }

    /// A loss is seen, or known to lie elsewhere.
    fn lost_here(&self, class: &str, is_as_before: bool) -> Verdict {
        let is_elsewhere = LOST_ELSEWHERE.contains(&self.name.to_string().as_str());
        match (class, is_as_before, is_elsewhere) {
            ("exact", ..) => Ok("exact"),
            (_, true, true) => Ok("elsewhere"),
            (_, false, false) => Ok("loss"),
            (_, true, false) => Err("its loss is not seen: nothing is different".to_owned()),
            (_, false, true) => Err("its loss is seen: it lies elsewhere no more".to_owned()),
        }
    }

    async fn all(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut step = self.step();
        let before = match self.set().await {
            Ok(before) => before,
            Err(why) => return vec![Err(why)],
        };
        let done = self.did(&mut step, &before).await;
        let failed = done.is_err();
        verdicts.push(done);
        if failed {
            return verdicts;
        }
        let after = self.state().await;
        let readback = self.read_back(&mut step).await;
        let again = self.again(&step, &after).await;
        verdicts.extend([again, readback]);
        match step.undo(UNDO) {
            None => verdicts.extend([Ok("-"), Ok("-"), Ok("-")]),
            Some(Err(why)) => verdicts.push(Err(why)),
            Some(Ok(undo)) => verdicts.extend(self.undone(undo, &before).await),
        }
        if verdicts.iter().all(Result::is_ok) {
            verdicts.push(self.lost().await);
        }
        verdicts
    }

    async fn did(&self, step: &mut Step<'_>, before: &Json) -> Verdict {
        let done = step.perform().await?;
        let changed = !self.differences(before, &self.state().await).is_empty();
        match done.outcome {
            Some(Outcome::Ok(_)) if changed || step.contract().achieves.is_none() => Ok("ok"),
            Some(Outcome::Ok(_)) => Err("it said ok and changed nothing".to_owned()),
            Some(other) => Err(format!("{other:?}")),
            None => Err(format!("there was nothing to do: {:?}", done.seen)),
        }
    }

    async fn read_back(&self, step: &mut Step<'_>) -> Verdict {
        if step.contract().readback.is_none() {
            return Ok("-");
        }
        let seen = step.look(Phase::Readback).await.map_err(|why| format!("readback: {why}"))?;
        match step.reached(&seen.seen) {
            Some(true) => {
                step.outputs.extend(seen.outputs);
                Ok("ok")
            }
            _ => Err(format!("readback: {:?}", seen.seen)),
        }
    }

    /// Done again, the state stays as it is.
    async fn again(&self, first: &Step<'_>, after: &Json) -> Verdict {
        let contract = first.contract();
        let is_update = contract.achieves == Some(Achieves::Update);
        let resends = matches!(contract.ambiguity, Ambiguity::Resend { .. });
        let mut step = self.step();
        let said = if contract.snapshot && contract.achieves.is_some() || resends {
            step.perform().await.map_err(|why| format!("again: {why}"))?.outcome
        } else {
            return Ok("parks");
        };
        let left = self.changed(after, &self.state().await);
        match said {
            _ if !left.is_empty() => Err(format!("again: it changed {left:?}")),
            Some(_) if contract.snapshot && contract.achieves.is_some() && !is_update => {
                Err("again: what is so already was done again".to_owned())
            }
            Some(_) => Ok("same"),
            None => Ok("no-op"),
        }
    }

    async fn undone(&self, mut undo: Step<'_>, before: &Json) -> Vec<Verdict> {
        let inputs = undo.inputs.clone();
        let first = undo.perform().await;
        let mut verdicts = Vec::new();
        match first {
            Err(why) => return vec![Err(format!("undo: {why}"))],
            // What the AWF made may be as its undo leaves it, such as an account that is made switched off: then the loss is all
            // that there is, and nothing is called.
            Ok(done) if done.outcome.is_none() && self.case.loss.is_empty() => {
                return vec![Err(format!("undo: nothing to do: {:?}", done.seen))];
            }
            Ok(_) => verdicts.push(self.restored(before, &self.state().await)),
        }
        let after = self.state().await;
        let mut twice = Step::new(self.stage, undo.name.clone(), inputs.clone(), UNDO);
        verdicts.push(match twice.perform().await {
            // What is there already may be refused by name: nothing is doubled then.
            Err(why) if why.starts_with("Conflict") => self.unchanged("undo again", &after, true).await,
            Err(why) => Err(format!("undo again: {why}")),
            Ok(done) => self.unchanged("undo again", &after, done.outcome.is_none()).await,
        });
        verdicts.push(self.undo_alone().await);
        verdicts
    }

    async fn unchanged(&self, what: &str, before: &Json, idle: bool) -> Verdict {
        let left = self.changed(before, &self.state().await);
        if left.is_empty() {
            Ok(if idle { "no-op" } else { "same" })
        } else {
            Err(format!("{what}: {left:?}"))
        }
    }

    /// A compensation of what was not done changes nothing.
    async fn undo_alone(&self) -> Verdict {
        let before = self.set().await?;
        let mut step = self.step();
        if step.contract().snapshot {
            let seen = step.look(Phase::Snapshot).await.map_err(|why| format!("undo alone: {why}"))?;
            step.before = seen.outputs;
        }
        match step.undo(UNDO) {
            None => Ok("-"),
            // What was never captured cannot be undone: the kernel has nothing to call.
            Some(Err(_)) => Ok("nothing"),
            Some(Ok(mut undo)) => match undo.perform().await {
                Err(why) if why.starts_with("Conflict") || why.starts_with("Invalid") => {
                    self.unchanged("undo alone", &before, true).await
                }
                Err(why) => Err(format!("undo alone: {why}")),
                Ok(done) => {
                    let verdict = self.unchanged("undo alone", &before, done.outcome.is_none()).await;
                    if verdict.is_err() { self.guarded(verdict).await } else { verdict }
                }
            },
        }
    }

    /// A compensation that would do harm alone must never be called alone: what was to be undone has to prove that it was not
    /// done, and then the kernel calls nothing.
    async fn guarded(&self, harm: Verdict) -> Verdict {
        self.set().await?;
        let step = self.step();
        if !step.contract().snapshot && !matches!(step.contract().ambiguity, Ambiguity::Probe { .. }) {
            return harm;
        }
        let seen = step.look(Phase::Probe).await.map_err(|why| format!("undo alone, probe: {why}"))?;
        if step.reached(&seen.seen) == Some(false) { Ok("guarded") } else { harm }
    }

    /// The call took effect and the answer was lost: what the manifest declares for that finds it.
    async fn lost(&self) -> Verdict {
        let before = self.set().await?;
        let mut step = self.step();
        if step.contract().snapshot {
            let seen = step.look(Phase::Snapshot).await.map_err(|why| format!("lost: {why}"))?;
            step.before = seen.outputs;
        }
        self.stage.fault(&self.name.system, "*", "reset_after", &Json::Null).await;
        let (outcome, told) = step.call().await;
        if !matches!(outcome, Outcome::Unknown(_)) {
            return Err(format!("lost: {outcome:?} of {told}"));
        }
        let after = self.state().await;
        match step.contract().ambiguity {
            Ambiguity::Park => Ok("parks"),
            Ambiguity::Resend { .. } => {
                let (outcome, told) = step.call().await;
                let gone = outcome == Outcome::Absent && step.contract().achieves == Some(Achieves::Remove);
                if !gone && !matches!(outcome, Outcome::Ok(_) | Outcome::AlreadyDone(_)) {
                    return Err(format!("lost: {outcome:?} of {told}"));
                }
                self.unchanged("lost, and sent again", &after, false).await.map(|_| "resent")
            }
            Ambiguity::Probe { .. } => {
                let seen = step.look(Phase::Probe).await.map_err(|why| format!("lost, probe: {why}"))?;
                match step.reached(&seen.seen) {
                    Some(false) => Err(format!("lost: the probe says {:?}", seen.seen)),
                    None if step.contract().achieves.is_some() => Ok("parks"),
                    _ => self.adopted(step, seen.outputs, &before).await,
                }
            }
        }
    }

    async fn adopted(&self, mut step: Step<'_>, outputs: Values, before: &Json) -> Verdict {
        step.outputs.extend(outputs);
        match step.undo(UNDO) {
            None => Ok("found"),
            Some(Err(why)) => Err(format!("found, and not undone: {why}")),
            Some(Ok(mut undo)) => {
                undo.perform().await.map_err(|why| format!("found, and not undone: {why}"))?;
                self.restored(before, &self.state().await)
                    .map(|_| "found")
                    .map_err(|why| format!("found: {why}"))
            }
        }
    }
}

/// What differs: `kind/id+`, `kind/id-`, `kind/id:path`.
fn differences(before: &Json, after: &Json, volatile: &[String]) -> Vec<String> {
    let objects = |state: &Json| -> BTreeMap<String, Json> {
        let kinds = state.as_object().cloned().unwrap_or_default().into_iter();
        let all = kinds.flat_map(|(kind, objects)| {
            let objects = objects.as_object().cloned().unwrap_or_default().into_iter();
            objects.map(move |(id, object)| (format!("{kind}/{id}"), object))
        });
        all.collect()
    };
    let (before, after) = (objects(before), objects(after));
    let mut all = Vec::new();
    for (name, object) in &before {
        match after.get(name) {
            None => all.push(format!("{name}-")),
            Some(other) => leaves(&format!("{name}:"), object, other, volatile, &mut all),
        }
    }
    all.extend(after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name}+")));
    all
}

fn leaves(path: &str, before: &Json, after: &Json, volatile: &[String], out: &mut Vec<String>) {
    match (before, after) {
        (Json::Object(left), Json::Object(right)) => {
            let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names.into_iter().filter(|name| !volatile.contains(name)) {
                let (left, right) = (left.get(name), right.get(name));
                let below = format!("{path}{}{name}", if path.ends_with(':') { "" } else { "." });
                match (left, right) {
                    (Some(left), Some(right)) => leaves(&below, left, right, volatile, out),
                    _ => out.push(below),
                }
            }
        }
        (before, after) if before != after => out.push(path.to_owned()),
        _ => {}
    }
}

/// The covered systems with their cases, an estate, and what runs the client.
pub(crate) fn opened(only: Option<&str>) -> (Vec<(&'static str, Cases)>, Stage, tokio::runtime::Runtime) {
    let covered: Vec<(&str, Cases)> = manifests()
        .systems()
        .filter(|name| only.is_none_or(|only| only == *name))
        .filter_map(|name| Some((name, Cases::of(name)?)))
        .collect();
    let places: Vec<(&str, BTreeMap<String, Json>)> =
        covered.iter().map(|(name, cases)| (*name, cases.vars.clone())).collect();
    let stage = Stage::new(&places);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    (covered, stage, runtime)
}

async fn judged(stage: &Stage, system: &str, cases: &Cases, only: Option<&str>) -> (String, Vec<String>) {
    let (mut table, mut failures) = (String::new(), Vec::new());
    let manifest = manifests().manifest(system).expect("the system has a manifest");
    let none = Case::default();
    for function in manifest.awfs.keys().filter(|name| only.is_none_or(|only| only == name.as_str())) {
        let case = cases.awfs.get(function).unwrap_or(&none);
        let trial = Trial { stage, cases, case, name: AwfName::new(system, function) };
        let verdicts = trial.all().await;
        let _infallible = write!(table, "{:44}", trial.name.to_string());
        for (law, verdict) in LAWS.iter().zip(&verdicts) {
            let word = verdict.as_ref().map_or("FAILS", |word| word);
            let _infallible = write!(table, "{word:>11}");
            if let Err(why) = verdict {
                failures.push(format!("{} {law}: {why}", trial.name));
            }
        }
        table.push('\n');
    }
    let broken = violations(stage, system, only.is_none()).await;
    failures.extend(broken.into_iter().map(|one| format!("{system}: against its card: {one}")));
    (table, failures)
}

#[test]
fn every_awf_of_every_covered_system_keeps_the_laws_of_doing_and_undoing() {
    let only = std::env::var("XOPS_LAWS_ONLY").ok();
    let (system, function) = match only.as_deref().map(|only| only.split_once('.').unwrap_or((only, ""))) {
        None => (None, None),
        Some((system, "")) => (Some(system), None),
        Some((system, function)) => (Some(system), Some(function)),
    };
    let (covered, stage, runtime) = opened(system);
    let (mut table, mut failures) = (format!("{:44}", ""), Vec::new());
    for law in LAWS {
        let _infallible = write!(table, "{law:>11}");
    }
    table.push('\n');
    for (name, cases) in &covered {
        let (lines, failed) = runtime.block_on(judged(&stage, name, cases, function));
        table.push_str(&lines);
        failures.extend(failed);
    }
    eprintln!("{table}");
    assert!(failures.is_empty(), "{table}\n{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn systems_without_cases_are_listed_and_counted() {
    let missing: Vec<&str> = manifests().systems().filter(|name| Cases::of(name).is_none()).collect();
    assert_eq!(missing, NOT_COVERED, "{} systems have no cases", missing.len());
}
