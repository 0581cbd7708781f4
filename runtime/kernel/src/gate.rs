//! The gate: go, wait or no-go before each step, with the data that it saw.
//!
//! Invariants: the verdict is a function of the sheet alone, so an auditor can hold each journaled verdict against its sheet;
//! a compensation passes without looking at the footprint, because a changed footprint is why it runs.

use crate::id::Direction;
use crate::record::Millis;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// What the gate saw. Facts that still hold are not repeated here: they stand in the plan's footprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The oldest reading behind the facts that the step hangs on; `0` where it hangs on none.
    pub oldest_read: Millis,
    /// The facts that no longer hold.
    pub changed: Vec<Changed>,
    /// The references that are not known any more.
    pub unknown: Vec<String>,
    /// Until when the breaker of the system is open.
    pub breaker_until: Option<Millis>,
    /// What is paused and covers this step.
    pub paused: Option<String>,
    /// The instance that holds a lock which the step needs.
    pub locked_by: Option<String>,
}

/// A fact that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The reference.
    pub what: String,
    /// What it is now; `None` for a fact that is not to be repeated because it is personal.
    pub now: Option<Value>,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Act.
    Go,
    /// Ask again: at a time, or when what is in the way is gone.
    Wait {
        /// The time, where it is known.
        until: Option<Millis>,
        /// What is in the way.
        why: String,
    },
    /// Do not act: the plan no longer follows from what is true.
    NoGo {
        /// What does not hold.
        why: String,
    },
}

/// Judges a sheet.
pub fn judge(direction: Direction, sheet: &Sheet) -> Verdict {
    if direction == Direction::Forward {
        if !sheet.changed.is_empty() {
            let what: Vec<_> = sheet.changed.iter().map(|changed| changed.what.as_str()).collect();
            return Verdict::NoGo {
                why: format!("`{}` changed since the plan was drawn", what.join("`, `")),
            };
        }
        if !sheet.unknown.is_empty() {
            return Verdict::Wait {
                until: None,
                why: format!("`{}` is unknown", sheet.unknown.join("`, `")),
            };
        }
    }
    if let Some(scope) = &sheet.paused {
        return Verdict::Wait { until: None, why: format!("`{scope}` is paused") };
    }
    if let Some(until) = sheet.breaker_until {
        return Verdict::Wait { until: Some(until), why: "the breaker of the system is open".to_owned() };
    }
    if let Some(holder) = &sheet.locked_by {
        return Verdict::Wait { until: None, why: format!("{holder} holds a lock that the step needs") };
    }
    Verdict::Go
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Go => "go",
            Verdict::Wait { .. } => "wait",
            Verdict::NoGo { .. } => "no-go",
        }
    }

    fn check(sheet: &Sheet, forward: &str, backward: &str) {
        assert_eq!(word(&judge(Direction::Forward, sheet)), forward, "{sheet:?}");
        assert_eq!(word(&judge(Direction::Backward, sheet)), backward, "{sheet:?}");
    }

    #[test]
    fn a_compensation_does_not_look_at_the_footprint() {
        check(&Sheet::default(), "go", "go");
        let changed = vec![Changed { what: "person.email".into(), now: None }];
        check(&Sheet { changed, ..Sheet::default() }, "no-go", "go");
        check(&Sheet { unknown: vec!["person.email".into()], ..Sheet::default() }, "wait", "go");
        check(&Sheet { breaker_until: Some(7), ..Sheet::default() }, "wait", "wait");
        check(&Sheet { paused: Some("domain identity".into()), ..Sheet::default() }, "wait", "wait");
    }
}
