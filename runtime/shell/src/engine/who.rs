//! The engine's part in who is who: the rules in force are written down, and what a person decides is taken in.
//!
//! Absent: how records are compared. Invariants: what could not be declared cannot be decided; a decision is answered when it is durable
//! and the graph goes by it.

use super::Engine;
use crate::letter;
use crate::tenant::Tenant;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;
use xops_kernel::day;
use xops_kernel::id::{Digest, RequestId};
use xops_kernel::identity::{Decision, written};
use xops_kernel::log::{Decided, What};

/// The longest text of a decision, in characters.
const TEXT_MAX: usize = 1_000;

/// What a person wants of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deciding {
    /// It holds, until it is taken back.
    Asked,
    /// It holds because it was added to the project's files, which take it back too.
    Declared,
    /// Whatever was asked of these records holds no more.
    TakenBack,
}

impl Engine {
    /// Takes in what a person decided of two records of a kind of entity, durably; whether the two are of one entity now.
    pub async fn decide(&self, kind: &str, decision: Decision, how: Deciding) -> Result<bool, String> {
        let tenant = &self.tenant;
        let now = tenant.hub.clock.now();
        sound(tenant, kind, &decision, how, day::number_of(now))?;
        if !tenant.hub.writes() {
            return Err("this process writes no journal".to_owned());
        }
        let (left, right) = (decision.left.clone(), decision.right.clone());
        let mut decided = decided(tenant, kind, decision, how == Deciding::Declared);
        decided.taken_back = how == Deciding::TakenBack;
        let (reply, durable) = oneshot::channel();
        let letter = letter::Decide { decided: Box::new(decided), reply };
        self.service.send(letter).await.map_err(|error| error.to_string())??;
        durable.await.map_err(|_| "the Service robot is gone: ask again".to_owned())?;
        Ok(tenant.graph().are_one(kind, &left, &right))
    }
}

/// Refuses what could not be declared.
fn sound(tenant: &Tenant, kind: &str, decision: &Decision, how: Deciding, today: u32) -> Result<(), String> {
    let (Some(joining), Some(declared)) =
        (tenant.identities.get(kind), tenant.declarations.entities.get(kind))
    else {
        let kinds: Vec<&str> = tenant.identities.keys().map(String::as_str).collect();
        let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        return Err(format!("the records of `{kind}` are not joined by rules; those that are: {kinds}"));
    };
    let systems: BTreeSet<&str> =
        declared.links.keys().map(String::as_str).chain([declared.mint.0.as_str()]).collect();
    for record in [&decision.left, &decision.right] {
        let system = record.split_once(':').filter(|(_, id)| !id.is_empty()).map(|(system, _)| system);
        if !system.is_some_and(|system| systems.contains(system)) {
            let names: Vec<&str> = systems.iter().copied().collect();
            return Err(format!(
                "`{record}` names no record that is joined to `{kind}`: write SYSTEM:ID, where the system is one of {}",
                names.join(", ")
            ));
        }
    }
    if decision.left == decision.right {
        return Err("a record is the same as itself: name two records".to_owned());
    }
    for (name, text) in [
        ("author", &decision.author),
        ("why", &decision.why),
        ("left", &decision.left),
        ("right", &decision.right),
    ] {
        if text.trim().is_empty() || text.chars().count() > TEXT_MAX || text.chars().any(char::is_control) {
            return Err(format!(
                "`{name}` must be there, in one line of at most {TEXT_MAX} characters: a decision has an author and a reason"
            ));
        }
    }
    if let Some(until) = decision.until.filter(|until| *until < today && how != Deciding::TakenBack) {
        return Err(format!("it would have ended before today: `until` is {until}, and today is {today}"));
    }
    let same_pair = |it: &&Decision| it.pair() == decision.pair();
    match joining.rules.decisions.iter().find(same_pair).filter(|_| how != Deciding::Declared) {
        Some(it) => Err(format!(
            "the project's files decide of these two records already ({} by {}): change it there",
            if it.same { "same" } else { "different" },
            it.author
        )),
        None => Ok(()),
    }
}

fn decided(tenant: &Tenant, kind: &str, decision: Decision, declared: bool) -> Decided {
    let graph = tenant.graph();
    let of_record = |name: &str| graph.of_record(kind, name);
    let entities: BTreeSet<_> =
        of_record(&decision.left).into_iter().chain(of_record(&decision.right)).collect();
    let id = Decided::id_of(&tenant.declarations.tenant, kind, &decision, declared);
    let (kind, entities) = (kind.to_owned(), entities.into_iter().collect());
    Decided { id, kind, decision, taken_back: false, declared, entities }
}

/// What is to be written down at a start: the rules, where they are not those that were in force, and what the files decide now and did
/// not decide before, or decide no more.
pub(super) fn ruled(
    tenant: &Tenant,
    before: Option<Digest>,
    known: &BTreeMap<RequestId, Decided>,
    today: u32,
) -> Vec<What> {
    let mut whats = Vec::new();
    let rules = written::written(&tenant.identities);
    let digest = written::digest(&rules);
    if before != Some(digest) && !(before.is_none() && rules.is_empty()) {
        whats.push(What::Ruled { digest, rules });
    }
    let of_files = tenant.identities.iter().flat_map(|(kind, joining)| {
        let holds = |it: &&Decision| it.until.is_none_or(|until| until >= today);
        joining.rules.decisions.iter().filter(holds).map(move |it| decided(tenant, kind, it.clone(), true))
    });
    let of_files: BTreeMap<RequestId, Decided> = of_files.map(|it| (it.id, it)).collect();
    for gone in known.values().filter(|it| it.declared && !of_files.contains_key(&it.id)) {
        whats.push(What::Decided(Box::new(Decided { taken_back: true, ..gone.clone() })));
    }
    let same = |it: &Decided| known.get(&it.id).is_some_and(|known| known.decision == it.decision);
    whats.extend(of_files.into_values().filter(|it| !same(it)).map(|it| What::Decided(Box::new(it))));
    whats
}
