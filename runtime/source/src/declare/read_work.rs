//! The first pass over what is to be done: routes, outcomes, runbooks, triggers, schedules.

use super::draft::{
    At, Desired, Drafts, Outcome, Route, Runbook, Schedule, Step, Trigger, Variant, insert, insert_as,
};
use super::read::{check_name, check_word, each, required_said};
use crate::code;
use crate::reader::Reader;
use crate::syntax::Block;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::declare::{DOMAINS, OnReject};

const REJECTS: [&str; 3] = ["backstep", "replan", "pause"];

/// Reads the blocks of work of a file into `drafts`.
pub(super) fn file(reader: &mut Reader<'_, '_>, drafts: &mut Drafts) {
    each(reader, "route", &["change", "domain", "facet"], |reader, block| route(reader, block, drafts));
    each(reader, "outcome", &["name"], |reader, block| outcome(reader, block, drafts));
    each(reader, "runbook", &["name"], |reader, block| runbook(reader, block, drafts));
    each(reader, "trigger", &["system", "event"], |reader, block| trigger(reader, block, drafts));
    each(reader, "schedule", &["name"], |reader, block| schedule(reader, block, drafts));
}

fn route(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let [change, domain, facet] = &block.labels[..] else { return };
    let draft = Route {
        at: At::head(reader),
        change: change.clone(),
        domain: domain.clone(),
        facet: facet.clone(),
        awf: reader.required_reference("awf"),
        with: reader.map("with"),
    };
    let key = (change.text.clone(), domain.text.clone(), facet.text.clone());
    let message = format!("two routes {} `{}.{}`", change.text, domain.text, facet.text);
    insert_as(&mut drafts.routes, key, draft, code::TWO_ROUTES, &message, reader);
}

fn outcome(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_name(reader, &block.labels[0], "an outcome");
    let mut seen: BTreeMap<(String, String), Desired> = BTreeMap::new();
    let mut order = Vec::new();
    for domain in DOMAINS {
        each(reader, domain, &[], |reader, block| {
            reader.rest();
            for attribute in &block.body.attributes {
                let key = (domain.to_owned(), attribute.name.text.clone());
                let at = At::of(reader, attribute.name.span.clone());
                let draft = Desired { at, key: key.clone(), value: attribute.value.clone() };
                order.push((attribute.name.span.start, key.clone()));
                let what = format!("`{}.{}` of outcome `{name}`", key.0, key.1);
                insert(&mut seen, key, draft, &what, reader);
            }
        });
    }
    order.sort();
    let draft = Outcome {
        at: At::head(reader),
        title: reader.text("title").unwrap_or_else(|| name.clone()),
        entity: required_said(reader, "entity"),
        applies: reader.required_expr("for").cloned(),
        runbook: reader.reference("runbook"),
        on_drift: super::watched::on_drift(reader),
        supersedes: reader.list_of_refs("supersedes"),
        facets: order.into_iter().filter_map(|(_, key)| seen.remove(&key)).collect(),
    };
    if draft.facets.is_empty() && block.body.blocks.is_empty() {
        let message = format!("outcome `{name}` wants nothing");
        let finding = draft.at.error(code::EMPTY, message, "no facet is declared in it");
        reader.report(
            finding.help("add a block for a domain: `identity { account = \"present\" }`".to_owned()),
        );
    }
    insert(&mut drafts.outcomes, name.clone(), draft, &format!("outcome `{name}`"), reader);
}

fn on_reject(reader: &mut Reader<'_, '_>) -> Option<OnReject> {
    reader.choice("on_reject", &REJECTS).and_then(OnReject::from_word)
}

fn runbook(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_name(reader, &block.labels[0], "a runbook");
    let mut variants = BTreeMap::new();
    each(reader, "variant", &["name"], |reader, block| {
        check_name(reader, &block.labels[0], "a variant");
        let draft = variant(reader, block);
        let what = format!("variant `{}` of runbook `{name}`", block.label(0));
        insert(&mut variants, block.label(0).to_owned(), draft, &what, reader);
    });
    let draft = Runbook {
        at: At::head(reader),
        title: reader.text("title").unwrap_or_else(|| name.clone()),
        plan: reader.required_text("plan").unwrap_or_default(),
        on_reject: on_reject(reader),
        variants,
    };
    if draft.variants.is_empty() && block.body.blocks.is_empty() {
        let finding =
            draft.at.error(code::EMPTY, format!("runbook `{name}` has no variant"), "nothing to run");
        reader.report(finding.help("add one: `variant \"v1\" { node \"...\" { ... } }`".to_owned()));
    }
    insert(&mut drafts.runbooks, name.clone(), draft, &format!("runbook `{name}`"), reader);
}

fn variant(reader: &mut Reader<'_, '_>, block: &Block) -> Variant {
    let mut nodes: Vec<Step> = Vec::new();
    let mut names: BTreeMap<String, Named> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    each(reader, "node", &["name"], |reader, block| {
        check_word(reader, &block.labels[0], "a node");
        let name = block.label(0).to_owned();
        let at = At::head(reader);
        insert(&mut names, name.clone(), Named { at: at.clone() }, &format!("node `{name}`"), reader);
        let draft = Step {
            at,
            name: name.clone(),
            awf: reader.required_reference("awf"),
            after: reader.list_of_refs("after"),
            with: reader.map("with"),
            on_reject: on_reject(reader),
        };
        if kept.insert(name) {
            nodes.push(draft);
        }
    });
    let at = At::head(reader);
    if nodes.is_empty() && block.body.blocks.is_empty() {
        let finding = at.error(code::EMPTY, "this variant has no node", "nothing to run");
        reader.report(finding);
    }
    Variant { at, nodes }
}

struct Named {
    at: At,
}

impl super::draft::Placed for Named {
    fn at(&self) -> &At {
        &self.at
    }
}

fn trigger(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let (system, event) = (block.labels[0].clone(), block.label(1).to_owned());
    check_name(reader, &block.labels[1], "an event");
    let find = reader.map("find");
    if find.is_empty() && !reader.refused() {
        reader.missing("`find`");
    }
    let draft = Trigger {
        at: At::head(reader),
        system: system.clone(),
        entity: required_said(reader, "entity"),
        find,
        outcome: reader.reference("outcome"),
    };
    let what = format!("the trigger of `{} {event}`", system.text);
    insert(&mut drafts.triggers, (system.text, event), draft, &what, reader);
}

fn schedule(reader: &mut Reader<'_, '_>, block: &Block, drafts: &mut Drafts) {
    let name = block.label(0).to_owned();
    check_word(reader, &block.labels[0], "a schedule");
    let listed = reader.require("outcomes");
    let draft = Schedule {
        at: At::head(reader),
        cron: required_said(reader, "cron"),
        outcomes: reader.list_of_refs("outcomes"),
    };
    if listed && draft.outcomes.is_empty() && !reader.refused() {
        let finding =
            draft.at.error(code::EMPTY, format!("schedule `{name}` reconciles nothing"), "no outcome");
        reader.report(finding);
    }
    insert(&mut drafts.schedules, name.clone(), draft, &format!("schedule `{name}`"), reader);
}
