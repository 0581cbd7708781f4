//! Pages over which the connector panics: a strike against the read, and no end of the robot.

use crate::door::Door;
use crate::supervisor::Child;
use crate::tenant::Tenant;
use std::rc::Rc;
use xops_kernel::culprit::Culprit;
use xops_kernel::port::{Outcome, ReadPage};
use xops_robots::dataops::progress::Answer;

/// The name under which a read is set aside.
pub(super) fn read_of(system: &str, read: &str) -> Culprit {
    Culprit::Read { system: system.to_owned(), read: read.to_owned() }
}

/// Whether a read is set aside.
pub(super) fn is_aside(tenant: &Tenant, system: &str, read: &str) -> bool {
    let aside = &tenant.ambient.borrow().aside;
    !aside.is_empty() && aside.contains(&read_of(system, read))
}

/// What the connector makes of a page. A page over which it panics is a strike against the read, and nothing is concluded from it.
pub(super) fn guarded(
    tenant: &Rc<Tenant>,
    system: &str,
    read: &str,
    page: impl FnOnce() -> ReadPage,
) -> Answer {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(page)) {
        Ok(page) => {
            if let ReadPage::Records { records, .. } = &page {
                let door = Door::of(tenant, system);
                door.records.set(door.records.get() + records.len() as u64);
            }
            Answer::from(page)
        }
        Err(_panic) => {
            let robot = Child::DataOps(system.to_owned()).to_string();
            tenant.hub.strike(read_of(system, read), &robot, "reading a page", false);
            Answer::Failed(Outcome::Transient("taking in a page of it panicked".to_owned()))
        }
    }
}
