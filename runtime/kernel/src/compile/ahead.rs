//! Ahead: what of a compilation hangs on the declarations alone, made out once for all entities of a kind.
//!
//! Absent: anything about an entity. Invariant: a kind of facet stands **apart** only if nothing in any plan could take something
//! from its state, and the facts behind its lookup are the same whatever its element and its value; so where a facet of it
//! holds, leaving it out of the drawing and adding it again at the end gives the same bytes.

use super::output;
use crate::awf::{Achieves, AwfName};
use crate::declare::{Declarations, FacetKind, Route};
use crate::diff::Facet;
use crate::expr::{self, Expr, Op, Path, Segment};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is known ahead of every compilation for one kind of entity.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// The references behind the lookup of each kind of facet (domain, name) that stands apart.
    apart: BTreeMap<(String, String), Vec<String>>,
}

/// Facets that hold already and were left out of the drawing, because nothing in the plan could look at them.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// Each with its value, in the order of facets; each of a kind that stands apart.
    pub satisfied: Vec<(Facet, Value)>,
    /// The references that the wishes for these facets hang on.
    pub facts: BTreeSet<String>,
}

impl Ahead {
    /// What `declarations` say ahead for entities of `kind`.
    pub fn of(declarations: &Declarations, kind: &str) -> Self {
        let variants = || declarations.runbooks.values().flat_map(|runbook| runbook.variants.values());
        let nodes: BTreeSet<&AwfName> =
            variants().flat_map(|variant| &variant.nodes).map(|node| &node.awf).collect();
        let of_nodes = variants().flat_map(|variant| &variant.nodes).map(|node| &node.with);
        let bindings = declarations.routes.values().map(|route| &route.with).chain(of_nodes);
        let stated: BTreeSet<(String, String)> = bindings.flat_map(output::states).collect();
        let stands = |facet: &&FacetKind| {
            let name = (facet.domain.clone(), facet.name.clone());
            let changes = [Achieves::Create, Achieves::Update, Achieves::Remove];
            let mut routes = changes.iter().filter_map(|change| route(declarations, *change, facet));
            !stated.contains(&name) && routes.all(|route| !nodes.contains(&route.awf))
        };
        let behind = |facet: &FacetKind| {
            let name = (facet.domain.clone(), facet.name.clone());
            Some((name, behind(declarations, kind, facet)?))
        };
        Self { apart: declarations.facets.values().filter(stands).filter_map(behind).collect() }
    }

    /// The references behind the lookup of a kind of facet, if it stands apart.
    pub fn apart(&self, domain: &str, name: &str) -> Option<&[String]> {
        self.apart.get(&(domain.to_owned(), name.to_owned())).map(Vec::as_slice)
    }
}

fn route<'a>(declarations: &'a Declarations, change: Achieves, facet: &FacetKind) -> Option<&'a Route> {
    declarations.routes.get(&(change.word().to_owned(), facet.domain.clone(), facet.name.clone()))
}

/// The references that every lookup of the kind asks for; nothing where that hangs on the element or on another step.
fn behind(declarations: &Declarations, kind: &str, facet: &FacetKind) -> Option<Vec<String>> {
    let Some(route) = route(declarations, Achieves::Create, facet) else { return Some(Vec::new()) };
    let Some(contract) = declarations.contracts.get(&route.awf) else { return Some(Vec::new()) };
    let mut references = BTreeSet::new();
    for expr in contract.inputs.keys().filter_map(|name| route.with.get(name)) {
        if chooses(expr) {
            return None;
        }
        references.extend(expr::references(expr).into_iter().filter_map(|path| reference(path, kind)));
    }
    let bound = route.with.values().flat_map(expr::references);
    let of_others = bound.into_iter().any(|path| matches!(path.root.as_str(), "state" | "node"));
    (!of_others).then(|| references.into_iter().collect())
}

/// The name under which a footprint knows what stands at `path`.
fn reference(path: &Path, kind: &str) -> Option<String> {
    let first = path.first()?;
    match path.root.as_str() {
        root if root == kind => Some(format!("{root}.{first}")),
        "link" => Some(format!("link.{first}")),
        "setting" => {
            let attribute = |segment: &'_ Segment| match segment {
                Segment::Attr(name) => Some(name.clone()),
                Segment::Index(_) | Segment::Splat => None,
            };
            let words: Vec<String> = path.segments.iter().map_while(attribute).collect();
            Some(format!("setting.{}", words.join(".")))
        }
        _ => None,
    }
}

/// Whether what an expression looks at hangs on what it sees.
fn chooses(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) | Expr::Ref(_) => false,
        Expr::If(..) | Expr::Binary(Op::And | Op::Or, ..) => true,
        Expr::Not(inner) => chooses(inner),
        Expr::Binary(_, left, right) => chooses(left) || chooses(right),
        Expr::Call(_, items) | Expr::List(items) => items.iter().any(chooses),
        Expr::Object(members) => members.iter().any(|(_, member)| chooses(member)),
    }
}
