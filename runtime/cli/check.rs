//! xops check.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _check: &Check) -> Outcome { Ok(Exit::Done) }
