//! What an engine takes and bears before it says no.

use crate::supervisor::Budget;

/// How many requests may be open before more are turned away, unless it is said otherwise.
pub const OPEN_MAX: usize = 100_000;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many requests may be open before more are turned away.
    pub open_max: usize,
    /// How often a robot is started again before its system is set aside.
    pub restarts: Budget,
}

impl Default for Limits {
    fn default() -> Self {
        Self { open_max: OPEN_MAX, restarts: Budget::default() }
    }
}
