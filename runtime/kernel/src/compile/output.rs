//! Outputs of other steps: what `state.<domain>.<facet>.<output>` and `node.<name>.<output>` come to, and what can be looked
//! at before they are there.
//!
//! Invariants: a step that is not in the plan gives nothing. A facet that holds already shows its outputs in the lookup; one
//! that is absent and that no step creates is gone, and says so.

use super::bind::{Binder, Bound};
use super::draft::{self, Book};
use super::{Compile, Lookup};
use crate::awf::{Achieves, AwfName};
use crate::declare::Node;
use crate::diff::Facet;
use crate::expr::{self, Expr, Path, Segment};
use crate::fact::{Doubt, Observation, Proof, Reason};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a reference to another step's output comes to.
pub(super) enum Provided {
    Value(Value),
    Pending(Bound),
    /// This facet is absent, and nothing wants it.
    Gone(String),
    /// Nothing has looked at this facet yet.
    Unseen(String),
    Unknown(Doubt),
    Nothing(String),
}

impl Binder<'_> {
    /// What the path comes to, if it refers to an output of another step.
    pub(super) fn provided(&self, path: &Path) -> Option<Provided> {
        match path.root.as_str() {
            "state" => Some(self.state(path)),
            "node" => Some(self.node(path)),
            _ => None,
        }
    }

    /// `state.<domain>.<facet>.<output>`: what the object behind a facet shows, or will show once its step has run.
    fn state(&self, path: &Path) -> Provided {
        let Some([domain, name, output]) = attributes(path) else {
            return Provided::Nothing(format!("`{path}` is not `state.<domain>.<facet>.<output>`"));
        };
        match known_facets(self.compile).find(|facet| facet.domain == domain && facet.name == name) {
            None => Provided::Nothing(format!("no outcome that applies wants `{domain}.{name}`")),
            Some(facet) => self.sighted(facet, path, 3, output, || Bound::OfFacet {
                domain: domain.to_owned(),
                facet: name.to_owned(),
                output: output.to_owned(),
            }),
        }
    }

    /// An output of the object behind `facet`, or `pending` if a step of this plan creates it.
    fn sighted(
        &self,
        facet: &Facet,
        path: &Path,
        from: usize,
        output: &str,
        pending: impl FnOnce() -> Bound,
    ) -> Provided {
        match self.compile.seen.get(facet).map(|sighting| (&sighting.seen, &sighting.outputs)) {
            None => Provided::Unseen(facet.to_string()),
            Some((Observation::Present(_), outputs)) => outputs.get(output).map_or_else(
                || Provided::Nothing(format!("`{facet}` is there but does not show `{output}`")),
                |value| {
                    self.shown.borrow_mut().insert(facet.clone());
                    Provided::Value(path.follow(from, value))
                },
            ),
            Some((Observation::Absent(_), _)) if self.compile.desire.wants.contains_key(facet) => {
                Provided::Pending(pending())
            }
            Some((Observation::Absent(_), _)) => Provided::Gone(facet.to_string()),
            Some((Observation::Unknown(doubt), _)) => Provided::Unknown(doubt.clone()),
        }
    }

    /// `node.<name>.<output>`: what the step of a node gives. A node whose change is already true has no step, and its object
    /// shows the output.
    fn node(&self, path: &Path) -> Provided {
        let (Some([name, output]), Some(book_at)) = (attributes(path), self.book) else {
            return Provided::Nothing(format!(
                "`{path}` is not `node.<name>.<output>` of the node's own runbook"
            ));
        };
        let node = self.books[book_at].variant.nodes.iter().find(|node| node.name == name);
        let achieves =
            node.and_then(|node| Some((node, self.compile.declarations.contracts.get(&node.awf)?)));
        let Some((node, contract)) = achieves else {
            return Provided::Nothing(format!("the runbook has no node `{name}`"));
        };
        let pending = || Bound::OfNode { book: book_at, node: name.to_owned(), output: output.to_owned() };
        let facets: Vec<&Facet> = match contract.achieves {
            None => return Provided::Pending(pending()),
            Some(kind) => self.of_node(node, kind).collect(),
        };
        match facets[..] {
            [facet] => self.sighted(facet, path, 2, output, pending),
            [] => {
                Provided::Nothing(format!("node `{name}` has nothing to achieve, so it gives no `{output}`"))
            }
            _ => Provided::Nothing(format!(
                "node `{name}` has a step for each of {} elements, so there is no one `{output}`",
                facets.len()
            )),
        }
    }

    /// The wanted facets that a node is for.
    fn of_node(&self, node: &Node, kind: Achieves) -> impl Iterator<Item = &Facet> {
        let routes = &self.compile.declarations.routes;
        self.compile.desire.wants.keys().filter(move |facet| {
            let key = (kind.word().to_owned(), facet.domain.clone(), facet.name.clone());
            routes.get(&key).is_some_and(|route| route.awf == node.awf)
        })
    }

    /// The lookup that shows `facet`; `None` where it waits for another one; `Err` where it follows without one.
    pub(super) fn lookup(&self, facet: &Facet, kind: Achieves) -> Result<Option<Lookup>, Observation<Value>> {
        let unexpected =
            |detail: String| Observation::Unknown(Doubt { reason: Reason::Unexpected, detail, since: 0 });
        let (awf, with) = to_look(self.compile, self.books, facet, kind).ok_or_else(|| {
            unexpected(format!("no route says how to {} it, so nothing can look at it", kind.word()))
        })?;
        let contract = self.compile.declarations.contracts.get(awf);
        let contract = contract
            .ok_or_else(|| unexpected(format!("`{awf}` is in no manifest, so nothing can look at it")))?;
        if !contract.snapshot {
            return Err(unexpected(format!("`{awf}` has no snapshot, so nothing can look at it")));
        }
        // What hangs on a facet that is not there is not there either; what hangs on one not yet seen waits for it.
        for reference in with.values().flat_map(expr::references) {
            match self.provided(reference) {
                None | Some(Provided::Value(_)) => {}
                Some(Provided::Pending(Bound::OfFacet { domain, facet, .. })) => {
                    return Err(Observation::Absent(Proof::Implied { by: format!("{domain}.{facet}") }));
                }
                Some(Provided::Gone(by)) => return Err(Observation::Absent(Proof::Implied { by })),
                Some(Provided::Pending(_)) => {
                    return Err(unexpected(format!(
                        "`{reference}` is known only once its step has run, so nothing can look at it before"
                    )));
                }
                Some(Provided::Unseen(_)) => return Ok(None),
                Some(Provided::Unknown(doubt)) => return Err(Observation::Unknown(doubt)),
                Some(Provided::Nothing(why)) => return Err(unexpected(why)),
            }
        }
        let bound = self.inputs(contract, &with).map_err(|why| {
            let detail = why.first().map_or_else(String::new, ToString::to_string);
            Observation::Unknown(Doubt { reason: Reason::Incomplete, detail, since: 0 })
        })?;
        let inputs = bound.into_iter().filter_map(|(name, bound)| match bound {
            Bound::Literal(value) => Some((name, value)),
            Bound::OfFacet { .. } | Bound::OfNode { .. } => None,
        });
        Ok(Some(Lookup { facet: facet.clone(), awf: awf.clone(), inputs: inputs.collect() }))
    }
}

/// The facets that can be looked at: what is wanted, what other outcomes want, what xops granted.
fn known_facets<'a>(compile: &'a Compile<'_>) -> impl Iterator<Item = &'a Facet> {
    let desire = compile.desire;
    desire.wants.keys().chain(desire.others.keys()).chain(compile.granted.keys())
}

/// The AWF whose lookup shows `facet`, with the bindings of its inputs: the node's where there is one. What a node binds to the
/// output of another is not known before that one has run; there the lookup goes by the route.
pub(super) fn to_look<'a>(
    compile: &Compile<'a>,
    books: &[Book<'a>],
    facet: &Facet,
    kind: Achieves,
) -> Option<(&'a AwfName, BTreeMap<String, Expr>)> {
    let route = draft::route(compile, facet, kind)?;
    let mut with = route.with.clone();
    let node = draft::find_node(books, &route.awf).map(|(book, node)| &books[book].variant.nodes[node]);
    let known = |expr: &Expr| expr::references(expr).iter().all(|path| path.root != "node");
    let bound = node.iter().flat_map(|node| &node.with).filter(|(_, expr)| known(expr));
    with.extend(bound.map(|(name, expr)| (name.clone(), expr.clone())));
    Some((&route.awf, with))
}

/// The kinds of facet (domain, name) whose state the bindings refer to.
pub(super) fn states(with: &BTreeMap<String, Expr>) -> BTreeSet<(String, String)> {
    let paths = with.values().flat_map(expr::references).filter(|path| path.root == "state");
    paths
        .filter_map(|path| attributes(path).map(|[domain, name]| (domain.to_owned(), name.to_owned())))
        .collect()
}

/// The first attributes of a path, if it has so many.
fn attributes<const N: usize>(path: &Path) -> Option<[&str; N]> {
    let mut words = [""; N];
    for (word, segment) in words.iter_mut().zip(path.segments.get(..N)?) {
        let Segment::Attr(name) = segment else { return None };
        *word = name;
    }
    Some(words)
}
