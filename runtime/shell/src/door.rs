//! The door before one system: what its robots share of admission, and what waits there.
//!
//! Invariants: it outlives the robots of its system, so that one that is started again after a panic does not burst, and what it
//! must not forget outlives the process: it is written beside the journal before the call that made it so; nothing is held
//! borrowed over a wait.

use crate::tenant::Tenant;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use xops_journal::disk::Disk;
use xops_kernel::port::{Limit, Response};
use xops_kernel::record::Millis;
use xops_robots::platform::admission::Admission;
use xops_robots::platform::breaker::Limits;
use xops_robots::platform::bucket::{Mark, Urgency};
use xops_robots::platform::budget::{Budget, Call};

/// How long one request waits for its budget before it is given up.
const PACE_MAX_MS: u64 = 600_000;

/// See the module.
pub struct Door {
    /// Breaker, budgets, places.
    pub admission: RefCell<Admission>,
    /// How many jobs wait, and since when the oldest does.
    pub queue: RefCell<(usize, Option<Millis>)>,
    /// How many records reads brought since it was made, for whoever shows how a read goes on.
    pub records: Cell<u64>,
    system: String,
    /// Where the budgets are remembered; nowhere for an engine that does not write.
    disk: Option<Arc<dyn Disk>>,
}

/// The first line of the file in which budgets are remembered.
const REMEMBERED: &str = "xops budgets 1";

impl Door {
    /// The door before `system`, made when it is first asked for.
    pub fn of(tenant: &Tenant, system: &str) -> Rc<Self> {
        if let Some(door) = tenant.robots.borrow().doors.get(system) {
            return Rc::clone(door);
        }
        let declared = tenant.declarations.systems.get(system);
        let concurrency = declared.map_or(1, |system| system.concurrency.max(1));
        let seed = xops_robots::retry::seed_of(&[system]);
        let now = tenant.hub.clock.now();
        let restarted = tenant.ambient.borrow().restarted;
        let limits = tenant.shared.connector.limits(declared.map_or(system, |system| &system.name));
        let disk = tenant.disk.clone();
        let marks = disk.as_ref().map(|disk| recall(&**disk, system)).unwrap_or_default();
        let budget = |limit: Limit| {
            let mark = marks.get(&limit.name).copied();
            Budget::remembered(limit, mark, now, restarted)
        };
        let budgets = limits.into_iter().map(budget).collect();
        let admission = Admission::new(Limits::default(), budgets, concurrency, seed);
        let (admission, queue) = (RefCell::new(admission), RefCell::default());
        let records = Cell::new(0);
        let door = Rc::new(Self { admission, queue, records, system: system.to_owned(), disk });
        tenant.robots.borrow_mut().doors.insert(system.to_owned(), Rc::clone(&door));
        door
    }

    /// Waits until one more request of a lookup, which has its place, may go; the error says that it waited too long.
    pub async fn again(&self, tenant: &Tenant, call: &Call, urgency: Urgency) -> Result<(), String> {
        self.wait(tenant, |admission, now| admission.again(call, urgency, now)).await
    }

    /// Waits until a request of a read may go, and gives it its place.
    pub async fn pace(&self, tenant: &Tenant, call: Call) -> Result<Turn<'_>, String> {
        self.wait(tenant, |admission, now| admission.pace(&call, Urgency::Ordinary, now)).await?;
        Ok(Turn { door: self, call })
    }

    async fn wait(
        &self,
        tenant: &Tenant,
        mut ask: impl FnMut(&mut Admission, Millis) -> Result<(), Millis>,
    ) -> Result<(), String> {
        let clock = tenant.hub.clock;
        let give_up = clock.now().saturating_add(PACE_MAX_MS);
        loop {
            let now = clock.now();
            let asked = ask(&mut self.admission.borrow_mut(), now);
            let Err(until) = asked else {
                self.remember(now);
                return Ok(());
            };
            if until > give_up {
                return Err("the budget of the system is spent for longer than a request waits".to_owned());
            }
            tokio::time::sleep(clock.until(until).max(Duration::from_millis(1))).await;
        }
    }

    /// Writes down what must not be forgotten, if that changed: before the call goes.
    pub fn remember(&self, now: Millis) {
        let Some(disk) = &self.disk else { return };
        let Some(marks) = self.admission.borrow_mut().to_remember(now) else { return };
        let mut text = format!("{REMEMBERED}\n");
        for (name, mark) in marks {
            text.extend([format!("{} {} {} {name}\n", mark.left, mark.at, mark.shut_until)]);
        }
        if let Err(error) = disk.replace(&file_of(&self.system), text.as_bytes()) {
            tracing::warn!(system = self.system, %error, "failed to remember what is left of the system's budgets");
        }
    }

    /// What is left of each budget: `20/50` by name.
    pub fn budgets(&self, now: Millis) -> BTreeMap<String, String> {
        let left = self.admission.borrow_mut().left(now);
        left.into_iter().map(|left| (left.name, format!("{}/{}", left.left, left.of))).collect()
    }
}

fn file_of(system: &str) -> String {
    format!("budgets-{system}.xops")
}

/// What an earlier process remembered of the budgets of a system. What cannot be read was not remembered: then half of every
/// budget is held to be spent.
fn recall(disk: &dyn Disk, system: &str) -> BTreeMap<String, Mark> {
    let Ok(bytes) = disk.read(&file_of(system)) else { return BTreeMap::new() };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    if lines.next() != Some(REMEMBERED) {
        return BTreeMap::new();
    }
    let mark = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let mut number = || words.next()?.parse().ok();
        let mark = Mark { left: number()?, at: number()?, shut_until: number()? };
        Some((words.next()?.to_owned(), mark))
    };
    lines.filter_map(mark).collect()
}

/// The place of a request of a read, given back when it is dropped: also where the robot ends in between.
pub struct Turn<'a> {
    door: &'a Door,
    call: Call,
}

impl Turn<'_> {
    /// Takes in what the answer says of the limits.
    pub fn heard(&self, response: &Response, now: Millis) {
        self.door.admission.borrow_mut().heard(&self.call, response, now);
        self.door.remember(now);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.door.admission.borrow_mut().paced(&self.call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_journal::disk::MemoryDisk;

    fn check(text: &str, expect: &[(&str, u64, Millis, Millis)]) {
        let disk = MemoryDisk::default();
        disk.replace(&file_of("okta"), text.as_bytes()).expect("a file");
        let marks = recall(&disk, "okta");
        let told: Vec<_> =
            marks.iter().map(|(name, mark)| (name.as_str(), mark.left, mark.at, mark.shut_until)).collect();
        assert_eq!(told, expect, "{text:?}");
    }

    #[test]
    fn what_was_remembered_is_read_back_and_what_is_damaged_was_not_remembered() {
        check(
            "xops budgets 1\n12 1000 0 api\n0 5 9 all writes\n",
            &[("all writes", 0, 5, 9), ("api", 12, 1000, 0)],
        );
        check("xops budgets 1\n12 1000 api\nx 5 9 writes\n-1 5 9 reads\n7 5 9", &[]);
        check("xops budgets 2\n12 1000 0 api\n", &[]);
        check("", &[]);
        assert!(recall(&MemoryDisk::default(), "slack").is_empty());
    }
}
