//! Rows: the records of one scope, found by their ids in one probe and told in the order of ids.
//!
//! Invariant: once they are settled, the order names every row once, ascending by id. Whoever adds rows settles them.

use crate::finder::Finder;
use crate::table::Row;
use xops_kernel::canon::DigestKey;

/// Rows by source id.
#[derive(Clone)]
pub(crate) struct Rows {
    places: Finder<u32>,
    held: Vec<Option<(Box<str>, Row)>>,
    free: Vec<u32>,
    /// The places of the rows, by id.
    order: Vec<u32>,
    /// The places of rows that have no place in the order yet.
    new: Vec<u32>,
}

/// How many rows are put into the order one by one; for more of them it is cheaper to sort anew.
const ONE_BY_ONE: usize = 16;

impl Rows {
    /// None yet, under the tenant's key.
    pub(crate) fn new(key: &DigestKey) -> Self {
        Self {
            places: Finder::new(key),
            held: Vec::new(),
            free: Vec::new(),
            order: Vec::new(),
            new: Vec::new(),
        }
    }

    /// The row of `id`.
    pub(crate) fn get(&self, id: &str) -> Option<&Row> {
        let place = *self.places.get(id)?;
        self.held[place as usize].as_ref().map(|(_, row)| row)
    }

    /// The row of `id`, to be changed.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Row> {
        let place = *self.places.get(id)?;
        self.held[place as usize].as_mut().map(|(_, row)| row)
    }

    /// The row of `id`, a new one if there is none.
    pub(crate) fn or_insert(&mut self, id: &str) -> &mut Row {
        let (held, free) = (&mut self.held, &mut self.free);
        let mut is_new = false;
        let place = *self.places.or_insert(id, || {
            is_new = true;
            free.pop().unwrap_or_else(|| {
                held.push(None);
                u32::try_from(held.len() - 1).unwrap_or(u32::MAX)
            })
        });
        if is_new {
            self.new.push(place);
        }
        let (_, row) = self.held[place as usize].get_or_insert_with(|| (id.into(), Row::default()));
        row
    }

    /// Puts the rows that were added into the order.
    pub(crate) fn settle(&mut self) {
        let new = std::mem::take(&mut self.new);
        if new.len() <= ONE_BY_ONE {
            for place in new {
                let at = self.order.partition_point(|other| self.id(*other) < self.id(place));
                self.order.insert(at, place);
            }
        } else if self.order.is_empty() {
            // By the first eight bytes, which are at hand, and by the rest only where those are the same.
            let front = |id: &str| {
                let mut front = [0; 8];
                let bytes = id.as_bytes();
                let count = bytes.len().min(8);
                front[..count].copy_from_slice(&bytes[..count]);
                u64::from_be_bytes(front)
            };
            let mut keyed: Vec<(u64, u32)> =
                new.into_iter().map(|place| (front(self.id(place)), place)).collect();
            keyed.sort_unstable_by(|one, other| {
                one.0.cmp(&other.0).then_with(|| self.id(one.1).cmp(self.id(other.1)))
            });
            self.order = keyed.into_iter().map(|(_, place)| place).collect();
        } else {
            // Both are runs that mostly ascend, and the sort merges runs.
            let mut order = std::mem::take(&mut self.order);
            order.extend(new);
            order.sort_by(|one, other| self.id(*one).cmp(self.id(*other)));
            self.order = order;
        }
    }

    /// Takes the row of `id` out; the rows are settled.
    pub(crate) fn remove(&mut self, id: &str) {
        let at = self.order.partition_point(|other| self.id(*other) < id);
        if let Some(place) = self.places.remove(id) {
            self.order.remove(at);
            self.held[place as usize] = None;
            self.free.push(place);
        }
    }

    /// Every row, in the order of ids.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Row)> {
        self.order.iter().map(|place| match &self.held[*place as usize] {
            Some((id, row)) => (&**id, row),
            None => unreachable!("the order names rows that are there"),
        })
    }

    /// Every row, to be changed, in the order of ids.
    pub(crate) fn each_mut(&mut self, mut change: impl FnMut(&str, &mut Row)) {
        for place in &self.order {
            if let Some((id, row)) = &mut self.held[*place as usize] {
                change(id, row);
            }
        }
    }

    fn id(&self, place: u32) -> &str {
        self.held[place as usize].as_ref().map_or("", |(id, _)| id)
    }
}
