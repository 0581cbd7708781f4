//! xops replay.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _replay: &Replay) -> Outcome { Ok(Exit::Done) }
