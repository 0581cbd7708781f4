//! Cycles: what came in since somebody last looked, for whoever compares after each reading.
//!
//! Invariants: it is used on one thread; nothing that came in is lost, however late somebody looks; what is kept is at most every
//! system and every entity once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use tokio::sync::Notify;
use xops_graph::reading::Touched;
use xops_kernel::id::EntityId;

/// What came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// The systems of which a cycle ended.
    pub systems: BTreeSet<String>,
    /// The systems of which a reading touched somebody, also where its cycle is not over.
    pub heard: BTreeSet<String>,
    /// The entities that the readings touched.
    pub touched: BTreeSet<EntityId>,
}

/// See the module.
#[derive(Default)]
pub struct Cycles {
    came: RefCell<Came>,
    rang: Notify,
    /// The kinds of record, by system, that are read although no declaration needs them.
    pub also: RefCell<BTreeSet<(String, String)>>,
}

impl Cycles {
    /// Notes whom a reading of `system` touched.
    pub fn touch(&self, system: &str, touched: Touched) {
        let mut came = self.came.borrow_mut();
        came.heard.insert(system.to_owned());
        came.touched.extend(touched.entities);
    }

    /// Notes that a cycle of `system` ended.
    pub fn ended(&self, system: &str) {
        self.came.borrow_mut().systems.insert(system.to_owned());
        self.rang.notify_one();
    }

    /// Waits until a cycle ended, and gives everything that came in since the last time.
    pub async fn next(&self) -> Came {
        while self.came.borrow().systems.is_empty() {
            self.rang.notified().await;
        }
        std::mem::take(&mut *self.came.borrow_mut())
    }

    /// Whether the records (`system`, `kind`) are wanted beside what is declared.
    pub fn wants(&self, system: &str, kind: &str) -> bool {
        self.also.borrow().contains(&(system.to_owned(), kind.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn what_came_in_before_anybody_looked_is_there_when_somebody_does() {
        let cycles = Cycles::default();
        cycles.touch("okta", Touched { entities: [EntityId([1; 16])].into() });
        cycles.ended("okta");
        cycles.touch("jira", Touched { entities: [EntityId([2; 16])].into() });
        cycles.ended("slack");
        let came = cycles.next().await;
        assert_eq!(came.systems, ["okta".to_owned(), "slack".to_owned()].into());
        assert_eq!(came.heard, ["okta".to_owned(), "jira".to_owned()].into());
        assert_eq!(came.touched, [EntityId([1; 16]), EntityId([2; 16])].into());
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(5), cycles.next()).await;
        assert!(nothing.is_err(), "and it is told once");
    }
}
