//! Reads: pages of records.
//!
//! Invariants: a page is whole or it failed: one item without an id, or with an attribute of another type than declared,
//! fails the page, because a record left out would look like an object that is gone.

use crate::answer::Answer;
use crate::judge::{self, Bad};
use crate::listing;
use crate::model::{Manifest, Read};
use crate::scope::{Scope, coerce, scalar};
use crate::trail::Trail;
use xops_kernel::port::{Outcome, ReadAsk, ReadPage, Request};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::{Value, Values};

/// A read under way.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) read: &'a Read,
    pub(crate) config: &'a Values,
    pub(crate) inputs: &'a Values,
    pub(crate) ask: &'a ReadAsk<'a>,
}

static NOTHING: Values = Values::new();

impl<'a> Reading<'a> {
    fn scope(&self, trail: &'a Trail, answer: Option<&'a Answer<'a>>) -> Scope<'a> {
        Scope {
            manifest: self.manifest,
            config: self.config,
            inputs: self.inputs,
            key: "",
            snapshot: &NOTHING,
            trail,
            answer,
            item: None,
        }
    }

    /// The request at `trail`.
    pub(crate) fn request(&self, trail: &Trail) -> Result<Request, String> {
        crate::render::request(&self.scope(trail, None), &self.read.shape)
    }

    /// What `answer` holds.
    pub(crate) fn page(&self, trail: &Trail, answer: &Answer<'_>) -> ReadPage {
        self.records(trail, answer).unwrap_or_else(ReadPage::Failed)
    }

    fn records(&self, trail: &Trail, answer: &Answer<'_>) -> Result<ReadPage, Outcome> {
        let scope = self.scope(trail, Some(answer));
        match judge::judge(&scope, answer, &self.read.rules, false) {
            Ok(()) => {}
            // The object that it was to be made for is gone: it has none.
            Err(Bad { outcome: Outcome::Absent, own: true }) => {
                return Ok(ReadPage::Records { records: Vec::new(), next: None });
            }
            Err(bad) => return Err(bad.outcome),
        }
        let items = listing::items(&scope, &self.read.listing).map_err(Outcome::Unknown)?;
        let mut records = Vec::with_capacity(items.len());
        for item in &items {
            let scope = scope.with_item(Some(item));
            if self.read.matches.as_ref().is_none_or(|matches| scope.holds(matches)) {
                records.push(self.record(&scope).map_err(Outcome::Unknown)?);
            }
        }
        let next = listing::next(&scope, &self.read.listing, items.len());
        let next = match next.map_err(Outcome::Unknown)? {
            None => None,
            Some((place, how)) => {
                let trail = Trail { page: place, ..trail.clone() };
                let request =
                    how.request(&self.scope(&trail, None), &self.read.shape).map_err(Outcome::Unknown)?;
                Some((Box::new(request), trail.write()))
            }
        };
        Ok(ReadPage::Records { records, next })
    }

    fn record(&self, scope: &Scope<'_>) -> Result<Record, String> {
        let id = scalar(&scope.value(&self.read.id)).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| format!("an item of `{}` has no id", self.read.name))?;
        let mut attributes = Values::new();
        for (name, (is, expr)) in &self.read.attributes {
            let value = scope.value(expr);
            if value.is_null() || value == Value::Text(String::new()) {
                continue;
            }
            let value =
                coerce(value, is).map_err(|why| format!("`{name}` of {} `{id}` {why}", self.read.kind))?;
            attributes.insert(name.clone(), value);
        }
        let version = self.read.version.as_ref().and_then(|version| scalar(&scope.value(version)));
        let source = Source { system: self.manifest.name.clone(), kind: self.read.kind.clone(), id, version };
        Ok(Record { source, attributes, read_at: self.ask.at, principal: self.ask.principal.to_owned() })
    }
}
