//! xops estate.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub fn run(_common: &Common, _estate: &Estate) -> Outcome { Ok(Exit::Done) }
