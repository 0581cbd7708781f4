//! What an engine offers to whoever keeps its journal: where it durably ends, and the erasure of a person.

use super::Engine;
use crate::letter;
use xops_journal::journal::Durable;
use xops_journal::snapshot::held;
use xops_kernel::log::Erased;

impl Engine {
    /// Where the journal durably ends, for whoever follows it on another thread; none of an engine that does not write.
    pub fn durable(&self) -> Option<Durable> {
        self.durable.clone()
    }

    /// Erases somebody: how many keys were destroyed.
    pub async fn erase(&self, erased: Erased) -> Result<usize, String> {
        let told = self.service.send(letter::Erase(Box::new(erased))).await;
        let destroyed = told.map_err(|error| error.to_string())??;
        let stopped = |_| "the journal stopped before the keys were destroyed".to_owned();
        let keys = destroyed.await.map_err(stopped)??;
        if let Some(disk) = &self.tenant.disk {
            held::forget(&**disk, None).map_err(|error| error.to_string())?;
        }
        Ok(keys)
    }
}
