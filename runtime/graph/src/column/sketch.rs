//! Sketches: what differs for one entity, and the digest of everything that a plan for it is drawn from.
//!
//! Absent: rules of difference of its own: what is not equal by number is judged by `xops_kernel::diff`, and a change is made
//! there or nowhere. Invariants: two sketches with one digest draw one plan; the order in which readings arrived does not
//! show; a sketch takes nothing from an entity that no outcome is for.

use super::class::{SLOT, Wanted};
use super::{Cell, Columns, Ground, Row};
use std::ops::Range;
use xops_kernel::canon::Canon;
use xops_kernel::desire::Undesired;
use xops_kernel::diff::{Difference, Facet};
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::value::Value;

/// For how many rows memory is asked at once.
const AHEAD: usize = 16;
/// How many bytes of memory come at once.
const LINE: usize = 64;

/// What differs for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The entity.
    pub entity: EntityId,
    /// Its digest, under the tenant's key: what the outcomes looked at, and every change by value.
    pub digest: Digest,
    /// What has to change and what cannot be judged, each in the order of facets; `satisfied` is empty.
    pub difference: Difference,
    /// How many wishes hold already.
    pub holds: u32,
    /// Why nothing can be wanted of it, if so.
    pub refused: Vec<Undesired>,
}

impl Sketch {
    /// Whether there is nothing to do and nothing in doubt.
    pub fn is_quiet(&self) -> bool {
        self.difference.changes.is_empty() && self.difference.blocked.is_empty() && self.refused.is_empty()
    }
}

impl Columns {
    /// The sketch of one entity, if it has a row.
    pub fn sketch(&self, entity: EntityId) -> Option<Sketch> {
        let row = self.places.get(&entity)?;
        Some(self.sketch_row(*row as usize))
    }

    /// The sketches of a range of the rows `0..len()`, in no order that means anything: ranges may be asked for side by side.
    pub fn sketches(&self, rows: Range<usize>) -> impl Iterator<Item = Sketch> {
        let Range { start, end } = rows;
        rows.map(move |row| {
            if (row - start).is_multiple_of(AHEAD) {
                self.warm(row..(row + AHEAD).min(end));
            }
            self.sketch_row(row)
        })
    }

    /// Asks for what the sketches of some rows look at, so that memory is waited for once for all of them and not for one after the other.
    fn warm(&self, rows: Range<usize>) {
        let width = self.width();
        let touched = rows.fold(0, |all, at| {
            let row = &self.rows[at];
            let class = self.classes.get(row.class);
            let cells = row.cells.iter().step_by(LINE / size_of::<Cell>()).map(|cell| cell.facet);
            let wants = class.wants.iter().step_by(LINE / size_of::<Wanted>()).map(|want| want.facet);
            let slots = &self.codes[at * width..][self.classes.program.slots_from..width];
            let values = slots.iter().filter_map(|code| code.checked_sub(super::class::FIRST));
            let texts = values.filter_map(|value| self.numbers.values.get(value).as_text()?.bytes().next());
            let touched = cells.chain(wants).chain(texts.map(u32::from)).fold(all, |all, one| all ^ one);
            touched ^ u32::from(class.digest.0[0])
        });
        std::hint::black_box(touched);
    }

    /// The digest of all of `sketches`: that of each, in the order of entities.
    pub fn digest_of(&self, sketches: &mut [(EntityId, Digest)]) -> Digest {
        sketches.sort_unstable_by_key(|(entity, _)| *entity);
        let mut out = Canon::new("xops sketches 1");
        out.text(&self.kind);
        out.all(sketches.iter(), |out, (entity, digest)| {
            out.raw(&entity.0).raw(&digest.0);
        });
        out.keyed_digest(&self.key)
    }

    fn sketch_row(&self, at: usize) -> Sketch {
        let row = &self.rows[at];
        let class = self.classes.get(row.class);
        let mut difference = Difference::default();
        let mut holds = 0;
        let mut cells = row.cells.iter().peekable();
        for want in class.wants {
            while cells.peek().is_some_and(|cell| cell.facet < want.facet) {
                cells.next();
            }
            let cell = cells.peek().filter(|cell| cell.facet == want.facet);
            if cell.is_some_and(|cell| cell.value == self.wanted(at, *want)) {
                holds += 1;
            } else {
                let facet = self.facet(row.entity, want.facet);
                let value = self.numbers.values.get(self.wanted(at, *want));
                difference.want(&facet, value, self.seen(at, want.facet, cell.copied()).as_ref());
            }
        }
        if !class.outcomes.is_empty() {
            for facet in self.losable(row, class.wants) {
                let cell = row.cells.binary_search_by_key(&facet, |cell| cell.facet).ok();
                let seen = self.seen(at, facet, cell.map(|at| &row.cells[at]));
                difference.lose(&self.facet(row.entity, facet), seen.as_ref());
            }
        }
        difference.changes.sort_by(|one, other| one.facet().cmp(other.facet()));
        difference.blocked.sort_by(|one, other| one.facet.cmp(&other.facet));
        let digest = self.digest_row(at, &difference);
        Sketch { entity: row.entity, digest, difference, holds, refused: class.refused.to_vec() }
    }

    /// The facets that nothing wants and that may be taken back: what xops granted, and what stands in an exclusive kind.
    pub(super) fn losable(&self, row: &Row, wants: &[Wanted]) -> Vec<u32> {
        let unwanted = |facet: &u32| wants.binary_search_by_key(facet, |want| want.facet).is_err();
        let mut facets: Vec<u32> = row.granted.iter().copied().filter(unwanted).collect();
        if self.any_exclusive {
            let exclusive = |facet: &u32| self.exclusive[self.numbers.facets.get(*facet).0 as usize];
            facets.extend(row.cells.iter().map(|cell| cell.facet).filter(exclusive).filter(unwanted));
            facets.sort_unstable();
            facets.dedup();
        }
        facets
    }

    /// The number of the value that is wanted of a row.
    pub(super) fn wanted(&self, row: usize, want: Wanted) -> u32 {
        if want.value & SLOT == 0 {
            return want.value;
        }
        let input = (want.value & !SLOT) as usize;
        self.codes[row * self.width() + input].saturating_sub(super::class::FIRST)
    }

    /// What is known of a facet of a row; `None` where nothing looks at it.
    pub(super) fn seen(&self, row: usize, facet: u32, cell: Option<&Cell>) -> Option<Observation<Value>> {
        if let Some(cell) = cell {
            return Some(Observation::Present(self.numbers.values.get(cell.value).clone()));
        }
        self.ground(row, self.view_of[self.numbers.facets.get(facet).0 as usize]? as usize)
    }

    /// What holds for the facets of a view that are not there.
    pub(super) fn ground(&self, row: usize, view: usize) -> Option<Observation<Value>> {
        let ground = self.ground_list.get(self.grounds[row * self.views.len() + view] as usize)?;
        Some(match ground {
            Ground::Absent(proof) => Observation::Absent(proof.clone()),
            Ground::Unknown(doubt) => Observation::Unknown(doubt.clone()),
        })
    }

    /// What is wanted is named by the class and the slots, what is seen by what differs from it: the rest is as wanted.
    fn digest_row(&self, at: usize, difference: &Difference) -> Digest {
        let row = &self.rows[at];
        let mut out = Canon::new("xops sketch 1");
        out.raw(&row.entity.0).raw(&self.classes.get(row.class).digest.0);
        let width = self.width();
        let codes = &self.codes[at * width..][..width];
        for code in &codes[self.classes.program.slots_from..] {
            match code.checked_sub(super::class::FIRST) {
                Some(number) => out.tag(1).value(self.numbers.values.get(number)),
                None => out.tag(0),
            };
        }
        out.all(difference.changes.iter(), |out, change| change.canon(out));
        out.all(difference.blocked.iter(), |out, blocked| {
            blocked.facet.canon(out);
            out.text(blocked.doubt.reason.word());
        });
        out.keyed_digest(&self.key)
    }

    /// The doubt of a facet that nothing looks at.
    pub(super) fn unseen(facet: &Facet) -> Doubt {
        Doubt { reason: Reason::NeverRead, detail: format!("no view shows `{facet}`"), since: 0 }
    }
}
