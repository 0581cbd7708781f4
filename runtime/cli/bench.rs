//! xops bench.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _bench: &Bench) -> Outcome { Ok(Exit::Done) }
