//! Binding inputs: a literal, or an output of another step.
//!
//! Invariants: what is bound is of the declared type or the plan is refused; every attribute that was looked at is remembered,
//! because it becomes the footprint.

use super::{Compile, Lookup, Refused};
use crate::awf::{Achieves, Contract};
use crate::desire::Asked;
use crate::diff::Facet;
use crate::expr::{self, Expr, Known, Path};
use crate::fact::{Doubt, Observation, Proof, Reason};
use crate::value::{Value, Values};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A bound input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Literal(Value),
    /// An output of the step that creates this facet.
    OfFacet {
        domain: String,
        facet: String,
        output: String,
    },
    /// An output of the step of this node.
    OfNode {
        node: String,
        output: String,
    },
}

/// Binds the inputs of one step.
pub(super) struct Binder<'a> {
    pub(super) compile: &'a Compile<'a>,
    pub(super) facet: Option<(&'a Facet, &'a Values, &'a Value)>,
    pub(super) asked: RefCell<BTreeSet<String>>,
}

/// What a reference to another step's output comes to.
enum Provided {
    Value(Value),
    Pending(Bound),
    Unknown(Doubt),
    Nothing(String),
}

impl Binder<'_> {
    pub(super) fn lookup(&self, facet: &Facet, kind: Achieves) -> Result<Option<Lookup>, Observation<Value>> {
        let unexpected =
            |detail: String| Observation::Unknown(Doubt { reason: Reason::Unexpected, detail, since: 0 });
        let key = (kind.word().to_owned(), facet.domain.clone(), facet.name.clone());
        let declarations = self.compile.declarations;
        let route = declarations.routes.get(&key).ok_or_else(|| {
            unexpected(format!("no route says how to {} it, so nothing can look at it", kind.word()))
        })?;
        let contract = declarations.contracts.get(&route.awf);
        let contract = contract.filter(|contract| contract.snapshot).ok_or_else(|| {
            unexpected(format!("`{}` has no snapshot, so nothing can look at it", route.awf))
        })?;
        // What hangs on a facet that is not there is not there either; what hangs on one not yet seen waits for it.
        for reference in route.with.values().flat_map(expr::references).filter(|path| path.root == "state") {
            match self.state(reference) {
                Provided::Value(_) => {}
                Provided::Pending(_) => {
                    return Err(Observation::Absent(Proof::Implied { by: facet_of(reference) }));
                }
                Provided::Unknown(doubt) => return Err(Observation::Unknown(doubt)),
                Provided::Nothing(_) => return Ok(None),
            }
        }
        let bound = self.inputs(contract, &route.with).map_err(|why| {
            let detail = why.first().map_or_else(String::new, ToString::to_string);
            Observation::Unknown(Doubt { reason: Reason::Incomplete, detail, since: 0 })
        })?;
        let inputs = bound.into_iter().filter_map(|(name, bound)| match bound {
            Bound::Literal(value) => Some((name, value)),
            Bound::OfFacet { .. } | Bound::OfNode { .. } => None,
        });
        Ok(Some(Lookup { facet: facet.clone(), awf: route.awf.clone(), inputs: inputs.collect() }))
    }

    pub(super) fn inputs(
        &self,
        contract: &Contract,
        with: &BTreeMap<String, Expr>,
    ) -> Result<BTreeMap<String, Bound>, Vec<Refused>> {
        let mut inputs = BTreeMap::new();
        let mut refused = Vec::new();
        for (name, input) in &contract.inputs {
            let no_input = |why: &str| Refused::NoInput {
                awf: contract.name.to_string(),
                input: name.clone(),
                why: why.to_owned(),
            };
            let Some(expr) = with.get(name) else {
                if input.required {
                    refused.push(no_input("neither the route nor the node binds it"));
                }
                continue;
            };
            match self.bind(expr) {
                Ok(Bound::Literal(Value::Null)) if input.required => {
                    let what: Vec<_> = expr::references(expr).iter().map(ToString::to_string).collect();
                    refused.push(no_input(&format!("`{}` is absent", what.join("`, `"))));
                }
                Ok(Bound::Literal(Value::Null)) => {}
                Ok(Bound::Literal(value)) if !value.is(&input.is) => refused.push(Refused::WrongInput {
                    awf: contract.name.to_string(),
                    input: name.clone(),
                    expected: input.is.to_string(),
                    value: if input.personal { value.type_name().to_owned() } else { value.to_string() },
                }),
                Ok(bound) => drop(inputs.insert(name.clone(), bound)),
                Err(why) => refused.push(no_input(&why)),
            }
        }
        if refused.is_empty() { Ok(inputs) } else { Err(refused) }
    }

    fn bind(&self, expr: &Expr) -> Result<Bound, String> {
        if let Expr::Ref(path) = expr {
            let provided = match path.root.as_str() {
                "state" => Some(self.state(path)),
                "node" => Some(node(path)),
                _ => None,
            };
            match provided {
                Some(Provided::Value(value)) => return Ok(Bound::Literal(value)),
                Some(Provided::Pending(bound)) => return Ok(bound),
                Some(Provided::Unknown(doubt)) => return Err(doubt.to_string()),
                Some(Provided::Nothing(why)) => return Err(why),
                None => {}
            }
        }
        let scope = |path: &Path| self.known(path);
        match expr::eval(expr, &scope) {
            Known::Value(value) => Ok(Bound::Literal(value)),
            Known::Unknown(what) => {
                let what: Vec<_> = what.into_iter().collect();
                Err(format!("`{}` is unknown or not there yet", what.join("`, `")))
            }
        }
    }

    fn known(&self, path: &Path) -> Known {
        match (path.root.as_str(), self.facet) {
            ("facet", Some((facet, object, value))) => match path.first() {
                Some("value") => Known::Value(path.follow(1, value)),
                Some("key") => Known::Value(facet.element.as_deref().map_or(Value::Null, Value::from)),
                Some(name) => {
                    Known::Value(object.get(name).map_or(Value::Null, |inner| path.follow(1, inner)))
                }
                None => Known::Value(Value::Null),
            },
            ("facet", None) => Known::Value(Value::Null),
            ("state" | "node", _) => match if path.root == "state" { self.state(path) } else { node(path) } {
                Provided::Value(value) => Known::Value(value),
                _ => Known::Unknown([path.to_string()].into()),
            },
            _ => {
                let scope = Asked {
                    declarations: self.compile.declarations,
                    subject: self.compile.subject,
                    settings: &self.compile.desire.settings,
                    seen: RefCell::default(),
                };
                let known = expr::Scope::lookup(&scope, path);
                self.asked.borrow_mut().extend(scope.seen.take());
                known
            }
        }
    }

    /// `state.<domain>.<facet>.<output>`: what the object behind a facet shows, or will show once its step has run.
    fn state(&self, path: &Path) -> Provided {
        let mut words = path.segments.iter().filter_map(|segment| match segment {
            expr::Segment::Attr(name) => Some(name.as_str()),
            _ => None,
        });
        let (Some(domain), Some(name), Some(output)) = (words.next(), words.next(), words.next()) else {
            return Provided::Nothing(format!("`{path}` is not `state.<domain>.<facet>.<output>`"));
        };
        // What xops granted and nothing wants any more can still be looked at: its removal hangs on it.
        let known = self.compile.desire.wants.keys().chain(self.compile.granted.keys());
        let wanted = known.into_iter().find(|facet| facet.domain == domain && facet.name == name);
        let Some(facet) = wanted else {
            return Provided::Nothing(format!("no outcome that applies wants `{domain}.{name}`"));
        };
        match self.compile.seen.get(facet) {
            None => Provided::Nothing(format!("nothing has looked at `{facet}` yet")),
            Some(sighting) => match &sighting.seen {
                Observation::Present(_) => sighting.outputs.get(output).map_or_else(
                    || Provided::Nothing(format!("`{facet}` is there but does not show `{output}`")),
                    |value| Provided::Value(path.follow(3, value)),
                ),
                Observation::Absent(_) => Provided::Pending(Bound::OfFacet {
                    domain: domain.to_owned(),
                    facet: name.to_owned(),
                    output: output.to_owned(),
                }),
                Observation::Unknown(doubt) => Provided::Unknown(doubt.clone()),
            },
        }
    }
}

/// `node.<name>.<output>`.
fn node(path: &Path) -> Provided {
    match path.segments.as_slice() {
        [expr::Segment::Attr(node), expr::Segment::Attr(output)] => {
            Provided::Pending(Bound::OfNode { node: node.clone(), output: output.clone() })
        }
        _ => Provided::Nothing(format!("`{path}` is not `node.<name>.<output>`")),
    }
}

fn facet_of(path: &Path) -> String {
    let words: Vec<_> = path
        .segments
        .iter()
        .take(2)
        .filter_map(|segment| match segment {
            expr::Segment::Attr(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    words.join(".")
}
