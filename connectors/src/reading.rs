//! Reads: pages of records.
//!
//! Invariants: a page is whole or it failed: one item without an id, or with an attribute of another type than declared,
//! fails the page, because a record left out would look like an object that is gone.

use crate::answer::Answer;
use crate::judge::{self, Bad};
use crate::model::{DeltaStyle, Manifest, Moment, Read};
use crate::scope::{Scope, coerce, scalar};
use crate::sought::Sought;
use crate::trail::Trail;
use crate::{date, listing, render};
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
            outputs: &NOTHING,
            trail,
            answer,
            item: None,
            // In a read of everything there is nothing to make it of.
            delta: self
                .read
                .delta
                .as_ref()
                .filter(|_| trail.page.since.is_some())
                .and_then(|delta| delta.since.as_ref()),
        }
    }

    /// The request at `trail`.
    pub(crate) fn request(&self, trail: &Trail) -> Result<Request, String> {
        let mut trail = trail.clone();
        listing::first(Some(&self.read.listing), &mut trail.page);
        let scope = self.scope(&trail, None);
        let linked = self.read.delta.as_ref().filter(|delta| delta.style == DeltaStyle::Link);
        match (linked, &trail.page.since) {
            (Some(_), Some(link)) => render::continued(&scope, &self.read.shape, link),
            _ => render::request(&scope, &self.read.shape),
        }
    }

    /// Where the next read of changes begins, once the last page was read.
    fn place(&self, scope: &Scope<'_>) -> Result<Option<String>, Outcome> {
        let Some(delta) = &self.read.delta else { return Ok(None) };
        let began = scope.trail.page.began;
        if let Some(next) = &delta.next {
            let place = scalar(&scope.value(next)).filter(|place| !place.is_empty());
            return match (place, delta.style) {
                (Some(place), _) => Ok(Some(place)),
                // A log that shows nothing new stays where it is.
                (None, DeltaStyle::Events) => Ok(scope.trail.page.since.clone()),
                (None, _) => {
                    Err(Outcome::Unknown("the last page does not say where the next read begins".to_owned()))
                }
            };
        }
        let ms = u64::try_from(began).unwrap_or_default().saturating_sub(delta.overlap_ms);
        Ok(Some(match delta.moment {
            Moment::Rfc3339 => date::rfc3339(ms),
            Moment::Date => date::rfc3339(ms)[..10].to_owned(),
            Moment::EpochSeconds => (ms / 1000).to_string(),
            Moment::EpochMillis => ms.to_string(),
        }))
    }

    /// What `answer` holds.
    pub(crate) fn page(&self, trail: &Trail, answer: &Answer<'_>) -> ReadPage {
        let mut trail = trail.clone();
        listing::first(Some(&self.read.listing), &mut trail.page);
        if trail.page.count == 0 {
            trail.page.began = i64::try_from(self.ask.at).unwrap_or(i64::MAX);
        }
        let reset = self.read.delta.as_ref().and_then(|delta| delta.reset.as_ref());
        let since = trail.page.since.is_some();
        if since && reset.is_some_and(|reset| self.scope(&trail, Some(answer)).holds(reset)) {
            return ReadPage::Reset;
        }
        self.records(&trail, answer).unwrap_or_else(ReadPage::Failed)
    }

    fn records(&self, trail: &Trail, answer: &Answer<'_>) -> Result<ReadPage, Outcome> {
        let scope = self.scope(trail, Some(answer));
        match judge::judge(&scope, answer, &self.read.rules, false) {
            Ok(()) => {}
            // The object that it was to be made for is gone: it has none. In the middle of a listing that is no answer to which
            // others there are: a cursor that is too old looks the same.
            Err(Bad { outcome: Outcome::Absent, own: true }) if trail.page.count == 0 => {
                return Ok(ReadPage::Records {
                    records: Vec::new(),
                    gone: Vec::new(),
                    next: None,
                    place: None,
                });
            }
            Err(bad) => return Err(bad.outcome),
        }
        let items = listing::items(&scope, &self.read.listing).map_err(Outcome::Unknown)?;
        let sought = Sought::of(self.read.matches.as_ref());
        if let Some(why) = sought.misplaced(&scope, &self.read.listing) {
            return Err(Outcome::Unknown(why));
        }
        let (mut records, mut gone) = (Vec::with_capacity(items.len()), Vec::new());
        for item in &items {
            let scope = scope.with_item(Some(item));
            if self.read.tombstone.as_ref().is_some_and(|tombstone| scope.holds(tombstone)) {
                gone.push(self.id(&scope).map_err(Outcome::Unknown)?);
            } else if sought.is_blank(item) {
                return Err(Outcome::Unknown(sought.why()));
            } else if self.read.matches.as_ref().is_none_or(|matches| scope.holds(matches)) {
                records.push(self.record(&scope).map_err(Outcome::Unknown)?);
            }
        }
        let sparse = self.read.delta.as_ref().is_some_and(|delta| delta.sparse);
        if sparse && trail.page.since.is_some() && !records.is_empty() {
            return Ok(ReadPage::Reset);
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
        let place = if next.is_none() { self.place(&scope)? } else { None };
        Ok(ReadPage::Records { records, gone, next, place })
    }

    fn id(&self, scope: &Scope<'_>) -> Result<String, String> {
        let id = scalar(&scope.value(&self.read.id)).filter(|id| !id.is_empty());
        id.ok_or_else(|| format!("an item of `{}` has no id", self.read.name))
    }

    fn record(&self, scope: &Scope<'_>) -> Result<Record, String> {
        let id = self.id(scope)?;
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
