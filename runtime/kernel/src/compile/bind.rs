//! Binding inputs: a literal, or an output of another step.
//!
//! Invariants: what is bound is of the declared type or the plan is refused; every attribute that was looked at is remembered,
//! because it becomes the footprint; an output is bound only where the step that gives it is in the plan: what is there already
//! is bound as the lookup showed it.
//!
//! `output.rs` finds what a reference to another step's output comes to.

use super::draft::Book;
use super::output::Provided;
use super::{Compile, Refused};
use crate::awf::Contract;
use crate::desire::Asked;
use crate::diff::Facet;
use crate::expr::{self, Expr, Known, Path};
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
    /// An output of the step of this node of this runbook.
    OfNode {
        book: usize,
        node: String,
        output: String,
    },
}

/// Binds the inputs of one step.
pub(super) struct Binder<'a> {
    pub(super) compile: &'a Compile<'a>,
    pub(super) books: &'a [Book<'a>],
    /// The runbook whose nodes `node.*` names, by position.
    pub(super) book: Option<usize>,
    pub(super) facet: Option<(&'a Facet, &'a Values, &'a Value)>,
    /// The facts that were looked at.
    pub(super) asked: RefCell<BTreeSet<String>>,
    /// The facets whose sightings gave an output.
    pub(super) shown: RefCell<BTreeSet<Facet>>,
}

impl Binder<'_> {
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
        if let Expr::Ref(path) = expr
            && let Some(provided) = self.provided(path)
        {
            return match provided {
                Provided::Value(value) => Ok(Bound::Literal(value)),
                Provided::Pending(bound) => Ok(bound),
                Provided::Gone(facet) => Err(format!("`{facet}` is absent, and no step creates it")),
                Provided::Unseen(facet) => Err(format!("nothing has looked at `{facet}` yet")),
                Provided::Unknown(doubt) => Err(doubt.to_string()),
                Provided::Nothing(why) => Err(why),
            };
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
            _ => match self.provided(path) {
                Some(Provided::Value(value)) => Known::Value(value),
                Some(_) => Known::Unknown([path.to_string()].into()),
                None => self.fact(path),
            },
        }
    }

    fn fact(&self, path: &Path) -> Known {
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
