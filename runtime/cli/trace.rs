//! xops trace.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _trace: &Trace) -> Outcome { Ok(Exit::Done) }
