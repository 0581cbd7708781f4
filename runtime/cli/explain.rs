//! xops explain.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn run(_common: &Common, _explain: &Explain) -> Outcome { Ok(Exit::Done) }
