//! xops demo.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _demo: &Demo) -> Outcome { Ok(Exit::Done) }
