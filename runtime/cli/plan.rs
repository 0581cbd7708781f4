//! xops plan.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn run(_common: &Common, _plan: &Target) -> Outcome { Ok(Exit::Done) }
