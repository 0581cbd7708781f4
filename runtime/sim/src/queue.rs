//! What is on its way, by its time.
//!
//! Invariants: of two things at one time the one that was put first comes first; things stay where they are while their order
//! changes, because they are large and their order is not.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use xops_kernel::record::Millis;

/// Things by their time.
pub(crate) struct Queue<T> {
    order: BinaryHeap<Reverse<(Millis, u64, usize)>>,
    things: Vec<Option<T>>,
    free: Vec<usize>,
    put: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { order: BinaryHeap::new(), things: Vec::new(), free: Vec::new(), put: 0 }
    }

    pub(crate) fn put(&mut self, at: Millis, thing: T) {
        self.put += 1;
        let place = self.free.pop().unwrap_or(self.things.len());
        match self.things.get_mut(place) {
            Some(free) => *free = Some(thing),
            None => self.things.push(Some(thing)),
        }
        self.order.push(Reverse((at, self.put, place)));
    }

    /// The next thing and its time.
    pub(crate) fn pop(&mut self) -> Option<(Millis, T)> {
        let Reverse((at, _, place)) = self.order.pop()?;
        self.free.push(place);
        self.things.get_mut(place).and_then(Option::take).map(|thing| (at, thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_by_their_time_and_at_one_time_as_they_were_put() {
        let mut queue = Queue::new();
        for (at, thing) in [(5, "late"), (1, "first"), (3, "one"), (3, "two"), (3, "three")] {
            queue.put(at, thing);
        }
        assert_eq!(queue.pop(), Some((1, "first")));
        queue.put(3, "four");
        queue.put(2, "before");
        let rest: Vec<&str> = std::iter::from_fn(|| queue.pop()).map(|(_, thing)| thing).collect();
        assert_eq!(rest, ["before", "one", "two", "three", "four", "late"]);
    }
}
