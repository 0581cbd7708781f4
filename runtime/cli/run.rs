//! xops run.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn run(_common: &Common, _run: &Run) -> Outcome { Ok(Exit::Done) }
