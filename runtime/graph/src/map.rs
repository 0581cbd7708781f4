//! The map: everything declared that depends on a system, directly or through something that does.
//!
//! Absent: the systems themselves: only declarations are looked at, so the map can be drawn while a system is down.
//! Invariant: each dependency is told once, with the shortest way to it, in the order of distance and name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use xops_kernel::declare::{Declarations, Origin};
use xops_kernel::expr::{self, Expr};

/// Something that depends on a system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependent {
    /// How many steps away it is; 1 depends on the system itself.
    pub distance: u32,
    /// What it is, as people write it: `entity person`, `facet identity.account`, `outcome EMP-R-001`.
    pub name: String,
    /// What it depends on, one step nearer.
    pub through: String,
    /// How it depends.
    pub how: String,
    /// Where it stands.
    pub origin: Origin,
}

/// One edge: `name` depends on `on`.
struct Edge {
    name: String,
    on: String,
    how: String,
    origin: Origin,
}

/// Everything that depends on `system`.
pub fn dependents(declarations: &Declarations, system: &str) -> Vec<Dependent> {
    let edges = edges(declarations);
    let mut by_target: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
    for edge in &edges {
        by_target.entry(&edge.on).or_default().push(edge);
    }
    let start = format!("system {system}");
    let mut seen: BTreeSet<&str> = [start.as_str()].into();
    let mut open: VecDeque<(&str, u32)> = [(start.as_str(), 0)].into();
    let mut found = Vec::new();
    while let Some((at, distance)) = open.pop_front() {
        for edge in by_target.get(at).into_iter().flatten() {
            if seen.insert(&edge.name) {
                open.push_back((&edge.name, distance + 1));
                found.push(Dependent {
                    distance: distance + 1,
                    name: edge.name.clone(),
                    through: at.to_owned(),
                    how: edge.how.clone(),
                    origin: edge.origin.clone(),
                });
            }
        }
    }
    found.sort();
    found
}

fn edges(declarations: &Declarations) -> Vec<Edge> {
    let mut edges = Vec::new();
    of_entities(declarations, &mut edges);
    of_facets(declarations, &mut edges);
    of_work(declarations, &mut edges);
    edges.sort_by(|one, other| (&one.on, &one.name).cmp(&(&other.on, &other.name)));
    edges
}

fn of_entities(declarations: &Declarations, edges: &mut Vec<Edge>) {
    for entity in declarations.entities.values() {
        edges.push(Edge {
            name: format!("entity {}", entity.name),
            on: format!("system {}", entity.mint.0),
            how: format!("is minted by {}.{}", entity.mint.0, entity.mint.1),
            origin: entity.origin.clone(),
        });
        for (name, attribute) in &entity.attributes {
            for (rank, claim) in attribute.from.iter().enumerate() {
                edges.push(Edge {
                    name: format!("attribute {}.{name}", entity.name),
                    on: format!("system {}", claim.system),
                    how: format!("source {} of {}", rank + 1, attribute.from.len()),
                    origin: attribute.origin.clone(),
                });
            }
        }
        for link in entity.links.values() {
            let name = format!("link {}.{}", entity.name, link.system);
            let mut edge = |on: String, how: &str| {
                edges.push(Edge { name: name.clone(), on, how: how.to_owned(), origin: link.origin.clone() });
            };
            edge(format!("system {}", link.system), "joins its records");
            edge(format!("attribute {}.{}", entity.name, link.entity), "is its key");
        }
    }
}

/// What an expression looks at, as names of the map.
fn looks_at(declarations: &Declarations, entity: Option<&str>, expr: &Expr) -> BTreeSet<String> {
    let name = |path: &expr::Path| -> Option<String> {
        let first = path.first()?;
        match path.root.as_str() {
            root if declarations.entities.contains_key(root) => Some(format!("attribute {root}.{first}")),
            "link" => Some(format!("link {}.{first}", entity.unwrap_or("person"))),
            _ => None,
        }
    };
    expr::references(expr).into_iter().filter_map(name).collect()
}

fn of_facets(declarations: &Declarations, edges: &mut Vec<Edge>) {
    for facet in declarations.facets.values() {
        let name = format!("facet {}.{}", facet.domain, facet.name);
        edges.push(Edge {
            name: name.clone(),
            on: format!("system {}", facet.system),
            how: "is held there".to_owned(),
            origin: facet.origin.clone(),
        });
        for (domain, after) in &facet.after {
            let (on, how) = (format!("facet {domain}.{after}"), "comes after it".to_owned());
            edges.push(Edge { name: name.clone(), on, how, origin: facet.origin.clone() });
        }
    }
    for route in declarations.routes.values() {
        let name = format!("route {} {}.{}", route.change, route.domain, route.facet);
        let mut on: BTreeSet<(String, String)> =
            [(format!("system {}", route.awf.system), format!("calls {}", route.awf))].into();
        for value in route.with.values() {
            on.extend(looks_at(declarations, None, value).into_iter().map(|on| (on, "binds it".to_owned())));
        }
        edges.extend(on.into_iter().map(|(on, how)| Edge {
            name: name.clone(),
            on,
            how,
            origin: route.origin.clone(),
        }));
    }
}

fn of_work(declarations: &Declarations, edges: &mut Vec<Edge>) {
    for outcome in declarations.outcomes.values() {
        let name = format!("outcome {}", outcome.name);
        let mut on: BTreeMap<String, &str> = BTreeMap::new();
        for line in &outcome.facets {
            on.insert(format!("facet {}.{}", line.domain, line.facet), "wants it");
            on.extend(
                looks_at(declarations, Some(&outcome.entity), &line.value)
                    .into_iter()
                    .map(|on| (on, "takes it")),
            );
        }
        on.extend(outcome.runbook.iter().map(|runbook| (format!("runbook {runbook}"), "follows its order")));
        on.extend(
            looks_at(declarations, Some(&outcome.entity), &outcome.applies)
                .into_iter()
                .map(|on| (on, "selects by it")),
        );
        let edge = |(on, how): (String, &str)| Edge {
            name: name.clone(),
            on,
            how: how.to_owned(),
            origin: outcome.origin.clone(),
        };
        edges.extend(on.into_iter().map(edge));
    }
    for runbook in declarations.runbooks.values() {
        for (variant, node) in
            runbook.variants.values().flat_map(|it| it.nodes.iter().map(move |node| (it, node)))
        {
            edges.push(Edge {
                name: format!("runbook {}", runbook.name),
                on: format!("system {}", node.awf.system),
                how: format!("runs {} in {}", node.awf, variant.name),
                origin: node.origin.clone(),
            });
        }
    }
    for trigger in declarations.triggers.values() {
        edges.push(Edge {
            name: format!("trigger {} {}", trigger.system, trigger.event),
            on: format!("system {}", trigger.system),
            how: "hears its events".to_owned(),
            origin: trigger.origin.clone(),
        });
    }
    for schedule in declarations.schedules.values() {
        for outcome in &schedule.outcomes {
            edges.push(Edge {
                name: format!("schedule {}", schedule.name),
                on: format!("outcome {outcome}"),
                how: "reconciles it".to_owned(),
                origin: schedule.origin.clone(),
            });
        }
    }
}
