//! The estate: one desk for each system, and the way of a call through fault, card, admission, limit and handler.
//!
//! - No vendor and no network here.
//! - The lock of a desk is held while its call is recorded, so the files tell effects in their true order; a lock
//!   is only ever taken in the order desk, then recorder.

use crate::auth::Access;
use crate::card::Cards;
use crate::clock;
use crate::family;
use crate::fault::{Applied, Faults, Kind};
use crate::recorder::{self, Recorder};
use crate::seed::World;
use crate::store::{Change, Store, Tx};
use crate::system::{Call, Refusal, Run, System};
use crate::throttle::Throttle;
use crate::wire::{Reply, Request};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How the network treats a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Answer,
    /// Answer after so many milliseconds.
    Late(u64),
    /// Say nothing for so many milliseconds, then close.
    Hold(u64),
    Close,
    /// Close in the middle of the body.
    MidBody,
}

/// A reply and what becomes of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) ending: Ending,
}

#[derive(Debug)]
struct Desk {
    system: Box<dyn System>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    access: Access,
    throttle: Throttle,
}

/// What a call is judged with besides its desk.
struct Trial<'a> {
    fault: Option<&'a Applied>,
    violation: Option<&'a str>,
    now_ms: u64,
}

/// All desks and what they share.
#[derive(Debug)]
pub(crate) struct Estate {
    desks: BTreeMap<&'static str, Desk>,
    faults: Mutex<Faults>,
    recorder: Mutex<Recorder>,
    cards: Cards,
    strict: bool,
    rate_limits: bool,
    seed: u64,
    people: u32,
    lag_ms: AtomicU64,
}

/// What the estate is built from.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) people: u32,
    pub(crate) strict: bool,
    pub(crate) rate_limits: bool,
    pub(crate) lag_ms: u64,
    pub(crate) cards: Cards,
    pub(crate) recorder: Recorder,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A handler that panicked wrote nothing half: every write of the store is one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn planted(system: &dyn System, seed: u64, world: &World) -> State {
    let mut store = Store::new(system.name(), seed, system.shape());
    let mut tx = Tx::new(&mut store, clock::now_ms(), 0, 0);
    system.plant(&mut tx, world);
    if let Some(beside) = family::beside(system.name()) {
        family::plant(beside, &mut tx);
    }
    drop(tx.finish());
    State { store, access: Access::new(system.credentials(seed)), throttle: Throttle::default() }
}

impl Estate {
    pub(crate) fn new(plan: Plan, systems: Vec<Box<dyn System>>) -> Self {
        let world = World::new(plan.seed, plan.people);
        let desks = systems.into_iter().map(|system| {
            let state = Mutex::new(planted(system.as_ref(), plan.seed, &world));
            (system.name(), Desk { system, state })
        });
        Self {
            desks: desks.collect(),
            faults: Mutex::default(),
            recorder: Mutex::new(plan.recorder),
            cards: plan.cards,
            strict: plan.strict,
            rate_limits: plan.rate_limits,
            seed: plan.seed,
            people: plan.people,
            lag_ms: AtomicU64::new(plan.lag_ms),
        }
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.desks.keys().copied().collect()
    }

    /// What a client of a system has to know.
    pub(crate) fn describe(&self, name: &str, base: &str) -> Value {
        let Some(desk) = self.desks.get(name) else { return Value::Null };
        let mut all = desk.system.describe(base);
        all["credentials"] = held(&desk.state).access.credentials.shown();
        all
    }

    /// Serves one call of one system.
    pub(crate) fn process(&self, name: &str, request: &Request) -> Answer {
        let Some(desk) = self.desks.get(name) else {
            return Answer { reply: Reply::empty(404), ending: Ending::Answer };
        };
        let now_ms = clock::now_ms();
        let described = family::beside(name).and_then(|beside| family::routed(beside, request).ok());
        let call = described.unwrap_or_else(|| desk.system.find(request));
        let line = format!("{} {}", request.method, request.path);
        // A fault may name an operation with or without what stands before every path.
        let short = |text: &str| text.replacen(desk.system.base_path(), "", 1);
        let names = [&call.operation, &line, &short(&call.operation), &short(&line)];
        let fault = held(&self.faults).meet(name, &names.map(String::as_str), call.is_token());
        let mut card = self.cards.check(name, desk.system.base_path(), &call);
        let trial = Trial { fault: fault.as_ref(), violation: card["violation"].as_str(), now_ms };

        let mut state = held(&desk.state);
        let (reply, changes) = self.judge(desk.system.as_ref(), &mut state, &call, &trial);
        if let Some(wrong) = self.cards.check_answer(name, desk.system.base_path(), &call, &reply) {
            card["answer"] = json!(wrong);
        }
        let (reply, ending) = ended(reply, fault.as_ref());
        let entry = recorder::Call {
            system: name.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            operation: call.operation.clone(),
            query: request.query.iter().map(|(key, value)| (key.clone(), json!(value))).collect(),
            body_digest: blake3::hash(&request.body).to_hex().to_string(),
            body: recorder::body(request),
            status: if matches!(ending, Ending::Hold(_) | Ending::Close) { 0 } else { reply.status },
            at_ms: now_ms,
            fault: fault.map_or(Value::Null, |fault| json!({"id": fault.id, "kind": fault.word})),
            card,
        };
        held(&self.recorder).call(&entry, &changes);
        Answer { reply, ending }
    }

    fn judge(
        &self,
        system: &dyn System,
        state: &mut State,
        call: &Call<'_>,
        trial: &Trial<'_>,
    ) -> (Reply, Vec<Change>) {
        let kind = trial.fault.map(|fault| fault.kind);
        if kind == Some(Kind::ExpireTokens) {
            state.access.expire();
        }
        if let (Some(Kind::Status(status)), Some(fault)) = (kind, trial.fault) {
            let retry_after_s = fault.retry_after_s;
            let refusal = match status {
                429 => Refusal::Throttled { retry_after_s },
                _ => Refusal::Status { status, retry_after_s },
            };
            return (system.refuse(&refusal), Vec::new());
        }
        if matches!(kind, Some(kind) if kind.is_before() && kind != Kind::Reject) {
            return (Reply::empty(503), Vec::new());
        }
        match call.run {
            Run::Token => {
                return (system.token(call, &mut state.access, self.seed, trial.now_ms), Vec::new());
            }
            Run::Unknown(status) => return (system.unknown(call, status), Vec::new()),
            Run::Do(_) | Run::Described(..) => {}
        }
        if let Err(reply) = system.admit(call, &state.access, trial.now_ms) {
            return (reply, Vec::new());
        }
        if let Some(text) = trial.violation.filter(|_| self.strict) {
            return (Reply::json(422, &json!({"card_violation": text})), Vec::new());
        }
        let (bucket, rate) = system.rate(call);
        let standing = state.throttle.count(&bucket, rate, trial.now_ms);
        if standing.is_over && (self.rate_limits || state.throttle.set.is_some()) {
            let wait_ms = standing.reset_ms.saturating_sub(trial.now_ms);
            let refusal = Refusal::Throttled { retry_after_s: Some(wait_ms.div_ceil(1_000).max(1)) };
            return (system.mark(system.refuse(&refusal), standing), Vec::new());
        }
        if kind == Some(Kind::Reject) {
            return (system.mark(system.refuse(&Refusal::Rejected), standing), Vec::new());
        }
        let stale_ms =
            trial.fault.filter(|fault| fault.kind == Kind::StaleRead).map_or(0, |fault| fault.delay_ms);
        let lag_ms = self.lag_ms.load(Ordering::Relaxed);
        let mut tx = Tx::new(&mut state.store, trial.now_ms, lag_ms, stale_ms);
        let reply = match call.run {
            Run::Do(handler) => handler(call, &mut tx),
            Run::Described(description, rule) => family::run::serve(description, rule, call, &mut tx),
            Run::Token | Run::Unknown(_) => Reply::empty(404),
        };
        (system.mark(reply, standing), tx.finish())
    }

    /// Records a call whose body was too large to be read.
    pub(crate) fn oversized(&self, name: &str, request: &Request) {
        let entry = recorder::Call {
            system: name.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            operation: "oversized".to_owned(),
            status: 413,
            at_ms: clock::now_ms(),
            ..recorder::Call::default()
        };
        held(&self.recorder).call(&entry, &[]);
    }
}

/// What the control server asks for.
impl Estate {
    pub(crate) fn faults(&self) -> Value {
        held(&self.faults).shown()
    }

    pub(crate) fn add_fault(&self, order: &Value) -> Result<Value, String> {
        held(&self.faults).add(order, &self.names())
    }

    pub(crate) fn clear_faults(&self, id: Option<u64>) -> usize {
        held(&self.faults).clear(id)
    }

    pub(crate) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        held(&self.recorder)
    }

    pub(crate) fn set_lag(&self, lag_ms: u64) {
        self.lag_ms.store(lag_ms.min(crate::store::HISTORY_MS), Ordering::Relaxed);
    }

    /// Digests of all systems, and their objects when `full`.
    pub(crate) fn state(&self, only: Option<&str>, full: bool) -> Value {
        let shown = self.desks.iter().filter(|(name, _)| only.is_none_or(|only| only == **name));
        let shown = shown.map(|(name, desk)| {
            let state = held(&desk.state);
            let mut one = json!({"digest": state.store.digest()});
            if full {
                one["objects"] = state.store.dump();
            }
            ((*name).to_owned(), one)
        });
        Value::Object(shown.collect::<Map<_, _>>())
    }

    /// Puts every system back to its seed; faults, limits and the lag's effects go too, and tokens unless they are kept.
    pub(crate) fn reset(&self, keeps_tokens: bool, only: Option<&str>) {
        let world = World::new(self.seed, self.people);
        for (_, desk) in self.desks.iter().filter(|(name, _)| only.is_none_or(|only| only == **name)) {
            let mut state = held(&desk.state);
            let mut fresh = planted(desk.system.as_ref(), self.seed, &world);
            if keeps_tokens {
                std::mem::swap(&mut fresh.access, &mut state.access);
            }
            *state = fresh;
        }
        held(&self.faults).clear(None);
        held(&self.recorder).reset(clock::now_ms());
    }

    /// An outside hand: merges `set` into an object (a null removes a member), creates or deletes one.
    pub(crate) fn mutate(&self, order: &Value) -> Result<Value, String> {
        let word = |name: &str| order[name].as_str().ok_or_else(|| format!("`{name}` is missing"));
        let (name, kind, id) = (word("system")?, word("kind")?, word("id")?);
        let desk = self.desks.get(name).ok_or_else(|| format!("`{name}` is no system here"))?;
        let mut state = held(&desk.state);
        let now_ms = clock::now_ms();
        let mut tx = Tx::new(&mut state.store, now_ms, 0, 0);
        if order["delete"].as_bool() == Some(true) {
            if !tx.remove(kind, id) {
                return Err(format!("there is no {kind} `{id}` to delete"));
            }
        } else {
            let known = tx.get(kind, id).cloned();
            if known.is_none() && order["create"].as_bool() != Some(true) {
                return Err(format!("there is no {kind} `{id}`: add `\"create\": true` to make one"));
            }
            let mut object = known.unwrap_or_else(|| json!({}));
            merge(&mut object, &order["set"]);
            tx.put(kind, id, object);
        }
        let changes = tx.finish();
        let numbers = held(&self.recorder).outside(name, &changes, now_ms);
        Ok(json!({"changes": numbers}))
    }

    /// Sets how long new tokens of a system live, or ends those that are alive.
    pub(crate) fn tokens(&self, order: &Value) -> Result<(), String> {
        let mut state = self.desk_state(order)?;
        if let Some(life_s) = order["expires_in_s"].as_u64() {
            state.access.life_s = life_s;
        }
        if order["expire"].as_bool() == Some(true) {
            state.access.expire();
        }
        Ok(())
    }

    /// Replaces the rate limits of a system by one, or gives it back its own.
    pub(crate) fn rates(&self, order: &Value) -> Result<(), String> {
        let mut state = self.desk_state(order)?;
        state.throttle = Throttle::default();
        state.throttle.set =
            order["limit"].as_u64().map(|limit| (limit, order["window_ms"].as_u64().unwrap_or(60_000)));
        Ok(())
    }

    fn desk_state(&self, order: &Value) -> Result<MutexGuard<'_, State>, String> {
        let name = order["system"].as_str().ok_or("`system` is missing")?;
        let desk = self.desks.get(name).ok_or_else(|| format!("`{name}` is no system here"))?;
        Ok(held(&desk.state))
    }
}

/// What a fault makes of a finished reply.
fn ended(mut reply: Reply, fault: Option<&Applied>) -> (Reply, Ending) {
    let Some(fault) = fault else { return (reply, Ending::Answer) };
    let ending = match fault.kind {
        Kind::TimeoutBefore | Kind::TimeoutAfter => Ending::Hold(fault.delay_ms),
        Kind::ResetBefore | Kind::ResetAfter => Ending::Close,
        Kind::ResetMidBody => Ending::MidBody,
        Kind::Slow => Ending::Late(fault.delay_ms),
        Kind::Truncate => {
            reply.body.truncate(reply.body.len() / 2);
            Ending::Answer
        }
        Kind::StatusAfter(status) => {
            reply.status = status;
            reply.body = b"<html><body>Bad Gateway</body></html>".to_vec();
            reply.content_type = "text/html";
            Ending::Answer
        }
        Kind::SchemaChange | Kind::WrongTenant => {
            if let Ok(mut body) = serde_json::from_slice(&reply.body) {
                disguised(&mut body, fault.kind == Kind::SchemaChange);
                reply.body = Value::to_string(&body).into_bytes();
            } else if let Ok(text) = std::str::from_utf8(&reply.body) {
                reply.body = disguised_text(text, fault.kind == Kind::SchemaChange).into_bytes();
            }
            Ending::Answer
        }
        Kind::Reject | Kind::Status(_) | Kind::StaleRead | Kind::ExpireTokens => Ending::Answer,
    };
    (reply, ending)
}

/// Gives every member another name, or every text and number another value, as another customer's objects would have them.
fn disguised(value: &mut Value, names: bool) {
    match value {
        Value::Object(members) => {
            let old = std::mem::take(members);
            for (name, mut member) in old {
                disguised(&mut member, names);
                members.insert(if names { format!("new_{name}") } else { name }, member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| disguised(item, names)),
        Value::String(text) if !names && !text.is_empty() => {
            *text = format!("other-{}", text.chars().rev().collect::<String>());
        }
        Value::Number(number) if !names => {
            *number =
                number.as_u64().map_or_else(|| number.clone(), |whole| (whole.saturating_add(7_000)).into());
        }
        _ => {}
    }
}

/// The same for XML: other names of what has a prefix of the vendor's, or other texts.
fn disguised_text(text: &str, names: bool) -> String {
    if names {
        return text.replace("<wd:", "<wd:new_").replace("</wd:", "</wd:new_");
    }
    let parts = text.replace("Descriptor=\"", "Descriptor=\"other-");
    let parts = parts.split_inclusive('>').map(|part| match part.split_once('<') {
        Some((before, rest)) if !before.trim().is_empty() => format!("other-{before}<{rest}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        if !patch.is_null() {
            *target = patch.clone();
        }
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;

    #[test]
    fn another_customers_xml_has_other_texts_and_the_same_names() {
        let text = r#"<a:E><wd:x wd:Descriptor="d"><wd:y>1</wd:y></wd:x></a:E>"#;
        let other = r#"<a:E><wd:x wd:Descriptor="other-d"><wd:y>other-1</wd:y></wd:x></a:E>"#;
        assert_eq!(disguised_text(text, false), other);
        assert!(disguised_text(text, true).contains("<wd:new_y>1</wd:new_y>"));
    }

    #[test]
    fn a_merge_sets_and_removes_members() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": 3});
        merge(&mut target, &json!({"a": {"b": null, "e": 4}, "d": "x"}));
        assert!(canonical::same(&target, &json!({"a": {"c": 2, "e": 4}, "d": "x"}), &[]));
    }
}
