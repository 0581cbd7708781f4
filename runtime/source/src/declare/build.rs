//! From drafts to the kernel's declarations. What has no name or no AWF is left out: its finding was told already.

use super::draft::{self, At};
use super::world::World;
use crate::reader::{Reference, words};
use crate::syntax::{Node, Word};
use std::collections::BTreeMap;
use xops_kernel::awf::AwfName;
use xops_kernel::declare::{
    Attribute, Claim, Declarations, Desired, EntityKind, FacetKind, Link, Node as RunbookNode, Outcome,
    Route, Runbook, Schedule, System, Trigger, Variant,
};
use xops_kernel::expr::Expr;
use xops_kernel::identity::{Identities, Joining};
use xops_kernel::layer::{Layer, LayerKind};
use xops_kernel::value::Value;

/// The declarations.
pub(super) fn declarations(world: &World<'_>) -> Declarations {
    let drafts = world.drafts;
    let (tenant, principal) = drafts
        .tenants
        .first()
        .map_or_else(Default::default, |tenant| (tenant.name.clone(), tenant.principal.clone()));
    Declarations {
        systems: drafts.systems.iter().map(|(name, one)| (name.clone(), system(name, one))).collect(),
        entities: drafts
            .entities
            .iter()
            .filter_map(|(name, one)| Some((name.clone(), entity(name, one)?)))
            .collect(),
        objects: drafts.objects.iter().map(|(key, (_, object))| (key.clone(), object.clone())).collect(),
        facets: drafts.facets.iter().filter_map(|(key, one)| Some((key.clone(), facet(key, one)?))).collect(),
        routes: drafts.routes.iter().filter_map(|(key, one)| Some((key.clone(), route(key, one)?))).collect(),
        outcomes: drafts
            .outcomes
            .iter()
            .filter_map(|(name, one)| Some((name.clone(), outcome(name, one)?)))
            .collect(),
        runbooks: drafts.runbooks.iter().map(|(name, one)| (name.clone(), runbook(name, one))).collect(),
        settings: world.settings.clone(),
        layers: layers(world, &tenant),
        layering: drafts.layering.iter().map(|(kind, (_, attribute))| (*kind, attribute.clone())).collect(),
        triggers: drafts
            .triggers
            .iter()
            .filter_map(|(key, one)| Some((key.clone(), trigger(key, one)?)))
            .collect(),
        schedules: drafts
            .schedules
            .iter()
            .filter_map(|(name, one)| Some((name.clone(), schedule(name, one)?)))
            .collect(),
        contracts: world.contracts.clone(),
        tenant,
        principal,
    }
}

fn system(name: &str, draft: &draft::System) -> System {
    System {
        name: name.to_owned(),
        domain: draft.domain.as_ref().map_or_else(String::new, |(domain, _)| domain.clone()),
        manifest: draft.manifest.0.clone(),
        base_url: draft.base_url.0.clone(),
        vars: draft.vars.clone(),
        credential: draft
            .credential
            .iter()
            .map(|(word, (from, _))| (word.text.clone(), from.clone()))
            .collect(),
        concurrency: draft.concurrency,
        max_age_ms: draft.max_age_ms,
        origin: draft.at.origin(),
    }
}

/// The rules that join the records of kinds of entity.
pub(super) fn identities(drafts: &draft::Drafts) -> Identities {
    let joining = |(name, entity): (&String, &draft::Entity)| {
        let ((rules, _), (current, _)) = entity.joined.as_ref()?;
        let rules = std::sync::Arc::new(drafts.identities.whole(rules)?);
        Some((name.clone(), Joining { rules, current: current.clone() }))
    };
    drafts.entities.iter().filter_map(joining).collect()
}

/// The words of a reference, if it has `count`.
fn path(reference: &Reference, count: usize) -> Option<Vec<&str>> {
    words(&reference.0).filter(|words| words.len() == count)
}

fn awf(reference: Option<&Reference>) -> Option<AwfName> {
    path(reference?, 2).map(|words| AwfName::new(words[0], words[1]))
}

fn entity(name: &str, draft: &draft::Entity) -> Option<EntityKind> {
    let mint = path(draft.mint.as_ref()?, 2)?;
    let attributes = draft.attributes.iter().map(|(name, one)| {
        let claim = |reference: &Reference| {
            let words = path(reference, 3)?;
            Some(Claim {
                system: words[0].to_owned(),
                kind: words[1].to_owned(),
                attribute: words[2].to_owned(),
            })
        };
        let from = one.from.iter().filter_map(claim).collect();
        let origin = one.at.origin();
        let attribute = Attribute {
            is: one.is.clone(),
            personal: one.personal,
            from,
            max_age_ms: one.max_age_ms,
            origin,
        };
        (name.clone(), attribute)
    });
    let links = draft.links.iter().map(|(system, one)| {
        let link = Link {
            system: system.clone(),
            kind: one.kind.0.clone(),
            record: one.record.0.clone(),
            entity: one.entity.0.clone(),
            origin: one.at.origin(),
        };
        (system.clone(), link)
    });
    Some(EntityKind {
        name: name.to_owned(),
        mint: (mint[0].to_owned(), mint[1].to_owned()),
        handle: draft.handle.as_ref()?.0.clone(),
        attributes: attributes.collect(),
        links: links.collect(),
        origin: draft.at.origin(),
    })
}

fn facet((domain, name): &(String, String), draft: &draft::Facet) -> Option<FacetKind> {
    let after =
        |reference: &Reference| path(reference, 3).map(|words| (words[1].to_owned(), words[2].to_owned()));
    Some(FacetKind {
        domain: domain.clone(),
        name: name.clone(),
        system: draft.system.as_ref()?.0.clone(),
        set: draft.set,
        exclusive: draft.exclusive,
        after: draft.after.iter().filter_map(after).collect(),
        origin: draft.at.origin(),
    })
}

fn with(members: &[(Word, Node)]) -> BTreeMap<String, Expr> {
    members.iter().map(|(word, node)| (word.text.clone(), node.expr.clone())).collect()
}

fn route((change, domain, facet): &(String, String, String), draft: &draft::Route) -> Option<Route> {
    Some(Route {
        change: change.clone(),
        domain: domain.clone(),
        facet: facet.clone(),
        awf: awf(draft.awf.as_ref())?,
        with: with(&draft.with),
        origin: draft.at.origin(),
    })
}

fn outcome(name: &str, draft: &draft::Outcome) -> Option<Outcome> {
    let line = |line: &draft::Desired| Desired {
        domain: line.key.0.clone(),
        facet: line.key.1.clone(),
        value: line.value.expr.clone(),
        origin: line.at.origin(),
    };
    Some(Outcome {
        name: name.to_owned(),
        title: draft.title.clone(),
        entity: draft.entity.as_ref()?.0.clone(),
        applies: draft.applies.as_ref()?.expr.clone(),
        runbook: draft
            .runbook
            .as_ref()
            .and_then(|reference| path(reference, 2))
            .map(|words| words[1].to_owned()),
        facets: draft.facets.iter().map(line).collect(),
        origin: draft.at.origin(),
    })
}

fn runbook(name: &str, draft: &draft::Runbook) -> Runbook {
    let node = |step: &draft::Step| {
        let after =
            step.after.iter().filter_map(|reference| path(reference, 2)).map(|words| words[1].to_owned());
        Some(RunbookNode {
            name: step.name.clone(),
            awf: awf(step.awf.as_ref())?,
            after: after.collect(),
            with: with(&step.with),
            on_reject: step.on_reject,
            origin: step.at.origin(),
        })
    };
    let variant = |(name, variant): (&String, &draft::Variant)| {
        let nodes = variant.nodes.iter().filter_map(node).collect();
        (name.clone(), Variant { name: name.clone(), nodes, origin: variant.at.origin() })
    };
    Runbook {
        name: name.to_owned(),
        title: draft.title.clone(),
        plan: draft.plan.clone(),
        on_reject: draft.on_reject,
        variants: draft.variants.iter().map(variant).collect(),
        origin: draft.at.origin(),
    }
}

fn layers(world: &World<'_>, tenant: &str) -> BTreeMap<(LayerKind, String), Layer> {
    let layer = |((kind, name), draft): (&(LayerKind, String), &draft::Layer)| {
        let named =
            if *kind == LayerKind::Tenant && name.is_empty() { tenant.to_owned() } else { name.clone() };
        let value = |(key, (at, value)): (&String, &(At, Value))| (key.clone(), (value.clone(), at.origin()));
        let values = draft.values.iter().map(value).collect();
        ((*kind, named.clone()), Layer { kind: *kind, name: named, values })
    };
    world.drafts.layers.iter().map(layer).collect()
}

fn trigger((system, event): &(String, String), draft: &draft::Trigger) -> Option<Trigger> {
    Some(Trigger {
        system: system.clone(),
        event: event.clone(),
        entity: draft.entity.as_ref()?.0.clone(),
        find: with(&draft.find),
        outcome: draft
            .outcome
            .as_ref()
            .and_then(|reference| path(reference, 2))
            .map(|words| words[1].to_owned()),
        origin: draft.at.origin(),
    })
}

fn schedule(name: &str, draft: &draft::Schedule) -> Option<Schedule> {
    let outcomes =
        draft.outcomes.iter().filter_map(|reference| path(reference, 2)).map(|words| words[1].to_owned());
    Some(Schedule {
        name: name.to_owned(),
        cron: draft.cron.as_ref()?.0.clone(),
        outcomes: outcomes.collect(),
        origin: draft.at.origin(),
    })
}
