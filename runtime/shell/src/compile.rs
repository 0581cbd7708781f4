//! Compiling a request: resolve, make out what is wanted, look, draw. The questions are asked here; every answer is found by
//! pure functions of the kernel.

use crate::dataops;
use crate::platform;
use crate::tenant::Tenant;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use xops_graph::drift::listing;
use xops_graph::resolve::Found;
use xops_kernel::compile::{self, Compile};
use xops_kernel::desire::{self, Desire, Subject};
use xops_kernel::diff::Facet;
use xops_kernel::id::{EntityId, InstanceId, PlanId};
use xops_kernel::log::{Compiled, Evidence, Request};
use xops_kernel::plan::Plan;
use xops_kernel::port::Sighting;
use xops_kernel::record::Millis;
use xops_kernel::value::Values;

/// How many rounds of lookups a plan may need: facets that hang on facets that hang on facets.
const ROUNDS_MAX: usize = 16;

/// What a compilation came to.
pub enum Answered {
    /// There is no plan.
    Refused {
        /// The entity, if it was found.
        entity: Option<EntityId>,
        /// Why.
        reasons: Vec<String>,
    },
    /// Everything is already as desired.
    Unchanged {
        /// The entity.
        entity: EntityId,
        /// What people call it.
        handle: String,
        /// How many facets hold.
        satisfied: u32,
    },
    /// A plan; its instance has no number yet.
    Plan(Box<Compiled>),
}

/// A compilation without consequences: what `xops plan` shows.
pub struct Preview {
    /// The entity.
    pub subject: Subject,
    /// What people call it.
    pub handle: String,
    /// What is wanted.
    pub desire: Desire,
    /// What the lookups saw.
    pub seen: BTreeMap<Facet, Sighting>,
    /// What may be taken back: what xops had granted, and what is listed of exclusive facets.
    pub granted: BTreeMap<Facet, Values>,
    /// The plan; without steps if nothing has to change.
    pub plan: Plan,
}

/// Compiles an open request.
pub async fn answer(tenant: &Rc<Tenant>, asked_at: Millis, request: &Request) -> Answered {
    match preview(tenant, &request.kind, &request.find, request.outcome.as_deref()).await {
        Err((entity, reasons)) => Answered::Refused { entity, reasons },
        Ok(preview) if preview.plan.steps.is_empty() => Answered::Unchanged {
            entity: preview.subject.entity,
            handle: preview.handle,
            satisfied: u32::try_from(preview.plan.satisfied.len()).unwrap_or(u32::MAX),
        },
        Ok(preview) => {
            let (instance, parent) = (InstanceId::of(request.id, preview.plan.id), preview.plan.parent);
            Answered::Plan(Box::new(Compiled {
                request: request.id,
                asked_at,
                number: 0,
                instance,
                handle: preview.handle,
                principal: tenant.declarations.principal.clone(),
                plan: preview.plan,
                evidence: Evidence {
                    subject: preview.subject,
                    only: request.outcome.clone(),
                    seen: preview.seen.into_iter().collect(),
                    granted: preview.granted.into_iter().collect(),
                    parent,
                },
            }))
        }
    }
}

/// What xops granted an entity, as the journal has it.
async fn granted(tenant: &Rc<Tenant>, entity: EntityId) -> Result<BTreeMap<Facet, Values>, String> {
    let Some(service) = tenant.hub.service() else { return Ok(BTreeMap::new()) };
    let mut granted = BTreeMap::new();
    // Whoever turned out to be this one was granted things under the other id.
    let ids = tenant.graph().ids_of(entity);
    for id in ids {
        let letter = service.send(crate::letter::Granted(id)).await;
        let of_id = letter.map_err(|_| "the Service robot is gone".to_owned())?;
        granted.extend(of_id.into_iter().map(|(facet, values)| (Facet { entity, ..facet }, values)));
    }
    Ok(granted)
}

/// What records list of the entity's exclusive facets; read now where that is not known.
async fn listed(tenant: &Rc<Tenant>, entity: EntityId) -> BTreeMap<Facet, Values> {
    let exclusive = tenant.exclusive.borrow().clone();
    if exclusive.is_empty() {
        return BTreeMap::new();
    }
    let now = tenant.hub.clock.now();
    let unread = exclusive
        .values()
        .map(|it| &it.evidence)
        .filter(|evidence| tenant.graph().coverage(&evidence.system, &evidence.kind, now).is_err());
    let unread: BTreeSet<String> = unread.map(|evidence| evidence.system.clone()).collect();
    if !unread.is_empty() {
        dataops::refresh(tenant, unread).await;
    }
    listing::listing(&tenant.graph(), &exclusive, entity, tenant.hub.clock.now())
}

/// The plan that the next one of an entity supersedes, if the last instance of it was superseded.
async fn parent(tenant: &Rc<Tenant>, entity: EntityId) -> Option<PlanId> {
    let service = tenant.hub.service()?;
    let ids = tenant.graph().ids_of(entity);
    for id in ids {
        if let Some(plan) = service.send(crate::letter::Parent(id)).await.ok().flatten() {
            return Some(plan);
        }
    }
    None
}

/// The entity, or why there is not exactly one.
pub async fn resolve(tenant: &Rc<Tenant>, kind: &str, find: &Values) -> Result<EntityId, Vec<String>> {
    let minting = tenant.declarations.entities.get(kind).map(|kind| kind.mint.0.clone());
    let Some(minting) = minting else {
        let kinds: Vec<_> = tenant.declarations.entities.keys().cloned().collect();
        return Err(vec![format!("no entity `{kind}` is declared; declared are: {}", kinds.join(", "))]);
    };
    let look = || tenant.graph().find(kind, find);
    let mut found = look();
    // Whoever is not in the graph may have come since it was read.
    if matches!(found, Found::None | Found::Unknown(_)) {
        dataops::refresh(tenant, BTreeSet::from([minting])).await;
        found = look();
    }
    let asked = || find.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    match found {
        Found::One(entity) => Ok(entity),
        Found::None => Err(vec![format!("no {kind} has {}", asked())]),
        Found::Many(entities) => {
            Err(vec![format!("{} {kind}s have {}: it must be exactly one", entities.len(), asked())])
        }
        Found::Unknown(doubt) => Err(vec![format!("whether a {kind} has {} is unknown: {doubt}", asked())]),
    }
}

/// Compiles for one entity.
pub async fn preview(
    tenant: &Rc<Tenant>,
    kind: &str,
    find: &Values,
    only: Option<&str>,
) -> Result<Preview, (Option<EntityId>, Vec<String>)> {
    if let Some(name) = only.filter(|name| !tenant.declarations.outcomes.contains_key(*name)) {
        let names: Vec<_> = tenant.declarations.outcomes.keys().cloned().collect();
        return Err((
            None,
            vec![format!("no outcome `{name}` is declared; declared are: {}", names.join(", "))],
        ));
    }
    let entity = resolve(tenant, kind, find).await.map_err(|reasons| (None, reasons))?;
    let told = |reasons: Vec<String>| (Some(entity), reasons);
    let mut subject = tenant.subject(entity, kind, tenant.hub.clock.now());
    let unread = unread(tenant, &subject);
    if !unread.is_empty() {
        dataops::refresh(tenant, unread).await;
        subject = tenant.subject(entity, kind, tenant.hub.clock.now());
    }
    let desire = desire::desire(&tenant.declarations, &subject, only)
        .map_err(|why| told(why.iter().map(ToString::to_string).collect()))?;
    let handle = tenant.graph().handle(entity).unwrap_or_else(|| entity.to_string());
    if let Some(name) = only.filter(|name| !desire.outcomes.contains(*name)) {
        return Err(told(vec![format!(
            "outcome `{name}` does not apply to {kind} {handle}: its `for` does not hold"
        )]));
    }
    let mut granted = granted(tenant, entity).await.map_err(|why| told(vec![why]))?;
    for (facet, object) in listed(tenant, entity).await {
        granted.entry(facet).or_insert(object);
    }
    let parent = parent(tenant, entity).await;
    let mut seen = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let compile = Compile {
            declarations: &tenant.declarations,
            subject: &subject,
            desire: &desire,
            seen: &seen,
            granted: &granted,
            parent,
        };
        let (lookups, implied) = compile::observe(&compile);
        if lookups.is_empty() && implied.is_empty() {
            break;
        }
        let peeks = lookups.into_iter().map(|lookup| async move {
            let sighting = platform::peek(tenant, &lookup.awf, lookup.inputs).await;
            (lookup.facet, sighting)
        });
        seen.extend(join_all(peeks).await);
        seen.extend(implied);
    }
    let compile = Compile {
        declarations: &tenant.declarations,
        subject: &subject,
        desire: &desire,
        seen: &seen,
        granted: &granted,
        parent,
    };
    let plan = compile::draw(&compile, &tenant.shared.key)
        .map_err(|why| told(why.iter().map(ToString::to_string).collect()))?;
    Ok(Preview { subject, handle, desire, seen, granted, plan })
}

/// The systems behind what is not known of an entity.
fn unread(tenant: &Tenant, subject: &Subject) -> BTreeSet<String> {
    use xops_kernel::fact::Observation;
    let facts = subject.facts.iter().filter(|(_, seen)| matches!(seen, Observation::Unknown(_)));
    let links = subject.links.iter().filter(|(_, seen)| matches!(seen, Observation::Unknown(_)));
    let references: Vec<String> = facts
        .map(|(name, _)| format!("{}.{name}", subject.kind))
        .chain(links.map(|(system, _)| format!("link.{system}")))
        .collect();
    crate::sheet::systems_behind(tenant, &subject.kind, &references)
}
