//! Lookups: what an answer shows of a facet, and whether another question follows.
//!
//! Invariants: absence is seen in a good answer that says so, in an answer that one of the lookup's own rules reads so, or
//! at the end of a complete listing; a page that fails, a listing cut short and an answer that nobody declared are never an
//! absence. Nor is a listing with an item that lacks every member by which the lookup tells its object. A lookup that is not authoritative proves nothing by not finding.

use crate::answer::Answer;
use crate::judge::{self, Bad};
use crate::listing;
use crate::model::{Listing, Lookup, Manifest};
use crate::render;
use crate::scope::Scope;
use crate::sought::Sought;
use crate::trail::{Page as Place, Trail};
use xops_kernel::fact::{Doubt, Observation, Proof, Reason};
use xops_kernel::port::{Outcome, Page, Request, Sighting};
use xops_kernel::value::{Value, Values};

/// The greatest number of lookups that go on from one another.
pub(crate) const HOPS_MAX: i64 = 4;

/// A lookup under way.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) lookup: &'a Lookup,
    pub(crate) config: &'a Values,
    pub(crate) inputs: &'a Values,
    pub(crate) key: &'a str,
    pub(crate) snapshot: &'a Values,
}

static NOTHING: Values = Values::new();

impl<'a> Question<'a> {
    fn scope(&self, trail: &'a Trail, answer: Option<&'a Answer<'a>>) -> Scope<'a> {
        Scope {
            manifest: self.manifest,
            config: self.config,
            inputs: self.inputs,
            key: self.key,
            snapshot: self.snapshot,
            outputs: &NOTHING,
            trail,
            answer,
            item: None,
            delta: None,
        }
    }

    /// The request at `trail`.
    pub(crate) fn request(&self, trail: &Trail) -> Result<Request, String> {
        let mut trail = trail.clone();
        listing::first(self.lookup.listing.as_ref(), &mut trail.page);
        render::request(&self.scope(&trail, None), &self.lookup.shape)
    }

    /// What `answer` shows.
    pub(crate) fn sight(&self, trail: Trail, answer: &Answer<'_>) -> Page {
        self.read(trail, answer).unwrap_or_else(Page::Failed)
    }

    fn read(&self, mut trail: Trail, answer: &Answer<'_>) -> Result<Page, Outcome> {
        let before = trail.clone();
        let scope = self.scope(&before, Some(answer));
        for (name, _) in &self.lookup.gather {
            trail.gather(name, Value::Null).map_err(Outcome::Unknown)?;
        }
        match judge::judge(&scope, answer, &self.lookup.rules, false) {
            Ok(()) => {}
            Err(Bad { outcome: Outcome::Absent, own: true }) => {
                return Ok(Page::Over(self.absent(trail, &scope)));
            }
            Err(bad) => return Err(bad.outcome),
        }
        if self.lookup.absent.as_ref().is_some_and(|absent| scope.holds(absent)) {
            return Ok(Page::Over(self.absent(trail, &scope)));
        }
        match &self.lookup.listing {
            Some(listing) => self.read_listing(trail, &scope, listing),
            None if self.lookup.present.as_ref().is_none_or(|present| scope.holds(present)) => {
                self.found(&mut trail, &scope)?;
                self.close(trail, &scope)
            }
            None => Ok(Page::Over(Self::unknown(trail, judge::detail(&scope, answer)))),
        }
    }

    fn read_listing(&self, mut trail: Trail, scope: &Scope<'_>, listing: &Listing) -> Result<Page, Outcome> {
        let items = listing::items(scope, listing).map_err(Outcome::Unknown)?;
        let sought = Sought::of(self.lookup.matches.as_ref());
        trail.unread = trail.unread.take().or_else(|| sought.misplaced(scope, listing));
        let mut seen = None;
        for item in &items {
            let scope = scope.with_item(Some(item));
            if sought.is_blank(item) {
                trail.unread.get_or_insert_with(|| sought.why());
                continue;
            }
            for (name, expr) in &self.lookup.gather {
                trail.gather(name, scope.value(expr)).map_err(Outcome::Unknown)?;
            }
            let meant = self.lookup.matches.as_ref().is_none_or(|matches| scope.holds(matches));
            if meant && seen.is_none() && trail.found.is_none() {
                seen = Some(item);
                let present = self.lookup.present.as_ref().is_none_or(|present| scope.holds(present));
                if !present {
                    let why = "the object is listed, but not as the lookup expects it".to_owned();
                    return Ok(Page::Over(Self::unknown(trail, why)));
                }
                self.found(&mut trail, &scope)?;
            }
        }
        let done = trail.found.is_some() && self.lookup.gather.is_empty();
        let next = listing::next(scope, listing, items.len()).map_err(Outcome::Unknown)?;
        if let Some((place, how)) = next.filter(|_| !done) {
            trail.page = place;
            let request =
                how.request(&self.scope(&trail, None), &self.lookup.shape).map_err(Outcome::Unknown)?;
            return Ok(Page::More(Box::new(request), trail.write()));
        }
        if trail.found.is_some() {
            return self.close(trail, &scope.with_item(seen));
        }
        if let Some(why) = trail.unread.take() {
            return Ok(Page::Over(Self::unknown(trail, why)));
        }
        match &self.lookup.present {
            None => Ok(Page::Over(self.absent(trail, scope))),
            // The answer itself says that it is there; the items only say more of it.
            Some(present) if scope.holds(present) => {
                self.found(&mut trail, scope)?;
                self.close(trail, scope)
            }
            Some(_) => {
                let why = "the answer neither shows the object nor says that it is absent".to_owned();
                Ok(Page::Over(Self::unknown(trail, why)))
            }
        }
    }

    /// Notes what `scope` shows of the object.
    fn found(&self, trail: &mut Trail, scope: &Scope<'_>) -> Result<(), Outcome> {
        trail.outputs.extend(scope.values(&self.lookup.outputs));
        if let Some((value, is)) = &self.lookup.value {
            let value = judge::facet_value(scope.value(value), is);
            trail.found = Some(value.map_err(Outcome::Unknown)?);
        } else if trail.found.is_none() {
            trail.found = Some(Value::from("present"));
        }
        if let Some(marker) = self.lookup.marker.as_ref().map(|marker| scope.value(marker)) {
            trail.marker = marker.as_text().map(str::to_owned).or(trail.marker.take());
        }
        Ok(())
    }

    /// Ends the lookup, or goes on to the next of its chain where that has all it is to be told.
    fn close(&self, mut trail: Trail, scope: &Scope<'_>) -> Result<Page, Outcome> {
        if let Some((name, told)) = &self.lookup.then {
            let values = scope.values(told);
            let next = self.manifest.lookups.get(name).filter(|_| values.len() == told.len());
            if let Some(next) = next {
                trail.hops += 1;
                if trail.hops >= HOPS_MAX {
                    return Err(Outcome::Unknown(format!(
                        "more than {HOPS_MAX} lookups go on from one another"
                    )));
                }
                trail.hop = Some(name.clone());
                trail.page = Place::default();
                trail.kept.extend(values);
                let question = Question { lookup: next, ..*self };
                let request = question.request(&trail).map_err(Outcome::Unknown)?;
                return Ok(Page::More(Box::new(request), trail.write()));
            }
        }
        let value = trail.found.take().unwrap_or_default();
        Ok(Page::Over(sighting(trail, Observation::Present(value))))
    }

    /// What is not there may still show what has to be known to make it: the version of the list that lacks it.
    fn absent(&self, mut trail: Trail, scope: &Scope<'_>) -> Sighting {
        trail.outputs.extend(scope.with_item(None).values(&self.lookup.outputs));
        if !self.lookup.authoritative {
            let detail = format!("the lookup `{}` did not find it, which proves nothing", self.lookup.name);
            return sighting(
                trail,
                Observation::Unknown(Doubt { reason: Reason::Incomplete, detail, since: 0 }),
            );
        }
        let proof = Proof::Lookup { system: self.manifest.name.clone(), lookup: self.lookup.name.clone() };
        sighting(trail, Observation::Absent(proof))
    }

    fn unknown(trail: Trail, detail: String) -> Sighting {
        sighting(trail, Observation::Unknown(Doubt { reason: Reason::Unexpected, detail, since: 0 }))
    }
}

fn sighting(trail: Trail, seen: Observation<Value>) -> Sighting {
    let mut outputs = trail.outputs;
    outputs.extend(trail.gathered);
    Sighting { seen, outputs, marker: trail.marker }
}
