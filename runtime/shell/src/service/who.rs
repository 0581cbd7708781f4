//! The Service robot's part in who is who: what people decide of records, and what one id inherits from another.
//!
//! Absent: what is joined, which the graph says. Invariants: a decision is durable before the graph goes by it, and whoever decided
//! hears of it behind that; what the project's files say of two records is not overruled; the graph goes by what the journal and the
//! files say together, also when a robot or a process begins anew.

use super::Service;
use crate::letter::Decide;
use crate::tenant::Tenant;
use actix::{Context, Handler};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;
use xops_kernel::id::{EntityId, RequestId};
use xops_kernel::identity::Decision;
use xops_kernel::log::{Decided, What};
use xops_robots::service::State;

/// How many decisions are remembered beside those of the project's files.
const DECIDED_MAX: usize = 65_536;

/// What waits for a decision to be durable.
#[derive(Default)]
pub(super) struct Judging {
    due: bool,
    waiters: BTreeMap<RequestId, Vec<oneshot::Sender<()>>>,
}

impl Judging {
    /// The graph is to go by something else as soon as that is durable.
    pub(super) fn is_due(&mut self) {
        self.due = true;
    }
}

/// Has the graph go by everything that was decided.
pub(super) fn regard(tenant: &Tenant, state: &State) {
    let mut touched = false;
    for (kind, joining) in &tenant.identities {
        let decisions = decisions(tenant, state, kind, &joining.rules.decisions);
        let reached = tenant.graph_mut().regard(kind, decisions);
        let Some(declared) = tenant.declarations.entities.get(kind).filter(|_| !reached.entities.is_empty())
        else {
            continue;
        };
        tenant.cycles.touch(&declared.mint.0, reached);
        tenant.cycles.ended(&declared.mint.0);
        touched = true;
    }
    if touched {
        crate::issued::remember(tenant);
    }
}

/// What was decided of records of a kind of entity: in the files, and beside them of records of which the files say nothing.
fn decisions(tenant: &Tenant, state: &State, kind: &str, declared: &[Decision]) -> BTreeSet<Decision> {
    let mut all: BTreeSet<Decision> = declared.iter().cloned().collect();
    let pairs: BTreeSet<(&str, &str)> = declared.iter().map(Decision::pair).collect();
    let ambient = tenant.ambient.borrow();
    // What the files said at the start stands above; they may have taken back what they said before.
    let added = |it: &&Decided| ambient.declared.contains(&it.id);
    let beside = |it: &&Decided| !pairs.contains(&it.decision.pair());
    let holds = |it: &&Decided| if it.declared { added(it) } else { beside(it) };
    let decided = state.decided.values().filter(|decided| decided.kind == kind);
    all.extend(decided.filter(holds).map(|it| it.decision.clone()));
    all
}

impl Service {
    /// What is durable is believed: the graph goes by it, and whoever decided hears.
    pub(super) fn judged(&mut self, id: Option<RequestId>) {
        if std::mem::take(&mut self.judging.due) {
            regard(&self.tenant, &self.state);
        }
        for waiter in id.and_then(|id| self.judging.waiters.remove(&id)).into_iter().flatten() {
            let _asker_gone = waiter.send(());
        }
    }

    /// Lets an entity inherit what is known under ids that were of one with it when their records left.
    pub(super) fn inherit(&mut self, to: EntityId, ctx: &mut Context<Self>) {
        let left = self.tenant.graph().left(to);
        for from in left {
            // An instance that is under way for it ends under the id that it began with.
            if self.state.knows(from) && !self.state.driven.contains_key(&from) {
                self.write(What::Inherited { from, to }, ctx);
            }
        }
    }
}

impl Handler<Decide> for Service {
    type Result = Result<(), String>;

    fn handle(&mut self, Decide { decided, reply }: Decide, ctx: &mut Context<Self>) -> Self::Result {
        let known = self.state.decided.contains_key(&decided.id);
        if decided.taken_back && !known {
            return Err(
                "nobody decided anything of these two records: there is nothing to take back".to_owned()
            );
        }
        if !known && self.state.decided.len() >= DECIDED_MAX {
            return Err(format!(
                "{DECIDED_MAX} decisions are remembered already: declare some of them in the project's files, or take them back"
            ));
        }
        if decided.declared {
            self.tenant.ambient.borrow_mut().declared.insert(decided.id);
        }
        self.judging.waiters.entry(decided.id).or_default().push(reply);
        self.write(What::Decided(decided), ctx);
        Ok(())
    }
}
