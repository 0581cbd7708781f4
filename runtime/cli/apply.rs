//! xops apply.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn run(_common: &Common, _apply: &Apply) -> Outcome { Ok(Exit::Done) }
